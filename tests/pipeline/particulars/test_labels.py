"""Ward and committee, where a page has labels for them."""

from __future__ import annotations

import pytest
from lxml.html import HtmlElement

from pipeline.page import parse_page
from pipeline.particulars.labels import find_committee, find_pairs, find_ward


def tree_of(body: str) -> HtmlElement:
    tree = parse_page(f"<html><body>{body}</body></html>")
    assert tree is not None
    return tree


def ward(body: str = "", *lines: str | tuple[str, str], tags: tuple[str, ...] = ()) -> str | None:
    given = [line if isinstance(line, tuple) else ("paragraph", line) for line in lines]
    return find_ward(list(find_pairs(tree_of(body), given)), tags)[0]


def committee(body: str = "", *lines: str, titles: tuple[str, ...] = ()) -> str | None:
    pairs = list(find_pairs(tree_of(body), [("paragraph", line) for line in lines]))
    return find_committee(pairs, titles)[0]


@pytest.mark.parametrize(
    "body",
    [
        "<dl><dt>Ward:</dt><dd>Riverside</dd></dl>",
        "<table><tr><th>Ward</th><td>Riverside</td></tr></table>",
        "<table><tr><td>Wards affected:</td><td>Riverside</td></tr></table>",
        "<dl><dt>Ward(s)</dt><dd> Riverside </dd></dl>",
        "<dl><dt>Wardiau yr effeithir arnynt</dt><dd>Riverside</dd></dl>",
    ],
)
def test_a_ward_is_read_from_lists_and_tables(body: str) -> None:
    assert ward(body) == "Riverside"


def test_a_ward_is_read_from_a_line_a_heading_with_a_list_and_a_tag() -> None:
    assert ward("", "Ward: Riverside") == "Riverside"
    assert (
        ward("", ("heading", "Wards affected"), ("item", "Riverside"), ("item", "Mill Hill")) == "Riverside; Mill Hill"
    )
    assert ward(tags=("bridges", "Mill Hill ward")) == "Mill Hill"
    assert ward(tags=("Ward: Riverside",)) == "Riverside"


@pytest.mark.parametrize(
    "line",
    [
        "The ward: it was a cold night, and nobody slept.",
        "Ward staff: four nurses were on duty.",
        "Riverside ward will get a new bridge, the council said.",
        "Ward: n/a",
        "Wards affected",
        "Wards affected: none",
        "Award: Best Bridge",
    ],
)
def test_prose_and_empty_labels_name_none(line: str) -> None:
    assert ward("", line) is None
    assert ward(tags=(line,)) is None or line.endswith("ward")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<dl><dt>Committee:</dt><dd>Planning Committee</dd></dl>", "Planning Committee"),
        ("<table><tr><th>Decision maker:</th><td>Cabinet</td></tr></table>", "Cabinet"),
        ("<table><tr><td>Made at meeting</td><td>12/03/2026 - Cabinet</td></tr></table>", "Cabinet"),
        ("<dl><dt>Meeting</dt><dd>Cabinet, Tuesday 3 March 2026</dd></dl>", "Cabinet"),
        ("<dl><dt>Pwyllgor</dt><dd>Y Pwyllgor Cynllunio</dd></dl>", "Y Pwyllgor Cynllunio"),
    ],
)
def test_a_committee_is_read_without_the_day_that_it_met(body: str, expected: str) -> None:
    assert committee(body) == expected


def test_a_committee_is_read_from_a_line_and_from_the_title_of_a_meeting() -> None:
    assert committee("", "Committee: Planning Committee") == "Planning Committee"
    title = "Agenda for Planning Committee on Tuesday, 3rd March, 2026, 6.30 pm"
    assert committee(titles=("Anytown Council", title)) == "Planning Committee"


@pytest.mark.parametrize(
    "line",
    ["Meeting: 6.30 pm in the hall", "Body: steel and wood", "Made by: Jane Example", "The committee: what it does"],
)
def test_what_is_no_committee_is_none(line: str) -> None:
    assert committee("", line) is None
