"""Whether a rejected run is one that the site refused, and in which words an operator reads that.

A run that the gate rejects because the site does not want to be read is another matter than one whose pages have
changed: there is nothing to inspect and nothing to release, but somebody to ask, or a pace to lower.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Report
from spiders.pace import FAILING, REFUSING
from spiders.protocol import CrawlSummary

_REFUSING = frozenset({401, 403, 429, 451})
_WALLS = frozenset({"consent wall", "login wall"})
_LABEL = 200  # characters: Airflow keeps 250 of a task's label


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """How a site refuses us."""

    label: str  # "blocked: 403 on 12 of 12 pages"
    steps: tuple[str, ...]  # what an operator can do, in order


def find_refusal(summary: CrawlSummary, report: Report) -> Refusal | None:
    """How the site refused a run that the gate rejected; None: something else is wrong with it.

    It did where more than half of the captured pages, or all sources, said so, or where the crawl left a host alone
    that asked for it and had no page by then. One that does not answer, or with errors of its own, refuses nobody.
    """
    refusal = _find_refusal(summary, report)
    if refusal is None or report.diagnosis is None or report.diagnosis.cause not in _WALLS:
        return refusal
    return Refusal(label=refusal.label, steps=report.diagnosis.steps)  # which know what sort of a wall it is


def _find_refusal(summary: CrawlSummary, report: Report) -> Refusal | None:
    if report.verdict != "reject":
        return None
    site = report.site
    blocked, pages = report.counts.get("blocked", 0), report.counts.get("captured", summary.captured)
    if blocked and 2 * blocked > pages:
        reasons = {name: count for name, count in report.reasons.items() if name.startswith("blocked: ")}
        most = max(reasons, key=lambda name: reasons[name], default="")
        why = most.removeprefix("blocked: ").removeprefix("HTTP ") or "a block page"
        return _refuse(f"blocked: {why} on {blocked} of {pages} pages", site, report.run)
    stopped = {host: seen.stopped for host, seen in sorted(summary.robots.items()) if seen.stopped}
    asked = {host: why for host, why in stopped.items() if not why.startswith(FAILING) or "HTTP status 429" in why}
    if asked and not summary.captured:
        kind = "blocked" if all(why.startswith(REFUSING) for why in asked.values()) else "throttled"
        waiting = summary.outcomes.get("deferred", 0)
        told = ", ".join(f"{host} ({why})" for host, why in asked.items())
        return _refuse(f"{kind}: {told}; {waiting} pages wait", site, report.run)
    statuses = {source.status for source in summary.sources}
    if statuses and statuses <= _REFUSING and not summary.captured:
        told = ", ".join(str(status) for status in sorted(status for status in statuses if status))
        kind = "throttled" if statuses == {429} else "blocked"
        return _refuse(f"{kind}: {told} on all {len(summary.sources)} sources", site, report.run)
    return None


def _refuse(label: str, site: str, run: str) -> Refusal:
    look = f"`muniment inspect {run}` and `muniment runs {site}` show what was answered, and since when."
    if label.startswith("throttled"):
        steps: tuple[str, ...] = (
            look,
            "The next runs ask again by themselves, once the time is over that the site asked for.",
            f"If it comes back: raise crawl.delay in {site}.toml, or give the sites of one server one crawl.group.",
        )
    else:
        steps = (
            look,
            "Look at the site in a browser from this network. If people are refused, too, the site is ill: wait.",
            f"If only we are: ask its publisher (the user agent names us), or raise crawl.delay in {site}.toml.",
            "Nothing was published; articles in the archive stay as they are.",
        )
    return Refusal(label=label[:_LABEL], steps=steps)
