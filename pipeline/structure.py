"""The structure of a text: its headings, items, tables, quotes, standfirst, notices, and a live page's entries.

A text is made of the blocks that `pipeline.body` kept; here each becomes a `Part` that says what it is. Nothing is
added, dropped or put in another order: the parts' texts, each on lines of its own, are the text.

The entries of a live page are found by what all such pages have in common, whatever their templates: siblings built
alike, each with a time. Pages are asked only where they call themselves live: by schema.org, in the headline, or in
the names of what the entries stand in; else a list of comments would do. Pure, and bounded whatever the page is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.edges import names_standfirst
from pipeline.edits import is_notice, read_essence
from pipeline.metadata import Clock, Metadata, fold, parse_moment
from pipeline.model import Part

if TYPE_CHECKING:
    from pipeline.blocks import Block

# --- parts ----------------------------------------------------------------------------------------------

_HEAD, _FOOT = 5, 8  # parts in which a notice need not begin as notices do; as in `pipeline.edits`
_STANDFIRSTS: Final = 3  # parts from the first in which a standfirst is looked for
_STANDFIRST_LENGTHS: Final = range(20, 700)


def make_parts(
    kept: Sequence[Block], tree: HtmlElement, about: Metadata, entries: Sequence[Entry] | None = None
) -> tuple[Part, ...]:
    """The parts of a text.

    Args:
        kept: the blocks that are the text, in the order of the page.
        tree: the page they are of.
        about: the page's metadata.
        entries: what `find_entries` found on it; left out: it is asked.
    """
    entries = find_entries(tree, about) if entries is None else entries
    index = index_entries(entries)
    standfirsts = _find_standfirsts(kept, about)
    parts: list[Part] = []
    begun: set[int] = set()
    for number, block in enumerate(kept):
        entry = find_entry(block.element, index) if index else None
        begins = entry is not None and entry not in begun
        if begins and entry is not None:
            begun.add(entry)
            parts.append(_make_part(block, "entry").model_copy(update={"time": entries[entry].time}))
        elif entry is None and number in standfirsts:
            parts.append(_make_part(block, "standfirst"))
        elif _tells_correction(block, number, len(kept)):
            parts.append(_make_part(block, "correction"))
        else:
            parts.append(_make_part(block, "paragraph" if block.kind == "caption" else block.kind))
    return tuple(parts)


def _make_part(block: Block, kind: Any) -> Part:
    """A block as a part of this kind; what does not belong to the kind is left out."""
    heading = block.kind == "heading" and kind in {"heading", "entry"}
    return Part(
        kind=kind,
        text=block.text,
        level=block.level if heading or kind == "item" else None,
        ordered=block.ordered if kind == "item" else None,
        rows=block.rows if kind in {"table", "entry"} else None,
    )


def _tells_correction(block: Block, number: int, count: int) -> bool:
    """Whether a block is a notice; in the middle of a text only where it begins as such notices do."""
    if block.kind not in {"paragraph", "item", "quote"}:
        return False
    outer = number < _HEAD or number >= count - _FOOT
    return (outer or is_notice(block.text[:80])) and is_notice(block.text)


def _find_standfirsts(kept: Sequence[Block], about: Metadata) -> frozenset[int]:
    """Numbers of the blocks at the head of a text that sum it up, by their own names or by the page's description."""
    found: set[int] = set()
    description = fold(about.description or "").rstrip(". …")
    for number, block in enumerate(kept[:_STANDFIRSTS]):
        if number == len(kept) - 1 or len(block.text) not in _STANDFIRST_LENGTHS or block.kind in {"table", "code"}:
            break
        if _is_named_standfirst(block) or (
            number == 0 and _stands_apart(block, kept[1:]) and _says_same(block.text, description)
        ):
            found.add(number)
        elif found or block.kind != "heading":
            break
    return frozenset(found)


def _is_named_standfirst(block: Block) -> bool:
    """Whether the block, or an element that holds nothing but it, is named as standfirsts are."""
    element: HtmlElement | None = block.element
    for _ in range(3):
        if element is None or element.tag in {"body", "main", "article"}:
            return False
        names = " ".join(filter(None, (element.get("class"), element.get("id"), element.get("itemprop"))))[:300]
        if names and names_standfirst(names, alone=True):
            return True
        element = element.getparent()
        if element is not None and sum(map(len, islice(element.itertext(), 200))) > 1.3 * len(block.text) + 60:
            return False
    return False


def _stands_apart(block: Block, after: Sequence[Block]) -> bool:
    """Whether a block is made otherwise than the paragraphs after it: in another place, as a heading, or bold."""
    following = next((other for other in after if other.kind == "paragraph"), None)
    if following is None:
        return False
    if block.kind == "heading" or block.element.tag != following.element.tag:
        return True
    whole = len(block.text)
    bold = sum(len(" ".join(part.itertext())) for part in islice(block.element.iter("b", "strong", "em"), 20))
    return block.element.getparent() is not following.element.getparent() or bold >= 0.9 * whole


def _says_same(text: str, description: str) -> bool:
    key = fold(text).rstrip(". …")
    return len(description) >= 40 and (key == description or (len(description) >= 80 and key.startswith(description)))


# --- entries of a live page -----------------------------------------------------------------------------

FEWEST_ENTRIES: Final = 3
_FEWEST_DECLARED: Final = 2
_MARKS: Final = 1500  # times on a page that are looked at
_LISTS: Final = 40  # elements that might hold entries and are looked at
_ENTRIES: Final = 1000
_LEVELS: Final = 60  # of the way up from a time
_ENTRY_CHARACTERS: Final = 40  # of text that an entry has beside its time
_FOLLOWING: Final = 60  # siblings that may belong to one entry

_LIVE_WORDS: Final = re.compile(
    r"\blive\b|\blive-?(?:blog+|ticker|update)|\b(?:news|live)-?ticker\b|minute[- ]by[- ]minute|as it happened|"
    r"\b(?:en|le) direct\b|\bminute par minute\b|\ben (?:vivo|directo)\b|minuto a minuto|\bin diretta\b|\bla diretta\b|"
    r"\bao vivo\b|\bem direto\b|\bna żywo\b|\brelacja\b|\bdirekt(?:rapport|sänt)|\bfölj (?:live|direkt)|\bdirekte\b|"
    r"\bseuraa\b|\bhetki hetkeltä\b|\bonline přenos|\bélőben\b|\bcanlı\b|\bв прямом эфире\b|\bонлайн\b|実況|速報|"
    r"\bmunud wrth funud\b|\byn fyw\b",
    re.IGNORECASE,
)
_LIVE_NAMES: Final = re.compile(
    r"(?<![a-z])live(?![a-z])|live-?_?(?:blog|ticker|feed|update|post|entry|event|coverage|text|reporting)|"
    r"(?<![a-z])ticker|minute-?by-?minute|minuto-?a-?minuto|directo|direkte",
    re.IGNORECASE,
)
_HOLDERS: Final = ("div", "section", "article", "main", "ol", "ul", "li", "dl", "table")
_HINTS: Final = ("live", "Live", "icker", "inut", "irect", "LIVE")  # one of these is in every name that is told here
_FIND_TYPES: Final = XPath("//@itemtype", smart_strings=False)
_FIND_DECLARED: Final = XPath("//*[@itemprop='liveBlogUpdate']")
_ASIDE: Final = re.compile(
    r"comment|kommentar|disqus|related|recommend|more-|most-?(?:read|popular)|trending|sidebar|newsletter|share|social|"
    r"(?<![a-z])(?:nav|menu|footer|aside|jobs?|ads?|advert\w*|teasers?|headlines?|key-?(?:events?|points?|moments?))"
    r"(?![a-z])",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(
    r"[\s\[(•–-]*(?:(?:at|um|à|a las|alle(?: ore)?|kl\.?|om|o godz\.?|às|ore)\s)?(?:"
    r"(?P<hour>[01]?\d|2[0-3])(?:(?::|\s?h\s?)(?P<minute>[0-5]\d)(?::[0-5]\d)?(?![:\d]|\.\d)"
    r"|\.(?P<dotted>[0-5]\d)(?=\s*(?:[ap]\.?m\b|uhr|gmt|bst|u\.|[–—:|-]|$)))"
    r"\s*(?P<half>[ap]\.?m\b\.?)?|(?P<full>1[0-2]|0?[1-9])\s?(?P<halves>[ap]\.?m\b\.?))"
    r"(?:\s*(?:uhr|gmt|bst|cet|cest|h\b|est|edt|utc))?",
    re.IGNORECASE,
)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_STAMP_CHARACTERS: Final = 60
_HEADS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "b", "strong", "span", "a", "time", "hr"})
_INLINE_HEADS: Final = frozenset({"p", "li", "h2", "h3", "h4", "h5", "strong", "b", "span", "div", "dt", "td", "a"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """An entry of a live page: the elements that hold it, in their order, and when it was written."""

    elements: tuple[HtmlElement, ...]
    time: datetime | None = None  # UTC


@dataclass(frozen=True, kw_only=True, eq=False)
class _Mark:
    """A time on the page: a moment, or hours and minutes of a day that has to be found out."""

    element: HtmlElement
    time: datetime | None = None
    minutes: int | None = None
    heads: bool = False  # it is no ``time`` element: it counts only at the head of an entry


def find_entries(tree: HtmlElement, about: Metadata) -> tuple[Entry, ...]:
    """The entries of a live page, in the order of the page; none where the page is not live.

    Args:
        tree: the page.
        about: its metadata: what is declared, its dates and how they are read.
    """
    body = tree.find("body")
    if body is None:
        return ()
    types = _FIND_TYPES(tree)
    declared = "LiveBlogPosting" in about.declared or (
        isinstance(types, list) and any("LiveBlogPosting" in str(kind) for kind in types)
    )
    said = declared or any(_LIVE_WORDS.search(title) for title in about.titles)
    marks = _find_marks(
        [body] if said else _find_live_named(tree, None if about.page is None else about.page.names), about
    )
    if not marks and not declared:
        return ()
    found = _entries_by_shape(body, marks, fewest=_FEWEST_DECLARED if declared else FEWEST_ENTRIES, said=said)
    if declared:
        stated = _entries_by_declaration(body, tree, about)
        if len(stated) > len(found):
            found = stated
    return _date_entries(found, about)


def index_entries(entries: Sequence[Entry]) -> dict[HtmlElement, int]:
    """The elements of entries with the entries' numbers, for `find_entry`."""
    return {element: number for number, entry in enumerate(entries) for element in entry.elements}


def find_entry(element: HtmlElement | None, index: dict[HtmlElement, int]) -> int | None:
    """The number of the entry that an element is in; None when it is in none."""
    for _ in range(_LEVELS):
        if element is None:
            return None
        number = index.get(element)
        if number is not None:
            return number
        element = element.getparent()
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """An entry before its day is known."""

    elements: tuple[HtmlElement, ...]
    time: datetime | None = None
    minutes: int | None = None


@lru_cache(maxsize=4096)
def _names_live(names: str) -> bool:
    return any(hint in names for hint in _HINTS) and _LIVE_NAMES.search(names) is not None


_LIVE_NAMED: Final = 200  # elements with such names that are looked at


def _find_live_named(tree: HtmlElement, names: Iterable[str] | None) -> list[HtmlElement]:
    """The elements that are named as live coverage is; of one within another the outer.

    Args:
        tree: the page.
        names: all classes and ids of the page, where they are known: on most pages none is such a name.
    """
    if names is not None and not any(_names_live(name[:300]) for name in names):
        return []
    outer: dict[HtmlElement, None] = {}
    looked_at = 0
    for element in tree.iter(*_HOLDERS):
        names, identity = element.get("class", ""), element.get("id", "")
        if not (names or identity) or not _names_live(f"{names} {identity}"[:300]):
            continue
        looked_at += 1
        if looked_at > _LIVE_NAMED:
            break
        if not any(above in outer for above in islice(element.iterancestors(), _LEVELS)):
            outer[element] = None
    return list(outer)


def _find_marks(roots: Sequence[HtmlElement], about: Metadata) -> list[_Mark]:
    """The times in some elements, in their order; of one within another the outer."""
    marks: list[_Mark] = []
    last: HtmlElement | None = None
    for element in chain.from_iterable(root.iter("time", *_INLINE_HEADS) for root in roots):
        if len(marks) >= _MARKS:
            break
        mark = _read_time(element, about) if element.tag == "time" else _read_head(element, about)
        if mark is None or (last is not None and any(above is last for above in islice(element.iterancestors(), 4))):
            continue
        marks.append(mark)
        last = element
    return marks


def _read_time(element: HtmlElement, about: Metadata) -> _Mark | None:
    written = element.get("datetime") or ""
    shown = " ".join(islice(element.itertext(), 20))[:_STAMP_CHARACTERS].strip()
    clock = about.clock
    moment = parse_moment(written or shown, "time", clock) if clock and (written or _YEAR.search(shown)) else None
    if moment is not None and moment.precision in {"second", "minute"}:
        return _Mark(element=element, time=moment.value)
    match = _CLOCK.match(written) or _CLOCK.match(shown)
    return None if match is None else _Mark(element=element, minutes=_minutes(match))


def _read_head(element: HtmlElement, about: Metadata) -> _Mark | None:
    """A time at the head of an element."""
    text = element.text
    if not text or not any(character.isdigit() for character in text[:_STAMP_CHARACTERS]):
        return None
    head = text[:_STAMP_CHARACTERS]
    if about.clock and len(text) <= _STAMP_CHARACTERS and _YEAR.search(head) and (":" in head or "." in head):
        moment = parse_moment(head, "visible", about.clock)
        if moment is not None and moment.precision in {"second", "minute"}:
            return _Mark(element=element, time=moment.value, heads=True)
    match = _CLOCK.match(head)
    return None if match is None else _Mark(element=element, minutes=_minutes(match), heads=True)


def _minutes(match: re.Match[str]) -> int:
    """Minutes after midnight."""
    hour = int(match["hour"] or match["full"])
    half = (match["half"] or match["halves"] or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return 60 * hour + int(match["minute"] or match["dotted"] or 0)


def _shape(element: HtmlElement) -> tuple[Any, str]:
    """What siblings that are built alike have in common: the tag, and the first name without figures."""
    names = (element.get("class") or "").split()
    return element.tag, re.sub(r"[\d_-]*\d[\d_-]*", "", names[0][:60]) if names else ""


def _entries_by_shape(body: HtmlElement, marks: Sequence[_Mark], *, fewest: int, said: bool) -> list[_Found]:
    """Siblings built alike, each with a time and a text of its own: those of the list that has most of them."""
    lists = list(_find_lists(body, marks))
    wide = sorted((one for one in lists if len(one[2]) >= fewest), key=lambda one: -len(one[2]))[:_LISTS]
    best: list[_Found] = []
    chosen: tuple[tuple[Any, str], tuple[Any, str]] | None = None
    for parent, shape, alike in wide:
        if not said and not _is_named_live(parent, next(iter(alike))):
            continue
        found = _read_list(parent, alike)
        if len(found) >= fewest and len(found) > len(best):
            best, chosen = found, (_shape(parent), shape)
    if chosen is None:
        return []
    # a page of several days has a list for each of them
    for parent, _, alike in islice((one for one in lists if (_shape(one[0]), one[1]) == chosen), _LISTS):
        found = _read_list(parent, alike)
        if found and not any(entry.elements[0] is found[0].elements[0] for entry in best):
            best.extend(found)
    order = {element: number for number, element in enumerate(islice(body.iter(), 100_000))}
    return sorted(best, key=lambda entry: order.get(entry.elements[0], 0))[:_ENTRIES]


def _find_lists(
    body: HtmlElement, marks: Sequence[_Mark]
) -> Iterator[tuple[HtmlElement, tuple[Any, str], dict[HtmlElement, _Mark]]]:
    """Every parent of elements with times, by the shape of these, and they with the first time in each."""
    held: dict[HtmlElement, dict[HtmlElement, _Mark]] = {}
    for mark in marks:
        below: HtmlElement = mark.element
        for _ in range(_LEVELS):
            above = below.getparent()
            if above is None or below is body:
                break
            held.setdefault(above, {}).setdefault(below, mark)
            below = above
    for parent, children in held.items():
        shapes: dict[tuple[Any, str], dict[HtmlElement, _Mark]] = {}
        for child, mark in children.items():
            shapes.setdefault(_shape(child), {})[child] = mark
        for shape, alike in shapes.items():
            yield parent, shape, alike


def _names(element: HtmlElement) -> str:
    return " ".join(filter(None, (element.get("class"), element.get("id"), element.get("role"))))[:300]


def _is_named_live(parent: HtmlElement, child: HtmlElement) -> bool:
    """Whether what entries stand in is named as live coverage is."""
    return any(
        _LIVE_NAMES.search(_names(element))
        for element in (child, parent, *islice(parent.iterancestors(), 4))
        if element.tag not in {"body", "html"}
    )


def _is_aside(element: HtmlElement) -> bool:
    """Whether an element, or what it stands in, is named as what is no part of an article."""
    return any(
        above.tag in {"nav", "aside", "footer"} or _ASIDE.search(_names(above))
        for above in (element, *islice(element.iterancestors(), 4))
        if above.tag not in {"body", "html", "main"}
    )


def _read_list(parent: HtmlElement, alike: dict[HtmlElement, _Mark]) -> list[_Found]:
    """The entries that siblings with times are; none where they are mostly links, or stand beside the article."""
    first = next(iter(alike))
    if _is_aside(first):
        return []
    found: list[_Found] = []
    most = 0
    last = next(reversed(alike))
    siblings = list(islice(parent, 5000))
    places = {child: number for number, child in enumerate(siblings) if child in alike}
    for child, mark in alike.items():
        if child not in places:
            continue
        text, links = _measure((child,))
        if mark.heads and not _heads(child, mark):
            continue
        elements = [child]
        if child.tag in _HEADS or text < _ENTRY_CHARACTERS + 20:
            following = siblings[places[child] + 1 : places[child] + 1 + _FOLLOWING]
            for number, sibling in enumerate(following):
                if sibling in alike or (child is last and number >= max(1, most)):
                    break
                elements.append(sibling)
            most = max(most, len(elements) - 1)
            text, links = _measure(elements)
        if text >= _ENTRY_CHARACTERS and 2 * links < text:
            found.append(_Found(elements=tuple(elements), time=mark.time, minutes=mark.minutes))
    return found if 5 * len(found) >= 3 * len(alike) else []


def _heads(child: HtmlElement, mark: _Mark) -> bool:
    """Whether a time stands at the head of an element."""
    before = 0
    for element in child.iter():
        if element is mark.element:
            return True
        before += len((element.text or "").strip())
        if before > 0:
            return False
    return False


def _measure(elements: Iterable[HtmlElement]) -> tuple[int, int]:
    """Characters of elements, and those of their links."""
    text = links = 0
    for element in elements:
        text += sum(len(piece.strip()) for piece in islice(element.itertext(), 500))
        linked = element.iter("a") if element.tag != "a" else iter((element,))
        links += sum(len(piece.strip()) for link in islice(linked, 100) for piece in islice(link.itertext(), 20))
    return text, links


def _entries_by_declaration(body: HtmlElement, tree: HtmlElement, about: Metadata) -> list[_Found]:
    """The elements that declared updates stand in: by microdata, by the id in their address, by their headline."""
    marked = _FIND_DECLARED(tree)
    if isinstance(marked, list) and len(marked) >= _FEWEST_DECLARED:
        return [
            _Found(elements=(element,), time=_first_time(element, about))
            for element in marked[:_ENTRIES]
            if isinstance(element, HtmlElement)
        ]
    wanted: dict[str, datetime | None] = {}
    for update in about.updates:
        for key in (f"#{update.anchor}" if update.anchor else "", fold(update.headline), fold(update.start)[:60]):
            if len(key) > 3:
                wanted.setdefault(key, update.time.value if update.time else None)
    if not wanted:
        return []
    anchors: dict[HtmlElement, datetime | None] = {}
    for element in islice(body.iter(), 50_000):
        key = f"#{element.get('id')}" if element.get("id") else ""
        if key not in wanted:
            if element.tag not in {"h2", "h3", "h4", "h5", "p", "strong", "b"}:
                continue
            words = fold(" ".join(islice(element.itertext(), 10))[:400])
            key = words if words in wanted else words[:60]
        if key in wanted:
            anchors[element] = wanted.pop(key)
    return list(_contain(anchors))


def _contain(anchors: dict[HtmlElement, datetime | None]) -> Iterator[_Found]:
    """For each anchor the largest element that holds no other."""
    counts: dict[HtmlElement, int] = {}
    for anchor in anchors:
        for element in (anchor, *islice(anchor.iterancestors(), _LEVELS)):
            counts[element] = counts.get(element, 0) + 1
    for anchor, time in anchors.items():
        if counts[anchor] > 1:
            continue
        element = anchor
        for above in islice(anchor.iterancestors(), _LEVELS):
            if counts[above] > 1:
                break
            element = above
        if element.tag in {"body", "html"}:
            continue
        elements = [element]
        if element.tag in _HEADS:
            for sibling in islice(element.itersiblings(), _FOLLOWING):
                if sibling in counts:
                    break
                elements.append(sibling)
        yield _Found(elements=tuple(elements), time=time)


def _first_time(element: HtmlElement, about: Metadata) -> datetime | None:
    for found in islice(element.iter("time", "meta"), 20):
        text = found.get("datetime") or (found.get("content") if "date" in (found.get("itemprop") or "") else None)
        moment = parse_moment(text, "microdata", about.clock) if text and about.clock else None
        if moment is not None:
            return moment.value
    return None


# --- days of clock times --------------------------------------------------------------------------------

_DAY: Final = 24 * 60
_BACK: Final = 3 * 60  # minutes that an entry may stand before its neighbour without being of another day


def _date_entries(found: Sequence[_Found], about: Metadata) -> tuple[Entry, ...]:
    """Entries with their moments: hours and minutes get their day from the page's date and their order."""
    clock = about.clock
    if clock is None or all(entry.minutes is None or entry.time is not None for entry in found):
        return tuple(Entry(elements=entry.elements, time=entry.time) for entry in found)
    zone = _zone(clock)
    order = list(found)
    turned = _is_newest_first(found)
    if turned:
        order.reverse()
    day = _first_day(about, zone)
    before: int | None = None
    dated: list[_Found] = []
    for entry in order:
        if entry.time is not None:
            local = entry.time.astimezone(zone)
            day, before = local.date(), 60 * local.hour + local.minute
        elif entry.minutes is not None and day is not None:
            if before is not None and entry.minutes < before - _BACK:
                day += timedelta(days=1)
            before = entry.minutes
            entry = replace(entry, time=_moment(day, entry.minutes, zone, clock))
        dated.append(entry)
    if turned:
        dated.reverse()
    return tuple(Entry(elements=entry.elements, time=entry.time) for entry in dated)


def _zone(clock: Clock) -> ZoneInfo:
    try:
        return ZoneInfo(clock.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _is_newest_first(found: Sequence[_Found]) -> bool:
    """Whether the times fall more often than they rise; without any difference newest first, as live pages are."""
    keys = [_order_key(entry) for entry in found]
    steps = [
        after[1] - before[1]
        for before, after in pairwise(key for key in keys if key is not None)
        if before[0] == after[0]
    ]
    rises = sum(step > 0 for step in steps)
    return sum(step < 0 for step in steps) >= rises


def _order_key(entry: _Found) -> tuple[str, float] | None:
    if entry.time is not None:
        return "moment", entry.time.timestamp()
    return None if entry.minutes is None else ("clock", entry.minutes)


def _first_day(about: Metadata, zone: ZoneInfo) -> date | None:
    """The day on which a live page began, in the site's zone."""
    moment = about.published or about.modified
    if moment is None or moment.precision not in {"second", "minute", "day"}:
        return None
    return moment.value.astimezone(zone).date()


def _moment(day: date, minutes: int, zone: ZoneInfo, clock: Clock) -> datetime | None:
    """A clock time of a day as UTC; None where it cannot be."""
    hours, rest = divmod(minutes % _DAY, 60)
    try:
        moment = datetime(day.year, day.month, day.day, hours, rest, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= clock.latest else None


_ANYTHING: Final = "A line beside which another line is held."
_ONLY: Final = read_essence("", _ANYTHING).body


def is_stamp(text: str) -> bool:
    """Whether a text is nothing but the time of an entry: "14:32", "5 minutes ago", "Updated 14:32"."""
    if len(text) > _STAMP_CHARACTERS or not any(character.isdigit() for character in text):
        return False
    match = _CLOCK.match(text)
    if match is not None and not text[match.end() :].strip(" .:|–—-)]•"):
        return True
    return read_essence("", f"{_ANYTHING}\n{text}").body == _ONLY


def is_live(parts: Iterable[Part]) -> bool:
    """Whether a text is that of a live page: it has entries."""
    return sum(part.kind == "entry" for part in parts) >= _FEWEST_DECLARED
