"""Columns of many rows in one UPDATE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.inserting import array_type, as_stored, cast
from leadcrm.workspaces.scoping import WorkspaceModel, current_workspace_id


def write_columns(rows: Sequence[WorkspaceModel], names: Iterable[str]) -> None:
    """Write these fields of rows of one model, as the rows hold them, in the scope's workspace.

    The caller holds their locks: PostgreSQL takes its own in any order.
    """
    fields: list[Any] = [rows[0]._meta.get_field(name) for name in sorted(names)] if rows else []
    if not fields:
        return
    key = rows[0]._meta.pk.column
    arrays = ", ".join(f"%s::{array_type(one)}[]" for one in fields)
    columns = ", ".join(f'"{one.column}"' for one in fields)
    writes = ", ".join(f'"{one.column}" = new."{one.column}"{cast(one)}' for one in fields)
    sql = (
        f'UPDATE "{rows[0]._meta.db_table}" AS old SET {writes} '  # noqa: S608 - our own column names
        f'FROM unnest(%s::uuid[], {arrays}) AS new ("{key}", {columns}) '
        f'WHERE old."{key}" = new."{key}" AND old."workspace_id" = %s'
    )
    values = [
        array_of(as_stored(one, [getattr(row, one.attname) for row in rows])) for one in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, [array_of(row.pk for row in rows), *values, current_workspace_id()])
