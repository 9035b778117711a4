"""Which row names the columns, what they are called, and the shape they make. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

LOOKED_AT = 30  # rows at the top in which the names of the columns are looked for
VALUE = re.compile(r"@|^[\d\s.,:/+()%$€£-]+$|^\d{4}-\d\d-\d\d")


def normal(text: str) -> str:
    """A name of a column as it is compared: lower case, letters and digits, words apart.

    `LeadID`, `lead_id` and `Lead Id` are one.
    """
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", text))


def header_row(rows: Sequence[Sequence[str]], known: frozenset[str]) -> int:
    """Which of the first rows names the columns; -1 where none does.

    Above it may stand the title of a report, its date, its filters. `known` are normal names.
    """
    if not rows:
        return -1
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    best, most = -1, 0.0
    for place, row in enumerate(rows[:LOOKED_AT]):
        score = _score(row, width, known) - place * 0.01
        if score > most:
            best, most = place, score
    return best


def _score(row: Sequence[str], width: int, known: frozenset[str]) -> float:
    """How much a row looks like names of columns."""
    filled = [cell for cell in row if cell]
    if not filled or len(filled) * 3 < width:
        return 0.0
    hits = sum(1 for cell in filled if normal(cell) in known)
    values = sum(1 for cell in filled if VALUE.search(cell))
    if values * 2 > len(filled) or (values and not hits):
        return 0.0
    if not hits and len(filled) < 2:
        return 0.0
    texts = len(set(filled)) / len(filled)
    return hits * 1.0 + texts * 0.5 - values * 0.5 - abs(len(row) - width) / max(width, 1) * 0.4


def column_names(cells: Sequence[str], width: int) -> list[str]:
    """A name for each column: those without one get a number, those that come again too."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for place in range(width):
        name = " ".join(cells[place].split())[:100] if place < len(cells) else ""
        name = name or f"Column {place + 1}"
        seen[name.casefold()] += 1
        times = seen[name.casefold()]
        names.append(f"{name} ({times})" if times > 1 else name)
    return names


def shape_of(headers: Sequence[str], kind: str) -> str:
    """What tells files of one shape from others: the names of their columns, in order."""
    return sha256("\x1f".join([kind, *map(normal, headers)]).encode()).hexdigest()
