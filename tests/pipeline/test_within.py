"""What stands among kept paragraphs and is made as they are is text; a heading of which nothing is left is none."""

from __future__ import annotations

import pytest
from lxml.html import document_fromstring

from pipeline.blocks import read_blocks
from pipeline.within import mend_within

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
