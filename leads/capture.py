"""The only entrance for leads: finds the person, then creates a lead or touches theirs.

Every channel makes LeadDrafts; `capture_leads` turns them into leads, one or ten thousand, in
one transaction, each exactly once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.business_hours import BusinessHours
from leadcrm.workspaces.inserting import insert_rows
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.new_rows import new_row
from leadcrm.workspaces.updating import write_columns
from leads import (
    custom_fields,
    draft_values,
    editing,
    identity,
    kinds,
    lifecycle,
    matching,
    searching,
    timeline,
    timers,
)
from leads.batch import Change, LeadBatch, least
from leads.draft_values import IDENTITY_FIELDS, CaptureRefused
from leads.drafts import NOBODY, Captured, Effect, LeadDraft, Prepared, log_key
from leads.duplicate_rules import Doorkeeper
from leads.models import (
    Activity,
    Contact,
    ExternalId,
    Lead,
    Message,
    SourceKind,
    Stage,
)
from leads.models.activity import Lane
from leads.models.custom_field import is_custom
from leads.models.source import ANSWER_WITHIN
from leads.once import lock_names, split_known
from leads.pipelines import Outcome, Status
from leads.provenance import RANK_OF_KIND, is_blank, stamped

__all__ = ["CaptureRefused", "Captured", "Effect", "LeadDraft", "capture_leads"]

ATTEMPTS = 3
RACES = ("40001", "40P01", "23505")  # serialization failure, deadlock, unique violation
REFILLED = frozenset(IDENTITY_FIELDS) | {
    "enrollment",
    "budget",
    "budget_currency",
    "authority",
    "need",
    "timeline",
}


def capture_leads(
    drafts: Sequence[LeadDraft], *, by: Actor, now: datetime, lane: str = Lane.LIVE
) -> list[Captured]:
    """Turn drafts into leads, in one transaction; returns what became of each, in order.

    An enquiry of somebody with an open lead touches that lead, of somebody whose lead rests
    reopens it, else it opens a new lead on the same contact. Raises CaptureRefused for a draft
    that names nobody or that doesn't fit, DuplicateFound where a rule of the workspace stops
    somebody known; then none is captured.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _Capture(by, now, lane).take(drafts)
        except (OperationalError, IntegrityError) as error:
            # Another writer won a race. Whoever holds a transaction around this repeats it whole.
            state = getattr(error.__cause__, "sqlstate", "")
            if connection.in_atomic_block or state not in RACES or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


class _Capture:
    """One call of `capture_leads`: what it knows of the workspace, and the steps."""

    def __init__(self, by: Actor, now: datetime, lane: str) -> None:
        self.batch = LeadBatch(by=by, now=now, lane=lane)
        self.by, self.now, self.lane = by, now, lane
        self.workspace: Workspace = self.batch.workspace
        self.hours: BusinessHours = self.workspace.hours()
        self.doorkeeper = Doorkeeper(by)

    def take(self, drafts: Sequence[LeadDraft]) -> list[Captured]:
        """Lock who is meant, then decide draft by draft in memory, then write in few statements."""
        items = [self._prepare(draft) for draft in drafts]
        lock_names(items)
        ledger = matching.KeyLedger([item.person for item in items])
        fresh, repeated = split_known(items)
        for item in fresh:
            item.match = ledger.match(item.person)
        current = self._current_leads(fresh, ledger)
        self.doorkeeper.stop_similar(fresh, ledger.new)
        new: list[tuple[Prepared, Lead]] = []
        touches: list[tuple[Prepared, Lead]] = []
        for item in fresh:
            lead = self.doorkeeper.lead_for(item, _target(item, current))
            if lead is not None:
                touches.append((item, lead))
                continue
            lead = self._new_lead(item)
            new.append((item, lead))
            if (contact_id := item.match.contact_id) is not None:
                current.setdefault(contact_id, []).append(lead)
        self._create(new, ledger)
        self._touch(touches)
        self._link_external(fresh)
        for item, first in repeated:
            item.lead_id = first.lead_id
        return [Captured(item.effect, item.lead_id) for item in items]

    def _prepare(self, draft: LeadDraft) -> Prepared:
        strict = _rank(draft, self.by) > Rank.PROSPECT
        values = draft_values.clean(draft.values, self.workspace.country, strict=strict)
        # A provider's clock may be ahead of ours, but nobody enquires in the future.
        prepared = Prepared(draft, values, min(draft.occurred_at, self.now))
        prepared.answers = draft.answers
        if draft.attributes and strict:
            prepared.attributes = self._custom_values(draft)
        elif draft.attributes:
            prepared.attributes, more = self._fitting_values(draft)
            prepared.answers = [*draft.answers, *more]
        return prepared

    def _fitting_values(self, draft: LeadDraft) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The custom values that fit, and the others as answers: who sent them is gone."""
        given, known = draft_values.storable(dict(draft.attributes)), self.batch.custom
        kept, unfit = custom_fields.keep_what_fits(given, known)
        asked = {**known.labels(unfit), **draft.asked}
        return kept, [(asked.get(name, name), _as_answer(given[name])) for name in unfit]

    def _custom_values(self, draft: LeadDraft) -> Mapping[str, Any]:
        given, known = draft_values.storable(dict(draft.attributes)), self.batch.custom
        cleaned: dict[str, Any] = {}
        for name, value in given.items():
            try:
                cleaned |= custom_fields.clean({name: value}, known)
            except custom_fields.Unfit as error:
                field = name if is_custom(name) else f"attributes.{name}"
                raise CaptureRefused(error.message, field=field) from error
        return cleaned

    def _current_leads(
        self, items: Sequence[Prepared], ledger: matching.KeyLedger
    ) -> dict[uuid.UUID, list[Lead]]:
        """The open and resting leads of the contacts, locked."""
        contacts = {item.match.contact_id for item in items} - set(ledger.new) - {None}
        if not contacts:
            return {}
        ids = list(
            Lead.objects.present()
            .filter(contact__in=contacts, outcome__in=(Outcome.OPEN, Outcome.RESTING))
            .values_list("pk", flat=True)
        )
        found: dict[uuid.UUID, list[Lead]] = {}
        for lead in self.batch.lock(ids).values():
            # Somebody may have closed or merged it between the look and the lock.
            is_current = lead.stage.outcome in (Outcome.OPEN, Outcome.RESTING)
            if is_current and not lead.archived_at and lead.contact_id is not None:
                found.setdefault(lead.contact_id, []).append(lead)
        return found

    # --- creating ---

    def _create(self, pairs: Sequence[tuple[Prepared, Lead]], ledger: matching.KeyLedger) -> None:
        self._complete_new_people(pairs, ledger)
        ledger.write()
        if not pairs:
            return
        leads = [lead for _, lead in pairs]
        _complete_people(leads, ledger)
        insert_rows(leads)
        searching.add(leads)
        insert_rows([self._creation_row(lead, item) for item, lead in pairs])

    def _complete_new_people(
        self, pairs: Sequence[tuple[Prepared, Lead]], ledger: matching.KeyLedger
    ) -> None:
        """Their companies, found or made; and they are known since they first enquired."""
        wanted = [_company_pair(item.values) for item, _ in pairs]
        companies = matching.resolve_companies(wanted)
        for pair, (item, lead) in zip(wanted, pairs, strict=True):
            lead.company_id = companies.get(pair)
            person = ledger.new.get(item.match.contact_id or NOBODY)
            if person is None:
                continue
            person.created_at = min(person.created_at, item.at)
            if person.company_id is None:
                person.company_id = lead.company_id

    def _new_lead(self, item: Prepared) -> Lead:
        draft, at = item.draft, item.at
        stage = self._first_stage(draft)
        source, owner = draft.source, draft.owner or (draft.source.owner if draft.source else None)
        lead = new_row(
            Lead,
            workspace_id=self.workspace.pk,
            source_kind=draft.source_kind,
            source=source,
            campaign=draft.campaign or (source.campaign if source else None),
            owner=owner,
            team=draft.team or (source.team if source else None) or (owner.team if owner else None),
            location=draft.location or (source.location if source else None),
            contact_id=item.match.contact_id,
            pipeline=stage.pipeline,
            stage=stage,
            status=stage.status,
            outcome=stage.outcome,
            stage_entered_at=at,
            attempt_started_at=at,
            first_touch_at=at,
            last_activity_at=at,
            created_at=at,
            inserted_at=self.now,
            answers=draft_values.storable([list(pair) for pair in item.answers]),
            first_touch=draft_values.storable(dict(draft.first_touch)),
            last_touch=draft_values.storable(dict(draft.last_touch)),
            platform_ref=draft_values.storable(dict(draft.platform_ref)),
            attributes=custom_fields.as_attributes(item.attributes),
            is_test=draft.is_test,
            needs_review=item.match.ambiguous,
            created_by=self.by.membership,
            **item.values,
        )
        lead.answer_due_at = self._answer_due(item)
        for name, value in timers.projections(lead, timers.Facts(), self.hours).items():
            setattr(lead, name, value)
        item.effect, item.lead_id = Effect.CREATED, lead.pk
        return lead

    def _first_stage(self, draft: LeadDraft) -> Stage:
        pipeline = draft.pipeline or (draft.source.pipeline if draft.source else None)
        for stage in self.batch.stages:
            right = stage.pipeline_id == pipeline.pk if pipeline else stage.pipeline.is_default
            if right and stage.status == Status.NEW and not stage.retired_at:
                return stage
        raise CaptureRefused("This pipeline has no first stage.", field="pipeline")

    def _answer_due(self, item: Prepared) -> datetime | None:
        """When the first answer is due; no clock runs for old, imported or test leads."""
        draft = item.draft
        if self.lane == Lane.BACKFILL or draft.is_test:
            return None
        minutes = draft.source.answer_within() if draft.source else ANSWER_WITHIN[draft.source_kind]
        return None if minutes is None else self.hours.answer_due(item.at, minutes)

    def _creation_row(self, lead: Lead, item: Prepared) -> Activity:
        row = self._row(kinds.LEAD_CREATED, lead, item, to_stage=lead.stage, to_status=lead.status)
        if lead.owner_id:
            row.data["owner_id"] = str(lead.owner_id)
        return row

    def _row(self, kind: str, lead: Lead, item: Prepared, **values: Any) -> Activity:
        return new_row(
            Activity,
            workspace_id=lead.workspace_id,
            lead_id=lead.pk,
            contact_id=lead.contact_id,
            kind=kind,
            occurred_at=item.at,
            recorded_at=self.now,
            lane=self.lane,
            actor_kind=self.by.kind,
            actor_id=self.by.membership_id,
            token_id=self.by.token.pk if self.by.token else None,
            via=self.by.via,
            caused_by=self.by.caused_by,
            depth=self.by.depth,
            dedupe_key=log_key(item.draft) or None,
            data=_facts(item.draft),
            **values,
        )

    def _link_external(self, items: Sequence[Prepared]) -> None:
        insert_rows(
            [
                ExternalId(
                    workspace_id=self.workspace.pk,
                    lead_id=item.lead_id,
                    system=item.draft.external[0],
                    external_id=item.draft.external[1],
                )
                for item in items
                if item.draft.external
            ]
        )

    # --- touching ---

    def _touch(self, pairs: Sequence[tuple[Prepared, Lead]]) -> None:
        changes: dict[uuid.UUID, Change] = {}
        for item, lead in pairs:
            item.lead_id, item.effect = lead.pk, Effect.TOUCHED
            change = changes.setdefault(lead.pk, Change(self.batch, lead))
            if lead.stage.outcome == Outcome.RESTING:
                self._reopen(change, item)
            self._touch_one(change, item)
        self.batch.write(list(changes.values()))

    def _reopen(self, change: Change, item: Prepared) -> None:
        stage = self.batch.stage(change.lead, status=Status.NEW)
        is_history = self.lane == Lane.BACKFILL and item.at < change.lead.stage_entered_at
        if stage is not None and not is_history:
            item.effect = Effect.REOPENED
            lifecycle.restart(change, stage, item.at)

    def _touch_one(self, change: Change, item: Prepared) -> None:
        draft, lead, at = item.draft, change.lead, item.at
        filled = {
            name: value
            for name, value in item.values.items()
            if name in REFILLED and not is_blank(value)
        }
        if lead.display_name and "display_name" in filled and not draft.values.get("display_name"):
            del filled["display_name"]
        filled |= {name: one for name, one in item.attributes.items() if one is not None}
        editing.apply(
            change,
            filled,
            rank=_rank(draft, self.by),
            source=draft.source.name if draft.source else draft.source_kind,
        )
        known_since = lead.created_at
        clicks = (draft.platform_ref, lead.platform_ref)
        first, later = clicks if at < known_since else reversed(clicks)
        self._set_touches(change, item)
        change.set(
            created_at=least(known_since, at),
            first_touch_at=least(lead.first_touch_at, at),
            platform_ref=draft_values.storable({**later, **first}),
        )
        if lead.attempt == 1 and at < known_since:
            self._began_earlier(change, item)
        message = new_row(
            Message,
            lead_id=lead.pk,
            workspace_id=lead.workspace_id,
            channel=Message.Channel.FORM,
            direction=Message.Direction.INBOUND,
            body=str(item.values.get("message", "")),
            meta={"answers": draft_values.storable([list(pair) for pair in item.answers])},
            occurred_at=at,
            created_at=self.now,
        )
        change.add(message)
        change.record(
            kinds.ENQUIRY_REPEATED,
            at=at,
            subject_type="message",
            subject_id=message.pk,
            dedupe_key=log_key(draft) or None,
            data=_facts(draft),
        )
        if self.lane != Lane.BACKFILL and not draft.is_test:
            # Of two enquiries the later one is the repeat, whichever came in first.
            timeline.mark_unread(change, max(at, known_since))

    def _set_touches(self, change: Change, item: Prepared) -> None:
        """First and last touch are those of the earliest and the latest enquiry that tells one."""
        lead, rank = change.lead, _rank(item.draft, self.by)
        for name in ("first_touch", "last_touch"):
            given = draft_values.storable(dict(getattr(item.draft, name)))
            held, entry = getattr(lead, name), lead.provenance.get(name)
            held_at = datetime.fromisoformat(entry["at"]) if entry else lead.created_at
            nearer = item.at < held_at if name == "first_touch" else item.at >= held_at
            takes = bool(given) and (nearer or not held)
            if takes:
                change.set(**{name: given})
            if takes or held:
                at = item.at if takes else held_at
                change.set(provenance=stamped(lead, [name], self.by, rank, at))

    def _began_earlier(self, change: Change, item: Prepared) -> None:
        """An enquiry that came in late was the first one: the attempt began with it."""
        lead = change.lead
        change.set(
            attempt_started_at=least(lead.attempt_started_at, item.at),
            answer_due_at=self._answer_due(item),
        )
        if lead.status == Status.NEW:
            change.set(stage_entered_at=least(lead.stage_entered_at, item.at))


# --- parts -----------------------------------------------------------------------------------


def _as_answer(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _company_pair(values: Mapping[str, Any]) -> tuple[str, str]:
    host = str(values.get("email") or "").rpartition("@")[2]
    domain = identity.canonical_domain(host, business_only=True) or ""
    return (" ".join(str(values.get("company_name") or "").split())[:300], domain)


def _complete_people(leads: Sequence[Lead], ledger: matching.KeyLedger) -> None:
    """A person known before gets from a new lead what was not known of them."""
    by_contact = {
        lead.contact_id: lead
        for lead in leads
        if lead.contact_id and lead.contact_id not in ledger.new
    }
    changed, names = [], set()
    for contact_id, contact in Contact.objects.in_bulk(list(by_contact)).items():
        lead = by_contact[contact_id]
        filled = {
            name: getattr(lead, name)
            for name in (*IDENTITY_FIELDS, "company_id")
            if is_blank(getattr(contact, name)) and not is_blank(getattr(lead, name))
        }
        for name, value in filled.items():
            setattr(contact, name, value)
        if filled:
            changed.append(contact)
            names |= set(filled)
    write_columns(changed, {name.removesuffix("_id") for name in names})


def _target(item: Prepared, current: Mapping[uuid.UUID, list[Lead]]) -> Lead | None:
    """The lead that an enquiry touches, if any."""
    if item.draft.always_new or item.match.contact_id is None:
        return None
    leads = [
        lead
        for lead in current.get(item.match.contact_id, [])
        if lead.is_test == item.draft.is_test
    ]
    if item.match.ambiguous:
        # Its keys name two people: only the lead that already waits for review about them will do.
        leads = [lead for lead in leads if lead.needs_review and lead.phone == item.values["phone"]]
    return max(leads, key=_claim, default=None)


def _claim(lead: Lead) -> tuple[bool, bool, datetime, uuid.UUID]:
    """Which of a person's leads a repeat enquiry belongs to: the open, the sure, the latest one."""
    return lead.is_open, not lead.needs_review, lead.created_at, lead.pk


def _rank(draft: LeadDraft, by: Actor) -> Rank:
    return (
        by.rank if by.membership else RANK_OF_KIND.get(SourceKind(draft.source_kind), Rank.PROSPECT)
    )


def _facts(draft: LeadDraft) -> dict[str, Any]:
    facts = {
        "source_kind": draft.source_kind,
        "source_id": str(draft.source.pk) if draft.source else None,
        "landing_page": str(draft.values.get("source_url", ""))[:500],
        "is_test": draft.is_test,
    }
    return {name: value for name, value in facts.items() if value not in ("", None, False)}
