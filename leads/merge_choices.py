"""Whose value of each field a merge keeps: the choices there are, and those that go without saying."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadcrm.workspaces.actors import Rank
from leads.models import Contact, Lead
from leads.provenance import is_blank, rank_of

# A choice, and the fields that it decides together.
CHOICES: dict[str, tuple[str, ...]] = {
    "display_name": ("display_name", "first_name", "last_name"),
    "email": ("email",),
    "phone": ("phone", "phone_raw"),
    "company_name": ("company_name", "company"),
    "job_title": ("job_title",),
    "state": ("state",),
    "country": ("country",),
    "time_zone": ("time_zone",),
    "message": ("message",),
    "notes": ("notes",),
    "label": ("label",),
    "source": ("source", "source_kind"),
    "source_detail": ("source_detail",),
    "campaign": ("campaign",),
    "location": ("location",),
    "budget": ("budget", "budget_currency"),
    "authority": ("authority",),
    "need": ("need",),
    "timeline": ("timeline",),
    "enrollment": ("enrollment",),
}  # fmt: skip
# Of these, what a person has, too.
OF_PERSON = (
    "display_name", "email", "phone", "company_name", "job_title", "state", "country", "time_zone",
)  # fmt: skip
# Where they first came from is credited: of these the oldest wins, not the newest.
ATTRIBUTION = frozenset({"source", "source_detail", "campaign"})
SET_BY = {
    Rank.PERSON: "a person set it",
    Rank.HUBSPOT: "from HubSpot",
    Rank.IMPORT: "from an import or integration",
    Rank.PROSPECT: "they said so",
    Rank.ENRICHMENT: "looked up",
}
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that one side has, who set it and when; `rank` None where that isn't known."""

    side: uuid.UUID
    value: Any
    rank: Rank | None
    at: datetime

    @property
    def why(self) -> str:
        return SET_BY[self.rank] if self.rank is not None else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A field that the sides differ in, with what each has, and whose value wins by itself."""

    name: str
    candidates: list[Candidate]
    chosen: uuid.UUID


def choices_of_leads(leads: Sequence[Lead]) -> list[Choice]:
    """The fields in which leads differ. The root is the first.

    The value of the highest rank wins, of those the newest (the oldest in ATTRIBUTION), of those the
    root's: what a person set stands over what a form said. An empty value never wins.
    """
    return _choices(leads, tuple(CHOICES), _of_lead)


def choices_of_contacts(contacts: Sequence[Contact]) -> list[Choice]:
    """The fields in which people differ. The one who is kept is the first, and wins."""
    return _choices(contacts, OF_PERSON, _of_contact)


def _choices(rows: Sequence[Any], names: Sequence[str], candidate: Any) -> list[Choice]:
    found = []
    for name in names:
        candidates = [candidate(row, name) for row in rows]
        if len({_compared(one.value) for one in candidates}) > 1:
            claim = _claim_of_first if name in ATTRIBUTION else _claim
            best = max(candidates, key=claim)  # the first of equals, which is the root's
            found.append(Choice(name, candidates, best.side))
    return found


def _claim(one: Candidate) -> tuple[bool, int, datetime]:
    """How strong a value is."""
    return not is_blank(one.value), int(one.rank or 0), one.at if one.rank is not None else NEVER


def _claim_of_first(one: Candidate) -> tuple[bool, int, float]:
    return not is_blank(one.value), int(one.rank or 0), -one.at.timestamp()


def _of_lead(lead: Lead, name: str) -> Candidate:
    entry = lead.provenance.get(name)
    at = datetime.fromisoformat(entry["at"]) if entry else lead.created_at
    return Candidate(lead.pk, getattr(lead, name), rank_of(lead, name), at)


def _of_contact(contact: Contact, name: str) -> Candidate:
    """Nothing remembers who set the fields of a person, so of two values the kept one's wins."""
    return Candidate(contact.pk, getattr(contact, name), None, contact.created_at)


def _compared(value: Any) -> str:
    return " ".join(str("" if value is None else value).split()).casefold()


def values_of(lead: Lead, name: str) -> Mapping[str, Any]:
    """What a choice takes over from a lead, by column."""
    return {one: getattr(lead, one) for one in CHOICES[name]}


def entry_of(lead: Lead, name: str) -> dict[str, Any]:
    """Who set a field of a lead, as provenance holds it."""
    held = lead.provenance.get(name)
    source = lead.source.name if lead.source else lead.source_kind
    return held or {
        "rank": int(rank_of(lead, name)),
        "at": lead.created_at.isoformat(),
        "by": "",
        "source": source,
    }
