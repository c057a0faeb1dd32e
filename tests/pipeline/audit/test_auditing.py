"""Archives damaged on purpose: the audit names what was damaged, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
import random

import pytest

from pipeline.audit import Choice, Head
from tests.pipeline.audit.bench import (
    BRIDGE,
    KINDS,
    MARKER,
    SECOND,
    Bench,
    keys_of_kind,
    named,
)
from tests.pipeline.built_archive import SITE
from tests.pipeline.damage import DAMAGES


def test_nothing_is_wrong_with_a_whole_archive(bench: Bench) -> None:
    told = bench.audit()
    assert told.clean
    assert not told.notes
    # How a site stands is for operators, changes at any time, and is made anew of the runs: it is no evidence.
    objects = [key for key in bench.raw.keys("") if not key.startswith(("tables/", "health/"))]
    assert told.objects == told.read == len(objects)
    assert told.bytes == sum(len(bench.raw.get(key).body) for key in objects)
    assert (told.versions, told.rows, told.records, told.entries) == (7, 7, 7, 3)
    body = bench.raw.get(bench.archive.journal_key(SITE.id, 3)).body
    assert told.heads == {SITE.id: Head(n=3, digest="sha256:" + hashlib.sha256(body).hexdigest())}


USUAL = {(kind, damage) for kind, damage in list(zip(KINDS, itertools.cycle(DAMAGES), strict=False))[::3]}
"""Of every third kind of object one kind of damage; the others take minutes."""


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


@pytest.mark.parametrize(
    "damage",
    [
        "a flipped bit",
        *(pytest.param(damage, marks=pytest.mark.slow) for damage in ("cut off", "emptied", "taken away")),
    ],
)
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


@pytest.mark.slow
def test_a_site_of_which_only_rows_are_left_is_named_and_its_rows_stay(bench: Bench) -> None:
    for key in bench.raw.keys(""):
        if f"/{SITE.id}/" in key and not key.startswith("tables/"):
            bench.raw.delete(key)
    told = bench.audit()
    [each] = told.discrepancies
    assert (each.site, each.key, each.problem) == (SITE.id, bench.archive.journal_key(SITE.id, 1), "missing")
    assert "7 rows" in each.expected
    assert not each.rebuildable


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_sample_reads_a_few_objects_and_sees_all_that_is_missing(bench: Bench, seed: int) -> None:
    told = bench.audit(choice=Choice(seed=seed, number=5))
    assert told.clean
    assert told.read < told.objects
    assert told.bytes == bench.audit(choice=Choice(seed=seed, number=5)).bytes
    key = random.Random(seed).choice(sorted(keys_of_kind(bench.archive).values()))
    bench.raw.delete(key)
    assert named(bench.audit(choice=Choice(seed=seed, number=5))) == {key}


@pytest.mark.slow
def test_the_parts_of_an_audit_together_see_what_an_audit_of_everything_sees(bench: Bench) -> None:
    key = bench.archive.segment_key(SITE.id, SECOND, 0)
    DAMAGES["swapped"](bench.raw, key)
    parts = [bench.audit(choice=Choice(seed=0, part=(part, 3))) for part in range(3)]
    assert set[str]().union(*(named(told) for told in parts)) == {key}
    assert sum(told.read for told in parts) >= parts[0].objects
    assert max(told.read for told in parts) < parts[0].objects


@pytest.mark.slow
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
