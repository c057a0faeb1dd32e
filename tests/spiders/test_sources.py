from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.sources import (
    Further,
    Listed,
    SourceError,
    newest_first,
    parse_feed,
    parse_listing,
    parse_moment,
    parse_sitemap,
)

URL = "https://a.uk/feed"
BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><urlset><url><loc>&lol3;</loc></url></urlset>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><item><title>&x;</title><link>https://a.uk/1</link></item></channel></rss>"""


def test_an_rss_feed_gives_links_dates_and_titles() -> None:
    feed = b"""<rss version="2.0"><channel><title>T</title>
    <item><title>One &amp; only</title><link>https://a.uk/1</link>
    <pubDate>Sun, 22 Nov 2026 09:00:00 GMT</pubDate></item>
    <item><guid isPermaLink="true">https://a.uk/2</guid></item></channel></rss>"""
    assert list(parse_feed(feed, url=URL)) == [
        Listed(
            url="https://a.uk/1",
            lastmod="Sun, 22 Nov 2026 09:00:00 GMT",
            title="One & only",
            facts={"published": "Sun, 22 Nov 2026 09:00:00 GMT"},
        ),
        Listed(url="https://a.uk/2", facts={"guid": "https://a.uk/2"}),
    ]


def test_an_atom_feed_gives_updated_rather_than_published() -> None:
    feed = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="alternate" href="/x/1"/><title>A</title>
    <published>2026-11-01T00:00:00Z</published><updated>2026-11-02T00:00:00Z</updated></entry></feed>"""
    [entry] = parse_feed(feed, url=URL)
    assert (entry.url, entry.lastmod) == ("https://a.uk/x/1", "2026-11-02T00:00:00Z")


def test_an_rdf_feed_is_read() -> None:
    feed = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>c</title></channel>
    <item rdf:about="https://a.uk/9"><title>Nine</title><link>https://a.uk/9</link><dc:date>2026-11-02</dc:date></item></rdf:RDF>"""
    facts = {"published": "2026-11-02", "guid": "https://a.uk/9"}
    assert list(parse_feed(feed, url=URL)) == [
        Listed(url="https://a.uk/9", lastmod="2026-11-02", title="Nine", facts=facts)
    ]


def test_a_sitemap_gives_lastmod_and_news_titles() -> None:
    text = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
     xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
     <url><loc> https://a.uk/1 </loc><lastmod>2026-11-02</lastmod></url>
     <url><loc>https://a.uk/2</loc><image:image><image:loc>https://a.uk/i.jpg</image:loc><image:title>No</image:title></image:image>
     <news:news><news:publication><news:name>P</news:name></news:publication>
     <news:publication_date>2026-11-03T10:00:00+00:00</news:publication_date><news:title>Yes</news:title></news:news></url></urlset>"""
    assert list(parse_sitemap(text, url=URL)) == [
        Listed(url="https://a.uk/1", lastmod="2026-11-02"),
        Listed(
            url="https://a.uk/2",
            lastmod="2026-11-03T10:00:00+00:00",
            title="Yes",
            facts={"published": "2026-11-03T10:00:00+00:00"},
        ),
    ]


def test_a_sitemap_index_leads_further_newest_first() -> None:
    text = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>https://a.uk/old.xml</loc>
    <lastmod>2020-01-01</lastmod></sitemap><sitemap><loc>https://a.uk/none.xml</loc></sitemap>
    <sitemap><loc>https://a.uk/new.xml</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"""
    further = [one for one in parse_sitemap(text, url=URL) if isinstance(one, Further)]
    assert [one.url for one in newest_first(further)] == [f"https://a.uk/{n}.xml" for n in ("new", "old", "none")]


def test_a_text_sitemap_and_a_feed_in_its_place_are_read() -> None:
    assert list(parse_sitemap(b"\xef\xbb\xbfhttps://a.uk/1\r\n\r\nhttps://a.uk/2\n", url=URL)) == [
        Listed(url="https://a.uk/1"),
        Listed(url="https://a.uk/2"),
    ]
    feed = b'<rss version="2.0"><channel><item><link>https://a.uk/1</link></item></channel></rss>'
    assert list(parse_sitemap(feed, url=URL)) == [Listed(url="https://a.uk/1")]


def test_a_sitemap_with_a_bare_ampersand_is_still_read() -> None:
    text = b"<urlset><url><loc>https://a.uk/1?a=1&b=2</loc></url><url><loc>https://a.uk/2</loc></url></urlset>"
    assert [one.url for one in parse_sitemap(text, url=URL)][-1] == "https://a.uk/2"


def test_a_listing_gives_each_link_once_resolved_against_its_base() -> None:
    page = b"""<html><head><base href="/b/"></head><body><a href="1">x</a><a href="1">x</a><a href="mailto:x@y.z">m</a>
    <a href="//o.uk/2">y</a><a name="n"></a></body></html>"""
    assert [one.url for one in parse_listing(page, url=URL)] == ["https://a.uk/b/1", "mailto:x@y.z", "https://o.uk/2"]


@pytest.mark.parametrize("parse", [parse_feed, parse_sitemap])
@pytest.mark.parametrize("document", [BOMB, OUTSIDE])
def test_entities_are_never_expanded(parse: object, document: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(SourceError, match="entities"):
        list(parse(document, url=URL))  # type: ignore[operator]
    assert time.monotonic() - began < 10


def test_entities_hidden_in_another_encoding_expand_to_nothing() -> None:
    hidden = (
        OUTSIDE.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>').encode("utf-16")
    )
    with contextlib.suppress(SourceError):
        assert not any("root:" in (one.title or "") for one in parse_feed(hidden, url=URL))
    bomb = BOMB.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>').encode("utf-16")
    with contextlib.suppress(SourceError):
        assert all(len(one.url) < 100 for one in parse_sitemap(bomb, url=URL))


@pytest.mark.parametrize("document", [b"", b"<html><body>Not found</body></html>", b"%PDF-1.7 \x00\x01", b"{}"])
def test_what_is_no_source_says_so_in_words(document: bytes) -> None:
    for parse in (parse_feed, parse_sitemap):
        with pytest.raises(SourceError) as caught:
            list(parse(document, url=URL))
        assert str(caught.value).isprintable()


@given(st.binary(max_size=300))
def test_parsers_raise_only_source_errors(document: bytes) -> None:
    for parse in (parse_feed, parse_sitemap, parse_listing):
        for start in (b"", b"<?xml version='1.0'?><urlset><url><loc>", b"<rss><channel><item><link>"):
            with contextlib.suppress(SourceError):
                list(parse(start + document, url=URL))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", 1795305600.0),
        ("2026-11-22T01:00:00+01:00", 1795305600.0),
        ("Sun, 22 Nov 2026 00:00:00 GMT", 1795305600.0),
        ("22 Nov 2026", 1795305600.0),
        ("", None),
        (None, None),
        ("yesterday-ish", None),
        ("9" * 60, None),
    ],
)
def test_dates_of_sources_become_moments(text: str | None, moment: float | None) -> None:
    assert parse_moment(text) == moment


@given(st.text(max_size=64))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    parse_moment(text)
