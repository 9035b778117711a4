"""People and companies in a real browser: found, edited beside a colleague, and reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import contact_keys, lifecycle, people, timeline
from leads.models import Contact, ContactKey, Lead
from tests.browser.conftest import sign_in
from tests.browser.test_main_job import violations
from tests.factories import make_lead

OpenPage = Callable[..., Page]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenverein"


@pytest.fixture
def maria(home: Workspace) -> Contact:
    with workspace_scope(home):
        make_lead(display_name="Jon Snow", email="jon@two.example", phone="+14155552672")
        lead = make_lead(
            now=timezone.now(),
            display_name="Maria Lopez",
            email="maria@one.example",
            phone="+14155552671",
            company_name="Roof Ltd",
        )
        return lead.contact


def find_and_open(page: Page, home: Workspace) -> None:
    page.goto(f"/w/{home.slug}/contacts/")
    page.get_by_label("Search people").fill("5552671")
    page.get_by_label("Search people").press("Enter")
    expect(page.get_by_role("link", name="Jon Snow")).to_have_count(0)
    page.get_by_role("link", name="Maria Lopez").click()
    expect(page.get_by_role("heading", name="Maria Lopez")).to_be_visible()


def edit_beside_a_colleague(page: Page, home: Workspace, owner: Membership, maria: Contact) -> None:
    """Both change the job title; the state is the page's own."""
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Job title").fill("CEO")
    page.get_by_label("State").fill("CA")
    with workspace_scope(home):
        by, now = Actor.member(owner), timezone.now()
        people.edit_contact(maria.pk, {"job_title": "CTO"}, by=by, now=now)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".conflict")).to_contain_text("CTO")
    page.get_by_role("button", name="Use mine").click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    expect(page.locator("#details")).to_contain_text("CEO")
    expect(page.locator("#details")).to_contain_text("CA")


def share_a_number(page: Page) -> None:
    page.get_by_role("link", name="Add", exact=True).click()
    page.get_by_label("E-mail or phone").fill("(415) 555-2672")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#reach")).to_contain_text("This number is that of Jon Snow")
    page.get_by_role("button", name="Both use it").click()
    expect(page.locator("#reach")).to_contain_text("Shared with Jon Snow")


def mark_and_remove(page: Page) -> None:
    page.get_by_label("Change maria@one.example").click()
    page.get_by_role("link", name="Do not contact").locator("visible=true").click()
    page.get_by_label("Why (optional)").fill("Asked by mail")
    page.get_by_role("button", name="Do not contact").click()
    expect(page.locator("#reach")).to_contain_text("Asked by mail")
    page.get_by_label("Change +14155552671").click()
    page.get_by_role("link", name="Remove").locator("visible=true").click()
    expect(page.locator("#reach")).to_contain_text("Remove +14155552671 from Maria Lopez?")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_label("Change +14155552671")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_is_found_edited_and_told_how_to_be_reached(
    home: Workspace, owner: Membership, maria: Contact, open_page: OpenPage, scripts: bool
) -> None:
    page = open_page(java_script_enabled=scripts)
    sign_in(page, owner)
    find_and_open(page, home)
    edit_beside_a_colleague(page, home, owner, maria)
    share_a_number(page)
    mark_and_remove(page)
    page.get_by_role("link", name="Changes").click()
    expect(page.locator("#history")).to_contain_text("Phone removed")
    expect(page.locator("#history")).not_to_contain_text("New enquiry")
    page.get_by_role("link", name="New lead").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Maria Lopez")
    with workspace_scope(home):
        assert Contact.objects.get(pk=maria.pk).phone == "+14155552672"


def test_the_list_narrows_down_while_typing(
    home: Workspace, owner: Membership, maria: Contact, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, owner)
    page.goto(f"/w/{home.slug}/contacts/")
    page.get_by_label("Search people").press_sequentially("jon")
    expect(page.get_by_role("link", name="Maria Lopez")).to_have_count(0)
    expect(page).to_have_url(f"{page.url.split('?')[0]}?q=jon")
    page.get_by_label("Search people").fill("nobody at all")
    expect(page.locator("#people")).to_contain_text("Nobody matches")
    page.get_by_role("link", name="Clear search").click()
    page.get_by_role("link", name="Companies").click()
    page.get_by_role("link", name="Roof Ltd").click()
    expect(page.locator("#history")).to_contain_text("New enquiry")


def fill(home: Workspace, owner: Membership) -> Lead:
    """A person with several leads, long words, and something in every card."""
    now, me = timezone.now(), Actor.member(owner)
    fields = {"display_name": LONG, "email": f"{LONG[:40]}@{LONG[:40]}.example".replace("ä", "ae")}
    fields |= {"phone": "+14155552671", "company_name": f"{LONG} GmbH & Co. KG", "job_title": LONG}
    with workspace_scope(home):
        first = make_lead(now=now, **fields)
        timeline.log_call([first.pk], outcome="no_answer", note="x" * 200, by=me, now=now)
        lifecycle.close([first.pk], reason="price", by=me, now=now)
        lead = make_lead(now=now + timedelta(minutes=1), **fields)
        make_lead(now=now, display_name="Ann Björk", email="a@b.example", phone="+14155552671")
        key = ContactKey.objects.get(value="+14155552671")
        contact_keys.forbid_key(lead.contact_id, key.pk, reason="y" * 100, by=me, now=now)
        return lead


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_people_fit_a_phone_and_can_be_read_by_everybody(
    home: Workspace, owner: Membership, open_page: OpenPage, scheme: str
) -> None:
    lead = fill(home, owner)
    size = {"width": 390, "height": 844}
    page = open_page(viewport=size, color_scheme=scheme, bypass_csp=True)
    sign_in(page, owner)
    base = f"/w/{home.slug}"
    person, company = f"{base}/contacts/{lead.contact_id}/", f"{base}/companies/{lead.company_id}/"
    paths = [f"{base}/contacts/", f"{base}/companies/", person, company]
    paths += [f"{person}edit/", f"{person}keys/", f"{company}edit/", f"{base}/contacts/?q=zzz"]
    for path in paths:
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"], path
        assert violations(page) == [], path
