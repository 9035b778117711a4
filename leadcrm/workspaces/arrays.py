"""PostgreSQL's arrays as text: psycopg takes twenty times as long for a list of a thousand values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from uuid import UUID

Element = str | int | Decimal | date | UUID | None  # a bool is an int, a datetime a date


def array_of(values: Iterable[Element]) -> str:
    """What `%s::uuid[]` takes, and `::text[]`, `::timestamptz[]` and the like."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Element) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, Decimal, UUID)):
        return str(value)
    raise TypeError(f"an array holds no {type(value).__name__}")
