"""What is counted of a run's findings, so that it can be held against normal."""

from __future__ import annotations

from datetime import timedelta

from pipeline.check.tally import Tally
from pipeline.model import Finding, Moment
from pipeline.normal.openings import Openings, pack_openings
from tests.pipeline.test_check import AT, a_finding


def counted(*findings: Finding, known: Openings | None = None) -> Tally:
    tally = Tally(known=known or Openings(""))
    for finding in findings:
        tally.add(finding)
    return tally


def changed(finding: Finding, **facts: object) -> Finding:
    assert finding.article is not None
    return finding.model_copy(update={"article": finding.article.model_copy(update=facts)})


def dated(days: float, *, why: str = "new") -> Finding:
    moment = Moment(value=AT + timedelta(days=days), original="x", source="meta")
    return changed(a_finding(), published=moment).model_copy(update={"facts": {"why": why}})


def test_each_field_is_counted_that_an_article_has() -> None:
    full = changed(a_finding(), authors=("A. Writer",), image="https://x.example/i.jpg", language="en-GB")
    tally = counted(full, a_finding(dated=False))
    assert dict(tally.fill) == {"title": 2, "published": 1, "authors": 1, "image": 1, "language": 1}
    assert tally.languages == {"en": 1}


def test_dates_that_cannot_be_are_told_apart_from_those_of_tomorrow() -> None:
    early = Moment(value=AT - timedelta(days=3), original="x", source="meta")
    disordered = changed(a_finding(), modified=early)
    tally = counted(dated(1), dated(40), dated(-15_000), disordered)
    assert tally.odd_dates == {"in the future": 1, "older than the web": 1, "changed before they were published": 1}


def test_only_new_articles_tell_how_late_we_are() -> None:
    tally = counted(dated(-0.25), dated(-0.5), dated(-100, why="due"), dated(-90))
    assert tally.new == 3
    assert tally.stale == 1
    assert tally.lag == 0.5 * 86400


def test_a_page_that_is_remembered_is_held_against_its_length() -> None:
    first = a_finding()
    before = counted(first)
    known = Openings(pack_openings(before.openings))
    assert first.article is not None
    short = changed(first, words=first.article.words // 3)
    tally = counted(short, first, known=known)
    assert (tally.pairs, len(tally.shrunk)) == (2, 1)
    assert not tally.openings
    assert not tally.copies


def test_one_headline_and_one_moment_count_from_the_third_article_on() -> None:
    same = [a_finding(title="The Gazette") for _ in range(4)]
    assert counted(*same).one_title == 4
    assert counted(*same[:2]).one_title == 0
    assert counted(*same).one_moment == 4


def test_phrases_of_walls_are_found_at_both_ends_of_a_text() -> None:
    story = "The council met and agreed on the plan for the bridge. " * 40
    walled = a_finding(text=story + "\nSubscribe to continue reading. Already a subscriber?")
    assert len(counted(walled, a_finding(text=story)).phrases) == 1
