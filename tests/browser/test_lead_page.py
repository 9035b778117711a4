"""The lead page by keyboard: values edited in place, what a colleague changed meanwhile, the phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import appointments, editing, timeline
from leads.booking import Booking
from leads.models import FieldSuggestion, Lead, Message
from tests.browser.conftest import sign_in
from tests.browser.test_main_job import violations
from tests.factories import make_lead, make_member

OpenPage = Callable[..., Page]


@pytest.fixture
def scoped(home: Workspace) -> Iterator[None]:
    with workspace_scope(home):
        yield


@pytest.fixture
def lead(scoped: None) -> Lead:
    return make_lead(
        now=timezone.now(), display_name="Maria Lopez", phone="+14155552671", message="A roof?"
    )


@pytest.fixture
def page(open_page: OpenPage, owner: Membership, lead: Lead) -> Page:
    page = open_page()
    sign_in(page, owner)
    page.goto(address(lead))
    return page


def address(lead: Lead) -> str:
    return f"/w/{lead.workspace.slug}/leads/{lead.pk}/"


def value(page: Page, name: str) -> Any:
    return page.locator(f"#field-{name} .edit")


def field(page: Page, name: str) -> Any:
    return page.locator(f"#slot-{name}").get_by_role("textbox")


def edit(page: Page, name: str, text: str, end: str = "Enter") -> None:
    """Turn a value into its input, type, and save, by keyboard."""
    value(page, name).focus()
    page.keyboard.press("Enter")
    expect(field(page, name)).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press(end)


def note(page: Page) -> Any:
    return page.locator("#panel").get_by_role("textbox", name="Note")


def test_values_are_edited_in_place_by_keyboard(page: Page, lead: Lead) -> None:
    note(page).fill("Half a thought")
    edit(page, "last_name", "Garcia")
    expect(value(page, "last_name")).to_be_focused()
    expect(page.locator("h1")).to_have_text("Maria Garcia")
    expect(page.locator("#history")).to_contain_text("Lopez → Garcia")
    edit(page, "last_name", "Nobody", end="Escape")
    expect(value(page, "last_name")).to_be_focused()
    expect(value(page, "last_name")).to_contain_text("Garcia")
    page.get_by_text("Show empty").press("Enter")
    edit(page, "state", "CA")
    expect(value(page, "state")).to_be_focused()
    expect(note(page)).to_have_value("Half a thought")
    lead.refresh_from_db()
    assert (lead.last_name, lead.state) == ("Garcia", "CA")


def test_an_input_that_does_not_fit_keeps_what_was_typed(page: Page) -> None:
    edit(page, "email", "no address")
    expect(page.locator("#slot-email .field-error")).to_be_visible()
    expect(field(page, "email")).to_have_value("no address")
    expect(field(page, "email")).to_be_focused()
    page.keyboard.type("maria@lopez.example")
    page.keyboard.press("Enter")
    expect(page.locator("#field-email")).to_contain_text("maria@lopez.example")


def test_opening_another_value_saves_the_first(page: Page, lead: Lead) -> None:
    page.get_by_text("Show empty").click()
    value(page, "job_title").click()
    expect(field(page, "job_title")).to_be_focused()
    page.keyboard.type("CEO")
    value(page, "state").click()
    expect(page.locator("#field-job_title .edit")).to_contain_text("CEO")
    expect(page.locator("#slot-job_title form")).to_have_count(0)
    expect(field(page, "state")).to_be_focused()
    lead.refresh_from_db()
    assert lead.job_title == "CEO"


def test_two_people_on_one_value_choose(page: Page, home: Workspace, lead: Lead) -> None:
    sam = Actor.member(make_member(home, Role.MANAGER, "Sam"))
    note(page).fill("Half a thought")
    value(page, "last_name").focus()
    page.keyboard.press("Enter")
    expect(field(page, "last_name")).to_be_focused()
    editing.edit([lead.pk], {"last_name": "Sams"}, by=sam, now=timezone.now())
    page.keyboard.type("Mine")
    page.keyboard.press("Enter")
    slot = page.locator("#slot-last_name")
    expect(slot).to_contain_text("Sam set Last name to “Sams”")
    expect(slot.get_by_role("link", name="Keep theirs")).to_be_focused()
    page.keyboard.press("Enter")
    expect(value(page, "last_name")).to_be_focused()
    expect(value(page, "last_name")).to_contain_text("Sams")
    expect(page.locator("h1")).to_have_text("Maria Sams")
    page.keyboard.press("Enter")
    expect(field(page, "last_name")).to_be_focused()
    editing.edit([lead.pk], {"last_name": "Again"}, by=sam, now=timezone.now())
    page.keyboard.type("Mine")
    page.keyboard.press("Enter")
    expect(slot.get_by_role("link", name="Keep theirs")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Maria Mine")
    expect(note(page)).to_have_value("Half a thought")


def test_a_lost_connection_loses_no_word(page: Page) -> None:
    note(page).fill("Half a thought")
    value(page, "last_name").click()
    expect(field(page, "last_name")).to_be_focused()
    page.keyboard.type("Garcia")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#errors")).to_be_visible()
    expect(field(page, "last_name")).to_have_value("Garcia")
    expect(note(page)).to_have_value("Half a thought")
    page.context.set_offline(False)
    field(page, "last_name").press("Enter")
    expect(page.locator("h1")).to_have_text("Maria Garcia")


def test_what_is_typed_survives_other_work_on_the_page(page: Page, lead: Lead) -> None:
    note(page).fill("Half a thought")
    page.get_by_text("Or set a step").click()
    expect(page.get_by_label("Next step", exact=True).last).to_be_focused()
    page.keyboard.type("Send offer")
    page.keyboard.press("Enter")
    expect(page.locator(".next-step")).to_contain_text("Send offer")
    expect(note(page)).to_have_value("Half a thought")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#history")).to_contain_text("Half a thought")
    expect(note(page)).to_have_value("")
    assert Message.objects.get(channel="note").body == "Half a thought"


def test_from_tab_to_tab_the_text_goes_along(page: Page) -> None:
    note(page).fill("She wants an offer")
    page.locator("#panel").get_by_role("link", name="E-mail").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("She wants an offer")


def test_a_note_is_pinned_and_a_number_copied(page: Page, lead: Lead, owner: Membership) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy phone").click()
    expect(page.locator("#toasts")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "+14155552671"
    timeline.add_note([lead.pk], body="Gate 4711", by=Actor.member(owner), now=timezone.now())
    page.reload()
    page.get_by_role("button", name="Pin").click()
    expect(page.get_by_role("article", name="Pinned note")).to_contain_text("Gate 4711")


def full(lead: Lead, owner: Membership) -> None:
    """Something in every part of the page."""
    now, me = timezone.now(), Actor.member(owner)
    timeline.log_call([lead.pk], outcome="no_answer", note="x" * 900, by=me, now=now)
    timeline.add_note([lead.pk], body="Gate 4711", by=me, now=now)
    timeline.pin_note(Message.objects.get(channel="note"), by=me, now=now)
    appointments.book(lead.pk, Booking(now + timedelta(days=1), title="Demo"), by=me, now=now)
    FieldSuggestion.objects.create(lead=lead, field="state", source="Form", value="CA")
    Lead.objects.filter(pk=lead.pk).update(needs_review=True, time_zone="Asia/Kolkata")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_part_can_be_read_by_everybody(
    open_page: OpenPage, owner: Membership, lead: Lead, scheme: str, width: int
) -> None:
    full(lead, owner)
    size = {"width": width, "height": 844}
    page = open_page(viewport=size, color_scheme=scheme, bypass_csp=True)
    sign_in(page, owner)
    page.goto(address(lead))
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
    page.evaluate("document.querySelectorAll('#lead details').forEach(d => { d.open = true })")
    page.locator("details.menu[open] > summary").last.click()
    value(page, "last_name").click()
    expect(field(page, "last_name")).to_be_focused()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert violations(page) == []


def test_a_phone_has_its_bar_below_and_the_fields_folded(
    open_page: OpenPage, owner: Membership, lead: Lead
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    sign_in(page, owner)
    page.goto(address(lead))
    bar = page.get_by_role("navigation", name="Reach them")
    assert bar.get_by_role("link").all_inner_texts() == ["Call", "Text", "Log", "Book"]
    box = bar.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == 844
    expect(value(page, "last_name")).to_be_hidden()
    page.get_by_text("Contact and details").click()
    expect(value(page, "last_name")).to_be_visible()
    tops = [
        page.locator(one).bounding_box()["y"]
        for one in (".next-step", ".asked", "#history", "#fields")
    ]  # type: ignore[index]
    assert tops == sorted(tops)
