"""Bulk actions: one verb done to up to 100,000 leads, a chunk per transaction.

A run fixes its leads when it starts. Each chunk is done, noted with its results and counted in one
transaction under the run's lock, so that a worker that dies repeats nothing and forgets nothing.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, may, require
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import access, undoing
from leads.batch import Refused, Result
from leads.bulk_verbs import BULK_VERBS, BulkVerb
from leads.models import BulkChunk, BulkRun, Lead
from leads.remembering import remembered

log = structlog.get_logger(__name__)

MOST = 100_000  # leads of one run
NAMED_ABOVE = 500  # leads; whoever means more says how many, for what is grave or sent by a program
AT_ONCE = 200  # so few are done while the page waits
CHUNK = 1000
LONGEST_TICK = 10.0  # seconds
TRIES = 4  # of what the database can't do, before the lead at fault is refused
UNDO_WITHIN = timedelta(days=1)
KEPT = timedelta(days=30)
BEYOND_REACH = "Not found, or not yours."
TOO_MANY = f"These are more than {MOST:,} leads. Narrow them down by a filter."
State = BulkRun.State


class BulkRefused(Refused):
    code = "bulk_refused"


def offered(member: Membership, *, removed: bool) -> list[BulkVerb]:
    """The verbs that the member may do to many leads, present ones or removed ones."""
    if not may(member, "bulk"):
        return []
    return [
        verb
        for verb in BULK_VERBS.values()
        if verb.offered
        and may(member, verb.need)
        and not (verb.need == "close" and member.role == Role.REP)
        and (verb.key == "restore") == removed
    ]


def number_of(leads: QuerySet[Lead], verb: BulkVerb, member: Membership) -> int:
    """To how many of the leads the member may do this. Raises NotAllowed, and BulkRefused above
    what a run takes."""
    mine = access.of_many(member, leads, need=verb.need)
    number = int(mine.order_by()[: MOST + 1].count())
    if number > MOST:
        raise BulkRefused(TOO_MANY)
    return number


def start(
    leads: QuerySet[Lead],
    verb: BulkVerb,
    values: Mapping[str, Any],
    *,
    said: str,
    by: Membership,
    now: datetime,
) -> BulkRun:
    """Begin a run over the leads that the member may do this to; a few are done at once.

    Raises NotAllowed where mass work, or so much of it, isn't the member's, and BulkRefused for
    none or more than 100,000 leads.
    """
    newest_first = access.of_many(by, leads, need=verb.need).order_by("-created_at", "-pk")
    ids = list(newest_first.values_list("pk", flat=True)[: MOST + 1])
    _require_number(by, verb, len(ids))
    run = BulkRun.objects.create(
        verb=verb.key,
        values=dict(values),
        said=said[:200],
        leads=ids,
        total=len(ids),
        started_by=by,
        started_at=now,
    )
    if len(ids) <= AT_ONCE:
        advance(run.pk, now)
        run.refresh_from_db()
    return run


def advance(run_id: uuid.UUID, now: datetime) -> bool:
    """Do the next chunk of a run, or undo the last one; returns whether more is left.

    A run that somebody else is at just now is left to them.
    """
    try:
        with transaction.atomic():
            run = _lock(run_id)
            if run is None:
                return False
            if run.state == State.RUNNING:
                _do_next(run, now)
            else:
                _undo_last(run, now)
            return run.is_at_work
    except DatabaseError as error:
        log.warning("bulk_failed", run=str(run_id), error=type(error).__name__)
        BulkRun.objects.filter(pk=run_id).update(failures=F("failures") + 1)
        return False


def advance_due(now: datetime) -> None:
    """Go on with all runs, a chunk each in turn, for one tick at most."""
    deadline = time.monotonic() + LONGEST_TICK
    with all_workspaces():
        at_work = BulkRun.objects.filter(state__in=(State.RUNNING, State.UNDOING))
        waiting = list(at_work.order_by("started_at").values_list("pk", "workspace"))
    while waiting:
        for one in list(waiting):
            if time.monotonic() > deadline:
                return
            with workspace_scope(one[1]):
                if not advance(one[0], now):
                    waiting.remove(one)


def cancel(run: BulkRun, now: datetime) -> BulkRun:
    """Stop a run after the chunk that it is at. What is done stays, and can be undone."""
    with transaction.atomic():
        run = _relock(run)
        if run.state != State.RUNNING:
            raise BulkRefused("It has ended already.")
        _end(run, State.CANCELED, now)
    return run


def undo(run: BulkRun, now: datetime) -> BulkRun:
    """Begin to take a run back, newest chunk first; a few leads at once.

    Raises BulkRefused after a day, or while it runs.
    """
    with transaction.atomic():
        run = _relock(run)
        require_undoable(run, now)
        run.state, run.failures = State.UNDOING, 0
        run.save(update_fields=["state", "failures"])
    if run.position <= AT_ONCE:
        advance(run.pk, now)
        run.refresh_from_db()
    return run


def require_undoable(run: BulkRun, now: datetime) -> None:
    """Raise BulkRefused unless the run has ended, lately, and isn't undone."""
    if run.state == State.RUNNING:
        raise BulkRefused("It is still running. Cancel it first.")
    if run.state not in (State.DONE, State.CANCELED):
        raise BulkRefused("This was undone already.")
    if run.ended_at is None or now - run.ended_at > UNDO_WITHIN:
        raise BulkRefused("It is too late to undo this: a day has passed.")


def may_undo(run: BulkRun, now: datetime) -> bool:
    """Whether there is something that `undo` would take back."""
    try:
        require_undoable(run, now)
    except BulkRefused:
        return False
    return run.done > 0


def access_run(membership: Membership, run_id: uuid.UUID) -> BulkRun:
    """A run of the member's own, or for admins anybody's."""
    run: BulkRun | None = visible_runs(membership).filter(pk=run_id).first()
    if run is None:
        raise Http404(NOT_FOUND)
    return run


def visible_runs(membership: Membership) -> QuerySet[BulkRun]:
    """The runs that the member may look at, without their leads' ids."""
    require(membership, "bulk")
    runs = BulkRun.objects.defer("leads").select_related("started_by")
    if membership.role in (Role.OWNER, Role.ADMIN):
        return runs
    return runs.filter(started_by=membership)


def forget(now: datetime) -> int:
    """Drop what undo needed once it is too late, and after a month the runs themselves."""
    with all_workspaces():
        ended = BulkRun.objects.filter(ended_at__lt=now - UNDO_WITHIN)
        BulkChunk.objects.filter(run__in=ended).exclude(changes={}).update(changes={})
        deleted, _ = BulkRun.objects.filter(ended_at__lt=now - KEPT).delete()
    return int(deleted)


def _require_number(member: Membership, verb: BulkVerb, number: int) -> None:
    if not number:
        raise BulkRefused("None of these leads is there any more, or yours to change.")
    access.require_number(member, number, need=verb.need)
    if number > MOST:
        raise BulkRefused(TOO_MANY)


def _lock(run_id: uuid.UUID) -> BulkRun | None:
    at_work = BulkRun.objects.filter(pk=run_id, state__in=(State.RUNNING, State.UNDOING))
    locked = at_work.defer("leads").select_for_update(skip_locked=True, no_key=True)
    found: BulkRun | None = locked.first()
    return found


def _relock(run: BulkRun) -> BulkRun:
    locked: BulkRun = BulkRun.objects.defer("leads").select_for_update(no_key=True).get(pk=run.pk)
    return locked


def _do_next(run: BulkRun, now: datetime) -> None:
    # A chunk that fails is tried again in smaller parts, until the lead at fault stands alone.
    end = min(run.position + max(1, CHUNK >> 3 * run.failures), run.total)
    ids = leads_of(run, run.position, end)
    chunk = BulkChunk(run=run, start=run.position, size=len(ids))
    if run.failures >= TRIES:
        chunk.refused = {str(pk): "This failed several times. Nothing was changed." for pk in ids}
    else:
        _do(run, ids, chunk, now)
    chunk.save(force_insert=True)
    run.position, run.refused, run.failures = end, run.refused + len(chunk.refused), 0
    run.save(update_fields=["position", "refused", "failures"])
    if run.position >= run.total:
        _end(run, State.DONE, now)


def _do(run: BulkRun, ids: Sequence[uuid.UUID], chunk: BulkChunk, now: datetime) -> None:
    """Do the verb to those that the member may still do it to, and note what came of each."""
    verb, member = BULK_VERBS[run.verb], _starter(run)
    try:
        if member is None:
            raise Refused("Whoever started this is not active here any more.")
        visible = access.visible_leads(member).filter(pk__in=ids)
        leads = access.of_many(member, visible, need=verb.need)
        allowed = set(leads.values_list("pk", flat=True))
        with transaction.atomic(), remembered(verb.around) as memory:
            by = Actor.member(member, via="bulk")
            results = verb.do([pk for pk in ids if pk in allowed], run.values, by, now)
    except (Refused, NotAllowed) as refusal:
        chunk.refused = {str(pk): refusal.message for pk in ids}
        return
    chunk.refused = {str(pk): BEYOND_REACH for pk in ids if pk not in allowed} | _refusals(results)
    chunk.changes = {str(pk): rows for pk, rows in memory.changes_by_lead().items()}


def _undo_last(run: BulkRun, now: datetime) -> None:
    chunk = run.chunks.filter(undone_at=None).order_by("-start").first()
    member = _starter(run)
    if chunk is not None:
        ids = {uuid.UUID(pk): rows for pk, rows in chunk.changes.items()}
        if run.failures >= TRIES or member is None:
            chunk.kept = {str(pk): "This could not be undone." for pk in ids}
        else:
            by = Actor.member(member, via="bulk")
            results = undoing.undo_many(ids, said=run.said, subject_id=run.pk, by=by, now=now)
            chunk.kept = _refusals(results)
        chunk.undone_at, chunk.changes = now, {}
        chunk.save(update_fields=["kept", "undone_at", "changes"])
        run.kept, run.failures = run.kept + len(chunk.kept), 0
        run.save(update_fields=["kept", "failures"])
    if not run.chunks.filter(undone_at=None).exists():
        _end(run, State.UNDONE, now)


def _end(run: BulkRun, state: str, now: datetime) -> None:
    run.state, run.ended_at = state, now
    run.save(update_fields=["state", "ended_at"])


def _starter(run: BulkRun) -> Membership | None:
    found: Membership | None = (
        Membership.objects.select_related("workspace", "user")
        .filter(pk=run.started_by_id, is_active=True, user__is_active=True)
        .first()
    )
    return found


def leads_of(run: BulkRun, start: int, end: int) -> list[uuid.UUID]:
    """The ids of a stretch of the run's leads."""
    name = f"leads__{start}_{end}"
    return list(BulkRun.objects.filter(pk=run.pk).values_list(name, flat=True).get())


def _refusals(results: Iterable[Result]) -> dict[str, str]:
    return {str(result.lead_id): result.refusal.message for result in results if result.refusal}
