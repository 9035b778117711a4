"""What the admin pages of workspaces' rows have in common: scope, visits, read-only or settings."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from leadcrm.workspaces.admin_base import ReadOnlyAdmin
from leadcrm.workspaces.admin_parts import raw
from leadcrm.workspaces.models import StaffVisit, Workspace
from leadcrm.workspaces.scoping import WorkspaceModel, current_scope, enter_scope

WORKSPACES_OFFERED = 200
SEARCH_FIRST = "In one workspace, open the lead, or search for its id: its rows are listed then."
CALLED_BY = frozenset({"display_name", "name", "label", "email"})


class WorkspaceFilter(admin.SimpleListFilter):
    """Takes `?workspace=<id>` out of the lookups: the scope of the request narrows the list."""

    title = "workspace"
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


def one_workspace() -> bool:
    """Whether staff look at one workspace rather than at all."""
    return isinstance(current_scope(), uuid.UUID)


class TenantAdmin(ReadOnlyAdmin):
    """Rows of workspaces, read-only. Opening one leaves a visit.

    A list is of all workspaces, or of one with `?workspace=<id>`. Filters and sorts that an index
    serves only within a workspace are offered there. A detail page runs inside its row's
    workspace, so nothing of another one can appear on it.
    """

    list_filter: ClassVar[Any] = [WorkspaceFilter]
    filter_within: ClassVar[Sequence[Any]] = ()
    ordering: ClassVar[Any] = ["-pk"]  # the key follows time, and its index spans the workspaces
    ordering_within: ClassVar[Any] = ["-pk"]
    list_columns: ClassVar[Sequence[str]] = ()  # all, unless a wide row names those of its list
    list_select_related: ClassVar[Any] = ["workspace"]
    search_within = False  # no index lists a workspace's rows: there the list waits for a search
    leaves_visits = True

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*self.list_filter, *(self.filter_within if one_workspace() else ())]

    def get_ordering(self, request: HttpRequest) -> Any:
        return self.ordering_within if one_workspace() else self.ordering

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        scope = {"scope": chosen_workspace(), "workspaces": _workspaces_offered()}
        if self._waits_for_search(request):
            self.message_user(request, SEARCH_FIRST, messages.INFO)
        return super().changelist_view(request, {**scope, **(extra_context or {})})

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> WorkspaceModel | None:
        """The row with all it links to, and from here on nothing but its workspace."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            enter_scope(row.workspace_id)
        return row

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if is_detail(request):
            return rows.select_related(*links_of(self.model))
        rows = rows.only(*self._listed_columns())
        return rows.none() if self._waits_for_search(request) else rows

    def _waits_for_search(self, request: HttpRequest) -> bool:
        return self.search_within and one_workspace() and not request.GET.get("q", "").strip()

    def _listed_columns(self) -> list[str]:
        """Columns of the row, and of those it links to what they are called by: some are wide."""
        links = [
            f"{link}__{name}"
            for link in self.list_select_related
            for name in sorted(CALLED_BY & _names(self.opts.get_field(link).related_model))
        ]
        return [*(self.list_columns or [f.name for f in self.opts.concrete_fields]), *links]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = self.fieldsets or _grouped(self.model, self.exclude or ())
        return [
            (name, {**options, "fields": [self._field(one) for one in options["fields"]]})
            for name, options in fieldsets
        ]

    def _field(self, name: Any) -> Any:
        if isinstance(name, tuple | list):
            return tuple(self._field(one) for one in name)
        is_json = isinstance(name, str) and name in _named(self.model, models.JSONField)
        return raw(name, label_of(self.model, name)) if is_json else name

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        self._visited(request, response, "original", StaffVisit.What.LOOKED)
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        self._visited(request, response, "object", StaffVisit.What.HISTORY)
        return response

    def _visited(self, request: HttpRequest, response: Any, name: str, what: str) -> None:
        if isinstance(response, TemplateResponse) and request.method == "GET":
            row = (response.context_data or {}).get(name)
            if row is not None:
                self.note_visit(request, row, what)

    def note_visit(self, request: HttpRequest, row: WorkspaceModel, what: str) -> None:
        """Leave the trace of a look at a row, before it is shown."""
        if self.leaves_visits:
            StaffVisit.objects.create(
                workspace_id=row.workspace_id,
                user_id=request.user.pk,
                what=what,
                kind=self.opts.label_lower,
                row_id=str(row.pk),
            )


class InWorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks what is unique in a workspace, although the workspace isn't in the form."""

    def _get_validation_exclusions(self) -> set[str]:
        return set(super()._get_validation_exclusions()) - {"workspace"}  # type: ignore[misc]


class ConfigAdmin(TenantAdmin):
    """Settings of workspaces: labels and switches can be mended, links stay as they are."""

    form = InWorkspaceForm
    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    fixed: ClassVar[list[str]] = []
    leaves_visits = False  # nothing personal is on these pages

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_work_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        uneditable = [f.name for f in self.opts.fields if not f.editable and f.name != "id"]
        return ["id", *dict.fromkeys([*links_of(self.model), *uneditable, *self.fixed])]

    def _field(self, name: Any) -> Any:
        return name  # its JSON is mended in a form


def is_detail(request: HttpRequest) -> bool:
    """Whether the page is of one row."""
    match = request.resolver_match
    return match is not None and "object_id" in match.kwargs


def chosen_workspace() -> Workspace | None:
    """The one workspace that staff look at, or None where it is all of them."""
    scope = current_scope()
    return Workspace.objects.filter(pk=scope).first() if isinstance(scope, uuid.UUID) else None


def any_workspace() -> dict[str, Any]:
    """A condition that lets an index which starts with the workspace serve a search of them all."""
    return {} if one_workspace() else {"workspace__in": Workspace.objects.values("pk")}


def _names(model: Any) -> set[str]:
    return {field.name for field in model._meta.fields}


def label_of(model: type[models.Model], name: str) -> str:
    """What a field is called."""
    return str(getattr(model._meta.get_field(name), "verbose_name", name))


def links_of(model: type[models.Model]) -> list[str]:
    """The foreign keys of a model, the workspace first."""
    return sorted(_named(model, models.ForeignKey), key=lambda name: name != "workspace")


def _workspaces_offered() -> QuerySet[Workspace]:
    return Workspace.objects.only("pk", "name").order_by("name")[:WORKSPACES_OFFERED]


def _named(model: type[models.Model], kind: type[models.Field[Any, Any]]) -> list[str]:
    return [field.name for field in model._meta.fields if isinstance(field, kind)]


def _grouped(model: type[models.Model], left_out: Iterable[str]) -> list[Any]:
    """The fields of a model in the groups that each detail page has."""
    groups = [
        ("Belongs to", links_of(model)),
        ("Dates", _named(model, models.DateTimeField)),
        ("Raw", _named(model, models.JSONField)),
    ]
    taken = {name for _, names in groups for name in names} | {"id", *left_out}
    own = [field.name for field in model._meta.fields if field.name not in taken]
    key = [] if model._meta.pk is None or model._meta.pk.name in own else [model._meta.pk.name]
    shown = [(None, own), groups[0], groups[1], groups[2], ("The row", key)]
    wanted = [(title, [n for n in names if n not in set(left_out)]) for title, names in shown]
    return [(title, {"fields": names}) for title, names in wanted if names]
