"""Working through My day: the lead's own page with the queue beside it, and who comes next.

A link of the queue names it in the place of a list (`day=me`) and the turn in it (`at`): when the
lead has left the queue, the next one stands at its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse

from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest
from leads.models import Lead
from leads.views.day import (
    DAY,
    TEAM,
    Row,
    Section,
    ids_of,
    may_see_team,
    read_meetings,
    read_queue,
    turn_href,
)
from leads.views.neighbours import Neighbour, Neighbours, Place, place_of

# After these the work on a lead is done for now.
MOVES_ON = frozenset(
    {
        "call", "snooze", "task-done", "close", "recycle", "appointment-attend",
        "appointment-no-show",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """A lead of the queue with the address that opens it as part of the queue."""

    row: Row
    href: str
    is_current: bool


@dataclass(slots=True)
class Turns(Neighbours):
    """The queue around a lead: which turn it is of how many, and all of them by section."""

    position: str = ""
    sections: list[tuple[Section, list[Turn]]] = field(default_factory=list)


def read_turns(request: PageRequest, lead: Lead, now: datetime) -> Turns | None:
    """The queue around a lead that was opened from it, or None for any other page."""
    place = _place(request, lead)
    if place is None:
        return None
    slug, whose = request.workspace.slug, str(place.params[DAY])
    sections = _queue(request.membership, whose, now)
    ids = ids_of(sections)
    turn = ids.index(lead.pk) if lead.pk in ids else _turn(place, len(ids))
    turns = Turns("My day", _home(slug, whose))
    others = [pk for pk in ids if pk != lead.pk]
    names = {row.lead.pk: row.lead.display_name for one in sections for row in one.rows}
    for side, at in (("before", turn - 1), ("after", turn)):
        if 0 <= at < len(others):
            place_in_all = ids.index(others[at])
            href = turn_href(slug, others[at], whose, place_in_all)
            setattr(turns, side, Neighbour(names[others[at]], href))
    if lead.pk in ids:
        turns.position = f"{turn + 1} of {len(ids)}"
    for one in sections:
        links = [
            Turn(
                row,
                turn_href(slug, row.lead.pk, whose, ids.index(row.lead.pk)),
                row.lead.pk == lead.pk,
            )
            for row in one.rows
        ]
        turns.sections.append((one, links))
    return turns


def next_turn(request: PageRequest, lead: Lead, now: datetime) -> str:
    """Where to go on when the work on a lead is done; nothing outside the queue.

    It is the lead that has taken the turn, or My day after the last.
    """
    place = _place(request, lead)
    if place is None:
        return ""
    slug, whose = request.workspace.slug, str(place.params[DAY])
    ids = ids_of(_queue(request.membership, whose, now))
    left = [pk for pk in ids if pk != lead.pk]
    turn = _turn(place, len(ids))
    if turn >= len(left):
        return _home(slug, whose)
    return turn_href(slug, left[turn], whose, ids.index(left[turn]))


def _place(request: PageRequest, lead: Lead) -> Place | None:
    place = place_of(request, lead)
    return place if place is not None and DAY in place.params else None


def _queue(member: Membership, whose: str, now: datetime) -> list[Section]:
    of_team = whose == TEAM and may_see_team(member)
    return read_queue(member, read_meetings(member, now, of_team=of_team), now, of_team=of_team)


def _turn(place: Place, most: int) -> int:
    return min(int(place.at), most) if place.at.isdecimal() and len(place.at) < 6 else 0


def _home(slug: str, whose: str) -> str:
    return reverse("my-day", args=[slug]) + (f"?of={TEAM}" if whose == TEAM else "")
