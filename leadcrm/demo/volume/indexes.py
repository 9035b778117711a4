"""Large tables are filled without their indexes, which are built afterwards in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

MEMORY = "384MB"
# All indexes but those of primary keys, on which the foreign keys of others rest.
FIND = """
    SELECT c.conname IS NOT NULL, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid),
           pg_get_constraintdef(c.oid)
    FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
    WHERE i.indrelid = %s::regclass AND NOT i.indisprimary ORDER BY 2
"""


@contextmanager
def built_afterwards(models_: Sequence[type[models.Model]]) -> Iterator[None]:
    """Take the indexes off these tables for the block, in the transaction around it."""
    tables = [model._meta.db_table for model in models_]
    with connection.cursor() as cursor:
        # What is still to be checked of rows written before would stand against ALTER TABLE.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        taken = [statement for table in tables for statement in _take_off(cursor, table)]
        yield
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{MEMORY}'")
        for statement in taken:
            cursor.execute(statement)


def _take_off(cursor: CursorWrapper, table: str) -> list[str]:
    """Returns the statements that put them back."""
    cursor.execute(FIND, [table])
    back = []
    for is_constraint, name, index, constraint in cursor.fetchall():
        if is_constraint:
            cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT {name}')
            back.append(f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {constraint}')
        else:
            cursor.execute(f"DROP INDEX {name}")
            back.append(index)
    return back
