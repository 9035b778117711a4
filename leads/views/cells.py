"""Editing a cell of the lead list in place: the verb and the conflicts of the lead page's fields.

What a cell edits stands with its column (`Column.edits`); one of the workspace's own fields edits itself.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leads import custom_fields, editing, undoing
from leads.access import access_lead
from leads.batch import Refused
from leads.columns import COLUMNS
from leads.forms import EditForm
from leads.models import CustomField, Lead
from leads.models.custom_field import is_custom
from leads.views.detail import changed
from leads.views.edit import (
    BASE,
    changed_only,
    conflicts_shown,
    require_editable,
    seen_values,
    sent_of,
)
from leads.views.fields import shown_fields
from leads.views.work import settle

EDITED = {column.key: column.edits for column in COLUMNS if column.edits}
AUTO_ID = "cell_%s"


@require_http_methods(["GET", "HEAD", "POST"])
def edit_cell(request: PageRequest, lead_id: uuid.UUID, column: str) -> HttpResponse:
    """The form of a cell; on POST what it holds is saved, unless somebody else changed it since.

    Once saved, the row reads itself anew. Without HTMX the lead's own form takes its place.
    """
    lead = access_lead(request.membership, lead_id, need="edit")
    own = _own_field(column)
    if column not in EDITED and not own:
        raise Http404(NOT_FOUND)
    if not wants_fragment(request):
        return redirect("lead-edit", request.workspace.slug, lead.pk)
    names = [column] if own else _names(lead, column)
    fields = {"custom": own, "attributes": lead.attributes}
    try:
        require_editable(lead)
        if request.method != "POST":
            form = EditForm(instance=lead, names=names, auto_id=AUTO_ID, **fields)
            return _shown(request, lead, column, form)
        return _save(request, lead, column, names, fields)
    except Refused as refusal:
        answer = with_events(HttpResponse(status=204), **changed(lead))
        return with_toast(answer, refusal.message, failed=True)


def _own_field(column: str) -> list[CustomField]:
    """The workspace's own field that a column shows, while it is in use."""
    if not is_custom(column):
        return []
    return [one for one in custom_fields.definitions().in_use if one.name == column]


def _names(lead: Lead, column: str) -> list[str]:
    """The fields of a cell; a name that follows from first and last name is edited in both."""
    names = list(EDITED[column])
    if "display_name" in names and "display_name" not in shown_fields(lead):
        at = names.index("display_name")
        names[at : at + 1] = ["first_name", "last_name"]
    return names


def _save(
    request: PageRequest, lead: Lead, column: str, names: list[str], fields: dict[str, Any]
) -> HttpResponse:
    names = sent_of(request, names)
    form = EditForm(request.POST, names=names, auto_id=AUTO_ID, **fields)
    base = EditForm(request.POST, names=names, prefix=BASE, **fields)
    if not form.is_valid():
        return _shown(request, lead, column, form, status=422)
    base.is_valid()  # what was seen is compared, not judged
    mine, seen = changed_only(form.cleaned_data, base.cleaned_data)
    now = timezone.now()
    try:
        with undoing.undoable(lead.pk, said="Saved.", by=request.actor, now=now) as outcome:
            result = settle(editing.edit([lead.pk], mine, by=request.actor, now=now, base=seen))
    except Refused as refusal:
        if refusal.field not in form.fields:
            raise
        form.add_error(refusal.field, refusal.message)
        return _shown(request, lead, column, form, status=422)
    if result.conflicts:
        conflicts = conflicts_shown(result.conflicts, timezone.now())
        return _shown(request, lead, column, form, status=409, conflicts=conflicts)
    undo = reverse("undo", args=[request.workspace.slug, outcome.step.pk]) if outcome.step else ""
    return with_toast(with_events(HttpResponse(status=204), **changed(lead)), "Saved.", undo=undo)


def _shown(
    request: PageRequest,
    lead: Lead,
    column: str,
    form: EditForm,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The form within its cell, or the choice between theirs and mine."""
    for field in form.fields.values():
        field.widget.attrs["placeholder"] = field.label or ""
    context = {
        "lead": lead,
        "edit_form": form,
        "seen": seen_values(request, form),
        "action": reverse("lead-cell", args=[request.workspace.slug, lead.pk, column]),
        **extra,
    }
    return show(request, "leads/_cell.html", context, status=status)
