"""Telling members what concerns them: from the log, once per cause, never of their own doing."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from leadcrm.workspaces.access import active_members
from leadcrm.workspaces.availability import away_until, today_of, why_not_now
from leadcrm.workspaces.models import Membership, Role
from leads import kinds
from leads.access import sees, visible_leads
from leads.calls import TRY_AGAIN, behaviour_in
from leads.models import Activity, Lead, Notification
from leads.models.activity import Lane

NAME = "notifications"
OLD_NEWS = timedelta(days=1)  # what happened longer ago and is logged only now announces nothing
FOLD_FROM = 5  # so many leads at once, for one member, are told in one sentence
Kind = Notification.Kind
READ = ("pk", "owner_id", "team_id", "outcome", "archived_at", "is_test", "first_response_at")


@dataclass(frozen=True, slots=True)
class News:
    """Something a member is to be told. `cause` is the same for the same news."""

    member_id: uuid.UUID
    kind: str
    cause: str
    lead_id: uuid.UUID | None = None
    detail: str = ""


def announce(rows: Sequence[Activity], now: datetime) -> None:
    """Subscriber of the log: makes notifications of what concerns somebody."""
    wanted = [row for row in rows if row.kind in TELLERS and _is_news(row, now)]
    if not wanted:
        return
    ids = {row.lead_id for row in wanted}
    found = Lead.objects.filter(pk__in=ids).only(*READ).in_bulk()
    world = World(found, now)
    news = []
    for row in wanted:
        lead = found.get(row.lead_id)
        if lead is not None and not lead.is_test and lead.archived_at is None:
            told = TELLERS[row.kind](row, lead, world)
            news += [one for one in told if one.member_id != row.actor_id]
    tell(_folded(news), now)


def tell(news: Iterable[News], now: datetime) -> None:
    """Store news for active members; what was told before stays as it is.

    Whoever wants its kind by e-mail gets one, too (`leads.mailing`).
    """
    news = list(news)
    members = {one.member_id for one in news}
    choices = Membership.objects.filter(pk__in=members, is_active=True)
    by_mail = dict(choices.values_list("pk", "email_kinds"))
    rows = [
        Notification(
            member_id=one.member_id,
            kind=one.kind,
            lead_id=one.lead_id,
            cause=one.cause,
            detail=one.detail[:300],
            at=now,
            email_at=now if one.kind in by_mail[one.member_id] else None,
        )
        for one in news
        if one.member_id in by_mail
    ]
    Notification.objects.bulk_create(rows, 1000, ignore_conflicts=True)


def notifications_of(member: Membership) -> QuerySet[Notification]:
    """What a member was told, newest first; of leads that they may still see."""
    seen = visible_leads(member).filter(pk=OuterRef("lead"))
    mine = Notification.objects.filter(Q(lead=None) | Exists(seen), member=member.pk)
    found: QuerySet[Notification] = mine.order_by("-at", "-pk")
    return found


def mark_read(member: Membership, now: datetime, ids: Sequence[uuid.UUID] | None = None) -> int:
    """Mark notifications of a member as read: these, or all up to now. Returns how many were not."""
    unread = Notification.objects.filter(member=member.pk, read_at=None)
    unread = unread.filter(at__lte=now) if ids is None else unread.filter(pk__in=ids)
    return int(unread.update(read_at=now))


def set_email_kinds(member: Membership, wanted: Iterable[str]) -> None:
    """Set which kinds of notification a member gets by e-mail, too."""
    chosen = set(wanted)
    member.email_kinds = [kind for kind in Kind.values if kind in chosen]
    member.save(update_fields=["email_kinds"])


# --- who is told what ------------------------------------------------------------------------


@dataclass
class World:
    """The leads that the news are about, and who is there; read once, where somebody asks."""

    leads: dict[uuid.UUID, Lead]
    now: datetime

    @cached_property
    def there(self) -> list[Membership]:
        """Who is on duty and not away, and could take leads."""
        members = [one for one in active_members() if one.role != Role.VIEWER and one.user_id]
        if not members:
            return []
        away = away_until([one.pk for one in members], today_of(members[0].workspace, self.now))
        return [one for one in members if not why_not_now(one, away)]

    def for_pool(self, lead: Lead) -> list[Membership]:
        """Who may claim a lead of the pool: reps and managers, and where none is there the others."""
        able = [one for one in self.there if sees(one, lead)]
        workers = [one for one in able if one.role in (Role.REP, Role.MANAGER)]
        return workers or able


Teller = Callable[[Activity, Lead, World], list[News]]


def _created(row: Activity, lead: Lead, world: World) -> list[News]:
    """To the owner it came in with; one that nobody has yet to those who could claim it."""
    if owner := row.data.get("owner_id"):
        return [News(uuid.UUID(owner), Kind.ASSIGNED, f"log:{row.pk}", lead.pk)]
    if lead.owner_id is not None or not lead.is_open or lead.first_response_at is not None:
        return []
    cause = f"log:{row.pk}"
    return [News(one.pk, Kind.NEW_LEAD, cause, lead.pk) for one in world.for_pool(lead)]


def _given(row: Activity, lead: Lead, world: World) -> list[News]:
    owner = row.data.get("to_id")
    if owner is None or str(lead.owner_id) != owner:
        return []
    return [News(uuid.UUID(owner), Kind.ASSIGNED, f"log:{row.pk}", lead.pk)]


def _to_owner(kind: str, detail: Callable[[Activity], str]) -> Teller:
    def told(row: Activity, lead: Lead, world: World) -> list[News]:
        if lead.owner_id is None:
            return []
        return [News(lead.owner_id, kind, f"log:{row.pk}", lead.pk, detail(row))]

    return told


def _late(row: Activity, lead: Lead, world: World) -> list[News]:
    """To the owner; of a lead that nobody has to those who could claim it."""
    members = [lead.owner_id] if lead.owner_id else [one.pk for one in world.for_pool(lead)]
    return [News(pk, Kind.LATE, f"log:{row.pk}", lead.pk) for pk in members]


def _missed_call(row: Activity, lead: Lead, world: World) -> list[News]:
    if behaviour_in(row.data) not in TRY_AGAIN:
        return []
    return _to_owner(Kind.REPLY, lambda row: "Called, and nobody answered")(row, lead, world)


def _closes(row: Activity) -> str:
    at = parse_datetime(row.data.get("closes_at", ""))
    return f"Closes by itself on {date_format(at, 'j M')}" if at else "Closes by itself soon"


CHANNELS = {"email": "E-mail", "sms": "Text", "chat": "Message"}
TELLERS: dict[str, Teller] = {
    kinds.LEAD_CREATED: _created,
    kinds.OWNER_CHANGED: _given,
    kinds.MESSAGE_RECEIVED: _to_owner(
        Kind.REPLY, lambda row: CHANNELS.get(row.data.get("channel", ""), "Message")
    ),
    kinds.ENQUIRY_REPEATED: _to_owner(Kind.REPLY, lambda row: "Enquired again"),
    kinds.CALL_RECEIVED: _missed_call,
    kinds.CLOSE_WARNED: _to_owner(Kind.REMINDER, _closes),
    kinds.WOKEN: _to_owner(Kind.REMINDER, lambda row: "Back from snooze"),
    kinds.ANSWER_LATE: _late,
}


def _is_news(row: Activity, now: datetime) -> bool:
    """Of people's mass edits only what they gave to whom is told."""
    if row.lane != Lane.LIVE and row.kind != kinds.OWNER_CHANGED:
        return False
    return bool(row.occurred_at > now - OLD_NEWS)


def _folded(news: Sequence[News]) -> list[News]:
    """Many leads at once, for one member, as one sentence."""
    groups: dict[tuple[uuid.UUID, str], list[News]] = defaultdict(list)
    for one in news:
        groups[one.member_id, one.kind].append(one)
    told = []
    for (_, kind), group in groups.items():
        if kind in (Kind.NEW_LEAD, Kind.ASSIGNED) and len(group) >= FOLD_FROM:
            told.append(replace(group[0], lead_id=None, detail=str(len(group))))
        else:
            told += group
    return told


def title_of(notification: Any) -> str:
    """What a notification says, in a few words and without a name."""
    kind, detail = notification.kind, notification.detail
    if notification.lead_id is None and kind == Kind.NEW_LEAD:
        return f"{detail} new leads in the pool"
    if notification.lead_id is None and kind == Kind.ASSIGNED:
        return f"{detail} leads are yours"
    return str(Kind(kind).label)
