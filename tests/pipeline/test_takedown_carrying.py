"""Takedowns killed at whatever request and called again; buckets that keep versions; backups."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.model import article_id
from pipeline.steps import Workplace
from pipeline.store import Item
from pipeline.table import dataset
from pipeline.takedown import find_order, order_takedown, read_orders, reinstate, renew
from tests.pipeline.built_archive import SITE
from tests.pipeline.built_runs import HOUR, NOW, url_of
from tests.pipeline.test_publish import Killed, MortalStore
from tests.pipeline.test_takedown import BUILT, BY, WHY, WORDS, leaks, says, take_all, work

__all__ = ["work"]

SPAN = "Buses will go round by the ring road"
BRIDGE = article_id(url_of("bridge"))


def suspend(archive: Archive) -> None:
    order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW)


def redact(archive: Archive) -> None:
    order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW, spans=[SPAN])


def destroy(archive: Archive) -> None:
    order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW + HOUR, destroy=True)


def destroy_words(archive: Archive) -> None:
    order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW + HOUR, spans=[SPAN], destroy=True)


def bring_back(archive: Archive) -> None:
    for order in list(read_orders(archive, SITE.id)):
        reinstate(archive, order, by=BY, reason=WHY, now=NOW + HOUR)


JOBS: dict[str, tuple[list[Callable[[Archive], None]], Callable[[Archive], None]]] = {
    "suspend": ([], suspend),
    "redact": ([], redact),
    "destroy": ([suspend], destroy),
    "destroy words": ([suspend], destroy_words),
    "reinstate": ([suspend], bring_back),
    "reinstate one of two": ([redact, suspend], bring_back),
}


def reset(archive: Archive, objects: dict[str, Any]) -> None:
    """Bring the bucket back to what it was."""
    now = {entry.key: entry.etag for entry in archive.store.list("")}
    wrong = [key for key, stored in objects.items() if now.get(key) != stored.etag]
    for key in [*(key for key in now if key not in objects), *(key for key in wrong if key in now)]:
        archive.store.delete(key)
    archive.store.create_many(
        Item(key=key, body=objects[key].body, content_type=objects[key].content_type, metadata=objects[key].metadata)
        for key in wrong
    )


def contents(archive: Archive) -> dict[str, Any]:
    """All that the bucket says, but how the table's files are cut."""
    rows = dataset(archive).to_table().sort_by([("article", "ascending"), ("n", "ascending")]).to_pylist()
    return {**{key: body for key, body in take_all(archive).items() if not key.startswith("tables/")}, "rows": rows}


def kill_and_go_on(work: Workplace, job: str, moments: Callable[[int], list[tuple[int, bool]]]) -> None:
    archive = work.archive
    first, run = JOBS[job]
    for each in first:
        each(archive)
    before = {entry.key: archive.store.get(entry.key) for entry in archive.store.list("")}
    counted = MortalStore.like(archive.store)
    run(Archive(counted, counted))
    clean = contents(archive)
    for die_at, after in moments(len(counted.requests)):
        reset(archive, before)
        mortal = MortalStore.like(archive.store)
        mortal.die_at, mortal.after, mortal.lock = die_at, after, threading.Lock()
        with pytest.raises(Killed):
            run(Archive(mortal, mortal))
        run(archive)
        now = contents(archive)
        different = {key for key in {*clean, *now} if clean.get(key) != now.get(key)}
        assert different == set(), f"{job} killed {'after' if after else 'before'} request {die_at}"


@pytest.mark.parametrize(
    "job", [pytest.param(job, marks=() if job == "reinstate" else pytest.mark.slow) for job in JOBS]
)
def test_killed_at_some_requests_and_called_again_it_ends_as_if_it_had_not_been(work: Workplace, job: str) -> None:
    chance = random.Random(job)
    kill_and_go_on(work, job, lambda count: [(chance.randrange(count), chance.random() < 0.5)])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_many_requests_and_called_again_it_ends_as_if_it_had_not_been(work: Workplace, job: str) -> None:
    """Each other time before and after the store has done it; TAKEDOWN_STRIDE=1 takes all requests."""
    stride = int(os.environ.get("TAKEDOWN_STRIDE", "9"))
    kill_and_go_on(work, job, lambda count: [(number, number % 2 == 0) for number in range(count)[::stride]])


@pytest.mark.slow
def test_begun_by_one_it_is_ended_by_the_next_takedown_of_the_site(work: Workplace) -> None:
    archive = work.archive
    mortal = MortalStore.like(archive.store)
    mortal.die_at, mortal.after = 60, False
    with pytest.raises(Killed):
        suspend(Archive(mortal, mortal))
    assert [order.state for order in read_orders(archive, SITE.id)] == ["ordered"]
    pool = article_id(url_of("pool"))
    order_takedown(archive, SITE.id, pool, by=BY, reason=WHY, now=NOW + HOUR)
    assert [order.state for order in read_orders(archive, SITE.id)] == ["carried out"] * 2
    assert leaks(archive, [*WORDS["bridge"], *WORDS["pool"]]) == {}


@pytest.mark.slow
def test_after_a_backup_was_restored_an_order_is_carried_out_again(work: Workplace) -> None:
    archive = work.archive
    suspend(archive)
    [order] = read_orders(archive, SITE.id)
    for key, stored in BUILT.items():
        if key.startswith(("articles/", "warc/", "runs/")):
            archive.store.delete(key)
            archive.store.create(key, stored.body, content_type=stored.content_type, metadata=stored.metadata)
    assert leaks(archive, WORDS["bridge"]) != {}
    renewed = renew(archive, order, now=NOW + HOUR)
    assert (renewed.state, renewed.touched) == ("carried out", ())
    assert leaks(archive, WORDS["bridge"]) == {}


@pytest.mark.slow
def test_what_a_versioned_bucket_keeps_is_destroyed_too(work: Workplace) -> None:
    archive = work.archive
    archive.store.turn_versioning(True)
    suspend(archive)
    destroy(archive)
    client = archive.store
    kept = []
    for found in client._call("list_object_versions").get("Versions", ()):
        if not found["Key"].startswith("tables/"):
            body = client._call("get_object", Key=found["Key"], VersionId=found["VersionId"])["Body"]
            kept += [(found["Key"], word) for word in says(body, WORDS["bridge"])]
    assert kept == []
    assert {order.state for order in read_orders(archive, SITE.id)} == {"destroyed"}


def test_an_order_is_found_by_its_id_alone(work: Workplace) -> None:
    suspend(work.archive)
    [order] = read_orders(work.archive)
    assert find_order(work.archive, order.takedown) == order
