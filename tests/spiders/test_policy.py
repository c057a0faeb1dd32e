from __future__ import annotations

import gzip
import json
import time
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.policy import (
    LARGEST_TDMREP,
    LOOKED_AT,
    MOST_TDM_RULES,
    Directives,
    SitePolicy,
    TdmRep,
    find_objection,
    has_markup,
    read_head,
    read_metas,
    read_robots_tags,
    see_policy,
)
from spiders.site import CrawlRules

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "https://a.uk/news/1"


def see(
    site: SitePolicy | None = None,
    *,
    tags: tuple[str, ...] = (),
    head: str = "",
    reservation: str | None = None,
    url: str = URL,
) -> tuple[dict[str, str], Directives]:
    return see_policy(
        site or SitePolicy(),
        url=url,
        robots_rule=None,
        x_robots_tag=tags,
        tdm_reservation=reservation,
        tdm_policy=None,
        head=head.encode(),
    )


def objection(*, tags: tuple[str, ...] = (), head: str = "", **rules: str) -> str | None:
    seen, directives = see(tags=tags, head=head)
    return find_objection(CrawlRules.model_validate(rules), seen, directives, NOW)


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (("noarchive",), "noarchive"),
        (("noindex, NoArchive", "nofollow"), "noindex, NoArchive, nofollow"),
        (("googlebot: noarchive",), ""),
        (("otherbot: noindex, noarchive",), ""),
        (("Muniment: noarchive",), "noarchive"),
        (("muniment: noarchive, otherbot: noindex",), "noarchive"),
        (("googlebot: nofollow", "noarchive"), "noarchive"),
        (("unavailable_after: 25 Jun 2010 15:00:00 GMT",), "unavailable_after: 25 Jun 2010 15:00:00 GMT"),
        (("max-snippet:20, noarchive",), "max-snippet:20, noarchive"),
        ((), ""),
        (("",), ""),
    ],
)
def test_directives_are_those_for_everybody_and_for_us(tags: tuple[str, ...], told: str) -> None:
    assert read_robots_tags(tags).told == told


def test_noarchive_is_obeyed_from_header_and_page_and_by_our_name() -> None:
    assert objection(tags=("noarchive",)) == "noarchive"
    assert objection(tags=("muniment: noarchive",)) == "noarchive"
    assert objection(head="<META CONTENT='index, NOARCHIVE' name=robots>") == "noarchive"
    assert objection(head='<meta name="Muniment" content="noarchive">') == "noarchive"
    assert objection(head='<meta name="robots" content="nocache">') == "noarchive"
    assert objection(tags=("noindex, nofollow, none",)) is None
    assert objection(head='<meta name="googlebot" content="noarchive">') is None
    assert objection(tags=("noarchive",), noarchive="ignore") is None


def test_a_page_that_is_not_to_be_kept_any_more_is_not() -> None:
    assert objection(tags=("unavailable_after: Sun, 22 Nov 2026 11:00:00 GMT",)) == "unavailable_after"
    assert objection(tags=("unavailable_after: Sunday, 22-Nov-26 13:00:00 GMT",)) is None
    assert objection(head='<meta name=robots content="unavailable_after: 2026-11-22T11:00:00+00:00">') is not None
    assert objection(tags=("unavailable_after: some day",)) is None


@pytest.mark.parametrize(
    "head",
    [
        '<!-- <meta name="robots" content="noarchive"> -->',
        '<script>x = \'<meta name="robots" content="noarchive">\'</script>',
        '<title><meta name="robots" content="noarchive"></title>',
        '<!-- never closed <meta name="robots" content="noarchive">',
        '<meta property="robots" content="noarchive">',
        '<meta name="robots">',
        " " * LOOKED_AT + '<meta name="robots" content="noarchive">',
    ],
)
def test_what_is_no_meta_element_of_the_page_says_nothing(head: str) -> None:
    assert read_metas(head.encode()) == {}


def test_a_page_in_utf_16_is_read_too() -> None:
    assert read_metas('<meta name="robots" content="noarchive">'.encode("utf-16")) == {"robots": ["noarchive"]}


def test_reservation_of_mining_by_page_goes_before_header_and_header_before_file() -> None:
    body = json.dumps([{"location": "/news/", "tdm-reservation": 1, "tdm-policy": "https://a.uk/p.json"}]).encode()
    site = SitePolicy(tdmrep=TdmRep(body, "sha256:t"))
    seen, _ = see(site)
    assert (seen["tdm-reservation"], seen["tdm-policy"]) == ("1", "https://a.uk/p.json")
    assert seen["tdmrep"] == "sha256:t /news/"
    assert see(site, url="https://a.uk/other")[0] == {"tdmrep": "sha256:t"}
    assert see(site, reservation="0")[0]["tdm-reservation"] == "0"
    meta = '<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://a.uk/Q">'
    seen, directives = see(site, reservation="0", head=meta)
    assert (seen["tdm-reservation"], seen["tdm-policy"]) == ("1", "https://a.uk/Q")
    assert find_objection(CrawlRules(), seen, directives, NOW) is None
    assert find_objection(CrawlRules(tdm="obey"), seen, directives, NOW) == "tdm reserved"


def test_locations_of_a_tdmrep_file_are_patterns_and_the_most_specific_counts() -> None:
    entries: list[object] = [
        {"location": "/", "tdm-reservation": 1},
        {"location": "/news/*.html$", "tdm-reservation": 0},
        {"location": "images/", "tdm-reservation": 0},
        {"location": "/odd", "tdm-reservation": "maybe"},
        {"location": 3, "tdm-reservation": 0},
        "x",
    ]
    found = TdmRep(json.dumps(entries).encode())
    assert len(found) == 3
    said = {
        path: getattr(found.find(f"https://a.uk{path}"), "reserved", None)
        for path in ("/x", "/news/a.html", "/images/1")
    }
    assert said == {"/x": True, "/news/a.html": False, "/images/1": False}


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, b"\xff", b"null", b'[{"location": "/\\nDisallow: /x"}]'])
def test_a_tdmrep_file_that_is_none_says_nothing(body: bytes) -> None:
    assert len(TdmRep(body)) == 0


def test_a_tdmrep_file_is_read_within_bounds() -> None:
    many = json.dumps([{"location": f"/{n}", "tdm-reservation": 1} for n in range(MOST_TDM_RULES + 500)]).encode()
    assert len(TdmRep(many)) == MOST_TDM_RULES
    assert len(TdmRep(b"[" + b" " * LARGEST_TDMREP + b"]")) == 0


def test_the_snapshot_says_only_what_was_said() -> None:
    assert see()[0] == {}
    site = SitePolicy(robots="sha256:r", ai_txt="sha256:a")
    seen, _ = see(site, tags=("noindex",), head='<meta name="robots" content="nofollow">')
    assert seen == {"robots": "sha256:r", "ai-txt": "sha256:a", "x-robots-tag": "noindex", "meta-robots": "nofollow"}


@pytest.mark.parametrize("coding", ["", "identity", "gzip", "deflate"])
def test_of_a_body_only_the_beginning_is_decoded(coding: str) -> None:
    plain = b"<html>" + b"a" * 5_000_000
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}.get(coding, bytes)
    assert read_head(pack(plain), coding, 10_000_000) == plain[:LOOKED_AT]


def test_a_body_that_cannot_be_decoded_says_nothing() -> None:
    assert read_head(b"nonsense", "zebra", 1000) == b""
    assert read_head(b"nonsense", "deflate", 1000) == b""


def test_only_pages_may_hold_meta_elements() -> None:
    assert has_markup(None)
    assert has_markup("text/html; charset=utf-8")
    assert has_markup("application/xhtml+xml")
    assert not has_markup("application/pdf")


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<script>", "<meta ", "<meta robots='", "<meta a=b ", "<title", "<svg", "-->", "robots<meta>", "a"],
)
def test_looking_costs_little_whatever_is_looked_at(piece: str) -> None:
    many = piece.encode() * (LOOKED_AT // len(piece))
    began = time.process_time()
    for head in (many, b"<meta " + many, b"<meta " + many[:3900] + b">"):
        read_metas(b"robots" + head)
    assert time.process_time() - began < 0.5


@given(st.binary(max_size=300), st.text(max_size=80))
def test_nothing_breaks_the_looking(body: bytes, tag: str) -> None:
    read_metas(b"robots" + body)
    read_metas(b'<meta name="robots" content=' + body)
    read_robots_tags([tag, f"unavailable_after: {tag}", f"muniment: {tag}"])
    TdmRep(body)
    read_head(body, "gzip", 1000)
