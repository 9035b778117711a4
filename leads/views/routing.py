"""Settings: who gets new leads by themselves, in which order and up to how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import require
from leadcrm.workspaces.availability import away_until, today_of, why_not_now
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership, Role
from leadcrm.workspaces.pages import PageRequest, show
from leads.assignment import unanswered_of
from leads.models import RoutingRule, RoutingSeat
from leads.routing import MOST_SEATS, change_rule, read_rule


@dataclass(slots=True)
class MemberRow:
    """A member's row of the table."""

    member: Membership
    takes_part: forms.BoundField
    place: forms.BoundField
    state: str
    unanswered: int
    today: int


class RoutingForm(Styled, forms.Form):
    """The rule; `members` are all who may take part, those who do in front."""

    is_active = forms.BooleanField(label="Give new leads away in turn", required=False)
    open_cap = forms.IntegerField(
        label="Most unanswered leads",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="Who holds so many is passed over. Empty means no limit.",
    )
    day_cap = forms.IntegerField(
        label="Most leads a day",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="By rotation, from midnight to midnight, workspace time. Empty means no limit.",
    )

    def __init__(
        self, data: Any = None, *, rule: RoutingRule, members: list[Membership], seated: int
    ) -> None:
        initial = {name: getattr(rule, name) for name in ("is_active", "open_cap", "day_cap")}
        super().__init__(data, initial=initial, auto_id="routing-%s")
        self.members = members
        for place, member in enumerate(members, 1):
            self.fields[f"takes-{member.pk}"] = forms.BooleanField(
                label=f"{member.name} takes part",
                required=False,
                initial=place <= seated,
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )
            self.fields[f"place-{member.pk}"] = forms.IntegerField(
                label=f"Place of {member.name}",
                required=False,
                min_value=1,
                max_value=MOST_SEATS,
                initial=place,
                widget=forms.NumberInput(attrs={"class": "form-control"}),
            )

    def of_rule(self) -> list[forms.BoundField]:
        return [self[name] for name in ("is_active", "open_cap", "day_cap")]

    def chosen(self) -> list[Membership]:
        """Those who take part, by their place; two on one place stay as they stood."""
        values = self.cleaned_data
        taking = [one for one in self.members if values[f"takes-{one.pk}"]]
        return sorted(taking, key=lambda one: values[f"place-{one.pk}"] or MOST_SEATS)


@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    rule = read_rule()
    seats = {seat.member_id: seat for seat in RoutingSeat.objects.filter(rule=rule)}
    members = list(
        Membership.objects.filter(is_active=True).exclude(role=Role.VIEWER).select_related("team")
    )
    members.sort(key=lambda one: (one.pk not in seats, _place(seats.get(one.pk)), one.name))
    seated = sum(one.pk in seats for one in members)
    form = RoutingForm(request.POST or None, rule=rule, members=members, seated=seated)
    if request.method == "POST" and form.is_valid() and _save(request, form):
        messages.success(request, "Saved. It counts for leads that arrive from now on.")
        return redirect("routing", request.workspace.slug)
    rows = _rows(request, form, seats)
    context = {"form": form, "rule": rule, "rows": rows, "next": _next(rule, rows)}
    return show(request, "settings/routing.html", context, status=422 if form.errors else 200)


def _save(request: PageRequest, form: RoutingForm) -> bool:
    values = {name: form.cleaned_data[name] for name in ("is_active", "open_cap", "day_cap")}
    try:
        change_rule(by=request.membership, now=timezone.now(), members=form.chosen(), **values)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


def _rows(
    request: PageRequest, form: RoutingForm, seats: dict[Any, RoutingSeat]
) -> list[MemberRow]:
    today = today_of(request.workspace, timezone.now())
    ids = [one.pk for one in form.members]
    away, held = away_until(ids, today), unanswered_of(ids)
    rows = []
    for member in form.members:
        seat = seats.get(member.pk)
        counted = seat.counted if seat and seat.counted_on == today else 0
        rows.append(
            MemberRow(
                member,
                form[f"takes-{member.pk}"],
                form[f"place-{member.pk}"],
                why_not_now(member, away),
                held.get(member.pk, 0),
                counted,
            )
        )
    return rows


def _place(seat: RoutingSeat | None) -> int:
    return seat.position if seat else 0


def _next(rule: RoutingRule, rows: list[MemberRow]) -> str:
    """Whose turn is next, caps and teams left aside."""
    seated = [row for row in rows if row.takes_part.initial]
    ids = [row.member.pk for row in seated]
    start = ids.index(rule.last_member_id) + 1 if rule.last_member_id in ids else 0
    there = [row for row in seated[start:] + seated[:start] if not row.state]
    return there[0].member.name if there else ""
