"""Articles from captures: the clean text of a page, its metadata, and a reason wherever there is no article.

`extract_page` is pure: bytes in, a `Reading` out; the same bytes give the same result on every machine.
`Extractor` runs it over a segment in worker processes. A page can cost its worker's life (time, memory, a crash
in C code), never its neighbours': the page is counted as failed and another worker goes on. Only this module
knows trafilatura, and only workers load it.

Each page is parsed once: metadata is read from the same tree (`pipeline.metadata`). What stood on the page and is
not in the text is kept beside it, labelled, within bounds. What a site repeats from page to page is not known here.
"""

from __future__ import annotations

import gc
import json
import logging
import pickle
import re
import resource
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import version
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from lxml.etree import ElementDefaultClassLookup, HTMLParser, ParserError, XPath, _Element, strip_elements
from lxml.html import HtmlElement, document_fromstring
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom, resolve_encoding

from pipeline.edits import essence_digest
from pipeline.errors import Temporary
from pipeline.metadata import GUESSED, TITLE_CHARACTERS, Metadata, clean_text, fold, read_metadata, tidy
from pipeline.model import Article, Evidence, Finding, Stripped, article_id, content_digest
from pipeline.settings import child_environment
from pipeline.walls import find_block, says_missing
from spiders.site import Site
from spiders.urls import canonical_url
from spiders.warc import BodyTooLarge, BodyUndecodable, Captured, payload_digest, read_captures

Kind = Literal["article", "unchanged", "not-an-article", "gone", "blocked", "failed", "excluded"]

FEWEST_WORDS: Final = 15  # a text with fewer is no article, whatever the page says
FEWEST_WORDS_UNDECLARED: Final = 40  # … and with fewer only when the page calls itself an article or has a date
MOST_ELEMENTS: Final = 50_000  # a page with more is not read; the largest of 834 real pages has 5,106
MOST_ATTRIBUTES: Final = 2000  # so is one with more in one element: finding doubles takes libxml2 the square of them
LONGEST_TEXT: Final = 1_000_000  # characters; a longer text is no article
PAGE_SECONDS: Final = 10.0  # CPU time for one page; trafilatura needs 0.03 s for most and 2 s for the worst seen
WORKER_BYTES: Final = 3 * 2**30  # address space of a worker
TIRED_BYTES: Final = 700 * 2**20  # a worker that has grown to this is replaced after its page
STRIPPED_BLOCKS: Final = 60
STRIPPED_CHARACTERS: Final = 600
STRIPPED_TOTAL: Final = 8000


@cache
def extractor_version() -> str:
    """What made the text, for the version documents: ``trafilatura 2.3.1``."""
    return f"trafilatura {version('trafilatura')}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What became of one page."""

    kind: Kind
    reason: str | None = None
    article: Article | None = None


def extract_page(
    payload: bytes, *, site: Site, url: str, requested: str, captured_at: datetime, content_type: str | None = None
) -> Reading:
    """Read one page.

    Args:
        payload: the body, content codings undone.
        site: whose page it is.
        url: the URL that answered.
        requested: the canonical URL that was asked for.
        captured_at: when; dates after that are not believed.
        content_type: value of the header, if there was one.

    Returns:
        An article, or another kind with the reason in words. Never raises for what the page does.
    """
    other = _not_html(payload, content_type)
    if other:
        return Reading(kind="not-an-article", reason=other)
    written = decode_page(payload, content_type)
    wild = find_excess(written)
    if wild:
        return Reading(kind="failed", reason=wild)
    tree = _parse(written)
    if tree is None:
        return Reading(kind="not-an-article", reason="no text")
    about = read_metadata(tree, site=site, url=url, captured_at=captured_at)
    footers = _drop_unread(tree)
    found = _main_text(tree)
    if len(found) > LONGEST_TEXT:
        return Reading(kind="failed", reason="text too long")
    lines, dropped = refine_lines(disarm(found), about)
    verdict = _judge(tree, about, lines, site, url, requested)
    if verdict is not None:
        return verdict
    text = "\n".join(lines)
    address = about.canonical or _article_url(site, url, requested)
    language, origin = choose_language(about.language, about.origins.get("language", ""), text, site.language)
    title = about.title or ""
    return Reading(
        kind="article",
        article=Article(
            article=article_id(address),
            url=address,
            title=title,
            text=text,
            authors=about.authors,
            published=about.published,
            modified=about.modified,
            section=about.section,
            language=language,
            description=about.description,
            image=about.image,
            tags=about.tags,
            origins={**about.origins, "text": "trafilatura", "language": origin},
            stripped=tuple(_bounded([*dropped, *strip_blocks(tree, text, about.titles), *footers])),
            words=count_words(text),
            digest=content_digest(title, text),
            essence=essence_digest(title, text),
        ),
    )


def _article_url(site: Site, url: str, requested: str) -> str:
    try:
        final = canonical_url(url)
    except ValueError:
        return requested
    return final if site.owns(final) or site.is_inherited(final) else requested


# --- bytes to tree --------------------------------------------------------------------------------------

_MAGIC: Final = (
    (b"%PDF-", "a PDF, not HTML"),
    (b"\x89PNG", "an image, not HTML"),
    (b"\xff\xd8\xff", "an image, not HTML"),
    (b"GIF8", "an image, not HTML"),
    (b"PK\x03\x04", "an archive or office document, not HTML"),
)
_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml", ""})


def _not_html(payload: bytes, content_type: str | None) -> str | None:
    """Why a body is no HTML page; None when it may be one."""
    start = payload[:1024].lstrip()
    for magic, reason in _MAGIC:
        if start.startswith(magic):
            return reason
    media = (content_type or "").split(";")[0].strip().lower()
    looks = re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|!--)", start, re.IGNORECASE)
    if media == "application/pdf":
        return "a PDF, not HTML"
    if media.startswith("image/"):
        return "an image, not HTML"
    if media in _HTML_TYPES or looks:
        return None
    return f"{clean_text(media, 60)}, not HTML"


def decode_page(payload: bytes, content_type: str | None) -> str:
    """The text of a page's bytes; never fails.

    A byte order mark decides; then bytes that are valid UTF-8 are UTF-8 whatever they are declared as (by chance
    they hardly ever are); then the declaration of the header or the page, read as browsers do ("latin-1" means
    Windows-1252); at last Windows-1252. In a page that says UTF-8 and has a few broken bytes only those are replaced.
    """
    encoding, mark = read_bom(payload)
    if encoding and mark:
        return payload[len(mark) :].decode(encoding, "replace")
    declared = _declared_encoding(payload, content_type)
    if declared is None or not declared.startswith(("iso2022", "utf-16", "utf-32", "hz", "utf-7")):
        with suppress(UnicodeDecodeError):
            return payload.decode("utf-8")
    if declared in {None, "utf-8"}:
        text = payload.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = sum(1 for character in text if character > "\x7f") - broken
        return text if whole >= broken else payload.decode("cp1252", "replace")
    return payload.decode(declared or "cp1252", "replace")


def _declared_encoding(payload: bytes, content_type: str | None) -> str | None:
    name = http_content_type_encoding(content_type) or html_body_declared_encoding(payload)
    resolved = resolve_encoding(name) if name else None
    if resolved is None or resolved.startswith("utf-7"):
        return None
    try:
        b"".decode(resolved)
    except (LookupError, ValueError):
        return None
    return resolved


@cache
def _parser() -> HTMLParser:
    """A parser whose elements are all `HtmlElement`.

    lxml's own HTML parser asks a Python function for the class of every element it touches, so that forms and
    inputs get classes of their own; nobody here needs those, and without the question extraction takes a sixth less.
    """
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, collect_ids=False)
    parser.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))
    return parser


_SIZEABLE = 4 * MOST_ATTRIBUTES  # an element of fewer characters cannot have too many attributes
_RAW = re.compile(r"(script|style)(?=[\s>/])", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def find_excess(written: str) -> str | None:
    """Why a page is not parsed at all, judged by its letters alone; None when it may be.

    The time and memory of all that follows grow with the number of elements, some of it with its square.
    """
    if written.count("<") - written.count("</") > MOST_ELEMENTS:
        return "too many elements"
    if len(written) > _SIZEABLE:
        within = ""  # what ends a script, a style sheet or a comment: what stands in them are no elements
        for part in written.split("<"):
            if within:
                within = "" if within == "-->" and within in part else within
                within = "" if within != "-->" and part[: len(within)].lower() == within else within
                continue
            if part.startswith("!--"):
                within = "" if "-->" in part else "-->"
                continue
            if (match := _RAW.match(part)) is not None:
                within = f"/{match[1].lower()}"
            if len(part) > _SIZEABLE and part[:1].isalpha():
                tag = _QUOTED.sub(" ", part[: part.find(">")] if ">" in part else part)
                if len(tag.split()) > MOST_ATTRIBUTES:
                    # a text that has a quotation mark too few looks like it, but is of one element only
                    return "too many attributes"
    return None


_CONTROLS: Final = bytes(32 if (byte < 32 and byte not in b"\t\n\f\r") or byte == 127 else byte for byte in range(256))


def _parse(text: str) -> HtmlElement | None:
    data = text.encode("utf-8", "replace").translate(_CONTROLS)
    try:
        tree = document_fromstring(data, parser=_parser())
    except (ParserError, ValueError):
        return None
    return tree if isinstance(tree, HtmlElement) and tree.find("body") is not None else None


# --- the text -------------------------------------------------------------------------------------------


@cache
def _trafilatura() -> tuple[Any, Any]:
    """trafilatura and its options, loaded when the first page comes: the parent process never needs it."""
    import trafilatura
    from trafilatura.settings import Extractor as Options

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura, Options(output_format="python", comments=False)


def _main_text(tree: HtmlElement) -> str:
    """trafilatura's text: paragraphs on lines of their own. The tree is copied by trafilatura, not changed.

    Readers' comments are left out: they are no part of the article.
    """
    library, options = _trafilatura()
    found = library.bare_extraction(tree, options=options)
    return str(found.text or "") if found is not None else ""


_FIND_FRAME: Final = XPath("//nav | //footer[not(ancestor::article or ancestor::main)]")


def _drop_unread(tree: HtmlElement) -> list[Stripped]:
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
                Stripped(text=text[:STRIPPED_CHARACTERS], reason=_label_of(names) or "not part of the article")
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


_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]{1,8}\U000e007f"  # of England, Scotland, Wales: letters nobody sees
_ARMED = re.compile(
    f"{_FLAG}|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufff9-\ufffb\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]+"
)


def disarm(text: str) -> str:
    """A text without control characters, without those that turn it around, and without letters that nobody sees.

    Marks that single words of some scripts need (joiners, left-to-right mark) stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _ARMED.sub(lambda match: match[0] if match[0][0] == "\U0001f3f4" else "", text)


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


_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def count_words(text: str) -> int:
    """Words of a text; in scripts that write none apart, two characters count as one."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    return max(len(text.split()), unspaced // 2)


# --- is it an article? ----------------------------------------------------------------------------------

_ERROR_PAGES = frozenset(
    {"404", "404.html", "404.php", "error", "error404", "error-404", "not-found", "notfound", "page-not-found", "410"}
)
_DOORS = frozenset(
    {"login", "signin", "sign-in", "log-in", "consent", "cookie-consent", "subscribe", "anmelden", "captcha"}
)
_HOMES = frozenset({"", "/", "/home", "/index.html", "/index.htm", "/index.php", "/index.aspx", "/default.aspx"})


def _judge(  # noqa: PLR0911 - one return per reason reads best
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
    return clean_text(" ".join(_texts(body)), 2000) if body is not None else ""


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


# --- language -------------------------------------------------------------------------------------------

_COMMON: Final = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in a is that for it on was with as be",
        "cy": "y yr yn i a o ar gan am ei mae wedi sydd bod oedd hefyd",
        "da": "og i at det en til er som på de med for den af ikke",
        "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine",
        "es": "de la que el en y a los se del las un por con una su",
        "fr": "de la le et les des en un du une que est pour qui dans",
        "it": "di e il la che in a per un è del della con non i",
        "nl": "de van het een en in is dat op te zijn met voor die",
        "pt": "de a o que e do da em um para com não uma os no",
        "sv": "och i att det som en på är av för med den till inte",
    }.items()
}


def choose_language(declared: str | None, origin: str, text: str, usual: str) -> tuple[str, str]:
    """The language of a text and where it was read: the page's word, unless the text says otherwise.

    Templates declare one language for a whole site, so a Welsh story stands on a page that says "en". Where every
    eighth word is a common one of the declared language, the detector, which takes 0.7 s to load, is not asked.
    """
    start = text[:5000]
    words = start.lower().split()
    if len(words) < 20:
        return (declared, origin) if declared else (usual, "site")
    said = declared or usual
    common = _COMMON.get(said.split("-")[0], frozenset())
    if sum(word in common for word in words) >= len(words) / 8:
        return (declared, origin) if declared else (usual, "text")
    found, certainty = _detector().classify(start)
    if found != _MACRO.get(said.split("-")[0], said.split("-")[0]) and certainty >= 0.9:
        return str(found), "text"
    return (declared, origin) if declared else (usual, "site")


_MACRO: Final = {"nb": "no", "nn": "no"}  # what the detector calls them


@cache
def _detector() -> Any:
    langid = import_module("py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


# --- what was left out ----------------------------------------------------------------------------------

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


def _texts(element: _Element) -> list[Any]:
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
def _label_of(names: str) -> str:
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
    for piece in _texts(body):
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
        label = labels.get(at) or _label_of(
            " ".join(filter(None, (at.tag, at.get("class"), at.get("id"), at.get("role"))))[:300]
        )
        way.append(at)
        at = at.getparent()
    label = label or "not part of the article"
    labels.update(dict.fromkeys(way, label))
    return label


def _bounded(blocks: Iterable[Stripped]) -> Iterator[Stripped]:
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


# --- one capture ----------------------------------------------------------------------------------------


def judge_capture(site: Site, capture: Captured, warc_key: str) -> Finding:
    """What became of one captured page. Never raises for what the page does.

    Args:
        site: whose page it is.
        capture: as read from the segment.
        warc_key: key of the segment in the archive.
    """
    reading = _by_status(site, capture)
    if reading is None and capture.unrendered is not None:
        reading = Reading(kind="failed", reason=f"not drawn: {capture.unrendered}")
    if reading is None:
        try:
            drawn = capture.rendered
            reading = extract_page(
                capture.body(site.crawl.max_bytes) if drawn is None else drawn,
                site=site,
                url=capture.url,
                requested=capture.requested,
                captured_at=capture.captured_at,
                content_type=capture.header("content-type") if drawn is None else "text/html;charset=utf-8",
            )
            reading = reading if drawn is None else _say_drawn(reading)
        except BodyTooLarge:
            reading = Reading(kind="failed", reason="page too large")
        except BodyUndecodable:
            reading = Reading(kind="failed", reason="content coding broken")
        except MemoryError:
            reading = Reading(kind="failed", reason="extraction ran out of memory")
        except Exception as error:  # noqa: BLE001 - whatever a page provokes costs that page
            reading = Reading(kind="failed", reason=f"extraction failed: {type(error).__name__}")
    return make_finding(capture, warc_key, reading)


def _say_drawn(reading: Reading) -> Reading:
    """The reading, saying that the page was read as a browser drew it."""
    article = reading.article
    if article is None:
        return reading
    origins = {**article.origins, "text": f"{article.origins.get('text', 'trafilatura')}, drawn by script"}
    return replace(reading, article=article.model_copy(update={"origins": origins}))


def make_finding(capture: Captured, warc_key: str, reading: Reading) -> Finding:
    """A reading with the evidence it rests on."""
    return Finding(
        kind=reading.kind,
        requested=capture.requested,
        final=capture.url,
        evidence=Evidence(
            warc=warc_key,
            offset=capture.offset,
            length=capture.length,
            record_id=capture.record_id,
            record_type=capture.record_type,
            payload_digest=capture.payload_digest,
            status=capture.status,
            captured_at=capture.captured_at,
            rendered_digest=None if capture.rendered is None else payload_digest(capture.rendered),
        ),
        reason=reading.reason,
        article=reading.article,
        etag=_validator(capture, "etag"),
        last_modified=_validator(capture, "last-modified"),
        via=capture.via,
        source_lastmod=capture.source_lastmod,
        extractor=extractor_version() if reading.article else None,
        hops=capture.hops,
        facts=dict(capture.facts),
        policy=dict(capture.policy),
    )


_VALIDATOR: Final = re.compile(r"[\x20-\x7e]{1,500}")


def _validator(capture: Captured, name: str) -> str | None:
    """A header's value that will be sent back with the next request; None when it had better not be."""
    value = capture.header(name)
    return value if value is not None and _VALIDATOR.fullmatch(value) else None


def _by_status(  # noqa: PLR0911 - one return per status reads best
    site: Site, capture: Captured
) -> Reading | None:
    """What is decided without the page: by the HTTP status, or because its body was withheld; else None."""
    status = capture.status
    if capture.withheld and status < 300:
        return Reading(kind="excluded", reason=capture.policy.get("withheld", "withheld"))
    if (status == 304 or capture.record_type == "revisit") and capture.hops and is_home(site, capture.url):
        return Reading(kind="gone", reason="redirected to the front page")
    if status == 304:
        return Reading(kind="unchanged", reason="HTTP 304")
    if capture.record_type == "revisit":
        return Reading(kind="unchanged", reason="same payload as before")
    if status in {404, 410}:
        return Reading(kind="gone", reason=f"HTTP {status}")
    if status in {401, 403, 407, 429, 451, 503}:
        return Reading(kind="blocked", reason=f"HTTP {status}")
    if status in {200, 203}:
        return None
    return Reading(kind="failed", reason=f"HTTP {status}")


# --- the pool -------------------------------------------------------------------------------------------

_START: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pipeline.extract import serve
serve(*sys.argv[2:])
"""
_AHEAD_BYTES: Final = 64 * 1024  # what surely fits into a socket's buffer, so that handing out work never blocks
_AHEAD: Final = 2  # pages given to a worker: one in work, one waiting
_WINDOW: Final = 16  # pages per worker between the one that is handed out next and the one that is given back next
_PAGES_PER_START: Final = 8  # a worker's start takes as much CPU as so many pages, or more
_STARTS: Final = 3  # times that a worker may die before it says it is ready


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A page on its way through the pool."""

    number: int
    capture: Captured
    tries: int = 0


@dataclass(kw_only=True)
class _Worker:
    """A worker process as its owner sees it."""

    process: subprocess.Popen[bytes]
    channel: Connection
    ready: bool = False
    told: bytes = b""  # site and segment that it was told of last
    work: deque[_Page] = field(default_factory=deque)

    def stop(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()


class Extractor:
    """Worker processes that make findings of segments.

    The workers are processes of their own kind (not forks: the caller may be an Airflow task or have threads) and
    load trafilatura once. They start when there is a page to read, one by one as pages come, or all at once by
    ``warm_up``: a run in which nothing has changed starts none. A page that takes more than ``page_seconds`` of CPU
    time ends its worker by a signal that no C code can hold up; a page on which a worker dies otherwise is tried
    once more. Either is counted as failed,
    and a new worker takes over. Use as a context manager, from one thread at a time.

    Args:
        processes: how many.
        page_seconds: CPU seconds that one page may take.
        function: where workers find ``(site, capture, warc_key) -> Finding``, as ``module:name``.
    """

    def __init__(
        self, processes: int, *, page_seconds: float = PAGE_SECONDS, function: str = "pipeline.extract:judge_capture"
    ) -> None:
        self._processes = max(1, processes)
        self._page_seconds = page_seconds
        self._function = function
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._given = 0

    def __enter__(self) -> Self:
        return self

    def warm_up(self) -> None:
        """Start all workers now, because many pages are on their way."""
        self._given = max(self._given, _PAGES_PER_START * self._processes)
        self._fill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def extract_segment(self, site: Site, path: Path, warc_key: str) -> Iterator[Finding]:
        """Findings of a segment's pages, in the order of their records.

        Args:
            site: whose segment it is.
            path: the segment, on this machine.
            warc_key: its key in the archive.

        Raises:
            Temporary: the workers do not start (no memory, say).
            OSError: the segment cannot be read.
        """
        told = pickle.dumps((site, warc_key))
        done: dict[int, Finding] = {}  # found, and waiting for those before them
        again: deque[_Page] = deque()  # given to a worker that ended before it read them
        following = 0
        with path.open("rb") as stream:
            pages = self._read(site, stream, done, warc_key)
            coming = next(pages, None)
            try:
                while True:
                    while following in done:
                        yield done.pop(following)
                        following += 1
                    if coming is not None or again:
                        self._fill()
                    while (page := again[0] if again else coming) is not None:
                        worker = self._choose(page, following)
                        if worker is None:
                            break
                        if again:
                            again.popleft()
                        else:
                            coming = next(pages, None)
                        self._give(worker, page, told)
                    if following in done:
                        continue
                    busy = {worker.channel: worker for worker in self._workers if worker.work or not worker.ready}
                    if coming is None and not again and not any(worker.work for worker in busy.values()):
                        return
                    for channel in wait(list(busy)):
                        self._receive(busy[channel], done, again, warc_key)  # type: ignore[index]
            finally:
                for worker in [worker for worker in self._workers if worker.work]:
                    self._workers.remove(worker)  # its answers would be taken for those of the next segment
                    worker.stop()

    def _read(self, site: Site, stream: Any, done: dict[int, Finding], warc_key: str) -> Iterator[_Page]:
        """Pages that a worker must read; what the status decides is done at once."""
        number = 0
        for capture in read_captures(stream):
            if capture.kind != "page":
                continue
            reading = _by_status(site, capture)
            if reading is None:
                yield _Page(number=number, capture=capture)
            else:
                done[number] = make_finding(capture, warc_key, reading)
            number += 1

    def _choose(self, page: _Page, following: int) -> _Worker | None:
        if page.number - following >= _WINDOW * self._processes:
            return None
        idle = min((worker for worker in self._workers if worker.ready), key=lambda w: len(w.work), default=None)
        if idle is None or not idle.work:
            return idle
        small = len(page.capture.payload) <= _AHEAD_BYTES
        return idle if small and page.tries == 0 and len(idle.work) < _AHEAD else None

    def _give(self, worker: _Worker, page: _Page, told: bytes) -> None:
        """Hand a page to a worker; if that is dead, `_receive` will find it so, and why."""
        worker.work.append(page)
        self._given += 1
        with suppress(OSError):
            if worker.told != told:
                worker.channel.send_bytes(told)
                worker.told = told
            worker.channel.send_bytes(pickle.dumps(page.capture))

    def _receive(self, worker: _Worker, done: dict[int, Finding], again: deque[_Page], warc_key: str) -> None:
        try:
            answer = worker.channel.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker, done, again, warc_key)
            return
        if not worker.ready:
            worker.ready = True
            self._failed_starts = 0
            return
        page = worker.work.popleft()
        done[page.number] = Finding.model_validate_json(answer)

    def _bury(self, worker: _Worker, done: dict[int, Finding], again: deque[_Page], warc_key: str) -> None:
        """A worker has ended: find out why, count its page or try it again, give the others back."""
        status = worker.process.wait()
        worker.channel.close()
        self._workers.remove(worker)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise Temporary(f"extraction processes end before they are ready (exit status {status})")
        if worker.work and status != 0:
            page = worker.work.popleft()
            late = status == -signal.SIGPROF
            if late or page.tries:
                reason = f"extraction took more than {self._page_seconds:g} s" if late else "extraction process crashed"
                done[page.number] = make_finding(page.capture, warc_key, Reading(kind="failed", reason=reason))
            else:
                again.append(_Page(number=page.number, capture=page.capture, tries=1))
        again.extend(worker.work)
        worker.work.clear()

    def _fill(self) -> None:
        while len(self._workers) < min(self._processes, 1 + self._given // _PAGES_PER_START):
            self._workers.append(self._start())

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [json.dumps(sys.path), str(theirs.fileno()), str(self._page_seconds), self._function]
            process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=child_environment(),
            )
        return _Worker(process=process, channel=Connection(ours.detach()))


def serve(descriptor: str, page_seconds: str, function: str) -> None:
    """A worker's life: say ready, then answer each capture with its finding, until the owner hangs up.

    The timer counts CPU time and its signal is left at its default, which ends the process wherever it is.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (WORKER_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    channel = Connection(int(descriptor))
    module, name = function.split(":")
    judge = getattr(import_module(module), name)
    _trafilatura()
    gc.freeze()
    site, warc_key = None, ""
    with suppress(EOFError, OSError):
        channel.send_bytes(b"ready")
        while True:
            message = pickle.loads(channel.recv_bytes())  # noqa: S301 - from our owner, through a socket of ours alone
            if isinstance(message, tuple):
                site, warc_key = message
                continue
            signal.setitimer(signal.ITIMER_PROF, float(page_seconds))
            finding = judge(site, message, warc_key)
            signal.setitimer(signal.ITIMER_PROF, 0)
            channel.send_bytes(finding.to_json())
            if _resident_bytes() > TIRED_BYTES:
                return


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0
