"""Reading the archive: for the command line, for DAGs that follow a run, and for notebooks.

``Archive`` is the whole of it for downstream users:

    from pipeline.reader import Archive

    archive = Archive("s3://muniment")
    for batch in archive.articles(site="example-news", since=monday, columns=["url", "title"]): ...

It reads what the contract in ``pipeline.archive`` promises and nothing else, so anything done here can be done
with plain S3 as well (docs/downstream.md shows both). It writes nothing. The table's library is loaded only by
what reads the table. The functions below the class are the command line's, which has the bucket open and knows the
sites' files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline.archive import Archive as Bucket
from pipeline.archive import open_for_reading
from pipeline.edits import count_words_changed
from pipeline.errors import NotInArchive, SettingsError
from pipeline.lifecycle import current_version
from pipeline.model import State, Version, article_id
from pipeline.settings import read_settings
from pipeline.store import NotAllowed
from spiders.site import Site
from spiders.urls import canonical_url

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

    from pipeline.feed import Batch
    from pipeline.rows import Rows
    from spiders.warc import Captured

_THREADS = 16
_BUCKET_URL = re.compile(r"s3a?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?")
_ARTICLE_ID = re.compile(r"[0-9a-f]{20}")


class Archive:
    """An archive in a bucket, for whoever reads it. Needs ``s3:GetObject`` and ``s3:ListBucket``, and no site files.

    Args:
        url: ``s3://bucket``; None: the bucket of MUNIMENT_BUCKET. Endpoint and credentials are found where boto3
            looks for them: AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE …

    Raises:
        SettingsError: the address is none of a bucket.
        NotInArchive: there is no archive in the bucket.
    """

    def __init__(self, url: str | None = None) -> None:
        settings = read_settings()
        if url is not None:
            found = _BUCKET_URL.fullmatch(url)
            if found is None:
                raise SettingsError(f"{url!r} is not the address of a bucket.", next_step="Give it as s3://bucket")
            settings = settings.model_copy(update={"bucket": found["bucket"], "tables_bucket": None})
        self._bucket = open_for_reading(settings)

    # --- the table

    def articles(
        self,
        *,
        site: str | Sequence[str] | None = None,
        run: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        current: bool = False,
        columns: Sequence[str] | None = None,
    ) -> Rows:
        """Rows of the table, one for each version; see ``Rows`` for what can be done with them.

        Args:
            site: of this one, or of these.
            run: made by this run.
            since: captured at this moment or later; with a zone.
            until: captured before this moment; with a zone.
            current: only the version of each article that stands: the newest by ``(captured_at, n)``; of those, the
                ones that fit the other conditions.
            columns: those needed, in this order; ``text`` is by far the largest.

        Raises:
            ArchiveError: there is no such column.
            ValueError: a time has no zone.
        """
        from pipeline.rows import select_rows  # noqa: PLC0415 - heavy

        sites = [site] if isinstance(site, str) else site
        return select_rows(
            self._bucket, sites=sites, run=run, since=since, until=until, current=current, columns=columns
        )

    def changes(
        self,
        since_commit: str | int | None = None,
        *,
        site: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[Batch]:
        """What the table got since a cursor, in batches of one commit each; ends at the newest commit.

        Deal with a batch, store its ``cursor``, and give the last one back next time: each row is told once, and
        again when it is replaced (``kind`` "replaced": a takedown made it ``redacted``, or it was reinstated).

        Args:
            since_commit: a batch's cursor, or the number of a commit; None: begin with every row that stands.
            site: of this one only.
            columns: those needed.

        Raises:
            NotInArchive: the cursor is older than the table's log; the message says how to go on.
            ArchiveError: that is no cursor of this table.
            StoreUnavailable: the table was rewritten while it was read: go on from the last cursor.
        """
        from pipeline.feed import follow  # noqa: PLC0415 - heavy

        return follow(self._bucket, since_commit, site=site, columns=columns)

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Rows:
        """What DuckDB answers; it streams. ``articles`` has all versions, ``current`` the one of each that stands.

        The query must be trusted as a program is: DuckDB's SQL reads and writes files and asks the network with the
        rights of this process. Values from elsewhere go into ``parameters``.

        Raises:
            SettingsError: DuckDB is not installed (extra ``sql``).
            ArchiveError: (as it is iterated) DuckDB refuses the query.
        """
        from pipeline.rows import query_rows  # noqa: PLC0415 - heavy

        return query_rows(self._bucket, query, parameters)

    # --- documents and evidence

    def version(self, article: str, n: int | None = None) -> Version:
        """A version's document with all that the table leaves out.

        Args:
            article: its id, or a URL that led to it.
            n: its number; None: the version that stands.

        Raises:
            NotInArchive: there is none.
        """
        site, found = self._find(article)
        if n is not None:
            return self._bucket.version(site, found, n)
        return current(self._bucket.versions(site, found))

    def history(self, article: str) -> list[Version]:
        """All versions of an article, as time went by: by capture, then by number.

        Args:
            article: its id, or a URL that led to it.

        Raises:
            NotInArchive: there is none.
        """
        site, found = self._find(article)
        return sorted(self._bucket.versions(site, found), key=lambda version: (version.captured_at, version.n))

    def run(self, site: str, run: str) -> Iterator[Version]:
        """Exactly the versions that a published run made, a few in memory at a time.

        Raises:
            NotInArchive: the run is not published.
        """
        return iter_run_versions(self._bucket, site, run)

    def capture(self, version: Version) -> Captured:
        """The answer that a version was made of.

        It has ``status``, ``headers``, the ``payload`` as received, and ``body(limit)``: the payload decoded.

        Raises:
            NotInArchive: a takedown has taken it away.
            ArchiveError: its record is damaged.
        """
        from pipeline.evidence import read_capture  # noqa: PLC0415 - as it is needed

        if version.state is State.REDACTED:
            raise NotInArchive(
                f"Version {version.n} of {version.url} has been taken down, and its capture with it.",
                next_step="The publisher of this archive can say why: `muniment takedown` has the order.",
            )
        return read_capture(self._bucket, version)

    def _find(self, article: str) -> tuple[str, str]:
        """Site and id of an article, by the bucket alone: its id, its canonical URL, or one that the table has."""
        try:
            return find(self._bucket, (), article)
        except NotInArchive:
            rows = [] if _ARTICLE_ID.fullmatch(article.strip().lower()) else self._rows_at(article)
            if not rows:
                raise
            newest = max(rows, key=lambda row: (row["captured_at"], row["n"]))
            return newest["site"], newest["article"]

    def _rows_at(self, url: str) -> list[dict[str, Any]]:
        """Rows of versions that were requested at a URL or answered by it."""
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy

        try:
            url = canonical_url(url)
        except ValueError:
            return []
        found: list[dict[str, Any]] = []
        for batch in self.articles(columns=["site", "article", "n", "captured_at", "requested_url", "final_url"]):
            led = pc.or_(pc.equal(batch["requested_url"], url), pc.equal(batch["final_url"], url))
            found += batch.filter(led).to_pylist()
        return found


def article_of(archive: Bucket, sites: Iterable[Site], url: str) -> tuple[Site, str]:
    """The site and the id of the article at a URL: its canonical one, or one that led to it.

    Raises:
        NotInArchive: no site has an article there; the message says what was looked for.
    """
    from pipeline.frontier import Frontier  # noqa: PLC0415 - only for URLs that led elsewhere

    try:
        canonical = canonical_url(url)
    except ValueError as error:
        raise NotInArchive(f"{url!r} is not a URL.", next_step="Give the article's web address.") from error
    sites = tuple(sites)
    likely = [site for site in sites if site.owns(canonical)] or list(sites)
    for site in likely:
        if archive.has_version(site.id, article_id(canonical), 1):
            return site, article_id(canonical)
    for site in likely:
        try:
            with Frontier.open(archive, site) as frontier:
                article = frontier.article_at(canonical)
        except NotAllowed:  # a reader's key: the table knows most of such addresses
            continue
        if article is not None and archive.has_version(site.id, article, 1):
            return site, article
    names = ", ".join(site.id for site in likely)
    raise NotInArchive(
        f"{canonical} is not an article in the archive (looked in: {names or 'no site'}).",
        next_step="`muniment sites list` shows which sites are watched; `muniment run SITE` looks for new articles.",
    )


def find(archive: Bucket, sites: Iterable[Site], url_or_id: str) -> tuple[str, str]:
    """Ids of the site and of the article that a URL or an article's id (20 hexadecimal digits) names.

    Articles of sites that have no site file any more are found as well, by their id or canonical URL.

    Raises:
        NotInArchive: there is none; the message says what was looked for.
    """
    wanted = url_or_id.strip()
    if _ARTICLE_ID.fullmatch(wanted.lower()):
        missing = NotInArchive(
            f"No site has an article {wanted} in the archive.",
            next_step="`muniment changes --json` tells articles' ids; a URL of the article does as well.",
        )
        return _find_by_id(archive, wanted.lower(), missing)
    try:
        site, article = article_of(archive, sites, wanted)
    except NotInArchive as missing:
        try:
            article = article_id(canonical_url(wanted))
        except ValueError:
            raise missing from None
        return _find_by_id(archive, article, missing)
    return site.id, article


def _find_by_id(archive: Bucket, article: str, missing: NotInArchive) -> tuple[str, str]:
    sites = archive.sites()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="find") as pool:
        there = pool.map(lambda site: archive.has_version(site, article, 1), sites)
    found = [site for site, has in zip(sites, there, strict=True) if has]
    if not found:
        raise missing
    return found[0], article


def find_article(archive: Bucket, sites: Iterable[Site], url: str) -> list[Version]:
    """All versions of the article at a URL, in order of number.

    Raises:
        NotInArchive: there is none.
    """
    site, article = article_of(archive, sites, url)
    return archive.versions(site.id, article)


def history(archive: Bucket, sites: Iterable[Site], url: str) -> list[Version]:
    """All versions of the article at a URL, as time went by: by capture, then by number."""
    return sorted(find_article(archive, sites, url), key=lambda version: (version.captured_at, version.n))


def ended_in(archive: Bucket, site: Site, article: str) -> list[tuple[str, str]]:
    """Articles that ended in this one because it was found at their new address: id and last URL of each."""
    from pipeline.frontier import Frontier  # noqa: PLC0415 - only here and for URLs that led elsewhere

    try:
        with Frontier.open(archive, site) as frontier:
            return frontier.ended_in(article)
    except NotAllowed:  # a reader's key: what is published says all that readers need
        return []


def current(versions: Sequence[Version]) -> Version:
    """The version that stands: the newest by capture, then by number.

    Raises:
        NotInArchive: there are no versions.
    """
    newest = current_version(versions)
    if newest is None:
        raise NotInArchive("There is no version.", next_step="Ask for an article that is in the archive.")
    return newest


def stood_at(versions: Iterable[Version], moment: datetime) -> Version:
    """The version that stood at a moment, as a Memento TimeGate (RFC 7089) chooses: the latest captured by then.

    The RFC leaves the choice within the range to the archive, and asks for the first version before it and for the last
    one behind it. A version says what its article was until the next one, so the nearest in the past it is, never one
    that was captured later. Times are compared by the second, as Memento-Datetime tells them.

    Raises:
        NotInArchive: there are no versions.
    """
    versions = tuple(versions)
    by_then = [version for version in versions if version.captured_at.replace(microsecond=0) <= moment]
    if by_then or not versions:
        return current(by_then)
    return min(versions, key=lambda version: (version.captured_at, version.n))


def run_versions(archive: Bucket, site: str, run: str) -> list[Version]:
    """Exactly the versions that a published run made, in order of key.

    Raises:
        NotInArchive: the run is not published.
    """
    return list(iter_run_versions(archive, site, run))


def iter_run_versions(archive: Bucket, site: str, run: str) -> Iterator[Version]:
    """As ``run_versions``, a few at a time, for runs of any size."""
    published = archive.read_published(site, run)
    if published is None:
        raise NotInArchive(
            f"Run {run} of {site} is not published.", next_step=f"`muniment status {site}` shows its runs."
        )
    keys = iter(published.made)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
        while batch := list(islice(keys, 4 * _THREADS)):
            yield from pool.map(archive.read_version, batch)


def table(archive: Bucket) -> ds.Dataset:
    """The table as a pyarrow dataset: lazy; DuckDB, Polars and pandas read it with their own filters."""
    from pipeline.table import dataset  # noqa: PLC0415 - heavy

    return dataset(archive)


def to_arrow(
    archive: Bucket,
    *,
    site: str | None = None,
    run: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """The table's rows that are asked for, in memory; name the columns where the text is not needed.

    Args:
        since: captured at this moment or later; with a zone.
        until: captured before this moment; with a zone.
    """
    from pipeline.rows import select_rows  # noqa: PLC0415 - heavy

    sites = None if site is None else [site]
    return select_rows(archive, sites=sites, run=run, since=since, until=until, columns=columns).to_arrow()


def count_word_changes(older: Version | None, newer: Version) -> tuple[int, int]:
    """How many words of headline and text were added and removed between two versions.

    Args:
        older: None: all words of ``newer`` are new.
    """
    return count_words_changed("" if older is None else f"{older.title}\n{older.text}", f"{newer.title}\n{newer.text}")
