"""Work that is killed and let down, in processes of its own, and what the archive must be like when it is done.

To let another job go through the same: add it to ``JOBS``, and to ``PREPARED`` what is done before it. A job runs in
a child that is forked from a server which has everything imported, so that a life costs milliseconds. Its clock stands
still, so that what it writes can be compared byte for byte.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import botocore.endpoint

import pipeline.extract
import pipeline.steps
import pipeline.store
import pipeline.table
from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.boilerplate import Memory, Observed
from pipeline.cdx import repair_index, write_index
from pipeline.errors import RunRejected, Temporary
from pipeline.frontier import Frontier
from pipeline.journal import digest_of, read_journal
from pipeline.maintenance import maintain, rebuild
from pipeline.model import Finding, JournalEntry, Published, article_id
from pipeline.repair import Makers, repair_archive
from pipeline.settings import Settings
from pipeline.steps import (
    Workplace,
    check,
    extract,
    plan_again,
    publish,
    read_again,
    reextract_run,
    release,
    run_import,
)
from pipeline.store import DIGEST_NAME, connect
from pipeline.table import dataset, live_files, open_table, remove_unreferenced
from pipeline.takedown import order_takedown, read_orders, reinstate
from pipeline.workers import Extractor
from spiders.protocol import CrawlSummary
from spiders.site import CheckLimits, ExtractRules, Site
from spiders.warc import Captured
from tests.faults import Door, Fault, FaultyNetwork, tell
from tests.pipeline.built_archive import STORIES, crawl_pages, page, publish_pages
from tests.pipeline.built_runs import HOUR, START, a_run, a_site, url_of
from tests.pipeline.test_takedown import leaks

CLOCK = START + 9 * HOUR
LIVES = 60
"""How often a job is begun again at most until it must have come to its end."""

_READ_SECONDS = 1.0


class Frozen(Settings):
    """Settings of a deployment whose clock stands still."""

    def now(self) -> datetime:
        """Always the same."""
        return CLOCK


class Reader(Extractor):
    """Reads pages in this process: what kills the one must kill the other, and none is hostile here."""

    def __init__(self) -> None:
        super().__init__(1)

    def extract_captures(
        self, site: Site, captures: Iterable[Captured], warc_key: str, *, memory: Memory | None = None
    ) -> Iterator[Finding]:
        """As ``Extractor``."""
        for capture in captures:
            if capture.kind == "page":
                yield pipeline.extract.judge_capture(site, capture, warc_key, memory)

    def observe_captures(self, site: Site, captures: Iterable[Captured]) -> Iterator[Observed]:
        """As ``Extractor``."""
        for capture in captures:
            found = pipeline.extract.observe_capture(site, capture)
            if found is not None:
                yield found


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a job is to do: with which run, and with which files of its crawl."""

    site: Site
    run: str
    segments: tuple[Path, ...] = ()
    summary: CrawlSummary | None = None
    files: tuple[str, ...] = ()  # to be imported


Job = Callable[[Workplace, Order], object]


# --- jobs


def do_extract(work: Workplace, order: Order) -> object:
    """The step, for all segments."""
    return [
        extract(work, order.site.id, order.run, work.archive.segment_number(key), extractor=Reader())
        for key in work.archive.segments(order.site.id, order.run)
    ]


def do_check(work: Workplace, order: Order) -> object:
    """The step."""
    return check(work, order.site.id, order.run)


def do_publish(work: Workplace, order: Order) -> object:
    """The step."""
    return publish(work, order.site.id, order.run)


def do_run(work: Workplace, order: Order) -> object:
    """All of a run, but that its segments come from files: what ``crawl`` does with them, and the steps behind it."""
    for number, path in enumerate(order.segments):
        work.archive.upload_segment(order.site.id, order.run, number, path)
    assert order.summary is not None
    work.archive.write_summary(order.summary)
    do_extract(work, order)
    do_check(work, order)
    return do_publish(work, order)


def do_import(work: Workplace, order: Order) -> object:
    """As ``muniment import``."""
    return run_import(work, order.files)


def do_maintain(work: Workplace, order: Order) -> object:
    """As ``muniment table maintain``; and what was merged is removed at once, for which a deployment waits a week."""
    maintain(work.archive, now=_LONG_AGO)
    return remove_unreferenced(work.archive, retention=timedelta(0))


def do_rebuild(work: Workplace, order: Order) -> object:
    """As ``muniment table rebuild``."""
    return rebuild(work.archive, now=CLOCK)


def do_repair(work: Workplace, order: Order) -> object:
    """As ``muniment audit --repair``."""
    found = audit_archive(work.archive, patience=0)
    return repair_archive(work.archive, found, Makers(sites=work.sites, findings=partial(read_again, work), now=CLOCK))


def do_index(work: Workplace, order: Order) -> object:
    """The indexes of all runs: written where they are missing, made anew where they say otherwise."""
    for run in list(work.archive.runs(order.site.id)):
        if work.archive.read_published(order.site.id, run) is not None:
            write_index(work.archive, order.site.id, run)
            repair_index(work.archive, order.site.id, run)
    return None


def do_takedown(work: Workplace, order: Order, *, spans: Sequence[str] = (), destroy: bool = False) -> object:
    """As ``muniment takedown``, of the article that was edited."""
    return order_takedown(
        work.archive, order.site.id, WITHHELD, by="legal", reason="no. 7", now=CLOCK, spans=spans, destroy=destroy
    )


def do_reinstate(work: Workplace, order: Order) -> object:
    """As ``muniment reinstate``, of all that is withheld."""
    for each in list(read_orders(work.archive, order.site.id)):
        reinstate(work.archive, each, by="legal", reason="no. 8", now=CLOCK)
    return None


def do_release(work: Workplace, order: Order) -> object:
    """As ``muniment release``."""
    return release(work, order.site.id, order.run, by="Nia", reason="It was right.")


def do_reextract(work: Workplace, order: Order) -> object:
    """As ``muniment reextract``, of all published runs, whose pages a rule of the site's file reads otherwise."""
    mended = order.site.model_copy(update={"extract": (ExtractRules(strip=("p:nth-of-type(2)",)),)})
    return _reextract(replace(work, sites={order.site.id: mended}), order.site.id, None)


def do_read_rejected(work: Workplace, order: Order) -> object:
    """As ``muniment reextract``, of a rejected run."""
    return _reextract(work, order.site.id, order.run)


def _reextract(work: Workplace, site: str, of: str | None) -> object:
    plan_again(work, site, AGAIN, of=of)
    return reextract_run(work, site, AGAIN).published


AGAIN = a_run(8, "again")
WITHHELD = article_id(url_of("bridge"))
SPAN = "Buses will go round by the ring road"
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_redact = partial(do_takedown, spans=[SPAN])
_destroy = partial(do_takedown, destroy=True)

JOBS: dict[str, Job] = {
    "extract": do_extract,
    "check": do_check,
    "publish": do_publish,
    "run": do_run,
    "import": do_import,
    "maintain": do_maintain,
    "rebuild": do_rebuild,
    "repair": do_repair,
    "index": do_index,
    "suspend": do_takedown,
    "redact": _redact,
    "destroy": _destroy,
    "reinstate": do_reinstate,
    "release": do_release,
    "reextract": do_reextract,
    "read-rejected": do_read_rejected,
}


def grow(work: Workplace, order: Order) -> None:
    """Two more small runs, so that there is something to merge."""
    for hours in (3, 4):
        pages: dict[str, bytes | int] = {"market": page("market", title=f"Rents at {hours}")}
        publish_pages(work, order.site, a_run(hours), START + hours * HOUR, pages, extractor=Reader())


def damage(work: Workplace, order: Order) -> None:
    """Remove one of each that can be made anew."""
    archive, site, run = work.archive, order.site.id, a_run(0)
    lost = [
        archive.index_key(site, run),
        archive.frontier_key(site),
        archive.boilerplate_key(site),
        archive.published_key(site, run),
        next(entry.key for entry in archive.store.list("tables/") if entry.key.endswith(".parquet")),
        next(entry.key for entry in archive.store.list(f"runs/{site}/{a_run(2)}/") if "extracted-" in entry.key),
    ]
    for key in lost:
        archive.store.delete(key)


def lose_table(work: Workplace, order: Order) -> None:
    """Remove all of the table."""
    for entry in list(work.archive.store.list("tables/")):
        work.archive.store.delete(entry.key)


def lose_indexes(work: Workplace, order: Order) -> None:
    """Remove one index, and cut another short."""
    first, second = (work.archive.index_key(order.site.id, run) for run in (a_run(0), a_run(2)))
    standing = work.archive.store.get(second)
    work.archive.store.replace(second, standing.body[:-40], etag=standing.etag, content_type=standing.content_type)
    work.archive.store.delete(first)


def reject(work: Workplace, order: Order) -> None:
    """Let the gate refuse the run."""
    strict = order.site.model_copy(update={"check": CheckLimits(min_captures=1000)})
    with suppress(RunRejected):
        check(replace(work, sites={strict.id: strict}), strict.id, order.run)


PREPARED: dict[str, tuple[Job, ...]] = {
    "check": (do_extract,),
    "publish": (do_extract, do_check),
    "maintain": (grow,),
    "rebuild": (lose_table,),
    "repair": (damage,),
    "index": (lose_indexes,),
    "destroy": (do_takedown,),
    "reinstate": (_redact, do_takedown),
    "release": (do_extract, reject),
    "read-rejected": (do_extract, reject),
}
"""What is done before each."""

CRAWLED = ("extract", "check", "publish", "release", "read-rejected")
"""Jobs before which the segments of their run are in the archive."""


# --- an archive to work on


def open_work(archive: Archive, *sites: Site) -> Workplace:
    """The steps' workplace with a clock that stands still."""
    return Workplace(settings=Frozen(processes=1), sites={site.id: site for site in sites}, archive=archive)


SITE = a_site(gone_after_checks=2, gone_after=timedelta(hours=1))


def build_past(work: Workplace, site: Site) -> dict[str, Any]:
    """Two published runs of a site; what became of their captures."""
    seen: dict[str, Any] = {}
    reader = Reader()
    publish_pages(work, site, a_run(0), START, {name: page(name) for name in STORIES}, seen=seen, extractor=reader)
    longer = (*STORIES["bridge"][1], "The work costs two million pounds, of which the government pays half.")
    second: dict[str, bytes | int] = {"bridge": page("bridge", paragraphs=longer), "library": 304, "pool": 404}
    publish_pages(work, site, a_run(2), START + 2 * HOUR, second, seen=seen, extractor=reader)
    return seen


def build_run(work: Workplace, site: Site, hours: float, seen: Mapping[str, Any], folder: Path) -> Order:
    """A run that is crawled: an edit, a page that is gone, one not modified, and new ones."""
    run, at = a_run(hours, f"{site.id} {hours}"), START + hours * HOUR
    pages: dict[str, bytes | int] = {
        "bridge": 304,
        "market": page("market", title=f"Council lowers market rents, hour {hours}"),
        "pool": 404,
        "library": page("library", paragraphs=(*STORIES["library"][1], f"It is hour {hours} of the trial.")),
        "nothing": 404,
    }
    pages |= {
        f"new-{hours}-{name}": page(name, title=f"{place} has news at {hours}", paragraphs=write_story(place, hours))
        for name, place in (("a", "Wendover"), ("b", "Saltmarsh"), ("c", "Kirkby"))
    }
    crawl_pages(work, site, run, at, pages, seen=dict(seen))
    paths = []
    for key in work.archive.segments(site.id, run):
        paths.append(folder / key.rsplit("/", maxsplit=1)[-1])
        work.archive.download_segment(key, paths[-1])
    return Order(site=site, run=run, segments=tuple(paths), summary=work.archive.read_summary(site.id, run))


def write_story(place: str, hours: float) -> tuple[str, ...]:
    """Paragraphs that no other place and hour have."""
    chance = random.Random(f"{place} {hours}")
    whom = ["the council", "a court", "the fire brigade", "its school", "a farmer", "the rowing club", "the vicar"]
    did = ["closed", "bought", "painted", "flooded", "praised", "measured", "auctioned", "defended"]
    what = ["the old mill", "nine boats", "a bus shelter", "the weir", "its archive", "a pear orchard", "the bells"]
    when = ["on Monday", "before dawn", "during the fair", "last winter", "after a vote", "at short notice"]
    return tuple(
        " ".join(
            f"In {place}, {chance.choice(whom)} {chance.choice(did)} {chance.choice(what)} {chance.choice(when)}, "
            f"which cost {chance.randrange(100, 9999)} pounds and took {chance.randrange(2, 90)} people."
            for _ in range(2)
        )
        for _ in range(4)
    )


Objects = dict[str, tuple[bytes, str, dict[str, str]]]


def take_all(archive: Archive) -> Objects:
    """Everything in the bucket: body, type and metadata by key."""
    found = ((entry.key, archive.store.get(entry.key)) for entry in list(archive.store.list("")))
    return {key: (each.body, each.content_type, dict(each.metadata)) for key, each in found}


def restore(archive: Archive, objects: Objects) -> None:
    """Bring the bucket back to what it was."""
    same = set()
    for entry in list(archive.store.list("")):
        if entry.key in objects and entry.etag == hashlib.md5(objects[entry.key][0], usedforsecurity=False).hexdigest():
            same.add(entry.key)
        else:
            archive.store.delete(entry.key)
    for key in objects.keys() - same:
        body, kind, metadata = objects[key]
        archive.store.create(key, body, content_type=kind, metadata=metadata)


def contents(archive: Archive) -> dict[str, object]:
    """All that an archive says: digest of every object; instead of the table's files its rows, in order."""
    told: dict[str, object] = {
        entry.key: entry.etag for entry in archive.store.list("") if not entry.key.startswith("tables/")
    }
    rows = dataset(archive).to_table().to_pylist()
    return {**told, "rows": sorted(rows, key=lambda row: (row["key"], row["run"]))}


def check_whole(archive: Archive, site: Site, runs: Sequence[str]) -> None:
    """The audit is clean; each run once in the journal, whose chain holds; versions without gaps, in one note and one
    row each; digests beside all objects; a frontier that knows them."""
    audited = audit_archive(archive, sites=[site.id], patience=0)
    assert audited.clean, audited.discrepancies
    entries: list[tuple[JournalEntry, str]] = list(read_journal(archive, site.id))
    before = ""
    for number, (entry, digest) in enumerate(entries, start=1):
        assert (entry.n, entry.previous) == (number, before)
        before = digest
    told = Counter(entry.run for entry, _ in entries if entry.kind == "published")
    assert told == Counter(runs), "each run is told of once"
    objects = take_all(archive)
    for key, (body, _, metadata) in objects.items():
        if not key.startswith("tables/"):
            assert metadata[DIGEST_NAME] == hashlib.sha256(body).hexdigest(), key
    replaced = {each.key for entry, _ in entries for each in entry.replaced}  # as the audit has followed
    for entry, _ in entries:
        assert digest_of(objects[archive.journal_key(site.id, entry.n)][0])
        if entry.kind != "published":
            continue
        for each in entry.objects:
            body = objects[each.key][0]
            if each.key not in replaced:
                assert (each.size, each.sha256) == (len(body), hashlib.sha256(body).hexdigest()), each.key
        published = archive.read_published(site.id, entry.run or "")
        assert published == entry.published
    versions = [version for article in archive.articles(site.id) for version in archive.versions(site.id, article)]
    keys = Counter(archive.version_key(site.id, version.article, version.n) for version in versions)
    made = Counter(key for entry, _ in entries for key in (entry.published.made if entry.published else ()))
    assert made == keys, "each version is one run's"
    rows = dataset(archive).to_table(columns=["site", "key", "run"]).to_pylist()
    assert Counter(row["key"] for row in rows if row["site"] == site.id) == keys, "each version is a row"
    assert set(Counter((version.article, version.run) for version in versions).values()) <= {1}
    with Frontier.open(archive, site) as frontier:
        assert all(frontier.has_applied(run) for run in runs)
        for article in archive.articles(site.id):
            standing = frontier.standing(article)
            assert standing is not None
            assert standing.n == archive.latest_number(site.id, article)


def check_nothing_left(archive: Archive, job: str) -> None:
    """What a job must not leave behind, however often it was killed: words that it took down, files that it removes."""
    words = {"suspend": WORDS, "destroy": WORDS, "redact": [SPAN]}.get(job)
    if words:
        assert leaks(archive, words) == {}
    if job == "maintain":
        table = open_table(archive)
        assert table is not None
        listed = [entry.key for entry in archive.store.list("tables/") if "/site=" in entry.key]
        assert len(listed) == len(live_files(table)) == 1, listed


WORDS = [STORIES["bridge"][0], *STORIES["bridge"][1]]


# --- lives


@dataclass(kw_only=True)
class Life:
    """How a job went: how often it was begun, what it said when it failed, and the way it took."""

    door: Door
    begun: int = 0
    said: list[tuple[str, str]] = field(default_factory=list)  # name of the error, its message
    result: object = None


def finish_job(network: FaultyNetwork, job: str, order: Order, faults: Iterable[Fault] = ()) -> Life:
    """Do a job, from the beginning whenever it was killed or failed for now, until it comes to its end.

    Raises:
        AssertionError: it failed for good, or died of itself, or does not come to its end.
    """
    with network.open_door(faults) as door:
        life = Life(door=door)
        while life.begun < LIVES:
            life.begun += 1
            kills = _count_kills(door)
            answer = _live(door, job, order)
            network.settle(door)
            if answer is None:
                assert _count_kills(door) > kills, f"{job} died of itself\n{tell(door.seen)}"
            elif answer[0] == "done":
                life.result = answer[1]
                return life
            else:
                name, message = answer[1]
                life.said.append((name, message))
                assert answer[0] == "temporary", f"{job} failed for good: {name}: {message}\n{tell(door.seen)}"
        raise AssertionError(f"{job} does not come to its end: {life.said[-3:]}\n{tell(door.seen)}")


def _count_kills(door: Door) -> int:
    return sum(each.fault in ("kill-before", "kill-after") for each in door.seen)


_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, "tests.pipeline.warmed_up"])


def _live(door: Door, job: str, order: Order) -> Any:
    """One life of a job: what it answered; None: it was killed."""
    ours, theirs = _context.Pipe(duplex=False)
    environment = {**os.environ, "AWS_ENDPOINT_URL_S3": door.endpoint}
    process = _context.Process(target=_work, args=(environment, job, order, theirs), daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    pid = process.pid
    door.on_kill = lambda: os.kill(pid, signal.SIGKILL)
    try:
        return ours.recv()
    except EOFError:
        return None
    finally:
        process.join(20)
        ours.close()


def _work(environment: Mapping[str, str], job: str, order: Order, line: Connection[Any, Any]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = environment["MUNIMENT_SCRATCH"]  # what a killed one leaves is removed with the test's folder
    pipeline.store._READ_SECONDS = _READ_SECONDS
    # botocore waits for seconds between its tries; here nobody needs that pause.
    pipeline.steps.Extractor = lambda processes: Reader()  # type: ignore[misc,assignment]
    botocore.endpoint.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))
    answer: tuple[str, object]
    try:
        settings = Frozen(processes=1)
        store = connect(settings)
        work = Workplace(settings=settings, sites={order.site.id: order.site}, archive=Archive(store, store))
        result = JOBS[job](work, order)
        answer = ("done", result if isinstance(result, Published) else None)
    except Temporary as error:
        answer = ("temporary", (type(error).__name__, str(error)))
    except Exception as error:  # noqa: BLE001 - the test shall see it
        answer = ("permanent", (type(error).__name__, str(error)))
    line.send(answer)
    line.close()
    sys.stdout.flush()
    os._exit(0)
