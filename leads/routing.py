"""Routing: to whom a new lead goes by itself, in turn, and why.

A subscriber of the log gives leads away, a second or two after they came in: a capture neither
waits for the rule's lock nor fails with it, and what comes in while the workers stand still is
given away when they are back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces.access import require
from leadcrm.workspaces.availability import away_until, today_of, why_not_now
from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import events, kinds
from leads.assignment import give, unanswered_of
from leads.batch import Change, gathered, run
from leads.models import Activity, Lead, RoutingRule, RoutingSeat

NAME = "routing"
ROUND_ROBIN = "round_robin"
MOST_SEATS = 200
TOLD = 20  # of those who were skipped, in the log


@dataclass(slots=True)
class Candidate:
    """A member with a seat: what they hold, and what speaks against giving them more."""

    seat: RoutingSeat
    name: str
    team_id: uuid.UUID | None
    unanswered: int = 0
    today: int = 0
    why_not: str = ""

    def objection(self, rule: RoutingRule, team_id: uuid.UUID | None) -> str:
        """Why a lead (of a team, or of none) can't go to them; empty where it can."""
        if self.why_not:
            return self.why_not
        if team_id is not None and self.team_id != team_id:
            return "not in the lead's team"
        if rule.open_cap is not None and self.unanswered >= rule.open_cap:
            return f"holds {self.unanswered} unanswered"
        if rule.day_cap is not None and self.today >= rule.day_cap:
            return f"got {self.today} today"
        return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets a lead, and whom the turn passed over, with the reasons."""

    chosen: Candidate | None
    skipped: list[tuple[str, str]]

    def trace(self) -> dict[str, Any]:
        """The decision as the log keeps it."""
        return {
            "by": ROUND_ROBIN,
            "skipped": [list(one) for one in self.skipped[:TOLD]],
            "more": max(len(self.skipped) - TOLD, 0),
        }


@dataclass
class Rota:
    """The rule with its candidates in their order, while its row is locked."""

    rule: RoutingRule
    candidates: list[Candidate]
    members: Mapping[uuid.UUID, Membership]
    today: date
    changed: set[uuid.UUID] = field(default_factory=set)

    def choose(self, team_id: uuid.UUID | None) -> Choice:
        """Whose turn it is: the first after the last one who can take a lead of this team."""
        skipped: list[tuple[str, str]] = []
        for one in self._in_turn():
            why = one.objection(self.rule, team_id)
            if not why:
                return Choice(one, skipped)
            skipped.append((one.name, why))
        return Choice(None, skipped)

    def take(self, one: Candidate) -> None:
        """Count a lead that was given to somebody; the turn goes on behind them."""
        one.unanswered += 1
        one.today += 1
        one.seat.counted_on, one.seat.counted = self.today, one.today
        self.rule.last_member_id = one.seat.member_id
        self.changed.add(one.seat.pk)

    def decide(self, change: Change) -> None:
        """Give away a lead, under its lock, unless somebody has it or has answered already."""
        lead = change.lead
        if lead.owner_id or not lead.is_open or lead.archived_at or lead.is_test:
            return
        if lead.first_response_at is not None:
            return
        choice = self.choose(lead.team_id)
        if choice.chosen is None:
            change.record(kinds.LEFT_IN_POOL, data={"routing": choice.trace()})
            return
        self.take(choice.chosen)
        member = self.members[choice.chosen.seat.member_id]
        give(change, member, None, reason=ROUND_ROBIN, why={"routing": choice.trace()})

    def save(self) -> None:
        if not self.changed:
            return
        self.rule.save(update_fields=["last_member"])
        seats = [one.seat for one in self.candidates if one.seat.pk in self.changed]
        RoutingSeat.objects.bulk_update(seats, ["counted_on", "counted"])

    def _in_turn(self) -> list[Candidate]:
        members = [one.seat.member_id for one in self.candidates]
        last = self.rule.last_member_id
        start = members.index(last) + 1 if last in members else 0
        return self.candidates[start:] + self.candidates[:start]


def route_new_leads(rows: Sequence[Activity], now: datetime) -> None:
    """Subscriber of the log, of its live lane: gives new leads away, in the order of the log."""
    new = {
        row.lead_id: row
        for row in rows
        if row.kind == kinds.LEAD_CREATED and row.lead_id and not row.data.get("is_test")
    }
    if not new:
        return
    with transaction.atomic():
        rule = active_rule()
        if rule is None:
            return
        known = set(Lead.objects.filter(pk__in=list(new)).values_list("pk", flat=True))
        rota = read_rota(rule, now)
        with gathered():
            for lead_id, row in new.items():
                if lead_id in known:
                    by = events.actor_answering(NAME, row)
                    run([lead_id], rota.decide, by=by, now=now)
        rota.save()


def active_rule() -> RoutingRule | None:
    """The workspace's rule where it is on, its row locked: turns are given one after the other."""
    rules = RoutingRule.objects.select_for_update(no_key=True).filter(is_active=True)
    found: RoutingRule | None = rules.first()
    return found


def read_rota(rule: RoutingRule, now: datetime) -> Rota:
    """The candidates of a rule as they are now; in four queries."""
    workspace = Workspace.objects.only("time_zone").get(pk=current_workspace_id())
    today = today_of(workspace, now)
    seats = list(RoutingSeat.objects.filter(rule=rule).order_by("position", "pk"))
    ids = [seat.member_id for seat in seats]
    members = Membership.objects.select_related("team").in_bulk(ids)
    away, held = away_until(ids, today), unanswered_of(ids)
    candidates = []
    for seat in seats:
        member = members[seat.member_id]
        candidates.append(
            Candidate(
                seat,
                member.name,
                member.team_id,
                held.get(member.pk, 0),
                seat.counted if seat.counted_on == today else 0,
                "may not have leads" if member.role == Role.VIEWER else why_not_now(member, away),
            )
        )
    return Rota(rule, candidates, members, today)


def read_rule() -> RoutingRule:
    """The workspace's rule; one that isn't saved yet where it has none."""
    return RoutingRule.objects.first() or RoutingRule()


def change_rule(
    *,
    by: Membership,
    now: datetime,
    is_active: bool,
    open_cap: int | None,
    day_cap: int | None,
    members: Sequence[Membership],
) -> RoutingRule:
    """Set who takes part, in which order and up to how many leads.

    Whose turn is next stays, as far as they still take part.

    Raises:
        NotAllowed: `by` isn't an owner or admin.
        ValidationError: by field, for what doesn't fit.
    """
    require(by, "settings")
    if is_active and not members:
        raise ValidationError({"is_active": ["Choose somebody who takes part first."]})
    if len(members) > MOST_SEATS:
        raise ValidationError({"is_active": [f"At most {MOST_SEATS} can take part."]})
    with transaction.atomic():
        # Two who save at once would each make the first rule.
        Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
        rule = RoutingRule.objects.select_for_update(no_key=True).first() or RoutingRule()
        rule.is_active, rule.open_cap, rule.day_cap = is_active, open_cap, day_cap
        rule.changed_at = now
        rule.full_clean(exclude=["workspace", "last_member"], validate_constraints=False)
        rule.save()
        RoutingSeat.objects.filter(rule=rule).exclude(member__in=members).delete()
        seats = {seat.member_id: seat for seat in RoutingSeat.objects.filter(rule=rule)}
        for position, member in enumerate(members, 1):
            seat = seats.get(member.pk) or RoutingSeat(rule=rule, member=member)
            seat.position = position
            seat.save()
    return rule
