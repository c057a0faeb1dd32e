from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Article, Moment, Part, State, TakedownOrder, Version
from pipeline.takedown.cleaning import Target, clean_article, clean_document, clean_finding, clean_version, lines_of
from pipeline.takedown.words import MARK, mark_of
from tests.pipeline.built_runs import START, a_run, a_site, found

SITE = a_site()


def a_target(article: str, *spans: str, **more: object) -> Target:
    order = TakedownOrder(
        site=SITE.id,
        takedown=a_run(1),
        article=article,
        url="https://news.example/news/budget",
        spans=tuple(map(mark_of, spans)),
        by="legal",
        reason="no. 1",
        ordered_at=START,
    )
    return Target(order=order, spans=spans, **more)  # type: ignore[arg-type]


def an_article(**more: object) -> Article:
    finding = found("budget", "The budget of Anne Secret.", a_run(0), START)
    assert finding.article is not None
    return finding.article.model_copy(update=more)


def a_version(**more: object) -> Version:
    finding = found("budget", "The budget of Anne Secret.", a_run(0), START)
    assert finding.article is not None
    return Version(
        **finding.article.model_dump(),
        site=SITE.id,
        n=1,
        state=State.LIVE,
        change="new",
        final_url=finding.final,
        requested_url=finding.requested,
        publisher="Example News",
        run=a_run(0),
        captured_at=START,
        evidence=finding.evidence,
        extractor="x",
        code="muniment 0",
    ).model_copy(update=more)


def test_every_text_of_a_version_is_redacted_and_what_identifies_it_is_not() -> None:
    version = a_version(
        title="Anne Secret wins",
        standfirst="For anne  secret",
        authors=("Anne Secret",),
        facts={"author": "Anne Secret"},
        note="edited for Anne Secret",
        published=Moment(value=datetime(2026, 1, 1, tzinfo=UTC), original="by Anne Secret on 1 Jan", source="page"),
        parts=(Part(text="The budget of Anne"), Part(text="Secret.")),
        text="The budget of Anne\nSecret.",
    )
    redacted = clean_version(version, [a_target(version.article, "Anne Secret")])
    assert "Secret" not in redacted.model_dump_json()
    assert redacted.title == f"{MARK} wins"
    assert redacted.text == f"The budget of {MARK}\n{MARK}."
    assert [part.text for part in redacted.parts] == redacted.text.split("\n")
    assert redacted.note == f"edited for {MARK}; redacted: takedown {a_run(1)}"
    kept = ("url", "digest", "essence", "evidence", "state", "n", "captured_at")
    assert [getattr(redacted, name) for name in kept] == [getattr(version, name) for name in kept]
    assert clean_version(redacted, [a_target(version.article, "Anne Secret")]) == redacted


def test_a_version_without_the_words_or_of_another_article_is_the_same_object() -> None:
    version = a_version()
    assert clean_version(version, [a_target(version.article, "Somebody Else")]) is version
    assert clean_version(version, [a_target("0" * 20)]) is version


def test_a_stub_has_every_field_of_a_version_and_can_be_read_again() -> None:
    version = a_version(description="Anne Secret", tags=("Secret",))
    stub = clean_version(version, [a_target(version.article)])
    assert stub == Version.model_validate_json(stub.to_json())
    assert "Secret" not in stub.model_dump_json()
    assert clean_version(stub, [a_target(version.article)]) == stub


@given(st.sampled_from(sorted(Version.model_fields)))
def test_no_field_of_a_stub_is_left_but_those_that_identify_it(name: str) -> None:
    version = a_version()
    marked = version.model_copy(update={name: "Anne Secret"}) if isinstance(getattr(version, name), str) else version
    if name in ("site", "article", "run", "url", "final_url", "requested_url", "publisher", "extractor", "code"):
        return
    if name in ("kind", "digest", "essence", "recipe", "language", "change", "state", "moved_to", "contract"):
        return
    stub = clean_version(marked, [a_target(version.article)])
    assert getattr(stub, name) != "Anne Secret"


def test_an_article_that_comes_in_is_emptied_or_redacted() -> None:
    article = an_article()
    assert clean_article(article, [a_target(article.article)]).text == ""
    assert clean_article(article, [a_target(article.article, "Anne Secret")]).text == f"The budget of {MARK}."
    assert clean_article(article, [a_target(article.article)]).digest == article.digest


def test_a_finding_of_the_article_keeps_its_kind_and_evidence_and_no_words() -> None:
    finding = found("budget", "The budget of Anne Secret.", a_run(0), START)
    line = finding.model_copy(update={"facts": {"author": "Anne Secret", "why": "new"}}).model_dump(mode="json")
    assert finding.article is not None
    cleaned = clean_finding(line, [a_target(finding.article.article)])
    assert "Secret" not in str(cleaned)
    assert {name: cleaned[name] for name in ("kind", "evidence", "requested")} == {
        name: line[name] for name in ("kind", "evidence", "requested")
    }
    assert cleaned["facts"] == {"why": "new"}
    assert clean_finding(line, [a_target("0" * 20)]) == line


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ('<a href="/news/budget">x</a>', True),
        ("https://news.example/news/budget?utm_source=x", True),
        ('{"url": "https:\\/\\/news.example\\/news\\/budget"}', True),
        ('<a href="/news/budget-2">x</a>', False),
        ("<title>Councillors agree on budget at last</title>", True),
        ("<title>Budget</title>", False),
    ],
)
def test_a_source_gives_an_article_away_by_its_address_or_headline(source: str, named: bool) -> None:
    target = a_target(
        "0" * 20,
        urls=frozenset({"https://news.example/news/budget"}),
        titles=("Councillors agree on budget at last", "Budget"),
    )
    assert target.gives_away(source) == named


def test_learned_blocks_that_begin_a_line_of_the_article_are_emptied() -> None:
    lines = lines_of([an_article(text="The very first line of it is long enough.\nShort.")])
    known = {"texts": {"a": "The very first line of it", "b": "Sign up for our letter"}, "stories": 3}
    cleaned = clean_document(known, [a_target("0" * 20, lines=lines)])
    assert cleaned == {"texts": {"a": "", "b": "Sign up for our letter"}, "stories": 3}
