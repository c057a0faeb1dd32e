"""The table's benchmark makes rows as they would be, and says what it measured."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from bench import table
from pipeline.table import SCHEMA


def test_every_row_is_given_to_a_site_and_the_first_has_most() -> None:
    shares = table.share_out(10_000, 50)
    assert sum(shares.values()) == 10_000
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert sum(table.share_out(3, 50).values()) == 3


def test_rows_are_sorted_versions_without_gaps_of_many_articles() -> None:
    rows = pa.Table.from_batches(table.make_rows("site-001", 3000, table._write_texts()))
    assert rows.schema == SCHEMA
    assert rows["captured_at"].to_pylist() == sorted(rows["captured_at"].to_pylist())
    keys = list(zip(rows["article"].to_pylist(), rows["n"].to_pylist(), strict=True))
    assert len(set(keys)) == 3000
    assert all(n == 1 or (article, n - 1) in set(keys) for article, n in keys[:200])
    assert 0.1 < sum(n > 1 for _, n in keys) / 3000 < 0.3
    assert sum(map(len, rows["text"].to_pylist())) / 3000 > 2900


@pytest.mark.slow
def test_it_prints_both_figures_and_writes_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert table.main(["--rows", "100", "500", "--sites", "3", "--rounds", "1", "--json", str(file)]) == 0
    figures = json.loads(file.read_bytes())
    assert set(figures["commit_seconds"]) == {"100", "500"}
    assert len(figures["questions"]) == 5
    assert "the current state of everything" in capsys.readouterr().out
