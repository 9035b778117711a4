"""The only entrance for leads: finds the person, then creates a lead or touches theirs.

Every channel makes LeadDrafts; `capture_leads` turns them into leads, one or ten thousand, in
one transaction, each exactly once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.business_hours import BusinessHours
from leadcrm.workspaces.models import Location, Membership, Team, Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import editing, identity, kinds, lifecycle, matching, searching, timeline, timers
from leads.batch import Change, LeadBatch, least
from leads.models import (
    Activity,
    Campaign,
    Contact,
    ExternalId,
    Lead,
    Message,
    Pipeline,
    Source,
    SourceKind,
    Stage,
)
from leads.models.activity import Lane
from leads.models.source import ANSWER_WITHIN
from leads.pipelines import Outcome, Status
from leads.provenance import RANK_OF_KIND, is_blank

NOBODY = uuid.UUID(int=0)
IDENTITY_FIELDS = (
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
)
# What a draft's `values` may hold, besides the identity.
DETAIL_FIELDS = (
    "phone_raw", "message", "notes", "label", "enrollment", "source_detail", "source_url", "referrer",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "budget", "budget_currency", "authority", "need", "timeline", "external_score",
)  # fmt: skip
REFILLED = frozenset(IDENTITY_FIELDS) | {
    "enrollment",
    "budget",
    "budget_currency",
    "authority",
    "need",
    "timeline",
}


class CaptureRefused(ValueError):
    """A draft can't become a lead; `field` names what is at fault."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


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
    whose every id is a lead of its own.
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
    source: Source | None = None
    campaign: Campaign | None = None
    pipeline: Pipeline | None = None
    owner: Membership | None = None
    team: Team | None = None
    location: Location | None = None
    external: tuple[str, str] | None = None
    is_test: bool = False
    always_new: bool = False


@dataclass(slots=True)
class Captured:
    effect: Effect
    lead_id: uuid.UUID


def capture_leads(
    drafts: Sequence[LeadDraft], *, by: Actor, now: datetime, lane: str = Lane.LIVE
) -> list[Captured]:
    """Turn drafts into leads, in one transaction; returns what became of each, in order.

    An enquiry of somebody with an open lead touches that lead, of somebody whose lead rests
    reopens it, else it opens a new lead on the same contact. Raises CaptureRefused for a draft
    that names nobody; then none is captured.
    """
    with transaction.atomic():
        capture = _Capture(by, now, lane)
        prepared = [capture.prepare(draft) for draft in drafts]
        for round_ in _rounds(prepared):
            capture.take(round_)
        return [Captured(item.effect, item.lead_id) for item in prepared]


@dataclass(slots=True)
class _Prepared:
    """A draft on its way: its cleaned values, and in the end its effect."""

    draft: LeadDraft
    values: dict[str, Any]
    match: matching.Match = field(default_factory=lambda: matching.Match(None))
    effect: Effect = Effect.KNOWN
    lead_id: uuid.UUID = NOBODY

    @property
    def person(self) -> matching.Person:
        values = {name: self.values[name] for name in IDENTITY_FIELDS if self.values.get(name)}
        return matching.Person(self.values.get("email", ""), self.values.get("phone", ""), values)


def _rounds(items: Sequence[_Prepared]) -> list[list[_Prepared]]:
    """Split drafts so that a round never holds two of the same person: the second touches what
    the first created."""
    rounds: list[list[_Prepared]] = []
    seen: dict[str, int] = {}
    for item in items:
        names = [
            name
            for name in (item.values.get("email"), item.values.get("phone"), item.draft.key)
            if name
        ]
        if item.draft.external:
            names.append("\x1f".join(item.draft.external))
        number = max((seen.get(name, 0) for name in names), default=0)
        for name in names:
            seen[name] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(item)
    return rounds


class _Capture:
    """One call of `capture_leads`: what it knows of the workspace, and the steps."""

    def __init__(self, by: Actor, now: datetime, lane: str) -> None:
        self.batch = LeadBatch(by=by, now=now, lane=lane)
        self.by, self.now, self.lane = by, now, lane
        self.workspace: Workspace = self.batch.workspace
        self.hours: BusinessHours = self.workspace.hours()

    def prepare(self, draft: LeadDraft) -> _Prepared:
        values = _clean(draft, self.workspace.country)
        if not values.get("display_name"):
            raise CaptureRefused(
                "Give a name, an e-mail address or a phone number.", field="display_name"
            )
        return _Prepared(draft, values)

    def take(self, items: Sequence[_Prepared]) -> None:
        _lock_keyless(items)
        people = matching.resolve([item.person for item in items])
        known = _known_keys(items)
        external = _known_external(items)
        fresh = []
        for item, match in zip(items, people, strict=True):
            item.match = match
            lead_id = known.get(item.draft.key) or (
                external.get(item.draft.external) if item.draft.external else None
            )
            if lead_id:
                item.effect, item.lead_id = Effect.KNOWN, lead_id
            else:
                fresh.append(item)
        current = self._current_leads(fresh)
        to_touch = [(item, lead) for item in fresh if (lead := _target(item, current)) is not None]
        touched = {id(item) for item, _ in to_touch}
        self._create([item for item in fresh if id(item) not in touched])
        self._touch(to_touch)

    def _current_leads(self, items: Sequence[_Prepared]) -> dict[uuid.UUID, list[Lead]]:
        """The open and resting leads of the contacts, locked, the latest first."""
        contacts = {
            item.match.contact_id
            for item in items
            if item.match.contact_id and not item.match.created
        }
        if not contacts:
            return {}
        ids = list(
            Lead.objects.present()
            .filter(contact__in=contacts, stage__outcome__in=(Outcome.OPEN, Outcome.RESTING))
            .values_list("pk", flat=True)
        )
        found: dict[Any, list[Lead]] = {}
        for lead in self.batch.lock(ids).values():
            # Somebody may have closed it between the look and the lock.
            if lead.stage.outcome in (Outcome.OPEN, Outcome.RESTING) and not lead.archived_at:
                found.setdefault(lead.contact_id, []).append(lead)
        for leads in found.values():
            leads.sort(
                key=lambda lead: (lead.stage.outcome == Outcome.OPEN, lead.created_at), reverse=True
            )
        return found

    # --- creating ---

    def _create(self, items: Sequence[_Prepared]) -> None:
        if not items:
            return
        pairs = {id(item): _company_pair(item.values) for item in items}
        companies = matching.resolve_companies(list(pairs.values()))
        leads = []
        for item in items:
            lead = self._new_lead(item, companies.get(pairs[id(item)]))
            item.effect, item.lead_id = Effect.CREATED, lead.pk
            leads.append(lead)
        Lead.objects.bulk_create(leads, 1000)
        searching.refresh(leads)
        _link_companies(leads)
        self._link_external(items)
        Activity.objects.bulk_create(
            [self._creation_row(lead, item) for lead, item in zip(leads, items, strict=True)], 1000
        )

    def _new_lead(self, item: _Prepared, company_id: uuid.UUID | None) -> Lead:
        draft, at = item.draft, item.draft.occurred_at
        stage = self._first_stage(draft)
        source, owner = draft.source, draft.owner or (draft.source.owner if draft.source else None)
        lead = Lead(
            workspace_id=self.workspace.pk,
            source_kind=draft.source_kind,
            source=source,
            campaign=draft.campaign or (source.campaign if source else None),
            owner=owner,
            team=draft.team or (source.team if source else None) or (owner.team if owner else None),
            location=draft.location or (source.location if source else None),
            contact_id=item.match.contact_id,
            company_id=company_id,
            pipeline=stage.pipeline,
            stage=stage,
            status=stage.status,
            stage_entered_at=at,
            attempt_started_at=at,
            first_touch_at=at,
            last_activity_at=at,
            created_at=at,
            inserted_at=self.now,
            answers=[list(pair) for pair in draft.answers],
            first_touch=dict(draft.first_touch),
            last_touch=dict(draft.last_touch),
            platform_ref=dict(draft.platform_ref),
            attributes=dict(draft.attributes),
            is_test=draft.is_test,
            needs_review=item.match.ambiguous,
            created_by=self.by.membership,
            **item.values,
        )
        lead.answer_due_at = self._answer_due(draft)
        for name, value in timers.projections(lead, timers.Facts(), self.hours).items():
            setattr(lead, name, value)
        return lead

    def _first_stage(self, draft: LeadDraft) -> Stage:
        pipeline = draft.pipeline or (draft.source.pipeline if draft.source else None)
        for stage in self.batch.stages:
            right = stage.pipeline_id == pipeline.pk if pipeline else stage.pipeline.is_default
            if right and stage.status == Status.NEW and not stage.retired_at:
                return stage
        raise CaptureRefused("This pipeline has no first stage.", field="pipeline")

    def _answer_due(self, draft: LeadDraft) -> datetime | None:
        """When the first answer is due; no clock runs for old, imported or test leads."""
        if self.lane != Lane.LIVE or draft.is_test:
            return None
        minutes = draft.source.answer_within() if draft.source else ANSWER_WITHIN[draft.source_kind]
        return None if minutes is None else self.hours.answer_due(draft.occurred_at, minutes)

    def _creation_row(self, lead: Lead, item: _Prepared) -> Activity:
        return self._row(kinds.LEAD_CREATED, lead, item, to_stage=lead.stage, to_status=lead.status)

    def _row(self, kind: str, lead: Lead, item: _Prepared, **values: Any) -> Activity:
        return Activity(
            workspace_id=lead.workspace_id,
            lead_id=lead.pk,
            contact_id=lead.contact_id,
            kind=kind,
            occurred_at=item.draft.occurred_at,
            recorded_at=self.now,
            lane=self.lane,
            actor_kind=self.by.kind,
            actor_id=self.by.membership_id,
            token_id=self.by.token.pk if self.by.token else None,
            via=self.by.via,
            caused_by=self.by.caused_by,
            depth=self.by.depth,
            dedupe_key=_log_key(item.draft) or None,
            data=_facts(item.draft),
            **values,
        )

    def _link_external(self, items: Sequence[_Prepared]) -> None:
        ExternalId.objects.bulk_create(
            [
                ExternalId(
                    workspace_id=self.workspace.pk,
                    lead_id=item.lead_id,
                    system=item.draft.external[0],
                    external_id=item.draft.external[1],
                )
                for item in items
                if item.draft.external
            ],
            1000,
        )

    # --- touching ---

    def _touch(self, pairs: Sequence[tuple[_Prepared, Lead]]) -> None:
        changes = []
        for item, lead in pairs:
            item.lead_id, item.effect = lead.pk, Effect.TOUCHED
            change = Change(self.batch, lead)
            if lead.stage.outcome == Outcome.RESTING:
                item.effect = Effect.REOPENED
                self._reopen(change, item)
            self._touch_one(change, item)
            changes.append(change)
        self.batch.write(changes)
        self._link_external([item for item, _ in pairs])

    def _reopen(self, change: Change, item: _Prepared) -> None:
        stage = self.batch.stage(change.lead, status=Status.NEW)
        if stage is not None:
            lifecycle.restart(change, stage, item.draft.occurred_at)

    def _touch_one(self, change: Change, item: _Prepared) -> None:
        draft, lead, at = item.draft, change.lead, item.draft.occurred_at
        filled = {
            name: value
            for name, value in item.values.items()
            if name in REFILLED and not is_blank(value)
        }
        if lead.display_name and "display_name" in filled and not draft.values.get("display_name"):
            del filled["display_name"]
        editing.apply(
            change,
            filled,
            rank=_rank(draft, self.by),
            source=draft.source.name if draft.source else draft.source_kind,
        )
        earlier = at < lead.created_at
        change.set(
            created_at=least(lead.created_at, at),
            first_touch_at=least(lead.first_touch_at, at),
            first_touch=dict(draft.first_touch)
            if earlier and draft.first_touch
            else lead.first_touch or dict(draft.first_touch),
            last_touch=lead.last_touch
            if earlier or not draft.last_touch
            else dict(draft.last_touch),
            platform_ref={**draft.platform_ref, **lead.platform_ref},
        )
        if lead.attempt == 1:
            change.set(attempt_started_at=least(lead.attempt_started_at, at))
        message = Message(
            lead=lead,
            workspace_id=lead.workspace_id,
            channel=Message.Channel.FORM,
            direction=Message.Direction.INBOUND,
            body=str(item.values.get("message", "")),
            meta={"answers": [list(pair) for pair in draft.answers]},
            occurred_at=at,
            created_at=self.now,
        )
        change.add(message)
        change.record(
            kinds.ENQUIRY_REPEATED,
            at=at,
            subject_type="message",
            subject_id=message.pk,
            dedupe_key=_log_key(draft) or None,
            data=_facts(draft),
        )
        if self.lane == Lane.LIVE and not draft.is_test:
            timeline.mark_unread(change, at)


# --- parts -----------------------------------------------------------------------------------


def _clean(draft: LeadDraft, country: str) -> dict[str, Any]:
    """The draft's values as the lead keeps them: canonical keys, names, texts within their columns."""
    given = {name: value for name, value in draft.values.items() if not is_blank(value)}
    unknown = set(given) - set(IDENTITY_FIELDS) - set(DETAIL_FIELDS)
    if unknown:
        raise CaptureRefused("is no field of a draft", field=sorted(unknown)[0])
    values = {name: _fit(name, value) for name, value in given.items()}
    raw_email, raw_phone = str(given.get("email", "")), str(given.get("phone", ""))
    values["email"] = identity.canonical_email(raw_email) or ""
    values["phone"] = identity.canonical_phone(raw_phone, values.get("country") or country) or ""
    if raw_phone:
        values.setdefault("phone_raw", raw_phone[:64])
    first, last = values.get("first_name", ""), values.get("last_name", "")
    if not (first or last) and values.get("display_name"):
        first, last = identity.split_name(values["display_name"])
        values["first_name"], values["last_name"] = first[:100], last[:100]
    if not values.get("display_name"):
        fallback = values["email"] or raw_email
        company = values.get("company_name", "")
        values["display_name"] = identity.display_name(
            first, last, company, fallback, values["phone"] or raw_phone
        )[:200]
    return values


def _fit(name: str, value: Any) -> Any:
    """Cut a text to its column: the whole of what was sent stands in the stored payload."""
    if not isinstance(value, str):
        return value
    column: Any = Lead._meta.get_field(name)
    length: int | None = column.max_length
    text = value.strip() if name in ("message", "notes", "need") else " ".join(value.split())
    return text[:length] if length else text


def _company_pair(values: Mapping[str, Any]) -> tuple[str, str]:
    domain = identity.canonical_domain(values.get("email") or "", business_only=True) or ""
    return (" ".join(str(values.get("company_name") or "").split())[:300], domain)


def _link_companies(leads: Sequence[Lead]) -> None:
    """A contact without a company gets that of its new lead."""
    by_company: dict[uuid.UUID, list[uuid.UUID]] = {}
    for lead in leads:
        if lead.company_id and lead.contact_id:
            by_company.setdefault(lead.company_id, []).append(lead.contact_id)
    for company_id, contacts in sorted(by_company.items()):
        Contact.objects.filter(pk__in=contacts, company=None).update(company=company_id)


def _target(item: _Prepared, current: Mapping[uuid.UUID, list[Lead]]) -> Lead | None:
    """The lead that an enquiry touches, if any."""
    if item.draft.always_new or item.match.contact_id is None:
        return None
    leads = current.get(item.match.contact_id, [])
    if item.match.ambiguous:
        # Its keys name two people: only the lead that already waits for review about them will do.
        leads = [lead for lead in leads if lead.needs_review and lead.phone == item.values["phone"]]
    return leads[0] if leads else None


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


def _log_key(draft: LeadDraft) -> str:
    return f"capture:{draft.key}" if draft.key else ""


def _known_keys(items: Sequence[_Prepared]) -> dict[str, uuid.UUID]:
    """Keys of drafts that are in the log already; read under the lock of their person."""
    keys = {_log_key(item.draft): item.draft.key for item in items if item.draft.key}
    if not keys:
        return {}
    rows = Activity.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", "lead_id")
    return {keys[key]: lead_id for key, lead_id in rows}


def _known_external(items: Sequence[_Prepared]) -> dict[tuple[str, str], uuid.UUID]:
    wanted = {item.draft.external for item in items if item.draft.external}
    if not wanted:
        return {}
    rows = ExternalId.objects.filter(
        system__in={system for system, _ in wanted}, external_id__in={value for _, value in wanted}
    ).values_list("system", "external_id", "lead_id")
    return {
        (system, value): lead_id for system, value, lead_id in rows if (system, value) in wanted
    }


def _lock_keyless(items: Sequence[_Prepared]) -> None:
    """Serialise what no person's key serialises: the same draft, or the same external id, twice at once."""
    names = {"\x1f".join(item.draft.external) for item in items if item.draft.external}
    names |= {item.draft.key for item in items if item.draft.key and not item.person.named()}
    if not names:
        return
    with connection.cursor() as cursor:
        for name in sorted(names):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"{current_workspace_id()}:{name}"],
            )
