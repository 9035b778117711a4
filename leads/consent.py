"""Do-not-contact marks. They hang on the address or number, so that a merge keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Collate

from leadcrm.workspaces.actors import Actor
from leads import kinds
from leads.batch import Change, Decide, Refused, Result, run
from leads.models import ContactKey, Lead
from leads.models.activity import Lane


def forbid(ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, reason: str = "") -> list[Result]:
    """Mark the people of leads as not to be contacted, on every address and number of theirs."""

    def decide(change: Change) -> None:
        if change.lead.contact_id is None:
            raise Refused("This lead has no e-mail address or number to mark.", field="lead")
        forbid_contact(change, reason)

    return run_with_keys(ids, decide, by=by, now=now)


def forbid_contact(change: Change, note: str, *, kind: str = "") -> None:
    """Mark the person's keys, or those of a kind, as part of another verb.

    That verb locks the keys before the leads: see `run_with_keys`.
    """
    lead = change.lead
    if lead.contact_id is not None:
        mark = Mark(lead.contact_id, (lead.email, lead.phone), note, change.now, kind)
        change.together(_mark_all, mark)
        change.record(kinds.DO_NOT_CONTACT, data={"note": note})


def run_with_keys(
    ids: Sequence[uuid.UUID],
    decide: Decide,
    *,
    by: Actor,
    now: datetime,
    lane: str = Lane.LIVE,
    values: Sequence[str] = (),
) -> list[Result]:
    """`run` for verbs that write keys: the people's keys, and those of `values`, are locked first.

    Capture takes keys before leads, so whoever needs both takes them in that order.
    """
    with transaction.atomic():
        people = Lead.objects.filter(pk__in=ids, contact__isnull=False).values("contact")
        keys = ContactKey.objects.filter(Q(contact__in=people) | Q(value__in=values))
        list(keys.order_by("kind", Collate("value", "C")).select_for_update(no_key=True))
        return run(ids, decide, by=by, now=now, lane=lane)


def allow(ids: Sequence[uuid.UUID], *, by: Actor, now: datetime) -> list[Result]:
    """Take the marks off the people of leads, because they asked for it."""

    def decide(change: Change) -> None:
        marked: list[ContactKey] = change.fact(_marked_keys) or []
        for key in marked:
            change.together(_clear_all, key)
        if marked:
            change.record(kinds.DO_NOT_CONTACT, data={"cleared": True})

    return run_with_keys(ids, decide, by=by, now=now)


@dataclass(frozen=True, slots=True)
class Mark:
    """A person to mark; `values` are their lead's own keys, which may be shared with others."""

    contact_id: uuid.UUID
    values: tuple[str, ...]
    note: str
    now: datetime
    kind: str = ""


def _mark_all(marks: Sequence[Mark]) -> None:
    groups: dict[tuple[str, datetime, str], list[Mark]] = {}
    for mark in marks:
        groups.setdefault((mark.note, mark.now, mark.kind), []).append(mark)
    for (note, now, kind), group in groups.items():
        contacts = [mark.contact_id for mark in group]
        values = [value for mark in group for value in mark.values if value]
        mark_do_not_contact(contacts, note=note, now=now, kind=kind, values=values)


def mark_do_not_contact(
    contact_ids: Sequence[uuid.UUID],
    *,
    note: str,
    now: datetime,
    kind: str = "",
    values: Sequence[str] = (),
) -> int:
    """Mark the keys of contacts and those of `values`, of one kind or all. Returns how many were
    newly marked."""
    theirs = Q(contact__in=contact_ids) | Q(value__in=values)
    keys = ContactKey.objects.filter(theirs, do_not_contact_at=None)
    if kind:
        keys = keys.filter(kind=kind)
    return int(keys.update(do_not_contact_at=now, do_not_contact_note=note[:200]))


def _marked_keys(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ContactKey]]:
    people = dict(Lead.objects.filter(pk__in=ids).values_list("pk", "contact"))
    marked: dict[uuid.UUID, list[ContactKey]] = {}
    keys = ContactKey.objects.filter(contact__in=people.values(), do_not_contact_at__isnull=False)
    for key in keys:
        marked.setdefault(key.contact_id, []).append(key)
    return {lead_id: marked.get(contact_id, []) for lead_id, contact_id in people.items()}


def _clear_all(keys: Sequence[ContactKey]) -> None:
    marked = ContactKey.objects.filter(pk__in=[key.pk for key in keys])
    marked.update(do_not_contact_at=None, do_not_contact_note="")


def clear_do_not_contact(key: ContactKey) -> None:
    """Take the mark back, because the person asked for it."""
    ContactKey.objects.filter(pk=key.pk).update(do_not_contact_at=None, do_not_contact_note="")
