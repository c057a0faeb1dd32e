"""Whole pages: council press releases, decisions and news, invented, as such pages are built."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pipeline.model import Article
from tests.pipeline.some_pages import HOST, SENTENCES, a_page, read

ENGLISH = """
<p class="embargo"><strong>EMBARGOED UNTIL 00.01 ON FRIDAY 20 NOVEMBER 2026</strong></p>
<p>Anytown Council will mend the bridge over the mill stream before the winter, the cabinet has agreed.</p>
<p>The work will cost £120,000 and will take nine days, in which buses will go by the mill.</p>
<p>Councillor Jane Example, cabinet member for roads, said: “We have listened to what people told us.”</p>
<p>The plans are in the <a href="/media/bridge-report.pdf">report to cabinet (PDF, 1.2 MB)</a>.</p>
<p>ENDS</p>
<h2>Notes to editors</h2>
<ul><li>The bridge was built in 1897 and is listed.</li><li>The council looks after 112 bridges in the county.</li></ul>
<h2>Media enquiries</h2>
<p>Bob Sample, senior communications officer<br>01632 960123<br>
<a href="mailto:press@anytown.example">Email the press office</a></p>
"""
WELSH = """
<p>EMBARGO TAN 00.01 DDYDD GWENER 20 TACHWEDD 2026</p>
<p>Bydd Cyngor Unrhyw Le yn atgyweirio'r bont dros nant y felin cyn y gaeaf, ar ôl i'r cabinet gytuno.</p>
<p>Bydd y gwaith yn costio £120,000 ac yn para naw diwrnod, a bydd bysiau yn mynd heibio'r felin.</p>
<p>Dywedodd y Cynghorydd Siân Enghraifft: “Rydym wedi gwrando ar yr hyn a ddywedodd pobl wrthym.”</p>
<p>DIWEDD</p>
<h2>Nodiadau i olygyddion</h2>
<p>Adeiladwyd y bont yn 1897 ac mae'n rhestredig.</p>
<h2>Ymholiadau'r wasg</h2>
<p>Huw Sampl, swyddog cyfathrebu, 01632 960124, y.wasg@unrhywle.example</p>
"""
DECISION = """
<dl class="decision"><dt>Decision maker:</dt><dd>Cabinet</dd><dt>Wards affected:</dt><dd>Riverside; Mill Hill</dd></dl>
""" + "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
TEXT = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)


def article(body: str, **facts: Any) -> Article:
    reading = read(a_page(body, **facts))
    assert reading.article is not None, reading
    return reading.article


class TestReleases:
    def test_an_english_one_gives_all_that_it_says_to_editors(self) -> None:
        found = article(ENGLISH)
        assert found.embargo is not None
        assert (f"{found.embargo.value:%Y-%m-%d %H:%M}", found.embargo.precision) == ("2026-11-20 00:01", "minute")
        assert found.notes_to_editors == (
            "The bridge was built in 1897 and is listed.\nThe council looks after 112 bridges in the county."
        )
        (contact,) = found.contacts
        assert (contact.name, contact.phone, contact.email) == ("Bob Sample", "01632 960123", "press@anytown.example")
        (document,) = found.documents
        assert (document.url, document.title) == (f"{HOST}/media/bridge-report.pdf", "report to cabinet (PDF, 1.2 MB)")

    def test_they_stay_in_the_text(self) -> None:
        found = article(ENGLISH)
        assert "The bridge was built in 1897 and is listed." in found.text
        assert "01632 960123" in found.text

    def test_a_welsh_one_is_read_as_well(self) -> None:
        found = article(WELSH)
        assert found.language == "cy"
        assert found.embargo is not None
        assert f"{found.embargo.value:%Y-%m-%d %H:%M}" == "2026-11-20 00:01"
        assert found.notes_to_editors == "Adeiladwyd y bont yn 1897 ac mae'n rhestredig."
        (contact,) = found.contacts
        assert (contact.name, contact.email) == ("Huw Sampl", "y.wasg@unrhywle.example")

    def test_each_field_has_its_place_and_a_confidence(self) -> None:
        found = article(ENGLISH)
        for name in ("embargo", "notes_to_editors", "contacts", "documents", "language"):
            assert found.origins[name]
            assert 0 < found.confidence[name] <= 1

    def test_news_that_speaks_of_such_things_has_none_of_them(self) -> None:
        found = article(
            f"{TEXT}<p>The arms embargo lasts until 20 November 2026, and the press office said nothing of it.</p>"
            "<p>For more about the ward call the town hall on 01632 960125. The committee of the cabinet ends there.</p>"  # noqa: E501
        )
        assert found.embargo is found.notes_to_editors is found.ward is found.committee is None
        assert found.contacts == found.notices == found.agencies == found.documents == found.images == ()
        assert found.free is None

    def test_a_covered_address_is_read(self) -> None:
        covered = bytes([7, *(byte ^ 7 for byte in b"press@anytown.example")]).hex()
        found = article(
            f'{TEXT}<p>Media enquiries: <a href="/cdn-cgi/l/email-protection#{covered}">[email&#160;protected]</a></p>'
        )
        assert [contact.email for contact in found.contacts] == ["press@anytown.example"]


class TestDecisions:
    def test_ward_and_committee_are_read_where_they_are_labelled(self) -> None:
        found = article(DECISION)
        assert (found.ward, found.committee) == ("Riverside; Mill Hill", "Cabinet")
        assert found.origins["ward"] == "label"


class TestFree:
    @pytest.mark.parametrize(
        ("head", "free"),
        [
            ('{"@type":"NewsArticle","headline":"A","isAccessibleForFree":true}', True),
            ('{"@type":"NewsArticle","headline":"A","isAccessibleForFree":"False"}', False),
            ('{"@type":"NewsArticle","headline":"A","isAccessibleForFree":"http://schema.org/True"}', True),
            (
                '{"@type":"NewsArticle","headline":"A","hasPart":{"@type":"WebPageElement","isAccessibleForFree":false,'
                '"cssSelector":".paywall"}}',
                False,
            ),
            ('{"@type":"NewsArticle","headline":"A","isAccessibleForFree":"perhaps"}', None),
            ('{"@type":"NewsArticle","headline":"A"}', None),
        ],
    )
    def test_json_ld_says_it_in_many_forms(self, head: str, free: bool | None) -> None:
        assert article(TEXT, head=f'<script type="application/ld+json">{head}</script>').free is free

    @pytest.mark.parametrize(("tier", "free"), [("free", True), ("metered", False), ("locked", False), ("gold", None)])
    def test_a_tier_says_it_too(self, tier: str, free: bool | None) -> None:
        assert article(TEXT, head=f'<meta property="article:content_tier" content="{tier}">').free is free


class TestStandfirst:
    SUMMING_UP = "The bridge that has been shut since spring is to be mended before winter comes."

    def test_a_paragraph_below_the_headline_that_is_named_so_is_one(self) -> None:
        found = article(f'<p class="standfirst">{self.SUMMING_UP}</p>{TEXT}')
        assert found.standfirst == self.SUMMING_UP

    def test_the_beginning_of_the_text_cut_off_is_none(self) -> None:
        head = f'<meta property="og:description" content="{SENTENCES[0][:60]}...">'
        assert article(TEXT, head=head).standfirst is None


class TestDocuments:
    def test_only_those_of_the_article_itself_count(self) -> None:
        found = article(
            f'<nav><a href="/a.pdf">A</a></nav>{TEXT}<p>See <a href="b.PDF#page=2">the plan</a> and '
            '<a href="/c.docx?v=1">the form</a>.</p><aside><a href="/d.pdf">D</a></aside>'
        )
        assert [document.url for document in found.documents] == [f"{HOST}/news/b.PDF", f"{HOST}/c.docx?v=1"]


@pytest.mark.parametrize(
    "body",
    [
        '<p><img src="/a.jpg"><a href="/b.pdf">b</a></p>' * 5000,
        "<figure>" * 300 + '<img src="/a.jpg">' * 300 + "<figcaption>A</figcaption>" * 300,
        "<div>" * 200 + '<img src="/a.jpg">' * 400 + TEXT,
        "<p>Media enquiries: 01632 960123</p>" * 3000,
        "<dl>" + "<dt>Ward</dt><dd>A</dd>" * 5000 + "</dl>" + TEXT,
        "<p>Correction</p>" * 5000 + TEXT,
        '<p><a href="mailto:a@b.example">write to us</a></p>' * 3000,
        '<div class="related">' * 100 + '<a href="/x"><img src="/a.jpg"></a>' * 400 + TEXT,
    ],
)
def test_pages_that_are_made_to_be_slow_are_not(body: str) -> None:
    page = a_page(TEXT + body)
    begun = time.process_time()
    read(page)
    assert time.process_time() - begun < 10
