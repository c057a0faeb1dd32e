"""What a site's page and a run's page show, out of documents; pure.

The site's page: outcomes over time, how many articles have each field, the sources and what they name, the latest runs
and their checks beside what is normal, what is wrong now. The run's page: all of one run, and of one that the gate
refused a sample of what would have been published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.health import Health, RunRecord
from pipeline.model import Article, Check, Finding, Report, SourceRecord
from pipeline.web.charts import Bars, Lines, draw_bars, draw_shares
from pipeline.web.overview import count_changed, count_failed, count_new

PLOTTED: Final = 60
"""Runs in a chart."""
LISTED: Final = 40
"""Runs in the table."""
COMPARED: Final = 6
"""Runs whose checks stand side by side."""
SAMPLED: Final = 12
"""Articles in the sample of a run that was refused."""
_LEAD: Final = 400  # characters of a sampled text
_OUTCOMES: Final = (
    "archived", "unchanged", "not-an-article", "excluded", "deferred", "gone", "blocked", "failed",
)  # fmt: skip
_FIELDS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """A check, with its figures in the latest runs."""

    name: str
    latest: Check
    figures: tuple[Check | None, ...]  # newest first, as the columns


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """A site's page."""

    health: Health
    runs: tuple[RunRecord, ...]
    outcomes: Bars
    versions: Bars
    plotted: tuple[RunRecord, ...]  # oldest first
    fill: Lines
    fields: tuple[tuple[str, float | None], ...]  # share of the latest run's articles
    checks: tuple[CheckRow, ...]
    checked: tuple[Report, ...]  # the columns of ``checks``
    sources: tuple[SourceRecord, ...]
    report: Report | None  # the newest


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """An article that would have been published."""

    article: Article
    lead: str
    whole: bool
    requested: str
    captured_at: datetime


def list_reported(health: Health) -> list[str]:
    """Ids of the latest runs that have a report: those that ``make_site_view`` wants."""
    return [run.run for run in health.measured if run.verdict is not None][:COMPARED]


def make_site_view(health: Health, reports: Sequence[Report]) -> SiteView:
    """The page of a site.

    Args:
        reports: of ``list_reported``, newest first; those that are gone are left out.
    """
    plotted = tuple(health.measured)[:PLOTTED][::-1]
    read = [run for run in plotted if run.articles and run.fill]
    names = list_fields(read)
    shares = {name: [run.fill.get(name, 0) / run.articles for run in read] for name in names}
    latest = read[-1] if read else None
    return SiteView(
        health=health,
        runs=health.runs[:LISTED],
        plotted=plotted,
        outcomes=draw_bars([run.outcomes for run in plotted], _OUTCOMES),
        versions=draw_bars([count_all(run) for run in plotted], ("new", "changed", "gone", "failed")),
        fill=draw_shares(shares),
        fields=tuple((name, latest.fill.get(name, 0) / latest.articles if latest else None) for name in names),
        checks=tuple(make_check_rows(reports)),
        checked=tuple(reports),
        sources=reports[0].sources if reports else (),
        report=reports[0] if reports else None,
    )


def count_all(run: RunRecord) -> dict[str, int]:
    """What a run came to, in four words."""
    return {
        "new": count_new(run),
        "changed": count_changed(run),
        "gone": run.versions.get("gone", 0),
        "failed": count_failed(run),
    }


def list_fields(runs: Iterable[RunRecord]) -> list[str]:
    """The fields whose chart is worth drawing: those whose share moves most, then those that most articles have."""
    shares: dict[str, list[float]] = {}
    for run in runs:
        for name, count in run.fill.items():
            shares.setdefault(name, []).append(count / run.articles)
    ranked = sorted(shares, key=lambda name: (min(shares[name]) - max(shares[name]), -max(shares[name]), name))
    return sorted(ranked[:_FIELDS])


def make_check_rows(reports: Sequence[Report]) -> Iterable[CheckRow]:
    """The checks of the newest report with those of the ones before; what is not accepted first."""
    if not reports:
        return []
    by_name = [{check.name: check for check in report.checks} for report in reports]
    rows = [
        CheckRow(name=check.name, latest=check, figures=tuple(checks.get(check.name) for checks in by_name))
        for check in reports[0].checks
    ]
    order = {"reject": 0, "warn": 1, "accept": 2}
    return sorted(rows, key=lambda row: order[row.latest.verdict])


def take_sample(findings: Iterable[Finding]) -> list[Sample]:
    """The first articles of a run."""
    taken: list[Sample] = []
    for finding in findings:
        if finding.article is None:
            continue
        text = finding.article.text
        taken.append(
            Sample(
                article=finding.article,
                lead=text[:_LEAD],
                whole=len(text) <= _LEAD,
                requested=finding.requested,
                captured_at=finding.evidence.captured_at,
            )
        )
        if len(taken) == SAMPLED:
            break
    return taken
