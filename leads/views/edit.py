"""Editing the fields of a lead in place, with what a colleague changed meanwhile shown beside."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads import editing, undoing
from leads.access import access_lead
from leads.batch import Refused, Result
from leads.forms import EditForm
from leads.models import Lead
from leads.views.detail import done, full_page
from leads.views.history import label_of
from leads.views.lead_page import editable_fields
from leads.views.work import settle

BASE = "base"


@require_http_methods(["GET", "HEAD", "POST"])
def edit_lead(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """The form of all fields; on POST those that it sends are saved, unless somebody changed them.

    Beside each field the form holds the value that its editor saw (`base-<field>`).
    """
    lead = access_lead(request.membership, lead_id, need="edit")
    if request.method != "POST":
        return _form_page(request, lead, EditForm(instance=lead, names=editable_fields(lead)))
    names = [name for name in editable_fields(lead) if name in request.POST]
    form = EditForm(request.POST, names=names)
    base = EditForm(request.POST, names=names, prefix=BASE)
    if not form.is_valid():
        return _form_page(request, lead, form, status=422)
    base.is_valid()  # what was seen is compared, not judged
    try:
        now = timezone.now()
        with undoing.undoable(lead.pk, said="Saved.", by=request.actor, now=now) as outcome:
            result = _save(request, lead, form.cleaned_data, base.cleaned_data, now)
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _form_page(request, lead, form, status=422)
    if result.conflicts:
        return _conflicts(request, lead, result)
    return done(request, lead, "Saved.", outcome.step)


def _save(
    request: PageRequest, lead: Lead, values: dict[str, Any], base: dict[str, Any], now: datetime
) -> Result:
    """Hand over what the editor changed, judged by what they saw."""
    mine = {name: value for name, value in values.items() if value != base.get(name)}
    seen = {name: base[name] for name in mine if name in base}
    results = editing.edit([lead.pk], mine, by=request.actor, now=now, base=seen)
    return settle(results)


def _conflicts(request: PageRequest, lead: Lead, result: Result) -> HttpResponse:
    """The page as it is now, with the choice between theirs and mine for each field in conflict."""
    fresh = access_lead(request.membership, lead.pk)
    context = full_page(request, fresh, conflicts=[_conflict(one) for one in result.conflicts])
    template = "leads/_lead.html" if wants_fragment(request) else "leads/detail.html"
    return show(request, template, context, status=409)


def _conflict(found: dict[str, Any]) -> dict[str, Any]:
    name, activity = found["field"], found["by"]
    return {
        "name": name,
        "label": label_of(name).capitalize(),
        "theirs": found["theirs"],
        "theirs_raw": _raw(found["theirs"]),
        "mine": found["mine"],
        "mine_raw": _raw(found["mine"]),
        "who": (activity.actor if activity else None) or "Somebody",
        "at": activity.occurred_at if activity else None,
    }


def _raw(value: Any) -> Any:
    """A value as a form sends it."""
    if isinstance(value, Model):
        return value.pk
    return "" if value is None else value


def _form_page(
    request: PageRequest, lead: Lead, form: EditForm, *, status: int = 200
) -> HttpResponse:
    seen = _seen(request, lead, form)
    context: dict[str, Any] = {"lead": lead, "edit_form": form, "seen": seen}
    if wants_fragment(request):
        response = show(request, "leads/_details_form.html", context, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#details", "outerHTML"
        return response
    context = {**full_page(request, lead), **context}
    return show(request, "leads/detail.html", context, status=status)


def _seen(request: PageRequest, lead: Lead, form: EditForm) -> list[tuple[str, Any]]:
    """The hidden base values: what the editor saw first, however often the form came back."""
    if form.is_bound:
        return [(f"{BASE}-{name}", request.POST.get(f"{BASE}-{name}", "")) for name in form.fields]
    return [(f"{BASE}-{name}", _raw(form[name].value())) for name in form.fields]
