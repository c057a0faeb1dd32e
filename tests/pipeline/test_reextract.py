"""Captures read again: side by side, judged, and published only where the text of today would be another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.errors import ArchiveError, NotInArchive, RunRejected
from pipeline.frontier import Frontier
from pipeline.lifecycle import current_version
from pipeline.model import Change, Comparison, State, Version, article_id
from pipeline.reextract import judge_again, plan_reextraction
from pipeline.settings import Settings
from pipeline.steps import Workplace, check, compare, extract, plan_again, publish, reextract_run, release
from pipeline.table import dataset
from pipeline.takedown import order_takedown
from spiders.site import CheckLimits, ExtractRules, Site
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, lend_extractor, page, publish_pages
from tests.pipeline.built_runs import HOUR, START, a_run, url_of
from tests.pipeline.crashes import check_whole, write_story

AGAIN = a_run(30, "again")
PAST = [a_run(0), a_run(2), a_run(6)]


def ruled(*strip: str) -> Site:
    """The site with a rule that reads its pages otherwise."""
    return SITE.model_copy(update={"extract": (ExtractRules(strip=strip),)})


SECOND, FOURTH, ALL = ruled("p:nth-of-type(2)"), ruled("p:nth-of-type(4)"), ruled("article p")


@pytest.fixture
def work(settings: Settings) -> Workplace:
    return build_archive(settings)


def under(work: Workplace, site: Site) -> Workplace:
    """The workplace with a site's file as somebody has changed it."""
    return replace(work, sites={SITE.id: site})


def read_segments(work: Workplace, run: str) -> None:
    with lend_extractor() as extractor:
        for number in work.archive.numbered_segments(SITE.id, run):
            extract(work, SITE.id, run, number, extractor=extractor)


def reextract(work: Workplace, run: str = AGAIN, **which: object) -> dict[str, int]:
    """All steps; versions made."""
    plan_again(work, SITE.id, run, **which)  # type: ignore[arg-type]
    read_segments(work, run)
    check(work, SITE.id, run)
    return dict(publish(work, SITE.id, run).versions)


def versions(archive: Archive, name: str) -> list[Version]:
    return archive.versions(SITE.id, article_id(url_of(name)))


def current(archive: Archive, name: str) -> Version:
    found = current_version(versions(archive, name))
    assert found is not None
    return found


def assert_clean(work: Workplace) -> None:
    audited = audit_archive(work.archive, patience=0)
    assert audited.clean, audited.discrepancies


def test_only_pages_that_are_read_otherwise_get_a_version_with_moment_and_evidence_of_their_capture(
    work: Workplace,
) -> None:
    before = current(work.archive, "bridge")
    assert "two million" in before.text

    assert reextract(under(work, FOURTH)) == {"reextracted": 1}

    made = current(work.archive, "bridge")
    assert (made.n, made.change, made.state, made.run) == (before.n + 1, Change.REEXTRACTED, State.LIVE, AGAIN)
    assert "two million" not in made.text
    assert (made.captured_at, made.evidence) == (before.captured_at, before.evidence)
    assert made.edit is None
    compared = work.archive.read_comparison(SITE.id, AGAIN)
    assert compared is not None
    assert (compared.pages, compared.articles, compared.same, compared.text) == (11, 6, 5, 1)
    assert (compared.came, compared.went, compared.words_added) == (0, 0, 0)
    assert compared.words_removed == 12
    assert [(each.url, each.what) for each in compared.examples if each.what == "text"] == [(url_of("bridge"), "text")]
    row = dataset(work.archive).to_table(columns=["n", "change", "run"]).to_pylist()
    assert {"n": made.n, "change": "reextracted", "run": AGAIN} in row
    check_whole(work.archive, SITE, [*PAST, AGAIN])
    assert_clean(work)


def test_an_older_capture_does_not_become_the_text_and_what_is_gone_stays_gone(work: Workplace) -> None:
    states = {name: current(work.archive, name).state for name in STORIES}

    assert reextract(under(work, SECOND)) == {"reextracted": 4}

    for name in ("bridge", "library", "market"):
        made = current(work.archive, name)
        assert (made.change, made.run) == (Change.REEXTRACTED, AGAIN)
    assert current(work.archive, "market").title == "Council lowers market rents"
    assert [each.n for each in versions(work.archive, "bridge")] == [1, 2, 3], "its first capture makes none"
    assert {name: current(work.archive, name).state for name in STORIES} == states
    assert versions(work.archive, "pool")[-1].change is Change.REEXTRACTED
    assert current(work.archive, "pool").state is State.GONE
    assert_clean(work)


@pytest.mark.slow
def test_a_later_run_takes_the_new_reading_for_what_stands(work: Workplace) -> None:
    reextract(under(work, SECOND))
    pages: dict[str, bytes | int] = {"library": page("library"), "market": page("market", title="Rents rise again")}
    run = publish_pages(under(work, SECOND), SECOND, a_run(40), START + 40 * HOUR, pages)
    published = work.archive.read_published(SITE.id, run)
    assert published is not None
    assert published.versions == {"edited": 1}
    edit = current(work.archive, "market").edit
    assert edit is not None
    assert edit.classes == ("headline",)


@pytest.mark.slow
def test_where_nothing_is_read_otherwise_nothing_is_made_and_again_it_is_the_same(work: Workplace) -> None:
    assert reextract(work) == {}
    assert reextract(work, a_run(31), since=date(2026, 11, 22), until=date(2026, 11, 22)) == {}
    once = reextract(under(work, FOURTH), a_run(32))
    assert once == {"reextracted": 1}
    assert reextract(under(work, FOURTH), a_run(33)) == {}
    assert reextract(work, a_run(34)) == {"reextracted": 1}, "the rule was wrong, and is taken back"
    assert "two million" in current(work.archive, "bridge").text
    assert_clean(work)


def test_a_frontier_that_is_made_anew_is_the_one_that_was(work: Workplace) -> None:
    reextract(under(work, SECOND))
    with Frontier.open(work.archive, SITE) as standing:
        before = standing.rows()
    with Frontier(work.archive, SITE) as rebuilt:
        rebuilt.replace_by_rebuilt()
        assert rebuilt.rows() == before
    assert before["missing"], "the answers for the pool are there, each once"


@pytest.mark.slow
def test_a_reading_that_loses_the_articles_is_rejected_and_changes_nothing(work: Workplace) -> None:
    bad = under(work, ALL)
    plan_again(bad, SITE.id, AGAIN)
    read_segments(bad, AGAIN)
    with pytest.raises(RunRejected, match="6 of 6 articles are none any more"):
        check(bad, SITE.id, AGAIN)
    with pytest.raises(RunRejected):
        publish(bad, SITE.id, AGAIN)
    assert {each.run for name in STORIES for each in versions(work.archive, name)} <= set(PAST)
    assert_clean(work)


@pytest.mark.slow
def test_what_is_taken_down_gets_no_version_and_is_not_read(work: Workplace) -> None:
    order_takedown(
        work.archive, SITE.id, article_id(url_of("library")), by="legal", reason="no. 7", now=START + 9 * HOUR
    )
    order_takedown(
        work.archive,
        SITE.id,
        article_id(url_of("market")),
        by="legal",
        reason="no. 8",
        now=START + 9 * HOUR,
        spans=["since the bus station moved"],
    )
    before = {name: versions(work.archive, name) for name in ("library", "market")}
    assert reextract(under(work, ruled("p:nth-of-type(3)"))) == {"reextracted": 2}
    assert {name: versions(work.archive, name) for name in before} == before
    for finding in work.archive.read_findings(SITE.id, AGAIN):
        assert "library" not in finding.requested or finding.article is None
    assert_clean(work)


@pytest.mark.slow
def test_pages_that_a_wrong_rule_had_made_one_template_get_their_first_versions(work: Workplace) -> None:
    same, names = STORIES["market"][1][1:], ("Wendover", "Saltmarsh", "Kirkby")
    pages: dict[str, bytes | int] = {
        name: page(name, title="Notice", paragraphs=(write_story(name, 8)[0], *same)) for name in names
    }
    pages |= {f"{name}-2": page(f"{name}-2", title=name, paragraphs=write_story(name, 9)) for name in names}
    wrong = ruled("p:nth-of-type(1)").model_copy(update={"check": CheckLimits(max_same_body_share=1.0)})
    run = publish_pages(under(work, wrong), wrong, a_run(8), START + 8 * HOUR, pages)
    published = work.archive.read_published(SITE.id, run)
    assert published is not None
    assert published.versions == {"new": 3}

    assert reextract(under(work, wrong), a_run(29), of=run) == {}, "one text is a template's still"
    assert reextract(work, of=run) == {"new": 3, "reextracted": 3}
    assert current(work.archive, "Kirkby").captured_at < START + 9 * HOUR
    assert_clean(work)


def reject(work: Workplace, hours: float) -> str:
    """A run whose pages a wrong rule reads as no articles: an edit, and six new ones."""
    run, bad = a_run(hours), under(work, ALL)
    pages: dict[str, bytes | int] = {
        f"new-{name}": page(name, title=f"News from {name}", paragraphs=write_story(name, 8))
        for name in ("Wendover", "Saltmarsh", "Kirkby", "Ulverston", "Hexham", "Alnwick")
    }
    pages["market"] = page("market", title="Rents fall after all")
    crawl_pages(work, SITE, run, START + hours * HOUR, pages)
    read_segments(bad, run)
    with pytest.raises(RunRejected):
        check(bad, SITE.id, run)
    return run


def test_a_rejected_run_is_published_as_it_should_have_been_read(work: Workplace) -> None:
    run = reject(work, 8)

    assert reextract(work, of=run) == {"new": 6, "edited": 1}

    made = current(work.archive, "market")
    assert (made.change, made.run) == (Change.EDITED, AGAIN)
    assert f"/{run}-" in made.evidence.warc
    compared = work.archive.read_comparison(SITE.id, AGAIN)
    assert compared is not None
    assert (compared.articles_before, compared.came) == (0, 7)
    assert publish(work, SITE.id, AGAIN).versions == {"new": 6, "edited": 1}
    with pytest.raises(ArchiveError, match=f"published by run {AGAIN}"):
        release(work, SITE.id, run, by="Nia", reason="It was right.")
    with pytest.raises(ArchiveError, match=f"published by run {AGAIN}"):
        plan_reextraction(work.archive, SITE.id, a_run(50), of=run)
    assert work.archive.read_published(SITE.id, run) is None
    lines = work.archive.store.get(work.archive.index_key(SITE.id, AGAIN)).body
    assert lines.count(run.encode()) >= 7, "its captures can be replayed"
    check_whole(work.archive, SITE, [*PAST, AGAIN])
    assert_clean(work)
    with Frontier.open(work.archive, SITE) as standing:
        before = standing.rows()
    with Frontier(work.archive, SITE) as rebuilt:
        rebuilt.replace_by_rebuilt()
        assert rebuilt.rows() == before
    # What it has published may be read again as any other run.
    assert reextract(under(work, SECOND), a_run(51), of=AGAIN) == {"reextracted": 7}
    assert_clean(work)


@pytest.mark.slow
def test_a_run_that_was_released_while_it_was_read_again_is_published_once(work: Workplace) -> None:
    run = reject(work, 8)
    plan_again(work, SITE.id, AGAIN, of=run)
    read_segments(work, AGAIN)
    check(work, SITE.id, AGAIN)
    release(work, SITE.id, run, by="Nia", reason="It was right.")
    with pytest.raises(ArchiveError, match="was released by Nia"):
        publish(work, SITE.id, AGAIN)
    assert current(work.archive, "market").n == 2
    assert_clean(work)


@pytest.mark.slow
def test_a_run_that_is_published_meanwhile_keeps_its_newer_text(work: Workplace) -> None:
    plan_again(work, SITE.id, AGAIN)
    read_segments(under(work, SECOND), AGAIN)
    check(work, SITE.id, AGAIN)
    newer = (*STORIES["bridge"][1], "It will open again in May, three weeks before the regatta on the river begins.")
    publish_pages(work, SITE, a_run(31), START + 31 * HOUR, {"bridge": page("bridge", paragraphs=newer)})

    assert publish(work, SITE.id, AGAIN).versions == {"reextracted": 3}

    assert "regatta" in current(work.archive, "bridge").text
    assert current(work.archive, "bridge").change is Change.EDITED
    assert_clean(work)


@pytest.mark.slow
def test_what_was_only_compared_goes_on_later(work: Workplace) -> None:
    again = under(work, FOURTH)
    plan_again(again, SITE.id, AGAIN)
    done = reextract_run(again, SITE.id, AGAIN, compare_only=True)
    assert (done.comparison.text, done.published) == (1, None)
    assert work.archive.read_report(SITE.id, AGAIN) is None
    audited = audit_archive(work.archive, patience=0)
    assert audited.clean, audited.discrepancies
    assert [f"muniment reextract {AGAIN}" in note.message for note in audited.notes] == [True]
    assert compare(again, SITE.id, AGAIN) == done.comparison
    published = reextract_run(again, SITE.id, AGAIN).published
    assert published is not None
    assert published.versions == {"reextracted": 1}


@pytest.mark.slow
def test_what_cannot_be_read_again_is_refused_in_words(work: Workplace) -> None:
    archive = work.archive
    with pytest.raises(NotInArchive, match="has not come to its end"):
        plan_reextraction(archive, SITE.id, AGAIN, of=a_run(99))
    with pytest.raises(NotInArchive, match="nothing to read again"):
        plan_reextraction(archive, SITE.id, AGAIN, since=date(2030, 1, 1))
    with pytest.raises(NotInArchive, match="is not a run's id"):
        plan_reextraction(archive, SITE.id, AGAIN, of="yesterday")
    assert archive.read_orders(SITE.id, AGAIN) is None
    plan = plan_reextraction(archive, SITE.id, AGAIN)
    assert plan_reextraction(archive, SITE.id, AGAIN, of=a_run(0)) == plan, "what was said first stands"
    with pytest.raises(NotInArchive, match="cannot read segment 00077"):
        extract(work, SITE.id, AGAIN, 77)


@pytest.mark.parametrize(
    ("figures", "verdict", "word"),
    [
        ({}, "accept", "100 captures"),
        ({"went": 4}, "warn", "4 of 100 articles"),
        ({"went": 30}, "reject", "30 of 100 articles"),
        ({"fill_before": {"title": 90}, "fill": {"title": 40}}, "reject", "40 of 90 articles that had title"),
        ({"fill_before": {"image": 90}, "fill": {"image": 80}}, "warn", "80 of 90 articles that had image"),
        ({"text": 50, "words_before": 9000, "words_removed": 8000}, "reject", "8000 of 9000 words"),
        ({"came": 20, "one_text": 12}, "reject", "12 of 20 pages"),
    ],
)
def test_the_gate_refuses_a_reading_that_loses(figures: dict[str, object], verdict: str, word: str) -> None:
    whole: dict[str, object] = {
        "site": SITE.id,
        "run": AGAIN,
        "runs": 3,
        "first": a_run(0),
        "last": a_run(6),
        "pages": 100,
        "articles_before": 100,
        "articles": 100,
        "same": 100,
        "text": 0,
        "came": 0,
        "went": 0,
    }
    report = judge_again(Comparison.model_validate(whole | figures))
    assert (report.verdict, report.mode) == (verdict, "reextract")
    assert word in report.message
