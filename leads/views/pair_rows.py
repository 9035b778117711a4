"""Pairs that may be the same, as the queue and the lead page show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.models import Membership
from leads.access import may_with, visible_leads
from leads.likeness import DOMAIN, EMAIL, MAILBOX, NAME, NUMBER, PHONE
from leads.models import DuplicatePair, Lead

# Why two may be the same, the surest first.
REASONS = {
    "person": "Two open leads of one person",
    EMAIL: "Same mailbox",
    PHONE: "Same phone number",
    MAILBOX: "Nearly the same e-mail address",
    DOMAIN: "Same name and e-mail domain",
    NUMBER: "Nearly the same number",
    NAME: "Same name",
    "alike": "Similar name",
    "company": "Similar company",
}
COUNTED_TO = 99
COUNTED_FOR = 30  # seconds
COUNT_KEY = "duplicates:{}"
SPARED = {
    NAME: "alike",
    PHONE: NUMBER,
    EMAIL: MAILBOX,
}  # what goes without saying beside a stronger one


@dataclass(slots=True)
class Side:
    """One side of a pair: its lead, or a stub of one that the viewer may not see."""

    lead: Lead
    is_seen: bool


@dataclass(slots=True)
class PairRow:
    """A pair with what a glance tells, and what the viewer may do."""

    pair: DuplicatePair
    sides: list[Side]
    merge_url: str
    may_merge: bool
    may_suggest: bool

    @property
    def is_seen(self) -> bool:
        return all(side.is_seen for side in self.sides)

    @property
    def reasons(self) -> list[str]:
        return reason_labels(self.pair.reasons)


def reason_labels(reasons: Sequence[str]) -> list[str]:
    """Why two may be the same, in words, the surest first."""
    spared = {SPARED[one] for one in reasons if one in SPARED}
    return [label for reason, label in REASONS.items() if reason in set(reasons) - spared]


def visible_pairs(membership: Membership) -> QuerySet[DuplicatePair]:
    """The pairs of which a member sees at least one side, with which sides they see."""
    leads = visible_leads(membership)
    pairs: QuerySet[Any] = DuplicatePair.objects.annotate(
        sees_first=Exists(leads.filter(pk=OuterRef("first_lead"))),
        sees_second=Exists(leads.filter(pk=OuterRef("second_lead"))),
    )
    if reach(membership, "see") is not Reach.ALL:
        pairs = pairs.filter(Q(sees_first=True) | Q(sees_second=True))
    return pairs


def open_pairs(membership: Membership) -> QuerySet[DuplicatePair]:
    """Those still to be decided, of leads that are still there."""
    present = Q(first_lead__archived_at=None, second_lead__archived_at=None)
    return visible_pairs(membership).filter(present, state=DuplicatePair.State.OPEN)


def count_for(membership: Membership) -> str:
    """How many pairs wait for the member, to 99; asked anew every half minute."""
    key = COUNT_KEY.format(membership.pk)
    found: str | None = cache.get(key)
    if found is None:
        waiting = open_pairs(membership).order_by().values("pk")[: COUNTED_TO + 1].count()
        found = f"{COUNTED_TO}+" if waiting > COUNTED_TO else str(waiting or "")
        cache.set(key, found, COUNTED_FOR)
    return found


def count_again(membership: Membership) -> None:
    """Forget the count: the member has just decided about a pair."""
    cache.delete(COUNT_KEY.format(membership.pk))


def row_of(pair: Any, membership: Membership, slug: str) -> PairRow:
    """The row of a pair read by `visible_pairs` with `LINKS`."""
    sides = [Side(pair.first_lead, pair.sees_first), Side(pair.second_lead, pair.sees_second)]
    sides.sort(key=lambda side: (side.lead.created_at, side.lead.pk))
    is_seen = pair.sees_first and pair.sees_second
    return PairRow(
        pair,
        sides,
        merge_url=merge_address(sides[0].lead, sides[1].lead, slug) if is_seen else "",
        may_merge=is_seen and all(may_with(membership, side.lead, "merge") for side in sides),
        may_suggest=is_seen
        and any(may_with(membership, side.lead, "suggest_merge") for side in sides),
    )


LINKS = (
    *(
        f"{side}__{link}"
        for side in ("first_lead", "second_lead")
        for link in ("stage", "owner", "source", "team")
    ),
    "suggested_by",
)


def merge_address(kept: Lead, other: Lead, slug: str) -> str:
    """The page where two are merged: as leads while both are open, else as people."""
    people = {lead.contact_id for lead in (kept, other)}
    as_people = len(people) == 2 and None not in people and not (kept.is_open and other.is_open)
    if as_people:
        address = reverse("contact-merge", args=[slug, kept.contact_id])
        return f"{address}?with={other.contact_id}"
    return reverse("lead-merge", args=[slug, kept.pk]) + f"?with={other.pk}"
