"""What is to be expected of a count, a share, a middle value, from what there was: a range, and how odd a figure is.

The counts of newsrooms are not Poisson's and their shares not binomial: a busy day is busy in all its hours, and a desk
that leaves out authors leaves them out all morning. So counts are held against a negative binomial and shares against
a beta-binomial distribution, whose spread over that of chance is measured in the history and never taken for less than
a floor. (Robust: a tenth of the history, at either end, may be anything.) Pure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LEAST_SPREAD = 1.5
"""Variance of a count over its mean, at least."""
LEAST_CLUSTER = 0.03
"""Correlation within a run, at least: of 30 pages, so many count as 16."""
LIKELY = 0.99
"""What is told as normal takes in so much of what is to be expected."""
STEPS = 4
"""Classes of lengths within a factor of two."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is normal for a figure at this moment."""

    low: float
    high: float
    middle: float
    below: float  # how often a figure as low as this run's, or lower, is to be expected
    above: float  # … as high, or higher


def expect_count(history: Sequence[float], found: int) -> Expected:
    """What a count should be, by such counts of earlier times.

    Args:
        history: counts of comparable spans of time, at least three.
        found: this run's.
    """
    kept = _trim(history)
    mean = max(statistics.fmean(kept), 0.1)
    # What was trimmed away takes about a third of the spread of regular data with it.
    spread = statistics.variance(kept) * 1.6 / mean if len(kept) > 1 else 0.0
    spread = max(LEAST_SPREAD, spread)
    odds = list(_negative_binomial(mean, spread, max(found, math.ceil(mean + 12 * math.sqrt(mean * spread))) + 1))
    return _sum_up(odds, found, mean)


def expect_share(history: Sequence[tuple[int, int]], found: int, whole: int) -> Expected:
    """How many of so many should have a trait, by earlier days.

    Args:
        history: of each day how many had it, of how many.
        found: how many have it now.
        whole: of how many.
    """
    parts, wholes = sum(part for part, _ in history), sum(number for _, number in history)
    share = (parts + 0.5) / (wholes + 1)
    cluster = max(LEAST_CLUSTER, _find_cluster(history, share))
    size = (1 - cluster) / cluster
    odds = list(_beta_binomial(whole, share * size, (1 - share) * size))
    return _sum_up(odds, found, share * whole)


def expect_middle(history: Mapping[int, int], found: float, number: int) -> Expected:
    """What the middle of so many values should be, by the classes of earlier ones (``find_class``).

    The middle of n values lies, with a given certainty, between two quantiles of what they are drawn from. Values of
    one run are alike, so that n counts as fewer.

    Args:
        history: class -> how many values were in it.
        found: this run's middle value.
        number: of how many values.
    """
    alike = number / (1 + (number - 1) * 2 * LEAST_CLUSTER)
    step = 0.5 / math.sqrt(alike)
    place, total = _find_place(history, found), sum(history.values())
    return Expected(
        low=_find_quantile(history, 0.5 - 2.6 * step),
        high=_find_quantile(history, 0.5 + 2.6 * step),
        middle=_find_quantile(history, 0.5),
        below=_half_of(number, (place * total + 0.5) / (total + 1)),
        above=_half_of(number, ((1 - place) * total + 0.5) / (total + 1)),
    )


def _half_of(number: int, share: float) -> float:
    """How often half of so many have what this share has: the middle one lies there just then."""
    size = (1 - LEAST_CLUSTER) / LEAST_CLUSTER
    odds = list(_beta_binomial(number, share * size, (1 - share) * size))
    return min(1.0, sum(odds[(number + 1) // 2 :]))


def find_class(value: float) -> int:
    """The class of a length, in steps of a ``STEPS``-th of a doubling."""
    return round(STEPS * math.log2(max(1.0, value)))


def _trim(history: Sequence[float]) -> list[float]:
    ordered = sorted(history)
    cut = len(ordered) // 10
    return ordered[cut : len(ordered) - cut]


def _negative_binomial(mean: float, spread: float, most: int) -> Iterator[float]:
    """Probabilities of 0 to ``most``, of a variance that is ``spread`` times the mean."""
    share = 1 / spread
    size = mean * share / (1 - share)
    odds = size * math.log(share)
    for number in range(most + 1):
        yield math.exp(odds)
        odds += math.log((number + size) / (number + 1) * (1 - share))


def _beta_binomial(whole: int, a: float, b: float) -> Iterator[float]:
    """Probabilities of 0 to ``whole``."""
    odds = math.lgamma(whole + b) - math.lgamma(b) - math.lgamma(whole + a + b) + math.lgamma(a + b)
    for number in range(whole + 1):
        yield math.exp(odds)
        if number < whole:
            odds += math.log((whole - number) / (number + 1) * (number + a) / (whole - number - 1 + b))


def _find_cluster(history: Sequence[tuple[int, int]], share: float) -> float:
    """How alike those of a day are, from 0 to 1, by how far the days' shares lie apart (method of moments)."""
    days = [(part / whole, whole) for part, whole in history if whole > 1]
    chance = share * (1 - share)
    if len(days) < 5 or not chance:
        return 0.0
    gaps = _trim([(part - share) ** 2 for part, _ in days])
    expected = statistics.fmean(chance / whole for _, whole in days)
    return min(0.9, max(0.0, (statistics.fmean(gaps) * 1.3 - expected) / chance))


def _sum_up(odds: Sequence[float], found: int, middle: float) -> Expected:
    edge = (1 - LIKELY) / 2
    total = 0.0
    low: int | None = None
    high: int | None = None
    for number, chance in enumerate(odds):
        total += chance
        if low is None and total > edge:
            low = number
        if high is None and total >= 1 - edge:
            high = number
    return Expected(
        low=low or 0,
        high=len(odds) - 1 if high is None else high,
        middle=middle,
        below=min(1.0, sum(odds[: found + 1])),
        above=min(1.0, sum(odds[found:])),
    )


def _find_quantile(history: Mapping[int, int], share: float) -> float:
    total, wanted = 0, share * sum(history.values())
    for step in sorted(history):
        if total + history[step] > wanted:
            within = max(0.0, (wanted - total) / history[step]) - 0.5
            return float(2 ** ((step + within) / STEPS))
        total += history[step]
    return float(2 ** ((max(history, default=0) + 0.5) / STEPS))


def _find_place(history: Mapping[int, int], value: float) -> float:
    """Which share of the values is smaller."""
    exact = STEPS * math.log2(max(1.0, value))
    below = sum(number * min(1.0, max(0.0, exact - step + 0.5)) for step, number in history.items())
    return below / max(1, sum(history.values()))
