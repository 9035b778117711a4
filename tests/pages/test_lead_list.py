"""The lead list: tabs, filters, pages, counts, and what is new."""

from __future__ import annotations

import html
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
from leads import assignment, columns, lifecycle, timeline
from leads.views import rows
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


def list_of(workspace: Workspace, **params: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return reverse("lead-list", args=[workspace.slug]) + (f"?{query}" if query else "")


def names(response: Any) -> list[str]:
    return [lead.display_name for lead in response.context["leads"]]


def test_the_root_leads_to_the_last_workspace(web: Client, workspace: Workspace) -> None:
    response = web.get("/", follow=True)
    assert response.redirect_chain[-1][0] == list_of(workspace)
    assert response.status_code == 200


def test_a_visitor_is_sent_to_sign_in_and_back(client: Client, workspace: Workspace) -> None:
    response = client.get(list_of(workspace))
    assert response.url == f"{reverse('sign-in')}?next={list_of(workspace)}"


def test_htmx_is_told_to_load_the_sign_in_page_whole(client: Client, workspace: Workspace) -> None:
    response = client.get(list_of(workspace), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"].split("?")[0]) == (
        204,
        reverse("sign-in"),
    )


def test_another_workspace_is_not_found(sign_in: SignIn, rita: Membership, acme: Workspace) -> None:
    response = sign_in(rita).get(list_of(acme))
    assert response.status_code == 404
    assert "Not found, or not yours. Ask a manager." in response.content.decode()


def test_waiting_holds_what_nobody_answered(
    web: Client, acme: Workspace, me: Actor, now: Any
) -> None:
    make_lead(now=now, display_name="Unanswered")
    answered = make_lead(now=now, display_name="Answered")
    timeline.log_call([answered.pk], outcome="no_answer", by=me, now=now)
    assert names(web.get(list_of(acme))) == ["Unanswered"]


def test_each_tab_holds_its_leads(
    web: Client, acme: Workspace, me: Actor, ana: Membership, now: Any
) -> None:
    mine = make_lead(now=now, display_name="Mine")
    assignment.assign([mine.pk], owner=ana, by=me, now=now)
    make_lead(now=now, display_name="Free")
    lost = make_lead(now=now, display_name="Lost")
    lifecycle.close([lost.pk], reason="price", by=me, now=now)
    late = make_lead(now=now - timedelta(days=10), display_name="Late")
    expected = {
        "mine": {"Mine"},
        "unassigned": {"Free", "Late"},
        "open": {"Mine", "Free", "Late"},
        "closed": {"Lost"},
        "overdue": {"Late"},
        "all": {"Mine", "Free", "Lost", "Late"},
    }
    found = {key: set(names(web.get(list_of(acme, view=key)))) for key in expected}
    assert found == expected
    assert late.work_due_at < now


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"q": "zebra"}, ["Zebra Ltd"]),
        ({"stage": "contacted"}, ["Zebra Ltd"]),
        ({"owner": "none"}, ["Apple"]),
        ({"source": "website_form"}, ["Apple", "Zebra Ltd"]),
        ({"source": "phone"}, []),
    ],
)
def test_filters_narrow_the_list(
    web: Client,
    acme: Workspace,
    me: Actor,
    ana: Membership,
    now: Any,
    params: dict[str, str],
    expected: list[str],
) -> None:
    zebra = make_lead(now=now - timedelta(minutes=1), display_name="Zebra Ltd")
    make_lead(now=now, display_name="Apple")
    assignment.assign([zebra.pk], owner=ana, by=me, now=now)
    lifecycle.contact([zebra.pk], by=me, now=now)
    assert names(web.get(list_of(acme, view="all", **params))) == expected


@pytest.mark.parametrize("owner", ["nonsense", "00000000-0000-0000", "%00"])
def test_a_filter_that_makes_no_sense_is_a_400_that_says_so(
    web: Client, acme: Workspace, owner: str
) -> None:
    make_lead(display_name="Hidden while the filter is wrong")
    response = web.get(list_of(acme, view="all", owner=owner))
    assert response.status_code == 400
    assert names(response) == []
    assert "Clear filters" in response.content.decode()


SORTS = ("due", "-due", "waiting", "created", "-created", "active", "-active")


@pytest.mark.parametrize("sort", SORTS)
def test_pages_hold_every_lead_once(
    web: Client, acme: Workspace, me: Actor, now: Any, sort: str
) -> None:
    same_moment = make_leads(60, now=now)
    make_leads(50, now=now - timedelta(hours=1))
    lifecycle.recycle(
        [lead.pk for lead in same_moment[:20]], by=me, now=now, returns_at=now + timedelta(days=9)
    )
    seen: list[Any] = []
    after = ""
    for _ in range(3):
        response = web.get(list_of(acme, view="all", sort=sort, after=after))
        seen += [lead.pk for lead in response.context["leads"]]
        after = response.context["next"]
    assert (len(seen), len(set(seen)), after) == (110, 110, "")
    assert response.context["count"] == 110


def test_a_full_page_with_every_column_is_light(
    web: Client, acme: Workspace, ana: Membership, me: Actor, now: Any
) -> None:
    leads = make_leads(50, now=now)
    assignment.assign([lead.pk for lead in leads], owner=ana, by=me, now=now)
    web.post(
        reverse("lead-columns", args=[acme.slug]), {"column": [one.key for one in columns.COLUMNS]}
    )
    response = web.get(list_of(acme, view="all", sort="-active", owner="me", source="website_form"))
    assert len(names(response)) == 50
    assert len(response.content) < 200_000


def test_who_waits_for_the_same_moment_is_answered_in_order(
    web: Client, acme: Workspace, now: Any
) -> None:
    night = now.replace(hour=2) - timedelta(days=1)  # all are due when business opens
    for minutes, name in enumerate(("First", "Second", "Third")):
        make_lead(now=night + timedelta(minutes=minutes), display_name=name)
    assert names(web.get(list_of(acme))) == ["First", "Second", "Third"]
    assert names(web.get(list_of(acme, view="open"))) == ["Third", "Second", "First"]


def test_due_first_then_those_without_a_next_step(
    web: Client, acme: Workspace, me: Actor, now: Any
) -> None:
    make_lead(now=now, display_name="Soon")
    make_lead(now=now - timedelta(days=2), display_name="Long due")
    silent = make_lead(now=now, display_name="No step")
    lifecycle.contact([silent.pk], by=me, now=now)
    assert names(web.get(list_of(acme, view="open"))) == ["Long due", "Soon", "No step"]


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WzEsMiwzXQ", "WyIyMDI2LTAxLTAxIiwxLDJd"])
def test_a_broken_cursor_is_not_found(web: Client, acme: Workspace, cursor: str) -> None:
    assert web.get(list_of(acme, view="all", after=cursor)).status_code == 404


def test_a_rep_sees_own_and_unassigned(
    sign_in: SignIn, acme: Workspace, ben: Membership, ana: Membership, me: Actor, now: Any
) -> None:
    make_lead(now=now, display_name="Free")
    make_lead(now=now, display_name="Bens", owner=ben)
    make_lead(now=now, display_name="Anas", owner=ana)
    assert set(names(sign_in(ben).get(list_of(acme, view="all")))) == {"Free", "Bens"}


def test_removed_leads_are_not_listed(web: Client, acme: Workspace, me: Actor, now: Any) -> None:
    from leads import archiving

    lead = make_lead(now=now)
    archiving.archive([lead.pk], by=me, now=now)
    assert names(web.get(list_of(acme, view="all"))) == []


def test_new_leads_are_announced_once_they_came(web: Client, acme: Workspace, now: Any) -> None:
    make_lead(now=now)
    shown = web.get(list_of(acme, view="all")).context
    poll = reverse("lead-new", args=[acme.slug])
    params = {"view": "all", "since": shown["since"], "seen": shown["seen"]}
    assert web.get(poll, params).status_code == 204
    make_leads(3, now=now)
    response = web.get(poll, params)
    assert "3 new – Show" in response.content.decode()
    assert web.get(poll, {**params, "q": "nobody"}).status_code == 204


def test_new_leads_are_announced_after_many_others_came(
    web: Client, acme: Workspace, ben: Membership, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.views.list.MANY_ARRIVE", 3)
    shown = web.get(list_of(acme, view="mine")).context
    poll = reverse("lead-new", args=[acme.slug])
    make_leads(5, now=now, owner=ben)
    mine = Membership.objects.get(user=web.session["_auth_user_id"])
    make_lead(now=now + timedelta(seconds=1), owner=mine)
    params = {"view": "mine", "since": shown["since"], "seen": shown["seen"]}
    assert "1 new – Show" in web.get(poll, params).content.decode()


def test_spaces_are_no_search(web: Client, acme: Workspace) -> None:
    counted = [web.get(list_of(acme, q=q)).context["counted"] for q in ("  ", "x")]
    assert counted == [10_000, 1_000]


@pytest.mark.parametrize("since", ["", "abc", "1e400", "nan", "-9e99"])
def test_a_poll_that_makes_no_sense_is_refused(web: Client, acme: Workspace, since: str) -> None:
    poll = reverse("lead-new", args=[acme.slug])
    assert web.get(poll, {"since": since, "seen": 0}).status_code == 400


def test_empty_lists_say_what_to_do(web: Client, acme: Workspace) -> None:
    nothing = web.get(list_of(acme, view="all")).content.decode()
    assert "No leads yet" in nothing
    assert "Add a lead" in nothing
    filtered = web.get(list_of(acme, view="all", q="nobody")).content.decode()
    assert "No lead matches" in filtered
    assert "Clear filters" in filtered
    assert "All answered." in web.get(list_of(acme)).content.decode()


def test_htmx_gets_the_rows_alone(web: Client, acme: Workspace, now: Any) -> None:
    make_lead(now=now, display_name="Row")
    headers = {"HX-Request": "true", "HX-Target": "list"}
    body = web.get(list_of(acme, view="all"), headers=headers).content.decode()
    assert "Row" in body
    assert "<html" not in body


def test_the_list_takes_eight_queries_however_many_leads(
    web: Client, acme: Workspace, now: Any
) -> None:
    make_leads(3, now=now)
    web.get(list_of(acme, view="all"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        web.get(list_of(acme, view="all"))
    make_leads(57, now=now)
    with CaptureQueriesContext(connection) as many:
        web.get(list_of(acme, view="all"))
    assert len(many) - len(few) <= 1  # the count, once there is a second page
    assert len(many) <= 8


def test_every_column_has_its_cell() -> None:
    assert [one.key for one in columns.COLUMNS] == list(rows.CELLS)


def test_what_was_typed_is_shown_in_a_row_as_typed(
    web: Client, acme: Workspace, ana: Membership, now: Any
) -> None:
    evil = "<script>alert('1')</script>&\"{}"
    make_lead(now=now, display_name=evil, company_name=f"{evil} Ltd", label=evil, state=evil)
    columns.choose(ana, [one.key for one in columns.COLUMNS])
    page = web.get(list_of(acme, view="all")).content.decode()
    row = page.split("<tbody>")[1].split("</tbody>")[0]
    assert html.escape(evil) in row
    assert "<script" not in row
