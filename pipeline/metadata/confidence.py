"""How often a value from a place is right: measured on labelled pages, written down in docs/decisions.md.

A value that nothing was measured for (section, tags, picture) has the share of pages on which two places that declare
it agree; one that no other place checks has `UNCHECKED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from pipeline.model import Moment

UNCHECKED: Final = 0.8

# 724 pages of two sets, 2026-11: the share of pages on which the value was the labelled one, to the nearest .05
_PLACES: Final[dict[str, dict[str, float]]] = {
    "authors": {"json-ld": 0.95, "meta": 0.9, "microdata": 0.75, "byline": 0.75},
    "published": {
        "json-ld": 0.95,
        "opengraph": 0.95,
        "microdata": 0.95,
        "meta": 0.85,
        "time": 0.8,
        "visible": 0.85,
        "htmldate": 0.75,
    },
    "modified": {"json-ld": 0.9, "opengraph": 0.9, "microdata": 0.9, "meta": 0.8, "time": 0.8},
    "language": {"html": 0.95, "opengraph": 0.9, "meta": 0.9, "json-ld": 0.9},
    "canonical": {"canonical": 0.95},
    "description": {"opengraph": 0.95, "meta": 0.9, "json-ld": 0.9},
    "image": {"opengraph": 0.95, "json-ld": 0.9, "twitter": 0.9},
}
_AGREED: Final = ((0.8, 0.95), (0.6, 0.8), (0.0, 0.6))  # share of the votes from which on, how often right


def weigh_fields(
    origins: Mapping[str, str], *, agreed: float, published: Moment | None, modified: Moment | None
) -> dict[str, float]:
    """The confidence of every filled field, 0 to 1.

    Args:
        origins: field to the place where it was read.
        agreed: share of the votes that the headline got.
        published: with ``modified``: a page changed before it was published is wrong about one of the two.
    """
    sure = {name: _PLACES.get(name, {}).get(origin, UNCHECKED) for name, origin in origins.items()}
    if "title" in sure:
        sure["title"] = next(value for least, value in _AGREED if agreed >= least)
    if published is not None and modified is not None and modified.value < published.value - timedelta(days=1):
        sure["modified"] = min(sure.get("modified", UNCHECKED), 0.5)
        sure["published"] = min(sure.get("published", UNCHECKED), 0.8)
    return sure
