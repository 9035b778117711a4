"""What stands above the list and the board: saved views, the conditions in words, and the layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from leadcrm.workspaces.access import may
from leadcrm.workspaces.pages import PageRequest
from leads.conditions import ANY, MATCH, WHERE, Condition, are_given, from_filters, write_conditions
from leads.filter_fields import gone_of, say
from leads.filters import LeadFilterSet
from leads.saved_views import may_change

if TYPE_CHECKING:
    from leads.directory import Directory, ViewLink
    from leads.listing import Listing

IN_BAR = ("q", "stage", "owner", "source", "from", "to")
PASSING = ("after", "since", "seen")  # of an address: where in the list it is, not which list


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition in words, with the address of the list without it."""

    text: str
    href: str
    word: str = ""  # that joins it to the one before
    fault: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ViewTab:
    link: ViewLink
    href: str
    is_current: bool


def address_of(request: PageRequest, key: str, *, is_board: bool) -> str:
    """Where a tab or saved view is shown."""
    return f"{home_of(request, is_board=is_board)}?view={key}"


def home_of(request: PageRequest, *, is_board: bool) -> str:
    return reverse("board" if is_board else "lead-list", args=[request.workspace.slug])


def query_of(params: QueryDict) -> QueryDict:
    """What an address says of which leads are listed and how, without empty parts."""
    kept = params.copy()
    for name in list(kept):
        values = [value for value in kept.getlist(name) if value]
        if values and name not in PASSING:
            kept.setlist(name, values)
        else:
            del kept[name]
    return kept


def view_bar(request: PageRequest, found: Listing, directory: Directory) -> dict[str, Any]:
    """The context of `leads/_filters.html`, `_tabs.html` and `_view_bar.html`."""
    member, query = request.membership, query_of(request.GET)
    query["view"] = found.key
    is_board = request.resolver_match is not None and request.resolver_match.url_name == "board"
    here = home_of(request, is_board=is_board)
    links = [
        ViewTab(
            link,
            address_of(request, str(link.key), is_board=link.is_board),
            found.saved is not None and link.key == found.saved.pk,
        )
        for link in directory.views
    ]
    saved, is_changed = found.saved, _is_changed(found, query)
    return {
        "tab": found.tab,
        "view_key": found.key,
        "view_label": found.label,
        "saved": saved,
        "may_change_view": saved is not None and may_change(member, saved),
        "may_share": may(member, "shared_views"),
        "is_changed": is_changed,
        "view_tabs": [one for one in links if one.link.is_pinned or one.is_current],
        "views": links,
        "groups": _groups(found, query, directory, here),
        "is_any": found.conditions.match == ANY,
        "more": _more(query, directory, here),
        "faults": [fault.message for fault in found.faults if fault.place is None],
        "filters": found.filters.form,
        "kept": _kept(query),
        "query": query.urlencode(),
        "has_filters": bool(found.conditions)
        or any(n in LeadFilterSet.base_filters for n in query),
        "is_board": is_board,
        "here": here,
        "add_filter": _with_list("lead-filter", request, query, is_board=is_board),
        "save_as": _save_as(request, query, is_board=is_board),
        "clear": _without_filters(found, here),
        "as_table": f"{home_of(request, is_board=False)}?{query.urlencode()}",
        "as_board": f"{home_of(request, is_board=True)}?{query.urlencode()}",
    }


def _with_list(route: str, request: PageRequest, query: QueryDict, *, is_board: bool) -> str:
    asked = query.copy()
    asked["layout"] = "board" if is_board else "table"
    return f"{reverse(route, args=[request.workspace.slug])}?{asked.urlencode()}"


def _save_as(request: PageRequest, query: QueryDict, *, is_board: bool) -> str:
    asked = {"query": query.urlencode(), "layout": "board" if is_board else "table"}
    return f"{reverse('view-new', args=[request.workspace.slug])}?{urlencode(asked)}"


def _without_filters(found: Listing, here: str) -> str:
    """The address of the view as it was saved, or of a tab without filters."""
    return f"{here}?view={found.key}"


def _is_changed(found: Listing, query: QueryDict) -> bool:
    if found.saved is None:
        return False
    sort = query.get("sort", "")
    return are_given(query) or bool(from_filters(query)) or (sort not in ("", found.saved.sort))


def _groups(found: Listing, query: QueryDict, directory: Directory, here: str) -> list[list[Chip]]:
    """The conditions, group by group."""
    faults = {fault.place: fault.message for fault in found.faults}
    within = "and" if found.conditions.match == ANY else "or"
    groups, place = [], 0
    for group in found.conditions.groups:
        chips: list[Chip] = []
        for one in group:
            rest = query.copy()
            write_conditions(rest, found.conditions.without(place))
            chips.append(
                Chip(
                    say(one, directory),
                    f"{here}?{rest.urlencode()}",
                    within if chips else "",
                    faults.get(place, ""),
                    gone_of(one, directory),
                )
            )
            place += 1
        groups.append(chips)
    return groups


def _more(query: QueryDict, directory: Directory, here: str) -> list[Chip]:
    """Filters of the address that neither the bar nor the conditions show."""
    return [
        Chip(say(_as_condition(name, query), directory), f"{here}?{rest.urlencode()}")
        for name, rest in _others(query)
    ]


def _others(query: QueryDict) -> Iterator[tuple[str, QueryDict]]:
    for name in query:
        if name in LeadFilterSet.base_filters and name not in IN_BAR:
            rest = query.copy()
            del rest[name]
            yield name, rest


def _as_condition(name: str, query: QueryDict) -> Condition:
    only = QueryDict(mutable=True)
    only.setlist(name, query.getlist(name))
    return from_filters(only)[0]


def _kept(query: QueryDict) -> list[tuple[str, str]]:
    """What the form of the bar hands on besides its own fields."""
    names = [name for name in query if name in (WHERE, MATCH, "sort") or _is_other(name)]
    return [(name, value) for name in names for value in query.getlist(name)]


def _is_other(name: str) -> bool:
    return name in LeadFilterSet.base_filters and name not in IN_BAR
