"""Whether this machine's clock agrees with the clocks of the servers that it asks.

By a wrong clock captures get wrong moments, runs stand in the wrong order, and certificates look as if they had
expired; and the site would be blamed for it. A site whose own clock is always wrong is known by its history.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from pipeline.check.verdicts import make_check
from pipeline.model import Check, Report
from spiders.protocol import CrawlSummary

MAX_CLOCK: Final = 3600.0
"""Seconds by which two clocks may differ: more than a cache or a slow answer explains."""

COUNT: Final = "clock-ahead"
"""Under this name a report keeps how far the servers' clocks were ahead of ours, in seconds."""


def check_clock(summary: CrawlSummary, history: Sequence[Report]) -> Check:
    """Our clock against the servers': a jump rejects, what was so from the first run warns once."""
    ahead = summary.clock
    if ahead is None:
        return make_check("clock", "accept", "No answer named its date.")
    known = [report.counts[COUNT] for report in history if COUNT in report.counts]
    usual = statistics.median(known) if known else 0.0
    if abs(ahead - usual) <= MAX_CLOCK:
        return make_check("clock", "accept", "The servers' clocks agree with ours.", figure=ahead, limit=MAX_CLOCK)
    jumped = "behind" if ahead > usual else "ahead of"
    said = (
        f"This machine's clock is {_put_span(abs(ahead - usual))} {jumped} those of the site's servers"
        + (", which agreed with it in earlier runs" if known else "")
        + f": captures would get wrong moments. This clock said {summary.started:%Y-%m-%d %H:%M}Z."
    )
    return make_check("clock", "reject" if known else "warn", said, figure=ahead, limit=MAX_CLOCK)


def _put_span(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} days" if seconds >= 2 * 86_400 else f"{seconds / 3600:.1f} hours"
