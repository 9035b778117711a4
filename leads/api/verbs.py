"""The verbs of leads as a table: what each takes, who may do it, and what it calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework import serializers

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import access, appointments, archiving, assignment, conversion, lifecycle, timeline
from leads.api import verb_inputs as inputs
from leads.batch import Result
from leads.booking import Booking
from leads.models import Lead
from leads.pipelines import Status

Body = Mapping[str, Any]
Ids = Sequence[uuid.UUID]
Act = Callable[[Ids, Body, dict[str, Any]], list[Result]]
Permit = Callable[[Membership, Lead, datetime], None]


@dataclass(frozen=True)
class Verb:
    """A verb as the API offers it, at `/api/leads/<id>/<path>`.

    `act` gets ids, the checked body, and `by`, `now` and `lane`. `need` is the permission on the
    lead, `permit` a further check of it. One that is not `mass` works on a single lead.
    """

    path: str
    summary: str
    act: Act
    body: type[serializers.Serializer[Any]] = inputs.NothingSerializer
    need: str = "edit"
    permit: Permit | None = None
    mass: bool = True
    lanes: bool = True


def by_body(verb: Callable[..., list[Result]], **fixed: Any) -> Act:
    """The verb called with the fields of the body as its arguments."""

    def act(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
        return verb(ids, **{**body, **fixed}, **how)

    return act


def _schedule(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    return lifecycle.schedule(ids, booking=Booking(**body) if body else None, **how)


def _lost(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    facts = {**body}
    reason = facts.pop("loss_reason")
    return lifecycle.close(ids, reason=reason, to=Status.LOST, **facts, **how)


def _convert(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    terms = body.get("deal")
    deal = conversion.DealTerms(**terms) if terms is not None else None
    return conversion.convert(ids, deal=deal, note=body.get("note", ""), **how)


def _move(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    return lifecycle.move(ids, to=body["stage"], note=body.get("note", ""), **how)


def _book(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    return [appointments.book(ids[0], Booking(**body), **how)]


def _claim(ids: Ids, body: Body, how: dict[str, Any]) -> list[Result]:
    return [assignment.claim(ids[0], by=how["by"], now=how["now"])]


def _may_assign(member: Membership, lead: Lead, now: datetime) -> None:
    access.require_assign(member, lead)


VERBS: dict[str, Verb] = {
    verb.path: verb
    for verb in (
        # Through the stages
        Verb(
            "contacted",
            "Mark as contacted",
            by_body(lifecycle.contact),
            inputs.NoteOnlySerializer,
        ),
        Verb("qualify", "Move to qualified", by_body(lifecycle.qualify), inputs.NoteOnlySerializer),
        Verb("schedule", "Move to booked", _schedule, inputs.ScheduleSerializer),
        Verb("complete", "Move to met", by_body(lifecycle.complete), inputs.NoteOnlySerializer),
        Verb("lost", "Close as lost", _lost, inputs.LostSerializer, need="close"),
        Verb(
            "disqualify",
            "Close as not a fit",
            by_body(lifecycle.close, to=Status.DISQUALIFIED),
            inputs.DisqualifySerializer,
            need="close",
        ),
        Verb(
            "close",
            "Close; the reason says whether as lost or not a fit",
            by_body(lifecycle.close),
            inputs.CloseSerializer,
            need="close",
        ),
        Verb("convert", "Convert", _convert, inputs.ConvertSerializer),
        Verb(
            "recycle",
            "Put aside until a date",
            by_body(lifecycle.recycle),
            inputs.RecycleSerializer,
            permit=access.require_recycle,
        ),
        Verb(
            "reopen",
            "Reopen",
            by_body(lifecycle.reopen),
            inputs.NoteOnlySerializer,
            need="reopen",
            permit=access.require_reopen,
        ),
        Verb("move", "Move to a stage", _move, inputs.MoveSerializer),
        # Whose it is
        Verb(
            "assign",
            "Give to a member, a team or the pool",
            by_body(assignment.assign),
            inputs.AssignSerializer,
            need="assign",
            permit=_may_assign,
        ),
        Verb("claim", "Take an unassigned lead", _claim, need="claim", mass=False, lanes=False),
        # What is said and done
        Verb("log-call", "Log a call", by_body(timeline.log_call), inputs.CallSerializer),
        Verb(
            "messages",
            "Log an e-mail, text or chat message",
            by_body(timeline.log_message),
            inputs.MessageSentSerializer,
        ),
        Verb("notes", "Add a note", by_body(timeline.add_note), inputs.NoteSerializer),
        Verb("tasks", "Set a next step", by_body(timeline.add_task), inputs.TaskCreateSerializer),
        Verb("appointments", "Book an appointment", _book, inputs.BookingSerializer, mass=False),
        # What is due
        Verb(
            "snooze",
            "Hide until a time",
            by_body(timeline.snooze),
            inputs.SnoozeSerializer,
            lanes=False,
        ),
        Verb("wake", "End a snooze", by_body(timeline.wake), lanes=False),
        Verb(
            "read",
            "Note that a reply needs no answer",
            by_body(timeline.mark_read),
            lanes=False,
        ),
        Verb(
            "review",
            "Let a lead stand whose keys named two people",
            by_body(archiving.confirm_review),
            lanes=False,
        ),
        Verb(
            "archive",
            "Remove",
            by_body(archiving.archive),
            inputs.ArchiveSerializer,
            need="archive",
        ),
        Verb("restore", "Restore a removed lead", by_body(archiving.restore), need="archive"),
    )
}


def do(verb: Verb, ids: Ids, body: Body, *, by: Actor, now: datetime, lane: str) -> list[Result]:
    """Do a verb; the lane goes to those that have one."""
    how: dict[str, Any] = {"by": by, "now": now}
    return verb.act(ids, body, {**how, "lane": lane} if verb.lanes else how)
