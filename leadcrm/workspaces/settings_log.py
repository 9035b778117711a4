"""The log of settings changes: what the verbs of settings append to it in their own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from leadcrm.workspaces.models import Membership, SettingsChange
from leadcrm.workspaces.scoping import current_workspace_id

LONGEST = 300  # characters of a value that the log keeps
NOT_WORTH_A_ROW = frozenset({"position"})

Changes = dict[str, list[Any]]


def record(
    area: str,
    subject: object,
    done: str,
    *,
    by: Membership | None,
    changes: Mapping[str, list[Any]] | None = None,
    now: datetime | None = None,
) -> SettingsChange:
    """Append a row. Must be called in the transaction that makes the change.

    `done` completes “subject was …”; `changes` are [from, to] by what people call the setting.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a change of settings and its log row belong in one transaction")
    row: SettingsChange = SettingsChange.objects.create(
        workspace_id=by.workspace_id if by else current_workspace_id(),
        at=now or timezone.now(),
        actor=by,
        area=area,
        subject=str(subject)[:200],
        done=done,
        changes={name: [_shown(one) for one in pair] for name, pair in (changes or {}).items()},
    )
    return row


def values_of(row: models.Model, names: Iterable[str]) -> dict[str, Any]:
    """What fields of a row hold, to be compared by `differences` after they were set."""
    return {name: getattr(row, name) for name in names}


def differences(row: models.Model, before: Mapping[str, Any]) -> Changes:
    """Which of the fields hold something else now, by their verbose names: [from, to]."""
    found: Changes = {}
    for name, old in before.items():
        new = getattr(row, name)
        if old != new and name not in NOT_WORTH_A_ROW:
            found[str(row._meta.get_field(name).verbose_name)] = [  # type: ignore[union-attr]
                _labelled(row, name, old),
                _labelled(row, name, new),
            ]
    return found


def _labelled(row: models.Model, name: str, value: Any) -> Any:
    choices = dict(getattr(row._meta.get_field(name), "flatchoices", None) or ())
    return choices.get(value, value) if isinstance(value, str) else value


def _shown(value: Any) -> Any:
    """A value as the log keeps it: JSON, long texts cut."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(str(one) for one in value)
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
