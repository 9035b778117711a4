"""What the admin pages of all apps have in common."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from leadcrm.workspaces.models import Workspace

COUNTED_TO = 1000
WORKSPACES_OFFERED = 200


class QuickPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a limit: an exact count of a large table takes longer than the page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_TO].count())


class WorkspaceFilter(admin.SimpleListFilter):
    """By workspace; one beyond those offered is reached by `?workspace=<id>`."""

    title = "workspace"
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Workspace.objects.values_list("pk", "name")[:WORKSPACES_OFFERED]
        return [(str(pk), name) for pk, name in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if not self.value():
            return None
        try:
            return queryset.filter(workspace=uuid.UUID(self.value()))
        except ValueError:
            return queryset.none()


class QuickAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists that stay fast on large tables."""

    paginator = QuickPaginator
    show_full_result_count = False
    list_per_page = 50


class ReadOnlyAdmin(QuickAdmin):
    """History, and what only verbs may change: staff look at it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Who may use the actions: whoever may change such rows at all."""
        meta = self.opts
        return request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}")

    def note_action(self, request: HttpRequest, rows: Iterable[Any], said: str) -> None:
        """Put an action into the staff's history, by ids: names must not outlive an erasure."""
        kind = ContentType.objects.get_for_model(self.model)
        LogEntry.objects.bulk_create(
            LogEntry(
                user_id=str(request.user.pk),
                content_type=kind,
                object_id=str(row.pk),
                object_repr=str(row.pk),
                action_flag=CHANGE,
                change_message=said,
            )
            for row in rows
        )


class TenantAdmin(ReadOnlyAdmin):
    """Rows of workspaces, read-only."""

    list_filter: ClassVar[Any] = [WorkspaceFilter]
    # No index orders them across workspaces but that of the key, which follows time.
    ordering: ClassVar[Any] = ["-pk"]
    list_select_related: ClassVar[Any] = ["workspace"]


class InWorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks what is unique in a workspace, although the workspace isn't in the form."""

    def _get_validation_exclusions(self) -> set[str]:
        return set(super()._get_validation_exclusions()) - {"workspace"}  # type: ignore[misc]


class ConfigAdmin(TenantAdmin):
    """Settings of workspaces: labels and switches can be mended, links stay as they are."""

    form = InWorkspaceForm
    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    fixed: ClassVar[list[str]] = []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_work_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        links = [f.name for f in self.opts.fields if isinstance(f, models.ForeignKey)]
        return ["workspace", *(name for name in links if name != "workspace"), *self.fixed]
