"""How calls end, and what follows from it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from leadcrm.workspaces.updating import write_columns
from leads.batch import Change, require_ahead
from leads.models import CallBehaviour, CallOutcome, Task
from leads.next_steps import InteractionRefused, plan

ANSWERED_SECONDS = 30  # a call at least this long was a conversation


SPOKEN = frozenset({CallBehaviour.REACHED, CallBehaviour.CALL_BACK})
TRY_AGAIN = frozenset({CallBehaviour.VOICEMAIL, CallBehaviour.NO_ANSWER, CallBehaviour.BUSY})
# What follows from each, as the settings say it.
FOLLOWS = {
    CallBehaviour.REACHED: "The lead counts as contacted.",
    CallBehaviour.CALL_BACK: "Contacted, with a call at the time agreed on.",
    CallBehaviour.VOICEMAIL: "A try; the next one is planned.",
    CallBehaviour.NO_ANSWER: "A try; the next one is planned.",
    CallBehaviour.BUSY: "A try; the next one is planned.",
    CallBehaviour.WRONG_NUMBER: "A try; nothing is planned.",
    CallBehaviour.DO_NOT_CALL: "The number is marked as not to be called.",
}


def read_outcome(code: str, call_back_at: datetime | None, now: datetime) -> CallOutcome:
    """The workspace's outcome of this code.

    Raises InteractionRefused where there is none, it was switched off, or it lacks its time.
    """
    found: CallOutcome | None = CallOutcome.objects.filter(code=code).first()
    if found is None:
        raise InteractionRefused(f"There is no call outcome “{code[:50]}”.", field="outcome")
    if found.retired_at is not None:
        raise InteractionRefused(
            f"The call outcome “{found.label}” is switched off.", field="outcome"
        )
    if found.behaviour == CallBehaviour.CALL_BACK and call_back_at is None:
        raise InteractionRefused("Give the time to call back.", field="call_back_at")
    if call_back_at is not None:
        require_ahead(call_back_at, now, field="call_back_at")
    return found


def facts_of(outcome: CallOutcome) -> dict[str, str]:
    """What the log keeps of an outcome: what it was called and meant when the call was logged."""
    return {"outcome": outcome.code, "label": outcome.label, "behaviour": outcome.behaviour}


def behaviour_in(data: Mapping[str, Any]) -> str:
    """What a logged call's outcome meant. Older rows, and history, name the behaviour itself."""
    return str(data.get("behaviour") or data.get("outcome") or "")


def label_in(data: Mapping[str, Any]) -> str:
    """What a logged call's outcome was called; nothing where the log doesn't say how it ended."""
    known = dict(CallBehaviour.choices)
    return str(data.get("label") or known.get(data.get("outcome", ""), ""))


def was_conversation(change: Change, behaviour: str, seconds: int | None) -> bool:
    """Whether the call counts as contact: a person says so, or the line was open long enough."""
    if behaviour in TRY_AGAIN or behaviour == CallBehaviour.WRONG_NUMBER:
        return False
    if behaviour in SPOKEN and (change.by.is_human or seconds is None):
        return True
    return (seconds or 0) >= ANSWERED_SECONDS


def plan_next(
    change: Change, behaviour: str, call_back_at: datetime | None, *, wanted: bool
) -> None:
    """Set the next try, or the call that was agreed on."""
    lead = change.lead
    if not lead.is_open:
        return
    if call_back_at is not None:
        plan(change, title="Call back", due_at=call_back_at, kind=Task.Kind.CALL)
    elif wanted and behaviour in TRY_AGAIN:
        due = change.batch.workspace.hours().next_try(change.now, lead.attempt_count)
        plan(change, title=f"Try {lead.attempt_count + 1}", due_at=due, kind=Task.Kind.CALL)


def finish_planned(change: Change, at: datetime) -> None:
    """The planned try was made; a call that is logged late finishes nothing planned since."""
    for task in change.fact(_planned_calls) or ():
        if task.created_at <= at:
            task.done_at = change.now
            change.together(_save_done, task)


def _save_done(tasks: Sequence[Task]) -> None:
    write_columns(tasks, ["done_at"])


def _planned_calls(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Task]]:
    found: dict[uuid.UUID, list[Task]] = defaultdict(list)
    for task in Task.objects.filter(lead__in=ids, kind=Task.Kind.CALL, done_at=None):
        found[task.lead_id].append(task)
    return found
