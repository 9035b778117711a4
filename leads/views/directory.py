"""The names behind the ids in rows of leads, and the options of the filter bar, in one query.

They are a workspace's settings: some hundred rows. Joined to the leads instead, six tables would
take the planner longer than the page's leads take to read.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, CharField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Cast, JSONObject

from leadcrm.workspaces.compiled import CompiledQuery
from leadcrm.workspaces.models import Membership, Team
from leads.custom_fields import Definitions
from leads.models import Campaign, CustomField, Pipeline, SourceKind, Stage
from leads.models.source import Source
from leads.pipelines import Status, status_named


@dataclass(slots=True)
class Directory:
    """Names by id, also of what is retired; of the others, the options of each filter by value."""

    names: dict[uuid.UUID, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    own_fields: list[CustomField] = field(default_factory=list)

    @property
    def custom(self) -> list[CustomField]:
        """The workspace's own fields in use, in their order."""
        return self.definitions().in_use

    def definitions(self) -> Definitions:
        """The workspace's own fields, archived ones too."""
        return Definitions(tuple(self.own_fields))

    def choices(self) -> dict[str, Any]:
        """The options of the filter bar, in the order in which they are shown."""
        return {
            "stages": sorted(self.options["stage"].items(), key=_by_ladder),
            "owners": self._by_label("owner"),
            "sources": self._by_label("source"),
            "campaigns": self._by_label("campaign"),
            "pipelines": self._by_label("pipeline"),
            "kinds": SourceKind.choices,
        }

    def _by_label(self, group: str) -> list[tuple[str, str]]:
        return sorted(self.options[group].items(), key=lambda option: option[1].lower())


def read_directory() -> Directory:
    """The directory of the workspace in scope."""
    found = Directory()
    for group, pk, value, label, offered in _everything.rows():
        if group == "custom":
            found.own_fields.append(CustomField(id=pk, label=label, **json.loads(value)))
            continue
        found.names[pk] = label
        if offered:
            found.options[group].setdefault(value, label)
    found.own_fields.sort(key=lambda one: (one.position, one.label))
    return found


def _all_entries() -> QuerySet[Any, Any]:
    custom = CustomField.objects.all()
    columns = ("key", "kind", "options", "position", "archived_at")
    details = JSONObject(**{name: F(name) for name in columns})
    in_use, always = Q(retired_at=None), Q(pk__isnull=False)
    stages = _entries("stage", Stage.objects.all(), "key", "label", in_use)
    others = (
        _entries("owner", Membership.objects.all(), "pk", "name", Q(is_active=True)),
        _entries("source", Source.objects.all(), "pk", "name", Q(is_active=True)),
        _entries("campaign", Campaign.objects.all(), "pk", "name", always),
        _entries("pipeline", Pipeline.objects.all(), "pk", "label", in_use),
        _entries("team", Team.objects.all(), "pk", "name", always),
        _entries("custom", custom, Cast(details, CharField()), "label", always),
    )
    return stages.union(*others, all=True)


_everything = CompiledQuery(_all_entries)


def _entries(
    group: str, rows: QuerySet[Any], value: str | Cast, label: str, offered: Q
) -> QuerySet[Any, Any]:
    return rows.order_by().values_list(
        Value(group, output_field=CharField()),
        "pk",
        Cast(value, CharField()) if isinstance(value, str) else value,
        Cast(label, CharField()),
        ExpressionWrapper(offered, BooleanField()),
    )


def _by_ladder(option: tuple[str, str]) -> tuple[int, str]:
    status = status_named(option[0])
    return (list(Status).index(status) if status else len(Status), option[1])
