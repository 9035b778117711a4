"""Secrets that are shown once and kept as a digest: API tokens and invitation links."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.models import ApiToken, Membership, Team
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope

AREA = "API token"
PREFIX = "lcrm_"
USE_RESOLUTION = timedelta(minutes=5)


def new_secret(prefix: str = "") -> str:
    """256 random bits as text, after `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """SHA-256 in hex. A plain hash is enough: the secret has 256 bits and can't be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def issue_token(
    *,
    membership: Membership,
    name: str,
    scopes: Sequence[str],
    ranks_as: str = ApiToken.RanksAs.INTEGRATION,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Create a token for what the member may do; returns it with the key, which can't be read again."""
    key = new_secret(PREFIX)
    with transaction.atomic():
        token = ApiToken.objects.create(
            workspace_id=membership.workspace_id,
            membership=membership,
            name=name,
            prefix=key[: len(PREFIX) + 4],
            digest=digest_of(key),
            scopes=list(scopes),
            ranks_as=ranks_as,
            expires_at=expires_at,
        )
        labels = dict(ApiToken.Scope.choices)
        may = [labels.get(scope, scope) for scope in token.scopes]
        changes: dict[str, list[Any]] = {"may": ["", may], "expires": ["", expires_at]}
        settings_log.record(AREA, token.name, "issued", by=membership, changes=changes)
    return token, key


def revoke_token(token: ApiToken, now: datetime, *, by: Membership | None = None) -> None:
    """Refuse the token from now on; `by` is empty for the installation's staff."""
    with workspace_scope(token.workspace_id), transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            settings_log.record(AREA, token.name, "revoked", by=by, now=now)
    token.revoked_at = now


def find_token(key: str, now: datetime) -> ApiToken | None:
    """The live token of a key, with its membership, user and workspace loaded, or None."""
    with all_workspaces():
        try:
            token = _tokens().exclude(expires_at__lte=now).get(digest=digest_of(key))
        except ApiToken.DoesNotExist:
            return None
        # As memberships_of finds it.
        setattr(token.membership, "has_teams", token.has_teams)  # type: ignore[attr-defined]  # noqa: B010
        if token.last_used_at is None or token.last_used_at < now - USE_RESOLUTION:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@cache
def _tokens() -> QuerySet[ApiToken]:
    """Built once, because every request asks; whoever runs it gives the scope."""
    teams = Team.objects.filter(workspace=OuterRef("workspace"))
    found: QuerySet[ApiToken] = (
        ApiToken.objects.select_related("membership__workspace", "membership__user")
        .filter(revoked_at=None, membership__is_active=True)
        .exclude(membership__user__is_active=False)
        .annotate(has_teams=Exists(teams))
    )
    return found
