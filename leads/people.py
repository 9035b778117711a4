"""Changing people and companies, and adding companies and campaigns, outside of any one lead."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import identity, kinds, matching
from leads.batch import Refused
from leads.editing import EditRefused, apart_from_conflicts, clean, clean_base, with_name
from leads.following import CONTACT_FIELDS
from leads.models import Activity, Campaign, Company, Contact, ContactKey

COMPANY_FIELDS = ("name", "domain", "phone", "state", "country", "enrollment", "notes")
MEANWHILE = timedelta(days=7)  # how long a form may have been open that somebody is named for

T = TypeVar("T", Contact, Company)


class RecordChanged(Refused):
    """Somebody changed the person or company since the version that the caller read."""

    code = "stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed meanwhile; it is at version {current} now.", field="version"
        )
        self.current = current


class Taken(Refused):
    """Another row has this name, domain or address already."""

    code = "taken"


@dataclass(slots=True)
class Edited(Generic[T]):
    """A person or company after an edit, and the fields that somebody else had changed meanwhile."""

    row: T
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def edit_contact(
    contact_id: uuid.UUID,
    values: Mapping[str, Any],
    *,
    by: Actor,
    now: datetime,
    base: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Edited[Contact]:
    """Set fields of a person, of those in CONTACT_FIELDS. Their leads keep what each attempt said.

    With `version`, the edit is refused whole where the person is at another one. With `base` (the
    values that the editor saw) what somebody else changed meanwhile stays and is reported. The
    name of a company links the person to it. Raises EditRefused for a value that doesn't fit,
    RecordChanged for a stale version, Taken for an e-mail address that names somebody else.
    """
    if unknown := set(values) - set(CONTACT_FIELDS):
        raise EditRefused("This can't be edited.", field=min(unknown))
    cleaned, seen = clean(values), clean_base(base)
    with transaction.atomic():
        matching.lock_keys(cleaned.get("email"), cleaned.get("phone"), contact=contact_id)
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact_id)
        _check_version(contact.version, version)
        log = Activity.objects.filter(contact=contact)
        kept, conflicts = apart_from_conflicts(contact, cleaned, seen, log)
        kept = dict(with_name(contact, kept))
        changed = _changed(contact, kept)
        for kind in (ContactKey.Kind.EMAIL, ContactKey.Kind.PHONE):
            if kind in changed and kept[kind]:
                _take_key(contact, kind, kept[kind])
        if "company_name" in changed:
            _link_company(contact, kept["company_name"])
        _write(contact, kept, changed, by, now)
    return Edited(contact, conflicts)


def edit_company(
    company_id: uuid.UUID,
    values: Mapping[str, Any],
    *,
    by: Actor,
    now: datetime,
    base: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Edited[Company]:
    """Set fields of a company, of those in COMPANY_FIELDS. A new name becomes that of its people's
    company too. Takes and raises what `edit_contact` does."""
    cleaned, seen = _clean_company(values), clean_base(base, _clean_company)
    try:
        with transaction.atomic():
            company = Company.objects.select_for_update(no_key=True).get(pk=company_id)
            _check_version(company.version, version)
            kept, conflicts = apart_from_conflicts(
                company, cleaned, seen, _recent_log_of(company, now)
            )
            changed = _changed(company, kept)
            _write(company, kept, changed, by, now)
            if "name" in changed:
                Contact.objects.filter(company=company).update(company_name=company.name)
    except IntegrityError as error:
        raise _company_taken(error) from error
    return Edited(company, conflicts)


def add_company(values: Mapping[str, Any], *, by: Actor, now: datetime) -> Company:
    """Add a company; Taken where its domain, or its name without a domain, is there already."""
    company = Company(created_at=now, **_clean_company(values))
    if not company.name:
        raise EditRefused("Give a name.", field="name")
    try:
        with transaction.atomic():
            company.save(force_insert=True)
    except IntegrityError as error:
        raise _company_taken(error) from error
    return company


def add_campaign(*, name: str, channel: str = "", external_id: str = "", now: datetime) -> Campaign:
    """Add a campaign that leads can be credited to."""
    campaign = Campaign(
        name=" ".join(name.split()), channel=channel, external_id=external_id, created_at=now
    )
    try:
        with transaction.atomic():
            campaign.save(force_insert=True)
    except IntegrityError as error:
        raise Taken("There is a campaign with this name already.", field="name") from error
    return campaign


def record(
    row: Contact | Company, kind: str, *, by: Actor, now: datetime, data: dict[str, Any]
) -> None:
    """Append what happened to a person or company, outside of any lead, to the log."""
    is_person = isinstance(row, Contact)
    Activity.objects.create(
        workspace_id=current_workspace_id(),
        contact_id=row.pk if is_person else None,
        kind=kind,
        occurred_at=now,
        recorded_at=now,
        actor_kind=by.kind,
        actor_id=by.membership_id,
        token_id=by.token.pk if by.token else None,
        via=by.via,
        caused_by=by.caused_by,
        depth=by.depth,
        subject_type="contact" if is_person else "company",
        subject_id=row.pk,
        data=data,
    )


def _clean_company(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _clean_company_field(name, value) for name, value in values.items()}


def _clean_company_field(name: str, value: Any) -> Any:
    if name not in COMPANY_FIELDS:
        raise EditRefused("This can't be edited.", field=name)
    if isinstance(value, str) and name != "notes":
        value = " ".join(value.split())
    if name == "domain" and value:
        value = identity.canonical_domain(value)
        if value is None:
            raise EditRefused("This is no domain.", field="domain")
    if name == "phone" and value:
        value = identity.canonical_phone(value, _country()) or value
    one: Any = Company._meta.get_field(name)
    try:
        return one.clean(value, None)
    except ValidationError as error:
        raise EditRefused(" ".join(error.messages), field=name) from error


def _country() -> str:
    country: str = Workspace.objects.only("country").get(pk=current_workspace_id()).country
    return country


def _recent_log_of(company: Company, now: datetime) -> QuerySet[Activity]:
    """The company's latest log rows: there is an index on the kind and time, none on the company."""
    rows: QuerySet[Activity] = Activity.objects.filter(
        kind=kinds.FIELDS_CHANGED,
        occurred_at__gt=now - MEANWHILE,
        subject_type="company",
        subject_id=company.pk,
    )
    return rows


def _check_version(current: int, wanted: int | None) -> None:
    if wanted is not None and wanted != current:
        raise RecordChanged(current)


def _changed(row: Contact | Company, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [getattr(row, name), value]
        for name, value in values.items()
        if getattr(row, name) != value
    }


def _take_key(contact: Contact, kind: str, value: str) -> None:
    if not matching.give_key(contact, kind, value):
        raise Taken("This e-mail address is another person's. Merge the two.", field=kind)


def _link_company(contact: Contact, name: str) -> None:
    """The company that a person's company name stands for; it is added where there is none."""
    companies = matching.resolve_companies([(name, "")]) if name else {}
    contact.company_id = companies.get((name, ""))
    contact.save(update_fields=["company"])


def _write(
    row: Contact | Company,
    values: Mapping[str, Any],
    changed: Mapping[str, list[Any]],
    by: Actor,
    now: datetime,
) -> None:
    if not changed:
        return
    for name in changed:
        setattr(row, name, values[name])
    row.version += 1
    row.save(update_fields=[*changed, "version"])
    record(row, kinds.FIELDS_CHANGED, by=by, now=now, data={"changes": dict(changed)})


def _company_taken(error: IntegrityError) -> Taken:
    name = "domain" if "company_domain_unique" in str(error) else "name"
    return Taken(f"There is a company with this {name} already.", field=name)
