"""The response clock of a lead: what is left to answer it, and how the answer fared.

It starts when the person enquires, where the source has an answer target, and stops at the first
human answer (`first_response_at`). Pure: no database and no clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from leadcrm.workspaces.business_hours import BusinessHours


class State(Enum):
    """How a response clock stands."""

    NONE = "none"  # no clock runs, and nobody has answered
    DUE = "due"
    LATE = "late"
    MET = "met"
    MISSED = "missed"  # answered, but late


def state_of(lead: Any, now: datetime) -> State:
    """The state of a lead's clock: of a `Lead`, or of a row that has its columns."""
    due, answered = lead.answer_due_at, lead.first_response_at
    if answered is not None:
        return State.MISSED if due is not None and answered > due else State.MET
    if due is None or not lead.is_open:
        return State.NONE
    return State.LATE if due < now else State.DUE


def took(lead: Any, hours: BusinessHours) -> timedelta:
    """The business time from an answered lead's enquiry to its answer.

    An answer outside business hours, or one that was logged before the enquiry, took none.
    """
    minutes = hours.minutes_between(lead.created_at, lead.first_response_at)
    return timedelta(minutes=max(minutes, 0))
