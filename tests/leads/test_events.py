"""Reading the log: every row once per subscriber, a bad lead out of the way, all others flowing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Location, Workspace
from leadcrm.workspaces.scoping import all_workspaces, current_workspace_id, workspace_scope
from leads import events, kinds, lag, timeline
from leads.models import Activity, Cursor, Lead, Parking
from tests.factories import NOW, make_lead, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

SETTLES_WITHIN = 10.0  # seconds; another test's transaction may hold the horizon for a while


class Reader:
    """A subscriber that notes what it is shown, and fails on what it is told to."""

    def __init__(self, name: str = "reader") -> None:
        self.name = name
        self.seen: list[int] = []
        self.bad: Callable[[Activity], bool] = lambda row: False
        self.fail: Callable[[], None] = _refuse

    def __call__(self, rows: Sequence[Activity], now: datetime) -> None:
        assert {row.workspace_id for row in rows} == {current_workspace_id()}
        for row in rows:
            if self.bad(row):
                self.fail()
            # Its effect is a row, so that what is rolled back leaves no trace.
            Location.objects.create(name=f"{self.name} {row.pk}")

    @property
    def subscriber(self) -> events.Subscriber:
        return next(one for one in events.subscribers() if one.name == self.name)

    def handled(self) -> list[int]:
        with all_workspaces():
            names = Location.objects.filter(name__startswith=f"{self.name} ").order_by("id")
            return sorted(int(name.split()[-1]) for name in names.values_list("name", flat=True))


def _refuse() -> None:
    raise RuntimeError("Bo Dam, bo@example.com, is no good")


@pytest.fixture
def reader() -> Iterator[Reader]:
    found = Reader()
    events.subscribe(found.name, found)
    yield found
    events.unsubscribe(found.name)


@pytest.fixture
def acme() -> Iterator[Workspace]:
    workspace = make_workspace("Acme")
    with workspace_scope(workspace):
        yield workspace


def read(reader: Reader, now: datetime = NOW, lane: str = "live") -> None:
    """Dispatch until the cursor has passed every row."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while True:
        events.dispatch_to(reader.subscriber, lane, now)
        with all_workspaces():
            cursor = Cursor.objects.get(subscriber=reader.name, lane=lane)
        if lag.lag_of(cursor, now).rows == 0:
            return
        assert time.monotonic() < deadline, "the log did not settle"


def rows_of(*leads: Lead) -> list[int]:
    with all_workspaces():
        return list(
            Activity.objects.filter(lead__in=leads).order_by("id").values_list("id", flat=True)
        )


def note(lead: Lead, by: Actor, count: int = 1) -> None:
    for n in range(count):
        (result,) = timeline.add_note([lead.pk], body=f"Note {n}", by=by, now=NOW)
        assert result.done


@pytest.fixture
def me(acme: Workspace) -> Actor:
    return Actor.system("web")


# --- reading ---


def test_a_subscriber_sees_every_row_once(acme, me, reader):
    lead = make_lead()
    read(reader)
    note(lead, me, 2)
    read(reader)
    read(reader)
    assert reader.handled() == rows_of(lead)
    assert len(rows_of(lead)) == 3


def test_a_new_subscriber_starts_from_the_beginning(acme, me, reader):
    lead = make_lead()
    read(reader)
    late = Reader("late")
    events.subscribe(late.name, late)
    try:
        read(late)
        assert late.handled() == rows_of(lead)
    finally:
        events.unsubscribe(late.name)


def test_a_batch_is_limited_and_the_next_goes_on(acme, me, reader, monkeypatch):
    monkeypatch.setattr(events, "BATCH", 2)
    leads = [make_lead() for _ in range(5)]
    read(reader)
    assert reader.handled() == rows_of(*leads)


def test_each_workspace_is_handled_in_its_own_scope(acme, reader):
    make_lead()
    with workspace_scope(make_workspace("Rival")):
        make_lead()
    read(reader)
    assert len(reader.handled()) == 2


def test_lanes_are_read_apart(acme, reader):
    make_lead(lane="backfill")
    live = make_lead()
    read(reader)
    assert reader.handled() == rows_of(live)
    read(reader, lane="backfill")
    assert len(reader.handled()) == 2


def test_a_lane_that_a_subscriber_leaves_out_is_not_shown_to_it(acme):
    only_live = Reader("only-live")
    events.subscribe(only_live.name, only_live, lanes=["live"])
    try:
        make_lead(lane="backfill")
        events.dispatch("backfill", NOW)
        assert only_live.handled() == []
        with all_workspaces():
            assert not Cursor.objects.filter(subscriber="only-live").exists()
    finally:
        events.unsubscribe("only-live")


def test_rows_that_a_subscriber_caused_itself_are_skipped(acme, reader):
    lead = make_lead()
    first = rows_of(lead)
    with all_workspaces():
        cause = Activity.objects.get(pk=first[0])
    note(lead, events.actor_answering("reader", cause))
    read(reader)
    assert reader.handled() == first
    with all_workspaces():
        answer = Activity.objects.exclude(pk=first[0]).get()
    assert (answer.caused_by, answer.depth, answer.via) == (first[0], 1, "reader")


def test_a_name_can_be_taken_only_once(reader):
    with pytest.raises(ValueError, match="registered already"):
        events.subscribe("reader", Reader())


def test_an_open_transaction_holds_back_what_is_younger(acme, me, reader):
    """Its rows have a lower number than those committed meanwhile: reading on would miss them."""
    lead = make_lead()
    read(reader)
    slow = connection.copy()
    try:
        slow.set_autocommit(False)
        with slow.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        note(lead, me)
        events.dispatch_to(reader.subscriber, "live", NOW)
        assert len(reader.handled()) == 1
        slow.rollback()
    finally:
        slow.close()
    read(reader)
    assert reader.handled() == rows_of(lead)


def test_a_transaction_that_only_reads_holds_nothing_back(acme, me, reader):
    lead = make_lead()
    read(reader)
    onlooker = connection.copy()
    try:
        onlooker.set_autocommit(False)
        with onlooker.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM leads_lead")
        note(lead, me)
        read(reader)
    finally:
        onlooker.close()
    assert reader.handled() == rows_of(lead)


# --- parking ---


def parked() -> list[Parking]:
    with all_workspaces():
        return list(Parking.objects.order_by("parked_at", "id"))


def test_a_bad_lead_is_parked_and_the_others_flow(acme, me, reader):
    leads = [make_lead() for _ in range(7)]
    bad = leads[3]
    reader.bad = lambda row: row.lead_id == bad.pk
    read(reader)
    assert reader.handled() == rows_of(*(lead for lead in leads if lead != bad))
    (parking,) = parked()
    assert parking.lead_id == bad.pk
    assert parking.activity_ids == rows_of(bad)
    assert parking.retry_at == NOW + events.FIRST_RETRY


def test_the_error_is_kept_without_the_persons_data(acme, reader):
    make_lead()
    reader.bad = lambda row: True
    read(reader)
    (parking,) = parked()
    assert parking.error.startswith("RuntimeError")
    assert "test_events.py" in parking.error
    assert "bo@example.com" not in parking.error


def test_rows_before_the_bad_one_are_handled_and_later_ones_wait(acme, me, reader):
    lead = make_lead()
    note(lead, me, 3)
    first, second, third, fourth = rows_of(lead)
    reader.bad = lambda row: row.pk == third
    read(reader)
    note(lead, me)
    read(reader)
    assert reader.handled() == [first, second]
    (parking,) = parked()
    assert parking.activity_ids == [third, fourth, rows_of(lead)[-1]]


def test_a_parked_lead_is_tried_again_and_keeps_its_order(acme, me, reader):
    lead = make_lead()
    note(lead, me, 2)
    reader.bad = lambda row: True
    read(reader)
    note(lead, me)
    reader.bad = lambda row: False
    read(reader, NOW + timedelta(seconds=29))
    assert reader.handled() == []
    order: list[int] = []
    reader.bad = lambda row: bool(order.append(row.pk))  # type: ignore[func-returns-value]
    read(reader, NOW + timedelta(seconds=30))
    assert parked() == []
    assert order == reader.handled() == rows_of(lead)


def test_the_retries_come_ever_later_up_to_a_limit(acme, reader):
    make_lead()
    reader.bad = lambda row: True
    read(reader)
    now, waits = NOW, []
    for _ in range(15):
        (parking,) = parked()
        waits.append(parking.retry_at - now)
        now = parking.retry_at
        events.dispatch_to(reader.subscriber, "live", now)
    assert waits[:4] == [timedelta(seconds=s) for s in (30, 120, 240, 480)]
    assert waits == sorted(waits)
    assert waits[-1] == events.LONGEST_RETRY


def test_a_parked_lead_moves_on_as_far_as_it_goes(acme, me, reader):
    lead = make_lead()
    note(lead, me, 2)
    first, second, third = rows_of(lead)
    reader.bad = lambda row: True
    read(reader)
    reader.bad = lambda row: row.pk == third
    read(reader, NOW + timedelta(minutes=1))
    assert reader.handled() == [first, second]
    (parking,) = parked()
    assert (parking.activity_ids, parking.attempts) == ([third], 1)


def test_staff_can_have_it_tried_at_once(acme, reader):
    lead = make_lead()
    reader.bad = lambda row: True
    read(reader)
    reader.bad = lambda row: False
    assert events.retry_now(parked(), NOW) == 1
    read(reader)
    assert reader.handled() == rows_of(lead)


def test_a_bad_row_without_a_lead_holds_up_no_other(acme, me, reader):
    make_rows = [
        Activity(kind=kinds.REVIEWED, occurred_at=NOW, actor_kind="system", via="web")
        for _ in range(4)
    ]
    Activity.objects.bulk_create(make_rows)
    ids = sorted(row.pk for row in make_rows)
    reader.bad = lambda row: row.pk in ids[:2]
    read(reader)
    assert reader.handled() == ids[2:]
    later = Activity.objects.create(
        kind=kinds.REVIEWED, occurred_at=NOW, actor_kind="system", via="web"
    )
    read(reader)
    assert reader.handled() == [*ids[2:], later.pk]
    (parking,) = parked()
    assert (parking.lead_id, parking.activity_ids) == (None, ids[:2])
    reader.bad = lambda row: row.pk == ids[0]
    read(reader, NOW + timedelta(minutes=1))
    assert parked()[0].activity_ids == ids[:1]


def test_a_chain_of_causes_that_is_too_deep_is_parked_in_its_place(acme, me, reader):
    lead = make_lead()
    loop = Actor(via="other", caused_by=1, depth=events.DEEPEST + 1)
    note(lead, loop)
    note(lead, me)
    first, deep, after = rows_of(lead)
    read(reader)
    assert reader.handled() == [first]
    (parking,) = parked()
    assert parking.activity_ids == [deep, after]
    assert "loop" in parking.error
    read(reader, parking.retry_at)
    assert reader.handled() == [first]
    events.retry_now(parked(), NOW)
    read(reader)
    assert reader.handled() == [first, deep, after]


def test_a_deep_row_of_a_lead_that_fails_as_well_is_parked_once(acme, me, reader):
    lead, other = make_lead(), make_lead()
    note(lead, Actor(via="other", caused_by=1, depth=events.DEEPEST + 1))
    reader.bad = lambda row: row.lead_id == lead.pk
    read(reader)
    assert len(parked()) == 1
    assert reader.handled() == rows_of(other)


# --- handlers that leave a mess ---


def _break_a_constraint() -> None:
    Location.objects.create(name="Twice")
    Location.objects.create(name="Twice")


def _swallow_an_error_in_the_transaction() -> None:
    try:
        with transaction.atomic(savepoint=False):
            _break_a_constraint()
    except IntegrityError:
        pass


def _swallow_an_error_of_raw_sql() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
    except Exception:  # noqa: BLE001
        pass


@pytest.mark.parametrize(
    "mess",
    [_break_a_constraint, _swallow_an_error_in_the_transaction, _swallow_an_error_of_raw_sql,
     lambda: transaction.set_rollback(True)],
)  # fmt: skip
def test_a_handler_that_breaks_its_transaction_loses_no_row(acme, reader, mess):
    leads = [make_lead() for _ in range(3)]
    bad = leads[1]
    reader.bad, reader.fail = (lambda row: row.lead_id == bad.pk), mess
    read(reader)
    assert reader.handled() == rows_of(leads[0], leads[2])
    assert [parking.lead_id for parking in parked()] == [bad.pk]
    reader.fail = lambda: None
    read(reader, NOW + timedelta(minutes=1))
    assert reader.handled() == rows_of(*leads)


def test_a_handler_that_loses_the_connection_keeps_its_place_and_the_others_flow(acme, reader):
    lead = make_lead()
    other = Reader("other")
    events.subscribe(other.name, other)
    try:
        reader.bad, reader.fail = (lambda row: True), connection.close
        read(other)
        events.dispatch("live", NOW)
        assert reader.handled() == []
        assert parked() == []
        reader.bad = lambda row: False
        read(reader)
        assert reader.handled() == other.handled() == rows_of(lead)
    finally:
        events.unsubscribe("other")


def test_a_failing_cursor_moves_nothing(acme, reader, monkeypatch):
    """What a handler wrote is undone with the cursor, and done again together with it."""
    lead = make_lead()
    save = Cursor.save

    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the process dies here")

    with all_workspaces():
        Cursor.objects.create(subscriber="reader", lane="live")
    monkeypatch.setattr(Cursor, "save", fails)
    with pytest.raises(RuntimeError):
        read(reader)
    assert reader.handled() == []
    monkeypatch.setattr(Cursor, "save", save)
    read(reader)
    assert reader.handled() == rows_of(lead)


# --- lag ---


def test_the_lag_counts_the_waiting_rows_and_their_age(acme, me, reader):
    lead = make_lead()
    note(lead, me, 2)
    cursor = Cursor.objects.create(subscriber="reader", lane="live")
    found = lag.lag_of(cursor, NOW + timedelta(minutes=2))
    assert (found.rows, found.seconds) == (3, 120.0)
    read(reader)
    cursor.refresh_from_db()
    assert lag.lag_of(cursor, NOW) == lag.Lag(0, 0.0)


def test_many_lags_take_one_query(acme, reader, django_assert_num_queries):
    make_lead()
    cursors = [Cursor.objects.create(subscriber=f"s{n}", lane="live") for n in range(5)]
    with django_assert_num_queries(1):
        assert [found.rows for found in lag.lags(cursors, NOW)] == [1] * 5


def test_a_dispatch_goes_on_until_nothing_is_left(acme, reader, monkeypatch):
    monkeypatch.setattr(events, "BATCH", 1)
    leads = [make_lead() for _ in range(4)]
    read(reader, lane="bulk")
    deadline = time.monotonic() + SETTLES_WITHIN
    while reader.handled() != rows_of(*leads) and time.monotonic() < deadline:
        events.dispatch_for("live", NOW, seconds=5)
    assert reader.handled() == rows_of(*leads)


def test_the_enquiries_of_a_source_are_counted_by_day(acme):
    from leads.models import SourceDay

    lead = make_lead(email="bo@example.com")
    make_lead(email="bo@example.com")
    make_lead(is_test=True)
    deadline = time.monotonic() + SETTLES_WITHIN
    # Transactions of other test runs in the cluster hold the horizon back for a while.
    while not SourceDay.objects.filter(repeated=1) and time.monotonic() < deadline:
        events.dispatch_for("live", NOW, seconds=1)
    day = SourceDay.objects.get()
    assert (day.source_id, day.day, day.created, day.repeated) == (lead.source_id, NOW.date(), 1, 1)
    assert isinstance(day.pk, uuid.UUID)
