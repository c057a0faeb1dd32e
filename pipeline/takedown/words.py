"""Words that must not be read any more: found however they are spelled, wrapped or escaped, and blacked out.

Found is what ``content_digest`` takes for the same (white space, typographic quotes and dashes, Unicode's compatible
forms), in whatever case, and as whole words. Pure.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from pipeline.model import SpanMark

MARK = "▇▇▇"
"""Stands in the place of what was redacted."""

_FOLD = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."}
_TAG = re.compile(r"<[^<>]*>")
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|cite|em|font|i|mark|q|s|small|span|strong|sub|sup|time|u|wbr)(?:\s[^<>]*)?>", re.IGNORECASE
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_CJK = 0x2E80  # from here on words are not parted by spaces
_UNSEEN = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")  # soft hyphen, zero width


def fold(text: str) -> str:
    """A text as words are looked for in it: one space for white space, plain quotes, lower case."""
    return _fold_with_places(text)[0].strip()


def mark_of(span: str) -> SpanMark:
    """What is kept of a span when its words are destroyed."""
    folded = fold(span)
    return SpanMark(length=len(folded), sha256=hashlib.sha256(folded.encode()).hexdigest())


class Finder:
    """Finds some spans of words in any text.

    Args:
        spans: the words themselves.
        marks: of spans whose words are no longer known.
    """

    def __init__(self, spans: Sequence[str], marks: Sequence[SpanMark] = ()) -> None:
        self._spans = sorted({folded for span in spans if (folded := fold(span))}, key=lambda each: (-len(each), each))
        self._marks = tuple(marks)

    def __bool__(self) -> bool:
        return bool(self._spans or self._marks)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(re.escape, self._spans))) if self._spans else None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where the words stand: start and end of each place in ``text``, in order, none overlapping."""
        if not text or not self:
            return []
        folded, places = _fold_with_places(text)
        found: list[tuple[int, int]] = []
        for start, end in self._folded_places(folded):
            first, last = places[start][0], places[end - 1][1]
            if found and first < found[-1][1]:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return found

    def stands_in(self, text: str) -> bool:
        """Whether the words stand in a text."""
        return next(self._folded_places(_fold_with_places(text)[0]), None) is not None if text and self else False

    def stands_in_source(self, text: str) -> bool:
        """Whether they stand in a page, feed or answer of an API as it was sent: tags, entities, JSON's escapes."""
        return any(self.stands_in(view) for view in views_of(text))

    def redact(self, text: str) -> str:
        """A text with its words blacked out; line breaks stay."""
        return "\n".join(self.redact_lines(text.split("\n")))

    def redact_lines(self, lines: Sequence[str]) -> list[str]:
        """The same for lines, one behind the other: what begins in one and ends in another goes in both."""
        found = self.places("\n".join(lines))
        if not found:
            return list(lines)
        made: list[str] = []
        start = 0
        for line in lines:
            end = start + len(line)
            parts, at = [], start
            for first, last in found:
                here, there = max(first, start), min(last, end)
                if here < there:
                    parts += [line[at - start : here - start], MARK]
                    at = there
            made.append("".join([*parts, line[at - start :]]))
            start = end + 1
        return made

    def redact_value(self, value: Any) -> Any:
        """A JSON value with the words blacked out of every text in it, names of fields included."""
        match value:
            case str():
                return self.redact(value)
            case dict():
                return {self.redact(str(name)): self.redact_value(item) for name, item in value.items()}
            case list() | tuple():
                return [self.redact_value(item) for item in value]
            case _:
                return value

    def _folded_places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Overlapping ones too: behind each that was found the search goes on one character later."""
        ends: list[tuple[int, int]] = []
        if self._pattern is not None:
            at = 0
            while (found := self._pattern.search(folded, at)) is not None:
                if _is_whole(folded, found.start(), found.end()):
                    ends.append((found.start(), found.end()))
                at = found.start() + 1
        if self._marks:
            ends += self._marked_places(folded)
            ends.sort()
        yield from ends

    def _marked_places(self, folded: str) -> Iterator[tuple[int, int]]:
        wanted: dict[int, set[str]] = {}
        for mark in self._marks:
            wanted.setdefault(mark.length, set()).add(mark.sha256)
        for start in range(len(folded)):
            if start and folded[start - 1].isalnum() and folded[start].isalnum() and ord(folded[start]) < _CJK:
                continue
            for length, digests in wanted.items():
                piece = folded[start : start + length]
                whole = len(piece) == length and _is_whole(folded, start, start + length)
                if whole and hashlib.sha256(piece.encode()).hexdigest() in digests:
                    yield start, start + length


def views_of(text: str) -> Iterator[str]:
    """A document as it was sent, in every way in which its words may be read out of it."""
    yield text
    plain = _CDATA.sub(r"\1", text)
    for _ in range(3):  # a feed may escape a page that has entities of its own
        yield _TAG.sub(" ", _INLINE.sub("", plain))  # a word may be marked up in its middle
        yield _TAG.sub(" ", plain)
        unescaped = html.unescape(plain)
        if unescaped == plain:
            break
        yield unescaped
        plain = unescaped
    if text.lstrip()[:1] in ("{", "["):
        try:
            strings = "\n".join(_strings_of(json.loads(text)))
        except (ValueError, RecursionError):
            return
        if strings:
            yield from views_of(" " + strings)


def _strings_of(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, item in value.items():
                yield str(name)
                yield from _strings_of(item)
        case list():
            for item in value:
                yield from _strings_of(item)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no word goes on over either end."""
    before = start > 0 and _go_together(text[start - 1], text[start])
    return not before and not (end < len(text) and _go_together(text[end - 1], text[end]))


def _go_together(one: str, other: str) -> bool:
    return one.isalnum() and other.isalnum() and ord(one) < _CJK and ord(other) < _CJK


def _fold_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each of its characters from where to where it stands in ``text``."""
    made: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        piece = text[start:end]
        if piece in _UNSEEN:
            continue
        if not piece.isascii():
            piece = unicodedata.normalize("NFKC", piece)
            piece = "".join(_FOLD.get(char, char) for char in piece)
        for char in piece.casefold():
            if char in _UNSEEN:
                continue
            plain = " " if char.isspace() else char
            if plain == " " and made and made[-1] == " ":
                places[-1] = (places[-1][0], end)
                continue
            made.append(plain)
            places.append((start, end))
    return "".join(made), places


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Characters with the marks that are put on them."""
    if text.isascii():
        yield from ((at, at + 1) for at in range(len(text)))
        return
    start = 0
    for at in range(1, len(text)):
        if not unicodedata.combining(text[at]):
            yield start, at
            start = at
    if text:
        yield start, len(text)
