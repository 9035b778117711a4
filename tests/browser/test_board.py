"""The board in a real browser: a card is dragged, moved by keys, refused, and put down after a form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Lead, Stage
from tests.browser.conftest import sign_in
from tests.factories import make_lead

OpenPage = Callable[..., Page]


@pytest.fixture
def leads(home: Workspace, owner: Membership) -> list[Lead]:
    now = timezone.now()
    with workspace_scope(home):
        ann = make_lead(now=now, display_name="Ann Björk", owner=owner)
        bob = make_lead(now=now, display_name="Bob Stone", owner=owner)
        for minutes, lead in enumerate((ann, bob), 5):  # whatever the hour and the day
            due = now + timedelta(minutes=minutes)
            Lead.objects.filter(pk=lead.pk).update(work_due_at=due)
        return [ann, bob]


@pytest.fixture
def board(home: Workspace, owner: Membership, leads: list[Lead], open_page: OpenPage) -> Page:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    page.goto(f"/w/{home.slug}/board/")
    return page


def card(page: Page, name: str) -> Locator:
    return page.locator(".lead-card", has_text=name)


def column(page: Page, key: str) -> Locator:
    return page.locator(f"#stage-{key}")


def stage_of(home: Workspace, lead: Lead) -> str:
    with workspace_scope(home):
        return Lead.objects.select_related("stage").get(pk=lead.pk).stage.key


def test_cards_are_dragged_undone_and_refused(
    home: Workspace, board: Page, leads: list[Lead]
) -> None:
    ann, bob = card(board, "Ann"), card(board, "Bob")
    ann.drag_to(column(board, "contacted"))
    expect(column(board, "contacted").locator(".lead-card")).to_contain_text("Ann")
    expect(column(board, "contacted").locator(".count-of")).to_contain_text("1")
    expect(column(board, "new").locator(".count-of")).to_contain_text("1")
    assert stage_of(home, leads[0]) == "contacted"

    board.get_by_role("button", name="Undo").click()
    expect(column(board, "new").locator(".lead-card")).to_have_count(2)
    assert stage_of(home, leads[0]) == "new"

    with workspace_scope(home):
        Stage.objects.filter(key="contacted").update(required_fields=["budget"])
    bob.drag_to(column(board, "contacted"))
    expect(card(board, "Bob").locator(".k-refused")).to_contain_text("udget")
    expect(column(board, "new").locator(".lead-card")).to_have_count(2)
    assert stage_of(home, leads[1]) == "new"

    # Met comes after others: what New doesn't lead to takes no card.
    bob.drag_to(column(board, "completed"))
    expect(column(board, "completed").locator(".lead-card")).to_have_count(0)


def test_a_form_opens_where_one_is_needed_and_cancel_restores(
    home: Workspace, board: Page, leads: list[Lead]
) -> None:
    sheet = board.locator("#sheet[open]")
    box = card(board, "Ann").bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + 60, box["y"] + 40)
    board.mouse.down()
    board.mouse.move(box["x"] + 90, box["y"] + 90, steps=4)
    target = board.locator(".board-drops > div", has_text="Not a fit")
    expect(target).to_be_visible()
    expect(column(board, "completed")).to_have_class("board-column is-illegal")
    at = target.bounding_box()
    assert at is not None
    board.mouse.move(at["x"] + 40, at["y"] + 20, steps=6)
    board.mouse.up()
    expect(sheet.get_by_role("heading", level=2)).to_contain_text("Close")
    groups = sheet.locator("select[name=reason] optgroup")
    expect(groups).to_have_count(1)
    expect(groups).to_have_attribute("label", "Not a fit")
    sheet.get_by_role("button", name="Cancel").click()
    expect(column(board, "new").locator(".lead-card")).to_have_count(2)
    assert stage_of(home, leads[0]) == "new"


def test_the_keys_walk_and_move_cards(home: Workspace, board: Page, leads: list[Lead]) -> None:
    board.keyboard.press("j")
    expect(card(board, "Ann").locator(".row-link")).to_be_focused()
    board.keyboard.press("ArrowDown")
    expect(card(board, "Bob").locator(".row-link")).to_be_focused()
    board.keyboard.press("s")
    sheet = board.locator("#sheet[open]")
    expect(sheet.get_by_role("heading", level=2)).to_contain_text("Bob")
    sheet.get_by_role("button", name="Contacted").focus()
    board.keyboard.press("Enter")
    expect(column(board, "contacted").locator(".lead-card")).to_contain_text("Bob")
    board.keyboard.press("ArrowLeft")
    expect(card(board, "Ann").locator(".row-link")).to_be_focused()
    board.keyboard.press("Space")
    expect(sheet.get_by_role("heading", level=2)).to_contain_text("Ann")
    board.keyboard.press("Escape")
    board.keyboard.press("Enter")
    board.wait_for_url(f"**/leads/{leads[0].pk}/**")


def test_a_filter_is_put_together_in_the_sheet_and_saved(home: Workspace, board: Page) -> None:
    board.goto(f"/w/{home.slug}/leads/?view=open")
    board.locator("#filters").get_by_role("link", name="Filter").click()
    sheet = board.locator("#sheet[open]")
    sheet.get_by_label("Field").select_option("stage")
    sheet.get_by_label("New", exact=True).check()
    sheet.get_by_role("button", name="Show leads").last.click()
    board.wait_for_url("**where=1.stage.is.new**")
    expect(board.locator(".chip")).to_contain_text("Stage is New")
    board.get_by_role("link", name="Save view").click()
    sheet.get_by_label("Name").fill("Fresh")
    sheet.get_by_role("button", name="Save").click()
    expect(board.locator(".tabs [aria-current=page]")).to_have_text("Fresh")
    board.get_by_role("link", name="Leave out: Stage is New").click()
    expect(board.get_by_text("(changed)")).to_be_visible()
