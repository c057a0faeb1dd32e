"""How a site stands, in one small document."""

from __future__ import annotations

from datetime import timedelta

from pipeline.health import (
    KEPT,
    Health,
    OpenAlarm,
    RunRecord,
    list_health,
    note_alarms,
    note_failure,
    note_late,
    note_run,
    note_trying,
    read_all,
    read_health,
    rebuild_health,
)
from pipeline.model import Diagnosis, Release, Report
from pipeline.settings import Settings
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import NOW, a_run


def test_each_step_notes_its_run_and_the_newest_stands_first(settings: Settings) -> None:
    health = read_health(build_archive(settings).archive, SITE.id)
    assert health is not None
    assert [run.state for run in health.runs] == ["published"] * 3
    assert [run.run for run in health.runs] == sorted((run.run for run in health.runs), reverse=True)
    assert health.runs[-1].versions["new"] == 4
    assert sum(health.runs[0].outcomes.values()) == health.runs[0].discovered


def test_what_is_lost_or_damaged_is_put_together_anew_as_it_was(settings: Settings) -> None:
    archive = build_archive(settings).archive
    before = read_health(archive, SITE.id)
    assert before is not None
    key = archive.health_key(SITE.id)
    archive.store.replace(key, b"{damaged", etag=archive.store.get(key).etag, content_type="application/json")
    after = rebuild_health(archive, SITE.id, now=NOW)

    def bare(health: Health) -> list[dict[str, object]]:
        return [run.model_dump(exclude={"noted"}) for run in health.runs]

    assert bare(after) == bare(before)
    assert read_health(archive, SITE.id) == after


def test_a_run_that_failed_says_in_which_step_and_a_later_success_of_its_own_takes_that_back(
    settings: Settings,
) -> None:
    archive = build_archive(settings).archive
    newest = read_health(archive, SITE.id).runs[0].run  # type: ignore[union-attr]
    failed = note_failure(archive, SITE.id, newest, step="publish", message="The disk is full.", now=NOW).runs[0]
    assert (failed.state, failed.message) == ("failed", "publish: The disk is full.")
    assert note_run(archive, SITE.id, newest, now=NOW).runs[0].state == "published"


def test_a_rejected_run_is_told_from_one_that_was_released(settings: Settings) -> None:
    archive = build_archive(settings).archive
    run = a_run(900)
    archive.write_report(Report(site=SITE.id, run=run, verdict="reject", checks=(), counts={}, message="One text."))
    told = note_run(archive, SITE.id, run, now=NOW).runs[0]
    assert (told.state, told.verdict, told.released, told.message) == ("rejected", "reject", False, "One text.")
    archive.write_release(Release(site=SITE.id, run=run, by="op", reason="It is right.", at=NOW))
    assert note_run(archive, SITE.id, run, now=NOW).runs[0].released


def test_only_the_newest_runs_are_kept(settings: Settings) -> None:
    archive = build_archive(settings).archive
    standing = read_health(archive, SITE.id)
    assert standing is not None
    many = tuple(
        standing.runs[0].model_copy(update={"run": a_run(hour), "began": NOW + timedelta(hours=hour)})
        for hour in range(KEPT + 5)
    )
    archive.change_progress(archive.health_key(SITE.id), Health, lambda _: standing.model_copy(update={"runs": many}))
    assert len(note_run(archive, SITE.id, a_run(901), now=NOW).runs) == KEPT


def test_one_listing_tells_which_sites_have_changed(settings: Settings) -> None:
    archive = build_archive(settings).archive
    before = list_health(archive)
    assert list(before) == [SITE.id]
    note_failure(archive, SITE.id, a_run(2), step="crawl", message="No contact.", now=NOW)
    assert list_health(archive) != before
    assert [health.site for health in read_all(archive, [SITE.id, "never-ran"])] == [SITE.id]


def test_days_are_counted_once_however_often_a_run_is_noted_and_the_same_after_a_loss(settings: Settings) -> None:
    archive = build_archive(settings).archive
    before = read_health(archive, SITE.id)
    assert before is not None
    (day,) = before.days.values()
    assert (day.runs, day.bad, day.new) == (3, 0, 4)
    assert before.last_new == before.runs[-1].began
    again = note_run(archive, SITE.id, before.runs[0].run, now=NOW)
    assert again.days == before.days
    assert rebuild_health(archive, SITE.id, now=NOW).days == before.days
    failed = note_failure(archive, SITE.id, a_run(5), step="crawl", message="No contact.", now=NOW)
    assert sum(day.bad for day in failed.days.values()) == 1


def test_a_late_run_is_late_until_it_is_noted_again_and_open_alarms_outlast_both(settings: Settings) -> None:
    archive = build_archive(settings).archive
    alarm = OpenAlarm(id="x", kind="late", cause="late", sentence="It takes long.", since=NOW)
    run = a_run(900)
    assert note_late(archive, SITE.id, run, message="3 hours", now=NOW).runs[0].late == "3 hours"
    noted = note_alarms(archive, SITE.id, (alarm,))
    assert noted is not None
    assert noted.alarms == (alarm,)
    after = note_failure(archive, SITE.id, run, step="crawl", message="Killed.", now=NOW, gave_up=True)
    assert (after.runs[0].late, after.runs[0].gave_up, after.alarms) == (None, True, (alarm,))
    assert rebuild_health(archive, SITE.id, now=NOW).alarms == (alarm,)
    assert note_alarms(archive, "never-ran", (alarm,)) is None


def test_what_is_tried_again_is_told_until_the_run_is_noted_again(settings: Settings) -> None:
    archive = build_archive(settings).archive
    newest = read_health(archive, SITE.id).runs[0].run  # type: ignore[union-attr]
    noted = note_trying(archive, SITE.id, newest, step="crawl", message="try 1 of 6: The disk is full.", now=NOW)
    assert noted.runs[0].trying == "crawl, try 1 of 6: The disk is full."
    assert note_run(archive, SITE.id, newest, now=NOW).runs[0].trying is None


def test_a_run_that_a_clock_put_into_the_future_is_not_the_latest_once_the_clock_is_right() -> None:
    ahead = RunRecord(run="20281122T120000Z-00000000", state="rejected", began=NOW + timedelta(days=730), noted=NOW)
    right = RunRecord(run="20261121T120000Z-00000000", state="published", began=NOW, noted=NOW)
    assert Health(site="x", runs=(ahead, right), updated=ahead.began).latest == ahead
    assert Health(site="x", runs=(ahead, right), updated=NOW).latest == right


def test_what_is_the_matter_is_kept_in_a_sentence_beside_the_whole_message(settings: Settings) -> None:
    archive = build_archive(settings).archive
    newest = read_health(archive, SITE.id).runs[0].run  # type: ignore[union-attr]
    report = archive.read_report(SITE.id, newest)
    assert report is not None
    odd = report.checks[0].model_copy(update={"verdict": "warn", "message": "Two of two are odd."})
    told = Diagnosis(cause="slow", sentence="Probably a slow site.", likelihood=0.7)
    for update, why in (
        ({"verdict": "accept"}, ""),
        ({"verdict": "warn"}, f"Two of two are odd. ({odd.name})"),
        ({"verdict": "warn", "diagnosis": told}, "Probably a slow site."),
        (
            {"verdict": "warn", "diagnosis": told.model_copy(update={"cause": "unknown"})},
            f"Two of two are odd. ({odd.name})",
        ),
    ):
        changed = report.model_copy(update={"checks": (odd, *report.checks[1:]), **update})
        key = archive.report_key(SITE.id, newest)
        archive.store.replace(key, changed.to_json(), etag=archive.store.get(key).etag, content_type="application/json")
        assert note_run(archive, SITE.id, newest, now=NOW).runs[0].why == why
