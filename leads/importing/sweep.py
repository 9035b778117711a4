"""The worker's part of imports: reads, checks, applies and takes back, a chunk at a time.

Beat rings it each second. A tick ends after ten seconds and the next one goes on from what is
stored: rows read, and the state of each chunk. A chunk and its state are written in one
transaction, so whatever is killed halfway is done again and never twice.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction

from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.batch import Refused
from leads.importing import history, opening, storing, taking_back
from leads.importing.applying import Applier, actor_of
from leads.importing.checking import checker, settle
from leads.importing.reading import Row, read_rows
from leads.importing.running import effects_of
from leads.importing.sniffing import UnreadableFile
from leads.models import Import, ImportChunk
from leads.models.import_batch import WORKING

log = structlog.get_logger(__name__)

LONGEST_TICK = 10.0  # seconds
MOST_ATTEMPTS = 5
KEPT = timedelta(days=31)  # a day longer than an import can be taken back
ABANDONED = timedelta(days=30)
BROKEN_OFF = timedelta(days=1)  # uploads that never came to their end
State, Chunk = Import.State, ImportChunk.State
GAVE_UP = (
    "Something went wrong and went wrong again each time it was tried. What was applied before stays; "
    "the installation's staff find the reason in the logs."
)


def advance_due(now: datetime, *, seconds: float = LONGEST_TICK) -> int:
    """Move imports on, a chunk of each in turn, for one tick at most. Returns how many chunks."""
    deadline, done = time.monotonic() + seconds, 0
    with all_workspaces():
        due = Import.objects.filter(state__in=WORKING).order_by("created_at")
        waiting = list(due.values_list("workspace", "pk"))
    while waiting:
        for workspace_id, pk in list(waiting):
            with workspace_scope(workspace_id):
                moved = _advance(pk, now, deadline)
            done += moved
            if not moved:
                waiting.remove((workspace_id, pk))
            if time.monotonic() >= deadline:
                return done
    return done


def prune(now: datetime) -> int:
    """Forget rows and files that nobody can take back or go on with any more."""
    with all_workspaces():
        chunks, _ = ImportChunk.objects.filter(batch__applied_at__lt=now - KEPT).delete()
        left = Import.objects.filter(applied_at=None, created_at__lt=now - ABANDONED)
        deleted, _ = left.delete()
        broken = Import.objects.filter(state=State.STORING, created_at__lt=now - BROKEN_OFF)
        deleted += broken.delete()[0]
    return int(chunks + deleted)


def _advance(pk: uuid.UUID, now: datetime, deadline: float) -> int:
    """Do the next chunk of an import; 0 where there is nothing to do or another worker does it."""
    with _held(pk) as is_ours:
        batch = Import.objects.filter(pk=pk, state__in=WORKING).first() if is_ours else None
        if batch is None:
            return 0
        try:
            return STEPS[State(batch.state)](batch, now, deadline)
        except UnreadableFile as problem:
            _fail(batch, str(problem), now)
        except (DatabaseError, Refused, ValueError, LookupError) as error:
            log.warning("import_failed", id=str(pk), state=batch.state, error=type(error).__name__)
            _try_later(batch, now)
    return 0


@contextmanager
def _held(pk: uuid.UUID) -> Iterator[bool]:
    """Whether this worker has the import to itself, for a step of any number of transactions."""
    name = f"import:{pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _fail(batch: Import, problem: str, now: datetime) -> None:
    Import.objects.filter(pk=batch.pk).update(
        state=State.FAILED, problem=problem[:500], finished_at=now
    )
    storing.forget_file(batch)


def _try_later(batch: Import, now: datetime) -> None:
    """Once more with the next tick; after some times that is enough."""
    Import.objects.filter(pk=batch.pk).update(attempts=batch.attempts + 1)
    if batch.attempts + 1 >= MOST_ATTEMPTS:
        _fail(batch, GAVE_UP, now)


# --- steps -----------------------------------------------------------------------------------


def _read(batch: Import, now: datetime, deadline: float) -> int:
    """Read on into chunks. The clock starts where the file was left: what was read is passed by."""
    number = ImportChunk.objects.filter(batch=batch).count()
    rows: list[Row] = []
    done, passed = 0, 0
    with closing(storing.stored_file(batch)) as file:
        for row in read_rows(file, batch.form, batch.encoding, batch.delimiter):
            passed += 1
            if passed <= batch.rows:
                continue
            rows.append(row)
            if len(rows) == storing.CHUNK:
                storing.add_chunk(batch, number + done, rows)
                done, rows = done + 1, []
                if time.monotonic() >= deadline or not _still(batch):
                    return done
    if rows:
        storing.add_chunk(batch, number + done, rows)
        done += 1
    if batch.rows == 0:
        raise UnreadableFile("The file has no rows.")
    opening.open_columns(batch)
    return done + 1


def _check(batch: Import, now: datetime, deadline: float) -> int:
    check = checker(batch, _member(batch))
    return _each_chunk(batch, Chunk.WAITING, check, _checked, now, deadline)


def _apply(batch: Import, now: datetime, deadline: float) -> int:
    member = _member(batch)
    applier = (
        Applier(batch, member, now)
        if batch.kind == Import.Kind.LEADS
        else history.HistoryApplier(batch, member, now)
    )
    return _each_chunk(batch, Chunk.CHECKED, applier.apply, _applied, now, deadline)


def _undo(batch: Import, now: datetime, deadline: float) -> int:
    by = actor_of(_member(batch))
    take = history.take_back if batch.kind == Import.Kind.HISTORY else taking_back.take_back

    def back(chunk: ImportChunk) -> None:
        take(chunk, by=by, now=now)

    return _each_chunk(batch, Chunk.APPLIED, back, _undone, now, deadline, last_first=True)


def _each_chunk(
    batch: Import,
    state: str,
    do: Callable[[ImportChunk], None],
    finish: Callable[[Import, datetime], None],
    now: datetime,
    deadline: float,
    *,
    last_first: bool = False,
) -> int:
    """Do the chunks in a state one after the other, as long as the import is wanted."""
    done = 0
    order = "-number" if last_first else "number"
    while time.monotonic() < deadline or not done:
        with transaction.atomic():
            if not _still(batch, lock=True):
                return done
            rows = ImportChunk.objects.filter(batch=batch, state=state).order_by(order)
            chunk = rows.select_for_update(no_key=True).first()
            if chunk is None:
                finish(batch, now)
                return done + 1
            do(chunk)
        done += 1
    return done


def _still(batch: Import, *, lock: bool = False) -> bool:
    """Whether the import is where this step found it: it may have been canceled meanwhile."""
    rows = Import.objects.filter(pk=batch.pk, state=batch.state)
    # Shared with whoever else reads it; whoever cancels waits for the chunk.
    return (
        bool(list(rows.select_for_update(no_key=True).values_list("pk"))) if lock else rows.exists()
    )


def _member(batch: Import) -> Membership:
    """Who imports. Whoever left since can't: an admin starts the import anew."""
    found = Membership.objects.select_related("workspace", "user", "team").filter(
        pk=batch.made_by_id, is_active=True
    )
    if (member := found.first()) is None:
        raise UnreadableFile("Who started this import is not active here any more. Start it anew.")
    return member


def _checked(batch: Import, now: datetime) -> None:
    settle(batch)
    counts: Counter[str] = Counter()
    for found in ImportChunk.objects.filter(batch=batch).values_list("counts", flat=True):
        counts.update(found)
    Import.objects.filter(pk=batch.pk).update(state=State.CHECKED, counts=dict(counts))


def _applied(batch: Import, now: datetime) -> None:
    Import.objects.filter(pk=batch.pk).update(
        state=State.DONE, finished_at=now, effects=effects_of(batch)
    )
    storing.forget_file(batch)


def _undone(batch: Import, now: datetime) -> None:
    Import.objects.filter(pk=batch.pk).update(
        state=State.UNDONE, undone_at=now, effects=effects_of(batch)
    )


STEPS: dict[str, Callable[[Import, datetime, float], int]] = {
    State.READING: _read,
    State.CHECKING: _check,
    State.APPLYING: _apply,
    State.UNDOING: _undo,
}
