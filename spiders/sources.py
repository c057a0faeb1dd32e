"""What feeds, sitemaps and listing pages say: which pages there are, and which documents lead on.

Pure parsers over bounded bytes that the crawl has fetched and decoded. XML is read without entities, DTDs or
network. Entries come as a stream; a document that cannot be read raises SourceError and costs that
document only. A document is read as what it is, whatever the site's file or its Content-Type calls it: a
``Document`` says what that was. Which URL is an article, and what to fetch, is decided elsewhere; services
that answer with data are in ``spiders.services``. The parsers are imported where they are used: who only asks for a
date (every task of a DAG does) would wait 0.15 s for them.
"""

from __future__ import annotations

import codecs
import email.utils
import html
import io
import itertools
import json
import re
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urljoin

import dateutil.parser

MOST_ENTRIES = 100_000
"""So many entries of one document are read (the sitemap protocol allows 50,000)."""
MOST_LINKS = 10_000
"""So many different links of one HTML page are read."""

MOST_FEED_BYTES = 500_000
"""So much of a feed is read: up to 7 s of CPU for the worst documents we could think of, and feeds begin with their
newest items. Whole texts of items do not count."""
MOST_FEED_SECONDS = 10.0
"""CPU time after which reading a feed is broken off: for the documents that we could not think of."""

_ENTITY = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_PROLOGUE = 64 * 1024  # a DOCTYPE stands before the root element
_DECLARED = re.compile(r"""^(\s*<\?xml[^>]{0,200}?)\s+encoding\s*=\s*["'][^"']{0,60}["']""")
_WIDE_DECLARED = re.compile(
    rb"""^(\s*<\?xml[^>]{0,200}?)\s+encoding\s*=\s*["'](?:utf-?(?:16|32)|ucs)[^"']{0,20}["']""", re.IGNORECASE
)
_XML_START = re.compile(rb"<\?xml\b|<(?:[\w.-]{1,40}:)?(?:urlset|sitemapindex|rss|feed|RDF)[\s>]")
_HTML_START = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_ENTRY = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:url|sitemap)\s*>")
_LONGEST_WORD = 2000
_LONG_WORD = re.compile(  # feedparser looks for an e-mail address from each letter of it to its end
    rb"(?<![\w.+-])[\w.+-]{%d,}" % (_LONGEST_WORD + 1)
)
_ITEM_START = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry)\b", re.IGNORECASE)
_CLOSED = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:urlset|sitemapindex)\s*>")
_UNDECLARED = re.compile(rb"<([\w.-]{1,40}):(?:urlset|sitemapindex)\b(?![^>]*\bxmlns:\1\s*=)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,1000}>")
_PARTIAL_DATE = re.compile(r"\d{4}(-\d{2})?")  # W3C's note on dates, which the sitemap protocol follows
_XML_ROOTS = frozenset({"urlset", "sitemapindex", "rss", "feed", "rdf"})
_ILLEGAL = bytes(byte for byte in range(32) if byte not in b"\t\n\r")  # no XML document may have them
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NO_ITEMS = frozenset({"html", "body", "main", "ul", "ol", "table", "tbody"})  # they hold items
_LONGEST_URL = 5000  # what is longer than a URL may be is refused where URLs are spelled; no need to carry it along
_LONGEST_TITLE = 500
_LONGEST_FACT = 300
_LONGEST_DESCRIPTION = 500
_MOST_TIMES = 2000  # dates of one listing page that are looked at
_ITEM = 200  # elements of a listing's item at most
_HIGHEST = 6  # an item's element stands so far above its date at most

Form = Literal["feed", "sitemap", "listing"]


class SourceError(ValueError):
    """A document of a source cannot be read; the message says why in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page that a source names. ``url`` is as it was written, perhaps relative.

    A ``lastmod`` that is also the fact "published" is a date of publication, which does not move with an edit.
    """

    url: str
    lastmod: str | None = None  # as text
    title: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # what else it says, by the names of spiders.warc.FACTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Further:
    """A document of the same source that the one at hand leads to."""

    url: str
    lastmod: str | None = None
    next: bool = False  # the next page of the same list


def parse_moment(text: str | None) -> float | None:
    """A date of a feed or sitemap in seconds since 1970; without a zone it is taken as UTC.

    Returns:
        None when there is none or it cannot be read.
    """
    if not text or len(text) > 64:
        return None
    text = text.strip()
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime, _read_loosely):
        try:
            moment = read(f"{text[:-3]}+0100" if text.endswith(" BST") else text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
            continue
    return None


def _read_loosely(text: str) -> datetime:
    """A date in another form; one that lacks its year, month or day is refused rather than filled up with today's."""
    if _PARTIAL_DATE.fullmatch(text):
        return datetime.fromisoformat(f"{text}-01-01"[:10])
    first, second = (
        dateutil.parser.parse(text, default=default, tzinfos=lambda _, offset: offset or 0)
        for default in (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001 - only compared with each other
    )
    if first != second:
        raise ValueError("part of a date")
    return first


class Document:
    """One document of a source; iterating gives what it names, in its order.

    Args:
        body: decoded, at most as large as the crawl allows.
        url: where it was.
        content_type: what the server calls it; of no weight but for the charset of HTML.
        expect: what the site's file calls it; of weight only where the bytes do not say.
        limit: entries that are read.

    Iterating raises SourceError, perhaps after some entries.
    """

    def __init__(
        self, body: bytes, *, url: str, content_type: str | None = None, expect: Form, limit: int = MOST_ENTRIES
    ) -> None:
        self.url = url
        self.form: Form = expect
        self.rolling = expect != "sitemap"  # what drops out of it is not thereby gone: it lists what is recent
        self.whole = False  # it was read to its end, and nothing of it was left out
        self._body = body
        self._content_type = content_type
        self._expect = expect
        self._limit = limit
        self._missed = False  # some entries were not understood

    def __iter__(self) -> Iterator[Listed | Further]:
        count = 0
        for one in self._read():
            if count >= self._limit:
                return
            count += isinstance(one, Listed)
            yield one
        self.whole = not self._missed

    def _read(self) -> Iterator[Listed | Further]:
        body = _as_utf8(self._body)
        del self._body  # a large one is held only once
        start = body[:1]
        if start in (b"{", b"["):
            self.form, self.rolling = "feed", True
            yield from _read_json_feed(body)
        elif start != b"<" and self._expect == "sitemap" and not _XML_START.search(body, 0, 4096):
            yield from _read_text(body)
        elif self._expect == "listing" and not _is_xml(body):
            yield from _read_page(body, self.url, self._content_type)
        else:
            yield from self._read_xml(body)

    def _read_xml(self, body: bytes) -> Iterator[Listed | Further]:
        if not body:
            raise SourceError(f"not a {self._expect}: an empty document")
        if _HTML_START.match(body):
            raise SourceError(f"not a {self._expect}: an HTML page")
        if _ENTITY.search(body, 0, _PROLOGUE):
            raise SourceError("it declares XML entities, which are never expanded here")
        begin = _XML_START.search(body, 0, 4096)  # some servers put warnings of their own before the document
        if begin is not None and begin.start():
            body = body[begin.start() :]
        name = _root_name(body)
        if name in ("urlset", "sitemapindex"):
            self.form, self.rolling = "sitemap", False
            yield from self._read_sitemap(body)
        elif name in _XML_ROOTS:
            self.form, self.rolling = "feed", True
            yield from _read_feed(body, self.url, self._content_type)
        else:
            what = f"its root element is {name[:40]!r}" if name else "no XML"
            raise SourceError(f"not a {self._expect}: {what}")

    def _read_sitemap(self, body: bytes) -> Iterator[Listed | Further]:
        found = 0
        for one, is_news in _read_entries(body):
            self.rolling |= is_news  # a news sitemap has what was published in the last two days
            found += 1
            yield one
        if _CLOSED.search(body, max(0, len(body) - 4096)) is None:
            raise SourceError(f"cut short after {found} entries")
        if sum(1 for _ in _ENTRY.finditer(body)) > found:
            self._missed = True  # nothing may be concluded from what is missing


def parse_feed(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed]:
    """Entries of an RSS, RDF, Atom or JSON feed, in its order.

    Raises:
        SourceError: it is no feed.
    """
    document = Document(body, url=url, content_type=content_type, expect="feed")
    return (one for one in document if isinstance(one, Listed))


def parse_sitemap(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed | Further]:
    """Entries of a sitemap: an index (``Further``), a url set with or without news, plain text, or a feed.

    ``lastmod``, or else the publication date of a news entry, is the entry's date.

    Raises:
        SourceError: it is none of them, perhaps after some entries.
    """
    return iter(Document(body, url=url, content_type=content_type, expect="sitemap"))


def parse_listing(body: bytes, *, url: str, content_type: str | None = None) -> Iterator[Listed]:
    """Links of an HTML page, each once, in its order, resolved against its ``base``.

    A link takes the date of the item that it stands in (``<time datetime>``), and its text as title when that is a
    heading.

    Raises:
        SourceError: it is no HTML.
    """
    document = Document(body, url=url, content_type=content_type, expect="listing")
    return (one for one in document if isinstance(one, Listed))


def newest_first(further: list[Further]) -> list[Further]:
    """Documents in the order to fetch them: the lately changed ones first, undated ones in their place after them."""

    def age(one: Further) -> float:
        moment = parse_moment(one.lastmod)
        return float("inf") if moment is None else -moment

    return sorted(further, key=age)


def tidy_facts(facts: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Facts as they are kept: texts of one line without markup, cut where they are long; empty ones left out."""
    kept: dict[str, str] = {}
    for name, value in facts:
        if isinstance(value, str) and (text := _one_line(value)):
            kept[name] = text[: _LONGEST_DESCRIPTION if name in ("description", "explanation") else _LONGEST_FACT]
    return kept


# ------------------------------------------------------------------ bytes


_MARKS: tuple[tuple[bytes, str | None], ...] = (
    (codecs.BOM_UTF8, None),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _as_utf8(body: bytes) -> bytes:
    """The document without byte order mark and leading white space; UTF-16 and UTF-32 become UTF-8."""
    mark, encoding = next((one for one in _MARKS if body.startswith(one[0])), (b"", None))
    body = body[len(mark) :]
    if not mark:  # the zero bytes of the first character tell (XML 1.0, appendix F)
        encoding = "utf-16-be" if body[:1] == b"\0" != body[1:2] else None
        encoding = "utf-16-le" if body[1:2] == b"\0" != body[:1] else encoding
    if encoding is not None:
        text = body.decode(encoding, "replace")
        body = _DECLARED.sub(r"\1", text, count=1).encode("utf-8", "replace")
    else:
        body = _WIDE_DECLARED.sub(rb"\1", body, count=1)  # says UTF-16 in so many single bytes
    return body.translate(None, _ILLEGAL).removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")


def _is_xml(body: bytes) -> bool:
    """Whether what should be an HTML page is a feed or a sitemap."""
    start = body[:_PROLOGUE]
    return start.startswith(b"<") and not _HTML_START.match(start) and _root_name(start) in _XML_ROOTS


def _root_name(body: bytes) -> str:
    """Local name of the first element in small letters; empty when there is none to be seen."""
    import lxml.etree

    parser = lxml.etree.XMLPullParser(
        events=("start",), resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=True
    )
    try:
        parser.feed(body[:_PROLOGUE])
        return next((_local_name(element) for _, element in parser.read_events()), "")
    except lxml.etree.XMLSyntaxError:
        return ""


# ------------------------------------------------------------------ feeds


def _read_feed(body: bytes, url: str, content_type: str | None) -> Iterator[Listed | Further]:
    import feedparser

    if _ITEM_START.search(body) is None:
        return  # an empty feed; nothing is worth the parser's time
    if len(body) > MOST_FEED_BYTES:
        body = _drop_texts(body)
    if len(body) > MOST_FEED_BYTES:
        last = max(body.rfind(end, 0, MOST_FEED_BYTES) for end in (b"</item>", b"</entry>"))
        body = body[: last + 8 if last > 0 else MOST_FEED_BYTES]
    # feedparser believes a Content-Type more than the document, and some servers send feeds as HTML.
    charset = _CHARSET.search(content_type or "")
    headers = {
        "content-location": url,
        "content-type": f"application/xml; charset={charset[1]}" if charset else "application/xml",
    }
    body = _LONG_WORD.sub(lambda word: word[0][:_LONGEST_WORD], body)
    try:
        with _at_most(MOST_FEED_SECONDS):
            parsed = feedparser.parse(
                io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
            )
    except _TooLong:
        raise SourceError(f"not read: more than {MOST_FEED_SECONDS:g} s of computing") from None
    except Exception as error:  # it promises to raise nothing, and hostile input finds what it did not think of
        raise SourceError(f"not a feed: {type(error).__name__} while it was read") from error
    if not parsed.entries and not parsed.get("version"):
        raise SourceError(f"not a feed: {_in_words(parsed.get('bozo_exception')) or 'something else'}")
    for entry in parsed.entries:
        link = _find_link(entry)
        if link:
            yield _read_feed_entry(entry, link, parsed)
    following = next((link for link in parsed.feed.get("links", ()) if link.get("rel") == "next"), None)
    if following and isinstance(following.get("href"), str):
        yield Further(url=following["href"][:_LONGEST_URL], next=True)


class _TooLong(BaseException):
    """Time is up; no Exception, because feedparser goes on after those."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Break off what takes longer, in seconds of CPU; only in a process's main thread, where signals can be had."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.5)  # and again, should a bare "except" take the first
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _drop_texts(body: bytes) -> bytes:
    """A feed without the whole texts that some have in each item."""
    kept: list[bytes] = []
    at = 0
    for begin, end in ((b"<content:encoded", b"</content:encoded>"), (b"<content ", b"</content>")):
        while (start := body.find(begin, at)) >= 0 and (stop := body.find(end, start)) >= 0:
            kept.append(body[at:start])
            at = stop + len(end)
    kept.append(body[at:])
    return b"".join(kept)


def _find_link(entry: Any) -> str | None:
    """Where an entry's page is. A guid is a link only where it says so or plainly is one."""
    for link in (entry.get("feedburner_origlink"), entry.get("link"), entry.get("id")):
        if isinstance(link, str) and link.strip():
            is_guid = link == entry.get("id") and not entry.get("guidislink")
            if not is_guid or link.strip().lower().startswith(("http://", "https://")):
                return link.strip()[:_LONGEST_URL]
    return None


def _read_feed_entry(entry: Any, link: str, parsed: Any) -> Listed:
    updated, published = _own(entry, "updated"), _own(entry, "published")
    if published is None and str(parsed.get("version") or "").startswith("rss"):
        updated, published = None, updated  # dc:date, which in RSS is the day of publication
    authors = [one.get("name") for one in entry.get("authors", ()) if isinstance(one.get("name"), str)]
    tags = [tag.get("label") or tag.get("term") for tag in entry.get("tags", ())]
    own_language = entry.get("title_detail", {}).get("language") or entry.get("language")
    return Listed(
        url=link,
        lastmod=updated or published,
        title=_title(entry.get("title")),
        facts=tidy_facts(
            (
                ("published", published),
                ("author", ", ".join(dict.fromkeys(authors)) or entry.get("author")),
                ("guid", entry.get("id")),
                ("section", tags[0] if tags else None),
                ("language", own_language or parsed.feed.get("language")),
                ("description", _shorten(entry.get("summary"))),
            )
        ),
    )


def _read_json_feed(body: bytes) -> Iterator[Listed | Further]:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org)."""
    try:
        feed = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"not a feed: broken JSON: {_in_words(error)}") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise SourceError("not a feed: JSON without a list of items")
    for item in items:
        if not isinstance(item, dict):
            continue
        links = (item.get(name) for name in ("url", "external_url", "id"))
        link = next((link for link in links if isinstance(link, str) and link.strip()), None)
        if link is None or (link == item.get("id") and not link.startswith(("http://", "https://"))):
            continue
        modified, published = item.get("date_modified"), item.get("date_published")
        authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
        names = [one.get("name") for one in authors or () if isinstance(one, dict)]
        tags = item.get("tags") if isinstance(item.get("tags"), list) else None
        yield Listed(
            url=link.strip()[:_LONGEST_URL],
            lastmod=next((date for date in (modified, published) if isinstance(date, str) and date.strip()), None),
            title=_title(item.get("title")),
            facts=tidy_facts(
                (
                    ("published", published),
                    ("author", ", ".join(name for name in names if isinstance(name, str))),
                    ("guid", item["id"] if isinstance(item.get("id"), str) else str(item.get("id") or "")),
                    ("section", tags[0] if tags else None),
                    ("language", item.get("language") or feed.get("language")),
                    ("description", _shorten(item.get("summary"))),
                )
            ),
        )
    following = feed.get("next_url")
    if isinstance(following, str) and following.strip():
        yield Further(url=following.strip()[:_LONGEST_URL], next=True)


def _own(entry: Any, name: str) -> str | None:
    """A field that the entry itself has; feedparser would answer "updated" with "published"."""
    value = dict.get(entry, name)
    return value.strip() if isinstance(value, str) and value.strip() else None


# ------------------------------------------------------------------ sitemaps


def _read_entries(body: bytes) -> Iterator[tuple[Listed | Further, bool]]:
    """Entries below the root as they are parsed, and whether they are news; what was read is dropped from the tree."""
    import lxml.etree

    events = lxml.etree.iterparse(
        io.BytesIO(body),
        events=("end",),
        tag=None if _UNDECLARED.search(body, 0, 4096) else ("{*}url", "{*}sitemap"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            name = _local_name(element)
            if name not in ("url", "sitemap"):
                continue
            root = element.getparent()
            if root is None or root.getparent() is not None:
                continue
            found = _read_entry(element, further=name == "sitemap")
            element.clear()
            while element.getprevious() is not None:
                del root[0]
            if found is not None:
                yield found
    except lxml.etree.XMLSyntaxError as error:
        raise SourceError(f"broken XML: {_in_words(error)}") from error


def _read_entry(element: Any, *, further: bool) -> tuple[Listed | Further, bool] | None:
    # Only what stands in the entry itself counts: images and videos have addresses and dates of their own, and
    # xhtml:link names translations, which the sitemap lists for themselves.
    own: dict[str, str] = {}
    news: Any = None
    for part in element:
        name = _local_name(part)
        if name == "news":
            news = part
        elif part.text and (text := part.text.strip()):
            own.setdefault(name, text)
    url = own.get("loc", "")[:_LONGEST_URL]
    if not url:
        return None
    lastmod = own.get("lastmod")
    if further:
        return Further(url=url, lastmod=lastmod), False
    if news is None:
        return Listed(url=url, lastmod=lastmod), False
    said: dict[str, str] = {}
    for part in news.iter():
        if isinstance(part.tag, str) and part.text and part.text.strip():
            said.setdefault(_local_name(part), part.text)
    published = tidy_facts([("published", said.get("publication_date"))])
    facts = published | tidy_facts([("language", said.get("language"))])
    dated = lastmod or published.get("published")
    return Listed(url=url, lastmod=dated, title=_title(said.get("title")), facts=facts), True


def _read_text(body: bytes) -> Iterator[Listed]:
    """One URL a line (sitemaps.org)."""
    count = 0
    for raw in io.BytesIO(body.replace(b"\r", b"\n")):
        line = raw[:_LONGEST_URL].decode("utf-8", "replace").strip()
        if not line:
            continue
        if not line.lower().startswith(("http://", "https://")):
            raise SourceError(f"not a sitemap: a line says {line[:60]!r}")
        yield Listed(url=line)
        count += 1
    if not count:
        raise SourceError("an empty document")


def _local_name(element: Any) -> str:
    tag = getattr(element, "tag", None)
    return re.split("[}:]", tag)[-1].lower() if isinstance(tag, str) else ""


# ------------------------------------------------------------------ listing pages


def _read_page(body: bytes, url: str, content_type: str | None) -> Iterator[Listed | Further]:
    import lxml.etree
    import lxml.html

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
    dates = _find_dates(tree)
    found: dict[str, Listed] = {}
    following: str | None = None
    for link in tree.iter("a", "area", "link"):
        href = link.get("href")
        rels = (link.get("rel") or "").lower().split()
        if href is None or (link.tag == "link" and "next" not in rels):
            continue
        target = _join(url, base, href)
        if target is None:
            continue
        if "next" in rels:
            following = following or target
        listed = _read_link(target, link, dates.get(link))
        known = found.get(target)
        if known is None and len(found) < MOST_LINKS:
            found[target] = listed
        elif known is not None and not (known.title and known.lastmod):
            found[target] = _merge(known, listed)
    yield from found.values()
    if following is not None:
        yield Further(url=following, next=True)


def _read_link(target: str, link: Any, date: tuple[str, bool] | None) -> Listed:
    # A teaser's link is as often "Read more" as its headline.
    within = next((one for one in link if one.tag in _HEADINGS), None)
    above = any(one.tag in _HEADINGS for one in itertools.islice(link.iterancestors(), 2))
    heading = link if within is None and above and link.tag == "a" else within
    title = None if heading is None else _title("".join(itertools.islice(heading.itertext(), 50)))
    if date is None:
        return Listed(url=target[:_LONGEST_URL], title=title)
    text, changes = date
    facts = {} if changes else tidy_facts([("published", text)])
    return Listed(url=target[:_LONGEST_URL], title=title, lastmod=text, facts=facts)


def _merge(one: Listed, other: Listed) -> Listed:
    dated = one if one.lastmod else other
    return Listed(url=one.url, title=one.title or other.title, lastmod=dated.lastmod, facts=dated.facts)


def _find_dates(tree: Any) -> dict[Any, tuple[str, bool]]:
    """Links with the date of the item that they stand in, and whether it says when the page changed.

    An item is the nearest small element around a ``<time datetime>`` that has a link in it.
    """
    dates: dict[Any, tuple[str, bool]] = {}
    for time in itertools.islice(tree.iter("time"), _MOST_TIMES):
        text = (time.get("datetime") or "").strip()
        if parse_moment(text) is None:
            continue
        changes = "datemodified" in (time.get("itemprop") or "").lower()
        for item in itertools.islice(time.iterancestors(), _HIGHEST):
            if item.tag in _NO_ITEMS:
                break
            inside = list(itertools.islice(item.iterdescendants(), _ITEM + 1))
            links = [one for one in inside if one.tag == "a" and one.get("href")]
            if item.tag == "a" and item.get("href"):
                links.append(item)
            if len(inside) > _ITEM:
                break
            if links:
                for link in links:
                    if link not in dates or (changes and not dates[link][1]):
                        dates[link] = (text, changes)
                break
    return dates


def _join(url: str, base: str | None, href: str) -> str | None:
    try:
        return urljoin(urljoin(url, base), href.strip()) if base else urljoin(url, href.strip())
    except ValueError:
        return None


# ------------------------------------------------------------------ texts


def _title(text: object) -> str | None:
    return " ".join(text.split())[:_LONGEST_TITLE] or None if isinstance(text, str) else None


def _shorten(text: object) -> str | None:
    """Enough of a text for what is kept of it: some feeds have whole articles in it."""
    return text[: 8 * _LONGEST_DESCRIPTION] if isinstance(text, str) else None


def _one_line(text: str) -> str:
    text = text[: 16 * _LONGEST_DESCRIPTION]
    if "<" in text:
        text = _TAG.sub(" ", text)
    return " ".join((html.unescape(text) if "&" in text else text).split())


def _in_words(error: object) -> str:
    return " ".join(str(error).split())[:200] if error else ""
