"""`make screenshots`: pictures of the demo for the README, always of the same hour and seed.

Another picture is one line of SHOTS. A page that complains on its console fails the run, as in
the journeys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db.models import Count
from playwright.sync_api import Page

from leadcrm.demo import cast, story
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Company, Contact, Lead, Source
from tests.browser.pictures import small

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NOW = datetime(2026, 11, 18, 18, 24, tzinfo=UTC)  # a Wednesday morning at the demo's
SEED, LEADS = 7, 400
DESKTOP, PHONE = (1440, 900), (390, 844)
LARGEST, LARGEST_SUM = 150_000, 1_000_000  # bytes

Steps = Callable[[Page], object]


@dataclass(frozen=True)
class Shot:
    """A picture: its file's name, the page, who looks at it, and what is clicked before."""

    name: str
    path: str
    login: str = "ben"
    steps: Steps = lambda page: None
    size: tuple[int, int] = DESKTOP
    scheme: str = "light"


def open_form(link: str, field: str) -> Steps:
    """Press a link and wait for the form with this field."""

    def steps(page: Page) -> None:
        page.get_by_role("link", name=link, exact=True).first.click()
        page.locator(f"[name={field}]").first.wait_for(state="attached")
        page.wait_for_function("!document.querySelector('.htmx-request, .htmx-settling')")

    return steps


SHOTS = (
    Shot("leads", "{w}/leads/?view=mine"),
    Shot("leads-dark", "{w}/leads/?view=mine", scheme="dark"),
    Shot("leads-phone", "{w}/leads/?view=mine", size=PHONE),
    Shot("lead", "{w}/leads/{lead}/"),
    Shot("lead-phone", "{w}/leads/{lead}/", size=PHONE),
    Shot("log-call", "{w}/leads/{lead}/", steps=open_form("Log call", "outcome")),
    Shot("book", "{w}/leads/{lead}/", steps=open_form("Book", "place")),
    Shot("contact", "{w}/contacts/{contact}/", login="max"),
    Shot("source", "{w}/settings/sources/{source}/", login="ana"),
    Shot("demo-site", "/demo/", login=""),
    Shot("admin", "/admin/leads/lead/", login="ana"),
)


@pytest.fixture
def places(transactional_db: None) -> Iterator[dict[str, str]]:
    """The demo at its hour; what the paths of the shots may name."""
    with time_machine.travel(NOW, tick=True):
        story.reset(now=NOW, leads=LEADS, seed=SEED)
        with workspace_scope(Workspace.objects.get(slug=cast.SLUG)):
            yield _places()


def test_screenshots(places: dict[str, str], open_page: Callable[..., Page]) -> None:
    IMAGES.mkdir(exist_ok=True)
    darkroom = open_page()
    for shot in SHOTS:
        width, height = shot.size
        size: Any = {"width": width, "height": height}
        page = open_page(
            viewport=size,
            color_scheme=shot.scheme,
            reduced_motion="reduce",
            timezone_id=cast.TIME_ZONE,
        )
        if shot.login:
            _sign_in(page, f"{shot.login}@demo.test")
        page.goto(shot.path.format(**places), wait_until="networkidle")
        shot.steps(page)
        taken = page.screenshot(animations="disabled", scale="css")
        (IMAGES / f"{shot.name}.png").write_bytes(small(taken, darkroom))
        page.context.close()
    sizes = {path.name: path.stat().st_size for path in IMAGES.glob("*.png")}
    assert max(sizes.values()) < LARGEST, sizes
    assert sum(sizes.values()) < LARGEST_SUM, sizes


def _sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/leads/**")


def _places() -> dict[str, str]:
    """The workspace's address, and of each kind of page the one that shows most."""
    bens = Lead.objects.open().filter(owner__name="Ben Carter", contact__isnull=False)
    customers = Contact.objects.filter(
        stage=Contact.Stage.CUSTOMER, leads__owner__team__name=cast.NORTH
    )
    companies = Company.objects.annotate(count=Count("contacts"))
    return {
        "w": f"/w/{cast.SLUG}",
        "lead": _first(bens.annotate(count=Count("activities"))),
        "contact": _first(customers.annotate(count=Count("leads"))),
        "company": _first(companies),
        "source": str(Source.objects.get(name=cast.WEBSITE).pk),
        "form": story.form_key(),
    }


def _first(rows: Any) -> str:
    return str(rows.order_by("-count", "created_at").values_list("pk", flat=True)[0])
