"""The verbs of custom fields: add, change, order, archive and restore."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Membership, Workspace
from leads.models import CustomField, Stage

AREA = "custom field"
MOST = 100  # fields in use
MOST_OPTIONS = 200
CHANGEABLE = frozenset({"label", "help", "options", "required"})


def add_field(*, by: Membership, now: datetime, kind: str, **values: Any) -> CustomField:
    """Add a field at the end. Its key is made of the label unless given.

    Raises NotAllowed, and ValidationError by field for what doesn't fit.
    """
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        known = list(CustomField.objects.all())
        if sum(1 for one in known if one.archived_at is None) >= MOST:
            raise ValidationError(f"A workspace has at most {MOST} custom fields. Archive one.")
        label = " ".join(str(values.get("label", "")).split())
        taken = {one.key for one in known}
        field = CustomField(
            workspace_id=by.workspace_id,
            kind=kind,
            key=values.pop("key", "") or _free_key(label, taken),
            position=max((one.position for one in known), default=-1) + 1,
        )
        if field.key in taken:
            raise ValidationError({"key": ["There is a field with this key already."]})
        _set(field, values, known)
        field.save(force_insert=True)
        settings_log.record(AREA, field.label, "added", by=by, now=now)
    return field


def change_field(
    field_id: uuid.UUID, *, by: Membership, now: datetime, **values: Any
) -> CustomField:
    """Change label, help, choices or whether it is required; kind and key stay.

    A choice that is taken away stays on the leads that have it. Raises NotAllowed, ValidationError.
    """
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        field: CustomField = CustomField.objects.get(pk=field_id)
        before = settings_log.values_of(field, CHANGEABLE)
        _set(field, values, CustomField.objects.exclude(pk=field_id))
        field.save(update_fields=list(values))
        if changes := settings_log.differences(field, before):
            settings_log.record(AREA, field.label, "changed", by=by, changes=changes, now=now)
    return field


def order_fields(ids: Sequence[uuid.UUID], *, by: Membership, now: datetime) -> None:
    """Put the fields into this order; those not named come after."""
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        rows = list(CustomField.objects.order_by("position", "label", "pk"))
        places = {pk: place for place, pk in enumerate(ids)}
        ordered = sorted(rows, key=lambda row: places.get(row.pk, len(places)))
        if ordered == rows:
            return
        for place, row in enumerate(ordered):
            row.position = place
        CustomField.objects.bulk_update(ordered, ["position"])
        settings_log.record(AREA, "Custom fields", "put into another order", by=by, now=now)


def archive_field(
    field_id: uuid.UUID, *, by: Membership, now: datetime, restore: bool = False
) -> CustomField:
    """Take a field out of use, or back into use. Its values stay on the leads."""
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        field: CustomField = CustomField.objects.get(pk=field_id)
        if (field.archived_at is None) == restore:
            return field
        if restore and CustomField.objects.filter(archived_at=None).count() >= MOST:
            raise ValidationError(f"A workspace has at most {MOST} custom fields. Archive one.")
        field.archived_at = None if restore else now
        field.save(update_fields=["archived_at"])
        if not restore:
            _require_no_more(field)
        done = "restored" if restore else "archived"
        settings_log.record(AREA, field.label, done, by=by, now=now)
    return field


def _require_no_more(field: CustomField) -> None:
    """No stage asks for a field that nobody can fill in any more."""
    stages = list(Stage.objects.filter(required_fields__contains=[field.name]))
    for stage in stages:
        stage.required_fields = [name for name in stage.required_fields if name != field.name]
    Stage.objects.bulk_update(stages, ["required_fields"])


def _hold(by: Membership) -> None:
    """Two admins at once: the later one sees what the earlier one did."""
    Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)


def _set(field: CustomField, values: Mapping[str, Any], others: Any) -> None:
    unknown = set(values) - CHANGEABLE
    if unknown:
        raise ValueError(f"{min(unknown)}: can't be changed")
    for name, value in values.items():
        setattr(field, name, " ".join(value.split()) if isinstance(value, str) else value)
    field.options = _options(field)
    field.full_clean(validate_constraints=False, exclude=["workspace"])
    labels = {one.label.casefold() for one in others if one.archived_at is None}
    if field.label.casefold() in labels:
        raise ValidationError({"label": ["There is a field of this name already."]})


def _options(field: CustomField) -> list[str]:
    if not field.has_options:
        return []
    cleaned = [" ".join(str(one).split()) for one in field.options]
    found = list({one.casefold(): one for one in reversed(cleaned) if one}.values())[::-1]
    if not found:
        raise ValidationError({"options": ["Give the choices, one per line."]})
    if len(found) > MOST_OPTIONS:
        raise ValidationError({"options": [f"At most {MOST_OPTIONS} choices."]})
    if any(";" in one for one in found):
        raise ValidationError({"options": ["A choice can't hold a semicolon."]})
    return found


def _free_key(label: str, taken: set[str]) -> str:
    start = slugify(label).replace("-", "_")[:34].strip("_") or "field"
    start = start if start[0].isalpha() else f"f_{start}"
    number, key = 1, start
    while key in taken:
        number += 1
        key = f"{start}_{number}"
    return key
