"""Do-not-contact marks. They hang on the address or number, so that a merge keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from leads.models import ContactKey


def mark_do_not_contact(
    contact_ids: Sequence[uuid.UUID], *, note: str, now: datetime, kind: str = ""
) -> int:
    """Mark the keys of contacts, of one kind or all. Returns how many were newly marked."""
    keys = ContactKey.objects.filter(contact__in=contact_ids, do_not_contact_at=None)
    if kind:
        keys = keys.filter(kind=kind)
    return int(keys.update(do_not_contact_at=now, do_not_contact_note=note[:200]))


def clear_do_not_contact(key: ContactKey) -> None:
    """Take the mark back, because the person asked for it."""
    ContactKey.objects.filter(pk=key.pk).update(do_not_contact_at=None, do_not_contact_note="")
