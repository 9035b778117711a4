"""`python -m leadcrm.serve`: bring the database and the files up to date, then run the Procfile.

Runs inside devstack. Once the web answers, the address and the demo's sign-ins are printed.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

from leadcrm import devstack

FIRST_PORT = 8000
PORTS_TRIED = 100
ANSWER_WITHIN = 60.0


def main() -> None:
    """Prepare, then become honcho."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")
    port = choose_port()
    django.setup()
    say("Bringing the database up to date…")
    call_command("migrate", verbosity=0)
    logins = demo_logins()
    collect_static()
    say("Starting web, workers and beat…")
    devstack.note(url=address(port))
    announce(port, logins)
    os.environ["PORT"] = str(port)
    os.environ.setdefault("SITE_URL", f"http://localhost:{port}")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # devstack turns it into SIGTERM for honcho
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "honcho", "--env", os.devnull, "start"])


def say(words: str) -> None:
    """Tell what takes the next seconds."""
    print(words, flush=True)


def choose_port() -> int:
    """PORT where it is set, otherwise the first free port from 8000 on."""
    wanted = os.environ.get("PORT")
    if wanted:
        if not is_free(int(wanted)):
            sys.exit(f"Port {wanted} is taken. Set another PORT, or none to have one found.")
        return int(wanted)
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    sys.exit(f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free.")


def address(port: int) -> str:
    """Where a browser on this machine finds the web."""
    return f"http://localhost:{port}/"


def is_free(port: int) -> bool:
    """Whether the web could listen on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def demo_logins() -> str:
    """Make the demo workspace where there is none; what it says of its sign-ins."""
    say("Looking after the demo workspace…")
    said = io.StringIO()
    call_command("demo", if_empty=True, stdout=said)
    return said.getvalue().strip()


def collect_static() -> None:
    """Gather and compress the static files, unless nothing has changed since the last time."""
    collected = Path(settings.STATIC_ROOT) / "staticfiles.json"
    stamp = Path(settings.VAR_DIR) / "static.sources"
    sources = fingerprint()
    if not collected.exists() or not stamp.exists() or stamp.read_text() != sources:
        say("Collecting the static files…")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(sources)


def fingerprint() -> str:
    """Changes with our static files and with the locked packages that bring others."""
    digest = hashlib.sha256()
    for path in _static_sources():
        stat = path.stat()
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _static_sources() -> Iterator[Path]:
    yield Path(settings.BASE_DIR) / "requirements.txt"
    for root in ("static", "leadcrm", "leads", "integrations"):
        for path in sorted((Path(settings.BASE_DIR) / root).rglob("*")):
            if path.is_file() and "static" in path.parts:
                yield path


def announce(port: int, logins: str) -> None:
    """From a process of its own: say where to go, once the web answers there."""
    if os.fork():
        return
    try:
        if wait_for_answer(port, parent=os.getppid()):
            print(banner(port, logins), flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        os._exit(0)


def wait_for_answer(port: int, *, parent: int) -> bool:
    """Whether the web answered before the time was up or the process that runs it ended."""
    deadline = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < deadline and os.getppid() == parent:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False


def banner(port: int, logins: str) -> str:
    """The address and the sign-ins, framed so that they stand out of the logs."""
    said = [
        f"leadcrm is running: {address(port)}",
        f"Send yourself a lead: {address(port)}demo/",
        "",
        *logins.splitlines(),
        "",
        "Ctrl-C stops it.",
    ]
    rule = "─" * 72
    return "\n".join(["", rule, *(f"  {line}".rstrip() for line in said), rule])


if __name__ == "__main__":
    main()
