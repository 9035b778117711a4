"""Finding anybody and doing anything without a mouse: the search on top, and the command palette."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from leadcrm.workspaces.models import Membership, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Lead
from tests.browser.conftest import sign_in
from tests.browser.test_every_page import AXE, PHONE
from tests.factories import make_lead

OpenPage = Callable[..., Page]


@pytest.fixture
def leads(home: Workspace, owner: Membership) -> list[Lead]:
    now = timezone.now()
    with workspace_scope(home):
        return [
            make_lead(now=now - timedelta(minutes=4), display_name="Ann Björk", owner=owner,
                      phone="+49 151 23456789", company_name="Björk & Co"),
            make_lead(now=now - timedelta(minutes=2), display_name="Bob Stone", owner=owner),
        ]  # fmt: skip


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def chosen(page: Page, within: str) -> Locator:
    return page.locator(f"{within} [role=option][aria-selected=true]")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']})"
    )
    return [f"{one['id']} {one['nodes'][0]['target']}" for one in found["violations"]]


def test_the_search_on_top_finds_as_one_types(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(bypass_csp=True)
    sign_in(page, owner)
    press(page, "/")
    page.keyboard.type("0151 23")
    options = page.locator("#search-list [role=option]")
    expect(options.first).to_contain_text("Ann Björk")
    expect(page.locator("#search")).to_have_attribute("aria-expanded", "true")
    press(page, "ArrowDown", "ArrowDown")
    expect(chosen(page, "#search-list")).to_contain_text("Ann Björk")
    expect(page.locator("#search")).to_have_attribute(
        "aria-activedescendant", f"search-list-person-{leads[0].contact_id}"
    )
    assert violations(page) == []
    press(page, "Escape")
    expect(page.locator("#search-list")).to_be_hidden()
    expect(page.locator("#search")).to_be_focused()
    press(page, "ArrowDown", "ArrowDown", "Enter")
    page.wait_for_url(f"**/leads/{leads[0].pk}/")
    press(page, "/")
    page.keyboard.type("stone")
    press(page, "Enter")  # at once: the page, whatever the list has shown by then
    page.wait_for_url("**/search/?q=stone")
    press(page, "j", "n")
    expect(page.locator("#sheet[open]")).to_contain_text("Bob Stone")


def test_the_search_is_a_page_without_javascript(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, owner)
    page.locator("#search").fill("björk")
    page.locator("#search").press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(["Leads", "People", "Companies"])
    expect(page.locator("[data-palette]")).to_be_hidden()


def test_the_palette_does_what_the_letters_mean(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(bypass_csp=True)
    sign_in(page, owner)
    palette = page.locator("#palette[open]")
    press(page, "j", "j", "Control+k")
    expect(page.locator("#palette-field")).to_be_focused()
    expect(palette.get_by_role("group", name="Bob Stone")).to_be_visible()
    assert violations(page) == []
    press(page, "Escape")
    expect(palette).to_have_count(0)
    expect(page.locator(":focus")).to_have_text("Bob Stone")

    press(page, "Control+k")
    page.keyboard.type("snz")
    expect(chosen(page, "#palette")).to_contain_text("Snooze")
    press(page, "Enter")
    expect(page.locator("#sheet[open] h2")).to_contain_text("Snooze Bob Stone")
    press(page, "Escape")

    press(page, "Control+k")
    page.keyboard.type("contacted")
    expect(chosen(page, "#palette")).to_contain_text("Mark contacted")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Marked as contacted.")
    expect(page.locator(f"#row-{leads[1].pk}")).to_contain_text("Contacted")

    press(page, "Control+k")
    page.keyboard.type("björk")
    expect(chosen(page, "#found-list")).to_contain_text("Ann Björk")
    press(page, "Enter")
    page.wait_for_url(f"**/leads/{leads[0].pk}/")

    press(page, "Control+k")
    page.keyboard.type("qualify")
    expect(chosen(page, "#palette")).to_contain_text("Qualify")
    press(page, "Enter")
    expect(page.locator("[aria-current=step]")).to_have_text("Qualified")


def test_the_palette_goes_to_pages_and_changes_the_theme(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(color_scheme="light")
    sign_in(page, owner)
    press(page, "Control+k")
    page.keyboard.type("dark")
    expect(chosen(page, "#palette")).to_contain_text("Theme: dark")
    press(page, "Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    press(page, "/")
    page.keyboard.type("typing goes on")  # also from within a field
    press(page, "Control+k")
    page.keyboard.type("comp")
    expect(chosen(page, "#palette")).to_contain_text("Companies")
    press(page, "Enter")
    page.wait_for_url("**/companies/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert User.objects.get(pk=owner.user.pk).theme == "dark"


def test_the_palette_on_a_phone_and_with_the_keys_off(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    owner.user.shortcuts = False
    owner.user.save()
    page = open_page(viewport=PHONE, has_touch=True)
    sign_in(page, owner)
    press(page, "Control+k")
    expect(page.locator("#palette[open]")).to_have_count(0)
    page.get_by_role("button", name="Commands").tap()
    page.get_by_role("option", name="My day").tap()
    page.wait_for_url("**/day/")
