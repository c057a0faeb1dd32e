"""A hostile web the whole way: crawl, extraction, the gate and publication, with a real store."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.extract import Reading, extract_page
from pipeline.page import disarm
from pipeline.settings import Settings
from pipeline.steps import new_run, open_workplace, run_site
from spiders.site import Site
from tests.pipeline.loop_news import story
from tests.spiders.hostile import MAX_BYTES, TIMEOUT, Evil, HostileSite, answer, evil_answers, evil_pages, send

MOST_MEGABYTES = 1200
"""What the largest of all processes of a run may take: an extraction worker over a hostile page."""

UNPRINTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


@pytest.fixture
def server() -> Iterator[HostileSite]:
    """A hostile server that does nothing yet."""
    with HostileSite() as site:
        yield site


def write_site(folder: Path, server: HostileSite) -> None:
    """A site file that takes what comes."""
    folder.mkdir()
    (folder / "evil.toml").write_text(
        f"""
name = "Evil News"
home = "{server.url("/")}"
kind = "trade"
article = 'http://127\\.0\\.0\\.1:{server.port}/news/.+'

[[sources]]
type = "sitemap"
url = "{server.url("/sitemap.xml")}"

[crawl]
allow_private = true
delay = 0
concurrency = 16
timeout = {TIMEOUT}
max_bytes = {MAX_BYTES}

[check]
max_error_share = 1.0
min_article_yield = 0.0
""",
        encoding="utf-8",
    )


def test_a_site_of_which_every_page_is_hostile_goes_the_whole_way(
    archive: Archive, settings: Settings, server: HostileSite, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = largest_child()
    evils: list[Evil] = [*evil_answers(), *evil_pages()]
    server.add(*evils)
    server.acts["/news/good-0"] = send(answer(story(0, extra="\u202esdrawkcab\u202c \x9b31m").encode()))
    write_site(tmp_path / "sites", server)
    own = settings.model_copy(update={"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 2})
    work = open_workplace(own)
    run = new_run(work.settings)
    told = run_site(work, "evil", run)
    findings = {one.requested.rpartition("/news/")[2]: one for one in archive.read_findings("evil", run)}
    versions = [version for article in archive.articles("evil") for version in archive.versions("evil", article)]

    # Every page has one ending, and the gate has spoken.
    assert told.report.verdict in ("accept", "warn"), told.report
    published = told.published
    assert published is not None
    assert published.discovered == 2 * len(evils) == sum(published.outcomes.values())
    for evil in evils:
        if evil.reason is not None:
            assert evil.name not in findings, evil.name
            continue
        finding = findings[evil.name]
        assert evil.kind in (None, finding.kind), (evil.name, finding.kind, finding.reason)
        assert evil.text in (finding.reason or ""), (evil.name, finding.reason)
    assert sum(finding.kind == "article" for finding in findings.values()) >= len(evils)

    # Nothing that acts on a terminal or turns a line around is kept as text, or told.
    for version in versions:
        said = (version.title, version.text, version.url, version.section, version.description)
        shown = "\n".join(filter(None, (*said, *version.authors, *version.tags)))
        assert not UNPRINTED.search(shown), version.url
        assert len(version.authors) <= 30
    assert "root:" not in "".join(version.text for version in versions)
    output = capfd.readouterr()
    assert not UNPRINTED.search(output.out + output.err)

    # It never falls: where other tests of this process had a larger child before, that one says nothing of this run.
    assert largest_child() in (before, *range(MOST_MEGABYTES))


def largest_child() -> int:
    """MiB of the largest process that this one has started and that has ended."""
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit


def read(payload: bytes, content_type: str | None = "text/html") -> Reading:
    """One page, as a worker reads it."""
    site = Site.model_validate(
        {
            "id": "evil",
            "name": "Evil",
            "home": "http://evil.example/",
            "kind": "trade",
            "article": r"http://evil\.example/news/.+",
            "sources": [{"type": "sitemap", "url": "http://evil.example/sitemap.xml"}],
        }
    )
    url = "http://evil.example/news/1"
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    return extract_page(payload, site=site, url=url, requested=url, captured_at=moment, content_type=content_type)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"<p>" + b"word " * 10_000_000, "text too long"),  # 50 MB: libxml2 itself takes no text of more than 10
        (b"<html><body>" + b"<div>" * 100_000 + b"<p>x", "too many elements"),
        (b"<html><body>" + b"<b><i>" * 100_000 + b"<p>x", "too many elements"),
        (b"<p " + b" ".join(b"a%d=x" % n for n in range(500_000)) + b">x", "too many attributes"),
        (b"<p " + b" ".join(b"a%d" % n for n in range(500_000)) + b">x", "too many attributes"),
    ],
    ids=["one line of 50 MB", "100,000 levels", "200,000 levels", "attributes", "attributes without values"],
)
def test_what_is_too_much_for_a_parser_is_not_given_to_it(payload: bytes, reason: str) -> None:
    began = time.process_time()
    reading = read(payload)
    assert (reading.kind, reading.reason) in {
        ("failed", reason),
        ("not-an-article", "too short"),
        ("not-an-article", "no text"),
    }
    assert time.process_time() - began < 60


def test_one_long_attribute_or_a_missing_quotation_mark_is_not_many() -> None:
    drawing = f"<svg><path d='{'M 1 2 L 3 4 ' * 20_000}'/></svg><img src=\"data:image/png;base64,{'AAAA' * 50_000}\">"
    for page in (story(1).replace("<p>", f"{drawing}<p>", 1), story(1).replace("<p>", "<p title='it>", 1)):
        assert read(page.encode()).kind in ("article", "not-an-article")
    assert read(story(1).replace("<p>", f"{drawing}<p>", 1).encode()).kind == "article"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("a\u202eb\u202cc\u2066d\u2069", "abcd"),
        ("a\x00b\x1b[31mc\x9b2Jd\ufeffe\n\tf", "ab[31mc2Jde\n\tf"),
        ("flag \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", None),
        ("hidden\U000e0041\U000e0042 letters", "hidden letters"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u200e(\u05d0)\u200f", None),
    ],
)
def test_what_misleads_is_taken_out_of_a_text_and_what_writes_words_stays(written: str, kept: str | None) -> None:
    assert disarm(written) == (written if kept is None else kept)


FRAGMENTS = st.sampled_from(
    [
        *("<p>", "</p>", "<div class='byline author'>", "<script type='application/ld+json'>", "</script>", "<h1>"),
        *("<time>", "<table><tr><td>", "<a href='/author/x'>", "<!--", "-->", "<![CDATA[", "<title>", "</title>"),
        *('{"@type":"NewsArticle",', '"headline":', '"author":[', '"datePublished":"', "]", "}", "By ", " and ", "| "),
        *(
            " - ",
            "12/13/14 ",
            "2026-01-01T",
            "\u202e",
            "\x9b",
            "\ufdfa",
            "e\u0301",
            "&#x202e;",
            "&lt;",
            "&amp;",
            "\x00",
        ),
        *(" " * 50, "we and our 12 partners ", "cookie consent ", "sign in to read ", "<svg><title>", "'>", "<br>"),
        *("Councillor Jane Doe said the council would meet. ", "<meta name=author content='", "<form><select><option>"),
        *("<base href='http://[bad'>", "<link rel=canonical href='//[::1'>"),
    ]
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(FRAGMENTS, st.integers(1, 200)), max_size=25), st.sampled_from(["text/html", None, "a/b"]))
def test_no_page_is_read_slowly_or_makes_the_reader_fail(
    pieces: list[tuple[str, int]], content_type: str | None
) -> None:
    page = "<html><body>" + "".join(piece * count for piece, count in pieces) + story(1)
    began = time.process_time()
    reading = read(page.encode("utf-8", "surrogatepass"), content_type)
    assert time.process_time() - began < 8, page[:200]
    if reading.article is not None:
        assert not UNPRINTED.search(reading.article.title + reading.article.text)
