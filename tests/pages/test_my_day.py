"""My day: whom to turn to next, in order, and what can be done from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import appointments, assignment, timeline
from leads.booking import Booking
from leads.models import Appointment, Lead, Task
from tests.factories import NOW, make_lead, make_leads

SignIn = Callable[[Membership], Client]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def day(acme: Workspace) -> str:
    return reverse("my-day", args=[acme.slug])


@pytest.fixture
def web(sign_in: SignIn, ben: Membership) -> Client:
    return sign_in(ben)


def owned(owner: Membership, name: str, **fields: Any) -> Lead:
    """A lead that was answered, so that only what is said here makes it urgent."""
    lead = make_lead(display_name=name, owner=owner, now=NOW - 48 * HOUR, **fields)
    by = Actor.member(owner)
    timeline.log_call([lead.pk], outcome="reached", by=by, now=NOW - 47 * HOUR)
    return lead


def step(lead: Lead, due_at: Any, title: str = "Call back") -> Task:
    by = Actor.member(lead.owner)
    timeline.add_task([lead.pk], title=title, due_at=due_at, by=by, now=NOW - 24 * HOUR)
    return Task.objects.get(lead=lead)


def book(lead: Lead, at: Any, now: Any = NOW - 3 * HOUR) -> Appointment:
    appointments.book(lead.pk, Booking(scheduled_for=at), by=Actor.member(lead.owner), now=now)
    return Appointment.objects.get(lead=lead)


def queue(client: Client, day: str, **query: str) -> dict[str, list[str]]:
    """The names in each section."""
    sections = client.get(day, query).context["sections"]
    return {one.key: [row.lead.display_name for row in one.rows] for one in sections}


def test_each_lead_stands_once_where_it_is_most_urgent(
    web: Client, day: str, ben: Membership, ana: Membership
) -> None:
    wrote = owned(ben, "Wrote back")
    timeline.log_message(
        [wrote.pk], channel="email", direction="inbound", body="Yes please",
        by=Actor.system("email"), now=NOW - HOUR,
    )  # fmt: skip
    make_lead(display_name="In the pool", now=NOW - timedelta(minutes=2))
    make_lead(display_name="Mine and new", owner=ben, now=NOW)
    book(owned(ben, "Meets soon"), NOW + timedelta(minutes=40))
    book(owned(ben, "Met"), NOW - HOUR)
    step(owned(ben, "Late"), NOW - HOUR)
    step(owned(ben, "Later today"), NOW + HOUR)
    owned(ben, "Idle")
    step(owned(ben, "Next week"), NOW + 7 * 24 * HOUR)
    make_lead(display_name="Anas", owner=ana, now=NOW)
    assert queue(web, day) == {
        "replied": ["Wrote back"],
        "waiting": ["In the pool", "Mine and new"],
        "soon": ["Meets soon"],
        "outcome": ["Met"],
        "overdue": ["Late"],
        "today": ["Later today"],
        "idle": ["Idle"],
    }


def test_the_pool_tells_nothing_before_it_is_claimed(web: Client, day: str) -> None:
    lead = make_lead(now=NOW, phone="+14155552671", message="Call me at +14155552671")
    body = web.get(day).content.decode()
    assert "4155552671" not in body
    assert "Claim" in body
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{day}"}
    answer = web.post(reverse("lead-claim", args=[lead.workspace.slug, lead.pk]), headers=headers)
    assert (answer.status_code, f"changed-{lead.pk}" in answer["HX-Trigger"]) == (204, True)
    assert 'href="tel:+14155552671"' in web.get(day).content.decode()


def test_a_lost_claim_says_who_has_it_and_the_row_leaves(
    web: Client, day: str, ana: Membership, sign_in: SignIn
) -> None:
    lead = make_lead(now=NOW)
    assignment.claim(lead.pk, by=Actor.member(ana), now=NOW)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{day}"}
    answer = web.post(reverse("lead-claim", args=[lead.workspace.slug, lead.pk]), headers=headers)
    assert answer.status_code == 204
    assert f"{ana} has it." in answer["HX-Trigger"]
    assert f"changed-{lead.pk}" in answer["HX-Trigger"]
    assert queue(web, day) == {}


def test_done_and_met_work_from_the_queue(web: Client, day: str, ben: Membership) -> None:
    task = step(owned(ben, "Late"), NOW - HOUR)
    meeting = book(owned(ben, "Met"), NOW - HOUR)
    body = web.get(day).content.decode()
    for address in (
        reverse("task-done", args=[ben.workspace.slug, task.pk]),
        reverse("appointment-attend", args=[ben.workspace.slug, meeting.pk]),
        reverse("appointment-no-show", args=[ben.workspace.slug, meeting.pk]),
    ):
        assert f'hx-post="{address}"' in body
    web.post(reverse("appointment-attend", args=[ben.workspace.slug, meeting.pk]))
    assert "outcome" not in queue(web, day)


def test_a_manager_switches_to_the_team(
    sign_in: SignIn, day: str, ana: Membership, ben: Membership, web: Client
) -> None:
    step(owned(ben, "Bens"), NOW - HOUR)
    step(owned(ana, "Anas"), NOW - 2 * HOUR)
    boss = sign_in(ana)
    assert queue(boss, day) == {"overdue": ["Anas"]}
    assert queue(boss, day, of="team") == {"overdue": ["Anas", "Bens"]}
    assert queue(web, day, of="team") == {"overdue": ["Bens"]}, "a rep sees no others"


def test_a_viewer_sees_everything_and_does_nothing(
    sign_in: SignIn, day: str, vera: Membership, ben: Membership
) -> None:
    step(owned(ben, "Bens"), NOW - HOUR)
    make_lead(display_name="In the pool", now=NOW)
    client = sign_in(vera)
    assert queue(client, day) == {"waiting": ["In the pool"], "overdue": ["Bens"]}
    body = client.get(day).content.decode()
    assert "hx-post" not in body
    assert "Claim" not in body


def test_beside_it_stand_the_days_meetings_and_what_was_done(
    web: Client, day: str, ben: Membership
) -> None:
    lead = owned(ben, "Tonight")
    book(lead, NOW + 5 * HOUR, now=NOW - timedelta(minutes=5))
    timeline.log_call([lead.pk], outcome="no_answer", by=Actor.member(ben), now=NOW)
    new = make_lead(owner=ben, now=NOW - timedelta(minutes=8))
    timeline.log_call([new.pk], outcome="reached", by=Actor.member(ben), now=NOW)
    context = web.get(day).context
    assert [one.lead.display_name for one in context["meetings"]] == ["Tonight"]
    assert context["done"] == {"answered": 1, "in_time": 1, "calls": 2, "booked": 1}


def test_when_all_is_done_it_says_when_the_next_is_due(
    web: Client, day: str, ben: Membership
) -> None:
    assert "Take one from the pool" in web.get(day).content.decode()
    step(owned(ben, "Next week"), NOW + 7 * 24 * HOUR)
    assert "All done for today. Next due" in web.get(day).content.decode()


def test_a_long_section_is_cut_and_leads_to_its_list(
    web: Client, day: str, ben: Membership
) -> None:
    make_leads(25, now=NOW, owner=ben)
    (section,) = web.get(day).context["sections"]
    assert (len(section.rows), section.count) == (20, "20+")
    assert 'leads/?view=waiting"' in web.get(day).content.decode()


def test_what_waits_does_not_hide_who_replied_nor_what_is_late_what_is_due(
    web: Client, day: str, ben: Membership
) -> None:
    make_leads(25, now=NOW - 4 * HOUR, owner=ben)
    wrote = owned(ben, "Wrote back")
    timeline.log_message(
        [wrote.pk],
        channel="email",
        direction="inbound",
        body="Yes",
        by=Actor.system("email"),
        now=NOW,
    )
    for number in range(22):
        step(owned(ben, f"Late {number}"), NOW - HOUR)
    step(owned(ben, "Later today"), NOW + HOUR)
    found = queue(web, day)
    assert (found["replied"], found["today"]) == (["Wrote back"], ["Later today"])
    assert (len(found["waiting"]), len(found["overdue"])) == (20, 20)


def test_the_teams_day_holds_what_waits_with_its_members_too(
    sign_in: SignIn, day: str, ana: Membership, ben: Membership
) -> None:
    make_lead(display_name="Bens new one", owner=ben, now=NOW)
    assert queue(sign_in(ana), day, of="team") == {"waiting": ["Bens new one"]}
    assert queue(sign_in(ana), day) == {}


def test_what_was_said_last_stands_below(web: Client, day: str, ben: Membership) -> None:
    lead = owned(ben, "Late", message="How much is a roof?")
    step(lead, NOW - HOUR)
    assert "How much is a roof?" in web.get(day).content.decode()
    timeline.add_note([lead.pk], body="Wants\ntwo offers", by=Actor.member(ben), now=NOW)
    assert "Wants two offers" in web.get(day).content.decode()


def test_it_takes_ten_queries_however_much_there_is(web: Client, day: str, ben: Membership) -> None:
    counts = []
    web.get(day)
    for _ in range(2):
        for lead in make_leads(3, now=NOW, owner=ben):
            book(lead, NOW + timedelta(minutes=20))
        step(owned(ben, "Late"), NOW - HOUR)
        with CaptureQueriesContext(connection) as found:
            web.get(day)
        counts.append(len(found))
    assert counts[1] <= counts[0] <= 10


# --- one at a time ---------------------------------------------------------------------------


def follow(web: Client, address: str, path: str, data: dict[str, Any]) -> str:
    """Where a verb of the lead's page leads on to, as HTMX sends it."""
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}"}
    return web.post(path, data, headers=headers).headers.get("HX-Redirect", "")


def three(ben: Membership) -> list[Lead]:
    found = [owned(ben, name) for name in ("First", "Second", "Third")]
    for number, lead in enumerate(found):
        step(lead, NOW - (3 - number) * HOUR)
    return found


def test_start_goes_from_lead_to_lead_with_the_queue_beside_it(
    web: Client, day: str, ben: Membership, acme: Workspace
) -> None:
    first, second, third = three(ben)
    address = web.get(day).context["start"]
    page = web.get(address)
    turns = page.context["neighbours"]
    assert (page.context["lead"].pk, turns.position, turns.before) == (first.pk, "1 of 3", None)
    assert [turn.is_current for _, found in turns.sections for turn in found] == [
        True, False, False,
    ]  # fmt: skip
    assert b'class="day-beside"' in page.content
    to = {"snooze": {"until": "2026-03-06T10:00"}, "call": {"outcome": "no_answer"}}
    address = follow(web, address, reverse("lead-snooze", args=[acme.slug, first.pk]), to["snooze"])
    page = web.get(address)
    assert (page.context["lead"].pk, page.context["neighbours"].position) == (second.pk, "1 of 2")
    assert [str(one) for one in page.context["messages"]], "what was done is told, with its undo"
    # The call leaves the lead in the queue, for its step is still overdue, and moves on all the same.
    address = follow(web, address, reverse("lead-call", args=[acme.slug, second.pk]), to["call"])
    assert web.get(address).context["lead"].pk == third.pk
    task = Task.objects.get(lead=third)
    assert follow(web, address, reverse("task-done", args=[acme.slug, task.pk]), {}) == day


def test_skipping_keeps_the_turn_and_the_last_leads_back_to_my_day(
    web: Client, day: str, ben: Membership, acme: Workspace
) -> None:
    first, second, third = three(ben)
    page = web.get(web.get(day).context["start"])
    page = web.get(page.context["neighbours"].after.href)
    turns = page.context["neighbours"]
    assert (turns.position, turns.before.name, turns.after.name) == ("2 of 3", "First", "Third")
    last = turns.after.href
    snooze = reverse("lead-snooze", args=[acme.slug, third.pk])
    assert follow(web, last, snooze, {"until": "2026-03-06T10:00"}) == day
    # Without JavaScript the cookie says that the lead belongs to the queue.
    web.get(page.context["neighbours"].before.href)
    snooze = reverse("lead-snooze", args=[acme.slug, first.pk])
    onward = web.post(snooze, {"until": "2026-03-06T10:00"})["Location"]
    assert web.get(onward).context["lead"].pk == second.pk


def test_outside_the_queue_a_verb_stays_on_the_lead(
    web: Client, ben: Membership, acme: Workspace
) -> None:
    first, *_ = three(ben)
    address = reverse("lead-detail", args=[acme.slug, first.pk])
    assert web.get(address).context["neighbours"] is None
    snooze = reverse("lead-snooze", args=[acme.slug, first.pk])
    assert follow(web, address, snooze, {"until": "2026-03-06T10:00"}) == ""


def test_a_turn_costs_few_queries_and_the_team_is_for_who_sees_it(
    web: Client, day: str, ben: Membership, ana: Membership
) -> None:
    first, *_ = three(ben)
    owned(ana, "Hers")
    for whose in ("me", "team", "nobody"):
        address = (
            f"{reverse('lead-detail', args=[ben.workspace.slug, first.pk])}?list=day%3D{whose}&at=x"
        )
        web.get(address)
        with CaptureQueriesContext(connection) as found:
            turns = web.get(address).context["neighbours"]
        assert len(found) <= 10
        assert turns.position == "1 of 3"
