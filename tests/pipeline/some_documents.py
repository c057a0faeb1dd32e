"""PDF files of invented councils, made by reportlab: press releases, decisions, and what people do to such files."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import reportlab
from PIL import Image
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

TITLE = "Council agrees plan for Mill Lane bridge"
PARAGRAPHS = (
    "The cabinet of Anytown Council has agreed to rebuild the bridge at Mill Lane, which was closed in February after "
    "engineers found cracks in two of its arches. Work is to begin in the spring and to last for eleven months.",
    "Councillor Ann Example, who is responsible for highways, said: “People have waited long enough. The officers’ "
    "report sets out what it will cost, and we shall publish the figures every quarter.”",
    "The estimate of £4.6 million includes a temporary footbridge for the 1,200 pupils who cross the river on their "
    "way to school. A further £300,000 is held back for the repair of the towpath below the eastern arch.",
    "Objections to the traffic order may be sent to the council until the end of the month. All of them will be "
    "answered in writing before the committee meets again, and the answers will be put on its web page.",
    "The footbridge is to be 2.4 metres wide, with ramps on either side, and will be lit at night. It will be taken "
    "away when the bridge opens again, and its parts are to be used for a crossing at Orchard Way.",
    "Drivers of heavy lorries are to follow the signs to the bypass. Buses 4 and 17 will run by way of Station Parade, "
    "where two more stops are to be set up for as long as the work goes on.",
)


@dataclass(kw_only=True)
class Look:
    """How a document is set."""

    title: str = TITLE
    info: bool = True  # whether title and author are in its properties
    author: str = "Anytown Council Press Office"
    columns: int = 1
    header: str = "Anytown Council – Press release 14/2026"
    footer: str = "www.anytown.example"
    encrypt: StandardEncryption | None = None
    font: str = "Helvetica"
    small: bool = False


def make_document(paragraphs: Sequence[str] = PARAGRAPHS, look: Look | None = None) -> bytes:
    """A document of as many pages as it takes, with a line above, and one with the page's number below."""
    look = look or Look()
    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=look.title if look.info else None,
        author=look.author if look.info else None,
        encrypt=look.encrypt,
        invariant=1,
    )
    gap, width = 24, (A4[0] - 144 - 24 * (look.columns - 1)) / look.columns
    height = 250 if look.small else A4[1] - 160
    frames = [
        Frame(72 + n * (width + gap), 80, width, height, id=str(n), leftPadding=0, rightPadding=0)
        for n in range(look.columns)
    ]

    def draw_around(canvas: Canvas, _: object) -> None:
        canvas.setFont("Helvetica", 9)
        canvas.drawString(72, A4[1] - 40, look.header)
        canvas.drawString(72, 40, look.footer)
        canvas.drawRightString(A4[0] - 72, 40, f"Page {canvas.getPageNumber()}")

    document.addPageTemplates([PageTemplate(id="all", frames=frames, onPage=draw_around)])
    body = ParagraphStyle("body", fontName=look.font, fontSize=11, leading=14, spaceAfter=9, alignment=TA_JUSTIFY)
    head = ParagraphStyle("head", fontName="Helvetica-Bold", fontSize=18, leading=22, spaceAfter=14)
    sub = ParagraphStyle("sub", fontName="Helvetica-Bold", fontSize=13, leading=16, spaceBefore=6, spaceAfter=6)
    story = [Paragraph(look.title, head)] + [
        Paragraph(text.removeprefix("# "), sub if text.startswith("# ") else body) for text in paragraphs
    ]
    document.build(story)
    return buffer.getvalue()


def make_lines(
    *pages: Sequence[str], leading: float = 14, size: float = 11, font: str = "Helvetica", **properties: str
) -> bytes:
    """A document whose lines are set one by one; an empty one makes a gap."""

    def draw(canvas: Canvas) -> None:
        for lines in pages:
            y = A4[1] - 100.0
            for line in lines:
                canvas.setFont(font, size)
                canvas.drawString(72, y, line)
                y -= leading if line else leading * 0.6
            canvas.showPage()

    return make_drawn(draw, **properties)


def make_drawn(draw: Callable[[Canvas], None], **properties: str) -> bytes:
    """A document that somebody draws."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    for name, value in properties.items():
        getattr(canvas, f"set{name.capitalize()}")(value)
    draw(canvas)
    canvas.save()
    return buffer.getvalue()


def make_scan(pages: int = 2) -> bytes:
    """A document of pictures alone."""

    def draw(canvas: Canvas) -> None:
        for number in range(pages):
            picture = Image.effect_noise((300, 400), 40 + number)
            canvas.drawImage(ImageReader(picture), 0, 0, *A4)
            canvas.showPage()

    return make_drawn(draw)


def make_encrypted(password: str = "secret", *, permissions: bool = False) -> bytes:
    """A document that opens with a password; with ``permissions``, one that opens without, and may not be changed."""
    look = Look(encrypt=StandardEncryption("" if permissions else password, "owner", canModify=0))
    return make_document(look=look)


def make_bomb(megabytes: int = 2000, *, layers: int = 1) -> bytes:
    """A page whose content is a few kilobytes as written, and this many megabytes without its coding."""
    packer = zlib.compressobj(9)
    piece = b"(a) Tj " * (1 << 17)
    data = b"".join(packer.compress(piece) for _ in range(megabytes * (1 << 20) // len(piece))) + packer.flush()
    for _ in range(layers - 1):
        data = zlib.compress(data, 9)
    return make_raw(data, filters=["/FlateDecode"] * layers)


def make_raw(content: bytes, *, filters: Sequence[str] = (), more: bytes = b"", catalog: bytes = b"") -> bytes:
    """A document of one page, letter by letter, with this content stream."""
    coding = f"/Filter [{' '.join(filters)}] ".encode() if filters else b""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> " + more + b" >>",
        b"<< " + coding + b"/Length " + str(len(content)).encode() + b" >>\nstream\n" + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding /BaseEncoding "
        b"/WinAnsiEncoding /Differences [128 /wcircumflex /ycircumflex /fi /fl] >> >>",
    ]
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


_SPECIAL = {"ŵ": 128, "ŷ": 129, "ﬁ": 130, "ﬂ": 131}


def make_coded(lines: Sequence[str]) -> bytes:
    """A page in a font with letters of its own coding: circumflexes of Welsh, and ligatures."""
    written = b"BT /F1 11 Tf 72 740 Td 14 TL\n"
    for line in lines:
        codes = bytes(_SPECIAL.get(letter) or letter.encode("cp1252")[0] for letter in line)
        written += b"<" + codes.hex().encode() + b"> Tj T*\n"
    return make_raw(written + b"ET")


def use_vera() -> str:
    """The name of a font that lies within the file, with a map to Unicode."""
    if "Vera" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("Vera", str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")))
    return "Vera"
