"""The lead page: whole, its panel alone, or what is left of it after a change."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leads import forms
from leads.access import access_lead, access_message, may_with
from leads.models import Lead, UndoStep
from leads.timeline import timeline
from leads.views import history, sheet
from leads.views.around import read_around
from leads.views.day_turns import next_turn, read_turns
from leads.views.lead_page import page_of
from leads.views.neighbours import read_neighbours, remember
from leads.views.verbs import COMPOSER, VERBS, Verb

DEFAULT_PANEL = "note"


@require_safe
def lead_detail(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """The page of a lead; for HTMX its preview, or older rows of its timeline, alone."""
    lead = access_lead(request.membership, lead_id)
    if sheet.is_asked_for(request):
        return sheet.preview(request, lead)
    if wants_fragment(request) and request.htmx.target == "older":
        return _older(request, lead)
    response = show(request, "leads/detail.html", full_page(request, lead))
    return remember(request, response, lead)


@require_safe
def message_text(request: PageRequest, message_id: uuid.UUID) -> HttpResponse:
    """The whole of a note, call or message whose start the timeline shows."""
    message = access_message(request.membership, message_id)
    template = "_message.html" if wants_fragment(request) else "message.html"
    return show(request, f"leads/{template}", {"message": message})


def done(
    request: PageRequest,
    lead: Lead,
    said: str,
    step: UndoStep | None = None,
    *,
    moves_on: bool = False,
) -> HttpResponse:
    """After a verb: the page as it is now, and what was done announced, with its undo.

    A sheet over another page, such as the list, is told to close; the row there reads itself anew.
    In the queue of My day a verb that `moves_on` leads to the next lead.
    """
    undo = reverse("undo", args=[request.workspace.slug, step.pk]) if step else ""
    onward = next_turn(request, lead, timezone.now()) if moves_on else ""
    if onward:
        messages.success(request, said, extra_tags=undo)
        return _go(onward) if wants_fragment(request) else redirect(onward)
    fresh = access_lead_again(request, lead)
    if not wants_fragment(request):
        messages.success(request, said, extra_tags=undo)
        if fresh is None:
            return redirect("lead-list", request.workspace.slug)
        return redirect("lead-detail", request.workspace.slug, lead.pk)
    if sheet.is_elsewhere(request, lead):
        response = with_events(HttpResponse(status=204), **changed(lead))
    elif fresh is not None:
        response = show(request, "leads/_lead.html", full_page(request, fresh))
    else:
        # The verb took the lead out of the member's sight: back to the list.
        messages.success(request, said, extra_tags=undo)
        return _go(reverse("lead-list", args=[request.workspace.slug]))
    return with_toast(with_events(response, **{"sheet-done": {}}), said, undo=undo)


def changed(lead: Lead) -> dict[str, Any]:
    """The event by which whatever shows the lead knows that it has changed."""
    return {f"changed-{lead.pk}": {}}


def access_lead_again(request: PageRequest, lead: Lead) -> Lead | None:
    """The lead as it is after a change, if the member may still see it."""
    try:
        return access_lead(request.membership, lead.pk)
    except Http404:
        return None


def full_page(
    request: PageRequest,
    lead: Lead,
    verb: Verb | None = None,
    form: forms.VerbForm | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """The context of the whole page, with the panel of a verb open (by default a note's)."""
    now = timezone.now()
    context = page_of(
        lead,
        request.membership,
        now,
        show=request.GET.get("show", "all"),
        before=request.GET.get("before", ""),
    )
    if verb is None and context["offered"][DEFAULT_PANEL]:
        verb = VERBS[DEFAULT_PANEL]
        form = form_of(request, verb, lead, None, blank=True)
    context["neighbours"] = read_turns(request, lead, now) or read_neighbours(request, lead, now)
    context |= _panel_context(request, lead, verb, form)
    return context | extra


def panel(
    request: PageRequest,
    lead: Lead,
    verb: Verb,
    form: forms.VerbForm | None,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The form of a verb: for HTMX alone, in the sheet or the panel; else within its page."""
    if not wants_fragment(request):
        context = full_page(request, lead, verb, form, **extra)
        return show(request, "leads/detail.html", context, status=status)
    if sheet.is_asked_for(request):
        address = _address(request, verb, lead, form)
        return sheet.with_form(request, lead, verb, form, address, status, **extra)
    now = timezone.now()
    offered = {key: VERBS[key].offered(lead, request.membership, now) for key in VERBS}
    context = {
        "lead": lead,
        "offered": offered,
        **_panel_context(request, lead, verb, form),
        **extra,
    }
    response = show(request, "leads/_panel.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#panel", "outerHTML"
    return response


def _panel_context(
    request: PageRequest, lead: Lead, verb: Verb | None, form: forms.VerbForm | None
) -> dict[str, Any]:
    return {
        "verb": verb,
        "form": form,
        "action": _address(request, verb, lead, form) if verb else "",
        "composer": [VERBS[key] for key in COMPOSER],
    }


def _address(request: PageRequest, verb: Verb, lead: Lead, form: forms.VerbForm | None) -> str:
    subject = form.subject if form is not None else None
    if verb.path and subject is not None:
        return reverse(verb.key, args=[request.workspace.slug, subject.pk])
    return reverse(f"lead-{verb.key}", args=[request.workspace.slug, lead.pk])


def form_of(
    request: PageRequest, verb: Verb, lead: Lead, subject: Any, *, blank: bool = False
) -> forms.VerbForm | None:
    if verb.form is None:
        return None
    data = request.POST if request.method == "POST" and not blank else None
    # In the sheet the ids differ, since the composer on the page may hold the same form.
    auto_id = "sheet_%s" if sheet.is_asked_for(request) and not blank else "do_%s"
    return verb.form(
        data, lead=lead, membership=request.membership, subject=subject, auto_id=auto_id
    )


def _go(address: str) -> HttpResponse:
    """Have HTMX leave for another page."""
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _older(request: PageRequest, lead: Lead) -> HttpResponse:
    reasons = read_around(lead, request.membership).reasons
    found = history.read(
        timeline(lead),
        reasons,
        timezone.now(),
        show=request.GET.get("show", "all"),
        before=request.GET.get("before", ""),
    )
    may_edit = may_with(request.membership, lead, "edit")
    here = reverse("lead-detail", args=[request.workspace.slug, lead.pk])
    context = {"lead": lead, "here": here, "history": found, "may_edit": may_edit}
    return show(request, "leads/_history_rows.html", context)
