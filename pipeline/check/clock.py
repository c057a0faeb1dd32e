"""Whether this machine's clock agrees with the clocks of the servers that it asks.

By a wrong clock captures get wrong moments, runs stand in the wrong order, and certificates look as if they had
expired; and the site would be blamed for it. A site whose own clock is always wrong is known by its history.

Two clocks that differ by hours are told, and no more: a server with its zone's time in ``Date`` is common, and captures
whose moments are off by hours still stand on the right day. From a day on nothing is published: dates and order of
the articles would be wrong for good. Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date
from typing import Final

from pipeline.check.verdicts import make_check
from pipeline.model import Check, Report
from pipeline.normal import find_start
from spiders.protocol import CrawlSummary

MAX_CLOCK: Final = 3600.0
"""Seconds by which two clocks may differ: more than a cache or a slow answer explains."""
FAR: Final = 86_400.0
"""Seconds beyond which nothing is published; no zone's time is so far from UTC."""

COUNT: Final = "clock-ahead"
"""Under this name a report keeps how far the servers' clocks were ahead of ours, in seconds."""


def check_clock(summary: CrawlSummary, history: Sequence[Report], since: date | None = None) -> Check:
    """Our clock against the servers': what is as it was in the run before is not told again.

    Args:
        summary: of the run.
        history: reports of accepted runs, newest first.
        since: when a run was released that this check had refused: what was usual before is so no more.
    """
    ahead = summary.clock
    if ahead is None:
        return make_check("clock", "accept", "No answer named its date.")
    known = [
        report.counts[COUNT]
        for report in history
        if COUNT in report.counts and (since is None or find_start(report.run).date() >= since)
    ]
    usual = statistics.median(known) if known else 0.0
    if any(abs(ahead - before) <= MAX_CLOCK for before in (usual, *known[:1])):
        return make_check("clock", "accept", "The servers' clocks agree with ours.", figure=ahead, limit=MAX_CLOCK)
    jump = ahead - usual
    before = ", which agreed with it in earlier runs" if known else ""
    began = f"This clock said {summary.started:%Y-%m-%d %H:%M}Z when the run began."
    if abs(jump) < FAR or not known:
        said = (
            f"This machine's clock is {_put_span(abs(jump))} {'behind' if jump > 0 else 'ahead of'} those of the "
            f"site's servers{before}. Where no other site says so, it is theirs that is wrong. {began}"
        )
        return make_check("clock", "warn", said, figure=ahead, limit=MAX_CLOCK)
    said = (
        f"This machine's clock is {_put_span(abs(jump))} {'behind' if jump > 0 else 'ahead of'} those of the site's "
        f"servers{before}: captures would get wrong moments. {began}"
    )
    if jump < 0:
        said += " Its place among the runs is in the future, until that day has come."
    return make_check("clock", "reject", said, figure=ahead, limit=MAX_CLOCK)


def _put_span(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds >= 2 * 86_400 else f"{seconds / 3600:.1f} hours"
