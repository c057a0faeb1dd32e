"""The books of a crawl: every discovered URL, once, and how it ended.

A private SQLite database (SQLite keeps it in memory and spills to disk by itself), joined with the plan: so a site
with a million pages costs little memory, and the order of work is one query. A URL is closed once; closing it
again is an error of ours and raises, because then the books could not balance.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from spiders.protocol import EXAMPLES, Known, Plan
from spiders.site import Site
from spiders.sources import Listed, SourceError, parse_moment
from spiders.urls import canonical_url

MOST_PAGES = 500_000
"""So many different URLs of one run are looked at; more are counted as "too many URLs"."""

CAPTURED = "captured"
_BATCH = 500

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE page (
    seq INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, source INTEGER, via TEXT, lastmod TEXT, moment REAL, title TEXT,
    facts TEXT, rank INTEGER, state TEXT, reason TEXT
);
CREATE TABLE passed_over (url TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""

# Why a URL is fetched, in the order of work: it is new; its source dates it later than the capture; a check is due.
_RANK = """
UPDATE page SET rank = CASE
    WHEN known.url IS NULL THEN 0
    WHEN page.moment IS NOT NULL AND page.moment > coalesce(moment(known.lastmod), moment(known.captured_at), 0) THEN 1
    WHEN known.due THEN 2
END
FROM page AS self LEFT JOIN plan.known AS known ON known.url = self.url
WHERE page.seq = self.seq AND page.state IS NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One page to fetch."""

    url: str
    via: str | None
    lastmod: str | None
    title: str | None
    facts: Mapping[str, str]
    known: Known | None


class Books:
    """Discovered URLs and their outcomes, for one run of one site.

    Args:
        site: says what an article is.
        plan: what the archive knows.
    """

    def __init__(self, site: Site, plan: Plan) -> None:
        self._site = site
        self._plan = plan
        self._database = sqlite3.connect("", isolation_level=None, uri=True)
        self._database.execute("ATTACH ? AS plan", (f"{plan.path.absolute().as_uri()}?mode=ro",))
        self._database.create_function("moment", 1, parse_moment, deterministic=True)
        self._database.create_function("is_article", 1, site.is_article, deterministic=True)
        self._database.executescript(_SCHEMA)
        self._database.execute(
            "INSERT INTO page (url, state, reason) SELECT url, ?, 'before' FROM plan.done", (CAPTURED,)
        )
        self._pages = self.count()
        self._crowded = 0

    def list_pages(self, listed: Iterable[Listed], *, source: int, via: str) -> tuple[int, int]:
        """Enter what a source names.

        Args:
            listed: a stream of entries.
            source: number of the source, for ``count_new``.
            via: URL of the document.

        Returns:
            How many entries there were, and how many of them are articles by their URL.
        """
        entries = articles = 0
        for batch in _batches(listed):
            entries += len(batch)
            articles += self._list_batch(batch, source=source, via=via)
        return entries, articles

    def _list_batch(self, batch: list[Listed], *, source: int, via: str) -> int:
        pages: list[tuple[object, ...]] = []
        passed: list[tuple[str, str]] = []
        for one in batch:
            try:
                url = canonical_url(one.url, via)
            except ValueError:
                passed.append((one.url[:500], "not a web address"))
                continue
            if self._site.is_article(url):
                pages.append((url, source, via, one.lastmod, parse_moment(one.lastmod), one.title, _pack(one.facts)))
            else:
                passed.append((url, "off-pattern"))
        room = max(0, MOST_PAGES - self._pages)
        self._crowded += len(pages[room:])
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO page (url, source, via, lastmod, moment, title, facts) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET "
            "title = coalesce(title, excluded.title), via = coalesce(via, excluded.via), "
            "facts = coalesce(facts, excluded.facts), "
            "lastmod = CASE WHEN excluded.moment > coalesce(moment, 0) THEN excluded.lastmod ELSE lastmod END, "
            "moment = CASE WHEN excluded.moment > coalesce(moment, 0) THEN excluded.moment ELSE moment END",
            pages[:room],
        )
        if self._crowded < MOST_PAGES:
            self._database.executemany("INSERT OR IGNORE INTO passed_over VALUES (?, ?)", passed)
        self._database.execute("COMMIT")
        self._pages = self.count()
        return len(pages)

    def count(self) -> int:
        """How many URLs were discovered so far."""
        # Nothing is ever deleted, so the last number is the count, and costs no scan.
        return int(self._database.execute("SELECT coalesce(max(seq), 0) FROM page").fetchone()[0])

    def count_new(self, source: int) -> int:
        """How many URLs this source was the first to name, that the archive does not know."""
        query = "SELECT count(*) FROM page WHERE source = ? AND url NOT IN (SELECT url FROM plan.known)"
        return int(self._database.execute(query, (source,)).fetchone()[0])

    def plan_work(self) -> dict[str, int]:
        """Decide what is fetched, once all sources were read: the others are closed as unchanged.

        A page that is due but is no article any more by the site's file (somebody narrowed the pattern) is excluded.

        Returns:
            How many are new, moved and due.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO page (url, lastmod) SELECT url, lastmod FROM plan.known WHERE due",
        )
        self._database.execute(
            "UPDATE page SET state = 'excluded', reason = 'off-pattern' "
            "WHERE state IS NULL AND source IS NULL AND NOT is_article(url)"
        )
        self._database.execute(_RANK)
        self._database.execute(
            "UPDATE page SET state = 'unchanged', reason = 'not due' WHERE state IS NULL AND rank IS NULL"
        )
        self._database.execute(
            "CREATE TABLE work AS SELECT seq FROM page WHERE state IS NULL ORDER BY rank, moment DESC, seq"
        )
        ranks = dict(self._database.execute("SELECT rank, count(*) FROM page WHERE state IS NULL GROUP BY rank"))
        return {name: ranks.get(rank, 0) for rank, name in enumerate(("new", "moved", "due"))}

    def work(self) -> Iterator[Work]:
        """The pages to fetch, in order; read in small batches."""
        last = 0
        while True:
            rows = self._database.execute(
                "SELECT work.rowid, url, via, lastmod, title, facts FROM work JOIN page USING (seq) "
                "WHERE work.rowid > ? ORDER BY work.rowid LIMIT 100",
                (last,),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            for _, url, via, lastmod, title, facts in rows:
                yield Work(
                    url=url,
                    via=via,
                    lastmod=lastmod,
                    title=title,
                    facts=json.loads(facts) if facts else {},
                    known=self._plan.known(url),
                )

    def close_page(self, url: str, state: str, reason: str) -> None:
        """Say how a page ended.

        Args:
            url: as ``work`` gave it.
            state: "captured", or an outcome: "unchanged", "excluded", "failed", "deferred".
            reason: in a word or two; the HTTP status of a captured page.

        Raises:
            RuntimeError: it was closed before, or nobody discovered it.
        """
        done = self._database.execute(
            "UPDATE page SET state = ?, reason = ? WHERE url = ? AND state IS NULL", (state, reason, url)
        )
        if done.rowcount != 1:
            raise RuntimeError(f"the books are wrong: {url} was to be closed as {state}, but it is not open")

    def close_rest(self, state: str, reason: str) -> int:
        """Close every page that is still open; returns how many."""
        query = "UPDATE page SET state = ?, reason = ? WHERE state IS NULL"
        return self._database.execute(query, (state, reason)).rowcount

    def states(self) -> Counter[str]:
        """How many pages ended how; open ones under "open"."""
        query = "SELECT coalesce(state, 'open'), count(*) FROM page GROUP BY state"
        return Counter(dict(self._database.execute(query).fetchall()))

    def statuses(self) -> dict[str, int]:
        """HTTP statuses of the captured pages; "before" for those of an earlier try of this run."""
        query = "SELECT reason, count(*) FROM page WHERE state = ? GROUP BY reason ORDER BY 2 DESC, 1"
        return dict(self._database.execute(query, (CAPTURED,)).fetchall())

    def reasons(self) -> dict[str, int]:
        """Reasons of what was not captured ("failed: time-out"), and of what was passed over ("off-pattern")."""
        counted = dict(
            self._database.execute(
                "SELECT state || ': ' || reason, count(*) FROM page WHERE state IS NOT NULL AND state <> ? "
                "GROUP BY state, reason ORDER BY 2 DESC, 1",
                (CAPTURED,),
            ).fetchall()
        )
        counted.update(self._database.execute("SELECT reason, count(*) FROM passed_over GROUP BY reason").fetchall())
        if self._crowded:
            counted["too many URLs"] = self._crowded
        return counted

    def examples(self) -> dict[str, list[str]]:
        """Some URLs for each reason."""
        examples: dict[str, list[str]] = {}
        for reason in self.reasons():
            state, mark, rest = reason.partition(": ")
            query = "SELECT url FROM passed_over WHERE reason = ? ORDER BY url LIMIT ?"
            values: tuple[object, ...] = (reason, EXAMPLES)
            if mark:
                query = "SELECT url FROM page WHERE state = ? AND reason = ? ORDER BY seq LIMIT ?"
                values = (state, rest, EXAMPLES)
            examples[reason] = [row[0] for row in self._database.execute(query, values)]
        return examples

    def close(self) -> None:
        """Drop the database."""
        self._database.close()


def _pack(facts: Mapping[str, str]) -> str | None:
    return json.dumps(dict(facts)) if facts else None


def _batches(listed: Iterable[Listed]) -> Iterator[list[Listed]]:
    """Lists of up to ``_BATCH``; what was read before a document turned out to be broken is not lost."""
    batch: list[Listed] = []
    broken: SourceError | None = None
    try:
        for one in listed:
            batch.append(one)
            if len(batch) >= _BATCH:
                yield batch
                batch = []
    except SourceError as error:
        broken = error
    if batch:
        yield batch
    if broken is not None:
        raise broken
