"""Looking at an import: the rows of its check, what was kept by an undo, and rows with their reasons."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from leadcrm.workspaces.models import Workspace
from leads.importing.comparing import CHANGED, CONFLICT, ERROR, NEW, RESULTS
from leads.importing.drafting import Drafter
from leads.importing.packing import unpacked
from leads.importing.targets import targets_of
from leads.models import Import, ImportChunk
from leads.spreadsheets import formula_safe

PAGE = 50
CHUNKS = 3  # looked through for a page
FIRST_LOOKED_AT = (ERROR, CONFLICT, CHANGED, NEW)


@dataclass(slots=True)
class ShownCell:
    label: str
    new: str
    old: str = ""
    kept: bool = False


@dataclass(slots=True)
class ShownRow:
    """A row of the check as the page shows it."""

    number: int
    result: str
    lead_id: str = ""
    cells: list[ShownCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""


def opens_on(counts: Mapping[str, int]) -> str:
    """The result that is looked at first: errors, else conflicts, else changes."""
    return next((result for result in FIRST_LOOKED_AT if counts.get(result)), RESULTS[2])


def shown_rows(
    batch: Import, workspace: Workspace, result: str, after: int
) -> tuple[list[ShownRow], int | None]:
    """A page of rows with a result, below row `after`; and after which row the next one begins."""
    chunks = _chunks_with(batch, result).filter(first_row__gt=after - 1000)
    reader = Drafter(batch, workspace) if batch.kind == Import.Kind.LEADS else None
    labels = {key: target.label for key, target in targets_of(batch.kind).items()}
    found: list[ShownRow] = []
    looked = list(chunks.order_by("number")[: CHUNKS + 1])
    for chunk in looked[:CHUNKS]:
        rows = dict(unpacked(chunk.cells))
        for one in unpacked(chunk.findings):
            if one["r"] != result or one["n"] <= after:
                continue
            if len(found) == PAGE:
                return found, found[-1].number
            found.append(_shown(one, rows[one["n"]], batch, reader, labels))
    more = len(looked) > CHUNKS
    return found, (looked[CHUNKS].first_row - 1 if more else None)


def _chunks_with(batch: Import, result: str) -> QuerySet[ImportChunk]:
    rows: QuerySet[ImportChunk] = ImportChunk.objects.filter(
        batch=batch, findings__isnull=False, counts__has_key=result
    )
    return rows.only("number", "first_row", "cells", "findings")


def _shown(
    one: dict[str, Any],
    cells: list[str],
    batch: Import,
    reader: Drafter | None,
    labels: Mapping[str, str],
) -> ShownRow:
    row = ShownRow(one["n"], one["r"], one.get("l", ""), notes=one.get("t", []))
    if "e" in one:
        name, problem = one["e"]
        label = labels.get(name, "")
        row.error = f"{label}: {problem}" if label else problem
    if "c" in one:
        row.cells = [
            ShownCell(labels.get(name, name), _text(new), _text(old), kept)
            for name, old, new, kept in one["c"]
        ]
    elif reader is not None and one["r"] == NEW:
        row.cells = _new_cells(one["n"], cells, reader, labels)
    else:
        row.cells = _raw_cells(batch, cells)
    return row


def _new_cells(
    number: int, cells: list[str], reader: Drafter, labels: Mapping[str, str]
) -> list[ShownCell]:
    """What a new lead will hold, as it is understood."""
    drafted = reader.draft((number, cells))
    said = {"display_name": drafted.values.get("display_name", "")} | {
        name: value for name, value in drafted.values.items() if value and name in drafted.mapped
    }
    if drafted.at is not None:
        said["created_at"] = f"{drafted.at.astimezone(reader.zone):%-d %b %Y, %H:%M}"
    said |= {
        name: str(value)
        for name, value in (
            ("stage", drafted.stage and drafted.stage.label), ("owner", drafted.owner),
            ("campaign", drafted.campaign),
        )
        if value
    }  # fmt: skip
    said |= drafted.attributes
    shown = [ShownCell(labels.get(name, name), _text(value)) for name, value in said.items()]
    return shown + [ShownCell(question, answer) for question, answer in drafted.answers]


def _raw_cells(batch: Import, cells: Sequence[str]) -> list[ShownCell]:
    pairs = zip(batch.headers, cells, batch.mapping, strict=False)
    return [ShownCell(header, cell) for header, cell, target in pairs if cell and target]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value)


def kept_leads(batch: Import, most: int) -> list[uuid.UUID]:
    """The leads that an undo left alone because people touched them since, up to `most`."""
    found: list[uuid.UUID] = []
    chunks = ImportChunk.objects.filter(batch=batch, effects__kept__gt=0).order_by("number")
    for chunk in chunks.only("journal")[:most]:
        found += [uuid.UUID(one) for one in unpacked(chunk.journal).get("kept", [])]
        if len(found) >= most:
            break
    return found[:most]


class _Line:
    """Hands back what a csv.writer writes."""

    def write(self, text: str) -> str:
        return text


def error_file(batch: Import) -> Iterator[bytes]:
    """The rows that can't be imported as CSV, as they were, with the reason in front."""
    writer = csv.writer(_Line())
    yield b"\xef\xbb\xbf"  # or Excel reads it in the encoding of the country
    yield _line(writer, ["Row", "Reason", *batch.headers])
    labels = {key: target.label for key, target in targets_of(batch.kind).items()}
    chunks = _chunks_with(batch, ERROR).order_by("number").values_list("pk", flat=True)
    for pk in list(chunks):
        chunk = ImportChunk.objects.get(pk=pk)
        rows = dict(unpacked(chunk.cells))
        for one in unpacked(chunk.findings):
            if one["r"] == ERROR:
                name, problem = one["e"]
                reason = f"{labels[name]}: {problem}" if name in labels else problem
                yield _line(writer, [str(one["n"]), reason, *rows[one["n"]]])


def error_download(batch: Import) -> StreamingHttpResponse:
    """The file of errors as an answer."""
    answer = StreamingHttpResponse(error_file(batch), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="errors-{batch.pk}.csv"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _line(writer: Any, cells: Sequence[str]) -> bytes:
    found: str = writer.writerow([formula_safe(cell) for cell in cells])
    return found.encode()
