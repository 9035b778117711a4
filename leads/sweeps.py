"""The sweeps that beat rings: they ask what is due, and do it by the verbs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.db.models import Q, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import IdempotencyKey, Workspace
from leadcrm.workspaces.scoping import all_workspaces, current_workspace_id, workspace_scope
from leads import bulk, kinds, lifecycle, reminding, timeline, timers, undoing
from leads.batch import UNREAD, Change, Decide, run
from leads.models import CloseReason, Lead, Notification, Task
from leads.pipelines import Outcome, Status

log = structlog.get_logger(__name__)

TIMER = Actor.system(via="timer")
CHUNK = 1000
READ_AHEAD = 20_000  # leads whose ids are read at once
LONGEST_TICK = 10.0  # seconds a sweep may run before it leaves the rest to its next tick
KEEP_IDEMPOTENCY_KEYS = timedelta(days=3)
KEEP_NOTIFICATIONS = timedelta(days=90)
WARN_WINDOW = timedelta(days=14)


def auto_close_due(now: datetime) -> int:
    """Close leads whose timer has run out and warn of those about to; returns how many closed."""
    _in_chunks(Lead.objects.filter(_to_warn(now)), lambda ids: _warn(ids, now))
    return _in_chunks(Lead.objects.filter(auto_close_at__lte=now), lambda ids: _close(ids, now))


def wake_due(now: datetime) -> int:
    """End snoozes that are over and bring back leads whose follow-up date has come."""
    woken = _in_chunks(
        Lead.objects.coming_back(now).filter(snoozed_until__isnull=False),
        lambda ids: _wake(ids, now),
    )
    resting = Lead.objects.coming_back(now).filter(
        archived_at=None, snoozed_until=None, outcome__in=(Outcome.RESTING, Outcome.LOST)
    )
    return woken + _in_chunks(resting, lambda ids: _return(ids, now))


def remind_due(now: datetime) -> int:
    """Note answers that are late, and remind of tasks and of appointments that begin soon."""
    late = _in_chunks(reminding.late_ones(now), lambda ids: _run(ids, reminding.note_late, now))
    return late + reminding.remind_of_tasks(now) + reminding.remind_of_appointments(now)


def prune(now: datetime) -> int:
    """Forget idempotency keys that no client repeats, what is past undoing, and old news."""
    undoing.forget(now)
    bulk.forget(now)
    with all_workspaces():
        Notification.objects.filter(at__lt=now - KEEP_NOTIFICATIONS).delete()
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
        due = timers.auto_close_at(lead, lead.stage, change.fact(timers.facts_of))
        stage = lifecycle.closing_stage(change, Status.LOST)
        reason = reasons.get(timers.close_reason_code(lead))
        if due is None or due > now or stage is None or reason is None:
            change.touched = True
            return
        lifecycle.close_with(change, stage, reason)

    return _run(ids, decide, now)


def _to_warn(now: datetime) -> Q:
    # Three business days and some holidays between them; the workspace's hours decide below.
    return Q(auto_close_at__gt=now, auto_close_at__lte=now + WARN_WINDOW, auto_close_warned_at=None)


def _warn(ids: Sequence[uuid.UUID], now: datetime) -> int:
    hours = Workspace.objects.get(pk=current_workspace_id()).hours()

    def is_due(closes_at: datetime) -> bool:
        return hours.add_days(closes_at, -timers.WARN_BUSINESS_DAYS) <= now < closes_at

    # Most leads of the window aren't due yet: those are not locked each minute.
    soon = Lead.objects.filter(pk__in=ids).values_list("pk", "auto_close_at")
    due = {lead_id: closes_at for lead_id, closes_at in soon if closes_at and is_due(closes_at)}

    def decide(change: Change) -> None:
        """One whose timer was set anew between the look and the lock is left to the next tick."""
        lead = change.lead
        if lead.auto_close_warned_at is None and lead.auto_close_at == due[lead.pk]:
            change.set(auto_close_warned_at=now)
            change.record(kinds.CLOSE_WARNED, data={"closes_at": due[lead.pk].isoformat()})

    return _run(list(due), decide, now) if due else 0


def _wake(ids: Sequence[uuid.UUID], now: datetime) -> int:
    def decide(change: Change) -> None:
        lead = change.lead
        if lead.snoozed_until is None or lead.snoozed_until > now:
            return
        change.set(snoozed_until=None)
        change.record(kinds.WOKEN)
        _follow_up(change, reminds=False)  # that it is back is told already

    return _run(ids, decide, now)


def _return(ids: Sequence[uuid.UUID], now: datetime) -> int:
    """A lead that somebody reopened or put off meanwhile stays as it is."""

    def decide(change: Change) -> None:
        if change.lead.returns_at is None or change.lead.returns_at > now:
            return
        lifecycle.reopen_one(change, "Its follow-up date has come")
        _follow_up(change)

    return _run(ids, decide, now)


def _follow_up(change: Change, *, reminds: bool = True) -> None:
    """A lead that comes back is due at once, unless a next step is set."""
    lead, remind_at = change.lead, change.now if reminds else None
    if lead.is_open and timers.work_due_at(lead, change.fact(timers.facts_of)) is None:
        timeline.plan(
            change, title="Follow up", due_at=change.now, kind=Task.Kind.CALL, remind_at=remind_at
        )


def _run(ids: Sequence[uuid.UUID], decide: Decide, now: datetime) -> int:
    """Do it, and count the leads to which something happened."""
    results = run(ids, decide, by=TIMER, now=now, unread=UNREAD)
    return sum(1 for result in results if result.activities)


def _in_chunks(due: QuerySet[Lead], act: Callable[[Sequence[uuid.UUID]], int]) -> int:
    """Go through due leads workspace by workspace, a chunk each in turn, for one tick at most."""
    deadline, total = time.monotonic() + LONGEST_TICK, 0
    with all_workspaces():
        workspaces = due.order_by().values_list("workspace", flat=True).distinct()
        waiting = {workspace_id: _chunks(due) for workspace_id in workspaces}
    while waiting and time.monotonic() < deadline:
        for workspace_id, chunks in list(waiting.items()):
            with workspace_scope(workspace_id):
                ids = next(chunks, None)
                if ids is None:
                    del waiting[workspace_id]
                else:
                    total += _try(act, ids)
    return total


def _chunks(due: QuerySet[Lead]) -> Iterator[list[uuid.UUID]]:
    """The ids of due leads in their order, read in the scope of whoever asks for the next chunk."""
    rest = due.order_by("pk").values_list("pk", flat=True)
    ids = list(rest[:READ_AHEAD])
    while ids:
        yield from (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        ids = list(rest.filter(pk__gt=ids[-1])[:READ_AHEAD]) if len(ids) == READ_AHEAD else []


def _try(act: Callable[[Sequence[uuid.UUID]], int], ids: Sequence[uuid.UUID]) -> int:
    """Do a chunk; what fails is left to the next tick, and the other chunks flow."""
    try:
        return act(ids)
    except DatabaseError as error:
        log.warning("sweep_failed", leads=len(ids), error=type(error).__name__)
        return 0
