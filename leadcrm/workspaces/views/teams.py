"""Settings: teams and locations."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.forms import Styled, time_zones
from leadcrm.workspaces.models import Location, Membership, Team
from leadcrm.workspaces.pages import PageRequest, show
from leadcrm.workspaces.teams import save_location, save_team


class TeamForm(Styled, forms.Form):
    name = forms.CharField(max_length=100)
    leader = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True), required=False, empty_label="No leader"
    )


class LocationForm(Styled, forms.Form):
    name = forms.CharField(max_length=100)
    address = forms.CharField(required=False, max_length=300)
    time_zone = forms.ChoiceField(choices=time_zones, required=False)


@dataclass(frozen=True)
class Kind:
    model: type[Any]
    form: type[forms.Form]
    save: Callable[..., Any]


KINDS = {
    "team": Kind(Team, TeamForm, save_team),
    "location": Kind(Location, LocationForm, save_location),
}


@require_safe
def teams(request: PageRequest) -> HttpResponse:
    require(request.membership, "users")
    return _page(request)


@require_POST
def save(request: PageRequest, kind: str) -> HttpResponse:
    """Add a team or location, or change the one whose id is sent."""
    require(request.membership, "users")
    of, row_id = KINDS[kind], _id_of(request.POST.get("id", ""))
    row = of.model.objects.filter(pk=row_id).first() if row_id else of.model()
    if row is None:
        raise Http404(NOT_FOUND)
    form = _form(kind, row if row_id else None, request.POST)
    if form.is_valid():
        try:
            saved = of.save(row, by=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{saved} is saved.")
            return redirect("teams", request.workspace.slug)
    return _page(request, (kind, row_id, form), status=422)


def _id_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise Http404(NOT_FOUND) from None


def _form(kind: str, row: Any, data: Any = None) -> forms.Form:
    of, key = KINDS[kind], row.pk if row else "new"
    initial = {name: getattr(row, name) for name in of.form.base_fields} if row else {}
    return of.form(data, initial=initial, auto_id=f"{kind}-{key}-%s")


def _page(
    request: PageRequest,
    broken: tuple[str, uuid.UUID | None, forms.Form] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    size = Count("members", filter=Q(members__is_active=True))
    found = {
        "team": Team.objects.annotate(size=size).order_by("name"),
        "location": Location.objects.order_by("name"),
    }
    context: dict[str, Any] = {}
    for kind, rows in found.items():
        forms_of = {row.pk: _form(kind, row) for row in rows}
        new = _form(kind, None)
        if broken and broken[0] == kind:
            new = broken[2] if broken[1] is None else new
            forms_of |= {broken[1]: broken[2]} if broken[1] else {}
        context[f"{kind}s"] = [(row, forms_of[row.pk]) for row in rows]
        context[f"new_{kind}"] = new
    leaders = [form for _, form in context["teams"]] + [context["new_team"]]
    choices = list(context["new_team"].fields["leader"].choices)
    for form in leaders:
        form.fields["leader"].widget.choices = choices
    return show(request, "settings/teams.html", context, status=status)
