"""One search over leads, people and companies: what the top bar and the palette show.

The leads that the text finds are read once, few of them; people and companies follow from them,
and from the start of their own names, addresses and numbers. Nothing grows with the workspace.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.models import Q, QuerySet, UUIDField, Value

from leadcrm.workspaces.compiled import is_among
from leadcrm.workspaces.models import Membership
from leads.access import visible_companies, visible_contacts, visible_leads
from leads.models import Lead, LeadSearch
from leads.pipelines import Outcome
from leads.searching import search
from leads.searching_people import Found, find_named, plain

MOST = 200  # leads that are looked at; from there on a count says 200+
WALKED = 5_000  # the newest leads, among which those that very many share are looked for


class Hit(NamedTuple):
    """A lead that the text finds, with the person and the company behind it."""

    pk: uuid.UUID
    contact: uuid.UUID | None
    company: uuid.UUID | None
    name: str
    outcome: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """The best rows of one kind, and how many there are: exact, unless there are more."""

    rows: list[Any] = field(default_factory=list)
    count: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Everything:
    """What a text finds of each kind."""

    leads: Group = Group()
    people: Group = Group()
    companies: Group = Group()

    @property
    def count(self) -> int:
        return self.leads.count + self.people.count + self.companies.count


def search_everything(membership: Membership, query: str, country: str, each: int) -> Everything:
    """Leads, people and companies by any part of name, e-mail, company, or phone in any format.

    Args:
        membership: Who searches; only what they may see is found.
        query: What was typed; the empty text finds nothing.
        country: The country whose numbers are written without its code, as `DE`.
        each: How many rows of each kind to read.

    Returns:
        The groups, each with names that start with the text first, then open leads, then the
        newest. A lead is a row of `pk, display_name, company_name, email, phone, status`, the
        label of its `stage` and the name of its `owner`.
    """
    text = plain(query)
    if not text:
        return Everything()
    hits, more = find_leads(membership, text)
    people, companies = find_named(text, country)
    return Everything(
        leads=_leads(hits, more, text, each),
        people=_people(membership, hits, more, text, people, each),
        companies=_companies(membership, hits, more, text, companies, each),
    )


def find_leads(membership: Membership, text: str) -> tuple[list[Hit], bool]:
    """The leads that hold the text, the newest first, and whether there are more of them.

    Where very many do, those among the newest of the workspace, and any others.
    """
    found = search(visible_leads(membership).filter(archived_at=None), text).order_by()
    hits = _hits(found[: MOST + 1])
    if len(hits) <= MOST:
        return sorted(hits, key=_age), False
    lately = LeadSearch.objects.order_by("-created_at").values_list("created_at", flat=True)
    since = lately[WALKED : WALKED + 1].first()
    if since is not None:
        newest = found.filter(search__created_at__gt=since).order_by("-search__created_at")
        hits = list(dict.fromkeys([*_hits(newest[:MOST]), *hits]))
    return sorted(hits, key=_age)[:MOST], True


def _hits(leads: QuerySet[Lead]) -> list[Hit]:
    columns = ("pk", "contact", "company", "display_name", "outcome", "created_at")
    return [Hit(*row) for row in leads.values_list(*columns)]


def _age(hit: Hit) -> float:
    return -hit.created_at.timestamp()


def _leads(hits: list[Hit], more: bool, text: str, each: int) -> Group:
    def rank(hit: Hit) -> tuple[int, bool]:
        return _fit(hit.name, text), hit.outcome != Outcome.OPEN

    best = [hit.pk for hit in sorted(hits, key=rank)[:each]]
    if not best:
        return Group()
    rows = Lead.objects.filter(pk__in=best).values(
        *("pk", "display_name", "company_name", "email", "phone", "status", "is_test"),
        *("stage__label", "owner__name"),
    )
    return Group(_in_order(rows, best, lambda row: row["pk"]), len(hits), more)


def _people(
    membership: Membership, hits: list[Hit], more: bool, text: str, named: Found, each: int
) -> Group:
    ids = list(dict.fromkeys([*(hit.contact for hit in hits if hit.contact), *named.ids]))
    found = visible_contacts(membership).filter(_among(ids))
    rows: list[Any] = list(
        found.values("pk", "display_name", "company_name", "email", "phone", "job_title")
    )
    return _best(rows, ids, "display_name", text, each, more or named.cut)


def _companies(
    membership: Membership, hits: list[Hit], more: bool, text: str, named: Found, each: int
) -> Group:
    ids = list(dict.fromkeys([*(hit.company for hit in hits if hit.company), *named.ids]))
    holds = Q(name__icontains=text) | Q(domain__contains=text)
    found = visible_companies(membership).filter(_among(ids), holds)
    rows: list[Any] = list(found.values("pk", "name", "domain", "phone"))
    return _best(rows, ids, "name", text, each, more or named.cut)


def _best(
    rows: list[Any], ids: list[uuid.UUID], name: str, text: str, each: int, more: bool
) -> Group:
    newest_first = _in_order(rows, ids, lambda row: row["pk"])
    ranked = sorted(newest_first, key=lambda row: _fit(row[name], text))
    return Group(ranked[:each], len(ranked), more)


def _among(ids: list[uuid.UUID]) -> Any:
    """As an array: each is looked up, whatever the planner believes of how many they are."""
    return is_among("pk", Value(ids, ArrayField(UUIDField())))


def _in_order(
    rows: Iterable[Any], order: list[uuid.UUID], key: Callable[[Any], uuid.UUID]
) -> list[Any]:
    place = {pk: at for at, pk in enumerate(order)}
    return sorted(rows, key=lambda row: place[key(row)])


def _fit(name: str, text: str) -> int:
    """0 for a name that starts with the text, 1 where one of its words does, 2 for any other."""
    lower = name.lower()
    if lower.startswith(text):
        return 0
    return 1 if f" {text}" in lower else 2
