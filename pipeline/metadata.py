"""What a page says of itself: headline, authors, dates, section, and where each was read.

Pure: a parsed tree in, one frozen `Metadata` out; the tree is not changed. The places are tried in an
order of trust that was measured on labelled pages: JSON-LD, OpenGraph, microdata, ``meta``, the visible
page, and for dates at last htmldate's guess. Headlines are found by vote. Everything on a page may be
hostile, so every value is cleaned, bounded, and refused rather than believed.

Not here: the text of the page and its language as detected (`pipeline.body`), and the question whether
the page is an article at all.
"""

from __future__ import annotations

import html
import json
import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from importlib import import_module
from itertools import pairwise
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import orjson
from dateutil import parser as date_parser
from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.model import Moment
from spiders.site import Site
from spiders.urls import canonical_url

Precision = Literal["second", "minute", "day", "month", "year"]

# How much of a value is believed. A page has no right to more.
TITLE_CHARACTERS: Final = 500
DESCRIPTION_CHARACTERS: Final = 3000
NAME_CHARACTERS: Final = 100
URL_CHARACTERS: Final = 2048
AUTHORS: Final = 30
TAGS: Final = 50
JSON_CHARACTERS: Final = 2_000_000
JSON_SCRIPTS: Final = 50
JSON_NODES: Final = 20_000
ELEMENTS_OF_A_KIND: Final = 500
EARLIEST_YEAR: Final = 1990  # older "dates" of web pages are empty database fields: 1970-01-01, 1900-01-01


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The fields of a page; ``origins`` names for each filled field the place where it was read."""

    title: str | None = None
    titles: tuple[str, ...] = ()  # every form of the headline that the page shows or declares
    authors: tuple[str, ...] = ()
    published: Moment | None = None
    modified: Moment | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None  # as declared, BCP 47
    description: str | None = None
    image: str | None = None
    canonical: str | None = None  # as declared, and only when it is an article of the site
    declared_article: bool = False  # JSON-LD, OpenGraph or microdata call the page an article
    declared_list: bool = False  # JSON-LD calls the page a collection, and nothing calls it an article
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What a date's text leaves open, and what a date may not be.

    Args:
        zone: name of the time zone that a text without one is meant in.
        month_first: whether 3/4 is March 4th (United States) rather than 3 April.
        latest: the last moment that is believed.
    """

    zone: str = "Europe/London"
    month_first: bool = False
    latest: datetime


def read_metadata(tree: HtmlElement, *, site: Site, url: str, captured_at: datetime) -> Metadata:
    """Read the metadata of a page.

    Args:
        tree: the whole page, parsed; left as it is.
        site: whose page it is: its names are no headline and no author, its time zone is assumed.
        url: the URL that answered, for relative links.
        captured_at: when the page was fetched; a date more than a day later is refused.
    """
    page = _Page(tree)
    linked = _JsonLd(page.scripts, url)
    clock = Clock(zone=site.timezone, month_first=site.country == "us", latest=captured_at + timedelta(days=1))
    names = _site_names(site, url, page, linked)
    origins: dict[str, str] = {}

    def note(name: str, found: tuple[Any, str]) -> Any:
        value, origin = found
        if value:
            origins[name] = origin
        return value or None

    article = linked.article is not None or page.is_article
    return Metadata(
        title=note("title", (titled := _vote_title(page, linked, names))[:2]),
        titles=titled[2],
        authors=note("authors", _read_authors(tree, page, linked, names)) or (),
        published=note("published", _read_published(tree, page, linked, clock, url)),
        modified=note("modified", _read_modified(page, linked, clock)),
        section=note("section", _read_section(page, linked, names)),
        tags=note("tags", _read_tags(page, linked)) or (),
        language=note("language", _read_language(page, linked)),
        description=note("description", _read_description(page, linked)),
        image=note("image", _read_image(page, linked, url)),
        canonical=note("canonical", _read_canonical(page, site, url)),
        declared_article=article,
        declared_list=linked.is_list and not article,
        origins=origins,
    )


# --- cleaning -------------------------------------------------------------------------------------------

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


def clean_text(value: object, limit: int) -> str:
    """A value of a page as one line of plain text: no mark-up, control or direction characters.

    Args:
        value: anything; what is no text is empty text.
        limit: characters kept; cut at a space where there is one near.
    """
    if not isinstance(value, str) or not value:
        return ""
    text = value[: limit * 4]
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    return tidy(text, limit)


def tidy(text: str, limit: int) -> str:
    """Visible text as one line: control and direction characters dropped, cut at ``limit``."""
    text = text[: 20 * limit]
    if not text.isprintable():
        text = "".join(_printable(character) for character in text)
    text = " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())
    if len(text) > limit:
        text = text[:limit].rsplit(" ", 1)[0].rstrip() or text[:limit]
    return text


@lru_cache(maxsize=4096)
def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    # format characters turn text around or hide in it; the joiners alone are part of words in some scripts
    return "" if category in {"Cs", "Co", "Cn"} or (category == "Cf" and character not in "\u200c\u200d") else character


def clean_url(value: object, base: str) -> str:
    """An absolute http(s) URL, or empty text."""
    if not isinstance(value, str) or not value.strip() or len(value) > URL_CHARACTERS:
        return ""
    try:
        url = urljoin(base, value.strip())
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    return url if usable and len(url) <= URL_CHARACTERS and url.isprintable() and " " not in url else ""


def fold(text: str) -> str:
    """Text for comparing: case, punctuation and white space dropped."""
    if len(text) > _STRIDE and not text.isascii():
        text = "".join(unicodedata.normalize("NFKC", text[at : at + _STRIDE]) for at in range(0, len(text), _STRIDE))
    else:
        text = unicodedata.normalize("NFKC", text)
    return " ".join(_WORD.findall(text.casefold()))


_WORD = re.compile(r"\w+")
_STRIDE: Final = 1000  # normalizing takes the square of a run of accents: it is done piece by piece


def _squash(text: str) -> str:
    return fold(text).replace(" ", "")


# --- the page -------------------------------------------------------------------------------------------


class _Page:
    """What one walk over the tree collects: all later questions are answered from it."""

    def __init__(self, tree: HtmlElement) -> None:
        self.metas: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.canonicals: list[str] = []
        self.title = ""
        self.headings: list[str] = []
        self.times: list[HtmlElement] = []
        self.properties: dict[str, list[HtmlElement]] = {}
        self.language = tree.get("lang") or tree.get("xml:lang") or ""
        for element in tree.iter("meta", "script", "link", "title", "h1", "time"):
            _COLLECT[element.tag](self, element)
        marked = tree.xpath("//*[@itemprop or @itemtype]")[:ELEMENTS_OF_A_KIND]
        for element in marked:
            for name in (element.get("itemprop") or "").lower().split()[:5]:
                self.properties.setdefault(name, []).append(element)
        self.is_article = self.first_meta("og:type").lower() == "article" or any(
            "article" in kind.lower() or "blogposting" in kind.lower()
            for kind in (element.get("itemtype") or "" for element in marked)
        )

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
    "meta": _Page._collect_meta,  # noqa: SLF001 - its own table, made once
    "script": _Page._collect_script,  # noqa: SLF001
    "link": _Page._collect_link,  # noqa: SLF001
    "title": _Page._collect_title,  # noqa: SLF001
    "h1": _Page._collect_heading,  # noqa: SLF001
    "time": _Page._collect_time,  # noqa: SLF001
}


# --- JSON-LD --------------------------------------------------------------------------------------------

_PAGE_KEYS: Final = ("@graph", "mainEntity", "mainEntityOfPage")
_LIST_TYPES: Final = frozenset({"CollectionPage", "SearchResultsPage"})
_PAGE_TYPES: Final = frozenset({"WebPage", "ItemPage", "MedicalWebPage", "AboutPage"})
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


def _items(value: object) -> list[Any]:
    return value[:200] if isinstance(value, list) else [] if value is None else [value]


class _JsonLd:
    """The nodes of a page's JSON-LD that speak of the page itself, not of what it links to."""

    def __init__(self, scripts: Iterable[str], url: str) -> None:
        self.article: dict[str, Any] | None = None
        self.page: dict[str, Any] | None = None
        self.breadcrumbs: dict[str, Any] | None = None
        self.is_list = False
        self._by_id: dict[str, dict[str, Any]] = {}
        articles: list[dict[str, Any]] = []
        for node, of_page in _walk([value for script in scripts for value in parse_json_ld(script)]):
            identity = node.get("@id")
            if isinstance(identity, str) and len(node) > len(self._by_id.get(identity, ())):
                self._by_id[identity] = node
            kinds = _types(node)
            if "BreadcrumbList" in kinds and self.breadcrumbs is None:
                self.breadcrumbs = node
            if of_page and _is_article(kinds):
                articles.append(node)
            elif of_page and kinds & _LIST_TYPES:
                self.is_list = True
            elif of_page and kinds & _PAGE_TYPES and (self.page is None or len(node) > len(self.page)):
                self.page = node
        if articles:
            here = _path(url)
            self.article = max(articles, key=lambda node: (_names_page(node, here), "headline" in node, len(node) > 3))

    def values(self, key: str, *, page_too: bool = True) -> Iterator[Any]:
        """Values of a key: the article's, then those of the page around it."""
        for node in (self.article, self.page if page_too else None):
            if node is not None:
                for value in _items(node.get(key)):
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


# --- headline -------------------------------------------------------------------------------------------

_PARTS = re.compile(r"(\s+[|\-–—·•»«:/]+\s+|\s*\|\s*|:\s+)")


def _site_names(site: Site, url: str, page: _Page, linked: _JsonLd) -> frozenset[str]:
    """The site's names without spaces and case: what is no headline, author or section."""
    declared = [page.first_meta("og:site_name"), page.first_meta("application-name")]
    declared.append(linked.first_text("publisher", NAME_CHARACTERS))
    # some pages put the headline there; no site's name is that long
    names = [name for name in declared if _words(clean_text(name, NAME_CHARACTERS)) <= 5]
    names += [site.name, site.publisher or "", *_host_names(url), *_host_names(site.home)]
    squashed = {_squash(clean_text(name, NAME_CHARACTERS)) for name in names}
    squashed |= {name.removeprefix("the") for name in squashed}
    return frozenset(name for name in squashed if len(name) > 1)


def _host_names(url: str) -> Iterator[str]:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    yield host
    yield host.split(".", 1)[0]


def _is_site(text: str, names: frozenset[str]) -> bool:
    squashed = _squash(text)
    return squashed in names or squashed.removeprefix("the") in names


def _forms(text: str, names: frozenset[str], *, declared: bool) -> list[str]:
    """A headline without the site's name, and the shorter forms that it may stand for."""
    parts = _PARTS.split(text)
    while len(parts) > 2 and _is_site(parts[-1], names):
        parts = parts[:-2]
    while len(parts) > 2 and _is_site(parts[0], names):
        parts = parts[2:]
    # behind a bar stands a section or the site, whatever it calls itself; before it a headline
    while declared and len(parts) > 2 and "|" in parts[-2] and _words(parts[-1]) <= 4 <= _words("".join(parts[:-2])):
        parts = parts[:-2]
    forms = ["".join(parts).strip()]
    forms += ["".join(parts[:end]).strip() for end in range(len(parts) - 2, max(0, len(parts) - 7), -2)]
    if len(parts) > 2:
        forms.append("".join(parts[2:]).strip())
    return [form for form in forms if form and not _is_site(form, names)]


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _vote_title(page: _Page, linked: _JsonLd, names: frozenset[str]) -> tuple[str, str, tuple[str, ...]]:
    """The headline most places agree on.

    A place votes for its own form in full and for what is left without a suffix; so "News - Site" and
    "News" agree on "News", and a suffix that all places carry stays unless it is the site's name.
    """
    # a page's only h1 is what readers see as the headline; the first of several may be the masthead
    alone = 2.0 if len(page.headings) == 1 else 1.0
    candidates = [("h1", text, alone if number == 0 else 0.5) for number, text in enumerate(page.headings)]
    candidates += [
        ("json-ld", linked.first_text("headline", TITLE_CHARACTERS, page_too=False), 2.0),
        ("opengraph", clean_text(page.first_meta("og:title"), TITLE_CHARACTERS), 1.5),
        ("title", page.title, 0.5),
        ("twitter", clean_text(page.first_meta("twitter:title"), TITLE_CHARACTERS), 0.5),
        ("meta", clean_text(page.first_meta("title", "dc.title", "parsely-title"), TITLE_CHARACTERS), 0.3),
    ]
    votes: dict[str, float] = {}
    first: dict[str, tuple[str, str]] = {}
    full: set[str] = set()
    for origin, text, weight in candidates:
        for number, form in enumerate(_forms(text, names, declared=origin != "h1") if text else ()):
            key = fold(form)
            if not key:
                continue
            votes[key] = votes.get(key, 0.0) + weight * (1.0 if number == 0 else 0.9)
            if number == 0:
                full.add(key)
                first.setdefault(key, (form, origin))
    if not first:
        return "", "", ()
    order = list(first)
    best = max(order, key=lambda key: (votes[key], len(key.split()) > 2, -order.index(key)))
    return *first[best], tuple(dict.fromkeys(form for form, _ in first.values()))


# --- authors --------------------------------------------------------------------------------------------

_AUTHOR_METAS: Final = (
    "author", "article:author", "article:author_name", "og:author", "og:article:author", "dc.creator",
    "dcterms.creator", "sailthru.author", "parsely-author", "byl", "cxenseparse:author", "citation_author",
)  # fmt: skip
_BY = re.compile(
    r"^(?:(?:written|words|text|story|report(?:ed)?|posted|published|article|"
    r"(?:fact[- ]|medically )?(?:review|check|edit|updat)ed)\s+)?(?:by|von|par|por|di)\b[:\s]+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?:)?//\S+|\S+@\S+", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[;|/·•]|\s&\s|\band\b|\bund\b|\bwith\b)\s*", re.IGNORECASE)
_ROLE = re.compile(
    r"\b(?:editor|reporter|correspondent|writer|journalist|columnist|contributor|staff|admin|administrator|team|desk|"
    r"office|officer|newsroom|webmaster|author|guest|press|news|editorial|redaktion|rédaction|agencies|department)\b",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"https?:|www\.|@|\.(?:com|co|org|net|gov|uk)\b|[<>{}\[\]\\=]|\d{2}|^\W*$", re.IGNORECASE)


def split_names(text: str) -> list[str]:
    """The persons that a byline names: without "By", roles and places.

    >>> split_names("By Jane Doe, Political Editor, and John Smith")
    ['Jane Doe', 'John Smith']
    """
    cleaned = _BY.sub("", _ADDRESS.sub(";", clean_text(text, NAME_CHARACTERS * AUTHORS)))
    names: list[str] = []
    for part in _BETWEEN.split(cleaned):
        pieces = [piece.strip(" .,:-–—") for piece in part.split(",")]
        for number, piece in enumerate(pieces):
            if piece and (number == 0 or (len(piece.split()) > 1 and not _ROLE.search(piece))):
                names.append(piece)
    return names


def _people(values: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """Values that can be names of people (or of an agency), each once, in order; never the site's own name."""
    people: dict[str, str] = {}
    for value in values:
        for name in split_names(value):
            key = fold(name)
            if (
                2 <= len(key) <= NAME_CHARACTERS
                and len(key.split()) <= 6
                and not _NO_NAME.search(name)
                and not _is_site(name, names)
                and not _is_only_a_role(key)
                and key not in people
            ):
                people[key] = name
            if len(people) == AUTHORS:
                return tuple(people.values())
    return tuple(people.values())


def _is_only_a_role(key: str) -> bool:
    words = key.split()
    return bool(_ROLE.search(key)) and (len(words) == 1 or all(_ROLE.fullmatch(w) or w in _LITTLE for w in words))


_LITTLE: Final = frozenset(
    [
        *("the", "of", "our", "by", "political", "local", "government", "council", "web", "media", "communications"),
        *("digital", "chief", "senior", "deputy"),
    ]
)


def _read_authors(
    tree: HtmlElement, page: _Page, linked: _JsonLd, names: frozenset[str]
) -> tuple[tuple[str, ...], str]:
    for origin, values in (
        ("json-ld", _names_of(linked.values("author", page_too=False))),
        ("json-ld", _names_of(linked.values("creator", page_too=False))),
        ("meta", [value for name in _AUTHOR_METAS for value in page.metas.get(name, ())]),
        ("microdata", _author_properties(page)),
        ("byline", _bylines(tree)),
        ("byline", _plain_bylines(tree)),
    ):
        people = _people(values, names)
        if people:
            return people, origin
    return (), ""


def _names_of(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        for name in _items(value.get("name")) if isinstance(value, dict) else [value]:
            if isinstance(name, str):
                yield name


def _author_properties(page: _Page) -> Iterator[str]:
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
_NAME = re.compile(r"(?:[^\W\d_a-z][\w'’.\-]*|(?:d[aei]|de la|de[nrl]|van|von|der|ter|bin|ben|al|el|ap)\b)(?:\s|$)")


def _bylines(tree: HtmlElement) -> Iterator[str]:
    """The best visible byline: a short text that begins with "By", or is a name where bylines stand."""
    found = _FIND_BYLINES(tree)
    elements = [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []
    for element in sorted(elements[:60], key=_byline_rank):
        if next(element.iterancestors("aside", "nav", "footer"), None) is not None:
            continue
        text = clean_text(" ".join(element.itertext()), 4 * NAME_CHARACTERS)
        if (_BY.match(text) and len(text) < 80) or (len(text) < 50 and looks_like_name(text)):
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


def looks_like_name(text: str) -> bool:
    """Whether a text has the shape of a person's name: two to five capitalised words, particles allowed."""
    words = text.split()
    return 2 <= len(words) <= 5 and all(_NAME.fullmatch(word) for word in words) and not _ROLE.search(text)


# --- dates ----------------------------------------------------------------------------------------------

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2}\b)?)?",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?<![\d/.\-])(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?!\d)(?:\D{0,12}(\d{1,2})[:.](\d{2})(?::(\d{2}))?)?"
)
_ZONES: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "BST": 3600, "WEST": 3600, "CET": 3600, "CEST": 7200, "EET": 7200, "EEST": 10800,
    "EST": -18000, "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600, "PST": -28800,
    "PDT": -25200, "AEST": 36000, "AEDT": 39600, "NZST": 43200, "NZDT": 46800,
}  # fmt: skip
_DATE_CHARACTERS: Final = 80


def parse_moment(text: object, source: str, clock: Clock) -> Moment | None:
    """A date as written on a page, or nothing when it is none, or one that cannot be.

    ISO 8601 and its usual misspellings, RFC 5322, Unix seconds and milliseconds, day/month/year in the
    order of the site's country, and dates in English words. Never raises. A day without a time stays a
    day: its ``value`` is the first moment that bears this date both in UTC and in the site's zone.
    """
    original = clean_text(str(text) if isinstance(text, int) and not isinstance(text, bool) else text, _DATE_CHARACTERS)
    if not original:
        return None
    for read in (_read_epoch, _read_iso, _read_numeric, _read_abroad, _read_words):
        readings = list(read(original, clock))
        if readings:  # the form is known; what this form does not allow, no other form may
            moments = (_to_moment(reading, original, source, clock) for reading in readings)
            return next((moment for moment in moments if moment is not None), None)
    return None


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The parts of a date that a text names."""

    parts: tuple[int, ...]  # year, month, day, hour, minute, second, microsecond; as many as were named
    zone: tzinfo | None = None


GUESSED: Final = frozenset({"htmldate", "visible"})
"""Sources of dates that no mark-up declares."""
_PRECISIONS: Final[tuple[Precision, ...]] = ("year", "month", "day", "minute", "minute", "second", "second")


def _to_moment(reading: _Reading, original: str, source: str, clock: Clock) -> Moment | None:
    parts, home = reading.parts, _zone(clock.zone)
    precision = _PRECISIONS[len(parts) - 1]
    try:
        if len(parts) <= 3:
            day = datetime(*(*parts, 1, 1)[:3])  # type: ignore[arg-type]  # noqa: DTZ001 - the zone follows
            value = max(day.replace(tzinfo=UTC), day.replace(tzinfo=home).astimezone(UTC))
        else:
            value = datetime(*parts, tzinfo=reading.zone or home).astimezone(UTC)  # type: ignore[arg-type,misc]
    except (ValueError, OverflowError, TypeError):
        return None
    if value.year < EARLIEST_YEAR or value > clock.latest:
        return None
    zone_assumed = len(parts) <= 3 or reading.zone is None
    return Moment(value=value, precision=precision, original=original, source=source, zone_assumed=zone_assumed)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError in some versions
        return UTC
    except KeyError:
        return UTC


def _read_epoch(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001 - one signature for all readers
    if text.isascii() and text.isdigit() and len(text) in {10, 13}:
        moment = datetime.fromtimestamp(int(text[:10]), UTC)
        yield _Reading(parts=moment.timetuple()[:6], zone=UTC)


def _read_iso(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001
    match = _ISO.match(text)
    if match is None:
        if text.isascii() and text.isdigit() and len(text) in {8, 14}:
            cuts = pairwise((0, 4, 6, 8, 10, 12, 14))
            yield _Reading(parts=tuple(int(text[start:end]) for start, end in cuts if end <= len(text)))
        return
    *numbers, fraction, zone = match.groups()
    parts = tuple(int(number) for number in numbers if number is not None)
    if fraction and len(parts) == 6:
        parts += (int(fraction[:6].ljust(6, "0")),)
    yield _Reading(parts=parts, zone=_offset(zone) if zone else None)


def _offset(text: str) -> tzinfo | None:
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes)) if minutes < 24 * 60 else None


def _read_numeric(text: str, clock: Clock) -> Iterator[_Reading]:
    """Day, month and year in figures; the other order only when the usual one cannot be."""
    match = _NUMERIC.search(text)
    if match is None:
        return
    first, second, year = (int(number) for number in match.groups()[:3])
    year += 2000 if year < 100 else 0
    time = tuple(int(number) for number in match.groups()[3:] if number is not None)
    if time and re.match(r"\s*p\.?m", text[match.end() :], re.IGNORECASE) and time[0] < 12:
        time = (time[0] + 12, *time[1:])
    zone = next((_named_zone(word) for word in text[match.end() :].split() if word.upper() in _ZONES), None)
    orders = ((second, first), (first, second))
    for month, day in reversed(orders) if clock.month_first else orders:
        yield _Reading(parts=(year, month, day, *time), zone=zone)


def _named_zone(name: str) -> tzinfo:
    return timezone(timedelta(seconds=_ZONES[name.upper()]))


_TWELVE = re.compile(r"(\d)\.(\d\d)\s*([ap])\.?m\b\.?", re.IGNORECASE)
_LABEL = re.compile(r"^\D{0,40}?:\s*")


class _Words(date_parser.parserinfo):
    """English dates as dateutil reads them, and the words that stand before them on pages."""

    JUMP = [*date_parser.parserinfo.JUMP, *"published updated posted created modified date on | – - :".split()]  # noqa: RUF012, SIM905


_MONTHS_ABROAD: Final = {
    name: number
    for names in (
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jan. feb. mrz. apr. mai jun. jul. aug. sept. okt. nov. dez.",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "januar februar marts april maj juni juli august september oktober november december",
        "januar februar mars april mai juni juli august september oktober november desember",
        "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr",
        (
            "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
            "marraskuuta joulukuuta"
        ),
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
        "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        (
            "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου "
            "δεκεμβρίου"
        ),
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر",
    )
    for number, name in enumerate(names.split(), 1)
}
_CLOCK_TIME: Final = r"(?:\D{1,12}?(\d{1,2})\s?[:h.時시]\s?(\d{2})\s?[分분]?)?"
_DAY_ABROAD: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:er|\.|º|°)?\s(?:de\s)?("
    + "|".join(map(re.escape, sorted(_MONTHS_ABROAD, key=len, reverse=True)))
    + r")\.?,?\s(?:de\s|del\s)?(\d{4})(?!\d)"
    + _CLOCK_TIME,
    re.IGNORECASE,
)
_DAY_IN_FIGURES: Final = re.compile(
    r"(?<!\d)(?:(\d{4})|令和\s?(\d{1,2}|元))\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일号]" + _CLOCK_TIME
)
_ENGLISH: Final = frozenset(
    {"april", "august", "september", "november", "jan", "feb", "apr", "jun", "jul", "aug", "nov"}
)
_REIWA: Final = 2018  # the year before the first one of the era


def _read_abroad(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001 - as its neighbours
    """Dates with the month in words of other languages, and those with a sign behind each figure (2026年3月12日)."""
    match = _DAY_IN_FIGURES.search(text)
    if match is not None:
        era = 1 if match[2] == "元" else int(match[2] or 0)
        parts = [int(match[1]) if match[1] else _REIWA + era, int(match[3]), int(match[4])]
        times = (match[5], match[6])
    else:
        match = _DAY_ABROAD.search(text)
        if match is None or (
            _MONTH.match(match[2]) and match[2].lower().rstrip(".") in _ENGLISH and "." not in match[0][:4]
        ):
            return  # English has twelve-hour clocks and named zones
        parts = [int(match[3]), _MONTHS_ABROAD[match[2].lower()], int(match[1])]
        times = (match[4], match[5])
    if times[0] is not None:
        parts += [int(times[0]), int(times[1])]
    yield _Reading(parts=tuple(parts))


_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_DEFAULTS: Final = (datetime(2000, 1, 1), datetime(2004, 2, 2))  # noqa: DTZ001 - they only show what a text names


def _read_words(text: str, clock: Clock) -> Iterator[_Reading]:
    """Dates with the month in English words, RFC 5322 among them."""
    if not _MONTH.search(text):
        return
    text = _TWELVE.sub(r"\1:\2 \3m", _LABEL.sub("", text))
    reader = date_parser.parser(_Words(dayfirst=not clock.month_first))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown zone is no zone
            one, two = (reader.parse(text, default=default, tzinfos=_ZONES) for default in _DEFAULTS)
    except (ValueError, OverflowError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return
    if one.year != two.year or one.month != two.month:
        return
    parts: tuple[int, ...] = (one.year, one.month)
    if one.day == two.day:
        parts = (*parts, one.day)
        if re.search(r"\d[:.]\d\d|\d\s*[ap]\.?m\b", text, re.IGNORECASE):
            parts = (*parts, one.hour, one.minute)
            if re.search(r"\d:\d\d:\d\d", text):
                parts = (*parts, one.second)
    yield _Reading(parts=parts, zone=one.tzinfo)


_PUBLISHED_OG: Final = ("article:published_time", "og:article:published_time", "article:published", "og:published_time")
_MODIFIED_OG: Final = ("article:modified_time", "og:article:modified_time", "article:modified", "og:updated_time")
_PUBLISHED_METAS: Final = (
    "datepublished", "date", "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date", "dcterms.created",
    "dc.date.created", "pubdate", "publish-date", "publishdate", "publish_date", "publication_date",
    "publication-date", "published", "published_at", "sailthru.date", "parsely-pub-date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "citation_publication_date",
    "prism.publicationdate", "rnews:datepublished", "article_date_original", "govuk:first-published-at",
    "govuk:public-updated-at", "og:datepublished", "datecreated",
)  # fmt: skip
_MODIFIED_METAS: Final = (
    "datemodified", "dcterms.modified", "dc.date.modified", "govuk:public-updated-at", "govuk:updated-at",
    "last-modified", "updated-date", "last_modified", "article_date_updated", "revised",
)  # fmt: skip


def _first_moment(values: Iterable[Any], source: str, clock: Clock) -> Moment | None:
    for number, value in enumerate(values):
        moment = parse_moment(value, source, clock) if number < AUTHORS else None
        if moment is not None:
            return moment
    return None


def _read_published(
    tree: HtmlElement, page: _Page, linked: _JsonLd, clock: Clock, url: str
) -> tuple[Moment | None, str]:
    for source, values in (
        ("json-ld", linked.values("datePublished")),
        ("opengraph", _metas(page, _PUBLISHED_OG)),
        ("microdata", page.property_values("datepublished")),
        ("meta", _metas(page, _PUBLISHED_METAS)),
        ("time", _times(page, updated=False)),
        ("json-ld", linked.values("dateCreated")),
    ):
        moment = _first_moment(values, source, clock)
        if moment is not None:
            return moment, source
    shown = _find_shown(tree, clock)
    if shown is not None:
        return shown, shown.source
    return _guess_published(tree, clock, url), "htmldate"


_SHOWN: Final = re.compile(r"\d\s?[年년]|[\u0370-\u04ff\u0600-\u06ff]{3,} \d{4}")
_SHOWN_TEXTS, _SHOWN_CHARACTERS = 400, 60
_FIND_SHOWN: Final = XPath(".//text()[string-length(normalize-space()) > 5 and string-length() < 200]")


def _find_shown(tree: HtmlElement, clock: Clock) -> Moment | None:
    """The first short line that is a date in a script that htmldate does not read."""
    found = _FIND_SHOWN(tree)
    for text in found[:_SHOWN_TEXTS] if isinstance(found, list) else ():
        line = " ".join(str(text).split())
        if len(line) <= _SHOWN_CHARACTERS and _SHOWN.search(line):
            moment = parse_moment(line, "visible", clock)
            if moment is not None:
                return moment
    return None


def _read_modified(page: _Page, linked: _JsonLd, clock: Clock) -> tuple[Moment | None, str]:
    for source, values in (
        ("json-ld", linked.values("dateModified")),
        ("opengraph", _metas(page, _MODIFIED_OG)),
        ("microdata", page.property_values("datemodified")),
        ("meta", _metas(page, _MODIFIED_METAS)),
        ("time", _times(page, updated=True)),
    ):
        moment = _first_moment(values, source, clock)
        if moment is not None:
            return moment, source
    return None, ""


def _metas(page: _Page, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from page.metas.get(name, ())


_PUBLISHED_CLASS = re.compile(r"publish|posted|created|entry-date|post-date|article-date|pubdate", re.IGNORECASE)
_UPDATED_CLASS = re.compile(r"updat|modif|revis", re.IGNORECASE)


def _times(page: _Page, *, updated: bool) -> Iterator[str]:
    """``<time>`` elements that say what they are, and for publication the first one of the article itself."""
    plain: list[str] = []
    for element in page.times[:50]:
        value = element.get("datetime") or " ".join(element.itertext())
        parent = element.getparent()
        names = [element.get("class"), element.get("itemprop")]
        before = ""
        if parent is not None:
            names.append(parent.get("class"))
            before = (parent.text or "")[:40]
        around = " ".join(filter(None, names))
        if _UPDATED_CLASS.search(around) or _UPDATED_CLASS.search(before):
            if updated:
                yield value
        elif not updated and (
            element.get("pubdate") is not None or _PUBLISHED_CLASS.search(around) or _PUBLISHED_CLASS.search(before)
        ):
            yield value
        elif next(element.iterancestors("aside", "nav", "footer", "li"), None) is None:
            plain.append(value)
    if not updated:
        yield from plain[:1]


_LOCALES: Final = ("en", "cy", "da", "de", "es", "fr", "ga", "it", "nb", "nl", "pl", "pt", "sv")


@cache
def _limit_locales() -> None:
    """Let htmldate read dates in these languages only: loading all 205 locales takes a worker 3 s of CPU time.

    One list for all sites, so that a guess does not depend on which site a worker read before.
    """
    extractors: Any = import_module("htmldate.extractors")
    usual = extractors.get_external_parser()
    limited = type(usual)(languages=list(_LOCALES), settings=usual._settings)  # noqa: SLF001 - as htmldate chose them
    extractors.get_external_parser = lambda: limited


def _guess_published(tree: HtmlElement, clock: Clock, url: str) -> Moment | None:
    """htmldate's guess from the visible page and the URL: a day, right three times in four."""
    from htmldate import find_date  # noqa: PLC0415 - 0.2 s that most pages never need

    _limit_locales()
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    try:
        found = find_date(
            tree,
            url=url,
            original_date=True,
            extensive_search=True,
            min_date=date(EARLIEST_YEAR, 1, 1).isoformat(),
            max_date=clock.latest.date().isoformat(),
            deferred_url_extractor=True,
        )
    except Exception:  # noqa: BLE001 - a guess; whatever breaks it, there is none
        return None
    if found and found.endswith("-01-01") and not _NEW_YEAR.search(f"{url} {tree.text_content()[:_SEARCHED]}"):
        return None  # what it makes of a year that stands alone, such as that of a copyright notice
    return parse_moment(found, "htmldate", clock) if found else None


_SEARCHED: Final = 200_000  # characters
_NEW_YEAR: Final = re.compile(
    r"(?<!\d)(?:0?1[./-]0?1(?!\d)|0?1(?:st|er|\.|º)?\s(?:of\s|de\s)?(?:jan|jän|ene|gen|sty|ion|ean|ιαν|янв|січ)|1月\s?1日)"
    r"|(?<![^\W\d_])jan(?:uary|\.)?\s0?1(?!\d)",
    re.IGNORECASE,
)


# --- the rest -------------------------------------------------------------------------------------------


def _read_section(page: _Page, linked: _JsonLd, names: frozenset[str]) -> tuple[str, str]:
    candidates = [
        ("json-ld", linked.first_text("articleSection", NAME_CHARACTERS, page_too=False)),
        ("opengraph", clean_text(page.first_meta("article:section", "og:article:section"), NAME_CHARACTERS)),
        ("microdata", clean_text(next(page.property_values("articlesection"), ""), NAME_CHARACTERS)),
        ("meta", clean_text(page.first_meta("section", "parsely-section", "cxenseparse:section"), NAME_CHARACTERS)),
        ("breadcrumbs", _breadcrumb(linked)),
    ]
    for origin, value in candidates:
        if value and not _is_site(value, names) and fold(value) not in _NO_SECTION:
            return value, origin
    return "", ""


_NO_SECTION: Final = frozenset({"home", "homepage", "uncategorized", "uncategorised"})


def _breadcrumb(linked: _JsonLd) -> str:
    """The last step above the page itself."""
    names: list[str] = []
    for step in _items((linked.breadcrumbs or {}).get("itemListElement")):
        if isinstance(step, dict):
            item = step.get("item")
            name = step.get("name") or (item.get("name") if isinstance(item, dict) else "")
            names.append(clean_text(name, NAME_CHARACTERS))
    named = [name for name in names if name]
    return named[-2] if len(named) >= 3 else ""


def _read_tags(page: _Page, linked: _JsonLd) -> tuple[tuple[str, ...], str]:
    keywords = (value for name in ("news_keywords", "keywords") for value in page.metas.get(name, ()))
    for origin, values in (
        ("json-ld", (part for value in linked.values("keywords", page_too=False) for part in _keywords(value))),
        ("opengraph", iter(page.metas.get("article:tag", ()))),
        ("meta", (part for value in keywords for part in _keywords(value))),
    ):
        tags: dict[str, str] = {}
        for value in values:
            tag = clean_text(value, NAME_CHARACTERS)
            if tag and len(tags) < TAGS:
                tags.setdefault(tag.casefold(), tag)
        if tags:
            return tuple(tags.values()), origin
    return (), ""


def _keywords(value: object) -> list[str]:
    if isinstance(value, dict):
        value = value.get("name")
    return re.split(r"[,;|]", value[: TAGS * NAME_CHARACTERS]) if isinstance(value, str) else []


_LANGUAGE = re.compile(r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_].*)?$")


def normal_language(text: str) -> str:
    """A language tag in the form of BCP 47 ("en_gb" is "en-GB"), or empty text."""
    match = _LANGUAGE.match(text.strip()[:35])
    if match is None:
        return ""
    language, script, region = match.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


def _read_language(page: _Page, linked: _JsonLd) -> tuple[str, str]:
    for origin, value in (
        ("html", page.language),
        ("opengraph", page.first_meta("og:locale")),
        ("meta", page.first_meta("content-language", "language", "dc.language", "dcterms.language")),
        ("json-ld", linked.first_text("inLanguage", 35)),
    ):
        language = normal_language(value)
        if language:
            return language, origin
    return "", ""


def _read_description(page: _Page, linked: _JsonLd) -> tuple[str, str]:
    for origin, value in (
        ("opengraph", page.first_meta("og:description")),
        ("meta", page.first_meta("description", "dc.description", "dcterms.description", "twitter:description")),
        ("json-ld", linked.first_text("description", DESCRIPTION_CHARACTERS, page_too=False)),
    ):
        text = clean_text(value, DESCRIPTION_CHARACTERS)
        if text:
            return text, origin
    return "", ""


def _read_image(page: _Page, linked: _JsonLd, url: str) -> tuple[str, str]:
    declared = [
        value.get("url") or value.get("contentUrl") if isinstance(value, dict) else value
        for value in linked.values("image", page_too=False)
    ]
    for origin, values in (
        ("opengraph", page.metas.get("og:image:secure_url", []) + page.metas.get("og:image", [])),
        ("json-ld", [item for value in declared for item in _items(value)]),
        ("twitter", page.metas.get("twitter:image", []) + page.metas.get("twitter:image:src", [])),
    ):
        for value in values[:5]:
            image = clean_url(value, url)
            if image:
                return image, origin
    return "", ""


def _read_canonical(page: _Page, site: Site, url: str) -> tuple[str, str]:
    """The declared canonical URL; a page that declares several, or one that is no article here, declares none."""
    declared = {clean_url(value, url) for value in page.canonicals[:10]} - {""}
    if len(declared) != 1:
        return "", ""
    try:
        canonical = canonical_url(declared.pop())
    except ValueError:
        return "", ""
    return (canonical, "canonical") if site.is_article(canonical) else ("", "")
