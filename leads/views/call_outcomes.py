"""Settings: how calls can end."""

from __future__ import annotations

import uuid

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
from leads import call_outcome_settings as verbs
from leads.calls import FOLLOWS
from leads.models import CallBehaviour, CallOutcome
from leads.setting_lists import moved


class OutcomeForm(Styled, forms.Form):
    label = forms.CharField(label="Name", max_length=60)


class NewOutcomeForm(OutcomeForm):
    behaviour = forms.ChoiceField(
        label="It means",
        choices=CallBehaviour.choices,
        help_text="This decides what follows, and stays as it is.",
    )


@require_safe
def call_outcomes(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    return _page(request, NewOutcomeForm())


@require_POST
def add_outcome(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = NewOutcomeForm(request.POST)
    if form.is_valid():
        by, now = request.membership, timezone.now()
        try:
            made = verbs.add_outcome(by=by, now=now, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"“{made.label}” is added.")
            return redirect("call-outcomes", request.workspace.slug)
    return _page(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def call_outcome(request: PageRequest, outcome_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "settings")
    found = _access_outcome(outcome_id)
    form = OutcomeForm(request.POST or None, initial={"label": found.label})
    if request.method == "POST" and form.is_valid():
        by, now = request.membership, timezone.now()
        try:
            verbs.rename_outcome(found.pk, by=by, now=now, label=form.cleaned_data["label"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Saved.")
            return redirect("call-outcomes", request.workspace.slug)
    context = {"outcome": found, "form": form, "follows": FOLLOWS[CallBehaviour(found.behaviour)]}
    status = 422 if form.is_bound else 200
    return show(request, "settings/call_outcome.html", context, status=status)


@require_POST
def change_place(request: PageRequest, outcome_id: uuid.UUID) -> HttpResponse:
    """A place up or down, off, or on again."""
    require(request.membership, "settings")
    found, by, now = _access_outcome(outcome_id), request.membership, timezone.now()
    wish = request.POST.get("do", "")
    try:
        if wish in ("off", "on"):
            verbs.switch_outcome(found.pk, by=by, now=now, on=wish == "on")
            messages.success(request, f"“{found.label}” is switched {wish}.")
        elif wish in ("up", "down"):
            ids = [one.pk for one in verbs.outcomes_in_use()]
            ids = moved(ids, found.pk, -1 if wish == "up" else 1)
            verbs.order_outcomes(ids, by=by, now=now)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("call-outcomes", request.workspace.slug)


def _access_outcome(outcome_id: uuid.UUID) -> CallOutcome:
    found: CallOutcome | None = CallOutcome.objects.filter(pk=outcome_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def _page(request: PageRequest, form: NewOutcomeForm, *, status: int = 200) -> HttpResponse:
    rows = list(CallOutcome.objects.order_by("position", "label", "pk"))
    context = {
        "rows": [
            (one, FOLLOWS[CallBehaviour(one.behaviour)]) for one in rows if not one.retired_at
        ],
        "off": [one for one in rows if one.retired_at],
        "form": form,
    }
    return show(request, "settings/call_outcomes.html", context, status=status)
