"""Every page of the role table in a real browser: readable by everybody, in light and dark, on a
phone, without a complaint of the browser. A page that is added is looked at without a line here."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

from leadcrm.workspaces.models import Role
from leads.views.verbs import VERBS as VERB_FORMS
from tests.browser.conftest import sign_in
from tests.tenancy.test_routes import TABLE, World, address, make_world, routes

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# What axe looks at. The bar and the navigation are the same on every page.
PAGE = "document"
BELOW_THE_BAR = "{exclude: ['.topbar', '.side']}"
THE_FORM = "document.querySelector('#panel') || document"
EVERY_RULE, CONTRAST = "['wcag2a', 'wcag2aa']", "['color-contrast']"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# Answers for a part of a page, or a file.
FRAGMENTS = {
    *("lead-new", "lead-row", "board-more", "board-card", "bell"),
    *("source-submissions", "import-errors", "commands"),
}
VERBS = {f"lead-{key}" for key in VERB_FORMS} | set(VERB_FORMS)  # the lead page with a form open
DOCS = "/api/docs/"
OUTSIDE = ("/workspaces/", DOCS)
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


def problems_of(page: Page, path: str, part: str = PAGE) -> list[str]:
    """What is wrong with a page: its answer and size, contrast, names, roles, what sticks out.

    It is looked at on a desk in light, then on a phone in the dark, where names and roles are the
    same. Of a page whose other parts were looked at already, `part` is enough; of a form that
    opens on one, a look at the desk.
    """
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    response = page.goto(path)
    wrong = list(_answer(response))
    page.evaluate(AXE.read_text())
    wrong += [*_complaints(page, part, EVERY_RULE), *_sideways(page)]
    if part == THE_FORM:
        return [f"{path}: {problem}" for problem in wrong]
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    if path == DOCS:  # it changes its colours gradually
        page.reload()
        page.evaluate(AXE.read_text())
    wrong += [*_complaints(page, part, CONTRAST), *_sideways(page)]
    return [f"{path}: {problem}" for problem in wrong]


def _answer(response: Response | None) -> Iterator[str]:
    assert response is not None
    if not response.ok:
        yield f"answers {response.status}"
    size = len(response.body()) if DOCS not in response.url else 0
    if size > MOST_HTML:
        yield f"{size} bytes"


def _complaints(page: Page, part: str, rules: str) -> Iterator[str]:
    options = f"{{runOnly: {rules}, resultTypes: ['violations']}}"
    for one in page.evaluate(f"axe.run({part}, {options})")["violations"]:
        yield f"{one['id']} {[node['target'] for node in one['nodes']][:3]}"


def _sideways(page: Page) -> Iterator[str]:
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > page.viewport_size["width"]:  # type: ignore[index]
        yield f"{width} pixels wide"


def test_everybody_can_read_every_page(world: World, open_page: Callable[..., Page]) -> None:
    """The fixture fails on a message of the console, also one of the CSP."""
    page = open_page(reduced_motion="reduce")
    wrong = [problem for path in SIGNED_OUT for problem in problems_of(page, path)]
    sign_in(page, world.members[Role.OWNER])
    first, *others = pages_of(world)
    wrong += problems_of(page, first)
    for path in others:
        wrong += problems_of(page, path, BELOW_THE_BAR)
    for path in forms_of(world):
        wrong += problems_of(page, path, THE_FORM)
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
