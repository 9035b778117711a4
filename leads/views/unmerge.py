"""The page of a merge, and taking it back."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events, with_toast
from leads import kinds, unmerging
from leads.access import access_merge, may_with
from leads.batch import Refused
from leads.merge_choices import CHOICES
from leads.merge_journal import UNDO_WITHIN
from leads.models import Activity, Lead, MergeJournal
from leads.unmerging import counted
from leads.views.history import label_of

CHANGED_FIELDS = 12  # named on the page


@require_safe
def merge_detail(request: PageRequest, merge_id: uuid.UUID) -> HttpResponse:
    """What was merged, by whom, and until when it can be taken back."""
    merge = access_merge(request.membership, merge_id)
    return show(request, "leads/unmerge.html", _context(request, merge))


@require_POST
def undo_merge(request: PageRequest, merge_id: uuid.UUID) -> HttpResponse:
    """Take a merge back; what was changed since stays, and is listed."""
    merge = access_merge(request.membership, merge_id, need="merge")
    try:
        kept = unmerging.undo(merge, by=request.actor, now=timezone.now()).kept
    except Refused as refusal:
        return _refused(request, merge, refusal.message)
    said = "The merge is undone."
    if kept:
        said = f"The merge is undone, but {len(kept)} changed since: see the page of the merge."
    if wants_fragment(request):
        changed: dict[str, Any] = {f"changed-{pk}": {} for pk in (merge.root_id, *merge.absorbed)}
        answer = with_events(HttpResponse(status=204), **changed, **{"pairs-changed": {}})
        return with_toast(answer, said)
    messages.success(request, said)
    return redirect("merge", request.workspace.slug, merge.pk)


def _refused(request: PageRequest, merge: MergeJournal, said: str) -> HttpResponse:
    if wants_fragment(request):
        return with_toast(HttpResponse(status=204), said, failed=True)
    return show(
        request, "leads/unmerge.html", {**_context(request, merge), "alert": said}, status=422
    )


def _context(request: PageRequest, merge: MergeJournal) -> dict[str, Any]:
    until = merge.made_at + UNDO_WITHIN
    names = dict(Lead.objects.filter(pk__in=merge.absorbed).values_list("pk", "display_name"))
    moved = Counter(move["model"] for move in merge.moves)
    chosen = {one for columns in CHOICES.values() for one in columns}
    fields = dict.fromkeys(
        label_of(entry["field"]) for entry in merge.fields if entry["field"] in chosen
    )
    return {
        "merge": merge,
        "absorbed": [(pk, names[pk]) for pk in merge.absorbed if pk in names],
        "moved": [counted(name, count) for name, count in moved.items()],
        "fields": list(fields)[:CHANGED_FIELDS],
        "until": until,
        "kept": _kept(merge) if merge.undone_at else [],
        "may_undo": merge.undone_at is None
        and timezone.now() <= until
        and may_with(request.membership, merge.root, "merge"),
    }


def _kept(merge: MergeJournal) -> list[str]:
    """What stayed as it was when the merge was undone, from the log."""
    row = Activity.objects.filter(lead=merge.root_id, kind=kinds.UNMERGED, subject_id=merge.pk)
    data = row.values_list("data", flat=True).first()
    return list((data or {}).get("kept", ()))
