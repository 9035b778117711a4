"""PostgreSQL and Valkey for a test run; loaded by `-p tests.stack` before Django's settings.

A run takes the first cluster under var/ that no other run holds, so two runs can go side by side.
xdist's workers have a cluster and a Valkey each: the log is read up to the oldest transaction of its
cluster, so a long one of another worker's test would hold it back.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

from leadcrm import devstack, servers

VAR = Path(__file__).resolve().parent.parent / "var"
SLOTS = 24
OURS = "LEADCRM_TEST_CLUSTER"  # set where the cluster of DATABASE_URL is one that a run started


def start() -> None:
    """Start what this process needs and have it stopped when the process ends."""
    running = contextlib.ExitStack()
    atexit.register(running.close)
    os.environ.setdefault("LEADCRM_DEV", "true")
    os.environ.setdefault("LEADCRM_PLAIN_STATIC", "true")
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's sync API runs a loop
    is_xdist_worker = "PYTEST_XDIST_WORKER" in os.environ
    if "DATABASE_URL" not in os.environ or (is_xdist_worker and OURS in os.environ):
        data = _take_cluster(running)
        os.environ[OURS] = "yes"
        os.environ["DATABASE_URL"] = running.enter_context(
            servers.postgres(data, options=servers.UNSAFE_BUT_FAST)
        )
    if is_xdist_worker or "REDIS_URL" not in os.environ:
        data = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="leadcrm-valkey-")))
        os.environ["REDIS_URL"] = running.enter_context(servers.valkey(data, durable=False))


def _take_cluster(running: contextlib.ExitStack) -> Path:
    for slot in range(1, SLOTS + 1):
        data = VAR / f"pg18-test-{slot}"
        with contextlib.suppress(devstack.AlreadyRunning):
            running.enter_context(devstack.hold(VAR / f"{data.name}.lock"))
            return data
    raise RuntimeError(f"{SLOTS} test runs are going on already")


start()
