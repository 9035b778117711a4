"""A file that has been read: its columns are found, and a target is proposed for each."""

from __future__ import annotations

from typing import Any

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads.importing import headers, proposals, values
from leads.importing.packing import unpacked
from leads.importing.targets import targets_of
from leads.models import Import, ImportChunk, ImportMapping

SAMPLES = 3
WIDEST = 500  # rows whose width counts


def open_columns(batch: Import, *, header_row: int | None = None) -> None:
    """Find the columns and propose what becomes of each; a mapping that files of this shape had
    before comes first. `header_row` is the number of the row with their names, 0 for none."""
    first = ImportChunk.objects.filter(batch=batch).order_by("number").first()
    rows = unpacked(first.cells) if first else []
    workspace = Workspace.objects.get(pk=current_workspace_id())
    targets = targets_of(batch.kind)
    place = _place(rows, header_row, frozenset(n for one in targets.values() for n in one.known_as))
    body = [cells for _, cells in rows[place + 1 :]]
    width = max(
        (len(cells) for cells in [*body[:WIDEST], *([rows[place][1]] if place >= 0 else [])]),
        default=0,
    )
    batch.header_row = rows[place][0] if place >= 0 else 0
    batch.headers = headers.column_names(rows[place][1] if place >= 0 else [], width)
    batch.samples = [_samples(body, column) for column in range(width)]
    found = proposals.propose(batch.headers, body, targets, workspace.country)
    batch.mapping = [key for key, _ in found]
    batch.confidence = [sure for _, sure in found]
    batch.options = {
        **_options(batch, body, workspace),
        "top": batch.header_row,
        "top_rows": place + 1,
    }
    _remember(batch, set(targets))
    batch.state = Import.State.COLUMNS
    batch.save(
        update_fields=[
            "header_row", "headers", "samples", "mapping", "confidence", "options", "remembered", "state",
        ]
    )  # fmt: skip


def _place(rows: list[Any], header_row: int | None, known: frozenset[str]) -> int:
    if header_row is not None:
        return next((at for at, (number, _) in enumerate(rows) if number == header_row), -1)
    return headers.header_row([cells for _, cells in rows[:100]], known)


def _samples(body: list[list[str]], column: int) -> list[str]:
    """The first different values of a column."""
    found = dict.fromkeys(
        cells[column][:80] for cells in body[:WIDEST] if column < len(cells) and cells[column]
    )
    return list(found)[:SAMPLES]


def _options(batch: Import, body: list[list[str]], workspace: Workspace) -> dict[str, Any]:
    dates = [
        cells[column]
        for column, key in enumerate(batch.mapping)
        if key in ("created_at", "at", "due_at")
        for cells in body
        if column < len(cells) and cells[column]
    ]
    return {
        "existing": "fill",
        "closed": "leave",
        "original_dates": True,
        "silent": True,
        "day_first": values.days_come_first(dates, workspace.country),
        "system": proposals.system_of(batch.headers, batch.name),
    }


def _remember(batch: Import, known: set[str]) -> None:
    """Propose what was chosen for files of this shape before."""
    before = ImportMapping.objects.filter(shape=headers.shape_of(batch.headers, batch.kind)).first()
    batch.remembered = bool(
        before
        and len(before.mapping) == len(batch.headers)
        and {key for key in before.mapping if key} <= known
    )
    if before is not None and batch.remembered:
        batch.mapping = before.mapping
        batch.confidence = [100 if key else 0 for key in before.mapping]
        kept = ("existing", "closed", "original_dates", "silent", "day_first", "system")
        batch.options |= {name: before.options[name] for name in kept if name in before.options}
