"""Global search: leads, people and companies by any part of what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, global_search, lifecycle
from leads.global_search import Everything, search_everything
from leads.models import Lead
from tests.factories import NOW, make_lead, make_leads

SignIn = Callable[[Membership], Client]


def find(member: Membership, text: str, country: str = "DE") -> Everything:
    return search_everything(member, text, country, 5)


def names(found: Everything) -> tuple[list[str], list[str], list[str]]:
    return (
        [row["display_name"] for row in found.leads.rows],
        [row["display_name"] for row in found.people.rows],
        [row["name"] for row in found.companies.rows],
    )


@pytest.fixture
def karla(acme: Workspace) -> Lead:
    make_lead(display_name="Somebody Else", email="else@other.example", phone="+493099999999")
    return make_lead(
        display_name="Karla Nowak",
        email="k.nowak@dachbau.example",
        phone="+49 151 23456789",
        company_name="Dachbau 99-44-100 GmbH",
    )


@pytest.mark.parametrize(
    "text",
    ["nowak", "KARLA", "owa", "karla no", "nowak k", "k.nowak@dachbau.example", "nowak@dach", "0151 23",
     "0151 2345", "+49 (0)151 23456789", "+49 (0)151 234", "0049 151 23456", "(0)151-234.567",
     "151/234", "49151", "99-44-100", "ka"],
)  # fmt: skip
def test_anybody_is_found_by_any_part(karla: Lead, ana: Membership, text: str) -> None:
    leads, people, _ = names(find(ana, text))
    assert (leads, people) == (["Karla Nowak"], ["Karla Nowak"])


@pytest.mark.parametrize("text", ["dachbau", "hbau 99", "99-44-100", "dachbau.example"])
def test_a_company_is_found_by_name_and_domain(karla: Lead, ana: Membership, text: str) -> None:
    _, _, companies = names(find(ana, text))
    assert companies == ["Dachbau 99-44-100 GmbH"]


@pytest.mark.parametrize("text", ["", "   ", "\x00", "%", "___", "zzz", "(0)", "+", "x" * 5000])
def test_what_names_nobody_finds_nobody(karla: Lead, ana: Membership, text: str) -> None:
    assert find(ana, text).count == 0


def test_the_name_that_starts_so_comes_first_then_the_open_lead_then_the_newest(
    acme: Workspace, ana: Membership, me: Actor
) -> None:
    ids = {
        name: make_lead(display_name=name, now=NOW - timedelta(days=age)).pk
        for age, name in enumerate(["Rosanna Berg", "Anna New", "Anna Lost", "Anna Old"])
    }
    (closed,) = lifecycle.close([ids["Anna Lost"]], reason="price", by=me, now=NOW)
    assert closed.done
    leads, _, _ = names(find(ana, "anna"))
    assert leads == ["Anna New", "Anna Old", "Anna Lost", "Rosanna Berg"]


def test_counts_say_how_many_there_are_or_that_there_are_more(
    acme: Workspace, ana: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_leads(7, display_name="Anna Berg")
    make_lead(display_name="Anna Newest", now=NOW + timedelta(days=1))
    found = find(ana, "anna")
    assert (len(found.leads.rows), found.leads.count, found.leads.more) == (5, 8, False)
    monkeypatch.setattr(global_search, "MOST", 3)
    monkeypatch.setattr(global_search, "WALKED", 2)
    found = find(ana, "anna")
    assert (found.leads.count, found.leads.more) == (3, True)
    assert found.leads.rows[0]["display_name"] == "Anna Newest"


def test_a_rep_finds_what_they_may_see(
    acme: Workspace, rival: Workspace, ana: Membership, ben: Membership, me: Actor
) -> None:
    make_lead(display_name="Anna Mine", company_name="Anna Mine Ltd", owner=ben)
    make_lead(display_name="Anna Theirs", company_name="Anna Theirs Ltd", owner=ana)
    gone = make_lead(display_name="Anna Gone", owner=ben)
    archiving.archive([gone.pk], by=me, now=NOW)
    with workspace_scope(rival):
        make_lead(display_name="Anna Rival", company_name="Anna Rival Ltd")
    leads, people, companies = names(find(ben, "anna"))
    assert (leads, companies) == (["Anna Mine"], ["Anna Mine Ltd"])
    assert set(people) == {"Anna Mine", "Anna Gone"}  # the person stays, their lead was removed
    assert set(names(find(ana, "anna"))[2]) == {"Anna Mine Ltd", "Anna Theirs Ltd"}


# --- the page and the options --------------------------------------------------------------------


@pytest.fixture
def web(sign_in: SignIn, acme: Workspace, ana: Membership) -> Client:
    client = sign_in(ana)
    client.get("/leads/", follow=True)
    return client


def test_the_page_groups_what_it_finds_and_leads_to_the_lists(
    web: Client, acme: Workspace, karla: Lead
) -> None:
    make_leads(21, display_name="Karla Many")
    path = reverse("search", args=[acme.slug])
    page = web.get(path, {"q": "karla"}).content.decode()
    for text in ("All 22 leads", "All 22 people", "Karla Nowak", "?view=all&amp;q=karla"):
        assert text in page
    assert "Nothing found" in web.get(path, {"q": "<zzz>"}).content.decode()
    assert "Find anybody" in web.get(path).content.decode()


def test_for_a_field_the_options_come_alone(web: Client, acme: Workspace, karla: Lead) -> None:
    headers = {"HX-Request": "true", "HX-Target": "search-list"}
    path = reverse("search", args=[acme.slug])
    page = web.get(path, {"q": "nowak"}, headers=headers).content.decode()
    assert "<html" not in page
    assert f'id="search-list-lead-{karla.pk}"' in page
    assert web.get(path, {"q": " "}, headers=headers).content.decode().strip() == ""


@pytest.mark.parametrize("many", [2, 30])
def test_the_queries_do_not_grow(
    web: Client, acme: Workspace, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(global_search, "MOST", 10)
    make_leads(many, display_name="Anna Berg", company_name="Anna Ltd")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer: Any = web.get(reverse("search", args=[acme.slug]), {"q": "anna"})
    assert answer.status_code == 200
    assert len(asked) <= 10
