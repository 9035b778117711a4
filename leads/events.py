"""Reading the log: each subscriber has its own cursor per lane and sees every row exactly once.

Ids are not in the order of commits, so a cursor over ids alone misses rows. Rows are read in
the order (xid, id), and only below the oldest transaction still running: nothing can appear
behind the cursor any more. A handler's writes commit together with the cursor.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Activity, Cursor, Parking
from leads.models.activity import Lane, SnapshotHorizon

log = structlog.get_logger(__name__)

BATCH = 1000
DEEPEST = 8  # links in a chain of causes before it counts as a loop
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
    """A row reached the limit of the chain of causes."""


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
    """Give every subscriber its next rows of a lane; returns how many rows were handled in all."""
    return sum(dispatch_to(one, lane, now) for one in subscribers() if lane in one.lanes)


def dispatch_to(subscriber: Subscriber, lane: str, now: datetime) -> int:
    """Handle up to BATCH rows and what is due of those parked, in one transaction with the cursor.

    Returns 0 where another worker holds the cursor.
    """
    with transaction.atomic(), all_workspaces():
        Cursor.objects.get_or_create(subscriber=subscriber.name, lane=lane)
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
    # `xid >=` lets the index start at the cursor; the OR alone would scan the lane from its start.
    after = Q(xid__gte=cursor.xid) & (Q(xid__gt=cursor.xid) | Q(id__gt=cursor.activity_id))
    rows = Activity.objects.filter(after, lane=cursor.lane, xid__lt=SnapshotHorizon())
    return list(rows.order_by("xid", "id")[:BATCH])


def _hand_out(subscriber: Subscriber, lane: str, rows: Sequence[Activity], now: datetime) -> None:
    parked = {
        (p.workspace_id, p.lead_id): p
        for p in Parking.objects.filter(subscriber=subscriber.name, lane=lane)
    }
    by_workspace: dict[uuid.UUID, list[Activity]] = defaultdict(list)
    for row in rows:
        if row.via == subscriber.name:
            continue
        waiting = parked.get((row.workspace_id, row.lead_id))
        if waiting is not None:
            waiting.activity_ids.append(row.pk)
            waiting.save(update_fields=["activity_ids"])
        elif row.depth > DEEPEST:
            error = HandlingFailed(f"a chain of {row.depth} causes: it looks like a loop")
            parked[(row.workspace_id, row.lead_id)] = _park(subscriber, lane, [row], error, now)
        else:
            by_workspace[row.workspace_id].append(row)
    for workspace_id, group in by_workspace.items():
        with workspace_scope(workspace_id):
            _handle(subscriber, lane, group, now)


def _handle(subscriber: Subscriber, lane: str, rows: Sequence[Activity], now: datetime) -> None:
    """Handle rows; where that fails, halve them by leads until the bad lead stands alone, and park it."""
    try:
        with transaction.atomic():
            subscriber.handle(rows, now)
        return
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, the other leads must flow
        leads = list(dict.fromkeys(row.lead_id for row in rows))
        if len(leads) == 1:
            _park(subscriber, lane, rows, error, now)
            return
    first = set(leads[: len(leads) // 2])
    _handle(subscriber, lane, [row for row in rows if row.lead_id in first], now)
    _handle(subscriber, lane, [row for row in rows if row.lead_id not in first], now)


def _park(
    subscriber: Subscriber, lane: str, rows: Sequence[Activity], error: Exception, now: datetime
) -> Parking:
    log.warning(
        "log_row_parked",
        subscriber=subscriber.name,
        activity=rows[0].pk,
        error=type(error).__name__,
    )
    parking: Parking = Parking.objects.create(
        workspace_id=rows[0].workspace_id,
        subscriber=subscriber.name,
        lane=lane,
        lead_id=rows[0].lead_id,
        activity_ids=[row.pk for row in rows],
        error=_describe(error),
        parked_at=now,
        retry_at=now + FIRST_RETRY,
    )
    return parking


def _retry_parked(subscriber: Subscriber, lane: str, now: datetime) -> int:
    due = Parking.objects.filter(subscriber=subscriber.name, lane=lane, retry_at__lte=now).order_by(
        "retry_at"
    )
    return sum(_retry(subscriber, parking, now) for parking in due[:100])


def _retry(subscriber: Subscriber, parking: Parking, now: datetime) -> int:
    rows = list(Activity.objects.filter(pk__in=parking.activity_ids).order_by("xid", "id"))
    try:
        with transaction.atomic(), workspace_scope(parking.workspace_id):
            subscriber.handle(rows, now)
    except Exception as error:  # noqa: BLE001 - see _handle
        parking.attempts += 1
        parking.error = _describe(error)
        parking.retry_at = now + min(FIRST_RETRY * 2 ** min(parking.attempts, 12), LONGEST_RETRY)
        parking.save(update_fields=["attempts", "error", "retry_at"])
        return 0
    parking.delete()
    return len(rows)


def retry_now(parkings: Sequence[Parking], now: datetime) -> int:
    """Let parked leads be tried at the next sweep; for staff. Returns how many."""
    with all_workspaces():
        return int(
            Parking.objects.filter(pk__in=[parking.pk for parking in parkings]).update(retry_at=now)
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


@dataclass(frozen=True)
class Lag:
    """How far a subscriber is behind in a lane: rows waiting (counted to 10,000) and their age."""

    rows: int
    seconds: float


def lag_of(cursor: Cursor, now: datetime) -> Lag:
    after = Q(xid__gte=cursor.xid) & (Q(xid__gt=cursor.xid) | Q(id__gt=cursor.activity_id))
    with all_workspaces():
        waiting = Activity.objects.filter(after, lane=cursor.lane).order_by("xid", "id")
        oldest = waiting.values_list("recorded_at", flat=True).first()
        count = waiting[:10_000].count()
    return Lag(count, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
