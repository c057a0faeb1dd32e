"""How the crawl got on with the site: was it asked to stop, did its time run out, how fast was it answered.

What is archived of such a run is right, and published; but something of the site is missing, or soon will be, and
nothing else that is counted shows it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.check.verdicts import make_check
from pipeline.model import Check, Report
from spiders.protocol import CrawlSummary

SLOWER: Final = 3.0
"""A site is slow when the middle answer takes so many times as long as it did in four of five earlier runs ..."""
LEAST_SLOW: Final = 1.0
"""... and so many seconds: a server in the same town that answers in 30 ms instead of 10 is nobody's concern."""
LEAST_RUNS: Final = 5

COUNT: Final = "answer-ms"
"""Under this name a report keeps how long the middle answer took to begin, in milliseconds."""
SLOW: Final = "answers slowly"
"""Stands in the check's message where the site is slower than it was; ``pipeline.diagnosis`` knows it by that."""

_BOUNDS: Final = frozenset({"run_seconds spent", "fetch_at_most spent", "crawl window closed"})
_SHOWN = 3


def check_pace(summary: CrawlSummary, history: Sequence[Report]) -> Check:
    """Hosts that were left alone, pages that there was no time for, and answers that take longer than they did."""
    said = [*_tell_stops(summary), *_tell_rest(summary, history)]
    known = sorted(report.counts[COUNT] / 1000 for report in history if COUNT in report.counts)
    if summary.wait is None or len(known) < LEAST_RUNS:
        told = " ".join(said) or _put_wait(summary)
        return make_check("pace", "warn" if said else "accept", told, figure=summary.wait)
    usual = known[len(known) * 4 // 5]
    limit = round(max(LEAST_SLOW, SLOWER * usual), 2)
    low, high = _put(known[0]), _put(known[-1])
    normal = f"{low} to {high} s" if low != high else f"{low} s"
    if summary.wait > limit:
        spent = (summary.finished - summary.started).total_seconds()
        said.append(
            f"The site {SLOW}: the middle answer took {_put(summary.wait)} s; normal is {normal}. The run took "
            f"{spent:.0f} s for {summary.requests} requests."
        )
    check = make_check(
        "pace", "warn" if said else "accept", " ".join(said) or _put_wait(summary), figure=summary.wait, limit=limit
    )
    return check.model_copy(update={"normal": (known[0], known[-1]), "basis": f"the latest {len(known)} good runs"})


def _tell_stops(summary: CrawlSummary) -> Iterator[str]:
    """Hosts that the crawl left alone because of what they answered."""
    stopped = {host: seen for host, seen in sorted(summary.robots.items()) if seen.stopped}
    waiting = sum(count for reason, count in summary.reasons.items() if reason.startswith("deferred: "))
    for host, seen in list(stopped.items())[:_SHOWN]:
        until = f", until {seen.not_before:%Y-%m-%d %H:%M}Z" if seen.not_before else ""
        pages = f" {waiting} of {summary.discovered} pages wait for a later run." if waiting else ""
        yield f"{host} was left alone before all was fetched: {seen.stopped}{until}.{pages}"


def _tell_rest(summary: CrawlSummary, history: Sequence[Report]) -> Iterator[str]:
    """Pages that there was no time or no allowance for, where they do not become fewer from run to run."""
    waiting = summary.outcomes.get("deferred", 0)
    if summary.finish_reason not in _BOUNDS or not waiting or not history or summary.walk is not None:
        return  # what a site has at first takes as many runs as it takes
    before = history[0].counts.get("crawl-deferred", 0)
    if waiting < before:
        return
    spent = (summary.finished - summary.started).total_seconds()
    yield (
        f"The run was cut off ({summary.finish_reason}, after {spent:.0f} s): {waiting} of {summary.discovered} pages "
        f"wait for the next run; after the run before it were {before}."
    )


def _put_wait(summary: CrawlSummary) -> str:
    if summary.wait is None:
        return "Nothing kept the crawl from its work."
    return f"Nothing kept the crawl from its work; the middle answer took {_put(summary.wait)} s."


def _put(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 0.1 else f"{seconds:.2f}"
