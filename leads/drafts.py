"""An enquiry as a channel reports it, and what becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from leadcrm.workspaces.models import Location, Membership, Team
from leads import matching
from leads.draft_values import IDENTITY_FIELDS, UNSTORABLE
from leads.models import Campaign, Pipeline, Source

LONGEST_KEY = 200
NOBODY = uuid.UUID(int=0)


class Effect(StrEnum):
    """What became of a draft."""

    CREATED = "created"
    TOUCHED = "touched"
    REOPENED = "reopened"
    KNOWN = "known"  # this very draft, or its external id, was captured before


@dataclass(slots=True)
class LeadDraft:
    """An enquiry as a channel reports it.

    `key` makes it count once in the workspace; a channel derives it from the provider's id.
    `occurred_at` is when the person enquired, by the provider's clock. `values` are lead fields
    (IDENTITY_FIELDS and DETAIL_FIELDS); e-mail and phone may be raw. `always_new` is for systems
    whose every id is a lead of its own. `attributes` are custom fields by name, id or key; from a
    channel that can't be asked again, what one can't hold becomes an answer to what was `asked`. Whoever
    `can_ask` a person is warned of duplicates, and says next time that the person is `sure`.
    """

    source_kind: str
    occurred_at: datetime
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[tuple[str, str]] = ()
    first_touch: Mapping[str, Any] = field(default_factory=dict)
    last_touch: Mapping[str, Any] = field(default_factory=dict)
    platform_ref: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    source: Source | None = None
    campaign: Campaign | None = None
    pipeline: Pipeline | None = None
    owner: Membership | None = None
    team: Team | None = None
    location: Location | None = None
    external: tuple[str, str] | None = None
    is_test: bool = False
    always_new: bool = False
    can_ask: bool = False
    sure: bool = False


@dataclass(slots=True)
class Captured:
    effect: Effect
    lead_id: uuid.UUID


@dataclass(slots=True)
class Prepared:
    """A draft on its way: its cleaned values, custom fields and answers, in the end its effect."""

    draft: LeadDraft
    values: dict[str, Any]
    at: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[tuple[str, str]] = ()
    match: matching.Match = field(default_factory=lambda: matching.Match(None))
    effect: Effect = Effect.KNOWN
    lead_id: uuid.UUID = NOBODY
    person: matching.Person = field(init=False)

    def __post_init__(self) -> None:
        values = {name: self.values[name] for name in IDENTITY_FIELDS if self.values.get(name)}
        self.person = matching.Person(
            self.values.get("email", ""), self.values.get("phone", ""), values
        )

    @property
    def names(self) -> list[str]:
        """What tells this submission from every other."""
        names = [log_key(self.draft)] if self.draft.key else []
        return [*names, "\x1f".join(self.draft.external)] if self.draft.external else names


def log_key(draft: LeadDraft) -> str:
    """The draft's key in the log, where it has one; hashed if the column can't hold it."""
    key = draft.key
    if len(key) > LONGEST_KEY or UNSTORABLE.search(key):
        key = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"capture:{key}" if key else ""
