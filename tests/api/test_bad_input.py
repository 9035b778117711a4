"""Bodies that no client should send: each gets a 4xx that says what is wrong, and changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.parsing import DEEPEST, LARGEST
from leadcrm.workspaces.scoping import all_workspaces
from leads.models import Lead
from tests.api.conftest import Api, problem
from tests.factories import make_lead

pytestmark = pytest.mark.usefixtures("acme")


def counts() -> dict[str, int]:
    """How many rows each table of ours holds."""
    with all_workspaces():
        return {
            model.__name__: model._default_manager.count()
            for label in ("leads", "workspaces", "integrations")
            for model in apps.get_app_config(label).get_models()
        }


@pytest.fixture
def lead(acme: Workspace) -> Lead:
    return make_lead(first_name="Mia")


@pytest.fixture(autouse=True)
def _nothing_changes(lead: Lead, api: Api, rita: Membership) -> Iterator[None]:
    """Whatever a test here sends: no row more or fewer, and the lead as it was."""
    fields = [field.name for field in Lead._meta.fields]
    before, row = counts(), Lead.objects.filter(pk=lead.pk).values(*fields).get()
    yield
    assert counts() == before
    assert Lead.objects.filter(pk=lead.pk).values(*fields).get() == row


def deep(levels: int) -> bytes:
    return b'{"answers":' + b"[" * levels + b"]" * levels + b"}"


BODIES = {
    "not JSON": (b"display_name=Mia", 400, ()),
    "cut off": (b'{"display_name": "Mi', 400, ()),
    "empty": (b"", 400, ("display_name",)),
    "an array": (b"[1, 2]", 400, ()),
    "a text": (b'"hello"', 400, ()),
    "null": (b"null", 400, ()),
    "not UTF-8": (b'{"display_name": "\xff\xfe"}', 400, ()),
    "NaN": (b'{"budget": NaN}', 400, ()),
    "infinite": (b'{"budget": 1e999}', 400, ()),
    "minus infinity": (b'{"budget": -Infinity}', 400, ()),
    "too many digits": (b'{"enrollment": ' + b"9" * 5000 + b"}", 400, ()),
    "a huge number": (b'{"enrollment": ' + b"9" * 300 + b"}", 400, ("enrollment",)),
    "a key twice": (b'{"email": "a@b.example", "email": "c@d.example"}', 400, ()),
    "a NUL": (b'{"display_name": "Mi\\u0000a"}', 400, ("display_name",)),
    "a NUL deep inside": (b'{"attributes": {"a": "\\u0000"}}', 400, ("attributes",)),
    "a NUL in a name": (b'{"first_touch": {"\\u0000": "x"}}', 400, ("first_touch",)),
    "half a surrogate": (b'{"message": "\\ud800"}', 400, ("message",)),
    "a surrogate as key": (b'{"\\udfff": 1}', 400, ()),
    "nested too deep": (deep(DEEPEST + 1), 400, ()),
    "100,000 deep": (deep(100_000), 400, ()),
    "100,000 objects deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, ()),
}


@pytest.mark.parametrize("name", list(BODIES))
def test_a_malformed_body_is_refused(api: Api, name: str) -> None:
    raw, status, fields = BODIES[name]
    problem(api.post("leads", raw), status, *fields)


@pytest.mark.parametrize("size", [LARGEST + 1, 20 * 1024 * 1024])
def test_a_body_that_is_too_large_is_refused(api: Api, size: int) -> None:
    raw = b'{"message": "' + b"x" * size + b'"}'
    assert problem(api.post("leads", raw), 413)["code"] == "too_large"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b/c"],
)
def test_another_content_type_is_refused(api: Api, content_type: str) -> None:
    answer = api.client.post("/api/leads", data=b"display_name=Mia", content_type=content_type)
    problem(answer, 415)


def test_a_method_that_does_not_exist_is_refused(api: Api, lead: Lead) -> None:
    problem(api.put(f"leads/{lead.pk}", {}), 405)
    problem(api.request("OPTIONS", "leads"), 405)
    problem(api.request("TRACE", "leads"), 405)


VALUES: list[tuple[dict[str, Any], str]] = [
    ({"display_name": "Mia", "workspace": str(uuid.uuid4())}, "workspace"),
    ({"display_name": "Mia", "status": "converted"}, "status"),
    ({"display_name": "Mia", "score_total": 100}, "score_total"),
    ({"display_name": 5}, "display_name"),
    ({"display_name": ["Mia"]}, "display_name"),
    ({"display_name": {"first": "Mia"}}, "display_name"),
    ({"display_name": True}, "display_name"),
    ({"display_name": "x" * 201}, "display_name"),
    ({"message": "x" * 20_001}, "message"),
    ({"email": "not an address"}, "email"),
    ({"email": 5}, "email"),
    ({"email": "a" * 250 + "@b.example"}, "email"),
    ({"phone": "12"}, "phone"),
    ({"phone": {"number": 1}}, "phone"),
    ({"display_name": "Mia", "country": "Germany"}, "country"),
    ({"display_name": "Mia", "time_zone": "Mars/Olympus"}, "time_zone"),
    ({"display_name": "Mia", "enrollment": -1}, "enrollment"),
    ({"display_name": "Mia", "enrollment": "many"}, "enrollment"),
    ({"display_name": "Mia", "enrollment": True}, "enrollment"),
    ({"display_name": "Mia", "external_score": 2**31}, "external_score"),
    ({"display_name": "Mia", "budget": "1e30"}, "budget"),
    ({"display_name": "Mia", "budget": -1}, "budget"),
    ({"display_name": "Mia", "budget": "Infinity"}, "budget"),
    ({"display_name": "Mia", "budget": [1]}, "budget"),
    ({"display_name": "Mia", "budget_currency": "euro"}, "budget_currency"),
    ({"display_name": "Mia", "is_test": "perhaps"}, "is_test"),
    ({"display_name": "Mia", "source_kind": "pigeon"}, "source_kind"),
    ({"display_name": "Mia", "source_id": "abc"}, "source_id"),
    ({"display_name": "Mia", "source_id": str(uuid.uuid4())}, "source_id"),
    ({"display_name": "Mia", "owner_id": 5}, "owner_id"),
    ({"display_name": "Mia", "pipeline_id": {"a": 1}}, "pipeline_id"),
    ({"display_name": "Mia", "created_at": "yesterday"}, "created_at"),
    ({"display_name": "Mia", "created_at": "2126-01-01T00:00:00Z"}, "created_at"),
    ({"display_name": "Mia", "created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
    ({"display_name": "Mia", "created_at": 1e18}, "created_at"),
    ({"display_name": "Mia", "answers": [["only label"]]}, "answers.0"),
    ({"display_name": "Mia", "answers": "text"}, "answers"),
    ({"display_name": "Mia", "attributes": {"a": {"b": 1}}}, "attributes.a"),
    ({"display_name": "Mia", "attributes": [1]}, "attributes"),
    ({"display_name": "Mia", "attributes": {str(n): n for n in range(101)}}, "attributes"),
    ({"display_name": "Mia", "platform_ref": {"tiktok": "1"}}, "platform_ref.tiktok"),
    ({"display_name": "Mia", "first_touch": {"a": 5}}, "first_touch.a"),
    ({}, "display_name"),
    ({"display_name": "   "}, "display_name"),
]


@pytest.mark.parametrize(("body", "field"), VALUES, ids=[name for _, name in VALUES])
def test_a_bad_value_is_named(api: Api, body: dict[str, Any], field: str) -> None:
    problem(api.post("leads", body), 400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"owner_id": str(uuid.uuid4())}, "owner_id"),
        ({"email": "nonsense"}, "email"),
        ({"phone": "1"}, "phone"),
        ({"budget": "lots"}, "budget"),
        ({"display_name": None}, "display_name"),
        ({"campaign_id": str(uuid.uuid4())}, "campaign_id"),
        ({"notes": "x" * 20_001}, "notes"),
    ],
)
def test_a_bad_edit_is_named(api: Api, lead: Lead, body: dict[str, Any], field: str) -> None:
    problem(api.patch(f"leads/{lead.pk}", body), 400, field)


def test_a_malformed_version_is_named(api: Api, lead: Lead) -> None:
    for text in ("abc", '"x"', "-1", "9" * 20):
        answer = api.patch(f"leads/{lead.pk}", {"label": "A"}, **{"If-Match": text})
        problem(answer, 400, "If-Match")


@pytest.mark.parametrize(
    "path",
    [
        "leads/42",
        "leads/not-a-uuid",
        "leads/%00",
        "leads/by-external/a%00/1",
        "nowhere",
        "leads/",
        "contacts/1'--",
        "appointments/😀",
        "",
    ],
)
def test_an_address_that_leads_nowhere_answers_404_in_the_one_shape(api: Api, path: str) -> None:
    missing = problem(api.get(f"leads/{uuid.uuid4()}"), 404)
    method = "PUT" if "by-external" in path else "GET"
    assert problem(api.request(method, path, {"display_name": "M"}), 404) == missing


def test_a_foreign_id_in_a_body_is_like_a_missing_one(
    api: Api, lead: Lead, rita: Membership
) -> None:
    foreign = api.post(f"leads/{lead.pk}/assign", {"owner_id": str(rita.pk)})
    missing = api.post(f"leads/{lead.pk}/assign", {"owner_id": str(uuid.uuid4())})
    assert problem(foreign, 400, "owner_id") == problem(missing, 400, "owner_id")


def test_long_external_ids_and_names_are_refused(api: Api) -> None:
    answer = api.put(f"leads/by-external/erp/{'9' * 256}", {"display_name": "Mia"})
    problem(answer, 400, "external_id")
    problem(api.put(f"leads/by-external/{'e' * 51}/1", {"display_name": "M"}), 400, "system")


def test_a_query_that_cannot_be_read_is_refused(api: Api) -> None:
    for query in ("q=%00", "cursor=%00", "page_size=%F0%9F%98%80", "after=x", "ordering=%00"):
        assert api.client.get(f"/api/leads?{query}").status_code == 400
    for cursor in ("x", "WzFd", "WyIxIiwiMiJd", "W3RydWUsMV0", "Wy0xLDFd", "WzFlOTk5LDFd"):
        problem(api.get("activities", after=cursor), 400, "cursor")


def test_a_bad_content_length_is_refused(api: Api) -> None:
    answer = api.client.generic(
        "POST", "/api/leads", b"{}", content_type="application/json", CONTENT_LENGTH="many"
    )
    assert answer.status_code in (400, 413)


def test_another_accepted_type_is_not_served(api: Api) -> None:
    answer = api.client.get("/api/leads", headers={"accept": "text/html"})
    assert answer.status_code == 406
    assert json.loads(answer.content)["error"]["code"] == "not_acceptable"


def test_anonymous_bad_bodies_are_unauthorised_first() -> None:
    problem(Client().post("/api/leads", b"{", content_type="application/json"), 401)


def test_a_flood_of_unknown_fields_gets_a_short_answer(api: Api, lead: Lead) -> None:
    body = {f"k{number}": 1 for number in range(60_000)}
    response = api.patch(f"leads/{lead.pk}", body)
    problem(response, 400, "k0")
    assert len(response.content) < 10_000
