"""Export: which columns in which format, and the download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import require
from leadcrm.workspaces.confirming import password_again
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads import columns, custom_fields, exporting
from leads.batch import Refused
from leads.directory import read_directory
from leads.exporting import ExportColumn, export_columns
from leads.models import CustomField
from leads.views import sheet
from leads.views.selection import Selection, selection_of

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ExportForm(Styled, forms.Form):
    to = forms.ChoiceField(
        label="Format",
        choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)")],
        widget=forms.RadioSelect,
        initial="csv",
    )
    columns = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, offered: Sequence[ExportColumn], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["columns"].choices = [(one.key, one.label) for one in offered]  # type: ignore[attr-defined]


@password_again()
@require_http_methods(["GET", "HEAD", "POST"])
def export_leads(request: PageRequest) -> HttpResponseBase:
    """The form, or the file."""
    require(request.membership, "export")
    now, is_sent = timezone.now(), request.method == "POST"
    custom = custom_fields.definitions().in_use
    offered = export_columns(custom)
    initial = {"columns": _usual(request, offered, custom)}
    form = ExportForm(request.POST if is_sent else None, initial=initial, offered=offered)
    try:
        selection = selection_of(request, request.POST if is_sent else request.GET, now)
    except Refused as refusal:
        return _page(request, {"form": form, "alert": refusal.message}, 422 if is_sent else 200)
    if not is_sent or not form.is_valid():
        return _page(request, {"form": form, "selection": selection}, 422 if is_sent else 200)
    chosen = [one for one in offered if one.key in form.cleaned_data["columns"]]
    to = form.cleaned_data["to"]
    try:
        parts = exporting.export(
            exporting.exportable(request.membership, selection.leads),
            chosen,
            read_directory(request.membership).names,
            to=to,
            about=_about(selection),
            by=request.actor,
            now=now,
        )
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _page(request, {"form": form, "selection": selection}, 422)
    name = f"{slugify(request.workspace.name)}-leads-{timezone.localtime(now):%Y-%m-%d}.{to}"
    response = StreamingHttpResponse(parts, content_type=TYPES[to])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _usual(
    request: PageRequest, offered: Sequence[ExportColumn], custom: Sequence[CustomField]
) -> list[str]:
    """The columns that the list shows, and those that a file of leads can't do without."""
    shown = {one.key for one in columns.chosen(request.membership, custom)}
    usual = {one.key for one in offered if one.shown} if not shown else set()
    always = {"name", "email", "phone", "company"}
    return [one.key for one in offered if one.key in shown | usual | always]


def _about(selection: Selection) -> str:
    return selection.address if selection.is_all else f"{len(selection.ids)} ticked leads"


def _page(request: PageRequest, context: dict[str, Any], status: int) -> HttpResponse:
    if not wants_fragment(request):
        return show(request, "leads/export.html", context, status=status)
    response = show(request, "leads/_export.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{sheet.BODY}", "innerHTML"
    return response
