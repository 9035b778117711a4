"""Export: leads as CSV or XLSX, streamed in pages, safe to open in a spreadsheet, and logged."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.db.models import QuerySet

from leadcrm.workspaces.access import require
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import Order, page_of
from leads import access, custom_fields, kinds
from leads.batch import Refused
from leads.models import Activity, CustomField, Lead
from leads.spreadsheets import formula_safe

PAGE = 2000
MOST_XLSX = 100_000  # rows; a spreadsheet is written before its first byte can be sent
LINE = 32_767  # characters that a cell of a spreadsheet holds
NEWEST = Order(
    "newest", "created_at", descending=True
)  # neither ever changes: none twice, none left out

Names = Mapping[uuid.UUID, str]


class ExportRefused(Refused):
    code = "export_refused"


@dataclass(frozen=True)
class ExportColumn:
    """A column: what is read of the lead, and how it is written where it is not as it stands."""

    key: str
    label: str
    field: str
    is_name: bool = False  # the field holds an id, whose name is written
    shown: bool = True
    definition: CustomField | None = None  # of a field of the workspace's own

    def value(self, lead: Any, names: Names) -> Any:
        if self.definition is not None:
            return _own_value(self.definition, lead.attributes)
        found = getattr(lead, self.field)
        return names.get(found, "") if self.is_name and found else found


def _own_value(definition: CustomField, attributes: Mapping[str, Any]) -> Any:
    held = attributes.get(str(definition.pk))
    is_number = definition.kind == CustomField.Kind.NUMBER and held is not None
    return held if is_number else custom_fields.text_of(definition, held)


def export_columns(custom: Iterable[CustomField]) -> list[ExportColumn]:
    """All columns that a file can have: ours, then the workspace's own fields."""
    own = [
        ExportColumn(one.name, one.label, "attributes", shown=False, definition=one)
        for one in custom
    ]
    return [*EXPORT_COLUMNS, *own]


def _columns(
    *rows: tuple[str, str, str], is_name: bool = False, shown: bool = True
) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(*row, is_name=is_name, shown=shown) for row in rows)


EXPORT_COLUMNS = (
    *_columns(
        ("name", "Name", "display_name"),
        ("first_name", "First name", "first_name"),
        ("last_name", "Last name", "last_name"),
        ("email", "E-mail", "email"),
        ("phone", "Phone", "phone"),
        ("company", "Company", "company_name"),
        ("job_title", "Job title", "job_title"),
        ("state", "State", "state"),
        ("country", "Country", "country"),
    ),
    *_columns(
        ("pipeline", "Pipeline", "pipeline_id"), ("stage", "Stage", "stage_id"), is_name=True
    ),
    *_columns(("status", "Status", "status")),
    *_columns(
        ("owner", "Owner", "owner_id"),
        ("team", "Team", "team_id"),
        ("source", "Source", "source_id"),
        ("campaign", "Campaign", "campaign_id"),
        is_name=True,
    ),
    *_columns(
        ("created", "Created", "created_at"),
        ("answered", "First answer", "first_response_at"),
        ("tries", "Tries", "attempt_count"),
        ("active", "Last activity", "last_activity_at"),
        ("due", "Due", "work_due_at"),
        ("budget", "Budget", "budget"),
        ("currency", "Currency", "budget_currency"),
        ("label", "Label", "label"),
        ("message", "What they asked", "message"),
    ),
    *_columns(
        ("id", "Id", "pk"),
        ("source_kind", "Source kind", "source_kind"),
        ("source_detail", "Source detail", "source_detail"),
        ("time_zone", "Time zone", "time_zone"),
        ("notes", "Notes", "notes"),
        ("authority", "Authority", "authority"),
        ("need", "Need", "need"),
        ("timeline", "Timeline", "timeline"),
        ("qualified", "Qualified", "qualified_at"),
        ("scheduled", "Booked", "scheduled_at"),
        ("completed", "Met", "completed_at"),
        ("converted", "Converted", "converted_at"),
        ("lost", "Lost", "lost_at"),
        ("reason", "Reason of loss", "loss_reason"),
        ("unfit_reason", "Reason not a fit", "disqualification_reason"),
        ("utm_source", "UTM source", "utm_source"),
        ("utm_medium", "UTM medium", "utm_medium"),
        ("utm_campaign", "UTM campaign", "utm_campaign"),
        ("utm_term", "UTM term", "utm_term"),
        ("utm_content", "UTM content", "utm_content"),
        ("landing_page", "Landing page", "source_url"),
        ("referrer", "Referrer", "referrer"),
        shown=False,
    ),
)


def exportable(member: Membership, leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Those of the leads that the member may take out. Raises NotAllowed for whoever may not."""
    require(member, "export")
    return leads.filter(access.within(member, "export"))


def export(
    leads: QuerySet[Lead],
    columns: Sequence[ExportColumn],
    names: Names,
    *,
    to: str,
    about: str,
    by: Actor,
    now: datetime,
) -> Iterator[bytes]:
    """Log the export, and give the parts of a file `to` csv or xlsx, newest lead first.

    `leads` are those that `exportable` left, `about` says which they are. Times are written in the
    time zone of the workspace. Raises ExportRefused for none, or too many for a spreadsheet.
    """
    member = by.membership
    if member is None:
        raise ExportRefused("Only a member can export.")
    if to == "xlsx" and leads.order_by()[: MOST_XLSX + 1].count() > MOST_XLSX:
        raise ExportRefused(
            f"A spreadsheet takes up to {MOST_XLSX:,} leads. Take CSV, or narrow them down.",
            field="to",
        )
    if not columns:
        raise ExportRefused("Choose at least one column.", field="columns")
    _log(columns, to=to, about=about, by=by, now=now)
    zone = ZoneInfo(member.workspace.time_zone)
    rows = ([column.value(lead, names) for column in columns] for lead in _pages(leads, columns))
    write = {"csv": _csv, "xlsx": _xlsx}[to]
    return write([column.label for column in columns], rows, zone)


def _pages(leads: QuerySet[Lead], columns: Sequence[ExportColumn]) -> Iterator[Any]:
    """One query a page: no transaction stays open while somebody downloads slowly."""
    fields = dict.fromkeys(["pk", "created_at", *(column.field for column in columns)])
    rows: Any = leads.order_by().values_list(*fields, named=True)
    cursor: str | None = ""
    while cursor is not None:
        page = page_of(rows, NEWEST, cursor, PAGE)
        yield from page.rows
        cursor = page.next_cursor


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")  # by which spreadsheets know UTF-8
    writer.writerow(head)
    for number, row in enumerate(rows, 1):
        writer.writerow([formula_safe(_text(value, zone)) for value in row])
        if number % PAGE == 0:
            yield _emptied(out)
    yield _emptied(out)


def _emptied(out: io.StringIO) -> bytes:
    part = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return part


def _xlsx(head: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> Iterator[bytes]:
    with TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "remove_timezone": True})
        sheet = book.add_worksheet("Leads")
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.freeze_panes(1, 0)
        for at, label in enumerate(head):
            sheet.write_string(0, at, label, bold)
        for number, row in enumerate(rows, 1):
            for at, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, at, value.astimezone(zone), moment)
                elif isinstance(value, int):
                    sheet.write_number(number, at, value)
                elif value not in ("", None):  # written as text, it is never a formula
                    sheet.write_string(number, at, str(value)[:LINE])
        book.close()
        file.seek(0)
        yield from iter(lambda: file.read(65_536), b"")


def _text(value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return str(value).replace("\0", "")


def _log(columns: Sequence[ExportColumn], *, to: str, about: str, by: Actor, now: datetime) -> None:
    data = {"to": to, "about": about[:500], "columns": [column.key for column in columns]}
    Activity.objects.create(
        kind=kinds.EXPORTED,
        occurred_at=now,
        recorded_at=now,
        actor_kind=by.kind,
        actor_id=by.membership_id,
        token_id=by.token.pk if by.token else None,
        via=by.via,
        data=data,
    )
