"""The rep's day without a mouse. Nothing here clicks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Appointment, Lead
from tests.factories import PASSWORD, make_lead

OpenPage = Callable[..., Page]


@pytest.fixture
def leads(home: Workspace, owner: Membership) -> list[Lead]:
    """Ann, who waits longest, and Bob."""
    now = timezone.now()
    with workspace_scope(home):
        return [
            make_lead(now=now - timedelta(minutes=4), display_name="Ann Björk", owner=owner),
            make_lead(now=now - timedelta(minutes=2), display_name="Bob Stone", owner=owner),
        ]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def sign_in_by_keyboard(page: Page, member: Membership) -> None:
    page.goto("/sign-in/")
    expect(focused(page)).to_have_attribute("name", "username")
    page.keyboard.type(member.user.email)
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    page.wait_for_url("**/leads/**")


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def sheet(page: Page) -> Locator:
    return page.locator("#sheet[open]")


def open_sheet(page: Page, key: str, title: str) -> None:
    press(page, key)
    expect(sheet(page).get_by_role("heading", level=2)).to_contain_text(title)


def test_from_sign_in_to_a_booked_appointment(
    home: Workspace, owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page(locale="en-US")
    sign_in_by_keyboard(page, owner)
    press(page, "j")
    expect(focused(page)).to_have_text("Ann Björk")
    open_sheet(page, "c", "Log call")
    press(page, "1", "Enter")
    expect(page.locator("#toasts")).to_contain_text("Call logged.")
    expect(sheet(page)).to_have_count(0)
    expect(focused(page)).to_have_text("Ann Björk")  # the row that was read anew
    open_sheet(page, "b", "Book")
    expect(focused(page)).to_have_attribute("name", "scheduled_for")
    at = timezone.localtime() + timedelta(days=2)
    page.keyboard.type(f"{at:%m%d%Y}")
    press(page, "ArrowRight")
    page.keyboard.type("0230PM")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("Booked.")
    press(page, "Enter")
    page.wait_for_url(f"**/{leads[0].pk}/**")
    expect(page.locator("[aria-current=step]")).to_have_text("Booked")
    with workspace_scope(home):
        booked = Appointment.objects.get()
        assert (booked.lead_id, booked.status) == (leads[0].pk, "scheduled")


def test_moving_previewing_and_taking_back(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "j", "j")
    expect(focused(page)).to_have_text("Bob Stone")
    press(page, "j", "k")
    expect(focused(page)).to_have_text("Ann Björk")
    press(page, "Space")
    expect(sheet(page)).to_contain_text("New enquiry")
    press(page, "Escape")
    expect(sheet(page)).to_have_count(0)
    open_sheet(page, "s", "Stage")
    expect(focused(page)).to_have_text("Contacted")
    press(page, "Enter")
    row = page.locator(f"#row-{leads[0].pk}")
    expect(row).to_contain_text("Contacted")
    press(page, "u")
    expect(page.locator("#toasts")).to_contain_text("Undone: Moved.")
    expect(row).to_contain_text("New")


def test_brackets_go_through_the_list(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "j", "Enter")
    page.wait_for_url(f"**/{leads[0].pk}/**")
    press(page, "]")
    page.wait_for_url(f"**/{leads[1].pk}/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bob Stone")
    press(page, "[")
    page.wait_for_url(f"**/{leads[0].pk}/**")


@pytest.mark.parametrize(
    ("key", "title"),
    [("n", "Note"), ("t", "Task"), ("a", "Assign"), ("z", "Snooze"), ("l", "Close")],
)
def test_each_verb_has_its_key_in_the_list_and_on_the_page(
    owner: Membership, leads: list[Lead], open_page: OpenPage, key: str, title: str
) -> None:
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "j")
    open_sheet(page, key, title)
    press(page, "Escape")
    expect(sheet(page)).to_have_count(0)
    press(page, "Enter")
    page.wait_for_url(f"**/{leads[0].pk}/**")
    open_sheet(page, key, title)


def test_a_half_written_note_is_not_lost_by_one_key(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "j")
    open_sheet(page, "n", "Note")
    page.keyboard.type("Wants two offers, c u")  # letters in a text are letters
    press(page, "Escape")
    expect(sheet(page).get_by_label("Note")).to_have_value("Wants two offers, c u")
    expect(page.locator("#toasts")).to_contain_text("Once more to discard it.")
    press(page, "Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Note added.")


def test_search_and_the_list_of_keys(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "?")
    expect(page.locator("#keys[open]")).to_contain_text("Log a call")
    press(page, "Escape")
    expect(page.locator("#keys[open]")).to_have_count(0)
    press(page, "/")
    page.keyboard.type("bob")
    press(page, "Enter")
    page.wait_for_url("**/search/?q=bob")
    expect(page.locator("#found")).to_contain_text("Bob Stone")
    expect(page.locator("#found")).not_to_contain_text("Ann Björk")


def test_keys_can_be_switched_off(
    owner: Membership, leads: list[Lead], open_page: OpenPage
) -> None:
    owner.user.shortcuts = False
    owner.user.save()
    page = open_page()
    sign_in_by_keyboard(page, owner)
    press(page, "j", "c")
    expect(page.locator("#keys")).to_have_count(0)
    expect(sheet(page)).to_have_count(0)
    expect(page.locator("tr[data-lead] a[tabindex]")).to_have_count(0)
