"""run, status, history and show, as a person and as a machine call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.errors import NotInArchive
from pipeline.model import article_id
from pipeline.steps import Workplace
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.loop_news import story


@pytest.fixture
def call(work: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner whose environment names the loopback site and the test's archive."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    return CliRunner()


def told(result: Result) -> object:
    """The JSON on stdout; nothing else may stand there."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_run_status_history_and_show_tell_one_story(call: CliRunner, newsroom: LoopbackSite) -> None:
    first = told(call.invoke(app, ["run", "loop", "--json"]))
    newsroom.page("/news/2", story(2, extra="The forum now meets on Wednesdays."))
    second = told(call.invoke(app, ["run", "loop", "--json"]))
    assert first["published"]["versions"] == {"new": 8}  # type: ignore[index]
    assert second["published"]["versions"] == {"edited": 1}  # type: ignore[index]

    (line,) = told(call.invoke(app, ["status", "--json"]))  # type: ignore[misc]
    assert (line["site"], line["verdict"], line["changed"], line["unchanged"]) == ("loop", "accept", 1, 7)
    shown = call.invoke(app, ["status"]).stdout
    assert "loop" in shown
    assert "accept" in shown

    url = newsroom.url("/news/2")
    versions = told(call.invoke(app, ["history", url, "--json"]))
    assert [(v["n"], v["change"], v["words_added"] > 0) for v in versions] == [  # type: ignore[attr-defined]
        (1, "new", True),
        (2, "edited", True),
    ]
    assert "edited" in call.invoke(app, ["history", url]).stdout

    assert "Wednesdays" in call.invoke(app, ["show", url, "--text"]).stdout
    assert "Wednesdays" not in call.invoke(app, ["show", url, "--version", "1", "--text"]).stdout
    assert told(call.invoke(app, ["show", url, "--json"]))["n"] == 2  # type: ignore[index]
    page = call.invoke(app, ["show", url]).stdout
    assert "evidence" in page
    assert "warc/loop/" in page
    assert "substance: 6 words added, 0 removed" in page
    assert "policy" in page

    newsroom.routes["/news/3"] = Reply(status=301, headers=(("Location", "/news/2"),))
    assert told(call.invoke(app, ["run", "loop", "--json"]))["published"]["versions"] == {"moved": 1}  # type: ignore[index]
    ended = told(call.invoke(app, ["history", newsroom.url("/news/3"), "--json"]))[-1]  # type: ignore[index]
    assert (ended["state"], ended["moved_to"]) == ("moved", article_id(url))
    assert [version["edit"] for version in versions] == [None, ["substance"]]  # type: ignore[attr-defined]
    page = call.invoke(app, ["show", newsroom.url("/news/3")]).stdout
    assert f"moved to    article {article_id(url)}" in page
    assert f"redirects   301 {url}" in page
    page = " ".join(call.invoke(app, ["history", url]).stdout.split())
    assert f"Article {article_id(newsroom.url('/news/3'))}, {newsroom.url('/news/3')}, has ended in this one." in page
    assert "edited substance" in page


def test_an_article_or_a_version_that_is_not_there_is_said_in_words(call: CliRunner, newsroom: LoopbackSite) -> None:
    told(call.invoke(app, ["run", "loop", "--json", "--limit", "1"]))
    missing = call.invoke(app, ["show", newsroom.url("/news/99")])
    assert isinstance(missing.exception, NotInArchive)
    assert "/news/99" in str(missing.exception)
    too_high = call.invoke(app, ["show", newsroom.url("/news/0"), "--version", "7"])
    assert isinstance(too_high.exception, NotInArchive)


def test_an_unfinished_run_goes_on_under_its_id(call: CliRunner, work: Workplace) -> None:
    from pipeline.steps import crawl, new_run

    run = new_run(work.settings)
    crawled = crawl(work, "loop", run)
    counts = told(call.invoke(app, ["extract-segment", "loop", run, str(crawled.segments[0]), "--json"]))
    assert counts == {"article": 8}
    result = told(call.invoke(app, ["run", "loop", "--run", run, "--json"]))
    assert result["run"] == run  # type: ignore[index]
    assert result["published"]["versions"] == {"new": 8}  # type: ignore[index]
