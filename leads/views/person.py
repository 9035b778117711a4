"""The page of a person: looking, editing in place, and their addresses and numbers."""

from __future__ import annotations

import uuid
from typing import Any

from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads import contact_keys, people
from leads.access import (
    access_contact,
    access_contact_key,
    require_key_holder,
    visible_contacts,
)
from leads.batch import Refused
from leads.contact_keys import KeyTaken
from leads.models import Contact, ContactKey
from leads.people_forms import ContactForm, KeyForm, MarkForm
from leads.views.in_place import RecordPage
from leads.views.person_page import contact_history, contact_page, read_keys

PAGE = RecordPage(
    "contact", ContactForm, access_contact, contact_page, contact_history, people.edit_contact
)
ASKED = ("remove", "forbid")  # the changes of a key that ask first
SAID = {
    "main": "This is the main one now.",
    "remove": "Removed.",
    "forbid": "Marked as not to be contacted.",
    "allow": "May be contacted again.",
}


@require_safe
def contact_detail(request: PageRequest, contact_id: uuid.UUID) -> HttpResponse:
    return PAGE.respond(request, access_contact(request.membership, contact_id))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_contact(request: PageRequest, contact_id: uuid.UUID) -> HttpResponse:
    return PAGE.respond_edit(request, access_contact(request.membership, contact_id, need="edit"))


@require_http_methods(["GET", "HEAD", "POST"])
def add_key(request: PageRequest, contact_id: uuid.UUID) -> HttpResponse:
    """Add an e-mail address or phone number; a number of somebody else is asked about first."""
    contact = access_contact(request.membership, contact_id, need="edit")
    if request.method != "POST":
        return _ask(request, contact, "add", KeyForm())
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _ask(request, contact, "add", form, status=422)
    value, share = form.cleaned_data["value"], bool(request.POST.get("share"))
    try:
        contact_keys.add_key(contact.pk, value, by=request.actor, now=timezone.now(), share=share)
    except KeyTaken as taken:
        holder = visible_contacts(request.membership).filter(pk=taken.contact_id).first()
        return _ask(request, contact, "add", form, status=422, taken=taken, holder=holder)
    except Refused as refusal:
        form.add_error("value", refusal.message)
        return _ask(request, contact, "add", form, status=422)
    return PAGE.done(request, contact, "Added.")


@require_http_methods(["GET", "HEAD", "POST"])
def change_key(
    request: PageRequest, contact_id: uuid.UUID, key_id: uuid.UUID, change: str
) -> HttpResponse:
    """Make a key the main one, remove it, or set or clear its do-not-contact mark."""
    contact, key = access_contact_key(request.membership, contact_id, key_id, need="edit")
    if request.method != "POST":
        if change in ASKED:
            return _ask(request, contact, change, MarkForm(), about=key)
        return redirect("contact", request.workspace.slug, contact.pk)
    form = MarkForm(request.POST)
    if not form.is_valid():
        return _ask(request, contact, change, form, status=422, about=key)
    try:
        _change(request, contact, key, change, form.cleaned_data["reason"])
    except Refused as refusal:
        said = refusal.message
        return _ask(request, contact, change, form, status=422, about=key, refusal=said)
    return PAGE.done(request, contact, SAID[change])


def _change(
    request: PageRequest, contact: Contact, key: ContactKey, change: str, reason: str
) -> None:
    by, now = request.actor, timezone.now()
    if change == "main":
        people.edit_contact(contact.pk, {key.kind: key.value}, by=by, now=now)
    elif change == "remove":
        contact_keys.remove_key(contact.pk, key.pk, by=by, now=now)
    elif change == "forbid":
        contact_keys.forbid_key(contact.pk, key.pk, by=by, now=now, reason=reason)
    else:
        require_key_holder(request.membership, contact, key)
        contact_keys.allow_key(contact.pk, key.pk, by=by, now=now)


def _ask(
    request: PageRequest,
    contact: Contact,
    asks: str,
    form: BaseForm,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The card of keys with a question in it: alone for HTMX, else within its page."""
    context = {"asks": asks, "key_form": form, **extra}
    if not wants_fragment(request):
        return PAGE.whole(request, contact, status=status, **context)
    keys = read_keys(contact, request.membership)
    context |= {"contact": contact, "keys": keys, "may_change": True}
    response = show(request, "leads/_keys.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#reach", "outerHTML"
    return response
