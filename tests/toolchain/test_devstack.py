"""Starting, joining, stopping and surviving a kill, on data directories of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

LEFT_BEHIND = f"sleep 300.{os.getpid()}"
ROOT = Path(__file__).resolve().parents[2]


Stack = subprocess.Popen[str]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Somebody's checkout, in a folder whose name has a space."""
    checkout = tmp_path / "lead crm"
    checkout.mkdir()
    (checkout / "leadcrm").symlink_to(ROOT / "leadcrm")
    (checkout / "stack.py").write_text(
        "import sys; from pathlib import Path; from leadcrm import devstack\n"
        "devstack.VAR = Path(__file__).parent / 'var'\n"
        "devstack.STATE = devstack.VAR / 'devstack.json'\n"
        "sys.exit(devstack.main(sys.argv[1:]))\n"
    )
    return checkout


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[..., Stack]]:
    """Start devstack there; what still runs when the test ends is stopped."""
    started: list[Stack] = []
    unset = ("DATABASE_URL", "REDIS_URL")

    def start(*command: str) -> Stack:
        process = subprocess.Popen(
            [sys.executable, "stack.py", *command],
            cwd=checkout,
            env={name: value for name, value in os.environ.items() if name not in unset},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def finish(process: Stack) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def urls_of(checkout: Path, stack: Stack) -> dict[str, str]:
    """What this stack writes once its servers answer."""
    state = checkout / "var" / "devstack.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        facts: dict[str, str] = json.loads(state.read_text()) if state.exists() else {}
        if facts.get("pid") == str(stack.pid):
            return facts
        time.sleep(0.05)
    raise AssertionError("the stack did not start")


def pids(pattern: str) -> list[str]:
    """The processes whose command line matches."""
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True)
    return found.stdout.decode().split()


def test_its_life(checkout: Path, start: Callable[..., Stack]) -> None:
    """One story, because each start of a new cluster takes seconds."""
    code, said = finish(start("sh", "-c", "echo $DATABASE_URL; exit 7"))
    assert code == 7
    assert said.startswith("postgresql://")

    running = start("sleep", "300")
    urls = urls_of(checkout, running)
    with psycopg.connect(urls["DATABASE_URL"]) as db:
        db.execute("CREATE TABLE kept (word text)")
    code, said = finish(start("true"))
    assert code == 1
    assert "running already in this directory: open the address that it printed" in said
    assert str(running.pid) in said
    code, said = finish(start("--join", "sh", "-c", "echo $DATABASE_URL"))
    assert (code, said.strip()) == (0, urls["DATABASE_URL"])

    running.send_signal(signal.SIGTERM)
    assert finish(running)[0] == 0
    assert not pids(f"postgres -D {checkout}")

    running = start("sh", "-c", f"setsid {LEFT_BEHIND} & exec sleep 300")
    urls_of(checkout, running)
    running.kill()
    running.wait()
    assert pids(f"^{LEFT_BEHIND}")
    again = start("sh", "-c", f"setsid {LEFT_BEHIND} & exec sleep 300")
    with psycopg.connect(urls_of(checkout, again)["DATABASE_URL"]) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert len(pids(f"^{LEFT_BEHIND}")) == 1
    again.send_signal(signal.SIGINT)
    assert finish(again)[0] == 0
    assert not pids(f"^{LEFT_BEHIND}")
    assert not pids(f"postgres -D {checkout}")
