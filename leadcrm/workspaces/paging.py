"""Pages by keyset: page 1,000 costs what page 1 costs, and nothing is ever counted.

A cursor holds the sort value and id of the last row shown. Rows whose value is null come last.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

T = TypeVar("T", bound=Model)

LONGEST_CURSOR = 1000


class BadCursor(ValueError):
    """A cursor that this list did not give out."""


@dataclass(frozen=True)
class Order:
    """An order over a column or annotation; `id` breaks ties in the same direction."""

    name: str
    column: str
    descending: bool = False
    nullable: bool = False


@dataclass
class Page(Generic[T]):
    """The rows of a page, and the cursor of the next one where there is more."""

    rows: list[T] = field(default_factory=list)
    next_cursor: str | None = None


def orders(*made: Order) -> Mapping[str, Order]:
    """Orders by name, the first being the default."""
    return {order.name: order for order in made}


def both_ways(name: str, column: str = "", *, nullable: bool = False) -> tuple[Order, Order]:
    """`name` ascending and `-name` descending."""
    column = column or name
    return (Order(name, column, nullable=nullable), Order(f"-{name}", column, True, nullable))


def page_of(rows: QuerySet[T], order: Order, cursor: str, size: int) -> Page[T]:
    """A page of `size` rows after the cursor. Raises BadCursor.

    Takes one query, and a second one where the rows with a value run out on this page.
    """
    after = read_cursor(cursor, order) if cursor else None
    try:
        return _page(rows, order, after, size)
    except (TypeError, ValueError, ValidationError):
        if after is None:
            raise
        raise BadCursor("This is no cursor of this list.") from None


def _page(rows: QuerySet[T], order: Order, after: tuple[Any, Any] | None, size: int) -> Page[T]:
    found: list[T] = []
    if after is None or after[0] is not None:
        found = _with_value(rows, order, after, size + 1)
    if order.nullable and len(found) <= size:
        start = after[1] if after and after[0] is None else None
        found += _without_value(rows, order, start, size + 1 - len(found))
    page = Page(found[:size])
    if len(found) > size:
        page.next_cursor = cursor_of(page.rows[-1], order)
    return page


def cursor_of(row: Model, order: Order) -> str:
    value = getattr(row, order.column)
    return pack([order.name, None if value is None else _text(value), str(row.pk)])


def read_cursor(cursor: str, order: Order) -> tuple[Any, Any]:
    """The sort value and id in a cursor of this order. Raises BadCursor."""
    parts = unpack(cursor, 3)
    if parts[0] != order.name:
        raise BadCursor("This cursor belongs to another order.")
    value, key = parts[1], parts[2]
    if value is not None and not isinstance(value, list):
        raise BadCursor("This is no cursor of this list.")
    try:
        return (None if value is None else _value(value)), _key(key)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise BadCursor("This is no cursor of this list.") from None


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
        raise BadCursor("This is no cursor of this list.")
    return parts


def _with_value(
    rows: QuerySet[T], order: Order, after: tuple[Any, Any] | None, limit: int
) -> list[T]:
    step, sign = ("lt", "-") if order.descending else ("gt", "")
    if order.nullable:
        rows = rows.filter(**{f"{order.column}__isnull": False})
    if after is not None:
        value, key = after
        # `>=` lets an index start at the cursor; the OR alone would scan it from its start.
        beyond = Q(**{f"{order.column}__{step}": value}) | Q(**{f"pk__{step}": key})
        rows = rows.filter(Q(**{f"{order.column}__{step}e": value}) & beyond)
    return list(rows.order_by(f"{sign}{order.column}", f"{sign}pk")[:limit])


def _without_value(rows: QuerySet[T], order: Order, start: Any, limit: int) -> list[T]:
    step, sign = ("lt", "-") if order.descending else ("gt", "")
    rows = rows.filter(**{f"{order.column}__isnull": True})
    if start is not None:
        rows = rows.filter(**{f"pk__{step}": start})
    return list(rows.order_by(f"{sign}pk")[:limit])


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
