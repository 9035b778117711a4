"""Calls, messages, notes: tries, contact, the response clock, what is unread."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from leadcrm.workspaces.actors import Actor
from leads import archiving, calls, lifecycle, timeline
from leads.batch import Refused
from leads.call_outcome_settings import (
    add_outcome,
    outcomes_in_use,
    rename_outcome,
    switch_outcome,
)
from leads.models import Activity, CallBehaviour, CallOutcome, ContactKey, Lead, Message, Task
from leads.next_steps import InteractionRefused
from leads.setup import add_pipeline
from tests.factories import NOW, make_lead

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SYSTEM = Actor.system("callrail")


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def call(lead, by, outcome="reached", now=NOW, **facts):
    (result,) = timeline.log_call([lead.pk], outcome=outcome, by=by, now=now, **facts)
    if result.refusal:
        raise result.refusal
    return fresh(lead)


def mail(lead, by, direction="outbound", now=NOW, **facts):
    (result,) = timeline.log_message(
        [lead.pk], channel="email", direction=direction, body="Hello", by=by, now=now, **facts
    )
    if result.refusal:
        raise result.refusal
    return fresh(lead)


def open_tasks(lead):
    return list(Task.objects.filter(lead=lead, done_at=None).values_list("title", "due_at", "kind"))


@pytest.fixture
def lead(acme):
    return make_lead(phone="+1 212 555 0123")


# --- the seven outcomes ----------------------------------------------------------------------


def test_a_workspace_begins_with_an_outcome_of_each_behaviour_on_keys_one_to_seven(acme):
    outcomes = outcomes_in_use()
    assert [one.behaviour for one in outcomes] == CallBehaviour.values
    assert [one.label for one in outcomes] == [
        "Reached",
        "Reached – call back",
        "Left voicemail",
        "No answer",
        "Busy",
        "Wrong number",
        "Do not call",
    ]


def test_what_follows_hangs_on_the_behaviour_and_the_log_keeps_the_name(lead, me, ana, now):
    mine = add_outcome(by=ana, now=now, label="Line dead?", behaviour="no_answer")
    lead = call(lead, me, outcome=mine.code)
    assert (lead.status, lead.attempt_count, lead.contacted_at) == ("new", 1, None)
    assert [kind for _, _, kind in open_tasks(lead)] == ["call"]
    rename_outcome(mine.pk, by=ana, now=now, label="Rang out")
    row = Activity.objects.get(lead_id=lead.pk, kind="call_logged")
    assert (row.data["label"], row.data["behaviour"]) == ("Line dead?", "no_answer")
    assert calls.label_in(row.data) == "Line dead?"
    # As the log held it before outcomes had names of their own.
    assert calls.label_in({"outcome": "busy"}) == "Busy"
    assert calls.behaviour_in({"outcome": "busy"}) == "busy"


def test_an_outcome_that_was_switched_off_is_refused(lead, me, ana, now):
    busy = CallOutcome.objects.get(code="busy")
    switch_outcome(busy.pk, by=ana, now=now, on=False)
    with pytest.raises(InteractionRefused, match="“Busy” is switched off"):
        call(lead, me, outcome="busy")
    with pytest.raises(InteractionRefused, match="There is no call outcome “sang”"):
        call(lead, me, outcome="sang")


def test_reached_contacts(lead, me, now):
    lead = call(lead, me)
    assert (lead.status, lead.contacted_at, lead.attempt_count) == ("contacted", now, 1)
    assert open_tasks(lead) == []


def test_reached_call_back_contacts_and_sets_the_next_step(lead, me, now):
    lead = call(lead, me, "call_back", call_back_at=now + 3 * DAY)
    assert lead.status == "contacted"
    assert open_tasks(lead) == [("Call back", now + 3 * DAY, "call")]
    assert lead.work_due_at == now + 3 * DAY


@pytest.mark.parametrize("at", [None, NOW, NOW - HOUR, datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_call_back_needs_a_time_ahead(lead, me, at):
    with pytest.raises(Refused) as refused:
        call(lead, me, "call_back", call_back_at=at)
    assert refused.value.field == "call_back_at"
    assert not Message.objects.exists()


@pytest.mark.parametrize("outcome", ["voicemail", "no_answer", "busy"])
def test_a_try_in_vain_plans_the_next_and_contacts_nobody(lead, me, now, outcome):
    lead = call(lead, me, outcome)
    assert (lead.status, lead.contacted_at, lead.attempt_count) == ("new", None, 1)
    assert open_tasks(lead) == [("Try 2", now + 2 * HOUR, "call")]
    # The second, at noon or later, leads to the morning of the next business day.
    lead = call(lead, me, outcome, now=now + 2 * HOUR)
    assert open_tasks(lead) == [("Try 3", datetime(2026, 3, 5, 10, tzinfo=UTC), "call")]
    lead = call(lead, me, outcome, now=datetime(2026, 3, 6, 10, tzinfo=UTC))
    assert open_tasks(lead) == [("Try 4", datetime(2026, 3, 9, 15, tzinfo=UTC), "call")]
    assert lead.attempt_count == 3


def test_two_tries_at_the_same_moment_leave_one_next_step(lead, me, now):
    call(lead, me, "busy")
    lead = call(lead, me, "busy")
    assert len(open_tasks(lead)) == 1


def test_no_next_try_where_none_is_wanted(lead, me):
    assert open_tasks(call(lead, me, "busy", plan_next=False)) == []


@pytest.mark.parametrize("outcome", ["reached", "wrong_number", "do_not_call"])
def test_a_planned_try_is_done_with_the_call(lead, me, now, outcome):
    call(lead, me, "no_answer")
    assert open_tasks(call(lead, me, outcome, now=now + HOUR)) == []


def test_a_wrong_number_is_a_try_and_nothing_more(lead, me):
    lead = call(lead, me, "wrong_number", seconds=50)
    assert (lead.status, lead.contacted_at, lead.attempt_count) == ("new", None, 1)
    assert not ContactKey.objects.filter(do_not_contact_at__isnull=False).exists()


def test_do_not_call_marks_the_number_and_not_the_address(lead, me, now):
    call(lead, me, "do_not_call")
    marked = ContactKey.objects.filter(do_not_contact_at=now)
    assert [key.value for key in marked] == ["+12125550123"]
    assert Activity.objects.filter(lead=lead, kind="do_not_contact").exists()


def test_a_number_shared_by_two_people_is_marked_as_well(acme, me, now):
    make_lead(email="ann@home.example", phone="+1 212 555 0123")
    other = make_lead(email="bob@home.example", phone="+1 212 555 0123")
    call(other, me, "do_not_call")
    assert ContactKey.objects.get(kind="phone").do_not_contact_at == now


def test_an_unknown_outcome_is_refused(lead, me):
    with pytest.raises(Refused, match="no call outcome") as refused:
        call(lead, me, "shouted")
    assert refused.value.field == "outcome"


@pytest.mark.parametrize(
    ("by_system", "outcome", "seconds", "contacted"),
    [
        (True, "reached", 30, True),
        (True, "reached", 29, False),
        (True, "reached", None, True),
        (True, "voicemail", 60, False),
        (True, "wrong_number", 60, False),
        (False, "reached", 5, True),
        (False, "no_answer", 60, False),
    ],
)
def test_what_counts_as_a_conversation(lead, me, by_system, outcome, seconds, contacted):
    lead = call(lead, SYSTEM if by_system else me, outcome, seconds=seconds)
    assert (lead.contacted_at is not None) == contacted
    assert (lead.status == "contacted") == contacted


def test_a_pipeline_without_contacted_keeps_the_stage(acme, me, now):
    lead = call(make_lead(pipeline=add_pipeline("appointments")), me)
    assert (lead.status, lead.contacted_at) == ("new", now)


# --- the response clock ----------------------------------------------------------------------


def test_a_call_by_hand_stops_the_clock_and_is_self_reported(lead, me, now):
    assert lead.work_due_at == lead.answer_due_at == now + timedelta(minutes=10)
    lead = call(lead, me, "no_answer", plan_next=False)
    assert (lead.first_response_at, lead.first_response_self_reported) == (now, True)
    assert lead.work_due_at is None


def test_what_a_connected_system_saw_is_not_self_reported(lead, me, now):
    call(lead, me, at=now - HOUR)
    lead = call(lead, SYSTEM, at=now - 2 * HOUR, external_id="c1")
    assert (lead.first_response_at, lead.first_response_self_reported) == (now - 2 * HOUR, False)


def test_a_mail_out_stops_the_clock_and_is_a_try(lead, me, now):
    lead = mail(lead, me)
    assert (lead.first_response_at, lead.attempt_count, lead.status) == (now, 1, "new")


def test_notes_and_what_comes_in_do_not_stop_it(lead, me):
    timeline.add_note([lead.pk], body="Looks good", by=me, now=NOW)
    mail(lead, me, "inbound")
    lead = call(lead, me, "no_answer", direction="inbound")
    assert lead.first_response_at is None


def test_an_incoming_call_that_was_taken_counts_as_answered(lead, me, now):
    lead = call(lead, SYSTEM, direction="inbound", seconds=90)
    assert (lead.first_response_at, lead.status, lead.attempt_count) == (now, "contacted", 0)


def test_a_missed_call_waits_for_an_answer_and_is_no_try(lead, me, now):
    call(lead, me, now=now)
    lead = call(lead, SYSTEM, "no_answer", direction="inbound", now=now + HOUR)
    assert (lead.unread_since, lead.work_due_at) == (now + HOUR, now + HOUR)
    assert (lead.attempt_count, open_tasks(lead)) == (1, [])


# --- unread ----------------------------------------------------------------------------------


def test_a_reply_contacts_and_is_due_now(lead, me, now):
    mail(lead, me)
    lead = mail(lead, me, "inbound", now=now + HOUR)
    assert (lead.status, lead.contacted_at) == ("contacted", now + HOUR)
    assert (lead.unread_since, lead.work_due_at) == (now + HOUR, now + HOUR)
    assert mail(lead, me, now=now + 2 * HOUR).unread_since is None


def test_an_answer_logged_late_leaves_what_came_after_it(lead, me, now):
    mail(lead, me, "inbound", at=now - 5 * HOUR)
    mail(lead, me, "inbound", at=now - HOUR)
    assert call(lead, me, at=now - 3 * HOUR).unread_since == now - HOUR


def test_a_reply_that_was_answered_before_we_heard_of_it_is_read(lead, me, now):
    call(lead, me, at=now - HOUR)
    assert mail(lead, me, "inbound", at=now - 2 * HOUR).unread_since is None


def test_a_repeat_enquiry_is_unread_and_a_reply_can_be_marked_read(lead, me, now):
    call(lead, me)
    make_lead(email=lead.email, now=now + HOUR)
    assert fresh(lead).unread_since == now + HOUR
    timeline.mark_read([lead.pk], by=me, now=now + 2 * HOUR)
    timeline.mark_read([lead.pk], by=me, now=now + 2 * HOUR)
    assert fresh(lead).unread_since is None
    assert Activity.objects.filter(kind="reply_read").count() == 1


# --- once, when, where -----------------------------------------------------------------------


def test_a_message_with_an_outside_id_counts_once(lead, me):
    for _ in range(2):
        mail(lead, me, external_id="<1@mail>" + "x" * 400)
        call(lead, me, external_id="CAL1")
    lead = fresh(lead)
    assert (lead.attempt_count, Message.objects.count()) == (2, 2)


def test_over_long_subjects_are_cut(lead, me):
    mail(lead, me, subject="s" * 900, thread="t" * 900)
    assert len(Message.objects.get().subject) == 500


def test_when_it_happened_lies_not_in_the_future(lead, me, now):
    for verb in (call, mail):
        with pytest.raises(Refused, match="future"):
            verb(lead, me, at=now + HOUR)
    assert call(lead, me, at=now + timedelta(minutes=4)).contacted_at == now


def test_a_closed_lead_takes_calls_and_notes_and_stays_closed(lead, me, now):
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    lead = call(lead, me, "no_answer")
    timeline.add_note([lead.pk], body="Rang", by=me, now=now)
    assert (lead.status, lead.attempt_count, open_tasks(lead)) == ("lost", 1, [])


def test_a_removed_lead_takes_none(lead, me, now):
    archiving.archive([lead.pk], by=me, now=now)
    with pytest.raises(Refused, match="was removed"):
        call(lead, me)
    (result,) = timeline.add_note([lead.pk], body="Rang", by=me, now=now)
    assert not result.done


# --- notes and tasks -------------------------------------------------------------------------


def test_a_note_is_kept_as_typed_and_its_edit_is_logged(lead, me, now):
    timeline.add_note([lead.pk], body="<b>Hi</b>\n  two", by=me, now=now)
    note = Message.objects.get()
    assert note.body == "<b>Hi</b>\n  two"
    timeline.edit_note(note, body="Other", by=me, now=now + HOUR)
    note.refresh_from_db()
    assert (note.body, note.edited_at) == ("Other", now + HOUR)
    assert Activity.objects.filter(kind="note_edited", subject_id=note.pk).exists()


@pytest.mark.parametrize("body", ["", "  \n "])
def test_an_empty_note_is_refused(lead, me, now, body):
    with pytest.raises(Refused, match="Write something"):
        timeline.add_note([lead.pk], body=body, by=me, now=now)


def test_a_task_is_set_changed_and_done_once(lead, me, ben, now):
    timeline.add_task(
        [lead.pk], title=" Send offer ", due_at=now + DAY, assignee=ben, by=me, now=now
    )
    task = Task.objects.get()
    assert (task.title, task.assignee) == ("Send offer", ben)
    timeline.change_task(task, due_at=now + 2 * DAY, title="Send it", by=me, now=now)
    call(lead, me, plan_next=False)
    assert fresh(lead).work_due_at == now + 2 * DAY
    for _ in range(2):
        timeline.complete_task(task, by=me, now=now)
    assert fresh(lead).work_due_at is None
    assert Activity.objects.filter(kind="task_done").count() == 1
    with pytest.raises(Refused, match="done already"):
        timeline.change_task(task, title="Again", by=me, now=now)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"due_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "due_at"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(lead, me, now, facts, field):
    values = {"title": "Call", "due_at": now + DAY, **facts}
    with pytest.raises(Refused) as refused:
        timeline.add_task([lead.pk], by=me, now=now, **values)
    assert refused.value.field == field
    timeline.add_task([lead.pk], title="Call", due_at=now, by=me, now=now)
    with pytest.raises(Refused) as refused:
        timeline.change_task(Task.objects.get(), by=me, now=now, **facts)
    assert refused.value.field == field


def test_the_timeline_is_newest_first_with_its_messages(lead, me, now):
    call(lead, me, note="Spoke", now=now + HOUR)
    rows = list(timeline.timeline(lead))
    assert [row.kind for row in rows][-1] == "lead_created"
    assert rows == sorted(rows, key=lambda row: (row.occurred_at, row.pk), reverse=True)
    assert [message.body for message in timeline.messages_of(rows).values()] == ["Spoke"]


def test_a_timeline_is_read_by_its_index(acme):
    lead, *_ = [make_lead() for _ in range(30)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_activity")  # so that the planner knows: one row of thirty
        cursor.execute("SET LOCAL enable_seqscan = off")  # the log of a test is small
    plan = timeline.timeline(lead)[:30].explain()
    assert "activity_lead" in plan, plan
    assert "Seq Scan on leads_activity" not in plan
