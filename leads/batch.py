"""How every verb works on leads: lock, decide, write, append to the log, in one transaction.

A verb gives `run` a function that decides about one locked lead. It changes the lead only
through the `Change` it is given; raising `Refused` leaves that lead as it was and the others
go on. All writes are set-based, whether for one lead or ten thousand.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.inserting import draw_ids, insert_rows
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.new_rows import new_row
from leadcrm.workspaces.scoping import WorkspaceModel, current_workspace_id
from leadcrm.workspaces.updating import write_columns
from leads import custom_fields, kinds, remembering, searching, timers
from leads.models import Activity, FieldSuggestion, Lead, Source, Stage
from leads.models.activity import Lane
from leads.provenance import PERSON_FIELDS

VERSIONED = PERSON_FIELDS | {"stage", "owner", "team", "archived_at", "merged_into"}
FARTHEST = timedelta(days=3653)  # nothing is planned further ahead
KEY_LENGTH = 255
# JSON, which takes a third of the time of reading a lead, and which few verbs look at.
UNREAD = (
    "answers", "first_touch", "last_touch", "platform_ref", "enrichment", "attributes", "provenance",
)  # fmt: skip
LINKS = {one.name: one.attname for one in Lead._meta.concrete_fields if one.is_relation}


class Refused(Exception):
    """A verb can't be done to a lead. The message is for a person, `field` names the input at fault."""

    code = "refused"

    def __init__(self, message: str, *, field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code:
            self.code = code


class Missing(Refused):
    """The lead isn't there, or not in this workspace."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("This lead was not found.")


@dataclass(slots=True)
class Result:
    """What a verb did to one lead: done, or refused with the reason."""

    lead_id: uuid.UUID
    lead: Lead | None = None
    refusal: Refused | None = None
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.refusal is None


Shared = Callable[[Sequence[Any]], object]
Load = Callable[[Sequence[uuid.UUID]], Mapping[uuid.UUID, Any]]


class Change:
    """What one verb changes about one lead, until it is written."""

    def __init__(self, batch: LeadBatch, lead: Lead, call: Call | None = None) -> None:
        self.batch = batch
        self.lead = lead
        self.by, self.now, self.lane = (
            (call.by, call.now, call.lane) if call else (batch.by, batch.now, batch.lane)
        )
        self.dirty: set[str] = set()
        self.activities: list[Activity] = []
        self.rows: list[WorkspaceModel] = []
        self.actions: list[Callable[[], object]] = []
        self.shared: list[tuple[Shared, Any]] = []
        self.suggestions: list[FieldSuggestion] = []
        self.conflicts: list[dict[str, Any]] = []
        self.touched = False
        self._before = dict(lead.__dict__)
        self._links = dict(lead._state.fields_cache)

    def set(self, **values: Any) -> None:
        """Set fields of the lead; those that change are written."""
        for name, value in values.items():
            # Rows that the lead links to are told apart by id: to read them takes a query each.
            link = LINKS.get(name)
            held = getattr(self.lead, link or name)
            if held != (value.pk if link and value is not None else value):
                if name in self.batch.unread:
                    raise ValueError(f"{name} is not read here")
                setattr(self.lead, name, value)
                self.dirty.add(name)

    def add(self, row: WorkspaceModel) -> None:
        """A new row that belongs to the change, such as a message or a task."""
        self.rows.append(row)
        self.touched = True

    def also(self, action: Callable[[], object]) -> None:
        """A further write, done in the same transaction after the rows are in."""
        self.actions.append(action)
        self.touched = True

    def together(self, action: Shared, item: Any) -> None:
        """Like `also`, for many leads: `action` is called once, with the items of all of them."""
        self.shared.append((action, item))
        self.touched = True

    def fact(self, load: Load) -> Any:
        """What `load` finds about this lead, or None; it is called once for the whole batch."""
        return self.batch.facts(load).get(self.lead.pk)

    def record(self, kind: str, *, at: datetime | None = None, **values: Any) -> Activity:
        """Append a row to the log. `at` is when it happened, by default now."""
        at = at or self.now
        activity = new_row(
            Activity,
            workspace_id=self.lead.workspace_id,
            lead_id=self.lead.pk,
            contact_id=self.lead.contact_id,
            kind=kind,
            occurred_at=at,
            recorded_at=self.now,
            lane=self.lane,
            actor_kind=self.by.kind,
            actor_id=self.by.membership_id,
            token_id=self.by.token.pk if self.by.token else None,
            via=self.by.via,
            caused_by=self.by.caused_by,
            depth=self.by.depth,
            **values,
        )
        self.activities.append(activity)
        if kinds.KINDS[kind].activity:
            self.set(last_activity_at=latest(self.lead.last_activity_at, at))
        return activity

    def undo(self) -> None:
        """Forget the change: the lead object is again as it was read."""
        self.lead.__dict__.clear()
        self.lead.__dict__.update(self._before)
        self.lead._state.fields_cache = self._links
        self.dirty, self.touched = set(), False
        self.activities, self.rows, self.suggestions = [], [], []
        self.actions, self.shared = [], []


Decide = Callable[[Change], None]


@dataclass(slots=True)
class Call:
    """One call of a verb: what it decides about which leads, who does it, when and in which lane."""

    results: list[Result]
    decide: Decide
    by: Actor
    now: datetime
    lane: str


@dataclass
class LeadBatch:
    """The leads that one call of a verb works on, and who does it when."""

    by: Actor
    now: datetime
    lane: str = Lane.LIVE
    unread: Sequence[str] = ()
    locked: list[uuid.UUID] = field(default_factory=list)
    _facts: dict[Load, Mapping[uuid.UUID, Any]] = field(default_factory=dict)

    @cached_property
    def stages(self) -> list[Stage]:
        """All stages in use of the workspace, by pipeline and position."""
        return list(Stage.objects.select_related("pipeline").order_by("pipeline", "position"))

    @cached_property
    def workspace(self) -> Workspace:
        if self.by.membership is not None:
            return self.by.membership.workspace
        return Workspace.objects.get(pk=current_workspace_id())

    @cached_property
    def custom(self) -> custom_fields.Definitions:
        """The custom fields of the workspace."""
        return custom_fields.definitions()

    def stage(self, lead: Lead, *, key: str = "", status: str = "") -> Stage | None:
        """The stage of the lead's pipeline with this key or status, retired ones left out."""
        for stage in self.stages:
            named = (key and stage.key == key) or (status and stage.status == status)
            if named and stage.pipeline_id == lead.pipeline_id and not stage.retired_at:
                return stage
        return None

    def lock(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Lead]:
        """Lock the leads in id order, so that two batches never wait for each other in a ring.

        No joins here: where the lock had to wait, PostgreSQL checks the newest row against the
        joined rows that it read before, and a lead whose stage has changed would be missing.
        """
        rows = Lead.objects.filter(pk__in=set(ids)).order_by("pk").defer(*self.unread)
        leads = {lead.pk: lead for lead in rows.select_for_update(no_key=True)}
        stages = {stage.pk: stage for stage in self.stages} if leads else {}
        for lead in leads.values():
            stage = stages[lead.stage_id]
            lead._state.fields_cache |= {"stage": stage, "pipeline": stage.pipeline}
        _attach(leads.values(), "owner", Membership)
        _attach(leads.values(), "source", Source)
        self.locked, self._facts = list(leads), {}
        return leads

    def facts(self, load: Load) -> Mapping[uuid.UUID, Any]:
        """What `load` finds about the locked leads, read under the lock and only once."""
        if load not in self._facts:
            self._facts[load] = load(self.locked)
        return self._facts[load]

    def write(self, changes: Sequence[Change]) -> None:
        """Write all changes: rows, leads with their projections, search text, log."""
        changed = [
            change
            for change in changes
            if change.dirty or change.activities or change.touched or change.suggestions
        ]
        if not changed:
            return
        _insert_rows([row for change in changed for row in change.rows])
        _act(changed)
        _keep_suggestions([row for change in changed for row in change.suggestions])
        self._project(changed)
        for change in changed:
            if change.dirty & VERSIONED:
                change.set(version=change.lead.version + 1)
        update_leads([(change.lead, change.dirty) for change in changed])
        searching.refresh([change.lead for change in changed if change.dirty & searching.FIELDS])
        activities = [activity for change in changed for activity in change.activities]
        draw_ids(activities)
        insert_rows(activities)

    def _project(self, changes: Sequence[Change]) -> None:
        # What a verb looked up by `fact` stands, unless it added to it. One that writes around its
        # lead by itself must not look up what it changes there.
        is_known = timers.facts_of in self._facts and not any(
            change.rows or change.actions or change.shared for change in changes
        )
        if is_known:
            facts = self._facts[timers.facts_of]
        else:
            facts = timers.facts_of([change.lead.pk for change in changes])
        hours = self.workspace.hours()
        for change in changes:
            change.set(**timers.projections(change.lead, facts[change.lead.pk], hours))


_gathered: ContextVar[list[Call] | None] = ContextVar("gathered_calls", default=None)


def run(
    ids: Sequence[uuid.UUID],
    decide: Decide,
    *,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
    unread: Sequence[str] = (),
) -> list[Result]:
    """Do a verb to leads, in one transaction. Returns a result per id, in the order given.

    `unread` names columns that `decide` neither looks at nor sets: they are read where somebody asks
    for them.
    """
    call = Call([Result(lead_id) for lead_id in dict.fromkeys(ids)], decide, by, now, lane)
    waiting = _gathered.get()
    if waiting is None:
        _do([call], unread)
    else:
        waiting.append(call)
    return call.results


@contextmanager
def gathered() -> Iterator[None]:
    """Do the verbs that the block calls as one batch at its end, each at its own time: for history.

    A lead takes part once in a block. What the verbs return is filled in at the end; the first
    refusal is raised then, and nothing of the block is done.
    """
    calls: list[Call] = []
    token = _gathered.set(calls)
    try:
        yield
    finally:
        _gathered.reset(token)
    if not calls:
        return
    with transaction.atomic():
        _do(calls)
        for result in (result for call in calls for result in call.results):
            if result.refusal is not None:
                raise result.refusal


def _do(calls: Sequence[Call], unread: Sequence[str] = ()) -> None:
    """Lock the leads of all calls, decide about each, and write."""
    batch = LeadBatch(by=calls[0].by, now=calls[0].now, lane=calls[0].lane, unread=unread)
    asked = [(call, result) for call in calls for result in call.results]
    if len({result.lead_id for _, result in asked}) < len(asked):
        raise ValueError("a lead takes part in a gathered batch once")
    with transaction.atomic():
        leads = batch.lock(result.lead_id for _, result in asked)
        memory = remembering.current()
        if memory is not None:
            memory.see_before(leads.values())
        changes = []
        for call, result in asked:
            lead = leads.get(result.lead_id)
            if lead is None:
                result.refusal = Missing()
                continue
            change, result.lead = Change(batch, lead, call), lead
            try:
                call.decide(change)
                changes.append(change)
                result.conflicts, result.activities = change.conflicts, change.activities
            except Refused as refusal:
                change.undo()
                result.refusal = refusal
        batch.write(changes)
        if memory is not None:
            written = [activity for change in changes for activity in change.activities]
            memory.see_after(leads.values(), written)


def run_one(
    lead_id: uuid.UUID, decide: Decide, *, by: Actor, now: datetime, lane: str = Lane.LIVE
) -> Result:
    """Do a verb to one lead; raises the refusal."""
    (result,) = run([lead_id], decide, by=by, now=now, lane=lane)
    if result.refusal is not None:
        raise result.refusal
    return result


def update_leads(changes: Sequence[tuple[Lead, set[str]]]) -> None:
    """One UPDATE for all leads and all fields that changed on any of them.

    The leads are locked, so writing a field that didn't change is harmless.
    """
    leads = [lead for lead, names in changes if names]
    write_columns(leads, set().union(*(names for _, names in changes)))


def _attach(leads: Collection[Lead], name: str, model: type[WorkspaceModel]) -> None:
    """Read the rows that leads link to by this name, each once."""
    ids = {getattr(lead, LINKS[name]) for lead in leads} - {None}
    rows = model.objects.in_bulk(ids) if ids else {}
    for lead in leads:
        lead._state.fields_cache[name] = rows.get(getattr(lead, LINKS[name]))


def _insert_rows(rows: Sequence[WorkspaceModel]) -> None:
    groups: dict[type[WorkspaceModel], list[WorkspaceModel]] = defaultdict(list)
    for row in rows:
        groups[type(row)].append(row)
    for group in groups.values():
        insert_rows(group)


def _act(changes: Sequence[Change]) -> None:
    shared: dict[Shared, list[Any]] = defaultdict(list)
    for change in changes:
        for action in change.actions:
            action()
        for together, item in change.shared:
            shared[together].append(item)
    for together, items in shared.items():
        together(items)


def _keep_suggestions(rows: Sequence[FieldSuggestion]) -> None:
    """Keep suggestions, leaving alone those that stand already or that a person decided about."""
    if not rows:
        return
    known = {
        (row.lead_id, row.field, row.source): row.value
        for row in FieldSuggestion.objects.filter(lead__in={row.lead_id for row in rows})
    }
    fresh = {(row.lead_id, row.field, row.source): row for row in rows}
    FieldSuggestion.objects.bulk_create(
        [row for key, row in fresh.items() if key not in known or known[key] != row.value],
        1000,
        update_conflicts=True,
        unique_fields=["lead", "field", "source"],
        update_fields=["value", "suggested_at", "decided_at", "accepted"],
    )


def least(*times: datetime | None) -> datetime | None:
    """The earliest of those that are known."""
    return min((at for at in times if at is not None), default=None)


def latest(*times: datetime | None) -> datetime | None:
    """The last of those that are known."""
    return max((at for at in times if at is not None), default=None)


def require_ahead(at: datetime, now: datetime, *, field: str) -> None:
    """Raise Refused unless a planned time lies ahead, within ten years."""
    if at <= now:
        raise Refused("The date must lie ahead.", field=field)
    require_near(at, now, field=field)


def require_near(at: datetime, now: datetime, *, field: str) -> None:
    """Raise Refused for a planned time more than ten years from now."""
    if abs(at - now) > FARTHEST:
        raise Refused("Give a date within ten years.", field=field)


def require_length(text: str, most: int, *, field: str) -> None:
    """Raise Refused for a text that doesn't fit its column."""
    if len(text) > most:
        raise Refused(f"Use at most {most} characters.", field=field)


def short_key(key: str) -> str:
    """A key of any length, as one that fits its column and still differs from others."""
    if len(key) <= KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: KEY_LENGTH - len(digest) - 1]}~{digest}"
