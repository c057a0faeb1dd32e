"""A web site on loopback for tests: real sockets, scripted replies, and a log of what was asked.

Not a server to publish with: it holds everything in memory and trusts its caller. Pages are set in
``routes`` before or while it runs:

    with LoopbackSite() as site:
        site.routes["/news/1"] = Reply(body=b"<html>…")          # a fixed reply
        site.routes["/feed"] = lambda asked: Reply(body=…)       # one made per request
        site.page("/news/2", "<p>text</p>")                      # short for an HTML page
        fetch(site.url("/news/1"))
        assert site.paths() == ["/news/1"]

Unknown paths answer 404 (so does ``/robots.txt``, which then allows everything). ``validators=True`` gives each
200 an ETag and answers a matching If-None-Match with 304; ``gzip=True`` compresses for clients that accept it.
"""

from __future__ import annotations

import gzip as gzip_format
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import responses as reasons
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str  # with the query
    headers: Mapping[str, str]  # names in lower case; of repeated headers the last
    at: float  # time.monotonic() when it was read
    host: str  # the Host header

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        return self.headers.get(name.lower())


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server answers.

    Args:
        status: HTTP status.
        headers: sent in this order, repeated names kept; Content-Length and Date are added unless given.
        body: bytes as sent (compress it yourself when ``content-encoding`` is among the headers).
        content_type: added when no Content-Type is among the headers; empty adds none.
        delay: seconds to wait before the first byte.
        chunked: sends the body with chunked transfer encoding.
        drop_after: closes the connection (reset) after so many bytes of the body; 0 before anything is sent.
        length: what Content-Length says when that is not the truth.
        raw: the whole response, status line and all, sent as it is; the connection is closed after it.
        keep: the connection stays open after ``raw``.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = HTML
    delay: float = 0.0
    chunked: bool = False
    drop_after: int | None = None
    length: int | None = None
    raw: bytes | None = None
    keep: bool = False

    def has(self, name: str) -> bool:
        """Whether a header of that name is among ``headers``."""
        return any(given.lower() == name for given, _ in self.headers)


Route = Reply | Callable[[Asked], Reply]

NOT_FOUND = Reply(status=404, body=b"<html><body><h1>Not found</h1></body></html>")


@dataclass(kw_only=True)
class LoopbackSite:
    """A threaded HTTP/1.1 server on 127.0.0.1; a context manager.

    Args:
        routes: path (with its query, or without one as a fallback) to reply.
        validators: add ETags, answer 304.
        gzip: compress bodies for clients that accept gzip.
        port: 0 takes a free one.
        tls: serve https with this.
    """

    routes: dict[str, Route] = field(default_factory=dict)
    validators: bool = False
    gzip: bool = False
    port: int = 0
    tls: ssl.SSLContext | None = None
    requests: list[Asked] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:<port>``, or https."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """``127.0.0.1:<port>``."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        """The absolute URL of a path."""
        return self.origin + path

    def page(self, path: str, html: str, **headers: str) -> str:
        """Serve an HTML page; returns its URL. ``last_modified="…"`` becomes the header Last-Modified."""
        pairs = tuple((name.replace("_", "-").title(), value) for name, value in headers.items())
        self.routes[path] = Reply(body=html.encode(), headers=pairs)
        return self.url(path)

    def paths(self) -> list[str]:
        """Paths asked for so far, in order."""
        return [asked.path for asked in list(self.requests)]

    def asked(self, path: str) -> list[Asked]:
        """Requests for one path, in order."""
        return [asked for asked in list(self.requests) if asked.path == path]

    def start(self) -> Self:
        """Listen and serve in the background."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.site = self  # type: ignore[attr-defined]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; open connections are left to die with their clients."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, asked: Asked) -> Reply:
        """The reply to a request, with validators and compression applied."""
        route = self.routes.get(asked.path)
        if route is None:
            route = self.routes.get(urlsplit(asked.path).path, NOT_FOUND)
        reply = route if isinstance(route, Reply) else route(asked)
        if reply.raw is not None or reply.status != 200:
            return reply
        if self.validators and not reply.has("etag"):
            etag = '"' + hashlib.sha256(reply.body).hexdigest()[:16] + '"'
            reply = replace(reply, headers=(*reply.headers, ("ETag", etag)))
        given = {name.lower(): value for name, value in reply.headers}
        if self.validators and asked.header("if-none-match") == given.get("etag"):
            names = ("etag", "last-modified", "cache-control")
            kept = tuple(pair for pair in reply.headers if pair[0].lower() in names)
            return Reply(status=304, headers=kept, content_type="")
        if self.gzip and "gzip" in (asked.header("accept-encoding") or "") and "content-encoding" not in given:
            body = gzip_format.compress(reply.body, 6, mtime=0)
            reply = replace(reply, body=body, headers=(*reply.headers, ("Content-Encoding", "gzip")))
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per response: many small ones meet Nagle and delayed acknowledgement
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        site: LoopbackSite = self.server.site  # type: ignore[attr-defined]
        asked = Asked(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            at=time.monotonic(),
            host=self.headers.get("Host", ""),
        )
        site.requests.append(asked)
        reply = site.answer(asked)
        if reply.delay:
            time.sleep(reply.delay)
        with suppress(OSError):
            self._send(reply)

    do_HEAD = do_GET
    do_POST = do_GET

    def _send(self, reply: Reply) -> None:
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = not reply.keep
            return
        if reply.drop_after == 0:
            self._reset()
            return
        self.wfile.write(self._head(reply))
        body = reply.body
        if self.command == "HEAD" or reply.status in (204, 304):
            body = b""
        elif reply.chunked and reply.drop_after is None:
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in _parts(reply.body)) + b"0\r\n\r\n"
        if reply.drop_after is not None:
            self.wfile.write(body[: reply.drop_after])
            self._reset()
            return
        self.wfile.write(body)
        if reply.length is not None and reply.length != len(body):
            self.close_connection = True

    def _head(self, reply: Reply) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} {reasons.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if not reply.has("date"):
            lines.append(f"Date: {self.date_time_string()}")
        if reply.content_type and not reply.has("content-type"):
            lines.append(f"Content-Type: {reply.content_type}")
        if reply.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif reply.status not in (204, 304) and not reply.has("content-length"):
            lines.append(f"Content-Length: {len(reply.body) if reply.length is None else reply.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _reset(self) -> None:
        with suppress(OSError):
            self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Requests are in ``LoopbackSite.requests``; nothing is printed."""


def _parts(body: bytes, size: int = 8192) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.fixture
def loopback() -> Iterator[LoopbackSite]:
    """An empty site on loopback, stopped when the test ends."""
    with LoopbackSite() as site:
        yield site
