"""How two versions of an article differ: paragraph by paragraph, word by word, and field by field.

Paragraphs (the lines of a text) are aligned first: those that stand in both texts word for word, then those that are
much alike, near their place before any other. What is left was added or removed; a pair that stands out of the order
of the others has moved. Within a pair of unlike paragraphs, words are aligned. The promises, each a property test:

- the pieces of a difference hold both texts, letter by letter: ``apply_difference`` gives the newer one back;
- the difference from B to A is the difference from A to B, reversed;
- equal texts have no difference.

Time and memory grow with the length of the texts, not with its square: sequences that are too long to be aligned
exactly are cut where runs of words stand once in each of them, and what cannot be cut counts as replaced.

Pure: nothing is read or written here. What kind of edit it is, and what is no edit at all, ``pipeline.edits`` decides;
this module shows all that differs, white space too.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from rapidfuzz.distance import LCSseq

from pipeline.edits import EditClass, classify_edit, count_words_changed
from pipeline.errors import NotInArchive
from pipeline.model import Moment, State, Version

_EXACT: Final = 500_000_000  # cells of the table of an exact alignment: 63 MB, a quarter of a second
_ROUNDS: Final = 8  # so often a sequence is cut where runs of words are unique
_RUNS: Final = (8, 2, 1)  # words of a run that is looked for, the surest first
_RARE: Final = 8  # a word that stands in more paragraphs than this tells none of them
_CANDIDATES: Final = 4
_ALIKE: Final = 0.5  # share of words that two paragraphs have in common to be one that was changed …
_ALIKE_HERE: Final = 0.35  # … and where both stand between the same unchanged ones
_SLIDES: Final = 64  # tokens that an edit may be moved along to begin with a sentence or a word


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of a paragraph that is in both texts, only in the newer one, or only in the older one."""

    mark: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A paragraph of either text or of both.

    ``kind`` "moved" stands at its place in the newer text, and may be changed as well; "left" stands at the place in
    the older text that it moved away from, and has no pieces.
    """

    kind: Literal["same", "changed", "moved", "left", "added", "removed"]
    old: int | None  # number of the line in the older text, from 1
    new: int | None  # in the newer text
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """A field that differs. Of a list, what is in both is left out."""

    name: str
    old: tuple[str, ...]  # in words; empty: it said nothing
    new: tuple[str, ...]
    pieces: tuple[Piece, ...] = ()  # where both have one text: word by word
    kept: int = 0  # items of a list that both have


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How the newer of two versions differs from the older."""

    classes: tuple[EditClass, ...]  # as ``pipeline.edits`` judges; none: cosmetic, or no difference
    words_added: int  # of headline and text, as ``muniment history`` counts them
    words_removed: int
    title: tuple[Piece, ...]
    fields: tuple[FieldChange, ...]
    paragraphs: tuple[Paragraph, ...]

    @property
    def has_edits(self) -> bool:
        """Whether headline or text differ in anything."""
        return is_changed(self.title) or any(paragraph.kind != "same" for paragraph in self.paragraphs)


def compare_versions(old: Version, new: Version) -> Comparison:
    """Headline, metadata and text of two versions of one article, or of two.

    Raises:
        NotInArchive: one of them is withheld, so that nothing can be said of what it held.
    """
    for version in (old, new):
        if version.state == State.REDACTED:
            raise NotInArchive(
                f"Version {version.n} of {version.url} is withheld on demand (state: redacted): "
                "there is nothing to compare.",
                next_step="`muniment history` shows which versions can be read; compare two of those.",
            )
    edit = classify_edit(old.title, old.text, new.title, new.text)
    added, removed = count_words_changed(f"{old.title}\n{old.text}", f"{new.title}\n{new.text}")
    return Comparison(
        classes=edit.classes if edit else (),
        words_added=added,
        words_removed=removed,
        title=compare_lines(old.title, new.title),
        fields=tuple(_compare_fields(old, new)),
        paragraphs=compare_texts(old.text, new.text),
    )


def compare_texts(old: str, new: str) -> tuple[Paragraph, ...]:
    """All paragraphs of two texts, in the order of the newer one; those that are no more stand where they stood."""
    if new < old:  # one of the two orders is computed, and the other one read from it: so they agree
        return reverse_difference(compare_texts(new, old))
    before, after = _split(old), _split(new)
    pairs = _pair_paragraphs(before, after)
    return _lay_out(
        _keep_order([(i, j, len(before[i]) + len(after[j])) for i, j in sorted(pairs)]),
        {
            (i, j): (Piece(mark="same", text=before[i]),)
            if before[i] == after[j]
            else _align_words(before[i], after[j])
            for i, j in pairs
        },
        before,
        after,
    )


def compare_lines(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces of two headlines or paragraphs, in order; none where both are empty."""
    if old == new:
        return (Piece(mark="same", text=old),) if old else ()
    if new < old:
        return _reverse_pieces(_align_words(new, old))
    return _align_words(old, new)


def is_changed(pieces: Iterable[Piece]) -> bool:
    """Whether any piece is not in both."""
    return any(piece.mark != "same" for piece in pieces)


def apply_difference(old: str, paragraphs: Sequence[Paragraph]) -> str:
    """The newer text.

    Raises:
        ValueError: the difference is not one from this text.
    """
    if _gather(paragraphs, "removed", lambda paragraph: paragraph.old) != old:
        raise ValueError("this difference is from another text")
    return _gather(paragraphs, "added", lambda paragraph: paragraph.new)


def reverse_difference(paragraphs: Sequence[Paragraph]) -> tuple[Paragraph, ...]:
    """The difference from the newer text to the older one."""
    ordered: list[tuple[int, int]] = []
    pairs: dict[tuple[int, int], tuple[Piece, ...]] = {}
    before: dict[int, str] = {}
    after: dict[int, str] = {}
    for paragraph in paragraphs:
        if paragraph.kind == "left":
            continue
        pieces = _reverse_pieces(paragraph.pieces)
        if paragraph.new is not None:
            before[paragraph.new - 1] = read_pieces(pieces, "removed")
        if paragraph.old is not None:
            after[paragraph.old - 1] = read_pieces(pieces, "added")
        if paragraph.old is not None and paragraph.new is not None:
            pairs[paragraph.new - 1, paragraph.old - 1] = pieces
            if paragraph.kind != "moved":
                ordered.append((paragraph.new - 1, paragraph.old - 1))
    return _lay_out(ordered, pairs, [before[i] for i in range(len(before))], [after[j] for j in range(len(after))])


def read_pieces(pieces: Iterable[Piece], side: Literal["added", "removed"]) -> str:
    """What the pieces say in the newer text ("added") or in the older one ("removed")."""
    return "".join(piece.text for piece in pieces if piece.mark in ("same", side))


def _gather(
    paragraphs: Sequence[Paragraph], side: Literal["added", "removed"], number: Callable[[Paragraph], int | None]
) -> str:
    lines = {
        at: read_pieces(paragraph.pieces, side)
        for paragraph in paragraphs
        if paragraph.kind != "left" and (at := number(paragraph)) is not None
    }
    return "\n".join(lines[at] for at in sorted(lines))


def _reverse_pieces(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Swapped, and in each place what is removed before what is added."""
    turned: list[Piece] = []
    for piece in pieces:
        if piece.mark == "same":
            turned.append(piece)
        elif piece.mark == "added":
            now = Piece(mark="removed", text=piece.text)
            behind = bool(turned) and turned[-1].mark == "added"
            turned.insert(len(turned) - 1 if behind else len(turned), now)
        else:
            turned.append(Piece(mark="added", text=piece.text))
    return tuple(turned)


def _split(text: str) -> list[str]:
    return text.split("\n") if text else []


# --- paragraphs -----------------------------------------------------------------------------------------


def _lay_out(
    ordered: Sequence[tuple[int, int]],
    pairs: Mapping[tuple[int, int], tuple[Piece, ...]],
    before: Sequence[str],
    after: Sequence[str],
) -> tuple[Paragraph, ...]:
    """Paragraphs in the order to read them in.

    Args:
        ordered: those of the pairs that have not moved.
    """
    new_of = dict(pairs.keys())
    old_of = {j: i for i, j in pairs}
    found: list[Paragraph] = []
    at_old = at_new = 0
    for i, j in [*ordered, (len(before), len(after))]:
        for old in range(at_old, i):
            if old in new_of:
                found.append(Paragraph(kind="left", old=old + 1, new=new_of[old] + 1, pieces=()))
            else:
                found.append(Paragraph(kind="removed", old=old + 1, new=None, pieces=_whole("removed", before[old])))
        for new in range(at_new, j):
            if new in old_of:
                pieces = pairs[old_of[new], new]
                found.append(Paragraph(kind="moved", old=old_of[new] + 1, new=new + 1, pieces=pieces))
            else:
                found.append(Paragraph(kind="added", old=None, new=new + 1, pieces=_whole("added", after[new])))
        if i < len(before) and j < len(after):
            kind: Literal["changed", "same"] = "changed" if is_changed(pairs[i, j]) else "same"
            found.append(Paragraph(kind=kind, old=i + 1, new=j + 1, pieces=pairs[i, j]))
        at_old, at_new = i + 1, j + 1
    return tuple(found)


def _whole(mark: Literal["added", "removed"], text: str) -> tuple[Piece, ...]:
    return (Piece(mark=mark, text=text),) if text else ()


def _keep_order(pairs: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The heaviest of the pairs (old, new, weight; sorted) that stand in one order in both texts; the others moved."""
    places = {j: rank for rank, j in enumerate(sorted(j for _, j, _ in pairs), start=1)}
    best: list[tuple[int, int]] = [(0, -1)] * (len(pairs) + 1)  # Fenwick tree of prefix maxima: weight, last pair
    chains: list[tuple[int, int]] = []  # weight of the heaviest that ends in a pair, and the pair before
    for index, (_, j, weight) in enumerate(pairs):
        at = places[j] - 1
        top = (0, -1)
        while at:
            top = max(top, best[at])
            at &= at - 1
        chains.append((top[0] + weight + 1, top[1]))
        entry = (chains[-1][0], index)
        at = places[j]
        while at <= len(pairs):
            best[at] = max(best[at], entry)
            at += at & -at
    kept: list[tuple[int, int]] = []
    index = max(range(len(chains)), key=lambda each: chains[each][0], default=-1)
    while index >= 0:
        kept.append(pairs[index][:2])
        index = chains[index][1]
    return kept[::-1]


def _pair_paragraphs(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    names: dict[str, int] = {}
    olds, news = _number(before, names), _number(after, names)
    pairs = [(i + k, j + k) for i, j, size in _match(olds, news) for k in range(size)]
    taken_old, taken_new = {i for i, _ in pairs}, {j for _, j in pairs}
    gaps = _gaps(pairs, len(before), len(after))
    # The same words at another place.
    free: dict[str, deque[int]] = defaultdict(deque)
    for i, line in enumerate(before):
        if i not in taken_old and _has_word(line):
            free[line].append(i)
    for j, line in enumerate(after):
        if j not in taken_new and free.get(line):
            pairs.append((free[line].popleft(), j))
    taken_old, taken_new = {i for i, _ in pairs}, {j for _, j in pairs}
    # Much the same words, here or at another place.
    bags_old = {i: bag for i, line in enumerate(before) if i not in taken_old and (bag := _bag(line))}
    bags_new = {j: bag for j, line in enumerate(after) if j not in taken_new and (bag := _bag(line))}
    scored: list[tuple[float, bool, int, int, int]] = []
    for i, j in _candidates(bags_old, bags_new, gaps):
        here = gaps.old[i] == gaps.new[j]
        score = _likeness(bags_old[i], bags_new[j])
        if here and _has_grown(before[i], after[j]):
            score = max(score, _ALIKE)
        if score >= (_ALIKE_HERE if here else _ALIKE):
            scored.append((-score, not here, abs(i - j), i, j))
    for _, _, _, i, j in sorted(scored):
        if i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            pairs.append((i, j))
    return pairs


@dataclass(frozen=True, kw_only=True)
class _Gaps:
    """Between which unchanged paragraphs the others stand: the number of the gap, by line."""

    old: dict[int, int]
    new: dict[int, int]
    sides: list[tuple[range, range]]


def _gaps(pairs: Sequence[tuple[int, int]], olds: int, news: int) -> _Gaps:
    found = _Gaps(old={}, new={}, sides=[])
    at_old = at_new = 0
    for i, j in [*pairs, (olds, news)]:
        number = len(found.sides)
        found.sides.append((range(at_old, i), range(at_new, j)))
        found.old.update(dict.fromkeys(range(at_old, i), number))
        found.new.update(dict.fromkeys(range(at_new, j), number))
        at_old, at_new = i + 1, j + 1
    return found


def _candidates(
    olds: Mapping[int, Counter[str]], news: Mapping[int, Counter[str]], gaps: _Gaps
) -> Iterator[tuple[int, int]]:
    """Pairs that are worth comparing: a few for each paragraph, by the rare words they share and by their place."""
    found: set[tuple[int, int]] = set()
    where: dict[str, list[int]] = defaultdict(list)
    for i, bag in olds.items():
        for word in bag:
            where[word].append(i)
    for j, bag in news.items():
        shared: Counter[int] = Counter()
        for word in bag:
            lines = where.get(word, ())
            if len(lines) <= _RARE:
                shared.update(lines)
        ranked = sorted(shared, key=lambda i: (-shared[i], gaps.old[i] != gaps.new[j], abs(i - j), i))
        found.update((i, j) for i in ranked[:_CANDIDATES])
    for old, new in gaps.sides:
        first, second = [i for i in old if i in olds], [j for j in new if j in news]
        found.update(zip(first, second, strict=False))
        found.update(zip(reversed(first), reversed(second), strict=False))
    yield from sorted(found)


def _has_grown(one: str, other: str) -> bool:
    """Whether one of them is the other with more words behind or before it."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) or long.endswith(short)


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    return 2 * (one & other).total() / (one.total() + other.total())


def _bag(line: str) -> Counter[str]:
    return Counter(token for token in _tokens(line) if _is_word(token))


def _has_word(line: str) -> bool:
    return any(char.isalnum() for char in line)


# --- words ----------------------------------------------------------------------------------------------

_Change = tuple[int, int, int, int]  # tokens [a, b) of the older line became [c, d) of the newer one


def _align_words(old: str, new: str) -> tuple[Piece, ...]:
    names: dict[str, int] = {}
    first, second = _tokens(old), _tokens(new)
    ours, theirs = _number(first, names), _number(second, names)
    changes = _changes(_match(ours, theirs), len(ours), len(theirs))
    changes = [_slide(change, left, right, first, second) for change, left, right in _with_room(changes, len(first))]
    changes = _join(changes, first, second)
    pieces: list[Piece] = []
    at = 0
    for a, b, c, d in changes:
        pieces.append(Piece(mark="same", text="".join(first[at:a])))
        pieces.append(Piece(mark="removed", text="".join(first[a:b])))
        pieces.append(Piece(mark="added", text="".join(second[c:d])))
        at = b
    pieces.append(Piece(mark="same", text="".join(first[at:])))
    return tuple(piece for piece in pieces if piece.text)


def _changes(blocks: Iterable[tuple[int, int, int]], olds: int, news: int) -> list[_Change]:
    """What lies between the blocks that both have."""
    found: list[_Change] = []
    at_old = at_new = 0
    for i, j, size in [*blocks, (olds, news, 0)]:
        if i > at_old or j > at_new:
            found.append((at_old, i, at_new, j))
        at_old, at_new = i + size, j + size
    return found


def _with_room(changes: Sequence[_Change], olds: int) -> Iterator[tuple[_Change, int, int]]:
    """Each change with how many unchanged tokens stand before and behind it."""
    for number, change in enumerate(changes):
        before = changes[number - 1][1] if number else 0
        behind = changes[number + 1][0] if number + 1 < len(changes) else olds
        yield change, (change[0] - before) // (2 if number else 1), (behind - change[1]) // 2


def _slide(change: _Change, left: int, right: int, first: Sequence[str], second: Sequence[str]) -> _Change:
    """The same insertion or deletion, at the place where it reads best: whole sentences, then whole words.

    "A. [B. ]C." and "A[. B]. C." say the same; the first is what somebody wrote.
    """
    a, b, c, d = change
    if (a < b) == (c < d):
        return change  # a replacement stands where it stands
    tokens, start, end = (first, a, b) if a < b else (second, c, d)
    best, shift = _neatness(tokens, start, end), 0
    for way, most in ((-1, min(left, _SLIDES)), (1, min(right, _SLIDES))):
        for steps in range(1, most + 1):
            at = way * steps
            gone, come = (end + at, start + at) if way < 0 else (start + at - 1, end + at - 1)
            if tokens[gone] != tokens[come]:
                break
            if (neat := _neatness(tokens, start + at, end + at)) > best:
                best, shift = neat, at
    return a + shift, b + shift, c + shift, d + shift


def _neatness(tokens: Sequence[str], start: int, end: int) -> int:
    """How well an insertion of tokens [start, end) reads."""
    if start == 0 or end == len(tokens):
        return 4
    before = tokens[start - 1]
    if before.isspace():
        ended = start >= 2 and tokens[start - 2][-1] in _ENDS
        return 3 if ended else 2
    return 1 if tokens[start].isspace() else 3 if before[-1] in _ENDS_OF_SCRIPTS else 0


_ENDS: Final = frozenset(".!?:…”’\"'»)。！？؟۔।")
_ENDS_OF_SCRIPTS: Final = frozenset("。！？；」』）")


def _join(changes: Sequence[_Change], first: Sequence[str], second: Sequence[str]) -> list[_Change]:
    """Changes with those made one between which nothing stands that a reader would hold on to.

    That is no word at all, or less than half of what changed on either side of it.
    """
    letters_old, letters_new = _lengths(first), _lengths(second)

    def weigh(change: _Change) -> int:
        a, b, c, d = change
        return max(letters_old[b] - letters_old[a], letters_new[d] - letters_new[c])

    joined: list[_Change] = []
    for change in changes:
        current = change
        while joined:
            last = joined[-1]
            kept = letters_old[current[0]] - letters_old[last[1]]
            if 2 * kept > min(weigh(last), weigh(current)) and any(map(_is_word, first[last[1] : current[0]])):
                break
            joined.pop()
            current = (last[0], current[1], last[2], current[3])
        joined.append(current)
    return joined


def _lengths(tokens: Sequence[str]) -> list[int]:
    """Letters before each token, and all of them."""
    sums = [0]
    for token in tokens:
        sums.append(sums[-1] + (len(token) if _is_word(token) else 0))
    return sums


def _tokens(line: str) -> list[str]:
    """A line in words, white space and single signs; together they are the line.

    Scripts that put no space between words (Chinese, Japanese, Thai …) go letter by letter, each with its marks. A
    number stays whole, and so does a word with an apostrophe in it (Welsh "i'r").
    """
    return _pattern().findall(line)


def _is_word(token: str) -> bool:
    return token[0].isalnum()


_MARKS: Final = frozenset({"Mn", "Mc", "Me"})
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf"  # Thai, Lao, Burmese, Khmer, Tai
    "\u3005-\u3007\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # hiragana, Han
)


@cache
def _pattern() -> re.Pattern[str]:
    # ``\w`` knows no combining marks: without them Hindi and vocalised Arabic would fall apart.
    # Those above U+FFFF stay out, but for two ranges: each more would be asked of every letter (a tenth of the speed).
    marks = "".join(char for code in range(0x300, 0x10000) if unicodedata.category(char := chr(code)) in _MARKS)
    marks += "\u200c\u200d\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff"
    letter = rf"[^\W{_UNSPACED}{marks}]"
    run = rf"{letter}(?:{letter}|[{marks}])*"
    word = rf"{run}(?:(?:['\u2019\u02bc]|(?<=\d)[.,:](?=\d)){run})*"
    return re.compile(rf"\s+|{word}|[^\s](?:[{marks}]|(?<=\u200d)[^\w\s])*", re.DOTALL)


# --- sequences ------------------------------------------------------------------------------------------


def _number(items: Iterable[str], names: dict[str, int]) -> list[int]:
    return [names.setdefault(item, len(names)) for item in items]


def _match(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int, int]]:
    """What two sequences have in common, in order: place in the older, in the newer, and how many items.

    The longest there is, but for sequences that are too long to know; see the module's first words.
    """
    found: list[tuple[int, int, int]] = []
    waiting = [(0, len(old), 0, len(new), 0)]
    while waiting:
        a, b, c, d, depth = waiting.pop()
        head = 0
        while a + head < b and c + head < d and old[a + head] == new[c + head]:
            head += 1
        tail = 0
        while a + head < b - tail and c + head < d - tail and old[b - tail - 1] == new[d - tail - 1]:
            tail += 1
        if head:
            found.append((a, c, head))
        if tail:
            found.append((b - tail, d - tail, tail))
        a, b, c, d = a + head, b - tail, c + head, d - tail
        if a == b or c == d:
            continue
        if (b - a) * (d - c) <= _EXACT:
            found += [
                (a + step.src_start, c + step.dest_start, step.src_end - step.src_start)
                for step in LCSseq.opcodes(old[a:b], new[c:d])
                if step.tag == "equal"
            ]
        elif depth < _ROUNDS and (cuts := _find_cuts(old[a:b], new[c:d])):
            at_old, at_new = a, c
            for i, j in [*((a + i, c + j) for i, j in cuts), (b, d)]:
                waiting.append((at_old, i, at_new, j, depth + 1))
                at_old, at_new = i, j
    found.sort()
    return found


def _find_cuts(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """Places in both where a run of items begins that stands once in each, in one order."""
    for size in _RUNS:
        there = _unique_runs(old, size)
        here = _unique_runs(new, size)
        pairs = sorted((i, here[run]) for run, i in there.items() if run in here)
        cuts = [(i, j) for i, j in _rising(pairs) if i or j]
        if cuts:
            return cuts
    return []


def _unique_runs(items: Sequence[int], size: int) -> dict[tuple[int, ...], int]:
    places: dict[tuple[int, ...], int] = {}
    for at, run in enumerate(zip(*(items[shift:] for shift in range(size)), strict=False)):
        places[run] = sys.maxsize if run in places else at
    return {run: at for run, at in places.items() if at < sys.maxsize}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of pairs in which the second numbers rise."""
    tops: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        place = bisect_left(tops, j)
        before.append(at[place - 1] if place else -1)
        if place == len(tops):
            tops.append(j)
            at.append(index)
        else:
            tops[place], at[place] = j, index
    kept: list[tuple[int, int]] = []
    index = at[-1] if at else -1
    while index >= 0:
        kept.append(pairs[index])
        index = before[index]
    return kept[::-1]


# --- fields ---------------------------------------------------------------------------------------------


def _compare_fields(old: Version, new: Version) -> Iterator[FieldChange]:
    for name in FIELDS:
        before, after = _tell(getattr(old, name)), _tell(getattr(new, name))
        if before == after:
            continue
        one = len(before) <= 1 and len(after) <= 1
        pieces = compare_lines(before[0], after[0]) if one and before and after and " " in before[0] + after[0] else ()
        kept = Counter(before) & Counter(after) if not one else Counter[str]()
        left, right = _without(before, kept), _without(after, kept)
        if not left and not right:  # the same in another order
            left, right, kept = before, after, Counter()
        yield FieldChange(name=name, old=left, new=right, pieces=pieces, kept=kept.total())


def _without(items: Iterable[str], kept: Mapping[str, int]) -> tuple[str, ...]:
    spare = Counter(kept)
    return tuple(item for item in items if not _take(spare, item))


def _take(spare: Counter[str], item: str) -> bool:
    spare[item] -= 1
    return spare[item] >= 0


FIELDS: Final = (
    *("url", "state", "moved_to", "publisher", "kind", "standfirst", "byline", "authors", "agencies", "published"),
    *("modified", "embargo", "section", "language", "description", "image", "images", "tags", "free", "notices"),
    *("notes_to_editors", "contacts", "ward", "committee", "documents", "document_of"),
)
"""Fields of a version that are compared, beside headline and text."""


def _tell(value: object) -> tuple[str, ...]:
    """A field in words, item by item; a date without where it was read."""
    match value:
        case None | "":
            return ()
        case bool():
            return ("yes" if value else "no",)
        case Moment():
            return (tell_moment(value),)
        case tuple():
            return tuple(word for item in value for word in _tell(item))
        case str():
            return (str(value),)
    told = [] if not hasattr(value, "model_dump") else value.model_dump(mode="json", exclude_none=True).values()
    return (" / ".join(str(each) for each in told),)


def tell_moment(moment: Moment) -> str:
    """A date as precise as the page gave it; times are UTC."""
    shown = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}.get(moment.precision, "%Y-%m-%d %H:%M:%SZ")
    return f"{moment.value:{shown}}"
