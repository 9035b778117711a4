"""Saved views and conditions: what they hold, who may do what with them, and what becomes stale."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import assignment, lifecycle, saved_views
from leads.conditions import Condition, Conditions, read_conditions, write_conditions
from leads.models import DefaultView, SavedView, SavedViewFilter, Stage
from tests.factories import make_lead

SignIn = Callable[[Membership], Client]


@pytest.fixture
def now() -> Any:
    return timezone.now()


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    return sign_in(ana)


def page(web: Client, acme: Workspace, name: str = "lead-list", **params: Any) -> Any:
    return web.get(reverse(name, args=[acme.slug]), params)


def names(response: Any) -> set[str]:
    return {lead.display_name for lead in response.context["leads"]}


def view_of(owner: Membership, *conditions: str, match: str = "all", **values: Any) -> SavedView:
    params = QueryDict(mutable=True)
    params.setlist("where", conditions)
    params["match"] = match
    found, faults = read_conditions(params)
    assert faults == []
    return saved_views.save_new(
        owner, conditions=found, **{"name": "Mine", "tab": "open", "sort": "", **values}
    )


@pytest.fixture
def three(acme: Workspace, ana: Membership, me: Actor, now: Any) -> None:
    """Ann is new and Ana's, Bob contacted and nobody's, Cid new and nobody's with a budget."""
    make_lead(now=now, display_name="Ann", owner=ana)
    bob = make_lead(now=now - timedelta(days=9), display_name="Bob", email="")
    lifecycle.contact([bob.pk], by=me, now=now)
    make_lead(now=now, display_name="Cid", budget=9000, phone="+14155552671")


@pytest.mark.parametrize(
    ("where", "match", "expected"),
    [
        (["1.stage.is.new"], "all", {"Ann", "Cid"}),
        (["1.stage.not.new"], "all", {"Bob"}),
        (["1.stage.is.new", "2.owner.is.none"], "all", {"Cid"}),
        (["1.stage.is.contacted", "1.owner.is.me"], "all", {"Ann", "Bob"}),
        (["1.stage.is.contacted", "2.owner.is.me"], "any", {"Ann", "Bob"}),
        (["1.stage.is.new", "1.owner.is.me", "2.stage.is.contacted"], "any", {"Ann", "Bob"}),
        (["1.budget.gte.5000"], "all", {"Cid"}),
        (["1.has_phone.is.true"], "all", {"Cid"}),
        (["1.has_email.is.false"], "all", {"Bob"}),
        (["1.tries.lt.1"], "all", {"Ann", "Bob", "Cid"}),
        (["1.created_at.gte.2d"], "all", {"Ann", "Cid"}),
        (["1.created_at.lt.2d", "1.budget.gte.1"], "all", {"Bob", "Cid"}),
        (["1.q.is.bob", "1.owner.is.me"], "all", {"Ann", "Bob"}),
        (["none"], "all", {"Ann", "Bob", "Cid"}),
    ],
)
@pytest.mark.usefixtures("three")
def test_conditions_with_and_and_or(
    web: Client, acme: Workspace, where: list[str], match: str, expected: set[str]
) -> None:
    found = page(web, acme, view="all", where=where, match=match)
    assert (found.status_code, names(found)) == (200, expected)
    assert page(web, acme, "board", view="all", where=where, match=match).context["count"] == len(
        expected
    )


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("nonsense", "is no filter"),
        ("1.gone-field.is.1", "There is no field"),
        ("1.owner.is.7", "is not an id"),
        ("1.stage.is.", "has no value"),
        ("1.budget.is.x", "number"),
    ],
)
@pytest.mark.usefixtures("three")
def test_a_condition_that_makes_no_sense_shows_no_leads_and_says_so(
    web: Client, acme: Workspace, where: str, says: str
) -> None:
    for name in ("lead-list", "board"):
        found = page(web, acme, name, view="all", where=where)
        assert (found.status_code, found.context["count"]) == (400, 0)
        assert says in found.content.decode()


def test_too_many_conditions_are_refused(web: Client, acme: Workspace) -> None:
    where = [f"{n}.tries.gte.1" for n in range(60)]
    assert "at most 40" in page(web, acme, where=where).content.decode()


def test_conditions_are_read_as_they_are_written() -> None:
    one, two = Condition("stage", "is", "new,contacted"), Condition("budget", "gte", "5.5")
    for conditions in (
        Conditions(((one, two), (two,)), "any"),
        Conditions(((one,),)),
        Conditions(),
    ):
        params = QueryDict(mutable=True)
        write_conditions(params, conditions)
        assert read_conditions(QueryDict(params.urlencode())) == (conditions, [])


def test_what_every_lead_must_fit_is_added_to_each_alternative() -> None:
    one, two, more = (Condition(name, "is", "1") for name in "abc")
    assert Conditions(((one,), (two,)), "any").with_all([more]).groups == ((one, more), (two, more))
    assert Conditions(((one, two),)).with_all([more]).groups == ((one, two), (more,))


@pytest.mark.usefixtures("three")
def test_a_list_is_saved_changed_saved_again_and_deleted(
    web: Client, acme: Workspace, ana: Membership
) -> None:
    query = urlencode({"view": "all", "stage": "new", "where": "1.owner.is.none,me"})
    web.post(
        reverse("view-new", args=[acme.slug]),
        {"query": query, "layout": "table", "name": "Fresh", "is_pinned": "on"},
    )
    view = SavedView.objects.get()
    assert (view.owner_id, view.tab, view.is_pinned, view.is_shared) == (ana.pk, "all", True, False)
    shown = page(web, acme, view=view.pk)
    assert names(shown) == {"Ann", "Cid"}
    assert not shown.context["is_changed"]
    changed = page(web, acme, view=view.pk, owner="me")
    assert (names(changed), changed.context["is_changed"]) == ({"Ann"}, True)
    assert "Discard" in changed.content.decode()
    web.post(
        reverse("view-save", args=[acme.slug, view.pk]),
        {"query": changed.context["query"], "layout": "board"},
    )
    again = page(web, acme, view=view.pk)
    assert (names(again), again.context["is_changed"]) == ({"Ann"}, False)
    assert SavedView.objects.get().layout == "board"
    assert names(page(web, acme, view=view.pk, where="none")) == {"Ann", "Bob", "Cid"}
    web.post(reverse("view-delete", args=[acme.slug, view.pk]))
    assert page(web, acme, view=view.pk).status_code == 404
    assert not SavedViewFilter.objects.exists()


def test_a_private_view_is_not_found_by_others_and_a_shared_one_not_changed_by_reps(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership, max_: Membership
) -> None:
    rep, manager = sign_in(ben), sign_in(max_)
    private, shared = view_of(ben), view_of(ana, name="Team", is_shared=True, is_pinned=True)
    assert page(manager, acme, view=private.pk).status_code == 404
    assert page(rep, acme, view=uuid.uuid4()).status_code == 404
    shown = page(rep, acme, view=shared.pk)
    assert shown.status_code == 200
    assert "Team" in [one.link.label for one in shown.context["view_tabs"]]
    assert not shown.context["may_change_view"]
    assert rep.post(reverse("view-pin", args=[acme.slug, shared.pk])).status_code == 403
    assert rep.post(reverse("view-share", args=[acme.slug, private.pk])).status_code == 403
    assert manager.post(reverse("view-unpin", args=[acme.slug, shared.pk])).status_code == 302
    manager.post(reverse("view-edit", args=[acme.slug, shared.pk]), {"name": "Ours"})
    shared.refresh_from_db()
    assert (shared.name, shared.is_shared, shared.is_pinned) == ("Ours", False, False)


def test_the_list_opens_with_ones_own_choice_or_the_workspaces(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership
) -> None:
    rep, owner = sign_in(ben), sign_in(ana)
    mine, team = view_of(ben, layout="board"), view_of(ana, is_shared=True)
    home = reverse("lead-list", args=[acme.slug])
    assert rep.get(home).status_code == 200
    owner.post(reverse("view-default-for-all", args=[acme.slug, team.pk]))
    assert rep.get(home).url == f"{home}?view={team.pk}"
    rep.post(reverse("view-default", args=[acme.slug, mine.pk]))
    assert rep.get(home).url == f"{reverse('board', args=[acme.slug])}?view={mine.pk}"
    assert rep.get(home, {"view": "waiting"}).status_code == 200
    owner.post(reverse("view-unshare", args=[acme.slug, team.pk]))
    assert [one.membership_id for one in DefaultView.objects.all()] == [ben.pk]
    rep.post(reverse("view-no-default", args=[acme.slug, mine.pk]))
    assert rep.get(home).status_code == 200


def test_what_a_view_names_that_is_gone_is_said_and_can_be_left_out(
    web: Client, acme: Workspace, ana: Membership, ben: Membership, now: Any
) -> None:
    make_lead(now=now, display_name="Ann")
    Stage.objects.filter(key="contacted").update(retired_at=now)
    Membership.objects.filter(pk=ben.pk).update(is_active=False)
    view = view_of(
        ana, "1.stage.is.contacted", f"2.owner.is.{ben.pk}", f"3.source.is.{uuid.uuid4()}"
    )
    shown = page(web, acme, view=view.pk).content.decode()
    assert "Stage: “Contacted” is no longer in use." in shown
    assert "Owner: “Ben” is no longer in use." in shown
    assert "Source: what it names is no longer in use." in shown
    SavedViewFilter.objects.filter(view=view, name="owner").update(name="a-field-deleted-since")
    for name in ("lead-list", "board"):
        broken = page(web, acme, name, view=view.pk)
        assert (broken.status_code, broken.context["count"]) == (200, 0)
        assert "There is no field “a-field-deleted-since” any more." in broken.content.decode()
    mended = web.get(broken.context["groups"][1][0].href)
    assert "a-field-deleted-since" not in mended.content.decode()


def test_a_view_has_columns_of_its_own(web: Client, acme: Workspace, ana: Membership) -> None:
    view = view_of(ana)
    address = reverse("lead-columns", args=[acme.slug])
    web.post(address, {"of_view": view.pk, "column": ["budget", "nonsense"], "back": "/"})
    shown = page(web, acme, view=view.pk).context["columns"]
    assert [one.key for one in shown] == ["due", "name", "budget"]
    assert "budget" not in [one.key for one in page(web, acme, view="all").context["columns"]]
    web.post(address, {"of_view": view.pk, "column": ["usual"]})
    assert "stage" in [one.key for one in page(web, acme, view=view.pk).context["columns"]]


def test_columns_stand_in_the_order_that_was_chosen(
    web: Client, acme: Workspace, ana: Membership
) -> None:
    view = view_of(ana)
    address = reverse("lead-columns", args=[acme.slug])
    for of_view, tab in ((str(view.pk), view.pk), ("", "all")):
        chosen = {"of_view": of_view, "column": ["budget", "owner", "stage"]}

        def shown(tab: Any = tab) -> list[str]:
            return [one.key for one in page(web, acme, view=tab).context["columns"]]

        web.post(address, chosen)
        assert shown() == ["due", "name", "budget", "owner", "stage"]
        web.post(address, {**chosen, "up": "stage"})
        assert shown() == ["due", "name", "budget", "stage", "owner"]
        web.post(address, {**chosen, "down": "budget"})
        assert shown() == ["due", "name", "owner", "budget", "stage"]
        web.post(address, {**chosen, "up": "budget"})  # it is the first
        web.post(address, {**chosen, "down": "tries"})  # it isn't chosen
        assert shown() == ["due", "name", "budget", "owner", "stage"]
        offered = [one.key for one in page(web, acme, view=tab).context["all_columns"]]
        assert offered[:4] == ["budget", "owner", "stage", "phone"]


def test_the_poll_and_the_neighbours_go_by_the_view(
    web: Client, acme: Workspace, ana: Membership, me: Actor, now: Any
) -> None:
    view = view_of(ana, "1.owner.is.me")
    one = make_lead(now=now, display_name="One")
    two = make_lead(now=now - timedelta(hours=1), display_name="Two")
    make_lead(now=now, display_name="Another's")
    assignment.assign([one.pk, two.pk], owner=ana, by=me, now=now)
    shown = page(web, acme, view=view.pk).context
    poll = {"view": view.pk, "since": shown["since"], "seen": shown["seen"]}
    assert page(web, acme, "lead-new", **poll).status_code == 204
    detail = reverse("lead-detail", args=[acme.slug, one.pk])
    around = web.get(detail, {"list": f"view={view.pk}"}).context["neighbours"]
    assert (
        around.label,
        {getattr(around.before, "name", ""), getattr(around.after, "name", "")},
    ) == (
        "Mine",
        {"", "Two"},
    )
    saved_views.delete(view)
    assert web.get(detail, {"list": f"view={view.pk}"}).status_code == 200


def test_a_saved_view_takes_ten_queries(web: Client, acme: Workspace, ana: Membership) -> None:
    view = view_of(ana, "1.owner.is.me", "2.tries.lt.5", sort="-created")
    page(web, acme, view=view.pk)
    with CaptureQueriesContext(connection) as queries:
        page(web, acme, view=view.pk)
    assert len(queries) <= 10, [one["sql"][:80] for one in queries]


# --- the form ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("three")
def test_the_form_leads_to_the_list_it_describes(web: Client, acme: Workspace) -> None:
    here = {"view": "all", "q": "", "owner": "none"}
    form = page(web, acme, "lead-filter", **here, rows="0", add="stage")
    assert [row.name for row in form.context["rows"]] == ["stage"]
    sent = {
        **here, "rows": "2", "join": "all", "name-0": "stage", "op-0": "is",
        "value-0": ["new", "contacted"], "name-1": "budget", "op-1": "gte", "value-1": "100",
        "word-1": "and",
    }  # fmt: skip
    assert "checked" in page(web, acme, "lead-filter", **sent).content.decode()
    answer = page(web, acme, "lead-filter", **sent, apply="1")
    assert QueryDict(answer.url.split("?")[1]).getlist("where") == [
        "1.stage.is.new,contacted", "2.budget.gte.100",
    ]  # fmt: skip
    assert names(web.get(answer.url)) == {"Cid"}
    either = page(web, acme, "lead-filter", **{**sent, "word-1": "or", "apply": "1"})
    assert names(web.get(either.url)) == {"Bob", "Cid"}
    again = web.get(either.url.replace("/leads/?", "/leads/filter/?"))
    assert [row.word for row in again.context["rows"]] == ["and", "or"]
    fewer = page(web, acme, "lead-filter", **sent, drop="0")
    assert [row.name for row in fewer.context["rows"]] == ["budget"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"name-0": "stage", "op-0": "is"}, "Choose at least one."),
        ({"name-0": "budget", "op-0": "gte", "value-0": ""}, "Give a value."),
        ({"name-0": "budget", "op-0": "gte", "value-0": "x"}, "number"),
        ({"name-0": "gone", "op-0": "is", "value-0": "1"}, "There is no field"),
        ({"name-0": "created_at", "op-0": "gte", "day-0": "soon"}, "Use a date"),
    ],
)
def test_the_form_says_what_is_missing(
    web: Client, acme: Workspace, row: dict[str, str], says: str
) -> None:
    answer = page(web, acme, "lead-filter", rows="1", apply="1", **row)
    assert answer.status_code == 200
    assert says in answer.content.decode()
