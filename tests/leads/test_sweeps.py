"""The sweeps: closing what is due, warning before, bringing back, across workspaces."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import IdempotencyKey
from leadcrm.workspaces.scoping import no_scope, workspace_scope
from leads import lifecycle, sweeps, timeline
from leads.models import Activity, Lead, Stage, Task
from leads.setup import add_pipeline
from tests.factories import make_lead, make_leads, make_member, make_workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def sweep(work, now):
    with no_scope():
        return work(now)


def kinds_of(lead):
    return list(Activity.objects.filter(lead=lead).order_by("id").values_list("kind", flat=True))


# --- auto-close ------------------------------------------------------------------------------


def test_a_new_lead_without_contact_is_lost_for_both_reasons(acme, now):
    lead = make_lead()
    assert sweep(sweeps.auto_close_due, now + 30 * DAY - HOUR) == 0
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 1
    lead = fresh(lead)
    assert (lead.status, lead.loss_reason, lead.unqualified_reason) == (
        "lost",
        "no_contact",
        "no_contact",
    )
    row = Activity.objects.filter(lead=lead).latest("id")
    assert (row.actor_kind, row.via, row.reason) == ("system", "timer", "no_contact")
    assert sweep(sweeps.auto_close_due, now + 31 * DAY) == 0


def test_a_quiet_qualified_lead_is_lost_for_lost_contact(acme, me, now):
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=now)
    sweep(sweeps.auto_close_due, now + 30 * DAY)
    lead = fresh(lead)
    assert (lead.status, lead.loss_reason, lead.unqualified_reason) == ("lost", "lost_contact", "")


def test_contacted_in_new_is_lost_contact(acme, me, now):
    lead = make_lead(pipeline=add_pipeline("appointments"))
    timeline.log_call([lead.pk], outcome="reached", by=me, now=now + DAY)
    sweep(sweeps.auto_close_due, now + 31 * DAY)
    assert (fresh(lead).status, fresh(lead).loss_reason) == ("lost", "lost_contact")


def test_a_pipeline_that_only_disqualifies_closes_there(acme, now):
    pipeline = add_pipeline("capture")
    Stage.objects.filter(pipeline=pipeline, key="new").update(no_contact_days=30)
    lead = make_lead(pipeline=pipeline)
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 1
    assert (fresh(lead).status, fresh(lead).disqualification_reason) == (
        "disqualified",
        "no_contact",
    )


def test_it_is_checked_again_under_the_lock(acme, me, now):
    """What the column says may be old: somebody called in the moment before."""
    lead = make_lead()
    timeline.log_call([lead.pk], outcome="reached", by=me, now=now + 20 * DAY)
    Lead.objects.filter(pk=lead.pk).update(auto_close_at=now + 30 * DAY)
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 0
    assert (fresh(lead).status, fresh(lead).auto_close_at) == ("contacted", now + 50 * DAY)


@pytest.mark.django_db(transaction=True)
def test_a_call_that_commits_first_keeps_the_lead_open(now):
    workspace = make_workspace("Acme")
    me = Actor.member(make_member(workspace, "rep", "Ben"))
    due = now + 30 * DAY
    with workspace_scope(workspace):
        leads = make_leads(20)
    barrier = threading.Barrier(2)

    def call_them():
        try:
            with workspace_scope(workspace):
                barrier.wait()
                for lead in leads:
                    timeline.log_call([lead.pk], outcome="reached", by=me, now=due)
        finally:
            connection.close()

    caller = threading.Thread(target=call_them)
    caller.start()
    barrier.wait()
    sweeps.auto_close_due(due)
    caller.join()
    with workspace_scope(workspace):
        for lead in Lead.objects.all():
            rows = kinds_of(lead)
            # Either the call came first and it is open, or the close did and the call is noted.
            assert (lead.status == "contacted") == (
                "stage_changed" in rows and rows.index("call_logged") < rows.index("stage_changed")
            )
            assert lead.status in ("contacted", "lost")


def test_the_sweep_goes_through_the_workspaces(acme, rival, now):
    with workspace_scope(rival):
        theirs = make_leads(2)
    ours = make_lead()
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 3
    assert fresh(ours).status == "lost"
    with workspace_scope(rival):
        assert {fresh(lead).status for lead in theirs} == {"lost"}


def test_more_than_a_chunk_is_done_in_one_tick(acme, now, monkeypatch):
    monkeypatch.setattr(sweeps, "CHUNK", 3)
    make_leads(10)
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 10


def test_more_than_is_read_ahead_is_done_in_one_tick(acme, now, monkeypatch):
    monkeypatch.setattr(sweeps, "CHUNK", 2)
    monkeypatch.setattr(sweeps, "READ_AHEAD", 5)
    make_leads(10)
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 10


def test_what_no_timer_looks_at_is_not_read_and_stays(acme, now, django_assert_max_num_queries):
    lead = make_lead(first_touch={"utm_source": "x"})
    Lead.objects.filter(pk=lead.pk).update(attributes={"a": 1})
    with django_assert_max_num_queries(30) as seen:
        sweep(sweeps.auto_close_due, now + 30 * DAY)
    (read,) = [query["sql"] for query in seen if "FOR NO KEY UPDATE" in query["sql"]]
    assert not [name for name in sweeps.UNREAD if f'"{name}"' in read]
    lead = fresh(lead)
    assert (lead.status, lead.attributes, lead.first_touch) == (
        "lost",
        {"a": 1},
        {"utm_source": "x"},
    )


def test_a_timer_that_moves_between_look_and_lock_warns_of_the_new_time_later(
    acme, now, monkeypatch
):
    lead = make_lead()
    run = sweeps.run

    def postponed(ids, *args, **kwargs):
        Lead.objects.filter(pk__in=ids).update(auto_close_at=now + 90 * DAY)
        return run(ids, *args, **kwargs)

    monkeypatch.setattr(sweeps, "run", postponed)
    sweep(sweeps.auto_close_due, now + 29 * DAY)
    assert "auto_close_warned" not in kinds_of(lead)


def test_a_workspace_that_fails_does_not_stop_the_others(acme, rival, now, monkeypatch):
    make_lead()
    with workspace_scope(rival):
        make_lead()
    close, failed = sweeps._close, []

    def fail_once(ids, at):
        if not failed:
            failed.append(ids)
            raise DatabaseError("canceling statement due to lock timeout")
        return close(ids, at)

    monkeypatch.setattr(sweeps, "_close", fail_once)
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 1
    assert sweep(sweeps.auto_close_due, now + 30 * DAY) == 1


# --- the warning -----------------------------------------------------------------------------


def test_the_owner_is_warned_three_business_days_before_and_once(acme, now):
    lead = make_lead()
    closes = now + 30 * DAY
    assert closes == datetime(2026, 4, 3, 10, tzinfo=UTC)  # a Friday
    warning = datetime(2026, 3, 31, 10, tzinfo=UTC)
    for at, count in ((warning - HOUR, 0), (warning, 1), (warning + DAY, 1)):
        sweep(sweeps.auto_close_due, at)
        assert kinds_of(lead).count("auto_close_warned") == count
    assert fresh(lead).auto_close_warned_at == warning


def test_a_lead_that_was_called_after_the_warning_is_warned_anew(acme, me, now):
    lead = make_lead()
    warning = datetime(2026, 3, 31, 10, tzinfo=UTC)
    sweep(sweeps.auto_close_due, warning)
    timeline.log_call([lead.pk], outcome="reached", by=me, now=warning + HOUR)
    assert fresh(lead).auto_close_warned_at is None
    sweep(sweeps.auto_close_due, fresh(lead).auto_close_at - HOUR)
    assert kinds_of(lead).count("auto_close_warned") == 2


# --- waking ----------------------------------------------------------------------------------


def test_a_snooze_that_is_over_makes_the_lead_due(acme, me, ben, now):
    lead = make_lead(owner=ben)
    timeline.log_message([lead.pk], channel="sms", direction="outbound", body="Hi", by=me, now=now)
    timeline.snooze([lead.pk], until=now + 5 * DAY, by=me, now=now)
    assert sweep(sweeps.wake_due, now + 4 * DAY) == 0
    assert sweep(sweeps.wake_due, now + 5 * DAY) == 1
    lead = fresh(lead)
    assert (lead.snoozed_until, lead.work_due_at, lead.owner) == (None, now + 5 * DAY, ben)
    assert Task.objects.get().assignee == ben
    assert sweep(sweeps.wake_due, now + 5 * DAY) == 0


def test_a_snooze_over_a_planned_step_adds_no_other(acme, me, now):
    lead = make_lead()
    timeline.add_task([lead.pk], title="Offer", due_at=now + DAY, by=me, now=now)
    timeline.snooze([lead.pk], until=now + 2 * DAY, by=me, now=now)
    sweep(sweeps.wake_due, now + 2 * DAY)
    assert Task.objects.get().title == "Offer"


@pytest.mark.parametrize("end", ["recycle", "lost", "unfit"])
def test_a_lead_comes_back_on_its_date_to_the_same_owner(acme, me, ben, now, end):
    lead = make_lead(owner=ben)
    if end == "recycle":
        lifecycle.recycle([lead.pk], returns_at=now + 90 * DAY, by=me, now=now)
    else:
        reason = "not_now" if end == "lost" else "too_small"
        lifecycle.close([lead.pk], reason=reason, follow_up_at=now + 90 * DAY, by=me, now=now)
    assert sweep(sweeps.wake_due, now + 89 * DAY) == 0
    assert sweep(sweeps.wake_due, now + 90 * DAY) == 1
    lead = fresh(lead)
    assert (lead.status, lead.attempt, lead.owner, lead.returns_at) == ("new", 2, ben, None)
    assert lead.work_due_at is not None
    assert sweep(sweeps.wake_due, now + 90 * DAY) == 0


def test_removed_leads_do_not_come_back(acme, me, now):
    lead = make_lead()
    lifecycle.recycle([lead.pk], returns_at=now + DAY, by=me, now=now)
    Lead.objects.filter(pk=lead.pk).update(archived_at=now)
    assert sweep(sweeps.wake_due, now + 2 * DAY) == 0


def test_waking_goes_through_the_workspaces(acme, rival, me, now):
    lead = make_lead()
    timeline.snooze([lead.pk], until=now + DAY, by=me, now=now)
    with workspace_scope(rival):
        theirs = make_lead()
        rep = Actor.member(make_member(rival, "rep", "Rob"))
        timeline.snooze([theirs.pk], until=now + DAY, by=rep, now=now)
    assert sweep(sweeps.wake_due, now + DAY) == 2


def test_old_idempotency_keys_are_forgotten(acme, now):
    assert sweep(sweeps.prune, now) == 0
    assert not IdempotencyKey.objects.exists()
