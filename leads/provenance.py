"""Who set a field, and who may overwrite it.

A lead remembers this only for fields that its creating source did not set; what a lower rank
would have written becomes a FieldSuggestion. One mechanism serves capture, sync, merge and
enrichment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadcrm.workspaces.actors import Actor, Rank
from leads import custom_fields
from leads.models import Lead, SourceKind

# What a person may edit. A change of one of these raises the lead's version.
PERSON_FIELDS = frozenset(
    {
        "display_name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "company_name",
        "job_title",
        "state",
        "country",
        "time_zone",
        "message",
        "notes",
        "label",
        "enrollment",
        "source_kind",
        "source",
        "source_detail",
        "campaign",
        "location",
        "budget",
        "budget_currency",
        "authority",
        "need",
        "timeline",
        "external_score",
        "attributes",
        "is_test",
        "needs_review",
    }
)
# What a source may say about a person again, and so what suggestions are made of.
SUGGESTED_FIELDS = PERSON_FIELDS - {
    "message",
    "notes",
    "source",
    "source_kind",
    "campaign",
    "attributes",
    "is_test",
    "needs_review",
}

RANK_OF_KIND = {
    SourceKind.MANUAL: Rank.PERSON,
    SourceKind.HUBSPOT: Rank.HUBSPOT,
    SourceKind.IMPORT: Rank.IMPORT,
    SourceKind.API: Rank.IMPORT,
}


@dataclass
class Outcome:
    """What may be written, and what may only be suggested."""

    values: dict[str, Any] = field(default_factory=dict)
    suggestions: dict[str, Any] = field(default_factory=dict)


def rank_of(lead: Lead, name: str) -> Rank:
    """The rank of whoever set the field last."""
    entry = lead.provenance.get(name)
    if entry is not None:
        return Rank(entry["rank"])
    return RANK_OF_KIND.get(SourceKind(lead.source_kind), Rank.PROSPECT)


def weigh(lead: Lead, values: Mapping[str, Any], rank: Rank) -> Outcome:
    """Sort incoming values into those that this rank may write and those it may only suggest.

    A prospect and enrichment only fill blanks. A blank that a person set counts as set.
    """
    outcome = Outcome()
    for name, value in values.items():
        held = custom_fields.held(lead, name)
        if value == held or is_blank(value):
            continue
        emptied_by_higher = name in lead.provenance and rank < rank_of(lead, name)
        fills = is_blank(held) and not emptied_by_higher
        overwrites = rank > Rank.PROSPECT and rank >= rank_of(lead, name)
        if fills or overwrites:
            outcome.values[name] = value
        elif name in SUGGESTED_FIELDS:
            outcome.suggestions[name] = value
    return outcome


def stamped(
    lead: Lead, names: Any, by: Actor, rank: Rank, now: datetime, source: str = ""
) -> dict[str, Any]:
    """The lead's provenance with these fields set by this actor."""
    entry = {
        "rank": int(rank),
        "at": now.isoformat(),
        "by": str(by.membership_id or ""),
        "source": source or by.via,
    }
    return {**lead.provenance, **dict.fromkeys(names, entry)}


def is_blank(value: Any) -> bool:
    return value is None or value == "" or value == {} or value == []
