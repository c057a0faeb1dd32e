"""The archive: the bucket seen through its contract. This docstring is the contract, version 1.

    muniment.json                                         marker: contract version; written once the store passed
    warc/<site>/<yyyy>/<mm>/<dd>/<run>-<nnnnn>.warc.gz    raw captures of a run, a sealed segment each
    runs/<site>/<run>/orders.json                         written first: what kind of run it is
    runs/<site>/<run>/crawl.json                          what the crawl did: counts, failures, policy seen
    runs/<site>/<run>/extracted-<nnnnn>.jsonl.zst         a Finding a line for every page of that segment
    runs/<site>/<run>/index-<nnnnn>.cdxj.zst              the captures of that segment, for the run's index
    runs/<site>/<run>/boilerplate.json                    the repeated blocks that its pages were read without
    runs/<site>/<run>/report.json                         the gate's checks and verdict
    runs/<site>/<run>/comparison.json                     of a re-extraction: what it reads otherwise than before
    runs/<site>/<run>/released.json                       somebody publishes what the gate refused, and why
    runs/<site>/<run>/published.json                      written last: the run is published
    articles/<site>/<article>/<nnnnnn>.json               versions of an article, from 000001 on, without gaps
    journal/<site>/<nnnnnnnn>.json                        what was done to the site's objects: a hash chain
    indexes/<site>/<run>.cdxj                             CDXJ index of the run's captures; rebuildable
    takedowns/<site>/<takedown>.json                      an order to withhold, redact or destroy, and how it stands
    sealed/<site>/<takedown>/<key>                        what a takedown took away from readers; not for readers
    sites/<site>/frontier.sqlite.zst                      per site: what is known; rebuildable
    sites/<site>/boilerplate.json                         per site: repeated blocks; rebuildable
    sites/<site>/hosts.json                               per site: what its hosts allow, and when to ask again
    sites/<site>/backfill.json                            per site: how far the walk into its past has come
    sites/<site>/endangered.json                          per site: how far its last full capture has come
    sites/<site>/normal.json                              per site: what is normal; rebuildable from reports
    sites/<site>/alerts.json                              per site: what operators were told, so that nobody is twice
    health/<site>.json                                    how a site stands, for operators; rebuildable from runs
    watch.json                                            what the watch over all sites has seen and is to send
    tables/articles/                                      the Delta table, a row per version; rebuildable
    .muniment-check/                                      passing objects of the store's self-test

Rules:

- ``<site>`` is the stem of the site's file (``SITE_ID``), ``<run>`` sorts by its start (``RUN_ID``),
  ``<article>`` is ``article_id(canonical URL)``; the date in a segment's key is the run's. Numbers have
  leading zeros, so that keys sort as numbers do.
- Everything below ``warc/``, ``runs/`` and ``articles/`` is created once (``If-None-Match: *``) and never
  overwritten. Who writes a second time gets back what stands. ``sites/``, ``health/`` and ``watch.json`` are replaced
  under ``If-Match``.
- A reader sees a run when ``published.json`` is there. Versions are written before it, so that a version
  whose run is not published yet may be seen; it is final all the same.
- The WARC is the truth; versions come from it; table, indexes and frontier come from versions and runs.
- Every object has its SHA-256 in its user metadata, written with it; the journal has it once more for all that is
  created once (``pipeline.journal``).
- Only a takedown replaces what was created once (under ``If-Match``), and the journal says so (``pipeline.takedown``).
- Readers ignore fields that they do not know. Any other change is a new contract version and a migration.
- ``tables/`` may lie in a bucket of its own (the marker says which); that one has no bucket versioning.

Nobody else builds or reads apart a key. ``docs/archive-format.md`` says the same for readers in any language.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

import zstandard
from pydantic import BaseModel, ValidationError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline import __version__
from pipeline.errors import ArchiveError, NotInArchive, StoreRefused, WriteConflict
from pipeline.model import (
    CONTRACT,
    RUN_ID,
    SITE_ID,
    Comparison,
    Evidence,
    Finding,
    Marker,
    Published,
    Release,
    Report,
    Version,
)
from pipeline.settings import Settings
from pipeline.store import DIGEST_NAME, BucketMissing, KeyMissing, Lost, Store, connect, self_test
from spiders.protocol import CrawlSummary, Orders

MARKER_KEY = "muniment.json"
HEALTH_FOLDER = "health/"
WATCH_KEY = "watch.json"

_ARTICLE_ID = re.compile(r"[0-9a-f]{20}")
_SEGMENT_KEY = re.compile(r"warc/(?P<site>[^/]+)/\d{4}/\d\d/\d\d/(?P<run>[^/]+)-(?P<number>\d{5})\.warc\.gz")
_EXTRACTED_KEY = re.compile(r"runs/[^/]+/[^/]+/extracted-(?P<number>\d{5})\.jsonl\.zst")
_VERSION_KEY = re.compile(r"articles/(?P<site>[^/]+)/(?P<article>[^/]+)/(?P<n>\d{6})\.json")

_JSON = "application/json"
_ZSTD = "application/zstd"
_GZIP = "application/gzip"  # not a WARC type: nothing on the way is to unpack the members
_ZSTD_LEVEL = 10
_PART = 64 * 1024
_TRIES = 30
_NO_MEASURE = frozenset({"backfill", "import", "reextract"})
_FORMAT_STEP = "Restore the object from a backup; if it was written by a newer Muniment, use that one."

_Doc = TypeVar("_Doc", bound=BaseModel)


# --- keys


def segment_key(site: str, run: str, number: int) -> str:
    """Key of a run's ``number``-th segment."""
    _check_site(site)
    _check_run(run)
    return f"warc/{site}/{run[:4]}/{run[4:6]}/{run[6:8]}/{run}-{_digits(number, 5)}.warc.gz"


def segment_number(key: str) -> int:
    """Number of the segment that lies under ``key``.

    Raises:
        ArchiveError: that is no segment's key.
    """
    found = _SEGMENT_KEY.fullmatch(key)
    if found is None:
        raise ArchiveError(f"{key!r} is not the key of a segment.", next_step=_FORMAT_STEP)
    return int(found["number"])


def orders_key(site: str, run: str) -> str:
    """Key of what kind of run it is."""
    return f"{_run_folder(site, run)}orders.json"


def crawl_key(site: str, run: str) -> str:
    """Key of what the crawl of a run did."""
    return f"{_run_folder(site, run)}crawl.json"


def extracted_key(site: str, run: str, number: int) -> str:
    """Key of the findings of a run's ``number``-th segment."""
    return f"{_run_folder(site, run)}extracted-{_digits(number, 5)}.jsonl.zst"


def index_part_key(site: str, run: str, number: int) -> str:
    """Key of the lines of a run's ``number``-th segment, of which its index is made."""
    return f"{_run_folder(site, run)}index-{_digits(number, 5)}.cdxj.zst"


def lessons_key(site: str, run: str) -> str:
    """Key of what was known of a site's repeated blocks when a run was extracted."""
    return f"{_run_folder(site, run)}boilerplate.json"


def report_key(site: str, run: str) -> str:
    """Key of the gate's report on a run."""
    return f"{_run_folder(site, run)}report.json"


def published_key(site: str, run: str) -> str:
    """Key of the note that a run is published."""
    return f"{_run_folder(site, run)}published.json"


def version_key(site: str, article: str, n: int) -> str:
    """Key of an article's ``n``-th version, counted from 1."""
    if n < 1:
        raise ArchiveError("Versions are counted from 1.", next_step="Ask for version 1 or a later one.")
    return f"{_article_folder(site, article)}{_digits(n, 6)}.json"


def parse_version_key(key: str) -> tuple[str, str, int]:
    """Site, article and number in a version's key.

    Raises:
        ArchiveError: that is no version's key.
    """
    found = _VERSION_KEY.fullmatch(key)
    if found is None or not SITE_ID.fullmatch(found["site"]) or not _ARTICLE_ID.fullmatch(found["article"]):
        raise ArchiveError(f"{key!r} is not the key of a version.", next_step=_FORMAT_STEP)
    return found["site"], found["article"], int(found["n"])


def journal_key(site: str, n: int) -> str:
    """Key of the ``n``-th entry of a site's journal, counted from 1."""
    return f"journal/{_check_site(site)}/{_digits(n, 8)}.json"


def index_key(site: str, run: str) -> str:
    """Key of the CDXJ index of a run's captures."""
    return f"indexes/{_check_site(site)}/{_check_run(run)}.cdxj"


def takedown_key(site: str, takedown: str) -> str:
    """Key of a takedown's order; its id has the form of a run's."""
    return f"takedowns/{_check_site(site)}/{_check_run(takedown)}.json"


def sealed_key(site: str, takedown: str, key: str) -> str:
    """Key under which a takedown seals what had stood under ``key``."""
    return f"sealed/{_check_site(site)}/{_check_run(takedown)}/{key}"


def frontier_key(site: str) -> str:
    """Key of a site's frontier."""
    return f"sites/{_check_site(site)}/frontier.sqlite.zst"


def boilerplate_key(site: str) -> str:
    """Key of a site's learned repeated blocks."""
    return f"sites/{_check_site(site)}/boilerplate.json"


def backfill_key(site: str) -> str:
    """Key of how far the walk into a site's past has come."""
    return f"sites/{_check_site(site)}/backfill.json"


def endangered_key(site: str) -> str:
    """Key of how far an endangered site's last full capture has come."""
    return f"sites/{_check_site(site)}/endangered.json"


def released_key(site: str, run: str) -> str:
    """Key of who publishes a run that the gate refused, and why."""
    return f"{_run_folder(site, run)}released.json"


def comparison_key(site: str, run: str) -> str:
    """Key of what a re-extraction reads otherwise."""
    return f"{_run_folder(site, run)}comparison.json"


def normal_key(site: str) -> str:
    """Key of what is normal for a site."""
    return f"sites/{_check_site(site)}/normal.json"


def alerts_key(site: str) -> str:
    """Key of what operators were told of a site."""
    return f"sites/{_check_site(site)}/alerts.json"


def health_key(site: str) -> str:
    """Key of how a site stands; all lie in one folder, so that one listing tells which have changed."""
    return f"{HEALTH_FOLDER}{_check_site(site)}.json"


def hosts_key(site: str) -> str:
    """Key of what is remembered of a site's hosts."""
    return f"sites/{_check_site(site)}/hosts.json"


# --- the archive


class Archive:
    """Typed reading and writing of everything below the contract's keys; may be used by many threads.

    Args:
        store: the archive's bucket.
        table_store: the bucket of ``tables/``; often the same.
    """

    segment_key = staticmethod(segment_key)
    segment_number = staticmethod(segment_number)
    orders_key = staticmethod(orders_key)
    crawl_key = staticmethod(crawl_key)
    extracted_key = staticmethod(extracted_key)
    lessons_key = staticmethod(lessons_key)
    report_key = staticmethod(report_key)
    published_key = staticmethod(published_key)
    version_key = staticmethod(version_key)
    journal_key = staticmethod(journal_key)
    index_key = staticmethod(index_key)
    index_part_key = staticmethod(index_part_key)
    takedown_key = staticmethod(takedown_key)
    sealed_key = staticmethod(sealed_key)
    frontier_key = staticmethod(frontier_key)
    boilerplate_key = staticmethod(boilerplate_key)
    hosts_key = staticmethod(hosts_key)
    released_key = staticmethod(released_key)
    comparison_key = staticmethod(comparison_key)
    normal_key = staticmethod(normal_key)
    alerts_key = staticmethod(alerts_key)
    health_key = staticmethod(health_key)
    backfill_key = staticmethod(backfill_key)
    endangered_key = staticmethod(endangered_key)

    def __init__(self, store: Store, table_store: Store) -> None:
        self.store = store
        self.table_store = table_store
        self._written: dict[str, tuple[int, str]] = {}  # what this process created: size and SHA-256, for the journal

    def table_uri(self) -> str:
        """Address of the table for Delta readers; ``table_store.options_for_table()`` has the credentials."""
        return f"s3://{self.table_store.bucket}/tables/articles"

    def holds_table(self) -> bool:
        """Whether the table still lies where this process believes; asked after each commit (``pipeline.moving``)."""
        marker = read_marker(self.store)
        return marker is None or (marker.tables_bucket or self.store.bucket) == self.table_store.bucket

    # --- what there is

    def sites(self) -> list[str]:
        """Ids of the sites that have runs, sorted."""
        return list(self.store.list_folders("runs/"))

    def runs(self, site: str) -> Iterator[str]:
        """Ids of a site's runs, newest first, published or not."""
        return reversed(list(self.store.list_folders(f"runs/{_check_site(site)}/")))

    def articles(self, site: str) -> Iterator[str]:
        """Ids of a site's articles, in order."""
        return self.store.list_folders(f"articles/{_check_site(site)}/")

    # --- segments

    def segments(self, site: str, run: str) -> list[str]:
        """Keys of the segments of a run, in order."""
        start = segment_key(site, run, 0).removesuffix("00000.warc.gz")
        return [found.key for found in self.store.list(start) if _SEGMENT_KEY.fullmatch(found.key)]

    def all_segments(self, site: str) -> Iterator[tuple[str, str]]:
        """Run and key of every segment of a site, in order of their days."""
        for found in self.store.list(f"warc/{_check_site(site)}/"):
            match = _SEGMENT_KEY.fullmatch(found.key)
            if match is not None:
                yield match["run"], found.key

    def numbered_segments(self, site: str, run: str, *, again: bool = True) -> dict[int, str]:
        """The segments whose pages a run has read, by the numbers of its findings, in order.

        These are its own; of a re-extraction they are earlier runs'.

        Args:
            again: False: only those whose captures count as the run's, not what was published before it.
        """
        own = self.segments(site, run)
        if own:
            return {segment_number(key): key for key in own}
        orders = self.read_orders(site, run)
        if orders is None or orders.mode != "reextract" or (orders.reads_again and not again):
            return {}
        return dict(enumerate(orders.sources))

    def find_run(self, run: str) -> list[str]:
        """Sites that have a run of this id, in order; hardly ever more than one."""
        with ThreadPoolExecutor(self.store.threads, thread_name_prefix="find") as pool:
            sites = self.sites()
            there = pool.map(lambda site: next(self.store.list(_run_folder(site, run)), None), sites)
            return [site for site, found in zip(sites, there, strict=True) if found is not None]

    def upload_segment(self, site: str, run: str, number: int, path: Path) -> str:
        """Store a sealed segment; again with the same file is harmless.

        Returns:
            Its key.

        Raises:
            ArchiveError: another file stands there: two crawls of one run were under way.
        """
        key = segment_key(site, run, number)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not self.store.upload_file(key, path, content_type=_GZIP):
            standing = self.store.head(key)
            if standing is None or standing.metadata.get(DIGEST_NAME) != digest:
                raise ArchiveError(
                    f"Another file than {path.name} stands under {key}.",
                    next_step="Two crawls of this run were under way; end one, and start a new run of the site.",
                )
        return key

    def download_segment(self, key: str, path: Path) -> None:
        """Copy a segment into a file."""
        self.store.download_file(key, path)

    def read_record(self, evidence: Evidence) -> bytes:
        """The WARC record that proves a version: one gzip member, unpacked by any gzip reader."""
        return self.store.get_range(evidence.warc, evidence.offset, evidence.length)

    # --- runs

    def write_orders(self, site: str, run: str, orders: Orders) -> Orders:
        """Say what kind of run it is, first of all; returns what stands there, which is the first that was written."""
        return self._write_once(orders_key(site, run), orders, orders.model_dump_json().encode())

    def read_orders(self, site: str, run: str) -> Orders | None:
        """What kind of run it is; None when it has not begun, or was begun by a Muniment that wrote none."""
        return self._find(orders_key(site, run), Orders)

    def write_summary(self, summary: CrawlSummary) -> CrawlSummary:
        """Store what a crawl did; returns what stands there, which is the first that was written."""
        key = crawl_key(summary.site, summary.run)
        return self._write_once(key, summary, summary.model_dump_json().encode())

    def read_summary(self, site: str, run: str) -> CrawlSummary | None:
        """What the crawl of a run did; None when it has not ended."""
        return self._find(crawl_key(site, run), CrawlSummary)

    def write_findings(self, site: str, run: str, number: int, findings: Iterable[Finding]) -> bool:
        """Store the findings of a segment; the same findings always make the same bytes.

        Returns:
            False when some stand there already (and stay).
        """
        return self.store.create(extracted_key(site, run, number), pack_findings(findings), content_type=_ZSTD)

    def write_index_part(self, site: str, run: str, number: int, lines: Iterable[bytes]) -> bool:
        """Store the lines of a segment's captures, each with its end; False when some stand there already."""
        packed = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(b"".join(lines))
        return self.store.create(index_part_key(site, run, number), packed, content_type=_ZSTD)

    def read_index_part(self, site: str, run: str, number: int) -> Iterator[bytes] | None:
        """The lines of a segment's captures, each with its end; None when they were not stored.

        Raises:
            ArchiveError: they cannot be read.
        """
        key = index_part_key(site, run, number)
        try:
            packed = self.store.get(key).body
        except KeyMissing:
            return None
        return (line + b"\n" for line in _unpack_lines(packed, key))

    def count_findings(self, site: str, run: str, number: int) -> dict[str, int] | None:
        """How many findings of each kind a segment gave; None when it was not extracted."""
        try:
            return dict(Counter(finding.kind for finding in self._findings_under(extracted_key(site, run, number))))
        except KeyMissing:
            return None

    def read_findings(self, site: str, run: str) -> Iterator[Finding]:
        """All findings of a run, in the order of segments and of records in them, one segment in memory.

        Raises:
            ArchiveError: a segment was not extracted, or a line cannot be read.
        """
        numbers = {}
        for entry in self.store.list(f"{_run_folder(site, run)}extracted-"):
            found = _EXTRACTED_KEY.fullmatch(entry.key)
            if found is not None:
                numbers[int(found["number"])] = entry.key
        missing = sorted(self.numbered_segments(site, run).keys() - numbers.keys())
        if missing:
            raise ArchiveError(
                f"Run {run} of {site}: segments {', '.join(map(str, missing))} were never extracted.",
                next_step="Run the step extract again for these segments (in Airflow: clear the task).",
            )
        for _, key in sorted(numbers.items()):
            yield from self._findings_under(key)

    def read_segment(self, site: str, run: str, number: int) -> Iterator[Finding]:
        """The findings of one segment of a run, in the order of its records.

        Raises:
            KeyMissing: it was not extracted.
            ArchiveError: a line cannot be read.
        """
        return self._findings_under(extracted_key(site, run, number))

    def write_lessons(self, site: str, run: str, lessons: _Doc) -> _Doc:
        """Store what a run's pages are read by; returns what stands there, which is the first that was written."""
        return self._write_once(lessons_key(site, run), lessons, lessons.model_dump_json().encode())

    def read_lessons(self, site: str, run: str, kind: type[_Doc]) -> _Doc | None:
        """What a run's pages were read by; None when they were read by nothing, or not yet."""
        return self._find(lessons_key(site, run), kind)

    def write_report(self, report: Report) -> Report:
        """Store the gate's report; returns what stands there, which is the first that was written."""
        return self._write_once(report_key(report.site, report.run), report, report.to_json())

    def read_report(self, site: str, run: str) -> Report | None:
        """The gate's report on a run; None when it was not checked."""
        return self._find(report_key(site, run), Report)

    def accepted_reports(self, site: str, *, before: str, most: int) -> list[Report]:
        """Reports of a site's runs that the gate let pass (warned or not), newest first.

        Without those of walks into the past and of imports: what pages of years ago are like is no measure for today's.

        Args:
            before: only of runs that began earlier than this one.
            most: at most so many.
        """
        earlier = (self.read_report(site, run) for run in self.runs(site) if run < before)
        usual = (
            report for report in earlier if report and report.verdict != "reject" and report.mode not in _NO_MEASURE
        )
        return list(islice(usual, most))

    def write_published(self, published: Published) -> Published:
        """Say that a run is published; returns what stands there, which is the first that was written."""
        return self._write_once(published_key(published.site, published.run), published, published.to_json())

    def read_published(self, site: str, run: str) -> Published | None:
        """What publishing a run made; None when it is not published."""
        return self._find(published_key(site, run), Published)

    def write_release(self, release: Release) -> Release:
        """Say that a rejected run is to be published; returns what stands there, which is the first that was said."""
        return self._write_once(released_key(release.site, release.run), release, release.to_json())

    def read_release(self, site: str, run: str) -> Release | None:
        """Who publishes a rejected run, and why; None: nobody."""
        return self._find(released_key(site, run), Release)

    def write_comparison(self, comparison: Comparison) -> Comparison:
        """Store what a re-extraction reads otherwise; returns what stands there: the first that was written."""
        return self._write_once(comparison_key(comparison.site, comparison.run), comparison, comparison.to_json())

    def read_comparison(self, site: str, run: str) -> Comparison | None:
        """What a re-extraction reads otherwise; None when it was not compared, or the run is none."""
        return self._find(comparison_key(site, run), Comparison)

    # --- what one run hands to the next

    def read_progress(self, key: str, kind: type[_Doc]) -> _Doc | None:
        """A document below ``sites/`` or ``health/`` that one run hands to the next; None when there is none."""
        return self._find(key, kind)

    def change_progress(
        self,
        key: str,
        kind: type[_Doc],
        change: Callable[[_Doc | None], _Doc | None],
        *,
        rebuildable: bool = False,
    ) -> _Doc | None:
        """Change such a document on top of whatever others wrote meanwhile.

        Args:
            key: where it lies.
            kind: its type.
            change: makes the new state of the one that stands; called again when somebody else was faster.
            rebuildable: one that cannot be read counts as none, and is replaced.

        Returns:
            What stands now.

        Raises:
            WriteConflict: others were faster too often in a row.
        """
        changed: _Doc | None = None
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(Lost),
                stop=stop_after_attempt(_TRIES),
                wait=wait_random_exponential(multiplier=0.02, max=1),
            ):
                with attempt:
                    standing, etag = None, None
                    with suppress(KeyMissing):
                        stored = self.store.get(key)
                        etag = stored.etag
                        with suppress(*((ArchiveError,) if rebuildable else ())):
                            standing = _parse(kind, stored.body, key)
                    changed = change(standing)
                    if changed is not None and changed != standing:
                        body = changed.model_dump_json().encode()
                        self.store.replace(key, body, etag=etag, content_type=_JSON)
        except RetryError as error:
            raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again") from error
        return changed

    def read_hosts(self, site: str) -> tuple[bytes | None, str | None]:
        """What is remembered of a site's hosts, as ``spiders.hosts`` wrote it, and its ETag; None: there is nothing."""
        try:
            stored = self.store.get(hosts_key(site))
        except KeyMissing:
            return None, None
        return stored.body, stored.etag

    def replace_hosts(self, site: str, body: bytes, etag: str | None) -> bool:
        """Replace what is remembered of a site's hosts; False: another run of the site was faster, and its stands."""
        try:
            self.store.replace(hosts_key(site), body, etag=etag, content_type=_JSON)
        except Lost:
            return False
        return True

    # --- versions

    def put_version(self, version: Version) -> Version:
        """Create a version.

        Returns:
            What stands under its key: this one, or the one that was there first (the caller compares).
        """
        return self._write_once(
            version_key(version.site, version.article, version.n),
            version,
            version.to_json(),
            metadata=describe_version(version),
        )

    def version(self, site: str, article: str, n: int) -> Version:
        """One version.

        Raises:
            KeyMissing: there is none of that number.
        """
        return self._read(version_key(site, article, n), Version)

    def version_keys(self, site: str) -> Iterator[str]:
        """Keys of all versions of a site."""
        listed = self.store.list(f"articles/{_check_site(site)}/")
        return (entry.key for entry in listed if _VERSION_KEY.fullmatch(entry.key))

    def has_version(self, site: str, article: str, n: int) -> bool:
        """Whether an article has an ``n``-th version."""
        return self.store.head(version_key(site, article, n)) is not None

    def read_version(self, key: str) -> Version:
        """The version under a key, as ``published.json`` and the table name them."""
        parse_version_key(key)
        return self._read(key, Version)

    def versions(self, site: str, article: str) -> list[Version]:
        """All versions of an article, first to latest; empty when it is not in the archive.

        Raises:
            ArchiveError: a number is missing.
        """
        return [self.version(site, article, n) for n in range(1, self.latest_number(site, article) + 1)]

    def latest_number(self, site: str, article: str) -> int:
        """Number of an article's latest version; 0 when it is not in the archive.

        Raises:
            ArchiveError: a number before it is missing.
        """
        return len(self.version_etags(site, article))

    def version_etags(self, site: str, article: str) -> dict[int, str]:
        """ETag of each version of an article by its number: another one where a takedown has replaced the version.

        Raises:
            ArchiveError: a number is missing.
        """
        found = {
            int(match["n"]): entry.etag
            for entry in self.store.list(_article_folder(site, article))
            if (match := _VERSION_KEY.fullmatch(entry.key))
        }
        if found and sorted(found) != list(range(1, len(found) + 1)):
            raise ArchiveError(
                f"The versions of article {article} of {site} have gaps: {', '.join(map(str, sorted(found)))}.",
                next_step="Something removed versions; restore them from a backup.",
            )
        return found

    # --- digests

    def recorded(self, key: str) -> tuple[int, str]:
        """Size in bytes and SHA-256 (hexadecimal digits) of an object as it was written; costs a request at most.

        An object of a release that recorded none is read.

        Raises:
            KeyMissing: there is no such object.
        """
        known = self._written.get(key)
        if known is not None:
            return known
        found = self.store.head(key)
        if found is not None and DIGEST_NAME in found.metadata:
            return found.size, found.metadata[DIGEST_NAME]
        body = self.store.get(key).body
        return len(body), hashlib.sha256(body).hexdigest()

    def forget(self, key: str) -> None:
        """What this process has created under a key was replaced (by a takedown)."""
        self._written.pop(key, None)

    def forget_written(self) -> None:
        """Forget what ``recorded`` knows without asking: a process that lives for long must not keep it all."""
        self._written.clear()

    # --- underneath

    def _write_once(self, key: str, document: _Doc, body: bytes, metadata: dict[str, str] | None = None) -> _Doc:
        if self.store.create(key, body, content_type=_JSON, metadata=metadata):
            self._written[key] = (len(body), hashlib.sha256(body).hexdigest())
            return document
        return self._read(key, type(document))

    def _read(self, key: str, kind: type[_Doc]) -> _Doc:
        return _parse(kind, self.store.get(key).body, key)

    def _find(self, key: str, kind: type[_Doc]) -> _Doc | None:
        try:
            return self._read(key, kind)
        except KeyMissing:
            return None

    def _findings_under(self, key: str) -> Iterator[Finding]:
        for number, line in enumerate(_unpack_lines(self.store.get(key).body, key), start=1):
            yield _parse(Finding, line, f"{key}, line {number}")


def pack_findings(findings: Iterable[Finding]) -> bytes:
    """Findings as their object has them; the same findings always make the same bytes."""
    packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    packed = bytearray()
    for finding in findings:
        packed += packer.compress(finding.to_json() + b"\n")
    packed += packer.flush()
    return bytes(packed)


def _unpack_lines(packed: bytes, where: str) -> Iterator[bytes]:
    """The lines of a zstd frame, little by little; a frame that breaks off is an error, not an end."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    try:
        for start in range(0, len(packed), _PART):
            *lines, rest = (rest + unpacker.decompress(packed[start : start + _PART])).split(b"\n")
            yield from lines
    except zstandard.ZstdError as error:
        raise ArchiveError(f"{where} cannot be unpacked: {error}.", next_step=_FORMAT_STEP) from error
    if not unpacker.eof or rest:
        raise ArchiveError(f"{where} cannot be unpacked: it breaks off.", next_step=_FORMAT_STEP)


def describe_version(version: Version) -> dict[str, str]:
    """User metadata of a version's object: what tools see that list objects and read no JSON; all ASCII."""
    return {
        "state": version.state.value,
        "change": version.change.value,
        "digest": version.digest,
        "run": version.run,
        "captured-at": version.captured_at.isoformat().replace("+00:00", "Z"),
        "warc": version.evidence.warc,
        "offset": str(version.evidence.offset),
        "length": str(version.evidence.length),
    }


# --- opening


def open_archive(settings: Settings, *, create: bool = True) -> Archive:
    """The archive that the settings name; made when it is not there yet. Any number may open it at once.

    Before the first write the store must pass its self-test: an archive in a store that breaks its promises
    would lose versions in silence.

    Args:
        create: False: look only.

    Raises:
        NotInArchive: there is no archive, and none is to be made.
        StoreRefused: the store failed the self-test (the message has each reason), or refuses us.
        ArchiveError: the bucket holds an archive of another contract version, or of other settings.
    """
    store = connect(settings)
    tables = store if settings.table_bucket == settings.bucket else connect(settings, settings.table_bucket)
    marker = read_marker(store)
    if marker is None:
        if not create:
            raise NotInArchive(
                f"Bucket {store.bucket} at {store.endpoint} holds no archive yet.",
                next_step="Run a site first (muniment run SITE), or set MUNIMENT_BUCKET to the archive's bucket.",
            )
        _refuse_lost(settings, store)
        for each in (store, tables):
            if not each.has_bucket():
                each.create_bucket()
        failed = [check for check in self_test(store, tables) if not check.passed]
        if failed:
            raise StoreRefused(
                f"The store at {store.endpoint} cannot hold an archive:\n"
                + "\n".join(f"- {check.name}: {check.message}" for check in failed),
                next_step="Use another store or version of it; look again with: muniment store check",
            )
        marker = write_marker(store, tables_bucket=tables.bucket)
    if create:
        _remember(settings, store)
    if (marker.tables_bucket or store.bucket) != tables.bucket:
        raise ArchiveError(
            f"This archive keeps its table in bucket {marker.tables_bucket or store.bucket}, "
            f"the settings say {tables.bucket}.",
            next_step="Correct MUNIMENT_TABLES_BUCKET.",
        )
    return Archive(store, tables)


def _memo(settings: Settings, store: Store) -> Path:
    """Where it is noted on this machine that a bucket holds an archive."""
    place = hashlib.blake2b(store.endpoint.encode(), digest_size=4).hexdigest()
    return settings.home.expanduser() / "archives" / f"{store.bucket}-{place}"


def _remember(settings: Settings, store: Store) -> None:
    """Note that the bucket holds an archive, so that nobody begins an empty one in its place when it is lost."""
    memo = _memo(settings, store)
    with suppress(OSError):  # a home that cannot be written remembers nothing
        if not memo.exists():
            memo.parent.mkdir(parents=True, exist_ok=True)
            memo.write_text(f"{store.bucket} at {store.endpoint} holds an archive.\n", encoding="utf-8")


def _refuse_lost(settings: Settings, store: Store) -> None:
    """
    Raises:
        ArchiveError: there was an archive, and it is gone: a volume that is not mounted, a bucket that was removed.
    """
    memo = _memo(settings, store)
    if memo.exists():
        raise ArchiveError(
            f"Bucket {store.bucket} at {store.endpoint} is empty or gone; this machine has written to an archive there "
            "before. Nothing was begun in its place.",
            next_step="Look whether the store's disk is mounted and the bucket is the right one (MUNIMENT_BUCKET); "
            "else restore the backup (docs/operators.md#backup-and-upgrade). To begin an empty archive there, remove "
            f"{memo}.",
        )


def open_for_reading(settings: Settings, *, hurried: bool = False) -> Archive:
    """The archive in the bucket that the settings name, its table wherever the marker says; nothing is made or tested.

    Args:
        settings: where it is.
        hurried: tell a store that does not answer after seconds, not minutes.

    Raises:
        NotInArchive: there is no archive.
        ArchiveError: it is one of another contract version.
    """
    store = connect(settings, hurried=hurried)
    marker = read_marker(store)
    if marker is None:
        raise NotInArchive(
            f"Bucket {store.bucket} at {store.endpoint} holds no archive.",
            next_step="Give the archive's bucket: Archive('s3://BUCKET'), or MUNIMENT_BUCKET. Endpoint and credentials "
            "come from AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or wherever boto3 looks.",
        )
    tables = connect(settings, marker.tables_bucket, hurried=hurried) if marker.tables_bucket else store
    return Archive(store, tables)


def write_marker(store: Store, *, tables_bucket: str | None = None) -> Marker:
    """Declare the bucket an archive of this contract version; the store must have passed ``self_test``.

    Returns:
        The marker that stands: ours, or that of who was faster.
    """
    marker = Marker(
        written_by=f"muniment {__version__}", tables_bucket=None if tables_bucket == store.bucket else tables_bucket
    )
    if store.create(MARKER_KEY, marker.to_json(), content_type=_JSON):
        return marker
    return read_marker(store) or marker


def change_marker(store: Store, change: Callable[[Marker], Marker]) -> None:
    """Change what the marker says, on top of whatever others wrote meanwhile; it must be there."""
    for _ in range(_TRIES):
        stored = store.get(MARKER_KEY)
        standing = _parse(Marker, stored.body, MARKER_KEY)
        wanted = change(standing)
        if wanted == standing:
            return
        with suppress(Lost):
            store.replace(MARKER_KEY, wanted.to_json(), etag=stored.etag, content_type=_JSON)
            return
    raise WriteConflict(f"{MARKER_KEY} was changed by others {_TRIES} times in a row; try again")


def read_marker(store: Store) -> Marker | None:
    """What the bucket's marker says; None: it holds no archive.

    Raises:
        ArchiveError: an archive of another contract version.
    """
    try:
        body = store.get(MARKER_KEY).body
    except (KeyMissing, BucketMissing):
        return None
    marker = _parse(Marker, body, MARKER_KEY)
    if marker.contract != CONTRACT:
        raise ArchiveError(
            f"Bucket {store.bucket} holds an archive of contract version {marker.contract}; "
            f"this Muniment knows version {CONTRACT}.",
            next_step="Use the Muniment that wrote it, or migrate it (docs/archive-format.md).",
        )
    return marker


# --- parts of keys: nothing that comes from outside gets into a key unseen


def _run_folder(site: str, run: str) -> str:
    return f"runs/{_check_site(site)}/{_check_run(run)}/"


def _article_folder(site: str, article: str) -> str:
    if not _ARTICLE_ID.fullmatch(article):
        raise ArchiveError(
            f"{article!r} is not an article's id.", next_step="An id is 20 hexadecimal digits: see article_id."
        )
    return f"articles/{_check_site(site)}/{article}/"


def _check_site(site: str) -> str:
    if not SITE_ID.fullmatch(site):
        raise ArchiveError(f"{site!r} is not a site's id.", next_step="See which sites there are: muniment sites list")
    return site


def _check_run(run: str) -> str:
    if not RUN_ID.fullmatch(run):
        raise ArchiveError(f"{run!r} is not a run's id.", next_step="See which runs there are: muniment status")
    return run


def _digits(number: int, width: int) -> str:
    if not 0 <= number < 10**width:
        raise ArchiveError(
            f"The number {number} does not fit into {width} digits.",
            next_step="Make segments larger (MUNIMENT_SEGMENT_MB), or the run smaller (crawl.fetch_at_most).",
        )
    return f"{number:0{width}}"


def _parse(kind: type[_Doc], body: bytes, where: str) -> _Doc:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise ArchiveError(
            f"{where} is not a {kind.__name__} of contract version {CONTRACT}: {error}", next_step=_FORMAT_STEP
        ) from error
