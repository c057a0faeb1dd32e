"""Lists, tables and notes to editors that were left out between lines of the text or right below it.

Blocks are weighed one by one (`pipeline.weighing`). Where no element has a name that says what it is, a short item of a
list is like a line of a menu, though text stands above and below it in the same element. Pure: blocks in, numbers out.
Not here: what single lines say of themselves (`pipeline.edges`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from pipeline.blocks import Block

_BELOW: Final = 6  # blocks behind the text in which the notes to editors begin


def fill_gaps(blocks: Sequence[Block], kept: Sequence[bool]) -> dict[int, str]:
    """What was left out and belongs to the text.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.

    Returns:
        Number of a block -> why it is text, in words.
    """
    left = [number for number, keep in enumerate(kept) if keep]
    if not left:
        return {}
    found = dict.fromkeys(_find_between(blocks, left), "list or table within the text")
    return found | dict.fromkeys(_find_notes(blocks, left), "notes to editors")


_BETWEEN: Final = 20  # items, tables and their heading between two blocks of the text
_DEEP: Final = 8  # elements from an item or a cell up to its list or table


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


def _home_of(block: Block) -> Any:
    """The element that a block stands in; of an item or a table, the one that the whole list or table stands in."""
    at = block.element.getparent()
    for _ in range(_DEEP):
        if at is None or at.tag not in _LISTING:
            return at
        at = at.getparent()
    return None


_LISTING: Final = frozenset({"ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th"})


_NOTES: Final = re.compile(
    r"\W*(?:notes? (?:to|for) (?:the )?(?:editors?|media|journalists?)|editors?['’]?s?['’]? notes|"
    r"nodiadau (?:i|ar gyfer)(?:['’]?r)? (?:g?olygyddion|cyfryngau)|"
    r"hinweise? (?:für|an) die (?:redaktion(?:en)?|medien)|notes? aux (?:rédactions?|rédacteurs)|"
    r"note per (?:la stampa|i giornalisti)|notas? (?:para|a) (?:los )?(?:editores|redactores))\W*",
    re.IGNORECASE,
)


def _find_notes(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The notes to editors below a release: their heading with the list or the paragraph below it, in the element that
    text stands in."""
    kept = set(left)
    start, stop = left[0] + 1, min(len(blocks), left[-1] + 1 + _BELOW)
    head = next((n for n in range(start, stop) if len(blocks[n].text) < 60 and _NOTES.fullmatch(blocks[n].text)), None)
    if head is None or blocks[head].label:
        return []
    home = _home_of(blocks[head])
    if home is None or all(_home_of(blocks[number]) is not home for number in left[-_BELOW:]):
        return []
    found: list[int] = []
    for number in range(head + 1, min(len(blocks), head + _BETWEEN)):
        block = blocks[number]
        if number in kept:
            break
        plain = not block.label and block.link_share <= 0.5 and _home_of(block) is home
        if not plain or block.kind not in {"item", "paragraph"} or (found and block.kind != "item"):
            break
        found.append(number)
    if not found and head + 1 not in kept:
        return []
    return [number for number in (head, *found) if number not in kept]
