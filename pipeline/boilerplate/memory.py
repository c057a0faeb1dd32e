"""The site's memory as it is kept: the sketches of its latest pages, and the lessons that are worked out of them.

Pure: it reads and writes nothing; `pipeline.steps` keeps its documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import Field

from pipeline.boilerplate.judging import Judgement, Known
from pipeline.boilerplate.lessons import Lesson, find_turning, learn_designs
from pipeline.boilerplate.sketches import (
    STEP,
    BlockLike,
    Observed,
    Sketch,
    Token,
    digest_place,
    digest_text,
    follow_page,
    is_prose,
    name_titles,
    pick_blocks,
    read_tokens,
    unpack_sketch,
)
from pipeline.model import Document

WINDOW: Final = 240
"""Latest pages that are remembered."""
UNSEEN: Final = timedelta(days=180)
"""Older pages are forgotten, where enough younger ones are known."""

LEFT_SHARE: Final = 0.25
LEFT_CHARACTERS: Final = 200
"""So much of a page's text is left, or memory takes nothing."""

_GIVEN_KINDS: Final = frozenset({"heading", "item", "quote"})
_GIVEN_LINKS: Final = 0.3
_ENOUGH: Final = 30  # younger pages, for older ones to be forgotten
_TEXTS: Final = 600  # blocks whose words are kept


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
        places = sum(
            lesson.kind in {"place", "end", "line", "lead", "box", "pair", "start", "card", "tail"}
            for lesson in self.lessons
        )
        return f"{left} repeated blocks and {places} places are left out, {kept} repeated blocks belong to the text"

    def describe(self) -> list[str]:
        """What was learned, in words, a line for each lesson."""
        return [lesson.describe() for lesson in self.lessons]

    def of_run(self, site: str, run: str, observed: Iterable[Observed]) -> Memory:
        """What is kept with a run: the lessons, and what its own pages added; the memory can be rebuilt of it."""
        pages = sorted((page.sketch for page in observed), key=lambda sketch: (sketch.seen, sketch.article))
        marks = {token.words for sketch in pages for token in unpack_sketch(sketch)}
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
        marks = sorted(f"{lesson.kind} {lesson.mark} {lesson.zone} {lesson.size}" for lesson in self.lessons)
        return digest_text("\n".join([*marks, self.titles]), 12)

    @cached_property
    def _known(self) -> Known:
        return Known(self.lessons)

    def judge_page(self, blocks: Sequence[BlockLike]) -> dict[int, Judgement]:
        """Which blocks of a page are furniture.

        Args:
            blocks: all visible blocks of the page, in its order.

        Returns:
            By a block's number, why. What share of a page may go is for the caller to bound.
        """
        if not (self.lessons or self.titles) or not blocks:
            return {}
        picked = pick_blocks(blocks)
        found = self._known.judge(read_tokens(blocks, picked))
        judged = {picked[number]: judgement for number, judgement in found.items()}
        for number in picked:
            if number not in judged and any(mark in self._titles for mark in name_titles(blocks[number].text)):
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
            lesson = texts.get(digest_place(block.place))
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
        latest[sketch.article] = sketch if before is None else follow_page(before, sketch)
    pages = sorted(latest.values(), key=lambda sketch: (sketch.seen, sketch.article), reverse=True)[:WINDOW]
    young = sum(now - sketch.seen <= UNSEEN for sketch in pages)
    if young >= _ENOUGH:
        pages = pages[:young]
    rows = [unpack_sketch(sketch) for sketch in pages]
    spread = Counter(words for row in rows for words in {token.words for token in row})
    told = sorted((mark for mark in texts if spread[mark] > 1), key=lambda mark: (-spread[mark], mark))[:_TEXTS]
    texts = {mark: texts[mark] for mark in sorted(told)}
    stories = pick_stories(pages, rows)
    lessons = learn_designs([rows[number] for number in stories], texts, find_turning(pages))
    return memory.changed(
        pages=tuple(pages),
        texts=texts,
        stories=len(stories),
        titles="".join(sorted({page.title for page in pages if page.title})),
        lessons=tuple(lessons),
    )


_OWN_CHARACTERS: Final = 400  # of prose that another page has not: it is another story
_OWN_SHARE: Final = 0.5  # of a short page's prose
_OWN_LEAST: Final = 60


def pick_stories(pages: Sequence[Sketch], rows: Sequence[Sequence[Token]]) -> list[int]:
    """Numbers of pages of which no two tell the same story; the longest first, and one of each story.

    Two pages tell the same story when one of them has too little prose that the other one has not.
    """
    prose = [{token.words: token.length * STEP for token in row if token.prose} for row in rows]
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
