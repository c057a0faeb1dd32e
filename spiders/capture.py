"""The downloader below Scrapy's own: what came over the wire, before anything is undone.

``CaptureHandler`` is Scrapy's HTTP/1.1 handler with five differences: it keeps the response's head exactly as it was
received (status line, order, spelling and repetitions of headers) and the request's as it was sent; it hands
over the body still content-encoded; it refuses connections to addresses that are not public and to odd ports
(``spiders.guard``) before a byte is sent; a body that is too large, too slow or cut short is handed over as far as it
is evidence (``Received.truncated``); and it keeps count of what it hands over, so that a lost exchange shows.

It does not write: the spider knows what an exchange was for, and records it (``spiders.warc``). Because Twisted
offers no public way to the bytes of a head, this module alone reaches into its parser; the tests that compare
heads byte by byte fail if a new version moves things.
"""
# ruff: noqa: SLF001, N802

from __future__ import annotations

import re
import select
from collections.abc import Collection
from functools import partial
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
    _ScrapyAgent,
)
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError
from scrapy.http import Response
from scrapy.logformatter import LogFormatter
from scrapy.utils._download_handlers import wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, HTTP11ClientProtocol, ParseError, RequestNotSent
from twisted.web._newclient import Request as TxRequest
from twisted.web.client import ResponseDone, _HTTP11ClientFactory
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from spiders.guard import AddressRefused, PortRefused, find_refused_name, refuse_address, refuse_port, refuse_url

LARGEST_HEAD = 256 * 1024
"""A response whose status line and headers are longer is broken off; interim (1xx) answers before it count too."""
MOST_HEADERS = 1000
"""So is one with more lines of headers."""
EVIDENCE_BYTES = 256 * 1024
"""So much of a body that was broken off is kept: enough to see what it was, too little to fill an archive with."""

_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2

Truncated = Literal["length", "time", "disconnect"]
"""Why a body is not whole, in the words of WARC-Truncated (ISO 28500, 5.13)."""


class Received(Response):
    """A response as received. ``headers`` is empty: read them with ``header``."""

    head: bytes = b""  # status line and headers with the empty line, CRLF ends
    sent: bytes = b""  # the request's head as sent
    peer: str | None = None  # IP address that answered
    truncated: Truncated | None = None  # the body is not whole, and cut to EVIDENCE_BYTES

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, or None; latin-1."""
        values = self.header_values(name)
        return values[0] if values else None

    def header_values(self, name: str) -> list[str]:
        """The values of all headers of that name; those written over several lines (obs-fold) as one line."""
        wanted = name.lower().encode()
        values: list[bytes] = []
        ours = False
        for line in self.head.split(b"\r\n")[1:]:
            if line[:1] in (b" ", b"\t"):
                if ours:
                    values[-1] += b" " + line.strip()
                continue
            given, colon, value = line.partition(b":")
            ours = bool(colon) and given.strip().lower() == wanted  # some servers write a space before the colon
            if ours:
                values.append(value.strip())
        return [value.decode("latin-1") for value in values]


class HeadTooLarge(Exception):
    """Status line and headers are longer than ``LARGEST_HEAD``, or more than ``MOST_HEADERS``."""


class Tally:
    """What went through the handler, and what it lets through; belongs to the spider's job."""

    def __init__(self, *, allow_private: bool, hosts: Collection[str] = ()) -> None:
        self.allow_private = allow_private
        self.hosts = hosts  # with the ports that the site's file names
        self.requests = 0
        self.yielded = 0
        self.bytes_received = 0


class CaptureHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP/1.1 download handler, handing over ``Received`` responses."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._tally: Tally = cast("Any", crawler.spider).job.tally  # settings are copied, a tally must not be
        self._pool._factory = cast("Any", partial(_CaptureFactory, self._tally))

    async def download_request(self, request: Request) -> Response:
        """Fetch; raises Scrapy's download errors, and AddressRefused."""
        if not self._tally.allow_private and (reason := refuse_url(request.url)):
            raise AddressRefused(reason)
        if reason := refuse_port(request.url, self._tally.hosts):
            raise PortRefused(reason)
        agent = _CaptureAgent(
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            fail_on_dataloss=True,
            crawler=self._crawler,
        )
        self._tally.requests += 1
        try:
            with wrap_twisted_exceptions():
                received = await maybe_deferred_to_future(agent.download_request(request))
        except CannotResolveHostError as error:
            if reason := find_refused_name(urlsplit(request.url).hostname or ""):
                raise AddressRefused(reason) from error
            raise
        except DownloadTimeoutError:
            late = agent.take_late(request.url)
            if late is None:
                raise
            received = late
        self._tally.yielded += 1
        self._tally.bytes_received += len(received.body)
        return received


class _CaptureAgent(_ScrapyAgent):
    """Scrapy's agent with a reader of its own: no signal for each piece of a body, and what came is not lost."""

    _reader: _BodyReader | None = None

    def _cb_bodyready(self, txresponse: Any, request: Request) -> Any:  # noqa: ARG002 - Scrapy's signature
        self._txresponse = txresponse
        told = txresponse.length  # a number, or Twisted's word for "unknown"
        too_large = isinstance(told, int) and told > self._maxsize
        self._reader = reader = _BodyReader(
            txresponse, min(EVIDENCE_BYTES, self._maxsize) if too_large else self._maxsize
        )
        if txresponse.length == 0:
            return reader  # deliverBody would wait for ever
        reader.finished = Deferred(reader.abort)
        txresponse.deliverBody(reader)
        return reader.finished

    def _cb_bodydone(self, result: Any, url: str) -> Response:
        return cast("_BodyReader", result).make_received(url)

    def take_late(self, url: str) -> Received | None:
        """What had come when time was up; None when not even the head had."""
        if self._reader is None:
            return None
        self._reader.truncated = self._reader.truncated or "time"
        return self._reader.make_received(url)


class _BodyReader(Protocol):
    """Collects a body up to the limit."""

    finished: Deferred[_BodyReader] | None = None
    truncated: Truncated | None = None

    def __init__(self, txresponse: Any, limit: int) -> None:
        self._response = txresponse
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def make_received(self, url: str) -> Received:
        """The response with what came of its body."""
        answer = self._response
        body = b"".join(self._parts)
        received = Received(
            url=url, status=int(answer.code), body=body if self.truncated is None else body[:EVIDENCE_BYTES]
        )
        received.head = answer._muniment_head
        received.sent = answer._muniment_sent
        received.peer = answer._muniment_peer
        received.truncated = self.truncated
        return received

    def abort(self, _: object = None) -> None:
        """End the connection at once."""
        self._response._transport._producer.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        if self.finished is None or self.finished.called:
            return  # what was under way when it ended
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._end("length")
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished is None or self.finished.called:
            return
        # PotentialDataLoss: a body without a length ends with the connection, and nobody can know more.
        whole = reason.check(ResponseDone, PotentialDataLoss)  # type: ignore[no-untyped-call]
        self._end(None if whole else "disconnect")

    def _end(self, truncated: Truncated | None) -> None:
        assert self.finished is not None
        self.truncated = truncated
        self.finished.callback(self)


class _CaptureFactory(_HTTP11ClientFactory):
    noisy = False

    def __init__(self, tally: Tally, quiescent_callback: Any, metadata: Any) -> None:
        super().__init__(quiescent_callback, metadata)  # type: ignore[no-untyped-call]
        self._tally = tally

    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:  # noqa: ARG002
        return _CaptureProtocol(self._tally, self._quiescentCallback)


class _CaptureProtocol(_LenientHTTP11ClientProtocol):
    """A connection that looks at its peer first and remembers heads."""

    def __init__(self, tally: Tally, quiescent_callback: Any) -> None:
        super().__init__(quiescent_callback)  # type: ignore[no-untyped-call]
        self._tally = tally
        self._peer: str | None = None
        self._refused: str | None = None
        self._used = False

    def connectionMade(self) -> None:
        super().connectionMade()
        assert self.transport is not None
        self._peer = cast("Any", self.transport).getPeer().host
        if not self._tally.allow_private:
            self._refused = refuse_address(self._peer or "")
            if self._refused is not None:
                self.transport.abortConnection()

    def request(self, request: TxRequest) -> Deferred[IResponse]:
        if self._refused is not None:
            return fail(AddressRefused(self._refused))
        if self._used and _has_input(cast("Any", self.transport)):
            cast("Any", self.transport).abortConnection()
            return fail(RequestNotSent())  # the pool takes another connection
        self._used = True
        answered = super().request(request)
        parser: Any = self._parser
        if parser is not None:
            parser.__class__ = _RecordingParser
            parser._muniment_lines = []
            parser._muniment_size = 0
            parser._muniment_sent = _sent_head(request)
            parser._muniment_peer = self._peer
        return answered

    def _finishResponse(self, rest: bytes) -> None:
        """Bytes after a body may begin an answer that nobody asked for: the next request would take it for its own."""
        if rest:
            cast("Any", self)._currentRequest.persistent = False
        super()._finishResponse(rest)


class _RecordingParser(_LenientHTTPClientParser):
    """Keeps the lines of the head as they come; Scrapy's parser does the rest."""

    _muniment_lines: list[bytes]
    _muniment_size: int
    _muniment_sent: bytes
    _muniment_peer: str | None

    def connectionMade(self) -> None:
        super().connectionMade()  # type: ignore[no-untyped-call]
        self._muniment_lines = []  # called again after an interim (1xx) answer

    def lineReceived(self, line: bytes) -> None:
        self._muniment_lines.append(line.removesuffix(b"\r"))
        self._muniment_size += len(line) + 1
        if self._muniment_size > LARGEST_HEAD:
            raise HeadTooLarge(f"more than {LARGEST_HEAD} bytes of headers")
        if len(self._muniment_lines) > MOST_HEADERS:
            raise HeadTooLarge(f"more than {MOST_HEADERS} lines of headers")
        if line[:1] in (b" ", b"\t") and self._partialHeader is None and self.state == HEADER:
            raise ParseError("a continued header before any", line)  # type: ignore[no-untyped-call]
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002 - Twisted's
        """Twisted would close the connection without a word, and it would be tried again."""
        raise HeadTooLarge(f"a line of more than {self.MAX_LENGTH} bytes in the headers")

    def statusReceived(self, status: bytes) -> None:
        super().statusReceived(status)  # type: ignore[no-untyped-call]
        if not 100 <= self.response.code <= 999:
            raise ParseError("no status code", status)  # type: ignore[no-untyped-call]

    def headerReceived(self, name: bytes, value: bytes) -> None:
        """What is no header name stays in the record and is not looked at: Twisted would give up the response."""
        name = name.rstrip(b" \t")
        if _HEADER_NAME.fullmatch(name):
            super().headerReceived(name, value)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:
        answer: Any = self.response
        answer._muniment_head = b"\r\n".join(self._muniment_lines) + b"\r\n"
        answer._muniment_sent = self._muniment_sent
        answer._muniment_peer = self._muniment_peer
        super().allHeadersReceived()  # type: ignore[no-untyped-call]


def _has_input(transport: Any) -> bool:
    """Whether something has come in on a connection that was not read yet, an end included."""
    poll = select.poll()
    poll.register(transport.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class _Lines:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""

    def writeSequence(self, data: Any) -> None:
        self.written += b"".join(data)


def _sent_head(request: TxRequest) -> bytes:
    """The head of a request as Twisted writes it; all of ours are without a body."""
    lines = _Lines()
    cast("Any", request)._writeHeaders(lines, None)
    return lines.written


class QuietLog(LogFormatter):
    """Scrapy's line for each response is not needed: the spider tells what became of each page."""

    def crawled(self, *_: Any, **__: Any) -> Any:
        """No line."""
        return None
