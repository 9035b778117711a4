"""The queue of possible duplicates: to decide, suggested, merged, and found not to be the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leadcrm.workspaces.paging import Order, page_of
from leads import asking, duplicates
from leads.access import visible_leads
from leads.batch import Refused
from leads.merge_journal import UNDO_WITHIN
from leads.models import DuplicatePair, DuplicateScan, Lead, MergeJournal
from leads.pairs import LINKS, access_pair, pairs_at
from leads.views.pair_rows import count_again, row_of

PAGE = 25
SUREST = Order("score", "score", descending=True)
LATEST = Order("found", "seen_at", descending=True)
NEWEST = Order("made", "made_at", descending=True)
State = DuplicatePair.State


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str


TABS = (
    Tab("open", "To decide"),
    Tab("suggested", "Suggested"),
    Tab("distinct", "Not the same"),
    Tab("merged", "Merged"),
)


@require_safe
def duplicate_list(request: PageRequest) -> HttpResponse:
    """The pairs of a tab, the surest first; merges of the last 30 days under Merged."""
    key = request.GET.get("show", "open")
    tab = next((tab for tab in TABS if tab.key == key), TABS[0])
    context: dict[str, Any] = {"tabs": TABS, "tab": tab, "after": request.GET.get("after", "")}
    if tab.key == "merged":
        context |= _merges(request)
    else:
        context |= _pairs(request, tab)
    return show(request, "leads/duplicates.html", context)


def _pairs(request: PageRequest, tab: Tab) -> dict[str, Any]:
    pairs = pairs_at(request.membership, tab.key)
    order = LATEST if tab.key == "distinct" else SUREST
    page = page_of(pairs.select_related(*LINKS), order, request.GET.get("after", ""), PAGE)
    rows = [row_of(pair, request.membership, request.workspace.slug) for pair in page.rows]
    scan = None if rows else DuplicateScan.objects.first()
    return {
        "rows": rows,
        "next": page.next_cursor,
        "scanning": not rows and (scan is None or scan.phase != DuplicateScan.Phase.DONE),
    }


def _merges(request: PageRequest) -> dict[str, Any]:
    """Those that may still be taken back, of leads that the member sees."""
    since = timezone.now() - UNDO_WITHIN
    merges = MergeJournal.objects.filter(
        made_at__gte=since, root__in=visible_leads(request.membership)
    ).select_related("root", "made_by", "contact")
    page = page_of(merges, NEWEST, request.GET.get("after", ""), PAGE)
    return {"merges": page.rows, "next": page.next_cursor}


@require_POST
def not_same(request: PageRequest, pair_id: uuid.UUID) -> HttpResponse:
    """They are not the same; the toast takes it back."""
    undo = reverse("duplicate-reconsider", args=[request.workspace.slug, pair_id])
    return _decide(request, pair_id, duplicates.dismiss, "Noted: not the same.", undo)


@require_POST
def reconsider(request: PageRequest, pair_id: uuid.UUID) -> HttpResponse:
    """Back to the queue."""
    return _decide(request, pair_id, duplicates.reconsider, "Back in the queue.", "")


@require_POST
def suggest(request: PageRequest, pair_id: uuid.UUID) -> HttpResponse:
    """A rep asks a manager to merge a pair."""
    pair = access_pair(request.membership, pair_id, need="suggest_merge")

    def verb(pair: DuplicatePair, *, by: Any, now: datetime) -> DuplicatePair:
        return duplicates.suggest(pair.first_lead, pair.second_lead, by=by, now=now)

    return _do(request, pair, verb, "Suggested. A manager decides.", "")


@require_POST
def ask_for(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """Ask for a lead that the member may not see. What they learn is whom they asked."""
    require(request.membership, "edit")
    lead = Lead.objects.select_related("owner").filter(pk=lead_id).first()
    if lead is None:
        raise Http404(NOT_FOUND)
    said, failed = f"{lead.owner.name if lead.owner else 'Somebody'} was asked for it.", False
    try:
        asking.ask_for(lead.pk, by=request.actor, now=timezone.now())
    except Refused as refusal:
        said, failed = refusal.message, True
    return _answer(request, said, failed=failed)


def _decide(
    request: PageRequest, pair_id: uuid.UUID, verb: Callable[..., Any], said: str, undo: str
) -> HttpResponse:
    return _do(request, access_pair(request.membership, pair_id, need="merge"), verb, said, undo)


def _do(
    request: PageRequest, pair: Any, verb: Callable[..., Any], said: str, undo: str
) -> HttpResponse:
    failed = False
    try:
        verb(pair, by=request.actor, now=timezone.now())
    except Refused as refusal:
        said, undo, failed = refusal.message, "", True
    count_again(request.membership)
    leads: dict[str, Any] = {
        f"changed-{lead}": {} for lead in (pair.first_lead_id, pair.second_lead_id)
    }
    return _answer(request, said, undo=undo, failed=failed, **leads)


def _answer(
    request: PageRequest, said: str, *, undo: str = "", failed: bool = False, **events: Any
) -> HttpResponse:
    if wants_fragment(request):
        changed = {"pairs-changed": {}, **events}
        answer = with_events(HttpResponse(status=204), **changed)
        return with_toast(answer, said, undo=undo, failed=failed)
    (messages.error if failed else messages.success)(request, said, extra_tags=undo)
    return redirect("duplicates", request.workspace.slug)
