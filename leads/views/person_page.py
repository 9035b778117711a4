"""What the pages of a person and of a company show, read in a fixed number of queries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject, Lower

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.models import Membership
from leads.access import may_with, visible_contacts, visible_leads
from leads.matching import leads_with_phone
from leads.models import CloseReason, Company, Contact, ContactKey, Lead
from leads.timeline import timeline_of
from leads.views import history
from leads.views.lead_page import their_time

MOST = 100  # leads and people of a page
NAMED = 3  # others who share a phone number


@dataclass(slots=True)
class KeyRow:
    """An address or number of a person, and who else uses it."""

    key: ContactKey
    is_main: bool
    others: list[tuple[uuid.UUID, str]] = field(default_factory=list)

    @property
    def is_shared(self) -> bool:
        return self.key.shared or bool(self.others)


@dataclass(slots=True)
class Attempts:
    """The leads of a person or company: those that the viewer sees, and stubs of the others."""

    seen: list[Lead]
    stubs: list[Lead]
    by_id: dict[uuid.UUID, Lead]  # seen leads, also by the ids of those merged into them

    def since(self, row: Contact | Company) -> datetime:
        """When the person or company was first heard of."""
        enquired = [lead.created_at for lead in (*self.seen, *self.stubs)]
        return min([row.created_at, *enquired])

    def may_edit(self, membership: Membership) -> bool:
        """Whether the viewer may edit whom the leads are about: see `access_contact`."""
        if reach(membership, "edit") is Reach.ALL:
            return True
        return any(may_with(membership, lead, "edit") for lead in self.seen)


def contact_page(
    contact: Contact, membership: Membership, now: datetime, show: str = "all", before: str = ""
) -> dict[str, Any]:
    """The context of `leads/_contact.html`."""
    attempts = read_attempts(Lead.objects.filter(contact=contact), membership)
    keys = read_keys(contact, membership)
    reasons, log = _log_of(contact, attempts, now, show, before)
    return {
        "contact": contact,
        "keys": keys,
        "call": _usable(keys, ContactKey.Kind.PHONE),
        "mail": _usable(keys, ContactKey.Kind.EMAIL),
        "attempts": attempts,
        "since": attempts.since(contact),
        "reasons": reasons,
        "history": log,
        "may_change": attempts.may_edit(membership),
        "their_time": their_time(contact.time_zone, now),
        "now": now,
    }


def contact_history(
    contact: Contact, membership: Membership, now: datetime, show: str, before: str
) -> history.History:
    attempts = read_attempts(Lead.objects.filter(contact=contact), membership)
    return _log_of(contact, attempts, now, show, before)[1]


def company_page(
    company: Company, membership: Membership, now: datetime, show: str = "all", before: str = ""
) -> dict[str, Any]:
    """The context of `leads/_company.html`; the timeline is that of the newest leads."""
    attempts = read_attempts(Lead.objects.filter(company=company), membership)
    reasons = dict(CloseReason.objects.values_list("code", "label"))
    people = visible_contacts(membership).filter(company=company)
    return {
        "company": company,
        "contacts": list(people.order_by(Lower("display_name"))[:MOST]),
        "attempts": attempts,
        "since": attempts.since(company),
        "reasons": reasons,
        "history": _read(attempts, (), reasons, now, show, before),
        "may_change": attempts.may_edit(membership),
        "now": now,
    }


def company_history(
    company: Company, membership: Membership, now: datetime, show: str, before: str
) -> history.History:
    attempts = read_attempts(Lead.objects.filter(company=company), membership)
    reasons = dict(CloseReason.objects.values_list("code", "label"))
    return _read(attempts, (), reasons, now, show, before)


def read_attempts(leads: QuerySet[Lead], membership: Membership) -> Attempts:
    """The newest of the leads, in one query. Removed ones of others are not told of."""
    sees = Exists(visible_leads(membership).filter(pk=OuterRef("pk")))
    links = ("stage", "owner", "source", "team", "deal")
    rows: QuerySet[Any] = leads.select_related(*links).annotate(sees=sees)
    newest = list(rows.order_by("-created_at", "-id")[: 2 * MOST])
    roots = [lead for lead in newest if lead.merged_into_id is None]
    seen = [lead for lead in roots if lead.sees][:MOST]
    by_id = {lead.pk: lead for lead in seen}
    absorbed = {
        lead.pk: by_id[lead.merged_into_id] for lead in newest if lead.merged_into_id in by_id
    }
    stubs = [lead for lead in roots if not lead.sees and lead.archived_at is None]
    return Attempts(seen, stubs, by_id | absorbed)


def read_keys(contact: Contact, membership: Membership) -> list[KeyRow]:
    """The person's keys, main ones first, with whom the viewer sees sharing a number."""
    theirs = Q(contact=contact) | Q(kind=ContactKey.Kind.PHONE, value=contact.phone or None)
    keys = ContactKey.objects.filter(theirs).order_by("kind", "created_at", "id")
    rows = [KeyRow(key, getattr(contact, key.kind) == key.value) for key in keys]
    shared = [row for row in rows if row.key.shared or row.key.contact_id != contact.pk]
    if shared:
        _name_others(contact, membership, shared)
    return sorted(rows, key=lambda row: (row.key.kind, not row.is_main))


def _name_others(contact: Contact, membership: Membership, rows: Sequence[KeyRow]) -> None:
    """Name others with these numbers: whom a key names, and whose leads came with it."""
    numbers = [row.key.value for row in rows]
    gave = leads_with_phone(numbers) & visible_leads(membership)
    holders = visible_contacts(membership).filter(pk__in=[row.key.contact_id for row in rows])
    found = holders.values_list("keys__value", "pk", "display_name").filter(keys__value__in=numbers)
    found = found.union(gave.values_list("phone", "contact", "contact__display_name").order_by())
    names: dict[str, dict[uuid.UUID, str]] = {}
    for number, pk, name in found[:MOST]:
        if pk is not None and pk != contact.pk:
            names.setdefault(number, {})[pk] = name
    for row in rows:
        others = names.get(row.key.value, {})
        row.others = sorted(others.items(), key=lambda one: one[1].lower())


def _usable(keys: Sequence[KeyRow], kind: str) -> str:
    """The main key of a kind, or the next one where that must not be used."""
    usable = (row.key for row in sorted(keys, key=lambda row: not row.is_main))
    values = (key.value for key in usable if key.kind == kind and not key.do_not_contact_at)
    return next(values, "")


def _log_of(
    contact: Contact, attempts: Attempts, now: datetime, show: str, before: str
) -> tuple[dict[str, str], history.History]:
    """The labels of close reasons, and the timeline of a person and of those merged into them."""
    merged = Contact.objects.filter(merged_into=OuterRef("pk"))
    reasons = CloseReason.objects.values(row=JSONObject(code="code", label="label"))
    row = Contact.objects.filter(pk=contact.pk).values_list(
        ArraySubquery(merged.values("pk")), ArraySubquery(reasons)
    )
    merged_ids, labels = row.get()
    named = {one["code"]: one["label"] for one in labels}
    return named, _read(attempts, [contact.pk, *merged_ids], named, now, show, before)


def _read(
    attempts: Attempts,
    contacts: Sequence[uuid.UUID],
    reasons: dict[str, str],
    now: datetime,
    show: str,
    before: str,
) -> history.History:
    rows = timeline_of(list(attempts.by_id), contacts)
    leads = attempts.by_id if len(attempts.seen) > 1 else {}
    return history.read(rows, reasons, now, show=show, before=before, leads=leads)
