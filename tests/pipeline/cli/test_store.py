"""``muniment store``: what it prints, and that it prints the secret only where that is asked for."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import store as store_module
from pipeline.cli.store import app
from pipeline.errors import StoreRefused
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.store import Store


def _free_port() -> int:
    from pipeline.seaweed import _choose_port

    return _choose_port(set())


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_store_goes_up_says_where_it_is_and_goes_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    port = _free_port()
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path))
    monkeypatch.setenv("MUNIMENT_STORE_PORT", str(port))
    assert "is not running" in _run("status")
    try:
        status = json.loads(_run("up", "--json"))
        assert (status["running"], status["answers"]) == (True, True)
        assert status["endpoint"] == f"http://127.0.0.1:{port}"
        secret = Path(status["secret"])
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        credentials = json.loads(secret.read_bytes())
        said = _run("up") + _run("status") + json.dumps(status)
        assert status["endpoint"] in said
        assert str(secret) in said
        assert credentials["secret_key"] not in said

        exported = subprocess.run(
            ["sh", "-c", f"{_run('env')} env"], capture_output=True, check=True, text=True, timeout=10
        ).stdout
        assert f"AWS_SECRET_ACCESS_KEY={credentials['secret_key']}" in exported.splitlines()

        monkeypatch.setattr(store_module, "_RACERS", 2)
        with pytest.raises(StoreRefused, match="--create"):
            _run("check")
        assert json.loads(_run("check", "--create", "--json"))["passed"] is True  # found without any AWS_ variable
    finally:
        stopped = json.loads(_run("down", "--json"))
    assert stopped == {"stopped": True}
    assert "was not running" in _run("down")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_check_names_each_promise_and_its_bucket(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_RACERS", 2)
    said = _run("check")
    assert f"{store.bucket}: If-None-Match holds" in said
    assert "FAILED" not in said
    assert "can hold an archive" in said


def test_check_of_a_bad_store_ends_with_a_failure(
    store: Store, settings: Settings, seaweed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.pipeline.bad_stores import flawed_store

    monkeypatch.setattr(store_module, "_RACERS", 2)
    with flawed_store(seaweed.environment(), "lets anybody in") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        result = CliRunner().invoke(app, ["check"])
        as_json = CliRunner().invoke(app, ["check", "--json"])
    assert result.exit_code == as_json.exit_code == 1
    assert "CANNOT hold an archive" in result.stdout
    assert json.loads(as_json.stdout)["passed"] is False
