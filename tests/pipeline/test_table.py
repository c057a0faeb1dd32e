from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from pipeline import table
from pipeline.archive import Archive
from pipeline.errors import StoreUnavailable
from pipeline.lifecycle import Making, decide
from pipeline.model import Contact, Image, Linked, Moment, Notice, Version
from pipeline.table import (
    SCHEMA,
    Rows,
    commit_rows,
    dataset,
    open_table,
    purge_history,
    replace_rows,
    rows_of,
    to_batch,
)
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found, missing

SITE = a_site()


def versions(run: str, count: int, site: Any = SITE) -> list[Version]:
    making = Making(site=site, run=run, code="muniment 0", extractor="extractor 0")
    made = [decide(making, found(f"n{number}", "Some text.", run, START), []).version for number in range(count)]
    return [version for version in made if version is not None]


def commit(archive: Archive, run: str, count: int, *, site: Any = SITE, now: Any = NOW) -> int:
    with Rows(archive) as rows:
        for version in versions(run, count, site):
            rows.add(version)
        return commit_rows(archive, site.id, run, rows, now=now)


def test_a_row_says_what_its_version_says(archive: Archive):
    run = a_run(0)
    (version,) = versions(run, 1)
    commit(archive, run, 1)
    (row,) = dataset(archive).to_table().to_pylist()
    assert list(row) == SCHEMA.names
    for name in ("site", "article", "n", "url", "title", "text", "words", "digest", "run", "captured_at", "code"):
        assert row[name] == getattr(version, name), name
    assert (row["state"], row["change"]) == ("live", "new")
    assert (row["authors"], row["tags"]) == (["A. Writer", "B. Reader"], ["budget"])
    assert version.published is not None
    assert (row["published"], row["published_precision"]) == (version.published.value, "minute")
    assert (row["published_original"], row["published_source"]) == ("22 November 2026", "json-ld")
    assert row["modified"] is row["modified_source"] is None
    assert row["origins"] == '{"published":"json-ld","title":"json-ld"}'
    evidence = version.evidence
    assert (row["warc"], row["warc_offset"], row["warc_length"]) == (evidence.warc, evidence.offset, evidence.length)
    assert (row["record_id"], row["payload_digest"]) == (evidence.record_id, evidence.payload_digest)
    assert (row["record_type"], row["http_status"]) == ("response", 200)
    assert row["key"] == archive.version_key(SITE.id, version.article, 1)


EARLIER = SCHEMA.names[: SCHEMA.names.index("edit")]
LATER = SCHEMA.names[len(EARLIER) :]
STORY = SCHEMA.names[SCHEMA.names.index("kind") :]  # what was added to it last


@contextmanager
def release_without(lacking: Sequence[str]) -> Iterator[None]:
    """While this lasts, rows are written by a release that knows fewer columns."""
    old = pa.schema([field for field in SCHEMA if field.name not in lacking])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "SCHEMA", old)
        patch.setattr(table, "to_batch", lambda archive, made: to_batch(archive, made).select(old.names).cast(old))
        yield


@pytest.fixture(params=[LATER, STORY], ids=["before-edits", "before-particulars"])
def old_table(archive: Archive, request: pytest.FixtureRequest) -> Archive:
    """An archive whose table was made by a release that knew fewer columns, with a run in it."""
    with release_without(request.param):
        commit(archive, a_run(0), 3)
    there = DeltaTable(archive.table_uri(), **options(archive)).to_pyarrow_dataset().schema.names
    assert not set(request.param) & set(there)
    return archive


def test_a_release_that_knows_fewer_columns_still_writes_and_reads_beside_a_newer_one(archive: Archive):
    commit(archive, a_run(0), 2)
    with release_without(STORY):
        assert commit(archive, a_run(1), 3) == 3
        rows = dataset(archive).to_table(columns=EARLIER).to_pylist()
    assert len(rows) == 5
    written = {row["run"]: row["kind"] for row in dataset(archive).to_table().to_pylist()}
    assert written == {a_run(0): "article", a_run(1): None}


def test_a_row_has_what_is_worth_asking_for_of_a_press_release():
    (version,) = versions(a_run(0), 1)
    until = Moment(value=NOW, precision="minute", original="EMBARGOED UNTIL …", source="text")
    release = version.model_copy(
        update={
            "kind": "article",
            "standfirst": "It is to be mended.",
            "byline": "By A. Writer, Anytown",
            "agencies": ("PA Media",),
            "images": (Image(url="https://news.example/a.jpg", credit="PA"),),
            "free": False,
            "notices": (Notice(kind="correction", text="Correction: the bridge is in Newtown."),),
            "contacts": (Contact(text="Press office: press@c.example", email="press@c.example"),),
            "embargo": until,
            "ward": "Riverside",
            "committee": "Cabinet",
            "documents": (Linked(url="https://news.example/a.pdf"),),
            "confidence": {"ward": 0.9},
        }
    )
    (row,) = to_batch(Archive(None, None), [release]).to_pylist()  # type: ignore[arg-type]
    assert (row["kind"], row["standfirst"], row["byline"]) == (
        "article",
        "It is to be mended.",
        "By A. Writer, Anytown",
    )
    assert (row["agencies"], row["notices"], row["free"]) == (["PA Media"], ["correction"], False)
    assert (row["ward"], row["committee"], row["embargo"]) == ("Riverside", "Cabinet", NOW)
    assert row["documents"] == ["https://news.example/a.pdf"]
    assert json.loads(row["images"]) == [
        {"url": "https://news.example/a.jpg", "caption": None, "credit": "PA", "alt": None}
    ]
    assert json.loads(row["contacts"])[0]["email"] == "press@c.example"
    assert row["confidence"] == '{"ward":0.9}'


def options(archive: Archive) -> dict[str, Any]:
    return {"storage_options": archive.table_store.options_for_table()}


def test_a_table_of_an_earlier_release_is_read_with_nulls_in_the_columns_that_it_lacks(old_table: Archive):
    assert set(dataset(old_table).schema.names) == set(SCHEMA.names)
    rows = dataset(old_table).to_table().to_pylist()
    assert len(rows) == 3
    assert all(row[name] is None for row in rows for name in STORY)


def test_a_table_of_an_earlier_release_gets_the_columns_that_it_lacks_with_the_next_run(old_table: Archive):
    assert commit(old_table, a_run(1), 2) == 2
    assert commit(old_table, a_run(1), 2) == 2
    rows = dataset(old_table).to_table().to_pylist()
    assert [sum(row["run"] == a_run(hours) for row in rows) for hours in (0, 1)] == [3, 2]
    assert {row["kind"] for row in rows if row["run"] == a_run(0)} == {None}
    assert {row["kind"] for row in rows if row["run"] == a_run(1)} == {"article"}
    assert {row["essence"][:10] for row in rows if row["run"] == a_run(1)} == {"essence-1:"}


def test_writers_who_add_the_columns_at_once_lose_and_double_nothing(old_table: Archive):
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda hours: commit(old_table, a_run(hours), 2), range(1, 5)))
    assert counts == [2] * 4
    rows = dataset(old_table).to_table().to_pylist()
    assert sorted(row["run"] for row in rows) == sorted([a_run(0)] * 3 + [a_run(hours) for hours in range(1, 5)] * 2)


def test_every_column_of_a_version_is_in_the_table_or_left_out_on_purpose():
    elsewhere = {"contract", "evidence", "stripped", "parts", "bylines", "recipe"}
    assert set(Version.model_fields) - elsewhere <= set(SCHEMA.names)


def test_no_version_no_commit_and_an_empty_table_has_the_columns(archive: Archive):
    assert commit(archive, a_run(0), 0) == 0
    assert open_table(archive) is None
    assert dataset(archive).schema == SCHEMA
    assert dataset(archive).count_rows() == 0


def test_a_run_is_in_the_table_once_however_often_it_is_committed(archive: Archive):
    for _ in range(3):
        assert commit(archive, a_run(0), 4) == 4
    opened = open_table(archive)
    assert opened is not None
    assert opened.version() == 1
    assert dataset(archive).count_rows() == rows_of(archive, SITE.id, a_run(0)) == 4


def test_a_run_whose_transaction_was_forgotten_is_found_by_its_rows(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    commit(archive, a_run(0), 4)
    monkeypatch.setattr(deltalake.DeltaTable, "transaction_version", lambda *_: None)
    assert commit(archive, a_run(0), 4, now=START + timedelta(days=100)) == 4
    assert dataset(archive).count_rows() == 4


def test_an_old_run_of_which_nothing_is_in_is_still_committed(archive: Archive):
    commit(archive, a_run(0), 4)
    assert commit(archive, a_run(1), 2, now=START + timedelta(days=100)) == 2
    assert dataset(archive).count_rows() == 6


def test_runs_of_many_publishers_are_in_exactly_once(archive: Archive):
    sites = [a_site(f"site-{number}") for number in range(2)]
    jobs = [(a_run(number), site) for number in range(3) for site in sites for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda job: commit(archive, job[0], 3, site=job[1]), jobs))
    assert done == [3] * 12
    for site in sites:
        assert [rows_of(archive, site.id, a_run(number)) for number in range(3)] == [3, 3, 3]


def test_the_table_is_created_once_when_all_create_it_at_once(archive: Archive):
    with ThreadPoolExecutor(6) as pool:
        created = list(pool.map(lambda _: table._create_table(archive), range(6)))
    assert {each.version() for each in created} == {0}
    assert len({each.metadata().id for each in created}) == 1


def test_a_large_run_is_written_in_batches(archive: Archive):
    count = 3 * table._BATCH + 5
    with Rows(archive) as rows:
        for version in versions(a_run(0), count):
            rows.add(version)
            assert len(rows._waiting) < table._BATCH
        assert len(rows) == count
        assert [batch.num_rows for batch in rows.batches()] == [256, 256, 256, 5]
        assert rows.batches().read_all().num_rows == count
        folder = rows._path.parent
    assert not folder.exists()


def test_the_files_are_parted_by_site_and_times_are_utc_in_microseconds(archive: Archive):
    commit(archive, a_run(0), 1)
    (key,) = [entry.key for entry in archive.store.list("tables/") if entry.key.endswith(".parquet")]
    assert f"/site={SITE.id}/" in key
    schema = pq.read_schema(io.BytesIO(archive.store.get(key).body))
    assert str(schema.field("captured_at").type) == "timestamp[us, tz=UTC]"


def test_a_tombstone_has_a_row_too():
    run = a_run(0)
    making = Making(site=a_site(gone_after_checks=1, gone_after=timedelta(0)), run=a_run(1), code="c", extractor="e")
    tombstone = decide(making, missing("n0", a_run(1), START + HOUR), versions(run, 1)).version
    assert tombstone is not None
    (row,) = to_batch(Archive(None, None), [tombstone]).to_pylist()  # type: ignore[arg-type]
    assert (row["state"], row["text"], row["http_status"]) == ("gone", "", 404)


def test_a_store_that_does_not_answer_is_worth_another_try(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    nowhere = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), "http://127.0.0.1:9")
    options = {**archive.store.options_for_table(), **nowhere, "retry_timeout": "1s"}
    monkeypatch.setattr(archive.table_store, "options_for_table", lambda: {**options, "max_retries": "0"})
    with pytest.raises(StoreUnavailable, match="the table at s3://"):
        commit(archive, a_run(0), 1)


def test_the_table_is_that_of_the_store_at_hand_whatever_the_environment_names(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    # So it is where Airflow's connection names another store than the environment: delta-rs prefers this variable.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    commit(archive, a_run(0), 1)
    assert len(dataset(archive).to_table()) == 1


# --- rows that are replaced


def without_words(version: Version) -> Version:
    return version.model_copy(update={"title": "", "text": "", "words": 0})


def texts(archive: Archive) -> dict[tuple[str, str, int], str]:
    rows = dataset(archive).to_table(columns=["site", "article", "n", "text"]).to_pylist()
    assert len({(row["site"], row["article"], row["n"]) for row in rows}) == len(rows)
    return {(row["site"], row["article"], row["n"]): row["text"] for row in rows}


def data_files(archive: Archive) -> set[str]:
    return {entry.key for entry in archive.table_store.list("tables/") if entry.key.endswith(".parquet")}


def everything(archive: Archive) -> bytes:
    """All that lies below ``tables/``, with the values of Parquet files unpacked."""
    found = b""
    for entry in archive.table_store.list("tables/"):
        body = archive.table_store.get(entry.key).body
        found += body
        if entry.key.endswith(".parquet"):
            found += repr(pq.ParquetFile(io.BytesIO(body)).read().to_pylist()).encode()
    return found


def secret_versions(run: str, count: int) -> list[Version]:
    return [
        version.model_copy(update={"title": "Xylophonic headline", "text": f"Quixotry {number}."})
        for number, version in enumerate(versions(run, count))
    ]


def commit_all(archive: Archive, made: Sequence[Version], run: str) -> int:
    with Rows(archive) as rows:
        for version in made:
            rows.add(version)
        return commit_rows(archive, made[0].site, run, rows, now=NOW)


def test_replaced_rows_are_other_rows_and_the_file_of_the_former_ones_is_gone(archive: Archive):
    made = secret_versions(a_run(0), 4)
    commit_all(archive, made, a_run(0))
    commit(archive, a_run(0), 3, site=a_site("another"))
    before, rest = data_files(archive), texts(archive)
    replace_rows(archive, [without_words(made[1])], now=NOW, reason="redacted")
    assert texts(archive) == rest | {(SITE.id, made[1].article, 1): ""}
    assert len(before & data_files(archive)) == 1
    assert b"Quixotry 1" not in everything(archive)
    opened = open_table(archive)
    assert opened is not None
    (entry,) = opened.history(1)
    assert (entry["site"], entry["reason"], entry["articles"]) == (SITE.id, "redacted", made[1].article)
    assert "run" not in entry


def test_rows_that_are_replaced_again_by_the_same_make_no_commit(archive: Archive):
    made = secret_versions(a_run(0), 2)
    commit_all(archive, made, a_run(0))
    for _ in range(2):
        replace_rows(archive, [without_words(made[1])], now=NOW, reason="redacted")
    opened = open_table(archive)
    assert opened is not None
    assert opened.version() == 2
    replace_rows(archive, [made[1]], now=NOW, reason="reinstated")
    assert texts(archive)[SITE.id, made[1].article, 1] == "Quixotry 1."


def test_rows_that_the_table_does_not_have_are_passed_by(archive: Archive):
    replace_rows(archive, versions(a_run(0), 1), now=NOW, reason="redacted")
    commit(archive, a_run(0), 1)
    replace_rows(archive, versions(a_run(0), 3)[2:], now=NOW, reason="redacted")
    assert len(texts(archive)) == 1


def test_the_log_of_the_table_has_no_words(archive: Archive):
    made = secret_versions(a_run(0), 3)
    commit_all(archive, made, a_run(0))
    log = [entry.key for entry in archive.table_store.list("tables/articles/_delta_log/")]
    assert log
    for key in log:
        body = archive.table_store.get(key).body
        assert b"ylophonic" not in body
        assert b"uixotry" not in body
        assert made[0].url.encode() not in body


def test_after_a_purge_nothing_of_the_former_rows_is_left_in_a_table_of_an_earlier_release(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    made = secret_versions(a_run(0), 3)
    with monkeypatch.context() as earlier:
        earlier.setattr(table, "_CONFIGURATION", {})
        earlier.setattr(table, "_DESCRIPTION", "One row per version.")
        commit_all(archive, made, a_run(0))
        commit(archive, a_run(1), 2, site=a_site("another"))
    old = open_table(archive)
    assert old is not None
    old.create_checkpoint()
    assert b"Xylophonic" in archive.table_store.get("tables/articles/_delta_log/00000000000000000001.json").body
    gone = [without_words(version) for version in made]
    replace_rows(archive, gone, now=NOW, reason="redacted")
    for _ in range(2):
        purge_history(archive, gone, now=NOW)
        assert b"Xylophonic" not in everything(archive)
        assert b"Quixotry" not in everything(archive)
    assert sorted(texts(archive).values()) == ["", "", "", "Some text.", "Some text."]
    assert commit(archive, a_run(0), 3) == 3
    assert commit(archive, a_run(2), 3, site=a_site("third")) == 3
    assert len(texts(archive)) == 8


def test_a_purge_removes_what_a_crash_left_behind_and_leaves_what_is_on_its_way(archive: Archive):
    made = secret_versions(a_run(0), 3)
    commit_all(archive, made, a_run(0))
    (former,) = data_files(archive)
    kept = archive.table_store.get(former)
    gone = without_words(made[1])
    replace_rows(archive, [gone], now=NOW, reason="redacted")
    for key in (former, f"tables/articles/site={SITE.id}/part-of-a-crash.parquet"):
        archive.table_store.create(key, kept.body, content_type=kept.content_type)
    (live,) = data_files(archive) - {former, f"tables/articles/site={SITE.id}/part-of-a-crash.parquet"}
    under_way = f"tables/articles/site={SITE.id}/part-under-way.parquet"
    archive.table_store.create(under_way, archive.table_store.get(live).body, content_type=kept.content_type)
    purge_history(archive, [gone], now=NOW)
    assert data_files(archive) == {live, under_way}


# --- files of the store, as pyarrow reads them


class Stored:
    """A file that tells which of its bytes were asked for."""

    closed = False

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)
        self.asked: list[tuple[int, int]] = []

    def size(self) -> int:
        return len(self._body.getbuffer())

    def seek(self, offset: int) -> int:
        return self._body.seek(offset)

    def read(self, count: int) -> bytes:
        self.asked.append((self._body.tell(), count))
        return self._body.read(count)


@given(size=st.integers(0, 2 * table._TAIL), data=st.data())
def test_whatever_is_read_of_a_file_is_what_stands_there(size: int, data: st.DataObject):
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    file = table._TailedFile(Stored(body))
    for _ in range(6):
        begin, count = data.draw(st.integers(0, size)), data.draw(st.integers(-1, size + 9))
        assert file.seek(begin) == begin
        assert bytes(file.read(count)) == body[begin : None if count < 0 else begin + count]


def test_the_end_of_a_file_comes_with_one_request():
    rows = pa.table({"text": ["x" * 9] * 5, "n": list(range(5))})
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    stored = Stored(sink.getvalue())
    assert pq.read_table(pa.PythonFile(table._TailedFile(stored), mode="r")) == rows
    assert stored.asked == [(0, stored.size())]


def test_columns_that_lists_ask_for_lie_next_to_the_footer():
    assert sorted(table._STORED.names) == sorted(set(SCHEMA.names) - {"site"})
    assert table._STORED.names[0] == "text"
    assert table._STORED.names[-8:] == list(table._NARROW)
