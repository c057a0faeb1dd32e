"""The order of the feed, and that its memory is bounded."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pyarrow as pa
import pytest

from pipeline.archive import Archive
from pipeline.cli import feed
from pipeline.cli.feed import ChangeKind, Wanted, iter_changes
from pipeline.model import State
from pipeline.table import Rows, commit_rows
from tests.pipeline.built_runs import NOW, START, a_run
from tests.pipeline.test_comparison import a_version

SITES = ("east", "west")


def fill(archive: Archive, count: int, *, runs: int = 3, text: str = "One body.") -> None:
    """Versions whose order of time is not that of the runs that wrote them; every seventh has an edit of a headline."""
    for run in range(runs):
        with Rows(archive) as rows:
            for n in range(run, count, runs):
                facts = {"edit": {"classes": ["headline"], "words_added": 1, "words_removed": 0}, "change": "moved"}
                rows.add(
                    a_version(
                        n + 1,
                        site=SITES[n % 2],
                        run=a_run(run),
                        text=text,
                        captured_at=START + timedelta(seconds=(n * 7919) % count),
                        **(facts if n % 7 == 0 else {"state": State.REDACTED} if n % 7 == 1 else {}),
                    )
                )
            commit_rows(archive, "east", a_run(run), rows, now=NOW)


def test_rows_come_in_order_of_time_whatever_run_wrote_them(archive: Archive) -> None:
    fill(archive, 500)
    times = [row["captured_at"] for row in iter_changes(archive, Wanted(), columns=["captured_at"])]
    assert len(times) == 500
    assert times == sorted(times)
    assert [row["captured_at"] for row in iter_changes(archive, Wanted(), columns=["captured_at"], limit=7)] == times[
        :7
    ]


def test_rows_are_chosen_by_site_time_and_kind(archive: Archive) -> None:
    fill(archive, 140)
    wanted = Wanted(sites=["east"], since=START + timedelta(seconds=20), until=START + timedelta(seconds=90))
    rows = list(iter_changes(archive, wanted))
    assert {row["site"] for row in rows} == {"east"}
    assert {row["captured_at"] >= wanted.since and row["captured_at"] <= wanted.until for row in rows} == {True}
    counts = {kind: sum(1 for _ in iter_changes(archive, Wanted(kinds=[kind]))) for kind in ChangeKind}
    assert {kind: count for kind, count in counts.items() if count} == {
        "new": 120,
        "moved": 20,
        "headline": 20,
        "redacted": 20,
    }
    both = Wanted(kinds=[ChangeKind.HEADLINE, ChangeKind.REDACTED])
    assert sum(1 for _ in iter_changes(archive, both)) == 40


@pytest.mark.parametrize("limit", [None, 3, 250])
def test_rows_that_do_not_fit_into_memory_are_sorted_all_the_same(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    fill(archive, 400)
    whole = list(iter_changes(archive, Wanted()))[:limit]
    monkeypatch.setattr(feed, "_PART", 20_000)
    monkeypatch.setattr(feed, "_BATCH", 16)
    monkeypatch.setattr(feed, "_KEPT", 10)
    assert list(iter_changes(archive, Wanted(), limit=limit)) == whole


def test_memory_does_not_grow_with_the_table(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_PART", 1 << 20)
    monkeypatch.setattr(feed, "_BATCH", 64)
    fill(archive, 4000, text="word " * 2000)  # 40 MB
    before, tallest = pa.total_allocated_bytes(), 0
    tracemalloc.start()
    try:
        for _ in iter_changes(archive, Wanted(), columns=["captured_at", "text"]):
            tallest = max(tallest, pa.total_allocated_bytes() - before)
        _, python = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tallest + python < 30 << 20


def test_a_feed_that_is_not_read_to_its_end_leaves_nothing_behind(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    fill(archive, 60)
    monkeypatch.setattr(feed, "_PART", 1)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = iter_changes(archive, Wanted())
    next(rows)
    assert list(tmp_path.iterdir())  # type: ignore[attr-defined]
    rows.close()  # type: ignore[attr-defined]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("muniment-changes")]  # type: ignore[attr-defined]
