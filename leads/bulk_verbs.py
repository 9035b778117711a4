"""What can be done to many leads at once, as a table: permission, verb, and what undo restores.

Values are plain JSON, because a run may be done by a worker later: ids as text, times as ISO.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Team
from leads import archiving, assignment, editing, lifecycle, timeline
from leads.batch import Refused, Result
from leads.models import Appointment, Contact, ContactKey, FieldSuggestion, Task
from leads.models.activity import Lane

Ids = Sequence[uuid.UUID]
Values = Mapping[str, Any]
Do = Callable[[Ids, Values, Actor, datetime], list[Result]]


@dataclass(frozen=True)
class BulkVerb:
    """A verb for many leads. `need` is the permission on each. `around` are the models besides the
    lead that it may change; `is_grave` ones ask for the number of leads above some hundreds. What
    is not `offered` in lists has a page of its own."""

    key: str
    label: str
    need: str
    do: Do
    around: tuple[type[models.Model], ...] = ()
    is_grave: bool = False
    offered: bool = True


def _assign(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    owner = _one(Membership, values.get("owner"), "This person is not here any more.")
    team = _one(Team, values.get("team"), "This team is not here any more.")
    return assignment.assign(ids, owner=owner, team=team, by=by, now=now, lane=Lane.BULK)


def _hand_over(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    owner = _one(Membership, values.get("owner"), "This person is not here any more.")
    team = _one(Team, values.get("team"), "This team is not here any more.")
    return assignment.hand_over(
        ids,
        member_id=uuid.UUID(values["member"]),
        owner=owner,
        team=team,
        by=by,
        now=now,
        lane=Lane.BULK,
    )


def _move(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    return lifecycle.move(ids, to=values["stage"], by=by, now=now, lane=Lane.BULK)


def _task(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    due_at = _moment(values["due_at"])
    return timeline.add_task(
        ids, title=values["title"], due_at=due_at, by=by, now=now, lane=Lane.BULK
    )


def _snooze(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    return timeline.snooze(ids, until=_moment(values["until"]), by=by, now=now, lane=Lane.BULK)


def _close(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    follow_up = values.get("follow_up_at")
    return lifecycle.close(
        ids,
        reason=values["reason"],
        note=values.get("note", ""),
        follow_up_at=_moment(follow_up) if follow_up else None,
        by=by,
        now=now,
        lane=Lane.BULK,
    )


def _edit(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    return editing.edit(ids, values, by=by, now=now, lane=Lane.BULK)


def _archive(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    return archiving.archive(ids, reason=values.get("reason", ""), by=by, now=now, lane=Lane.BULK)


def _restore(ids: Ids, values: Values, by: Actor, now: datetime) -> list[Result]:
    return archiving.restore(ids, by=by, now=now, lane=Lane.BULK)


HAND_OVER = "hand-over"
PERSON = (FieldSuggestion, ContactKey, Contact)

BULK_VERBS: dict[str, BulkVerb] = {
    verb.key: verb
    for verb in (
        BulkVerb("assign", "Assign", "assign", _assign, (Task,)),
        BulkVerb("move", "Stage", "edit", _move, (Task, Appointment, Contact)),
        BulkVerb("task", "Task", "edit", _task, (Task,)),
        BulkVerb("snooze", "Snooze", "edit", _snooze),
        BulkVerb("close", "Close", "close", _close, (Task, Appointment, Contact), is_grave=True),
        BulkVerb("field", "Set a field", "edit", _edit, PERSON),
        BulkVerb("campaign", "Campaign", "edit", _edit, PERSON),
        BulkVerb("remove", "Remove", "archive", _archive, is_grave=True),
        BulkVerb(HAND_OVER, "Hand over", "assign", _hand_over, (Task, Appointment), offered=False),
        BulkVerb("restore", "Restore", "archive", _restore),
    )
}


def _one(model: type[models.Model], key: str | None, gone: str) -> Any:
    """The row of an id, or None for none; raises Refused where it is gone."""
    if not key:
        return None
    row = model._default_manager.filter(pk=key).first()
    if row is None:
        raise Refused(gone)
    return row


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise Refused(f"“{text}” is no time.")
    return found
