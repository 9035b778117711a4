"""+ Lead: a lead by hand, unless its person has an open one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
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
from leads.forms import AddLeadForm
from leads.identity import canonical_email, canonical_phone
from leads.models import ContactKey, Lead
from leads.models.custom_field import is_custom
from leads.pipelines import Outcome

SAID = {
    Effect.CREATED: "Lead added.",
    Effect.TOUCHED: "This person has an open lead: your enquiry was added to it.",
    Effect.REOPENED: "This person's lead was set aside: it is open again.",
    Effect.KNOWN: "This lead was added already.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def add_lead(request: PageRequest) -> HttpResponse:
    """Add a lead by hand. Where its person has an open one, that is shown first."""
    require(request.membership, "edit")
    if request.method != "POST":
        return _page(request, _form(request, initial=_initial(request)))
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    other = find_current_lead(request, form.cleaned_data)
    if other is not None and not (form.cleaned_data["sure"] and _sees(request, other)):
        context = {"other": other, "sees_other": _sees(request, other)}
        return _page(request, form, status=422, **context)
    try:
        captured = _capture(request, form.cleaned_data)
    except CaptureRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _page(request, form, status=422)
    messages.success(request, SAID[captured.effect])
    return redirect("lead-detail", request.workspace.slug, captured.lead_id)


def _form(request: PageRequest, *args: Any, **kwargs: Any) -> AddLeadForm:
    custom = custom_fields.definitions().in_use
    return AddLeadForm(*args, membership=request.membership, custom=custom, **kwargs)


def find_current_lead(request: PageRequest, values: dict[str, Any]) -> Lead | None:
    """The open or resting lead of the person, in the whole workspace: a duplicate is told of."""
    email = canonical_email(values["email"])
    phone = canonical_phone(values["phone"], request.workspace.country)
    keys = ContactKey.objects.filter(shared=False).filter(
        Q(kind=ContactKey.Kind.EMAIL, value=email or "")
        | Q(kind=ContactKey.Kind.PHONE, value=phone or "")
    )
    found: Lead | None = (
        Lead.objects.present()
        .filter(contact__in=keys.values("contact"))
        .filter(outcome__in=(Outcome.OPEN, Outcome.RESTING))
        .select_related("stage", "owner")
        .order_by("-created_at")
        .first()
    )
    return found


def _sees(request: PageRequest, lead: Lead) -> bool:
    return visible_leads(request.membership).filter(pk=lead.pk).exists()


def _capture(request: PageRequest, values: dict[str, Any]) -> Captured:
    named = ("display_name", "email", "phone", "company_name", "message")
    now = timezone.now()
    draft = LeadDraft(
        source_kind=values["source_kind"],
        occurred_at=now,
        key=f"by-hand:{values['key']}",
        values={name: values[name] for name in named},
        owner=values["owner"],
        attributes={name: value for name, value in values.items() if is_custom(name)},
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
