"""The lead page, and doing its verbs."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_toast
from leads import forms
from leads.access import access_lead
from leads.batch import Refused
from leads.models import Lead
from leads.views import history
from leads.views.lead_page import page_of, read_around
from leads.views.verbs import COMPOSER, VERBS, Verb
from leads.views.work import NeedsConfirmation, Work, settle

DEFAULT_PANEL = "note"


@require_safe
def lead_detail(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """The page of a lead; older rows of its timeline alone where HTMX asks for them."""
    lead = access_lead(request.membership, lead_id)
    if wants_fragment(request) and request.htmx.target == "older":
        return _older(request, lead)
    return show(request, "leads/detail.html", full_page(request, lead))


@require_http_methods(["GET", "HEAD", "POST"])
def do_verb(request: PageRequest, lead_id: uuid.UUID, verb: str) -> HttpResponse:
    """Show the form of a verb about a lead, or do it."""
    lead = access_lead(request.membership, lead_id, need=VERBS[verb].need)
    return _answer(request, VERBS[verb], lead, None)


@require_http_methods(["GET", "HEAD", "POST"])
def do_verb_about(request: PageRequest, subject_id: uuid.UUID, verb: str) -> HttpResponse:
    """Show the form of a verb about something that hangs on a lead, or do it."""
    doing = VERBS[verb]
    if doing.find is None:
        raise Http404(NOT_FOUND)
    subject = doing.find(request.membership, subject_id, need=doing.need)
    lead = access_lead(request.membership, subject.lead_id, need=doing.need)
    return _answer(request, doing, lead, subject)


def _answer(request: PageRequest, verb: Verb, lead: Lead, subject: Any) -> HttpResponse:
    if request.method == "POST":
        return _do(request, verb, lead, subject)
    if verb.form is None or verb.key == "move":
        return redirect("lead-detail", request.workspace.slug, lead.pk)
    return _panel(request, lead, verb, _form(request, verb, lead, subject))


def _do(request: PageRequest, verb: Verb, lead: Lead, subject: Any) -> HttpResponse:
    form = _form(request, verb, lead, subject)
    if form is not None and not form.is_valid():
        return _panel(request, lead, verb, form, status=422)
    values = form.cleaned_data if form is not None else {}
    work = Work(lead, request.actor, timezone.now(), values, subject)
    try:
        settle(verb.do(work))
    except NeedsConfirmation as question:
        return _panel(request, lead, verb, form, status=422, question=question.message)
    except Refused as refusal:
        return _refused(request, lead, verb, form, refusal)
    return done(request, lead, verb.said)


def done(request: PageRequest, lead: Lead, said: str) -> HttpResponse:
    """After a verb: the page as it is now, and what was done announced."""
    fresh = access_lead_again(request, lead)
    if fresh is not None and wants_fragment(request):
        response = show(request, "leads/_lead.html", full_page(request, fresh))
        return with_toast(response, said)
    messages.success(request, said)
    if fresh is not None:
        return redirect("lead-detail", request.workspace.slug, lead.pk)
    return _left(request)


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
        form = _form(request, verb, lead, None, blank=True)
    context |= _panel_context(request, lead, verb, form)
    return context | extra


def _panel(
    request: PageRequest,
    lead: Lead,
    verb: Verb,
    form: forms.VerbForm | None,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The panel with the form of a verb: alone for HTMX, else within its page."""
    if not wants_fragment(request):
        context = full_page(request, lead, verb, form, **extra)
        return show(request, "leads/detail.html", context, status=status)
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


def _form(
    request: PageRequest, verb: Verb, lead: Lead, subject: Any, *, blank: bool = False
) -> forms.VerbForm | None:
    if verb.form is None:
        return None
    data = request.POST if request.method == "POST" and not blank else None
    return verb.form(data, lead=lead, membership=request.membership, subject=subject)


def _refused(
    request: PageRequest, lead: Lead, verb: Verb, form: forms.VerbForm | None, refusal: Refused
) -> HttpResponse:
    """The same form with the verb's message by the field at fault, or an alert where there is none."""
    if form is not None and verb.key != "move":
        field = _FIELD_OF.get(refusal.field, refusal.field)
        form.add_error(field if field in form.fields else None, refusal.message)
        return _panel(request, lead, verb, form, status=422)
    fresh = access_lead_again(request, lead) or lead
    context = full_page(request, fresh, alert=refusal.message)
    template = "leads/_lead.html" if wants_fragment(request) else "leads/detail.html"
    return show(request, template, context, status=422)


# Verbs name their arguments; these are the fields that the forms make them from.
_FIELD_OF = {"returns_at": "returns_on", "contact": "", "follow_up_at": "follow_up_on"}


def _left(request: PageRequest) -> HttpResponse:
    """The verb took the lead out of the member's sight: back to the list."""
    if not wants_fragment(request):
        return redirect("lead-list", request.workspace.slug)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("lead-list", args=[request.workspace.slug])
    return response


def _older(request: PageRequest, lead: Lead) -> HttpResponse:
    reasons = read_around(lead, request.membership).reasons
    found = history.read(
        lead,
        reasons,
        show=request.GET.get("show", "all"),
        before=request.GET.get("before", ""),
    )
    return show(request, "leads/_history_rows.html", {"lead": lead, "history": found})
