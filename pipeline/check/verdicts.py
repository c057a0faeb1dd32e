"""What a check is made of: a verdict, a figure beside its limit, and when a share is beyond its limit by more than
chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from pipeline.model import Check
from pipeline.normal import Usual

Verdict = Literal["accept", "warn", "reject"]

FEW = 5
"""With fewer pages than this a share only warns."""

ORDER: tuple[Verdict, ...] = ("accept", "warn", "reject")
_Z = 1.28  # normal quantile of an 80 % interval


def make_check(
    name: str,
    verdict: Verdict,
    message: str,
    *,
    figure: float | None = None,
    limit: float | None = None,
    usual: Usual | None = None,
    per: float = 1.0,
) -> Check:
    """A check.

    Args:
        name: what it is called in the site's file and in the documents.
        verdict: what it says.
        message: one sentence for the operator.
        figure: what was found.
        limit: what it was held against.
        usual: what is normal.
        per: what the figures of ``usual`` are to be divided by to be in the figure's unit.
    """
    normal = basis = None
    if usual is not None:
        low, high = sorted((usual.expected.low / per, usual.expected.high / per))
        normal, basis = (round(low, 4), round(high, 4)), usual.basis
    rounded = None if figure is None else round(figure, 4)
    return Check(name=name, verdict=verdict, figure=rounded, limit=limit, message=message, normal=normal, basis=basis)


def find_worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts."""
    return max(verdicts, key=ORDER.index, default="accept")


def is_beyond(part: int, whole: int, limit: float) -> Verdict:
    """The verdict on a share that is beyond its limit, above or below: is it more than chance?"""
    low, high = share_interval(part, whole)
    return "reject" if whole >= FEW and not low <= limit <= high else "warn"


def share_interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's score interval (80 %) of the share that ``part`` of ``whole`` was drawn from."""
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, _Z * _Z
    centre = share + square / (2 * whole)
    spread = _Z * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return (centre - spread) / scale, (centre + spread) / scale


def find_share(part: int, whole: int) -> float:
    """Part of a whole, 0 of nothing."""
    return part / whole if whole else 0.0
