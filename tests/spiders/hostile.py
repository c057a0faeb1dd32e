"""A web server on loopback that does evil things, byte by byte; and a catalogue of them.

    with HostileSite() as site:
        site.add(*evil_answers())
        crawl(site_on(site))

Each ``Evil`` says what it does to the client (``act``, which writes to the connection as it likes) and how its page
must end. The connection is closed after each answer. The server listens on all of 127/8, so that a request that
reached an address which is not 127.0.0.1 shows in ``asked``.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

import zstandard

from tests.pipeline.loop_news import story

Act = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"
MAX_BYTES = 600_000
"""What the catalogue's too large answers are larger than."""
TIMEOUT = 2.0
"""Seconds; what its slow answers are slower than."""


class Seen(NamedTuple):
    """One request."""

    address: str  # of ours that was connected to
    host: str
    path: str
    headers: str


@dataclass(kw_only=True)
class HostileSite:
    """A server that hands each connection, its request read, to an act; a context manager."""

    acts: dict[str, Act] = field(default_factory=dict)
    asked: list[Seen] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)  # addresses of ours that were connected to
    port: int = 0
    _listener: socket.socket | None = None

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """The absolute URL of a path."""
        return self.origin + path

    def add(self, *evils: Evil) -> None:
        """Serve each under ``/news/<name>``, and all in a sitemap, with good pages between them."""
        names: list[str] = []
        for number, evil in enumerate(evils):
            self.acts[f"/news/{evil.name}"] = evil.act
            self.acts[f"/news/good-{number}"] = send(answer(story(number).encode()))
            names += [f"good-{number}", evil.name]
        self.acts["/sitemap.xml"] = send(answer(self.list_urls(f"/news/{name}" for name in names), b"application/xml"))

    def list_urls(self, paths: Iterator[str]) -> bytes:
        """A sitemap of paths."""
        entries = "".join(f"<url><loc>{self.url(path)}</loc></url>" for path in paths)
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode()

    def paths(self) -> list[str]:
        """Paths asked for, in order."""
        return [seen.path for seen in self.asked]

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(30)
            address = connection.getsockname()[0]
            self.connected.append(address)
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            head = request.decode("latin-1")
            path = head.split(" ", 2)[1]
            host = next((line[6:] for line in head.split("\r\n") if line.lower().startswith("host: ")), "")
            self.asked.append(Seen(address, host, path, head))
            self.acts.get(path, self.acts.get(path.partition("?")[0], _NOT_FOUND))(connection)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(1)
            while connection.recv(65536):
                pass


def answer(body: bytes, content_type: bytes = b"text/html; charset=utf-8", *headers: bytes) -> bytes:
    """A whole, well-formed response."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + content_type, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + body


def send(*pieces: bytes, pause: float = 0.0) -> Act:
    """Write pieces, with pauses between them."""

    def act(connection: socket.socket) -> None:
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            connection.sendall(piece)

    return act


def flood(start: bytes, piece: bytes, most: int = 40_000_000) -> Act:
    """Write a piece again and again until the client goes away."""

    def act(connection: socket.socket) -> None:
        connection.sendall(start)
        many = piece * max(1, 65536 // len(piece))
        for _ in range(most // len(many)):
            connection.sendall(many)

    return act


def redirect(to: str | bytes) -> Act:
    """Send the client elsewhere."""
    location = to.encode() if isinstance(to, str) else to
    return send(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


_NOT_FOUND = send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _drip(data: bytes, step: int, pause: float) -> Act:
    return send(*(data[at : at + step] for at in range(0, len(data), step)), pause=pause)


@dataclass(frozen=True, kw_only=True)
class Evil:
    """One evil thing, and how the page that does it must end.

    Args:
        name: the last part of its URL.
        act: what it does.
        reason: of the crawl ("failed: too large"); None: it is captured.
        kind: of the finding, for a captured page; None: whichever, as long as there is one.
        text: what the reason of the finding has in it.
    """

    name: str
    act: Act
    reason: str | None = None
    kind: str | None = None
    text: str = ""


def failing(name: str, act: Act, reason: str) -> Evil:
    """One whose page fails in the crawl."""
    return Evil(name=name, act=act, reason=f"failed: {reason}")


def evil_answers() -> list[Evil]:
    """What a server can do to HTTP, to time and to size."""
    plain = story(1).encode()
    whole = answer(plain)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(plain), plain)
    half = gzip.compress(plain)[:300]
    zeros = gzip.compress(b"<p>" + b"\0" * 20_000_000)
    malformed = [
        ("endless-headers", flood(OK, b"X-Pad: 0123456789\r\n")),
        ("many-headers", send(OK + b"a:\r\n" * 5000 + b"Content-Length: 2\r\n\r\nok")),
        ("long-header", flood(OK + b"X: ", b"0123456789")),
        ("long-status", flood(b"HTTP/1.1 200 ", b"OK ")),
        ("interim-flood", flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n")),
        ("switch", send(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n" * 3)),
        ("two-lengths", send(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nbody")),
        ("length-words", send(OK + b"Content-Length: abc\r\n\r\nbody")),
        ("length-negative", send(OK + b"Content-Length: -5\r\n\r\nbody")),
        ("http-0.9", send(b"<html><body>" + plain)),
        ("http-3", send(b"HTTP/x.y 200 OK\r\n\r\n")),
        ("status-words", send(b"HTTP/1.1 OK 200\r\n\r\n")),
        ("status-empty", send(b"HTTP/1.1\r\n\r\n")),
        ("status-escape", send(b"HTTP/1.1 2\x1b[31m0 \x07\r\n\r\n")),
        ("status-0", send(b"HTTP/1.1 000 Hm\r\nContent-Length: 2\r\n\r\nok")),
        ("status-minus", send(b"HTTP/1.1 -1 Hm\r\nContent-Length: 2\r\n\r\nok")),
        ("status-long", send(b"HTTP/1.1 %s Hm\r\nContent-Length: 2\r\n\r\nok" % (b"9" * 50))),
        ("garbage", send(random.Random(1).randbytes(5000))),
        ("coding-zebra", send(OK + b"Transfer-Encoding: zebra\r\n\r\nbody")),
        ("chunk-words", send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody")),
        ("fold-first", send(OK + b" folded: before any\r\nContent-Length: 2\r\n\r\nok")),
    ]
    return [
        *(failing(name, act, "") for name, act in malformed),
        failing("nothing", send(b""), ""),
        failing("silent", send(b"", b"", pause=20), "time-out"),
        failing("slow-head", _drip(OK + b"X: y\r\n" * 50, 1, 0.1), "time-out"),
        failing("slow-body", _drip(whole, 40, 0.3), "time-out"),
        failing("length-too-long", send(OK + HTML + b"Content-Length: 100000\r\n\r\n" + plain), "cut short"),
        failing("length-huge", flood(OK + b"Content-Length: 1000000000000\r\n\r\n", b"x" * 1000), "too large"),
        failing("no-length-endless", flood(OK + HTML + b"\r\n", b"<p>endless</p>"), "too large"),
        failing(
            "chunks-endless", flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"a\r\n0123456789\r\n"), "too large"
        ),
        failing(
            "trailer-flood",
            flood(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", b"X-Trailer: 0123456789\r\n"),
            "",
        ),
        failing(
            "chunk-extension-flood", flood(OK + b"Transfer-Encoding: chunked\r\n\r\n2;x=", b"0123456789"), ""
        ),
        failing(
            "chunk-too-long",
            send(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\nshort", b"", pause=0.1),
            "cut short",
        ),
        Evil(name="length-too-short", act=send(OK + HTML + b"Content-Length: 9\r\n\r\n" + plain)),
        Evil(name="both-framings", act=send(OK + HTML + b"Content-Length: 3\r\n" + chunked), kind="article"),
        Evil(name="folded", act=send(answer(plain, b"text/html;\r\n charset=utf-8\r\nX-A: 1\r\n\t2")), kind="article"),
        Evil(name="no-colon", act=send(answer(plain, b"text/html", b"this line has none", b"X"))),
        Evil(name="space-before-colon", act=send(answer(plain, b"text/html", b"X-A : b", b": empty"))),
        Evil(name="bare-lf", act=send(answer(plain).replace(b"\r\n", b"\n", 6))),
        Evil(name="bare-cr", act=send(answer(plain, b"text/html", b"X: a\rSet-Cookie: b\rc"))),
        Evil(name="nul-header", act=send(answer(plain, b"text/html", b"X:\0\x1b[2J\x7f", b"\0\xff: y"))),
        Evil(name="repeated", act=send(answer(plain, b"text/html", *(b"Content-Type: image/png",) * 50))),
        Evil(name="etag-escape", act=send(answer(plain, b"text/html", b"ETag: \"\x1b[31m\xff" + b"x" * 9000 + b'"'))),
        Evil(name="status-999", act=send(b"HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n"), kind="failed"),
        Evil(name="status-306", act=send(b"HTTP/1.1 306 Hm\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")),
        Evil(name="unasked-304", act=send(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
        Evil(name="unasked-206", act=send(b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nok")),
        Evil(name="gzip-bomb", act=send(answer(zeros, b"text/html", b"Content-Encoding: gzip")), text="too large"),
        Evil(
            name="gzip-twice",
            act=send(answer(gzip.compress(zeros), b"text/html", b"Content-Encoding: gzip, gzip")),
            text="too large",
        ),
        Evil(
            name="gzip-many",
            act=send(answer(zeros, b"text/html", b"Content-Encoding: " + b"gzip, " * 40 + b"gzip")),
            text="coding",
        ),
        Evil(
            name="zstd-bomb",
            act=send(answer(zstandard.compress(b"\0" * 20_000_000), b"text/html", b"Content-Encoding: zstd")),
            text="too large",
        ),
        Evil(
            name="deflate-bomb",
            act=send(answer(zlib.compress(b"\0" * 20_000_000), b"text/html", b"Content-Encoding: deflate")),
            text="too large",
        ),
        Evil(name="br-lie", act=send(answer(plain, b"text/html", b"Content-Encoding: br")), text="coding"),
        Evil(name="coding-x", act=send(answer(plain, b"text/html", b"Content-Encoding: \x1b[31mx")), text="coding"),
        Evil(name="gzip-half", act=send(answer(half, b"text/html", b"Content-Encoding: gzip")), text="coding"),
        Evil(
            name="gzip-tail",
            act=send(answer(gzip.compress(plain) + b"tail" * 99, b"text/html", b"Content-Encoding: gzip")),
            kind="article",
        ),
        Evil(name="gzip-lie", act=send(answer(plain, b"text/html", b"Content-Encoding: gzip")), kind="article"),
        failing("loop", redirect("/news/loop"), "redirect loop"),
        Evil(name="off-site", act=redirect("http://127.0.0.2/"), reason="excluded: off-site redirect"),
        Evil(name="to-user", act=redirect("http://a:b@127.0.0.1/"), kind="failed"),
        Evil(name="to-file", act=redirect("file:///etc/passwd"), kind="failed"),
        Evil(name="to-script", act=redirect("javascript:alert(1)"), kind="failed"),
        Evil(name="to-data", act=redirect("data:text/html,<p>x"), kind="failed"),
        Evil(name="to-long", act=redirect("/" + "a" * 10_000), kind="failed"),
        Evil(name="to-nul", act=redirect(b"/news/\0\x1b[31m\xff\xfe"), kind="gone"),
        Evil(name="to-split", act=redirect("/news/x%0d%0aSet-Cookie:%20a=b"), kind="gone"),
    ]  # fmt: skip


def evil_pages() -> list[Evil]:
    """What a page can do to whoever reads it, in well-formed answers of no more than ``MAX_BYTES``."""
    plain = story(2)
    head, _, body = plain.partition("<body>")
    people = [{"@type": "Person", "name": f"Jane {chr(97 + n % 26)}{n}"} for n in range(10_000)]
    graph = {
        "@graph": [{"@id": "a", "@type": "NewsArticle", "author": {"@id": "b"}}, {"@id": "b", "author": {"@id": "a"}}]
    }
    proto = {
        "__proto__": {"x": 1}, "constructor": {"prototype": 1}, "__class__": "x", "@type": "NewsArticle",
        "headline": {"__proto__": "x"}, "author": [[[{"name": {"name": 1}}]]], "datePublished": [{"a": 1}],
    }  # fmt: skip

    def with_data(data: object) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data)
        return f'{head}<body><script type="application/ld+json">{text}</script>{body}'.encode()

    pages: dict[str, tuple[bytes, str | None]] = {
        "levels": ((plain[:400] + "<div>" * 48_000 + body).encode(), None),
        "levels-mixed": ((plain[:400] + "<table><tr><td><b><a href=x>" * 9_000 + body).encode(), None),
        "one-line": (b"<p>" + b"a" * 390_000, "not-an-article"),
        "one-space": (b"<p>" + b" " * 390_000 + b"x", "not-an-article"),
        "elements": ((plain + "<p>" * 90_000).encode(), "failed"),
        "attributes": ((plain + "<p " + " ".join(f"a{n}=x" for n in range(40_000)) + ">").encode(), "failed"),
        "brackets": (b"<" * 390_000, "failed"),
        "authors": (with_data({"@type": "NewsArticle", "author": people}), "article"),
        "proto": (with_data(proto), "article"),
        "data-deep": (with_data("[" * 90_000 + "]" * 90_000), "article"),
        "data-deep-objects": (with_data('{"@graph":' * 30_000 + "1" + "}" * 30_000), "article"),
        "data-cycle": (with_data(graph), "article"),
        "data-number": (with_data('{"@type":"NewsArticle","datePublished":' + "9" * 300_000 + "}"), "article"),
        "data-commas": (with_data("[" + ", " * 150_000 + "]"), "article"),
        "bidi": (plain.replace("<h1>", "<h1>\u202egnip\u202c\u2066 \x9b31m\x07 ").encode(), "article"),
        "bidi-text": (plain.replace("</p>", " \u202eright\u202c \u2067left \x9b2J \U000e0041</p>").encode(), "article"),
        "nul": (plain.replace(" ", " \0").encode(), None),
        "invalid": (plain.encode().replace(b" the ", b" \xff\xfe\x80 the "), "article"),
        "accents": ((plain + "<p>e" + "\u0301\u0327" * 90_000).encode(), None),
        "ligatures": (plain.replace("<h1>", "<h1>" + "\ufdfa" * 9000).encode(), None),
        "entities": (
            ('<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa">'
             + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
             + '<!ENTITY x SYSTEM "file:///etc/passwd">]>' + plain.replace("<p>", "<p>&a9; &x; ")).encode(),
            "article",
        ),
        "links": ((head + "<body>" + "<p><a href=/x>some link text here ok</a></p>" * 8000).encode(), None),
        "bylines": ((plain + "<a rel=author class=author href=/author>x y</a>" * 7000).encode(), None),
        "times": ((plain + "<time>99 jan jan 2099</time>" * 9000).encode(), None),
        "options": ((plain + "<select>" + "<option>x" * 40_000).encode(), None),
        "comments": ((plain + "<!--" * 90_000).encode(), None),
        "separators": (plain.replace("<h1>", "<h1>" + " - a | b: c" * 9000).encode(), None),
    }  # fmt: skip
    evils = [Evil(name=name, act=send(answer(data)), kind=kind) for name, (data, kind) in pages.items()]
    types: dict[str, tuple[bytes, bytes]] = {
        "type-image": (plain.encode(), b"image/png"),
        "type-none": (plain.encode(), b""),
        "type-garbage": (plain.encode(), b"\x1b[31m\xff/\0; charset=\x07"),
        "type-long": (plain.encode(), b"text/" + b"x" * 5000),
        "charset-utf-7": (plain.encode() + b"+ADw-script+AD4-", b"text/html; charset=utf-7"),
        "charset-none": (plain.encode(), b"text/html; charset=no-such"),
        "charset-zip": (plain.encode(), b"text/html; charset=zlib_codec"),
        "charset-idna": (plain.encode(), b"text/html; charset=idna"),
        "charset-utf-16": (plain.encode("utf-16-le"), b"text/html; charset=utf-8"),
        "charset-utf-32": (plain.encode(), b"text/html; charset=utf-32"),
        "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 9000, b"text/html"),
        "document": (b"%PDF-1.7" + b"\0" * 9000, b"text/html"),
        "noise": (random.Random(2).randbytes(300_000), b"text/html"),
        "empty": (b"", b"text/html"),
    }
    return evils + [Evil(name=name, act=send(answer(data, kind))) for name, (data, kind) in types.items()]
