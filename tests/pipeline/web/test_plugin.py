"""The plugin as Airflow finds it, in every process that loads plugins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata

import pytest

from pipeline.web.plugin import LateApp, load_ahead

SCRIPT = """
import json, sys, time
import airflow.plugins_manager
before, began = set(sys.modules), time.process_time()
from pipeline.web.plugin import ArchivePlugin, LateApp
heavy = ("airflow.api_fastapi", "fastapi", "boto3", "pyarrow", "jinja2", "deltalake", "scrapy", "trafilatura")
print(json.dumps({
    "heavy": sorted({name for name in set(sys.modules) - before if name.startswith(heavy)}),
    "seconds": time.process_time() - began,
    "views": ArchivePlugin.external_views,
    "ahead": [each["name"] for each in ArchivePlugin.fastapi_root_middlewares],
    "apps": [{**each, "app": type(each["app"]).__name__} for each in ArchivePlugin.fastapi_apps],
}))
"""


def test_the_package_names_the_plugin() -> None:
    [found] = metadata.entry_points(group="airflow.plugins", name="muniment")
    assert found.value == "pipeline.web.plugin:ArchivePlugin"


def test_loading_the_plugin_loads_nothing_heavy_and_puts_the_pages_where_they_belong(tmp_path) -> None:  # type: ignore[no-untyped-def]
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, env=environment)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["heavy"] == []
    assert told["seconds"] < 0.3
    assert told["apps"] == [{"app": "LateApp", "url_prefix": "/archive", "name": "Archive"}]
    assert told["ahead"] == ["Archive"]
    assert [(view["destination"], view["href"]) for view in told["views"]] == [
        ("nav", "archive/"),
        ("dag", "archive/dags/{DAG_ID}"),
        ("dag_run", "archive/dags/{DAG_ID}/runs/{RUN_ID}"),
    ]


def test_the_pages_are_loaded_when_the_server_starts_and_no_request_comes_through_what_does_that(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loaded: list[LateApp] = []

    def note(pages: LateApp) -> None:
        loaded.append(pages)

    monkeypatch.setattr(LateApp, "build", note)
    app = object()
    assert load_ahead(app) is app  # type: ignore[arg-type]
    assert len(loaded) == 1

    def fail(_: LateApp) -> None:
        raise ImportError("half an installation")

    monkeypatch.setattr(LateApp, "build", fail)
    assert load_ahead(app) is app
    assert "half an installation" in caplog.text, "and Airflow starts all the same"
