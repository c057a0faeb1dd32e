"""The nouns of the archive: stable digests, ids that sort, documents that survive the way through JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.model import (
    RUN_ID,
    SITE_ID,
    Change,
    Check,
    Evidence,
    Marker,
    Moment,
    Report,
    State,
    Version,
    article_id,
    content_digest,
    run_id,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=NOON.replace(year=1990, tzinfo=None),
    max_value=NOON.replace(year=2099, tzinfo=None),
    timezones=st.just(UTC),
)


def _version() -> Version:
    evidence = Evidence(
        warc="warc/a/2026/11/22/20261122T120000Z-00000000-00000.warc.gz",
        offset=512,
        length=2048,
        record_id="<urn:uuid:00000000-0000-4000-8000-000000000000>",
        payload_digest="sha256:aa",
        status=200,
        captured_at=NOON,
    )
    return Version(
        site="a",
        article=article_id("https://a.example/1"),
        n=1,
        state=State.LIVE,
        change=Change.NEW,
        url="https://a.example/1",
        final_url="https://a.example/1",
        requested_url="https://a.example/1",
        title="Council sets budget",
        text="One paragraph — with a dash.\nAnother.",
        published=Moment(value=NOON, original="22 November 2026", source="time", precision="day"),
        words=7,
        digest=content_digest("Council sets budget", "…"),
        publisher="A",
        run=run_id(NOON, "x"),
        captured_at=NOON,
        evidence=evidence,
        extractor="trafilatura 2.3.1",
        code="muniment 0.1.0",
    )


# --- what makes a new version --------------------------------------------------------------------------


@given(st.lists(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1), min_size=1))
def test_white_space_makes_no_new_version(words: list[str]) -> None:
    assert content_digest("t", " ".join(words)) == content_digest("t", "\n\u00a0\t" + " \n ".join(words) + "  ")


def test_typographic_quotes_and_dashes_make_no_new_version() -> None:
    assert content_digest("‘Yes’ – “no”…", "") == content_digest("'Yes' - \"no\"...", "")


@pytest.mark.parametrize(("title", "text"), [("a", "b c"), ("a b", "d"), ("A", "b")])
def test_another_word_or_letter_makes_a_new_version(title: str, text: str) -> None:
    assert content_digest(title, text) != content_digest("a", "b")


@given(st.text(), st.text())
def test_any_text_has_a_digest(title: str, text: str) -> None:
    assert content_digest(title, text).removeprefix("sha256:").isalnum()


# --- ids -----------------------------------------------------------------------------------------------


@given(MOMENTS, MOMENTS, st.text(), st.text())
def test_run_ids_sort_by_their_start(one: datetime, other: datetime, token: str, other_token: str) -> None:
    if one.replace(microsecond=0) < other.replace(microsecond=0):
        assert run_id(one, token) < run_id(other, other_token)
    assert RUN_ID.match(run_id(one, token))


def test_the_same_start_in_another_zone_is_the_same_run() -> None:
    assert run_id(NOON.astimezone(timezone(timedelta(hours=9))), "t") == run_id(NOON, "t")


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        run_id(NOON.replace(tzinfo=None), "t")


def test_two_tokens_of_one_second_are_two_runs() -> None:
    assert run_id(NOON, "a") != run_id(NOON, "b")


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "..", "a" * 64])
def test_what_could_not_be_a_key_or_a_dag_is_no_site_id(name: str) -> None:
    assert not SITE_ID.fullmatch(name)


def test_an_article_keeps_its_id() -> None:
    # Keys in archives that exist depend on this value.
    assert article_id("https://example.org/news/1") == "809e5c5700222b3a96d6"


# --- documents -----------------------------------------------------------------------------------------


def test_a_version_comes_back_whole_from_json() -> None:
    version = _version()
    assert Version.model_validate_json(version.to_json()) == version
    assert version.to_json() == Version.model_validate_json(version.to_json()).to_json()


def test_times_are_written_in_utc() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert b'"value":"2026-11-22T12:00:00Z"' in Moment(value=tokyo, original="x", source="meta").to_json()


def test_a_reader_ignores_fields_that_came_later() -> None:
    assert (
        Marker.model_validate_json(b'{"contract":1,"written_by":"muniment 9","colour":"red"}').written_by
        == "muniment 9"
    )


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        _version().title = "x"  # type: ignore[misc]


def test_there_is_no_version_zero() -> None:
    with pytest.raises(ValidationError):
        Version.model_validate(_version().model_dump() | {"n": 0})


def test_a_report_keeps_checks_without_a_figure() -> None:
    check = Check(name="captures", verdict="reject", figure=None, limit=1.0, message="Nothing was captured.")
    report = Report(site="a", run=run_id(NOON, "x"), verdict="reject", checks=(check,), counts={}, message="No.")
    assert Report.model_validate_json(report.to_json()) == report
