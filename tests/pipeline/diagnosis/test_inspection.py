"""One run in full; how the commands show it is in tests/pipeline/cli/test_inspection.py."""

from __future__ import annotations

import pytest

from pipeline.archive import Archive, health_key
from pipeline.diagnosis.inspection import find_sites, inspect_run, read_runs
from pipeline.errors import NotInArchive
from pipeline.health import note_run
from tests.pipeline.built_runs import NOW, START, a_run, a_site, found, missing, unusable, url_of, write_run

SITE, OTHER = a_site(), a_site("other-news")


def write(archive: Archive, hours: float = 0, articles: int = 3) -> str:
    run = a_run(hours)
    findings = [found(f"n{n}", f"Text {n} of the day.", run, START) for n in range(articles)]
    findings += [unusable("wall", run, START), missing("lost", run, START)]
    return write_run(archive, SITE, run, findings)


def test_a_run_that_was_not_checked_is_shown_with_what_there_is(archive: Archive) -> None:
    run = write(archive)
    shown = inspect_run(archive, SITE.id, run, sample=2, now=NOW)
    assert (shown.record.state, shown.report, shown.release) == ("unfinished", None, None)
    assert [article.url for article in shown.sample] == [
        article.url for article in inspect_run(archive, SITE.id, run, sample=2, now=NOW).sample
    ]
    assert len(shown.sample) == 2
    assert shown.commands == (
        f"`muniment run {SITE.id} --run {run}` goes on with the run (or clear its tasks in Airflow).",
    )
    assert inspect_run(archive, SITE.id, run, sample=0, now=NOW).sample == ()
    with pytest.raises(NotInArchive, match="has no run"):
        inspect_run(archive, SITE.id, a_run(7), sample=2, now=NOW)


def test_a_run_is_found_by_its_id_whether_it_was_noted_or_not(archive: Archive) -> None:
    run = write(archive)
    assert find_sites(archive, run) == [SITE.id]
    note_run(archive, SITE.id, run, now=NOW)
    assert find_sites(archive, run) == [SITE.id]
    note_run(archive, OTHER.id, run, now=NOW)
    assert find_sites(archive, run) == [SITE.id, OTHER.id]
    archive.store.delete(health_key(OTHER.id))
    for wrong in (a_run(9), "../x", ""):
        with pytest.raises(NotInArchive):
            find_sites(archive, wrong)


def test_runs_are_read_from_what_is_noted_and_from_the_archive_beyond_that(archive: Archive) -> None:
    old, new = write(archive, 0), write(archive, 5)
    note_run(archive, SITE.id, new, now=NOW)
    assert [record.run for record in read_runs(archive, SITE.id, most=9, state=None, now=NOW)] == [new, old]
    assert [record.run for record in read_runs(archive, SITE.id, most=1, state="unfinished", now=NOW)] == [new]
    assert read_runs(archive, SITE.id, most=9, state="rejected", now=NOW) == []
    with pytest.raises(NotInArchive, match="has no runs"):
        read_runs(archive, "nobody", most=9, state=None, now=NOW)


def test_reasons_come_with_urls_of_pages_that_ended_so(archive: Archive) -> None:
    run = write(archive)
    from pipeline.check import check_run

    summary = archive.read_summary(SITE.id, run)
    assert summary is not None
    archive.write_report(check_run(SITE, summary, archive.read_findings(SITE.id, run), ()))
    shown = inspect_run(archive, SITE.id, run, sample=1, now=NOW)
    reasons = {reason.reason: reason.urls for reason in shown.reasons}
    assert reasons["blocked: answered 403"] == (url_of("wall"),)
    assert reasons["gone: answered 404"] == (url_of("lost"),)
