"""Changing a lead's fields: by people with conflict handling, by other sources by rank."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import identity, kinds, matching, provenance
from leads.batch import Change, Refused, Result, run
from leads.models import Activity, Contact, ContactKey, FieldSuggestion, Lead
from leads.models.activity import Lane

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


class EditRefused(Refused):
    code = "invalid"


class StaleVersion(Refused):
    """Somebody changed the lead since the version that the caller read."""

    code = "stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"The lead has changed meanwhile; it is at version {current} now.", field="version"
        )
        self.current = current


def edit(
    ids: Sequence[uuid.UUID],
    values: Mapping[str, Any],
    *,
    by: Actor,
    now: datetime,
    base: Mapping[str, Any] | None = None,
    version: int | None = None,
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Set fields of leads as a person, or by the rank of the actor.

    With `version`, the edit is refused whole where the lead is at another one. With `base` (the
    values that the editor saw) it is refused field by field: what somebody else changed
    meanwhile stays, is reported in `Result.conflicts`, and the other fields are saved. An open
    lead's contact is changed along with it. Raises EditRefused for a value that doesn't fit.
    """
    cleaned, seen = clean(values), clean(base) if base is not None else None

    def decide(change: Change) -> None:
        if change.lead.merged_into_id:
            raise EditRefused(
                "This lead was merged into another one. Work on that one.", field="lead"
            )
        if version is not None and version != change.lead.version:
            raise StaleVersion(change.lead.version)
        apply(change, _without_conflicts(change, cleaned, seen), rank=by.rank)

    # Keys are locked before leads, in the order in which capture locks them.
    with transaction.atomic():
        matching.lock_keys(cleaned.get("email"), cleaned.get("phone"))
        return run(ids, decide, by=by, now=now, lane=lane)


def clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against the lead's fields and bring them to the form they are kept in."""
    cleaned: dict[str, Any] = {}
    country = (
        Workspace.objects.only("country").get(pk=current_workspace_id()).country
        if values.get("phone")
        else ""
    )
    for name, value in values.items():
        if name not in provenance.PERSON_FIELDS:
            raise EditRefused(f"“{name}” can't be edited.", field=name)
        cleaned.update(_clean_one(name, value, country))
    return cleaned


def apply(
    change: Change, values: Mapping[str, Any], *, rank: Rank, source: str = ""
) -> dict[str, Any]:
    """Write values into a lead by rank, with provenance, suggestions, contact and log.

    Returns what was changed, by field: [old, new].
    """
    lead = change.lead
    if rank is Rank.PERSON:
        allowed = provenance.Outcome({n: v for n, v in values.items() if getattr(lead, n) != v})
    else:
        allowed = provenance.weigh(lead, values, rank)
    suggest(change, allowed.suggestions, source or change.by.via)
    changed = {
        name: [_plain(getattr(lead, name)), _plain(value)] for name, value in allowed.values.items()
    }
    if not changed:
        return {}
    change.set(**allowed.values)
    change.set(
        provenance=provenance.stamped(lead, allowed.values, change.by, rank, change.now, source)
    )
    if {"first_name", "last_name"} & set(changed) and "display_name" not in changed:
        change.set(display_name=_name_of(lead))
    change.record(kinds.FIELDS_CHANGED, data={"changes": changed, "source": source})
    if lead.is_open and lead.contact_id:
        _write_contact(change, set(changed) | ({"display_name"} & change.dirty))
    return changed


def suggest(change: Change, suggestions: Mapping[str, Any], source: str) -> None:
    """Keep what a lower rank would have written."""
    change.suggestions += [
        FieldSuggestion(
            lead=change.lead,
            workspace_id=change.lead.workspace_id,
            field=name,
            source=source[:100],
            value=_plain(value),
            suggested_at=change.now,
        )
        for name, value in suggestions.items()
    ]


def decide_suggestion(
    suggestion: FieldSuggestion, *, accept: bool, by: Actor, now: datetime
) -> Result:
    """Accept a suggested value, as the person who decides, or dismiss it."""

    def decide(change: Change) -> None:
        values = {"decided_at": now, "accepted": accept}
        if not FieldSuggestion.objects.filter(pk=suggestion.pk, decided_at=None).update(**values):
            raise EditRefused("This suggestion was decided already.", field="suggestion")
        data = {"field": suggestion.field, "accepted": accept, "source": suggestion.source}
        change.record(
            kinds.SUGGESTION_DECIDED, subject_type="suggestion", subject_id=suggestion.pk, data=data
        )
        if accept:
            apply(
                change,
                clean({suggestion.field: suggestion.value}),
                rank=Rank.PERSON,
                source=suggestion.source,
            )

    (result,) = run([suggestion.lead_id], decide, by=by, now=now)
    if result.refusal:
        raise result.refusal
    return result


def _clean_one(name: str, value: Any, country: str) -> dict[str, Any]:
    field: Any = Lead._meta.get_field(name)
    if field.is_relation:
        if value is not None and value.workspace_id != current_workspace_id():
            raise EditRefused("Not found.", field=name)
        return {name: value}
    if name == "phone" and value:
        number = identity.canonical_phone(value, country)
        if number is None:
            raise EditRefused("This is no valid phone number.", field="phone")
        return {"phone": number}
    if name == "email" and value:
        value = identity.canonical_email(value) or value
    if isinstance(value, str) and name not in ("message", "notes", "need"):
        value = " ".join(value.split())
    if value is None and not field.null:
        value = field.get_default() if field.has_default() else ""
    try:
        return {
            name: field.clean(value, None)
            if not provenance.is_blank(value)
            else (None if field.null else value)
        }
    except ValidationError as error:
        raise EditRefused(" ".join(error.messages), field=name) from error


def _without_conflicts(
    change: Change, wanted: dict[str, Any], base: dict[str, Any] | None
) -> dict[str, Any]:
    if base is None:
        return wanted
    kept = {}
    for name, value in wanted.items():
        theirs = getattr(change.lead, name)
        if name in base and theirs != base[name] and theirs != value:
            change.conflicts.append(
                {
                    "field": name,
                    "theirs": theirs,
                    "mine": value,
                    "by": _last_editor(change.lead, name),
                }
            )
        else:
            kept[name] = value
    return kept


def _last_editor(lead: Lead, name: str) -> Activity | None:
    """The log row in which the field was last changed."""
    rows = Activity.objects.filter(
        lead=lead, kind=kinds.FIELDS_CHANGED, data__changes__has_key=name
    )
    found: Activity | None = rows.select_related("actor").order_by("-id").first()
    return found


def _write_contact(change: Change, names: set[str]) -> None:
    lead = change.lead
    values = {name: getattr(lead, name) for name in CONTACT_FIELDS if name in names}
    if not values:
        return
    contact_id = lead.contact_id

    def write() -> None:
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact_id)
        taken = [
            kind
            for kind in ("email", "phone")
            if values.get(kind) and not matching.give_key(contact, kind, values[kind])
        ]
        fields = {name: value for name, value in values.items() if name not in taken}
        Contact.objects.filter(pk=contact_id).update(**fields, version=contact.version + 1)
        if ContactKey.Kind.EMAIL in taken:
            Lead.objects.filter(pk=lead.pk).update(needs_review=True)

    change.also(write)


def _name_of(lead: Lead) -> str:
    return identity.display_name(
        lead.first_name, lead.last_name, lead.company_name, lead.email, lead.phone
    )[:200]


def _plain(value: Any) -> Any:
    """A value as the log and suggestions keep it: JSON, with decimals and rows as text."""
    if value is None or isinstance(value, (str, int, float, bool, dict, list)):
        return value
    return str(getattr(value, "pk", value))
