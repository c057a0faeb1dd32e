"""What the API server's process keeps of the archive between two requests, and how it learns that it is stale.

Nothing here is truth, and nothing outlives the process: how sites stand (in short, by the ETag of each health
document, so that one listing of the bucket tells which to read again), the outlines of versions on a timeline (by ETag
as well, so that a takedown is seen at once), the facts of the site files (by time of change), and the headlines
(``pipeline.web.headlines``). What a page shows of a site, a run or a version's text is read of the archive itself.

Four hundred health documents take two seconds of CPU to read. So a thread of its own reads them, a page waits for it
a moment only, and is told what is known by then, and of when that is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from pipeline.archive import Archive, open_for_reading
from pipeline.errors import ArchiveError, MunimentError
from pipeline.health import list_health, read_health
from pipeline.model import Version
from pipeline.settings import Settings
from pipeline.web.connection import find_settings
from pipeline.web.headlines import Headlines
from pipeline.web.overview import SiteFacts, Standing, summarise
from spiders.families import Families
from spiders.problem import Problem
from spiders.site import BUILTIN_FOLDER, Site, SiteError, find_site_files, load_site

log = logging.getLogger("muniment")

LISTED_FOR: Final = 3.0
"""Seconds for which a listing of how sites stand holds, and one of the site files: of 400 they cost 60 and 22 ms of
CPU."""
PATIENCE: Final = 0.1
"""Seconds that a page waits for documents that are read again; then it is told what is known."""
MOST_OUTLINES: Final = 4000
_THREADS: Final = 16

_Asked = TypeVar("_Asked")
_Told = TypeVar("_Told")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    etag: str
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How sites stand, as far as it is known at a moment."""

    standings: tuple[Standing, ...]  # by id, of every site that ever ran and was read
    sites: frozenset[str]  # that ever ran
    at: datetime | None  # when all was read; None: it has never been
    waiting: bool  # some of it is being read (again)
    trouble: str = ""  # why that ended the last time; "": it did not

    @property
    def unread(self) -> frozenset[str]:
        """Sites that ran, and of which nothing is known yet."""
        return self.sites - {standing.site for standing in self.standings}

    def of(self, sites: Collection[str]) -> Look:
        """The same of some sites only."""
        return Look(
            standings=tuple(standing for standing in self.standings if standing.site in sites),
            sites=self.sites.intersection(sites),
            at=self.at,
            waiting=self.waiting,
            trouble=self.trouble,
        )


class Shelf:
    """One archive, as the pages read it; may be used by many threads.

    Args:
        settings: where the archive is, and the site files.
        archive: how it is opened; asked again until it can be.
        listed_for: seconds for which a listing of how sites stand holds, and one of the site files.
        patience: seconds to wait for documents that are read again.
    """

    def __init__(
        self,
        settings: Settings,
        archive: Callable[[], Archive] | None = None,
        *,
        listed_for: float = LISTED_FOR,
        patience: float = PATIENCE,
    ) -> None:
        self.settings = settings
        self._open = archive or (lambda: open_for_reading(settings, hurried=True))
        self._opening = threading.Lock()
        self._archive: Archive | None = None
        self._kept: dict[str, _Kept] = {}
        self._listed: frozenset[str] | None = None
        self._waiting = 0
        self._read_at: datetime | None = None
        self._trouble: MunimentError | None = None
        self._looking = threading.Lock()
        self._refresh: Future[None] | None = None
        self._listing = threading.Event()  # set while there is nothing to wait for before something can be told
        self._refresher = ThreadPoolExecutor(1, thread_name_prefix="archive standings")
        self._listed_for = listed_for
        self._patience = patience
        self._listed_at: float | None = None
        self._orders = 0  # how often a fresh look was asked for
        self._outlines: OrderedDict[tuple[str, str, int, str], Version] = OrderedDict()
        self._outlining = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="archive")
        self._files: dict[Path, tuple[float, Site]] = {}
        self._found: dict[str, Site] = {}
        self._facts: dict[str, SiteFacts] = {}
        self._found_at: float | None = None
        self._reading_files = threading.Lock()

    @property
    def archive(self) -> Archive:
        """The archive.

        Raises:
            NotInArchive, StoreRefused, StoreUnavailable, ArchiveError: it cannot be opened now.
        """
        with self._opening:
            if self._archive is None:
                self._archive = self._open()
            return self._archive

    def open_patiently(self) -> Archive:
        """The archive once more, for what takes its time and must not end half-way: nobody waits but who ordered it."""
        return open_for_reading(self.settings)

    def now(self) -> datetime:
        """The time at which runs take place."""
        return self.settings.now()

    # --- how sites stand

    def look(self) -> Look:
        """How every site stands that ever ran; a document is read again where its ETag says so.

        Waits for the first listing of all, and otherwise a moment: what is not read by then is told as it was.

        Raises:
            NotInArchive, StoreRefused, StoreUnavailable: nothing is known yet, and the archive cannot be read now.
        """
        with self._looking:
            held = self._listed_at is not None and time.monotonic() - self._listed_at < self._listed_for
            if self._refresh is None or self._refresh.done():
                if held:
                    return self._tell()
                if self._listed is None:
                    self._listing.clear()
                self._refresh = self._refresher.submit(self._read_again)
            under_way = self._refresh
        self._listing.wait()
        wait([under_way], timeout=self._patience)
        if under_way.done() and (error := under_way.exception()) is not None:
            raise error
        with self._looking:
            if self._listed is None and self._trouble is not None:
                raise self._trouble
            return self._tell()

    def look_again(self) -> None:
        """Let the next look at how sites stand be a fresh one: something was done to a site."""
        with self._looking:
            self._orders += 1
            self._listed_at = None

    def _tell(self) -> Look:
        return Look(
            standings=tuple(self._kept[site].standing for site in sorted(self._kept)),
            sites=self._listed or frozenset(),
            at=self._read_at,
            waiting=self._waiting > 0,
            trouble=str(self._trouble).partition("\n")[0] if self._trouble else "",
        )

    def _read_again(self) -> None:
        try:
            self._read_what_changed()
        except MunimentError as error:
            with self._looking:
                self._trouble, self._waiting = error, 0
                self._listed_at = None
            log.warning("how sites stand could not be read: %s", error)
        finally:
            self._listing.set()

    def _read_what_changed(self) -> None:
        began, orders, now = time.monotonic(), self._orders, self.now()
        archive = self.archive
        listed = list_health(archive)
        with self._looking:
            self._listed = frozenset(listed)
            for site in self._kept.keys() - listed.keys():
                del self._kept[site]
            stale = [site for site, etag in listed.items() if site not in self._kept or self._kept[site].etag != etag]
            self._waiting = len(stale)
        self._listing.set()
        for site in stale:  # one after the other: whoever else computes here keeps the pages waiting
            standing = self._read(site)
            with self._looking:
                self._waiting -= 1
                if standing is not None:
                    self._kept[site] = _Kept(etag=listed[site], standing=standing)
        with self._looking:
            self._read_at, self._trouble = now, None
            if orders == self._orders:
                self._listed_at = began

    def _read(self, site: str) -> Standing | None:
        try:
            health = read_health(self.archive, site)
        except ArchiveError as error:  # a damaged one is rebuilt by the site's next run
            log.warning("%s", error.message)
            return Standing(site=site, damaged=True)
        return summarise(health) if health else None

    # --- site files

    def sites(self) -> dict[str, Site]:
        """The sites of the files that can be read here, by id; a file is read again when it has changed."""
        self._look_at_files()
        return self._found

    def facts(self) -> dict[str, SiteFacts]:
        """What the overview says of the sites that have a file."""
        self._look_at_files()
        return self._facts

    def _look_at_files(self) -> None:
        with self._reading_files:
            began = time.monotonic()
            if self._found_at is None or began - self._found_at >= self._listed_for:
                self._found = self._read_files()
                self._facts = {site.id: _facts_of(site) for site in self._found.values()}
                self._found_at = began

    def _read_files(self) -> dict[str, Site]:
        settings = self.settings
        folders = ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)
        problems: list[Problem] = []
        families: Families | None = None
        found: dict[str, Site] = {}
        files: dict[Path, tuple[float, Site]] = {}
        for path in find_site_files(folders, setting="MUNIMENT_SITES", problems=problems):
            try:
                changed = path.stat().st_mtime
                known = self._files.get(path)
                if known is None or known[0] != changed:
                    families = families or Families(folders=settings.sites)
                    known = (changed, load_site(path, families=families))
            except (OSError, SiteError):  # ``muniment sites check`` and the DAG processor tell
                continue
            files[path] = known
            found.setdefault(known[1].id, known[1])
        self._files = files
        return found

    # --- versions

    def versions(self, site: str, article: str, numbers: Sequence[int]) -> list[Version]:
        """Versions of an article, read side by side.

        Raises:
            KeyMissing: there is none of that number.
        """
        archive = self.archive
        return self.together(lambda n: archive.version(site, article, n), numbers)

    def outlines(self, site: str, article: str, etags: Mapping[int, str]) -> list[Version]:
        """Versions as a timeline shows them, in the order of their numbers: without their text.

        Of headline and text one letter stands, so that those that have one can be told from those that have none.

        Args:
            etags: of those that are wanted, as ``Archive.version_etags`` gives them.
        """
        wanted = {n: (site, article, n, etags[n]) for n in sorted(etags)}
        with self._outlining:
            known = {n: self._outlines[key] for n, key in wanted.items() if key in self._outlines}
            for n in known:
                self._outlines.move_to_end(wanted[n])
        missing = [n for n in wanted if n not in known]
        read = {version.n: _outline(version) for version in self.versions(site, article, missing)}
        with self._outlining:
            self._outlines |= {wanted[n]: version for n, version in read.items()}
            while len(self._outlines) > MOST_OUTLINES:
                self._outlines.popitem(last=False)
        return [known.get(n) or read[n] for n in wanted]

    def together(self, read: Callable[[_Asked], _Told], what: Sequence[_Asked]) -> list[_Told]:
        """Read several things of the store at once, in their order."""
        if len(what) < 2:
            return [read(each) for each in what]
        return list(self._pool.map(read, what))

    @cached_property
    def headlines(self) -> Headlines:
        """The headlines of all versions, to search in."""
        return Headlines(self.archive)


def _facts_of(site: Site) -> SiteFacts:
    return SiteFacts(
        site=site.id,
        name=site.name,
        kind=site.kind,
        family=site.family or "",
        region=site.region or "",
        home=site.home,
        schedule=site.schedule,
    )


_TOLD: Final = frozenset({"state", "change", "captured_at", "n", "edit", "words"})
_UNTOLD: Final = {
    name: field.get_default(call_default_factory=True)
    for name, field in Version.model_fields.items()
    if name not in _TOLD and not field.is_required()
}


def _outline(version: Version) -> Version:
    return version.model_copy(update={**_UNTOLD, "title": version.title[:1], "text": version.text[:1]})


def open_shelf() -> Shelf:
    """The shelf of the archive that Airflow's connection names, or else the environment."""
    return Shelf(find_settings())
