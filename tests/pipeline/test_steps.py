"""The whole path without Airflow: a real crawl of a loopback site into a real store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from pipeline.archive import Archive
from pipeline.boilerplate import Memory
from pipeline.cli import app
from pipeline.errors import CrawlInterrupted, NotInArchive, RunRejected, SettingsError, SiteFileError
from pipeline.lifecycle import Making, decide
from pipeline.model import State, article_id
from pipeline.reader import find_article
from pipeline.settings import Settings
from pipeline.stack import settings_environment
from pipeline.steps import (
    Rereader,
    Workplace,
    check,
    crawl,
    extract,
    find_closed_window,
    learn,
    new_run,
    open_workplace,
    publish,
    read_sites,
    recall,
    run_site,
)
from spiders.warc import read_captures
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.loop_news import STREETS, list_in_sitemap, story, write_site
from tests.pipeline.some_pages import KEY, a_page, a_segment, a_site, findings_of

T = TypeVar("T")


def snapshot(work: Workplace) -> dict[str, str]:
    """Every object of the archive with its ETag."""
    return {entry.key: entry.etag for entry in work.archive.store.list("")}


def texts(work: Workplace) -> dict[str, str]:
    """Current text by path."""
    archive = work.archive
    return {
        (version := archive.versions("loop", article)[-1]).url.rsplit("/", 1)[1]: version.text
        for article in archive.articles("loop")
    }


@pytest.mark.usefixtures("cold_starts")
def test_a_run_archives_every_article_and_a_second_run_adds_no_version(work: Workplace) -> None:
    first = run_site(work, "loop", new_run(work.settings))
    second = run_site(work, "loop", new_run(work.settings))

    assert first.published is not None
    assert second.published is not None
    assert first.published.outcomes["archived"] == first.published.discovered == 8
    assert first.published.versions == {"new": 8}
    assert second.published.outcomes["unchanged"] == second.published.discovered == 8
    assert second.published.made == ()
    assert all(STREETS[int(number) % 6] in text for number, text in texts(work).items())


def test_steps_called_one_by_one_and_twice_do_what_one_run_does_once(work: Workplace) -> None:
    run = new_run(work.settings)
    crawled = crawl(work, "loop", run)
    assert (crawled.discovered, crawled.captured) == (8, 8)
    for segment in crawled.segments:
        assert extract(work, "loop", run, segment) == {"article": 8}
    report = check(work, "loop", run)
    published = publish(work, "loop", run)
    before = snapshot(work)

    assert crawl(work, "loop", run) == crawled
    assert [extract(work, "loop", run, segment) for segment in crawled.segments] == [{"article": 8}]
    assert check(work, "loop", run) == report
    assert publish(work, "loop", run) == published
    assert snapshot(work) == before


def test_an_edit_an_addition_and_a_removal_are_each_a_version(work: Workplace, newsroom: LoopbackSite) -> None:
    run_site(work, "loop", new_run(work.settings))
    newsroom.page("/news/2", story(2, extra="A correction: the forum meets on Wednesdays."))
    newsroom.page("/news/3", story(3).replace("<footer>Loop News", "<footer>Loop News, now with a new footer"))
    newsroom.page("/news/8", story(8))
    newsroom.routes["/news/5"] = Reply(status=410, body=b"gone")
    list_in_sitemap(newsroom, [0, 1, 2, 3, 4, 6, 7, 8])

    published = run_site(work, "loop", new_run(work.settings)).published

    assert published is not None
    assert published.versions == {"new": 1, "edited": 1, "gone": 1}
    edited = find_article(work.archive, work.sites.values(), newsroom.url("/news/2"))
    assert [version.n for version in edited] == [1, 2]
    assert "Wednesdays" in edited[1].text
    removed = find_article(work.archive, work.sites.values(), newsroom.url("/news/5"))
    assert [version.state for version in removed] == [State.LIVE, State.GONE]
    assert len(find_article(work.archive, work.sites.values(), newsroom.url("/news/3"))) == 1


def test_what_the_publisher_says_of_a_change_and_of_an_end_stands_in_the_versions(
    work: Workplace, newsroom: LoopbackSite, tmp_path: Path
) -> None:
    path = tmp_path / "sites" / "loop.toml"
    text = path.read_text().replace('type = "sitemap"', 'type = "api"\nservice = "govuk"')
    path.write_text('dates = "ignore"\n' + text.replace("/sitemap.xml", "/api/search.json"))
    work = replace(work, sites=read_sites(work.settings))

    def list_in_search(days: dict[int, int]) -> None:
        results = [
            {"link": f"/news/{number}", "public_timestamp": f"2026-03-{day:02d}T09:00:00Z"}
            for number, day in days.items()
        ]
        body = json.dumps({"results": results, "total": len(results), "start": 0}).encode()
        newsroom.routes["/api/search.json"] = Reply(body=body, content_type="application/json")

    def tell_twin(number: int, item: dict[str, object], status: int = 200) -> None:
        reply = Reply(status=status, body=json.dumps(item).encode(), content_type="application/json")
        newsroom.routes[f"/api/content/news/{number}"] = reply

    list_in_search(dict.fromkeys(range(8), 1))
    run_site(work, "loop", new_run(work.settings))
    newsroom.page("/news/2", story(2, extra="The forum meets on Wednesdays."))
    tell_twin(2, {"details": {"change_history": [{"note": "Day put right.", "public_timestamp": "2026-03-02"}]}})
    newsroom.routes["/news/5"] = Reply(status=410, body=b"gone")
    tell_twin(5, {"schema_name": "gone", "details": {"explanation": "<p>Published in error</p>"}}, 410)
    list_in_search({**dict.fromkeys(range(8), 1), 2: 2})

    published = run_site(work, "loop", new_run(work.settings)).published

    assert published is not None
    assert published.versions == {"edited": 1, "gone": 1}
    edited = find_article(work.archive, work.sites.values(), newsroom.url("/news/2"))[-1]
    assert edited.note == "the publisher says: Day put right."
    gone = find_article(work.archive, work.sites.values(), newsroom.url("/news/5"))[-1]
    assert gone.note is not None
    assert gone.note.endswith("; the publisher says: Published in error")


def test_a_rejected_run_publishes_nothing_and_says_why(work: Workplace, newsroom: LoopbackSite) -> None:
    wall = (
        "<p>" + "We and our partners ask for your consent before you read on, here is one text for all. " * 8 + "</p>"
    )
    for number in range(8):
        newsroom.page(f"/news/{number}", f"<html><body><h1>News</h1><article>{wall}</article></body></html>")
    run = new_run(work.settings)

    with pytest.raises(RunRejected) as refused:
        run_site(work, "loop", run)

    assert refused.value.message
    assert refused.value.next_step
    assert not list(work.archive.articles("loop"))
    assert work.archive.read_report("loop", run) is not None
    with pytest.raises(RunRejected):
        publish(work, "loop", run)
    assert not list(work.archive.articles("loop"))


@pytest.mark.usefixtures("cold_starts")
def test_a_crawl_killed_midway_keeps_what_was_sealed_and_fetches_only_the_rest(
    work: Workplace, newsroom: LoopbackSite, tmp_path: Path
) -> None:
    small = Workplace(
        settings=work.settings.model_copy(update={"segment_mb": 0.001}), sites=work.sites, archive=work.archive
    )
    slow = "/news/6"
    page = newsroom.routes[slow]
    newsroom.routes[slow] = Reply(delay=30, body=b"")
    run = new_run(work.settings)

    with pytest.raises(CrawlInterrupted):
        crawl(small, "loop", run, on_segment=kill_child_after(3))
    sealed = {key: work.archive.store.head(key).etag for key in work.archive.segments("loop", run)}  # type: ignore[union-attr]
    asked_before = len(newsroom.requests)
    held = pages_in(work.archive, run)
    newsroom.routes[slow] = page
    crawled = crawl(small, "loop", run)

    assert held
    assert crawled.discovered == crawled.captured == 8
    again = {asked.path for asked in newsroom.requests[asked_before:]}
    assert not again & {url.removeprefix(newsroom.origin) for url in held}
    for key, etag in sealed.items():
        assert work.archive.store.head(key).etag == etag  # type: ignore[union-attr]
    assert sorted(pages_in(work.archive, run)) == sorted(newsroom.url(f"/news/{number}") for number in range(8))


@pytest.mark.usefixtures("cold_starts")
def test_a_crawl_child_that_is_stuck_is_ended(
    work: Workplace, newsroom: LoopbackSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = work.site("loop")
    monkeypatch.setattr("pipeline.steps._OVERTIME_SECONDS", 4.0 - site.crawl.run_seconds)
    newsroom.routes["/news/6"] = Reply(delay=30, body=b"")
    began = time.monotonic()
    with pytest.raises(CrawlInterrupted, match="did not end in time"):
        crawl(work, "loop", new_run(work.settings))
    assert time.monotonic() - began < 28


def kill_child_after(segments: int) -> Callable[[int], None]:
    """A callback that kills the crawl child of this process when so many segments are in the archive."""
    seen: list[int] = []

    def count(number: int) -> None:
        seen.append(number)
        if len(seen) == segments:
            for pid in children():
                os.kill(pid, signal.SIGKILL)

    return count


def children() -> list[int]:
    """Ids of this process's crawl children."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rsplit(")", 1)[1].split()[1]
            command = (path.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == str(os.getpid()) and b"spiders" in command:
            found.append(int(path.parent.name))
    return found


def pages_in(archive: Archive, run: str) -> list[str]:
    """URLs of the pages that the run's segments hold, repeats included."""
    found = []
    for key in archive.segments("loop", run):
        path = Path(os.environ["MUNIMENT_SCRATCH"]) / "read.warc.gz"
        archive.download_segment(key, path)
        with path.open("rb") as stream:
            found += [capture.requested for capture in read_captures(stream) if capture.kind == "page"]
    return found


def test_steps_out_of_order_are_refused_with_the_step_that_is_missing(work: Workplace) -> None:
    run = new_run(work.settings)
    with pytest.raises(NotInArchive, match="crawl"):
        check(work, "loop", run)
    with pytest.raises(NotInArchive, match="report"):
        publish(work, "loop", run)
    crawl(work, "loop", run)
    with pytest.raises(NotInArchive, match="not extracted"):
        check(work, "loop", run)


def test_a_site_that_is_not_declared_is_named(work: Workplace) -> None:
    with pytest.raises(SiteFileError, match="'nowhere'"):
        crawl(work, "nowhere", new_run(work.settings))


def test_a_broken_site_file_is_named_with_its_key(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text('name = "x"\nnmae = "y"\n')
    with pytest.raises(SiteFileError, match=r"broken\.toml"):
        read_sites(settings.model_copy(update={"sites": (tmp_path,)}))


def test_the_live_web_is_not_crawled_without_a_contact(work: Workplace, newsroom: LoopbackSite, tmp_path: Path) -> None:
    write_site(tmp_path / "sites", newsroom, allow_private="false")
    live = open_workplace(work.settings.model_copy(update={"contact": ""}))
    with pytest.raises(SettingsError, match="MUNIMENT_CONTACT"):
        crawl(live, "loop", new_run(work.settings))
    assert newsroom.requests == []


def test_the_crawl_child_ends_when_its_parent_is_killed(
    work: Workplace, newsroom: LoopbackSite, tmp_path: Path
) -> None:
    newsroom.routes["/news/6"] = Reply(delay=60, body=b"")
    code = (
        "from pipeline.steps import *; from pipeline.settings import read_settings;"
        f"crawl(open_workplace(read_settings()), 'loop', {new_run(work.settings)!r})"
    )
    environment = {**os.environ, "MUNIMENT_SITES": str(tmp_path / "sites"), "MUNIMENT_BUILTIN_SITES": "0"}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        child = wait_for(lambda: children_of(parent.pid) if newsroom.asked("/news/6") else [])
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in child))


def children_of(parent: int) -> list[int]:
    """Ids of a process's children."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in listed]


def wait_for(ask: Callable[[], T], seconds: float = 30) -> T:
    """The first true answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} s")


def test_what_hosts_allow_is_kept_in_the_archive_and_what_is_withheld_is_excluded(
    work: Workplace, newsroom: LoopbackSite
) -> None:
    page = newsroom.routes["/news/3"]
    assert isinstance(page, Reply)
    newsroom.routes["/news/3"] = replace(page, headers=(("X-Robots-Tag", "noarchive"),))
    first = run_site(work, "loop", new_run(work.settings))
    assert first.published is not None
    assert first.published.outcomes["excluded"] == 1
    assert first.published.outcomes["archived"] == 7
    assert first.report.reasons["excluded: noarchive"] == 1
    assert newsroom.paths().count("/robots.txt") == newsroom.paths().count("/ai.txt") == 1
    assert work.archive.read_hosts("loop")[0]

    run_site(work, "loop", new_run(work.settings))
    assert newsroom.paths().count("/robots.txt") == newsroom.paths().count("/ai.txt") == 1

    # Damage costs politeness only, and a run that is rejected keeps what it learned of the hosts.
    _, etag = work.archive.read_hosts("loop")
    work.archive.store.replace(
        work.archive.hosts_key("loop"), b"\x00 no JSON", etag=etag, content_type="application/json"
    )
    newsroom.routes["/sitemap.xml"] = Reply(status=404)
    with pytest.raises(RunRejected):
        run_site(work, "loop", new_run(work.settings))
    assert newsroom.paths().count("/robots.txt") == 2
    assert newsroom.origin in (work.archive.read_hosts("loop")[0] or b"").decode()


def test_outside_of_its_windows_a_site_is_not_crawled(work: Workplace, newsroom: LoopbackSite) -> None:
    hour = work.settings.now() + timedelta(hours=5)
    rules = work.site("loop").crawl.model_copy(update={"windows": (f"{hour:%H}:00-{hour:%H}:30",)})
    closed = replace(work, sites={"loop": work.site("loop").model_copy(update={"crawl": rules, "timezone": "UTC"})})
    run = new_run(work.settings)
    assert f"it opens at {hour:%H}:00" in (find_closed_window(closed, "loop", run) or "")
    assert crawl(closed, "loop", new_run(work.settings)).captured == 0
    assert newsroom.requests == []
    assert crawl(closed, "loop", run, anytime=True).captured == 8
    assert find_closed_window(closed, "loop", run) is None  # it began, and may end


def test_the_command_says_when_the_window_opens_and_ends_well(
    work: Workplace, newsroom: LoopbackSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = work.settings.now() + timedelta(hours=5)
    write_site(tmp_path / "sites", newsroom, windows=f'["{hour:%H}:00-{hour:%H}:30"]')
    for name, value in settings_environment(work.settings).items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(app, ["run", "loop"])
    assert told.exit_code == 0, told.output
    assert "The crawl window of loop is closed: it opens at" in " ".join(told.output.split())
    assert newsroom.requests == []
    assert list(work.archive.runs("loop")) == []
    forced = CliRunner().invoke(app, ["run", "loop", "--now"])
    assert forced.exit_code == 0, forced.output
    assert "8 archived" in " ".join(forced.output.split())


class TestMemory:
    """What repeats on the site's pages."""

    @staticmethod
    def furnish(newsroom: LoopbackSite, numbers: range, jobs: str = "Planner, Ashby Council") -> None:
        box = f"<p>Local news from all over the county</p><p>Latest jobs</p><p>{jobs}</p><p>Sign here for more</p>"
        for number in numbers:
            newsroom.page(f"/news/{number}", story(number).replace("</article>", f"{box}</article>"))

    def test_a_first_run_learns_from_its_own_pages_and_a_second_one_without_news_asks_for_nothing(
        self, work: Workplace, newsroom: LoopbackSite
    ) -> None:
        self.furnish(newsroom, range(8))
        first, second = new_run(work.settings), ""
        run_site(work, "loop", first)
        archive = work.archive
        lessons = archive.read_lessons("loop", first, Memory)
        assert lessons is not None
        assert len(lessons.pages) == 8
        assert all("Latest jobs" not in text and "Sign here" not in text for text in texts(work).values())
        assert any("Latest jobs" in line for line in recall(work, "loop").describe())

        second = new_run(work.settings)
        run_site(work, "loop", second)
        assert archive.read_lessons("loop", second, Memory) is None
        assert recall(work, "loop").run == first

        archive.store.delete(archive.boilerplate_key("loop"))
        assert recall(work, "loop").lessons == lessons.lessons

    def test_two_that_extract_at_once_read_the_same_and_a_retry_makes_the_same_bytes(
        self, work: Workplace, newsroom: LoopbackSite
    ) -> None:
        self.furnish(newsroom, range(8))
        run = new_run(work.settings)
        (segment,) = crawl(work, "loop", run).segments
        with ThreadPoolExecutor(2) as both:
            one, other = both.map(lambda _: learn(work, "loop", run), range(2))
        assert one == other
        extract(work, "loop", run, segment)
        key = work.archive.extracted_key("loop", run, segment)
        found = work.archive.store.get(key).body
        work.archive.store.delete(key)
        work.archive.store.replace(
            work.archive.boilerplate_key("loop"), b"{damaged", etag=None, content_type="application/json"
        )
        extract(work, "loop", run, segment)
        assert work.archive.store.get(key).body == found
        check(work, "loop", run)
        publish(work, "loop", run)
        assert len(recall(work, "loop").pages) == 8

    def test_a_site_may_say_that_nothing_is_to_be_learned(self, work: Workplace, newsroom: LoopbackSite) -> None:
        self.furnish(newsroom, range(8))
        site = work.site("loop").model_copy(update={"memory": False})
        work = replace(work, sites={"loop": site})
        run = new_run(work.settings)
        run_site(work, "loop", run)
        assert work.archive.read_lessons("loop", run, Memory) is None
        assert all("Latest jobs" in text for text in texts(work).values())

    def test_what_is_learned_later_makes_no_versions_and_an_edit_still_does(
        self, work: Workplace, newsroom: LoopbackSite
    ) -> None:
        self.furnish(newsroom, range(8))
        unread = replace(work, sites={"loop": work.site("loop").model_copy(update={"memory": False})})
        run_site(unread, "loop", new_run(work.settings))
        before = texts(work)
        assert all("Latest jobs" in text for text in before.values())

        self.furnish(newsroom, range(8), jobs="Tree officer, Brook Council")
        newsroom.page(
            "/news/3", story(3, "The forum is now on Wednesdays.").replace("</article>", "<p>Latest jobs</p></article>")
        )
        result = run_site(work, "loop", new_run(work.settings))
        assert result.published.versions == {"edited": 1}
        assert result.published.outcomes["unchanged"] == 7
        edited = work.archive.versions("loop", article_id(newsroom.url("/news/3")))[-1]
        assert edited.edit is not None
        assert (edited.edit.words_added, edited.edit.words_removed) == (6, 0)
        assert "Latest jobs" not in edited.text

        result = run_site(work, "loop", new_run(work.settings))
        assert result.published.versions == {}

    @pytest.mark.parametrize("moment", ["before", pytest.param("after", marks=pytest.mark.slow)])
    def test_killed_while_it_writes_down_what_it_learned_a_run_goes_on_as_if_nothing_were(
        self, work: Workplace, newsroom: LoopbackSite, tmp_path: Path, moment: str
    ) -> None:
        self.furnish(newsroom, range(8))
        run = new_run(work.settings)
        crawl(work, "loop", run)
        code = f"""
import os, signal
from pipeline.archive import Archive
from pipeline.settings import read_settings
from pipeline.steps import learn, open_workplace
write = Archive.write_lessons
def die(self, *words):
    if {moment!r} == "after":
        write(self, *words)
    os.kill(os.getpid(), signal.SIGKILL)
Archive.write_lessons = die
learn(open_workplace(read_settings()), "loop", {run!r})
"""
        environment = {**os.environ, "MUNIMENT_SITES": str(tmp_path / "sites"), "MUNIMENT_BUILTIN_SITES": "0"}
        ended = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        standing = work.archive.read_lessons("loop", run, Memory)
        assert (standing is None) == (moment == "before")
        learned = learn(work, "loop", run)
        assert learned is not None
        assert standing in (None, learned)
        run_site(work, "loop", run)
        assert all("Latest jobs" not in text for text in texts(work).values())
        assert recall(work, "loop").lessons == learned.lessons


RUN = KEY.rsplit("/", 1)[1].rsplit("-", 1)[0]


def test_captures_of_earlier_versions_are_read_again_for_many_threads_at_once(archive: Archive, tmp_path: Path) -> None:
    site = a_site()
    titles = [f"Bridge number {number} to be mended" for number in range(12)]
    path = a_segment(tmp_path, [a_page(title=title) for title in titles])
    assert archive.upload_segment(site.id, RUN, 0, path) == KEY
    making = Making(site=site, run=RUN, code="muniment 0", extractor="extractor 0")
    made = [decide(making, finding, []).version for finding in findings_of(path)]
    versions = [version for version in made if version is not None]
    lost = versions[0].evidence.model_copy(update={"offset": 10**9})
    with Rereader(archive, site, RUN, processes=2) as rereader, ThreadPoolExecutor(8) as pool:
        again = list(pool.map(rereader, [*versions, versions[0].model_copy(update={"evidence": lost})]))
    assert [article and article.title for article in again] == [*titles, None]
    assert [article and article.text for article in again[:12]] == [version.text for version in versions]
