"""Who may call the API: tokens with scopes, sessions with CSRF, and neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import issue_token, revoke_token
from leads.models import Activity, Lead
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, MembershipFactory, make_lead, make_workspace

pytestmark = pytest.mark.usefixtures("acme")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "lcrm_x", "Bearer \ud83d a b"],
)
def test_without_a_token_there_is_no_way_in(header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = Client(headers=headers).get("/api/leads")
    assert problem(answer, 401)["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_or_expired_token_ends(ana: Membership) -> None:
    revoked, revoked_key = issue_token(membership=ana, name="Old", scopes=["leads:read"])
    revoke_token(revoked, NOW)
    _, expired_key = issue_token(
        membership=ana, name="Older", scopes=["leads:read"], expires_at=NOW - timedelta(days=1)
    )
    for key in (revoked_key, expired_key):
        problem(Api(authorization=f"Bearer {key}").get("leads"), 401)


def test_a_deactivated_members_token_ends(ben: Membership, token_of: Maker) -> None:
    program = token_of(ben)
    done(program.get("leads"))
    ben.is_active = False
    ben.save(update_fields=["is_active"])
    problem(program.get("leads"), 401)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("leads:write", "GET", "leads"),
        ("leads:read", "POST", "leads"),
        ("leads:write", "GET", "activities"),
        ("leads:read", "GET", "sources"),
        ("settings:read", "POST", "sources"),
        ("settings:write", "GET", "pipelines"),
        ("settings:read", "GET", "contacts"),
        ("leads:read", "POST", "leads/bulk"),
    ],
)
def test_a_scope_that_is_missing_is_named(
    ana: Membership, token_of: Maker, scope: str, method: str, path: str
) -> None:
    error = problem(token_of(ana, scope).request(method, path, {"display_name": "Mia"}), 403)
    assert "lacks the scope" in error["message"]
    assert not Lead.objects.exists()


def test_a_token_acts_as_its_membership(ben: Membership, max_: Membership, token_of: Maker) -> None:
    mine, theirs = make_lead(owner=ben), make_lead(owner=max_)
    program = token_of(ben, name="Dialer")
    assert [row["id"] for row in done(program.get("leads"))["results"]] == [str(mine.pk)]
    problem(program.get(f"leads/{theirs.pk}"), 404)
    problem(program.delete(f"leads/{mine.pk}"), 403)
    done(program.post(f"leads/{mine.pk}/notes", {"body": "Hi"}))
    row = Activity.objects.get(kind="note_added")
    assert (row.actor, row.actor_kind, row.via) == (ben, "token", "api")
    shown = done(program.get(f"leads/{mine.pk}"))["activities"][0]["actor"]
    assert (shown["kind"], shown["name"]) == ("token", "Dialer")


def test_an_agents_token_works_without_a_user(workspace: Workspace, token_of: Maker) -> None:
    agent = MembershipFactory(
        workspace=workspace, user=None, kind="agent", name="Robo", role=Role.MANAGER
    )
    assert done(token_of(agent).get("me"))["member"]["name"] == "Robo"


def test_me_tells_what_one_may(ben: Membership, token_of: Maker) -> None:
    shown = done(token_of(ben, "leads:read").get("me"))
    assert (shown["member"]["role"], shown["scopes"]) == ("rep", ["leads:read"])
    assert shown["permissions"]["archive"] == "none"
    assert shown["workspace"]["slug"] == ben.workspace.slug


# --- sessions --------------------------------------------------------------------------------

Browser = Callable[[Membership], Client]


def test_a_signed_in_member_reads_and_writes(ana: Membership, sign_in: Browser) -> None:
    browser = sign_in(ana)
    answer = browser.post("/api/leads", {"display_name": "Mia"}, content_type="application/json")
    lead = Lead.objects.get(pk=done(answer, 201)["lead"]["id"])
    assert Activity.objects.get(lead=lead).actor == ana


def test_a_session_needs_the_csrf_token(ana: Membership) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user, backend="django.contrib.auth.backends.ModelBackend")
    body = {"display_name": "Mia"}
    problem(browser.post("/api/leads", body, content_type="application/json"), 403)
    assert not Lead.objects.exists()
    browser.get("/api/docs/?script=1")  # gives out the cookie
    token = browser.cookies["leadcrm_csrf"].value
    answer = browser.post(
        "/api/leads", body, content_type="application/json", headers={"X-CSRFToken": token}
    )
    done(answer, 201)


def test_a_form_is_no_body_for_a_session(ana: Membership, sign_in: Browser) -> None:
    browser = sign_in(ana)
    browser.handler.enforce_csrf_checks = True
    problem(browser.post("/api/leads", {"display_name": "Mia"}), 403)
    browser.handler.enforce_csrf_checks = False
    problem(browser.post("/api/leads", {"display_name": "Mia"}), 415)


def test_a_token_needs_no_csrf_token(ana: Membership, token_of: Maker) -> None:
    program = token_of(ana)
    program.client.handler.enforce_csrf_checks = True
    done(program.post("leads", {"display_name": "Mia"}), 201)


def test_the_workspace_of_a_session_is_chosen(ana: Membership, sign_in: Browser) -> None:
    second = make_workspace("Second")
    with workspace_scope(second):
        MembershipFactory(workspace=second, user=ana.user, name="Ana", role=Role.REP)
    browser = sign_in(ana)

    def slug(**headers: str) -> Any:
        return done(browser.get("/api/workspace", headers=headers))["slug"]

    assert slug() == ana.workspace.slug
    assert slug(**{"X-Workspace": second.slug}) == second.slug
    session = browser.session
    session["last_workspace"] = second.slug
    session.save()
    assert slug() == second.slug


def test_a_foreign_workspace_is_not_found(
    ana: Membership, rival: Workspace, sign_in: Browser
) -> None:
    browser = sign_in(ana)
    foreign = browser.get("/api/leads", headers={"X-Workspace": rival.slug})
    missing = browser.get("/api/leads", headers={"X-Workspace": "no-such-place"})
    assert problem(foreign, 404) == problem(missing, 404)


def test_somebody_without_a_workspace_is_told(ben: Membership, sign_in: Browser) -> None:
    browser = sign_in(ben)
    ben.is_active = False
    ben.save(update_fields=["is_active"])
    assert "workspace" in problem(browser.get("/api/leads"), 403)["message"]


def test_a_bad_token_is_not_made_good_by_a_session(ana: Membership, sign_in: Browser) -> None:
    answer = sign_in(ana).get("/api/leads", headers={"authorization": "Bearer wrong"})
    problem(answer, 401)


# --- isolation -------------------------------------------------------------------------------


def test_nothing_of_another_workspace_is_listed(rita: Membership, token_of: Maker) -> None:
    make_lead()
    program = token_of(rita)
    for path in ("leads", "contacts", "companies", "appointments", "activities"):
        assert done(program.get(path))["results"] == [], path
    for path in ("members", "sources", "pipelines"):
        names = {row.get("name", row.get("label")) for row in done(program.get(path))["results"]}
        assert names, path
    assert {row["name"] for row in done(program.get("members"))["results"]} >= {"Rita"}
