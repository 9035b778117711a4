"""Taking an import back: what nobody touched since is as it was before, what was touched stays."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Collate

from leadcrm.workspaces.actors import Actor
from leads import kinds, remembering, undoing
from leads.batch import UNREAD, Change, Refused, run
from leads.importing.packing import packed, unpacked
from leads.models import (
    Activity,
    Contact,
    ContactKey,
    ExternalId,
    FieldSuggestion,
    ImportChunk,
    Lead,
)
from leads.models.activity import Lane

REASON = "Import undone"
HUMAN = [kind.name for kind in kinds.KINDS.values() if kind.human]
QUIET = [kind.name for kind in kinds.KINDS.values() if kind.automatic]
Rows = list[dict[str, Any]]


class Touched(Refused):
    """Somebody worked on the lead since."""

    code = "touched"


def take_back(chunk: ImportChunk, *, by: Actor, now: datetime) -> None:
    """Restore what a chunk changed and remove the leads it made; the caller holds its lock.

    New leads are removed rather than deleted, because the log keeps what happened. Which leads
    were touched since, and so were kept, is written down in the chunk.
    """
    journal = unpacked(chunk.journal)
    made = [uuid.UUID(one) for _, one in journal["made"]]
    groups: dict[uuid.UUID, Rows] = {
        uuid.UUID(lead_id): rows for lead_id, rows in journal["changes"].items()
    }
    with transaction.atomic():
        _lock_keys([*made, *groups])
        touched = touched_since([*made, *groups], journal["until"])
        kept = _restore(groups, touched, by, now) + _remove(made, touched, by, now)
        ExternalId.objects.filter(pk__in=journal["linked"]).exclude(lead__in=kept).delete()
        chunk.journal = packed({**journal, "kept": [str(lead_id) for lead_id in kept]})
        chunk.effects = {**chunk.effects, "kept": len(kept)}
        chunk.state = ImportChunk.State.UNDONE
        chunk.save(update_fields=["journal", "effects", "state"])


def touched_since(ids: Sequence[uuid.UUID], until: int) -> set[uuid.UUID]:
    """Those of the leads to which people did something after a row of the log, also to their person."""
    theirs = Q(actor_kind__in=("user", "token")) | Q(kind__in=HUMAN)
    rows = Activity.objects.filter(theirs, pk__gt=until).exclude(via="import")
    rows = rows.exclude(kind__in=QUIET)
    on_lead = set(rows.filter(lead__in=ids).values_list("lead", flat=True))
    people = dict(
        Lead.objects.filter(pk__in=ids, contact__isnull=False).values_list("pk", "contact")
    )
    on_person = set(
        rows.filter(contact__in=set(people.values()), lead=None).values_list("contact", flat=True)
    )
    return on_lead | {lead_id for lead_id, contact in people.items() if contact in on_person}


def _lock_keys(ids: Sequence[uuid.UUID]) -> None:
    """Before the leads, as capture does. People are given by id: right after an import the planner
    knows little of the tables, and goes through all keys for each lead."""
    people = set(Lead.objects.filter(pk__in=ids).values_list("contact", flat=True))
    keys = ContactKey.objects.filter(contact__in=people - {None}).order_by(
        "kind", Collate("value", "C")
    )
    list(keys.select_for_update(no_key=True).values_list("pk", flat=True))


# --- leads that were there before ---


def _restore(
    groups: Mapping[uuid.UUID, Rows], touched: Collection[uuid.UUID], by: Actor, now: datetime
) -> list[uuid.UUID]:
    """Put edited leads and what hangs on them back; returns those that are kept as they are."""

    def decide(change: Change) -> None:
        rows = groups[change.lead.pk]
        _require_untouched(change.lead, touched)
        for row in rows:
            if row["model"] == "lead":
                values = remembering.values_of(change.lead, row["after"])
                undoing.require_same(Lead, values, row["after"])
                undoing.restore_lead(change, row, values)
            else:
                change.together(_put_back, (row, now))
        change.record(kinds.UNDONE, data={"said": REASON})

    results = run(list(groups), decide, by=by, now=now, lane=Lane.BACKFILL) if groups else []
    return [result.lead_id for result in results if not result.done]


def _put_back(rows: Sequence[tuple[dict[str, Any], datetime]]) -> None:
    groups: dict[str, Rows] = defaultdict(list)
    for row, _ in rows:
        groups[row["model"]].append(row)
    for model in (FieldSuggestion, ContactKey, Contact):
        undoing.write_rows(model, groups[str(model._meta.model_name)], rows[0][1])


# --- leads that the import made ---


def _remove(
    made: Sequence[uuid.UUID], touched: Collection[uuid.UUID], by: Actor, now: datetime
) -> list[uuid.UUID]:
    """Remove new leads, with their people where those have no other; returns those kept."""

    def decide(change: Change) -> None:
        _require_untouched(change.lead, touched)
        if change.lead.archived_at is None:
            change.set(archived_at=now, archive_reason=REASON)
            change.record(kinds.ARCHIVED, data={"reason": REASON})

    results = run(made, decide, by=by, now=now, lane=Lane.BACKFILL, unread=UNREAD) if made else []
    gone = [result.lead_id for result in results if result.done]
    _remove_people(gone, now)
    ExternalId.objects.filter(lead__in=gone).delete()
    return [result.lead_id for result in results if not result.done]


def _remove_people(leads: Sequence[uuid.UUID], now: datetime) -> None:
    """Their keys are free again; a mark not to contact somebody stays with its key."""
    people = set(Lead.objects.filter(pk__in=leads).values_list("contact", flat=True)) - {None}
    others = Lead.objects.present().filter(contact__in=people)
    ids = sorted(people - set(others.values_list("contact", flat=True)))
    ContactKey.objects.filter(contact__in=ids, do_not_contact_at=None).delete()
    Contact.objects.filter(pk__in=ids).update(archived_at=now)


def _require_untouched(lead: Lead, touched: Collection[uuid.UUID]) -> None:
    if lead.pk in touched or lead.merged_into_id is not None:
        raise Touched("It was edited since.")
