"""Staff's lists on large tables: every list, filter, sort and search reads what it shows, not all.

20,000 leads with what belongs to them, most in a busy workspace, some in one that has been quiet
since; statistics as after ANALYZE. Then each query is explained as it ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import WorkspaceModel, all_workspaces
from leads.models import Activity, Cursor, Lead, Message
from tests.factories import make_workspace
from tests.plans import BIG, TABLES, asked, complaints
from tests.tenancy.conftest import address, populate

ROWS = 20_000
QUIET = 2_000  # of them, the oldest, in the quiet workspace
QUERIES = 8


@pytest.fixture
def quiet(db: None) -> Workspace:
    return make_workspace("Quiet")


@pytest.fixture
def volume(workspace: Workspace, quiet: Workspace) -> None:
    """The rows of one lead, copied: the keys rise with the number, as time does."""
    for number, place in ((1, quiet), (2, workspace)):
        populate(place, number)
    Cursor.objects.update(lane="bulk")  # nothing waits there; what waits is counted to 10,000
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in BIG:
            for place, first, last in ((quiet, 3, QUIET), (workspace, QUIET + 1, ROWS)):
                cursor.execute(_copies(model), [first, last, place.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE " + ", ".join(sorted(TABLES)))
        cursor.execute("SET LOCAL enable_seqscan = off")  # so a scan means that no index would do


def _copies(model: Any) -> str:
    """SQL that copies the model's row of a workspace with new keys, and what is unique with it."""
    key = model._meta.pk.column
    hexed = "lpad(to_hex(n), 12, '0')"
    new_id = f"('00000000-0000-7000-8000-' || {hexed})::uuid"
    changed = {
        "id": "n + 100000000" if model is Activity else new_id,
        "lead_id": new_id,
        "contact_id": new_id,
        "value": "value || n",
        "dedupe_key": "'k' || n",
        "created_at": "created_at + n * interval '1 second'",
        "received_at": "received_at + n * interval '1 second'",
        "last_activity_at": "last_activity_at + n * interval '1 second'",
        "display_name": "display_name || n",
    }
    columns = [field.column for field in model._meta.concrete_fields]
    values = [changed.get(column, f'"{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    one = f"(SELECT * FROM {model._meta.db_table} WHERE workspace_id = %s ORDER BY {key} LIMIT 1)"
    return (
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(values)} "
        f"FROM generate_series(%s, %s) n CROSS JOIN {one} AS template"
    ).replace("%s, %s", "%s::int, %s::int", 1)


def visit(client: Client, url: str, query: dict[str, str], at_most: int = QUERIES) -> list[str]:
    """What is wrong with a page."""
    with asked() as queries:
        response = client.get(url, query)
    wrong = [text for sql, params in queries for text in complaints(sql, params)]
    if response.status_code != 200:
        wrong.append(f"answers {response.status_code}")
    if len(queries) > at_most:
        wrong.append(f"takes {len(queries)} queries")
    counts = [sql for sql, _ in queries if "COUNT(" in sql and "LIMIT" not in sql]
    wrong += [f"counts without a limit: {sql[:80]}" for sql in counts]
    return [f"{url} {query}: {text}" for text in wrong]


def offers(client: Client, model: Any, scope: dict[str, str]) -> Iterator[dict[str, str]]:
    """The queries that a list offers: as it is, its filters, its sorts, a page and searches."""
    changes = client.get(address(model), scope).context["cl"]
    yield scope
    yield {**scope, "p": "3"}
    for spec in changes.filter_specs:
        for choice in spec.choices(changes):
            query = choice["query_string"].removeprefix("?")
            yield {**scope, **dict(pair.split("=") for pair in query.split("&") if "=" in pair)}
    for name in changes.sortable_by or ():
        yield {**scope, "o": str(changes.list_display.index(name))}
    some_id = "00000000-0000-7000-8000-000000000fff"
    for term in ("nobody", "p2", "p2@c2.example", "+14155550100", some_id, "4096"):
        yield {**scope, "q": term}


def test_no_page_reads_more_than_it_shows(staff, volume, workspace, quiet):
    """Every list with its filters, sorts and searches, the long ones in one workspace too; the rest."""
    wrong: list[str] = []
    for model in admin.site._registry:
        for query in offers(staff, model, {}):
            wrong += visit(staff, address(model), query)
        for place in (workspace, quiet) if issubclass(model, WorkspaceModel) else ():
            scope = {"workspace": str(place.pk)}
            for query in offers(staff, model, scope) if model in BIG else [scope]:
                wrong += visit(staff, address(model), query)
    for model in BIG:
        with all_workspaces():
            row = model._default_manager.order_by("-pk").first()
        wrong += visit(staff, address(model, "change", row.pk), {}, at_most=12)
    first_page = visit(staff, reverse("admin:index"), {}, at_most=100)  # it counts all, to a limit
    assert wrong + first_page == []


def test_a_query_without_an_index_would_be_noticed(volume):
    """The measure itself: each of these must be complained about."""
    with all_workspaces():
        for rows in (
            Lead.objects.filter(job_title="Baker").order_by("-pk")[:50],
            Lead.objects.order_by("-last_activity_at")[:50],
            Message.objects.filter(body__icontains="Hello there"),
        ):
            assert complaints(*rows.query.sql_with_params())
        with asked() as queries:
            Lead.objects.count()
        assert complaints(*queries[0])
