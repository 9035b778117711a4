"""Business hours as a person edits them: a table of weekdays, and a list of holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.workspaces.business_hours import WEEKDAYS, BusinessHours, Hours
from leadcrm.workspaces.forms import Styled, time_zones
from leadcrm.workspaces.models import Workspace

MOST_HOLIDAYS = 500
SPANS = 2  # before and after a break; more where a day has more already
ENDS = ("opens", "closes")


@dataclass(frozen=True)
class DayRow:
    """A weekday's row of the table."""

    name: str
    times: list[forms.BoundField]
    errors: list[str]
    error_id: str


def _zones() -> list[tuple[str, str]]:
    return time_zones()[1:]  # without the choice of no zone


class HoursForm(Styled, forms.Form):
    """Time zone, times per weekday and holidays: what `changes` makes of them fits a workspace."""

    time_zone = forms.ChoiceField(choices=_zones)
    holidays = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="Days on which you stay closed, one per line, such as 2026-12-25.",
    )

    def __init__(self, data: Any = None, *, workspace: Workspace) -> None:
        hours = workspace.hours()
        holidays = "\n".join(day.isoformat() for day in sorted(hours.holidays))
        super().__init__(
            data,
            initial={"time_zone": workspace.time_zone, "holidays": holidays},
            auto_id="hours-%s",
        )
        self.spans = max([SPANS, *(len(one) for one in hours.days.values())])
        for day in range(7):
            self._add_times(day, hours.days.get(day, ()))

    def _add_times(self, day: int, hours: Hours) -> None:
        known = [at for pair in hours for at in pair]
        for number, name in enumerate(self._names(day)):
            again = f" {number // 2 + 1}" if number > 1 else ""
            self.fields[name] = forms.TimeField(
                label=f"{WEEKDAYS[day]} {ENDS[number % 2]}{again}",
                required=False,
                initial=known[number] if number < len(known) else None,
                widget=forms.TimeInput(
                    format="%H:%M", attrs={"type": "time", "class": "form-control"}
                ),
            )

    def _names(self, day: int) -> list[str]:
        return [f"{end}-{day}-{span}" for span in range(self.spans) for end in ENDS]

    @property
    def rows(self) -> list[DayRow]:
        """The table, a row for each weekday."""
        return [self._row(day) for day in range(7)]

    def _row(self, day: int) -> DayRow:
        names, error_id = self._names(day), f"hours-{day}-error"
        errors = [str(error) for name in names for error in self.errors.get(name, [])]
        times = [self[name] for name in names]
        for one in times:
            if errors:
                one.field.widget.attrs["aria-describedby"] = error_id
        return DayRow(WEEKDAYS[day], times, errors, error_id)

    def clean_holidays(self) -> frozenset[date]:
        lines = [line.strip() for line in self.cleaned_data["holidays"].splitlines()]
        if len(lines) > MOST_HOLIDAYS:
            raise ValidationError(f"At most {MOST_HOLIDAYS} days.")
        return frozenset(_holiday(line) for line in lines if line)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        days = {day: self._hours_on(day, values) for day in range(7)}
        if not self.errors:
            hours = BusinessHours(values["time_zone"], days, values["holidays"])
            values["business_hours"] = hours.to_json()
        return values

    def changes(self) -> dict[str, Any]:
        """What to change of the workspace."""
        return {name: self.cleaned_data[name] for name in ("time_zone", "business_hours")}

    def _hours_on(self, day: int, values: dict[str, Any]) -> Hours:
        names = self._names(day)
        if any(name in self.errors for name in names):
            return ()
        times = [values[name] for name in names]
        pairs = [pair for pair in zip(times[::2], times[1::2], strict=True) if pair != (None, None)]
        if any(None in pair for pair in pairs):
            self.add_error(names[0], "Give both times, or neither.")
            return ()
        try:
            return BusinessHours("UTC", {day: tuple(pairs)}).days[day]
        except ValueError as error:
            self.add_error(names[0], _reason(error))
            return ()


def _reason(error: ValueError) -> str:
    """The message without the weekday that it starts with, as a sentence."""
    text = str(error).partition(": ")[2]
    return f"{text[:1].upper()}{text[1:]}."


def _holiday(line: str) -> date:
    try:
        return date.fromisoformat(line)
    except ValueError:
        raise ValidationError(f"“{line:.40}” is not a date. Write it as 2026-12-25.") from None
