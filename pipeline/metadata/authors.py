"""Who signed a page: the places where bylines stand, in order of trust."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.metadata.names import BY, keep_people, looks_like_name, split_names
from pipeline.metadata.page import JsonLd, Page, items
from pipeline.metadata.values import AUTHORS, NAME_CHARACTERS, clean_text

_AUTHOR_METAS: Final = (
    "author", "article:author", "article:author_name", "og:author", "og:article:author", "dc.creator",
    "dcterms.creator", "sailthru.author", "parsely-author", "byl", "cxenseparse:author", "citation_author",
)  # fmt: skip


def read_authors(tree: HtmlElement, page: Page, linked: JsonLd, names: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """The people a page names as its authors, and the place that named them."""
    for origin, values in (
        ("json-ld", _names_of(linked.values("author", page_too=False))),
        ("json-ld", _names_of(linked.values("creator", page_too=False))),
        ("meta", [value for name in _AUTHOR_METAS for value in page.metas.get(name, ())]),
        ("microdata", _author_properties(page)),
        ("byline", _bylines(tree)),
        ("byline", _plain_bylines(tree)),
    ):
        people = keep_people(values, names)
        if people:
            return people, origin
    return (), ""


def _names_of(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        for name in items(value.get("name")) if isinstance(value, dict) else [value]:
            if isinstance(name, str):
                yield name


def _author_properties(page: Page) -> Iterator[str]:
    """Microdata authors of the first thing that has any: a page's other articles have authors too."""
    owner: object = None
    for element in page.properties.get("author", ())[:AUTHORS]:
        scope = next(element.iterancestors("article", "main", "body"), None)
        owner = scope if owner is None else owner
        if scope is not owner:
            return
        inner = element.xpath("descendant::*[@itemprop='name']")[:AUTHORS]
        for named in inner or [element]:
            yield named.get("content") or " ".join(named.itertext())


_FIND_BYLINES: Final = XPath(
    # one walk, not a union of two: joining node sets takes libxml2 the square of their size
    "//*[contains(@class, 'uthor') or contains(@class, 'yline') or contains(@rel, 'author')"
    " or (self::a and (contains(@href, '/author') or contains(@href, '/profile/')))]"
)


def _bylines(tree: HtmlElement) -> Iterator[str]:
    """The best visible byline: a short text that begins with "By", or is a name where bylines stand."""
    found = _FIND_BYLINES(tree)
    elements = [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []
    for element in sorted(elements[:60], key=_byline_rank):
        if next(element.iterancestors("aside", "nav", "footer"), None) is not None:
            continue
        text = clean_text(" ".join(element.itertext()), 4 * NAME_CHARACTERS)
        if (BY.match(text) and len(text) < 80) or (len(text) < 50 and looks_like_name(text)):
            yield text
            return


_FIND_PLAIN_BYLINES: Final = XPath(
    "((//h1)[1]/following::*[self::p or self::div or self::span or self::li or self::address or self::strong"
    " or self::em or self::h2 or self::h3 or self::h4 or self::h5 or self::h6])[position() <= 60]"
    "[starts-with(normalize-space(text()), 'By ') or starts-with(normalize-space(text()), 'By:')"
    " or normalize-space(text()) = 'By' or normalize-space(text()) = 'BY'"
    " or starts-with(normalize-space(text()), 'BY ')]"
)


def _plain_bylines(tree: HtmlElement) -> Iterator[str]:
    """A byline that nothing marks as one: a short "By Jane Doe" soon after the headline."""
    found = _FIND_PLAIN_BYLINES(tree)
    for element in found if isinstance(found, list) else []:
        if (
            not isinstance(element, HtmlElement)
            or next(element.iterancestors("aside", "nav", "footer"), None) is not None
        ):
            continue
        text = clean_text(" ".join(element.itertext()), 4 * NAME_CHARACTERS)
        named = split_names(text)
        if len(text) < 80 and named and looks_like_name(named[0]):
            yield text
            return


def _byline_rank(element: HtmlElement) -> int:
    """Which sign is trusted first: a link to the author, a byline, anything called author, a link to a profile."""
    names = element.get("class") or ""
    if element.tag == "a" and "author" in (element.get("rel") or ""):
        return 0
    return 1 if "yline" in names else 2 if "uthor" in names else 3
