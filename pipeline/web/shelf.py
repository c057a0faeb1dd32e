"""What the API server's process keeps of the archive between two requests, and how it learns that it is stale.

Nothing here is truth, and nothing outlives the process: how sites stand (in short, by the ETag of each health
document, so that one listing of the bucket tells which to read again), the outlines of versions on a timeline (by ETag
as well, so that a takedown is seen at once), the facts of the site files (by time of change), and the headlines
(``pipeline.web.headlines``). What a page shows of a site, a run or a version's text is read of the archive itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from pipeline.archive import Archive, open_for_reading
from pipeline.errors import ArchiveError
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
"""Seconds for which a listing of how sites stand holds; a listing of 400 costs 60 ms of CPU."""
MOST_OUTLINES: Final = 4000
_THREADS: Final = 16

_Asked = TypeVar("_Asked")
_Told = TypeVar("_Told")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    etag: str
    standing: Standing


class Shelf:
    """One archive, as the pages read it; may be used by many threads.

    Args:
        settings: where the archive is, and the site files.
        archive: how it is opened; asked again until it can be.
        listed_for: seconds for which a listing of how sites stand holds.
    """

    def __init__(
        self, settings: Settings, archive: Callable[[], Archive] | None = None, *, listed_for: float = LISTED_FOR
    ) -> None:
        self.settings = settings
        self._open = archive or (lambda: open_for_reading(settings, hurried=True))
        self._opening = threading.Lock()
        self._archive: Archive | None = None
        self._kept: dict[str, _Kept] = {}
        self._refreshing = threading.Lock()
        self._listed_for = listed_for
        self._listed_at: float | None = None
        self._outlines: OrderedDict[tuple[str, str, int, str], Version] = OrderedDict()
        self._outlining = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="archive")
        self._files: dict[Path, tuple[float, Site]] = {}
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

    def standings(self) -> list[Standing]:
        """How every site stands that ever ran, by id; a document is read again where its ETag says so."""
        archive = self.archive
        with self._refreshing:
            if self._listed_at is not None and time.monotonic() - self._listed_at < self._listed_for:
                return [self._kept[site].standing for site in sorted(self._kept)]
            began = time.monotonic()
            listed = list_health(archive)
            stale = [site for site, etag in listed.items() if site not in self._kept or self._kept[site].etag != etag]
            for site, standing in self._read(stale):
                self._kept[site] = _Kept(etag=listed[site], standing=standing)
            for site in self._kept.keys() - listed.keys():
                del self._kept[site]
            self._listed_at = began
            return [self._kept[site].standing for site in sorted(self._kept)]

    def look_again(self) -> None:
        """Let the next look at how sites stand be a fresh one: something was done to a site."""
        self._listed_at = None

    def _read(self, sites: Sequence[str]) -> list[tuple[str, Standing]]:
        def read(site: str) -> tuple[str, Standing] | None:
            try:
                health = read_health(self.archive, site)
            except ArchiveError as error:  # a damaged one is rebuilt by the site's next run
                log.warning("%s", error.message)
                return site, Standing(site=site, damaged=True)
            return (site, summarise(health)) if health else None

        return [found for found in self.together(read, sites) if found]

    # --- site files

    def sites(self) -> dict[str, Site]:
        """The sites of the files that can be read here, by id; a file is read again when it has changed."""
        settings = self.settings
        folders = ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)
        problems: list[Problem] = []
        families: Families | None = None
        found: dict[str, Site] = {}
        with self._reading_files:
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

    def facts(self) -> dict[str, SiteFacts]:
        """What the overview says of the sites that have a file."""
        return {
            site.id: SiteFacts(
                site=site.id,
                name=site.name,
                kind=site.kind,
                family=site.family or "",
                region=site.region or "",
                home=site.home,
                schedule=site.schedule,
            )
            for site in self.sites().values()
        }

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
