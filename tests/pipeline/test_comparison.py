"""What a difference promises, of any two texts, and how it reads where a person looks at it."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.comparison import (
    FIELDS,
    Paragraph,
    apply_difference,
    compare_lines,
    compare_texts,
    compare_versions,
    is_changed,
    read_pieces,
    reverse_difference,
)
from pipeline.errors import NotInArchive
from pipeline.model import Change, Image, Moment, State, Version, article_id, content_digest
from tests.pipeline.built_runs import START, a_run, an_evidence, url_of

WORDS = (
    *("the", "council", "said", "rose", "12", "13", "£1,200", "on", "Monday", "no", ".", ",", "—", "“Yes”"),
    *("i'r", "tŷ", "dŵr", "ŵ", "gw\u0302r", "المجلس", "قالَ", "٣", "\u200f", "市議会", "は", "予算", "を", "。", "สวัสดี"),
    *("हिन्दी", "👩\u200d👩\u200d👧", "\u0301", "\U0001f3fd", "\x00", "\t", "\u00a0", "\u2028", "\r"),
)
LINES = st.lists(st.sampled_from(WORDS), max_size=12).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
TEXTS = st.one_of(
    st.lists(LINES, max_size=10).map("\n".join),
    st.text(max_size=200),
    st.text(alphabet="ab \n", max_size=60),
)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and what became of it: paragraphs moved, changed, added, removed."""
    lines = draw(st.lists(LINES, max_size=10))
    after = list(draw(st.permutations(lines))) if draw(st.booleans()) else list(lines)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(after)))
        match draw(st.sampled_from(["add", "drop", "change"])):
            case "add":
                after.insert(at, draw(LINES))
            case "drop":
                del after[at : at + 1]
            case _ if at < len(after):
                after[at] += draw(LINES)
    return "\n".join(lines), "\n".join(after)


PAIRS = st.one_of(st.tuples(TEXTS, TEXTS), edited())


@given(PAIRS)
@example(("", "\n"))
@example(("\n", ""))
@example(("a\n\na", "\na\n"))
@example(("b\na", "a\nb"))
def test_applying_the_difference_gives_the_newer_text_back(pair: tuple[str, str]) -> None:
    old, new = pair
    assert apply_difference(old, compare_texts(old, new)) == new


@given(PAIRS)
@example(("b\na", "a\nb"))
def test_swapping_the_texts_reverses_the_difference(pair: tuple[str, str]) -> None:
    old, new = pair
    there, back = compare_texts(old, new), compare_texts(new, old)
    assert reverse_difference(there) == back
    assert reverse_difference(reverse_difference(there)) == there
    assert apply_difference(new, back) == old


@given(TEXTS)
def test_equal_texts_have_no_difference(text: str) -> None:
    assert {paragraph.kind for paragraph in compare_texts(text, text)} <= {"same"}


@given(PAIRS)
def test_texts_that_differ_have_a_difference(pair: tuple[str, str]) -> None:
    old, new = pair
    kinds = {paragraph.kind for paragraph in compare_texts(old, new)}
    assert (kinds <= {"same"}) == (old == new)


@given(PAIRS)
def test_every_paragraph_of_both_texts_stands_once_and_those_of_the_newer_in_order(pair: tuple[str, str]) -> None:
    old, new = pair
    found = compare_texts(old, new)
    olds = [paragraph.old for paragraph in found if paragraph.old and paragraph.kind != "left"]
    assert sorted(olds) == list(range(1, len(old.split("\n")) + 1 if old else 1))
    assert [paragraph.new for paragraph in found if paragraph.new and paragraph.kind != "left"] == list(
        range(1, len(new.split("\n")) + 1 if new else 1)
    )
    left = [paragraph.old for paragraph in found if paragraph.kind == "left"]
    assert sorted(filter(None, left)) == sorted(p.old for p in found if p.kind == "moved" and p.old)
    stood = [paragraph.old for paragraph in found if paragraph.old and paragraph.kind != "moved"]
    assert stood == sorted(stood), "the older text can be read along, too"


@given(st.tuples(LINES, LINES))
def test_the_pieces_of_a_headline_hold_both(pair: tuple[str, str]) -> None:
    pieces = compare_lines(*pair)
    assert (read_pieces(pieces, "removed"), read_pieces(pieces, "added")) == pair
    assert is_changed(pieces) == (pair[0] != pair[1])
    marks = [piece.mark for piece in pieces]
    assert all(one != other for one, other in pairwise(marks)), "neighbours of one kind are one"


def test_a_difference_is_refused_by_a_text_that_it_is_not_from() -> None:
    with pytest.raises(ValueError, match="another text"):
        apply_difference("Something else.", compare_texts("One.", "Two."))


def drawn(old: str, new: str) -> str:
    """The pieces with marks."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(marks[piece.mark].format(piece.text) for piece in compare_lines(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("12 people died on Monday.", "13 people died on Monday.", "[-12-]{+13+} people died on Monday."),
        ("It costs £1,200 a year.", "It costs £1,300 a year.", "It costs £[-1,200-]{+1,300+} a year."),
        ("A came. C left.", "A came. B stayed. C left.", "A came. {+B stayed. +}C left."),
        ("He went home.", "He went home and slept.", "He went home{+ and slept+}."),
        ("Aeth i'r tŷ mawr.", "Aeth i'r dŵr mawr.", "Aeth i'r [-tŷ-]{+dŵr+} mawr."),
        ("Aeth i'r tŷ.", "Aeth o'r tŷ.", "Aeth [-i'r-]{+o'r+} tŷ."),
        ("قال المجلس إن الجسر مغلق.", "قال المجلس إن الجسر مفتوح.", "قال المجلس إن الجسر [-مغلق-]{+مفتوح+}."),
        ("قَالَ نعم", "قَالَ لا", "قَالَ [-نعم-]{+لا+}"),
        ("市議会は予算を可決した。", "市議会は予算を否決した。", "市議会は予算を[-可-]{+否+}決した。"),
        ("道は閉じた。", "道は閉じた。橋は開いた。", "道は閉じた。{+橋は開いた。+}"),
        ("हिन्दी में", "हिन्दी से", "हिन्दी [-में-]{+से+}"),
        ("สวัสดีครับ", "สวัสดีค่ะ", "สวัสดี[-ครับ-]{+ค่ะ+}"),
        ("Say 👩\u200d👩\u200d👧 all.", "Say 👩\u200d👧 all.", "Say [-👩\u200d👩\u200d👧-]{+👩\u200d👧+} all."),
    ],
)  # fmt: skip
def test_words_are_told_apart_as_readers_of_the_language_do(old: str, new: str, shown: str) -> None:
    assert drawn(old, new) == shown


def test_a_sentence_that_was_written_anew_is_not_shredded() -> None:
    shown = drawn(
        "The mayor will resign at the end of the month, her office said.",
        "Nobody knows what comes next for the town and its people, residents complain.",
    )
    assert shown.count("[-") <= 2


def kinds(old: str, new: str) -> list[tuple[str, int | None, int | None]]:
    return [(paragraph.kind, paragraph.old, paragraph.new) for paragraph in compare_texts(old, new)]


A = "The council will close the iron bridge over the river for six weeks in spring."
B = "Engineers found rust in four of the hangers during an inspection last year."
C = "Buses will go round by the ring road, and the ferry will sail every twenty minutes."
D = "Traders of the covered market have asked for lower rents since footfall has dropped."


def text(*lines: str) -> str:
    return "\n".join(lines)


def test_paragraphs_are_added_removed_changed_and_moved() -> None:
    assert kinds(text(A, B, C), text(A, D, B, C)) == [
        ("same", 1, 1),
        ("added", None, 2),
        ("same", 2, 3),
        ("same", 3, 4),
    ]
    assert kinds(text(A, B, C), text(A, C)) == [("same", 1, 1), ("removed", 2, None), ("same", 3, 2)]
    assert kinds(text(A, B, C), text(A, B.replace("four", "five"), C))[1] == ("changed", 2, 2)
    assert kinds(text(A, B, C), text(C, A, B)) == [("moved", 3, 1), ("same", 1, 2), ("same", 2, 3), ("left", 3, 1)]


def test_a_paragraph_that_moved_and_changed_is_told_as_both() -> None:
    found = compare_texts(text(A, B, C), text(C.replace("twenty", "thirty"), A, B))
    assert found[0].kind == "moved"
    assert [(piece.mark, piece.text) for piece in found[0].pieces if piece.mark != "same"] == [
        ("removed", "twenty"),
        ("added", "thirty"),
    ]


def test_a_paragraph_in_the_place_of_another_one_is_not_its_edit() -> None:
    assert kinds(text(A, B, C), text(A, D, C)) == [
        ("same", 1, 1),
        ("removed", 2, None),
        ("added", None, 2),
        ("same", 3, 3),
    ]


def test_a_paragraph_that_was_written_on_is_the_same_paragraph() -> None:
    grown = f"{A} {B} {C} {D}"
    assert kinds(text(A, C), text(grown, C)) == [("changed", 1, 1), ("same", 2, 2)]
    assert kinds(text(grown, C), text(D, C)) == [("changed", 1, 1), ("same", 2, 2)]


def timed(old: str, new: str) -> tuple[float, tuple[Paragraph, ...]]:
    began = time.process_time()
    found = compare_texts(old, new)
    seconds = time.process_time() - began
    assert apply_difference(old, found) == new
    return seconds, found


def long_text(words: int, *, every: int = 10**9, a_line: int = 50) -> str:
    """A text of 3,000 different words in which each ``every``-th word is another one."""
    chance = random.Random(7)
    made = [f"w{chance.randrange(3000)}" for _ in range(words)]
    made = [f"new{n}" if n % every == 0 else word for n, word in enumerate(made, start=1)]
    return "\n".join(" ".join(made[at : at + a_line]) for at in range(0, words, a_line))


@pytest.mark.parametrize("a_line", [50, 10_000])
def test_two_texts_of_ten_thousand_words_are_compared_within_a_second(a_line: int) -> None:
    old, new = long_text(10_000, a_line=a_line), long_text(10_000, every=17, a_line=a_line)
    seconds, found = timed(old, new)
    assert {paragraph.kind for paragraph in found} == {"changed"}
    began = time.process_time()
    compare_versions(a_version(text=old), a_version(2, text=new))
    assert max(seconds, time.process_time() - began) < 1


@pytest.mark.parametrize("a_line", [60, 10**9], ids=["paragraphs", "one-line"])
def test_time_grows_with_the_length_and_not_with_its_square(a_line: int) -> None:
    old, new = long_text(160_000, a_line=a_line), long_text(160_000, every=17, a_line=a_line)
    seconds, found = timed(old, new)
    assert seconds < 10
    same = sum(len(p.text.split()) for paragraph in found for p in paragraph.pieces if p.mark == "same")
    assert same > 140_000, "what is alike is found in long texts, too"


def test_texts_without_any_landmark_are_compared_all_the_same() -> None:
    seconds, _ = timed("a b " * 50_000, "b a " * 50_001)
    assert seconds < 10
    seconds, _ = timed("a\nb\n" * 10_000, "b\na\na\n" * 10_000)
    assert seconds < 10


def a_version(n: int = 1, **facts: object) -> Version:
    base: dict[str, object] = {
        "site": "example-news",
        "article": article_id(url_of("a")),
        "url": url_of("a"),
        "n": n,
        "title": "A headline",
        "text": "One body.",
        "state": State.LIVE,
        "change": Change.NEW,
        "final_url": url_of("a"),
        "requested_url": url_of("a"),
        "publisher": "Example News",
        "run": a_run(n),
        "captured_at": START,
        "evidence": an_evidence(a_run(n), url_of("a"), START, 200),
        "extractor": "test",
        "code": "test",
        "words": 2,
        "digest": content_digest("A headline", "One body."),
    }
    return Version.model_validate({**base, **facts})


def a_moment(**facts: object) -> Moment:
    return Moment.model_validate({"value": START, "original": "22 Nov", "source": "meta", **facts})


def test_headline_and_metadata_are_compared_as_fields() -> None:
    old = a_version(authors=("Ann Lee", "Bo Ek"), published=a_moment(), free=True, tags=("a", "b", "b"), section="News")
    new = a_version(
        2,
        title="A new headline",
        authors=("Bo Ek", "Cy Orr"),
        published=a_moment(source="json-ld"),
        modified=a_moment(precision="day"),
        free=False,
        tags=("b", "a", "b"),
        images=(Image(url="https://news.example/a.jpg", caption="A bridge"),),
        description="What it is about",
    )
    found = compare_versions(old, new)
    assert read_pieces(found.title, "added") == "A new headline"
    assert {change.name: (change.old, change.new) for change in found.fields} == {
        "authors": (("Ann Lee",), ("Cy Orr",)),
        "modified": ((), ("2026-11-22",)),
        "section": (("News",), ()),
        "description": ((), ("What it is about",)),
        "images": ((), ("https://news.example/a.jpg / A bridge",)),
        "tags": (("a", "b", "b"), ("b", "a", "b")),
        "free": (("yes",), ("no",)),
    }, "a date that is read elsewhere on the page is the same date"
    assert found.classes == ("headline",)
    assert (found.words_added, found.words_removed) == (1, 0)
    assert found.has_edits
    assert not compare_versions(old, old).has_edits
    assert compare_versions(old, old).fields == ()


def test_every_field_of_an_article_is_compared_or_left_out_on_purpose() -> None:
    told_elsewhere = {"title", "text", "words", "digest", "essence", "edit", "contract"}
    ours = {
        "site",
        "article",
        "n",
        "change",
        "run",
        "code",
        "extractor",
        "recipe",
        "evidence",
        "captured_at",
        "note",
        "origin",
    }
    of_reading = {"origins", "confidence", "stripped", "parts", "bylines"}  # the byline is compared as it stands
    of_fetching = {"final_url", "requested_url", "hops", "facts", "policy"}
    assert set(FIELDS) == set(Version.model_fields) - told_elsewhere - ours - of_reading - of_fetching


def test_what_is_withheld_is_not_compared() -> None:
    stub = a_version(2, state=State.REDACTED, title="", text="", words=0)
    for pair in ((a_version(), stub), (stub, a_version())):
        with pytest.raises(NotInArchive, match=r"Version 2 .* is withheld"):
            compare_versions(*pair)
