"""What a second run over an unchanged site costs, beside the first: requests, CPU, bytes, seconds.

    python -m bench.again [--articles 2000] [--kilobytes 150] [--dates lastmod|none] [--no-validators] [--json FILE]

A made-up newsroom on loopback (``bench.month.Newsroom``'s pages, made heavy with menus, scripts and teasers) is
crawled by ``muniment run`` as an operator runs it, into a real SeaweedFS: once, right after, and one hour and one
day later by MUNIMENT_CLOCK_AHEAD. CPU is that of the whole process tree of the command (crawl child and extraction
processes included), from the kernel's accounts when it ends; the server's and the store's own are not in it, and the
store's is told beside it. Before the first run the archive is opened once, which happens once in its life.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import ROOT, cpu_of, render_table
from bench.month import Newsroom, Plan, write_site_file
from bench.web import WebSite
from pipeline.seaweed import EmbeddedStore

LATER = {"right after": 0, "an hour later": 3600, "a day later": 86_400}
"""When the further runs take place, in seconds after the first."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run took."""

    name: str
    requests: int
    cpu: float
    store_cpu: float
    seconds: float
    counts: str


def run_command(words: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Run `muniment` with these words; seconds, CPU seconds of its tree, and what it printed.

    Raises:
        RuntimeError: it ended with another status than 0.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        command = [sys.executable, "-c", "from pipeline.cli import main; main()", *words]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, cwd=ROOT)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if child.returncode:
        raise RuntimeError(f"muniment {' '.join(words)} ended with {child.returncode}:\n{text[-3000:]}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, text


def measure(asked: argparse.Namespace, home: Path) -> list[Cost]:
    """The first run and those after it."""
    began = datetime.now(UTC)
    newsroom = Newsroom(
        Plan(
            articles=asked.articles,
            kilobytes=asked.kilobytes,
            dates="honest" if asked.dates == "lastmod" else "none",
            validators=1.0 if asked.validators else 0.0,
        ),
        began - timedelta(hours=1),
    )
    store = EmbeddedStore(home, 0)
    costs: list[Cost] = []
    with WebSite(newsroom.answer) as site:
        newsroom.home = site.home
        write_site_file(home / "sites", site.home, concurrency=16)
        store.up()
        try:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MUNIMENT_"))},
                **store.environment(),
                "MUNIMENT_HOME": str(home),
                "MUNIMENT_SITES": str(home / "sites"),
                "MUNIMENT_BUILTIN_SITES": "false",
                "MUNIMENT_CONTACT": "https://example.org/bench",
                "MUNIMENT_SCRATCH": str(home),
            }
            run_command(["store", "check", "--create"], environment)
            for name, later in {"first": 0, **LATER}.items():
                # A virtual clock: the newsroom's own stands still, nothing is published or edited meanwhile.
                now = {**environment, "MUNIMENT_CLOCK_AHEAD": f"PT{later}S"} if later else environment
                answered, busy = site.answered, cpu_of(_store(store))
                seconds, cpu, said = run_command(["run", "month"], now)
                costs.append(
                    Cost(
                        name=name,
                        requests=site.answered - answered,
                        cpu=cpu,
                        store_cpu=cpu_of(_store(store)) - busy,
                        seconds=seconds,
                        counts=" ".join(said.split())[-160:],
                    )
                )
                print(f"{name}: {costs[-1].requests} requests, {cpu:.2f} s of CPU", file=sys.stderr, flush=True)
        finally:
            store.down()
    return costs


def _store(store: EmbeddedStore) -> list[int]:
    pid = store.status().pid
    return [pid] if pid else []


def tell(costs: list[Cost]) -> str:
    """The table, with shares of the first run."""
    first = costs[0]
    return render_table(
        ["run", "requests", "% of the first", "CPU s", "% of the first", "store's CPU s", "seconds"],
        [
            (
                *(cost.name, cost.requests, 100 * cost.requests / first.requests),
                *(cost.cpu, 100 * cost.cpu / first.cpu, cost.store_cpu, cost.seconds),
            )
            for cost in costs
        ],
    )


def main(words: list[str] | None = None) -> int:
    """Measure and print; 0 when every further run keeps within 2 % of requests and 3 % of CPU."""
    parser = argparse.ArgumentParser(description="What a second run over an unchanged site costs.")
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--kilobytes", type=int, default=150)
    parser.add_argument("--dates", choices=["lastmod", "none"], default="lastmod")
    parser.add_argument("--no-validators", dest="validators", action="store_false")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="use this folder, and leave it")
    asked = parser.parse_args(words)
    home = asked.keep or Path(tempfile.mkdtemp(prefix="muniment-again-"))
    try:
        costs = measure(asked, home)
    finally:
        if not asked.keep:
            shutil.rmtree(home, ignore_errors=True)
    print(tell(costs))
    told: dict[str, Any] = {"articles": asked.articles, "runs": [asdict(cost) for cost in costs]}
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    first = costs[0]
    kept = all(cost.requests <= 0.02 * first.requests and cost.cpu <= 0.03 * first.cpu for cost in costs[1:])
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
