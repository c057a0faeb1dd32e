"""What stands among kept paragraphs and is made as they are is text; a heading of which nothing is left is none."""

from __future__ import annotations

from typing import Any

import pytest
from lxml.html import document_fromstring

from pipeline.blocks import Block, read_blocks
from pipeline.within import fill_gaps, mend_within

BEFORE = """<div class="texto"><p>Las obras del puente empiezan el lunes y duran hasta la primavera del año próximo.</p>
<p>El paso queda cerrado para los coches, y los autobuses dan la vuelta por la carretera vieja del molino.</p>"""
AFTER = """<p>Los vecinos recibirán una carta con los horarios, y el ayuntamiento abre una oficina en la plaza.</p>
<p>La anterior reparación del puente se hizo hace treinta años y costó la mitad de lo presupuestado.</p></div>"""


Decided = list[tuple[str, bool, str]]


def mend(inner: str, *, lost: tuple[str, ...], more: str = "", closed: bool = False) -> Decided:
    blocks = read_blocks(document_fromstring(f"<html><body>{BEFORE}{inner}{AFTER}{more}</body></html>"))
    kept = [block.text not in lost for block in blocks]
    assert kept.count(False) == len(lost)
    found = mend_within(blocks, kept, [not closed and not keep for keep in kept])
    return [(blocks[number].text, *decided) for number, decided in sorted(found.items())]


LONG = "Un informe de mayo encontró grietas en dos pilares, y desde entonces no pasan camiones pesados por él."


def test_a_paragraph_among_others_that_are_made_alike_is_text() -> None:
    assert mend(f"<p>{LONG}</p>", lost=(LONG,)) == [(LONG, True, "paragraph within the text")]


@pytest.mark.parametrize(
    "inner",
    [
        '<p class="nota">{}</p>',  # made otherwise
        "<div><p>{}</p></div>",  # in a box of its own
        '<p><a href="/otra">{}</a></p>',
        '<p class="newsletter">{}</p>',
    ],
)
def test_a_paragraph_that_is_made_otherwise_stays_out(inner: str) -> None:
    assert mend(inner.format(LONG), lost=(LONG,)) == []


def test_a_short_line_among_paragraphs_stays_out() -> None:
    assert mend("<p>Publicidad</p>", lost=("Publicidad",)) == []


def test_nothing_is_given_back_that_more_than_its_weight_spoke_against() -> None:
    assert mend(f"<p>{LONG}</p>", lost=(LONG,), closed=True) == []


def test_code_in_the_text_is_text() -> None:
    assert mend("<pre>git clone x</pre>", lost=("git clone x",)) == [("git clone x", True, "code within the text")]


@pytest.mark.parametrize(
    "heading",
    ["<h2>Qué cambia</h2>", '<h3>Qué cambia</h3><div class="caja">', '<h2><a href="#que">Qué cambia</a></h2>'],
)
def test_a_heading_right_above_text_in_the_same_element_is_text(heading: str) -> None:
    found = mend(f"<p>Un aviso</p>{heading}<p>{LONG}</p>", lost=("Un aviso", "Qué cambia"))
    assert found == [("Qué cambia", True, "heading within the text")]


@pytest.mark.parametrize(
    "heading", ['<h2><a href="/otra">Qué cambia</a></h2>', "<div><h2>Qué cambia</h2></div>", "<h1>Qué cambia</h1>"]
)
def test_a_heading_of_something_else_stays_out(heading: str) -> None:
    assert mend(f"{heading}<p>{LONG}</p>", lost=("Qué cambia",)) == []


def test_a_heading_of_links_stays_out_though_one_was_kept() -> None:
    assert mend('<h2>Más</h2><p><a href="/a.pdf">Plano</a></p>', lost=("Más",)) == []


def test_the_heading_of_the_first_chapter_is_text_where_those_of_the_others_are() -> None:
    page = "".join(
        f'<section class="del"><h2 class="rubrik">{name}</h2><p>{LONG} {name}.</p></section>'
        for name in ("I. Trappan", "II. Ljuset", "III. Natten")
    )
    blocks = read_blocks(document_fromstring(f"<html><body>{page}</body></html>"))
    kept = [block.kind != "heading" for block in blocks]
    found = mend_within(blocks, kept, [not keep for keep in kept])
    assert found == dict.fromkeys((0, 2, 4), (True, "heading within the text"))


def test_a_heading_above_nothing_but_links_is_no_text() -> None:
    box = '<div class="abajo"><h2>Documentos</h2><ul><li><a href="/a.pdf">Plano de las fases</a></li></ul></div>'
    assert mend("", lost=("Plano de las fases",), more=box) == [("Documentos", False, "mostly links")]
    inside = box.replace("abajo", "centro") + "<h2>Qué cambia</h2>"
    assert mend(inside, lost=("Plano de las fases",)) == [("Documentos", False, "mostly links")]


def test_a_heading_stays_above_a_picture_where_others_like_it_stand_above_text() -> None:
    row = f'<h2>Uno</h2><p>{LONG}</p><h2>Dos</h2><p><a href="/foto">Una foto</a></p><h2>Tres</h2>'
    assert mend(row, lost=("Una foto",)) == []


def test_a_page_of_two_lines_is_left_as_it_is() -> None:
    blocks = read_blocks(document_fromstring(f"<html><body><p>{LONG}</p><h2>Fin</h2></body></html>"))
    assert mend_within(blocks, [True, True], [False, False]) == {}


def test_a_page_of_headings_keeps_them() -> None:
    row = "".join(f"<h2>Parte {number}</h2><a href='/{number}'>Ver la obra</a>" for number in range(6))
    blocks = read_blocks(document_fromstring(f"<html><body>{row}</body></html>"))
    kept = [block.kind == "heading" for block in blocks]
    assert mend_within(blocks, kept, [not keep for keep in kept]) == {}


# --- what parts or fills the text -----------------------------------------------------------------------

FIRST = "<p>The harbour committee met for three hours, and agreed to the plan by nine votes to two.</p>"
LAST = "<p>A footbridge will be put up before the old arches are taken down, and lit at night.</p>"
ITEMS = "<li>The order comes out on 1 December.</li><li>Objections until 22 December.</li>"
TABLE = "<table><tr><th>Service</th><th>Sum</th></tr><tr><td>Roads</td><td>21</td></tr></table>"


def back(html: str, *, kept: str = "p") -> list[str]:
    """What comes back on a page of which only the elements of one name are text."""
    blocks = read_blocks(document_fromstring(f"<html><body>{html}</body></html>"))
    keeps = [block.element.tag == kept for block in blocks]
    return [blocks[number].text for number in sorted(fill_gaps(blocks, keeps, [not keep for keep in keeps]))]


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
        f"<div>{FIRST}<ul>{ITEMS}</ul></div>",
        f"<div>{FIRST}<ul>{ITEMS * 20}</ul>{LAST}</div>",
    ],
    ids=["links", "named", "box", "apart", "behind the text", "long"],
)
def test_what_may_be_furniture_stays_out(page: str) -> None:
    assert back(page) == []


@pytest.mark.parametrize("heading", ["Notes to editors", "Note to Editors:", "Nodiadau i olygyddion", "Editor's notes"])
def test_notes_to_editors_below_a_release_come_back_with_their_list(heading: str) -> None:
    page = f"<div>{FIRST}{LAST}<div class=cta><span>Tell us</span></div><h2>{heading}</h2><ol>{ITEMS}</ol></div>"
    assert back(page)[0] == heading
    assert len(back(page)) == 3


def test_the_rest_of_a_list_of_notes_comes_back_behind_an_item_that_was_kept() -> None:
    notes = "<ol><li><p>The order comes out on 1 December.</p></li><li>Objections until 22 December.</li></ol>"
    assert back(f"<div>{FIRST}{LAST}<h2>Notes to editors</h2>{notes}</div>") == [
        "Notes to editors",
        "Objections until 22 December.",
    ]


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


PARAGRAPH = "The council has agreed to mend the sea wall, and work will begin on the second Monday of January."
PLACE = "main/article.story/div.text/p"


def block(text: str, place: str = PLACE, **more: Any) -> Block:
    return Block(element=document_fromstring("<p>x</p>"), text=text, place=place, **more)


PROSE = tuple(block(f"{PARAGRAPH} {number}.") for number in range(5))


def fill(*lines: Block, left: tuple[int, ...]) -> dict[int, str]:
    kept = [number not in left for number in range(len(lines))]
    return fill_gaps(lines, kept, [not keep for keep in kept])


def test_a_heading_that_was_left_out_between_two_paragraphs_of_the_text_belongs_to_it() -> None:
    place = PLACE.removesuffix("p") + "h2"
    heading = block("What it costs", place, kind="heading", level=2)
    assert fill(*PROSE[:2], heading, *PROSE[2:], left=(2,)) == {2: "heading within the text"}
    advert = block("Advertisement", "main/div.slot/p")
    assert fill(*PROSE[:2], advert, heading, *PROSE[2:], left=(2, 3)) == {3: "heading within the text"}
    elsewhere = block("What it costs", "main/aside/h2", kind="heading", level=2)
    assert fill(*PROSE[:2], advert, elsewhere, *PROSE[2:], left=(2, 3)) == {}
    named = block("Sign up", place, kind="heading", level=2, label="newsletter")
    assert fill(*PROSE[:2], named, *PROSE[2:], left=(2,)) == {}


def test_the_one_item_that_was_left_out_of_a_list_of_the_text_belongs_to_it() -> None:
    items = document_fromstring("<ul><li>Castle Street</li><li>Mill Lane</li><li>Dock Road</li></ul>").xpath("//li")
    listed = [Block(element=item, text=item.text_content(), place="main/ul/li", kind="item") for item in items]
    assert fill(*PROSE[:3], *listed, left=(5,)) == {5: "item of a list in the text"}
    assert fill(*PROSE[:3], *listed, left=(4, 5)) == {}


def test_a_line_of_a_term_joins_those_of_the_text_beside_it() -> None:
    terms = [
        block(f"{term}: {what}", "main/div/p") for term, what in (("Ward", "Holme"), ("Cost", "£3"), ("Vote", "9"))
    ]
    maker = block("Decision maker: Highways Committee", "main/div/p", link_share=0.6)
    assert fill(maker, *terms, *PROSE, left=(0,)) == {0: "line of a list in the text"}
    assert fill(maker, *terms[:2], *PROSE, left=(0,)) == {}
    elsewhere = block("Search: the site", "header/div/p")
    assert fill(elsewhere, *terms, *PROSE, left=(0,)) == {}


def test_what_more_than_its_weight_spoke_against_fills_no_gap() -> None:
    heading = block("What it costs", PLACE.removesuffix("p") + "h2", kind="heading", level=2)
    lines = (*PROSE[:2], heading, *PROSE[2:])
    assert fill_gaps(lines, [number != 2 for number in range(6)], [False] * 6) == {}
