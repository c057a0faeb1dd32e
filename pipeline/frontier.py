"""What a site's frontier remembers: every known URL, its validators, its article, and when to look again.

The frontier saves work; it is not the truth. It lies in the bucket as one SQLite file, compressed, replaced
under If-Match, and can be lost at any time: it is then rebuilt from the versions and from the findings of the
published runs. A publisher that finds it stale must believe the versions.

``Frontier.open`` brings a copy to this machine; ``save`` applies what one run saw and writes it back, and
does so again on top of the other's work when somebody else was faster. Applying a run twice changes nothing,
and runs may be applied in any order: every fact is the newest capture's, whichever run came last. (One thing
is not remembered: a missing page whose article nobody had heard of yet.)

Not here: what a finding means for its article (``pipeline.lifecycle``).
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import zstandard
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.archive import Archive
from pipeline.errors import WriteConflict
from pipeline.lifecycle import Missing, Standing, is_due, is_live, standing_of
from pipeline.model import Finding, State, article_id
from pipeline.store import KeyMissing, Lost
from spiders.protocol import Known
from spiders.site import Site

log = logging.getLogger("muniment")

SCHEMA = 1
"""Form of the SQLite file; a file of another form is rebuilt."""

_TABLES = {
    "meta": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "runs_applied": "run TEXT PRIMARY KEY, at TEXT NOT NULL",
    # kind, status, fetched_at: of the newest capture. etag … digest: of the newest capture with a body that a
    # 304 may refer to. article: of the newest capture that was an article. seen_at: newest capture with a page.
    "urls": """
        url TEXT PRIMARY KEY, first_seen TEXT NOT NULL, fetched_at TEXT NOT NULL, seen_at TEXT,
        kind TEXT NOT NULL, status INTEGER NOT NULL, article TEXT, article_at TEXT,
        etag TEXT, last_modified TEXT, payload_digest TEXT, record_id TEXT, captured_at TEXT, digest TEXT,
        lastmod TEXT, lastmod_at TEXT""",
    # n: highest number in use. digest … title: of the current version. seen_at: newest live capture.
    "articles": """
        article TEXT PRIMARY KEY, n INTEGER NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
        captured_at TEXT NOT NULL, version_run TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, seen_at TEXT""",
    # 404 and 410 answers since the article was last seen live
    "missing": """
        article TEXT, run TEXT, url TEXT, at TEXT NOT NULL, status INTEGER NOT NULL,
        PRIMARY KEY (article, run, url)""",
}
_BODY_COLUMNS = ("etag", "last_modified", "payload_digest", "record_id", "captured_at", "digest")
_TRIES = 30
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


def note_sighting(finding: Finding) -> Sighting:
    """What of a finding is worth remembering."""
    evidence = finding.evidence
    at = _to_text(evidence.captured_at)
    page = is_live(finding) or finding.kind == "not-an-article"
    # A consent wall or an error page has validators too, but no later 304 must come to mean "the article is there".
    body = finding.kind in ("article", "not-an-article") and evidence.record_type == "response"
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
        digest=finding.article.digest if body and finding.article else None,
        # A date that moved stays news until a page was got for it.
        lastmod=finding.source_lastmod if page else None,
        lastmod_at=at if page and finding.source_lastmod else None,
    )


class Frontier:
    """A copy of a site's frontier on this machine; a context manager, because the copy is a file."""

    def __init__(self, archive: Archive, site: str) -> None:
        self._archive = archive
        self._site = site
        self._key = archive.frontier_key(site)
        self._folder = Path(tempfile.mkdtemp(prefix="muniment-frontier-"))
        self._etag: str | None = None
        self._db = _new_database(self._folder / "empty.sqlite", site)

    @classmethod
    def open(cls, archive: Archive, site: Site) -> Frontier:
        """Bring a site's frontier here; one that is missing or damaged is rebuilt first.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        frontier = cls(archive, site.id)
        try:
            frontier._load()
        except BaseException:
            frontier.close()
            raise
        return frontier

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

    def known(self, now: datetime, site: Site) -> Iterator[Known]:
        """Every known URL, in order, with whether it is due at ``now`` by the site's re-check ladder.

        Validators are given only where "not modified" would mean that the article's current version still
        stands: never for an article that went, nor for a page whose last body was something else.
        """
        for url, first_seen, fetched_at, lastmod, *body in self._db.execute(_SELECT_KNOWN):
            etag, last_modified, payload_digest, record_id, captured_at, _ = body
            yield Known(
                url=url,
                due=is_due(site.recheck, first_seen=_to_time(first_seen), fetched_at=_to_time(fetched_at), now=now),
                etag=etag,
                last_modified=last_modified,
                payload_digest=payload_digest,
                captured_at=_to_warc_date(captured_at),
                record_id=record_id,
                lastmod=lastmod,
            )

    def article_of(self, finding: Finding) -> str:
        """Id of the article that a finding is about: what the page said, else what its URL led to before, else
        the id that its URL would give."""
        if finding.article is not None:
            return finding.article.article
        return self._mapped(finding.requested, finding.final) or article_id(finding.requested)

    def article_at(self, url: str) -> str | None:
        """Id of the article that a canonical URL led to when it was last captured; None: to none."""
        return self._mapped(url)

    def standing(self, article: str) -> Standing | None:
        """What is remembered of an article's versions; may be stale."""
        row = self._db.execute("SELECT * FROM articles WHERE article = ?", (article,)).fetchone()
        if row is None:
            return None
        return Standing(
            article=article,
            n=row["n"],
            digest=row["digest"],
            state=State(row["state"]),
            captured_at=_to_time(row["captured_at"]),
            run=row["version_run"],
            url=row["url"],
            title=row["title"],
        )

    def missing(self, article: str) -> list[Missing]:
        """The 404 and 410 answers for an article's URLs since it was last seen live."""
        rows = self._db.execute("SELECT * FROM missing WHERE article = ? ORDER BY at, run, url", (article,))
        return [Missing(run=row["run"], url=row["url"], at=_to_time(row["at"]), status=row["status"]) for row in rows]

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

    def canonical_lives(self, finding: Finding) -> bool:
        """Whether a finding comes from an alias of an article whose canonical URL was live when last looked at."""
        if finding.article is None or finding.article.url in (finding.requested, finding.final):
            return False
        row = self._db.execute(
            "SELECT 1 FROM urls WHERE url = ? AND article = ? AND kind IN ('article', 'unchanged')",
            (finding.article.url, finding.article.article),
        ).fetchone()
        return row is not None

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

    def save(self, run: str, sightings: Sequence[Sighting], standings: Iterable[Standing]) -> None:
        """Apply what a run saw and write the frontier back, on top of whatever others wrote meanwhile.

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
                    self._apply(run, sightings, standings)
                    self._etag = self._archive.store.replace(
                        self._key, self._pack(), etag=self._etag, content_type="application/zstd"
                    )
        except RetryError as error:
            raise WriteConflict(f"{self._key} was replaced by others {_TRIES} times in a row; try again") from error

    def _apply(self, run: str, sightings: Sequence[Sighting], standings: Iterable[Standing]) -> None:
        db = self._db
        db.execute("BEGIN")
        db.execute("INSERT INTO runs_applied VALUES (?, ?)", (run, run.split("-", maxsplit=1)[0]))
        for standing in standings:
            self._apply_standing(standing)
        for sighting in sorted(sightings, key=lambda each: (each.fetched_at, each.record_id or "", each.url)):
            self._apply_sighting(run, sighting)
        db.execute("DELETE FROM missing WHERE at <= (SELECT seen_at FROM articles a WHERE a.article = missing.article)")
        db.execute("COMMIT")

    def _apply_standing(self, standing: Standing) -> None:
        newer = "(excluded.captured_at, excluded.n) > (captured_at, n)"
        current = ("digest", "state", "captured_at", "version_run", "url", "title")
        captured_at = _to_text(standing.captured_at)
        self._db.execute(
            f"""INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (article) DO UPDATE SET
                n = max(n, excluded.n),
                seen_at = max(coalesce(seen_at, excluded.seen_at), coalesce(excluded.seen_at, seen_at)),
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
                None if standing.state is State.GONE else captured_at,
            ),
        )

    def _apply_sighting(self, run: str, sighting: Sighting) -> None:
        self._db.execute(_UPSERT_URL, sighting.__dict__)
        article = self._mapped(sighting.url, sighting.final)
        if article is None:
            return
        if sighting.kind in ("article", "unchanged"):
            self._db.execute(
                "UPDATE articles SET seen_at = max(coalesce(seen_at, ?1), ?1) WHERE article = ?2",
                (sighting.fetched_at, sighting.article or article),
            )
        elif sighting.kind == "gone":
            self._db.execute(
                "INSERT OR IGNORE INTO missing SELECT article, ?, ?, ?, ? FROM articles WHERE article = ?",
                (run, sighting.url, sighting.fetched_at, sighting.status, article),
            )

    def _mapped(self, *urls: str) -> str | None:
        """The article that one of these URLs led to before."""
        for url in urls:
            row = self._db.execute("SELECT article FROM urls WHERE url = ? AND article IS NOT NULL", (url,)).fetchone()
            if row is not None:
                return str(row["article"])
        for url in urls:
            row = self._db.execute("SELECT article FROM articles WHERE article = ?", (article_id(url),)).fetchone()
            if row is not None:
                return str(row["article"])
        return None

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
        for article in self._archive.articles(self._site):
            standing = standing_of(self._archive.versions(self._site, article))
            if standing is not None:
                self._apply_standing(standing)
        self._db.execute("COMMIT")
        for run in sorted(self._archive.runs(self._site)):
            if self._archive.read_published(self._site, run) is not None:
                sightings = [note_sighting(finding) for finding in self._archive.read_findings(self._site, run)]
                self._apply(run, sightings, ())

    def _use(self, db: sqlite3.Connection) -> None:
        self._db.close()
        self._db = db

    def _pack(self) -> bytes:
        """The file for the bucket: rows in order of key in a fresh database, so that equal content is equal bytes."""
        path = _fresh(self._folder)
        _new_database(path, self._site).close()
        self._db.execute("ATTACH ? AS packed", (str(path),))
        self._db.execute("BEGIN")
        for table in _TABLES:
            rows = f"SELECT * FROM main.{table} ORDER BY {_key_of(table)}"  # noqa: S608 - our names
            self._db.execute(f"INSERT OR REPLACE INTO packed.{table} {rows}")
        self._db.execute("COMMIT")
        self._db.execute("DETACH packed")
        with path.open("rb") as file:
            packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(file.read())
        path.unlink()
        return packed


_STANDS = "u.article IS NULL OR (u.digest = a.digest AND a.state <> 'gone')"
_BODY_IF_IT_STANDS = ", ".join(f"iif({_STANDS}, u.{name}, NULL)" for name in _BODY_COLUMNS)
_SELECT_KNOWN = f"""
    SELECT u.url, u.first_seen, u.fetched_at, u.lastmod, {_BODY_IF_IT_STANDS}
    FROM urls u LEFT JOIN articles a ON a.article = u.article ORDER BY u.url"""  # noqa: S608 - our names


def _upsert_url() -> str:
    groups = {
        "fetched_at": ("kind", "status", "fetched_at"),
        "seen_at": ("seen_at",),
        "article_at": ("article", "article_at"),
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
        f"INSERT INTO urls (url, first_seen, {', '.join(columns)}) "  # noqa: S608 - our names
        f"VALUES (:url, :fetched_at, {', '.join(':' + name for name in columns)}) "
        f"ON CONFLICT (url) DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), {', '.join(newest)}"
    )


_UPSERT_URL = _upsert_url()


def _key_of(table: str) -> str:
    return "1, 2, 3" if table == "missing" else "1"


def _fresh(folder: Path) -> Path:
    """A path in the folder that no file has yet."""
    return folder / f"{uuid4().hex}.sqlite"


def _connect(path: Path) -> sqlite3.Connection:
    # Nothing here outlives the process: the bucket's copy is the one that counts.
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
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
