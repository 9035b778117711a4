"""Whose lead it is: assign, claim, hand over."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role, Team
from leadcrm.workspaces.updating import write_columns
from leads import kinds, lifecycle
from leads.batch import UNREAD, Change, Refused, Result, run, run_one
from leads.models import Appointment, Lead, Task
from leads.models.activity import Lane
from leads.models.lead import IS_OPEN, UNANSWERED

CLAIM_CAP = 20  # unanswered leads a rep may hold


class AssignRefused(Refused):
    code = "assign_refused"


class ClaimLost(Refused):
    """Somebody else was quicker."""

    code = "claim_lost"


def assign(
    ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    owner: Membership | None = None,
    team: Team | None = None,
    reason: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Give leads to a member, to a team, or (with neither) back to the pool.

    Open tasks of the former owner go with the lead. A member's team becomes the lead's unless
    `team` says otherwise.
    """
    if owner is not None and not owner.is_active:
        raise AssignRefused(f"{owner.name} is not active here any more.", field="owner")

    def decide(change: Change) -> None:
        if change.lead.merged_into_id:
            lifecycle.require_open(change.lead)
        give(change, owner, team, reason=reason)

    # Whoever does mass work doesn't show the leads afterwards.
    return run(ids, decide, by=by, now=now, lane=lane, unread=UNREAD if lane == Lane.BULK else ())


def claim(lead_id: uuid.UUID, *, by: Actor, now: datetime) -> Result:
    """Take an unassigned lead. Of two who claim at once, the first has it."""
    member = by.membership
    if member is None:
        raise AssignRefused("Only a member can claim a lead.")

    def decide(change: Change) -> None:
        lead = change.lead
        lifecycle.require_open(lead)
        if lead.owner_id == member.pk:
            return
        if lead.owner_id is not None:
            raise ClaimLost(f"{lead.owner} has it.", field="owner")
        if member.role == Role.REP and _held_by(member) >= CLAIM_CAP:
            raise AssignRefused(
                f"You hold {CLAIM_CAP} unanswered leads. Answer some first.", field="owner"
            )
        give(change, member, None, reason="claimed")

    return run_one(lead_id, decide, by=by, now=now)


def give(
    change: Change,
    owner: Membership | None,
    team: Team | None,
    *,
    reason: str = "",
    why: Mapping[str, Any] | None = None,
) -> None:
    """Set owner and team on a change that another verb holds, with the log row.

    `why` is told by the log row besides: how a rule decided.
    """
    lead, before = change.lead, change.lead.owner
    new_team = team or (owner.team if owner else change.fact(_teams))
    if lead.owner_id == (owner.pk if owner else None) and lead.team_id == (
        new_team.pk if new_team else None
    ):
        return
    change.set(owner=owner, team=new_team)
    if before is not None:
        change.together(_pass_on_tasks, (lead.pk, before.pk, owner))
    change.record(
        kinds.OWNER_CHANGED,
        reason=reason[:50],
        data={
            "from": str(before) if before else None,
            "to": str(owner) if owner else None,
            "to_id": str(owner.pk) if owner else None,
            "team": str(new_team) if new_team else None,
            **(why or {}),
        },
    )


def _teams(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Team]:
    """The teams of leads that have one."""
    of_leads = dict(Lead.objects.filter(pk__in=ids, team__isnull=False).values_list("pk", "team"))
    teams = Team.objects.in_bulk(set(of_leads.values()))
    return {lead_id: teams[team_id] for lead_id, team_id in of_leads.items()}


def _pass_on_tasks(moves: Sequence[tuple[uuid.UUID, uuid.UUID, Membership | None]]) -> None:
    """The open tasks of the former owners go to the new one."""
    given = {(lead_id, before): owner for lead_id, before, owner in moves}
    tasks = Task.objects.filter(
        lead__in={lead_id for lead_id, _, _ in moves},
        assignee__in={before for _, before, _ in moves},
        done_at=None,
    )
    passed = [task for task in tasks if (task.lead_id, task.assignee_id) in given]
    for task in passed:
        task.assignee = given[task.lead_id, task.assignee_id]
    write_columns(passed, ["assignee"])


def hand_over(
    ids: Sequence[uuid.UUID],
    *,
    member_id: uuid.UUID,
    by: Actor,
    now: datetime,
    owner: Membership | None = None,
    team: Team | None = None,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Give leads of a member to another one, or to a team's pool.

    Tasks go with their leads, booked appointments where a person takes over. A lead that is
    somebody else's by now is refused.
    """

    def decide(change: Change) -> None:
        if change.lead.owner_id != member_id:
            raise AssignRefused("It is somebody else's by now.", field="owner")
        lifecycle.require_open(change.lead)
        if owner is not None:
            change.together(_pass_on_appointments, (change.lead.pk, member_id, owner))
        give(change, owner, team, reason="handed over")

    return run(ids, decide, by=by, now=now, lane=lane)


def _pass_on_appointments(moves: Sequence[tuple[uuid.UUID, uuid.UUID, Membership]]) -> None:
    """The booked appointments of the former owner go to the new one; it is the same for all."""
    _, before, owner = moves[0]
    Appointment.objects.filter(
        lead__in=[lead_id for lead_id, _, _ in moves],
        host=before,
        status=Appointment.Status.SCHEDULED,
    ).update(host=owner)


def unanswered_of(members: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many people wait for a first answer of each of these members."""
    waiting = Lead.objects.filter(IS_OPEN, UNANSWERED, owner__in=members, is_test=False)
    return dict(waiting.order_by().values_list("owner").annotate(count=Count("pk")))


def _held_by(member: Membership) -> int:
    """How many unanswered leads the member holds, while no other claim of theirs can add to them."""
    Membership.objects.select_for_update(no_key=True).only("pk").get(pk=member.pk)
    return unanswered_of([member.pk]).get(member.pk, 0)
