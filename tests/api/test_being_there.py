"""Duty, absences and notifications for programs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from leadcrm.workspaces.models import Absence, Membership
from leads.models import Notification
from tests.api.conftest import Api, Maker, done, problem
from tests.api.test_limits import queries
from tests.factories import NOW, make_lead

pytestmark = pytest.mark.usefixtures("acme")

TODAY = NOW.date()
AWAY = {"starts_on": TODAY.isoformat(), "ends_on": (TODAY + timedelta(days=3)).isoformat()}


def test_duty_is_read_and_changed(ben: Membership, vera: Membership, token_of: Maker) -> None:
    rep = token_of(ben)
    assert done(rep.get("me/duty")) == {"on_duty": True, "away_until": None}
    assert done(rep.put("me/duty", {"on_duty": False}))["on_duty"] is False
    ben.refresh_from_db()
    assert ben.on_duty is False
    done(rep.post("me/absences", AWAY), 201)
    assert done(rep.get("me/duty"))["away_until"] == AWAY["ends_on"]
    problem(rep.put("me/duty", {}), 400, "on_duty")
    problem(rep.put("me/duty", {"on_duty": "perhaps"}), 400, "on_duty")
    problem(token_of(vera).put("me/duty", {"on_duty": False}), 403)
    problem(token_of(ben, "leads:read").put("me/duty", {"on_duty": True}), 403)


def test_absences_are_ones_own_and_the_admins(
    api: Api, ben: Membership, max_: Membership, token_of: Maker
) -> None:
    rep, manager = token_of(ben), token_of(max_)
    own = done(rep.post("me/absences", AWAY), 201)
    assert done(rep.get("me/absences"))["results"] == [own]
    others = f"members/{ben.pk}/absences"
    added = done(api.post(others, AWAY), 201)
    assert len(done(api.get(others))["results"]) == 2
    problem(manager.get(others), 403)
    problem(manager.post(others, AWAY), 403)
    problem(manager.delete(f"absences/{own['id']}"), 403)
    assert rep.delete(f"absences/{own['id']}").status_code == 204
    assert api.delete(f"absences/{added['id']}").status_code == 204
    problem(rep.delete(f"absences/{own['id']}"), 404)
    problem(api.get(f"members/{uuid.uuid4()}/absences"), 404)
    assert not Absence.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"ends_on": "2026-01-01"}, "ends_on"),
        ({"ends_on": "2028-01-01"}, "ends_on"),
        ({"starts_on": "0001-01-01"}, "starts_on"),
        ({"ends_on": "9999-12-31"}, "ends_on"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"starts_on": 5}, "starts_on"),
        ({"why": "ill"}, "why"),
    ],
)
def test_bad_days_are_named(api: Api, changed: dict[str, Any], field: str) -> None:
    problem(api.post("me/absences", AWAY | changed), 400, field)
    assert not Absence.objects.exists()


def tell(member: Membership, count: int) -> list[Notification]:
    lead = make_lead(owner=member)
    return [
        Notification.objects.create(
            member=member, kind="reply", lead=lead, cause=f"{lead.pk}{number}", detail="Yes",
            at=NOW - timedelta(minutes=number),
        )
        for number in range(count)
    ]  # fmt: skip


def test_notifications_are_listed_and_read(
    api: Api, ana: Membership, ben: Membership, token_of: Maker
) -> None:
    newest, second, third = tell(ana, 3)
    (theirs,) = tell(ben, 1)
    first = done(api.get("notifications", page_size=2))
    rest = done(api.get("notifications", page_size=2, cursor=first["next_cursor"]))
    rows = [*first["results"], *rest["results"]]
    assert [row["id"] for row in rows] == [str(one.pk) for one in (newest, second, third)]
    assert (rows[0]["title"], rows[0]["lead_id"]) == ("Reply", str(newest.lead_id))
    ids = [str(second.pk), str(theirs.pk)]
    assert done(api.post("notifications/read", {"ids": ids})) == {"read": 1}
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert len(done(api.get("notifications", unread="true"))["results"]) == 2
    (read,) = done(api.get("notifications", unread="false"))["results"]
    assert read["id"] == str(second.pk)
    assert done(api.post("notifications/read")) == {"read": 2}
    problem(api.get("notifications", unread="perhaps"), 400, "unread")
    problem(api.post("notifications/read", {"ids": ["x"]}), 400, "ids.0")
    assert len(done(token_of(ben).get("notifications"))["results"]) == 1


def test_they_cost_the_same_for_few_and_for_many(api: Api, ana: Membership) -> None:
    tell(ana, 1)
    calls = ("notifications", "me/duty", "me/absences")
    few = [queries(lambda one=one: api.get(one)) for one in calls]  # type: ignore[misc]
    tell(ana, 30)
    for _ in range(9):
        done(api.post("me/absences", AWAY), 201)
    assert [queries(lambda one=one: api.get(one)) for one in calls] == few  # type: ignore[misc]
    assert max(few) <= 4, few
