"""Import: the list, and the four steps of one: File, Columns, Check, Done."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads.import_forms import UploadForm, options_form, reading_form
from leads.importing import looking, running, storing
from leads.importing.comparing import RESULTS
from leads.importing.running import ImportRefused, access_import, visible_imports
from leads.importing.sniffing import UnreadableFile
from leads.importing.targets import Target, targets_of
from leads.models import Import, Lead

State = Import.State
LISTED = 50
KEPT_SHOWN = 50
STEPS = ("File", "Columns", "Check", "Done")
STEP_OF = {
    State.STORING: 0, State.READING: 0, State.COLUMNS: 1, State.CHECKING: 2, State.CHECKED: 2,
    State.APPLYING: 3, State.DONE: 3, State.CANCELED: 3, State.UNDOING: 3, State.UNDONE: 3,
    State.FAILED: 0,
}  # fmt: skip
TILES = {
    "new": "New", "changed": "Changed", "unchanged": "Unchanged", "conflict": "Conflict",
    "error": "Error",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: PageRequest) -> HttpResponse:
    """The imports so far, and a file to start another one."""
    rows = visible_imports(request.membership)
    if request.method != "POST":
        return _list(request, rows, UploadForm(auto_id="upload-%s"))
    form = UploadForm(request.POST, request.FILES, auto_id="upload-%s")
    if not form.is_valid():
        return _list(request, rows, form, status=422)
    file, kind = form.cleaned_data["file"], form.cleaned_data["kind"]
    try:
        batch = storing.store(
            file.name, file.chunks(), kind=kind, by=request.membership, now=timezone.now()
        )
    except UnreadableFile as problem:
        form.add_error("file", str(problem))
        return _list(request, rows, form, status=422)
    return redirect("import", request.workspace.slug, batch.pk)


def _list(request: PageRequest, rows: Any, form: UploadForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "imports": list(rows[:LISTED]), "now": timezone.now()}
    return show(request, "leads/imports/list.html", context, status=status)


@require_safe
def import_page(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """The step at which an import is; for HTMX the step alone, while the worker is at it."""
    batch = access_import(request.membership, import_id)
    context = _context(request, batch)
    part = wants_fragment(request) and request.htmx.target == "import"
    return show(request, f"leads/imports/{'_step' if part else 'import'}.html", context)


@require_POST
def import_columns(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """Take the columns as chosen and start the check."""
    batch = access_import(request.membership, import_id)
    form = options_form(batch, request.POST)
    mapping = [request.POST.get(f"column-{place}", "") for place in range(len(batch.headers))]
    batch.mapping = mapping
    if not form.is_valid():
        return _refused(request, batch, form=form)
    try:
        running.choose(batch, mapping, form.options(), timezone.now())
    except ImportRefused as refusal:
        return _refused(request, batch, form=form, refusal=refusal.message)
    return redirect("import", request.workspace.slug, batch.pk)


@require_POST
def import_reading(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """Read the file in another way: encoding, delimiter, which row names the columns."""
    batch = access_import(request.membership, import_id)
    form = reading_form(batch, request.POST)
    if not form.is_valid():
        return _refused(request, batch, reading=form)
    given = form.cleaned_data
    try:
        running.read_otherwise(
            batch,
            encoding=given.get("encoding", batch.encoding),
            delimiter=given.get("delimiter", batch.delimiter),
            header_row=given["header_row"],
        )
    except ImportRefused as refusal:
        return _refused(request, batch, reading=form, refusal=refusal.message)
    return redirect("import", request.workspace.slug, batch.pk)


def _verb(do: Callable[[Import, Any], object], said: str) -> Callable[..., HttpResponse]:
    """A button of an import."""

    @require_POST
    def view(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
        batch = access_import(request.membership, import_id)
        try:
            do(batch, timezone.now())
        except ImportRefused as refusal:
            messages.error(request, refusal.message)
        else:
            if said:
                messages.success(request, said)
        return redirect("import", request.workspace.slug, batch.pk)

    return view


import_apply = _verb(running.apply, "")
import_cancel = _verb(running.cancel, "Import canceled.")
import_undo = _verb(running.undo, "")
import_again = _verb(lambda batch, now: running.back_to_columns(batch), "")


@require_safe
def import_errors(request: PageRequest, import_id: uuid.UUID) -> HttpResponseBase:
    """The rows that can't be imported, with the reason, as CSV."""
    batch = access_import(request.membership, import_id)
    return looking.error_download(batch)


def _refused(request: PageRequest, batch: Import, **context: Any) -> HttpResponse:
    shown = _context(request, batch) | context
    return show(request, "leads/imports/import.html", shown, status=422)


def _context(request: PageRequest, batch: Import) -> dict[str, Any]:
    now = timezone.now()
    context: dict[str, Any] = {
        "batch": batch,
        "steps": [
            (name, at == STEP_OF[State(batch.state)], at < STEP_OF[State(batch.state)])
            for at, name in enumerate(STEPS)
        ],
        "now": now,
        "may_undo": running.may_undo(batch, now),
        "undo_until": batch.applied_at and batch.applied_at + running.UNDO_WITHIN,
    }
    if batch.state == State.COLUMNS:
        return context | _columns(batch)
    if batch.state == State.CHECKED:
        return context | _check(request, batch)
    if batch.is_working:
        return context | {"progress": running.progress(batch)}
    return context | {"kept": _kept(batch)}


def _columns(batch: Import) -> dict[str, Any]:
    targets = targets_of(batch.kind)
    columns = [
        (place, header, batch.samples[place], batch.mapping[place], _sure(batch, place))
        for place, header in enumerate(batch.headers)
    ]
    columns.sort(key=lambda column: not column[3])  # those without a target last
    return {
        "columns": columns,
        "choices": [("", "Leave out"), *((key, _named(one)) for key, one in targets.items())],
        "form": options_form(batch),
        "reading": reading_form(batch),
    }


def _named(target: Target) -> str:
    return target.label


def _sure(batch: Import, place: int) -> int:
    return int(batch.confidence[place]) if place < len(batch.confidence) else 0


def _check(request: PageRequest, batch: Import) -> dict[str, Any]:
    show_ = request.GET.get("show", "")
    shown = show_ if show_ in RESULTS else looking.opens_on(batch.counts)
    after = request.GET.get("after", "")
    after_row = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0
    rows, next_ = looking.shown_rows(batch, request.workspace, shown, after_row)
    return {
        "tiles": [
            (key, label, batch.counts.get(key, 0), key == shown) for key, label in TILES.items()
        ],
        "shown": TILES[shown],
        "rows": rows,
        "after": after_row,
        "next": next_,
        "will": running.intended(batch),
    }


def _kept(batch: Import) -> list[Lead]:
    ids = looking.kept_leads(batch, KEPT_SHOWN) if batch.effects.get("kept") else []
    return list(Lead.objects.filter(pk__in=ids).order_by("display_name")) if ids else []
