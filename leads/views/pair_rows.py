"""Pairs that may be the same, as the queue and the lead page show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.urls import reverse

from leadcrm.workspaces.models import Membership
from leads.models import DuplicatePair, Lead
from leads.pairs import Side, may_decide, merges_people, open_pairs, reason_labels, sides_of

COUNTED_TO = 99
COUNTED_FOR = 30  # seconds
COUNT_KEY = "duplicates:{}"


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
    sides = sides_of(pair)
    is_seen = pair.sees_first and pair.sees_second
    return PairRow(
        pair,
        sides,
        merge_url=merge_address(sides[0].lead, sides[1].lead, slug) if is_seen else "",
        may_merge=may_decide(pair, membership, "merge"),
        may_suggest=may_decide(pair, membership, "suggest_merge"),
    )


def merge_address(kept: Lead, other: Lead, slug: str) -> str:
    """The page where two are merged: as leads while both are open, else as people."""
    if merges_people(kept, other):
        address = reverse("contact-merge", args=[slug, kept.contact_id])
        return f"{address}?with={other.contact_id}"
    return reverse("lead-merge", args=[slug, kept.pk]) + f"?with={other.pk}"
