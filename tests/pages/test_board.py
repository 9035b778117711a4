"""The board: its columns, cards and heads, what it reads, and what becomes of a card that is moved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import assignment, lifecycle, setup
from leads.models import Lead, Pipeline, Stage
from leads.views import cards
from tests.factories import make_lead, make_leads

SignIn = Callable[[Membership], Client]


@pytest.fixture
def now() -> Any:
    return timezone.now()


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    client = sign_in(ana)
    client.get("/")
    return client


def board(web: Client, acme: Workspace, **params: Any) -> Any:
    return web.get(reverse("board", args=[acme.slug]), params)


def columns(response: Any) -> dict[str, list[str]]:
    """The names on the cards of each column."""
    return {
        column.way.label: re.findall(r'<a class="row-link"[^>]*>([^<]*)</a>', column.cards)
        for column in response.context["columns"]
    }


def test_open_stages_hold_their_leads_by_what_is_due(
    web: Client, acme: Workspace, me: Actor, now: Any
) -> None:
    silent = make_lead(now=now, display_name="No step")
    make_lead(now=now, display_name="Soon", budget=2500, budget_currency="USD")
    make_lead(now=now - timedelta(days=2), display_name="Late")
    lost = make_lead(now=now, display_name="Lost")
    lifecycle.close([lost.pk], reason="price", by=me, now=now)
    met = make_lead(now=now, display_name="Contacted")
    lifecycle.contact([met.pk], by=me, now=now)
    Lead.objects.filter(pk=silent.pk).update(work_due_at=None)
    shown = board(web, acme)
    assert columns(shown) == {
        "New": ["Late", "Soon", "No step"],
        "Contacted": ["Contacted"],
        "Qualified": [],
        "Booked": [],
        "Met": [],
    }
    (new, *_) = shown.context["columns"]
    assert (new.sums.shown, new.sums.budget) == ("3", "2,500 USD")
    assert "No next step" in new.cards
    assert shown.content.decode().count("lead-card no-step") == 2


@pytest.mark.parametrize("few", [1_000, 5])
def test_a_column_shows_twenty_five_cards_and_more_on_demand(
    web: Client, acme: Workspace, now: Any, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(cards, "FEW", few)
    make_leads(60, now=now)
    Lead.objects.filter(pk__in=[one.pk for one in make_leads(3, now=now)]).update(work_due_at=None)
    column = board(web, acme).context["columns"][0]
    seen = re.findall(r'id="card-([^"]*)"', column.cards)
    assert (len(seen), column.sums.count) == (25, 63)
    address, after = reverse("board-more", args=[acme.slug, column.way.pk]), column.after
    for _ in range(2):
        column = web.get(address, {"view": "open", "after": after}).context["column"]
        seen += re.findall(r'id="card-([^"]*)"', column.cards)
        after = column.after
    assert (len(seen), len(set(seen)), after) == (63, 63, "")


def test_a_pipeline_is_picked_and_kept_with_the_filters(
    web: Client, acme: Workspace, now: Any
) -> None:
    other = setup.add_pipeline("appointments")
    make_lead(now=now, display_name="Here")
    shown = board(web, acme, view="open", pipeline=other.pk, owner="none")
    assert shown.context["shown"].pipeline == other.pk
    assert all(names == [] for names in columns(shown).values())
    assert "owner=none" in shown.context["as_table"]
    assert f"pipeline={other.pk}" in shown.context["as_table"]
    first = Pipeline.objects.get(is_default=True)
    assert board(web, acme, pipeline=first.key).context["shown"].pipeline == first.pk


def test_a_rep_sees_own_and_free_leads_and_a_viewer_moves_none(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership, vera: Membership, now: Any
) -> None:
    for owner, name in ((ana, "Anas"), (ben, "Bens"), (None, "Free")):
        make_lead(now=now, display_name=name, owner=owner)
    assert set(columns(board(sign_in(ben), acme))["New"]) == {"Bens", "Free"}
    page = board(sign_in(vera), acme)
    assert set(columns(page)["New"]) == {"Anas", "Bens", "Free"}
    assert 'draggable="true"' not in page.content.decode()
    assert "board-drops" not in page.content.decode()


def test_a_moved_card_comes_back_in_its_new_column_with_new_counts(
    web: Client, acme: Workspace, me: Actor, ana: Membership, now: Any
) -> None:
    lead = make_lead(now=now, display_name="Mover")
    here = f"http://testserver{reverse('board', args=[acme.slug])}?view=open"
    headers = {"HX-Request": "true", "HX-Current-URL": here}
    card = reverse("board-card", args=[acme.slug, lead.pk])
    move = reverse("lead-move", args=[acme.slug, lead.pk])
    moved = web.post(move, {"stage": "contacted"}, headers=headers)
    assert moved.status_code == 204
    assert f"changed-{lead.pk}" in moved["HX-Trigger"]
    stage = Stage.objects.get(key="contacted")
    told = web.get(card, headers=headers).content.decode()
    assert f'data-stage="{stage.pk}"' in told
    assert f'id="head-{stage.pk}" hx-swap-oob="true"' in told
    refused = web.post(move, {"stage": "new"}, headers=headers)
    assert f'"refused": {{"lead": "{lead.pk}"' in refused["HX-Trigger"]
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    assert "lead-card" not in web.get(card, headers=headers).content.decode()


def test_a_tab_narrows_the_board_and_htmx_gets_it_without_the_frame(
    web: Client, acme: Workspace, ana: Membership, me: Actor, now: Any
) -> None:
    mine = make_lead(now=now, display_name="Mine")
    make_lead(now=now, display_name="Free")
    assignment.assign([mine.pk], owner=ana, by=me, now=now)
    assert columns(board(web, acme, view="mine"))["New"] == ["Mine"]
    headers = {"HX-Request": "true", "HX-Target": "list"}
    part = web.get(reverse("board", args=[acme.slug]), headers=headers).content.decode()
    assert "Free" in part
    assert "<html" not in part


def test_the_board_takes_ten_queries_however_many_columns_and_leads(
    web: Client, acme: Workspace, now: Any
) -> None:
    make_leads(3, now=now)
    board(web, acme)
    with CaptureQueriesContext(connection) as few:
        board(web, acme)
    make_leads(57, now=now)
    template = Stage.objects.get(key="qualified")
    for number in range(4):
        Stage.objects.create(
            pipeline=template.pipeline, key=f"more-{number}", label=f"More {number}",
            status=template.status, outcome="open", position=20 + number,
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        shown = board(web, acme)
    assert len(columns(shown)) == 9
    assert len(many) == len(few) <= 10, [one["sql"][:90] for one in many]
