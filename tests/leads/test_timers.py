"""What is due and when: `work_due_at` from each of its sources, `auto_close_at` by each rule."""

from datetime import timedelta

import pytest

from leads import appointments, archiving, lifecycle, timeline
from leads.batch import Refused
from leads.booking import Booking
from leads.models import Appointment, Lead, Stage
from leads.setup import add_pipeline
from tests.factories import make_lead

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


@pytest.fixture
def lead(acme):
    return make_lead()


@pytest.fixture
def answered(lead, me, now):
    """A lead that somebody answered: nothing is due."""
    timeline.log_message(
        [lead.pk], channel="email", direction="outbound", body="Hi", by=me, now=now
    )
    return fresh(lead)


# --- work due --------------------------------------------------------------------------------


def test_the_answer_is_due(lead, now):
    assert lead.work_due_at == lead.answer_due_at == now + 10 * MINUTE


def test_nothing_is_due_once_answered(answered):
    assert answered.work_due_at is None


def test_the_earliest_task_is_due(answered, me, now):
    for days in (5, 2, 9):
        timeline.add_task([answered.pk], title="Do", due_at=now + days * DAY, by=me, now=now)
    assert fresh(answered).work_due_at == now + 2 * DAY


def test_an_appointment_is_due_at_its_end_until_it_has_an_outcome(answered, me, now):
    appointments.book(answered.pk, Booking(now + DAY, minutes=45), by=me, now=now)
    assert fresh(answered).work_due_at == now + DAY + 45 * MINUTE
    appointments.attend(Appointment.objects.get(), by=me, now=now + DAY)
    assert fresh(answered).work_due_at is None


def test_a_snooze_stands_for_what_falls_due_before_its_end(lead, me, now):
    timeline.snooze([lead.pk], until=now + 3 * DAY, by=me, now=now)
    timeline.add_task([lead.pk], title="Do", due_at=now + DAY, by=me, now=now)
    assert fresh(lead).work_due_at == now + 3 * DAY
    timeline.wake([lead.pk], by=me, now=now)
    assert fresh(lead).work_due_at == now + 10 * MINUTE


def test_a_reply_and_an_appointment_break_through_a_snooze(answered, me, now):
    timeline.snooze([answered.pk], until=now + 9 * DAY, by=me, now=now)
    appointments.book(answered.pk, Booking(now + 2 * DAY), by=me, now=now)
    assert fresh(answered).work_due_at == now + 2 * DAY + 30 * MINUTE
    timeline.log_message(
        [answered.pk], channel="sms", direction="inbound", body="?", by=me, now=now + HOUR
    )
    assert fresh(answered).work_due_at == now + HOUR


@pytest.mark.parametrize("days", [0, -1, 4000])
def test_a_snooze_ends_ahead_within_reason(lead, me, now, days):
    (result,) = timeline.snooze([lead.pk], until=now + days * DAY, by=me, now=now)
    assert isinstance(result.refusal, Refused)
    assert result.refusal.field == "until"
    assert fresh(lead).snoozed_until is None


def test_nothing_is_due_of_closed_resting_and_removed_leads(acme, me, now):
    lost, resting, removed = make_lead(), make_lead(), make_lead()
    for lead in (lost, resting, removed):
        timeline.add_task([lead.pk], title="Do", due_at=now + DAY, by=me, now=now)
    lifecycle.close([lost.pk], reason="price", by=me, now=now)
    lifecycle.recycle([resting.pk], returns_at=now + DAY, by=me, now=now)
    archiving.archive([removed.pk], by=me, now=now)
    for lead in (lost, resting, removed):
        assert (fresh(lead).work_due_at, fresh(lead).auto_close_at) == (None, None)
    archiving.restore([removed.pk], by=me, now=now)
    assert fresh(removed).work_due_at == now + 10 * MINUTE


# --- auto-close ------------------------------------------------------------------------------


def test_new_and_not_contacted_closes_after_thirty_days(lead, me, now):
    assert lead.auto_close_at == now + 30 * DAY
    timeline.log_call([lead.pk], outcome="no_answer", by=me, now=now + DAY, plan_next=False)
    assert fresh(lead).auto_close_at == now + 30 * DAY


def test_a_lead_that_arrives_late_has_its_thirty_days_here(acme, now):
    old = make_lead(occurred_at=now - 200 * DAY)
    assert (old.attempt_started_at, old.auto_close_at) == (now - 200 * DAY, now + 30 * DAY)


def test_a_changed_timer_counts_from_the_change(acme, me, now):
    lead = make_lead()
    Stage.objects.filter(key="new").update(no_contact_days=5, timer_changed_at=now + 2 * DAY)
    timeline.add_note([lead.pk], body="Anything", by=me, now=now + 2 * DAY)
    assert fresh(lead).auto_close_at == now + 7 * DAY


def test_contacted_in_new_counts_from_the_last_activity(acme, me, now):
    lead = make_lead(pipeline=add_pipeline("appointments"))
    Stage.objects.filter(pipeline=lead.pipeline, key="new").update(no_contact_days=90)
    lifecycle.contact([lead.pk], by=me, now=now + 20 * DAY)
    assert (fresh(lead).status, fresh(lead).auto_close_at) == ("new", now + 50 * DAY)


def test_qualified_counts_from_the_later_of_activity_and_entry(lead, me, now):
    lifecycle.qualify([lead.pk], by=me, now=now + 10 * DAY)
    assert fresh(lead).auto_close_at == now + 40 * DAY
    timeline.log_message(
        [lead.pk], channel="email", direction="inbound", body="Hi", by=me, now=now + 15 * DAY
    )
    assert fresh(lead).auto_close_at == now + 45 * DAY


def test_notes_and_edits_do_not_hold_it_off(lead, me, now):
    lifecycle.qualify([lead.pk], by=me, now=now)
    timeline.add_note([lead.pk], body="Hm", by=me, now=now + 9 * DAY)
    assert fresh(lead).auto_close_at == now + 30 * DAY


def test_a_task_holds_it_off_until_a_day_after(lead, me, now):
    timeline.add_task([lead.pk], title="Call", due_at=now + 80 * DAY, by=me, now=now)
    assert fresh(lead).auto_close_at == now + 81 * DAY


def test_a_snooze_and_an_appointment_hold_it_off(lead, me, now):
    timeline.snooze([lead.pk], until=now + 60 * DAY, by=me, now=now)
    assert fresh(lead).auto_close_at == now + 61 * DAY
    other = make_lead(pipeline=add_pipeline("appointments"))
    Stage.objects.filter(pipeline=other.pipeline, key="qualified").update(next_keys=[])
    lifecycle.qualify([other.pk], by=me, now=now)
    appointments.book(other.pk, Booking(now + 70 * DAY), by=me, now=now)
    assert (fresh(other).status, fresh(other).auto_close_at) == ("qualified", now + 71 * DAY)


def test_booked_met_and_other_templates_never_close(acme, me, now):
    lead = make_lead()
    lifecycle.schedule([lead.pk], booking=Booking(now + DAY), by=me, now=now)
    assert fresh(lead).auto_close_at is None
    lifecycle.complete([lead.pk], by=me, now=now + DAY)
    assert fresh(lead).auto_close_at is None
    for template in ("capture", "mql", "bant"):
        assert make_lead(pipeline=add_pipeline(template)).auto_close_at is None


def test_a_further_attempt_starts_the_clock_anew(lead, me, now):
    lifecycle.close([lead.pk], reason="price", by=me, now=now + DAY)
    lifecycle.reopen([lead.pk], by=me, now=now + 50 * DAY)
    assert fresh(lead).auto_close_at == now + 80 * DAY
