"""A few pages now, a few pages then: runs of too few pages to be judged alone, held together.

A site that is looked at every hour has runs of two pages. If both are a login wall, the run warns and is published, as
one broken page on a quiet day must not stop a site. If the runs right before it were as bad, they are evidence
together: once they have ``FEW`` pages, and chance does not explain them, the check rejects.

A streak is made of runs in which the same check was beyond its limit with at least ``LEAST_BAD`` pages; a run without
pages, or with one bad page alone (perhaps the same page, asked again and again), neither adds to it nor ends it. A run
that was well ends it, and so does a release: what was released is what is normal now. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from pipeline.check.verdicts import FEW, find_share, is_beyond
from pipeline.model import Check, Report
from pipeline.normal import Normal, find_start

LEAST_BAD: Final = 2
"""One bad page of a run says nothing of the site."""
LONGEST: Final = timedelta(days=14)
"""What is older does not count together with today's."""

_ABOVE: Final = {
    "errors": ("asked",),
    "blocked": ("asked",),
    "dates": ("dated",),
    "language": ("articles",),
    "phrases": ("articles",),
    "same-body": ("articles",),
    "canonical": ("articles",),
}  # check -> counts that its share is of; bad is what lies above the limit
_BELOW: Final = {"article-yield": ("articles", "not-an-article"), "title": ("articles",)}
_MIDDLE: Final = {"short-bodies": ("articles",), "length": ("articles",)}  # words of the middle article


def join_streaks(
    checks: Iterable[Check], counts: Mapping[str, int], history: Sequence[Report], normal: Normal | None, now: datetime
) -> Iterator[Check]:
    """The checks of a run; those that warn of a few pages reject where the runs right before it were as bad.

    Args:
        checks: of the run.
        counts: of the run.
        history: reports of accepted earlier runs, newest first.
        normal: when something was released; None: never.
        now: when the run began.
    """
    since = {} if normal is None else normal.since
    for check in checks:
        if check.verdict != "warn" or not _is_bad(check, counts):
            yield check
            continue
        bad, whole = _count_bad(check, counts)
        limit, runs = check.limit or 0.0, 1
        for report in _recent(history, now, since.get(check.name)):
            before = next((each for each in report.checks if each.name == check.name), None)
            _, pages = (0.0, 0) if before is None else _count_bad(before, report.counts)
            if before is None or not pages:
                continue
            if not _is_bad(before, report.counts):
                if _is_beyond_limit(before):
                    continue  # one bad page
                break
            more, pages = _count_bad(before, report.counts)
            bad, whole, runs = bad + more, whole + pages, runs + 1
            if whole >= FEW:
                break
        most = limit if _is_above(check) else 1 - limit
        beyond = check.name in _MIDDLE or is_beyond(round(bad), whole, most) == "reject"
        if runs > 1 and whole >= FEW and beyond:
            said = f"{check.message} So it was in the runs before: {round(bad)} of {whole} pages of {runs} runs."
            yield check.model_copy(update={"verdict": "reject", "message": said})
        else:
            yield check


def join_few(
    history: Sequence[Report], now: datetime, *, name: str, has: int, articles: int, least: float, since: date | None
) -> tuple[int, int, int]:
    """How many articles have a field, in a run of a few and in those right before it that lacked it as well.

    Args:
        history: reports of accepted earlier runs, newest first.
        now: when the run began.
        name: of the field.
        has: how many articles of the run have it.
        articles: of how many.
        least: with a larger share, a run is well.
        since: when a run was released that lacked it.

    Returns:
        How many have it, of how many, in how many runs.
    """
    runs = 1
    if articles and find_share(has, articles) <= least:
        for report in _recent(history, now, since):
            if articles >= FEW:
                break
            number = report.counts.get("articles", 0)
            if not number:
                continue
            if find_share(report.fill.get(name, 0), number) > least:
                break
            has, articles, runs = has + report.fill.get(name, 0), articles + number, runs + 1
    return has, articles, runs


def _recent(history: Sequence[Report], now: datetime, since: date | None) -> Iterator[Report]:
    for report in history:
        begun = find_start(report.run)
        if now - begun > LONGEST or (since is not None and begun.date() <= since):
            return
        yield report


def _is_beyond_limit(check: Check) -> bool:
    if check.figure is None or check.limit is None:
        return False
    if check.name in _ABOVE:
        return check.figure > check.limit
    if check.name == "title" and check.figure > check.limit:  # one headline on all of them
        return check.verdict != "accept"
    return check.name in _BELOW | _MIDDLE and check.figure < check.limit


def _is_bad(check: Check, counts: Mapping[str, int]) -> bool:
    return _is_beyond_limit(check) and _count_bad(check, counts)[0] > LEAST_BAD - 0.5


def _count_bad(check: Check, counts: Mapping[str, int]) -> tuple[float, int]:
    """Bad pages, of how many."""
    whole = sum(counts.get(name, 0) for name in {**_ABOVE, **_BELOW, **_MIDDLE}.get(check.name, ()))
    if check.figure is None:
        return 0.0, whole
    if check.name in _MIDDLE:
        return (float(whole) if _is_beyond_limit(check) else 0.0), whole
    return (check.figure if _is_above(check) else 1 - check.figure) * whole, whole


def _is_above(check: Check) -> bool:
    """Whether what lies above its limit is bad."""
    return check.name in _ABOVE or (check.figure or 0.0) > (check.limit or 0.0)
