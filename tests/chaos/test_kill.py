"""The short kill test. The long one: `python -m tests.chaos --minutes 10 --seed 1`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chaos.processes import Stack, running_stack
from tests.chaos.run import kill_run, speed, speed_with_frozen_broker

SEED = 20261121


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(os.environ["DATABASE_URL"]) as running:
        yield running


def test_no_submission_is_lost_or_doubled_while_everything_is_killed(stack):
    report = kill_run(stack, seconds=10, rate=40, seed=SEED, pause=0.3, patience=60)
    print(report)
    assert report.findings.faults == {}
    assert report.wrong_answers == []
    assert report.findings.submissions > 20
    assert len(report.faults) == 11  # each kind struck


def test_a_frozen_broker_does_not_slow_a_submission_down(stack):
    speed(stack, 30)
    well, frozen = speed(stack, 150), speed_with_frozen_broker(stack, 150)
    print(f"broker well: {well}; frozen: {frozen}")
    assert frozen.p50 <= 2 * well.p50 + 0.010
    assert frozen.p99 < 1.0
