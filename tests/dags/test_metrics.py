"""Figures on the wire, by Airflow's own senders; and a dashboard that asks for exactly these."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.metrics import METRICS
from tests.dags.conftest import ROOT, airflow_environment, run_python
from tests.dags.receivers import open_collector, open_statsd

SEND = """
from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

# As Airflow's task runner does it before a task.
legacy = conf.getboolean("metrics", "legacy_names_on")
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=legacy)

from dags.metrics import send
from pipeline.alerts import Watched
from pipeline.metrics import measure_run, measure_watch
from tests.pipeline.some_alerts import NOW, a_record

run = a_record(NOW, new=5, ended=NOW, lag=90.5, captured=7)
send(measure_run("localgov", run))
send(measure_watch(Watched(sites=400, looked=1, sent=0, held=0, open={"silent": 2})))
print("null")
"""


def send(home: Path, **metrics: str) -> None:
    environment = airflow_environment(home, home / "dags")
    environment |= {f"AIRFLOW__METRICS__{name}": value for name, value in metrics.items() if name.isupper()}
    environment |= {name.upper(): value for name, value in metrics.items() if not name.isupper()}
    run_python(SEND, environment=dict(os.environ) | environment)


@pytest.mark.slow
def test_statsd_gets_every_figure_with_its_site_as_tag_where_there_are_tags(tmp_path: Path) -> None:
    with open_statsd() as (port, lines):
        send(tmp_path, STATSD_ON="True", STATSD_PORT=str(port), STATSD_INFLUXDB_ENABLED="True")
        time.sleep(0.5)
    assert "airflow.muniment.new,site=localgov,mode=regular:5|c" in lines
    assert "airflow.muniment.lag_seconds,site=localgov,mode=regular:90.5|g" in lines
    assert "airflow.muniment.alarms,kind=silent:2|g" in lines
    assert "airflow.muniment.sites:400|g" in lines
    names = {re.split("[,:]", line)[0] for line in lines}  # Airflow's own are among them
    assert {name for name in names if ".muniment." in name} == {f"airflow.{metric.name}" for metric in METRICS}


@pytest.mark.slow
def test_plain_statsd_gets_the_site_in_the_name(tmp_path: Path) -> None:
    with open_statsd() as (port, lines):
        send(tmp_path, STATSD_ON="True", STATSD_PORT=str(port))
        time.sleep(0.5)
    assert "airflow.muniment.new.localgov.regular:5|c" in lines
    assert "airflow.muniment.runs.localgov.regular.published:1|c" in lines


@pytest.mark.slow
def test_an_opentelemetry_collector_gets_every_figure_with_its_tags(tmp_path: Path) -> None:
    with open_collector() as (port, points):
        send(
            tmp_path,
            OTEL_ON="True",
            otel_exporter_otlp_metrics_endpoint=f"http://127.0.0.1:{port}/v1/metrics",
            otel_exporter_otlp_protocol="http/protobuf",
            otel_exporter_otlp_metrics_temporality_preference="delta",
        )
    tags = {"site": "localgov", "mode": "regular"}
    assert ("airflow.muniment.new", tags, 5) in points
    assert ("airflow.muniment.lag_seconds", tags, 90.5) in points
    assert ("airflow.muniment.alarms", {"kind": "silent"}, 2) in points
    names = {name for name, _, _ in points if ".muniment." in name}
    assert names == {f"airflow.{metric.name}" for metric in METRICS}


# --- the dashboard


DASHBOARD = ROOT / "docker" / "grafana" / "muniment.json"


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


def test_the_dashboard_asks_for_exactly_the_figures_that_are_sent() -> None:
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = {name for panel in found["panels"] for text in expressions(panel) for name in re.findall(r'"(\w+)\(', text)}
    assert asked == {f"airflow_{metric.name.replace('.', '_')}" for metric in METRICS}


def test_the_dashboard_is_what_grafana_reads() -> None:
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= found.keys()
    panels = found["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["type"] for panel in panels} <= {"row", "stat", "timeseries", "table"}
    variables = {variable["name"] for variable in found["templating"]["list"]}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        for text in expressions(panel):
            assert [text.count(left) - text.count(right) for left, right in ("()", "[]", "{}")] == [0, 0, 0]
            assert set(re.findall(r"\$(\w+)", text)) <= variables | {"__range", "__rate_interval"}
    cells = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in panels for dx in range(p["gridPos"]["w"])
             for dy in range(p["gridPos"]["h"])]  # fmt: skip
    assert len(set(cells)) == len(cells), "panels lie over each other"


def test_the_provisioning_files_are_yaml_of_grafanas_form() -> None:
    folder = DASHBOARD.parent / "provisioning"
    dashboards = yaml.safe_load((folder / "dashboards" / "muniment.yaml").read_text())
    assert dashboards["providers"][0]["type"] == "file"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())
    assert [source["type"] for source in sources["datasources"]] == ["prometheus"]
