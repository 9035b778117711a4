"""Parts that staff's pages are made of: actions that ask, tables of related rows, raw values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value, label_for_field, quote
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

ACTED_ON = 1000  # rows of one action
NEWEST = 20  # rows of a table of related ones
SHOWN = 20_000  # characters of a raw value

Act = Callable[[Any, HttpRequest, list[Any]], None]
Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]


def verb(description: str, *, asks: str = "") -> Callable[[Act], Action]:
    """An action of staff on up to 1,000 rows; with `asks`, a page asks so before it is done.

    The function that it decorates gets the rows as a list, calls a verb and says what came of it.
    """

    def decorate(act: Act) -> Action:
        @admin.action(description=description, permissions=["work"])
        @wraps(act)
        def run(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            rows = list(queryset[: ACTED_ON + 1])
            if len(rows) > ACTED_ON:
                said = f"Nothing was done: choose at most {ACTED_ON:,} at once."
                self.message_user(request, said, messages.ERROR)
                return None
            if asks and request.POST.get("sure") != "yes":
                asked: HttpResponse = self.ask(request, act.__name__, description, asks, rows)
                return asked
            act(self, request, rows)
            return None

        return run

    return decorate


@dataclass(frozen=True)
class Panel:
    """A table of the newest rows of another model that belong to the one shown.

    `by` names the field of those rows that holds its key, or tells their filter for it. Each
    column is a name of a field, property or method without arguments; the first one is the link.
    """

    title: str
    model: type[models.Model]
    by: str | Callable[[Any], Mapping[str, Any] | None]
    columns: Sequence[str]
    order: Sequence[str] = ("-pk",)
    related: Sequence[str] = ()
    all_of_them: bool = True  # whether the search of its list finds them by the key of this one

    def filter_for(self, owner: Any) -> Mapping[str, Any] | None:
        return {self.by: owner.pk} if isinstance(self.by, str) else self.by(owner)

    def context(self, owner: Any) -> dict[str, Any]:
        """What the template shows."""
        wanted = self.filter_for(owner)
        found: list[Any] = []
        if wanted is not None:
            rows = self.model._default_manager.filter(**wanted).exclude(pk=owner.pk)
            found = list(rows.select_related(*self.related).order_by(*self.order)[:NEWEST])
        return {
            "title": self.title,
            "headings": [_heading(self.model, column) for column in self.columns],
            "rows": [(page_of(row), [_cell(row, name) for name in self.columns]) for row in found],
            "more": self._list_of(owner) if self.all_of_them and found else "",
        }

    def _list_of(self, owner: Any) -> str:
        workspace = getattr(owner, "workspace_id", owner.pk)
        query = f"?q={owner.pk}" if hasattr(owner, "workspace_id") else "?"
        return f"{list_of(self.model)}{query}&workspace={workspace}"


def page_of(row: models.Model) -> str:
    """The address of a row's page."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(row.pk)])


def list_of(model: type[models.Model]) -> str:
    """The address of a model's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def raw(name: str, label: str = "") -> Callable[[Any], str]:
    """A column of a detail page that shows a JSON value as indented text, cut at a length."""

    @admin.display(description=capfirst(label or name.replace("_", " ")), empty_value="–")
    def shown(row: Any) -> str:
        value = getattr(row, name)
        if value in (None, {}, [], ""):
            return "–"
        return as_text(json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder))

    shown.__name__ = name
    return shown


def as_text(text: str) -> str:
    """Escaped text as it is, cut at a length."""
    cut = "" if len(text) <= SHOWN else f"\n… and {len(text) - SHOWN:,} characters more"
    return format_html('<pre class="raw" tabindex="0">{}{}</pre>', text[:SHOWN], cut)


def _heading(model: type[models.Model], name: str) -> str:
    plain = name.removeprefix("get_").removesuffix("_display")
    return capfirst(str(label_for_field(plain, model)))


def _cell(row: Any, name: str) -> Any:
    value = getattr(row, name)
    value = value() if callable(value) else value
    return display_for_value(value, "–", boolean=isinstance(value, bool))
