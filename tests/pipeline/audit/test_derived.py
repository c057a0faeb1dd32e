"""Table, frontier and memory that say something else than versions and runs."""

from __future__ import annotations

import pytest

from pipeline.settings import Settings
from tests.pipeline.audit.bench import (
    BRIDGE,
    MARKET,
    SECOND,
    Bench,
    named,
)
from tests.pipeline.built_archive import SITE, build_archive


@pytest.mark.slow
def test_a_memory_of_blocks_that_is_gone_or_is_no_document_is_named(bench: Bench) -> None:
    key = bench.archive.boilerplate_key(SITE.id)
    bench.raw.delete(key)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.rebuildable) == (key, "missing", True)
    bench.raw.put_consistently(key, b"")
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.rebuildable) == (key, "wrong", True)


def test_a_table_that_lost_a_file_or_a_commit_is_named(bench: Bench) -> None:
    [*logs] = bench.raw.keys("tables/articles/_delta_log/0")
    files = [key for key in bench.raw.keys("tables/articles/") if key.endswith(".parquet")]
    for key in (logs[0], files[0]):
        bench.raw.delete(key)
        told = bench.audit()
        assert named(told) == {"tables/articles"}, key
        assert all(each.rebuildable for each in told.discrepancies)
        bench.raw.restore()
    for key in bench.raw.keys("tables/"):
        bench.raw.delete(key)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == ("tables/articles", "missing")


def test_rows_that_are_missing_doubled_or_altered_are_named(bench: Bench) -> None:
    from deltalake import DeltaTable, write_deltalake

    options = bench.archive.table_store.options_for_table()
    first, second = (bench.archive.version_key(SITE.id, BRIDGE, n) for n in (1, 2))
    third = bench.archive.version_key(SITE.id, MARKET, 1)
    table = DeltaTable(bench.archive.table_uri(), storage_options=options)
    row = table.to_pyarrow_table(filters=[("key", "=", third)])
    write_deltalake(table, row, mode="append")
    DeltaTable(bench.archive.table_uri(), storage_options=options).delete(f"key = '{first}'")
    DeltaTable(bench.archive.table_uri(), storage_options=options).update(
        {"title": "'X'"}, predicate=f"key = '{second}'"
    )
    told = {each.key: each.stands for each in bench.audit().discrepancies}
    assert told == {first: "0 rows", second: "another title", third: "2 rows"}
    assert all(each.rebuildable for each in bench.audit().discrepancies)


@pytest.mark.slow
def test_a_frontier_of_an_earlier_moment_is_named(bench: Bench, settings: Settings) -> None:
    key = bench.archive.frontier_key(SITE.id)
    earlier = build_archive(settings.model_copy(update={"bucket": f"{settings.bucket}-tables"}), runs=1)
    bench.raw.put_consistently(key, earlier.archive.store.get(key).body)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "disagrees")
    assert f"run {SECOND} is not in it" in each.stands
