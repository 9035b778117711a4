"""What every page under `/w/<workspace>/` has: its request, and the way it answers HTMX."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.middleware import HtmxDetails

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, User, Workspace


class PageRequest(HttpRequest):
    """A request that the middleware has let into a workspace."""

    user: User
    membership: Membership
    workspace: Workspace
    actor: Actor
    htmx: HtmxDetails


def wants_fragment(request: PageRequest) -> bool:
    """Whether HTMX asks for a part of the page rather than for the whole of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def shown_url(request: PageRequest) -> SplitResult:
    """The address that the browser shows while HTMX asks; empty where it isn't one."""
    try:
        return urlsplit(request.htmx.current_url or "")
    except ValueError:
        return urlsplit("")


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page or fragment that must not be shown from a cache to somebody else."""
    return unshared(render(request, template, context, status=status))


def unshared(response: HttpResponse) -> HttpResponse:
    """Keep caches from showing an answer to somebody else, or a fragment in place of its page."""
    patch_vary_headers(response, ["HX-Request"])
    patch_cache_control(response, private=True, no_cache=True)
    return response


def with_toast(
    response: HttpResponse, message: str, *, undo: str = "", failed: bool = False
) -> HttpResponse:
    """Have the page announce `message`; `undo` is the address that takes back what was done."""
    return with_events(response, toast={"text": message, "undo": undo, "failed": failed})


def with_events(response: HttpResponse, **events: Any) -> HttpResponse:
    """Have the page raise events on the element that asked; those set before stand."""
    known = json.loads(response.get("HX-Trigger", "{}"))
    response["HX-Trigger"] = json.dumps({**known, **events})
    return response
