"""What feeds, sitemaps and listing pages say: which pages there are, and which documents lead on.

Pure parsers over bounded bytes that the crawl has fetched and decoded. XML is read without entities, DTDs or
network. Entries come as a stream; a document that cannot be read raises SourceError and costs that
document only. Which URL is an article, and what to fetch, is decided elsewhere.
"""

from __future__ import annotations

import email.utils
import io
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import dateutil.parser
import feedparser
import lxml.etree
import lxml.html

MOST_ENTRIES = 100_000
"""So many entries of one document are read (the sitemap protocol allows 50,000)."""

_ENTITY = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_PROLOGUE = 64 * 1024  # a DOCTYPE stands before the root element
_LINE = re.compile(r"[^\r\n]+")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_LONGEST_TITLE = 500


class SourceError(ValueError):
    """A document of a source cannot be read; the message says why in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page that a source names. ``url`` is as it was written, perhaps relative."""

    url: str
    lastmod: str | None = None  # as text
    title: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # what else it says, by the names of spiders.warc.FACTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Further:
    """A document of the same source that the one at hand leads to."""

    url: str
    lastmod: str | None = None


def parse_moment(text: str | None) -> float | None:
    """A date of a feed or sitemap in seconds since 1970; without a zone it is taken as UTC.

    Returns:
        None when there is none or it cannot be read.
    """
    if not text or len(text) > 64:
        return None
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime, dateutil.parser.parse):
        try:
            moment = read(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
            continue
    return None


def parse_feed(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed]:
    """Entries of an RSS, RDF or Atom feed, in its order.

    Raises:
        SourceError: it is no feed.
    """
    _refuse_entities(body)
    headers = {"content-location": url, "content-type": content_type or "application/xml"}
    try:
        parsed = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # it promises to raise nothing, and hostile input finds what it did not think of
        raise SourceError(f"not a feed: {type(error).__name__} while it was read") from error
    if not parsed.entries and not parsed.get("version"):
        raise SourceError(f"not a feed: {_in_words(parsed.get('bozo_exception')) or _looks_like(body)}")
    for entry in parsed.entries[:MOST_ENTRIES]:
        link = entry.get("feedburner_origlink") or entry.get("link") or entry.get("id")
        if isinstance(link, str) and link:
            yield Listed(url=link, lastmod=_own(entry, "updated") or _own(entry, "published"), title=_title(entry))


def parse_sitemap(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed | Further]:
    """Entries of a sitemap: an index (``Further``), a url set with or without news, plain text, or a feed.

    ``lastmod``, or else the publication date of a news entry, is the entry's date.

    Raises:
        SourceError: it is none of them, perhaps after some entries.
    """
    _refuse_entities(body)
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start != b"<" and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield from _parse_text_sitemap(body)
        return
    events = lxml.etree.iterparse(
        io.BytesIO(body),
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = next((element for _, element in events), None)
        name = _local_name(root)
        if name in ("rss", "feed", "rdf"):
            yield from parse_feed(body, url=url, content_type=content_type)
        elif name in ("urlset", "sitemapindex"):
            yield from itertools.islice(_read_entries(events, root), MOST_ENTRIES)
        else:
            raise SourceError(f"not a sitemap: its root element is {name[:40]!r}" if name else "an empty document")
    except lxml.etree.XMLSyntaxError as error:
        raise SourceError(f"broken XML: {_in_words(error)}") from error


def _read_entries(events: Any, root: Any) -> Iterator[Listed | Further]:
    """Entries below the root as they are parsed; what was read is dropped from the tree."""
    for event, element in events:
        if event == "end" and element.getparent() is root:
            name = _local_name(element)
            found = _read_entry(element, further=name == "sitemap") if name in ("url", "sitemap") else None
            element.clear()
            while element.getprevious() is not None:
                del root[0]
            if found is not None:
                yield found


def parse_listing(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed]:
    """Links of an HTML page, each once, in its order, resolved against its ``base``.

    Raises:
        SourceError: it is no HTML.
    """
    charset = _CHARSET.search(content_type or "")
    try:
        parser = lxml.html.HTMLParser(encoding=charset[1] if charset else None, no_network=True, huge_tree=False)
    except LookupError:
        parser = lxml.html.HTMLParser(no_network=True, huge_tree=False)
    try:
        tree: Any = lxml.html.document_fromstring(body, parser=parser)
    except (lxml.etree.LxmlError, ValueError, AssertionError) as error:
        raise SourceError(f"not an HTML page: {_in_words(error)}") from error
    base = next((href for href in tree.xpath("//base/@href") if href.strip()), None)
    seen: set[str] = set()
    for href in tree.xpath("//a/@href | //area/@href | //link[@rel='next']/@href"):
        link = _join(url, base, str(href))
        if link is not None and link not in seen:
            seen.add(link)
            yield Listed(url=link)
        if len(seen) >= MOST_ENTRIES:
            return


def _join(url: str, base: str | None, href: str) -> str | None:
    try:
        return urljoin(urljoin(url, base), href.strip()) if base else urljoin(url, href.strip())
    except ValueError:
        return None


def _refuse_entities(body: bytes) -> None:
    if _ENTITY.search(body, 0, _PROLOGUE):
        raise SourceError("it declares XML entities, which are never expanded here")


def _parse_text_sitemap(body: bytes) -> Iterator[Listed]:
    count = 0
    for match in _LINE.finditer(body.decode("utf-8-sig", "replace")):
        line = match[0].strip()
        if not line:
            continue
        if not line.lower().startswith(("http://", "https://")):
            raise SourceError(f"not a sitemap: a line says {line[:60]!r}")
        yield Listed(url=line)
        count += 1
        if count >= MOST_ENTRIES:
            return
    if not count:
        raise SourceError("an empty document")


def _read_entry(element: Any, *, further: bool) -> Listed | Further | None:
    texts: dict[str, str] = {}
    for part in element.iter():
        if part is not element and isinstance(part.tag, str) and part.text:
            texts.setdefault(_local_name(part), part.text.strip())
    url = texts.get("loc")
    if not url:
        return None
    lastmod = texts.get("lastmod") or texts.get("publication_date") or None
    if further:
        return Further(url=url, lastmod=lastmod)
    # An image's title may stand before the news entry's; the news entry's is the one wanted.
    news = next((part for part in element if _local_name(part) == "news"), None)
    title = None if news is None else next((p.text for p in news if _local_name(p) == "title" and p.text), None)
    return Listed(url=url, lastmod=lastmod, title=title and title.strip()[:_LONGEST_TITLE])


def _local_name(element: Any) -> str:
    tag = getattr(element, "tag", None)
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _own(entry: Any, name: str) -> str | None:
    """A field that the entry itself has; feedparser would answer "updated" with "published"."""
    value = dict.get(entry, name)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _title(entry: Any) -> str | None:
    title = entry.get("title")
    return " ".join(title.split())[:_LONGEST_TITLE] if isinstance(title, str) and title.strip() else None


def _looks_like(body: bytes) -> str:
    start = body[:500].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "an empty document" if not start else "something else"


def _in_words(error: object) -> str:
    return " ".join(str(error).split())[:200] if error else ""


def newest_first(further: list[Further]) -> list[Further]:
    """Documents in the order to fetch them: the lately changed ones first, undated ones in their place after them."""

    def age(one: Further) -> float:
        moment = parse_moment(one.lastmod)
        return float("inf") if moment is None else -moment

    return sorted(further, key=age)
