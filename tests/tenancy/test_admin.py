"""Staff's admin: every model, across workspaces, fast lists, no rewriting of history, all logged."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from structlog.testing import capture_logs

from integrations.models import InboundEvent
from leadcrm.admin_site import StaffSite
from leadcrm.workspaces.models import (
    ApiToken,
    IdempotencyKey,
    Invitation,
    Location,
    Membership,
    Team,
    User,
    Workspace,
)
from leadcrm.workspaces.scoping import (
    WorkspaceModel,
    all_workspaces,
    current_scope,
    workspace_scope,
)
from leadcrm.workspaces.tokens import issue_token
from leads import models as leads
from leads.models import Activity, Cursor, Lead, Parking, Source
from tests.factories import NOW, PASSWORD, UserFactory, make_lead, make_member

OURS = [
    model for label in ("workspaces", "leads", "integrations")
    for model in apps.get_app_config(label).get_models()
]  # fmt: skip
CHANGEABLE = {
    User, Workspace, Team, Location, leads.Source, leads.Campaign, leads.Pipeline, leads.Stage,
    leads.CloseReason,
}  # fmt: skip
ADDABLE = {User, Workspace}


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(model: Any, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def populate(workspace: Workspace, number: int) -> None:
    """A row of every model in the workspace."""
    with workspace_scope(workspace):
        ben = make_member(workspace, "rep", f"Ben {number}")
        team = Team.objects.create(name=f"Team {number}")
        Location.objects.create(name=f"Place {number}")
        issue_token(membership=ben, name="BI", scopes=[])
        Invitation.objects.create(email="x@example.com", digest=f"{number}", expires_at=NOW)
        IdempotencyKey.objects.create(membership=ben, key="k")
        leads.Campaign.objects.create(name=f"Campaign {number}")
        source = Source.objects.first()
        lead = make_lead(
            display_name=f"Person {number}", email=f"p{number}@c{number}.example", owner=ben,
            company_name=f"Company {number}", external=("crm", str(number)), team=team,
        )  # fmt: skip
        leads.FieldSuggestion.objects.create(lead=lead, field="state", value="CA")
        leads.Deal.objects.create(lead=lead, name="Deal", currency="USD", owner=ben)
        leads.Appointment.objects.create(lead=lead, host=ben)
        leads.Task.objects.create(lead=lead, title="Call", due_at=NOW, assignee=ben)
        leads.Message.objects.create(
            lead=lead, channel="note", direction="internal", occurred_at=NOW, body="Hello"
        )
        leads.MergeJournal.objects.create(root=lead, absorbed=[], made_by=ben)
        leads.SourceDay.objects.create(source=source, day=NOW.date() + timedelta(days=number))
        Parking.objects.create(
            subscriber=f"s{number}", lane="live", lead_id=lead.pk, activity_ids=[1], error="E",
            retry_at=NOW,
        )  # fmt: skip
        InboundEvent.objects.create(
            source=source,
            provider="web_form",
            dedupe_key=f"{number}",
            body=b'{"a": "\xff"}',
            lead=lead,
        )
    Cursor.objects.create(subscriber=f"s{number}", lane="live")


@pytest.fixture
def rows(workspace: Workspace, rival: Workspace) -> None:
    populate(workspace, 1)
    populate(rival, 2)


# --- who gets in ---


def test_the_site_is_ours():
    assert isinstance(
        admin.site._wrapped if hasattr(admin.site, "_wrapped") else admin.site, StaffSite
    )


@pytest.mark.parametrize("who", ["ana", "ben", "nobody"])
def test_only_staff_of_the_installation_gets_in(workspace, who, request, sign_in):
    client = Client() if who == "nobody" else sign_in(request.getfixturevalue(who))
    for path in (reverse("admin:index"), address(Lead), address(User, "add")):
        response = client.get(path)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("admin:login"))
    assert current_scope() is None


def test_staff_who_was_deactivated_is_out(staff):
    User.objects.update(is_active=False)
    assert staff.get(reverse("admin:index")).status_code == 302


def test_staff_without_rights_sees_nothing(workspace):
    client = Client()
    client.force_login(
        UserFactory(is_staff=True), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(address(Lead)).status_code == 403


def test_staff_signs_in_with_the_password(workspace):
    UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)
    client = Client()
    form = {"username": "staff@example.com", "password": PASSWORD, "next": "/admin/"}
    assert client.post(reverse("admin:login"), form)["Location"] == "/admin/"


# --- every model ---


def test_every_model_has_its_pages():
    missing = [model._meta.label for model in OURS if not admin.site.is_registered(model)]
    assert missing == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_list_and_detail_show_rows_of_all_workspaces(staff, rows, model):
    response = staff.get(address(model), {"q": ""})
    assert response.status_code == 200
    shown = response.context["cl"].result_list
    if issubclass(model, WorkspaceModel):
        assert len({row.workspace_id for row in shown}) == 2
    row = shown[0]
    page = staff.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert bool(page.context["has_change_permission"]) == (model in CHANGEABLE)
    assert current_scope() is None


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(staff, rows, rival, model):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert staff.get(address(model)).status_code == 200
        return [one["sql"] for one in seen]

    queries()
    few = queries()
    for number in range(3, 7):
        populate(rival, number)
    many = queries()
    assert len(many) == len(few) <= 12
    unlimited = [sql for sql in many if "COUNT(" in sql and "LIMIT" not in sql]
    assert unlimited == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_nothing_is_deleted_and_little_is_added(staff, rows, model):
    with all_workspaces():
        row = model._default_manager.order_by("pk").first()
    assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    response = staff.get(address(model, "add"))
    assert response.status_code == (200 if model in ADDABLE else 403)


@pytest.mark.parametrize(
    "model", [model for model in OURS if model not in CHANGEABLE], ids=lambda m: m._meta.label
)
def test_history_and_leads_are_not_rewritten(staff, rows, model):
    with all_workspaces():
        row = model._default_manager.order_by("pk").first()
    response = staff.post(address(model, "change", row.pk), {"via": "x", "display_name": "x"})
    assert response.status_code == 403


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_any_search_is_answered(staff, rows, model):
    for query in ("x", "' OR 1=1", "p1@c1.example", "%", "\x00"):
        assert staff.get(address(model), {"q": query}).status_code in (200, 302)


def test_a_secret_is_not_shown(staff, workspace, ana):
    with workspace_scope(workspace):
        token, key = issue_token(membership=ana, name="BI", scopes=[])
    page = staff.get(address(ApiToken, "change", token.pk)).content.decode()
    assert token.prefix in page
    assert key not in page
    assert token.digest not in page


def test_a_list_is_narrowed_to_a_workspace(staff, rows, rival):
    page = staff.get(address(Lead), {"workspace": str(rival.pk)})
    assert {lead.workspace_id for lead in page.context["cl"].result_list} == {rival.pk}
    nothing = staff.get(address(Lead), {"workspace": "no-uuid"})
    assert list(nothing.context["cl"].result_list) == []


def test_leads_are_found_by_their_text(staff, rows):
    page = staff.get(address(Lead), {"q": "person 2"})
    assert [lead.display_name for lead in page.context["cl"].result_list] == ["Person 2"]


def test_a_long_list_is_counted_up_to_a_limit(staff, workspace, monkeypatch):
    from leadcrm.workspaces import admin_base

    monkeypatch.setattr(admin_base, "COUNTED_TO", 2)
    with workspace_scope(workspace):
        for _ in range(3):
            make_lead()
    page = staff.get(address(Lead))
    assert page.context["cl"].result_count == 2


# --- the log of accesses ---


def test_each_access_is_logged_with_who_and_where_but_no_personal_data(staff, workspace):
    with workspace_scope(workspace):
        lead = make_lead(display_name="Bo Dam", email="bo@example.com")
    with capture_logs() as logs:
        staff.get(address(Lead, "change", lead.pk), {"q": "bo@example.com"})
    (entry,) = [one for one in logs if one["event"] == "staff_access"]
    assert entry["user"] == str(User.objects.get(is_staff=True).pk)
    assert entry["path"] == address(Lead, "change", lead.pk)
    assert "bo@example.com" not in repr(logs)
    assert "Bo Dam" not in repr(logs)


def test_who_is_turned_away_is_not_logged_as_staff(workspace, ben, sign_in):
    with capture_logs() as logs:
        sign_in(ben).get(address(Lead))
    assert [one for one in logs if one["event"] == "staff_access"] == []


# --- actions ---


def act(staff: Client, action: str, *rows: Any) -> Any:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return staff.post(address(type(rows[0])), data, follow=True)


def test_leads_of_two_workspaces_are_removed_and_restored_by_the_verbs(staff, workspace, rival):
    made = []
    for place in (workspace, rival):
        with workspace_scope(place):
            made.append(make_lead())
    act(staff, "archive", *made)
    with all_workspaces():
        assert Lead.objects.filter(archived_at=None).count() == 0
        removed = Activity.objects.filter(kind="archived")
        assert {row.workspace_id for row in removed} == {workspace.pk, rival.pk}
        assert {row.via for row in removed} == {"admin"}
    act(staff, "restore", *made)
    with all_workspaces():
        assert Lead.objects.filter(archived_at=None).count() == 2
    entries = LogEntry.objects.all()
    assert {entry.change_message for entry in entries} == {"Removed", "Restored"}
    assert not any("Person" in entry.object_repr for entry in entries)


def test_what_a_verb_refuses_is_shown(staff, workspace, ana):
    from leadcrm.workspaces.actors import Actor
    from leads import merging

    with workspace_scope(workspace):
        root, absorbed = make_lead(), make_lead()
        merging.merge(root.pk, [absorbed.pk], by=Actor.member(ana), now=NOW)
    page = act(staff, "restore", absorbed).content.decode()
    assert "was merged into another one" in page


def test_a_parked_lead_can_be_retried(staff, workspace):
    populate(workspace, 1)
    with all_workspaces():
        parking = Parking.objects.get()
        Parking.objects.update(retry_at=NOW.replace(year=2099), attempts=5)
        act(staff, "retry", parking)
        parking.refresh_from_db()
    assert parking.attempts == 0
    assert parking.retry_at.year < 2099


def test_the_cursors_show_how_far_each_is_behind(staff, workspace):
    with workspace_scope(workspace):
        for _ in range(3):
            make_lead()
    Cursor.objects.create(subscriber="scoring", lane="live")
    Cursor.objects.create(subscriber="scoring", lane="bulk")
    page = staff.get(address(Cursor)).content.decode()
    waiting = re.findall(r'field-rows_waiting">([^<]*)<', page)
    assert waiting == ["0", "3"]
    assert re.search(r'field-behind">[\d,]+ s<', page)


def test_a_token_is_revoked(staff, workspace, ana):
    with workspace_scope(workspace):
        token, _ = issue_token(membership=ana, name="BI", scopes=[])
    act(staff, "revoke", token)
    with all_workspaces():
        assert ApiToken.objects.get().revoked_at is not None


def test_a_member_is_deactivated_but_not_the_last_owner(staff, workspace, ana, ben):
    page = act(staff, "deactivate", ana, ben).content.decode()
    assert "at least one active owner" in page
    with workspace_scope(workspace):
        assert set(Membership.objects.filter(is_active=True)) == {ana}


def test_staff_who_may_only_look_has_no_actions(workspace):
    from django.contrib.auth.models import Permission

    user = UserFactory(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    with workspace_scope(workspace):
        lead = make_lead()
    assert client.get(address(Lead)).status_code == 200
    act(client, "archive", lead)
    with all_workspaces():
        assert Lead.objects.get().archived_at is None


# --- what can be changed ---


def test_a_workspace_is_founded_with_its_owner_and_defaults(staff):
    owner = UserFactory(email="olga@example.com")
    form = {
        "name": "New", "slug": "new", "time_zone": "UTC", "country": "US", "currency": "USD",
        "visibility": "own", "business_hours": "{}", "owner_email": "Olga@example.com",
    }  # fmt: skip
    wrong = staff.post(address(Workspace, "add"), {**form, "owner_email": "x@example.com"})
    assert b"no active user with this address" in wrong.content
    assert staff.post(address(Workspace, "add"), form).status_code == 302
    with workspace_scope(Workspace.objects.get(slug="new")):
        assert Membership.objects.get().user == owner
        assert leads.Pipeline.objects.exists()


def test_a_user_is_added_by_email(staff):
    form = {"email": "new@example.com", "name": "New", "usable_password": "true",
            "password1": PASSWORD, "password2": PASSWORD}  # fmt: skip
    assert staff.post(address(User, "add"), form).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)


def test_a_label_is_mended_and_one_that_is_taken_is_refused(staff, workspace):
    with workspace_scope(workspace):
        north, south = Team.objects.create(name="North"), Team.objects.create(name="South")
    assert staff.post(address(Team, "change", north.pk), {"name": "Nord"}).status_code == 302
    taken = staff.post(address(Team, "change", north.pk), {"name": "south"})
    assert taken.status_code == 200
    assert taken.context["adminform"].form.errors
    with all_workspaces():
        assert set(Team.objects.values_list("name", flat=True)) == {"Nord", south.name}


def test_the_status_of_a_stage_is_fixed(staff, workspace):
    with workspace_scope(workspace):
        stage = leads.Stage.objects.get(status="new")
    staff.post(
        address(leads.Stage, "change", stage.pk),
        {"label": "Fresh", "status": "lost", "remote_stage": ""},
    )
    with all_workspaces():
        stage.refresh_from_db()
    assert (stage.label, stage.status) == ("Fresh", "new")
