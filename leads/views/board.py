"""The board: the open stages of one pipeline side by side, with the leads of a tab or saved view."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import NOT_FOUND, may
from leadcrm.workspaces.pages import PageRequest, show, shown_url, wants_fragment
from leadcrm.workspaces.paging import cursor_of, page_of
from leads.access import visible_leads
from leads.conditions import IS, Conditions, ids_of
from leads.directory import read_directory
from leads.listing import Listing
from leads.models import Stage
from leads.models.lead import IS_OPEN
from leads.pipelines import Outcome
from leads.sorts import SORTS, places_in_list
from leads.tabs import ALL_OPEN
from leads.views.cards import PAGE, CardMaker, Sums, first_cards, read_cards, read_sums
from leads.views.lead_page import verb_to
from leads.views.list import SEEN_WITHIN, arrived, listing, tabs
from leads.views.view_bar import query_of, view_bar

ORDER = SORTS["due"]


@dataclass(frozen=True, slots=True)
class Way:
    """An open stage as the board has it. `verb` leads there, `ahead` are the keys it leads to."""

    pk: uuid.UUID
    key: str
    label: str
    verb: str
    ahead: str


@dataclass(frozen=True, slots=True)
class Column:
    way: Way
    sums: Sums
    cards: SafeString
    after: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """The pipeline that is shown, its stages, and all pipelines by id and name."""

    pipeline: uuid.UUID | None
    ways: list[Way]
    pipelines: list[tuple[uuid.UUID, str]]


@require_safe
def lead_board(request: PageRequest) -> HttpResponse:
    """The board; for HTMX what stands below the bar of filters alone."""
    now, member = timezone.now(), request.membership
    params = board_params(request.GET)
    found = listing(request, now, _without_pipeline(params))
    shown = read_ways(params, found.conditions)
    directory = read_directory(member)
    sums = read_sums(found.leads, [way.pk for way in shown.ways])
    maker = CardMaker(request, places_in_list(params, ORDER), directory.names, now)
    columns = _columns(found, shown.ways, sums, maker)
    mark = now - SEEN_WITHIN
    context = {
        **view_bar(request, found, directory),
        "tabs": tabs(request, found, now),
        "columns": columns,
        "shown": shown,
        "count": sum(one.count for one in sums.values()),
        "since": mark.timestamp(),
        "seen": arrived(found, mark),
        "may_edit": may(member, "edit"),
        "now": now,
    }
    status = 200 if found.valid or found.saved else 400
    if wants_fragment(request) and request.htmx.target == "list":
        return show(request, "leads/_board.html", context, status=status)
    return show(request, "leads/board.html", context | directory.choices(), status=status)


@require_safe
def more_cards(request: PageRequest, stage_id: uuid.UUID) -> HttpResponse:
    """The next cards of a column."""
    now, params = timezone.now(), board_params(request.GET)
    found = listing(request, now, _without_pipeline(params))
    stage = next((row for row in _read_stages() if row.pk == stage_id), None)
    if stage is None:
        raise Http404(NOT_FOUND)
    rows = read_cards(found.leads.filter(IS_OPEN, stage=stage_id), request.membership)
    page = page_of(rows, ORDER, params.get("after", ""), PAGE)
    names = read_directory(request.membership).names
    maker = CardMaker(request, places_in_list(params, ORDER), names, now)
    column = Column(_way(stage), Sums(), maker.cards(page.rows), page.next_cursor or "")
    context = {"column": column, "query": query_of(params).urlencode()}
    return show(request, "leads/_board_cards.html", context)


@require_safe
def lead_card(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """A card after something was done to its lead, or nothing where it left the board, with the
    heads of the columns anew."""
    if not visible_leads(request.membership).filter(pk=lead_id).exists():
        raise Http404(NOT_FOUND)
    now, params = timezone.now(), board_params(QueryDict(shown_url(request).query))
    found = listing(request, now, _without_pipeline(params))
    shown = read_ways(params, found.conditions)
    stages = [way.pk for way in shown.ways]
    leads = found.leads.filter(IS_OPEN, pk=lead_id, stage__in=stages)
    names = read_directory(request.membership).names
    maker = CardMaker(request, places_in_list(params, ORDER), names, now)
    sums = read_sums(found.leads, stages)
    context = {
        "card": maker.cards(read_cards(leads, request.membership)),
        "columns": [Column(way, sums[way.pk], SafeString("")) for way in shown.ways],
    }
    return show(request, "leads/_board_card.html", context)


def board_params(params: QueryDict) -> QueryDict:
    """The parameters of an address; one that names no view means all that is open."""
    if params.get("view"):
        return params
    named = params.copy()
    named["view"] = ALL_OPEN.key
    return named


def _without_pipeline(params: QueryDict) -> QueryDict:
    """The board shows one pipeline by its stages: asking for it again would cost a query."""
    rest = params.copy()
    rest.pop("pipeline", None)
    return rest


def read_ways(params: QueryDict, conditions: Conditions) -> Shown:
    """The stages of the pipeline that is asked for by id or key, or of the default one."""
    rows = _read_stages()
    pipelines = {row.pipeline_id: row for row in rows}
    asked = ids_of(params.get("pipeline", ""))
    for one in conditions:
        asked += ids_of(one.value) if (one.name, one.operator) == ("pipeline", IS) else []
    chosen = [pk for pk, row in pipelines.items() if str(pk) in asked or row.pipeline__key in asked]
    pipeline = next(iter([*chosen, *pipelines]), None)
    ways = [_way(row) for row in rows if row.pipeline_id == pipeline]
    return Shown(pipeline, ways, [(pk, row.pipeline__label) for pk, row in pipelines.items()])


def _read_stages() -> list[Any]:
    """The open stages of all pipelines in use, the default pipeline first."""
    stages = Stage.objects.filter(
        retired_at=None, pipeline__retired_at=None, outcome=Outcome.OPEN
    ).order_by("-pipeline__is_default", "pipeline__label", "pipeline", "position")
    own = ("pk", "key", "label", "status", "next_keys", "pipeline_id")
    return list(stages.values_list(*own, "pipeline__label", "pipeline__key", named=True))


def _way(row: Any) -> Way:
    ahead = " ".join(row.next_keys)
    return Way(row.pk, row.key, row.label, verb_to(row.status), ahead)


def _columns(
    found: Listing, ways: Sequence[Way], sums: dict[uuid.UUID, Sums], maker: CardMaker
) -> list[Column]:
    cards = first_cards(found.leads, sums, maker.request.membership)
    return [
        Column(
            way,
            sums[way.pk],
            maker.cards(cards[way.pk][:PAGE]),
            cursor_of(cards[way.pk][PAGE - 1], ORDER) if len(cards[way.pk]) > PAGE else "",
        )
        for way in ways
    ]
