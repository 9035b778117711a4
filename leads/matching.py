"""Who is it? Finds or creates the contact of each draft, and keeps the keys that name people."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Collate, Lower
from django.utils import timezone

from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.inserting import insert_rows
from leadcrm.workspaces.new_rows import new_row
from leadcrm.workspaces.scoping import current_workspace_id
from leads.models import Company, Contact, ContactKey, Lead
from leads.models.lead import LeadQuerySet

EMAIL, PHONE = ContactKey.Kind.EMAIL, ContactKey.Kind.PHONE
Key = tuple[str, str]


@dataclass(slots=True)
class Person:
    """What a draft says about a person: canonical keys, and what a new contact would hold."""

    email: str = ""
    phone: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def named(self) -> list[Key]:
        return [
            (kind, value) for kind, value in ((EMAIL, self.email), (PHONE, self.phone)) if value
        ]


@dataclass(slots=True)
class Match:
    """The contact of a draft; `ambiguous` where its keys name two people or tell nothing sure.

    `by` is the kind of key that named a person who was known already.
    """

    contact_id: uuid.UUID | None
    ambiguous: bool = False
    by: str = ""


class KeyLedger:
    """The locked keys of a batch of people, and what the batch changes about them.

    The keys are inserted in sorted order with ON CONFLICT DO UPDATE, so that each person is
    locked until commit, whether known before or not. E-mail decides. A phone decides only where
    it isn't shared and the e-mail doesn't disagree. People are matched one after the other: the
    second sees what the first brought. `write` must follow.
    """

    def __init__(self, people: Sequence[Person]) -> None:
        # New keys of one person get the id that the person will have if it is new.
        ids: dict[Key, uuid.UUID] = {}
        for person in people:
            contact_id = uuid7()
            for key in person.named():
                ids.setdefault(key, contact_id)
        wanted = sorted(ids)
        self.workspace_id = current_workspace_id()
        self.rows = _lock([(key, ids[key]) for key in wanted])
        self.owner: dict[Key, uuid.UUID | None] = {
            key: None if row.is_new else row.contact_id for key, row in self.rows.items()
        }
        self.has_email = _contacts_with_email({owner for owner in self.owner.values() if owner})
        self.new: dict[uuid.UUID, Contact] = {}
        self.now_shared: set[Key] = set()
        self.waiting = _waiting_for_review(
            {
                person.phone
                for person in people
                if person.phone and not person.email and self.rows[(PHONE, person.phone)].shared
            }
        )

    def match(self, person: Person) -> Match:
        if person.email:
            return self._by_email(person)
        if person.phone:
            return self._by_phone(person)
        return Match(None)

    def write(self) -> None:
        """Insert the new contacts and hand the keys over; a key that nobody took goes again."""
        insert_rows(list(self.new.values()))
        moved, unused = [], []
        for key, row in self.rows.items():
            owner = self.owner[key]
            if owner is None:
                unused.append(row.pk)
            elif row.contact_id != owner:
                moved.append((row.pk, owner))
        _hand_over(moved)
        if unused:
            ContactKey.objects.filter(pk__in=unused).delete()
        if self.now_shared:
            shared = [self.rows[key].pk for key in self.now_shared]
            ContactKey.objects.filter(pk__in=shared).update(shared=True)

    def _by_email(self, person: Person) -> Match:
        email: Key = (EMAIL, person.email)
        phone: Key | None = (PHONE, person.phone) if person.phone else None
        by_email = self.owner[email]
        by_phone = self.owner[phone] if phone else None
        if by_email:
            if phone and by_phone is None:
                self.owner[phone] = by_email
            two_people = bool(
                phone and by_phone and by_phone != by_email and not self._is_shared(phone)
            )
            return Match(by_email, ambiguous=two_people, by=EMAIL)
        if phone and by_phone and not self._is_shared(phone) and by_phone not in self.has_email:
            self.owner[email] = by_phone
            self.has_email.add(by_phone)
            return Match(by_phone, by=PHONE)
        contact_id = self._create(person)
        self.owner[email] = contact_id
        self.has_email.add(contact_id)
        if phone and by_phone:
            self.now_shared.add(phone)
        elif phone:
            self.owner[phone] = contact_id
        return Match(contact_id)

    def _by_phone(self, person: Person) -> Match:
        phone: Key = (PHONE, person.phone)
        by_phone = self.owner[phone]
        if by_phone and not self._is_shared(phone):
            return Match(by_phone, by=PHONE)
        if by_phone and person.phone in self.waiting:
            return Match(self.waiting[person.phone], ambiguous=True)
        contact_id = self._create(person)
        if by_phone is None:
            self.owner[phone] = contact_id
        else:
            self.waiting[person.phone] = contact_id
        return Match(contact_id, ambiguous=by_phone is not None)

    def _is_shared(self, key: Key) -> bool:
        return self.rows[key].shared or key in self.now_shared

    def _create(self, person: Person) -> uuid.UUID:
        unowned = [self.rows[key].contact_id for key in person.named() if self.owner[key] is None]
        contact_id = next((id_ for id_ in unowned if id_ not in self.new), None) or uuid7()
        self.new[contact_id] = new_row(
            Contact, id=contact_id, workspace_id=self.workspace_id, **person.values
        )
        return contact_id


# The contact of a new key comes before commit: the foreign key is checked only then. What is known
# already is written as it was, which locks it.
LOCK = """
INSERT INTO leads_contactkey AS known
    (id, workspace_id, kind, value, contact_id, shared, do_not_contact_note, created_at)
SELECT id, %s, kind, value, contact_id, false, '', %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[])
    AS wanted (id, kind, value, contact_id)
ON CONFLICT (workspace_id, kind, value) DO UPDATE SET value = excluded.value
RETURNING id, kind, value, contact_id, shared
"""
HAND_OVER = """
UPDATE leads_contactkey AS known SET contact_id = moved.contact_id
FROM unnest(%s::uuid[], %s::uuid[]) AS moved (id, contact_id)
WHERE known.id = moved.id AND known.workspace_id = %s
"""


@dataclass(frozen=True, slots=True)
class _LockedKey:
    """A row of ContactKey, and whether this transaction made it."""

    pk: uuid.UUID
    contact_id: uuid.UUID
    shared: bool
    is_new: bool


def _lock(keys: Sequence[tuple[Key, uuid.UUID]]) -> dict[Key, _LockedKey]:
    """Insert the keys in the order given, or lock those that exist."""
    if not keys:
        return {}
    ids = [uuid7() for _ in keys]
    kinds, values = zip(*(key for key, _ in keys), strict=True)
    contacts = [contact_id for _, contact_id in keys]
    made = set(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            LOCK,
            [
                *(current_workspace_id(), timezone.now()),
                *map(array_of, (ids, kinds, values, contacts)),
            ],
        )
        return {
            (kind, value): _LockedKey(pk, contact_id, shared, pk in made)
            for pk, kind, value, contact_id, shared in cursor.fetchall()
        }


def _hand_over(keys: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Let keys, given by id, name these contacts from now on."""
    if keys:
        ids, contacts = zip(*keys, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(HAND_OVER, [array_of(ids), array_of(contacts), current_workspace_id()])


def _contacts_with_email(contacts: set[uuid.UUID]) -> set[uuid.UUID]:
    return set(
        ContactKey.objects.filter(kind=EMAIL, contact__in=contacts).values_list(
            "contact", flat=True
        )
    )


def _waiting_for_review(phones: set[str]) -> dict[str, uuid.UUID]:
    """The contact of the open lead that already waits for review about a shared number.

    Such a number names nobody, so its callers can only be found by the text of their leads.
    """
    if not phones:
        return {}
    leads = leads_with_phone(phones).open().filter(email="", needs_review=True)
    return dict(leads.order_by("created_at").values_list("phone", "contact"))


def leads_with_phone(phones: Collection[str]) -> LeadQuerySet:
    """The leads that came with one of these numbers, found by their search text."""
    named = reduce(or_, (Q(search__text__contains=phone) for phone in sorted(phones)))
    found: LeadQuerySet = Lead.objects.filter(named, phone__in=phones)
    return found


def lock_keys(*values: str | None, contact: uuid.UUID | None = None) -> None:
    """Lock the existing keys with these values, and those of a contact, in sorted order, before
    leads and contacts are locked."""
    wanted = [value for value in values if value]
    if wanted or contact:
        of_values = Q(kind__in=(EMAIL, PHONE), value__in=wanted)
        list(
            ContactKey.objects.filter(of_values | Q(contact=contact) if contact else of_values)
            # In the order of Python's sort, whatever the collation of the database.
            .order_by("kind", Collate("value", "C"))
            .select_for_update(no_key=True)
        )


def give_key(contact: Contact, kind: str, value: str) -> bool:
    """Let a key name this contact, unless it names another one. Returns whether it may stand.

    A phone number that names somebody else is marked shared and may stand on both; an e-mail
    address may not.
    """
    row = ContactKey(workspace_id=contact.workspace_id, kind=kind, value=value, contact=contact)
    ContactKey.objects.bulk_create([row], ignore_conflicts=True)
    key = ContactKey.objects.get(kind=kind, value=value)
    if key.contact_id == contact.pk:
        return True
    if kind == PHONE:
        ContactKey.objects.filter(pk=key.pk).update(shared=True)
        return True
    return False


def resolve_companies(wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], uuid.UUID]:
    """The companies of (name, business domain) pairs; created where a name is given and none fits.

    A domain decides over a name; a company that has no domain yet is found by its name.
    """
    pairs = sorted(
        {(" ".join(name.split())[:300], domain) for name, domain in wanted if name or domain}
    )
    found = _known_companies(pairs)
    missing = [pair for pair in pairs if pair not in found and pair[0]]
    if missing:
        # By what is unique: two batches must come to the same companies in the same order.
        rows = dict(sorted(((domain or name.lower()), (name, domain)) for name, domain in missing))
        Company.objects.bulk_create(
            [
                Company(workspace_id=current_workspace_id(), name=name, domain=domain)
                for name, domain in rows.values()
            ],
            1000,
            ignore_conflicts=True,
        )
        found |= _known_companies(missing)
    return found


def _known_companies(pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], uuid.UUID]:
    domains = [domain for _, domain in pairs if domain]
    names = [name.lower() for name, _ in pairs if name]
    rows = Company.objects.annotate(lower=Lower("name")).filter(
        Q(domain__in=domains) | Q(lower__in=names)
    )
    by_domain: dict[str, uuid.UUID] = {}
    by_name: dict[str, uuid.UUID] = {}
    without_domain: dict[str, uuid.UUID] = {}
    for pk, domain, name in rows.order_by("-created_at").values_list("pk", "domain", "lower"):
        by_name[name] = pk
        if domain:
            by_domain[domain] = pk
        else:
            without_domain[name] = pk
    found = {}
    for name, domain in pairs:
        if domain:
            pk = by_domain.get(domain) or without_domain.get(name.lower())
        else:
            pk = by_name.get(name.lower())
        if pk:
            found[(name, domain)] = pk
    return found
