"""Where on a page its article stands, by what elements call themselves: a first guess that the weights start from.

Elements that pages put their article into ("article", "story-body", "main") are looked for by a few names that mean
the same on any site. The guess need not be right: `pipeline.weighing` weighs every block, inside and outside. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lxml.html import HtmlElement

from pipeline.blocks import NAME_CHARACTERS, Block, width_of

_TEXT = re.compile(
    r"(?:article|story|post|entry|news|page|art)[-_]{0,2}(?:body|content|text|copy)|body-?text|main-?text|rich-?text|"
    r"wysiwyg|prose",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"(?:^|\s)(?:article|story|post|entry|single|hentry|text|fulltext)"
    r"(?:\s|$|[-_](?:inner|main|wrapper|container|page|single|detail))|(?:theme|blog|section|single)-content|"
    r"main-column|field-body",
    re.IGNORECASE,
)
_MAIN = re.compile(
    r"(?:^|\s)(?:main|content|primary)(?:\s|$|[-_])|main-?content|page-?content|content-?(?:main|body)", re.IGNORECASE
)
_STAGES: Final = (16, 8, 4, 2, 1)  # the surest first: a text's own box, an article, a story, the content, the main part
_ENOUGH: Final = 250  # characters that an article has at least, headings apart
_PLENTY: Final = 750  # characters in paragraphs, from which on loose text is none
_LONG: Final = 80  # characters of a block that is taken where nothing on the page calls itself the article
_LINKED: Final = 0.5
_MARKED: Final = frozenset({"p", "dt", "dd"})  # what paragraphs stand in that were written as such
_APART: Final = frozenset(  # what blocks say of themselves that are no text, unless a third of the text says so
    {
        *("newsletter", "comments", "advert", "jobs", "navigation", "footer", "cookie notice", "share", "related"),
        *("breadcrumbs", "banner", "caption", "byline", "tags", "sidebar"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What the elements that a page's blocks stand in say of them."""

    roots: Sequence[Any]  # the uppermost element above each block: another one where something was taken out
    within: Sequence[int]  # which of five kinds of elements each stands in, a bit for each
    chosen: int = 0  # the bit of the kind that the guess went by; 0: none
    shares: Sequence[int] = ()  # the guess: 8 for a block of the article, 0 for others


@lru_cache(maxsize=16_384)
def _kinds_of(tag: str, names: str, role: str, item: str) -> int:
    """Of which of the five kinds an element is, a bit for each."""
    bits = 16 * ("articleBody" in item or _TEXT.search(names) is not None)
    bits |= 8 * (tag == "article" or role == "article")
    bits |= 4 * (_STORY.search(names) is not None)
    bits |= 2 * (_MAIN.search(names) is not None)
    return bits | (tag == "main" or role == "main")


def read_frames(tree: HtmlElement, blocks: Sequence[Block]) -> Frames:
    """Guess which blocks are the article.

    Args:
        tree: the page. Elements may have been taken out of it since it was cut into blocks; they are no text.
        blocks: the page's blocks.
    """
    body = tree.find("body")
    frames = _find_first(body) if body is not None else {}
    known: dict[Any, tuple[Any, int]] = {}
    found = [_look_up(block.element, frames, known) for block in blocks]
    top = _look_up(body if body is not None else tree, frames, known)[0]
    roots, within = [root for root, _ in found], [bits for _, bits in found]
    sizes = [
        width_of(block.text) if root is top and block.link_share <= _LINKED else 0
        for block, root in zip(blocks, roots, strict=True)
    ]
    shares, chosen = _guess(blocks, within, sizes)
    return Frames(roots=roots, within=within, chosen=chosen, shares=shares)


def _find_first(body: Any) -> dict[Any, int]:
    """The first element of each kind, and which kinds it is the first of."""
    first: dict[Any, int] = {}
    left = sum(_STAGES)
    for element in body.iter("article", "div", "main", "section"):
        names = f"{element.get('class', '')} {element.get('id', '')}"[:NAME_CHARACTERS]
        bits = _kinds_of(element.tag, names, element.get("role", ""), element.get("itemprop", "")) & left
        if bits:
            first[element] = bits
            left &= ~bits
            if not left:
                break
    return first


def _look_up(element: Any, frames: dict[Any, int], known: dict[Any, tuple[Any, int]]) -> tuple[Any, int]:
    """The uppermost element above one, and the kinds of frames that it stands in."""
    way: list[Any] = []
    above = element
    while above is not None and above not in known:
        way.append(above)
        above = above.getparent()
    root, bits = known[above] if above is not None else (way[-1], 0)
    while way:
        down = way.pop()
        bits |= frames.get(down, 0)
        known[down] = root, bits
    return root, bits


def _guess(blocks: Sequence[Block], within: Sequence[int], sizes: Sequence[int]) -> tuple[list[int], int]:
    chosen = 0
    inside: list[bool] = []
    for chosen in (*_STAGES, 0):
        inside = _take(blocks, within, sizes, chosen)
        if (
            sum(s for s, i, block in zip(sizes, inside, blocks, strict=True) if i and block.kind != "heading")
            >= _ENOUGH
        ):
            break
    if not chosen:
        inside = [took and size >= _LONG for took, size in zip(inside, sizes, strict=True)]
    marked = [block.kind != "paragraph" or not block.within.isdisjoint(_MARKED) for block in blocks]
    if sum(s for s, i, m in zip(sizes, inside, marked, strict=True) if i and m) >= _PLENTY:
        inside = [i and m for i, m in zip(inside, marked, strict=True)]
    for number in reversed(range(len(blocks))):  # a heading with nothing below it is none of the article's
        if inside[number] and blocks[number].kind != "heading":
            break
        inside[number] = False
    return [8 * took for took in inside], chosen


def _take(blocks: Sequence[Block], within: Sequence[int], sizes: Sequence[int], kind: int) -> list[bool]:
    """The blocks in the element of one kind (0: on the page), without those whose names say that they are no text."""
    framed = [size > 0 and (not kind or bits & kind > 0) for bits, size in zip(within, sizes, strict=True)]
    held = Counter[str]()
    for block, size, took in zip(blocks, sizes, framed, strict=True):
        if took:
            held[block.label] += size
    apart = {label for label, size in held.items() if label in _APART and 3 * size < held.total()}
    return [took and block.label not in apart for took, block in zip(framed, blocks, strict=True)]
