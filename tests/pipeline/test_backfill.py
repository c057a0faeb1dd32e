"""The walk into a site's past, chunk by chunk: real crawls of a loopback newsroom into a real store."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.archive import Archive
from pipeline.backfill import Backfill, begin_chunk, end_chunk, pass_start, read_backfill, tell_progress
from pipeline.errors import SettingsError
from pipeline.settings import Settings
from pipeline.steps import Workplace, crawl, new_run, run_backfill, run_site
from spiders.protocol import SourceWalk, Walk
from spiders.window import Window
from tests.loopback import LoopbackSite
from tests.pipeline.old_news import LISTING, SITEMAP, list_pages, months, open_old_news, path_of, publish_months

YEAR = Window(since=date(2024, 3, 1), until=date(2024, 6, 30))


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
