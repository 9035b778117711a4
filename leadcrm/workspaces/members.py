"""Verbs of workspaces and their people: found one, invite, join, change, deactivate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import NotAllowed, require
from leadcrm.workspaces.models import Invitation, Membership, Role, Team, User, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leadcrm.workspaces.tokens import digest_of, new_secret

INVITATION_DAYS = 7
CHANGEABLE = frozenset({"role", "team", "name", "location", "is_active"})

_founding_hooks: list[Callable[[Workspace], None]] = []


class InvitationUnusable(Exception):
    """The link was used, withdrawn, has expired or never existed."""

    def __init__(self) -> None:
        super().__init__("This invitation can't be used any more. Ask for a new one.")


def on_workspace_founded(hook: Callable[[Workspace], None]) -> None:
    """Register what an app sets up in each new workspace; called in its scope and transaction."""
    _founding_hooks.append(hook)


def found_workspace(*, owner: User, name: str, slug: str, **fields: object) -> Workspace:
    """Create a workspace with its owner and each app's defaults. `fields` are Workspace's own."""
    workspace = Workspace(name=name, slug=slug, **fields)
    workspace.full_clean()
    with transaction.atomic():
        workspace.save(force_insert=True)
        with workspace_scope(workspace):
            Membership.objects.create(user=owner, name=owner.name, role=Role.OWNER)
            for hook in _founding_hooks:
                hook(workspace)
    return workspace


def invite(
    *, by: Membership, email: str, now: datetime, role: str = Role.REP, team: Team | None = None
) -> tuple[Invitation, str]:
    """Create an invitation; returns it with the secret of its link. An earlier open one is withdrawn."""
    require(by, "users")
    refuse_above(by, role)
    secret, email = new_secret(), email.strip().lower()
    with transaction.atomic():
        # Two invitations of one person at once: the later one withdraws the earlier.
        Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
        Invitation.objects.filter(email__iexact=email, accepted_at=None, revoked_at=None).update(
            revoked_at=now
        )
        invitation = Invitation.objects.create(
            email=email,
            role=role,
            team=team,
            digest=digest_of(secret),
            invited_by=by,
            expires_at=now + timedelta(days=INVITATION_DAYS),
        )
        role_label = Role(role).label
        settings_log.record(
            "user", email, "invited", by=by, changes={"role": ["", role_label]}, now=now
        )
    return invitation, secret


def withdraw_invitation(invitation: Invitation, *, by: Membership | None, now: datetime) -> bool:
    """Make the link of an open invitation useless; returns whether it was open.

    `by` None is the installation's staff.
    """
    if by is not None:
        require(by, "users")
        refuse_above(by, invitation.role)
    still_open = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    return bool(still_open.update(revoked_at=now))


def find_invitation(secret: str, now: datetime) -> Invitation | None:
    """The usable invitation of a link's secret, with its workspace, or None."""
    with all_workspaces():
        return (
            Invitation.objects.select_related("workspace")
            .filter(digest=digest_of(secret), accepted_at=None, revoked_at=None, expires_at__gt=now)
            .first()
        )


def join(*, secret: str, user: User, now: datetime) -> Membership:
    """Accept an invitation as `user`. Raises InvitationUnusable; joining twice is refused.

    The link is the proof: whoever holds it may join, with an account of any address, since
    people receive mail at one address and sign in with another.
    """
    with transaction.atomic(), all_workspaces():
        invitation = (
            Invitation.objects.select_for_update()
            .filter(digest=digest_of(secret), accepted_at=None, revoked_at=None, expires_at__gt=now)
            .first()
        )
        if invitation is None:
            raise InvitationUnusable
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
        membership, created = Membership.objects.get_or_create(
            workspace_id=invitation.workspace_id,
            user=user,
            defaults={"name": str(user), "role": invitation.role, "team_id": invitation.team_id},
        )
        if not created and not membership.is_active:
            membership.is_active, membership.role = True, invitation.role
            membership.team_id = invitation.team_id
            membership.save(update_fields=["is_active", "role", "team"])
    return membership


def change_member(member: Membership, *, by: Membership | None, **changes: object) -> Membership:
    """Change role, team, name, location or activity. A workspace always keeps an active owner.

    `by` None is the installation's staff, which may change owners too.
    """
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"{min(unknown)}: can't be changed")
    with transaction.atomic():
        Workspace.objects.select_for_update(no_key=True).get(pk=member.workspace_id)
        # Read under the lock: somebody may have made the member an owner meanwhile.
        held = Membership.objects.get(pk=member.pk)
        role, is_active = changes.get("role", held.role), changes.get("is_active", held.is_active)
        if by is not None:
            require(by, "users")
            refuse_above(by, held.role)
            refuse_above(by, str(role))
        stays_owner = role == Role.OWNER and is_active
        if held.role == Role.OWNER and held.is_active and not stays_owner:
            _require_another_owner(held)
        before = settings_log.values_of(held, changes)
        for name, value in changes.items():
            setattr(member, name, value)
        member.save(update_fields=list(changes))
        if differences := settings_log.differences(member, before):
            settings_log.record("user", member.name, "changed", by=by, changes=differences)
    return member


def _require_another_owner(member: Membership) -> None:
    others = Membership.objects.filter(
        workspace=member.workspace_id, role=Role.OWNER, is_active=True, user__is_active=True
    )
    if not others.exclude(pk=member.pk).exists():
        raise NotAllowed("A workspace needs at least one active owner.")


def refuse_above(by: Membership, role: str) -> None:
    """Raise NotAllowed where an admin would touch an owner."""
    if role == Role.OWNER and by.role != Role.OWNER:
        raise NotAllowed("Only an owner may do this with owners.")
