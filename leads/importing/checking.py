"""The check: what importing each row would do, kept with the rows until it is looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django.db import connection

from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import current_workspace_id
from leads.importing import history
from leads.importing.comparing import (
    NEW,
    OVERWRITE,
    UNCHANGED,
    Comparer,
    key_hash,
)
from leads.importing.drafting import Drafter, fold, kept_of
from leads.importing.packing import keep, packed, rows_of, unpacked
from leads.models import Import, ImportChunk


def checker(batch: Import, member: Membership) -> Callable[[ImportChunk], None]:
    """What checks a chunk; what it looks up about the workspace is looked up once."""
    if batch.kind == Import.Kind.HISTORY:
        return history.checker(batch, member)
    drafter, comparer = Drafter(batch, member.workspace), Comparer(batch, member)

    def check(chunk: ImportChunk) -> None:
        rows = [drafter.draft(row) for row in rows_of(batch, chunk)]
        chunk.drafts = packed(kept_of(rows))
        fold(rows, overwrite=comparer.existing == OVERWRITE)
        findings = comparer.compare(rows)
        keep(chunk, [one.stored() for one in findings], [
            key_hash(one.row.identity) if one.result == NEW and one.row.identity else 0
            for one in findings
        ])  # fmt: skip

    return check


# New rows whose key is that of a new row in an earlier chunk.
AGAIN = """
SELECT number, place FROM (
    SELECT chunk.number, key.place, first_value(chunk.number) OVER same AS first_chunk
    FROM leads_importchunk AS chunk, unnest(chunk.keys) WITH ORDINALITY AS key (value, place)
    WHERE chunk.batch_id = %s AND chunk.workspace_id = %s AND key.value <> 0
    WINDOW same AS (PARTITION BY key.value ORDER BY chunk.number, key.place)
) AS found
WHERE number <> first_chunk
ORDER BY number
"""


def settle(batch: Import) -> None:
    """People who come again in a later chunk aren't new there: those rows belong to the first."""
    again: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(AGAIN, [batch.pk, current_workspace_id()])
        for number, place in cursor.fetchall():
            again[number].append(place - 1)
    for number, places in again.items():
        chunk = ImportChunk.objects.get(batch=batch, number=number)
        found = unpacked(chunk.findings)
        for place in places:
            if found[place]["r"] == NEW:
                found[place] |= {"r": UNCHANGED, "t": [*found[place].get("t", []), FURTHER_UP]}
        keep(chunk, found, chunk.keys)


FURTHER_UP = "Same person as a row further up: what that one leaves blank is filled."
