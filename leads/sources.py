"""Sources: what a new workspace starts with, and how many enquiries each brings a day."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import kinds
from leads.models import Activity, Source, SourceDay
from leads.origins import NotASite, read_sites

AREA = "source"
NAME_CONSTRAINT = "source_name_unique"
COUNTED = {kinds.LEAD_CREATED: "created", kinds.ENQUIRY_REPEATED: "repeated"}
# One statement for all days: history brings hundreds of them at once.
ADD_TO_DAYS = """
INSERT INTO leads_sourceday AS known (id, workspace_id, source_id, day, created, repeated)
SELECT id, %(workspace)s, source_id, day, created, repeated
FROM unnest(%(ids)s::uuid[], %(sources)s::uuid[], %(days)s::date[], %(created)s::int[],
            %(repeated)s::int[]) AS more (id, source_id, day, created, repeated)
ON CONFLICT (source_id, day) DO UPDATE
SET created = known.created + excluded.created, repeated = known.repeated + excluded.repeated
"""


def count_enquiries(rows: Sequence[Activity], now: datetime) -> None:
    """Subscriber of the log: adds new and repeat enquiries to their source's day."""
    zone = ZoneInfo(Workspace.objects.only("time_zone").get(pk=current_workspace_id()).time_zone)
    counts: dict[tuple[uuid.UUID, date], Counter[str]] = {}
    for row in rows:
        name, source_id = COUNTED.get(row.kind), row.data.get("source_id")
        if name and source_id and not row.data.get("is_test"):
            day = row.occurred_at.astimezone(zone).date()
            counts.setdefault((uuid.UUID(source_id), day), Counter())[name] += 1
    _add(counts)


def _add(counts: Mapping[tuple[uuid.UUID, date], Counter[str]]) -> None:
    """Add to the days, in the order of their key; those of sources that are gone are left out."""
    known = set(
        Source.objects.filter(pk__in={source_id for source_id, _ in counts}).values_list(
            "pk", flat=True
        )
    )
    days = [(*key, count) for key, count in sorted(counts.items()) if key[0] in known]
    if not days:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_TO_DAYS,
            {
                "workspace": current_workspace_id(),
                "ids": array_of(uuid7() for _ in days),
                "sources": array_of(source_id for source_id, _, _ in days),
                "days": array_of(day for _, day, _ in days),
                "created": array_of(count["created"] for _, _, count in days),
                "repeated": array_of(count["repeated"] for _, _, count in days),
            },
        )


def save_source(
    source: Source, values: Mapping[str, Any], *, by: Membership | None, now: datetime
) -> Source:
    """Set fields of a new or known source; of a known one, the others stay as somebody left them.

    Args:
        source: A source, or an empty one to be added.
        values: What its fields are to hold, by name.
        by: Who asks for it; empty for the installation's staff.
        now: When.

    Raises:
        ValidationError: by field, for what doesn't fit.
    """
    for name, value in _clean(values).items():
        setattr(source, name, value)
    source.claim_for_scope()
    if "name" in values:
        _refuse_taken_name(source)
    # full_clean would name the constraint, which says nothing to a person.
    source.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            is_new = source._state.adding
            before = {} if is_new else _held(source, values)
            source.save(update_fields=None if is_new else list(values))
            _record(source, before, is_new=is_new, by=by, now=now)
    except IntegrityError as error:
        if NAME_CONSTRAINT not in str(error):
            raise
        raise _taken() from error  # somebody else took it between the look and the write
    return source


def _held(source: Source, names: Iterable[str]) -> dict[str, Any]:
    """What is stored of the source now, locked: somebody may have changed it since it was read."""
    stored = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    return settings_log.values_of(stored, names)


def _record(
    source: Source,
    before: Mapping[str, Any],
    *,
    is_new: bool,
    by: Membership | None,
    now: datetime,
) -> None:
    if is_new:
        settings_log.record(AREA, source.name, "added", by=by, now=now)
        return
    changes = settings_log.differences(source, before)
    if "form_fields" in before and "form fields" in changes:
        changes["form fields"] = [_asked(before["form_fields"]), _asked(source.form_fields)]
    if "active" in changes and len(changes) == 1:
        done, changes = "switched on" if source.is_active else "switched off", {}
        settings_log.record(AREA, source.name, done, by=by, now=now)
    elif changes:
        settings_log.record(AREA, source.name, "changed", by=by, changes=changes, now=now)


def _asked(fields: Any) -> list[str]:
    """The fields of a form as the log names them."""
    return [
        " ".join(
            filter(None, [
                str(one.get("label") or one.get("name") or ""),
                f"({one['type']})" if one.get("type") else "",
                "required" if one.get("required") else "",
            ])
        )
        for one in (fields if isinstance(fields, list) else [])
        if isinstance(one, dict)
    ]  # fmt: skip


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = dict(values)
    if "name" in cleaned:
        cleaned["name"] = " ".join(str(cleaned["name"]).split())
    if "allowed_origins" in cleaned:
        try:
            cleaned["allowed_origins"] = read_sites(cleaned["allowed_origins"])
        except NotASite as error:
            raise ValidationError({"allowed_origins": [str(error)]}) from error
    return cleaned


def _refuse_taken_name(source: Source) -> None:
    if Source.objects.filter(name__iexact=source.name).exclude(pk=source.pk).exists():
        raise _taken()


def _taken() -> ValidationError:
    return ValidationError({"name": ["There is a source with this name already."]})


def days_of(source_ids: Iterable[uuid.UUID], since: date) -> dict[uuid.UUID, dict[date, SourceDay]]:
    """The days since then on which these sources brought enquiries, in one query."""
    found: dict[uuid.UUID, dict[date, SourceDay]] = {}
    for row in SourceDay.objects.filter(source__in=list(source_ids), day__gte=since):
        found.setdefault(row.source_id, {})[row.day] = row
    return found
