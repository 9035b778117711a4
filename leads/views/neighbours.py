"""The leads before and after this one in the list that it was opened from.

A link of the list carries the list's own query (`list`) and the place of the lead in it (`at`),
so that the next lead is still found when the work on this one has taken it out of the list.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet, Value
from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse

from leadcrm.workspaces.pages import PageRequest, shown_url, wants_fragment
from leadcrm.workspaces.paging import BadCursor, cursor_of, read_cursor, stretches
from leads.models import Lead
from leads.sorts import AT, LIST
from leads.views.list import listing

COOKIE = "lead_list"
LONGEST = 2000  # of a list's query; cookies and addresses take no more
KEPT = 12 * 3600  # seconds
COLUMNS = ("work_due_at", "created_at", "last_activity_at")


@dataclass(frozen=True, slots=True)
class Neighbour:
    name: str
    href: str


@dataclass(slots=True)
class Neighbours:
    """Where the lead stands in the list that it was opened from."""

    label: str
    href: str
    before: Neighbour | None = None
    after: Neighbour | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A list and a place in it."""

    query: str
    at: str = ""
    params: QueryDict = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", QueryDict(self.query))


def read_neighbours(request: PageRequest, lead: Lead, now: datetime) -> Neighbours | None:
    """Both neighbours in one query, or None for a page that wasn't opened from a list."""
    place = place_of(request, lead)
    if place is None:
        return None
    try:
        found = listing(request, now, place.params)
    except Http404:  # a view that was deleted since
        return None
    sort, slug = found.sort, request.workspace.slug
    home = f"{reverse('lead-list', args=[slug])}?{place.query}"
    neighbours = Neighbours(found.label, home)
    if not found.valid:
        return neighbours
    try:
        at = read_cursor(place.at or cursor_of(lead, sort), sort)
        leads = found.leads.exclude(pk=lead.pk)
        sides = {"after": stretches(leads, sort, at), "before": stretches(leads, sort.back, at)}
    except BadCursor:
        return neighbours
    first, *others = [
        _first(rows, side, turn) for side in sides for turn, rows in enumerate(sides[side])
    ]
    nearest_last = sorted(first.union(*others, all=True), key=itemgetter(1), reverse=True)
    for side, _, row_id, name, *values in nearest_last:
        row = Lead(pk=row_id, **dict(zip(COLUMNS, values, strict=True)))
        query = urlencode({LIST: place.query, AT: cursor_of(row, sort)})
        href = f"{reverse('lead-detail', args=[slug, row_id])}?{query}"
        setattr(neighbours, side, Neighbour(name, href))
    return neighbours


def remember(request: PageRequest, response: HttpResponse, lead: Lead) -> HttpResponse:
    """Have plain forms, whose answer is a redirect, come back to the lead as part of its list."""
    query = request.GET.get(LIST)
    if query is not None and len(query) <= LONGEST:
        at = request.GET.get(AT, "")[:LONGEST]
        value = urlencode({"of": lead.pk, LIST: query, AT: at})
        path = reverse("lead-list", args=[request.workspace.slug])
        response.set_cookie(
            COOKIE,
            value,
            max_age=KEPT,
            path=path,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


def place_of(request: PageRequest, lead: Lead) -> Place | None:
    """What the lead was opened from: its query and the place in it.

    It is told by the address, the address of the page that HTMX asks from, or the cookie.
    """
    params = request.GET
    if LIST not in params and wants_fragment(request):
        params = QueryDict(shown_url(request).query)
    found = (params.get(LIST), params.get(AT, ""))
    query, at = found if LIST in params else _remembered(request, lead.pk)
    if query is None or len(query) > LONGEST:
        return None
    return Place(query, at)


def _remembered(request: PageRequest, lead_id: uuid.UUID) -> tuple[str | None, str]:
    kept = QueryDict(request.COOKIES.get(COOKIE, "")[: 3 * LONGEST])
    if kept.get("of") != str(lead_id):
        return None, ""
    return kept.get(LIST), kept.get(AT, "")


def _first(leads: QuerySet[Lead], side: str, turn: int) -> QuerySet[Any, Any]:
    """The nearest lead of a stretch of the list; `turn` counts the stretches from the lead on."""
    marked = leads.annotate(side=Value(side), turn=Value(turn))
    return marked.values_list("side", "turn", "pk", "display_name", *COLUMNS)[:1]
