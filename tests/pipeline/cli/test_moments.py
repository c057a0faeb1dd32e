from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.moments import read_moment

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T09:30:00Z", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("2026-11-22 09:30+01:00", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
        ("2026-07-01 09:30 Europe/London", datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        ("2026-11-22T09:30", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 09:30:00 GMT", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("20261122093000", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("36h", NOW - timedelta(hours=36)),
        ("2 weeks ago", NOW - timedelta(weeks=2)),
        ("90min", NOW - timedelta(minutes=90)),
        ("now", NOW),
    ],
)
def test_a_moment_is_read_as_it_is_meant(text: str, at: datetime) -> None:
    assert read_moment(text, now=NOW, day="ends").at == at


def test_a_day_begins_or_ends_as_the_question_wants_it() -> None:
    assert read_moment("2026-11-22", now=NOW, day="begins").at == datetime(2026, 11, 22, tzinfo=UTC)
    end = read_moment("2026-11-22", now=NOW, day="ends")
    assert end.at == datetime(2026, 11, 23, tzinfo=UTC) - timedelta(microseconds=1)
    assert end.assumed == "a day without a time is read as its end, UTC"
    summer = read_moment("2026-07-01 Europe/London", now=NOW, day="begins")
    assert summer.at == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert summer.assumed.endswith("Europe/London")


def test_a_zone_that_is_taken_for_granted_is_said() -> None:
    assert "UTC" in read_moment("2026-11-22 09:30", now=NOW, day="ends").assumed
    assert read_moment("2026-11-22 09:30Z", now=NOW, day="ends").assumed == ""
    assert read_moment("7d", now=NOW, day="ends").assumed == ""


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "yesterday-ish", "2026-13-01", "2026-11-22T25:00", "09:30 Nowhere/Town", "2026-11-22 Europe"),
        *("2026-11-22 ../../etc/passwd", "999999w", "-7d", "2026-11-22T09:30Z Europe/London", ",", "7 "),
        "0001-01-01T00:00+14:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no moment; write 2026-11-22"):
        read_moment(text, now=NOW, day="begins")


@given(st.text(max_size=30))
def test_any_words_are_a_moment_or_refused(text: str) -> None:
    with suppress(typer.BadParameter):
        assert read_moment(text, now=NOW, day="ends").at.utcoffset() == timedelta(0)


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - zone is drawn below
    st.integers(-12, 14),
)
def test_every_time_with_an_offset_is_itself(moment: datetime, hours: int) -> None:
    told = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert read_moment(told.isoformat(), now=NOW, day="ends").at == told
