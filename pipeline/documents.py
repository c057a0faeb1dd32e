"""Articles from PDF files: press releases, decisions and reports, as text with page numbers.

Pure: bytes in, a `Reading` out. PDFium (by pypdfium2) gives the letters of each page and where they stand; from that
the lines are put into paragraphs, headings, items and tables, words that were broken at a line's end are put together,
and what repeats at the head or foot of the pages is left out, with its reason. Whatever a file does costs itself
only: what it unpacks to is measured before PDFium sees it, pages and characters are bounded, and time and memory are
those of the worker (`pipeline.workers`), whose process it is that ends. Scripts in a file are never run: this PDFium
has no engine for them. Not here: which documents are fetched (`spiders.documents`); pictures of text, which somebody
would have to recognise.
"""

from __future__ import annotations

import base64
import html
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from ctypes import byref, c_int, c_ushort, create_string_buffer
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from statistics import median
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pipeline.edits import essence_digest
from pipeline.kinds import FEWEST_WORDS, Reading
from pipeline.language import choose_language, count_words
from pipeline.metadata import Clock, clean_text, fold, looks_like_name, normal_language, parse_moment
from pipeline.model import Article, Moment, Part, Stripped, article_id, content_digest
from spiders.site import Site

MOST_PAGES: Final = 300  # a file with more is not read; a page of a book takes 15 ms of the worker's 10 s
MOST_CHARACTERS: Final = 1_000_000  # as of a page: `pipeline.extract.LONGEST_TEXT`
LARGEST_STREAM: Final = 60_000_000  # bytes that a part of a file may unpack to, pictures not counted
LARGEST_FILE: Final = 200_000_000  # … and all of its parts together
MOST_STREAMS: Final = 100_000

_TITLE: Final = 300  # characters
_MARGIN_ROWS: Final = 3  # at the head and at the foot of a page, that may repeat
_REPEATED: Final = 0.4  # on this share of the pages, and on two at least
_GAP: Final = 2.2  # a space as wide as so many letters are high parts two cells, or two columns
_WIDE: Final = 1.3  # a distance of so many usual ones begins a paragraph
_LARGER: Final = 1.12  # letters so much larger than the text's are a heading's


def read_document(  # noqa: PLR0911 - one return per reason reads best
    payload: bytes,
    *,
    site: Site,
    url: str,
    address: str,
    captured_at: datetime,
    linked_from: str = "",
    link: str | None = None,
) -> Reading:
    """Read one PDF.

    Args:
        payload: the file.
        site: whose it is.
        url: the URL that answered; its last part names a file without any other title.
        address: the canonical URL that it is kept under.
        captured_at: when; dates after that are not believed.
        linked_from: the pages that link it, with a space between them.
        link: what the link to it says.

    Returns:
        An article of kind "document", or another kind with the reason in words. Never raises for what the file does,
        short of what ends the process.
    """
    wild = find_bomb(payload)
    if wild:
        return Reading(kind="failed", reason=wild)
    try:
        document = _pdfium().PdfDocument(payload)
    except _pdfium().PdfiumError as error:
        if getattr(error, "err_code", None) == _raw().FPDF_ERR_PASSWORD:
            return Reading(kind="not-an-article", reason="a PDF that needs a password")
        return Reading(kind="failed", reason="a broken PDF")
    with closing(document):
        if not len(document):
            return Reading(kind="failed", reason="a broken PDF")
        if len(document) > MOST_PAGES:
            return Reading(kind="failed", reason="a PDF of too many pages")
        pages: list[list[_Line]] = []
        characters = 0
        for number in range(len(document)):
            pages.append(_read_page(document, number))
            characters += sum(len(line.text) for line in pages[-1])
            if characters > MOST_CHARACTERS:
                return Reading(kind="failed", reason="text too long")
        told = _tell_properties(document, payload)
        is_form = _raw().FPDF_GetFormType(document) == _raw().FORMTYPE_XFA_FULL
    return _make_reading(
        pages,
        told,
        site=site,
        url=url,
        address=address,
        captured_at=captured_at,
        linked_from=linked_from,
        link=link,
        is_form=is_form,
    )


def is_document(payload: bytes, content_type: str | None) -> bool:
    """Whether a body is to be read as a PDF: it begins as one, be it behind a few stray bytes."""
    if payload[:1024].lstrip().startswith(b"%PDF-"):
        return True
    return (content_type or "").split(";")[0].strip().lower() == "application/pdf" and b"%PDF-" in payload[:1024]


@cache
def document_version() -> str:
    """What reads documents, for ``Finding.extractor``: "pypdfium2 5.15.2"."""
    return f"pypdfium2 {version('pypdfium2')}"


@cache
def _pdfium() -> Any:
    return import_module("pypdfium2")


@cache
def _raw() -> Any:
    return import_module("pypdfium2.raw")


# --- what a file unpacks to -----------------------------------------------------------------------------

_STREAM = re.compile(rb"stream\r?\n")
_PICTURE = re.compile(rb"/Subtype\s{0,5}/Image\b")
_PACKED = re.compile(rb"/(?:FlateDecode|Fl)\b")
_LETTERS = re.compile(rb"/(?:ASCII85Decode|A85)\b")
_DICTIONARY: Final = 2000  # bytes before a stream that say how it is packed
_CHUNK: Final = 1 << 16


def find_bomb(payload: bytes) -> str | None:
    """Why a file is not opened: a part of it unpacks to more than any text needs; None: it may be.

    PDFium unpacks a part whole before it reads it. Pictures are not unpacked when text is read, so they do not count.
    """
    total, last_end = 0, payload.rfind(b"~>")
    for number, match in enumerate(_STREAM.finditer(payload)):
        if number >= MOST_STREAMS:
            return "a PDF of too many parts"
        if payload[max(0, match.start() - 3) : match.start()] == b"end":
            continue
        about = payload[max(0, match.start() - _DICTIONARY) : match.start()]
        about = about[about.rfind(b" obj") + 1 :]
        times = len(_PACKED.findall(about))
        if not times or _PICTURE.search(about):
            continue
        if times > 1:
            return "a PDF that is packed more than once"
        body, start = payload, match.end()
        if _LETTERS.search(about):
            end = payload.find(b"~>", start) if last_end > start else -1
            if end < 0:
                continue
            total += end - start  # a stream may lie within another, but not often
            if total > LARGEST_FILE:
                return "a PDF that unpacks to too much"
            body, start = _read_letters(payload[start:end]), 0
        size = _measure(body, start)
        total += size
        if size > LARGEST_STREAM or total > LARGEST_FILE:
            return "a PDF that unpacks to too much"
    return None


def _read_letters(written: bytes) -> bytes:
    try:
        return base64.a85decode(written)
    except ValueError:
        return b""


def _measure(payload: bytes, start: int) -> int:
    """Bytes that a packed part unpacks to, or a little more than it may."""
    unpack, size = zlib.decompressobj(), 0
    try:
        while start < len(payload) and not unpack.eof and size <= LARGEST_STREAM:
            # A byte unpacks to a thousand at most, so the pieces stay small.
            size += len(unpack.decompress(payload[start : start + _CHUNK]))
            start += _CHUNK
    except zlib.error:
        pass  # damaged, or encrypted too: what PDFium makes of it is bounded by the worker alone
    return size


# --- the letters of a page ------------------------------------------------------------------------------


@dataclass(kw_only=True, slots=True)
class _Line:
    """Letters that stand in one line, up to a wide space; from left to right, in points from the lower left corner."""

    text: str
    left: float
    right: float
    low: float
    size: float  # height of its letters, with room for those that reach up and down
    bold: bool
    turn: int  # quarter turns of its letters, or -1 for any other angle
    page: int
    cells: tuple[str, ...] = ()  # of a row of a table


_SPACES = frozenset((9, 32, 160, 0x2002, 0x2003, 0x2009))
_BREAKS = frozenset((10, 13, 0x2028))
_BROKEN = frozenset((2, 0xFFFE))  # what PDFium makes of a hyphen at a line's end
_SOFT_HYPHEN: Final = "\u00ad"
_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_HEAVY: Final = 600
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
    0x2010: "-",
}


def _read_page(document: Any, number: int) -> list[_Line]:
    """The lines of a page, in the order in which the file has them."""
    try:
        page = document[number]
    except _pdfium().PdfiumError:
        return []  # one page is broken; the others may be read
    with closing(page), closing(page.get_textpage()) as text:
        lines = list(_cut_lines(text.raw, number + 1))
    turns = Counter[int]()
    for line in lines:
        turns[line.turn] += len(line.text)
    usual = max(turns, key=lambda turn: (turns[turn], -turn), default=0)
    if usual > 0:
        lines = [_turn(line, usual) for line in lines]
    return lines


def _cut_lines(text: Any, page: int) -> Iterator[_Line]:
    raw = _raw()
    read_letter = raw.FPDFText_GetUnicode
    letters: list[str] = []
    first = last = -1  # the letters at both ends, spaces not counted
    space = False
    for index in range(min(raw.FPDFText_CountChars(text), MOST_CHARACTERS + 2)):
        code = read_letter(text, index)
        if code in _BREAKS:
            if letters:
                yield _make_line(text, "".join(letters), first, last, page)
            letters, first, space = [], -1, False
            continue
        if code in _SPACES:
            space = bool(letters)
            continue
        if code in _BROKEN and letters:  # the word goes on in the next line
            yield _make_line(text, "".join(letters) + _SOFT_HYPHEN, first, last, page)
            letters, first, space = [], -1, False
            continue
        if space:
            if _is_wide(text, last, index):
                yield _make_line(text, "".join(letters), first, last, page)
                letters, first = [], -1
            else:
                letters.append(" ")
            space = False
        letters.append(_LIGATURES.get(code) or (chr(code) if code else ""))
        first, last = (index if first < 0 else first), index
    if letters:
        yield _make_line(text, "".join(letters), first, last, page)


def _box(text: Any, index: int) -> tuple[float, float, float, float]:
    """Left, low, right, high of a letter with its room; rounded, so that no machine's arithmetic shows."""
    box = _raw().FS_RECTF()
    _raw().FPDFText_GetLooseCharBox(text, index, byref(box))
    low, high = sorted((box.bottom, box.top))
    return round(box.left, 1), round(low, 1), round(box.right, 1), round(high, 1)


def _is_wide(text: Any, before: int, after: int) -> bool:
    box = _raw().FS_RECTF()
    find = _raw().FPDFText_GetLooseCharBox
    find(text, before, byref(box))
    right, high = box.right, abs(box.top - box.bottom)
    find(text, after, byref(box))
    return bool(box.left - right > round(_GAP * max(4.0, high), 1))


def _make_line(text: Any, letters: str, first: int, last: int, page: int) -> _Line:
    one, other = _box(text, first), _box(text, last)
    left, low = min(one[0], other[0]), min(one[1], other[1])
    right = max(one[2], other[2])
    angle = _raw().FPDFText_GetCharAngle(text, first)
    quarter = round(angle / 1.5707963, 2) % 4
    return _Line(
        text=letters,
        left=left,
        right=right,
        low=low,
        size=max(1.0, min(one[3] - one[1], other[3] - other[1])),
        bold=_is_bold(text, first) and _is_bold(text, last),
        turn=round(quarter) % 4 if abs(quarter - round(quarter)) < 0.05 else -1,
        page=page,
    )


def _is_bold(text: Any, index: int) -> bool:
    if _raw().FPDFText_GetFontWeight(text, index) >= _HEAVY:
        return True
    name, flags = create_string_buffer(80), c_int()
    _raw().FPDFText_GetFontInfo(text, index, name, 80, byref(flags))
    return _BOLD.search(name.raw) is not None


def _turn(line: _Line, usual: int) -> _Line:
    """A line of a page that lies on its side, as it stands when the page is turned upright."""
    if line.turn != usual:
        return line
    width = line.right - line.left
    line.turn = 0
    if usual == 1:
        line.left, line.right, line.low = line.low, line.low + line.size, -line.right
        line.size = max(1.0, width)
    elif usual == 3:
        line.left, line.right, line.low = -line.low - line.size, -line.low, line.left
        line.size = max(1.0, width)
    else:
        line.left, line.right, line.low = -line.right, -line.left, -line.low
    return line


# --- lines in rows, and what is no text -----------------------------------------------------------------

_NUMBER = re.compile(
    r"(?:[-–—|]\s*)?(?:(?:page|tudalen|p\.?)\s*)?\d{1,4}(?:\s*(?:of|o|/|\|)\s*\d{1,4})?(?:\s*[-–—|])?", re.IGNORECASE
)
_MARK = re.compile(
    r"[•▪◦●‣·○■□➢✓\uf0b7\uf0a7*–-]|o|\(?(?:[ivx]{1,5}|[a-z]|\d{1,3}(?:\.\d{1,3}){0,3})[.)]?", re.IGNORECASE
)


def _order_rows(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Rows of a page, each of one line or of the cells that stand beside each other, in the order of reading.

    The file's own order is kept: programs write texts as they run. Where they were written across two columns, each
    column is put together.
    """
    rows: list[list[_Line]] = []
    for line in lines:
        row = rows[-1] if rows else None
        if (
            row is not None
            and abs(row[-1].low - line.low) <= 0.3 * line.size
            and line.left >= row[-1].right - 1
            and line.turn == row[-1].turn
        ):
            if len(row) == 1 and _MARK.fullmatch(row[0].text) and line.left - row[0].right < 5 * line.size:
                row[0] = _join_cells([row[0], line])
            else:
                row.append(line)
        else:
            rows.append([line])
    return _move_margins(_part_columns(rows))


def _part_columns(rows: list[list[_Line]]) -> list[list[_Line]]:
    """Rows that run across two columns of running text, one column after the other."""
    pairs = [row for row in rows if len(row) == 2 and min(len(cell.text) for cell in row) >= 20]
    if len(pairs) < 4 or len(pairs) < 0.6 * len(rows):
        return rows
    gutter = median(row[1].left for row in pairs)
    if any(abs(row[1].left - gutter) > 0.5 * row[1].size for row in pairs) and len(pairs) < 0.8 * len(rows):
        return rows
    above, left, right = [], [], []
    for row in rows:
        if len(row) == 2:
            left.append([row[0]])
            right.append([row[1]])
        elif row[0].left >= gutter - row[0].size:
            right.append(row)
        elif row[0].right > gutter and not left:
            above.append(row)
        else:
            left.append(row)
    return [*above, *left, *right]


def _join_cells(row: Sequence[_Line]) -> _Line:
    first, last = row[0], row[-1]
    return _Line(
        text=" ".join(line.text for line in row),
        left=first.left,
        right=last.right,
        low=first.low,
        size=last.size,
        bold=all(line.bold for line in row),
        turn=first.turn,
        page=first.page,
    )


@dataclass(kw_only=True)
class _Cleared:
    """What is text of a document, in rows, and what is not."""

    rows: list[list[_Line]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)  # text, reason


def _clear_rows(pages: Sequence[Sequence[list[_Line]]]) -> _Cleared:
    """Rows without what stands at head or foot of the pages, or across them."""
    counts: Counter[tuple[str, str]] = Counter()
    marginal: list[dict[int, tuple[str, str]]] = []
    for rows in pages:
        found = dict(_find_margins(rows))
        marginal.append(found)
        counts.update(set(found.values()))
    least = max(2, _REPEATED * len(pages))
    sizes: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for rows, found in zip(pages[1:], marginal[1:], strict=True):
        for at, key in found.items():
            sizes[key].append(rows[at][0].size)
    cleared = _Cleared()
    for leaf, (rows, found) in enumerate(zip(pages, marginal, strict=True), 1):
        outermost = _outermost(rows)
        for at, row in enumerate(rows):
            text = " ".join(line.text for line in row)
            count = counts[found[at]] if at in found else 0
            if count and rows is pages[0] and row[0].size > _LARGER * max(sizes[found[at]], default=0.0):
                count = 0  # the title itself, which the other pages repeat
            if row[0].turn:
                reason = "written across the page"
            elif count >= least:
                reason = f"repeats on {count} of {len(pages)} pages"
            elif at in outermost and (_NUMBER.fullmatch(text.strip()) or _numbers_page(text, leaf)):
                reason = "page number"
            else:
                cleared.rows.append(row)
                continue
            cleared.dropped.append((text, reason))
    return cleared


def _numbers_page(text: str, leaf: int) -> bool:
    """Whether a line ends in the number of its own page, said as one: on a single page nothing repeats."""
    match = _PAGE_NUMBER.search(text.rstrip()[-40:]) if len(text) <= _FOOT_CHARACTERS else None
    return match is not None and int(match[1]) == leaf


_FOOT_CHARACTERS: Final = 120
_PAGE_NUMBER: Final = re.compile(
    r"(?:^|[\s|])(?:page|tudalen|seite|sida|side|sivu|pagina|página|strona)\s?(\d{1,3})"
    r"(?:\s?(?:of|/|o|von|de|sur|di|van|z|av|af)\s?\d{1,3})?$",
    re.IGNORECASE,
)


def _move_margins(rows: list[list[_Line]]) -> list[list[_Line]]:
    """What stands apart at the head of a page first, and at its foot last: programs often write both at once."""
    upright = sorted((at for at, row in enumerate(rows) if not row[0].turn), key=lambda at: (-rows[at][0].low, at))
    head = upright[: _count_apart(rows, upright)]
    foot = [at for at in upright[len(upright) - _count_apart(rows, upright[::-1]) :] if at not in head]
    apart = {*head, *foot}
    within = [at for at in range(len(rows)) if at not in apart]
    return [rows[at] for at in (*head, *within, *foot)]


def _find_margins(rows: Sequence[list[_Line]]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Rows at the head and the foot of a page by what could repeat of them; digits count as the same."""
    upright = sorted((at for at, row in enumerate(rows) if not row[0].turn), key=lambda at: (-rows[at][0].low, at))
    for side, ordered in (("head", upright), ("foot", upright[::-1])):
        for at in ordered[: max(1, _count_apart(rows, ordered))]:
            text = " ".join(line.text for line in rows[at])[:200]
            yield at, (side, re.sub(r"\d+", "0", fold(text)))


def _count_apart(rows: Sequence[list[_Line]], ordered: Sequence[int]) -> int:
    """How many of the outermost rows stand apart from those further in."""
    widest, count = 0.0, 0
    for number in range(1, min(_MARGIN_ROWS, len(ordered) - 1) + 1):
        outer, inner = rows[ordered[number - 1]][0], rows[ordered[number]][0]
        distance = abs(outer.low - inner.low)
        if distance > max(widest, 1.8 * max(outer.size, inner.size)):
            widest, count = distance, number
    return count


def _outermost(rows: Sequence[list[_Line]]) -> frozenset[int]:
    upright = [at for at, row in enumerate(rows) if not row[0].turn]
    if len(upright) < 2:
        return frozenset()
    return frozenset((max(upright, key=lambda at: rows[at][0].low), min(upright, key=lambda at: rows[at][0].low)))


# --- paragraphs -----------------------------------------------------------------------------------------

_ENDS = re.compile(r"[.!?:;…][\"”’'»)\]]*$|[\"”»]$")
_BULLET = re.compile(r"(?:[•▪◦●‣·○■□➢✓\uf0b7\uf0a7]|[*–—-](?= )|o(?= [A-Z“\"]))\s*(?=\S)")
_NUMBERED = re.compile(r"(?:\(?(?:[ivx]{1,5}|[a-z]|\d{1,3})[.)]|\d{1,3}(?:\.\d{1,3}){1,3}\.?)\s+(?=\S)", re.IGNORECASE)
_PIECES = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(kw_only=True, slots=True)
class _Block:
    """Rows that belong together."""

    lines: list[_Line]
    kind: str  # paragraph, heading, item, table
    ordered: bool | None = None
    rows: list[tuple[str, ...]] = field(default_factory=list)


class _Setter:
    """Puts rows into blocks.

    Args:
        rows: of all pages, in order.
    """

    def __init__(self, rows: Sequence[list[_Line]]) -> None:
        self._rows = rows
        lines = [line for row in rows for line in row]
        sizes: Counter[float] = Counter()
        bold = 0
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
            bold += line.bold and len(line.text)
        self.body_size = max(sizes, key=lambda size: (sizes[size], -size), default=10.0)
        self._bold_text = bold > 0.5 * sum(sizes.values())
        steps = [
            round((one.low - other.low) / other.size, 2)
            for one, other in pairwise(lines)
            if one.page == other.page and 0.3 < (one.low - other.low) / other.size < 3
        ]
        self._step = median(steps) if steps else 1.2
        self._rights: defaultdict[tuple[int, int], float] = defaultdict(float)
        for line in lines:
            for near in (-1, 0, 1):
                key = (line.page, round(line.left / 20) + near)
                self._rights[key] = max(self._rights[key], line.right)

    def set(self) -> list[_Block]:
        """The blocks, in order."""
        blocks: list[_Block] = []
        for at, row in enumerate(self._rows):
            beside = len(row) > 1
            neighbours = [self._rows[other] for other in (at - 1, at + 1) if 0 <= other < len(self._rows)]
            if beside and any(len(other) > 1 and other[0].page == row[0].page for other in neighbours):
                if not blocks or blocks[-1].kind != "table" or blocks[-1].lines[-1].page != row[0].page:
                    blocks.append(_Block(lines=[], kind="table"))
                blocks[-1].lines.append(_join_cells(row))
                blocks[-1].rows.append(tuple(cell.text for cell in row))
                continue
            line = _join_cells(row) if beside else row[0]
            kind, ordered = self._find_kind(line)
            if blocks and blocks[-1].kind != "table" and self._goes_on(blocks[-1], line, kind):
                blocks[-1].lines.append(line)
            else:
                blocks.append(_Block(lines=[line], kind=kind, ordered=ordered))
        return blocks

    def _find_kind(self, line: _Line) -> tuple[str, bool | None]:
        if line.size > _LARGER * self.body_size or (line.bold and not self._bold_text and len(line.text) < 120):
            return "heading", None
        if _BULLET.match(line.text):
            return "item", False
        if _NUMBERED.match(line.text):
            return "item", True
        return "paragraph", None

    def _goes_on(  # noqa: PLR0911 - one return per reason reads best
        self, block: _Block, line: _Line, kind: str
    ) -> bool:
        """Whether a line belongs to the block before it."""
        before = block.lines[-1]
        if kind == "item" or (kind == "heading") != (block.kind == "heading"):
            return False
        if kind == "heading" and (abs(line.size - before.size) > 0.1 * before.size or line.bold != before.bold):
            return False
        fall = before.low - line.low
        ends = _ENDS.search(before.text) is not None
        if before.page != line.page or fall < -0.5 * line.size:
            # on the next page, or at the head of the next column
            return kind != "heading" and not ends and (line.text[:1].islower() or before.text.endswith(_HYPHENS))
        if fall > _WIDE * self._step * max(line.size, before.size):
            return False
        if kind == "heading":
            return True
        right = self._rights[before.page, round(before.left / 20)]
        room = right - before.right
        word = (len(line.text.split(" ", 1)[0]) + 1) * 0.45 * line.size
        if room > word and (ends or room > 3 * word + 20) and not before.text.endswith(_HYPHENS):
            return False
        indent = line.left - before.left
        return not (ends and 0.8 * line.size < indent < 60 and len(block.lines) > 1)


_HYPHENS = ("-", _SOFT_HYPHEN)


def _join_lines(lines: Sequence[_Line], words: frozenset[str]) -> str:
    """Lines as one; a word that was broken at a line's end is put together."""
    text = ""
    for line in lines:
        if not text:
            text = line.text
        elif text.endswith(_SOFT_HYPHEN):
            text = _mend(text[:-1], line.text, words) if line.text[:1].islower() else text[:-1] + "-" + line.text
        elif text.endswith("-") and line.text[:1].islower() and text[-2:-1].isalpha():
            text = _mend(text[:-1], line.text, words)
        elif text.endswith(("-", "/")) and text[-2:-1].isalnum():
            text += line.text
        else:
            text += f" {line.text}"
    return " ".join(text.replace(_SOFT_HYPHEN, "").split())


def _mend(head: str, tail: str, words: frozenset[str]) -> str:
    """A word broken at a hyphen: as the document writes it elsewhere; one whose parts it has as words keeps it."""
    one, other = re.search(r"[\w-]*$", head), re.match(r"\w*", tail)
    first, last = (one[0] if one else "").lower(), (other[0] if other else "").lower()
    if first + last in words:
        return head + tail
    if f"{first}-{last}" in words or (first in words and last in words and len(first) > 2 and len(last) > 2):
        return f"{head}-{tail}"
    return head + tail


def _gather_words(rows: Sequence[Sequence[_Line]]) -> frozenset[str]:
    """Words of a document that stand within a line, small: with their hyphens, and apart from them."""
    found: set[str] = set()
    for row in rows:
        for line in row:
            within = _PIECES.findall(line.text.lower())
            broken = line.text.endswith(_HYPHENS)
            found.update(within[:-1] if broken else within)
    return frozenset(found)


def _make_parts(blocks: Sequence[_Block], words: frozenset[str]) -> Iterator[tuple[Part, _Block]]:
    sizes = sorted({round(block.lines[0].size) for block in blocks if block.kind == "heading"}, reverse=True)
    for block in blocks:
        page = block.lines[0].page
        if block.kind == "table":
            cells = tuple(tuple(" ".join(cell.split()) for cell in row) for row in block.rows)
            yield Part(kind="table", text="\n".join(" | ".join(row) for row in cells), rows=cells, page=page), block
            continue
        text = _clean(_join_lines(block.lines, words))
        if block.kind == "item" and not block.ordered:
            text = _BULLET.sub("", text, count=1)
        if not text:
            continue
        if block.kind == "heading":
            level = min(6, 2 + sizes.index(round(block.lines[0].size)))
            yield Part(kind="heading", text=text, level=level, page=page), block
        elif block.kind == "item":
            yield Part(kind="item", text=text, level=1, ordered=block.ordered, page=page), block
        else:
            yield Part(text=text, page=page), block


def _clean(text: str) -> str:
    return clean_text(text.replace("&", "&amp;").replace("<", "&lt;"), MOST_CHARACTERS)


# --- what a file says of itself -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Told:
    """Properties of a file: each with the place it was read in."""

    title: tuple[str, str] = ("", "")
    author: tuple[str, str] = ("", "")
    created: tuple[str, str] = ("", "")
    modified: tuple[str, str] = ("", "")
    language: str = ""


_XMP: Final = 100_000  # bytes of an XMP packet that are looked at
_XMP_VALUES = {
    "Title": re.compile(r"<dc:title>.{0,300}?<rdf:li[^<>]{0,200}>([^<]{1,2000})</rdf:li>", re.DOTALL),
    "Author": re.compile(r"<dc:creator>.{0,300}?<rdf:li[^<>]{0,200}>([^<]{1,500})</rdf:li>", re.DOTALL),
    "CreationDate": re.compile(r"xmp:CreateDate(?:>|\s{0,5}=\s{0,5}[\"'])([^<\"']{4,40})"),
    "ModDate": re.compile(r"xmp:ModifyDate(?:>|\s{0,5}=\s{0,5}[\"'])([^<\"']{4,40})"),
}


def _tell_properties(document: Any, payload: bytes) -> _Told:
    """From the information dictionary; what that lacks from the last XMP packet, which is the document's own."""
    found: dict[str, tuple[str, str]] = {}
    try:
        told = document.get_metadata_dict(skip_empty=True)
    except (_pdfium().PdfiumError, UnicodeError, ValueError):
        told = {}
    for name in _XMP_VALUES:
        value = clean_text(told.get(name, ""), _TITLE)
        found[name] = (value, "pdf") if value else ("", "")
    start = payload.rfind(b"<x:xmpmeta")
    if start >= 0:
        packet = payload[start : start + _XMP].decode("utf-8", "replace")
        for name, pattern in _XMP_VALUES.items():
            match = pattern.search(packet) if not found[name][0] else None
            if match is not None:
                found[name] = (clean_text(html.unescape(match[1]), _TITLE), "xmp")
    size = _raw().FPDFCatalog_GetLanguage(document, None, 0)
    language = ""
    if 2 < size < 200:
        buffer = (c_ushort * (size // 2))()
        _raw().FPDFCatalog_GetLanguage(document, buffer, size)
        language = bytes(buffer).decode("utf-16-le", "replace").rstrip("\0")
    return _Told(
        title=found["Title"],
        author=found["Author"],
        created=found["CreationDate"],
        modified=found["ModDate"],
        language=normal_language(language) if language else "",
    )


_DATE = re.compile(
    r"(?:D:)?\s*(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:([+-])(\d\d)'?(\d\d)?'?|(Z)[\d']*)?$"
)  # ISO 32000-2, 7.9.4


def read_pdf_date(text: str, clock: Clock) -> Moment | None:
    """A date as PDF files have it: ``D:20261122093000+00'00'``, with what is missing from the right left out.

    XMP has ISO 8601 instead, which is read, too. Without a zone the site's is assumed.
    """
    match = _DATE.match(text.strip())
    if match is None:
        return parse_moment(text, "pdf", clock)
    year, month, day, hour, minute, second, sign, hours, minutes, utc = match.groups()
    written = "-".join(part for part in (year, month, day) if part)
    if hour and minute:
        written += f"T{hour}:{minute}" + (f":{second}" if second else "")
        written += "Z" if utc else f"{sign}{hours}:{minutes or '00'}" if sign else ""
    moment = parse_moment(written if month else f"{year}-01", "pdf", clock)
    if moment is None:
        return None
    return moment.model_copy(update={"original": text[:80], **({} if month else {"precision": "year"})})


# --- the article ----------------------------------------------------------------------------------------

_BAD_TITLE = re.compile(
    r"microsoft |untitled|^document\d*$|^doc\d*$|^slide \d|^powerpoint|template|^print"
    r"|\.(?:docx?|pdf|rtf|indd|xlsx?|pptx?|pub|odt|qxp|qxd|cdr|ai)\b|^[\w-]*\d{4,}[\w-]*$|^\W*$",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"\b(?:council|cyngor|authority|department|ministry|office|agency|association|union|trust|board|committee|society"
    r"|university|police|service|team|institute|federation|parliament|senedd)\b",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"\b(?:user|admin\w*|owner|author|default|office user|unknown|laptop|desktop|staff|guest|pc)\b", re.IGNORECASE
)
_STRANGE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08]")


def _make_reading(
    pages: Sequence[list[_Line]],
    told: _Told,
    *,
    site: Site,
    url: str,
    address: str,
    captured_at: datetime,
    linked_from: str,
    link: str | None,
    is_form: bool,
) -> Reading:
    written = " ".join(line.text for page in pages for line in page)
    if count_words(written) < _NO_TEXT * len(pages):
        return Reading(kind="not-an-article", reason="a PDF without text, scanned perhaps")
    if len(_STRANGE.findall(written)) > 0.2 * len(written):
        return Reading(kind="not-an-article", reason="a PDF whose letters have no meaning")
    cleared = _clear_rows([_order_rows(page) for page in pages])
    made = list(_make_parts(_Setter(cleared.rows).set(), _gather_words(cleared.rows)))
    title, origin, headline = _choose_title(made, told, link, url)
    parts = tuple(part for part, block in made if block is not headline)
    text = "\n".join(part.text for part in parts)
    words = count_words(text)
    if words < FEWEST_WORDS:
        form = is_form and words < 200
        return Reading(kind="not-an-article", reason="a form that is drawn by script (XFA)" if form else "too short")
    if is_form and re.search(r"please wait", text[:500], re.IGNORECASE):
        return Reading(kind="not-an-article", reason="a form that is drawn by script (XFA)")
    clock = Clock(zone=site.timezone, month_first=site.country == "us", latest=captured_at)
    published = read_pdf_date(told.created[0], clock) if told.created[0] else None
    modified = read_pdf_date(told.modified[0], clock) if told.modified[0] else None
    language, language_origin = choose_language(told.language or None, "pdf", text, site.language)
    person, byline = _read_author(told.author[0])
    read = sum(bool(page) for page in pages)
    origins = {
        "title": origin,
        "text": "pdfium" if read == len(pages) else f"pdfium, {read} of {len(pages)} pages",
        "language": language_origin,
    }
    confidence = {"title": _TITLE_CONFIDENCE[origin]}
    for name, value, place in (
        ("published", published, told.created[1]),
        ("modified", modified, told.modified[1]),
        ("authors", person, told.author[1]),
        ("byline", byline, told.author[1]),
    ):
        if value:
            origins[name] = place
            confidence[name] = _FILE_CONFIDENCE[name]
    return Reading(
        kind="article",
        article=Article(
            article=article_id(address),
            url=address,
            title=title,
            text=text,
            kind="document",
            parts=parts,
            byline=byline,
            authors=(person,) if person else (),
            published=published,
            modified=modified,
            language=language,
            document_of=tuple(linked_from.split()),
            origins=origins,
            confidence=confidence,
            stripped=_tell_stripped(cleared, headline),
            words=words,
            digest=content_digest(title, text),
            essence=essence_digest(title, text),
        ),
    )


_TITLE_CONFIDENCE: Final = {"pdf": 0.9, "xmp": 0.9, "heading": 0.8, "link": 0.6, "file name": 0.3}
_FILE_CONFIDENCE: Final = {"published": 0.6, "modified": 0.6, "authors": 0.5, "byline": 0.5}
"""A file is made on the day of its release or some days before, and who made it need not have written it."""
_MOST_STRIPPED: Final = 200
_NO_TEXT: Final = 5  # a scanner adds a line to each page, at most


def _choose_title(
    made: Sequence[tuple[Part, _Block]], told: _Told, link: str | None, url: str
) -> tuple[str, str, _Block | None]:
    """The title, where it was read, and the block of the document that is no more than it.

    A file's own title is believed where the first page has its words: templates hand their title on to whatever is
    written with them.
    """
    first = [(part, block) for part, block in made if part.page == made[0][0].page][:40] if made else []
    start = set(fold(" ".join(part.text for part, _ in first)).split())
    headings = [(part, block) for part, block in first if part.kind == "heading" and 3 <= len(part.text) <= _TITLE]
    largest = max((block.lines[0].size for _, block in headings), default=0.0)
    heading = next(((part, block) for part, block in headings if block.lines[0].size == largest), None)
    title, origin = told.title
    words = fold(title).split()
    if _BAD_TITLE.search(title) or not words or sum(word in start for word in words) < 0.7 * len(words):
        title, origin = "", ""
    if not title and heading is not None:
        title, origin = heading[0].text, "heading"
    label = re.sub(r"\s*[(\[][^()\[\]]*\bpdf\b[^()\[\]]*[)\]]\s*$", "", link or "", flags=re.IGNORECASE)
    if not title and len(label.split()) > 1 and "pdf" not in label.lower():
        title, origin = clean_text(label, _TITLE), "link"
    if not title:
        name = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
        title, origin = (
            clean_text(re.sub(r"\.pdf$|[_+-]+", " ", name, flags=re.IGNORECASE), _TITLE) or "PDF",
            "file name",
        )
    block = next((block for part, block in first if fold(part.text) == fold(title)), None)
    return title, origin, block


def _read_author(text: str) -> tuple[str | None, str | None]:
    """A person, and a byline: a person's name, or that of a body. Names of accounts and machines are neither."""
    if not text or _NOBODY.search(text) or "@" in text or "\\" in text or any(letter.isdigit() for letter in text):
        return None, None
    if _BODY.search(text):
        return None, text
    if "," in text:
        last, _, rest = text.partition(",")
        turned = f"{rest.strip()} {last.strip()}"
        text = turned if looks_like_name(turned) and len(turned.split()) <= 3 else text
    return (text, text) if looks_like_name(text) else (None, None)


def _tell_stripped(cleared: _Cleared, headline: _Block | None) -> tuple[Stripped, ...]:
    """What is no part of the text; what repeats stands there once."""
    found: list[Stripped] = []
    if headline is not None:
        text = " ".join(line.text for line in headline.lines)
        found.append(Stripped(text=_clean(text), reason="headline", after=0, rule="document"))
    seen: set[tuple[str, str]] = set()
    for text, reason in cleared.dropped:
        key = (re.sub(r"\d+", "0", fold(text)), reason)
        cleaned = _clean(text)
        if key not in seen and cleaned and len(found) < _MOST_STRIPPED:
            seen.add(key)
            found.append(Stripped(text=cleaned[:2000], reason=reason, rule="document"))
    return tuple(found)
