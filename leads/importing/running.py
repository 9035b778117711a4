"""What people do with an import: start it, choose its columns, apply, cancel, take back."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, Reach, reach, require, team_mates
from leadcrm.workspaces.models import Membership
from leads.batch import Refused
from leads.importing import opening, storing
from leads.importing.headers import shape_of
from leads.importing.targets import targets_of
from leads.models import Import, ImportChunk, ImportMapping

State = Import.State
UNDO_WITHIN = timedelta(days=30)
NAMING = ("display_name", "first_name", "last_name", "email", "phone", "company_name")


class ImportRefused(Refused):
    """The import isn't where this could be done. The message is for a person."""

    code = "import_refused"


def visible_imports(membership: Membership) -> QuerySet[Import]:
    """The imports that a member may see: all, or for a manager with a team those of the team."""
    require(membership, "import")
    rows: QuerySet[Import] = Import.objects.select_related("made_by")
    if reach(membership, "import") is Reach.TEAM:
        rows = rows.filter(made_by__in=team_mates(membership))
    return rows


def access_import(membership: Membership, import_id: uuid.UUID) -> Import:
    """The import, if the member may see it; otherwise Http404."""
    found = visible_imports(membership).filter(pk=import_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def choose(
    batch: Import, mapping: Sequence[str], options: Mapping[str, Any], now: datetime
) -> None:
    """Set what becomes of each column, remember it for files of this shape, and start the check.

    Raises ImportRefused where the columns don't say whom the rows are about.
    """
    _require_mapping(batch, mapping)
    with _locked(batch, State.COLUMNS, State.CHECKED, State.CHECKING) as held:
        held.mapping, held.options = list(mapping), {**held.options, **options}
        held.state, held.counts, held.problem, held.attempts = State.CHECKING, {}, "", 0
        held.save(update_fields=["mapping", "options", "state", "counts", "problem", "attempts"])
        ImportChunk.objects.filter(batch=held).update(
            state=ImportChunk.State.WAITING, drafts=None, findings=None, counts={}, keys=[]
        )
        ImportMapping.objects.update_or_create(
            shape=shape_of(held.headers, held.kind),
            defaults={"mapping": list(mapping), "options": dict(options), "used_at": now},
        )


def read_otherwise(batch: Import, *, encoding: str, delimiter: str, header_row: int) -> None:
    """Read the file anew, in another encoding or with another delimiter; or where these are as
    they were, take another row for the names of the columns, by its number or 0 for none."""
    with _locked(batch, State.COLUMNS) as held:
        if (encoding, delimiter) == (held.encoding, held.delimiter):
            opening.open_columns(held, header_row=header_row)
            return
        ImportChunk.objects.filter(batch=held).delete()
        held.encoding, held.delimiter, held.rows, held.state = encoding, delimiter, 0, State.READING
        held.save(update_fields=["encoding", "delimiter", "rows", "state"])


def back_to_columns(batch: Import) -> None:
    """Leave the check, to choose the columns once more."""
    with _locked(batch, State.CHECKED, State.CHECKING) as held:
        held.state = State.COLUMNS
        held.save(update_fields=["state"])


def apply(batch: Import, now: datetime) -> None:
    """Start writing what the check found."""
    with _locked(batch, State.CHECKED) as held:
        held.state, held.applied_at, held.attempts = State.APPLYING, now, 0
        held.save(update_fields=["state", "applied_at", "attempts"])


def cancel(batch: Import, now: datetime) -> None:
    """Stop. What was applied so far stays, and can be taken back."""
    with _locked(
        batch, *set(State) - {State.DONE, State.CANCELED, State.UNDOING, State.UNDONE}
    ) as held:
        was_applying = held.state == State.APPLYING
        held.state, held.finished_at, held.effects = State.CANCELED, now, effects_of(held)
        held.save(update_fields=["state", "finished_at", "effects"])
        storing.forget_file(held)
        if not was_applying:
            ImportChunk.objects.filter(batch=held).delete()


def undo(batch: Import, now: datetime) -> None:
    """Start taking the whole import back; for 30 days after it was applied."""
    with _locked(batch, State.DONE, State.CANCELED, State.FAILED) as held:
        if held.applied_at is None:
            raise ImportRefused("Nothing of this import was applied.")
        if now > held.applied_at + UNDO_WITHIN:
            raise ImportRefused("It is too late to undo this import: 30 days have passed.")
        held.state, held.attempts = State.UNDOING, 0
        held.save(update_fields=["state", "attempts"])


def may_undo(batch: Import, now: datetime) -> bool:
    """Whether `undo` would start."""
    ended = batch.state in (State.DONE, State.CANCELED, State.FAILED)
    return bool(ended and batch.applied_at and now <= batch.applied_at + UNDO_WITHIN)


def _require_mapping(batch: Import, mapping: Sequence[str]) -> None:
    problem = _problem_of(batch, mapping)
    if problem:
        raise ImportRefused(problem, field="mapping", code="invalid")


def _problem_of(batch: Import, mapping: Sequence[str]) -> str:
    """Why these columns can't be imported, or nothing."""
    known = targets_of(batch.kind)
    chosen = [key for key in mapping if key]
    if len(mapping) != len(batch.headers) or set(chosen) - set(known):
        return "Choose from the list what becomes of each column."
    for key in dict.fromkeys(chosen):
        if chosen.count(key) > 1 and not known[key].gathers:
            return f"Two columns can't both be “{known[key].label}”. Choose one of them."
    if batch.kind == Import.Kind.HISTORY:
        if not {"external_id", "email", "phone"} & set(chosen):
            return "Choose the column that says which lead it is: an id, an e-mail or a phone."
        return "" if "at" in chosen else "Choose the column that says when it happened."
    if not set(NAMING) & set(chosen):
        return "Choose at least a column with a name, an e-mail or a phone."
    return ""


@contextmanager
def _locked(batch: Import, *states: str) -> Iterator[Import]:
    """The import under its lock, where it is in one of these states."""
    with transaction.atomic():
        held: Import = Import.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if held.state not in states:
            raise ImportRefused(f"This import is at “{held.get_state_display()}” by now.")
        yield held


def effects_of(batch: Import) -> dict[str, int]:
    """What applying the chunks did so far, added up."""
    effects: Counter[str] = Counter()
    rows = ImportChunk.objects.filter(
        batch=batch, state__in=(ImportChunk.State.APPLIED, ImportChunk.State.UNDONE)
    )
    for found in rows.values_list("effects", flat=True):
        effects.update(found)
    return dict(effects)


def progress(batch: Import) -> tuple[int, int]:
    """How many rows the worker has done of what it is at, and of how many; 0 for not known."""
    if batch.state == State.READING:
        return batch.rows, 0
    before = {
        State.CHECKING: ImportChunk.State.WAITING,
        State.APPLYING: ImportChunk.State.CHECKED,
        State.UNDOING: ImportChunk.State.APPLIED,
    }[State(batch.state)]
    chunks = ImportChunk.objects.filter(batch=batch)
    left = chunks.filter(state=before).count() * storing.CHUNK
    return max(0, batch.rows - left), batch.rows


def intended(batch: Import) -> dict[str, int]:
    """What applying would do, as the check found it; of conflicts, those that fill blanks besides."""
    counts = batch.counts
    return {
        "create": counts.get("new", 0),
        "change": counts.get("changed", 0) + counts.get("fills", 0),
    }
