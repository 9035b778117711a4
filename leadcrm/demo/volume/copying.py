"""Rows on their way into PostgreSQL: lines of COPY text, in the order in which they came to be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

NULL = r"\N"
DAY = 86_400
LINES = 1000  # given to COPY at once

_CLOCK = [f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+00:00" for s in range(DAY)]
_dates: dict[int, str] = {}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def stamp(at: float | None) -> str:
    """A moment, given in seconds since 1970, as PostgreSQL and JSON read it."""
    if at is None:
        return NULL
    day, second = divmod(int(at), DAY)
    date = _dates.get(day)
    if date is None:
        date = _dates[day] = f"{datetime.fromtimestamp(day * DAY, UTC):%Y-%m-%d}"
    return date + _CLOCK[second]


def escaped(text: str) -> str:
    """A text as COPY reads it."""
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\n", "\\n")
        text = text.replace("\t", "\\t").replace("\r", "\\r")
    return text


def as_json(value: Any) -> str:
    return escaped(_encode(value))


class Table:
    """A model's rows of one workspace.

    `names` are the fields that each row gives, as escaped text, in this order, with spaces between;
    all others hold the model's defaults or what `fixed` says.
    """

    def __init__(self, model: type[models.Model], names: str, **fixed: Any) -> None:
        given = [model._meta.get_field(name) for name in names.split()]
        same = [
            field
            for field in model._meta.concrete_fields
            if field not in given and not isinstance(field, models.AutoField)
        ]
        columns = ", ".join(f'"{field.column}"' for field in (*given, *same))  # type: ignore[union-attr]
        self.model = model
        self.sql = f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN'
        values = [_text(field, fixed.get(field.name, field.get_default())) for field in same]
        self.tail = "".join(f"\t{value}" for value in values) + "\n"
        self.rows = 0
        self._ready: list[str] = []
        self._ahead: dict[int, list[tuple[float, str]]] = {}

    def add(self, at: float, *values: str) -> None:
        """A row that came to be at this moment."""
        day = int(at) // DAY
        waiting = self._ahead.get(day)
        if waiting is None:
            waiting = self._ahead[day] = []
        waiting.append((at, "\t".join(values) + self.tail))

    def settle(self, until: float) -> None:
        """No row before this moment comes any more: put those in order."""
        for day in sorted(day for day in self._ahead if day < int(until) // DAY):
            rows = self._ahead.pop(day)
            rows.sort(key=itemgetter(0))
            self._ready.extend(line for _, line in rows)

    def take(self) -> list[str]:
        """What is in order and wasn't taken yet."""
        lines, self._ready = self._ready, []
        self.rows += len(lines)
        return lines


class Writer:
    """Copies rows in a thread of its own: while PostgreSQL stores them, the next ones are made."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self.cursor = connection.connection.cursor()
        self.thread = ThreadPoolExecutor(1)
        self.writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.thread.shutdown()

    def write(self, tables: Sequence[Table]) -> None:
        """Hand over what is in order; returns once what was handed over before is stored."""
        ready = [(table.sql, lines) for table in tables if (lines := table.take())]
        self.wait()
        self.writing = self.thread.submit(self._copy, ready)

    def wait(self) -> None:
        """Until all is stored; raises what went wrong."""
        if self.writing is not None:
            self.writing.result()

    def _copy(self, ready: Sequence[tuple[str, list[str]]]) -> None:
        for sql, lines in ready:
            with self.cursor.copy(sql) as copy:
                for start in range(0, len(lines), LINES):
                    copy.write("".join(lines[start : start + LINES]).encode())


def _text(field: models.Field[Any, Any], value: Any) -> str:
    """A value that is the same in every row, as COPY reads it."""
    if value is None:
        return NULL
    if isinstance(field, models.JSONField):
        return as_json(value)
    if isinstance(field, ArrayField):
        return "{" + ",".join(value) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    return escaped(str(value))
