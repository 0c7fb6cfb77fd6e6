"""A web server on the loopback interface that misbehaves as told; it stops with the `with` block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What is served, and what was asked for.

    Args:
        content: the whole file.
        status: answered instead of 200 or 206.
        kind: content type.
        cut: a transfer is broken off after so many bytes, as often as `cuts` says.
        ranges: whether parts are served.
        address: where the server listens.
        moved: an address that every request is led to.
        asked: the Range header of each request ("" for none).
    """

    content: bytes = b""
    status: int | None = None
    kind: str = "application/octet-stream"
    cut: int | None = None
    cuts: int = 1
    ranges: bool = True
    shift: int = 0
    length: bool = True
    address: str = ""
    moved: str = ""
    asked: list[str] = field(default_factory=list)


def _handler(site: Site) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            wanted = self.headers.get("Range") or ""
            site.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start and start >= len(site.content):
                self.send_error(416)
                return
            if site.moved:
                self.send_response(302)
                self.send_header("Location", site.moved)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = site.content[start:]
            self.send_response(site.status or (206 if start else 200))
            self.send_header("Content-Type", site.kind)
            if site.length:
                self.send_header("Content-Length", str(len(body)))
            if start:
                last = len(site.content) - 1
                self.send_header("Content-Range", f"bytes {start + site.shift}-{last}/{last + 1}")
            self.end_headers()
            if site.cut is not None and site.cuts > 0:
                site.cuts -= 1
                body = body[: site.cut]
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    return Handler


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve a site for the length of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_port}/file.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
