"""Parts of booking that several verbs share, on a change they hold."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadcrm.workspaces.models import Membership
from leads import kinds
from leads.batch import Change, Refused, require_length, require_near
from leads.models import Activity, Appointment

LONGEST = 24 * 60  # minutes
LENGTHS = {"title": 200, "place": 300, "external_ref": 255}


class AppointmentRefused(Refused):
    """An appointment can't be booked or changed so."""

    code = "appointment_refused"


@dataclass(frozen=True, slots=True)
class Booking:
    """What to book. `scheduled_for` None means that the time is not known, `minutes` its length."""

    scheduled_for: datetime | None
    minutes: int = 30
    title: str = ""
    place: str = ""
    host: Membership | None = None
    matched_via: str = Appointment.MatchedVia.MANUAL
    external_ref: str = ""
    external_data: dict[str, Any] | None = None


def add(change: Change, booking: Booking, at: datetime | None = None) -> Appointment:
    """Add an appointment to a change that another verb holds. `at` is when it was booked."""
    check_length(booking.minutes)
    for name, most in LENGTHS.items():
        require_length(getattr(booking, name), most, field=name)
    if booking.scheduled_for is not None:
        require_near(booking.scheduled_for, change.now, field="scheduled_for")
    ref = booking.external_ref
    if ref and Appointment.objects.filter(external_ref=ref).exists():
        raise AppointmentRefused("This booking is known already.", field="external_ref")
    appointment = Appointment(
        lead=change.lead,
        workspace_id=change.lead.workspace_id,
        scheduled_for=booking.scheduled_for,
        minutes=booking.minutes,
        title=booking.title,
        place=booking.place,
        host=booking.host or change.lead.owner or change.by.membership,
        matched_via=booking.matched_via,
        external_ref=booking.external_ref,
        external_data=booking.external_data or {},
        created_by=change.by.membership,
        created_at=at or change.now,
    )
    change.add(appointment)
    log(change, kinds.APPOINTMENT_BOOKED, appointment, at=at)
    return appointment


def check_length(minutes: int) -> None:
    """Raise AppointmentRefused for a length that no appointment has."""
    if not 0 < minutes <= LONGEST:
        raise AppointmentRefused("An appointment lasts from 1 minute to 24 hours.", field="minutes")


def require_time(booking: Booking) -> None:
    """Raise AppointmentRefused where a person books without saying when."""
    if booking.scheduled_for is None:
        raise AppointmentRefused("Give the date and time.", field="scheduled_for")


def booked(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Appointment]]:
    """The booked appointments of leads, the earliest first; for `Change.fact`."""
    found: dict[uuid.UUID, list[Appointment]] = {}
    for one in Appointment.objects.filter(lead__in=ids, status=Appointment.Status.SCHEDULED):
        found.setdefault(one.lead_id, []).append(one)
    for appointments in found.values():
        appointments.sort(key=starts_at)
    return found


def starts_at(appointment: Appointment) -> datetime:
    """When it starts; for an unknown time, when it was booked."""
    return appointment.scheduled_for or appointment.created_at


def settle_first(change: Change) -> None:
    """The meeting took place: those booked up to now are attended, else the next one."""
    appointments = change.fact(booked) or []
    due = [one for one in appointments if starts_at(one) <= change.now]
    for appointment in due or appointments[:1]:
        conclude(change, appointment, Appointment.Status.ATTENDED)


def settle_until(change: Change, at: datetime) -> None:
    """A meeting at `at` was reported: what was booked up to then is attended."""
    for appointment in change.fact(booked) or []:
        if starts_at(appointment) <= at:
            conclude(change, appointment, Appointment.Status.ATTENDED, at)


def conclude(
    change: Change, appointment: Appointment, status: str, at: datetime | None = None
) -> None:
    """Give an appointment its outcome."""
    appointment.status, appointment.outcome_at = status, at or change.now
    save(change, appointment)
    log(change, f"appointment_{status}", appointment, at=at)


def save(change: Change, appointment: Appointment) -> None:
    """Write a changed appointment, together with those of the other leads."""
    if appointment not in change.rows:
        change.together(_save_all, appointment)


def _save_all(appointments: Sequence[Appointment]) -> None:
    Appointment.objects.bulk_update(
        appointments, ["status", "outcome_at", "scheduled_for", "minutes", "place"], 1000
    )


def log(
    change: Change, kind: str, appointment: Appointment, *, at: datetime | None = None, **data: Any
) -> Activity:
    """Append to the log what happened to an appointment."""
    when = appointment.scheduled_for
    return change.record(
        kind,
        at=at,
        subject_type="appointment",
        subject_id=appointment.pk,
        data={
            "scheduled_for": when.isoformat() if when else None,
            "title": appointment.title,
            **data,
        },
    )
