"""Settings, General: the workspace's name, who sees what, time zone, hours and holidays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.general import change_workspace
from leadcrm.workspaces.models import Membership, Workspace
from tests.factories import NOW, make_lead

SignIn = Callable[[Membership], Client]
NAMED = {"name": "Acme", "country": "US", "currency": "USD"}


def at(workspace: Workspace, name: str) -> str:
    return reverse(name, args=[workspace.slug])


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    return sign_in(ana)


def week(**times: str) -> dict[str, str]:
    """The table of hours: 9 to 18 from Monday to Friday, unless said otherwise."""
    form = {"time_zone": "Europe/Berlin", "holidays": ""}
    for day in range(5):
        form |= {f"opens-{day}-0": "09:00", f"closes-{day}-0": "18:00"}
    return form | {name.replace("_", "-"): value for name, value in times.items()}


def test_settings_start_where_the_member_may_be(
    sign_in: SignIn, acme: Workspace, adam: Membership, ben: Membership
) -> None:
    start = at(acme, "settings")
    assert sign_in(adam).get(start)["Location"] == at(acme, "general")
    assert sign_in(ben).get(start)["Location"] == at(acme, "profile")
    assert sign_in(ben).get("/settings/", follow=True).status_code == 200


@pytest.mark.parametrize("who", ["max_", "ben", "vera"])
def test_general_is_for_owners_and_admins_and_others_do_not_see_it(
    request: pytest.FixtureRequest, sign_in: SignIn, acme: Workspace, who: str
) -> None:
    member = request.getfixturevalue(who)
    client = sign_in(member)
    assert client.get(at(acme, "general")).status_code == 403
    assert client.post(at(acme, "general-workspace"), NAMED).status_code == 403
    html = client.get(at(acme, "profile")).content.decode()
    assert at(acme, "general") not in html
    assert at(acme, "sources") not in html
    with pytest.raises(NotAllowed):
        change_workspace(by=member, name="Mine")


def test_name_country_and_currency_are_saved(web: Client, acme: Workspace) -> None:
    form = {"name": "  Acme   Solar ", "country": "DE", "currency": "eur"}
    response = web.post(at(acme, "general-workspace"), form, follow=True)
    acme.refresh_from_db()
    assert (acme.name, acme.country, acme.currency) == ("Acme Solar", "DE", "EUR")
    assert "Saved." in response.content.decode()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"country": "XX"}, "country"),
        ({"currency": "E1R"}, "currency"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_nothing_is_saved(
    web: Client, acme: Workspace, form: dict[str, str], field: str
) -> None:
    response = web.post(at(acme, "general-workspace"), {**NAMED, "name": "New", **form})
    assert response.status_code == 422
    assert list(response.context["workspace_form"].errors) == [field]
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_a_save_writes_its_part_alone(acme: Workspace, ana: Membership) -> None:
    change_workspace(by=ana, visibility="all")
    change_workspace(by=ana, name="Other")  # from a page that was loaded before
    acme.refresh_from_db()
    assert (acme.visibility, acme.name) == ("all", "Other")
    with pytest.raises(ValueError, match="slug"):
        change_workspace(by=ana, slug="mine")
    with pytest.raises(ValidationError):
        change_workspace(by=ana, time_zone="Mars/Base")


def test_what_a_rep_sees_changes_at_once(
    web: Client, sign_in: SignIn, acme: Workspace, ben: Membership, ana: Membership
) -> None:
    lead = make_lead(owner=ana)
    page = reverse("lead-detail", args=[acme.slug, lead.pk])
    client = sign_in(ben)
    assert client.get(page).status_code == 404
    web.post(at(acme, "general-visibility"), {"visibility": "all"})
    assert client.get(page).status_code == 200
    assert web.post(at(acme, "general-visibility"), {"visibility": "some"}).status_code == 422


def test_hours_with_a_break_a_late_night_and_holidays(web: Client, acme: Workspace) -> None:
    form = week(
        closes_0_0="12:00", opens_0_1="13:00", closes_0_1="18:00",
        opens_5_0="20:00", closes_5_0="00:00",
        opens_4_0="", closes_4_0="",
    ) | {"holidays": "2026-12-25\n\n 2026-01-01 "}  # fmt: skip
    assert web.post(at(acme, "general-hours"), form).status_code == 302
    acme.refresh_from_db()
    hours = acme.hours()
    assert hours.days[0] == ((time(9), time(12)), (time(13), time(18)))
    assert hours.days[5] == ((time(20), time.min),)
    assert hours.days[4] == ()
    assert hours.holidays == {date(2026, 1, 1), date(2026, 12, 25)}
    assert acme.time_zone == "Europe/Berlin"
    html = web.get(at(acme, "general")).content.decode()
    for shown in ('value="13:00"', 'value="00:00"', "2026-12-25", "Monday opens 2"):
        assert shown in html


@pytest.mark.parametrize(
    ("changes", "where", "said"),
    [
        ({"opens-1-0": "19:00"}, 1, "18:00 must come after 19:00"),
        ({"closes-2-0": ""}, 2, "both times"),
        ({"opens-3-1": "17:00", "closes-3-1": "20:00"}, 3, "overlap at 17:00"),
        ({"opens-0-0": "late"}, 0, "valid time"),
    ],
)
def test_a_bad_day_is_told_in_its_row(
    web: Client, acme: Workspace, changes: dict[str, str], where: int, said: str
) -> None:
    response = web.post(at(acme, "general-hours"), week() | changes)
    assert response.status_code == 422
    rows = response.context["hours_form"].rows
    assert [bool(row.errors) for row in rows] == [day == where for day in range(7)]
    assert said in rows[where].errors[0]
    acme.refresh_from_db()
    assert acme.business_hours == {}


def test_a_bad_holiday_is_named(web: Client, acme: Workspace) -> None:
    response = web.post(at(acme, "general-hours"), week() | {"holidays": "2026-12-25\n32.12.2026"})
    assert "“32.12.2026” is not a date" in response.content.decode()
    assert web.post(at(acme, "general-hours"), week() | {"time_zone": "Mars"}).status_code == 422


def test_new_hours_count_for_new_leads_and_a_promise_stands(
    web: Client, acme: Workspace, ana: Membership
) -> None:
    promised = make_lead()
    web.post(at(acme, "general-hours"), week(opens_2_0="15:00") | {"time_zone": "UTC"})
    later = make_lead()
    assert promised.answer_due_at == datetime(2026, 3, 4, 10, 10, tzinfo=UTC)
    promised.refresh_from_db()
    assert promised.answer_due_at == datetime(2026, 3, 4, 10, 10, tzinfo=UTC)
    assert NOW.weekday() == 2
    assert later.answer_due_at == datetime(2026, 3, 4, 15, 30, tzinfo=UTC)


def test_the_page_takes_few_queries(web: Client, acme: Workspace) -> None:
    web.get(at(acme, "general"))
    with CaptureQueriesContext(connection) as asked:
        response: Any = web.get(at(acme, "general"))
    assert len(asked) <= 10
    assert len(response.content) < 200_000
