"""The books of a crawl: every discovered URL, once, and how it ended.

A private SQLite database (SQLite keeps it in memory and spills to disk by itself), joined with the plan: so a site
with a million pages costs little memory, and the order of work is one query. A URL is closed once; closing it
again is an error of ours and raises, because then the books could not balance.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from spiders.documents import Link, merge_pages
from spiders.protocol import EXAMPLES, FIRST_BELIEF, MOST_UNANSWERED, TAKEN_DOWN, Known, Plan
from spiders.site import Site
from spiders.sources import Listed, SourceError, parse_moment
from spiders.traps import Traps
from spiders.urls import canonical_url

RANKS: Final = ("new", "moved", "unlisted", "due", "spot", "backlog")
"""Why a page is fetched, in the order of work: nobody knows it; its source dates it later than the capture (or lists
it again after it was gone); its sitemap lists it no longer; a look is due; a look is due though its date says that
there is nothing to see; it is new, but more are new than this run should spend itself on."""
DOCUMENT: Final = "document"
"""Why a document is fetched that nobody knows: a page of this run links it. Documents come after all pages."""

CAPTURED = "captured"
_NEW, _MOVED, _UNLISTED, _DUE, _SPOT, _BACKLOG = range(len(RANKS))
_BATCH = 500
_NEVER_MOVES = -1
"""For ``page.dated``: the date is one of publication and says nothing of edits."""
_DAY_IS_OVER = 36 * 3600  # from a day's beginning in UTC until it has surely ended everywhere
_MASS = 50
_MASS_SHARE = 0.5
_SAMPLE = 20
_LEFT = 10
_SPOT_SHARE = 0.015
_WAITS = "linked_from IS NOT NULL AND looked_at IS NULL"
"""Of a known document: it was found, and nobody has had it yet. It is taken with those that are found now."""

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE page (
    seq INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, source INTEGER, via TEXT, lastmod TEXT, moment REAL, title TEXT,
    facts TEXT, dated INTEGER, mapped INTEGER, rank INTEGER, urgency REAL, still INTEGER, state TEXT, reason TEXT,
    linked TEXT
);
CREATE TABLE passed_over (url TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (
    number INTEGER PRIMARY KEY, url TEXT NOT NULL, sitemap INTEGER NOT NULL, belief REAL NOT NULL,
    stamped INTEGER NOT NULL, whole INTEGER NOT NULL
);
"""

# What is known of each open page, beside it; `moved`: its date is later than what we have; `still`: its date says
# that there is nothing to see, and may be believed (a day without a time may hold an edit that came after our look).
_SEEN = f"""
CREATE TEMP TABLE seen AS
SELECT page.seq, page.url, known.url IS NOT NULL AS is_known, known.overdue, known.live, known.fetched_at,
    page.dated, source.stamped, source.belief,
    known.url IS NOT NULL AND NOT known.live AND known.listed IS NULL AND page.mapped IS NOT NULL AS relisted,
    page.moment IS NOT NULL AND page.source IS NOT NULL
        AND page.moment > coalesce(moment(known.lastmod), moment(known.captured_at), 0) AS moved,
    coalesce(known.live AND page.moment IS NOT NULL AND page.source IS NOT NULL AND page.dated <> {_NEVER_MOVES}
        AND page.moment <= coalesce(moment(known.lastmod), moment(known.captured_at), 0)
        AND (length(page.lastmod) > 10 OR moment(known.looked_at) >= page.moment + {_DAY_IS_OVER}), 0) AS still
FROM page LEFT JOIN plan.known AS known ON known.url = page.url LEFT JOIN source ON source.number = page.dated
WHERE page.state IS NULL
"""  # noqa: S608 - our numbers


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
        self._database.create_function("is_document", 1, site.wants_document, deterministic=True)
        self._database.executescript(_SCHEMA)
        orders = plan.orders
        self._database.executemany(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?, 0)",
            (
                (
                    *(number, one.url, one.type == "sitemap"),
                    orders.belief.get(one.url, FIRST_BELIEF) if orders.trust_dates else 1.0,
                    one.url in orders.stamped,
                )
                for number, one in enumerate(site.sources)
            ),
        )
        self._database.execute(
            "INSERT INTO page (url, state, reason) SELECT url, ?, 'before' FROM plan.done", (CAPTURED,)
        )
        self._pages = self.count()
        self._crowded = 0
        self._passed = 0
        self._traps = Traps(plan.made.year)
        self._said: list[str] = []
        self._unanswered: list[str] = []

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

    def close_source(self, source: int, *, whole: bool) -> None:
        """Say that a source was read: ``whole`` when each of its documents was, to its end."""
        self._database.execute("UPDATE source SET whole = ? WHERE number = ?", (whole, source))

    def pass_over(self, urls: Iterable[str], reason: str) -> None:
        """Count URLs that are not looked at, each once; so many are remembered as a run may take URLs."""
        for url in urls:
            if self._passed >= self._site.crawl.max_urls:
                return
            added = self._database.execute("INSERT OR IGNORE INTO passed_over VALUES (?, ?)", (url[:2000], reason))
            self._passed += added.rowcount

    def _admit(self, pages: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        """Of a batch for which there is no room: what was named or known before, and the first of the others."""
        admitted = []
        room = self._site.crawl.max_urls - self._pages
        query = "SELECT EXISTS (SELECT 1 FROM page WHERE url = ?1) OR EXISTS (SELECT 1 FROM plan.known WHERE url = ?1)"
        for page in pages:
            if not self._database.execute(query, page[:1]).fetchone()[0]:
                room -= 1
                if room < 0:
                    self._crowded += 1
                    continue
            admitted.append(page)
        return admitted

    def _list_batch(self, batch: list[Listed], *, source: int, via: str) -> int:
        pages: list[tuple[object, ...]] = []
        passed: list[tuple[str, str]] = []
        is_map = source < len(self._site.sources) and self._site.sources[source].type == "sitemap"
        for one in batch:
            try:
                url = canonical_url(one.url, via)
            except ValueError:
                passed.append((_printable(one.url[:500]), "not a web address"))
                continue
            if not self._site.is_article(url):
                passed.append((url, "off-pattern"))
                continue
            if self._traps.find(url) is not None and self._plan.known(url) is None:
                passed.append((url, "trap"))
                continue
            # A feed that gives no other date than that of publication cannot tell of an edit.
            dated = _NEVER_MOVES if one.lastmod and one.facts.get("published") == one.lastmod else source
            moment = parse_moment(one.lastmod)
            mapped = source if is_map else None
            pages.append((url, source, via, one.lastmod, moment, one.title, _pack(one.facts), dated, mapped))
        articles = len(pages)
        if self._pages + articles > self._site.crawl.max_urls:
            pages = self._admit(pages)
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO page (url, source, via, lastmod, moment, title, facts, dated, mapped) "  # noqa: S608 - ours
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET "
            "title = coalesce(title, excluded.title), via = coalesce(via, excluded.via), "
            "source = coalesce(source, excluded.source), "
            "facts = coalesce(facts, excluded.facts), mapped = coalesce(mapped, excluded.mapped), "
            "lastmod = CASE WHEN excluded.moment > coalesce(moment, 0) THEN excluded.lastmod ELSE lastmod END, "
            f"dated = CASE WHEN excluded.moment > coalesce(moment, 0) OR excluded.moment = moment AND dated = "
            f"{_NEVER_MOVES} THEN excluded.dated ELSE dated END, "
            "moment = CASE WHEN excluded.moment > coalesce(moment, 0) THEN excluded.moment ELSE moment END",
            pages,
        )
        for url, reason in passed:
            self.pass_over((url,), reason)
        self._database.execute("COMMIT")
        self._pages = self.count()
        return articles

    def count_open_new(self) -> int:
        """How many open URLs there are that the archive does not know."""
        query = "SELECT count(*) FROM page WHERE state IS NULL AND url NOT IN (SELECT url FROM plan.known)"
        return int(self._database.execute(query).fetchone()[0])

    def count_unfinished(self, via: str) -> tuple[int, int]:
        """How many pages that this document was the first to name were deferred, and how many failed."""
        query = (
            "SELECT coalesce(sum(state = 'deferred'), 0), coalesce(sum(state = 'failed'), 0) FROM page WHERE via = ?"
        )
        deferred, failed = self._database.execute(query, (via,)).fetchone()
        return int(deferred), int(failed)

    def count(self) -> int:
        """How many URLs were discovered so far."""
        # Nothing is ever deleted, so the last number is the count, and costs no scan.
        return int(self._database.execute("SELECT coalesce(max(seq), 0) FROM page").fetchone()[0])

    def count_new(self, source: int) -> int:
        """How many URLs this source was the first to name, that the archive does not know."""
        query = "SELECT count(*) FROM page WHERE source = ? AND url NOT IN (SELECT url FROM plan.known)"
        return int(self._database.execute(query, (source,)).fetchone()[0])

    def plan_work(self) -> dict[str, int]:
        """Decide what is fetched, once all sources were read; all others are closed.

        What was taken down is excluded, and so is a page that is due but is no article any more by the site's file
        (somebody narrowed the pattern).

        Returns:
            How many there are of each rank (``RANKS``; "backlog" counts as new).
        """
        database, orders = self._database, self._plan.orders
        database.execute("BEGIN")
        database.execute(
            "INSERT OR IGNORE INTO page (url, lastmod, linked) "  # noqa: S608 - ours
            "SELECT url, lastmod, linked_from FROM plan.known "
            f"WHERE (?1 = 'full' OR (overdue >= 1 AND ?1 <> 'backfill')) AND NOT ({_WAITS})",
            (orders.mode,),
        )
        left = self._find_unlisted()
        self._exclude_withheld()
        database.execute(
            "UPDATE page SET state = 'excluded', reason = 'off-pattern' "
            "WHERE state IS NULL AND source IS NULL AND NOT is_article(url) "
            "AND NOT (linked IS NOT NULL AND is_document(url))"
        )
        self._rank_pages(left)
        if orders.mode != "full":
            self._bound_looks()
        ranks = dict(database.execute("SELECT rank, count(*) FROM page WHERE state IS NULL GROUP BY rank"))
        self._put_off_backlog(sum(count for rank, count in ranks.items() if rank != _NEW))
        database.execute(
            "CREATE TABLE work AS SELECT seq FROM page WHERE state IS NULL "  # noqa: S608 - our numbers
            f"ORDER BY rank, iif(rank IN ({_NEW}, {_BACKLOG}), moment, urgency) DESC, seq"
        )
        database.execute("COMMIT")
        return {name: ranks.get(rank, 0) for rank, name in enumerate(RANKS) if rank != _BACKLOG}

    def _exclude_withheld(self) -> None:
        """Close what was taken down."""
        self._database.execute(
            "UPDATE page SET state = 'excluded', reason = ? "
            "WHERE state IS NULL AND url IN (SELECT url FROM plan.withheld)",
            (TAKEN_DOWN,),
        )

    def _find_unlisted(self) -> list[str]:
        """Known pages that left a sitemap which was read whole; they are entered. None of a sitemap that lost most."""
        found: list[str] = []
        for number, url in self._database.execute("SELECT number, url FROM source WHERE whole AND sitemap").fetchall():
            if url in self._plan.orders.latest_only:
                continue
            members = "plan.known AS known LEFT JOIN page ON page.url = known.url WHERE known.listed = ? AND known.live"
            left = f"SELECT known.url FROM {members} AND (page.source IS NULL AND page.state IS NULL)"  # noqa: S608
            gone = [row[0] for row in self._database.execute(left, (url,))]
            before = self._database.execute(f"SELECT count(*) FROM {members}", (url,)).fetchone()[0]  # noqa: S608
            if len(gone) > max(_LEFT, before * _MASS_SHARE):
                self._said.append(f"{len(gone)} of {before} pages have left source {number}: it is not believed")
                continue
            found += gone
        self._database.executemany(
            "INSERT OR IGNORE INTO page (url, lastmod) SELECT url, lastmod FROM plan.known WHERE url = ?",
            ((url,) for url in found),
        )
        return found

    def _rank_pages(self, left: list[str]) -> None:
        """Give every open page its rank; close those that need none."""
        database, full = self._database, self._plan.orders.mode == "full"
        database.execute(_SEEN)
        database.execute("CREATE UNIQUE INDEX seen_seq ON seen (seq)")
        self._doubt_masses()
        database.execute("CREATE TEMP TABLE gone_from_map (url TEXT PRIMARY KEY) WITHOUT ROWID")
        database.executemany("INSERT OR IGNORE INTO gone_from_map VALUES (?)", ((url,) for url in left))
        database.execute(
            f"""UPDATE page SET urgency = seen.overdue, still = seen.still, rank = CASE
                WHEN NOT seen.is_known THEN {_NEW}
                WHEN :backfill THEN NULL
                WHEN :full THEN iif(moment(seen.fetched_at) >= moment(:before), NULL, {_DUE})
                WHEN seen.relisted OR (seen.moved AND NOT coalesce(seen.stamped, 0)) THEN {_MOVED}
                WHEN page.url IN (SELECT url FROM gone_from_map) THEN {_UNLISTED}
                WHEN seen.overdue >= 1 AND NOT (seen.still AND coalesce(seen.belief, 1) > 1) THEN {_DUE}
                WHEN seen.overdue >= seen.belief THEN {_SPOT}
            END FROM seen WHERE seen.seq = page.seq AND page.state IS NULL""",  # noqa: S608 - our numbers
            {
                "full": full,
                "backfill": self._plan.orders.mode == "backfill",
                "before": None if (at := self._plan.orders.fetched_before) is None else at.isoformat(),
            },
        )
        database.execute(
            "UPDATE page SET state = 'unchanged', reason = iif(coalesce(urgency, 0) >= 1, 'date not moved', 'not due') "
            "WHERE state IS NULL AND rank IS NULL"
        )

    def _doubt_masses(self) -> None:
        """Where most pages of a source have moved at once, its dates were made with the document: look at a sample."""
        dice = random.Random(self._plan.made.isoformat())  # noqa: S311 - a sample
        for number, url in self._database.execute("SELECT number, url FROM source WHERE NOT stamped").fetchall():
            if url in self._plan.orders.proven:
                continue
            query = "SELECT count(*), total(moved) FROM seen WHERE dated = ? AND is_known"
            count, moved = self._database.execute(query, (number,)).fetchone()
            if count < _MASS or moved <= count * _MASS_SHARE:
                continue
            query = "SELECT seq FROM seen WHERE dated = ? AND is_known AND moved"
            seqs = [row[0] for row in self._database.execute(query, (number,))]
            chosen = set(dice.sample(seqs, min(_SAMPLE, len(seqs))))
            self._said.append(
                f"{len(seqs)} of {count} dates of source {number} have moved at once: a sample is looked at"
            )
            self._database.executemany(
                "UPDATE seen SET moved = 0 WHERE seq = ?", ((seq,) for seq in seqs if seq not in chosen)
            )

    def _bound_looks(self) -> None:
        """Keep as many looks at known pages as a run may have, the most overdue; the others wait."""
        orders = self._plan.orders
        most = self._site.crawl.recheck_at_most if orders.recheck_at_most is None else orders.recheck_at_most
        count = dict(self._database.execute("SELECT rank, count(*) FROM page WHERE state IS NULL GROUP BY rank"))
        spots = min(count.get(_SPOT, 0), max(2, int(self._plan.count_known() * _SPOT_SHARE)), max(1, most // 4))
        due = count.get(_DUE, 0)
        # What moved or left goes first, but never takes all: who is due must come to its turn.
        room = {rank: max(0, most - min(due + spots, most // 3)) for rank in (_MOVED, _UNLISTED)}
        for rank in (_MOVED, _UNLISTED):
            taken = self._keep(rank, min(room[rank], most), "recheck_at_most spent")
            room[_UNLISTED] -= taken
            most -= taken
        # A quarter of what is left for spot checks: a crowd that is due must not hide that dates lie.
        spots = min(spots, max(1, most // 4)) if most else 0
        most -= self._keep(_DUE, max(0, most - spots), "recheck_at_most spent")
        self._keep(_SPOT, min(spots, most), None)

    def _keep(self, rank: int, most: int, reason: str | None) -> int:
        """Of a rank's pages keep so many, the most urgent; returns how many are kept."""
        rows = (
            "SELECT seq FROM page WHERE state IS NULL AND rank = ? ORDER BY urgency DESC, moment, seq LIMIT -1 OFFSET ?"
        )
        self._database.execute(
            f"UPDATE page SET state = ?, reason = ? WHERE seq IN ({rows})",  # noqa: S608 - ours
            ("deferred" if reason else "unchanged", reason or "date not moved", rank, most),
        )
        query = "SELECT count(*) FROM page WHERE state IS NULL AND rank = ?"
        return int(self._database.execute(query, (rank,)).fetchone()[0])

    def _put_off_backlog(self, looks: int) -> None:
        """Let a crowd of new pages leave a quarter of the run's fetches to looks at known ones."""
        most = self._site.crawl.fetch_at_most
        rows = f"SELECT seq FROM page WHERE state IS NULL AND rank = {_NEW} ORDER BY moment DESC, seq LIMIT -1 OFFSET ?"  # noqa: S608
        self._database.execute(
            f"UPDATE page SET rank = {_BACKLOG} WHERE seq IN ({rows})",  # noqa: S608 - ours
            (most - min(looks, most // 4),),
        )

    def work(self) -> Iterator[Work]:
        """The pages to fetch, in order; read in small batches."""
        last = 0
        while True:
            rows = self._database.execute(
                "SELECT work.rowid, url, via, lastmod, title, facts, iif(rank = 3 AND still, 4, rank), dated, mapped, "
                "linked "
                "FROM work JOIN page USING (seq) WHERE work.rowid > ? ORDER BY work.rowid LIMIT 100",
                (last,),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            for _, url, via, lastmod, title, facts, rank, dated, mapped, linked in rows:
                known = self._plan.known(url)
                told = {**(json.loads(facts) if facts else {}), **self._tell_why(rank, known, dated, mapped)}
                if linked and not self._site.is_article(url):
                    told["linked_from"] = linked
                yield Work(url=url, via=via, lastmod=lastmod, title=title, facts=told, known=known)

    def list_documents(self, links: Iterable[Link], page: str) -> None:
        """Enter the documents that a page of the run links.

        One that is known and was not planned is not due. Those of hosts that the site's file does not name are
        passed over, and so are those for which there is no room.

        Args:
            links: as ``spiders.documents.find_links`` found them.
            page: URL of the page, as ``work`` gave it.
        """
        for link in links:
            if self._site.is_article(link.url):
                continue  # its sources name it, or nobody does
            if not self._site.wants_document(link.url):
                self.pass_over((link.url,), "document elsewhere")
                continue
            query = "SELECT linked FROM page WHERE url = ?"
            row = self._database.execute(query, (link.url,)).fetchone()
            known = self._plan.known(link.url)
            if row is None and known is None and self._pages >= self._site.crawl.max_urls:
                self._crowded += 1
                continue
            pages = merge_pages(None if row is None else row[0], None if known is None else known.linked_from, (page,))
            is_open = known is None or (known.looked_at is None and known.linked_from is not None and known.due)
            ended = (None, None) if is_open else ("unchanged", "not due")
            self._database.execute(
                "INSERT INTO page (url, via, title, linked, state, reason) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (url) DO UPDATE SET linked = excluded.linked",
                (link.url, page, link.title, pages, *ended),
            )
            if row is None:
                self._pages = self.count()

    def plan_documents(self) -> Iterator[Work]:
        """The documents to fetch of which there is no capture yet: those that pages of this run link, in the order in
        which they were found, then those that earlier runs put off. The others are put off.

        To be called once, when every page has been fetched.
        """
        rules = self._site.crawl
        most = min(rules.documents_at_most, rules.fetch_at_most)
        self._database.execute(
            f"INSERT OR IGNORE INTO page (url, linked) SELECT url, linked_from FROM plan.known "  # noqa: S608 - ours
            f"WHERE {_WAITS} AND overdue >= 1 AND is_document(url) ORDER BY overdue DESC, url"
        )
        self._exclude_withheld()
        query = "SELECT url, via, title, linked FROM page WHERE state IS NULL AND rank IS NULL AND linked IS NOT NULL"
        rows = self._database.execute(f"{query} ORDER BY seq").fetchall()
        self._database.executemany(
            "UPDATE page SET state = 'deferred', reason = 'documents_at_most spent' WHERE url = ?",
            ((row[0],) for row in rows[most:]),
        )
        return (
            Work(
                url=url,
                via=via,
                lastmod=None,
                title=title,
                facts={"why": DOCUMENT, "linked_from": linked},
                known=self._plan.known(url),
            )
            for url, via, title, linked in rows[:most]
        )

    def document_states(self) -> dict[str, int]:
        """How many documents that pages link ended how."""
        query = "SELECT state, count(*) FROM page WHERE linked IS NOT NULL AND state IS NOT NULL GROUP BY 1 ORDER BY 1"
        return dict(self._database.execute(query).fetchall())

    def linked(self) -> dict[str, str]:
        """Documents that were found and of which there is no capture, with the pages that link them; the first
        ``MOST_UNANSWERED``. Known ones too, where a page links them that did not before."""
        query = (
            "SELECT page.url, linked FROM page LEFT JOIN plan.known AS known ON known.url = page.url "
            "WHERE linked IS NOT NULL AND linked IS NOT known.linked_from "
            "AND state IN ('deferred', 'failed', 'unchanged') ORDER BY seq LIMIT ?"
        )
        return dict(self._database.execute(query, (MOST_UNANSWERED,)).fetchall())

    def _tell_why(self, rank: int, known: Known | None, dated: int | None, mapped: int | None) -> dict[str, str]:
        """What the frontier learns from: why a page is fetched, which sitemap lists it, and which source dates it (or
        was left by it)."""
        facts = {"why": RANKS[_NEW if rank == _BACKLOG else rank]}
        sources = self._site.sources
        if mapped is not None:
            facts["sitemap"] = sources[mapped].url
        if dated is not None and 0 <= dated < len(sources):
            facts["dated"] = sources[dated].url
        elif rank == _UNLISTED and known is not None and known.listed is not None:
            facts["dated"] = known.listed
        return facts

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
        if (state == "failed" or reason == "off-site redirect") and len(self._unanswered) < MOST_UNANSWERED:
            self._unanswered.append(url)

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

    def unanswered(self) -> list[str]:
        """Pages that ended without an answer to record, in order; no more than ``MOST_UNANSWERED``."""
        return list(self._unanswered)

    def remarks(self) -> list[str]:
        """What was noticed of the sources while work was planned, for the log."""
        return list(self._said)

    def close(self) -> None:
        """Drop the database."""
        self._database.close()


def _pack(facts: Mapping[str, str]) -> str | None:
    return json.dumps(dict(facts)) if facts else None


def _printable(text: str) -> str:
    """Text that may stand in a report: what could turn it around or act on a terminal is escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


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
