"""How sites stand, from what the archive holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.archive import Archive
from pipeline.health import Health, OpenAlarm
from pipeline.model import Check, Published, Report
from pipeline.status import next_run, read_status
from spiders.site import Site, Source
from tests.pipeline.some_alerts import a_health, a_record, rejected

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
EARLIER, RUN = "20260701T110000Z-00000000", "20260701T120000Z-00000000"


def site(schedule: str = "17 * * * *") -> Site:
    return Site(
        id="loop",
        name="Loop",
        home="https://loop.example/",
        kind="trade",
        article=r"https://loop\.example/\d+",
        sources=(Source(type="feed", url="https://loop.example/feed"),),
        schedule=schedule,
    )


def report(run: str, verdict: str, message: str) -> Report:
    found = Check(name="books", verdict=verdict, figure=None, limit=None, message=message)  # type: ignore[arg-type]
    return Report(site="loop", run=run, verdict=found.verdict, checks=(found,), counts={}, message=message)


def test_a_site_that_never_ran_says_so_and_when_it_is_due(archive: Archive) -> None:
    (line,) = read_status(archive, [site()], NOW)
    assert line.last_run is None
    assert line.next_run == datetime(2026, 7, 1, 13, 17, tzinfo=UTC)


def test_the_newest_run_is_shown_with_what_it_published(archive: Archive) -> None:
    archive.write_report(report(EARLIER, "reject", "all pages are one text"))
    archive.write_report(report(RUN, "accept", "fine"))
    archive.write_published(
        Published(
            site="loop",
            run=RUN,
            outcomes={"archived": 3, "unchanged": 5, "failed": 1, "blocked": 1},
            discovered=10,
            versions={"new": 1, "edited": 1, "gone": 1},
            made=(),
            table_rows=3,
        )
    )
    (line,) = read_status(archive, [site()], NOW)
    assert (line.last_run, line.verdict, line.published) == (RUN, "accept", True)
    assert (line.new, line.changed, line.gone, line.unchanged, line.failed) == (1, 1, 1, 5, 2)


def test_a_rejected_run_shows_the_message_of_the_gate(archive: Archive) -> None:
    archive.write_report(report(RUN, "reject", "all pages are one text"))
    (line,) = read_status(archive, [site()], NOW)
    assert (line.verdict, line.published, line.message) == ("reject", False, "all pages are one text")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("00 9 * * *", datetime(2026, 7, 2, 8, 0, tzinfo=UTC)),  # nine in London in summer
        ("0 9 * * *", datetime(2026, 7, 2, 8, 58, tzinfo=UTC)),  # … at a minute of its own, as its DAG runs
        ("@hourly", datetime(2026, 7, 1, 12, 58, tzinfo=UTC)),
    ],
)
def test_the_next_run_is_reckoned_in_the_sites_zone(schedule: str, expected: datetime) -> None:
    assert next_run(site(schedule), NOW) == expected


def test_where_runs_are_noted_one_small_document_says_it_all_with_what_is_wrong(archive: Archive) -> None:
    alarm = OpenAlarm(id="x", kind="rejected", cause="redesign", sentence="it was refused", since=NOW)
    health = a_health(rejected(NOW), a_record(NOW, mode="import"), site="loop", alarms=(alarm,), last_new=NOW)
    archive.change_progress(archive.health_key("loop"), Health, lambda _: health)
    (line,) = read_status(archive, [site()], NOW)
    assert (line.last_run, line.verdict, line.published) == (rejected(NOW).run, "reject", False)
    assert (line.cause, line.message, line.last_new) == ("redesign", "41 of 44 have no date.", NOW)
    assert line.alarms == (alarm,)


def test_what_a_rejected_run_could_not_fetch_is_counted_though_nothing_is_published(archive: Archive) -> None:
    down = rejected(NOW, cause="site down").model_copy(update={"outcomes": {"failed": 20, "unchanged": 3}})
    health = a_health(down, site="loop")
    archive.change_progress(archive.health_key("loop"), Health, lambda _: health)
    (line,) = read_status(archive, [site()], NOW)
    assert (line.failed, line.unchanged) == (20, 0)
