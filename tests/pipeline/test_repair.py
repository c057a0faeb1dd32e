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
from tests.pipeline.built_archive import SITE, build_archive, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, contents, url_of
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


@pytest.mark.slow
def test_findings_that_would_have_other_bytes_are_not_made(work: Workplace, raw: RawBucket) -> None:
    key = work.archive.extracted_key(SITE.id, SECOND, 0)
    raw.delete(key)
    told = audit(work)
    makers = Makers(sites=work.sites, findings=lambda _site, _run, _number: (), now=NOW)
    mended = repair_archive(work.archive, told, makers)
    assert not mended.done
    assert "other bytes than were recorded" in mended.left[0]
    assert not raw.keys(key)


@pytest.mark.slow
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


@pytest.mark.slow
def test_rows_that_nobody_made_or_that_are_twice_and_an_older_frontier_are_mended(
    work: Workplace, raw: RawBucket
) -> None:
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake

    frontier = raw.get(work.archive.frontier_key(SITE.id))
    publish_pages(work, SITE, a_run(9), START + 9 * HOUR, {"bridge": page("bridge", title="Bridge open again")})
    before = contents(work.archive)
    raw.put(work.archive.frontier_key(SITE.id), frontier.body, frontier.metadata)
    options = work.archive.table_store.options_for_table()
    table = DeltaTable(work.archive.table_uri(), storage_options=options)
    row = table.to_pyarrow_table(filters=[("key", "=", work.archive.version_key(SITE.id, BRIDGE, 1))])
    stray = f"articles/{SITE.id}/{'f' * 20}/000001.json"
    rogue = row.set_column(row.schema.get_field_index("key"), "key", pa.array([stray]))
    write_deltalake(table, pa.concat_tables([row, rogue.cast(row.schema)]), mode="append")
    told = {each.key: each.stands for each in audit(work).discrepancies}
    assert told.pop(work.archive.version_key(SITE.id, BRIDGE, 1)) == "2 rows"
    assert told.pop(stray) == "a row"
    assert f"run {a_run(9)} is not in it" in told.pop(work.archive.frontier_key(SITE.id))
    assert not told
    assert not repair(work).left
    assert audit(work).clean
    assert contents(work.archive) == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_repair_leaves_what_is_no_derived_thing_and_mends_the_rest(work: Workplace, raw: RawBucket) -> None:
    """Each kind of object, in turn with each kind of damage; the audit behind the repair says what is left."""
    keys = [key for key in raw.keys("") if not key.startswith("tables/")]
    for number, key in enumerate(keys):
        damage = list(DAMAGES)[number % len(DAMAGES)]
        DAMAGES[damage](raw, key)
        told = audit(work)
        lasting = {each.key for each in told.discrepancies if not each.rebuildable}
        mended = repair(work, told)
        again = audit(work)
        left = {each.key for each in again.discrepancies}
        assert left == lasting or mended.left, (key, damage, left, mended)
        assert left <= {each.key for each in told.discrepancies}, (key, damage)
        if told.clean:
            assert key.startswith("sites/"), (key, damage)
        raw.restore()


@pytest.mark.slow
def test_a_table_whose_log_is_damaged_is_told_and_made_anew_once_it_is_out_of_the_way(
    work: Workplace, raw: RawBucket
) -> None:
    [first, *_] = raw.keys("tables/articles/_delta_log/0")
    raw.put(first, b"")
    mended = repair(work)
    assert "Move the table's folder aside" in mended.left[0]
    for key in raw.keys("tables/articles/"):
        raw.delete(key)
    assert not repair(work).left
    assert audit(work).clean
