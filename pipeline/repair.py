"""What an audit found wrong and can be made anew, made anew: rows, indexes, frontiers, site memory, what is told twice.

Derived things are made of versions and runs only where these are whole: of damaged ones nothing is derived. A version,
a segment, findings or an entry of the journal is never overwritten and never removed; what is missing of a run is
created only if its bytes are those that were recorded. Every step can be killed and done again, beside publishers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from pipeline.archive import Archive, pack_findings
from pipeline.audit import Audited, Discrepancy, kind_of
from pipeline.audit.look import answers
from pipeline.boilerplate import WINDOW, Memory, join
from pipeline.cdx import repair_index
from pipeline.errors import ArchiveError, StoreUnavailable
from pipeline.frontier import Frontier
from pipeline.journal import append, keys_of_run, read_journal, record_objects
from pipeline.model import Finding, JournalEntry, Published, Version
from pipeline.store import KeyMissing, Lost
from pipeline.table import rebuild_rows
from spiders.site import Site

_RECALLED_RUNS = 60
_ZSTD = "application/zstd"
_JSON = "application/json"
_TRUTH = frozenset({"version", "segment", "run", "findings", "journal"})
"""Kinds of objects that others are derived of."""


@dataclass(frozen=True, kw_only=True)
class Makers:
    """What a repair needs beside the archive."""

    sites: Mapping[str, Site]
    findings: Callable[[str, str, int], Iterable[Finding]]
    """Reads a segment's pages again as its run did: site, run, number of the segment."""
    now: datetime


@dataclass(kw_only=True)
class Mended:
    """What a repair did, and what it could not do, in words."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def repair_archive(archive: Archive, told: Audited, makers: Makers) -> Mended:
    """Make anew what an audit found wrong, as far as that can be done; audit again to see what is left.

    Raises:
        StoreUnavailable, WriteConflict: try again; what was done stays done.
    """
    mended = Mended()
    about = [*(each.site for each in told.discrepancies), *(note.site for note in told.notes)]
    for site in filter(None, dict.fromkeys(about)):
        mine = [each for each in told.discrepancies if each.site == site]
        _SiteRepair(archive, site, mine, makers, mended).repair([each.run for each in told.notes if each.site == site])
    return mended


class _SiteRepair:
    def __init__(self, archive: Archive, site: str, wrong: list[Discrepancy], makers: Makers, mended: Mended) -> None:
        self._archive = archive
        self._site = site
        self._wrong = wrong
        self._makers = makers
        self._mended = mended

    def repair(self, adopt: Iterable[str | None]) -> None:
        """What is created first, then what is derived of it, then the entries of runs older than the journal."""
        self._put_back()
        whole = not any(each.kind in _TRUTH and not each.rebuildable for each in self._wrong)
        for key in dict.fromkeys(each.key for each in self._wrong if each.rebuildable and kind_of(each.key) == "index"):
            self._try(key, partial(self._make_index, key))
        wanted = {
            "the table": ([each for each in self._wrong if each.kind == "table"], self._make_rows),
            "the frontier": ([each for each in self._wrong if each.kind == "frontier"], self._make_frontier),
            "the site's memory": ([each for each in self._wrong if each.kind == "site"], self._make_memory),
        }
        for name, (about, make) in wanted.items():
            if not any(each.rebuildable for each in about):
                continue
            if whole:
                self._try(name, make)
            else:
                self._mended.left.append(f"{name} of {self._site}: restore what it is made of first")
        for run in filter(None, adopt):
            if whole:
                self._try(f"run {run}", partial(self._adopt, run))
            else:
                self._mended.left.append(f"run {run} of {self._site} is not entered: restore what is damaged first")

    def _try(self, name: str, make: Callable[[], str | None]) -> None:
        try:
            done = make()
        except (ArchiveError, KeyMissing, Lost) as error:
            self._mended.left.append(f"{name} of {self._site}: {error.args[0]}")
            return
        except StoreUnavailable as error:
            if make != self._make_rows or not answers(self._archive):
                raise
            # The store answers: it is the table's own log that is damaged.
            self._mended.left.append(f"{error}. Move the table's folder aside; then --repair makes the table anew.")
            return
        if done is not None:
            self._mended.done.append(done)

    # --- what was recorded and is missing

    def _put_back(self) -> None:
        missing = {each.key: each for each in self._wrong if each.problem == "missing" and each.rebuildable}
        published = {key for key in missing if key.endswith("/published.json") and kind_of(key) == "run"}
        findings = {key for key in missing if kind_of(key) == "findings"}
        if not published and not findings:
            return
        recorded: dict[str, str] = {}
        entries: dict[str, Published] = {}
        for entry, _ in read_journal(self._archive, self._site):
            recorded |= {each.key: each.sha256 for each in entry.objects if each.key in findings}
            for each in entry.replaced:
                recorded.pop(each.key, None)  # of a takedown: what stood there is not to come back
            if entry.published is not None and entry.run is not None:
                entries[self._archive.published_key(self._site, entry.run)] = entry.published
        for key in sorted(published & entries.keys()):
            self._archive.write_published(entries[key])
            self._mended.done.append(f"{key}, as the journal has it")
        for key in sorted(findings):
            self._try(key, partial(self._make_findings, key, recorded.get(key)))

    def _make_findings(self, key: str, sha256: str | None) -> str | None:
        run, name = key.split("/")[2:]
        number = int(name.removeprefix("extracted-").partition(".")[0])
        body = pack_findings(self._makers.findings(self._site, run, number))
        if sha256 is None or hashlib.sha256(body).hexdigest() != sha256:
            self._mended.left.append(
                f"{key}: its pages were read again, which gave other bytes than were recorded (another release had "
                "read them, or a takedown has changed them). Restore it from a backup."
            )
            return None
        self._archive.store.create(key, body, content_type=_ZSTD)
        return f"{key}, byte for byte"

    # --- what is derived

    def _make_index(self, key: str) -> str | None:
        run = key.rpartition("/")[2].removesuffix(".cdxj")
        return f"{key}, of the run's segments" if repair_index(self._archive, self._site, run) else None

    def _versions(self) -> Iterator[Version]:
        with ThreadPoolExecutor(self._archive.store.threads, thread_name_prefix="repair") as pool:
            articles = self._archive.articles(self._site)
            while some := list(islice(articles, 500)):
                for versions in pool.map(lambda article: self._archive.versions(self._site, article), some):
                    yield from versions

    def _make_rows(self) -> str:
        archive, site = self._archive, self._site
        runs = list(archive.runs(site))
        published = [run for run in runs if archive.store.head(archive.published_key(site, run))]
        if not runs:  # its rows may be all that is left of a site
            raise ArchiveError("no run of it is there", next_step="Restore the site's objects from a backup.")
        count = rebuild_rows(archive, site, published, self._versions, now=self._makers.now)
        return f"{count} rows of {site} in the table, of its versions"

    def _make_frontier(self) -> str:
        site = self._makers.sites.get(self._site)
        if site is None:
            raise ArchiveError(
                f"No site file declares {self._site}; its frontier is made anew by a run of the site.",
                next_step="MUNIMENT_SITES names more folders with site files.",
            )
        with Frontier(self._archive, site) as frontier:
            frontier.replace_by_rebuilt()
        return f"{self._archive.frontier_key(self._site)}, of versions and runs"

    def _make_memory(self) -> str | None:
        archive, site = self._archive, self._site
        key = archive.boilerplate_key(site)
        memory = Memory(site=site)
        for run in islice(archive.runs(site), _RECALLED_RUNS):
            if len(memory.pages) >= WINDOW:
                break
            added = archive.read_lessons(site, run, Memory) if archive.read_published(site, run) else None
            orders = archive.read_orders(site, run)
            if added is not None and (orders is None or orders.teaches):  # as ``steps.recall``
                memory = join(memory, added, self._makers.now)
        standing = archive.store.head(key)
        etag = standing.etag if standing else None
        archive.store.replace(key, memory.model_dump_json().encode(), etag=etag, content_type=_JSON)
        return f"{key}, of what the runs taught"

    # --- what is older than the journal

    def _adopt(self, run: str) -> str:
        archive, site = self._archive, self._site
        published = archive.read_published(site, run)
        if published is None:
            raise ArchiveError(f"Run {run} is not published.", next_step="Publish it: its entry comes by itself.")

        def draft() -> JournalEntry:
            keys = [*keys_of_run(archive, site, run), archive.published_key(site, run), *published.made]
            return JournalEntry(
                site=site,
                at=self._makers.now,
                kind="repaired",
                run=run,
                reason="The run is older than the journal: its objects are entered as an audit found them.",
                objects=record_objects(archive, keys),
                published=published,
            )

        since = datetime.strptime(run.split("-", maxsplit=1)[0], "%Y%m%dT%H%M%S%z")
        entry = append(archive, site, f"{run}/repaired", draft, since=since)
        return f"run {run} of {site} was entered into the journal, which is younger: entry {entry.n}"
