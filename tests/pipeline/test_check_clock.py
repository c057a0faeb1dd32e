"""Our clock against those of the servers: a jump rejects, what was always so does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.check.clock import COUNT, check_clock
from pipeline.model import Report
from spiders.pace import read_clock
from spiders.protocol import CrawlSummary

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
DAY = 86_400


def a_summary(clock: float | None) -> CrawlSummary:
    return CrawlSummary(
        site="a", run="20261122T180000Z-00000000", started=NOW, finished=NOW, finish_reason="finished",
        user_agent="x", discovered=0, captured=0, clock=clock,
    )  # fmt: skip


def reports(*clocks: int) -> list[Report]:
    return [
        Report(site="a", run=f"2026112{n}T180000Z-00000000", verdict="accept", checks=(), message="", counts={COUNT: c})
        for n, c in enumerate(clocks)
    ]


@pytest.mark.parametrize(
    ("clock", "history", "verdict", "word"),
    [
        (None, (0, 0), "accept", "No answer"),
        (1.5, (0, 0), "accept", "agree"),
        (3 * DAY, (0, 1), "reject", "3 days behind"),
        (-400 * DAY, (0, 1), "reject", "400 days ahead of"),
        (7300, (), "warn", "2.0 hours behind"),
        (7300, (7290, 7310), "accept", "agree"),
        (0, (7290, 7310), "warn", "ahead of"),
        (3650, (0, 1), "warn", "1.0 hours behind"),  # a server that tells its zone's time: no reason to lose a run
        (-DAY, (0, 1), "reject", "in the future"),
        (3650, (3640, 0, 1), "accept", "agree"),  # told once
    ],
)
def test_a_jump_rejects_and_what_was_always_so_does_not(
    clock: float | None, history: tuple[int, ...], verdict: str, word: str
) -> None:
    check = check_clock(a_summary(clock), reports(*history))
    assert check.verdict == verdict
    assert word in check.message


def test_what_was_released_is_not_refused_again() -> None:
    released = check_clock(a_summary(3 * DAY), reports(0, 1), NOW.date())
    assert released.verdict == "warn"
    assert check_clock(a_summary(3 * DAY), reports(0, 1)).verdict == "reject"


@pytest.mark.parametrize(
    ("date", "age", "ahead"),
    [
        ("Sun, 22 Nov 2026 18:00:10 GMT", None, 10),
        ("Sun, 22 Nov 2026 17:00:00 GMT", "3600", 0),  # a cache has had it for an hour
        ("Sun, 22 Nov 2026 17:00:00 GMT", "long", -3600),
        ("yesterday", None, None),
        (None, None, None),
    ],
)
def test_a_servers_clock_is_read_off_its_answer(date: str | None, age: str | None, ahead: float | None) -> None:
    assert read_clock(date, age, now=NOW) == ahead
