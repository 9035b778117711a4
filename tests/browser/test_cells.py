"""Cells of the list edited in place, by keys and by double click."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import columns, editing
from leads.models import Lead
from tests.browser.conftest import sign_in
from tests.factories import make_lead, make_member


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_cells_are_edited_without_leaving_the_list(
    home: Workspace, owner: Membership, open_page: Callable[..., Page]
) -> None:
    sam = make_member(home, "manager", "Sam")
    now = timezone.now()
    with workspace_scope(home):
        columns.choose(owner, ["name", "phone", "label", "owner"])
        ann = make_lead(now=now - timedelta(minutes=4), display_name="Ann Björk", owner=owner)
        bob = make_lead(now=now - timedelta(minutes=2), display_name="Bob Stone", owner=owner)
    page = open_page()
    sign_in(page, owner)
    row = page.locator(f"#row-{ann.pk}")
    press(page, "j", "e")
    expect(page.get_by_label("First name of Ann Björk")).to_be_focused()
    page.keyboard.type("Anna jk")  # letters in a text are letters
    press(page, "Tab", "Tab", "Tab")  # last name, company, and on to the phone
    expect(row.locator("[name=phone]")).to_be_focused()
    expect(row.locator(".row-link")).to_have_text("Anna jk Björk")
    press(page, "Tab")
    expect(row.locator("[name=label]")).to_be_focused()

    with workspace_scope(home):
        editing.edit([ann.pk], {"label": "Cold"}, by=Actor.member(sam), now=timezone.now())
    page.keyboard.type("VIP")
    press(page, "Enter")
    expect(row.get_by_role("alert")).to_contain_text("Sam set Label to “Cold”")
    expect(page.locator(":focus")).to_have_text("Keep theirs")
    press(page, "Tab", "Enter")  # use mine
    expect(row.locator(".c-label")).to_have_text("VIP")
    expect(page.locator(":focus")).to_have_text("Anna jk Björk")
    press(page, "u")
    expect(row.locator(".c-label")).to_have_text("Cold")
    press(page, "x")
    expect(row.get_by_role("checkbox")).to_be_checked()
    press(page, "x")
    expect(row.get_by_role("checkbox")).not_to_be_checked()

    other = page.locator(f"#row-{bob.pk} .c-label")
    other.dblclick(force=True)  # the link of the row lies over its cells
    page.keyboard.type("Not kept")  # at once: nothing of it is taken for a key
    expect(other.locator("[name=label]")).to_have_value("Not kept")
    press(page, "Escape")
    expect(other).to_have_text("")
    expect(page.locator(":focus")).to_have_text("Bob Stone")
    page.locator(f"#row-{bob.pk} .c-owner .pill").click()
    expect(page.locator("#sheet[open]")).to_contain_text("Assign")
    press(page, "Escape")
    other.click(force=True)  # once: the lead
    page.wait_for_url(f"**/leads/{bob.pk}/**")
    with workspace_scope(home):
        assert Lead.objects.get(pk=bob.pk).label == ""
