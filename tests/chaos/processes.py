"""leadcrm's real processes, from the Procfile, on free ports and a scratch database."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

from leadcrm import servers

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 60.0

# Ends with the test run, however that ends. Not a preexec_fn: the senders' threads are running.
LAUNCH = """
import os, sys
from leadcrm import servers
end = servers.end_with_parent(9)
if end: end()
os.execvp("sh", ["sh", "-c", sys.argv[1]])
"""


class Process:
    """One line of the Procfile: started, killed with SIGKILL, started again."""

    def __init__(self, name: str, command: str, env: dict[str, str], log: Path) -> None:
        self.name, self.command, self.env, self.log = name, command, env, log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._running = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, self.command],
                cwd=ROOT,
                env=self.env,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.pid}/task")
        with contextlib.suppress(OSError):
            return [int(p) for t in tasks.iterdir() for p in (t / "children").read_text().split()]
        return []

    def kill_child(self, choose: Any) -> None:
        """Kill one of its children; it starts another by itself."""
        if children := self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(choose(children), signal.SIGKILL)

    def kill_parent(self) -> None:
        """Kill it alone: its children find out by themselves."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def kill(self) -> None:
        """Kill it and its children at once."""
        if self._running is not None:
            for pid in (self.pid, *self.children()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()

    def _reap(self) -> None:
        if self._running is not None:
            self._running.wait(10)


class Broker:
    """Valkey on one port for good, so that its clients find it again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port, self.password = servers.free_port(), secrets.token_urlsafe(16)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}"
        self._running: contextlib.ExitStack | None = None

    def start(self) -> None:
        self._running = contextlib.ExitStack()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it forks beside threads
            self._running.enter_context(
                servers.valkey(self.data, port=self.port, password=self.password, durable=False)
            )
        with self._client() as client:
            self.pid = int(client.info("server")["process_id"])

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._running is not None:
            self.signal(signal.SIGCONT)
            self._running.close()
            self._running = None

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def flush(self) -> None:
        with self._client() as client:
            client.flushall()

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5)


class Stack:
    """Everything that runs, and the one form that is submitted to."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.database_url = database_url
        self.broker = Broker(directory / "valkey")
        self.port = servers.free_port()
        env = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.broker.url,
            "PORT": str(self.port),
            "LEADCRM_DEV": "true",
            "LEADCRM_PLAIN_STATIC": "true",
            "LOG_LEVEL": "WARNING",
        }
        env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        self.env = env
        lines = (ROOT / "Procfile").read_text().splitlines()
        commands = dict(line.split(": ", 1) for line in lines if ": " in line)
        self.web, self.worker, self.beat = (
            Process(name, commands[name], env, directory / f"{name}.log")
            for name in ("web", "fast", "beat")
        )
        self.public_key = ""

    @property
    def processes(self) -> tuple[Process, ...]:
        return self.web, self.worker, self.beat

    def __enter__(self) -> Stack:
        try:
            self.broker.start()
            self._run("manage.py", "migrate", "-v0")
            self.public_key = json.loads(self._run("-m", "tests.chaos.seed"))["public_key"]
            for process in self.processes:
                process.start()
            self.wait_for_web()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        self.broker.stop()

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        url = f"http://127.0.0.1:{self.port}/f/{self.public_key}/config"
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, urllib.error.HTTPError):
                urllib.request.urlopen(url, timeout=5).close()
                return
            time.sleep(0.1)
        raise TimeoutError(f"the web did not answer:\n{self.web.log.read_text()[-3000:]}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@contextlib.contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """A database of its own on a server that runs; dropped afterwards."""
    name = f"chaos_{secrets.token_hex(4)}"
    parts = urlsplit(server_url)
    with psycopg.connect(_named(parts, "postgres"), autocommit=True) as db:
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield _named(parts, name)
    finally:
        with psycopg.connect(_named(parts, "postgres"), autocommit=True) as db:
            db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _named(parts: Any, database: str) -> str:
    # urlunsplit would lose the empty host of a URL whose host is a socket's directory.
    return f"{parts.scheme}://{parts.netloc}/{database}" + (
        f"?{parts.query}" if parts.query else ""
    )


@contextlib.contextmanager
def running_stack(server_url: str) -> Iterator[Stack]:
    with (
        tempfile.TemporaryDirectory(prefix="leadcrm-chaos-") as directory,
        scratch_database(server_url) as database_url,
        Stack(database_url, Path(directory)) as stack,
    ):
        yield stack
