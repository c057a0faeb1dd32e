"""Runs, health and alerts for tests, without a store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline.alerts.judging import Alert, SiteFacts
from pipeline.health import DayCount, Health, RunRecord
from pipeline.model import run_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def a_record(at: datetime, *, new: int = 0, **facts: Any) -> RunRecord:
    """A run that was published, unless facts say otherwise."""
    facts = {"state": "published", "versions": {"new": new}, "outcomes": {"archived": new, "unchanged": 20}} | facts
    return RunRecord(run=run_id(at, "x"), began=at, noted=at + timedelta(minutes=10), **facts)


def a_health(*records: RunRecord, site: str = "localgov", **facts: Any) -> Health:
    """Health of these runs, newest first."""
    return Health(site=site, runs=tuple(sorted(records, key=lambda r: r.run, reverse=True)), updated=NOW, **facts)


def rejected(at: datetime, cause: str = "redesign") -> RunRecord:
    """A run that the gate refused."""
    return a_record(at, state="rejected", verdict="reject", cause=cause, versions={}, message="41 of 44 have no date.")


def facts_of(site: str = "localgov", **facts: Any) -> SiteFacts:
    """Facts of a site."""
    return SiteFacts(site=site, name=site.title(), **facts)


def an_alert(site: str = "localgov", kind: Any = "rejected", cause: str = "redesign", at: datetime = NOW) -> Alert:
    """Something that is wrong."""
    return Alert(
        site=site,
        kind=kind,
        cause=cause,
        sentence="the latest run was refused by the gate",
        threshold="the first run",
        basis="1 of the latest 30 runs",
        steps=("Look.",),
        since=at,
    )


def count_days(last: date, many: int, new: Any) -> dict[str, DayCount]:
    """Counts of the days up to ``last``; ``new(day)`` says how many new articles each had."""
    days = [last - timedelta(days=n) for n in range(many)]
    return {f"{day}": DayCount(runs=1, new=new(day)) for day in reversed(days)}
