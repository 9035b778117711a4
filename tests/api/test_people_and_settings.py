"""Contacts, companies, sources, pipelines, campaigns and the workspace itself."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from leadcrm.workspaces.models import Location, Membership, Team, Workspace
from leads.models import Activity, Campaign, Company, Contact, ContactKey, Pipeline, Source
from leads.setup import add_pipeline
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import make_lead

pytestmark = pytest.mark.usefixtures("acme")


def names(response: Any, field: str = "display_name") -> list[str]:
    return [row[field] for row in done(response)["results"]]


def test_contacts_are_found_by_name_address_and_number(api: Api) -> None:
    make_lead(display_name="Mia Berg", email="mia@berg.example", phone="+14155552671")
    make_lead(display_name="Otto Zimmer", email="otto@zimmer.example")
    assert names(api.get("contacts")) == ["Mia Berg", "Otto Zimmer"]
    for text in ("mi", "MIA@berg.example", "(415) 555-2671"):
        assert names(api.get("contacts", q=text)) == ["Mia Berg"]
    assert names(api.get("contacts", ordering="-name")) == ["Otto Zimmer", "Mia Berg"]
    assert names(api.get("contacts", q="nobody")) == []


def test_a_contact_is_edited_and_logged(api: Api) -> None:
    lead = make_lead(email="mia@berg.example")
    path = f"contacts/{lead.contact_id}"
    answer = api.patch(path, {"email": "Mia@new.example", "job_title": "CTO"}, **{"If-Match": "1"})
    shown = done(answer)
    assert (shown["email"], shown["version"], answer["ETag"]) == ("mia@new.example", 2, '"2"')
    assert ContactKey.objects.get(value="mia@new.example").contact_id == lead.contact_id
    row = Activity.objects.get(kind="fields_changed")
    assert (row.contact_id, row.lead_id, row.subject_type) == (lead.contact_id, None, "contact")
    problem(api.patch(path, {"job_title": "CEO"}, **{"If-Match": "1"}), 412, "If-Match")
    assert Contact.objects.get(pk=lead.contact_id).job_title == "CTO"


def test_a_contact_does_not_take_anothers_address(api: Api) -> None:
    mia, otto = make_lead(email="mia@berg.example"), make_lead(email="otto@zimmer.example")
    answer = api.patch(f"contacts/{mia.contact_id}", {"email": "otto@zimmer.example"})
    assert problem(answer, 409, "email")["code"] == "taken"
    assert Contact.objects.get(pk=mia.contact_id).email == "mia@berg.example"
    assert ContactKey.objects.get(value="otto@zimmer.example").contact_id == otto.contact_id


def test_people_are_visible_through_visible_leads(
    ben: Membership, max_: Membership, token_of: Maker
) -> None:
    mine = make_lead(owner=ben, display_name="Mine", company_name="Near")
    theirs = make_lead(owner=max_, display_name="Theirs", company_name="Far")
    program = token_of(ben)
    assert names(program.get("contacts")) == ["Mine"]
    assert names(program.get("companies"), "name") == ["Near"]
    hidden = problem(program.get(f"contacts/{theirs.contact_id}"), 404)
    assert hidden == problem(program.get(f"contacts/{uuid.uuid4()}"), 404)
    problem(program.patch(f"companies/{theirs.company_id}", {"notes": "x"}), 404)
    done(program.patch(f"contacts/{mine.contact_id}", {"job_title": "CTO"}))


def test_companies_are_added_found_and_edited(api: Api) -> None:
    made = done(api.post("companies", {"name": "Berg AG", "domain": "www.berg.example"}), 201)
    assert made["domain"] == "berg.example"
    assert names(api.get("companies", q="berg"), "name") == ["Berg AG"]
    path = f"companies/{made['id']}"
    assert done(api.patch(path, {"notes": "Big"}, **{"If-Match": "1"}))["version"] == 2
    problem(api.patch(path, {"notes": "Small"}, **{"If-Match": "1"}), 412)
    assert done(api.get(path))["notes"] == "Big"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "Other", "domain": "berg.example"}, 409, "domain"),
        ({"name": "Other", "domain": "not a domain"}, 400, "domain"),
        ({"domain": "new.example"}, 400, "name"),
        ({"name": "x" * 301}, 400, "name"),
        ({"name": "Other", "enrollment": -1}, 400, "enrollment"),
        ({"name": "Other", "version": 5}, 400, "version"),
    ],
)
def test_a_bad_company_is_refused(api: Api, body: dict[str, Any], status: int, field: str) -> None:
    done(api.post("companies", {"name": "Berg AG", "domain": "berg.example"}), 201)
    problem(api.post("companies", body), status, field)
    assert Company.objects.count() == 1


def test_sources_are_read_added_and_changed(api: Api, ana: Membership) -> None:
    made = done(
        api.post("sources", {"name": "Vendor", "kind": "API", "owner_id": str(ana.pk)}), 201
    )
    assert (made["kind"], made["owner_id"]) == ("api", str(ana.pk))
    path = f"sources/{made['id']}"
    assert done(api.patch(path, {"answer_minutes": 7}))["answer_minutes"] == 7
    assert names(api.get("sources"), "name") == ["Vendor", "Website"]
    lead = done(api.post("leads", {"display_name": "Mia", "source_id": made["id"]}), 201)["lead"]
    assert (lead["source_kind"], lead["owner_id"]) == ("api", str(ana.pk))


def test_two_sources_of_one_name_are_refused(api: Api) -> None:
    problem(api.post("sources", {"name": "WEBSITE", "kind": "api"}), 400)
    problem(api.post("sources", {"name": "New", "kind": "fax"}), 400, "kind")
    assert Source.objects.count() == 1


@pytest.mark.parametrize("role", ["max_", "ben", "vera"])
def test_only_admins_change_sources(
    role: str, request: pytest.FixtureRequest, token_of: Maker
) -> None:
    program = token_of(request.getfixturevalue(role))
    source = Source.objects.get()
    done(program.get("sources"))
    problem(program.post("sources", {"name": "Mine", "kind": "api"}), 403)
    problem(program.patch(f"sources/{source.pk}", {"name": "Mine"}), 403)
    source.refresh_from_db()
    assert source.name == "Website"


def test_pipelines_show_their_stages_in_order(api: Api) -> None:
    add_pipeline("mql")
    shown = done(api.get("pipelines"))["results"]
    assert [row["key"] for row in shown] == ["mql", "standard"]
    assert [stage["key"] for stage in shown[0]["stages"]][:3] == ["new", "engaged", "mql"]
    one = Pipeline.objects.get(key="mql")
    assert done(api.get(f"pipelines/{one.pk}"))["stages"] == shown[0]["stages"]


def test_close_reasons_are_listed(api: Api) -> None:
    codes = names(api.get("close-reasons"), "code")
    assert codes[0] == "no_contact"
    assert "fake" in codes


def test_campaigns_are_added_and_listed(api: Api) -> None:
    made = done(api.post("campaigns", {"name": "Spring", "channel": "ads"}), 201)
    assert names(api.get("campaigns"), "name") == ["Spring"]
    problem(api.post("campaigns", {"name": "SPRING"}), 409, "name")
    assert Campaign.objects.get().pk == uuid.UUID(made["id"])


def test_the_workspaces_people_and_places_are_listed(api: Api, ana: Membership) -> None:
    Team.objects.create(name="North")
    Location.objects.create(name="Berlin")
    assert names(api.get("teams"), "name") == ["North"]
    assert names(api.get("locations"), "name") == ["Berlin"]
    assert names(api.get("members"), "name") == [ana.name]
    assert done(api.get("workspace"))["slug"] == ana.workspace.slug


@pytest.mark.parametrize(
    "path", ["contacts", "companies", "sources", "pipelines", "members", "appointments", "me"]
)
def test_a_parameter_that_does_nothing_is_refused(api: Api, path: str) -> None:
    problem(api.get(path, colour="red"), 400, "colour")


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://a.example; script-src *", "https://a.example/x"]
)
def test_an_allowed_origin_must_be_one(api: Api, acme: Workspace, origin: str) -> None:
    source = Source.objects.get()
    answer = api.patch(f"sources/{source.pk}", {"allowed_origins": [origin]})
    assert "allowed_origins" in str(problem(answer, 400)["fields"])
    source.refresh_from_db()
    assert source.allowed_origins == []


def test_addresses_and_numbers_are_listed_added_marked_and_removed(api: Api) -> None:
    mia, otto = make_lead(email="mia@berg.example"), make_lead(email="otto@zimmer.example")
    path = f"contacts/{mia.contact_id}/keys"
    made = done(api.post(path, {"value": "(415) 555-2671"}), 201)
    assert (made["kind"], made["value"]) == ("phone", "+14155552671")
    assert names(api.get(path), "value") == ["mia@berg.example", "+14155552671"]
    one = f"{path}/{made['id']}"
    marked = done(api.patch(one, {"do_not_contact": True, "note": "Asked"}))
    assert (marked["do_not_contact_note"], bool(marked["do_not_contact_at"])) == ("Asked", True)
    problem(api.delete(one), 409, "key")
    assert done(api.patch(one, {"do_not_contact": False}))["do_not_contact_at"] is None
    assert api.delete(one).status_code == 204
    problem(api.delete(one), 404)
    assert problem(api.post(path, {"value": "otto@zimmer.example"}), 409)["code"] == "taken"
    problem(api.post(path, {"value": "nothing"}), 400, "value")
    problem(api.get(f"contacts/{otto.contact_id}/keys/{made['id']}"), 405)
