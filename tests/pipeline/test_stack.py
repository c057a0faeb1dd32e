"""The stack's decisions, and its refusals; that it runs is tested by tests/dags/test_scheduler.py."""

from __future__ import annotations

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import StackFailed
from pipeline.model import run_id
from pipeline.settings import Settings
from pipeline.stack import (
    DAGS_FOLDER,
    Airflow,
    AirflowClient,
    DagRun,
    Stack,
    bundle_environment,
    list_pools,
    names_a_store,
    processor_environment,
    session_members,
    settings_environment,
    start_time,
)
from spiders.site import BUILTIN_FOLDER, Site, load_sites

Answer = Callable[[str], tuple[int, Any]]


@pytest.fixture
def free_port() -> int:
    """The first of three free ports in a row."""
    for port in range(23_000, 30_000, 7):
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            try:
                for offset, probe in enumerate((one, two, three)):
                    probe.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


def test_the_folder_of_the_dag_files_is_found_beside_the_package() -> None:
    assert (DAGS_FOLDER / "sites_0.py").is_file()


def test_settings_survive_the_way_through_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MUNIMENT_")]:
        monkeypatch.delenv(name)
    settings = Settings(home=tmp_path, sites=(tmp_path / "a", tmp_path / "b"), builtin_sites=False, segment_mb=2.5)
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_the_password_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    airflow = Airflow(tmp_path / "airflow", port=20_000)
    password = airflow.password()
    assert len(password) >= 16
    assert Airflow(tmp_path / "airflow", port=20_000).password() == password
    assert stat.S_IMODE(airflow.password_file.stat().st_mode) == 0o600
    assert json.loads(airflow.password_file.read_text()) == {"admin": password}


def test_airflow_gets_its_own_home_and_no_byte_code_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AIRFLOW_HOME", "/somewhere/else")
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "9")
    environment = Airflow(tmp_path, port=20_000, environment={"MUNIMENT_BUCKET": "news"}).environment()
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["AIRFLOW_HOME"] == str(tmp_path)
    assert environment["AIRFLOW__CORE__PARALLELISM"] == "9"  # what we only recommend, the caller decides
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"] == "20001"
    assert environment["MUNIMENT_BUCKET"] == "news"


def test_a_taken_port_is_named_with_the_setting_to_change(tmp_path: Path, free_port: int) -> None:
    for offset in (0, 2):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", free_port + offset))
            taken.listen()
            with pytest.raises(StackFailed, match=rf"(?s)Port {free_port + offset} .*MUNIMENT_AIRFLOW_PORT"):
                Stack(Settings(home=tmp_path, airflow_port=free_port)).start()
    assert not (tmp_path / "store").exists()  # the ports are looked at before anything is started


def test_a_second_start_of_the_same_home_is_refused(tmp_path: Path, free_port: int) -> None:
    airflow = Airflow(tmp_path, port=free_port)
    pid_file = tmp_path / "standalone.pid"
    pid_file.write_text(json.dumps({"pid": os.getpid(), "started": start_time(os.getpid())}))
    with pytest.raises(StackFailed, match=f"runs already .process {os.getpid()}"):
        airflow.check_free()
    # The same id, but another process: the first one is long gone.
    pid_file.write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    airflow.check_free()


def test_an_airflow_that_ends_at_once_is_told_with_its_last_lines(tmp_path: Path, free_port: int) -> None:
    airflow = Airflow(tmp_path, port=free_port, environment={"AIRFLOW__LOGGING__LOGGING_LEVEL": "no such level"})
    with pytest.raises(StackFailed, match=r"(?s)Airflow ended with status .*no such level"):
        airflow.start(timeout=60)
    assert not (tmp_path / "standalone.pid").exists()


def test_every_process_of_a_session_is_found_whatever_its_group() -> None:
    script = "import os, time\nif os.fork() == 0:\n    os.setpgid(0, 0)\ntime.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while len(session_members(child.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert child.pid in session_members(child.pid)
        assert len(session_members(child.pid)) == 2
    finally:
        for pid in session_members(child.pid):
            os.kill(pid, 9)
        child.wait()


def test_a_named_store_is_taken_instead_of_the_embedded_one() -> None:
    assert names_a_store({"AWS_ENDPOINT_URL_S3": "https://s3.example"})
    assert names_a_store({"AWS_ACCESS_KEY_ID": "key"})
    assert not names_a_store({"AWS_REGION": "eu-west-2", "AWS_ENDPOINT_URL_S3": ""})


def test_a_dag_run_knows_its_run_in_the_archive() -> None:
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    run = DagRun(dag="site_x", dag_run="manual__1", state="success", run_after=moment, started=None, ended=None)
    assert run.run == run_id(moment, "manual__1")
    assert run.run.startswith("20261122T093000Z-")


@pytest.fixture
def api() -> Iterator[tuple[AirflowClient, dict[str, Answer]]]:
    """A client, and what the server that it talks to answers: "GET /path" → f(Authorization header)."""
    answers: dict[str, Answer] = {"POST /auth/token": lambda _: (201, {"access_token": "t1"})}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = f"{self.command} {self.path.partition('?')[0]}"
            answer = answers.get(asked) or answers[f"{asked.rpartition('/')[0]}/*"]
            status, body = answer(self.headers.get("Authorization", ""))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PATCH = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        client = AirflowClient(f"http://127.0.0.1:{server.server_port}", password="secret")
        yield client, answers
        client.close()
        server.shutdown()
        thread.join()


def test_an_expired_token_is_renewed_once(api: tuple[AirflowClient, dict[str, Answer]]) -> None:
    client, answers = api
    tokens = iter(("old", "new"))
    answers["POST /auth/token"] = lambda _: (201, {"access_token": next(tokens)})
    page = {"dags": [{"dag_id": "site_a"}], "total_entries": 1}
    answers["GET /api/v2/dags"] = lambda token: (200, page) if token == "Bearer new" else (401, {})
    assert client.dag_ids() == ["site_a"]


def test_a_refused_request_says_what_airflow_answered(api: tuple[AirflowClient, dict[str, Answer]]) -> None:
    client, answers = api
    answers["PATCH /api/v2/dags/nobody"] = lambda _: (404, {"detail": "no such DAG"})
    with pytest.raises(StackFailed, match=r"404 to PATCH /dags/nobody: .*no such DAG"):
        client.unpause("nobody")


def test_an_error_of_the_server_is_asked_again(api: tuple[AirflowClient, dict[str, Answer]]) -> None:
    client, answers = api
    tries = iter([(500, {"detail": "Database error"}), (200, {"asset_events": [], "total_entries": 0})])
    answers["GET /api/v2/assets/events"] = lambda _: next(tries)
    assert client.asset_events("a") == []


def test_a_trigger_that_failed_after_it_had_worked_makes_no_second_run(
    api: tuple[AirflowClient, dict[str, Answer]],
) -> None:
    client, answers = api
    tries = iter([(500, {"detail": "Database error"}), (409, {"detail": "exists"})])
    answers["POST /api/v2/dags/a/dagRuns"] = lambda _: next(tries)
    run: dict[str, str | None] = {
        "dag_id": "a",
        "dag_run_id": "manual__1",
        "state": "queued",
        "run_after": "2026-11-22T09:30:00Z",
    }
    run |= {"start_date": None, "end_date": None}
    answers["GET /api/v2/dags/a/dagRuns/*"] = lambda _: (200, run)
    assert client.trigger("a").dag_run == "manual__1"


def test_nothing_there_is_not_healthy() -> None:
    client = AirflowClient("http://127.0.0.1:9", password="x")
    assert client.health() == {}
    assert not client.is_healthy()
    client.close()


def test_the_commands_tell_another_airflow_where_our_dags_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_BUCKET", "two words")
    runner = CliRunner()
    assert runner.invoke(app, ["dags", "path"]).stdout.strip() == str(DAGS_FOLDER)
    lines = runner.invoke(app, ["dags", "env"]).stdout.splitlines()
    told = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert told["MUNIMENT_BUCKET"] == "two words"
    bundles = json.loads(told["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert [bundle["name"] for bundle in bundles] == ["dags-folder", "muniment"]
    assert bundles[1]["kwargs"] == {"path": str(DAGS_FOLDER)}
    assert json.loads(runner.invoke(app, ["dags", "env", "--json"]).stdout) == told
    assert bundle_environment().items() <= told.items()


def test_each_politeness_group_gets_a_pool_of_one_slot() -> None:
    site = next(iter(load_sites([BUILTIN_FOLDER]).values()))

    def in_group(name: str, group: str | None) -> Site:
        return site.model_copy(update={"id": name, "crawl": site.crawl.model_copy(update={"group": group})})

    pools = list_pools(
        [in_group("a", "newsquest"), in_group("b", None), in_group("c", "newsquest"), in_group("d", "x")]
    )
    assert {name: pool["slots"] for name, pool in pools.items()} == {"muniment_newsquest": 1, "muniment_x": 1}
    assert pools["muniment_newsquest"]["description"].endswith("a, c")


def test_the_more_sites_there_are_the_less_often_their_files_are_looked_at() -> None:
    intervals = []
    for sites in (1, 250, 500, 2000, 10_000):
        found = {name: int(value) for name, value in processor_environment(sites).items()}
        interval = found["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"]
        assert found["AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD"] >= 2 * interval
        intervals.append(interval)
    assert intervals == [60, 60, 120, 480, 1800]


def test_a_limit_of_crawls_is_a_pool_beside_those_of_the_groups(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, crawls=20)
    assert settings.crawl_pool == "muniment_crawls"
    assert list_pools([], settings)["muniment_crawls"]["slots"] == 20
    assert (list_pools([], Settings(home=tmp_path)), Settings(home=tmp_path).crawl_pool) == ({}, "default_pool")
