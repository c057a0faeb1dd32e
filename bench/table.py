"""What the table costs: a run's commit by the rows that are in already, and the usual questions beside local Parquet.

Starts a store of its own in a scratch folder and fills tables of several sizes with rows as they would be: sites of
very different sizes, years of captures, a fifth of the versions edits, texts of 3 KB made of invented news. Then, in
one run:

- the time of ``commit_rows`` for a run of 100 rows on each of the tables, in turns;
- the questions, by DuckDB on the same files in the store and in a local folder, in turns; beside them, how long it
  takes to read the version documents that the question would need without a table, worked out from a sample.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from bench.measure import count_cores, render_table
from bench.stories import write_stories
from pipeline.archive import Archive
from pipeline.model import Change, Evidence, State, Version
from pipeline.seaweed import EmbeddedStore
from pipeline.store import Item, Store
from pipeline.table import SCHEMA, Rows, append_sorted, commit_rows, dataset, tidy_log

_START = datetime(2021, 1, 1, tzinfo=UTC)
_DAYS = 5 * 365
_END = _START + timedelta(days=_DAYS)
_RUN_DAYS = 30
_TEXTS = 4000
_TEXT = 3000  # characters
_BATCH = 8192
_DOCUMENTS = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.table", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 20_000], help="sizes of the tables")
    parser.add_argument("--sites", type=int, default=300, help="sites (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch:
        embedded = EmbeddedStore(Path(scratch) / "store", 0)
        embedded.up(tied=True)
        try:
            archives = {}
            for size in given.rows:
                began = time.perf_counter()
                archives[size] = open_archive_in(embedded, f"rows-{size}")
                fill(archives[size], size, given.sites)
                print(f"filled with {size} rows in {time.perf_counter() - began:.0f} s", flush=True)
            questions = _measure_questions(archives[max(archives)], Path(scratch) / "local", given.rounds)
            commits = _measure_commits(archives, given.rounds)
        finally:
            embedded.down()
    _print(given, commits, questions)
    if given.json:
        given.json.write_text(json.dumps({"commit_seconds": commits, "questions": questions}, indent=2))
    return 0


def open_archive_in(embedded: EmbeddedStore, bucket: str) -> Archive:
    """An archive in a bucket of a bench's own store; the bucket is made."""
    access = embedded.environment()
    session = boto3.Session(
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
    )
    store = Store(bucket, session=session, endpoint=access["AWS_ENDPOINT_URL_S3"])
    store.create_bucket()
    return Archive(store, store)


# --- rows


def fill(archive: Archive, rows: int, sites: int) -> None:
    """Put rows into an archive's table as maintenance leaves them: sorted, in files of the usual size."""
    texts = _write_texts()
    for site, count in share_out(rows, sites).items():
        runs = {_run_of(day * 86_400_000_000) for day in range(_DAYS)}
        append_sorted(archive, site, make_rows(site, count, texts), runs=runs, now=_END)
    tidy_log(archive, now=_END)


def share_out(rows: int, sites: int) -> dict[str, int]:
    """How many rows each site has: the n-th site a share of 1/n; a small table has fewer sites."""
    weights = [1 / n for n in range(1, sites + 1)]
    shares = {f"site-{n:03}": round(rows * weight / sum(weights)) for n, weight in enumerate(weights)}
    shares["site-000"] += rows - sum(shares.values())
    return {site: count for site, count in shares.items() if count}


def make_rows(site: str, count: int, texts: pa.Array) -> Iterator[pa.RecordBatch]:
    """A site's rows: four in five are first versions, the others edits of one of the latest two hundred."""
    rng = np.random.default_rng(int(hashlib.sha256(site.encode()).hexdigest()[:8], 16))
    times = np.sort(rng.integers(0, _DAYS * 86_400_000_000, count))
    edited = rng.random(count) < 0.2
    latest: list[tuple[str, int]] = []
    for begin in range(0, count, _BATCH):
        keys: list[tuple[str, int]] = []
        for edit in edited[begin : begin + _BATCH]:
            at = int(rng.integers(len(latest))) if edit and latest else -1
            key = (rng.bytes(10).hex(), 1) if at < 0 else (latest[at][0], latest[at][1] + 1)
            if at < 0:
                latest = [*latest[-199:], key]
            else:
                latest[at] = key
            keys.append(key)
        yield _make_batch(site, begin, times[begin : begin + _BATCH], keys, texts, rng)


def _make_batch(
    site: str, begin: int, times: Any, keys: list[tuple[str, int]], texts: pa.Array, rng: np.random.Generator
) -> pa.RecordBatch:
    size = len(keys)
    captured = pa.array(times + int(_START.timestamp() * 1_000_000), SCHEMA.field("captured_at").type)
    articles = pa.array([article for article, _ in keys])
    numbers = pa.array([n for _, n in keys], pa.int32())
    unique = pa.array([f" ({site}, {begin + at})" for at in range(size)])
    runs = pa.array([_run_of(int(each)) for each in times])
    urls = pc.binary_join_element_wise(f"https://www.{site}.example/news/", articles, "")
    digests = pa.array([f"sha256:{rng.bytes(32).hex()}" for _ in range(size)])
    columns: dict[str, pa.Array] = {
        "site": pa.repeat(site, size),
        "article": articles,
        "n": numbers,
        "state": pa.repeat("live", size),
        "change": pc.if_else(pc.equal(numbers, 1), "new", "edited"),
        "captured_at": captured,
        "run": runs,
        **dict.fromkeys(("url", "final_url", "requested_url"), urls),
        "title": pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(texts.take(pa.array(rng.integers(0, _TEXTS, size))), 0, 60), unique, ""
        ),
        "text": pc.binary_join_element_wise(texts.take(pa.array(rng.integers(0, _TEXTS, size))), unique, ""),
        "words": pa.array(rng.integers(200, 900, size), pa.int32()),
        "published": captured,
        "digest": digests,
        "payload_digest": digests,
        "warc": pc.binary_join_element_wise(f"warc/{site}/", runs, "-00000.warc.gz", ""),
        "warc_offset": pa.array(rng.integers(0, 16_000_000, size)),
        "warc_length": pa.array(rng.integers(2000, 60_000, size)),
        "record_id": pa.array([f"<urn:uuid:{rng.bytes(16).hex()}>" for _ in range(size)]),
        "http_status": pa.repeat(pa.scalar(200, pa.int32()), size),
        "key": pc.binary_join_element_wise(f"articles/{site}/", articles, "/000001.json", ""),
        "origins": pa.repeat('{"authors":"byline","published":"json-ld","title":"h1"}', size),
    }
    defaults: dict[pa.DataType, object] = {pa.string(): f"{site}", pa.int64(): 0, pa.int32(): 0}
    blank = {
        field.name: None if field.nullable else defaults[field.type] for field in SCHEMA if field.name not in columns
    }
    filled = [
        columns[field.name] if field.name in columns else pa.repeat(pa.scalar(blank[field.name], field.type), size)
        for field in SCHEMA
    ]
    return pa.RecordBatch.from_arrays(
        [column.cast(field.type) for column, field in zip(filled, SCHEMA, strict=True)], schema=SCHEMA
    )


def _run_of(microseconds: int) -> str:
    number = microseconds // (86_400_000_000 * _RUN_DAYS)
    return f"{_START + timedelta(days=number * _RUN_DAYS):%Y%m%dT%H%M%SZ}-{number:08x}"


def _write_texts() -> pa.Array:
    """A few thousand different texts of the paragraphs of invented news."""
    rng = random.Random(5)
    stories = [
        story for paper in ("trade", "national") for seed in range(10) for story in write_stories(paper, 20, seed)
    ]
    paragraphs = sorted({paragraph for story in stories for paragraph in story.paragraphs})
    made = []
    for _ in range(_TEXTS):
        text = ""
        while len(text) < _TEXT:
            text += rng.choice(paragraphs) + "\n"
        made.append(text.strip())
    return pa.array(made)


# --- the commit of a run


def _measure_commits(archives: dict[int, Archive], rounds: int) -> dict[int, float]:
    """Median seconds of a commit on each table."""
    took: dict[int, list[float]] = {size: [] for size in archives}
    for number in range(2 * rounds + 1):
        for size, archive in archives.items():
            run = f"{_END + timedelta(hours=number):%Y%m%dT%H%M%SZ}-{number:08x}"
            with Rows(archive) as rows:
                for version in make_versions("site-007", run, 100):
                    rows.add(version)
                began = time.perf_counter()
                commit_rows(archive, "site-007", run, rows, now=_END)
            if number:
                took[size].append(time.perf_counter() - began)
    return {size: statistics.median(seconds) for size, seconds in took.items()}


def make_versions(site: str, run: str, count: int) -> Iterator[Version]:
    """Documents of as many invented articles of a run."""
    texts = _write_texts().slice(0, count).to_pylist()
    for number, text in enumerate(texts):
        article = hashlib.sha256(f"{run} {number}".encode()).hexdigest()[:20]
        url = f"https://www.{site}.example/news/{article}"
        yield Version(
            site=site, article=article, n=1, state=State.LIVE, change=Change.NEW, url=url, final_url=url,
            requested_url=url, publisher=site, run=run, captured_at=_END, title=text[:60], text=text, words=500,
            digest=f"sha256:{'0' * 64}", extractor="bench", code="bench",
            evidence=Evidence(
                warc=f"warc/{site}/{run}-00000.warc.gz", offset=0, length=9, record_id="<urn:uuid:0>",
                captured_at=_END, record_type="response", payload_digest=f"sha256:{'0' * 64}", status=200,
            ),
        )  # fmt: skip


# --- the questions


def _questions(site: str, article: str) -> dict[str, str]:
    week = f"TIMESTAMPTZ '{_END - timedelta(days=7):%Y-%m-%d} 00:00:00+00'"
    month = "captured_at >= TIMESTAMPTZ '2024-03-01 00:00:00+00' AND captured_at < TIMESTAMPTZ '2024-04-01 00:00:00+00'"
    return {
        "a site and a month, with text": (
            f"SELECT url, title, text, captured_at FROM t WHERE site = '{site}' AND {month}"
        ),
        "what changed in a week": (
            f"SELECT site, article, n, change, title, captured_at FROM t WHERE captured_at >= {week}"
        ),
        "the current state of everything": (
            "SELECT site, article, max_by((n, state, captured_at, url, title), (captured_at, n)) FROM t "
            "GROUP BY site, article"
        ),
        "one article, with text": f"SELECT n, title, text FROM t WHERE site = '{site}' AND article = '{article}'",
        "count by site": "SELECT site, count(*) FROM t GROUP BY site",
    }


def _measure_questions(archive: Archive, local: Path, rounds: int) -> list[dict[str, Any]]:
    folder = "tables/articles/"
    local.mkdir()
    for entry in archive.table_store.list(folder):
        path = local / entry.key.removeprefix(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        archive.table_store.download_file(entry.key, path)
    places: dict[str, Callable[[], Any]] = {
        "store": lambda: dataset(archive),
        "local": lambda: DeltaTable(str(local)).to_pyarrow_dataset(),
    }
    site = "site-004"
    some = _ask(places["local"](), f"SELECT article FROM t WHERE site = '{site}' LIMIT 1")["article"][0].as_py()
    found = []
    counts = _ask(places["local"](), "SELECT site, count(*) AS rows FROM t GROUP BY site")
    sizes = dict(zip(counts["site"].to_pylist(), counts["rows"].to_pylist(), strict=True))
    every, each = sum(sizes.values()), _measure_documents(archive)
    documents = dict(zip(_questions("", ""), (sizes[site], every, every, 1, every), strict=True))
    for question, query in _questions(site, some).items():
        asked: dict[str, list[float]] = {place: [] for place in places}
        opened: dict[str, list[float]] = {place: [] for place in places}
        rows = 0
        for number in range(rounds + 1):
            for place, look in places.items():
                began = time.perf_counter()
                t = look()
                ready = time.perf_counter()
                rows = _ask(t, query).num_rows
                if number:
                    asked[place].append(time.perf_counter() - ready)
                    opened[place].append(ready - began)
        found.append(
            {
                "question": question,
                "rows": rows,
                "documents": documents[question] * each,
                **{place: statistics.median(seconds) for place, seconds in asked.items()},
                **{f"open {place}": statistics.median(seconds) for place, seconds in opened.items()},
            }
        )
        print(found[-1], flush=True)
    return found


def _ask(t: Any, query: str) -> pa.Table:
    connection = duckdb.connect()
    connection.register("t", t)
    return connection.sql(query).to_arrow_table()


def _measure_documents(archive: Archive) -> float:
    """Seconds to read and parse a version document, with as many at once as the store allows."""
    made = [
        version
        for number in range(_DOCUMENTS // 100)
        for version in make_versions("site-000", f"20260101T000000Z-{number:08x}", 100)
    ]
    keys = [archive.version_key(version.site, version.article, 1) for version in made]
    archive.store.create_many(
        Item(key=key, body=version.to_json(), content_type="application/json")
        for key, version in zip(keys, made, strict=True)
    )
    began = time.perf_counter()
    with ThreadPoolExecutor(archive.store.threads) as pool:
        assert sum(1 for _ in pool.map(archive.read_version, keys)) == len(keys)
    return (time.perf_counter() - began) / len(keys)


def _print(given: argparse.Namespace, commits: dict[int, float], questions: list[dict[str, Any]]) -> None:
    print(f"\n{given.sites} sites, {count_cores()} cores, medians of {given.rounds} rounds.\n")
    least = min(commits.values())
    rows = [(f"{size:,}", f"{1000 * took:.0f}", f"{took / least:.2f}") for size, took in commits.items()]
    print(render_table(("rows in the table", "commit, ms", "to the fastest"), rows))
    print()
    lines = [
        (
            each["question"],
            f"{each['rows']:,}",
            f"{1000 * each['local']:.0f}",
            f"{1000 * each['store']:.0f}",
            f"{each['store'] / each['local']:.2f}",
            f"{(each['store'] + each['open store']) / (each['local'] + each['open local']):.2f}",
            f"{each['documents'] / (each['store'] + each['open store']):.0f}",
        )
        for each in questions
    ]
    head = ("question", "rows", "local, ms", "store, ms", "ratio", "ratio with opening", "documents to store")
    print(render_table(head, lines))


if __name__ == "__main__":
    raise SystemExit(main())
