"""A page as the site's memory keeps it: a row of blocks, of each a digest of its words, its place, its sort of text.

Nothing is learned here. Pure.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final, Protocol

from pipeline.model import Document, UtcTime

FIRST, _LAST = 110, 40  # blocks of a page that are looked at
_TEXT_CHARACTERS: Final = 1000  # of a block that make its digest
_SAID: Final = 90  # characters of a block that are kept to tell of it
_TURNS: Final = 32  # blocks that are remembered of a page as having come or gone


class BlockLike(Protocol):
    """What is asked of a block (`pipeline.blocks.Block`)."""

    @property
    def text(self) -> str:
        """Its words."""

    @property
    def kind(self) -> str:
        """ "paragraph", "heading", "item", …"""

    @property
    def place(self) -> str:
        """The way down to it."""

    @property
    def link_share(self) -> float:
        """How much of it is links, 0 to 1."""

    @property
    def label(self) -> str:
        """What it says that it is."""


class Sketch(Document):
    """What is remembered of a page; `sketch_page` makes it."""

    article: str  # id
    seen: UtcTime  # when it was captured
    title: str = ""  # digest of its headline
    blocks: str  # for each block 18 characters: its words' digest (8), its place's (4), its lead's (4), traits, length
    tails: str = ""  # for each block 4 characters: the digest of how it ends; empty in sketches of earlier versions
    again: bool = False  # it has been captured before
    came: str = ""  # digests (8 characters each) of blocks that it had not when it was captured before
    went: str = ""  # and of those that it has had


class Observed(Document):
    """A page's sketch with the beginnings of its blocks' words, by their digests."""

    sketch: Sketch
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Token:
    """A block of a sketch."""

    words: str
    place: str
    lead: str  # of what stands before its colon
    traits: int
    length: int  # characters, in steps
    tail: str  # of the last label in it, or of its last words

    @property
    def prose(self) -> bool:
        """Whether it is a sentence or more."""
        return bool(self.traits & _PROSE)

    @property
    def leading(self) -> bool:
        """Whether it leads in what follows: a heading, or it ends in a colon or a question mark."""
        return bool(self.traits & (HEADING | LEADS))

    @property
    def called(self) -> bool:
        """Whether it says itself that it is furniture, or is a link."""
        return bool(self.traits & (LINK | CALL))


_PROSE, HEADING, LINK, CALL, LEADS, BARE = 1, 2, 4, 8, 16, 32
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_WIDTH: Final = 18
NO_LEAD: Final = "AAAA"  # of a lead and of a tail
FIRST_WORD: Final = "-"  # begins the digest of a lead without a colon
LAST_WORDS: Final = "-"  # begins the digest of a tail that is no label
NAMED: Final = "-who"  # the tail of a short sentence that begins with a name from above the text: its author's
STEP: Final = 16  # characters

_URL_SAFE = str.maketrans("+/", "-_")
_FOLD = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
_NUMBERS = re.compile(r"\d+(?:[.,:/]\d+)*")
_SENTENCE = re.compile("[.!?\u2026\u3002\uff01\uff1f\u0964\u06d4]+[\"'\u2019\u201d\u00bb\u300d)\\]]*$")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_CALLS: Final = frozenset(
    [
        *("newsletter", "jobs", "advert", "related", "share", "comments", "banner", "footer", "tags", "breadcrumbs"),
        *("navigation", "sidebar", "cookie notice", "caption", "byline"),
    ]
)
_CALL_WORDS = re.compile(
    r"\b(?:sign ?up (?:for|to)\b|subscri(?:be|ption)|news-?letter|read (?:more|next|also)\b|see also\b|click here|"
    r"follow us|share this|advertis(?:e|ement)|sponsored|log ?in\b|register (?:now|today|here)|support (?:us|our)|"
    r"donat(?:e|ion)|e-?mail alerts?|download (?:our|the) app|most (?:read|popular)|latest (?:jobs|news|stories)|"
    r"got a story|contact us|tanysgrif|cylchlythyr|abonnier|newsletter|s'abonner|suscr[ií]b)",
    re.IGNORECASE,
)
_CALL_CHARACTERS: Final = 320
_LEAD_CHARACTERS: Final = 30
_LABEL = re.compile(rf"([^:?\uff1a]{{1,{_LEAD_CHARACTERS}}})[:?\uff1a]\s*\S")
_NAME_WORD = re.compile(r"[^\W\d_]+")
_CREDIT_CHARACTERS: Final = 60  # behind the last label of a line
LINE_CHARACTERS: Final = 160
_TITLE_LEAST, _TITLE_MOST = 20, 250  # characters of a headline


def digest_words(text: str) -> str:
    """The digest of a block's words, blind to case, white space and typography, and to numbers if it is no sentence.

    Returns:
        8 characters.
    """
    return _digest_words(text, prose=_reads_on(text[:_TEXT_CHARACTERS].rstrip()))


def _digest_words(text: str, *, prose: bool) -> str:
    folded = text[:_TEXT_CHARACTERS]
    if not folded.isascii():
        folded = unicodedata.normalize("NFKC", folded).translate(_FOLD)
    folded = " ".join(folded.casefold().split())
    folded = folded if prose else _NUMBERS.sub("0", folded)
    if len(text) > _TEXT_CHARACTERS:
        folded += f" {len(text) // 100}"
    return digest_text(folded, 6)


def _digest_lead(text: str) -> str:
    """The digest of what leads in a line: "Tags" in "Tags: parks, schools", "By" in "By A. Writer"; 4 characters.

    A question with its answer is such a line, too: "Key decision? Yes".
    """
    label = _LABEL.match(text[:60])
    if label:
        return digest_text(" ".join(label[1].casefold().split()), 3).replace(FIRST_WORD, "_")
    first, space, _ = text[:60].partition(" ")
    if space and len(text) <= LINE_CHARACTERS:
        return FIRST_WORD + digest_text(first.casefold(), 3)[1:]
    return NO_LEAD


def _digest_tail(text: str) -> str:
    """The digest of how a line ends: of the last label in it, "Credit" in "A view. Credit: A. Lens", or two words."""
    if len(text) > LINE_CHARACTERS:
        return NO_LEAD
    head, colon, rest = text.rpartition(": ")
    words = head.split()
    if colon and len(words) > 1 and rest.strip() and len(rest) <= _CREDIT_CHARACTERS:
        return digest_text(words[-1].casefold().strip("([|\u2013-"), 3).replace(LAST_WORDS, "_")
    words = text.casefold().rstrip(".!?)]\"'\u2019\u201d ").split()
    return LAST_WORDS + digest_text(" ".join(words[-2:]), 3)[1:] if len(words) > 2 else NO_LEAD


@lru_cache(maxsize=4096)  # the blocks of a page stand at few places, and those of a site's pages at the same ones
def digest_place(place: str) -> str:
    """The digest of a place; 4 characters."""
    return digest_text(place, 3)


def digest_text(text: str, size: int) -> str:
    """A digest of so many bytes, in letters that stand in JSON as they are."""
    mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return b2a_base64(mark, newline=False).decode("ascii").translate(_URL_SAFE)


def is_prose(block: BlockLike) -> bool:
    """Whether a block is a sentence or more, and not a line of a list, a link or a heading."""
    if block.kind in {"heading", "caption", "table", "code"} or block.link_share >= 0.5:
        return False
    return _reads_on(block.text[:_TEXT_CHARACTERS].rstrip())


def _reads_on(text: str) -> bool:
    words = text.count(" ") + 1
    if words >= 8 and _SENTENCE.search(text[-8:]):
        return True
    return words >= 25 or (len(text) >= 30 and not text.isascii() and len(_IDEOGRAPHS.findall(text[:60])) >= 20)


def _traits(block: BlockLike, ignored: frozenset[str]) -> int:
    text = block.text
    traits = _PROSE if is_prose(block) else 0
    traits |= HEADING if block.kind == "heading" else 0
    traits |= LINK if block.link_share >= 0.5 else 0
    if (block.label in _CALLS and block.label not in ignored) or (
        len(text) <= _CALL_CHARACTERS and _CALL_WORDS.search(text)
    ):
        traits |= CALL
    traits |= LEADS if text[-2:].rstrip("\"'\u2019\u201d").endswith((":", "?")) else 0
    traits |= BARE if sum(map(str.isalpha, text[:40])) < 3 else 0
    return traits


def pick_blocks(blocks: Sequence[BlockLike]) -> list[int]:
    """Numbers of the blocks that are looked at: the first and the last ones of a long page."""
    if len(blocks) <= FIRST + _LAST:
        return list(range(len(blocks)))
    return [*range(FIRST), *range(len(blocks) - _LAST, len(blocks))]


def read_tokens(blocks: Sequence[BlockLike], picked: Sequence[int]) -> list[Token]:
    """The blocks of these numbers as a sketch has them."""
    whole = 1
    labelled: Counter[str] = Counter()
    for number in picked:
        block = blocks[number]
        whole += len(block.text)
        labelled[block.label] += len(block.text)
    # A label that names a third of the page is that of a box around it, and says nothing of its blocks.
    ignored = frozenset(label for label, characters in labelled.items() if 3 * characters > whole)
    named = _find_named(blocks, picked)
    return [
        Token(
            digest_words(blocks[number].text),
            digest_place(blocks[number].place),
            _digest_lead(blocks[number].text),
            _traits(blocks[number], ignored),
            min(63, -(-len(blocks[number].text) // STEP)),
            NAMED if number in named else _digest_tail(blocks[number].text),
        )
        for number in picked
    ]


def _find_named(blocks: Sequence[BlockLike], picked: Sequence[int]) -> set[int]:
    """Numbers of short sentences that begin with two words of a line above the text: "A. Writer covers parks"."""
    names: set[tuple[str, ...]] = set()
    found: set[int] = set()
    above = True
    for number in picked:
        text = blocks[number].text
        if len(text) > LINE_CHARACTERS:
            above = False
            continue
        words = _NAME_WORD.findall(text.casefold())
        if is_prose(blocks[number]):
            above = False
            if tuple(words[:2]) in names:
                found.add(number)
        elif above and blocks[number].kind != "heading":
            names.update(pairwise(words))
    return found


def sketch_page(blocks: Sequence[BlockLike], *, article: str, seen: datetime, titles: Iterable[str] = ()) -> Observed:
    """What is remembered of a page.

    Args:
        blocks: its visible blocks, in its order.
        article: its article's id (`pipeline.model.article_id`): versions of one article are one page.
        seen: when it was captured.
        titles: what it is called (`<title>`, og:title): the first block with which one of them begins is its headline.
    """
    picked = pick_blocks(blocks)
    tokens = read_tokens(blocks, picked)
    texts = {
        token.words: " ".join(blocks[number].text[: 2 * _SAID].split())[:_SAID]
        for token, number in zip(tokens, picked, strict=True)
    }
    packed = "".join(
        f"{token.words}{token.place}{token.lead}{_ALPHABET[token.traits]}{_ALPHABET[token.length]}" for token in tokens
    )
    title = _find_title((blocks[number].text for number in picked), titles)
    tails = "".join(token.tail for token in tokens)
    return Observed(sketch=Sketch(article=article, seen=seen, title=title, blocks=packed, tails=tails), texts=texts)


def _find_title(texts: Iterable[str], titles: Iterable[str]) -> str:
    """The digest of a page's headline: the longest block that its titles begin with; empty where none does."""
    names = [" ".join(title.casefold().split()) for title in titles if title]
    best = ""
    for text in texts:
        if _TITLE_LEAST <= len(text) <= _TITLE_MOST and len(text) > len(best):
            words = text.casefold()
            if any(name.startswith(words) for name in names):
                best = text
    return digest_words(best) if best else ""


def name_titles(text: str) -> Iterator[str]:
    """Digests of what a block may name as the headline of another article: all of it, or what follows a colon."""
    if _TITLE_LEAST <= len(text) <= 2 * _TITLE_MOST:
        yield digest_words(text)
        head, colon, rest = text.partition(":")
        if colon and len(head) <= 40 and len(rest) > _TITLE_LEAST:
            yield digest_words(rest.strip())


def unpack_sketch(sketch: Sketch) -> list[Token]:
    """The blocks of a sketch."""
    packed, tails = sketch.blocks, sketch.tails
    return [
        Token(
            packed[at : at + 8],
            packed[at + 8 : at + 12],
            packed[at + 12 : at + 16],
            _ALPHABET.find(packed[at + 16]) & 63,
            _ALPHABET.find(packed[at + 17]) & 63,
            tails[4 * number : 4 * number + 4] or NO_LEAD,
        )
        for number, at in enumerate(range(0, len(packed) - _WIDTH + 1, _WIDTH))
    ]


def follow_page(before: Sketch, after: Sketch) -> Sketch:
    """A page's later sketch with what came and went since the one before it, and earlier."""
    old, new = list_words(before), list_words(after)
    came = [*(words for words in new if words not in old), *split_digests(after.came), *split_digests(before.came)]
    went = [*(words for words in old if words not in new), *split_digests(after.went), *split_digests(before.went)]
    again = after.again or before.again or after.seen != before.seen
    return after.model_copy(update={"again": again, "came": _join_digests(came), "went": _join_digests(went)})


def list_words(sketch: Sketch) -> dict[str, None]:
    """Digests of the words of a sketch's blocks, in their order."""
    packed = sketch.blocks
    return {packed[at : at + 8]: None for at in range(0, len(packed) - _WIDTH + 1, _WIDTH)}


def split_digests(packed: str) -> list[str]:
    """Digests of words that were written one after the other."""
    return [packed[at : at + 8] for at in range(0, len(packed), 8)]


def _join_digests(marks: Iterable[str]) -> str:
    return "".join(islice(dict.fromkeys(marks), _TURNS))
