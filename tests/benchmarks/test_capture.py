"""Capture against the floor of one bare INSERT of the same rows, in the same run."""

import itertools
import time

import pytest

from leadcrm.workspaces.actors import Actor
from leads import events
from leads.capture import capture_leads
from leads.models import Lead, Stage
from tests.factories import NOW, make_draft

ROWS = 1000
_numbers = itertools.count()


def seconds_of(action) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


@pytest.fixture
def floor(acme) -> float:
    """Seconds that a bare multi-row INSERT of as many leads takes."""
    stage = Stage.objects.select_related("pipeline").filter(status="new").first()

    def insert() -> None:
        Lead.objects.bulk_create(
            [
                Lead(display_name=f"Bare {n}", stage=stage, pipeline=stage.pipeline)
                for n in range(ROWS)
            ]
        )

    insert()
    return min(seconds_of(insert) for _ in range(3))


def report(benchmark, floor: float, what: str) -> None:
    ratio = floor / benchmark.stats.stats.median
    benchmark.extra_info[what] = round(ratio, 3)
    print(
        f"\n{what}: {ROWS / benchmark.stats.stats.median:,.0f} rows/s, {ratio:.2f}x of a bare INSERT"
    )


def test_capturing_a_thousand_new_people(acme, benchmark, floor):
    def drafts():
        turn = next(_numbers)
        rows = [make_draft(email=f"p{turn}.{n}@example.com", phone="") for n in range(ROWS)]
        return (rows,), {}

    benchmark.pedantic(
        lambda rows: capture_leads(rows, by=Actor.system("form"), now=NOW), setup=drafts, rounds=5
    )
    report(benchmark, floor, "capture, new people")


def test_capturing_a_thousand_people_again(acme, benchmark, floor):
    people = [f"again{n}@example.com" for n in range(ROWS)]
    capture_leads([make_draft(email=email) for email in people], by=Actor.system("form"), now=NOW)

    def drafts():
        return ([make_draft(email=email) for email in people],), {}

    benchmark.pedantic(
        lambda rows: capture_leads(rows, by=Actor.system("form"), now=NOW), setup=drafts, rounds=5
    )
    report(benchmark, floor, "capture, known people")


@pytest.mark.django_db(transaction=True)
def test_reading_the_log(benchmark, workspace):
    from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
    from leads.models import Cursor

    with workspace_scope(workspace):
        for _ in range(10):
            capture_leads([make_draft() for _ in range(ROWS)], by=Actor.system("form"), now=NOW)

    def rewind():
        with all_workspaces():
            Cursor.objects.update(xid=0, activity_id=0)

    def read():
        while events.dispatch("live", NOW):
            pass

    benchmark.pedantic(read, setup=rewind, rounds=3)
    rows = 10 * ROWS
    print(f"\nlog: {rows / benchmark.stats.stats.median:,.0f} rows/s handed to the subscriber")
