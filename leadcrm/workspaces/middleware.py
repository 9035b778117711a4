"""Gives each request its workspace, and takes it away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.response import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from leadcrm.workspaces.access import NotAllowed, access_workspace
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import current_scope, enter_scope, no_scope, scoped_stream

LAST_WORKSPACE = "last_workspace"
SETTING_UP = ("second-factor", "second-factor-on")  # where a second factor is switched on


class WorkspaceMiddleware:
    """Closes the scope around each request and opens it for pages under `/w/<workspace>/`.

    The API opens it after it has authenticated the token (`leadcrm.workspaces.api`), staff's
    admin in its own site. Whatever a view opened is closed here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with no_scope(), timezone.override(None):
            response = self.get_response(request)
            scope = current_scope()
            if (
                isinstance(response, StreamingHttpResponse)
                and scope is not None
                and not isinstance(scope, str)
            ):
                response.streaming_content = scoped_stream(scope, response.streaming_content)  # type: ignore[arg-type]
            return response

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        slug = kwargs.pop("workspace", None)
        if slug is None:
            return None
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        membership = access_workspace(request.user.pk, slug)
        open_workspace(request, membership, via="web")
        if owes_second_factor(membership) and not _sets_up(request):
            return redirect("second-factor", slug)
        timezone.activate(viewers_zone(membership))
        if request.session.get(LAST_WORKSPACE) != slug:
            request.session[LAST_WORKSPACE] = slug
        return None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Show what a member may not do as the 403 page; the API has an answer of its own."""
        if not isinstance(exception, NotAllowed):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(exception.message, status=403, content_type="text/plain")
        return render(request, "403.html", {"message": exception.message}, status=403)


def _sets_up(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name in SETTING_UP


def owes_second_factor(membership: Membership) -> bool:
    """Whether the workspace asks for a second factor that the member hasn't set up."""
    user = membership.user
    asked = membership.workspace.requires_second_factor
    return bool(asked and user is not None and user.second_factor_at is None)


def viewers_zone(membership: Membership) -> ZoneInfo:
    """The time zone in which a member reads and types times in the browser."""
    own = membership.user.time_zone if membership.user else ""
    return ZoneInfo(own or membership.workspace.time_zone)


def open_workspace(request: Any, membership: Membership, via: str) -> None:
    """Scope the rest of the request to the membership's workspace and set its actor."""
    request.membership = membership
    request.workspace = membership.workspace
    request.actor = Actor.member(membership, via=via)
    enter_scope(membership.workspace_id)


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """A fragment can't show the sign-in page in its place: tell HTMX to load it whole."""
    redirect = redirect_to_login(request.get_full_path())
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = redirect_to_login(request.headers.get("HX-Current-URL", "/")).url
        return response
    return redirect
