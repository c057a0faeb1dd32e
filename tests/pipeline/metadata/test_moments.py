"""Dates as pages write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import (
    Clock,
    parse_moment,
)
from tests.pipeline.metadata.some_metadata import CAPTURED, CLOCK


def moment(text: str, clock: Clock = CLOCK) -> tuple[str, str, bool] | None:
    found = parse_moment(text, "test", clock)
    return found and (found.model_dump(mode="json")["value"], found.precision, found.zone_assumed)


class TestDates:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-07-14T06:00:00+01:00", ("2026-07-14T05:00:00Z", "second", False)),
            ("2026-07-14T06:00:00", ("2026-07-14T05:00:00Z", "second", True)),  # British summer time is assumed
            ("2026-01-14 06:00", ("2026-01-14T06:00:00Z", "minute", True)),
            ("2026-01-14T06:00:00.123Z", ("2026-01-14T06:00:00.123000Z", "second", False)),
            ("2026-07-14", ("2026-07-14T00:00:00Z", "day", True)),
            ("2026-07", ("2026-07-01T00:00:00Z", "month", True)),
            ("20260714", ("2026-07-14T00:00:00Z", "day", True)),
            ("03/04/2026", ("2026-04-03T00:00:00Z", "day", True)),  # British: 3 April
            ("25.12.2025", ("2025-12-25T00:00:00Z", "day", True)),
            ("12/25/2025", ("2025-12-25T00:00:00Z", "day", True)),  # cannot be British
            ("03/12/2026", ("2026-03-12T00:00:00Z", "day", True)),  # 3 December is still to come
            ("3rd April 2026", ("2026-04-03T00:00:00Z", "day", True)),
            ("Published: Friday, 3 April 2026 at 4.30pm", ("2026-04-03T15:30:00Z", "minute", True)),
            ("Wed, 04 Mar 2026 09:15:00 GMT", ("2026-03-04T09:15:00Z", "second", False)),
            ("4 July 2026 10:00 BST", ("2026-07-04T09:00:00Z", "minute", False)),
            ("April 2026", ("2026-04-01T00:00:00Z", "month", True)),
            ("1767225600", ("2026-01-01T00:00:00Z", "second", False)),
            ("1767225600000", ("2026-01-01T00:00:00Z", "second", False)),
        ],
    )
    def test_a_date_is_read_as_it_is_meant(self, text: str, expected: tuple[str, str, bool]) -> None:
        assert moment(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "yesterday",
            "2027-01-01",
            "1970-01-01T00:00:00Z",
            "0001-01-01",
            "2026-13-45",
            "31/02/2026",
            "99999999999999",
        ],
    )
    def test_what_is_no_date_or_cannot_be_one_is_refused(self, text: str) -> None:
        assert moment(text) is None

    def test_the_site_decides_what_comes_first_and_in_which_zone(self) -> None:
        american = Clock(zone="America/New_York", month_first=True, latest=CAPTURED)
        assert moment("03/04/2026", american) == ("2026-03-04T05:00:00Z", "day", True)

    def test_a_date_keeps_the_text_that_was_read(self) -> None:
        found = parse_moment("3rd April 2026", "time", CLOCK)
        assert found is not None
        assert found.original == "3rd April 2026"

    @pytest.mark.parametrize(
        "shown",
        [
            "2026年3月12日",
            "更新日：2026年3月12日",
            "令和8年3月12日",
            "2026년 3월 12일",
            "12 مارس 2026",
            "12 марта 2026",
            "12 marca 2026",
            "12. März 2026",
            "Stand: 12. März 2026",
            "12 mars 2026",
            "12 de marzo de 2026",
            "12 de março de 2026",
            "12 marzo 2026",
            "12 maart 2026",
            "12. maaliskuuta 2026",
            "12. března 2026",
            "12 Μαρτίου 2026",
            "12 Mart 2026",
        ],
    )
    def test_dates_are_read_in_words_of_other_languages(self, shown: str) -> None:
        found = parse_moment(shown, "test", CLOCK)
        assert found is not None
        assert (found.value.date().isoformat(), found.precision) == ("2026-03-12", "day")

    def test_the_first_of_may_is_one_in_french(self) -> None:
        found = parse_moment("1er mai 2026 à 14h30", "test", CLOCK)
        assert found is not None
        assert (found.value.date().isoformat(), found.precision) == ("2026-05-01", "minute")

    @given(st.text(max_size=100))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        found = parse_moment(text, "test", CLOCK)
        assert found is None or found.value <= CAPTURED

    @given(
        st.datetimes(datetime(1991, 1, 1), datetime(2026, 11, 1)),  # noqa: DTZ001 - hypothesis wants them without
        st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y", "%d %B %Y", "%Y%m%d", "%a, %d %b %Y %H:%M:%S GMT"]),
    )
    def test_every_day_written_the_british_way_is_that_day(self, day: datetime, form: str) -> None:
        found = parse_moment(day.strftime(form), "test", CLOCK)
        assert found is not None
        assert found.value.date() == day.date()

    @given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999), st.sampled_from("/.- "))
    def test_no_figures_make_it_fail(self, first: int, second: int, year: int, between: str) -> None:
        parse_moment(f"{first}{between}{second}{between}{year} 99:99:99 +99:99", "test", CLOCK)
