"""Finding people and companies by text, through the leads that the seeker may see."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Lower

from leads import identity
from leads.models import Company, Contact, ContactKey, Lead
from leads.searching import LONGEST, UNSTORABLE, search

MOST = 200  # of each way to be found
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """The ids that a text finds. `cut` says that there are more."""

    ids: set[uuid.UUID]
    cut: bool = False


def find_contacts(leads: QuerySet[Lead], query: str, country: str) -> Found:
    """People by any part of name, e-mail address, phone number or company of their leads, or by
    the start of their own name, addresses and numbers.

    `leads` are those that the seeker may see: of long lists, the newest decide. What is found
    apart from leads still has to be narrowed down to what the seeker may see.
    """
    text = plain(query)
    named = Contact.objects.annotate(lower=Lower("display_name")).filter(_starts("lower", text))
    keyed = ContactKey.objects.filter(_names_key(text, country))
    led = search(leads.filter(contact__isnull=False), text).order_by("-created_at")
    return _together(
        named.order_by().values_list("pk", _way("name"))[: MOST + 1],
        keyed.order_by().values_list("contact", _way("key"))[: MOST + 1],
        led.values_list("contact", _way("lead"))[: MOST + 1],
    )


def find_companies(leads: QuerySet[Lead], query: str) -> Found:
    """Companies by the start of their name or domain, or any part of those on leads."""
    text = plain(query)
    lower = Company.objects.annotate(lower=Lower("name"))
    named = lower.filter(_starts("lower", text))
    domains = Company.objects.filter(_starts("domain", text))
    holds = Q(company__name__icontains=text) | Q(company__domain__contains=text)
    led = search(leads.filter(company__isnull=False), text).filter(holds).order_by("-created_at")
    return _together(
        named.order_by().values_list("pk", _way("name"))[: MOST + 1],
        domains.order_by().values_list("pk", _way("key"))[: MOST + 1],
        led.values_list("company", _way("lead"))[: MOST + 1],
    )


def plain(query: str) -> str:
    """A query as it is compared: lower-case, one space between words."""
    return " ".join(UNSTORABLE.sub(" ", query).lower().split())[:LONGEST]


def _names_key(text: str, country: str) -> Q:
    kinds = ContactKey.Kind
    condition = Q(kind=kinds.EMAIL) & _starts("value", text)
    digits = "".join(char for char in text if char.isdigit())
    if text.startswith("+") and digits:
        condition |= Q(kind=kinds.PHONE) & _starts("value", f"+{digits}")
    if phone := identity.canonical_phone(text, country):
        condition |= Q(kind=kinds.PHONE, value=phone)
    return condition


def _starts(name: str, text: str) -> Q:
    """A range as well, which any index serves in the order of code points."""
    bounds = {f"{name}__gte": text, f"{name}__lt": text + LAST_CHARACTER}
    return Q(**bounds) & Q(**{f"{name}__startswith": text})


def _way(name: str) -> Value:
    return Value(name, output_field=CharField())


def _together(*ways: QuerySet[Any, Any]) -> Found:
    """The ids of all ways, in one query."""
    first, *others = ways
    rows = list(first.union(*others, all=True))
    counts = Counter(way for _, way in rows)
    return Found({pk for pk, _ in rows}, cut=any(count > MOST for count in counts.values()))
