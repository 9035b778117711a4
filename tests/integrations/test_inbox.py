"""The sweep that turns received payloads into leads."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections

from integrations import inbox
from integrations.models import InboundEvent
from integrations.provider import Provider
from integrations.tasks import drain_inbox
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Activity, Contact, Lead, Source, SourceKind
from tests.factories import NOW, make_lead, make_workspace

LATER = NOW + timedelta(seconds=1)


def receive(workspace: Workspace, number: int, **fields: Any) -> InboundEvent:
    """A stored submission of one person, as the endpoint leaves it."""
    with workspace_scope(workspace):
        return InboundEvent.objects.create(
            source=Source.objects.get(kind=SourceKind.WEBSITE_FORM),
            provider="web_form",
            dedupe_key=f"{number}:{'0' * 32}",
            content_type="application/json",
            body=json.dumps(
                {"name": f"Person {number}", "email": f"p{number}@c.example", **fields}
            ).encode(),
            received_at=NOW,
            run_at=NOW,
        )


def again(event: InboundEvent) -> InboundEvent:
    with all_workspaces():
        return InboundEvent.objects.select_related("lead").get(pk=event.pk)


def poison(
    monkeypatch: pytest.MonkeyPatch, marker: str, error: type[Exception] = ZeroDivisionError
) -> None:
    """Let the parser fail on payloads that hold this text."""
    real = inbox.PROVIDERS["web_form"]

    def parse(event):
        if marker.encode() in bytes(event.body):
            raise error(f"secret of {marker}")
        return real.parse(event)

    broken = Provider(real.key, real.label, real.via, parse)
    monkeypatch.setitem(inbox.PROVIDERS, "web_form", broken)


@pytest.mark.django_db
def test_a_submission_becomes_a_lead_with_its_log_row(workspace):
    event = receive(workspace, 1, message="Hello")
    assert inbox.drain(LATER) == 1
    event = again(event)
    assert (event.state, event.result, event.person) == ("done", "new_lead", "Person 1")
    assert (event.attempts, event.handled_at) == (1, LATER)
    with workspace_scope(workspace):
        lead = Lead.objects.get()
        row = Activity.objects.get()
    assert event.lead == lead
    assert (lead.display_name, lead.created_at, lead.inserted_at) == ("Person 1", NOW, LATER)
    assert (row.kind, row.via, row.actor_kind, row.occurred_at) == (
        "lead_created",
        "form",
        "system",
        NOW,
    )
    assert row.dedupe_key == f"capture:inbound:{event.pk}"


@pytest.mark.django_db
def test_each_result_is_told(workspace):
    with workspace_scope(workspace):
        make_lead(email="open@c.example")
    events = {
        "new_lead": receive(workspace, 1),
        "added": receive(workspace, 2, email="open@c.example"),
        "spam": receive(workspace, 3, website_confirm="x"),
        "rejected": receive(workspace, 4, name="", email=""),
        "test": receive(workspace, 5, email="probe@test.invalid"),
    }
    assert inbox.drain(LATER) == 5
    assert {result: again(event).result for result, event in events.items()} == {
        result: result for result in events
    }
    assert again(events["spam"]).lead is None
    assert again(events["rejected"]).note
    assert again(events["added"]).lead.email == "open@c.example"
    assert again(events["test"]).lead.is_test
    with workspace_scope(workspace):
        assert Lead.objects.count() == 3


@pytest.mark.django_db
def test_keys_that_name_two_people_need_a_decision(workspace):
    with workspace_scope(workspace):
        make_lead(email="ann@c.example")
        make_lead(phone="+14155552671", email="")
    event = receive(workspace, 1, email="ann@c.example", phone="+14155552671")
    inbox.drain(LATER)
    event = again(event)
    assert event.result == "decision"
    assert event.lead.needs_review


@pytest.mark.django_db
def test_a_payload_that_was_captured_before_is_known(workspace):
    event = receive(workspace, 1)
    inbox.drain(LATER)
    with workspace_scope(workspace):
        InboundEvent.objects.filter(pk=event.pk).update(state="waiting", result="", lead=None)
    inbox.drain(LATER)
    event = again(event)
    assert event.result == "known"
    with workspace_scope(workspace):
        assert event.lead == Lead.objects.get()
        assert Activity.objects.count() == 1


@pytest.mark.django_db
def test_people_who_write_twice_in_one_chunk_are_one_lead(workspace):
    events = [receive(workspace, n, email="same@c.example") for n in range(5)]
    inbox.drain(LATER)
    assert sorted(again(event).result for event in events) == ["added"] * 4 + ["new_lead"]
    with workspace_scope(workspace):
        assert Lead.objects.count() == 1
        assert Activity.objects.count() == 5


@pytest.mark.django_db
def test_a_poison_row_never_blocks_the_others(workspace, monkeypatch):
    poison(monkeypatch, "Person 3")
    events = [receive(workspace, number) for number in range(6)]
    assert inbox.drain(LATER) == 5
    bad = again(events[3])
    assert (bad.state, bad.result, bad.attempts) == ("waiting", "", 1)
    assert bad.run_at == LATER + inbox.FIRST_RETRY
    assert "ZeroDivisionError" in bad.note
    assert "secret" not in bad.note
    assert {again(event).state for event in events if event != events[3]} == {"done"}


@pytest.mark.django_db
def test_a_row_that_fails_in_the_database_rolls_back_only_itself(workspace, monkeypatch):
    real = inbox.capture_leads

    def capture(drafts, **kwargs):
        done = real(drafts, **kwargs)
        if any(draft.values["display_name"] == "Person 1" for draft in drafts):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        return done

    monkeypatch.setattr(inbox, "capture_leads", capture)
    events = [receive(workspace, number) for number in range(3)]
    assert inbox.drain(LATER) == 2
    assert [again(event).state for event in events] == ["done", "waiting", "done"]
    bad = again(events[1])
    assert (bad.lead, bad.result, bad.person) == (None, "", "")
    with workspace_scope(workspace):
        assert sorted(Lead.objects.values_list("display_name", flat=True)) == [
            "Person 0",
            "Person 2",
        ]
        assert Contact.objects.count() == 2


@pytest.mark.django_db
def test_after_ten_attempts_a_row_has_failed_for_good(workspace, monkeypatch):
    poison(monkeypatch, "Person 1")
    event, now, pauses = receive(workspace, 1), LATER, []
    for _ in range(inbox.MOST_ATTEMPTS):
        assert inbox.drain(now) == 0
        assert inbox.drain(now) == 0  # not due again before its pause is over
        event = again(event)
        pauses.append(event.run_at - now)
        now = max(event.run_at, now)
    assert pauses[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert (event.state, event.result, event.attempts) == ("failed", "failed", 10)
    assert "could not be processed" in event.note
    assert inbox.drain(now + timedelta(days=1)) == 0


@pytest.mark.django_db
def test_a_row_whose_trouble_is_over_is_captured_and_its_note_cleared(workspace, monkeypatch):
    event = receive(workspace, 1)
    with monkeypatch.context() as patch:
        poison(patch, "Person 1")
        inbox.drain(LATER)
    inbox.drain(LATER + inbox.FIRST_RETRY)
    event = again(event)
    assert (event.result, event.attempts) == ("new_lead", 2)
    assert "ZeroDivisionError" not in event.note


@pytest.mark.django_db
def test_a_full_workspace_does_not_starve_another(workspace, rival, monkeypatch):
    """Both get a chunk in turn, whoever was there first."""
    monkeypatch.setattr(inbox, "CHUNK", 5)
    turns = []
    real = inbox._handle

    def handle(events, now):
        turns.append(events[0].workspace_id if events else None)
        real(events, now)

    monkeypatch.setattr(inbox, "_handle", handle)
    for number in range(20):
        receive(workspace, number)
    receive(rival, 1)
    assert inbox.drain(LATER) == 21
    assert turns.index(rival.pk) <= 1


@pytest.mark.django_db
def test_a_tick_leaves_the_rest_to_the_next_when_its_time_is_up(workspace, monkeypatch):
    monkeypatch.setattr(inbox, "CHUNK", 2)
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(inbox, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    for number in range(10):
        receive(workspace, number)
    handled = inbox.drain(LATER)
    assert 0 < handled < 10
    monkeypatch.undo()
    assert inbox.drain(LATER) == 10 - handled


@pytest.mark.django_db
def test_a_chunk_costs_the_same_number_of_queries_whatever_its_size(
    workspace, django_assert_max_num_queries
):
    counts = []
    for size in (2, 20):
        for number in range(size):
            receive(workspace, 1000 * size + number)
        with django_assert_max_num_queries(60) as seen:
            inbox.drain(LATER)
        counts.append(len(seen.captured_queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_nothing_waiting_costs_one_query(workspace, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert inbox.drain(LATER) == 0


@pytest.mark.django_db
def test_the_task_drains(workspace):
    receive(workspace, 1)
    drain_inbox()
    with workspace_scope(workspace):
        assert Lead.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_drains_at_once_handle_each_row_once(monkeypatch):
    monkeypatch.setattr(inbox, "CHUNK", 7)
    workspaces = [make_workspace("Acme"), make_workspace("Rival")]
    for number in range(60):
        # Every third enquiry is from somebody who wrote before.
        receive(workspaces[number % 2], number, email=f"p{number % 40}@c.example")
    handled: list[int] = []
    start = threading.Barrier(4)

    def run():
        start.wait()
        try:
            handled.extend(inbox.drain(LATER) for _ in range(5))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inbox.drain(LATER)
    with all_workspaces():
        assert sum(handled) <= 60
        assert InboundEvent.objects.filter(state="done", attempts=1).count() == 60
        assert Activity.objects.count() == 60
        assert Lead.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_worker_holds_is_left_alone():
    workspace = make_workspace("Acme")
    receive(workspace, 1)
    holds, done = threading.Event(), threading.Event()

    def hold():
        from django.db import transaction

        with transaction.atomic(), workspace_scope(workspace):
            list(InboundEvent.objects.select_for_update())
            holds.set()
            done.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(10)
    try:
        assert inbox.drain(LATER) == 0
    finally:
        done.set()
        thread.join()
    assert inbox.drain(LATER) == 1
