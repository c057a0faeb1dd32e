from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.sources import (
    MOST_LINKS,
    Document,
    Form,
    Further,
    Listed,
    SourceError,
    newest_first,
    parse_feed,
    parse_listing,
    parse_moment,
    parse_sitemap,
)
from spiders.warc import FACTS

FORMS: tuple[Form, ...] = ("feed", "sitemap", "listing")
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


def test_what_an_entry_says_is_kept_under_one_set_of_names() -> None:
    feed = b"""<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><language>en-gb</language><item>
    <title>Bins</title><link>https://a.uk/1</link>
    <guid isPermaLink="false">tag:1</guid><dc:creator>Ann &amp; Bob</dc:creator>
    <category>Waste</category><category>News</category><pubDate>Sun, 22 Nov 2026 09:00:00 GMT</pubDate>
    <description>&lt;p&gt;New &lt;b&gt;bins&lt;/b&gt;&amp;nbsp;for all&lt;/p&gt;</description></item></channel></rss>"""
    [one] = parse_feed(feed, url=URL)
    assert one.facts == {
        "published": "Sun, 22 Nov 2026 09:00:00 GMT",
        "author": "Ann & Bob",
        "guid": "tag:1",
        "section": "Waste",
        "language": "en-gb",
        "description": "New bins for all",
    }
    assert set(one.facts) <= set(FACTS)


@pytest.mark.parametrize(
    ("item", "link"),
    [
        # BBC: a guid with a fragment, a link that says where the reader came from (taken off where URLs are spelled)
        (
            b"<link>https://b.uk/news/1?at_medium=RSS&amp;at_campaign=rss</link>"
            b"<guid isPermaLink='false'>https://b.uk/news/1#0</guid>",
            "https://b.uk/news/1?at_medium=RSS&at_campaign=rss",
        ),
        (b"<guid isPermaLink='false'>https://b.uk/news/1#0</guid>", "https://b.uk/news/1#0"),
        (b"<guid>https://b.uk/news/2</guid>", "https://b.uk/news/2"),
        (b"<guid isPermaLink='false'>4711</guid>", None),
        (b"<title>nothing else</title>", None),
        (
            b"<link>https://feedproxy.example/~r/x</link>"
            b"<f:origLink xmlns:f='http://rssnamespace.org/feedburner/ext/1.0'>https://b.uk/3</f:origLink>",
            "https://b.uk/3",
        ),
        (b"<link><![CDATA[ /relative?a=1&b=2 ]]></link>", "https://a.uk/relative?a=1&b=2"),
        (b"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' href='https://b.uk/4'/>", "https://b.uk/4"),
    ],
)
def test_an_items_page_is_found_wherever_its_feed_names_it(item: bytes, link: str | None) -> None:
    feed = b"<rss version='2.0'><channel><item>" + item + b"</item></channel></rss>"
    assert [one.url for one in parse_feed(feed, url=URL)] == ([] if link is None else [link])


def test_xml_base_is_obeyed_and_the_alternate_link_taken() -> None:
    feed = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.uk/x/" xml:lang="cy"><entry xml:base="y/">
    <link rel="related" href="https://o.uk/"/><link rel="alternate" href="1"/><id>tag:1</id>
    <author><name>Ann</name></author><published>2026-11-01T00:00:00Z</published>
    <updated>2026-11-02T00:00:00Z</updated><category term="t" label="L"/>
    <title type="html">&lt;b&gt;A&lt;/b&gt;</title></entry><link rel="next" href="?p=2"/></feed>"""
    entry, following = Document(feed, url=URL, expect="feed")
    assert isinstance(entry, Listed)
    assert entry.url == "https://b.uk/x/y/1"
    assert entry.facts == {
        "published": "2026-11-01T00:00:00Z", "author": "Ann", "guid": "tag:1", "section": "L", "language": "cy"
    }  # fmt: skip
    assert isinstance(following, Further)
    assert following.next


def test_a_json_feed_is_read_and_leads_on() -> None:
    feed = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "T", "next_url": "https://a.uk/feed?2",
      "items": [
      {"id": "https://a.uk/1", "date_published": "2026-11-22T09:00:00Z",
       "authors": [{"name": "Ann"}, {"name": "Bob"}, 3]},
      {"id": 2, "external_url": "https://o.uk/2", "title": " Two ", "tags": ["x"], "language": "cy"},
      {"id": "3"}, "4", {"url": 5}, {"url": ""}]}"""
    one, two, following = Document(b"\xef\xbb\xbf" + feed, url=URL, content_type="text/html", expect="sitemap")
    facts = {"published": "2026-11-22T09:00:00Z", "author": "Ann, Bob", "guid": "https://a.uk/1"}
    assert one == Listed(url="https://a.uk/1", lastmod="2026-11-22T09:00:00Z", facts=facts)
    assert two == Listed(url="https://o.uk/2", title="Two", facts={"guid": "2", "section": "x", "language": "cy"})
    assert following == Further(url="https://a.uk/feed?2", next=True)


SITEMAP = """<?xml version="1.0" encoding="{encoding}"?><s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:i="http://www.google.com/schemas/sitemap-image/1.1" xmlns:x="http://www.w3.org/1999/xhtml">
 <s:url><i:image><i:loc>https://a.uk/i.jpg</i:loc></i:image><x:link rel="alternate" hreflang="cy" href="https://a.uk/cy/1"/>
 <s:loc><![CDATA[https://a.uk/1?a=1&b=é]]></s:loc><s:lastmod>2026-11-02</s:lastmod></s:url></s:urlset>"""


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "utf-8"), ("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16", "utf-16-be"), ("UTF-16", "utf-16-le"),
     ("utf-32", "utf-32"), ("iso-8859-1", "latin-1"), ("utf-16", "utf-8"), ("utf-8", "utf-16")],
)  # fmt: skip
def test_a_sitemap_is_read_in_every_encoding_and_prefix(declared: str, encoding: str) -> None:
    document = Document(SITEMAP.format(encoding=declared).encode(encoding), url=URL, expect="sitemap")
    assert list(document) == [Listed(url="https://a.uk/1?a=1&b=é", lastmod="2026-11-02")]
    assert (document.whole, document.rolling, document.form) == (True, False, "sitemap")


def test_a_document_says_what_it_is_and_whether_it_was_read_whole() -> None:
    def read(body: bytes, expect: Form, **more: int) -> tuple[Form, bool, bool]:
        document = Document(body, url=URL, expect=expect, **more)
        with contextlib.suppress(SourceError):
            list(document)
        return document.form, document.whole, document.rolling

    entry = b"<url><loc>https://a.uk/1</loc></url>"
    news = b"<n:news xmlns:n='n'><n:publication_date>2026-11-22</n:publication_date></n:news>"
    news = b"<url><loc>https://a.uk/1</loc>" + news + b"</url>"
    feed = b"<rss version='2.0'><channel><item><link>https://a.uk/1</link></item></channel></rss>"
    assert read(b"<urlset>" + entry + b"</urlset>", "sitemap") == ("sitemap", True, False)
    assert read(b"<urlset>" + entry + b"</urlset>", "feed") == ("sitemap", True, False)
    assert read(b"<urlset>" + entry + b"</urlset>", "listing") == ("sitemap", True, False)
    assert read(b"<urlset>" + news + b"</urlset>", "sitemap") == ("sitemap", True, True)
    assert read(feed, "sitemap") == ("feed", True, True)
    assert read(feed, "listing") == ("feed", True, True)
    assert read(b"<html><body><a href=x>x</a></body></html>", "listing") == ("listing", True, True)
    assert read(b"https://a.uk/1", "sitemap") == ("sitemap", True, False)
    assert read(b"<urlset>" + entry + b"<url><loc>https://a.uk/2", "sitemap")[1] is False
    assert read(b"<urlset>" + entry * 3 + b"</urlset>", "sitemap", limit=2)[1] is False
    assert read(b"<urlset>" + entry + b"<!-- <url> --></urlset>", "sitemap")[1] is False  # rather than too sure


def test_a_warning_before_the_document_does_not_hide_it() -> None:
    body = b"<br />\n<b>Warning</b>: include() in x.php\n<?xml version='1.0'?>"
    body += b"<urlset><url><loc>https://a.uk/1</loc></url></urlset>"
    assert list(parse_sitemap(body, url=URL)) == [Listed(url="https://a.uk/1")]


def test_a_listings_links_have_the_date_and_the_headline_of_their_item() -> None:
    page = b"""<html><body><nav><a href="/">Home</a></nav><time datetime="2020-01-01">no item</time>
    <ul>
    <li><a href="/1"><img></a><h3><a href="/1"> First <i>story</i></a></h3><p>
    <time datetime="2026-11-20">20 Nov</time></p>
    <a href="/1#more">Read more</a></li>
    <li><div><a href="/2">Second</a></div><time datetime="when?">soon</time></li>
    <li><a href="/3"><h3>Third</h3><time datetime="2026-11-19T08:00Z" itemprop="dateModified">x</time></a></li></ul>
    <a rel="next" href="?page=2">Older</a></body></html>"""
    found = {one.url: one for one in Document(page, url=URL, expect="listing") if isinstance(one, Listed)}
    dated = {"published": "2026-11-20"}
    assert found["https://a.uk/1"] == Listed(
        url="https://a.uk/1", title="First story", lastmod="2026-11-20", facts=dated
    )
    assert (found["https://a.uk/2"].title, found["https://a.uk/2"].lastmod) == (None, None)
    assert found["https://a.uk/3"] == Listed(url="https://a.uk/3", title="Third", lastmod="2026-11-19T08:00Z")
    assert found["https://a.uk/"].lastmod is None
    assert list(Document(page, url=URL, expect="listing"))[-1] == Further(url="https://a.uk/feed?page=2", next=True)


def test_what_a_document_may_cost_is_bounded() -> None:
    began = time.process_time()
    for body in (b"h" * 5_000_000, b"<rss><item>" + b"<b" * 10_000, b"<div>" * 100_000, b'{"items":' * 50_000):
        for expect in FORMS:
            with contextlib.suppress(SourceError):
                list(Document(body, url=URL, expect=expect))
    links = b"".join(b"<p><a href=%d>x</a><time datetime=2026-01-01></p>" % n for n in range(MOST_LINKS + 500))
    assert len(list(parse_listing(links, url=URL))) == MOST_LINKS
    items = b"<item><link>https://a.uk/1</link><content:encoded>" + b"x" * 9000 + b"</content:encoded></item>"
    assert len(list(parse_feed(b"<rss version='2.0'><channel>" + items * 200 + b"</channel></rss>", url=URL))) == 200
    assert time.process_time() - began < 30


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(FORMS))
def test_no_document_makes_its_reader_raise_anything_else(document: bytes, expect: Form) -> None:
    starts = (
        b"",
        b"<urlset><url><loc>",
        b"<feed><entry><link href='",
        b'{"items": [{"url": "',
        b"<ul><li><time datetime=",
    )
    for start in starts:
        for body in (start + document, (start + document).decode("latin-1").encode("utf-16")):
            with contextlib.suppress(SourceError):
                for one in Document(body, url=URL, expect=expect):
                    assert isinstance(one.url, str)
                    if isinstance(one, Listed):
                        assert set(one.facts) <= set(FACTS)


@pytest.mark.parametrize(("text", "moment"), [("2026-11", 1793491200.0), ("May", None), ("10", None), ("3pm", None)])
def test_a_part_of_a_date_is_not_filled_up_with_today(text: str, moment: float | None) -> None:
    assert parse_moment(text) == moment


def test_british_summer_time_is_understood() -> None:
    assert parse_moment("Mon, 01 Jun 2026 09:00:00 BST") == parse_moment("2026-06-01T08:00:00Z")


def test_no_feed_keeps_its_reader_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(author: str) -> bytes:
        item = f"<item><link>https://a.uk/news/1</link><author>{author}</author></item>"
        return f"<rss version='2.0'><channel>{item}</channel></rss>".encode()

    began = time.process_time()
    assert [one.url for one in parse_feed(feed("x" * 400_000), url=URL)] == ["https://a.uk/news/1"]
    assert time.process_time() - began < 5
    monkeypatch.setattr("spiders.sources.MOST_FEED_SECONDS", 0.05)
    with pytest.raises(SourceError, match="computing"):
        list(parse_feed(feed(" ".join(["x" * 1990] * 200)), url=URL))
