"""New rows, many in one statement: a tenth of what the ORM takes for them in Python.

Of the columns of a wide row most hold the same in all rows of a batch: these are given once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache, lru_cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.scoping import WorkspaceModel

if TYPE_CHECKING:
    Column = models.Field[Any, Any]


def insert_rows(rows: Sequence[WorkspaceModel]) -> None:
    """Insert new rows of one model as they stand: no expressions, no `auto_now`, no varying arrays.

    What the database fills in by itself it does here too, but the rows don't learn it; where
    somebody asks for their numbers, `draw_ids` comes first.
    """
    if not rows:
        return
    for row in rows:
        row.claim_for_scope()
    _insert(rows)
    alias = connection.alias
    for row in rows:
        row._state.adding, row._state.db = False, alias


def insert_once(row: WorkspaceModel) -> None:
    """Insert a new row; where a unique key of it is there already, nothing happens."""
    row.claim_for_scope()
    _insert([row], "ON CONFLICT DO NOTHING")


def draw_ids(rows: Sequence[WorkspaceModel]) -> None:
    """Give new rows of one model, numbered by the database, their numbers in advance."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [rows[0]._meta.db_table, len(rows)],
        )
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number


def _insert(rows: Sequence[WorkspaceModel], conflict: str = "") -> None:
    columns = _columns(type(rows[0]), rows[0].pk is not None)
    read = attrgetter("__dict__")
    take = itemgetter(*(column.attname for column in columns))
    same: list[Column] = []
    varying: list[Column] = []
    once: list[Any] = []
    lists: list[Any] = []
    _require_own_defaults(rows)
    for column, held in zip(columns, zip(*map(take, map(read, rows)), strict=True), strict=True):
        # JSON is compared as text: in Python {"a": 1} equals {"a": True}.
        values = as_stored(column, held)
        if values[0] == values[-1] and values.count(values[0]) == len(values):
            same.append(column)
            once.append(values[0])
        else:
            varying.append(column)
            lists.append(array_of(values))
    statement = _statement(type(rows[0]), tuple(same), tuple(varying))
    with connection.cursor() as cursor:
        cursor.execute(statement + conflict, [*once, *(lists or [len(rows)])])


def _require_own_defaults(rows: Sequence[WorkspaceModel]) -> None:
    for column in rows[0]._meta.concrete_fields:
        if column.has_db_default() and any(
            not isinstance(getattr(row, column.attname), DatabaseDefault) for row in rows
        ):
            raise ValueError(f"{column.name}: the database fills it in")


@cache
def _columns(model: type[WorkspaceModel], with_id: bool) -> list[Column]:
    """The columns to write."""
    return [
        one
        for one in model._meta.concrete_fields
        if not one.has_db_default() and (with_id or not one.primary_key)
    ]


@lru_cache(maxsize=200)
def _statement(
    model: type[WorkspaceModel], same: tuple[Column, ...], varying: tuple[Column, ...]
) -> str:
    """Takes the values of `same`, then an array for each of `varying`, or how many rows to make."""
    names = ", ".join(f'"{one.column}"' for one in [*same, *varying])
    values = ", ".join(["%s"] * len(same) + [f'new."{one.column}"{cast(one)}' for one in varying])
    if varying:
        arrays = ", ".join(f"%s::{array_type(one)}[]" for one in varying)
        of_new = ", ".join(f'"{one.column}"' for one in varying)
        source = f"unnest({arrays}) AS new ({of_new})"
    else:
        source = "generate_series(1, %s)"
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {source} '  # noqa: S608 - our own names


def array_type(one: Column) -> str:
    """The column's type in an array of new values, without its length: a cast to varchar(n) would
    cut a text silently."""
    if isinstance(one, models.JSONField):
        return "text"
    found = one.rel_db_type(connection) if one.is_relation else one.db_type(connection)
    return str(found).split("(")[0]


def cast(one: Column) -> str:
    return "::jsonb" if isinstance(one, models.JSONField) else ""


def as_stored(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """Values of a column as its array takes them."""
    if isinstance(column, models.JSONField):
        return [None if value is None else _as_json(value) for value in values]
    return values


def _as_json(value: Any) -> str:
    return "{}" if value == {} else _encode(value)


_encode = json.JSONEncoder().encode
