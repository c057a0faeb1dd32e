"""``muniment export``."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import steps
from pipeline.cli import app
from pipeline.settings import Settings
from tests.pipeline.built_archive import SITE, build_archive


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


@pytest.mark.parametrize("command", ["wacz", "cdxj", "pywb"])
def test_help_teaches_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, ["export", command, "--help"])
    assert shown.exit_code == 0
    assert f"Example: muniment export {command}" in " ".join(shown.output.split())
