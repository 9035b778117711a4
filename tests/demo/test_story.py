"""The demo's story: every stage and turn that a newcomer should find, and nothing that can't be."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, F, Q

from leadcrm.demo import cast, story
from leadcrm.demo.almanac import QUIET
from leadcrm.workspaces.models import Absence, Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import (
    Activity,
    Appointment,
    Company,
    Contact,
    ContactKey,
    FieldSuggestion,
    Lead,
    Message,
    Notification,
    RoutingSeat,
    Stage,
    Task,
)
from leads.models.activity import Lane
from tests.demo.conftest import Telling

OPEN = Q(archived_at=None, stage__outcome="open")
WAITING = OPEN & Q(answer_due_at__isnull=False, first_response_at=None)
FICTIONAL_DOMAINS = (".example", ".invalid", "example.com", "example.net", "example.org")
MILESTONES = ("contacted_at", "qualified_at", "scheduled_at", "completed_at", "converted_at")

# So that the database is there; the telling itself is one for all tests of the module.
pytestmark = pytest.mark.django_db


def test_every_stage_of_both_pipelines_holds_leads(demo: Telling) -> None:
    for stage in Stage.objects.select_related("pipeline"):
        name = f"{stage.pipeline.label}: {stage.label}"
        assert Lead.objects.present().filter(stage=stage).exists(), name


def test_leads_belong_to_several_teams_and_come_by_every_source(demo: Telling) -> None:
    owners = Lead.objects.filter(owner__role="rep").values("owner", "owner__team").distinct()
    assert len({row["owner"] for row in owners}) == 6
    assert len({row["owner__team"] for row in owners}) == 3
    assert set(Lead.objects.values_list("source__name", flat=True)) == {
        channel.name for channel in cast.CHANNELS
    }


def test_what_happens_to_people_happens_to_somebody(demo: Telling) -> None:
    now, leads = demo.now, Lead.objects.all()
    found = {
        "asked again": Activity.objects.filter(kind="enquiry_repeated"),
        "a reply waits": leads.filter(OPEN, unread_since__isnull=False),
        "snoozed": leads.filter(OPEN, snoozed_until__gt=now),
        "comes back soon": leads.filter(returns_at__range=(now, now + timedelta(days=3))),
        "removed": leads.exclude(archived_at=None),
        "needs review": leads.filter(needs_review=True),
        "a trial": leads.filter(is_test=True),
        "not to be contacted": ContactKey.objects.exclude(do_not_contact_at=None),
        "a shared phone": ContactKey.objects.filter(shared=True),
        "a suggestion": FieldSuggestion.objects.filter(decided_at=None),
        "handed over": Activity.objects.filter(kind="owner_changed"),
        "no next step": leads.filter(OPEN, work_due_at=None),
        "a planned step": Task.objects.filter(done_at=None, due_at__gt=now),
        "a step done": Task.objects.exclude(done_at=None).filter(kind=Task.Kind.TODO),
        "a no-show": Appointment.objects.filter(status="no_show"),
        "called off": Appointment.objects.filter(status="canceled"),
        "an outcome missing": _booked().filter(scheduled_for__lt=now - timedelta(hours=1)),
        "a visit to come": _booked().filter(scheduled_for__gt=now),
        "a customer again": Contact.objects.annotate(
            won=Count("leads", filter=Q(leads__stage__outcome="won")), all=Count("leads")
        ).filter(won__gt=0, all__gt=1),
        "colleagues of one company": Company.objects.annotate(n=Count("contacts")).filter(n__gt=1),
    }
    assert [name for name, rows in found.items() if not rows.exists()] == []


def test_somebody_is_away_and_the_others_are_told_of_what_is_new(demo: Telling) -> None:
    assert Absence.objects.count() == 1
    assert Membership.objects.filter(on_duty=False).count() == 1
    assert RoutingSeat.objects.count() >= 5
    told = set(Notification.objects.values_list("kind", flat=True))
    assert {"new_lead", "assigned", "reply"} <= told
    away = Notification.objects.filter(member__absences__isnull=False, kind="new_lead")
    assert not away.exists()


def test_a_missed_visit_was_given_a_new_date(demo: Telling) -> None:
    missed = Appointment.objects.filter(status="no_show").values("lead")
    assert _booked().filter(lead__in=missed, scheduled_for__gt=demo.now).exists()


def test_clocks_run_at_any_hour(demo: Telling) -> None:
    left = sorted(
        (due - demo.now).total_seconds() / 60
        for due in Lead.objects.filter(WAITING).values_list("answer_due_at", flat=True)
    )
    assert -60 < left[0] < 0  # one is late
    assert any(0 < minutes < 10 for minutes in left)
    assert max(left) < 240  # and nothing is "in 2 d"


def test_nothing_lies_in_the_future_and_only_the_last_hours_are_live(demo: Telling) -> None:
    assert not Activity.objects.filter(occurred_at__gt=demo.now).exists()
    assert not Message.objects.filter(occurred_at__gt=demo.now).exists()
    live = Activity.objects.filter(lane=Lane.LIVE)
    assert live.exists()
    assert not live.filter(occurred_at__lt=demo.now - QUIET).exists()
    late_starts = Lead.objects.filter(created_at__lt=demo.now - timedelta(days=91))
    assert not late_starts.exists()


def test_milestones_come_in_their_order(demo: Telling) -> None:
    for name in (*MILESTONES, "first_response_at", "lost_at", "disqualified_at"):
        assert not Lead.objects.filter(**{f"{name}__lt": F("created_at")}).exists(), name
    # Who was booked at once and didn't come was qualified only afterwards.
    came = Lead.objects.exclude(appointments__status="no_show")
    for earlier, later in pairwise(MILESTONES):
        assert not came.filter(**{f"{later}__lt": F(earlier)}).exists(), later
    assert not Lead.objects.filter(attempt_count=0, attempt=1, loss_reason="no_contact").exists()


def test_no_host_is_in_two_places(demo: Telling) -> None:
    held = Appointment.objects.exclude(status="canceled").order_by("host", "scheduled_for")
    times: list[Any] = list(held.values_list("host", "scheduled_for", "minutes"))
    for (host, start, minutes), (other, following, _) in pairwise(times):
        assert host != other or start + timedelta(minutes=minutes) <= following


def test_reasons_and_notes_vary(demo: Telling) -> None:
    reasons = Counter(Lead.objects.exclude(loss_reason="").values_list("loss_reason", flat=True))
    unfit = Lead.objects.exclude(disqualification_reason="")
    assert len(reasons) >= 6
    assert len(set(unfit.values_list("disqualification_reason", flat=True))) >= 4
    assert Lead.objects.exclude(reason_note="").count() > 20


def test_conversations_go_both_ways(demo: Telling) -> None:
    said = set(Message.objects.values_list("channel", "direction"))
    assert {
        ("email", "inbound"), ("email", "outbound"), ("sms", "inbound"), ("sms", "outbound"),
        ("call", "inbound"), ("call", "outbound"), ("note", "internal"),
    } <= said  # fmt: skip
    assert not Message.objects.filter(body__contains="{").exists()


def test_nobody_is_real(demo: Telling) -> None:
    emails = [email for email in Lead.objects.values_list("email", flat=True) if email]
    assert all(email.endswith(FICTIONAL_DOMAINS) for email in emails)
    phones = [phone for phone in Lead.objects.values_list("phone", flat=True) if phone]
    assert all(phone[5:10] == "55501" for phone in phones)


def test_telling_takes_fewer_queries_than_there_are_events(demo: Telling) -> None:
    assert demo.told.events > 1000
    assert demo.queries < 2000


def test_the_same_seed_tells_the_same_story(demo: Telling) -> None:
    first = _digest()
    with transaction.atomic():
        story.reset(now=demo.now, leads=130, seed=7)
        with workspace_scope(Workspace.objects.get(slug=cast.SLUG)):
            again = _digest()
        transaction.set_rollback(True)
    assert again == first


def _booked() -> Any:
    return Appointment.objects.filter(status=Appointment.Status.SCHEDULED)


def _digest() -> list[tuple[str, ...]]:
    tables = (
        Lead.objects.values_list("created_at", "email", "phone", "stage__label", "owner__name"),
        Activity.objects.values_list("occurred_at", "kind", "lead__email", "actor__name"),
        Message.objects.values_list("occurred_at", "body", "lead__email"),
    )
    return [row for table in tables for row in sorted(tuple(map(str, one)) for one in table)]
