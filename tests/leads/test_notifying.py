"""Notifications: who is told what, once, and not of their own doing."""

from datetime import timedelta

import pytest

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.availability import add_absence, set_duty
from leadcrm.workspaces.models import Membership
from leads import appointments, archiving, assignment, lifecycle, notifying, sweeps, timeline
from leads.booking import Booking
from leads.capture import capture_leads
from leads.models import Activity, Lead, Notification, Task
from leads.notifying import mark_read, notifications_of
from tests.factories import TeamFactory, make_draft, make_lead, make_leads, make_member

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def announce(now, lane="live"):
    """Hand the whole log to the subscriber, as its dispatch does."""
    rows = list(Activity.objects.filter(lane=lane).order_by("pk"))
    notifying.announce(rows, now)


def told(member):
    rows = Notification.objects.filter(member=member)
    return sorted((row.kind, row.detail) for row in rows)


def test_a_lead_in_the_pool_is_told_to_who_is_there(acme, ana, ben, vera, max_, now):
    off, away = make_member(acme, "rep", "Off"), make_member(acme, "rep", "Away")
    set_duty(off, False)
    add_absence(away, starts_on=now.date(), ends_on=now.date(), by=ana)
    make_lead()
    announce(now)
    assert told(ben) == told(max_) == [("new_lead", "")]
    assert told(off) == told(away) == told(vera) == told(ana) == []


def test_where_no_rep_is_there_the_owner_of_the_workspace_is_told(acme, ana, now):
    make_lead()
    announce(now)
    assert told(ana) == [("new_lead", "")]


def test_a_lead_of_a_team_is_told_to_that_team(acme, ben, now):
    north = TeamFactory(workspace=acme)
    cleo = make_member(acme, "rep", "Cleo", team=north)
    make_lead(team=north)
    announce(now)
    assert (told(cleo), told(ben)) == ([("new_lead", "")], [])


def test_the_log_read_twice_tells_once(acme, ben, now):
    make_lead()
    announce(now)
    announce(now)
    assert told(ben) == [("new_lead", "")]


def test_history_tests_and_what_somebody_has_already_are_no_news(acme, ben, me, now):
    make_lead(lane="backfill")
    make_lead(is_test=True)
    assignment.claim(make_lead().pk, by=Actor.member(ben), now=now)
    closed = make_lead()
    lifecycle.close([closed.pk], reason="price", by=me, now=now)
    archiving.archive([make_lead().pk], by=me, now=now)
    for lane in ("live", "backfill"):
        announce(now, lane)
    assert told(ben) == []


def test_whose_it_becomes_is_told_unless_they_took_it(acme, ben, max_, me, now):
    assignment.assign([make_lead().pk], owner=ben, by=me, now=now)
    assignment.assign([make_lead().pk], owner=max_, by=Actor.member(max_), now=now)
    passed_on = make_lead()
    assignment.assign([passed_on.pk], owner=max_, by=me, now=now)
    assignment.assign([passed_on.pk], owner=ben, by=me, now=now)
    make_lead(owner=ben)
    announce(now)
    assert told(ben) == [("assigned", "")] * 3
    assert told(max_) == []


@pytest.mark.parametrize("lane", ["live", "bulk"])
def test_many_leads_at_once_are_told_in_one_sentence(acme, ben, me, now, lane):
    ids = [lead.pk for lead in make_leads(40)]
    assignment.assign(ids, owner=ben, by=me, now=now, lane=lane)
    announce(now, lane)
    (one,) = Notification.objects.filter(member=ben)
    assert notifying.title_of(one) == "40 leads are yours"
    assert one.lead is None


def test_the_owner_hears_of_replies_and_repeats_but_not_of_a_colleagues_silence(acme, ben, me, now):
    lead = make_lead(owner=ben, now=now - DAY)
    mail = {"channel": "email", "direction": "inbound", "body": "Hi"}
    timeline.log_message([lead.pk], **mail, by=Actor.system("mail"), now=now)
    timeline.log_message([lead.pk], **mail, by=Actor.member(ben), now=now)
    timeline.log_message([lead.pk], **mail, at=now - 2 * DAY, by=me, now=now)  # typed in late
    timeline.log_call([lead.pk], outcome="no_answer", direction="inbound", by=me, now=now)
    timeline.log_call([lead.pk], outcome="reached", direction="inbound", by=me, now=now)
    again = make_draft(email=lead.email, occurred_at=now, key="again")
    capture_leads([again], by=Actor.system("form"), now=now)
    announce(now + MINUTE)
    assert told(ben) == [
        ("reply", "Called, and nobody answered"),
        ("reply", "E-mail"),
        ("reply", "Enquired again"),
    ]


# --- what comes due ---


def test_an_answer_that_is_late_is_noted_once_and_told(acme, ben, me, now):
    late, answered, pool = make_lead(owner=ben), make_lead(owner=ben), make_lead()
    timeline.log_call([answered.pk], outcome="no_answer", by=me, now=now)
    Notification.objects.all().delete()
    assert sweeps.remind_due(now + 9 * MINUTE) == 0
    assert sweeps.remind_due(now + 11 * MINUTE) == 2
    assert sweeps.remind_due(now + 12 * MINUTE) == 0
    rows = Activity.objects.filter(kind="answer_late")
    assert {row.lead_id for row in rows} == {late.pk, pool.pk}
    notifying.announce(list(rows), now + 12 * MINUTE)
    assert told(ben) == [("late", ""), ("late", "")]


def test_what_was_late_before_the_workers_stood_still_announces_nothing(acme, now):
    make_lead()
    assert sweeps.remind_due(now + 3 * DAY) == 0


def test_a_task_reminds_who_is_to_do_it_once(acme, ben, me, now):
    lead = make_lead(owner=ben, lane="backfill")
    timeline.add_task([lead.pk], title="Call back", due_at=now + DAY, by=me, now=now)
    timeline.add_task([lead.pk], title="Done", due_at=now + DAY, by=me, now=now)
    timeline.complete_task(Task.objects.get(title="Done"), by=me, now=now)
    assert sweeps.remind_due(now + DAY - MINUTE) == 0
    assert sweeps.remind_due(now + DAY) == 1
    assert sweeps.remind_due(now + DAY + MINUTE) == 0
    assert told(ben) == [("reminder", "Call back")]
    task = Task.objects.get(title="Call back")
    timeline.change_task(task, due_at=now + 2 * DAY, by=me, now=now)
    assert sweeps.remind_due(now + 2 * DAY) == 1
    assert told(ben) == [("reminder", "Call back")] * 2


def test_no_task_of_a_closed_lead_reminds(acme, ben, me, now):
    lead = make_lead(owner=ben, lane="backfill")
    timeline.add_task([lead.pk], title="Call back", due_at=now + DAY, by=me, now=now)
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    sweeps.remind_due(now + DAY)
    assert told(ben) == []


def test_an_appointment_is_announced_a_quarter_of_an_hour_ahead(acme, ben, me, now):
    lead = make_lead(owner=ben, lane="backfill")
    done = appointments.book(lead.pk, Booking(now + DAY), by=me, now=now)
    for minutes in (20, 15, 10, 5):
        sweeps.remind_due(now + DAY - minutes * MINUTE)
    assert told(ben) == [("reminder", "Soon: Appointment")]
    (appointment,) = done.lead.appointments.all()
    appointments.move(appointment, to=now + DAY + 60 * MINUTE, by=me, now=now)
    sweeps.remind_due(now + DAY + 50 * MINUTE)
    assert told(ben) == [("reminder", "Soon: Appointment")] * 2


def test_the_end_of_a_snooze_and_a_close_that_comes_are_told(acme, ben, me, now):
    lead = make_lead(owner=ben, lane="backfill")
    timeline.add_task([lead.pk], title="x", due_at=now + 9 * DAY, by=me, now=now)
    timeline.snooze([lead.pk], until=now + DAY, by=me, now=now)
    sweeps.wake_due(now + DAY)
    other = make_lead(owner=ben, lane="backfill", now=now - 28 * DAY)
    sweeps.auto_close_due(now + DAY)
    announce(now + DAY)
    assert told(ben) == [
        ("reminder", "Back from snooze"),
        ("reminder", f"Closes by itself on {Lead.objects.get(pk=other.pk).auto_close_at:%-d %b}"),
    ]


# --- reading ---


def test_what_somebody_else_took_is_no_longer_there(acme, ben, max_, now):
    lead = make_lead()
    announce(now)
    assert notifications_of(ben).count() == 1
    assignment.claim(lead.pk, by=Actor.member(max_), now=now)
    assert notifications_of(ben).count() == 0
    assert notifications_of(max_).count() == 1


def test_one_and_all_are_marked_as_read(acme, ben, max_, now):
    make_leads(3)
    announce(now)
    first = notifications_of(ben)[0]
    assert mark_read(ben, now, [first.pk]) == 1
    assert mark_read(max_, now, [first.pk]) == 0
    assert mark_read(ben, now) == 2
    assert notifications_of(max_).filter(read_at=None).count() == 3


def test_old_ones_are_forgotten(acme, ben, now):
    make_lead()
    announce(now)
    sweeps.prune(now + 89 * DAY)
    assert told(ben)
    sweeps.prune(now + 91 * DAY)
    assert told(ben) == []


def test_who_left_is_told_nothing(acme, ben, me, now):
    assignment.assign([make_lead().pk], owner=ben, by=me, now=now)
    Membership.objects.filter(pk=ben.pk).update(is_active=False)
    announce(now)
    assert told(ben) == []
