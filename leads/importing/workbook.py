"""Rows of an Excel workbook (.xlsx), read as a stream: memory doesn't grow with the file.

Guards: what an entry unpacks to is limited before it is read, document types (entities) are
refused, and texts that cells share lie in a temporary file.
"""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Any, BinaryIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from leads.importing.sniffing import EXPECTED, UnreadableFile

BLOCK = 256 * 1024
LARGEST_ENTRY = 4 * 1024**3  # bytes, unpacked
BOMB_RATIO, BOMB_SIZE = 200, 20 * 1024**2
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
WHOLE = re.compile(r"-?\d+\.0+")
CELL = re.compile(r"([A-Z]{1,3})\d*")
NOT_A_WORKBOOK = f"This is an archive, but not an Excel workbook. {EXPECTED}"
BROKEN = "The workbook is damaged. Open it in Excel, save it again and upload it anew."


def read_workbook(file: BinaryIO, most_columns: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first visible sheet: number as Excel shows it, and cells as text.

    Dates are ISO, whole numbers without decimals. Raises UnreadableFile.
    """
    try:
        with ZipFile(file) as archive, tempfile.TemporaryFile() as spool:
            book = _Book(archive)
            texts = _Texts(spool)
            if book.shared in book.entries:
                texts.load(book.open(book.shared))
            sheet = _Sheet(texts, book.date_styles(), book.epoch, most_columns)
            yield from sheet.rows(book.open(book.sheet))
    except (
        BadZipFile,
        expat.ExpatError,
        EOFError,
        NotImplementedError,
        ValueError,
        KeyError,
    ) as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(BROKEN) from error


class _Book:
    """The parts of a workbook and where they lie in its archive."""

    def __init__(self, archive: ZipFile) -> None:
        self.archive = archive
        self.entries = {one.filename: one for one in archive.infolist()}
        if "xl/workbook.xml" not in self.entries:
            raise UnreadableFile(NOT_A_WORKBOOK)
        links = {
            one["Id"]: _within_xl(one["Target"])
            for name, one in self._elements("xl/_rels/workbook.xml.rels")
            if name == "Relationship"
        }
        self.shared = "xl/sharedStrings.xml"
        self.epoch = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's days have no zone
        self.sheet = ""
        for name, one in self._elements("xl/workbook.xml"):
            if name == "workbookPr" and one.get("date1904") in ("1", "true"):
                self.epoch = datetime(1904, 1, 1)  # noqa: DTZ001
            if name == "sheet" and not self.sheet and one.get("state", "visible") == "visible":
                self.sheet = links[next(v for k, v in one.items() if k.endswith(":id"))]
        if self.sheet not in self.entries:
            raise UnreadableFile("The workbook has no visible sheet with rows.")

    def open(self, name: str) -> IO[bytes]:
        entry = self.entries[name]
        _refuse_bomb(entry)
        return self.archive.open(entry)

    def date_styles(self) -> frozenset[int]:
        """The numbers of the cell styles that show a date."""
        if "xl/styles.xml" not in self.entries:
            return frozenset()
        dates, styles, inside = set(DATE_FORMATS), [], False
        for name, one in self._elements("xl/styles.xml"):
            if name == "numFmt" and _shows_date(one.get("formatCode", "")):
                dates.add(int(one["numFmtId"]))
            if name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
                inside = name == "cellXfs"
            if name == "xf" and inside:
                styles.append(int(one.get("numFmtId", 0)))
        return frozenset(number for number, code in enumerate(styles) if code in dates)

    def _elements(self, name: str) -> Iterator[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []
        parser = _parser()
        parser.StartElementHandler = lambda tag, values: found.append((_local(tag), values))
        with self.open(name) as stream:
            while block := stream.read(BLOCK):
                parser.Parse(block, False)
                yield from found
                found.clear()
            parser.Parse(b"", True)


class _Texts:
    """The texts that cells share, in a temporary file with the place of each."""

    def __init__(self, spool: IO[bytes]) -> None:
        self.spool = spool
        self.ends = array("Q", [0])

    def load(self, stream: IO[bytes]) -> None:
        parts: list[str] = []
        depth = {"t": 0, "rPh": 0}

        def start(tag: str, _: Any) -> None:
            tag = _local(tag)
            if tag == "si":
                parts.clear()
            elif tag in depth:
                depth[tag] += 1

        def data(text: str) -> None:
            if depth["t"] and not depth["rPh"]:  # how a word is spoken is no part of it
                parts.append(text)

        def end(tag: str) -> None:
            tag = _local(tag)
            if tag in depth:
                depth[tag] -= 1
            elif tag == "si":
                self._add("".join(parts))

        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = data
        with stream:
            while block := stream.read(BLOCK):
                parser.Parse(block, False)
        self.spool.flush()

    def get(self, number: int) -> str:
        start, end = self.ends[number], self.ends[number + 1]
        self.spool.seek(start)
        return self.spool.read(end - start).decode()

    def _add(self, text: str) -> None:
        self.spool.write(data := text.encode("utf-8", "replace"))
        self.ends.append(self.ends[-1] + len(data))


class _Sheet:
    """Turns the elements of a sheet into rows."""

    def __init__(
        self, texts: _Texts, dates: frozenset[int], epoch: datetime, most_columns: int
    ) -> None:
        self.texts, self.dates, self.epoch = texts, dates, epoch
        self.most_columns = most_columns
        self.ready: list[tuple[int, list[str]]] = []
        self.number = 0
        self.cells: list[str] = []
        self.column = 0
        self.kind = ""
        self.style = 0
        self.inside = False
        self.text: list[str] = []
        self.known: dict[int, str] = {}

    def rows(self, stream: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._data
        parser.buffer_text = True
        with stream:
            while block := stream.read(BLOCK):
                parser.Parse(block, False)
                yield from self.ready
                self.ready.clear()
            parser.Parse(b"", True)
        yield from self.ready

    def _start(self, tag: str, values: dict[str, str]) -> None:
        tag = _local(tag)
        if tag == "c":
            self._start_cell(values)
        elif tag in ("v", "t"):
            self.inside = True
        elif tag == "row":
            self.number = int(values.get("r", self.number + 1))
            self.cells, self.column = [], 0

    def _start_cell(self, values: dict[str, str]) -> None:
        if (match := CELL.match(values.get("r", ""))) is not None:
            self.column = _index(match[1])
        self.kind, self.style = values.get("t", "n"), int(values.get("s", 0))
        self.text.clear()

    def _data(self, text: str) -> None:
        if self.inside:
            self.text.append(text)

    def _end(self, tag: str) -> None:
        tag = _local(tag)
        if tag in ("v", "t"):
            self.inside = False
        elif tag == "c":
            self._end_cell()
        elif tag == "row":
            self.ready.append((self.number, self.cells))

    def _end_cell(self) -> None:
        value = self._value("".join(self.text))
        if value:
            if self.column >= self.most_columns:
                raise UnreadableFile(too_wide(self.column + 1, self.most_columns))
            self.cells.extend([""] * (self.column + 1 - len(self.cells)))
            self.cells[self.column] = value
        self.column += 1

    def _value(self, text: str) -> str:
        if not text:
            return ""
        if self.kind == "s":
            number = int(text)
            value = self.known.get(number)
            if value is None:
                if len(self.known) > 10_000:
                    self.known.clear()
                value = self.known[number] = self.texts.get(number)
            return value
        if self.kind == "n":
            return self._number(text)
        if self.kind == "b":
            return "yes" if text == "1" else "no"
        return "" if self.kind == "e" else text  # an error of a formula is no value

    def _number(self, text: str) -> str:
        if self.style in self.dates:
            return self._date(float(text))
        if WHOLE.fullmatch(text):
            return text.partition(".")[0]
        if "E" in text or "e" in text:  # Excel writes long numbers as powers of ten
            return f"{float(text):f}".rstrip("0").rstrip(".")
        return text

    def _date(self, days: float) -> str:
        try:
            at = self.epoch + timedelta(seconds=round(days * 86_400))
        except OverflowError:
            return str(days)
        return f"{at:%Y-%m-%d}" if days == int(days) else at.isoformat(" ")


def too_wide(found: int, most: int) -> str:
    """What to say of a file with too many columns."""
    return (
        f"The file has at least {found:,} columns; at most {most:,} can be read. "
        "Remove those you don't need."
    )


def _parser() -> Any:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise UnreadableFile("The workbook holds a document type, which Excel never writes.")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _refuse_bomb(entry: ZipInfo) -> None:
    """What is declared is the most that is ever unpacked."""
    if entry.flag_bits & 1:
        raise UnreadableFile("The workbook has a password. Save it without and upload it anew.")
    ratio = entry.file_size / max(entry.compress_size, 1)
    if entry.file_size > LARGEST_ENTRY or (entry.file_size > BOMB_SIZE and ratio > BOMB_RATIO):
        size = f"{entry.file_size / 1024**2:,.0f} MB"
        raise UnreadableFile(f"The workbook grows to {size} when unpacked: it is not read.")


def _within_xl(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _local(tag: str) -> str:
    return tag.rpartition(":")[2] if ":" in tag else tag


def _index(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _shows_date(code: str) -> bool:
    return bool(re.search("[dmyhs]", LITERAL.sub("", code).split(";")[0].lower()))
