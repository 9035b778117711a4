"""The sweeps that beat rings: they ask what is due, and do it by the verbs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import IdempotencyKey
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import kinds, lifecycle, timeline, timers
from leads.batch import Change, run
from leads.models import CloseReason, Lead
from leads.models.activity import Lane
from leads.pipelines import Outcome, Status

TIMER = Actor.system(via="timer")
CHUNK = 500
LONGEST_TICK = 10.0  # seconds a sweep may run before it leaves the rest to its next tick
KEEP_IDEMPOTENCY_KEYS = timedelta(days=3)


def auto_close_due(now: datetime) -> int:
    """Close leads whose timer has run out and warn of those about to; returns how many closed."""
    _in_chunks(Lead.objects.filter(_to_warn(now)), lambda ids: _warn(ids, now))
    return _in_chunks(Lead.objects.filter(auto_close_at__lte=now), lambda ids: _close(ids, now))


def wake_due(now: datetime) -> int:
    """End snoozes that are over and bring back leads whose follow-up date has come."""
    woken = _in_chunks(
        Lead.objects.filter(snoozed_until__lte=now),
        lambda ids: _done(timeline.wake(ids, by=TIMER, now=now)),
    )
    resting = Lead.objects.present().filter(
        returns_at__lte=now, stage__outcome__in=(Outcome.RESTING, Outcome.LOST)
    )
    return woken + _in_chunks(resting, lambda ids: _return(ids, now))


def prune(now: datetime) -> int:
    """Forget idempotency keys that no client repeats any more."""
    with all_workspaces():
        deleted, _ = IdempotencyKey.objects.filter(
            created_at__lt=now - KEEP_IDEMPOTENCY_KEYS
        ).delete()
    return int(deleted)


def _close(ids: Sequence[uuid.UUID], now: datetime) -> int:
    """Close under the lock only those that are still due: the person may have called meanwhile."""
    reasons = {
        reason.code: reason
        for reason in CloseReason.objects.filter(code__in=("no_contact", "lost_contact"))
    }

    def decide(change: Change) -> None:
        lead = change.lead
        facts = timers.facts_of([lead.pk])[lead.pk]
        due = timers.auto_close_at(lead, lead.stage, facts)
        stage = change.batch.stage(lead, status=Status.LOST)
        reason = reasons.get(timers.close_reason_code(lead))
        if due is None or due > now or stage is None or reason is None:
            change.touched = True
            return
        lifecycle.close_with(change, stage, reason)

    results = run(ids, decide, by=TIMER, now=now, lane=Lane.LIVE)
    return sum(1 for result in results if result.activities)


def _to_warn(now: datetime) -> Q:
    # Three business days are at most nine calendar days (a long weekend); the hours decide below.
    return Q(
        auto_close_at__gt=now, auto_close_at__lte=now + timedelta(days=9), auto_close_warned_at=None
    )


def _warn(ids: Sequence[uuid.UUID], now: datetime) -> int:
    def decide(change: Change) -> None:
        lead = change.lead
        if lead.auto_close_at is None or lead.auto_close_warned_at is not None:
            return
        if now < change.batch.workspace.hours().add_days(
            lead.auto_close_at, -timers.WARN_BUSINESS_DAYS
        ):
            return
        change.set(auto_close_warned_at=now)
        change.record(kinds.CLOSE_WARNED, data={"closes_at": lead.auto_close_at.isoformat()})

    return sum(1 for result in run(ids, decide, by=TIMER, now=now) if result.activities)


def _return(ids: Sequence[uuid.UUID], now: datetime) -> int:
    """A lead that somebody reopened meanwhile is refused, and that is all right."""
    return _done(lifecycle.reopen(ids, by=TIMER, now=now, note="Its follow-up date has come"))


def _done(results: Sequence[object]) -> int:
    return sum(1 for result in results if getattr(result, "done", False))


def _in_chunks(due: QuerySet[Lead], act: Callable[[Sequence[uuid.UUID]], int]) -> int:
    """Go through due leads workspace by workspace, a chunk each in turn, for one tick at most."""
    deadline, total = time.monotonic() + LONGEST_TICK, 0
    with all_workspaces():
        workspaces = list(due.order_by().values_list("workspace", flat=True).distinct())
    position: dict[uuid.UUID, uuid.UUID] = {}
    while workspaces and time.monotonic() < deadline:
        for workspace_id in list(workspaces):
            with workspace_scope(workspace_id):
                rest = (
                    due.filter(pk__gt=position[workspace_id]) if workspace_id in position else due
                )
                ids = list(rest.order_by("pk").values_list("pk", flat=True)[:CHUNK])
                total += act(ids) if ids else 0
            if len(ids) < CHUNK:
                workspaces.remove(workspace_id)
            else:
                position[workspace_id] = ids[-1]
    return total
