"""Milestones, and the promise that the order of the same events doesn't matter."""

import itertools
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leadcrm.workspaces.actors import Actor
from leads import appointments, lifecycle, timeline
from leads.booking import Booking
from leads.capture import capture_leads
from leads.lifecycle import Evidence
from leads.models import Appointment, CallBehaviour, Lead, Source
from leads.setup import add_pipeline
from tests.factories import NOW, make_draft, make_lead

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 60 * DAY  # when all is heard of

ORDER_FREE = (
    "status", "stage_id", "pipeline_id", "stage_entered_at", "attempt", "attempt_started_at",
    "created_at", "first_touch_at", "first_touch", "last_touch", "last_activity_at",
    "first_response_at", "first_response_self_reported", "answer_due_at", "attempt_count",
    "contacted_at", "engaged_at", "mql_at", "qualified_at", "scheduled_at", "completed_at",
    "converted_at", "lost_at", "disqualified_at", "unread_since", "work_due_at", "auto_close_at",
    "snoozed_until", "contact_id", "email", "owner_id", "needs_review",
)  # fmt: skip
# By nature not free of order: which of two enquiries' texts, answers, source and click ids sit on
# the lead (the one that came in first), provenance, and how often it was written (version).


class Undo(Exception):
    """Rolls an order back, so that the next one starts from the same lead."""


# --- what can happen -------------------------------------------------------------------------


def enquiry(number, at, touched):
    at += timedelta(microseconds=number)  # of two at the very same time none is first
    touch = {"page": f"/{number}"} if touched else {}

    def happen(lead, who):
        draft = make_draft(
            email=lead.email,
            occurred_at=at,
            key=f"e{number}",
            source=Source.objects.get(),
            first_touch=touch,
            last_touch=touch,
        )
        capture_leads([draft], by=Actor.system("form"), now=LATER)

    return happen


def call(number, at, outcome, direction, seconds, external):
    def happen(lead, who):
        timeline.log_call(
            [lead.pk], outcome=outcome, direction=direction, seconds=seconds, at=at, by=who,
            now=LATER, call_back_at=LATER + DAY if outcome == "call_back" else None,
            plan_next=False, external_id=f"x{number}" if external else "",
        )  # fmt: skip

    return happen


def message(number, at, direction, external):
    def happen(lead, who):
        timeline.log_message(
            [lead.pk], channel="email", direction=direction, body="Hello", at=at, by=who,
            now=LATER, external_id=f"x{number}" if external else "",
        )  # fmt: skip

    return happen


def evidence(number, at, to, ahead):
    def happen(lead, who):
        told = Evidence(f"k{number}", at, "callrail", scheduled_for=at + ahead if ahead else None)
        lifecycle.advance([lead.pk], to=to, evidence=told, by=Actor.system("callrail"), now=LATER)

    return happen


HOURS = st.integers(1, 40)
TIMES = HOURS.map(lambda hours: NOW + hours * HOUR)
# What happens, before it has its number.
EVENTS = st.one_of(
    st.tuples(
        st.just(enquiry),
        st.integers(-40, 40).map(lambda hours: NOW + hours * HOUR),
        st.booleans(),
    ),
    st.tuples(
        st.just(call),
        TIMES,
        st.sampled_from(CallBehaviour.values),
        st.sampled_from(["inbound", "outbound"]),
        st.sampled_from([None, 10, 45]),
        st.booleans(),
    ),
    st.tuples(st.just(message), TIMES, st.sampled_from(["inbound", "outbound"]), st.booleans()),
    st.tuples(
        st.just(evidence),
        TIMES,
        st.sampled_from(["engaged", "contacted", "mql", "qualified", "scheduled", "completed"]),
        st.sampled_from([None, HOUR, 30 * HOUR]),
    ),
)
ACTORS = st.sampled_from(["person", "system"])


def outcome_of(lead, events, who):
    """What the lead and its appointments are after these events; the database forgets it again."""
    state = {}
    try:
        with transaction.atomic():
            for happen, actor in events:
                happen(lead, who[actor])
            state = Lead.objects.filter(pk=lead.pk).values(*ORDER_FREE).get()
            booked = Appointment.objects.filter(lead=lead).values_list("scheduled_for", flat=True)
            state["booked"] = sorted(map(str, booked))
            assert Lead.objects.count() == 1
            raise Undo
    except Undo:
        return state


@pytest.mark.parametrize("template", ["standard", "appointments", "mql", "bant"])
def test_any_order_of_the_same_events_gives_the_same_end_state(acme, me, template):
    lead = make_lead(pipeline=add_pipeline(template, key="x"), first_touch={"page": "/0"})
    who = {"person": me, "system": Actor.system("callrail")}

    @settings(
        max_examples=10, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(st.lists(st.tuples(EVENTS, ACTORS), min_size=2, max_size=6), st.randoms())
    def check(given_events, random):
        if template == "appointments" and any("completed" in event for event, _ in given_events):
            # There a visit wins the lead, and whoever enquires after that gets a new one.
            given_events = [one for one in given_events if one[0][0] is not enquiry]
        events = [
            (make(number, *facts), actor)
            for number, ((make, *facts), actor) in enumerate(given_events)
        ]
        expected = outcome_of(lead, events, who)
        for _ in range(2):
            random.shuffle(events)
            assert outcome_of(lead, events, who) == expected

    check()


# --- each milestone --------------------------------------------------------------------------


def test_milestones_are_the_least_and_last_activity_the_greatest(acme, me, now):
    for hours in itertools.permutations((2, 5, 9)):
        lead = make_lead()
        for hour in hours:
            timeline.log_call(
                [lead.pk], outcome="reached", at=now + hour * HOUR, by=me, now=now + DAY
            )
        lead = Lead.objects.get(pk=lead.pk)
        assert (lead.contacted_at, lead.first_response_at) == (now + 2 * HOUR, now + 2 * HOUR)
        assert (lead.last_activity_at, lead.attempt_count) == (now + 9 * HOUR, 3)


def test_a_no_show_leaves_the_milestone(acme, me, now):
    lead = make_lead()
    lifecycle.schedule([lead.pk], booking=Booking(now + HOUR), by=me, now=now)
    appointments.no_show(Appointment.objects.get(), by=me, now=now + DAY)
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.status, lead.scheduled_at) == ("qualified", now)


def test_reopening_clears_what_describes_the_present_and_keeps_milestones(acme, me, now):
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=now + HOUR)
    lifecycle.close([lead.pk], reason="price", by=me, now=now + 2 * HOUR)
    lifecycle.reopen([lead.pk], by=me, now=now + 3 * HOUR)
    lifecycle.qualify([lead.pk], by=me, now=now + 4 * HOUR)
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.lost_at, lead.qualified_at) == (None, now + HOUR)
    assert lead.stage_entered_at == now + 4 * HOUR


def test_the_first_human_engagement_moves_new_to_engaged_where_that_stage_exists(acme, me, now):
    mql, standard = make_lead(pipeline=add_pipeline("mql")), make_lead()
    for lead in (mql, standard):
        timeline.log_message(
            [lead.pk], channel="email", direction="inbound", body="Hi", by=me, now=now
        )
    mql, standard = Lead.objects.get(pk=mql.pk), Lead.objects.get(pk=standard.pk)
    assert (mql.status, mql.engaged_at) == ("engaged", now)
    assert (standard.status, standard.engaged_at, standard.contacted_at) == ("contacted", now, now)
