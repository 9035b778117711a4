"""One run: submit forms, break things, wait, compare."""

from __future__ import annotations

import signal
import statistics
import time
from collections import Counter
from dataclasses import dataclass

from tests.chaos import ledger
from tests.chaos.faults import Faults
from tests.chaos.processes import Stack
from tests.chaos.senders import Senders, latencies


@dataclass
class Report:
    seed: int
    findings: ledger.Findings
    faults: Counter[str]
    requests: int
    failures: int
    wrong_answers: list[str]
    drained_after: float

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        found = self.findings
        return (
            f"seed {self.seed}: {found.submissions} submissions of {found.people} people in "
            f"{self.requests} requests, {self.failures} of them unanswered; "
            f"{self.faults.total()} faults ({kinds}); drained {self.drained_after:.1f} s after the "
            f"last; {found.leads} leads; lost {found.lost}, doubled {found.doubled}; "
            f"other: {found.faults or 'none'}; wrong answers: {self.wrong_answers[:3] or 'none'}"
        )


def kill_run(
    stack: Stack, *, seconds: float, rate: float, seed: int, pause: float, patience: float
) -> Report:
    """Submit so many forms a second while faults strike, a pause apart, then compare every row."""
    senders = Senders(stack.port, stack.public_key, rate=rate, seed=seed)
    faults = Faults(stack, seed, pause)
    senders.start()
    try:
        faults.run(seconds)
    finally:
        senders.stop()
    drained_after = ledger.wait_until_drained(stack.database_url, within=patience)
    return Report(
        seed=seed,
        findings=ledger.compare(stack.database_url, senders.acknowledged),
        faults=faults.done,
        requests=senders.requests,
        failures=senders.failures,
        wrong_answers=senders.wrong,
        drained_after=drained_after,
    )


@dataclass
class Speed:
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms"


def speed(stack: Stack, count: int) -> Speed:
    taken = latencies(stack.port, stack.public_key, count)
    return Speed(statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.99))])


def speed_with_frozen_broker(stack: Stack, count: int) -> Speed:
    stack.broker.signal(signal.SIGSTOP)
    time.sleep(0.5)
    try:
        return speed(stack, count)
    finally:
        stack.broker.signal(signal.SIGCONT)
