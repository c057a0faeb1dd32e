"""The steps of a run: crawl, extract, check, publish. Airflow's tasks and the CLI call these functions.

    crawl    → WARC segments and crawl.json        (a child process fetches; we upload what it seals)
    extract  → extracted-<nnnnn>.jsonl.zst         (once per segment)
    check    → report.json, and a verdict
    publish  → versions, table, frontier, published.json

Each step reads from the archive and writes to the archive, so any of them can be killed at any
instruction and called again with the same arguments, on any machine. Nothing but ids and counts is
returned. What the steps decide stands in the modules they call; this one only puts them in order.

Airflow runs each step in a process of its own, so what reads pages (lxml, numpy, the extraction), judges them or
imports files is imported by the steps that do: a second of CPU that the others do not need.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import logging
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal, Self

from pipeline.archive import Archive, open_archive
from pipeline.backfill import (
    Backfill,
    begin_chunk,
    bound_chunk,
    end_chunk,
    read_backfill,
    relax_limits,
    stop_backfill,
    tell_progress,
)
from pipeline.boilerplate import WINDOW, Memory, Observed, join
from pipeline.boilerplate import learn as learn_pages
from pipeline.cdx import write_part
from pipeline.endangered import adapt_site, begin_run, end_run, excuse_closing, last_due
from pipeline.errors import (
    AlreadyRunning,
    ArchiveError,
    CrawlFailed,
    CrawlInterrupted,
    DiskFull,
    NotInArchive,
    RunRejected,
    SettingsError,
    SiteFileError,
    StoreUnavailable,
    Temporary,
    WriteConflict,
)
from pipeline.frontier import Frontier
from pipeline.health import note_run
from pipeline.journal import record_run
from pipeline.model import Article, Comparison, Finding, Published, Release, Report, Version, run_id
from pipeline.normal import Normal, learn_normal, read_normal
from pipeline.publish import publish_run
from pipeline.reextract import (
    compare_run,
    describe_comparison,
    judge_again,
    plan_reextraction,
    publish_again,
    runs_to_claim,
)
from pipeline.release import claim_run, release_run
from pipeline.settings import Settings, child_environment
from pipeline.store import BucketMissing, KeyMissing, connect
from pipeline.takedown import Sieve, clean_run, withheld_urls
from spiders.documents import find_documents
from spiders.pace import describe_window, find_window
from spiders.protocol import (
    HOSTS_NAME,
    OPEN_SUFFIX,
    SEALED_SUFFIX,
    SUMMARY_NAME,
    CrawlSummary,
    Exit,
    Input,
    Orders,
    write_plan,
)
from spiders.site import BUILTIN_FOLDER, Site, SiteError, load_sites
from spiders.warc import Captured, Hop, read_captures
from spiders.window import Window

if TYPE_CHECKING:
    from pipeline.intake import Planned, Survey
    from pipeline.workers import Extractor

log = logging.getLogger("muniment")

HISTORY = 30
"""How many accepted earlier reports the gate compares a run with."""

_LEARN_MORE = 60  # pages of a run that are looked at for repeated blocks, where the site is known
_LEARN_SEGMENTS = 6  # segments that they are taken from
_RECALLED_RUNS = 60  # that are looked through where a site's memory is lost
_POLL_SECONDS = 0.2
_LEAST_FREE = 100_000  # bytes: with less a disk is full
_GIVE_WAY_SECONDS = 2.0
_LOOK_BACK = 50  # runs among which the latest regular one is looked for
_RUN_MARGIN = timedelta(minutes=15)
_DUE_MARGIN = timedelta(minutes=2)  # so long somebody has to begin a run that is due
_CHILD_GRACE_SECONDS = 20.0
_OVERTIME_SECONDS = 900.0  # after crawl.run_seconds a child finishes what is under way; one that is stuck is ended
_BULK_BYTES = 1 << 20
_SEGMENTS = "segments"  # folder of the spool that the child writes into


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What every step needs: the settings, the sites by id, and the archive."""

    settings: Settings
    sites: dict[str, Site]
    archive: Archive

    def site(self, site_id: str) -> Site:
        """The site of that id.

        Raises:
            SiteFileError: no such site is declared.
        """
        try:
            return self.sites[site_id]
        except KeyError:
            raise SiteFileError(
                f"No site file declares {site_id!r}.",
                next_step="`muniment sites list` shows the sites; MUNIMENT_SITES names more folders with site files.",
            ) from None


@dataclass(frozen=True, kw_only=True)
class Crawled:
    """What ``crawl`` hands on: the numbers of the run's segments, and two counts."""

    segments: tuple[int, ...]
    discovered: int
    captured: int


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What ``run_site`` did."""

    site: str
    run: str
    report: Report
    published: Published | None
    seconds: dict[str, float] = field(default_factory=dict)


def read_sites(settings: Settings) -> dict[str, Site]:
    """All declared sites, sorted by id.

    Raises:
        SiteFileError: a site file cannot be used; the message lists every problem of every file.
    """
    folders = ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)
    try:
        return load_sites(folders)
    except SiteError as error:
        raise SiteFileError(str(error), next_step="Correct the file; `muniment sites check` tries again.") from error


def open_workplace(settings: Settings) -> Workplace:
    """Read the site files and open the archive (made and self-tested if it is new).

    Raises:
        SiteFileError, StoreRefused, StoreUnavailable, ArchiveError: see ``pipeline.errors``.
    """
    return Workplace(settings=settings, sites=read_sites(settings), archive=open_archive(settings))


def new_run(settings: Settings) -> str:
    """The id of a run that begins now."""
    return run_id(settings.now(), secrets.token_hex(8))


# --- crawl ------------------------------------------------------------------------------------------


def find_closed_window(work: Workplace, site_id: str, run: str) -> str | None:
    """Why a run may not crawl now: the site's windows are closed. None: it may, or it began when they were open.

    Whoever starts runs asks this first; ``crawl`` itself would fetch nothing outside of the windows.
    """
    site, now = work.site(site_id), work.settings.now()
    window = find_window(site.crawl.windows, site.timezone, now)
    if window.open or work.archive.read_summary(site_id, run) or work.archive.segments(site_id, run):
        return None
    return f"The crawl window of {site_id} is closed: {describe_window(window, site.timezone, now)}."


def crawl(
    work: Workplace,
    site_id: str,
    run: str,
    *,
    limit: int | None = None,
    anytime: bool = False,
    window: Window | None = None,
    on_segment: Callable[[int], None] | None = None,
    on_bulk: Callable[[], object] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Crawled:
    """Fetch what is new and what is due of a site into WARC segments in the archive.

    Called again for the same run it goes on after the last sealed segment; called after the end it
    only says what there is.

    Args:
        work: the workplace.
        site_id: which site.
        run: id of the run.
        limit: fetch at most so many article pages, instead of the site's ``fetch_at_most``.
        anytime: also outside of the site's crawl windows.
        window: make the run a chunk of a backfill: of what was published on these days.
        on_segment: called with a segment's number as soon as it is in the archive.
        on_bulk: called once, when so much is captured that a segment with pages to read is surely coming.
        on_line: called with each line that the crawl child logs.

    Raises:
        CrawlInterrupted: the child was ended before it had finished; what it sealed is kept.
        CrawlFailed: the child says that its books do not balance.
        SettingsError: the child refused to start, for example without a contact address.
    """
    archive = work.archive
    summary = archive.read_summary(site_id, run)
    if summary is None:
        orders = give_orders(work, site_id, run, window=window)
        site = _adapt_site(work, site_id, orders, limit, anytime=anytime)
        with _scratch(work.settings, run) as spool:
            summary = _crawl_in_child(work, site, run, orders, spool, on_segment, on_bulk, on_line)
        archive.write_summary(summary)
    _log_summary(summary)
    return Crawled(
        segments=_segment_numbers(archive, site_id, run),
        discovered=summary.discovered,
        captured=summary.captured,
    )


def give_orders(work: Workplace, site_id: str, run: str, *, window: Window | None = None) -> Orders:
    """What kind of run it is: what was said when it began, or what is decided now.

    Raises:
        SettingsError: the window cannot be used.
    """
    site, archive = work.site(site_id), work.archive
    orders = archive.read_orders(site_id, run)
    if orders is None:
        now = work.settings.now()
        if window is not None:
            orders = begin_chunk(archive, site, run, window=window, now=now)
        else:
            orders = begin_run(archive, site, run, now)
        orders = archive.write_orders(site_id, run, orders)
    if orders.mode != "regular":
        days = f" of {orders.since} to {orders.until}" if orders.mode == "backfill" else ""
        log.info("%s is a %s run%s", run, orders.mode, days)
    return orders


def _adapt_site(work: Workplace, site_id: str, orders: Orders, limit: int | None, *, anytime: bool) -> Site:
    """The site with this run's own bounds."""
    now = work.settings.now()
    site = adapt_site(work.site(site_id), now)
    update: dict[str, object] = {} if limit is None else {"fetch_at_most": limit}
    if anytime:
        update["windows"] = ()
    if orders.mode == "backfill":
        update["run_seconds"] = bound_chunk(site, now)
    return site.model_copy(update={"crawl": site.crawl.model_copy(update=update)})


def _crawl_in_child(
    work: Workplace,
    site: Site,
    run: str,
    orders: Orders,
    spool: Path,
    on_segment: Callable[[int], None] | None,
    on_bulk: Callable[[], object] | None,
    on_line: Callable[[str], None] | None,
) -> CrawlSummary:
    archive, settings = work.archive, work.settings
    sealed = archive.segments(site.id, run)
    now = settings.now()
    linked: list[tuple[str, str | None, str]] = []
    with Frontier.open(archive, site) as frontier:
        write_plan(
            spool / "plan.sqlite",
            known=frontier.known(now, site),
            done=_pages_in(archive, site, sealed, spool, linked),
            linked=linked,
            now=now,
            orders=frontier.complete_orders(orders, site, now=now),
            withheld=withheld_urls(archive, site.id),
        )
    remembered, hosts_etag = archive.read_hosts(site.id)
    (spool / HOSTS_NAME).write_bytes(remembered or b"{}")
    (spool / "site.json").write_text(site.model_dump_json(), encoding="utf-8")
    segments = spool / _SEGMENTS
    segments.mkdir()
    first = 1 + max((archive.segment_number(key) for key in sealed), default=-1)
    for key in sealed:
        if on_segment:
            on_segment(archive.segment_number(key))
    # The child dies with the thread that started it (PR_SET_PDEATHSIG), so it is started from here and
    # not from a helper thread.
    child = subprocess.Popen(
        _command(settings, run, spool, first),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=child_environment(),
    )
    last_lines: list[str] = []
    reader = threading.Thread(target=_pass_lines_on, args=(child, last_lines, on_line), daemon=True)
    reader.start()
    latest = time.monotonic() + site.crawl.run_seconds + _OVERTIME_SECONDS
    try:
        while True:
            if time.monotonic() > latest:
                raise CrawlInterrupted(
                    f"The crawl of {site.id} (run {run}) did not end in time and was ended; what it sealed is kept."
                )
            try:
                status = child.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                status = None
            _upload_sealed(archive, site.id, run, segments, on_segment)
            if status is not None:
                break
            if on_bulk and _open_bytes(segments) > _BULK_BYTES:
                on_bulk()
                on_bulk = None
    finally:
        _end(child)
        reader.join(timeout=5)
        if child.stdout is not None:
            child.stdout.close()
        _keep_hosts(archive, site.id, segments / HOSTS_NAME, hosts_etag)
    if status != 0:
        # Not everything that writes says so: a compressor's error has no number.
        short = shutil.disk_usage(spool).free < _LEAST_FREE
        if short or any("No space left on device" in line or "disk is full" in line for line in last_lines):
            raise DiskFull(_put_full(spool.parent, run))
        raise _child_failure(site, run, status, last_lines)
    return CrawlSummary.model_validate_json((segments / SUMMARY_NAME).read_bytes())


def _command(settings: Settings, run: str, spool: Path, first: int) -> list[str]:
    """How the crawl child is started; ``first`` is the number of its first segment."""
    return [
        *(sys.executable, "-m", "spiders"),
        *("--site", str(spool / "site.json")),
        *("--plan", str(spool / "plan.sqlite")),
        *("--spool", str(spool / _SEGMENTS)),
        *("--hosts", str(spool / HOSTS_NAME)),
        *("--run", run),
        *("--first-segment", str(first)),
        *("--segment-mb", str(settings.segment_mb)),
        *("--segment-seconds", str(settings.segment_seconds)),
        *("--contact", settings.contact),
        *("--clock-ahead", str(settings.clock_ahead.total_seconds())),
    ]


def _pages_in(
    archive: Archive, site: Site, keys: Sequence[str], spool: Path, linked: list[tuple[str, str | None, str]]
) -> Iterator[str]:
    """URLs whose page capture lies in sealed segments: an earlier try of this run has them. The documents that these
    pages link go to ``linked``: URL, title, page."""
    for key in keys:
        path = spool / "sealed.warc.gz"
        archive.download_segment(key, path)
        with path.open("rb") as stream:
            for capture in read_captures(stream):
                if capture.kind == "page":
                    linked += ((link.url, link.title, capture.requested) for link in find_documents(site, capture))
                    yield capture.requested
        path.unlink()


def _keep_hosts(archive: Archive, site_id: str, path: Path, etag: str | None) -> None:
    """Store what the child learned of the hosts, however it ended; without it the next run only asks more."""
    try:
        if path.exists():
            archive.replace_hosts(site_id, path.read_bytes(), etag)
    except (OSError, Temporary) as error:
        log.warning("what is known of the hosts of %s was not stored: %s", site_id, error)


def _pass_lines_on(child: subprocess.Popen[str], last_lines: list[str], on_line: Callable[[str], None] | None) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        line = line.rstrip("\n")
        log.info("%s", line)
        last_lines.append(line)
        del last_lines[:-20]
        if on_line:
            on_line(line)


def _open_bytes(folder: Path) -> int:
    """How large the open segment is; 0 where there is none, or where it is sealed while we look."""
    with suppress(FileNotFoundError):
        return sum(path.stat().st_size for path in folder.glob(f"*{OPEN_SUFFIX}"))
    return 0


def _upload_sealed(
    archive: Archive, site_id: str, run: str, folder: Path, on_segment: Callable[[int], None] | None
) -> None:
    for path in sorted(folder.glob(f"*{SEALED_SUFFIX}")):
        number = int(path.name.removesuffix(SEALED_SUFFIX).rsplit("-", 1)[1])
        archive.upload_segment(site_id, run, number, path)
        path.unlink()
        if on_segment:
            on_segment(number)


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_CHILD_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _child_failure(site: Site, run: str, status: int, last_lines: Sequence[str]) -> Exception:
    said = "\n".join(last_lines[-5:])
    if status == Exit.REFUSED:
        return SettingsError(
            f"The crawl of {site.id} refused to start: {said}",
            next_step="Set what the message names, then run again; docs/operators.md lists the settings.",
        )
    if status == Exit.UNBALANCED:
        return CrawlFailed(
            f"The crawl of {site.id} (run {run}) did not record everything it fetched:\n{said}",
            next_step="Look for the first error in this log: a full disk is the usual cause. Then start a new run.",
        )
    ended = f"by signal {-status}" if status < 0 else f"with status {status}"
    return CrawlInterrupted(
        f"The crawl of {site.id} (run {run}) was ended {ended}; its sealed segments are kept. Last lines:\n{said}"
    )


def _segment_numbers(archive: Archive, site_id: str, run: str) -> tuple[int, ...]:
    return tuple(archive.segment_number(key) for key in archive.segments(site_id, run))


def _log_summary(summary: CrawlSummary) -> None:
    """The figures, last; what was found and why something was left out has been told by the child."""
    log.info(
        "crawl of %s: %d discovered, %d captured, %s, %d requests, %.1f MB",
        summary.site,
        summary.discovered,
        summary.captured,
        ", ".join(f"{count} {name}" for name, count in sorted(summary.outcomes.items())) or "nothing left over",
        summary.requests,
        summary.bytes_received / 1e6,
    )


# --- extract ----------------------------------------------------------------------------------------


def _read_pages(processes: int) -> Extractor:
    """Processes that read pages; a context manager."""
    from pipeline.workers import Extractor

    return Extractor(processes)


def learn(work: Workplace, site_id: str, run: str, *, extractor: Extractor | None = None) -> Memory | None:
    """What is known of a site's repeated blocks when this run's pages are read: by earlier runs, and by its own.

    Whoever needs it first, of those that extract the run's segments, looks at some of its pages and writes down what
    follows; the others read that, now and whenever the run is extracted again.

    Args:
        work: the workplace.
        site_id: which site.
        run: id of the run.
        extractor: a pool that is already running; without one, a pool is started for this call.

    Returns:
        None: the site's file says that nothing is to be learned.
    """
    site, archive, now = work.site(site_id), work.archive, work.settings.now()
    if not site.memory:
        return None
    standing = archive.read_lessons(site_id, run, Memory)
    if standing is None:
        summary = archive.read_summary(site_id, run) if _is_import(archive, site_id, run) else None
        if summary is None:
            known = recall(work, site_id)
        else:  # pages of another time have other blocks: only their neighbours tell which
            known, now = Memory(site=site_id), summary.finished
        with ExitStack() as stack:
            spool = stack.enter_context(_scratch(work.settings, run))
            pool = extractor or stack.enter_context(_read_pages(work.settings.processes))
            most = _LEARN_MORE if known.settled else WINDOW
            observed = list(_observe_run(work, site, run, most=most, spool=spool, extractor=pool))
        learned = learn_pages(known, observed, now)
        standing = archive.write_lessons(site_id, run, learned.of_run(site_id, run, observed))
        log.info("learned from %d pages of %d stories: %s", len(observed), learned.stories, learned.summary)
    return standing


def recall(work: Workplace, site_id: str) -> Memory:
    """What is known of a site's repeated blocks from published runs; put together anew where it is lost or damaged."""
    archive = work.archive
    with suppress(ArchiveError):
        memory = archive.read_progress(archive.boilerplate_key(site_id), Memory)
        if memory is not None:
            return memory
    memory = Memory(site=site_id)
    for run in islice(archive.runs(site_id), _RECALLED_RUNS):
        if len(memory.pages) >= WINDOW:
            break
        added = archive.read_lessons(site_id, run, Memory) if archive.read_published(site_id, run) else None
        if added is not None and _teaches(archive, site_id, run):
            memory = join(memory, added, work.settings.now())
    return memory


def _remember(work: Workplace, site_id: str, run: str) -> None:
    """Add what a published run's pages taught to what is known of the site; what is no news to it is left out."""
    archive, now = work.archive, work.settings.now()
    added = archive.read_lessons(site_id, run, Memory)
    if added is None or not added.pages or not _teaches(archive, site_id, run):
        return
    try:
        archive.change_progress(
            archive.boilerplate_key(site_id),
            Memory,
            lambda standing: join(standing or recall(work, site_id), added, now),
            rebuildable=True,
        )
    except WriteConflict as error:
        log.warning("what run %s taught of repeated blocks was not added: %s", run, error)


def _is_import(archive: Archive, site_id: str, run: str) -> bool:
    orders = archive.read_orders(site_id, run)
    return orders is not None and orders.mode == "import"


def _teaches(archive: Archive, site_id: str, run: str) -> bool:
    orders = archive.read_orders(site_id, run)
    return orders is None or orders.teaches


def _observe_run(
    work: Workplace, site: Site, run: str, *, most: int, spool: Path, extractor: Extractor
) -> Iterator[Observed]:
    """A sample of a run's pages as the memory looks at them: always the same one of the same segments."""
    archive = work.archive
    keys = list(archive.numbered_segments(site.id, run).values())
    keys = keys[:: -(-len(keys) // _LEARN_SEGMENTS) or 1]
    sieve = Sieve.read(archive, site.id)  # what must not be read teaches nothing
    pages: list[tuple[bytes, str, int]] = []
    paths: dict[str, Path] = {}
    for place, key in enumerate(keys):
        paths[key] = spool / f"learn-{place:05d}.warc.gz"
        archive.download_segment(key, paths[key])
        for number, capture in _unread(site, paths[key]):
            if sieve.touches(capture):
                continue
            pages.append((hashlib.blake2b(capture.requested.encode(), digest_size=8).digest(), key, number))
    chosen = Counter((key, number) for _, key, number in sorted(pages)[:most])
    for key, path in paths.items():
        wanted = (capture for number, capture in _unread(site, path) if (key, number) in chosen)
        yield from extractor.observe_captures(site, wanted)


def _unread(site: Site, path: Path) -> Iterator[tuple[int, Captured]]:
    """The captures of a segment whose pages have to be read, with their numbers."""
    from pipeline.extract import read_status

    with path.open("rb") as stream:
        for number, capture in enumerate(read_captures(stream)):
            if capture.kind == "page" and read_status(site, capture) is None:
                yield number, capture


def extract(
    work: Workplace, site_id: str, run: str, segment: int, *, extractor: Extractor | None = None
) -> dict[str, int]:
    """Make findings of one segment's captures.

    Args:
        work: the workplace.
        site_id: which site.
        run: id of the run.
        segment: number of the segment; of a re-extraction its place among those that are read again.
        extractor: a pool that is already running; without one, a pool is started for this call.

    Returns:
        How many findings of each kind.

    Raises:
        NotInArchive: a re-extraction has no such segment, or its raw data has expired meanwhile.
    """
    site, archive = work.site(site_id), work.archive
    counts = archive.count_findings(site_id, run, segment)
    if counts is None:
        orders = archive.read_orders(site_id, run)
        key = _key_of_segment(archive, site_id, run, segment, orders)
        with _scratch(work.settings, run) as spool:
            path = spool / "segment.warc.gz"
            archive.download_segment(key, path)
            if orders is None or not orders.reads_again:
                write_part(archive, site_id, run, segment, path, key)  # first: where findings are, the part is
            with ExitStack() as stack:
                pool = extractor or stack.enter_context(_read_pages(work.settings.processes))
                # A run in which nothing has changed has no page to read, and asks for nothing.
                memory = learn(work, site_id, run, extractor=pool) if any(_unread(site, path)) else None
                lessons = memory and memory.to_judge_by()
                found = pool.extract_segment(site, path, key, memory=lessons)
                sieve = Sieve.read(archive, site_id)
                archive.write_findings(site_id, run, segment, sieve.filter(found))
        counts = archive.count_findings(site_id, run, segment) or {}
    log.info("segment %05d: %s", segment, ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "no pages")
    return counts


def _key_of_segment(archive: Archive, site_id: str, run: str, segment: int, orders: Orders | None) -> str:
    """Key of the segment of which a run's findings of that number are."""
    if orders is None or orders.mode != "reextract":
        return archive.segment_key(site_id, run, segment)
    if segment >= len(orders.sources) or archive.store.head(orders.sources[segment]) is None:
        raise NotInArchive(
            f"Run {run} of {site_id} cannot read segment {segment:05d} again: it is not there (any more).",
            next_step="Raw data may have expired meanwhile (keep_raw). Begin anew: muniment reextract --help",
        )
    return orders.sources[segment]


def read_again(work: Workplace, site_id: str, run: str, segment: int) -> Iterator[Finding]:
    """The findings of a segment as its run made them: by the same lessons, and by the code of today."""
    site, archive = work.site(site_id), work.archive
    memory = archive.read_lessons(site_id, run, Memory) if site.memory else None
    with _scratch(work.settings, run) as spool, _read_pages(work.settings.processes) as pool:
        key = _key_of_segment(archive, site_id, run, segment, archive.read_orders(site_id, run))
        path = spool / "segment.warc.gz"
        archive.download_segment(key, path)
        found = pool.extract_segment(site, path, key, memory=memory and memory.to_judge_by())
        yield from Sieve.read(archive, site_id).filter(found)


# --- check ------------------------------------------------------------------------------------------


def check(work: Workplace, site_id: str, run: str) -> Report:
    """Hold a run against its limits and write its report.

    Raises:
        RunRejected: the verdict is "reject"; the report is written and nothing of the run is published.
        NotInArchive: the run was not crawled, or a segment of it was not extracted.
    """
    site, archive = work.site(site_id), work.archive
    report = archive.read_report(site_id, run)
    if report is None:
        summary = archive.read_summary(site_id, run)
        if summary is None and not _reads_again(archive, site_id, run):
            raise NotInArchive(
                f"Run {run} of {site_id} has no crawl.json.", next_step="Run its crawl step first, or again."
            )
        for segment in archive.numbered_segments(site_id, run):
            if archive.count_findings(site_id, run, segment) is None:
                raise NotInArchive(
                    f"Segment {segment:05d} of run {run} of {site_id} is not extracted.",
                    next_step=f"Run its extract step: `muniment extract-segment {site_id} {run} {segment}`.",
                )
        report = archive.write_report(_judge(work, site, run, summary))
    note_run(archive, site_id, run, now=work.settings.now())
    for item in report.checks:
        log.log(
            logging.INFO if item.verdict == "accept" else logging.WARNING,
            "%-7s %-16s %s",
            item.verdict,
            item.name,
            item.message,
        )
    if report.diagnosis is not None:
        from pipeline.diagnosis import tell

        for line in tell(report.diagnosis, steps=report.verdict != "reject"):
            log.warning("%s", line)
    if report.verdict == "reject" and (release := _find_release(archive, site_id, run)) is not None:
        log.warning("verdict: reject. %s It was released by %s: %s", report.message, release.by, release.reason)
        return report
    if report.verdict == "reject":
        clean_run(archive, site_id, run, now=work.settings.now())
        record_run(archive, site_id, run, published=None, now=work.settings.now(), message=report.message)
        stop_backfill(archive, site_id, run, report.message)
        raise RunRejected(report.message, next_step=_put_steps(report))
    log.info("verdict: %s. %s", report.verdict, report.message)
    return report


def _put_steps(report: Report) -> str:
    """What to do about a refused run, a line each: the last that an operator reads of it."""
    if report.diagnosis is None or not report.diagnosis.steps:
        return f"Read the checks above and docs/operators.md#a-rejected-run; `muniment status {report.site}`."
    return "\nThen: ".join(report.diagnosis.steps)


def _reads_again(archive: Archive, site_id: str, run: str) -> bool:
    orders = archive.read_orders(site_id, run)
    return orders is not None and orders.reads_again


def _judge(work: Workplace, site: Site, run: str, summary: CrawlSummary | None) -> Report:
    """The gate's report, as strict as this kind of run deserves; without a summary: of what was published before."""
    from pipeline.check import check_run

    archive, now = work.archive, work.settings.now()
    orders = archive.read_orders(site.id, run) or Orders()
    if orders.mode == "reextract":
        comparison = compare_run(archive, site.id, run)
        log.info("%s", describe_comparison(comparison))
        if summary is None:
            return judge_again(comparison)
    crawled = orders.of[0] if orders.unpublished else run  # with whose captures, and in whose time
    kind = (archive.read_orders(site.id, crawled) or Orders()).mode if orders.unpublished else orders.mode
    assert summary is not None
    history: list[Report] = []
    normal: Normal | None = None
    if kind in ("backfill", "import"):
        site = relax_limits(site)
    else:
        history = archive.accepted_reports(site.id, before=crawled, most=HISTORY)
        normal = read_normal(archive, site.id)
    report = check_run(site, summary, archive.read_findings(site.id, run), history, normal)
    report = excuse_closing(site, report, now).model_copy(update={"mode": orders.mode})
    return _explain(work, site, summary, report, history)


def _explain(work: Workplace, site: Site, summary: CrawlSummary, report: Report, history: Sequence[Report]) -> Report:
    """The report with what is the matter, where it is refused, or warned of and that can be told."""
    if report.verdict == "warn" and report.mode not in ("regular", "full"):
        return report
    from pipeline.diagnosis import diagnose_run

    diagnosis = diagnose_run(work.archive, site, summary, report, history=history)
    if diagnosis is None:
        return report
    return report.model_copy(update={"diagnosis": diagnosis, "message": f"{diagnosis.sentence} {report.message}"})


# --- publish ----------------------------------------------------------------------------------------


def publish(work: Workplace, site_id: str, run: str) -> Published:
    """Make an accepted run visible to readers.

    Raises:
        RunRejected: the gate refused the run.
        NotInArchive: the run was never checked.
        WriteConflict, StoreUnavailable: try again.
    """
    site, archive = work.site(site_id), work.archive
    report = archive.read_report(site_id, run)
    if report is None:
        raise NotInArchive(f"Run {run} of {site_id} has no report.", next_step="Run its check step first.")
    if report.verdict == "reject" and _find_release(archive, site_id, run) is None:
        raise RunRejected(report.message, next_step="A rejected run is not published; see its report.")
    if report.site != site_id or report.run != run:
        raise ArchiveError(
            f"The report under {archive.report_key(site_id, run)} is of {report.site} {report.run}.",
            next_step="Something overwrote it; compare with the store's log.",
        )
    orders = archive.read_orders(site_id, run) or Orders()
    if orders.reads_again:
        published = publish_again(archive, site, run, now=work.settings.now())
    else:
        _claim(work, site_id, run, orders)
        with Rereader(archive, site, run, processes=work.settings.processes) as rereader:
            published = publish_run(archive, site, run, now=work.settings.now(), reread=rereader)
    _hand_on(work, site, run)
    _remember(work, site_id, run)
    learn_normal(archive, report, zone=site.timezone)
    note_run(archive, site_id, run, now=work.settings.now())
    log.info(
        "published %s: %s; versions: %s",
        run,
        ", ".join(f"{count} {name}" for name, count in sorted(published.outcomes.items()) if count) or "nothing",
        ", ".join(f"{count} {name}" for name, count in sorted(published.versions.items()) if count) or "none",
    )
    return published


def _claim(work: Workplace, site_id: str, run: str, orders: Orders) -> None:
    """Make sure that nobody else publishes what a rejected run captured, before its re-extraction does."""
    for rejected in runs_to_claim(orders):
        claim_run(work.archive, site_id, rejected, into=run, now=work.settings.now())
        note_run(work.archive, site_id, rejected, now=work.settings.now())


def _find_release(archive: Archive, site_id: str, run: str) -> Release | None:
    """Who released a rejected run to be published; None: nobody, or a re-extraction publishes what it captured."""
    release = archive.read_release(site_id, run)
    return release if release is not None and release.into is None else None


def release(work: Workplace, site_id: str, run: str, *, by: str, reason: str) -> Published:
    """Publish a run that the gate refused, because somebody says that it is right; called again, it goes on.

    Args:
        work: the workplace.
        site_id: which site.
        run: id of the rejected run; whether newer ones are published meanwhile does not matter.
        by: who releases it.
        reason: why; stands in the journal for ever.

    Raises:
        NotInArchive, ArchiveError: it cannot be released; the message says why.
        WriteConflict, StoreUnavailable: try again.
    """
    standing = release_run(work.archive, site_id, run, by=by, reason=reason, now=work.settings.now())
    log.info("run %s of %s was released by %s: %s", run, site_id, standing.by, standing.reason)
    return publish(work, site_id, run)


class Rereader:
    """Reads captures of earlier versions as a run's pages were read. A context manager; most runs ask it nothing.

    The publisher's threads ask for one each. Whoever comes first while nobody reads has all read that wait by then, so
    that a run whose recipe has changed keeps all processes at work.
    """

    def __init__(self, archive: Archive, site: Site, run: str, *, processes: int) -> None:
        self._archive, self._site, self._run, self._processes = archive, site, run, processes
        self._opened = ExitStack()
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[tuple[Captured, Future[Article | None]]] = SimpleQueue()

    def __call__(self, version: Version) -> Article | None:
        """What the version's capture gives now; None: it is not to be had, or a browser drew the page."""
        evidence = version.evidence
        if evidence.record_type != "response" or evidence.rendered_digest is not None or version.kind == "document":
            return None
        try:
            record = self._archive.read_record(evidence)
        except (KeyMissing, ArchiveError) as error:
            log.warning("version %d of %s cannot be read again: %s", version.n, version.url, error)
            return None
        capture = next((each for each in read_captures(io.BytesIO(record)) if each.kind == "page"), None)
        if capture is None:
            return None
        hops = tuple(Hop(*hop) for hop in version.hops)
        answer: Future[Article | None] = Future()
        self._waiting.put((replace(capture, requested=version.requested_url, hops=hops), answer))
        with self._lock:
            if not answer.done():
                self._read()
        return self._sieve.clean_article(answer.result(), version)

    def _read(self) -> None:
        """Read all that wait."""
        some: list[tuple[Captured, Future[Article | None]]] = []
        with suppress(Empty):
            while True:
                some.append(self._waiting.get_nowait())
        # No key of a segment: it would tell the workers all anew for each, and nobody asks for the evidence.
        captures = [capture for capture, _ in some]
        findings = self._extractor.extract_captures(self._site, captures, "", memory=self._memory)
        try:
            for (_, answer), finding in zip(some, findings, strict=True):
                answer.set_result(finding.article)
        except BaseException as error:
            for _, answer in some:
                if not answer.done():
                    answer.set_exception(error)
            raise

    @cached_property
    def _extractor(self) -> Extractor:
        return self._opened.enter_context(_read_pages(self._processes))

    @cached_property
    def _sieve(self) -> Sieve:
        return Sieve.read(self._archive, self._site.id)

    @cached_property
    def _memory(self) -> Memory | None:
        memory = self._archive.read_lessons(self._site.id, self._run, Memory)
        return memory and memory.to_judge_by()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._opened.close()


def _hand_on(work: Workplace, site: Site, run: str) -> None:
    """Note how far a walk or a full capture came with this run, for the next one to go on."""
    archive, now = work.archive, work.settings.now()
    orders, summary = archive.read_orders(site.id, run), archive.read_summary(site.id, run)
    if orders is None or summary is None:
        return
    if orders.mode == "backfill":
        standing = end_chunk(archive, site, run, summary, archive.read_findings(site.id, run), now)
        if standing is not None:
            log.info("backfill of %s to %s: %s", standing.since, standing.until, tell_progress(standing).message)
    elif orders.mode == "full" or orders.walk is not None:
        with Frontier.open(archive, site) as frontier:
            capture = end_run(archive, site, run, orders, summary, frontier.known(now, site), now)
        if capture is not None and capture.since is not None:
            log.info("%s", capture.message)


# --- all of it --------------------------------------------------------------------------------------


class Progress:
    """What ``run_site`` tells while it works. Override what you want to show; this one shows nothing."""

    def line(self, text: str) -> None:
        """The crawl child logged a line."""

    def step(self, name: str) -> None:
        """A step begins: "crawl", "extract", "check", "publish"."""

    def segments(self, extracted: int, sealed: int) -> None:
        """So many of the segments in the archive are extracted."""


def run_site(
    work: Workplace,
    site_id: str,
    run: str,
    *,
    limit: int | None = None,
    anytime: bool = False,
    window: Window | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """All steps of one run in this process, as ``muniment run`` does them.

    Segments are extracted while the crawl goes on; otherwise this is what the DAG does.

    Raises:
        RunRejected and all that the steps raise.
    """
    progress = progress or Progress()
    started = datetime.now(UTC)
    seconds: dict[str, float] = {}

    def end_step(name: str) -> None:
        nonlocal started
        now = datetime.now(UTC)
        seconds[name], started = (now - started).total_seconds(), now

    with _read_pages(work.settings.processes) as extractor, ThreadPoolExecutor(1, "extract") as queue:
        jobs: list[Future[dict[str, int]]] = []

        # Of a site that is not known yet all pages of the run are to teach before the first one is read.
        known = not work.site(site_id).memory or recall(work, site_id).settled

        def extract_soon(segment: int) -> None:
            if known:
                jobs.append(queue.submit(extract, work, site_id, run, segment, extractor=extractor))
            progress.segments(sum(job.done() for job in jobs), len(jobs))

        progress.step("crawl")
        crawled = crawl(
            work,
            site_id,
            run,
            limit=limit,
            anytime=anytime,
            window=window,
            on_segment=extract_soon,
            on_bulk=lambda: queue.submit(extractor.warm_up),
            on_line=progress.line,
        )
        end_step("crawl")
        progress.step("extract")
        known = True
        if not jobs:  # they waited, or the crawl had ended before and nobody announced its segments
            for segment in crawled.segments:
                extract_soon(segment)
        found: Counter[str] = Counter()
        for number, job in enumerate(jobs, 1):
            found.update(job.result())
            progress.segments(number, len(jobs))
        end_step("extract")
    progress.step("check")
    report = check(work, site_id, run)
    end_step("check")
    progress.step("publish")
    published = publish(work, site_id, run)
    end_step("publish")
    return RunResult(site=site_id, run=run, report=report, published=published, seconds=seconds)


# --- a backfill -------------------------------------------------------------------------------------


def run_backfill(
    work: Workplace,
    site_id: str,
    window: Window,
    *,
    limit: int | None = None,
    again: bool = False,
    anytime: bool = False,
    progress: Progress | None = None,
    on_chunk: Callable[[Backfill], None] | None = None,
) -> Backfill:
    """Fetch what a site published in a window of the past, chunk by chunk, until its start is passed.

    It ends early where the site asks to be left alone. Called again after an interruption it goes on: with the chunk
    that was under way, then with the next.

    Args:
        work: the workplace.
        site_id: which site.
        window: the days that are wanted; without a last one: until today.
        limit: end after so many fetched pages; the next call goes on.
        again: walk anew where this window was finished before.
        anytime: wait neither for a regular run of the site that is due or under way, nor for its crawl windows.
        progress: told of what each chunk does.
        on_chunk: called after each chunk with how far it came.

    Returns:
        How far it has come.

    Raises:
        AlreadyRunning: another process of this machine walks the same site.
        RunRejected and all that the steps raise.
    """
    with _one_backfill(work.settings, work.site(site_id)):
        return _walk_window(
            work, site_id, window, limit, progress or Progress(), on_chunk, again=again, anytime=anytime
        )


@contextmanager
def _one_backfill(settings: Settings, site: Site) -> Iterator[None]:
    """Hold what only one backfill of a site on this machine can have: two would take up the same run."""
    path = settings.home.expanduser() / "locks" / f"backfill-{site.id}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:  # the kernel lets go of it, however the process ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"Another backfill of {site.id} is under way on this machine. Wait until it ends, or end it: "
                "the same command goes on where it was."
            ) from None
        yield


def _walk_window(
    work: Workplace,
    site_id: str,
    window: Window,
    limit: int | None,
    progress: Progress,
    on_chunk: Callable[[Backfill], None] | None,
    *,
    again: bool,
    anytime: bool,
) -> Backfill:
    """As ``run_backfill``."""
    site, archive = work.site(site_id), work.archive
    window = Window(since=window.since, until=window.until or work.settings.now().date())
    standing = read_backfill(archive, site_id)
    left = limit
    while True:
        ours = standing is not None and (standing.since, standing.until) == (window.since, window.until)
        if standing is not None and ours and standing.finished_at and not again:
            return standing
        if standing is not None and ours and standing.not_before and standing.not_before > work.settings.now():
            return standing  # its hosts asked to be left alone: a chunk would be empty
        interrupted = standing.run if standing is not None and ours else None
        run = interrupted or new_run(work.settings)
        if not anytime:
            _give_way(work, site, run, progress)
        most = site.crawl.fetch_at_most if left is None else min(left, site.crawl.fetch_at_most)
        run_site(work, site_id, run, limit=most, anytime=anytime, window=window, progress=progress)
        standing, again = read_backfill(archive, site_id), False
        if standing is None:
            raise ArchiveError(f"The backfill of {site_id} is gone.", next_step="Give the order again.")
        if on_chunk:
            on_chunk(standing)
        if left is not None:
            summary = archive.read_summary(site_id, run)
            left -= summary.captured if summary else 0
        if not standing.unfinished or (left is not None and left <= 0):
            return standing


def find_unfinished(work: Workplace, site_id: str) -> Backfill | None:
    """The backfill of a site that wants another chunk; None: there is none."""
    standing = read_backfill(work.archive, site_id)
    return standing if standing is not None and standing.unfinished else None


def _give_way(work: Workplace, site: Site, run: str, progress: Progress) -> None:
    """Wait while a regular run of the site is under way or due, or the site is not to be crawled at this hour."""
    told = None
    while why := find_regular_run(work, site, work.settings.now()) or find_closed_window(work, site.id, run):
        if why != told:
            log.info("the backfill waits: %s", why)
            progress.line(f"waits: {why}")
            told = why
        time.sleep(_GIVE_WAY_SECONDS)


def find_regular_run(work: Workplace, site: Site, now: datetime) -> str | None:
    """Why a backfill has to wait, in words; None when it may go on."""
    archive = work.archive
    for run in islice(archive.runs(site.id), _LOOK_BACK):
        orders = archive.read_orders(site.id, run)
        if orders is None or orders.mode in ("backfill", "import", "reextract"):
            continue
        began = datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lasts = timedelta(seconds=site.crawl.run_seconds) + _RUN_MARGIN
        if now - began < lasts and archive.read_report(site.id, run) is None and _is_alive(work, site.id, run):
            return f"run {run} is under way"
        due = last_due(site, now)
        before = last_due(site, due - timedelta(seconds=1))
        if began < due and now - due < _DUE_MARGIN and began >= before - _DUE_MARGIN:
            return f"the run of {due:%H:%M}Z is due"
        return None
    return None


def _is_alive(work: Workplace, site_id: str, run: str) -> bool:
    """Whether a crawl has written anything lately: it uploads a segment every few minutes."""
    keys = [work.archive.orders_key(site_id, run), *work.archive.segments(site_id, run)[-1:]]
    heads = [head for key in keys if (head := work.archive.store.head(key)) is not None]
    newest = max((head.modified for head in heads), default=datetime.min.replace(tzinfo=UTC))
    return datetime.now(UTC) - newest < timedelta(seconds=work.settings.segment_seconds) + _DUE_MARGIN


# --- a re-extraction --------------------------------------------------------------------------------


def plan_again(
    work: Workplace,
    site_id: str,
    run: str,
    *,
    of: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> range:
    """Say what a re-extraction reads again (``pipeline.reextract.plan_reextraction``); numbers of its segments."""
    work.site(site_id)
    orders = plan_reextraction(work.archive, site_id, run, of=of, since=since, until=until)
    what = "a rejected run's captures" if orders.unpublished else f"captures of {len(orders.of)} runs"
    log.info("%s reads %s of %s again, in %d segments", run, what, site_id, len(orders.sources))
    return range(len(orders.sources))


def compare(work: Workplace, site_id: str, run: str) -> Comparison:
    """Hold what a re-extraction reads against what these captures gave before.

    Raises:
        NotInArchive: it is no re-extraction, or a segment of it is not extracted.
    """
    comparison = compare_run(work.archive, site_id, run)
    log.info("%s", describe_comparison(comparison))
    return comparison


@dataclass(frozen=True, kw_only=True)
class Reextracted:
    """What ``reextract_run`` did; without a report: it was only compared."""

    site: str
    run: str
    comparison: Comparison
    report: Report | None = None
    published: Published | None = None


def reextract_run(
    work: Workplace, site_id: str, run: str, *, compare_only: bool = False, progress: Progress | None = None
) -> Reextracted:
    """All steps of a re-extraction that is planned, in this process; called again it goes on.

    Raises:
        RunRejected and all that the steps raise.
    """
    progress = progress or Progress()
    numbers = plan_again(work, site_id, run)
    progress.step("extract")
    with _read_pages(work.settings.processes) as extractor:
        for number in numbers:
            extract(work, site_id, run, number, extractor=extractor)
            progress.segments(number + 1, len(numbers))
    progress.step("check")
    comparison = compare(work, site_id, run)
    if compare_only:
        return Reextracted(site=site_id, run=run, comparison=comparison)
    report = check(work, site_id, run)
    progress.step("publish")
    published = publish(work, site_id, run)
    return Reextracted(site=site_id, run=run, comparison=comparison, report=report, published=published)


# --- an import --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ImportedRun:
    """What became of one run of an import."""

    run: str
    captures: int  # pages of the files that are its
    since: datetime
    until: datetime
    state: Literal["published", "published before", "rejected", "nothing new", "planned"]
    message: str = ""  # the gate's
    outcomes: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImportedSite:
    """What an import came to for a site."""

    site: str
    captures: int
    skipped: dict[str, int]  # records of the site that were left out: reason -> how many
    examples: dict[str, list[str]]
    runs: list[ImportedRun]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import came to."""

    inputs: list[Input]
    elsewhere: dict[str, int]  # records of no site: reason -> how many
    sites: list[ImportedSite]

    @property
    def rejected(self) -> list[ImportedRun]:
        """The runs that the gate refused."""
        return [run for site in self.sites for run in site.runs if run.state == "rejected"]


def run_import(
    work: Workplace,
    files: Sequence[str],
    *,
    site_ids: Sequence[str] = (),
    dry_run: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Imported:
    """Import WARC and WACZ files: all that is in them of the declared sites' articles. Again it adds nothing.

    Args:
        work: the workplace.
        files: paths, or ``s3://bucket/key`` in the archive's store.
        site_ids: only these sites; empty: all.
        dry_run: only look what there is.
        tell: told in words what is done.

    Returns:
        What it came to; runs that the gate rejected are in it, and raise nothing.

    Raises:
        SettingsError: a file is no WARC and no WACZ, or cannot be read.
        All that the steps raise but RunRejected.
    """
    from pipeline.intake import Survey

    say = tell or log.info
    sites = [work.site(site_id) for site_id in dict.fromkeys(site_ids)] or list(work.sites.values())
    with ExitStack() as stack:
        spool = stack.enter_context(_scratch(work.settings, "import"))
        survey = stack.enter_context(Survey(sites, spool, work.settings.now()))
        survey.read(
            {_fetch(work, file, spool, number): file.rsplit("/", 1)[-1] for number, file in enumerate(files)},
            lambda name, records: say(f"{name}: {records} records read"),
        )
        extractor = stack.enter_context(_read_pages(work.settings.processes))
        done = [
            _import_site(work, survey, site, spool, extractor, say, dry_run=dry_run)
            for site in sites
            if survey.plan(site.id) or survey.skipped[site.id].reasons
        ]
        return Imported(inputs=survey.inputs, elsewhere=dict(survey.elsewhere.reasons.most_common()), sites=done)


def _fetch(work: Workplace, file: str, spool: Path, number: int) -> Path:
    """A file on this machine."""
    if not file.startswith("s3://"):
        return Path(file)
    bucket, _, key = file.removeprefix("s3://").partition("/")
    path = spool / f"input-{number}"
    try:
        connect(work.settings, bucket).download_file(key, path)
    except (KeyMissing, BucketMissing) as error:
        raise SettingsError(f"{file} is not there.", next_step="Name an object of the archive's store.") from error
    return path


def _import_site(
    work: Workplace,
    survey: Survey,
    site: Site,
    spool: Path,
    extractor: Extractor,
    say: Callable[[str], None],
    *,
    dry_run: bool,
) -> ImportedSite:
    from pipeline.intake import find_neighbours

    archive, planned = work.archive, survey.plan(site.id)
    runs: list[ImportedRun] = []
    done = {each.run for each in planned if archive.read_published(site.id, each.run) is not None}
    if len(done) < len(planned):
        survey.resolve_by_archive(archive, site.id)
        survey.hold_against(archive, site.id, find_neighbours(archive, site.id, planned))
    for each in planned:
        if each.run in done:
            runs.append(_tell_run(archive, each, "published before"))
        elif archive.read_orders(site.id, each.run) is None and not survey.count_left(each):
            runs.append(_tell_run(archive, each, "nothing new"))
        elif dry_run:
            runs.append(_tell_run(archive, each, "planned"))
        else:
            say(f"{site.id}: run {each.run}, {each.captures} captures from {each.since:%Y-%m-%d %H:%M}Z on")
            runs.append(_import_run(work, survey, each, spool, extractor))
            if runs[-1].state == "rejected":
                break  # what follows may rest on it: a revisit has no text of its own
    skipped = survey.skipped[site.id]
    return ImportedSite(
        site=site.id,
        captures=sum(each.captures for each in planned),
        skipped=dict(skipped.reasons.most_common()),
        examples=skipped.examples,
        runs=runs,
    )


def _import_run(work: Workplace, survey: Survey, planned: Planned, spool: Path, extractor: Extractor) -> ImportedRun:
    """The steps of one run of an import: those of any run, but that its captures come out of files."""
    from pipeline.intake import write_run

    site_id, run = planned.site.id, planned.run
    write_run(work.archive, survey, planned, spool)
    for segment in _segment_numbers(work.archive, site_id, run):
        extract(work, site_id, run, segment, extractor=extractor)
    try:
        check(work, site_id, run)
    except RunRejected:
        return _tell_run(work.archive, planned, "rejected")
    publish(work, site_id, run)
    return _tell_run(work.archive, planned, "published")


def _tell_run(
    archive: Archive,
    planned: Planned,
    state: Literal["published", "published before", "rejected", "nothing new", "planned"],
) -> ImportedRun:
    site_id, run = planned.site.id, planned.run
    report = None if state in ("nothing new", "planned") else archive.read_report(site_id, run)
    published = archive.read_published(site_id, run) if state in ("published", "published before") else None
    return ImportedRun(
        run=run,
        captures=planned.captures,
        since=planned.since,
        until=planned.until,
        state=state,
        message=report.message if report else "",
        outcomes={name: count for name, count in published.outcomes.items() if count} if published else {},
        versions=dict(published.versions) if published else {},
    )


@contextmanager
def _scratch(settings: Settings, run: str) -> Iterator[Path]:
    if settings.scratch is not None:
        settings.scratch.mkdir(parents=True, exist_ok=True)
    try:
        folder = tempfile.TemporaryDirectory(prefix=f"muniment-{run}-", dir=settings.scratch)
    except OSError as error:
        raise SettingsError(
            f"No scratch folder can be made in {settings.scratch or tempfile.gettempdir()}: {error}.",
            next_step="Set MUNIMENT_SCRATCH to a folder that can be written.",
        ) from error
    with folder as name:
        try:
            yield Path(name)
        except (OSError, sqlite3.Error, StoreUnavailable) as error:
            if not _is_full(error, Path(name)):
                raise
            raise DiskFull(_put_full(Path(name).parent, run)) from error


def _is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error means that the disk of a folder is full: by its own words, or by those of what it came from."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(cause, sqlite3.Error) and "full" in str(cause):
            return True
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, sqlite3.Error | OSError) and shutil.disk_usage(folder).free < _LEAST_FREE


def _put_full(folder: Path, run: str) -> str:
    free = shutil.disk_usage(folder).free / 1e6
    return (
        f"The disk of this machine's scratch folder {folder} is full ({free:.1f} MB free on {socket.gethostname()}); "
        "nothing is wrong with the site. Make room there, or set MUNIMENT_SCRATCH to a larger disk. The next try "
        f"goes on with run {run}: what it has sealed and stored is kept."
    )
