"""Charts as numbers: where lines and bars lie. The templates draw them as SVG, with words for who cannot see them.

No colour and no style here, because the pages' policy allows none in a line: each shape has a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28
_WIDTH: Final = 720
_HEIGHT: Final = 160
_GAP: Final = 0.18  # of a bar's place


@dataclass(frozen=True, kw_only=True, slots=True)
class Spark:
    """A few lines in a small frame, with one scale."""

    lines: tuple[tuple[str, str], ...]  # class of the line, and its path
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A piece of a column."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Columns of pieces that stand on each other."""

    bars: tuple[Bar, ...]
    kinds: tuple[str, ...]
    top: int  # what the full height stands for
    width: int = _WIDTH
    height: int = _HEIGHT
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """Lines between 0 and 1."""

    lines: tuple[tuple[str, str], ...]  # name and path
    width: int = _WIDTH
    height: int = _HEIGHT
    words: str = ""


def draw_spark(series: Mapping[str, Sequence[int]]) -> Spark:
    """New, changed and failed of a site's latest runs; the words say what a reader would see."""
    top = max((value for values in series.values() for value in values), default=0)
    lines = tuple(
        (kind, _path(values, top, SPARK_WIDTH, SPARK_HEIGHT)) for kind, values in series.items() if any(values)
    )
    runs = max((len(values) for values in series.values()), default=0)
    told = ", ".join(f"{sum(values):,} {kind} (latest run {values[-1]:,})" for kind, values in series.items() if values)
    return Spark(lines=lines, words=f"Latest {runs} runs: {told}." if runs else "No runs yet.")


def draw_bars(columns: Sequence[Mapping[str, int]], kinds: Sequence[str]) -> Bars:
    """A column for each run, a piece for each kind, in their order from the bottom."""
    top = max((sum(column.get(kind, 0) for kind in kinds) for column in columns), default=0)
    place = _WIDTH / max(len(columns), 1)
    bars = []
    for number, column in enumerate(columns):
        foot = float(_HEIGHT)
        for kind in kinds:
            height = column.get(kind, 0) / top * _HEIGHT if top else 0.0
            if height:
                foot -= height
                bars.append(
                    Bar(
                        kind=kind,
                        x=round(number * place + place * _GAP / 2, 2),
                        y=round(foot, 2),
                        width=round(place * (1 - _GAP), 2),
                        height=round(height, 2),
                    )
                )
    sums = {kind: sum(column.get(kind, 0) for column in columns) for kind in kinds}
    told = ", ".join(f"{kind} {count:,}" for kind, count in sums.items() if count)
    return Bars(
        bars=tuple(bars),
        kinds=tuple(kind for kind in kinds if sums[kind]),
        top=top,
        words=f"{len(columns)} runs, oldest first; in all: {told or 'nothing'}. At most {top:,} in one run.",
    )


def draw_shares(series: Mapping[str, Sequence[float | None]]) -> Lines:
    """Shares over runs, oldest first; None is a gap."""
    latest = {
        name: next((value for value in reversed(values) if value is not None), None) for name, values in series.items()
    }
    told = ", ".join(f"{name} {value:.0%}" for name, value in latest.items() if value is not None)
    return Lines(
        lines=tuple((name, _broken_path(values)) for name, values in series.items()),
        words=f"Share of articles that have each field, by run; in the latest: {told or 'not known'}.",
    )


def _path(values: Sequence[int], top: int, width: int, height: int) -> str:
    if not values or not top:
        return ""
    step = width / max(len(values) - 1, 1)
    room = height - 4
    points = [f"{round(at * step, 1):g} {round(2 + room - value / top * room, 1):g}" for at, value in enumerate(values)]
    if len(points) == 1:
        points.append(f"{width} {points[0].split()[1]}")
    return "M" + "L".join(points)


def _broken_path(values: Sequence[float | None]) -> str:
    step = _WIDTH / max(len(values) - 1, 1)
    told, pen_up = [], True
    for at, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        point = f"{round(at * step, 1):g} {round(4 + (1 - min(max(value, 0.0), 1.0)) * (_HEIGHT - 8), 1):g}"
        told.append(f"{'M' if pen_up else 'L'}{point}")
        if pen_up:
            told.append("h0.1")  # a single value is a dot
        pen_up = False
    return "".join(told)
