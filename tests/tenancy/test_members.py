"""People of a workspace: invited, joined, changed, deactivated; one active owner always stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.members import (
    InvitationUnusable,
    change_member,
    find_invitation,
    found_workspace,
    invite,
    join,
    withdraw_invitation,
)
from leadcrm.workspaces.models import Invitation, Membership, Role, Team, Workspace
from leadcrm.workspaces.scoping import ScopeMismatch, no_scope, workspace_scope
from tests.factories import NOW, UserFactory, make_member

LATER = NOW + timedelta(days=1)


# --- founding ---


def test_a_founded_workspace_has_its_owner_and_defaults(db):
    owner = UserFactory()
    workspace = found_workspace(owner=owner, name="New", slug="new", time_zone="Europe/Berlin")
    with workspace_scope(workspace):
        membership = Membership.objects.get()
        assert (membership.user, membership.role) == (owner, Role.OWNER)


@pytest.mark.parametrize(
    ("field", "value"), [("slug", "no spaces"), ("time_zone", "Mars"), ("country", "Germany"),
                         ("currency", "$"), ("business_hours", {"0": [["18:00", "09:00"]]})]
)  # fmt: skip
def test_a_workspace_that_does_not_fit_is_not_founded(db, field, value):
    with pytest.raises(ValidationError) as refused:
        found_workspace(owner=UserFactory(), **{"name": "New", "slug": "new", field: value})
    assert field in refused.value.message_dict
    assert not Workspace.objects.exists()


# --- invitations ---


def test_whoever_holds_the_link_joins_with_the_invited_role(acme, ana):
    team = Team.objects.create(name="North")
    invitation, secret = invite(
        by=ana, email=" Bo@Example.com ", role=Role.MANAGER, team=team, now=NOW
    )
    assert invitation.email == "bo@example.com"
    user = UserFactory(name="Bo")
    with no_scope():
        found = find_invitation(secret, LATER)
        assert found is not None
        assert found.workspace == acme
        membership = join(secret=secret, user=user, now=LATER)
    assert (membership.workspace_id, membership.role, membership.team_id, membership.name) == (
        acme.pk, Role.MANAGER, team.pk, "Bo",
    )  # fmt: skip


def test_the_secret_is_not_kept(acme, ana):
    invitation, secret = invite(by=ana, email="bo@example.com", now=NOW)
    kept = [str(value) for value in Invitation.objects.values_list().get(pk=invitation.pk)]
    assert len(secret) >= 43
    assert not any(secret in value for value in kept)


def test_a_link_works_once(acme, ana):
    _, secret = invite(by=ana, email="bo@example.com", now=NOW)
    join(secret=secret, user=UserFactory(), now=LATER)
    assert find_invitation(secret, LATER) is None
    with pytest.raises(InvitationUnusable):
        join(secret=secret, user=UserFactory(), now=LATER)
    assert Membership.objects.count() == 2


@pytest.mark.parametrize("case", ["expired", "withdrawn", "wrong", "invited again"])
def test_a_link_that_is_no_longer_good_lets_nobody_in(acme, ana, case):
    invitation, secret = invite(by=ana, email="bo@example.com", now=NOW)
    now = LATER
    if case == "expired":
        now = NOW + timedelta(days=7)
    elif case == "withdrawn":
        withdraw_invitation(invitation, by=ana, now=NOW)
    elif case == "wrong":
        secret += "x"
    else:
        invite(by=ana, email="BO@example.com ", now=NOW)
    assert find_invitation(secret, now) is None
    with pytest.raises(InvitationUnusable):
        join(secret=secret, user=UserFactory(), now=now)
    assert Membership.objects.count() == 1


def test_a_withdrawal_after_joining_changes_nothing(acme, ana):
    invitation, secret = invite(by=ana, email="bo@example.com", now=NOW)
    join(secret=secret, user=UserFactory(), now=NOW)
    withdraw_invitation(invitation, by=ana, now=LATER)
    assert Invitation.objects.get().revoked_at is None


def test_a_former_member_comes_back_as_invited_anew(acme, ana, ben):
    change_member(ben, by=ana, is_active=False)
    team = Team.objects.create(name="North")
    _, secret = invite(by=ana, email="ben@example.com", role=Role.VIEWER, team=team, now=NOW)
    again = join(secret=secret, user=ben.user, now=LATER)
    assert again.pk == ben.pk
    assert (again.is_active, again.role, again.team_id) == (True, Role.VIEWER, team.pk)


def test_a_member_who_follows_another_invitation_keeps_the_role(acme, ana, adam):
    _, secret = invite(by=ana, email="adam@example.com", role=Role.VIEWER, now=NOW)
    assert join(secret=secret, user=adam.user, now=LATER).role == Role.ADMIN


@pytest.mark.parametrize("who", ["max_", "ben", "vera"])
def test_only_owners_and_admins_invite(acme, ana, who, request):
    member = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        invite(by=member, email="bo@example.com", now=NOW)
    invitation, _ = invite(by=ana, email="bo@example.com", now=NOW)
    with pytest.raises(NotAllowed):
        withdraw_invitation(invitation, by=member, now=NOW)


def test_an_admin_neither_invites_owners_nor_withdraws_their_invitation(acme, ana, adam):
    with pytest.raises(NotAllowed):
        invite(by=adam, email="bo@example.com", role=Role.OWNER, now=NOW)
    invitation, _ = invite(by=ana, email="bo@example.com", role=Role.OWNER, now=NOW)
    with pytest.raises(NotAllowed):
        withdraw_invitation(invitation, by=adam, now=NOW)


def test_a_team_of_another_workspace_is_refused(acme, rival, ana):
    with workspace_scope(rival):
        theirs = Team.objects.create(name="Theirs")
    with pytest.raises(ScopeMismatch):
        invite(by=ana, email="bo@example.com", team=theirs, now=NOW)


# --- changes ---


def test_an_owner_changes_anybody(acme, ana, adam):
    change_member(adam, by=ana, role=Role.OWNER, name="Adam B.")
    adam.refresh_from_db()
    assert (adam.role, adam.name) == (Role.OWNER, "Adam B.")


@pytest.mark.parametrize("changes", [{"role": Role.REP}, {"is_active": False}])
def test_the_last_active_owner_stays(acme, ana, changes):
    with pytest.raises(NotAllowed):
        change_member(ana, by=ana, **changes)
    fresh = Membership.objects.get(pk=ana.pk)
    assert (fresh.role, fresh.is_active) == (Role.OWNER, True)
    assert (ana.role, ana.is_active) == (Role.OWNER, True)


@pytest.mark.parametrize("gone", ["member", "user"])
def test_an_owner_who_is_gone_does_not_count(acme, ana, gone):
    other = make_member(acme, Role.OWNER, "Olga", is_active=gone != "member")
    if gone == "user":
        other.user.is_active = False
        other.user.save()
    with pytest.raises(NotAllowed):
        change_member(ana, by=ana, role=Role.REP)


def test_one_of_two_owners_may_go(acme, ana):
    olga = make_member(acme, Role.OWNER, "Olga")
    change_member(ana, by=olga, is_active=False)
    assert not Membership.objects.get(pk=ana.pk).is_active


@pytest.mark.parametrize("changes", [{"role": Role.REP}, {"is_active": False}, {"name": "Other"}])
def test_an_admin_cannot_touch_owners(acme, ana, adam, changes):
    make_member(acme, Role.OWNER, "Olga")
    with pytest.raises(NotAllowed):
        change_member(ana, by=adam, **changes)


def test_an_admin_makes_nobody_an_owner(acme, adam, ben):
    for member in (ben, adam):
        with pytest.raises(NotAllowed):
            change_member(member, by=adam, role=Role.OWNER)


def test_who_became_an_owner_meanwhile_is_safe_from_an_admin(acme, ana, adam, ben):
    """Adam's page was read before the promotion."""
    change_member(Membership.objects.get(pk=ben.pk), by=ana, role=Role.OWNER)
    assert ben.role == Role.REP
    with pytest.raises(NotAllowed):
        change_member(ben, by=adam, is_active=False)


@pytest.mark.parametrize("who", ["max_", "ben", "vera"])
def test_others_change_nobody(acme, who, request):
    member: Any = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        change_member(member, by=member, name="Other")


def test_staff_of_the_installation_may_change_owners_but_not_the_last(acme, ana):
    olga = make_member(acme, Role.OWNER, "Olga")
    change_member(olga, by=None, role=Role.REP)
    with pytest.raises(NotAllowed):
        change_member(ana, by=None, is_active=False)


@pytest.mark.parametrize("field", ["workspace", "user", "kind", "id"])
def test_nothing_else_about_a_member_changes(acme, ana, ben, field):
    with pytest.raises(ValueError, match=field):
        change_member(ben, by=ana, **{field: None})
