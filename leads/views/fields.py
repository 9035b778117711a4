"""The fields of the lead page: which are shown, what they hold, and who set them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.actors import Rank
from leadcrm.workspaces.templatetags.page_tags import moment_text
from leads import custom_fields
from leads.models import CustomField, Lead
from leads.views.history import clip, label_of

NAMES = ("display_name", "first_name", "last_name")
PERSON = ("email", "phone", "company_name", "job_title", "state", "country", "time_zone")
DETAILS = ("label", "source", "source_detail", "campaign", "budget", "notes")
BANT = ("authority", "need", "timeline")
ALWAYS = ("email", "phone")  # shown while empty too: a lead without them is hard to work
LONG = ("notes", "need")
TOGETHER = {"budget": ("budget", "budget_currency")}  # edited in one line

# What stands for a source of values that isn't the name of one.
SOURCES = {
    "form": "their form",
    "api": "API",
    "admin": "staff",
    "import": "Import",
    "hubspot": "HubSpot",
    "email": "their e-mail",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A field with what it holds as text, and who set it when."""

    name: str
    value: str
    set_by: str = ""
    is_cut: bool = False
    definition: CustomField | None = None

    @property
    def label(self) -> str:
        return self.definition.label if self.definition else label_of(self.name).capitalize()

    @property
    def is_long(self) -> bool:
        return self.name in LONG


@dataclass(slots=True)
class Facts:
    """The fields of a lead as its page shows them: the person's, further ones, and empty ones."""

    person: list[Fact] = field(default_factory=list)
    details: list[Fact] = field(default_factory=list)
    empty: list[Fact] = field(default_factory=list)


def facts_of(lead: Lead, people: Mapping[str, str], custom: Sequence[CustomField] = ()) -> Facts:
    """Sort the fields by what they hold. `people` are the names of who set some, by id."""
    facts = Facts()
    own = [_fact(lead, name, people) for name in shown_fields(lead)]
    for fact in [*own, *(_custom_fact(lead, one, people) for one in custom)]:
        name = fact.name
        if not fact.value and name not in ALWAYS:
            facts.empty.append(fact)
        elif name in NAMES or name in PERSON:
            facts.person.append(fact)
        else:
            facts.details.append(fact)
    return facts


def shown_fields(lead: Lead) -> list[str]:
    """The names of the rows; a name that follows from first and last name has none of its own."""
    follows = lead.display_name == f"{lead.first_name} {lead.last_name}".strip()
    names = [*(NAMES[1:] if follows else NAMES), *PERSON, *DETAILS]
    if lead.pipeline.template == "bant" or any(getattr(lead, name) for name in BANT):
        names += BANT
    if lead.enrollment is not None:
        names.append("enrollment")
    return names


def editable_fields(lead: Lead) -> list[str]:
    """The fields that the page lets a person edit; BANT's only where they are in use."""
    rows = [name for name in shown_fields(lead) if name != "display_name"]
    return ["display_name", *(one for row in rows for one in fields_of(row))]


def fields_of(row: str) -> tuple[str, ...]:
    """The fields that are edited in a row."""
    return TOGETHER.get(row, (row,))


def setters(lead: Lead) -> set[str]:
    """The ids of the members who set a field."""
    return {entry["by"] for entry in lead.provenance.values() if entry.get("by")}


def _fact(lead: Lead, name: str, people: Mapping[str, str]) -> Fact:
    value, is_cut = clip(_text(lead, name))
    return Fact(name, value, _set_by(lead, name, people), is_cut)


def _custom_fact(lead: Lead, definition: CustomField, people: Mapping[str, str]) -> Fact:
    name = definition.name
    value, is_cut = clip(custom_fields.text_of(definition, custom_fields.held(lead, name)))
    return Fact(name, value, _set_by(lead, name, people), is_cut, definition)


def _text(lead: Lead, name: str) -> str:
    value: Any = getattr(lead, name)
    if value in (None, ""):
        return ""
    if name == "budget":
        return f"{value:,.2f} {lead.budget_currency}".strip()
    return str(value)


def _set_by(lead: Lead, name: str, people: Mapping[str, str]) -> str:
    """Who set it when; a field without an entry was set by what created the lead."""
    entry = lead.provenance.get(name)
    if entry is None:
        if custom_fields.held(lead, name) in (None, ""):
            return ""
        return f"Set by {lead.source or lead.get_source_kind_display()}, " + moment_text(
            lead.created_at
        )
    source = str(entry.get("source", ""))
    who = people.get(str(entry.get("by", "")), "")
    if not who or entry.get("rank") != Rank.PERSON:
        who = SOURCES.get(source, source) or who or "somebody"
    at = parse_datetime(str(entry.get("at", "")))
    return f"Set by {who}" + (f", {moment_text(at)}" if at else "")
