"""Parts of booking that several verbs share, on a change they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadcrm.workspaces.models import Membership
from leads import kinds
from leads.batch import Change, Refused
from leads.models import Activity, Appointment

LONGEST = 24 * 60  # minutes


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
    """Add an appointment to a change that another verb holds."""
    if not 0 < booking.minutes <= LONGEST:
        raise AppointmentRefused("An appointment lasts from 1 minute to 24 hours.", field="minutes")
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
        created_at=change.now,
    )
    change.add(appointment)
    log(change, kinds.APPOINTMENT_BOOKED, appointment, at=at)
    return appointment


def settle(change: Change, status: str) -> None:
    """Give the lead's booked appointments an outcome, as part of another verb."""
    for appointment in Appointment.objects.filter(
        lead=change.lead, status=Appointment.Status.SCHEDULED
    ):
        settle_one(change, appointment, status)


def settle_one(change: Change, appointment: Appointment, status: str) -> None:
    appointment.status, appointment.outcome_at = status, change.now
    save(change, appointment, "status", "outcome_at")
    log(change, f"appointment_{status}", appointment)


def save(change: Change, appointment: Appointment, *names: str) -> None:
    change.also(lambda: appointment.save(update_fields=names))


def log(
    change: Change, kind: str, appointment: Appointment, *, at: datetime | None = None, **data: Any
) -> Activity:
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
