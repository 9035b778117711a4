"""The rows of the lead list: what is read of each lead, and what its cells look like.

They are made in Python: a page has five hundred cells, and a template takes ten times as long.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.safestring import SafeString

from leadcrm.workspaces.access import may
from leadcrm.workspaces.markup import fill
from leadcrm.workspaces.pages import PageRequest
from leadcrm.workspaces.templatetags.page_tags import ago, icon
from leads.columns import Column
from leads.custom_fields import text_of
from leads.models import Lead, SourceKind, Task
from leads.pipelines import Outcome, Status
from leads.templatetags.lead_tags import due_chip, phone_text, status_badge

READ = (
    *("pk", "display_name", "company_name", "phone", "email", "state", "label", "is_test"),
    *("source_kind", "source_id", "campaign_id", "owner_id", "team_id", "pipeline_id", "stage_id"),
    *("status", "outcome", "archived_at", "attempt_count", "budget", "budget_currency"),
    *("first_response_at", "unread_since", "snoozed_until", "work_due_at", "last_activity_at"),
    *("created_at", "next_step"),
)
KINDS = dict(SourceKind.choices)
EDITED = SafeString(" data-edit")  # whose cells may be edited in place
NO_ID = uuid.UUID(int=0)


def read_rows(leads: QuerySet[Lead], columns: Iterable[Column] = ()) -> QuerySet[Any, Any]:
    """The leads as plain rows, each with the title of its next task; with the values of the
    workspace's own fields where a column shows one."""
    tasks = Task.objects.filter(lead=OuterRef("pk"), done_at=None).order_by("due_at")
    next_step = Subquery(tasks.values("title")[:1])
    own = ["attributes"] if any(column.field for column in columns) else []
    return leads.annotate(next_step=next_step).values_list(*READ, *own, named=True)


@dataclass(slots=True)
class RowMaker:
    """Makes the rows of one page. `place` gives what a lead's link says of the list around it,
    `names` the names behind ids."""

    request: PageRequest
    columns: list[Column]
    place: Callable[[Any], str]
    names: Mapping[uuid.UUID, str]
    now: datetime
    may_edit: bool = field(init=False)
    may_tick: bool = field(init=False)
    tabindex: SafeString = field(init=False)
    addresses: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.may_edit = may(self.request.membership, "edit")
        self.may_tick = may(self.request.membership, "bulk")
        skipped = ' tabindex="-1"' if self.request.user.shortcuts else ""
        self.tabindex = SafeString(skipped)
        self.addresses = {
            name: reverse(f"lead-{name}", args=[self.request.workspace.slug, NO_ID]).split(
                str(NO_ID)
            )
            for name in ("detail", "row", "snooze", "move", "assign")
        }

    def address(self, name: str, key: str) -> str:
        """What `reverse` gives; it would take longer over a page than all else does."""
        return key.join(self.addresses[name])

    def row(self, lead: Any) -> SafeString:
        key = str(lead.pk)
        cells = "".join([self.cell(column, lead, key) for column in self.columns])
        return fill(
            '<tr id="row-{}" data-lead="{}"{} hx-get="{}" hx-trigger="changed-{} from:body"'
            ' hx-swap="outerHTML">{}{}<td class="c-do">{}</td></tr>',
            key,
            self.address("detail", key),
            EDITED if self.may_edit and is_open(lead) else "",
            self.address("row", key),
            key,
            self.tick(lead, key) if self.may_tick else "",
            SafeString(cells),
            self.actions(lead, key),
        )

    def tick(self, lead: Any, key: str) -> SafeString:
        return fill(
            '<td class="c-tick"><input class="form-check-input over" type="checkbox" name="lead"'
            ' value="{}" form="selection" aria-label="Select {}"{}></td>',
            *(key, lead.display_name, self.tabindex),
        )

    def cell(self, column: Column, lead: Any, key: str) -> SafeString:
        if column.field is None:
            return CELLS[column.key](self, lead, key)
        shown = text_of(column.field, lead.attributes.get(str(column.field.pk)))
        return fill('<td class="c-own c-{} {}">{}</td>', column.key, column.css, shown)

    def actions(self, lead: Any, key: str) -> SafeString:
        call = snooze = ""
        if lead.phone:
            call = fill(
                '<a class="btn btn-sm over" href="tel:{}"{}>{} Call</a>',
                *(lead.phone, self.tabindex, icon("phone")),
            )
        if self.may_edit and is_open(lead):
            snooze = fill(
                ' <a class="btn btn-sm over" href="{}" hx-get="{}" hx-target="#sheet-body"{}>'
                "{} Snooze</a>",
                *(self.address("detail", key), self.address("snooze", key)),
                *(self.tabindex, icon("clock")),
            )
        return fill("{}{}", call, snooze)

    def pill(self, key: str, verb: str, title: str, shown: object, css: str = "") -> SafeString:
        """What is shown, as a link that opens a verb's form."""
        return fill(
            '<a class="over pill{}" href="{}" hx-get="{}" hx-target="#sheet-body" title="{}"{}>{}</a>',
            *(css, self.address("detail", key), self.address(verb, key), title),
            *(self.tabindex, shown),
        )


def is_open(lead: Any) -> bool:
    return bool(lead.outcome == Outcome.OPEN)


def _due(page: RowMaker, lead: Any, key: str) -> SafeString:
    shown = due_chip(lead.work_due_at, page.now)
    if page.may_edit and is_open(lead):
        shown = page.pill(key, "snooze", "Snooze", shown)
    return fill('<td class="c-due">{}</td>', shown)


def _name(page: RowMaker, lead: Any, key: str) -> SafeString:
    company = test = ""
    if lead.company_name and lead.company_name != lead.display_name:
        company = fill(' <span class="text-secondary">{}</span>', lead.company_name)
    if lead.is_test:
        test = SafeString(' <span class="badge bg-secondary-lt">Test</span>')
    return fill(
        '<td class="c-name"><a class="row-link" href="{}?{}">{}</a>{}{}</td>',
        *(page.address("detail", key), page.place(lead), lead.display_name, company, test),
    )


def _stage(page: RowMaker, lead: Any, key: str) -> SafeString:
    shown = status_badge(lead.status, page.names.get(lead.stage_id, ""))
    if page.may_edit and not lead.archived_at:
        shown = page.pill(key, "move", "Move", shown)
    return fill('<td class="c-stage">{}</td>', shown)


def _phone(page: RowMaker, lead: Any, key: str) -> SafeString:
    if not lead.phone:
        return SafeString('<td class="c-phone"></td>')
    return fill(
        '<td class="c-phone"><a class="over" href="tel:{}"{}>{}</a></td>',
        *(lead.phone, page.tabindex, phone_text(lead.phone)),
    )


def _email(page: RowMaker, lead: Any, key: str) -> SafeString:
    if not lead.email:
        return SafeString('<td class="c-email"></td>')
    return fill(
        '<td class="c-email"><a class="over" href="mailto:{}"{}>{}</a></td>',
        *(lead.email, page.tabindex, lead.email),
    )


def _source(page: RowMaker, lead: Any, key: str) -> SafeString:
    source = page.names.get(lead.source_id) or KINDS.get(lead.source_kind, lead.source_kind)
    campaign = ""
    if lead.campaign_id:
        name = page.names.get(lead.campaign_id, "")
        campaign = fill(' <span class="text-secondary">{}</span>', name)
    return fill('<td class="c-source">{}{}</td>', source, campaign)


def _tries(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-tries num">{}</td>', lead.attempt_count or "")


def _step(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-step">{}</td>', next_step(lead))


def next_step(lead: Any) -> str:
    """What is to be done next with a lead, in words."""
    if lead.unread_since:
        return "Reply"
    if lead.next_step:
        return str(lead.next_step)
    if lead.snoozed_until:
        return "Snoozed"
    if lead.status == Status.SCHEDULED:
        return "Appointment"
    if lead.work_due_at and not lead.first_response_at:
        return "First answer"
    if is_open(lead) and not lead.work_due_at:
        return SafeString('<span class="missing">None</span>')
    return ""


def _active(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-active">{}</td>', ago(lead.last_activity_at))


def _owner(page: RowMaker, lead: Any, key: str) -> SafeString:
    shown = page.names.get(lead.owner_id) or page.names.get(lead.team_id) or "Nobody"
    if page.may_edit and not lead.archived_at:
        css = "" if lead.owner_id else " text-secondary"
        shown = page.pill(key, "assign", "Assign", shown, css)
    return fill('<td class="c-owner">{}</td>', shown)


def _team(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-team">{}</td>', page.names.get(lead.team_id, ""))


def _pipeline(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-pipeline">{}</td>', page.names.get(lead.pipeline_id, ""))


def _budget(page: RowMaker, lead: Any, key: str) -> SafeString:
    shown = "" if lead.budget is None else f"{lead.budget} {lead.budget_currency}"
    return fill('<td class="c-budget num">{}</td>', shown)


def _label(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-label">{}</td>', lead.label)


def _state(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-state">{}</td>', lead.state)


def _created(page: RowMaker, lead: Any, key: str) -> SafeString:
    return fill('<td class="c-created">{}</td>', ago(lead.created_at))


CELLS: dict[str, Callable[[RowMaker, Any, str], SafeString]] = {
    "due": _due,
    "name": _name,
    "stage": _stage,
    "phone": _phone,
    "email": _email,
    "source": _source,
    "tries": _tries,
    "step": _step,
    "active": _active,
    "owner": _owner,
    "team": _team,
    "pipeline": _pipeline,
    "budget": _budget,
    "label": _label,
    "state": _state,
    "created": _created,
}
