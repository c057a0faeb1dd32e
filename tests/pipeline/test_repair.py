"""What is derived is made anew; what is not is left as it is, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from pipeline.archive import Archive
from pipeline.audit import Audited, audit_archive
from pipeline.journal import read_journal
from pipeline.model import article_id
from pipeline.repair import Makers, Mended, repair_archive
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace, read_again
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import NOW, a_run, contents, url_of
from tests.pipeline.damage import DAMAGES, RawBucket, open_raw

BRIDGE = article_id(url_of("bridge"))
FIRST, SECOND = a_run(0), a_run(2)


@pytest.fixture
def work(settings: Settings) -> Workplace:
    return build_archive(settings)


@pytest.fixture
def raw(work: Workplace, seaweed: EmbeddedStore) -> RawBucket:
    opened = open_raw(seaweed.environment(), work.settings.bucket)
    opened.keep()
    return opened


def audit(work: Workplace) -> Audited:
    return audit_archive(work.archive, patience=0)


def repair(work: Workplace, told: Audited | None = None) -> Mended:
    makers = Makers(sites=work.sites, findings=partial(read_again, work), now=NOW)
    return repair_archive(work.archive, told or audit(work), makers)


def derived(archive: Archive) -> list[str]:
    return [
        archive.frontier_key(SITE.id),
        archive.boilerplate_key(SITE.id),
        archive.index_key(SITE.id, FIRST),
    ]


def test_what_is_derived_is_made_anew_as_it_was(work: Workplace, raw: RawBucket) -> None:
    before = contents(work.archive)
    damage: Callable[[RawBucket, str], None]
    for key, damage in zip(derived(work.archive), DAMAGES.values(), strict=False):
        damage(raw, key)
    for key in raw.keys("tables/"):
        raw.delete(key)
    raw.delete(work.archive.published_key(SITE.id, FIRST))
    raw.delete(work.archive.extracted_key(SITE.id, SECOND, 0))
    assert len(audit(work).discrepancies) == 6
    mended = repair(work)
    assert not mended.left
    assert len(mended.done) == 6
    assert audit(work).clean
    assert contents(work.archive) == before
    assert repair(work) == Mended()


def test_nothing_is_derived_of_what_is_damaged_and_that_is_not_overwritten(work: Workplace, raw: RawBucket) -> None:
    version = work.archive.version_key(SITE.id, BRIDGE, 2)
    entry = work.archive.journal_key(SITE.id, 2)
    DAMAGES["swapped"](raw, version)
    DAMAGES["a flipped bit"](raw, entry)
    raw.delete(work.archive.frontier_key(SITE.id))
    before = raw.keys(), raw.get(version), raw.get(entry)
    mended = repair(work)
    assert not mended.done
    assert "restore what it is made of first" in mended.left[0]
    assert (raw.keys(), raw.get(version), raw.get(entry)) == before


def test_findings_that_would_have_other_bytes_are_not_made(work: Workplace, raw: RawBucket) -> None:
    key = work.archive.extracted_key(SITE.id, SECOND, 0)
    raw.delete(key)
    told = audit(work)
    makers = Makers(sites=work.sites, findings=lambda _site, _run, _number: (), now=NOW)
    mended = repair_archive(work.archive, told, makers)
    assert not mended.done
    assert "other bytes than were recorded" in mended.left[0]
    assert not raw.keys(key)


def test_a_run_that_is_older_than_the_journal_is_entered_as_it_stands(work: Workplace, raw: RawBucket) -> None:
    for key in raw.keys(""):
        found = raw.get(key)
        if key.startswith("journal/"):
            raw.delete(key)
        elif not key.startswith("tables/"):
            raw.put(key, found.body, {name: value for name, value in found.metadata.items() if name != "sha256"})
    told = audit(work)
    assert told.clean
    assert len(told.notes) == 3
    assert "not recorded" in told.notes[0].message
    assert len(repair(work, told).done) == 3
    again = audit(work)
    assert again.clean
    assert not again.notes
    entries = [entry for entry, _ in read_journal(work.archive, SITE.id)]
    assert {(entry.kind, entry.run) for entry in entries} == {("repaired", run) for run in work.archive.runs(SITE.id)}
    version = work.archive.version_key(SITE.id, BRIDGE, 1)
    DAMAGES["swapped"](raw, version)
    assert [each.key for each in audit(work).discrepancies] == [version]
    assert json.loads(raw.get(work.archive.journal_key(SITE.id, 1)).body)["reason"]
