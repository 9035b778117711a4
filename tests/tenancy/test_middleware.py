"""Each request gets its workspace and leaves none behind, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import path

from leadcrm.urls import urlpatterns as product_urls
from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.middleware import LAST_WORKSPACE
from leadcrm.workspaces.scoping import (
    ScopeRequired,
    current_scope,
    current_workspace_id,
    workspace_scope,
)
from leads.models import Lead
from tests.factories import make_lead


def names() -> str:
    return ",".join(Lead.objects.values_list("display_name", flat=True))


def show(request: HttpRequest) -> HttpResponse:
    assert current_workspace_id() == request.workspace.pk  # type: ignore[attr-defined]
    return HttpResponse(names())


def show_later(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, "names.html", {"leads": Lead.objects.all()})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield names().encode()
        yield b"|" + names().encode()

    return StreamingHttpResponse(parts())


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(names())


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def forbidden(request: HttpRequest) -> HttpResponse:
    raise NotAllowed


def outside(request: HttpRequest) -> HttpResponse:
    assert current_scope() is None
    return HttpResponse(names())


urlpatterns = [
    *(
        path(f"w/<slug:workspace>/{view.__name__}/", view)
        for view in (show, show_later, stream, crash, missing, forbidden)
    ),
    path("outside/", outside),
    *product_urls,
]


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.TEMPLATES = [
        {
            **settings.TEMPLATES[0],
            "APP_DIRS": False,
            "OPTIONS": {
                **settings.TEMPLATES[0]["OPTIONS"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader",
                     {"names.html": "{% for lead in leads %}{{ lead.display_name }}{% endfor %}"}),
                    "django.template.loaders.filesystem.Loader",
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ]  # fmt: skip


@pytest.fixture
def browser(workspace: Any, rival: Any, ben: Any, sign_in: Any) -> Client:
    with workspace_scope(rival):
        make_lead(display_name="Theirs")
    with workspace_scope(workspace):
        make_lead(display_name="Mine")
    client: Client = sign_in(ben)
    client.raise_request_exception = False
    return client


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    assert current_scope() is None


@pytest.mark.parametrize("view", ["show", "show_later"])
def test_a_view_runs_in_the_workspace_of_its_address(browser, workspace, view):
    response = browser.get(f"/w/{workspace.slug}/{view}/")
    assert response.content == b"Mine"
    assert current_scope() is None


def test_a_streamed_body_is_produced_in_the_scope(browser, workspace):
    response = browser.get(f"/w/{workspace.slug}/stream/")
    assert current_scope() is None
    assert b"".join(response.streaming_content) == b"Mine|Mine"
    assert current_scope() is None


@pytest.mark.parametrize(("view", "status"), [("crash", 500), ("missing", 404), ("forbidden", 403)])
def test_a_request_that_ends_badly_leaves_no_scope(browser, workspace, view, status):
    assert browser.get(f"/w/{workspace.slug}/{view}/").status_code == status
    assert current_scope() is None
    browser.raise_request_exception = True
    with pytest.raises(ScopeRequired):
        browser.get("/outside/")


def test_without_a_workspace_in_the_address_there_is_no_scope(browser, workspace):
    browser.get(f"/w/{workspace.slug}/show/")
    assert browser.get("/outside/").status_code == 500


def test_a_scope_from_before_does_not_reach_a_request(browser, rival):
    with workspace_scope(rival):
        assert browser.get("/outside/").status_code == 500
        assert current_workspace_id() == rival.pk


def test_a_foreign_and_a_missing_workspace_get_the_same_answer(browser, rival):
    answers = [browser.get(f"/w/{slug}/show/") for slug in (rival.slug, "no-such")]
    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [answer.content.replace(rival.slug.encode(), b"no-such") for answer in answers]
    assert b"Theirs" not in bodies[0]
    assert b"no-such" not in bodies[0] or bodies[0] == bodies[1]


@pytest.mark.parametrize("slug", ["acme", "no-such"])
def test_a_visitor_is_asked_to_sign_in_whether_it_exists_or_not(db, workspace, slug):
    slug = workspace.slug if slug == "acme" else slug
    response = Client().get(f"/w/{slug}/show/?q=1")
    assert response.status_code == 302
    assert response["Location"].endswith(f"?next=/w/{slug}/show/%3Fq%3D1")


def test_a_fragment_tells_the_browser_to_sign_in_whole(workspace):
    response = Client().get(
        f"/w/{workspace.slug}/show/",
        headers={"HX-Request": "true", "HX-Current-URL": f"/w/{workspace.slug}/leads/"},
    )
    assert response.status_code == 204
    assert response["HX-Redirect"].endswith(f"?next=/w/{workspace.slug}/leads/")


def test_the_last_workspace_is_remembered(browser, workspace):
    browser.get(f"/w/{workspace.slug}/show/")
    assert browser.session[LAST_WORKSPACE] == workspace.slug


def test_a_member_who_was_deactivated_is_out_at_the_next_request(browser, workspace, ben):
    with workspace_scope(workspace):
        ben.is_active = False
        ben.save()
    assert browser.get(f"/w/{workspace.slug}/show/").status_code == 404
