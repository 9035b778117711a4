"""Reading the log: each subscriber has its own cursor per lane and sees every row exactly once.

Ids are not in the order of commits, so a cursor over ids alone misses rows. Rows are read in
the order (xid, id), and only below the oldest transaction still running: nothing can appear
behind the cursor any more. A handler's writes commit together with the cursor.

The price: a transaction that has written something, anywhere in the database cluster, holds back
all rows younger than itself until it ends. Web and workers end theirs by `transaction_timeout`;
whoever runs a long migration or a dump with writes sees the lag grow, and nothing is lost.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Activity, Cursor, Parking
from leads.models.activity import Lane, SnapshotHorizon

log = structlog.get_logger(__name__)

BATCH = 1000
DEEPEST = 8  # links in a chain of causes before it counts as a loop
RETRIES = 100  # parked leads tried again in one turn
BY_STAFF = 0  # the count of attempts of a parking that staff wants tried
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)

Handler = Callable[[Sequence[Activity], datetime], None]


@dataclass(frozen=True)
class Subscriber:
    """A reader of the log. `handle` gets rows of one workspace, in its scope and a transaction.

    It does no network, and may see rows again only if an earlier attempt was rolled back. Rows
    that the subscriber itself caused (`via` is its name) are not shown to it.
    """

    name: str
    handle: Handler
    lanes: frozenset[str]


_subscribers: dict[str, Subscriber] = {}


class HandlingFailed(Exception):
    """A row is too deep in a chain of causes, or its handler left the transaction broken."""


def subscribe(name: str, handle: Handler, lanes: Sequence[str] = tuple(Lane.values)) -> None:
    """Register a subscriber; called from `AppConfig.ready`. `name` is kept for good."""
    if name in _subscribers and _subscribers[name].handle is not handle:
        raise ValueError(f"the subscriber {name} is registered already")
    _subscribers[name] = Subscriber(name, handle, frozenset(lanes))


def unsubscribe(name: str) -> None:
    _subscribers.pop(name, None)


def subscribers() -> list[Subscriber]:
    return list(_subscribers.values())


def actor_answering(name: str, activity: Activity) -> Actor:
    """The actor with which a subscriber calls verbs because of a log row."""
    return Actor.system(via=name).answering(activity.pk, activity.depth)


def dispatch(lane: str, now: datetime) -> int:
    """Give every subscriber its next rows of a lane; returns how many rows were handled in all.

    A subscriber whose dispatch fails as a whole keeps its place and doesn't hold up the others.
    """
    handled = 0
    for subscriber in subscribers():
        if lane not in subscriber.lanes:
            continue
        try:
            handled += dispatch_to(subscriber, lane, now)
        except Exception as error:
            log.exception(
                "dispatch_failed", subscriber=subscriber.name, lane=lane, error=type(error).__name__
            )
            connection.close_if_unusable_or_obsolete()
    return handled


def dispatch_for(lane: str, now: datetime, *, seconds: float) -> int:
    """`dispatch` again and again until nothing is left, or for so long at most."""
    deadline, total = time.monotonic() + seconds, 0
    while handled := dispatch(lane, now):
        total += handled
        if time.monotonic() >= deadline:
            break
    return total


def dispatch_to(subscriber: Subscriber, lane: str, now: datetime) -> int:
    """Handle up to BATCH rows and what is due of those parked, in one transaction with the cursor.

    Returns how many rows were handled or parked; 0 where another worker holds the cursor.
    """
    with all_workspaces():
        # Before the transaction: a second dispatcher would wait for the row until the first is done.
        Cursor.objects.get_or_create(subscriber=subscriber.name, lane=lane)
    with transaction.atomic(), all_workspaces():
        cursor = (
            Cursor.objects.select_for_update(skip_locked=True)
            .filter(subscriber=subscriber.name, lane=lane)
            .first()
        )
        if cursor is None:
            return 0
        retried = _retry_parked(subscriber, lane, now)
        rows = _next_rows(cursor)
        if rows:
            _hand_out(subscriber, lane, rows, now)
            cursor.xid, cursor.activity_id, cursor.advanced_at = rows[-1].xid, rows[-1].pk, now
            cursor.save(update_fields=["xid", "activity_id", "advanced_at"])
        return retried + len(rows)


def _next_rows(cursor: Cursor) -> list[Activity]:
    rows = rows_after(cursor.xid, cursor.activity_id).filter(
        lane=cursor.lane, xid__lt=SnapshotHorizon()
    )
    return list(rows.order_by("xid", "id")[:BATCH])


def rows_after(xid: Any, activity_id: Any) -> QuerySet[Activity]:
    """The rows behind a position, settled or not; a position may be an expression."""
    # `xid >=` lets the index start at the cursor; the OR alone would scan the lane from its start.
    found: QuerySet[Activity] = Activity.objects.filter(
        Q(xid__gte=xid) & (Q(xid__gt=xid) | Q(id__gt=activity_id))
    )
    return found


def _hand_out(subscriber: Subscriber, lane: str, rows: Sequence[Activity], now: datetime) -> None:
    by_workspace: dict[uuid.UUID, list[Activity]] = defaultdict(list)
    for row in rows:
        if row.via != subscriber.name:
            by_workspace[row.workspace_id].append(row)
    parked = {
        (parking.workspace_id, parking.lead_id): parking
        for parking in Parking.objects.filter(
            subscriber=subscriber.name, lane=lane, workspace__in=by_workspace
        )
    }
    # In the order of their ids, so that two lanes that touch the same rows don't deadlock.
    for workspace_id, group in sorted(by_workspace.items()):
        ready = _queue_behind(parked, group)
        with workspace_scope(workspace_id):
            for failure in _work_off(subscriber, ready, now):
                _park(subscriber, lane, failure, now)


def _queue_behind(
    parked: Mapping[tuple[uuid.UUID, uuid.UUID | None], Parking], rows: Sequence[Activity]
) -> list[Activity]:
    """Rows of a parked lead wait behind it; returns the others. Rows of no lead stand alone."""
    ready, grown = [], {}
    for row in rows:
        parking = parked.get((row.workspace_id, row.lead_id)) if row.lead_id else None
        if parking is None:
            ready.append(row)
        else:
            parking.activity_ids.append(row.pk)
            grown[parking.pk] = parking
    for parking in grown.values():
        parking.save(update_fields=["activity_ids"])
    return ready


@dataclass(frozen=True)
class _Failure:
    """The rows of a lead that can't be handled, from the one that fails, and why."""

    rows: Sequence[Activity]
    error: Exception


def _work_off(
    subscriber: Subscriber, rows: Sequence[Activity], now: datetime, *, however_deep: bool = False
) -> list[_Failure]:
    """Handle rows; where that fails, halve them by leads until the bad lead stands alone."""
    if not rows:
        return []
    error = _attempt(subscriber, rows, now, however_deep)
    if error is None:
        return []
    leads = list(dict.fromkeys(_lead_or_self(row) for row in rows))
    if len(leads) > 1:
        first = set(leads[: len(leads) // 2])
        halves = (
            [row for row in rows if _lead_or_self(row) in first],
            [row for row in rows if _lead_or_self(row) not in first],
        )
        return [
            failure
            for half in halves
            for failure in _work_off(subscriber, half, now, however_deep=however_deep)
        ]
    if len(rows) == 1:
        return [_Failure(rows, error)]
    for position, row in enumerate(rows):
        error = _attempt(subscriber, [row], now, however_deep)
        if error is not None:
            return [_Failure(rows[position:], error)]
    return []


def _lead_or_self(row: Activity) -> object:
    return row.lead_id or row.pk


def _attempt(
    subscriber: Subscriber, rows: Sequence[Activity], now: datetime, however_deep: bool
) -> Exception | None:
    """Handle rows in a savepoint; returns what went wrong, after which nothing of it remains."""
    try:
        with transaction.atomic():
            deepest = max(row.depth for row in rows)
            if deepest > DEEPEST and not however_deep:
                raise HandlingFailed(f"a chain of {deepest} causes: it looks like a loop")
            subscriber.handle(rows, now)
            if transaction.get_rollback():
                # It swallowed a database error; leaving the block would undo its work silently.
                raise HandlingFailed("its transaction was broken by an error that it caught")
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise
        return error
    return None


def _park(subscriber: Subscriber, lane: str, failure: _Failure, now: datetime) -> None:
    first = failure.rows[0]
    log.warning(
        "log_row_parked",
        subscriber=subscriber.name,
        activity=first.pk,
        error=type(failure.error).__name__,
    )
    parking, is_new = Parking.objects.get_or_create(
        subscriber=subscriber.name,
        lane=lane,
        lead_id=first.lead_id,
        defaults={
            "activity_ids": [row.pk for row in failure.rows],
            "error": _describe(failure.error),
            "parked_at": now,
            "retry_at": now + FIRST_RETRY,
        },
    )
    if not is_new:
        parking.activity_ids += [row.pk for row in failure.rows]
        parking.save(update_fields=["activity_ids"])


def _retry_parked(subscriber: Subscriber, lane: str, now: datetime) -> int:
    due = Parking.objects.filter(subscriber=subscriber.name, lane=lane, retry_at__lte=now).order_by(
        "retry_at"
    )
    return sum(_retry(subscriber, parking, now) for parking in due[:RETRIES])


def _retry(subscriber: Subscriber, parking: Parking, now: datetime) -> int:
    """Try a parked lead again: it moves on as far as it goes. Returns how many rows were handled."""
    turn, rest = parking.activity_ids[:BATCH], parking.activity_ids[BATCH:]
    rows = list(Activity.objects.filter(pk__in=turn).order_by("xid", "id"))
    with workspace_scope(parking.workspace_id):
        failures = _work_off(subscriber, rows, now, however_deep=parking.attempts == BY_STAFF)
    left = [row.pk for failure in failures for row in failure.rows]
    if not left and not rest:
        parking.delete()
        return len(rows)
    if failures:
        is_stuck = left[0] == turn[0]
        parking.attempts = parking.attempts + 1 if is_stuck else 1
        parking.error = _describe(failures[0].error)
        parking.retry_at = now + min(FIRST_RETRY * 2 ** min(parking.attempts, 12), LONGEST_RETRY)
    parking.activity_ids = left + rest
    parking.save(update_fields=["activity_ids", "attempts", "error", "retry_at"])
    return len(rows) - len(left)


def retry_now(parkings: Sequence[Parking], now: datetime) -> int:
    """Let parked leads be tried at the next sweep; for staff. Returns how many.

    A row that was parked as a loop is handled too: a person has looked at it.
    """
    with all_workspaces():
        return int(
            Parking.objects.filter(pk__in=[parking.pk for parking in parkings]).update(
                retry_at=now, attempts=BY_STAFF
            )
        )


def _describe(error: Exception) -> str:
    """Type and place only: a message may quote the data of a person."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    text = str(error) if isinstance(error, HandlingFailed) else ""
    return f"{type(error).__name__} {text} at {' > '.join(frames[-5:])}".replace("  ", " ")
