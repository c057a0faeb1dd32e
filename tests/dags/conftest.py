"""Airflow for tests: always in processes of its own, with a home of its own; nothing touches ~/airflow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
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


def run_python(script: str, *arguments: str, environment: Mapping[str, str], timeout: float = 100) -> Any:
    """Run a script in a fresh process; the JSON of its last line."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=inherited | dict(environment),
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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home with a migrated SQLite file, made once for each test process; copy it."""
    home = tmp_path_factory.mktemp("airflow")
    run_python(
        "from airflow.utils.db import initdb; initdb(); print('null')",
        environment=airflow_environment(home, home / "dags"),
    )
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
