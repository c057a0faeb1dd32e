"""The page of an article, out of its versions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.errors import NotInArchive
from pipeline.model import Change, Moment, State
from pipeline.web.article_page import SHOWN, choose_window, make_article_view, make_comparison_view, tell_language
from tests.pipeline.built_runs import START
from tests.pipeline.test_comparison import a_version

TEXT = "\n".join(f"Paragraph {number} of the story." for number in range(1, 12))


def test_the_version_that_stands_is_shown_unless_another_is_asked_for() -> None:
    first, second = a_version(text="One."), a_version(2, text="Two.", captured_at=START + timedelta(days=1))
    assert make_article_view([first, second], None, 2).version is second
    assert make_article_view([first, second], 1, 2).version is first


def test_the_timeline_is_newest_first_and_compares_with_what_could_be_read_before() -> None:
    versions = [
        a_version(text="One."),
        a_version(2, text="", title="", state=State.REDACTED, captured_at=START + timedelta(days=1)),
        a_version(3, text="Three.", change=Change.EDITED, captured_at=START + timedelta(days=2)),
    ]
    steps = make_article_view(versions, None, 3).steps
    assert [(step.version.n, step.withheld, step.earlier) for step in steps] == [
        (3, False, 1),
        (2, True, None),
        (1, False, None),
    ]
    assert steps[0].stands


@pytest.mark.parametrize("count", [1, 2, SHOWN - 1, SHOWN, SHOWN + 1, 2 * SHOWN, 7 * SHOWN + 3])
def test_going_to_older_versions_comes_by_every_one_and_to_newer_ones_back_again(count: int) -> None:
    there, before = [], None
    while True:
        listed = choose_window(count, before)
        assert listed is not None
        assert 1 <= len(listed.numbers) <= SHOWN
        there.append(listed)
        if listed.older is None:
            break
        before = listed.older
    assert {n for listed in there for n in listed.numbers} == set(range(1, count + 1))
    assert [later.numbers[-1] for later in there[1:]] == [each.numbers[0] for each in there[:-1]], "to compare with"
    assert [listed.newer is None for listed in there] == [True] + [False] * (len(there) - 1)
    back = [there[-1]]
    while back[-1].newer is not None:
        newer = choose_window(count, back[-1].newer or None)
        assert newer is not None
        back.append(newer)
    assert back[-1] == there[0]
    assert (choose_window(count, 1), choose_window(0), choose_window(count, 999_999)) == (None, None, there[0])


def test_a_version_that_stands_is_told_on_no_page_of_older_ones() -> None:
    versions = [a_version(n, text=f"{n}.", captured_at=START + timedelta(hours=n)) for n in range(1, 3 * SHOWN)]
    listed = choose_window(len(versions), SHOWN)
    view = make_article_view(versions, 3, len(versions), listed)
    assert view.version is versions[2]
    assert [step.version.n for step in view.steps] == list(range(SHOWN - 1, 0, -1))
    assert not any(step.stands for step in view.steps)
    assert make_article_view(versions, None, len(versions)).steps[0].stands


def test_fields_are_told_with_where_they_were_read_and_how_sure_that_is() -> None:
    version = a_version(
        published=Moment(value=START, original="22 Nov", source="time", precision="day", zone_assumed=True),
        authors=("A. Writer", "B. Reader"),
        free=False,
        origins={"authors": "byline"},
        confidence={"authors": 0.9},
    )
    fields = {field.name: field for field in make_article_view([version], None, 1).fields}
    assert fields["published"].values == ("2026-11-22 (“22 Nov”, time, zone assumed)",)
    assert fields["authors"].values == ("A. Writer", "B. Reader")
    assert (fields["authors"].origin, fields["authors"].confidence) == ("byline", 0.9)
    assert fields["free"].values == ("no",)


def test_both_sides_of_a_comparison_hold_their_text_and_nothing_of_the_other() -> None:
    old, new = a_version(text=TEXT), a_version(2, text=TEXT.replace("Paragraph 3", "Part three"))
    view = make_comparison_view(old, new)
    pairs = [pair for stretch in view.stretches for pair in stretch.pairs]
    assert "\n".join("".join(piece.text for piece in pair.old.pieces) for pair in pairs if pair.old) == old.text
    assert "\n".join("".join(piece.text for piece in pair.new.pieces) for pair in pairs if pair.new) == new.text
    assert {piece.mark for pair in pairs if pair.old for piece in pair.old.pieces} == {"same", "removed"}


def test_what_did_not_change_is_folded_away() -> None:
    view = make_comparison_view(a_version(text=TEXT), a_version(2, text=TEXT.replace("Paragraph 3", "Part three")))
    assert [(stretch.folded, len(stretch.pairs)) for stretch in view.stretches] == [(False, 1), (False, 3), (True, 7)]


def test_nothing_is_compared_with_what_is_withheld() -> None:
    with pytest.raises(NotInArchive):
        make_comparison_view(a_version(), a_version(2, state=State.REDACTED))


@pytest.mark.parametrize(("tag", "told"), [("en-GB", "en-GB"), (None, ""), ('en" onclick="x', ""), ("", "")])
def test_only_a_language_tag_is_one(tag: str | None, told: str) -> None:
    assert tell_language(a_version(language=tag)) == told
