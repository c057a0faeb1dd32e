"""Documents that a page links: which links lead to a PDF, and which of them belong to what the page says.

Press releases and decisions often hang on their page as a PDF. The crawl follows such links of the pages that it has
fetched (``crawl.documents``), and extraction lists them with the article; both ask ``find_links``, so that they agree.
It reads the letters of a page and makes no tree: every page goes through it in the crawl, hostile ones too, and its
time grows with the page's length alone. Not here: what may be fetched (``spiders.site.Site.wants_document``), what
becomes of it (``spiders.books``), and what stands in it (``pipeline.documents``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body
from spiders.site import Site
from spiders.urls import canonical_url
from spiders.warc import Captured

MOST_ON_A_PAGE: Final = 20
"""So many documents of one page are followed, in the order of its links: a page with more is a library."""
MOST_PAGES: Final = 20
"""So many of the pages that link a document are remembered with it."""
LONGEST_PAGE: Final = 3_000_000  # characters of a page that are looked at

_LONGEST_TITLE = 300
_LONGEST_LABEL = 2000  # characters of a link's mark-up
_MOST_LINKS = 5000

# An attribute's value may hold a ">"; a "<" stands in hardly any, and stopping there keeps the time linear.
_NAMES = "a|article|aside|base|footer|main|nav|script|style|template"
_TAG, _TAG_OR_BOX = (
    re.compile(rf"<!--|<(/?)({names})(?=[\s/>])([^<>]{{0,4000}})>", re.IGNORECASE)
    for names in (_NAMES, f"{_NAMES}|div|section")
)
_MAIN_ROLES = ('role="main"', "role='main'", "role=main")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,20})\s{0,20}=\s{0,20}("[^"]{0,4000}"|'[^']{0,4000}'|[^\s"'>]{1,4000})""")
_ARTICLE = re.compile(r"<article[\s>]", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,4000}>")
_SAYS_PDF = re.compile(r"[(\[]\s{0,3}pdf\b[^()\[\]]{0,40}[)\]]\s{0,3}", re.IGNORECASE)
_COMMENT_END = re.compile("-->")
_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE | re.ASCII) for name in ("script", "style", "template")}
_UNREAD = frozenset(_ENDS)
_MOST_SPELLINGS = 500  # a page that has the word more often is walked through
_LONGEST_TAG = 5000
_ASIDE = frozenset({"nav", "footer", "aside"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link to a document."""

    url: str  # canonical
    title: str | None = None  # what the link says


def is_pdf_address(url: str) -> bool:
    """Whether a URL looks like that of a PDF: its path, or a value of its query, ends so.

    >>> is_pdf_address("https://www.example.gov.uk/download?file=Notice.PDF")
    True
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if _ends_so(parts.path):
        return True
    return any(_ends_so(value.partition("=")[2]) for value in parts.query.split("&")[:50])


def find_links(page: str, url: str) -> tuple[Link, ...]:
    """Documents that a page links in what is its own: not in its navigation, its footer, or beside it.

    Where the page marks its main part, only links in there count; else where it has exactly one ``article``, those
    in that.

    Args:
        page: the page's HTML, decoded; what is beyond ``LONGEST_PAGE`` is not looked at.
        url: that answered, which relative links are taken against (or the page's ``base``).

    Returns:
        Each document once, in the order of the page; no more than ``MOST_ON_A_PAGE``.
    """
    page = page[:LONGEST_PAGE]
    if not _may_link(page, url):
        return ()
    found = list(_read_links(page))
    base = url
    for one in found:
        if one.base:
            base = _join(one.base, url) or url
            break
    marked = [one for one in found if one.main]
    if not marked and len(_ARTICLE.findall(page)) == 1:
        marked = [one for one in found if one.article]
    links: dict[str, Link] = {}
    for one in marked or found:
        target = None if one.base else _join(one.target, base)
        if target is None or not (one.says_pdf or is_pdf_address(target)):
            continue
        known = links.get(target)
        if (known is None and len(links) < MOST_ON_A_PAGE) or (known is not None and known.title is None):
            links[target] = Link(url=target, title=one.title)
    return tuple(links.values())


def read_page(payload: bytes, coding: str, limit: int) -> str:
    """The letters of a page that may link documents; empty where it cannot be read, or is no page.

    Addresses are ASCII in all that is met, so it does not matter much which of the two encodings is right.

    Args:
        payload: the body as received.
        coding: its Content-Encoding.
        limit: bytes that it may have.
    """
    try:
        body = decode_body(payload, coding, limit)
    except (BodyTooLarge, BodyUndecodable):
        return ""
    if body.startswith(b"%PDF-"):
        return ""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def find_documents(site: Site, capture: Captured) -> tuple[Link, ...]:
    """The documents that a captured page links, where the site's file wants any; a document links none."""
    if not site.crawl.documents or capture.status != 200 or "linked_from" in capture.facts:
        return ()
    coding = ", ".join(value for name, value in capture.headers if name.lower() == "content-encoding")
    return find_links(read_page(capture.payload, coding, site.crawl.max_bytes), capture.url)


def merge_pages(*lists: str | Iterable[str] | None) -> str:
    """Pages that link a document, as they are written down: in order, each once, no more than ``MOST_PAGES``.

    The same whatever order the lists come in.

    Args:
        lists: URLs, or what this function has returned; None is an empty one.

    Returns:
        URLs with a space between them, which none of them has in it.
    """
    pages: set[str] = set()
    for one in lists:
        pages.update(one.split() if isinstance(one, str) else one or ())
    return " ".join(sorted(pages)[:MOST_PAGES])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A link, or the page's base, where it stands."""

    target: str
    title: str | None = None
    says_pdf: bool = False
    base: str | None = None
    main: bool = False
    article: bool = False


def _may_link(page: str, url: str) -> bool:
    """Whether a link of a page could lead to a PDF: whether "pdf" stands in its tag or in what it says.

    Nine pages in ten have the word in a script or a style sheet at most; walking through all their tags for nothing
    took a fifth of the time of reading them.
    """
    if "pdf" in url.lower():
        return True  # a link that is only a query keeps the path
    # a byte for each letter: small letters of bytes are made, and searched, in a third of the time of those of text
    small = page.encode("latin-1", "replace").lower()
    looked = 0
    at = small.find(b"pdf")
    while at >= 0:
        looked += 1
        start = small.rfind(b"<", max(0, at - _LONGEST_TAG), at)
        if start >= 0 and small.find(b">", start, at) < 0:
            near = small.startswith((b"a", b"base"), start + 1)
        else:
            begin = max(0, at - _LONGEST_LABEL)
            near = small.rfind(b"<a", begin, at) > small.rfind(b"</a", begin, at)
        if near or looked > _MOST_SPELLINGS:
            return True
        at = small.find(b"pdf", at + 3)
    return False


def _read_links(page: str) -> Iterator[_Found]:
    """All links that could be documents, with where they stand; those beside the page's own are left out."""
    depth = dict.fromkeys((*_ASIDE, "main", "article"), 0)
    roles: list[tuple[str, bool]] = []  # open div and section elements, and whether each is the page's main part
    position = links = 0
    # half of all tags are those of boxes: they are looked at where one of them may be the page's main part
    tag = _TAG_OR_BOX if any(role in page for role in _MAIN_ROLES) else _TAG
    while links < _MOST_LINKS and (match := tag.search(page, position)) is not None:
        position = match.end()
        if match[2] is None or (match[2].lower() in _UNREAD and not match[1]):
            ending = (_COMMENT_END if match[2] is None else _ENDS[match[2].lower()]).search(page, position)
            if ending is None:
                return  # all that is left is a comment, or a script
            position = ending.start()
            continue
        name, closing = match[2].lower(), bool(match[1])
        if name in ("div", "section"):
            if not closing:
                is_main = any(role in match[3] for role in _MAIN_ROLES)
                roles.append((name, is_main))
                depth["main"] += is_main
            elif roles:
                depth["main"] -= roles.pop()[1]
        elif name in depth:
            depth[name] = max(0, depth[name] + (-1 if closing else 1))
        elif name == "base" and not closing:
            yield _Found(target="", base=_attributes(match[3]).get("href"))
        elif name == "a" and not closing:
            links += 1
            if not any(depth[one] for one in _ASIDE):
                yield from _read_link(page, match, main=depth["main"] > 0, article=depth["article"] > 0)


def _read_link(page: str, match: re.Match[str], *, main: bool, article: bool) -> Iterator[_Found]:
    attributes = _attributes(match[3])
    target = attributes.get("href", "")
    if not target or target.startswith("#"):
        return
    label = page[match.end() : match.end() + _LONGEST_LABEL]
    end = label.find("</a")
    end = label.find("</A") if end < 0 else end
    text = " ".join(html.unescape(_ANY_TAG.sub(" ", label[: max(0, end)])).split())
    says = (
        attributes.get("type", "").strip().lower() == "application/pdf"
        or _ends_so(attributes.get("download", ""))
        or _SAYS_PDF.search(text, max(0, len(text) - 60)) is not None
    )
    yield _Found(target=target, title=text[:_LONGEST_TITLE] or None, says_pdf=says, main=main, article=article)


def _attributes(written: str) -> dict[str, str]:
    """Attributes of a tag by name; the first of one name counts."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), html.unescape(value.strip("\"'")))
    return found


def _ends_so(text: str) -> bool:
    return unquote(text).rstrip("/ ")[-4:].lower() == ".pdf"


def _join(target: str, base: str) -> str | None:
    try:
        return canonical_url(target, base)
    except ValueError:
        return None
