"""Applying the rows of a chunk: new leads captured, others edited, all in one transaction.

Each chunk is compared again under the locks of its people, since the check may be days old. What
is changed goes into the chunk's journal, from which `taking_back` restores it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Membership
from leads import assignment, editing, lifecycle, matching, remembering
from leads.batch import Change, Refused
from leads.capture import Captured, CaptureRefused, Effect, LeadDraft, capture_leads
from leads.importing.comparing import (
    CHANGED,
    ERROR,
    NEW,
    OVERWRITE,
    Comparer,
    Finding,
)
from leads.importing.drafting import Drafted, Drafter, campaigns_named, fold
from leads.importing.packing import packed, rows_of, unpacked
from leads.models import (
    Activity,
    Contact,
    ContactKey,
    ExternalId,
    FieldSuggestion,
    Import,
    ImportChunk,
    SourceKind,
)
from leads.models.activity import Lane

AROUND = (FieldSuggestion, ContactKey, Contact)
CREATED, EDITED = "created", "edited"
AT_FAULT = (DataError, IntegrityError, Refused, CaptureRefused)
NOT_WRITTEN = "The database refused this row."


@dataclass
class Written:
    """What rows changed: new leads by row, changes by lead, links, and the sum of it."""

    made: list[tuple[int, str]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, more: Written) -> None:
        """Take what further rows changed into account."""
        self.made += more.made
        self.linked += more.linked
        self.effects += more.effects
        for lead_id, rows in more.changes.items():
            self.changes[lead_id] = [*self.changes.get(lead_id, []), *rows]


def actor_of(member: Membership) -> Actor:
    """Who imports: the member, with the rank of an import."""
    return Actor(via="import", membership=member, rank=Rank.IMPORT)


def lane_of(batch: Import) -> str:
    """Silent imports are history; others count as mass work of today."""
    return Lane.BACKFILL if batch.option("silent", True) else Lane.BULK


class Applier:
    """Applies chunks of one import, by the member who started it."""

    def __init__(self, batch: Import, member: Membership, now: datetime) -> None:
        self.batch, self.member, self.now = batch, member, now
        self.by, self.lane = actor_of(member), lane_of(batch)
        self.drafter = Drafter(batch, member.workspace)
        self.comparer = Comparer(batch, member)
        self.source = f"Import {batch.name}"[:100]
        self.reach = reach(member, "import")

    def apply(self, chunk: ImportChunk) -> None:
        """Do what the rows say and write down what changed; the caller holds the chunk's lock.

        Where the database or a verb refuses, each row is tried by itself and only those at fault
        are left out.
        """
        rows = self._drafted(chunk)
        firsts = fold(rows, overwrite=self.comparer.existing == OVERWRITE)
        try:
            with transaction.atomic():
                written = self._write(firsts)
        except AT_FAULT:
            written = self._write_each(firsts)
        journal = {"made": written.made, "changes": written.changes, "linked": written.linked}
        chunk.journal = packed({**journal, "until": last_activity()})
        chunk.effects = dict(+written.effects)
        chunk.findings = _with_failures(chunk, written.failed)
        chunk.state, chunk.drafts = ImportChunk.State.APPLIED, None
        chunk.save(update_fields=["journal", "effects", "findings", "drafts", "state"])

    def _drafted(self, chunk: ImportChunk) -> list[Drafted]:
        """The rows as the check read them. Those in error are read once more."""
        rows = rows_of(self.batch, chunk)
        kept = unpacked(chunk.drafts) or [None] * len(rows)
        return [self.drafter.draft(row, one) for row, one in zip(rows, kept, strict=True)]

    def _write(self, rows: Sequence[Drafted]) -> Written:
        keys = [row.values.get(name) for row in rows for name in ("email", "phone")]
        matching.lock_keys(*keys)
        findings = self.comparer.compare(rows)
        edited, changes = self._edit([one for one in findings if one.writes])
        made = self._create([one for one in findings if one.result == NEW])
        effects = Counter({CREATED: len(made), EDITED: edited})
        effects.update(one.result for one in findings if one.result not in (NEW, CHANGED))
        return Written(made, changes, self._link(findings, dict(made)), effects)

    def _write_each(self, rows: Sequence[Drafted]) -> Written:
        together = Written()
        for row in rows:
            try:
                with transaction.atomic():
                    together.add(self._write([row]))
            except AT_FAULT as refusal:
                together.failed[row.number] = getattr(refusal, "message", NOT_WRITTEN)
                together.effects[ERROR] += 1
        return together

    # --- leads that are there ---

    def _edit(self, findings: Sequence[Finding]) -> tuple[int, dict[str, Any]]:
        """Write what existing leads take; returns how many took something, and what changed."""
        by_lead: dict[uuid.UUID, Finding] = {}
        for one in findings:
            if one.lead is not None:
                by_lead.setdefault(one.lead.pk, one)
        if not by_lead:
            return 0, {}
        owners = {pk: one.row.owner for pk, one in by_lead.items() if "owner" in one.writes}
        values = {pk: self._written(one) for pk, one in by_lead.items()}

        def give(change: Change) -> None:
            if (owner := owners.get(change.lead.pk)) is not None:
                assignment.give(change, owner, None, reason="import")

        with remembering.remembered(AROUND) as memory:
            results = editing.edit_each(
                values, rank=self.comparer.rank, by=self.by, now=self.now, source=self.source,
                lane=self.lane, also=give,
            )  # fmt: skip
        return sum(1 for result in results if result.activities), _named(memory.changes_by_lead())

    def _written(self, one: Finding) -> dict[str, Any]:
        """What is written, and in an overwriting import also what is only to be suggested."""
        taken = one.cells if self.comparer.existing == OVERWRITE else [
            cell for cell in one.cells if not cell[3]
        ]  # fmt: skip
        return {name: new for name, _, new, _ in taken if name != "owner"}

    # --- new leads ---

    def _create(self, findings: Sequence[Finding]) -> list[tuple[int, str]]:
        """Capture the new leads; returns the row and the lead of each."""
        if not findings:
            return []
        rows = [one.row for one in findings]
        campaigns = campaigns_named({row.campaign for row in rows})
        drafts = [self._draft(row, campaigns) for row in rows]
        captured = capture_leads(drafts, by=self.by, now=self.now, lane=self.lane)
        made = [
            (row, one) for row, one in zip(rows, captured, strict=True)
            if one.effect is Effect.CREATED
        ]  # fmt: skip
        self._place(made)
        return [(row.number, str(one.lead_id)) for row, one in made]

    def _draft(self, row: Drafted, campaigns: dict[str, Any]) -> LeadDraft:
        owner = row.owner or self.drafter.default_owner
        is_mine = self.reach is not Reach.TEAM or (
            owner is not None and owner.team_id == self.member.team_id
        )
        return LeadDraft(
            source_kind=row.source_kind or SourceKind.IMPORT,
            occurred_at=row.at or self.now,
            key=f"import:{self.batch.pk}:{row.number}",
            values=row.values,
            answers=[(question, answer) for question, answer in row.answers],
            platform_ref=row.platform_ref,
            attributes=row.attributes,
            source=self.drafter.source,
            campaign=campaigns.get(row.campaign.lower()),
            pipeline=self.drafter.pipeline,
            owner=owner if is_mine else None,
            team=None if self.reach is not Reach.TEAM else self.member.team,
            external=(self.comparer.system, row.external) if row.external else None,
            is_test=row.is_test,
            always_new=True,
        )

    def _link(self, findings: Sequence[Finding], made: Mapping[int, str]) -> list[str]:
        """Let leads be known by the ids in the file, for its history that comes after; returns the
        links made, but for those that came with a new lead."""
        rows = [
            ExternalId(system=self.comparer.system, external_id=external, lead_id=lead_id)
            for one in findings
            for external in self._names(one.row, is_new=one.row.number in made)
            if (lead_id := made.get(one.row.number) or (one.lead and one.lead.pk))
        ]
        if not rows:
            return []
        ExternalId.objects.bulk_create(rows, ignore_conflicts=True)
        found = ExternalId.objects.filter(pk__in=[row.pk for row in rows])
        return [str(pk) for pk in found.values_list("pk", flat=True)]

    def _names(self, row: Drafted, *, is_new: bool) -> list[str]:
        return (
            row.also_known_as if is_new or not row.external else [row.external, *row.also_known_as]
        )

    def _place(self, made: Sequence[tuple[Drafted, Captured]]) -> None:
        stages = {
            one.lead_id: (row.stage, row.at or self.now)
            for row, one in made
            if row.stage is not None
        }
        if stages:
            lifecycle.place(stages, source=self.source, by=self.by, now=self.now, lane=self.lane)


def last_activity() -> int:
    """The number of the newest row of the log; rows of leads that are locked here come after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass), 0)",
            [Activity._meta.db_table],
        )
        return int(cursor.fetchone()[0])


def _named(changes: Mapping[uuid.UUID, Any]) -> dict[str, Any]:
    """What was changed around each lead, as JSON names it."""
    return {str(lead_id): rows for lead_id, rows in changes.items()}


def _with_failures(chunk: ImportChunk, failed: Mapping[int, str]) -> Any:
    """The findings of a chunk, with the rows that could not be written among the errors."""
    if not failed:
        return chunk.findings
    found = unpacked(chunk.findings)
    for one in found:
        if one["n"] in failed:
            one |= {"r": ERROR, "e": ["", failed[one["n"]]]}
    chunk.counts = {**chunk.counts, ERROR: chunk.counts.get(ERROR, 0) + len(failed)}
    chunk.save(update_fields=["counts"])
    return packed(found)
