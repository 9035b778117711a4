"""Finding leads by text: what is indexed, and how a query of any length is answered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Left, StrIndex
from django.db.models.lookups import GreaterThan

from leadcrm.workspaces.inserting import insert_rows
from leadcrm.workspaces.new_rows import new_row
from leads.models import Lead, LeadSearch
from leads.models.lead import PREFIX

FIELDS = frozenset(
    {
        "display_name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "phone_raw",
        "company_name",
        "created_at",
    }
)
TRIGRAM = 3
LOOKED_UP = 8
LONGEST = 200
NUMBER = re.compile(r"[\d\s()+./-]+", re.ASCII)
# Two letters are no trigram, but with the blank before them they are; the index knows any of these
# separators as a blank.
WORD_START = "(^|[ .@_-])"
# PostgreSQL takes neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_of(lead: Lead) -> str:
    """What a lead is found by, lower-case, its name first."""
    words = dict.fromkeys(
        word.strip().lower()
        for word in (
            lead.display_name,
            f"{lead.first_name} {lead.last_name}",
            lead.email,
            lead.phone,
            lead.phone_raw,
            "" if lead.phone else _digits(lead.phone_raw),
            lead.company_name,
        )
    )
    return " ".join(word for word in words if word)


def add(leads: Sequence[Lead]) -> None:
    """Write the search rows of new leads, in the transaction that adds them."""
    insert_rows(_rows(leads))


def refresh(leads: Sequence[Lead]) -> None:
    """Write the search rows of leads, in the transaction that changed them."""
    if not leads:
        return
    LeadSearch.objects.bulk_create(
        _rows(leads),
        1000,
        update_conflicts=True,
        unique_fields=["lead"],
        update_fields=["created_at", "text"],
    )


def _rows(leads: Sequence[Lead]) -> list[LeadSearch]:
    return [
        new_row(
            LeadSearch,
            lead_id=lead.pk,
            workspace_id=lead.workspace_id,
            created_at=lead.created_at,
            text=text_of(lead),
        )
        for lead in sorted(leads, key=lambda lead: lead.pk)
    ]


def search(leads: QuerySet[Lead], query: str) -> QuerySet[Lead]:
    """Leads whose text holds each word of the query.

    A word of three letters or more is found anywhere; one of fewer, beside others, where a word
    starts; a query shorter than that by the start of the name. A phone number is found in any
    of the ways to write it.
    """
    text = " ".join(UNSTORABLE.sub(" ", query).lower().split())[:LONGEST]
    if not text:
        return leads
    rows = LeadSearch.objects.all()
    if len(text) < TRIGRAM:
        return leads.filter(
            pk__in=rows.annotate(start=Left("text", PREFIX))
            .filter(start__startswith=text)
            .values("lead")
        )
    return leads.filter(pk__in=rows.filter(_holds(text)).values("lead"))


def _holds(text: str) -> Q:
    if number := _number(text):
        return _contains(number) if number in text else _contains(number) | _contains(text)
    condition = Q()
    for word in text.split():
        is_short = len(word) < TRIGRAM and word.isalnum()
        condition &= Q(text__regex=f"{WORD_START}{word}") if is_short else _contains(word)
    return condition


def _number(text: str) -> str:
    """The digits by which a phone number is kept; empty for what isn't part of one.

    A leading zero is dialled at home and left out of the international number, as is the one
    in `+49 (0)151`.
    """
    if not NUMBER.fullmatch(text):
        return ""
    digits = _digits(text.replace("(0)", "")).lstrip("0")
    return digits if len(digits) >= TRIGRAM else ""


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _contains(word: str) -> Q:
    """The index looks for the start of a long word: each further trigram, as those of an e-mail
    provider's name, is one more list to go through for rows that the start has found already."""
    start = Q(text__contains=word[:LOOKED_UP])
    if len(word) <= LOOKED_UP:
        return start
    return start & Q(GreaterThan(StrIndex("text", Value(word)), 0))
