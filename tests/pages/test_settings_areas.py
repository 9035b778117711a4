"""Settings in the browser: pipelines, reasons, teams, hand-over, billing, and the log of it all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Location, Membership, SettingsChange, Team, Workspace
from leads import (
    appointments,
    assignment,
    bulk,
    handing_over,
    lifecycle,
    settings_jobs,
    timeline,
)
from leads.booking import Booking
from leads.call_outcome_settings import outcomes_in_use
from leads.models import (
    Activity,
    Appointment,
    BulkRun,
    CallOutcome,
    CloseReason,
    Lead,
    Pipeline,
    Stage,
    Task,
)
from tests.factories import NOW, make_lead, make_leads

SignIn = Callable[[Membership], Client]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def pipeline(acme: Workspace) -> Pipeline:
    found: Pipeline = Pipeline.objects.get()
    return found


def at(workspace: Workspace, name: str, *args: Any) -> str:
    return reverse(name, args=[workspace.slug, *args])


def stage(key: str) -> Stage:
    found: Stage = Stage.objects.get(key=key)
    return found


def test_a_stage_is_added_moved_and_changed(
    web: Client, acme: Workspace, pipeline: Pipeline
) -> None:
    form = {"label": "Proposal", "status": "qualified"}
    made = web.post(at(acme, "stage-add", pipeline.pk), form)
    proposal = stage("proposal")
    assert made["Location"] == at(acme, "stage", proposal.pk)
    web.post(at(acme, "pipeline-save", pipeline.pk), {"stage": proposal.pk, "to": "down"})
    labels = list(Stage.objects.order_by("position").values_list("label", flat=True))
    assert labels.index("Proposal") == labels.index("Booked") + 1
    values = {
        "label": "Offer",
        "next_keys": ["scheduled", "converted"],
        "required_fields": ["budget"],
    }
    assert web.post(at(acme, "stage", proposal.pk), values).status_code == 302
    proposal.refresh_from_db()
    assert (proposal.label, proposal.required_fields) == ("Offer", ["budget"])
    page = web.get(at(acme, "pipeline", pipeline.pk)).content.decode()
    assert "Offer" in page
    assert "Needs 1 field" in page


def test_a_change_of_stages_that_does_not_fit_is_told(
    web: Client, acme: Workspace, pipeline: Pipeline
) -> None:
    taken = web.post(at(acme, "stage-add", pipeline.pk), {"label": "new", "status": "qualified"})
    assert taken.status_code == 422
    assert "There is a stage of this name already." in taken.content.decode()
    lost = web.post(at(acme, "stage", stage("scheduled").pk), {"label": "Booked"})
    assert lost.status_code == 422
    assert "Nothing leads to Met." in lost.content.decode()
    unknown = web.post(at(acme, "pipeline-save", pipeline.pk), {"stage": "x", "to": "up"})
    assert unknown.status_code == 404


def test_a_timer_says_how_many_it_closes_before_it_is_saved(
    web: Client, acme: Workspace, pipeline: Pipeline, now: datetime
) -> None:
    make_lead(now=now - timedelta(days=20))
    new = stage("new")
    form = {"label": "New", "next_keys": new.next_keys, "no_contact_days": 14, "idle_days": 30}
    asked = web.post(at(acme, "stage", new.pk), form)
    assert asked.status_code == 200
    assert "<strong>1 lead</strong>" in asked.content.decode()
    assert stage("new").no_contact_days == 30
    assert web.post(at(acme, "stage", new.pk), {**form, "sure": "1"}).status_code == 302
    assert stage("new").no_contact_days == 14


def test_a_stage_is_retired_with_its_leads(
    web: Client, acme: Workspace, pipeline: Pipeline, me: Actor, now: datetime
) -> None:
    lead = make_lead(now=now)
    lifecycle.contact([lead.pk], by=me, now=now)
    contacted = stage("contacted")
    assert "1 lead is in it" in web.get(at(acme, "stage", contacted.pk)).content.decode()
    retire = at(acme, "stage-retire", contacted.pk)
    assert "Say where its leads go" in web.post(retire, follow=True).content.decode()
    web.post(retire, {"to": stage("qualified").pk})
    page = web.get(at(acme, "pipeline", pipeline.pk)).content.decode()
    assert "0 of 1 leads done" in page
    settings_jobs.run_due(timezone.now())
    assert Lead.objects.get(pk=lead.pk).stage_id == stage("qualified").pk
    assert web.get(at(acme, "stage", contacted.pk)).status_code == 404


def test_reasons_are_added_changed_ordered_and_retired(web: Client, acme: Workspace) -> None:
    form = {"label": "Moved away", "outcome": "disqualified", "note_length": 5}
    web.post(at(acme, "reason-add"), form)
    moved = CloseReason.objects.get(code="moved_away")
    web.post(at(acme, "reason", moved.pk), {"label": "Left town", "note_length": 0})
    for wish in ("up", "retire"):
        web.post(at(acme, "reason-place", moved.pk), {"do": wish})
    moved.refresh_from_db()
    assert (moved.label, moved.note_length, moved.retired_at is None) == ("Left town", 0, False)
    kept = CloseReason.objects.get(code="no_contact")
    said = web.post(at(acme, "reason-place", kept.pk), {"do": "retire"}, follow=True)
    assert "Leads close by themselves" in said.content.decode()
    twice = web.post(
        at(acme, "reason-add"), {"label": "price", "outcome": "lost", "note_length": 0}
    )
    assert twice.status_code == 422
    web.post(at(acme, "reason-place", moved.pk), {"do": "restore"})
    done = list(SettingsChange.objects.filter(area="close reason").order_by("at", "id"))
    assert [row.done for row in done] == [
        "added", "changed", "put into another order", "retired", "restored",
    ]  # fmt: skip


def test_teams_and_locations_are_saved(web: Client, acme: Workspace, max_: Membership) -> None:
    web.post(at(acme, "team-save"), {"name": " North  team", "leader": max_.pk})
    web.post(at(acme, "location-save"), {"name": "Berlin", "address": "Main street 1"})
    team, place = Team.objects.get(), Location.objects.get()
    assert (team.name, team.leader, place.address) == ("North team", max_, "Main street 1")
    web.post(at(acme, "team-save"), {"id": team.pk, "name": "South", "leader": ""})
    team.refresh_from_db()
    assert (team.name, team.leader) == ("South", None)
    again = web.post(at(acme, "team-save"), {"name": "south"})
    assert again.status_code == 422
    assert "There is a team of this name already." in again.content.decode()
    assert web.post(at(acme, "team-save"), {"id": "x", "name": "A"}).status_code == 404


def test_all_that_somebody_has_is_handed_over(
    web: Client, acme: Workspace, ben: Membership, max_: Membership, me: Actor, now: datetime
) -> None:
    mine = make_lead(now=now, owner=ben)
    closed = make_lead(now=now, owner=ben)
    lifecycle.close([closed.pk], reason="price", by=me, now=now)
    by = Actor.member(ben)
    timeline.add_task([mine.pk], title="Call", due_at=now + timedelta(days=1), by=by, now=now)
    appointments.book(mine.pk, Booking(now + timedelta(days=2), host=ben), by=by, now=now)
    assert "1</strong> open lead" in web.get(at(acme, "hand-over", ben.pk)).content.decode()
    nobody = web.post(at(acme, "hand-over", ben.pk), {})
    assert nobody.status_code == 422
    web.post(at(acme, "hand-over", ben.pk), {"to": max_.pk})
    assert Lead.objects.get(pk=mine.pk).owner_id == max_.pk
    assert Lead.objects.get(pk=closed.pk).owner_id == ben.pk
    assert Task.objects.get().assignee_id == max_.pk
    assert Appointment.objects.get().host_id == max_.pk
    row = Activity.objects.get(lead=mine, kind="owner_changed")
    assert (row.reason, row.data["to"], row.lane) == ("handed over", "Max", "bulk")
    said = "1 lead handed over from Ben to Max."
    assert said in web.get(at(acme, "hand-overs")).content.decode()
    again = web.post(at(acme, "hand-over", ben.pk), {"to": max_.pk})
    assert again.status_code == 422, "nothing is left to be handed over"


def test_a_hand_over_is_undone_within_a_day_and_what_was_touched_since_stays(
    web: Client, acme: Workspace, ben: Membership, max_: Membership, me: Actor, now: datetime
) -> None:
    left, passed = make_leads(2, now=now, owner=ben)
    by = Actor.member(ben)
    timeline.add_task([left.pk], title="Call", due_at=now + timedelta(days=1), by=by, now=now)
    appointments.book(left.pk, Booking(now + timedelta(days=2), host=ben), by=by, now=now)
    web.post(at(acme, "hand-over", ben.pk), {"to": max_.pk})
    run = BulkRun.objects.get()
    assignment.assign([passed.pk], owner=me.membership, by=Actor.member(max_), now=now)
    assert "Undo for all" in web.get(at(acme, "bulk-run", run.pk)).content.decode()
    web.post(at(acme, "bulk-undo", run.pk))
    assert dict(Lead.objects.values_list("pk", "owner")) == {
        left.pk: ben.pk, passed.pk: me.membership.pk,
    }  # fmt: skip
    assert (Task.objects.get().assignee_id, Appointment.objects.get().host_id) == (ben.pk, ben.pk)
    page = web.get(at(acme, "bulk-run", run.pk)).content.decode()
    assert "1 kept: changed since" in page
    assert passed.display_name in page


def test_a_hand_over_is_too_old_to_be_undone_after_a_day(
    ana: Membership, ben: Membership, max_: Membership, acme: Workspace, now: datetime
) -> None:
    lead = make_lead(now=now, owner=ben)
    run = handing_over.hand_over(ben, to=max_, by=ana, now=now)
    with pytest.raises(bulk.BulkRefused, match="a day has passed"):
        bulk.undo(run, now + timedelta(days=1, minutes=1))
    assert Lead.objects.get(pk=lead.pk).owner_id == max_.pk


def test_a_team_takes_over_and_a_manager_reaches_the_own_team_alone(
    sign_in: SignIn, acme: Workspace, ben: Membership, max_: Membership, now: datetime
) -> None:
    north, south = Team.objects.create(name="North"), Team.objects.create(name="South")
    Membership.objects.filter(pk=max_.pk).update(team=north)
    lead = make_lead(now=now, owner=ben)
    web, path = sign_in(max_), at(acme, "hand-over", ben.pk)
    Membership.objects.filter(pk=ben.pk).update(team=south)
    assert web.post(path, {"team": north.pk}).status_code == 404
    Membership.objects.filter(pk=ben.pk).update(team=north)
    assert web.post(path, {"team": north.pk}).status_code == 302
    lead.refresh_from_db()
    assert (lead.owner_id, lead.team_id) == (None, north.pk)
    assert sign_in(ben).get(at(acme, "hand-overs")).status_code == 403


def test_who_leaves_is_deactivated_and_handed_over(
    web: Client, acme: Workspace, ben: Membership, now: datetime
) -> None:
    make_leads(2, now=now, owner=ben)
    answer = web.post(at(acme, "member-off", ben.pk))
    assert answer["Location"] == at(acme, "hand-overs")
    page = web.get(at(acme, "hand-overs")).content.decode()
    assert "Deactivated" in page
    assert at(acme, "hand-over", ben.pk) in page


def test_the_log_tells_who_changed_what(
    web: Client, acme: Workspace, sign_in: SignIn, adam: Membership, ben: Membership
) -> None:
    address = {"billing_address": "Acme GmbH\nBerlin", "tax_id": "DE 1"}
    assert web.post(at(acme, "general-billing"), address).status_code == 302
    sign_in(adam).post(at(acme, "member-edit", ben.pk), {"role": "manager"})
    page = web.get(at(acme, "settings-log")).content.decode()
    assert "Role: Rep → Manager" in page
    assert "Tax number: – → DE 1" in page
    assert page.index("Ben") < page.index("Tax number")


def test_the_log_goes_on_page_by_page_at_the_same_price(
    web: Client, acme: Workspace, ana: Membership, now: datetime
) -> None:
    SettingsChange.objects.bulk_create(
        SettingsChange(
            at=now - timedelta(minutes=one // 3), actor=ana, area="stage", subject=f"No {one}",
            done="changed",
        )
        for one in range(120)
    )  # fmt: skip
    seen, address = [], at(acme, "settings-log")
    while address:
        with CaptureQueriesContext(connection) as queries:
            page = web.get(address)
        assert len(queries) <= 10
        seen += [row.subject for row in page.context["rows"]]
        cursor = page.context["next"]
        address = f"{at(acme, 'settings-log')}?after={cursor}" if cursor else ""
    assert len(seen) == len(set(seen)) == 120
    assert web.get(at(acme, "settings-log"), {"after": "nonsense"}).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "pipelines",
        "reasons",
        "call-outcomes",
        "own-fields",
        "teams",
        "members",
        "hand-overs",
        "general",
    ],
)
def test_a_page_of_settings_takes_few_queries(web: Client, acme: Workspace, name: str) -> None:
    web.get(at(acme, name))
    with CaptureQueriesContext(connection) as queries:
        assert web.get(at(acme, name)).status_code == 200
    assert len(queries) <= 10


def test_call_outcomes_are_added_renamed_ordered_and_switched(web: Client, acme: Workspace) -> None:
    web.post(
        at(acme, "call-outcome-add"), {"label": " Spoke to  spouse ", "behaviour": "call_back"}
    )
    spouse = CallOutcome.objects.get(code="spoke_to_spouse")
    assert (spouse.label, spouse.behaviour, spouse.position) == ("Spoke to spouse", "call_back", 7)
    web.post(at(acme, "call-outcome", spouse.pk), {"label": "Spouse answered"})
    busy = CallOutcome.objects.get(code="busy")
    for row, wish in ((spouse, "up"), (busy, "off"), (busy, "off")):
        web.post(at(acme, "call-outcome-place", row.pk), {"do": wish})
    labels = [one.label for one in outcomes_in_use()]
    assert labels[-3:] == ["Wrong number", "Spouse answered", "Do not call"]
    assert "Busy" not in labels
    twice = web.post(at(acme, "call-outcome-add"), {"label": "no ANSWER", "behaviour": "busy"})
    assert twice.context["form"].errors == {"label": ["There is an outcome of this name already."]}
    strange = web.post(at(acme, "call-outcome-add"), {"label": "Sang", "behaviour": "sang"})
    assert list(strange.context["form"].errors) == ["behaviour"]
    web.post(at(acme, "call-outcome-place", busy.pk), {"do": "on"})
    assert len(outcomes_in_use()) == 8
    done = SettingsChange.objects.filter(area="call outcome").order_by("at", "id")
    assert [(row.subject, row.done) for row in done] == [
        ("Spoke to spouse", "added"), ("Spouse answered", "changed"),
        ("Call outcomes", "put into another order"), ("Busy", "switched off"), ("Busy", "switched on"),
    ]  # fmt: skip


def test_one_call_outcome_stays(web: Client, acme: Workspace) -> None:
    first = outcomes_in_use()[0]
    CallOutcome.objects.exclude(pk=first.pk).update(retired_at=NOW)
    said = web.post(at(acme, "call-outcome-place", first.pk), {"do": "off"}, follow=True)
    assert "One outcome has to stay" in said.content.decode()
    assert outcomes_in_use() == [first]
