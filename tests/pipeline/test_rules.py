"""Rules of site files on pages: what is kept, stripped and read by them, and what happens where they find nothing."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract import extract_page
from pipeline.model import Article
from pipeline.page import parse_page
from pipeline.rules import ORIGIN, apply_rules, compile_rules
from pipeline.workers import Extractor
from spiders.site import ExtractRules
from tests.pipeline.some_pages import CAPTURED, HOST, KEY, SENTENCES, a_page, a_segment, a_site, read

ONE, TWO, THREE, FOUR = SENTENCES
BODY = f"""
<p class="when">Tuesday, <span data-when="2026-11-20T08:30:00Z">last week</span></p>
<p class="who">Anna Able and Ben Bold</p>
<div class="story"><p class="sum">{ONE}</p><p>{TWO} <a class="x" href="/jobs">See our vacancies</a></p>
<div class="box"><p>Win a hamper for the winter by telling us what you think of our pages this week.</p>
<p class="fact">The bridge was built in 1871.</p></div>
<p>{THREE}</p><p>{FOUR}</p></div>
<div class="below"><p>The mayor will open a fair on the green, as mayors have done for a hundred years or so.</p></div>
<div class="facts"><p>Length: 40 m</p></div>
"""


def _article(page: str = BODY, /, **rules: Any) -> Article:
    fields = rules.pop("fields", {})
    reading = read(a_page(page), extract=(ExtractRules.model_validate({**rules, "fields": fields}),))
    assert reading.article is not None, reading.reason
    return reading.article


def test_what_is_stripped_is_kept_apart_with_the_name_of_the_rule() -> None:
    article = _article(strip=(".box", ".below"))
    assert "hamper" not in article.text
    assert "mayor" not in article.text
    said = {block.reason: block for block in article.stripped if block.rule == ORIGIN}
    assert "hamper" in said['strip ".box"'].text
    assert "mayor" in said['strip ".below"'].text
    assert article.text == "\n".join(part.text for part in article.parts)


def test_what_is_kept_is_text_whatever_it_looks_like() -> None:
    assert "Length" not in _article(body=".story").text
    assert _article(body=".story", keep=(".facts",)).text.endswith("Length: 40 m")


def test_only_the_body_is_text() -> None:
    text = _article(body=".story").text
    assert text.startswith(ONE)
    assert FOUR in text
    assert "mayor" not in text
    assert "Anna" not in text


def test_the_nearest_rule_counts() -> None:
    text = _article(strip=(".box",), keep=(".fact",)).text
    assert "1871" in text
    assert "hamper" not in text


def test_a_piece_of_a_line_is_cut_out_of_it() -> None:
    article = _article(strip=("a.x",))
    assert f"\n{TWO}\n" in article.text
    assert [block.text for block in article.stripped if block.reason == 'strip "a.x"'] == ["See our vacancies"]


def test_fields_are_taken_from_where_the_file_says() -> None:
    fields = {
        "title": "title", "published": ".when span@data-when", "authors": ".who", "section": ".facts p",
        "ward": ".fact", "standfirst": ".sum",
    }  # fmt: skip
    article = _article(fields=fields, body=".story")
    assert article.authors == ("Anna Able", "Ben Bold")
    assert [byline.name for byline in article.bylines] == ["Anna Able", "Ben Bold"]
    assert article.published is not None
    assert article.published.value.isoformat() == "2026-11-20T08:30:00+00:00"
    assert (article.section, article.ward, article.standfirst) == ("Length: 40 m", "The bridge was built in 1871.", ONE)
    assert article.parts[0].kind == "standfirst"
    assert {article.origins[name] for name in (*fields, "byline")} == {ORIGIN}
    assert {article.confidence[name] for name in fields} == {1.0}


def test_a_headline_by_rule_is_the_one_that_versions_are_told_by() -> None:
    article = _article("<h3>Mended bridge opens</h3>" + BODY, fields={"title": "h3"})
    assert article.title == "Mended bridge opens"
    assert "Mended bridge opens" not in article.text
    plain = _article("<h3>Mended bridge opens</h3>" + BODY)
    assert article.digest != plain.digest


def test_a_rule_that_finds_nothing_leaves_the_usual_reading_and_is_told() -> None:
    plain = _article()
    reading = read(
        a_page(BODY),
        extract=(
            ExtractRules(body=".gone", strip=(".gone",), fields={"title": "h1.gone", "published": ".who"}),  # type: ignore[arg-type]
        ),
    )
    assert reading.article is not None
    assert reading.article.model_copy(update={"recipe": plain.recipe}) == plain  # it was read by other rules
    assert reading.rules == {
        'body ".gone"': False, 'strip ".gone"': False, 'title "h1.gone"': False, 'published ".who"': True
    }  # fmt: skip


def test_a_page_is_read_by_the_rules_of_its_day() -> None:
    site = a_site(
        extract=(
            ExtractRules(until=date(2026, 11, 21), strip=(".below",)),
            ExtractRules.model_validate({"from": date(2026, 11, 22), "strip": (".box",)}),
        )
    )

    def text_of(moment: Any) -> str:
        url = f"{HOST}/news/1"
        article = extract_page(a_page(BODY), site=site, url=url, requested=url, captured_at=moment).article
        assert article is not None
        return article.text

    assert "hamper" not in text_of(CAPTURED)
    assert "mayor" not in text_of(CAPTURED.replace(day=21))
    assert text_of(CAPTURED.replace(day=21, hour=23)) == text_of(CAPTURED.replace(day=1))


def test_the_sites_own_rule_comes_before_the_familys() -> None:
    own = ExtractRules.model_validate({"keep": (".box",), "fields": {"title": "h1"}, "body": ".gone"})
    family = ExtractRules.model_validate({"strip": (".box",), "fields": {"title": "title"}, "body": ".story"})
    tree = parse_page(a_page(BODY, title="Bridge").decode())
    assert tree is not None
    marks = apply_rules(compile_rules((own, family)), tree)
    (box,) = tree.cssselect(".box p:first-child")
    assert marks.judge(box) == (True, 'keep ".box"')
    assert marks.told['body ".gone"'] is False
    assert marks.told['body ".story"'] is True


def test_a_finding_says_which_rules_found_something(tmp_path: Path) -> None:
    site = a_site(extract=(ExtractRules(strip=(".box", ".gone")),))
    path = a_segment(tmp_path, [a_page(BODY), 404])
    with Extractor(1) as extractor:
        article, missing = extractor.extract_segment(site, path, KEY)
    assert article.rules == {'strip ".box"': True, 'strip ".gone"': False}
    assert missing.rules == {}


@pytest.mark.parametrize("selector", [".x", "p + p", "div", "p, div, span", "*"])
def test_rules_are_bounded_on_a_hostile_page(selector: str) -> None:
    nested = "<div class=x>" * 200 + "</div>" * 200
    page = a_page(("<p class=x>y <span class=x>z</span></p>" * 8000) + nested + BODY)
    rules = ExtractRules.model_validate({
        "strip": (selector,), "keep": (f"{selector}, a",), "fields": {"tags": selector, "title": selector},
    })  # fmt: skip
    tree = parse_page(page.decode())
    assert tree is not None
    begun = time.process_time()
    marks = apply_rules(compile_rules((rules,)), tree)
    for element in list(tree.iter()):
        marks.judge(element)
    marks.prune(tree)
    assert time.process_time() - begun < 5
