"""Every object that is to be read, in constant memory: what is wrong with it by itself, and with what was recorded."""

from __future__ import annotations

import hashlib
import io
import itertools
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, cast

import orjson
import zstandard

from pipeline.archive import describe_version, parse_version_key
from pipeline.audit.look import Look, ahead, answers, batches, check_digest, parse
from pipeline.audit.records import Wanted, hold_record, read_record
from pipeline.audit.told import Flaw, Problem, kind_of
from pipeline.errors import ArchiveError, StoreUnavailable
from pipeline.model import Published, State, Version, content_digest
from pipeline.store import DIGEST_NAME, KeyMissing
from pipeline.table import SCHEMA, to_batch
from pipeline.takedown import MARK
from spiders.protocol import CrawlSummary

_SPOOL = 32 << 20  # bytes of an object that are kept in memory; a longer one goes to a temporary file
_BATCH = 96
_PART = 1 << 16
_BEHIND = 1 << 18  # bytes behind a record in which the drawn page is looked for, of a segment that is not read
_BEHIND_MOST = 1 << 27
_REQUESTED = b'"requested":'
COLUMNS = tuple(SCHEMA.names)


@dataclass(kw_only=True)
class _Seen:
    """An object that was read."""

    key: str
    etag: str
    size: int
    sha256: str
    recorded: bool  # it has its digest beside it
    flaws: list[Flaw] = field(default_factory=list)
    version: Version | None = None
    document: Published | CrawlSummary | None = None
    requested: frozenset[bytes] | None = None
    records: int = 0

    @property
    def is_spoilt(self) -> bool:
        """Whether its bytes are not worth a look."""
        return any(flaw.problem != "metadata" for flaw in self.flaws)


def read_objects(look: Look, published: set[str]) -> None:
    """Read what is to be read: versions first, so that it is known which records of a segment count."""
    site, threads = look.site, look.archive.store.threads
    order: Sequence[tuple[str, Callable[[str], _Seen | None]]] = (
        (f"runs/{site}/", partial(_examine_document, look)),
        (f"articles/{site}/", partial(_examine_version, look)),
        (f"indexes/{site}/", partial(_examine, look)),
        (f"takedowns/{site}/", partial(_examine, look)),
        (f"sealed/{site}/", partial(_examine, look)),
        (f"sites/{site}/", partial(_examine_memory, look)),
    )
    segments = _keys_to_read(look, f"warc/{site}/")
    keys = {prefix: _keys_to_read(look, prefix) for prefix, _ in order}
    total = len(segments) + sum(map(len, keys.values()))
    done = 0
    frontier = look.archive.frontier_key(site)
    for prefix, examine in order:
        some = [key for key in keys[prefix] if key != frontier]
        for seen in batches(ahead(look.pool, examine, some, threads), _BATCH):
            _note_seen(look, seen)
            done += len(seen)
            look.progress(site, done, total)
        if prefix.startswith("runs/"):
            _trust_older_runs(look, published)
        _judge_bytes(look, prefix)
    jobs = ((key, _records_of(look, key)) for key in segments)
    for seen in batches(ahead(look.lane, partial(_examine_segment, look), jobs, 1), 1):
        _note_seen(look, seen)
        done += len(seen)
        look.progress(site, done, total)
    _read_single_records(look)
    _judge_bytes(look, f"warc/{site}/")


def _keys_to_read(look: Look, prefix: str) -> list[str]:
    """Keys below a prefix that are to be read at this look."""
    found = look.db.execute(
        """SELECT o.key, l.etag = o.etag AS same, e.key IS NULL AS untold FROM objects o
        LEFT JOIN looked l ON l.key = o.key LEFT JOIN expected e ON e.key = o.key
        WHERE o.key >= ? AND o.key < ? ORDER BY o.key""",
        (prefix, prefix[:-1] + "0"),
    )
    always = prefix.startswith("articles/")  # what the journal does not tell of has to say itself whose it is
    return [
        key
        for key, same, untold in found
        if key in look.suspects
        or (not same and (look.is_chosen(key) or (untold and (always or key.endswith("/published.json")))))
    ]


def _note_seen(look: Look, some: Sequence[_Seen | None]) -> None:
    seen = [each for each in some if each is not None]
    versions = [each.version for each in seen if each.version is not None]
    marks = map(mark_row, to_batch(look.archive, versions).to_pylist()) if versions else iter(())
    db = look.db
    db.execute("BEGIN")
    for each in seen:
        look.count_bytes(each.size)
        look.told.records += 0 if look.again else each.records
        row = (each.key, each.etag, each.sha256, each.size, each.recorded)
        db.execute("INSERT OR REPLACE INTO looked VALUES (?, ?, ?, ?, ?)", row)
        db.execute("DELETE FROM flaws WHERE source = ?", (each.key,))
        for flaw in each.flaws:
            told = (each.key, flaw.key, flaw.problem, flaw.expected, flaw.stands)
            db.execute("INSERT INTO flaws VALUES (?, ?, ?, ?, ?)", told)
        if each.version is not None:
            values = (each.key, *_version_row(each.key, each.version), next(marks))
            db.execute(f"INSERT OR REPLACE INTO versions VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
        elif each.key.startswith("articles/"):
            db.execute("DELETE FROM versions WHERE key = ?", (each.key,))
        _note_document(look, each)
    db.execute("COMMIT")


def _note_document(look: Look, seen: _Seen) -> None:
    if seen.document is None and seen.requested is None:
        return
    run = look.run(seen.key.split("/")[2])
    if isinstance(seen.document, Published):
        run.published = seen.document
    elif isinstance(seen.document, CrawlSummary):
        run.summary = seen.document
    run.requested |= seen.requested or frozenset()


def _fetch(look: Look, key: str, spool: Any = None) -> tuple[_Seen | None, bytes, Mapping[str, str]]:
    """Read an object: what there is to say of it, its bytes where they are not spooled, and its metadata."""
    sink = _Sink(spool)
    try:
        entry = look.archive.store.read_into(key, cast("IO[bytes]", sink))
    except KeyMissing:
        return None, b"", {}
    except StoreUnavailable as error:
        if not answers(look.archive):
            raise
        flaw = Flaw(key=key, problem="unreadable", expected="its bytes", stands=f"the store says: {error}")
        return _Seen(key=key, etag="", size=0, sha256="", recorded=False, flaws=[flaw]), b"", {}
    digest = sink.digest()
    seen = _Seen(key=key, etag=entry.etag, size=sink.size, sha256=digest, recorded=DIGEST_NAME in entry.metadata)
    seen.flaws += filter(None, [check_digest(key, sink.size, digest, entry.metadata)])
    if not seen.flaws:
        seen.flaws += filter(None, [_check_encoding(key, entry.encoding)])
    return seen, sink.body(), entry.metadata


def _examine(look: Look, key: str) -> _Seen | None:
    return _fetch(look, key)[0]


def _examine_document(look: Look, key: str) -> _Seen | None:
    seen, body, _ = _fetch(look, key)
    if seen is None or seen.is_spoilt:
        return seen
    name = key.rsplit("/", maxsplit=1)[-1]
    if name.startswith("extracted-"):
        try:
            seen.requested = frozenset(_requested(body))
        except (zstandard.ZstdError, ValueError) as error:
            seen.flaws.append(Flaw(key=key, problem="wrong", expected="findings", stands=str(error)))
    elif name in ("published.json", "crawl.json"):
        kind: type[Published | CrawlSummary] = Published if name == "published.json" else CrawlSummary
        seen.document = parse(kind, body)
        if seen.document is None:
            seen.flaws.append(Flaw(key=key, problem="wrong", expected=f"a {kind.__name__}", stands="it is none"))
    return seen


def _examine_memory(look: Look, key: str) -> _Seen | None:
    """What is remembered of a site: a JSON document of that site."""
    seen, body, _ = _fetch(look, key)
    if seen is None or seen.is_spoilt or not key.endswith(".json"):
        return seen
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or document.get("site", look.site) != look.site:
        flaw = Flaw(key=key, problem="wrong", expected=f"a document of {look.site}", stands="it is none")
        seen.flaws.append(flaw)
    return seen


def _examine_version(look: Look, key: str) -> _Seen | None:
    seen, body, metadata = _fetch(look, key)
    if seen is None or seen.is_spoilt:
        return seen
    try:
        site, article, n = parse_version_key(key)
    except ArchiveError:
        return seen  # nothing accounts for it: that is told of its key
    version = parse(Version, body)
    if version is None:
        seen.flaws.append(Flaw(key=key, problem="wrong", expected="a version", stands="it is none"))
        return seen
    names = (version.site, version.article, version.n)
    if names != (site, article, n):
        stands = f"version {version.n} of article {version.article} of {version.site}"
        seen.flaws.append(Flaw(key=key, problem="wrong", expected="what its key says", stands=stands))
        return seen
    seen.version = version
    described = describe_version(version)
    beside = {name: value for name, value in metadata.items() if name != DIGEST_NAME}
    if beside != described:
        names_wrong = sorted(name for name in {*described, *beside} if described.get(name) != beside.get(name))
        stands = ", ".join(f"{name}: {beside.get(name, 'missing')}" for name in names_wrong)
        expected = ", ".join(f"{name}: {described.get(name, 'none')}" for name in names_wrong)
        seen.flaws.append(Flaw(key=key, problem="metadata", expected=expected, stands=stands))
    came_in_so = article in look.ordered and (not version.text or MARK in version.title + version.text)
    if version.state is not State.REDACTED and key not in look.replaced and not came_in_so:  # words are missing
        digest = content_digest(version.title, version.text)
        if digest != version.digest:
            stands = f"headline and text have {digest}"
            seen.flaws.append(Flaw(key=key, problem="wrong", expected=version.digest, stands=stands))
    return seen


def _records_of(look: Look, segment: str) -> list[Wanted]:
    """The records of a segment that versions rest on."""
    found = look.db.execute("SELECT key, wanted FROM versions WHERE warc = ? ORDER BY offset, key", (segment,))
    return [Wanted.model_validate_json(row["wanted"]) for row in found if row["key"] not in look.bad]


def _examine_segment(look: Look, job: tuple[str, Sequence[Wanted]]) -> _Seen | None:
    key, records = job
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        seen, _, _ = _fetch(look, key, spool if records else _Void())
        if seen is None or not seen.sha256:
            return seen
        emptied = key in look.replaced
        for (offset, _), some in itertools.groupby(records, key=lambda each: (each.offset, each.length)):
            wanted = list(some)
            read = read_record(spool, offset, rendered=any(each.rendered_digest for each in wanted))
            seen.records += 1
            seen.flaws += [flaw for each in wanted if (flaw := hold_record(read, each, emptied=emptied))]
    return seen


def _read_single_records(look: Look) -> None:
    """Records of versions that were read, of segments that were not."""
    if look.chosen is None:
        return
    rows = look.db.execute(
        """SELECT v.key, v.warc, v.wanted FROM versions v LEFT JOIN looked l ON l.key = v.warc
        JOIN objects o ON o.key = v.warc WHERE l.key IS NULL"""
    ).fetchall()
    jobs = [
        (row["key"], row["warc"], Wanted.model_validate_json(row["wanted"]))
        for row in rows
        if row["key"] not in look.bad and (not look.again or row["key"] in look.suspects)
    ]
    for source, size, flaw in ahead(look.pool, partial(_examine_record, look), jobs, look.archive.store.threads):
        look.count_bytes(size)
        look.told.records += 0 if look.again else 1
        look.db.execute("DELETE FROM flaws WHERE source = ?", (source,))
        if flaw is not None:
            told = (source, flaw.key, flaw.problem, flaw.expected, flaw.stands)
            look.db.execute("INSERT INTO flaws VALUES (?, ?, ?, ?, ?)", told)
    for row in look.db.execute("SELECT * FROM flaws WHERE source LIKE 'record %'").fetchall():
        if row["key"] not in look.bad:
            look.name(Flaw(**{name: row[name] for name in ("key", "problem", "expected", "stands")}))


def _examine_record(look: Look, job: tuple[str, str, Wanted]) -> tuple[str, int, Flaw | None]:
    key, segment, wanted = job
    drawn, taken, behind = wanted.rendered_digest is not None, 0, _BEHIND
    while True:
        size = wanted.length + (behind if drawn else 0)
        try:
            record = look.archive.store.get_range(segment, wanted.offset, size)
        except (KeyMissing, ArchiveError):
            record = b""
        taken += len(record)
        read = read_record(io.BytesIO(record), 0, rendered=drawn)
        found = isinstance(read, str) or read.rendered is not None
        if not drawn or found or len(record) < size or behind >= _BEHIND_MOST:
            break
        behind *= 8  # the drawn page comes behind the request, and is longer than that
    return f"record {key}", taken, hold_record(read, wanted, emptied=segment in look.replaced)


def _trust_older_runs(look: Look, published: set[str]) -> None:
    """Runs of a release that kept no journal: what their published.json names may stand."""
    for run in sorted(published):
        each = look.run(run)
        key = look.archive.published_key(look.site, run)
        row = look.db.execute("SELECT recorded FROM looked WHERE key = ?", (key,)).fetchone()
        if "published" in each.told or "repaired" in each.told or row is None or row["recorded"]:
            continue
        made = each.published.made if each.published else ()
        look.write("INSERT OR IGNORE INTO expected VALUES (?, NULL, NULL, ?, NULL, 1, 1)", [(it, run) for it in made])
        each.weak = True
        look.tell(
            key,
            f"run {run} is older than the journal: what its objects were when they were written is not recorded. "
            "`muniment audit --repair` enters them as they stand.",
            adopt=run,
        )


def _judge_bytes(look: Look, prefix: str) -> None:  # noqa: C901 - one branch per case
    """Hold what stands below a prefix against what was recorded."""
    bounds = (prefix, prefix[:-1] + "0")
    found = look.db.execute(
        """SELECT e.*, o.key AS there, o.size AS now, l.sha256 AS read FROM expected e
        LEFT JOIN objects o ON o.key = e.key LEFT JOIN looked l ON l.key = e.key AND l.etag = o.etag
        WHERE e.key >= ? AND e.key < ?""",
        bounds,
    ).fetchall()
    for row in found:
        key, recorded, size = row["key"], row["sha256"], row["size"]
        was = "an object" if recorded is None else f"SHA-256 {recorded}"
        if size is not None:
            was = f"{size} bytes, {was}"
        if row["there"] is None:
            if kind_of(key) == "segment" and (key in look.expired or _may_have_expired(look, key)):
                look.expired.add(key)
                look.bad.add(key)  # nothing follows from it
            elif row["stands"] and row["proven"]:
                look.bad.add(key)
                look.name(Flaw(key=key, problem="missing", expected=was, stands="nothing"))
        elif _is_excused(look, key, row["read"]):
            continue
        elif not row["stands"]:
            look.bad.add(key)
            look.name(Flaw(key=key, problem="unaccounted", expected="nothing: it was taken away", stands="an object"))
        elif (size is not None and row["now"] != size) or (row["read"] and recorded and row["read"] != recorded):
            problem: Problem = "truncated" if size is not None and row["now"] < size else "altered"
            now = f"{row['now']} bytes" + (f", SHA-256 {row['read']}" if row["read"] else "")
            look.bad.add(key)
            touched = _touched_by(look, key)
            look.name(Flaw(key=key, problem=problem, expected=was, stands=now), touches=touched)
    flaws = look.db.execute(
        """SELECT f.*, l.sha256 = e.sha256 AS fits FROM flaws f LEFT JOIN looked l ON l.key = f.source
        LEFT JOIN expected e ON e.key = f.source WHERE f.source >= ? AND f.source < ? ORDER BY f.source, f.rowid""",
        bounds,
    ).fetchall()
    for row in flaws:
        key, problem = row["key"], row["problem"]
        if key in look.bad or row["source"] in look.bad or not look.stands(row["source"]):
            continue
        if problem == "altered" and row["fits"]:
            problem = "metadata"  # the bytes are what they were
        flaw = Flaw(key=key, problem=problem, expected=row["expected"], stands=row["stands"])
        if problem != "metadata" and row["source"] == key:
            look.bad.add(key)
        look.name(flaw, touches=_touched_by(look, key) if key.startswith("warc/") else ())


def _may_have_expired(look: Look, segment: str) -> bool:
    return segment.rpartition("/")[2] < look.expiry


def _is_excused(look: Look, key: str, digest: str | None) -> bool:
    """Whether an object may be another one than the journal says: a takedown's order or its entry is named."""
    if key in look.under_way and digest in (None, *look.under_way[key]):
        return True  # it is being replaced, or was before the order was ended
    return key in look.hidden  # the digest beside the object is held all the same


def _touched_by(look: Look, segment: str) -> list[str]:
    """The first versions whose evidence a damaged segment has hit."""
    query = "SELECT DISTINCT key FROM flaws WHERE source = ? AND key <> source ORDER BY key LIMIT 5"
    return [row["key"] for row in look.db.execute(query, (segment,))]


class _Void:
    """A file that takes all and keeps nothing."""

    def write(self, part: bytes) -> int:
        """Forget it."""
        return len(part)

    def seek(self, _offset: int) -> int:
        """Be at the start."""
        return 0

    def truncate(self) -> int:
        """Be empty."""
        return 0


class _Sink:
    """What an object is read into: takes its digest, and passes the bytes on or keeps them."""

    def __init__(self, spool: Any) -> None:
        self._spool = io.BytesIO() if spool is None else spool
        self._kept = spool is None
        self.seek(0)

    def seek(self, _offset: int) -> int:
        """Begin anew; the store asks for nothing else."""
        self._hash = hashlib.sha256()
        self.size = 0
        self._spool.seek(0)
        return 0

    def truncate(self) -> int:
        """Forget what an earlier try gave."""
        self._spool.truncate()
        return 0

    def write(self, part: bytes) -> int:
        """Take some bytes."""
        self._hash.update(part)
        self.size += len(part)
        self._spool.write(part)
        return len(part)

    def digest(self) -> str:
        """SHA-256 in hexadecimal digits."""
        return self._hash.hexdigest()

    def body(self) -> bytes:
        """All bytes, where they were kept."""
        return self._spool.getvalue() if self._kept else b""


def _check_encoding(key: str, encoding: str) -> Flaw | None:
    """Hold what every HTTP client obeys: an object with a Content-Encoding is unpacked on the way."""
    if encoding in ("", "identity", "aws-chunked"):  # the last is how some stores keep a way of sending
        return None
    return Flaw(key=key, problem="metadata", expected="no Content-Encoding", stands=f"Content-Encoding: {encoding}")


def _requested(packed: bytes) -> Iterator[bytes]:
    """What each finding was asked for; the whole frame is unpacked, and its checksum held."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    for start in range(0, len(packed), _PART):
        *lines, rest = (rest + unpacker.decompress(packed[start : start + _PART])).split(b"\n")
        for line in lines:
            begin = line.find(_REQUESTED) + len(_REQUESTED)
            if begin < len(_REQUESTED):
                raise ValueError("a line is no finding")
            end = line.find(b'","', begin)
            yield line[begin:end]
    if not unpacker.eof or rest:
        raise ValueError("it breaks off")


def _version_row(key: str, version: Version) -> tuple[object, ...]:
    evidence = version.evidence
    wanted = Wanted(
        key=key,
        offset=evidence.offset,
        length=evidence.length,
        record_id=evidence.record_id,
        record_type=evidence.record_type,
        payload_digest=evidence.payload_digest,
        status=evidence.status,
        rendered_digest=evidence.rendered_digest,
    )
    return (
        version.article,
        version.n,
        version.run,
        version.state.value,
        write_moment(version.captured_at),
        version.digest,
        version.url,
        version.title,
        version.moved_to,
        evidence.warc,
        evidence.offset,
        wanted.model_dump_json(),
    )


def write_moment(moment: datetime) -> str:
    """A moment as the books have it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def mark_row(row: Mapping[str, object]) -> bytes:
    """32 bits for each column of a row, by which two rows are compared column by column.

    Python's own keyed hash, whose key is another one in each process: a row cannot be forged to fit.
    """
    return array("I", [_hash(row.get(name)) for name in COLUMNS]).tobytes()


def _hash(value: object) -> int:
    if value is None:
        return 0
    return (hash(tuple(value) if isinstance(value, list) else value) & 0xFFFFFFFF) or 1
