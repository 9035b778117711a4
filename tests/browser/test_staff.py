"""Staff's admin in a real browser: accessible, within the screen, and true to the strict CSP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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
SCHEMES: Any = {0: "light", 3: "dark", 4: "dark", 7: "light"}  # a list, a detail, a list, a detail
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
    options = "{runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']}"
    found = page.evaluate(f"axe.run(document, {options})")
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]


def test_pages_are_accessible_and_every_one_fits_a_phone(busy: None, open_page: OpenPage) -> None:
    """Lists and details share their templates: of each model one is read by axe, each kind in both
    schemes."""
    page = open_page(bypass_csp=True, reduced_motion="reduce")  # axe sets styles
    enter(page)
    wrong = {}
    for number, path in enumerate(addresses()):
        page.set_viewport_size(WIDE)
        scheme = SCHEMES.get(number % 8)
        page.emulate_media(color_scheme=scheme or "light")
        page.goto(path)
        if scheme and (found := violations(page)):
            wrong[path] = found
        page.set_viewport_size(NARROW)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"]:
            wrong[path] = [f"{width} pixels wide"]
    assert wrong == {}


def test_no_kind_of_page_breaks_the_policy(busy: None, open_page: OpenPage) -> None:
    """A list, a row, an empty form, a history: the browser complains of none."""
    page = open_page(viewport=WIDE)
    enter(page)
    with all_workspaces():
        lead = Lead.objects.get(display_name__startswith="Person")
    for path in (
        address(Lead),
        address(Lead, "change", lead.pk),
        address(User, "add"),
        address(Workspace, "change", lead.workspace_id),
        address(Lead, "history", lead.pk),
    ):
        page.goto(path)
        expect(page.locator("#content")).to_be_visible()


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
