"""The main job in a real browser: a lead comes in and a rep works it to the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import appointments, timeline
from leads.booking import Booking
from leads.models import Lead
from tests.browser.conftest import sign_in
from tests.factories import make_lead

OpenPage = Callable[..., Page]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
STEPS = ("New enquiry", "Call: Reached", "Appointment booked: Demo", "Booked → Met")


def enquire(home: Workspace) -> Lead:
    with workspace_scope(home):
        return make_lead(
            now=timezone.now(), display_name="Maria Lopez", phone="+14155552671", message="A roof?"
        )


def fill_in_the_call(page: Page) -> None:
    page.get_by_text("1 Reached", exact=True).click()
    page.locator("textarea[name=note]").fill("Wants an offer")


def fill_in_the_booking(page: Page) -> None:
    at = timezone.now() + timedelta(days=1)
    page.get_by_label("Date and time").fill(at.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Title").fill("Demo")


def work_to_the_end(page: Page) -> None:
    """From the open lead page to the conversion."""
    page.get_by_role("link", name="Log call").first.click()
    fill_in_the_call(page)
    page.get_by_role("button", name="Save call").click()
    expect(page.locator("#toasts")).to_contain_text("Call logged.")
    page.get_by_role("link", name="Book", exact=True).click()
    fill_in_the_booking(page)
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Booked.")
    page.get_by_role("button", name="Met").last.click()
    expect(page.locator("[aria-current=step]")).to_have_text("Met")
    page.get_by_role("link", name="Convert").first.click()
    page.get_by_label("Create a deal").check()
    page.get_by_label("Deal name").fill("Roof")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("[aria-current=step]")).to_have_text("Converted")
    for step in (*STEPS, "Met → Converted", "Wants an offer"):
        expect(page.locator("#history")).to_contain_text(step)


def test_a_lead_appears_by_itself_and_is_worked_to_the_end(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, owner)
    expect(page.locator("#list")).to_contain_text("All answered.")
    lead = enquire(home)
    page.get_by_role("link", name="1 new – Show").click()
    page.get_by_role("link", name="Maria Lopez").click()
    page.wait_for_url(f"**/{lead.pk}/**")
    expect(page.locator("#lead")).to_contain_text("A roof?")
    work_to_the_end(page)
    with workspace_scope(home):
        assert Lead.objects.get(pk=lead.pk).status == "converted"


def test_the_same_without_javascript(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    lead = enquire(home)
    sign_in(page, owner)
    page.get_by_role("link", name="Maria Lopez").click()
    work_to_the_end(page)
    with workspace_scope(home):
        assert Lead.objects.get(pk=lead.pk).status == "converted"


def test_a_refused_form_keeps_what_was_typed(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    lead = enquire(home)
    page = open_page()
    sign_in(page, owner)
    page.goto(f"/w/{home.slug}/leads/{lead.pk}/")
    page.get_by_role("link", name="Close", exact=True).click()
    form = page.locator("#sheet-form")
    form.get_by_label("Reason").select_option("other")
    form.get_by_label("Note").fill("short")
    form.locator(".btn-primary").click()
    expect(form).to_contain_text("at least 10 characters")
    expect(form.get_by_label("Note")).to_have_value("short")
    form.get_by_label("Note").fill("They moved to another country")
    form.locator(".btn-primary").click()
    expect(page.locator("#lead")).to_contain_text("They moved to another country")
    expect(page.get_by_role("link", name="Reopen")).to_be_visible()


def test_filters_go_into_the_address_and_back(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    enquire(home)
    with workspace_scope(home):
        make_lead(now=timezone.now(), display_name="Jon Snow")
    page = open_page()
    sign_in(page, owner)
    page.get_by_label("Filter by text").fill("maria")
    expect(page.get_by_role("link", name="Jon Snow")).to_have_count(0)
    expect(page).to_have_url(
        f"{page.url.split('/w/')[0]}/w/{home.slug}/leads/?view=waiting&q=maria"
    )
    page.get_by_role("link", name="Unassigned").click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Unassigned")
    expect(page.get_by_label("Filter by text")).to_have_value("maria")
    page.go_back()
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Waiting")
    expect(page.get_by_role("link", name="Maria Lopez")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Jon Snow")).to_have_count(0)


def fill(home: Workspace, owner: Membership) -> Lead:
    """A lead with long words and something in every card."""
    now, me = timezone.now(), Actor.member(owner)
    with workspace_scope(home):
        lead = make_lead(
            now=now,
            display_name="Donaudampfschifffahrtsgesellschaftskapitänswitwenverein",
            email="a-rather-long-address-of-somebody@a-rather-long-company-name.example",
            phone="+14155552671",
            message="https://example.com/" + "long" * 40,
            source_url="https://example.com/landing/" + "page" * 40,
        )
        timeline.log_call([lead.pk], outcome="no_answer", note="x" * 200, by=me, now=now)
        appointments.book(lead.pk, Booking(now + timedelta(days=1), title="Demo"), by=me, now=now)
        return lead


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_and_can_be_read_by_everybody(
    home: Workspace, owner: Membership, open_page: OpenPage, scheme: str
) -> None:
    lead = fill(home, owner)
    size = {"width": 390, "height": 844}
    page = open_page(viewport=size, color_scheme=scheme, bypass_csp=True)
    sign_in(page, owner)
    leads = f"/w/{home.slug}/leads/"
    for path in (f"{leads}?view=all", f"{leads}{lead.pk}/", f"{leads}{lead.pk}/edit/"):
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"], path
        assert violations(page) == [], path


def violations(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']})"
    )
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
