"""What one walk over the tree and one over its JSON-LD collect: all later questions are answered from it.

Nothing is judged here but whether a node of JSON-LD speaks of the page itself, and what the site is called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from lxml.html import HtmlElement

from pipeline.metadata.values import (
    AUTHORS,
    ELEMENTS_OF_A_KIND,
    JSON_CHARACTERS,
    JSON_NODES,
    JSON_SCRIPTS,
    NAME_CHARACTERS,
    TAGS,
    TITLE_CHARACTERS,
    clean_text,
    squash,
    word_count,
)
from spiders.site import Site

BELOW_HEADLINE: Final = 160
LINES: Final = 300
SIGN: Final = re.compile(
    r"(?:^|[^A-Za-z]|(?<=[a-z]))(?:[Aa]uth?or|[Aa]uteur|[Bb]y-?_?[Ll]ine|[Ww]riter|[Cc]ontributor|[Cc]reator"
    r"|[Rr]eporter|[Jj]ournalist)|[a-z]byline|[a-z]author"
)
"""Classes of elements in which an author may stand."""
_SIGN_LINK: Final = re.compile(
    r"/(?:authors?|autor(?:en|es|in)?|auteurs?|contributors?|journalists?|reporters?|writers?)/",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def _is_sign(names: str) -> bool:
    return SIGN.search(names[:300]) is not None


class Page:
    """What one walk over the tree collects: all later questions are answered from it."""

    def __init__(self, tree: HtmlElement) -> None:
        self._tree = tree
        self.metas: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.canonicals: list[str] = []
        self.title = ""
        self.headings: list[str] = []
        self.times: list[HtmlElement] = []
        self.properties: dict[str, list[HtmlElement]] = {}
        self.signs: list[HtmlElement] = []  # the h1 elements, and all that may be a byline, in their order
        self.below: list[HtmlElement] = []  # the first elements after the headline
        self.names: set[str] = set()  # all that stands as class or id of an element
        self.language = tree.get("lang") or tree.get("xml:lang") or ""
        self.is_article = False
        self._walk(tree)
        self.is_article = self.is_article or self.first_meta("og:type").lower() == "article"

    def _walk(self, tree: HtmlElement) -> None:
        # plain attribute access: an XPath with the same questions takes libxml2 six times as long
        marked = 0
        headings, below, known = self.headings, self.below, self.names
        for element in tree.iter("*"):
            tag = element.tag
            collect = _COLLECT.get(tag)
            if collect is not None:
                collect(self, element)
            if headings and len(below) < BELOW_HEADLINE:
                below.append(element)
            attributes = element.keys()
            if not attributes and tag != "h1":
                continue
            names = element.get("class")
            sign = names is not None and _is_sign(names)
            known.add(names or "")
            if "id" in attributes:
                known.add(element.get("id") or "")
            name = element.get("itemprop")
            if (name or "itemtype" in attributes) and marked < ELEMENTS_OF_A_KIND:
                marked += self._collect_marked(element, name or "", element.get("itemtype") or "")
            if tag == "a" and not sign and self.headings:
                sign = (
                    "author" in (element.get("rel") or "") or _SIGN_LINK.search(element.get("href") or "") is not None
                )
            if (sign or tag == "h1" or (name and "author" in name)) and len(self.signs) < 10 * ELEMENTS_OF_A_KIND:
                self.signs.append(element)

    def _collect_marked(self, element: HtmlElement, name: str, kind: str) -> bool:
        """Whether the element has microdata."""
        for each in name.lower().split()[:5]:
            self.properties.setdefault(each, []).append(element)
        if kind and ("article" in kind.lower() or "blogposting" in kind.lower()):
            self.is_article = True
        return bool(name or kind)

    def _collect_meta(self, element: HtmlElement) -> None:
        content = element.get("content")
        if content:
            for attribute in ("property", "name", "itemprop", "http-equiv"):
                name = element.get(attribute)
                if name and len(name) < 60:
                    values = self.metas.setdefault(name.strip().lower(), [])
                    if len(values) < TAGS:
                        values.append(content)
                    break

    def _collect_script(self, element: HtmlElement) -> None:
        if (
            "ld+json" in (element.get("type") or "").lower()
            and element.text
            and len(self.scripts) < JSON_SCRIPTS
            and len(element.text) <= JSON_CHARACTERS
        ):
            self.scripts.append(element.text)

    def _collect_link(self, element: HtmlElement) -> None:
        if "canonical" in (element.get("rel") or "").lower().split() and element.get("href"):
            self.canonicals.append(element.get("href") or "")

    def _collect_title(self, element: HtmlElement) -> None:
        # an inline SVG has <title> elements too
        parent = element.getparent()
        if not self.title and (parent is None or parent.tag in {"head", "html", "body"}):
            self.title = clean_text(element.text_content(), TITLE_CHARACTERS)

    def _collect_heading(self, element: HtmlElement) -> None:
        if len(self.headings) < 10:
            text = clean_text(" ".join(element.itertext()), TITLE_CHARACTERS)
            if text:
                self.headings.append(text)

    def _collect_time(self, element: HtmlElement) -> None:
        if len(self.times) < ELEMENTS_OF_A_KIND:
            self.times.append(element)

    def first_lines(self) -> Iterator[str]:
        """The first runs of text that the page shows, each within one element."""
        body = self._tree.find("body")
        texts: Iterator[str] = iter(()) if body is None else (text for text in body.itertext("*") if not text.isspace())
        return (line for piece in islice(texts, LINES) if (line := clean_text(piece, TITLE_CHARACTERS)))

    def first_meta(self, *names: str) -> str:
        """The first value that any of these ``meta`` names has."""
        return next((value for name in names for value in self.metas.get(name, ()) if value.strip()), "")

    def property_values(self, name: str) -> Iterator[str]:
        """Values of a microdata property: attribute before text."""
        for element in self.properties.get(name, ())[:AUTHORS]:
            value = element.get("content") or element.get("datetime") or " ".join(element.itertext())
            if value and value.strip():
                yield value


_COLLECT: Final = {
    "meta": Page._collect_meta,  # noqa: SLF001 - its own table, made once
    "script": Page._collect_script,  # noqa: SLF001
    "link": Page._collect_link,  # noqa: SLF001
    "title": Page._collect_title,  # noqa: SLF001
    "h1": Page._collect_heading,  # noqa: SLF001
    "time": Page._collect_time,  # noqa: SLF001
}


_ELSEWHERE: Final = re.compile(
    r"comment|related|recommend|popular|trending|teaser|most-read|read-more|more-from|latest|promo|sidebar|widget_recent"
    r"|footer|menu|navbar|reply|testimonial|bookmark|card-list|next-post|prev",
    re.IGNORECASE,
)


def is_elsewhere(element: HtmlElement) -> bool:
    """Whether an element stands in a part of the page that is not the article.

    What is called a footer may be that of the article, where the article is marked up as one.
    """
    foot = False
    for number, above in enumerate(element.iterancestors()):
        if above.tag in {"nav", "footer", "form"} or number > 40:
            return True
        if above.tag in {"body", "article", "main"}:
            return foot and above.tag != "article"
        if foot and "Article" in (above.get("itemtype") or ""):
            return False
        names = above.get("class") or above.get("id") or ""
        found = _ELSEWHERE.search(names[:200]) if names else None
        if found is not None:
            if found[0].lower() != "footer":
                return True
            foot = True
    return foot


# --- JSON-LD --------------------------------------------------------------------------------------------

_PAGE_KEYS: Final = ("@graph", "mainEntity", "mainEntityOfPage")
_LIST_TYPES: Final = frozenset({"CollectionPage", "SearchResultsPage"})
_PAGE_TYPES: Final = frozenset({"WebPage", "ItemPage", "MedicalWebPage", "AboutPage"})
_WORK_TYPES: Final = frozenset({"Recipe", "HowTo"})  # what a page is that declares no article
_COMMA = re.compile(r",(\s*[}\]])")


def parse_json_ld(script: str) -> list[Any]:
    """What a JSON-LD script holds, read as tolerantly as is safe; nothing when it cannot be read.

    Comment wrappers, raw line breaks inside strings, trailing commas, and several objects in a row are
    forgiven, as browsers and search engines forgive them.
    """
    text = script.strip().lstrip("\ufeff")
    try:
        return [orjson.loads(text)]
    except orjson.JSONDecodeError:
        pass
    text = re.sub(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[|/\*.{0,40}?\*/)|(?://)?(?:-->|\]\]>)\s*;?\s*$", "", text)
    text = _COMMA.sub(r"\1", text.strip().rstrip(";"))
    decoder = json.JSONDecoder(strict=False)
    found: list[Any] = []
    position = 0
    try:
        while position < len(text) and len(found) < JSON_SCRIPTS:
            value, position = decoder.raw_decode(text, position)
            found.append(value)
            position = len(text) - len(text[position:].lstrip(" \t\r\n,;"))
    except (ValueError, RecursionError):
        pass
    return found


def _types(node: Mapping[str, Any]) -> set[str]:
    kinds = node.get("@type")
    values = kinds if isinstance(kinds, list) else [kinds]
    return {kind.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for kind in values[:10] if isinstance(kind, str)}


def _is_article(kinds: Iterable[str]) -> bool:
    return any(kind == "Report" or (kind.endswith(("Article", "Posting")) and kind != "JobPosting") for kind in kinds)


def items(value: object) -> list[Any]:
    """A value of JSON-LD as a list, whether it is one or stands alone."""
    return value[:200] if isinstance(value, list) else [] if value is None else [value]


class JsonLd:
    """The nodes of a page's JSON-LD that speak of the page itself, not of what it links to."""

    def __init__(self, scripts: Iterable[str], url: str) -> None:
        self.article: dict[str, Any] | None = None
        self.page: dict[str, Any] | None = None
        self.breadcrumbs: dict[str, Any] | None = None
        self.live: dict[str, Any] | None = None
        self.is_list = False
        self.kinds: set[str] = set()  # of all nodes that speak of the page
        self._by_id: dict[str, dict[str, Any]] = {}
        articles: list[dict[str, Any]] = []
        works: list[dict[str, Any]] = []
        for node, of_page in _walk([value for script in scripts for value in parse_json_ld(script)]):
            identity = node.get("@id")
            if isinstance(identity, str) and len(node) > len(self._by_id.get(identity, ())):
                self._by_id[identity] = node
            kinds = _types(node)
            if "BreadcrumbList" in kinds and self.breadcrumbs is None:
                self.breadcrumbs = node
            if of_page:
                self.kinds |= kinds
            if of_page and "LiveBlogPosting" in kinds and (self.live is None or len(node) > len(self.live)):
                self.live = node
            if of_page and _is_article(kinds):
                articles.append(node)
            elif of_page and kinds & _WORK_TYPES:
                works.append(node)
            elif of_page and kinds & _LIST_TYPES:
                self.is_list = True
            elif of_page and kinds & _PAGE_TYPES and (self.page is None or len(node) > len(self.page)):
                self.page = node
        if not articles:
            articles = works
        if articles:
            here = _path(url)
            self.article = max(articles, key=lambda node: (_names_page(node, here), "headline" in node, len(node) > 3))

    def values(self, key: str, *, page_too: bool = True) -> Iterator[Any]:
        """Values of a key: the article's, then those of the page around it."""
        for node in (self.article, self.page if page_too else None):
            if node is not None:
                for value in items(node.get(key)):
                    yield self._by_id.get(value["@id"], value) if _is_reference(value) else value

    def first_text(self, key: str, limit: int, *, page_too: bool = True) -> str:
        """The first value of a key that is text or has a name, cleaned."""
        for value in self.values(key, page_too=page_too):
            text = clean_text(value.get("name") if isinstance(value, dict) else value, limit)
            if text:
                return text
        return ""


def _is_reference(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("@id"), str) and "name" not in value and "url" not in value


def _walk(roots: list[Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every object with whether it speaks of the page itself; breadth first, so bounded without recursion."""
    queue: list[tuple[Any, bool]] = [(root, True) for root in roots]
    position = 0
    while position < len(queue) and position < JSON_NODES:
        value, of_page = queue[position]
        position += 1
        if isinstance(value, list):
            queue.extend((item, of_page) for item in value[:1000] if isinstance(item, dict | list))
        elif isinstance(value, dict):
            yield value, of_page
            queue.extend(
                (item, of_page and key in _PAGE_KEYS) for key, item in value.items() if isinstance(item, dict | list)
            )


def _path(url: object) -> str:
    try:
        return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
    except ValueError:
        return ""


def _names_page(node: Mapping[str, Any], here: str) -> bool:
    about = node.get("mainEntityOfPage")
    about = about.get("@id") or about.get("url") if isinstance(about, dict) else about
    return bool(here) and any(_path(value) == here for value in (node.get("url"), node.get("@id"), about))


# --- the site's names -----------------------------------------------------------------------------------


def site_names(site: Site, url: str, page: Page, linked: JsonLd) -> frozenset[str]:
    """The site's names without spaces and case: what is no headline, author or section."""
    declared = [page.first_meta("og:site_name"), page.first_meta("application-name")]
    declared.append(linked.first_text("publisher", NAME_CHARACTERS))
    # some pages put the headline there; no site's name is that long
    names = [name for name in declared if word_count(clean_text(name, NAME_CHARACTERS)) <= 5]
    names += [site.name, site.publisher or "", *_host_names(url), *_host_names(site.home)]
    squashed = {squash(clean_text(name, NAME_CHARACTERS)) for name in names}
    squashed |= {name.removeprefix("the") for name in squashed}
    return frozenset(name for name in squashed if len(name) > 1)


def _host_names(url: str) -> Iterator[str]:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    yield host
    yield host.split(".", 1)[0]


def is_site(text: str, names: frozenset[str]) -> bool:
    """Whether a text is one of the site's names (of `site_names`)."""
    squashed = squash(text)
    return squashed in names or squashed.removeprefix("the") in names
