"""Whether a rejected run is one that the site refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from pipeline.model import Diagnosis, Report
from pipeline.refusal import find_refusal
from spiders.pace import AWAY, FAILING, REFUSING
from spiders.protocol import CrawlSummary, RobotsSeen, SourceYield

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
RUN = "20261122T093000Z-0a1b2c3d"


def summary(**facts: Any) -> CrawlSummary:
    """A crawl that found nothing, but for these facts."""
    base = {"site": "ayton", "run": RUN, "started": NOW, "finished": NOW, "finish_reason": "finished"}
    return CrawlSummary.model_validate(base | {"user_agent": "test", "discovered": 0, "captured": 0} | facts)


def report(verdict: Literal["accept", "warn", "reject"] = "reject", **facts: Any) -> Report:
    """A report of it."""
    base = {"site": "ayton", "run": RUN, "verdict": verdict, "checks": (), "counts": {}, "message": "No."}
    return Report.model_validate(base | facts)


def test_a_run_whose_pages_were_mostly_refused_says_how_and_how_many() -> None:
    counts, reasons = (
        {"captured": 12, "blocked": 12},
        {"blocked: HTTP 403": 11, "blocked: HTTP 429": 1, "failed: time-out": 40},
    )
    found = find_refusal(summary(captured=12), report(counts=counts, reasons=reasons))
    assert found is not None
    assert found.label == "blocked: 403 on 12 of 12 pages"
    assert any("ask its publisher" in step for step in found.steps)
    assert find_refusal(summary(captured=12), report("warn", counts=counts, reasons=reasons)) is None


@pytest.mark.parametrize(
    ("reason", "detail", "kind"),
    [
        (AWAY, "it answered 429 with Retry-After until 12:30Z", "throttled"),
        (FAILING, "20 failures in a row, the last: HTTP status 429", "throttled"),
        (REFUSING, "10 pages in a row answered 403", "blocked"),
        (FAILING, "20 failures in a row, the last: connection refused", None),
        (FAILING, "20 failures in a row, the last: HTTP status 503", None),
    ],
)
def test_a_host_that_asked_to_be_left_alone_is_told_from_one_that_is_down(
    reason: str, detail: str, kind: str | None
) -> None:
    why = f"{reason} (http://www.ayton.example:42995: {detail})"
    robots = {"www.ayton.example": RobotsSeen(status=200, stopped=why)}
    found = find_refusal(summary(robots=robots, outcomes={"deferred": 30}), report())
    assert (found and found.label) == (kind and f"{kind}: www.ayton.example ({why}); 30 pages wait")
    assert find_refusal(summary(robots=robots, captured=20), report(counts={"captured": 20})) is None


@pytest.mark.parametrize(
    ("status", "label"), [(403, "blocked: 403"), (429, "throttled: 429"), (503, None), (None, None)]
)
def test_sources_that_all_refuse_are_a_refusal_and_a_site_that_is_down_is_none(
    status: int | None, label: str | None
) -> None:
    sources = [SourceYield(url="https://x.example/feed", type="feed", status=status) for _ in range(2)]
    found = find_refusal(summary(sources=sources), report())
    assert (found and found.label) == (label and f"{label} on all 2 sources")


def test_what_to_do_about_a_wall_is_the_diagnosis_and_not_to_be_slower() -> None:
    counts, reasons = {"captured": 12, "blocked": 12}, {"blocked: consent page": 12}
    told = Diagnosis(cause="consent wall", sentence="A consent wall.", likelihood=0.97, steps=("Ask the publisher.",))
    found = find_refusal(summary(captured=12), report(counts=counts, reasons=reasons, diagnosis=told))
    assert found is not None
    assert (found.label, found.steps) == ("blocked: consent page on 12 of 12 pages", ("Ask the publisher.",))
