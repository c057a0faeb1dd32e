"""The pages of a site and of a run, out of documents."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.pages import make_health, make_report
from pipeline.web.site_page import (
    COMPARED,
    SAMPLED,
    list_fields,
    list_reported,
    make_check_rows,
    make_site_view,
    take_sample,
)
from tests.pipeline.built_runs import START, a_run, found, missing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_site_shows_its_runs_its_fields_and_its_sources() -> None:
    health = make_health("north", now=NOW, stands="rejected")
    reports = [make_report("north", run) for run in health.runs[:COMPARED]]
    view = make_site_view(health, reports)
    assert view.plotted[-1] == health.runs[0]
    assert [name for name, _ in view.fields] == ["authors", "description", "published", "title"]
    assert view.sources[0].url == "https://www.north.example/feed.xml"
    assert "41" not in view.versions.words  # what was refused made no versions
    assert len(view.checks[0].figures) == COMPARED


def test_what_the_gate_refused_stands_before_what_it_let_pass() -> None:
    health = make_health("north", now=NOW, stands="rejected")
    rows = list(make_check_rows([make_report("north", run) for run in health.runs[:3]]))
    assert rows[0].name == "published share"
    assert [check.verdict for check in rows[0].figures if check] == ["reject", "accept", "accept"]
    assert not list(make_check_rows([]))


def test_a_site_without_reports_has_a_page() -> None:
    health = make_health("north", now=NOW, runs=1)
    view = make_site_view(health.model_copy(update={"runs": ()}), [])
    assert view.report is None
    assert not view.checks


def test_only_runs_that_were_checked_are_asked_for_their_report() -> None:
    health = make_health("north", now=NOW, stands="failing")
    assert list_reported(health) == [run.run for run in health.runs[1 : COMPARED + 1]]


def test_the_fields_that_move_most_are_drawn() -> None:
    runs = make_health("north", now=NOW).runs[:2]
    fills = [dict.fromkeys("abcdefgh", 10) | {"moving": count} for count in (0, 10)]
    changed = [run.model_copy(update={"articles": 10, "fill": fill}) for run, fill in zip(runs, fills, strict=True)]
    assert "moving" in list_fields(changed)


def test_the_sample_of_a_refused_run_is_bounded_and_holds_articles_only() -> None:
    run = a_run(1)
    findings = [missing("lost", run, START), *(found(f"page {n}", "word " * 500, run, START) for n in range(30))]
    sample = take_sample(findings)
    assert len(sample) == SAMPLED
    assert not sample[0].whole
    assert len(sample[0].lead) == 400
