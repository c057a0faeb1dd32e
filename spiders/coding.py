"""Content codings undone within a limit (RFC 9110, section 8.4).

A few kilobytes may unfold to gigabytes; here nothing grows past the limit that the caller gives, nor past
``LARGEST_RATIO`` times what came, however many codings lie on top of each other. Transfer codings the downloader has
removed; only what other programs recorded may still have one (``undo_transfer``).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable

import zstandard

try:
    import brotli  # type: ignore[import-untyped]
except ImportError:  # pragma: no cover - the downloader only asks for gzip and deflate
    brotli = None

ACCEPT_ENCODING = "gzip, deflate"
"""What we ask for: every server speaks it and every WARC reader undoes it."""

GZIP_MAGIC = b"\x1f\x8b"
LARGEST_RATIO = 250
"""So many bytes may come out of one; HTML gives up to 30, sitemaps up to 60, and a bomb 1,000 (gzip) or more."""
_UNSUSPECTED = 1024 * 1024  # so many bytes may come out of anything
_MOST_MEMBERS = 2000  # each costs a copy of what is left
_DEEPEST = 3  # codings on top of each other
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")


class BodyTooLarge(ValueError):
    """The decoded body is larger than the limit."""


class BodyUndecodable(ValueError):
    """The body is not what its Content-Encoding says, or is cut short."""


def decode_body(payload: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the content codings of a body.

    A body that is labelled gzip but plainly is not (no magic number) is given back as it is: some servers
    label their error pages so.

    Args:
        payload: the body as received.
        content_encoding: the header's value; empty when there was none.
        limit: bytes that the result may have.

    Raises:
        BodyTooLarge: more than ``limit`` bytes would come out, or more than such a payload has any right to.
        BodyUndecodable: unknown coding, broken data, or cut short.
    """
    names = [name for part in content_encoding.split(",") if (name := part.strip().lower()) and name != "identity"]
    if len(names) > _DEEPEST:
        raise BodyUndecodable(f"{len(names)} content codings")
    if names:
        limit = _bound_ratio(payload, limit)
    for name in reversed(names):
        if not payload:
            break
        try:
            undo = _CODINGS[name]
        except KeyError:
            raise BodyUndecodable(f"unknown content coding {name[:30]!r}") from None
        payload = undo(payload, limit)
    if len(payload) > limit:
        raise BodyTooLarge(f"more than {limit} bytes")
    return payload


def undo_transfer(payload: bytes, transfer_encoding: str | None) -> bytes:
    """Undo the chunked transfer coding (RFC 9112, section 7.1) of a body that some other program recorded.

    What is not chunked, though the header says so, is given back as it is: many programs undo the coding and keep the
    header. Of a body whose last chunk is missing, what came.
    """
    if not transfer_encoding or transfer_encoding.split(",")[-1].strip().lower() != "chunked":
        return payload
    parts: list[bytes] = []
    at = 0
    while at < len(payload):
        found = _CHUNK.match(payload, at)
        if found is None:
            return b"".join(parts) if parts and payload[at:].isspace() else payload
        size = int(found[1], 16)
        if not size:
            break
        at = found.end() + size
        parts.append(payload[found.end() : at])
        at += 2 if payload[at : at + 2] == b"\r\n" else payload[at : at + 1] == b"\n"
    return b"".join(parts)


def gunzip(data: bytes, limit: int) -> bytes:
    """Decompress gzip, one member or several; data without the magic number come back as they are.

    Raises:
        BodyTooLarge: more than ``limit`` bytes would come out.
        BodyUndecodable: broken data, or cut short.
    """
    if not data.startswith(GZIP_MAGIC):
        return data
    parts: list[bytes] = []
    room = _bound_ratio(data, limit)
    while data.startswith(GZIP_MAGIC):
        part, data = _inflate(data, zlib.MAX_WBITS | 16, room)
        parts.append(part)
        room -= len(part)
        if len(parts) > _MOST_MEMBERS:
            raise BodyUndecodable("too many gzip members")
    return b"".join(parts)


def _bound_ratio(payload: bytes, limit: int) -> int:
    return min(limit, max(_UNSUSPECTED, LARGEST_RATIO * len(payload)))


def _inflate(data: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    machine = zlib.decompressobj(window)
    try:
        plain = machine.decompress(data, limit + 1)
    except zlib.error as error:
        raise BodyUndecodable(str(error)) from error
    if len(plain) > limit:
        raise BodyTooLarge(f"more than {limit} bytes")
    if not machine.eof:
        raise BodyUndecodable("compressed data are cut short")
    return plain, machine.unused_data


def _undo_deflate(data: bytes, limit: int) -> bytes:
    """RFC 9110 means zlib's format; some servers send the bare stream."""
    try:
        return _inflate(data, zlib.MAX_WBITS, limit)[0]
    except BodyUndecodable:
        return _inflate(data, -zlib.MAX_WBITS, limit)[0]


def _undo_zstd(data: bytes, limit: int) -> bytes:
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(
            io.BytesIO(data), read_across_frames=True
        )
        plain = reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise BodyUndecodable(str(error)) from error
    if len(plain) > limit:
        raise BodyTooLarge(f"more than {limit} bytes")
    return plain


def _undo_brotli(data: bytes, limit: int) -> bytes:
    if brotli is None:
        raise BodyUndecodable("content coding 'br' needs the package brotli")
    machine = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    try:
        while not machine.is_finished():
            part = machine.process(data, output_buffer_limit=65536)
            data = b""
            size += len(part)
            if size > limit:
                raise BodyTooLarge(f"more than {limit} bytes")
            if not part and machine.can_accept_more_data():
                raise BodyUndecodable("compressed data are cut short")
            parts.append(part)
    except brotli.error as error:
        raise BodyUndecodable(str(error)) from error
    return b"".join(parts)


_CODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": gunzip,
    "x-gzip": gunzip,
    "deflate": _undo_deflate,
    "zstd": _undo_zstd,
    "br": _undo_brotli,
}
