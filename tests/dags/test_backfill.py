"""What the DAGs that an operator triggers by a form make of what is written into it: `backfill` and `site_probe`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.stack import DAGS_FOLDER, settings_environment
from spiders.site import parse_site
from tests.dags.conftest import airflow_environment, run_python, set_apart
from tests.dags.newsroom import open_newsroom
from tests.loopback import LoopbackSite, Reply

CALL = """
import json, sys
from datetime import UTC, datetime
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.execution_time.context import set_current_context

told = []
for file, given in json.loads(sys.argv[1]):
    (dag,) = DagBag(file).dags.values()
    (task,) = dag.tasks
    given |= {name: dag.params[name] for name in dag.params if name not in given}
    dag_run = SimpleNamespace(run_after=datetime(2026, 11, 22, 9, 30, tzinfo=UTC), run_id="manual__1")
    with set_current_context({"params": given, "dag_run": dag_run}):
        try:
            told.append({"value": task.python_callable()})
        except BaseException as error:
            facts = {name: getattr(error, name, None) for name in ("trigger_dag_id", "dag_run_id", "conf")}
            told.append({"raised": type(error).__name__, "message": str(error)} | facts)
print(json.dumps(told))
"""


@pytest.fixture
def own(settings: Any, tmp_path: Path, loopback: LoopbackSite) -> Any:
    """Settings with the sites of the test alone, beside a newsroom that can be found from its front page."""
    open_front_page(loopback)
    return settings.model_copy(update={"builtin_sites": False, "sites": (tmp_path / "sites",)})


@pytest.mark.timeout(200)  # of a busy machine
def test_a_form_triggers_the_first_run_or_says_what_is_wrong_with_it(
    own: Any, airflow_home: Path, write_site: Callable[..., Path], loopback: LoopbackSite
) -> None:
    write_site("localgov", home=loopback.url("/"))
    hidden = LoopbackSite(routes={"/": Reply(body=b"<html><title>Inside</title></html>")})
    environment = airflow_environment(airflow_home, DAGS_FOLDER) | settings_environment(own)
    backfill, probe = str(DAGS_FOLDER / "backfill.py"), str(DAGS_FOLDER / "probe.py")
    forms = [
        (backfill, {"site": "site_localgov", "since": "2024-01-01", "until": "2024-01-31", "limit": 7}),
        (backfill, {"site": "localgov", "since": "2024-02-01", "until": "2024-01-31"}),
        (backfill, {"site": "localgov", "since": "01/02/2024"}),
        (backfill, {"site": "../elsewhere", "since": "2024-02-01"}),
        (probe, {"url": "--help"}),
        (probe, {"url": loopback.url("/"), "id": "roofs"}),
    ]
    with hidden:
        forms.append((probe, {"url": hidden.url("/")}))
        good, backwards, no_date, no_site, option, declared, private = run_python(
            CALL, json.dumps(forms), environment=dict(os.environ) | environment, timeout=180
        )
    assert good["raised"] == "DagRunTriggerException"
    assert good["trigger_dag_id"] == "site_localgov"
    assert good["dag_run_id"].startswith("backfill__20261122T093000Z-")  # the same for a retry
    assert good["conf"] == {"since": "2024-01-01", "until": "2024-01-31", "limit": 7}
    for told, words in (
        (backwards, "Until lies before Since."),
        (no_date, "The window cannot be used"),
        (no_site, "No site file declares '../elsewhere'."),
    ):
        assert told["raised"] == "AirflowFailException"  # at once: trying again does not mend it
        assert words in told["message"]
    # Nobody looks into the operator's network by this form, but where a site file does, and what is written into it is
    # never an option.
    assert private["raised"] == option["raised"] == "AirflowFailException"
    assert hidden.requests == []
    check_draft(declared["value"], loopback)
    assert "usage" not in option["message"].lower()


PROBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

run = DagBag(sys.argv[1]).dags["site_probe"].test(logical_date=None, run_conf={"url": sys.argv[2], "id": "roofs"})
with create_session() as session:
    given = [one.value for one in session.query(XComModel).filter_by(run_id=run.run_id, key="return_value")]
print(json.dumps({"state": str(run.state), "given": given}))
"""


@pytest.mark.slow
@pytest.mark.timeout(200)  # of a busy machine
def test_a_probe_of_a_declared_private_site_gives_its_file_to_whoever_comes_next(
    own: Any, airflow_home: Path, write_site: Callable[..., Path], tmp_path: Path, loopback: LoopbackSite
) -> None:
    write_site("inside", home=loopback.url("/"))
    folder = set_apart(tmp_path / "dags", "probe.py")
    environment = airflow_environment(airflow_home, folder) | settings_environment(own)
    found = run_python(
        PROBE,
        str(folder / "probe.py"),
        loopback.url("/"),
        environment=dict(os.environ) | environment,
        timeout=180,
    )
    assert found["state"] == "success"
    [told] = found["given"]
    check_draft(told, loopback)


def open_front_page(server: LoopbackSite) -> None:
    """A newsroom that can be found from its front page."""
    open_newsroom(server, articles=6)
    links = "".join(f"<p><a href='/news/roof-{number}'>Roof {number}</a></p>" for number in range(6))
    feed = "<link rel='alternate' type='application/rss+xml' href='/feed.xml'>"
    server.page("/", f"<html lang='en-GB'><head><title>Roof News</title>{feed}</head><body>{links}</body></html>")


def check_draft(told: Any, server: LoopbackSite) -> None:
    """Fail unless the drafted file knows the newsroom."""
    assert (told["ok"], told["id"], told["problems"]) == (True, "roofs", [])
    site = parse_site(told["file"], id="roofs", file="roofs.toml")
    assert site.is_article(server.url("/news/roof-3"))
    assert [source.url for source in site.sources] == [server.url("/feed.xml")]
