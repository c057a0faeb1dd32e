"""Which figures a run has."""

from __future__ import annotations

import re
from datetime import timedelta

from pipeline.alerts import Watched
from pipeline.metrics import METRICS, measure_run, measure_watch
from tests.pipeline.some_alerts import NOW, a_record
from tests.test_project import ROOT


def test_a_published_run_has_every_figure_and_one_under_way_has_none() -> None:
    run = a_record(
        NOW,
        ended=NOW + timedelta(minutes=4),
        discovered=50,
        captured=44,
        versions={"new": 5, "edited": 2, "restored": 1, "gone": 3},
        outcomes={"archived": 8, "blocked": 4, "failed": 1},
        bytes_received=9000,
        requests=60,
        lag=1200.0,
    )
    found = {each.metric.name: each.value for each in measure_run("localgov", run)}
    assert found == {
        "muniment.runs": 1,
        "muniment.discovered": 50,
        "muniment.fetched": 44,
        "muniment.archived": 8,
        "muniment.new": 5,
        "muniment.changed": 3,
        "muniment.gone": 3,
        "muniment.blocked": 4,
        "muniment.failed": 1,
        "muniment.requests": 60,
        "muniment.bytes": 9000,
        "muniment.lag_seconds": 1200,
        "muniment.crawl_seconds": 240,
        "muniment.published_timestamp": run.noted.timestamp(),
    }
    assert {each.tags["site"] for each in measure_run("localgov", run)} == {"localgov"}
    assert measure_run("localgov", a_record(NOW, state="unfinished")) == ()


def test_a_rejected_run_publishes_nothing_and_is_counted_as_such() -> None:
    found = {each.metric.name: each for each in measure_run("x", a_record(NOW, state="rejected", versions={}))}
    assert found["muniment.runs"].tags == {"site": "x", "mode": "regular", "state": "rejected"}
    assert "muniment.published_timestamp" not in found
    assert "muniment.lag_seconds" not in found


def test_a_pass_tells_every_kind_of_alarm_also_where_none_is_open() -> None:
    found = measure_watch(Watched(sites=400, looked=3, sent=1, held=0, open={"silent": 2}))
    kinds = {each.tags["kind"]: each.value for each in found if each.metric.name == "muniment.alarms"}
    assert kinds == {"rejected": 0, "blocked": 0, "failing": 0, "silent": 2, "late": 0, "not-run": 0}


def test_all_figures_are_told_of_somewhere_and_stand_in_the_documents() -> None:
    sent = {each.metric.name for each in measure_run("x", a_record(NOW, ended=NOW, lag=1.0))}
    sent |= {each.metric.name for each in measure_watch(Watched(sites=1, looked=1, sent=0, held=0))}
    assert sent == {metric.name for metric in METRICS}
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(muniment\.[a-z_]+)`", text, re.MULTILINE)) == sent
