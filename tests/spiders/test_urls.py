from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.urls import absolute_url, canonical_url


@pytest.mark.parametrize(
    ("given_url", "canonical"),
    [
        ("HTTPS://WWW.Example.CO.UK:443/News/A?utm_source=x&utm_medium=y#top", "https://www.example.co.uk/News/A"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/a", "http://example.org:8080/a"),
        (
            "https://www.bbc.co.uk/news/articles/c1?at_medium=RSS&at_campaign=rss#0",
            "https://www.bbc.co.uk/news/articles/c1",
        ),
        ("https://a.uk/x?id=7&fbclid=q&page=2", "https://a.uk/x?id=7&page=2"),
        ("https://a.uk/x?b=2&a=1", "https://a.uk/x?b=2&a=1"),
        ("https://a.uk/a/./b/../c/", "https://a.uk/a/c/"),
        ("https://a.uk/%7Ejo/caf%c3%a9", "https://a.uk/~jo/caf%C3%A9"),
        ("https://a.uk/café?q=naïve", "https://a.uk/caf%C3%A9?q=na%C3%AFve"),
        ("  https://a.uk/a\nb ", "https://a.uk/ab"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://a.uk./x", "https://a.uk/x"),
        ("https://a.uk/100%/x", "https://a.uk/100%25/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://a.uk/x?", "https://a.uk/x"),
        ("https://a.uk/x?CMP=share&UTM_Campaign=z", "https://a.uk/x"),
        ("https://a.uk/x.jsp;jsessionid=0A1B2C3D?id=4", "https://a.uk/x.jsp?id=4"),
        ("https://a.uk/x?PHPSESSID=abc&id=4", "https://a.uk/x?id=4"),
        ("https://a.uk/(S(l1a2b3c4d5e6f7))/news/4", "https://a.uk/news/4"),
        ("https://a.uk/x;v=1.1/(draft)/y", "https://a.uk/x;v=1.1/(draft)/y"),
    ],
)
def test_one_page_has_one_spelling(given_url: str, canonical: str) -> None:
    assert canonical_url(given_url) == canonical


def test_a_relative_link_is_resolved_against_its_page() -> None:
    assert canonical_url("../b?utm_term=1", "https://a.uk/news/x/y") == "https://a.uk/news/b"
    assert canonical_url("//b.uk/x", "https://a.uk/") == "https://b.uk/x"


def test_a_redirect_target_keeps_its_tracking_parameters() -> None:
    assert absolute_url("/x?gclid=1#f", "https://a.uk/") == "https://a.uk/x?gclid=1"


@pytest.mark.parametrize(
    "url",
    ["", "mailto:a@b.uk", "javascript:alert(1)", "ftp://a.uk/", "/relative", "http://", "http:///x", "http://a b/",
     "http://a.uk:99999/", "http://[::1/", "http://-a.uk/", "http://a..uk/", "data:text/html,x",
     "https://user:secret@a.uk/", "http://a.uk@b.uk/", "http://a.uk\\@b.uk/", "http://[fe80::1%25eth0]/",
     "https://" + "a" * 5000],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        canonical_url(url)


URLISH = st.one_of(
    st.text(),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["http://", "https://", "HTTP://", "//", ""]),
        st.sampled_from(["a.uk", "A.UK:80", "a.uk:443", "[::1]", "[v1.x]", "ü.de", "a.uk:x", "127.0.0.1:8", "℀.uk"]),
        st.text(alphabet="/.%aZ09é~ ;:@\\\x00\x7f\ud800", max_size=30).map("/{}".format),
        st.text(alphabet="?&=utm_aid%2é#+;/[]|", max_size=30),
    ),
)


@given(URLISH)
def test_canonical_url_is_idempotent_and_raises_only_value_errors(url: str) -> None:
    with contextlib.suppress(ValueError):
        once = canonical_url(url)
        assert canonical_url(once) == once
        assert absolute_url(once) == once
        assert once.isascii()
        assert "#" not in once


@given(URLISH, URLISH)
def test_joining_raises_only_value_errors(url: str, base: str) -> None:
    with contextlib.suppress(ValueError):
        canonical_url(url, base)
