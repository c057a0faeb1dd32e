"""muniment import, as a person and as a machine call it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import RunRejected, SettingsError
from pipeline.steps import Workplace
from tests.loopback import LoopbackSite
from tests.pipeline.foreign_files import Writer, put
from tests.pipeline.loop_news import story

THEN = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def call(work: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner whose environment names the loopback site and the test's archive."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    return CliRunner()


def test_an_import_is_told_and_its_origin_shown(call: CliRunner, newsroom: LoopbackSite, tmp_path: Path) -> None:
    file = Writer()
    file.info(software="other \x1b[31mcrawler")
    for number in range(3):
        file.write("response", newsroom.url(f"/news/{number}"), THEN, body=story(number).encode())
    file.write("response", newsroom.url("/about"), THEN, body=b"<html>")
    path = put(tmp_path, "old.warc.gz", file.bytes()[:-9])
    planned = call.invoke(app, ["import", path, "--dry-run"])
    assert "planned" in planned.stdout
    told = call.invoke(app, ["import", path])
    assert told.exit_code == 0, told.output
    assert "3 captures of article pages" in told.stdout
    assert "it breaks off" in told.stdout
    assert "\x1b" not in told.stdout
    assert "3 new" in told.stdout
    again = json.loads(call.invoke(app, ["import", path, "--site", "loop", "--json"]).stdout)
    [site] = again["sites"]
    assert [run["state"] for run in site["runs"]] == ["published before"]
    shown = call.invoke(app, ["show", newsroom.url("/news/1")])
    assert "old.warc.gz" in shown.stdout
    assert json.loads(call.invoke(app, ["show", newsroom.url("/news/1"), "--json"]).stdout)["captured_at"] == (
        "2020-03-04T05:06:07Z"
    )


def test_what_cannot_be_imported_is_said(call: CliRunner, newsroom: LoopbackSite, tmp_path: Path) -> None:
    result = call.invoke(app, ["import", put(tmp_path, "a.warc", b"<html>")])
    assert isinstance(result.exception, SettingsError)
    file = Writer()
    for number in range(9):
        file.write("response", newsroom.url(f"/news/{number}"), THEN, body=b"<html><p>Log in to read.</p></html>")
    result = call.invoke(app, ["import", put(tmp_path, "b.warc.gz", file.bytes())])
    assert isinstance(result.exception, RunRejected)
    assert "give the same command again" in result.exception.next_step
    assert "rejected" in result.stdout
