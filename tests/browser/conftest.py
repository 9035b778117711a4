"""A real browser on a real server. A console error or a breach of the CSP fails the journey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from playwright.sync_api import Browser, BrowserContext, Page

from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from tests.chromium import find_chromium
from tests.factories import PASSWORD, make_workspace

TIMEOUT = 10_000
# A refused form is answered 422 or 409, a journey may cut its connection, and what is typed next
# cancels the search before: the browser and HTMX report these to the console of themselves.
EXPECTED = (
    *("422", "409", "ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"),
    "htmx:sendAbort",
)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": find_chromium(),
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_kept() -> Iterator[None]:
    """As a browser keeps those of an installation, where it asks for none of them twice."""
    serve = StaticFilesHandler.serve

    def kept(handler: StaticFilesHandler, request: Any) -> Any:
        response = serve(handler, request)
        response["Cache-Control"] = "max-age=3600"
        return response

    with mock.patch.object(StaticFilesHandler, "serve", kept):
        yield


@pytest.fixture
def home(transactional_db: None) -> Workspace:
    """Acme, committed, so that the server's threads see it."""
    return make_workspace("Acme")


@pytest.fixture
def owner(home: Workspace) -> Membership:
    with workspace_scope(home):
        found: Membership = Membership.objects.select_related("user").get(role=Role.OWNER)
        return found


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; afterwards nothing may have gone wrong in any."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], message: Any) -> None:
    if message.type == "error" and not any(text in message.text for text in EXPECTED):
        complaints.append(message.text)


def sign_in(page: Page, member: Membership) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(member.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/leads/**")
