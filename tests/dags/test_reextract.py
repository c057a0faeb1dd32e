"""The DAG that reads captures again, run by Airflow's own task runner on a real store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.model import Change, article_id
from pipeline.settings import Settings
from pipeline.stack import DAGS_FOLDER, settings_environment
from tests.dags.conftest import airflow_environment, run_python
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import url_of
from tests.pipeline.cli.test_reextraction import FILE, RULE

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

bag = DagBag(sys.argv[1])
dag = bag.dags["muniment_reextract"]
told = {"errors": bag.import_errors, "most": dag.max_active_runs, "runs": []}
for conf in json.loads(sys.argv[2]):
    run = dag.test(logical_date=None, run_conf=conf)
    states = {f"{ti.task_id} {ti.rendered_map_index}": str(ti.state) for ti in run.get_task_instances()}
    told["runs"].append({"state": str(run.state), "tasks": states})
print(json.dumps(told))
"""


@pytest.mark.slow
@pytest.mark.timeout(400)  # of a busy machine
def test_the_dag_compares_and_then_publishes_what_is_read_otherwise(
    settings: Settings, airflow_home: Path, tmp_path: Path
) -> None:
    work = build_archive(settings)
    folder = tmp_path / "declared"
    folder.mkdir()
    (folder / f"{SITE.id}.toml").write_text(FILE + RULE)
    own = settings.model_copy(update={"builtin_sites": False, "sites": (folder,)})
    environment = airflow_environment(airflow_home, DAGS_FOLDER) | settings_environment(own)
    confs: list[dict[str, Any]] = [
        {"site": SITE.id, "since": "2026-11-01"},
        {"site": "all", "compare_only": False},
        {"site": "no-such-site"},
    ]
    found = run_python(
        RUN,
        str(DAGS_FOLDER / "reextract.py"),
        json.dumps(confs),
        environment=dict(os.environ) | environment,
        timeout=350,
    )
    compared, published, failed = found["runs"]
    assert (found["errors"], found["most"]) == ({}, 1)
    assert compared["state"] == "success", compared
    assert compared["tasks"][f"publish_site.compare {SITE.id}"] == "success"
    assert compared["tasks"][f"publish_site.check {SITE.id}"] == "skipped"
    assert published["state"] == "success", published
    assert published["tasks"][f"publish_site.publish {SITE.id}"] == "success"
    assert published["tasks"]["extract example-news 00000"] == "success"
    assert failed["state"] == "failed"
    versions = work.archive.versions(SITE.id, article_id(url_of("bridge")))
    assert [each.change for each in versions] == [Change.NEW, Change.EDITED, Change.REEXTRACTED]
