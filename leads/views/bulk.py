"""Bulk actions: the form for many leads, the run with its progress and results, earlier runs."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, require
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leadcrm.workspaces.paging import Order, page_of
from leads import bulk
from leads.access import visible_leads
from leads.batch import Refused
from leads.bulk_forms import BULK_FORMS, BulkForm
from leads.bulk_verbs import BULK_VERBS, BulkVerb
from leads.models import BulkRun
from leads.views import sheet
from leads.views.selection import Selection, selection_of

SHOWN = 200  # leads of a run that its page lists by name
PAGE = 30
NEWEST = Order("newest", "started_at", descending=True)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_new(request: PageRequest, verb: str) -> HttpResponse:
    """The form of a verb for the leads selected, or the start of the run."""
    doing, now = BULK_VERBS.get(verb), timezone.now()
    if doing is None:
        raise Http404(NOT_FOUND)
    require(request.membership, "bulk")
    require(request.membership, doing.need)
    data = request.POST if request.method == "POST" else request.GET
    try:
        selection = selection_of(request, data, now)
        number = bulk.number_of(selection.leads, doing, request.membership)
    except (Refused, NotAllowed) as refusal:
        return _refused(request, doing, refusal.message)
    form = BULK_FORMS[verb](
        request.POST if request.method == "POST" else None,
        membership=request.membership,
        number=number,
        typed=doing.is_grave and number > bulk.NAMED_ABOVE,
    )
    if request.method != "POST" or not form.is_valid():
        return _form(request, doing, selection, form, 200 if request.method != "POST" else 422)
    try:
        run = bulk.start(
            selection.leads, doing, form.values(), said=form.said(), by=request.membership, now=now
        )
    except (Refused, NotAllowed) as refusal:
        form.add_error(None, refusal.message)
        return _form(request, doing, selection, form, 422)
    return _started(request, run, selection)


@require_safe
def bulk_run(request: PageRequest, run_id: uuid.UUID) -> HttpResponse:
    """A run: how far it is, what was refused and why. HTMX asks for it again while it runs."""
    run = bulk.access_run(request.membership, run_id)
    part = wants_fragment(request) and request.htmx.target == "run"
    context = _context(request, run)
    return show(request, "leads/_bulk_run.html" if part else "leads/bulk_run.html", context)


@require_safe
def bulk_runs(request: PageRequest) -> HttpResponse:
    """The runs of the member, or for admins of everybody, newest first."""
    after = request.GET.get("after", "")
    page = page_of(bulk.visible_runs(request.membership), NEWEST, after, PAGE)
    context = {"rows": page.rows, "next": page.next_cursor, "after": after}
    return show(request, "leads/bulk_runs.html", context)


@require_POST
def bulk_cancel(request: PageRequest, run_id: uuid.UUID) -> HttpResponse:
    """Stop a run; what is done stays, and can be undone."""
    run = bulk.access_run(request.membership, run_id)
    try:
        run = bulk.cancel(run, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("bulk-run", request.workspace.slug, run.pk)


@require_POST
def bulk_undo(request: PageRequest, run_id: uuid.UUID) -> HttpResponse:
    """Take a run back. From a toast it answers with a toast, else with the run's page."""
    run = bulk.access_run(request.membership, run_id)
    try:
        run = bulk.undo(run, timezone.now())
    except Refused as refusal:
        if wants_fragment(request):
            return with_toast(HttpResponse(status=204), refusal.message, failed=True)
        messages.error(request, refusal.message)
        return redirect("bulk-run", request.workspace.slug, run.pk)
    if not wants_fragment(request) or run.is_at_work:
        return _to_run(request, run)
    kept = f" {run.kept} kept: changed since." if run.kept else ""
    answer = with_events(HttpResponse(status=204), **_changed(run))
    return with_toast(answer, f"Undone.{kept}")


def _form(
    request: PageRequest, verb: BulkVerb, selection: Selection, form: BulkForm, status: int
) -> HttpResponse:
    left_out = len(selection.ids) - form.number if selection.ids else 0
    context = {
        "verb": verb,
        "form": form,
        "selection": selection,
        "number": form.number,
        "left_out": left_out,
        "action": reverse("bulk-new", args=[request.workspace.slug, verb.key]),
    }
    return _over(request, context, status)


def _refused(request: PageRequest, verb: BulkVerb, message: str) -> HttpResponse:
    """A page without a selection says what to do; what was sent without one is an error."""
    status = 422 if request.method == "POST" else 200
    return _over(request, {"verb": verb, "alert": message, "number": 0}, status)


def _over(request: PageRequest, context: dict[str, Any], status: int) -> HttpResponse:
    """In the sheet over the list, or without JavaScript as a page of its own."""
    if not wants_fragment(request):
        return show(request, "leads/bulk_new.html", context, status=status)
    response = show(request, "leads/_bulk_form.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{sheet.BODY}", "innerHTML"
    return response


def _started(request: PageRequest, run: BulkRun, selection: Selection) -> HttpResponse:
    """A small run is done by now and the list goes on; for another, its page shows how far it is."""
    if run.is_at_work or run.refused or not wants_fragment(request):
        return _to_run(request, run)
    answer = with_events(HttpResponse(status=204), **_changed(run), **{"sheet-done": {}})
    undo = reverse("bulk-undo", args=[request.workspace.slug, run.pk])
    return with_toast(answer, sentence(run), undo=undo)


def _to_run(request: PageRequest, run: BulkRun) -> HttpResponse:
    address = reverse("bulk-run", args=[request.workspace.slug, run.pk])
    if not wants_fragment(request):
        return redirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _changed(run: BulkRun) -> dict[str, Any]:
    return {f"changed-{pk}": {} for pk in bulk.leads_of(run, 0, min(run.total, bulk.AT_ONCE))}


def sentence(run: BulkRun) -> str:
    """What a run did, in words."""
    return f"{run.done} lead{'' if run.done == 1 else 's'} {run.said}."


def _context(request: PageRequest, run: BulkRun) -> dict[str, Any]:
    reasons: dict[str, str] = {}
    kept: dict[str, str] = {}
    stretches = run.chunks.order_by("start")
    for refused, still in stretches.exclude(refused={}, kept={}).values_list("refused", "kept"):
        reasons |= refused
        kept |= still
    undone = run.chunks.exclude(undone_at=None).aggregate(leads=Sum("size"))["leads"] or 0
    part = run.position - undone if run.state == BulkRun.State.UNDOING else run.position
    return {
        "run": run,
        "sentence": sentence(run),
        "share": round(100 * part / run.total) if run.total else 100,
        "part": part,
        "refused": _named(request, reasons),
        "kept": _named(request, kept),
        "shown": SHOWN,
        "may_undo": bulk.may_undo(run, timezone.now()),
        "label": BULK_VERBS[run.verb].label,
    }


def _named(request: PageRequest, reasons: dict[str, str]) -> list[tuple[str, str, str]]:
    """The first of the leads: id, name where the member may see it, reason."""
    shown = dict(list(reasons.items())[:SHOWN])
    leads = visible_leads(request.membership).filter(pk__in=shown)
    names = dict(leads.values_list("pk", "display_name")) if shown else {}
    known = {str(pk): name for pk, name in names.items()}
    return [(pk, known.get(pk, ""), reason) for pk, reason in shown.items()]
