from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ArchiveError
from pipeline.lifecycle import (
    Making,
    Missing,
    current_version,
    decide,
    decide_quickly,
    is_same_address,
    newer_standing,
    rank_finding,
    standing_of,
)
from pipeline.model import Change, Finding, Outcome, Part, State, Stripped, Version, content_digest
from tests.pipeline.built_runs import HOUR, START, a_run, a_site, found, missing, unchanged, unusable, url_of

SITE = a_site(gone_after_checks=3, gone_after=timedelta(hours=24), publisher="The Publisher")


def making(run: str) -> Making:
    return Making(site=SITE, run=run, code="muniment 0", extractor="extractor 0")


class Story:
    """One article as runs publish it one after the other, with the memory that the frontier would keep."""

    def __init__(self) -> None:
        self.versions: list[Version] = []
        self.missing: list[Missing] = []
        self.seen_at = None

    def tell(self, finding: Finding, run: str) -> Outcome:
        decision = decide(making(run), finding, self.versions, missing=self.missing, seen_at=self.seen_at)
        at = finding.evidence.captured_at
        if finding.kind in ("gone", "blocked") and self.versions:
            status, kind = finding.evidence.status, finding.kind
            self.missing.append(Missing(run=run, url=finding.requested, at=at, status=status, kind=kind))  # type: ignore[arg-type]
        if finding.kind in ("article", "unchanged"):
            self.seen_at = max(self.seen_at or at, at)
        self.missing = [each for each in self.missing if self.seen_at is None or each.at > self.seen_at]
        if decision.version is not None and not decision.stands:
            self.versions.append(decision.version)
        return decision.outcome


def test_an_article_begins_with_a_new_version_that_carries_all_of_it():
    story, run = Story(), a_run(0)
    finding = found("a", "First text.", run, START)
    assert story.tell(finding, run) is Outcome.ARCHIVED
    (version,) = story.versions
    assert (version.n, version.change, version.state) == (1, Change.NEW, State.LIVE)
    assert (version.url, version.requested_url, version.final_url) == (url_of("a"),) * 3
    assert version.publisher == "The Publisher"
    assert version.evidence == finding.evidence
    assert version.captured_at == finding.evidence.captured_at
    assert version.authors == ("A. Writer", "B. Reader")
    assert version.extractor == "extractor 0"


def test_what_extracted_the_text_is_named_by_the_finding():
    finding = found("a", "First text.", a_run(0), START, extractor="extractor 9")
    version = decide(making(a_run(0)), finding, []).version
    assert version is not None
    assert version.extractor == "extractor 9"


def test_the_same_text_makes_no_version_and_another_text_does():
    story = Story()
    outcomes = [
        story.tell(found("a", text, a_run(hour), START + hour * HOUR), a_run(hour))
        for hour, text in enumerate(["One.", "One.", "Two.", "One."])
    ]
    assert outcomes == [Outcome.ARCHIVED, Outcome.UNCHANGED, Outcome.ARCHIVED, Outcome.ARCHIVED]
    assert [(version.n, version.text, version.change) for version in story.versions] == [
        (1, "One.", Change.NEW),
        (2, "Two.", Change.EDITED),
        (3, "One.", Change.EDITED),
    ]


def test_structure_alone_makes_no_version_and_is_carried_by_the_next_one():
    story = Story()

    def tell(hour: int, text: str, kind: str) -> Outcome:
        finding = found("a", text, a_run(hour), START + hour * HOUR)
        assert finding.article is not None
        parts = tuple(Part(kind=kind, text=line) for line in text.split("\n"))  # type: ignore[arg-type]
        article = finding.article.model_copy(update={"parts": parts, "kind": "live" if kind == "entry" else "article"})
        return story.tell(finding.model_copy(update={"article": article}), a_run(hour))

    outcomes = [tell(0, "One.", "paragraph"), tell(1, "One.", "heading"), tell(2, "Two.\nOne.", "entry")]
    assert outcomes == [Outcome.ARCHIVED, Outcome.UNCHANGED, Outcome.ARCHIVED]
    assert [(version.kind, [part.kind for part in version.parts]) for version in story.versions] == [
        ("article", ["paragraph"]),
        ("live", ["entry", "entry"]),
    ]


def test_a_tombstone_needs_enough_checks_and_enough_time():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in (1, 2, 3, 4, 24):  # many checks, a day less one hour between the first and the last
        assert story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour)) is Outcome.GONE
    last = missing("a", a_run(25), START + 25 * HOUR, 410)
    assert story.tell(last, a_run(25)) is Outcome.ARCHIVED
    tombstone = story.versions[-1]
    assert (tombstone.n, tombstone.change, tombstone.state) == (2, Change.GONE, State.GONE)
    assert (tombstone.text, tombstone.words, tombstone.title) == ("", 0, "A headline")
    assert tombstone.evidence == last.evidence
    assert tombstone.note == "answered 410 in 6 checks from 2026-11-22 10:00 UTC to 2026-11-23 10:00 UTC"
    assert tombstone.digest == content_digest("A headline", "")
    assert story.tell(missing("a", a_run(60), START + 60 * HOUR), a_run(60)) is Outcome.GONE


def test_two_checks_far_apart_are_not_enough_when_three_are_asked_for():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in (1, 200):
        assert story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour)) is Outcome.GONE
    assert len(story.versions) == 1


def test_an_article_seen_again_starts_the_count_anew():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in (1, 30):
        story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour))
    story.tell(unchanged("a", a_run(31), START + 31 * HOUR), a_run(31))
    for hour in (32, 40):
        story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour))
    assert [version.state for version in story.versions] == [State.LIVE]


@pytest.mark.parametrize(("kind", "status"), [("failed", 500), ("not-an-article", 200), ("excluded", 200)])
def test_a_storm_of_other_answers_makes_no_tombstone(kind: str, status: int):
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in range(1, 200, 10):
        outcome = story.tell(unusable("a", a_run(hour), START + hour * HOUR, kind, status), a_run(hour))
        assert outcome.value == kind
    assert len(story.versions) == 1


@pytest.mark.parametrize("status", [200, 401, 403, 429, 451, 503])
def test_a_page_that_alone_is_blocked_for_long_gets_a_version_and_no_tombstone(status: int):
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in (1, 13, 26, 40):
        story.tell(unusable("a", a_run(hour), START + hour * HOUR, "blocked", status), a_run(hour))
    assert [(version.change, version.state, version.text) for version in story.versions[1:]] == [
        (Change.BLOCKED, State.BLOCKED, "")
    ]
    assert story.versions[-1].evidence.status == status
    for hour in (50, 62, 80):
        story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour))
    assert story.versions[-1].state is State.GONE


@pytest.mark.parametrize("kind", ["gone", "blocked"])
def test_doubted_answers_count_only_when_they_go_on_for_a_week_and_blocks_never(kind: str):
    first = decide(making(a_run(0)), found("a", "One.", a_run(0), START), []).version
    assert first is not None
    told: list[Missing] = []
    ends = {}
    for hour in (1, 30, 100, 168, 170):
        finding = (missing if kind == "gone" else unusable)("a", a_run(hour), START + hour * HOUR)
        ends[hour] = decide(making(a_run(hour)), finding, [first], missing=told, doubted=True).version
        told.append(
            Missing(run=a_run(hour), url=url_of("a"), at=START + hour * HOUR, status=404, kind=kind, doubted=True)  # type: ignore[arg-type]
        )
    assert [hour for hour, version in ends.items() if version] == ([170] if kind == "gone" else [])


def test_an_edit_is_classed_and_a_cosmetic_one_makes_no_version():
    story = Story()
    for hour, text in enumerate(["A fire.\n3 comments", "A fire.\n4 comments", "A fire.\nCorrection: it was smoke."]):
        story.tell(found("a", text, a_run(hour), START + hour * HOUR), a_run(hour))
    assert [version.edit and version.edit.classes for version in story.versions] == [None, ("correction",)]


def test_a_late_cosmetic_edit_makes_no_version():
    story = Story()
    story.tell(found("a", "A fire.\n9 comments", a_run(9), START + 9 * HOUR), a_run(9))
    assert story.tell(found("a", "A fire.\n2 comments", a_run(2), START + 2 * HOUR), a_run(2)) is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "http://a.example/x", True),
        ("https://www.a.example/x/", "https://a.example/x", True),
        ("https://a.example/x?p=1", "https://a.example/x?p=2", False),
        ("https://a.example/x", "https://b.example/x", False),
    ],
)
def test_scheme_www_and_a_slash_make_no_other_address(one: str, other: str, same: bool):
    assert is_same_address(one, other) is same


def gone_story() -> Story:
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    for hour in (1, 13, 26):
        story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour))
    assert story.versions[-1].state is State.GONE
    return story


@pytest.mark.parametrize("text", ["One.", "Another."])
def test_a_live_capture_after_a_tombstone_restores_whatever_its_text(text: str):
    story = gone_story()
    assert story.tell(found("a", text, a_run(30), START + 30 * HOUR), a_run(30)) is Outcome.ARCHIVED
    version = story.versions[-1]
    assert (version.n, version.change, version.state, version.text) == (3, Change.RESTORED, State.RESTORED, text)
    assert story.tell(found("a", text, a_run(31), START + 31 * HOUR), a_run(31)) is Outcome.UNCHANGED


def test_not_modified_after_a_tombstone_restores_the_last_text():
    story = gone_story()
    finding = unchanged("a", a_run(30), START + 30 * HOUR)
    assert story.tell(finding, a_run(30)) is Outcome.ARCHIVED
    version = story.versions[-1]
    assert (version.change, version.text, version.evidence) == (Change.RESTORED, "One.", finding.evidence)
    assert version.digest == story.versions[0].digest


def test_a_page_that_was_never_archived_and_is_not_there_makes_nothing():
    story = Story()
    for hour in range(0, 100, 20):
        assert story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour)) is Outcome.GONE
    assert story.versions == []


def test_a_page_that_lives_under_another_url_gets_no_tombstone():
    versions = [decide(making(a_run(0)), found("a", "One.", a_run(0), START), []).version]
    before = [Missing(run=a_run(hour), url=url_of("a"), at=START + hour * HOUR, status=404) for hour in (1, 13)]
    finding = missing("a", a_run(26), START + 26 * HOUR)
    assert versions[0] is not None
    elsewhere = decide(making(a_run(26)), finding, [versions[0]], missing=before, live_elsewhere=True)
    nowhere = decide(making(a_run(26)), finding, [versions[0]], missing=before)
    assert (elsewhere.version, nowhere.outcome) == (None, Outcome.ARCHIVED)


def test_a_late_run_adds_only_a_text_that_is_in_no_version():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    story.tell(found("a", "Three.", a_run(10), START + 10 * HOUR), a_run(10))
    assert story.tell(found("a", "One.", a_run(5), START + 5 * HOUR), a_run(5)) is Outcome.UNCHANGED
    assert story.tell(found("a", "Two.", a_run(6), START + 6 * HOUR), a_run(6)) is Outcome.ARCHIVED
    assert [version.text for version in story.versions] == ["One.", "Three.", "Two."]
    current = current_version(story.versions)
    assert current is not None
    assert current.text == "Three."
    assert story.tell(found("a", "Three.", a_run(11), START + 11 * HOUR), a_run(11)) is Outcome.UNCHANGED


def test_a_late_missing_page_says_nothing_about_an_article_seen_since():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    story.tell(unchanged("a", a_run(100), START + 100 * HOUR), a_run(100))
    for hour in (1, 30, 60):
        assert story.tell(missing("a", a_run(hour), START + hour * HOUR), a_run(hour)) is Outcome.GONE
    assert len(story.versions) == 1


def test_a_run_finds_the_version_that_it_made_before():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    finding = found("a", "Two.", a_run(5), START + 5 * HOUR)
    story.tell(finding, a_run(5))
    story.tell(found("a", "Three.", a_run(9), START + 9 * HOUR), a_run(9))
    again = decide(making(a_run(5)), finding, story.versions)
    assert (again.stands, again.version) == (True, story.versions[1])


def test_a_run_finds_its_own_tombstone_after_the_observations_were_forgotten():
    story = gone_story()
    again = decide(making(a_run(26)), missing("a", a_run(26), START + 26 * HOUR), story.versions)
    assert (again.stands, again.version) == (True, story.versions[1])


def test_a_run_whose_findings_do_not_lead_to_its_version_is_refused_by_name():
    story = Story()
    story.tell(found("a", "One.", a_run(0), START), a_run(0))
    with pytest.raises(ArchiveError, match=f"version 1 was made by run {a_run(0)}"):
        decide(making(a_run(0)), found("a", "Other.", a_run(0), START), story.versions)


def test_a_later_release_of_the_code_may_finish_a_run():
    story = Story()
    finding = found("a", "One.", a_run(0), START)
    story.tell(finding, a_run(0))
    later = Making(site=SITE, run=a_run(0), code="muniment 1", extractor="extractor 1")
    assert decide(later, finding, story.versions).version == story.versions[0]


def test_the_canonical_capture_speaks_for_the_article_then_the_latest():
    run = a_run(0)
    canonical = found("a", "One.", run, START)
    alias = found("a", "Two.", run, START + HOUR, requested=url_of("alias"), final=url_of("alias"))
    other = found("a", "Three.", run, START + 2 * HOUR, requested=url_of("other"), final=url_of("other"))
    assert max([alias, canonical, other], key=rank_finding) is canonical
    assert max([other, alias], key=rank_finding) is other
    assert max([missing("a", run, START + 9 * HOUR), alias], key=rank_finding) is alias


TOLD = st.lists(
    st.tuples(
        st.sampled_from(
            ["one", "two", "three", "same", "gone", "gone", "gone", "blocked", "blocked", "failed", "moved", "back"]
        ),
        st.integers(min_value=1, max_value=40),
    ),
    max_size=30,
)


def finding_of(what: str, run: str, hours: float) -> Finding:
    at = START + hours * HOUR
    if what == "gone":
        return missing("a", run, at)
    if what == "same":
        return unchanged("a", run, at)
    if what in ("blocked", "failed"):
        return unusable("a", run, at, what)
    if what in ("moved", "back"):
        asked, answers = ("a", "b") if what == "moved" else ("b", "a")
        hops = ((301, url_of(answers)),)
        return found(answers, "one", run, at, requested=url_of(asked), hops=hops)
    return found("a", what, run, at)


@given(told=TOLD)
@settings(max_examples=200, deadline=None)
def test_whatever_comes_versions_are_numbered_differ_and_tombstones_have_evidence(told: list[tuple[str, int]]):
    story, hours = Story(), 0
    since: dict[str, list[int]] = {"gone": [], "blocked": []}
    for what, wait in told:
        hours += wait
        run = a_run(hours)
        before = len(story.versions)
        finding = finding_of(what, run, hours)
        outcome = story.tell(finding, run)
        made = story.versions[before:]
        assert (outcome is Outcome.ARCHIVED) == bool(made)
        if what in since:
            since[what].append(hours)
        elif what != "failed":
            since = {"gone": [], "blocked": []}
        for version in made:
            assert version.evidence == finding.evidence
            if version.state in (State.GONE, State.BLOCKED):
                assert len(since[what]) >= SITE.gone_after_checks
                assert (since[what][-1] - since[what][0]) * HOUR >= SITE.gone_after
            again = decide(making(run), finding, story.versions)
            assert (again.stands, again.version) == (True, version)
    assert [version.n for version in story.versions] == list(range(1, len(story.versions) + 1))
    absent = (State.GONE, State.BLOCKED)
    for older, newer in zip(story.versions, story.versions[1:], strict=False):
        if newer.state in absent:
            assert older.state not in absent or (older.state, newer.state) == (State.BLOCKED, State.GONE)
        elif older.state in absent:
            assert newer.state is State.RESTORED
        elif newer.state is State.MOVED:
            assert older.url != newer.url
        else:
            assert older.digest != newer.digest
    assert len({version.article for version in story.versions}) <= 1
    assert all(version.digest == content_digest(version.title, version.text) for version in story.versions)


@given(told=TOLD, order=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_in_whatever_order_runs_are_released_no_text_is_lost_and_the_current_one_is_the_newest(told, order):
    hours, findings = 0, []
    for what, wait in told:
        hours += wait
        findings.append((finding_of(what, a_run(hours), hours), a_run(hours)))
    order.shuffle(findings)
    story = Story()
    for finding, run in findings:
        story.tell(finding, run)
    texts = {finding.article.text for finding, _ in findings if finding.article}
    assert texts == {version.text for version in story.versions if version.text}
    assert [version.n for version in story.versions] == list(range(1, len(story.versions) + 1))
    for finding, run in findings:  # published once more, nothing comes of it
        count = len(story.versions)
        story.tell(finding, run)
        assert len(story.versions) == count or run not in {version.run for version in story.versions[:count]}


@given(told=TOLD)
@settings(max_examples=200, deadline=None)
def test_memory_decides_as_the_versions_do_where_it_decides(told: list[tuple[str, int]]):
    story, standing, hours = Story(), None, 0
    for what, wait in told:
        hours += wait
        run, finding = a_run(hours), finding_of(what, a_run(hours), hours)
        quick = decide_quickly(making(run), finding, standing)
        if quick is not None:
            assert quick == decide(making(run), finding, story.versions)
        story.tell(finding, run)
        now = standing_of(story.versions)
        if now is not None:
            standing = newer_standing(standing, now)
            assert standing == now


# --- our reading and the publisher's edits --------------------------------------------------------------


def read_as(finding: Finding, recipe: str, *left: str) -> Finding:
    """The finding as it is when the page is read by a recipe, and these lines are left out of its text."""
    assert finding.article is not None
    stripped = tuple(Stripped(text=text, reason="recurs on 9 of 9 pages", rule="memory") for text in left)
    article = finding.article.model_copy(update={"recipe": recipe, "stripped": stripped})
    return finding.model_copy(update={"article": article})


def read_at(hours: int, text: str, recipe: str, *left: str) -> Finding:
    return read_as(found("a", text, a_run(hours), START + hours * HOUR), recipe, *left)


PROMO = "Follow the Courier wherever you are and never miss a story from the harbour."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((f"One.\n{PROMO}\nTwo.", "r1"), ("One.\nTwo.", "r2", PROMO)),
        ((f"One.\n{PROMO}\nTwo.", "r1"), ("One.\nTwo.", "r1", PROMO)),  # what stands beside the text has changed
        ((f"One.\n{PROMO} Photo: A. Writer\nTwo.", "r1"), ("One.\nTwo.", "r2", PROMO, "Photo: A. Writer")),
        (("One.\nTwo.", "r1", PROMO), (f"One.\n{PROMO}\nTwo.", "r2")),
        ((f"One.\n{PROMO}\nFollow us\nTwo.", "r1"), ("One.\nTwo.", "r2", f"{PROMO}\nFollow us")),
        ((f"One.\n{PROMO}\nTwo.", "r1", "Legal line."), ("One.\nLegal line.\nTwo.", "r2", PROMO)),
        ((f"One.\n{PROMO * 20}\nTwo.", "r1"), ("One.\nTwo.", "r2", (PROMO * 20)[:580])),
        (
            ("One.\nArea | Last year\nNorth Ward | 314\nTwo.", "r1"),
            ("One.\nTwo.", "r2", "Area | Last year North Ward | 314"),
        ),
    ],
)
def test_what_only_moves_between_text_and_stripped_is_no_edit_of_the_publisher(first, second):
    story = Story()
    story.tell(read_at(0, *first), a_run(0))
    decision = decide(making(a_run(1)), read_at(1, *second), story.versions)
    assert (decision.outcome, decision.version) == (Outcome.UNCHANGED, None)
    assert decision.reason.startswith("read differently")
    assert decision.same is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((f"One.\n{PROMO}\nTwo.", "r1"), ("One.\nTwo.", "r2")),  # it is nowhere
        ((f"One.\n{PROMO}\nTwo.", "r1", PROMO), ("One.\nTwo.", "r2", PROMO)),  # it stood twice
        ((f"One.\n{PROMO}\nTwo.", "r1"), ("One.\nThree.", "r2", PROMO)),
    ],
)
def test_what_the_page_itself_has_otherwise_is_an_edit(first, second):
    story = Story()
    story.tell(read_at(0, *first), a_run(0))
    assert story.tell(read_at(1, *second), a_run(1)) is Outcome.ARCHIVED
    assert story.versions[-1].change is Change.EDITED


def test_an_edit_is_measured_without_what_we_read_differently():
    story = Story()
    story.tell(read_at(0, f"One.\n{PROMO}\nTwo.", "r1"), a_run(0))
    story.tell(read_at(1, "One.\nTwo and a half.", "r2", PROMO), a_run(1))
    edit = story.versions[-1].edit
    assert edit is not None
    assert (edit.words_added, edit.words_removed) == (4, 1)
    assert story.versions[-1].note == "read in another way than version 1: not all that differs need be the publisher's"


def test_the_versions_own_page_read_once_more_settles_what_is_an_edit():
    story = Story()
    story.tell(read_at(0, "One.\nRain on Monday, sun on Tuesday.\nTwo.", "r1"), a_run(0))
    same = read_at(1, "One.\nTwo.", "r2", "Snow on Friday, and more of it on Saturday.")
    again = read_at(0, "One.\nTwo.", "r2", "Rain on Monday, sun on Tuesday.").article
    moved = read_at(1, "One.\nRain on Monday, sun on Tuesday.\nTwo.", "r2", "Snow on Friday, and more of it.")
    assert decide(making(a_run(1)), moved, story.versions, before=again).version is None
    other = read_at(1, "One.\nThree.", "r2")
    assert decide(making(a_run(1)), same, story.versions).version is not None  # not to be told from its words
    assert decide(making(a_run(1)), same, story.versions, before=again).version is None
    version = decide(making(a_run(1)), other, story.versions, before=again).version
    assert version is not None
    assert version.note is None
    assert version.edit is not None
    assert (version.edit.words_added, version.edit.words_removed) == (1, 1)
