from __future__ import annotations

import re
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from pipeline.documents import MOST_PAGES, find_bomb, is_document, read_document, read_pdf_date
from pipeline.kinds import Reading
from pipeline.metadata import Clock
from pipeline.model import Article
from spiders.site import Site
from tests.pipeline.some_documents import (
    PARAGRAPHS,
    TITLE,
    Look,
    make_bomb,
    make_coded,
    make_document,
    make_drawn,
    make_encrypted,
    make_lines,
    make_raw,
    make_scan,
    use_vera,
)
from tests.pipeline.some_pages import a_page, a_segment, findings_of

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ADDRESS = "https://www.anytown.example/files/Bridge_decision-2026.pdf"
SITE = Site.model_validate(
    {
        "id": "anytown",
        "name": "Anytown Council",
        "home": "https://www.anytown.example/",
        "kind": "council",
        "article": r"https://www\.anytown\.example/news/[^/]+",
        "sources": [{"type": "feed", "url": "https://www.anytown.example/feed"}],
    }
)


def reading(payload: bytes, **more: str) -> Reading:
    return read_document(payload, site=SITE, url=ADDRESS, address=ADDRESS, captured_at=AT, **more)


def article(payload: bytes, **more: str) -> Article:
    read = reading(payload, **more)
    assert read.article is not None, read.reason
    assert read.article.text == "\n".join(part.text for part in read.article.parts)
    return read.article


def test_a_release_of_several_pages_is_its_paragraphs_with_their_pages() -> None:
    numbered = [f"{text} This is paragraph {n}." for n, text in enumerate(PARAGRAPHS * 6)]
    found = article(make_document(numbered), linked_from="https://www.anytown.example/news/b")
    assert found.title == TITLE
    assert [part.text for part in found.parts] == numbered
    pages = [part.page for part in found.parts]
    assert pages == sorted(pages, key=lambda page: page or 0)
    assert set(pages) == {1, 2, 3}
    assert found.kind == "document"
    assert found.document_of == ("https://www.anytown.example/news/b",)
    assert {(one.text, one.reason) for one in found.stripped} == {
        (TITLE, "headline"),
        ("Anytown Council – Press release 14/2026", "repeats on 3 of 3 pages"),
        ("www.anytown.example Page 1", "repeats on 3 of 3 pages"),
    }
    assert (found.byline, found.authors) == ("Anytown Council Press Office", ())
    assert found.language == "en"
    assert found.origins["text"] == "pdfium"


def test_the_foot_of_a_single_page_is_known_by_its_number() -> None:
    found = article(make_document(PARAGRAPHS[:3]))
    assert found.parts[-1].text == PARAGRAPHS[2]
    assert ("www.anytown.example Page 1", "page number") in {(one.text, one.reason) for one in found.stripped}


@pytest.mark.parametrize("footer", ["Continued in the annex, page", "The annex begins on"])
def test_a_line_that_names_another_page_is_text(footer: str) -> None:
    def draw(canvas: Canvas) -> None:
        for n, text in enumerate(("The council has agreed to rebuild the bridge at Mill Lane.", f"{footer} page 14")):
            canvas.drawString(60, 700 - 200 * n, text)
        for n in range(8):
            canvas.drawString(60, 680 - 14 * n, f"Line {n} tells of the arches and of the towpath below them.")
        canvas.showPage()

    assert f"{footer} page 14" in article(make_drawn(draw)).text


def test_two_columns_are_read_one_after_the_other() -> None:
    numbered = [f"{text} This is paragraph {n}." for n, text in enumerate(PARAGRAPHS * 3)]
    found = article(make_document(numbered, Look(columns=2)))
    # whether a sentence that begins a column begins a paragraph, too, nothing says
    assert found.text.replace("\n", " ") == " ".join(numbered)
    assert len(found.parts) <= len(numbered) + 3


def test_columns_that_were_written_line_by_line_are_parted() -> None:
    left = [f"The left column tells of the bridge, line {n}" for n in range(12)]
    right = [f"and the right one of the footbridge, {n}" for n in range(12)]

    def draw(canvas: Canvas) -> None:
        for n in range(12):
            canvas.drawString(60, 700 - 14 * n, left[n])
            canvas.drawString(330, 700 - 14 * n, right[n])
        canvas.showPage()

    found = article(make_drawn(draw))
    words = found.text.replace("\n", " ")
    assert words.index("line 11") < words.index("and the right one")


@pytest.mark.parametrize("font", ["Helvetica", "Times-Roman", "Vera"])
def test_letters_are_those_of_the_page_in_every_font(font: str) -> None:
    assert use_vera() == "Vera"
    found = article(make_document(PARAGRAPHS, Look(font=font)))
    assert "“People have waited long enough. The officers’ report sets out" in found.text
    assert "£4.6 million" in found.text


def test_welsh_and_ligatures_are_read_as_letters() -> None:
    lines = [
        "Mae’r cyngor wedi cytuno i ailadeiladu’r bont, a bydd y gwaith ar y ffordd yn dechrau",
        "yn y gwanwyn. Mae’r dŵr o dan y bont yn uchel, ac mae’r tŷ ar y lan wedi ei gau ers mis",
        "Chwefror, meddai’r cynghorydd. Bydd y ŷd yn y cae a’r of\ufb01s wrth y \ufb02ordd yn aros.",
    ]
    found = article(make_coded(lines))
    assert found.language == "cy"
    assert "dŵr" in found.text
    assert "tŷ" in found.text
    assert "offis" in found.text
    assert "flordd" in found.text


def test_words_that_were_broken_at_a_lines_end_are_put_together() -> None:
    lines = [
        "The committee has recommended that the rebuild-",
        "ing of the bridge goes on, and a long-",
        "term plan was made; such a long-term plan is costly, and the well-",
        "known arches of the nineteenth century are to be kept; the well is dry and is known to",
        "be so. The depart­",
        "ment of highways will tell the 2026-",
        "27 budget. It was agreed.",
    ]
    text = article(make_lines(lines)).text
    assert "the rebuilding of the bridge" in text
    assert "a long-term plan was made" in text
    assert "well-known arches" in text
    assert "2026-27 budget" in text


def test_headings_items_and_tables_have_their_kinds() -> None:
    def draw(canvas: Canvas) -> None:
        y = 760
        for size, font, text, step in (
            (18, "Helvetica-Bold", "Decision notice", 34),
            (13, "Helvetica-Bold", "1. The decision", 20),
            (
                11,
                "Helvetica",
                "The cabinet has decided to rebuild the bridge at Mill Lane, and to close the road from",
                14,
            ),
            (11, "Helvetica", "March on. It has asked that:", 24),
            (11, "Helvetica", "•   the towpath be repaired in the same year as the bridge, and that it be", 14),
            (11, "Helvetica", "open to all;", 20),
            (11, "Helvetica", "•   the buses be told.", 20),
            (13, "Helvetica-Bold", "2. The cost", 20),
        ):
            canvas.setFont(font, size)
            canvas.drawString(72, y, text)
            y -= step
        canvas.setFont("Helvetica", 11)
        for name, sum_, year in (
            ("Part", "Cost", "Year"),
            ("Bridge", "£4,600,000", "2026"),
            ("Path", "£300,000", "2027"),
        ):
            canvas.drawString(72, y, name)
            canvas.drawString(220, y, sum_)
            canvas.drawString(380, y, year)
            y -= 14
        canvas.showPage()

    found = article(make_drawn(draw))
    assert found.title == "Decision notice"
    assert [(part.kind, part.text) for part in found.parts] == [
        ("heading", "1. The decision"),
        (
            "paragraph",
            "The cabinet has decided to rebuild the bridge at Mill Lane, and to close the road from March on. It has "
            "asked that:",
        ),
        ("item", "the towpath be repaired in the same year as the bridge, and that it be open to all;"),
        ("item", "the buses be told."),
        ("heading", "2. The cost"),
        ("table", "Part | Cost | Year\nBridge | £4,600,000 | 2026\nPath | £300,000 | 2027"),
    ]
    assert found.parts[-1].rows == (
        ("Part", "Cost", "Year"),
        ("Bridge", "£4,600,000", "2026"),
        ("Path", "£300,000", "2027"),
    )
    assert found.parts[0].level == found.parts[4].level == 3


def test_a_page_that_lies_on_its_side_and_a_watermark() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageSize(landscape(A4))
        canvas.saveState()
        canvas.translate(300, 200)
        canvas.rotate(40)
        canvas.setFont("Helvetica-Bold", 80)
        canvas.drawString(0, 0, "DRAFT")
        canvas.restoreState()
        canvas.translate(700, 60)
        canvas.rotate(90)
        for n, line in enumerate(_wrap(" ".join(PARAGRAPHS[:2]), 70)):
            canvas.drawString(0, -14 * n, line)
        canvas.showPage()

    found = article(make_drawn(draw))
    assert ("DRAFT", "written across the page") in {(one.text, one.reason) for one in found.stripped}
    assert "closed in February" in found.text.replace("\n", " ")


def _wrap(text: str, width: int) -> list[str]:
    return re.findall(rf".{{1,{width}}}(?:\s|$)", text)


@pytest.mark.parametrize(
    ("said", "link", "expected"),
    [
        ("Microsoft Word - release FINAL v2.docx", None, (TITLE, "heading")),
        ("Anytown letter head 2019", None, (TITLE, "heading")),
        (TITLE, "The release", (TITLE, "pdf")),
    ],
)
def test_the_title_is_believed_where_the_document_has_it(
    said: str, link: str | None, expected: tuple[str, str]
) -> None:
    found = article(_with_info(said), **({"link": link} if link else {}))
    assert (found.title, found.origins["title"]) == expected


def _with_info(title: str) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setTitle(title)
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 760, TITLE)
        canvas.setFont("Helvetica", 11)
        for n, line in enumerate(_wrap(" ".join(PARAGRAPHS[:3]), 80)):
            canvas.drawString(72, 720 - 14 * n, line)
        canvas.showPage()

    return make_drawn(draw)


def test_a_document_without_a_title_has_that_of_its_link_or_its_name() -> None:
    payload = make_lines(_wrap(" ".join(PARAGRAPHS[:2]), 80))
    assert article(payload, link="Bridge decision (PDF, 2 MB)").title == "Bridge decision"
    named = article(payload, link="Download")
    assert (named.title, named.confidence["title"]) == ("Bridge decision 2026", 0.3)


@pytest.mark.parametrize(
    ("said", "byline", "authors"),
    [
        ("Jane Example", "Jane Example", ("Jane Example",)),
        ("Example, Jane", "Jane Example", ("Jane Example",)),
        ("Anytown Borough Council", "Anytown Borough Council", ()),
        ("Microsoft Office User", None, ()),
        ("jexample2", None, ()),
        ("ANYTOWN\\jexample", None, ()),
        ("jane@anytown.example", None, ()),
        ("", None, ()),
    ],
)
def test_who_wrote_it_is_a_person_or_a_body(said: str, byline: str | None, authors: tuple[str, ...]) -> None:
    payload = make_lines(_wrap(" ".join(PARAGRAPHS[:2]), 80), author=said)
    found = article(payload)
    assert (found.byline, found.authors) == (byline, authors)


@pytest.mark.parametrize(
    ("written", "value", "precision", "assumed"),
    [
        ("D:20261105143000+01'00'", "2026-11-05T13:30:00+00:00", "second", False),
        ("D:20261105143000Z", "2026-11-05T14:30:00+00:00", "second", False),
        ("D:20260705143000", "2026-07-05T13:30:00+00:00", "second", True),
        ("D:202607051430-05", "2026-07-05T19:30:00+00:00", "minute", False),
        ("D:20261105", "2026-11-05T00:00:00+00:00", "day", True),
        ("D:202611", "2026-11-01T00:00:00+00:00", "month", True),
        ("D:2026", "2026-01-01T00:00:00+00:00", "year", True),
        ("20261105143000Z00'00'", "2026-11-05T14:30:00+00:00", "second", False),
        ("2026-11-05T14:30:00+01:00", "2026-11-05T13:30:00+00:00", "second", False),
        ("D:19700101000000Z", None, None, None),
        ("D:20290101000000Z", None, None, None),
        ("D:20261399000000Z", None, None, None),
        ("yesterday", None, None, None),
    ],
)
def test_dates_of_files(written: str, value: str | None, precision: str | None, assumed: bool | None) -> None:
    moment = read_pdf_date(written, Clock(zone="Europe/London", latest=AT))
    if value is None:
        assert moment is None
    else:
        assert moment is not None
        assert (moment.value.isoformat(), moment.precision, moment.zone_assumed) == (value, precision, assumed)
        assert (moment.original, moment.source) == (written, "pdf")


def test_properties_are_read_from_xmp_where_the_file_has_no_others() -> None:
    packet = (
        b"<x:xmpmeta><rdf:RDF><rdf:Description xmp:CreateDate='2026-11-05T14:30:00Z'><dc:creator><rdf:Seq><rdf:li>Jane"
        b" Example</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    content = b"BT /F1 11 Tf 72 740 Td 14 TL\n"
    content += b"".join(b"(%s) Tj T*\n" % line.encode("cp1252") for line in _wrap(" ".join(PARAGRAPHS[:1]), 70))
    found = article(make_raw(content + b"ET", catalog=b"/Lang (en-GB)") + b"\n% " + packet)
    assert found.authors == ("Jane Example",)
    assert found.published is not None
    assert found.origins["published"] == "xmp"
    assert found.language == "en-GB"


@pytest.mark.parametrize(
    ("payload", "kind", "reason"),
    [
        (make_scan, "not-an-article", "a PDF without text, scanned perhaps"),
        (make_encrypted, "not-an-article", "a PDF that needs a password"),
        (lambda: make_document()[:1500], "failed", "a broken PDF"),
        (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 50, "failed", "a broken PDF"),
        (lambda: make_bomb(100), "failed", "a PDF that unpacks to too much"),
        (lambda: make_bomb(100, layers=2), "failed", "a PDF that is packed more than once"),
        (lambda: make_lines(["Only these few words stand here."]), "not-an-article", "too short"),
        (lambda: make_lines(*([["x"]] * (MOST_PAGES + 1))), "failed", "a PDF of too many pages"),
        (lambda: make_lines([]), "not-an-article", "a PDF without text, scanned perhaps"),
    ],
    ids=["scan", "encrypted", "cut", "noise", "bomb", "double bomb", "short", "pages", "empty"],
)
def test_what_cannot_be_read_is_told_in_words(payload: object, kind: str, reason: str) -> None:
    began = time.process_time()
    read = reading(payload())  # type: ignore[operator]
    assert (read.kind, read.reason) == (kind, reason)
    assert time.process_time() - began < 8


def test_a_document_that_may_only_not_be_changed_is_read() -> None:
    assert article(make_encrypted(permissions=True)).title == TITLE


def test_scripts_in_a_document_do_nothing() -> None:
    script = b"/OpenAction << /S /JavaScript /JS (while \\(true\\) {}) >>"
    content = b"BT /F1 11 Tf 72 740 Td 14 TL\n"
    content += b"".join(b"(%s) Tj T*\n" % line.encode("cp1252") for line in _wrap(" ".join(PARAGRAPHS[:1]), 70))
    assert "Mill Lane" in article(make_raw(content + b"ET", catalog=script)).text


def test_the_same_bytes_give_the_same_result() -> None:
    payload = make_document(PARAGRAPHS * 2, Look(columns=2))
    assert article(payload).to_json() == article(payload).to_json()


def test_ordinary_documents_are_no_bombs() -> None:
    assert find_bomb(make_document(PARAGRAPHS * 10)) is None
    assert find_bomb(b"stream\n" * 1000) is None


@pytest.mark.parametrize(
    "part",
    [
        b"1 0 obj << /Filter [/A85 /Fl] >> stream\n",
        b"1 0 obj << /Filter [/A85 /Fl] >> stream\n~>",
        b"1 0 obj << /Filter /FlateDecode >> stream\n" + zlib.compress(bytes(1000)),
        b"stream\n",
        b"<x:xmpmeta<dc:title>",
    ],
)
def test_looking_for_bombs_takes_no_longer_than_the_file_is_long(part: bytes) -> None:
    payload = b"%PDF-1.7\n" + part * (3_000_000 // len(part))
    began = time.process_time()
    find_bomb(payload)
    assert time.process_time() - began < 8


def test_a_document_that_takes_too_long_costs_itself_only(tmp_path: Path) -> None:
    slow = make_raw(b"BT /F1 11 Tf " + b"(ab cd) Tj " * 300_000 + b"ET")
    path = a_segment(tmp_path, [slow, a_page(), make_document()])
    assert [(finding.kind, finding.reason) for finding in findings_of(path, processes=1, page_seconds=2.0)] == [
        ("failed", "extraction took more than 2 s"),
        ("article", None),
        ("article", None),
    ]


def test_what_is_a_document() -> None:
    assert is_document(b"\n%PDF-1.4", "text/html")
    assert is_document(b"junk %PDF-1.4", "application/pdf")
    assert not is_document(b"<html>", "application/pdf")


_SMALL = make_document(PARAGRAPHS[:3], Look(small=True))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_documents_cost_nobody_anything(data: st.DataObject) -> None:
    payload = bytearray(_SMALL)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    assert reading(bytes(payload)).kind in ("article", "not-an-article", "failed")
