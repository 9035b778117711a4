"""Pages by keyset: page 1,000 costs what page 1 costs, and nothing is ever counted.

A cursor holds the sort value and id of the last row shown. Rows whose value is null come last.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404

T = TypeVar("T", bound=Model)

LONGEST_CURSOR = 1000


class BadCursor(Http404):
    """A cursor that this list did not give out: cut, or made up. To pages it is no page at all."""

    def __init__(self) -> None:
        super().__init__("This is no place in this list. Start at its first page.")


@dataclass(frozen=True)
class Order:
    """An order over a column or annotation, nulls last.

    `then` is a further column (`-created_at`) that orders rows of the same value and those
    without one; the id breaks what ties are left, in the direction of the last column.
    """

    name: str
    column: str
    descending: bool = False
    nullable: bool = False
    then: str = ""
    nulls_first: bool = False

    @property
    def back(self) -> Order:
        """The same order from its end."""
        return replace(
            self,
            descending=not self.descending,
            then=_turned(self.then),
            nulls_first=not self.nulls_first,
        )

    @property
    def ties(self) -> tuple[str, ...]:
        """What orders rows of the same value, as `order_by` takes it."""
        then = self.then or ("-" if self.descending else "")
        return (*([self.then] if self.then else []), "-pk" if then.startswith("-") else "pk")


@dataclass
class Page(Generic[T]):
    """The rows of a page, and the cursor of the next one where there is more."""

    rows: list[T] = field(default_factory=list)
    next_cursor: str | None = None


def orders(*made: Order) -> Mapping[str, Order]:
    """Orders by name, the first being the default."""
    return {order.name: order for order in made}


def both_ways(
    name: str, column: str = "", *, nullable: bool = False, then: str = ""
) -> tuple[Order, Order]:
    """`name` ascending and `-name` descending."""
    up = Order(name, column or name, nullable=nullable, then=then)
    return up, replace(up, name=f"-{name}", descending=True)


def page_of(rows: QuerySet[T], order: Order, cursor: str, size: int) -> Page[T]:
    """A page of `size` rows after the cursor. Raises BadCursor.

    Takes one query, and a second one where the rows with a value run out on this page.
    """
    found: list[T] = []
    for stretch in stretches(rows, order, read_cursor(cursor, order) if cursor else None):
        if len(found) <= size:
            found += stretch[: size + 1 - len(found)]
    page = Page(found[:size])
    if len(found) > size:
        page.next_cursor = cursor_of(page.rows[-1], order)
    return page


def stretches(
    rows: QuerySet[T], order: Order, after: Sequence[Any] | None = None
) -> list[QuerySet[T]]:
    """The rows behind a cursor's values, in order: those with a value and those without.

    They are queries of their own, because no index serves an order in which nulls are one of two
    alternatives of the condition on the cursor. Raises BadCursor for values of another kind.
    """
    try:
        return _stretches(rows, order, after)
    except (TypeError, ValueError, ValidationError):
        if after is None:
            raise
        raise BadCursor from None


def _stretches(rows: QuerySet[T], order: Order, after: Sequence[Any] | None) -> list[QuerySet[T]]:
    if not order.nullable:
        return [_with_value(rows, order, after)]
    name = f"{order.column}__isnull"
    without = rows.filter(**{name: True})
    if after is not None and after[0] is not None:  # what comes after a value has one
        behind = _with_value(rows, order, after)
        return [behind] if order.nulls_first else [behind, _without_value(without, order, None)]
    valued, empty = rows.filter(**{name: False}), _without_value(without, order, after)
    if order.nulls_first:
        return [empty, _with_value(valued, order, None)]
    return [_with_value(valued, order, None), empty] if after is None else [empty]


def cursor_of(row: Any, order: Order) -> str:
    """The place of a row in an order, as text."""
    columns = [order.column, *([order.then.lstrip("-")] if order.then else [])]
    values = [getattr(row, column) for column in columns]
    texts = [None if value is None else _text(value) for value in values]
    return pack([order.name, *texts, str(row.pk)])


def read_cursor(cursor: str, order: Order) -> list[Any]:
    """The values and the id in a cursor of this order. Raises BadCursor."""
    name, *parts, key = unpack(cursor, 4 if order.then else 3)
    if name != order.name:
        raise BadCursor
    try:
        values = [None if part is None else _value(part) for part in parts]
        values.append(_key(key))
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise BadCursor from None
    if None in values[1:]:
        raise BadCursor
    return values


def pack(parts: list[Any]) -> str:
    """An opaque cursor of these parts."""
    raw = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack(cursor: str, length: int) -> list[Any]:
    """The parts of an opaque cursor. Raises BadCursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = json.loads(raw) if len(cursor) <= LONGEST_CURSOR else None
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length:
        raise BadCursor
    return parts


def _with_value(rows: QuerySet[T], order: Order, after: Sequence[Any] | None) -> QuerySet[T]:
    by = (f"-{order.column}" if order.descending else order.column, *order.ties)
    return rows.filter(_beyond(by, after)).order_by(*by) if after else rows.order_by(*by)


def _without_value(rows: QuerySet[T], order: Order, after: Sequence[Any] | None) -> QuerySet[T]:
    by = order.ties
    return rows.filter(_beyond(by, after[1:])).order_by(*by) if after else rows.order_by(*by)


def _beyond(by: Sequence[str], values: Sequence[Any]) -> Q:
    """The condition on rows that come after these values in this order.

    It begins with `>=`, by which an index starts at the cursor, and takes away the few that are
    equal and don't come after. Said as `> or (= and …)`, the planner would multiply both shares.
    """
    (column, value), rest = (by[0], values[0]), (by[1:], values[1:])
    name, step = column.lstrip("-"), "lt" if column.startswith("-") else "gt"
    if not rest[0]:  # the id, which is the last, has no ties
        return Q(**{f"{name}__{step}": value})
    return Q(**{f"{name}__{step}e": value}) & ~(Q(**{name: value}) & ~_beyond(*rest))


def _turned(column: str) -> str:
    if not column:
        return ""
    return column[1:] if column.startswith("-") else f"-{column}"


def _text(value: Any) -> list[str]:
    kinds = {datetime: "t", Decimal: "d", int: "i", str: "s"}
    kind = kinds[type(value)]
    return [kind, value.isoformat() if kind == "t" else str(value)]


def _value(parts: list[Any]) -> Any:
    kind, text = parts
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError
    if kind == "t":
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 1900 < moment.year < 9000:
            raise ValueError
        return moment
    if kind == "i" and -(2**63) <= int(text) < 2**63:
        return int(text)
    if kind == "d" and Decimal(text).is_finite():
        return Decimal(text)
    if kind == "s":
        text.encode()
        return text
    raise ValueError


def _key(text: Any) -> Any:
    """A row's id: a UUID, or the number of a log row."""
    if not isinstance(text, str):
        raise ValueError
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else uuid.UUID(text)
