"""Every snippet of docs/downstream.md is run, in order, as a reader would paste it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.model import Finding
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.table import SCHEMA
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
    archive.store.create(finding.evidence.warc, b"-" * 50 + member + b"-" * 50, content_type="application/gzip")
    evidence = finding.evidence.model_copy(update={"offset": 50, "length": len(member)})
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
    assert len(blocks()) == 11
    for line, code in blocks():
        text = code.replace('BUCKET = "muniment"', f'BUCKET = "{settings.bucket}"')
        # the line numbers of a failure are those of the page
        exec(compile("\n" * (line - 1) + text, "docs/downstream.md", "exec"), names)
    said = capsys.readouterr().out
    assert "gone 2 A headline" in said  # the newest run
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


def test_every_column_of_the_table_is_described():
    described = PAGE[PAGE.index("## The table") :]
    names = set(re.findall(r"`([a-z_]+)`", described)) | {name for name in SCHEMA.names if name.startswith("modified")}
    assert set(SCHEMA.names) <= names
