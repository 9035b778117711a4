"""A customer's website for the browser: a tiny server of its own origin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ForeignSite:
    """Pages by path, headers for all of them, and the bodies that were posted here."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(handler.path.partition("?")[0])
        handler.send_response(200 if page is not None else 404)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(f"<!doctype html><meta charset=utf-8>{page or ''}".encode())


@contextmanager
def foreign_site() -> Iterator[ForeignSite]:
    """Run the site on the loopback; another host name than the product's makes it a foreign one."""
    site = ForeignSite()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            site.posted.append(self.rfile.read(length).decode())
            site.answer(self)

        def log_message(self, *args: object) -> None:
            """Nothing of this belongs into a test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
