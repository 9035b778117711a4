"""A lead while its life is made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from leadcrm.demo.volume.copying import NULL
from leadcrm.demo.volume.office import Member, Place, Way
from leadcrm.demo.volume.people import Person
from leads import timers
from leads.models import Lead

HOUR = 3600.0
ARRIVES_AFTER = 5  # seconds from somebody's enquiry to its lead
# What the rules of `leads.timers` look at.
SEEN = (
    "created_at", "answer_due_at", "first_response_at", "snoozed_until", "unread_since",
    "archived_at", "contacted_at", "last_activity_at", "stage_entered_at",
)  # fmt: skip


def moment(at: float | None) -> Any:
    return None if at is None else datetime.fromtimestamp(int(at), UTC)


@dataclass(slots=True)
class Life:
    """The names are those of a lead's fields, the times in seconds since 1970."""

    id: str
    who: Person
    way: Way
    place: Place
    worker: Member
    created_at: float
    at: float  # the last that happened
    owned: bool = True
    is_test: bool = False
    rank: int | None = None  # of the campaign among those of the way
    mistaken_for: Person | None = None  # whose number was given; that makes it doubtful
    stage_entered_at: float = 0.0
    first_response_at: float | None = None
    answer_due_at: float | None = None
    attempt_count: int = 0
    engaged_at: float | None = None
    contacted_at: float | None = None
    qualified_at: float | None = None
    scheduled_at: float | None = None
    completed_at: float | None = None
    converted_at: float | None = None
    lost_at: float | None = None
    disqualified_at: float | None = None
    loss_reason: str = ""
    unqualified_reason: str = ""
    disqualification_reason: str = ""
    reason_note: str = ""
    returns_at: float | None = None
    deal: str = NULL
    budget: str = NULL
    last_activity_at: float = 0.0
    unread_since: float | None = None
    snoozed_until: float | None = None
    auto_close_at: float | None = None
    auto_close_warned_at: float | None = None
    work_due_at: float | None = None
    archived_at: float | None = None
    archive_reason: str = ""
    merged_into: str = NULL
    label: str = ""
    next_task: float | None = None
    outcome_due: float | None = None
    held_until: float | None = None
    version: int = 1

    @property
    def campaign(self) -> str:
        return NULL if self.rank is None else self.way.campaigns[self.rank]

    @property
    def owner(self) -> Member | None:
        return self.worker if self.owned else None

    def as_lead(self) -> Lead:
        """What the rules of time need to know of it."""
        seen = {name: moment(getattr(self, name)) for name in SEEN}
        stage = self.place.stage
        known = SimpleNamespace(
            **seen,
            status=stage.status,
            outcome=stage.outcome,
            is_open=stage.is_open,
            inserted_at=moment(self.created_at + ARRIVES_AFTER),
            attempt_started_at=seen["created_at"],
        )
        return cast(Lead, known)

    def facts(self) -> timers.Facts:
        return timers.Facts(
            moment(self.next_task), moment(self.outcome_due), moment(self.held_until)
        )
