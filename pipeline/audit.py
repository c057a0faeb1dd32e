"""The audit: whether all that stands in the bucket is what was put there, and agrees with itself.

What is held against what:

    every object's bytes        the digest in the journal; where that has none, the one beside the object
    what stands                 what the journal says was made, replaced and taken away
    a site's journal            its own chain, and heads that an earlier audit told
    a version                   its key, its user metadata, its digest of headline and text, the version before it
    its evidence                the record at that place of that segment: id, kind, status, digest of the payload
    a run                       published.json ↔ journal; the versions it made; findings ↔ what it discovered
    table, frontier, index      the versions and the runs, both ways

It only looks (``pipeline.repair`` mends). Publishers may be at work meanwhile: what implies something else is read
before it, in the opposite order to that in which they write, and whatever seems wrong is looked at once more before
it is named. What one damage entails is not told as many: an object whose bytes are wrong is named, and nothing is
concluded from it.

Every object is read once and in constant memory; what is to be compared across objects lies in a database in a
temporary file, of one site at a time, so that the size of the archive does not matter.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import itertools
import re
import sqlite3
import tempfile
import time
import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, TypeVar, cast

import orjson
import zstandard
from pydantic import BaseModel, ValidationError

from pipeline.archive import MARKER_KEY, Archive, describe_version, parse_version_key
from pipeline.boilerplate import Memory
from pipeline.cdx import parse_line
from pipeline.errors import ArchiveError, StoreUnavailable
from pipeline.frontier import look_into
from pipeline.journal import digest_of, entry_number
from pipeline.lifecycle import Standing
from pipeline.model import (
    RUN_ID,
    SITE_ID,
    JournalEntry,
    Marker,
    Outcome,
    Published,
    State,
    TakedownOrder,
    Version,
    content_digest,
)
from pipeline.store import CHECK_PREFIX, DIGEST_NAME, KeyMissing
from pipeline.table import SCHEMA, dataset, open_table, to_batch
from pipeline.takedown import MARK
from spiders.protocol import CrawlSummary

Kind = Literal[
    "journal", "segment", "run", "findings", "version", "index", "frontier", "site", "takedown", "sealed", "table",
    "marker", "other",
]  # fmt: skip
Problem = Literal[
    "missing",  # it was made and is not there
    "truncated",  # it is shorter than it was made
    "altered",  # its bytes are not those that were written
    "unreadable",  # the store cannot give it
    "unaccounted",  # nothing says that it was made
    "metadata",  # what is said beside an object is not what the object says
    "wrong",  # it contradicts itself, though it is as it was written
    "evidence",  # the record that proves a version is not at its place, or another one
    "chain",  # the journal is not the one that it was
    "disagrees",  # what is derived says something else than what it is derived from
]

_TABLE_KEY = "tables/articles"
_SPOOL = 32 << 20  # bytes of an object that are kept in memory; a longer one goes to a temporary file
_AT_ONCE = 4  # segments
_AHEAD = 12  # objects for each thread
_BATCH = 96
_PART = 1 << 16
_GAP_MOST = 100  # entries of a journal that are missing in a row and are told one by one
_STRANGE_GAP = 3
_BEHIND = 1 << 18  # bytes behind a record in which the drawn page is looked for, of a segment that is not read
_BEHIND_MOST = 1 << 27
_HEAD_MOST = 1 << 20  # bytes in which a record's heads must end
_ROWS = 2048
_LATE = SCHEMA.names.index("edit")  # from here on a row of an earlier release has nulls
_COLUMNS = tuple(SCHEMA.names)
_RECALLED_RUNS = 60  # that the memory of repeated blocks is put together of, at most
_MOST_TOLD = 5  # things that are told of one object
_PATIENCE = 2.0  # seconds until a second look

_RUN_FILES = re.compile(
    r"(orders|crawl|boilerplate|report|published)\.json|extracted-\d{5}\.jsonl\.zst|index-\d{5}\.cdxj\.zst"
)
_TOLD_AS = {
    "carried out": frozenset({"suspended", "redacted"}),
    "reinstated": frozenset({"reinstated"}),
    "destroyed": frozenset({"suspended", "redacted", "destroyed"}),  # by its own order or by a later one
}
_SITE_FILES = frozenset({"frontier.sqlite.zst", "boilerplate.json", "hosts.json", "backfill.json", "endangered.json"})
_TOPS = ("warc", "runs", "articles", "journal", "indexes", "takedowns", "sealed", "sites")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_REQUESTED = b'"requested":'

_T = TypeVar("_T")
_R = TypeVar("_R")
_Doc = TypeVar("_Doc", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """Something that is not as it was put there, or does not agree with the rest."""

    site: str | None
    kind: Kind
    problem: Problem
    key: str
    expected: str
    stands: str
    run: str | None = None  # that put there what was expected
    entry: int | None = None  # number of the journal's entry that says so
    touches: tuple[str, ...] = ()  # versions that rest on it, the first few
    rebuildable: bool = False  # `--repair` makes it anew
    next_step: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something to know that is no damage."""

    site: str | None
    key: str
    message: str
    run: str | None = None  # that `--repair` enters into the journal


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a site's journal."""

    n: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which objects are read, where not all are: so many, or such a share; always the same ones for one seed."""

    seed: int
    number: int | None = None
    percent: float | None = None

    def draw(self, key: str) -> int:
        """A number from 0 to 2**64 that belongs to a key."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed} {key}".encode(), digest_size=8).digest(), "big")


@dataclass(kw_only=True)
class Audited:
    """What an audit found."""

    sites: list[str] = field(default_factory=list)
    choice: Choice | None = None
    objects: int = 0  # that stand in the bucket, without the table's
    read: int = 0  # objects whose bytes were read
    bytes: int = 0  # that were read
    versions: int = 0  # that were read
    records: int = 0  # of evidence that were read
    rows: int = 0  # of the table that were compared
    entries: int = 0  # of journals
    withheld: int = 0  # versions that a takedown has taken from readers
    expired: int = 0  # segments that are gone because the site keeps raw data for so long only
    discrepancies: list[Discrepancy] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.discrepancies


Progress = Callable[[str, int, int], None]
"""Told of a site how many objects of how many have been read."""


def audit_archive(
    archive: Archive,
    *,
    sites: Sequence[str] | None = None,
    choice: Choice | None = None,
    heads: Mapping[str, Head] | None = None,
    patience: float = _PATIENCE,
    progress: Progress | None = None,
    expiry: Mapping[str, datetime] | None = None,
) -> Audited:
    """Look at an archive.

    Args:
        archive: which.
        sites: only these; None: all, and all that belongs to none.
        choice: read some objects only; None: every one. That everything is there, and the journal, is looked at always.
        heads: ends of journals that an earlier audit told.
        patience: seconds until what seems wrong is looked at once more.
        progress: told how far it has come.
        expiry: site -> raw data of runs before this moment may be gone (``keep_raw`` of the site's file).

    Raises:
        StoreUnavailable: the store does not answer.
    """
    told = Audited(choice=choice)
    whole = sites is None
    chosen, strange, found = _survey(archive, sites, choice)
    told.sites = sorted(found | set(heads or ()) | _sites_of_table(archive)) if whole else sorted(set(sites or ()))
    if whole:
        told.objects += len(strange) + 1
        told.discrepancies += _check_marker(archive, told)
        told.discrepancies += [_strange(key) for key in strange if archive.store.head(key) is not None]
    for site in told.sites:
        with tempfile.TemporaryDirectory(prefix="muniment-audit-") as folder:
            look = _SiteAudit(
                archive,
                site,
                Path(folder),
                chosen,
                (heads or {}).get(site),
                told,
                progress or _tell_nobody,
                (expiry or {}).get(site),
            )
            with closing(look):
                look.audit(patience)
    return told


def _tell_nobody(_site: str, _done: int, _of: int) -> None:
    """No progress is told."""


def _survey(
    archive: Archive, sites: Sequence[str] | None, choice: Choice | None
) -> tuple[frozenset[str] | Choice | None, list[str], set[str]]:
    """List the bucket once: which objects are to be read, which have no business there, and which sites there are."""
    wanted = None if sites is None else set(sites)
    found: set[str] = set()
    strange: list[str] = []

    def keys() -> Iterator[str]:
        for key in _all_keys(archive, wanted):
            top, _, rest = key.partition("/")
            site = rest.partition("/")[0]
            if top in _TOPS and "/" in rest and SITE_ID.fullmatch(site):
                found.add(site)
                yield key
            elif key != MARKER_KEY and not key.startswith((CHECK_PREFIX, f"{_TABLE_KEY}/")):
                strange.append(key)

    if choice is not None and choice.number is not None:
        return frozenset(heapq.nsmallest(choice.number, keys(), key=choice.draw)), strange, found
    deque(keys(), maxlen=0)
    return choice, strange, found


def _sites_of_table(archive: Archive) -> set[str]:
    """Sites that the table has rows of: all that may be left of one."""
    try:
        table = open_table(archive)
        names = {each.get("site") for each in table.partitions()} if table is not None else set()
    except Exception:  # whatever Delta makes of a damaged log: that is told of each site
        if not _answers(archive):
            raise
        return set()
    return {name for name in names if name and SITE_ID.fullmatch(name)}


def _all_keys(archive: Archive, sites: set[str] | None) -> Iterator[str]:
    prefixes = [""] if sites is None else [f"{top}/{site}/" for site in sorted(sites) for top in _TOPS]
    for prefix in prefixes:
        for entry in archive.store.list(prefix):
            yield entry.key


def _check_marker(archive: Archive, told: Audited) -> Iterator[Discrepancy]:
    try:
        stored = archive.store.get(MARKER_KEY)
    except KeyMissing:
        yield Discrepancy(
            site=None, kind="marker", problem="missing", key=MARKER_KEY, expected="the marker", stands="nothing",
            next_step="Restore it from a backup: without it the bucket counts as empty.",
        )  # fmt: skip
        return
    told.read, told.bytes = told.read + 1, told.bytes + len(stored.body)
    stated, digest = stored.metadata.get(DIGEST_NAME), hashlib.sha256(stored.body).hexdigest()
    with suppress(ValidationError):
        Marker.model_validate_json(stored.body)
        if stated in (None, digest):
            return
    yield Discrepancy(
        site=None, kind="marker", problem="altered", key=MARKER_KEY, expected=f"SHA-256 {stated}",
        stands=f"SHA-256 {digest}", next_step="Restore it from a backup.",
    )  # fmt: skip


def _strange(key: str) -> Discrepancy:
    return Discrepancy(
        site=None,
        kind="other",
        problem="unaccounted",
        key=key,
        expected="nothing: no key of an archive has this form",
        stands="an object",
        next_step="Find out who put it there; what is not the archive's belongs into another bucket.",
    )


# --- what is remembered of a site while it is audited


_TABLES = """
CREATE TABLE objects (key TEXT PRIMARY KEY, size INTEGER, etag TEXT) WITHOUT ROWID;
CREATE TABLE expected (
    key TEXT PRIMARY KEY, size INTEGER, sha256 TEXT, run TEXT, n INTEGER, stands INTEGER, proven INTEGER)
    WITHOUT ROWID;
CREATE TABLE looked (key TEXT PRIMARY KEY, etag TEXT, sha256 TEXT, size INTEGER, recorded INTEGER) WITHOUT ROWID;
CREATE TABLE flaws (source TEXT, key TEXT, problem TEXT, expected TEXT, stands TEXT);
CREATE INDEX flaws_of ON flaws (source);
CREATE TABLE versions (
    key TEXT PRIMARY KEY, article TEXT, n INTEGER, run TEXT, state TEXT, captured_at TEXT, digest TEXT, url TEXT,
    title TEXT, moved_to TEXT, warc TEXT, offset INTEGER, wanted TEXT, row BLOB) WITHOUT ROWID;
CREATE INDEX versions_of_segment ON versions (warc, offset);
CREATE INDEX versions_of_article ON versions (article, captured_at, n);
CREATE TABLE rows (key TEXT, row BLOB);
CREATE INDEX rows_of ON rows (key);
CREATE TABLE standings (
    article TEXT PRIMARY KEY, n INTEGER, digest TEXT, state TEXT, captured_at TEXT, run TEXT, url TEXT, title TEXT,
    moved_to TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class _Flaw:
    """What is wrong with an object by itself."""

    key: str
    problem: Problem
    expected: str
    stands: str


@dataclass(kw_only=True)
class _Seen:
    """An object that was read."""

    key: str
    etag: str
    size: int
    sha256: str
    recorded: bool  # it has its digest beside it
    flaws: list[_Flaw] = field(default_factory=list)
    version: Version | None = None
    document: Published | CrawlSummary | None = None
    requested: frozenset[bytes] | None = None
    records: int = 0

    @property
    def is_spoilt(self) -> bool:
        """Whether its bytes are not worth a look."""
        return any(flaw.problem != "metadata" for flaw in self.flaws)


class _Wanted(BaseModel):
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
class _Run:
    """What is known of a run."""

    names: set[str] = field(default_factory=set)  # of its documents that stand
    told: set[str] = field(default_factory=set)  # kinds of entries that tell of it
    weak: bool = False  # an entry tells of it that is damaged
    entry: Published | None = None  # as the journal has it
    published: Published | None = None  # as the object has it
    summary: CrawlSummary | None = None
    requested: set[bytes] = field(default_factory=set)
    unread: bool = False  # some of its findings

    @property
    def is_rejected(self) -> bool:
        """Whether the journal tells that it was rejected, and nothing else of it."""
        return self.told == {"rejected"} and not self.weak


@dataclass(frozen=True, kw_only=True)
class _Link:
    """An entry as a link of the chain."""

    n: int
    previous: str | None = None  # None: it cannot be read
    digest: str | None = None
    flaw: _Flaw | None = None


class _SiteAudit:
    """The audit of one site. ``told`` gets what comes out."""

    def __init__(
        self,
        archive: Archive,
        site: str,
        folder: Path,
        chosen: frozenset[str] | Choice | None,
        head: Head | None,
        told: Audited,
        progress: Progress,
        expiry: datetime | None = None,
    ) -> None:
        self._archive = archive
        self._site = site
        self._chosen = chosen
        self._head = head
        self._told = told
        self._progress = progress
        self._expiry = "" if expiry is None else f"{expiry:%Y%m%dT%H%M%SZ}"  # runs before it sort before it
        self._pool = ThreadPoolExecutor(archive.store.threads, thread_name_prefix="audit")
        # A pool of their own bounds how many segments are in memory.
        self._lane = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="audit-segment")
        self._db = sqlite3.connect(folder / "audit.sqlite", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        self._again = False
        self._suspects: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        """Forget what is found out anew at each look."""
        for name in ("objects", "expected", "rows", "standings"):
            self._db.execute(f"DELETE FROM {name}")  # noqa: S608 - our names
        self._found: dict[tuple[str, str], Discrepancy] = {}
        self._notes: list[Note] = []
        self._runs: dict[str, _Run] = {}
        self._bad: set[str] = set()  # keys from which nothing follows
        self._replaced: set[str] = set()  # keys that a takedown has replaced
        self._expired: set[str] = set()  # segments that are gone because their time was over
        self._ordered: set[str] = set()  # articles that a takedown is about
        self._lost_entries = 0  # that cannot be read
        self._last = Head(n=0, digest="")
        self._table_said: str | None = None
        self._has_table = False
        self._applied: set[str] | None = None
        self._ended: dict[
            str, frozenset[str]
        ] = {}  # takedown that is through -> kinds of entries, one of which tells of it
        self._takedowns: dict[str, set[str]] = {}  # takedown -> kinds of entries that tell of it
        self._weak_takedowns: dict[str, set[str]] = {}  # the same of entries that are damaged
        self._hidden: set[str] = set()  # keys that a takedown replaced whose entry is lost
        self._odd_orders: list[str] = []  # takedown's orders that are none
        self._under_way: dict[str, set[str | None]] = {}  # key -> digests between which a takedown changes it

    def close(self) -> None:
        """End its threads and forget its books."""
        self._pool.shutdown(cancel_futures=True)
        self._lane.shutdown(cancel_futures=True)
        self._db.close()

    def audit(self, patience: float) -> None:
        """Look; and where something seems wrong, look once more and tell what still is."""
        self._look()
        first = self._found
        self._told.objects += self._count("objects")
        self._told.rows += self._count("rows")
        self._told.versions += self._count("versions")
        if first:
            time.sleep(patience)
            self._again = True
            self._suspects = {key for key, _ in first}
            self._suspects |= {row["source"] for row in self._db.execute("SELECT DISTINCT source FROM flaws")}
            self._begin()
            self._look()
        still = [each for about, each in self._found.items() if about in first]
        self._told.discrepancies += sorted(still, key=lambda each: (each.kind, each.key, each.problem))
        self._told.notes += self._notes
        self._told.expired += len(self._expired)
        self._told.heads[self._site] = self._last
        self._told.entries += self._last.n

    def _look(self) -> None:
        """One look, in the opposite order to that in which publishers write."""
        self._list(f"runs/{self._site}/")
        published = {run for run, each in self._runs.items() if "published.json" in each.names}
        self._read_orders()
        self._read_journal()
        published -= {run for run, each in self._runs.items() if each.is_rejected}
        self._read_table()
        self._read_frontier()
        for top in _TOPS:
            self._list(f"{top}/{self._site}/")
        self._find_hidden()
        self._read_objects(published)
        self._judge_accounts()
        self._judge_orders()
        self._judge_memory(published)
        self._judge_indexes(published)
        self._judge_runs(published)
        self._judge_versions()
        self._judge_table(published)
        self._judge_frontier(published)
        self._tell_expired()

    def _name(
        self, flaw: _Flaw, *, touches: Sequence[str] = (), run: str | None = None, entry: int | None = None
    ) -> None:
        """Note something that is wrong; the first thing that is found of a key's kind of problem counts."""
        told = self._db.execute("SELECT run, n FROM expected WHERE key = ?", (flaw.key,)).fetchone()
        if told is not None:
            run, entry = run or told["run"], entry or told["n"]
        kind = kind_of(flaw.key)
        rebuildable = is_rebuildable(flaw.key, flaw.problem)
        each = Discrepancy(
            site=self._site,
            kind="table" if flaw.problem == "disagrees" and kind == "version" else kind,
            problem=flaw.problem,
            key=flaw.key,
            expected=flaw.expected,
            stands=flaw.stands,
            run=run,
            entry=entry,
            touches=tuple(touches),
            rebuildable=rebuildable,
            next_step=_next_step(kind, flaw.problem, rebuildable=rebuildable),
        )
        self._found.setdefault((each.key, each.problem), each)

    def _tell_expired(self) -> None:
        """Say which evidence is gone because the site keeps raw data for so long only: that is no damage."""
        if self._expired:
            first, last = min(self._expired), max(self._expired)
            count = f"{len(self._expired)} segment{'s have' if len(self._expired) > 1 else ' has'}"
            self._tell(
                first,
                f"{count} expired, from {first} to {last}: the site's raw data is kept for so long only (keep_raw). "
                "The versions that rest on them stand.",
            )

    def _tell(self, key: str, message: str, *, adopt: str | None = None) -> None:
        self._notes.append(Note(site=self._site, key=key, message=message, run=adopt))

    def _count(self, table: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our names

    def _count_bytes(self, size: int) -> None:
        if not self._again:
            self._told.read += 1
            self._told.bytes += size

    # --- gathering

    def _run(self, run: str) -> _Run:
        return self._runs.setdefault(run, _Run())

    def _list(self, prefix: str) -> None:
        for some in _batches(self._archive.store.list(prefix), 1000):
            self._write(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", [(each.key, each.size, each.etag) for each in some]
            )
            for each in some:
                top, _, rest = each.key.partition("/")
                parts = rest.split("/")
                if top == "runs" and len(parts) > 2 and RUN_ID.fullmatch(parts[1]):
                    self._run(parts[1]).names.add("/".join(parts[2:]))

    def _write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _read_orders(self) -> None:
        """Takedowns that have begun and not ended: what they replace is one thing or the other."""
        start = f"takedowns/{self._site}/"
        for each in self._archive.store.list(start):
            with suppress(KeyMissing):
                order = _parse(TakedownOrder, self._archive.store.get(each.key).body)
                if order is None or [order.site, f"{order.takedown}.json"] != each.key.split("/")[1:]:
                    self._odd_orders.append(each.key)
                    continue
                self._ordered.add(order.article)
                if order.state not in ("ordered", "reinstating") and not order.touched:
                    self._ended[order.takedown] = _TOLD_AS[order.state]
                    continue
                for touched in order.touched:
                    self._under_way.setdefault(touched.key, set()).update((touched.before, touched.after))
                self._tell(
                    each.key,
                    f"takedown {order.takedown} is under way, or was interrupted: go on with it "
                    "(muniment takedown --help says how).",
                )

    # --- the journal

    def _read_journal(self) -> None:
        """Read the journal, hold its chain, and write down what it says must stand."""
        folder = self._archive.journal_key(self._site, 1).removesuffix("00000001.json")
        listed: list[int] = []
        for each in self._archive.store.list(folder):
            number = entry_number(self._site, each.key)
            if number is None:
                self._name(_Flaw(key=each.key, problem="unaccounted", expected="nothing", stands="an object"))
            else:
                listed.append(number)
        numbers = _fill_gaps(sorted(listed))
        links = list(self._read_entries(numbers, frozenset()))
        strange = _count_strange(links)
        for link in links[len(links) - strange :]:
            if link.digest is not None:
                key = self._archive.journal_key(self._site, link.n)
                self._name(
                    _Flaw(
                        key=key, problem="unaccounted", expected="nothing: the journal ends before", stands="an object"
                    )
                )
        links, numbers = links[: len(links) - strange], numbers[: len(links) - strange]
        culprits = self._judge_chain(links)
        if culprits:  # what they say proves nothing
            self._db.execute("DELETE FROM expected")
            self._replaced.clear()
            self._takedowns.clear()
            for run in self._runs.values():
                run.told, run.entry = set(), None
            list(self._read_entries(numbers, culprits))
        self._lost_entries = sum(link.previous is None for link in links)
        last = next((link for link in reversed(links) if link.digest is not None), None)
        self._last = Head(n=last.n, digest=last.digest or "") if last else self._last
        if not self._again:
            self._told.read += len(links)
        self._hold_head(links)

    def _read_entries(self, numbers: Sequence[int], culprits: frozenset[int]) -> Iterator[_Link]:
        highest = numbers[-1] if numbers else 0
        fetched = _ahead(self._pool, self._fetch_entry, numbers, self._archive.store.threads)
        for n, stored in zip(numbers, fetched, strict=True):
            key = self._archive.journal_key(self._site, n)
            if stored is None:
                flaw = _Flaw(key=key, problem="missing", expected=f"entry {n} of {highest}", stands="nothing")
                yield _Link(n=n, flaw=flaw)
                continue
            body, metadata = stored
            if not self._again and not culprits:
                self._told.bytes += len(body)
            digest = digest_of(body)
            wrong = _check_digest(key, len(body), digest.removeprefix("sha256:"), metadata)
            entry = _parse(JournalEntry, body)
            if entry is None or (entry.site, entry.n) != (self._site, n):
                wrong = wrong or _Flaw(
                    key=key, problem="wrong", expected=f"entry {n} of {self._site}", stands="something else"
                )
                yield _Link(n=n, digest=digest, flaw=wrong)
                continue
            yield _Link(n=n, previous=entry.previous, digest=digest, flaw=wrong)
            self._believe(entry, proven=wrong is None and n not in culprits)

    def _fetch_entry(self, n: int) -> tuple[bytes, Mapping[str, str]] | None:
        try:
            stored = self._archive.store.get(self._archive.journal_key(self._site, n))
        except KeyMissing:
            return None
        return stored.body, stored.metadata

    def _judge_chain(self, links: Sequence[_Link]) -> frozenset[int]:
        """Which entries are not what they were: their own digest, or the next entry's, says so."""
        culprits = set()
        for link in links:
            if link.flaw is not None:
                culprits.add(link.n)
                self._name(link.flaw, entry=link.n)
        broken = {}
        for before, link in itertools.pairwise([_Link(n=0, digest=""), *links]):
            if before.flaw is None and link.flaw is None and link.previous != before.digest:
                broken[link.n] = (before, link)
        for n in sorted(broken):
            # Both its links are broken: it is that one. Otherwise the one before was altered with its digest.
            culprit = n if n == 1 or n + 1 in broken else n - 1
            if culprit in culprits or n - 1 in culprits:
                continue
            culprits.add(culprit)
            self._name(
                _Flaw(
                    key=self._archive.journal_key(self._site, culprit),
                    problem="chain",
                    expected=f"{broken[n][1].previous or 'nothing before the first'}, as entry {n} says",
                    stands=broken[n][0].digest or "an entry that names one before",
                ),
                entry=culprit,
            )
        return frozenset(culprits)

    def _believe(self, entry: JournalEntry, *, proven: bool) -> None:
        """Write down what an entry says must stand; of one that is damaged only that something may."""
        self._write(
            "INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?, 1, ?)",
            [
                (each.key, each.size if proven else None, each.sha256 if proven else None, entry.run, entry.n, proven)
                for each in entry.objects
            ],
        )
        if entry.kind == "expired" and proven:
            self._expired.update(each.key for each in entry.replaced)
        if entry.replaced:
            self._believe_replaced(entry, proven=proven)
        if entry.takedown is not None:
            told = self._takedowns if proven else self._weak_takedowns
            told.setdefault(entry.takedown, set()).add(entry.kind)
        if entry.run is not None:
            of = self._run(entry.run)
            of.told.add(entry.kind)
            of.weak = of.weak or not proven
            if entry.published is not None and proven:
                of.entry = entry.published

    def _believe_replaced(self, entry: JournalEntry, *, proven: bool) -> None:
        """What a takedown put in the place of something; what it sealed has its digest beside it, and no other."""
        sizes = {each.key: each.size for each in entry.objects}
        for each in entry.replaced:
            self._replaced.add(each.key)
            old = self._db.execute("SELECT run FROM expected WHERE key = ?", (each.key,)).fetchone()
            run = old["run"] if old is not None else entry.run
            after = each.after if proven else None
            size = sizes.get(each.key) if proven else None
            values = [(each.key, size, after, run, entry.n, each.after is not None, proven)]
            if each.sealed is not None and each.sealed not in sizes:
                values.append((each.sealed, None, None, run, entry.n, True, proven))
            self._write("INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        if entry.takedown is not None and entry.kind in ("reinstated", "destroyed"):
            folder = self._archive.sealed_key(self._site, entry.takedown, "")
            self._db.execute("UPDATE expected SET proven = 0 WHERE key >= ? AND key < ?", (folder, folder[:-1] + "0"))

    def _find_hidden(self) -> None:
        """What takedowns replaced whose entries are lost: the sealed copies say. To restore that would undo them."""
        for takedown, kinds in self._ended.items():
            if not kinds & self._takedowns.get(takedown, set()):
                folder = self._archive.sealed_key(self._site, takedown, "")
                found = self._db.execute(
                    "SELECT key FROM objects WHERE key >= ? AND key < ?", (folder, folder[:-1] + "0")
                )
                self._hidden |= {key.removeprefix(folder) for (key,) in found}
        self._replaced |= self._hidden

    def _hold_head(self, links: Sequence[_Link]) -> None:
        """Compare with the head that an earlier audit told."""
        head = self._head
        if head is None or head.n == 0:
            return
        now = next((link.digest for link in links if link.n == head.n), None)
        if now != head.digest:
            self._name(
                _Flaw(
                    key=self._archive.journal_key(self._site, head.n),
                    problem="chain",
                    expected=f"entry {head.n} is {head.digest}, as an earlier audit saw it",
                    stands=now or f"nothing: the journal ends with entry {links[-1].n if links else 0}",
                ),
                entry=head.n,
            )

    # --- table and frontier

    def _read_table(self) -> None:
        """Marks of the site's rows."""
        wanted = None if self._chosen is None else self._chosen_versions()
        try:
            import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

            self._has_table = open_table(self._archive) is not None
            if wanted == []:
                return
            found = dataset(self._archive)
            condition = ds.field("site") == self._site
            if wanted is not None:
                condition &= ds.field("key").isin(wanted)
            names = [name for name in _COLUMNS if name in found.schema.names]
            for batch in found.scanner(columns=names, filter=condition, batch_size=_ROWS).to_batches():
                self._write("INSERT INTO rows VALUES (?, ?)", ((row["key"], _mark(row)) for row in batch.to_pylist()))
        except Exception as error:  # whatever Arrow and Delta make of damaged files
            if not _answers(self._archive):
                raise
            self._table_said = str(error).split("\n", maxsplit=1)[0][:300]

    def _chosen_versions(self) -> list[str]:
        """Keys of the versions that are to be read, where not all are."""
        return [
            each.key
            for each in self._archive.store.list(f"articles/{self._site}/")
            if self._is_chosen(each.key) or each.key in self._suspects
        ]

    def _is_chosen(self, key: str) -> bool:
        chosen = self._chosen
        if isinstance(chosen, Choice):
            return chosen.percent is None or chosen.draw(key) < chosen.percent / 100 * 2**64
        return chosen is None or key in chosen

    def _read_frontier(self) -> None:
        key = self._archive.frontier_key(self._site)
        try:
            stored = self._archive.store.get(key)
        except KeyMissing:
            return
        self._count_bytes(len(stored.body))
        flaw = _check_digest(key, len(stored.body), hashlib.sha256(stored.body).hexdigest(), stored.metadata)
        if flaw is None:
            try:
                with look_into(stored.body) as (runs, standings):
                    for some in _batches(standings, 1000):
                        self._write(
                            "INSERT INTO standings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_standing_row, some)
                        )
                    self._applied = runs
            except (ArchiveError, sqlite3.DatabaseError, ValueError) as error:
                flaw = _Flaw(key=key, problem="wrong", expected="a frontier", stands=str(error).split("\n")[0])
        if flaw is not None:
            self._bad.add(key)
            self._name(flaw)

    # --- reading objects

    def _keys(self, prefix: str) -> list[str]:
        """Keys below a prefix that are to be read at this look."""
        found = self._db.execute(
            """SELECT o.key, l.etag = o.etag AS same, e.key IS NULL AS untold FROM objects o
            LEFT JOIN looked l ON l.key = o.key LEFT JOIN expected e ON e.key = o.key
            WHERE o.key >= ? AND o.key < ? ORDER BY o.key""",
            (prefix, prefix[:-1] + "0"),
        )
        always = prefix.startswith("articles/")  # what the journal does not tell of has to say itself whose it is
        return [
            key
            for key, same, untold in found
            if key in self._suspects
            or (not same and (self._is_chosen(key) or (untold and (always or key.endswith("/published.json")))))
        ]

    def _read_objects(self, published: set[str]) -> None:
        """Read what is to be read: versions first, so that it is known which records of a segment count."""
        site, threads = self._site, self._archive.store.threads
        order: Sequence[tuple[str, Callable[[str], _Seen | None]]] = (
            (f"runs/{site}/", self._examine_document),
            (f"articles/{site}/", self._examine_version),
            (f"indexes/{site}/", self._examine),
            (f"takedowns/{site}/", self._examine),
            (f"sealed/{site}/", self._examine),
            (f"sites/{site}/", self._examine_memory),
        )
        segments = self._keys(f"warc/{site}/")
        keys = {prefix: self._keys(prefix) for prefix, _ in order}
        total = len(segments) + sum(map(len, keys.values()))
        done = 0
        frontier = self._archive.frontier_key(site)
        for prefix, examine in order:
            some = [key for key in keys[prefix] if key != frontier]
            for seen in _batches(_ahead(self._pool, examine, some, threads), _BATCH):
                self._note_seen(seen)
                done += len(seen)
                self._progress(site, done, total)
            if prefix.startswith("runs/"):
                self._trust_older_runs(published)
            self._judge_bytes(prefix)
        jobs = ((key, self._records_of(key)) for key in segments)
        for seen in _batches(_ahead(self._lane, self._examine_segment, jobs, 1), 1):
            self._note_seen(seen)
            done += len(seen)
            self._progress(site, done, total)
        self._read_single_records()
        self._judge_bytes(f"warc/{site}/")

    def _note_seen(self, some: Sequence[_Seen | None]) -> None:
        seen = [each for each in some if each is not None]
        versions = [each.version for each in seen if each.version is not None]
        marks = map(_mark, to_batch(self._archive, versions).to_pylist()) if versions else iter(())
        db = self._db
        db.execute("BEGIN")
        for each in seen:
            self._count_bytes(each.size)
            self._told.records += 0 if self._again else each.records
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
            self._note_document(each)
        db.execute("COMMIT")

    def _note_document(self, seen: _Seen) -> None:
        if seen.document is None and seen.requested is None:
            return
        run = self._run(seen.key.split("/")[2])
        if isinstance(seen.document, Published):
            run.published = seen.document
        elif isinstance(seen.document, CrawlSummary):
            run.summary = seen.document
        run.requested |= seen.requested or frozenset()

    def _fetch(self, key: str, spool: Any = None) -> tuple[_Seen | None, bytes, Mapping[str, str]]:
        """Read an object: what there is to say of it, its bytes where they are not spooled, and its metadata."""
        sink = _Sink(spool)
        try:
            entry = self._archive.store.read_into(key, cast("IO[bytes]", sink))
        except KeyMissing:
            return None, b"", {}
        except StoreUnavailable as error:
            if not _answers(self._archive):
                raise
            flaw = _Flaw(key=key, problem="unreadable", expected="its bytes", stands=f"the store says: {error}")
            return _Seen(key=key, etag="", size=0, sha256="", recorded=False, flaws=[flaw]), b"", {}
        digest = sink.digest()
        seen = _Seen(key=key, etag=entry.etag, size=sink.size, sha256=digest, recorded=DIGEST_NAME in entry.metadata)
        seen.flaws += filter(None, [_check_digest(key, sink.size, digest, entry.metadata)])
        if not seen.flaws:
            seen.flaws += filter(None, [_check_encoding(key, entry.encoding)])
        return seen, sink.body(), entry.metadata

    def _examine(self, key: str) -> _Seen | None:
        return self._fetch(key)[0]

    def _examine_document(self, key: str) -> _Seen | None:
        seen, body, _ = self._fetch(key)
        if seen is None or seen.is_spoilt:
            return seen
        name = key.rsplit("/", maxsplit=1)[-1]
        if name.startswith("extracted-"):
            try:
                seen.requested = frozenset(_requested(body))
            except (zstandard.ZstdError, ValueError) as error:
                seen.flaws.append(_Flaw(key=key, problem="wrong", expected="findings", stands=str(error)))
        elif name in ("published.json", "crawl.json"):
            kind: type[Published | CrawlSummary] = Published if name == "published.json" else CrawlSummary
            seen.document = _parse(kind, body)
            if seen.document is None:
                seen.flaws.append(_Flaw(key=key, problem="wrong", expected=f"a {kind.__name__}", stands="it is none"))
        return seen

    def _examine_memory(self, key: str) -> _Seen | None:
        """What is remembered of a site: a JSON document of that site."""
        seen, body, _ = self._fetch(key)
        if seen is None or seen.is_spoilt or not key.endswith(".json"):
            return seen
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict) or document.get("site", self._site) != self._site:
            flaw = _Flaw(key=key, problem="wrong", expected=f"a document of {self._site}", stands="it is none")
            seen.flaws.append(flaw)
        return seen

    def _examine_version(self, key: str) -> _Seen | None:
        seen, body, metadata = self._fetch(key)
        if seen is None or seen.is_spoilt:
            return seen
        try:
            site, article, n = parse_version_key(key)
        except ArchiveError:
            return seen  # nothing accounts for it: that is told of its key
        version = _parse(Version, body)
        if version is None:
            seen.flaws.append(_Flaw(key=key, problem="wrong", expected="a version", stands="it is none"))
            return seen
        names = (version.site, version.article, version.n)
        if names != (site, article, n):
            stands = f"version {version.n} of article {version.article} of {version.site}"
            seen.flaws.append(_Flaw(key=key, problem="wrong", expected="what its key says", stands=stands))
            return seen
        seen.version = version
        described = describe_version(version)
        beside = {name: value for name, value in metadata.items() if name != DIGEST_NAME}
        if beside != described:
            names_wrong = sorted(name for name in {*described, *beside} if described.get(name) != beside.get(name))
            stands = ", ".join(f"{name}: {beside.get(name, 'missing')}" for name in names_wrong)
            expected = ", ".join(f"{name}: {described.get(name, 'none')}" for name in names_wrong)
            seen.flaws.append(_Flaw(key=key, problem="metadata", expected=expected, stands=stands))
        came_in_so = article in self._ordered and (not version.text or MARK in version.title + version.text)
        if version.state is not State.REDACTED and key not in self._replaced and not came_in_so:  # words are missing
            digest = content_digest(version.title, version.text)
            if digest != version.digest:
                stands = f"headline and text have {digest}"
                seen.flaws.append(_Flaw(key=key, problem="wrong", expected=version.digest, stands=stands))
        return seen

    def _records_of(self, segment: str) -> list[_Wanted]:
        """The records of a segment that versions rest on."""
        found = self._db.execute("SELECT key, wanted FROM versions WHERE warc = ? ORDER BY offset, key", (segment,))
        return [_Wanted.model_validate_json(row["wanted"]) for row in found if row["key"] not in self._bad]

    def _examine_segment(self, job: tuple[str, Sequence[_Wanted]]) -> _Seen | None:
        key, records = job
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen, _, _ = self._fetch(key, spool if records else _Void())
            if seen is None or not seen.sha256:
                return seen
            emptied = key in self._replaced
            for (offset, _), some in itertools.groupby(records, key=lambda each: (each.offset, each.length)):
                wanted = list(some)
                read = _read_record(spool, offset, rendered=any(each.rendered_digest for each in wanted))
                seen.records += 1
                seen.flaws += [flaw for each in wanted if (flaw := _hold_record(read, each, emptied=emptied))]
        return seen

    def _read_single_records(self) -> None:
        """Records of versions that were read, of segments that were not."""
        if self._chosen is None:
            return
        rows = self._db.execute(
            """SELECT v.key, v.warc, v.wanted FROM versions v LEFT JOIN looked l ON l.key = v.warc
            JOIN objects o ON o.key = v.warc WHERE l.key IS NULL"""
        ).fetchall()
        jobs = [
            (row["key"], row["warc"], _Wanted.model_validate_json(row["wanted"]))
            for row in rows
            if row["key"] not in self._bad and (not self._again or row["key"] in self._suspects)
        ]
        for source, size, flaw in _ahead(self._pool, self._examine_record, jobs, self._archive.store.threads):
            self._count_bytes(size)
            self._told.records += 0 if self._again else 1
            self._db.execute("DELETE FROM flaws WHERE source = ?", (source,))
            if flaw is not None:
                told = (source, flaw.key, flaw.problem, flaw.expected, flaw.stands)
                self._db.execute("INSERT INTO flaws VALUES (?, ?, ?, ?, ?)", told)
        for row in self._db.execute("SELECT * FROM flaws WHERE source LIKE 'record %'").fetchall():
            if row["key"] not in self._bad:
                self._name(_Flaw(**{name: row[name] for name in ("key", "problem", "expected", "stands")}))

    def _examine_record(self, job: tuple[str, str, _Wanted]) -> tuple[str, int, _Flaw | None]:
        key, segment, wanted = job
        drawn, taken, behind = wanted.rendered_digest is not None, 0, _BEHIND
        while True:
            size = wanted.length + (behind if drawn else 0)
            try:
                record = self._archive.store.get_range(segment, wanted.offset, size)
            except (KeyMissing, ArchiveError):
                record = b""
            taken += len(record)
            read = _read_record(io.BytesIO(record), 0, rendered=drawn)
            found = isinstance(read, str) or read.rendered is not None
            if not drawn or found or len(record) < size or behind >= _BEHIND_MOST:
                break
            behind *= 8  # the drawn page comes behind the request, and is longer than that
        return f"record {key}", taken, _hold_record(read, wanted, emptied=segment in self._replaced)

    # --- judging

    def _trust_older_runs(self, published: set[str]) -> None:
        """Runs of a release that kept no journal: what their published.json names may stand."""
        for run in sorted(published):
            each = self._run(run)
            key = self._archive.published_key(self._site, run)
            row = self._db.execute("SELECT recorded FROM looked WHERE key = ?", (key,)).fetchone()
            if "published" in each.told or "repaired" in each.told or row is None or row["recorded"]:
                continue
            made = each.published.made if each.published else ()
            self._write(
                "INSERT OR IGNORE INTO expected VALUES (?, NULL, NULL, ?, NULL, 1, 1)", [(it, run) for it in made]
            )
            each.weak = True
            self._tell(
                key,
                f"run {run} is older than the journal: what its objects were when they were written is not recorded. "
                "`muniment audit --repair` enters them as they stand.",
                adopt=run,
            )

    def _judge_bytes(self, prefix: str) -> None:  # noqa: C901 - one branch per case
        """Hold what stands below a prefix against what was recorded."""
        bounds = (prefix, prefix[:-1] + "0")
        found = self._db.execute(
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
                if kind_of(key) == "segment" and (key in self._expired or self._may_have_expired(key)):
                    self._expired.add(key)
                    self._bad.add(key)  # nothing follows from it
                elif row["stands"] and row["proven"]:
                    self._bad.add(key)
                    self._name(_Flaw(key=key, problem="missing", expected=was, stands="nothing"))
            elif self._is_excused(key, row["read"]):
                continue
            elif not row["stands"]:
                self._bad.add(key)
                self._name(
                    _Flaw(key=key, problem="unaccounted", expected="nothing: it was taken away", stands="an object")
                )
            elif (size is not None and row["now"] != size) or (row["read"] and recorded and row["read"] != recorded):
                problem: Problem = "truncated" if size is not None and row["now"] < size else "altered"
                now = f"{row['now']} bytes" + (f", SHA-256 {row['read']}" if row["read"] else "")
                self._bad.add(key)
                touched = self._touched_by(key)
                self._name(_Flaw(key=key, problem=problem, expected=was, stands=now), touches=touched)
        flaws = self._db.execute(
            """SELECT f.*, l.sha256 = e.sha256 AS fits FROM flaws f LEFT JOIN looked l ON l.key = f.source
            LEFT JOIN expected e ON e.key = f.source WHERE f.source >= ? AND f.source < ? ORDER BY f.source, f.rowid""",
            bounds,
        ).fetchall()
        for row in flaws:
            key, problem = row["key"], row["problem"]
            if key in self._bad or row["source"] in self._bad or not self._stands(row["source"]):
                continue
            if problem == "altered" and row["fits"]:
                problem = "metadata"  # the bytes are what they were
            flaw = _Flaw(key=key, problem=problem, expected=row["expected"], stands=row["stands"])
            if problem != "metadata" and row["source"] == key:
                self._bad.add(key)
            self._name(flaw, touches=self._touched_by(key) if key.startswith("warc/") else ())

    def _may_have_expired(self, segment: str) -> bool:
        return segment.rpartition("/")[2] < self._expiry

    def _is_excused(self, key: str, digest: str | None) -> bool:
        """Whether an object may be another one than the journal says: a takedown's order or its entry is named."""
        if key in self._under_way and digest in (None, *self._under_way[key]):
            return True  # it is being replaced, or was before the order was ended
        return key in self._hidden  # the digest beside the object is held all the same

    def _stands(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM objects WHERE key = ?", (key,)).fetchone() is not None

    def _touched_by(self, segment: str) -> list[str]:
        """The first versions whose evidence a damaged segment has hit."""
        query = "SELECT DISTINCT key FROM flaws WHERE source = ? AND key <> source ORDER BY key LIMIT 5"
        return [row["key"] for row in self._db.execute(query, (segment,))]

    def _judge_accounts(self) -> None:
        """Name what nothing accounts for."""
        found = self._db.execute(
            """SELECT o.key, v.run FROM objects o LEFT JOIN expected e ON e.key = o.key
            LEFT JOIN versions v ON v.key = o.key WHERE e.key IS NULL"""
        ).fetchall()
        for key, of_run in found:
            why = self._account_for(key, of_run)
            if why is not None:
                self._bad.add(key)
                for about in [about for about in self._found if about[0] == key]:
                    del self._found[about]  # that it has no business there says it all
                self._name(_Flaw(key=key, problem="unaccounted", expected=why, stands="an object"))

    def _account_for(self, key: str, of_run: str | None) -> str | None:  # noqa: PLR0911 - one return per kind
        """Why an object that no entry tells of has no business there; None: it has some."""
        site = self._site
        top, _, *rest = key.split("/")
        name = "/".join(rest)
        if top == "journal":
            return None  # told with the chain
        if top == "sites":
            return None if name in _SITE_FILES else "nothing: no object of a site has this name"
        if top in ("takedowns", "sealed"):
            return self._account_for_takedown(top, name)
        if top == "articles":
            with suppress(ArchiveError):
                parse_version_key(key)
                return None if of_run is None and key not in self._bad else self._account_for_run(of_run)
            return "nothing: that is no key of a version"
        if top == "warc":
            found = re.fullmatch(r"(\d{4})/(\d\d)/(\d\d)/([^/]+)-\d{5}\.warc\.gz", name)
            run = found[4] if found and found[4].startswith("".join(found.groups()[:3])) else ""
            return self._account_for_run(run) if run else "nothing: that is no key of a segment"
        run, _, document = name.partition("/")
        if top == "indexes":
            run = name.removesuffix(".cdxj")
            if not RUN_ID.fullmatch(run) or run not in self._runs:
                return f"nothing: there is no run {run} of {site}"
            return f"nothing: run {run} was rejected" if self._runs[run].is_rejected else None
        if not RUN_ID.fullmatch(run) or not _RUN_FILES.fullmatch(document):
            return "nothing: no object of a run has this name"
        return self._account_for_run(run, document)

    def _account_for_run(self, run: str | None, document: str = "") -> str | None:
        known = self._runs.get(run or "")
        if known is None or not known.names:
            return f"nothing: there is no run {run}"
        if document == "published.json" and known.is_rejected:
            return f"nothing: run {run} was rejected"
        if known.weak or not known.told & {"published", "rejected", "repaired"} or document == "published.json":
            return None
        if not known.told & {"published", "repaired"} and not document:
            return f"nothing: run {run} was rejected"
        return f"nothing: the journal tells what run {run} made, and not this"

    def _account_for_takedown(self, top: str, name: str) -> str | None:
        takedown = name.split("/", maxsplit=1)[0].removesuffix(".json")
        if top == "takedowns":
            return None if RUN_ID.fullmatch(takedown) else "nothing: that is no key of a takedown"
        if not self._stands(self._archive.takedown_key(self._site, takedown)):
            return f"nothing: there is no takedown {takedown}"
        original = name.removeprefix(f"{takedown}/")
        if top == "sealed" and original != "terms.json" and not self._is_known(original):
            return "nothing: the archive has and had no object of this name"
        return None

    def _is_known(self, key: str) -> bool:
        told = self._db.execute("SELECT 1 FROM expected WHERE key = ?", (key,)).fetchone()
        return told is not None or self._stands(key)

    def _judge_orders(self) -> None:
        """Orders of takedowns are replaced at times, with the digest beside them: that they are orders at all."""
        for key in self._odd_orders:
            if key not in self._bad and self._stands(key):
                self._bad.add(key)
                self._name(_Flaw(key=key, problem="wrong", expected="the order of a takedown", stands="it is none"))

    def _judge_memory(self, published: set[str]) -> None:
        """Whether the memory of repeated blocks is there, where a run that is published taught some."""
        key = self._archive.boilerplate_key(self._site)
        if self._stands(key):
            return  # its digest was held
        taught = [run for run in sorted(published, reverse=True) if "boilerplate.json" in self._run(run).names]
        for run in taught[:_RECALLED_RUNS]:
            with suppress(ArchiveError):  # damaged: that is told of them
                lessons = self._archive.read_lessons(self._site, run, Memory)
                orders = self._archive.read_orders(self._site, run)
                if lessons is not None and lessons.pages and (orders is None or orders.mode != "import"):
                    expected = f"the repeated blocks that run {run} and others taught"
                    self._name(_Flaw(key=key, problem="missing", expected=expected, stands="nothing"))
                    return

    def _judge_indexes(self, published: set[str]) -> None:
        """Whether the index of each run has the records that its versions rest on, and no segment that is not there."""
        for run in sorted(published):
            key = self._archive.index_key(self._site, run)
            if key in self._bad or not self._is_chosen(key):
                continue
            wanted = {
                (row["warc"], row["offset"])
                for row in self._db.execute("SELECT key, warc, offset FROM versions WHERE run = ?", (run,))
                if row["key"] not in self._bad and row["warc"] not in self._bad | self._replaced
            }
            try:
                body = self._archive.store.get(key).body
            except KeyMissing:
                continue  # of a release that made none; one that was made is missed by the journal
            segments = set(self._archive.segments(self._site, run))
            try:
                lines = [parse_line(line) for line in body.splitlines(keepends=True)]
            except ArchiveError as error:
                self._name(_Flaw(key=key, problem="wrong", expected="an index", stands=error.message))
                continue
            missing = wanted - {(line.filename, line.offset) for line in lines}
            strange = {line.filename for line in lines} - segments - self._bad - self._expired
            if missing or strange:
                expected = (
                    f"a line for each of {len(wanted)} records that versions rest on, of {len(segments)} segments"
                )
                stands = f"{len(missing)} of these are not in it; it names {len(strange)} segments that are not there"
                self._name(_Flaw(key=key, problem="disagrees", expected=expected, stands=stands), run=run)

    def _judge_runs(self, published: set[str]) -> None:
        untold = [
            f"takedown {takedown}, which is through; restore nothing that it replaced"
            for takedown, kinds in sorted(self._ended.items())
            if not kinds & (self._takedowns.get(takedown, set()) | self._weak_takedowns.get(takedown, set()))
        ]
        runs: dict[str, str] = {}
        for run, each in sorted(self._runs.items()):
            if not each.told & {"published", "rejected", "repaired"}:
                if run in published:
                    key = self._archive.published_key(self._site, run)
                    row = self._db.execute("SELECT recorded FROM looked WHERE key = ?", (key,)).fetchone()
                    if row is not None and row["recorded"] and key not in self._bad:
                        about = f"run {run}, which is published"
                        untold.append(about)
                        runs[about] = run
                elif each.names and "published.json" not in each.names:
                    self._tell(
                        f"runs/{self._site}/{run}/",
                        f"run {run} has not ended: it has {', '.join(sorted(each.names))}. If nobody is at work on it, "
                        f"go on with: muniment run {self._site} --run {run}",
                    )
            self._judge_figures(run, each)
        # Where entries are lost, they told of as many runs or takedowns.
        for number, about in enumerate(untold[self._lost_entries :], start=1):
            self._name(
                _Flaw(
                    key=self._archive.journal_key(self._site, self._last.n + number),
                    problem="missing",
                    expected=f"the entry that tells of {about}",
                    stands="nothing: the journal was cut off",
                ),
                run=runs.get(about),
            )

    def _judge_figures(self, run: str, each: _Run) -> None:
        """Whether a run's figures add up."""
        key = self._archive.published_key(self._site, run)
        told = each.entry or each.published
        if told is None or key in self._bad:
            return
        sums = (sum(told.outcomes.values()), sum(told.versions.values()))
        if sums != (told.discovered, len(told.made)):
            expected = f"{told.discovered} URLs that ended somehow, {len(told.made)} versions"
            self._name(_Flaw(key=key, problem="wrong", expected=expected, stands=f"{sums[0]} and {sums[1]}"))
        if each.summary is None or self._chosen is not None or self._again:
            return
        findings = [f"runs/{self._site}/{run}/{name}" for name in each.names if name.startswith("extracted-")]
        if any(name in self._bad or name in self._replaced for name in findings):
            return
        uncaptured = sum(each.summary.outcomes.get(outcome.value, 0) for outcome in Outcome)
        ended = len(each.requested) + uncaptured
        if ended != each.summary.discovered and not self._misses_findings(run):
            crawl = self._archive.crawl_key(self._site, run)
            stands = f"{len(each.requested)} have findings, {uncaptured} ended without a capture"
            self._name(
                _Flaw(key=crawl, problem="wrong", expected=f"{each.summary.discovered} URLs", stands=stands), run=run
            )

    def _misses_findings(self, run: str) -> bool:
        folder = f"runs/{self._site}/{run}/extracted-"
        return any(key.startswith(folder) for key in self._bad)

    def _judge_versions(self) -> None:
        """Numbers without gaps, and each version made by the run that says so."""
        found = self._db.execute(
            "SELECT key FROM objects WHERE key >= ? AND key < ? ORDER BY key",
            (f"articles/{self._site}/", f"articles/{self._site}0"),
        )
        before = ("", 0)
        for (key,) in found.fetchall():
            with suppress(ArchiveError):
                _, article, n = parse_version_key(key)
                last = before[1] if before[0] == article else 0
                before = (article, n)
                if key in self._bad:
                    continue  # of a number that never was
                for number in range(last + 1, n):
                    missing = self._archive.version_key(self._site, article, number)
                    if missing not in self._bad:
                        stands = f"nothing, and version {n} is there"
                        self._name(_Flaw(key=missing, problem="missing", expected="a version", stands=stands))
        query = """SELECT v.key, v.run, e.run AS told FROM versions v JOIN expected e ON e.key = v.key
            WHERE e.run IS NOT NULL AND e.run <> v.run"""
        for row in self._db.execute(query).fetchall():
            if row["key"] not in self._bad:
                flaw = _Flaw(key=row["key"], problem="wrong", expected=f"made by run {row['told']}", stands=row["run"])
                self._name(flaw)
        query = "SELECT count(*) FROM versions v JOIN objects o ON o.key = v.key WHERE v.state = 'redacted'"
        if not self._again:
            self._told.withheld += self._db.execute(query).fetchone()[0]

    def _is_published(self, run: str, published: set[str]) -> bool:
        known = self._runs.get(run)
        return run in published or (known is not None and "published" in known.told)

    def _judge_table(self, published: set[str]) -> None:
        """Rows and versions, both ways."""
        if self._table_said is not None:
            self._name(_Flaw(key=_TABLE_KEY, problem="unreadable", expected="the table", stands=self._table_said))
            return
        if not self._runs and not self._count("objects") and (rows := self._count("rows")):
            self._name(
                _Flaw(
                    key=self._archive.journal_key(self._site, 1),
                    problem="missing",
                    expected=f"the objects of a site that the table has {rows} rows of",
                    stands="nothing of it; or somebody has put rows into the table that are none of the archive's",
                )
            )
            return
        pairs = self._db.execute(
            """SELECT v.key, v.run, v.row, r.row AS told, count(r.key) AS rows FROM versions v
            JOIN objects o ON o.key = v.key LEFT JOIN rows r ON r.key = v.key GROUP BY v.key"""
        )
        for row in pairs:
            key = row["key"]
            if key in self._bad or (not row["rows"] and not self._is_published(row["run"], published)):
                continue
            if not self._has_table:
                self._name(_Flaw(key=_TABLE_KEY, problem="missing", expected="the table", stands="nothing"))
                return
            if row["rows"] != 1:
                self._name(
                    _Flaw(key=key, problem="disagrees", expected="one row in the table", stands=f"{row['rows']} rows"),
                    run=row["run"],
                )
            elif row["told"] != row["row"]:
                columns = _differing(row["row"], row["told"])
                if columns:
                    expected = "a row that says what the version says"
                    stands = f"another {', '.join(columns)}"
                    self._name(_Flaw(key=key, problem="disagrees", expected=expected, stands=stands), run=row["run"])
        alone = self._db.execute(
            "SELECT r.key FROM rows r LEFT JOIN objects o ON o.key = r.key WHERE o.key IS NULL GROUP BY r.key"
        )
        for (key,) in alone.fetchall():
            if key not in self._bad and (key, "missing") not in self._found:
                flaw = _Flaw(key=key, problem="disagrees", expected="no row: there is no such version", stands="a row")
                self._name(flaw)

    def _judge_frontier(self, published: set[str]) -> None:
        """What is remembered of articles against their versions, where all of these were read and are whole."""
        key = self._archive.frontier_key(self._site)
        if key in self._bad:
            return
        runs = {run for run in self._runs if self._is_published(run, published)}
        if self._applied is None:
            if runs and not self._stands(key):
                self._name(_Flaw(key=key, problem="missing", expected="the frontier", stands="nothing"))
            return
        wrong = [f"run {run} is not in it" for run in sorted(runs - self._applied)]
        wrong += [f"run {run} is in it, which is not in the archive" for run in sorted(self._applied - set(self._runs))]
        damaged = {key.split("/")[2] for key in self._bad if key.startswith("articles/")}
        query = """SELECT v.article, count(*) AS there FROM versions v JOIN objects o ON o.key = v.key
            GROUP BY v.article ORDER BY v.article"""
        for row in self._db.execute(query).fetchall():
            if len(wrong) >= _MOST_TOLD:
                break
            if row["article"] not in damaged and row["there"] == self._count_versions(row["article"]):
                wrong += self._judge_standing(row["article"])
        if self._chosen is None:
            lone = self._db.execute(
                """SELECT s.article FROM standings s WHERE NOT EXISTS (SELECT 1 FROM objects o WHERE o.key >= ?1 ||
                s.article || '/' AND o.key < ?1 || s.article || '0') LIMIT ?2""",
                (f"articles/{self._site}/", _MOST_TOLD),
            )
            wrong += [
                f"article {article} is in it, which has no version"
                for (article,) in lone
                if self._archive.version_key(self._site, article, 1) not in self._bad
            ]
        if wrong:
            stands = "; ".join(wrong[:_MOST_TOLD])
            self._name(_Flaw(key=key, problem="disagrees", expected="what versions and runs say", stands=stands))

    def _count_versions(self, article: str) -> int:
        folder = f"articles/{self._site}/{article}"
        query = "SELECT count(*) FROM objects WHERE key >= ? AND key < ?"
        return int(self._db.execute(query, (f"{folder}/", f"{folder}0")).fetchone()[0])

    def _judge_standing(self, article: str) -> list[str]:
        assert self._applied is not None
        versions = self._db.execute("SELECT * FROM versions WHERE article = ? ORDER BY captured_at, n", (article,))
        found = versions.fetchall()
        settled = [row for row in found if row["run"] in self._applied]
        if not settled:
            return []  # of runs that are not through yet
        standing = self._db.execute("SELECT * FROM standings WHERE article = ?", (article,)).fetchone()
        if standing is None:
            return [f"article {article} is not in it"]
        # A publisher has seen versions of others that are not through yet: what it remembers may be one of these.
        fits = [row for row in found[found.index(settled[-1]) :] if _is_same_standing(row, standing)]
        if not fits:
            return [f"it has another version of article {article} as the current one"]
        if not max(row["n"] for row in settled) <= standing["n"] <= len(found):
            return [f"article {article} has {len(found)} versions, and {standing['n']} in it"]
        return []


# --- entries of a journal


def _fill_gaps(listed: Sequence[int]) -> list[int]:
    """The numbers that are to be looked at: those of a listing, and of a gap no more than can be told."""
    filled: list[int] = []
    for before, number in itertools.pairwise([0, *listed]):
        filled += [*range(before + 1, min(number, before + 1 + _GAP_MOST)), number]
    return filled


def _count_strange(links: Sequence[_Link]) -> int:
    """How many links at the end are none: what cannot be read, far behind the last entry that can."""
    behind = list(itertools.takewhile(lambda link: link.previous is None, reversed(links)))
    gap = list(itertools.takewhile(lambda link: link.digest is None, reversed(behind)))
    return len(behind) if gap and behind[0].n - (behind[-1].n - 1) > _STRANGE_GAP else 0


# --- one object by itself


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


def _check_digest(key: str, size: int, sha256: str, metadata: Mapping[str, str]) -> _Flaw | None:
    """Hold an object's bytes against the digest beside it."""
    stated = metadata.get(DIGEST_NAME)
    if stated in (None, sha256):
        return None
    expected, stands = f"SHA-256 {stated}, as is said beside it", f"{size} bytes, SHA-256 {sha256}"
    return _Flaw(key=key, problem="altered", expected=expected, stands=stands)


def _check_encoding(key: str, encoding: str) -> _Flaw | None:
    """Hold what every HTTP client obeys: an object with a Content-Encoding is unpacked on the way."""
    if encoding in ("", "identity", "aws-chunked"):  # the last is how some stores keep a way of sending
        return None
    return _Flaw(key=key, problem="metadata", expected="no Content-Encoding", stands=f"Content-Encoding: {encoding}")


def _parse(kind: type[_Doc], body: bytes) -> _Doc | None:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        return None


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


@dataclass(kw_only=True)
class _Record:
    """A WARC record that was read to its end."""

    headers: Mapping[str, str]
    status: int
    payload_size: int
    digest: str  # of the payload; of the whole block where that is no HTTP message
    length: int  # of its gzip member
    rendered: str | None = None  # digest of the conversion that follows


def _read_record(file: IO[bytes], offset: int, *, rendered: bool) -> _Record | str:
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


def _hold_record(  # noqa: PLR0911 - one return per reason
    read: _Record | str, wanted: _Wanted, *, emptied: bool
) -> _Flaw | None:
    """Hold a record against what a version says of it."""
    where = f"{wanted.record_type} {wanted.record_id} with payload {wanted.payload_digest} at {wanted.offset}"

    def flaw(stands: str) -> _Flaw:
        return _Flaw(key=wanted.key, problem="evidence", expected=where, stands=stands)

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


# --- rows of the books


def _version_row(key: str, version: Version) -> tuple[object, ...]:
    evidence = version.evidence
    wanted = _Wanted(
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
        _to_text(version.captured_at),
        version.digest,
        version.url,
        version.title,
        version.moved_to,
        evidence.warc,
        evidence.offset,
        wanted.model_dump_json(),
    )


def _standing_row(standing: Standing) -> tuple[object, ...]:
    return (
        standing.article,
        standing.n,
        standing.digest,
        standing.state.value,
        _to_text(standing.captured_at),
        standing.run,
        standing.url,
        standing.title,
        standing.moved_to,
    )


def _is_same_standing(version: sqlite3.Row, standing: sqlite3.Row) -> bool:
    names = ("captured_at", "run", "digest", "state", "url", "title", "moved_to")
    return all(version[name] == standing[name] for name in names)


def _to_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _mark(row: Mapping[str, object]) -> bytes:
    """32 bits for each column of a row, by which two rows are compared column by column.

    Python's own keyed hash, whose key is another one in each process: a row cannot be forged to fit.
    """
    return array("I", [_hash(row.get(name)) for name in _COLUMNS]).tobytes()


def _hash(value: object) -> int:
    if value is None:
        return 0
    return (hash(tuple(value) if isinstance(value, list) else value) & 0xFFFFFFFF) or 1


def _differing(version: bytes, row: bytes) -> list[str]:
    """Columns in which two rows differ; columns that were added after a row was written are null in it."""
    ours, theirs = array("I", version), array("I", row)
    last = len(_COLUMNS)
    while last > _LATE and theirs[last - 1] == 0:
        last -= 1
    return [name for name, one, other in zip(_COLUMNS[:last], ours, theirs, strict=False) if one != other]


# --- keys and words


def kind_of(key: str) -> Kind:
    """What kind of object lies under a key."""
    top, _, rest = key.partition("/")
    name = rest.rpartition("/")[2]
    if top == "runs":
        return "findings" if name.startswith("extracted-") else "run"
    if top == "sites":
        return "frontier" if name.startswith("frontier") else "site"
    kinds: dict[str, Kind] = {
        "warc": "segment", "articles": "version", "journal": "journal", "indexes": "index", "takedowns": "takedown",
        "sealed": "sealed", "tables": "table", MARKER_KEY: "marker",
    }  # fmt: skip
    return kinds.get(top, "other")


def is_rebuildable(key: str, problem: Problem) -> bool:
    """Whether `--repair` can make anew what is wrong under a key."""
    kind = kind_of(key)
    if problem == "disagrees":
        return True
    if problem == "unaccounted":
        return False
    if kind in ("index", "frontier", "table") or (kind == "site" and key.endswith("/boilerplate.json")):
        return True
    return problem == "missing" and (kind == "findings" or key.endswith("/published.json"))


def _next_step(kind: Kind, problem: Problem, *, rebuildable: bool) -> str:  # noqa: PLR0911 - one return per case
    if rebuildable:
        return "muniment audit --repair makes it anew."
    if problem == "unaccounted":
        return "Find out who put it there: nothing of Muniment's says that it did. Keep a copy, then remove it by hand."
    if problem == "chain":
        return "Compare with a backup of journal/: an entry was altered, removed or put in later."
    if problem == "unreadable":
        return "Look at the store's own log and disks; restore the object from a backup if it stays so."
    if problem == "metadata":
        return "Restore the object together with its metadata from a backup (its bytes are right)."
    if problem == "evidence":
        return (
            "Restore the segment from a backup; if that is whole, the version was made wrong: keep both and report it."
        )
    if problem == "wrong":
        return "It was written so: keep it, and report it as an error of Muniment with the run's log."
    if kind == "segment":
        return "Restore it from a backup or a replica: captures cannot be made anew. The bad one is to be kept aside."
    return "Restore it from a backup or a replica, together with its metadata."


def _answers(archive: Archive) -> bool:
    """Whether the store answers at all."""
    try:
        archive.store.head(MARKER_KEY)
    except StoreUnavailable:
        return False
    return True


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some


def _ahead(pool: ThreadPoolExecutor, work: Callable[[_T], _R], items: Iterable[_T], at_once: int) -> Iterator[_R]:
    """Results in the order of the items, some of them begun ahead: the threads have work while results are noted."""
    pending: deque[Future[_R]] = deque()
    for item in items:
        pending.append(pool.submit(work, item))
        if len(pending) >= _AHEAD * at_once:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
