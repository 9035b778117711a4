"""Sources in a real browser: onto a site, tried out in the preview, through the demo's website."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import FrameLocator, Page, expect

from integrations import inbox
from integrations.models import InboundEvent
from leadcrm.demo import story
from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Lead, Source, SourceKind
from tests.browser.conftest import sign_in
from tests.browser.test_main_job import violations
from tests.factories import make_workspace
from tests.integrations.web_form.foreign_site import ForeignSite, foreign_site

OpenPage = Callable[..., Page]
ARRIVES_WITHIN = 15_000  # ms; the form itself waits a human pace


@pytest.fixture
def site() -> Iterator[ForeignSite]:
    with foreign_site() as running:
        yield running


def sources(workspace: Workspace) -> str:
    return f"/w/{workspace.slug}/settings/sources/"


def fill_in(form: Page | FrameLocator, name: str) -> None:
    form.get_by_label("Name (required)").fill(name)
    form.get_by_label("E-mail (required)").fill("ann@customer.example")
    form.get_by_role("button", name="Send").click()


def drain_once_arrived(page: Page) -> None:
    for _ in range(100):
        with all_workspaces():
            if InboundEvent.objects.exists():
                inbox.drain(timezone.now())
                return
        page.wait_for_timeout(100)
    raise AssertionError("nothing arrived")


def test_a_new_form_goes_onto_a_site_and_its_page_shows_what_arrives(
    home: Workspace, owner: Membership, open_page: OpenPage, site: ForeignSite
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, owner)
    page.get_by_role("link", name="Settings").first.click()
    page.get_by_label("Settings").get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Add source").click()
    page.get_by_label("Name").fill("Landing page")
    page.get_by_role("button", name="Add source").click()
    expect(page.get_by_text("Nothing has been sent yet.")).to_be_visible()
    page.get_by_role("button", name="Copy the line", exact=True).click()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line == page.get_by_label("Paste this line").input_value()

    site.pages["/favicon.ico"] = ""
    site.pages["/"] = f"<main><h1>Contact</h1>{line}</main>"
    visitor = open_page()
    visitor.goto(site.url)
    fill_in(visitor, "Ann Berg")
    expect(visitor.get_by_text("Thank you.")).to_be_visible(timeout=ARRIVES_WITHIN)
    expect(page.locator("#submissions")).to_contain_text("Waiting")
    drain_once_arrived(page)
    expect(page.locator("#submissions")).to_contain_text("New lead")
    page.get_by_role("link", name="Ann Berg").click()
    page.wait_for_url("**/leads/**")


def test_the_preview_sends_a_test_and_shows_a_field_as_soon_as_it_is_saved(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, owner)
    page.goto(sources(home))
    page.get_by_role("link", name="Website").click()
    preview = page.frame_locator("iframe")
    expect(preview.get_by_label("Phone")).to_be_visible()
    page.get_by_role("button", name="Add field").click()
    row = page.locator(".field-row").last
    expect(row.get_by_label("Label")).to_be_focused()
    row.get_by_label("Label").fill("Roof")
    row.get_by_label("Entered as").select_option("radio")
    page.get_by_role("button", name="Save form").click()
    expect(row).to_contain_text("Give at least one choice.")
    row.get_by_label("Choices").fill("Flat\nPitched")
    page.get_by_role("button", name="Remove field 3").click()
    expect(page.locator(".field-row")).to_have_count(4)
    page.get_by_role("button", name="Save form").click()
    expect(page.locator("#toasts")).to_contain_text("The form is saved.")
    expect(preview.get_by_label("Phone")).to_have_count(0)
    preview.get_by_label("Flat").check()
    fill_in(preview, "Ann")
    expect(preview.get_by_text("This was a test.")).to_be_visible(timeout=ARRIVES_WITHIN)
    drain_once_arrived(page)
    expect(page.locator("#submissions")).to_contain_text("Test")
    with workspace_scope(home):
        lead = Lead.objects.get()
    assert (lead.is_test, lead.answers) == (True, [["Roof", "Flat"]])
    preview.get_by_role("link", name="Show the form again").click()
    expect(preview.get_by_label("Flat")).to_be_visible()


def test_the_form_is_edited_without_javascript(
    home: Workspace, owner: Membership, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, owner)
    page.goto(sources(home))
    page.get_by_role("link", name="Website").click()
    page.get_by_role("button", name="Remove field 4").click()
    page.get_by_role("button", name="Add field").click()
    row = page.locator(".field-row").last
    row.get_by_label("Label").fill("Company")
    row.get_by_label("Asks for").select_option("company_name")
    row.get_by_label("Place").fill("0")
    page.get_by_role("button", name="Save form").click()
    page.get_by_label("Sites that may show the form").fill("acme.example")
    page.get_by_role("button", name="Save sites").click()
    with workspace_scope(home):
        form = Source.objects.get(kind=SourceKind.WEBSITE_FORM)
    assert [one["name"] for one in form.form_fields] == ["company", "name", "email", "phone"]
    assert form.allowed_origins == ["https://acme.example"]


def test_a_newcomer_sends_a_lead_through_the_demos_website(
    transactional_db: None, open_page: OpenPage
) -> None:
    home = make_workspace("Sunny Roofs", slug=story.SLUG)
    with workspace_scope(home):
        owner = Membership.objects.select_related("user").get(role=Role.OWNER)
    rep = open_page()
    sign_in(rep, owner)
    page = open_page()
    page.goto("/demo/")
    fill_in(page, "Ann Berg")
    expect(page.get_by_text("Thank you.")).to_be_visible(timeout=ARRIVES_WITHIN)
    drain_once_arrived(page)
    rep.get_by_role("link", name="1 new – Show").click()
    expect(rep.get_by_role("link", name="Ann Berg")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_settings_fit_a_phone_and_can_be_read_by_everybody(
    transactional_db: None, open_page: OpenPage, scheme: str
) -> None:
    home = make_workspace("Sunny Roofs", slug=story.SLUG)
    with workspace_scope(home):
        owner = Membership.objects.select_related("user").get(role=Role.OWNER)
        form = Source.objects.get()
        for number, result in enumerate(InboundEvent.Result):
            InboundEvent.objects.create(
                source=form, provider="web_form", dedupe_key=str(number), body=b"",
                result=result, person="Donaudampfschifffahrtsgesellschaftskapitän", note="w" * 80,
            )  # fmt: skip
    size = {"width": 390, "height": 844}
    page = open_page(viewport=size, color_scheme=scheme, bypass_csp=True)
    sign_in(page, owner)
    one = f"{sources(home)}{form.pk}/"
    general = f"/w/{home.slug}/settings/general/"
    for path in (sources(home), f"{sources(home)}add/", one, f"{one}details/", general, "/demo/"):
        page.goto(path)
        page.wait_for_load_state("load")
        if path == "/demo/":
            expect(page.get_by_role("button", name="Send")).to_be_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"], path
        assert violations(page) == [], path
