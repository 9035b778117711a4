"""The website of the demo's company: there to try leadcrm out, and nowhere else."""

from __future__ import annotations

from django.test import Client

from integrations.web_form import embed
from leadcrm import serve
from leadcrm.demo import story
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Source
from tests.factories import make_workspace
from tests.toolchain.test_settings import SECRETS, manage


def test_it_embeds_the_line_that_the_source_page_gives(db: None, client: Client) -> None:
    home = make_workspace("Sunny Roofs", slug=story.SLUG)
    with workspace_scope(home):
        form = Source.objects.get()
    response = client.get("/demo/")
    html = response.content.decode()
    assert embed.snippet(form, "http://testserver") in html
    for told in ("ben@demo.test", story.PASSWORD, f"/w/{story.SLUG}/leads/"):
        assert told in html
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not response.cookies


def test_without_a_demo_or_its_form_there_is_no_such_page(db: None, client: Client) -> None:
    assert client.get("/demo/").status_code == 404
    home = make_workspace("Sunny Roofs", slug=story.SLUG)
    with workspace_scope(home):
        Source.objects.update(is_active=False)
    assert client.get("/demo/").status_code == 404


def test_production_has_no_such_address() -> None:
    ask = "from django.urls import is_valid_path as is_valid; print(is_valid('/demo/'), is_valid('/'))"
    found = manage("shell", "-v0", "-c", ask, **SECRETS).stdout.split(" ", 1)
    assert found[0] == "False"
    assert "ResolverMatch" in found[1]


def test_the_banner_names_it() -> None:
    assert "Send yourself a lead: http://localhost:8123/demo/" in serve.banner(8123, "logins")
