"""Rows of a chunk as they are stored: JSON, compressed."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from typing import Any

from leads.models import Import, ImportChunk

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def packed(value: Any) -> bytes:
    """A value of JSON's types, a third to a tenth of its size."""
    # Half of a surrogate pair is no text; a file may hold one all the same.
    return zlib.compress(_encode(value).encode("utf-8", "replace"), 1)


def unpacked(data: Any) -> Any:
    """What `packed` was given; None where there is nothing."""
    return None if data is None else json.loads(zlib.decompress(data))


def rows_of(batch: Import, chunk: ImportChunk) -> list[Any]:
    """The rows of a chunk below the names of the columns."""
    rows = unpacked(chunk.cells)
    top = batch.option("top", 0)
    return [row for row in rows if row[0] > top] if chunk.first_row <= top else rows


def keep(chunk: ImportChunk, found: list[dict[str, Any]], keys: list[int]) -> None:
    """Store what was found about a chunk's rows."""
    chunk.findings, chunk.keys = packed(found), keys
    counts = Counter(one["r"] for one in found)
    # Of the conflicts, those that change something all the same.
    counts["fills"] = sum(
        1
        for one in found
        if one["r"] == "conflict" and any(not cell[3] for cell in one.get("c", ()))
    )
    chunk.counts = dict(+counts)
    chunk.state = ImportChunk.State.CHECKED
    chunk.save(update_fields=["findings", "drafts", "keys", "counts", "state"])
