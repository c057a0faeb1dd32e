"""One look at a site: what it is held by, and all that is known so far. Functions of the other modules fill it in.

What is to be compared across objects lies in ``db``:

    objects    what stands, as it was listed
    expected   what the journal says must stand
    looked     objects whose bytes were read, and which: a second look reads only what changed or seems wrong
    flaws      what is wrong with objects by themselves, and with records, by what was read (``source``)
    versions   what versions say, with their rows as marks
    rows       rows of the table, as marks
    standings  what the frontier remembers of articles
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.archive import MARKER_KEY, Archive
from pipeline.audit.told import (
    Audited,
    Choice,
    Discrepancy,
    Flaw,
    Head,
    Note,
    Progress,
    is_rebuildable,
    kind_of,
    next_step,
)
from pipeline.errors import StoreUnavailable
from pipeline.model import RUN_ID, Published
from pipeline.store import DIGEST_NAME
from spiders.protocol import CrawlSummary

TABLES = """
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

_AHEAD = 12  # objects for each thread

_T = TypeVar("_T")
_R = TypeVar("_R")
_Doc = TypeVar("_Doc", bound=BaseModel)


@dataclass(kw_only=True)
class Run:
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
        return self.told == {"rejected"} and not self.weak and "released.json" not in self.names

    @property
    def is_released(self) -> bool:
        """Whether somebody has released what the gate had refused, and no entry tells yet that it was published."""
        released = "released" in self.told or "released.json" in self.names
        return released and not self.told & {"published", "repaired"}


@dataclass(kw_only=True)
class Look:
    """One look at a site. ``told`` gets what comes out of all looks, ``found`` what seems wrong at this one."""

    archive: Archive
    site: str
    chosen: frozenset[str] | Choice | None  # objects that are read; None: all
    head: Head | None  # that an earlier audit told
    expiry: str  # runs before it sort before it, and their segments may be gone
    told: Audited
    progress: Progress
    pool: ThreadPoolExecutor
    lane: ThreadPoolExecutor  # of its own: it bounds how many segments are in memory
    db: sqlite3.Connection
    again: bool = False  # it is the second one, of what seemed wrong at the first
    suspects: frozenset[str] = frozenset()

    found: dict[tuple[str, str], Discrepancy] = field(default_factory=dict, init=False)
    notes: list[Note] = field(default_factory=list, init=False)
    runs: dict[str, Run] = field(default_factory=dict, init=False)
    bad: set[str] = field(default_factory=set, init=False)  # keys from which nothing follows
    replaced: set[str] = field(default_factory=set, init=False)  # keys that a takedown has replaced
    before: dict[str, set[str]] = field(default_factory=dict, init=False)
    """Key that a takedown has replaced -> digests of what stood there before."""
    expired: set[str] = field(default_factory=set, init=False)  # segments that are gone because their time was over
    ordered: set[str] = field(default_factory=set, init=False)  # articles that a takedown is about
    lost_entries: int = field(default=0, init=False)  # that cannot be read
    last: Head = field(default_factory=lambda: Head(n=0, digest=""), init=False)
    table_said: str | None = field(default=None, init=False)
    has_table: bool = field(default=False, init=False)
    applied: set[str] | None = field(default=None, init=False)  # runs that are in the frontier
    ended: dict[str, frozenset[str]] = field(default_factory=dict, init=False)
    """Takedown that is through -> kinds of entries, one of which tells of it."""
    takedowns: dict[str, set[str]] = field(default_factory=dict, init=False)
    """Takedown -> kinds of entries that tell of it."""
    weak_takedowns: dict[str, set[str]] = field(default_factory=dict, init=False)
    """The same of entries that are damaged."""
    hidden: set[str] = field(default_factory=set, init=False)  # keys that a takedown replaced whose entry is lost
    odd_orders: list[str] = field(default_factory=list, init=False)  # takedown's orders that are none
    under_way: dict[str, set[str | None]] = field(default_factory=dict, init=False)
    """Key -> digests between which a takedown changes it."""

    def __post_init__(self) -> None:
        """Forget what each look finds out anew."""
        for name in ("objects", "expected", "rows", "standings"):
            self.db.execute(f"DELETE FROM {name}")  # noqa: S608 - our names

    def name(
        self, flaw: Flaw, *, touches: Sequence[str] = (), run: str | None = None, entry: int | None = None
    ) -> None:
        """Note something that is wrong; the first thing that is found of a key's kind of problem counts."""
        told = self.db.execute("SELECT run, n FROM expected WHERE key = ?", (flaw.key,)).fetchone()
        if told is not None:
            run, entry = run or told["run"], entry or told["n"]
        kind = kind_of(flaw.key)
        rebuildable = is_rebuildable(flaw.key, flaw.problem)
        each = Discrepancy(
            site=self.site,
            kind="table" if flaw.problem == "disagrees" and kind == "version" else kind,
            problem=flaw.problem,
            key=flaw.key,
            expected=flaw.expected,
            stands=flaw.stands,
            run=run,
            entry=entry,
            touches=tuple(touches),
            rebuildable=rebuildable,
            next_step=next_step(kind, flaw.problem, rebuildable=rebuildable),
        )
        self.found.setdefault((each.key, each.problem), each)

    def tell(self, key: str, message: str, *, adopt: str | None = None) -> None:
        """Note something that is no damage."""
        self.notes.append(Note(site=self.site, key=key, message=message, run=adopt))

    def count(self, table: str) -> int:
        """Rows of a table of the books."""
        return int(self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our names

    def count_bytes(self, size: int) -> None:
        """Count an object that was read; what is read again is not counted again."""
        if not self.again:
            self.told.read += 1
            self.told.bytes += size

    def run(self, run: str) -> Run:
        """What is known of a run, to be added to."""
        return self.runs.setdefault(run, Run())

    def list_objects(self, prefix: str) -> None:
        """Write down what stands below a prefix, and the documents of runs."""
        for some in batches(self.archive.store.list(prefix), 1000):
            self.write(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", [(each.key, each.size, each.etag) for each in some]
            )
            for each in some:
                top, _, rest = each.key.partition("/")
                parts = rest.split("/")
                if top == "runs" and len(parts) > 2 and RUN_ID.fullmatch(parts[1]):
                    self.run(parts[1]).names.add("/".join(parts[2:]))

    def write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Write rows into the books at once."""
        self.db.execute("BEGIN")
        self.db.executemany(statement, rows)
        self.db.execute("COMMIT")

    def stands(self, key: str) -> bool:
        """Whether there was such an object when the bucket was listed."""
        return self.db.execute("SELECT 1 FROM objects WHERE key = ?", (key,)).fetchone() is not None

    def is_chosen(self, key: str) -> bool:
        """Whether an object is one of those that are read."""
        chosen = self.chosen
        if isinstance(chosen, Choice):
            if chosen.part is not None:
                return chosen.draw(key) % chosen.part[1] == chosen.part[0]
            return chosen.percent is None or chosen.draw(key) < chosen.percent / 100 * 2**64
        return chosen is None or key in chosen

    def is_known(self, key: str) -> bool:
        """Whether there is such an object, or the journal tells of one."""
        told = self.db.execute("SELECT 1 FROM expected WHERE key = ?", (key,)).fetchone()
        return told is not None or self.stands(key)

    def is_published(self, run: str, published: set[str]) -> bool:
        """Whether a run is published, or was when the journal was read."""
        known = self.runs.get(run)
        return run in published or (known is not None and "published" in known.told)


def check_digest(key: str, size: int, sha256: str, metadata: Mapping[str, str]) -> Flaw | None:
    """Hold an object's bytes against the digest beside it."""
    stated = metadata.get(DIGEST_NAME)
    if stated in (None, sha256):
        return None
    expected, stands = f"SHA-256 {stated}, as is said beside it", f"{size} bytes, SHA-256 {sha256}"
    return Flaw(key=key, problem="altered", expected=expected, stands=stands)


def parse(kind: type[_Doc], body: bytes) -> _Doc | None:
    """A document; None: it is none of its kind."""
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        return None


def answers(archive: Archive) -> bool:
    """Whether the store answers at all."""
    try:
        archive.store.head(MARKER_KEY)
    except StoreUnavailable:
        return False
    return True


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Items in lists of at most so many."""
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some


def ahead(pool: ThreadPoolExecutor, work: Callable[[_T], _R], items: Iterable[_T], at_once: int) -> Iterator[_R]:
    """Results in the order of the items, some of them begun ahead: the threads have work while results are noted."""
    pending: deque[Future[_R]] = deque()
    for item in items:
        pending.append(pool.submit(work, item))
        if len(pending) >= _AHEAD * at_once:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
