"""Settings: where leads come in. The list of sources, a new one, and what every source has."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations.forms import NewSourceForm, SourceForm
from integrations.source_numbers import numbers_of, with_last_received
from leadcrm.workspaces.access import require
from leadcrm.workspaces.pages import PageRequest, show
from leads.access import access_source
from leads.models import Source
from leads.sources import save_source


@require_safe
def source_list(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    sources = list(with_last_received(Source.objects.order_by("-is_active", "name")))
    numbers = numbers_of(sources, request.workspace, timezone.now())
    context = {"rows": [(source, numbers[source.pk]) for source in sources]}
    return show(request, "integrations/sources.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_source(request: PageRequest) -> HttpResponse:
    """Name a new source and choose its kind; its own page says how to connect it."""
    require(request.membership, "settings")
    form = NewSourceForm(request.POST or None, instance=Source())
    if request.method == "POST" and form.is_valid():
        source = _save(request, form, Source())
        if source is not None:
            messages.success(request, f"{source.name} is added.")
            return redirect("source", request.workspace.slug, source.pk)
    status = 422 if form.is_bound else 200
    return show(request, "integrations/source_add.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def source_details(request: PageRequest, source_id: uuid.UUID) -> HttpResponse:
    """Name, answer target, and who gets the leads."""
    source = access_source(request.membership, source_id)
    form = SourceForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid() and _save(request, form, source):
        messages.success(request, "Saved. It counts for leads that arrive from now on.")
        return redirect("source", request.workspace.slug, source.pk)
    status = 422 if form.is_bound else 200
    context = {"source": source, "form": form}
    return show(request, "integrations/source_details.html", context, status=status)


@require_POST
def switch_source(request: PageRequest, source_id: uuid.UUID, is_active: bool) -> HttpResponse:
    """Switch a source off or on again; its leads stay as they are."""
    found, by = access_source(request.membership, source_id), request.membership
    source = save_source(found, {"is_active": is_active}, by=by, now=timezone.now())
    messages.success(request, f"{source.name} is switched {'on' if is_active else 'off'}.")
    return redirect("source", request.workspace.slug, source.pk)


def _save(request: PageRequest, form: SourceForm, source: Source) -> Source | None:
    """Save what the form says; where it doesn't fit, the form tells why."""
    try:
        by, now = request.membership, timezone.now()
        return save_source(source, form.cleaned_data, by=by, now=now)
    except ValidationError as error:
        form.add_error(None, error)
        return None
