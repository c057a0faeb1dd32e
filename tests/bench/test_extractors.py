"""One extractor in a process of its own."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from bench.extractors import TOOLS, serve

TEXT = "<p>The bridge will be mended before the winter, the council said on Monday, and buses go by the mill.</p>" * 5
HEAD = (
    '<html lang="en"><head><title>A bridge to be mended</title><script type="application/ld+json">{"@type": '
    '"NewsArticle", "headline": "A bridge to be mended", "author": {"@type": "Person", "name": "Ann Bee"}, '
    '"datePublished": "2026-03-03T00:30:00+01:00"}</script></head>'
)


def serve_page(tool: str, folder: Path, monkeypatch: pytest.MonkeyPatch, page: bytes) -> list[dict[str, object]]:
    (folder / "page.html.gz").write_bytes(gzip.compress(page, mtime=0))
    pages = folder / "pages.json"
    pages.write_text(json.dumps([{"file": str(folder / "page.html.gz"), "url": "https://page.example/news/1"}]))
    monkeypatch.setattr("sys.stdin", io.StringIO('{"pages": [0], "tell": true}\n'))
    output = io.StringIO()
    serve(tool, pages, output)
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("tool", ["muniment", "trafilatura+metadata"])
def test_a_tool_tells_text_and_fields_and_what_it_took(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"{HEAD}<body><main><h1>A bridge to be mended</h1>{TEXT}</main></body></html>".encode()
    version, answer, end = serve_page(tool, tmp_path, monkeypatch, page)
    assert version["version"]
    found = answer["found"][0]  # type: ignore[index]
    assert "bridge will be mended" in found["body"]
    assert found["title"] == "A bridge to be mended"
    assert tool != "muniment" or found["authors"] == ["Ann Bee"]
    assert found["date"] == "2026-03-03"  # as it was written, though in UTC it was the day before
    assert 0 <= answer["cpu"][0] < 60  # type: ignore[index]  # so small a page may cost less than a tick of the clock
    assert end["peak_mb"] > 10  # type: ignore[operator]


def test_a_page_that_a_tool_cannot_read_is_told_and_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, object]:
        raise ValueError("no")

    monkeypatch.setitem(TOOLS, "broken", ("no-such-distribution", lambda: fail))
    version, answer, _ = serve_page("broken", tmp_path, monkeypatch, b"<p>x</p>")
    assert version["version"] == ""
    assert answer["found"] == [{"body": "", "why": "ValueError"}]
