"""Every change of stage. Nothing else writes a lead's stage, status, milestones or reasons.

Three doors lead here: the verbs of people and rules, which keep to the graph and its guards;
`advance`, for evidence from calls, mails and orders, which skips forward and never goes back;
and `observe`, for a system that states a fact.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadcrm.workspaces.actors import Actor
from leads import booking as bookings
from leads import kinds
from leads.batch import Change, Refused, Result, least, run
from leads.consent import mark_do_not_contact
from leads.models import Activity, Appointment, CloseReason, Contact, Lead, Stage
from leads.models.activity import Lane
from leads.pipelines import CLOSING, Outcome, Status, rung, status_named
from leads.provenance import is_blank

# The first time each was reached; events arrive in any order, so each keeps the earliest.
MILESTONES = {
    Status.ENGAGED: "engaged_at",
    Status.CONTACTED: "contacted_at",
    Status.MQL: "mql_at",
    Status.QUALIFIED: "qualified_at",
    Status.SCHEDULED: "scheduled_at",
    Status.COMPLETED: "completed_at",
    Status.CONVERTED: "converted_at",
}
CLOSED_CLEARED = {
    "lost_at": None,
    "disqualified_at": None,
    "loss_reason": "",
    "unqualified_reason": "",
    "disqualification_reason": "",
    "reason_note": "",
    "returns_at": None,
}


class StageRefused(Refused):
    """A move is against the graph or a guard. The message is for a rep."""

    code = "stage_refused"


@dataclass(frozen=True, slots=True)
class Move:
    """What is known about a move, for guards and before-hooks."""

    to: Stage
    at: datetime
    by: Actor
    reason: str = ""
    unqualified_reason: str = ""
    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact reported by a connected system: `key` makes it count once, `at` is its own time."""

    key: str
    at: datetime
    source: str
    data: dict[str, Any] = field(default_factory=dict)
    scheduled_for: datetime | None = None


BeforeHook = Callable[[Lead, Move], None]
_before_hooks: list[BeforeHook] = []


def before_move(hook: BeforeHook) -> BeforeHook:
    """Register a hook that runs before each move that a person or rule makes.

    It runs under the lead's lock, so it does no network and no slow query, and it changes
    nothing. To object it raises StageRefused with a message that a rep understands.
    """
    _before_hooks.append(hook)
    return hook


def forget_hook(hook: BeforeHook) -> None:
    _before_hooks.remove(hook)


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
    """Mark leads as contacted: a two-way exchange took place, whatever the channel."""

    def decide(change: Change) -> None:
        require_open(change.lead)
        if change.lead.contacted_at is not None and rung(change.lead.status) >= rung(
            Status.CONTACTED
        ):
            return
        respond(change, change.now)
        if not reach(change, Status.CONTACTED, change.now, note=note):
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
        stage = _stage_of(change, Status.SCHEDULED)
        if booking is None and not _has_appointment(change.lead):
            raise StageRefused(
                "Book an appointment first: give its date and time.", field="scheduled_for"
            )
        if booking is not None:
            require_open(change.lead)
            bookings.add(change, booking)
        if change.lead.stage_id != stage.pk:
            _decide_move(change, stage, {"booked": True})

    return run(ids, decide, by=by, now=now, lane=lane)


def complete(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Move leads to completed: the first visit took place. Their booked appointment is attended."""

    def decide(change: Change) -> None:
        stage = _stage_of(change, Status.COMPLETED)
        _decide_move(change, stage, {"note": note})
        bookings.settle(change, Appointment.Status.ATTENDED)

    return run(ids, decide, by=by, now=now, lane=lane)


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

    `to` insists on lost or disqualified. With `follow_up_at` a closed lead comes back then.
    """
    found = CloseReason.objects.filter(code=reason, retired_at=None).first() if reason else None

    def decide(change: Change) -> None:
        name = "loss_reason" if to == Status.LOST else "reason"
        if found is None:
            message = f"There is no close reason “{reason}”." if reason else "Choose a reason."
            raise StageRefused(message, field=name)
        if to and to != found.outcome:
            raise StageRefused(
                f"“{found.label}” is no reason for {Status(to).label.lower()}.", field=name
            )
        require_open(change.lead)
        stage = change.batch.stage(change.lead, status=found.outcome) or _other_closing(change, to)
        if stage is None:
            raise StageRefused(
                f"This pipeline has no stage “{Status(found.outcome).label}”.", field="stage"
            )
        close_with(change, stage, found, note=note, unqualified_reason=unqualified_reason)
        if follow_up_at is not None:
            _set_return(change, follow_up_at)
        if found.forbids_contact:
            forbid_contact(change, found.label)

    return run(ids, decide, by=by, now=now, lane=lane)


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
        stage = _stage_of(change, Status.RECYCLED)
        if returns_at is None:
            raise StageRefused("Give the date on which it comes back.", field="returns_at")
        if change.lead.status == Status.CONVERTED:
            raise StageRefused("A converted lead can't be put aside.", field="stage")
        check_hooks(change.lead, Move(stage, change.now, change.by, note=note))
        enter(change, stage, change.now, note=note)
        _set_return(change, returns_at)

    return run(ids, decide, by=by, now=now, lane=lane)


def reopen(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, note: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Reopen closed or resting leads to new, as a further attempt."""

    def decide(change: Change) -> None:
        if change.lead.is_open:
            raise StageRefused("This lead is open already.", field="stage")
        if change.lead.merged_into_id:
            raise StageRefused(
                "This lead was merged into another one. Work on that one.", field="stage"
            )
        stage = _stage_of(change, Status.NEW)
        if stage.key not in change.lead.stage.next_keys:
            raise StageRefused(
                f"A {change.lead.stage.label.lower()} lead can't be reopened.", field="stage"
            )
        check_hooks(change.lead, Move(stage, change.now, change.by, note=note))
        restart(change, stage, change.now, note=note)

    return run(ids, decide, by=by, now=now, lane=lane)


# --- the other two doors ---------------------------------------------------------------------


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
    once. Scheduled without a known time books an appointment whose time is unknown.
    """
    seen = _evidence_seen(ids, evidence)

    def decide(change: Change) -> None:
        if change.lead.pk in seen:
            return
        if to == Status.SCHEDULED:
            booking = bookings.Booking(
                scheduled_for=evidence.scheduled_for,
                matched_via=evidence.data.get("matched_via", "email"),
            )
            bookings.add(change, booking, at=evidence.at)
        data = {"source": evidence.source, "milestone": to, **evidence.data}
        key = _evidence_key(change.lead.pk, evidence)
        if not reach(change, to, evidence.at, key=key, **data):
            change.record(kinds.EVIDENCE_NOTED, at=evidence.at, dedupe_key=key, data=data)

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
    seen = _evidence_seen(ids, evidence)

    def decide(change: Change) -> None:
        if change.lead.pk in seen or change.lead.stage_id == stage.pk:
            return
        if stage.pipeline_id != change.lead.pipeline_id:
            change.set(pipeline=stage.pipeline)
        missing = [name for name in stage.required_fields if is_blank(getattr(change.lead, name))]
        if stage.status == Status.SCHEDULED and not _has_appointment(change.lead):
            missing.append("appointment")
        if stage.status in CLOSING and not (
            change.lead.loss_reason or change.lead.disqualification_reason
        ):
            missing.append("reason")
        data = {"source": evidence.source, "missing": missing, **evidence.data}
        reopening = stage.outcome == Outcome.OPEN and not change.lead.is_open
        step = restart if reopening else enter
        step(change, stage, evidence.at, key=_evidence_key(change.lead.pk, evidence), **data)

    return run(ids, decide, by=by, now=now, lane=lane)


# --- parts that verbs of other rooms use, on a change they hold ------------------------------


def require_open(lead: Lead) -> None:
    """Raise StageRefused unless the lead is open and present."""
    if lead.merged_into_id:
        raise StageRefused(
            "This lead was merged into another one. Work on that one.", field="stage"
        )
    if lead.archived_at:
        raise StageRefused("This lead was removed. Restore it first.", field="stage")
    if not lead.is_open:
        raise StageRefused(
            f"This lead is closed ({lead.stage.label}). Reopen it first.", field="stage"
        )


def reach(
    change: Change, status: str, at: datetime, *, key: str | None = None, **data: Any
) -> bool:
    """Note that a milestone was reached at `at`; move forward if its stage lies ahead.

    Returns whether the lead moved. Closed and resting leads only get the milestone.
    """
    lead = change.lead
    name = MILESTONES[Status(status)]
    change.set(**{name: least(getattr(lead, name), at)})
    stage = change.batch.stage(lead, status=status)
    if stage is None or not lead.is_open or lead.archived_at:
        return False
    if rung(stage.status) > rung(lead.status):
        enter(change, stage, at, key=key, **data)
        return True
    if stage.pk == lead.stage_id:
        change.set(stage_entered_at=least(lead.stage_entered_at, at))
    return False


def respond(change: Change, at: datetime) -> None:
    """A person answered the lead: stops the response clock and clears the unread mark."""
    if not change.by.is_human:
        return
    lead = change.lead
    if lead.first_response_at is None or at < lead.first_response_at:
        change.set(first_response_at=at, first_response_self_reported=True)
    if lead.unread_since is not None and at >= lead.unread_since:
        change.set(unread_since=None)


def engage(change: Change, at: datetime) -> None:
    """The person engaged: moves new to engaged where the pipeline has that stage."""
    reach(change, Status.ENGAGED, at)


def enter(
    change: Change,
    stage: Stage,
    at: datetime,
    *,
    key: str | None = None,
    reason: str = "",
    **data: Any,
) -> Activity:
    """Set the stage with all that hangs on it, and log it. Decides nothing."""
    lead, before = change.lead, change.lead.stage
    change.set(stage=stage, status=stage.status, stage_entered_at=at)
    if milestone := MILESTONES.get(Status(stage.status)):
        change.set(**{milestone: least(getattr(lead, milestone), at)})
    if stage.status == Status.LOST:
        change.set(lost_at=at)
    if stage.status == Status.DISQUALIFIED:
        change.set(disqualified_at=at)
    if not stage.is_open:
        change.set(snoozed_until=None, unread_since=None)
    _advance_contact(change, stage)
    return change.record(
        kinds.STAGE_CHANGED,
        at=at,
        from_stage=before,
        to_stage=stage,
        from_status=before.status,
        to_status=stage.status,
        reason=reason,
        dedupe_key=key,
        data={
            **_event_facts(lead, at),
            **{name: value for name, value in data.items() if value not in ("", None)},
        },
    )


def restart(change: Change, stage: Stage, at: datetime, **data: Any) -> Activity:
    """Open a closed or resting lead again: a further attempt, with the closing facts cleared."""
    change.set(**CLOSED_CLEARED, attempt=change.lead.attempt + 1, attempt_started_at=at)
    return enter(change, stage, at, **data)


def forbid_contact(change: Change, note: str) -> None:
    """Mark the person's e-mail addresses and numbers as not to be contacted."""
    contact_id = change.lead.contact_id
    if contact_id is not None:
        change.also(lambda: mark_do_not_contact([contact_id], note=note, now=change.now))
        change.record(kinds.DO_NOT_CONTACT, data={"note": note})


def check_hooks(lead: Lead, intended: Move) -> None:
    for hook in _before_hooks:
        hook(lead, intended)


# --- guards ----------------------------------------------------------------------------------


def _decide_move(change: Change, stage: Stage, facts: dict[str, Any]) -> None:
    lead = change.lead
    if stage.pk == lead.stage_id:
        return
    if stage.status in CLOSING:
        raise StageRefused(
            f"Choose a reason to close this lead as {stage.label.lower()}.", field="reason"
        )
    if stage.status == Status.CONVERTED:
        raise StageRefused("Use Convert: it also creates what the lead becomes.", field="stage")
    if stage.status == Status.RECYCLED:
        raise StageRefused("Give the date on which it comes back.", field="returns_at")
    if not lead.is_open and stage.status == Status.NEW:
        raise StageRefused("Use Reopen: it starts a further attempt.", field="stage")
    require_open(lead)
    check_graph(change, stage)
    check_required(lead, stage)
    if stage.status == Status.SCHEDULED and not facts.get("booked") and not _has_appointment(lead):
        raise StageRefused(
            "Book an appointment first: give its date and time.", field="scheduled_for"
        )
    note = str(facts.get("note", ""))
    check_hooks(lead, Move(stage, change.now, change.by, note=note, data=facts))
    if rung(stage.status) > rung(Status.NEW):
        respond(change, change.now)
    enter(change, stage, change.now, note=note)


def check_graph(change: Change, stage: Stage) -> None:
    """Raise StageRefused unless the pipeline leads from the lead's stage to this one."""
    if stage.key in change.lead.stage.next_keys:
        return
    labels = [
        s.label
        for s in change.batch.stages
        if s.pipeline_id == stage.pipeline_id and s.key in change.lead.stage.next_keys
    ]
    ways = f" From there it can go to {' or '.join(labels)}." if labels else ""
    raise StageRefused(
        f"{change.lead.stage.label} doesn't lead to {stage.label}.{ways}", field="stage"
    )


def check_required(lead: Lead, stage: Stage) -> None:
    """Raise StageRefused where a field that the stage requires is blank."""
    for name in stage.required_fields:
        if is_blank(getattr(lead, name)):
            required: Any = Lead._meta.get_field(name)
            label = str(required.verbose_name)
            raise StageRefused(f"{stage.label} needs {label}. Fill it in first.", field=name)


def close_with(
    change: Change,
    stage: Stage,
    reason: CloseReason,
    *,
    note: str = "",
    unqualified_reason: str = "",
) -> None:
    """Close the lead of a change for a reason, with what the reason asks for."""
    lead = change.lead
    if len(note.strip()) < reason.note_length:
        raise StageRefused(
            f"“{reason.label}” needs a note of at least {reason.note_length} characters.",
            field="note",
        )
    never_qualified = lead.qualified_at is None
    unqualified = (unqualified_reason or reason.unqualified_code) if never_qualified else ""
    if stage.status == Status.LOST and never_qualified and not unqualified:
        raise StageRefused(
            "It was never qualified: give an unqualified reason too.", field="unqualified_reason"
        )
    check_hooks(lead, Move(stage, change.now, change.by, reason.code, unqualified, note))
    fit = reason.outcome == Status.DISQUALIFIED
    change.set(
        loss_reason=reason.code if stage.status == Status.LOST else "",
        unqualified_reason=unqualified,
        disqualification_reason=reason.code if fit else "",
        reason_note=note.strip(),
        returns_at=None,
    )
    enter(
        change,
        stage,
        change.now,
        reason=reason.code,
        note=note.strip(),
        unqualified_reason=unqualified,
    )


def _stage_of(change: Change, status: Status) -> Stage:
    stage = change.batch.stage(change.lead, status=status)
    if stage is None:
        raise StageRefused(f"This pipeline has no stage “{status.label}”.", field="stage")
    return stage


def _other_closing(change: Change, to: str) -> Stage | None:
    """A pipeline with only one way to close takes the reasons of both."""
    if to:
        return None
    return change.batch.stage(change.lead, status=Status.LOST) or change.batch.stage(
        change.lead, status=Status.DISQUALIFIED
    )


def _set_return(change: Change, at: datetime) -> None:
    if at <= change.now:
        raise StageRefused("The date must lie ahead.", field="returns_at")
    change.set(returns_at=at)


def _has_appointment(lead: Lead) -> bool:
    return Appointment.objects.filter(lead=lead, status=Appointment.Status.SCHEDULED).exists()


def _advance_contact(change: Change, stage: Stage) -> None:
    """The person's own stage follows: Qualified, then Customer once a lead is won."""
    contact_id = change.lead.contact_id
    if contact_id is None:
        return
    if stage.outcome == Outcome.WON:
        ahead, step = [Contact.Stage.LEAD, Contact.Stage.QUALIFIED], Contact.Stage.CUSTOMER
    elif stage.status in (Status.QUALIFIED, Status.SCHEDULED, Status.COMPLETED, Status.CONVERTED):
        ahead, step = [Contact.Stage.LEAD], Contact.Stage.QUALIFIED
    else:
        return
    change.also(lambda: Contact.objects.filter(pk=contact_id, stage__in=ahead).update(stage=step))


def _event_facts(lead: Lead, at: datetime) -> dict[str, Any]:
    """What every lifecycle event tells besides the stage: for metrics, webhooks and ad feedback."""
    return {
        "source": lead.source_kind,
        "seconds_since_created": max(0, int((at - lead.created_at).total_seconds())),
        "cycle_days": max(timedelta(), at - (lead.first_touch_at or lead.created_at)).days,
        "budget": str(lead.budget) if lead.budget is not None else None,
    }


def _evidence_key(lead_id: uuid.UUID, evidence: Evidence) -> str:
    return f"evidence:{lead_id}:{evidence.source}:{evidence.key}"


def _evidence_seen(ids: Sequence[uuid.UUID], evidence: Evidence) -> set[uuid.UUID]:
    keys = {_evidence_key(lead_id, evidence): lead_id for lead_id in ids}
    known = Activity.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True)
    return {keys[key] for key in known if key}
