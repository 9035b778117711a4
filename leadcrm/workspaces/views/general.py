"""Settings: the workspace's own name, country, visibility and hours, with a save for each part."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.access import may, require
from leadcrm.workspaces.forms import (
    billing_form,
    security_form,
    visibility_form,
    workspace_form,
)
from leadcrm.workspaces.general import change_workspace
from leadcrm.workspaces.hours_form import HoursForm
from leadcrm.workspaces.pages import PageRequest, show


@require_safe
def settings_start(request: PageRequest) -> HttpResponse:
    """The first page of the settings that the member has."""
    first = "general" if may(request.membership, "settings") else "profile"
    return redirect(first, request.workspace.slug)


@require_safe
def general(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    return _page(request)


@require_POST
def save_workspace(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = workspace_form(request.workspace, request.POST)
    changes = form.cleaned_data if form.is_valid() else {}
    return _save(request, "workspace", form, changes, "Saved.")


@require_POST
def save_visibility(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = visibility_form(request.workspace, request.POST)
    changes = form.cleaned_data if form.is_valid() else {}
    return _save(request, "visibility", form, changes, "Saved. It counts at once.")


@require_POST
def save_hours(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = HoursForm(request.POST, workspace=request.workspace)
    changes = form.changes() if form.is_valid() else {}
    return _save(request, "hours", form, changes, "Saved. New leads are due by these hours.")


@require_POST
def save_billing(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = billing_form(request.workspace, request.POST)
    changes = form.cleaned_data if form.is_valid() else {}
    return _save(request, "billing", form, changes, "Saved.")


@require_POST
def save_security(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = security_form(request.workspace, request.POST)
    changes = form.cleaned_data if form.is_valid() else {}
    return _save(request, "security", form, changes, "Saved. It counts at once.")


def _save(
    request: PageRequest, part: str, form: Any, changes: dict[str, Any], said: str
) -> HttpResponse:
    """Save one part of the page; the form's address names the part, so the browser goes there."""
    if not form.is_valid():
        return _page(request, status=422, **{part: form})
    try:
        change_workspace(by=request.membership, **changes)
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, status=422, **{part: form})
    messages.success(request, said)
    return redirect("general", request.workspace.slug)


def _page(request: PageRequest, *, status: int = 200, **broken: Any) -> HttpResponse:
    workspace = request.workspace
    context = {
        "workspace_form": workspace_form(workspace),
        "visibility_form": visibility_form(workspace),
        "billing_form": billing_form(workspace),
        "security_form": security_form(workspace),
        "hours_form": HoursForm(workspace=workspace),
        "local_now": timezone.now().astimezone(ZoneInfo(workspace.time_zone)),
    }
    context |= {f"{part}_form": form for part, form in broken.items()}
    return show(request, "settings/general.html", context, status=status)
