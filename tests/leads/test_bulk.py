"""Bulk actions: a verb for many leads, chunk by chunk, with results, cancel and undo."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Role, Team
from leads import archiving, assignment, bulk, editing, kinds, lifecycle, timeline
from leads.bulk_verbs import BULK_VERBS, BulkVerb
from leads.models import Activity, BulkRun, Campaign, Contact, Lead, Task
from tests.factories import NOW, make_lead, make_leads, make_member

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALUES = {
    "move": {"stage": "contacted"},
    "task": {"title": "Call", "due_at": (NOW + DAY).isoformat()},
    "snooze": {"until": (NOW + DAY).isoformat()},
    "close": {"reason": "price"},
    "field": {"state": "CA"},
    "remove": {"reason": "Test data"},
}


@pytest.fixture(autouse=True)
def _scope(acme):
    """All of it happens in Acme."""


@pytest.fixture
def in_small_steps(monkeypatch):
    """Chunks of two leads, and nothing done while the page waits."""
    monkeypatch.setattr(bulk, "CHUNK", 2)
    monkeypatch.setattr(bulk, "AT_ONCE", 0)


def start(verb, leads, by, values=None, now=NOW):
    found = Lead.objects.filter(pk__in=[lead.pk for lead in leads])
    values = VALUES.get(verb, {}) if values is None else values
    return bulk.start(found, BULK_VERBS[verb], values, said="done", by=by, now=now)


def finish(run, now=NOW):
    while bulk.advance(run.pk, now):
        pass
    run.refresh_from_db()
    return run


def world():
    rows = {
        model.__name__: list(model.objects.order_by("pk").values()) for model in (Task, Contact)
    }
    return {"Lead": list(Lead.objects.order_by("pk").values()), **rows}


def without(world, *names):
    return {
        model: [{k: v for k, v in row.items() if k not in names} for row in rows]
        for model, rows in world.items()
    }


def test_a_few_leads_are_done_at_once(ana, ben):
    leads = make_leads(3)
    run = start("assign", leads, ana, {"owner": str(ben.pk)})
    assert (run.state, run.done, run.refused) == ("done", 3, 0)
    assert set(Lead.objects.values_list("owner", flat=True)) == {ben.pk}
    rows = Activity.objects.filter(kind=kinds.OWNER_CHANGED)
    assert {(row.lane, row.via, row.actor_id) for row in rows} == {("bulk", "bulk", ana.pk)}


def test_many_take_as_many_queries_as_few(ana, ben, max_, me, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    teams = [Team.objects.create(name=name) for name in ("North", "South", "East")]
    counts = []
    for rounds in (1, 3):
        leads = [make_lead(team=team, owner=max_) for team in teams * rounds]
        timeline.add_task(
            [lead.pk for lead in leads], title="Call", due_at=NOW + DAY, by=me, now=NOW
        )
        run = start("assign", leads, ana, {"owner": str(ben.pk)})
        with CaptureQueriesContext(connection) as done:
            finish(run)
        bulk.undo(run, NOW)
        with CaptureQueriesContext(connection) as undone:
            finish(run)
        found = Lead.objects.in_bulk([lead.pk for lead in leads])
        assert all(found[lead.pk].team_id == lead.team_id for lead in leads)
        tasks = Task.objects.filter(lead__in=list(found))
        assert set(tasks.values_list("assignee", flat=True)) == {max_.pk}
        counts.append((len(done), len(undone)))
    assert counts[0] == counts[1]


def test_leads_given_back_to_the_pool_stay_with_their_teams(ana, ben):
    teams = [Team.objects.create(name=name) for name in ("North", "South")]
    leads = [make_lead(owner=ben, team=team) for team in teams]
    start("assign", leads, ana, {"owner": ""})
    found = Lead.objects.filter(pk__in=[lead.pk for lead in leads])
    assert {(lead.owner_id, lead.team_id) for lead in found} == {(None, team.pk) for team in teams}
    rows = Activity.objects.filter(kind=kinds.OWNER_CHANGED)
    assert {row.data["team"] for row in rows} == {"North", "South"}


def test_many_are_done_by_the_worker_chunk_by_chunk(ana, ben, in_small_steps):
    run = start("assign", make_leads(5), ana, {"owner": str(ben.pk)})
    assert (run.state, run.position) == ("running", 0)
    bulk.advance(run.pk, NOW)
    run.refresh_from_db()
    assert (run.position, Lead.objects.filter(owner=ben).count()) == (2, 2)
    bulk.advance_due(NOW)
    run.refresh_from_db()
    assert (run.state, run.position, run.ended_at) == ("done", 5, NOW)
    assert [chunk.size for chunk in run.chunks.order_by("start")] == [2, 2, 1]


def test_each_lead_has_its_result(ana):
    open_one, closed = make_leads(2)
    lifecycle.close([closed.pk], reason="price", by=Actor.member(ana), now=NOW)
    run = start("close", [open_one, closed], ana)
    assert (run.done, run.refused) == (1, 1)
    (chunk,) = run.chunks.all()
    assert list(chunk.refused) == [str(closed.pk)]
    assert "closed" in chunk.refused[str(closed.pk)]


@pytest.mark.parametrize("verb", VALUES)
def test_undo_restores_what_was_there(ana, verb):
    make_leads(3, phone="+14155552671")
    before = world()
    run = start(verb, list(Lead.objects.all()), ana)
    assert run.done == 3
    assert world() != before
    run = bulk.undo(run, NOW + HOUR)
    assert (run.state, run.kept) == ("undone", 0)
    # What counts writes goes on, and so does what a write projects.
    assert without(world(), "version", "updated_at") == without(before, "version", "updated_at")


def test_undo_gives_leads_back_to_their_owners_with_their_tasks(ana, ben, max_):
    lead, pooled = make_lead(owner=ben), make_lead()
    timeline.add_task([lead.pk], title="Call", due_at=NOW + DAY, by=Actor.member(ben), now=NOW)
    run = start("assign", [lead, pooled], ana, {"owner": str(max_.pk)})
    assert Task.objects.get().assignee == max_
    bulk.undo(run, NOW + HOUR)
    assert Lead.objects.get(pk=lead.pk).owner == ben
    assert Lead.objects.get(pk=pooled.pk).owner is None
    assert Task.objects.get().assignee == ben


def test_undo_keeps_what_was_changed_since_and_says_so(ana, ben, max_):
    touched, untouched = make_leads(2)
    run = start("assign", [touched, untouched], ana, {"owner": str(ben.pk)})
    assignment.assign([touched.pk], owner=max_, by=Actor.member(ana), now=NOW + HOUR)
    run = bulk.undo(run, NOW + HOUR)
    assert (run.state, run.kept) == ("undone", 1)
    assert Lead.objects.get(pk=touched.pk).owner == max_
    assert Lead.objects.get(pk=untouched.pk).owner is None
    assert list(run.chunks.get().kept) == [str(touched.pk)]


def test_what_was_canceled_keeps_what_is_done_and_can_be_undone(ana, ben, in_small_steps):
    run = start("assign", make_leads(5), ana, {"owner": str(ben.pk)})
    bulk.advance(run.pk, NOW)
    run = bulk.cancel(run, NOW)
    assert not bulk.advance(run.pk, NOW)
    assert Lead.objects.filter(owner=ben).count() == 2
    bulk.undo(run, NOW)
    run = finish(run)
    assert run.state == "undone"
    assert Lead.objects.filter(owner=ben).count() == 0
    with pytest.raises(bulk.BulkRefused, match="ended"):
        bulk.cancel(run, NOW)


def test_undo_is_for_a_day_and_once(ana, ben):
    run = start("assign", make_leads(1), ana, {"owner": str(ben.pk)})
    with pytest.raises(bulk.BulkRefused, match="too late"):
        bulk.undo(run, NOW + DAY + HOUR)
    bulk.undo(run, NOW + HOUR)
    with pytest.raises(bulk.BulkRefused, match="already"):
        bulk.undo(run, NOW + HOUR)


def test_while_it_runs_it_is_canceled_rather_than_undone(ana, ben, in_small_steps):
    run = start("assign", make_leads(3), ana, {"owner": str(ben.pk)})
    with pytest.raises(bulk.BulkRefused, match="Cancel it first"):
        bulk.undo(run, NOW)


def test_leads_that_change_meanwhile_are_decided_about_as_they_are_then(ana, ben, in_small_steps):
    leads = make_leads(4)
    run = start("snooze", leads, ana)
    gone, closed = leads[0], leads[1]
    archiving.archive([gone.pk], by=Actor.member(ana), now=NOW)
    lifecycle.close([closed.pk], reason="price", by=Actor.member(ana), now=NOW)
    run = finish(run)
    assert (run.done, run.refused) == (2, 2)
    assert Lead.objects.filter(snoozed_until__isnull=False).count() == 2


def test_a_rep_does_it_to_own_leads_up_to_200_and_does_not_close(ben):
    mine, pooled = make_lead(owner=ben), make_lead()
    run = start("snooze", [mine, pooled], ben)
    assert (run.total, run.done) == (1, 1)
    with pytest.raises(NotAllowed, match="not close"):
        start("close", [mine], ben)
    many = make_leads(201, owner=ben)
    with pytest.raises(NotAllowed, match="200"):
        start("snooze", many, ben)


def test_who_may_not_do_it_any_more_does_not(workspace, ana, in_small_steps):
    max_ = make_member(workspace, Role.MANAGER, "Maxine")
    leads = make_leads(2)
    run = start("remove", leads, max_)
    max_.role = Role.REP
    max_.save(update_fields=["role"])
    run = finish(run)
    assert (run.done, run.refused) == (0, 2)
    assert Lead.objects.filter(archived_at=None).count() == 2


def test_who_left_stops_their_runs(workspace, in_small_steps):
    max_ = make_member(workspace, Role.MANAGER, "Maxine")
    run = start("snooze", make_leads(2), max_)
    max_.is_active = False
    max_.save(update_fields=["is_active"])
    run = finish(run)
    assert set(run.chunks.get().refused.values()) == {
        "Whoever started this is not active here any more."
    }


def test_none_and_too_many_are_refused(ana, monkeypatch):
    with pytest.raises(bulk.BulkRefused, match="None of these"):
        start("snooze", [], ana)
    monkeypatch.setattr(bulk, "MOST", 1)
    with pytest.raises(bulk.BulkRefused, match="more than"):
        start("snooze", make_leads(2), ana)
    assert not BulkRun.objects.exists()


def test_a_worker_that_dies_in_a_chunk_repeats_nothing(ana, in_small_steps, monkeypatch):
    run = start("task", make_leads(4), ana)
    bulk.advance(run.pk, NOW)
    real = BULK_VERBS["task"]

    def broken(*args):
        real.do(*args)
        raise DatabaseError("the connection is gone")

    monkeypatch.setitem(BULK_VERBS, "task", BulkVerb("task", "Task", "edit", broken, real.around))
    assert not bulk.advance(run.pk, NOW)
    assert Task.objects.count() == 2
    monkeypatch.setitem(BULK_VERBS, "task", real)
    run = finish(run)
    assert (Task.objects.count(), run.done) == (4, 4)


def test_a_lead_that_the_database_refuses_does_not_hold_up_the_others(
    ana, in_small_steps, monkeypatch
):
    leads = make_leads(4)
    bad = leads[1].pk
    real = BULK_VERBS["snooze"]

    def failing(ids, *args):
        if bad in ids:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return real.do(ids, *args)

    monkeypatch.setitem(BULK_VERBS, "snooze", BulkVerb("snooze", "Snooze", "edit", failing))
    run = start("snooze", leads, ana)
    for _ in range(20):
        bulk.advance(run.pk, NOW)
    run.refresh_from_db()
    assert (run.state, run.done, run.refused) == ("done", 3, 1)
    assert Lead.objects.get(pk=bad).snoozed_until is None


def test_two_workers_do_not_do_a_chunk_twice(ana, in_small_steps):
    run = start("task", make_leads(2), ana)
    finish(run)
    assert not bulk.advance(run.pk, NOW)
    assert Task.objects.count() == 2


def test_a_campaign_is_set_and_taken_off(ana):
    campaign = Campaign.objects.create(name="Spring")
    leads = make_leads(2)
    start("campaign", leads, ana, {"campaign": str(campaign.pk)})
    assert Lead.objects.filter(campaign=campaign).count() == 2
    start("campaign", leads, ana, {"campaign": None})
    assert Lead.objects.filter(campaign=campaign).count() == 0


def test_a_field_that_somebody_edited_since_is_kept_by_undo(ana, ben):
    (lead,) = make_leads(1)
    run = start("field", [lead], ana)
    editing.edit([lead.pk], {"state": "NV"}, by=Actor.member(ana), now=NOW + HOUR)
    run = bulk.undo(run, NOW + HOUR)
    assert (run.kept, Lead.objects.get().state) == (1, "NV")


def test_whose_run_it_is(ana, max_, ben):
    run = start("snooze", make_leads(1), max_)
    assert bulk.access_run(max_, run.pk) == run
    assert bulk.access_run(ana, run.pk) == run
    with pytest.raises(Http404):
        bulk.access_run(ben, run.pk)


def test_what_undo_needs_is_forgotten_after_a_day_and_the_run_after_a_month(ana):
    run = start("snooze", make_leads(1), ana)
    bulk.forget(NOW + DAY)
    assert run.chunks.get().changes != {}
    bulk.forget(NOW + DAY + HOUR)
    assert run.chunks.get().changes == {}
    bulk.forget(NOW + 31 * DAY)
    assert not BulkRun.objects.exists()
