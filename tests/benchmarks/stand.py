"""A database for each size, filled by `volume`, and a web server on each, started as in the Procfile."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from leadcrm import devstack, servers

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var" / "bench"
ANSWER_WITHIN = 60.0
# What any installation of this size sets; durability is PostgreSQL's own default.
POSTGRES = (
    "shared_buffers=1GB", "effective_cache_size=8GB", "work_mem=16MB", "max_wal_size=8GB",
    "maintenance_work_mem=512MB", "random_page_cost=1.1", "max_connections=200",
)  # fmt: skip


@dataclass
class Size:
    """One size of the measure: its database, its server, and what is asked of it."""

    leads: int
    environment: dict[str, str]
    seconds_to_load: float = 0
    plan: dict[str, Any] = field(default_factory=dict)
    port: int = 0

    def run(self, *command: str, **more: str) -> str:
        """Run a Python command on this database; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            env={**self.environment, **more},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


@contextlib.contextmanager
def sizes(leads: list[int], *, keep: bool) -> Iterator[list[Size]]:
    """Databases of these sizes, loaded anew unless they are kept from the run before."""
    with (
        devstack.hold(VAR / "lock"),
        servers.postgres(VAR / "pg18", options=POSTGRES) as url,
        servers.valkey(VAR / "valkey", durable=False) as redis,
    ):
        yield [_size(number, url, redis, keep) for number in sorted(leads)]


def _size(leads: int, url: str, redis: str, keep: bool) -> Size:
    name = f"leads_{leads}"
    size = Size(
        leads,
        {
            **os.environ,
            "DATABASE_URL": url.replace("/leadcrm?", f"/{name}?"),
            "REDIS_URL": redis,
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
            "LEADCRM_PLAIN_STATIC": "true",
            "LEADCRM_API_RATE": "10000000/min",
            "LOG_LEVEL": "WARNING",
        },
    )
    with psycopg.connect(url, autocommit=True) as db:
        known = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if known and not keep:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)")
        if not (known and keep):
            db.execute(f"CREATE DATABASE {name}")
    size.run("manage.py", "migrate", "-v0")
    if not (known and keep):
        started = time.perf_counter()
        size.run("manage.py", "volume", "--leads", str(leads))
        size.seconds_to_load = time.perf_counter() - started
    return size


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def serving(size: Size) -> Iterator[Server]:
    """The Procfile's web server on this size's database."""
    port = servers.free_port()
    log = (VAR / f"web-{size.leads}.log").open("ab")
    process = subprocess.Popen(
        shlex.split(_web_command().replace("$PORT", str(port))),
        env=size.environment,
        cwd=ROOT,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(port)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _web_command() -> str:
    (line,) = re.findall(r"^web: exec (.*)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    return str(line).replace('"${LEADCRM_BIND:-127.0.0.1}:$PORT"', "127.0.0.1:$PORT")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the web server did not start; see its log under var/bench")


def memory_of(server: Server) -> list[float]:
    """The proportional set size of each web worker, in MiB."""
    return [_pss(pid) for pid in sorted(servers.descendants(server.process.pid))]


def _pss(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (kib,) = re.findall(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
    return int(kib) / 1024


def plan_of(size: Size, writes: int) -> dict[str, Any]:
    """What is asked for; of each scenario that writes, so many requests."""
    plan: dict[str, Any] = json.loads(size.run("-m", "tests.benchmarks.plan", str(writes)))
    return plan


def count(size: Size, table: str, where: str = "true") -> int:
    """How many rows are stored, asked past the product."""
    with psycopg.connect(size.environment["DATABASE_URL"]) as db:
        row = db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
        return int(row[0]) if row else 0
