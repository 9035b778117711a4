"""The password once more, before exports, API tokens and changes of members."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.models import ApiToken, Invitation, Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from tests.factories import PASSWORD

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/w/x/leads/?view=all"}


@pytest.fixture
def web(ana: Membership, sign_in: Any) -> Client:
    return sign_in(ana)


@pytest.fixture
def later(web: Client) -> Any:
    """An hour and a minute after the sign-in."""
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False) as moved:
        yield moved


def export_of(workspace: Workspace) -> str:
    return reverse("lead-export", args=[workspace.slug]) + "?all=1&in=view%3Dall"


def test_within_an_hour_of_the_sign_in_nothing_is_asked(web: Client, workspace: Workspace) -> None:
    assert web.get(export_of(workspace)).status_code == 200


def test_after_that_the_password_leads_on_for_another_hour(
    web: Client, workspace: Workspace, later: Any
) -> None:
    asked = web.get(export_of(workspace), follow=True)
    assert asked.redirect_chain[0][0].startswith(reverse("confirm"))
    assert "more than an hour ago" in asked.content.decode()
    back = {"next": asked.context["next"]}
    wrong = web.post(reverse("confirm"), {**back, "password": "not mine"})
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.content.decode()
    assert web.get(export_of(workspace)).status_code == 302
    right = web.post(reverse("confirm"), {**back, "password": PASSWORD})
    assert right["Location"] == export_of(workspace)
    assert web.get(export_of(workspace)).status_code == 200
    later.shift(timedelta(minutes=61))
    assert web.get(export_of(workspace)).status_code == 302


def test_a_part_of_a_page_has_the_whole_page_led_there_and_back(
    web: Client, workspace: Workspace, later: Any
) -> None:
    answer = web.get(export_of(workspace), headers=HTMX)
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith(reverse("confirm"))
    assert "view%3Dall" in answer["HX-Redirect"]


def test_tokens_and_members_are_not_changed_without_it(
    web: Client, workspace: Workspace, later: Any
) -> None:
    slug = workspace.slug
    assert web.get(reverse("tokens", args=[slug])).status_code == 200
    for page, sent in (
        ("tokens", {"name": "BI", "scopes": ["leads:read"]}),
        ("invite", {"email": "new@example.com", "role": "rep"}),
    ):
        answer = web.post(
            reverse(page, args=[slug]), sent, headers={"Referer": f"http://testserver/w/{slug}/"}
        )
        assert answer.status_code == 302, page
        assert answer["Location"].startswith(reverse("confirm"))
        assert slug in answer["Location"]
    with workspace_scope(workspace):
        assert not ApiToken.objects.exists()
        assert not Invitation.objects.exists()


def test_it_leads_to_our_own_pages_only_and_asks_only_who_is_signed_in(
    web: Client, workspace: Workspace
) -> None:
    sent = {"next": "https://evil.example/", "password": PASSWORD}
    assert web.post(reverse("confirm"), sent)["Location"] == reverse("home")
    assert Client().get(reverse("confirm"))["Location"] == reverse("sign-in")


def test_guesses_are_counted_like_those_of_a_sign_in(
    web: Client, workspace: Workspace, settings: Any
) -> None:
    settings.AXES_ENABLED = True
    for _ in range(settings.AXES_FAILURE_LIMIT):
        web.post(reverse("confirm"), {"password": "guess"})
    locked = web.post(reverse("confirm"), {"password": PASSWORD})
    assert locked.status_code in (403, 422, 429)
    assert "Location" not in locked
