"""Which blocks of a page are furniture by its site's lessons. Pure; what share may go is `Memory.review`'s to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.boilerplate.lessons import BOX_LINES, SOME, Lesson, bare_lines, box_lines, head_lines, is_line, is_short
from pipeline.boilerplate.sketches import FIRST, HEADING, LINE_CHARACTERS, STEP, Token


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Why a block is furniture: words for a person, and how sure that is."""

    why: str
    sure: bool  # the block itself is known; not only the place where it stands


_TAIL_SHARE: Final = 0.15  # of a page's prose that may follow an end on it


class Known:
    """Lessons, laid out for judging pages."""

    def __init__(self, lessons: Iterable[Lesson]) -> None:
        known: defaultdict[str, dict[str, Lesson]] = defaultdict(dict)  # kind -> mark -> lesson
        for lesson in lessons:
            known[lesson.kind][lesson.mark] = lesson
        self.blocks, self.ends, self.places = known["block"], known["end"], known["place"]
        self.leads, self.tails, self.boxes = known["lead"], known["tail"], known["box"]
        self.pairs, self.cards, self.starts = known["pair"], known["card"], known["start"]
        self.lines = {int(position): lesson for position, lesson in known["line"].items()}
        self.texts, self.labels, self.kept = known["text"], known["label"].keys(), known["kept"].keys()
        self.furniture = frozenset(self.blocks.keys() | self.ends.keys())
        self.steady = frozenset(mark for mark, lesson in self.blocks.items() if lesson.pages >= SOME * lesson.of)

    def judge(self, row: Sequence[Token]) -> dict[int, Judgement]:
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
                (
                    (lesson := self.places.get(token.place)) is not None
                    and token.words not in self.kept
                    and not self._heads_text(row, number, before[number])
                )
                or (
                    (lesson := self.leads.get(token.lead)) is not None
                    and self._leads_in(lesson, token, before[number], whole)
                )
                or (
                    (lesson := self.tails.get(token.tail)) is not None
                    and token.words not in self.kept
                    and self._ends_so(lesson, row, number, before[number], whole)
                )
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
        numbers = {id(token): number for number, token in enumerate(row[:FIRST])}
        for position, token in head_lines(row, self.furniture):
            known, place = self.lines.get(position), numbers.get(id(token))
            if known is None or place is None or before[place]:
                continue
            if is_line(token) and token.words not in self.kept:
                found.setdefault(place, _judgement(known, sure=False))
        return {number: each for number, each in found.items() if row[number].lead not in self.labels}

    def _judge_neighbours(
        self, row: Sequence[Token], before: Sequence[int], whole: int, found: dict[int, Judgement]
    ) -> None:
        """Add what belongs to known blocks: what stands before the text, lines of boxes, captions before credits."""
        start = max((n for n, token in enumerate(row) if token.words in self.starts and not before[n]), default=0)
        for number, token in enumerate(row[:start]):
            if is_line(token) and token.words not in self.kept:
                found.setdefault(number, _judgement(self.starts[row[start].words], sure=False))
        for number, token in enumerate(row):
            if number not in found:
                continue
            if token.words in self.boxes:
                for line in self._lines_of(self.boxes[token.words], row, number):
                    found.setdefault(line, _judgement(self.boxes[token.words], sure=False))
            for beside, card in self._find_cards(row, before, number):
                found.setdefault(beside, _judgement(card, sure=False))
            if token.words in self.ends and before[number] and 2 * before[number] >= whole:
                for line in self._lines_below(row, number):
                    found.setdefault(line, _judgement(self.ends[token.words], sure=False))
            pair = self.pairs.get(token.words)
            if pair is None or not number or (pair.zone == "above" and before[number]):
                continue
            if is_line(row[number - 1]):
                found.setdefault(number - 1, _judgement(pair, sure=False))

    def _lines_of(self, box: Lesson, row: Sequence[Token], number: int) -> range:
        """Numbers of the lines of a box that a block leads in."""
        if not box.size:
            return box_lines(row, number, self.steady)
        lines = bare_lines(row, number, self.steady)
        return lines if len(lines) == box.size else range(0)

    def _find_cards(self, row: Sequence[Token], before: Sequence[int], number: int) -> Iterator[tuple[int, Lesson]]:
        """Numbers of the short blocks amid the text at that side of a known block where such always stand."""
        for side, beside in (("+", number + 1), ("-", number - 1)):
            card = self.cards.get(row[number].words + side)
            if card is None or not before[number] or not 0 <= beside < len(row) or not before[beside]:
                continue
            if is_short(row[beside]) and row[beside].words not in self.kept:
                yield beside, card

    def _lines_below(self, row: Sequence[Token], number: int) -> range:
        """Numbers of the short lines, sentences too, between an end and the next block that stands below all texts."""
        for at in range(number + 1, min(len(row), number + 2 + BOX_LINES)):
            token = row[at]
            lesson = self.ends.get(token.words) or self.blocks.get(token.words)
            if lesson is not None and lesson.zone == "below" and lesson.pages >= SOME * lesson.of:
                return range(number + 1, at)
            if token.words in self.kept or token.length * STEP > LINE_CHARACTERS:
                break
        return range(0)

    def _is_text(self, token: Token) -> bool:
        if token.lead in self.labels:
            return True
        return token.prose and token.words not in self.furniture and token.place not in self.places

    def _heads_text(self, row: Sequence[Token], number: int, before: int) -> bool:
        """Whether a heading stands between a page's own sentences, where headings of boxes stand, too."""
        after = row[number + 1] if number + 1 < len(row) else None
        return bool(before and row[number].traits & HEADING and after is not None and self._is_text(after))

    def _is_safe(self, token: Token) -> bool:
        """Whether a sentence stands where only text stands."""
        return token.prose and token.place in self.texts

    def _leads_in(self, lesson: Lesson, token: Token, before: int, whole: int) -> bool:
        """Whether a line that begins like others which are furniture stands on their side of the text."""
        if token.prose or token.traits & HEADING:
            return False
        return not before if lesson.zone == "above" else 2 * before >= whole

    def _ends_so(self, lesson: Lesson, row: Sequence[Token], number: int, before: int, whole: int) -> bool:
        """Whether a line that ends like others which are furniture stands on their side of the text."""
        token = row[number]
        if lesson.zone == "below":
            if number + 1 < len(row) and self._is_text(row[number + 1]):
                return False
            own = token.length if self._is_text(token) else 0
            return is_short(token) and before > 0 and whole - before - own <= _TAIL_SHARE * whole
        return is_line(token) and (lesson.zone == "inside" or not before)

    def _stands_as_learned(self, lesson: Lesson, token: Token, before: int, whole: int) -> bool:
        """Whether a block stands on this page where it was learned; one that is no prose may stand anywhere."""
        if not token.prose or lesson.zone == "inside" or token.called:
            return True
        return 2 * before <= whole if lesson.zone == "above" else 2 * before >= whole


def _judgement(lesson: Lesson, *, sure: bool) -> Judgement:  # noqa: PLR0911 - one return per kind reads best
    on = f"{lesson.pages} of {lesson.of} pages of the site"
    match lesson.kind:
        case "block":
            return Judgement(why=f"recurs on {on}, {lesson.zone} the text", sure=sure)
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
        case "card":
            return Judgement(why=f'stands beside "{lesson.text}" as short lines do on {on}', sure=sure)
        case "tail":
            return Judgement(why=f"ends as a line does on {on}, {lesson.zone} the text", sure=sure)
        case "lead":
            return Judgement(why=f"begins as a line does on {on}, {lesson.zone} the text", sure=sure)
        case _:
            return Judgement(why=f"stands where no text stands on {on}", sure=sure)
