"""The rows of an uploaded file, one after the other, whatever its form."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from leads.importing.sniffing import CSV, SEPARATOR_LINE, UnreadableFile
from leads.importing.workbook import read_workbook, too_wide

MOST_ROWS = 1_000_000
MOST_COLUMNS = 500
Row = tuple[int, list[str]]  # its number in the file, from 1, and its cells


def read_rows(file: BinaryIO, form: str, encoding: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything, with cells stripped and without blank ones at the end.

    Raises:
        UnreadableFile: where the file breaks off, is too wide or too long.
    """
    found = (
        _csv_rows(file, encoding, delimiter) if form == CSV else read_workbook(file, MOST_COLUMNS)
    )
    for count, (number, raw) in enumerate(found):
        if count > MOST_ROWS:
            raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Split it up.")
        cells = [cell.strip() for cell in raw]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise UnreadableFile(too_wide(len(cells), MOST_COLUMNS))
        if cells:
            yield number, cells


def _csv_rows(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Row]:
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    text = io.TextIOWrapper(file, name, errors="replace", newline=None)
    rows = csv.reader(_lines(text), delimiter=delimiter)
    number = 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(
                f"Row {number + 1:,} can't be read: a cell there doesn't end. Is a quote missing?"
            ) from error
        number += 1
        yield number, cells


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Without NUL, which no database stores, and without the line in which Excel names the delimiter."""
    first = text.readline().lstrip("\ufeff")
    if not SEPARATOR_LINE.fullmatch(first):
        yield first.replace("\0", "")
    for line in text:
        yield line.replace("\0", "") if "\0" in line else line
