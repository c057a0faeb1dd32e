"""What sort of page it is: an article, or what else and why, in words.

Pure. The wordings of walls and missing pages are in `pipeline.walls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from pipeline.blocks import texts_of
from pipeline.language import count_words
from pipeline.metadata import GUESSED, Metadata, clean_text, fold
from pipeline.model import Article
from pipeline.walls import find_block, says_missing
from spiders.site import Site
from spiders.urls import canonical_url

Kind = Literal["article", "unchanged", "not-an-article", "gone", "blocked", "failed", "excluded"]

FEWEST_WORDS: Final = 15  # a text with fewer is no article, whatever the page says
FEWEST_WORDS_UNDECLARED: Final = 40  # … and with fewer only when the page calls itself an article or has a date


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What became of one page."""

    kind: Kind
    reason: str | None = None
    article: Article | None = None


_ERROR_PAGES = frozenset(
    {"404", "404.html", "404.php", "error", "error404", "error-404", "not-found", "notfound", "page-not-found", "410"}
)
_DOORS = frozenset(
    {"login", "signin", "sign-in", "log-in", "consent", "cookie-consent", "subscribe", "anmelden", "captcha"}
)
_HOMES = frozenset({"", "/", "/home", "/index.html", "/index.htm", "/index.php", "/index.aspx", "/default.aspx"})


def judge_page(  # noqa: PLR0911 - one return per reason reads best
    tree: HtmlElement, about: Metadata, lines: Sequence[str], site: Site, url: str, requested: str
) -> Reading | None:
    """Why a page is no article of the site; None when it is one."""
    text = "\n".join(lines)
    words = count_words(text)
    if says_missing(about.titles, words):
        return Reading(kind="gone", reason="says “not found” with status 200")
    dated = about.declared_article and about.published is not None and about.published.source not in GUESSED
    seen = text if words else _visible_start(tree)  # a page without any text may have a menu with "log in"
    blocked = find_block(about.titles, text, seen, words=words, dated=dated)
    if blocked:
        return Reading(kind="blocked", reason=blocked)
    away = _led_away(about, site, url, requested)
    if away is not None:
        return away
    if not words:
        return Reading(kind="not-an-article", reason="no text")
    sure = about.declared_article or (about.published is not None and about.published.source not in GUESSED)
    if words < FEWEST_WORDS or (words < FEWEST_WORDS_UNDECLARED and not sure):
        return Reading(kind="not-an-article", reason="too short")
    if not about.title:
        return Reading(kind="not-an-article", reason="no title")
    if about.declared_list or (not about.declared_article and is_index(tree, lines)):
        if _is_section_of(url, requested):
            return Reading(kind="gone", reason="redirected to a section page")
        return Reading(kind="not-an-article", reason="index page")
    return None


def _visible_start(tree: HtmlElement) -> str:
    body = tree.find("body")
    return clean_text(" ".join(texts_of(body)), 2000) if body is not None else ""


def _led_away(  # noqa: PLR0911 - one return per reason reads best
    about: Metadata, site: Site, url: str, requested: str
) -> Reading | None:
    """A redirect to the front page is how some sites say "gone"; one to another page that is no article is none."""
    try:
        final = canonical_url(url)
    except ValueError:
        return None
    if final == requested:
        return None
    last = urlsplit(final).path.rstrip("/").rpartition("/")[2].lower()
    if last in _ERROR_PAGES:
        return Reading(kind="gone", reason="redirected to an error page")
    if last in _DOORS and not about.declared_article:
        return Reading(kind="blocked", reason="redirected to a login or consent page")
    if site.is_article(final) or about.canonical:
        return None
    if is_home(site, final):
        return Reading(kind="gone", reason="redirected to the front page")
    if site.is_inherited(final):
        # Nothing is known of how the successor's articles are addressed; what its page says decides.
        return None
    if not about.declared_article:
        if _is_section_of(final, requested):
            return Reading(kind="gone", reason="redirected to a section page")
        return Reading(kind="not-an-article", reason="redirected to a page that is no article")
    return None


def is_home(site: Site, url: str) -> bool:
    """Whether a canonical URL is a site's front page."""
    path = urlsplit(url).path.rstrip("/").lower()
    home = site.successor if site.successor is not None and site.is_inherited(url) else site.home
    return path in _HOMES or path == urlsplit(home).path.rstrip("/").lower()


def _is_section_of(url: str, requested: str) -> bool:
    """Whether a URL stands above another one, as a section's page above its articles."""
    section, page = urlsplit(url).path.rstrip("/"), urlsplit(requested).path
    return url != requested and bool(section) and page.startswith(section + "/")


_KEYS: Final = 3000  # links and lines that are held against each other
_KEY_CHARACTERS: Final = 2000


def is_index(tree: HtmlElement, lines: Sequence[str]) -> bool:
    """Whether a text is mostly the links of an index page: teasers, not sentences of its own."""
    texts = (" ".join(link.itertext())[:_KEY_CHARACTERS] for link in islice(tree.iter("a"), _KEYS))
    links = tuple({key for text in texts if len((key := fold(text)).split()) >= 3})
    keys = [fold(line[:_KEY_CHARACTERS]) for line in lines[:_KEYS]]
    # a teaser is its link, or its link and a date
    linked = [
        key
        for key in keys
        if key.startswith(links) and any(key.startswith(link) and 2 * len(link) >= len(key) for link in links)
    ]
    return len(linked) >= 5 and (len(linked) >= 0.3 * len(keys) or sum(map(len, linked)) >= 0.5 * sum(map(len, keys)))
