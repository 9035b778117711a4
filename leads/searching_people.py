"""Finding people and companies by text, through the leads that the seeker may see."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import phonenumbers
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Lower

from leads import identity
from leads.models import Company, Contact, ContactKey, Lead
from leads.searching import LONGEST, NUMBER, TRIGRAM, UNSTORABLE, search

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
    led = search(leads.filter(contact__isnull=False), text).order_by("-created_at")
    return _together(
        *_ways_to_contacts(text, country), led.values_list("contact", _way("lead"))[: MOST + 1]
    )


def find_named(text: str, country: str) -> tuple[Found, Found]:
    """People and companies by the start of their own names, addresses, numbers and domains, in one
    query; `text` is plain, and nothing is narrowed down to what somebody may see."""
    ways = (*_ways_to_contacts(text, country), *_ways_to_companies(text))
    rows = list(ways[0].union(*ways[1:], all=True))
    people = [row for row in rows if row[1] in ("name", "key")]
    companies = [row for row in rows if row[1] in ("company", "domain")]
    return _found(people), _found(companies)


def find_companies(leads: QuerySet[Lead], query: str) -> Found:
    """Companies by the start of their name or domain, or any part of those on leads."""
    text = plain(query)
    holds = Q(company__name__icontains=text) | Q(company__domain__contains=text)
    led = search(leads.filter(company__isnull=False), text).filter(holds).order_by("-created_at")
    return _together(
        *_ways_to_companies(text), led.values_list("company", _way("lead"))[: MOST + 1]
    )


def plain(query: str) -> str:
    """A query as it is compared: lower-case, one space between words."""
    return " ".join(UNSTORABLE.sub(" ", query).lower().split())[:LONGEST]


def _ways_to_contacts(text: str, country: str) -> list[QuerySet[Any, Any]]:
    named = Contact.objects.annotate(lower=Lower("display_name")).filter(_starts("lower", text))
    keyed = ContactKey.objects.filter(_names_key(text, country))
    return [
        named.order_by().values_list("pk", _way("name"))[: MOST + 1],
        keyed.order_by().values_list("contact", _way("key"))[: MOST + 1],
    ]


def _ways_to_companies(text: str) -> list[QuerySet[Any, Any]]:
    named = Company.objects.annotate(lower=Lower("name")).filter(_starts("lower", text))
    domains = Company.objects.filter(_starts("domain", text))
    return [
        named.order_by().values_list("pk", _way("company"))[: MOST + 1],
        domains.order_by().values_list("pk", _way("domain"))[: MOST + 1],
    ]


def _names_key(text: str, country: str) -> Q:
    kinds = ContactKey.Kind
    condition = Q(kind=kinds.EMAIL) & _starts("value", text)
    for number in _starts_of_numbers(text, country):
        condition |= Q(kind=kinds.PHONE) & _starts("value", number)
    if phone := identity.canonical_phone(text, country):
        condition |= Q(kind=kinds.PHONE, value=phone)
    return condition


def _starts_of_numbers(text: str, country: str) -> list[str]:
    """How international numbers may begin that begin as typed: `+49151`, `0049151`, `0151`."""
    if not NUMBER.fullmatch(text):
        return []
    digits = "".join(char for char in text.replace("(0)", "") if char.isdigit())
    if text.startswith("+"):
        return [f"+{digits}"] if digits else []
    if digits.startswith("00"):
        return [f"+{digits[2:]}"] if digits[2:] else []
    code = phonenumbers.country_code_for_region(country)
    national = digits.lstrip("0")
    return [f"+{code}{national}"] if code and len(national) >= TRIGRAM else []


def _starts(name: str, text: str) -> Q:
    """A range as well, which any index serves in the order of code points."""
    bounds = {f"{name}__gte": text, f"{name}__lt": text + LAST_CHARACTER}
    return Q(**bounds) & Q(**{f"{name}__startswith": text})


def _way(name: str) -> Value:
    return Value(name, output_field=CharField())


def _together(*ways: QuerySet[Any, Any]) -> Found:
    """The ids of all ways, in one query."""
    first, *others = ways
    return _found(list(first.union(*others, all=True)))


def _found(rows: list[tuple[uuid.UUID, str]]) -> Found:
    counts = Counter(way for _, way in rows)
    return Found({pk for pk, _ in rows}, cut=any(count > MOST for count in counts.values()))
