"""The verbs of teams and locations: add one, or change it."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Location, Membership, Team, Workspace

Row = TypeVar("Row", Team, Location)


def save_team(team: Team, *, by: Membership, **values: Any) -> Team:
    """Add a team or change its name and leader. Raises NotAllowed, ValidationError by field."""
    require(by, "users")
    return _save(team, values, by)


def save_location(location: Location, *, by: Membership, **values: Any) -> Location:
    """Add a location or change it. Raises NotAllowed, ValidationError by field."""
    require(by, "settings")
    return _save(location, values, by)


def _save(row: Row, values: dict[str, Any], by: Membership) -> Row:
    kind = str(row._meta.verbose_name)
    with transaction.atomic():
        Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
        is_new, before = row._state.adding, settings_log.values_of(row, values)
        for name, value in values.items():
            setattr(row, name, " ".join(value.split()) if name == "name" else value)
        row.claim_for_scope()
        row.full_clean(validate_constraints=False)
        others = type(row).objects.exclude(pk=row.pk)
        if others.filter(name__iexact=row.name).exists():
            raise ValidationError({"name": [f"There is a {kind} of this name already."]})
        row.save(update_fields=None if is_new else list(values))
        changes = settings_log.differences(row, before)
        if is_new:
            settings_log.record(kind, row.name, "added", by=by)
        elif changes:
            settings_log.record(kind, row.name, "changed", by=by, changes=changes)
    return row
