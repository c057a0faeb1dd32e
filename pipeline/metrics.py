"""Figures of a run for StatsD or OpenTelemetry: which there are, and what they are of a run. Who sends is in ``dags``.

Counters add up over runs and sites; gauges hold the latest value. Names begin with ``muniment.``, and Airflow puts its
own prefix before them. docs/alerts.md lists them for readers, docker/grafana/muniment.json draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pipeline.alerts import Watched
from pipeline.health import RunRecord
from pipeline.model import Outcome


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure that there is."""

    name: str
    kind: Literal["counter", "gauge"]
    unit: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure's value."""

    metric: Metric
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


def _counter(name: str, unit: str, description: str) -> Metric:
    return Metric(name=f"muniment.{name}", kind="counter", unit=unit, description=description)


def _gauge(name: str, unit: str, description: str) -> Metric:
    return Metric(name=f"muniment.{name}", kind="gauge", unit=unit, description=description)


RUNS: Final = _counter("runs", "runs", "Runs that ended; tag state: published, rejected or failed.")
DISCOVERED: Final = _counter("discovered", "URLs", "URLs that sources named or that were due for another look.")
FETCHED: Final = _counter("fetched", "pages", "Pages captured.")
ARCHIVED: Final = _counter("archived", "URLs", "URLs of which a new version was made.")
NEW: Final = _counter("new", "versions", "Articles that were not known.")
CHANGED: Final = _counter("changed", "versions", "Articles edited, restored or moved.")
GONE: Final = _counter("gone", "versions", "Articles that went.")
BLOCKED: Final = _counter("blocked", "URLs", "URLs that the site refused, or hid behind a wall.")
FAILED: Final = _counter("failed", "URLs", "URLs without a usable answer.")
REQUESTS: Final = _counter("requests", "requests", "HTTP requests.")
BYTES: Final = _counter("bytes", "bytes", "Bytes received.")
LAG: Final = _gauge("lag_seconds", "s", "From publication to capture, the middle new article of the latest run.")
CRAWL: Final = _gauge("crawl_seconds", "s", "How long the latest run's crawl took, waiting for a slot included.")
PUBLISHED: Final = _gauge("published_timestamp", "s", "When a run of the site was published last, in Unix time.")
SITES: Final = _gauge("sites", "sites", "Sites that have run; told by the watch.")
ALARMS: Final = _gauge("alarms", "alarms", "Open alarms by kind; told by the watch.")
UNSENT: Final = _gauge("unsent", "messages", "Messages that some notifier did not take; told by the watch.")

METRICS: Final = (
    RUNS,
    DISCOVERED,
    FETCHED,
    ARCHIVED,
    NEW,
    CHANGED,
    GONE,
    BLOCKED,
    FAILED,
    REQUESTS,
    BYTES,
    LAG,
    CRAWL,
    PUBLISHED,
    SITES,
    ALARMS,
    UNSENT,
)
"""All that there are."""

_KINDS: Final = ("rejected", "blocked", "failing", "silent", "late", "not run")


def measure_run(site: str, run: RunRecord) -> tuple[Measure, ...]:
    """The figures of a run that ended; of one that is under way there are none.

    They are the run's, so whoever sends them does so once: a run is counted where it is published, refused or failed.
    """
    if run.state not in ("published", "rejected", "failed"):
        return ()
    tags = {"site": site, "mode": run.mode}
    versions, outcomes = run.versions, run.outcomes
    values: list[tuple[Metric, float | None]] = [
        (DISCOVERED, run.discovered),
        (FETCHED, run.captured),
        (ARCHIVED, outcomes.get(Outcome.ARCHIVED, 0)),
        (NEW, versions.get("new", 0)),
        (CHANGED, sum(versions.get(change, 0) for change in ("edited", "restored", "moved"))),
        (GONE, versions.get("gone", 0)),
        (BLOCKED, outcomes.get(Outcome.BLOCKED, 0)),
        (FAILED, outcomes.get(Outcome.FAILED, 0)),
        (REQUESTS, run.requests),
        (BYTES, run.bytes_received),
        (LAG, run.lag),
        (CRAWL, (run.ended - run.began).total_seconds() if run.ended else None),
        (PUBLISHED, run.noted.timestamp() if run.state == "published" else None),
    ]
    counted = Measure(metric=RUNS, value=1, tags=tags | {"state": run.state})
    return (counted, *(Measure(metric=metric, value=value, tags=tags) for metric, value in values if value is not None))


def measure_watch(done: Watched) -> tuple[Measure, ...]:
    """The figures of a pass over all sites."""
    kinds = dict.fromkeys(_KINDS, 0) | done.open
    return (
        Measure(metric=SITES, value=done.sites),
        Measure(metric=UNSENT, value=done.unsent),
        *(Measure(metric=ALARMS, value=count, tags={"kind": kind.replace(" ", "-")}) for kind, count in kinds.items()),
    )
