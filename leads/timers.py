"""What is due, and when: answer, next step, auto-close, end of snooze."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    DateTimeField,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Greatest

from leadcrm.workspaces.business_hours import BusinessHours
from leadcrm.workspaces.compiled import CompiledQuery, among
from leads.models import Appointment, Lead, Stage, Task
from leads.pipelines import Status

GRACE = timedelta(days=1)  # after a task or appointment that held off a close, to act on it
WARN_BUSINESS_DAYS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands in other tables about a lead.

    `next_task` is when its first open task is due, `outcome_due` when its first booked
    appointment is over, `held_until` the last of its open tasks and booked appointments.
    """

    next_task: datetime | None = None
    outcome_due: datetime | None = None
    held_until: datetime | None = None


def facts_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Facts]:
    """The facts of leads by id, in one query."""
    return {row[0]: Facts(*row[1:]) for row in _facts.rows(leads=list(ids))}


def _facts_of_leads() -> QuerySet[Any, Any]:
    tasks = Task.objects.filter(lead=OuterRef("pk"), done_at=None).order_by()
    booked = Appointment.objects.filter(
        lead=OuterRef("pk"), status=Appointment.Status.SCHEDULED, scheduled_for__isnull=False
    ).order_by()
    over = ExpressionWrapper(
        F("scheduled_for") + F("minutes") * timedelta(minutes=1), DateTimeField()
    )
    return Lead.objects.filter(among("pk", "leads")).values_list(
        "pk",
        Subquery(tasks.values("lead").annotate(at=Min("due_at")).values("at")),
        Subquery(booked.annotate(over=over).values("lead").annotate(at=Min("over")).values("at")),
        Greatest(
            Subquery(tasks.values("lead").annotate(at=Max("due_at")).values("at")),
            Subquery(booked.values("lead").annotate(at=Max("scheduled_for")).values("at")),
        ),
    )


_facts = CompiledQuery(_facts_of_leads)


def projections(lead: Lead, facts: Facts, hours: BusinessHours) -> dict[str, Any]:
    """The columns that are computed from the rest of the lead."""
    closes = auto_close_at(lead, lead.stage, facts)
    values: dict[str, Any] = {"work_due_at": work_due_at(lead, facts), "auto_close_at": closes}
    warned = lead.auto_close_warned_at
    if warned and (closes is None or warned < hours.add_days(closes, -WARN_BUSINESS_DAYS - 1)):
        values["auto_close_warned_at"] = None
    return values


def work_due_at(lead: Lead, facts: Facts) -> datetime | None:
    """When a person must next do something; None means that no next step is set.

    A snooze stands for the answer and tasks that fall due before its end; an unread reply and
    an appointment break through it.
    """
    if not lead.is_open or lead.archived_at:
        return None
    answer = lead.answer_due_at if lead.first_response_at is None else None
    planned = [at for at in (answer, facts.next_task) if at is not None]
    if lead.snoozed_until:
        planned = [lead.snoozed_until]
    return min(
        (at for at in (*planned, facts.outcome_due, lead.unread_since) if at is not None),
        default=None,
    )


def auto_close_at(lead: Lead, stage: Stage, facts: Facts) -> datetime | None:
    """When the lead closes by itself if nothing happens; None where its stage has no timer.

    Never earlier than the days after the lead arrived here or the timer was changed, and not
    while a task, an appointment or a snooze stands.
    """
    if not stage.is_open or lead.archived_at:
        return None
    days, start = _close_timer(lead, stage)
    if days is None or start is None:
        return None
    due = max(start, lead.inserted_at, stage.timer_changed_at) + timedelta(days=days)
    held = max(
        (at for at in (facts.held_until, lead.snoozed_until) if at is not None), default=None
    )
    return max(due, held + GRACE) if held else due


def close_reason_code(lead: Lead) -> str:
    """The reason with which a timer closes the lead."""
    return (
        "no_contact"
        if lead.status in (Status.NEW, Status.ENGAGED) and lead.contacted_at is None
        else "lost_contact"
    )


def _close_timer(lead: Lead, stage: Stage) -> tuple[int | None, datetime | None]:
    if close_reason_code(lead) == "no_contact":
        return stage.no_contact_days, lead.attempt_started_at
    idle_since = max(at for at in (lead.last_activity_at, lead.stage_entered_at) if at is not None)
    return stage.idle_days, idle_since
