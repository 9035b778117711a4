"""What the admin pages of all apps have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.options import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst

from leadcrm.workspaces.admin_parts import Panel

COUNTED_TO = 1000
FOUND = 200  # rows of a search by text
LISTED = 20  # rows that the page which asks names
LONGEST_SEARCH = 200
# PostgreSQL takes neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class QuickPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a limit: an exact count of a large table takes longer than the page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_TO].count())


class QuickChangeList(ChangeList):
    """Sorts by what is offered only: any column's number can be put into an address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        chosen = self.params.get(ORDER_VAR, "").split(".")
        offered = {str(self.list_display.index(name)) for name in self.sortable_by or ()}
        if not {one.removeprefix("-") for one in chosen} <= offered:
            self.params.pop(ORDER_VAR, None)
        return list(super().get_ordering(request, queryset))


class QuickAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists that stay fast on large tables, and a history that holds ids only.

    Nothing is searched, filtered or sorted by but what an index serves. A search is by the ids
    in `search_fields`, or by text through `find`.
    """

    paginator = QuickPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count the table once per choice
    list_per_page = 50
    list_max_show_all = 100
    sortable_by: ClassVar[Any] = ()
    search_fields: ClassVar[Any] = ("pk",)
    search_help_text = "By id"
    text_fields: ClassVar[Sequence[str]] = ()  # searched anywhere in them: for small tables only
    panels: ClassVar[list[Panel]] = []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QuickChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = UNSTORABLE.sub(" ", search_term).strip()[:LONGEST_SEARCH]
        if not term:
            return queryset, False
        condition = Q()
        for name in self.search_fields:
            if key := self._as_key(name, term):
                condition |= Q(**{name: key})
        if condition:
            return queryset.filter(condition), False
        found = self.find(term)
        if len(found) >= FOUND:
            said = f"{FOUND} or more match, and these are some of them. Type more of it."
            self.message_user(request, said, messages.WARNING)
        return queryset.filter(pk__in=found), False

    def _as_key(self, name: str, term: str) -> Any:
        """The term as a value of a key field, or None where it can't be one."""
        field = self.opts.pk if name == "pk" else self.opts.get_field(name)
        target: Any = getattr(field, "target_field", field)
        try:
            key = target.to_python(term)
        except (forms.ValidationError, ValueError):
            return None
        is_too_large = isinstance(key, int) and abs(key) >= 2**63
        return None if is_too_large else key

    def find(self, term: str) -> Sequence[Any]:
        """The keys of the rows that a text which is no id finds, FOUND at most.

        They are read once: the page and its count then go by key, not by the text again.
        """
        condition = Q(pk__in=())
        for name in self.text_fields:
            condition |= Q(**{f"{name}__icontains": term})
        return some_keys(self.model._default_manager.filter(condition))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what is offered as a filter; Django would allow each field."""
        offered = {getattr(one, "parameter_name", one) for one in self.get_list_filter(request)}
        return lookup.split("__", maxsplit=1)[0] in offered

    def get_panels(self) -> list[Panel]:
        return self.panels

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        if row is not None:
            context["panels"] = [
                panel.context(row) for panel in self.get_panels() if may_view(request, panel.model)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    # The staff's history names rows by their ids: names must not outlive an erasure.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self.note(request, [obj], message, ADDITION)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self.note(request, [obj], message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return self.note(request, queryset, "", DELETION)

    def note(
        self, request: HttpRequest, rows: Iterable[Any], message: Any, flag: int = CHANGE
    ) -> list[LogEntry]:
        """Put what was done to rows into the staff's history."""
        kind = ContentType.objects.get_for_model(self.model)
        return LogEntry.objects.bulk_create(
            LogEntry(
                user_id=str(request.user.pk),
                content_type=kind,
                object_id=str(row.pk),
                object_repr=str(row.pk),
                action_flag=flag,
                change_message=message,
            )
            for row in rows
        )

    # What the actions need

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Who may use the actions: whoever may change such rows at all."""
        meta = self.opts
        return bool(request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}"))

    def ask(
        self, request: HttpRequest, action: str, title: str, question: str, rows: Sequence[Any]
    ) -> TemplateResponse:
        """The page that asks before an action that is hard to take back."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "question": question,
            "count": len(rows),
            "listed": [str(row) for row in rows[:LISTED]],
            "unlisted": max(0, len(rows) - LISTED),
            "opts": self.opts,
            "action": action,
            "select_across": request.POST.get("select_across", "0"),
            "selected": request.POST.getlist("_selected_action"),
        }
        return TemplateResponse(request, "admin/ask.html", context)

    def tell(
        self, request: HttpRequest, done: Sequence[Any], said: str, refused: Iterable[str] = ()
    ) -> None:
        """Note what was done, and say how many were done and how many not, with the reasons."""
        self.note(request, done, said)
        if done:
            self.message_user(request, f"{said}: {len(done):,}.", messages.SUCCESS)
        reasons = list(refused)
        for reason in dict.fromkeys(reasons):
            text = f"Not done: {reasons.count(reason):,}. {reason}"
            self.message_user(request, text, messages.ERROR)
        if not done and not reasons:
            self.message_user(request, "There was nothing to do.", messages.WARNING)


class ReadOnlyAdmin(QuickAdmin):
    """History, and what only verbs may change: staff look at it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def may_view(request: HttpRequest, model: type[models.Model]) -> bool:
    """Whether the staff user may see rows of a model."""
    meta, has = model._meta, request.user.has_perm
    return any(has(f"{meta.app_label}.{may}_{meta.model_name}") for may in ("view", "change"))


def some_keys(rows: QuerySet[Any], name: str = "pk") -> list[Any]:
    """Keys of FOUND rows at most, as their index brings them: an order would ask for another one."""
    return list(rows.order_by().values_list(name, flat=True)[:FOUND])
