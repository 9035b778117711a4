"""Every page of the role table in a real browser: readable by everybody, in light and dark, on a
phone, without a complaint of the browser. A page that is added is looked at without a line here."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from leadcrm.workspaces.models import Role
from leads.views.verbs import VERBS as VERB_FORMS
from tests.browser.conftest import sign_in
from tests.tenancy.test_routes import TABLE, World, address, make_world, routes

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
OPTIONS = "{runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']}"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# Answers for a part of a page, or a file.
FRAGMENTS = {
    *("lead-new", "lead-row", "board-more", "board-card", "bell"),
    *("source-submissions", "import-errors", "commands"),
}
VERBS = {f"lead-{key}" for key in VERB_FORMS} | set(VERB_FORMS)  # the lead page with a form open
OUTSIDE = ("/workspaces/", "/api/docs/")
SIGNED_OUT = ("/sign-in/", "/password/reset/", "/password/reset/sent/", "/password/reset/done/")
MOST_HTML = 200_000  # bytes of a page
FIRST_VISIT = 300_000  # bytes of scripts, styles and pictures, compressed


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world("Acme")


def pages_of(world: World) -> list[str]:
    """The addresses of the pages that an owner may look at, without the API's."""
    return [*addresses_of(world, lambda name: name not in FRAGMENTS | VERBS), *OUTSIDE]


def forms_of(world: World) -> list[str]:
    """The addresses at which the lead page has the form of a verb open."""
    return addresses_of(world, VERBS.__contains__)


def addresses_of(world: World, wanted: Callable[[str], bool]) -> list[str]:
    return [
        address(route, world.ids)
        for route in routes()
        if Role.OWNER in TABLE.get(route.name, {}).get("GET", ())
        and not route.name.startswith("api:")
        and wanted(route.name)
    ]


def problems_of(page: Page, path: str, part: str = "html") -> list[str]:
    """What is wrong with a page as it is shown: contrast, names, roles; what sticks out sideways.

    Of a page whose other parts were looked at already, `part` is enough.
    """
    page.goto(path)
    page.evaluate(AXE.read_text())
    part = part if page.locator(part).count() else "html"
    found = page.evaluate(f"axe.run('{part}', {OPTIONS})")
    wrong = [
        f"{path}: {one['id']} {[node['target'] for node in one['nodes']][:3]}"
        for one in found["violations"]
    ]
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > page.viewport_size["width"]:  # type: ignore[index]
        wrong.append(f"{path}: {width} pixels wide")
    return wrong


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", DESKTOP), ("dark", PHONE)],
    ids=["light", "dark-phone"],
)
def test_everybody_can_read_every_page(
    world: World, open_page: Callable[..., Page], scheme: Any, viewport: Any
) -> None:
    page = open_page(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    wrong = [problem for path in SIGNED_OUT for problem in problems_of(page, path)]
    sign_in(page, world.members[Role.OWNER])
    for path in pages_of(world):
        wrong += problems_of(page, path)
    if scheme == "light":
        for path in forms_of(world):
            wrong += problems_of(page, path, "#panel")
    assert wrong == []


def test_a_first_visit_is_light(world: World, open_page: Callable[..., Page]) -> None:
    page, files = open_page(), {}

    def weigh(response: Response) -> None:
        if "/static/" in response.url:
            files[response.url] = len(gzip.compress(response.body()))

    page.on("response", weigh)
    sign_in(page, world.members[Role.OWNER])
    page.goto(f"/w/{world.workspace.slug}/leads/{world.ids['lead_id']}/")
    assert any("tabler" in url for url in files)
    assert sum(files.values()) < FIRST_VISIT, files


def test_no_page_is_heavy_and_the_browser_complains_of_none(
    world: World, open_page: Callable[..., Page]
) -> None:
    page = open_page()  # its fixture fails on a message of the console or of the CSP
    sign_in(page, world.members[Role.OWNER])
    heavy = []
    for path in pages_of(world):
        response = page.goto(path)
        assert response is not None
        assert response.ok, f"{path}: {response.status}"
        size = len(response.body()) if path != "/api/docs/" else 0
        if size > MOST_HTML:
            heavy.append(f"{path}: {size} bytes")
    assert heavy == []
