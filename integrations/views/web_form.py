"""Settings: the page of a source, above all of a website form.

How it gets onto a site, the form with a preview that makes test leads, its allowed sites, and
what came of the last submissions.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, TypeAlias

from csp.constants import SELF
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseFormSet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from integrations.forms import FieldForm, FieldSet, SitesForm, TextsForm
from integrations.models import InboundEvent
from integrations.source_numbers import numbers_of
from integrations.web_form import editor, embed
from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_toast
from leads import custom_fields
from leads.access import access_source
from leads.custom_fields import Definitions
from leads.models import Source, SourceKind
from leads.sources import save_source

FieldRows: TypeAlias = "BaseFormSet[FieldForm]"

SHOWN = 25  # submissions
ROW = "row"  # what the editor's fields are called by: row-0-label


@require_safe
def source_page(request: PageRequest, source_id: uuid.UUID) -> HttpResponse:
    return _page(request, access_source(request.membership, source_id))


@require_safe
def submissions(request: PageRequest, source_id: uuid.UUID) -> HttpResponse:
    """The last submissions; nothing where they are as the page shows them (`seen`)."""
    source = _access_form(request, source_id)
    found = _submissions(source)
    if wants_fragment(request) and request.GET.get("seen") == found["seen"]:
        return HttpResponse(status=204)
    return show(request, "integrations/_submissions.html", {"source": source, **found})


@require_POST
def save_sites(request: PageRequest, source_id: uuid.UUID) -> HttpResponse:
    source = _access_form(request, source_id)
    form = SitesForm(request.POST)
    if not form.is_valid():
        return _page(request, source, status=422, sites_form=form)
    try:
        _save(request, source, {"allowed_origins": form.cleaned_data["sites"]})
    except ValidationError as error:
        form.add_error("sites", error.messages)
        return _page(request, source, status=422, sites_form=form)
    messages.success(request, "The allowed sites are saved.")
    return redirect("source", request.workspace.slug, source.pk)


@require_POST
def save_form(request: PageRequest, source_id: uuid.UUID) -> HttpResponse:
    """Save title, fields and thanks; or add or remove a row, which saves nothing yet."""
    source = _access_form(request, source_id)
    wish = request.POST.get("do", "")
    own = custom_fields.definitions()
    if wish == "add" or wish.startswith("remove-"):
        texts = TextsForm(initial=request.POST.dict())
        fields = _field_set(source, own, _rows_after(request.POST, wish))
        if wish == "add":
            fields.forms[-1].fields["label"].widget.attrs["autofocus"] = True
        return _editor(request, source, texts, fields)
    texts = TextsForm(request.POST)
    fields = FieldSet(request.POST, prefix=ROW, form_kwargs=_whole_rows(source, own))
    if not (texts.is_valid() and fields.is_valid()):
        return _editor(request, source, texts, fields, status=422)
    rows = [form.cleaned_data for form in fields.forms]
    fields_then = editor.definition(rows, source)
    _save(request, source, {**texts.cleaned_data, "form_fields": fields_then})
    return _saved(request, source)


def _access_form(request: PageRequest, source_id: uuid.UUID) -> Source:
    source = access_source(request.membership, source_id)
    if source.kind != SourceKind.WEBSITE_FORM:
        raise Http404(NOT_FOUND)
    return source


def _save(request: PageRequest, source: Source, values: dict[str, Any]) -> None:
    save_source(source, values, by=request.membership, now=timezone.now())


def _page(
    request: PageRequest, source: Source, *, status: int = 200, **context: Any
) -> HttpResponse:
    numbers = numbers_of([source], request.workspace, timezone.now())[source.pk]
    facts: dict[str, Any] = {"source": source, "numbers": numbers}
    if source.kind == SourceKind.WEBSITE_FORM:
        facts |= _ways_in(request, source) | _submissions(source)
        facts["texts"] = _texts_form(source)
        facts["fields"] = _stored_field_set(source)
        facts["sites_form"] = SitesForm(initial={"sites": "\n".join(source.allowed_origins)})
    response = show(request, "integrations/source.html", facts | context, status=status)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # the preview
    return response


def _editor(
    request: PageRequest,
    source: Source,
    texts: TextsForm,
    fields: FieldRows,
    *,
    status: int = 200,
) -> HttpResponse:
    """The form's editor as it stands; within the whole page without HTMX."""
    context: dict[str, Any] = {"texts": texts, "fields": fields}
    if not wants_fragment(request):
        return _page(request, source, status=status, **context)
    context |= {"source": source}
    return show(request, "integrations/_form_editor.html", context, status=status)


def _saved(request: PageRequest, source: Source) -> HttpResponse:
    """The editor as it was saved, and a fresh preview."""
    if not wants_fragment(request):
        messages.success(request, "The form is saved.")
        return redirect("source", request.workspace.slug, source.pk)
    context = {
        "source": source,
        "texts": _texts_form(source),
        "fields": _stored_field_set(source),
        **_ways_in(request, source),
    }
    response = show(request, "integrations/_form_saved.html", context)
    return with_toast(response, "The form is saved.")


def _ways_in(request: PageRequest, source: Source) -> dict[str, str]:
    """How the form gets onto a site, and the address of its preview."""
    base = request.build_absolute_uri("/")
    return {
        "snippet": embed.snippet(source, base),
        "attached": embed.attached_snippet(source, base),
        "address": embed.hosted_url(source, base),
        "preview": embed.preview_url(source, base, timezone.now()),
    }


def _texts_form(source: Source) -> TextsForm:
    return TextsForm(initial={name: getattr(source, name) for name in TextsForm.base_fields})


def _stored_field_set(source: Source) -> FieldRows:
    own = custom_fields.definitions()
    return _field_set(source, own, editor.rows_of(source, own))


def _field_set(source: Source, own: Definitions, rows: list[dict[str, Any]]) -> FieldRows:
    return FieldSet(initial=rows, prefix=ROW, form_kwargs=_whole_rows(source, own))


def _whole_rows(source: Source, own: Definitions) -> dict[str, Any]:
    """A row that nobody touched is a row all the same: it needs a label."""
    return {"empty_permitted": False, "source": source, "own": own}


def _rows_after(posted: QueryDict, wish: str) -> list[dict[str, Any]]:
    """The rows as they were typed, with one more or one less."""
    total = posted.get(f"{ROW}-TOTAL_FORMS", "")
    count = min(int(total), editor.MOST_FIELDS) if total.isdecimal() and len(total) < 4 else 0
    names = ("order", "name", "label", "meaning", "type", "required", "options")
    rows: list[dict[str, Any]] = [
        {name: posted.get(f"{ROW}-{number}-{name}", "") for name in names}
        for number in range(count)
        if wish != f"remove-{number}"
    ]
    if wish == "add" and count < editor.MOST_FIELDS:
        rows.append(editor.new_row(len(rows) + 1))
    return rows


def _submissions(source: Source) -> dict[str, Any]:
    events = list(
        InboundEvent.objects.filter(source=source)
        .defer("body", "headers")
        .select_related("lead")
        .order_by("-received_at", "-id")[:SHOWN]
    )
    states = [(event.pk, event.state, event.result, event.attempts) for event in events]
    seen = hashlib.sha256(repr(states).encode()).hexdigest()[:16]
    return {"events": events, "seen": seen, "shown": SHOWN}
