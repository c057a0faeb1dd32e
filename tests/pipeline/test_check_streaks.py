"""A few bad pages warn; a few in each of several runs in a row are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.check.streaks import LONGEST, join_few, join_streaks
from pipeline.model import Check, Report, run_id
from pipeline.normal import Normal

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


def a_check(bad: int, pages: int, *, name: str = "blocked", limit: float = 0.5) -> Check:
    figure = bad / pages if pages else 0.0
    return Check(name=name, verdict="warn" if figure > limit else "accept", figure=figure, limit=limit, message="So.")


def a_report(hours: float, bad: int, pages: int, *, name: str = "blocked", authors: int = 0) -> Report:
    return Report(
        site="ledger", run=run_id(NOW - timedelta(hours=hours), ""), verdict="warn", message="",
        checks=(a_check(bad, pages, name=name),), counts={"asked": pages, "articles": pages},
        fill={"authors": authors},
    )  # fmt: skip


def join(bad: int, pages: int, history: list[Report], *, normal: Normal | None = None) -> Check:
    return next(iter(join_streaks([a_check(bad, pages)], {"asked": pages, "articles": pages}, history, normal, NOW)))


def test_two_of_two_blocked_pages_warn_and_reject_when_the_runs_before_were_so_too() -> None:
    assert join(2, 2, []).verdict == "warn"
    assert join(2, 2, [a_report(1, 2, 2)]).verdict == "warn"
    check = join(2, 2, [a_report(1, 2, 2), a_report(2, 2, 2)])
    assert check.verdict == "reject"
    assert check.message == "So. So it was in the runs before: 6 of 6 pages of 3 runs."


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([a_report(1, 0, 3), a_report(2, 3, 3)], "a run that was well ends it"),
        ([a_report(1 + LONGEST / timedelta(hours=1), 3, 3)], "it was too long ago"),
        ([a_report(hours, 1, 1) for hours in range(1, 9)], "one page, asked again and again, is no site"),
        ([a_report(1, 2, 3, name="errors")], "another check's figures do not count"),
    ],
)
def test_other_runs_are_no_evidence(history: list[Report], why: str) -> None:
    assert join(2, 2, history).verdict == "warn", why


def test_runs_without_pages_neither_add_nor_end() -> None:
    assert join(2, 2, [a_report(1, 0, 0), a_report(2, 3, 3)]).verdict == "reject"


def test_chance_is_weighed_over_all_of_them() -> None:
    assert join(3, 4, [a_report(1, 2, 3)]).verdict == "warn"


def test_what_was_released_is_no_evidence_any_more() -> None:
    released = Normal(site="ledger", since={"blocked": NOW.date()})
    assert join(2, 2, [a_report(1, 3, 3)], normal=released).verdict == "warn"
    earlier = Normal(site="ledger", since={"blocked": date(2026, 5, 1)})
    assert join(2, 2, [a_report(1, 3, 3)], normal=earlier).verdict == "reject"


def test_articles_without_a_field_are_added_up_until_a_run_that_has_it() -> None:
    lost = [a_report(1, 0, 2), a_report(2, 0, 2), a_report(3, 0, 4)]

    def add(has: int, articles: int, history: list[Report], since: date | None = None) -> tuple[int, int, int]:
        return join_few(history, NOW, name="authors", has=has, articles=articles, least=0.2, since=since)

    assert add(0, 2, lost) == (0, 6, 3)
    assert add(0, 2, [lost[0], a_report(2, 0, 2, authors=2), lost[2]]) == (0, 4, 2)
    assert add(1, 2, lost) == (1, 2, 1)  # half of them have it
    assert add(0, 7, lost) == (0, 7, 1)
    assert add(0, 2, lost, NOW.date()) == (0, 2, 1)
