"""What is an alert, and what is not yet one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.alerts.judging import judge, next_look, read_facts
from tests.pipeline.some_alerts import NOW, a_health, a_record, count_days, facts_of, rejected
from tests.pipeline.test_status import site as a_site

HOUR = timedelta(hours=1)


def kinds(*records: Any, **facts: Any) -> list[tuple[str, str]]:
    return [(alert.kind, alert.cause) for alert in judge(a_health(*records), facts_of(**facts), NOW)]


def good(hours: int) -> Any:
    return a_record(NOW - hours * HOUR, new=1)


def failed(hours: int, *, gave_up: bool) -> Any:
    return a_record(NOW - hours * HOUR, state="failed", gave_up=gave_up, message="crawl: No contact.\nNext step: Set.")


def down(hours: int, state: str = "published") -> Any:
    cause = "site down" if state == "rejected" else None
    return a_record(NOW - hours * HOUR, state=state, cause=cause, outcomes={"failed": 20})


def test_good_runs_and_no_runs_raise_nothing() -> None:
    assert kinds() == kinds(good(1)) == kinds(good(1), rejected(NOW - 5 * HOUR)) == []


def test_a_rejected_run_is_told_at_once_with_its_cause_its_message_and_what_to_do() -> None:
    health = a_health(rejected(NOW - HOUR), good(2), good(3))
    (alert,) = judge(health, facts_of(), NOW)
    assert (alert.kind, alert.cause, alert.detail) == ("rejected", "redesign", "41 of 44 have no date.")
    assert "1 of the latest 3 runs" in alert.basis
    assert alert.threshold == "the first run"
    assert any(f"muniment release {alert.run}" in step for step in alert.steps)


def test_what_passes_by_itself_is_told_after_some_runs_and_what_does_not_at_once() -> None:
    assert kinds(failed(1, gave_up=False), good(2)) == [("failing", "permanent error")]
    assert kinds(failed(1, gave_up=True), failed(2, gave_up=True), good(3)) == []
    assert kinds(*(failed(hours, gave_up=True) for hours in (1, 2, 3)), good(4)) == [("failing", "gave up")]
    assert kinds(down(1), down(2), good(3)) == []
    assert kinds(down(1), down(2, "rejected"), down(3), good(4)) == [("failing", "site down")]
    assert kinds(rejected(NOW - HOUR, "consent wall"), good(2)) == [("blocked", "consent wall")]
    assert kinds(rejected(NOW - HOUR, "throttled"), rejected(NOW - 2 * HOUR, "throttled"), good(3)) == []


def test_a_daily_site_need_not_fail_three_days_running() -> None:
    assert kinds(down(1), down(26), good(50)) == [("failing", "site down")]


def test_runs_that_are_under_way_neither_end_nor_begin_anything() -> None:
    under_way = a_record(NOW, state="unfinished", versions={}, outcomes={})
    assert kinds(under_way, rejected(NOW - HOUR)) == [("rejected", "redesign")]
    assert kinds(under_way, good(1)) == []


def test_a_released_run_and_a_backfill_are_no_trouble() -> None:
    assert kinds(a_record(NOW, released=True, verdict="reject", cause="redesign")) == []
    assert kinds(a_record(NOW, mode="backfill", state="rejected", cause="redesign"), good(2)) == []


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"blocked": 30, "unchanged": 5}, [("blocked", "firewall")]),
        ({"blocked": 2}, []),
        ({"blocked": 4, "unchanged": 40}, []),
        ({"blocked": 30, "excluded": 500}, [("blocked", "firewall")]),  # what was never asked for says nothing
    ],
)
def test_runs_that_are_refused_are_told_though_the_gate_let_them_pass(outcomes: dict[str, int], expected: Any) -> None:
    runs = [a_record(NOW - hours * HOUR, outcomes=outcomes) for hours in (1, 2)]
    assert kinds(*runs, good(3)) == expected


def test_a_late_run_is_told_until_it_ends() -> None:
    late = a_record(NOW, state="unfinished", late="Usually 4 minutes; 50 so far.", versions={}, outcomes={})
    (alert,) = judge(a_health(late, good(3)), facts_of(), NOW)
    assert (alert.kind, alert.detail) == ("late", "Usually 4 minutes; 50 so far.")


def test_a_site_that_is_switched_off_raises_nothing() -> None:
    assert kinds(rejected(NOW - HOUR), paused=True) == []


def test_silence_is_judged_by_the_sites_days_and_not_where_runs_are_refused() -> None:
    days = count_days((NOW - timedelta(days=8)).date(), 60, lambda day: 5)
    facts: Any = {"days": days, "last_new": NOW - timedelta(days=8)}
    (alert,) = judge(a_health(a_record(NOW), **facts), facts_of(), NOW)
    assert (alert.kind, alert.since) == ("silent", NOW - timedelta(days=8))
    assert "were to be expected" in alert.sentence
    assert "5.0 a day on work-days" in alert.basis
    (alert,) = judge(a_health(a_record(NOW - HOUR), rejected(NOW), **facts), facts_of(), NOW)
    assert alert.kind == "rejected"


def test_a_schedule_that_passes_without_runs_is_told_and_not_in_crawl_windows() -> None:
    health = a_health(good(1))
    facts = read_facts(a_site("0 * * * *"), health, NOW)
    assert facts.expected is not None
    assert judge(health, facts, facts.expected) == ()
    (alert,) = judge(health, facts, facts.expected + timedelta(seconds=1))
    assert (alert.kind, alert.confirm) == ("not run", 3600)
    assert next_look(health, facts, NOW) == facts.expected
    windows = a_site("0 * * * *")
    windows = windows.model_copy(update={"crawl": windows.crawl.model_copy(update={"windows": ("22:00-06:00",)})})
    assert judge(health, read_facts(windows, health, NOW), facts.expected + timedelta(days=1)) == ()


def test_the_file_says_what_alerts_need() -> None:
    site = a_site().model_copy(update={"kind": "council", "family": "Jadu", "endangered": NOW.date()})
    facts = read_facts(site, None, NOW)
    assert (facts.council, facts.family, facts.paused, facts.expected) == (True, "Jadu", True, None)
