"""The page of a difference: whole, closed to everything from elsewhere, and nothing of a web page acts in it."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli.difference_page import draw_page, hide_unchanged
from pipeline.comparison import compare_texts, compare_versions
from pipeline.model import Version
from tests.pipeline.built_runs import START
from tests.pipeline.test_comparison import a_version

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;]]><!--</style></title>"
VOID = {"meta", "br", "img", "input", "link"}


class Reader(HTMLParser):
    """Elements in order, whether all are closed, and text by element."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text_of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def page_of(old: Version, new: Version) -> str:
    return draw_page(old, new, compare_versions(old, new))


def edit(old: str, new: str, **facts: object) -> str:
    return page_of(a_version(text=old), a_version(2, text=new, captured_at=START + timedelta(hours=1), **facts))


def test_words_are_told_as_inserted_and_deleted() -> None:
    read = Reader(edit("The bridge closes.\nBuses go.", "The bridge opens.\nBuses go.\nIt rains."))
    assert "opens" in read.text_of("ins")
    assert "closes" in read.text_of("del")
    assert "It rains." in read.text_of("ins")
    assert not read.open


def test_headline_metadata_and_evidence_of_both_stand_in_tables() -> None:
    page = edit("One body.", "One body.", title="A new headline", authors=("Ann Lee", "Bo Ek"), section="News & views")
    read = Reader(page)
    assert "new " in read.text_of("ins")
    assert "Ann Lee" in read.text_of("ins")
    assert "News &amp; views" in page
    for version in (a_version(), a_version(2)):
        for proof in (version.evidence.warc, version.evidence.record_id, version.evidence.payload_digest, version.run):
            assert any(proof in text for text in read.text_of("p")), proof
    assert "Headline and text are the same" not in page


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([*"<>&\"'=/ a!-\x00\x1b\u202e\u200f\u2028\n", "script", "http://"]), max_size=20).map(
        "".join
    )
)
def test_nothing_of_a_page_becomes_markup(text: str) -> None:
    facts = {"title": text, "authors": (text,), "url": text, "publisher": text, "language": text, "note": text}
    plain = Reader(edit("", "a", title="a", authors=("a",), url="a", publisher="a", language="a", note="a"))
    known = {tag for tag, _ in plain.tags} | {"ins", "del", "details", "summary", "a", "span"}
    read = Reader(edit(text, f"{text}{HOSTILE}", **facts, description=HOSTILE, extractor=HOSTILE))
    assert {tag for tag, _ in read.tags} <= known
    attributes = {name for _, attrs in read.tags for name in attrs}
    assert not acting(attributes)
    assert not [attrs["href"] for tag, attrs in read.tags if tag == "a" and not str(attrs["href"]).startswith("http")]
    assert not read.open


def acting(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("on") or name in ("src", "srcset", "style", "srcdoc", "action")}


def test_control_characters_and_turns_of_direction_are_made_visible() -> None:
    page = edit("One.", "One.\x1b[31m \u202egnp.exe\x00 \u200fשלום")
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\u202egnp.exe\\x00" in page
    assert "\u200fשלום" in page, "what a script needs stays"


def test_a_difference_that_nobody_could_see_is_shown() -> None:
    page = edit("One body.", "One  body.\u200b\n")
    assert "<ins>␣</ins>" in page or "<ins>␣" in page
    assert "[U+200B]" in page
    assert "(an empty line)" in page


def test_the_page_forbids_all_that_is_not_in_it() -> None:
    page = edit("One.", "Two.")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style
    assert not [
        tag for tag, _ in Reader(page).tags if tag in ("script", "img", "iframe", "object", "link", "base", "form")
    ]


def test_text_says_its_language_and_finds_its_own_direction() -> None:
    page = edit("قال المجلس", "قال المجلس اليوم", language="ar")
    assert '<div lang="ar">' in page
    assert '<div class="block changed" dir="auto"><p>قال المجلس<ins> اليوم</ins></p></div>' in page
    assert '<html lang="en">' in page


def test_what_is_far_from_any_change_is_folded_away() -> None:
    lines = [f"Paragraph number {n} of the text." for n in range(20)]
    paragraphs = compare_texts(
        "\n".join(lines), "\n".join([*lines[:10], "Something else entirely came in.", *lines[10:]])
    )
    hidden = hide_unchanged(paragraphs, 1)
    assert [n for n, far in enumerate(hidden) if not far] == [9, 10, 11]
    assert hide_unchanged(compare_texts("a\nb", "a\nb"), 1) == [True, True]
    page = edit("\n".join(lines), "\n".join(lines).replace("number 10 ", "number ten "))
    assert '<summary lang="en" dir="ltr">9 unchanged paragraphs</summary>' in page


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")
def test_a_browser_draws_it_and_refuses_nothing_of_it(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text(edit("One body.", f"One body. {HOSTILE}"), encoding="utf-8")
    drawn = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *(f"--user-data-dir={tmp_path}/profile", "--dump-dom", target.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "&lt;script&gt;alert(1)" in drawn.stdout
    assert "Content Security Policy" not in drawn.stderr
    assert "CONSOLE" not in drawn.stderr
