"""The names behind the ids in rows of leads, the options of the filter bar, and the saved views that
a member sees, in one query.

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

from leadcrm.workspaces.compiled import CompiledQuery, Given
from leadcrm.workspaces.models import Location, Membership, Team
from leads.custom_fields import Definitions
from leads.models import Campaign, CustomField, Pipeline, SavedView, SourceKind, Stage
from leads.models.source import Source
from leads.pipelines import Status, status_named

OWN, SHARED = "own view", "shared view"
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A saved view among the tabs, or in the menu beside them."""

    key: uuid.UUID
    label: str
    is_board: bool
    is_shared: bool
    is_pinned: bool


@dataclass(slots=True)
class Directory:
    """Names by id, also of what is retired; of the others, the options of each filter by value.

    `gone` are the values of what is retired. `views` are the saved ones that the member sees.
    """

    names: dict[uuid.UUID, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    gone: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    views: list[ViewLink] = field(default_factory=list)
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


def read_directory(member: Membership | None = None) -> Directory:
    """The directory of the workspace in scope, with the views that a member of it sees."""
    found = Directory()
    for group, pk, value, label, offered in _everything.rows(
        member=member.pk if member else NOBODY
    ):
        if group in (OWN, SHARED):
            is_board = value == SavedView.Layout.BOARD
            found.views.append(ViewLink(pk, label, is_board, group == SHARED, offered))
        elif group == "custom":
            found.own_fields.append(CustomField(id=pk, label=label, **json.loads(value)))
        else:
            found.names[pk] = label
            (found.options if offered else found.gone)[group].setdefault(value, label)
    found.views.sort(key=lambda view: (view.label.lower(), view.key))
    found.own_fields.sort(key=lambda one: (one.position, one.label))
    return found


def _all_entries() -> QuerySet[Any, Any]:
    custom = CustomField.objects.all()
    columns = ("key", "kind", "options", "position", "archived_at")
    details = JSONObject(**{name: F(name) for name in columns})
    in_use, always = Q(retired_at=None), Q(pk__isnull=False)
    own = SavedView.objects.filter(owner=Given("member"), is_shared=False)
    pinned = Q(is_pinned=True)
    stages = _entries("stage", Stage.objects.all(), "key", "label", in_use)
    others = (
        _entries("owner", Membership.objects.all(), "pk", "name", Q(is_active=True)),
        _entries("source", Source.objects.all(), "pk", "name", Q(is_active=True)),
        _entries("campaign", Campaign.objects.all(), "pk", "name", always),
        _entries("pipeline", Pipeline.objects.all(), "pk", "label", in_use),
        _entries("team", Team.objects.all(), "pk", "name", always),
        _entries("custom", custom, Cast(details, CharField()), "label", always),
        _entries("location", Location.objects.all(), "pk", "name", always),
        _entries(OWN, own, "layout", "name", pinned),
        _entries(SHARED, SavedView.objects.filter(is_shared=True), "layout", "name", pinned),
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
