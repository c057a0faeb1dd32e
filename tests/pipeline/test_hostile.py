"""A hostile web the whole way: crawl, extraction, the gate and publication, with a real store."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.steps import new_run, open_workplace, run_site
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

    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit
    assert children < MOST_MEGABYTES
