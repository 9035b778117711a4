"""Who calls the API: a token, or a member signed in to the browser."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from leadcrm.workspaces.access import NOT_FOUND, memberships_of
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.middleware import LAST_WORKSPACE, open_workspace, owes_second_factor
from leadcrm.workspaces.models import ApiToken, Membership
from leadcrm.workspaces.scoping import all_workspaces
from leadcrm.workspaces.tokens import find_token

WORKSPACE_HEADER = "X-Workspace"
BAD_TOKEN = "This token is unknown, expired or revoked."  # noqa: S105 – a message


class Agent(AnonymousUser):
    """Stands for a membership that is no person: it has no user of its own."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer lcrm_…`. The request then acts as the token's membership."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise AuthenticationFailed("Send “Authorization: Bearer” and the token.")
        token = find_token(key.strip(), timezone.now())
        if token is None:
            raise AuthenticationFailed(BAD_TOKEN)
        open_workspace(request._request, token.membership, via="api")
        request._request.actor = Actor.for_token(token)  # type: ignore[attr-defined]
        return token.membership.user or Agent(), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="leadcrm"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF protection.

    The workspace is that of the header X-Workspace, else the one last worked in, else the first.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None:
            membership = _chosen(request)
            if owes_second_factor(membership):
                raise PermissionDenied("This workspace asks for a second factor. Set it up first.")
            open_workspace(request._request, membership, via="api")
        return found

    def enforce_csrf(self, request: Any) -> None:
        # Django's own request: DRF's would parse the body to look for a form field.
        super().enforce_csrf(request._request)


def _chosen(request: Request) -> Membership:
    with all_workspaces():
        memberships = list(memberships_of(request._request.user.pk))
    if not memberships:
        raise PermissionDenied("You belong to no workspace. Ask for an invitation.")
    by_slug = {member.workspace.slug: member for member in memberships}
    wanted = request.headers.get(WORKSPACE_HEADER)
    if wanted is not None:
        if wanted not in by_slug:
            raise Http404(NOT_FOUND)
        return by_slug[wanted]
    return by_slug.get(request.session.get(LAST_WORKSPACE, ""), memberships[0])
