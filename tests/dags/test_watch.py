"""The watch and the digest, run by Airflow's own task runner, to a real mail server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts import read_standing
from pipeline.archive import Archive
from pipeline.health import Health
from pipeline.stack import settings_environment
from tests.dags.conftest import airflow_environment, run_python, set_apart
from tests.dags.receivers import open_mail_server, text_of
from tests.pipeline.some_alerts import a_health, rejected

RUN = """
import json, sys
from datetime import UTC, datetime
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

with create_session() as session:
    session.merge(DagBundleModel(name="dags-folder"))
    session.flush()
    for site, paused in (("bad", False), ("off", True)):
        session.merge(DagModel(dag_id=f"site_{site}", bundle_name="dags-folder", is_paused=paused, fileloc="x",
                               relative_fileloc="x", timetable_summary="x"))
bag = DagBag(sys.argv[1])
found = {"errors": bag.import_errors}
for dag_id in sys.argv[2:]:
    dag = bag.dags[dag_id]
    dag.tasks[0].retries = 0
    run = dag.test(logical_date=None)
    found[dag_id] = {"state": str(run.state), "catchup": dag.catchup, "most": dag.max_active_runs}
print(json.dumps(found))
"""


def put(archive: Archive, health: Health) -> None:
    archive.change_progress(archive.health_key(health.site), Health, lambda _: health)


@pytest.mark.timeout(240)  # of a busy machine
def test_what_is_wrong_goes_to_a_mail_server_once_and_a_digest_the_day_after(
    archive: Archive, settings: Any, airflow_home: Path, write_site: Any, tmp_path: Path
) -> None:
    now, folder = settings.now(), set_apart(tmp_path / "dags", "watch.py")
    for name in ("bad", "off"):  # two: where three share their software an alarm waits for the others
        write_site(name)
        put(archive, a_health(rejected(now), site=name))
    own = settings.model_copy(
        update={"builtin_sites": False, "sites": (tmp_path / "sites",), "notify": "slack:passed-over"}
    )
    with open_mail_server() as server:
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port}
        connection |= {"extra": {"disable_ssl": True, "disable_tls": True, "from_email": "muniment@example.org"}}
        environment = (
            airflow_environment(airflow_home, folder)
            | settings_environment(own)
            | {
                "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection),
                "AIRFLOW_VAR_MUNIMENT_NOTIFY": "smtp:ops@example.org",
            }
        )
        found = run_python(
            RUN,
            str(folder / "watch.py"),
            "muniment_watch",
            "muniment_watch",
            "muniment_digest",
            environment=dict(os.environ) | environment,
            timeout=200,
        )
    assert found["errors"] == {}
    for dag in ("muniment_watch", "muniment_digest"):
        assert found[dag] == {"state": "success", "catchup": False, "most": 1}
    alert, digest = server.mails
    assert alert["To"] == "ops@example.org"
    assert alert["Subject"] == "Muniment: bad: the latest run was refused by the gate: its pages are built otherwise"
    (alarm,) = read_standing(archive, "bad").open
    assert alert["X-Muniment-Message"] == f"{alarm.id}.1"
    assert "41 of 44 have no date." in text_of(alert)
    assert "Threshold: the first run." in text_of(alert)
    assert "- bad: rejected:" in text_of(digest)
    assert digest["X-Muniment-Event"] == "digest"
    assert read_standing(archive, "off").alarms == ()
