"""The response clock: its states, and what the pages say of it."""

from datetime import timedelta

import pytest
from django.template import Context

from leadcrm.workspaces.actors import Actor
from leads import lifecycle, response, timeline
from leads.models import Lead
from leads.response import State
from leads.templatetags.lead_tags import due_chip, response_clock
from tests.factories import make_lead

MINUTE = timedelta(minutes=1)


def clock(lead, now, workspace):
    return response_clock(Context({"workspace": workspace}), Lead.objects.get(pk=lead.pk), now)


@pytest.mark.parametrize(
    ("minutes", "state", "said", "colour"),
    [
        (1, State.DUE, "Answer within 9 min", "bg-yellow-lt"),
        (10, State.DUE, "Answer within 1 min", "bg-yellow-lt"),
        (12, State.LATE, "Answer late by 2 min", "bg-red-lt"),
    ],
)
def test_a_running_clock(acme, now, minutes, state, said, colour):
    lead = make_lead(now=now)  # by a website form: 10 minutes
    assert response.state_of(lead, now + minutes * MINUTE) is state
    shown = clock(lead, now + minutes * MINUTE, acme)
    assert said in shown
    assert colour in shown


@pytest.mark.parametrize(
    ("minutes", "state", "said"),
    [(4, State.MET, "Answered in 4 min<"), (20, State.MISSED, "Answered in 20 min, late<")],
)
def test_the_first_answer_stops_it(acme, me, now, minutes, state, said):
    lead, later = make_lead(now=now), now + minutes * MINUTE
    timeline.log_call([lead.pk], outcome="no_answer", by=me, now=later)
    answered = Lead.objects.get(pk=lead.pk)
    assert response.state_of(answered, later + 60 * MINUTE) is state
    assert said in clock(lead, later + 60 * MINUTE, acme)


def test_what_comes_at_night_and_is_answered_in_the_morning_took_minutes(acme, me, now):
    at_night, nine = now.replace(hour=2), now.replace(hour=9)
    lead = make_lead(now=at_night)
    assert lead.answer_due_at == nine + 30 * MINUTE
    timeline.log_call([lead.pk], outcome="no_answer", by=me, now=nine + 7 * MINUTE)
    assert "Answered in 7 min<" in clock(lead, nine + 8 * MINUTE, acme)


def test_no_clock_runs_for_history_and_closed_leads(acme, me, now):
    old, closed = make_lead(lane="backfill"), make_lead()
    lifecycle.close([closed.pk], reason="price", by=me, now=now)
    for lead in (old, closed):
        assert response.state_of(Lead.objects.get(pk=lead.pk), now + 60 * MINUTE) is State.NONE
        assert clock(lead, now + 60 * MINUTE, acme) == ""


def test_a_machine_stops_no_clock(acme, now):
    lead = make_lead(now=now)
    lifecycle.qualify([lead.pk], by=Actor.system("rule"), now=now + MINUTE)
    assert response.state_of(Lead.objects.get(pk=lead.pk), now + 20 * MINUTE) is State.LATE


@pytest.mark.parametrize(
    ("minutes", "said", "colour"),
    [(-12, "Overdue 12 min", "bg-red-lt"), (4, "4 min left", "bg-yellow-lt"), (90, "in 1 h", "due-later")],
)  # fmt: skip
def test_what_is_due_is_said_in_words_and_colour(now, minutes, said, colour):
    chip = due_chip(now + minutes * MINUTE, now)
    assert said in chip
    assert colour in chip
    assert due_chip(None, now) == ""
