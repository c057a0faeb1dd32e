from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.hosts import LONGEST_AWAY, Host, Hosts
from spiders.pace import (
    AWAY,
    FAILING,
    LONGEST_BACK_OFF,
    LONGEST_SLOWED,
    MOST_FAILURES,
    MOST_REFUSALS,
    NO_SECOND_TRY,
    REFUSING,
    RUN_SPENT,
    WARNED,
    WINDOW_CLOSED,
    Pace,
    describe_window,
    find_window,
    read_retry_after,
)
from spiders.site import CrawlRules

SITE = "https://a.uk"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ZONE = "Europe/London"


class Run:
    """A pace with a clock of its own."""

    def __init__(self, *, hosts: Hosts | None = None, now: datetime = NOW, live: bool = True, **rules: object) -> None:
        self.passed = 0.0
        self.lines: list[str] = []
        self.distances: list[float] = []
        self.hosts = hosts or Hosts()
        self.now = now
        self.pace = Pace(
            rules=CrawlRules.model_validate({"delay": 2.0, **rules}),
            zone=ZONE,
            hosts=self.hosts,
            now=lambda: self.now + timedelta(seconds=self.passed),
            set_distance=lambda name, seconds: self.distances.append(seconds),
            say=self.lines.append,
            live=live,
            ticks=lambda: 100.0 + self.passed,
        )

    def answer(self, *statuses: int, latency: float = 0.1, retry_after: float | None = None) -> None:
        for status in statuses:
            self.pace.note_answer(SITE, status, latency, page=True, retry_after=retry_after)

    def stop(self) -> str | None:
        found = self.pace.find_stop(SITE)
        return None if found is None else found.reason


def test_the_distance_is_the_longest_that_anybody_asks_for() -> None:
    run = Run()
    assert run.pace.distance(SITE) == 2.0
    run.pace.note_robots(SITE, 7.0)
    assert run.pace.distance(SITE) == 7.0
    run.pace.note_robots(SITE, 0.5)
    assert run.pace.distance(SITE) == 2.0
    assert run.distances == [7.0, 2.0]


def test_failures_double_the_distance_up_to_a_bound_and_good_answers_shrink_it_slowly() -> None:
    run = Run()
    seen = []
    for _ in range(7):
        run.answer(503)
        seen.append(run.pace.distance(SITE))
    assert seen == [4.0, 8.0, 16.0, 32.0, LONGEST_BACK_OFF, LONGEST_BACK_OFF, LONGEST_BACK_OFF]
    run.answer(200)
    assert run.pace.distance(SITE) == pytest.approx(48.0)
    run.answer(*[200] * 20)
    assert run.pace.distance(SITE) == 2.0


def test_a_slow_server_is_given_time_and_a_fast_one_costs_nothing() -> None:
    run = Run(delay=0, live=False)
    run.answer(*[200] * 50, latency=0.3)
    assert run.distances == []
    run.answer(*[200] * 30, latency=4.0)
    assert run.pace.distance(SITE) == pytest.approx(8.0, rel=0.01)
    run.answer(*[200] * 30, latency=1000.0)
    assert run.pace.distance(SITE) == LONGEST_SLOWED
    run.answer(*[200] * 60, latency=0.01)
    assert run.pace.distance(SITE) == 0
    assert run.distances[-1] < 2  # told, too
    assert len(run.distances) < 60


def test_adaptive_off_keeps_the_distance_that_was_asked_for() -> None:
    run = Run(adaptive=False)
    run.answer(500, 503, 200, latency=9.0)
    assert run.pace.distance(SITE) == 2.0


def test_a_host_that_fails_many_times_in_a_row_is_left_alone() -> None:
    run = Run()
    for _ in range(NO_SECOND_TRY):
        assert run.pace.may_try_again(SITE)
        run.pace.note_failure(SITE, "time-out")
    assert not run.pace.may_try_again(SITE)
    for _ in range(MOST_FAILURES - NO_SECOND_TRY):
        assert run.stop() is None
        run.answer(502)
    assert run.stop() == FAILING
    assert any("is not asked any more" in line for line in run.lines)
    assert run.pace.find_stop("https://b.uk") is None


def test_one_good_answer_among_failures_keeps_the_host_in_the_run() -> None:
    run = Run()
    for _ in range(5):
        run.answer(*[503] * (MOST_FAILURES - 1), 404)
    assert run.stop() is None


def test_failures_of_pages_say_nothing_about_their_host() -> None:
    run = Run()
    for _ in range(100):
        run.pace.note_failure(SITE, "malformed answer")
        run.pace.note_failure(SITE, "cut short")
    assert run.stop() is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_site_that_refuses_many_pages_in_a_row_is_left_alone_sooner_the_next_time(status: int) -> None:
    run = Run()
    run.answer(*[status] * (MOST_REFUSALS - 1), 200, *[status] * (MOST_REFUSALS - 1))
    assert run.stop() is None
    run.answer(status)
    assert run.stop() == REFUSING
    again = Run(hosts=run.hosts)
    again.pace.note_answer(SITE, 200, 0.1, page=False)  # robots.txt, which firewalls let through
    again.answer(*[status] * WARNED)
    assert again.stop() == REFUSING
    healed = Run(hosts=run.hosts)
    healed.answer(200, *[status] * (MOST_REFUSALS - 1))
    assert healed.stop() is None


def test_a_short_wait_is_waited_for_and_a_long_one_is_remembered() -> None:
    run = Run()
    run.answer(429, retry_after=30.0)
    assert run.pace.wait_seconds(SITE) == pytest.approx(30.0)
    assert run.stop() is None
    run.passed = 31.0
    assert run.pace.wait_seconds(SITE) <= 0
    run.answer(503, retry_after=7200.0)
    assert run.stop() == AWAY
    until = run.hosts.host(SITE).not_before
    assert until == NOW + timedelta(seconds=7231)
    assert until is not None
    assert Run(hosts=run.hosts, now=until - timedelta(seconds=1)).stop() == AWAY
    assert Run(hosts=run.hosts, now=until).stop() is None
    assert run.hosts.host(SITE).not_before is None


def test_a_wait_that_the_run_does_not_outlast_is_not_waited_for() -> None:
    run = Run(run_seconds=20)
    run.answer(503, retry_after=30.0)
    assert run.stop() == AWAY


def test_a_wait_of_years_is_a_week_and_one_from_a_wrong_clock_is_none() -> None:
    run = Run()
    run.answer(429, retry_after=1e9)
    assert run.hosts.host(SITE).not_before == NOW + LONGEST_AWAY
    wrong = Hosts({SITE: Host(not_before=NOW + timedelta(days=4000))})
    assert Run(hosts=wrong).stop() is None


def test_a_run_ends_with_its_time_or_with_its_window_and_says_which() -> None:
    run = Run(run_seconds=60)
    run.passed = 61.0
    assert run.stop() == RUN_SPENT
    run = Run(run_seconds=7200, windows=["11:00-12:30"])
    assert run.pace.remaining() == 1800
    assert run.stop() is None
    run.passed = 1801.0
    stop = run.pace.find_stop(SITE)
    assert stop is not None
    assert stop.reason == WINDOW_CLOSED
    assert stop.whole
    assert Run(run_seconds=60, windows=["11:00-12:30"]).pace.remaining() == 60
    assert Run(windows=["22:00-06:00"]).stop() == WINDOW_CLOSED


# RFC 9110, 10.2.3, its two examples, and the older forms of dates that RFC 9110, 5.6.7 wants read.
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sunday, 22-Nov-26 12:01:00 GMT", 60.0),
        ("Sun Nov 22 12:01:00 2026", 60.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        (" 5 ", 5.0),
        ("99999999999999999999", 999999999.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("\u0663", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, date=None, now=NOW) == seconds


def test_a_date_is_taken_against_the_clock_of_the_server() -> None:
    wrong_clock = "Sun, 22 Nov 2026 09:00:00 GMT"
    assert read_retry_after("Sun, 22 Nov 2026 09:00:30 GMT", date=wrong_clock, now=NOW) == 30.0


@given(st.text(max_size=120))
def test_no_retry_after_breaks_the_reading(value: str) -> None:
    seconds = read_retry_after(value, date=value, now=NOW)
    assert seconds is None or seconds >= 0


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Europe/London: UTC+1 from 2026-03-29 01:00Z to 2026-10-25 01:00Z.
@pytest.mark.parametrize(
    ("windows", "now", "is_open", "changes"),
    [
        ([], "2026-11-22T12:00", True, None),
        (["22:00-06:00"], "2026-11-22T12:00", False, "2026-11-22T22:00"),
        (["22:00-06:00"], "2026-11-22T23:00", True, "2026-11-23T06:00"),
        (["22:00-06:00"], "2026-11-23T05:59", True, "2026-11-23T06:00"),
        (["22:00-06:00"], "2026-11-23T06:00", False, "2026-11-23T22:00"),
        (["22:00-06:00"], "2026-07-01T21:30", True, "2026-07-02T05:00"),  # summer: 22:30 local
        (["01:00-02:00", "02:00-03:00"], "2026-11-22T01:30", True, "2026-11-22T03:00"),
        (["12:00-24:00", "00:00-01:00"], "2026-11-22T13:00", True, "2026-11-23T01:00"),
        (["00:00-12:00", "12:00-24:00"], "2026-11-22T13:00", True, None),
        (["22:00-06:00"], "2026-03-28T23:00", True, "2026-03-29T05:00"),  # the night of seven hours
        (["22:00-06:00"], "2026-10-24T22:00", True, "2026-10-25T06:00"),  # the night of nine
        (["01:15-01:45"], "2026-03-29T01:20", True, "2026-03-29T01:45"),  # times that the clocks leave out
        (["01:15-01:45"], "2026-10-25T00:20", True, "2026-10-25T00:45"),  # times that come twice: the first
        (["01:15-01:45"], "2026-10-25T01:20", False, "2026-10-26T01:15"),
    ],
)
def test_windows_are_kept_in_the_sites_time_over_midnight_and_changes_of_clocks(
    windows: list[str], now: str, *, is_open: bool, changes: str | None
) -> None:
    found = find_window(windows, ZONE, _at(now))
    assert (found.open, found.changes) == (is_open, None if changes is None else _at(changes))


@given(
    windows=st.lists(st.sampled_from(["22:00-06:00", "01:00-02:30", "00:00-24:00", "13:00-12:59"]), max_size=3),
    minutes=st.integers(0, 366 * 24 * 60),
)
def test_a_window_changes_when_it_says_so(windows: list[str], minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = find_window(windows, ZONE, now)
    if found.changes is None:
        assert found.open
        return
    assert found.changes > now
    assert find_window(windows, ZONE, found.changes).open is not found.open
    assert find_window(windows, ZONE, found.changes - timedelta(seconds=1)).open is found.open


def test_a_window_is_told_in_the_sites_time() -> None:
    assert "opens at 22:00 (Europe/London)" in describe_window(find_window(["22:00-06:00"], ZONE, NOW), ZONE, NOW)
    later = NOW + timedelta(hours=11)
    told = describe_window(find_window(["22:00-06:00"], ZONE, later), ZONE, later)
    assert "closes at 06:00 on 2026-11-23" in told
