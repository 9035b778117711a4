"""Settings: why leads are closed."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.pages import PageRequest, show
from leads import reason_settings as verbs
from leads.models import CloseReason
from leads.pipelines import Status
from leads.setting_lists import moved


class ReasonForm(Styled, forms.Form):
    label = forms.CharField(label="Name", max_length=100)
    note_length = forms.IntegerField(
        label="Least length of the note",
        min_value=0,
        max_value=1000,
        initial=0,
        help_text="In characters; 0 means that no note is needed.",
    )
    follow_up_days = forms.IntegerField(
        label="Suggest a follow-up after (days)", required=False, min_value=1, max_value=3650
    )
    returnable = forms.BooleanField(label="A vendor may take such a lead back", required=False)
    forbids_contact = forms.BooleanField(
        label="The person must not be contacted any more", required=False
    )


class NewReasonForm(ReasonForm):
    outcome = forms.ChoiceField(
        label="It means", choices=[(Status.LOST, "Lost"), (Status.DISQUALIFIED, "Not a fit")]
    )
    field_order = ("label", "outcome")


@require_safe
def reasons(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    return _page(request, NewReasonForm())


@require_POST
def add_reason(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = NewReasonForm(request.POST)
    if form.is_valid():
        try:
            made = verbs.add_reason(by=request.membership, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"“{made.label}” is added.")
            return redirect("reasons", request.workspace.slug)
    return _page(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def reason(request: PageRequest, reason_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "settings")
    found = _access_reason(reason_id)
    initial = {name: getattr(found, name) for name in ReasonForm.base_fields}
    form = ReasonForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            now = timezone.now()
            verbs.change_reason(found.pk, by=request.membership, now=now, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Saved.")
            return redirect("reasons", request.workspace.slug)
    context = {"reason": found, "form": form}
    status = 422 if form.is_bound else 200
    return show(request, "settings/reason.html", context, status=status)


@require_POST
def change_place(request: PageRequest, reason_id: uuid.UUID) -> HttpResponse:
    """A place up or down, out of the picker, or back into it."""
    require(request.membership, "settings")
    found, by, now = _access_reason(reason_id), request.membership, timezone.now()
    wish = request.POST.get("do", "")
    try:
        if wish in ("retire", "restore"):
            verbs.retire_reason(found.pk, by=by, now=now, restore=wish == "restore")
            messages.success(request, f"“{found.label}” is {wish}d.")
        elif wish in ("up", "down"):
            in_use = CloseReason.objects.filter(retired_at=None).order_by("position", "label", "pk")
            ids = list(in_use.values_list("pk", flat=True))
            verbs.order_reasons(moved(ids, found.pk, -1 if wish == "up" else 1), by=by, now=now)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("reasons", request.workspace.slug)


def _access_reason(reason_id: uuid.UUID) -> CloseReason:
    found: CloseReason | None = CloseReason.objects.filter(pk=reason_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def _page(request: PageRequest, form: NewReasonForm, *, status: int = 200) -> HttpResponse:
    rows = list(CloseReason.objects.order_by("position", "label", "pk"))
    context: dict[str, Any] = {
        "rows": [one for one in rows if not one.retired_at],
        "retired": [one for one in rows if one.retired_at],
        "kept": verbs.OF_TIMERS,
        "form": form,
    }
    return show(request, "settings/reasons.html", context, status=status)
