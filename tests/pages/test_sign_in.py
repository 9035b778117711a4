"""Sign-in, passwords, invitations and the way to a workspace."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.members import invite, withdraw_invitation
from leadcrm.workspaces.models import Invitation, Membership, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from tests.factories import PASSWORD, UserFactory

SignIn = Callable[[Membership], Client]
NEW = "violet piano ladder"


def try_password(client: Client, email: str, password: str) -> Any:
    return client.post(reverse("sign-in"), {"username": email, "password": password})


def test_sign_in_by_e_mail_in_any_case(client: Client, ana: Membership) -> None:
    response = try_password(client, f" {ana.user.email.upper()} ", PASSWORD)
    assert (response.status_code, response.url) == (302, "/leads/")


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    client: Client, ana: Membership
) -> None:
    wrong = try_password(client, ana.user.email, "wrong password")
    unknown = try_password(client, "nobody@example.com", "wrong password")
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    for answer in (wrong, unknown):
        assert "E-mail and password don&#x27;t match" in answer.content.decode()


def test_the_fifth_wrong_password_locks_with_a_clear_page(
    client: Client, ana: Membership, settings: Any
) -> None:
    settings.AXES_ENABLED = True
    codes = [try_password(client, ana.user.email, "wrong").status_code for _ in range(5)]
    assert codes == [422, 422, 422, 422, 429]
    locked = try_password(client, ana.user.email, PASSWORD)
    assert locked.status_code == 429
    assert "Too many tries" in locked.content.decode()


def test_sign_out_is_a_post(sign_in: SignIn, ana: Membership) -> None:
    client = sign_in(ana)
    assert client.get(reverse("sign-out")).status_code == 405
    assert client.post(reverse("sign-out")).status_code == 302
    assert client.get("/leads/").url.startswith(reverse("sign-in"))


def test_sign_in_never_leads_to_another_site(client: Client, ana: Membership) -> None:
    form = {"username": ana.user.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(reverse("sign-in"), form).url == "/leads/"


def test_a_forgotten_password_is_set_anew_by_mail(client: Client, ana: Membership) -> None:
    client.post(reverse("reset"), {"email": ana.user.email})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)
    assert link is not None
    form = client.get(link[1], follow=True)
    form_address = form.redirect_chain[-1][0]
    client.post(form_address, {"new_password1": NEW, "new_password2": NEW})
    assert try_password(client, ana.user.email, NEW).status_code == 302
    used = Client().get(link[1])
    assert "can't be used any more" in used.content.decode()


def test_a_reset_answers_the_same_for_unknown_addresses(client: Client, ana: Membership) -> None:
    known = client.post(reverse("reset"), {"email": ana.user.email}, follow=True)
    unknown = client.post(reverse("reset"), {"email": "nobody@example.com"}, follow=True)
    assert (known.status_code, known.redirect_chain) == (200, unknown.redirect_chain)
    assert known.content == unknown.content
    assert [message.to for message in mail.outbox] == [[ana.user.email]]


# --- invitations ---


@pytest.fixture
def link(acme: Workspace, ana: Membership) -> str:
    _, secret = invite(by=ana, email="New@Example.com", now=timezone.now(), role="manager")
    return reverse("join", args=[secret])


ACCOUNT = {"name": "Nora", "email": "new@example.com", "password": NEW}


def test_a_new_person_joins_with_a_name_and_a_password(
    client: Client, link: str, acme: Workspace
) -> None:
    page = client.get(link).content.decode()
    assert "Join Acme" in page
    assert 'value="new@example.com"' in page
    response = client.post(link, ACCOUNT)
    assert response.url == reverse("lead-list", args=[acme.slug])
    assert client.get(response.url).status_code == 200
    assert Membership.objects.get(user__email="new@example.com").role == "manager"


def test_a_signed_in_person_joins_with_their_account(
    sign_in: SignIn, link: str, acme: Workspace, rita: Membership
) -> None:
    client = sign_in(rita)
    assert f"Join as {rita.user.email}" in client.get(link).content.decode()
    client.post(link)
    assert Membership.objects.filter(user=rita.user).exists()


def test_a_link_works_once(client: Client, link: str, acme: Workspace) -> None:
    client.post(link, ACCOUNT)
    other = Client()
    assert other.get(link).status_code == 410
    assert other.post(link, {**ACCOUNT, "email": "x@example.com"}).status_code == 410
    assert not User.objects.filter(email="x@example.com").exists()


@pytest.mark.parametrize("ending", ["expired", "withdrawn", "made up"])
def test_a_dead_link_says_so(
    client: Client, link: str, acme: Workspace, ana: Membership, ending: str
) -> None:
    if ending == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if ending == "withdrawn":
        withdraw_invitation(Invitation.objects.get(), by=ana, now=timezone.now())
    response = client.get("/join/made-up/" if ending == "made up" else link)
    assert response.status_code == 410
    assert "can't be used any more" in response.content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"name": ""}, "name"),
        ({"email": "taken"}, "email"),
    ],
)
def test_a_poor_account_is_refused_by_its_field(
    client: Client, link: str, ana: Membership, change: dict[str, str], field: str
) -> None:
    change = {name: ana.user.email if text == "taken" else text for name, text in change.items()}
    users = User.objects.count()
    response = client.post(link, {**ACCOUNT, **change})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert User.objects.count() == users
    assert Invitation.objects.get().accepted_at is None


# --- workspaces ---


def test_the_switcher_lists_own_workspaces_and_the_last_one_is_kept(
    sign_in: SignIn, ana: Membership, workspace: Workspace, rival: Workspace
) -> None:
    with workspace_scope(rival):
        Membership.objects.create(user=ana.user, name="Ana", role="rep")
    client = sign_in(ana)
    page = client.get(reverse("workspaces")).content.decode()
    assert workspace.slug in page
    assert rival.slug in page
    client.get(reverse("lead-list", args=[rival.slug]))
    assert client.get("/").url == reverse("lead-list", args=[rival.slug])
    assert client.get("/leads/").url == reverse("lead-list", args=[rival.slug])
    assert client.get("/settings/").url == reverse("settings", args=[rival.slug])


def test_who_has_no_workspace_is_told_what_to_do(client: Client, db: None) -> None:
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/", follow=True)
    assert page.status_code == 200
    assert "No workspace yet" in page.content.decode()


def test_a_deactivated_member_is_out_at_once(
    sign_in: SignIn, ben: Membership, workspace: Workspace
) -> None:
    client = sign_in(ben)
    home = reverse("lead-list", args=[workspace.slug])
    assert client.get(home).status_code == 200
    with workspace_scope(workspace):
        Membership.objects.filter(pk=ben.pk).update(is_active=False)
    assert client.get(home).status_code == 404


def test_a_page_that_is_out_of_date_says_so(ana: Membership, workspace: Workspace) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana.user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(reverse("lead-add", args=[workspace.slug]), {})
    assert response.status_code == 403
    assert "This page is out of date" in response.content.decode()


def test_an_error_of_ours_has_a_page_that_needs_nothing(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("leadcrm.workspaces.views.joining.find_invitation", None)
    response = client.get("/join/x/")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
