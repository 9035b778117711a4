"""Polling the log: every row once, in order, and only what is settled and visible."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import lifecycle, timeline
from leads.models import Activity
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, make_lead, make_member, make_workspace


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    """A workspace whose rows are committed: the log shows nothing that is not."""
    return make_workspace("Acme")


@pytest.fixture
def acme(workspace: Workspace) -> Iterator[Workspace]:
    with workspace_scope(workspace):
        yield workspace


@pytest.fixture
def ana(acme: Workspace) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(role=Role.OWNER)


def poll_all(api: Api, **params: Any) -> list[dict[str, Any]]:
    """Poll until there is nothing new."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = done(api.get("activities", after=cursor, **params))
        if not page["results"]:
            return rows
        rows += page["results"]
        cursor = page["next_cursor"]


def test_the_log_is_polled_in_order_and_once(api: Api, ana: Membership) -> None:
    me = Actor.member(ana)
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=NOW)
    timeline.add_note([lead.pk], body="Hello", by=me, now=NOW)
    rows = poll_all(api, limit=1)
    assert [row["event"] for row in rows] == ["lead_created", "lead_qualified", "note_added"]
    assert rows[1]["from_stage"] == "new"
    assert rows[2]["message"]["body"] == "Hello"


def test_a_cursor_at_the_end_stays_until_something_happens(api: Api, ana: Membership) -> None:
    lead = make_lead()
    cursor = done(api.get("activities"))["next_cursor"]
    quiet = done(api.get("activities", after=cursor))
    assert quiet == {"results": [], "next_cursor": cursor}
    lifecycle.qualify([lead.pk], by=Actor.member(ana), now=NOW)
    (row,) = done(api.get("activities", after=cursor))["results"]
    assert row["event"] == "lead_qualified"


def test_rows_of_leads_that_are_not_visible_do_not_come(
    acme: Workspace, ana: Membership, token_of: Maker
) -> None:
    ben = make_member(acme, Role.REP, "Ben")
    mine, hers = make_lead(owner=ben), make_lead(owner=ana)
    assert {row["lead_id"] for row in poll_all(token_of(ben))} == {str(mine.pk)}
    assert {row["lead_id"] for row in poll_all(token_of(ana))} == {str(mine.pk), str(hers.pk)}


def test_a_row_committed_late_is_not_missed(api: Api, acme: Workspace) -> None:
    """An earlier transaction that commits after a later one: ids alone would skip its row."""
    wrote, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic(), workspace_scope(acme):
            make_lead(display_name="Slow")
            wrote.set()
            go_on.wait(10)
        connections.close_all()

    writer = threading.Thread(target=slow)
    writer.start()
    try:
        assert wrote.wait(10)
        make_lead(display_name="Quick")
        before = done(api.get("activities"))
    finally:
        go_on.set()
        writer.join()
    after = done(api.get("activities", after=before["next_cursor"]))
    ids = [row["id"] for row in before["results"] + after["results"]]
    assert len(ids) == len(set(ids)) == Activity.objects.count() == 2


def test_a_bad_poll_is_named(api: Api) -> None:
    problem(api.get("activities", limit=501), 400, "limit")
    problem(api.get("activities", since="now"), 400, "since")
