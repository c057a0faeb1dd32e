"""Runs sites through ``pipeline.steps.run_site``, as ``muniment run`` does, and says what each step took.

A program of its own, so that the pipeline's CPU and memory are those of one process tree:

    python -m bench.run_steps SITE…      (settings from the environment, like everything)
    python -m bench.run_steps SITE… --at-once 2      (a process for each site, two at a time)
    python -m bench.run_steps --open     only makes and tests the archive, which happens once in its life

Extraction goes on while the crawl does, so the CPU of a step is told by who used it: the crawl child and the
extraction pool are counted by the kernel when they end; what this process itself uses meanwhile (uploading
segments, handing them out, packing findings) is "moving".
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from typing_extensions import override

from bench.measure import count_cores


def _used(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class _Marks:
    """What the clocks said whenever a step began."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, float, float, float]] = []

    def step(self, name: str) -> None:
        """Read the clocks."""
        mine, children = _used(resource.RUSAGE_SELF), _used(resource.RUSAGE_CHILDREN)
        self.marks.append((name, time.monotonic(), mine, children))

    def tell(self) -> dict[str, dict[str, float]]:
        """Seconds and CPU between the marks, by part."""
        at = {name: (clock, mine, children) for name, clock, mine, children in self.marks}

        def between(one: str, other: str) -> tuple[float, float, float]:
            a, b = at[one], at[other]
            return b[0] - a[0], b[1] - a[1], b[2] - a[2]

        crawl, extract = between("crawl", "extract"), between("extract", "check")
        check, publish = between("check", "publish"), between("publish", "end")
        return {
            "seconds": {"crawl": crawl[0], "extract": extract[0], "check": check[0], "publish": publish[0]},
            "cpu": {
                "crawl": crawl[2],
                "extract": extract[2],
                "moving": crawl[1] + extract[1],
                "check": check[1] + check[2],
                "publish": publish[1] + publish[2],
            },
        }


def run_sites(sites: list[str]) -> list[dict[str, Any]]:
    """Run each site once, one after the other."""
    from pipeline.settings import read_settings
    from pipeline.steps import Progress, new_run, open_workplace, run_site

    class Meter(Progress):
        def __init__(self) -> None:
            self.marks = _Marks()

        @override
        def step(self, name: str) -> None:
            self.marks.step(name)

    work = open_workplace(read_settings())
    told: list[dict[str, Any]] = []
    for site in sites:
        run, meter = new_run(work.settings), Meter()
        result = run_site(work, site, run, progress=meter)
        meter.step("end")
        published = result.published
        told.append(
            {
                "site": site,
                "run": run,
                "counts": result.report.counts,
                "reasons": result.report.reasons,
                "outcomes": published.outcomes if published else {},
                "versions": published.versions if published else {},
                **meter.marks.tell(),
            }
        )
    return told


def run_apart(sites: list[str], at_once: int) -> list[dict[str, Any]]:
    """Run each site in a process of its own, so many at a time, which share the cores between them."""
    processes = max(1, count_cores() // at_once)
    environment = {**os.environ, "MUNIMENT_PROCESSES": str(processes)}

    def run_one(site: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "bench.run_steps", site], env=environment, stdout=subprocess.PIPE, check=True
        )
        told: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])["sites"]
        return told

    with ThreadPoolExecutor(at_once) as pool:
        return [item for told in pool.map(run_one, sites) for item in told]


def main() -> int:
    """Run the sites and print one JSON object."""
    parser = argparse.ArgumentParser(description="Run sites as `muniment run` does, and measure.")
    parser.add_argument("site", nargs="*")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--open", action="store_true")
    asked = parser.parse_args()
    if asked.open:
        from pipeline.settings import read_settings
        from pipeline.steps import open_workplace

        open_workplace(read_settings())
        print("{}")
        return 0
    apart = asked.at_once > 1 and len(asked.site) > 1
    print(json.dumps({"sites": run_apart(asked.site, asked.at_once) if apart else run_sites(asked.site)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
