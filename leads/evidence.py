"""The two doors for what connected systems report: `advance` on evidence, `observe` on authority.

Both are offered by `leads.lifecycle`, beside the verbs of people.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadcrm.workspaces.actors import Actor
from leads import booking as bookings
from leads import kinds
from leads.batch import Change, Result, run, short_key
from leads.models import Activity, Appointment, Stage
from leads.models.activity import Lane
from leads.moves import (
    MILESTONES,
    StageRefused,
    enter,
    missing_fields,
    reach,
    restart,
    stop_clock,
)
from leads.pipelines import CLOSING, Outcome, Status, rung

# Somebody of ours spoke with or met the person where one of these is reported.
ANSWERED = frozenset({Status.CONTACTED, Status.COMPLETED})


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact reported by a connected system: `key` makes it count once, `at` is its own time."""

    key: str
    at: datetime
    source: str
    data: dict[str, Any] = field(default_factory=dict)
    scheduled_for: datetime | None = None


def advance(
    ids: Sequence[uuid.UUID],
    *,
    to: str,
    evidence: Evidence,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Take leads forward on evidence: skips stages, never goes back, never reopens.

    The milestone is noted in any case, at the evidence's own time; the same evidence counts
    once. Scheduled without a known time books an appointment whose time is unknown. Raises
    StageRefused for what evidence can't do: close, or convert.
    """
    if to not in MILESTONES or to == Status.CONVERTED:
        raise StageRefused(f"Evidence can't take a lead to “{to}”.", field="to")
    seen = _seen(evidence)

    def decide(change: Change) -> None:
        if change.fact(seen):
            return
        if to in ANSWERED:
            stop_clock(change, evidence.at, observed=True)
        if to == Status.SCHEDULED and _takes_booking(change):
            _book_on_evidence(change, evidence)
        data = {"source": evidence.source, "milestone": to, **evidence.data}
        if evidence.scheduled_for is not None:
            data["scheduled_for"] = evidence.scheduled_for.isoformat()
        key = _evidence_key(change.lead.pk, evidence)
        if not reach(change, to, evidence.at, key=key, **data):
            change.record(kinds.EVIDENCE_NOTED, at=evidence.at, dedupe_key=key, data=data)
        if to == Status.COMPLETED:
            bookings.settle_until(change, evidence.at)

    return run(ids, decide, by=by, now=now, lane=lane)


def observe(
    ids: Sequence[uuid.UUID],
    *,
    stage: Stage,
    evidence: Evidence,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Set the stage that an authority states, without graph or guards; what is missing is marked."""
    seen = _seen(evidence)

    def decide(change: Change) -> None:
        lead = change.lead
        if change.fact(seen) or lead.stage_id == stage.pk:
            return
        if stage.pipeline_id != lead.pipeline_id:
            change.set(pipeline=stage.pipeline)
        if rung(stage.status) >= rung(Status.CONTACTED) and stage.status != Status.MQL:
            stop_clock(change, evidence.at, observed=True)
        data = {"source": evidence.source, "missing": _missing(change, stage), **evidence.data}
        reopening = stage.outcome == Outcome.OPEN and not lead.is_open
        step = restart if reopening else enter
        step(change, stage, evidence.at, key=_evidence_key(lead.pk, evidence), **data)

    return run(ids, decide, by=by, now=now, lane=lane)


def place(
    stages: Mapping[uuid.UUID, tuple[Stage, datetime]],
    *,
    source: str,
    by: Actor,
    now: datetime,
    lane: str = Lane.BACKFILL,
) -> list[Result]:
    """Put leads where the system that they come from had them, each since its own time.

    Neither graph nor guards are asked; what is missing is marked.
    """

    def decide(change: Change) -> None:
        stage, at = stages[change.lead.pk]
        if change.lead.stage_id == stage.pk:
            return
        if rung(stage.status) >= rung(Status.CONTACTED) and stage.status != Status.MQL:
            stop_clock(change, at, observed=True)
        reopening = stage.outcome == Outcome.OPEN and not change.lead.is_open
        step = restart if reopening else enter
        step(change, stage, at, source=source, missing=_missing(change, stage))

    return run(list(stages), decide, by=by, now=now, lane=lane)


# --- parts -----------------------------------------------------------------------------------


def _takes_booking(change: Change) -> bool:
    """Evidence of a booking counts on open and won leads; on the others it is only noted."""
    return change.lead.stage.outcome in (Outcome.OPEN, Outcome.WON) and not change.lead.archived_at


def _book_on_evidence(change: Change, evidence: Evidence) -> None:
    booking = bookings.Booking(
        scheduled_for=evidence.scheduled_for,
        matched_via=evidence.data.get("matched_via", Appointment.MatchedVia.EMAIL),
    )
    appointment = bookings.add(change, booking, at=evidence.at)
    met = change.lead.completed_at
    if met is not None and bookings.starts_at(appointment) <= met:
        bookings.conclude(change, appointment, Appointment.Status.ATTENDED, met)


def _missing(change: Change, stage: Stage) -> list[str]:
    """What the guards of a stage would have asked for."""
    lead, missing = change.lead, missing_fields(change.lead, stage)
    if stage.status == Status.SCHEDULED and not change.fact(bookings.booked):
        missing.append("appointment")
    if stage.status == Status.CONVERTED and lead.contact_id is None:
        missing.append("contact")
    if stage.status in CLOSING and not (lead.loss_reason or lead.disqualification_reason):
        missing.append("reason")
    return missing


def _evidence_key(lead_id: uuid.UUID, evidence: Evidence) -> str:
    return short_key(f"evidence:{lead_id}:{evidence.source}:{evidence.key}")


def _seen(evidence: Evidence) -> Any:
    """A loader of the leads on which this evidence counted already."""

    def load(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bool]:
        keys = {_evidence_key(lead_id, evidence): lead_id for lead_id in ids}
        known = Activity.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True)
        return {keys[key]: True for key in known}

    return load
