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
