"""A small threaded web server on loopback, for the newsroom and the replay of real pages.

It answers GET and HEAD with what a look-up function returns: validators and 304 (RFC 9110 §13), gzip for
clients that accept it, nothing else. It is bound to 127.0.0.1, holds a bounded number of connections, and
ends with its context. Not a server to publish with.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

CONNECTIONS = 128
"""Connections that a server holds at one time; further clients wait."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer: give ``plain`` or ``packed`` (the same bytes, gzip-encoded), or both."""

    plain: bytes = b""
    packed: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    modified: datetime | None = None  # UTC; becomes Last-Modified
    status: int = 200
    tagged: bool = True  # send an ETag
    headers: tuple[tuple[str, str], ...] = ()  # further ones

    @cached_property
    def etag(self) -> str:
        """Weak, because the same page goes out plain and packed."""
        return 'W/"' + hashlib.sha256(self.plain or self.packed).hexdigest()[:20] + '"'

    def encoded(self, *, gzip_accepted: bool) -> tuple[bytes, bool]:
        """The bytes to send, and whether they are gzip-encoded."""
        if gzip_accepted:
            return self.packed or gzip.compress(self.plain, 6, mtime=0), True
        return self.plain or gzip.decompress(self.packed), False


NOT_FOUND = Page(plain=b"<!DOCTYPE html><title>Not found</title><h1>Not found</h1>", status=404)
GONE = Page(plain=b"<!DOCTYPE html><title>Gone</title><h1>This page has been removed</h1>", status=410)

Lookup = Callable[[str], "Page | None"]
"""From a path with its query to the page there; None answers 404."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "newsroom"
    sys_version = ""
    wbufsize = -1  # head and body in one packet …
    disable_nagle_algorithm = True  # … and no wait for an acknowledgement between answers
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.lookup(self.path) or NOT_FOUND
        self.server.count()
        if page.status == 200 and self._is_fresh(page):
            self.send_response(304)
            self._send_validators(page)
            self.end_headers()
            return
        body, packed = page.encoded(gzip_accepted="gzip" in (self.headers.get("Accept-Encoding") or ""))
        self.send_response(page.status)
        self.send_header("Content-Type", page.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Vary", "Accept-Encoding")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        if page.status == 200:
            self._send_validators(page)
        for name, value in page.headers:
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _send_validators(self, page: Page) -> None:
        if page.tagged:
            self.send_header("ETag", page.etag)
        if page.modified is not None:
            self.send_header("Last-Modified", format_datetime(page.modified.replace(microsecond=0), usegmt=True))

    def _is_fresh(self, page: Page) -> bool:
        """Whether what the client holds is what we would send; If-None-Match goes before the date."""
        wanted = self.headers.get("If-None-Match")
        if wanted is not None:
            return page.tagged and page.etag in {tag.strip() for tag in wanted.split(",")}
        since = self.headers.get("If-Modified-Since")
        if since is None or page.modified is None:
            return False
        try:
            return page.modified.replace(microsecond=0) <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the demo's output is for its reader."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, port: int, lookup: Lookup) -> None:
        self.lookup = lookup
        self.answered = 0
        self._counting = threading.Lock()
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(("127.0.0.1", port), _Handler)

    def count(self) -> None:
        with self._counting:
            self.answered += 1

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that hangs up is no event here."""


class WebSite:
    """One site on a port of 127.0.0.1; a context manager that serves while it is open.

    Args:
        lookup: what stands under a path; called from several threads.
        port: 0 chooses a free one.
    """

    def __init__(self, lookup: Lookup, port: int = 0) -> None:
        self._server = _Server(port, lookup)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self.port: int = self._server.server_address[1]
        self.home = f"http://127.0.0.1:{self.port}"

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return self._server.answered

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
