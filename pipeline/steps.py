"""The steps of a run: crawl, extract, check, publish. Airflow's tasks and the CLI call these functions.

    crawl    → WARC segments and crawl.json        (a child process fetches; we upload what it seals)
    extract  → extracted-<nnnnn>.jsonl.zst         (once per segment)
    check    → report.json, and a verdict
    publish  → versions, table, frontier, published.json

Each step reads from the archive and writes to the archive, so any of them can be killed at any
instruction and called again with the same arguments, on any machine. Nothing but ids and counts is
returned. What the steps decide stands in the modules they call; this one only puts them in order.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.archive import Archive, open_archive
from pipeline.check import check_run
from pipeline.errors import (
    ArchiveError,
    CrawlFailed,
    CrawlInterrupted,
    NotInArchive,
    RunRejected,
    SettingsError,
    SiteFileError,
)
from pipeline.extract import Extractor
from pipeline.frontier import Frontier
from pipeline.model import Published, Report, run_id
from pipeline.publish import publish_run
from pipeline.settings import Settings, child_environment
from spiders.protocol import SUMMARY_NAME, CrawlSummary, Exit, write_plan
from spiders.site import BUILTIN_FOLDER, Site, SiteError, load_sites
from spiders.warc import read_captures

log = logging.getLogger("muniment")

HISTORY = 30
"""How many accepted earlier reports the gate compares a run with."""

_POLL_SECONDS = 0.2
_CHILD_GRACE_SECONDS = 20.0


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


def crawl(
    work: Workplace,
    site_id: str,
    run: str,
    *,
    limit: int | None = None,
    on_segment: Callable[[int], None] | None = None,
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
        on_segment: called with a segment's number as soon as it is in the archive.
        on_line: called with each line that the crawl child logs.

    Raises:
        CrawlInterrupted: the child was ended before it had finished; what it sealed is kept.
        CrawlFailed: the child says that its books do not balance.
        SettingsError: the child refused to start, for example without a contact address.
    """
    site, archive = work.site(site_id), work.archive
    if limit is not None:
        site = site.model_copy(update={"crawl": site.crawl.model_copy(update={"fetch_at_most": limit})})
    summary = archive.read_summary(site_id, run)
    if summary is None:
        with _scratch(work.settings, run) as spool:
            summary = _crawl_in_child(work, site, run, spool, on_segment, on_line)
        archive.write_summary(summary)
    _log_summary(summary)
    return Crawled(
        segments=_segment_numbers(archive, site_id, run),
        discovered=summary.discovered,
        captured=summary.captured,
    )


def _crawl_in_child(
    work: Workplace,
    site: Site,
    run: str,
    spool: Path,
    on_segment: Callable[[int], None] | None,
    on_line: Callable[[str], None] | None,
) -> CrawlSummary:
    archive, settings = work.archive, work.settings
    sealed = archive.segments(site.id, run)
    now = settings.now()
    with Frontier.open(archive, site) as frontier:
        write_plan(
            spool / "plan.sqlite",
            known=frontier.known(now, site),
            done=_pages_in(archive, sealed, spool),
            now=now,
        )
    (spool / "site.json").write_text(site.model_dump_json(), encoding="utf-8")
    segments = spool / "segments"
    segments.mkdir()
    first = 1 + max((archive.segment_number(key) for key in sealed), default=-1)
    for key in sealed:
        if on_segment:
            on_segment(archive.segment_number(key))
    command = [
        *(sys.executable, "-m", "spiders"),
        *("--site", str(spool / "site.json")),
        *("--plan", str(spool / "plan.sqlite")),
        *("--spool", str(segments)),
        *("--run", run),
        *("--first-segment", str(first)),
        *("--segment-mb", str(settings.segment_mb)),
        *("--segment-seconds", str(settings.segment_seconds)),
        *("--contact", settings.contact),
        *("--clock-ahead", str(settings.clock_ahead.total_seconds())),
    ]
    # The child dies with the thread that started it (PR_SET_PDEATHSIG), so it is started from here and
    # not from a helper thread.
    child = subprocess.Popen(
        command,
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
    try:
        while True:
            try:
                status = child.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                status = None
            _upload_sealed(archive, site.id, run, segments, on_segment)
            if status is not None:
                break
    finally:
        _end(child)
        reader.join(timeout=5)
        if child.stdout is not None:
            child.stdout.close()
    if status != 0:
        raise _child_failure(site, run, status, last_lines)
    return CrawlSummary.model_validate_json((segments / SUMMARY_NAME).read_bytes())


def _pages_in(archive: Archive, keys: Sequence[str], spool: Path) -> Iterator[str]:
    """URLs whose page capture lies in sealed segments: an earlier try of this run has them."""
    for key in keys:
        path = spool / "sealed.warc.gz"
        archive.download_segment(key, path)
        with path.open("rb") as stream:
            yield from (capture.requested for capture in read_captures(stream) if capture.kind == "page")
        path.unlink()


def _pass_lines_on(child: subprocess.Popen[str], last_lines: list[str], on_line: Callable[[str], None] | None) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        line = line.rstrip("\n")
        log.info("%s", line)
        last_lines.append(line)
        del last_lines[:-20]
        if on_line:
            on_line(line)


def _upload_sealed(
    archive: Archive, site_id: str, run: str, folder: Path, on_segment: Callable[[int], None] | None
) -> None:
    for path in sorted(folder.glob("*.warc.gz")):
        number = int(path.name.removesuffix(".warc.gz").rsplit("-", 1)[1])
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


def extract(
    work: Workplace, site_id: str, run: str, segment: int, *, extractor: Extractor | None = None
) -> dict[str, int]:
    """Make findings of one segment's captures.

    Args:
        work: the workplace.
        site_id: which site.
        run: id of the run.
        segment: number of the segment.
        extractor: a pool that is already running; without one, a pool is started for this call.

    Returns:
        How many findings of each kind.
    """
    site, archive = work.site(site_id), work.archive
    counts = archive.count_findings(site_id, run, segment)
    if counts is None:
        key = archive.segment_key(site_id, run, segment)
        with _scratch(work.settings, run) as spool:
            path = spool / "segment.warc.gz"
            archive.download_segment(key, path)
            if extractor is None:
                with Extractor(work.settings.processes) as own:
                    archive.write_findings(site_id, run, segment, own.extract_segment(site, path, key))
            else:
                archive.write_findings(site_id, run, segment, extractor.extract_segment(site, path, key))
        counts = archive.count_findings(site_id, run, segment) or {}
    log.info("segment %05d: %s", segment, ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "no pages")
    return counts


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
        if summary is None:
            raise NotInArchive(
                f"Run {run} of {site_id} has no crawl.json.", next_step="Run its crawl step first, or again."
            )
        for segment in _segment_numbers(archive, site_id, run):
            if archive.count_findings(site_id, run, segment) is None:
                raise NotInArchive(
                    f"Segment {segment:05d} of run {run} of {site_id} is not extracted.",
                    next_step=f"Run its extract step: `muniment extract-segment {site_id} {run} {segment}`.",
                )
        history = archive.accepted_reports(site_id, before=run, most=HISTORY)
        report = archive.write_report(check_run(site, summary, archive.read_findings(site_id, run), history))
    for item in report.checks:
        log.log(
            logging.INFO if item.verdict == "accept" else logging.WARNING,
            "%-7s %-16s %s",
            item.verdict,
            item.name,
            item.message,
        )
    if report.verdict == "reject":
        raise RunRejected(
            report.message,
            next_step=f"Read the checks above and docs/operators.md#a-rejected-run; `muniment status {site_id}`.",
        )
    log.info("verdict: %s. %s", report.verdict, report.message)
    return report


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
    if report.verdict == "reject":
        raise RunRejected(report.message, next_step="A rejected run is not published; see its report.")
    if report.site != site_id or report.run != run:
        raise ArchiveError(
            f"The report under {archive.report_key(site_id, run)} is of {report.site} {report.run}.",
            next_step="Something overwrote it; compare with the store's log.",
        )
    published = publish_run(archive, site, run, now=work.settings.now())
    log.info(
        "published %s: %s; versions: %s",
        run,
        ", ".join(f"{count} {name}" for name, count in sorted(published.outcomes.items()) if count) or "nothing",
        ", ".join(f"{count} {name}" for name, count in sorted(published.versions.items()) if count) or "none",
    )
    return published


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
    work: Workplace, site_id: str, run: str, *, limit: int | None = None, progress: Progress | None = None
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

    with Extractor(work.settings.processes) as extractor, ThreadPoolExecutor(1, "extract") as queue:
        jobs: list[Future[dict[str, int]]] = []

        def extract_soon(segment: int) -> None:
            jobs.append(queue.submit(extract, work, site_id, run, segment, extractor=extractor))
            progress.segments(sum(job.done() for job in jobs), len(jobs))

        progress.step("crawl")
        crawled = crawl(work, site_id, run, limit=limit, on_segment=extract_soon, on_line=progress.line)
        end_step("crawl")
        progress.step("extract")
        if not jobs:  # the crawl had ended before: nobody announced its segments
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
        yield Path(name)
