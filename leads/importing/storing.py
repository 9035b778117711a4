"""The uploaded file in the database, where web and workers reach it, and its rows in chunks."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.text import get_valid_filename

from leadcrm.workspaces.models import Membership
from leads.importing import sniffing
from leads.importing.packing import packed
from leads.importing.reading import Row
from leads.importing.sniffing import UnreadableFile
from leads.models import Import, ImportChunk, ImportPart

LARGEST = 300 * 1024**2  # bytes of a file
PART = 1024**2
CHUNK = 1000  # rows


def store(
    name: str, blocks: Iterable[bytes], *, kind: str, by: Membership | None, now: datetime
) -> Import:
    """Keep an uploaded file and have a worker read it. Raises UnreadableFile, as `keep` does."""
    batch = keep(name, blocks, kind=kind, by=by, now=now)
    begin(batch)
    return batch


def keep(
    name: str, blocks: Iterable[bytes], *, kind: str, by: Membership | None, now: datetime
) -> Import:
    """Keep an uploaded file. Its form is told by its content.

    Each part is written by itself, so that no transaction is as long as an upload. Raises
    UnreadableFile for what is no table, or too large; then nothing of it is kept.
    """
    batch: Import = Import.objects.create(
        name=get_valid_filename(name or "file")[:255], kind=kind, made_by=by, created_at=now
    )
    try:
        start, size, is_utf8 = _store_parts(batch, blocks)
        batch.form, batch.size = sniffing.form_of(start), size
        if batch.form == sniffing.CSV:
            batch.encoding = sniffing.encoding_of(start, is_utf8=is_utf8)
            text = start.decode(
                "utf-8-sig" if batch.encoding == "utf-8" else batch.encoding, "ignore"
            )
            batch.delimiter = sniffing.delimiter_of(text)
    except UnreadableFile:
        batch.delete()
        raise
    batch.save(update_fields=["form", "size", "encoding", "delimiter"])
    return batch


def begin(batch: Import) -> None:
    """Have a worker read a file that was kept."""
    batch.state = Import.State.READING
    batch.save(update_fields=["state"])


def drop(batch: Import) -> None:
    """Delete a file that was kept and that nothing has begun with."""
    Import.objects.filter(pk=batch.pk, state=Import.State.STORING).delete()


def _store_parts(batch: Import, blocks: Iterable[bytes]) -> tuple[bytes, int, bool]:
    """Write the parts; returns how the file starts, its size and whether it is UTF-8."""
    start, size, is_utf8 = b"", 0, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    for number, part in enumerate(_parts(blocks)):
        size += len(part)
        if size > LARGEST:
            raise UnreadableFile(f"The file is larger than {LARGEST // 1024**2} MB. Split it up.")
        if number == 0:
            start = part[: sniffing.SAMPLE]
            sniffing.form_of(start)
        if is_utf8:
            try:
                decoder.decode(part)
            except UnicodeDecodeError:
                is_utf8 = False
        ImportPart.objects.create(batch=batch, number=number, data=part)
    if size == 0:
        raise UnreadableFile(f"The file is empty. {sniffing.EXPECTED}")
    return start, size, is_utf8


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


class _Stored(io.RawIOBase):
    """A stored file, read part by part."""

    def __init__(self, batch: Import) -> None:
        self.batch, self.place = batch, 0
        self.number, self.data = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.batch.size}[whence]
        self.place = max(0, base + offset)
        return self.place

    def readinto(self, buffer: Any) -> int:
        number, start = divmod(self.place, PART)
        if self.place >= self.batch.size:
            return 0
        if number != self.number:
            rows = ImportPart.objects.filter(batch=self.batch, number=number)
            self.number, self.data = number, bytes(rows.values_list("data", flat=True).get())
        found = self.data[start : start + len(buffer)]
        buffer[: len(found)] = found
        self.place += len(found)
        return len(found)


def stored_file(batch: Import) -> BinaryIO:
    """The uploaded file, to read from and seek in; in the scope of its workspace."""
    return io.BufferedReader(_Stored(batch), PART)


def add_chunk(batch: Import, number: int, rows: list[Row]) -> None:
    """Keep the next rows, together with how far the file has been read."""
    with transaction.atomic():
        ImportChunk.objects.create(
            batch=batch, number=number, first_row=rows[0][0], cells=packed(rows)
        )
        Import.objects.filter(pk=batch.pk).update(rows=batch.rows + len(rows))
    batch.rows += len(rows)


def forget_file(batch: Import) -> None:
    """Delete the file; its rows stay."""
    ImportPart.objects.filter(batch=batch).delete()
