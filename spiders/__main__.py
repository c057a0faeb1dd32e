"""The crawl child: ``python -m spiders --site SITE.json --plan PLAN --spool DIR --run RUN …``.

A process of its own, because Twisted's reactor starts once per process. Its log is its standard output, one plain line
each; its results are sealed segments and ``crawl.json`` in the spool; its exit status is honest (see
``spiders.protocol.Exit``). It ends with its parent, so that a retry never crawls beside it. SIGTERM seals the open
segment and ends with 143.

The kernel ends the child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG): start it from a thread
that waits for it.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import importlib.util
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from scrapy.crawler import AsyncCrawlerProcess

from spiders.capture import Tally
from spiders.hosts import read_hosts
from spiders.job import Job
from spiders.protocol import HOSTS_NAME, SUMMARY_NAME, CrawlSummary, Exit, Plan
from spiders.render import BROWSER_HANDLER, browser_settings, find_missing
from spiders.robots import name_user_agent
from spiders.site import Site
from spiders.spider import ArticleSpider
from spiders.warc import SegmentWriter

_PR_SET_PDEATHSIG = 1
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_LINE = 2000


class Refused(Exception):
    """The crawl does not start; the message says what to do."""


def say(text: str) -> None:
    """Print one line of the log, flushed; what could break the line or a terminal is escaped."""
    line = _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
    print(line[:_LONGEST_LINE], flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one crawl; returns the exit status."""
    options = _read_options(arguments)
    _end_with_parent(options.parent)
    _send_logging_to_say()
    try:
        return _crawl(options)
    except Refused as refused:
        say(f"refused: {refused}")
        return Exit.REFUSED
    except Exception:  # noqa: BLE001 - the edge: whatever it is, it is told as lines and ends with a status
        _say_traceback(traceback.format_exc())
        return 1


def _crawl(options: argparse.Namespace) -> int:
    site = _read_site(options.site)
    ahead = timedelta(seconds=options.clock_ahead)
    if ahead and not site.crawl.allow_private:
        raise Refused(f"{site.id} is on the live web, where only true times are recorded. Unset MUNIMENT_CLOCK_AHEAD.")
    user_agent = _name_user_agent(site, options.contact.strip(), options.version)
    if site.crawl.render and (missing := find_missing()):
        raise Refused(missing)
    spool: Path = options.spool
    (spool / SUMMARY_NAME).unlink(missing_ok=True)
    tally = Tally(allow_private=site.crawl.allow_private, hosts=_find_hosts(site))
    writer = SegmentWriter(
        spool,
        run=options.run,
        first=options.first_segment,
        info={
            "software": f"Muniment/{options.version} Scrapy/{importlib.metadata.version('scrapy')} "
            f"FastWARC/{importlib.metadata.version('fastwarc')}",
            "format": "WARC File Format 1.1",
            "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "robots": site.crawl.robots,
            "http-header-user-agent": user_agent,
            "operator": options.contact or "none given",
            "description": f"Pages of {site.name} ({site.id})",
            "muniment-site": site.id,
        },
        max_bytes=int(options.segment_mb * 1024 * 1024),
        max_seconds=options.segment_seconds,
    )
    say(f"crawl of {site.id} ({site.name}), run {options.run}, as {user_agent}")
    hosts, why_not = read_hosts(options.hosts)
    if why_not is not None:
        say(f"what earlier runs knew of the hosts cannot be used, and is learned again: {why_not}")
    with Plan(options.plan) as plan:
        job = Job(
            site=site,
            plan=plan,
            run=options.run,
            writer=writer,
            user_agent=user_agent,
            say=say,
            now=lambda: datetime.now(UTC) + ahead,
            tally=tally,
            hosts=hosts,
        )
        _run_spider(job)
    _write_hosts(spool, job)
    if job.crash is not None:
        _say_traceback("".join(traceback.format_exception(job.crash)))
        return 1
    if job.summary is None:
        say("crashed: the crawl ended without a summary")
        return 1
    if job.summary.clock is not None:  # against the machine's clock, not the one that is simulated
        job.summary = job.summary.model_copy(update={"clock": job.summary.clock + ahead.total_seconds()})
    _write_summary(spool, job.summary)
    if not job.summary.balances():
        say("failed: the books do not balance, or an exchange was not written; see the figures above")
        return Exit.UNBALANCED
    return Exit.WELL


def _find_hosts(site: Site) -> frozenset[str]:
    """Hosts, with their ports, that the site's file names anywhere."""
    urls = (site.home, *(source.url for source in site.sources), *filter(None, [site.successor]))
    return site.hosts | {urlsplit(url).netloc.lower() for url in urls}


def _run_spider(job: Job) -> None:
    process = AsyncCrawlerProcess(_settings(job))
    process.crawl(ArticleSpider, job=job)
    _seal_on_sigterm(job)
    process.start(install_signal_handlers=False)  # ours: SIGTERM seals and ends at once


def _settings(job: Job) -> dict[str, Any]:
    """Scrapy's settings: its engine, downloader and handler, and nothing that we do ourselves or do not need."""
    rules = job.site.crawl
    return {
        "DOWNLOAD_HANDLERS": {
            "http": "spiders.capture.CaptureHandler",
            "https": "spiders.capture.CaptureHandler",
            "data": None,
            "file": None,
            "ftp": None,
            "s3": None,
            **(BROWSER_HANDLER if rules.render else {}),
        },
        **(browser_settings() if rules.render else {}),
        "DOWNLOAD_DELAY": rules.delay,
        "DOWNLOAD_DELAY_JITTER": 0.0,  # a delay is a promise: never less
        "CONCURRENT_REQUESTS": rules.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": rules.concurrency,
        "DOWNLOAD_TIMEOUT": rules.timeout,
        "DOWNLOAD_MAXSIZE": rules.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        # An answer from somebody who cannot show that he is the site is no evidence of what the site said.
        "DOWNLOAD_VERIFY_CERTIFICATES": rules.verify_certificates,
        **({} if rules.allow_private else {"TWISTED_DNS_RESOLVER": "spiders.guard.PublicResolver"}),
        "DNS_TIMEOUT": min(rules.timeout, 30.0),
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {},
        "TELNETCONSOLE_ENABLED": False,
        "ROBOTSTXT_OBEY": False,  # spiders.fetch does, and records it
        "STATS_DUMP": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_VERSIONS": [],
        "LOG_FORMATTER": "spiders.capture.QuietLog",
        "ASYNCIO_EVENT_LOOP": "uvloop.Loop" if importlib.util.find_spec("uvloop") else None,
    }


def _read_site(path: Path) -> Site:
    try:
        return Site.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise Refused(f"{path} is no site: {error}") from error
    except OSError as error:
        raise Refused(f"the site cannot be read: {error}") from error


def _name_user_agent(site: Site, contact: str, version: str) -> str:
    """Who we say we are; on the live web always with somebody to turn to."""
    if not contact and not site.crawl.allow_private:
        raise Refused(
            f"{site.id} is on the live web, and whoever runs it must be able to reach you. Set MUNIMENT_CONTACT to a "
            "web page or an e-mail address; it goes into the user agent."
        )
    try:
        return name_user_agent(version, contact)
    except ValueError as error:
        raise Refused(f"{error}. Set MUNIMENT_CONTACT to a web page or an e-mail address in plain ASCII.") from error


def _write_hosts(spool: Path, job: Job) -> None:
    """Leave what is known of the hosts, however the crawl ended; it is worth no failure."""
    try:
        job.hosts.write(spool / HOSTS_NAME)
    except OSError as error:
        say(f"what is known of the hosts could not be written: {error}")


def _write_summary(spool: Path, summary: CrawlSummary) -> None:
    target = spool / SUMMARY_NAME
    draft = target.with_suffix(".part")
    with draft.open("wb") as file:
        file.write(summary.model_dump_json(indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def _seal_on_sigterm(job: Job) -> None:
    from twisted.internet import reactor  # noqa: PLC0415 - installed by the process object only now

    def end() -> None:
        status = int(Exit.TERMINATED)
        try:
            job.writer.seal()
            say("terminated: the open segment is sealed")
            _write_hosts(job.writer.folder, job)
        except OSError as error:
            say(f"terminated: the open segment could not be sealed: {error}")
        os._exit(status)  # nothing is left to tidy, and nothing may keep the process

    # The handler itself may have interrupted a write: the sealing waits for the reactor's next turn.
    signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(end))
    signal.signal(signal.SIGINT, lambda *_: reactor.callFromThread(end))


def _end_with_parent(parent: int | None) -> None:
    """Ask the kernel to kill this process when the thread that started it ends; end now if it has."""
    expected = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != expected:
        os._exit(1)


class _SayHandler(logging.Handler):
    """Warnings of the libraries, as lines of the log."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = record.getMessage().strip().splitlines() or [""]
        text = lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"  # of a traceback its cause
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        say(f"{record.levelname.lower()} from {record.name}: {text}")


def _send_logging_to_say() -> None:
    # The level is the handler's: Scrapy sets the root logger's to everything.
    logging.basicConfig(level=logging.WARNING, handlers=[_SayHandler(logging.WARNING)], force=True)
    logging.captureWarnings(capture=True)


def _say_traceback(text: str) -> None:
    for line in text.rstrip().splitlines():
        say(f"crashed: {line}")


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m spiders", description="Crawl one site into WARC segments.")
    parser.add_argument("--site", type=Path, required=True, help="the Site as JSON")
    parser.add_argument("--plan", type=Path, required=True, help="the plan (SQLite, see spiders.protocol)")
    parser.add_argument("--spool", type=Path, required=True, help="folder for segments and the summary")
    parser.add_argument("--run", required=True, help="id of the run")
    parser.add_argument("--first-segment", type=int, default=0, help="number of the first segment")
    parser.add_argument("--segment-mb", type=float, default=16.0, help="seal a segment at this size")
    parser.add_argument("--segment-seconds", type=float, default=300.0, help="or at this age")
    parser.add_argument("--contact", default="", help="web page or e-mail address for the user agent")
    parser.add_argument("--version", default=_find_version(), help="our version in the user agent")
    parser.add_argument("--clock-ahead", type=float, default=0.0, help="seconds; to simulate a site's life on loopback")
    parser.add_argument("--hosts", type=Path, help="what earlier runs knew of the site's hosts (see spiders.hosts)")
    parser.add_argument("--parent", type=int, help="id of the process that must be the parent")
    return parser.parse_args(arguments)


def _find_version() -> str:
    try:
        return importlib.metadata.version("muniment")
    except importlib.metadata.PackageNotFoundError:
        return "0"


if __name__ == "__main__":
    sys.exit(main())
