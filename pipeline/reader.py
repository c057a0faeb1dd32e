"""Reading the archive: for the command line, for DAGs that follow a run, and for notebooks.

It reads what the contract in ``pipeline.archive`` promises and nothing else, so anything done here can be done
with plain S3 as well (docs/downstream.md shows both). It writes nothing. The table's library is loaded only by
what reads the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.archive import Archive
from pipeline.edits import count_words_changed
from pipeline.errors import NotInArchive
from pipeline.lifecycle import current_version
from pipeline.model import Version, article_id
from spiders.site import Site
from spiders.urls import canonical_url

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

_THREADS = 16
_ARTICLE_ID = re.compile(r"[0-9a-f]{20}")


def article_of(archive: Archive, sites: Iterable[Site], url: str) -> tuple[Site, str]:
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
        with Frontier.open(archive, site) as frontier:
            article = frontier.article_at(canonical)
        if article is not None and archive.has_version(site.id, article, 1):
            return site, article
    names = ", ".join(site.id for site in likely)
    raise NotInArchive(
        f"{canonical} is not an article in the archive (looked in: {names or 'no site'}).",
        next_step="`muniment sites list` shows which sites are watched; `muniment run SITE` looks for new articles.",
    )


def find(archive: Archive, sites: Iterable[Site], url_or_id: str) -> tuple[str, str]:
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


def _find_by_id(archive: Archive, article: str, missing: NotInArchive) -> tuple[str, str]:
    sites = archive.sites()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="find") as pool:
        there = pool.map(lambda site: archive.has_version(site, article, 1), sites)
    found = [site for site, has in zip(sites, there, strict=True) if has]
    if not found:
        raise missing
    return found[0], article


def find_article(archive: Archive, sites: Iterable[Site], url: str) -> list[Version]:
    """All versions of the article at a URL, in order of number.

    Raises:
        NotInArchive: there is none.
    """
    site, article = article_of(archive, sites, url)
    return archive.versions(site.id, article)


def history(archive: Archive, sites: Iterable[Site], url: str) -> list[Version]:
    """All versions of the article at a URL, as time went by: by capture, then by number."""
    return sorted(find_article(archive, sites, url), key=lambda version: (version.captured_at, version.n))


def ended_in(archive: Archive, site: Site, article: str) -> list[tuple[str, str]]:
    """Articles that ended in this one because it was found at their new address: id and last URL of each."""
    from pipeline.frontier import Frontier  # noqa: PLC0415 - only here and for URLs that led elsewhere

    with Frontier.open(archive, site) as frontier:
        return frontier.ended_in(article)


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


def run_versions(archive: Archive, site: str, run: str) -> list[Version]:
    """Exactly the versions that a published run made, in order of key.

    Raises:
        NotInArchive: the run is not published.
    """
    return list(iter_run_versions(archive, site, run))


def iter_run_versions(archive: Archive, site: str, run: str) -> Iterator[Version]:
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


def table(archive: Archive) -> ds.Dataset:
    """The table as a pyarrow dataset: lazy; DuckDB, Polars and pandas read it with their own filters."""
    from pipeline.table import dataset  # noqa: PLC0415 - heavy

    return dataset(archive)


def to_arrow(
    archive: Archive,
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
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy

    conditions = [ds.field(name) == value for name, value in (("site", site), ("run", run)) if value is not None]
    if since is not None:
        conditions.append(ds.field("captured_at") >= since)
    if until is not None:
        conditions.append(ds.field("captured_at") < until)
    wanted = None
    for condition in conditions:
        wanted = condition if wanted is None else wanted & condition
    return table(archive).to_table(columns=None if columns is None else list(columns), filter=wanted)


def count_word_changes(older: Version | None, newer: Version) -> tuple[int, int]:
    """How many words of headline and text were added and removed between two versions.

    Args:
        older: None: all words of ``newer`` are new.
    """
    return count_words_changed("" if older is None else f"{older.title}\n{older.text}", f"{newer.title}\n{newer.text}")
