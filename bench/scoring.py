"""How well extracted text agrees with labelled text, by the measure of the article-extraction benchmarks.

Body: both texts become bags of runs of four words; a page's precision is the share of the predicted runs that
are true, its recall the share of the true runs that were found. Precision and recall are averaged over pages and
F1 is the harmonic mean of the two averages (so it is not the mean of the pages' F1, which is given beside it).
Headline and authors are compared as words without case and punctuation, dates by their day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from statistics import fmean
from typing import Any

RUN = 4
"""Words in a run."""

_WORD = re.compile(r"\w+")
_BETWEEN_NAMES = re.compile(r"\s*(?:;|,|\band\b|\bund\b|&|\|)\s*")
_BEFORE_NAMES = re.compile(r"^(by|von|par|por|di|de|text|words|written by|author)\b[:\s]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class PageScore:
    """One page's body: shares of 0 to 1. ``claimed``: something was predicted; ``expected``: something is true."""

    precision: float
    recall: float
    claimed: bool
    expected: bool
    exact: bool  # the same words in the same order

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _harmonic(self.precision, self.recall)


@dataclass(frozen=True, kw_only=True)
class Score:
    """Scores over pages; None where no page is labelled."""

    pages: int
    f1: float
    precision: float
    recall: float
    exact: float
    page_f1: float
    title: float | None = None
    date: float | None = None
    authors: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[i : i + RUN]) for i in range(max(1, len(words) - RUN + 1)))


def score_page(true: str, predicted: str) -> PageScore:
    """Compare one text with the true one."""
    expected, claimed = _runs(true), _runs(predicted)
    shared = (expected & claimed).total()
    if expected == claimed:
        precision = recall = 1.0
    else:
        precision = shared / claimed.total() if claimed else 0.0
        recall = shared / expected.total() if expected else 0.0
    return PageScore(
        precision=precision,
        recall=recall,
        claimed=bool(claimed),
        expected=bool(expected),
        exact=_WORD.findall(true) == _WORD.findall(predicted),
    )


def fold(text: str) -> str:
    """A headline or name without case and punctuation."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def names(value: str | Iterable[str] | None) -> frozenset[str]:
    """The single names in a byline or a list of bylines, folded."""
    lines = [value] if isinstance(value, str) else list(value or ())
    parts = (part for line in lines for part in _BETWEEN_NAMES.split(line))
    return frozenset(filter(None, (fold(_BEFORE_NAMES.sub("", part.strip())) for part in parts)))


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def score(labels: Sequence[Mapping[str, Any]], predictions: Mapping[str, Mapping[str, Any]]) -> Score:
    """Score predictions against labels.

    Args:
        labels: ``id`` and ``body``, ``title``, ``date``, ``authors``; what is null is not labelled.
        predictions: the same fields by id; a page without one counts as empty.

    Returns:
        The scores over all labelled pages.
    """
    bodies: list[PageScore] = []
    titles, dates, authors = list[bool](), list[bool](), list[bool]()
    for label in labels:
        guess = predictions.get(label["id"], {})
        if label.get("body"):
            bodies.append(score_page(label["body"], guess.get("body") or ""))
        if label.get("title"):
            titles.append(fold(guess.get("title") or "") == fold(label["title"]))
        if (day := _day(label.get("date"))) is not None:
            dates.append(_day(guess.get("date")) == day)
        if label.get("authors"):
            authors.append(names(guess.get("authors")) == names(label["authors"]))
    precision = _mean([page.precision for page in bodies if page.claimed])
    recall = _mean([page.recall for page in bodies if page.expected])
    return Score(
        pages=len(labels),
        f1=_harmonic(precision, recall),
        precision=precision,
        recall=recall,
        exact=_mean([page.exact for page in bodies]),
        page_f1=_mean([page.f1 for page in bodies]),
        title=_mean(titles) if titles else None,
        date=_mean(dates) if dates else None,
        authors=_mean(authors) if authors else None,
    )


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0
