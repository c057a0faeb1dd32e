"""What is no article is told from what is one, with its reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.some_pages import HOST, PAGES, SENTENCES, a_page, read


class TestNotArticles:
    @pytest.mark.parametrize(
        ("payload", "content_type", "reason"),
        [
            (b"", "text/html", "no text"),
            (b"   \n ", "text/html", "no text"),
            (b"<html><body></body></html>", "text/html", "no text"),
            (b"%PDF-1.7 ...", "text/html", "a PDF, not HTML"),
            (b"whatever", "application/pdf", "a PDF, not HTML"),
            (b"\x89PNG\r\n", "image/png", "an image, not HTML"),
            (b'{"a": 1}', "application/json; charset=utf-8", "application/json, not HTML"),
            (a_page("<p>Closed today.</p>"), "text/html", "too short"),
        ],
    )
    def test_what_is_no_article_is_counted_with_its_reason(
        self, payload: bytes, content_type: str, reason: str
    ) -> None:
        reading = read(payload, content_type=content_type)
        assert (reading.kind, reading.reason) == ("not-an-article", reason)

    def test_html_under_a_wrong_type_is_read(self) -> None:
        assert read(a_page(), content_type="text/plain").kind == "article"

    def test_an_index_page_is_no_article(self) -> None:
        reading = read((PAGES / "index.html").read_bytes())
        assert (reading.kind, reading.reason) == ("not-an-article", "index page")

    def test_a_list_of_headlines_with_their_dates_is_an_index_page(self) -> None:
        cards = "".join(
            f"<div class=t><h3><a href='/news/{n}'>{text.split(',')[0]}</a></h3><p>{n + 10} November 2026</p></div>"
            for n, text in enumerate(SENTENCES * 3)
        )
        reading = read(
            f"<html lang=en><body><div class=c><h1>News about roads</h1>{cards}</div></body></html>".encode()
        )
        assert (reading.kind, reading.reason) == ("not-an-article", "index page")

    def test_a_consent_wall_is_blocked_even_under_the_articles_own_title(self) -> None:
        reading = read((PAGES / "consent.html").read_bytes())
        assert (reading.kind, reading.reason) == ("blocked", "consent page")

    def test_a_firewall_page_is_blocked(self) -> None:
        reading = read((PAGES / "firewall.html").read_bytes())
        assert (reading.kind, reading.reason) == ("blocked", "firewall page")

    def test_a_login_page_is_blocked(self) -> None:
        page = a_page("<p>Subscribe to continue reading. Already a subscriber? Log in.</p>")
        assert (read(page).kind, read(page).reason) == ("blocked", "login or paywall page")

    def test_an_article_about_cookies_and_consent_is_an_article(self) -> None:
        body = (
            "<p>The regulator has told four newspapers to change their cookie notices within a month.</p>"
            "<p>Readers must be able to refuse as easily as they agree, the deputy commissioner said on Monday.</p>"
            "<p>One publisher replied that without consent to advertising it would have to charge for its pages, and "
            "that it had lost a third of its income since the law was changed.</p>"
            "<p>A ruling on the question is expected from the tribunal in the spring of next year.</p>"
        )
        assert read(a_page(body, title="Regulator gives newspapers a month")).kind == "article"

    def test_a_page_that_says_not_found_is_gone(self) -> None:
        reading = read(a_page("<p>Sorry.</p>", title="Page not found"))
        assert (reading.kind, reading.reason) == ("gone", "says “not found” with status 200")

    def test_a_redirect_to_the_front_page_is_gone(self) -> None:
        reading = read(a_page(), url=f"{HOST}/", requested=f"{HOST}/news/1")
        assert (reading.kind, reading.reason) == ("gone", "redirected to the front page")

    def test_fifty_thousand_levels_are_one_page_among_others(self) -> None:
        payload = b"<html><body>" + b"<div>" * 49_000 + b"<p>" + SENTENCES[0].encode() * 9 + b"</p></body></html>"
        assert read(payload).kind == "not-an-article"

    @settings(max_examples=40, deadline=None)
    @given(
        st.binary(max_size=300), st.sampled_from(["text/html", "text/html; charset=x", None, "", "a/b; charset=utf-16"])
    )
    def test_no_bytes_make_it_fail(self, noise: bytes, content_type: str | None) -> None:
        read(noise, content_type=content_type)
        read(a_page().replace(b"bridge", noise), content_type=content_type)


def words(count: int) -> str:
    """Prose of so many words or a few more, in paragraphs."""
    whole = " ".join(SENTENCES).split()
    text = [whole[n % len(whole)] for n in range(count)]
    return "".join(f"<p>{' '.join(text[at : at + 40])}.</p>" for at in range(0, count, 40))


def declared(kind: str, more: str = "") -> str:
    return f'<script type="application/ld+json">{{"@context":"https://schema.org","@type":"{kind}"{more}}}</script>'


def verdict_of(page: bytes, path: str = "/news/1") -> tuple[str, str | None]:
    reading = read(page, url=f"{HOST}{path}")
    return reading.kind, reading.reason


NEWS = declared("NewsArticle", ',"headline":"Bridge to be mended","datePublished":"2026-11-20T09:00:00Z"')
NOT_FREE = declared(
    "NewsArticle",
    ',"headline":"Bridge to be mended","datePublished":"2026-11-20T09:00:00Z","isAccessibleForFree":false',
)


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("head", "body", "path", "reason"),
        [
            (declared("VideoObject"), words(45), "/news/1", "video page"),
            ('<meta property="og:type" content="video.other">', words(45), "/news/1", "video page"),
            (NEWS, words(45) + "<video src='/a.mp4'></video>", "/video/flood-from-the-air", "video page"),
            (declared("ImageGallery"), words(50), "/news/1", "gallery page"),
            ("", words(50), "/fotostrecke/hochwasser", "gallery page"),
            (declared("PodcastEpisode"), words(60), "/news/1", "audio page"),
            ("", words(60), "/quizzes/how-well-do-you-know-the-river", "quiz or puzzle page"),
            (declared("Quiz"), words(60), "/news/1", "quiz or puzzle page"),
            (declared("JobPosting"), words(400), "/news/1", "job advert"),
            (declared("MusicEvent"), words(400), "/news/1", "event page"),
            (declared("Product"), words(400), "/news/1", "product page"),
            (declared("ProfilePage"), words(120), "/news/1", "author page"),
        ],
    )
    def test_a_page_whose_matter_is_no_text_is_counted_as_what_it_is(
        self, head: str, body: str, path: str, reason: str
    ) -> None:
        assert verdict_of(a_page(body, head=head), path) == ("not-an-article", reason)

    @pytest.mark.parametrize(
        ("head", "body", "path"),
        [
            (NEWS + declared("VideoObject"), words(60), "/news/1"),  # a short report with a film beside it
            (declared("VideoObject"), words(200), "/video/flood"),
            (NEWS + declared("ImageGallery"), words(90), "/news/1"),
            ("", words(200), "/podcasts/the-river-explained"),
            (NEWS + declared("JobPosting"), words(90), "/news/1"),
            (NEWS + declared("Event"), words(90), "/news/fair"),
            (NEWS + declared("Product"), words(300), "/news/best-kettles"),
            ("", words(90), "/video-shows-flood"),
        ],
    )
    def test_an_article_with_such_things_beside_it_is_an_article(self, head: str, body: str, path: str) -> None:
        assert verdict_of(a_page(body, head=head), path) == ("article", None)

    def test_pictures_with_captions_and_nothing_else_are_a_gallery(self) -> None:
        figures = "".join(
            f"<figure><img src='/{n}.jpg'><figcaption>{sentence}</figcaption></figure>"
            for n, sentence in enumerate((*SENTENCES, "The mayor at the bridge.", "The mill in the flood of 1953."))
        )
        assert read(a_page(figures)).kind == "not-an-article"

    def test_a_table_of_results_is_no_article(self) -> None:
        rows = "".join(f"<tr><td>Team {n}</td><td>{n}</td><td>{3 * n}</td><td>{7 * n}:{n}</td></tr>" for n in range(30))
        assert read(a_page(f"<table><tr><th>Club</th><th>W</th><th>P</th><th>G</th></tr>{rows}</table>")).kind == (
            "not-an-article"
        )

    @pytest.mark.parametrize("path", ["/tag/bridges", "/category/news", "/author/amina-haldane", "/search?q=bridge"])
    def test_teasers_below_linked_headings_are_an_index(self, path: str) -> None:
        cards = "".join(
            f'<article><h3><a href="/news/{n}">{sentence}</a></h3><p>{SENTENCES[(n + 1) % 4]} And {n}.</p></article>'
            for n, sentence in enumerate(SENTENCES * 3)
        )
        assert verdict_of(a_page(cards, title="News of bridges"), path) == ("not-an-article", "index page")

    def test_a_list_of_things_with_links_to_shops_is_an_article(self) -> None:
        things = "".join(
            f'<div><h3><a href="https://shop.example/{n}">Kettle number {n}</a></h3><p>{SENTENCES[n % 4]} {n}.</p>'
            f"<p>{SENTENCES[(n + 1) % 4]} And {n}.</p></div>"
            for n in range(10)
        )
        assert read(a_page(f"<p>{SENTENCES[0]}</p>{things}", title="Ten kettles")).kind == "article"

    def test_a_table_of_contents_makes_no_index(self) -> None:
        contents = "".join(f'<li><a href="#s{n}">What was said of number {n}</a></li>' for n in range(12))
        sections = "".join(
            f'<h2 id="s{n}">What was said of number {n}</h2><p>{SENTENCES[n % 4]} So it was with {n}.</p>'
            for n in range(12)
        )
        assert read(a_page(f"<ul>{contents}</ul>{sections}", title="Twelve questions")).kind == "article"


class TestStubs:
    @pytest.mark.parametrize(
        "wall",
        [
            "Subscribe to continue reading",
            "This article is for subscribers only.",
            "Jetzt weiterlesen mit Plus",
            "Cet article est réservé aux abonnés",
            "Il vous reste 82 % de cet article à lire.",
            "Contenido exclusivo para suscriptores",
            "Abbonati per leggere tutto",
            "Om verder te lezen heeft u een abonnement nodig",
            "Exclusivo para assinantes",
            "Tylko dla prenumeratorów",
            "För att läsa hela artikeln behöver du logga in",
        ],
    )
    def test_the_beginning_of_an_article_before_a_wall_is_a_stub(self, wall: str) -> None:
        page = a_page(f"{words(120)}<div class='wall'><p>{wall}</p></div>", head=NOT_FREE)
        assert verdict_of(page) == ("blocked", "paywall stub")

    def test_a_text_that_breaks_off_and_has_its_price_is_a_stub(self) -> None:
        page = a_page(f"{words(120)}<p>The engineer, who had seen the plans in…</p>", head=NOT_FREE)
        assert verdict_of(page) == ("blocked", "paywall stub")

    def test_a_long_text_is_an_article_whatever_the_page_says_of_its_price(self) -> None:
        assert read(a_page(f"{words(400)}<p>Subscribe to continue reading</p>", head=NOT_FREE)).kind == "article"

    def test_a_short_text_that_is_whole_is_an_article_whatever_the_page_says_of_its_price(self) -> None:
        assert read(a_page(words(160), head=NOT_FREE)).kind == "article"

    def test_a_free_text_with_an_offer_below_it_is_an_article(self) -> None:
        assert read(a_page(f"{words(160)}<p>Subscribe to our newsletter to keep up.</p>", head=NEWS)).kind == "article"

    def test_a_story_about_subscribers_is_an_article(self) -> None:
        body = f"{words(160)}<p>The paper said that its app would be for subscribers only from the spring.</p>"
        assert read(a_page(body, head=NEWS)).kind == "article"
