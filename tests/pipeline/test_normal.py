"""What is normal for a site: learned once per run, bounded, told again from the reports, and asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.model import Check, Published, Report, SourceRecord, run_id
from pipeline.normal import (
    DAYS,
    FULL_DAYS,
    OPENINGS,
    RUNS,
    WIDTH,
    History,
    Normal,
    learn_normal,
    merge_normals,
    note_report,
    read_normal,
    rebuild_normal,
)
from pipeline.normal.openings import pack_openings, read_opening
from pipeline.settings import Settings
from pipeline.steps import publish
from tests.pipeline.built_archive import SITE, build_archive

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LISTED = 20


def a_report(at: datetime, *, new: int = 5, articles: int = 10, authors: int = 10, **facts: Any) -> Report:
    run = run_id(at, str(facts.pop("token", "")))
    return Report(
        site="ledger",
        run=run,
        verdict=facts.pop("verdict", "accept"),
        checks=facts.pop("checks", ()),
        counts={"new": new, "articles": articles, "asked": articles, "lang-en": articles},
        message="",
        sources=(SourceRecord(url="https://x.example/feed", type="feed", items=LISTED, since=MONDAY, alive=at),),
        fill={"authors": authors},
        lengths={35: articles},
        openings=str(facts.pop("openings", "")),
        **facts,
    )


def learned(reports: list[Report], *, zone: str = "UTC") -> Normal:
    normal = Normal(site="ledger", zone=zone)
    for report in reports:
        normal = note_report(normal, report)
    return normal


def a_history(normal: Normal, at: datetime, *, kind: str = "trade") -> History:
    return History(normal, run_id(at, "now"), kind=kind, country="gb", zone=normal.zone)


def weeks(number: int, *, every: timedelta = timedelta(days=1), new: int = 5) -> list[Report]:
    end = MONDAY + timedelta(weeks=number)
    moments = []
    at = MONDAY
    while at < end:
        moments.append(at)
        at += every
    return [a_report(at, new=new) for at in moments]


runs = st.lists(
    st.builds(
        a_report,
        st.datetimes(datetime(2026, 3, 1), datetime(2026, 5, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
        new=st.integers(0, 50),
        articles=st.integers(0, 40),
        authors=st.integers(0, 40),
    ),
    max_size=20,
    unique_by=lambda report: report.run,
)


@examples(max_examples=30)
@given(runs, st.data())
def test_the_order_of_runs_does_not_matter_nor_how_often_each_is_told(
    reports: list[Report], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(reports)) + (data.draw(st.lists(st.sampled_from(reports))) if reports else [])
    assert learned(again).days == learned(reports).days
    assert learned(again).runs == learned(reports).runs


@examples(max_examples=15)
@given(runs, runs)
def test_merging_is_the_same_either_way_and_with_itself(one: list[Report], other: list[Report]) -> None:
    here, there = learned(one), learned(other)
    merged = merge_normals(here, there)
    assert merged == merge_normals(there, here)
    assert merge_normals(merged, merged) == merged
    assert merge_normals(merged, here).days == merged.days
    assert {day.day for day in merged.days} == {day.day for day in here.days} | {day.day for day in there.days}


def test_a_year_of_hourly_runs_fits_into_120_kilobytes() -> None:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    fill = dict.fromkeys(("title", "published", "authors", "section", "image", "description", "tags"), 14)
    facts = {"fill": fill, "lengths": dict.fromkeys(range(30, 44), 1)}
    hourly = [a_report(begin + timedelta(hours=n), new=12, articles=14).model_copy(update=facts) for n in range(24)]
    (day,) = learned(hourly).days
    days = tuple(day.model_copy(update={"day": day.day + timedelta(days=n)}) for n in range(DAYS + 2))
    runs = tuple(run_id(begin + timedelta(days=DAYS + 2, hours=n - RUNS), "") for n in range(RUNS))
    openings = []
    for number in range(OPENINGS + 40):
        text = "\n".join(f"line {line} of story {number} goes on and on" for line in range(5))
        openings.append(read_opening(f"{number:020x}"[::-1], f"Story {number}", text, 300))
    last = a_report(begin + timedelta(days=DAYS + 1, hours=23, minutes=30), openings=pack_openings(openings))
    normal = note_report(Normal(site="ledger", days=days, runs=runs), last)
    assert len(normal.to_json()) < 120_000
    assert Normal.model_validate_json(normal.to_json()) == normal
    assert len(normal.days) == DAYS
    assert sum(bool(day.hours) for day in normal.days) == FULL_DAYS
    assert len(normal.openings) == OPENINGS * WIDTH
    assert len(normal.runs) == RUNS


def test_days_are_those_of_the_sites_zone() -> None:
    normal = learned([a_report(datetime(2026, 7, 1, 23, 30, tzinfo=UTC))], zone="Europe/London")
    assert normal.days[0].day == date(2026, 7, 2)
    assert list(normal.days[0].hours) == [0]


class TestAsking:
    def test_a_young_site_has_no_normal(self) -> None:
        young = learned(weeks(1)[:4])
        history = a_history(young, MONDAY + timedelta(days=4))
        assert history.expect_share("fill", "fill-authors", "articles", found=0, of=10) is None
        assert history.expect_length("length", found=10, of=10) is None
        assert history.expect_new(0, span=24) is None
        assert history.expect_items("https://x.example/feed") is None

    def test_a_share_is_told_with_its_history(self) -> None:
        usual = a_history(learned(weeks(4)), MONDAY + timedelta(weeks=4)).expect_share(
            "fill", "fill-authors", "articles", found=3, of=44
        )
        assert usual is not None
        assert (usual.expected.low > 38, usual.expected.high) == (True, 44)
        assert usual.expected.below < 1e-8
        assert usual.basis == "280 articles of 28 days since 2 March 2026"

    def test_a_volume_is_held_against_the_same_hours_of_earlier_weeks(self) -> None:
        busy_mondays = [
            a_report(at := MONDAY + timedelta(days=day), new=40 if at.weekday() == 0 else 4) for day in range(56)
        ]
        normal = learned(busy_mondays)
        told = a_history(normal, MONDAY + timedelta(weeks=8)).expect_new(3, span=24)
        assert told is not None
        found, usual = told
        assert (found, usual.basis) == (3, "the same 24 hours of 7 weeks")
        assert usual.expected.below < 1e-6
        tuesday = a_history(normal, MONDAY + timedelta(weeks=8, days=1)).expect_new(3, span=24)
        assert tuesday is not None
        assert tuesday[1].expected.below > 0.1

    def test_nothing_is_said_of_the_volume_where_the_schedule_has_changed(self) -> None:
        normal = learned([*weeks(6), *(a_report(MONDAY + timedelta(weeks=6, hours=h), new=1) for h in range(1, 9))])
        assert a_history(normal, MONDAY + timedelta(weeks=6, hours=9)).expect_new(1, span=1) is None

    def test_quiet_of_a_recess_is_expected_of_a_parliament_only(self) -> None:
        daily = [a_report(datetime(2026, 5, 1, 9, tzinfo=UTC) + timedelta(days=day), new=40) for day in range(91)]
        summer = datetime(2026, 7, 31, 9, tzinfo=UTC)
        parliament = a_history(learned(daily), summer, kind="parliament").expect_new(0, span=24)
        trade = a_history(learned(daily), summer, kind="trade").expect_new(0, span=24)
        assert parliament is not None
        assert trade is not None
        assert parliament[1].expected.below > 0.5
        assert trade[1].expected.below < 1e-4

    def test_last_years_quiet_week_excuses_this_years(self) -> None:
        start = datetime(2025, 1, 6, 9, tzinfo=UTC)
        fair = [a_report(start + timedelta(days=day), new=3 if 315 <= day <= 325 else 30) for day in range(364 + 320)]
        without = [a_report(start + timedelta(days=day), new=30) for day in range(364 + 320)]
        at = start + timedelta(days=364 + 320)
        told, other = (a_history(learned(each), at).expect_new(3, span=24) for each in (fair, without))
        assert told is not None
        assert other is not None
        assert told[1].expected.below > 1e-3
        assert other[1].expected.below < 1e-6


class TestReleasing:
    def test_a_released_run_ends_the_old_normal_of_what_it_was_refused_for(self) -> None:
        refused = Check(name="fill", verdict="reject", figure=0, limit=0.2, message="")
        at = MONDAY + timedelta(weeks=6)
        normal = note_report(learned(weeks(6)), a_report(at, verdict="reject", checks=(refused,), authors=0))
        history = a_history(normal, at + timedelta(days=1))
        assert history.expect_share("fill", "fill-authors", "articles", found=0, of=10) is None
        assert history.expect_share("phrases", "phrases", "articles", found=0, of=10) is not None


class TestInTheArchive:
    def put(self, archive: Archive, report: Report, *, published: bool = True) -> None:
        archive.write_report(report)
        if published:
            archive.write_published(
                Published(site="ledger", run=report.run, outcomes={}, discovered=0, versions={}, made=(), table_rows=0)
            )

    def test_a_run_counts_once_however_often_it_is_published(self, archive: Archive) -> None:
        report = a_report(MONDAY)
        self.put(archive, report)
        first = learn_normal(archive, report, zone="UTC")
        assert learn_normal(archive, report, zone="UTC") == first
        assert read_normal(archive, "ledger") == first
        assert first is not None
        assert first.days[0].counts["articles"] == 10

    def test_it_is_put_together_again_out_of_published_regular_runs(self, archive: Archive) -> None:
        reports = weeks(2)
        for report in reports:
            self.put(archive, report)
            learn_normal(archive, report, zone="Europe/London")
        later = MONDAY + timedelta(weeks=2)
        self.put(archive, a_report(later, verdict="reject"), published=False)
        self.put(archive, a_report(later + timedelta(hours=1), mode="backfill"))
        assert learn_normal(archive, a_report(later + timedelta(hours=2), mode="reextract"), zone="UTC") is None
        standing = read_normal(archive, "ledger")
        assert rebuild_normal(archive, "ledger", zone="Europe/London") == standing
        archive.store.delete(archive.normal_key("ledger"))
        assert read_normal(archive, "ledger") is None
        last = a_report(later + timedelta(hours=3))
        self.put(archive, last)
        assert standing is not None
        assert learn_normal(archive, last, zone="Europe/London") == note_report(standing, last)

    def test_the_steps_of_a_run_teach_it_and_its_report_has_what_is_taught(self, settings: Settings) -> None:
        work = build_archive(settings, runs=1)
        runs = sorted(work.archive.runs(SITE.id))
        normal = read_normal(work.archive, SITE.id)
        assert normal is not None
        assert list(normal.runs) == runs
        assert normal.zone == SITE.timezone
        report = work.archive.read_report(SITE.id, runs[0])
        assert report is not None
        assert report.fill["title"] == report.counts["articles"]
        assert report.openings
        publish(work, SITE.id, runs[-1])
        assert read_normal(work.archive, SITE.id) == normal

    def test_one_that_is_damaged_counts_as_none(self, archive: Archive) -> None:
        archive.store.replace(archive.normal_key("ledger"), b"{", etag=None, content_type="application/json")
        assert read_normal(archive, "ledger") is None


def test_summer_time_moves_no_hour_of_the_week() -> None:
    zone = ZoneInfo("Europe/London")
    hourly = [
        a_report(datetime(2026, 2, 2, tzinfo=zone) + timedelta(hours=hour), new=20 if hour % 24 == 9 else 0)
        for hour in range(24 * 7 * 9)
    ]
    normal = learned(hourly, zone="Europe/London")
    after = datetime(2026, 4, 6, 9, tzinfo=zone)
    told = a_history(normal, after).expect_new(20, span=1)
    assert told is not None
    assert told[1].expected.middle > 15
