"""Batches: as many queries for many leads as for two, independent items, no deadlock, no lost edit."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, assignment, consent, conversion, editing, lifecycle, timeline
from leads.batch import Missing, gathered, short_key
from leads.editing import StaleVersion
from leads.lifecycle import StageRefused
from leads.models import Activity, Contact, ContactKey, Lead
from leads.setup import add_pipeline
from tests.factories import make_lead, make_leads, make_member, make_workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def queries_of(work):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        results = work()
    assert all(result.done for result in results), [r.refusal for r in results if not r.done]
    return [query["sql"] for query in seen.captured_queries]


VERBS = {
    "contact": lifecycle.contact,
    "qualify": lifecycle.qualify,
    "close": lambda ids, **act: lifecycle.close(ids, reason="price", **act),
    "close, not to be contacted": lambda ids, **act: lifecycle.close(
        ids, reason="do_not_contact", **act
    ),
    "recycle": lambda ids, **act: lifecycle.recycle(ids, returns_at=act["now"] + DAY, **act),
    "edit": lambda ids, **act: editing.edit(ids, {"state": "CA", "label": "hot"}, **act),
    "snooze": lambda ids, **act: timeline.snooze(ids, until=act["now"] + DAY, **act),
    "archive": archiving.archive,
    "note": lambda ids, **act: timeline.add_note(ids, body="Hello", **act),
    "task": lambda ids, **act: timeline.add_task(ids, title="Call", due_at=act["now"] + DAY, **act),
    "no answer": lambda ids, **act: timeline.log_call(ids, outcome="no_answer", **act),
    "reached": lambda ids, **act: timeline.log_call(ids, outcome="reached", **act),
    "do not call": lambda ids, **act: timeline.log_call(ids, outcome="do_not_call", **act),
    "mail": lambda ids, **act: timeline.log_message(
        ids, channel="email", direction="outbound", body="Hello", **act
    ),
    "reply": lambda ids, **act: timeline.log_message(
        ids, channel="email", direction="inbound", body="Hello", **act
    ),
    "forbid": consent.forbid,
}
# After these the verb works on leads that have tasks, appointments and an unread reply.
PREPARED = {
    "assign": lambda ids, owner, **act: assignment.assign(ids, owner=owner, **act),
    "complete": lambda ids, owner, **act: lifecycle.complete(ids, **act),
    "convert": lambda ids, owner, **act: conversion.convert(ids, **act),
    "reopen": lambda ids, owner, **act: lifecycle.reopen(ids, **act),
    "call again": lambda ids, owner, **act: timeline.log_call(ids, outcome="busy", **act),
    "late call": lambda ids, owner, **act: timeline.log_call(
        ids, outcome="reached", at=act["now"] - HOUR, **act
    ),
    "allow": lambda ids, owner, **act: consent.allow(ids, **act),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_as_many_queries_for_many_leads_as_for_two(acme, me, now, verb):
    two = [lead.pk for lead in make_leads(2, phone="")]
    many = [lead.pk for lead in make_leads(120)]
    act = {"by": me, "now": now + HOUR}
    few = queries_of(lambda: VERBS[verb](two, **act))
    more = queries_of(lambda: VERBS[verb](many, **act))
    assert len(more) == len(few), "\n".join(sql[:150] for sql in more)


def prepare(verb, ids, me, adam, now):
    act = {"by": me, "now": now}
    assignment.assign(ids, owner=adam, **act)
    timeline.log_call(ids, outcome="no_answer", **act)
    timeline.log_message(ids, channel="email", direction="inbound", body="Hi", **act)
    consent.forbid(ids, **act)
    lifecycle.qualify(ids, **act)
    if verb == "complete":
        told = lifecycle.Evidence("k", now, "mail", scheduled_for=now + HOUR / 2)
        lifecycle.advance(ids, to="scheduled", evidence=told, **act)
    if verb == "reopen":
        lifecycle.close(ids, reason="price", **act)


@pytest.mark.parametrize("verb", PREPARED)
def test_it_does_so_with_what_hangs_on_the_leads_too(acme, me, adam, now, verb):
    act = {"by": me, "now": now + 2 * HOUR, "owner": me.membership}
    bant = add_pipeline("mql") if verb == "convert" else None
    two = [lead.pk for lead in make_leads(2, pipeline=bant)]
    many = [lead.pk for lead in make_leads(60, pipeline=bant)]
    for ids in (two, many):
        prepare(verb, ids, me, adam, now)
    few = queries_of(lambda: PREPARED[verb](two, **act))
    more = queries_of(lambda: PREPARED[verb](many, **act))
    assert len(more) == len(few), "\n".join(sql[:150] for sql in more)


def test_evidence_for_many_takes_as_many_queries_as_for_two(acme, me, now):
    def booked(ids):
        told = lifecycle.Evidence("k", now, "mail", scheduled_for=now + DAY)
        act = {"evidence": told, "by": me, "now": now}
        return queries_of(lambda: lifecycle.advance(ids, to="scheduled", **act))

    two, many = make_leads(2), make_leads(60)
    assert len(booked([one.pk for one in two])) == len(booked([one.pk for one in many]))


def test_a_refused_lead_leaves_the_others_done(acme, me, now):
    first, closed, last = make_leads(3)
    lifecycle.close([closed.pk], reason="price", by=me, now=now)
    missing = Membership.objects.first().pk
    ids = [first.pk, closed.pk, missing, last.pk]
    results = lifecycle.qualify(ids, by=me, now=now)
    assert [result.lead_id for result in results] == ids
    assert [result.done for result in results] == [True, False, False, True]
    assert isinstance(results[2].refusal, Missing)
    statuses = dict(Lead.objects.values_list("pk", "status"))
    assert [statuses[pk] for pk in (first.pk, closed.pk, last.pk)] == [
        "qualified",
        "lost",
        "qualified",
    ]


def test_a_lead_given_twice_is_worked_once(acme, me, now):
    lead = make_lead()
    results = timeline.log_call([lead.pk, lead.pk], outcome="reached", by=me, now=now)
    assert len(results) == 1
    assert Lead.objects.get(pk=lead.pk).attempt_count == 1


def test_a_lead_of_another_workspace_is_missing(acme, me, now, rival):
    with workspace_scope(rival):
        foreign = make_lead()
    (result,) = lifecycle.qualify([foreign.pk], by=me, now=now)
    assert isinstance(result.refusal, Missing)
    with workspace_scope(rival):
        assert Lead.objects.get(pk=foreign.pk).status == "new"


def test_verbs_gathered_are_one_batch_each_at_its_own_time(acme, me, adam, now):
    one, two, three = make_leads(3, now=now - DAY)
    with CaptureQueriesContext(connection) as seen, gathered():
        (called,) = timeline.log_call(
            [one.pk], outcome="reached", by=me, now=now - HOUR, lane="backfill"
        )
        lifecycle.qualify([two.pk], by=Actor.member(adam), now=now)
        timeline.add_note([three.pk], body="Hello", by=me, now=now - 2 * HOUR)
    locks = [q["sql"] for q in seen.captured_queries if "FOR NO KEY UPDATE" in q["sql"]]
    assert sum('FROM "leads_lead"' in sql for sql in locks) == 1
    assert called.activities[0].occurred_at == now - HOUR
    one, two = Lead.objects.get(pk=one.pk), Lead.objects.get(pk=two.pk)
    assert (one.status, one.contacted_at) == ("contacted", now - HOUR)
    assert (two.status, two.qualified_at) == ("qualified", now)
    rows = Activity.objects.filter(kind__in=("call_logged", "note_added", "stage_changed"))
    assert {(row.lead_id, row.lane, row.actor_id) for row in rows} == {
        (one.pk, "backfill", me.membership_id),
        (two.pk, "live", adam.pk),
        (three.pk, "live", me.membership_id),
    }


def test_a_refusal_undoes_all_that_was_gathered(acme, me, now):
    one, two = make_leads(2)
    lifecycle.close([two.pk], reason="price", by=me, now=now)
    with pytest.raises(StageRefused, match="closed"), gathered():
        [lifecycle.qualify([lead.pk], by=me, now=now) for lead in (one, two)]
    assert Lead.objects.get(pk=one.pk).status == "new"


def test_a_lead_is_gathered_once(acme, me, now):
    lead = make_lead()
    with pytest.raises(ValueError, match="once"), gathered():
        [verb([lead.pk], by=me, now=now) for verb in (lifecycle.contact, lifecycle.qualify)]


def test_a_long_key_is_shortened_and_stays_apart():
    one, other = short_key("a" * 300), short_key("a" * 299 + "b")
    assert len(one) == len(other) == 255
    assert one != other
    assert short_key("short") == "short"


# --- at the same time ------------------------------------------------------------------------


def in_threads(workspace, *works):
    """Run the works at once, each in its thread and connection; raises the first error."""
    errors, start = [], threading.Barrier(len(works))

    def one(work):
        close_old_connections()
        try:
            start.wait()
            with workspace_scope(workspace):
                work()
        except Exception as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
def test_batches_over_the_same_leads_in_opposite_order_do_not_deadlock(now):
    workspace = make_workspace("Acme")
    me = Actor.member(make_member(workspace, "admin", "Adam"))
    with workspace_scope(workspace):
        ids = [lead.pk for lead in make_leads(40, company_name="")]

    def work(order, number):
        def go():
            for turn in range(5):
                values = {"label": f"{number}-{turn}", "state": f"{number}-{turn}"}
                editing.edit(order, values, by=me, now=now)
                lifecycle.qualify(order, by=me, now=now)
                timeline.log_call(order, outcome="busy", by=me, now=now)
                consent.forbid(order, by=me, now=now)

        return go

    in_threads(workspace, work(ids, 1), work(ids[::-1], 2), work(ids, 3), work(ids[::-1], 4))
    with workspace_scope(workspace):
        assert set(Lead.objects.values_list("status", flat=True)) == {"qualified"}
        assert set(Lead.objects.values_list("attempt_count", flat=True)) == {20}
        assert not ContactKey.objects.filter(do_not_contact_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_of_800_concurrent_edits_each_is_kept_or_refused(now):
    workspace = make_workspace("Acme")
    me = Actor.member(make_member(workspace, "admin", "Adam"))
    with workspace_scope(workspace):
        lead = make_lead()
    kept, refused = [], []

    def writer(number):
        def go():
            for turn in range(100):
                version = Lead.objects.values_list("version", flat=True).get(pk=lead.pk)
                values = {"label": f"{number}/{turn}"}
                (result,) = editing.edit([lead.pk], values, by=me, now=now, version=version)
                if result.done:
                    kept.append(values["label"])
                else:
                    assert isinstance(result.refusal, StaleVersion)
                    refused.append(values["label"])

        return go

    in_threads(workspace, *(writer(number) for number in range(8)))
    assert len(kept) + len(refused) == 800
    assert kept
    assert refused
    with workspace_scope(workspace):
        found = Lead.objects.get(pk=lead.pk)
        rows = Activity.objects.filter(lead=lead, kind="fields_changed").order_by("id")
        written = [row.data["changes"]["label"] for row in rows]
        assert found.version == 1 + len(kept)
        assert sorted(new for _, new in written) == sorted(kept)
        # Each edit replaced exactly what the one before it had written: none was lost.
        assert [old for old, _ in written] == ["", *(new for _, new in written[:-1])]
        assert found.label == written[-1][1]
        assert Contact.objects.get(pk=lead.contact_id).version == 1
