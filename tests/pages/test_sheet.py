"""The sheet over the list, undo from its toast, the row that reads itself anew, the columns."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import lifecycle
from leads.models import Activity, Lead, Task, UndoStep
from tests.factories import make_lead


@pytest.fixture
def web(sign_in: Any, ben: Membership) -> Client:
    found: Client = sign_in(ben)
    return found


@pytest.fixture
def lead(acme: Workspace, ben: Membership) -> Lead:
    return make_lead(display_name="Ann Björk", owner=ben, now=timezone.now())


def address(name: str, lead: Lead) -> str:
    return reverse(name, args=[lead.workspace.slug, lead.pk])


def over_the_list(lead: Lead, **extra: str) -> dict[str, str]:
    """The headers that HTMX sends from the list, with the sheet as its target."""
    shown = reverse("lead-list", args=[lead.workspace.slug])
    return {
        "HX-Request": "true",
        "HX-Target": "sheet-body",
        "HX-Current-URL": f"http://testserver{shown}?view=mine",
        **extra,
    }


def events(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response["HX-Trigger"])
    return found


def do(web: Client, lead: Lead, verb: str, **values: str) -> Any:
    headers = over_the_list(lead, **{"HX-Trigger": "sheet-form"})
    return web.post(address(f"lead-{verb}", lead), values, headers=headers)


def test_a_form_in_the_sheet_stands_alone_and_swaps_only_itself(web: Client, lead: Lead) -> None:
    response = web.get(address("lead-call", lead), headers=over_the_list(lead))
    text = response.content.decode()
    assert response["HX-Retarget"] == "#sheet-body"
    assert 'id="sheet-form"' in text
    assert 'hx-target="#sheet-body"' in text
    assert "<html" not in text
    assert "Ann Björk" in text


def test_on_the_leads_own_page_the_sheet_swaps_the_lead(web: Client, lead: Lead) -> None:
    here = {"HX-Current-URL": f"http://testserver{address('lead-detail', lead)}"}
    headers = over_the_list(lead) | here
    response = web.get(address("lead-call", lead), headers=headers)
    assert 'hx-target="#lead"' in response.content.decode()
    response = web.post(
        address("lead-call", lead),
        {"outcome": "reached"},
        headers={**headers, "HX-Target": "lead", "HX-Trigger": "sheet-form"},
    )
    assert response.status_code == 200
    assert 'id="lead"' in response.content.decode()
    assert set(events(response)) == {"toast", "sheet-done"}


def test_a_verb_done_over_the_list_names_the_row_that_changed(web: Client, lead: Lead) -> None:
    response = do(web, lead, "call", outcome="no_answer")
    assert (response.status_code, response.content) == (204, b"")
    said = events(response)
    assert set(said) == {"toast", "sheet-done", f"changed-{lead.pk}"}
    assert said["toast"]["text"] == "Call logged."
    row = web.get(address("lead-row", lead), headers=over_the_list(lead))
    assert f'id="row-{lead.pk}"' in row.content.decode()
    assert "Try 2" in row.content.decode()


def test_the_toast_undoes_what_was_done(web: Client, lead: Lead) -> None:
    undo = events(do(web, lead, "call", outcome="reached"))["toast"]["undo"]
    assert Lead.objects.get().status == "contacted"
    response = web.post(undo, headers=over_the_list(lead))
    assert events(response)["toast"]["text"] == "Undone: Call logged."
    assert f"changed-{lead.pk}" in events(response)
    assert Lead.objects.get().status == "new"
    again = events(web.post(undo, headers=over_the_list(lead)))["toast"]
    assert (again["failed"], again["text"]) == (True, "This was undone already.")


def test_without_scripts_the_message_holds_the_undo(web: Client, lead: Lead) -> None:
    page = web.post(address("lead-qualify", lead), follow=True)
    step = UndoStep.objects.get()
    undo = reverse("undo", args=[lead.workspace.slug, step.pk])
    assert f'action="{undo}"' in page.content.decode()
    page = web.post(undo, follow=True)
    assert page.redirect_chain[-1][0] == address("lead-detail", lead)
    assert "Undone: Qualified." in page.content.decode()
    assert Lead.objects.get().status == "new"


def test_undoing_a_hand_over_brings_back_a_lead_that_went_out_of_sight(
    web: Client, lead: Lead, max_: Membership
) -> None:
    from leadcrm.workspaces.models import Visibility

    lead.workspace.visibility = Visibility.OWN
    lead.workspace.save()
    undo = events(do(web, lead, "assign", owner=str(max_.pk)))["toast"]["undo"]
    assert web.get(address("lead-row", lead)).status_code == 404
    web.post(undo, headers=over_the_list(lead))
    assert web.get(address("lead-row", lead)).status_code == 200


def test_nobody_undoes_what_a_colleague_did(
    web: Client, lead: Lead, sign_in: Any, ana: Membership
) -> None:
    undo = events(do(web, lead, "call", outcome="reached"))["toast"]["undo"]
    assert sign_in(ana).post(undo).status_code == 404
    assert Lead.objects.get().status == "contacted"


def test_bad_input_keeps_the_sheet_open_with_what_was_typed(web: Client, lead: Lead) -> None:
    response = do(web, lead, "task", title="Send the offer", due_at="")
    text = response.content.decode()
    assert (response.status_code, response["HX-Retarget"]) == (422, "#sheet-body")
    assert "Send the offer" in text
    assert "This field is required" in text


def test_a_refused_button_says_why_and_changes_nothing(web: Client, lead: Lead) -> None:
    response = do(web, lead, "move", stage="converted")
    said = events(response)["toast"]
    assert said["failed"]
    assert said["text"]
    assert Lead.objects.get().status == "new"


def test_a_preset_time_is_one_click(web: Client, lead: Lead) -> None:
    page = web.get(address("lead-snooze", lead), headers=over_the_list(lead)).content.decode()
    assert "Tomorrow" in page
    tomorrow = page.split('name="until" value="')[2].split('"')[0]
    # The empty input of the form comes first, the button's value last.
    body = f"until=&until={tomorrow}"
    web.post(
        address("lead-snooze", lead),
        body,
        content_type="application/x-www-form-urlencoded",
        headers=over_the_list(lead, **{"HX-Trigger": "sheet-form"}),
    )
    until = Lead.objects.get().snoozed_until
    assert until is not None
    assert timezone.localtime(until).date() > timezone.localtime().date()


def test_a_call_takes_the_next_step_along(web: Client, lead: Lead) -> None:
    due = timezone.localtime() + timedelta(days=2)
    values = {"outcome": "reached", "next_step": "Send offer"}
    response = do(web, lead, "call", **values)
    assert "Say when it is due." in response.content.decode()
    assert Activity.objects.filter(kind="call_logged").count() == 0
    undo = events(do(web, lead, "call", **values, next_due_at=f"{due:%Y-%m-%dT%H:%M}"))["toast"]
    assert Task.objects.get().title == "Send offer"
    web.post(undo["undo"])
    assert not Task.objects.exists()
    assert Lead.objects.get().status == "new"


def test_the_stages_are_offered_with_the_form_that_each_needs(web: Client, lead: Lead) -> None:
    text = web.get(address("lead-move", lead), headers=over_the_list(lead)).content.decode()
    assert ">Contacted</button>" in text
    assert address("lead-book", lead) in text
    assert address("lead-close", lead) in text
    assert address("lead-recycle", lead) in text
    assert "Converted" not in text


def test_a_preview_shows_the_lead_without_its_page(
    web: Client, lead: Lead, django_assert_max_num_queries: Any
) -> None:
    shown, headers = address("lead-detail", lead), over_the_list(lead)
    web.get(shown)
    with django_assert_max_num_queries(10):
        response = web.get(shown, headers=headers)
    text = response.content.decode()
    assert "Ann Björk" in text
    assert "New enquiry" in text
    assert 'id="lead"' not in text


def test_a_closed_lead_only_reopens(web: Client, lead: Lead, ben: Membership) -> None:
    lifecycle.close([lead.pk], reason="price", by=Actor.member(ben), now=timezone.now())
    text = web.get(address("lead-move", lead), headers=over_the_list(lead)).content.decode()
    assert address("lead-reopen", lead) in text
    assert address("lead-close", lead) not in text


def test_columns_are_chosen_once_and_stay(web: Client, lead: Lead, ben: Membership) -> None:
    shown = reverse("lead-list", args=[lead.workspace.slug])
    choose = reverse("lead-columns", args=[lead.workspace.slug])
    response = web.post(choose, {"column": ["state", "stage", "no_such"], "back": f"{shown}?q=ann"})
    assert response.url == f"{shown}?q=ann"
    ben.refresh_from_db()
    assert ben.list_columns == ["state", "stage"]
    text = web.get(f"{shown}?view=all").content.decode()
    assert 'class="h-state' in text
    assert 'class="h-phone' not in text
    web.post(choose, {"column": ["usual"]})
    text = web.get(f"{shown}?view=all").content.decode()
    assert 'class="h-phone' in text


def test_choosing_columns_leads_nowhere_else(web: Client, workspace: Workspace) -> None:
    choose = reverse("lead-columns", args=[workspace.slug])
    for back in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        response = web.post(choose, {"column": ["stage"], "back": back})
        assert response.url == reverse("lead-list", args=[workspace.slug])


def test_a_made_up_address_of_the_browser_breaks_nothing(web: Client, lead: Lead) -> None:
    headers = over_the_list(lead, **{"HX-Trigger": "sheet-form", "HX-Current-URL": "http://["})
    assert web.post(address("lead-qualify", lead), headers=headers).status_code == 200
    assert web.get(address("lead-row", lead), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "leads/{lead}/?before=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgMV0",
        "contacts/?after=WyJcdWQ4MDAiLCAiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
        "leads/new/?since=-62135596800&seen=0",
    ],
)
def test_a_made_up_place_is_refused(web: Client, lead: Lead, query: str) -> None:
    found = web.get(f"/w/{lead.workspace.slug}/{query.format(lead=lead.pk)}")
    assert found.status_code in (400, 404)
