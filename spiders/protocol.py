"""What the crawl child and the step that starts it say to each other.

In: a plan, one SQLite file with every URL that the archive knows (validators, digests, whether a re-check is
due) and the URLs that sealed segments of this very run already hold. Out: a summary, ``crawl.json`` in the
spool, written whole or not at all. The books of a crawl balance when

    discovered == captured + sum(outcomes.values())   and   yielded == written

Command line: ``python -m spiders --site SITE.json --plan PLAN --spool DIR --run RUN …`` (see ``--help``).
Exit status: see ``Exit``. Nothing here knows Scrapy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

SUMMARY_NAME = "crawl.json"
HOSTS_NAME = "hosts.json"
"""In the spool: what is remembered of the site's hosts from run to run (``spiders.hosts``)."""
SEALED_SUFFIX = ".warc.gz"
OPEN_SUFFIX = ".warc.gz.open"
EXAMPLES = 20
"""So many URLs are kept for each reason."""
MOST_UNANSWERED = 1000
TAKEN_DOWN = "taken down"
"""Why a page is excluded that the archive must not give at present (``muniment takedown``)."""
FIRST_BELIEF = 2.0
"""So many times more rarely a page is looked at whose date stands still in a source that nothing is known of yet."""

_PLAN_FORMAT = 5
_SCHEMA = """
CREATE TABLE about (format INTEGER NOT NULL, made TEXT NOT NULL, orders TEXT NOT NULL);
CREATE TABLE known (
    url TEXT PRIMARY KEY, due INTEGER NOT NULL, etag TEXT, last_modified TEXT, payload_digest TEXT,
    captured_at TEXT, record_id TEXT, lastmod TEXT,
    overdue REAL NOT NULL, looked_at TEXT, fetched_at TEXT, live INTEGER NOT NULL, listed TEXT, linked_from TEXT
) WITHOUT ROWID;
CREATE TABLE done (url TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE linked (url TEXT NOT NULL, title TEXT, page TEXT NOT NULL);
CREATE TABLE withheld (url TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Exit(IntEnum):
    """Exit status of the crawl child; any other is a crash, a negative one a signal."""

    WELL = 0
    UNBALANCED = 3  # yielded is not written, or the books do not add up
    REFUSED = 4  # it did not start; the last line says what to do
    TERMINATED = 143  # SIGTERM: the open segment was sealed, there is no summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the archive knows of one URL (a canonical one)."""

    url: str
    due: bool  # a re-check is due now
    etag: str | None = None
    last_modified: str | None = None
    payload_digest: str | None = None  # of the last full response, as in WARC-Payload-Digest
    captured_at: str | None = None  # when that was captured: UTC, ISO 8601, for WARC-Refers-To-Date
    record_id: str | None = None  # its WARC-Record-ID
    lastmod: str | None = None  # date that the source gave for it then, as text
    overdue: float = 0.0  # time since the last look as a multiple of what is normal; 1 and more: due
    looked_at: str | None = None  # newest capture that showed a page, 304 included: UTC, ISO 8601
    fetched_at: str | None = None  # newest capture, whatever it answered
    live: bool = True  # that one showed a page; False: missing, gone, blocked or failed
    listed: str | None = None  # URL of the sitemap source that named it when it was captured last
    linked_from: str | None = None  # document: pages that link it, as ``spiders.documents.merge_pages`` writes them


class SourceWalk(BaseModel):
    """How far the walk through one source has come, run by run (``spiders.walk``)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    done: tuple[str, ...] = ()  # sitemap: documents of which nothing is left to fetch
    next: str | None = None  # feed, listing: the document to go on with; None: the first
    position: int = 0  # how many documents come before that one
    tries: dict[str, int] = Field(default_factory=dict)  # documents to be read again: they or pages of them failed
    read: int = 0  # documents that are done, in all runs
    found: int = 0  # articles of the window that they named
    total: int | None = None  # documents of the window, where an index says how many there are
    reached: date | None = None  # the earliest day that it has come to
    documents: tuple[str, ...] = ()  # read in the latest run: what a page's ``via`` says
    finished: bool = False
    ended: str | None = None  # why, in words


class Walk(BaseModel):
    """A walk through a site's sources into the past: taken up by one run where the one before left it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sources: tuple[SourceWalk, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether every source was walked to its end."""
        return bool(self.sources) and all(source.finished for source in self.sources)


class Orders(BaseModel):
    """What kind of run it is, beside the site's own rules."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Literal["regular", "backfill", "full", "import", "reextract"] = "regular"
    """regular: what is new and what is due. backfill: also what the sources say of a time in the past, walking them to
    their ends. full: every page that is known or named, due or not (a last capture before a site closes). import:
    nothing is fetched; the captures are those of files from elsewhere (``pipeline.intake``). reextract: nothing is
    fetched; captures of earlier runs are read again (``pipeline.reextract``)."""
    since: date | None = None  # backfill: the first day that is wanted; import: day of the earliest capture
    until: date | None = None  # backfill: the last day that is wanted; import: day of the latest capture
    trust_dates: bool = True  # a date in a source that has not moved says that the page has not changed
    recheck_at_most: int | None = None  # instead of the site's
    belief: dict[str, float] = Field(default_factory=dict)
    """Source URL -> so many times more rarely than usual a page is looked at whose date there has not moved."""
    stamped: tuple[str, ...] = ()  # sources whose dates move without an edit: a moved date means nothing
    proven: tuple[str, ...] = ()  # sources whose moved dates were edits: even very many at once may be true
    latest_only: tuple[str, ...] = ()  # sitemaps that list the latest pages: to leave one means nothing
    fetched_before: datetime | None = None  # full: what was fetched at or after this moment is not fetched again
    walk: Walk | None = None  # where to take the walk up; None: sources are read as the site says, no deeper
    beside: tuple[str, ...] = ()  # import: earlier runs of the site that have some of its captures; these are left out
    of: tuple[str, ...] = ()  # reextract: the runs whose captures are read again, in order
    sources: tuple[str, ...] = ()  # reextract: keys of the segments that have them; findings are numbered by these
    unpublished: bool = False  # reextract: they were published by no run, and count as this one's

    @property
    def reads_again(self) -> bool:
        """Whether all its captures were published before, so that none of them is an observation of its own."""
        return self.mode == "reextract" and not self.unpublished

    @property
    def teaches(self) -> bool:
        """Whether its pages are news to the site's memory of repeated blocks."""
        return self.mode != "import" and not self.reads_again


def segment_name(run: str, number: int) -> str:
    """File name of a sealed segment in the spool."""
    return f"{run}-{number:05d}{SEALED_SUFFIX}"


def write_plan(
    path: Path,
    *,
    known: Iterable[Known],
    done: Iterable[str],
    now: datetime,
    orders: Orders | None = None,
    linked: Iterable[tuple[str, str | None, str]] = (),
    withheld: Iterable[str] = (),
) -> None:
    """Write the plan of a run.

    Args:
        path: a file that does not exist yet.
        known: every URL that the archive knows; streamed.
        done: canonical URLs of pages that sealed segments of this run hold (a retry after a kill).
        now: when the plan was made; with a zone.
        orders: what kind of run it is; a regular one where it is left out.
        linked: documents that the pages of ``done`` link: URL, title, URL of the page; read after ``done``.
        withheld: addresses of what was taken down: it is not fetched.
    """
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    try:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        database.execute(
            "INSERT INTO about VALUES (?, ?, ?)",
            (_PLAN_FORMAT, now.astimezone(UTC).isoformat(), (orders or Orders()).model_dump_json()),
        )
        database.executemany(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(k.url, int(k.due), k.etag, k.last_modified, k.payload_digest, k.captured_at, k.record_id),
                    *(k.lastmod, max(k.overdue, float(k.due)), k.looked_at, k.fetched_at, int(k.live), k.listed),
                    k.linked_from,
                )
                for k in known
            ),
        )
        database.executemany("INSERT OR IGNORE INTO done VALUES (?)", ((url,) for url in done))
        database.executemany("INSERT INTO linked VALUES (?, ?, ?)", linked)
        database.executemany("INSERT OR IGNORE INTO withheld VALUES (?)", ((url,) for url in withheld))
        database.commit()
    finally:
        database.close()


class Plan:
    """A plan, opened for reading; a context manager.

    Raises:
        ValueError: the file is no plan, or one of another format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            row = self._database.execute("SELECT * FROM about").fetchone()
        except sqlite3.Error as error:
            self._database.close()
            raise ValueError(f"{path} is not a plan: {error}") from error
        if row is None or row[0] != _PLAN_FORMAT:
            self._database.close()
            raise ValueError(f"{path} is a plan of format {row and row[0]}; this code reads {_PLAN_FORMAT}")
        self.made = datetime.fromisoformat(row[1])
        self.orders = Orders.model_validate_json(row[2])

    def known(self, url: str) -> Known | None:
        """What is known of one URL."""
        row = self._database.execute("SELECT * FROM known WHERE url = ?", (url,)).fetchone()
        if row is None:
            return None
        return Known(
            url=row[0],
            due=bool(row[1]),
            etag=row[2],
            last_modified=row[3],
            payload_digest=row[4],
            captured_at=row[5],
            record_id=row[6],
            lastmod=row[7],
            overdue=row[8],
            looked_at=row[9],
            fetched_at=row[10],
            live=bool(row[11]),
            listed=row[12],
            linked_from=row[13],
        )

    def linked(self) -> list[tuple[str, str | None, str]]:
        """Documents that pages link which this run has captured before: URL, title, URL of the page."""
        return self._database.execute("SELECT url, title, page FROM linked ORDER BY rowid").fetchall()

    def is_withheld(self, url: str) -> bool:
        """Whether what is found under an address was taken down."""
        return self._database.execute("SELECT 1 FROM withheld WHERE url = ?", (url,)).fetchone() is not None

    def count_known(self) -> int:
        """How many URLs are known."""
        return int(self._database.execute("SELECT count(*) FROM known").fetchone()[0])

    def count_done(self) -> int:
        """How many URLs this run has captured before."""
        return int(self._database.execute("SELECT count(*) FROM done").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceYield(_Told):
    """What one source of the site gave."""

    url: str
    type: str
    status: int | None  # HTTP status of its document; None: no answer
    items: int = 0  # entries or links that it named
    new: int = 0  # article URLs among them that nobody had named before
    error: str | None = None  # in words; the other sources are not touched by it
    named: int = 0  # entries or links, articles or not
    articles: int | None = None  # article URLs among them, known or not; None: not told
    documents: int = 0  # that were asked for
    whole: bool = False  # all that it lists was read, and it lists all that there is: what it does not name left it
    rolling: bool = False  # it lists what is recent or what the calendar has: naming nothing can be right
    unknown: int = 0  # of its newest articles, those that the archive does not know
    mark: str | None = None  # digest of these: the same ones again are no sign of life
    newest: datetime | None = None  # its newest date of an article
    span: float | None = None  # seconds between the oldest and the newest of its newest dates
    pause: float | None = None  # the longest pause between two of them, in seconds

    @property
    def trouble(self) -> str:
        """The error for whoever has named the source already: without its address in front; "": there is none."""
        return (self.error or "").removeprefix(f"{self.url}: ")


class RobotsSeen(_Told):
    """The robots policy of one host as this run saw it."""

    status: int | None  # HTTP status of robots.txt; None: no answer
    digest: str | None = None  # payload digest of what was obeyed
    crawl_delay: float | None = None  # seconds, as asked of us
    read: datetime | None = None  # when robots.txt was read; by an earlier run, perhaps
    stale: bool = False  # it could not be read now; what was obeyed is older than a day
    tdmrep: str | None = None  # digest of /.well-known/tdmrep.json, where there is one
    ai_txt: str | None = None  # digest of /ai.txt, likewise
    stopped: str | None = None  # why the run stopped asking this host
    not_before: datetime | None = None  # the host asked to be left alone until then


class Input(_Told):
    """A file that was imported."""

    name: str
    sha256: str  # hexadecimal digits
    size: int  # bytes
    form: str  # "WARC", "WACZ"
    records: int = 0  # that could be read, of all kinds and sites
    software: list[str] = Field(default_factory=list)  # what wrote it, as its warcinfo records say
    damaged: int = 0  # records that could not be read
    cut: bool = False  # it breaks off
    problems: list[str] = Field(default_factory=list)  # in words and with the place, up to EXAMPLES


class CrawlSummary(_Told):
    """What a crawl did; ``crawl.json``."""

    site: str
    run: str
    started: datetime
    finished: datetime
    finish_reason: str  # "finished", "run_seconds spent", …
    user_agent: str
    discovered: int
    captured: int  # discovered URLs whose final response, whatever its status, is in a segment
    outcomes: dict[str, int] = Field(default_factory=dict)  # the others: unchanged, excluded, failed, deferred
    reasons: dict[str, int] = Field(default_factory=dict)  # "failed: time-out" -> 3; "off-pattern" -> 40
    examples: dict[str, list[str]] = Field(default_factory=dict)  # reason -> up to EXAMPLES URLs
    sources: list[SourceYield] = Field(default_factory=list)
    robots: dict[str, RobotsSeen] = Field(default_factory=dict)  # host -> what it said
    withheld: dict[str, int] = Field(default_factory=dict)  # of the captured: kept without their bodies, and why
    segments: list[str] = Field(default_factory=list)  # file names, in order
    yielded: int = 0  # exchanges that the downloader handed over
    written: int = 0  # exchanges whose records are in a segment
    bytes_received: int = 0  # of bodies, as received
    requests: int = 0  # sent, answered or not
    cpu_seconds: float = 0.0  # of the crawl child, without its start
    clock: float | None = None  # seconds that the servers' clocks are ahead of ours, by the best answer's Date
    wait: float | None = None  # seconds until the middle one of all answers began
    walk: Walk | None = None  # how far it came, where the orders asked for one
    unanswered: list[str] = Field(default_factory=list)
    """Pages that failed without an answer to record, up to ``MOST_UNANSWERED``: so that the next runs wait longer."""
    documents: dict[str, int] = Field(default_factory=dict)
    """Of the discovered, those that are documents which a page links: "captured", or the outcome, -> how many."""
    linked: dict[str, str] = Field(default_factory=dict)
    """Documents that this run found and has no capture of, with the pages that link them, up to ``MOST_UNANSWERED``:
    the pages may answer "not modified" from now on, and would not name them again."""
    inputs: list[Input] = Field(default_factory=list)
    """Import: the files. ``started`` and ``finished`` are the moments of its earliest and its latest capture."""

    def balances(self) -> bool:
        """Whether every discovered URL has exactly one outcome and every exchange was written."""
        return self.discovered == self.captured + sum(self.outcomes.values()) and self.yielded == self.written
