"""What Airflow takes for a run of a site beside ``muniment run`` for the same work.

The same small newsroom on loopback, the same embedded store: first some runs by ``muniment run``, each a fresh
process; then as many through a real Airflow (``muniment up``'s: SQLite, LocalExecutor), one after the other. CPU
seconds are those of every process that works for Muniment or Airflow (the store's are left out), those of Airflow at
rest taken off; wall seconds are those of the run. Every run but the first finds nothing new, so that what is left is
nearly all overhead.

    python -m bench.overhead --runs 5
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import ROOT, cpu_of, render_table
from pipeline.settings import Settings
from pipeline.stack import Stack, settings_environment
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.loopback import LoopbackSite


def run_by_hand(settings: Settings, environment: dict[str, str], site: str, runs: int) -> list[tuple[float, float]]:
    """CPU and wall seconds of each ``muniment run``."""
    told = []
    for _ in range(runs):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(
            [sys.executable, "-c", "from pipeline.cli import main; main()", "run", site],
            env=dict(os.environ) | settings_environment(settings) | environment, cwd=ROOT, check=True,
            capture_output=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told.append((used, time.monotonic() - began))
    return told


def run_in_airflow(stack: Stack, site: str, runs: int) -> tuple[list[tuple[float, float]], list[dict[str, Any]], float]:
    """CPU and wall seconds of each run, its tasks, and cores that Airflow takes at rest."""
    pid = json.loads((stack.server.home / "standalone.pid").read_text())["pid"]

    def used() -> float:
        return cpu_of([pid])

    time.sleep(20)
    before = used()
    time.sleep(20)
    rest = (used() - before) / 20
    told, tasks = [], []
    for _ in range(runs):
        before, began = used(), time.monotonic()
        run = stack.airflow.run_dag(f"site_{site}", timeout=300)
        seconds = time.monotonic() - began
        if run.state != "success":
            raise RuntimeError(f"{run}: {stack.airflow.tasks(run.dag, run.dag_run)}")
        told.append((used() - before - rest * seconds, seconds))
        tasks += [
            {"task": task.task, "state": task.state, "seconds": (task.ended - task.started).total_seconds()}
            for task in stack.airflow.tasks(run.dag, run.dag_run)
            if task.started and task.ended and task.state == "success"
        ]
    return told, tasks, rest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hold", type=float, default=0, help="Keep Airflow running so many seconds, to look at it.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="muniment-overhead-") as name, LoopbackSite() as server:
        folder = Path(name)
        open_newsroom(server, articles=6)
        (folder / "sites").mkdir()
        for site in ("one", "two"):
            text = SITE.format(name=site.title(), home=server.url("/"), more="", check="", concurrency=1)
            (folder / "sites" / f"{site}.toml").write_text(text)
        settings = Settings(
            home=folder / "home", bucket="overhead", sites=(folder / "sites",), builtin_sites=False, processes=1,
            store_port=19_433, airflow_port=31_880,
        )  # fmt: skip
        with Stack(settings, embedded=True) as stack:
            assert stack.store is not None
            stack.airflow.wait_for_dags(["site_one", "site_two"])
            by_hand = run_by_hand(settings, stack.store.environment(), "one", options.runs + 1)[1:]
            in_airflow, tasks, rest = run_in_airflow(stack, "two", options.runs + 1)
            in_airflow = in_airflow[1:]
            rows = [
                [who, statistics.median(cpu for cpu, _ in each), statistics.median(wall for _, wall in each)]
                for who, each in (("muniment run", by_hand), ("Airflow", in_airflow))
            ]
            print(render_table(("", "CPU, s", "wall, s"), rows))
            times = statistics.median(cpu for cpu, _ in in_airflow) / statistics.median(cpu for cpu, _ in by_hand)
            print(f"\nratio of CPU {times:.2f}; Airflow at rest takes {100 * rest:.0f}% of a core")
            for task in sorted({each["task"] for each in tasks}):
                seconds = [each["seconds"] for each in tasks if each["task"] == task]
                print(f"{task}: {statistics.median(seconds):.2f} s", flush=True)
            print(stack.server.address, stack.server.password_file, flush=True)
            time.sleep(options.hold)


if __name__ == "__main__":
    main()
