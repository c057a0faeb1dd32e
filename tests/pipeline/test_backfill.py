"""The walk into a site's past, chunk by chunk: real crawls of a loopback newsroom into a real store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from pipeline.archive import Archive
from pipeline.backfill import (
    MOST_IDLE,
    Backfill,
    begin_chunk,
    end_chunk,
    find_start,
    pass_start,
    read_backfill,
    tell_progress,
)
from pipeline.cli import app
from pipeline.endangered import next_run
from pipeline.errors import AlreadyRunning, RunRejected, SettingsError
from pipeline.model import Report, run_id
from pipeline.settings import Settings
from pipeline.steps import crawl, find_regular_run, new_run, run_backfill, run_site
from spiders.protocol import CrawlSummary, Orders, SourceWalk, Walk
from spiders.site import Site, Source
from spiders.window import Window
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.old_news import LISTING, list_pages, months, open_old_news, path_of, publish_months

YEAR = Window(since=date(2024, 3, 1), until=date(2024, 6, 30))
SITE = Site(
    id="old",
    name="Old",
    home="http://x/",
    kind="council",
    article="http://x/news/.+",
    sources=(Source(type="sitemap", url="http://x/map.xml"),),
)


def pages(server: LoopbackSite) -> Counter[str]:
    """How often each article was asked for."""
    return Counter(path for path in server.paths() if path.startswith("/news/"))


def test_a_backfill_by_sitemaps_fetches_the_window_once_in_bounded_chunks_and_nothing_else(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    days = months(date(2024, 1, 1), 8)
    publish_months(loopback, days, each=3)
    work = open_old_news(tmp_path / "sites", settings, loopback, fetch_at_most=5)
    told: list[Backfill] = []

    done = run_backfill(work, "old", YEAR, on_chunk=told.append)

    wanted = {path_of(day, number) for day in days if 3 <= day.month <= 6 for number in range(3)}
    assert pages(loopback) == dict.fromkeys(wanted, 1)
    children = [path for path in loopback.paths() if path.startswith("/sitemap-")]
    assert {path[9:16] for path in children} == {"2024-03", "2024-04", "2024-05", "2024-06"}
    assert [one.captured for one in told] == [5, 10, 12]
    assert done.finished_at is not None
    assert tell_progress(done).message.startswith("4 of 4 months; 12 pages fetched (12 articles")
    assert [report.mode for report in all_reports(archive)] == ["backfill"] * 3
    assert archive.accepted_reports("old", before="9", most=9) == []

    before = len(loopback.requests)
    assert run_backfill(work, "old", YEAR) == done
    assert len(loopback.requests) == before
    run_backfill(work, "old", YEAR, again=True)
    assert max(pages(loopback).values()) == 1


def all_reports(archive: Archive) -> list[object]:
    return [archive.read_report("old", run) for run in archive.runs("old")]


@pytest.mark.slow
def test_an_undated_listing_is_followed_until_the_articles_themselves_are_older_than_the_window(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    days = months(date(2022, 1, 1), 36)
    publish_months(loopback, days, each=2)
    list_pages(loopback, days, each=2, size=6)
    work = open_old_news(tmp_path / "sites", settings, loopback, sources=LISTING, fetch_at_most=12)
    window = Window(since=date(2024, 1, 1), until=date(2024, 12, 31))

    first = run_backfill(work, "old", window, limit=9)
    assert sum(pages(loopback).values()) == first.captured == 9
    assert first.unfinished
    assert tell_progress(first).reached is not None
    done = run_backfill(work, "old", window)

    found = pages(loopback)
    wanted = {path_of(day, number) for day in days if day.year == 2024 for number in range(2)}
    assert wanted <= set(found)
    assert set(found.values()) == {1}
    assert len(found) <= len(wanted) + 12  # it may look one chunk too far, and no further: 72 are listed
    assert done.finished_at is not None
    assert done.walk.sources[0].ended == "the window's start is passed"


def test_what_is_known_and_what_is_new_today_are_left_to_regular_runs(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    days = months(date(2024, 1, 1), 3)
    publish_months(loopback, days, each=2)
    work = open_old_news(tmp_path / "sites", settings, loopback, more='[[recheck]]\nevery = "0s"')
    run_site(work, "old", new_run(work.settings))
    asked = len(loopback.requests)

    done = run_backfill(work, "old", Window(since=date(2024, 1, 1), until=date(2024, 2, 28)), anytime=True)

    again = [one.path for one in loopback.requests[asked:]]
    assert not [path for path in again if path.startswith("/news/")]
    assert done.finished_at is not None
    assert done.chunks == 1


def test_a_chunk_that_was_killed_is_taken_up_under_its_own_name(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 4), each=2)
    work = open_old_news(tmp_path / "sites", settings, loopback)
    run = new_run(work.settings)
    crawl(work, "old", run, window=YEAR)  # and then the process is gone
    asked = pages(loopback)

    done = run_backfill(work, "old", YEAR)

    assert done.chunks == 1
    assert done.captured == 8
    assert list(archive.runs("old")) == [run]
    assert pages(loopback) == asked
    assert read_backfill(archive, "old") == done


@pytest.mark.slow
def test_a_rejected_chunk_stops_the_walk_until_somebody_starts_it_again(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 4), each=2)
    wall = "<p>" + "We and our partners ask for your consent before you read on, one text for all. " * 8 + "</p>"
    for path in [path for path in loopback.routes if path.startswith("/news/")]:
        loopback.page(path, f"<html><body><h1>News</h1><article>{wall}</article></body></html>")
    work = open_old_news(tmp_path / "sites", settings, loopback)

    with pytest.raises(RunRejected):
        run_backfill(work, "old", YEAR)

    standing = read_backfill(archive, "old")
    assert standing is not None
    assert not standing.unfinished
    assert "was rejected" in tell_progress(standing).message
    publish_months(loopback, months(date(2024, 3, 1), 4), each=2)
    assert run_backfill(work, "old", YEAR).finished_at is not None


def test_the_command_bounds_goes_on_and_says_how_far_it_came(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 2), each=2)
    more = "endangered = 2030-04-01"
    open_old_news(tmp_path / "sites", settings, loopback, more=more)
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    order = ["backfill", "old", "--since", "2024-03-01", "--until", "2024-04-30"]

    first = CliRunner().invoke(app, [*order, "--limit", "3"])
    assert first.exit_code == 0, first.output
    assert "There is more" in first.stdout
    second = CliRunner().invoke(app, [*order, "--json"])
    told = json.loads(second.stdout)
    assert (told["state"], told["pages"], told["months_done"], told["months"]) == ("finished", 4, 2, 2)
    assert "run 2:" in second.stderr

    shown = json.loads(CliRunner().invoke(app, ["endangered", "--json"]).stdout)
    assert [(one["site"], one["closes"], one["states"]) for one in shown] == [("old", "2030-04-01", {"live": 4})]
    assert "last full capture" in CliRunner().invoke(app, ["endangered"]).stdout
    assert "is expected to close on 2030-04-01" in CliRunner().invoke(app, ["sites", "show", "old"]).stdout
    wrong = CliRunner().invoke(app, ["backfill", "old", "--since", "yesterday"])
    assert wrong.exit_code == 2


@pytest.mark.slow
def test_the_command_fails_when_a_backfill_comes_no_further(
    archive: Archive,
    settings: Settings,
    loopback: LoopbackSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 1), each=2)
    loopback.routes |= {path: Reply(delay=20) for path in loopback.routes if path.startswith("/news/")}
    open_old_news(tmp_path / "sites", settings, loopback, run_seconds=2.0, timeout=1.5)
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")

    ended = CliRunner().invoke(app, ["backfill", "old", "--since", "2024-03-01", "--until", "2024-03-31", "--json"])

    assert json.loads(ended.stdout)["state"] == "stopped", ended.output
    assert ended.exit_code == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_backfill_that_is_killed_again_and_again_ends_with_every_article_once(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = months(date(2024, 3, 1), 4)
    publish_months(loopback, days, each=3)
    for path, route in loopback.routes.items():
        if path.startswith("/news/"):
            loopback.routes[path] = replace(cast(Reply, route), delay=0.3)
    open_old_news(tmp_path / "sites", settings, loopback, fetch_at_most=4, concurrency=1)
    for name, value in {"SITES": str(tmp_path / "sites"), "BUILTIN_SITES": "0", "PROCESSES": "1"}.items():
        monkeypatch.setenv(f"MUNIMENT_{name}", value)
    monkeypatch.setenv("MUNIMENT_SEGMENT_MB", "0.001")
    call = "from pipeline.cli import main; main()"
    order = [sys.executable, "-c", call, "backfill", "old", "--since", "2024-03-01", "--until", "2024-06-30", "--now"]

    kills = 0
    for pages_before_the_kill in (1, 3, 6, 9):
        process = subprocess.Popen(order, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(pages(loopback)) < pages_before_the_kill:
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
    ended = subprocess.run(order, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert kills >= 2
    wanted = {path_of(day, number) for day in days for number in range(3)}
    asked = pages(loopback)
    assert set(asked) == wanted
    assert sum(asked.values()) <= len(wanted) + 2 * kills  # a kill costs the open segment at most
    made = {version.url for one in archive.articles("old") for version in archive.versions("old", one)}
    assert {url.removeprefix(loopback.origin) for url in made} == wanted
    assert all(archive.latest_number("old", one) == 1 for one in archive.articles("old"))
    standing = read_backfill(archive, "old")
    assert standing is not None
    assert (standing.captured, standing.finished_at is not None) == (12, True)


def test_a_backfill_waits_for_a_regular_run_that_is_under_way_or_due(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 1), each=1)
    work = open_old_news(tmp_path / "sites", settings, loopback)  # due at 03:17 in London
    site = work.site("old")
    now = work.settings.now().replace(microsecond=0)
    assert find_regular_run(work, site, now) is None

    run = run_id(now, "regular")
    archive.write_orders("old", run, Orders())
    assert find_regular_run(work, site, now + timedelta(seconds=5)) == f"run {run} is under way"
    chunk = run_id(now + timedelta(seconds=1), "chunk")
    archive.write_orders("old", chunk, Orders(mode="backfill"))
    assert find_regular_run(work, site, now + timedelta(seconds=5)) == f"run {run} is under way"
    # Long dead: nobody waits for it.
    assert "under way" not in (find_regular_run(work, site, now + timedelta(hours=3)) or "")

    due = next_run(site, now)
    archive.write_report(Report(site="old", run=run, verdict="accept", checks=(), counts={}, message=""))
    assert find_regular_run(work, site, due - timedelta(seconds=1)) is None
    assert "is due" in (find_regular_run(work, site, due + timedelta(seconds=1)) or "")
    assert find_regular_run(work, site, due + timedelta(minutes=5)) is None  # nobody has begun it
    # A site that nobody runs by its schedule is not waited for.
    assert find_regular_run(work, site, due + timedelta(days=5, seconds=1)) is None


# --- without a crawl


def test_a_site_that_asks_to_be_left_alone_gets_no_empty_chunks(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 2), each=6)
    away = Reply(status=429, headers=(("Retry-After", "7200"),))
    loopback.routes |= {path: away for path in loopback.routes if path.startswith("/news/")}
    work = open_old_news(tmp_path / "sites", settings, loopback, concurrency=1)

    standing = run_backfill(work, "old", YEAR)

    assert standing.unfinished
    assert standing.chunks == 1
    assert "asked to be left alone until" in tell_progress(standing).message
    asked = len(loopback.requests)
    assert run_backfill(work, "old", YEAR) == standing  # and no run is made
    assert len(loopback.requests) == asked
    assert len(list(archive.runs("old"))) == 1


def test_a_second_backfill_of_a_site_is_refused_in_words(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    publish_months(loopback, months(date(2024, 3, 1), 1), each=1)
    work = open_old_news(tmp_path / "sites", settings, loopback)
    told: list[str] = []

    def again(_: Backfill) -> None:
        with pytest.raises(AlreadyRunning) as refused:
            run_backfill(work, "old", YEAR)
        told.append(str(refused.value))

    assert run_backfill(work, "old", YEAR, on_chunk=again).finished_at
    assert "Another backfill of old is under way on this machine" in told[0]
    assert run_backfill(work, "old", YEAR).finished_at  # and it is let go of


@pytest.mark.parametrize(
    ("windows", "schedule", "starts"),
    [
        ((), "0 * * * *", "12:30"),
        (("12:00-13:00",), "0 * * * *", "12:30"),
        (("22:00-05:00",), "0 4 * * *", "22:00"),  # not only after the regular run at four
        (("22:00-05:00",), "00 22 * * *", None),  # the regular run goes first, and goes on
        (("22:00-05:00",), "2 * * * *", None),
    ],
)
def test_a_chain_goes_on_when_the_crawl_window_opens_and_after_the_regular_run_that_is_due_then(
    windows: tuple[str, ...], schedule: str, starts: str | None
) -> None:
    crawl_rules = SITE.crawl.model_copy(update={"windows": windows})
    site = SITE.model_copy(update={"crawl": crawl_rules, "schedule": schedule, "timezone": "UTC"})
    now = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    order = Backfill(site="old", since=date(2024, 1, 1), until=date(2024, 2, 1), ordered_at=now)
    start = find_start(site, order, now)
    assert find_start(site, order.model_copy(update={"not_before": now + timedelta(hours=1)}), now) is None
    assert (start and f"{start:%H:%M}") == starts


def test_a_window_that_makes_no_sense_is_refused(archive: Archive) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    run = "20260701T000000Z-00000000"
    for since, until in ((date(2024, 2, 1), date(2024, 1, 1)), (date(2027, 1, 1), None), (None, None)):
        with pytest.raises(SettingsError):
            begin_chunk(archive, SITE, run, window=Window(since=since, until=until), now=now)
    assert read_backfill(archive, "old") is None


def test_ending_a_chunk_twice_or_a_foreign_one_changes_nothing(archive: Archive) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    run, other = "20260701T000000Z-00000000", "20260701T000001Z-00000000"
    begin_chunk(archive, SITE, run, window=YEAR, now=now)
    summary = summary_of(run, Walk(sources=(SourceWalk(url="http://x/map.xml", read=1, total=4),)), captured=5)
    first = end_chunk(archive, SITE, run, summary, [], now)
    assert first is not None
    assert (first.chunks, first.captured, first.run) == (1, 5, None)
    assert end_chunk(archive, SITE, run, summary, [], now) == first
    assert end_chunk(archive, SITE, other, summary, [], now) == first
    told = tell_progress(first)
    assert told.seconds_left == pytest.approx(270)
    assert "about 4 minutes of crawling left" in told.message


def test_chunks_that_come_no_further_end_the_walk_with_a_reason(archive: Archive) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    walk = Walk(sources=(SourceWalk(url="http://x/map.xml"),))
    unfinished = []
    for number in range(MOST_IDLE + 1):
        run = f"20260701T00000{number}Z-00000000"
        begin_chunk(archive, SITE, run, window=YEAR, now=now)
        standing = end_chunk(archive, SITE, run, summary_of(run, walk, captured=0), [], now)
        assert standing is not None
        unfinished.append(standing.unfinished)
    assert unfinished == [True] * MOST_IDLE + [False]  # the first of them entered the source
    assert "came no further: run_seconds spent" in tell_progress(standing).message


def summary_of(run: str, walk: Walk, *, captured: int) -> CrawlSummary:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    return CrawlSummary(
        site="old",
        run=run,
        started=now,
        finished=now + timedelta(seconds=90),
        finish_reason="run_seconds spent",
        user_agent="test",
        discovered=5,
        captured=captured,
        walk=walk,
    )


@pytest.mark.parametrize(("old", "ends"), [(0, False), (1, False), (9, True), (10, True)])
def test_a_listing_has_passed_the_start_when_most_of_its_articles_have(old: int, ends: bool) -> None:
    walk = Walk(sources=(SourceWalk(url="http://x/list", documents=("http://x/list?page=2",)),))
    days = [date(2023, 5, 1)] * old + [date(2024, 5, 1)] * (10 - old)
    found = pass_start(walk, [("http://x/list?page=2", day) for day in days], date(2024, 3, 1))
    assert found.finished is ends
    assert pass_start(walk, [("http://x/other", date(2020, 1, 1))], date(2024, 3, 1)) == walk
