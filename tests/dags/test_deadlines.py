"""A run that takes too long, under a real Airflow: its triggerer notes it, the watch tells it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.archive import open_archive
from pipeline.health import read_health
from pipeline.settings import Settings
from pipeline.stack import Stack
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.dags.test_scheduler import take_ports
from tests.loopback import LoopbackSite

pytestmark = [pytest.mark.slow, pytest.mark.scheduler, pytest.mark.timeout(400)]

DAGS = """
from datetime import timedelta
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from dags.factory import build_dags
from dags.watch import watch_dag

dags = build_dags(group=0)
for dag in dags.values():  # as they are, but late after two seconds
    (usual,) = dag.deadline
    soon, queued = timedelta(seconds=2), DeadlineReference.DAGRUN_QUEUED_AT
    dag.deadline = [DeadlineAlert(reference=queued, interval=soon, callback=usual.callback)]
globals().update(dags)
"""


def test_a_run_that_takes_too_long_is_told_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("sites", "dags"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dags" / "late.py").write_text(DAGS)
    settings = Settings(
        home=tmp_path / "home",
        bucket="late",
        sites=(tmp_path / "sites",),
        builtin_sites=False,
        processes=1,
        store_port=take_ports(range(9_300 + os.getpid() % 800, 10_200), 0, 10_000),
        airflow_port=take_ports(range(32_510 + os.getpid() % 60 * 3, 32_760, 3), 0, 1, 2),
    )
    with LoopbackSite() as server:
        open_newsroom(server, articles=12, delay=9.0)
        text = SITE.format(name="Slow", home=server.url("/"), more="", check="", concurrency=1)
        (tmp_path / "sites" / "slow.toml").write_text(text)
        with Stack(settings, dags_folder=tmp_path / "dags", embedded=True) as stack:
            airflow = stack.airflow
            airflow.wait_for_dags(["site_slow", "muniment_watch"])
            assert airflow.import_errors() == []
            for dag in ("site_slow", "muniment_watch"):
                airflow.unpause(dag)
            run = airflow.trigger("site_slow")
            assert stack.store is not None
            for name, value in stack.store.environment().items():
                monkeypatch.setenv(name, value)
            archive = open_archive(settings)
            end = time.monotonic() + 110
            while (health := read_health(archive, "slow")) is None or health.runs[0].late is None:
                assert time.monotonic() < end, stack.server.log_file.read_text()[-4000:]
                time.sleep(0.5)
            assert health.runs[0].run == run.run
            watch = airflow.run_dag("muniment_watch", timeout=60)
            log = airflow.task_log(watch.dag, watch.dag_run, "watch")
            assert f"run {run.run} takes far longer than its runs do" in log
            # It ends well all the same, and is late no more.
            assert airflow.wait_for_run(run.dag, run.dag_run, timeout=200).state == "success"
            health = read_health(archive, "slow")
            assert health is not None
            assert (health.runs[0].run, health.runs[0].late) == (run.run, None)
