"""What recurs over a site's stories, and what follows of it: lessons, worked out of the sketches of its pages.

Each finder looks at all stories and tells what it believes; how pages are judged by it stands in
`pipeline.boilerplate.judging`. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from pipeline.boilerplate.sketches import (
    BARE,
    CALL,
    FIRST_WORD,
    HEADING,
    LAST_WORDS,
    LEADS,
    LINE_CHARACTERS,
    LINK,
    NAMED,
    NO_LEAD,
    STEP,
    Sketch,
    Token,
    list_words,
    split_digests,
)
from pipeline.model import Document

FEWEST: Final = 3
"""With fewer stories nothing is believed."""
_LESSONS: Final = 400

Zone = Literal["above", "inside", "below"]


class Lesson(Document):
    """Something that is believed of the site's pages.

    ``kind`` "block": the block with this digest is furniture; "end": so is all that follows it; "place": so is what
    stands at this place; "line": so is a line that is no sentence at this position from the page's top; "lead": so is
    a line that begins with these words and a colon, or with this word; "box": so are the lines that follow, up to the
    next that is known, or so many as ``size`` says; "pair": so is the line before it; "card": so is the short block
    behind it, or before it (``size`` 1, -1), a sentence too; "tail": so is a line that ends so; "kept": it recurs, and
    belongs to the text; "label": what begins so belongs to the text, however often it recurs.
    """

    kind: Literal[
        "block", "end", "place", "line", "lead", "box", "pair", "kept", "text", "start", "card", "tail", "label"
    ]
    mark: str  # digest of the words or of the place, or the position
    zone: Zone
    pages: int  # stories that had it
    of: int  # stories that were looked at
    text: str = ""  # how it begins
    why: str = ""  # what spoke for it
    size: int = 0  # of a box whose end nothing known marks: lines; of a card: on which side it stands

    def describe(self) -> str:  # noqa: C901, PLR0911, PLR0912 - one return per kind reads best
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
            case "card":
                side = "behind" if self.size > 0 else "before"
                return f"left out {on}: the short block {side} {said} ({place}; {self.why})"
            case "tail":
                return f"left out {on}: lines that end as {said} does ({place}; {self.why})"
            case "label":
                return f"text {on}: what begins as {said} does ({self.why})"
            case "text":
                return f"text {on}: what stands where {said} stands ({self.why})"
            case _:
                return f"kept {on}, though it recurs: {said} ({place})"


_MOST: Final = 0.5  # of all stories: what so many have, outside of the text, is furniture
_STEADY: Final = 0.9
SOME: Final = 0.4
_SLOT: Final = 0.6  # of all stories have something that recurs at a place
_HEAD_LINES: Final = 8
BOX_LINES: Final = 8
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
_CERTAIN: Final = 0.97
_CHANCE: Final = 1e-4  # that so many paragraphs in a row are as short as lines of adverts
_LABELS: Final = 2  # different ones that lead in sentences, on a site whose pages are entries of a register
_BEHIND: Final = 0.25  # of the stories with a block have it behind the end of the text, too


@dataclass(kw_only=True, slots=True)
class _Story:
    """A story as a row of blocks, with where its own prose stands."""

    row: list[Token]
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


def _tell_story(row: list[Token], own: set[str], end: int | None = None) -> _Story:
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


def learn_designs(rows: Sequence[list[Token]], texts: dict[str, str], turning: Mapping[str, int]) -> list[Lesson]:
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


def _part_designs(rows: Sequence[list[Token]]) -> tuple[list[list[Token]], list[list[Token]]]:
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


def find_turning(pages: Iterable[Sketch]) -> dict[str, int]:
    """Words of blocks that come and go on pages that are captured again, and seldom stay: adverts, promotions.

    A line of law stays where it stands. On how many pages each came or went.
    """
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    turned: Counter[str] = Counter()
    stayed: Counter[str] = Counter()
    for page in pages:
        if page.again:
            here, gone = set(split_digests(page.came)), set(split_digests(page.went))
            came.update(here)
            went.update(gone)
            turned.update(here | gone)
            stayed.update(list_words(page).keys() - here - gone)
    return {
        words: turned[words]
        for words in sorted(turned)
        # What only goes, or only comes, may be what an editor puts right on two pages of a day.
        if turned[words] > stayed[words] and turned[words] >= (FEWEST - 1 if came[words] and went[words] else FEWEST)
    }


def _find_lessons(
    rows: Sequence[list[Token]], texts: dict[str, str], turning: Mapping[str, int] = _NO_TURNS
) -> list[Lesson]:
    count = len(rows)
    if count < FEWEST:
        return []
    spread = Counter(words for row in rows for words in {token.words for token in row})
    tokens = {token.words: token for row in rows for token in row}
    rare = 1 if count < 8 else 2
    own = {words for words, token in tokens.items() if token.prose and spread[words] <= rare}
    labels = _find_labels(rows, own)
    own |= {words for words, token in tokens.items() if token.lead in labels}
    stories = [_tell_story(row, own) for row in rows]
    stories = [story for story in stories if story.whole]
    count = len(stories)
    if count < FEWEST:
        return []
    least = count if count < 5 else 3
    common = {
        words: number
        for words, number in spread.items()
        if number >= least and not tokens[words].traits & BARE and tokens[words].lead not in labels
    }
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
    found += [lesson for lesson in _find_leads(stories, texts) if lesson.mark not in labels]
    found += _tell_labels(stories, labels, texts)
    found += _find_tails(stories, furniture, labels, texts)
    steady = {lesson.mark for lesson in found if lesson.kind == "block" and lesson.pages >= SOME * count}
    found += _find_boxes(stories, steady, texts)
    found += _find_pairs(stories, furniture, texts)
    found += _find_cards(stories, steady, own - furniture, texts)
    found += _find_starts(stories, steady, texts)
    found += _find_text_places(stories, furniture, pure, texts)
    found.sort(key=lambda lesson: (_ORDER.get(lesson.kind, 2), -lesson.pages, lesson.mark))
    return found[:_LESSONS]


_ORDER: Final = {"end": 0, "place": 1, "block": 3, "kept": 4}  # what is told first; all other kinds come between


def _find_labels(rows: Sequence[Sequence[Token]], own: Container[str]) -> set[str]:
    """Leads of a register's entries: "Decision: Approved", "Wards affected: All", "Reasons: The bridge is …".

    Such a site's own sentences stand behind labels that recur. With these belong the labelled lines right before
    them, which recur with their values.
    """
    spread: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for row in rows:
        spread.update({token.lead for token in row if _is_labelled(token)})
        told.update({token.lead for token in row if _is_labelled(token) and token.words in own})
    steady = {lead for lead, pages in told.items() if pages >= max(_LEAST_INSIDE, _SLOT * len(rows))}
    if len(steady) < _LABELS:
        return set()
    labels = {lead for lead, pages in told.items() if pages >= FEWEST and spread[lead] >= SOME * len(rows)}
    lined: Counter[str] = Counter()
    for row in rows:
        first = next((n for n, token in enumerate(row) if token.lead in labels and token.words in own), 0)
        while first and _is_labelled(row[first - 1]) and not row[first - 1].called:
            first -= 1
            lined[row[first].lead] += 1
    return labels | {lead for lead, times in lined.items() if times >= _SLOT * len(rows)}


def _is_labelled(token: Token) -> bool:
    return token.lead != NO_LEAD and token.lead[0] != FIRST_WORD


def _tell_labels(stories: Sequence[_Story], labels: set[str], texts: dict[str, str]) -> list[Lesson]:
    found: list[Lesson] = []
    for lead in sorted(labels):
        having = [story for story in stories if any(token.lead == lead for token in story.row)]
        words = sorted({token.words for story in having for token in story.row if token.lead == lead})
        text = next((texts[each] for each in words if each in texts), "")
        why = "the site's pages are entries that are told line by line"
        found.append(
            Lesson(kind="label", mark=lead, zone="inside", pages=len(having), of=len(stories), text=text, why=why)
        )
    return found


def _cut(story: _Story, own: set[str], ends: dict[str, tuple[int, str]]) -> _Story:
    """The story with its text ending where an end begins that has little behind it."""
    for number, token in enumerate(story.row):
        if token.words in ends and 4 * story.after(number) <= story.whole:
            return _tell_story(story.row, own, number)
    return story


def _find_having(stories: Sequence[_Story], common: Container[str]) -> dict[str, list[tuple[_Story, int]]]:
    """Which stories have each block that recurs, and where it stands first in them."""
    having: defaultdict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in common:
                having[words].append((story, number))
    return having


def _find_ends(
    stories: Sequence[_Story], tokens: dict[str, Token], common: dict[str, int], pure: set[str]
) -> dict[str, tuple[int, str]]:
    """Blocks after which no text follows: with how many stories, and why."""
    count = len(stories)
    having = _find_having(stories, common)
    steady = {words for words, seen in having.items() if len(seen) >= SOME * count}
    ends: dict[str, tuple[int, str]] = {}
    for words in sorted(having):
        seen = having[words]
        token = tokens[words]
        share = len(seen) / count
        if len(seen) < FEWEST or share < (0.1 if token.called else SOME):
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


def _is_followed(row: Sequence[Token], number: int, pure: Container[str]) -> bool:
    """Whether sentences follow a block at a place where only text stands."""
    return any(token.prose and token.place in pure for token in row[number + 1 :])


def _is_resumed(story: _Story, number: int, steady: Container[str]) -> bool:
    """Whether a story's own sentences go on behind a block and its links, at some length, before other furniture."""
    own = passed = 0
    for at in range(number + 1, len(story.row)):
        token = story.row[at]
        if story.own(at):
            own += token.length
        elif own and (token.traits & LINK or token.words in steady):
            break
        else:
            passed += 1
            if passed > _BOX_MOST:
                break
    return own * STEP >= _RESUMED_CHARACTERS


def _is_cadence(seen: Sequence[tuple[_Story, int]]) -> bool:
    """Whether what follows a block is of one pattern on all pages: so many blocks, or links, and little text."""
    counts: Counter[int] = Counter()
    linked = small = 0
    for story, number in seen:
        tail = story.row[number + 1 :]
        counts[len(tail)] += 1
        links = sum(bool(token.traits & LINK) for token in tail)
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


def _judge_common(
    stories: Sequence[_Story],
    tokens: dict[str, Token],
    common: dict[str, int],
    pure: set[str],
    texts: dict[str, str],
) -> list[Lesson]:
    """A lesson for every block that recurs: it is left out, or kept all the same."""
    count = len(stories)
    having = _find_having(stories, common)
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


def _find_pure_places(rows: Sequence[Sequence[Token]], own: set[str]) -> set[str]:
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
    enough = max(FEWEST, SOME * len(rows))
    pure = {place for place in pages if pages[place] >= enough and prose[place] >= _PURE * blocks[place]}
    if not pure:
        return set()
    heads: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        for token, following in pairwise(row):
            if token.traits & HEADING:
                heads[token.place] += 1
                right[token.place] += following.place in pure
    return pure | {place for place in heads if heads[place] >= FEWEST and right[place] >= _HEADS * blocks[place] > 0}


def _stands_above(seen: Sequence[tuple[_Story, int]]) -> bool:
    """Whether a line that also stands in texts stands above them on many pages, as who took a picture does."""
    above = sum(not story.before[number] for story, number in seen)
    return above >= max(FEWEST, _BEHIND * len(seen))


def _judge_inside(
    seen: Sequence[tuple[_Story, int]], token: Token, count: int, slots: _Slots, common: Container[str]
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
    """Whether a block stands at one place of all stories, counted from the text's top or as a part of it.

    Or at one on the newest pages and at another one on those before them: the site was built anew.
    """
    if _is_at_one(seen):
        return True
    if len(seen) < 2 * _DESIGN_PAGES or not _is_at_one(seen[:_DESIGN_PAGES]):
        return False
    low, high = _DESIGN_PAGES, len(seen)
    while high - low > 1:  # the longest row of newest pages that have it at one place
        middle = (low + high) // 2
        low, high = (middle, high) if _is_at_one(seen[:middle]) else (low, middle)
    return len(seen) - low >= _LEAST_INSIDE and _is_at_one(seen[low:])


def _is_at_one(seen: Sequence[tuple[_Story, int]]) -> bool:
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
        for position, token in head_lines(story.row, furniture):
            lines[position] += is_line(token)
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
            if lead != NO_LEAD:
                seen[lead].append((story, number))
    found: list[Lesson] = []
    for lead in sorted(seen):
        lines = seen[lead]
        zone = _zone_of(lines)
        bare = sum(not story.row[number].prose for story, number in lines)
        if lead[0] == FIRST_WORD:
            # One word is little: only above the text, as "By" is, and where what follows it changes.
            others = {story.row[number].words for story, number in lines}
            if zone != "above" or len(others) < FEWEST:
                continue
        if len(lines) < max(_LEAST_INSIDE, SOME * count) or bare < _STEADY * len(lines) or zone == "inside":
            continue
        text = _first_text(lines, texts)
        why = "most pages have such a line outside of the text"
        found.append(Lesson(kind="lead", mark=lead, zone=zone, pages=len(lines), of=count, text=text, why=why))
    return found


def _first_text(lines: Iterable[tuple[_Story, int]], texts: Mapping[str, str]) -> str:
    """The first of the texts of some lines by the alphabet; empty: the words of none were kept."""
    return min((texts.get(story.row[number].words, "") for story, number in lines), key=lambda said: (not said, said))


def _find_boxes(stories: Sequence[_Story], furniture: set[str], texts: dict[str, str]) -> list[Lesson]:
    """Furniture that always leads in a few lines which other furniture follows: "Events", "Fair 3 May, Leeds", "All".

    The lines change, and none is a sentence. A heading of the text has sentences behind it, if not a list.
    """
    count = len(stories)
    seen: dict[str, list[tuple[_Story, int, bool]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in furniture and number < story.end:
                seen[words].append((story, number, bool(box_lines(story.row, number, furniture))))
    found: list[Lesson] = []
    for words in sorted(seen):
        boxed = sum(closed for _, _, closed in seen[words])
        zone = _zone_of([(story, number) for story, number, _ in seen[words]])
        why = "lines that are no sentences always stand between it and the next known one"
        size = 0
        if boxed < max(8, SOME * count) or boxed < _STEADY * len(seen[words]):
            # Sentences of the text follow it: its lines are told by their number, which is the same on all pages.
            counts = Counter(len(bare_lines(story.row, number, furniture)) for story, number, _ in seen[words])
            size, boxed = counts.most_common(1)[0]
            if not size or boxed < max(8, SOME * count) or boxed < _CERTAIN * len(seen[words]):
                continue
            # Above the text so many points may stand that tell what is in it.
            if zone == "above" or _repeats(seen[words], size):
                continue
            why = "so many lines that are no sentences always follow it"
        text = texts.get(words, "")
        found.append(Lesson(kind="box", mark=words, zone=zone, pages=boxed, of=count, text=text, why=why, size=size))
    return found


def _repeats(seen: Sequence[tuple[_Story, int, bool]], size: int) -> bool:
    """Whether what always follows a block is mostly the same few lines: a heading of the text, which recurs."""
    lines = [token.words for story, number, _ in seen for token in story.row[number + 1 : number + 1 + size]]
    return len(set(lines)) < _SLOT * len(lines)


def _find_cards(
    stories: Sequence[_Story], steady: set[str], own: Container[str], texts: dict[str, str]
) -> list[Lesson]:
    """Furniture amid the text that always has a short block at one side, a sentence or not: a sponsor's message.

    Believed where the stories' own paragraphs are so seldom that short that it cannot be one of these each time.
    """
    short = whole = 0
    for story in stories:
        for token in story.row[: story.end]:
            if token.prose and token.words in own:
                whole += 1
                short += token.length * STEP <= LINE_CHARACTERS
    usual = (short + 1) / (whole + 2)
    found: list[Lesson] = []
    seen: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for words, number in story.first.items():
            if words in steady and story.before[number] and story.after(number):
                seen[words].append((story, number))
    for words in sorted(seen):
        where = [(story, number) for story, number in seen[words] if 0 < number < len(story.row) - 1]
        for size in (1, -1):
            beside = [(story, number + size) for story, number in where]
            cards = [
                (story, number)
                for story, number in beside
                if is_short(story.row[number])
                and story.row[number].words not in steady
                # The first paragraph is short for itself, and so is the last one.
                and story.before[number]
                and story.after(number)
            ]
            if len(cards) < max(8, SOME * len(stories)) or len(cards) < _CERTAIN * len(where):
                continue
            if len({story.row[number].words for story, number in cards}) < FEWEST or usual ** len(cards) > _CHANCE:
                continue
            found.append(
                Lesson(
                    kind="card",
                    mark=f"{words}{'+' if size > 0 else '-'}",
                    zone="inside",
                    pages=len(cards),
                    of=len(stories),
                    text=texts.get(words, ""),
                    why="a short block always stands there, where paragraphs of the text seldom are that short",
                    size=size,
                )
            )
    return found


def _find_tails(
    stories: Sequence[_Story], furniture: set[str], labels: set[str], texts: dict[str, str]
) -> list[Lesson]:
    """How lines end that stand above the text, or below it, on most pages: captions with their credits, authors' lines.

    The last label within a line, "Credit:", tells a caption; or the two words that it ends with, an agency's name.
    """
    count = len(stories)
    seen: dict[str, list[tuple[_Story, int]]] = defaultdict(list)
    for story in stories:
        for number, token in enumerate(story.row[: story.end]):
            if token.tail != NO_LEAD and token.words not in furniture and token.lead not in labels:
                seen[token.tail].append((story, number))
    found: list[Lesson] = []
    for tail in sorted(seen):
        lines = seen[tail]
        pages = len({id(story) for story, _ in lines})
        bare = sum(not story.row[number].prose and not story.row[number].leading for story, number in lines)
        zone = _zone_of(lines)
        if len({story.row[number].words for story, number in lines}) < _SLOT * len(lines):
            continue  # whole lines recur, and are judged as such
        if bare >= _STEADY * len(lines) and pages >= max(_LEAST_INSIDE, 0.2 * count):
            # Pictures stand in the text as well as above it, and credits are the same at both places.
            above = sum(not story.before[number] for story, number in lines)
            credited = above >= max(FEWEST, (SOME if tail[0] == LAST_WORDS else _BEHIND) * len(lines))
            if zone == "inside" and not credited:
                continue
            zone = "inside" if credited else zone
        elif tail != NAMED or zone != "below" or pages < max(8, _SLOT * count):
            continue  # texts of one kind end with sentences of one pattern, too
        text = _first_text(lines, texts)
        why = "lines with that end always stand outside of the text" if zone != "inside" else "credits end so"
        found.append(Lesson(kind="tail", mark=tail, zone=zone, pages=pages, of=count, text=text, why=why))
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
                and not token.traits & (LINK | CALL)
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
            credit = token.words in furniture and not (token.prose or token.leading or token.traits & LINK)
            if number and credit and token.length * STEP <= _CREDIT_CHARACTERS:
                seen[token.words].append((story, number))
    found: list[Lesson] = []
    for words in sorted(seen):
        where = seen[words]
        pages = len({id(story) for story, _ in where})
        lines = [story.row[number - 1] for story, number in where]
        paired = sum(is_line(line) and line.words not in furniture for line in lines)
        if len({line.words for line in lines}) < _SLOT * len(lines):
            continue  # one line always stands there
        if pages < _LEAST_INSIDE or paired < _STEADY * len(where) or not _stands_above(where):
            continue
        text, why = texts.get(words, ""), "a line of the page's own always stands before it, as a caption does"
        zone = _zone_of(where)
        found.append(Lesson(kind="pair", mark=words, zone=zone, pages=pages, of=len(stories), text=text, why=why))
    return found


def box_lines(row: Sequence[Token], number: int, furniture: set[str] | frozenset[str]) -> range:
    """Numbers of the lines between a known block and the next one that is known; empty: they are no box's."""
    for at in range(number + 1, min(len(row), number + 2 + BOX_LINES)):
        token = row[at]
        if token.words in furniture:
            return range(number + 1, at)
        if token.prose or token.length * STEP > LINE_CHARACTERS:
            break
    return range(0)


def bare_lines(row: Sequence[Token], number: int, furniture: set[str] | frozenset[str]) -> range:
    """Numbers of the lines between a known block and the sentence behind them; empty: no sentence follows."""
    for at in range(number + 1, min(len(row), number + 2 + BOX_LINES)):
        token = row[at]
        if token.prose:
            return range(number + 1, at)
        if token.words in furniture or not is_line(token):
            break
    return range(0)


def is_short(token: Token) -> bool:
    """Whether a block is no longer than a line and leads in nothing; it may be a sentence."""
    return not token.traits & (HEADING | LEADS) and token.length * STEP <= LINE_CHARACTERS


def head_lines(row: Sequence[Token], furniture: set[str] | frozenset[str]) -> Iterator[tuple[int, Token]]:
    """The first lines of a page that are not known, with their positions among these."""
    position = 0
    for token in row:
        if token.words in furniture:
            continue
        if position == _HEAD_LINES:
            return
        yield position, token
        position += 1


def is_line(token: Token) -> bool:
    """Whether a block is a short line that is no sentence and leads in nothing."""
    return not token.prose and not token.traits & (HEADING | LEADS) and token.length * STEP <= 160
