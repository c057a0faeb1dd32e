"""Send figures of runs by whatever Airflow sends its own: StatsD, Datadog or OpenTelemetry (``[metrics]``).

One call for a run, from the task that ended it. Where none of them is switched on, nothing is sent. Which figures there
are is in ``pipeline.metrics``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.archive import Archive
    from pipeline.metrics import Measure

log = logging.getLogger("muniment")


def send_run(archive: Archive, site: str, run: str) -> None:
    """Send the figures of a run that ended; figures are no reason for a task to fail."""
    from pipeline.health import read_health
    from pipeline.metrics import measure_run

    try:
        health = read_health(archive, site)
        record = next((each for each in health.runs if each.run == run), None) if health else None
        if record is not None:
            send(measure_run(site, record))
    except Exception:  # a run is not to fail for it
        log.warning("The figures of run %s were not sent.", run, exc_info=True)


def send(measures: Iterable[Measure]) -> None:
    """Send figures."""
    from airflow.sdk.observability import stats

    tagged = _has_tags()
    for each in measures:
        # Plain StatsD knows no tags: their values become part of the name.
        name = each.metric.name if tagged else ".".join((each.metric.name, *each.tags.values()))
        tags = dict(each.tags) if tagged else None
        if each.metric.kind == "counter":
            stats.incr(name, int(each.value), tags=tags)
        else:
            stats.gauge(name, each.value, tags=tags)


def _has_tags() -> bool:
    from airflow.sdk.configuration import conf

    plain = conf.getboolean("metrics", "statsd_on") and not conf.getboolean("metrics", "statsd_datadog_enabled")
    return not plain or conf.getboolean("metrics", "statsd_influxdb_enabled", fallback=False)
