"""Pairs that may be the same: which a member sees, why they may be, and merging the two."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, Reach, reach
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import merging
from leads.access import access_contact, may_with, require_merge_people, visible_leads
from leads.duplicates import PairDecided
from leads.likeness import DOMAIN, EMAIL, MAILBOX, NAME, NUMBER, PHONE
from leads.models import DuplicatePair, Lead, MergeJournal

State = DuplicatePair.State

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
SPARED = {
    NAME: "alike",
    PHONE: NUMBER,
    EMAIL: MAILBOX,
}  # what goes without saying beside a stronger one
LINKS = (
    *(
        f"{side}__{link}"
        for side in ("first_lead", "second_lead")
        for link in ("stage", "owner", "source", "team")
    ),
    "suggested_by",
)
PEOPLE = ("first_lead__contact", "second_lead__contact")


@dataclass(slots=True)
class Side:
    """One side of a pair: its lead, or a stub of one that the viewer may not see."""

    lead: Lead
    is_seen: bool


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
    return visible_pairs(membership).filter(present, state=State.OPEN)


def pairs_at(membership: Membership, stage: str) -> QuerySet[DuplicatePair]:
    """The pairs of a stage of the queue: `open`, `suggested` among them, `distinct` or `merged`."""
    if stage in (State.DISTINCT, State.MERGED):
        return visible_pairs(membership).filter(state=stage)
    pairs = open_pairs(membership)
    return pairs.filter(suggested_at__isnull=False) if stage == "suggested" else pairs


def sides_of(pair: Any) -> list[Side]:
    """The sides of a pair read by `visible_pairs`, the older lead first: it is the one kept."""
    sides = [Side(pair.first_lead, pair.sees_first), Side(pair.second_lead, pair.sees_second)]
    return sorted(sides, key=lambda side: (side.lead.created_at, side.lead.pk))


def may_decide(pair: Any, membership: Membership, need: str) -> bool:
    """Whether the member may `merge` the two, or `suggest_merge`: seeing both, and of these, with
    both or with one in reach."""
    leads, every = (pair.first_lead, pair.second_lead), all if need == "merge" else any
    is_seen = pair.sees_first and pair.sees_second
    return is_seen and every(may_with(membership, lead, need) for lead in leads)


def access_pair(membership: Membership, pair_id: uuid.UUID, *, need: str = "see") -> Any:
    """A pair that the member sees a side of, and may decide about. Raises Http404, NotAllowed."""
    pair: Any = visible_pairs(membership).select_related(*LINKS, *PEOPLE).filter(pk=pair_id).first()
    if pair is None:
        raise Http404(NOT_FOUND)
    if need != "see" and not may_decide(pair, membership, need):
        raise NotAllowed
    return pair


def merges_people(kept: Lead, other: Lead) -> bool:
    """Whether two are merged as people: as leads while both are open, or are one person's."""
    people = {lead.contact_id for lead in (kept, other)}
    return len(people) == 2 and None not in people and not (kept.is_open and other.is_open)


def merge(
    pair: DuplicatePair,
    *,
    keep: uuid.UUID,
    by: Actor,
    now: datetime,
    choices: Mapping[str, uuid.UUID] | None = None,
    versions: Mapping[uuid.UUID, int] | None = None,
) -> MergeJournal:
    """Merge the two of a pair into its lead `keep`, or that lead's person.

    `choices` and `versions` name leads, which stand for their people where these are merged. Raises
    PairDecided, NotAllowed for people with an open lead out of reach, and what `merging` raises.
    """
    if pair.state != State.OPEN:
        raise PairDecided("Somebody has decided about this meanwhile.")
    leads = {lead.pk: lead for lead in (pair.first_lead, pair.second_lead)}
    kept = leads.pop(keep, None)
    if kept is None:
        raise merging.MergeRefused("Keep one of the two.", field="keep_id", code="invalid")
    (other,) = leads.values()
    if not merges_people(kept, other):
        return merging.merge(
            kept.pk, [other.pk], by=by, now=now, choices=choices, versions=versions
        )
    person = {lead.pk: lead.contact_id for lead in (kept, other) if lead.contact_id}
    _require_people(by.membership, [person[kept.pk], person[other.pk]])
    return merging.merge_contacts(
        person[kept.pk],
        [person[other.pk]],
        by=by,
        now=now,
        choices={name: person.get(lead, lead) for name, lead in (choices or {}).items()},
        versions={person.get(lead, lead): version for lead, version in (versions or {}).items()},
    )


def _require_people(member: Membership | None, people: Sequence[uuid.UUID]) -> None:
    if member is not None:
        for person in people:
            access_contact(member, person, need="merge")
        require_merge_people(member, people)
