"""What an uploaded file is: its form, encoding and delimiter. Pure."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter

from charset_normalizer import from_bytes

SAMPLE = 256 * 1024
CSV, XLSX = "csv", "xlsx"
DELIMITERS = ",;\t|^~\x1f:"
ENCODINGS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16": "Unicode (UTF-16)",
    "utf-16-le": "Unicode (UTF-16, little endian)",
    "utf-16-be": "Unicode (UTF-16, big endian)",
    "utf-32": "Unicode (UTF-32)",
    "cp1252": "Western (Windows)",
    "cp1250": "Central European (Windows)",
    "cp1251": "Cyrillic (Windows)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows)",
    "cp1254": "Turkish (Windows)",
    "cp1255": "Hebrew (Windows)",
    "cp1256": "Arabic (Windows)",
    "mac-roman": "Western (Mac)",
    "cp850": "Western (DOS)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc-kr": "Korean (EUC-KR)",
}
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document (RTF)"),
)
EXPECTED = "Upload a CSV file, or an Excel workbook saved as .xlsx."
WESTERN = re.compile(
    "[\xc0-\xd6\xd8-\xf6\xf8-\xff\u20ac\u2013\u2014\u2018\u2019\u201c\u201d\u0152\u0153\u0160\u0161\u017d\u017e\xdf\xa0\xab\xbb\xb0\xa7]"
)
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a]")  # but for those that separate cells
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class UnreadableFile(ValueError):
    """The file can't be imported; the message says what it is and what is expected."""


def form_of(start: bytes) -> str:
    """`csv` or `xlsx`, by what the file begins with, whatever it is called.

    Raises:
        UnreadableFile: for an empty file and for what is neither.
    """
    if not start.strip(b"\x00 \r\n\t\xef\xbb\xbf"):
        raise UnreadableFile(f"The file is empty. {EXPECTED}")
    if start.startswith(b"PK\x03\x04"):
        return XLSX
    for magic, what in FOREIGN:
        if start.startswith(magic):
            raise UnreadableFile(f"This is {what}. {EXPECTED}")
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t")[:200].lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise UnreadableFile(f"This is a web page or XML, not a table. {EXPECTED}")
    if text.startswith((b"{", b"[{")):
        raise UnreadableFile(f"This is JSON. {EXPECTED}")
    return CSV


def encoding_of(start: bytes, *, is_utf8: bool) -> str:
    """The encoding of a CSV file; one of ENCODINGS.

    Args:
        start: The first bytes, SAMPLE at most.
        is_utf8: Whether the whole file reads as UTF-8.

    Raises:
        UnreadableFile: where it is no text at all.
    """
    marked = next((name for bom, name in BOMS if start.startswith(bom)), None)
    found = marked or _wide(start) or ("utf-8" if is_utf8 else _narrow(start))
    text = start.decode(found, "replace")
    if len(CONTROL.findall(text)) * 50 > len(text):
        raise UnreadableFile(f"This is no text. {EXPECTED}")
    return found


def _wide(start: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of a text in Latin letters is zero."""
    half = max(len(start) // 2, 1)
    if start[1::2].count(0) > half * 0.7:
        return "utf-16-le"
    return "utf-16-be" if start[0::2].count(0) > half * 0.7 else None


def _narrow(start: bytes) -> str:
    foreign = b"\n".join(line for line in start.splitlines() if not line.isascii())[: 64 * 1024]
    if not foreign:
        return "cp1252"  # the odd letters come later; most files that aren't UTF-8 are this
    western = foreign.decode("cp1252", "replace")
    odd = [letter for letter in western if ord(letter) > 127]
    words = re.findall(r"[^\W\d_]+", western)
    mixed = [word for word in words if not word.isascii()]
    latin = sum(1 for word in mixed if re.search("[a-zA-Z]{2}", word))
    if odd and all(WESTERN.match(letter) for letter in odd) and latin * 2 >= len(mixed):
        return "cp1252"
    best = from_bytes(
        foreign, cp_isolation=[name for name in ENCODINGS if "utf" not in name]
    ).best()
    found = codecs.lookup(best.encoding).name if best is not None else "cp1252"
    return next((name for name in ENCODINGS if codecs.lookup(name).name == found), "cp1252")


def delimiter_of(text: str) -> str:
    """What stands between the cells: the character that gives the most rows the same many cells."""
    if named := SEPARATOR_LINE.match(text):
        return named[1]
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        score = _evenness(text, delimiter)
        if score > most:
            best, most = delimiter, score
    return best


def _evenness(text: str, delimiter: str) -> float:
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return 0.0
    width, rows = max(widths.items(), key=lambda one: (one[1] * (one[0] > 1), one[0]))
    if width < 2:
        return 0.0
    # A colon and a comma stand inside of cells more often than other delimiters do.
    doubt = {":": 0.2, ",": 0.95}.get(delimiter, 1.0)
    return doubt * rows / sum(widths.values()) * (1 + min(width, 20) / 40)
