"""+ Filter: conditions put together on a page or in the sheet, field by field. The address is its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads.conditions import (
    ALL,
    ANY,
    MATCH,
    MOST,
    WHERE,
    Condition,
    Conditions,
    fault_of,
    grouped,
    ids_of,
    write_conditions,
)
from leads.custom_fields import Definitions
from leads.directory import Directory, read_directory
from leads.filter_fields import (
    CHOICE,
    DAY_WORDS,
    MOMENT,
    Field,
    field_named,
    offered_fields,
)
from leads.models import CustomField
from leads.views import sheet
from leads.views.list import listing
from leads.views.view_bar import home_of, query_of

LAYOUT, BOARD = "layout", "board"
OWN = ("rows", "add", "drop", "apply", "join", LAYOUT)  # of the form; the rest is the list's
PARTS = ("name", "word", "op", "value", "day")  # of a row, each with its number


@dataclass(slots=True)
class Row:
    """A condition of the form. `word` joins it to the one before."""

    name: str
    operator: str = ""
    values: list[str] = field(default_factory=list)
    word: str = "and"
    number: int = 0
    error: str = ""
    is_new: bool = False
    choices: list[tuple[str, str, bool]] = field(default_factory=list)
    custom: Sequence[CustomField] = ()

    @property
    def field(self) -> Field | None:
        return field_named(self.name, self.custom)

    @property
    def value(self) -> str:
        return ",".join(self.values)

    @property
    def day(self) -> str:
        """A date, where it is none of the usual days."""
        return "" if self.value in DAY_WORDS else self.value

    @property
    def condition(self) -> Condition:
        return Condition(self.name, self.operator, self.value)


@require_safe
def filter_leads(request: PageRequest) -> HttpResponse:
    """The form, or the way to the list with what was chosen in it."""
    params, now = request.GET, timezone.now()
    query = _query_of_list(params)
    directory = read_directory(request.membership)
    known = directory.definitions()
    if "rows" in params:
        rows, match = _rows_sent(params, known.in_use), _match(params.get("join", ""))
    else:
        found = listing(request, now, params, known)
        rows, match = _rows_of(found.conditions, known.in_use), found.conditions.match
    if "apply" in params and not _complain(rows, request.membership, known):
        write_conditions(query, _conditions(rows, match))
        return _back(request, query, params)
    context = {
        "rows": _shown(rows, directory),
        "match": match,
        "kept": [(name, value) for name in query for value in query.getlist(name)],
        "layout": params.get(LAYOUT, ""),
        "fields": offered_fields(known.in_use),
        "days": DAY_WORDS.items(),
        "home": f"{_home(request, params)}?{query.urlencode()}",
        "is_full": len(rows) >= MOST,
    }
    if sheet.is_asked_for(request):
        return show(request, "leads/_filter_form.html", context | {"in_sheet": True})
    return show(request, "leads/filter.html", context)


def _query_of_list(params: QueryDict) -> QueryDict:
    query = query_of(params)
    for name in list(query):
        if name in (*OWN, WHERE, MATCH) or name.split("-")[0] in PARTS:
            del query[name]
    return query


def _match(text: str) -> str:
    return ANY if text == ANY else ALL


def _rows_sent(params: QueryDict, custom: Sequence[CustomField]) -> list[Row]:
    """The rows of the form, without one that was dropped, with one that was added."""
    asked = params.get("rows", "")
    count = min(int(asked), MOST) if asked.isdecimal() and len(asked) < 4 else 0
    rows = [
        _row_sent(params, number, custom)
        for number in range(count)
        if params.get("drop") != str(number)
    ]
    added = field_named(params.get("add", ""), custom)
    if added and "drop" not in params and len(rows) < MOST:
        outer = "or" if _match(params.get("join", "")) == ANY else "and"
        operator = next(iter(added.operators))
        rows.append(Row(added.name, operator, word=outer, is_new=True, custom=custom))
    return rows


def _row_sent(params: QueryDict, number: int, custom: Sequence[CustomField]) -> Row:
    values = [value for value in params.getlist(f"value-{number}") if value]
    day = params.get(f"day-{number}", "")
    return Row(
        params.get(f"name-{number}", ""),
        params.get(f"op-{number}", ""),
        [day] if day else values,
        "or" if params.get(f"word-{number}") == "or" else "and",
        custom=custom,
    )


def _rows_of(conditions: Conditions, custom: Sequence[CustomField]) -> list[Row]:
    outer, inner = ("or", "and") if conditions.match == ANY else ("and", "or")
    return [
        Row(one.name, one.operator, _values(one, custom), inner if at else outer, custom=custom)
        for group in conditions.groups
        for at, one in enumerate(group)
    ]


def _values(one: Condition, custom: Sequence[CustomField]) -> list[str]:
    found = field_named(one.name, custom)
    return ids_of(one.value) if found and found.kind == CHOICE else [one.value]


def _conditions(rows: Sequence[Row], match: str) -> Conditions:
    """A row begins a group unless the word before it is the one that joins within groups."""
    inner, group, pairs = ("or" if match == ALL else "and"), 0, []
    for at, row in enumerate(rows):
        group += 0 if at and row.word == inner else 1
        pairs.append((group, row.condition))
    return grouped(pairs, match)


def _complain(rows: Iterable[Row], member: Membership, custom: Definitions) -> bool:
    """Note at each row what is wrong with it; whether anything is."""
    for row in rows:
        known = row.field
        if known is not None and row.operator not in known.operators:
            row.operator = next(iter(known.operators))
        if known is not None and not row.value:
            row.error = "Choose at least one." if known.kind == CHOICE else "Give a value."
        else:
            row.error = fault_of(row.condition, member, custom)
    return any(row.error for row in rows)


def _shown(rows: list[Row], directory: Directory) -> list[Row]:
    for number, row in enumerate(rows):
        row.number = number
        if row.field is None:
            row.error = row.error or f"There is no field “{row.name}” any more. Leave it out."
        elif row.field.kind not in (MOMENT,):
            choices = row.field.choices(directory) if row.field.kind != "number" else []
            row.choices = [(value, label, value in row.values) for value, label in choices]
            row.choices += _gone(row, directory)
    return rows


def _gone(row: Row, directory: Directory) -> list[tuple[str, str, bool]]:
    """What was chosen once and isn't offered any more."""
    known = {value for value, _, _ in row.choices}
    gone = directory.gone[row.name]
    if row.field is None or row.field.kind != CHOICE:
        return []
    return [
        (value, f"{gone.get(value, value)} (no longer in use)", True)
        for value in row.values
        if value not in known
    ]


def _home(request: PageRequest, params: QueryDict) -> str:
    return home_of(request, is_board=params.get(LAYOUT) == BOARD)


def _back(request: PageRequest, query: QueryDict, params: QueryDict) -> HttpResponse:
    address = f"{_home(request, params)}?{query.urlencode()}"
    if not wants_fragment(request):
        return redirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response
