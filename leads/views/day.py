"""My day: whom the member should turn to next, and why; the most urgent first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Left
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import Reach, may, reach
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leadcrm.workspaces.templatetags.page_tags import relative
from leads import kinds
from leads.access import visible_leads
from leads.models import Activity, Appointment, Lead, Message, Task
from leads.models.lead import IS_OPEN
from leads.sorts import AT, LIST
from leads.tabs import WAITING, midnight
from leads.views.list import next_due
from leads.views.rows import next_step

MOST = 20  # rows of a section; its list holds all of them
NEWEST = 10  # of those without a next step
MEETINGS = 60
DAY, ME, TEAM = "day", "me", "team"
SOON = timedelta(minutes=60)
ASKS_AFTER = timedelta(minutes=30)  # an appointment that began so long ago asks how it went
LOOKS_BACK = timedelta(days=30)  # for appointments without outcome, and for leads answered today
LAST_LINE = 140  # characters
READ = (
    "section", "pk", "display_name", "company_name", "phone", "owner_id", "owner__name", "status",
    "outcome", "message", "work_due_at", "first_response_at", "unread_since", "snoozed_until",
    "created_at", "step_id", "next_step", "last_line",
)  # fmt: skip
MET = "met"  # of the leads read: those whose appointment is near, or past and without an outcome


@dataclass(slots=True)
class Row:
    """A lead of the queue, read by `_read`, and why it is here."""

    lead: Any
    why: str
    due_at: datetime | None = None
    appointment: Appointment | None = None

    @property
    def in_pool(self) -> bool:
        """Nobody has it: how to reach them, and what they said, is told to who claims it."""
        return self.lead.owner_id is None

    @property
    def last_line(self) -> str:
        """What was said last, or what they asked."""
        said = self.lead.last_line or self.lead.message or ""
        return "" if self.in_pool else " ".join(said[:LAST_LINE].split())


@dataclass(slots=True)
class Section:
    """A part of the queue; where it isn't all, its list is at the query `href`."""

    key: str
    title: str
    rows: list[Row]
    href: str = ""
    more: bool = False

    @property
    def count(self) -> str:
        return f"{len(self.rows)}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class Part:
    """Leads that make a section: which, how many of them, and the list that holds them all."""

    key: str
    title: str
    which: Q
    why: Callable[[Any, datetime], str]
    view: str
    whose: str = ""
    order: tuple[str, ...] = ("work_due_at", "created_at", "pk")
    most: int = MOST


@require_safe
def my_day(request: PageRequest) -> HttpResponse:
    """The queue of the member, or of all whom a manager sees."""
    now, member = timezone.now(), request.membership
    is_viewer = not may(member, "edit")
    may_switch = may_see_team(member) and not is_viewer
    of_team = is_viewer or (may_switch and request.GET.get("of") == TEAM)
    meetings = read_meetings(member, now, of_team=of_team)
    sections = read_queue(member, meetings, now, of_team=of_team)
    morning = midnight(now) - timedelta(days=1)
    context = {
        "sections": sections,
        "changes": ", ".join(f"changed-{pk} from:body" for pk in _shown(sections, meetings)),
        "meetings": [one for one in meetings if one.scheduled_for >= morning],
        "done": read_done(member, morning, now),
        "next_due": None if sections else next_due(member),
        "start": _start(request, sections, TEAM if of_team else ME),
        "of_team": of_team,
        "may_switch": may_switch,
        "may_edit": not is_viewer,
        "may_claim": may(member, "claim"),
        "now": now,
    }
    part = wants_fragment(request) and request.htmx.target == "day"
    return show(request, "leads/_day.html" if part else "leads/day.html", context)


def may_see_team(member: Membership) -> bool:
    """Whether the member may look at the day of others."""
    return reach(member, "see") is not Reach.OWN


def read_meetings(member: Membership, now: datetime, *, of_team: bool) -> list[Any]:
    """Today's appointments of the member or of the team, and older ones that have no outcome."""
    tonight = midnight(now)
    open_ones = Q(status=Appointment.Status.SCHEDULED)
    mine = Q() if of_team else Q(host=member.pk)
    found = Appointment.objects.filter(
        mine,
        open_ones | Q(scheduled_for__gte=tonight - timedelta(days=1)),
        scheduled_for__gte=now - LOOKS_BACK,
        scheduled_for__lt=tonight,
    ).exclude(status=Appointment.Status.CANCELED)
    seen = found.filter(Exists(visible_leads(member).filter(pk=OuterRef("lead"))))
    newest = seen.select_related("lead", "host").order_by("-scheduled_for")[:MEETINGS]
    return list(reversed(newest))


def read_queue(
    member: Membership, meetings: Sequence[Any], now: datetime, *, of_team: bool
) -> list[Section]:
    """The sections that hold something, each lead in the first that it fits; in one query."""
    up = [one for one in meetings if _is_up(one, now)]
    parts = _parts(member, [one.lead_id for one in up], now, of_team=of_team)
    found = _read(member, parts, up, now)
    met = {lead.pk: lead for lead in found[MET]}
    up = [one for one in up if one.lead_id in met]
    replied, waiting, *others = (_section(part, found[part.key], now) for part in parts)
    soon = [_meeting(met, one) for one in up if not _asks(one, now)]
    late = [_meeting(met, one) for one in up if _asks(one, now)]
    sections = (
        replied,
        waiting,
        Section("soon", "In the next hour", soon),
        Section("outcome", "How did it go?", late),
        *others,
    )
    return [one for one in sections if one.rows]


def _parts(
    member: Membership, met: Sequence[uuid.UUID], now: datetime, *, of_team: bool
) -> list[Part]:
    """The parts of the queue that aren't appointments; `met` are the leads that those show."""
    mine, whose = (Q(), "") if of_team else (Q(owner=member.pk), "me")
    waits = WAITING.condition(member, now)
    replied = Q(unread_since__isnull=False, owner__isnull=False)
    new = Q() if of_team else mine | Q(owner=None)
    rest = mine & ~waits & ~Q(pk__in=met)
    today = Q(work_due_at__gte=now, work_due_at__lt=midnight(now))
    return [
        Part("replied", "Replied now", waits & mine & replied, _replied, "waiting"),
        Part("waiting", "Waiting for a first answer", waits & new & ~replied, _step, "waiting"),
        Part("overdue", "Overdue", rest & Q(work_due_at__lt=now), _step, "overdue", whose),
        Part("today", "Due today", rest & today, _step, "due" if whose else "open"),
        Part(
            *("idle", "No next step", rest & Q(work_due_at=None), _idle, "no-step", whose),
            order=("-created_at",),
            most=NEWEST,
        ),
    ]


def read_done(member: Membership, since: datetime, now: datetime) -> dict[str, int]:
    """What the member has done today: answered, of them in time, calls and bookings."""
    answered = Lead.objects.filter(
        owner=member.pk, created_at__gte=now - LOOKS_BACK, first_response_at__gte=since
    ).aggregate(
        answered=Count("pk"),
        in_time=Count("pk", filter=Q(first_response_at__lte=F("answer_due_at"))),
    )
    log = Activity.objects.filter(
        actor=member.pk,
        kind__in=(kinds.CALL_LOGGED, kinds.APPOINTMENT_BOOKED),
        occurred_at__gte=since,
    ).aggregate(
        calls=Count("pk", filter=Q(kind=kinds.CALL_LOGGED)),
        booked=Count("pk", filter=Q(kind=kinds.APPOINTMENT_BOOKED)),
    )
    return {**answered, **log}


def _read(
    member: Membership, parts: Sequence[Part], up: Sequence[Any], now: datetime
) -> dict[str, list[Any]]:
    """The leads of each part as plain rows, one more than it shows, and those of appointments."""
    leads = visible_leads(member).filter(IS_OPEN)
    met = leads.filter(~WAITING.condition(member, now), pk__in=[one.lead_id for one in up])
    queries = [
        _rows(part.key, leads.filter(part.which).order_by(*part.order))[: part.most + 1]
        for part in parts
    ]
    found: dict[str, list[Any]] = {MET: [], **{part.key: [] for part in parts}}
    for lead in queries[0].union(*queries[1:], _rows(MET, met), all=True):
        found[lead.section].append(lead)
    for part in parts:  # a union promises no order
        found[part.key].sort(key=_by_due, reverse=part.order == ("-created_at",))
    return found


def _rows(section: str, leads: QuerySet[Lead]) -> QuerySet[Any, Any]:
    """Leads, each with its next task and the last line of its conversation."""
    tasks = Task.objects.filter(lead=OuterRef("pk"), done_at=None).order_by("due_at")
    said = Message.objects.filter(lead=OuterRef("pk")).exclude(body="").order_by("-occurred_at")
    return leads.annotate(
        section=Value(section, CharField()),
        step_id=Subquery(tasks.values("pk")[:1]),
        next_step=Subquery(tasks.values("title")[:1]),
        last_line=Subquery(said.annotate(start=Left("body", LAST_LINE)).values("start")[:1]),
    ).values_list(*READ, named=True)


def _by_due(lead: Any) -> tuple[datetime, datetime]:
    return lead.work_due_at or lead.created_at, lead.created_at


def _section(part: Part, leads: Sequence[Any], now: datetime) -> Section:
    rows = [Row(lead, part.why(lead, now), lead.work_due_at) for lead in leads[: part.most]]
    query = {"view": part.view, **({"owner": part.whose} if part.whose else {})}
    return Section(part.key, part.title, rows, urlencode(query), len(leads) > part.most)


def _step(lead: Any, now: datetime) -> str:
    return next_step(lead)


def _replied(lead: Any, now: datetime) -> str:
    return f"Replied {relative(lead.unread_since, now)}"


def _idle(lead: Any, now: datetime) -> str:
    return "No next step"


def _meeting(leads: Mapping[uuid.UUID, Any], one: Any) -> Row:
    return Row(leads[one.lead_id], one.title or "Appointment", one.scheduled_for, one)


def _is_up(one: Any, now: datetime) -> bool:
    """Whether a booked appointment is near, or past and without an outcome."""
    return one.status == Appointment.Status.SCHEDULED and one.scheduled_for <= now + SOON


def _asks(one: Any, now: datetime) -> bool:
    return bool(one.scheduled_for <= now - ASKS_AFTER)


def ids_of(sections: Iterable[Section]) -> list[uuid.UUID]:
    """The leads in the order of the queue, each once."""
    return list(dict.fromkeys(row.lead.pk for section in sections for row in section.rows))


def turn_href(slug: str, lead_id: uuid.UUID, whose: str, turn: int) -> str:
    """The address of a lead as a turn of the queue: see `day_turns`."""
    query = urlencode({LIST: urlencode({DAY: whose}), AT: turn})
    return f"{reverse('lead-detail', args=[slug, lead_id])}?{query}"


def _start(request: PageRequest, sections: Sequence[Section], whose: str) -> str:
    """The address of the first lead of the queue; nothing where the queue is empty."""
    ids = ids_of(sections)
    return turn_href(request.workspace.slug, ids[0], whose, 0) if ids else ""


def _shown(sections: Iterable[Section], meetings: Iterable[Any]) -> list[uuid.UUID]:
    """The leads by whose change the page changes."""
    return list(dict.fromkeys([*ids_of(sections), *(one.lead_id for one in meetings)]))
