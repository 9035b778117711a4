"""Asking for a colleague's lead that one may not see: the owner gets a task, the log a row."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from leadcrm.workspaces.actors import Actor
from leads import kinds
from leads.batch import Change, Refused, Result, run_one
from leads.models import Activity, Task
from leads.next_steps import plan

AGAIN_AFTER = timedelta(days=7)
TITLE_LENGTH = 300


class AskRefused(Refused):
    """There is nothing to ask for. The message is for a person, and tells nothing of the lead."""

    code = "ask_refused"


def ask_for(lead_id: uuid.UUID, *, by: Actor, now: datetime) -> Result:
    """Ask the owner of a lead, or where there is none whoever looks after it, to hand it over.

    The owner gets a task on the lead, due on the next business day. Raises AskRefused for one's
    own lead, one that is gone or closed, and where the member has asked within a week.
    """

    def decide(change: Change) -> None:
        lead, member = change.lead, change.by.membership
        if member is None:
            raise AskRefused("Only a member can ask for a lead.")
        if lead.archived_at is not None:
            raise AskRefused("This lead was removed or merged. Ask a manager.")
        if lead.owner_id == member.pk:
            raise AskRefused("This lead is yours.")
        if not lead.is_open:
            raise AskRefused("This lead is closed. Ask a manager to reopen it.")
        if _has_asked(lead.pk, member.pk, now):
            raise AskRefused("You have asked for it already. They have a task about it.")
        title = f"{member.name} asks for this lead: hand it over, or tell them"[:TITLE_LENGTH]
        due = change.batch.workspace.hours().add_days(now, 1)
        task = plan(change, title=title, due_at=due, kind=Task.Kind.TODO)
        task.assignee = lead.owner
        change.record(kinds.ASKED_FOR, data={"name": member.name})

    return run_one(lead_id, decide, by=by, now=now)


def _has_asked(lead_id: uuid.UUID, member_id: uuid.UUID, now: datetime) -> bool:
    asked = Activity.objects.filter(lead=lead_id, kind=kinds.ASKED_FOR, actor=member_id)
    return bool(asked.filter(occurred_at__gt=now - AGAIN_AFTER).exists())
