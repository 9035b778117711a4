"""The verbs of call outcomes: add, rename, order, switch off and on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Membership
from leads.models import CallBehaviour, CallOutcome
from leads.setting_lists import free_code, hold, put_in_order

AREA = "call outcome"
MOST = 20  # in use


def default_outcomes() -> list[CallOutcome]:
    """The outcomes of a new workspace, not saved: one of each behaviour, called like it."""
    return [
        CallOutcome(code=one.value, label=one.label, behaviour=one, position=position)
        for position, one in enumerate(CallBehaviour)
    ]


def outcomes_in_use() -> list[CallOutcome]:
    """What a call can be logged with, in the order of the keys."""
    return list(CallOutcome.objects.filter(retired_at=None).order_by("position", "label", "pk"))


def add_outcome(*, by: Membership, now: datetime, label: str, behaviour: str) -> CallOutcome:
    """Add an outcome at the end. Raises NotAllowed, and ValidationError by field."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CallOutcome, by)
        _refuse_too_many(known)
        outcome = CallOutcome(
            workspace_id=by.workspace_id,
            code=free_code(label, {one.code for one in known}, "outcome"),
            behaviour=behaviour,
            position=max((one.position for one in known), default=-1) + 1,
        )
        _name(outcome, label, known)
        outcome.save(force_insert=True)
        settings_log.record(AREA, outcome.label, "added", by=by, now=now)
    return outcome


def rename_outcome(
    outcome_id: uuid.UUID, *, by: Membership, now: datetime, label: str
) -> CallOutcome:
    """Give an outcome another name; what it means and its code stay, and so does the log.

    Raises NotAllowed, ValidationError.
    """
    require(by, "settings")
    with transaction.atomic():
        known = hold(CallOutcome, by)
        outcome = next(one for one in known if one.pk == outcome_id)
        before = settings_log.values_of(outcome, ["label"])
        _name(outcome, label, [one for one in known if one.pk != outcome_id])
        if changes := settings_log.differences(outcome, before):
            outcome.save(update_fields=["label"])
            settings_log.record(AREA, outcome.label, "changed", by=by, changes=changes, now=now)
    return outcome


def switch_outcome(
    outcome_id: uuid.UUID, *, by: Membership, now: datetime, on: bool
) -> CallOutcome:
    """Take an outcome out of the picker, or put it back. Raises NotAllowed, ValidationError."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CallOutcome, by)
        outcome = next(one for one in known if one.pk == outcome_id)
        if (outcome.retired_at is None) == on:
            return outcome
        others = [one for one in known if one.pk != outcome_id and not one.retired_at]
        if not on and not others:
            raise ValidationError("One outcome has to stay: calls could not be logged.")
        if on:
            _refuse_too_many(others)
            _name(outcome, outcome.label, others)
        outcome.retired_at = None if on else now
        outcome.save(update_fields=["retired_at"])
        done = "switched on" if on else "switched off"
        settings_log.record(AREA, outcome.label, done, by=by, now=now)
    return outcome


def order_outcomes(ids: Sequence[uuid.UUID], *, by: Membership, now: datetime) -> None:
    """Put the outcomes into this order; those not named come after."""
    require(by, "settings")
    with transaction.atomic():
        known = hold(CallOutcome, by)
        if put_in_order(CallOutcome, known, ids):
            settings_log.record(AREA, "Call outcomes", "put into another order", by=by, now=now)


def _refuse_too_many(known: Sequence[CallOutcome]) -> None:
    if sum(1 for one in known if not one.retired_at) >= MOST:
        raise ValidationError(f"There are at most {MOST} outcomes. Switch one off.")


def _name(outcome: CallOutcome, label: str, others: Sequence[CallOutcome]) -> None:
    outcome.label = " ".join(label.split())
    outcome.full_clean(validate_constraints=False)
    taken = {one.label.casefold() for one in others if not one.retired_at}
    if outcome.label.casefold() in taken:
        raise ValidationError({"label": ["There is an outcome of this name already."]})
