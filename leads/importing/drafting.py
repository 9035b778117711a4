"""From a row of cells to what it says about a lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models.functions import Lower

from leadcrm.workspaces.models import Membership, Workspace
from leads import draft_values, identity
from leads.draft_values import CaptureRefused, CleanValues
from leads.importing import values
from leads.importing.proposals import stage_name
from leads.importing.reading import Row
from leads.importing.targets import Target, targets_of
from leads.models import Campaign, Import, Pipeline, Source, SourceKind, Stage
from leads.models.source import kind_named
from leads.spreadsheets import unquoted

TEST_LEAD = "<test lead:"


@dataclass(slots=True)
class Drafted:
    """What a row says. `error` is (field, sentence) where it can't be imported; `notes` are
    sentences about cells that weren't understood and are kept as answers."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    answers: list[list[str]] = field(default_factory=list)
    platform_ref: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    owner: Membership | None = None
    stage: Stage | None = None
    source_kind: str = ""
    campaign: str = ""
    external: str = ""
    also_known_as: list[str] = field(default_factory=list)
    is_test: bool = False
    error: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list)
    repeats: int = 0

    @property
    def identity(self) -> str:
        """What tells the person of this row from those of others; empty where nothing does."""
        email, phone = self.values.get("email", ""), self.values.get("phone", "")
        if email or phone:
            return f"email:{email}" if email else f"phone:{phone}"
        return f"id:{self.external}" if self.external else ""


class Drafter:
    """Reads the rows of one import, in its workspace: what is looked up is looked up once."""

    def __init__(self, batch: Import, workspace: Workspace) -> None:
        self.batch, self.workspace = batch, workspace
        self.zone = ZoneInfo(workspace.time_zone)
        self.targets = targets_of(batch.kind)
        self.columns = [
            (place, self.targets[key], batch.headers[place])
            for place, key in enumerate(batch.mapping)
            if key in self.targets
        ]
        self.mapped = frozenset(target.key for _, target, _ in self.columns)
        self.day_first = bool(batch.option("day_first", True))
        self.keeps_dates = bool(batch.option("original_dates", True))

    def draft(self, row: Row, kept: dict[str, Any] | None = None) -> Drafted:
        """What the row says, complete or with the reason why it can't be imported.

        `kept` are its values as an earlier draft of it had them (`kept_of`).
        """
        number, cells = row
        drafted = Drafted(number, mapped=self.mapped)
        given: dict[str, Any] = {}
        try:
            for place, target, header in self.columns:
                cell = cells[place] if place < len(cells) else ""
                if cell:
                    cell = unquoted(cell)
                    self._take(drafted, given, target, header, cell)
            drafted.values = self._clean(given) if kept is None else draft_values.restored(kept)
        except CaptureRefused as refusal:
            drafted.error = (refusal.field, refusal.message)
        return drafted

    def _take(
        self, drafted: Drafted, given: dict[str, Any], target: Target, header: str, cell: str
    ) -> None:
        if TEST_LEAD in cell[:20].lower():
            drafted.is_test = True
            return
        special = getattr(self, f"_take_{target.place}", None)
        try:
            if special is not None:
                special(drafted, header, cell)
            elif target.place == "values":
                self._take_value(given, target, header, cell)
            else:
                getattr(drafted, target.place)[target.key] = target.read(cell)
        except ValueError as problem:
            if isinstance(problem, CaptureRefused):
                raise
            drafted.notes.append(f"{header}: {problem}; kept as an answer")
            drafted.answers.append([header, cell])

    def _take_value(self, given: dict[str, Any], target: Target, header: str, cell: str) -> None:
        value = target.read(cell)
        if target.gathers and target.key in given:
            value = f"{given[target.key]}\n{header}: {value}"
        given[target.key] = value

    def _take_answers(self, drafted: Drafted, header: str, cell: str) -> None:
        drafted.answers.append([header, cell])

    def _take_created_at(self, drafted: Drafted, header: str, cell: str) -> None:
        if not self.keeps_dates:
            return
        try:
            drafted.at = values.moment(cell, self.zone, day_first=self.day_first)
        except ValueError as problem:
            raise CaptureRefused(f"{problem}.", field="created_at") from None

    def _take_external(self, drafted: Drafted, header: str, cell: str) -> None:
        drafted.external = values.record_id(cell)

    def _take_owner(self, drafted: Drafted, header: str, cell: str) -> None:
        found = self.members.get(cell.strip().casefold())
        if found is None:
            raise ValueError(f"nobody here is “{cell[:60]}”")
        drafted.owner = found

    def _take_stage(self, drafted: Drafted, header: str, cell: str) -> None:
        found = self.stage_named(cell)
        if found is None:
            raise ValueError(f"there is no stage “{cell[:60]}”")
        drafted.stage = found

    def _take_source(self, drafted: Drafted, header: str, cell: str) -> None:
        kind = kind_named(values.platform_text(cell))
        if kind is not None and kind not in (SourceKind.MANUAL, SourceKind.HUBSPOT):
            drafted.source_kind = kind
        drafted.answers.append([header, cell])

    def _take_campaign(self, drafted: Drafted, header: str, cell: str) -> None:
        drafted.campaign = " ".join(values.platform_text(cell).split())[:255]

    def _clean(self, given: dict[str, Any]) -> CleanValues:
        email = given.get("email")
        if email and identity.canonical_email(email) is None:
            raise CaptureRefused(f"“{email[:80]}” is no e-mail address.", field="email")
        return CleanValues(draft_values.clean(given, self.workspace.country, strict=True))

    def stage_named(self, text: str) -> Stage | None:
        """The stage of the pipeline that a cell means, by our names or another product's."""
        return self.stages.get(text.strip().casefold()) or self.stages.get(stage_name(text) or "")

    @cached_property
    def members(self) -> dict[str, Membership]:
        """Active members by e-mail address and by name; a name that two have names nobody."""
        found: dict[str, Membership] = {}
        names: dict[str, list[Membership]] = defaultdict(list)
        rows = Membership.objects.filter(is_active=True).select_related("user", "team")
        for member in rows:
            names[member.name.casefold()].append(member)
            if member.user is not None:
                found[member.user.email.casefold()] = member
        return {name: them[0] for name, them in names.items() if len(them) == 1} | found

    @cached_property
    def pipeline(self) -> Pipeline:
        chosen = self.batch.option("pipeline")
        known = Pipeline.objects.filter(retired_at=None)
        return known.filter(pk=chosen).first() if chosen else known.get(is_default=True)

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """Stages of the pipeline by label, key and status."""
        rows = list(Stage.objects.filter(pipeline=self.pipeline, retired_at=None))
        rows.sort(key=lambda stage: -stage.position)
        by_status = {str(stage.status): stage for stage in rows}
        by_key = {stage.key.casefold(): stage for stage in rows}
        return by_status | by_key | {stage.label.casefold(): stage for stage in rows}

    @cached_property
    def source(self) -> Source | None:
        chosen = self.batch.option("source")
        return Source.objects.filter(pk=chosen).first() if chosen else None

    @cached_property
    def default_owner(self) -> Membership | None:
        chosen = self.batch.option("owner")
        rows = Membership.objects.filter(is_active=True).select_related("team")
        return rows.filter(pk=chosen).first() if chosen else None


def kept_of(rows: Iterable[Drafted]) -> list[dict[str, Any] | None]:
    """The values of drafts as JSON holds them, None where one is in error. What an address or a
    number means takes most of the time of drafting a row."""
    return [None if row.error else draft_values.plain(row.values) for row in rows]


def fold(rows: Sequence[Drafted], *, overwrite: bool) -> list[Drafted]:
    """Several rows about one person become the first of them.

    Later rows fill what it leaves blank, or have the last word where `overwrite`. The others know
    by `repeats` which row that was; those returned are the firsts, in order.
    """
    firsts: dict[str, Drafted] = {}
    kept = []
    for row in rows:
        first = firsts.get(row.identity) if row.identity and row.error is None else None
        if first is None:
            kept.append(row)
            if row.identity and row.error is None:
                firsts[row.identity] = row
            continue
        row.repeats = first.number
        _merge(first, row, overwrite=overwrite)
    return kept


def _merge(first: Drafted, row: Drafted, *, overwrite: bool) -> None:
    held, more = first.values, row.values
    first.values = CleanValues({**held, **_said(more)} if overwrite else {**more, **_said(held)})
    first.also_known_as += [row.external] if row.external else []
    first.answers += [one for one in row.answers if one not in first.answers]
    first.attributes = (
        {**first.attributes, **row.attributes}
        if overwrite
        else {**row.attributes, **first.attributes}
    )
    first.owner = (row.owner or first.owner) if overwrite else (first.owner or row.owner)
    first.at = min((at for at in (first.at, row.at) if at is not None), default=None)


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in ("", None)}


def campaigns_named(names: set[str]) -> dict[str, Campaign]:
    """The campaigns with these names, by name in lower case; made where there is none."""
    wanted = {name.lower(): name for name in sorted(names) if name}
    if not wanted:
        return {}
    known = _campaigns(wanted)
    missing = [Campaign(name=name) for lower, name in wanted.items() if lower not in known]
    if missing:
        Campaign.objects.bulk_create(missing, ignore_conflicts=True)
        known = _campaigns(wanted)
    return known


def _campaigns(wanted: Mapping[str, str]) -> dict[str, Campaign]:
    rows = Campaign.objects.annotate(lower=Lower("name")).filter(lower__in=list(wanted))
    return {row.name.lower(): row for row in rows}
