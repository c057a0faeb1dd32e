"""What Airflow makes of our DAG files when it parses them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.stack import DAGS_FOLDER
from spiders.site import BUILTIN_FOLDER, load_sites
from tests.dags.conftest import ForkingPython, airflow_environment

HEAVY = ("scrapy", "trafilatura", "boto3", "botocore", "deltalake", "pyarrow", "lxml", "fastwarc", "httpx")

GROUPS, GROUP_SIZE = 8, 500  # as in dags.factory, which is imported in processes of Airflow only
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
folder = sys.argv[1]
bag = DagBag(folder)
known = set(sys.modules)
print(json.dumps({
    "errors": {str(file): text for file, text in bag.import_errors.items()},
    "loaded": sorted({name.partition(".")[0] for name in known} | {n for n in known if n.startswith("pipeline.")}),
    "dags": {
        dag.dag_id: {
            "file": dag.fileloc,
            "doc": dag.doc_md,
            "tags": sorted(dag.tags),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "schedule": repr(dag.timetable),
            "follows": len(getattr(getattr(dag.timetable, "asset_condition", None), "objects", ())),
            "params": sorted(dag.params),
            "late": [alert.callback.path for alert in dag.deadline or ()],
            "tasks": {
                task.task_id: {
                    "upstream": sorted(task.upstream_task_ids),
                    "timeout": (timeout := task.execution_timeout) and timeout.total_seconds(),
                    "retries": task.retries,
                    "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
                    "outlets": [asset.name for asset in getattr(task, "outlets", ())],
                }
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    },
}))
"""


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forking: ForkingPython) -> Callable[..., Any]:
    """Parse our DAGs folder in a process that has Airflow alone loaded, with the site files of the test."""
    for name in [name for name in os.environ if name.startswith(("MUNIMENT_", "AWS_"))]:
        monkeypatch.delenv(name)

    def run(*, builtin: bool = False, **more: str) -> Any:
        environment = airflow_environment(tmp_path / "airflow", DAGS_FOLDER) | {
            "MUNIMENT_BUILTIN_SITES": str(int(builtin)),
            "MUNIMENT_SITES": str(tmp_path / "sites") if (tmp_path / "sites").exists() else "",
        }
        return forking.run(PARSE, str(DAGS_FOLDER), environment=environment | more)

    return run


def test_every_built_in_site_has_one_dag_that_airflow_can_read(parse: Callable[..., Any]) -> None:
    found = parse(builtin=True)
    assert found["errors"] == {}
    sites = load_sites([BUILTIN_FOLDER])
    assert own_dags(found) == {f"site_{site_id}" for site_id in sites}
    assert set(found["dags"]) >= {"example_downstream", "archive_maintenance", "backfill", "site_probe"}
    assert all(dag["doc"] for dag in found["dags"].values())
    for site_id, site in sites.items():
        dag = found["dags"][f"site_{site_id}"]
        assert dag["doc"].startswith(f"# {site.name}\n")
        assert {"muniment", f"kind:{site.kind}", f"country:{site.country}"} <= set(dag["tags"])
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False
        assert all(task["timeout"] for task in dag["tasks"].values())


def own_dags(found: Any) -> set[str]:
    """The DAGs that are made of site files."""
    return {dag for dag in found["dags"] if dag.startswith("site_")} - {"site_probe"}


def test_parsing_loads_no_heavy_library(parse: Callable[..., Any], forking: ForkingPython) -> None:
    loaded = parse(builtin=True)["loaded"]
    assert "pipeline.settings" in loaded
    assert [name for name in HEAVY if name in loaded and name not in forking.loaded] == []
    assert "pipeline.steps" not in loaded


def test_a_site_dag_has_its_four_steps_in_order(parse: Callable[..., Any], write_site: Callable[..., Path]) -> None:
    write_site("localgov")
    dag = parse()["dags"]["site_localgov"]
    tasks = dag["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "crawl": [],
        "extract": ["crawl"],
        "check": ["crawl", "extract"],
        "blocked": ["check"],
        "publish": ["check"],
        "go_on": ["publish"],
    }
    assert (
        tasks["check"]["rule"] == "none_failed_min_one_success"
    )  # a crawl that fetched nothing has nothing to extract
    assert tasks["go_on"]["rule"] == "none_failed"  # after a closed window, too
    assert tasks["crawl"]["timeout"] == 120 + 15 * 60  # the site's run_seconds and a margin
    assert all(task["retries"] >= 3 for task in tasks.values())
    assert tasks["publish"]["outlets"] == ["articles/localgov"]
    assert dag["tags"] == ["cms:WordPress", "country:gb", "kind:trade", "muniment", "region:North East"]
    assert "20 7-20 * * 1-5" in dag["schedule"]
    assert "Europe/London" in dag["schedule"]
    assert dag["late"] == ["dags.notices.note_late_run"]
    assert dag["params"] == ["dry_run", "limit", "now", "reextract", "since", "until"]


def test_a_broken_site_file_takes_away_its_own_dag_only_and_says_why(
    parse: Callable[..., Any], write_site: Callable[..., Path]
) -> None:
    write_site("good")
    bad = write_site("bad", more='schedul = "@hourly"')
    found = parse()
    assert own_dags(found) == {"site_good"}
    assert [Path(file).name for file in found["errors"]] == ["site_files.py"]
    (text,) = found["errors"].values()
    assert f"{bad}: schedul: " in text  # file and key
    assert "schedule" in text  # what to write instead
    assert str(bad) in text.rstrip().splitlines()[-1]


def test_of_two_files_with_one_id_the_first_folder_counts(
    parse: Callable[..., Any], write_site: Callable[..., Path], tmp_path: Path
) -> None:
    first = write_site("twice")
    other = tmp_path / "more" / "twice.toml"
    other.parent.mkdir()
    other.write_text(first.read_text().replace('name = "Twice"', 'name = "Second"'))
    found = parse(MUNIMENT_SITES=f"{tmp_path / 'sites'}{os.pathsep}{other.parent}")
    assert found["dags"]["site_twice"]["doc"].startswith("# Twice\n")
    (text,) = found["errors"].values()
    assert f"the id 'twice' is taken by {first}" in text


def test_a_task_parses_only_its_own_dag(parse: Callable[..., Any], write_site: Callable[..., Path]) -> None:
    for number in range(3):
        write_site(f"site-{number}")
    found = parse(_AIRFLOW_PARSING_CONTEXT_DAG_ID="site_site-1")
    assert [dag for dag in found["dags"] if dag in own_dags(found)] == ["site_site-1"]


def test_sites_are_shared_out_among_the_files_however_many_there_are(
    parse: Callable[..., Any], write_site: Callable[..., Path]
) -> None:
    pattern = write_site("site-000").read_text()
    folder = write_site("site-001").parent
    for number in range(GROUP_SIZE + 1):
        (folder / f"site-{number:03}.toml").write_text(pattern)
    found = parse()
    files = [Path(dag["file"]).name for name, dag in found["dags"].items() if name in own_dags(found)]
    assert {file: files.count(file) for file in files} == {"sites_0.py": GROUP_SIZE, "sites_1.py": 1}
    assert found["errors"] == {}
    assert found["dags"]["example_downstream"]["follows"] == 100  # all of them would cost Airflow their square


def test_every_group_has_its_file() -> None:
    files = sorted(path.name for path in DAGS_FOLDER.glob("sites_*.py"))
    assert files == [f"sites_{number}.py" for number in range(GROUPS)]
    for number, name in enumerate(files):
        assert f"build_dags(group={number})" in (DAGS_FOLDER / name).read_text()


def test_an_endangered_site_runs_denser_the_nearer_its_date_is(
    parse: Callable[..., Any], write_site: Callable[..., Path]
) -> None:
    today = datetime.now(UTC).date()
    for days in (200, 60, 10, -5):
        write_site(f"left{days}".replace("-", "after"), more=f"endangered = {today + timedelta(days=days)}")
    dags = parse()["dags"]
    cron = {days: dags[f"site_left{days}".replace("-", "after")]["schedule"] for days in (200, 60, 10, -5)}
    assert "20 7-20 * * 1-5" in cron[200]
    assert "20 7-20 * * 1-5" in cron[60]  # it is dense enough
    assert "* * * *" in cron[10]
    assert "20 7-20" not in cron[10]


def test_what_is_kept_of_a_site_file_is_taken_only_while_it_is_the_same(
    parse: Callable[..., Any], write_site: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_site("one")
    write_site("two")
    home = {"MUNIMENT_HOME": str(tmp_path / "home")}
    assert parse(**home)["dags"]["site_one"]["doc"].startswith("# One\n")
    kept = tmp_path / "home" / "parsed" / "one.json"
    whole = kept.read_bytes()
    # Kept: what would judge site files is not loaded again.
    warm = parse(**home)
    assert "pipeline.endangered" not in warm["loaded"]
    assert own_dags(warm) == {"site_one", "site_two"}
    # Damaged in one place, cut, and not even a file: made anew.
    for damage in (whole.replace(b"# One", b"# Two"), whole[:100], b""):
        kept.write_bytes(damage)
        assert parse(**home)["dags"]["site_one"]["doc"].startswith("# One\n")
        assert kept.read_bytes() == whole
    path.write_text(path.read_text().replace('name = "One"', 'name = "Won"'))
    assert parse(**home)["dags"]["site_one"]["doc"].startswith("# Won\n")
    assert "bucket `other`" in parse(**home, MUNIMENT_BUCKET="other")["dags"]["site_one"]["doc"]


def test_a_home_that_cannot_be_written_changes_nothing(
    parse: Callable[..., Any], write_site: Callable[..., Path], tmp_path: Path
) -> None:
    write_site("one")
    (tmp_path / "home").write_text("a file, where the folder should be")
    found = parse(MUNIMENT_HOME=str(tmp_path / "home"))
    assert own_dags(found) == {"site_one"}
    assert found["errors"] == {}
