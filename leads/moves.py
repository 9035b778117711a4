"""What a change of stage consists of: guards, milestones, reasons, the log row.

`leads.lifecycle` decides when a lead moves; the parts here work on a change that a verb holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadcrm.workspaces.actors import Actor
from leads import custom_fields, kinds
from leads.batch import Change, Refused, latest, least
from leads.models import Activity, CloseReason, Contact, Lead, Stage
from leads.models.custom_field import is_custom
from leads.pipelines import CLOSING, Outcome, Status, rung
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
# Reaching one of these is a person's doing, so it holds off auto-close.
HUMAN = frozenset({Status.CONTACTED, Status.SCHEDULED, Status.COMPLETED})
CLOSED_CLEARED = {
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


def check_hooks(lead: Lead, intended: Move) -> None:
    for hook in _before_hooks:
        hook(lead, intended)


# --- guards ----------------------------------------------------------------------------------


def require_present(lead: Lead) -> None:
    """Raise StageRefused where the lead was merged away or removed."""
    if lead.merged_into_id:
        raise StageRefused(
            "This lead was merged into another one. Work on that one.", field="stage"
        )
    if lead.archived_at:
        raise StageRefused("This lead was removed. Restore it first.", field="stage")


def require_open(lead: Lead) -> None:
    """Raise StageRefused unless the lead is open and present."""
    require_present(lead)
    if not lead.is_open:
        raise StageRefused(
            f"This lead is closed ({lead.stage.label}). Reopen it first.", field="stage"
        )


def stage_of(change: Change, status: Status) -> Stage:
    """The stage of the lead's pipeline with this status; raises StageRefused for none."""
    stage = change.batch.stage(change.lead, status=status)
    if stage is None:
        raise StageRefused(f"This pipeline has no stage “{status.label}”.", field="stage")
    return stage


def closing_stage(change: Change, outcome: str) -> Stage | None:
    """Where a lead with this outcome goes; a pipeline with one way to close takes both there."""
    for status in (outcome, *sorted(CLOSING)):
        if stage := change.batch.stage(change.lead, status=status):
            return stage
    return None


def check_graph(change: Change, stage: Stage) -> None:
    """Raise StageRefused unless the pipeline leads from the lead's stage to this one."""
    if stage.key in change.lead.stage.next_keys:
        return
    labels = [
        s.label
        for s in change.batch.stages
        if s.pipeline_id == stage.pipeline_id
        and s.key in change.lead.stage.next_keys
        and not s.retired_at
    ]
    ways = f" From there it can go to {' or '.join(labels)}." if labels else ""
    raise StageRefused(
        f"{change.lead.stage.label} doesn't lead to {stage.label}.{ways}", field="stage"
    )


def check_required(lead: Lead, stage: Stage) -> None:
    """Raise StageRefused where a field that the stage requires is blank."""
    for name in missing_fields(lead, stage):
        raise StageRefused(f"{stage.label} needs {_called(name)}. Fill it in first.", field=name)


def missing_fields(lead: Lead, stage: Stage) -> list[str]:
    """The fields that the stage requires and the lead lacks."""
    return [name for name in stage.required_fields if is_blank(custom_fields.held(lead, name))]


def _called(name: str) -> str:
    if is_custom(name):
        return custom_fields.definitions().labels([name]).get(name, "a field that is gone")
    one: Any = Lead._meta.get_field(name)
    return str(one.verbose_name)


def check_closing(
    lead: Lead, stage: Stage, reason: CloseReason, note: str, unqualified: str
) -> None:
    """Raise StageRefused where a close lacks what its reason asks for."""
    if len(note) < reason.note_length:
        raise StageRefused(
            f"“{reason.label}” needs a note of at least {reason.note_length} characters.",
            field="note",
        )
    if stage.status == Status.LOST and lead.qualified_at is None and not unqualified:
        raise StageRefused(
            "It was never qualified: give an unqualified reason too.", field="unqualified_reason"
        )


# --- moving ----------------------------------------------------------------------------------


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
    change.set(
        stage=stage,
        status=stage.status,
        outcome=stage.outcome,
        stage_entered_at=at,
        lost_at=at if stage.status == Status.LOST else None,
        disqualified_at=at if stage.status == Status.DISQUALIFIED else None,
    )
    if milestone := MILESTONES.get(Status(stage.status)):
        change.set(**{milestone: least(getattr(lead, milestone), at)})
    if stage.outcome in (Outcome.OPEN, Outcome.WON):
        change.set(**CLOSED_CLEARED)
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


def passed(change: Change, stage: Stage, at: datetime, **data: Any) -> Activity:
    """Log that a lead came to a stage before it came to where it is now; the milestone is noted."""
    if milestone := MILESTONES.get(Status(stage.status)):
        change.set(**{milestone: least(getattr(change.lead, milestone), at)})
    return change.record(
        kinds.STAGE_CHANGED, at=at, to_stage=stage, to_status=stage.status, data=data
    )


def restart(change: Change, stage: Stage, at: datetime, **data: Any) -> Activity:
    """Open a closed or resting lead again: a further attempt, with the closing facts cleared."""
    change.set(attempt=change.lead.attempt + 1, attempt_started_at=at)
    return enter(change, stage, at, **data)


def reach(
    change: Change, status: str, at: datetime, *, key: str | None = None, **data: Any
) -> bool:
    """Note that a milestone was reached at `at`; move forward if its stage lies ahead.

    Returns whether the lead moved. Closed and resting leads only get the milestone, and so do
    those whose present attempt began later than this happened.
    """
    lead = change.lead
    name = MILESTONES[Status(status)]
    change.set(**{name: least(getattr(lead, name), at)})
    if status in HUMAN:
        change.set(last_activity_at=latest(lead.last_activity_at, at))
    stage = change.batch.stage(lead, status=status)
    if stage is None or not lead.is_open or lead.archived_at or _of_earlier_attempt(lead, at):
        return False
    if rung(stage.status) > rung(lead.status):
        enter(change, stage, at, key=key, **data)
        return True
    if stage.pk == lead.stage_id:
        change.set(stage_entered_at=least(lead.stage_entered_at, at))
    return False


def engage(change: Change, at: datetime) -> None:
    """The person engaged: moves new to engaged where the pipeline has that stage."""
    reach(change, Status.ENGAGED, at)


def respond(change: Change, at: datetime, *, observed: bool = False) -> None:
    """A person of ours answered the lead: stops the response clock and clears the unread mark.

    `observed` says that a connected system saw it, rather than that somebody reports it. What
    a rule or sweep does is no answer.
    """
    if not (change.by.is_human or observed):
        return
    stop_clock(change, at, observed=observed)
    lead = change.lead
    if lead.unread_since is not None and at >= lead.unread_since:
        change.set(unread_since=None)


def stop_clock(change: Change, at: datetime, *, observed: bool) -> None:
    """Note when the lead was first answered."""
    lead = change.lead
    if lead.first_response_at is None or at < lead.first_response_at:
        change.set(first_response_at=at, first_response_self_reported=not observed)
    elif at == lead.first_response_at and observed:
        change.set(first_response_self_reported=False)


def close_with(
    change: Change,
    stage: Stage,
    reason: CloseReason,
    *,
    note: str = "",
    unqualified_reason: str = "",
    returns_at: datetime | None = None,
) -> None:
    """Close the lead of a change for a reason, with what the reason asks for."""
    lead, note = change.lead, note.strip()
    unqualified = ""
    if lead.qualified_at is None:
        # A not-a-fit reason where the pipeline only knows lost says itself why it wasn't qualified.
        unfit = stage.status == Status.LOST and reason.outcome == Status.DISQUALIFIED
        unqualified = unqualified_reason or (reason.code if unfit else reason.unqualified_code)
    check_closing(lead, stage, reason, note, unqualified)
    check_hooks(lead, Move(stage, change.now, change.by, reason.code, unqualified, note))
    enter(
        change,
        stage,
        change.now,
        reason=reason.code,
        note=note,
        unqualified_reason=unqualified,
        returns_at=returns_at.isoformat() if returns_at else None,
    )
    change.set(
        loss_reason=reason.code if stage.status == Status.LOST else "",
        unqualified_reason=unqualified,
        disqualification_reason=reason.code if stage.status == Status.DISQUALIFIED else "",
        reason_note=note,
        returns_at=returns_at,
    )


def _of_earlier_attempt(lead: Lead, at: datetime) -> bool:
    return lead.attempt > 1 and at < lead.attempt_started_at


def _advance_contact(change: Change, stage: Stage) -> None:
    """The person's own stage follows: Qualified, then Customer once a lead is won."""
    if change.lead.contact_id is None:
        return
    if stage.outcome == Outcome.WON:
        change.together(_make_customers, change.lead.contact_id)
    elif stage.status in (Status.QUALIFIED, Status.SCHEDULED, Status.COMPLETED, Status.CONVERTED):
        change.together(_make_qualified, change.lead.contact_id)


def _make_customers(contacts: Sequence[uuid.UUID]) -> None:
    _set_contact_stage(
        contacts, Contact.Stage.CUSTOMER, Contact.Stage.LEAD, Contact.Stage.QUALIFIED
    )


def _make_qualified(contacts: Sequence[uuid.UUID]) -> None:
    _set_contact_stage(contacts, Contact.Stage.QUALIFIED, Contact.Stage.LEAD)


def _set_contact_stage(contacts: Sequence[uuid.UUID], stage: str, *before: str) -> None:
    # Locked in id order first: an UPDATE alone takes its rows in any order.
    rows = Contact.objects.filter(pk__in=set(contacts), stage__in=before).order_by("pk")
    ids = [contact.pk for contact in rows.only("pk").select_for_update(no_key=True)]
    if ids:
        Contact.objects.filter(pk__in=ids).update(stage=stage)


def _event_facts(lead: Lead, at: datetime) -> dict[str, Any]:
    """What every lifecycle event tells besides the stage: for metrics, webhooks and ad feedback."""
    return {
        "source": lead.source_kind,
        "seconds_since_created": max(0, int((at - lead.created_at).total_seconds())),
        "cycle_days": max(timedelta(), at - (lead.first_touch_at or lead.created_at)).days,
        "budget": str(lead.budget) if lead.budget is not None else None,
    }
