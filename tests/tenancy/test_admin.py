"""Staff's admin: every model, across workspaces, no rewriting of history, all of it on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from structlog.testing import capture_logs

from integrations.models import InboundEvent
from leadcrm.admin_site import ROOMS, StaffSite
from leadcrm.workspaces.models import (
    ApiToken,
    Location,
    Membership,
    StaffVisit,
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
from leads import timeline
from leads.models import Activity, Lead, Message, Source
from tests.factories import NOW, PASSWORD, UserFactory, make_lead
from tests.tenancy.conftest import address, browser_of, populate

UNREGISTERED = {
    "auth.Permission": "chosen on the pages of users and groups",
    "axes.AccessAttemptExpiration": "not in use: lock-outs end after AXES_COOLOFF_TIME",
    "contenttypes.ContentType": "Django's own list of the models",
    "workspaces.SecondFactor": "what a sign-in hangs on, with nothing to mend",
    "workspaces.RecoveryCode": "holds secrets",
    "workspaces.SignedIn": "names sessions by keys that are secrets",
    "leads.ImportChunk": "rows of people's files, compressed; the import has their numbers",
    "leads.ImportPart": "stretches of people's files",
    "sessions.Session": "holds what people do, under a key that is a secret",
    "django_celery_beat.PeriodicTasks": "one row that tells beat to read the schedule again",
}
OURS = [
    model for label in ("workspaces", "leads", "integrations")
    for model in apps.get_app_config(label).get_models()
    if model._meta.label not in UNREGISTERED
]  # fmt: skip
CHANGEABLE = {
    User, Workspace, Team, Location, leads.Source, leads.Campaign, leads.Pipeline, leads.Stage,
    leads.CallOutcome, leads.CloseReason, leads.CustomField,
}  # fmt: skip
ADDABLE = {User, Workspace}


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
    client = browser_of(UserFactory(is_staff=True))
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(address(Lead)).status_code == 403


def test_staff_signs_in_with_the_password(workspace):
    UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)
    client = Client()
    form = {"username": "staff@example.com", "password": PASSWORD, "next": "/admin/"}
    assert client.post(reverse("admin:login"), form)["Location"] == "/admin/"


# --- every model ---


def test_every_model_has_its_pages_or_a_reason_to_have_none():
    missing = {m._meta.label for m in apps.get_models() if not admin.site.is_registered(m)}
    assert missing == set(UNREGISTERED)


def test_every_model_has_a_room_on_the_first_page(staff):
    roomed = {label for _, _, labels in ROOMS for label in labels}
    assert roomed == {model._meta.label for model in admin.site._registry}
    page = staff.get(reverse("admin:index"))
    assert [room["name"] for room in page.context["app_list"]] == [name for _, name, _ in ROOMS]


def test_every_list_can_be_searched():
    assert [m for m, pages in admin.site._registry.items() if not pages.search_fields] == []


def first_row(model: Any) -> Any:
    with all_workspaces():
        return model._default_manager.order_by("pk").first()


def test_list_and_detail_show_rows_of_all_workspaces(staff, rows):
    wrong = []
    for model in OURS:
        listed = staff.get(address(model), {"q": ""})
        assert listed.status_code == 200, model
        shown = listed.context["cl"].result_list
        if issubclass(model, WorkspaceModel) and len({row.workspace_id for row in shown}) != 2:
            wrong.append(f"{model} shows one workspace")
        page = staff.get(address(model, "change", shown[0].pk))
        assert page.status_code == 200, model
        if bool(page.context["has_change_permission"]) != (model in CHANGEABLE):
            wrong.append(f"{model} may be changed, or may not")
    assert wrong == []
    assert current_scope() is None


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(staff, rows, rival):
    def queries(model: Any) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert staff.get(address(model)).status_code == 200, model
        return [one["sql"] for one in seen]

    queries(Lead)  # what is looked up once is known then
    few = {model: queries(model) for model in OURS}
    for number in range(3, 7):
        populate(rival, number)
    wrong = []
    for model in OURS:
        many = queries(model)
        unlimited = [sql for sql in many if "COUNT(" in sql and "LIMIT" not in sql]
        if not len(many) == len(few[model]) <= 8 or unlimited:
            wrong.append((model, len(few[model]), len(many), unlimited))
    assert wrong == []


def test_nothing_is_deleted_and_little_is_added(staff, rows):
    wrong = []
    for model in OURS:
        gone = staff.post(address(model, "delete", first_row(model).pk), {"post": "yes"})
        added = staff.get(address(model, "add"))
        if (gone.status_code, added.status_code) != (403, 200 if model in ADDABLE else 403):
            wrong.append((model, gone.status_code, added.status_code))
    assert wrong == []


def test_history_and_leads_are_not_rewritten(staff, rows):
    for model in set(OURS) - CHANGEABLE:
        path = address(model, "change", first_row(model).pk)
        answer = staff.post(path, {"via": "x", "display_name": "x"})
        assert answer.status_code == 403, model


def test_any_search_is_answered(staff, rows):
    for model in OURS:
        for query in ("x", "' OR 1=1", "p1@c1.example", "%", "\x00"):
            answer = staff.get(address(model), {"q": query})
            assert answer.status_code in (200, 302), (model, query)


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
    assert staff.get(address(Lead), {"workspace": "no-uuid"}).status_code == 404
    no_such = staff.get(address(Lead), {"workspace": "0b0e7c52-0000-7000-8000-000000000000"})
    assert list(no_such.context["cl"].result_list) == []


def test_within_a_workspace_the_wall_stands_for_staff_too(staff, rows, workspace, rival):
    """A crafted search can't reach over it."""
    with workspace_scope(workspace):
        mine = Lead.objects.get(display_name__startswith="Person")
    page = staff.get(address(Lead), {"workspace": str(rival.pk), "q": str(mine.pk)})
    assert list(page.context["cl"].result_list) == []


def test_filters_that_need_a_workspace_come_with_it(staff, rows, rival):
    def titles(**query: str) -> list[str]:
        return [spec.title for spec in staff.get(address(Lead), query).context["cl"].filter_specs]

    assert titles() == []
    assert titles(workspace=str(rival.pk)) == ["status"]
    assert staff.get(address(Lead), {"status__exact": "new"}).status_code == 400


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


# --- visits ---


@pytest.mark.parametrize("model", [Lead, leads.Contact, Message, InboundEvent, Activity])
def test_opening_a_row_of_a_workspace_leaves_a_visit_without_names(staff, rows, rival, model):
    forget_visits()
    with workspace_scope(rival):
        row = model.objects.first()
    staff.get(address(model))
    staff.get(address(model, "change", row.pk))
    staff.get(address(model, "history", row.pk))
    with all_workspaces():
        visits = list(StaffVisit.objects.order_by("pk"))
    assert [visit.what for visit in visits] == ["looked", "history"]
    for visit in visits:
        assert visit.user == User.objects.get(is_superuser=True)
        assert (visit.workspace_id, visit.row_id) == (rival.pk, str(row.pk))
        assert visit.kind == model._meta.label_lower


def test_the_visits_of_a_row_are_listed(staff, workspace):
    with workspace_scope(workspace):
        lead, other = make_lead(), make_lead()
    for row in (lead, other, lead):
        staff.get(address(Lead, "change", row.pk))
    listed = staff.get(address(StaffVisit), {"q": str(lead.pk)}).context["cl"].result_list
    assert [visit.row_id for visit in listed] == [str(lead.pk)] * 2
    staff.get(address(StaffVisit, "change", listed[0].pk))
    with all_workspaces():
        assert StaffVisit.objects.count() == 3


def test_who_may_not_see_a_row_leaves_no_visit(staff_who_may, workspace):
    with workspace_scope(workspace):
        lead = make_lead()
    assert staff_who_may("view_company").get(address(Lead, "change", lead.pk)).status_code == 403
    with all_workspaces():
        assert not StaffVisit.objects.exists()


def test_settings_leave_no_visit(staff, rows):
    forget_visits()
    with all_workspaces():
        staff.get(address(Source, "change", Source.objects.first().pk))
        assert not StaffVisit.objects.exists()


def forget_visits() -> None:
    with all_workspaces():
        StaffVisit.objects.all().delete()


# --- what a page shows ---


def test_a_lead_shows_what_belongs_to_it_and_nothing_of_others(staff, rows, workspace):
    with workspace_scope(workspace):
        lead = Lead.objects.get(display_name__startswith="Person")
    panels = staff.get(address(Lead, "change", lead.pk)).context["panels"]
    assert {panel["title"]: len(panel["rows"]) for panel in panels} == {
        "Timeline": 1, "Messages": 1, "Appointments": 1, "Tasks": 1, "Ids elsewhere": 1,
        "Other leads of this person": 0, "Received items": 1,
    }  # fmt: skip
    for panel in panels:
        if panel["more"]:
            listed = staff.get(panel["more"]).context["cl"].result_list
            assert len(listed) == len(panel["rows"]), panel["title"]


def test_a_panel_shows_only_what_the_staff_user_may_see(staff_who_may, rows, workspace):
    with workspace_scope(workspace):
        lead = Lead.objects.get(display_name__startswith="Person")
    page = staff_who_may("view_lead", "view_task").get(address(Lead, "change", lead.pk))
    titles = [panel["title"] for panel in page.context["panels"]]
    assert titles == ["Tasks", "Other leads of this person"]


def test_a_timeline_shows_the_newest_twenty(staff, acme, me):
    lead = make_lead()
    for _ in range(25):
        timeline.add_note([lead.pk], body="x", by=me, now=NOW)
    panels = staff.get(address(Lead, "change", lead.pk)).context["panels"]
    assert len(panels[0]["rows"]) == 20


def test_a_payload_is_shown_escaped_and_cut_and_can_be_downloaded(staff, rows, workspace):
    with workspace_scope(workspace):
        event = InboundEvent.objects.get()
        InboundEvent.objects.update(body=event.body + b"y" * 30_000)
    page = staff.get(address(InboundEvent, "change", event.pk)).content.decode()
    assert "\ufffd&lt;script&gt;" in page
    assert "<script>&quot;" not in page
    assert page.count("y") < 25_000
    assert "characters more" in page
    response = staff.get(reverse("admin:integrations_inboundevent_payload", args=[event.pk]))
    assert response.content == event.body + b"y" * 30_000
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    with all_workspaces():
        assert StaffVisit.objects.filter(what="downloaded", row_id=str(event.pk)).count() == 1


def test_a_payload_is_not_downloaded_without_the_right(staff_who_may, rows, workspace):
    with workspace_scope(workspace):
        event = InboundEvent.objects.get()
    url = reverse("admin:integrations_inboundevent_payload", args=[event.pk])
    assert staff_who_may("view_lead").get(url).status_code == 403


def test_the_first_page_tells_how_things_are(staff, staff_who_may, rows):
    state = {fact.title: fact for fact in staff.get(reverse("admin:index")).context["state"]}
    assert "behind" in state["Readers of the log"].value
    assert (state["Parked leads"].value, state["Parked leads"].is_bad) == ("2", True)
    assert (state["Received and waiting"].value, state["Received and failed"].value) == ("2", "0")
    assert staff_who_may("view_lead").get(reverse("admin:index")).context["state"] == []


def test_a_list_that_no_index_serves_waits_for_a_search(staff, rows, workspace):
    scope = {"workspace": str(workspace.pk)}
    with workspace_scope(workspace):
        lead = Lead.objects.get(display_name__startswith="Person")
    waiting = staff.get(address(Message), scope)
    assert b"open the lead, or search" in waiting.content
    assert list(waiting.context["cl"].result_list) == []
    found = staff.get(address(Message), {**scope, "q": str(lead.pk)})
    assert len(found.context["cl"].result_list) == 1


@pytest.mark.parametrize(
    ("model", "term"),
    [
        (leads.Contact, "P1@c1.example"), (leads.ContactKey, "p1@c1.example"),
        (leads.Company, "c1.example"), (leads.ExternalId, "crm: 1"), (InboundEvent, "1"),
        (Membership, "ben 1"), (User, "ben1"), (Workspace, "acme"), (PeriodicTask, "prune"),
    ],
)  # fmt: skip
def test_a_row_is_found_by_what_the_search_box_promises(staff, rows, model, term):
    if model is PeriodicTask:
        every = IntervalSchedule.objects.create(every=1, period="hours")
        PeriodicTask.objects.create(name="prune", task="leads.prune", interval=every)
    if model is User:
        term = User.objects.get(name="Ben 1").email
    assert len(staff.get(address(model), {"q": term}).context["cl"].result_list) == 1


@pytest.mark.parametrize(("model", "term"), [(leads.Contact, "person 1"), (leads.Company, "compa")])
def test_in_one_workspace_people_and_companies_are_found_by_name(
    staff, rows, workspace, model, term
):
    page = staff.get(address(model), {"q": term, "workspace": str(workspace.pk)})
    assert len(page.context["cl"].result_list) == 1


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
