"""Headlines in memory: all that the table has, as soon as it has it, and nothing that it has no more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from pipeline.archive import Archive
from pipeline.model import article_id
from pipeline.settings import Settings
from pipeline.table import Rows, commit_rows, merge_files
from pipeline.takedown import order_takedown
from pipeline.web.headlines import Headlines
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import NOW, START, a_run, url_of
from tests.pipeline.test_comparison import a_version

PATIENCE = 30.0


@pytest.fixture
def headlines(archive: Archive) -> Iterator[Headlines]:
    found = Headlines(archive)
    yield found
    found.close()


def commit(archive: Archive, site: str, hours: float, *titles: str) -> None:
    """A run of a site that made versions with these headlines, an hour apart."""
    run = a_run(hours, site)
    with Rows(archive) as rows:
        for number, title in enumerate(titles):
            name = f"{site} {hours} {number}"
            rows.add(
                a_version(site=site, article=article_id(url_of(name)), title=title, run=run, url=url_of(name),
                          captured_at=START + timedelta(hours=hours + number))
            )  # fmt: skip
        commit_rows(archive, site, run, rows, now=NOW)


def titles(headlines: Headlines, text: str = "", **more: object) -> list[str]:
    return [hit.title for hit in headlines.search(text, patience=PATIENCE, **more).hits]  # type: ignore[arg-type]


def test_all_words_are_found_in_any_case_and_order_newest_first(archive: Archive, headlines: Headlines) -> None:
    assert headlines.search("x").hits == ()
    commit(archive, "north", 0, "Bridge CLOSED", "The closed road", "Ünder the bridge")
    assert titles(headlines, "bridge") == ["Ünder the bridge", "Bridge CLOSED"]
    assert titles(headlines, "closed BRIDGE") == ["Bridge CLOSED"]
    assert titles(headlines, "ÜNDER") == ["Ünder the bridge"]
    assert titles(headlines, "ridg") == ["Ünder the bridge", "Bridge CLOSED"]
    assert titles(headlines, "%_[.*") == []


def test_site_and_time_narrow_a_search_and_only_the_newest_are_told(archive: Archive, headlines: Headlines) -> None:
    commit(archive, "north", 0, *(f"News {number}" for number in range(8)))
    commit(archive, "south", 2, "News of the south")
    found = headlines.search("news", most=3, patience=PATIENCE)
    assert ([hit.title for hit in found.hits], found.count, found.reading) == (["News 7", "News 6", "News 5"], 9, False)
    assert titles(headlines, sites=["south"]) == ["News of the south"]
    assert titles(headlines, sites=[]) == []
    since, until = START + timedelta(hours=2), START + timedelta(hours=4)
    assert sorted(titles(headlines, since=since, until=until)) == ["News 2", "News 3", "News of the south"]


def test_what_is_committed_later_is_found_at_once_and_a_merge_doubles_nothing(
    archive: Archive, headlines: Headlines
) -> None:
    for number in range(5):
        commit(archive, "north", number, f"News {number}")
        assert len(titles(headlines)) == number + 1
    merge_files(archive, "north", now=NOW)
    assert sorted(titles(headlines)) == [f"News {number}" for number in range(5)]


def test_a_headline_that_is_taken_down_is_found_no_more(settings: Settings) -> None:
    archive = build_archive(settings).archive
    headlines = Headlines(archive)
    assert titles(headlines, "bridge")
    order_takedown(archive, SITE.id, article_id(url_of("bridge")), by="legal", reason="case 1", now=NOW)
    assert titles(headlines, "bridge") == []
    parts = [part.result() for part in headlines._parts.values()]
    assert not any(b"ridge" in part.blob for part in parts)
    assert not any("ridge" in part.title(row) for part in parts for row in range(part.rows))
    headlines.close()


def test_a_headline_looks_as_it_did_whatever_its_letters(archive: Archive, headlines: Headlines) -> None:
    told = ["İstanbul İİ", "ẞpaß und GRÖSSE", "", "東京 — News 🌍", "a" * 3000]
    told += [f"İ number {number}" for number in range(300)]  # more than are packed together
    commit(archive, "north", 0, *told)
    assert sorted(titles(headlines, most=999)) == sorted(told)
    assert titles(headlines, "NUMBER 255") == ["İ number 255"]
    assert titles(headlines, "東京") == [told[3]]
    [hit] = headlines.search("number 299", patience=PATIENCE).hits
    assert headlines.find_sites(hit.article, patience=PATIENCE) == (["north"], True)
    assert headlines.find_sites("0" * 20, patience=PATIENCE) == ([], True)


def test_headlines_can_be_read_before_anybody_searches(archive: Archive, headlines: Headlines) -> None:
    commit(archive, "north", 0, "News")
    headlines.begin()
    deadline = time.monotonic() + PATIENCE
    while not any(part.done() for part in list(headlines._parts.values())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [hit.title for hit in headlines.search("news", patience=0).hits] == ["News"]


def test_a_search_says_what_it_did_not_look_at(archive: Archive) -> None:
    commit(archive, "north", 0, "Old news", "More old news")
    commit(archive, "north", 100, "New news")
    headlines = Headlines(archive, most_rows=1)
    found = headlines.search("news", patience=PATIENCE)
    assert ([hit.title for hit in found.hits], found.searched, found.versions) == (["New news"], 1, 3)
    headlines.close()
