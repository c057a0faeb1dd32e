"""The visible blocks of a page: runs of text that belong to one block element, and what their place says of them.

Pure: the tree is read, not changed. A page is cut into blocks once; `pipeline.body` decides which of them are the
text, and everything that speaks of parts of a page (memory, site rules, what was stripped) speaks of these blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal

from lxml.etree import XPath, _Element
from lxml.html import HtmlElement

STRIPPED_BLOCKS: Final = 60
STRIPPED_CHARACTERS: Final = 600
STRIPPED_TOTAL: Final = 8000

BlockKind = Literal["paragraph", "heading", "item", "quote", "table", "code", "caption"]


@dataclass(kw_only=True, slots=True, eq=False)  # never changed; frozen ones take three times as long to make
class Block:
    """A run of visible text that belongs to one block element. Two blocks are the same only when they are one."""

    element: HtmlElement
    text: str  # one line; of a table, a line for each row
    kind: BlockKind = "paragraph"
    level: int | None = None  # of a heading (1 to 6); of an item, how many lists it is in
    ordered: bool | None = None  # item: of a numbered list
    rows: tuple[tuple[str, ...], ...] | None = None  # table: its cells
    place: str = ""  # the way down to it by tags and names without their numbers: "main/div.story/p"
    names: str = ""  # classes, ids, roles of its element and of the nearest elements it is in
    link_share: float = 0.0  # 0 to 1: how much of its characters are links
    bold_share: float = 0.0  # 0 to 1: how much of its characters are bold or slanted
    timed: bool = False  # a part of it is marked up as a time
    label: str = ""  # what its wording or its names say that it is, "newsletter"; empty where they say nothing
    within: frozenset[str] = frozenset()  # tags of the elements it is in, its own too
    depth: int = 0  # how many elements it is in, below the body


_INLINE: Final = frozenset(
    [
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins"),
        *("kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var"),
        *("wbr", "br", "strike", "data", "ruby", "rb", "rt", "rp"),
    ]
)
_UNSEEN: Final = frozenset({"option", "button", "textarea", "object", "audio", "video", "canvas", "template"})
_HIDDEN: Final = frozenset({"script", "style", "noscript", "svg", "iframe", "select", "head", "datalist", "title"})
_FIND_TEXTS: Final = XPath(".//text()[normalize-space()]")
_FIND_ALL_TEXTS: Final = XPath(".//text()")
_TEXT_NODES: Final = 20_000
_BREAKING: Final = frozenset({"br", "img"})
_NESTED: Final = 8  # elements of a line, one in the other, that are looked through for a line break before them


def texts_of(element: _Element) -> list[Any]:
    """Text nodes below an element: lxml's strings, which know their parents."""
    found = _FIND_TEXTS(element)
    return found[:_TEXT_NODES] if isinstance(found, list) else []


# --- cutting --------------------------------------------------------------------------------------------

BLOCK_CHARACTERS: Final = 200_000  # of one block; a longer one is cut
NAME_CHARACTERS: Final = 120  # of one element
_STEPS: Final = 8  # of the way down to a block that make its place
_LINK, _BOLD, _TIME = 1, 2, 4
_INLINE_FLAGS: Final = {"a": _LINK, "b": _BOLD, "strong": _BOLD, "em": _BOLD, "i": _BOLD, "time": _TIME}
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_KINDS: Final[dict[str, BlockKind]] = {
    **dict.fromkeys(_HEADINGS, "heading"),
    "li": "item",
    "blockquote": "quote",
    "figcaption": "caption",
    "pre": "code",
}
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"[\d\W_]*\d[\d\W_]*")
_ROWS, _COLUMNS, _CELL_CHARACTERS = 300, 30, 300
_EMPTY: Final[frozenset[str]] = frozenset()


@dataclass(kw_only=True, slots=True, eq=False)  # never changed, as `Block`
class _State:
    """What a block element hands down to what is in it; elements of the same names in the same place share it."""

    unseen: bool = False
    place: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    label: str = ""
    kind: BlockKind = "paragraph"
    level: int | None = None
    ordered: bool | None = None
    lists: int = 0  # how many lists it is in
    listed: bool | None = None  # whether the nearest list is numbered
    flags: int = 0
    within: frozenset[str] = frozenset()
    depth: int = 0
    written: tuple[str, str] = ("", "")  # place and names as the blocks have them


_TOP: Final = _State()
_NOT_SEEN: Final = _State(unseen=True)


@dataclass(eq=False, slots=True)
class _Box:
    """A block element."""

    element: Any
    state: _State
    whole: _Box | None = None  # the element that is one block with all that is in it: a menu, a table of data
    rows: tuple[tuple[str, ...], ...] | None = None


_PARTING: Final = frozenset(("form", "hr", "table", "div", "p", "ul", "ol", "figure", "section", "aside"))
"""Elements that part the text before them from the text behind them, though nothing in them is seen."""


def read_blocks(tree: HtmlElement) -> list[Block]:  # noqa: C901 - one branch per kind of element before a text
    """The visible blocks of a page, in the order in which they stand in it.

    A menu is one block, so is a table of data; two line breaks in a row divide a block. Text of scripts, buttons
    and fields is left out.

    Args:
        tree: the whole page.
    """
    body = tree.find("body")
    if body is None:
        return []
    top = _Box(body, _TOP)
    boxes: dict[Any, _Box] = {body: top}
    known: dict[Any, tuple[_Box, int]] = {}
    blocks: list[Block] = []
    run = _Run(box=top)
    found: Any = _FIND_ALL_TEXTS(body)
    for piece in islice(found, 3 * _TEXT_NODES):
        if piece.isspace():
            run.pieces.append(" ")
            continue
        parent = piece.getparent()
        if piece.is_tail:
            if parent.tag in _BREAKING:
                if _is_double(parent):
                    run = _close(blocks, run, run.box)
                run.pieces.append(" ")
            elif parent.tag in _PARTING and run.characters and run.box.whole is None:
                run = _close(blocks, run, run.box)
            elif run.characters and _is_blank(parent):
                run = _part_inline(blocks, run, parent)
            parent = parent.getparent()
        elif parent.tag in _INLINE and run.characters:
            run = _part_inline(blocks, run, parent)
        entry = known.get(parent)
        if entry is None:
            entry = known[parent] = _find_box(parent, boxes)
        box, flags = entry
        if box.state.unseen:
            continue
        if box is not run.box:
            run = _close(blocks, run, box)
        run.add(piece, flags)
    _close(blocks, run, run.box)
    return blocks


def _is_double(line_break: Any) -> bool:
    """Whether a line break follows another one, or a picture that does: two part paragraphs."""
    breaks = line_break.tag == "br"
    for _ in range(_NESTED):
        before = line_break.getprevious()
        if before is None or (before.tail or "").strip():
            return False
        if before.tag not in _BREAKING:
            if before.tag not in _PARTING and not _is_blank(before):
                return False
            line_break = before  # a field for an address, the place of an advert: no words stand between the breaks
            continue
        breaks += before.tag == "br"
        if breaks > 1:
            return True
        line_break = before
    return False


def _is_blank(element: Any) -> bool:
    """Whether an element between words shows none: a script, the anchor of a link, the place of an advert."""
    return element.tag in _HIDDEN or (element.tag in _INLINE and not len(element) and not (element.text or "").strip())


def _part_inline(blocks: list[Block], run: _Run, element: Any) -> _Run:
    """The run that a link, bold type or the like goes on with: a new one behind two line breaks, or a rule."""
    before = _find_before(element)
    for _ in range(_NESTED):
        if before is None or before.tag in _BREAKING or not _is_blank(before):
            break
        before = None if (before.tail or "").strip() else before.getprevious()
    if before is None or (before.tail or "").strip():
        return run
    if before.tag in _BREAKING:
        run = _close(blocks, run, run.box) if _is_double(before) else run
        run.pieces.append(" ")
    elif before.tag in _PARTING and run.box.whole is None:
        run = _close(blocks, run, run.box)
    return run


def _find_before(element: Any) -> Any | None:
    """The element that stands right before a link, bold type or the like; None where text does."""
    for _ in range(_NESTED):
        before = element.getprevious()
        if before is not None:
            return None if (before.tail or "").strip() else before
        element = element.getparent()
        if element is None or element.tag not in _INLINE or (element.text or "").strip():
            return None
    return None


@dataclass(kw_only=True, slots=True)
class _Run:
    """The text of a block as it is gathered."""

    box: _Box
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    linked: int = 0
    bold: int = 0
    timed: bool = False

    def add(self, piece: str, flags: int) -> None:
        self.pieces.append(piece)
        if self.box.whole is not None:
            self.pieces.append(" ")
        self.characters += len(piece)
        if flags:
            self.linked += len(piece) if flags & _LINK else 0
            self.bold += len(piece) if flags & _BOLD else 0
            self.timed = self.timed or bool(flags & _TIME)


def _close(blocks: list[Block], run: _Run, following: _Box) -> _Run:
    """Make a block of a run, if it has any text, and begin the next one."""
    box, state = run.box, run.box.state
    if not run.characters:
        return _Run(box=following)
    rows = box.rows
    if rows is None:
        text = " ".join("".join(run.pieces)[:BLOCK_CHARACTERS].split())
    else:
        text = "\n".join(" | ".join(row) for row in rows)
    blocks.append(
        Block(
            element=box.element,
            text=text,
            kind=state.kind if rows is None else "table",
            level=state.level,
            ordered=state.ordered,
            rows=rows,
            place=state.written[0],
            names=state.written[1],
            link_share=run.linked / run.characters,
            bold_share=run.bold / run.characters,
            timed=run.timed,
            label=wording_of(text[:STRIPPED_CHARACTERS]) or state.label,
            within=state.within,
            depth=state.depth,
        )
    )
    return _Run(box=following)


def _find_box(element: Any, boxes: dict[Any, _Box]) -> tuple[_Box, int]:
    """The box that an element's own text belongs to, and what the inline elements between say of it."""
    flags = 0
    at = element
    while (tag := at.tag) in _INLINE:
        flags |= _INLINE_FLAGS.get(tag, 0)
        at = at.getparent()
    way: list[Any] = []
    while (box := boxes.get(at)) is None:
        way.append(at)
        at = at.getparent()
    while way:
        down = way.pop()
        tag = down.tag
        if tag in _UNSEEN and down.find(".//p") is not None:
            tag = "div"  # one that was never closed has the whole page in it
        names, more, role = down.get("class") or "", down.get("id"), down.get("role")
        if more:
            names = f"{names} {more}" if names else more
        if role:
            names = f"{names} {role}" if names else role
        state = _enter(box.state, tag, names[:NAME_CHARACTERS])
        if tag in _INLINE:  # a link or the like around blocks: it stands for none of its own
            box = boxes[down] = _Box(box.element, state, box.whole, box.rows)
            continue
        box = boxes[down] = _Box(down, state, box.whole)
        if box.whole is None and tag == "nav" and down.find(".//h1") is None and down.find(".//article") is None:
            box.whole = box
        elif box.whole is None and tag == "table":
            box.rows = _read_table(down)
            box.whole = box if box.rows is not None else None
    return (box if box.whole is None else box.whole), flags | box.state.flags


@lru_cache(maxsize=16_384)  # kept from page to page: those of one site enter the same elements again and again
def _enter(above: _State, tag: str, names: str) -> _State:
    """What an element adds to what is known of the one it is in."""
    if above.unseen or tag in _UNSEEN or tag in _HIDDEN:
        return _NOT_SEEN
    if tag in _INLINE:
        return replace(above, flags=above.flags | _INLINE_FLAGS.get(tag, 0))
    kind, level, ordered, listed = above.kind, above.level, above.ordered, above.listed
    if tag in _KINDS:
        kind, level, ordered = _KINDS[tag], _HEADINGS.get(tag), None
    if tag == "li":
        level, ordered = max(1, above.lists), bool(above.listed)
    elif tag in {"ul", "ol"}:
        listed = tag == "ol"
    place = (*above.place[1 - _STEPS :], _step(tag, names))
    all_names = (*above.names[-4:], names) if names else above.names
    return _State(
        place=place,
        names=all_names,
        written=("/".join(place), " ".join(all_names)),
        label=label_of(f"{tag} {names}") or above.label,
        kind=kind,
        level=level,
        ordered=ordered,
        lists=above.lists + (tag in {"ul", "ol"}),
        listed=listed,
        flags=above.flags,
        within=_join(above.within, tag),
        depth=above.depth + 1,
    )


@lru_cache(maxsize=4096)
def _join(within: frozenset[str], tag: str) -> frozenset[str]:
    return within if tag in within or len(within) > 60 else within | {tag}


@lru_cache(maxsize=4096)
def _step(tag: str, names: str) -> str:
    """A step of the way down to a block: the tag and its first two names, without what is counted in them."""
    step = tag
    for name in names.split(maxsplit=2)[:2]:
        short = (_DIGITS.sub("-", name) if _DIGIT.search(name) is not None else name).strip("-_")
        if short:
            step = f"{step}.{short[:40]}"
    return step


def _read_table(table: Any) -> tuple[tuple[str, ...], ...] | None:
    """The cells of a table of data; None for one that only arranges the page."""
    if table.find(".//table") is not None:
        return None
    rows: list[tuple[str, ...]] = []
    characters = cells = 0
    for row in islice(table.iter("tr", "caption"), _ROWS):
        if row.tag == "caption":
            texts = [" ".join("".join(row.itertext()).split())]
        else:
            texts = [" ".join(" ".join(cell.itertext()).split()) for cell in islice(row.iter("td", "th"), _COLUMNS)]
        if any(texts):
            rows.append(tuple(texts))
            characters += sum(map(len, texts))
            cells += len(texts)
    wide = sum(len(row) > 1 for row in rows)
    if wide < 2 or 2 * wide < len(rows) or characters > _CELL_CHARACTERS * cells / 2:
        return None
    return tuple(rows)


_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")


def width_of(text: str) -> int:
    """Characters of a text; one of a script that writes whole syllables or words with it counts as two and a half."""
    if text.isascii():
        return len(text)
    try:
        text.encode("cp1252")  # the scripts of western Europe, in a tenth of the time of a pattern
    except UnicodeEncodeError:
        return len(text) + 3 * len(_WIDE.findall(text)) // 2
    return len(text)


# --- labels ---------------------------------------------------------------------------------------------


_PLACES: Final = {  # label: what a name holds; between spaces it has to be a whole word of it
    "cookie notice": ("cookie", "consent", "gdpr", "onetrust", "didomi", "cmpbox", "cmp box", "cmp wrapper"),
    "newsletter": ("newsletter", "signup", "sign up", "subscri", "mailing"),
    "jobs": (" job ", " jobs ", "vacanc", "recruit"),
    "advert": (" ad ", " ads ", " advert", " adslot", " adunit", "sponsor", "promo", "commercial"),
    "related": (
        *("related", "recommend", " more ", "readnext", "read next", "mostread", "most read", "mostpopular"),
        *("most popular", "trending", "teaser", " latest "),
    ),
    "caption": ("caption", "credit", " figure ", "photo"),
    "share": ("share", "sharing", "social", "follow"),
    "comments": ("comment", "disqus"),
    "byline": ("byline", "author", "dateline", "timestamp", "publish", " meta ", " date "),
    "tags": (" tag ", " tags ", " topic ", " topics ", "keyword"),
    "breadcrumbs": ("breadcrumb",),
    "navigation": (" nav", " menu", "skip "),
    "banner": ("banner",),
    "footer": ("footer", "copyright"),
    "header": (" header", "masthead"),
    "sidebar": (" aside ", "sidebar"),
}
_WORDINGS: Final = {
    "cookies": "cookie notice",
    "newsletter": "newsletter",
    "your inbox": "newsletter",
    "sign up": "newsletter",
    "email updates": "newsletter",
    "salary": "jobs",
    "per annum": "jobs",
    "pro rata": "jobs",
    "getty images": "caption",
    "shutterstock": "caption",
    "all rights reserved": "footer",
    "registered in england": "footer",
}
_WORDED: Final = tuple(_WORDINGS.items())
_CREDIT_STARTS: Final = frozenset("ip©i̇ı")
_CREDIT: Final = re.compile(r"(?:image|photo|picture|pic)s?\b.{0,12}:|©", re.IGNORECASE)
_PAY: Final = re.compile(r"£\d\d[\d,]+\s*(?:-|–|to)\s*£?\d\d")


def wording_of(block: str) -> str:
    """The label that a block's words give it, if they do."""
    text = block.lower()
    for words, label in _WORDED:
        if words in text:
            return label
    if text[:1] in _CREDIT_STARTS and _CREDIT.match(text):
        return "caption"
    return "jobs" if "£" in text and _PAY.search(text) else ""


_APART = re.compile(r"[\W_]+")
_STATE = re.compile(r"(?<!\S)(?:(?:has|no|with|without|status)[-_]\S+|node--?promoted)(?!\S)")
_STATE_HINTS: Final = ("has-", "has_", "no-", "no_", "with", "status", "node-")  # one of these is in what _STATE finds
_PARTED: Final = {number: " " for number in range(128) if _APART.match(chr(number))}
_SORTED = re.compile(r"(?<!\S)(?:tag|category|author|type|format|topic)[-_]\S+(?!\S)")


@lru_cache(maxsize=16_384)  # classes are met again on other pages more often than the places that they stand in
def label_of(names: str) -> str:
    """The label that names (of tags, classes, ids, roles) give a block, or empty text.

    Names that tell the state of an article do not count ("status-publish", "node--promoted", "no-sidebar"), nor what
    WordPress says beside them of how it is sorted ("tag-jobs"): they name what the whole text stands in.
    """
    lowered = names.lower()
    if "hentry" in lowered or "status-" in lowered:
        lowered = _SORTED.sub(" ", lowered)
    for hint in _STATE_HINTS:
        if hint in lowered:
            lowered = _STATE.sub(" ", lowered)
            break
    words = (lowered.translate(_PARTED) if lowered.isascii() else _APART.sub(" ", lowered)).split()
    rank = min(map(_rank_word, words), default=len(_PLACES))
    whole = " ".join(words)
    if len(words) > 1:
        for other, key in _PAIRS:
            if other < rank and key in whole:
                rank = other
    return _RANKED[rank]


_RANKED: Final = (*_PLACES, "")
_PAIRS: Final = tuple(
    (rank, key) for rank, keys in enumerate(_PLACES.values()) for key in keys if " " in key.strip()
)  # what is found in two words only


@lru_cache(maxsize=8192)  # there are far fewer words than names made of them
def _rank_word(word: str) -> int:
    """The number of the first label that a word of a name gives."""
    word = f" {word} "
    for rank, keys in enumerate(_PLACES.values()):
        for key in keys:
            if key in word:
                return rank
    return len(_PLACES)
