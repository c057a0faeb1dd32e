"""Runs that break in one way each: the diagnosis names it in the first of them, with examples and commands."""

from __future__ import annotations

import dataclasses
import io
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline import diagnosis as module
from pipeline.archive import segment_key
from pipeline.diagnosis import diagnose_run, tell
from pipeline.errors import MunimentError, RunRejected
from pipeline.model import Cause, Diagnosis
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace, check
from pipeline.takedown.blank import blank_member, read_places
from spiders.protocol import SourceYield
from tests.pipeline.built_runs import HOME, url_of
from tests.pipeline.diagnosis import broken_runs as broken
from tests.pipeline.diagnosis.broken_runs import (
    FEED,
    SITE,
    a_summary,
    capture,
    diagnose_pages,
    diagnose_summary,
    judge,
    left_alone,
    names,
    open_newsroom,
    rebuilt,
    story,
)

PAGES = Path(__file__).parents[2] / "pages"


@pytest.fixture(scope="module")
def work(seaweed: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """For tests that only add a run of their own and publish nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**seaweed.environment(), "MUNIMENT_HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        work = open_newsroom(Settings(bucket=f"broken-{secrets.token_hex(6)}"))
    yield work
    with suppress(MunimentError):
        for entry in work.archive.store.list(""):
            work.archive.store.delete(entry.key)


def assert_told(found: Diagnosis, cause: Cause, *, likely: float = 0.8) -> None:
    assert (found.cause, found.likelihood >= likely) == (cause, True), found
    assert found.sentence
    assert len(found.examples) == 3
    assert len({example.url for example in found.examples}) == 3
    assert any("`muniment " in step for step in found.steps)
    lines = list(tell(found))
    assert lines[0] == f"diagnosis: {found.sentence}"
    assert sum(line.startswith("example: ") for line in lines) == 3


# --- what the pages are ----------------------------------------------------------------------------------


def test_a_redesign_that_lost_the_date_is_told_with_the_place_that_the_text_moved_to(work: Workplace) -> None:
    found = diagnose_pages(work, {name: rebuilt(int(name[6:])) for name in names(16)})
    assert_told(found, "redesign", likely=0.85)
    moved = next(change for change in found.changes if change.change == "moved")
    assert (moved.place, moved.moved_to) == (
        "main.page > article.story > div.story-body",
        "div.gfx-stage > section.gfx-copy",
    )
    assert {change.place for change in found.changes if change.change == "gone"} >= {"main.page", "header.masthead"}
    assert {change.place for change in found.changes if change.change == "came"} >= {"div.gfx-stage", "div.gfx-end"}
    assert "section.gfx-copy" in found.sentence
    assert re.search(r"0% have a date \(it was 100%\)", found.sentence)
    assert found.compared == (broken.a_run(24), broken.a_run(0))
    assert re.search(r"`muniment reextract 2026\d{4}T\d{6}Z-[0-9a-f]{8}`", " ".join(found.steps))
    assert re.search(r'`muniment release 2026\d{4}T\d{6}Z-[0-9a-f]{8} --reason "…"`', " ".join(found.steps))
    told = found.model_dump_json()
    assert not any(sentence in told for n in range(16, 21) for sentence in broken.sentences(n))


def test_a_body_in_another_container_is_a_redesign_though_all_else_stayed(work: Workplace) -> None:
    found = diagnose_pages(work, {name: story(int(name[6:]), body="longread") for name in names(16)})
    assert_told(found, "redesign", likely=0.5)
    assert found.changes[0].place == "main.page > article.story > div.story-body"
    assert found.changes[0].moved_to == "main.page > article.story > div.longread"


def test_dates_in_a_form_that_is_not_read_are_told_with_what_stands_there_now(work: Workplace) -> None:
    date = '<p class="stamp">{}/11 of this year, 2026/11/47</p>'
    found = diagnose_pages(work, {name: story(int(name[6:]), date=date.format(name[6:])) for name in names(16)})
    assert_told(found, "dates", likely=0.6)
    assert "'N x YYYY'" in found.sentence


def test_a_consent_wall_is_named(work: Workplace) -> None:
    found = diagnose_pages(work, dict.fromkeys(names(16), (PAGES / "consent.html").read_bytes()))
    assert_told(found, "consent wall")
    assert all(example.what == "consent page" for example in found.examples)
    assert all(example.evidence is not None for example in found.examples)


def test_a_firewall_that_answers_200_is_named(work: Workplace) -> None:
    assert_told(diagnose_pages(work, dict.fromkeys(names(16), (PAGES / "firewall.html").read_bytes())), "firewall")


def test_one_text_on_all_pages_is_named(work: Workplace) -> None:
    found = diagnose_pages(work, dict.fromkeys(names(16), story(99)))
    assert_told(found, "one text")
    assert "5 of 5 articles have one and the same text" in found.sentence


def test_pages_in_another_language_are_named(work: Workplace) -> None:
    found = diagnose_pages(work, {name: story(int(name[6:]), german=True) for name in names(16)})
    assert_told(found, "language")
    assert "'de'" in found.sentence


def test_texts_that_stood_under_other_addresses_are_named(work: Workplace) -> None:
    assert_told(diagnose_pages(work, {name: story(int(name[6:]) - 16) for name in names(16)}), "old text")


_UNREACHABLE = "excluded: robots.txt unreachable (https://news.example"


# --- what the network and the sources are -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        (f"{_UNREACHABLE} answered nothing: name not resolved)", "site down", "does not resolve"),
        (f"{_UNREACHABLE} answered nothing: certificate not verified)", "site down", "certificate is not good"),
        ("failed: time-out", "site down", "does not answer"),
        ("HTTP status 503", "site down", "does not answer"),
        (f"{_UNREACHABLE} answered 503)", "site down", "does not answer"),
        (f"{_UNREACHABLE} answered 429)", "throttled", "slower"),
        ("HTTP status 429", "throttled", "slower"),
        ("HTTP status 403", "firewall", "refuses us"),
    ],
)
def test_sources_that_fail_are_told_by_what_they_answer(work: Workplace, error: str, cause: Cause, said: str) -> None:
    found = diagnose_summary(work, a_summary(sources=[SourceYield(url=FEED, type="feed", status=None, error=error)]))
    assert_told(found, cause)
    assert said in found.sentence
    assert "news.example" in found.sentence
    assert found.examples[0].url == FEED
    assert found.examples[1].earlier is not None


def test_a_host_that_asked_us_to_wait_is_throttling(work: Workplace) -> None:
    why = "the host asked us to wait (it answered 429 with Retry-After until 2026-11-24 12:00Z)"
    summary = a_summary(
        discovered=6,
        outcomes={"deferred": 5, "failed": 1},
        reasons={"deferred: the host asked us to wait": 5, "failed: HTTP 429": 1},
        examples={"deferred: the host asked us to wait": [url_of(name) for name in names(30)]},
        robots=left_alone("news.example", why),
        sources=[SourceYield(url=FEED, type="feed", status=200, items=9, named=9, articles=9)],
    )
    found = diagnose_summary(work, summary)
    assert_told(found, "throttled")
    assert "Retry-After until 2026-11-24" in found.sentence


def test_an_empty_feed_is_named_with_the_pages_that_it_used_to_name(work: Workplace) -> None:
    found = diagnose_summary(work, a_summary())
    assert_told(found, "empty source")
    assert found.examples[0].url == FEED
    assert f"`muniment sites check --live {SITE.id}`" in found.steps[0]


def test_links_of_which_none_fits_are_an_empty_source(work: Workplace) -> None:
    summary = a_summary(
        reasons={"off-pattern": 30},
        examples={"off-pattern": [f"{HOME}/stories/{n}" for n in range(5)]},
        sources=[SourceYield(url=FEED, type="feed", status=200, items=30, named=30, articles=0)],
    )
    found = diagnose_summary(work, summary)
    assert_told(found, "empty source")
    assert "none of the links" in found.sentence


# --- what cannot be read --------------------------------------------------------------------------------


def test_the_first_run_of_a_site_is_diagnosed_without_a_history(settings: Settings) -> None:
    work = open_newsroom(settings)
    for entry in list(work.archive.store.list("runs/")):
        work.archive.store.delete(entry.key)
    found = diagnose_pages(work, dict.fromkeys(names(16), (PAGES / "consent.html").read_bytes()))
    assert found.cause == "consent wall"
    assert found.compared == ()
    assert "No earlier run" in found.sentence


def test_captures_that_have_expired_are_told_and_the_findings_still_speak(settings: Settings) -> None:
    work = open_newsroom(settings)
    for hours in (0, 24):
        work.archive.store.delete(segment_key(SITE.id, broken.a_run(hours), 0))
    found = diagnose_pages(work, {name: story(int(name[6:]), german=True) for name in names(16)})
    assert found.cause == "language"
    assert found.changes == ()
    assert "have expired" in found.sentence


def test_captures_that_were_taken_down_are_passed_over(settings: Settings) -> None:
    work = open_newsroom(settings)
    key = segment_key(SITE.id, broken.a_run(24), 0)
    body = work.archive.store.get(key).body
    pages = [place for place in read_places(io.BytesIO(body)) if place.kind == "response"]
    for place in pages:
        blank = blank_member(place, body[place.offset : place.offset + place.length])
        body = body[: place.offset] + blank + body[place.offset + place.length :]
    work.archive.store.delete(key)
    work.archive.store.create(key, body, content_type="application/gzip")
    work.archive.store.delete(segment_key(SITE.id, broken.a_run(0), 0))
    found = diagnose_pages(work, {name: rebuilt(int(name[6:])) for name in names(16)})
    assert "No earlier page could be looked at" in found.sentence
    assert found.changes == ()


def test_hostile_pages_cost_themselves_only(work: Workplace) -> None:
    pages: dict[str, bytes | int] = {name: rebuilt(int(name[6:])) for name in names(16)}
    pages["huge"] = b"<html><body><div class='x'>" + b"<p>word" * 60_000
    pages["deep"] = b"<html><body>" + b"<div class='layer'>" * 20_000 + b"deep"
    pages["bare"] = b"<html><body></body></html>"
    pages["binary"] = b"\x00\x01\x02" * 5000
    found = diagnose_pages(work, pages)
    assert found.cause == "redesign"
    assert len(found.examples) == 3


# --- in the run -------------------------------------------------------------------------------------------


def test_check_tells_the_diagnosis_and_its_message_begins_with_it(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    work = open_newsroom(settings)
    run = capture(work, dict.fromkeys(names(16), (PAGES / "consent.html").read_bytes()))
    with caplog.at_level(logging.INFO, logger="muniment"), pytest.raises(RunRejected) as refused:
        check(work, SITE.id, run)
    report = work.archive.read_report(SITE.id, run)
    assert report is not None
    assert report.diagnosis is not None
    assert report.diagnosis.cause == "consent wall"
    assert report.message.startswith(report.diagnosis.sentence)
    assert refused.value.message.startswith(report.diagnosis.sentence)
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in tell(report.diagnosis) if line not in lines and not line.startswith("do ")] == []
    assert all(step in refused.value.next_step for step in report.diagnosis.steps)  # the end of the log, said once


def test_a_run_that_is_accepted_has_no_diagnosis_and_costs_no_request(work: Workplace) -> None:
    summary = work.archive.read_summary(SITE.id, capture(work, {name: story(int(name[6:])) for name in names(16, 2)}))
    assert summary is not None
    report = judge(work, summary).model_copy(update={"verdict": "accept"})
    nowhere = dataclasses.replace(work, archive=None)  # type: ignore[arg-type]
    assert diagnose_run(nowhere.archive, SITE, summary, report) is None


def test_a_warning_is_explained_only_where_its_cause_is_clear(work: Workplace) -> None:
    summary = work.archive.read_summary(SITE.id, capture(work, {name: story(int(name[6:])) for name in names(16, 2)}))
    assert summary is not None
    report = judge(work, summary).model_copy(update={"verdict": "warn"})
    assert diagnose_run(work.archive, SITE, summary, report) is None


def test_what_goes_wrong_is_told_and_the_verdict_stands(
    work: Workplace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    summary = work.archive.read_summary(SITE.id, capture(work, {name: story(int(name[6:])) for name in names(16, 2)}))
    assert summary is not None

    def break_down(*_: object, **__: object) -> Iterator[object]:
        raise RuntimeError("no such thing")

    report = judge(work, summary)
    monkeypatch.setattr(module, "look_at", break_down)
    found = diagnose_run(work.archive, SITE, summary, report)
    assert found is not None
    assert (found.cause, found.likelihood) == ("unknown", 0.0)
    assert "RuntimeError" in found.sentence
    assert found.steps
    assert diagnose_run(work.archive, SITE, summary, report.model_copy(update={"verdict": "warn"})) is None
