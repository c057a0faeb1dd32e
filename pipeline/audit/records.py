"""One WARC record as it stands in a segment, in constant memory, and whether it is the one that a version rests on."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from pydantic import BaseModel

from pipeline.audit.told import Flaw

_PART = 1 << 16
_HEAD_MOST = 1 << 20  # bytes in which a record's heads must end
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Wanted(BaseModel):
    """A record that a version rests on."""

    key: str  # of the version
    offset: int
    length: int
    record_id: str
    record_type: str
    payload_digest: str
    status: int
    rendered_digest: str | None


@dataclass(kw_only=True)
class _Record:
    """A WARC record that was read to its end."""

    headers: Mapping[str, str]
    status: int
    payload_size: int
    digest: str  # of the payload; of the whole block where that is no HTTP message
    length: int  # of its gzip member
    rendered: str | None = None  # digest of the conversion that follows


def read_record(file: IO[bytes], offset: int, *, rendered: bool) -> _Record | str:
    """The record at an offset, in constant memory; in words why there is none.

    Args:
        rendered: also take the digest of the page that a browser drew, which comes behind the request.
    """
    record = _read_member(file, offset)
    if isinstance(record, str) or not rendered:
        return record
    at = offset + record.length
    for _ in range(2):
        after = _read_member(file, at)
        if isinstance(after, str):
            break
        if after.headers.get("warc-refers-to") == record.headers.get("warc-record-id"):
            record.rendered = after.digest
        at += after.length
    return record


def _read_member(file: IO[bytes], offset: int) -> _Record | str:
    """One gzip member that is one WARC record: its headers, and the digest of its payload."""
    file.seek(offset)
    unpacker = zlib.decompressobj(wbits=31)
    block = _Block()
    taken = 0
    try:
        while not unpacker.eof:
            packed = file.read(_PART)
            if not packed:
                return "it breaks off"
            taken += len(packed)
            block.take(unpacker.decompress(packed))
        return block.end(taken - len(unpacker.unused_data))
    except (zlib.error, ValueError) as error:
        return f"no WARC record stands there: {error}"


class _Block:
    """The bytes of a record as they come: its headers are kept, of its payload only the digest."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._headers: dict[str, str] | None = None
        self._left = 0  # bytes of the block that are to come
        self._status: int | None = None  # once the HTTP head is through
        self._hash = hashlib.sha256()
        self._size = 0

    def take(self, part: bytes) -> None:
        """Take the next bytes."""
        if self._headers is None:
            self._head += part
            at = self._head.find(b"\r\n\r\n")
            if at < 0:
                self._hold_head()
                return
            self._headers = _warc_headers(bytes(self._head[:at]))
            self._left = int(self._headers.get("content-length", "0"))
            part = bytes(self._head[at + 4 :])
            self._head.clear()
            if self._headers.get("warc-type") not in ("response", "revisit"):
                self._status = 0
        part = part[: self._left]
        self._left -= len(part)
        if self._status is None:
            self._head += part
            end = _HEAD_END.search(self._head)
            if end is None:
                self._hold_head()
                return
            word = bytes(self._head[: end.start()]).split(None, 2)[1:2]
            self._status = int(word[0]) if word and word[0].isdigit() else 0
            part = bytes(self._head[end.end() :])
            self._head.clear()
        self._hash.update(part)
        self._size += len(part)

    def _hold_head(self) -> None:
        if len(self._head) > _HEAD_MOST:
            raise ValueError("its head does not end")

    def end(self, length: int) -> _Record:
        """What the record was."""
        if self._headers is None:
            raise ValueError("it has no head")
        if self._left:
            raise ValueError("it is shorter than it says")
        return _Record(
            headers=self._headers,
            status=self._status or 0,
            payload_size=self._size,
            digest="sha256:" + self._hash.hexdigest(),
            length=length,
        )


def _warc_headers(head: bytes) -> dict[str, str]:
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    if not first.startswith("WARC/"):
        raise ValueError("it has no head")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def hold_record(  # noqa: PLR0911 - one return per reason
    read: _Record | str, wanted: Wanted, *, emptied: bool
) -> Flaw | None:
    """Hold a record against what a version says of it."""
    where = f"{wanted.record_type} {wanted.record_id} with payload {wanted.payload_digest} at {wanted.offset}"

    def flaw(stands: str) -> Flaw:
        return Flaw(key=wanted.key, problem="evidence", expected=where, stands=stands)

    if isinstance(read, str):
        return flaw(read)
    headers = read.headers
    there = (headers.get("warc-record-id"), headers.get("warc-type"), read.length)
    if there != (wanted.record_id, wanted.record_type, wanted.length):
        return flaw(f"{there[1]} {there[0]} of {there[2]} bytes")
    stated = headers.get("warc-payload-digest", wanted.payload_digest)
    if stated != wanted.payload_digest:
        return flaw(f"a record that gives its payload as {stated}")
    if emptied and headers.get("warc-truncated") == "unspecified" and not read.payload_size:
        return None  # a takedown has emptied it; the journal says so
    if wanted.record_type == "response" and "warc-payload-digest" in headers and read.digest != stated:
        return flaw(f"a payload with {read.digest}")
    if read.status != wanted.status:
        return flaw(f"an answer with status {read.status}, not {wanted.status}")
    if wanted.rendered_digest is not None and read.rendered != wanted.rendered_digest:
        return flaw(f"a drawn page with {read.rendered}")
    return None
