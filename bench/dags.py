"""What the sites' DAGs cost Airflow: parsing, the parse in a task, the DAG processor, the scheduler's memory.

Beside as many DAGs of four ``@task`` functions that do nothing, in the same run, each in a fresh process. Site files
are of one CMS family and differ in name. What a parse costs is CPU time after Airflow's own imports; *warm* is every
parse but the first after a change of the code or of all site files. The DAG processor and the scheduler are the real
programs, on SQLite.

    python -m bench.dags                          # 1, 500 and 2,000 sites, everything; about 15 minutes
    python -m bench.dags --sites 500 --only parse
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.measure import ROOT, cpu_of, render_table
from pipeline.stack import DAGS_FOLDER, processor_environment

SIZES = (1, 500, 2000)
PASSES = 2
_FILE = 500  # DAGs in a file of those that do nothing
_IDLE_SECONDS = 60.0

NOTHING = """
from datetime import timedelta
from airflow.sdk import DAG, CronTriggerTimetable, task

for number in range({first}, {last}):
    with DAG(
        dag_id=f"nothing_{{number:05}}",
        schedule=CronTriggerTimetable("5 * * * *", timezone="UTC", run_immediately=timedelta()),
        catchup=False,
    ) as dag:
        @task
        def one(): ...
        @task
        def two(): ...
        @task
        def three(): ...
        @task
        def four(): ...
        one() >> two() >> three() >> four()
    globals()[dag.dag_id] = dag
"""

SITE = """
name = "Town {number}"
home = "https://www.town-{number:05}.example/"
kind = "council"
family = "localgov-drupal"
region = "North East"
how_to_tell = "Ten new articles a day; fewer at week-ends."
when_it_fails = "The newsroom has moved: look at the front page."
"""

PARSE = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
began = time.process_time()
bag = DagBag(sys.argv[1])
cpu, errors = time.process_time() - began, list(bag.import_errors.values())
print(json.dumps({"cpu": cpu, "dags": len(bag.dags), "errors": errors}))
"""


def write_sites(folder: Path, count: int) -> Path:
    """So many site files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"town-{number:05}.toml").write_text(SITE.format(number=number))
    return folder


def write_nothing(folder: Path, count: int) -> Path:
    """So many DAGs that do nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, count, _FILE):
        (folder / f"nothing_{first}.py").write_text(NOTHING.format(first=first, last=min(count, first + _FILE)))
    return folder


def set_up(home: Path, dags: Path, sites: Path | None) -> dict[str, str]:
    """The environment of a process that parses."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AIRFLOW", "MUNIMENT", "AWS_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "PYTHONPATH": str(ROOT),
        "MUNIMENT_HOME": str(home / "muniment"),
        "MUNIMENT_BUILTIN_SITES": "0",
        "MUNIMENT_SITES": str(sites) if sites else "",
    }


def parse(environment: dict[str, str], path: Path, **more: str) -> dict[str, Any]:
    """Parse in a fresh process; CPU seconds and how many DAGs."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(path)], env=environment | more, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["errors"]:
        raise RuntimeError(found["errors"][0])
    return found


def measure_parse(folder: Path, count: int, repeats: int) -> dict[str, Any]:
    """Median CPU seconds of parsing the folder: nothing, ours cold and warm, and ours in a task."""
    sites, nothing = write_sites(folder / f"sites-{count}", count), write_nothing(folder / f"nothing-{count}", count)
    home = folder / f"parse-{count}"
    ours, theirs = set_up(home, DAGS_FOLDER, sites), set_up(home, nothing, None)
    cold, warm, bare, task = [], [], [], []
    last = f"site_town-{count - 1:05}"
    for _ in range(repeats):
        shutil.rmtree(home / "muniment", ignore_errors=True)
        bare.append(parse(theirs, nothing)["cpu"])
        cold.append(parse(ours, DAGS_FOLDER)["cpu"])
        warm.append((found := parse(ours, DAGS_FOLDER))["cpu"])
        one = parse(ours, DAGS_FOLDER / "sites_0.py", _AIRFLOW_PARSING_CONTEXT_DAG_ID=last)
        assert one["dags"] == 1
        assert found["dags"] >= count
        task.append(one["cpu"])
    middle = {
        name: statistics.median(v) for name, v in (("bare", bare), ("cold", cold), ("warm", warm), ("task", task))
    }
    ratios = [ours / theirs for ours, theirs in zip(warm, bare, strict=True)]
    return {"sites": count, **middle, "ratio": statistics.median(ratios)}


@contextmanager
def run_airflow(environment: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of Airflow's programs, ended with all that it started."""
    home = Path(environment["AIRFLOW_HOME"])
    with (home / f"{command[0]}.log").open("ab") as output:
        child = subprocess.Popen(
            [str(Path(sys.executable).parent / "airflow"), *command],
            env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield child
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def count_dags(home: Path) -> int:
    """DAGs in Airflow's database."""
    import sqlite3

    with sqlite3.connect(f"file:{home / 'airflow.db'}?mode=ro", uri=True, timeout=30) as db:
        found: int = db.execute("select count(*) from serialized_dag").fetchone()[0]
        return found


def count_parsed(home: Path, since: str) -> int:
    """DAGs that were read anew since then."""
    import sqlite3

    with sqlite3.connect(f"file:{home / 'airflow.db'}?mode=ro", uri=True, timeout=30) as db:
        query = "select count(*) from dag where last_parsed_time > ? and not is_stale"
        found: int = db.execute(query, (since,)).fetchone()[0]
        return found


def measure_programs(folder: Path, count: int, dags: Path, sites: Path | None, name: str) -> dict[str, Any]:
    """A real DAG processor with so many DAGs: its first pass, and what a later one costs; then the scheduler."""
    home = folder / f"airflow-{name}-{count}"
    environment = set_up(home, dags, sites)
    home.mkdir(parents=True)
    subprocess.run(
        [str(Path(sys.executable).parent / "airflow"), "db", "migrate"],
        env=environment,
        check=True,
        capture_output=True,
    )
    interval = 3600
    pace = {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(interval),
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": str(2 * interval),
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    }
    found: dict[str, Any] = {"dags": name, "count": count}
    for number in range(PASSES):  # each process begins with a pass over all files
        since, began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()), time.monotonic()
        with run_airflow(environment | pace, "dag-processor") as child:
            time.sleep(8)
            started = cpu_of([child.pid])
            while count_parsed(home, since) < count:
                time.sleep(1)
                if child.poll() is not None or time.monotonic() - began > 1500:
                    raise RuntimeError((home / "dag-processor.log").read_text()[-2000:])
            time.sleep(3)
            found["first" if number == 0 else "pass"] = cpu_of([child.pid])
            found["first_seconds" if number == 0 else "pass_seconds"] = time.monotonic() - began
            del started
            if number == PASSES - 1:
                before = cpu_of([child.pid])
                time.sleep(_IDLE_SECONDS)
                found["idle"] = (cpu_of([child.pid]) - before) / _IDLE_SECONDS
    with run_airflow(environment | {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25"}, "scheduler") as child:
        time.sleep(45)
        tree = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        memory = [process.memory_full_info() for process in tree if process.is_running()]
        found["scheduler_pss"] = sum(m.pss for m in memory) / 2**20
        found["scheduler_rss"] = max(m.rss for m in memory) / 2**20
    return found


def main() -> None:
    """Measure and print; ended with 1 where a figure of the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["parse", "programs"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="muniment-bench-dags-") as name:
        folder = Path(name)
        if options.only != "programs":
            told["parse"] = rows = [measure_parse(folder, count, options.repeats) for count in options.sites]
            heads = ("sites", "nothing", "ours, cold", "ours", "ours ÷ nothing", "in a task")
            keys = ("sites", "bare", "cold", "warm", "ratio", "task")
            print("CPU seconds of parsing the DAG folder\n")
            print(render_table(heads, [[row[key] for key in keys] for row in rows]), flush=True)
        if options.only != "parse":
            count = max(options.sites)
            sites, nothing = write_sites(folder / "s", count), write_nothing(folder / "n", count)
            rows = [
                measure_programs(folder, count, nothing, None, "nothing"),
                measure_programs(folder, count, DAGS_FOLDER, sites, "sites"),
            ]
            interval = float(processor_environment(count)["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"])
            for row in rows:
                row["load"] = 100 * (row["idle"] + row["pass"] / interval)
            told["programs"] = rows
            columns = ("DAGs", "number", "first pass, s", "CPU", "later pass, CPU", "idle, % of a core",
                     f"load at {interval:g} s, %", "scheduler PSS, MiB", "RSS")  # fmt: skip
            print(f"\nairflow dag-processor and airflow scheduler, {count} DAGs\n")
            cells = [
                [row["dags"], row["count"], row["first_seconds"], row["first"], row["pass"], 100 * row["idle"],
                 row["load"], row["scheduler_pss"], row["scheduler_rss"]]
                for row in rows
            ]  # fmt: skip
            print(render_table(columns, cells), flush=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    missed = [row for row in told.get("parse", ()) if row["ratio"] > 1.5 or row["task"] > 0.5]
    missed += [row for row in told.get("programs", ()) if row["dags"] == "sites" and row["load"] > 15]
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
