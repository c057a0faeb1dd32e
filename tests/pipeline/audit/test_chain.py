"""Journals that were altered, cut off or written anew."""

from __future__ import annotations

import pytest

from pipeline.journal import append
from pipeline.model import JournalEntry, article_id, content_digest
from tests.pipeline.audit.bench import (
    BRIDGE,
    MARKET,
    SECOND,
    THIRD,
    Bench,
    forge,
    named,
)
from tests.pipeline.built_archive import SITE
from tests.pipeline.built_runs import NOW, START, url_of
from tests.pipeline.damage import forge_chain


def test_a_version_forged_together_with_the_journal_contradicts_what_is_derived_of_it(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 2)
    heads = bench.audit().heads
    text = "Another text."
    title = bench.archive.version(SITE.id, BRIDGE, 2).title
    forge(bench, key, text=text, digest=content_digest(title, text))
    told = {(each.key, each.problem): each.stands for each in bench.audit(heads=heads).discrepancies}
    assert told.pop((key, "disagrees")) == "another text, digest"
    assert (bench.archive.frontier_key(SITE.id), "disagrees") in told
    assert (bench.archive.journal_key(SITE.id, 3), "chain") in told


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"", b"rubbish"])
def test_an_object_put_far_behind_the_journal_s_end_is_one_finding(bench: Bench, body: bytes) -> None:
    key = bench.archive.journal_key(SITE.id, 99_999_999)
    bench.raw.put_consistently(key, body)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "unaccounted")


@pytest.mark.parametrize("body", [b'{"format": 1}', pytest.param(b"", marks=pytest.mark.slow)])
def test_an_object_put_right_behind_the_journal_s_end_is_not_to_be_kept(bench: Bench, body: bytes) -> None:
    key = bench.archive.journal_key(SITE.id, 4)
    bench.raw.put_consistently(key, body)
    [each] = bench.audit().discrepancies
    assert (each.key, each.kind, each.problem) == (key, "journal", "wrong")
    assert "remove it by hand" in each.next_step


def test_a_cut_off_end_of_the_journal_shows_by_what_is_published(bench: Bench) -> None:
    for n in (2, 3):
        bench.raw.delete(bench.archive.journal_key(SITE.id, n))
    told = bench.audit()
    assert named(told) == {bench.archive.journal_key(SITE.id, n) for n in (2, 3)}
    assert {each.run for each in told.discrepancies} == {SECOND, THIRD}


@pytest.mark.slow
def test_a_run_that_was_removed_with_all_of_the_end_of_the_journal_shows_by_an_earlier_head(bench: Bench) -> None:
    heads = bench.audit().heads
    for key in [key for key in bench.raw.keys("") if THIRD in key]:
        bench.raw.delete(key)
    bench.raw.delete(bench.archive.version_key(SITE.id, MARKET, 2))
    bench.raw.delete(bench.archive.version_key(SITE.id, article_id(url_of("pool")), 2))
    bench.raw.delete(bench.archive.journal_key(SITE.id, 3))
    told = bench.audit(heads=heads)
    assert (bench.archive.journal_key(SITE.id, 3), "chain") in {(each.key, each.problem) for each in told.discrepancies}


@pytest.mark.slow
def test_a_run_that_was_cut_out_of_the_chain_shows(bench: Bench) -> None:
    heads = bench.audit().heads
    forge_chain(bench.raw, SITE.id, lambda entry: None if entry["run"] == SECOND else entry)
    told = bench.audit(heads=heads)
    assert SECOND in {each.run for each in told.discrepancies}
    assert (bench.archive.journal_key(SITE.id, 3), "chain") in {(each.key, each.problem) for each in told.discrepancies}


def test_the_head_of_an_earlier_audit_is_found_in_a_longer_journal(bench: Bench) -> None:
    heads = bench.audit().heads
    append(bench.archive, SITE.id, "later", lambda: JournalEntry(site=SITE.id, at=NOW, kind="repaired"), since=START)
    later = bench.audit(heads=heads)
    assert later.clean
    assert later.heads[SITE.id].n == 4


@pytest.mark.slow
def test_a_journal_that_is_gone_is_named_for_each_run(bench: Bench) -> None:
    for key in bench.raw.keys("journal/"):
        bench.raw.delete(key)
    told = bench.audit()
    assert named(told) == {bench.archive.journal_key(SITE.id, n) for n in (1, 2, 3)}
