"""What publishing costs: a whole ``publish_run`` of new versions beside bare ``put_object`` of the same bytes.

Starts an embedded store of its own in a scratch folder. Each round publishes a run of a new site, whose findings lie in
the archive, and then puts the very same version documents under other keys with a plain boto3 client and as many
threads; which of the two is first changes from round to round. The figure is the median of the rounds' ratios: 1 would
mean that deciding, the table, the frontier, the index and the journal cost nothing. Beside seconds of the clock, which
on a busy machine tell of others, the same is said in seconds of this process's CPU.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import pstats
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bench.measure import count_cores, render_table
from bench.store import connect_both
from pipeline.archive import Archive, segment_key, write_marker
from pipeline.edits import essence_digest
from pipeline.model import Article, Evidence, Finding, Moment, Published, article_id, content_digest, run_id
from pipeline.publish import publish_run
from pipeline.seaweed import EmbeddedStore
from spiders.protocol import CrawlSummary
from spiders.site import Site, Source

_Result = TypeVar("_Result")

_START = datetime(2026, 11, 22, 9, tzinfo=UTC)
_WORDS = 450  # of a usual news story


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("--versions", type=int, default=2000, help="versions a round (default %(default)s)")
    parser.add_argument("--words", type=int, default=_WORDS, help="words of a text (default %(default)s)")
    parser.add_argument("--threads", type=int, default=16, help="requests at once (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default %(default)s)")
    parser.add_argument("--profile", action="store_true", help="tell what the main thread of one round does")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch, EmbeddedStore(Path(scratch), 0) as embedded:
        archive, client = _open(embedded, given.threads)
        times: list[tuple[_Spent, _Spent]] = []
        for number in range(given.rounds + 1):
            site = _make_site(f"site-{number}")
            run = _write_run(archive, site, given.versions, given.words)
            if number == 0:  # opens connections and volumes, loads the table's library
                _publish(archive, site, run)
                continue
            if given.profile:
                with cProfile.Profile() as profile:
                    _publish(archive, site, run)
                pstats.Stats(profile).sort_stats("tottime").print_stats(35)
                return 0
            if number % 2:
                published, ours = _time(lambda: _publish(archive, site, run))  # noqa: B023 - called at once
                bare = _put_bare(client, archive, published, given.threads, number)
            else:
                # The same bytes have to be known before: they are published twice, once unmeasured.
                twin = _make_site(f"twin-{number}")
                published = _publish(archive, twin, _write_run(archive, twin, given.versions, given.words))
                bare = _put_bare(client, archive, published, given.threads, number)
                _, ours = _time(lambda: _publish(archive, site, run))  # noqa: B023 - called at once
            times.append((ours, bare))
            print(
                f"round {number}: published in {ours.clock:.2f} s, bare {bare.clock:.2f} s: "
                f"{bare.clock / ours.clock:.2f} ×; of CPU {ours.cpu:.2f} s and {bare.cpu:.2f} s: "
                f"{bare.cpu / ours.cpu:.2f} ×",
                flush=True,
            )
    ratios = [bare.clock / ours.clock for ours, bare in times]
    of_cpu = [bare.cpu / ours.cpu for ours, bare in times]
    rows = [
        (
            name,
            f"{given.versions / statistics.median(each[which].clock for each in times):.0f}",
            f"{1000 * statistics.median(each[which].cpu for each in times) / given.versions:.2f}",
        )
        for which, name in enumerate(("`publish_run`", "bare `put_object`"))
    ]
    print(
        f"\n{given.versions} new versions of {given.words} words a round, {given.threads} threads, {count_cores()} "
        f"cores, median of {given.rounds} rounds.\n"
    )
    print(render_table(("way", "versions/s", "ms of CPU a version"), rows))
    print(f"\npublishing to bare: {statistics.median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"by CPU: {statistics.median(of_cpu):.2f} × ({min(of_cpu):.2f} to {max(of_cpu):.2f})")
    if given.json:
        told = {
            "ratio": statistics.median(ratios),
            "ratio_of_cpu": statistics.median(of_cpu),
            "rounds": [[asdict(spent) for spent in each] for each in times],
        }
        given.json.write_text(json.dumps(told, indent=2))
    return 0


@dataclass(frozen=True, kw_only=True)
class _Spent:
    """Seconds that something took: of the clock, and of this process's CPU."""

    clock: float
    cpu: float


def _time(work: Callable[[], _Result]) -> tuple[_Result, _Spent]:
    clock, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, _Spent(clock=time.perf_counter() - clock, cpu=time.process_time() - cpu)


def _publish(archive: Archive, site: Site, run: str) -> Published:
    return publish_run(archive, site, run, now=_START + timedelta(days=1))


def _put_bare(client: Any, archive: Archive, published: Published, threads: int, number: int) -> _Spent:
    """Put the bytes of a run's versions as plainly as boto3 can; how long it took."""
    with ThreadPoolExecutor(threads) as pool:
        bodies = list(pool.map(lambda key: archive.store.get(key).body, published.made))
        keys = [f"bare/{number}/{key}" for key in published.made]

        def put(key: str, body: bytes) -> object:
            return client.put_object(Bucket=archive.store.bucket, Key=key, Body=body, ContentType="application/json")

        done, spent = _time(lambda: list(pool.map(put, keys, bodies)))
        assert len(done) == len(published.made)
        return spent


def _open(embedded: EmbeddedStore, threads: int) -> tuple[Archive, Any]:
    store, client = connect_both(embedded, threads)
    write_marker(store)
    return Archive(store, store), client


def _make_site(name: str) -> Site:
    home = f"https://{name}.example"
    return Site(
        id=name,
        name=name,
        home=home + "/",
        kind="trade",
        article=rf"https://{name}\.example/news/.+",
        sources=(Source(type="feed", url=home + "/feed"),),
    )


def _write_run(archive: Archive, site: Site, count: int, words: int) -> str:
    """A run that is crawled and extracted: so many new articles."""
    run = run_id(_START, site.id)
    archive.write_findings(site.id, run, 0, _make_findings(site, run, count, words))
    archive.write_summary(
        CrawlSummary(
            site=site.id,
            run=run,
            started=_START,
            finished=_START + timedelta(hours=1),
            finish_reason="finished",
            user_agent="bench",
            discovered=count,
            captured=count,
            yielded=count,
            written=count,
        )
    )
    return run


def _make_findings(site: Site, run: str, count: int, words: int) -> Iterator[Finding]:
    chance = random.Random(site.id)
    language = ["".join(chance.choices("etaoinshrdlucmfw", k=chance.randint(2, 9))) for _ in range(5000)]
    for number in range(count):
        url, at = f"{site.home}news/{number}", _START + timedelta(seconds=number)
        title = " ".join(chance.choices(language, k=9)).capitalize()
        lines = [" ".join(chance.choices(language, k=45)).capitalize() + "." for _ in range(max(1, words // 45))]
        text = "\n".join(lines)
        mark = hashlib.sha256(url.encode()).hexdigest()
        yield Finding(
            kind="article",
            requested=url,
            final=url,
            evidence=Evidence(
                warc=segment_key(site.id, run, 0),
                offset=number * 20_000,
                length=19_000,
                record_id=f"<urn:uuid:{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}>",
                payload_digest=f"sha256:{mark}",
                status=200,
                captured_at=at,
            ),
            article=Article(
                article=article_id(url),
                url=url,
                title=title,
                text=text,
                words=len(text.split()),
                digest=content_digest(title, text),
                essence=essence_digest(title, text),
                authors=("A. Writer", "B. Reader"),
                tags=("budget", "council"),
                published=Moment(value=at, original=at.isoformat(), source="json-ld"),
                section="News",
                language="en",
                origins={"title": "json-ld", "published": "json-ld", "authors": "json-ld"},
            ),
            etag=f'"{mark[:8]}"',
            last_modified=None,
            via=f"{site.home}feed",
        )


if __name__ == "__main__":
    raise SystemExit(main())
