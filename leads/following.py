"""A contact follows the edits of its open lead, and a lead that gets a key gets its contact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leadcrm.workspaces.scoping import current_workspace_id
from leadcrm.workspaces.updating import write_columns
from leads import matching
from leads.batch import Change
from leads.models import Contact, ContactKey

CONTACT_FIELDS = (
    "display_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company_name",
    "job_title",
    "state",
    "country",
    "time_zone",
)
KEY_KINDS = (ContactKey.Kind.EMAIL, ContactKey.Kind.PHONE)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Edit:
    """What an edit of a lead means for its contact."""

    change: Change
    values: dict[str, Any]

    def named_keys(self) -> list[Key]:
        return [(kind, self.values[kind]) for kind in KEY_KINDS if self.values.get(kind)]


def follow(change: Change, changed: Iterable[str]) -> None:
    """Take the changed fields of a lead over to its contact, as long as the lead is open.

    A lead without a contact that now has an e-mail address or number gets one. Needs the keys
    locked before the leads: see `consent.run_with_keys`.
    """
    lead = change.lead
    values = {name: getattr(lead, name) for name in CONTACT_FIELDS if name in set(changed)}
    if lead.contact_id is None:
        if any(values.get(kind) for kind in KEY_KINDS):
            change.together(_find_contacts, change)
    elif values and lead.is_open:
        change.together(_write_contacts, _Edit(change, values))


def _find_contacts(changes: Sequence[Change]) -> None:
    people = [_person(change) for change in changes]
    ledger = matching.KeyLedger(people)
    matches = [ledger.match(person) for person in people]
    ledger.write()
    for change, match in zip(changes, matches, strict=True):
        change.set(contact_id=match.contact_id)
        if match.ambiguous:
            change.set(needs_review=True)
        for activity in change.activities:
            activity.contact_id = match.contact_id


def _person(change: Change) -> matching.Person:
    lead = change.lead
    values = {name: getattr(lead, name) for name in CONTACT_FIELDS if getattr(lead, name)}
    return matching.Person(lead.email, lead.phone, values)


def _write_contacts(edits: Sequence[_Edit]) -> None:
    ids = {edit.change.lead.contact_id for edit in edits}
    rows = Contact.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    contacts = {contact.pk: contact for contact in rows}
    taken = _take_keys(edits)
    names: set[str] = set()
    for edit in edits:
        contact = contacts[edit.change.lead.contact_id]
        for name, value in edit.values.items():
            owner = taken.get((name, value)) if name == ContactKey.Kind.EMAIL else None
            if owner not in (None, contact.pk):
                edit.change.set(needs_review=True)
                continue
            setattr(contact, name, value)
            names.add(name)
    for contact in contacts.values():
        contact.version += 1
    write_columns(list(contacts.values()), [*names, "version"])


def _take_keys(edits: Sequence[_Edit]) -> dict[Key, Any]:
    """Let the new keys name their contacts; returns whom each names then.

    An e-mail address that names somebody else stays theirs. A phone number that does is marked
    shared: it may stand on both.
    """
    wanted: dict[Key, set[Any]] = defaultdict(set)
    for edit in edits:
        for key in edit.named_keys():
            wanted[key].add(edit.change.lead.contact_id)
    if not wanted:
        return {}
    ContactKey.objects.bulk_create(
        [
            ContactKey(
                workspace_id=current_workspace_id(), kind=kind, value=value, contact_id=min(owners)
            )
            for (kind, value), owners in sorted(wanted.items())
        ],
        1000,
        ignore_conflicts=True,
    )
    rows = ContactKey.objects.filter(value__in={value for _, value in wanted})
    found = {(row.kind, row.value): row for row in rows}
    shared = [
        row.pk
        for key, row in found.items()
        if key in wanted and key[0] == ContactKey.Kind.PHONE and wanted[key] != {row.contact_id}
    ]
    ContactKey.objects.filter(pk__in=shared, shared=False).update(shared=True)
    return {key: row.contact_id for key, row in found.items()}
