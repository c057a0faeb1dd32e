"""What sort of page it is: an article, or what else and why, in words.

Pure. The wordings of walls and missing pages are in `pipeline.walls`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote, urlsplit

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.blocks import texts_of
from pipeline.language import count_words
from pipeline.metadata import GUESSED, Metadata, clean_text, fold
from pipeline.model import Article
from pipeline.walls import find_block, says_missing, says_subscribe
from spiders.site import Site
from spiders.urls import canonical_url

if TYPE_CHECKING:
    from pipeline.body import Verdict

Kind = Literal["article", "unchanged", "not-an-article", "gone", "blocked", "failed", "excluded"]

FEWEST_WORDS: Final = 15  # a text with fewer is no article, whatever the page says
FEWEST_WORDS_UNDECLARED: Final = 40  # … and with fewer only when the page calls itself an article or has a date


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What became of one page."""

    kind: Kind
    reason: str | None = None
    article: Article | None = None
    rules: Mapping[str, bool] = field(default_factory=dict)  # article: rule of the site's file -> it found something


_ERROR_PAGES = frozenset(
    {"404", "404.html", "404.php", "error", "error404", "error-404", "not-found", "notfound", "page-not-found", "410"}
)
_DOORS = frozenset(
    {"login", "signin", "sign-in", "log-in", "consent", "cookie-consent", "subscribe", "anmelden", "captcha"}
)
_HOMES = frozenset({"", "/", "/home", "/index.html", "/index.htm", "/index.php", "/index.aspx", "/default.aspx"})


def judge_page(  # noqa: PLR0911 - one return per reason reads best
    tree: HtmlElement,
    about: Metadata,
    lines: Sequence[str],
    site: Site,
    url: str,
    requested: str,
    verdicts: Sequence[Verdict] = (),
) -> Reading | None:
    """Why a page is no article of the site; None when it is one.

    Args:
        tree: the page.
        about: its metadata.
        lines: its text.
        site: whose page it is.
        url: the URL that answered.
        requested: the canonical URL that was asked for.
        verdicts: what became of each visible block of the page, in its order.
    """
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
    if _is_stub(tree, words, verdicts):
        return Reading(kind="blocked", reason="paywall stub")
    other = find_other_kind(tree, about, lines, url, words=words)
    if other == "table of figures" and _is_cards(verdicts, url):
        other = "index page"  # its headlines are links, and the dates below them are all that is left
    if other:
        return Reading(kind="not-an-article", reason=other)
    if not words:
        return Reading(kind="not-an-article", reason="no text")
    sure = about.declared_article or (about.published is not None and about.published.source not in GUESSED)
    if words < FEWEST_WORDS or (words < FEWEST_WORDS_UNDECLARED and not sure):
        return Reading(kind="not-an-article", reason="too short")
    if not about.title:
        return Reading(kind="not-an-article", reason="no title")
    if about.declared_list or (not about.declared_article and (is_index(tree, lines, url) or _is_cards(verdicts, url))):
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
    if final == requested or _without_scheme(final) == _without_scheme(requested):
        return None  # the same page: an import's http:// capture of what is https:// today, or a server that turns back
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


def _without_scheme(url: str) -> str:
    return url.partition("://")[2]


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
_PROSE_WORDS: Final = 35  # a paragraph of so many is longer than teasers are
_MOST_PROSE: Final = 200  # words of such paragraphs; a page with more is an article that ends in links


def is_index(tree: HtmlElement, lines: Sequence[str], url: str) -> bool:
    """Whether a text is mostly the links of an index page: teasers, not sentences of its own.

    Links count that lead to other pages of the site: a list of things to buy is an article, and so is a list of what
    stands further down on the page.
    """
    leading = (link for link in islice(tree.iter("a"), _KEYS) if _leads_on(link.get("href") or "", url))
    texts = (" ".join(link.itertext())[:_KEY_CHARACTERS] for link in leading)
    links = tuple({key for text in texts if len((key := fold(text)).split()) >= 3})
    keys = [fold(line[:_KEY_CHARACTERS]) for line in lines[:_KEYS]]
    # a teaser is its link, or its link and a date
    linked = [
        key
        for key in keys
        if key.startswith(links) and any(key.startswith(link) and 2 * len(link) >= len(key) for link in links)
    ]
    if len(linked) < 5:
        return False
    told = set(linked)
    prose = sum(words for key in keys if key not in told and (words := len(key.split())) >= _PROSE_WORDS)
    many = len(linked) >= 0.3 * len(keys) and prose < _MOST_PROSE
    return many or sum(map(len, linked)) >= 0.5 * sum(map(len, keys))


# --- pages whose article is something else than a text --------------------------------------------------

_FEW_WORDS: Final = 100  # with more, the text beside a film, a game or a sound is an article
_PATH_KINDS: Final = {
    **dict.fromkeys(("video", "videos", "vídeo", "vídeos", "vidéo", "watch", "wideo", "mediathek"), "video page"),
    **dict.fromkeys(
        (
            *("gallery", "galleries", "photos", "pictures", "in-pictures", "photo-gallery", "picture-gallery", "fotos"),
            *("fotogalerie", "fotostrecke", "fotostrecken", "bildergalerie", "bilderstrecke", "bilder", "galerie"),
            *("galeries", "galeria", "galerias", "galería", "galerías", "diaporama", "diaporamas", "photogallery"),
            *("fotogallery", "fotogaleria", "slideshow", "slideshows", "bildspel", "bildserie", "fotoserie", "oriel"),
        ),
        "gallery page",
    ),
    **dict.fromkeys(("podcast", "podcasts", "audio", "listen"), "audio page"),
    **dict.fromkeys(
        (
            *(
                "quiz",
                "quizzes",
                "puzzle",
                "puzzles",
                "crossword",
                "crosswords",
                "sudoku",
                "wordsearch",
                "poll",
                "polls",
            ),
            *("umfrage", "umfragen", "rätsel", "raetsel", "sondage", "sondages", "encuesta", "encuestas", "cruciverba"),
            *("sondaggio", "sondaggi", "mots-croises", "crucigrama", "crucigramas", "kryds-og-tværs", "cwis"),
        ),
        "quiz or puzzle page",
    ),
}
_DECLARED_KINDS: Final = {
    **dict.fromkeys(("VideoObject", "Movie", "og:video.other", "og:video", "og:video.episode"), "video page"),
    **dict.fromkeys(("ImageGallery", "MediaGallery"), "gallery page"),
    **dict.fromkeys(("PodcastEpisode", "RadioEpisode", "AudioObject", "og:music.song"), "audio page"),
    **dict.fromkeys(("Quiz", "Game"), "quiz or puzzle page"),
}
_PLAYERS: Final = {"video page": ("video",), "audio page": ("audio",)}


def find_other_kind(  # noqa: PLR0911 - one return per reason reads best
    tree: HtmlElement, about: Metadata, lines: Sequence[str], url: str, *, words: int
) -> str | None:
    """What a page is whose main matter is no text: a film, pictures, a game, an advert, figures; None for all others.

    A text of some length is an article whatever stands beside it, unless the page says that it is something else
    that has texts of any length, and does not say that it is an article.
    """
    declared = frozenset(about.declared)
    dated = about.published is not None and about.published.source not in GUESSED
    if not about.declared_article:
        if "JobPosting" in declared:
            return "job advert"
        if not dated and any(kind.endswith("Event") for kind in declared):
            return "event page"
        if not dated and declared & {"Product", "ProductGroup", "og:product"}:
            return "product page"
        if declared & {"ProfilePage", "og:profile"} and not dated and words < 3 * _FEW_WORDS:
            return "author page"
    if words >= 3 * _FEW_WORDS:
        return None
    if _is_figures(lines):
        return "table of figures"
    named = next((kind for step in _steps(url) if (kind := _PATH_KINDS.get(step))), None)
    stated = next((kind for kind in map(_DECLARED_KINDS.get, sorted(declared)) if kind), None)
    if words < _FEW_WORDS:
        if stated and (not about.declared_article or stated == named):
            return stated
        if named and (named == "quiz or puzzle page" or _has_player(tree, named)):
            return named
    if ("gallery page" in {named, stated} or not about.declared_article) and _is_captions(tree, lines):
        return "gallery page"
    return None


def _steps(url: str) -> list[str]:
    """The folders of an address, and its page: ``["news", "video", "flood-from-the-air"]``."""
    try:
        return [unquote(step) for step in urlsplit(url).path.lower().split("/") if step][:12]
    except ValueError:
        return []


def _has_player(tree: HtmlElement, kind: str) -> bool:
    return kind == "gallery page" or any(tree.find(f".//{tag}") is not None for tag in _PLAYERS.get(kind, ()))


_FEWEST_ROWS: Final = 8


def _is_figures(lines: Sequence[str]) -> bool:
    """Whether a text is a table of scores, prices or measurements: hardly a line has a sentence."""
    if len(lines) < _FEWEST_ROWS:
        return False
    letters = [character for line in lines[:_KEYS] for character in line[:_KEY_CHARACTERS] if character.isalnum()]
    digits = sum(character.isdigit() for character in letters)
    return 3 * digits >= len(letters) and all(len(line.split()) < 20 or "|" in line for line in lines[:_KEYS])


_FIND_PICTURES: Final = XPath("//figcaption | //*[contains(@class,'caption') or contains(@class,'Caption')]")
_FEWEST_PICTURES: Final = 4
_CAPTIONS, _CAPTION_CHARACTERS = 300, 500  # that are looked at


def _is_captions(tree: HtmlElement, lines: Sequence[str]) -> bool:
    """Whether a text is nothing but what stands below several pictures."""
    found = _FIND_PICTURES(tree)
    captions = [
        fold(" ".join(islice(element.itertext(), 50))[:_CAPTION_CHARACTERS])
        for element in (found[:_CAPTIONS] if isinstance(found, list) else ())
        if isinstance(element, HtmlElement)
    ]
    known = {key for key in captions if key}
    if len(known) < _FEWEST_PICTURES:
        return False
    whole = "\n".join(sorted(known))
    keys = [key for line in lines[:_KEYS] if (key := fold(line[:_KEY_CHARACTERS]))]
    under = sum(len(key) for key in keys if key in known or (len(key) > 20 and key in whole))
    return bool(keys) and under >= 0.8 * sum(map(len, keys))


# --- an index page whose teasers have texts of their own ------------------------------------------------

_FEWEST_CARDS: Final = 5
_CARD_LEVELS: Final = 4


def _is_cards(verdicts: Sequence[Verdict], url: str) -> bool:
    """Whether a text is put together of teasers: each in a box of its own, below a heading that is a link.

    Links count that lead to other pages of the site: a list of things to buy is an article.
    """
    boxes: dict[HtmlElement, int] = {}
    known: dict[HtmlElement, list[HtmlElement]] = {}
    whole = 0
    for verdict in verdicts:
        if not verdict.kept:
            continue
        size = len(verdict.block.text)
        whole += size
        box = _find_card(verdict.block.element, url, known)
        if box is not None:
            boxes[box] = boxes.get(box, 0) + size
    inside = sum(boxes.values())
    return len(boxes) >= _FEWEST_CARDS and inside >= 0.6 * whole and max(boxes.values()) <= 0.4 * inside


def _find_card(element: HtmlElement, url: str, known: dict[HtmlElement, list[HtmlElement]]) -> HtmlElement | None:
    """The box with a linked heading that an element is in; ``known`` has the headings of boxes that were asked."""
    at: HtmlElement | None = element
    for _ in range(_CARD_LEVELS):
        if at is None or at.tag in {"body", "main", "html"}:
            return None
        headings = known.get(at)
        if headings is None:
            headings = known[at] = list(islice(at.iter("h2", "h3", "h4", "h5"), 2))
        if len(headings) > 1:
            return None
        if headings:
            return at if _is_linked(headings[0], url) else None
        at = at.getparent()
    return None


def _is_linked(heading: HtmlElement, url: str) -> bool:
    """Whether a heading is a link to another page of the site."""
    link = heading.find(".//a[@href]")
    if link is None:
        link = next((above for above in islice(heading.iterancestors(), 2) if above.tag == "a"), None)
    if link is None:
        return False
    return _leads_on(link.get("href") or "", url)


def _leads_on(target: str, url: str) -> bool:
    """Whether a link leads to another page of the same site."""
    target = target.strip()
    try:
        parts, here = urlsplit(target), urlsplit(url)
    except ValueError:
        return False
    if target.startswith("#") or not (parts.path.strip("/") or parts.query):
        return False
    there, host = parts.netloc.lower().removeprefix("www."), here.netloc.lower().removeprefix("www.")
    return not there or there == host or there.endswith(f".{host}") or host.endswith(f".{there}")


# --- the beginning of an article that has to be paid for ------------------------------------------------

_STUB_WORDS: Final = 250
_NOT_FREE: Final = re.compile(
    r"\"isAccessibleForFree\"\s*:\s*\"?(?:https?://schema\.org/)?(?:false|no)\b", re.IGNORECASE
)
_FIND_SCRIPTS: Final = XPath("//script[contains(@type,'ld+json')]")
_WALL_NAMES: Final = re.compile(
    r"pay-?wall|(?:subscri\w+|premium|regi\w+|meter\w*)-?_?(?:wall|barrier|gate|prompt)", re.IGNORECASE
)
_ENDS: Final = (".", "!", "?", "”", '"', "’", "'", "»", ")", "。", "」", "؟", "।")
_TEASER_ENDS: Final = ("…", "...", "[…]", "[...]", "(…)")


def _is_stub(tree: HtmlElement, words: int, verdicts: Sequence[Verdict]) -> bool:
    """Whether a text is only the beginning of one that has to be paid for.

    A text of some length is an article, whatever the page says of its price; so is a short one that ends as texts
    end and is followed by nothing that asks for money.
    """
    last = max((number for number, verdict in enumerate(verdicts) if verdict.kept), default=None)
    if words >= _STUB_WORDS or last is None:
        return False
    after = [verdict.block for verdict in islice(verdicts, last + 1, last + 5)]
    final = verdicts[last].block
    asks = says_subscribe(final.text) or any(says_subscribe(block.text) for block in after)
    cut = final.text.endswith(_TEASER_ENDS) or (final.kind == "paragraph" and not final.text.endswith(_ENDS))
    priced = _is_priced(tree)
    named = any(_WALL_NAMES.search(block.names) for block in (final, *after))
    return (priced and (asks or cut or named)) or (asks and (named or (cut and final.text.endswith(_TEASER_ENDS))))


def _is_priced(tree: HtmlElement) -> bool:
    """Whether the page says that it is not to be read for nothing."""
    found = _FIND_SCRIPTS(tree)
    scripts = found[:50] if isinstance(found, list) else []
    return any(isinstance(script, HtmlElement) and _NOT_FREE.search(script.text or "") for script in scripts)
