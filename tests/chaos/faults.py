"""What goes wrong, at points in time that a seed decides."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psycopg

from tests.chaos.processes import Process, Stack

WAITS_FOR_WEB = 0.7  # share of faults after which the web may come back first


class Faults:
    """Kills, freezes and wipes, one after another, bringing each back as a supervisor would."""

    def __init__(self, stack: Stack, seed: int, pause: float) -> None:
        self.stack, self.pause = stack, pause
        self.dice = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.kinds: dict[str, Callable[[], None]] = {
            "web child": lambda: stack.web.kill_child(self.dice.choice),
            "web": lambda: self._kill(stack.web),
            "web parent": lambda: self._kill_parent(stack.web),
            "worker child": lambda: stack.worker.kill_child(self.dice.choice),
            "worker": lambda: self._kill(stack.worker),
            "worker parent": lambda: self._kill_parent(stack.worker),
            "beat": lambda: self._kill(stack.beat),
            "broker": self._kill_broker,
            "broker flushed": stack.broker.flush,
            "broker frozen": self._freeze_broker,
            "database connections": self._cut_connections,
        }

    def run(self, seconds: float) -> None:
        """All kinds in a shuffled order, at least once each, until the time is up."""
        deadline = time.monotonic() + seconds
        waiting: list[str] = []
        while time.monotonic() < deadline or len(self.done) < len(self.kinds):
            if not waiting:
                waiting = self.dice.sample(sorted(self.kinds), len(self.kinds))
            kind = waiting.pop()
            self.kinds[kind]()
            self.done[kind] += 1
            if self.dice.random() < WAITS_FOR_WEB:
                self.stack.wait_for_web()
            time.sleep(self.dice.uniform(0.3, 1.7) * self.pause)

    def _kill(self, process: Process) -> None:
        process.kill()
        time.sleep(self.dice.uniform(0, 0.5))
        process.start()

    def _kill_parent(self, process: Process) -> None:
        process.kill_parent()
        time.sleep(self.dice.uniform(0, 0.5))
        process.start()

    def _kill_broker(self) -> None:
        self.stack.broker.kill()
        time.sleep(self.dice.uniform(0.1, 1.0))
        self.stack.broker.start()

    def _freeze_broker(self) -> None:
        self.stack.broker.signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.5, 2.5))
        self.stack.broker.signal(signal.SIGCONT)

    def _cut_connections(self) -> None:
        with psycopg.connect(self.stack.database_url, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
