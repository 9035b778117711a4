"""Who may do what: the permissions table (product, section 5) and the way to ask it."""

from __future__ import annotations

import uuid
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from leadcrm.workspaces.models import ApiToken, Membership, Role, Team, Visibility
from leadcrm.workspaces.scoping import all_workspaces

if TYPE_CHECKING:
    from leadcrm.workspaces.actors import Actor


NOT_FOUND = "Not found, or not yours. Ask a manager."


class Reach(Enum):
    """How far a permission reaches."""

    NONE = "none"
    OWN = "own"  # own and unassigned
    TEAM = "team"
    ALL = "all"


class NotAllowed(Exception):
    """The member sees the thing but may not do this with it."""

    def __init__(self, message: str = "You may not do this. Ask a manager.") -> None:
        super().__init__(message)
        self.message = message


N, O, T, A = Reach.NONE, Reach.OWN, Reach.TEAM, Reach.ALL  # noqa: E741

# action: reach of (owner, admin, manager, rep, viewer)
PERMISSIONS: dict[str, tuple[Reach, Reach, Reach, Reach, Reach]] = {
    "see": (A, A, T, O, A),
    "edit": (A, A, T, O, N),
    "close": (A, A, T, O, N),  # apart from "edit" because a rep may not close many at once
    "claim": (A, A, A, O, N),
    "assign": (A, A, T, O, N),
    "reopen": (A, A, T, O, N),
    "merge": (A, A, T, N, N),
    "suggest_merge": (A, A, T, O, N),
    "archive": (A, A, T, N, N),
    "bulk": (A, A, T, O, N),
    "import": (A, A, T, N, N),
    "export": (A, A, T, N, N),
    "shared_views": (A, A, A, N, N),
    "metrics": (A, A, A, O, A),
    "spend": (A, A, A, N, N),
    "incoming": (A, A, A, N, N),
    "raw_payload": (A, A, N, N, N),
    "settings": (A, A, N, N, N),
    "users": (A, A, N, N, N),
    "erase": (A, A, N, N, N),
    "workspace": (A, N, N, N, N),
}

ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.REP, Role.VIEWER)


def reach(membership: Membership, action: str) -> Reach:
    """How far `membership` may do `action`, by role, teams and the workspace's visibility."""
    found = PERMISSIONS[action][ROLES.index(Role(membership.role))]
    if membership.role == Role.REP and action == "see":
        found = _rep_sight(membership)
    if found is Reach.TEAM and not _has_teams(membership):
        return Reach.ALL
    return found


def may(membership: Membership, action: str) -> bool:
    return reach(membership, action) is not Reach.NONE


def require(membership: Membership, action: str) -> None:
    """Raise NotAllowed where the member may not do `action` at all."""
    if not may(membership, action):
        raise NotAllowed


def require_scope(actor: Actor, scope: str) -> None:
    """Raise NotAllowed where the actor is a token without `scope`."""
    if actor.token is not None and scope not in actor.token.scopes:
        label = ApiToken.Scope(scope).label
        raise NotAllowed(f"This token lacks the scope {scope} ({label}).")


def access_workspace(user_id: Any, slug: str) -> Membership:
    """The user's active membership of the workspace, with both loaded; Http404 for a stranger."""
    try:
        with all_workspaces():
            return _memberships().get(user_id=user_id, workspace__slug=slug)
    except Membership.DoesNotExist:
        raise Http404(NOT_FOUND) from None


def memberships_of(user_id: Any) -> QuerySet[Membership]:
    """The user's active memberships, oldest first, ready for use as `request.membership`."""
    return _memberships().filter(user_id=user_id).order_by("created_at", "id")


def active_members() -> QuerySet[Membership]:
    """The active members of the workspace in scope, ready for `reach`."""
    return _memberships().order_by("name", "pk")


@cache
def _memberships() -> QuerySet[Membership]:
    """Built once, because every request asks; whoever runs it gives the scope."""
    teams = Team.objects.filter(workspace=OuterRef("workspace"))
    mates = Membership.objects.filter(team=OuterRef("team"))
    found: QuerySet[Membership] = (
        Membership.objects.select_related("workspace", "user")
        .filter(is_active=True, user__is_active=True)
        .annotate(has_teams=Exists(teams), team_mates=ArraySubquery(mates.values("pk")))
    )
    return found


def team_mates(membership: Membership) -> list[uuid.UUID]:
    """All who are or were in the member's team, the member among them."""
    known: list[uuid.UUID] | None = getattr(membership, "team_mates", None)
    if known is None:
        mates = Membership.objects.filter(team=membership.team_id)
        known = list(mates.values_list("pk", flat=True)) if membership.team_id else []
        setattr(membership, "team_mates", known)  # noqa: B010 - an annotation of memberships_of
    return [membership.pk, *(pk for pk in known if pk != membership.pk)]


def _rep_sight(membership: Membership) -> Reach:
    visibility = membership.workspace.visibility
    if visibility == Visibility.ALL:
        return Reach.ALL
    return Reach.TEAM if visibility == Visibility.TEAM else Reach.OWN


def _has_teams(membership: Membership) -> bool:
    known = getattr(membership, "has_teams", None)
    if known is None:
        known = Team.objects.filter(workspace=membership.workspace_id).exists()
        setattr(membership, "has_teams", known)  # noqa: B010 - an annotation of memberships_of
    return bool(known)
