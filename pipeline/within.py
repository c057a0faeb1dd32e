"""What is missing within a text, by where it stands and how it is made: what stands among its lines is text, too.

Blocks are weighed one by one (`pipeline.weighing`), and a heading, a sentence or two of a long text, a short item of a
list that is like a line of a menu, may weigh too little. Where all around it is text, in the same element, it is text,
unless its names or its words say otherwise. And the other way round: a heading of which nothing is left but the heading
is none. `mend_within` is asked before what lines say of themselves (`pipeline.edges`), so that it may drop what came
back, and `fill_gaps` after, so that a line that was dropped parts nothing. Pure: blocks and what was kept in,
decisions out. Not here: what stands above or behind the text (`pipeline.edges`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Any, Final

from pipeline.blocks import Block
from pipeline.wordings import heads_notes, tells_term

_WHOLE: Final = 80  # characters of a paragraph that is no caption, label or button
_LINKED: Final = 0.3
_MOSTLY: Final = 0.5
_HEADING: Final = 160  # characters
_MOST: Final = 40  # lines below a heading that are looked at
_FEWEST: Final = 3  # kept paragraphs that an element has at least if it is the text's
_LEVELS: Final = 6  # of the way up from a block to a heading's parent
_OWN_BOX: Final = frozenset({"p", "li", "pre", "blockquote", "h2", "h3", "h4", "h5", "h6", "dt", "dd"})
_LISTING: Final = frozenset({"ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th"})
_DEEP: Final = 8  # elements from an item or a cell up to its list or table

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
    """What the block stands in: the element around its paragraph, or its own where line breaks part paragraphs; of an
    item or a table, what the whole list or table stands in."""
    at = block.element.getparent() if block.element.tag in _OWN_BOX else block.element
    for _ in range(_DEEP):
        if at is None or at.tag not in _LISTING:
            return at
        at = at.getparent()
    return None


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


def _may_head(block: Block) -> bool:
    return block.kind == "heading" and block.level != 1 and not block.label and len(block.text) <= _HEADING


def _heads(block: Block, below: Block) -> bool:
    """Whether a block is a heading of the line below it. A link to its own place on the page makes it none the less."""
    if not _may_head(block):
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


# --- what parts or fills the text -----------------------------------------------------------------------

_BETWEEN: Final = 20  # items, tables and their heading between two blocks of the text
_BELOW: Final = 6  # blocks behind the text in which the notes to editors begin
_PROSE: Final = 100  # characters of a paragraph that a heading stands above


def fill_gaps(blocks: Sequence[Block], kept: Sequence[bool], open_to: Sequence[bool]) -> dict[int, str]:
    """What was left out and belongs to the text: headings, items, lines, lists and tables, notes to editors.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        open_to: of which of those left out this may be decided: not where their words or their boxes spoke against
            them.

    Returns:
        Number of a block -> why it is text, in words.
    """
    left = [number for number, keep in enumerate(kept) if keep]
    if not left:
        return {}
    found = dict.fromkeys(_find_placed_headings(blocks, left), "heading within the text")
    found |= dict.fromkeys(_find_items(blocks, left), "item of a list in the text")
    found |= dict.fromkeys(_find_terms(blocks, left), "line of a list in the text")
    left = sorted({*left, *(number for number in found if open_to[number])})
    found |= dict.fromkeys(_find_between(blocks, left), "list or table within the text")
    found |= dict.fromkeys(_find_notes(blocks, left), "notes to editors")
    return {number: why for number, why in found.items() if open_to[number]}


def _find_placed_headings(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """Headings right above a block that was kept, in one element with it as far as places tell.

    What stands below is prose, or the heading stands alone between it and the one kept before.
    """
    found: list[int] = []
    for before, behind in pairwise(left):
        number = behind - 1
        block, below = blocks[number], blocks[behind]
        if number == before or not _may_head(block) or block.link_share > 0.1:
            continue
        if below.kind == "heading" or _box_of(block) != _box_of(below):
            continue
        alone = number == before + 1 and _box_of(blocks[before]) == _box_of(block)
        if alone or (below.kind == "paragraph" and len(below.text) >= _PROSE):
            found.append(number)
    return found


def _box_of(block: Block) -> str:
    return block.place.rpartition("/")[0]


def _find_items(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The one item of a list that was left out where all the others, two or more, are text."""
    chosen = set(left)
    lists: dict[Any, list[int]] = {}
    for number in range(left[0], min(left[-1] + 2, len(blocks))):
        if blocks[number].kind == "item":
            lists.setdefault(blocks[number].element.getparent(), []).append(number)
    found: list[int] = []
    for items in lists.values():
        out = [number for number in items if number not in chosen]
        if len(out) == 1 and len(items) >= 3:
            block = blocks[out[0]]
            if block.link_share <= 0.1 and not block.label:
                found.append(out[0])
    return found


def _find_terms(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The one line right before or behind three of the text that tell a term each, "Ward: Holme", as it does."""
    found: list[int] = []
    chosen = set(left)
    for number in (left[0] - 1, left[-1] + 1):
        step = 1 if number < left[0] else -1
        if not 0 <= number < len(blocks) or not _is_term(blocks[number]):
            continue
        beside = [number + step * away for away in (1, 2, 3)]
        if all(
            other in chosen and blocks[other].place == blocks[number].place and _is_term(blocks[other])
            for other in beside
        ):
            found.append(number)
    return found


def _is_term(block: Block) -> bool:
    return block.kind in {"paragraph", "item"} and tells_term(block.text)


def _find_between(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """Lists and tables between two kept blocks, all of them beside each other in one element: where nothing has a name
    that says what it is, a short line below another one is all that the weights see."""
    found: list[int] = []
    for before, behind in pairwise(left):
        if not 2 <= behind - before <= _BETWEEN:
            continue
        home = _home_of(blocks[before])
        between = range(before + 1, behind)
        if home is None or home is not _home_of(blocks[behind]):
            continue
        if blocks[behind - 1].kind != "heading" and all(
            blocks[number].kind in {"item", "table", "heading"}
            and (blocks[number].kind, blocks[number].level) != ("heading", 1)
            and not blocks[number].label
            and blocks[number].link_share <= 0.1
            and _home_of(blocks[number]) is home
            for number in between
        ):
            found += between
    return found


def _find_notes(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The notes to editors below a release: their heading with the list or the paragraph below it, in the element that
    text stands in."""
    kept = set(left)
    start, stop = left[0] + 1, min(len(blocks), left[-1] + 1 + _BELOW)
    head = next((n for n in range(start, stop) if heads_notes(blocks[n].text)), None)
    if head is None or blocks[head].label:
        return []
    home = _home_of(blocks[head])
    if home is None or all(_home_of(blocks[number]) is not home for number in left[-_BELOW:]):
        return []
    found: list[int] = []
    for number in range(head + 1, min(len(blocks), head + _BETWEEN)):
        block = blocks[number]
        if number in kept:
            if block.kind != "item":
                break
            found.append(number)  # the list goes on behind it
            continue
        plain = not block.label and block.link_share <= 0.5 and _home_of(block) is home
        if not plain or block.kind not in {"item", "paragraph"} or (found and block.kind != "item"):
            break
        found.append(number)
    if not found and head + 1 not in kept:
        return []  # a heading of nothing
    return [number for number in (head, *found) if number not in kept]
