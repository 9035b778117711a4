"""Many leads at once, in a browser: ticking, what the bar offers, toast and undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Lead
from tests.browser.conftest import sign_in
from tests.factories import make_leads, make_member

OpenPage = Callable[..., Page]


@pytest.fixture
def leads(home: Workspace, owner: Membership) -> list[Lead]:
    with workspace_scope(home):
        return make_leads(53, now=timezone.now() - timedelta(minutes=4), owner=owner)


def test_ticked_leads_are_assigned_and_given_back(
    home: Workspace, owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    ben = make_member(home, Role.REP, "Ben")
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    bar = page.get_by_role("form", name="Selected leads")
    boxes = page.locator("input[name=lead]")
    expect(bar).to_be_hidden()
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")

    bar.get_by_role("button", name="Assign").click()
    page.locator("#sheet").get_by_label("To", exact=True).select_option("Ben")
    page.get_by_role("button", name="Assign 4 leads").click()
    toast = page.locator(".toast-note")
    expect(toast).to_contain_text("4 leads assigned to Ben.")
    expect(page.locator("tr[data-lead]", has_text="Ben")).to_have_count(4)
    expect(bar).to_be_hidden()

    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast-note", has_text="Undone.")).to_be_visible()
    expect(page.locator("tr[data-lead]", has_text="Ben")).to_have_count(0)
    with workspace_scope(home):
        assert not Lead.objects.filter(owner=ben).exists()


def test_all_that_the_filter_finds_reaches_beyond_the_page(
    home: Workspace, owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    bar = page.get_by_role("form", name="Selected leads")
    page.get_by_label("Select all on this page").check()
    expect(bar).to_contain_text("50 selected")
    bar.get_by_role("button", name="Select all 53").click()
    expect(bar).to_contain_text("All 53 selected")
    bar.get_by_role("button", name="Snooze").click()
    expect(page.locator("#sheet[open]")).to_contain_text("53 leads")
    page.get_by_role("button", name="In 2 hours").click()
    expect(page.locator(".toast-note")).to_contain_text("53 leads snoozed until")
    page.get_by_label("Select all on this page").check()
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_a_download_leaves_the_list_where_it_is(
    home: Workspace, owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    page.get_by_role("link", name="Export").click()
    page.get_by_text("Excel (XLSX)").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    expect(page.locator("#sheet[open]")).to_have_count(0)
    expect(page.locator("tr[data-lead]")).to_have_count(50)
