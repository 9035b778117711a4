"""History from another product: notes, calls, messages, tasks and stage changes, at their own times.

The leads are there already; a row names its lead by an id elsewhere, an e-mail or a phone. Guards
and graph are not asked, nothing is planned, nobody is told.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.new_rows import new_row
from leads import kinds, lifecycle, remembering, undoing
from leads.batch import Change, run
from leads.calls import SPOKEN
from leads.importing.applying import actor_of, lane_of, last_activity
from leads.importing.comparing import ERROR, NEW, UNCHANGED
from leads.importing.events import CALL, NOTE, STAGE, TASK, Event, EventReader
from leads.importing.packing import keep, packed, rows_of, unpacked
from leads.importing.taking_back import REASON, Touched, touched_since
from leads.models import Activity, Contact, Import, ImportChunk, Lead, Message, Stage, Task
from leads.pipelines import Status

FOUND, KNOWN, UNKNOWN = NEW, UNCHANGED, ERROR


def checker(batch: Import, member: Membership) -> Callable[[ImportChunk], None]:
    """What checks a chunk of history: which entries find their lead and aren't there yet."""
    reader = EventReader(batch, member)

    def check(chunk: ImportChunk) -> None:
        events = reader.read(rows_of(batch, chunk))
        known = _known(events)
        keep(chunk, [_finding(event, known) for event in events], [])

    return check


def _finding(event: Event, known: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"n": event.number, "r": FOUND}
    if event.error:
        return found | {"r": UNKNOWN, "e": list(event.error)}
    if event.key in known:
        found |= {"r": KNOWN, "t": ["This entry is there already."]}
    return found | {"l": str(event.lead_id)}


def _known(events: Sequence[Event]) -> set[str]:
    """The keys of entries that were brought in before."""
    keys = [event.key for event in events if event.key]
    rows = Activity.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True)
    return set(rows) if keys else set()


class HistoryApplier:
    """Writes the entries of chunks."""

    def __init__(self, batch: Import, member: Membership, now: datetime) -> None:
        self.batch, self.now = batch, now
        self.by, self.lane = actor_of(member), lane_of(batch)
        self.reader = EventReader(batch, member)

    def apply(self, chunk: ImportChunk) -> None:
        """Write the entries of a chunk, each lead's in the order of their times."""
        events = self.reader.read(rows_of(self.batch, chunk))
        known = _known(events)
        by_lead: dict[uuid.UUID, list[Event]] = defaultdict(list)
        for event in sorted(events, key=lambda one: one.at):
            if not event.error and event.key not in known and event.lead_id is not None:
                known |= {event.key} if event.key else set()
                by_lead[event.lead_id].append(event)
        written: list[Message | Task] = []

        def decide(change: Change) -> None:
            for event in by_lead[change.lead.pk]:
                written.extend(tell(change, event))

        with transaction.atomic():
            with remembering.remembered((Contact,)) as memory:
                run(list(by_lead), decide, by=self.by, now=self.now, lane=self.lane)
            rows = [[str(row._meta.model_name), str(row.pk), str(row.lead_id)] for row in written]
            chunk.journal = packed(
                {"rows": rows, "changes": memory.changes(), "until": last_activity()}
            )
            told = sum(len(found) for found in by_lead.values())
            chunk.effects = {"created": told, "error": sum(1 for one in events if one.error)}
            chunk.state = ImportChunk.State.APPLIED
            chunk.save(update_fields=["journal", "effects", "state"])


def tell(change: Change, event: Event) -> list[Message | Task]:
    """Bring one entry into a change; returns the rows that it added."""
    if event.kind == STAGE and event.stage is not None:
        _tell_stage(change, event, event.stage)
        return []
    if event.kind == TASK:
        return [_tell_task(change, event)]
    return [_tell_message(change, event)]


def _tell_stage(change: Change, event: Event, stage: Stage) -> None:
    """A stage of the past is noted; one that came later than the lead's own is where it stands."""
    lead = change.lead
    if stage.pk == lead.stage_id and event.at >= lead.stage_entered_at:
        return
    later = event.at >= lead.stage_entered_at and stage.pipeline_id == lead.pipeline_id
    step = lifecycle.enter if later else lifecycle.passed
    row = step(change, stage, event.at, source="import")
    row.dedupe_key = event.key or None


def _tell_task(change: Change, event: Event) -> Task:
    task = new_row(
        Task,
        lead_id=change.lead.pk,
        workspace_id=change.lead.workspace_id,
        title=(event.title or event.text or "Follow up")[:300],
        due_at=event.due_at or event.at,
        assignee=event.author or change.lead.owner,
        created_by=event.author,
        created_at=event.at,
        done_at=(event.due_at or event.at) if event.done else None,
    )
    change.add(task)
    kind = kinds.TASK_DONE if event.done else kinds.TASK_ADDED
    row = _log(change, event, kind, subject_type="task", subject_id=task.pk)
    row.data = {"title": task.title}
    return task


def _tell_message(change: Change, event: Event) -> Message:
    inbound = event.direction == Message.Direction.INBOUND
    channel = Message.Channel(event.kind)
    message = new_row(
        Message,
        lead_id=change.lead.pk,
        workspace_id=change.lead.workspace_id,
        channel=channel,
        direction=Message.Direction.INTERNAL if event.kind == NOTE else event.direction,
        subject=event.title[:500] if event.kind not in (NOTE, CALL) else "",
        body=event.body,
        meta={"outcome": event.outcome, "seconds": event.seconds} if event.kind == CALL else {},
        author=event.author,
        occurred_at=event.at,
        created_at=change.now,
    )
    change.add(message)
    row = _log(
        change, event, _kind_of(event, inbound), subject_type="message", subject_id=message.pk
    )
    row.data = {"channel": channel, "direction": message.direction, **message.meta}
    if event.kind != NOTE:
        _count(change, event, inbound)
    return message


def _kind_of(event: Event, inbound: bool) -> str:
    if event.kind == NOTE:
        return kinds.NOTE_ADDED
    if event.kind == CALL:
        return kinds.CALL_RECEIVED if inbound else kinds.CALL_LOGGED
    return kinds.MESSAGE_RECEIVED if inbound else kinds.MESSAGE_SENT


def _count(change: Change, event: Event, inbound: bool) -> None:
    """A try of ours, or a word from the person, with the milestones that follow from it."""
    if not inbound:
        change.set(attempt_count=change.lead.attempt_count + 1)
        lifecycle.respond(change, event.at, observed=True)
    if (event.kind == CALL and event.outcome in SPOKEN) or (event.kind != CALL and inbound):
        lifecycle.reach(change, Status.CONTACTED, event.at)


def _log(change: Change, event: Event, kind: str, **values: Any) -> Activity:
    row = change.record(kind, at=event.at, dedupe_key=event.key or None, **values)
    if event.author is not None:
        row.actor_id = event.author.pk
    return row


def take_back(chunk: ImportChunk, *, by: Actor, now: datetime) -> None:
    """Remove the entries of a chunk from leads that nobody touched since, and restore what followed
    from them; the caller holds its lock."""
    journal = unpacked(chunk.journal)
    by_lead: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    for model, pk, lead_id in journal["rows"]:
        by_lead[uuid.UUID(lead_id)].append((model, pk))
    changed = {uuid.UUID(one["id"]): one for one in journal["changes"] if one["model"] == "lead"}
    people = {one["id"]: one for one in journal["changes"] if one["model"] == "contact"}
    ids = [*by_lead, *(pk for pk in changed if pk not in by_lead)]
    touched = touched_since(ids, journal["until"])

    def decide(change: Change) -> None:
        if change.lead.pk in touched or change.lead.merged_into_id is not None:
            raise Touched("It was edited since.")
        if (row := changed.get(change.lead.pk)) is not None:
            values = remembering.values_of(change.lead, row["after"])
            undoing.require_same(Lead, values, row["after"])
            undoing.restore_lead(change, row, values)
        for one in by_lead[change.lead.pk]:
            change.together(_delete, one)
        if (person := people.get(str(change.lead.contact_id))) is not None:
            change.together(_restore_people, (person, now))
        change.record(kinds.UNDONE, data={"said": REASON})

    with transaction.atomic():
        results = run(ids, decide, by=by, now=now, lane="backfill") if ids else []
        kept = [str(result.lead_id) for result in results if not result.done]
        chunk.journal = packed({**journal, "kept": kept})
        chunk.effects = {**chunk.effects, "kept": len(kept)}
        chunk.state = ImportChunk.State.UNDONE
        chunk.save(update_fields=["journal", "effects", "state"])


def _restore_people(people: Sequence[tuple[dict[str, Any], datetime]]) -> None:
    rows = {row["id"]: row for row, _ in people}
    undoing.write_rows(Contact, list(rows.values()), people[0][1])


def _delete(rows: Sequence[tuple[str, str]]) -> None:
    for model in (Message, Task):
        name = str(model._meta.model_name)
        model.objects.filter(pk__in=[pk for kind, pk in rows if kind == name]).delete()
