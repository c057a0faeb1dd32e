from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, SettingsError, StoreUnavailable
from pipeline.lifecycle import Making, decide
from pipeline.model import Version
from pipeline.rows import Rows, query_rows, select_rows
from pipeline.table import SCHEMA, commit_rows, live_files, open_table
from pipeline.table import Rows as Prepared
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found

SITES = (a_site(), a_site("other"))


def put(archive: Archive, site: int, hours: float, texts: dict[str, str], earlier: dict[str, list[Version]]) -> None:
    """A run's versions in the table; ``earlier`` has those of each article and is added to."""
    run = a_run(hours)
    making = Making(site=SITES[site], run=run, code="muniment 0", extractor="extractor 0")
    with Prepared(archive) as rows:
        for name, text in texts.items():
            known = earlier.setdefault(f"{site}/{name}", [])
            version = decide(making, found(name, text, run, START + hours * HOUR), known).version
            if version is not None:
                known.append(version)
                rows.add(version)
        commit_rows(archive, SITES[site].id, run, rows, now=NOW)


def tell(archive: Archive) -> Archive:
    """Five versions of three articles of two sites."""
    earlier: dict[str, list[Version]] = {}
    put(archive, 0, 0, {"a": "One text of a.", "b": "One text of b."}, earlier)
    put(archive, 0, 4, {"a": "Two texts of a, the newest."}, earlier)
    put(archive, 1, 1, {"a": "One text of the other."}, earlier)
    put(archive, 0, 2, {"a": "Three texts of a, released late."}, earlier)
    return archive


@pytest.fixture(scope="module")
def told(kept: Archive) -> Archive:
    """To be read only."""
    return tell(kept)


def texts(rows: Rows) -> list[str]:
    return sorted(rows.to_arrow().column("text").to_pylist())


A1, A2, A3 = "One text of a.", "Two texts of a, the newest.", "Three texts of a, released late."
B, OTHER = "One text of b.", "One text of the other."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ({}, [A1, A2, A3, B, OTHER]),
        ({"sites": ["other"]}, [OTHER]),
        ({"sites": ["other", "example-news"]}, [A1, A2, A3, B, OTHER]),
        ({"sites": ["it's"]}, []),
        ({"run": a_run(2)}, [A3]),
        ({"since": START + HOUR, "until": START + 2 * HOUR}, [OTHER]),
        ({"since": START + HOUR}, [A2, A3, OTHER]),
        ({"current": True}, [A2, B, OTHER]),
        ({"current": True, "sites": ["example-news"]}, [A2, B]),
        ({"current": True, "since": START + HOUR}, [A2, OTHER]),
        ({"current": True, "until": START + 3 * HOUR}, [B, OTHER]),
    ],
)
def test_rows_are_chosen_by_site_run_time_and_standing(told: Archive, question: Any, answer: list[str]) -> None:
    assert texts(select_rows(told, **question)) == sorted(answer)


@pytest.mark.parametrize("share", [1, 2, 3])
def test_what_stands_is_the_same_however_many_shares_it_is_found_in(
    told: Archive, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    monkeypatch.setattr("pipeline.rows._PASS", share)
    monkeypatch.setattr("pipeline.rows._MERGE", 1)
    assert texts(select_rows(told, current=True)) == sorted([A2, B, OTHER])


def test_columns_come_in_the_order_asked_for_with_the_tables_types(told: Archive) -> None:
    rows = select_rows(told, columns=["n", "captured_at", "tags", "origin"], current=True)
    assert rows.schema == rows.to_arrow().schema == pa.schema([SCHEMA.field(name) for name in rows.schema.names])
    assert select_rows(told).to_arrow().schema == SCHEMA
    with pytest.raises(ArchiveError, match="no column wrods"):
        select_rows(told, columns=["url", "wrods"])
    with pytest.raises(ValueError, match="needs a zone"):
        select_rows(told, since=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused


def test_an_answer_can_be_had_again_and_in_every_form(told: Archive) -> None:
    for rows in (
        select_rows(told, columns=["url", "captured_at", "words"], sites=["other"]),
        query_rows(told, "SELECT url, captured_at, words FROM articles WHERE site = 'other'"),
    ):
        assert sum(batch.num_rows for batch in rows) == sum(batch.num_rows for batch in rows) == 1
        expected = {"url": "https://news.example/news/a", "captured_at": START + HOUR, "words": 5}
        assert rows.to_arrow().to_pylist() == pa.table(rows).to_pylist() == [expected]
        assert rows.to_polars().to_dicts() == [expected]
        assert rows.to_pandas().to_dict("records") == [expected]
        assert rows.to_reader().read_all().num_rows == 1


def test_sql_has_all_versions_and_what_stands(told: Archive) -> None:
    def ask(query: str, parameters: Any = None) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = query_rows(told, query, parameters).to_arrow().to_pylist()
        return answer

    assert ask("SELECT count(*) AS n FROM articles") == [{"n": 5}]
    assert [row["text"] for row in ask("FROM current ORDER BY text")] == sorted([A2, B, OTHER])
    assert ask("SELECT text FROM current WHERE site = $site", {"site": "other"}) == [{"text": OTHER}]
    assert ask("SELECT text FROM articles WHERE run = ?", [a_run(2)]) == [{"text": A3}]
    assert ask("SELECT text FROM articles WHERE false") == []
    with pytest.raises(ArchiveError, match=r"(?i)wrods"):
        ask("SELECT wrods FROM articles")


def test_an_archive_without_versions_has_no_rows(archive: Archive) -> None:
    assert select_rows(archive, current=True).to_arrow().schema == SCHEMA
    assert query_rows(archive, "SELECT count(*) AS n FROM current").to_arrow().to_pylist() == [{"n": 0}]


def test_a_file_that_is_gone_is_told_as_something_to_try_again(archive: Archive) -> None:
    table = open_table(tell(archive))
    assert table is not None
    archive.table_store.delete("tables/articles/" + live_files(table, "other")[0].path)
    for rows in (select_rows(archive), query_rows(archive, "SELECT sum(words) FROM articles")):
        with pytest.raises(StoreUnavailable, match="ask again"):
            rows.to_arrow()


@pytest.mark.parametrize(
    ("library", "extra", "use"),
    [
        ("pandas", "pandas", lambda archive: select_rows(archive).to_pandas()),
        ("polars", "polars", lambda archive: select_rows(archive).to_polars()),
        ("duckdb", "sql", lambda archive: query_rows(archive, "SELECT 1")),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, library: str, extra: str, use: Callable[[Archive], object]
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **named: Any) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(SettingsError, match=rf"not installed(.|\n)*muniment\[{extra}\]"):
        use(archive)


_READ = """
import re, sys
import duckdb, pyarrow.dataset
import pipeline.feed
from pipeline.reader import Archive
archive = Archive()
ask = {
    "all": lambda: archive.articles(),
    "current": lambda: archive.articles(current=True),
    "changes": lambda: (batch.rows for batch in archive.changes()),
    "sql": lambda: archive.sql("FROM articles"),
}[sys.argv[1]]
archive.articles(site="nowhere").to_arrow()
def peak():  # not ru_maxrss, which a child has from its parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
rows = size = 0
for batch in ask():
    rows, size = rows + batch.num_rows, size + batch.nbytes
print(rows, size // 2**20, (peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_table_much_larger_than_the_memory_that_reading_it_takes(archive: Archive) -> None:
    import random

    pick, words = random.Random(1), [f"{number:x}" * 2 for number in range(5000)]
    making = Making(site=SITES[0], run=a_run(0), code="muniment 0", extractor="extractor 0")
    first = decide(making, found("a", "Text.", a_run(0), START), []).version
    assert first is not None
    total = 0
    bodies = [" ".join(pick.choices(words, k=600)) for _ in range(200)]
    for run in range(7):
        with Prepared(archive) as prepared:
            for number in range(12_000):
                body = f"{pick.random()} {pick.choice(bodies)}"
                facts = {"article": f"{pick.getrandbits(13):020x}", "n": run * 12_000 + number + 1, "text": body}
                prepared.add(first.model_copy(update=facts | {"captured_at": START + timedelta(seconds=number)}))
            total += commit_rows(archive, SITES[0].id, a_run(run), prepared, now=NOW)
    table = open_table(archive)
    assert table is not None
    for question in ("all", "current", "changes", "sql"):
        done = subprocess.run(
            [sys.executable, "-c", _READ, question], capture_output=True, text=True, check=True, timeout=200
        )
        rows, size, peak = (int(part) for part in done.stdout.split())
        print(question, rows, "rows", size, "MiB read", peak, "MiB more memory")
        assert rows == (total if question != "current" else rows)
        assert peak < 300  # MiB; without row groups of 4,096 rows it took 900


@pytest.mark.parametrize(("current", "scans"), [(False, 1), (True, 2)])
def test_a_question_about_many_sites_is_asked_once(
    told: Archive, monkeypatch: pytest.MonkeyPatch, current: bool, scans: int
) -> None:
    asked, scan = [], DeltaTable.scan

    def count(*args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs)
        return scan(*args, **kwargs)

    monkeypatch.setattr(DeltaTable, "scan", count)
    assert {row["site"] for row in select_rows(told, current=current).to_arrow().to_pylist()} == {
        site.id for site in SITES
    }
    assert len(asked) == scans


def test_no_sites_have_no_rows(told: Archive) -> None:
    assert select_rows(told, sites=[]).to_arrow().num_rows == 0
    assert select_rows(told, sites=[], current=True).to_arrow().num_rows == 0


def test_what_stands_is_the_same_however_few_are_looked_at_in_one_go(
    told: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = texts(select_rows(told, current=True))
    for most in (1, 2, 3):
        monkeypatch.setattr("pipeline.rows._PASS", most)
        assert texts(select_rows(told, current=True)) == whole
