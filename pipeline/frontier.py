"""What a site's frontier remembers: every known URL, its validators, its article, and when to look again.

The frontier saves work; it is not the truth. It lies in the bucket as one SQLite file, compressed, replaced
under If-Match, and can be lost at any time: it is then rebuilt from the versions and from the findings of the
published runs. A publisher that finds it stale must believe the versions.

``Frontier.open`` brings a copy to this machine; ``save`` applies what one run saw and writes it back, and
does so again on top of the other's work when somebody else was faster. Applying a run twice changes nothing,
and runs may be applied in any order: every fact is the newest capture's, whichever run came last. (One thing
is not remembered: a missing page whose article nobody had heard of yet.)

Not here: what a finding means for its article (``pipeline.lifecycle``); when a URL is worth another look
(``pipeline.recheck``).
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import zstandard
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.archive import Archive
from pipeline.crosscheck import CrossCheck
from pipeline.errors import ArchiveError, WriteConflict
from pipeline.lifecycle import (
    Missing,
    Standing,
    fold_address,
    is_live,
    is_readable,
    is_same_address,
    is_withheld,
    standing_of,
)
from pipeline.model import Change, Finding, State, article_id
from pipeline.recheck import (
    LIVE_KINDS,
    Memory,
    Track,
    believe_dates,
    latest_birth,
    leaving_means_nothing,
    measure_overdue,
    moves_are_proven,
    moves_mean_nothing,
)
from pipeline.store import KeyMissing, Lost
from spiders.documents import is_pdf_address, merge_pages
from spiders.protocol import CrawlSummary, Known, Orders
from spiders.site import Site
from spiders.sources import parse_moment

log = logging.getLogger("muniment")

SCHEMA = 3
"""Form of the SQLite file; a file of another form is rebuilt."""

_TABLES = {
    "meta": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "runs_applied": "run TEXT PRIMARY KEY, at TEXT NOT NULL",
    # kind, status, fetched_at, moved_to, listed: of the newest capture; moved_to: where permanent redirects led,
    # listed: the sitemap source that named it. etag … digest: of the newest capture with a body that a 304 may
    # refer to. article, canonical, published: of the newest capture that was an article; published at the latest.
    # seen_at: newest capture with a page. linked_from: of a document, the pages that link it.
    "urls": """
        url TEXT PRIMARY KEY, first_seen TEXT NOT NULL, fetched_at TEXT NOT NULL, seen_at TEXT,
        kind TEXT NOT NULL, status INTEGER NOT NULL, moved_to TEXT, listed TEXT,
        article TEXT, article_at TEXT, canonical TEXT, published TEXT,
        etag TEXT, last_modified TEXT, payload_digest TEXT, record_id TEXT, captured_at TEXT, digest TEXT,
        lastmod TEXT, lastmod_at TEXT, linked_from TEXT""",
    # n: highest number in use. digest … title: of the current version. seen_at: newest live capture.
    "articles": """
        article TEXT PRIMARY KEY, n INTEGER NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
        captured_at TEXT NOT NULL, version_run TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, essence TEXT,
        moved_to TEXT, seen_at TEXT""",
    # answers since the article was last seen live that it is not there, or not to be had
    "missing": """
        article TEXT, run TEXT, url TEXT, at TEXT NOT NULL, status INTEGER NOT NULL, kind TEXT NOT NULL,
        doubted INTEGER NOT NULL, PRIMARY KEY (article, run, url)""",
    # Where an article is found beside its first canonical URL: a permanent redirect or a new canonical led there.
    "aliases": "url TEXT PRIMARY KEY, article TEXT NOT NULL, at TEXT NOT NULL",
    # What became of the looks of a run at pages that a source dates, or mapped: ``pipeline.recheck.Track``.
    "tracks": """
        run TEXT, source TEXT, still INTEGER NOT NULL, silent INTEGER NOT NULL, moved INTEGER NOT NULL,
        vain INTEGER NOT NULL, unlisted INTEGER NOT NULL, lost INTEGER NOT NULL, PRIMARY KEY (run, source)""",
}
_TRACK_COLUMNS = ("still", "silent", "moved", "vain", "unlisted", "lost")
_TRACK_DAYS = 60
"""What sources did longer ago than this says nothing of what they do now."""
_PERMANENT = frozenset({301, 308})
_BODY_COLUMNS = ("etag", "last_modified", "payload_digest", "record_id", "captured_at", "digest")
_TRIES = 30
_FOUND = "found"
"""Kind of a sighting that is none: a page links the document."""
_NEVER = "1970-01-01T00:00:00.000000Z"
_LEVEL = 3  # 6 takes four times as long and saves nothing


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One captured URL of a run, as far as the frontier remembers it; absent facts are None."""

    url: str
    final: str
    kind: str
    status: int
    fetched_at: str
    seen_at: str | None
    article: str | None
    article_at: str | None
    etag: str | None
    last_modified: str | None
    payload_digest: str | None
    record_id: str | None
    captured_at: str | None
    digest: str | None
    lastmod: str | None
    lastmod_at: str | None
    moved_to: str | None = None
    listed: str | None = None
    canonical: str | None = None
    published: str | None = None
    why: str | None = None  # of ``spiders.books.RANKS``
    dated: str | None = None  # URL of the source that gave its date
    linked_from: str | None = None  # document: the pages that link it


def note_sighting(finding: Finding) -> Sighting:
    """What of a finding is worth remembering."""
    evidence = finding.evidence
    at = _to_text(evidence.captured_at)
    page = is_live(finding) or finding.kind == "not-an-article"
    # A consent wall or an error page has validators too, but no later 304 must come to mean "the article is there".
    body = finding.kind in ("article", "not-an-article") and evidence.record_type == "response"
    body = body and not is_withheld(finding)
    return Sighting(
        url=finding.requested,
        final=finding.final,
        kind=finding.kind,
        status=evidence.status,
        fetched_at=at,
        seen_at=at if page else None,
        article=finding.article.article if finding.article else None,
        article_at=at if finding.article else None,
        etag=finding.etag if body else None,
        last_modified=finding.last_modified if body else None,
        payload_digest=evidence.payload_digest if body else None,
        record_id=evidence.record_id if body else None,
        captured_at=at if body else None,
        digest=(finding.article.essence or finding.article.digest) if body and finding.article else None,
        # A date that moved stays news until a page was got for it.
        lastmod=finding.source_lastmod if page else None,
        lastmod_at=at if page and finding.source_lastmod else None,
        moved_to=_moved_to(finding),
        listed=finding.facts.get("sitemap"),
        canonical=finding.article.url if finding.article else None,
        published=_published(finding),
        why=finding.facts.get("why"),
        dated=finding.facts.get("dated"),
        linked_from=finding.facts.get("linked_from"),
    )


def note_again(finding: Finding) -> Sighting | None:
    """What to remember of a capture that was published before and is read again; None: nothing.

    It is no look of its own: what was missing or blocked then has been counted, and so has what became of the look.
    """
    if finding.kind != "article":
        return None
    return replace(note_sighting(finding), why=None, dated=None)


def note_silence(url: str, at: datetime) -> Sighting:
    """What to remember of a page that failed without an answer to record."""
    absent = dict.fromkeys(("seen_at", "article", "article_at", "lastmod", "lastmod_at", *_BODY_COLUMNS))
    return Sighting(url=url, final=url, kind="failed", status=0, fetched_at=_to_text(at), **absent)


def note_uncaptured(summary: CrawlSummary) -> list[Sighting]:
    """What to remember of a run beside its captures: what gave no answer, and documents that it found and left."""
    at = summary.finished
    found = [replace(note_silence(url, at), kind=_FOUND, linked_from=pages) for url, pages in summary.linked.items()]
    return [note_silence(url, at) for url in summary.unanswered] + found


def _moved_to(finding: Finding) -> str | None:
    """Where permanent redirects led, and nothing but such."""
    hops = finding.hops
    if not hops or finding.final == finding.requested or any(status not in _PERMANENT for status, _ in hops):
        return None
    return finding.final


def _is_led_astray(url: str, final: str, moved_to: str | None) -> bool:
    """Whether another address answered, and not because of permanent redirects alone."""
    return moved_to is None and not is_same_address(final, url)


def _published(finding: Finding) -> str | None:
    """The latest moment at which an article was published, by its page, or else by what its source says."""
    if finding.article is None:
        return None
    moment = finding.article.published
    if moment is not None and moment.precision in ("second", "minute", "day"):
        return _to_text(latest_birth(moment.value, day_only=moment.precision == "day"))
    told = finding.facts.get("published") or finding.source_lastmod
    seconds = parse_moment(told)
    if told is None or seconds is None or not 0 < seconds < 2**32:
        return None
    return _to_text(latest_birth(datetime.fromtimestamp(seconds, UTC), day_only=len(told.strip()) <= len("2026-11-22")))


class Frontier:
    """A copy of a site's frontier on this machine; a context manager, because the copy is a file."""

    def __init__(self, archive: Archive, site: Site) -> None:
        self._archive = archive
        self._site = site.id
        self._declared = site
        self._key = archive.frontier_key(site.id)
        self._folder = Path(tempfile.mkdtemp(prefix="muniment-frontier-"))
        self._etag: str | None = None
        self._db = _new_database(self._folder / "empty.sqlite", site.id)
        self._answers: dict[tuple[str, str], str | None] | None = {}  # see ``_recall``; None: while rows change

    @classmethod
    def open(cls, archive: Archive, site: Site) -> Frontier:
        """Bring a site's frontier here; one that is missing or damaged is rebuilt first.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        frontier = cls(archive, site)
        try:
            frontier._load()
        except BaseException:
            frontier.close()
            raise
        return frontier

    def _is_article(self, url: str) -> bool:
        """Whether an article may be found at an address: a page's, or a document's."""
        return self._declared.is_article(url) or (is_pdf_address(url) and self._declared.wants_document(url))

    def close(self) -> None:
        """Forget the copy; what was not saved is lost."""
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what is known ------------------------------------------------------------------------------

    def replace_by_rebuilt(self) -> None:
        """Make it anew of versions and findings, and put that in the place of whatever stands in the archive.

        Raises:
            WriteConflict: a publisher was faster; its frontier stands.
        """
        standing = self._archive.store.head(self._key)
        self._rebuild()
        self._etag = self._archive.store.replace(
            self._key, self._pack(), etag=standing.etag if standing else None, content_type="application/zstd"
        )

    def known(self, now: datetime, site: Site) -> Iterator[Known]:
        """Every known URL, in order, with how urgently it wants another look at ``now`` (``pipeline.recheck``).

        Validators are given only where "not modified" would mean that the article's current version still
        stands: never for an article that went, nor for a page whose last body was something else.
        """
        for row in self._db.execute(_SELECT_KNOWN):
            overdue = measure_overdue(site, _remember(row), now=now)
            yield Known(
                url=row["url"],
                due=overdue >= 1,
                etag=row["etag"],
                last_modified=row["last_modified"],
                payload_digest=row["payload_digest"],
                captured_at=_to_warc_date(row["captured_at"]),
                record_id=row["record_id"],
                lastmod=row["lastmod"],
                overdue=overdue,
                looked_at=row["seen_at"],
                fetched_at=row["fetched_at"],
                live=row["kind"] in LIVE_KINDS,
                listed=row["listed"],
                linked_from=row["linked_from"],
            )

    def complete_orders(self, orders: Orders, site: Site, *, now: datetime) -> Orders:
        """A run's orders with what was learned of the site's sources."""
        tracks = self.tracks(now)
        empty = Track()
        urls = [source.url for source in site.sources]
        return orders.model_copy(
            update={
                "trust_dates": orders.trust_dates and site.dates != "ignore",
                "belief": {url: believe_dates(site, tracks.get(url, empty)) for url in urls},
                "stamped": tuple(url for url in urls if moves_mean_nothing(tracks.get(url, empty))),
                "proven": tuple(url for url in urls if moves_are_proven(tracks.get(url, empty))),
                "latest_only": tuple(url for url in urls if leaving_means_nothing(tracks.get(url, empty))),
            }
        )

    def tracks(self, now: datetime) -> dict[str, Track]:
        """What became of looks of the last weeks, by source URL."""
        sums = ", ".join(f"sum({name}) AS {name}" for name in _TRACK_COLUMNS)
        since = (now - timedelta(days=_TRACK_DAYS)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        query = f"SELECT source, {sums} FROM tracks WHERE run >= ? GROUP BY source"  # noqa: S608 - our names
        return {
            row["source"]: Track(**{name: row[name] for name in _TRACK_COLUMNS})
            for row in self._db.execute(query, (since,))
        }

    def learn_moves(self, findings: Iterable[Finding]) -> None:
        """Note from all findings of a run where articles have gone, before asking whose any of them is: the new
        address may come before the old one. Nothing of it is saved; ``save`` does so by itself."""
        for finding in findings:
            if finding.article is not None and self.article_of(finding) != finding.article.article:
                self._learn_move(note_sighting(finding))

    def article_of(self, finding: Finding) -> str:
        """Id of the article that a finding is about.

        An article keeps its id when it moves: what stood at a URL before is meant when the URL redirects for good
        or names a new canonical URL, and what is found at that new URL later belongs to it, too. Otherwise the
        page's canonical URL counts; and for a page without text what its URL led to before.
        """
        page = finding.article
        if page is None:
            return self._mapped(finding.requested, finding.final) or article_id(finding.requested)
        return self._find_owner(page.article, page.url, finding.requested, finding.final, _moved_to(finding))

    def _owner(self, sighting: Sighting) -> str:
        """The article that a sighting with an article belongs to."""
        assert sighting.article is not None
        assert sighting.canonical is not None
        return self._find_owner(sighting.article, sighting.canonical, sighting.url, sighting.final, sighting.moved_to)

    def _find_owner(self, article: str, canonical: str, url: str, final: str, moved_to: str | None) -> str:
        before = self._led_to(url)
        if before is not None and before != article:
            row = self._db.execute("SELECT url FROM articles WHERE article = ?", (before,)).fetchone()
            # Without a redirect only the article's own page can say that it lives elsewhere now, not an alias of it.
            if row is not None and (
                (is_same_address(row["url"], url) and not _is_led_astray(url, final, moved_to))
                or (moved_to is not None and before in (article_id(url), self._alias(url)))
            ):
                return before
        return self._alias(canonical) or article

    def _learn_move(self, sighting: Sighting) -> None:
        """Remember the new address of an article that has one, unless another article was found there before."""
        owner = self._owner(sighting)
        if owner == sighting.article:
            return
        for url in {sighting.canonical, sighting.moved_to} - {None, sighting.url}:
            assert url is not None
            if self._is_article(url) and self._led_to(url) is None:
                self._db.execute("INSERT OR IGNORE INTO aliases VALUES (?, ?, ?)", (url, owner, sighting.fetched_at))
                if self._answers is not None:
                    self._answers.clear()

    def article_at(self, url: str) -> str | None:
        """Id of the article that a canonical URL led to when it was last captured; None: to none."""
        return self._mapped(url)

    def standing(self, article: str) -> Standing | None:
        """What is remembered of an article's versions; may be stale."""
        row = self._db.execute("SELECT * FROM articles WHERE article = ?", (article,)).fetchone()
        return None if row is None else _standing(row)

    def missing(self, article: str) -> list[Missing]:
        """The answers for an article's URLs since it was last seen live that it is gone, or blocked."""
        rows = self._db.execute("SELECT * FROM missing WHERE article = ? ORDER BY at, run, url", (article,))
        return [
            Missing(
                run=row["run"],
                url=row["url"],
                at=_to_time(row["at"]),
                status=row["status"],
                kind=row["kind"],
                doubted=bool(row["doubted"]),
            )
            for row in rows
        ]

    def seen_at(self, article: str) -> datetime | None:
        """When an article was last captured live, with or without a new version."""
        row = self._db.execute("SELECT seen_at FROM articles WHERE article = ?", (article,)).fetchone()
        return None if row is None or row["seen_at"] is None else _to_time(row["seen_at"])

    def live_elsewhere(self, article: str, url: str) -> bool:
        """Whether another URL of the article was live when last looked at."""
        row = self._db.execute(
            "SELECT 1 FROM urls WHERE article = ? AND url <> ? AND kind IN ('article', 'unchanged') LIMIT 1",
            (article, url),
        ).fetchone()
        return row is not None

    def address_lives(self, article: str, finding: Finding) -> bool:
        """Whether an article's address was live when last looked at, and a finding comes from another one."""
        row = self._address(article)
        if row is None or is_same_address(row["url"], finding.requested) or is_same_address(row["url"], finding.final):
            return False
        return row["kind"] in ("article", "unchanged") and row["moved_to"] is None

    def is_vacant(self, article: str) -> bool:
        """Whether an article's address was not there when last looked at."""
        row = self._address(article)
        return row is not None and row["kind"] == "gone"

    def holder(self, url: str) -> str | None:
        """Id of the article that was found at a URL before."""
        found = self._led_to(url)
        return found if found is not None and self.standing(found) is not None else None

    def ended_in(self, article: str) -> list[tuple[str, str]]:
        """Articles that have ended in this one: id and last URL, in order of id."""
        query = "SELECT article, url FROM articles WHERE moved_to = ? ORDER BY article"
        return [(row["article"], row["url"]) for row in self._db.execute(query, (article,))]

    def count_ended_in(self, article: str, *, run: str) -> int:
        """How many other articles are known to have ended in this one, by other runs than the one given."""
        query = "SELECT count(*) FROM articles WHERE moved_to = ? AND version_run <> ?"
        return int(self._db.execute(query, (article, run)).fetchone()[0])

    def _address(self, article: str) -> sqlite3.Row | None:
        query = "SELECT u.url, u.kind, u.moved_to FROM articles a JOIN urls u ON u.url = a.url WHERE a.article = ?"
        row: sqlite3.Row | None = self._db.execute(query, (article,)).fetchone()
        return row

    def count_states(self) -> dict[str, int]:
        """How many articles stand in which state."""
        return dict(self._db.execute("SELECT state, count(*) FROM articles GROUP BY state ORDER BY state").fetchall())

    def has_news(self, sighting: Sighting) -> bool:
        """Whether a capture of an article tells something that is not known, be it that it is read otherwise."""
        row = self._db.execute("SELECT * FROM urls WHERE url = ?", (sighting.url,)).fetchone()
        if row is None or row["article_at"] is None:
            return True
        if (sighting.article_at or "") < row["article_at"] and (sighting.captured_at or "") < (
            row["captured_at"] or ""
        ):
            return False
        told = ("kind", "canonical", "published", "digest")
        return any(getattr(sighting, name) != row[name] for name in told)

    def has_applied(self, run: str) -> bool:
        """Whether a run's sightings are in."""
        return self._db.execute("SELECT 1 FROM runs_applied WHERE run = ?", (run,)).fetchone() is not None

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything in it, table by table in order of key: for comparing two frontiers."""
        return {
            table: [tuple(row) for row in self._db.execute(f"SELECT * FROM {table} ORDER BY {_key_of(table)}")]  # noqa: S608 - our names
            for table in _TABLES
        }

    # --- what a run saw -----------------------------------------------------------------------------

    def save(
        self,
        run: str,
        sightings: Sequence[Sighting],
        standings: Iterable[Standing],
        *,
        changed: Collection[str] = frozenset(),
        doubted: Collection[str] = frozenset(),
    ) -> None:
        """Apply what a run saw and write the frontier back, on top of whatever others wrote meanwhile.

        Args:
            run: its id.
            sightings: what it captured, and what did not answer.
            standings: of the articles that it settled.
            changed: articles of which it made a version that is not their first.
            doubted: kinds of findings, "gone" and "blocked", of which it had so many that they prove little.

        Raises:
            WriteConflict: others were faster too often in a row.
        """
        standings = list(standings)
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(Lost),
                stop=stop_after_attempt(_TRIES),
                wait=wait_random_exponential(multiplier=0.02, max=2),
            ):
                with attempt:
                    if attempt.retry_state.attempt_number > 1:
                        self._load()
                    if self.has_applied(run):
                        return
                    self._apply(run, sightings, standings, changed, doubted)
                    self._etag = self._archive.store.replace(
                        self._key, self._pack(), etag=self._etag, content_type="application/zstd"
                    )
        except RetryError as error:
            raise WriteConflict(f"{self._key} was replaced by others {_TRIES} times in a row; try again") from error

    def _apply(
        self,
        run: str,
        sightings: Sequence[Sighting],
        standings: Iterable[Standing],
        changed: Collection[str],
        doubted: Collection[str],
    ) -> None:
        db = self._db
        self._answers = None
        db.execute("BEGIN")
        db.execute("INSERT INTO runs_applied VALUES (?, ?)", (run, run.split("-", maxsplit=1)[0]))
        for standing in standings:
            self._apply_standing(standing)
        in_order = sorted(sightings, key=lambda each: (each.fetched_at, each.record_id or "", each.url))
        for sighting in in_order:
            if sighting.article is not None:
                self._learn_move(sighting)
        for sighting in in_order:
            self._apply_sighting(run, sighting, doubted)
        self._apply_tracks(run, in_order, changed, doubted)
        db.execute("DELETE FROM missing WHERE at <= (SELECT seen_at FROM articles a WHERE a.article = missing.article)")
        db.execute("COMMIT")
        self._answers = {}

    def _apply_standing(self, standing: Standing) -> None:
        # Of one version, the later essence: where its page is read in another way, that reading is not judged again.
        newer = "(excluded.captured_at, excluded.n) > (captured_at, n)"
        current = ("digest", "state", "captured_at", "version_run", "url", "title", "moved_to")
        captured_at = _to_text(standing.captured_at)
        self._db.execute(
            f"""INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (article) DO UPDATE SET
                n = max(n, excluded.n),
                seen_at = max(coalesce(seen_at, excluded.seen_at), coalesce(excluded.seen_at, seen_at)),
                essence = iif((excluded.captured_at, excluded.n) >= (captured_at, n), excluded.essence, essence),
                {", ".join(f"{name} = iif({newer}, excluded.{name}, {name})" for name in current)}""",  # noqa: S608
            (
                standing.article,
                standing.n,
                standing.digest,
                standing.state.value,
                captured_at,
                standing.run,
                standing.url,
                standing.title,
                standing.essence,
                standing.moved_to,
                captured_at if is_readable(standing) else None,
            ),
        )

    def _apply_sighting(self, run: str, sighting: Sighting, doubted: Collection[str]) -> None:
        if sighting.kind == _FOUND:
            self._db.execute(_NOTE_LINK, (sighting.url, sighting.fetched_at, _NEVER, sighting.linked_from))
            return
        article = self._mapped(sighting.url, sighting.final) if sighting.article is None else self._owner(sighting)
        values = {**sighting.__dict__, "article": sighting.article and article}
        astray = _is_led_astray(sighting.url, sighting.final, sighting.moved_to)
        if sighting.article is not None and astray and self._led_to(sighting.url) is not None:
            # What a temporary redirect shows is no news of what stood here before.
            values |= dict.fromkeys(("article", "article_at", "canonical", "published", *_BODY_COLUMNS))
        self._db.execute(_UPSERT_URL, values)
        target = sighting.moved_to
        if target is not None and sighting.kind in LIVE_KINDS and self._is_article(target):
            # The answer was that of the new address: from now on, that one is looked at.
            self._db.execute(_UPSERT_URL, {**values, "url": target, "moved_to": None, "listed": None})
        if article is None:
            return
        if sighting.kind in ("article", "unchanged"):
            self._db.execute(
                "UPDATE articles SET seen_at = max(coalesce(seen_at, ?1), ?1) WHERE article = ?2",
                (sighting.fetched_at, article),
            )
        elif sighting.kind in ("gone", "blocked"):
            kind = sighting.kind
            self._db.execute(
                "INSERT OR IGNORE INTO missing SELECT article, ?, ?, ?, ?, ?, ? FROM articles WHERE article = ?",
                (run, sighting.url, sighting.fetched_at, sighting.status, kind, kind in doubted, article),
            )

    def _apply_tracks(
        self, run: str, sightings: Iterable[Sighting], changed: Collection[str], doubted: Collection[str]
    ) -> None:
        """Count what became of the looks of a run, by the source that gave a reason for them, or none."""
        tracks: dict[str, Counter[str]] = {}
        for sighting in sightings:
            if sighting.dated is None or sighting.kind in ("blocked", "failed", "excluded", *doubted):
                continue
            track = tracks.setdefault(sighting.dated, Counter())
            edit = sighting.article is not None and self._owner(sighting) in changed
            if sighting.why == "spot":
                track.update(("still", "silent") if edit or sighting.kind == "gone" else ("still",))
            elif sighting.why == "moved":
                track.update(("moved",) if edit or sighting.kind == "gone" else ("moved", "vain"))
            elif sighting.why == "unlisted":
                lost = sighting.kind == "gone" or sighting.moved_to is not None
                track.update(("unlisted", "lost") if lost else ("unlisted",))
        self._db.executemany(
            "INSERT OR REPLACE INTO tracks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((run, source, *(track[name] for name in _TRACK_COLUMNS)) for source, track in tracks.items() if track),
        )

    def _mapped(self, *urls: str) -> str | None:
        """The article that one of these URLs led to before."""
        return next((article for url in urls if (article := self._led_to(url)) is not None), None)

    def _led_to(self, url: str) -> str | None:
        """The article that a URL led to before: when it was captured, or as the address of an article that moved."""
        return self._recall("led to", url, self._look_where)

    def _recall(self, what: str, url: str, ask: Callable[[str], str | None]) -> str | None:
        """What was asked before of a URL, or is asked now: a run asks the same several times of each."""
        if self._answers is None:
            return ask(url)
        if (what, url) not in self._answers:
            self._answers[what, url] = ask(url)
        return self._answers[what, url]

    def _look_where(self, url: str) -> str | None:
        row = self._db.execute(
            "SELECT article FROM urls WHERE url = ?1 AND article IS NOT NULL "
            "UNION ALL SELECT article FROM aliases WHERE url = ?1 "
            "UNION ALL SELECT article FROM articles WHERE article = ?2 LIMIT 1",
            (url, article_id(url)),
        ).fetchone()
        return self._spelled_otherwise(url) if row is None else str(row["article"])

    def _spelled_otherwise(self, url: str) -> str | None:
        """The article at a URL that differs in nothing but scheme, "www." and a slash at the end."""
        rest = fold_address(url)
        path, mark, query = rest.partition("?")
        spellings = (
            f"{scheme}://{www}{path}{slash}{mark}{query}"
            for scheme in ("https", "http")
            for www in ("", "www.")
            for slash in ("", "/")
        )
        ids = [article_id(each) for each in spellings]
        query = f"SELECT article FROM articles WHERE article IN ({', '.join('?' * len(ids))}) ORDER BY n DESC, article"  # noqa: S608
        row = self._db.execute(query, ids).fetchone()
        return None if row is None else str(row["article"])

    def _alias(self, url: str) -> str | None:
        return self._recall("alias", url, self._look_for_alias)

    def _look_for_alias(self, url: str) -> str | None:
        row = self._db.execute("SELECT article FROM aliases WHERE url = ?", (url,)).fetchone()
        return None if row is None else str(row["article"])

    # --- the file -----------------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            stored = self._archive.store.get(self._key)
        except KeyMissing:
            self._etag = None
            self._rebuild()
            return
        self._etag = stored.etag
        try:
            self._use(_open_database(_fresh(self._folder), stored.body))
        except (zstandard.ZstdError, sqlite3.DatabaseError, ValueError) as error:
            log.warning("%s cannot be read (%s); it is rebuilt from versions and runs", self._key, error)
            self._rebuild()

    def _rebuild(self) -> None:
        """Make the frontier anew from all versions and from the findings of all published runs."""
        self._use(_new_database(_fresh(self._folder), self._site))
        self._db.execute("BEGIN")
        changed: dict[str, set[str]] = {}
        for article in self._archive.articles(self._site):
            versions = self._archive.versions(self._site, article)
            for version in versions:
                if version.change is not Change.NEW:
                    changed.setdefault(version.run, set()).add(article)
            standing = standing_of(versions)
            if standing is not None:
                self._apply_standing(standing)
        self._db.execute("COMMIT")
        for run in sorted(self._archive.runs(self._site)):
            published = self._archive.read_published(self._site, run)
            if published is not None:
                findings = self._archive.read_findings(self._site, run)
                crossed = CrossCheck(recast=published.recast)
                summary = self._archive.read_summary(self._site, run)
                orders = None if summary is not None else self._archive.read_orders(self._site, run)
                if orders is not None and orders.reads_again:
                    sightings = list(filter(None, map(note_again, findings)))
                else:
                    sightings = [note_sighting(crossed.reread(finding)) for finding in findings]
                if summary is not None:
                    sightings += note_uncaptured(summary)
                self._apply(run, sightings, (), changed.get(run, ()), published.storms)

    def _use(self, db: sqlite3.Connection) -> None:
        self._db.close()
        self._db, self._answers = db, {}

    def _pack(self) -> bytes:
        return _pack_database(self._db, self._folder, self._site)


def read_addresses(archive: Archive, site: str, article: str) -> set[str]:
    """All addresses at which an article was found, as far as the frontier can be read."""
    with tempfile.TemporaryDirectory(prefix="muniment-frontier-") as folder:
        try:
            db = _open_database(_fresh(Path(folder)), archive.store.get(archive.frontier_key(site)).body)
        except (KeyMissing, zstandard.ZstdError, sqlite3.DatabaseError, ValueError):
            return set()
        with closing(db):
            rows = db.execute(
                "SELECT url FROM urls WHERE article = ?1 UNION SELECT canonical FROM urls WHERE article = ?1 "
                "UNION SELECT url FROM aliases WHERE article = ?1 UNION SELECT url FROM articles WHERE article = ?1",
                (article,),
            ).fetchall()
    return {row["url"] for row in rows if row["url"]}


def restate(archive: Archive, site: str, standings: Sequence[Standing]) -> bool:
    """Put articles' headlines and states as their versions have them now, on top of whatever others write meanwhile.

    Returns:
        False: nothing had to be changed.

    One that cannot be read is left alone: who opens it next rebuilds it from the versions.

    Raises:
        WriteConflict: others were faster too often in a row.
    """
    key = archive.frontier_key(site)
    for _ in range(_TRIES):
        try:
            stored = archive.store.get(key)
        except KeyMissing:
            return False
        with tempfile.TemporaryDirectory(prefix="muniment-frontier-") as name:
            folder = Path(name)
            try:
                db = _open_database(_fresh(folder), stored.body)
            except (zstandard.ZstdError, sqlite3.DatabaseError, ValueError):
                return False
            with closing(db):
                before = db.total_changes
                db.executemany(
                    "UPDATE articles SET title = ?2, state = ?3 WHERE article = ?1 AND n = ?4 "
                    "AND (title, state) <> (?2, ?3)",
                    [(each.article, each.title, each.state.value, each.n) for each in standings],
                )
                if db.total_changes == before:
                    return False
                packed = _pack_database(db, folder, site)
        with suppress(Lost):
            archive.store.replace(key, packed, etag=stored.etag, content_type="application/zstd")
            return True
    raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")


def _pack_database(db: sqlite3.Connection, folder: Path, site: str) -> bytes:
    """The file for the bucket: rows in order of key in a fresh database, so that equal content is equal bytes."""
    path = _fresh(folder)
    _new_database(path, site).close()
    db.execute("ATTACH ? AS packed", (str(path),))
    db.execute("BEGIN")
    for table in _TABLES:
        rows = f"SELECT * FROM main.{table} ORDER BY {_key_of(table)}"  # noqa: S608 - our names
        db.execute(f"INSERT OR REPLACE INTO packed.{table} {rows}")
    db.execute("COMMIT")
    db.execute("DETACH packed")
    with path.open("rb") as file:
        packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(file.read())
    path.unlink()
    return packed


def _standing(row: sqlite3.Row) -> Standing:
    return Standing(
        article=row["article"],
        n=row["n"],
        digest=row["digest"],
        state=State(row["state"]),
        captured_at=_to_time(row["captured_at"]),
        run=row["version_run"],
        url=row["url"],
        title=row["title"],
        essence=row["essence"],
        moved_to=row["moved_to"],
    )


_STANDS = "u.article IS NULL OR (u.digest = coalesce(a.essence, a.digest) AND a.state NOT IN ('gone', 'blocked'))"
_BODY_IF_IT_STANDS = ", ".join(f"iif({_STANDS}, u.{name}, NULL) AS {name}" for name in _BODY_COLUMNS)
_SELECT_KNOWN = f"""
    SELECT u.url, u.first_seen, u.fetched_at, u.seen_at, u.kind, u.lastmod, u.listed, u.published, u.article,
        u.linked_from,
        {_BODY_IF_IT_STANDS}, a.state, a.n, a.captured_at AS version_at, m.count, m.first, m.last,
        a.moved_to IS NOT NULL OR EXISTS (
            SELECT 1 FROM urls t
            WHERE t.url IN (u.moved_to, u.canonical) AND t.url <> u.url AND t.article = u.article
            AND t.moved_to IS NULL AND t.kind IN ('article', 'unchanged')
        ) AS elsewhere
    FROM urls u LEFT JOIN articles a ON a.article = u.article
    LEFT JOIN (
        SELECT article, count(DISTINCT run) AS count, min(at) AS first, max(at) AS last FROM missing
        WHERE kind = 'gone' GROUP BY article
    ) m ON m.article = u.article
    ORDER BY u.url"""  # noqa: S608 - our names


def _remember(row: sqlite3.Row) -> Memory:
    went = row["state"] == State.GONE.value
    edited = row["n"] is not None and row["n"] > 1 and row["state"] in (State.LIVE.value, State.RESTORED.value)
    return Memory(
        url=row["url"],
        kind=row["kind"],
        first_seen=_to_time(row["first_seen"]),
        fetched_at=_to_time(row["fetched_at"]),
        looked_at=_to_time(row["seen_at"]) if row["seen_at"] else None,
        published=_to_time(row["published"]) if row["published"] else None,
        edited_at=_to_time(row["version_at"]) if edited else None,
        gone_at=_to_time(row["version_at"]) if went else None,
        missing=(row["count"], _to_time(row["first"]), _to_time(row["last"])) if row["count"] else None,
        has_article=row["article"] is not None,
        elsewhere=bool(row["elsewhere"]),
    )


_MERGED = """iif(linked_from IS NULL OR excluded.linked_from IS NULL, coalesce(linked_from, excluded.linked_from),
    merge_pages(linked_from, excluded.linked_from))"""
# Whatever is captured of it is newer than this, whichever run is applied first.
_NOTE_LINK = f"""INSERT INTO urls (url, first_seen, fetched_at, kind, status, linked_from)
    VALUES (?, ?, ?, 'failed', 0, ?)
    ON CONFLICT (url) DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), linked_from = {_MERGED}
"""  # noqa: S608 - our names


@contextmanager
def look_into(packed: bytes) -> Iterator[tuple[set[str], Iterator[Standing]]]:
    """What a frontier's object says, for an auditor: the runs that are in it, and each article in order of its id.

    Raises:
        ArchiveError: it is damaged or of another form.
    """
    with tempfile.TemporaryDirectory(prefix="muniment-frontier-") as folder:
        try:
            db = _open_database(Path(folder) / "looked.sqlite", packed)
        except (zstandard.ZstdError, sqlite3.DatabaseError, ValueError) as error:
            raise ArchiveError(
                f"The frontier cannot be read: {error}.",
                next_step="Nothing is lost: the next run of the site rebuilds it; or now: muniment audit --repair",
            ) from error
        with closing(db):
            runs = {str(row["run"]) for row in db.execute("SELECT run FROM runs_applied")}
            yield runs, (_standing(row) for row in db.execute("SELECT * FROM articles ORDER BY article"))


def _upsert_url() -> str:
    groups = {
        "fetched_at": ("kind", "status", "moved_to", "listed", "fetched_at"),
        "seen_at": ("seen_at",),
        "article_at": ("article", "canonical", "published", "article_at"),
        "captured_at": _BODY_COLUMNS,
        "lastmod_at": ("lastmod", "lastmod_at"),
    }
    newest = [
        f"{name} = iif(excluded.{at} IS NOT NULL AND (urls.{at} IS NULL OR excluded.{at} >= urls.{at}), "
        f"excluded.{name}, urls.{name})"
        for at, names in groups.items()
        for name in names
    ]
    columns = [name for names in groups.values() for name in names]
    return (
        f"INSERT INTO urls (url, first_seen, linked_from, {', '.join(columns)}) "  # noqa: S608 - our names
        f"VALUES (:url, :fetched_at, :linked_from, {', '.join(':' + name for name in columns)}) "
        f"ON CONFLICT (url) DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), "
        f"linked_from = {_MERGED}, {', '.join(newest)}"
    )


_UPSERT_URL = _upsert_url()


def _key_of(table: str) -> str:
    return {"missing": "1, 2, 3", "tracks": "1, 2"}.get(table, "1")


def _fresh(folder: Path) -> Path:
    """A path in the folder that no file has yet."""
    return folder / f"{uuid4().hex}.sqlite"


def _connect(path: Path) -> sqlite3.Connection:
    # Nothing here outlives the process: the bucket's copy is the one that counts.
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.create_function("merge_pages", 2, merge_pages, deterministic=True)
    db.execute("PRAGMA journal_mode = MEMORY")
    db.execute("PRAGMA synchronous = OFF")
    return db


def _new_database(path: Path, site: str) -> sqlite3.Connection:
    db = _connect(path)
    db.execute("BEGIN")
    for table, columns in _TABLES.items():
        db.execute(f"CREATE TABLE {table} ({columns}) WITHOUT ROWID")
    db.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", str(SCHEMA)), ("site", site)])
    db.execute("CREATE INDEX urls_of_article ON urls (article)")
    db.execute("COMMIT")
    return db


def _open_database(path: Path, packed: bytes) -> sqlite3.Connection:
    """Unpack and open.

    Raises:
        zstandard.ZstdError, sqlite3.DatabaseError, ValueError: it is damaged or of another form.
    """
    with path.open("wb") as file, closing(zstandard.ZstdDecompressor().stream_reader(packed)) as reader:
        shutil.copyfileobj(reader, file, 1 << 20)
    db = _connect(path)
    try:
        schema = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if schema is None or schema["value"] != str(SCHEMA):
            raise ValueError(f"form {schema and schema['value']}, this code knows {SCHEMA}")
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise ValueError("SQLite finds it damaged")
    except BaseException:
        db.close()
        raise
    return db


def _to_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _to_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _to_warc_date(text: str | None) -> str | None:
    """As the WARC record's own date is written: without a fraction where it has none."""
    return None if text is None else text.replace(".000000Z", "Z")
