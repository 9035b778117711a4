"""Every change of stage. Nothing else writes a lead's stage, status, milestones or reasons.

Three doors lead here: the verbs of people and rules, which keep to the graph and its guards;
`advance`, for evidence from calls, mails and orders, which skips forward and never goes back;
and `observe`, for a system that states a fact. What a move consists of is in `leads.moves`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from leadcrm.workspaces.actors import Actor
from leads import booking as bookings
from leads import consent, kinds
from leads.batch import (
    Change,
    Result,
    latest,
    require_ahead,
    run,
)
from leads.evidence import Evidence, advance, observe, place
from leads.models import CloseReason, Stage
from leads.models.activity import Lane
from leads.moves import (
    BeforeHook,
    Move,
    StageRefused,
    before_move,
    check_graph,
    check_hooks,
    check_required,
    close_with,
    closing_stage,
    engage,
    enter,
    forget_hook,
    passed,
    reach,
    require_open,
    require_present,
    respond,
    restart,
    stage_of,
)
from leads.pipelines import CLOSING, Outcome, Status, rung, status_named

__all__ = [
    "BeforeHook",
    "Evidence",
    "Move",
    "StageRefused",
    "advance",
    "before_move",
    "check_graph",
    "check_hooks",
    "check_required",
    "close",
    "close_with",
    "closing_stage",
    "complete",
    "contact",
    "engage",
    "enter",
    "forget_hook",
    "move",
    "observe",
    "passed",
    "place",
    "qualify",
    "reach",
    "recycle",
    "reopen",
    "reopen_one",
    "require_open",
    "require_present",
    "respond",
    "restart",
    "schedule",
]

# --- verbs -----------------------------------------------------------------------------------


def move(
    ids: Sequence[uuid.UUID],
    *,
    to: str,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
    **facts: Any,
) -> list[Result]:
    """Move leads to a stage, given by key or status. `facts` are those of the verb of that stage."""

    def decide(change: Change) -> None:
        stage = change.batch.stage(change.lead, key=to) or change.batch.stage(
            change.lead, status=status_named(to) or ""
        )
        if stage is None:
            raise StageRefused(f"This pipeline has no stage “{to}”.", field="stage")
        _decide_move(change, stage, facts)

    return run(ids, decide, by=by, now=now, lane=lane)


def contact(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Mark leads as contacted: a two-way exchange took place, whatever the channel.

    Where the pipeline has no such stage, or the lead is past it, only the milestone is noted.
    """

    def decide(change: Change) -> None:
        lead = change.lead
        require_open(lead)
        stage = change.batch.stage(lead, status=Status.CONTACTED)
        if stage is not None and rung(lead.status) < rung(Status.CONTACTED):
            _decide_move(change, stage, {"note": note})
        elif lead.contacted_at is None:
            respond(change, change.now)
            reach(change, Status.CONTACTED, change.now)
            change.record(kinds.EVIDENCE_NOTED, data={"milestone": Status.CONTACTED, "note": note})

    return run(ids, decide, by=by, now=now, lane=lane)


def qualify(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Move leads to qualified (also called SQL)."""
    return move(ids, to=Status.QUALIFIED, by=by, now=now, note=note, lane=lane)


def schedule(
    ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    booking: bookings.Booking | None = None,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Move leads to scheduled with a booking, or on the strength of an appointment they have."""

    def decide(change: Change) -> None:
        stage = stage_of(change, Status.SCHEDULED)
        require_open(change.lead)
        if booking is None:
            _require_appointment(change)
        else:
            bookings.require_time(booking)
            bookings.add(change, booking)
        _decide_move(change, stage, {"booked": True})

    return run(ids, decide, by=by, now=now, lane=lane)


def complete(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Move leads to completed: the first visit took place. Their booked appointment is attended."""
    return move(ids, to=Status.COMPLETED, by=by, now=now, note=note, lane=lane)


def close(
    ids: Sequence[uuid.UUID],
    *,
    reason: str,
    by: Actor,
    now: datetime,
    note: str = "",
    unqualified_reason: str = "",
    follow_up_at: datetime | None = None,
    to: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Close leads as lost or not a fit, by a reason's code; the reason says which of the two.

    `to` insists on lost or disqualified. A pipeline with only one of them takes the reasons of
    both. With `follow_up_at` a closed lead comes back then.
    """
    reasons = {one.code: one for one in CloseReason.objects.filter(retired_at=None)}
    found = reasons.get(reason)
    codes = {code for one in reasons.values() for code in (one.code, one.unqualified_code)}

    def decide(change: Change) -> None:
        require_open(change.lead)
        name = "loss_reason" if to == Status.LOST else "reason"
        if found is None:
            message = f"There is no close reason “{reason}”." if reason else "Choose a reason."
            raise StageRefused(message, field=name)
        if unqualified_reason and unqualified_reason not in codes:
            raise StageRefused(
                f"There is no unqualified reason “{unqualified_reason}”.",
                field="unqualified_reason",
            )
        if follow_up_at is not None:
            require_ahead(follow_up_at, change.now, field="follow_up_at")
        stage = _stage_for(change, found, to, name)
        close_with(
            change,
            stage,
            found,
            note=note,
            unqualified_reason=unqualified_reason,
            returns_at=follow_up_at,
        )
        if found.forbids_contact:
            consent.forbid_contact(change, found.label)

    start = consent.run_with_keys if found is not None and found.forbids_contact else run
    return start(ids, decide, by=by, now=now, lane=lane)


def recycle(
    ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    returns_at: datetime | None,
    note: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Put leads aside until a date on which they come back to new, with the same owner."""

    def decide(change: Change) -> None:
        stage, lead = stage_of(change, Status.RECYCLED), change.lead
        require_present(lead)
        if returns_at is None:
            raise StageRefused("Give the date on which it comes back.", field="returns_at")
        require_ahead(returns_at, change.now, field="returns_at")
        if lead.stage.outcome == Outcome.WON:
            raise StageRefused(
                f"A lead that is {lead.stage.label.lower()} can't be put aside.", field="stage"
            )
        if lead.stage_id == stage.pk:
            change.record(kinds.SNOOZED, data={"until": returns_at.isoformat(), "note": note})
        else:
            check_hooks(lead, Move(stage, change.now, change.by, note=note))
            enter(change, stage, change.now, note=note, returns_at=returns_at.isoformat())
        change.set(returns_at=returns_at)

    return run(ids, decide, by=by, now=now, lane=lane)


def reopen(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Reopen closed or resting leads to new, as a further attempt."""

    def decide(change: Change) -> None:
        reopen_one(change, note)

    return run(ids, decide, by=by, now=now, lane=lane)


def reopen_one(change: Change, note: str = "") -> None:
    """Reopen the lead of a change that another verb holds."""
    lead = change.lead
    require_present(lead)
    if lead.is_open:
        raise StageRefused("This lead is open already.", field="stage")
    stage = stage_of(change, Status.NEW)
    if stage.key not in lead.stage.next_keys:
        raise StageRefused(
            f"A lead that is {lead.stage.label.lower()} can't be reopened.", field="stage"
        )
    check_hooks(lead, Move(stage, change.now, change.by, note=note))
    restart(change, stage, change.now, note=note)


# --- parts -----------------------------------------------------------------------------------


def _decide_move(change: Change, stage: Stage, facts: dict[str, Any]) -> None:
    lead = change.lead
    if stage.pk == lead.stage_id:
        return
    _refuse_other_verbs(change, stage)
    require_open(lead)
    check_graph(change, stage)
    check_required(lead, stage)
    if stage.status == Status.SCHEDULED and not facts.get("booked"):
        _require_appointment(change)
    note = str(facts.get("note", ""))
    check_hooks(lead, Move(stage, change.now, change.by, note=note, data=facts))
    if rung(stage.status) > rung(Status.NEW):
        respond(change, change.now)
    enter(change, stage, change.now, note=note)
    if stage.status in (Status.CONTACTED, Status.COMPLETED) and change.by.is_human:
        change.set(last_activity_at=latest(lead.last_activity_at, change.now))
    if stage.status == Status.COMPLETED:
        bookings.settle_first(change)


def _refuse_other_verbs(change: Change, stage: Stage) -> None:
    """Some stages are entered by a verb of their own, which asks for more."""
    if stage.status in CLOSING:
        raise StageRefused(
            f"Choose a reason to close this lead as {stage.label.lower()}.", field="reason"
        )
    if stage.status == Status.CONVERTED:
        raise StageRefused("Use Convert: it also creates what the lead becomes.", field="stage")
    if stage.status == Status.RECYCLED:
        raise StageRefused("Give the date on which it comes back.", field="returns_at")
    if not change.lead.is_open and stage.status == Status.NEW:
        raise StageRefused("Use Reopen: it starts a further attempt.", field="stage")


def _require_appointment(change: Change) -> None:
    if not change.fact(bookings.booked):
        raise StageRefused(
            "Book an appointment first: give its date and time.", field="scheduled_for"
        )


def _stage_for(change: Change, reason: CloseReason, to: str, name: str) -> Stage:
    stage = closing_stage(change, reason.outcome)
    if stage is None:
        outcome = Status(reason.outcome).label
        raise StageRefused(f"This pipeline has no stage “{outcome}”.", field="stage")
    if to and stage.status != to:
        wanted = change.batch.stage(change.lead, status=to)
        if wanted is None:
            raise StageRefused(f"This pipeline has no stage “{Status(to).label}”.", field="stage")
        raise StageRefused(
            f"“{reason.label}” is no reason for {Status(to).label.lower()}.", field=name
        )
    return stage
