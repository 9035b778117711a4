"""The embed script on a customer's website, in a real browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from integrations import inbox
from integrations.models import InboundEvent
from integrations.web_form import embed
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Lead, Source
from tests.chromium import find_chromium
from tests.factories import make_workspace
from tests.integrations.web_form.conftest import change, form_of
from tests.integrations.web_form.foreign_site import ForeignSite, foreign_site

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    return {
        "executable_path": find_chromium(),
        "args": [*quiet, "--disable-background-networking", "--disable-component-update"],
    }


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor's browser with nothing in it."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def site() -> Iterator[ForeignSite]:
    with foreign_site() as running:
        yield running


@pytest.fixture
def form(transactional_db: None) -> Source:
    return form_of(make_workspace("Acme"))


@pytest.fixture
def host(live_server: Any) -> str:
    return str(live_server.url)


def stored() -> list[InboundEvent]:
    with all_workspaces():
        return list(InboundEvent.objects.order_by("received_at"))


def stored_after(page: Page, count: int) -> list[InboundEvent]:
    """What is stored once that many submissions have arrived."""
    for _ in range(50):
        if len(events := stored()) >= count:
            return events
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(stored())} of {count} submissions arrived")


def the_lead(source: Source) -> Lead:
    inbox.drain(timezone.now() + timedelta(seconds=1))
    with workspace_scope(source.workspace_id):
        return Lead.objects.get()


def answer_late(route: Route) -> None:
    """As a busy server would: the form is stamped long after the visitor set out for it."""
    time.sleep(1.5)
    route.continue_()


def fill_in(page: Page, name: str = "Ann Björk") -> None:
    page.get_by_label("Name (required)").fill(name)
    page.get_by_label("E-mail (required)").fill("ann@customer.example")
    page.get_by_label("How can we help?").fill("Zwei Zimmer\n😀")


def test_a_rendered_form_is_filled_by_keyboard_and_becomes_a_lead_with_its_touches(
    page, site, form, host
):
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    change(form, allowed_origins=[site.url])
    # A careful site: no inline styles, scripts only from here and from us.
    site.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {host}; connect-src {host}; style-src 'self'"
    )
    script = embed.snippet(form, host)
    site.pages["/landing"] = f'<a href="/contact">Contact</a>{script}'
    site.pages["/contact"] = f"<main><h1>Contact</h1>{script}</main>"
    page.context.add_cookies(
        [
            {"name": "_fbp", "value": "fb.1.1.222", "url": site.url},
            {"name": "_fbc", "value": "fb.1.1.IwAR", "url": site.url},
        ]
    )
    page.goto(f"{site.url}/landing?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=G1")
    page.get_by_label("Name (required)").wait_for()
    page.goto(f"{site.url}/contact?utm_source=newsletter&utm_medium=email")
    page.get_by_label("Name (required)").wait_for()
    page.goto(f"{site.url}/landing")  # without a campaign: the last touch stays
    page.get_by_role("link", name="Contact").click()
    page.get_by_label("Name (required)").wait_for()

    typed = ["Ann Björk", "ann@customer.example", "312 555 0188", "Zwei Zimmer"]
    for text in typed:
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Send"  # the trap was passed over
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(
        "Thank you. We have your message and will be in touch soon.", timeout=15_000
    )
    assert page.evaluate("document.activeElement.className") == "leadcrm-thanks"

    (event,) = stored()
    assert event.headers["origin"] == site.url
    lead = the_lead(form)
    event = stored()[0]
    assert (event.result, event.note) == ("new_lead", "")  # the time stamp was ours, and old enough
    assert [lead.display_name, lead.email, lead.phone_raw, lead.message] == typed
    assert (lead.first_touch["utm_source"], lead.first_touch["gclid"]) == ("google", "G1")
    assert lead.last_touch["utm_source"] == lead.utm_source == "newsletter"
    assert lead.platform_ref == {"gclid": "G1", "fbp": "fb.1.1.222", "fbc": "fb.1.1.IwAR"}
    assert lead.source_url.startswith(f"{site.url}/contact?utm_source=newsletter")
    assert lead.time_zone
    assert problems == []


def test_a_missing_field_is_named_beside_it_and_nothing_is_sent(page, site, form, host):
    site.pages["/"] = embed.snippet(form, host)
    page.goto(site.url)
    page.get_by_label("Name (required)").fill("Ann")
    page.get_by_role("button", name="Send").click()
    email = page.get_by_label("E-mail (required)")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    described_by = email.get_attribute("aria-describedby")
    expect(page.locator(f"#{described_by}")).not_to_be_empty()
    assert stored() == []


def test_a_broken_connection_is_retried_and_counts_once(page, site, form, host):
    site.pages["/"] = embed.snippet(form, host)
    bodies: list[str] = []

    def flaky(route: Any) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        bodies.append(route.request.post_data)
        if len(bodies) == 1:
            route.abort()  # never arrived
        elif len(bodies) == 2:
            route.fetch()  # arrived, but the answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/f/**", flaky)
    page.goto(site.url)
    fill_in(page, name="cut \ud83d in half")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you.")).to_be_visible(timeout=20_000)
    assert len(bodies) == 3
    assert len({json.loads(body)["submission_id"] for body in bodies}) == 1
    assert len(stored()) == 1
    assert the_lead(form).display_name == "cut \ufffd in half"


def test_choices_of_every_type_can_be_answered(page, site, form, host):
    options = ["Red", "Blue & <b>"]
    change(
        form,
        thanks_message="Merci!",
        form_fields=[
            {"name": "email", "label": "E-mail", "type": "email"},
            {"name": "colour", "label": "Colour", "type": "select", "options": options},
            {"name": "size", "label": "Size", "type": "radio", "options": ["S", "L"]},
            {"name": "days", "label": "Days", "type": "checkbox", "options": ["Mon", "Tue", "Wed"]},
            {"name": "privacy", "label": "I agree", "type": "checkbox", "required": True},
        ],
    )
    site.pages["/"] = embed.snippet(form, host)
    page.goto(site.url)
    page.get_by_label("E-mail").fill("ann@customer.example")
    page.get_by_label("Colour").select_option("Blue & <b>")
    page.get_by_role("group", name="Size").get_by_label("L").check()
    page.get_by_role("group", name="Days").get_by_label("Mon").check()
    page.get_by_role("group", name="Days").get_by_label("Wed").check()
    page.get_by_label("I agree (required)").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Merci!")).to_be_visible(timeout=15_000)
    lead = the_lead(form)
    assert lead.answers == [
        ["Colour", "Blue & <b>"], ["Size", "L"], ["Days", "Mon, Wed"], ["I agree", "yes"]
    ]  # fmt: skip
    assert lead.last_touch["consent"] == {"privacy": "yes"}


def test_an_attached_form_is_copied_and_the_page_goes_on_as_before(page, site, form, host):
    script = embed.snippet(form, host).replace(" async", ' data-form="#own" async')
    site.pages["/"] = f"""
        <form id=own method=post action=/own>
          <label>Your name <input name=who></label> <label>E-mail <input name=email></label>
          <label>Pieces <input name=pieces></label>
          <input type=hidden name=csrf_token value=secret-1> <input type=hidden name=utm_campaign value=fair>
          <input type=password name=pin value=secret-2> <input name=nr autocomplete=cc-number value=secret-3>
          <button>Order</button>
        </form>{script}"""
    site.pages["/own"] = "<p>Thanks from the site itself</p>"
    page.goto(f"{site.url}/?gclid=G7")
    page.get_by_label("Your name").fill("Kim")
    page.get_by_label("E-mail").fill("kim@shop.example")
    page.get_by_label("Pieces").fill("200")
    page.get_by_role("button", name="Order").click()
    expect(page.get_by_text("Thanks from the site itself")).to_be_visible()
    assert "secret-1" in site.posted[0]
    assert "who=Kim" in site.posted[0]
    (event,) = stored_after(page, 1)
    assert b"secret" not in bytes(event.body)
    lead = the_lead(form)
    assert (lead.email, lead.utm_campaign, lead.platform_ref["gclid"]) == (
        "kim@shop.example",
        "fair",
        "G7",
    )
    assert lead.answers == [["Your name", "Kim"], ["Pieces", "200"]]

    page.goto(site.url)  # the answer was never seen, so it is sent again: the same submission
    page.wait_for_timeout(500)
    assert len(stored()) == 1


def test_a_page_that_handles_its_form_by_script_is_left_in_peace(page, site, form, host):
    script = embed.snippet(form, host).replace(" async", ' data-form="form.lead" async')
    site.pages["/"] = f"""
        <form class=lead><input name=email aria-label=E-mail><button>Go</button></form><p id=said></p>
        <script>
          document.querySelector("form").addEventListener("submit", (event) => {{
            event.preventDefault(); event.stopImmediatePropagation();
            document.querySelector("#said").textContent =
              new FormData(event.target).get("email") + " " + event.target.elements.length;
          }});
        </script>{script}"""
    page.goto(site.url)
    page.get_by_label("E-mail").fill("kim@shop.example")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#said")).to_have_text("kim@shop.example 2")  # nothing was added to it
    page.get_by_role("button", name="Go").click()  # unchanged: the same submission
    stored_after(page, 1)
    page.wait_for_timeout(300)
    assert len(stored()) == 1


def test_what_could_not_be_sent_before_the_page_changed_is_sent_on_the_next_page(
    page, site, form, host
):
    script = embed.snippet(form, host).replace(" async", ' data-form="#own" async')
    own = "<form id=own method=post action=/own><input name=email value=a@b.example>"
    site.pages["/"] = f"{own}<button>Go</button></form>{script}"
    site.pages["/own"] = "<p>Thanks</p>"
    page.route("**/f/*/", lambda route: route.abort())
    page.goto(site.url)
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("Thanks")).to_be_visible()
    assert stored() == []
    page.unroute("**/f/*/")
    page.goto(site.url)
    stored_after(page, 1)
    assert the_lead(form).email == "a@b.example"


def test_without_storage_nothing_is_kept_in_the_browser(page, site, form, host):
    site.pages["/"] = embed.snippet(form, host).replace(" async", ' data-storage="none" async')
    page.goto(f"{site.url}/?utm_source=google")
    page.get_by_label("Name (required)").wait_for()
    assert page.evaluate("localStorage.length") == 0


def test_a_site_that_is_not_allowed_is_told_why_and_offers_a_way(page, site, form, host):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    change(form, allowed_origins=["https://www.acme.example"])
    site.pages["/"] = embed.snippet(form, host)
    page.goto(site.url)
    link = page.get_by_role("link", name="Open the contact form")
    expect(link).to_have_attribute("href", f"{host}/f/{form.public_key}/", timeout=15_000)
    assert any(f"Is {site.url} among its allowed sites" in text for text in said)


def test_the_hosted_page_works_without_scripts(browser, form, host):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{host}/f/{form.public_key}/?utm_source=flyer")
        fill_in(page)
        page.wait_for_timeout(3_200)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Thank you.")).to_be_visible()
    lead = the_lead(form)
    assert (lead.display_name, lead.utm_source) == ("Ann Björk", "flyer")
    assert lead.message == "Zwei Zimmer\n😀"


def test_the_hosted_page_with_scripts_waits_for_a_human_pace_and_breaks_no_policy(page, form, host):
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.route("**/?utm_source=flyer*", answer_late)
    page.goto(f"{host}/f/{form.public_key}/?utm_source=flyer&gclid=G9")
    fill_in(page)
    page.get_by_role("button", name="Send").click()  # at once, as with a browser that fills in
    expect(page.get_by_text("Thank you.")).to_be_visible(timeout=15_000)
    lead = the_lead(form)
    assert stored()[0].result == "new_lead"
    assert lead.first_touch["gclid"] == lead.platform_ref["gclid"] == "G9"
    assert problems == []


def test_neither_form_has_an_accessibility_violation(browser, site, form, host):
    site.pages["/"] = (
        f"<html lang=en><title>Contact</title><main>{embed.snippet(form, host)}</main>"
    )
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        for address in (site.url, f"{host}/f/{form.public_key}/"):
            page.goto(address)
            page.get_by_label("Name (required)").wait_for()
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})")
            assert [violation["id"] for violation in found["violations"]] == []
