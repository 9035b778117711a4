"""Reminders that come due: of tasks, of appointments that begin soon; and answers that are late."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leadcrm.workspaces.updating import write_columns
from leads import kinds
from leads.batch import Change
from leads.models import Appointment, Lead, Notification, Task
from leads.models.lead import IS_OPEN, UNANSWERED
from leads.notifying import News, tell
from leads.pipelines import Outcome

BEFORE_APPOINTMENTS = timedelta(minutes=15)
LOOKS_BACK = timedelta(days=1)  # what came due before, while nothing ran, announces nothing
CHUNK = 500


def late_ones(now: datetime) -> QuerySet[Lead]:
    """Leads whose answer was due and which the log doesn't call late yet, of all in scope."""
    due = Lead.objects.filter(IS_OPEN, UNANSWERED, answer_late_at=None)
    found: QuerySet[Lead] = due.filter(answer_due_at__lte=now, answer_due_at__gt=now - LOOKS_BACK)
    return found


def note_late(change: Change) -> None:
    """Note under the lock that an answer is late, unless somebody has answered meanwhile."""
    lead = change.lead
    due = lead.answer_due_at
    if due is None or due > change.now or lead.first_response_at or lead.answer_late_at:
        return
    if lead.is_open and lead.archived_at is None:
        change.set(answer_late_at=change.now)
        change.record(kinds.ANSWER_LATE, data={"due_at": due.isoformat()})


def remind_of_tasks(now: datetime) -> int:
    """Remind those who are to do them of tasks; returns of how many."""
    with all_workspaces():
        due = _due_tasks(now).order_by().values_list("workspace", flat=True).distinct()
        workspaces = list(due)
    total = 0
    for workspace_id in workspaces:
        with workspace_scope(workspace_id):
            while count := _remind_some(now):
                total += count
    return total


def remind_of_appointments(now: datetime) -> int:
    """Remind hosts of appointments that begin soon; one that was moved is told of again."""
    with all_workspaces():
        soon = Appointment.objects.filter(
            status=Appointment.Status.SCHEDULED,
            scheduled_for__gt=now,
            scheduled_for__lte=now + BEFORE_APPOINTMENTS,
        ).select_related("lead")
        by_workspace: dict[uuid.UUID, list[Appointment]] = {}
        for one in soon:
            by_workspace.setdefault(one.workspace_id, []).append(one)
    for workspace_id, appointments in by_workspace.items():
        with workspace_scope(workspace_id):
            tell([news for one in appointments if (news := _of_appointment(one))], now)
    return sum(len(found) for found in by_workspace.values())


def _due_tasks(now: datetime) -> QuerySet[Task]:
    waiting = Task.objects.filter(done_at=None, reminded_at=None)
    found: QuerySet[Task] = waiting.filter(remind_at__lte=now, remind_at__gt=now - LOOKS_BACK)
    return found


def _remind_some(now: datetime) -> int:
    with transaction.atomic():
        due = _due_tasks(now).select_related("lead").order_by("remind_at")
        tasks = list(due.select_for_update(of=("self",), skip_locked=True)[:CHUNK])
        tell([news for task in tasks if (news := _of_task(task))], now)
        for task in tasks:
            task.reminded_at = now
        write_columns(tasks, ["reminded_at"])
    return len(tasks)


def _of_task(task: Task) -> News | None:
    who, at = task.assignee_id or task.lead.owner_id, task.remind_at
    if who is None or at is None or not _is_at_work(task.lead):
        return None
    cause = f"task:{task.pk}:{at.timestamp():.0f}"
    return News(who, Notification.Kind.REMINDER, cause, task.lead_id, task.title)


def _of_appointment(one: Appointment) -> News | None:
    who, at = one.host_id or one.lead.owner_id, one.scheduled_for
    if who is None or at is None or not _is_at_work(one.lead):
        return None
    cause = f"appointment:{one.pk}:{at.timestamp():.0f}"
    title = f"Soon: {one.title or 'Appointment'}"
    return News(who, Notification.Kind.REMINDER, cause, one.lead_id, title)


def _is_at_work(lead: Lead) -> bool:
    return lead.outcome == Outcome.OPEN and lead.archived_at is None
