"""Saved views for programs: what they hold, their leads, and who changes them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from leadcrm.workspaces.models import Membership, Workspace
from leads import assignment, lifecycle, saved_views
from leads.custom_field_settings import add_field
from leads.models import Lead, SavedView, Stage
from tests.api.conftest import Api, Maker, done, problem
from tests.api.test_limits import queries
from tests.factories import NOW, make_lead

pytestmark = pytest.mark.usefixtures("acme")

CONTACTED = [{"name": "status", "value": "contacted"}]


def save(api: Api, **body: Any) -> Any:
    return done(api.post("views", {"name": "Mine", **body}), 201)


@pytest.fixture
def three(acme: Workspace, ana: Membership, me: Any) -> None:
    """Ann is new and Ana's, Bob contacted and nobody's, Cid new and nobody's."""
    leads = {name: make_lead(display_name=name) for name in ("Ann", "Bob", "Cid")}
    assignment.assign([leads["Ann"].pk], owner=ana, by=me, now=NOW)
    lifecycle.contact([leads["Bob"].pk], by=me, now=NOW)


def names(api: Api, **params: Any) -> list[str]:
    return [row["display_name"] for row in done(api.get("leads", **params))["results"]]


def test_a_view_is_saved_read_changed_and_deleted(api: Api, ana: Membership) -> None:
    made = save(api, conditions=CONTACTED, columns=["name", "stage"], sort="-created", tab="open")
    assert made["conditions"] == [
        {"group": 1, "name": "status", "operator": "is", "value": "contacted"}
    ]
    assert (made["columns"], made["sort"], made["tab"]) == (["name", "stage"], "-created", "open")
    assert (made["owner_id"], made["is_shared"], made["problems"]) == (str(ana.pk), False, [])
    path = f"views/{made['id']}"
    assert done(api.get(path)) == made
    (row,) = done(api.get("views"))["results"]
    assert row == {name: value for name, value in made.items() if name != "problems"}
    changed = done(api.patch(path, {"name": "Ours", "is_shared": True, "is_pinned": True}))
    assert changed == made | {"name": "Ours", "is_shared": True, "is_pinned": True}
    more = [*CONTACTED, {"group": 2, "name": "score", "operator": "gte", "value": "50"}]
    filled = done(api.patch(path, {"conditions": more, "match": "any", "columns": []}))
    assert [one["name"] for one in filled["conditions"]] == ["status", "score"]
    assert (filled["match"], filled["columns"], filled["name"]) == ("any", [], "Ours")
    assert done(api.patch(path, {"sort": ""}))["conditions"] == filled["conditions"]
    assert api.delete(path).status_code == 204
    problem(api.get(path), 404)


@pytest.mark.usefixtures("three")
def test_leads_by_a_view_come_in_its_order_and_are_narrowed(api: Api) -> None:
    both = [{"name": "status", "value": "contacted"}, {"name": "owner", "value": "me"}]
    view = save(api, conditions=both, sort="created")["id"]
    assert names(api, view=view) == ["Ann", "Bob"]
    assert names(api, view=view, status="new") == ["Ann"]
    assert names(api, view=view, ordering="-created_at") == ["Bob", "Ann"]
    assert set(names(api, view="unassigned")) == {"Bob", "Cid"}
    first = done(api.get("leads", view=view, page_size=1))
    rest = done(api.get("leads", view=view, page_size=1, cursor=first["next_cursor"]))
    assert (rest["results"][0]["display_name"], rest["next_cursor"]) == ("Bob", None)


@pytest.mark.usefixtures("three")
def test_a_run_goes_over_the_leads_of_a_view(api: Api) -> None:
    view = save(api, conditions=CONTACTED)["id"]
    body = {"verb": "remove", "filter": {"view": view}}
    assert done(api.post("bulk-runs", body), 201)["done"] == 1
    assert Lead.objects.get(display_name="Bob").archived_at is not None


def test_what_a_view_names_and_is_gone_is_told(api: Api, ana: Membership) -> None:
    make_lead()
    field = add_field(by=ana, now=NOW, kind="text", label="Roof")
    stage = Stage.objects.get(key="contacted")
    of_field = save(api, conditions=[{"name": field.name, "value": "Flat"}])["id"]
    of_stage = save(api, conditions=[{"name": "stage", "value": "contacted"}])["id"]
    assert names(api, view=of_field) == names(api, view=of_stage) == []
    assert done(api.get("leads", view=of_stage))["warnings"] == []
    field.delete()
    Stage.objects.filter(pk=stage.pk).update(retired_at=NOW)
    (told,) = done(api.get(f"views/{of_field}"))["problems"]
    assert problem(api.get("leads", view=of_field), 400, "view")["fields"]["view"] == [told]
    retired = ["Stage: “Contacted” is no longer in use."]
    assert done(api.get("leads", view=of_stage))["warnings"] == retired
    assert done(api.get(f"views/{of_stage}"))["problems"] == retired
    body = {"verb": "remove", "filter": {"view": of_field}}
    problem(api.post("bulk-runs", body), 400, "filter.view")
    done(api.patch(f"views/{of_field}", {"name": "Renamed"}))


def test_only_who_may_share_shares_and_changes_shared_ones(
    api: Api, ben: Membership, vera: Membership, token_of: Maker
) -> None:
    rep = token_of(ben)
    problem(rep.post("views", {"name": "All", "is_shared": True}), 403)
    own, shared, private = save(rep), save(api, is_shared=True), save(api)
    assert {row["id"] for row in done(rep.get("views"))["results"]} == {own["id"], shared["id"]}
    assert done(rep.get(f"views/{shared['id']}"))["may_change"] is False
    problem(rep.patch(f"views/{shared['id']}", {"name": "X"}), 403)
    problem(rep.delete(f"views/{shared['id']}"), 403)
    problem(rep.patch(f"views/{own['id']}", {"is_shared": True, "name": "X"}), 403)
    assert done(rep.get(f"views/{own['id']}"))["name"] == "Mine"
    problem(rep.get(f"views/{private['id']}"), 404)
    told = problem(rep.get("leads", view=private["id"]), 400, "view")
    assert told["fields"] == problem(rep.get("leads", view=str(uuid.uuid4())), 400)["fields"]
    assert done(token_of(vera).post("views", {"name": "Seen"}), 201)["may_change"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"tab": "moon"}, "tab"),
        ({"sort": "luck"}, "sort"),
        ({"layout": "pile"}, "layout"),
        ({"match": "some"}, "match"),
        ({"columns": ["name", "hue"]}, "columns.1"),
        ({"conditions": [{"name": "status"}]}, "conditions.0.value"),
        ({"conditions": [*CONTACTED, {"name": "hue", "value": "red"}]}, "conditions.1"),
        ({"conditions": [{"group": 2, "name": "status", "value": "eaten"}, *CONTACTED]}, "conditions.0"),
        ({"conditions": [{"name": "status", "operator": "like", "value": "x"}]}, "conditions.0.operator"),
        ({"conditions": CONTACTED * 41}, "conditions"),
        ({"hue": 1}, "hue"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_saves_nothing(api: Api, body: dict[str, Any], field: str) -> None:
    problem(api.post("views", {"name": "Mine", **body}), 400, field)
    assert not SavedView.objects.exists()


def test_bad_parameters_are_named(api: Api) -> None:
    problem(api.get("leads", view="moon"), 400, "view")
    problem(api.get("leads", view="all", status="eaten"), 400, "status")
    problem(api.get("views", hue="red"), 400, "hue")


def test_too_many_views_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 1)
    save(api)
    assert problem(api.post("views", {"name": "More"}), 409)["code"] == "too_many"


@pytest.mark.usefixtures("three")
def test_views_cost_the_same_however_many_and_however_full(api: Api) -> None:
    view = save(api, conditions=CONTACTED, columns=["name"])["id"]
    calls = ("views", f"views/{view}", f"leads?view={view}")
    few = [queries(lambda one=one: api.get(one)) for one in calls]  # type: ignore[misc]
    for number in range(12):
        save(api, name=f"View {number}", conditions=CONTACTED * 3, columns=["name", "stage"])
    done(api.patch(f"views/{view}", {"conditions": CONTACTED * 9}))
    assert [queries(lambda one=one: api.get(one)) for one in calls] == few  # type: ignore[misc]
    assert max(few) <= 6, few
