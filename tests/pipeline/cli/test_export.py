"""``muniment export``."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import steps
from pipeline.cli import app
from pipeline.errors import SettingsError, SiteFileError
from pipeline.settings import Settings
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import a_run


@pytest.fixture
def call(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    work = build_archive(settings)
    monkeypatch.setattr(steps, "open_workplace", lambda _settings: work)
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["export", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return called


def test_captures_are_exported_as_wacz_cdxj_and_for_pywb(call: Callable[..., str], tmp_path: Path) -> None:
    told = json.loads(call("wacz", "--site", SITE.id, "--since", "2026-11-22T12:00:00", "--json"))
    assert (told["captures"], told["pages"], told["left_out"], told["lone_revisits"]) == (7, 1, 0, 0)
    assert told["file"] == f"{SITE.id}-20261122.wacz"
    with zipfile.ZipFile(tmp_path / told["file"]) as package:
        described = json.loads(package.read("datapackage.json"))
    assert described["title"] == f"{SITE.name}, from 2026-11-22 12:00"
    assert "14 captures, 6 pages" in call("wacz", "--site", SITE.id, "-o", "all.wacz", "--text")
    assert (tmp_path / "all.wacz").is_file()
    assert "5 captures" in call("cdxj", "--site", SITE.id, "--since", "2026-11-22T12:00:00Z")
    assert (tmp_path / f"{SITE.id}.cdxj").is_file()
    assert json.loads(call("cdxj", "--site", SITE.id, "--until", "2020-01-01", "--json"))["captures"] == 0
    assert "wayback" in call("pywb", "replay")
    assert json.loads(call("pywb", "replay", "--site", SITE.id, "--json"))["sites"][SITE.id]["captures"] == 14


def test_what_has_expired_is_left_out_and_told(call: Callable[..., str], settings: Settings) -> None:
    archive = steps.open_workplace(settings).archive
    before = json.loads(call("pywb", "replay", "--json"))["sites"][SITE.id]
    assert before["expired"] == 0
    archive.store.delete(archive.segments(SITE.id, a_run(0))[0])  # as a lifecycle rule does
    after = json.loads(call("pywb", "replay", "--json"))["sites"][SITE.id]
    assert 0 < after["expired"] == before["captures"] - after["captures"]
    assert f"{after['expired']} more have expired" in call("pywb", "replay")
    assert f"{after['expired']} captures were left out: their raw data has expired" in call("wacz", "--site", SITE.id)


@pytest.mark.parametrize("command", ["wacz", "cdxj", "pywb"])
def test_help_teaches_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, ["export", command, "--help"])
    assert shown.exit_code == 0
    assert f"Example: muniment export {command}" in " ".join(shown.output.split())


def call_wrongly(*arguments: str) -> BaseException | str:
    """The error that a command ends with; of one that was called wrongly, what it prints."""
    result = CliRunner().invoke(app, ["export", *arguments])
    assert result.exit_code != 0
    assert result.exception is not None
    return result.output if isinstance(result.exception, SystemExit) else result.exception


@pytest.mark.parametrize("command", ["wacz", "cdxj"])
def test_moments_are_written_as_for_the_other_commands(command: str, call: Callable[..., str], tmp_path: Path) -> None:
    counts = set()
    for since in ("2026-11-22T12:00Z", "2026-11-22 13:00 Europe/Paris", "2026-11-22T07:00-05:00", "20261122120000"):
        counts.add(json.loads(call(command, "--site", SITE.id, "--since", since, "-o", "out", "--json"))["captures"])
    assert counts == {5 if command == "cdxj" else 7}
    (tmp_path / "out").unlink()
    assert "is no moment" in str(call_wrongly(command, "--site", SITE.id, "--since", "yesterday", "-o", "out"))
    period = ("--since", "2026-11-23", "--until", "2026-11-22")
    assert "nothing lies between" in str(call_wrongly(command, "--site", SITE.id, *period, "-o", "out"))
    assert not list(tmp_path.glob("*out*"))


def test_a_place_that_cannot_be_written_is_named_in_words(call: Callable[..., str], tmp_path: Path) -> None:
    assert "captures" in call("wacz", "--site", SITE.id, "-o", "there.wacz")
    for arguments in (
        ("wacz", "--site", SITE.id, "-o", "missing/folder/x.wacz"),
        ("wacz", "--site", SITE.id, "-o", str(tmp_path)),
        ("cdxj", "--site", SITE.id, "-o", "missing/x.cdxj"),
        ("pywb", "there.wacz"),
    ):
        error = call_wrongly(*arguments)
        assert isinstance(error, SettingsError), arguments
        assert "cannot be written" in str(error)


def test_what_is_kept_of_a_site_without_a_site_file_is_exported(
    call: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = steps.open_workplace(Settings())
    bare = dataclasses.replace(work, sites={})
    monkeypatch.setattr(steps, "open_workplace", lambda _settings: bare)
    assert "14 captures" in call("wacz", "--site", SITE.id)
    assert "14 captures" in call("cdxj", "--site", SITE.id)
    assert "14 captures" in call("pywb", "replay", "--site", SITE.id)
    assert isinstance(call_wrongly("wacz", "--site", "nosuch"), SiteFileError)
