"""What single lines of a page say of themselves, at the edges of a text that was found, and in boxes inside of it.

Blocks are weighed by shape and place (`pipeline.weighing`); here a few say by their wording or their own names what
they are: date lines, labels of adverts, invitations, links to other stories and captions are no text; a notice of
correction at its end is, and so is the standfirst between headline and text where the text begins with it. That is
so outside of English (Vorspann, chapô, ingress); English readers take it for a part of the headline, and so do two of
three packs of labels: there it is left out and called by its name. Pure: blocks in, decisions out; nothing is read
from the tree. Not here: lines that recur on a site (`pipeline.boilerplate`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from pipeline.blocks import Block
from pipeline.edits import find_notices, is_appeal, is_dateline, leads_away
from pipeline.metadata import Metadata, fold

_HEAD, _FOOT = 4, 4  # kept blocks at either end that may be a line of the frame
_ABOVE: Final = 40  # blocks between headline and text that are looked at
_BEHIND: Final = 6  # blocks behind the text in which its notice of correction is looked for
_LINE: Final = 300  # characters of a line that may be no text
_CAPTION: Final = 250
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
    if len(found) >= len(chosen) or 2 * sum(len(blocks[number].text) for number in found) > sum(
        len(blocks[number].text) for number in chosen
    ):
        found = {}
    left = [number for number in chosen if number not in found]
    told = about.language or ""
    for number in _find_standfirsts(blocks, left[0], about):
        found[number] = (bool(told) and not told.lower().startswith("en"), "standfirst")
    for number in _find_corrections(blocks, kept, left):
        found[number] = (True, "correction")
    for number in _find_headings(blocks, left):
        found[number] = (True, "heading within the text")
    for number in _find_items(blocks, left):
        found[number] = (True, "item of a list in the text")
    for number in _find_contacts(blocks, left):
        found[number] = (True, "contact for the press")
    return found


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


def _find_headings(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """Headings that stand alone between two kept blocks, beside them in one element as far as places tell."""
    found: list[int] = []
    for before, behind in pairwise(left):
        block = blocks[before + 1]
        if behind != before + 2 or block.kind != "heading" or block.level == 1 or block.link_share > 0.1:
            continue
        around = {blocks[number].place.rpartition("/")[0] for number in (before, before + 1, behind)}
        if len(around) == 1 and len(block.text) <= _ITEM and not block.label and blocks[behind].kind != "heading":
            found.append(before + 1)
    return found


# --- lines that are no text -----------------------------------------------------------------------------


def _drop_lines(blocks: Sequence[Block], chosen: Sequence[int]) -> Decisions:
    """Lines that were kept and say themselves that they are no text."""
    found: Decisions = {}
    for place, number in enumerate(chosen):
        block = blocks[number]
        text = block.text
        if len(text) > _LINE or block.kind in {"table", "code"}:
            continue
        outer = place < _HEAD or place >= len(chosen) - _FOOT
        if outer and len(text) < 80 and is_dateline(text):
            found[number] = (False, "byline")
        elif block.kind != "item" and is_appeal(text):
            found[number] = (False, "newsletter" if len(text) > 30 else "advert")
        elif leads_away(text):
            found[number] = (False, "related")
        elif (
            block.label == "caption"
            and block.kind != "heading"
            and len(text) <= _CAPTION
            and any(map(_OWN_CAPTION.search, block.place.split("/")[-2:]))
        ):
            found[number] = (False, "caption")
        elif block.kind == "heading" and _heads_box(blocks, number, chosen, place):
            found[number] = (False, block.label)
    return {**found, **_drop_lists(blocks, chosen)}


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
        other = len(blocks[heading].text) < 60 and _leads_list(blocks[heading].text)
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


_OWN_CAPTION: Final = re.compile(r"caption|credit(?!or)", re.IGNORECASE)
_BOXES: Final = frozenset({"newsletter", "related", "jobs", "share", "advert"})


def _heads_box(blocks: Sequence[Block], number: int, chosen: Sequence[int], place: int) -> bool:
    """Whether a heading stands over a box that was left out, and is named as the box is."""
    block = blocks[number]
    if block.label not in _BOXES or number + 1 >= len(blocks):
        return False
    following = chosen[place + 1] if place + 1 < len(chosen) else len(blocks)
    other = blocks[number + 1]
    return following > number + 1 and other.label == block.label and _is_inside(other, block)


# --- text that was lost ---------------------------------------------------------------------------------

_SUMMING_UP: Final = re.compile(
    r"(?<![a-z])(?:stand-?_?first|strap-?line|dek|deck|sub-?_?(?:head(?:line)?|title|deck)|"
    r"(?:article|post|story|entry|news|content|page|single|field[-_]+name[-_]+field|document)[-_]*"
    r"(?:lead|lede|intro|excerpt|summary|abstract|description|teaser|standfirst)|"
    r"lead-?(?:text|paragraph|in)|lede|teaser-?text|intro(?:duction)?-?text|excerpt|vorspann|anrei(?:ss|ß)er|chapo|"
    r"chapeau|entradilla|bajada|copete|sommario|occhiello|catenaccio|ingress|manchet|perex)(?![a-z])",
    re.IGNORECASE,
)
_HINTS: Final = (
    *("stand", "strap", "dek", "deck", "sub", "lead", "lede", "intro", "excerpt", "summary", "abstract", "descr"),
    *("teaser", "vorspann", "anrei", "chap", "entradilla", "bajada", "copete", "sommario", "occhiello", "catenaccio"),
    *("ingress", "manchet", "perex"),
)
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


def _is_named(place: str) -> bool:
    """Whether a block, or what it stands in, is named as standfirsts are."""
    steps = place.rsplit("/", 3)[-3:]
    return any(_SUMMING_UP.search(step) for step in steps if any(hint in step.lower() for hint in _HINTS))


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


_RELEASE: Final = re.compile(
    r"\W*(?:ends?|notes? (?:to|for) (?:the )?editors?|nodiadau (?:i|ar gyfer) olygyddion|diwedd)\W*", re.IGNORECASE
)
_CONTACTS: Final = re.compile(
    r"\W*(?:(?:press|media) )?(?:contacts?|enquiries|inquiries|office|contact details)\W*|cyswllt|pressekontakt",
    re.IGNORECASE,
)


def _find_contacts(blocks: Sequence[Block], chosen: Sequence[int]) -> list[int]:
    """The contact for the press behind a release that says where it ends, with its heading."""
    last = chosen[-1]
    if last + 2 >= len(blocks) or not _CONTACTS.fullmatch(blocks[last + 1].text[:60]):
        return []
    ended = any(len(blocks[number].text) < 40 and _RELEASE.fullmatch(blocks[number].text) for number in chosen[-12:])
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
        if len(block.text) < 60 and _leads_list(block.text):
            if block.kind == "heading" or why in {"header", "related"} or _is_title(block):
                leads = "related"
            elif number and whys[number - 1] in _VAGUE and not kept[number - 1] and _share_box(blocks, number):
                found[number - 1] = "related"  # "Read more" below a headline
        elif block.kind == "heading" and block.link_share < 0.5:
            leads = ""
        name = (leads or _name_line(blocks, number, kept, whys)) if why in _VAGUE else ""
        if name:
            found[number] = name
    return found


@lru_cache(maxsize=4096)
def _leads_list(text: str) -> bool:
    return _LISTS.fullmatch(text) is not None


def _name_line(blocks: Sequence[Block], number: int, kept: Sequence[bool], whys: Sequence[str]) -> str:
    """What a line says of itself, or what stands on both sides of it in the same box."""
    block = blocks[number]
    if block.link_share > 0.5 and _PAGER.search(block.place[-80:]):
        return "related"  # the story before and the one after
    if len(block.text) < 40 and block.text[:6].lower() == "share ":
        return "share"
    if is_appeal(block.text):
        return "share" if block.text[:6].lower() == "follow" else "newsletter"
    if not 0 < number < len(blocks) - 1 or kept[number - 1] or kept[number + 1]:
        return ""
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
_LISTS: Final = re.compile(
    r"\W*(?:(?:more|other|latest|recent|related|popular|top|our|further|read)\s(?:\w+\s)?"
    r"(?:news|stories|articles|posts|headlines|releases|updates|reading|more)\b.{0,30}"
    r"|more\s(?:on|about|from|in)\b.{0,40}|latest|recent"
    r"|most\s(?:read|popular|viewed|recent|shared)|read\s(?:more|next|also)|trending|you\s(?:may|might)\salso\s.{0,20}|news|top"
    r"|(?:andere|weitere|mehr|neueste|aktuelle|ähnliche|verwandte)\s(?:nachrichten|meldungen|artikel|beiträge|themen|news)"
    r"|meistgelesen|(?:à|a)\slire\saussi|lire\saussi|autres\s(?:actualités|articles)|(?:más|otras|últimas)\snoticias|lo\smás\s\w+"
    r"|altre\snotizie|leggi\sanche|più\slett[ei]|(?:meer|ander|laatste)\snieuws|lees\sook|(?:fler|andra|senaste)\s(?:nyheter|artiklar)"
    r"|(?:flere|andre|siste|seneste)\s(?:nyheter|nyheder|saker|artikler)|outras\snotícias|mais\s(?:notícias|lidas)|leia\stambém"
    r"|inne\saktualności|czytaj\stakże|(?:newyddion|datganiadau|straeon)\s(?:eraill|diweddar\w*|cysylltiedig))\W*",
    re.IGNORECASE,
)
