"""Keeps a session out until its second factor is given, at every door: pages, API, staff's site."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces import signed_in
from leadcrm.workspaces.detours import send_to

GIVEN = "second_factor"  # in the session, once a code was taken
NEEDS_CODE = "Give the code of your authenticator app first."


class SecondFactorMiddleware:
    """Asks for a code before anything else is answered in a session of a user who has the factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _by_session(request) and request.user.is_authenticated:
            if lacks_code(request) and request.path not in _open_paths():
                return _ask(request)
            signed_in.notice(request, timezone.now())
        return self.get_response(request)


def lacks_code(request: HttpRequest) -> bool:
    """Whether the session still owes the second factor."""
    since = getattr(request.user, "second_factor_at", None)
    return since is not None and not request.session.get(GIVEN)


def _by_session(request: HttpRequest) -> bool:
    """A request with a token stands for itself, whatever cookie comes along."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and not (
        request.path.startswith("/api/") and request.headers.get("Authorization")
    )


def _open_paths() -> set[str]:
    return {reverse("sign-in-code"), reverse("sign-out")}


def _ask(request: HttpRequest) -> HttpResponseBase:
    if request.path.startswith("/api/"):
        error = {"code": "second_factor_required", "message": NEEDS_CODE, "fields": {}}
        return JsonResponse({"error": error}, status=403)
    return send_to(request, "sign-in-code")
