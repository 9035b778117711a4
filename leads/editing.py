"""Changing a lead's fields: by people with conflict handling, by other sources by rank."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leadcrm.workspaces.time_zones import time_zone_names
from leads import consent, custom_fields, following, identity, kinds, provenance
from leads.batch import Change, Refused, Result, run
from leads.models import Activity, Contact, FieldSuggestion, Lead
from leads.models.activity import Lane
from leads.models.custom_field import is_custom

KEY_FIELDS = ("email", "phone")
LONG_TEXTS = ("message", "notes", "need")  # kept as typed
CODES = ("country", "budget_currency")
# PostgreSQL stores neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
    cleaned, seen = clean(values), clean_base(base)

    def decide(change: Change) -> None:
        if change.lead.merged_into_id:
            raise EditRefused(
                "This lead was merged into another one. Work on that one.", field="lead"
            )
        if version is not None and version != change.lead.version:
            raise StaleVersion(change.lead.version)
        apply(change, _without_conflicts(change, cleaned, seen), rank=by.rank)

    keys = [cleaned[name] for name in KEY_FIELDS if cleaned.get(name)]
    if not keys:
        return run(ids, decide, by=by, now=now, lane=lane)
    return consent.run_with_keys(ids, decide, by=by, now=now, lane=lane, values=keys)


def edit_each(
    values: Mapping[uuid.UUID, Mapping[str, Any]],
    *,
    rank: Rank,
    by: Actor,
    now: datetime,
    source: str = "",
    lane: str = Lane.LIVE,
    also: Callable[[Change], object] = bool,
) -> list[Result]:
    """Set other fields of each lead, by rank; for values that were cleaned already, as drafts are.

    `also` is called with each change, for what else is to be done to the lead with it.
    """

    def decide(change: Change) -> None:
        if change.lead.merged_into_id:
            raise EditRefused(
                "This lead was merged into another one. Work on that one.", field="lead"
            )
        apply(change, values[change.lead.pk], rank=rank, source=source)
        also(change)

    keys = [given[name] for given in values.values() for name in KEY_FIELDS if given.get(name)]
    if not keys:
        return run(list(values), decide, by=by, now=now, lane=lane)
    return consent.run_with_keys(list(values), decide, by=by, now=now, lane=lane, values=keys)


def clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against the lead's fields and bring them to the form they are kept in."""
    cleaned = _clean_custom(values)
    country = (
        Workspace.objects.only("country").get(pk=current_workspace_id()).country
        if values.get("phone")
        else ""
    )
    for name, value in values.items():
        if is_custom(name) or (name == "attributes" and isinstance(value, Mapping)):
            continue
        if name not in provenance.PERSON_FIELDS:
            raise EditRefused(f"“{name}” can't be edited.", field=name)
        cleaned.update(_clean_one(name, value, country))
    return cleaned


def _clean_custom(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are custom fields: by their names, or together as `attributes`."""
    given = {name: (name, value) for name, value in values.items() if is_custom(name)}
    if isinstance(values.get("attributes"), Mapping):
        _check_storable(Lead._meta.get_field("attributes"), values["attributes"])
        for name, value in values["attributes"].items():
            given[name] = (f"attributes.{name}", value)
    known = custom_fields.definitions() if given else None
    cleaned: dict[str, Any] = {}
    for name, (field, value) in given.items():
        try:
            cleaned |= custom_fields.clean({name: value}, known)
        except custom_fields.Unfit as error:
            raise EditRefused(error.message, field=field) from error
    return cleaned


def apply(
    change: Change, values: Mapping[str, Any], *, rank: Rank, source: str = ""
) -> dict[str, Any]:
    """Write values into a lead by rank, with provenance, suggestions, contact and log.

    Returns what was changed, by field: [old, new].
    """
    lead = change.lead
    values = with_name(lead, values)
    if rank is Rank.PERSON:
        allowed = provenance.Outcome(
            {n: v for n, v in values.items() if custom_fields.held(lead, n) != v}
        )
    else:
        allowed = provenance.weigh(lead, values, rank)
    suggest(change, allowed.suggestions, source or change.by.via)
    changed = {
        name: [_plain(custom_fields.held(lead, name)), _plain(value)]
        for name, value in allowed.values.items()
    }
    if not changed:
        return {}
    change.set(**custom_fields.as_columns(lead, allowed.values))
    change.set(
        provenance=provenance.stamped(lead, allowed.values, change.by, rank, change.now, source)
    )
    data: dict[str, Any] = {"changes": changed, "source": source}
    if any(is_custom(name) for name in changed):  # the log tells what they were called then
        data["labels"] = change.batch.custom.labels(changed)
    change.record(kinds.FIELDS_CHANGED, data=data)
    following.follow(change, set(changed))
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

    wanted = clean({suggestion.field: suggestion.value}) if accept else {}

    def decide(change: Change) -> None:
        values = {"decided_at": now, "accepted": accept}
        if not FieldSuggestion.objects.filter(pk=suggestion.pk, decided_at=None).update(**values):
            raise EditRefused("This suggestion was decided already.", field="suggestion")
        data = {"field": suggestion.field, "accepted": accept, "source": suggestion.source}
        change.record(
            kinds.SUGGESTION_DECIDED, subject_type="suggestion", subject_id=suggestion.pk, data=data
        )
        if accept:
            apply(change, wanted, rank=Rank.PERSON, source=suggestion.source)

    keys = [wanted[name] for name in KEY_FIELDS if wanted.get(name)]
    start = [suggestion.lead_id]
    (result,) = consent.run_with_keys(start, decide, by=by, now=now, values=keys)
    if result.refusal:
        raise result.refusal
    return result


def clean_base(
    base: Mapping[str, Any] | None, cleaner: Callable[[Mapping[str, Any]], dict[str, Any]] = clean
) -> dict[str, Any] | None:
    """The values that an editor saw; what is no value of the field can only be a conflict."""
    if base is None:
        return None
    seen: dict[str, Any] = {}
    for name, value in base.items():
        try:
            seen.update(cleaner({name: value}))
        except EditRefused:
            seen[name] = value
    return seen


def _clean_one(name: str, value: Any, country: str) -> dict[str, Any]:
    field: Any = Lead._meta.get_field(name)
    if field.is_relation:
        return {name: _related(field, value)}
    _check_storable(field, value)
    if name == "phone" and value:
        number = identity.canonical_phone(value, country)
        if number is None:
            raise EditRefused("This is no valid phone number.", field="phone")
        return {"phone": number}
    if name == "email" and value:
        value = identity.canonical_email(value) or value
    if isinstance(value, str) and name not in LONG_TEXTS:
        value = " ".join(value.split())
    if name in CODES:
        value = (value or "").upper()
    if provenance.is_blank(value):
        return {name: _blank(field)}
    if name == "time_zone" and value not in time_zone_names():
        raise EditRefused("Use the name of a time zone, such as Europe/Berlin.", field=name)
    try:
        return {name: field.clean(value, None)}
    except ValidationError as error:
        raise EditRefused(" ".join(error.messages), field=name) from error


def _related(field: Any, value: Any) -> Any:
    """The row that a relation is to name, given as itself or by its id."""
    if value is None:
        return None
    key = getattr(value, "pk", value)
    try:
        row = field.related_model.objects.filter(pk=key).first()
    except (ValidationError, ValueError, TypeError):
        row = None
    if row is None:
        raise EditRefused("Not found.", field=field.name)
    return row


def _blank(field: Any) -> Any:
    if field.null:
        return None
    if field.has_default():
        if isinstance(field, models.CharField):
            raise EditRefused("This can't be empty.", field=field.name)
        return field.get_default()
    if not field.blank:
        raise EditRefused("This can't be empty.", field=field.name)
    return ""


def _check_storable(field: Any, value: Any) -> None:
    """Refuse another type, and the characters that the database can't hold."""
    if isinstance(field, models.JSONField):
        if value is not None and not isinstance(value, dict):
            raise EditRefused("This must be an object.", field=field.name)
        text = repr(value)
    elif isinstance(field, models.CharField | models.TextField):
        if value is not None and not isinstance(value, str):
            raise EditRefused("This must be text.", field=field.name)
        text = value or ""
    elif isinstance(value, list | dict):
        raise EditRefused("This can't be a list or an object.", field=field.name)
    else:
        return
    if UNSTORABLE.search(text) or (isinstance(value, dict) and "\\x00" in text):
        raise EditRefused("This holds characters that can't be stored.", field=field.name)


def with_name(row: Lead | Contact, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, with the display name where it follows from a changed first or last name."""
    if "display_name" in values or not {"first_name", "last_name"} & set(values):
        return values
    first, last = (values.get(name, getattr(row, name)) for name in ("first_name", "last_name"))
    if row.display_name != _name_of(row, row.first_name, row.last_name):
        return values
    return {**values, "display_name": _name_of(row, first, last)}


def _without_conflicts(
    change: Change, wanted: dict[str, Any], base: dict[str, Any] | None
) -> dict[str, Any]:
    rows = Activity.objects.filter(lead=change.lead)
    kept, conflicts = apart_from_conflicts(change.lead, wanted, base, rows)
    change.conflicts += conflicts
    return kept


def apart_from_conflicts(
    row: models.Model,
    wanted: dict[str, Any],
    base: Mapping[str, Any] | None,
    log: models.QuerySet[Activity],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values that may be saved, and the fields that somebody else changed since `base`.

    `log` holds the log rows of the row, in which the other editor is looked up.
    """
    kept, conflicts = {}, []
    for name, value in wanted.items():
        theirs = custom_fields.held(row, name)
        if base is not None and name in base and theirs not in (base[name], value):
            by = _last_editor(log, name)
            conflicts.append({"field": name, "theirs": theirs, "mine": value, "by": by})
        else:
            kept[name] = value
    return kept, conflicts


def _last_editor(log: models.QuerySet[Activity], name: str) -> Activity | None:
    """The log row in which the field was last changed."""
    rows = log.filter(kind=kinds.FIELDS_CHANGED, data__changes__has_key=name)
    found: Activity | None = rows.select_related("actor").order_by("-id").first()
    return found


def _name_of(row: Lead | Contact, first: str, last: str) -> str:
    return identity.display_name(first, last, row.company_name, row.email, row.phone)[:200]


def _plain(value: Any) -> Any:
    """A value as the log and suggestions keep it: JSON, with decimals and rows as text."""
    if value is None or isinstance(value, (str, int, float, bool, dict, list)):
        return value
    return str(getattr(value, "pk", value))
