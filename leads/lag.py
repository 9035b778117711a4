"""How far the subscribers of the log are behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, QuerySet, Subquery

from leadcrm.workspaces.scoping import all_workspaces
from leads import events
from leads.models import Cursor

COUNTED_TO = 10_000


@dataclass(frozen=True)
class Lag:
    """How far a subscriber is behind in a lane: rows waiting (counted to 10,000) and their age."""

    rows: int
    seconds: float


def lag_of(cursor: Cursor, now: datetime) -> Lag:
    (found,) = lags([cursor], now)
    return found


def lags(cursors: Sequence[Cursor], now: datetime) -> list[Lag]:
    """How far each cursor is behind, in one query."""
    keys = [cursor.pk for cursor in cursors]
    with all_workspaces():
        found = with_lag(Cursor.objects.filter(pk__in=keys)).in_bulk()
    return [
        Lag(found[key].rows_waiting, seconds_since(found[key].oldest_waiting, now)) for key in keys
    ]


def with_lag(cursors: QuerySet[Cursor]) -> QuerySet[Any]:
    """Cursors with `rows_waiting`, counted to 10,000, and when the `oldest_waiting` was written."""
    waiting = (
        events.rows_after(OuterRef("xid"), OuterRef("activity_id"))
        .filter(lane=OuterRef("lane"))
        .order_by("xid", "id")
    )
    return cursors.annotate(
        oldest_waiting=Subquery(waiting.values("recorded_at")[:1]),
        rows_waiting=Cardinality(ArraySubquery(waiting.values("pk")[:COUNTED_TO])),
    )


def seconds_since(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


class Cardinality(Func):
    """How many elements an array has."""

    function = "cardinality"
    output_field = IntegerField()
