"""Appointments: book, move, attend, no-show, cancel."""

from datetime import UTC, datetime, timedelta

import pytest

from leads import appointments, lifecycle
from leads.batch import Refused
from leads.booking import Booking
from leads.lifecycle import StageRefused
from leads.models import Activity, Appointment, Lead, Stage, Task
from leads.setup import add_pipeline
from tests.factories import make_lead

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


@pytest.fixture
def lead(acme):
    return make_lead()


def book(lead, me, now, at=None, **facts):
    appointments.book(lead.pk, Booking(at or now + DAY, **facts), by=me, now=now)
    return Appointment.objects.latest("created_at", "id")


def test_booking_moves_the_lead_and_says_when(lead, me, now):
    one = book(lead, me, now, minutes=45, title="Roof", place="Here")
    lead = fresh(lead)
    assert (lead.status, lead.scheduled_at, lead.first_response_at) == ("scheduled", now, now)
    assert (one.scheduled_for, one.minutes, one.host_id) == (now + DAY, 45, me.membership_id)
    row = Activity.objects.get(kind="appointment_booked")
    assert (row.subject_id, row.data["scheduled_for"]) == (one.pk, (now + DAY).isoformat())


def test_where_the_graph_does_not_lead_to_booked_the_appointment_stands_alone(acme, me, now):
    lead = make_lead(pipeline=add_pipeline("bant"))
    book(lead, me, now)
    assert fresh(lead).status == "new"


def test_a_second_booking_stands_beside_the_first(lead, me, now):
    book(lead, me, now)
    book(lead, me, now, at=now + 2 * DAY)
    assert Appointment.objects.filter(status="scheduled").count() == 2
    assert Activity.objects.filter(kind="stage_changed").count() == 1


def test_booked_on_the_strength_of_an_appointment(lead, me, now):
    Stage.objects.filter(key="new").update(next_keys=["contacted", "qualified"])
    book(lead, me, now)
    lifecycle.qualify([lead.pk], by=me, now=now)
    (result,) = lifecycle.schedule([lead.pk], by=me, now=now)
    assert result.done
    assert fresh(lead).status == "scheduled"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"scheduled_for": None}, "scheduled_for"),
        ({"scheduled_for": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "scheduled_for"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -5}, "minutes"),
        ({"minutes": 100_000}, "minutes"),
        ({"title": "x" * 201}, "title"),
        ({"place": "x" * 301}, "place"),
        ({"external_ref": "x" * 256}, "external_ref"),
    ],
)
def test_a_booking_that_does_not_fit_is_refused_and_changes_nothing(lead, me, now, facts, field):
    booking = Booking(**{"scheduled_for": now + DAY, **facts})
    with pytest.raises(Refused) as refused:
        appointments.book(lead.pk, booking, by=me, now=now)
    assert refused.value.field == field
    assert fresh(lead).status == "new"
    assert not Appointment.objects.exists()


def test_the_same_outside_booking_is_booked_once(lead, me, now):
    book(lead, me, now, external_ref="cal-1")
    with pytest.raises(Refused, match="known already"):
        book(lead, me, now, external_ref="cal-1")
    assert Appointment.objects.count() == 1


def test_a_closed_lead_is_not_booked(lead, me, now):
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    with pytest.raises(StageRefused, match="Reopen it first"):
        book(lead, me, now)


def test_moving_keeps_both_times_in_the_log(lead, me, now):
    one = book(lead, me, now)
    appointments.move(one, to=now + 3 * DAY, minutes=60, place="There", by=me, now=now)
    one.refresh_from_db()
    assert (one.scheduled_for, one.minutes, one.place) == (now + 3 * DAY, 60, "There")
    row = Activity.objects.get(kind="appointment_moved")
    assert row.data["was"] == (now + DAY).isoformat()
    assert fresh(lead).work_due_at == now + 3 * DAY + HOUR


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"to": datetime(9999, 1, 1, tzinfo=UTC)}, "scheduled_for"),
        ({"minutes": 99_999}, "minutes"),
        ({"place": "x" * 301}, "place"),
    ],
)
def test_a_move_that_does_not_fit_is_refused(lead, me, now, facts, field):
    one = book(lead, me, now)
    with pytest.raises(Refused) as refused:
        appointments.move(one, **{"to": now + DAY, **facts}, by=me, now=now)
    assert refused.value.field == field


def test_met(lead, me, now):
    one = book(lead, me, now)
    appointments.attend(one, by=me, now=now + DAY)
    one.refresh_from_db()
    assert (one.status, one.outcome_at) == ("attended", now + DAY)
    assert (fresh(lead).status, fresh(lead).completed_at) == ("completed", now + DAY)
    assert fresh(lead).last_activity_at == now + DAY


def test_met_asks_for_what_the_stage_requires(lead, me, now):
    Stage.objects.filter(key="completed").update(required_fields=["budget"])
    one = book(lead, me, now)
    with pytest.raises(StageRefused, match="Met needs budget"):
        appointments.attend(one, by=me, now=now + DAY)
    one.refresh_from_db()
    assert one.status == "scheduled"


def test_completing_attends_what_is_past_and_leaves_what_is_to_come(lead, me, now):
    book(lead, me, now, at=now + HOUR)
    book(lead, me, now, at=now + 9 * DAY)
    lifecycle.complete([lead.pk], by=me, now=now + DAY)
    assert list(Appointment.objects.order_by("scheduled_for").values_list("status", flat=True)) == [
        "attended",
        "scheduled",
    ]


@pytest.mark.parametrize("verb", [lifecycle.complete, lifecycle.move])
def test_somebody_who_came_early_was_met(lead, me, now, verb):
    book(lead, me, now, at=now + 9 * DAY)
    facts = {"to": "completed"} if verb is lifecycle.move else {}
    verb([lead.pk], by=me, now=now + DAY, **facts)
    assert Appointment.objects.get().status == "attended"
    assert fresh(lead).work_due_at is None


def test_a_no_show_goes_back_to_qualified_with_a_task_within_the_hour(lead, me, ben, now):
    Lead.objects.filter(pk=lead.pk).update(owner=ben)
    one = book(lead, me, now)
    late = datetime(2026, 3, 6, 17, 40, tzinfo=UTC)  # a Friday, 20 minutes before closing
    appointments.no_show(one, by=me, now=late)
    task = Task.objects.get()
    assert (fresh(lead).status, fresh(lead).scheduled_at) == ("qualified", now)
    assert (task.title, task.kind, task.assignee) == ("Rebook", "rebook", ben)
    assert task.due_at == datetime(2026, 3, 9, 9, 40, tzinfo=UTC)
    assert fresh(lead).work_due_at == task.due_at


@pytest.mark.parametrize("verb", [appointments.no_show, appointments.cancel])
def test_a_lead_with_another_appointment_stays_booked(lead, me, now, verb):
    one = book(lead, me, now)
    book(lead, me, now, at=now + 3 * DAY)
    verb(one, by=me, now=now + DAY)
    assert fresh(lead).status == "scheduled"
    assert not Task.objects.exists()


def test_a_no_show_of_a_closed_lead_plans_nothing(lead, me, now):
    one = book(lead, me, now)
    lifecycle.close([lead.pk], reason="no_shows", by=me, now=now)
    appointments.no_show(one, by=me, now=now + DAY)
    assert fresh(lead).status == "lost"
    assert not Task.objects.exists()


def test_canceling_the_only_one_goes_back(lead, me, now):
    appointments.cancel(book(lead, me, now), by=me, now=now + HOUR)
    assert (fresh(lead).status, fresh(lead).work_due_at) == ("qualified", None)


@pytest.mark.parametrize("verb", [appointments.attend, appointments.no_show, appointments.cancel])
def test_an_appointment_has_one_outcome(lead, me, now, verb):
    one = book(lead, me, now)
    appointments.cancel(one, by=me, now=now)
    with pytest.raises(Refused, match="canceled already") as refused:
        verb(one, by=me, now=now)
    assert refused.value.field == "status"


def test_overlaps_are_found_and_neighbours_are_not(lead, me, ana, now):
    book(lead, me, now, at=now + DAY, minutes=60)
    for start, minutes, count in ((30, 30, 1), (-30, 31, 1), (-30, 30, 0), (60, 30, 0)):
        wanted = Booking(now + DAY + timedelta(minutes=start), minutes=minutes)
        assert appointments.overlapping(wanted, host=ana).count() == count
    assert appointments.overlapping(Booking(None), host=ana).count() == 0
