"""The e-mail addresses and phone numbers of a person: adding, removing, and not to be contacted."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import identity, kinds, matching
from leads.batch import Refused, require_length
from leads.editing import EditRefused
from leads.models import Contact, ContactKey
from leads.people import Taken, record

EMAIL, PHONE = ContactKey.Kind.EMAIL, ContactKey.Kind.PHONE


class KeyRefused(Refused):
    """This can't be done to the address or number."""


class KeyTaken(Taken):
    """The address or number is somebody else's, whose id is `contact_id`."""

    def __init__(self, message: str, *, contact_id: uuid.UUID, kind: str) -> None:
        super().__init__(message, field="value")
        self.contact_id = contact_id
        self.kind = kind


def add_key(
    contact_id: uuid.UUID, text: str, *, by: Actor, now: datetime, share: bool = False
) -> ContactKey:
    """Let an e-mail address or phone number name a person from now on.

    Raises EditRefused for what is neither, Taken where the person has it already, KeyTaken where
    it is somebody else's. With `share`, a number of somebody else becomes the person's main one
    and is marked as shared by several; an address always tells who it is.
    """
    kind, value = _read(text)
    with transaction.atomic():
        matching.lock_keys(value, contact=contact_id)
        contact = _lock(contact_id)
        if value in _values(contact, kind):
            raise Taken("They have this one already.", field="value")
        matching.give_key(contact, kind, value)
        key: ContactKey = ContactKey.objects.get(kind=kind, value=value)
        is_others = key.contact_id != contact.pk
        if is_others and not (share and kind == PHONE):
            raise _taken(key)
        if is_others or not getattr(contact, kind):
            setattr(contact, kind, value)
        _save(contact)
        record(contact, kinds.KEY_ADDED, by=by, now=now, data={"key": kind, "value": value})
    return key


def remove_key(contact_id: uuid.UUID, key_id: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Take an address or number off a person. Another of theirs becomes the main one.

    A shared number goes over to somebody else who gave it. Raises KeyRefused for a key that is
    marked as not to be contacted: the mark would be lost with it.
    """
    with transaction.atomic():
        key = _lock_key(key_id)
        contact = _lock(contact_id)
        if key.contact_id == contact.pk:
            _release(key)
        elif contact.phone != key.value:
            raise KeyRefused("This isn't theirs any more.", field="key")
        if getattr(contact, key.kind) == key.value:
            others = ContactKey.objects.filter(contact=contact, kind=key.kind)
            next_one = others.exclude(pk=key_id).order_by("created_at").first()
            setattr(contact, key.kind, next_one.value if next_one else "")
        _save(contact)
        data = {"key": key.kind, "value": key.value}
        record(contact, kinds.KEY_REMOVED, by=by, now=now, data=data)


def forbid_key(
    contact_id: uuid.UUID, key_id: uuid.UUID, *, by: Actor, now: datetime, reason: str = ""
) -> None:
    """Mark an address or number as not to be contacted; one that is marked keeps its date."""
    require_length(reason, 200, field="reason")
    with transaction.atomic():
        key = _lock_key(key_id)
        if key.do_not_contact_at is not None:
            return
        key.do_not_contact_at, key.do_not_contact_note = now, reason
        _save_mark(key)
        contact = Contact.objects.get(pk=contact_id)
        data = {"note": reason, "value": key.value}
        record(contact, kinds.DO_NOT_CONTACT, by=by, now=now, data=data)


def allow_key(contact_id: uuid.UUID, key_id: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Take the mark off an address or number, because the person asked for it."""
    with transaction.atomic():
        key = _lock_key(key_id)
        if key.do_not_contact_at is None:
            return
        key.do_not_contact_at, key.do_not_contact_note = None, ""
        _save_mark(key)
        contact = Contact.objects.get(pk=contact_id)
        data = {"cleared": True, "value": key.value}
        record(contact, kinds.DO_NOT_CONTACT, by=by, now=now, data=data)


def _read(text: str) -> tuple[str, str]:
    if not text.strip():
        raise EditRefused("Give an e-mail address or a phone number.", field="value")
    if "@" in text:
        email = identity.canonical_email(text)
        if email is None:
            raise EditRefused("This is no valid e-mail address.", field="value")
        return EMAIL, email
    workspace = Workspace.objects.only("country").get(pk=current_workspace_id())
    phone = identity.canonical_phone(text, workspace.country)
    if phone is None:
        raise EditRefused("This is no valid phone number or e-mail address.", field="value")
    return PHONE, phone


def _values(contact: Contact, kind: str) -> set[str]:
    theirs = ContactKey.objects.filter(contact=contact, kind=kind)
    return {getattr(contact, kind), *theirs.values_list("value", flat=True)}


def _taken(key: ContactKey) -> KeyTaken:
    what = "e-mail address" if key.kind == EMAIL else "phone number"
    return KeyTaken(
        f"This {what} is somebody else's.", contact_id=key.contact_id, kind=str(key.kind)
    )


def _release(key: ContactKey) -> None:
    if key.do_not_contact_at is not None:
        raise KeyRefused(
            "This is marked as not to be contacted, and the mark would be lost with it.",
            field="key",
        )
    heir = None
    if key.shared:
        givers = matching.leads_with_phone([key.value]).exclude(contact=key.contact_id)
        givers = givers.filter(contact__isnull=False)
        heir = givers.order_by("-created_at").values_list("contact", flat=True).first()
    if heir is None and key.shared:
        others = Contact.objects.filter(phone=key.value, archived_at=None)
        heir = others.exclude(pk=key.contact_id).values_list("pk", flat=True).first()
    if heir is None:
        ContactKey.objects.filter(pk=key.pk).delete()
    else:
        ContactKey.objects.filter(pk=key.pk).update(contact=heir)


def _lock(contact_id: uuid.UUID) -> Contact:
    contact: Contact = Contact.objects.select_for_update(no_key=True).get(pk=contact_id)
    return contact


def _lock_key(key_id: uuid.UUID) -> ContactKey:
    """The key, locked before its contact: the order in which capture locks."""
    key: ContactKey | None = (
        ContactKey.objects.select_for_update(no_key=True).filter(pk=key_id).first()
    )
    if key is None:
        raise KeyRefused("Somebody removed this meanwhile.", field="key")
    return key


def _save(contact: Contact) -> None:
    contact.version += 1
    contact.save(update_fields=["email", "phone", "version"])


def _save_mark(key: ContactKey) -> None:
    key.save(update_fields=["do_not_contact_at", "do_not_contact_note"])
