"""What one run of a site costs: CPU by step, memory, HTTP requests and bytes, calls to the store by kind, growth.

    python -m bench.cost [--articles 200] [--kilobytes 150] [--per-hour 6] [--hours 3] [--json FILE]

A made-up site on loopback (``bench.month``'s pages, made as heavy as a paper's) is run by the steps, each run in a
process of its own as a worker would, into a real SeaweedFS behind a counting door (``tests.faults``): the first run,
then one an hour later and so on, each with what was published and edited meanwhile, and at last one right after, with
nothing new. What the tasks of an orchestrator cost beside that is told by ``bench.workers``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import render_table, run_program
from bench.month import Newsroom, Plan, write_site_file
from bench.web import WebSite
from pipeline.archive import open_archive
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import settings_environment
from tests.faults import Door, FaultyNetwork, Seen

SITE = "month"


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """What a run took; CPU in seconds, ``cpu`` by part as ``bench.run_steps`` tells it."""

    name: str
    captured: int
    versions: int
    seconds: float
    cpu_total: float
    cpu: dict[str, float]
    peak_mb: float
    requests: int
    received: int  # bytes, as they came
    calls: dict[str, int]  # to the store, by kind
    objects: int  # by which the bucket grew
    grown: int  # bytes by which it grew


def kind_of_call(seen: Seen) -> str:
    """What an S3 request is, in the words in which stores bill it."""
    query = seen.path.partition("?")[2]
    if seen.method == "GET" and re.search(r"(^|&)(list-type|prefix|delimiter)=?", query):
        return "LIST"
    if seen.method == "POST":
        return "DELETE" if re.match("delete", query) else "PUT"
    return seen.method


def measure(asked: argparse.Namespace, home: Path) -> list[RunCost]:
    """The runs, one after the other."""
    began = datetime.now(UTC)
    days = max(1, -(-asked.hours // 24))
    plan = Plan(articles=asked.articles, per_day=24 * asked.per_hour, days=days, kilobytes=asked.kilobytes, calm=True)
    newsroom = Newsroom(plan, began)
    settings = Settings(
        home=home,
        sites=(home / "sites",),
        builtin_sites=False,
        scratch=home / "scratch",
        contact="https://example.org/bench",
        processes=1,
    )
    costs: list[RunCost] = []
    with (
        EmbeddedStore(home, 0) as store,
        WebSite(newsroom.answer) as site,
        FaultyNetwork(store.environment()["AWS_ENDPOINT_URL_S3"]) as network,
        network.open_door() as door,
    ):
        newsroom.home = site.home
        write_site_file(home / "sites", site.home)
        os.environ.update(store.environment())
        open_archive(settings)
        names = ["first", *(f"hour {hour}" for hour in range(1, asked.hours + 1)), "nothing new"]
        for number, name in enumerate(names):
            hour = min(number, asked.hours)
            newsroom.advance(began + timedelta(hours=hour))
            # In the last hour's own moment again: nothing has happened, and nothing is due.
            at = settings.model_copy(update={"clock_ahead": timedelta(hours=hour)})
            costs.append(run_once(name, at, store, site, door))
    return costs


def run_once(name: str, settings: Settings, store: EmbeddedStore, site: WebSite, door: Door) -> RunCost:
    """One run in a process of its own."""
    archive = open_archive(settings, create=False)
    before = {entry.key: entry.size for entry in archive.store.list("")}
    answered = site.answered
    door.seen.clear()
    environment = {**settings_environment(settings), **store.environment(), "AWS_ENDPOINT_URL_S3": door.endpoint}
    cost, told = run_program(["bench.run_steps", SITE], environment=environment)
    calls = Counter(map(kind_of_call, door.seen))
    after = {entry.key: entry.size for entry in archive.store.list("")}
    (run,) = told["sites"]
    summary = archive.read_summary(SITE, run["run"])
    assert summary is not None
    return RunCost(
        name=name,
        captured=summary.captured,
        versions=sum(run["versions"].values()),
        seconds=cost.seconds,
        cpu_total=cost.cpu,
        cpu=run["cpu"],
        peak_mb=cost.peak_mb,
        requests=site.answered - answered,
        received=summary.bytes_received,
        calls=dict(sorted(calls.items())),
        objects=len(after) - len(before),
        grown=sum(after.values()) - sum(before.values()),
    )


def tell(costs: Sequence[RunCost]) -> str:
    """Two tables."""
    kinds = sorted({kind for cost in costs for kind in cost.calls})
    first = render_table(
        ("run", "pages", "versions", "seconds", "CPU s", "crawl", "extract", "rest", "peak MiB", "requests", "MB"),
        [
            (
                *(cost.name, cost.captured, cost.versions, cost.seconds, cost.cpu_total),
                *(cost.cpu["crawl"], cost.cpu["extract"]),
                cost.cpu_total - cost.cpu["crawl"] - cost.cpu["extract"],
                *(cost.peak_mb, cost.requests, cost.received / 1e6),
            )
            for cost in costs
        ],
    )
    second = render_table(
        ("run", *kinds, "calls", "objects", "KB in the bucket"),
        [
            (
                cost.name,
                *(cost.calls.get(kind, 0) for kind in kinds),
                sum(cost.calls.values()),
                cost.objects,
                cost.grown / 1e3,
            )
            for cost in costs
        ],
    )
    return f"{first}\n\n{second}"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=int, default=200, help="that stand there before the first run")
    parser.add_argument("--kilobytes", type=int, default=150, help="of each page")
    parser.add_argument("--per-hour", type=int, default=6, help="articles that are published in an hour")
    parser.add_argument("--hours", type=int, default=3, help="runs after the first")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as home:
        costs = measure(asked, Path(home))
    print(tell(costs))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(cost) for cost in costs], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
