"""The store's benchmark runs and says what it measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import store


@pytest.mark.slow
def test_it_prints_a_table_and_writes_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert store.main(["--objects", "20", "--rounds", "1", "--threads", "4", "--json", str(file)]) == 0
    said = capsys.readouterr().out
    figures = json.loads(file.read_bytes())["objects_per_second"]
    assert len(figures) == 4
    assert all(way in said and rate > 0 for way, rate in figures.items())
