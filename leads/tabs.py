"""The view tabs of the lead list: which leads each holds, and how they are sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from leadcrm.workspaces.models import Membership, Role
from leads.models.lead import IS_CLOSED, IS_OPEN, WAITS

# A lead that is closed or removed has no next step: what is due is open. Saying so twice would
# have the planner think that hardly any is.
Condition = Callable[[Membership, datetime], Q]


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    condition: Condition
    sort: str = "due"
    empty: str = "No leads here."


def _waiting(member: Membership, now: datetime) -> Q:
    """Those that wait for an answer; a snooze ends for a reply, not for the enquiry."""
    heard = Q(snoozed_until=None) | Q(snoozed_until__lte=now) | Q(unread_since__isnull=False)
    return IS_OPEN & WAITS & heard


def _mine(member: Membership, now: datetime) -> Q:
    return IS_OPEN & Q(owner=member.pk)


def _due_today(member: Membership, now: datetime) -> Q:
    return _mine(member, now) & Q(work_due_at__lt=midnight(now))


def _overdue(member: Membership, now: datetime) -> Q:
    return Q(work_due_at__lt=now)


def _no_next_step(member: Membership, now: datetime) -> Q:
    return IS_OPEN & Q(work_due_at=None)


def _unassigned(member: Membership, now: datetime) -> Q:
    return IS_OPEN & Q(owner=None)


def _open(member: Membership, now: datetime) -> Q:
    return IS_OPEN


def _closed_this_week(member: Membership, now: datetime) -> Q:
    return IS_CLOSED & Q(stage_entered_at__gte=_monday(now))


def _all(member: Membership, now: datetime) -> Q:
    return Q()


WAITING = Tab("waiting", "Waiting", _waiting, "waiting", empty="All answered.")
MINE = Tab("mine", "My open", _mine, empty="You have no open leads. Claim one from Unassigned.")
DUE = Tab("due", "Due today", _due_today, empty="Nothing more is due today.")
OVERDUE = Tab("overdue", "Overdue", _overdue, empty="Nothing is overdue.")
NO_STEP = Tab("no-step", "No next step", _no_next_step, empty="Every open lead has a next step.")
UNASSIGNED = Tab("unassigned", "Unassigned", _unassigned, empty="Every open lead has an owner.")
ALL_OPEN = Tab("open", "All open", _open, empty="No open leads.")
CLOSED = Tab("closed", "Closed this week", _closed_this_week, "-created", "None closed this week.")
ALL = Tab("all", "All", _all, "-created", empty="No leads yet.")

FOR_REP = (WAITING, MINE, DUE, UNASSIGNED, ALL)
FOR_MANAGER = (WAITING, OVERDUE, NO_STEP, UNASSIGNED, ALL_OPEN, CLOSED, ALL)
FOR_VIEWER = (WAITING, ALL_OPEN, CLOSED, ALL)


TABS = {tab.key: tab for tab in (*FOR_REP, *FOR_MANAGER, *FOR_VIEWER)}


def tabs_of(member: Membership) -> tuple[Tab, ...]:
    """The tabs of a member's role. Any tab's address works for everybody."""
    if member.role == Role.VIEWER:
        return FOR_VIEWER
    return FOR_REP if member.role == Role.REP else FOR_MANAGER


def tab_named(member: Membership, key: str) -> Tab:
    """The tab of an address; without one, Waiting."""
    return TABS.get(key, ALL if key else WAITING)


def midnight(now: datetime) -> datetime:
    """The end of today where the viewer is."""
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, tzinfo=timezone.get_current_timezone())


def _monday(now: datetime) -> datetime:
    today = timezone.localtime(now).date()
    start = today - timedelta(days=today.weekday())
    return datetime.combine(start, time.min, tzinfo=timezone.get_current_timezone())
