from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.documents import (
    MOST_ON_A_PAGE,
    MOST_PAGES,
    Link,
    find_links,
    is_pdf_address,
    merge_pages,
    read_page,
)
from spiders.protocol import Known
from tests.loopback import LoopbackSite, Reply
from tests.spiders.conftest import Crawl, site_on, sitemap_of

PAGE = "https://www.example.gov.uk/news/bins"
PDF = b"%PDF-1.4\n% stands for a document\n%%EOF\n"


def urls(html: str) -> list[str]:
    return [link.url for link in find_links(html, PAGE)]


def test_links_to_pdfs_are_found_with_what_they_say() -> None:
    html = (
        "<body><p>See the <a class='x' href='/files/Decision%20Notice.PDF#page=2'>decision <b>notice</b>&amp; maps</a>"
        '<a href="release.pdf?utm_source=x">the release</a>, <a href="/about">about us</a>, '
        "<a href=/media/12/download type='application/pdf'>Report</a> <a href='/media/13/download'>Plan (PDF, 2 MB)</a>"
        "<a href='/view?file=map.pdf&x=1'></a><a href='mailto:x@y.pdf'>m</a><a href='#a.pdf'>up</a></p>"
    )
    assert find_links(html, PAGE) == (
        Link(url="https://www.example.gov.uk/files/Decision%20Notice.PDF", title="decision notice & maps"),
        Link(url="https://www.example.gov.uk/news/release.pdf", title="the release"),
        Link(url="https://www.example.gov.uk/media/12/download", title="Report"),
        Link(url="https://www.example.gov.uk/media/13/download", title="Plan (PDF, 2 MB)"),
        Link(url="https://www.example.gov.uk/view?file=map.pdf&x=1", title=None),
    )


@pytest.mark.parametrize(
    "html",
    [
        "<nav><a href='/no.pdf'>n</a></nav><p><a href='/yes.pdf'>y</a></p><footer><a href='/no2.pdf'>n</a></footer>",
        "<a href='/no.pdf'>n</a><main><aside><a href='/no.pdf'>n</a></aside><a href='/yes.pdf'>y</a></main>",
        "<div><a href='/no.pdf'>n</a></div><div role='main'><div></div><a href='/yes.pdf'>y</a></div>"
        "<div><a href='/no.pdf'>n</a></div>",
        "<a href='/no.pdf'>n</a><article><a href='/yes.pdf'>y</a></article>",
        "<!-- <a href='/no.pdf'>n</a> --><script>'<a href=\"/no.pdf\">'</script><a href='/yes.pdf'>y</a>",
        "<base href='https://www.example.gov.uk/x/'><a href='../yes.pdf'>y</a><a href='../yes.pdf'>again</a>",
    ],
    ids=["navigation", "main", "role", "article", "comment", "base"],
)
def test_only_what_is_the_pages_own_counts(html: str) -> None:
    assert urls(html) == ["https://www.example.gov.uk/yes.pdf"]


def test_teasers_each_in_an_article_are_no_main_part() -> None:
    html = "<p><a href='/a.pdf'>a</a></p><article><a href='/b.pdf'>b</a></article><article>c</article>"
    assert urls(html) == ["https://www.example.gov.uk/a.pdf", "https://www.example.gov.uk/b.pdf"]


def test_a_page_full_of_documents_gives_the_first_ones() -> None:
    html = "".join(f"<a href='/{n}.pdf'>n</a>" for n in range(100))
    assert urls(html) == [f"https://www.example.gov.uk/{n}.pdf" for n in range(MOST_ON_A_PAGE)]


@pytest.mark.parametrize(
    "part",
    ["<a ", "<a href='x.pdf'", "<!--", "<script>", "<div role='main'>", '<a href="', "<a a='", "<base ", "<a x= ", "<"],
)
def test_time_grows_with_the_length_of_a_hostile_page(part: str) -> None:
    html = "pdf" + part * (2_000_000 // len(part))
    began = time.process_time()
    find_links(html, PAGE)
    assert time.process_time() - began < 8


@given(st.text(alphabet="<>/!-= '\"apdfnvmibse.\u0130", max_size=300))
def test_any_text_can_be_scanned(text: str) -> None:
    for link in find_links(f"{text}<a href='/x.pdf'>{text}", PAGE):
        assert link.url.startswith("http")


def test_addresses_of_pdfs() -> None:
    assert is_pdf_address("https://a.uk/x/y.pdf?inline")
    assert is_pdf_address("https://a.uk/x%2Epdf")
    assert not is_pdf_address("https://a.uk/pdf/x.html")
    assert not is_pdf_address("https://[a.uk/x.pdf")


def test_pages_are_merged_in_any_order_and_within_bounds() -> None:
    many = [f"https://a.uk/{n:03}" for n in range(50)]
    assert merge_pages(None, "https://a.uk/b https://a.uk/a", ["https://a.uk/c"]) == (
        "https://a.uk/a https://a.uk/b https://a.uk/c"
    )
    one = merge_pages(merge_pages(many[:30]), merge_pages(many[30:]))
    assert one == merge_pages(merge_pages(many[10:]), merge_pages(many[:10]))
    assert len(one.split()) == MOST_PAGES


def test_what_is_no_page_has_no_letters() -> None:
    assert read_page(PDF, "", 1000) == ""
    assert read_page(b"x" * 2000, "", 1000) == ""
    assert read_page(b"caf\xe9", "", 1000) == "café"


def page_with(*links: str) -> Reply:
    body = "".join(f"<a href='{link}'>{link}</a>" for link in links)
    return Reply(body=f"<html><body><main><h1>Bins</h1><p>{body}</p></main></body></html>".encode())


def pdf(text: str = "") -> Reply:
    return Reply(body=PDF + text.encode(), content_type="application/pdf")


def test_documents_are_fetched_after_pages_and_each_ends_in_one_outcome(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url
    routes = loopback.routes
    routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    routes["/news/1"] = page_with("/a.pdf", "/private/b.pdf", "http://localhost:1/elsewhere.pdf", "/known.pdf")
    routes["/news/2"] = page_with("/a.pdf", "/missing.pdf", "/news/3")
    routes["/news/3"] = page_with()
    routes["/a.pdf"] = pdf("<a href='/never.pdf'>")
    routes["/noarchive.pdf"] = Reply(body=PDF, content_type="application/pdf", headers=(("X-Robots-Tag", "noarchive"),))
    routes["/news/4"] = page_with("/noarchive.pdf", "/moved.pdf")
    routes["/moved.pdf"] = Reply(status=301, headers=(("Location", "/a2.pdf"),))
    routes["/a2.pdf"] = pdf("2")
    routes["/sitemap.xml"] = sitemap_of(*(url(f"/news/{n}") for n in range(1, 5)))
    known = [Known(url=url("/known.pdf"), due=False, looked_at="2026-11-20T00:00:00Z", linked_from=url("/news/9"))]
    site = site_on(loopback, crawl={"documents": True, "concurrency": 1})
    told = crawl(site, known=known)
    assert told.status == 0, told.lines
    pages = told.pages()
    assert pages[url("/a.pdf")].facts == {"why": "document", "linked_from": f"{url('/news/1')} {url('/news/2')}"}
    assert (pages[url("/a.pdf")].via, pages[url("/a.pdf")].source_title) == (url("/news/1"), "/a.pdf")
    assert pages[url("/moved.pdf")].url == url("/a2.pdf")
    assert pages[url("/missing.pdf")].status == 404
    assert pages[url("/noarchive.pdf")].withheld
    asked = loopback.paths()
    assert asked.index("/a.pdf") > max(asked.index(f"/news/{n}") for n in range(1, 5))
    assert "/private/b.pdf" not in asked
    assert "/never.pdf" not in asked
    assert told.told.discovered == 10 == told.told.captured + sum(told.told.outcomes.values())
    assert told.told.outcomes == {"excluded": 1, "unchanged": 1}
    assert told.told.reasons["document elsewhere"] == 1
    assert told.told.linked == {url("/known.pdf"): f"{url('/news/1')} {url('/news/9')}"}


def test_documents_wait_their_turn_and_are_remembered(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url
    loopback.routes["/news/1"] = page_with("/0.pdf", "/1.pdf", "/2.pdf")
    loopback.routes["/sitemap.xml"] = sitemap_of(url("/news/1"))
    for n in range(4):
        loopback.routes[f"/{n}.pdf"] = pdf(str(n))
    site = site_on(loopback, crawl={"documents": True, "documents_at_most": 1})
    first = crawl(site)
    assert set(first.pages()) == {url("/news/1"), url("/0.pdf")}
    assert first.told.outcomes == {"deferred": 2}
    assert first.told.linked == {url("/1.pdf"): url("/news/1"), url("/2.pdf"): url("/news/1")}
    assert first.told.finish_reason == "finished"
    known = [Known(url=one, due=True, live=False, linked_from=pages) for one, pages in first.told.linked.items()]
    loopback.routes["/sitemap.xml"] = sitemap_of()
    second = crawl(site, known=known)
    assert set(second.pages()) == {url("/1.pdf")}
    assert second.told.outcomes == {"deferred": 1}
    assert second.told.linked == {}  # it is remembered already


def test_a_known_document_is_asked_for_conditionally_though_no_page_names_it(
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    loopback.validators = True
    loopback.routes["/a.pdf"] = pdf()
    loopback.routes["/sitemap.xml"] = sitemap_of()
    site = site_on(loopback, crawl={"documents": True})
    tag = crawl(site, known=[_known(loopback)]).pages()[loopback.url("/a.pdf")].header("etag")
    again = crawl(site, known=[_known(loopback, etag=tag)])
    capture = again.pages()[loopback.url("/a.pdf")]
    assert (capture.status, capture.facts["why"]) == (304, "due")
    assert capture.facts["linked_from"] == loopback.url("/news/1")
    off = crawl(site_on(loopback), known=[_known(loopback)])
    assert off.told.outcomes == {"excluded": 1}


def _known(loopback: LoopbackSite, etag: str | None = None) -> Known:
    return Known(
        url=loopback.url("/a.pdf"),
        due=True,
        etag=etag,
        looked_at="2026-11-20T00:00:00Z",
        captured_at="2026-11-20T00:00:00Z",
        linked_from=loopback.url("/news/1"),
    )


def test_no_document_is_fetched_where_the_file_does_not_ask_for_any(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/news/1"] = page_with("/0.pdf")
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"))
    told = crawl(site_on(loopback))
    assert (told.told.discovered, told.told.captured) == (1, 1)
    assert "/0.pdf" not in loopback.paths()


@pytest.mark.parametrize(
    "page",
    [
        '<a class="x" href="/a.pdf">Notice</a>',
        '<A HREF="/a.PDF">Notice</A>',
        '<a\nhref="/download/1">Notice (<b>PDF</b>, 2 MB)</a>',
        '<a href="/download/1" type="application/pdf">Notice</a>',
        '<base href="/files/a.pdf"><a href="?page=2">Notice</a>',
        "<script>var name = 'pdf'</script><a href='/download/1' download='a.Pdf'>Notice</a>",
        "<SCRIPT>'<a href=/no.pdf>'</Script><a href=/a.pdf>Notice</a>",
    ],
)
def test_a_link_to_a_pdf_is_found_however_it_says_so(page: str) -> None:
    links = find_links(f"<html><body><p>Ä</p>{page}</body></html>", "https://www.example.gov.uk/notices/")
    assert [link for link in links if "no.pdf" not in link.url] == list(links)
    assert len(links) == 1


def test_a_page_that_has_pdf_in_its_scripts_alone_links_none() -> None:
    page = "<script>" + "var pdf = 'pdf';" * 400 + "</script><p>About pdf.</p><a href='/a'>More</a>"
    assert find_links(page, "https://www.example.gov.uk/notices/") == ()
