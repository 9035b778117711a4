"""Editing the fields of a lead: one at a time in place, or all on a page of their own.

What a colleague changed meanwhile is shown beside what was typed, for the person to choose.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.forms import BaseForm
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_toast
from leadcrm.workspaces.templatetags.page_tags import relative
from leads import custom_fields, editing, undoing
from leads.access import access_lead
from leads.batch import Refused, Result
from leads.forms import EditForm
from leads.models import Lead, UndoStep
from leads.models.custom_field import is_custom
from leads.views.detail import access_lead_again, done, full_page
from leads.views.fields import NAMES, editable_fields, fields_of, shown_fields
from leads.views.history import label_of
from leads.views.lead_page import is_editable
from leads.views.work import settle

BASE = "base"


@require_http_methods(["GET", "HEAD", "POST"])
def edit_lead(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """The form of all fields, or for HTMX of the row named by `field`.

    On POST the fields that it sends are saved, unless somebody changed them: beside each field
    the form holds the value that its editor saw (`base-<field>`).
    """
    lead = access_lead(request.membership, lead_id, need="edit")
    row = request.GET.get("field", "") if wants_fragment(request) else ""
    custom = custom_fields.definitions().in_use
    own, fields = [one.name for one in custom], {"custom": custom, "attributes": lead.attributes}
    if row and row not in {*NAMES, *shown_fields(lead), *own}:
        raise Http404(NOT_FOUND)
    names = list(fields_of(row)) if row else [*editable_fields(lead), *own]
    if request.method != "POST":
        if not is_editable(lead):
            return _closed_meanwhile(request, lead)
        return _form_page(request, lead, EditForm(instance=lead, names=names, **fields), row)
    names = sent_of(request, names)
    form = EditForm(request.POST, names=names, **fields)
    base = EditForm(request.POST, names=names, **fields, prefix=BASE)
    if not form.is_valid():
        return _form_page(request, lead, form, row, status=422)
    base.is_valid()  # what was seen is compared, not judged
    try:
        require_editable(lead)
        now = timezone.now()
        with undoing.undoable(lead.pk, said="Saved.", by=request.actor, now=now) as outcome:
            result = _save(request, lead, form.cleaned_data, base.cleaned_data, now)
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _form_page(request, lead, form, row, status=422)
    if result.conflicts:
        return _conflicts(request, lead, result, row)
    return (_saved if row else done)(request, lead, "Saved.", outcome.step)


def sent_of(request: PageRequest, names: list[str]) -> list[str]:
    """Those that the form holds; of boxes of which none is ticked, only what was seen is sent."""
    sent = request.POST
    return [
        name for name in names if name in sent or (is_custom(name) and f"{BASE}-{name}" in sent)
    ]


def require_editable(lead: Lead) -> None:
    """Raise Refused for a lead that stays as it was."""
    if not is_editable(lead):
        raise Refused(f"This lead is closed ({lead.stage.label}). Reopen it to change it.")


def _closed_meanwhile(request: PageRequest, lead: Lead) -> HttpResponse:
    """The page of a lead whose fields are only read, in place of their form."""
    if not wants_fragment(request):
        return redirect("lead-detail", request.workspace.slug, lead.pk)
    response = HttpResponse(status=204)
    response["HX-Refresh"] = "true"
    return response


def _saved(request: PageRequest, lead: Lead, said: str, step: UndoStep | None) -> HttpResponse:
    """The fields as they are now, with what else on the page hangs on them."""
    fresh = access_lead_again(request, lead)
    if fresh is None:
        return done(request, lead, said, step)
    response = show(request, "leads/_saved.html", full_page(request, fresh))
    response["HX-Retarget"], response["HX-Reswap"] = "#details", "outerHTML"
    undo = reverse("undo", args=[request.workspace.slug, step.pk]) if step else ""
    return with_toast(response, said, undo=undo)


def _save(
    request: PageRequest, lead: Lead, values: dict[str, Any], base: dict[str, Any], now: datetime
) -> Result:
    """Hand over what the editor changed, judged by what they saw."""
    mine, seen = changed_only(values, base)
    results = editing.edit([lead.pk], mine, by=request.actor, now=now, base=seen)
    return settle(results)


def changed_only(
    values: dict[str, Any], base: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of what a form sends, the fields that its editor changed: their values, and those seen."""
    mine = {name: value for name, value in values.items() if value != base.get(name)}
    return mine, {name: base[name] for name in mine if name in base}


def _conflicts(request: PageRequest, lead: Lead, result: Result, row: str) -> HttpResponse:
    """The choice between theirs and mine for each field in conflict, in its row or on the page."""
    conflicts = conflicts_shown(result.conflicts, timezone.now())
    if row:
        context = {"lead": lead, "conflicts": conflicts, "row": row}
        return show(request, "leads/_conflict.html", context, status=409)
    fresh = access_lead(request.membership, lead.pk)
    context = full_page(request, fresh, conflicts=conflicts)
    template = "leads/_lead.html" if wants_fragment(request) else "leads/detail.html"
    return show(request, template, context, status=409)


def conflicts_shown(found: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """The conflicts of an edit as the templates show them."""
    custom = {}
    if any(is_custom(one["field"]) for one in found):
        custom = custom_fields.definitions().labels(one["field"] for one in found)
    return [_conflict(one, now, custom.get(one["field"], "")) for one in found]


def _conflict(found: dict[str, Any], now: datetime, label: str = "") -> dict[str, Any]:
    name, activity = found["field"], found["by"]
    return {
        "name": name,
        "label": label or label_of(name).capitalize(),
        "theirs": _readable(found["theirs"]),
        "theirs_raw": _raw(found["theirs"]),
        "mine": _readable(found["mine"]),
        "mine_raw": _raw(found["mine"]),
        "who": (activity.actor if activity else None) or "Somebody",
        "when": _since(activity.occurred_at, now) if activity else "",
    }


def _since(at: datetime, now: datetime) -> str:
    seconds = int((now - at).total_seconds())
    return f"{seconds} s ago" if 0 < seconds < 60 else relative(at, now)


def _raw(value: Any) -> Any:
    """A value as a form sends it."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "" if value is None else value


def _readable(value: Any) -> Any:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "; ".join(map(str, value)) if isinstance(value, list) else value


def _form_page(
    request: PageRequest, lead: Lead, form: EditForm, row: str, *, status: int = 200
) -> HttpResponse:
    seen = seen_values(request, form)
    context: dict[str, Any] = {"lead": lead, "edit_form": form, "seen": seen, "row": row}
    if row:
        return show(request, "leads/_field_form.html", context, status=status)
    if wants_fragment(request):
        response = show(request, "leads/_details_form.html", context, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#details", "outerHTML"
        return response
    context = {**full_page(request, lead), **context}
    return show(request, "leads/detail.html", context, status=status)


def seen_values(request: PageRequest, form: BaseForm) -> list[tuple[str, Any]]:
    """The hidden base values: what the editor saw first, however often the form came back."""
    if form.is_bound:
        return [(f"{BASE}-{name}", request.POST.get(f"{BASE}-{name}", "")) for name in form.fields]
    return [(f"{BASE}-{name}", _raw(form[name].value())) for name in form.fields]
