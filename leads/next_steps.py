"""The next step of a lead: tasks, and the snooze that puts it off."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import kinds, lifecycle
from leads.batch import (
    Change,
    Refused,
    Result,
    require_ahead,
    require_length,
    require_near,
    run,
    run_one,
)
from leads.models import Task
from leads.models.activity import Lane

TITLE_LENGTH = 300


class Unset(Enum):
    """Stands for what a caller leaves as it is, or to the usual."""

    UNSET = "unset"


UNSET = Unset.UNSET


class InteractionRefused(Refused):
    code = "interaction_refused"


def add_task(
    ids: Sequence[uuid.UUID],
    *,
    title: str,
    due_at: datetime,
    by: Actor,
    now: datetime,
    kind: str = Task.Kind.TODO,
    assignee: Membership | None = None,
    remind_at: datetime | Unset | None = UNSET,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Set a next step. It reminds when it is due, or at `remind_at`; with None it doesn't."""
    _check_title(title)
    require_near(due_at, now, field="due_at")
    _check_reminder(remind_at, now)

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        plan(change, title=title, due_at=due_at, kind=kind, assignee=assignee, remind_at=remind_at)

    return run(ids, decide, by=by, now=now, lane=lane)


def complete_task(task: Task, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """Mark a task done. Doing it twice changes nothing."""

    def decide(change: Change) -> None:
        if Task.objects.filter(pk=task.pk, done_at=None).update(done_at=now):
            change.touched = True
            change.record(
                kinds.TASK_DONE, subject_type="task", subject_id=task.pk, data={"title": task.title}
            )

    return run_one(task.lead_id, decide, by=by, now=now, lane=lane)


def change_task(
    task: Task,
    *,
    by: Actor,
    now: datetime,
    title: str | None = None,
    due_at: datetime | None = None,
    assignee: Membership | Unset | None = UNSET,
    remind_at: datetime | Unset | None = UNSET,
) -> Result:
    """Change an open task: its text, its time, who does it, when it reminds.

    Without an assignee it is the owner's. A reminder moves with the time, unless it is set, too.
    """
    if title is not None:
        _check_title(title)
        title = title.strip()
    if due_at is not None:
        require_near(due_at, now, field="due_at")
    _check_reminder(remind_at, now)

    def decide(change: Change) -> None:
        held = Task.objects.filter(pk=task.pk, done_at=None).first()
        if held is None:
            raise InteractionRefused("This task is done already.", field="task")
        values: dict[str, Any] = {"title": title, "due_at": due_at}
        values = {name: value for name, value in values.items() if value is not None}
        if not isinstance(assignee, Unset):
            values["assignee"] = assignee or change.lead.owner
        data = {name: str(value) for name, value in values.items()}
        reminder = _reminder(held, due_at, remind_at)
        if reminder != held.remind_at:
            values |= {"remind_at": reminder, "reminded_at": None}
        if values:
            Task.objects.filter(pk=held.pk).update(**values)
        change.touched = True
        change.record(kinds.TASK_CHANGED, subject_type="task", subject_id=task.pk, data=data)

    return run_one(task.lead_id, decide, by=by, now=now)


def snooze(
    ids: Sequence[uuid.UUID],
    *,
    until: datetime,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Hide leads from what is due until a time."""

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        require_ahead(until, now, field="until")
        change.set(snoozed_until=until)
        change.record(kinds.SNOOZED, data={"until": until.isoformat()})

    return run(ids, decide, by=by, now=now, lane=lane)


def wake(ids: Sequence[uuid.UUID], *, by: Actor, now: datetime) -> list[Result]:
    """End the snooze of leads."""

    def decide(change: Change) -> None:
        if change.lead.snoozed_until is not None:
            change.set(snoozed_until=None)
            change.record(kinds.WOKEN)

    return run(ids, decide, by=by, now=now)


def plan(
    change: Change,
    *,
    title: str,
    due_at: datetime,
    kind: str = Task.Kind.TODO,
    assignee: Membership | None = None,
    remind_at: datetime | Unset | None = UNSET,
) -> Task:
    """Add a task to a change that another verb holds."""
    task = Task(
        lead=change.lead,
        workspace_id=change.lead.workspace_id,
        kind=kind,
        title=title.strip(),
        due_at=due_at,
        assignee=assignee or change.lead.owner or change.by.membership,
        created_by=change.by.membership,
        created_at=change.now,
        remind_at=due_at if isinstance(remind_at, Unset) else remind_at,
    )
    change.add(task)
    data = {"title": task.title, "due_at": due_at.isoformat()}
    change.record(kinds.TASK_ADDED, subject_type="task", subject_id=task.pk, data=data)
    return task


def _reminder(
    task: Task, due_at: datetime | None, remind_at: datetime | Unset | None
) -> datetime | None:
    """When a task that is changed reminds."""
    if not isinstance(remind_at, Unset):
        return remind_at
    if due_at is None or task.remind_at is None:
        return task.remind_at
    return due_at + (task.remind_at - task.due_at)


def _check_reminder(at: datetime | Unset | None, now: datetime) -> None:
    if isinstance(at, datetime):
        require_near(at, now, field="remind_at")


def _check_title(title: str) -> None:
    if not title.strip():
        raise InteractionRefused("Say what is to be done.", field="title")
    require_length(title.strip(), TITLE_LENGTH, field="title")
