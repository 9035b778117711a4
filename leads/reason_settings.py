"""The verbs of close reasons: add, change, order, retire and restore."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Membership
from leads.models import CloseReason
from leads.pipelines import Status
from leads.setting_lists import free_code, hold, put_in_order

AREA = "close reason"
CHANGEABLE = frozenset({"label", "note_length", "follow_up_days", "returnable", "forbids_contact"})
OF_TIMERS = frozenset({"no_contact", "lost_contact"})  # with which leads close by themselves


def add_reason(
    *, by: Membership, now: datetime, label: str, outcome: str, **values: Any
) -> CloseReason:
    """Add a reason at the end. Raises NotAllowed, and ValidationError by field."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CloseReason, by)
        unqualified = "other" if outcome == Status.LOST else ""
        reason = CloseReason(
            workspace_id=by.workspace_id,
            code=free_code(label, {one.code for one in known}, "reason"),
            outcome=outcome,
            unqualified_code=unqualified,
            position=max((one.position for one in known), default=-1) + 1,
        )
        _set(reason, {"label": label, **values}, known)
        reason.save(force_insert=True)
        settings_log.record(AREA, reason.label, "added", by=by, now=now)
    return reason


def change_reason(
    reason_id: uuid.UUID, *, by: Membership, now: datetime, **values: Any
) -> CloseReason:
    """Change a reason; what it means and its code stay. Raises NotAllowed, ValidationError."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CloseReason, by)
        reason = next(one for one in known if one.pk == reason_id)
        before = settings_log.values_of(reason, values)
        _set(reason, values, [one for one in known if one.pk != reason_id])
        reason.save(update_fields=list(values))
        if changes := settings_log.differences(reason, before):
            settings_log.record(AREA, reason.label, "changed", by=by, changes=changes, now=now)
    return reason


def retire_reason(
    reason_id: uuid.UUID, *, by: Membership, now: datetime, restore: bool = False
) -> CloseReason:
    """Take a reason out of the picker, or put it back. Closed leads keep it."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CloseReason, by)
        reason = next(one for one in known if one.pk == reason_id)
        if reason.code in OF_TIMERS and not restore:
            raise ValidationError(f"Leads close by themselves with “{reason.label}”: it stays.")
        same = [one for one in known if one.outcome == reason.outcome and not one.retired_at]
        if not restore and same == [reason]:
            raise ValidationError("One reason of each kind has to stay.")
        reason.retired_at = None if restore else now
        reason.save(update_fields=["retired_at"])
        done = "restored" if restore else "retired"
        settings_log.record(AREA, reason.label, done, by=by, now=now)
    return reason


def order_reasons(ids: Sequence[uuid.UUID], *, by: Membership, now: datetime) -> None:
    """Put the reasons into this order; those not named come after."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CloseReason, by)
        if put_in_order(CloseReason, known, ids):
            settings_log.record(AREA, "Close reasons", "put into another order", by=by, now=now)


def _set(reason: CloseReason, values: dict[str, Any], others: Sequence[CloseReason]) -> None:
    unknown = set(values) - CHANGEABLE
    if unknown:
        raise ValueError(f"{min(unknown)}: can't be changed")
    for name, value in values.items():
        setattr(reason, name, " ".join(value.split()) if isinstance(value, str) else value)
    reason.full_clean(validate_constraints=False)
    if any(one.label.casefold() == reason.label.casefold() for one in others if not one.retired_at):
        raise ValidationError({"label": ["There is a reason of this name already."]})
