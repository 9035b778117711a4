"""Staff's admin in a real browser: accessible, within the screen, and true to the strict CSP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib import admin
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from playwright.sync_api import Page, expect

from leadcrm.workspaces.models import User, Workspace
from leadcrm.workspaces.scoping import all_workspaces
from leads.models import Lead
from tests.factories import PASSWORD
from tests.tenancy.conftest import address, populate

OpenPage = Callable[..., Page]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


@pytest.fixture
def busy(home: Workspace) -> None:
    """A row of every model, and a superuser who signs in."""
    populate(home, 1)
    every_night = CrontabSchedule.objects.create(hour="3")
    PeriodicTask.objects.create(name="prune", task="leads.prune", crontab=every_night)
    User.objects.create_superuser("staff@example.com", PASSWORD, name="Sol Staff")


def enter(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("E-mail").fill("staff@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="What came in")).to_be_visible()


def addresses() -> list[str]:
    """The first page, every list with the page of its first row, and the pages that add."""
    found = [reverse("admin:index")]
    for model in admin.site._registry:
        found.append(address(model))
        with all_workspaces():
            row = model._default_manager.order_by("pk").first()
        if row is not None:
            found.append(address(model, "change", row.pk))
    with all_workspaces():
        lead = Lead.objects.get(display_name__startswith="Person")
    return [
        *found,
        address(User, "add"),
        address(Workspace, "add"),
        address(Lead, "history", lead.pk),
    ]


def violations(page: Page) -> list[object]:
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']})"
    )
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]


def test_every_page_is_accessible_in_light_or_dark(busy: None, open_page: OpenPage) -> None:
    """By turns: lists and details share their templates, so each is seen in both."""
    page = open_page(bypass_csp=True, viewport=WIDE, reduced_motion="reduce")
    enter(page)
    wrong = {}
    for number, path in enumerate(addresses()):
        scheme = ("light", "light", "dark", "dark")[number % 4]
        page.emulate_media(color_scheme=scheme)
        page.goto(path)
        if found := violations(page):
            wrong[scheme, path] = found
    assert wrong == {}


def test_no_page_scrolls_sideways_on_a_phone(busy: None, open_page: OpenPage) -> None:
    """This one runs under the CSP, so it also finds what breaks it."""
    page = open_page(viewport=NARROW, has_touch=True)
    enter(page)
    wide = []
    for path in addresses():
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"]:
            wide.append((path, width))
    assert wide == []


def test_a_lead_is_found_looked_at_and_removed(busy: None, open_page: OpenPage) -> None:
    page = open_page(viewport=WIDE)
    enter(page)
    page.get_by_role("link", name="Leads", exact=True).last.click()
    page.get_by_label("Looking at").select_option(label="Acme")
    page.get_by_role("button", name="Show").click()
    page.locator("#searchbar").fill("person 1")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Person 1").click()
    expect(page.get_by_role("region", name="Timeline").first).to_contain_text("New enquiry")
    page.go_back()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("combobox", name="Action").select_option(label="Remove")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#content")).to_contain_text("Remove: 1 lead?")
    page.get_by_role("button", name="Yes, remove").click()
    expect(page.locator(".messagelist")).to_contain_text("Removed: 1.")
    with all_workspaces():
        assert Lead.objects.exclude(archived_at=None).exists()
