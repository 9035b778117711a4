"""What became of each lead of a bulk run, a page at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from leads.bulk import CHUNK, leads_of
from leads.models import BulkChunk, BulkRun

DONE, REFUSED, WAITING, SKIPPED, UNDONE, KEPT = RESULTS = (
    "done", "refused", "waiting", "skipped", "undone", "kept",
)  # fmt: skip
Place = tuple[int, str]  # where a stretch begins, and a lead of it


@dataclass(frozen=True, slots=True)
class LeadResult:
    """A lead of a run: what was done, and why it was refused or could not be undone."""

    lead_id: uuid.UUID
    result: str
    reason: str = ""


def results(run: BulkRun, after: int, size: int) -> tuple[list[LeadResult], int | None]:
    """The leads of a run from place `after` on, in its order; and where the next page begins."""
    end = min(after + size, run.total)
    ids = leads_of(run, after, end) if after < end else []
    told: dict[uuid.UUID, LeadResult] = {}
    for chunk in run.chunks.filter(start__lt=end, start__gt=after - CHUNK).defer("changes"):
        first, last = max(chunk.start, after), min(chunk.start + chunk.size, end)
        for lead_id in ids[first - after : max(0, last - after)]:
            told[lead_id] = _result(lead_id, chunk)
    rest = WAITING if run.state == BulkRun.State.RUNNING else SKIPPED
    found = [told.get(lead_id) or LeadResult(lead_id, rest) for lead_id in ids]
    return found, (end if end < run.total else None)


def reasons(
    run: BulkRun, result: str, after: Place, size: int
) -> tuple[list[LeadResult], Place | None]:
    """Only the leads that were refused, or kept by an undo; and after which the next page begins."""
    chunks = run.chunks.filter(start__gte=after[0]).exclude(**{result: {}}).order_by("start")
    found: list[tuple[Place, str]] = []
    # Of each chunk at least one is told, but of the first perhaps none that is still to come.
    for start, told in chunks.values_list("start", result)[: size + 2]:
        places = (((start, lead_id), reason) for lead_id, reason in sorted(told.items()))
        found += [one for one in places if one[0] > after]
        if len(found) > size:
            break
    rows = [LeadResult(uuid.UUID(place[1]), result, reason) for place, reason in found[:size]]
    return rows, (found[size - 1][0] if len(found) > size else None)


def _result(lead_id: uuid.UUID, chunk: BulkChunk) -> LeadResult:
    key = str(lead_id)
    if key in chunk.refused:
        return LeadResult(lead_id, REFUSED, chunk.refused[key])
    if chunk.undone_at is None:
        return LeadResult(lead_id, DONE)
    if key in chunk.kept:
        return LeadResult(lead_id, KEPT, chunk.kept[key])
    return LeadResult(lead_id, UNDONE)
