"""Records of a segment that are blanked in place: a gzip member of exactly the same length that says nothing.

A blank record keeps type, id, date, target and payload digest of the one that it stands for, so that whatever names it
still finds it, and says ``WARC-Truncated: unspecified`` and ``Muniment-Withheld: yes``. All offsets stay, and a reader
that knows nothing of takedowns (warcio, FastWARC, pywb, gzip) reads on behind it.

The length is made up by what every inflater passes over: up to 512 bytes in the gzip header's comment, up to 65,537 in
its extra field (RFC 1952, 2.3.1), the rest by empty stored blocks (RFC 1951, 3.2.4), of five bytes each. Not by a
comment of any length: Go's reader refuses one of more than 512 bytes, and Python's takes a second for 10 MB.

Where a record is too short for its blank form, headers are left out, first what may be missing, at last all; a member
of 24 bytes always has room for four line breaks, and readers pass over these. No WARC record fits into fewer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from fastwarc.warc import ArchiveIterator

from pipeline.errors import ArchiveError

WITHHELD = "Muniment-Withheld"
"""Header of a blank record."""
SMALLEST = 24
"""Bytes of the shortest gzip member that can be replaced."""

_KEPT = ("WARC-Target-URI", "WARC-Payload-Digest", "WARC-Profile", "WARC-Refers-To", "WARC-Concurrent-To",
         "WARC-Refers-To-Target-URI", "WARC-Refers-To-Date", "Content-Type")  # fmt: skip
_NEEDED = ("WARC-Type", "WARC-Record-ID", "WARC-Date")
_COMMENT, _EXTRA = 511, 65_535
_PART = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """A record of a segment: where it is, and its headers by their names in lower case."""

    offset: int
    length: int
    headers: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)  # of a metadata record; of a response: its status

    def header(self, name: str) -> str:
        """The value of a header; empty where there is none."""
        return self.headers.get(name.lower(), "")

    @property
    def kind(self) -> str:
        """``response``, ``revisit``, ``request`` …"""
        return self.header("WARC-Type")

    @property
    def record_id(self) -> str:
        """The record's own id."""
        return self.header("WARC-Record-ID")

    @property
    def capture(self) -> str:
        """Id of the record that it belongs to: a request's is its response's."""
        if self.kind in ("request", "metadata"):
            return self.header("WARC-Concurrent-To") or self.header("WARC-Refers-To") or self.record_id
        return (self.header("WARC-Refers-To") if self.kind == "conversion" else "") or self.record_id

    @property
    def blank(self) -> bool:
        """Whether it was blanked."""
        return bool(self.header(WITHHELD))


def read_places(file: BinaryIO) -> list[Place]:
    """All records of a segment, in order; what metadata records say is read, other bodies are not.

    Raises:
        ArchiveError: it cannot be read.
    """
    found: list[Place] = []
    try:
        for record in ArchiveIterator(file, parse_http=False):
            headers = {str(name).lower(): str(value) for name, value in record.headers.items()}
            kind = headers.get("warc-type", "")
            fields: dict[str, str] = {}
            if kind == "metadata":
                fields = read_fields(record.reader.read())
            elif kind in ("response", "revisit"):
                status = record.reader.read(12)[9:12]
                fields = {"status": status.decode()} if status.isdigit() else {}
            found.append(Place(offset=record.stream_pos, length=0, headers=headers, fields=fields))
    except (OSError, ValueError) as error:
        raise ArchiveError(f"A segment cannot be read: {error}.", next_step="Run: muniment audit") from error
    end = file.seek(0, 2)
    made = []
    for place, behind in zip(found, [*(each.offset for each in found[1:]), end], strict=True):
        made.append(
            Place(offset=place.offset, length=behind - place.offset, headers=place.headers, fields=place.fields)
        )
    return made


def read_fields(block: bytes) -> dict[str, str]:
    """The lines of a metadata record."""
    pairs = (line.partition(":") for line in block.decode("utf-8", "replace").splitlines() if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def blank_member(place: Place, member: bytes) -> bytes:
    """What stands in the place of a record from now on: as long as ``member``.

    Raises:
        ArchiveError: ``member`` is not one gzip member, or shorter than any that holds a record.
    """
    _check_member(place, member)
    for content in _forms(place):
        if (made := pad_member(content, len(member))) is not None:
            return made
    raise ArchiveError(
        f"The record at {place.offset} has {len(member)} bytes, fewer than any record can have.",
        next_step="The segment is damaged: see `muniment audit`.",
    )


def pad_member(content: bytes, length: int) -> bytes | None:
    """A gzip member of exactly ``length`` bytes with this content; None: it does not fit."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    body = machine.compress(content)
    tail = machine.copy()
    packed = body + tail.flush()
    room = length - len(packed) - 18
    if room < 0:
        return None
    flags, extra, comment = 0, b"", b""
    if room > 6 + _EXTRA - 4:
        body += machine.flush(zlib.Z_FULL_FLUSH)
        closed = machine.flush()
        room = length - len(body) - len(closed) - 18
        blocks = max(0, room - 6) // 5
        packed = body + b"\x00\x00\x00\xff\xff" * blocks + closed
        room -= 5 * blocks
    if 0 < room <= _COMMENT:
        flags, comment = 16, b" " * (room - 1) + b"\0"
    elif room:
        flags, extra = 4, struct.pack("<H2sH", room - 2, b"mu", room - 6) + b" " * (room - 6)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\x02\xff"
    return head + extra + comment + packed + struct.pack("<II", zlib.crc32(content), len(content))


def write_blanked(
    source: BinaryIO, target: IO[bytes], places: Sequence[Place], *, instead: Mapping[int, bytes]
) -> None:
    """Copy a segment with other members at some offsets, in constant memory.

    Args:
        places: all of the segment's records.
        instead: offset -> the member that is to stand there, as long as what stood there.
    """
    source.seek(0)
    at = 0
    for place in places:
        if place.offset not in instead:
            continue
        _copy(source, target, place.offset - at)
        target.write(instead[place.offset])
        at = place.offset + len(instead[place.offset])
        source.seek(at)
    while part := source.read(_PART):
        target.write(part)


def _copy(source: BinaryIO, target: IO[bytes], count: int) -> None:
    while count > 0:
        part = source.read(min(_PART, count))
        if not part:
            raise ArchiveError("A segment ended early.", next_step="Run the command again.")
        target.write(part)
        count -= len(part)


def _forms(place: Place) -> Iterator[bytes]:
    """The blank record, from the whole form to the shortest."""
    kept = [(name, value) for name in _KEPT if (value := place.header(name))]
    block = _block_of(place)
    said = [(WITHHELD, "yes"), ("WARC-Truncated", "unspecified")]
    yield _record(place, [*kept, *said], block)
    yield _record(place, [*kept, *said], b"")
    named = [(name, value) for name, value in kept if name in _KEPT[:2]]
    for more in ([*named, *said[:1]], named, said[:1], []):  # it has next to no content of its own
        yield _record(place, more, b"")
    yield b"\r\n\r\n\r\n\r\n"


def _record(place: Place, more: list[tuple[str, str]], block: bytes) -> bytes:
    headers = [(name, place.header(name)) for name in _NEEDED] + more + [("Content-Length", str(len(block)))]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return b"WARC/1.1\r\n" + lines.encode("utf-8", "replace") + b"\r\n" + block + b"\r\n\r\n"


def _block_of(place: Place) -> bytes:
    http = place.header("Content-Type").startswith("application/http")
    match place.kind:
        case "response" | "revisit" if http:
            return b"HTTP/1.1 %d Withheld\r\n\r\n" % int(place.fields.get("status", "200"))
        case "request" if http:
            return b"GET / HTTP/1.1\r\n\r\n"
        case "metadata" if "muniment-kind" in place.fields:
            kept = ("muniment-kind", "muniment-requested")
            lines = [f"{name}: {place.fields[name]}\r\n" for name in kept if name in place.fields]
            return "".join([*lines, "muniment-withheld: yes\r\n"]).encode()
        case _:
            return b""


def _check_member(place: Place, member: bytes) -> None:
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    rest = member
    try:
        while rest:
            machine.decompress(rest, _PART)
            rest = machine.unconsumed_tail
    except zlib.error as error:
        raise ArchiveError(
            f"The record at {place.offset} is damaged: {error}.", next_step="See `muniment audit`."
        ) from error
    if not machine.eof or machine.unused_data:
        raise ArchiveError(
            f"The record at {place.offset} does not have a gzip member of its own.",
            next_step="The segment was not written by Muniment: recompress it with a member for each record.",
        )
