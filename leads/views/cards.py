"""The cards of the board: what is read of each lead, how many there are, and what a card looks like."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, F, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.safestring import SafeString

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.compiled import is_among
from leadcrm.workspaces.markup import fill
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest
from leads.access import within
from leads.models import Lead
from leads.models.lead import IS_OPEN
from leads.templatetags.lead_tags import due_chip
from leads.views.rows import KINDS, NO_ID

PAGE = 25
FEW = 1_000  # so many are chosen by their filters first, and sorted then
COUNTED = 10_000
READ = (
    *("pk", "display_name", "company_name", "source_kind", "source_id", "owner_id", "stage_id"),
    *("attempt_count", "work_due_at", "created_at", "is_test", "may_edit"),
)
BY_DUE = (F("work_due_at").asc(nulls_last=True), F("created_at").desc(), F("pk").desc())


@dataclass(slots=True)
class Sums:
    """How many leads are in a column, one more than is counted where there are more, and their
    budgets by currency."""

    count: int = 0
    budgets: dict[str, Decimal] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        return f"{COUNTED:,}+" if self.count > COUNTED else f"{self.count:,}"

    @property
    def budget(self) -> str:
        if self.count > COUNTED:
            return ""
        return " + ".join(f"{total:,.0f} {name}" for name, total in sorted(self.budgets.items()))


def read_sums(leads: QuerySet[Lead], stages: Sequence[uuid.UUID]) -> dict[uuid.UUID, Sums]:
    """Counts and sums of the open leads of each stage, in one query."""
    found = {stage: Sums() for stage in stages}
    parts: list[str] = []
    values: list[Any] = []
    for place, stage in enumerate(stages):
        rows = leads.filter(IS_OPEN, stage=stage).order_by()
        try:
            sql, params = rows.values_list("budget_currency", "budget")[
                : COUNTED + 1
            ].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(
            f"SELECT {place}, currency, count(*), sum(budget)"  # noqa: S608
            f" FROM ({sql}) AS part (currency, budget) GROUP BY currency"
        )
        values += params
    if not parts:
        return found
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        for place, currency, count, total in cursor.fetchall():
            sums = found[stages[place]]
            sums.count += count
            if total:
                sums.budgets[currency] = total
    return found


def read_cards(leads: QuerySet[Lead], member: Membership) -> QuerySet[Any, Any]:
    """The leads as plain rows, each with whether the member may change it."""
    far = reach(member, "edit")
    whether: Any = Value(far is Reach.ALL, BooleanField())
    if far not in (Reach.ALL, Reach.NONE):
        whether = Case(When(within(member, "edit"), then=True), default=False)
    return leads.annotate(may_edit=whether).values_list(*READ, named=True)


def first_cards(
    leads: QuerySet[Lead], sums: Mapping[uuid.UUID, Sums], member: Membership
) -> dict[uuid.UUID, list[Any]]:
    """The first cards of each column in order, one more than a page, in one query.

    Few leads are chosen first and sorted then, as the list does it; many are walked in the order
    of each column, of which there is an index.
    """
    found: dict[uuid.UUID, list[Any]] = {stage: [] for stage in sums}
    filled = [stage for stage, one in sums.items() if one.count]
    if not filled:
        return found
    if sum(one.count for one in sums.values()) <= FEW:
        rows: Iterable[Any] = _of_few(leads, filled, member)
    else:
        rows = _of_many(leads, filled, member)
    for row in rows:
        found[row.stage_id].append(row)
    for cards in found.values():  # a union promises no order
        cards.sort(key=_place)
    return found


def _of_few(
    leads: QuerySet[Lead], stages: Sequence[uuid.UUID], member: Membership
) -> QuerySet[Any, Any]:
    ids = leads.filter(IS_OPEN, stage__in=stages).order_by().values("pk")[: FEW + 1]
    few = Lead.objects.filter(is_among("pk", ArraySubquery(ids)))
    place = Window(RowNumber(), partition_by="stage_id", order_by=BY_DUE)
    return read_cards(few.annotate(place=place).filter(place__lte=PAGE + 1), member)


def _of_many(
    leads: QuerySet[Lead], stages: Sequence[uuid.UUID], member: Membership
) -> QuerySet[Any, Any]:
    first, *others = [
        read_cards(leads.filter(IS_OPEN, stage=stage).order_by(*BY_DUE), member)[: PAGE + 1]
        for stage in stages
    ]
    return first.union(*others, all=True)


def _place(row: Any) -> tuple[bool, float, float]:
    due = row.work_due_at
    return due is None, due.timestamp() if due else 0, -row.created_at.timestamp()


@dataclass(slots=True)
class CardMaker:
    """Makes the cards of one page. `place` gives what a lead's link says of the list around it,
    `names` the names behind ids."""

    request: PageRequest
    place: Callable[[Any], str]
    names: Mapping[uuid.UUID, str]
    now: datetime
    addresses: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        slug = self.request.workspace.slug
        self.addresses = {
            name: reverse(name, args=[slug, NO_ID]).split(str(NO_ID))
            for name in ("lead-detail", "lead-move", "board-card")
        }

    def address(self, name: str, key: str) -> str:
        return key.join(self.addresses[name])

    def cards(self, leads: Iterable[Any]) -> SafeString:
        return SafeString("".join([self.card(lead) for lead in leads]))

    def card(self, lead: Any) -> SafeString:
        key = str(lead.pk)
        detail = self.address("lead-detail", key)
        return fill(
            '<li id="card-{}" class="lead-card{}" data-lead="{}" data-stage="{}" data-due="{}"'
            ' data-created="{}"{} hx-get="{}" hx-trigger="changed-{} from:body"'
            ' hx-swap="outerHTML"><div class="k-name"><a class="row-link" draggable="false"'
            ' href="{}?{}">{}</a>{}</div><div class="k-due">{}</div><div class="k-more">{}</div></li>',
            *(key, "" if lead.work_due_at else " no-step", detail, lead.stage_id),
            *(_stamp(lead.work_due_at), _stamp(lead.created_at)),
            SafeString(' draggable="true"' if lead.may_edit else ""),
            *(self.address("board-card", key), key, detail, self.place(lead), lead.display_name),
            *(_beside(lead), self.due(lead), self.more(lead, key, detail)),
        )

    def due(self, lead: Any) -> SafeString | str:
        missing = SafeString('<span class="missing">No next step</span>')
        return due_chip(lead.work_due_at, self.now, missing)

    def more(self, lead: Any, key: str, detail: str) -> SafeString:
        """Source, tries, who has it, and the way to move it without a pointer."""
        source = self.names.get(lead.source_id) or KINDS.get(lead.source_kind, lead.source_kind)
        tries = lead.attempt_count
        told = f"{tries} {'try' if tries == 1 else 'tries'}" if tries else ""
        owner = self.names.get(lead.owner_id, "")
        move: object = ""
        if lead.may_edit:
            move = fill(
                '<a class="over k-move" href="{}" hx-get="{}" hx-target="#sheet-body">Move'
                '<span class="visually-hidden"> {}</span></a>',
                *(detail, self.address("lead-move", key), lead.display_name),
            )
        return fill(
            '<span class="k-source">{}</span><span>{}</span><span class="k-owner" title="{}">{}'
            '<span class="visually-hidden">{}</span></span>{}',
            *(source, told, owner, initials(owner), owner or "Nobody has it", move),
        )


def initials(name: str) -> SafeString | str:
    words = name.split()
    letters = "".join(word[0] for word in (words[:1] + words[1:][-1:]))
    return fill('<span aria-hidden="true">{}</span>', letters.upper()) if letters else ""


def _beside(lead: Any) -> SafeString:
    company = test = ""
    if lead.company_name and lead.company_name != lead.display_name:
        company = fill(' <span class="text-secondary">{}</span>', lead.company_name)
    if lead.is_test:
        test = SafeString(' <span class="badge bg-secondary-lt">Test</span>')
    return fill("{}{}", company, test)


def _stamp(at: datetime | None) -> int | str:
    return int(at.timestamp()) if at else ""
