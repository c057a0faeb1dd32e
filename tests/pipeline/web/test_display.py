"""How values stand on a page."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.web.display import (
    TEMPLATES,
    is_linkable,
    list_static,
    make_environment,
    name_static,
    show,
    tell_figure,
    tell_size,
)

ENVIRONMENT = make_environment()


@given(st.text())
def test_no_text_becomes_markup_or_turns_what_follows(text: str) -> None:
    page = ENVIRONMENT.from_string('<b title="{{ text }}">{{ text }}</b>').render(text=text)
    inside = page.removeprefix('<b title="').removesuffix("</b>")
    assert not re.search(r"[<>'\"]", inside.replace('">', "", 1))
    assert not any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in page)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(page)


def test_joiners_that_scripts_need_stay() -> None:
    assert show("क्\u200dष \u200f") == "क्\u200dष \u200f"


@pytest.mark.parametrize("url", ["http://news.example/a", "https://[2001:db8::1]/"])
def test_an_address_of_the_web_may_be_a_link(url: str) -> None:
    assert is_linkable(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)//https://a", "data:text/html,x", "vbscript:x", "//news.example",
        "https:", "https:///x", " https://news.example", "java\nscript:x", "https://a\u202eb", "ftp://a/", "http://[::1",
        "", None,
    ],
)  # fmt: skip
def test_nothing_else_may_be_one(url: object) -> None:
    assert not is_linkable(url)


def test_no_template_holds_script_or_style_or_switches_escaping_off() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|Markup|autoescape|\son\w+=|\sstyle=|<style|javascript:", text), path.name
        assert not re.search(r"<script(?! src=\"\{\{ root)", text), path.name


def test_every_field_of_a_form_has_a_label_and_every_table_heads_with_a_scope() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
            if 'type="hidden"' in tag or 'type="radio"' in tag:
                continue
            [name] = re.findall(r'\bid="([^"]+)"', tag)
            assert f'for="{name}"' in text, f"{path.name}: {tag}"
        assert not re.search(r"<th(?![^>]*scope=)[\s>]", text), path.name


def test_every_template_can_be_read() -> None:
    for path in TEMPLATES.glob("*.html"):
        ENVIRONMENT.get_template(path.name)


def test_a_static_file_has_another_address_when_it_changes() -> None:
    assert set(list_static()) == {"archive.css", "archive.js", "icon.svg", "icon-dark.svg"}
    assert name_static("archive.css") == f"static/archive.css?v={list_static()['archive.css'][2]}"


@pytest.mark.parametrize(
    ("figure", "words"), [(None, "–"), (3.0, "3"), (12345, "12,345"), (0.125, "0.125"), (12.345, "12.3"), (0, "0")]
)
def test_figures_are_told_as_they_are_read(figure: float | None, words: str) -> None:
    assert tell_figure(figure) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5e9, "4.7 GiB")]
)
def test_sizes_are_told_in_units(count: float, words: str) -> None:
    assert tell_size(count) == words


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("See `muniment <b>`.", "See <code>muniment &lt;b&gt;</code>."),
        ("a ` b", "a ` b"),
        ("`x` and `y", "`x` and `y"),
        ("", ""),
    ],
)
def test_commands_in_a_sentence_stand_out_and_stay_text(text: str, page: str) -> None:
    template = ENVIRONMENT.from_string('{% import "parts.html" as parts %}{{ parts.told(text) }}')
    assert template.render(text=text).replace("\n", "") == page
