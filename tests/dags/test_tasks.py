"""What the tasks of a site's DAG tell Airflow; what they do as tasks is in test_runs.py and test_scheduler.py."""

from __future__ import annotations

from pathlib import Path

from pipeline.stack import DAGS_FOLDER
from tests.dags.conftest import ForkingPython, airflow_environment


def test_an_event_counts_urls_and_versions_apart_and_a_step_loads_only_what_it_needs(
    tmp_path: Path, forking: ForkingPython
) -> None:
    script = """
import json, sys
from dags.tasks import count_published
from pipeline.model import Published
urls, versions = {"gone": 5, "blocked": 7}, {"gone": 1, "blocked": 2, "moved": 3}
facts = {"site": "x", "run": "r", "discovered": 12, "made": (), "table_rows": 6}
import pipeline.steps  # by every task
heavy = ("lxml", "numpy", "feedparser", "trafilatura", "pyarrow", "deltalake")
loaded = [name for name in heavy if name in sys.modules]
print(json.dumps([count_published(Published(outcomes=urls, versions=versions, **facts)), loaded]))
"""
    counts, loaded = forking.run(script, environment=airflow_environment(tmp_path / "airflow", DAGS_FOLDER))
    assert loaded == []
    told = {name: count for name, count in counts.items() if count and name not in ("discovered", "table_rows")}
    assert told == {"gone": 1, "gone-urls": 5, "blocked": 7, "blocked-versions": 2, "moved": 3}
