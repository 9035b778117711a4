"""Selecting leads in the list and doing something to all of them: forms, run, undo, who may."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.models import Membership, Workspace
from leads import bulk
from leads.models import BulkRun, Lead
from tests.factories import make_lead, make_leads

HTMX = {"HX-Request": "true", "HX-Target": "sheet-body"}


@pytest.fixture
def leads(acme: Workspace) -> list[Lead]:
    return make_leads(3, now=timezone.now() - timedelta(hours=1))


def to(workspace: Workspace, verb: str) -> str:
    return reverse("bulk-new", args=[workspace.slug, verb])


def ticked(leads: list[Lead], **values: str) -> dict[str, Any]:
    return {"lead": [str(lead.pk) for lead in leads], **values}


def test_the_list_has_boxes_and_what_can_be_done(
    web: Client, workspace: Workspace, leads: list[Lead]
) -> None:
    page = web.get(reverse("lead-list", args=[workspace.slug])).content.decode()
    assert page.count('type="checkbox" name="lead"') == 3
    for verb in ("assign", "move", "task", "snooze", "close", "field", "campaign", "remove"):
        assert to(workspace, verb) in page
    assert to(workspace, "restore") not in page


def test_a_viewer_has_no_boxes_and_a_rep_no_close(
    sign_in: Any, workspace: Workspace, leads: list[Lead], vera: Membership, ben: Membership
) -> None:
    address = reverse("lead-list", args=[workspace.slug])
    page = sign_in(vera).get(f"{address}?view=all").content.decode()
    assert 'name="lead"' not in page
    page = sign_in(ben).get(f"{address}?view=all").content.decode()
    assert to(workspace, "assign") in page
    assert to(workspace, "close") not in page
    assert sign_in(vera).post(to(workspace, "snooze"), ticked(leads)).status_code == 403


def test_a_form_opens_for_the_ticked_ones_and_says_how_many(
    web: Client, workspace: Workspace, leads: list[Lead], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        answer = web.get(to(workspace, "assign"), ticked(leads[:2]), headers=HTMX)
    assert answer["HX-Retarget"] == "#sheet-body"
    assert "Assign 2 leads" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert "<html" in web.get(to(workspace, "assign"), ticked(leads)).content.decode()


def test_a_few_are_done_at_once_with_a_toast_that_takes_it_back(
    web: Client, workspace: Workspace, leads: list[Lead], ben: Membership
) -> None:
    data = ticked(leads, to=f"owner:{ben.pk}")
    answer = web.post(to(workspace, "assign"), data, headers=HTMX)
    told = json.loads(answer["HX-Trigger"])
    assert (answer.status_code, told["toast"]["text"]) == (204, "3 leads assigned to Ben.")
    assert {f"changed-{lead.pk}" for lead in leads} < set(told)
    assert Lead.objects.filter(owner=ben).count() == 3
    answer = web.post(told["toast"]["undo"], headers=HTMX)
    assert json.loads(answer["HX-Trigger"])["toast"]["text"] == "Undone."
    assert Lead.objects.filter(owner=ben).count() == 0


def test_all_that_the_filter_finds_is_more_than_what_the_page_shows(
    web: Client, workspace: Workspace, leads: list[Lead]
) -> None:
    make_lead(display_name="Somebody else", email="x@else.example", state="TX", now=timezone.now())
    data = {"all": "1", "in": "view=all&q=person", "name": "state", "value": "CA"}
    form = web.get(to(workspace, "field"), {"all": "1", "in": "view=all&q=person"}, headers=HTMX)
    assert "Set a field 3 leads" in form.content.decode()
    web.post(to(workspace, "field"), data, headers=HTMX)
    assert sorted(Lead.objects.values_list("state", flat=True)) == ["CA", "CA", "CA", "TX"]


def test_what_was_refused_leads_to_the_page_with_the_reasons(
    web: Client, workspace: Workspace, leads: list[Lead], django_assert_max_num_queries: Any
) -> None:
    data = {"reason": "price", "note": "", "follow_up_on": ""}
    web.post(to(workspace, "close"), ticked(leads[:1], **data), headers=HTMX)
    answer = web.post(to(workspace, "close"), ticked(leads, **data), headers=HTMX)
    with django_assert_max_num_queries(10):
        page = web.get(answer["HX-Redirect"]).content.decode()
    assert "2 leads closed: Price." in page
    assert "This lead is closed" in page
    assert leads[0].display_name in page


def test_closing_very_many_asks_for_their_number(
    web: Client, workspace: Workspace, leads: list[Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "NAMED_ABOVE", 2)
    data = ticked(leads, reason="price")
    assert (
        "Type 3 to go on"
        in web.get(to(workspace, "close"), ticked(leads), headers=HTMX).content.decode()
    )
    for typed in ("", "2", "many"):
        answer = web.post(to(workspace, "close"), {**data, "typed": typed}, headers=HTMX)
        assert answer.status_code == 422
    assert not BulkRun.objects.exists()
    assert web.post(to(workspace, "close"), {**data, "typed": "3"}, headers=HTMX).status_code == 204


def test_a_large_run_shows_how_far_it_is_and_can_be_canceled(
    web: Client, workspace: Workspace, leads: list[Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    monkeypatch.setattr(bulk, "CHUNK", 2)
    answer = web.post(to(workspace, "remove"), ticked(leads, reason=""), headers=HTMX)
    address = answer["HX-Redirect"]
    run = BulkRun.objects.get()
    bulk.advance(run.pk, timezone.now())
    page = web.get(address, headers={"HX-Request": "true", "HX-Target": "run"}).content.decode()
    assert "2 of 3 done" in page
    assert 'hx-trigger="every 1s"' in page
    page = web.post(reverse("bulk-cancel", args=[workspace.slug, run.pk]), follow=True)
    assert "Canceled" in page.content.decode()
    assert "every 1s" not in page.content.decode()
    assert Lead.objects.filter(archived_at=None).count() == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "Select leads first"),
        ({"lead": ["nonsense"]}, "can&#x27;t be read"),
        ({"all": "1", "in": "view=all&score=high"}, "isn&#x27;t valid"),
    ],
)
def test_a_bad_selection_says_what_is_wrong(
    web: Client, workspace: Workspace, leads: list[Lead], data: dict[str, Any], message: str
) -> None:
    answer = web.post(to(workspace, "snooze"), data, headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.content.decode()


@pytest.mark.parametrize(
    ("verb", "values", "message"),
    [
        ("snooze", {"until": "2001-01-01T10:00"}, "must lie ahead"),
        ("assign", {"to": "owner:00000000-0000-0000-0000-000000000000"}, "valid choice"),
        ("field", {"name": "time_zone", "value": "Mars/North"}, "time zone"),
        ("field", {"name": "owner", "value": "me"}, "valid choice"),
        ("move", {"stage": "nowhere"}, "valid choice"),
        ("task", {"title": "", "due_at": ""}, "required"),
    ],
)
def test_a_bad_value_is_told_by_its_field_and_nothing_is_done(
    web: Client,
    workspace: Workspace,
    leads: list[Lead],
    verb: str,
    values: dict[str, str],
    message: str,
) -> None:
    answer = web.post(to(workspace, verb), ticked(leads, **values), headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not BulkRun.objects.exists()


def test_leads_of_others_are_left_out(
    sign_in: Any, workspace: Workspace, leads: list[Lead], ben: Membership
) -> None:
    mine = make_lead(owner=ben, now=timezone.now())
    data = ticked([mine, *leads])
    answer = sign_in(ben).get(to(workspace, "snooze"), data, headers=HTMX)
    assert "Snooze 1 lead" in answer.content.decode()
    assert "3 of those you ticked are left out" in answer.content.decode()


def test_removed_leads_can_be_restored_together(
    web: Client, workspace: Workspace, leads: list[Lead]
) -> None:
    web.post(to(workspace, "remove"), ticked(leads, reason=""), headers=HTMX)
    shown = reverse("lead-list", args=[workspace.slug])
    page = web.get(f"{shown}?view=all&archived=true").content.decode()
    assert to(workspace, "restore") in page
    assert to(workspace, "remove") not in page
    data = {"all": "1", "in": "view=all&archived=true"}
    web.post(to(workspace, "restore"), data, headers=HTMX)
    assert Lead.objects.filter(archived_at=None).count() == 3


def test_a_lead_tells_that_what_was_done_to_many_was_undone(
    web: Client, workspace: Workspace, ana: Membership, leads: list[Lead]
) -> None:
    web.post(to(workspace, "snooze"), ticked(leads, until="2030-01-01T09:00"))
    run = BulkRun.objects.get()
    web.post(reverse("bulk-undo", args=[workspace.slug, run.pk]))
    run.refresh_from_db()
    assert run.state == "undone"
    page = web.get(reverse("lead-detail", args=[workspace.slug, leads[0].pk]))
    assert page.status_code == 200
    assert "Undone" in page.content.decode()


def test_earlier_runs_are_listed(web: Client, workspace: Workspace, leads: list[Lead]) -> None:
    address = reverse("bulk-runs", args=[workspace.slug])
    assert "Nothing done in bulk yet" in web.get(address).content.decode()
    web.post(to(workspace, "remove"), ticked(leads, reason=""), headers=HTMX)
    assert "Removed" in web.get(address).content.decode()
