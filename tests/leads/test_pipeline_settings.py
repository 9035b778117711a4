"""Editing pipelines: stages added, changed, ordered and retired, timers, and what happens to leads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, SettingsChange, Workspace
from leads import editing, lifecycle, settings_jobs, sweeps
from leads.custom_field_settings import add_field, archive_field
from leads.models import Activity, Lead, Pipeline, SettingsJob, Stage
from leads.pipeline_settings import (
    add_stage,
    change_pipeline,
    change_stage,
    destinations,
    new_pipeline,
    order_stages,
    retire_stage,
    stages_of,
    would_close,
)
from tests.factories import NOW, make_lead, make_leads

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(acme: Workspace) -> Pipeline:
    found: Pipeline = Pipeline.objects.get()
    return found


def stage(key: str) -> Stage:
    found: Stage = Stage.objects.select_related("pipeline").get(key=key)
    return found


def labels(pipeline: Pipeline) -> list[str]:
    return [one.label for one in stages_of(pipeline) if not one.retired_at]


def test_a_stage_is_added_in_its_place_and_can_be_reached(
    pipeline: Pipeline, ana: Membership, me: Actor
) -> None:
    added = add_stage(pipeline, label="Proposal sent", status="qualified", by=ana, now=NOW)
    names = labels(pipeline)
    assert names.index("Proposal sent") == names.index("Qualified") + 1
    lead = make_lead()
    for to in ("qualified", added.key, "converted"):
        (result,) = lifecycle.move([lead.pk], to=to, by=me, now=NOW)
        refused = str(result.refusal or "")
        assert (to == "converted") == ("Convert" in refused), refused
    assert Lead.objects.get(pk=lead.pk).stage_id == added.pk
    assert SettingsChange.objects.get().subject == "Standard: Proposal sent"


@pytest.mark.parametrize(
    ("label", "status", "field"),
    [("", "qualified", "label"), ("qualified", "qualified", "label"), ("X", "lost", "status"),
     ("X", "nonsense", "status")],
)  # fmt: skip
def test_a_stage_that_does_not_fit_is_refused(
    pipeline: Pipeline, ana: Membership, label: str, status: str, field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        add_stage(pipeline, label=label, status=status, by=ana, now=NOW)
    assert field in refusal.value.message_dict
    assert SettingsChange.objects.count() == 0


def test_a_graph_in_which_a_stage_is_lost_is_refused(pipeline: Pipeline, ana: Membership) -> None:
    with pytest.raises(ValidationError, match="Nothing leads to"):
        change_stage(stage("scheduled"), by=ana, now=NOW, next_keys=["qualified"])
    assert stage("scheduled").next_keys == ["qualified", "completed"]
    assert SettingsChange.objects.count() == 0


def test_a_required_field_of_ones_own_is_asked_for_and_forgotten_with_it(
    pipeline: Pipeline, ana: Membership, me: Actor
) -> None:
    roof = add_field(by=ana, now=NOW, kind="text", label="Roof")
    change_stage(stage("qualified"), by=ana, now=NOW, required_fields=["email", roof.name])
    lead = make_lead()
    (result,) = lifecycle.qualify([lead.pk], by=me, now=NOW)
    assert str(result.refusal) == "Qualified needs Roof. Fill it in first."
    editing.edit([lead.pk], {roof.name: "Flat"}, by=me, now=NOW)
    assert lifecycle.qualify([lead.pk], by=me, now=NOW)[0].done
    archive_field(roof.pk, by=ana, now=NOW)
    assert stage("qualified").required_fields == ["email"]


def test_retiring_a_stage_moves_its_leads_in_batches_with_log_rows(
    pipeline: Pipeline, ana: Membership, me: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_jobs, "CHUNK", 2)
    leads = make_leads(5)
    ids = [lead.pk for lead in leads]
    lifecycle.contact(ids, by=me, now=NOW)
    contacted, qualified = stage("contacted"), stage("qualified")
    job = retire_stage(contacted, to=qualified, by=ana, now=NOW)
    assert job is not None
    assert job.total == 5
    lifecycle.close(ids[:1], reason="price", by=me, now=NOW)  # somebody was quicker
    assert settings_jobs.run_due(NOW + timedelta(minutes=1)) == 4
    job.refresh_from_db()
    assert (job.done, job.refused, job.finished_at) == (4, 0, NOW + timedelta(minutes=1))
    assert Lead.objects.filter(stage=qualified).count() == 4
    assert not Lead.objects.filter(stage=contacted).exists()
    moved = Activity.objects.filter(kind="stage_changed", via="settings")
    assert moved.count() == 4
    assert {(row.actor_id, row.lane) for row in moved} == {(ana.pk, "bulk")}
    assert settings_jobs.run_due(NOW + timedelta(minutes=2)) == 0
    assert "contacted" not in {
        key for one in stages_of(pipeline) for key in one.next_keys if not one.retired_at
    }


def test_retiring_asks_where_the_leads_go(pipeline: Pipeline, ana: Membership, me: Actor) -> None:
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=NOW)
    qualified = stage("qualified")
    with pytest.raises(ValidationError, match="Say where its leads go"):
        retire_stage(qualified, to=None, by=ana, now=NOW)
    for wrong in ("lost", "scheduled", "converted"):
        with pytest.raises(ValidationError, match="can't go there"):
            retire_stage(qualified, to=stage(wrong), by=ana, now=NOW)
    rest = [one for one in stages_of(pipeline) if one.pk != qualified.pk]
    assert {one.key for one in destinations(qualified, rest)} == {"new", "contacted", "completed"}
    assert stage("qualified").retired_at is None


@pytest.mark.parametrize(("key", "why"), [("new", "start"), ("converted", "won")])
def test_what_a_pipeline_needs_is_not_retired(
    pipeline: Pipeline, ana: Membership, key: str, why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        retire_stage(stage(key), to=None, by=ana, now=NOW)


def test_a_timer_says_whom_it_will_close_and_closes_them_after_its_days(
    pipeline: Pipeline, ana: Membership, me: Actor
) -> None:
    quiet = make_lead(now=NOW - timedelta(days=20))
    make_lead(now=NOW - timedelta(days=2))
    new = stage("new")
    assert would_close(new, no_contact_days=14, idle_days=30, now=NOW) == 1
    assert would_close(new, no_contact_days=None, idle_days=14, now=NOW) == 0
    held, job = change_stage(new, by=ana, now=NOW, no_contact_days=14)
    assert job is not None
    assert (job.kind, job.total, held.timer_changed_at) == (SettingsJob.Kind.TIMER, 2, NOW)
    settings_jobs.run_due(NOW)
    due = NOW + timedelta(days=14)
    assert Lead.objects.get(pk=quiet.pk).auto_close_at == due
    assert sweeps.auto_close_due(due - timedelta(seconds=1)) == 0
    assert sweeps.auto_close_due(due) == 2  # the timer began anew for both
    (row,) = SettingsChange.objects.all()
    assert row.changes["no contact days"] == [30, 14]


@pytest.mark.parametrize("days", [0, 731, -1])
def test_a_timer_that_does_not_fit_is_refused(
    pipeline: Pipeline, ana: Membership, days: int
) -> None:
    with pytest.raises(ValidationError) as refusal:
        change_stage(stage("new"), by=ana, now=NOW, idle_days=days)
    assert "idle_days" in refusal.value.message_dict
    with pytest.raises(ValidationError):
        change_stage(stage("lost"), by=ana, now=NOW, idle_days=30)


def test_stages_are_ordered_and_the_first_stays_first(pipeline: Pipeline, ana: Membership) -> None:
    stages = stages_of(pipeline)
    order_stages(pipeline, [one.pk for one in reversed(stages)], by=ana, now=NOW)
    ordered = stages_of(pipeline)
    assert ordered[0].status == "new"
    assert [one.pk for one in ordered][1:] == [one.pk for one in reversed(stages)][:-1]


def test_a_pipeline_is_added_renamed_and_made_the_standard_one(
    pipeline: Pipeline, ana: Membership, max_: Membership
) -> None:
    other = new_pipeline("bant", label="Big deals", by=ana, now=NOW)
    change_pipeline(other, by=ana, now=NOW, label="Deals", is_default=True)
    assert [one.label for one in Pipeline.objects.filter(is_default=True)] == ["Deals"]
    assert make_lead().pipeline_id == other.pk
    for values in ({"template": "bant", "label": "deals"}, {"template": "x", "label": "Y"}):
        with pytest.raises(ValidationError):
            new_pipeline(by=ana, now=NOW, **values)
    with pytest.raises(NotAllowed):
        new_pipeline("bant", label="Mine", by=max_, now=NOW)


def test_leads_of_another_workspace_stay(
    pipeline: Pipeline, ana: Membership, rival: Workspace, me: Actor, now: datetime
) -> None:
    from leadcrm.workspaces.scoping import workspace_scope

    with workspace_scope(rival):
        theirs: Any = make_lead()
    make_lead()
    add_stage(pipeline, label="Second", status="contacted", by=ana, now=NOW)
    retire_stage(stage_in(pipeline, "contacted"), to=stage_in(pipeline, "new"), by=ana, now=NOW)
    settings_jobs.run_due(NOW)
    with workspace_scope(rival):
        assert Lead.objects.get().stage_id == theirs.stage_id


def stage_in(pipeline: Pipeline, key: str) -> Stage:
    found: Stage = Stage.objects.get(pipeline=pipeline, key=key)
    return found
