"""Each step killed and let down by a seeded schedule, several times over: in the end the archive is a clean run's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from pipeline import seaweed as seaweed_module
from pipeline import store as store_module
from pipeline.archive import Archive, write_marker
from pipeline.errors import StoreUnavailable
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings, read_settings
from pipeline.store import connect
from tests.faults import Fault, FaultyNetwork, Kind, draw_faults, tell
from tests.pipeline.built_archive import page
from tests.pipeline.built_runs import HOUR, START, a_run, a_site
from tests.pipeline.crashes import (
    AGAIN,
    CRAWLED,
    JOBS,
    PREPARED,
    SITE,
    Life,
    Objects,
    Order,
    build_past,
    build_run,
    check_nothing_left,
    check_whole,
    contents,
    finish_job,
    open_work,
    restore,
    take_all,
    write_story,
)
from tests.pipeline.foreign_files import old_page, put, write_heritrix

OLD = {"bridge": old_page("bridge"), "mill": page("mill", title="The mill", paragraphs=write_story("Wendover", -700))}
"""Pages of years ago, to be imported."""

MORE_RUNS = {"run": 1, "publish": 1, "import": 1, "maintain": 2, "release": 1, "reextract": 1, "read-rejected": 1}

QUICK = ("publish", "import", "suspend")
"""Jobs whose short trial is no slow test."""

SHARE = 15
"""Schedules that a slow test goes through."""


@pytest.fixture(scope="module")
def network(seaweed: EmbeddedStore) -> Iterator[FaultyNetwork]:
    with FaultyNetwork(seaweed.environment()["AWS_ENDPOINT_URL_S3"]) as opened:
        yield opened


class Trial:
    """A job, the archive before it and after a clean life of it."""

    def __init__(self, archive: Archive, network: FaultyNetwork, job: str, folder: Path) -> None:
        self.archive, self.network, self.job = archive, network, job
        work = open_work(archive, SITE)
        seen = build_past(work, SITE)
        past = take_all(archive)
        files = (put(folder, "old.warc.gz", write_heritrix(START - 700 * HOUR, OLD)),)
        self.order: Order = replace(build_run(work, SITE, 6, seen, folder), files=files)
        if job not in CRAWLED:
            restore(archive, past)
        for before in PREPARED.get(job, ()):
            before(work, self.order)
        self.before: Objects = take_all(archive)
        clean = finish_job(network, job, self.order)
        self.clean = contents(archive)
        self.way, self.requests = clean.door.seen, len(clean.door.seen)
        self.runs = [run for run in archive.runs(SITE.id) if archive.read_published(SITE.id, run) is not None]
        assert len(self.runs) == 2 + MORE_RUNS.get(job, 0)
        self.look()

    def look(self) -> None:
        """Fail unless all is as it must be."""
        check_whole(self.archive, SITE, self.runs)
        check_nothing_left(self.archive, self.job)

    def suffer(self, faults: list) -> int:
        """Do the job with faults, to its end; how many struck."""
        restore(self.archive, self.before)
        life = finish_job(self.network, self.job, self.order, list(faults))
        told = f"{faults}\n{tell(life.door.seen)}\n{life.said}"
        after = contents(self.archive)
        assert after.keys() == self.clean.keys(), told
        assert [key for key in after if after[key] != self.clean[key]] == [], told
        self.look()
        return len(life.door.struck())


def suffer_all(trial: Trial, seeds: Iterable[int]) -> int:
    """Schedules of these seeds; how many faults struck."""
    return sum(
        trial.suffer(draw_faults(f"{trial.job} {seed}", count=6, requests=trial.requests // 3)) for seed in seeds
    )


@pytest.mark.parametrize("job", [job if job in QUICK else pytest.param(job, marks=pytest.mark.slow) for job in JOBS])
@pytest.mark.timeout(300)
def test_a_job_that_is_killed_and_let_down_gives_what_a_clean_one_gives(
    archive: Archive, network: FaultyNetwork, job: str, tmp_path: Path
) -> None:
    assert suffer_all(Trial(archive, network, job, tmp_path), [0]) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("share", range(8))
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.timeout(3600)
def test_hundreds_of_schedules_of_kills_and_faults_give_what_a_clean_run_gives(
    archive: Archive, network: FaultyNetwork, job: str, share: int, tmp_path: Path
) -> None:
    trial = Trial(archive, network, job, tmp_path)
    assert suffer_all(trial, range(100 + share * SHARE, 100 + (share + 1) * SHARE)) > SHARE


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["kill-before", "kill-after", "lose"])
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.timeout(3600)
def test_a_job_killed_at_each_of_its_requests_in_turn_gives_what_a_clean_one_gives(
    archive: Archive, network: FaultyNetwork, job: str, moment: Kind, tmp_path: Path
) -> None:
    trial = Trial(archive, network, job, tmp_path)
    method = "" if moment == "kill-before" else "PUT"  # an answer that only reads leaves no doubt
    count = sum(each.method == method or not method for each in trial.way)
    for number in range(count):
        trial.suffer([Fault(kind=moment, skip=number, method=method)])


# --- many at once


def suffer_together(network: FaultyNetwork, orders: Sequence[Order], faults: Sequence[Iterable[Fault]]) -> list[Life]:
    """Publish orders at the same time, each in a process of its own with faults of its own."""
    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(partial(finish_job, network, "run"), orders, faults))


def draw_for(orders: Sequence[Order], seed: object) -> list[list[Fault]]:
    return [draw_faults(f"{seed} {number}", count=3, requests=30) for number, _ in enumerate(orders)]


@pytest.mark.parametrize(("workers", "seeds"), [(3, 1), pytest.param(8, 12, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_workers_that_publish_one_run_publish_it_once(
    archive: Archive, network: FaultyNetwork, workers: int, seeds: int, tmp_path: Path
) -> None:
    trial = Trial(archive, network, "run", tmp_path)
    for seed in range(seeds):
        restore(archive, trial.before)
        orders = [trial.order] * workers
        lives = suffer_together(network, orders, draw_for(orders, f"one {seed}"))
        assert [life.result for life in lives] == [archive.read_published(SITE.id, trial.order.run)] * workers
        told = "\n".join(f"{tell(life.door.seen)}\n{life.said}" for life in lives)
        assert contents(archive) == trial.clean, told
        check_whole(archive, SITE, trial.runs)


@pytest.mark.parametrize(("workers", "seeds"), [(3, 1), pytest.param(6, 12, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_workers_that_publish_different_runs_of_one_site_lose_double_and_skip_nothing(
    archive: Archive, network: FaultyNetwork, workers: int, seeds: int, tmp_path: Path
) -> None:
    work = open_work(archive, SITE)
    seen = build_past(work, SITE)
    past = take_all(archive)
    orders = [build_run(work, SITE, 3 + number, seen, tmp_path) for number in range(workers)]
    for seed in range(seeds):
        restore(archive, past)
        suffer_together(network, orders, draw_for(orders, f"site {seed}"))
        check_whole(archive, SITE, [a_run(0), a_run(2), *(order.run for order in orders)])


@pytest.mark.parametrize(("workers", "seeds"), [(3, 1), pytest.param(8, 6, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_workers_on_many_sites_at_once_lose_double_and_skip_nothing(
    archive: Archive, network: FaultyNetwork, workers: int, seeds: int, tmp_path: Path
) -> None:
    sites = [a_site(f"site-{number}") for number in range(workers)]
    orders = [build_run(open_work(archive, site), site, 3, {}, tmp_path) for site in sites]
    restore(archive, {"muniment.json": take_all(archive)["muniment.json"]})
    nothing = take_all(archive)
    for seed in range(seeds):
        restore(archive, nothing)
        suffer_together(network, orders, draw_for(orders, f"sites {seed}"))
        for site, order in zip(sites, orders, strict=True):
            check_whole(archive, site, [order.run])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_captures_are_read_again_beside_a_run_of_the_site_and_both_stand(
    archive: Archive, network: FaultyNetwork, tmp_path: Path
) -> None:
    trial = Trial(archive, network, "run", tmp_path)
    for seed in range(4):
        restore(archive, trial.before)
        faults = draw_for([trial.order] * 2, f"again {seed}")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(partial(finish_job, network), ["run", "reextract"], [trial.order] * 2, faults))
        check_whole(archive, SITE, [*trial.runs, AGAIN])
        for article in archive.articles(SITE.id):
            versions = archive.versions(SITE.id, article)
            current = max(versions, key=lambda version: (version.captured_at, version.n))
            fetched = [version.captured_at for version in versions if version.run == trial.order.run]
            assert current.captured_at == max(fetched, default=current.captured_at), "what was fetched last stands"


# --- a full disk


def limited_weed(folder: Path) -> Path:
    """SeaweedFS that has room for a few megabytes."""
    found, limited = seaweed_module._find_weed(), folder / "weed"
    few = "-master.volumeSizeLimitMB=1 -volume.max=2"
    limited.write_text(f'#!/bin/sh\n[ "$1" = mini ] && exec {found} "$@" {few}\nexec {found} "$@"\n')
    limited.chmod(0o755)
    return limited


@pytest.mark.timeout(300)
def test_a_store_that_is_full_says_what_to_do_and_with_room_again_the_run_goes_on(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_ATTEMPTS", 2)
    home = tmp_path / "small"
    home.mkdir()
    limited = limited_weed(tmp_path)
    with monkeypatch.context() as small:
        small.setattr(seaweed_module, "_find_weed", lambda: limited)
        with EmbeddedStore(home, 0) as embedded:
            archive = reach(embedded, monkeypatch)
            work = open_work(archive, SITE)
            order = build_run(work, SITE, 6, {}, tmp_path)
            with pytest.raises(StoreUnavailable, match="look whether the store's disk is full"):
                fill(archive)
            with pytest.raises(StoreUnavailable, match="disk is full"):
                JOBS["run"](work, order)
            assert archive.read_published(SITE.id, order.run) is None
    with EmbeddedStore(home, 0) as embedded:
        archive = reach(embedded, monkeypatch)
        # For some seconds after its start the store answers 500 to who reads what it had before; a task is tried again.
        patient = Retrying(
            retry=retry_if_exception_type(StoreUnavailable), wait=wait_fixed(1), stop=stop_after_delay(60)
        )
        patient(JOBS["run"], open_work(archive, SITE), order)
        for entry in list(archive.store.list("other/")):
            assert len(archive.store.get(entry.key).body) == entry.size == 400_000  # what was acknowledged is there
            archive.store.delete(entry.key)
        check_whole(archive, SITE, [order.run])


def fill(archive: Archive) -> None:
    """Write until the store refuses."""
    for number in range(100):
        archive.store.create(f"other/{number}", os.urandom(400_000), content_type="a/b")


def reach(embedded: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The archive in an embedded store of a test's own."""
    for name, value in embedded.environment().items():
        monkeypatch.setenv(name, value)
    store = connect(read_settings())
    if not store.has_bucket():
        store.create_bucket()
        write_marker(store)
    return Archive(store, store)
