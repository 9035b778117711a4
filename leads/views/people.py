"""Contacts and companies: the people and organisations behind the leads."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leadcrm.workspaces.pages import PageRequest, show
from leads.access import (
    access_company,
    access_contact,
    visible_companies,
    visible_contacts,
    visible_leads,
)
from leads.models import ContactKey
from leads.views.keyset import BadCursor, decode, encode

PAGE = 50
LEADS = 100


@require_safe
def contact_list(request: PageRequest) -> HttpResponse:
    """People by name, found by the start of a name, an e-mail address or a phone number."""
    text = _text(request)
    people = visible_contacts(request.membership).select_related("company")
    if text:
        keys = ContactKey.objects.filter(value__startswith=text.replace(" ", ""))
        people = people.annotate(lower=Lower("display_name")).filter(
            Q(lower__startswith=text) | Q(pk__in=keys.values("contact"))
        )
    return _list(request, people, "display_name", "leads/contacts.html")


@require_safe
def contact_detail(request: PageRequest, contact_id: uuid.UUID) -> HttpResponse:
    contact = access_contact(request.membership, contact_id)
    context = {
        "contact": contact,
        "keys": list(ContactKey.objects.filter(contact=contact)),
        "leads": _leads(request, Q(contact=contact)),
    }
    return show(request, "leads/contact.html", context)


@require_safe
def company_list(request: PageRequest) -> HttpResponse:
    """Companies by name, found by the start of a name or domain."""
    text = _text(request)
    companies = visible_companies(request.membership)
    if text:
        companies = companies.annotate(lower=Lower("name")).filter(
            Q(lower__startswith=text) | Q(domain__startswith=text)
        )
    return _list(request, companies, "name", "leads/companies.html")


@require_safe
def company_detail(request: PageRequest, company_id: uuid.UUID) -> HttpResponse:
    company = access_company(request.membership, company_id)
    people = visible_contacts(request.membership).filter(company=company)
    context = {
        "company": company,
        "contacts": people.order_by(Lower("display_name"))[:LEADS],
        "leads": _leads(request, Q(company=company)),
    }
    return show(request, "leads/company.html", context)


def _text(request: PageRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").lower().split())[:200]


def _leads(request: PageRequest, which: Q) -> list[Any]:
    rows = visible_leads(request.membership).filter(which, merged_into=None)
    return list(rows.for_list().order_by("-created_at")[:LEADS])  # type: ignore[attr-defined]


def _list(request: PageRequest, rows: QuerySet[Any], name: str, template: str) -> HttpResponse:
    """A page in the order of names, after the cursor of the address."""
    rows = rows.annotate(sort_name=Lower(name)).order_by(F("sort_name"), "id")
    if after := request.GET.get("after", ""):
        rows = rows.filter(_after(after))
    found = list(rows[: PAGE + 1])
    page, more = found[:PAGE], len(found) > PAGE
    context = {
        "rows": page,
        "q": request.GET.get("q", ""),
        "after": after,
        "next": encode(page[-1].sort_name, str(page[-1].pk)) if more else "",
    }
    return show(request, template, context)


def _after(cursor: str) -> Q:
    name, row_id = decode(cursor, 2)
    try:
        key = uuid.UUID(row_id)
    except (TypeError, ValueError, AttributeError):
        raise BadCursor from None
    if not isinstance(name, str) or "\x00" in name:
        raise BadCursor
    return Q(sort_name__gt=name) | Q(sort_name=name, pk__gt=key)
