"""Where a text ends: lines that were kept and serve the page, and lines before and behind the text that belong to it.

Blocks are weighed by shape and place (`pipeline.weighing`); here a few say by their wording (`pipeline.wordings`) or
their own names what they are. Such lines, the heading above and the links and answers below them, and a list of other
news behind the text are no text; a notice of correction is, so is a release's contact for the press, and so is the
standfirst between headline and text where the text begins with it. That is so outside of English (Vorspann, chapô,
ingress); English readers take it for a part of the headline, and so do two of three packs of labels: there it is left
out and called by its name. Pure: blocks in, decisions out; of the tree only links and names of short lines are read.
Not here: what is missing within the text (`pipeline.within`), and lines that recur on a site (`pipeline.boilerplate`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from pipeline.blocks import Block
from pipeline.edits import find_notices
from pipeline.metadata import Metadata, fold
from pipeline.wordings import (
    LEADING,
    asks_for_gifts,
    ends_release,
    heads_contact,
    heads_news,
    name_invitation,
    offers_others,
    shares_story,
    tell_wording,
    tells_author,
)

_HEAD, _FOOT = 4, 4  # kept blocks at either end that may be a line of the frame
_ABOVE: Final = 40  # blocks between headline and text that are looked at
_BEHIND: Final = 6  # blocks behind the text in which its notice of correction is looked for
_STANDFIRST: Final = range(20, 700)
_SAME: Final = 40  # letters of a description that is believed to be the standfirst's

Decisions = dict[int, tuple[bool, str]]


def decide_edges(blocks: Sequence[Block], kept: Sequence[bool], about: Metadata) -> Decisions:
    """What is to be decided otherwise than it was.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        about: the page's metadata: headlines and description.

    Returns:
        Number of a block -> whether it is text, and why, in words.
    """
    chosen = [number for number, keep in enumerate(kept) if keep]
    if not chosen:
        return {}
    found = _drop_lines(blocks, chosen)
    for number in chosen[-_BIOGRAPHIES:] if len(chosen) > _FOOT else ():
        if number not in found and tells_author(blocks[number].text, about.authors):
            found[number] = (False, "author")
    if len(found) >= len(chosen) or 2 * sum(len(blocks[number].text) for number in found) > sum(
        len(blocks[number].text) for number in chosen
    ):
        found = {}
    left = [number for number in chosen if number not in found]
    told = about.language or ""
    foreign = bool(told) and not told.lower().startswith("en")
    for number in _find_standfirsts(blocks, left[0], about):
        found[number] = (foreign, "standfirst")
    if told.lower().startswith("en") and len(left) > 2 and _is_standfirst(blocks[left[0]]):
        found[left[0]] = (False, "standfirst")
    for number in _find_corrections(blocks, kept, left):
        found[number] = (True, "correction")
    for number in _find_contacts(blocks, left):
        found[number] = (True, "contact for the press")
    return found


# --- lines that are no text -----------------------------------------------------------------------------


def _drop_lines(blocks: Sequence[Block], chosen: Sequence[int]) -> Decisions:
    """Lines that were kept and say themselves that they are no text."""
    found: Decisions = {}
    for place, number in enumerate(chosen):
        block = blocks[number]
        if block.kind in {"table", "code"}:
            continue
        why = _tell_line(block, outer=place < _HEAD or place >= len(chosen) - _FOOT)
        if not why and block.kind == "heading" and _heads_box(blocks, number, chosen, place):
            why = block.label
        if not why and _leads_off(blocks, number, chosen, place):
            why = "related"
        if why:
            found[number] = (False, why)
    found.update(_drop_followers(blocks, chosen, found))
    return {**found, **_drop_headings(blocks, chosen, found), **_drop_lists(blocks, chosen)}


def _drop_followers(blocks: Sequence[Block], chosen: Sequence[int], dropped: Decisions) -> Decisions:
    """The links below "Read next" and the answers below "Was this page useful?", in the box that they stand in."""
    found: Decisions = {}
    leader: Block | None = None
    why = ""
    for number in chosen:
        block = blocks[number]
        if number in dropped:
            leader, why = block, dropped[number][1]
            continue
        if leader is None or block.kind == "heading" or not _is_inside(block, leader):
            leader = None
            continue
        answers = why == "feedback" and len(block.text) < _ANSWER
        links = why == "related" and block.link_share > _LINKED and len(block.text) < _ITEM
        if answers or links:
            found[number] = (False, why)
        else:
            leader = None
    return found


_ANSWER: Final = 30
_LINKED: Final = 0.9


_HEADED: Final = frozenset({"get in touch", "newsletter", "feedback", "external content", "share"})


def _drop_headings(blocks: Sequence[Block], chosen: Sequence[int], dropped: Decisions) -> Decisions:
    """Headings that nothing of the text stands below: what is in their box or up to the next heading is dropped."""
    found: Decisions = {}
    for place, number in enumerate(chosen):
        block = blocks[number]
        below = number + 1
        if block.kind != "heading" or len(block.text) >= LEADING or number in dropped or below not in dropped:
            continue
        why = dropped[below][1]
        after = next((other for other in chosen[place + 1 :] if other not in dropped), None)
        ends = after is None or blocks[after].kind == "heading" or _box_of(blocks[after]) != _box_of(block)
        if why in _HEADED and ends and _box_of(blocks[below]) == _box_of(block):
            found[number] = (False, why)
    return found


def _box_of(block: Block) -> str:
    return block.place.rpartition("/")[0]


def _tell_line(block: Block, *, outer: bool) -> str:
    """What a line that is no text says that it is, by its words, names or links; empty where it says nothing."""
    text = block.text
    told = tell_wording(text, block.kind, outer=outer)
    if told or len(text) > _CAPTION:
        return told
    if len(text) < _SHORT and _UNSHOWN.search(block.element.get("class") or ""):
        return "hidden"
    if len(text) < _SHORT and block.link_share and shares_story(text, _links_of(block)):
        return "share"
    own = block.label == "caption" and any(map(_OWN_CAPTION.search, block.place.split("/")[-2:]))
    return "caption" if own and block.kind != "heading" else ""


def _links_of(block: Block) -> list[tuple[str, str]]:
    """Words and address of each link of a line."""
    links = [
        (" ".join("".join(islice(link.itertext(), 20)).split()), link.get("href") or "")
        for link in islice(block.element.iter("a"), 20)
    ]
    return [(words, address) for words, address in links if words and words in block.text]


_SHORT: Final = 80  # characters of a line that is nothing but a label
_CAPTION: Final = 250
_OWN_CAPTION: Final = re.compile(r"caption|credit(?!or)", re.IGNORECASE)
_UNSHOWN: Final = re.compile(  # what style sheets call what only screen readers read out
    r"(?:^|[\s_-])(?:visually-?hidden|sr-only|screen-?reader(?:-text|-only)?|show-for-sr|element-invisible)(?:\s|$)",
    re.IGNORECASE,
)
_BIOGRAPHIES: Final = 2  # kept blocks at the end that may tell who the author is


# --- what leads to other pages --------------------------------------------------------------------------


_ITEM: Final = 160  # characters of a headline in a list of other news


def _drop_lists(blocks: Sequence[Block], chosen: Sequence[int]) -> Decisions:
    """A list of other news or of links that was kept behind the text, though its heading was not or says what it is."""
    found: Decisions = {}
    for place in range(len(chosen) - 1, 0, -1):
        number = chosen[place]
        block = blocks[number]
        if len(block.text) > _ITEM or block.text.endswith((".", "!", "?", "”", '"')):
            break
        heading = _heading_of(blocks, number)
        if heading is None:
            break
        other = heads_news(blocks[heading].text)
        if not other and (heading in chosen or block.link_share < 0.95):
            break
        found[number] = (False, "related" if other else "mostly links")
        if other and heading in chosen:
            found[heading] = (False, "related")
            if chosen[place - 1] == heading:
                continue
    return found


def _heading_of(blocks: Sequence[Block], number: int) -> int | None:
    """The heading right above a list that a block is in."""
    for above in range(number - 1, max(-1, number - _LISTED), -1):
        block = blocks[above]
        if block.kind == "heading":
            return above if _is_inside(blocks[number], block) else None
        if len(block.text) > _ITEM:
            return None
    return None


_LISTED: Final = 12


def _is_inside(block: Block, heading: Block) -> bool:
    """Whether a block stands in what a heading stands in, as far as places tell."""
    return "/".join(heading.place.rpartition("/")[0].split("/")[-2:]) in block.place


_BOXES: Final = frozenset({"newsletter", "related", "jobs", "share", "advert"})


def _heads_box(blocks: Sequence[Block], number: int, chosen: Sequence[int], place: int) -> bool:
    """Whether a heading stands over a box that was left out, and is named as the box is."""
    block = blocks[number]
    if block.label not in _BOXES or number + 1 >= len(blocks):
        return False
    following = chosen[place + 1] if place + 1 < len(chosen) else len(blocks)
    other = blocks[number + 1]
    return following > number + 1 and other.label == block.label and _is_inside(other, block)


def _leads_off(blocks: Sequence[Block], number: int, chosen: Sequence[int], place: int) -> bool:
    """Whether a line leads to other pages, "More on this:", and what it leads to is no text, or links."""
    after = number + 1
    if blocks[number].link_share > _LINKED or not offers_others(blocks[number].text):
        return False
    follows = place + 1 < len(chosen) and chosen[place + 1] == after
    return not follows or (blocks[after].link_share > _LINKED and _is_inside(blocks[after], blocks[number]))


# --- text that was lost ---------------------------------------------------------------------------------

_SUMMING_UP: Final = re.compile(
    r"(?<![a-z])(?:stand-?_?first|strap-?line|dek|deck|kicker-?text|sub-?_?(?:head(?:line)?|title|deck)|"
    r"(?:article|post|story|entry|news|content|page|single|head(?:er)?|field[-_]+name[-_]+field|document|_)[-_]*"
    r"(?:lead|lede|intro|excerpt|summary|abstract|description|teaser|standfirst)|"
    r"lead-?(?:text|paragraph|in)|lede|teaser-?text|intro(?:duction)?-?text|excerpt|vorspann|anrei(?:ss|ß)er|chapo|"
    r"chapeau|entradilla|bajada|copete|sumario|sommario|occhiello|catenaccio|ingress|manchet|perex|rubrik-?text|"
    r"lidt?ekst|preamble|sapou|(?:haber|article|news)[-_]spot|podtytu\w*)(?![a-z])",
    re.IGNORECASE,
)
_SUMMING_UP_ALONE: Final = re.compile(
    r"(?<![a-z])(?:strap|sub-?heading|intro(?:duction)?|summary|lead)(?![a-z])", re.IGNORECASE
)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")  # between the words of "articleLead"


@lru_cache(maxsize=4096)
def names_standfirst(names: str, *, alone: bool = False) -> bool:
    """Whether names of an element are those that systems of many languages give to standfirsts.

    Args:
        names: its classes and the like, or a step of a place.
        alone: the element holds nothing but one block, so that words will do which elsewhere name whole parts of
            pages, "intro".
    """
    names = _HUMP.sub("-", names)
    return _SUMMING_UP.search(names) is not None or (alone and _SUMMING_UP_ALONE.search(names) is not None)


_NEVER: Final = frozenset(
    {"caption", "byline", "share", "newsletter", "comments", "advert", "jobs", "navigation", "cookie notice", "tags"}
    | {"breadcrumbs"}
)


def _find_standfirsts(blocks: Sequence[Block], first: int, about: Metadata) -> list[int]:
    """What stands between headline and text and sums it up: named so, or what the page describes itself with."""
    headlines = {fold(title) for title in about.titles}
    start = max(0, first - _ABOVE)
    title = next(
        (
            number
            for number in range(first - 1, start - 1, -1)
            if (blocks[number].kind == "heading" and blocks[number].level == 1)
            or (len(blocks[number].text) < 400 and fold(blocks[number].text) in headlines)
        ),
        None,
    )
    if title is None:
        return []
    description = fold(about.description or "")
    found: list[int] = []
    for number in range(title + 1, first):
        block = blocks[number]
        if len(block.text) not in _STANDFIRST or block.link_share > 0.5 or block.kind in {"caption", "table", "item"}:
            continue
        key = fold(block.text)
        if block.label in _NEVER or key in headlines:
            continue
        described = key == description if len(key) < _SAME else description.startswith(key)
        if described or _is_named(block.place):
            found.append(number)
    return found if len(found) <= 2 else []


def _is_standfirst(block: Block) -> bool:
    """Whether the first line of a text is a standfirst by its own element's name. "Intro" and "lead" do not tell."""
    if len(block.text) not in _STANDFIRST or block.kind not in {"paragraph", "heading"}:
        return False
    return _STANDING_FIRST.search(block.place.rpartition("/")[2]) is not None


_STANDING_FIRST: Final = re.compile(
    r"(?<![a-z])(?:stand-?_?first|strap-?line|dek|sub-?_?(?:head(?:line)?|title|deck))(?![a-z])", re.IGNORECASE
)
_PICTURED: Final = re.compile(r"image|picture|photo|media(?!n)|figure|caption|credit|bild", re.IGNORECASE)


def _is_named(place: str) -> bool:
    """Whether a block, or what it stands in, is named as standfirsts are."""
    steps = place.rsplit("/", 3)[-3:]
    return any(map(names_standfirst, steps)) and not any(map(_PICTURED.search, steps))


def _find_corrections(blocks: Sequence[Block], kept: Sequence[bool], chosen: Sequence[int]) -> list[int]:
    """Notices of correction that stand in the text or right behind it and were left out."""
    first, last = chosen[0], chosen[-1]
    found: list[int] = []
    for number in range(first + 1, min(len(blocks), last + 1 + _BEHIND)):
        block = blocks[number]
        if kept[number] or not 40 <= len(block.text) <= 1000 or block.link_share > 0.5:
            continue
        if block.label in {"comments", "related", "newsletter", "jobs", "navigation", "cookie notice", "caption"}:
            continue
        if len(block.text.split()) >= 8 and find_notices(block.text):
            found.append(number)
    return found


def _find_contacts(blocks: Sequence[Block], chosen: Sequence[int]) -> list[int]:
    """The contact for the press behind a release that says where it ends, with its heading."""
    last = chosen[-1]
    if last + 2 >= len(blocks) or not heads_contact(blocks[last + 1].text):
        return []
    ended = any(ends_release(blocks[number].text) for number in chosen[-12:])
    text = blocks[last + 2].text
    told = "@" in text and len(text) < 300 and blocks[last + 2].label not in _NEVER
    return [last + 1, last + 2] if ended and told else []


# --- names of what was left out -------------------------------------------------------------------------


def name_led(blocks: Sequence[Block], kept: Sequence[bool], whys: Sequence[str]) -> Mapping[int, str]:
    """Better names for blocks that were left out and have none of their own: what leads them in, and what they say.

    A heading like "Most read" leads in other news, up to the next heading; a line between two parts of one box is a
    part of it.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        whys: why each of the others is not.
    """
    found: dict[int, str] = {}
    leads = ""
    for number, (block, keep) in enumerate(zip(blocks, kept, strict=True)):
        why = whys[number]
        if keep or why == "navigation":
            leads = ""
            continue
        if heads_news(block.text):
            if block.kind == "heading" or why in {"header", "related"} or _is_title(block):
                leads = "related"
            elif number and whys[number - 1] in _VAGUE and not kept[number - 1] and _share_box(blocks, number):
                found[number - 1] = "related"  # "Read more" below a headline
        elif block.kind == "heading" and block.link_share < 0.5:
            leads = ""
        name = (leads or _name_line(blocks, number, kept, whys)) if why in _VAGUE else ""
        if why in {*_VAGUE, "above the article"} and asks_for_gifts(block.text):
            name = "advert"
        if name:
            found[number] = name
    return found


def _name_line(blocks: Sequence[Block], number: int, kept: Sequence[bool], whys: Sequence[str]) -> str:
    """What a line says of itself, or what stands on both sides of it in the same box."""
    block = blocks[number]
    if block.link_share > 0.5 and _PAGER.search(block.place[-80:]):
        return "related"  # the story before and the one after
    told = name_invitation(block.text)
    if told or not 0 < number < len(blocks) - 1 or kept[number - 1] or kept[number + 1]:
        return told
    within = blocks[number - 1].place == block.place == blocks[number + 1].place
    return whys[number - 1] if within and whys[number - 1] == whys[number + 1] in _BOXES else ""


def _is_title(block: Block) -> bool:
    """Whether a short line that is no heading looks like one: bold all over."""
    return block.bold_share > 0.9 and block.link_share < 0.5


def _share_box(blocks: Sequence[Block], number: int) -> bool:
    box = blocks[number - 1].place
    return bool(box) and (blocks[number].place.startswith(box) or box.startswith(blocks[number].place))


_VAGUE: Final = frozenset({"sidebar", "mostly links", "below the end of the article", "not part of the article"})
_PAGER: Final = re.compile(r"paginat|pager|(?:prev|next)[-_](?:prev|next|post|article|story)|post-?nav")
