"""What happens while a page stays open: the clock counts down, the bell rings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import timeline
from leads.models import Notification
from leads.notifying import News, tell
from tests.browser.conftest import sign_in
from tests.factories import make_lead

OpenPage = Callable[..., Page]


def test_the_clock_counts_down_by_the_servers_time(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    now = timezone.now()
    with workspace_scope(home):
        lead = make_lead(lane="backfill", display_name="Ann", owner=owner)
        due = now + timedelta(minutes=16, seconds=30)
        timeline.add_task([lead.pk], title="Call", due_at=due, by=Actor.member(owner), now=now)
    page = open_page()
    # A poll's answer would set the clock right again, after time that did not pass.
    for poll in ("**/leads/new/**", "**/bell/**"):
        page.route(poll, lambda route: route.fulfill(status=204))
    page.clock.install(time=now - timedelta(hours=5))  # this machine's clock is wrong
    sign_in(page, owner)
    page.goto(f"/w/{home.slug}/leads/?view=all")
    chip = page.locator("tr[data-lead] [data-due]")
    expect(chip).to_have_text("in 16 min")
    page.clock.fast_forward(5 * 60_000)
    expect(chip).to_have_text("11 min left")
    expect(chip).to_have_class("badge bg-yellow-lt")
    page.clock.fast_forward(15 * 60_000)
    expect(chip).to_have_text("Overdue 3 min")
    expect(chip).to_have_class("badge bg-red-lt")


def test_the_bell_rings_and_a_look_at_the_lead_is_enough(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    page = open_page()
    page.clock.install()
    sign_in(page, owner)
    page.goto(f"/w/{home.slug}/contacts/")
    bell = page.get_by_role("link", name="Notifications")
    page.wait_for_function("localStorage.getItem('alerts-told')")
    with workspace_scope(home):
        lead = make_lead(display_name="Ann Björk", owner=owner)
        at = timezone.now() + timedelta(seconds=1)
        tell([News(owner.pk, "reply", "x", lead.pk, "E-mail")], at)
    page.clock.fast_forward(21_000)
    expect(bell).to_contain_text("1 unread")
    expect(page.locator("#toasts")).to_contain_text("Reply: Ann Björk, E-mail")
    bell.click()
    with page.expect_response("**/read/"):
        page.get_by_role("link", name="Ann Björk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann Björk")
    page.clock.fast_forward(21_000)  # the page may have asked before it was read
    expect(bell).not_to_contain_text("unread")
    with workspace_scope(home):
        assert Notification.objects.get().read_at is not None
