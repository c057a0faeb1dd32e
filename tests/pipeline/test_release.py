"""A run that the gate rejected, published because somebody says so: once, late or not, and withheld pages stay so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.audit import audit_archive
from pipeline.errors import ArchiveError, NotInArchive, RunRejected
from pipeline.health import read_health
from pipeline.journal import read_journal
from pipeline.lifecycle import current_version
from pipeline.model import Change, State, article_id
from pipeline.release import claim_run, release_run
from pipeline.settings import Settings
from pipeline.steps import Workplace, check, extract, publish, release
from pipeline.takedown import order_takedown
from spiders.site import CheckLimits
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, lend_extractor, page, publish_pages
from tests.pipeline.built_runs import HOUR, START, a_run, url_of
from tests.pipeline.crashes import check_whole

WHY = {"by": "Nia", "reason": "The council had a quiet day."}
STRICT = SITE.model_copy(update={"check": CheckLimits(min_captures=1000)})
MILL = tuple(paragraph.replace("library", "mill").replace("Readers", "Millers") for paragraph in STORIES["library"][1])
LATER = (*STORIES["bridge"][1], "Cyclists may cross by the footbridge, said the engineer who drew the plans of it.")


def reject(work: Workplace, hours: float, pages: dict[str, bytes | int]) -> str:
    """A run whose verdict is "reject"."""
    run = a_run(hours)
    crawl_pages(work, SITE, run, START + hours * HOUR, pages)
    with lend_extractor() as extractor:
        extract(work, SITE.id, run, 0, extractor=extractor)
    with pytest.raises(RunRejected):
        check(replace(work, sites={SITE.id: STRICT}), SITE.id, run)
    return run


@pytest.fixture
def work(settings: Settings) -> Workplace:
    return build_archive(settings)


def current(work: Workplace, name: str) -> tuple[int, Change, State]:
    found = current_version(work.archive.versions(SITE.id, article_id(url_of(name))))
    assert found is not None
    return found.n, found.change, found.state


def assert_clean(work: Workplace) -> None:
    audited = audit_archive(work.archive, patience=0)
    assert audited.clean, audited.discrepancies


def test_a_released_run_is_published_once_and_the_journal_says_who_did_it_and_why(work: Workplace) -> None:
    mill = page("mill", title="A mill", paragraphs=MILL)
    run = reject(work, 8, {"bridge": page("bridge", paragraphs=LATER), "mill": mill})
    with pytest.raises(RunRejected):
        publish(work, SITE.id, run)

    published = release(work, SITE.id, run, **WHY)

    assert published.versions == {"new": 1, "edited": 1}
    assert release(work, SITE.id, run, **WHY) == published
    assert check(work, SITE.id, run).verdict == "reject", "what the gate said stands, and a cleared task goes on"
    assert publish(work, SITE.id, run) == published
    told = [entry for entry, _ in read_journal(work.archive, SITE.id) if entry.run == run]
    assert [entry.kind for entry in told] == ["rejected", "released", "published"]
    assert (told[1].by, told[1].reason) == (WHY["by"], WHY["reason"])
    assert [each.key for each in told[1].objects] == [work.archive.released_key(SITE.id, run)]
    health = read_health(work.archive, SITE.id)
    assert health is not None
    assert (health.runs[0].run, health.runs[0].state, health.runs[0].released) == (run, "published", True)
    check_whole(work.archive, SITE, [a_run(0), a_run(2), a_run(6), run])
    assert_clean(work)


def test_what_cannot_be_released_is_refused_in_words(work: Workplace) -> None:
    run = reject(work, 8, {"bridge": 404})
    for by, reason in (("", "why"), ("who", " ")):
        with pytest.raises(ArchiveError, match="says so, and why"):
            release(work, SITE.id, run, by=by, reason=reason)
    assert work.archive.read_release(SITE.id, run) is None
    with pytest.raises(ArchiveError, match="was not rejected, and is published"):
        release(work, SITE.id, a_run(6), **WHY)
    with pytest.raises(NotInArchive, match="has no report"):
        release(work, SITE.id, a_run(9), **WHY)
    release(work, SITE.id, run, **WHY)
    with pytest.raises(ArchiveError, match="is published already: Nia released it"):
        release(work, SITE.id, run, by="Tom", reason="me, too")


@pytest.mark.slow
def test_a_release_that_was_interrupted_is_told_by_the_audit_and_goes_on_whoever_asks(work: Workplace) -> None:
    run = reject(work, 8, {"bridge": page("bridge", paragraphs=LATER)})
    release_run(work.archive, SITE.id, run, now=START + 9 * HOUR, **WHY)
    audited = audit_archive(work.archive, patience=0)
    assert audited.clean, audited.discrepancies
    assert [f"muniment release {run}" in note.message for note in audited.notes] == [True]
    assert release(work, SITE.id, run, by="Tom", reason="me, too").versions == {"edited": 1}
    standing = work.archive.read_release(SITE.id, run)
    assert standing is not None
    assert standing.by == "Nia"
    assert_clean(work)


@pytest.mark.slow
def test_a_run_whose_captures_a_reextraction_publishes_cannot_be_released_nor_the_other_way_round(
    work: Workplace,
) -> None:
    first, second = reject(work, 8, {"bridge": 404}), reject(work, 9, {"bridge": 404})
    claim_run(work.archive, SITE.id, first, into=a_run(20), now=START)
    claim_run(work.archive, SITE.id, first, into=a_run(20), now=START)
    with pytest.raises(ArchiveError, match=f"is published by run {a_run(20)}"):
        release(work, SITE.id, first, **WHY)
    with pytest.raises(RunRejected):
        publish(work, SITE.id, first)
    with pytest.raises(ArchiveError, match=f"is published by run {a_run(20)}"):
        claim_run(work.archive, SITE.id, first, into=a_run(21), now=START)
    release(work, SITE.id, second, **WHY)
    with pytest.raises(ArchiveError, match="was released by Nia"):
        claim_run(work.archive, SITE.id, second, into=a_run(20), now=START)
    assert_clean(work)


def test_an_older_run_that_is_released_late_does_not_become_the_current_text(work: Workplace) -> None:
    mill = page("mill", title="A mill", paragraphs=MILL)
    run = reject(work, 3, {"bridge": page("bridge", paragraphs=LATER), "market": 404, "mill": mill})
    newer = (*STORIES["bridge"][1], "It will open again in May, three weeks before the regatta on the river begins.")
    later = {"bridge": page("bridge", paragraphs=newer), "market": page("market")}
    publish_pages(work, SITE, a_run(10), START + 10 * HOUR, later)
    before = {name: current(work, name) for name in ("bridge", "market", "library", "pool")}
    texts = {name: work.archive.versions(SITE.id, article_id(url_of(name)))[-1].text for name in before}

    published = release(work, SITE.id, run, **WHY)

    assert published.versions == {"new": 1, "edited": 1}
    assert {name: current(work, name) for name in before} == before
    late = work.archive.versions(SITE.id, article_id(url_of("bridge")))[-1]
    assert late.captured_at < START + 4 * HOUR
    assert "regatta" in texts["bridge"]
    # The next run is answered as if nothing had been released: the text stands.
    again = publish_pages(work, SITE, a_run(12), START + 12 * HOUR, {"bridge": page("bridge", paragraphs=newer)})
    said = work.archive.read_published(SITE.id, again)
    assert said is not None
    assert said.versions == {}
    assert_clean(work)


@pytest.mark.slow
def test_a_takedown_between_rejection_and_release_holds(work: Workplace) -> None:
    run = reject(work, 8, {"bridge": page("bridge", paragraphs=LATER), "market": page("market", title="Rents fall")})
    order_takedown(
        work.archive, SITE.id, article_id(url_of("bridge")), by="legal", reason="no. 7", now=START + 9 * HOUR
    )

    published = release(work, SITE.id, run, **WHY)

    assert published.versions == {"edited": 1}
    assert current(work, "bridge")[2] is State.REDACTED
    for entry in work.archive.store.list(""):
        if not entry.key.startswith(("sealed/", "tables/")):
            assert b"footbridge" not in work.archive.store.get(entry.key).body, entry.key
    assert_clean(work)
