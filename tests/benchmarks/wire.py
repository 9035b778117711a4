"""An HTTP client that costs little: one socket that stays open, requests made beforehand."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT = 60


class Refused(Exception):
    """An answer wasn't the one that the plan expects: its figure would mean nothing."""


def bytes_of(request: dict[str, Any], port: int) -> bytes:
    """A request of the plan as it goes over the wire."""
    body = request.get("body", "").encode()
    lines = [
        f"{request.get('method', 'GET')} {request['path']} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{name}: {value}" for name, value in request.get("headers", {}).items()),
    ]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Wire:
    """A connection to a server, opened again whenever the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; returns the status and the body of the answer."""
        for _ in range(2):
            try:
                return self._ask(request)
            except (ConnectionError, IndexError):
                self.close()  # an idle connection was closed at the other end
        raise Refused(f"no answer to {request[:200]!r}")

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head, _, body = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        headers = head.lower()
        length = int(headers.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._more()
        if b"connection: close" in headers:
            self.close()
        return status, body

    def _until(self, mark: bytes) -> bytes:
        found = self._more()
        while mark not in found:
            found += self._more()
        return found

    def _more(self) -> bytes:
        assert self.socket is not None
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError
        return data


def timed(wire: Wire, request: bytes) -> tuple[float, int, bytes]:
    """Seconds from sending to the last byte of the answer, its status and its body."""
    started = time.perf_counter()
    status, body = wire.ask(request)
    return time.perf_counter() - started, status, body


@dataclass(frozen=True)
class Rush:
    """What several clients got answered in a while."""

    answered: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def rush(port: int, requests: Sequence[bytes], clients: int, seconds: float, status: int) -> Rush:
    """Send requests, each once, from so many clients at the same time, for so long."""
    queue = iter(requests)
    lock = threading.Lock()
    answered = [0] * clients
    failures: list[str] = []
    started = time.perf_counter()

    def work(number: int) -> None:
        wire = Wire(port)
        while time.perf_counter() - started < seconds:
            with lock:
                request = next(queue, None)
            if request is None:
                failures.append("more requests are needed for this time")
                return
            got, body = wire.ask(request)
            if got != status:
                failures.append(f"{got} instead of {status}: {body[:200]!r}")
                return
            answered[number] += 1
        wire.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Refused(failures[0])
    return Rush(sum(answered), time.perf_counter() - started)
