"""The next step of a lead: tasks, and the snooze that puts it off."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

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
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Set a next step."""
    _check_title(title)
    require_near(due_at, now, field="due_at")

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        plan(change, title=title, due_at=due_at, kind=kind, assignee=assignee)

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
) -> Result:
    """Change the text or the time of an open task."""
    if title is not None:
        _check_title(title)
        title = title.strip()
    if due_at is not None:
        require_near(due_at, now, field="due_at")
    values = {
        name: value for name, value in (("title", title), ("due_at", due_at)) if value is not None
    }

    def decide(change: Change) -> None:
        open_task = Task.objects.filter(pk=task.pk, done_at=None)
        if not (open_task.update(**values) if values else open_task.exists()):
            raise InteractionRefused("This task is done already.", field="task")
        change.touched = True
        data = {name: str(value) for name, value in values.items()}
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
    )
    change.add(task)
    data = {"title": task.title, "due_at": due_at.isoformat()}
    change.record(kinds.TASK_ADDED, subject_type="task", subject_id=task.pk, data=data)
    return task


def _check_title(title: str) -> None:
    if not title.strip():
        raise InteractionRefused("Say what is to be done.", field="title")
    require_length(title.strip(), TITLE_LENGTH, field="title")
