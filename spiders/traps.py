"""Traps: URLs that a site makes without end, and that are no pages of their own.

A calendar that goes on into the next century, a path that repeats itself because a relative link is wrong, filters that
are combined in every way, a visit's number that changes with each request. ``Traps.find`` looks at URLs one by one, as
they are discovered, and names what is wrong with one. It judges by form alone and is meant never to hit an article:
what it misses is bounded by ``crawl.max_urls`` and ``crawl.fetch_at_most``. Which URLs are articles is the Site's.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

MOST_SEGMENTS = 20
"""Parts of a path; articles have up to ten."""
MOST_PARAMETERS = 15
"""Parameters of a query; articles have up to five."""
MOST_VARIANTS = 200
"""Values of a query under one path, as long as two or more of its parameters vary."""
MOST_VISITS = 5
"""Different values of a parameter that is named like a visit's number, under one path."""

_GROUPS = 20_000  # paths whose queries are watched; those after them are not
_VARYING = 20  # different values that make a parameter one that varies
_CYCLES = (1, 2, 3, 4)  # lengths of a piece of path that repeats itself
_REPEATS = 3
_EARLIEST_YEAR = 1900
_SHORT_NUMBER = re.compile(r"\d{1,2}")  # /10/10/10/ is a date
_DATED = re.compile(r"(?:^|[/=&])(\d{4})[/-](?:0?[1-9]|1[0-2])(?:[/-]\d{1,2})?(?=[/&]|$)")
_VISIT = re.compile(
    r"(?:^|[_-])(?:sid|sess(?:ion)?(?:[_-]?id)?|visit(?:or)?(?:[_-]?id)?|nonce|rand(?:om)?|cachebuster)$"
)


class Traps:
    """What was seen of a run's URLs, as far as it tells traps.

    Args:
        year: the year that it is; URLs dated after the next one are of a calendar.
    """

    def __init__(self, year: int) -> None:
        self._latest_year = year + 1
        self._groups: dict[tuple[str, ...], _Group] = {}

    def find(self, url: str) -> str | None:
        """What kind of trap a URL belongs to; None when it looks like a page.

        Args:
            url: a canonical one; each should be asked about once.
        """
        parts = urlsplit(url)
        segments = [segment for segment in parts.path.split("/") if segment]
        if len(segments) > MOST_SEGMENTS:
            return "deep path"
        if _repeats(segments):
            return "repeating path"
        written = unquote(f"{parts.path}&{parts.query}")
        for year in _DATED.findall(written):
            if not _EARLIEST_YEAR <= int(year) <= self._latest_year:
                return "calendar"
        return self._count_variant(parts.netloc + parts.path, parts.query) if parts.query else None

    def _count_variant(self, path: str, query: str) -> str | None:
        pairs = [part.partition("=")[::2] for part in query.split("&")]
        if len(pairs) > MOST_PARAMETERS:
            return "many parameters"
        names = tuple(sorted(name.lower() for name, _ in pairs))
        if len(set(names)) < len(names) and len(names) > 5:
            return "many parameters"
        if len(pairs) == 1 and not _VISIT.search(names[0]):
            return None  # one parameter may number articles for ever
        group = self._groups.get((path, *names))
        if group is None:
            if len(self._groups) >= _GROUPS:
                return None
            group = self._groups[(path, *names)] = _Group()
        return group.add(pairs)


class _Group:
    """The queries of one path that have the same parameters."""

    def __init__(self) -> None:
        self.count = 0
        self.values: dict[str, set[str]] = {}

    def add(self, pairs: list[tuple[str, str]]) -> str | None:
        self.count += 1
        for name, value in pairs:
            seen = self.values.setdefault(name, set())
            if len(seen) <= _VARYING:
                seen.add(value[:200])
            if len(seen) > MOST_VISITS and _VISIT.search(name.lower()):
                return "visit number"
        varying = sum(len(seen) > _VARYING for seen in self.values.values())
        return "combined filters" if varying > 1 and self.count > MOST_VARIANTS else None


def _repeats(segments: list[str]) -> bool:
    """Whether a piece of a path stands there three times, one after the other."""
    for length in _CYCLES:
        for start in range(len(segments) - _REPEATS * length + 1):
            piece = segments[start : start + length]
            if all(_SHORT_NUMBER.fullmatch(segment) for segment in piece):
                continue
            if all(segments[start + n * length : start + (n + 1) * length] == piece for n in range(1, _REPEATS)):
                return True
    return False
