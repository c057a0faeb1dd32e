"""What archives go through and is no damage: takedowns, kills, rejected runs, publishers at work."""

from __future__ import annotations

import gzip
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.audit import Audited, Choice, audit_archive
from pipeline.model import Version, article_id
from pipeline.publish import publish_run
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace
from pipeline.takedown import order_takedown, reinstate
from tests.pipeline.audit.bench import Bench
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of
from tests.pipeline.damage import DAMAGES, open_raw
from tests.pipeline.lived_archive import live

BRIDGE = article_id(url_of("bridge"))


def audit(work: Workplace) -> Audited:
    return audit_archive(work.archive, patience=0)


def problems(told: Audited) -> list[tuple[str, str, str, str]]:
    return [(each.key, each.problem, each.expected, each.stands) for each in told.discrepancies]


def versions(work: Workplace) -> list[Version]:
    return work.archive.versions(SITE.id, BRIDGE)


def test_a_takedown_is_no_damage_and_a_stray_among_its_sealed_copies_is(bench: Bench) -> None:
    archive, raw = bench.archive, bench.raw
    order = order_takedown(archive, SITE.id, BRIDGE, by="the editor", reason="case 17", now=NOW)
    market = archive.version_key(SITE.id, article_id(url_of("market")), 1)
    stray = archive.sealed_key(SITE.id, order.takedown, market)
    raw.put_consistently(stray, b"{}")
    told = bench.audit()
    assert [(each.key, each.problem) for each in told.discrepancies] == [(stray, "unaccounted")]
    assert told.withheld == 2
    raw.put_consistently(stray, raw.get(market).body)  # as a takedown that was killed, or came second, leaves it
    assert bench.audit().clean


@pytest.mark.slow
def test_a_takedown_is_no_damage_and_what_it_left_is_watched_as_before(
    settings: Settings, seaweed: EmbeddedStore
) -> None:
    work = build_archive(settings)
    archive, raw = work.archive, open_raw(seaweed.environment(), settings.bucket)
    order = order_takedown(archive, SITE.id, BRIDGE, by="the editor", reason="case 17", now=NOW)
    told = audit(work)
    assert not problems(told)
    assert not told.notes
    assert told.withheld == 2
    raw.keep()
    [sealed, *_] = [key for key in raw.keys("sealed/") if "/articles/" in key]
    stub = archive.version_key(SITE.id, BRIDGE, 1)
    segment = archive.segment_key(SITE.id, a_run(0), 0)
    for key in (stub, sealed, segment):
        DAMAGES["swapped"](raw, key)
        named = {each.key for each in audit(work).discrepancies}

        assert named == {key}
        raw.restore()
    last = raw.keys("journal/")[-1]
    raw.delete(last)
    [each] = audit(work).discrepancies  # and nothing that would make an operator restore what was withheld
    assert (each.key, each.problem) == (last, "missing")
    assert order.takedown in each.expected
    raw.restore()
    DAMAGES["a flipped bit"](raw, sealed)
    assert {each.key for each in audit(work).discrepancies} == {sealed}
    raw.restore()
    reinstate(archive, order, by="the editor", reason="case 17 is closed", now=NOW + HOUR)
    told = audit(work)
    assert not problems(told)
    assert told.withheld == 0
    destroyed = order_takedown(
        archive, SITE.id, BRIDGE, by="a court", reason="case 18", destroy=True, now=NOW + 2 * HOUR
    )
    told = audit(work)
    assert destroyed.state == "destroyed"
    assert not problems(told)
    assert told.withheld == 2


def test_a_run_that_has_not_ended_is_told_and_is_no_damage(bench: Bench) -> None:
    crawl_pages(bench.work, SITE, a_run(3), START + 3 * HOUR, {"bridge": page("bridge")})
    told = bench.audit()
    assert not problems(told)
    [note] = told.notes
    assert f"go on with: muniment run {SITE.id} --run {a_run(3)}" in note.message


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_much_that_happened_to_an_archive_is_no_damage_in_any_sample_and_damage_shows(
    settings: Settings, seaweed: EmbeddedStore, tmp_path: Path
) -> None:
    work = live(settings, tmp_path)
    told = audit(work)
    assert not problems(told)
    assert told.withheld
    for seed in range(3):
        for choice in (Choice(seed=seed, number=seed * 8 + 1), Choice(seed=seed, percent=(1, 10, 50)[seed % 3])):
            sample = audit_archive(work.archive, patience=0, choice=choice, heads=told.heads)
            assert not problems(sample), choice
            assert sample.heads == told.heads
    raw = open_raw(seaweed.environment(), settings.bucket)
    raw.keep()
    keys = [key for key in raw.keys("") if not key.startswith(("tables/", "muniment.json"))]
    for number, key in enumerate(keys[:: max(1, len(keys) // 12)]):
        damage = list(DAMAGES)[number % len(DAMAGES)]
        if key.startswith(("sites/", "takedowns/")) and damage in ("taken away", "swapped"):
            continue  # they are replaced at times: what is beside them says what they are, and no journal
        DAMAGES[damage](raw, key)
        named = {each.key for each in audit(work).discrepancies}
        assert named == {key}, damage
        raw.restore()


def prepare(work: Workplace, count: int) -> list[str]:
    """Runs that are to be published."""
    from pipeline.steps import check, extract

    runs = []
    for number in range(1, count + 1):
        run, at = a_run(number), START + number * HOUR
        pages = {name: page(name, title=f"{STORIES[name][0]}: part {number}") for name in ("bridge", "market")}
        crawl_pages(work, SITE, run, at, {**pages, f"story-{number}": page("pool", title=f"Story {number}")})
        extract(work, SITE.id, run, 0)
        check(work, SITE.id, run)
        runs.append(run)
    return runs


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "choice",
    [
        None,
        Choice(seed=1, number=4),
        Choice(seed=2, percent=30),
    ],
)
def test_publishers_at_work_are_no_damage(settings: Settings, choice: Choice | None) -> None:
    work = build_archive(settings, runs=1)
    runs = prepare(work, 5)
    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(publish_run, work.archive, SITE, run, now=NOW) for run in runs]
        looks = 0
        while not all(job.done() for job in jobs) or not looks:
            told = audit_archive(work.archive, patience=0.2, choice=choice)
            assert not problems(told)
            looks += 1
        for job in jobs:
            job.result()
    assert not problems(audit(work))


@pytest.mark.slow
def test_two_segments_of_one_length_that_were_swapped_are_both_named(
    settings: Settings, seaweed: EmbeddedStore
) -> None:
    from pipeline.steps import check, extract

    work = build_archive(settings, runs=1)
    raw = open_raw(seaweed.environment(), settings.bucket)
    runs = [a_run(number) for number in (1, 2)]
    for number, run in enumerate(runs, start=1):
        title = f"{STORIES['bridge'][0]}: {number}"
        crawl_pages(work, SITE, run, START + number * HOUR, {"bridge": page("bridge", title=title)})
    segments = [work.archive.segment_key(SITE.id, run, 0) for run in runs]
    bodies = [raw.get(key).body for key in segments]
    empty = gzip.compress(b"", mtime=0)
    longest = max(map(len, bodies)) + len(empty) + 1
    for key, body in zip(segments, bodies, strict=True):  # with an empty member whose name fills it up (RFC 1952)
        name = b"x" * (longest - len(body) - len(empty) - 1) + b"\0"
        raw.put_consistently(key, body + empty[:3] + b"\x08" + empty[4:10] + name + empty[10:])
    for run in runs:
        extract(work, SITE.id, run, 0)
        check(work, SITE.id, run)
        publish_run(work.archive, SITE, run, now=NOW)
    assert not problems(audit(work))
    one, other = map(raw.get, segments)
    assert len(one.body) == len(other.body)
    raw.put(segments[0], other.body, other.metadata)
    raw.put(segments[1], one.body, one.metadata)
    assert {(each.key, each.problem) for each in audit(work).discrepancies} == {(key, "altered") for key in segments}


@pytest.mark.slow
def test_a_sample_holds_the_page_that_a_browser_drew(settings: Settings, seaweed: EmbeddedStore) -> None:
    work = build_archive(settings, runs=1)
    drawn = page("ferry", title="Ferry sails again", paragraphs=STORIES["pool"][1])
    html = page("ferry", title="Ferry sails again", paragraphs=(*STORIES["pool"][1], *STORIES["bridge"][1]))
    publish_pages(work, SITE, a_run(2), START + 2 * HOUR, {"ferry": html}, drawn={"ferry": drawn})
    key = work.archive.version_key(SITE.id, article_id(url_of("ferry")), 1)
    version = work.archive.version(SITE.id, article_id(url_of("ferry")), 1)
    assert version.evidence.rendered_digest is not None
    seed = next(seed for seed in range(10_000) if Choice(seed=seed).draw(key) < 0.01 * 2**64)
    choice = Choice(seed=seed, percent=1)
    assert not problems(audit_archive(work.archive, patience=0, choice=choice))
    raw = open_raw(seaweed.environment(), settings.bucket)
    found = raw.get(version.evidence.warc)
    raw.put(
        version.evidence.warc, change_record(found.body, b"WARC-Type: conversion", b"boiler", b"broken"), found.metadata
    )
    told = audit_archive(work.archive, patience=0, choice=choice)
    assert (key, "evidence") in {(each.key, each.problem) for each in told.discrepancies}


def change_record(segment: bytes, mark: bytes, old: bytes, new: bytes) -> bytes:
    """A segment in whose records that have a mark some bytes are other ones of the same number."""
    members = []
    while segment:
        unpacker = zlib.decompressobj(wbits=31)
        record = unpacker.decompress(segment)
        length = len(segment) - len(unpacker.unused_data)
        members.append(gzip.compress(record.replace(old, new), mtime=0) if mark in record else segment[:length])
        segment = unpacker.unused_data
    return b"".join(members)


@pytest.mark.slow
@pytest.mark.parametrize("after", range(1, 60, 3))
def test_a_publisher_that_was_killed_leaves_no_damage_but_a_run_to_go_on_with(settings: Settings, after: int) -> None:
    """At whatever request: between the journal's entry and published.json that document is missed, and made anew."""
    from pipeline.steps import check, extract
    from pipeline.store import Store

    work = build_archive(settings, runs=1)
    run = a_run(2)
    crawl_pages(work, SITE, run, START + 2 * HOUR, {"bridge": page("bridge", title="Another headline")})
    extract(work, SITE.id, run, 0)
    check(work, SITE.id, run)

    class Killed(BaseException):
        pass

    count = 0
    call = Store._call

    def counted(self: Store, operation: str, **arguments: object) -> object:
        nonlocal count
        count += 1
        if count > after:
            raise Killed
        return call(self, operation, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_call", counted)
        with suppress(Killed):
            publish_run(work.archive, SITE, run, now=NOW)
    left = {each.key for each in audit(work).discrepancies}
    assert left <= {work.archive.published_key(SITE.id, run)}
    publish_run(work.archive, SITE, run, now=NOW)
    assert not problems(audit(work))
