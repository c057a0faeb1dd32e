"""Sites that are to close: what their date does to schedule, depth and checks, and a whole life before and after it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from croniter import croniter

from pipeline.archive import Archive
from pipeline.endangered import (
    CAPTURE_DAYS,
    Phase,
    adapt_site,
    begin_run,
    days_left,
    describe_closing,
    describe_phase,
    end_run,
    excuse_closing,
    find_phase,
    last_due,
    next_run,
    read_capture,
    schedule_in_force,
    spread_schedule,
)
from pipeline.model import Check, Report, State
from pipeline.reader import find_article
from pipeline.settings import Settings
from pipeline.status import read_endangered
from pipeline.steps import Workplace, new_run, run_site
from spiders.protocol import CrawlSummary, Known, SourceWalk, Walk
from spiders.site import Site, Source
from spiders.values import CRON_PRESETS
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.old_news import LISTING, list_pages, months, open_old_news, path_of, publish_months, story

CLOSES = date(2027, 4, 1)
RUN = "20270326T000000Z-00000000"


def site(schedule: str = "20 9 * * 1-5", **more: object) -> Site:
    known: dict[str, object] = {"endangered": CLOSES, **more}
    return Site(
        id="old",
        name="Old Town",
        home="https://old.example/",
        kind="council",
        article=r"https://old\.example/news/.+",
        sources=(Source(type="feed", url="https://old.example/feed"),),
        schedule=schedule,
        **known,  # type: ignore[arg-type]
    )


def at(days: int) -> datetime:
    """Noon so many days before the date."""
    return datetime(CLOSES.year, CLOSES.month, CLOSES.day, 12, tzinfo=UTC) - timedelta(days=days)


@pytest.mark.parametrize(
    ("left", "phase", "schedule"),
    [
        (200, Phase.FAR, "20 9 * * 1-5"),
        (91, Phase.FAR, "20 9 * * 1-5"),
        (90, Phase.NEAR, "20 6,18 * * *"),
        (15, Phase.NEAR, "20 6,18 * * *"),
        (14, Phase.LAST, "20 * * * *"),
        (1, Phase.LAST, "20 * * * *"),
        (0, Phase.AFTER, "20 6 * * *"),
        (-400, Phase.AFTER, "20 6 * * *"),
    ],
)
def test_the_schedule_grows_denser_towards_the_date(left: int, phase: Phase, schedule: str) -> None:
    assert find_phase(site(), at(left)) is phase
    assert schedule_in_force(site(), at(left)) == schedule
    assert days_left(site(), at(left)) == left


def test_a_schedule_that_is_dense_enough_stays_and_a_preset_gets_a_minute_of_its_own() -> None:
    assert schedule_in_force(site("5,25,45 * * * *"), at(3)) == "5,25,45 * * * *"
    assert schedule_in_force(site("@hourly"), at(60)).endswith(" * * * *")
    minutes = {schedule_in_force(site("@daily").model_copy(update={"id": f"s{n}"}), at(3)) for n in range(20)}
    assert len(minutes) > 10
    assert schedule_in_force(site(endangered=None), at(3)) == "20 9 * * 1-5"
    assert next_run(site(), at(3)) == at(3).replace(minute=20)
    assert last_due(site(), at(3)) == at(3).replace(hour=11, minute=20)


def test_sites_that_name_no_minute_on_purpose_are_spread_over_the_hour_and_stay_where_they_are() -> None:
    ids = [f"town-{number}" for number in range(1000)]
    for schedule in ("@hourly", "0 * * * *", "0 7-20 * * 1-5"):
        found = [spread_schedule(schedule, site_id) for site_id in ids]
        assert found == [spread_schedule(schedule, site_id) for site_id in ids]
        minutes = Counter(line.partition(" ")[0] for line in found)
        assert len(minutes) == 60
        assert max(minutes.values()) < 40
    quarters = {spread_schedule("*/15 * * * *", site_id) for site_id in ids}
    assert quarters == {f"{first}-59/15 * * * *" for first in range(15)}
    assert len({spread_schedule("@daily", site_id).split()[1] for site_id in ids}) == 6


@pytest.mark.parametrize("schedule", ["00 * * * *", "5 * * * *", "0,30 * * * *", "*/7 * * * *", "* * * * *"])
def test_a_minute_that_is_named_on_purpose_stays(schedule: str) -> None:
    assert spread_schedule(schedule, "town-1") == schedule


@pytest.mark.parametrize("preset", sorted(CRON_PRESETS))
def test_every_preset_is_spread_into_as_many_runs(preset: str) -> None:
    line, start = spread_schedule(preset, "town-7"), datetime(2026, 1, 2, 12, 30, tzinfo=UTC)
    assert len(line.split()) == 5
    known = {"@quarterly": "0 0 1 */3 *"}.get(preset, preset)  # as Airflow has it; croniter does not know it
    years = [list(islice(croniter(each, start).all_next(datetime), 50))[-1].date() for each in (line, known)]
    assert abs((years[0] - years[1]).days) <= 1


def test_the_day_is_the_sites_own() -> None:
    late = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)  # half past midnight in London's summer
    assert find_phase(site(), late) is Phase.AFTER
    assert find_phase(site(timezone="America/New_York"), late) is Phase.LAST


def test_what_the_date_means_is_told_in_words() -> None:
    assert describe_phase(site(endangered=None), at(3)) is None
    assert describe_closing(site(endangered=None)) is None
    near = describe_phase(site(successor="https://new.example/"), at(5))
    assert near is not None
    for text in ("in 5 days", "https://new.example/", "`20 * * * *` instead of `20 9 * * 1-5`", "last full capture"):
        assert text in near
    assert "as always" in (describe_phase(site(), at(300)) or "")
    assert "12 days ago" in (describe_phase(site(), at(-12)) or "")


def test_known_pages_are_looked_at_oftener_before_the_date_and_ever_more_rarely_after_it() -> None:
    assert adapt_site(site(), at(300)) == site()
    assert adapt_site(site(), at(50)).crawl.recheck_at_most == 1000
    every = [adapt_site(site(), at(-days)).recheck[0].every.days for days in (1, 29, 31, 300, 400)]
    assert every == [7, 7, 30, 30, 90]


def report(name: str) -> Report:
    bad = Check(name=name, verdict="reject", figure=0, limit=1, message="nothing answers")
    return Report(site="old", run=RUN, verdict="reject", checks=(bad,), counts={}, message="No source answered.")


def test_dead_sources_reject_a_run_before_the_date_and_only_warn_after_it() -> None:
    assert excuse_closing(site(), report("sources"), at(1)).verdict == "reject"
    excused = excuse_closing(site(), report("sources"), at(-1))
    assert excused.verdict == "warn"
    assert excused.message.startswith("The site was expected to close on 2027-04-01")
    assert excuse_closing(site(), report("same-body"), at(-1)).verdict == "reject"


def summary(*, walk: Walk | None, **outcomes: int) -> CrawlSummary:
    return CrawlSummary(
        site="old",
        run=RUN,
        started=at(3),
        finished=at(3),
        finish_reason="finished",
        user_agent="test",
        discovered=0,
        captured=0,
        outcomes=outcomes,
        walk=walk,
    )


def test_the_last_full_capture_goes_on_until_nothing_is_left(archive: Archive) -> None:
    done = Walk(sources=(SourceWalk(url="https://old.example/feed", finished=True),))
    pages = [
        Known(url=f"https://old.example/news/{n}", due=False, fetched_at=at(5 if n < 3 else 30).isoformat())
        for n in range(5)
    ]
    began = begin_run(archive, site(), RUN, at(6))
    assert began.mode == "full"
    assert began.fetched_before == at(6)
    assert began.walk == Walk()

    first = end_run(archive, site(), RUN, began, summary(walk=done, deferred=2), pages, at(6))
    assert first is not None
    assert first.message == "last full capture: 3 of 5 pages, under way"
    assert end_run(archive, site(), RUN, began, summary(walk=done), pages, at(6)) == first  # told twice
    for tried in range(1, 4):  # two pages fail for good
        orders = begin_run(archive, site(), RUN, at(4))
        assert orders.mode == "full"
        assert orders.fetched_before == at(6)
        last = end_run(archive, site(), RUN, orders, summary(walk=None, failed=2), pages, at(4))
        assert last is not None
        assert (last.finished_at is not None) is (tried == 3)
    assert begin_run(archive, site(), RUN, at(3)).mode == "regular"
    assert read_capture(archive, site(endangered=date(2028, 4, 1))) is None  # the date was moved: all anew


def test_the_newsroom_is_walked_once_a_week_when_the_date_is_near(archive: Archive) -> None:
    done = Walk(sources=(SourceWalk(url="https://old.example/feed", finished=True),))
    assert begin_run(archive, site(), RUN, at(100)).walk is None
    orders = begin_run(archive, site(), RUN, at(60))
    assert (orders.mode, orders.walk) == ("regular", Walk())
    end_run(archive, site(), RUN, orders, summary(walk=done), [], at(60))
    assert begin_run(archive, site(), RUN, at(59)).walk is None
    assert begin_run(archive, site(), RUN, at(53)).walk == Walk()
    assert begin_run(archive, site(), RUN, at(-1)).walk is None


# --- a whole life -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_endangered_site_is_captured_in_full_before_its_date_and_what_becomes_of_it_is_recorded(
    archive: Archive, settings: Settings, loopback: LoopbackSite, tmp_path: Path
) -> None:
    days = months(date(2024, 1, 1), 4)
    publish_months(loopback, days, each=3)
    list_pages(loopback, days, each=3, size=4)
    with LoopbackSite() as heir:
        closes = settings.now().date() + timedelta(days=100)
        more = f'endangered = {closes}\nsuccessor = "{heir.url("/")}"\ngone_after_checks = 2\ngone_after = "1d"'
        work = open_old_news(tmp_path / "sites", settings, loopback, sources=LISTING, more=more)

        def run(ahead: float) -> Workplace:
            later = Workplace(
                settings=settings.model_copy(update={"clock_ahead": timedelta(days=ahead), "processes": 1}),
                sites=work.sites,
                archive=archive,
            )
            run_site(later, "old", new_run(later.settings))
            return later

        # Far: as the file says, one page of the listing. Near: the whole newsroom.
        run(0)
        assert len(list(archive.articles("old"))) == 4
        run(20)
        assert len(list(archive.articles("old"))) == 12

        # The last days: everything once more, whatever was fetched lately.
        asked = len(loopback.requests)
        later = run(100 - CAPTURE_DAYS + 1)
        (line,) = read_endangered(archive, later.sites.values(), later.settings.now())
        assert (line.phase, line.captured, line.total, line.complete) == ("last", 12, 12, True)
        assert {one.path for one in loopback.requests[asked:]} >= {path_of(day, n) for day in days for n in range(3)}

        # After: some pages live on at the successor's, one only leads to its front page, the others are dropped.
        old = [path_of(day, n) for day in days for n in range(3)]
        loopback.routes.clear()
        for number, path in enumerate(old[:3]):
            to = heir.url(f"/archive/{number}" if number else "/")
            loopback.routes[path] = Reply(status=301, headers=(("Location", to),))
        heir.routes["/"] = Reply(body=b"<html><body><h1>New Town</h1><p>Welcome to the new council.</p></body></html>")
        for number in (1, 2):
            heir.routes[f"/archive/{number}"] = Reply(body=story(days[0], number).encode())
        for ahead in (101, 109, 117):
            later = run(ahead)

    (line,) = read_endangered(archive, later.sites.values(), later.settings.now())
    assert line.phase == "after"
    assert line.states == {"gone": 10, "moved": 2}
    moved = find_article(archive, later.sites.values(), loopback.url(old[1]))[-1]
    assert moved.state is State.MOVED
    assert moved.final_url == heir.url("/archive/1")
    assert moved.hops == ((301, heir.url("/archive/1")),)
    assert "/robots.txt" in heir.paths()
    gone = find_article(archive, later.sites.values(), loopback.url(old[0]))[-1]
    assert gone.state is State.GONE
    assert gone.note is not None
