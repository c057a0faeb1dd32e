"""Searching for versions: by address first, where an address is given, else by headline, date and site.

An address leads to one article by its digest, so that no table is read where a site owns the address; one that was
redirected is found by the memory of that site. Everything else is asked of the headlines in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.errors import NotInArchive
from pipeline.model import SITE_ID, article_id
from pipeline.store import NotAllowed
from pipeline.web.headlines import Found, Hit
from spiders.site import Site
from spiders.urls import canonical_url

if TYPE_CHECKING:
    from pipeline.web.shelf import Shelf

SHOWN: Final = 50
_VERSIONS: Final = 10  # of an article that is found by its address, whose page has all; they are read whole
MOST_MEMORY: Final = 8 * 1024 * 1024
"""Bytes of a site's packed frontier that is fetched to see where an address led; a larger one is asked by
``muniment show`` only."""
_ID: Final = 20
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is looked for; empty: no matter."""

    text: str = ""
    site: str = ""
    since: datetime | None = None
    until: datetime | None = None  # the moment behind the last day

    @property
    def address(self) -> bool:
        """Whether the text is an address or the id of an article."""
        return "://" in self.text or (len(self.text) == _ID and set(self.text.lower()) <= _HEX)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was found."""

    found: Found
    by_address: bool = False


def read_asked(given: Mapping[str, str]) -> Asked:
    """What a form asks for.

    Raises:
        ValueError: a date or site that is none; the message says which.
    """
    moments: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        try:
            day = date.fromisoformat(given[name]) if given[name] else None
        except ValueError:
            raise ValueError(f"The date “{given[name]}” is none: write 2026-11-22.") from None
        moments[name] = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    if given["site"] and not SITE_ID.fullmatch(given["site"]):
        raise ValueError("There is no such site.")
    until = moments["until"]
    if until is not None and until.year < 9999:
        until += timedelta(days=1)
    return Asked(text=given["text"], site=given["site"], since=moments["since"], until=until)


def search(shelf: Shelf, asked: Asked, visible: set[str], sites: Iterable[Site]) -> Answer:
    """What the archive has of what is asked for, of sites that may be seen."""
    if asked.address:
        return Answer(found=_find_article(shelf, asked, visible, sites), by_address=True)
    wanted = [asked.site] if asked.site else sorted(visible)
    found = shelf.headlines.search(
        asked.text,
        sites=[site for site in wanted if site in visible],
        since=asked.since,
        until=asked.until,
        most=SHOWN,
    )
    return Answer(found=found)


def _find_article(shelf: Shelf, asked: Asked, visible: set[str], sites: Iterable[Site]) -> Found:
    place, reading = _find_place(shelf, asked.text, [site for site in sites if site.id in visible])
    if place is None or place[0] not in visible or asked.site not in ("", place[0]):
        return Found(hits=(), count=0, searched=0, versions=0, reading=reading)
    site, article = place
    count = shelf.archive.latest_number(site, article)
    versions = shelf.versions(site, article, range(max(1, count - _VERSIONS + 1), count + 1))
    hits = [
        Hit(
            site=site,
            article=article,
            n=version.n,
            title=version.title,
            change=version.change.value,
            state=version.state.value,
            captured_at=version.captured_at,
        )
        for version in versions
        if (asked.since is None or version.captured_at >= asked.since)
        and (asked.until is None or version.captured_at < asked.until)
    ]
    hits.sort(key=lambda hit: (hit.captured_at, hit.n), reverse=True)
    return Found(hits=tuple(hits), count=len(hits), searched=len(versions), versions=count, reading=False)


def _find_place(shelf: Shelf, text: str, sites: Sequence[Site]) -> tuple[tuple[str, str] | None, bool]:
    """Site and id of the article at an address, or of an id, and whether it may be found in a moment if there is none.

    The sites that own an address are asked first, each with one question; then the headlines, as far as they are read.
    """
    from pipeline.reader import article_of  # noqa: PLC0415 - heavy

    try:
        article = text.lower() if "://" not in text else article_id(canonical_url(text))
    except ValueError:
        return None, False
    owners = [site for site in sites if "://" in text and site.owns(text)]
    owner = next((site for site in owners if shelf.archive.has_version(site.id, article, 1)), None)
    if owner is not None:
        return (owner.id, article), False
    found, complete = shelf.headlines.find_sites(article)
    if found:
        return (found[0], article), False
    remembering = [site for site in owners if _remembers(shelf, site.id)]
    try:
        if remembering:  # that the address led elsewhere
            site, article = article_of(shelf.archive, remembering, text)
            return (site.id, article), False
    except NotInArchive:
        pass
    return None, not complete


def _remembers(shelf: Shelf, site: str) -> bool:
    """Whether a site's frontier is there, and small enough to be asked for a page; a missing one would be rebuilt."""
    archive = shelf.archive
    try:
        there = archive.store.head(archive.frontier_key(site))
    except NotAllowed:
        return False
    return there is not None and there.size <= MOST_MEMORY
