"""The second factor at sign-in, its recovery codes, and the list of where one is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from leadcrm.workspaces import second_factor
from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.general import change_workspace
from leadcrm.workspaces.models import (
    Membership,
    RecoveryCode,
    SecondFactor,
    SettingsChange,
    SignedIn,
    User,
    Workspace,
)
from leadcrm.workspaces.scoping import workspace_scope
from tests.factories import NOW, PASSWORD, MembershipFactory

pytestmark = pytest.mark.django_db
SignIn = Callable[[Membership], Client]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as found:
        yield found


def code_of(user: User, at: datetime) -> str:
    nonce = SecondFactor.objects.get(user=user).nonce
    secret = second_factor.secret_of(user, nonce)
    return second_factor.code_at(secret, int(at.timestamp()) // second_factor.STEP)


@pytest.fixture
def codes(ben: Membership) -> list[str]:
    """Ben has a second factor; his recovery codes. He took the code of the step before."""
    nonce, before = second_factor.new_nonce(), NOW - timedelta(seconds=30)
    step = int(before.timestamp()) // second_factor.STEP
    code = second_factor.code_at(second_factor.secret_of(ben.user, nonce), step)
    return second_factor.enable(ben.user, nonce, code, NOW)


def with_password(member: Membership) -> Client:
    client = Client()
    form = {"username": member.user.email, "password": PASSWORD}
    assert client.post(reverse("sign-in"), form).status_code == 302
    return client


def give(client: Client, code: str, **more: str) -> Any:
    return client.post(reverse("sign-in-code"), {"code": code, **more})


def leads(member: Membership) -> str:
    return reverse("lead-list", args=[member.workspace.slug])


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B, cut to six digits."""
    assert second_factor.code_at(b"12345678901234567890", at // 30) == code


def test_switched_on_by_a_code_and_asked_for_at_every_door(
    ben: Membership, sign_in: SignIn
) -> None:
    web = sign_in(ben)
    page = web.get(reverse("second-factor", args=[ben.workspace.slug]))
    assert "<svg" in page.content.decode()
    nonce = web.session["second_factor_nonce"]
    assert page.context["secret"] == second_factor.as_text(second_factor.secret_of(ben.user, nonce))
    on = reverse("second-factor-on", args=[ben.workspace.slug])
    assert web.post(on, {"code": "000000"}).status_code == 422
    secret = second_factor.secret_of(ben.user, nonce)
    code = second_factor.code_at(secret, int(NOW.timestamp()) // 30)
    shown = web.post(on, {"code": f"{code[:3]} {code[3:]}"})
    assert len(shown.context["codes"]) == 10
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert web.get(leads(ben)).status_code == 200  # this browser has just shown it
    other = with_password(ben)
    to_code = other.get(leads(ben))
    assert to_code["Location"].startswith(reverse("sign-in-code"))
    api = other.get("/api/leads", headers={"X-Workspace": ben.workspace.slug})
    assert (api.status_code, api.json()["error"]["code"]) == (403, "second_factor_required")
    fragment = other.get(leads(ben), headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"].startswith(reverse("sign-in-code"))
    assert other.get("/").status_code == 302


def test_a_code_lets_in_once(ben: Membership, codes: list[str], clock: Any) -> None:
    client, code = with_password(ben), code_of(ben.user, NOW)
    answer = give(client, code, next=leads(ben))
    assert answer["Location"] == leads(ben)
    assert client.get(leads(ben)).status_code == 200
    again = with_password(ben)
    replayed = give(again, code)
    assert replayed.status_code == 422
    assert again.get(leads(ben)).status_code == 302
    clock.shift(30)
    assert give(again, code_of(ben.user, NOW + timedelta(seconds=30))).status_code == 302


def test_a_code_of_long_ago_or_of_the_future_is_refused(ben: Membership, codes: list[str]) -> None:
    client = with_password(ben)
    for minutes in (-2, 2):
        answer = give(client, code_of(ben.user, NOW + timedelta(minutes=minutes)))
        assert answer.status_code == 422


def test_a_recovery_code_works_once(ben: Membership, codes: list[str]) -> None:
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()
    assert give(with_password(ben), codes[0].upper()).status_code == 302
    assert give(with_password(ben), codes[0]).status_code == 422
    assert RecoveryCode.objects.filter(used_at=None).count() == 9


def test_guessing_is_stopped_and_ends(ben: Membership, codes: list[str], clock: Any) -> None:
    client = with_password(ben)
    for _ in range(second_factor.MOST_FAILURES):
        assert give(client, "123456").status_code == 422
    right = give(client, code_of(ben.user, NOW))
    assert right.status_code == 422
    assert "Too many wrong codes" in right.content.decode()
    assert give(client, codes[0]).status_code == 422
    clock.shift(15 * 60 + 1)
    later = NOW + timedelta(seconds=15 * 60 + 1)
    client = with_password(ben)
    assert give(client, code_of(ben.user, later)).status_code == 302


def test_an_address_elsewhere_is_not_followed(ben: Membership, codes: list[str]) -> None:
    client = with_password(ben)
    answer = give(client, code_of(ben.user, NOW), next="https://evil.example/")
    assert answer["Location"] == reverse("home")


def test_switched_off_and_codes_renewed_by_the_password_alone(
    ben: Membership, codes: list[str]
) -> None:
    client, slug = with_password(ben), ben.workspace.slug
    give(client, code_of(ben.user, NOW))
    for name in ("recovery-codes", "second-factor-off"):
        assert client.post(reverse(name, args=[slug]), {"password": "wrong"}).status_code == 422
    new = client.post(reverse("recovery-codes", args=[slug]), {"password": PASSWORD})
    assert set(new.context["codes"]).isdisjoint(codes)
    assert give(with_password(ben), codes[3]).status_code == 422
    client.post(reverse("second-factor-off", args=[slug]), {"password": PASSWORD})
    assert with_password(ben).get(leads(ben)).status_code == 200
    assert not SecondFactor.objects.exists()


def test_a_workspace_can_ask_everybody_for_it(
    acme: Workspace, ana: Membership, ben: Membership, codes: list[str], sign_in: SignIn
) -> None:
    change_workspace(by=ana, requires_second_factor=True)
    web, here = sign_in(ana), reverse("second-factor", args=[acme.slug])
    assert web.get(leads(ana))["Location"] == here
    assert "asks everybody" in web.get(here).content.decode()
    api = web.get("/api/leads", headers={"X-Workspace": acme.slug})
    assert api.status_code == 403
    client = with_password(ben)
    give(client, code_of(ben.user, NOW))
    assert client.get(leads(ben)).status_code == 200
    client.post(reverse("second-factor-off", args=[acme.slug]), {"password": PASSWORD})
    assert SecondFactor.objects.filter(user=ben.user).exists()


def test_an_admin_resets_it_and_only_where_nobody_else_is_concerned(
    acme: Workspace, adam: Membership, ben: Membership, max_: Membership, rival: Workspace,
    codes: list[str], sign_in: SignIn,
) -> None:  # fmt: skip
    path = reverse("member-second-factor", args=[acme.slug, ben.pk])
    assert sign_in(max_).post(path).status_code == 403
    with workspace_scope(rival):
        elsewhere = MembershipFactory(workspace=rival, user=ben.user)
    with pytest.raises(NotAllowed, match="other workspaces"):
        second_factor.reset(ben, by=adam)
    with workspace_scope(rival):
        Membership.objects.filter(pk=elsewhere.pk).update(is_active=False)
    sign_in(adam).post(path)
    assert with_password(ben).get(leads(ben)).status_code == 200
    row = SettingsChange.objects.get(area="user")
    assert (row.subject, row.done) == ("Ben", "had the second factor reset")


def test_an_admin_does_not_reset_an_owners(
    acme: Workspace, adam: Membership, ana: Membership
) -> None:
    with pytest.raises(NotAllowed, match="owner"):
        second_factor.reset(ana, by=adam)


def test_signed_out_in_one_place_and_in_all_others(ben: Membership, rita: Membership) -> None:
    here, there, third = (with_password(ben) for _ in range(3))
    stranger, slug = with_password(rita), ben.workspace.slug
    page = here.get(reverse("sessions", args=[slug]))
    assert len(page.context["rows"]) == 3
    assert page.content.decode().count("This browser") == 1
    key = SignedIn.objects.get(session_key=there.session.session_key).pk
    foreign = SignedIn.objects.get(user=rita.user).pk
    end = reverse("session-end", args=[slug])
    for wrong in (foreign, "x", ""):
        here.post(end, {"session": wrong})
    assert stranger.get(leads(rita)).status_code == 200
    here.post(end, {"session": key})
    assert there.get(leads(ben)).status_code == 302
    assert third.get(leads(ben)).status_code == 200
    here.post(reverse("sessions-end-others", args=[slug]))
    assert third.get(leads(ben)).status_code == 302
    assert here.get(leads(ben)).status_code == 200


def test_a_new_password_leaves_this_session_alone(ben: Membership) -> None:
    here, there = with_password(ben), with_password(ben)
    new = "another horse battery"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    here.post(reverse("change-password", args=[ben.workspace.slug]), form)
    page = here.get(reverse("sessions", args=[ben.workspace.slug]))
    assert [one.session_key for one in page.context["rows"]] == [here.session.session_key]
    assert there.get(leads(ben)).status_code == 302
