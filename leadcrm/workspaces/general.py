"""The verb of a workspace's own settings: name, country, visibility, time zone and hours."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Membership, Workspace

CHANGEABLE = frozenset(
    {
        "name", "country", "currency", "visibility", "time_zone", "business_hours",
        "billing_address", "tax_id", "requires_second_factor",
    }
)  # fmt: skip


def change_workspace(*, by: Membership, **changes: object) -> Workspace:
    """Change settings of the member's workspace; only those that are named are written.

    Time zone and hours count for what is computed from now on. An answer that is due already
    stays due when it was promised: a lead neither becomes late nor gains time by a setting.

    Raises:
        NotAllowed: the member isn't an owner or admin.
        ValidationError: by field, for what doesn't fit.
    """
    require(by, "settings")
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"{min(unknown)}: can't be changed")
    with transaction.atomic():
        held = Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
        before = settings_log.values_of(held, changes)
        for name, value in changes.items():
            setattr(held, name, " ".join(str(value).split()) if name == "name" else value)
        untouched = {field.name for field in Workspace._meta.fields} - set(changes)
        held.full_clean(exclude=untouched, validate_constraints=False)
        if "name" in changes and not held.name:
            raise ValidationError({"name": ["Give the workspace a name."]})
        held.save(update_fields=list(changes))
        if differences := settings_log.differences(held, before):
            settings_log.record("workspace", held.name, "changed", by=by, changes=differences)
    return held
