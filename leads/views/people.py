"""Contacts and companies: the lists of the people and organisations behind the leads."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import may
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leadcrm.workspaces.paging import BadCursor, pack, unpack
from leads.access import visible_companies, visible_contacts, visible_leads
from leads.draft_values import UNSTORABLE
from leads.models.lead import IS_OPEN
from leads.searching_people import Found, find_companies, find_contacts, plain

PAGE = 50


@dataclass(slots=True)
class Summary:
    """What the viewer's leads say about a person or company of a list."""

    open: int = 0
    last_activity_at: datetime | None = None
    people: int = 0


@require_safe
def contact_list(request: PageRequest) -> HttpResponse:
    """People by name, found by any part of name, e-mail address or phone number."""
    member = request.membership

    def find(text: str) -> Found:
        return find_contacts(visible_leads(member), text, request.workspace.country)

    people = visible_contacts(member).select_related("company")
    context = _page(request, people, "display_name", find)
    _sum_up(member, "contact", context["rows"])
    return _show(request, "leads/contacts.html", "leads/_contacts.html", context)


@require_safe
def company_list(request: PageRequest) -> HttpResponse:
    """Companies by name, found by any part of name or domain."""
    member = request.membership

    def find(text: str) -> Found:
        return find_companies(visible_leads(member), text)

    context = _page(request, visible_companies(member), "name", find)
    _sum_up(member, "company", context["rows"])
    people = visible_contacts(member).filter(company__in=context["rows"]).order_by()
    counts = dict(people.values_list("company").annotate(count=Count("pk")))
    for company in context["rows"]:
        company.summary.people = counts.get(company.pk, 0)
    return _show(request, "leads/companies.html", "leads/_companies.html", context)


def _page(
    request: PageRequest, rows: QuerySet[Any], name: str, find: Callable[[str], Found]
) -> dict[str, Any]:
    """A page in the order of names, after the cursor of the address."""
    rows = rows.annotate(sort_name=Lower(name)).order_by(F("sort_name"), "id")
    query, cut = request.GET.get("q", ""), False
    if plain(query):
        found = find(query)
        rows, cut = rows.filter(pk__in=found.ids), found.cut
    if after := request.GET.get("after", ""):
        rows = rows.filter(_after(after))
    taken = list(rows[: PAGE + 1])
    page, more = taken[:PAGE], len(taken) > PAGE
    return {
        "rows": page,
        "q": query,
        "is_search": bool(plain(query)),
        "is_cut": cut,
        "after": after,
        "next": pack([page[-1].sort_name, str(page[-1].pk)]) if more else "",
        "may_add": may(request.membership, "edit"),
    }


def _show(request: PageRequest, page: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """The page, or for HTMX its rows alone."""
    if wants_fragment(request) and request.htmx.target == "people":
        return show(request, part, context)
    has_companies = visible_companies(request.membership).exists()
    return show(request, page, context | {"has_companies": has_companies})


def _sum_up(membership: Membership, by: str, rows: Sequence[Any]) -> None:
    """Give each row of a page its `summary`, in one query."""
    leads = visible_leads(membership).filter(**{f"{by}__in": rows}, merged_into=None).order_by()
    counts = leads.values_list(by).annotate(
        open=Count("pk", filter=IS_OPEN), active=Max("last_activity_at")
    )
    found = {pk: Summary(count, active) for pk, count, active in counts}
    for row in rows:
        row.summary = found.get(row.pk, Summary())


def _after(cursor: str) -> Q:
    name, row_id = unpack(cursor, 2)
    try:
        key = uuid.UUID(row_id)
    except (TypeError, ValueError, AttributeError):
        raise BadCursor from None
    if not isinstance(name, str) or UNSTORABLE.search(name):
        raise BadCursor
    return Q(sort_name__gt=name) | Q(sort_name=name, pk__gt=key)
