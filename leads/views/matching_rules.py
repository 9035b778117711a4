"""Settings: what happens when somebody comes in who seems to be known, by match and by door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import require
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.pages import PageRequest, show
from leads.duplicate_rules import OFFERED, change_rules, read_rules
from leads.models.duplicates import Action, Door, Match


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of match, with a field for each door."""

    label: str
    cells: list[Any]


class RulesForm(Styled, forms.Form):
    """A choice for each match and door, where there is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = read_rules()
        for (match, door), offered in OFFERED.items():
            self.fields[f"{match}-{door}"] = forms.ChoiceField(
                label=f"{Match(match).label}, {Door(door).label}",
                choices=[(action.value, action.label) for action in offered],
                initial=held[match, door].value,
                disabled=len(offered) == 1,
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def rows(self) -> list[Row]:
        return [
            Row(match.label, [self[f"{match.value}-{door.value}"] for door in Door])
            for match in Match
        ]

    def chosen(self) -> dict[tuple[str, str], Action]:
        return {key: Action(self.cleaned_data[f"{key[0]}-{key[1]}"]) for key in OFFERED}


@require_http_methods(["GET", "HEAD", "POST"])
def matching_rules(request: PageRequest) -> HttpResponse:
    """The table of rules."""
    require(request.membership, "settings")
    form = RulesForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        change_rules(form.chosen(), by=request.membership)
        messages.success(request, "Saved. It counts for whoever comes in from now on.")
        return redirect("matching-rules", request.workspace.slug)
    status = 422 if form.is_bound else 200
    context = {"form": form, "doors": [door.label for door in Door]}
    return show(request, "settings/matching_rules.html", context, status=status)
