"""How the pages of a site are built: sketched page by page, and compared between then and now.

A sketch has the containers of a page (block elements that have a name, or are landmarks), and where the text, the
headline and the dates stand. Names that a machine made ("css-1x2y3z", "post-4711") are normalised or left out, and so
are names that only a few pages of a run have. Two things that pages do not agree on by themselves are kept apart from
a change of the template: a wrapper without a name changes nothing, and a block counts by the share of pages that have
it. Words are kept only to be compared; what is told of them stands on ``SHARED`` pages or more.

Pure, and bounded whatever a page is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.blocks import Block
from pipeline.body import cut_page
from pipeline.model import BlockChange

SHARED: Final = 3
"""Words of a block are told where so many pages have them: the words of one article never are (takedowns)."""

_ELEMENTS: Final = 6000  # of a page that are looked at
_CONTAINERS: Final = 800  # of a page that are kept
_DEPTH: Final = 60
_NAMES: Final = 3  # of an element that are kept
_BEGINNING: Final = 80  # characters of a block that are compared, and told
_DATES: Final = 12  # places of a page that look like a date
LINE: Final = 40
"""By so many characters of its beginning a line of a text is found on its page."""

_LANDMARKS: Final = frozenset({"main", "article", "header", "footer", "nav", "aside", "section", "form", "h1"})
_CONTAINER_TAGS: Final = _LANDMARKS | {"div", "ul", "ol", "dl", "table", "figure", "time", "dialog"}


class Step(NamedTuple):
    """An element on the way down to another: its tag, and the names that were not made by a machine."""

    tag: str
    names: tuple[str, ...]


Way = tuple[Step, ...]
"""The way down to an element by those that have a name or are landmarks; the body is left out."""


class DateSpot(NamedTuple):
    """Something that looks like a date, and where it stands."""

    place: str  # "meta article:published_time", "json-ld datePublished", or "time.published"
    shape: str  # "9 a 9999"


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """How one page is built."""

    url: str
    containers: Mapping[Way, str]  # way -> how what is in it begins
    text_at: Way | None = None
    headline_at: Way | None = None
    dates: tuple[DateSpot, ...] = ()
    seen: str = ""  # the beginning of all that is visible
    title: str = ""


# --- one page -------------------------------------------------------------------------------------------


def sketch_page(tree: HtmlElement, *, url: str, lines: Iterable[str] = ()) -> Sketch:
    """Sketch a page.

    Args:
        tree: the page; what is never text is taken out of it.
        url: where it was found.
        lines: beginnings, of ``LINE`` characters, of lines of its text; where there are none, what is long and plain
            is taken for it.
    """
    title = _squeeze(tree.findtext(".//title") or "")[:300]
    dates = list(islice(_find_declared_dates(tree), _DATES))
    ways: dict[HtmlElement, Way] = {}
    containers: dict[Way, str] = {}
    headline: Way | None = None
    body = tree.find("body")
    elements: Iterable[Any] = () if body is None else islice(body.iter(), _ELEMENTS)
    for element in elements:
        if not isinstance(element.tag, str):
            continue
        way = ways[element] = _find_way(element, ways)
        if headline is None and element.tag == "h1":
            headline = way
        if not way or way[-1] != _step_of(element) or element.tag not in _CONTAINER_TAGS:
            continue
        if way not in containers and len(containers) < _CONTAINERS:
            containers[way] = _begin(element)
        if element.tag == "time":
            dates.append(DateSpot(_name_step(way[-1]), shape_of(element.get("datetime") or _begin(element))))
    blocks = cut_page(tree)
    dates += _find_visible_dates(blocks)
    text = _find_text(blocks, lines)
    return Sketch(
        url=url,
        containers=containers,
        text_at=None if text is None else ways.get(text) or None,
        headline_at=headline,
        dates=tuple(dict.fromkeys(dates))[: 2 * _DATES],
        seen="\n".join(block.text for block in islice(blocks, 40))[:4000],
        title=title,
    )


def _find_way(element: Any, ways: Mapping[Any, Way]) -> Way:
    above = ways.get(element.getparent(), ())
    step = _step_of(element)
    if element.tag == "body" or len(above) >= _DEPTH or (not step.names and step.tag not in _LANDMARKS):
        return above
    return (*above, step)


def _step_of(element: Any) -> Step:
    written = f"{element.get('class') or ''} {element.get('id') or ''}"[:400]
    return Step(str(element.tag), _read_names(written))


def _begin(element: Any) -> str:
    """How an element's text begins; of scripts and styles there is none."""
    parts: list[str] = []
    length = 0
    for inner in islice(element.iter(), 60):
        if not isinstance(inner.tag, str) or inner.tag in {"script", "style", "noscript", "template"}:
            continue
        part = (inner.text or "")[:400]
        if part.strip():
            parts.append(part)
            length += len(part)
        if length > 2 * _BEGINNING:
            break
    return _squeeze(" ".join(parts))[:_BEGINNING].strip()


def _squeeze(text: str) -> str:
    return " ".join(text.split())


_UTILITY: Final = re.compile(
    r"(?:-?(?:m|p)[trblxy]?|w|h|gap|z|col|row|order|grid|flex|text|bg|border|rounded|font|leading|items|justify|"
    r"space|max|min|top|left|right|bottom|inset|opacity|d|float|sr|hidden|block|inline|relative|absolute|fixed|"
    r"container|clearfix|clear|wide|narrow|active|open|closed|odd|even|first|last|loading|lazy|js|no)(?:-.*)?"
)
"""Names that say how something looks or what state it is in, not what it is."""
_MADE: Final = re.compile(
    r"(?:css|sc|jsx|emotion|svelte|astro|chakra|makestyles|mui|styled|tw|e|ng|data-v)-?[\w-]*\d[\w-]*"
)
_SORTED: Final = re.compile(r"(?:tag|category|cat|author|type|format|topic|status|lang|page|parent|term|postid)-.+")
_TAIL: Final = re.compile(r"(?:__|--|_|-)(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{4,}$")
_HASH: Final = re.compile(r"(?=.*\d)(?=.*[a-zA-Z])[A-Za-z0-9]{6,}|[0-9a-f]{8,}")
_COUNTED: Final = re.compile(r"[-_]?\d+")
_HUMP: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@lru_cache(maxsize=16_384)
def _read_names(written: str) -> tuple[str, ...]:
    """The names of an element that a person gave it, up to ``_NAMES``, in their order.

    >>> _read_names("story-body css-1x2y3z post-4711 mt-4")
    ('story-body', 'post')
    """
    names: list[str] = []
    for word in written.split()[:30]:
        if any(mark in word for mark in ":/[]().%") or _UTILITY.fullmatch(word) or _MADE.fullmatch(word.lower()):
            continue
        name = _TAIL.sub("", word)
        if _HASH.fullmatch(name) or _SORTED.fullmatch(name) or _is_jumble(name):
            continue
        name = _COUNTED.sub("", name).strip("-_")[:40]
        if len(name) > 2 and name not in names:
            names.append(name)
    return tuple(names[:_NAMES])


def _is_jumble(name: str) -> bool:
    """Whether a name is letters thrown together ("dRkLmn"), not words run together ("siteHeader")."""
    if not name.isalnum() or name.islower() or name.isupper() or len(name) > 10:
        return False
    humps = _HUMP.findall(name)
    return len(humps) > 1 and len(name) / len(humps) < 3


def _name_step(step: Step) -> str:
    return ".".join((step.tag, *step.names[:2]))


# --- where text and dates stand ---------------------------------------------------------------------------


def _find_text(blocks: Sequence[Block], lines: Iterable[str]) -> HtmlElement | None:
    """The innermost element that most of the text stands in."""
    known = {line[:LINE] for line in lines}
    ours = [block for block in blocks if len(block.text) >= LINE and block.text[:LINE] in known]
    if not ours:
        ours = [
            block
            for block in blocks
            if len(block.text) >= 2 * LINE
            and block.link_share < 0.3
            and not block.label
            and not block.within & {"nav", "footer", "aside", "form"}
        ]
    held: Counter[Any] = Counter()
    depths: dict[Any, int] = {}
    for block in ours:
        above = list(islice(_ancestors(block.element), 200))
        for number, element in enumerate(reversed(above)):
            held[element] += len(block.text)
            depths[element] = number
    total = sum(len(block.text) for block in ours)
    # A paragraph is no place: of a text of one block it is what the block stands in.
    good = [element for element, count in held.items() if count >= 0.7 * total and element.tag in _CONTAINER_TAGS]
    return max(good, key=depths.__getitem__, default=None)


def _ancestors(element: Any) -> Iterator[Any]:
    while element is not None:
        yield element
        element = element.getparent()


_META_DATES = XPath(
    "//meta[contains(concat(@property, @name, @itemprop), 'publish') or contains(concat(@property, @name, "
    "@itemprop), 'date') or contains(concat(@property, @name, @itemprop), 'Date')]"
)
_SCRIPTS = XPath("//script[@type='application/ld+json']/text()")
_LD_DATE = re.compile(r'"(datePublished|dateCreated)"\s*:\s*"([^"]{4,60})"')
_DATE_LIKE = re.compile(
    r"\b(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|"
    r"\d{1,2}(?:st|nd|rd|th|\.)? (?:de |of )?[^\W\d_]{3,12}\.?,? (?:de )?\d{4}|"
    r"[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|"
    r"\d{1,3} (?:minutes?|hours?|days?|weeks?|months?) ago|yesterday)\b",
    re.IGNORECASE,
)
_RUN = re.compile(r"\d+|[^\W\d_]+")


def _find_declared_dates(tree: HtmlElement) -> Iterator[DateSpot]:
    metas: Any = _META_DATES(tree)
    for meta in metas:
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        if (written := meta.get("content")) and any(char.isdigit() for char in written[:60]):
            yield DateSpot(f"meta {name[:60]}", shape_of(written))
    scripts: Any = _SCRIPTS(tree)
    for script in islice(scripts, 10):
        for found in islice(_LD_DATE.finditer(script[:200_000]), 3):
            yield DateSpot(f"json-ld {found[1]}", shape_of(found[2]))


def _find_visible_dates(blocks: Iterable[Block]) -> Iterator[DateSpot]:
    """Short blocks with something like a date."""
    return islice(
        (
            DateSpot(block.place.rpartition("/")[2], shape_of(found[0]))
            for block in islice(blocks, 400)
            if len(block.text) <= 120 and (found := _DATE_LIKE.search(block.text))
        ),
        _DATES,
    )


def shape_of(written: str) -> str:
    """The form of a date: a run of letters is "a", a number of four digits "9999", any other "9".

    >>> shape_of("22 November 2026, 9:30am")
    '9 a 9999, 9:9a'
    """
    return _RUN.sub(lambda run: "a" if run[0].isalpha() else "9999" if len(run[0]) == 4 else "9", written[:60]).strip()


# --- then and now -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Where most of some pages have one thing."""

    place: str
    share: float  # of the pages


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How the pages of now differ from those of then."""

    pages_before: int
    pages_now: int
    alike: float  # 0 to 1: how much a page has in common with the one of then that is most like it, on average
    gone: tuple[BlockChange, ...] = ()
    came: tuple[BlockChange, ...] = ()
    moved: tuple[BlockChange, ...] = ()  # the text first, then the headline
    text_before: Settled | None = None
    text_now: Settled | None = None
    text_moved: bool = False
    dates_gone: tuple[DateSpot, ...] = ()  # that most pages had, and few have
    dates_came: tuple[DateSpot, ...] = ()

    @property
    def changes(self) -> tuple[BlockChange, ...]:
        """What moved, went and came, in this order."""
        return (*self.moved, *self.gone, *self.came)


_TOLD: Final = 6  # blocks that went, and that came
_MOST, _LEAST, _HARDLY = 0.6, 0.34, 0.1
"""A block was there when this share of the pages had it, and is gone when fewer than the other have it."""


def compare_templates(before: Sequence[Sketch], now: Sequence[Sketch]) -> Comparison | None:
    """Hold the pages of now against those of then; None: one side has none."""
    if not before or not now:
        return None
    names = _Names(before, now)
    then, today = _Group(before, names), _Group(now, names)
    text_before, text_now = then.settle("text"), today.settle("text")
    dates_before, dates_now = dict(_share_dates(before)), dict(_share_dates(now))
    moved = tuple(_find_moved(then, today))
    return Comparison(
        pages_before=len(before),
        pages_now=len(now),
        alike=_measure_likeness(then, today),
        gone=tuple(_find_changed(then, today, "gone")),
        came=tuple(_find_changed(today, then, "came")),
        moved=moved,
        text_before=text_before,
        text_now=text_now,
        text_moved=text_before is not None and any(change.place == text_before.place for change in moved),
        dates_gone=tuple(_leave(dates_before, dates_now)),
        dates_came=tuple(_leave(dates_now, dates_before)),
    )


def _measure_likeness(then: _Group, today: _Group) -> float:
    """How much of a page's blocks the page of then has that is most like it, on average.

    Page by page, because a site has several templates, and more of one than of another comes by chance.
    """
    best = [max(_share_blocks(page, other) for other in then.pages) for page in today.pages]
    return round(sum(best) / len(best), 3)


def _share_blocks(one: set[str], other: set[str]) -> float:
    every = len(one | other)
    return len(one & other) / every if every else 1.0


class _Names:
    """Which names of elements count: those that half of the pages then, or half of them now, have."""

    def __init__(self, *groups: Sequence[Sketch]) -> None:
        self._known: set[tuple[str, str]] = set()
        for group in groups:
            counted: Counter[tuple[str, str]] = Counter()
            for sketch in group:
                counted.update({(step.tag, name) for way in sketch.containers for step in way for name in step.names})
            self._known |= {name for name, pages in counted.items() if 2 * pages >= len(group)}
        self._cached: dict[Way, tuple[str, ...]] = {}

    def shorten(self, way: Way) -> tuple[str, ...]:
        """The way by the names that count; elements that have none of these are left out, but for landmarks."""
        steps = self._cached.get(way)
        if steps is None:
            named = ((step, [name for name in step.names if (step.tag, name) in self._known][:2]) for step in way)
            steps = tuple(".".join((step.tag, *kept)) for step, kept in named if kept or step.tag in _LANDMARKS)
            self._cached[way] = steps
        return steps

    def is_kept(self, way: Way) -> bool:
        last = way[-1]
        return last.tag in _LANDMARKS or any((last.tag, name) in self._known for name in last.names)


def _identify(steps: tuple[str, ...]) -> str:
    """What a block is known by wherever it stands: its names; one without, by what it is in too."""
    last = steps[-1]
    return last if "." in last or len(steps) == 1 else f"{steps[-2]} > {last}"


def _put_place(steps: tuple[str, ...]) -> str:
    return " > ".join(steps[-3:])


@dataclass(kw_only=True)
class _Seen:
    """One block over the pages of a group."""

    pages: set[int] = field(default_factory=set)
    places: Counter[tuple[str, ...]] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)


class _Group:
    """The pages of then, or of now."""

    def __init__(self, sketches: Sequence[Sketch], names: _Names) -> None:
        self.size = len(sketches)
        self.having: dict[str, _Seen] = {}
        self.pages: list[set[str]] = [set() for _ in sketches]
        self._settled: dict[str, Counter[tuple[str, ...]]] = {"text": Counter(), "headline": Counter()}
        for number, sketch in enumerate(sketches):
            for way, text in sketch.containers.items():
                steps = names.shorten(way)
                if not steps or not names.is_kept(way):
                    continue
                key = _identify(steps)
                seen = self.having.setdefault(key, _Seen())
                self.pages[number].add(key)
                if number not in seen.pages:
                    seen.pages.add(number)
                    seen.places[steps] += 1
                    seen.texts[text] += 1
            for what, way_to in (("text", sketch.text_at), ("headline", sketch.headline_at)):
                if way_to and (steps := names.shorten(way_to)):
                    self._settled[what][steps] += 1

    def share(self, key: str) -> float:
        seen = self.having.get(key)
        return len(seen.pages) / self.size if seen else 0.0

    def settle(self, what: str) -> Settled | None:
        [(steps, pages)] = self._settled[what].most_common(1) or [((), 0)]
        return Settled(place=_put_place(steps), share=round(pages / self.size, 3)) if pages else None

    def share_at(self, what: str, place: str) -> float:
        pages = sum(count for steps, count in self._settled[what].items() if _put_place(steps) == place)
        return round(pages / self.size, 3)

    def wording(self, key: str) -> str:
        """How the block begins, where enough pages have it with the same words."""
        seen = self.having[key]
        [(text, pages)] = seen.texts.most_common(1)
        return text if text and pages >= SHARED and 2 * pages > len(seen.pages) else ""


def _find_changed(having: _Group, lacking: _Group, change: Any) -> Iterator[BlockChange]:
    """Blocks that most pages of one group have and few of the other, the outermost of those in one another."""
    keys = [
        key
        for key, seen in having.having.items()
        if having.share(key) >= _MOST and lacking.share(key) < _LEAST and having.share(key) - lacking.share(key) >= 0.5
    ]
    changed = set(keys)
    found = []
    for key in keys:
        steps = having.having[key].places.most_common(1)[0][0]
        above = {_identify(steps[:end]) for end in range(1, len(steps))}
        if above & changed or steps[-1].partition(".")[0] == "h1":
            continue  # of a headline it is told where it stands
        found.append((-having.share(key), len(steps), _put_place(steps), key))
    for _, _, place, key in sorted(found)[:_TOLD]:
        own, other = round(having.share(key), 3), round(lacking.share(key), 3)
        before, now = (own, other) if change == "gone" else (other, own)
        yield BlockChange(place=place, change=change, before=before, now=now, text=having.wording(key))


def _find_moved(then: _Group, today: _Group) -> Iterator[BlockChange]:
    """Text and headline, where they stand elsewhere than they did."""
    for what in ("text", "headline"):
        old, new = then.settle(what), today.settle(what)
        if old is None or new is None or old.share < 0.5 or new.share < 0.5 or old.place == new.place:
            continue
        if today.share_at(what, old.place) < _LEAST and then.share_at(what, new.place) < _HARDLY:
            yield BlockChange(
                place=old.place,
                change="moved",
                before=old.share,
                now=today.share_at(what, old.place),
                moved_to=new.place,
            )


def _leave(having: Mapping[DateSpot, float], lacking: Mapping[DateSpot, float]) -> Iterator[DateSpot]:
    """Dates that most pages of the one have and few of the other."""
    return (spot for spot, share in having.items() if share >= _MOST and lacking.get(spot, 0.0) < _LEAST)


def _share_dates(sketches: Sequence[Sketch]) -> list[tuple[DateSpot, float]]:
    """Dates by place and form with the share of pages that have them, the most frequent first."""
    counted = Counter(chain.from_iterable(set(sketch.dates) for sketch in sketches))
    return [(spot, pages / len(sketches)) for spot, pages in counted.most_common(60)]
