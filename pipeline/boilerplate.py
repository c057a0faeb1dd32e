"""The site's memory: which blocks of its pages recur over different articles, and are no part of them.

It looks at each page as a row of blocks (`Sketch`: for each block a digest of its words, its place, what sort of text
it is) and keeps the sketches of the site's latest pages. All that it believes (`Lesson`) is worked out anew from
these, whenever pages come in: nothing has to be unlearned, what is seen no longer ages out with its pages, and the
order in which pages came does not matter. Pure: it reads and writes nothing; `pipeline.steps` keeps its documents.

What it believes, and why it is safe to:

- *Stories*, not pages, are counted. Pages that have little of their own beside each other (copies, print pages,
  syndicated texts, versions of one article) count once, however many they are.
- A block is *above*, *inside* or *below* the text, by where the prose stands that only its page has. Above and below,
  what most stories have is furniture. So is what stands at an end of the page that never has prose of its own: that
  is how adverts, jobs and events are known that change with every day, but not in place and shape.
- *Inside*, what recurs mostly belongs there ("The council said:", legal lines, standing headings), and is kept, unless
  it stands at the same place of most stories, or is a call or a link.
- Where little would be left of a page, nothing is taken, and the report says so (`Memory.judge_page`).

Not for what one page says of itself: that is `pipeline.body`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from binascii import b2a_base64
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Final, Literal, Protocol

from pydantic import Field

from pipeline.model import Document, UtcTime

WINDOW: Final = 240
"""Latest pages that are remembered."""
UNSEEN: Final = timedelta(days=180)
"""Older pages are forgotten, where enough younger ones are known."""
FEWEST: Final = 3
"""With fewer stories nothing is believed."""

LEFT_SHARE: Final = 0.25
LEFT_CHARACTERS: Final = 200
"""So much of a page's text is left, or memory takes nothing."""

_GIVEN_KINDS: Final = frozenset({"heading", "item", "quote"})
_GIVEN_LINKS: Final = 0.3
_ENOUGH: Final = 30  # younger pages, for older ones to be forgotten
_FIRST, _LAST = 110, 40  # blocks of a page that are looked at
_TEXT_CHARACTERS: Final = 1000  # of a block that make its digest
_SAID: Final = 90  # characters of a block that are kept to tell of it
_TEXTS: Final = 600  # blocks whose words are kept
_LESSONS: Final = 400
_TURNS: Final = 32  # blocks that are remembered of a page as having come or gone

Zone = Literal["above", "inside", "below"]


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
    again: bool = False  # it has been captured before
    came: str = ""  # digests (8 characters each) of blocks that it had not when it was captured before
    went: str = ""  # and of those that it has had


class Observed(Document):
    """A page's sketch with the beginnings of its blocks' words, by their digests."""

    sketch: Sketch
    texts: dict[str, str]


class Lesson(Document):
    """Something that is believed of the site's pages.

    ``kind`` "block": the block with this digest is furniture; "end": so is all that follows it; "place": so is what
    stands at this place; "line": so is a line that is no sentence at this position from the page's top; "lead": so is
    a line that begins with these words and a colon, or with this word; "box": so are the lines that follow, up to the
    next that is known; "pair": so is the line before it; "kept": it recurs, and belongs to the text.
    """

    kind: Literal["block", "end", "place", "line", "lead", "box", "pair", "kept", "text", "start"]
    mark: str  # digest of the words or of the place, or the position
    zone: Zone
    pages: int  # stories that had it
    of: int  # stories that were looked at
    text: str = ""  # how it begins
    why: str = ""  # what spoke for it

    def describe(self) -> str:  # noqa: PLR0911 - one return per kind reads best
        """The lesson in words: ``left out on 28 of 30 pages: "Sign up …" (below the text)``."""
        said = f'"{self.text}"' if self.text else f"something whose words were not kept ({self.mark})"
        place = {"above": "above the text", "inside": "inside the text", "below": "below the text"}[self.zone]
        on = f"on {self.pages} of {self.of} pages"
        match self.kind:
            case "block":
                return f"left out {on}: {said} ({place}; {self.why})"
            case "end":
                return f"left out {on}: what follows {said} ({place}; {self.why})"
            case "place":
                return f"left out {on}: what stands where {said} stands ({place}; {self.why})"
            case "line":
                return f"left out {on}: line {int(self.mark) + 1} of the page where it is no sentence ({self.why})"
            case "lead":
                return f"left out {on}: lines that begin as {said} does ({place}; {self.why})"
            case "box":
                return f"left out {on}: the lines that follow {said}, up to the next known one ({place}; {self.why})"
            case "pair":
                return f"left out {on}: the line before {said} ({place}; {self.why})"
            case "start":
                return f"left out {on}: lines before {said} ({place}; {self.why})"
            case "text":
                return f"text {on}: what stands where {said} stands ({self.why})"
            case _:
                return f"kept {on}, though it recurs: {said} ({place})"


@dataclass(frozen=True, slots=True)
class _Token:
    """A block of a sketch."""

    words: str
    place: str
    lead: str  # of what stands before its colon
    traits: int
    length: int  # characters, in steps

    @property
    def prose(self) -> bool:
        return bool(self.traits & _PROSE)

    @property
    def leading(self) -> bool:
        """Whether it leads in what follows: a heading, or it ends in a colon or a question mark."""
        return bool(self.traits & (_HEADING | _LEADS))

    @property
    def called(self) -> bool:
        """Whether it says itself that it is furniture, or is a link."""
        return bool(self.traits & (_LINK | _CALL))


_PROSE, _HEADING, _LINK, _CALL, _LEADS, _BARE = 1, 2, 4, 8, 16, 32
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_WIDTH: Final = 18
_NO_LEAD: Final = "AAAA"
_FIRST_WORD: Final = "-"  # begins the digest of a lead without a colon
_STEP: Final = 16  # characters

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
_LINE_CHARACTERS: Final = 160
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
    return _digest(folded, 6)


def _digest_lead(text: str) -> str:
    """The digest of what leads in a line: "Tags" in "Tags: parks, schools", "By" in "By A. Writer"; 4 characters."""
    head, colon, rest = text[:60].partition(":")
    if colon and rest.strip() and len(head) <= _LEAD_CHARACTERS:
        return _digest(" ".join(head.casefold().split()), 3).replace(_FIRST_WORD, "_")
    first, space, _ = text[:60].partition(" ")
    if space and len(text) <= _LINE_CHARACTERS:
        return _FIRST_WORD + _digest(first.casefold(), 3)[1:]
    return _NO_LEAD


@lru_cache(maxsize=4096)  # the blocks of a page stand at few places, and those of a site's pages at the same ones
def _digest_place(place: str) -> str:
    return _digest(place, 3)


def _digest(text: str, size: int) -> str:
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
    traits |= _HEADING if block.kind == "heading" else 0
    traits |= _LINK if block.link_share >= 0.5 else 0
    if (block.label in _CALLS and block.label not in ignored) or (
        len(text) <= _CALL_CHARACTERS and _CALL_WORDS.search(text)
    ):
        traits |= _CALL
    traits |= _LEADS if text[-2:].rstrip("\"'\u2019\u201d").endswith((":", "?")) else 0
    traits |= _BARE if sum(map(str.isalpha, text[:40])) < 3 else 0
    return traits


def _pick_blocks(blocks: Sequence[BlockLike]) -> list[int]:
    """Numbers of the blocks that are looked at: the first and the last ones of a long page."""
    if len(blocks) <= _FIRST + _LAST:
        return list(range(len(blocks)))
    return [*range(_FIRST), *range(len(blocks) - _LAST, len(blocks))]


def _read_tokens(blocks: Sequence[BlockLike], picked: Sequence[int]) -> list[_Token]:
    whole = 1
    labelled: Counter[str] = Counter()
    for number in picked:
        block = blocks[number]
        whole += len(block.text)
        labelled[block.label] += len(block.text)
    # A label that names a third of the page is that of a box around it, and says nothing of its blocks.
    ignored = frozenset(label for label, characters in labelled.items() if 3 * characters > whole)
    return [
        _Token(
            digest_words(blocks[number].text),
            _digest_place(blocks[number].place),
            _digest_lead(blocks[number].text),
            _traits(blocks[number], ignored),
            min(63, -(-len(blocks[number].text) // _STEP)),
        )
        for number in picked
    ]


def sketch_page(blocks: Sequence[BlockLike], *, article: str, seen: datetime, titles: Iterable[str] = ()) -> Observed:
    """What is remembered of a page.

    Args:
        blocks: its visible blocks, in its order.
        article: its article's id (`pipeline.model.article_id`): versions of one article are one page.
        seen: when it was captured.
        titles: what it is called (`<title>`, og:title): the first block with which one of them begins is its headline.
    """
    picked = _pick_blocks(blocks)
    tokens = _read_tokens(blocks, picked)
    texts = {
        token.words: " ".join(blocks[number].text[: 2 * _SAID].split())[:_SAID]
        for token, number in zip(tokens, picked, strict=True)
    }
    packed = "".join(
        f"{token.words}{token.place}{token.lead}{_ALPHABET[token.traits]}{_ALPHABET[token.length]}" for token in tokens
    )
    title = _find_title((blocks[number].text for number in picked), titles)
    return Observed(sketch=Sketch(article=article, seen=seen, title=title, blocks=packed), texts=texts)


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


def _name_titles(text: str) -> Iterator[str]:
    """Digests of what a block may name as the headline of another article: all of it, or what follows a colon."""
    if _TITLE_LEAST <= len(text) <= 2 * _TITLE_MOST:
        yield digest_words(text)
        head, colon, rest = text.partition(":")
        if colon and len(head) <= 40 and len(rest) > _TITLE_LEAST:
            yield digest_words(rest.strip())


def _unpack(sketch: Sketch) -> list[_Token]:
    packed = sketch.blocks
    return [
        _Token(
            packed[at : at + 8],
            packed[at + 8 : at + 12],
            packed[at + 12 : at + 16],
            _ALPHABET.find(packed[at + 16]) & 63,
            _ALPHABET.find(packed[at + 17]) & 63,
        )
        for at in range(0, len(packed) - _WIDTH + 1, _WIDTH)
    ]


# --- the memory -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Why a block is furniture: words for a person, and how sure that is."""

    why: str
    sure: bool  # the block itself is known; not only the place where it stands


class Memory(Document):
    """What is known of a site's blocks: ``sites/<site>/boilerplate.json`` and ``runs/<site>/<run>/boilerplate.json``.

    The site's has the sketches of the latest pages; a run's has those that the run added, and the lessons by which
    its pages are read.
    """

    site: str = ""
    run: str = ""  # the latest run that it learned from
    pages: tuple[Sketch, ...] = ()  # newest first
    texts: dict[str, str] = Field(default_factory=dict)  # digest of a recurring block's words -> how it begins
    stories: int = 0  # different ones among the pages
    titles: str = ""  # digests of the headlines of the latest pages, one after the other
    lessons: tuple[Lesson, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether it knows enough for another run's pages to add little."""
        return self.stories >= _ENOUGH

    @property
    def summary(self) -> str:
        """How much was learned, in words."""
        left = sum(lesson.kind == "block" for lesson in self.lessons)
        kept = sum(lesson.kind == "kept" for lesson in self.lessons)
        places = sum(lesson.kind in {"place", "end", "line", "lead", "box", "pair", "start"} for lesson in self.lessons)
        return f"{left} repeated blocks and {places} places are left out, {kept} repeated blocks belong to the text"

    def describe(self) -> list[str]:
        """What was learned, in words, a line for each lesson."""
        return [lesson.describe() for lesson in self.lessons]

    def of_run(self, site: str, run: str, observed: Iterable[Observed]) -> Memory:
        """What is kept with a run: the lessons, and what its own pages added; the memory can be rebuilt of it."""
        pages = sorted((page.sketch for page in observed), key=lambda sketch: (sketch.seen, sketch.article))
        marks = {token.words for sketch in pages for token in _unpack(sketch)}
        texts = {mark: text for mark, text in self.texts.items() if mark in marks}
        return self.changed(site=site, run=run, pages=tuple(pages), texts=texts)

    def changed(self, **fields: object) -> Memory:
        """The memory with other fields; not a copy, which would judge by what was worked out of the old ones."""
        return Memory.model_validate({name: getattr(self, name) for name in Memory.model_fields} | fields)

    def to_judge_by(self) -> Memory:
        """What pages are judged by, without what it was learned from: a fifth of it, to be handed to processes."""
        return self.changed(pages=(), texts={})

    @cached_property
    def recipe(self) -> str:
        """Digest of all by which it judges, for `pipeline.model.Story.recipe`."""
        if not (self.lessons or self.titles):
            return ""
        marks = sorted(f"{lesson.kind} {lesson.mark} {lesson.zone}" for lesson in self.lessons)
        return _digest("\n".join([*marks, self.titles]), 12)

    @cached_property
    def _known(self) -> _Known:
        return _Known(self.lessons)

    def judge_page(self, blocks: Sequence[BlockLike]) -> dict[int, Judgement]:
        """Which blocks of a page are furniture.

        Args:
            blocks: all visible blocks of the page, in its order.

        Returns:
            By a block's number, why. What share of a page may go is for the caller to bound.
        """
        if not (self.lessons or self.titles) or not blocks:
            return {}
        picked = _pick_blocks(blocks)
        found = self._known.judge(_read_tokens(blocks, picked))
        judged = {picked[number]: judgement for number, judgement in found.items()}
        for number in picked:
            if number not in judged and any(mark in self._titles for mark in _name_titles(blocks[number].text)):
                judged[number] = Judgement(why="is or names the headline of another page of the site", sure=True)
        return judged

    @cached_property
    def _titles(self) -> frozenset[str]:
        return frozenset(self.titles[at : at + 8] for at in range(0, len(self.titles), 8))

    def review(self, blocks: Sequence[BlockLike], kept: Sequence[bool]) -> Review:
        """Which of the blocks that are taken for a page's text are furniture after all, within bounds.

        Where little would be left, only the blocks that are known themselves go; where still little would be left,
        none.

        Args:
            blocks: all visible blocks of the page, in its order.
            kept: of each, whether it is taken for text.
        """
        every = self.judge_page(blocks)
        judged = {number: found for number, found in every.items() if kept[number]}
        given = self._give_back(blocks, kept, every)
        if not judged:
            return Review(taken={}, given=given)
        whole = sum(len(block.text) for block, good in zip(blocks, kept, strict=True) if good)
        held = ""
        for taken in (judged, {number: found for number, found in judged.items() if found.sure}):
            share = sum(len(blocks[number].text) for number in taken) / whole
            left = whole * (1 - share)
            if left >= LEFT_CHARACTERS and share <= 1 - LEFT_SHARE:
                return Review(taken={number: found.why for number, found in taken.items()}, given=given, held=held)
            held = held or f"would have taken {share:.0%} of the text"
        return Review(taken={}, given=given, held=held)

    def _give_back(
        self, blocks: Sequence[BlockLike], kept: Sequence[bool], judged: Mapping[int, Judgement]
    ) -> dict[int, str]:
        """Headings, lists and quotes within the text that were not taken for it, at places where only text stands."""
        texts = self._known.texts
        last = max((number for number, good in enumerate(kept) if good), default=-1)
        if last < 0 or not texts:
            return {}
        homes = {
            block.place.rpartition("/")[0] for block, good in zip(blocks, kept, strict=True) if good and is_prose(block)
        }
        given: dict[int, str] = {}
        inside = False
        for number, block in enumerate(blocks):
            inside = inside or kept[number]
            if kept[number] or not inside or number in judged or block.kind not in _GIVEN_KINDS:
                continue
            if number > last and number - 1 not in given and number - 1 != last:
                break
            lesson = texts.get(_digest_place(block.place))
            home = block.place.rpartition("/")[0]
            if lesson is None or block.link_share >= _GIVEN_LINKS or not ({home, home.rpartition("/")[0]} & homes):
                continue
            given[number] = f"stands where only text stands on {lesson.pages} of {lesson.of} pages of the site"
        return given


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """What memory takes out of a page's text."""

    taken: dict[int, str]  # by a block's number, why
    given: dict[int, str] = field(default_factory=dict)  # what it gives back that was not taken for text
    held: str = ""  # why it takes less than it would, or nothing


def learn(memory: Memory | None, pages: Iterable[Observed], now: datetime) -> Memory:
    """The memory with more pages: the newest of each article, the latest ``WINDOW`` of all.

    Args:
        memory: what was known before; None: nothing.
        pages: what was observed; in whatever order.
        now: when; pages that were seen long before are forgotten.
    """
    memory = memory or Memory()
    known = list(memory.pages)
    texts = dict(memory.texts)
    for page in pages:
        known.append(page.sketch)
        for mark, text in page.texts.items():
            texts[mark] = min(text, texts.get(mark, text))
    return _believe(memory, known, texts, now)


def join(memory: Memory | None, other: Memory, now: datetime) -> Memory:
    """The site's memory with what a run added to it."""
    memory = memory or Memory()
    texts = dict(memory.texts)
    for mark, text in other.texts.items():
        texts[mark] = min(text, texts.get(mark, text))
    joined = _believe(memory, [*memory.pages, *other.pages], texts, now)
    return joined.changed(site=other.site, run=max(memory.run, other.run))


def _believe(memory: Memory, known: Iterable[Sketch], texts: dict[str, str], now: datetime) -> Memory:
    latest: dict[str, Sketch] = {}
    for sketch in sorted(known, key=lambda sketch: (sketch.seen, sketch.blocks)):
        before = latest.get(sketch.article)
        latest[sketch.article] = sketch if before is None else _follow(before, sketch)
    pages = sorted(latest.values(), key=lambda sketch: (sketch.seen, sketch.article), reverse=True)[:WINDOW]
    young = sum(now - sketch.seen <= UNSEEN for sketch in pages)
    if young >= _ENOUGH:
        pages = pages[:young]
    rows = [_unpack(sketch) for sketch in pages]
    spread = Counter(words for row in rows for words in {token.words for token in row})
    told = sorted((mark for mark in texts if spread[mark] > 1), key=lambda mark: (-spread[mark], mark))[:_TEXTS]
    texts = {mark: texts[mark] for mark in sorted(told)}
    stories = pick_stories(pages, rows)
    lessons = _learn_designs([rows[number] for number in stories], texts, _find_turning(pages))
    return memory.changed(
        pages=tuple(pages),
        texts=texts,
        stories=len(stories),
        titles="".join(sorted({page.title for page in pages if page.title})),
        lessons=tuple(lessons),
    )


def _follow(before: Sketch, after: Sketch) -> Sketch:
    """A page's later sketch with what came and went since the one before it, and earlier."""
    old, new = _read_words(before), _read_words(after)
    came = [*(words for words in new if words not in old), *_split_digests(after.came), *_split_digests(before.came)]
    went = [*(words for words in old if words not in new), *_split_digests(after.went), *_split_digests(before.went)]
    again = after.again or before.again or after.seen != before.seen
    return after.model_copy(update={"again": again, "came": _join_digests(came), "went": _join_digests(went)})


def _read_words(sketch: Sketch) -> dict[str, None]:
    packed = sketch.blocks
    return {packed[at : at + 8]: None for at in range(0, len(packed) - _WIDTH + 1, _WIDTH)}


def _split_digests(packed: str) -> list[str]:
    return [packed[at : at + 8] for at in range(0, len(packed), 8)]


def _join_digests(marks: Iterable[str]) -> str:
    return "".join(islice(dict.fromkeys(marks), _TURNS))


_OWN_CHARACTERS: Final = 400  # of prose that another page has not: it is another story
_OWN_SHARE: Final = 0.5  # of a short page's prose
_OWN_LEAST: Final = 60


def pick_stories(pages: Sequence[Sketch], rows: Sequence[Sequence[_Token]]) -> list[int]:
    """Numbers of pages of which no two tell the same story; the longest first, and one of each story.

    Two pages tell the same story when one of them has too little prose that the other one has not.
    """
    prose = [{token.words: token.length * _STEP for token in row if token.prose} for row in rows]
    sizes = [sum(each.values()) for each in prose]
    order = sorted(range(len(pages)), key=lambda number: (-sizes[number], pages[number].article))
    chosen: list[int] = []
    for number in order:
        if sizes[number] and all(_differ(prose[number], prose[other]) for other in chosen):
            chosen.append(number)
    return sorted(chosen)


def _differ(one: dict[str, int], other: dict[str, int]) -> bool:
    for this, that in ((one, other), (other, one)):
        own = sum(length for words, length in this.items() if words not in that)
        whole = sum(this.values())
        if own < _OWN_CHARACTERS and (own < _OWN_LEAST or own < _OWN_SHARE * whole):
            return False
    return True


# --- lessons --------------------------------------------------------------------------------------------

_MOST: Final = 0.5  # of all stories: what so many have, outside of the text, is furniture
_STEADY: Final = 0.9
_SOME: Final = 0.4
_SLOT: Final = 0.6  # of all stories have something that recurs at a place
_HEAD_LINES: Final = 8
_BOX_LINES: Final = 8
_BOX_MOST: Final = 12  # blocks of a box behind which a text may go on
_CREDIT_CHARACTERS: Final = 80
_FOLLOWED: Final = 0.05
_HEADS: Final = 0.8  # of the headings of a place stand before text: lists, tables and quotes follow the others
_PURE: Final = 0.75  # of the blocks of a place are stories' own: what recurs there belongs to the text
_SURE_TEXT: Final = 0.97
_TOP: Final = 20
_PARTS: Final = 20  # of a text: how exactly it is told how far down a block stands
_LAST_PART: Final = 17
_RULE: Final = 0.8  # of all stories: what so many have at one place is furniture, even where it looks like a heading
_LEAST_INSIDE: Final = 5
_LEAST_PROSE: Final = 8
_FULL: Final = 0.85
_RESUMED_CHARACTERS: Final = 120  # of a story's own sentences behind a block: the text goes on there
_NEWEST: Final = 8  # pages that show how the site is built now
_DESIGN_PAGES: Final = 12  # built alike, that teach by themselves
_TURNS_WHY: Final = "comes and goes on pages that were captured again"
_BEHIND: Final = 0.25  # of the stories with a block have it behind the end of the text, too


@dataclass(kw_only=True, slots=True)
class _Story:
    """A story as a row of blocks, with where its own prose stands."""

    row: list[_Token]
    before: list[int]  # for each block: so much of the story's own prose stands before it
    whole: int  # all of it
    first: dict[str, int]  # words -> number of the first block with them
    end: int  # the text ends before this block, as far as is known
    paragraphs: list[int]  # for each block: so many blocks of prose stand before it

    def after(self, number: int) -> int:
        return self.whole - self.before[number] - (self.row[number].length if self.own(number) else 0)

    def own(self, number: int) -> bool:
        following = self.before[number + 1] if number + 1 < len(self.before) else self.whole
        return following > self.before[number]


def _tell_story(row: list[_Token], own: set[str], end: int | None = None) -> _Story:
    before: list[int] = []
    paragraphs: list[int] = []
    whole = prose = 0
    first: dict[str, int] = {}
    end = len(row) if end is None else end
    for number, token in enumerate(row):
        before.append(whole)
        paragraphs.append(prose)
        prose += token.prose
        first.setdefault(token.words, number)
        if token.words in own and number < end:
            whole += token.length
    return _Story(row=row, before=before, whole=whole, first=first, end=end, paragraphs=paragraphs)


def _learn_designs(rows: Sequence[list[_Token]], texts: dict[str, str], turning: Mapping[str, int]) -> list[Lesson]:
    """Lessons of the site's pages, newest first: where it was built anew, of the new pages and the old ones apart.

    What most of the new pages have is few among all, and what stood at a place of the old ones does no more. Old
    pages are read again, too: what was learned of them stands where the new ones do not say otherwise.
    """
    new, old = _part_designs(rows)
    lessons = _find_lessons(new, texts, turning)
    if old:
        known = {lesson.mark for lesson in lessons}
        before = (lesson for lesson in _find_lessons(old, texts) if lesson.kind not in {"line", "start"})
        lessons += [lesson for lesson in before if lesson.mark not in known]
    return lessons[:_LESSONS]


def _part_designs(rows: Sequence[list[_Token]]) -> tuple[list[list[_Token]], list[list[_Token]]]:
    """Pages with the places of the newest ones, and those without; all and none where either are few."""
    places = [{token.place for token in row} for row in rows]
    newest = Counter(place for each in places[:_NEWEST] for place in each)
    marks = {place for place, number in newest.items() if 2 * number >= _NEWEST}
    alike = [2 * len(marks & each) >= len(marks) for each in places]
    if min(sum(alike), len(rows) - sum(alike)) < _DESIGN_PAGES:
        return list(rows), []
    new = [row for row, same in zip(rows, alike, strict=True) if same]
    return new, [row for row, same in zip(rows, alike, strict=True) if not same]


_NO_TURNS: Final[Mapping[str, int]] = {}


def _find_turning(pages: Iterable[Sketch]) -> dict[str, int]:
    """Words of blocks that come and go on pages that are captured again, and seldom stay: adverts, promotions.

    A line of law stays where it stands. On how many pages each came or went.
    """
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    turned: Counter[str] = Counter()
    stayed: Counter[str] = Counter()
    for page in pages:
        if page.again:
            here, gone = set(_split_digests(page.came)), set(_split_digests(page.went))
            came.update(here)
            went.update(gone)
            turned.update(here | gone)
            stayed.update(_read_words(page).keys() - here - gone)
    return {
        words: turned[words]
        for words in sorted(turned)
        # What only goes, or only comes, may be what an editor puts right on two pages of a day.
        if turned[words] > stayed[words] and turned[words] >= (FEWEST - 1 if came[words] and went[words] else FEWEST)
    }


def _find_lessons(
    rows: Sequence[list[_Token]], texts: dict[str, str], turning: Mapping[str, int] = _NO_TURNS
) -> list[Lesson]:
    count = len(rows)
    if count < FEWEST:
        return []
    spread = Counter(words for row in rows for words in {token.words for token in row})
    tokens = {token.words: token for row in rows for token in row}
    rare = 1 if count < 8 else 2
    own = {words for words, token in tokens.items() if token.prose and spread[words] <= rare}
    stories = [_tell_story(row, own) for row in rows]
    stories = [story for story in stories if story.whole]
    count = len(stories)
    if count < FEWEST:
        return []
    least = count if count < 5 else 3
    common = {words: number for words, number in spread.items() if number >= least and not tokens[words].traits & _BARE}
    pure = _find_pure_places([story.row for story in stories], own)
    ends = _find_ends(stories, tokens, common, pure)
    stories = [_cut(story, own, ends) for story in stories]
    found = [
        Lesson(kind="end", mark=words, zone="below", pages=pages, of=count, why=why, text=texts.get(words, ""))
        for words, (pages, why) in sorted(ends.items())
    ]
    found += [
        Lesson(
            kind="block",
            mark=words,
            zone="inside",
            pages=min(times, count),
            of=count,
            why=_TURNS_WHY,
            text=texts.get(words, ""),
        )
        for words, times in sorted(turning.items())
        if words not in ends
    ]
    found += [each for each in _judge_common(stories, tokens, common, pure, texts) if each.mark not in turning]
    furniture = {lesson.mark for lesson in found if lesson.kind in {"block", "end"}}
    found += _find_places(stories, spread, furniture, texts)
    found += _find_lines(stories, furniture)
    found += _find_leads(stories, texts)
    steady = {lesson.mark for lesson in found if lesson.kind == "block" and lesson.pages >= _SOME * count}
    found += _find_boxes(stories, steady, texts)
    found += _find_pairs(stories, furniture, texts)
    found += _find_starts(stories, steady, texts)
    found += _find_text_places(stories, furniture, pure, texts)
    order = {
        "end": 0,
        "place": 1,
        "line": 2,
        "lead": 2,
        "box": 2,
        "pair": 2,
        "text": 2,
        "start": 2,
        "block": 3,
        "kept": 4,
    }
    found.sort(key=lambda lesson: (order[lesson.kind], -lesson.pages, lesson.mark))
    return found[:_LESSONS]


def _cut(story: _Story, own: set[str], ends: dict[str, tuple[int, str]]) -> _Story:
    """The story with its text ending where an end begins that has little behind it."""
    for number, token in enumerate(story.row):
        if token.words in ends and 4 * story.after(number) <= story.whole:
            return _tell_story(story.row, own, number)
    return story


def _find_ends(
    stories: Sequence[_Story], tokens: dict[str, _Token], common: dict[str, int], pure: set[str]
) -> dict[str, tuple[int, str]]:
    """Blocks after which no text follows: with how many stories, and why."""
    count = len(stories)
    having: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in common:
                having[words].append((story, number))
    steady = {words for words, seen in having.items() if len(seen) >= _SOME * count}
    ends: dict[str, tuple[int, str]] = {}
    for words in sorted(having):
        seen = having[words]
        token = tokens[words]
        share = len(seen) / count
        if len(seen) < FEWEST or share < (0.1 if token.called else _SOME):
            continue
        if sum(_is_followed(story.row, number, pure) for story, number in seen) > _FOLLOWED * len(seen):
            continue
        clean = sum(not story.after(number) and story.before[number] > 0 for story, number in seen)
        if clean >= _STEADY * len(seen):
            ends[words] = (len(seen), "no text of its own follows on any page")
        elif share >= _MOST and len(seen) >= 8 and _is_cadence(seen):
            if sum(_is_resumed(story, number, steady) for story, number in seen) > _BEHIND * len(seen):
                continue
            ends[words] = (len(seen), "links or lines of one pattern follow on every page")
    return ends


def _is_followed(row: Sequence[_Token], number: int, pure: Container[str]) -> bool:
    """Whether sentences follow a block at a place where only text stands."""
    return any(token.prose and token.place in pure for token in row[number + 1 :])


def _is_resumed(story: _Story, number: int, steady: Container[str]) -> bool:
    """Whether a story's own sentences go on behind a block and its links, at some length, before other furniture."""
    own = passed = 0
    for at in range(number + 1, len(story.row)):
        token = story.row[at]
        if story.own(at):
            own += token.length
        elif own and (token.traits & _LINK or token.words in steady):
            break
        else:
            passed += 1
            if passed > _BOX_MOST:
                break
    return own * _STEP >= _RESUMED_CHARACTERS


def _is_cadence(seen: Sequence[tuple[_Story, int]]) -> bool:
    """Whether what follows a block is of one pattern on all pages: so many blocks, or links, and little text."""
    counts: Counter[int] = Counter()
    linked = small = 0
    for story, number in seen:
        tail = story.row[number + 1 :]
        counts[len(tail)] += 1
        links = sum(bool(token.traits & _LINK) for token in tail)
        linked += bool(tail) and 3 * links >= len(tail)
        small += 3 * story.after(number) <= story.whole and story.before[number] > 0
    enough = _STEADY * len(seen)
    return small >= enough and (linked >= enough or (counts.most_common(1)[0][1] >= enough and len(seen) >= 12))


def _zone_of(seen: Sequence[tuple[_Story, int]]) -> Zone:
    above = sum(not story.before[number] for story, number in seen)
    below = sum(not story.after(number) for story, number in seen)
    if above >= _STEADY * len(seen):
        return "above"
    return "below" if below >= _STEADY * len(seen) else "inside"


def _judge_common(  # noqa: C901, PLR0912 - one branch per reason reads best
    stories: Sequence[_Story],
    tokens: dict[str, _Token],
    common: dict[str, int],
    pure: set[str],
    texts: dict[str, str],
) -> list[Lesson]:
    """A lesson for every block that recurs: it is left out, or kept all the same."""
    count = len(stories)
    having: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in common:
                having[words].append((story, number))
    behind = Counter(
        words for story in stories for words in {token.words for token in story.row[story.end :]} & common.keys()
    )
    slots = _find_slots(stories, {words for words, number in common.items() if number < _RULE * count})
    found: list[Lesson] = []
    for words in sorted(having):
        seen, token = having[words], tokens[words]
        if len(seen) < FEWEST:
            continue
        zone, share = _zone_of(seen), len(seen) / count
        why = ""
        if token.place in pure and share < _MOST and not token.called:
            why = ""
        elif zone == "inside" and not token.prose and not token.leading and _stands_above(seen):
            why = "stands above the text on many pages"
        elif zone == "inside" and behind[words] < max(FEWEST, _BEHIND * len(seen)):
            why = _judge_inside(seen, token, count, slots, common)
        elif zone == "below" and sum(story.end <= number for story, number in seen) >= _STEADY * len(seen):
            why = "always behind the end of the text"
        elif behind[words] >= max(FEWEST, _BEHIND * len(seen)):
            why = "stands behind the end of the text on many pages"
        elif share >= _MOST:
            why = "most pages have it outside of the text"
        elif token.called and not token.leading and len(seen) >= FEWEST:
            why = "a call or a link outside of the text"
        elif zone == "above" and not token.prose and _in_slot(seen, slots, top=True):
            why = "most pages have something of the kind there"
        found.append(
            Lesson(
                kind="block" if why else "kept",
                mark=words,
                zone=zone,
                pages=len(seen),
                of=count,
                text=texts.get(words, ""),
                why=why,
            )
        )
    return found


def _find_pure_places(rows: Sequence[Sequence[_Token]], own: set[str]) -> set[str]:
    """Places of the markup where nearly only stories' own text stands, and those of headings that lead in such text.

    There are some where a site marks its furniture as such, and none where all stands in one element.
    """
    pages: Counter[str] = Counter()
    blocks: Counter[str] = Counter()
    prose: Counter[str] = Counter()
    for row in rows:
        pages.update({token.place for token in row})
        for token in row:
            blocks[token.place] += 1
            prose[token.place] += token.words in own
    enough = max(FEWEST, _SOME * len(rows))
    pure = {place for place in pages if pages[place] >= enough and prose[place] >= _PURE * blocks[place]}
    if not pure:
        return set()
    heads: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        for token, following in pairwise(row):
            if token.traits & _HEADING:
                heads[token.place] += 1
                right[token.place] += following.place in pure
    return pure | {place for place in heads if heads[place] >= FEWEST and right[place] >= _HEADS * blocks[place] > 0}


def _stands_above(seen: Sequence[tuple[_Story, int]]) -> bool:
    """Whether a line that also stands in texts stands above them on many pages, as who took a picture does."""
    above = sum(not story.before[number] for story, number in seen)
    return above >= max(FEWEST, _BEHIND * len(seen))


def _judge_inside(
    seen: Sequence[tuple[_Story, int]], token: _Token, count: int, slots: _Slots, common: Container[str]
) -> str:
    """Why a block between a story's own sentences is no part of it; empty text: it is one."""
    if token.called and len(seen) >= _LEAST_INSIDE:
        return "a call or a link that recurs"
    if count < 8 or (token.leading and len(seen) < _RULE * count):
        return ""
    if len(seen) >= _RULE * count:
        return "nearly all pages have it at the same place" if _is_fixed(seen) else ""
    if not _in_slot(seen, slots) or _leads_in(seen, common):
        return ""
    return "most pages have something that recurs at this very place"


def _leads_in(seen: Sequence[tuple[_Story, int]], common: Container[str]) -> bool:
    """Whether a line that is no sentence has sentences behind it that recur with it: "Notes to editors"."""
    followed = 0
    for story, number in seen:
        after = story.row[number + 1] if number + 1 < len(story.row) else None
        followed += after is not None and after.prose and not after.called and after.words in common
    return not seen[0][0].row[seen[0][1]].prose and followed >= _SLOT * len(seen)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slots:
    """Places at which most stories have a block that recurs."""

    top: frozenset[int]  # so many blocks stand before it on the page
    text: frozenset[int]  # so many paragraphs
    parts: frozenset[int]  # such a part of the text's paragraphs, in twentieths
    full: frozenset[int]  # as ``text``, on nearly all pages


def _find_slots(stories: Sequence[_Story], common: set[str]) -> _Slots:
    top: Counter[int] = Counter()
    text: Counter[int] = Counter()
    parts: Counter[int] = Counter()
    for story in stories:
        at: set[int] = set()
        for number, token in enumerate(story.row[: story.end]):
            if token.words in common:
                top[number] += 1
                at.add(story.paragraphs[number])
        # A paragraph more or less before it is the same place: a line that leads in, an introduction.
        text.update({place for paragraph in at for place in (paragraph, paragraph - 1)})
        parts.update({part for paragraph in at for part in _parts_of(paragraph, story)})
    enough = _SLOT * len(stories)
    full = _FULL * len(stories)
    return _Slots(
        top=frozenset(number for number, times in top.items() if times >= enough and number < _TOP),
        text=frozenset(number for number, times in text.items() if times >= enough and number > 0),
        parts=frozenset(part for part, times in parts.items() if times >= enough),
        full=frozenset(number for number, times in text.items() if times >= full and number > 0),
    )


def _parts_of(paragraph: int, story: _Story) -> range:
    """How far down the text a place is, in twentieths: all that it may be, give or take a paragraph."""
    whole = story.paragraphs[story.end - 1] + 1
    low, high = _PARTS * (paragraph - 1) // whole, -(-_PARTS * (paragraph + 1) // whole)
    return range(max(1, low), min(_PARTS, high + 1))


def _is_fixed(seen: Sequence[tuple[_Story, int]]) -> bool:
    """Whether a block stands at one place of all stories, counted from the text's top or as a part of it."""
    enough = _STEADY * len(seen)
    places = Counter(story.paragraphs[number] for story, number in seen)
    parts = Counter(part for story, number in seen for part in _parts_of(story.paragraphs[number], story))
    return (
        any(places[place] + places[place + 1] >= enough for place in places) or max(parts.values(), default=0) >= enough
    )


def _in_slot(seen: Sequence[tuple[_Story, int]], slots: _Slots, *, top: bool = False) -> bool:
    """Whether a block stands, wherever it stands, at one of the places at which most stories have one that recurs."""
    enough = _STEADY * len(seen)
    if top:
        return sum(number in slots.top for _, number in seen) >= enough
    places = Counter(story.paragraphs[number] for story, number in seen)
    # Few stand at one place by chance, too, and few sentences rather belong to the text.
    prose = seen[0][0].row[seen[0][1]].prose
    few = len(seen) < (_LEAST_PROSE if prose else _LEAST_INSIDE)
    if any(places[place] + places[place + 1] >= enough for place in sorted(slots.full if few or prose else slots.text)):
        return True
    if few:
        return False
    if sum(story.paragraphs[story.end - 1] for story, _ in seen) < 7 * len(seen):
        return False  # in a short text every place is half-way
    parts = Counter(part for story, number in seen for part in _parts_of(story.paragraphs[number], story))
    # At the very end of texts stand legal lines and the like, by turns, too.
    last = _LAST_PART if prose else _PARTS
    return any(parts[part] >= enough for part in sorted(slots.parts) if part <= last)


def _find_places(
    stories: Sequence[_Story], spread: Counter[str], furniture: set[str], texts: dict[str, str]
) -> list[Lesson]:
    """Places of the markup at which furniture stands, whatever it says today."""
    count = len(stories)
    pages: Counter[str] = Counter()
    blocks: Counter[str] = Counter()
    known: Counter[str] = Counter()
    again: Counter[str] = Counter()
    own: Counter[str] = Counter()
    zones: dict[str, Counter[Zone]] = defaultdict(Counter)
    example: dict[str, tuple[int, str]] = {}
    for story in stories:
        for place in {token.place for token in story.row}:
            pages[place] += 1
        for number, token in enumerate(story.row):
            blocks[token.place] += 1
            known[token.place] += token.words in furniture
            again[token.place] += spread[token.words] >= FEWEST and not token.leading
            own[token.place] += story.own(number) or (token.prose and spread[token.words] <= 2)
            zones[token.place][_zone_of([(story, number)])] += 1
            best = (-spread[token.words], token.words)
            example[token.place] = min(example.get(token.place, best), best)
    found: list[Lesson] = []
    for place in sorted(pages):
        if pages[place] < max(_LEAST_INSIDE, 0.2 * count):
            continue
        zone: Zone = max(("inside", "above", "below"), key=lambda name: zones[place][name])
        why = ""
        if known[place] >= 0.8 * blocks[place] and own[place] <= 0.1 * blocks[place]:
            why = "nearly all that stands there recurs"
        elif again[place] >= 0.8 * blocks[place] and not own[place] and pages[place] >= max(8, _MOST * count):
            why = "all that stands there recurs"
        elif (
            not own[place]
            and zone != "inside"
            and zones[place][zone] >= 0.95 * blocks[place]
            and pages[place] >= max(8, _MOST * count)
        ):
            why = "no text of a story ever stands there"
        if why:
            text = texts.get(example[place][1], "")
            found.append(Lesson(kind="place", mark=place, zone=zone, pages=pages[place], of=count, text=text, why=why))
    return found


def _find_lines(stories: Sequence[_Story], furniture: set[str]) -> list[Lesson]:
    """Lines at the top of the page at which hardly any page has a sentence: headline, caption, date."""
    count = len(stories)
    if count < 8:
        return []
    lines: Counter[int] = Counter()
    for story in stories:
        for position, token in _head_lines(story.row, furniture):
            lines[position] += _is_line(token)
    return [
        Lesson(
            kind="line", mark=str(position), zone="above", pages=times, of=count, why="hardly any page has text there"
        )
        for position, times in sorted(lines.items())
        if times >= _STEADY * count
    ]


def _find_leads(stories: Sequence[_Story], texts: dict[str, str]) -> list[Lesson]:
    """Beginnings of lines that say of them what they are, always outside of the text: "Tags: …", "Filed under: …"."""
    count = len(stories)
    seen: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for lead, number in {token.lead: number for number, token in enumerate(story.row)}.items():
            if lead != _NO_LEAD:
                seen[lead].append((story, number))
    found: list[Lesson] = []
    for lead in sorted(seen):
        lines = seen[lead]
        zone = _zone_of(lines)
        bare = sum(not story.row[number].prose for story, number in lines)
        if lead[0] == _FIRST_WORD:
            # One word is little: only above the text, as "By" is, and where what follows it changes.
            others = {story.row[number].words for story, number in lines}
            if zone != "above" or len(others) < FEWEST:
                continue
        if len(lines) < max(_LEAST_INSIDE, _SOME * count) or bare < _STEADY * len(lines) or zone == "inside":
            continue
        text = min(
            (texts.get(story.row[number].words, "") for story, number in lines), key=lambda said: (not said, said)
        )
        why = "most pages have such a line outside of the text"
        found.append(Lesson(kind="lead", mark=lead, zone=zone, pages=len(lines), of=count, text=text, why=why))
    return found


def _find_boxes(stories: Sequence[_Story], furniture: set[str], texts: dict[str, str]) -> list[Lesson]:
    """Furniture that always leads in a few lines which other furniture follows: "Events", "Fair 3 May, Leeds", "All".

    The lines change, and none is a sentence. A heading of the text has sentences behind it, if not a list.
    """
    count = len(stories)
    seen: dict[str, list[tuple[_Story, int, bool]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in furniture and number < story.end:
                seen[words].append((story, number, bool(_box_lines(story.row, number, furniture))))
    found: list[Lesson] = []
    for words in sorted(seen):
        boxed = sum(closed for _, _, closed in seen[words])
        if boxed < max(8, _SOME * count) or boxed < _STEADY * len(seen[words]):
            continue
        zone = _zone_of([(story, number) for story, number, _ in seen[words]])
        why = "lines that are no sentences always stand between it and the next known one"
        text = texts.get(words, "")
        found.append(Lesson(kind="box", mark=words, zone=zone, pages=boxed, of=count, text=text, why=why))
    return found


def _find_starts(stories: Sequence[_Story], steady: set[str], texts: dict[str, str]) -> list[Lesson]:
    """Furniture of nearly all pages before which none of them has a sentence of its own."""
    count = len(stories)
    seen: Counter[str] = Counter()
    clean: Counter[str] = Counter()
    for story in stories:
        for words, number in story.first.items():
            if words in steady:
                seen[words] += 1
                clean[words] += not story.before[number]
    why = "no page has a sentence of its own before it"
    return [
        Lesson(kind="start", mark=words, zone="above", pages=seen[words], of=count, text=texts.get(words, ""), why=why)
        for words in sorted(seen)
        if count >= 8 and seen[words] >= _FULL * count and clean[words] >= _SURE_TEXT * seen[words]
    ]


def _find_text_places(
    stories: Sequence[_Story], furniture: set[str], pure: set[str], texts: dict[str, str]
) -> list[Lesson]:
    """Places of the markup that only stand between a story's own sentences, and have no furniture: headings, lists."""
    pages: Counter[str] = Counter()
    blocks: Counter[str] = Counter()
    right: Counter[str] = Counter()
    example: dict[str, str] = {}
    for story in stories:
        pages.update({token.place for token in story.row})
        for number, token in enumerate(story.row):
            blocks[token.place] += 1
            right[token.place] += bool(
                story.before[number]
                and number < story.end
                and token.words not in furniture
                and not token.traits & (_LINK | _CALL)
            )
            example[token.place] = min(example.get(token.place, token.words), token.words)
    why = "it is always between sentences of the page's own, and is no furniture"
    return [
        Lesson(
            kind="text",
            mark=place,
            zone="inside",
            pages=pages[place],
            of=len(stories),
            text=texts.get(example[place], ""),
            why=why,
        )
        for place in sorted(pages)
        if place in pure or (pages[place] >= FEWEST and right[place] >= _SURE_TEXT * blocks[place])
    ]


def _find_pairs(stories: Sequence[_Story], furniture: set[str], texts: dict[str, str]) -> list[Lesson]:
    """Lines that always have a line of the page's own before them, above and inside the text: credits of pictures."""
    seen: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for number, token in enumerate(story.row[: story.end]):
            credit = token.words in furniture and not (token.prose or token.leading or token.traits & _LINK)
            if number and credit and token.length * _STEP <= _CREDIT_CHARACTERS:
                seen[token.words].append((story, number))
    found: list[Lesson] = []
    for words in sorted(seen):
        where = seen[words]
        pages = len({id(story) for story, _ in where})
        lines = [story.row[number - 1] for story, number in where]
        paired = sum(_is_line(line) and line.words not in furniture for line in lines)
        if len({line.words for line in lines}) < _SLOT * len(lines):
            continue  # one line always stands there
        if pages < _LEAST_INSIDE or paired < _STEADY * len(where) or not _stands_above(where):
            continue
        text, why = texts.get(words, ""), "a line of the page's own always stands before it, as a caption does"
        zone = _zone_of(where)
        found.append(Lesson(kind="pair", mark=words, zone=zone, pages=pages, of=len(stories), text=text, why=why))
    return found


def _box_lines(row: Sequence[_Token], number: int, furniture: set[str] | frozenset[str]) -> range:
    """Numbers of the lines between a known block and the next one that is known; empty: they are no box's."""
    for at in range(number + 1, min(len(row), number + 2 + _BOX_LINES)):
        token = row[at]
        if token.words in furniture:
            return range(number + 1, at)
        if token.prose or token.length * _STEP > _LINE_CHARACTERS:
            break
    return range(0)


def _head_lines(row: Sequence[_Token], furniture: set[str] | frozenset[str]) -> Iterator[tuple[int, _Token]]:
    position = 0
    for token in row:
        if token.words in furniture:
            continue
        if position == _HEAD_LINES:
            return
        yield position, token
        position += 1


def _is_line(token: _Token) -> bool:
    return not token.prose and not token.traits & (_HEADING | _LEADS) and token.length * _STEP <= 160


# --- judging --------------------------------------------------------------------------------------------

_TAIL_SHARE: Final = 0.15  # of a page's prose that may follow an end on it


class _Known:
    """Lessons, laid out for judging pages."""

    def __init__(self, lessons: Iterable[Lesson]) -> None:
        self.blocks: dict[str, Lesson] = {}
        self.ends: dict[str, Lesson] = {}
        self.places: dict[str, Lesson] = {}
        self.kept: set[str] = set()
        self.lines: dict[int, Lesson] = {}
        self.leads: dict[str, Lesson] = {}
        self.boxes: dict[str, Lesson] = {}
        self.pairs: dict[str, Lesson] = {}
        self.texts: dict[str, Lesson] = {}
        self.starts: dict[str, Lesson] = {}
        for lesson in lessons:
            match lesson.kind:
                case "block":
                    self.blocks[lesson.mark] = lesson
                case "end":
                    self.ends[lesson.mark] = lesson
                case "place":
                    self.places[lesson.mark] = lesson
                case "lead":
                    self.leads[lesson.mark] = lesson
                case "line":
                    self.lines[int(lesson.mark)] = lesson
                case "box":
                    self.boxes[lesson.mark] = lesson
                case "pair":
                    self.pairs[lesson.mark] = lesson
                case "text":
                    self.texts[lesson.mark] = lesson
                case "start":
                    self.starts[lesson.mark] = lesson
                case _:
                    self.kept.add(lesson.mark)
        self.furniture = frozenset(self.blocks.keys() | self.ends.keys())
        self.steady = frozenset(mark for mark, lesson in self.blocks.items() if lesson.pages >= _SOME * lesson.of)

    def judge(self, row: Sequence[_Token]) -> dict[int, Judgement]:
        """Which blocks of a page are furniture, by their numbers."""
        before, whole = [], 0
        for token in row:
            before.append(whole)
            whole += token.length if self._is_text(token) else 0
        found: dict[int, Judgement] = {}
        for number, token in enumerate(row):
            lesson = self.blocks.get(token.words)
            if lesson is not None and self._stands_as_learned(lesson, token, before[number], whole):
                found[number] = _judgement(lesson, sure=True)
            elif (
                (lesson := self.places.get(token.place)) is not None
                and token.words not in self.kept
                and not self._heads_text(row, number, before[number])
            ) or (
                (lesson := self.leads.get(token.lead)) is not None
                and self._leads_in(lesson, token, before[number], whole)
            ):
                found[number] = _judgement(lesson, sure=False)
        self._judge_neighbours(row, before, whole, found)
        found = {number: each for number, each in found.items() if each.sure or not self._is_safe(row[number])}
        end = next(
            (
                n
                for n, t in enumerate(row)
                if t.words in self.ends
                and whole - before[n] <= _TAIL_SHARE * whole
                and not any(self._is_safe(after) and after.words not in self.blocks for after in row[n + 1 :])
            ),
            None,
        )
        if end is not None and before[end]:
            lesson = self.ends[row[end].words]
            for number in range(end + 1, len(row)):
                if number not in found and row[number].words not in self.kept:
                    found[number] = _judgement(lesson, sure=False)
        numbers = {id(token): number for number, token in enumerate(row[:_FIRST])}
        for position, token in _head_lines(row, self.furniture):
            known, place = self.lines.get(position), numbers.get(id(token))
            if known is None or place is None or before[place]:
                continue
            if _is_line(token) and token.words not in self.kept:
                found.setdefault(place, _judgement(known, sure=False))
        return found

    def _judge_neighbours(
        self, row: Sequence[_Token], before: Sequence[int], whole: int, found: dict[int, Judgement]
    ) -> None:
        """Add what belongs to known blocks: what stands before the text, lines of boxes, captions before credits."""
        start = max((n for n, token in enumerate(row) if token.words in self.starts and not before[n]), default=0)
        for number, token in enumerate(row[:start]):
            if _is_line(token) and token.words not in self.kept:
                found.setdefault(number, _judgement(self.starts[row[start].words], sure=False))
        for number, token in enumerate(row):
            if number not in found:
                continue
            if token.words in self.boxes:
                for line in _box_lines(row, number, self.steady):
                    found.setdefault(line, _judgement(self.boxes[token.words], sure=False))
            if token.words in self.ends and before[number] and 2 * before[number] >= whole:
                for line in self._lines_below(row, number):
                    found.setdefault(line, _judgement(self.ends[token.words], sure=False))
            pair = self.pairs.get(token.words)
            if pair is None or not number or (pair.zone == "above" and before[number]):
                continue
            if _is_line(row[number - 1]):
                found.setdefault(number - 1, _judgement(pair, sure=False))

    def _lines_below(self, row: Sequence[_Token], number: int) -> range:
        """Numbers of the short lines, sentences too, between an end and the next block that stands below all texts."""
        for at in range(number + 1, min(len(row), number + 2 + _BOX_LINES)):
            token = row[at]
            lesson = self.ends.get(token.words) or self.blocks.get(token.words)
            if lesson is not None and lesson.zone == "below" and lesson.pages >= _SOME * lesson.of:
                return range(number + 1, at)
            if token.words in self.kept or token.length * _STEP > _LINE_CHARACTERS:
                break
        return range(0)

    def _is_text(self, token: _Token) -> bool:
        return token.prose and token.words not in self.furniture and token.place not in self.places

    def _heads_text(self, row: Sequence[_Token], number: int, before: int) -> bool:
        """Whether a heading stands between a page's own sentences, where headings of boxes stand, too."""
        after = row[number + 1] if number + 1 < len(row) else None
        return bool(before and row[number].traits & _HEADING and after is not None and self._is_text(after))

    def _is_safe(self, token: _Token) -> bool:
        """Whether a sentence stands where only text stands."""
        return token.prose and token.place in self.texts

    def _leads_in(self, lesson: Lesson, token: _Token, before: int, whole: int) -> bool:
        """Whether a line that begins like others which are furniture stands on their side of the text."""
        if token.prose or token.traits & _HEADING:
            return False
        return not before if lesson.zone == "above" else 2 * before >= whole

    def _stands_as_learned(self, lesson: Lesson, token: _Token, before: int, whole: int) -> bool:
        """Whether a block stands on this page where it was learned; one that is no prose may stand anywhere."""
        if not token.prose or lesson.zone == "inside" or token.called:
            return True
        return 2 * before <= whole if lesson.zone == "above" else 2 * before >= whole


def _judgement(lesson: Lesson, *, sure: bool) -> Judgement:  # noqa: PLR0911 - one return per kind reads best
    where = {"above": "above", "inside": "inside", "below": "below"}[lesson.zone]
    on = f"{lesson.pages} of {lesson.of} pages of the site"
    match lesson.kind:
        case "block":
            return Judgement(why=f"recurs on {on}, {where} the text", sure=sure)
        case "end":
            return Judgement(why=f'follows "{lesson.text}", after which no text stands on {on}', sure=sure)
        case "place":
            return Judgement(why=f"stands where furniture stands on {on}", sure=sure)
        case "box":
            return Judgement(why=f'follows "{lesson.text}" as such lines do on {on}', sure=sure)
        case "start":
            return Judgement(why=f'stands before "{lesson.text}", before which no text stands on {on}', sure=sure)
        case "pair":
            return Judgement(why=f'stands before "{lesson.text}" as such lines do on {on}', sure=sure)
        case "lead":
            return Judgement(why=f"begins as a line does on {on}, {where} the text", sure=sure)
        case _:
            return Judgement(why=f"stands where no text stands on {on}", sure=sure)
