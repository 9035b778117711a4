"""Sources: what a new workspace starts with, and how many enquiries each brings a day."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads import kinds
from leads.models import Activity, Source, SourceDay

COUNTED = {kinds.LEAD_CREATED: "created", kinds.ENQUIRY_REPEATED: "repeated"}


def count_enquiries(rows: Sequence[Activity], now: datetime) -> None:
    """Subscriber of the log: adds new and repeat enquiries to their source's day."""
    zone = ZoneInfo(Workspace.objects.only("time_zone").get(pk=current_workspace_id()).time_zone)
    counts: dict[tuple[uuid.UUID, date], Counter[str]] = {}
    for row in rows:
        name, source_id = COUNTED.get(row.kind), row.data.get("source_id")
        if name and source_id and not row.data.get("is_test"):
            day = row.occurred_at.astimezone(zone).date()
            counts.setdefault((uuid.UUID(source_id), day), Counter())[name] += 1
    known = set(
        Source.objects.filter(pk__in={source_id for source_id, _ in counts}).values_list(
            "pk", flat=True
        )
    )
    for (source_id, day), counter in sorted(counts.items()):
        if source_id in known:
            _add(source_id, day, counter)


def _add(source_id: uuid.UUID, day: date, counter: Counter[str]) -> None:
    SourceDay.objects.get_or_create(source_id=source_id, day=day)
    SourceDay.objects.filter(source_id=source_id, day=day).update(
        created=F("created") + counter["created"], repeated=F("repeated") + counter["repeated"]
    )


def save_source(source: Source, values: Mapping[str, Any]) -> Source:
    """Set fields of a new or known source; raises ValidationError for what doesn't fit."""
    for name, value in values.items():
        setattr(source, name, value)
    source.claim_for_scope()
    source.full_clean()
    source.save()
    return source
