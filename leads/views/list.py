"""The lead list: its tabs, filters and pages. The URL is its state."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, may
from leadcrm.workspaces.compiled import is_among
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest, show, shown_url, unshared, wants_fragment
from leadcrm.workspaces.paging import page_of
from leads import bulk, columns, custom_fields, saved_views
from leads.access import visible_leads
from leads.conditions import (
    is_id,
)
from leads.directory import Directory, read_directory
from leads.filters import LeadFilterSet
from leads.listing import Listing, read_listing
from leads.models import Lead
from leads.models.custom_field import is_custom
from leads.models.lead import IS_OPEN
from leads.saved_views import access_view, default_view
from leads.setting_lists import moved
from leads.sorts import places_in_list
from leads.tabs import WAITING, Tab, tabs_of
from leads.views.rows import RowMaker, read_rows
from leads.views.view_bar import address_of, view_bar

PAGE = 50
COUNTED = 10_000
FEW = 1_000  # a search is counted no further: nobody looks through more, and types on
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
MANY_ARRIVE = 1_000
MANY_WAIT = 99  # from there on the tab says 99+
SEEN_WITHIN = timedelta(seconds=30)  # a lead may be committed this long after its `inserted_at`


def listing(
    request: PageRequest,
    now: datetime,
    params: QueryDict | None = None,
    custom: custom_fields.Definitions | None = None,
) -> Listing:
    """The listing of the page's address, or of the parameters of another one."""
    return read_listing(request.membership, request.GET if params is None else params, now, custom)


@require_safe
def lead_list(request: PageRequest) -> HttpResponse:
    """The list page; for HTMX the tabs and rows alone."""
    now = timezone.now()
    if home := opens_with(request):
        return redirect(home)
    directory = read_directory(request.membership)
    found = listing(request, now, custom=directory.definitions())
    status = 200 if found.valid or found.saved else 400
    context = _page(request, found, directory, now)
    if wants_fragment(request) and request.htmx.target == "list":
        return show(request, "leads/_list.html", context, status=status)
    return show(request, "leads/list.html", context | directory.choices(), status=status)


@require_safe
def new_leads(request: PageRequest) -> HttpResponse:
    """How many leads came into the list since it was shown: a poll answers 204 or a button."""
    try:
        since = datetime.fromtimestamp(float(request.GET["since"]), tz=UTC)
        seen = int(request.GET["seen"])
        if since < EARLIEST:
            raise ValueError
    except (KeyError, ValueError, OverflowError, OSError):
        return HttpResponseBadRequest("since and seen are numbers", content_type="text/plain")
    found = listing(request, timezone.now())
    count = arrived(found, since) - seen
    if count <= 0:
        return HttpResponse(status=204)
    return show(request, "leads/_new_leads.html", {"count": count})


@require_safe
def lead_row(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """One row of the list, after something was done to its lead."""
    seen = visible_leads(request.membership).filter(pk=lead_id, merged_into=None, archived_at=None)
    shown, now = QueryDict(shown_url(request).query), timezone.now()
    directory = read_directory(request.membership)
    found = listing(request, now, shown, directory.definitions())
    as_columns = columns.shown_in(found.tab, request.membership, directory.custom, found.saved)
    lead = read_rows(seen, as_columns).first()
    if lead is None:
        if wants_fragment(request):  # it was given away, or removed: its row goes
            return unshared(HttpResponse())
        raise Http404(NOT_FOUND)
    places = places_in_list(shown, found.sort)
    maker = RowMaker(request, as_columns, places, directory.names, now)
    return unshared(HttpResponse(maker.row(lead)))


@require_POST
def choose_columns(request: PageRequest) -> HttpResponse:
    """Keep which columns the member wants to see, or a view has, and go back to the list."""
    keys, custom = request.POST.getlist("column"), custom_fields.definitions().in_use
    for button, steps in (("up", -1), ("down", 1)):
        keys = moved(keys, request.POST.get(button, ""), steps)
    if of_view := request.POST.get("of_view", ""):
        pk = uuid.UUID(of_view) if is_id(of_view) else uuid.UUID(int=0)
        view = access_view(request.membership, pk, need="change")
        saved_views.choose_columns(view, columns.known(keys, custom))
    else:
        columns.choose(request.membership, keys, custom)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/"):
        return redirect(back)
    return redirect("lead-list", request.workspace.slug)


def _page(
    request: PageRequest, found: Listing, directory: Directory, now: datetime
) -> dict[str, Any]:
    sort = found.sort
    after = request.GET.get("after", "")
    leads, count = _chosen(found)
    shown = columns.shown_in(found.tab, request.membership, directory.custom, found.saved)
    chosen = columns.chosen_in(request.membership, directory.custom, found.saved)
    page = page_of(read_rows(leads, shown), sort, after, PAGE)
    maker = RowMaker(request, shown, places_in_list(request.GET, sort), directory.names, now)
    mark = now - SEEN_WITHIN
    own = {name: request.GET[name] for name in request.GET if is_custom(name)}
    is_filtered = any(request.GET.get(name) for name in (*LeadFilterSet.base_filters, *own))
    return {
        "leads": page.rows,
        "rows": SafeString("".join([maker.row(lead) for lead in page.rows])),
        "next": page.next_cursor or "",
        "after": after,
        "count": count,
        "counted": FEW if found.is_search else COUNTED,
        "sort": sort.name,
        "is_filtered": is_filtered or bool(found.conditions),
        **view_bar(request, found, directory),
        "tabs": tabs(request, found, now),
        "since": mark.timestamp(),
        "seen": arrived(found, mark),
        "now": now,
        "may_edit": may(request.membership, "edit"),
        "may_export": may(request.membership, "export"),
        "bulk_verbs": bulk.offered(
            request.membership, removed=request.GET.get("archived") == "true"
        ),
        "columns": shown,
        "all_columns": columns.to_choose(chosen, directory.custom),
        "chosen_columns": chosen,
        "next_due": None if page.rows or is_filtered else next_due(request.membership),
    }


def next_due(member: Membership) -> datetime | None:
    """When the member's next work is due, for a list that is empty."""
    mine = visible_leads(member).filter(IS_OPEN, owner=member.pk)
    soonest = mine.filter(work_due_at__isnull=False)
    return soonest.order_by("work_due_at").values_list("work_due_at", flat=True).first()


def _chosen(found: Listing) -> tuple[QuerySet[Lead], int]:
    """The leads to page through, and how many there are: exact as far as is counted, one more
    stands for all beyond.

    Few leads are chosen first and sorted then: walking the order would pass by all the others,
    which the planner doesn't foresee where, say, the newest are asked for of the oldest.
    """
    unsorted = found.leads.order_by()
    if found.is_search:
        ids = list(unsorted.values_list("pk", flat=True)[: FEW + 1])
        few = Lead.objects.filter(pk__in=ids)
        return (few if len(ids) <= FEW else found.leads), len(ids)
    if found.is_of_team:
        # They lie here and there in the order of creation, but side by side in that of owners,
        # where the planner would pass by all the teams before.
        unsorted = unsorted.order_by("-created_at")
    count = int(unsorted[: COUNTED + 1].count())
    if count > FEW:
        return found.leads, count
    # As an array: PostgreSQL then looks each up, whatever it believed of how many they are.
    few = ArraySubquery(found.leads.order_by().values("pk")[: FEW + 1])
    return Lead.objects.filter(is_among("pk", few)), count


def arrived(found: Listing, since: datetime) -> int:
    """How many leads of the list were stored since a moment."""
    if not found.valid:
        return 0
    recent = Lead.objects.filter(inserted_at__gt=since).order_by("-inserted_at")
    ids: Any = recent.values("pk")[:MANY_ARRIVE]
    if found.is_search:  # mostly none came at all, and nothing has to be searched again
        ids = list(recent.values_list("pk", flat=True)[:MANY_ARRIVE])
        if not ids:
            return 0
    return int(found.leads.filter(pk__in=ids).order_by().count())


def opens_with(request: PageRequest) -> str:
    """The address of the view that the list opens with, where the address asks for nothing."""
    if request.GET or request.htmx:
        return ""
    view = default_view(request.membership)
    return address_of(request, str(view.pk), is_board=view.layout == "board") if view else ""


def tabs(request: PageRequest, found: Listing, now: datetime) -> list[tuple[Tab, bool, int | None]]:
    """Each tab, whether it is the current one, and for Waiting how many are in it."""
    member = request.membership
    waiting = visible_leads(member).filter(WAITING.condition(member, now))
    count = int(waiting.order_by()[: MANY_WAIT + 1].count())
    current = None if found.saved else found.tab
    return [(tab, tab is current, count if tab is WAITING else None) for tab in tabs_of(member)]
