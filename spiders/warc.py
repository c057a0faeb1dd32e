"""WARC 1.1 segments: what a crawl writes, and how it is read again (ISO 28500:2017).

Writing: ``SegmentWriter`` keeps one open segment, ``<run>-<nnnnn>.warc.gz.open``, and gives it its final name when
it is sealed (fsync, rename, fsync of the folder): a file named ``.warc.gz`` is whole. Each segment begins with a
``warcinfo`` record; each exchange is a ``response`` (or ``revisit``), its ``request`` and a ``metadata`` record, in
that order, in one segment. One gzip member per record. Digests are ``sha256:<hex>``; warcio and FastWARC
verify both the block's and the payload's.

A page that a browser drew (``spiders.render``) has a ``conversion`` record too, between request and metadata: its
DOM as HTML in UTF-8, which refers to the response that it was made of. Programs that replay segments do not take it
for a response. Such a page is always recorded whole: that its empty shell is the same as last time says nothing.

Two kinds of revisit: the server said 304 (profile server-not-modified), or it sent the same payload as last time
(identical-payload-digest). Both name the record that they refer to.

The response is recorded as received: status line, headers in their order and spelling with repetitions, body still
content-encoded. One thing is different: the chunked transfer coding is gone, because the downloader has undone it. So
that the record agrees with itself, ``Transfer-Encoding`` is renamed ``X-Crawler-Transfer-Encoding`` (a
``Content-Length`` beside it likewise) and the true ``Content-Length`` is added at the end.

Imported exchanges (``pipeline.intake``) are recorded as they were elsewhere, byte for byte, with the id that they had
there; a chunked body stays chunked, and ``Captured.body`` undoes that. Their ``metadata`` record has the origin.

Reading: ``read_captures`` gives back captures in the order of the file, each with the place of its record.
What the text of a page is, and when it is worth a version, is not decided here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, BinaryIO, Literal, NamedTuple

from fastwarc.stream_io import GzipWriter
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, undo_transfer
from spiders.protocol import OPEN_SUFFIX, segment_name

__all__ = [
    "FACTS",
    "BodyTooLarge",
    "BodyUndecodable",
    "Captured",
    "Exchange",
    "Hop",
    "Kind",
    "Original",
    "SegmentWriter",
    "part_message",
    "payload_digest",
    "read_captures",
]

Kind = Literal["page", "source", "robots", "policy", "redirect", "attempt"]
"""What an exchange was for. "policy": a document that says what a host allows, other than robots.txt. "attempt": an
answer that made us ask again (a 503, say; the last one is the page), or one
that was broken off and is kept as far as it came."""

_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_SAME_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_FRAMING = re.compile(rb"(?im)^(transfer-encoding|content-length)(?=[ \t]*:)")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Measured with bench/warc.py on real pages: level 9 costs 1.8 times level 6 for 3 % less space; a body that is
# compressed already is stored, at a sixth of the time of level 6 (level 1 would even make it 8 % larger).
_PLAIN_LEVEL = 6
_CODED_LEVEL = 0
_ORIGIN = "muniment-origin-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """The earlier capture that a revisit refers to."""

    payload_digest: str | None = None
    captured_at: str | None = None  # UTC, ISO 8601
    record_id: str | None = None


class Hop(NamedTuple):
    """A redirect that was followed: the status that said so, and where it led."""

    status: int
    url: str


FACTS = (
    *("published", "author", "guid", "section", "language", "description", "explanation", "change"),
    *("why", "sitemap", "dated", "linked_from"),
)
"""What a source may say of an item beside URL, date of change and title; kept with the capture. "explanation": why it
was withdrawn or is gone; "change": the publisher's note on its latest change. The last four are the crawl's own: why
the page was fetched, the source (its URL) that lists it as a sitemap, or gave its date; and of a document the pages
(URLs with a space between them) that link it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One HTTP exchange, ready to be recorded.

    ``requested`` is the canonical URL as it was discovered; ``url`` the one that answered. Heads are complete,
    with the empty line at their end.
    """

    kind: Kind
    url: str
    requested: str
    status: int
    request_head: bytes
    response_head: bytes
    payload: bytes
    captured_at: datetime
    ip: str | None = None
    via: str | None = None  # URL of the document that named it
    lastmod: str | None = None  # date that document gave, as text
    title: str | None = None
    original: Original | None = None  # the archive's last full capture of ``requested``
    conditional: bool = False  # it was asked with If-None-Match or If-Modified-Since
    facts: Mapping[str, str] = field(default_factory=dict)  # what the source says of it: FACTS
    hops: tuple[Hop, ...] = ()  # redirects on the way from ``requested`` to ``url``, in order
    policy: Mapping[str, str] = field(default_factory=dict)  # what the site allows, as seen with this exchange
    rendered: bytes | None = None  # the page as a browser drew it: HTML, UTF-8
    unrendered: str | None = None  # it is a shell to be drawn by script, and this is why it was not
    withheld: bool = False  # the policy forbids keeping the body: the record has the head alone
    truncated: Literal["length", "time", "disconnect"] | None = None  # why the payload is not whole
    record_id: str | None = None  # WARC-Record-ID that the capture had elsewhere
    origin: Mapping[str, str] = field(default_factory=dict)  # where it was recorded: then its bytes stay as they are


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What became of an exchange in the segment."""

    record_id: str
    record_type: Literal["response", "revisit"]
    payload_digest: str


def payload_digest(payload: bytes) -> str:
    """Digest of a payload as WARC-Payload-Digest has it: ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()


class SegmentWriter:
    """Writes the segments of one run; a segment is opened when there is something to write.

    Args:
        folder: the spool.
        run: the run's id.
        first: number of the first segment.
        info: lines of each segment's warcinfo record.
        max_bytes: a segment that has grown to this is sealed.
        max_seconds: so is one of this age.
        new_id: makes the ids of records.
    """

    def __init__(
        self,
        folder: Path,
        *,
        run: str,
        first: int,
        info: Mapping[str, str],
        max_bytes: int,
        max_seconds: float,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.folder = folder
        self.sealed: list[str] = []
        self.written = 0
        self._run = run
        self._number = first
        self._info = dict(info)
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._new_id = new_id or _new_id
        self._file: IO[bytes] | None = None
        self._opened = 0.0
        self._info_id = ""
        self._plain: GzipWriter
        self._coded: GzipWriter

    def write_exchange(self, exchange: Exchange) -> Recorded:
        """Record one exchange, whole, in one segment.

        Raises:
            OSError: the spool cannot be written (disk full …); the segment is left open and unsealed.
        """
        if self._file is None:
            self._open(exchange.captured_at)
        recorded = self._write_records(exchange)
        self.written += 1
        self.rotate()
        return recorded

    def rotate(self) -> None:
        """Seal the open segment if it is big or old enough."""
        if self._file is not None and (
            self._file.tell() >= self._max_bytes or time.monotonic() - self._opened >= self._max_seconds
        ):
            self.seal()

    def seal(self) -> None:
        """Seal the open segment, if there is one: from now on it is whole, and never written again."""
        if self._file is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        name = segment_name(self._run, self._number)
        self._open_path().rename(self.folder / name)
        _sync_folder(self.folder)
        self.sealed.append(name)
        self._number += 1

    def _open_path(self) -> Path:
        return self.folder / f"{self._run}-{self._number:05d}{OPEN_SUFFIX}"

    def _open(self, now: datetime) -> None:
        self._file = self._open_path().open("wb")
        self._opened = time.monotonic()
        # Two compressors over one file: each ends its gzip member after a record, so they may take turns.
        self._plain = GzipWriter(self._file, compression_level=_PLAIN_LEVEL)
        self._coded = GzipWriter(self._file, compression_level=_CODED_LEVEL)
        self._info_id = self._new_id()
        block = _fields({**self._info, "isPartOf": self._run})
        headers = {
            "WARC-Filename": segment_name(self._run, self._number),
            "Content-Type": "application/warc-fields",
        }
        self._write(WarcRecordType.warcinfo, self._info_id, now, headers, block)

    def _write_records(self, exchange: Exchange) -> Recorded:
        response_id = exchange.record_id or self._new_id()
        digest = payload_digest(exchange.payload)  # of a withheld body too: it says what was not kept
        target = {"WARC-Target-URI": exchange.url, "WARC-Warcinfo-ID": self._info_id}
        if exchange.ip:
            target["WARC-IP-Address"] = exchange.ip
        revisit = _revisit_headers(exchange, digest)
        coded = False
        if exchange.withheld:
            kind, block = WarcRecordType.response, exchange.response_head
            headers = {**target, "Content-Type": "application/http; msgtype=response", "WARC-Truncated": "unspecified"}
        elif revisit is None:
            kind = WarcRecordType.response
            head = exchange.response_head
            if not exchange.origin:
                head = _settle_framing(head, len(exchange.payload))
            coded = b"content-encoding:" in head.lower()
            block = head + exchange.payload
            headers = {**target, "Content-Type": "application/http; msgtype=response", "WARC-Payload-Digest": digest}
        else:
            kind = WarcRecordType.revisit
            block = exchange.response_head
            headers = {**target, "Content-Type": "application/http; msgtype=response", **revisit}
        if exchange.truncated is not None:
            headers["WARC-Truncated"] = exchange.truncated
        when = exchange.captured_at
        self._write(kind, response_id, when, headers, block, coded=coded)
        concurrent = {**target, "WARC-Concurrent-To": response_id}
        if exchange.request_head:
            headers = {**concurrent, "Content-Type": "application/http; msgtype=request"}
            self._write(WarcRecordType.request, self._new_id(), when, headers, exchange.request_head)
        if exchange.rendered is not None and not exchange.withheld:
            self._write_rendered(exchange.rendered, response_id, target, when)
        headers = {**concurrent, "Content-Type": "application/warc-fields"}
        self._write(WarcRecordType.metadata, self._new_id(), when, headers, _describe(exchange))
        return Recorded(
            record_id=response_id,
            record_type="response" if revisit is None else "revisit",
            payload_digest=(revisit or {}).get("WARC-Payload-Digest", digest),
        )

    def _write_rendered(self, rendered: bytes, response_id: str, target: Mapping[str, str], when: datetime) -> None:
        headers = {
            **target,
            "WARC-Refers-To": response_id,
            "WARC-Payload-Digest": payload_digest(rendered),
            "Content-Type": "text/html;charset=utf-8",
        }
        self._write(WarcRecordType.conversion, self._new_id(), when, headers, rendered)

    def _write(
        self,
        kind: WarcRecordType,
        record_id: str,
        when: datetime,
        headers: Mapping[str, str],
        block: bytes,
        *,
        coded: bool = False,
    ) -> None:
        assert self._file is not None
        record = WarcRecord()
        record.init_headers(kind)
        named = record.headers
        named.status_line = "WARC/1.1"
        named["WARC-Record-ID"] = record_id
        named["WARC-Date"] = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for name, value in headers.items():
            named[name] = value
        named["WARC-Block-Digest"] = payload_digest(block)
        record.set_bytes_content(block)
        stream = self._coded if coded else self._plain
        record.write(stream)
        stream.finish()  # one gzip member per record: without it other readers refuse the file


def _revisit_headers(exchange: Exchange, digest: str) -> dict[str, str] | None:
    """Headers that make the record a revisit; None when it must be a full response."""
    original = exchange.original
    if exchange.kind != "page" or original is None or original.captured_at is None:
        return None
    if exchange.rendered is not None or exchange.unrendered is not None:
        return None
    if exchange.status == 304 and exchange.conditional:
        profile = _NOT_MODIFIED
    elif exchange.status == 200 and exchange.payload and digest == original.payload_digest:
        profile = _SAME_PAYLOAD
    else:
        return None
    headers = {
        "WARC-Profile": profile,
        "WARC-Refers-To-Target-URI": exchange.url,
        "WARC-Refers-To-Date": original.captured_at,
    }
    if original.record_id:
        headers["WARC-Refers-To"] = original.record_id
    if original.payload_digest:
        headers["WARC-Payload-Digest"] = original.payload_digest
    return headers


def _settle_framing(head: bytes, length: int) -> bytes:
    """Make the headers agree with a payload whose transfer coding was undone."""
    if b"\ntransfer-encoding" not in head.lower():
        return head
    settled = _FRAMING.sub(rb"X-Crawler-\1", head)
    return settled.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % length


def _describe(exchange: Exchange) -> bytes:
    facts = {"muniment-kind": exchange.kind, "muniment-requested": exchange.requested}
    if exchange.via:
        facts["via"] = exchange.via
    if exchange.lastmod:
        facts["muniment-lastmod"] = exchange.lastmod
    if exchange.title:
        facts["muniment-title"] = exchange.title
    facts |= {f"muniment-source-{name}": value for name, value in exchange.facts.items() if value}
    if exchange.hops:
        facts["muniment-hops"] = " ".join(f"{hop.status} {hop.url}" for hop in exchange.hops)
    if exchange.policy:
        facts["muniment-policy"] = json.dumps(dict(exchange.policy), ensure_ascii=False)
    if exchange.withheld:
        facts["muniment-withheld"] = "yes"
    if exchange.unrendered:
        facts["muniment-unrendered"] = exchange.unrendered
    facts |= {f"{_ORIGIN}{name}": value for name, value in exchange.origin.items() if value}
    return _fields(facts)


def _fields(facts: Mapping[str, str]) -> bytes:
    lines = (f"{name}: {_UNFIT.sub(' ', value).strip()}\r\n" for name, value in facts.items())
    return "".join(lines).encode("utf-8", "replace")


def _new_id() -> str:
    return f"<urn:uuid:{uuid.uuid4()}>"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, kw_only=True)
class Captured:
    """One exchange as a segment holds it."""

    kind: Kind
    url: str  # that answered (WARC-Target-URI)
    requested: str  # canonical URL as it was discovered
    status: int
    headers: tuple[tuple[str, str], ...]
    record_type: Literal["response", "revisit"]
    payload: bytes  # as received, content-encoded; empty for a revisit
    offset: int  # of the record's gzip member in the file
    length: int
    record_id: str
    payload_digest: str
    captured_at: datetime
    via: str | None = None
    source_lastmod: str | None = None
    source_title: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # what the source said of it: FACTS
    hops: tuple[Hop, ...] = ()
    policy: Mapping[str, str] = field(default_factory=dict)
    rendered: bytes | None = None  # the page as a browser drew it: HTML, UTF-8
    unrendered: str | None = None  # it is a shell to be drawn by script, and this is why it was not
    withheld: bool = False
    origin: Mapping[str, str] = field(default_factory=dict)  # of an imported capture: where it was recorded

    @cached_property
    def _first(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self.headers)}

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return self._first.get(name.lower())

    def body(self, limit: int) -> bytes:
        """The body without its codings: a chunked one, which only imported captures can still be, and the content's.

        Args:
            limit: bytes that it may have.

        Raises:
            BodyTooLarge: it has more.
            BodyUndecodable: it is not what its Content-Encoding says.
        """
        codings = ", ".join(value for name, value in self.headers if name.lower() == "content-encoding")
        return decode_body(undo_transfer(self.payload, self.header("transfer-encoding")), codings, limit)


def read_captures(stream: BinaryIO) -> Iterator[Captured]:
    """Captures of a segment, in order; one payload is held at a time.

    Args:
        stream: the segment's bytes, from its start; must be seekable or a plain file.
    """
    pending: _Pending | None = None
    for record in ArchiveIterator(stream, parse_http=False):
        if pending is not None and pending.end is None:
            pending.end = record.stream_pos
        if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
            if pending is not None:
                yield pending.capture({})
            pending = _Pending(record)
        elif (
            pending is not None
            and record.record_type == WarcRecordType.conversion
            and record.headers.get("WARC-Refers-To") == pending.record_id
        ):
            pending.rendered = record.reader.read()
        elif (
            pending is not None
            and record.record_type == WarcRecordType.metadata
            and record.headers.get("WARC-Concurrent-To") == pending.record_id
        ):
            yield pending.capture(_read_fields(record.reader.read()))
            pending = None
    if pending is not None:
        pending.end = pending.end or stream.tell()
        yield pending.capture({})


_HEAD_END = re.compile(rb"\r?\n\r?\n")


class _Pending:
    """A response whose metadata record has not come yet."""

    def __init__(self, record: WarcRecord) -> None:
        self.record_id = record.headers.get("WARC-Record-ID") or ""
        self.end: int | None = None
        self.rendered: bytes | None = None
        self._offset = record.stream_pos
        self._url = record.headers.get("WARC-Target-URI") or ""
        self._digest = record.headers.get("WARC-Payload-Digest") or ""
        self._at = datetime.fromisoformat(record.headers.get("WARC-Date") or "1970-01-01T00:00:00Z")
        self._revisit = record.record_type == WarcRecordType.revisit
        self._status, self._headers, payload = part_message(record.reader.read())
        self._payload = b"" if self._revisit else payload

    def capture(self, facts: Mapping[str, str]) -> Captured:
        kind = facts.get("muniment-kind", "page")
        return Captured(
            kind=kind,  # type: ignore[arg-type]  # our own word, written above
            url=self._url,
            requested=facts.get("muniment-requested", self._url),
            status=self._status,
            headers=self._headers,
            record_type="revisit" if self._revisit else "response",
            payload=self._payload,
            offset=self._offset,
            length=(self.end or self._offset) - self._offset,
            record_id=self.record_id,
            payload_digest=self._digest,
            captured_at=self._at,
            via=facts.get("via"),
            source_lastmod=facts.get("muniment-lastmod"),
            source_title=facts.get("muniment-title"),
            facts={name: facts[key] for name in FACTS if (key := f"muniment-source-{name}") in facts},
            hops=_read_hops(facts.get("muniment-hops", "")),
            policy=_read_policy(facts.get("muniment-policy", "")),
            rendered=self.rendered,
            unrendered=facts.get("muniment-unrendered"),
            withheld="muniment-withheld" in facts,
            origin={key.removeprefix(_ORIGIN): value for key, value in facts.items() if key.startswith(_ORIGIN)},
        )


def part_message(block: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Status, headers and body of an HTTP response as recorded.

    FastWARC's own parser gives up at a line of some kilobytes, which would cost the whole segment for one odd header.
    """
    end = _HEAD_END.search(block)
    head, payload = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    first, *lines = re.split(rb"\r?\n", head)
    word = first.split(None, 2)[1:2]
    status = int(word[0]) if word and len(word[0]) == 3 and word[0].isdigit() else 0
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            if headers:
                headers[-1] = (headers[-1][0], headers[-1][1] + b" " + line.strip())
        elif colon:
            headers.append((name.strip(), value.strip()))
    return status, tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers), payload


def _read_hops(text: str) -> tuple[Hop, ...]:
    words = text.split(" ")
    return tuple(
        Hop(int(status), url) for status, url in zip(words[::2], words[1::2], strict=False) if status.isdigit()
    )


def _read_policy(text: str) -> dict[str, str]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _read_fields(block: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.decode("utf-8", "replace").split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
