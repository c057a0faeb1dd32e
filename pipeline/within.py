"""Paragraphs, code and headings within a text: what stands among kept paragraphs and is made as they are is text, too.

Blocks are weighed one by one (`pipeline.weighing`), and a heading, or a sentence or two of a long text, may weigh too
little. Where all around it is text, in the same element, it is text, unless its names or its words say otherwise. And
the other way round: a heading of which nothing is left but the heading is none. Pure: blocks and what was kept in,
decisions out. Not here: lists and tables (`pipeline.gaps`), and what stands above or behind the text
(`pipeline.edges`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from pipeline.blocks import Block

_WHOLE: Final = 80  # characters of a paragraph that is no caption, label or button
_LINKED: Final = 0.3
_MOSTLY: Final = 0.5
_HEADING: Final = 160  # characters
_MOST: Final = 40  # lines below a heading that are looked at
_FEWEST: Final = 3  # kept paragraphs that an element has at least if it is the text's
_LEVELS: Final = 6  # of the way up from a block to a heading's parent
_OWN_BOX: Final = frozenset({"p", "li", "pre", "blockquote", "h2", "h3", "h4", "h5", "h6", "dt", "dd"})

Decisions = dict[int, tuple[bool, str]]


def mend_within(blocks: Sequence[Block], kept: Sequence[bool], open_to: Sequence[bool]) -> Decisions:
    """What is text although it was left out, and the other way round.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        open_to: of which of those left out this may be decided: where nothing but their weight spoke against them.

    Returns:
        Number of a block -> whether it is text, and why, in words.
    """
    chosen = [number for number, keep in enumerate(kept) if keep]
    if len(chosen) < _FEWEST:
        return {}
    first, last = chosen[0], chosen[-1]
    homes = [_home_of(block) for block in islice(blocks, first, last + 1)]
    span: dict[Any, list[int]] = defaultdict(list)
    for number in chosen:
        if blocks[number].kind == "paragraph":
            span[homes[number - first]].append(number)
    lost = [number for number in range(first + 1, last) if not kept[number] and open_to[number]]
    found: Decisions = {}
    for number in lost:
        block = blocks[number]
        around = span.get(homes[number - first], ())
        if block.label or len(around) < _FEWEST or not around[0] < number < around[-1]:
            continue
        if block.kind == "code":
            found[number] = (True, "code within the text")
        elif block.kind in {"paragraph", "quote"} and _is_alike(blocks, number, around):
            found[number] = (True, "paragraph within the text")
    now = [found[number][0] if number in found else keep for number, keep in enumerate(kept)]
    found.update(_find_headings(blocks, now, open_to, first, last))
    found.update(_find_bare(blocks, now))
    return found


def _home_of(block: Block) -> Any:
    """What the block stands in: the element around its paragraph, or its own where line breaks part paragraphs."""
    return block.element.getparent() if block.element.tag in _OWN_BOX else block.element


def _is_alike(blocks: Sequence[Block], number: int, around: Sequence[int]) -> bool:
    """Whether a paragraph is as long and made as the kept ones around it."""
    block = blocks[number]
    if len(block.text) < _WHOLE or block.link_share > _LINKED:
        return False
    return any(blocks[other].place == block.place for other in around)


def _find_headings(
    blocks: Sequence[Block], kept: Sequence[bool], open_to: Sequence[bool], first: int, last: int
) -> Decisions:
    """Headings right above what was kept, in the same element."""
    found: Decisions = {}
    for number in range(first + 1, last):
        if not kept[number] and open_to[number] and kept[number + 1] and _heads(blocks[number], blocks[number + 1]):
            found[number] = (True, "heading within the text")
    if first and open_to[first - 1] and _heads(blocks[first - 1], blocks[first]):
        place = blocks[first - 1].place  # that of the first part, where those of the others are made alike
        if any(blocks[n].place == place and (kept[n] or n in found) for n in range(first, last)):
            found[first - 1] = (True, "heading within the text")
    return found


def _heads(block: Block, below: Block) -> bool:
    """Whether a block is a heading of the line below it. A link to its own place on the page makes it none the less."""
    if block.kind != "heading" or block.level == 1 or block.label or len(block.text) > _HEADING:
        return False
    if below.link_share > _MOSTLY or (below.kind == "heading" and (below.level or 0) <= (block.level or 0)):
        return False
    if block.link_share > 0.1:
        links = list(islice(block.element.iter("a"), 5))
        if not links or any(not (link.get("href") or "#").startswith("#") for link in links):
            return False
    home = block.element.getparent()
    return any(above is home for above in islice(below.element.iterancestors(), _LEVELS))


def _find_bare(blocks: Sequence[Block], kept: Sequence[bool]) -> Decisions:
    """Headings that were kept although nothing of what they stand above was.

    One that is made as others which head text is one of a row, as in a list of pictures with a heading each.
    """
    bare: list[int] = []
    in_row: set[str] = set()
    below: int | None = None  # the kept line below
    for number in range(len(blocks) - 1, -1, -1):
        if not kept[number]:
            continue
        block = blocks[number]
        if block.kind == "heading" and block.level != 1:
            if _is_bare(blocks, number, below):
                bare.append(number)
                continue
            in_row.add(block.place)
        below = number
    if 2 * len(bare) > sum(kept):
        return {}  # a page of headings: they are its text
    return {
        number: (False, _name_headed(blocks, kept, number)) for number in bare if blocks[number].place not in in_row
    }


def _name_headed(blocks: Sequence[Block], kept: Sequence[bool], number: int) -> str:
    """What a heading heads that is no text: the label of the first line below it."""
    if number + 1 == len(blocks) or kept[number + 1]:
        return "below the end of the article"
    other = blocks[number + 1]
    return other.label or ("mostly links" if other.link_share > _MOSTLY else "below the end of the article")


def _is_bare(blocks: Sequence[Block], number: int, below: int | None) -> bool:
    block = blocks[number]
    if below is None:
        return True
    if blocks[below].kind != "heading" or (blocks[below].level or 0) > (block.level or 0):
        return False
    between = blocks[number + 1 : below]
    return 0 < len(between) <= _MOST and all(other.link_share > _MOSTLY or other.label in _APART for other in between)


_APART: Final = frozenset({"newsletter", "related", "jobs", "advert", "cookie notice"})
