"""Appointments of leads: book, move, attend, no-show, cancel."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import kinds, lifecycle, timeline
from leads.batch import Change, Result, require_length, require_near, run_one
from leads.booking import (
    LENGTHS,
    LONGEST,
    AppointmentRefused,
    Booking,
    add,
    booked,
    check_length,
    conclude,
    log,
    require_time,
    save,
)
from leads.models import Appointment, Task
from leads.models.activity import Lane
from leads.pipelines import Status, rung

REBOOK_WITHIN = 60  # business minutes


def book(
    lead_id: uuid.UUID, booking: Booking, *, by: Actor, now: datetime, lane: str = Lane.LIVE
) -> Result:
    """Book an appointment; the lead moves to its scheduled stage where the graph allows it."""

    def decide(change: Change) -> None:
        lifecycle.require_open(change.lead)
        require_time(booking)
        add(change, booking)
        _move_on(change, Status.SCHEDULED)

    return run_one(lead_id, decide, by=by, now=now, lane=lane)


def move(
    appointment: Appointment,
    *,
    to: datetime,
    by: Actor,
    now: datetime,
    minutes: int | None = None,
    place: str | None = None,
    lane: str = Lane.LIVE,
) -> Result:
    """Give a booked appointment another time."""

    def decide(change: Change) -> None:
        current = _reread(appointment)
        was = current.scheduled_for
        require_near(to, now, field="scheduled_for")
        check_length(minutes or current.minutes)
        require_length(place or "", LENGTHS["place"], field="place")
        current.scheduled_for, current.minutes = to, minutes or current.minutes
        current.place = current.place if place is None else place
        save(change, current)
        log(change, kinds.APPOINTMENT_MOVED, current, was=was.isoformat() if was else None)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def attend(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """The meeting took place: the lead moves to its completed stage where the graph allows it."""

    def decide(change: Change) -> None:
        conclude(change, _reread(appointment), Appointment.Status.ATTENDED)
        if change.lead.is_open and not change.lead.archived_at:
            _move_on(change, Status.COMPLETED)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def no_show(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """The person didn't come: back to qualified, with a task to rebook within one business hour.

    A lead that is booked for another time stays booked.
    """

    def decide(change: Change) -> None:
        conclude(change, _reread(appointment), Appointment.Status.NO_SHOW)
        if _has_other(change, appointment) or not change.lead.is_open:
            return
        _back_to_qualified(change)
        due = change.batch.workspace.hours().add_minutes(now, REBOOK_WITHIN)
        timeline.plan(change, title="Rebook", due_at=due, kind=Task.Kind.REBOOK)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def cancel(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """Cancel a booked appointment; without another one the lead goes back to qualified."""

    def decide(change: Change) -> None:
        conclude(change, _reread(appointment), Appointment.Status.CANCELED)
        if not _has_other(change, appointment):
            _back_to_qualified(change)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def overlapping(
    booking: Booking, *, host: Membership, besides: uuid.UUID | None = None
) -> QuerySet[Appointment]:
    """The host's booked appointments that overlap a booking: a warning, not a refusal."""
    if booking.scheduled_for is None:
        return Appointment.objects.none()
    start, end = booking.scheduled_for, booking.scheduled_for + timedelta(minutes=booking.minutes)
    found: QuerySet[Appointment] = (
        Appointment.objects.filter(
            host=host,
            status=Appointment.Status.SCHEDULED,
            scheduled_for__lt=end,
            scheduled_for__gt=start - timedelta(minutes=LONGEST),
        )
        .annotate(
            over=ExpressionWrapper(
                F("scheduled_for") + F("minutes") * timedelta(minutes=1), DateTimeField()
            )
        )
        .filter(over__gt=start)
        .exclude(pk=besides)
    )
    return found


def _reread(appointment: Appointment) -> Appointment:
    """The appointment as it is now, under its lead's lock."""
    current: Appointment = Appointment.objects.get(pk=appointment.pk)
    if current.status != Appointment.Status.SCHEDULED:
        raise AppointmentRefused(
            f"This appointment is {current.get_status_display().lower()} already.", field="status"
        )
    return current


def _has_other(change: Change, appointment: Appointment) -> bool:
    return any(one.pk != appointment.pk for one in change.fact(booked) or [])


def _move_on(change: Change, status: Status) -> None:
    """Move to the stage of this status where the graph leads there, past the guards of a verb."""
    stage, lead = change.batch.stage(change.lead, status=status), change.lead
    if stage is None or stage.key not in lead.stage.next_keys:
        return
    lifecycle.check_required(lead, stage)
    lifecycle.check_hooks(lead, lifecycle.Move(stage, change.now, change.by))
    lifecycle.respond(change, change.now)
    lifecycle.enter(change, stage, change.now)


def _back_to_qualified(change: Change) -> None:
    stage = change.batch.stage(change.lead, status=Status.QUALIFIED)
    if (
        stage
        and change.lead.status == Status.SCHEDULED
        and rung(stage.status) < rung(change.lead.status)
    ):
        lifecycle.enter(change, stage, change.now)
