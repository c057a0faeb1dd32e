"""What the tasks of a site's DAG tell Airflow; what they do as tasks is in test_runs.py and test_scheduler.py."""

from __future__ import annotations

from pathlib import Path

from pipeline.stack import DAGS_FOLDER
from tests.dags.conftest import airflow_environment, run_python


def test_an_event_counts_urls_and_versions_of_one_name_apart(tmp_path: Path) -> None:
    script = """
import json
from dags.tasks import count_published
from pipeline.model import Published
urls, versions = {"gone": 5, "blocked": 7}, {"gone": 1, "blocked": 2, "moved": 3}
facts = {"site": "x", "run": "r", "discovered": 12, "made": (), "table_rows": 6}
print(json.dumps(count_published(Published(outcomes=urls, versions=versions, **facts))))
"""
    counts = run_python(script, environment=airflow_environment(tmp_path / "airflow", DAGS_FOLDER))
    told = {name: count for name, count in counts.items() if count and name not in ("discovered", "table_rows")}
    assert told == {"gone": 1, "gone-urls": 5, "blocked": 7, "blocked-versions": 2, "moved": 3}
