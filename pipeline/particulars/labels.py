"""What a page says in pairs of a label and a value: the ward and the committee that a council's page is about.

A pair is a row of a table, a term with its description, "Ward: Riverside" on a line of its own, or a heading with the
values below it. Only what is labelled is believed: news mentions wards and committees all the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lxml.html import HtmlElement

from pipeline.metadata import tidy

VALUE_CHARACTERS: Final = 200
_LINES: Final = 400
_CELLS: Final = 300

_WARD: Final = re.compile(
    r"(?:electoral\s)?wards?(?:\(s\)|\s\(s\))?(?:\s(?:or\sdivision|/\sdivision))?(?:\(s\))?(?:\s(?:affected|name|member'?s?\sward|covered|involved))?"
    r"|affected\swards?|electoral\sdivisions?(?:\saffected)?|divisions?(?:\(s\))?\saffected"
    r"|ward(?:iau)?(?:\(iau\))?(?:\s(?:yr\seffeithir\sarnynt|a\seffeithir|dan\ssylw))?|ward\setholiadol",
    re.IGNORECASE,
)
_COMMITTEE: Final = re.compile(
    r"committees?(?:\sname)?|decision[\s-]?makers?|decision\s(?:maker|taken\sby|made\sby|body)|decision-making\sbody|made\sby|"
    r"meeting(?:\sbody|\sname)?|made\sat\smeeting|considered\sat|decided\sat\smeeting|body|pwyllgor|gwneuthurwr\s(?:y\s)?penderfyniad|"
    r"penderfynwr|cyfarfod|overview\sand\sscrutiny\scommittee|date\sand\scommittee",
    re.IGNORECASE,
)
_HINTS: Final = (  # one of these is in every label, and stands at the beginning of its line
    *("ward", "committee", "division", "decis", "decid", "meeting", "body", "made", "considered"),
    *("pwyll", "penderf", "cyfarf"),
)
_BODY: Final = re.compile(
    r"\b(?:committee|sub-?committee|cabinet|council|board|panel|executive|scrutiny|commission|assembly|forum|working\s(?:group|party)|"
    r"pwyllgor|is-?bwyllgor|cabined|cyngor|bwrdd|gweithgor|leader\sof\sthe\scouncil|cabinet\smember\b.{0,60}|mayor)\b",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(r"(?P<label>[^\W\d_][^:：\n]{2,40})\s?[:：]\s*(?P<value>\S.{0,300})")
_DATED: Final = re.compile(
    r"^\s*(?:\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}\s\w{3,9}\s\d{4})[\s,–—-]*|[\s,–—-]*(?:on\s)?(?:\w{3,6}day,?\s)?"
    r"(?:\d{1,2}(?:st|nd|rd|th)?\s\w{3,9},?\s\d{4}|\d{1,2}[./]\d{1,2}[./]\d{2,4}).*$"
)
_MEETING: Final = re.compile(
    r"^(?:agenda|minutes|decisions|meeting|issue|printed\sminutes)\s(?:for|of|of\sthe)\s(?P<body>.{4,100}?)\s(?:on|-|,)\s(?:\w{3,6}day)\b",
    re.IGNORECASE,
)
_TAGGED: Final = re.compile(
    r"^(?:ward:\s*)?(?P<ward>[A-Z][\w'’&.\- ]{2,60}?)\s+ward$|^ward:\s*(?P<named>[A-Z][\w'’&.,\- ]{2,60})$",
    re.IGNORECASE,
)
_NO_VALUE: Final = frozenset(
    {"", "-", "–", "n/a", "none", "no", "not applicable", "none specific", "dim", "amherthnasol"}
)


def find_pairs(tree: HtmlElement, lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Labels and values of a page, in no more than two walks.

    Args:
        tree: the page.
        lines: kind and text of its visible blocks.
    """
    for number, cell in enumerate(tree.iter("dt", "th", "td")):
        if number >= _CELLS:
            break
        label = _cell_text(cell, 60)
        if not label or not _is_label(label):
            continue
        beside = cell.getnext()
        values: list[str] = []
        while beside is not None and beside.tag in {"dd", "td"} and len(values) < 5:
            values.append(_cell_text(beside, VALUE_CHARACTERS))
            beside = beside.getnext()
        if values:
            yield label, "; ".join(filter(None, values if cell.tag == "dt" else values[:1]))
    starts = [line[:50].lower() for _, line in lines[:_LINES]]
    whole = "\n".join(starts)
    hints = [hint for hint in _HINTS if hint in whole]  # none on most pages, so that no line is looked at
    for number, (kind, line) in enumerate(lines[:_LINES] if hints else ()):
        for hint in hints:
            if hint in starts[number]:
                break
        else:
            continue
        if len(line) > VALUE_CHARACTERS + 60 or kind == "table" or not (len(line) < 60 or ":" in line[:45]):
            continue
        match = _PAIR.match(line)
        if match is not None and _is_label(match["label"]):
            yield match["label"], match["value"]
        elif len(line) < 60 and _is_label(line):
            yield line, "; ".join(_values_below(lines[number + 1 : number + 12]))


def _cell_text(cell: HtmlElement, limit: int) -> str:
    return tidy(" ".join(cell.itertext()) if len(cell) else (cell.text or ""), limit + 1).rstrip(" :")


def _values_below(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The values below a label that stands alone: the items of a list, or one short line."""
    for number, (kind, line) in enumerate(lines):
        if kind == "item" and len(line) <= 80:
            yield line
        elif number == 0 and kind == "paragraph" and len(line) <= 100 and not line.endswith((".", "?", "!")):
            yield line
            return
        else:
            return


def _is_label(text: str) -> bool:
    bare = text.strip(" :*•")
    return _WARD.fullmatch(bare) is not None or _COMMITTEE.fullmatch(bare) is not None


def find_ward(pairs: Iterable[tuple[str, str]], tags: Iterable[str]) -> tuple[str | None, str]:
    """The ward that a page is about, and where it says so."""
    for label, value in pairs:
        if _WARD.fullmatch(label.strip(" :*•")):
            value = tidy(value, VALUE_CHARACTERS).strip(" ;.")
            if (
                value.casefold() not in _NO_VALUE
                and len(value) >= 3
                and value[0].isupper()
                and len(value.split()) <= 25
            ):
                return value, "label"
    for tag in tags:
        match = _TAGGED.match(tag)
        if match is not None:
            return (match["ward"] or match["named"]).strip(), "tags"
    return None, ""


def find_committee(pairs: Iterable[tuple[str, str]], titles: Iterable[str]) -> tuple[str | None, str]:
    """The committee, or whoever decides for the council, that a page is about, and where it says so."""
    for label, value in pairs:
        if _COMMITTEE.fullmatch(label.strip(" :*•")):
            value = _DATED.sub("", _DATED.sub("", tidy(value, VALUE_CHARACTERS))).strip(" ;.,-–—")
            if value and value[0].isupper() and len(value) <= 120 and len(value.split()) <= 14 and _BODY.search(value):
                return value, "label"
    for title in titles:
        match = _MEETING.match(title)
        if match is not None and _BODY.search(match["body"]):
            return match["body"].strip(" ,-"), "title"
    return None, ""
