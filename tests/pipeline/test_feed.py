from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from pipeline import feed
from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.feed import Batch, Cursor, follow, parse_cursor
from pipeline.lifecycle import Making, decide
from pipeline.model import State, Version
from pipeline.table import Rows, commit_rows, live_files, open_table, rebuild_rows, replace_rows
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found

SITES = (a_site(), a_site("other"))


def versions(hours: int, count: int, site: int = 0) -> list[Version]:
    making = Making(site=SITES[site], run=a_run(hours), code="muniment 0", extractor="extractor 0")
    findings = [found(f"{hours}-{number}", "Some text.", a_run(hours), START + hours * HOUR) for number in range(count)]
    return [made for each in findings if (made := decide(making, each, []).version)]


def commit(archive: Archive, hours: int, count: int, site: int = 0) -> list[Version]:
    made = versions(hours, count, site)
    with Rows(archive) as rows:
        for version in made:
            rows.add(version)
        commit_rows(archive, SITES[site].id, a_run(hours), rows, now=NOW)
    return made


def keys_of(batches: Iterable[Batch]) -> Counter[tuple[str, str, int]]:
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    return Counter((row["site"], row["article"], row["n"]) for row in rows)


def keys(made: Iterable[Version]) -> Counter[tuple[str, str, int]]:
    return Counter((version.site, version.article, version.n) for version in made)


def the_table(archive: Archive) -> DeltaTable:
    table = open_table(archive)
    assert table is not None
    return table


def merge_files(archive: Archive, *, clean: bool) -> None:
    """What maintenance does: rows into fewer files, and those that are not needed any more away."""
    table = the_table(archive)
    table.optimize.compact()
    if clean:
        table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def test_a_follower_is_told_each_row_once_whatever_tidies_up_between(archive: Archive) -> None:
    first = commit(archive, 0, 5) + commit(archive, 1, 3, site=1)
    told = list(follow(archive, None))
    assert keys_of(told) == keys(first)
    assert {batch.kind for batch in told} == {"all"}
    cursor = told[-1].cursor
    second = commit(archive, 2, 4)
    merge_files(archive, clean=False)
    third = commit(archive, 3, 2, site=1)
    told = list(follow(archive, cursor))
    assert keys_of(told) == keys(second + third)
    assert [(batch.kind, batch.run, batch.rows.num_rows) for batch in told] == [
        ("run", a_run(2), 4),
        ("run", a_run(3), 2),
    ]
    assert [batch.commit for batch in told] == sorted(batch.commit for batch in told)
    assert list(follow(archive, told[-1].cursor)) == []


def test_rows_whose_files_were_merged_and_removed_are_told_all_the_same(archive: Archive) -> None:
    commit(archive, 0, 5)
    cursor = list(follow(archive, None))[-1].cursor
    later = commit(archive, 1, 3) + commit(archive, 2, 4, site=1)
    merge_files(archive, clean=True)
    told = list(follow(archive, cursor))
    assert keys_of(told) == keys(later)
    assert [batch.run for batch in told if batch.rows.num_rows] == [a_run(1), a_run(2)]
    assert told[-1].cursor == f"1.{table_id(archive)}.{the_table(archive).version()}"


def table_id(archive: Archive) -> str:
    return str(the_table(archive).metadata().id).replace("-", "")[:8]


def test_commits_that_only_tidy_up_move_the_cursor_on(archive: Archive) -> None:
    commit(archive, 0, 2)
    commit(archive, 1, 2)
    cursor = list(follow(archive, None))[-1].cursor
    merge_files(archive, clean=True)
    (only,) = follow(archive, cursor)
    assert (only.kind, only.rows.num_rows, only.commit) == ("none", 0, the_table(archive).version())
    assert list(follow(archive, only.cursor)) == []


@pytest.mark.parametrize("clean", [False, True])
def test_a_job_may_stop_after_any_batch(archive: Archive, monkeypatch: pytest.MonkeyPatch, clean: bool) -> None:
    monkeypatch.setattr("pipeline.rows._BATCH", 3)
    made = commit(archive, 0, 7)
    begun = list(follow(archive, None))
    assert [batch.rows.num_rows for batch in begun] == [3, 3, 1]
    made += commit(archive, 1, 8) + commit(archive, 2, 2, site=1)
    if clean:  # the rows of later commits are looked up by their run then
        merge_files(archive, clean=False)
        live = {file.path for file in live_files(the_table(archive))}
        for path in {path for version in (2, 3) for path in _added(archive, version)} - live:
            archive.table_store.delete(f"tables/articles/{path}")
    told: list[Batch] = []
    cursor: str | None = None
    while batch := next(follow(archive, cursor), None):  # one batch, then it is killed
        told.append(batch)
        cursor = batch.cursor
    rest = begun[1:]  # begun before there was more
    assert keys_of(told) == keys(made)
    assert keys_of(rest) + keys_of(follow(archive, rest[-1].cursor)) + keys_of(begun[:1]) == keys(made)


def _added(archive: Archive, version: int) -> list[str]:
    read = feed.read_commit(archive, version)
    assert read is not None
    return [path for path, _ in read.added]


def test_a_takedown_is_told_as_rows_that_were_replaced(archive: Archive) -> None:
    made = commit(archive, 0, 4)
    cursor = list(follow(archive, None))[-1].cursor
    stub = made[1].model_copy(update={"state": State.REDACTED, "title": "", "text": ""})
    replace_rows(archive, [stub], now=NOW, reason="takedown")
    (batch,) = [batch for batch in follow(archive, cursor) if batch.rows.num_rows]
    assert (batch.kind, batch.run) == ("replaced", None)
    (row,) = batch.rows.to_pylist()
    assert (row["article"], row["n"], row["state"], row["text"]) == (stub.article, stub.n, "redacted", "")
    replace_rows(archive, [made[1]], now=NOW + HOUR, reason="reinstated")
    (batch,) = [each for each in follow(archive, batch.cursor) if each.rows.num_rows]
    assert [row["state"] for row in batch.rows.to_pylist()] == ["live"]


def test_a_follower_that_lags_behind_a_takedown_never_gets_the_words(archive: Archive) -> None:
    commit(archive, 0, 1)
    cursor = list(follow(archive, None))[-1].cursor
    made = commit(archive, 1, 3)
    stub = made[0].model_copy(update={"state": State.REDACTED, "title": "", "text": ""})
    replace_rows(archive, [stub], now=NOW, reason="takedown")
    told = [row for batch in follow(archive, cursor) for row in batch.rows.to_pylist()]
    assert Counter((row["article"], row["state"], row["text"]) for row in told) == Counter(
        {
            (made[1].article, "live", "Some text."): 1,
            (made[2].article, "live", "Some text."): 1,
            (made[0].article, "redacted", ""): 2,  # with its run, and as replaced
        }
    )


@pytest.mark.parametrize("gone", [False, True])
def test_a_site_that_was_made_anew_is_told_again_as_replaced(archive: Archive, gone: bool) -> None:
    made = commit(archive, 0, 2)
    commit(archive, 1, 2, site=1)
    cursor = list(follow(archive, None))[-1].cursor
    rebuild_rows(archive, SITES[0].id, [a_run(0)], lambda: made, now=NOW)
    if gone:
        later = made[0].model_copy(update={"note": "later"})
        replace_rows(archive, [later], now=NOW + HOUR, reason="a note")
    told = list(follow(archive, cursor))
    assert {batch.kind for batch in told if batch.rows.num_rows} == {"replaced"}
    assert keys_of(told) == keys([*made, made[0]] if gone else made)


def test_a_follower_may_ask_for_one_site_and_some_columns(archive: Archive) -> None:
    commit(archive, 0, 2)
    made = commit(archive, 1, 2, site=1)
    for since in (None, 0):
        told = list(follow(archive, since, site="other", columns=["article", "url"]))
        rows = pa.Table.from_batches([batch.rows for batch in told]).to_pylist()
        assert sorted(row["article"] for row in rows) == sorted(version.article for version in made)
        assert set(rows[0]) == {"article", "url"}
    with pytest.raises(ArchiveError, match="no column wrods"):
        list(follow(archive, None, columns=["wrods"]))


def test_a_cursor_that_cannot_be_gone_on_from_says_what_to_do(archive: Archive) -> None:
    assert list(follow(archive, None)) == []
    with pytest.raises(NotInArchive, match="no table"):
        list(follow(archive, 3))
    commit(archive, 0, 2)
    cursor = list(follow(archive, None))[-1].cursor
    commit(archive, 1, 2)
    table = the_table(archive)
    table.create_checkpoint()
    key = f"tables/articles/_delta_log/{table.version():020}.json"
    archive.table_store.delete(key)
    with pytest.raises(NotInArchive, match=r"left the table's log by age(.|\n)*since_commit=None"):
        list(follow(archive, cursor))
    with pytest.raises(ArchiveError, match="another table"):
        list(follow(archive, f"1.00000000.{table.version()}"))
    with pytest.raises(ArchiveError, match="another table"):
        list(follow(archive, 99))
    with pytest.raises(ArchiveError, match="is not a cursor"):
        list(follow(archive, "yesterday"))


def test_a_commit_that_was_told_by_half_and_is_gone_can_be_told_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.rows._BATCH", 3)
    commit(archive, 0, 1)
    made = commit(archive, 1, 5)
    half = next(follow(archive, 1)).cursor
    assert parse_cursor(half).done == 3
    merge_files(archive, clean=True)
    with pytest.raises(NotInArchive, match="told by half") as caught:
        list(follow(archive, half))
    again = caught.value.next_step.split("'")[1]
    assert keys_of(follow(archive, again)) == keys(made)


@pytest.mark.parametrize("wrong", [-1, 2.0, b"1.0a1b2c3d.4", True])
@pytest.mark.parametrize("there", [False, True])
def test_what_is_neither_a_cursor_nor_the_number_of_a_commit_is_told_so(
    archive: Archive, wrong: object, there: bool
) -> None:
    if there:
        commit(archive, 0, 1)
    with pytest.raises(ArchiveError, match="is not a cursor") as caught:
        list(follow(archive, wrong))  # type: ignore[arg-type]
    assert "or None" in caught.value.next_step


ids = st.text("0123456789abcdef", min_size=8, max_size=8)
numbers = st.integers(0, 10**18)


@given(ids, numbers, st.none() | st.sampled_from(["log", "all"]) | numbers.map(str), numbers)
def test_a_cursor_is_read_as_it_was_written(table: str, commit: int, source: str | None, done: int) -> None:
    cursor = Cursor(table=table, commit=commit, source=source, done=done if source else 0)
    assert parse_cursor(str(cursor)) == cursor


@given(st.text(max_size=40))
def test_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ArchiveError, match="is not a cursor"):
        parse_cursor(text)
