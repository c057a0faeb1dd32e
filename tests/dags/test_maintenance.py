"""The daily care of the archive, run by Airflow's own task runner on a real store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.maintenance import read_table_status
from pipeline.stack import DAGS_FOLDER, settings_environment
from tests.dags.conftest import airflow_environment, run_python
from tests.pipeline.built_runs import a_run
from tests.pipeline.table_workers import PER_RUN, SITE, publish_run

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

dag = DagBag(sys.argv[1]).dags["archive_maintenance"]
found = {"catchup": dag.catchup, "most": dag.max_active_runs}
run = dag.test(logical_date=None)
with create_session() as session:
    found |= {"state": str(run.state), "xcom": [value.value for value in session.query(XComModel)]}
print(json.dumps(found))
"""


@pytest.mark.timeout(240)  # of a busy machine
def test_the_daily_dag_merges_the_files_of_the_table(archive: Archive, settings: Any, airflow_home: Path) -> None:
    for hours in range(4):
        publish_run(archive, a_run(hours))
    own = settings.model_copy(update={"builtin_sites": False})
    environment = airflow_environment(airflow_home, DAGS_FOLDER) | settings_environment(own)
    found = run_python(
        RUN, str(DAGS_FOLDER / "maintenance.py"), environment=dict(os.environ) | environment, timeout=200
    )
    assert found["state"] == "success"
    assert (found["catchup"], found["most"]) == (False, 1)
    assert "merged" in str(found["xcom"])
    standing = read_table_status(archive)
    assert standing is not None
    assert (standing.sites, standing.files, standing.rows) == (1, 1, 4 * PER_RUN)
    assert SITE.id not in standing.to_merge
