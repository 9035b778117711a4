"""Doing the verbs about a lead, and taking back what was done."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leads import forms, undoing
from leads.access import access_lead
from leads.batch import Refused
from leads.models import Lead
from leads.views import sheet
from leads.views.day_turns import MOVES_ON
from leads.views.detail import access_lead_again, changed, done, form_of, full_page, panel
from leads.views.verbs import VERBS, Verb
from leads.views.work import NeedsConfirmation, Work, settle


@require_http_methods(["GET", "HEAD", "POST"])
def do_verb(request: PageRequest, lead_id: uuid.UUID, verb: str) -> HttpResponse:
    """Show the form of a verb about a lead, or do it."""
    try:
        lead = access_lead(request.membership, lead_id, need=VERBS[verb].need)
    except Http404:
        if verb == "claim" and request.method == "POST":
            return _lost(request, lead_id)
        raise
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


@require_POST
def undo(request: PageRequest, step_id: uuid.UUID) -> HttpResponse:
    """Take back what the member has just done."""
    step = undoing.access_step(request.membership, step_id)
    said, failed = f"Undone: {step.said}.", False
    try:
        lead = undoing.undo(step, by=request.actor, now=timezone.now()).lead
    except Refused as refusal:
        said, failed, lead = refusal.message, True, step.lead
    if wants_fragment(request):
        return with_toast(
            with_events(HttpResponse(status=204), **changed(step.lead)), said, failed=failed
        )
    (messages.error if failed else messages.success)(request, said)
    if lead is None or access_lead_again(request, lead) is None:
        return redirect("lead-list", request.workspace.slug)
    return redirect("lead-detail", request.workspace.slug, step.lead_id)


def _answer(request: PageRequest, verb: Verb, lead: Lead, subject: Any) -> HttpResponse:
    if request.method == "POST":
        return _do(request, verb, lead, subject)
    if verb.key == "move" and sheet.is_asked_for(request):
        return sheet.stages(request, lead)
    if verb.form is None or verb.key == "move":
        return redirect("lead-detail", request.workspace.slug, lead.pk)
    return panel(request, lead, verb, form_of(request, verb, lead, subject))


def _do(request: PageRequest, verb: Verb, lead: Lead, subject: Any) -> HttpResponse:
    form = form_of(request, verb, lead, subject)
    if form is not None and not form.is_valid():
        return panel(request, lead, verb, form, status=422)
    values = form.cleaned_data if form is not None else {}
    work = Work(lead, request.actor, timezone.now(), values, subject)
    try:
        with undoing.undoable(lead.pk, said=verb.said, by=work.by, now=work.now) as outcome:
            settle(verb.do(work))
    except NeedsConfirmation as question:
        return panel(request, lead, verb, form, status=422, question=question.message)
    except Refused as refusal:
        return _refused(request, lead, verb, form, refusal)
    return done(request, lead, verb.said, outcome.step, moves_on=verb.key in MOVES_ON)


def _lost(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """Who claims a lead of the pool a moment too late learns who has it, and no more."""
    lead = Lead.objects.open().select_related("owner").filter(pk=lead_id).first()
    if lead is None or lead.owner is None:
        raise Http404(NOT_FOUND)
    said = f"{lead.owner} has it."
    if wants_fragment(request):
        answer = with_events(HttpResponse(status=204), **changed(lead))
        return with_toast(answer, said, failed=True)
    messages.error(request, said)
    return redirect("lead-list", request.workspace.slug)


def _refused(
    request: PageRequest, lead: Lead, verb: Verb, form: forms.VerbForm | None, refusal: Refused
) -> HttpResponse:
    """The same form with the verb's message by the field at fault, or an alert where there is none."""
    if form is not None and verb.key != "move":
        names = (refusal.field, _FIELD_OF.get(refusal.field, ""))
        field = next((name for name in names if name in form.fields), None)
        form.add_error(field, refusal.message)
        return panel(request, lead, verb, form, status=422)
    if sheet.is_elsewhere(request, lead):
        told = {"refused": {"lead": str(lead.pk), "text": refusal.message}}
        answer = with_events(HttpResponse(status=204), **told, **changed(lead))
        return with_toast(answer, refusal.message, failed=True)
    fresh = access_lead_again(request, lead) or lead
    context = full_page(request, fresh, alert=refusal.message)
    template = "leads/_lead.html" if wants_fragment(request) else "leads/detail.html"
    return show(request, template, context, status=422)


# Verbs name their arguments; these are the fields that the forms make them from.
_FIELD_OF = {
    "returns_at": "returns_on",
    "contact": "",
    "follow_up_at": "follow_up_on",
    "title": "next_step",
    "due_at": "next_due_at",
    "remind_at": "remind",
}
