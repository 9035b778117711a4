"""What stands around a lead on its page: its neighbours in the list, the person, and why mine."""

from __future__ import annotations

import html
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.paging import pack
from leads import archiving, assignment, lifecycle, merging, timeline
from leads.models import FieldSuggestion, Lead
from leads.sorts import SORTS, places_in_list
from tests.factories import make_lead
from tests.pages.test_lead_page import HTMX, now_of, page_of, to


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def row(acme: Workspace, ana: Membership, me: Actor, now: datetime) -> list[Lead]:
    """Five leads of Ana's with a task each, in the order of their due times; one due at no time."""
    leads = []
    for number in range(5):
        lead = make_lead(now=now - timedelta(days=9), owner=ana, display_name=f"Lead {number}")
        timeline.log_call([lead.pk], outcome="reached", by=me, now=now)
        if number < 4:
            due = now + timedelta(days=1, hours=number)
            timeline.add_task([lead.pk], title="Offer", due_at=due, by=me, now=now)
        leads.append(now_of(lead))
    return leads


def opened(lead: Lead, query: str = "view=mine", sort: str = "due") -> str:
    """The address of the lead as the list links to it."""
    return f"{page_of(lead)}?{places_in_list(QueryDict(query), SORTS[sort])(lead)}"


def around(web: Client, address: str, **headers: str) -> tuple[str, str]:
    found = web.get(address, headers=headers).context["neighbours"]
    return tuple(one.name if one else "" for one in (found.before, found.after))  # type: ignore[return-value]


# --- neighbours ---


def test_a_link_of_the_list_says_where_the_lead_stands(web: Client, row: list[Lead]) -> None:
    shown = web.get(f"{page_of(row[0]).split('leads/')[0]}leads/?view=mine").content.decode()
    link = html.unescape(shown.split('class="row-link" href="')[2].split('"')[0])
    assert link == opened(row[1])
    assert around(web, link) == ("Lead 0", "Lead 2")


def test_the_page_knows_the_leads_beside_it_in_the_list(web: Client, row: list[Lead]) -> None:
    assert around(web, opened(row[0])) == ("", "Lead 1")
    assert around(web, opened(row[2])) == ("Lead 1", "Lead 3")
    assert around(web, opened(row[3])) == ("Lead 2", "Lead 4"), "without a due time comes last"
    assert around(web, opened(row[4])) == ("Lead 3", "")


@pytest.mark.parametrize("sort", SORTS)
def test_one_walks_through_a_list_to_its_end_and_back(
    web: Client, row: list[Lead], sort: str
) -> None:
    query = f"view=all&sort={sort}"
    listed = web.get(f"{reverse('lead-list', args=[row[0].workspace.slug])}?{query}")
    names = [lead.display_name for lead in listed.context["leads"]]
    first = Lead.objects.get(pk=listed.context["leads"][0].pk)
    address, walked = opened(first, query, sort), [names[0]]
    for side in ("after", "before"):
        while beside := getattr(web.get(address).context["neighbours"], side):
            walked.append(beside.name)
            address = beside.href
    assert walked == [*names, *reversed(names[:-1])]


def test_filters_of_the_list_hold_for_its_neighbours(web: Client, row: list[Lead]) -> None:
    Lead.objects.filter(pk=row[3].pk).update(needs_review=True)
    assert around(web, opened(row[1], "view=mine&needs_review=true")) == ("", "Lead 3")


def test_the_next_lead_is_found_after_the_work_took_this_one_out_of_the_list(
    web: Client, row: list[Lead]
) -> None:
    address = opened(row[1])
    page = {**HTMX, "HX-Current-URL": f"http://testserver{address}"}
    answer = web.post(to(row[1], "close"), {"reason": "price"}, headers=page)
    assert answer.context["neighbours"].after.name == "Lead 2"
    assert "Next lead: Lead 2" in answer.content.decode()


def test_the_next_lead_is_found_without_javascript_too(web: Client, row: list[Lead]) -> None:
    web.get(opened(row[1]))
    answer = web.post(to(row[1], "close"), {"reason": "price"}, follow=True)
    assert "Next lead: Lead 2" in answer.content.decode()
    assert web.get(page_of(row[0])).context["neighbours"] is None, "that one was not opened"


@pytest.mark.parametrize(
    "query",
    [
        "list=view%3Dmine&at=zzz",
        "list=view%3Dmine&at=" + "W" * 300,
        "list=view%3Dnowhere",
        "list=stage%3D%00",
        "list=owner%3Dnobody-such",
        "list=sort%3Dup",
        "list=",
        "list=" + "x" * 3000,
    ],
)
def test_a_broken_place_does_not_break_the_page(web: Client, row: list[Lead], query: str) -> None:
    assert web.get(f"{page_of(row[1])}?{query}").status_code == 200


@pytest.mark.parametrize("value", [None, ["s", "x"], ["i", "5"], ["d", "5.5"], ["t", "x"]])
@pytest.mark.parametrize("sort", ["-created", "due"])
def test_a_made_up_place_does_not_break_the_page(
    web: Client, row: list[Lead], sort: str, value: Any
) -> None:
    values = [value, value] if SORTS[sort].then else [value]
    place = urlencode(
        {"list": f"view=all&sort={sort}", "at": pack([sort, *values, str(row[1].pk)])}
    )
    assert web.get(f"{page_of(row[1])}?{place}").status_code == 200


def test_leads_of_others_are_no_neighbours(
    sign_in: Any, ben: Membership, row: list[Lead], now: datetime
) -> None:
    mine = make_lead(now=now, owner=ben)
    assert around(sign_in(ben), opened(mine, "view=all", "-created")) == ("", "")


def test_neighbours_cost_one_query(web: Client, row: list[Lead]) -> None:
    counts = []
    for address in (page_of(row[1]), opened(row[1])):
        with CaptureQueriesContext(connection) as found:
            web.get(address)
        counts.append(len(found))
    assert counts[1] - counts[0] == 1
    assert counts[1] <= 9
    assert len(opened(row[1], urlencode({"q": "x" * 200}))) < 2000


# --- whose it is ---


def why(web: Client, lead: Lead) -> str:
    text: str = web.get(page_of(lead)).context["why"]
    return text


def test_why_it_is_mine(
    web: Client, acme: Workspace, ana: Membership, max_: Membership, now: datetime
) -> None:
    lead = make_lead(now=now)
    assert why(web, lead) == "Nobody has it yet. It waits in the pool."
    assignment.claim(lead.pk, by=Actor.member(ana), now=now)
    assert why(web, lead) == f"{ana} claimed it."
    assert "Why mine?" in web.get(page_of(lead)).content.decode()
    assignment.assign([lead.pk], owner=max_, by=Actor.member(ana), now=now)
    assert why(web, lead) == f"{ana} gave it to Max. It was {ana}'s before."
    assignment.assign([lead.pk], by=Actor.member(max_), now=now)
    assert why(web, lead) == "Max gave it back to the pool."
    assignment.assign([lead.pk], owner=max_, by=Actor.system("routing"), now=now, reason="turn")
    assert why(web, lead) == "It went to Max by itself. Reason: turn."


def test_a_source_may_have_given_it(web: Client, lead: Lead, max_: Membership) -> None:
    source = now_of(lead).source
    source.owner = max_
    source.save(update_fields=["owner"])
    Lead.objects.filter(pk=lead.pk).update(owner=max_)
    assert why(web, lead) == f"Leads of “{source}” go to Max."


# --- the person ---


def test_earlier_leads_of_the_person_show_how_they_ended(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    again = make_lead(now=now, email=lead.email, display_name="Maria Lopez")
    assert again.pk != lead.pk
    body = web.get(page_of(again)).content.decode()
    person = body[body.index("h-person") :]
    assert page_of(lead) in person
    assert "Price" in person


def test_an_enquiry_of_two_people_names_the_other(web: Client, lead: Lead, now: datetime) -> None:
    other = make_lead(now=now, display_name="Jon Snow", email="jon@snow.example")
    both = make_lead(now=now, email="jon@snow.example", phone=lead.phone, display_name="Jon Snow")
    Lead.objects.filter(pk=both.pk).update(needs_review=True)
    body = web.get(page_of(both)).content.decode()
    assert "Whose enquiry is it?" in body
    assert "Looks right" in body
    assert other.pk == both.pk or "Jon Snow" in body


def test_suggestions_wait_beside_and_go_one_by_one(web: Client, lead: Lead) -> None:
    for field, value in (("job_title", "CEO"), ("state", "CA")):
        FieldSuggestion.objects.create(lead=lead, field=field, source="Form", value=value)
    one = FieldSuggestion.objects.get(field="state")
    web.post(reverse("suggestion-accept", args=[lead.workspace.slug, one.pk]), headers=HTMX)
    body = web.get(page_of(lead)).content.decode()
    assert now_of(lead).state == "CA"
    assert "gives job title as “CEO”" in body
    assert "gives state" not in body


def test_ad_ids_are_not_shown(web: Client, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(
        platform_ref={"gclid": "Cj0-click"},
        source_url="https://example.com/roofs?gclid=Cj0-click",
        referrer="https://ads.example/?fbclid=Cj0-click",
    )
    body = web.get(page_of(lead)).content.decode()
    assert "Cj0-click" not in body
    assert "example.com/roofs" in body


# --- states ---


def test_a_merged_lead_points_to_the_other_and_offers_nothing(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    root = make_lead(now=now, display_name="Root")
    merging.merge(root.pk, [lead.pk], by=me, now=now)
    body = web.get(page_of(lead)).content.decode()
    assert "was merged into" in body
    assert page_of(root) in body
    assert 'name="body"' not in body
    assert to(lead, "edit") not in body


def test_a_removed_lead_is_read_and_restored(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    archiving.archive([lead.pk], by=me, now=now, reason="Twice")
    body = web.get(page_of(lead)).content.decode()
    assert "Removed" in body
    assert "Twice" in body
    assert to(lead, "edit") not in body
    assert 'name="body"' not in body
    answer = web.post(to(lead, "restore"), headers=HTMX)
    assert to(lead, "edit") in answer.content.decode()


def test_a_missing_next_step_is_said_and_can_be_set_in_place(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    timeline.log_call([lead.pk], outcome="reached", by=me, now=now)
    body = web.get(page_of(lead)).content.decode()
    assert "is-missing" in body
    assert "No next step. Set one" in body
    form = {"title": "Send offer", "due_at": "2030-01-15T09:00"}
    answer = web.post(to(lead, "task"), form, headers=HTMX)
    assert "is-missing" not in answer.content.decode()
    assert 'value="2030-01-15T09:00"' in answer.content.decode(), "to be changed in its place"
