"""Remembers what a verb changes around its leads, so that it can be taken back (`leads.undoing`).

Verbs know nothing of it: while a memory is open, `leads.batch.run` shows it the leads under their
lock, before and after.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from leadcrm.workspaces.ids import uuid7
from leads.models import (
    Activity,
    Appointment,
    Contact,
    ContactKey,
    FieldSuggestion,
    Lead,
    Message,
    Task,
)

# What hangs on a lead and may change with it. Restored in this order, new rows deleted in it.
AROUND: tuple[type[models.Model], ...] = (
    Task,
    Appointment,
    Message,
    FieldSuggestion,
    ContactKey,
    Contact,
)
MODELS: dict[str, type[models.Model]] = {"lead": Lead} | {
    str(model._meta.model_name): model for model in AROUND
}
NEWEST = 50  # messages; nobody takes back an edit of an older note
# Set by every write from what else is there, so neither compared nor restored.
PROJECTED = frozenset({"version", "work_due_at", "auto_close_at"})

Key = tuple[str, uuid.UUID]
Rows = dict[Key, dict[str, Any]]
_open: ContextVar[Memory | None] = ContextVar("memory", default=None)


@dataclass
class Memory:
    """The rows around the leads of the verbs done while it is open, of the models in `around`."""

    around: tuple[type[models.Model], ...] = AROUND
    youngest: uuid.UUID = field(default_factory=uuid7)
    before: Rows = field(default_factory=dict)
    after: Rows = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)

    def see_before(self, leads: Iterable[Lead]) -> None:
        """Called under the lock. What an earlier verb of this memory has seen stands."""
        self.before = {**self._look(leads), **self.before}

    def see_after(self, leads: Iterable[Lead], activities: Sequence[Activity]) -> None:
        """Called in the verb's transaction, once all is written."""
        self.after |= self._look(leads, self.before)
        self.activities += activities

    def changes(self) -> list[dict[str, Any]]:
        """What differs, row by row, as JSON; only rows that were seen before, and new ones."""
        return [change for _, change in self._differences()]

    def changes_by_lead(self) -> dict[uuid.UUID, list[dict[str, Any]]]:
        """The same of each lead. What leads share, as a person with two of them, is the first's."""
        of_person = {
            row["contact_id"]: row_id
            for (name, row_id), row in reversed(self.before.items())
            if name == "lead"
        }
        found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
        for (name, row_id), change in self._differences():
            row = self.after[name, row_id]
            person = row_id if name == "contact" else row.get("contact_id")
            lead_id = row_id if name == "lead" else row.get("lead_id") or of_person.get(person)
            if lead_id is not None:
                found[lead_id].append(change)
        return found

    def _differences(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        for key, after in self.after.items():
            before = self.before.get(key)
            if before is None and not self._is_new(key[1]):
                continue
            names = _changed(key[0], before, after)
            if names:
                yield (
                    key,
                    {
                        "model": key[0],
                        "id": str(key[1]),
                        "before": before and {name: plain(before[name]) for name in names},
                        "after": {name: plain(after[name]) for name in names},
                    },
                )

    def _look(self, leads: Iterable[Lead], known: Iterable[Key] = ()) -> Rows:
        """The rows around leads, with those known from before."""
        leads = list(leads)
        rows: Rows = {("lead", lead.pk): lead.__dict__.copy() for lead in leads}
        for model in self.around:
            name = str(model._meta.model_name)
            ids = [row_id for kind, row_id in known if kind == name]
            for row in _around(model, leads, ids):
                rows[name, row.pk] = row.__dict__
        return rows

    def _is_new(self, row_id: uuid.UUID) -> bool:
        """Made while this memory is open: our ids begin with their millisecond."""
        return row_id.int >> 80 >= self.youngest.int >> 80


@contextmanager
def remembered(around: tuple[type[models.Model], ...] = AROUND) -> Iterator[Memory]:
    """Open a memory for the verbs done inside; `around` are the models that they may change."""
    memory = Memory(around)
    token = _open.set(memory)
    try:
        yield memory
    finally:
        _open.reset(token)


def current() -> Memory | None:
    """The memory that is open, if any."""
    return _open.get()


def _around(
    model: type[models.Model], leads: Sequence[Lead], ids: Sequence[uuid.UUID]
) -> QuerySet[Any]:
    contacts = {lead.contact_id for lead in leads if lead.contact_id}
    rows: QuerySet[Any] = model._default_manager.all()
    if model is Contact:
        return rows.filter(pk__in={*contacts, *ids})
    if model is ContactKey:
        # A lead's number may be a key of somebody else, whom it is shared with.
        values = {value for lead in leads for value in (lead.email, lead.phone) if value}
        return rows.filter(Q(contact__in=contacts) | Q(value__in=values) | Q(pk__in=ids))
    if model is Message:
        recent = rows.filter(lead__in=[lead.pk for lead in leads]).order_by("-occurred_at")
        return recent[: NEWEST * max(1, len(leads))]
    return rows.filter(lead__in=[lead.pk for lead in leads])


def values_of(row: models.Model, names: Iterable[str] | None = None) -> dict[str, Any]:
    """These columns of a row as JSON holds them; by default all but what is projected."""
    names = _names(type(row)) if names is None else names
    return {name: plain(getattr(row, name)) for name in names}


def _changed(model: str, before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """The columns that hold something else, of a new row all. What isn't read is never set."""
    names = _names(MODELS[model])
    if before is None:
        return list(names)
    found = {
        name
        for name, new in after.items()
        if (old := before.get(name, new)) is not new and old != new
    }
    return [name for name in names if name in found]


@cache
def _names(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(one.attname for one in model._meta.concrete_fields if one.name not in PROJECTED)


def plain(value: Any) -> Any:
    """A column's value as JSON holds it, to the microsecond."""
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return str(value) if isinstance(value, (uuid.UUID, Decimal)) else value
