"""history, show, diff and changes, as a person and as a machine call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pipeline.archive import Archive, version_key
from pipeline.cli import app
from pipeline.comparison import Paragraph, Piece, apply_difference
from pipeline.errors import NotInArchive
from pipeline.model import State, article_id
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.steps import Workplace
from pipeline.table import SCHEMA
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found, missing, url_of, write_run
from tests.pipeline.loop_news import story

SITE = a_site(gone_after_checks=1, gone_after=HOUR * 0)
FIRST = "The bridge will close for six weeks, the council said.\nBuses go round by the ring road.\nThe ferry sails."
SECOND = FIRST.replace("six", "eight") + "\nIt costs 2 million."
SITE_FILE = r"""
name = "Example News"
home = "https://news.example/"
kind = "trade"
article = 'https://news\.example/news/.+'
gone_after_checks = 1
gone_after = "0h"

[[sources]]
type = "feed"
url = "https://news.example/feed"
"""

Call = Callable[..., Result]


def _publish(archive: Archive, hours: float, *findings: Any) -> None:
    publish_run(archive, SITE, write_run(archive, SITE, a_run(hours), findings), now=NOW)


def _build(archive: Archive) -> Archive:
    _publish(
        archive,
        0,
        found("bridge", FIRST, a_run(0), START),
        *(found(f"n{n}", f"Text {n} of the day.", a_run(0), START + n * HOUR / 60) for n in range(3)),
    )
    _publish(archive, 2, found("bridge", SECOND, a_run(2), START + 2 * HOUR))
    _publish(archive, 4, missing("bridge", a_run(4), START + 4 * HOUR))
    return archive


@pytest.fixture(scope="module")
def _kept(kept: Archive) -> Archive:
    return _build(kept)


@pytest.fixture
def bridge(_kept: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An article that was edited and went, and three that stayed as they were. To be read only."""
    monkeypatch.setenv("MUNIMENT_BUCKET", _kept.store.bucket)
    return _kept


@pytest.fixture
def own(archive: Archive) -> Archive:
    """The same, to be written to."""
    return _build(archive)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The command line with one site of its own."""
    folder = tmp_path / "sites"
    folder.mkdir(exist_ok=True)
    (folder / "example-news.toml").write_text(SITE_FILE, encoding="utf-8")
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    runner = CliRunner()
    return lambda *words, **more: runner.invoke(app, words, **more)


def told(result: Result) -> Any:
    """The JSON on stdout; nothing else may stand there."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def withhold(archive: Archive, n: int) -> None:
    """Put a stub in the place of a version, as a takedown does."""
    key = version_key(SITE.id, article_id(url_of("bridge")), n)
    version = archive.read_version(key)
    stub = version.model_copy(update={"state": State.REDACTED, "title": "", "text": "", "words": 0, "edit": None})
    stands = archive.store.get(key)
    archive.store.replace(key, stub.to_json(), etag=stands.etag, content_type="application/json")


# --- history


def test_history_tells_every_version_with_the_words_that_came_and_went(bridge: Archive, call: Call) -> None:
    versions = told(call("history", url_of("bridge"), "--json"))
    shown = [(v["n"], v["state"], v["change"], v["words_added"], v["words_removed"]) for v in versions]
    assert shown == [(1, "live", "new", 22, 0), (2, "live", "edited", 5, 1), (3, "gone", "gone", None, None)]
    page = said(call("history", url_of("bridge")))
    rows = [line.split() for line in page.splitlines()]
    assert ["2", "2026-11-22", "11:00:00Z", "live", "edited", "substance", "24", "+5", "-1", a_run(2)] in rows
    assert ["3", "2026-11-22", "13:00:00Z", "gone", "gone", "-", "-", "-", "-", a_run(4)] in rows
    assert "answered 404" in page


def test_words_of_what_came_back_are_counted_against_the_last_text(own: Archive, call: Call) -> None:
    _publish(own, 6, found("bridge", SECOND, a_run(6), START + 6 * HOUR))
    last = told(call("history", url_of("bridge"), "--json"))[-1]
    assert (last["change"], last["words_added"], last["words_removed"]) == ("restored", 0, 0)


def test_history_marks_the_version_that_stood_at_a_time(bridge: Archive, call: Call) -> None:
    at = ("--at", "2026-11-22T10:59:59Z")
    assert [v["stood"] for v in told(call("history", url_of("bridge"), *at, "--json"))] == [True, False, False]
    page = said(call("history", url_of("bridge"), *at))
    assert "\n1*" in page
    assert "* Version 1 of 3 stood at 2026-11-22 10:59:59Z." in page


def test_history_copes_with_versions_that_are_withheld(own: Archive, call: Call) -> None:
    withhold(own, 1)
    versions = told(call("history", url_of("bridge"), "--json"))
    assert [(v["n"], v["state"], v["words_added"]) for v in versions] == [
        (1, "redacted", None),
        (2, "live", 5),
        (3, "gone", None),
    ]
    assert "1: withheld on demand" in said(call("history", url_of("bridge")))
    assert "withheld on demand" in said(call("show", url_of("bridge"), "-n", "1"))


def test_an_article_is_named_by_its_id_as_well(bridge: Archive, call: Call) -> None:
    article = article_id(url_of("bridge"))
    for command in ("history", "show", "diff"):
        assert told(call(command, article, "--json")) == told(call(command, url_of("bridge"), "--json"))


def test_versions_stand_in_the_order_of_time_where_a_run_was_released_late(own: Archive, call: Call) -> None:
    _publish(own, 1, found("bridge", FIRST.replace("six", "seven"), a_run(1), START + HOUR))
    assert [v["n"] for v in told(call("history", url_of("bridge"), "--json"))] == [1, 4, 2, 3]
    assert told(call("show", url_of("bridge"), "--at", "2026-11-22T10:30Z", "--json"))["n"] == 4
    assert told(call("show", url_of("bridge"), "--version", "4", "--json"))["n"] == 4


# --- show --at


def test_show_gives_the_version_that_stood_and_its_memento_datetime(bridge: Archive, call: Call) -> None:
    url = url_of("bridge")
    document = told(call("show", url, "--at", "2026-11-22 12:30 Europe/Paris", "--json"))
    assert document["n"] == 2
    assert document["memento"] == {
        "asked": "2026-11-22T11:30:00Z",
        "assumed": None,
        "memento_datetime": "Sun, 22 Nov 2026 11:00:00 GMT",
        "before_the_first": False,
        "first": "Sun, 22 Nov 2026 09:00:00 GMT",
        "last": "Sun, 22 Nov 2026 13:00:00 GMT",
    }
    assert "memento" not in told(call("show", url, "--json"))
    again = told(call("show", url, "--at", document["memento"]["memento_datetime"], "--json"))
    assert again["n"] == 2, "asking for its own time gives the same version"


def test_show_says_which_zone_was_taken_and_what_a_day_means(bridge: Archive, call: Call) -> None:
    page = said(call("show", url_of("bridge"), "--at", "2026-11-22 11:30"))
    assert "Version 2 of 3 stood at 2026-11-22 11:30:00Z (a time without a zone is read as UTC)." in page
    assert "Memento-Datetime: Sun, 22 Nov 2026 11:00:00 GMT" in page
    page = said(call("show", url_of("bridge"), "--at", "2026-11-22"))
    assert "(a day without a time is read as its end, UTC)" in page
    assert "It says that the article was gone then. Version 2 is the last before it that can be read." in page


def test_before_the_first_version_the_first_is_given_and_that_is_said(bridge: Archive, call: Call) -> None:
    page = said(call("show", url_of("bridge"), "--at", "2020-01-01T00:00Z"))
    assert "Nothing had been captured by 2020-01-01 00:00:00Z: this is the first version, of 2026-11-22" in page
    assert told(call("show", url_of("bridge"), "--at", "2020-01-01", "--json"))["memento"]["before_the_first"] is True


def test_the_text_alone_stays_alone_on_stdout(bridge: Archive, call: Call) -> None:
    result = call("show", url_of("bridge"), "--at", "2026-11-22T11:30Z", "--text")
    assert result.stdout == SECOND + "\n"
    assert "Memento-Datetime" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("show", "--at", "someday"),
        ("show", "--at", "2026-11-22", "-n", "1"),
        ("diff", "--html", "--json"),
        ("diff", "-o", "x.html"),
        ("diff", "--html", "-o", "no/such/folder/x.html"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(bridge: Archive, call: Call, words: tuple[str, ...]) -> None:
    assert call(words[0], url_of("bridge"), *words[1:]).exit_code == 2


# --- diff


def test_diff_compares_the_two_latest_that_can_be_read(bridge: Archive, call: Call) -> None:
    found = told(call("diff", url_of("bridge"), "--json"))
    assert (found["old"]["n"], found["new"]["n"]) == (1, 2)
    assert (found["words_added"], found["words_removed"], found["edit"]) == (5, 1, ["substance"])
    assert [paragraph["kind"] for paragraph in found["paragraphs"]] == ["changed", "same", "same", "added"]
    paragraphs = [
        Paragraph(**{**paragraph, "pieces": tuple(Piece(**piece) for piece in paragraph["pieces"])})
        for paragraph in found["paragraphs"]
    ]
    assert apply_difference(FIRST, paragraphs) == SECOND
    assert found["new"]["evidence"]["warc"].startswith("warc/example-news/")


def test_diff_marks_words_where_there_is_no_colour(bridge: Archive, call: Call) -> None:
    page = said(call("diff", url_of("bridge")))
    assert "--- version 1  2026-11-22 09:00:00Z  new, live" in page
    assert "~ The bridge will close for [-six-]{+eight+} weeks, the council said." in page
    assert "+ {+It costs 2 million.+}" in page
    assert "5 words added, 1 removed (substance)" in page
    assert "\x1b" not in page


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_diff_is_coloured_on_a_terminal_unless_no_color_is_set(
    bridge: Archive, call: Call, more: dict[str, str], coloured: bool
) -> None:
    page = said(call("diff", url_of("bridge"), env={"FORCE_COLOR": "1", "TERM": "xterm-256color", **more}))
    assert ("\x1b[4;32meight" in page) is coloured
    assert ("[-six-]{+eight+}" in page) is not coloured


def test_versions_may_be_named_in_either_order(bridge: Archive, call: Call) -> None:
    back = told(call("diff", url_of("bridge"), "2", "1", "--json"))
    assert (back["words_added"], back["words_removed"]) == (1, 5)
    current = told(call("diff", url_of("bridge"), "1", "--json"))
    assert current["new"]["n"] == 3, "compared with the current version, which is gone"
    assert {field["name"]: (field["old"], field["new"]) for field in current["fields"]}["state"] == (["live"], ["gone"])
    assert "Version 3 has no text: it says that the article is gone." in said(call("diff", url_of("bridge"), "1", "3"))


def test_what_cannot_be_compared_is_said_in_words(own: Archive, call: Call) -> None:
    for words, message in (
        ((url_of("n1"),), "one version that can be read"),
        ((url_of("bridge"), "1", "9"), "no version 9"),
        ((url_of("nothing"),), "is not an article"),
        (("0" * 20,), "No site has an article 00000000000000000000"),
    ):
        result = call("diff", *words)
        assert isinstance(result.exception, NotInArchive), words
        assert message in str(result.exception)
    withhold(own, 2)
    result = call("diff", url_of("bridge"), "1", "2")
    assert "Version 2" in str(result.exception)
    assert "withheld" in str(result.exception)
    assert "one version that can be read" in str(call("diff", url_of("bridge")).exception)


def test_the_page_is_written_whole_to_a_file_or_to_stdout(bridge: Archive, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "bridge.html"
    result = call("diff", url_of("bridge"), "--html", "-o", str(target))
    assert (result.exit_code, result.stdout) == (0, "")
    page = target.read_text(encoding="utf-8")
    assert said(call("diff", url_of("bridge"), "--html")) == page
    assert "<del>six</del><ins>eight</ins>" in page
    assert [path.name for path in tmp_path.iterdir() if "bridge" in path.name] == ["bridge.html"]
    HTMLParser().feed(page)


# --- changes


def test_the_feed_gives_rows_of_the_table_oldest_first(bridge: Archive, call: Call) -> None:
    rows = told(call("changes", "--json"))
    assert [(row["change"], row["n"]) for row in rows] == [("new", 1)] * 4 + [("edited", 2), ("gone", 3)]
    assert list(rows[0]) == list(SCHEMA.names)
    assert rows[0]["captured_at"] == "2026-11-22T09:00:00Z"
    assert rows[4]["text"] == SECOND
    lines = said(call("changes", "--jsonl", "--columns", "n,title")).splitlines()
    assert [json.loads(line) for line in lines][4] == {"n": 2, "title": "A headline"}
    page = said(call("changes"))
    assert f"2026-11-22 11:00:00Z  example-news  {article_id(url_of('bridge'))} 2  edited: substance +5 -1" in page


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (("--kind", "edited"), ["edited"]),
        (("--kind", "substance"), ["edited"]),
        (("--kind", "headline"), []),
        (("--kind", "gone", "--kind", "substance"), ["edited", "gone"]),
        (("--since", "2026-11-22T10:00Z"), ["edited", "gone"]),
        (("--since", "2026-11-22T10:00Z", "--until", "2026-11-22T11:00Z"), ["edited"]),
        (("--until", "2026-11-21"), []),
        (("--site", "example-news", "--kind", "gone"), ["gone"]),
        (("--limit", "1"), ["new"]),
        (("--limit", "0", "--since", "2026-11-22", "--kind", "edited"), ["edited"]),
    ],
)
def test_the_feed_is_asked_by_time_site_and_kind(
    bridge: Archive, call: Call, words: tuple[str, ...], made: list[str]
) -> None:
    result = call("changes", "--json", *words)
    assert [row["change"] for row in told(result)] == made
    assert ("There are more" in result.stderr) is ("1" in words)


def test_the_feed_refuses_what_it_does_not_know(bridge: Archive, call: Call) -> None:
    assert isinstance(call("changes", "--site", "nowhere").exception, NotInArchive)
    for words in (("--columns", "colour", "--json"), ("--kind", "odd"), ("--since", "odd"), ("--json", "--jsonl")):
        assert call("changes", *words).exit_code == 2


def test_the_feed_of_an_empty_archive_is_empty(archive: Archive, call: Call) -> None:
    assert told(call("changes", "--json")) == []
    assert "No version" in call("changes").stderr


# --- from a crawl


@pytest.fixture
def crawled(work: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner whose environment names the loopback site and the test's archive."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    return CliRunner()


def test_what_was_crawled_is_told_alike_by_history_show_and_diff(crawled: CliRunner, newsroom: LoopbackSite) -> None:
    told(crawled.invoke(app, ["run", "loop", "--json"]))
    newsroom.page("/news/2", story(2, extra="The forum now meets on Wednesdays."))
    told(crawled.invoke(app, ["run", "loop", "--json"]))
    url = newsroom.url("/news/2")
    versions = told(crawled.invoke(app, ["history", url, "--json"]))
    assert [(v["n"], v["change"], v["words_added"] > 0) for v in versions] == [(1, "new", True), (2, "edited", True)]
    assert [version["edit"] for version in versions] == [None, ["substance"]]
    assert "{+ The forum now meets on Wednesdays.+}" in crawled.invoke(app, ["diff", url]).stdout

    assert "Wednesdays" in crawled.invoke(app, ["show", url, "--text"]).stdout
    assert "Wednesdays" not in crawled.invoke(app, ["show", url, "--version", "1", "--text"]).stdout
    assert told(crawled.invoke(app, ["show", url, "--json"]))["n"] == 2
    page = crawled.invoke(app, ["show", url]).stdout
    assert "evidence" in page
    assert "warc/loop/" in page
    assert "substance: 6 words added, 0 removed" in page
    assert "policy" in page

    newsroom.routes["/news/3"] = Reply(status=301, headers=(("Location", "/news/2"),))
    assert told(crawled.invoke(app, ["run", "loop", "--json"]))["published"]["versions"] == {"moved": 1}
    ended = told(crawled.invoke(app, ["history", newsroom.url("/news/3"), "--json"]))[-1]
    assert (ended["state"], ended["moved_to"]) == ("moved", article_id(url))
    page = crawled.invoke(app, ["show", newsroom.url("/news/3")]).stdout
    assert f"moved to    article {article_id(url)}" in page
    assert f"redirects   301 {url}" in page
    page = " ".join(crawled.invoke(app, ["history", url]).stdout.split())
    assert f"Article {article_id(newsroom.url('/news/3'))}, {newsroom.url('/news/3')}, has ended in this one." in page
    assert "edited substance" in page


def test_an_article_or_a_version_that_is_not_there_is_said_in_words(bridge: Archive, call: Call) -> None:
    gone = call("show", url_of("99"))
    assert isinstance(gone.exception, NotInArchive)
    assert "/news/99" in str(gone.exception)
    assert isinstance(call("show", url_of("n0"), "--version", "7").exception, NotInArchive)
