"""The daily care of the archive, run by Airflow's own task runner on a real store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.health import read_health
from pipeline.maintenance import read_table_status
from pipeline.stack import settings_environment
from tests.dags.conftest import airflow_environment, run_python, set_apart
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.cli.test_reextraction import FILE

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from pipeline.archive import open_archive
from pipeline.settings import read_settings

dag = DagBag(sys.argv[1]).dags["archive_maintenance"]
found = {"catchup": dag.catchup, "most": dag.max_active_runs, "runs": []}
for task in dag.tasks:
    task.retries = 0
for destroyed in (None, *sys.argv[2:]):
    if destroyed:
        open_archive(read_settings()).store.delete(destroyed)
    run = dag.test(logical_date=None, run_conf={"audit": "all" if destroyed else "part"})
    with create_session() as session:
        given = {one.task_id: one.value for one in session.query(XComModel).filter_by(run_id=run.run_id)}
        states = {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)}
    found["runs"].append({"state": str(run.state), "tasks": states, "xcom": given})
print(json.dumps(found))
"""


@pytest.mark.timeout(400)  # of a busy machine
@pytest.mark.parametrize("damaged", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_daily_dag_merges_rebuilds_and_audits_and_fails_where_evidence_is_gone(
    settings: Any, airflow_home: Path, tmp_path: Path, *, damaged: bool
) -> None:
    work, folder = build_archive(settings), set_apart(tmp_path / "dags", "maintenance.py")
    archive = work.archive
    run = next(iter(archive.runs(SITE.id)))
    before = read_health(archive, SITE.id)
    assert before is not None
    archive.store.delete(archive.health_key(SITE.id))
    (tmp_path / "declared").mkdir()
    (tmp_path / "declared" / f"{SITE.id}.toml").write_text(FILE)
    own = settings.model_copy(update={"builtin_sites": False, "sites": (tmp_path / "declared",), "processes": 1})
    environment = airflow_environment(airflow_home, folder) | settings_environment(own)
    segment = archive.segments(SITE.id, run)[0]
    found = run_python(
        RUN,
        str(folder / "maintenance.py"),
        *([archive.frontier_key(SITE.id), segment] if damaged else []),
        environment=dict(os.environ) | environment,
        timeout=380,
    )
    assert (found["catchup"], found["most"]) == (False, 1)
    daily = found["runs"][0]
    assert daily["state"] == "success", daily
    assert daily["xcom"]["rebuild_lost"] == [SITE.id]
    again = read_health(archive, SITE.id)
    assert again is not None
    assert [(each.run, each.state) for each in again.runs] == [(each.run, each.state) for each in before.runs]
    assert daily["xcom"]["audit"]["read"] > 0
    assert set(daily["xcom"]["maintain_table"]) == {"merged", "removed"}
    standing = read_table_status(archive)  # noted by it
    assert standing is not None
    assert (standing.sites, standing.to_merge) == (1, {})

    if not damaged:
        return
    frontier, evidence = found["runs"][1:]
    # What is derived is made anew; what the archive rests on cannot be, and that is told by a red task.
    assert frontier["state"] == "success", frontier
    assert frontier["xcom"]["audit"]["repaired"] >= 1
    assert frontier["xcom"]["rebuild_lost"] == []
    assert archive.store.head(archive.frontier_key(SITE.id)) is not None
    assert evidence["tasks"]["audit"] == "failed", evidence
    assert {state for name, state in evidence["tasks"].items() if name != "audit"} == {"success"}
