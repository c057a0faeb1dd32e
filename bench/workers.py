"""Two Celery workers beside one, on 24 sites on loopback.

    python -m bench.workers [--rounds 2] [--sites 24] [--articles 12] [--delay 2.5] [--json FILE]

A real cluster (``tests.dags.cluster``: PostgreSQL, Redis, Airflow's parts, workers of two slots each) runs all sites
once with one worker, then with two, in turns of changing order; between the rounds each site publishes new articles.
With ``--delay`` a crawl mostly waits, as it does in life, where politeness sets the pace; with ``--delay 0`` all of it
is CPU, and on a machine with as many cores as one worker uses the second brings little. What all other programs on the
machine used meanwhile is told beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import PeakMemory, count_cores, cpu_of, render_table
from pipeline.archive import open_archive
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from tests.dags.cluster import Cluster
from tests.dags.newsroom import write_story
from tests.loopback import LoopbackSite, Reply

_SITE = """
name = "{name}"
home = "{home}"
kind = "trade"
article = "{home}news/[^/?]+"
schedule = "0 0 1 1 *"
[[sources]]
type = "feed"
url = "{home}feed.xml"
[crawl]
delay = {delay}
run_seconds = 900
allow_private = true
concurrency = 1
"""
_SLOTS = 2
_SCHEDULER_SECONDS = 20.0  # until a scheduler that was started schedules
_ROUND_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Round:
    """All sites once."""

    workers: int
    seconds: float  # until the last run had ended
    crawls: float  # until the last crawl had ended: all that waits, and the part in which cores are not the limit
    worker_cpu: float  # seconds of CPU in the workers
    airflow_cpu: float  # … in api-server, scheduler, DAG processor, PostgreSQL and Redis
    worker_mb: float  # MiB of PSS of all workers at the highest sample
    airflow_mb: float  # … of the other parts
    database: int  # bytes by which Airflow's database grew
    others: float  # cores that everything else on the machine used, the store and the sites among it


class MachineClock:
    """Seconds of CPU that all programs of the machine have used (proc(5), ``/proc/stat``)."""

    def __init__(self) -> None:
        self.began, self.used = time.monotonic(), _used_by_all()

    def tell(self) -> tuple[float, float]:
        """Seconds, and CPU seconds of everybody, since the beginning."""
        return time.monotonic() - self.began, _used_by_all() - self.used


def _used_by_all() -> float:
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # without idle and iowait


def publish(server: LoopbackSite, first: int, count: int) -> None:
    """Let a site announce so many articles, and nothing else."""
    items = []
    for number in range(first, first + count):
        path = f"/news/roof-{number}"
        server.routes[path] = Reply(body=write_story(number).encode())
        items.append(f"<item><title>Roof {number}</title><link>{server.url(path)}</link></item>")
    feed = f"<rss version='2.0'><channel><title>News</title>{''.join(items)}</channel></rss>"
    server.routes["/feed.xml"] = Reply(body=feed.encode(), content_type="application/rss+xml")


def run_round(cluster: Cluster, sites: Sequence[str], workers: int) -> Round:
    """Trigger all sites at once and wait for the last.

    Raises:
        RuntimeError: a run failed.
    """
    airflow = cluster.airflow
    names = {name: name.startswith("w") and name[1:].isdigit() for name in cluster.part_names}
    own = {name: cluster.pids([name]) for name in names}
    before = {name: cpu_of(pids) for name, pids in own.items()}
    held = cluster.database_bytes()
    clock = MachineClock()
    roots = {kind: [pid for name in names if names[name] is kind for pid in own[name]] for kind in (True, False)}
    with PeakMemory(roots[True]) as of_workers, PeakMemory(roots[False]) as of_rest:
        runs = {site: airflow.trigger(f"site_{site}") for site in sites}
        for site, run in runs.items():
            ended = airflow.wait_for_run(run.dag, run.dag_run, timeout=_ROUND_SECONDS)
            if ended.state != "success":
                raise RuntimeError(f"{site} ended as {ended.state}: {airflow.tasks(run.dag, run.dag_run)}")
    seconds, machine = clock.tell()
    tasks = [task for run in runs.values() for task in airflow.tasks(run.dag, run.dag_run)]
    began = min(task.started for task in tasks if task.started)
    crawled = max(task.ended for task in tasks if task.task == "crawl" and task.ended)
    used = {name: cpu_of(pids) - before[name] for name, pids in own.items()}
    return Round(
        workers=workers,
        seconds=seconds,
        crawls=(crawled - began).total_seconds(),
        worker_cpu=sum(value for name, value in used.items() if names[name]),
        airflow_cpu=sum(value for name, value in used.items() if not names[name]),
        worker_mb=of_workers.mb,
        airflow_mb=of_rest.mb,
        database=cluster.database_bytes() - held,
        others=(machine - sum(used.values())) / seconds,
    )


def measure(asked: argparse.Namespace, home: Path, say: Callable[[str], object]) -> list[Round]:
    """The rounds."""
    ids = [f"s{number:02}" for number in range(asked.sites)]
    with ExitStack() as stack:
        servers: Mapping[str, LoopbackSite] = {site: stack.enter_context(LoopbackSite()) for site in ids}
        (home / "sites").mkdir()
        for site, server in servers.items():
            text = _SITE.format(name=site.title(), home=server.url("/"), delay=asked.delay)
            (home / "sites" / f"{site}.toml").write_text(text)
        settings = Settings(
            home=home, bucket="workers", sites=(home / "sites",), builtin_sites=False, processes=1, segment_seconds=60
        )
        store = stack.enter_context(EmbeddedStore(home, 0))
        os.environ.update(store.environment())
        open_archive(settings)
        cluster = stack.enter_context(
            Cluster(settings, home / "cluster", environment=store.environment(), workers=2, slots=_SLOTS)
        )
        cluster.airflow.wait_for_dags([f"site_{site}" for site in ids])
        for site in ids:
            cluster.airflow.unpause(f"site_{site}")
        rounds: list[Round] = []
        running = 2
        # 2, 1, 1, 2, 2, 1 …: what grows with the rounds weighs on both.
        order = [workers for number in range(asked.rounds) for workers in ((2, 1) if number % 2 == 0 else (1, 2))]
        for number, workers in enumerate(order):
            if workers < running:
                cluster.kill("w2")
            elif workers > running:
                cluster.start_worker("w2")
            if workers != running:
                # As docs/scale.md has it: no more tasks are handed out than there are slots. Else one worker would find
                # its next task waiting in Redis, where two wait for the scheduler.
                cluster.kill("scheduler")
                cluster.start_scheduler(slots=workers * _SLOTS)
                time.sleep(_SCHEDULER_SECONDS)
            running = workers
            for server in servers.values():
                publish(server, number * asked.articles, asked.articles)
            rounds.append(run_round(cluster, ids, workers))
            say(f"{workers} worker{'s' * (workers > 1)}: {rounds[-1].seconds:.0f} s")
    return rounds


def tell(rounds: Sequence[Round], sites: int) -> str:
    """A table with medians, and the ratio."""
    rows = []
    medians: dict[int, float] = {}
    crawls: dict[int, float] = {}
    for workers in (1, 2):
        chosen = [each for each in rounds if each.workers == workers]
        medians[workers] = statistics.median(each.seconds for each in chosen)
        crawls[workers] = statistics.median(each.crawls for each in chosen)
        rows.append(
            (
                workers,
                medians[workers],
                crawls[workers],
                statistics.median(each.worker_cpu for each in chosen) / sites,
                statistics.median(each.airflow_cpu for each in chosen) / sites,
                statistics.median(each.worker_mb for each in chosen),
                statistics.median(each.airflow_mb for each in chosen),
                statistics.median(each.database for each in chosen) / sites / 1e3,
                statistics.median(each.others for each in chosen),
            )
        )
    heads = (
        *(
            "workers",
            "seconds",
            "crawls, s",
            "their CPU s a site",
            "other parts' CPU s a site",
            "their MiB",
            "other parts' MiB",
        ),
        *("KB in the database a site", "cores used by others"),
    )
    ratios = f"Two workers: {medians[1] / medians[2]:.2f} × one, {crawls[1] / crawls[2]:.2f} × in the crawls"
    return f"{render_table(heads, rows)}\n\n{ratios}, on {count_cores()} cores."


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="with one worker, and with two")
    parser.add_argument("--sites", type=int, default=24)
    parser.add_argument("--articles", type=int, default=12, help="new ones of each site in each round")
    parser.add_argument("--delay", type=float, default=2.5, help="seconds between two requests to a site")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as home:
        rounds = measure(asked, Path(home), lambda line: print(line, file=sys.stderr, flush=True))
    print(tell(rounds, asked.sites))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in rounds], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
