"""A real API server of Airflow with the Archive pages in it and users of every role, for tests and the bench."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import ROOT

ROLES = {"vera": "viewer", "ursula": "user", "otto": "op", "anna": "admin"}
PASSWORD = "a password of a bench"
_SECRET = "0123456789abcdef" * 5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class ApiServer:
    """A server that is up."""

    port: int
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    _cookies: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        who: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request, with the path exactly as it is given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = dict(headers or {})
            if who is not None:
                sent["Cookie"] = f"_token={self.cookie(who)}"
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=told, body=answer.read())
        finally:
            connection.close()

    def cookie(self, who: str) -> str:
        """The session of a user, as Airflow's log-in gives it."""
        if who not in self._cookies:
            body = json.dumps({"username": who, "password": PASSWORD}).encode()
            answer = self.ask("POST", "/auth/token", headers={"Content-Type": "application/json"}, body=body)
            assert answer.status == 201, answer.body
            self._cookies[who] = json.loads(answer.body)["access_token"]
        return self._cookies[who]


def make_environment(home: Path, port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """All variables of the server's processes: an Airflow of its own, and nothing of this one's."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "MUNIMENT_", "AWS_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **inherited,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _SECRET,
        "AIRFLOW__API__SECRET_KEY": _SECRET[::-1],
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        **environment,
    }


def migrate_home(home: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Make an Airflow home with a database; takes some seconds, so that tests copy one."""
    home.mkdir(parents=True)
    script = "from airflow.utils.db import initdb; initdb()"
    full = make_environment(home, 1, environment or {})
    subprocess.run([sys.executable, "-c", script], env=full, cwd=home, check=True, capture_output=True)
    return home


@contextmanager
def serve_airflow(home: Path, environment: Mapping[str, str], *, dags: Path | None = None) -> Iterator[ApiServer]:
    """An API server on a free port of 127.0.0.1; stopped at the end.

    Args:
        home: Airflow's home, with a database.
        environment: where the archive is; goes before everything else.
        dags: a folder of DAG files that are parsed first, so that Airflow's own pages know them.
    """
    (home / "passwords.json").write_text(json.dumps(dict.fromkeys(ROLES, PASSWORD)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)} if dags else {}
    full = make_environment(home, port, {**given, **environment})
    airflow = [sys.executable, "-m", "airflow"]
    if dags:
        subprocess.run([*airflow, "dags", "reserialize"], env=full, cwd=home, check=True, capture_output=True)
    log = home / "api-server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*airflow, "api-server"], env=full, cwd=home, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    server = ApiServer(port=port, environment=full, log=log, process=process)
    try:
        _wait(server)
        yield server
    finally:
        for sign in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                continue


def _wait(server: ApiServer) -> None:
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            if server.ask("GET", "/api/v2/monitor/health").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the API server is not up:\n{server.log.read_text(errors='replace')[-4000:]}")
