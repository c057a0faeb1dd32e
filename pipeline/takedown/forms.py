"""Objects as they lie in the store, without what is withheld: bytes in, bytes out; the same if it has none. Pure."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import orjson
import zstandard

from pipeline.archive import describe_version
from pipeline.model import Version
from pipeline.takedown.cleaning import Target, clean_document, clean_finding, clean_version
from spiders.warc import BodyTooLarge, BodyUndecodable, read_captures

_TYPES = {".json": "application/json", ".gz": "application/gzip", ".zst": "application/zstd", ".cdxj": "text/plain"}
_LEVEL = 10
_LARGEST = 64 * 1024 * 1024  # bytes of a document that is looked through

Clean = Callable[[bytes, Sequence[Target]], bytes]
"""Makes of an object what the orders leave of it; the same bytes where that is all."""


def clean_version_bytes(body: bytes, targets: Sequence[Target]) -> bytes:
    """A version document."""
    version = Version.model_validate_json(body)
    cleaned = clean_version(version, targets)
    return body if cleaned == version else cleaned.to_json()


def clean_findings_bytes(body: bytes, targets: Sequence[Target]) -> bytes:
    """The findings of a segment: lines of JSON, compressed."""
    lines = unpack(body).split(b"\n")
    changed = False
    for number, line in enumerate(lines):
        if not line:
            continue
        given = orjson.loads(line)
        cleaned = clean_finding(given, targets)
        if cleaned != given:
            lines[number] = orjson.dumps(cleaned)
            changed = True
    return pack(b"\n".join(lines)) if changed else body


def clean_json_bytes(body: bytes, targets: Sequence[Target]) -> bytes:
    """Any other document; what is no JSON stays."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    cleaned = clean_document(given, targets)
    return body if cleaned == given else orjson.dumps(cleaned)


def in_order(targets: Iterable[Target]) -> list[Target]:
    """Words are redacted before articles are emptied, so that it does not matter which was done before."""
    return sorted(targets, key=lambda each: (each.whole, each.order.takedown))


def texts_of(member: bytes) -> Iterator[str]:
    """All that a record says: headers, and the body without its content codings, as far as it can be read."""
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    record = machine.decompress(member, _LARGEST)
    yield _decode(record)
    for capture in read_captures(io.BytesIO(member)):
        if capture.payload:
            with suppress(BodyTooLarge, BodyUndecodable):
                yield _decode(capture.body(_LARGEST))


def _decode(body: bytes) -> str:
    found = re.search(rb"""charset=["']?([\w-]+)""", body[:2048], re.IGNORECASE)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        name = found[1].decode("ascii") if found else "cp1252"
        with suppress(LookupError):
            return body.decode(name, "replace")
        return body.decode("cp1252", "replace")


def record_of_line(line: bytes) -> tuple[str, int]:
    """File name and offset in a line of an index."""
    start = line.find(b"{")
    try:
        said = orjson.loads(line[start:])
        return str(said["filename"]).rsplit("/", maxsplit=1)[-1], int(said["offset"])
    except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
        return "", -1


def unpack(body: bytes) -> bytes:
    """What was compressed."""
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return reader.read()


def pack(body: bytes) -> bytes:
    """Compressed as the archive does it."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(body)


def type_of(key: str) -> str:
    """The media type of an object, by its key."""
    return _TYPES.get(key[key.rfind(".") :], "application/octet-stream")


def metadata_of(key: str, body: bytes) -> dict[str, str] | None:
    """What stands beside a version document; None: nothing stands beside an object of this kind."""
    return describe_version(Version.model_validate_json(body)) if key.startswith("articles/") else None
