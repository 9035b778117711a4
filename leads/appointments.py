"""Appointments of leads: book, move, attend, no-show, cancel."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import kinds, lifecycle
from leads.batch import Change, Result, run_one
from leads.booking import LONGEST, AppointmentRefused, Booking, add, log, save, settle_one
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
        if booking.scheduled_for is None:
            raise AppointmentRefused("Give the date and time.", field="scheduled_for")
        add(change, booking)
        stage = change.batch.stage(change.lead, status=Status.SCHEDULED)
        if stage and stage.pk != change.lead.stage_id and stage.key in change.lead.stage.next_keys:
            lifecycle.check_required(change.lead, stage)
            lifecycle.check_hooks(change.lead, lifecycle.Move(stage, now, by))
            lifecycle.respond(change, now)
            lifecycle.enter(change, stage, now)

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
        current.scheduled_for, current.minutes = to, minutes or current.minutes
        current.place = current.place if place is None else place
        save(change, current, "scheduled_for", "minutes", "place")
        log(change, kinds.APPOINTMENT_MOVED, current, was=was.isoformat() if was else None)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def attend(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """The meeting took place: the lead moves to its completed stage where the graph allows it."""

    def decide(change: Change) -> None:
        settle_one(change, _reread(appointment), Appointment.Status.ATTENDED)
        stage = change.batch.stage(change.lead, status=Status.COMPLETED)
        if stage and change.lead.is_open and stage.key in change.lead.stage.next_keys:
            lifecycle.check_hooks(change.lead, lifecycle.Move(stage, now, by))
            lifecycle.enter(change, stage, now)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def no_show(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """The person didn't come: back to qualified, with a task to rebook within one business hour."""

    def decide(change: Change) -> None:
        settle_one(change, _reread(appointment), Appointment.Status.NO_SHOW)
        _back_to_qualified(change)
        due = change.batch.workspace.hours().add_minutes(now, REBOOK_WITHIN)
        task = Task(
            lead=change.lead,
            workspace_id=change.lead.workspace_id,
            kind=Task.Kind.REBOOK,
            title="Rebook",
            due_at=due,
            assignee=change.lead.owner,
            created_by=by.membership,
            created_at=now,
        )
        change.add(task)
        change.record(
            kinds.TASK_ADDED,
            subject_type="task",
            subject_id=task.pk,
            data={"title": task.title, "due_at": due.isoformat()},
        )

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def cancel(appointment: Appointment, *, by: Actor, now: datetime, lane: str = Lane.LIVE) -> Result:
    """Cancel a booked appointment; without another one the lead goes back to qualified."""

    def decide(change: Change) -> None:
        settle_one(change, _reread(appointment), Appointment.Status.CANCELED)
        others = Appointment.objects.filter(lead=change.lead, status=Appointment.Status.SCHEDULED)
        if not others.exclude(pk=appointment.pk).exists():
            _back_to_qualified(change)

    return run_one(appointment.lead_id, decide, by=by, now=now, lane=lane)


def overlapping(
    booking: Booking, *, host: Membership, besides: uuid.UUID | None = None
) -> QuerySet[Appointment]:
    """The host's booked appointments that overlap a booking: a warning, not a refusal."""
    if booking.scheduled_for is None:
        return Appointment.objects.none()  # type: ignore[no-any-return]
    start, end = booking.scheduled_for, booking.scheduled_for + timedelta(minutes=booking.minutes)
    found: QuerySet[Appointment] = (
        Appointment.objects.filter(
            host=host,
            status=Appointment.Status.SCHEDULED,
            scheduled_for__lt=end,
            scheduled_for__gt=start - timedelta(minutes=LONGEST),
        )
        .annotate(over=F("scheduled_for") + F("minutes") * timedelta(minutes=1))
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


def _back_to_qualified(change: Change) -> None:
    stage = change.batch.stage(change.lead, status=Status.QUALIFIED)
    if (
        stage
        and change.lead.status == Status.SCHEDULED
        and rung(stage.status) < rung(change.lead.status)
    ):
        lifecycle.enter(change, stage, change.now)
