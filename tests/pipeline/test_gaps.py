"""Lists, tables and notes to editors between lines of the text come back; furniture does not."""

from __future__ import annotations

import pytest
from lxml.html import document_fromstring

from pipeline.blocks import read_blocks
from pipeline.gaps import fill_gaps

FIRST = "<p>The harbour committee met for three hours, and agreed to the plan by nine votes to two.</p>"
LAST = "<p>A footbridge will be put up before the old arches are taken down, and lit at night.</p>"
ITEMS = "<li>The order comes out on 1 December.</li><li>Objections until 22 December.</li>"
TABLE = "<table><tr><th>Service</th><th>Sum</th></tr><tr><td>Roads</td><td>21</td></tr></table>"


def back(html: str, *, kept: str = "p") -> list[str]:
    """What comes back on a page of which only the elements of one name are text."""
    blocks = read_blocks(document_fromstring(f"<html><body>{html}</body></html>"))
    keeps = [block.element.tag == kept for block in blocks]
    return [blocks[number].text for number in sorted(fill_gaps(blocks, keeps))]


@pytest.mark.parametrize("box", ["div", "div class=c3", "td"])
@pytest.mark.parametrize(
    "between", [f"<ul>{ITEMS}</ul>", f"<ol>{ITEMS}</ol>", f"<h3>Dates</h3><ul>{ITEMS}</ul>", TABLE]
)
def test_a_list_or_a_table_between_two_paragraphs_of_one_element_comes_back(box: str, between: str) -> None:
    name = box.split(maxsplit=1)[0]
    page = f"<{box}>{FIRST}{between}{LAST}</{name}>"
    found = back(f"<table><tr>{page}</tr></table>" if name == "td" else page)
    assert found == [block.text for block in read_blocks(document_fromstring(f"<html><body>{between}</body></html>"))]


@pytest.mark.parametrize(
    "page",
    [
        f"<div>{FIRST}<ul><li><a href=/a>Bins</a></li><li><a href=/b>Roads</a></li></ul>{LAST}</div>",
        f"<div>{FIRST}<div class=jobs><ul>{ITEMS}</ul></div>{LAST}</div>",
        f"<div>{FIRST}<div><ul>{ITEMS}</ul></div>{LAST}</div>",
        f"<div><div>{FIRST}</div><ul>{ITEMS}</ul><div>{LAST}</div></div>",
        f"<div>{FIRST}<h3>Jobs</h3>{LAST}</div>",
        f"<div>{FIRST}<ul>{ITEMS}</ul></div>",
        f"<div>{FIRST}<ul>{ITEMS * 20}</ul>{LAST}</div>",
    ],
    ids=["links", "named", "box", "apart", "heading alone", "behind the text", "long"],
)
def test_what_may_be_furniture_stays_out(page: str) -> None:
    assert back(page) == []


@pytest.mark.parametrize("heading", ["Notes to editors", "Note to Editors:", "Nodiadau i olygyddion", "Editor's notes"])
def test_notes_to_editors_below_a_release_come_back_with_their_list(heading: str) -> None:
    page = f"<div>{FIRST}{LAST}<div class=cta><span>Tell us</span></div><h2>{heading}</h2><ol>{ITEMS}</ol></div>"
    assert back(page)[0] == heading
    assert len(back(page)) == 3


@pytest.mark.parametrize(
    "below",
    [
        "<h2>Notes to editors</h2>",
        f"<aside><h2>Notes to editors</h2><ul>{ITEMS}</ul></aside>",
        f"<h2>Latest jobs</h2><ul>{ITEMS}</ul>",
        "<h2>Notes to editors</h2><ul><li><a href=/a>Bins</a></li></ul>",
    ],
)
def test_other_lists_below_the_text_stay_out(below: str) -> None:
    assert back(f"<div>{FIRST}{LAST}{below}</div>") == []


def test_a_page_without_text_has_no_gaps() -> None:
    assert back(f"<ul>{ITEMS}</ul>") == []
