"""`python -m leadcrm.devstack [--join] COMMAND…`: a command with PostgreSQL and Valkey beside it.

Servers are started, under var/, for whichever of DATABASE_URL and REDIS_URL is unset, and stopped
with the command. With --join a stack that runs already is used, as `make shell` does beside
`make run`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from leadcrm import servers

VAR = Path(__file__).resolve().parent.parent / "var"
STATE = VAR / "devstack.json"
MARK = "LEADCRM_STACK"  # in the environment of everything that a stack runs
URLS = ("DATABASE_URL", "REDIS_URL")
PATIENCE = 8  # seconds between asking and killing; honcho has 5 for its own
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AlreadyRunning(Exception):
    """Another process holds the lock."""


def main(argv: list[str]) -> int:
    """Run the command with servers beside it; its exit code is ours."""
    join = argv[:1] == ["--join"]
    command = argv[1:] if join else argv
    if not command:
        sys.exit(__doc__)
    os.environ.setdefault("LEADCRM_DEV", "true")
    try:
        with contextlib.ExitStack() as stack:
            stop_on_signals()
            if not all(os.environ.get(name) for name in URLS):
                start_or_join(stack, join=join)
            return run(command)
    except (AlreadyRunning, servers.ServerFailed) as problem:
        print(problem, file=sys.stderr)
        return 1


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel releases however this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(path) from None
        yield


def start_or_join(stack: contextlib.ExitStack, *, join: bool) -> None:
    """Set the URLs that are unset: of servers started here, or of the stack that runs already."""
    try:
        stack.enter_context(hold(VAR / "devstack.lock"))
    except AlreadyRunning:
        running = _running_stack()
        if not join:
            where = running.get("url", "the address that it printed")
            raise AlreadyRunning(
                f"leadcrm is running already in this directory: open {where}, or stop it with "
                f"Ctrl-C where it was started (process {running['pid']})."
            ) from None
        for name in URLS:
            os.environ.setdefault(name, running[name])
        return
    STATE.unlink(missing_ok=True)  # left by a run that was killed, as its processes may be
    servers.end(servers.marked(MARK, str(VAR)))
    os.environ[MARK] = str(VAR)
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = stack.enter_context(servers.postgres(VAR / "pg18"))
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = stack.enter_context(servers.valkey(VAR / "valkey"))
    stack.callback(STATE.unlink, missing_ok=True)
    _write_state({"pid": str(os.getpid()), **{name: os.environ[name] for name in URLS}})


def note(**facts: str) -> None:
    """Add to what others read of the stack that runs."""
    if STATE.exists():
        _write_state({**json.loads(STATE.read_text()), **facts})


def _running_stack() -> dict[str, str]:
    """What the lock's holder wrote; it writes once its servers answer."""
    deadline = time.monotonic() + servers.START_TIMEOUT
    while not STATE.exists():
        if time.monotonic() > deadline:
            raise AlreadyRunning("Another run is starting or stopping here and does not finish.")
        time.sleep(0.1)
    facts: dict[str, str] = json.loads(STATE.read_text())
    return facts


def _write_state(facts: dict[str, str]) -> None:
    draft = STATE.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(facts))
    draft.replace(STATE)


def stop_on_signals() -> None:
    """Until the command runs, a signal to stop unwinds what has been started."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in STOPPING:
        signal.signal(number, leave)


def run(command: list[str]) -> int:
    """Run the command to its end; when it stopped because it was asked to, that is success."""
    servers.adopt_orphans()
    before = servers.descendants()
    asked: list[int] = []
    child = subprocess.Popen(command, preexec_fn=servers.end_with_parent(signal.SIGTERM))

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        # A terminal has told the whole process group already.
        if number == signal.SIGINT and sys.stdin.isatty():
            return
        child.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
        if number != signal.SIGINT:
            signal.alarm(PATIENCE)

    for number in STOPPING:
        signal.signal(number, pass_on)
    # honcho hangs for good when it can't write "SIGTERM received" to a terminal that is gone.
    signal.signal(signal.SIGALRM, lambda number, frame: child.kill())
    watch_terminal()
    code = child.wait()
    servers.end(servers.descendants() - before)
    code = code if code >= 0 else 128 - code
    return 0 if asked and code in {128 + number for number in STOPPING} else code


def watch_terminal() -> None:
    """Take a terminal that is gone for SIGHUP, which the kernel sends to make alone."""
    if not sys.stdin.isatty():
        return

    def wait_for_hangup() -> None:
        terminal = select.poll()
        terminal.register(sys.stdin.fileno(), 0)  # reports nothing but a hang-up
        terminal.poll()
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait_for_hangup, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
