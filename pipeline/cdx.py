"""CDXJ indexes: where each capture of a URL lies, for programs that replay web archives.

    com,example)/news/bridge 20261122093000 {"url": …, "mime": …, "status": …, "digest": …, "length": …, …}

A line for every capture that can be replayed, sorted by bytes: pages, redirects, sources, robots.txt. Not for
answers that made the crawl ask again or broke off ("attempt"), and not for records without their body
(``WARC-Truncated: unspecified``: the site does not want the page kept, or a takedown has blanked it). The form is
that of the CDXJ specification 0.1.0 as pywb and cdxj-indexer write it: values are texts, ``digest`` is the record's
WARC-Payload-Digest as it stands there (replay programs compare it as text), a revisit has the type
``warc/revisit``. ``filename`` is the segment's key in the bucket, so that a replay program needs its address only.
Two members are ours: ``refersTo`` and ``refersToDate`` say of a revisit what its record says.

The index of a run is made of the parts that the extract step wrote, one for each segment, and else of the segments;
both ways give the same bytes, because a line depends on its segment alone.
"""

from __future__ import annotations

import filecmp
import heapq
import json
import re
import socket
import struct
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from pipeline.archive import Archive
from pipeline.errors import ArchiveError
from pipeline.store import Lost
from spiders.warc import payload_digest

REVISIT: Final = "warc/revisit"
"""What an index has for the type of a revisit."""

_TEXT = "text/plain"
_SPILL = 32 * 1024 * 1024  # bytes of lines that are sorted in memory
_FAN_IN = 64  # files that are merged at once
_BLOCK = 1024 * 1024
_PROBE = 16 * 1024  # bytes that a search reads at a time; longer than a line
_WHOLE = 256 * 1024  # an index up to this size is read whole
_HEAD = 64 * 1024
_TRIES = 20


# --- SURT: the key under which a URL is looked up

_PARTS = re.compile(rb"(?:([a-zA-Z][a-zA-Z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.DOTALL)
_SAFE = b"""!"$&'()*+,-./:;<=>?@[\\]^_`{|}~"""
_SHORT_IP = re.compile(rb"(?:[1-9]\d*(?:\.\d+){0,3}|0[0-7]*(?:\.[0-7]+){0,3})")
_PORTS = {b"http": 80, b"https": 443}
_PATH_SESSIONS = (
    re.compile(rb"(.*/)\((?:[a-z]\([0-9a-z]{24}\))+\)/([^?]+\.aspx.*)", re.IGNORECASE),
    re.compile(rb"(.*/)\([0-9a-z]{24}\)/([^?]+\.aspx.*)", re.IGNORECASE),
)
_QUERY_SESSIONS = tuple(
    re.compile(rb"(.*)(?:" + name + rb")(?:&(.*))?", re.IGNORECASE)
    for name in (
        rb"jsessionid=[0-9a-z]{32}",
        rb"phpsessid=[0-9a-z]{32}",
        rb"sid=[0-9a-z]{32}",
        rb"aspsessionid[a-z]{8}=[a-z]{24}",
        rb"cfid=[^&]+&cftoken=[^&]+",
    )
)


def surt_key(url: str) -> str:
    """A URL as replay programs sort it: host reversed, all in lower case, arguments of the query in order.

    The same as the Internet Archive's rules, by which pywb looks URLs up (tests/pipeline/test_cdx.py compares), but
    it asks no name server for odd addresses. A URL that has no such form is its own key.

    >>> surt_key("https://www.Example.co.uk/News/?b=2&a=1#top")
    'uk,co,example)/news?a=1&b=2'
    """
    raw = re.sub(rb"[\n\r\t]", b"", url.encode("utf-8", "surrogatepass").strip())
    if not re.match(rb"https?:", raw, re.IGNORECASE):
        return re.sub(r"\s", "%20", url.strip()) or "-"
    raw = re.sub(rb"^(https?://)+", lambda found: found[1], raw)
    found = _PARTS.match(raw)
    assert found is not None  # every part of it may be empty
    scheme, authority, path, query = (found[number] or b"" for number in (1, 2, 3, 4))
    host, port = _part_authority(authority)
    if not host:  # http:////host/path
        host, _, path = path.lstrip(b"/").partition(b"/")
        path = b"/" + path
    if port is None or not host:
        return re.sub(r"\s", "%20", url.strip())
    host = re.sub(rb"^www\d*\.", b"", _settle_host(host))
    key = b",".join(reversed(host.split(b".")))
    if port and port != _PORTS.get(scheme, 0):
        key += b":%d" % port
    key += b")" + _settle_path(path)
    arguments = _settle_query(query)
    return (key + b"?" + arguments if arguments else key).decode("ascii")


def _part_authority(authority: bytes) -> tuple[bytes, int | None]:
    """Host in lower case and port, 0 for none; a port of None is no number."""
    authority = authority.rstrip(b":").rpartition(b"@")[2]
    bracketed = re.fullmatch(rb"\[([^\]]*)\](?::(.*))?", authority, re.DOTALL)
    host, port = (bracketed[1], bracketed[2] or b"") if bracketed else authority.partition(b":")[::2]
    if not re.fullmatch(rb"\d{0,5}", port) or int(port or b"0") > 65535:
        return host, None
    return host.lower(), int(port or b"0")


def _settle_host(host: bytes) -> bytes:
    host = _unescape(host)
    if not host.isascii():
        with suppress(ValueError):  # a label that is too long, or empty
            host = host.decode("utf-8", "ignore").encode("idna")
    host = host.replace(b"..", b".").strip(b".")
    if host.isdigit():
        return socket.inet_ntoa(struct.pack(">L", int(host) & 0xFFFFFFFF)).encode("ascii")
    if _SHORT_IP.fullmatch(host):
        with suppress(OSError):
            return socket.inet_ntoa(socket.inet_aton(host.decode("ascii"))).encode("ascii")
    return _escape(host).lower()


def _settle_path(path: bytes) -> bytes:
    kept: list[bytes] = []
    for part in _unescape(path).split(b"/")[1:]:
        if part == b"..":
            if kept:
                kept.pop()
            else:
                kept.append(part)
        elif part != b".":
            kept.append(part)
    last = kept.pop() if kept else b""
    settled = _escape(b"/" + b"".join(part + b"/" for part in kept if part) + last).lower()
    for pattern in _PATH_SESSIONS:
        if found := pattern.fullmatch(settled):
            settled = found[1] + found[2]
    return settled[:-1] if settled.endswith(b"/") and len(settled) > 1 else settled


def _settle_query(query: bytes) -> bytes:
    query = _escape(_unescape(query))
    for pattern in _QUERY_SESSIONS:
        if found := pattern.fullmatch(query):
            query = found[1] + (found[2] or b"")
    query = query.lower()
    if len(query) <= 1:
        return query
    return b"&".join(b"=".join(pair) for pair in sorted(tuple(each.split(b"=", 1)) for each in query.split(b"&")))


def _unescape(text: bytes) -> bytes:
    while (plain := unquote_to_bytes(text)) != text:
        text = plain
    return text


def _escape(text: bytes) -> bytes:
    return quote_from_bytes(text, safe=_SAFE).encode("ascii")


# --- lines


@dataclass(frozen=True, kw_only=True)
class Line:
    """A capture in an index. ``offset`` and ``length`` in bytes, of the record's gzip member in its file."""

    key: str
    timestamp: str  # UTC, 14 digits
    url: str
    mime: str
    status: str
    digest: str
    length: int
    offset: int
    filename: str
    refers_to: str | None = None
    refers_to_date: str | None = None  # 14 digits

    @property
    def is_revisit(self) -> bool:
        """Whether its record repeats another one's payload."""
        return self.mime == REVISIT

    def to_bytes(self) -> bytes:
        """The line, with its end."""
        members = {
            "url": self.url,
            "mime": self.mime,
            "status": self.status,
            "digest": self.digest,
            "length": str(self.length),
            "offset": str(self.offset),
            "filename": self.filename,
        }
        if self.refers_to:
            members["refersTo"] = self.refers_to
        if self.refers_to_date:
            members["refersToDate"] = self.refers_to_date
        return f"{self.key} {self.timestamp} {json.dumps(members)}\n".encode("ascii")


def parse_line(line: bytes) -> Line:
    """A line of an index that was written here.

    Raises:
        ArchiveError: it is none.
    """
    try:
        key, timestamp, members = line.decode("ascii").rstrip("\n").split(" ", 2)
        found = json.loads(members)
        return Line(
            key=key,
            timestamp=timestamp,
            url=found["url"],
            mime=found["mime"],
            status=found["status"],
            digest=found["digest"],
            length=int(found["length"]),
            offset=int(found["offset"]),
            filename=found["filename"],
            refers_to=found.get("refersTo"),
            refers_to_date=found.get("refersToDate"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(
            f"{line[:200]!r} is no line of a CDXJ index: {error}",
            next_step="An index is made of the segments: `muniment audit --repair` makes it anew.",
        ) from error


def index_segment(stream: BinaryIO, filename: str) -> list[bytes]:
    """The lines of a segment's captures, sorted.

    Args:
        stream: the segment, from its start; a plain file or in memory.
        filename: what the lines call it: its key.
    """
    lines: list[bytes] = []
    waiting: _Waiting | None = None
    for record in ArchiveIterator(stream, parse_http=False):
        if waiting is not None:
            if waiting.end is None:
                waiting.end = record.stream_pos
            if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
                lines += waiting.lines(filename)
                waiting = None
            elif record.record_type == WarcRecordType.metadata and waiting.is_told_by(record):
                waiting.attempt = b"muniment-kind: attempt\r\n" in record.reader.read(_HEAD) + b"\r\n"
        if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
            waiting = _Waiting(record)
    if waiting is not None:
        if waiting.end is None:
            waiting.end = stream.tell()
        lines += waiting.lines(filename)
    return sorted(lines)


class _Waiting:
    """A capture whose length and kind stand in what follows."""

    def __init__(self, record: WarcRecord) -> None:
        named = record.headers
        self.end: int | None = None
        self.attempt = False
        self._offset = record.stream_pos
        self._id = named.get("WARC-Record-ID") or ""
        self._url = named.get("WARC-Target-URI") or ""
        self._timestamp = _stamp(named.get("WARC-Date") or "")
        self._withheld = named.get("WARC-Truncated") == "unspecified"
        self._refers_to = named.get("WARC-Refers-To-Target-URI")
        self._refers_to_date = _stamp(named.get("WARC-Refers-To-Date") or "")
        self._digest = named.get("WARC-Payload-Digest") or ""
        head, rest = _read_head(record)
        self._status, media = _read_status(head)
        revisit = record.record_type == WarcRecordType.revisit
        self._mime = REVISIT if revisit else media
        if not self._digest and not revisit and not self._withheld:
            self._digest = payload_digest(rest + record.reader.read())

    def is_told_by(self, metadata: WarcRecord) -> bool:
        return metadata.headers.get("WARC-Concurrent-To") == self._id

    def lines(self, filename: str) -> Iterator[bytes]:
        if self.attempt or self._withheld or not self._url or not self._timestamp:
            return
        assert self.end is not None
        yield Line(
            key=surt_key(self._url),
            timestamp=self._timestamp,
            url=self._url,
            mime=self._mime,
            status=self._status,
            digest=self._digest or "-",
            length=self.end - self._offset,
            offset=self._offset,
            filename=filename,
            refers_to=self._refers_to if self._mime == REVISIT else None,
            refers_to_date=(self._refers_to_date or None) if self._mime == REVISIT else None,
        ).to_bytes()


def _read_head(record: WarcRecord) -> tuple[bytes, bytes]:
    """The HTTP head, and what was read behind it."""
    block = record.reader.read(_HEAD)
    found = re.search(rb"\r?\n\r?\n", block)
    return (block[: found.start()], block[found.end() :]) if found else (block, b"")


def _read_status(head: bytes) -> tuple[str, str]:
    """HTTP status and media type."""
    first, *lines = re.split(rb"\r?\n", head)
    word = first.split(None, 2)[1:2]
    status = word[0].decode("ascii") if word and re.fullmatch(rb"\d{3}", word[0]) else "-"
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            media = re.split(rb"[;\s]", value.strip(), maxsplit=1)[0].decode("ascii", "replace").lower()
            return status, media if media and media != REVISIT else "unk"
    return status, "unk"


def _stamp(date: str) -> str:
    """``2026-11-22T09:30:00.5Z`` as 14 digits; empty where it is no time."""
    digits = re.sub(r"\D", "", date.partition(".")[0])
    return digits if len(digits) == 14 else ""


# --- the index of a run


def write_part(archive: Archive, site: str, run: str, number: int, segment: Path, key: str | None = None) -> bool:
    """Store the lines of one segment, which is on this machine; False when they stand there already.

    Args:
        key: of the segment, where it is another run's.
    """
    key = key or archive.segment_key(site, run, number)
    with segment.open("rb") as stream:
        return archive.write_index_part(site, run, number, index_segment(stream, key))


def write_index(archive: Archive, site: str, run: str) -> bool:
    """Store a run's index, made of its parts, and of the segments that have none; False when one stands there.

    Raises:
        KeyMissing, ArchiveError: a segment cannot be read.
    """
    key = archive.index_key(site, run)
    if archive.store.head(key) is not None:
        return False
    with tempfile.NamedTemporaryFile(prefix="muniment-index-") as file:
        for line in sort_lines(_gather(archive, site, run, parts=True)):
            file.write(line)
        file.flush()
        return archive.store.upload_file(key, Path(file.name), content_type=_TEXT)


def rebuild_index(archive: Archive, site: str, run: str) -> Iterator[bytes]:
    """The lines of a run's index, made of its segments as they are now; the same bytes as ``write_index`` stores.

    Raises:
        KeyMissing, ArchiveError: a segment cannot be read.
    """
    return sort_lines(_gather(archive, site, run, parts=False))


def repair_index(archive: Archive, site: str, run: str) -> bool:
    """Put what the segments say in the place of a run's index where that is missing or says otherwise.

    Returns:
        Whether there was something to repair.

    Raises:
        KeyMissing, ArchiveError: a segment cannot be read.
        Lost: others replaced it all the time.
    """
    key = archive.index_key(site, run)
    with tempfile.TemporaryDirectory(prefix="muniment-index-") as folder:
        right, standing = Path(folder) / "right", Path(folder) / "standing"
        with right.open("wb") as file:
            file.writelines(rebuild_index(archive, site, run))
        for _ in range(_TRIES):
            found = archive.store.head(key)
            if found is None:
                if archive.store.upload_file(key, right, content_type=_TEXT):
                    return True
                continue
            archive.store.download_file(key, standing)
            if filecmp.cmp(right, standing, shallow=False):
                return False
            with suppress(Lost):
                archive.store.replace_file(key, right, etag=found.etag, content_type=_TEXT)
                return True
    raise Lost(f"{key} was replaced by others {_TRIES} times in a row; try again")


def _gather(archive: Archive, site: str, run: str, *, parts: bool) -> Iterator[bytes]:
    for number, key in archive.numbered_segments(site, run, again=False).items():
        part = archive.read_index_part(site, run, number) if parts else None
        if part is not None:
            yield from part
            continue
        with tempfile.TemporaryDirectory(prefix="muniment-index-") as folder:
            path = Path(folder) / "segment.warc.gz"
            archive.download_segment(key, path)
            with path.open("rb") as stream:
                yield from index_segment(stream, key)


# --- reading


def indexed_runs(archive: Archive, site: str) -> list[tuple[str, int | None]]:
    """The published runs of a site in order, each with the size of its index; None: it was published without one."""
    start = archive.index_key(site, "00000000T000000Z-00000000").removesuffix("00000000T000000Z-00000000.cdxj")
    sizes = {entry.key.removeprefix(start).removesuffix(".cdxj"): entry.size for entry in archive.store.list(start)}
    runs = sorted(archive.runs(site))
    bare = [run for run in runs if run not in sizes]
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="index") as pool:
        heads = pool.map(archive.store.head, (archive.published_key(site, run) for run in bare))
        published = {run for run, head in zip(bare, heads, strict=True) if head is not None}
    return [(run, sizes.get(run)) for run in runs if run in sizes or run in published]


def read_index(archive: Archive, site: str, *, since: str = "", until: str = "9") -> Iterator[Line]:
    """All captures of a site's published runs, by key, then by time; in constant memory.

    The index of a run of an earlier release, which has none, is made on the way.

    Args:
        since: first timestamp that is wanted, up to 14 digits.
        until: the first timestamp that is not.

    Raises:
        ArchiveError: an index cannot be read.
    """
    for line in read_lines(archive, site):
        timestamp = line.split(b" ", 2)[1].decode("ascii", "replace")
        if since <= timestamp < until:
            yield parse_line(line)


def read_lines(archive: Archive, site: str) -> Iterator[bytes]:
    """As ``read_index``, as they stand."""
    runs = indexed_runs(archive, site)
    return sort_lines(line for run, size in runs for line in _run_lines(archive, site, run, size))


def find_captures(archive: Archive, site: str, url: str) -> list[Line]:
    """The captures of a URL (of any that has its key), by time; a few requests for each run."""
    key = surt_key(url)
    found: list[Line] = []
    for run, size in indexed_runs(archive, site):
        found += _search(archive, site, run, size, key)
    return sorted(found, key=lambda line: (line.timestamp, line.filename, line.offset))


def _run_lines(archive: Archive, site: str, run: str, size: int | None) -> Iterator[bytes]:
    if size is None:
        yield from rebuild_index(archive, site, run)
        return
    key, rest = archive.index_key(site, run), b""
    for offset in range(0, size, _BLOCK):
        *lines, rest = (rest + archive.store.get_range(key, offset, _BLOCK)).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        raise ArchiveError(f"{key} breaks off.", next_step="Make it anew: muniment audit --repair")


def _search(archive: Archive, site: str, run: str, size: int | None, wanted: str) -> Iterator[Line]:
    """The lines of a key in one index, found by halving it."""
    target = wanted.encode("ascii") + b" "
    if size is None or size <= _WHOLE:
        lines: Iterable[bytes] = _run_lines(archive, site, run, size)
        yield from (parse_line(line) for line in lines if line.startswith(target))
        return
    key = archive.index_key(site, run)
    low, high = 0, size  # no line of it begins before low; one that begins at high or later is not before it
    while high - low > _PROBE:
        middle = (low + high) // 2
        block = archive.store.get_range(key, middle, _PROBE)
        start = block.find(b"\n") + 1
        if start == 0:
            break
        if block[start:] < target:
            low = middle + start
        else:
            high = middle
    rest, offset = b"", low
    while offset < size:
        *whole, rest = (rest + archive.store.get_range(key, offset, 4 * _PROBE)).split(b"\n")
        offset += 4 * _PROBE
        for line in whole:
            if line.startswith(target):
                yield parse_line(line)
            elif line > target:
                return


# --- what a replay program is told


def resolve_lines(lines: Iterable[Line], *, unmodified: Literal["keep", "original"] = "keep") -> Iterator[Line]:
    """Lines as pywb can replay them.

    pywb sends what the record of a revisit says with the original's payload: right where the site sent the same page
    again, but of an answer "304 not modified" a browser draws nothing. Such a line is given the place, the type and
    the status of its original: the page as it stood, found under the time at which the site said so.

    Args:
        lines: by key, then by time. Those of one key with different payloads are held.
        unmodified: "original": as said above.
    """
    key, originals = "", dict[str, Line]()
    for line in lines:
        if line.key != key:
            key, originals = line.key, {}
        if not line.is_revisit:
            originals[line.digest] = line
        elif unmodified == "original" and line.status == "304" and (original := originals.get(line.digest)):
            yield Line(
                key=line.key,
                timestamp=line.timestamp,
                url=original.url,
                mime=original.mime,
                status=original.status,
                digest=original.digest,
                length=original.length,
                offset=original.offset,
                filename=original.filename,
            )
            continue
        yield line


# --- sorting more than fits into memory


def sort_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines by their bytes, each once; what is more than 32 MiB waits in temporary files."""
    held: list[bytes] = []
    size = 0
    with ExitStack() as stack:
        spilled: list[IO[bytes]] = []
        for line in lines:
            held.append(line)
            size += len(line) + 64  # and what Python adds
            if size >= _SPILL:
                spilled.append(_spill(stack, sorted(held)))
                held, size = [], 0
                if len(spilled) == _FAN_IN:
                    merged = _spill(stack, heapq.merge(*spilled))
                    for file in spilled:
                        file.close()
                    spilled = [merged]
        held.sort()
        last = None
        for line in heapq.merge(*spilled, held) if spilled else held:
            if line != last:
                yield line
            last = line


def _spill(stack: ExitStack, lines: Iterable[bytes]) -> IO[bytes]:
    file: IO[bytes] = tempfile.TemporaryFile(prefix="muniment-sort-")  # noqa: SIM115 - closed with the stack
    stack.callback(file.close)
    file.writelines(lines)
    file.seek(0)
    return file
