"""What kept a crawl from its work: told, and no reason to publish less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.check.pace import COUNT, check_pace
from pipeline.model import Report
from spiders.protocol import CrawlSummary, RobotsSeen

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


def a_summary(**update: Any) -> CrawlSummary:
    made = {
        "site": "a", "run": "20261122T180000Z-00000000", "started": NOW, "finished": NOW + timedelta(seconds=600),
        "finish_reason": "finished", "user_agent": "x", "discovered": 20, "captured": 12, "requests": 15,
    }  # fmt: skip
    return CrawlSummary.model_validate(made | update)


def reports(*millis: int, deferred: int = 0) -> list[Report]:
    counts = {"crawl-deferred": deferred} if deferred else {}
    return [
        Report(
            site="a", run=f"202611{n + 1:02}T180000Z-00000000", verdict="accept", checks=(), message="",
            counts=counts | {COUNT: each},
        )
        for n, each in enumerate(millis)
    ]  # fmt: skip


def test_a_site_that_became_slow_is_told_with_what_is_normal_for_it() -> None:
    check = check_pace(a_summary(wait=4.0), reports(10, 20, 30, 40, 400))
    assert (check.verdict, check.figure, check.limit, check.normal) == ("warn", 4.0, 1.2, (0.01, 0.4))
    assert "the middle answer took 4.0 s; normal is 0.01 to 0.4 s" in check.message
    assert "600 s for 15 requests" in check.message


def test_little_history_and_small_waits_say_nothing() -> None:
    assert check_pace(a_summary(wait=4.0), reports(10, 20, 30, 40)).verdict == "accept"
    assert check_pace(a_summary(wait=0.9), reports(10, 10, 10, 10, 10)).verdict == "accept"
    assert check_pace(a_summary(wait=None), reports(10, 10, 10, 10, 10)).verdict == "accept"
    always = check_pace(a_summary(wait=4.0), reports(3500, 3900, 4200, 3800, 3700))
    assert always.verdict == "accept"


def test_a_host_that_asked_for_patience_is_named_though_pages_came() -> None:
    seen = RobotsSeen(status=200, stopped="the host asked us to wait", not_before=NOW + timedelta(hours=1))
    check = check_pace(
        a_summary(robots={"a.example": seen}, outcomes={"deferred": 8}, reasons={"deferred: the host asked us": 8}), []
    )
    assert check.verdict == "warn"
    for word in ("a.example", "asked us to wait", "until 2026-11-22 19:00Z", "8 of 20 pages wait"):
        assert word in check.message


def test_a_run_that_is_cut_off_warns_unless_it_is_catching_up() -> None:
    cut = {"finish_reason": "run_seconds spent", "outcomes": {"deferred": 8}}
    assert check_pace(a_summary(**cut), []).verdict == "accept"  # the first
    assert check_pace(a_summary(**cut), reports(1, deferred=9)).verdict == "accept"
    check = check_pace(a_summary(**cut), reports(1))
    assert check.verdict == "warn"
    assert "cut off (run_seconds spent, after 600 s): 8 of 20 pages wait" in check.message
    assert check_pace(a_summary(finish_reason="run_seconds spent"), reports(1)).verdict == "accept"  # all was done
