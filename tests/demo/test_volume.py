"""Bulk data: as much as asked, and in itself as consistent as what the verbs write."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.test import Client

from leadcrm.demo import cast, volume
from leadcrm.demo.volume.loading import FILLED, SlugTaken
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role, User, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import events, identity, kinds, searching, timers, unmerging
from leads.models import (
    Activity,
    Appointment,
    Contact,
    ContactKey,
    Deal,
    Lead,
    LeadSearch,
    MergeJournal,
    SourceDay,
    Task,
)
from leads.models.activity import Lane

NOW = datetime(2026, 3, 11, 16, 20, tzinfo=UTC)
LEADS, WORKSPACES, SEED = 2000, 3, 3
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
CONSTRAINTS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " ORDER BY 1, 2"
)
MILESTONES = ("contacted_at", "qualified_at", "scheduled_at", "completed_at", "converted_at")

pytestmark = pytest.mark.django_db


@dataclass
class Filled:
    loaded: volume.Loaded
    before: list[Any]
    workspace: Workspace


def load(**more: Any) -> volume.Loaded:
    return volume.load(leads=LEADS, workspaces=WORKSPACES, seed=SEED, now=NOW, **more)


def schema() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(INDEXES)
        # Casts of a condition change places when it is read back, as in a restored dump.
        indexes = [re.sub(r"::[a-z ]+(\[\])?|[()]", "", text) for (text,) in cursor.fetchall()]
        cursor.execute(CONSTRAINTS)
        return [indexes, cursor.fetchall()]


@pytest.fixture(scope="module")
def filling(django_db_setup: None, django_db_blocker: Any) -> Iterator[Filled]:
    """One load for all tests that only read it; taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        before = schema()
        loaded = load()
        yield Filled(loaded, before, loaded.offices[0].workspace)
        transaction.set_rollback(True)


@pytest.fixture
def filled(filling: Filled) -> Iterator[Filled]:
    with workspace_scope(filling.workspace):
        yield filling


def test_there_is_as_much_as_was_asked_for(filled: Filled) -> None:
    assert Lead.objects.count() == LEADS
    # Three log rows for each lead, and the two of known length besides.
    rows = Activity.objects.count() - volume.LONG - volume.SHORT
    assert rows == pytest.approx(3 * LEADS, rel=0.05)
    with all_workspaces():
        assert Workspace.objects.filter(slug__startswith=volume.SLUG).count() == WORKSPACES
        assert Lead.objects.count() == LEADS + (WORKSPACES - 1) * LEADS // 100
        for model in FILLED:
            said = filled.loaded.rows[model._meta.label]
            assert model._default_manager.count() == said > 0, model
    assert sum(filled.loaded.kinds.values()) == filled.loaded.rows["leads.Activity"]


def test_two_leads_of_each_workspace_have_logs_of_known_length(filled: Filled) -> None:
    with all_workspaces():
        for label, length in (
            (volume.LONG_LABEL, volume.LONG),
            (volume.SHORT_LABEL, volume.SHORT),
        ):
            found = Lead.objects.filter(label=label).annotate(rows=Count("activities"))
            assert [lead.rows for lead in found] == [length] * WORKSPACES
            assert found.values("workspace").distinct().count() == WORKSPACES


def test_nothing_links_to_what_is_missing_or_elsewhere(filled: Filled) -> None:
    with connection.cursor() as cursor:
        for model in FILLED:
            for field in model._meta.concrete_fields:
                if not isinstance(field, models.ForeignKey):
                    continue
                theirs: Any = field.related_model
                walled = any(one.attname == "workspace_id" for one in theirs._meta.concrete_fields)
                cursor.execute(
                    f'SELECT count(*) FROM "{model._meta.db_table}" a LEFT JOIN'
                    f' "{theirs._meta.db_table}" b ON b.id = a."{field.column}"'
                    f' WHERE a."{field.column}" IS NOT NULL AND (b.id IS NULL'
                    + (" OR b.workspace_id <> a.workspace_id)" if walled else ")")
                )
                assert cursor.fetchone() == (0,), field


def test_stage_status_and_pipeline_say_the_same(filled: Filled) -> None:
    agree = Q(status=F("stage__status"), outcome=F("stage__outcome"), pipeline=F("stage__pipeline"))
    assert not Lead.objects.exclude(agree).exists()
    moves = Activity.objects.filter(lead=OuterRef("pk"), to_stage__isnull=False)
    last = moves.order_by("-occurred_at", "-id").values("to_stage")[:1]
    assert not Lead.objects.annotate(last=Subquery(last)).exclude(last=F("stage")).exists()


def test_what_is_due_is_what_the_rules_say(filled: Filled) -> None:
    leads = {lead.pk: lead for lead in Lead.objects.select_related("stage")}
    facts, hours = timers.facts_of(list(leads)), filled.workspace.hours()
    for pk, lead in leads.items():
        for name, value in timers.projections(lead, facts[pk], hours).items():
            assert getattr(lead, name) == value, (name, lead.status, lead.label)
    assert not Lead.objects.filter(auto_close_at__lte=NOW).exists()
    still_open = [lead for lead in leads.values() if lead.is_open and not lead.archived_at]
    assert 0.04 < len(still_open) / LEADS < 0.12
    assert any(lead.work_due_at is None for lead in still_open)
    assert any(lead.work_due_at and lead.work_due_at < NOW for lead in still_open)


def test_the_clock_of_the_first_answer_is_the_one_that_capture_sets(filled: Filled) -> None:
    hours, by_day = filled.workspace.hours(), set()
    for lead in Lead.objects.select_related("source"):
        minutes = None if lead.is_test or lead.source is None else lead.source.answer_within()
        due = None if minutes is None else hours.answer_due(lead.created_at, minutes)
        assert lead.answer_due_at == due, lead.source
        by_day.add(bool(due and due - lead.created_at > timedelta(minutes=minutes or 0)))
    assert by_day == {True, False}
    assert Lead.objects.filter(is_test=True).exists()


def test_who_answers_has_engaged(filled: Filled) -> None:
    talked = Q(kind=kinds.CALL_LOGGED, data__outcome="reached") | Q(kind=kinds.MESSAGE_RECEIVED)
    rows = Activity.objects.filter(talked, lead=OuterRef("pk")).order_by("occurred_at")
    first = Lead.objects.annotate(first=Subquery(rows.values("occurred_at")[:1]))
    assert first.filter(engaged_at__isnull=False).exists()
    agree = Q(engaged_at=F("first")) | Q(engaged_at=None, first=None)
    assert not first.exclude(agree).exists()


def test_people_have_come_as_far_as_their_leads(filled: Filled) -> None:
    qualifies = ("qualified", "scheduled", "completed", "converted")
    reached = Activity.objects.filter(lead__contact=OuterRef("pk"))
    for contact in Contact.objects.filter(merged_into=None).annotate(
        won=Exists(reached.filter(to_stage__outcome="won")),
        qualified=Exists(reached.filter(to_status__in=qualifies)),
    ):
        expected = "customer" if contact.won else "qualified" if contact.qualified else "lead"
        assert contact.stage == expected
    assert set(Contact.objects.values_list("stage", flat=True)) == {"lead", "qualified", "customer"}


def test_deals_are_of_their_leads(filled: Filled) -> None:
    same = {name: F(f"lead__{name}") for name in ("campaign", "contact", "company", "source_kind")}
    for name, theirs in same.items():
        assert not Deal.objects.exclude(
            Q(**{name: theirs}) | Q(**{name: None, f"lead__{name}": None})
        ).exists(), name
    assert Deal.objects.filter(campaign__isnull=False).exists()
    assert not Deal.objects.filter(lead__owner=None, owner__isnull=False).exists()


def test_who_does_not_come_is_booked_again(filled: Filled) -> None:
    missed = Appointment.objects.filter(status="no_show")
    assert missed.exists()
    for appointment in missed:
        after = Activity.objects.filter(
            lead=appointment.lead_id, occurred_at__gte=appointment.outcome_at
        )
        assert after.filter(from_status="scheduled", to_status="qualified").exists()
        assert Task.objects.filter(lead=appointment.lead_id, kind="rebook").exists()


def test_handing_over_names_owner_and_team(filled: Filled) -> None:
    given = Activity.objects.filter(kind=kinds.OWNER_CHANGED)
    members = {str(one.pk): one for one in Membership.objects.select_related("team")}
    assert given.exists()
    for row in given:
        owner = members[row.data["to_id"]]
        assert (row.data["to"], row.data["team"]) == (owner.name, str(owner.team))


def test_every_merge_can_be_undone(filled: Filled) -> None:
    made = list(MergeJournal.objects.all())
    assert made
    for journal in made:
        (lead,) = Lead.objects.filter(pk__in=journal.absorbed)
        undone = unmerging.undo(journal, by=Actor.system("timer"), now=journal.made_at)
        assert undone.kept == []
        lead.refresh_from_db()
        assert lead.contact_id != journal.root.contact_id
        assert ContactKey.objects.get(kind="email", value=lead.email).contact_id == lead.contact_id


def test_doubtful_leads_give_the_number_of_somebody_else(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadcrm.demo.volume.filling.REVIEWED", 1.0)
    loaded = load(replace=True)
    with workspace_scope(loaded.offices[0].workspace):
        doubtful = Lead.objects.filter(needs_review=True)
        assert doubtful.exists()
        for lead in doubtful:
            owner = ContactKey.objects.get(kind="phone", value=lead.phone).contact_id
            assert owner != lead.contact_id
            assert ContactKey.objects.filter(contact=lead.contact_id, value=lead.email).exists()


def test_the_past_is_in_order(filled: Filled) -> None:
    for lead in Lead.objects.all():
        reached = [at for name in MILESTONES if (at := getattr(lead, name))]
        assert reached == sorted(reached)
        assert all(lead.created_at <= at <= NOW for at in reached)
        assert lead.created_at <= lead.stage_entered_at <= NOW
    assert not Activity.objects.filter(occurred_at__gt=NOW).exists()
    assert not Activity.objects.filter(occurred_at__lt=F("lead__created_at")).exists()
    assert not Lead.objects.filter(status="lost", loss_reason="").exists()
    assert not Lead.objects.filter(status="disqualified", disqualification_reason="").exists()


def test_counters_come_from_the_log(filled: Filled) -> None:
    tries = Count("activities", Q(activities__kind__in=(kinds.CALL_LOGGED, kinds.MESSAGE_SENT)))
    assert not Lead.objects.annotate(tries=tries).exclude(tries=F("attempt_count")).exists()
    active = [kind.name for kind in kinds.KINDS.values() if kind.activity]
    latest = Max("activities__occurred_at", filter=Q(activities__kind__in=active))
    found = Lead.objects.annotate(latest=latest)
    assert not found.filter(last_activity_at__lt=F("latest")).exists()


def test_each_log_begins_with_the_enquiry(filled: Filled) -> None:
    rows = Activity.objects.filter(lead=OuterRef("pk")).order_by("occurred_at", "id")
    firsts = Lead.objects.annotate(
        first=Subquery(rows.values("kind")[:1]), at=Subquery(rows.values("occurred_at")[:1])
    )
    assert not firsts.exclude(first=kinds.LEAD_CREATED, at=F("created_at")).exists()
    assert Activity.objects.filter(kind=kinds.LEAD_CREATED).count() == LEADS


def test_leads_are_found_by_the_text_that_search_would_index(filled: Filled) -> None:
    texts = dict(LeadSearch.objects.values_list("lead", "text"))
    assert texts == {lead.pk: searching.text_of(lead) for lead in Lead.objects.all()}


def test_keys_are_canonical_and_name_the_people_of_leads(filled: Filled) -> None:
    for key in ContactKey.objects.all():
        email = key.kind == ContactKey.Kind.EMAIL
        found = (
            identity.canonical_email(key.value)
            if email
            else identity.canonical_phone(key.value, "")
        )
        assert found == key.value
    home = filled.workspace.country
    for lead in Lead.objects.exclude(phone=""):
        assert identity.canonical_phone(lead.phone_raw, lead.country or home) == lead.phone
    own = ContactKey.objects.filter(contact=OuterRef("contact"), kind="email")
    emails = Lead.objects.exclude(email="").annotate(known=Subquery(own.values("kind")[:1]))
    assert not emails.filter(known=None).exists()
    assert (
        not Lead.objects.exclude(first_name="")
        .exclude(display_name__contains=F("last_name"))
        .exists()
    )


def test_people_come_again_and_share_numbers(filled: Filled) -> None:
    people = Contact.objects.annotate(count=Count("leads")).filter(merged_into=None)
    assert not people.filter(count=0).exists()
    assert people.filter(count__gt=1).count() / people.count() > 0.03
    assert ContactKey.objects.filter(shared=True).exists()
    assert Lead.objects.exclude(merged_into=None).exists()


def test_nobody_reads_it_as_news(filled: Filled) -> None:
    for lane in Lane.values:
        assert events.dispatch(lane, NOW) == 0
    assert SourceDay.objects.aggregate(all=models.Sum("created"))["all"] == (
        Lead.objects.filter(is_test=False).count()
    )


def test_indexes_constraints_and_the_guard_of_the_log_are_as_before(filled: Filled) -> None:
    assert schema() == filled.before
    row = Activity.objects.order_by("id").first()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Activity.objects.filter(pk=row.pk).update(kind="x")


@pytest.mark.parametrize("role", [Role.OWNER, Role.REP])
def test_its_pages_are_shown(filled: Filled, role: Role) -> None:
    client, home = Client(), f"/w/{volume.SLUG}"
    member = (
        Membership.objects.select_related("user").filter(role=role).earliest("created_at", "id")
    )
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    for address in ("", "?view=all", "?view=all&q=smith"):
        response = client.get(f"{home}/leads/{address}")
        assert response.status_code == 200, address
        assert not address or b"data-lead=" in response.content, address
    if role == Role.OWNER:
        for lead in Lead.objects.filter(Q(label__startswith="Volume") | Q(merged_into=None))[:40]:
            assert client.get(f"{home}/leads/{lead.pk}/").status_code == 200


def test_the_same_seed_makes_the_same(filled: Filled) -> None:
    first = _digest()
    load(replace=True)
    with all_workspaces():
        workspace = Workspace.objects.get(slug=volume.SLUG)
    assert workspace.pk != filled.workspace.pk
    with workspace_scope(workspace):
        assert _digest() == first
        assert Lead.objects.count() == LEADS


def test_it_is_made_once_and_with_public_passwords_only_in_development(
    filled: Filled, settings: Any
) -> None:
    with pytest.raises(SlugTaken, match="--replace"):
        load()
    settings.DEV = False
    with pytest.raises(CommandError, match="are public"):
        call_command("volume")


def test_the_command_tells_what_it_made() -> None:
    said = io.StringIO()
    call_command("volume", leads=20, workspaces=2, replace=True, stdout=said, stderr=io.StringIO())
    for told in ("leads.Lead\n", "lead_created", "/w/volume/leads/", "rep@volume.test", "lcrm_"):
        assert told in said.getvalue()
    assert User.objects.get(email="rep@volume.test").check_password(cast.PASSWORD)
    assert not User.objects.get(email="rep@volume-2.test").has_usable_password()


def _digest() -> str:
    leads = Lead.objects.order_by("pk").values_list(
        "pk", "display_name", "email", "phone_raw", "status", "work_due_at", "label", "owner__name"
    )
    rows = Activity.objects.order_by("id").values_list("lead", "kind", "occurred_at")
    return hashlib.sha256(repr([list(leads), list(rows)]).encode()).hexdigest()
