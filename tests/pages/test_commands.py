"""The commands of the palette: what is offered to whom, and that each leads somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import lifecycle
from leads.models import Lead
from leads.views.commands import ACTIONS
from leads.views.verbs import VERBS
from tests.factories import MembershipFactory, make_lead

SignIn = Callable[[Membership], Client]
HTMX = {"HX-Request": "true"}


def commands(web: Client, acme: Workspace, lead: Lead | None = None, **headers: str) -> str:
    query = {"lead": str(lead.pk)} if lead else {}
    path = reverse("commands", args=[acme.slug])
    return web.get(path, query, headers=HTMX | headers).content.decode()


def ids(page: str) -> set[str]:
    return set(re.findall(r'id="command-([\w-]+)"', page))


def test_no_command_leads_to_a_closed_door(
    acme: Workspace, ana: Membership, ben: Membership, vera: Membership, sign_in: SignIn
) -> None:
    offered = {}
    for member in (ana, ben, vera):
        web = sign_in(member)
        page = commands(web, acme)
        offered[member.role] = ids(page)
        for href in re.findall(r'role="option"[^>]* href="([^"]+)"', page):
            assert web.get(href.replace("&amp;", "&")).status_code == 200, (member.role, href)
    assert {"members", "lead-add", "tab-overdue"} <= offered[ana.role]
    assert "members" not in offered[ben.role]
    assert "tab-mine" in offered[ben.role]
    assert "lead-add" not in offered[vera.role]


def test_about_a_lead_there_is_what_its_page_offers(
    web: Client, acme: Workspace, lead: Lead, ana: Membership, vera: Membership, me: Actor,
    sign_in: SignIn,
) -> None:  # fmt: skip
    now = timezone.now()
    page = commands(web, acme, lead)
    wanted = {one.verb for one in ACTIONS if VERBS[one.verb].offered(lead, ana, now)}
    assert {one.removeprefix("verb-") for one in ids(page) if one.startswith("verb-")} == wanted
    assert {"call", "move", "close", "contacted"} <= wanted
    assert 'aria-label="Maria Lopez"' in page
    assert not any(one.startswith("verb-") for one in ids(commands(sign_in(vera), acme, lead)))
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    assert "verb-reopen" in ids(commands(web, acme, lead))
    assert "verb-book" not in ids(commands(web, acme, lead))


def test_a_verb_swaps_the_lead_on_its_page_and_nothing_elsewhere(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    own = reverse("lead-detail", args=[acme.slug, lead.pk])
    for shown, target in ((own, "#lead"), (reverse("lead-list", args=[acme.slug]), "#sheet-body")):
        page = commands(web, acme, lead, **{"HX-Current-URL": f"http://testserver{shown}"})
        (found,) = re.findall(r'hx-post="[^"]+/contacted/" hx-target="([^"]+)"', page)
        assert found == target


def test_other_workspaces_are_offered_and_their_leads_are_not(
    web: Client, acme: Workspace, rival: Workspace, ana: Membership
) -> None:
    with workspace_scope(rival):
        theirs = make_lead(display_name="Rival Secret")
        MembershipFactory(workspace=rival, user=ana.user, name="Ana", role="viewer")
    page = commands(web, acme, theirs)
    assert f"to-{rival.slug}" in ids(page)
    assert "Rival Secret" not in page
    assert ids(commands(web, acme)) == ids(page)


def test_a_bounded_number_of_queries(web: Client, acme: Workspace, lead: Lead) -> None:
    with CaptureQueriesContext(connection) as asked:
        commands(web, acme, lead)
    assert len(asked) <= 8


def test_the_theme_is_kept(web: Client, acme: Workspace, ana: Membership) -> None:
    path = reverse("theme", args=[acme.slug])
    answer = web.post(path, {"theme": "dark"}, headers=HTMX)
    assert json.loads(answer["HX-Trigger"]) == {"theme": {"theme": "dark"}}
    assert User.objects.get(pk=ana.user.pk).theme == "dark"
    assert web.post(path, {"theme": "pink"}, headers=HTMX).status_code == 400
    assert web.post(path, {"theme": "auto"}).status_code == 302
    assert User.objects.get(pk=ana.user.pk).theme == "auto"
