"""The queue of duplicates for programs: why two may be the same, and deciding about them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from leadcrm.workspaces.models import Membership, Visibility, Workspace
from leads import duplicate_scan, duplicates, lifecycle
from leads.models import DuplicatePair, Lead, MergeJournal
from tests.api.conftest import Api, Maker, done, problem
from tests.api.test_limits import queries
from tests.factories import NOW, make_lead

pytestmark = pytest.mark.usefixtures("acme")

SAME = {"display_name": "Maria Lopez", "company_name": "Blue Sky Dental"}


def scan() -> None:
    duplicate_scan.start_again(NOW)
    duplicate_scan.scan_due(NOW)


@pytest.fixture
def leads(ben: Membership) -> tuple[Lead, Lead]:
    """Two leads of Ben's that are one person, and found to be."""
    first = make_lead(email="maria.lopez@gmail.com", owner=ben, job_title="Owner", **SAME)
    second = make_lead(email="marialopez@gmail.com", owner=ben, job_title="Boss", **SAME)
    scan()
    return first, second


@pytest.fixture
def path(leads: tuple[Lead, Lead]) -> str:
    return f"duplicates/{DuplicatePair.objects.get().pk}"


def listed(api: Api, state: str) -> list[dict[str, Any]]:
    return list(done(api.get("duplicates", state=state))["results"])


def test_the_queue_says_who_and_why(api: Api, leads: tuple[Lead, Lead]) -> None:
    (pair,) = done(api.get("duplicates"))["results"]
    assert pair["why"] == ["Same mailbox", "Same name", "Similar company"]
    assert [side["lead"]["id"] for side in pair["sides"]] == [str(lead.pk) for lead in leads]
    assert (pair["state"], pair["merges"]) == ("open", "leads")
    assert (pair["may_merge"], pair["may_suggest"]) == (True, True)
    assert pair["score"] > 50
    assert done(api.get(f"duplicates/{pair['id']}")) == pair


def test_a_pair_is_merged_with_a_choice_for_each_field(
    api: Api, leads: tuple[Lead, Lead], path: str
) -> None:
    first, second = leads
    versions = {str(lead.pk): lead.version for lead in leads}
    body = {
        "keep_id": str(second.pk),
        "choices": {"job_title": str(first.pk)},
        "versions": versions,
    }
    merged = done(api.post(f"{path}/merge", body))
    assert (merged["root_id"], merged["absorbed_ids"]) == (str(second.pk), [str(first.pk)])
    second.refresh_from_db()
    assert second.job_title == "Owner"
    (pair,) = listed(api, "merged")
    assert pair["merge_id"] == merged["id"]
    assert listed(api, "open") == []
    problem(api.post(f"{path}/merge"), 409)
    done(api.post(f"merges/{merged['id']}/undo"))
    assert len(listed(api, "open")) == 1


def test_people_are_merged_where_one_lead_is_closed(
    api: Api, leads: tuple[Lead, Lead], path: str, me: Any
) -> None:
    first, second = leads
    lifecycle.close([first.pk], reason="price", by=me, now=NOW)
    pair = done(api.get(path))
    assert pair["merges"] == "people"
    versions = {side["lead"]["id"]: side["version"] for side in pair["sides"]}
    stale = {lead_id: version + 1 for lead_id, version in versions.items()}
    problem(api.post(f"{path}/merge", {"versions": stale}), 409, "versions")
    body = {"versions": versions, "choices": {"job_title": str(second.pk)}}
    done(api.post(f"{path}/merge", body))
    second.refresh_from_db()
    first.refresh_from_db()
    assert second.contact_id == first.contact_id
    assert second.contact is not None
    assert second.contact.job_title == "Boss"


def test_two_are_kept_apart_and_that_is_taken_back(api: Api, path: str) -> None:
    assert done(api.post(f"{path}/not-same"))["state"] == "distinct"
    assert problem(api.post(f"{path}/not-same"), 409)["code"] == "decided"
    assert problem(api.post(f"{path}/merge"), 409)["code"] == "decided"
    assert (len(listed(api, "distinct")), len(listed(api, "open"))) == (1, 0)
    assert done(api.post(f"{path}/reconsider"))["state"] == "open"
    problem(api.post(f"{path}/reconsider"), 409)


def test_a_rep_suggests_and_sees_stubs(
    api: Api, acme: Workspace, ben: Membership, path: str, leads: tuple[Lead, Lead],
    max_: Membership, token_of: Maker,
) -> None:  # fmt: skip
    rep = token_of(ben)
    for step in ("merge", "not-same", "reconsider"):
        problem(rep.post(f"{path}/{step}"), 403)
    told = done(rep.post(f"{path}/suggest"))
    assert (told["suggested_by_id"], told["may_merge"]) == (str(ben.pk), False)
    assert len(listed(api, "suggested")) == 1
    acme.visibility = Visibility.OWN
    acme.save()
    Lead.objects.filter(pk=leads[1].pk).update(owner=max_)
    (pair,) = done(rep.get("duplicates"))["results"]
    hidden = pair["sides"][1]
    assert (hidden["lead"], hidden["version"]) == (None, None)
    assert hidden["stub"] == {"display_name": "Maria Lopez", "owner": max_.name, "stage": "New"}
    assert leads[1].email not in str(pair)
    problem(rep.post(f"{path}/suggest"), 403)
    Lead.objects.update(owner=max_)
    assert done(rep.get("duplicates"))["results"] == []
    problem(rep.get(path), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"keep_id": "x"}, "keep_id"),
        ({"keep_id": str(uuid.uuid4())}, "keep_id"),
        ({"choices": {"job_title": str(uuid.uuid4())}}, "choices"),
        ({"choices": {"colour": None}}, "choices.colour"),
        ({"versions": {"x": 1}}, "versions"),
        ({"keep": "x"}, "keep"),
    ],
)
def test_bad_input_is_named_and_merges_nothing(
    api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    problem(api.post(f"{path}/merge", body), 400, field)
    assert not MergeJournal.objects.exists()


def test_bad_states_are_named(api: Api) -> None:
    problem(api.get("duplicates", state="eaten"), 400, "state")
    problem(api.get("duplicates", colour="red"), 400, "colour")


def test_the_queue_costs_the_same_for_one_pair_and_for_many(api: Api, me: Any) -> None:
    def add(count: int) -> None:
        for number in range(count):
            pair = [make_lead(display_name=f"P{number}") for _ in range(2)]
            duplicates.suggest(*pair, by=me, now=NOW)

    add(1)
    one = queries(lambda: api.get("duplicates"))
    add(12)
    assert queries(lambda: api.get("duplicates")) == one <= 6
    pages = [done(api.get("duplicates", page_size=7))]
    pages.append(done(api.get("duplicates", page_size=7, cursor=pages[0]["next_cursor"])))
    ids = {row["id"] for page in pages for row in page["results"]}
    assert (len(ids), pages[1]["next_cursor"]) == (13, None)
