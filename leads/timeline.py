"""What is said and done with a lead: calls, messages, notes, tasks; and reading it all back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet

from leadcrm.workspaces.actors import Actor
from leads import calls, consent, kinds, lifecycle
from leads.batch import (
    Change,
    Load,
    Result,
    least,
    run,
    run_one,
    short_key,
)
from leads.calls import TRY_AGAIN
from leads.models import Activity, CallBehaviour, ContactKey, Lead, Message
from leads.models.activity import Lane
from leads.next_steps import (
    InteractionRefused,
    add_task,
    change_task,
    complete_task,
    plan,
    snooze,
    wake,
)
from leads.pipelines import Status

__all__ = [
    "InteractionRefused",
    "add_note",
    "add_task",
    "answered",
    "change_task",
    "complete_task",
    "edit_note",
    "log_call",
    "log_message",
    "mark_read",
    "mark_unread",
    "messages_of",
    "pin_note",
    "plan",
    "snooze",
    "timeline",
    "timeline_of",
    "unpin_note",
    "wake",
    "with_names",
]

NAMES = (
    *("actor__name", "token__name", "from_stage__key", "from_stage__label"),
    *("to_stage__key", "to_stage__label"),
)


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
    next business day in its other half. An incoming call that nobody took waits for an answer.
    `outcome` is the code of one of the workspace's outcomes; the log keeps its name of now.
    `seconds` is the talk time where it is known. A call with an `external_id` counts once.
    """
    found = calls.read_outcome(outcome, call_back_at, now)
    behaviour, facts = found.behaviour, {**calls.facts_of(found), "seconds": seconds}
    at = _past(at, now)
    inbound = direction == Message.Direction.INBOUND
    known = _known_message(Message.Channel.CALL, external_id)

    def decide(change: Change) -> None:
        _require_workable(change.lead)
        if change.fact(known):
            return
        message = _message(change, Message.Channel.CALL, direction, note, at, external_id)
        message.meta = facts
        kind = kinds.CALL_RECEIVED if inbound else kinds.CALL_LOGGED
        _log_message(change, kind, message, **facts)
        talked = calls.was_conversation(change, behaviour, seconds)
        if inbound or talked:
            lifecycle.engage(change, at)
        if talked:
            lifecycle.reach(change, Status.CONTACTED, at)
        if inbound and behaviour in TRY_AGAIN:
            mark_unread(change, at)
        else:
            answered(change, at, observed=bool(external_id) or not by.is_human)
        if not inbound:
            calls.finish_planned(change, at)
            change.set(attempt_count=change.lead.attempt_count + 1)
            calls.plan_next(change, behaviour, call_back_at, wanted=plan_next)
        if behaviour == CallBehaviour.DO_NOT_CALL:
            consent.forbid_contact(change, "Asked on a call", kind=ContactKey.Kind.PHONE)

    start = consent.run_with_keys if behaviour == CallBehaviour.DO_NOT_CALL else run
    return start(ids, decide, by=by, now=now, lane=lane)


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
    """Log an e-mail, text or chat message that a person wrote.

    One that comes in is a reply: contacted, and unread. One that goes out is a try. A message
    with an `external_id` counts once.
    """
    at = _past(at, now)
    inbound = direction == Message.Direction.INBOUND
    known = _known_message(channel, external_id)

    def decide(change: Change) -> None:
        if not inbound:
            _require_workable(change.lead)
        if change.fact(known):
            return
        message = _message(change, channel, direction, body, at, external_id)
        message.subject, message.thread = subject[:500], short_key(thread)
        _log_message(change, kinds.MESSAGE_RECEIVED if inbound else kinds.MESSAGE_SENT, message)
        if inbound:
            lifecycle.engage(change, at)
            lifecycle.reach(change, Status.CONTACTED, at)
            mark_unread(change, at)
        else:
            change.set(attempt_count=change.lead.attempt_count + 1)
            answered(change, at, observed=bool(external_id) or not by.is_human)

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
    written_at = _past(at, now)

    def decide(change: Change) -> None:
        _require_workable(change.lead)
        message = _message(
            change, Message.Channel.NOTE, Message.Direction.INTERNAL, body, written_at
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


def pin_note(message: Message, *, by: Actor, now: datetime) -> Result:
    """Keep a note above its lead's timeline, in place of the one that was there."""

    def decide(change: Change) -> None:
        _require_workable(change.lead)
        notes = Message.objects.filter(lead=change.lead)
        if notes.filter(pk=message.pk, pinned_at=None).update(pinned_at=now):
            notes.exclude(pk=message.pk).filter(pinned_at__isnull=False).update(pinned_at=None)
            change.record(kinds.NOTE_PINNED, subject_type="message", subject_id=message.pk)

    return run_one(message.lead_id, decide, by=by, now=now)


def unpin_note(message: Message, *, by: Actor, now: datetime) -> Result:
    """Put a pinned note back into the timeline."""

    def decide(change: Change) -> None:
        _require_workable(change.lead)
        pinned = Message.objects.filter(pk=message.pk, pinned_at__isnull=False)
        if pinned.update(pinned_at=None):
            change.record(kinds.NOTE_UNPINNED, subject_type="message", subject_id=message.pk)

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
    if not lead.is_open or (lead.first_response_at and _last_answer(change) >= at):
        return
    change.set(unread_since=least(lead.unread_since, at))


def answered(change: Change, at: datetime, *, observed: bool) -> None:
    """Somebody of ours called or wrote at `at`: what came in later still waits."""
    waiting = change.lead.unread_since
    lifecycle.respond(change, at, observed=observed)
    if waiting is not None and waiting <= at < change.now:
        last = max(at, _last_answer(change))
        change.set(unread_since=least(*(one for one in change.fact(_incoming) or () if one > last)))


# --- reading ---------------------------------------------------------------------------------


def timeline(lead: Lead) -> QuerySet[Activity]:
    """The log rows of a lead and of those merged into it, newest first."""
    absorbed = lead.absorbed_ids()
    # One lead's rows lie in their order in the index: the newest are read, not all.
    theirs = Q(lead__in=[lead.pk, *absorbed]) if absorbed else Q(lead=lead)
    found: QuerySet[Activity] = with_names(Activity.objects.filter(theirs)).order_by(
        "-occurred_at", "-id"
    )
    return found


def with_names(rows: QuerySet[Activity]) -> QuerySet[Activity]:
    """Log rows with the names of the members, tokens and stages in them."""
    own = (field.name for field in Activity._meta.concrete_fields)
    links = {name.split("__")[0] for name in NAMES}
    return rows.select_related(*links).only(*own, *NAMES)


def timeline_of(
    lead_ids: Collection[uuid.UUID], contact_ids: Collection[uuid.UUID] = ()
) -> QuerySet[Activity]:
    """The log rows of leads, and those of contacts outside of any lead, newest first."""
    rows: QuerySet[Activity] = with_names(
        Activity.objects.filter(
            Q(lead__in=lead_ids) | Q(contact__in=contact_ids, lead__isnull=True)
        )
    ).order_by("-occurred_at", "-id")
    return rows


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
        external_id=short_key(external_id),
        author=change.by.membership,
        occurred_at=at,
        created_at=change.now,
    )
    change.add(message)
    return message


def _log_message(change: Change, kind: str, message: Message, **data: Any) -> Activity:
    name = f"message:{message.channel}:{message.external_id}"
    key = short_key(name) if message.external_id else None
    facts = {"channel": message.channel, "direction": message.direction, **data}
    return change.record(
        kind,
        at=message.occurred_at,
        subject_type="message",
        subject_id=message.pk,
        dedupe_key=key,
        data=facts,
    )


def _known_message(channel: str, external_id: str) -> Load:
    """A loader that tells of every lead whether the message was logged before, on any."""

    def load(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bool]:
        if not external_id:
            return {}
        same = Message.objects.filter(channel=channel, external_id=short_key(external_id))
        return dict.fromkeys(ids, True) if same.exists() else {}

    return load


def _last_answer(change: Change) -> datetime:
    """When somebody of ours last called, took a call or wrote."""
    return change.fact(_answers) or datetime.min.replace(tzinfo=UTC)


def _answers(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    outbound = Q(kind__in=(kinds.CALL_LOGGED, kinds.MESSAGE_SENT))
    taken = Q(kind=kinds.CALL_RECEIVED) & ~Q(data__outcome__in=TRY_AGAIN)
    rows = Activity.objects.filter(outbound | taken, lead__in=ids).order_by()
    return dict(rows.values_list("lead").annotate(at=Max("occurred_at")))


def _incoming(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[datetime]]:
    """When the person wrote, enquired again or called in vain."""
    written = Q(kind__in=(kinds.MESSAGE_RECEIVED, kinds.ENQUIRY_REPEATED, kinds.LEAD_CREATED))
    missed = Q(kind=kinds.CALL_RECEIVED, data__outcome__in=TRY_AGAIN)
    found: dict[uuid.UUID, list[datetime]] = defaultdict(list)
    rows = Activity.objects.filter(written | missed, lead__in=ids)
    for lead_id, at in rows.values_list("lead", "occurred_at"):
        found[lead_id].append(at)
    return found


def _past(at: datetime | None, now: datetime) -> datetime:
    """When it happened; a clock a little ahead of ours counts as now."""
    if at is None or now < at <= now + timedelta(minutes=5):
        return now
    if at > now:
        raise InteractionRefused("This lies in the future.", field="at")
    return at
