"""What is said and done with a lead: calls, messages, notes, tasks; and reading it all back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, TextChoices

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import kinds, lifecycle
from leads.batch import Change, Refused, Result, run, run_one
from leads.consent import mark_do_not_contact
from leads.models import Activity, ContactKey, Lead, Message, Task
from leads.models.activity import Lane
from leads.pipelines import Status

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


class InteractionRefused(Refused):
    code = "interaction_refused"


# --- calls and messages ----------------------------------------------------------------------


def log_call(
    ids: Sequence[uuid.UUID],
    *,
    outcome: str,
    by: Actor,
    now: datetime,
    at: datetime | None = None,
    direction: str = Message.Direction.OUTBOUND,
    note: str = "",
    seconds: int | None = None,
    call_back_at: datetime | None = None,
    plan_next: bool = True,
    external_id: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Log a call. An outbound one is a try; one that reached the person takes new to contacted.

    With `plan_next`, voicemail, no answer and busy set the next try: in two hours, then on the
    next business day in its other half. `seconds` is the talk time where it is known.
    """
    if outcome not in CallOutcome.values:
        raise InteractionRefused(f"There is no call outcome “{outcome}”.", field="outcome")
    at = _past(at, now)

    def decide(change: Change) -> None:
        _require_workable(change.lead)
        if outcome == CallOutcome.CALL_BACK and call_back_at is None:
            raise InteractionRefused("Give the time to call back.", field="call_back_at")
        message = _message(change, Message.Channel.CALL, direction, note, at, external_id)
        message.meta = {"outcome": outcome, "seconds": seconds}
        kind = kinds.CALL_RECEIVED if direction == Message.Direction.INBOUND else kinds.CALL_LOGGED
        _log_message(change, kind, message, outcome=outcome, seconds=seconds)
        if direction == Message.Direction.OUTBOUND:
            change.set(attempt_count=change.lead.attempt_count + 1)
        lifecycle.respond(change, at)
        if outcome in SPOKEN or (seconds or 0) >= ANSWERED_SECONDS:
            lifecycle.engage(change, at)
            lifecycle.reach(change, Status.CONTACTED, at)
        _follow_up_call(change, outcome, call_back_at, plan_next)

    return run(ids, decide, by=by, now=now, lane=lane)


def log_message(
    ids: Sequence[uuid.UUID],
    *,
    channel: str,
    direction: str,
    body: str,
    by: Actor,
    now: datetime,
    at: datetime | None = None,
    subject: str = "",
    external_id: str = "",
    thread: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Log an e-mail, text or chat message. One that comes in is a reply: contacted, and unread."""
    at = _past(at, now)

    def decide(change: Change) -> None:
        inbound = direction == Message.Direction.INBOUND
        if not inbound:
            _require_workable(change.lead)
        message = _message(change, channel, direction, body, at, external_id)
        message.subject, message.thread = subject, thread
        _log_message(change, kinds.MESSAGE_RECEIVED if inbound else kinds.MESSAGE_SENT, message)
        if inbound:
            lifecycle.engage(change, at)
            lifecycle.reach(change, Status.CONTACTED, at)
            mark_unread(change, at)
        else:
            change.set(attempt_count=change.lead.attempt_count + 1)
            lifecycle.respond(change, at)

    return run(ids, decide, by=by, now=now, lane=lane)


def add_note(
    ids: Sequence[uuid.UUID],
    *,
    body: str,
    by: Actor,
    now: datetime,
    at: datetime | None = None,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Add a note. Notes are allowed on closed leads too."""
    if not body.strip():
        raise InteractionRefused("Write something first.", field="body")

    def decide(change: Change) -> None:
        message = _message(
            change, Message.Channel.NOTE, Message.Direction.INTERNAL, body, _past(at, now)
        )
        _log_message(change, kinds.NOTE_ADDED, message)

    return run(ids, decide, by=by, now=now, lane=lane)


def edit_note(message: Message, *, body: str, by: Actor, now: datetime) -> Result:
    """Change the text of a note; the log says that it was edited."""
    if not body.strip():
        raise InteractionRefused("Write something first.", field="body")

    def decide(change: Change) -> None:
        changed = {"body": body, "edited_at": now}
        change.also(lambda: Message.objects.filter(pk=message.pk).update(**changed))
        change.record(kinds.NOTE_EDITED, subject_type="message", subject_id=message.pk)

    return run_one(message.lead_id, decide, by=by, now=now)


def mark_read(ids: Sequence[uuid.UUID], *, by: Actor, now: datetime) -> list[Result]:
    """Take the unread mark off leads: the reply needs no answer."""

    def decide(change: Change) -> None:
        if change.lead.unread_since is not None:
            change.set(unread_since=None)
            change.record(kinds.LEAD_READ)

    return run(ids, decide, by=by, now=now)


def mark_unread(change: Change, at: datetime) -> None:
    """Something came in that nobody answered yet; an answer after it stands."""
    lead = change.lead
    if not lead.is_open or (lead.first_response_at and _answered_after(lead, at)):
        return
    if lead.unread_since is None or at < lead.unread_since:
        change.set(unread_since=at)


# --- tasks and snooze ------------------------------------------------------------------------


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
    if not title.strip():
        raise InteractionRefused("Say what is to be done.", field="title")

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        plan(change, title=title, due_at=due_at, kind=kind, assignee=assignee)

    return run(ids, decide, by=by, now=now, lane=lane)


def complete_task(task: Task, *, by: Actor, now: datetime) -> Result:
    """Mark a task done. Doing it twice changes nothing."""

    def decide(change: Change) -> None:
        if Task.objects.filter(pk=task.pk, done_at=None).update(done_at=now):
            change.touched = True
            change.record(
                kinds.TASK_DONE, subject_type="task", subject_id=task.pk, data={"title": task.title}
            )

    return run_one(task.lead_id, decide, by=by, now=now)


def change_task(
    task: Task,
    *,
    by: Actor,
    now: datetime,
    title: str | None = None,
    due_at: datetime | None = None,
) -> Result:
    """Change the text or the time of an open task."""
    values = {
        name: value for name, value in (("title", title), ("due_at", due_at)) if value is not None
    }

    def decide(change: Change) -> None:
        if not Task.objects.filter(pk=task.pk, done_at=None).update(**values):
            raise InteractionRefused("This task is done already.", field="task")
        change.touched = True
        data = {name: str(value) for name, value in values.items()}
        change.record(kinds.TASK_CHANGED, subject_type="task", subject_id=task.pk, data=data)

    return run_one(task.lead_id, decide, by=by, now=now)


def snooze(ids: Sequence[uuid.UUID], *, until: datetime, by: Actor, now: datetime) -> list[Result]:
    """Hide leads from what is due until a time."""

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        if until <= now:
            raise InteractionRefused("The time must lie ahead.", field="until")
        change.set(snoozed_until=until)
        change.record(kinds.SNOOZED, data={"until": until.isoformat()})

    return run(ids, decide, by=by, now=now)


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


# --- reading ---------------------------------------------------------------------------------


def timeline(lead: Lead) -> QuerySet[Activity]:
    """The log rows of a lead and of those merged into it, newest first."""
    absorbed = Lead.objects.filter(merged_into=lead).values("pk")
    found: QuerySet[Activity] = (
        Activity.objects.filter(Q(lead=lead) | Q(lead__in=absorbed))
        .select_related("actor", "token", "from_stage", "to_stage")
        .order_by("-occurred_at", "-id")
    )
    return found


def messages_of(activities: Sequence[Activity]) -> dict[uuid.UUID, Message]:
    """The bodies that log rows point at, by id, in one query."""
    ids = [a.subject_id for a in activities if a.subject_type == "message" and a.subject_id]
    return Message.objects.in_bulk(ids) if ids else {}


# --- parts -----------------------------------------------------------------------------------


def _require_workable(lead: Lead) -> None:
    """Calls and messages may be logged on closed leads, not on merged or removed ones."""
    if lead.merged_into_id or lead.archived_at:
        lifecycle.require_open(lead)


def _message(
    change: Change, channel: str, direction: str, body: str, at: datetime, external_id: str = ""
) -> Message:
    message = Message(
        lead=change.lead,
        workspace_id=change.lead.workspace_id,
        channel=channel,
        direction=direction,
        body=body.strip(),
        external_id=external_id,
        author=change.by.membership,
        occurred_at=at,
        created_at=change.now,
    )
    change.add(message)
    return message


def _log_message(change: Change, kind: str, message: Message, **data: Any) -> Activity:
    key = f"message:{message.channel}:{message.external_id}" if message.external_id else None
    facts = {"channel": message.channel, "direction": message.direction, **data}
    return change.record(
        kind,
        at=message.occurred_at,
        subject_type="message",
        subject_id=message.pk,
        dedupe_key=key,
        data=facts,
    )


def _follow_up_call(
    change: Change, outcome: str, call_back_at: datetime | None, plan_next: bool
) -> None:
    lead = change.lead
    if outcome == CallOutcome.DO_NOT_CALL and lead.contact_id:
        contact_id = lead.contact_id
        change.also(
            lambda: mark_do_not_contact(
                [contact_id], note="Asked on a call", now=change.now, kind=ContactKey.Kind.PHONE
            )
        )
        change.record(kinds.DO_NOT_CONTACT, data={"note": "Asked on a call"})
    if not lead.is_open:
        return
    if outcome in SPOKEN or outcome in TRY_AGAIN:
        change.also(lambda: _finish_tries(lead, change.now))
    if call_back_at is not None:
        plan(change, title="Call back", due_at=call_back_at, kind=Task.Kind.CALL)
    elif plan_next and outcome in TRY_AGAIN:
        due = change.batch.workspace.hours().next_try(change.now, lead.attempt_count)
        plan(change, title=f"Try {lead.attempt_count + 1}", due_at=due, kind=Task.Kind.CALL)


def _finish_tries(lead: Lead, now: datetime) -> None:
    """The planned try was made; what replaces it was created at `now`."""
    Task.objects.filter(lead=lead, kind=Task.Kind.CALL, done_at=None, created_at__lt=now).update(
        done_at=now
    )


def _answered_after(lead: Lead, at: datetime) -> bool:
    outbound = (kinds.CALL_LOGGED, kinds.MESSAGE_SENT)
    return bool(Activity.objects.filter(lead=lead, kind__in=outbound, occurred_at__gt=at).exists())


def _past(at: datetime | None, now: datetime) -> datetime:
    """When it happened; a clock a little ahead of ours counts as now."""
    if at is None or now < at <= now + timedelta(minutes=5):
        return now
    if at > now:
        raise InteractionRefused("This lies in the future.", field="at")
    return at
