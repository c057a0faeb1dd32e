"""Every snippet of docs/downstream.md is run, in order, as a reader would paste it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.model import Finding
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.table import SCHEMA, dataset, open_table
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found, missing, write_run

PAGE = (Path(__file__).parents[2] / "docs" / "downstream.md").read_text()
SITE = a_site()
SITE_FILE = """
name = "Example News"
home = "https://news.example/"
kind = "trade"
article = 'https://news\\.example/news/.+'
[[sources]]
type = "feed"
url = "https://news.example/feed"
"""


def with_record(archive: Archive, finding: Finding) -> Finding:
    """The finding, with a WARC in the archive that proves it."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\n<p>text"
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: {finding.evidence.record_id}\r\n"
        f"WARC-Date: 2026-11-22T09:00:00Z\r\nWARC-Target-URI: {finding.final}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(answer)}\r\n\r\n"
    )
    member = gzip.compress(head.encode() + answer + b"\r\n\r\n")
    first = gzip.compress(
        b"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:0b5a0d5c-6b3e-4b1e-8f0e-0d6d7a3c6a11>\r\n"
        b"WARC-Date: 2026-11-22T09:00:00Z\r\nContent-Type: application/warc-fields\r\n"
        b"Content-Length: 0\r\n\r\n\r\n\r\n"
    )
    archive.store.create(finding.evidence.warc, first + member, content_type="application/gzip")
    evidence = finding.evidence.model_copy(update={"offset": len(first), "length": len(member)})
    return finding.model_copy(update={"evidence": evidence})


@pytest.fixture
def published(archive: Archive) -> None:
    for hours, text in enumerate(["The council agreed the budget.", "The council did not agree the budget."]):
        run, at = a_run(hours), START + hours * HOUR
        budget = with_record(archive, found("budget", text, run, at))
        publish_run(archive, SITE, write_run(archive, SITE, run, [budget, found("b", "Same.", run, at)]), now=NOW)
    for hours in (2, 20, 40):  # a removal that is proven
        run = a_run(hours)
        publish_run(archive, SITE, write_run(archive, SITE, run, [missing("b", run, START + hours * HOUR)]), now=NOW)
    rejected = a_run(50)
    write_run(archive, SITE, rejected, [found("never", "Never.", rejected, START)])


def blocks() -> list[tuple[int, str]]:
    """Line and text of the Python blocks that are to be run."""
    return [
        (PAGE.count("\n", 0, match.start()) + 2, match[1])
        for match in re.finditer(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.filterwarnings("default")  # a reader's libraries warn as they like
def test_every_snippet_runs(published, settings: Settings, tmp_path: Path, monkeypatch, capsys):
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "example-news.toml").write_text(SITE_FILE)
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))
    names: dict[str, Any] = {}
    assert len(blocks()) == 15
    for line, code in blocks():
        text = code.replace('BUCKET = "muniment"', f'BUCKET = "{settings.bucket}"')
        # the line numbers of a failure are those of the page
        exec(compile("\n" * (line - 1) + text, "docs/downstream.md", "exec"), names)
    said = capsys.readouterr().out
    assert "gone 2 A headline" in said  # the newest run
    assert names["page"] == b"<p>text"
    assert names["standing"].to_arrow().num_rows == 2
    assert said.count(" 1 live https://news.example/news/b\n") == 1  # told once
    told = {(row["article"], row["n"], row["state"], row["text"]) for row in names["by_hand"]}
    rows = names["archive"].articles(columns=["article", "n", "state", "text"]).to_arrow().to_pylist()
    assert told == {tuple(row.values()) for row in rows}
    assert len(names["by_hand"]) == len(rows) == 4
    assert "version 2: 3 words added, 1 removed" in said
    assert "WARC-Target-URI: https://news.example/news/budget" in said
    assert "https://news.example/news/budget 200" in said
    assert "'state': 'gone'" in said  # of a version's object
    assert names["version"]["text"] == "The council did not agree the budget."
    assert names["html"] == b"<p>text"
    assert len(names["latest"]) == 2
    assert names["edited"]["words"].to_list() == [7]
    assert f"1 example-news {a_run(0)} 2" in said
    assert re.search(r"│ gone +│ .*answered 404", said)


def test_a_table_with_a_checkpoint_is_read_by_hand_as_well_and_needs_reader_version_1(
    published, archive: Archive, settings: Settings
):
    (code,) = [text for _, text in blocks() if "def live_files" in text]
    (helpers,) = [text for _, text in blocks() if "def read_json" in text]
    table = open_table(archive)
    assert table is not None
    table.create_checkpoint()
    run = a_run(60)
    publish_run(archive, SITE, write_run(archive, SITE, run, [found("c", "Later.", run, START + 60 * HOUR)]), now=NOW)
    names: dict[str, Any] = {"BUCKET": settings.bucket}
    exec(helpers.partition("\n\n\nfor folder")[0] + "\n" + code, names)
    expected = dataset(archive).to_table(columns=["site", "article", "n", "state", "text"]).to_pylist()
    assert sorted(map(str, names["by_hand"])) == sorted(map(str, expected))
    assert (table.protocol().min_reader_version, table.protocol().reader_features) == (1, None)


ENGINE = """
import json, os, duckdb
from duckdb_extensions import import_extension
for name in ("httpfs", "delta"):
    import_extension(name)
engine = duckdb.connect()
engine.execute("LOAD httpfs; LOAD delta; SET enable_progress_bar = false")
host = os.environ["AWS_ENDPOINT_URL_S3"].removeprefix("http://")
engine.execute(
    f"CREATE SECRET (TYPE s3, KEY_ID '{os.environ['AWS_ACCESS_KEY_ID']}',"
    f" SECRET '{os.environ['AWS_SECRET_ACCESS_KEY']}', ENDPOINT '{host}',"
    f" URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')"
)
rows = engine.sql(
    f"SELECT site, article, n, state, text FROM delta_scan('s3://{os.environ['MUNIMENT_BUCKET']}/tables/articles')"
)
print(json.dumps(sorted(rows.fetchall())))
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_duckdbs_own_delta_reader_sees_the_same_rows(published, archive: Archive, tmp_path: Path):
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "engine" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "engine"], check=True, timeout=60)
    parts = ("duckdb", "duckdb-extensions", "duckdb-extension-delta", "duckdb-extension-httpfs")
    packages = [f"{part}==1.5.5" for part in parts]
    installed = subprocess.run([uv, "pip", "install", "-q", "--python", python, *packages], check=False, timeout=240)
    if installed.returncode:
        pytest.skip("PyPI cannot be reached")
    environment = {**os.environ, "HOME": str(tmp_path)}  # DuckDB unpacks extensions there
    said = subprocess.run(
        [python, "-c", ENGINE], capture_output=True, text=True, check=True, env=environment, timeout=90
    )
    rows = dataset(archive).to_table(columns=["site", "article", "n", "state", "text"]).to_pylist()
    assert json.loads(said.stdout.splitlines()[-1]) == sorted(list(row.values()) for row in rows)


def test_every_column_of_the_table_is_described():
    described = PAGE[PAGE.index("## The table") :]
    names = set(re.findall(r"`([a-z_]+)`", described)) | {name for name in SCHEMA.names if name.startswith("modified")}
    assert set(SCHEMA.names) <= names
