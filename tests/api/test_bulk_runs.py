"""Bulk runs by a program: over ids or a filter, looked at lead by lead, canceled and undone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import ApiToken, Membership
from leads import bulk, lifecycle
from leads.api.bulk_inputs import PARAMS
from leads.bulk_verbs import BULK_VERBS
from leads.models import BulkRun, Campaign, Lead
from tests.api.conftest import Api, Maker, done, problem
from tests.api.test_limits import queries
from tests.factories import NOW, make_lead, make_leads

pytestmark = pytest.mark.usefixtures("acme")

TOMORROW = (NOW + timedelta(days=1)).isoformat()
NOTHING: dict[str, Any] = {}


def run(api: Api, verb: str, params: Any = NOTHING, status: int = 201, **which: Any) -> Any:
    body = {"verb": verb, "params": params, **(which or {"filter": {}})}
    return done(api.post("bulk-runs", body), status)


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two leads, and nothing done while the program waits."""
    monkeypatch.setattr(bulk, "CHUNK", 2)
    monkeypatch.setattr(bulk, "AT_ONCE", 0)


def advance(made: dict[str, Any]) -> bool:
    return bulk.advance(uuid.UUID(made["id"]), NOW)


def test_ids_are_assigned_and_it_is_undone(api: Api, max_: Membership) -> None:
    leads = make_leads(3)
    ids = [str(lead.pk) for lead in leads[:2]]
    made = run(api, "assign", {"owner_id": str(max_.pk)}, ids=[*ids, str(uuid.uuid4())])
    assert (made["state"], made["total"], made["done"], made["missing"]) == ("done", 2, 2, 1)
    assert made["said"] == f"assigned to {max_.name}"
    assert Lead.objects.filter(owner=max_).count() == 2
    path = f"bulk-runs/{made['id']}"
    assert done(api.get(path))["may_undo"] is True
    assert done(api.post(f"{path}/undo"))["state"] == "undone"
    assert not Lead.objects.filter(owner=max_).exists()
    problem(api.post(f"{path}/undo"), 409)


def test_a_filter_takes_what_the_list_takes(api: Api) -> None:
    mia, otto = make_lead(display_name="Mia"), make_lead(display_name="Otto")
    lifecycle.contact([otto.pk], by=_by(), now=NOW)
    made = run(api, "remove", {"reason": "Test"}, filter={"status": ["contacted", "qualified"]})
    assert made["total"] == 1
    otto.refresh_from_db()
    assert otto.archived_at is not None
    back = run(api, "restore", filter={"archived": True})
    assert back["done"] == 1
    assert Lead.objects.get(pk=mia.pk).archived_at is None


def _by() -> Any:
    return Actor.member(Membership.objects.get(role="owner"))


def test_each_verb_takes_its_own_fields(api: Api, ana: Membership) -> None:
    lead, spring = make_lead(), Campaign.objects.create(name="Spring")
    for verb, params, said in (
        ("move", {"stage": "contacted"}, "moved to Contacted"),
        ("task", {"title": "Call", "due_at": TOMORROW}, "given the task “Call”"),
        ("snooze", {"until": TOMORROW}, "snoozed until"),
        ("field", {"name": "state", "value": "Ohio"}, "changed: State is “Ohio”"),
        ("campaign", {"campaign_id": str(spring.pk)}, "put into the campaign Spring"),
        ("campaign", {"campaign_id": None}, "taken out of their campaign"),
        ("assign", {"owner_id": None}, "given back to the pool"),
        ("close", {"reason": "price", "note": "Too dear", "follow_up_on": "2026-09-01"}, "closed"),
    ):
        made = run(api, verb, params)
        assert made["said"].startswith(said), made
        assert (made["done"], made["refused"]) == (1, 0), (verb, made)
    lead.refresh_from_db()
    assert (lead.status, lead.state, lead.campaign) == ("lost", "Ohio", None)


@pytest.mark.usefixtures("in_steps")
def test_progress_results_cancel_and_undo(api: Api) -> None:
    leads = make_leads(5)
    made = run(api, "snooze", {"until": TOMORROW})
    lifecycle.close([BulkRun.objects.get().leads[0]], reason="price", by=_by(), now=NOW)
    assert (made["state"], made["position"], made["total"]) == ("running", 0, 5)
    advance(made)
    path = f"bulk-runs/{made['id']}"
    assert done(api.get(path))["position"] == 2
    told = [row["result"] for row in done(api.get(f"{path}/results"))["results"]]
    assert told == ["refused", "done", "waiting", "waiting", "waiting"]
    assert done(api.post(f"{path}/cancel"))["state"] == "canceled"
    problem(api.post(f"{path}/cancel"), 409)
    first = done(api.get(f"{path}/results", page_size=3))
    rest = done(api.get(f"{path}/results", page_size=3, cursor=first["next_cursor"]))
    rows = [*first["results"], *rest["results"]]
    assert [row["result"] for row in rows] == ["refused", "done", *["skipped"] * 3]
    assert {row["lead_id"] for row in rows} == {str(lead.pk) for lead in leads}
    assert rows[0]["reason"]
    assert done(api.post(f"{path}/undo"))["state"] == "undoing"
    advance(made)
    told = [row["result"] for row in done(api.get(f"{path}/results"))["results"]]
    assert told == ["refused", "undone", *["skipped"] * 3]


@pytest.mark.usefixtures("in_steps")
def test_the_refused_are_read_alone_with_their_reasons(api: Api) -> None:
    make_leads(7)
    made = run(api, "snooze", {"until": TOMORROW})
    order = BulkRun.objects.get().leads
    closed = [order[place] for place in (0, 2, 3, 6)]
    lifecycle.close(closed, reason="price", by=_by(), now=NOW)
    while advance(made):
        pass
    path = f"bulk-runs/{made['id']}/results"
    found, cursor = [], ""
    for _ in closed:
        page = done(api.get(path, result="refused", page_size=1, cursor=cursor))
        found += page["results"]
        cursor = page["next_cursor"]
    assert cursor is None
    assert {row["lead_id"] for row in found} == {str(lead_id) for lead_id in closed}
    assert all(row["reason"] for row in found)
    assert done(api.get(path, result="kept"))["results"] == []


def test_more_than_500_have_to_be_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "NAMED_ABOVE", 2)
    make_leads(3)
    body = {"verb": "snooze", "params": {"until": TOMORROW}, "filter": {}}
    told = problem(api.post("bulk-runs", body), 400, "expected")
    assert told["fields"]["expected"] == ["There are 3 leads. Give that number to go on."]
    problem(api.post("bulk-runs", {**body, "expected": 2}), 400, "expected")
    assert not BulkRun.objects.exists()
    done(api.post("bulk-runs", {**body, "expected": 3}), 201)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"verb": "dance"}, "verb"),
    ({"filter": None, "ids": ["x"]}, "ids.0"),
    ({"ids": [str(uuid.uuid4())]}, "filter"),
    ({"filter": {"colour": "red"}}, "filter.colour"),
    ({"filter": {"status": "eaten"}}, "filter.status"),
    ({"filter": {"status": {"a": 1}}}, "filter.status"),
    ({"filter": {"cf_gone": "x"}}, "filter.cf_gone"),
    ({"filter": {"cursor": "x"}}, "filter.cursor"),
    ({"expected": 0}, "expected"),
    ({"params": {}}, "params.until"),
    ({"params": {"until": "2020-01-01T10:00:00Z"}}, "params.until"),
    ({"verb": "move", "params": {"stage": "moon"}}, "params.stage"),
    ({"verb": "assign", "params": {}}, "params.owner_id"),
    ({"verb": "assign", "params": {"owner_id": str(uuid.uuid4())}}, "params.owner_id"),
    ({"verb": "close", "params": {"reason": "mood"}}, "params.reason"),
    ({"verb": "field", "params": {"name": "status", "value": "x"}}, "params.name"),
    ({"verb": "field", "params": {"name": "budget", "value": "x"}}, "params.value"),
    ({"verb": "campaign", "params": {"campaign_id": "x"}}, "params.campaign_id"),
    ({"verb": "restore", "params": {"a": 1}}, "params.a"),
]


@pytest.mark.parametrize(("changed", "field"), BAD, ids=[field for _, field in BAD])
def test_bad_input_is_named_and_starts_nothing(
    api: Api, changed: dict[str, Any], field: str
) -> None:
    make_lead()
    body = {"verb": "snooze", "params": {"until": TOMORROW}, "filter": {}} | changed
    body = {name: value for name, value in body.items() if value is not None}
    problem(api.post("bulk-runs", body), 400, field)
    assert not BulkRun.objects.exists()


def test_bad_cursors_and_results_are_named(api: Api) -> None:
    make_lead()
    path = f"bulk-runs/{run(api, 'snooze', {'until': TOMORROW})['id']}/results"
    problem(api.get(path, cursor="x"), 400, "cursor")
    problem(api.get(path, cursor="WyJhIl0"), 400, "cursor")
    problem(api.get(path, result="refused", cursor="WzFd"), 400, "cursor")
    problem(api.get(path, result="done"), 400, "result")
    problem(api.get(path, colour="x"), 400, "colour")


def test_nothing_that_fits_starts_nothing(api: Api) -> None:
    body = {"verb": "snooze", "params": {"until": TOMORROW}, "filter": {}}
    assert problem(api.post("bulk-runs", body), 409)["code"] == "bulk_refused"


def test_roles_have_their_caps(ben: Membership, ana: Membership, token_of: Maker) -> None:
    mine, theirs = make_lead(owner=ben), make_lead(owner=ana)
    rep = token_of(ben)
    made = run(rep, "snooze", {"until": TOMORROW})
    assert [
        row["lead_id"] for row in done(rep.get(f"bulk-runs/{made['id']}/results"))["results"]
    ] == [str(mine.pk)]
    assert theirs.pk
    for verb, params in (("close", {"reason": "price"}), ("remove", {})):
        problem(rep.post("bulk-runs", {"verb": verb, "params": params, "filter": {}}), 403)
    own = run(token_of(ana), "snooze", {"until": TOMORROW})
    problem(rep.get(f"bulk-runs/{own['id']}"), 404)
    assert [row["id"] for row in done(rep.get("bulk-runs"))["results"]] == [made["id"]]
    assert len(done(token_of(ana).get("bulk-runs"))["results"]) == 2


def test_a_token_that_ranks_as_an_integration_starts_none(ana: Membership, token_of: Maker) -> None:
    make_lead()
    program = token_of(ana, ranks_as=ApiToken.RanksAs.INTEGRATION)
    body = {"verb": "field", "params": {"name": "state", "value": "Ohio"}, "filter": {}}
    problem(program.post("bulk-runs", body), 403)


def test_a_key_starts_one_run(api: Api) -> None:
    make_lead()
    body = {"verb": "snooze", "params": {"until": TOMORROW}, "filter": {}}
    first = api.post("bulk-runs", body, **{"Idempotency-Key": "run-1"})
    again = api.post("bulk-runs", body, **{"Idempotency-Key": "run-1"})
    assert done(first, 201) == done(again, 201)
    assert BulkRun.objects.count() == 1


def test_a_run_costs_the_same_for_few_leads_and_for_many(api: Api) -> None:
    def cost(count: int) -> dict[str, int]:
        made = run(api, "field", {"name": "state", "value": "Ohio"}, ids=_ids(make_leads(count)))
        path = f"bulk-runs/{made['id']}"
        calls = (path, f"{path}/results", f"{path}/results?result=refused", "bulk-runs")
        return {one[-8:]: queries(lambda one=one: api.get(one)) for one in calls}  # type: ignore[misc]

    few, many = list(cost(2).values()), list(cost(60).values())
    assert few == many
    assert max(few) <= 8, few


def _ids(leads: list[Lead]) -> list[str]:
    return [str(lead.pk) for lead in leads]


def test_every_verb_of_runs_is_offered() -> None:
    assert set(PARAMS) == {key for key, verb in BULK_VERBS.items() if verb.offered}


def test_a_hand_over_is_no_verb_of_its_own_here(api: Api) -> None:
    answer = api.post("bulk-runs", {"verb": "hand-over", "filter": {}})
    assert answer.status_code == 400
    assert "verb" in answer.json()["error"]["fields"]
