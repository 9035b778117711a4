"""Settings of the routing, duty, absences; and what a lead says of why it went where."""

import pytest
from django.utils import timezone

from leadcrm.workspaces.availability import today_of
from leadcrm.workspaces.models import Absence
from leads import kinds, routing
from leads.models import Activity, RoutingRule, RoutingSeat, Task
from tests.factories import make_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(acme):
    return f"/w/{acme.slug}/settings/routing/"


def chosen(*members, **fields):
    seats = {f"takes-{one.pk}": "on" for one in members}
    places = {f"place-{one.pk}": place for place, one in enumerate(members, 1)}
    return {**seats, **places, **fields}


def test_routing_is_set_and_shown(web, page, ana, ben, max_, django_assert_max_num_queries):
    web.post(page, chosen(max_, ben, is_active="on", open_cap="5", day_cap=""))
    rule = RoutingRule.objects.get()
    assert (rule.is_active, rule.open_cap, rule.day_cap) == (True, 5, None)
    assert list(RoutingSeat.objects.values_list("member__name", flat=True)) == ["Max", "Ben"]
    with django_assert_max_num_queries(10):
        shown = web.get(page)
    assert shown.context["next"] == "Max"
    assert [row.member.name for row in shown.context["rows"]][:2] == ["Max", "Ben"]


def test_what_does_not_fit_is_said_and_changes_nothing(web, page, ben):
    nobody = web.post(page, {"is_active": "on"})
    assert nobody.status_code == 422
    assert "Choose somebody who takes part first." in nobody.content.decode()
    assert web.post(page, chosen(ben, open_cap="0")).status_code == 422
    assert not RoutingRule.objects.exists()


def test_the_lead_says_whose_turn_it_was(web, page, acme, ana, ben, max_, now):
    ben.on_duty = False
    ben.save()
    web.post(page, chosen(ben, max_, is_active="on"))
    taken = make_lead()
    routing.route_new_leads(list(Activity.objects.filter(kind=kinds.LEAD_CREATED)), now)
    shown = web.get(f"/w/{acme.slug}/leads/{taken.pk}/").content.decode()
    assert "Round robin: it was Max&#x27;s turn. Passed over: Ben (off duty)." in shown
    max_.on_duty = False
    max_.save()
    left = make_lead()
    row = Activity.objects.get(kind=kinds.LEAD_CREATED, lead=left)
    routing.route_new_leads([row], now)
    shown = web.get(f"/w/{acme.slug}/leads/{left.pk}/").content.decode()
    assert "Nobody could take it by round robin. Passed over: Ben (off duty)" in shown


def test_duty_is_one_click(sign_in, acme, ben, vera):
    web, address = sign_in(ben), f"/w/{acme.slug}/settings/duty/"
    answer = web.post(address, {"on": "0"}, headers={"HX-Request": "true"})
    assert "Off duty" in answer.content.decode()
    assert "off duty" in answer["HX-Trigger"]
    ben.refresh_from_db()
    assert not ben.on_duty
    back = web.post(address, {"on": "1", "back": f"/w/{acme.slug}/contacts/"})
    assert back["Location"] == f"/w/{acme.slug}/contacts/"
    assert web.post(address, {"on": "1", "back": "//evil.example"})["Location"].startswith("/w/")
    ben.refresh_from_db()
    assert ben.on_duty
    assert sign_in(vera).post(address, {"on": "0"}).status_code == 403


def test_absences_are_added_and_removed(sign_in, web, acme, ben):
    mine, today = sign_in(ben), today_of(acme, timezone.now())
    page = f"/w/{acme.slug}/settings/absences/"
    wrong = mine.post(page, {"starts_on": "2030-02-02", "ends_on": "2030-02-01"})
    assert wrong.status_code == 422
    assert "The last day comes before the first." in wrong.content.decode()
    mine.post(page, {"starts_on": today, "ends_on": today})
    assert "Now</span>" in mine.get(page).content.decode()
    of_ben = f"/w/{acme.slug}/settings/members/{ben.pk}/absences/"
    assert mine.get(of_ben).status_code == 403
    assert "Absences of Ben" in web.get(of_ben).content.decode()
    web.post(of_ben, {"starts_on": "2030-02-01", "ends_on": "2030-02-02"})
    assert Absence.objects.filter(membership=ben).count() == 2
    for one in Absence.objects.all():
        mine.post(f"{page}{one.pk}/remove/")
    assert not Absence.objects.exists()


def test_a_task_is_passed_on_and_reminds_when_one_wants(web, acme, lead, ben, ana):
    at = f"/w/{acme.slug}/leads/{lead.pk}/task/"
    body = {"title": "Offer", "due_at": "2030-01-01T10:00", "remind": "60", "assignee": str(ben.pk)}
    web.post(at, body)
    task = Task.objects.get()
    assert task.assignee == ben
    assert (task.due_at - task.remind_at).total_seconds() == 3600
    change = f"/w/{acme.slug}/tasks/{task.pk}/change/"
    web.post(change, {"title": "Offer", "due_at": "2030-01-02T10:00"})  # the short form
    task.refresh_from_db()
    assert (task.assignee, (task.due_at - task.remind_at).total_seconds()) == (ben, 3600)
    web.post(change, {**body, "remind": "never", "assignee": str(ana.pk)})
    task.refresh_from_db()
    assert (task.assignee, task.remind_at) == (ana, None)
    assert 'value="never" selected' in web.get(change).content.decode()
