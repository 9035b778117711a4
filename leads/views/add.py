"""+ Lead: a lead by hand, unless its person has an open one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import require
from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.models import Role
from leadcrm.workspaces.pages import PageRequest, show
from leads import custom_fields
from leads.access import access_contact, capturing, visible_leads
from leads.capture import Captured, Effect, LeadDraft, capture_leads
from leads.draft_values import CaptureRefused
from leads.duplicate_rules import DuplicateFound
from leads.forms import AddLeadForm
from leads.models import Lead
from leads.models.custom_field import is_custom
from leads.models.duplicates import Action, Match

SAID = {
    Effect.CREATED: "Lead added.",
    Effect.TOUCHED: "This person has an open lead: your enquiry was added to it.",
    Effect.REOPENED: "This person's lead was set aside: it is open again.",
    Effect.KNOWN: "This lead was added already.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def add_lead(request: PageRequest) -> HttpResponse:
    """Add a lead by hand. Where its person seems to be known, that is told and asked about first."""
    require(request.membership, "edit")
    if request.method != "POST":
        return _page(request, _form(request, initial=_initial(request)))
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        captured = _capture_or_ask(request, form.cleaned_data)
    except DuplicateFound as found:
        return _page(request, form, status=422, **_told_of(request, found))
    except CaptureRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _page(request, form, status=422)
    messages.success(request, SAID[captured.effect])
    if not visible_leads(request.membership).filter(pk=captured.lead_id).exists():
        return redirect("lead-list", request.workspace.slug)
    return redirect("lead-detail", request.workspace.slug, captured.lead_id)


def _form(request: PageRequest, *args: Any, **kwargs: Any) -> AddLeadForm:
    custom = custom_fields.definitions().in_use
    return AddLeadForm(*args, membership=request.membership, custom=custom, **kwargs)


def _capture_or_ask(request: PageRequest, values: dict[str, Any]) -> Captured:
    """Capture; a person who was warned and is sure may go on, unless the lead isn't theirs to see."""
    try:
        return _capture(request, values)
    except DuplicateFound as found:
        is_exact = found.match != Match.SIMILAR
        if not values["sure"] or found.action != Action.WARN:
            raise
        if is_exact and not _sees(request, found.lead):
            raise
        return _capture(request, values, sure=True, is_new=values["sure"] == "new")


def _told_of(request: PageRequest, found: DuplicateFound) -> dict[str, Any]:
    """What the page tells of somebody known: of an unseen lead a stub, of one merely similar nothing."""
    return {
        "found": found,
        "other": found.lead,
        "sees_other": _sees(request, found.lead),
        "is_exact": found.match != Match.SIMILAR,
        "may_go_on": found.action == Action.WARN,
    }


def _sees(request: PageRequest, lead: Lead) -> bool:
    return visible_leads(request.membership).filter(pk=lead.pk).exists()


def _capture(
    request: PageRequest, values: dict[str, Any], *, sure: bool = False, is_new: bool = False
) -> Captured:
    named = ("display_name", "email", "phone", "company_name", "message")
    now = timezone.now()
    draft = LeadDraft(
        source_kind=values["source_kind"],
        occurred_at=now,
        key=f"by-hand:{values['key']}",
        values={name: values[name] for name in named},
        owner=values["owner"],
        attributes={name: value for name, value in values.items() if is_custom(name)},
        can_ask=True,
        sure=sure,
        always_new=is_new,
    )
    by = capturing(request.actor, request.membership)
    (captured,) = capture_leads([draft], by=by, now=now)
    return captured


def _initial(request: PageRequest) -> dict[str, Any]:
    mine = request.membership.pk if request.membership.role == Role.REP else None
    return {"key": uuid7(), "owner": mine, **_person(request)}


def _person(request: PageRequest) -> dict[str, str]:
    """What is known of the person for whom a new lead is started from their page."""
    try:
        contact_id = uuid.UUID(request.GET.get("contact", ""))
    except ValueError:
        return {}
    contact = access_contact(request.membership, contact_id)
    names = ("display_name", "email", "phone", "company_name")
    return {name: getattr(contact, name) for name in names}


def _page(
    request: PageRequest, form: AddLeadForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    return show(request, "leads/add.html", {"form": form, **context}, status=status)
