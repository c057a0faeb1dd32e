"""The visible blocks of a page: runs of text that belong to one block element, and what their place says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from lxml.etree import XPath, _Element, strip_elements
from lxml.html import HtmlElement

from pipeline.metadata import tidy
from pipeline.model import Stripped

STRIPPED_BLOCKS: Final = 60
STRIPPED_CHARACTERS: Final = 600
STRIPPED_TOTAL: Final = 8000

_INLINE: Final = frozenset(
    [
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins"),
        *("kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var"),
        "wbr",
    ]
)
_UNSEEN: Final = ("nav", "option", "button", "textarea", "object", "audio", "video", "canvas")
_FIND_TEXTS: Final = XPath(".//text()[normalize-space()]")
_TEXT_NODES: Final = 20_000


def texts_of(element: _Element) -> list[Any]:
    """Text nodes below an element: lxml's strings, which know their parents."""
    found = _FIND_TEXTS(element)
    return found[:_TEXT_NODES] if isinstance(found, list) else []


def _one_of(*patterns: tuple[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns), re.IGNORECASE)


_PLACES: Final = _one_of(
    ("cookie_notice", r"cookie|consent|gdpr|onetrust|didomi|\bcmp\b"),
    ("newsletter", r"newsletter|sign-?up|subscri|mailing"),
    ("jobs", r"\bjobs?\b|vacanc|recruit"),
    ("advert", r"\bad(?:s|vert\w*|-?slot|-?unit)?\b|sponsor|promo|commercial"),
    ("related", r"related|recommend|\bmore-|read-?next|most-?(?:read|popular)|trending|teaser|\blatest\b"),
    ("caption", r"caption|credit|\bfigure\b|photo"),
    ("share", r"\bshar(?:e|ing)|social|follow"),
    ("comments", r"comment|disqus"),
    ("byline", r"byline|author|dateline|timestamp|publish|\bmeta\b|\bdate\b"),
    ("tags", r"\btags?\b|\btopics?\b|keyword"),
    ("breadcrumbs", r"breadcrumb"),
    ("navigation", r"\bnav|\bmenu|skip-"),
    ("banner", r"banner"),
    ("footer", r"footer|copyright"),
    ("header", r"\bheader|masthead"),
    ("sidebar", r"\baside\b|sidebar"),
)
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
_CREDIT: Final = re.compile(r"(?:image|photo|picture|pic)s?\b.{0,12}:|©", re.IGNORECASE)
_PAY: Final = re.compile(r"£\d\d[\d,]+\s*(?:-|–|to)\s*£?\d\d")


def _wording(block: str) -> str:
    """The label that a block's words give it, if they do."""
    text = block.lower()
    for words, label in _WORDINGS.items():
        if words in text:
            return label
    if _CREDIT.match(text):
        return "caption"
    return "jobs" if "£" in text and _PAY.search(text) else ""


@lru_cache(maxsize=4096)
def label_of(names: str) -> str:
    """The label that names (of classes, ids, roles) give a block, or empty text."""
    match = _PLACES.search(names)
    return (match.lastgroup or "").replace("_", " ") if match else ""


def strip_blocks(tree: HtmlElement, text: str, titles: Iterable[str] = ()) -> list[Stripped]:
    """The visible blocks of a page that are not in its text, each labelled by its wording or its place.

    The headline and menus are left out, and taken out of the tree. Neighbours with the same label are one block.
    """
    body = tree.find("body")
    if body is None:
        return []
    strip_elements(body, *_UNSEEN, with_tail=False)
    kept = "".join("\n".join((text, *titles)).split())
    labels: dict[_Element, str] = {}
    found: list[list[str]] = []  # label, text
    room = STRIPPED_TOTAL
    for element, block in _blocks(body):
        if block.replace(" ", "") in kept:
            continue
        reason = _wording(block[:STRIPPED_CHARACTERS]) or _place(element, labels)
        if reason == "navigation":
            continue
        block = tidy(block, STRIPPED_CHARACTERS)
        room -= len(block)
        if room < 0:
            break
        if found and found[-1][0] == reason and len(found[-1][1]) + len(block) < STRIPPED_CHARACTERS:
            found[-1][1] += f"\n{block}"
        elif len(found) == STRIPPED_BLOCKS:
            break
        else:
            found.append([reason, block])
    return [Stripped(text=block, reason=reason) for reason, block in found]


def _blocks(body: _Element) -> Iterator[tuple[_Element, str]]:
    """Runs of visible text that belong to one block element, in the order of the page."""
    current: _Element | None = None
    parts: list[str] = []
    for piece in texts_of(body):
        block = piece.getparent()
        if piece.is_tail:
            block = block.getparent()
        while block is not None and block.tag in _INLINE:
            block = block.getparent()
        if block is not current:
            if parts and current is not None:
                yield current, " ".join(" ".join(parts).split())
            current, parts = block, []
        parts.append(piece)
    if parts and current is not None:
        yield current, " ".join(" ".join(parts).split())


def _place(element: _Element, labels: dict[_Element, str]) -> str:
    """The label that the nearest ancestor with a telling name gives; remembered for the whole way up."""
    way: list[_Element] = []
    label = ""
    at: _Element | None = element
    while not label and at is not None and at.tag not in {"body", "html"}:
        label = labels.get(at) or label_of(
            " ".join(filter(None, (at.tag, at.get("class"), at.get("id"), at.get("role"))))[:300]
        )
        way.append(at)
        at = at.getparent()
    label = label or "not part of the article"
    labels.update(dict.fromkeys(way, label))
    return label


def bound_blocks(blocks: Iterable[Stripped]) -> Iterator[Stripped]:
    """As many blocks, and as much of each, as is kept."""
    room = STRIPPED_TOTAL
    for number, block in enumerate(blocks):
        if number == STRIPPED_BLOCKS or len(block.text) > room:
            return
        room -= len(block.text)
        yield (
            block
            if len(block.text) <= STRIPPED_CHARACTERS
            else Stripped(text=block.text[:STRIPPED_CHARACTERS], reason=block.reason)
        )
