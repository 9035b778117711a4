"""Settings: members, invitations, tokens and the own profile."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.members import invite
from leadcrm.workspaces.models import (
    ApiToken,
    Invitation,
    Membership,
    Role,
    SettingsChange,
    Workspace,
)
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import find_token, issue_token
from tests.factories import PASSWORD, make_member

SignIn = Callable[[Membership], Client]


def at(workspace: Workspace, name: str, *args: object) -> str:
    return reverse(name, args=[workspace.slug, *args])


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    return sign_in(ana)


def test_an_invitation_gives_a_link_that_is_shown_once(web: Client, acme: Workspace) -> None:
    form = {"email": "new@example.com", "role": "rep"}
    page = web.post(at(acme, "invite"), form).content.decode()
    link = re.search(r'value="http://testserver(/join/[^"]+)"', page)
    assert link is not None
    assert Client().get(link[1]).status_code == 200
    again = web.get(at(acme, "members")).content.decode()
    assert "new@example.com" in again
    assert link[1] not in again


def test_an_open_invitation_is_withdrawn(web: Client, acme: Workspace, ana: Membership) -> None:
    invitation, secret = invite(by=ana, email="x@example.com", now=timezone.now())
    web.post(at(acme, "invitation-withdraw", invitation.pk))
    assert Client().get(reverse("join", args=[secret])).status_code == 410


def test_role_and_activity_of_a_member_are_changed(
    web: Client, acme: Workspace, ben: Membership
) -> None:
    web.post(at(acme, "member-edit", ben.pk), {"role": "manager"})
    web.post(at(acme, "member-off", ben.pk))
    ben.refresh_from_db()
    assert (ben.role, ben.is_active) == ("manager", False)
    web.post(at(acme, "member-on", ben.pk))
    ben.refresh_from_db()
    assert ben.is_active


def test_the_last_owner_stays(web: Client, acme: Workspace, ana: Membership) -> None:
    page = web.post(at(acme, "member-off", ana.pk), follow=True).content.decode()
    assert "needs at least one active owner" in page
    ana.refresh_from_db()
    assert ana.is_active


def test_an_admin_does_not_make_owners(
    sign_in: SignIn, adam: Membership, ben: Membership, acme: Workspace
) -> None:
    client = sign_in(adam)
    client.post(at(acme, "member-edit", ben.pk), {"role": "owner"})
    refused = client.post(at(acme, "invite"), {"email": "x@example.com", "role": "owner"})
    ben.refresh_from_db()
    assert (ben.role, refused.status_code) == (Role.REP, 422)
    assert not Invitation.objects.exists()


def test_a_token_shows_its_key_once_and_works_until_it_is_revoked(
    web: Client, acme: Workspace
) -> None:
    form = {"name": "Website", "scopes": ["leads:read"], "ranks_as": "integration", "days": "30"}
    response = web.post(at(acme, "tokens"), form)
    key = re.search(r'value="(lcrm_[^"]+)"', response.content.decode())
    assert key is not None
    assert response["Cache-Control"] == "private, no-store"
    assert find_token(key[1], timezone.now()) is not None
    assert key[1] not in web.get(at(acme, "tokens")).content.decode()
    token = ApiToken.objects.get()
    for _ in range(2):
        web.post(at(acme, "token-revoke", token.pk))
    assert find_token(key[1], timezone.now()) is None
    issued, revoked = SettingsChange.objects.filter(area="API token").order_by("at", "id")
    assert [(row.subject, row.done, row.actor) for row in (issued, revoked)] == [
        ("Website", "issued", token.membership), ("Website", "revoked", token.membership),
    ]  # fmt: skip
    assert issued.changes["may"] == ["", "Read leads, people and appointments"]
    assert key[1] not in str(issued.changes)


def test_a_token_needs_a_name_and_a_scope(web: Client, acme: Workspace) -> None:
    response = web.post(at(acme, "tokens"), {"ranks_as": "person"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"name", "scopes"}
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("who", ["max_", "ben", "vera"])
def test_members_and_tokens_are_for_owners_and_admins(
    request: pytest.FixtureRequest, sign_in: SignIn, acme: Workspace, ana: Membership, who: str
) -> None:
    client = sign_in(request.getfixturevalue(who))
    token, _ = issue_token(membership=ana, name="T", scopes=["leads:read"])
    for name in ("members", "tokens"):
        assert client.get(at(acme, name)).status_code == 403
        assert at(acme, name) not in client.get(at(acme, "profile")).content.decode()
    posts = [
        at(acme, "invite"),
        at(acme, "member-edit", ana.pk),
        at(acme, "member-off", ana.pk),
        at(acme, "token-revoke", token.pk),
        at(acme, "tokens"),
    ]
    assert {client.post(path, {"role": "rep"}).status_code for path in posts} == {403}
    token.refresh_from_db()
    assert token.revoked_at is None


def test_members_of_another_workspace_are_not_found(
    web: Client, acme: Workspace, rita: Membership
) -> None:
    assert web.post(at(acme, "member-off", rita.pk)).status_code == 404
    with workspace_scope(rita.workspace):
        assert Membership.objects.get(pk=rita.pk).is_active


def test_the_members_page_takes_as_many_queries_for_twenty(
    web: Client, acme: Workspace, ben: Membership
) -> None:
    web.get(at(acme, "members"))
    with CaptureQueriesContext(connection) as few:
        web.get(at(acme, "members"))
    for number in range(20):
        make_member(acme, Role.REP, f"Rep{number}")
    with CaptureQueriesContext(connection) as many:
        web.get(at(acme, "members"))
    assert len(many) == len(few) <= 10


def test_the_profile_is_saved(web: Client, acme: Workspace, ana: Membership) -> None:
    form = {"name": "Ana B.", "time_zone": "Asia/Tokyo", "theme": "dark", "shortcuts": "on"}
    web.post(at(acme, "profile"), form)
    ana.user.refresh_from_db()
    assert (ana.user.name, ana.user.time_zone, ana.user.theme) == ("Ana B.", "Asia/Tokyo", "dark")
    assert 'data-bs-theme="dark"' in web.get(at(acme, "profile")).content.decode()


def test_a_time_zone_that_is_none_is_refused(web: Client, acme: Workspace) -> None:
    form = {"name": "Ana", "time_zone": "Mars/Base", "theme": "auto"}
    assert web.post(at(acme, "profile"), form).status_code == 422


def test_the_password_is_changed_and_the_session_goes_on(
    web: Client, sign_in: SignIn, acme: Workspace, ana: Membership
) -> None:
    elsewhere = sign_in(ana)
    new = "violet piano ladder"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    web.post(at(acme, "change-password"), form)
    assert web.get(at(acme, "profile")).status_code == 200
    assert elsewhere.get(at(acme, "profile")).status_code == 302
    wrong = web.post(at(acme, "change-password"), form)
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["old_password"])
