"""The audit's benchmark runs and says what it measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import audit


@pytest.mark.slow
def test_it_prints_a_table_and_writes_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert audit.main(["--pages", "40", "--runs", "2", "--rounds", "1", "--json", str(file)]) == 0
    figures = json.loads(file.read_bytes())
    assert figures["bytes"] > 100_000
    assert f"{figures['ratio']:.2f}" in capsys.readouterr().out
