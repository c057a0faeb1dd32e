from __future__ import annotations

import io
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from pipeline import table
from pipeline.archive import Archive
from pipeline.errors import ArchiveError
from pipeline.maintenance import maintain, read_table_status, rebuild
from pipeline.settings import Settings
from pipeline.stack import DAGS_FOLDER
from pipeline.table import (
    DataFile,
    choose_files,
    dataset,
    merge_files,
    open_table,
    rebuild_rows,
    remove_unreferenced,
    replace_rows,
)
from tests.pipeline.built_archive import SITE as BUILT
from tests.pipeline.built_archive import build_archive
from tests.pipeline.built_runs import NOW, a_run
from tests.pipeline.table_workers import PER_RUN, SITE, publish_run, versions_of


def all_rows(archive: Archive) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dataset(archive).to_table().to_pylist()
    return sorted(rows, key=lambda row: (row["site"], row["article"], row["n"]))


def data_files(archive: Archive) -> set[str]:
    return {
        entry.key.removeprefix("tables/articles/")
        for entry in archive.table_store.list("tables/articles/site=")
        if entry.key.endswith(".parquet")
    }


def files_of(*sizes: int) -> list[DataFile]:
    return [
        DataFile(path=f"{number}", site="s", size=size, rows=1, first=None, last=None)
        for number, size in enumerate(sizes)
    ]


def live(archive: Archive) -> set[str]:
    opened = open_table(archive)
    assert opened is not None
    return {file.path for file in table.live_files(opened)}


@pytest.fixture
def five_runs(archive: Archive) -> Archive:
    for hours in range(5):
        publish_run(archive, a_run(hours))
    return archive


# --- what is worth being merged


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ((), []),
        ((1, 1, 1), []),
        ((1, 1, 1, 1), [1, 1, 1, 1]),
        ((1, 1, 1, 1, 4), [1, 1, 1, 1, 4]),
        ((1, 1, 1, 1, 5), [1, 1, 1, 1]),
        ((90, 1, 1, 1, 1), [1, 1, 1, 1]),
        ((1, 10, 20, 40), []),
    ],
)
def test_small_files_are_merged_when_the_largest_at_least_doubles(sizes: tuple[int, ...], chosen: list[int]):
    assert [file.size for file in choose_files(files_of(*sizes), target=100)] == chosen


def test_a_site_of_a_thousand_runs_has_few_files_and_its_rows_are_written_few_times():
    files: list[DataFile] = []
    written = 0
    for _ in range(1000):
        files += files_of(10)
        chosen = choose_files(files, target=10**6)
        if chosen:
            total = sum(file.size for file in chosen)
            written += total
            files = [file for file in files if file not in chosen] + files_of(total)
    assert len(files) < 12
    assert written < 10 * 10_000


# --- merging


def test_merged_files_have_the_same_rows_sorted_by_capture(five_runs: Archive):
    before, old = all_rows(five_runs), live(five_runs)
    assert merge_files(five_runs, SITE.id, now=NOW) == 5
    assert all_rows(five_runs) == before
    assert len(live(five_runs)) == 1
    captured = dataset(five_runs).to_table()["captured_at"].to_pylist()
    assert captured == sorted(captured)
    assert old < data_files(five_runs), "readers with an older snapshot open go on"
    assert merge_files(five_runs, SITE.id, now=NOW) == 0


def test_a_run_that_was_merged_is_still_in_once(five_runs: Archive):
    merge_files(five_runs, SITE.id, now=NOW)
    publish_run(five_runs, a_run(2))
    publish_run(five_runs, a_run(2), now=NOW + timedelta(days=100))
    assert len(all_rows(five_runs)) == 5 * PER_RUN


def test_a_merge_that_is_killed_before_its_commit_leaves_a_file_that_is_cleared_up(
    five_runs: Archive, monkeypatch: pytest.MonkeyPatch
):
    before, old = all_rows(five_runs), live(five_runs)
    with monkeypatch.context() as patched:

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(DeltaTable, "create_write_transaction", die)
        with pytest.raises(KeyboardInterrupt):
            merge_files(five_runs, SITE.id, now=NOW)
    assert len(data_files(five_runs) - old) == 1
    assert remove_unreferenced(five_runs) == 0, "it may be of a writer that is under way"
    assert remove_unreferenced(five_runs, retention=timedelta(0)) == 1
    assert (all_rows(five_runs), data_files(five_runs)) == (before, old)


def test_a_commit_whose_answer_was_lost_is_taken_for_what_it_is(five_runs: Archive, monkeypatch: pytest.MonkeyPatch):
    before, commit = all_rows(five_runs), DeltaTable.create_write_transaction

    def lose_the_answer(*args: Any, **kwargs: Any) -> None:
        commit(*args, **kwargs)
        raise CommitFailedError("Concurrent transaction failed.")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lose_the_answer)
    assert merge_files(five_runs, SITE.id, now=NOW) == 5
    assert all_rows(five_runs) == before
    assert live(five_runs) <= data_files(five_runs)


@pytest.mark.parametrize("loser", ["merge", "replace"])
def test_of_two_who_rewrite_the_same_files_one_loses_and_leaves_nothing_behind(
    five_runs: Archive, monkeypatch: pytest.MonkeyPatch, loser: str
):
    # delta-rs itself sees that files are gone which a commit with changed rows took out; of a merge, which changes
    # none, it does not: a takedown that comes second would put its rows beside the merged ones.
    before, commit = all_rows(five_runs), DeltaTable.create_write_transaction
    (stub,) = [version.model_copy(update={"text": ""}) for version in versions_of(a_run(1))[:1]]
    jobs = {
        "merge": lambda: merge_files(five_runs, SITE.id, now=NOW),
        "replace": lambda: replace_rows(five_runs, [stub], now=NOW, reason="redacted"),
    }
    late = [False]

    def be_late(*args: Any, **kwargs: Any) -> None:
        if not late[0]:
            late[0] = True
            jobs["merge" if loser == "replace" else "replace"]()
        commit(*args, **kwargs)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", be_late)
    jobs[loser]()
    expected = [row | {"text": ""} if row["article"] == stub.article else row for row in before]
    assert all_rows(five_runs) == expected
    for path in data_files(five_runs):
        stored = pq.read_table(io.BytesIO(five_runs.table_store.get(f"tables/articles/{path}").body), partitioning=None)
        assert {row["text"] for row in stored.to_pylist() if row["article"] == stub.article} <= {""}


def test_of_two_who_merge_the_same_files_one_finds_nothing_left_to_do(
    five_runs: Archive, monkeypatch: pytest.MonkeyPatch
):
    before, commit = all_rows(five_runs), DeltaTable.create_write_transaction
    late = [False]

    def be_late(*args: Any, **kwargs: Any) -> None:
        if not late[0]:
            late[0] = True
            assert merge_files(five_runs, SITE.id, now=NOW) == 5
        commit(*args, **kwargs)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", be_late)
    merge_files(five_runs, SITE.id, now=NOW)
    assert all_rows(five_runs) == before
    assert len(live(five_runs)) == 1
    assert len(data_files(five_runs)) == 6, "the loser's file is gone"


def test_a_lost_file_is_named_with_what_to_do(five_runs: Archive):
    lost = min(live(five_runs))
    five_runs.table_store.delete(f"tables/articles/{lost}")
    with pytest.raises(ArchiveError, match="misses its file") as caught:
        merge_files(five_runs, SITE.id, now=NOW)
    assert "muniment table rebuild --site racing" in caught.value.next_step
    rebuild(five_runs, SITE.id, now=NOW)
    assert len(all_rows(five_runs)) == 5 * PER_RUN


# --- all of it


def test_maintenance_leaves_few_files_and_the_same_rows(five_runs: Archive):
    before = all_rows(five_runs)
    standing = read_table_status(five_runs)
    assert standing is not None
    assert (standing.rows, standing.files, standing.to_merge) == (5 * PER_RUN, 5, {SITE.id: 5})
    done = maintain(five_runs, now=NOW)
    assert (done.merged, done.removed) == ({SITE.id: 5}, 0)
    assert all_rows(five_runs) == before
    log = [entry.key for entry in five_runs.table_store.list("tables/articles/_delta_log/")]
    assert any("checkpoint.parquet" in key for key in log)
    assert maintain(five_runs, now=NOW).merged == {}
    assert maintain(five_runs, now=NOW, sites=["another"]).merged == {}


def test_an_archive_without_a_table_needs_no_maintenance(archive: Archive):
    assert maintain(archive, now=NOW).version is None
    assert read_table_status(archive) is None
    assert rebuild(archive, now=NOW) == {}


# --- making it anew


def test_rows_made_anew_are_the_same_rows(settings: Settings):
    archive = build_archive(settings).archive
    before = all_rows(archive)
    assert rebuild(archive, now=NOW) == {BUILT.id: len(before)}
    assert all_rows(archive) == before
    assert rebuild(archive, now=NOW) == {BUILT.id: len(before)}
    assert all_rows(archive) == before


def test_a_table_that_was_lost_is_made_anew_and_its_runs_stay_in_once(five_runs: Archive):
    before = all_rows(five_runs)
    for entry in list(five_runs.table_store.list("tables/")):
        five_runs.table_store.delete(entry.key)
    rebuild(five_runs, now=NOW)
    assert all_rows(five_runs) == before
    publish_run(five_runs, a_run(3))
    assert all_rows(five_runs) == before


def test_a_run_that_is_under_way_is_left_to_its_publisher(five_runs: Archive):
    for version in versions_of(a_run(7)):
        five_runs.put_version(version)
    assert rebuild(five_runs, SITE.id, now=NOW) == {SITE.id: 5 * PER_RUN}
    publish_run(five_runs, a_run(7))
    assert len(all_rows(five_runs)) == 6 * PER_RUN


def test_a_run_that_comes_in_while_the_rows_are_made_anew_is_neither_lost_nor_doubled(five_runs: Archive):
    published = [a_run(hours) for hours in range(5)]

    def read() -> Iterator[Any]:
        for hours in range(5):
            yield from versions_of(a_run(hours))
        publish_run(five_runs, a_run(8))
        yield from versions_of(a_run(8))

    assert rebuild_rows(five_runs, SITE.id, published, read, now=NOW) == 5 * PER_RUN
    assert len(all_rows(five_runs)) == 6 * PER_RUN


# --- many processes


@contextmanager
def workers(*commands: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.table_workers", *command.split()], cwd=DAGS_FOLDER.parent
        )
        for command in commands
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def race(archive: Archive, runs: int, seconds: float, *, kills: int = 0) -> None:
    publish_run(archive, a_run(0))
    half = runs // 2
    writers = [f"write 1 {half}", f"write 1 {half}", f"write {1 + half} {half}"]
    others = [f"{role} {seconds:g}" for role in ("merge", "maintain", "rebuild", "read")]
    with workers(*writers, *others) as started:
        for _ in range(kills):
            time.sleep(random.Random(kills).uniform(0.2, 1.5))
            with workers(f"merge {seconds:g}", f"rebuild {seconds:g}"):
                time.sleep(random.uniform(1.5, 4))
        assert [process.wait(100) for process in started] == [0] * len(started)
    seen = dataset(archive).to_table(columns=["article", "run"]).to_pylist()
    expected = [
        {"article": version.article, "run": version.run}
        for hours in range(2 * half + 1)
        for version in versions_of(a_run(hours))
    ]
    assert sorted(seen, key=lambda row: row["article"]) == sorted(expected, key=lambda row: row["article"])
    rows = all_rows(archive)
    rebuild(archive, SITE.id, now=NOW)
    assert all_rows(archive) == rows
    assert live(archive) <= data_files(archive)


@pytest.mark.slow
def test_writers_mergers_and_rebuilders_in_processes_of_their_own_lose_and_double_nothing(archive: Archive):
    race(archive, 8, 6)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nor_do_they_when_some_are_killed_at_any_moment(archive: Archive):
    race(archive, 40, 40, kills=6)
