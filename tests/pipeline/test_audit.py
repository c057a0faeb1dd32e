"""Archives damaged on purpose: the audit names what was damaged, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.audit import Audited, Choice, Head, audit_archive
from pipeline.journal import append
from pipeline.model import JournalEntry, article_id, content_digest
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import NOW, START, a_run, url_of
from tests.pipeline.damage import DAMAGES, RawBucket, forge_chain, forge_version, open_raw

BRIDGE, MARKET = article_id(url_of("bridge")), article_id(url_of("market"))
FIRST, SECOND, THIRD = a_run(0), a_run(2), a_run(6)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """An archive that is whole, and the hand that damages it."""

    work: Workplace
    raw: RawBucket

    @property
    def archive(self) -> Archive:
        return self.work.archive

    def audit(self, **options: Any) -> Audited:
        return audit_archive(self.archive, patience=0, **options)


@pytest.fixture(scope="module")
def built(seaweed: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bucket = f"test-{secrets.token_hex(6)}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**seaweed.environment(), "MUNIMENT_BUCKET": bucket}.items():
            patch.setenv(name, value)
        work = build_archive(Settings(home=tmp_path_factory.mktemp("home")))
        raw = open_raw(seaweed.environment(), bucket)
        raw.keep()
        yield Bench(work=work, raw=raw)
        raw.client.delete_bucket(Bucket=bucket)
        raw.client.close()


@pytest.fixture
def bench(built: Bench) -> Iterator[Bench]:
    yield built
    built.raw.restore()


def named(told: Audited) -> set[str]:
    return {each.key for each in told.discrepancies}


def keys_of_kind(archive: Archive) -> dict[str, str]:
    """An object of each kind."""
    return {
        "segment": archive.segment_key(SITE.id, SECOND, 0),
        "crawl": archive.crawl_key(SITE.id, SECOND),
        "findings": archive.extracted_key(SITE.id, SECOND, 0),
        "lessons": archive.lessons_key(SITE.id, FIRST),
        "report": archive.report_key(SITE.id, THIRD),
        "published": archive.published_key(SITE.id, SECOND),
        "first version": archive.version_key(SITE.id, BRIDGE, 1),
        "latest version": archive.version_key(SITE.id, BRIDGE, 2),
        "index": archive.index_key(SITE.id, SECOND),
        "part of an index": archive.index_part_key(SITE.id, SECOND, 0),
        "first entry": archive.journal_key(SITE.id, 1),
        "entry": archive.journal_key(SITE.id, 2),
    }


KINDS = tuple(keys_of_kind(Archive.__new__(Archive)))


def test_nothing_is_wrong_with_a_whole_archive(bench: Bench) -> None:
    told = bench.audit()
    assert told.clean
    assert not told.notes
    objects = [key for key in bench.raw.keys("") if not key.startswith("tables/")]
    assert told.objects == told.read == len(objects)
    assert told.bytes == sum(len(bench.raw.get(key).body) for key in objects)
    assert (told.versions, told.rows, told.records, told.entries) == (7, 7, 7, 3)
    body = bench.raw.get(bench.archive.journal_key(SITE.id, 3)).body
    assert told.heads == {SITE.id: Head(n=3, digest="sha256:" + hashlib.sha256(body).hexdigest())}


USUAL = {(kind, damage) for kind, damage in zip(KINDS, itertools.cycle(DAMAGES), strict=False)}
"""Of each kind of object one kind of damage; the others take a minute."""


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        pytest.param(*case, marks=() if case in USUAL else pytest.mark.slow)
        for case in itertools.product(KINDS, DAMAGES)
    ],
)
def test_what_is_damaged_is_named_and_nothing_else(bench: Bench, kind: str, damage: str) -> None:
    key = keys_of_kind(bench.archive)[kind]
    DAMAGES[damage](bench.raw, key)
    told = bench.audit()
    assert named(told) == {key}
    for each in told.discrepancies:
        assert each.site == SITE.id
        assert each.next_step
    assert bench.archive.store.head(MARKER) is not None


MARKER = "muniment.json"


@pytest.mark.parametrize("damage", ["a flipped bit", "cut off", "emptied", "taken away"])
def test_a_damaged_marker_or_frontier_is_named(bench: Bench, damage: str) -> None:
    frontier = bench.archive.frontier_key(SITE.id)
    DAMAGES[damage](bench.raw, frontier)
    DAMAGES[damage](bench.raw, MARKER)
    assert named(bench.audit()) == {MARKER, frontier}


def test_what_is_named_says_what_was_there_what_stands_and_since_which_run(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 2)
    was = bench.raw.get(key).body
    DAMAGES["cut off"](bench.raw, key)
    now = bench.raw.get(key).body
    [each] = bench.audit().discrepancies
    assert (each.kind, each.problem, each.run, each.entry) == ("version", "truncated", SECOND, 2)
    assert each.expected == f"{len(was)} bytes, SHA-256 {hashlib.sha256(was).hexdigest()}"
    assert each.stands == f"{len(now)} bytes, SHA-256 {hashlib.sha256(now).hexdigest()}"
    assert not each.rebuildable


def test_a_damaged_segment_is_told_with_the_versions_whose_record_was_hit(bench: Bench) -> None:
    version = bench.archive.version(SITE.id, BRIDGE, 1)
    found = bench.raw.get(version.evidence.warc)
    body = bytearray(found.body)
    body[version.evidence.offset + version.evidence.length - 40] ^= 0x55
    bench.raw.put(version.evidence.warc, bytes(body), found.metadata)
    [each] = bench.audit().discrepancies
    assert each.key == version.evidence.warc
    assert each.touches == (bench.archive.version_key(SITE.id, BRIDGE, 1),)


@pytest.mark.parametrize(
    "key",
    [
        f"articles/{SITE.id}/{BRIDGE}/000003.json",
        pytest.param(f"articles/{SITE.id}/{BRIDGE}/notes.txt", marks=pytest.mark.slow),
        pytest.param(f"articles/{SITE.id}/{'0' * 20}/000001.json", marks=pytest.mark.slow),
        pytest.param(f"warc/{SITE.id}/2026/11/22/{FIRST}-00001.warc.gz", marks=pytest.mark.slow),
        f"warc/{SITE.id}/2026/11/22/{a_run(99)}-00000.warc.gz",
        pytest.param(f"runs/{SITE.id}/{FIRST}/extracted-00001.jsonl.zst", marks=pytest.mark.slow),
        pytest.param(f"runs/{SITE.id}/{FIRST}/notes.json", marks=pytest.mark.slow),
        pytest.param(f"indexes/{SITE.id}/{a_run(99)}.cdxj", marks=pytest.mark.slow),
        f"journal/{SITE.id}/notes.json",
        pytest.param(f"sites/{SITE.id}/notes.json", marks=pytest.mark.slow),
        pytest.param(f"sealed/{SITE.id}/{a_run(99)}/articles/x", marks=pytest.mark.slow),
        pytest.param(f"takedowns/{SITE.id}/x.json", marks=pytest.mark.slow),
        "notes.txt",
        pytest.param("articles/notes.txt", marks=pytest.mark.slow),
    ],
)
def test_an_object_that_nothing_accounts_for_is_named(bench: Bench, key: str) -> None:
    body = b"whatever"
    if key.startswith("articles/") and key.endswith(".json"):
        document = json.loads(bench.raw.get(bench.archive.version_key(SITE.id, BRIDGE, 2)).body)
        body = json.dumps({**document, "article": key.split("/")[2], "n": int(key[-11:-5])}).encode()
    bench.raw.put_consistently(key, body)
    told = bench.audit()
    assert (key, "unaccounted") in {(each.key, each.problem) for each in told.discrepancies}
    assert named(told) == {key}


def test_metadata_that_says_something_else_than_the_version_is_named(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    found = bench.raw.get(key)
    bench.raw.put(key, found.body, {**found.metadata, "state": "gone"})
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.expected, each.stands) == (key, "metadata", "state: live", "state: gone")


@pytest.mark.parametrize("kind", ["segment", "latest version", "index"])
def test_a_content_encoding_that_makes_clients_unpack_an_object_is_named(bench: Bench, kind: str) -> None:
    key = keys_of_kind(bench.archive)[kind]
    found = bench.raw.get(key)
    bench.raw.client.put_object(
        Bucket=bench.raw.name, Key=key, Body=found.body, Metadata=dict(found.metadata), ContentEncoding="gzip"
    )
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.stands) == (key, "metadata", "Content-Encoding: gzip")


def test_a_memory_of_blocks_that_is_gone_or_is_no_document_is_named(bench: Bench) -> None:
    key = bench.archive.boilerplate_key(SITE.id)
    bench.raw.delete(key)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.rebuildable) == (key, "missing", True)
    bench.raw.put_consistently(key, b"")
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.rebuildable) == (key, "wrong", True)


def test_an_order_of_a_takedown_that_is_none_is_named(bench: Bench) -> None:
    key = bench.archive.takedown_key(SITE.id, a_run(99))
    bench.raw.put_consistently(key, b"{}")
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "wrong")


def test_a_site_of_which_only_rows_are_left_is_named_and_its_rows_stay(bench: Bench) -> None:
    for key in bench.raw.keys(""):
        if f"/{SITE.id}/" in key and not key.startswith("tables/"):
            bench.raw.delete(key)
    told = bench.audit()
    [each] = told.discrepancies
    assert (each.site, each.key, each.problem) == (SITE.id, bench.archive.journal_key(SITE.id, 1), "missing")
    assert "7 rows" in each.expected
    assert not each.rebuildable


def test_a_segment_that_came_back_without_its_metadata_is_as_good_as_it_was(bench: Bench) -> None:
    key = bench.archive.segment_key(SITE.id, FIRST, 0)
    bench.raw.put(key, bench.raw.get(key).body)
    assert bench.audit().clean


def forge(bench: Bench, key: str, **changes: Any) -> None:
    """Replace a version, and write the whole journal anew so that it agrees."""
    body = forge_version(bench.raw, key, **changes)
    new = {"key": key, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    def change(entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "objects": [new if each["key"] == key else each for each in entry["objects"]]}

    forge_chain(bench.raw, SITE.id, change)


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


def test_a_version_with_another_text_than_its_digest_says_is_named(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    forge(bench, key, text="Another text.")
    assert (key, "wrong") in {(each.key, each.problem) for each in bench.audit().discrepancies}


@pytest.mark.parametrize(
    "name",
    [
        "offset",
        "payload_digest",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("record_id", "status", "record_type", "warc")),
    ],
)
def test_evidence_that_is_not_at_its_place_is_named(bench: Bench, name: str) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    evidence = json.loads(bench.raw.get(key).body)["evidence"]
    other = json.loads(bench.raw.get(bench.archive.version_key(SITE.id, BRIDGE, 2)).body)["evidence"]
    wrong = {"offset": evidence["offset"] + 1, "status": 404, "record_type": "revisit"}.get(name, other[name])
    forge(bench, key, evidence={**evidence, name: wrong})
    told = bench.audit().discrepancies
    assert [each.stands for each in told if (each.key, each.problem) == (key, "evidence")], told


@pytest.mark.parametrize("body", [b"", b"rubbish"])
def test_an_object_put_far_behind_the_journal_s_end_is_one_finding(bench: Bench, body: bytes) -> None:
    key = bench.archive.journal_key(SITE.id, 99_999_999)
    bench.raw.put_consistently(key, body)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "unaccounted")


def test_a_cut_off_end_of_the_journal_shows_by_what_is_published(bench: Bench) -> None:
    for n in (2, 3):
        bench.raw.delete(bench.archive.journal_key(SITE.id, n))
    told = bench.audit()
    assert named(told) == {bench.archive.journal_key(SITE.id, n) for n in (2, 3)}
    assert {each.run for each in told.discrepancies} == {SECOND, THIRD}


def test_a_run_that_was_removed_with_all_of_the_end_of_the_journal_shows_by_an_earlier_head(bench: Bench) -> None:
    heads = bench.audit().heads
    for key in [key for key in bench.raw.keys("") if THIRD in key]:
        bench.raw.delete(key)
    bench.raw.delete(bench.archive.version_key(SITE.id, MARKET, 2))
    bench.raw.delete(bench.archive.version_key(SITE.id, article_id(url_of("pool")), 2))
    bench.raw.delete(bench.archive.journal_key(SITE.id, 3))
    told = bench.audit(heads=heads)
    assert (bench.archive.journal_key(SITE.id, 3), "chain") in {(each.key, each.problem) for each in told.discrepancies}


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


def test_a_journal_that_is_gone_is_named_for_each_run(bench: Bench) -> None:
    for key in bench.raw.keys("journal/"):
        bench.raw.delete(key)
    told = bench.audit()
    assert named(told) == {bench.archive.journal_key(SITE.id, n) for n in (1, 2, 3)}


def test_a_table_that_lost_a_file_or_a_commit_is_named(bench: Bench) -> None:
    [*logs] = bench.raw.keys("tables/articles/_delta_log/0")
    files = [key for key in bench.raw.keys("tables/articles/") if key.endswith(".parquet")]
    for key in (logs[0], files[0]):
        bench.raw.delete(key)
        told = bench.audit()
        assert named(told) == {"tables/articles"}, key
        assert all(each.rebuildable for each in told.discrepancies)
        bench.raw.restore()
    for key in bench.raw.keys("tables/"):
        bench.raw.delete(key)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == ("tables/articles", "missing")


def test_rows_that_are_missing_doubled_or_altered_are_named(bench: Bench) -> None:
    from deltalake import DeltaTable, write_deltalake

    options = bench.archive.table_store.options_for_table()
    first, second = (bench.archive.version_key(SITE.id, BRIDGE, n) for n in (1, 2))
    third = bench.archive.version_key(SITE.id, MARKET, 1)
    table = DeltaTable(bench.archive.table_uri(), storage_options=options)
    row = table.to_pyarrow_table(filters=[("key", "=", third)])
    write_deltalake(table, row, mode="append")
    DeltaTable(bench.archive.table_uri(), storage_options=options).delete(f"key = '{first}'")
    DeltaTable(bench.archive.table_uri(), storage_options=options).update(
        {"title": "'X'"}, predicate=f"key = '{second}'"
    )
    told = {each.key: each.stands for each in bench.audit().discrepancies}
    assert told == {first: "0 rows", second: "another title", third: "2 rows"}
    assert all(each.rebuildable for each in bench.audit().discrepancies)


@pytest.mark.slow
def test_a_frontier_of_an_earlier_moment_is_named(bench: Bench, settings: Settings) -> None:
    key = bench.archive.frontier_key(SITE.id)
    earlier = build_archive(settings.model_copy(update={"bucket": f"{settings.bucket}-tables"}), runs=1)
    bench.raw.put_consistently(key, earlier.archive.store.get(key).body)
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "disagrees")
    assert f"run {SECOND} is not in it" in each.stands


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_sample_reads_a_few_objects_and_sees_all_that_is_missing(bench: Bench, seed: int) -> None:
    told = bench.audit(choice=Choice(seed=seed, number=5))
    assert told.clean
    assert told.read < told.objects
    assert told.bytes == bench.audit(choice=Choice(seed=seed, number=5)).bytes
    key = random.Random(seed).choice(sorted(keys_of_kind(bench.archive).values()))
    bench.raw.delete(key)
    assert named(bench.audit(choice=Choice(seed=seed, number=5))) == {key}


def test_a_sample_of_everything_sees_what_an_audit_of_everything_sees(bench: Bench) -> None:
    key = bench.archive.segment_key(SITE.id, SECOND, 0)
    DAMAGES["swapped"](bench.raw, key)
    assert named(bench.audit(choice=Choice(seed=1, percent=100))) == {key}


@pytest.mark.slow
def test_two_damages_are_both_named(bench: Bench) -> None:
    keys = sorted(keys_of_kind(bench.archive).values())
    rng = random.Random(5)
    for _ in range(3):
        one, other = rng.sample(keys, 2)
        for key in (one, other):
            DAMAGES[rng.choice(sorted(DAMAGES))](bench.raw, key)
        assert named(bench.audit()) >= {one, other}
        bench.raw.restore()
