"""How articles begin, in 21 bytes each, so that a text that comes again under another address is known again.

Of an article are kept: three bytes of its id, three bytes for its headline and for the first words of each of its first
four lines, and how many words it has. An article whose lines begin as those of others do is a copy, a page of teasers,
or spun out of them. From three bytes no word can be read back; how often two lines meet by chance is one in a thousand
with 1300 articles. Pure.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from struct import Struct

WIDTH = 28  # characters of an opening
_MARK = 3  # bytes
_LINES = 4
_WORDS = 8  # of a line that count
_LEAST_WORDS = 5  # of a line that is looked at
_LAYOUT = Struct(f">{'3s' * (2 + _LINES)}HB")  # article, headline, lines, words, how many of the lines there are
_MANY = 3
"""A line that begins so many articles or more is furniture ("The committee resolved as follows")."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How an article begins."""

    article: bytes
    title: bytes
    lines: tuple[bytes, ...]
    words: int


def read_opening(article: str, title: str, text: str, words: int) -> Opening:
    """How an article begins.

    Args:
        article: its id, hexadecimal digits.
        title: its headline.
        text: its text, a paragraph a line.
        words: of the text.
    """
    lines = (line.split(None, _WORDS)[:_WORDS] for line in _first_lines(text))
    marks = islice((_digest(line) for line in lines if len(line) >= _LEAST_WORDS), _LINES)
    return Opening(
        article=bytes.fromhex(article[: 2 * _MARK]),
        title=_digest(title.split()) if title.strip() else bytes(_MARK),
        lines=tuple(marks),
        words=min(words, 0xFFFF),
    )


def _first_lines(text: str) -> Iterator[str]:
    begin = 0
    for _ in range(4 * _LINES):
        end = text.find("\n", begin)
        yield text[begin : end if end >= 0 else len(text)][:400]
        if end < 0:
            return
        begin = end + 1


def _digest(words: Sequence[str]) -> bytes:
    return blake2b(" ".join(words).casefold().encode("utf-8", "surrogatepass"), digest_size=_MARK).digest()


def pack_openings(openings: Iterable[Opening]) -> str:
    """Openings as text, ``WIDTH`` characters each."""
    packed = bytearray()
    for one in openings:
        lines = b"".join(one.lines).ljust(_LINES * _MARK, b"\0")
        packed += one.article + one.title + lines + one.words.to_bytes(2, "big") + bytes([len(one.lines)])
    return b64encode(packed).decode("ascii")


def unpack_openings(packed: str) -> Iterator[Opening]:
    """The openings of a text; what is cut off or no such text is left out."""
    for article, title, *marks, words, number in _LAYOUT.iter_unpack(_decode(packed)):
        yield Opening(article=article, title=title, lines=tuple(marks[:number]), words=words)


def _decode(packed: str) -> bytes:
    try:
        data = b64decode(packed[: len(packed) // WIDTH * WIDTH], validate=True)
    except ValueError:
        return b""
    return data[: len(data) // _LAYOUT.size * _LAYOUT.size]


class Openings:
    """What a site's latest articles begin with, to be asked."""

    def __init__(self, packed: str) -> None:
        self._words: dict[bytes, int] = {}
        marks: list[bytes] = []  # each article's own, once
        for article, *told, words, number in _LAYOUT.iter_unpack(_decode(packed)):
            self._words[article] = words
            marks += {*told[: 1 + number]}
        self._articles = Counter(marks)  # beginning of a line -> how many articles have it
        self._articles.pop(bytes(_MARK), None)

    def __len__(self) -> int:
        return len(self._words)

    def find_words(self, opening: Opening) -> int | None:
        """How many words the same article had; None where it is not remembered."""
        return self._words.get(opening.article)

    def is_old(self, opening: Opening) -> bool:
        """Whether an article begins with what began others: at least two of its lines do, and at least half."""
        if opening.article in self._words:
            return False
        told = [have for mark in opening.lines if (have := self._articles[mark]) < _MANY]  # furniture says nothing
        known = sum(have > 0 for have in told)
        if len(told) == 1:
            return known == 1 and 0 < self._articles[opening.title] < _MANY
        return known >= 2 and 2 * known >= len(told)


def add_openings(packed: str, new: str, *, most: int) -> str:
    """Put openings behind those that are remembered, each article's once, and forget the oldest.

    Adding the same ones again changes nothing.
    """
    known = {packed[at : at + 4] for at in range(0, len(packed), WIDTH)}
    added = []
    for at in range(0, len(new) - WIDTH + 1, WIDTH):
        article = new[at : at + 4]  # three bytes are four characters
        if article not in known:
            known.add(article)
            added.append(new[at : at + WIDTH])
    return (packed + "".join(added))[-WIDTH * most :]
