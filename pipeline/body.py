"""The text of a page: trafilatura's, cleared of what is known not to belong to it.

Only this module knows trafilatura, and only workers load it.
"""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, Final

from lxml.etree import XPath, strip_elements
from lxml.html import HtmlElement

from pipeline.blocks import STRIPPED_BLOCKS, STRIPPED_CHARACTERS, label_of
from pipeline.metadata import TITLE_CHARACTERS, Metadata, fold, tidy
from pipeline.model import Stripped


@cache
def extractor_version() -> str:
    """What made the text, for the version documents: ``trafilatura 2.3.1``."""
    return f"trafilatura {version('trafilatura')}"


@cache
def load_trafilatura() -> tuple[Any, Any]:
    """trafilatura and its options, loaded when the first page comes: the parent process never needs it."""
    import trafilatura  # noqa: PLC0415 - 0.5 s that the parent process never needs
    from trafilatura.settings import Extractor as Options  # noqa: PLC0415

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura, Options(output_format="python", comments=False)


def find_text(tree: HtmlElement) -> str:
    """trafilatura's text: paragraphs on lines of their own. The tree is copied by trafilatura, not changed.

    Readers' comments are left out: they are no part of the article.
    """
    library, options = load_trafilatura()
    found = library.bare_extraction(tree, options=options)
    return str(found.text or "") if found is not None else ""


_FIND_FRAME: Final = XPath("//nav | //footer[not(ancestor::article or ancestor::main)]")


def drop_unread(tree: HtmlElement) -> list[Stripped]:
    """Take out of a tree what is never text, before trafilatura copies and searches it several times; JSON-LD stays.

    Menus and the page's footer are a third of many pages; without them trafilatura gives the same text for news and
    better text elsewhere, in nine tenths of the time. They stay where they hold half of the page's text, because
    some templates put everything into one.

    Returns:
        The footers' text.
    """
    for script in tree.xpath("//script[contains(@type, 'ld+json')]"):
        script.tag = "ld-json"
    strip_elements(tree, "script", "style", "svg", "link", "iframe", "template", "noscript", "select", with_tail=False)
    for script in tree.iter("ld-json"):
        script.tag = "script"
    frame = {element: element.text_content() for element in _frame(tree)}
    if 2 * sum(map(len, frame.values())) > len(tree.text_content()):
        return []
    footers: list[Stripped] = []
    for element, text in frame.items():
        footer = tidy(text[: 4 * STRIPPED_CHARACTERS], STRIPPED_CHARACTERS) if element.tag == "footer" else ""
        if footer and len(footers) < 3:
            footers.append(Stripped(text=footer, reason="footer"))
        if element.getparent() is not None:
            element.drop_tree()
    return [*footers, *_drop_boxes(tree)]


_NAMED = re.compile(
    r"(?:^|\s)(?:[a-z]{1,3}[-_]+)?(?:(?:news-?letter|advert(?:s|isement)?|ad-?(?:slot|unit|container|wrapper)|jobs|"
    r"poll|quiz|shar(?:e|ing)|social|most-?(?:read|popular)|related|author-?bio|about-?the-?author|trending)"
    r"(?:[-_](?:sign-?up|form|box|block|promo|cta|widget|module|panel|bar|buttons?|tools|links|list|icons|articles?|"
    r"stories|posts|news|content|inline|mid|end|top|bottom|container|wrapper|section|\d+))*)(?=\s|$)",
    re.IGNORECASE,
)
_FIND_NAMED: Final = XPath(
    "//body//*[(self::div or self::section or self::form or self::ul) and (@class or @id) and not(ancestor::aside)]"
)
_BOX_CHARACTERS, _BOX_SHARE = 800, 0.1


@lru_cache(maxsize=4096)
def _names_box(names: str) -> bool:
    return _NAMED.search(names) is not None


def _drop_boxes(tree: HtmlElement) -> list[Stripped]:
    """Take out small blocks whose own name says that they are no part of the article: adverts, sign-ups, polls.

    Where trafilatura finds the text by its first way they are left out anyway; where it has to fall back they are
    not, and a box that comes or goes looks like an edit.
    """
    found = _FIND_NAMED(tree)
    dropped: list[Stripped] = []
    whole = 0
    for element in found if isinstance(found, list) else ():
        if not isinstance(element, HtmlElement):
            continue
        names = " ".join(filter(None, (element.get("class"), element.get("id"))))[:200]
        if not _names_box(names) or element.getparent() is None:
            continue
        text = element.text_content()
        if len(text) > 4 * _BOX_CHARACTERS:
            continue
        text = tidy(text, _BOX_CHARACTERS + 1)
        whole = whole or len(tidy(tree.text_content()[:100_000], 100_000))
        if len(text) > min(_BOX_CHARACTERS, _BOX_SHARE * whole) or element.find(".//h1") is not None:
            continue
        if text and len(dropped) < STRIPPED_BLOCKS // 2:
            dropped.append(
                Stripped(text=text[:STRIPPED_CHARACTERS], reason=label_of(names) or "not part of the article")
            )
        element.drop_tree()
    return dropped


def _frame(tree: HtmlElement) -> list[HtmlElement]:
    found = _FIND_FRAME(tree)
    return [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []


_DATELINE = re.compile(
    r"(?:(?:first |last |date )?(?:published|posted|updated|modified|reviewed)(?: date)?|date)(?: on| at)?\s?:?"
    r"(?:\s[\w ,./]{0,30}\b\d{4}\b[\w :,.]{0,15})?",
    re.IGNORECASE,
)


def refine_lines(text: str, about: Metadata) -> tuple[list[str], list[Stripped]]:
    """The lines of a text without headline and date at its head, and without paragraphs that were there before.

    Returns:
        The lines, and what was dropped, labelled.
    """
    headlines = {fold(title) for title in about.titles}
    seen: set[str] = set()
    kept: list[str] = []
    dropped: list[Stripped] = []
    for line in (line.strip() for line in text.split("\n")):
        if not line:
            continue
        if len(kept) < 3 and len(line) <= 2 * TITLE_CHARACTERS and fold(line) in headlines:
            dropped.append(Stripped(text=line, reason="headline"))
        elif len(kept) < 3 and len(line) < 60 and _DATELINE.fullmatch(line):
            dropped.append(Stripped(text=line, reason="byline"))
        elif len(line) >= 60 and line in seen:
            dropped.append(Stripped(text=line, reason="repeated paragraph"))
        else:
            kept.append(line)
            seen.add(line)
    return kept, dropped
