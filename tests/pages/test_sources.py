"""Settings, Sources: the list, a new source, and what every source has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.models import Location, Membership, SettingsChange, Team, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Campaign, Source, SourceDay, SourceKind
from leads.setup import add_pipeline
from leads.sources import save_source
from tests.factories import NOW, make_lead

SignIn = Callable[[Membership], Client]


def at(workspace: Workspace, name: str, *args: object) -> str:
    return reverse(name, args=[workspace.slug, *args])


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    return sign_in(ana)


@pytest.fixture
def form(acme: Workspace) -> Source:
    found: Source = Source.objects.get()
    return found


def queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


@pytest.mark.parametrize("who", ["max_", "ben", "vera"])
def test_sources_are_for_owners_and_admins(
    request: pytest.FixtureRequest, sign_in: SignIn, acme: Workspace, form: Source, who: str
) -> None:
    client = sign_in(request.getfixturevalue(who))
    gets = [
        at(acme, "sources"),
        at(acme, "source-add"),
        *(at(acme, name, form.pk) for name in ("source", "source-details", "source-submissions")),
    ]
    posts = [at(acme, f"source-{name}", form.pk) for name in ("off", "on", "sites", "form")]
    assert {client.get(url).status_code for url in gets} == {403}
    assert {client.post(url).status_code for url in posts} == {403}


def test_a_source_of_another_workspace_is_not_found(
    web: Client, acme: Workspace, rival: Workspace
) -> None:
    with workspace_scope(rival):
        foreign = Source.objects.get()
    for name in ("source", "source-details", "source-submissions"):
        assert web.get(at(acme, name, foreign.pk)).status_code == 404
    for name in ("source-off", "source-sites", "source-form"):
        assert web.post(at(acme, name, foreign.pk), {"sites": ""}).status_code == 404
    with workspace_scope(rival):
        assert Source.objects.get().is_active


def test_the_list_tells_what_each_source_brought(
    web: Client, acme: Workspace, form: Source
) -> None:
    today = timezone.now().date()
    SourceDay.objects.create(source=form, day=today, created=4, repeated=1)
    SourceDay.objects.create(source=form, day=today - timedelta(days=29), created=2)
    SourceDay.objects.create(source=form, day=today - timedelta(days=30), created=9)
    Source.objects.create(name="Fair", kind=SourceKind.EVENT, is_active=False)
    response = web.get(at(acme, "sources"))
    (first, numbers), (second, none) = response.context["rows"]
    assert (first.name, numbers.created, numbers.repeated) == ("Website", 6, 1)
    assert [(bar.x, bar.height) for bar in numbers.bars] == [(0, 12), (145, 24)]
    assert (second.name, none.created, list(none.bars)) == ("Fair", 0, [])
    html = response.content.decode()
    assert "<title>6 new, 1 repeat in 30 days</title>" in html
    for shown in ("Website form", "10 min", "4 h", "Off", "Never"):
        assert shown in html


def test_a_form_is_added_and_its_page_says_what_to_do(web: Client, acme: Workspace) -> None:
    values = {"kind": "website_form", "name": " Landing  page ", "answer_minutes": "7"}
    response = web.post(at(acme, "source-add"), values, follow=True)
    source = Source.objects.get(name="Landing page")
    assert source.answer_within() == 7
    assert response.redirect_chain[-1][0] == at(acme, "source", source.pk)
    assert f"/f/{source.public_key}/embed.js" in response.content.decode()


def test_a_source_passes_on_who_gets_its_leads(
    web: Client, acme: Workspace, ben: Membership
) -> None:
    campaign = Campaign.objects.create(name="Spring")
    team, site = Team.objects.create(name="North"), Location.objects.create(name="Berlin")
    pipeline = add_pipeline("appointments")
    values = {
        "kind": "event", "name": "Fair", "answer_minutes": "", "owner": ben.pk, "team": team.pk,
        "campaign": campaign.pk, "location": site.pk, "pipeline": pipeline.pk,
    }  # fmt: skip
    web.post(at(acme, "source-add"), values)
    source = Source.objects.get(name="Fair")
    lead = make_lead(source=source, source_kind=SourceKind.EVENT)
    assert (lead.owner, lead.team, lead.campaign, lead.location, lead.pipeline) == (
        ben, team, campaign, site, pipeline,
    )  # fmt: skip
    html = web.get(at(acme, "source", source.pk)).content.decode()
    for shown in ("4 h", "Ben", "North", "Spring", "Berlin"):
        assert shown in html
    assert "embed.js" not in html


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "WEBSITE"}, "name"),
        ({"name": ""}, "name"),
        ({"kind": "facebook_lead_ad"}, "kind"),
        ({"answer_minutes": "0"}, "answer_minutes"),
        ({"answer_minutes": "soon"}, "answer_minutes"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_at_its_field(
    web: Client, acme: Workspace, form: Source, values: dict[str, str], field: str
) -> None:
    response = web.post(at(acme, "source-add"), {"kind": "website_form", "name": "New", **values})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert Source.objects.count() == 1


def test_only_what_the_workspace_has_is_asked(
    web: Client, acme: Workspace, rita: Membership, vera: Membership
) -> None:
    asked = web.get(at(acme, "source-add")).context["form"].fields
    assert list(asked) == ["kind", "name", "answer_minutes", "owner"]
    values = {"kind": "website_form", "name": "New"}
    for stranger in (rita, vera):
        response = web.post(at(acme, "source-add"), {**values, "owner": stranger.pk})
        assert list(response.context["form"].errors) == ["owner"]


def test_a_source_is_renamed_switched_off_and_on(
    web: Client, acme: Workspace, form: Source
) -> None:
    page = at(acme, "source", form.pk)
    details = {"name": "Homepage", "answer_minutes": "15"}
    web.post(at(acme, "source-details", form.pk), details)
    web.post(at(acme, "source-off", form.pk))
    form.refresh_from_db()
    assert (form.name, form.answer_minutes, form.is_active) == ("Homepage", 15, False)
    assert Client().get(f"/f/{form.public_key}/").status_code == 404
    html = web.get(page).content.decode()
    assert "Switched off: sites show no form" in html
    assert "<iframe" not in html
    web.post(at(acme, "source-on", form.pk))
    assert Client().get(f"/f/{form.public_key}/").status_code == 200


def test_what_is_done_to_a_source_stands_in_the_log_of_settings(
    web: Client, acme: Workspace, form: Source, ana: Membership
) -> None:
    web.post(at(acme, "source-add"), {"kind": "event", "name": "Fair"})
    stale = Source.objects.get(pk=form.pk)
    web.post(at(acme, "source-details", form.pk), {"name": "Homepage", "answer_minutes": "15"})
    web.post(at(acme, "source-off", form.pk))
    web.post(at(acme, "source-off", form.pk))
    web.post(at(acme, "source-on", form.pk))
    web.post(at(acme, "source-sites", form.pk), {"sites": "https://acme.example"})
    row = {"row-0-order": 1, "row-0-name": "name", "row-0-meaning": "display_name"}
    row |= {"row-0-label": "Who?", "row-0-type": "text", "row-0-required": "on"}
    web.post(
        at(acme, "source-form", form.pk), {"row-TOTAL_FORMS": 1, "row-INITIAL_FORMS": 0, **row}
    )
    save_source(stale, {"name": "Homepage"}, by=ana, now=NOW)  # it is called so already
    rows = list(SettingsChange.objects.filter(area="source").order_by("at", "id"))
    assert {row.actor for row in rows} == {ana}
    assert [(row.subject, row.done) for row in rows] == [
        ("Fair", "added"), ("Homepage", "changed"), ("Homepage", "switched off"),
        ("Homepage", "switched on"), ("Homepage", "changed"), ("Homepage", "changed"),
    ]  # fmt: skip
    assert rows[1].changes == {"name": ["Website", "Homepage"], "answer minutes": [None, 15]}
    assert rows[4].changes == {"allowed origins": ["", "https://acme.example"]}
    assert rows[5].changes["form fields"][1] == "Who? (text) required"
    assert "Name (text) required" in rows[5].changes["form fields"][0]


def test_saving_one_part_leaves_what_somebody_else_saved_meanwhile(
    web: Client, acme: Workspace, form: Source
) -> None:
    save_source(Source.objects.get(pk=form.pk), {"form_title": "Hello"}, by=None, now=NOW)
    save_source(form, {"name": "Homepage"}, by=None, now=NOW)
    form.refresh_from_db()
    assert (form.name, form.form_title) == ("Homepage", "Hello")


def test_of_two_who_take_a_name_at_once_the_second_is_told(
    acme: Workspace, form: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.sources._refuse_taken_name", lambda source: None)
    second = Source(name="website", kind=SourceKind.EVENT)
    with pytest.raises(ValidationError) as refusal:
        save_source(second, {"name": "website"}, by=None, now=NOW)
    assert refusal.value.message_dict == {"name": ["There is a source with this name already."]}


@pytest.mark.parametrize("name", ["sources", "source", "source-details", "source-add"])
def test_each_page_takes_few_queries_whatever_there_is(
    web: Client, acme: Workspace, form: Source, name: str, ben: Membership
) -> None:
    args: Any = [] if name in ("sources", "source-add") else [form.pk]
    url = at(acme, name, *args)
    few = queries(web, url)
    for number in range(12):
        source = Source.objects.create(name=f"S{number}", kind=SourceKind.OTHER)
        SourceDay.objects.create(source=source, day=timezone.now().date(), created=1)
        Campaign.objects.create(name=f"C{number}")
        Team.objects.create(name=f"T{number}")
    assert queries(web, url) == few <= 10
