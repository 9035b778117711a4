"""Undo: what a verb did is taken back, unless somebody built on it since."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.http import Http404

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.scoping import all_workspaces
from leads import (
    appointments,
    archiving,
    assignment,
    consent,
    conversion,
    editing,
    lifecycle,
    sweeps,
    timeline,
    undoing,
)
from leads.batch import Refused
from leads.booking import Booking
from leads.models import (
    Activity,
    Appointment,
    Contact,
    ContactKey,
    Deal,
    Lead,
    Message,
    Task,
    UndoStep,
)
from tests.factories import NOW, make_lead

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def lead(acme, ben):
    return make_lead(email="ann@customer.example", phone="+1 212 555 0123", owner=ben)


def world(lead):
    """All that a verb could have changed about a lead, as it stands in the database."""
    found = {"lead": Lead.objects.filter(pk=lead.pk).values().get()}
    del found["lead"]["version"]
    for model in (Task, Appointment, Message, Deal):
        found[model.__name__] = list(model.objects.filter(lead=lead).order_by("pk").values())
    contact = found["lead"]["contact_id"]
    found["keys"] = list(ContactKey.objects.filter(contact=contact).order_by("pk").values())
    found["contact"] = Contact.objects.filter(pk=contact).values().first()
    found["contact"].pop("version")
    return found


def do(lead, by, verb, now=NOW, said="Done."):
    with undoing.undoable(lead.pk, said=said, by=by, now=now) as outcome:
        verb(now)
    return outcome.step


def undo(step, by, now=NOW + MINUTE):
    return undoing.undo(step, by=by, now=now)


def qualified(lead, by):
    lifecycle.qualify([lead.pk], by=by, now=NOW - HOUR)


def booked(lead, by):
    qualified(lead, by)
    booking = Booking(NOW + DAY, minutes=30)
    appointments.book(lead.pk, booking, by=by, now=NOW - HOUR)
    return Appointment.objects.get()


def task(lead, by):
    timeline.add_task([lead.pk], title="Offer", due_at=NOW + DAY, by=by, now=NOW - HOUR)
    return Task.objects.get()


def note(lead, by):
    timeline.add_note([lead.pk], body="First", by=by, now=NOW - HOUR)
    return Message.objects.get(channel="note")


VERBS = {
    "note": lambda lead, by, _, now: timeline.add_note([lead.pk], body="Hi", by=by, now=now),
    "note edited": lambda lead, by, made, now: timeline.edit_note(
        made, body="Second", by=by, now=now
    ),
    "call reached": lambda lead, by, _, now: timeline.log_call(
        [lead.pk], outcome="reached", note="Wants two", by=by, now=now
    ),
    "no answer": lambda lead, by, _, now: timeline.log_call(
        [lead.pk], outcome="no_answer", by=by, now=now
    ),
    "do not call": lambda lead, by, _, now: timeline.log_call(
        [lead.pk], outcome="do_not_call", by=by, now=now
    ),
    "mail in": lambda lead, by, _, now: timeline.log_message(
        [lead.pk], channel="email", direction="inbound", body="Hello?", by=by, now=now
    ),
    "task": lambda lead, by, _, now: timeline.add_task(
        [lead.pk], title="Send it", due_at=now + DAY, by=by, now=now
    ),
    "task done": lambda lead, by, made, now: timeline.complete_task(made, by=by, now=now),
    "task changed": lambda lead, by, made, now: timeline.change_task(
        made, title="Other", by=by, now=now
    ),
    "qualify": lambda lead, by, _, now: lifecycle.qualify([lead.pk], by=by, now=now),
    "close": lambda lead, by, _, now: lifecycle.close(
        [lead.pk], reason="price", note="Too dear", by=by, now=now
    ),
    "asked not to be contacted": lambda lead, by, _, now: lifecycle.close(
        [lead.pk], reason="do_not_contact", by=by, now=now
    ),
    "follow up later": lambda lead, by, _, now: lifecycle.recycle(
        [lead.pk], returns_at=now + 30 * DAY, by=by, now=now
    ),
    "book": lambda lead, by, _, now: appointments.book(lead.pk, Booking(now + DAY), by=by, now=now),
    "appointment moved": lambda lead, by, made, now: appointments.move(
        made, to=now + 2 * DAY, by=by, now=now
    ),
    "met": lambda lead, by, made, now: appointments.attend(made, by=by, now=now),
    "no-show": lambda lead, by, made, now: appointments.no_show(made, by=by, now=now),
    "snooze": lambda lead, by, _, now: timeline.snooze([lead.pk], until=now + DAY, by=by, now=now),
    "remove": lambda lead, by, _, now: archiving.archive(
        [lead.pk], reason="Double", by=by, now=now
    ),
    "back to the pool": lambda lead, by, _, now: assignment.assign(
        [lead.pk], owner=None, by=by, now=now
    ),
    "edit": lambda lead, by, _, now: editing.edit(
        [lead.pk],
        {"display_name": "Anna", "budget": Decimal("5.50"), "state": "TX"},
        by=by,
        now=now,
    ),
    "do not contact": lambda lead, by, _, now: consent.forbid(
        [lead.pk], reason="Asked", by=by, now=now
    ),
}
PREPARED = {
    "note edited": note,
    "task done": task,
    "task changed": task,
    "appointment moved": booked,
    "met": booked,
    "no-show": booked,
}


@pytest.mark.parametrize("name", VERBS)
def test_what_was_done_is_taken_back_whole(lead, me, name):
    made = PREPARED[name](lead, me) if name in PREPARED else None
    before = world(lead)
    step = do(lead, me, lambda now: VERBS[name](lead, me, made, now))
    assert world(lead) != before, "the verb did nothing"
    undo(step, me)
    assert world(lead) == before
    row = Activity.objects.filter(kind="undone").get()
    assert (row.actor_id, row.data["said"]) == (me.membership_id, "Done")
    assert set(row.data["activities"]) == set(step.activities) != set()


def test_the_log_keeps_both_moves(lead, me):
    step = do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    undo(step, me)
    rows = Activity.objects.filter(kind__in=("stage_changed", "undone")).order_by("pk")
    assert [(row.from_status, row.to_status) for row in rows] == [
        ("new", "qualified"),
        ("qualified", "new"),
    ]


def test_an_edit_gives_back_the_key_that_it_took(lead, me):
    step = do(
        lead, me, lambda now: editing.edit([lead.pk], {"email": "typo@x.example"}, by=me, now=now)
    )
    assert ContactKey.objects.filter(value="typo@x.example").exists()
    undo(step, me)
    assert not ContactKey.objects.filter(value="typo@x.example").exists()
    assert Lead.objects.get().email == "ann@customer.example"


def test_what_somebody_changed_since_is_not_overwritten(lead, me, ana):
    step = do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    lifecycle.close([lead.pk], reason="price", by=Actor.member(ana), now=NOW + MINUTE)
    before = world(lead)
    with pytest.raises(Refused, match="can't be undone: the stage"):
        undo(step, me, NOW + 2 * MINUTE)
    assert world(lead) == before
    assert UndoStep.objects.get().undone_at is None


def test_what_others_did_beside_it_stays(lead, me, ana):
    step = do(lead, me, lambda now: timeline.snooze([lead.pk], until=now + DAY, by=me, now=now))
    editing.edit([lead.pk], {"state": "TX"}, by=Actor.member(ana), now=NOW + MINUTE)
    timeline.log_call(
        [lead.pk], outcome="no_answer", by=Actor.member(ana), now=NOW + MINUTE, note="Busy day"
    )
    undo(step, me, NOW + 2 * MINUTE)
    fresh = Lead.objects.get()
    assert (fresh.snoozed_until, fresh.state) == (None, "TX")
    assert fresh.last_activity_at == NOW + MINUTE
    assert fresh.attempt_count == 1


def test_a_task_that_was_done_meanwhile_stays(lead, me):
    step = do(
        lead,
        me,
        lambda now: timeline.add_task([lead.pk], title="Go", due_at=now + DAY, by=me, now=now),
    )
    timeline.complete_task(Task.objects.get(), by=me, now=NOW + MINUTE)
    with pytest.raises(Refused, match="can't be undone"):
        undo(step, me, NOW + 2 * MINUTE)
    assert Task.objects.get().done_at


def test_it_is_undone_once(lead, me):
    step = do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    undo(step, me)
    with pytest.raises(Refused, match="undone already"):
        undo(step, me)
    assert Activity.objects.filter(kind="undone").count() == 1


def test_after_ten_minutes_it_stands(lead, me):
    step = do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    with pytest.raises(Refused, match="too late"):
        undo(step, me, NOW + 11 * MINUTE)
    assert Lead.objects.get().status == "qualified"


def test_nobody_undoes_what_another_did(lead, me, ana, ben):
    step = do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    with pytest.raises(Http404):
        undoing.access_step(ben if me.membership != ben else ana, step.pk)
    assert undoing.access_step(me.membership, step.pk) == step


def test_what_was_refused_or_changed_nothing_leaves_no_step(lead, me):
    def close(now):
        (result,) = lifecycle.close([lead.pk], reason="no_such_reason", by=me, now=now)
        raise result.refusal

    with pytest.raises(Refused):
        do(lead, me, close)
    assert do(lead, me, lambda now: timeline.wake([lead.pk], by=me, now=now)) is None
    assert not UndoStep.objects.exists()


def test_a_conversion_is_not_taken_back_with_a_click(lead, me):
    qualified(lead, me)
    terms = conversion.DealTerms(value=Decimal("900.50"))
    step = do(lead, me, lambda now: conversion.convert([lead.pk], deal=terms, by=me, now=now))
    assert step is None
    assert Lead.objects.get().deal == Deal.objects.get()


def test_a_verb_that_fails_leaves_neither_change_nor_step(lead, me):
    def fail(now):
        lifecycle.qualify([lead.pk], by=me, now=now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        do(lead, me, fail)
    assert Lead.objects.get().status == "new"
    assert not UndoStep.objects.exists()


def test_steps_are_forgotten_after_a_day(lead, me):
    do(lead, me, lambda now: lifecycle.qualify([lead.pk], by=me, now=now))
    sweeps.prune(NOW + HOUR)
    assert UndoStep.objects.exists()
    sweeps.prune(NOW + 2 * DAY)
    with all_workspaces():
        assert not UndoStep.objects.exists()


def test_a_lead_that_was_given_away_is_left_alone(lead, me, ana, ben):
    rep = Actor.member(ben)
    step = do(lead, rep, lambda now: lifecycle.qualify([lead.pk], by=rep, now=now))
    assignment.assign([lead.pk], owner=ana, by=me, now=NOW + MINUTE)
    with pytest.raises(Refused, match="isn't yours any more"):
        undo(step, rep, NOW + 2 * MINUTE)
    assert Lead.objects.get().status == "qualified"


def test_a_shared_number_is_callable_again_for_both(lead, me):
    other = make_lead(email="bob@other.example", phone="+1 212 555 0123")
    assert other.contact_id != lead.contact_id
    step = do(other, me, lambda now: consent.forbid([other.pk], reason="Asked", by=me, now=now))
    assert ContactKey.objects.get(kind="phone").do_not_contact_at == NOW
    undo(step, me)
    assert ContactKey.objects.get(kind="phone").do_not_contact_at is None


def test_a_person_who_has_another_lead_by_now_stays(acme, ben, me):
    nobody = make_lead(email="", phone="", display_name="Ann", owner=ben)
    values = {"email": "ann@new.example"}
    step = do(nobody, me, lambda now: editing.edit([nobody.pk], values, by=me, now=now))
    second = make_lead(email="", phone="", display_name="Ann again", owner=ben)
    editing.edit([second.pk], values, by=me, now=NOW + MINUTE)
    with pytest.raises(Refused, match="has another lead by now"):
        undo(step, me, NOW + 2 * MINUTE)
    assert Contact.objects.get(pk=Lead.objects.get(pk=second.pk).contact_id).archived_at is None
