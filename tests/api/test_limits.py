"""How often a program may call, and what each call costs the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.models import Membership
from leads import timeline
from leads.api.verbs import VERBS
from leads.models import Appointment, Campaign, Lead, Source
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, TeamFactory, make_lead, make_leads, make_member

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def three_a_minute(settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"membership": "3/min"},
    }


@pytest.mark.usefixtures("three_a_minute")
def test_too_many_requests_are_told_when_to_come_back(
    api: Api, ben: Membership, token_of: Maker
) -> None:
    for _ in range(3):
        done(api.get("me"))
    answer = api.get("me")
    assert problem(answer, 429)["code"] == "throttled"
    assert 1 <= int(answer["Retry-After"]) <= 60
    done(token_of(ben).get("me"))


@pytest.mark.usefixtures("three_a_minute")
def test_a_cache_that_is_down_lets_everything_through(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(cache._cache), "add", _broken, raising=False)  # type: ignore[attr-defined]
    monkeypatch.setattr(type(cache._cache), "incr", _broken, raising=False)  # type: ignore[attr-defined]
    for _ in range(6):
        done(api.get("me"))


def _broken(*args: Any, **kwargs: Any) -> Any:
    raise ConnectionError


# --- query counts ----------------------------------------------------------------------------

MOST_IN_LIST, MOST_IN_DETAIL = 8, 10


def queries(call: Callable[[], Any]) -> int:
    """Queries of a call that succeeds, after a first one that marks the token as used."""
    call()
    with CaptureQueriesContext(connection) as captured:
        answer = call()
    assert answer.status_code in (200, 201), answer.content
    return len([one for one in captured if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def fill(count: int, ana: Membership) -> None:
    """A workspace with this much of everything that is listed."""
    leads = make_leads(count, company_name="Berg", owner=ana)
    for number, lead in enumerate(leads):
        Appointment.objects.create(lead=lead, scheduled_for=NOW + timedelta(hours=number))
        Campaign.objects.create(name=f"Campaign {count}-{number}")
        Source.objects.create(name=f"Source {count}-{number}", kind="api")
        TeamFactory(name=f"Team {count}-{number}")
        make_member(ana.workspace, "rep", f"Rep{count}-{number}")


LISTS = (
    "leads",
    "leads?include=contact,company,campaign,deal,source,owner",
    "leads?q=person&status=new&ordering=work_due_at",
    "contacts",
    "companies",
    "appointments",
    "sources",
    "pipelines",
    "close-reasons",
    "call-outcomes",
    "campaigns",
    "custom-fields",
    "members",
    "teams",
    "locations",
    "activities",
)


def test_a_list_costs_the_same_for_one_row_and_for_thirty(api: Api, ana: Membership) -> None:
    fill(1, ana)
    one = {path: queries(lambda path=path: api.get(path)) for path in LISTS}  # type: ignore[misc]
    fill(29, ana)
    thirty = {path: queries(lambda path=path: api.get(path)) for path in LISTS}  # type: ignore[misc]
    assert thirty == one
    assert max(one.values()) <= MOST_IN_LIST, one


@pytest.mark.parametrize("path", ["leads", "contacts", "appointments"])
def test_a_list_costs_a_rep_no_more(api: Api, ben: Membership, token_of: Maker, path: str) -> None:
    fill(2, ben)
    program = token_of(ben)
    assert queries(lambda: program.get(path)) <= MOST_IN_LIST


def grow(lead: Lead, me: Any, count: int) -> None:
    """This much more of everything that hangs on a lead."""
    for number in range(count):
        timeline.add_note([lead.pk], body=f"Note {number}", by=me, now=NOW)
        timeline.add_task([lead.pk], title="Call", due_at=NOW + timedelta(days=1), by=me, now=NOW)
        Appointment.objects.create(lead=lead, scheduled_for=NOW + timedelta(hours=number))


DETAILS = ("leads/{}", "leads/{}?include=contact,company,owner,deal", "leads/{}/timeline")


def test_a_lead_costs_the_same_however_much_hangs_on_it(api: Api, me: Any) -> None:
    lead = make_lead(company_name="Berg")

    def costs() -> list[int]:
        return [queries(lambda path=path: api.get(path.format(lead.pk))) for path in DETAILS]  # type: ignore[misc]

    grow(lead, me, 1)
    few = costs()
    grow(lead, me, 15)
    assert costs() == few
    assert max(few) <= MOST_IN_DETAIL, few


def test_a_lead_costs_a_session_no_more_than_ten(
    ana: Membership, me: Any, sign_in: Callable[[Membership], Any]
) -> None:
    lead = make_lead()
    grow(lead, me, 3)
    browser = sign_in(ana)
    assert queries(lambda: browser.get(f"/api/leads/{lead.pk}")) <= MOST_IN_DETAIL


@pytest.mark.parametrize("path", ["contacts/{0.contact_id}", "companies/{0.company_id}"])
def test_people_cost_little(api: Api, path: str) -> None:
    lead = make_lead(company_name="Berg")
    assert queries(lambda: api.get(path.format(lead))) <= 4


WRITES: dict[str, dict[str, Any]] = {
    "contacted": {},
    "notes": {"body": "Hello"},
    "log-call": {"outcome": "busy", "plan_next": False},
    "tasks": {"title": "Call", "due_at": "2026-03-06T10:00:00Z"},
    "snooze": {"until": "2026-03-06T10:00:00Z"},
    "assign": {"owner_id": None},
}


def test_a_verb_costs_the_same_however_much_hangs_on_the_lead(api: Api, me: Any) -> None:
    assert set(WRITES) <= set(VERBS)
    bare, full = make_leads(2)
    grow(full, me, 10)

    def costs(lead: Lead) -> dict[str, int]:
        return {
            verb: queries(lambda verb=verb: api.post(f"leads/{lead.pk}/{verb}", WRITES[verb]))  # type: ignore[misc]
            for verb in WRITES
        }

    found = costs(bare)
    assert costs(full) == found
    assert max(found.values()) <= 20, found


def test_a_mass_verb_costs_the_same_for_two_leads_and_for_thirty(api: Api) -> None:
    def bulk(count: int) -> int:
        ids = [str(lead.pk) for lead in make_leads(count)]
        body = {"verb": "notes", "ids": ids, "params": {"body": "Hello"}}
        return queries(lambda: api.post("leads/bulk", body))

    assert bulk(2) == bulk(30) <= 16


def test_creating_costs_little(api: Api) -> None:
    numbers = iter(range(10))
    cost = queries(
        lambda: api.post("leads", {"email": f"p{next(numbers)}@c.example", "display_name": "P"})
    )
    assert cost <= 22
