"""Pairs that may be the same: deciding about them, and asking somebody who may."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from leadcrm.workspaces.actors import Actor
from leads import finding, kinds
from leads.batch import Change, Refused, run
from leads.models import DuplicatePair, Lead, MergeJournal

State = DuplicatePair.State
SUGGESTED = 100  # the score of what a colleague suggests: it comes first


class PairDecided(Refused):
    """Somebody has decided about the pair meanwhile."""

    code = "decided"


def dismiss(pair: DuplicatePair, *, by: Actor, now: datetime) -> DuplicatePair:
    """They are not the same. It stands in every later run of the finder. Raises PairDecided."""
    with transaction.atomic():
        held = _lock(pair.pk)
        _write(held, state=State.DISTINCT, decided_by=by.membership, decided_at=now)
        _record(held, kinds.NOT_DUPLICATE, by, now)
    return held


def reconsider(pair: DuplicatePair, *, by: Actor, now: datetime) -> DuplicatePair:
    """Take back that they are not the same. Raises PairDecided where they are not apart."""
    with transaction.atomic():
        held: DuplicatePair = DuplicatePair.objects.select_for_update().get(pk=pair.pk)
        if held.state != State.DISTINCT:
            raise PairDecided("Somebody has decided about this meanwhile.")
        _write(held, state=State.OPEN, decided_by=None, decided_at=None)
        _record(held, kinds.DUPLICATE_AGAIN, by, now)
    return held


def suggest(first: Lead, second: Lead, *, by: Actor, now: datetime) -> DuplicatePair:
    """Suggest that two leads, or the people behind them, be merged; a manager decides.

    Raises Refused for a lead with itself, and where a manager has decided that they aren't the same.
    """
    _require_two(first, second)
    with transaction.atomic():
        pair = _pair_of(first, second, now)
        if pair.state == State.DISTINCT:
            raise PairDecided("A manager has decided that these are not the same.")
        if pair.state == State.MERGED:
            raise PairDecided("These were merged already.")
        _write(pair, suggested_by=by.membership, suggested_at=now, score=SUGGESTED)
        _record(pair, kinds.MERGE_SUGGESTED, by, now)
    return pair


def settle_merged(
    journal: MergeJournal,
    contacts: Collection[uuid.UUID],
    gone: Collection[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """After a merge: pairs among the merged are decided; whoever is gone is compared no more.

    `contacts` are all people of the merge, `gone` those of them that were merged away.
    """
    merged = {journal.root_id, *journal.absorbed, *contacts}
    among = DuplicatePair.objects.filter(first__in=merged, second__in=merged)
    among.exclude(state=State.MERGED).update(
        state=State.MERGED, merge=journal, decided_by=by.membership, decided_at=now
    )
    left = {*journal.absorbed, *gone}
    others = DuplicatePair.objects.filter(Q(first__in=left) | Q(second__in=left), state=State.OPEN)
    others.delete()
    finding.forget(left)


def reopen_merged(journal: MergeJournal, now: datetime) -> None:
    """After a merge was taken back, somebody may still decide that they are not the same."""
    DuplicatePair.objects.filter(merge=journal, state=State.MERGED).update(
        state=State.OPEN, merge=None, decided_by=None, decided_at=None, seen_at=now
    )


def pair_ids(first: Lead, second: Lead) -> tuple[uuid.UUID, uuid.UUID]:
    """By what a pair of leads is known: their people where these are two, else the leads."""
    two_people = first.contact_id != second.contact_id
    ids = [
        lead.contact_id if two_people and lead.contact_id else lead.pk for lead in (first, second)
    ]
    return min(ids), max(ids)


def _require_two(first: Lead, second: Lead) -> None:
    if first.pk == second.pk:
        raise Refused("Choose another lead: this one can't be merged with itself.", field="lead")
    for lead in (first, second):
        if lead.merged_into_id:
            raise Refused(f"{lead.display_name} was merged already.", field="lead")
        if lead.archived_at:
            raise Refused(f"{lead.display_name} was removed. Restore it first.", field="lead")


def _pair_of(first: Lead, second: Lead, now: datetime) -> DuplicatePair:
    """The pair of two leads, locked; made where the finder has not found it."""
    ids = pair_ids(first, second)
    by_id = {first.contact_id: first, first.pk: first}
    one, other = (first, second) if ids[0] in by_id else (second, first)
    about = DuplicatePair.About
    same_person = first.contact_id is not None and first.contact_id == second.contact_id
    pair, _ = DuplicatePair.objects.select_for_update().get_or_create(
        first=ids[0],
        second=ids[1],
        defaults={
            "about": about.LEADS if same_person else about.PEOPLE,
            "first_lead": one,
            "second_lead": other,
            "score": SUGGESTED,
            "found_at": now,
            "seen_at": now,
        },
    )
    return pair


def _lock(pair_id: uuid.UUID) -> DuplicatePair:
    pair: DuplicatePair | None = (
        DuplicatePair.objects.select_for_update().filter(pk=pair_id).first()
    )
    if pair is None or pair.state != State.OPEN:
        raise PairDecided("Somebody has decided about this meanwhile.")
    return pair


def _write(pair: DuplicatePair, **values: object) -> None:
    for name, value in values.items():
        setattr(pair, name, value)
    pair.save(update_fields=list(values))


def _record(pair: DuplicatePair, kind: str, by: Actor, now: datetime) -> None:
    """A log row on both leads, each naming the other."""
    both: Sequence[uuid.UUID] = [pair.first_lead_id, pair.second_lead_id]
    names = dict(Lead.objects.filter(pk__in=both).values_list("pk", "display_name"))

    def decide(change: Change) -> None:
        other = both[1] if change.lead.pk == both[0] else both[0]
        change.record(
            kind,
            subject_type="duplicate",
            subject_id=pair.pk,
            data={"other": str(other), "name": names.get(other, "")},
        )

    run(both, decide, by=by, now=now)
