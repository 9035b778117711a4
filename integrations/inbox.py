"""Empties the queue of received payloads: parse, capture and mark, in one transaction.

The rows are the queue. A chunk is claimed with SKIP LOCKED, so any number of workers may drain at
once; what is killed halfway rolls back and waits for the next tick.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Min, Q, prefetch_related_objects
from django.db.models.functions import Right

from integrations.models import InboundEvent
from integrations.provider import Provider, Reading
from integrations.registry import PROVIDERS
from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.scoping import all_workspaces, current_workspace_id, workspace_scope
from leadcrm.workspaces.updating import write_columns
from leads.capture import Captured, Effect, capture_leads
from leads.draft_values import CaptureRefused
from leads.models import Lead

log = structlog.get_logger(__name__)

CHUNK = 500
LONGEST_TICK = 10.0  # seconds a drain may run before it leaves the rest to its next tick
MOST_ATTEMPTS = 10
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
SAME_CONTENT_WITHIN = timedelta(hours=24)

State, Result = InboundEvent.State, InboundEvent.Result
MARKED = ("state", "result", "person", "note", "lead", "attempts", "run_at", "handled_at")


@dataclass(slots=True)
class _Read:
    """An event and what its parser understood of it."""

    event: InboundEvent
    reading: Reading


def drain(now: datetime) -> int:
    """Handle what is waiting, workspace by workspace, a chunk each in turn, for one tick at most.

    Returns how many payloads were handled.
    """
    deadline, total = time.monotonic() + LONGEST_TICK, 0
    waiting = _workspaces_waiting(now)
    while waiting and time.monotonic() < deadline:
        for workspace_id in list(waiting):
            if time.monotonic() >= deadline:
                break
            with workspace_scope(workspace_id):
                claimed, handled = _drain_chunk(now)
            total += handled
            if claimed < CHUNK:
                waiting.remove(workspace_id)
    return total


def handle_again(ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Put received items that failed or made no lead back into the queue. Returns which ones."""
    with transaction.atomic(), all_workspaces():
        finished = InboundEvent.objects.filter(pk__in=ids, lead=None).exclude(state=State.WAITING)
        again = set(finished.select_for_update(of=("self",)).values_list("pk", flat=True))
        InboundEvent.objects.filter(pk__in=again).update(
            state=State.WAITING,
            result=Result.NONE,
            attempts=0,
            note="",
            run_at=now,
            handled_at=None,
        )
    return again


def _workspaces_waiting(now: datetime) -> list[uuid.UUID]:
    """The workspaces with due rows, the longest waiting first."""
    with all_workspaces():
        due = InboundEvent.objects.filter(state=State.WAITING, run_at__lte=now)
        firsts = due.order_by().values("workspace").annotate(first=Min("run_at"))
        return [row["workspace"] for row in firsts.order_by("first")]


def _drain_chunk(now: datetime) -> tuple[int, int]:
    """Handle a chunk at once; where that fails, row by row. Returns how many were claimed, handled."""
    events: list[InboundEvent] = []
    try:
        with transaction.atomic():
            if not _hold_workspace():
                return 0, 0
            events = _claim(Q(state=State.WAITING, run_at__lte=now), CHUNK)
            _handle(events, now)
            return len(events), len(events)
    except Exception as error:  # whatever one payload raises, the others must flow
        if not events or _is_connection_lost(error):
            raise
        log.warning("inbox_chunk_failed", rows=len(events), error=type(error).__name__)
    return len(events), sum(_drain_one(event.pk, now) for event in events)


def _hold_workspace() -> bool:
    """Whether this drain has the workspace to itself: two chunks of one workspace could deadlock
    over the same people."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"inbox:{current_workspace_id()}"],
        )
        return bool(cursor.fetchone()[0])


def _claim(which: Q, limit: int) -> list[InboundEvent]:
    """Lock what is due; submissions of one source share its row, and so what hangs on it."""
    rows = InboundEvent.objects.filter(which).order_by("run_at", "received_at")
    events = list(rows.select_for_update(skip_locked=True)[:limit])
    prefetch_related_objects(events, "source")
    return events


def _drain_one(event_id: uuid.UUID, now: datetime) -> int:
    """Handle one row by itself; a failure is noted on it and tried again later."""
    with transaction.atomic():
        for event in _claim(Q(pk=event_id, state=State.WAITING), 1):
            try:
                with transaction.atomic():
                    _handle([event], now)
            except Exception as error:  # see _drain_chunk
                if _is_connection_lost(error):
                    raise
                _note_failure(event, error, now)
                return 0
            return 1
    return 0


def _handle(events: Sequence[InboundEvent], now: datetime) -> None:
    """Parse, capture and mark, in the caller's transaction."""
    reads = [_Read(event, PROVIDERS[event.provider].parse(event)) for event in events]
    for provider in {event.provider: PROVIDERS[event.provider] for event in events}.values():
        _capture([one for one in reads if one.event.provider == provider.key], provider, now)
    repeated = _repeated_content(events)
    for one in reads:
        _mark(one, repeated.get(one.event.pk, ""), now)
    write_columns(events, MARKED)


def _capture(reads: Sequence[_Read], provider: Provider, now: datetime) -> None:
    """Capture the drafts of all payloads in one batch, and set each payload's lead and result."""
    owners = [one for one in reads for _ in one.reading.drafts]
    if not owners:
        return
    drafts = [draft for one in reads for draft in one.reading.drafts]
    by = Actor.system(provider.via, rank=Rank.PROSPECT)
    captured = capture_leads(drafts, by=by, now=now)
    undecided = _needing_review(captured)
    for one, draft, outcome in zip(owners, drafts, captured, strict=True):
        if one.event.lead_id is None:
            one.event.lead_id = outcome.lead_id
            one.event.result = _result(outcome, draft.is_test, outcome.lead_id in undecided)


def _needing_review(captured: Sequence[Captured]) -> set[uuid.UUID]:
    ids = {one.lead_id for one in captured if one.effect != Effect.KNOWN}
    return set(Lead.objects.filter(pk__in=ids, needs_review=True).values_list("pk", flat=True))


def _result(outcome: Captured, is_test: bool, is_undecided: bool) -> str:
    if is_test:
        return Result.TEST
    if outcome.effect == Effect.KNOWN:
        return Result.KNOWN
    if is_undecided:
        return Result.DECISION
    return Result.NEW_LEAD if outcome.effect == Effect.CREATED else Result.ADDED


def _mark(one: _Read, remark: str, now: datetime) -> None:
    event, reading = one.event, one.reading
    event.state, event.handled_at = State.DONE, now
    event.attempts += 1
    event.result = event.result or reading.result
    event.person = reading.person[:200]
    event.note = " ".join(filter(None, [reading.note, remark]))[:500]


def _note_failure(event: InboundEvent, error: Exception, now: datetime) -> None:
    """Try again with growing pauses; after the last attempt a person has to look."""
    event.refresh_from_db(fields=MARKED)
    event.attempts += 1
    event.note = _describe(error)
    if event.attempts >= MOST_ATTEMPTS:
        event.state, event.result, event.handled_at = State.FAILED, Result.FAILED, now
    else:
        event.run_at = now + min(FIRST_RETRY * 2 ** (event.attempts - 1), LONGEST_RETRY)
    log.warning("inbox_row_failed", row=str(event.pk), attempts=event.attempts, note=event.note)
    event.save(update_fields=["state", "result", "note", "attempts", "run_at", "handled_at"])


def _describe(error: Exception) -> str:
    """Type and place only: a message may quote the data of a person. Our own refusals are words."""
    if isinstance(error, CaptureRefused):
        return error.message[:500]
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"This could not be processed ({type(error).__name__} at {place})."


def _is_connection_lost(error: Exception) -> bool:
    """The database is gone: no fault of a payload's, and nothing can be written about it."""
    return isinstance(error, InterfaceError | OperationalError) and (
        connection.connection is None or connection.connection.closed
    )


def _repeated_content(events: Sequence[InboundEvent]) -> dict[uuid.UUID, str]:
    """A remark per payload that came without an id of its own and says what another one said."""
    nameless = {one.pk: one for one in events if one.headers.get("id_given") is False}
    if not nameless:
        return {}
    contents = {one.dedupe_key.rpartition(":")[2] for one in nameless.values()}
    since = min(one.received_at for one in nameless.values()) - SAME_CONTENT_WITHIN
    earlier = (
        InboundEvent.objects.filter(
            source__in={one.source_id for one in nameless.values()}, received_at__gte=since
        )
        .annotate(content=Right("dedupe_key", 32))
        .filter(content__in=contents)
        .values_list("source", "content", "received_at")
    )
    seen = list(earlier)
    return {
        one.pk: "The same was received shortly before: perhaps sent twice."
        for one in nameless.values()
        if any(
            source == one.source_id
            and one.dedupe_key.endswith(content)
            and one.received_at - SAME_CONTENT_WITHIN <= at < one.received_at
            for source, content, at in seen
        )
    }
