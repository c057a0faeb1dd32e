"""Exports of the evidence in other programs' formats: WACZ packages, one CDXJ file, a configuration for pywb.

A WACZ 1.1.1 package has everything that a period of a site needs to be replayed in a browser, and nothing else:

    archive/<segment>.warc.gz   the records, gzip members byte for byte, behind the segment's warcinfo
    indexes/index.cdx.gz, .idx  where each capture lies in them
    pages/pages.jsonl           the versions of articles, with their headlines
    datapackage.json            each file's SHA-256; datapackage-digest.json has that of this one

The same archive and period give the same bytes. What was captured before the period and is what a revisit in it
repeats comes along. Memory does not grow with the archive: a record is held at a time, sorting goes through
temporary files. A record that a takedown has blanked is left out, even if an index still names it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from pipeline import __version__
from pipeline.archive import Archive
from pipeline.cdx import Line, find_captures, parse_line, read_index, resolve_lines, sort_lines
from pipeline.errors import ArchiveError, NotInArchive

WACZ_VERSION: Final = "1.1.1"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a ZIP knows none earlier; the same each time
# An extra field of our own, empty. Sizes are not known before an entry is written, so that its local header has room
# for 64 bits; a short central header without any extra field would make wabac.js (ReplayWeb.page) take the local
# one for as short, and read 20 bytes before the data.
_EXTRA = b"MU\x00\x00"
_BLOCK_LINES = 1024  # lines in a block of the compressed index
_READ = 256 * 1024
_READ_MOST = 4 * 1024 * 1024
_HEAD = 16 * 1024
_BESIDE = (b"request", b"metadata", b"conversion")
_PAGE_COLUMNS = ("article", "n", "state", "title", "captured_at", "final_url", "http_status", "text")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export holds."""

    captures: int
    pages: int = 0
    bytes: int = 0
    lone_revisits: int = 0  # of which the archive does not have what they repeat
    left_out: int = 0  # captures whose record is blank by now
    expired: int = 0  # captures whose segment is not in the archive any more


Told = Callable[[int], None]
"""Called with the number of captures written so far."""


def stamp(moment: datetime) -> str:
    """A moment as an index has it: 14 digits, UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def export_cdxj(
    archive: Archive, site: str, path: Path, *, since: datetime | None = None, until: datetime | None = None
) -> Exported:
    """Write the captures of a site's published runs as one sorted CDXJ file.

    Args:
        since: the first moment that is wanted.
        until: the first that is not.
    """
    count = 0
    with _written_whole(path) as file:
        for line in _period(archive, site, since, until):
            file.write(line.to_bytes())
            count += 1
        size = file.tell()
    return Exported(captures=count, bytes=size)


def export_pywb(archive: Archive, sites: Iterable[str], folder: Path) -> dict[str, Exported]:
    """Write what pywb needs to replay captures straight from the bucket: ``config.yaml`` and an index for each site.

    pywb finds endpoint and credentials where boto3 does; nothing secret is written. Done again, it brings the
    indexes up to date, and pywb need not be started anew for captures of the sites that it knows.

    Returns:
        For each site what its index holds.
    """
    (folder / "indexes").mkdir(parents=True, exist_ok=True)
    made: dict[str, Exported] = {}
    for site in sorted(sites):
        count = 0
        books = _Books()
        with _written_whole(folder / "indexes" / f"{site}.cdxj") as file:
            # What takes its original's place may not stand where it belongs among lines of one moment.
            resolved = resolve_lines(_standing(archive, site, books), unmodified="original")
            for line in sort_lines(line.to_bytes() for line in resolved):
                file.write(line)
                count += 1
            size = file.tell()
        made[site] = Exported(captures=count, bytes=size, expired=books.expired)
    config = {
        "collections": {
            site: {"index_paths": f"indexes/{site}.cdxj", "archive_paths": f"s3://{archive.store.bucket}/"}
            for site in made
        },
        "enable_memento": True,
    }
    with _written_whole(folder / "config.yaml") as file:
        file.write(json.dumps(config, indent=2).encode() + b"\n")  # JSON is YAML
    return made


def export_wacz(
    archive: Archive,
    site: str,
    path: Path,
    *,
    title: str,
    since: datetime | None = None,
    until: datetime | None = None,
    text: bool = False,
    told: Told = lambda _count: None,
) -> Exported:
    """Write a WACZ package of a site's captures in a period.

    Args:
        path: where it is written; it stands there when it is whole.
        title: name of the package.
        since: the first moment that is wanted.
        until: the first that is not.
        text: put the articles' texts into the list of pages.
        told: how far it has come.

    Raises:
        NotInArchive: there is no capture in the period.
        ArchiveError: a segment has another record where an index says.
    """
    books = _Books()
    with _written_whole(path) as file:
        with zipfile.ZipFile(file, "w", allowZip64=True) as zipped:
            package = _Package(zipped)
            chosen = sort_lines(_place(line) for line in _choose(archive, site, since, until, books))
            lines = sort_lines(line.to_bytes() for line in _copy_records(archive, chosen, package, books, told))
            _write_index(package, lines)
            if not books.captures:
                raise NotInArchive(
                    f"{site} has no capture in this period."
                    + (f" The segments of {books.expired} have expired." if books.expired else ""),
                    next_step=f"`muniment status {site}` shows its runs; only published ones are exported.",
                )
            _write_pages(package, archive, site, since, until, text=text, books=books)
            _write_package(package, title, books.latest)
        size = file.tell()
    return Exported(
        captures=books.captures,
        pages=books.pages,
        bytes=size,
        lone_revisits=books.lone_revisits,
        left_out=books.left_out,
        expired=books.expired,
    )


# --- which captures


@dataclass(kw_only=True)
class _Books:
    captures: int = 0
    pages: int = 0
    lone_revisits: int = 0
    left_out: int = 0
    expired: int = 0
    latest: str = ""


def _period(archive: Archive, site: str, since: datetime | None, until: datetime | None) -> Iterator[Line]:
    return read_index(archive, site, since=stamp(since) if since else "", until=stamp(until) if until else "9")


def _standing(archive: Archive, site: str, books: _Books) -> Iterator[Line]:
    """All captures of a site but those whose segment has expired."""
    there = {entry.key for entry in archive.store.list(f"warc/{site}/")}
    for line in read_index(archive, site):
        if line.filename in there:
            yield line
        else:
            books.expired += 1


def _choose(
    archive: Archive, site: str, since: datetime | None, until: datetime | None, books: _Books
) -> Iterator[Line]:
    """The captures of a period, and those before it that revisits in it repeat; some come twice."""
    first, end = stamp(since) if since else "", stamp(until) if until else "9"
    key, originals = "", dict[str, Line]()
    for line in read_index(archive, site, until=end):
        if line.key != key:
            key, originals = line.key, {}
        if not line.is_revisit:
            originals[line.digest] = line
        if line.timestamp < first:
            continue
        if line.is_revisit:
            original = originals.get(line.digest) or _find_elsewhere(archive, site, line)
            if original is None:
                books.lone_revisits += 1
            else:
                yield original
                # ReplayWeb.page gives the status in the index; of a 304 a browser would draw nothing.
                line = replace(line, status=original.status) if line.status == "304" else line
        yield line


def _find_elsewhere(archive: Archive, site: str, revisit: Line) -> Line | None:
    """What a revisit repeats, at the URL that its record names."""
    if revisit.refers_to is None:
        return None
    same = [
        line
        for line in find_captures(archive, site, revisit.refers_to)
        if line.digest == revisit.digest and not line.is_revisit
    ]
    return same[0] if same else None


def _place(line: Line) -> bytes:
    """A line behind the place of its record, so that lines sort as records lie."""
    return f"{line.filename} {line.offset:015d} ".encode() + line.to_bytes()


# --- records


def _copy_records(
    archive: Archive, chosen: Iterable[bytes], package: _Package, books: _Books, told: Told
) -> Iterator[Line]:
    """Copy records with those beside them, in the order of the segments; their lines as the package has them."""
    segment: _Segment | None = None
    name, there = "", False
    with contextlib.ExitStack() as opened:
        out: _Entry | None = None
        for each in chosen:
            line = parse_line(each.split(b" ", 2)[2])
            if segment is None or segment.key != line.filename:
                opened.close()
                segment, out = _Segment(archive, line.filename), None
                name = line.filename.rpartition("/")[2]
                there = archive.store.head(line.filename) is not None
            if not there:
                books.expired += 1
                continue
            members = segment.exchange(line)
            if members is None:
                books.left_out += 1
                continue
            if out is None:
                out = opened.enter_context(package.open(f"archive/{name}"))
                out.write(segment.warcinfo())
            offset = out.size
            for member in members:
                out.write(member)
            books.captures += 1
            books.latest = max(books.latest, line.timestamp)
            told(books.captures)
            yield replace(line, filename=name, offset=offset)


class _Segment:
    """A segment that is read from front to back by ranges, of what is wanted only; the longer it is, the larger."""

    def __init__(self, archive: Archive, key: str) -> None:
        self.key = key
        self._store = archive.store
        self._start = 0  # of what is held
        self._held = b""
        self._step = _READ
        self._ended = False

    def warcinfo(self) -> bytes:
        """Its first record."""
        whole = self._store.get_range(self.key, 0, _HEAD)
        member = _first_member(whole)
        if member is None or _field(_unpack_head(member), b"WARC-Type") != b"warcinfo":
            raise self._damaged(0)
        return member

    def exchange(self, line: Line) -> Iterator[bytes] | None:
        """A capture's record and those beside it; None: it is blank by now.

        Raises:
            ArchiveError: there is no such record.
        """
        record = self._read(line.offset, line.length)
        head = _unpack_head(record)
        wanted = b"revisit" if line.is_revisit else b"response"
        if len(record) < line.length or _field(head, b"WARC-Type") not in (wanted, b"response"):
            raise self._damaged(line.offset)
        if _field(head, b"WARC-Truncated") == b"unspecified":
            return None
        return self._follow(record, _field(head, b"WARC-Record-ID"), line.offset + line.length)

    def _follow(self, record: bytes, record_id: bytes, offset: int) -> Iterator[bytes]:
        yield record
        while (member := self._member(offset)) is not None:
            head = _unpack_head(member)
            about = (_field(head, b"WARC-Concurrent-To"), _field(head, b"WARC-Refers-To"))
            if _field(head, b"WARC-Type") not in _BESIDE or record_id not in about:
                return
            yield member
            offset += len(member)

    def _member(self, offset: int) -> bytes | None:
        """The gzip member that begins at an offset; None: the segment ends there."""
        length = _HEAD
        while True:
            held = self._read(offset, length)
            member = _first_member(held)
            if member is not None or len(held) < length:
                return member
            length *= 4

    def _read(self, offset: int, length: int) -> bytes:
        """Bytes of the segment; fewer where it ends."""
        end = offset + length
        if not self._start <= offset <= self._start + len(self._held):
            self._start, self._held, self._step, self._ended = offset, b"", _READ, False
        while self._start + len(self._held) < end and not self._ended:
            self._held, self._start = self._held[offset - self._start :], offset
            behind = self._start + len(self._held)
            size = max(self._step, end - behind)
            try:
                more = self._store.get_range(self.key, behind, size)
            except ArchiveError:  # the segment ends here
                more = b""
            self._ended = len(more) < size
            self._held += more
            self._step = min(2 * self._step, _READ_MOST)
        return self._held[offset - self._start : end - self._start]

    def _damaged(self, offset: int) -> ArchiveError:
        return ArchiveError(
            f"{self.key} has at {offset} not the record that the index names.",
            next_step="`muniment audit` names all that is damaged; restore the segment from a backup.",
        )


def _first_member(packed: bytes) -> bytes | None:
    """The gzip member at the start; None: it is not whole."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        rest = packed
        while rest and not unpacker.eof:
            unpacker.decompress(rest, _READ_MOST)
            rest = unpacker.unconsumed_tail
    except zlib.error:
        return None
    return packed[: len(packed) - len(unpacker.unused_data)] if unpacker.eof else None


def _unpack_head(member: bytes) -> bytes:
    """The WARC head of a record."""
    try:
        return zlib.decompressobj(wbits=31).decompress(member, _HEAD).partition(b"\r\n\r\n")[0]
    except zlib.error:
        return b""


def _field(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + re.escape(name) + rb":[ \t]*(.*?)[ \t]*\r?$", head)
    return found[1] if found else b""


# --- index and pages


def _write_index(package: _Package, lines: Iterable[bytes]) -> None:
    """The index in blocks of lines, a gzip member each, and the list of blocks."""
    told = [b'!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n']
    block: list[bytes] = []
    lines = iter(lines)
    first = next(lines, None)  # before it comes, all records are written
    if first is not None:
        block.append(first)
    with package.open("indexes/index.cdx.gz") as out:

        def flush() -> None:
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            packed = packer.compress(b"".join(block)) + packer.flush()
            place = {"offset": out.size, "length": len(packed), "digest": _sha256(packed)}
            told.append(block[0].partition(b"{")[0] + json.dumps(place).encode() + b"\n")
            out.write(packed)
            block.clear()

        for line in lines:
            if len(block) == _BLOCK_LINES:
                flush()
            block.append(line)
        if block:
            flush()
    with package.open("indexes/index.idx", packed=True) as out:
        out.write(b"".join(told))


def _write_pages(
    package: _Package,
    archive: Archive,
    site: str,
    since: datetime | None,
    until: datetime | None,
    *,
    text: bool,
    books: _Books,
) -> None:
    with package.open("pages/pages.jsonl", packed=True) as out:
        head = {"format": "json-pages-1.0", "id": "pages", "title": "Versions of articles", "hasText": text}
        out.write(json.dumps(head).encode() + b"\n")
        for line in sort_lines(_pages(archive, site, since, until, text=text)):
            out.write(line.partition(b" ")[2])
            books.pages += 1


def _pages(
    archive: Archive, site: str, since: datetime | None, until: datetime | None, *, text: bool
) -> Iterator[bytes]:
    """A line for each version of a period whose page was there, behind its moment."""
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    from pipeline.table import dataset  # noqa: PLC0415 - heavy

    wanted = (pc.field("site") == site) & (pc.field("state") != "redacted") & (pc.field("http_status") < 400)
    columns = [column for column in _PAGE_COLUMNS if text or column != "text"]
    first, end = stamp(since) if since else "", stamp(until) if until else "9"
    for batch in dataset(archive).to_batches(columns=columns, filter=wanted, batch_size=1024):
        for row in batch.to_pylist():
            moment = stamp(row["captured_at"])
            if not first <= moment < end:
                continue
            page = {
                "id": f"{row['article']}-{row['n']}",
                "url": row["final_url"],
                "ts": row["captured_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                "title": row["title"],
            }
            if text:
                page["text"] = row["text"]
            yield f"{moment}-{page['id']} {json.dumps(page)}\n".encode()


def _write_package(package: _Package, title: str, latest: str) -> None:
    """The list of all files, and its own digest."""
    described = {
        "profile": "data-package",
        "title": title,
        "created": datetime.strptime(latest, "%Y%m%d%H%M%S").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wacz_version": WACZ_VERSION,
        "software": f"muniment {__version__}",
        "resources": list(package.resources),
    }
    body = json.dumps(described, indent=2).encode()
    with package.open("datapackage.json", packed=True) as out:
        out.write(body)
    with package.open("datapackage-digest.json", packed=True) as out:
        out.write(json.dumps({"path": "datapackage.json", "hash": _sha256(body)}, indent=2).encode())


# --- files


class _Package:
    """A ZIP file whose entries are written one after the other, with what its list says of each."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zipped = zipped
        self.resources: list[dict[str, str | int]] = []

    @contextmanager
    def open(self, path: str, *, packed: bool = False) -> Iterator[_Entry]:
        """Begin an entry; ``packed`` for what is not compressed already."""
        described = zipfile.ZipInfo(path, _EPOCH)
        described.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        described.external_attr = 0o644 << 16
        described.extra = _EXTRA
        with self._zipped.open(described, "w", force_zip64=True) as file:
            entry = _Entry(file=file)
            yield entry
        self.resources.append(
            {
                "name": path.rpartition("/")[2].lower(),
                "path": path,
                "hash": f"sha256:{entry.digest.hexdigest()}",
                "bytes": entry.size,
            }
        )


@dataclass(kw_only=True)
class _Entry:
    """What is being written."""

    file: IO[bytes]
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, part: bytes) -> None:
        self.file.write(part)
        self.digest.update(part)
        self.size += len(part)


@contextmanager
def _written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that stands under its name when all of it is written."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sha256(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
