"""Fixtures on the real thing: a SeaweedFS per test process, a bucket per test."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline.archive import Archive, write_marker
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.store import Store, connect
from tests.warm import ColdPopen, WarmPopen, end

LONGEST = (
    *("pipeline/test_crashes", "pipeline/test_publish", "spiders/test_render", "pipeline/test_steps", "dags/test_runs"),
    *("pipeline/test_takedown_sieve", "pipeline/test_protection_life", "dags/test_maintenance", "dags/test_watch"),
    *("bench/test_replay", "pipeline/test_takedown", "dags/test_connection", "dags/test_factory", "dags/test_backfill"),
    *("pipeline/test_intake", "pipeline/cli/test_versions", "spiders/test_main", "pipeline/test_workers"),
    *("pipeline/test_store", "pipeline/web/test_app", "pipeline/test_hostile", "spiders/test_hostile"),
)
"""Files whose tests take longest, by the sum: begun first, lest one worker is left with them at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first where workers share them out; otherwise the order stays."""
    if hasattr(config, "workerinput"):
        places = {f"tests/{name}.py": place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes by their argument's name: gzip writes the second into them, and workers collect in different ones."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def _warm_starts() -> Iterator[None]:
    """Crawl children and extraction workers are forked from a process that has loaded them: half of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", WarmPopen)
        yield
    end()


@pytest.fixture
def cold_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every child is a program of its own from its first instruction, as in life."""
    monkeypatch.setattr(subprocess, "Popen", ColdPopen)


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """An embedded store of this test process (of each, under xdist), stopped at the end."""
    with EmbeddedStore(tmp_path_factory.mktemp("seaweed"), 0) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def _owner(seaweed: EmbeddedStore) -> Iterator[Any]:
    """A client that may do everything, for clearing up."""
    access = seaweed.environment()
    client = boto3.client(
        "s3",
        endpoint_url=access["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
    )
    yield client
    client.close()


@pytest.fixture
def bucket(_owner: Any) -> Iterator[str]:
    """Name of a bucket that does not exist yet; removed with all it holds after the test.

    Removed, because SeaweedFS keeps a volume for each bucket and has about 75 of them here.
    """
    name = f"test-{secrets.token_hex(6)}"
    yield name
    for found in (name, f"{name}-tables"):
        with contextlib.suppress(_owner.exceptions.ClientError):
            _owner.delete_bucket(Bucket=found)  # SeaweedFS removes what is in it, too


@pytest.fixture
def settings(seaweed: EmbeddedStore, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a fresh deployment; the environment says the same, for child processes and the command line.

    Its bucket does not exist yet: ``open_archive(settings)`` would make it and run the self-test. With the
    fixture ``archive`` it is there and marked.
    """
    for name in [name for name in os.environ if name.startswith(("MUNIMENT_", "AWS_"))]:
        monkeypatch.delenv(name)
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    environment = {
        **seaweed.environment(),
        "MUNIMENT_HOME": str(home),
        "MUNIMENT_SCRATCH": str(scratch),
        "MUNIMENT_BUCKET": bucket,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture(scope="module")
def kept(seaweed: EmbeddedStore, _owner: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A fresh archive for a module: one of its fixtures fills it once, its tests only read. Building costs most."""
    name = f"test-{secrets.token_hex(6)}"
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {**seaweed.environment(), "MUNIMENT_HOME": str(tmp_path_factory.mktemp("kept"))}.items():
            patch.setenv(variable, value)
        fresh = connect(Settings(bucket=name))
    fresh.create_bucket()
    write_marker(fresh)
    yield Archive(fresh, fresh)
    with contextlib.suppress(_owner.exceptions.ClientError):
        _owner.delete_bucket(Bucket=name)


@pytest.fixture
def store(settings: Settings) -> Store:
    """A fresh, empty bucket."""
    fresh = connect(settings)
    fresh.create_bucket()
    return fresh


@pytest.fixture
def archive(store: Store) -> Archive:
    """A fresh archive: marked, without the self-test's seconds (tests/pipeline/test_store.py runs that)."""
    write_marker(store)
    return Archive(store, store)
