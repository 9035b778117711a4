"""Settings: the API tokens of the workspace."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.confirming import password_again
from leadcrm.workspaces.forms import TokenForm
from leadcrm.workspaces.models import ApiToken
from leadcrm.workspaces.pages import PageRequest, show
from leadcrm.workspaces.tokens import issue_token, revoke_token


@password_again("POST")
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: PageRequest) -> HttpResponse:
    """List the tokens; create one and show its key, this once."""
    require(request.membership, "users")
    if request.method != "POST":
        return _page(request, TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    values = dict(form.cleaned_data)
    days = values.pop("days")
    expires_at = timezone.now() + timedelta(days=days) if days else None
    token, key = issue_token(membership=request.membership, expires_at=expires_at, **values)
    return _page(request, TokenForm(), issued=token, key=key)


@require_POST
def revoke(request: PageRequest, token_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "users")
    token = ApiToken.objects.filter(pk=token_id).first()
    if token is None:
        raise Http404(NOT_FOUND)
    if token.revoked_at is None:
        revoke_token(token, timezone.now(), by=request.membership)
    messages.success(request, f"The token {token.name} is revoked.")
    return redirect("tokens", request.workspace.slug)


def _page(
    request: PageRequest, form: TokenForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    found = ApiToken.objects.select_related("membership").order_by("revoked_at", "-created_at")
    labels = dict(ApiToken.Scope.choices)
    rows = [
        (token, ", ".join(labels.get(scope, scope) for scope in token.scopes)) for token in found
    ]
    context |= {"form": form, "rows": rows}
    response = show(request, "settings/tokens.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response
