"""How calls end, and what follows from it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import TextChoices

from leadcrm.workspaces.updating import write_columns
from leads.batch import Change, require_ahead
from leads.models import Task
from leads.next_steps import InteractionRefused, plan

ANSWERED_SECONDS = 30  # a call at least this long was a conversation


class CallOutcome(TextChoices):
    """How a call ended, in the order of the keys 1–7."""

    REACHED = "reached", "Reached"
    CALL_BACK = "call_back", "Reached – call back"
    VOICEMAIL = "voicemail", "Left voicemail"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    DO_NOT_CALL = "do_not_call", "Do not call"


SPOKEN = frozenset({CallOutcome.REACHED, CallOutcome.CALL_BACK})
TRY_AGAIN = frozenset({CallOutcome.VOICEMAIL, CallOutcome.NO_ANSWER, CallOutcome.BUSY})


def check_outcome(outcome: str, call_back_at: datetime | None, now: datetime) -> None:
    """Raise InteractionRefused for an outcome that there isn't, or that lacks its time."""
    if outcome not in CallOutcome.values:
        raise InteractionRefused(f"There is no call outcome “{outcome}”.", field="outcome")
    if outcome == CallOutcome.CALL_BACK and call_back_at is None:
        raise InteractionRefused("Give the time to call back.", field="call_back_at")
    if call_back_at is not None:
        require_ahead(call_back_at, now, field="call_back_at")


def was_conversation(change: Change, outcome: str, seconds: int | None) -> bool:
    """Whether the call counts as contact: a person says so, or the line was open long enough."""
    if outcome in TRY_AGAIN or outcome == CallOutcome.WRONG_NUMBER:
        return False
    if outcome in SPOKEN and (change.by.is_human or seconds is None):
        return True
    return (seconds or 0) >= ANSWERED_SECONDS


def plan_next(change: Change, outcome: str, call_back_at: datetime | None, *, wanted: bool) -> None:
    """Set the next try, or the call that was agreed on."""
    lead = change.lead
    if not lead.is_open:
        return
    if call_back_at is not None:
        plan(change, title="Call back", due_at=call_back_at, kind=Task.Kind.CALL)
    elif wanted and outcome in TRY_AGAIN:
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
