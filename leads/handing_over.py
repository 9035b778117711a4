"""Hand over: a member's open leads, with tasks and appointments, go to somebody else or to a team."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from leadcrm.workspaces.access import NotAllowed, Reach, reach
from leadcrm.workspaces.models import Membership, Role, Team
from leads import bulk
from leads.assignment import AssignRefused
from leads.bulk_verbs import BULK_VERBS, HAND_OVER
from leads.models import Appointment, BulkRun, Lead, Task
from leads.models.lead import IS_OPEN


@dataclass(frozen=True)
class Load:
    """What a member has that somebody else would get."""

    leads: int
    tasks: int
    appointments: int


def members_in_reach(by: Membership) -> QuerySet[Membership]:
    """Whose leads the member may hand over: those of the team, or of all. Raises NotAllowed."""
    far = reach(by, "assign")
    if by.role in (Role.REP, Role.VIEWER) or far not in (Reach.TEAM, Reach.ALL):
        raise NotAllowed
    found: QuerySet[Membership] = Membership.objects.select_related("team")
    return found if far is Reach.ALL else found.filter(team=by.team_id)


def open_leads() -> dict[uuid.UUID, int]:
    """How many open leads each member has."""
    rows = Lead.objects.filter(IS_OPEN, owner__isnull=False).order_by().values("owner")
    return dict(rows.annotate(count=Count("pk")).values_list("owner", "count"))


def load_of(member: Membership) -> Load:
    leads = Lead.objects.filter(IS_OPEN, owner=member)
    appointments = Appointment.objects.filter(
        host=member, status=Appointment.Status.SCHEDULED, lead__in=leads
    )
    tasks = Task.objects.filter(assignee=member, done_at=None, lead__in=leads)
    return Load(leads.count(), tasks.count(), appointments.count())


def hand_over(
    member: Membership,
    *,
    by: Membership,
    now: datetime,
    to: Membership | None = None,
    team: Team | None = None,
) -> BulkRun:
    """Give all open leads of a member to another one, or to a team's pool, as a bulk run.

    So it goes on in the background, says what became of each lead, and can be undone for a day.
    Raises NotAllowed for a member out of reach, AssignRefused for nobody or somebody who can't
    have leads, BulkRefused where there is nothing to hand over.
    """
    if not members_in_reach(by).filter(pk=member.pk).exists():
        raise NotAllowed
    if (to is None) == (team is None):
        raise AssignRefused("Choose a person or a team.", field="to")
    if to is not None and (not to.is_active or to.role == Role.VIEWER or to.pk == member.pk):
        raise AssignRefused(f"{to.name} can't take them over.", field="to")
    values = {
        "member": str(member.pk),
        "owner": str(to.pk) if to else None,
        "team": str(team.pk) if team else None,
    }
    said = f"handed over from {member} to {to or team}"
    leads = Lead.objects.filter(IS_OPEN, owner=member)
    return bulk.start(leads, BULK_VERBS[HAND_OVER], values, said=said, by=by, now=now)


def runs_of(by: Membership) -> QuerySet[BulkRun]:
    """What was handed over, the newest first: by the member, for admins by anybody."""
    return bulk.visible_runs(by).filter(verb=HAND_OVER).order_by("-started_at")
