"""The way to a workspace: the last one, or the one chosen."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import memberships_of
from leadcrm.workspaces.middleware import LAST_WORKSPACE
from leadcrm.workspaces.scoping import all_workspaces


@require_safe
@login_required
def last_workspace(request: HttpRequest, page: str) -> HttpResponse:
    """Redirect to a page of the workspace that the user was in last."""
    slugs = _slugs_of(request)
    if not slugs:
        return redirect("workspaces")
    last = request.session.get(LAST_WORKSPACE)
    return redirect(page, last if last in slugs else slugs[0])


@require_safe
@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    """The user's workspaces, to switch between them."""
    with all_workspaces():
        found = list(memberships_of(request.user.pk))
    return render(request, "registration/workspaces.html", {"memberships": found})


def _slugs_of(request: HttpRequest) -> list[str]:
    with all_workspaces():
        return list(memberships_of(request.user.pk).values_list("workspace__slug", flat=True))
