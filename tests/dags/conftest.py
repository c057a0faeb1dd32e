"""Airflow for tests: always in processes of its own, with a home of its own; nothing touches ~/airflow."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.stack import DAGS_FOLDER
from tests.loopback import loopback

__all__ = ["loopback"]

ROOT = DAGS_FOLDER.parent


def airflow_environment(home: Path, dags_folder: Path) -> dict[str, str]:
    """What an Airflow process of the tests gets, beside what the test has set."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }


def set_apart(folder: Path, *names: str) -> Path:
    """A DAGs folder with these files of ours alone: ``dag.test()`` parses all that lies in it, each time."""
    folder.mkdir()
    for name in names:
        shutil.copy(DAGS_FOLDER / name, folder)
    return folder


def _inherit() -> dict[str, str]:
    """Our environment without what is about Airflow."""
    left_out = ("AIRFLOW", "_AIRFLOW")
    return {n: v for n, v in os.environ.items() if not n.startswith(left_out) and n != "PYTHONDONTWRITEBYTECODE"}


def run_python(script: str, *arguments: str, environment: Mapping[str, str], timeout: float = 100) -> Any:
    """Run a script in a fresh process; the JSON of its last line."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=_inherit() | dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"not ended after {timeout:g} s:\n{(error.output or b'').decode()[-6000:]}", pytrace=False)
    text = done.stdout.decode()
    assert done.returncode == 0, text[-6000:]
    return json.loads(text.splitlines()[-1])


FORKING = """
import json, os, sys, traceback
import airflow.dag_processing.dagbag
print(json.dumps(sorted(sys.modules)), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if os.fork() == 0:
        status = 1
        try:
            os.environ.clear()
            os.environ.update(order["environment"])
            sys.argv = ["-c", *order["arguments"]]
            exec(order["script"], {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        os._exit(status)
    print("ended", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


class ForkingPython:
    """Runs scripts as ``run_python`` does, in forks of one process that has Airflow loaded: that takes 3 s of CPU."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKING],
            env=_inherit() | airflow_environment(home, home / "dags"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.loaded: list[str] = json.loads(self._read("[")[-1])  # what Airflow alone loads

    def run(self, script: str, *arguments: str, environment: Mapping[str, str]) -> Any:
        """The JSON of the script's last line."""
        assert self._process.stdin is not None
        order = {"script": script, "arguments": arguments, "environment": _inherit() | dict(environment)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        *said, ended = self._read("ended ")
        assert ended == "ended 0", "\n".join(said)[-6000:]
        return json.loads(said[-1])

    def _read(self, until: str) -> list[str]:
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(until):
                return lines
        raise AssertionError("\n".join(lines)[-6000:])

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingPython]:
    """One process with Airflow loaded for all scripts that need no database."""
    python = ForkingPython(tmp_path_factory.mktemp("forking"))
    yield python
    python.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home with a migrated SQLite file, made once for all test processes of a run; copy it."""
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    home = common / "migrated"
    with (common / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            making = tmp_path_factory.mktemp("airflow")
            run_python(
                "from airflow.utils.db import initdb; initdb(); print('null')",
                environment=airflow_environment(making, making / "dags"),
            )
            making.rename(home)
    return home


@pytest.fixture
def airflow_home(migrated: Path, tmp_path: Path) -> Path:
    """A fresh Airflow home with a migrated database."""
    return Path(shutil.copytree(migrated, tmp_path / "airflow"))


SITE = """
name = "{name}"
home = "{home}"
kind = "trade"
family = "WordPress"
region = "North East"
article = "{home}news/[^/?]+"
schedule = "20 7-20 * * 1-5"
{more}
[[sources]]
type = "feed"
url = "{home}feed.xml"
[crawl]
delay = 0
run_seconds = 120
allow_private = true
concurrency = {concurrency}
[check]
{check}
"""


@pytest.fixture
def write_site(tmp_path: Path) -> Callable[..., Path]:
    """``write_site("localgov")`` writes a small site file and returns its path."""
    folder = tmp_path / "sites"
    folder.mkdir()

    def write(
        site_id: str, *, home: str = "http://127.0.0.1:9/", more: str = "", check: str = "", concurrency: int = 4
    ) -> Path:
        path = folder / f"{site_id}.toml"
        text = SITE.format(name=site_id.title(), home=home, more=more, check=check, concurrency=concurrency)
        path.write_text(text, encoding="utf-8")
        return path

    return write
