"""How each verb of the lead page is called with what its form holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import access, appointments, assignment, conversion, forms, lifecycle, timeline
from leads.batch import Result
from leads.booking import Booking
from leads.models import Lead, Message


@dataclass(frozen=True, slots=True)
class Work:
    """One use of a verb: on which lead and subject, with what, by whom and when."""

    lead: Lead
    by: Actor
    now: datetime
    values: dict[str, Any] = field(default_factory=dict)
    subject: Any = None

    @property
    def ids(self) -> list[uuid.UUID]:
        return [self.lead.pk]


class NeedsConfirmation(Exception):
    """Nothing speaks against it, but the person should know; the form asks whether they are sure."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


Do = Callable[[Work], list[Result] | Result]


def settle(outcome: list[Result] | Result) -> Result:
    """The result of a verb on one lead; raises its refusal."""
    result = outcome[0] if isinstance(outcome, list) else outcome
    if result.refusal is not None:
        raise result.refusal
    return result


def access_note(membership: Membership, message_id: uuid.UUID, *, need: str = "see") -> Message:
    """A note: what was said in calls and mails is not edited."""
    message = access.access_message(membership, message_id, need=need)
    if message.channel != Message.Channel.NOTE:
        raise Http404(NOT_FOUND)
    return message


def call(work: Work) -> Result:
    """Log the call and, where the form says so, the next step that was agreed."""
    values = dict(work.values)
    title, due_at = values.pop("next_step"), values.pop("next_due_at")
    result = settle(timeline.log_call(work.ids, by=work.by, now=work.now, **values))
    if title:
        settle(timeline.add_task(work.ids, title=title, due_at=due_at, by=work.by, now=work.now))
    return result


def message(channel: str) -> Do:
    def log(work: Work) -> list[Result]:
        return timeline.log_message(
            work.ids, channel=channel, by=work.by, now=work.now, **work.values
        )

    return log


def book(work: Work) -> Result:
    values = dict(work.values)
    sure = values.pop("sure")
    booking = Booking(**values)
    host = booking.host or work.lead.owner or work.by.membership
    if not sure and host is not None:
        _warn_of_overlap(booking, host)
    return appointments.book(work.lead.pk, booking, by=work.by, now=work.now)


def move_appointment(work: Work) -> Result:
    values = dict(work.values)
    sure = values.pop("sure")
    if not sure and work.subject.host is not None:
        booking = Booking(values["to"], values["minutes"])
        _warn_of_overlap(booking, work.subject.host, work.subject.pk)
    return appointments.move(work.subject, by=work.by, now=work.now, **values)


def _warn_of_overlap(booking: Booking, host: Membership, besides: uuid.UUID | None = None) -> None:
    other = appointments.overlapping(booking, host=host, besides=besides).first()
    if other is not None:
        at = timezone.localtime(other.scheduled_for)
        raise NeedsConfirmation(
            f"{host.name} has an appointment then already, at {at:%H:%M} for {other.minutes} "
            "minutes. Book it all the same?"
        )


def close(work: Work) -> list[Result]:
    values = dict(work.values)
    follow_up_at = forms.morning(values.pop("follow_up_on"))
    return lifecycle.close(work.ids, by=work.by, now=work.now, follow_up_at=follow_up_at, **values)


def convert(work: Work) -> list[Result]:
    values = dict(work.values)
    note, wanted = values.pop("note"), values.pop("with_deal")
    terms = conversion.DealTerms(**values) if wanted else None
    return conversion.convert(work.ids, by=work.by, now=work.now, deal=terms, note=note)


def recycle(work: Work) -> list[Result]:
    if work.by.membership is not None:
        access.require_recycle(work.by.membership, work.lead, work.now)
    returns_at = forms.morning(work.values["returns_on"])
    return lifecycle.recycle(
        work.ids, by=work.by, now=work.now, returns_at=returns_at, note=work.values["note"]
    )


def reopen(work: Work) -> list[Result]:
    if work.by.membership is not None:
        access.require_reopen(work.by.membership, work.lead, work.now)
    return lifecycle.reopen(work.ids, by=work.by, now=work.now, **work.values)


def assign(work: Work) -> list[Result]:
    if work.by.membership is not None:
        access.require_assign(work.by.membership, work.lead)
    return assignment.assign(work.ids, by=work.by, now=work.now, owner=work.values.get("owner"))


def about_subject(verb: Callable[..., Result], **fixed: Any) -> Do:
    """A verb about the subject."""

    def do(work: Work) -> Result:
        return verb(work.subject, by=work.by, now=work.now, **fixed, **work.values)

    return do


def about_lead(verb: Callable[..., list[Result]], **fixed: Any) -> Do:
    """A verb about the lead that takes the form's values as they are."""

    def do(work: Work) -> list[Result]:
        return verb(work.ids, by=work.by, now=work.now, **fixed, **work.values)

    return do


def claim(work: Work) -> Result:
    return assignment.claim(work.lead.pk, by=work.by, now=work.now)


def move(work: Work) -> list[Result]:
    return lifecycle.move(work.ids, to=work.values["stage"], by=work.by, now=work.now)
