"""No page scans a large table: 20,000 leads spread like real ones, and every query explained.

With few rows a scan may be quickest; scans are made dear, so that one that is left means that no
index would do. A query may read what it shows and a good deal more, a count twice what it counts besides.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.demo import volume
from leadcrm.workspaces.models import ApiToken, Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads import saved_views
from leads.access import visible_leads
from leads.api.leads import ORDERS
from leads.conditions import Condition, Conditions
from leads.custom_field_settings import add_field
from leads.filter_fields import offered_fields
from leads.models import Campaign, Company, Contact, Lead, Pipeline, Source, Stage
from leads.sorts import SORTS
from leads.tabs import FOR_MANAGER, FOR_REP
from leads.views import cards
from tests.plans import TABLES, asked, complaints

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 11, 16, 20, tzinfo=UTC)
LEADS = 20_000
QUERIES = 10
READ_AT_MOST = 5_100  # rows of a table that one query reads; the longest timeline has 5,000


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Workspace]:
    with django_db_blocker.unblock(), transaction.atomic():
        loaded = volume.load(leads=LEADS, workspaces=2, seed=5, now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE " + ", ".join(sorted(TABLES)))
            cursor.execute("SET LOCAL random_page_cost = 1.1")  # as an installation sets it
            cursor.execute("SET LOCAL enable_seqscan = off")
        yield loaded.offices[0].workspace
        transaction.set_rollback(True)


@pytest.fixture
def _looks_up(filled: Workspace) -> Iterator[None]:
    """Joining all of 20,000 leads with those that a search finds may be quickest; of a million it
    never is."""
    with transaction.atomic(), connection.cursor() as cursor:
        for join in ("hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{join} = off")
        yield
        for join in ("hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{join} = on")


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due, and so how a query is planned, is the same at every hour."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def member(workspace: Workspace, role: Role) -> Membership:
    with workspace_scope(workspace):
        return Membership.objects.filter(
            role=role, is_active=True, user__email__startswith=role
        ).get()


@pytest.fixture
def visit(filled: Workspace) -> Any:
    """Ask for a page as a member of a role; returns what is wrong with how it reads."""
    clients: dict[str, Client] = {}

    def wrong(
        role: Role, path: str, headers: dict[str, str] | None = None, **query: Any
    ) -> list[str]:
        if role not in clients:
            clients[role] = Client()
            clients[role].force_login(
                member(filled, role).user, "django.contrib.auth.backends.ModelBackend"
            )
            clients[role].get(reverse("lead-list", args=[filled.slug]))
        with asked() as queries:
            response = wrong.answer = clients[role].get(path, query, headers=headers)
        found = [text for sql, params in queries for text in complaints(sql, params, READ_AT_MOST)]
        if response.status_code != 200:
            found.append(f"answers {response.status_code}")
        # A saved view is read besides, and the stages that its conditions name.
        is_saved = isinstance(query.get("view"), uuid.UUID)
        if len(queries) > QUERIES + (2 if is_saved else 0):
            found.append(f"takes {len(queries)} queries")
        return [f"{role} {path} {query}: {text}" for text in found]

    return wrong


ROLES = (Role.OWNER, Role.MANAGER, Role.REP)


@pytest.mark.parametrize("role", ROLES)
def test_every_tab_in_every_order(filled: Workspace, visit: Any, role: Role) -> None:
    path = reverse("lead-list", args=[filled.slug])
    wrong: list[str] = []
    for tab in dict.fromkeys((*FOR_MANAGER, *FOR_REP)):
        for sort in SORTS:
            wrong += visit(role, path, view=tab.key, sort=sort)
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", ["open", "all"])
def test_every_filter_that_is_offered(filled: Workspace, visit: Any, role: Role, view: str) -> None:
    path = reverse("lead-list", args=[filled.slug])
    offered = [
        query for query in _offered(filled) if view == "open" or not set(query) & set(READ_THROUGH)
    ]
    wrong = [text for query in offered for text in visit(role, path, view=view, **query)]
    assert wrong == []


def test_no_filter_is_left_out(filled: Workspace) -> None:
    """Each that the bar and the filter page offer is among those that are asked for."""
    client = Client()
    client.force_login(member(filled, Role.OWNER).user, "django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("lead-list", args=[filled.slug])).content.decode()
    (form,) = re.findall(r'<form[^>]*id="filters".*?</form>', page, re.DOTALL)
    offered = set(re.findall(r'\bname="(\w+)"', form)) - {"view", "sort", "q"}
    asked_for = {name.split("__")[0] for query in _offered(filled) for name in query}
    assert {name.split("__")[0] for name in offered} <= asked_for
    assert {one.name for one in offered_fields()} <= asked_for


@pytest.mark.parametrize("role", ROLES)
def test_the_board_and_views_with_and_and_or(
    filled: Workspace, visit: Any, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = member(filled, Role.OWNER)
    board = reverse("board", args=[filled.slug])
    alike = {"where": ["1.stage.is.new", "1.source.is.website_form", "2.owner.is.me"]}
    with workspace_scope(filled):
        pipelines = list(Pipeline.objects.values_list("pk", flat=True))
        stage = Stage.objects.filter(pipeline__is_default=True).get(key="new")
        view = saved_views.save_new(
            boss,
            name="Shared",
            is_shared=True,
            tab="open",
            conditions=Conditions(
                ((Condition("source", "is", "website_form"),), (Condition("tries", "lt", "3"),))
            ),
        )
    asked_for: list[dict[str, Any]] = [
        {},
        *({"pipeline": pk} for pk in pipelines),
        *({"view": tab.key} for tab in FOR_MANAGER),
        {"owner": "me"},
        {"source": "referral"},
        {"budget__gte": "50000"},
        {"view": view.pk},
        alike,
        {**alike, "match": "any"},
    ]
    wrong = [text for query in asked_for for text in visit(role, board, **query)]
    wrong += visit(role, reverse("board-more", args=[filled.slug, stage.pk]))
    path = reverse("lead-list", args=[filled.slug])
    for query in (alike, {**alike, "match": "any"}, {}):
        wrong += visit(role, path, **{"view": view.pk, **query})
    monkeypatch.setattr(cards, "FEW", 0)  # the way that many leads are read
    wrong += visit(role, board)
    assert wrong == []


# No index tells these apart, and most leads are alike in them: in all leads they are read through.
READ_THROUGH = ("tries__gte", "has_phone", "has_email")


def _offered(filled: Workspace) -> list[dict[str, Any]]:
    year_ago = (NOW - timedelta(days=365)).date()
    with workspace_scope(filled):
        members = Membership.objects.order_by("name", "pk").values_list("pk", flat=True)
        campaigns = Campaign.objects.order_by("name").values_list("pk", flat=True)
        return [
            *({"stage": key} for key in sorted(set(Stage.objects.values_list("key", flat=True)))),
            *({"owner": pk} for pk in members[:8]),
            {"owner": "me"},
            {"owner": "none"},
            *(
                {"source": pk}
                for pk in Source.objects.order_by("name").values_list("pk", flat=True)
            ),
            {"source": "website_form"},
            {"source": "referral"},
            *({"campaign": pk} for pk in campaigns[:8]),
            *({"pipeline": pk} for pk in Pipeline.objects.values_list("pk", flat=True)),
            {"team": "me"},
            {"location": uuid.UUID(int=5)},
            {"status": "qualified"},
            {"outcome": "open,won"},
            {"tries__gte": "1"},
            {"has_phone": "true"},
            {"has_email": "true"},
            {"created_at__gte": "30d"},
            {"work_due_at__lt": "in1d"},
            {"budget__gte": "50000"},
            {"budget__gte": "999999999"},
            {"last_activity_at__lte": year_ago},
            {"needs_review": "true"},
            {"is_test": "true"},
            {"is_test": "false"},
            {"archived": "true"},
            {"from": year_ago, "to": year_ago + timedelta(days=3)},
        ]


@pytest.mark.usefixtures("_looks_up")
@pytest.mark.parametrize("role", ROLES)
def test_every_way_to_search(filled: Workspace, visit: Any, role: Role) -> None:
    with workspace_scope(filled):
        lead = Lead.objects.present().exclude(email="").exclude(phone="").order_by("-pk")[50]
    terms = (lead.display_name, lead.email, lead.email[2:9], lead.phone, lead.phone[-7:],
             "smith", "zzqxwv", "jo", "dental jo", "j s", str(uuid.UUID(int=77)))  # fmt: skip
    wrong: list[str] = []
    for page in ("lead-list", "contacts", "companies", "search"):
        path = reverse(page, args=[filled.slug])
        for term in terms:
            wrong += visit(role, path, view="all", q=term)
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_pages_far_behind(filled: Workspace, visit: Any, role: Role) -> None:
    """The next page of the next page, for as long as there are any: none costs more."""
    path, wrong = reverse("lead-list", args=[filled.slug]), []
    for sort in SORTS:
        after = ""
        for _ in range(8):
            wrong += visit(role, path, view="all", sort=sort, after=after)
            after = visit.answer.context["next"]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_lists_of_people_and_pages_of_one(filled: Workspace, visit: Any, role: Role) -> None:
    with workspace_scope(filled):
        lead = (
            visible_leads(member(filled, role))
            .filter(contact__isnull=False, company__isnull=False, archived_at=None)
            .first()
        )
        long = Lead.objects.get(label=volume.LONG_LABEL)
    slug = filled.slug
    wrong = visit(role, reverse("my-day", args=[slug]))
    wrong += visit(role, reverse("my-day", args=[slug]), of="team")
    wrong += visit(role, reverse("contacts", args=[slug]))
    wrong += visit(role, reverse("companies", args=[slug]))
    wrong += visit(role, reverse("contact", args=[slug, lead.contact_id]))
    wrong += visit(role, reverse("company", args=[slug, lead.company_id]))
    wrong += visit(role, reverse("lead-detail", args=[slug, lead.pk]))
    if role == Role.OWNER:
        wrong += visit(role, reverse("lead-detail", args=[slug, long.pk]))
    assert wrong == []


def test_the_poll_for_new_leads(filled: Workspace, visit: Any) -> None:
    since = (NOW - timedelta(days=1)).timestamp()
    path = reverse("lead-new", args=[filled.slug])
    wrong = [
        text
        for role in ROLES
        for tab in FOR_MANAGER
        for text in visit(role, path, view=tab.key, since=since, seen=0)
        if tab.key == "all" or "answers 204" not in text  # of all leads, some did come in
    ]
    assert wrong == []


@pytest.mark.usefixtures("_looks_up")
def test_the_api(filled: Workspace, visit: Any) -> None:
    owner = member(filled, Role.OWNER)
    with workspace_scope(filled):
        _, key = issue_token(membership=owner, name="T", scopes=ApiToken.Scope.values)
        lead = Lead.objects.get(label=volume.LONG_LABEL)
        contact, company = Contact.objects.first(), Company.objects.first()
    token = {"Authorization": f"Bearer {key}"}
    leads = reverse("api:leads")
    asked_for = [
        *((leads, {"ordering": name}) for name in ORDERS),
        *((leads, {"status": status}) for status in ("lost", "sql", "new")),
        (leads, {"outcome": "open"}),
        (leads, {"score__gte": 90}),
        (leads, {"status": "lost", "budget__gte": 50000}),
        (leads, {"q": "smith"}),
        (reverse("api:lead", args=[lead.pk]), {}),
        (reverse("api:timeline", args=[lead.pk]), {}),
        (reverse("api:contacts"), {}),
        (reverse("api:contact", args=[contact.pk]), {}),
        (reverse("api:companies"), {}),
        (reverse("api:company", args=[company.pk]), {}),
        (reverse("api:activities"), {}),
    ]
    wrong = [
        text
        for path, query in asked_for
        for text in visit(Role.OWNER, path, headers=token, **query)
    ]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_any_of_many_own_fields(filled: Workspace, visit: Any, role: Role) -> None:
    """One index serves them all: rare values, common ones, those of which there are none.

    The last test here: the row versions that it leaves behind make the table larger to the planner.
    """
    with transaction.atomic(), workspace_scope(filled):
        owner = member(filled, Role.OWNER)
        own = [
            add_field(by=owner, now=NOW, kind="choice", label=f"Own {one}", options=["A", "B", "C"])
            for one in range(30)
        ]
        ids = Lead.objects.order_by("pk").values_list("pk", flat=True)
        for kept, every in (("B", 7), ("A", 200)):
            values = {str(field.pk): kept for field in own[:21]}
            Lead.objects.filter(pk__in=list(ids[::every])).update(attributes=values)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE leads_lead")
        path, wrong = reverse("lead-list", args=[filled.slug]), []
        for value in ("A", "B", "C"):
            for field in (own[3], own[20], own[29]):
                wrong += visit(role, path, view="all", **{field.name: value})
        transaction.set_rollback(True)
    assert wrong == []
