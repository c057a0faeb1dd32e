"""How many sites a deployment carries: a simulation of its scheduler and workers, held against a real scheduler.

    python -m bench.load --sites 1000 --workers 4 [--slots 4] [--cores 4] [--per-server 1] [--spread] [--json FILE]
    python -m bench.load --grid                      (10, 1,000 and 100,000 sites, as in docs/scale.md)
    python -m bench.load --check 200                 (a real Airflow with so many DAGs that do nothing)

Simulated, event by event: sites that fall due, DAG runs and task instances that the scheduler puts forward one after
the other, each at its cost; slots of the executor; pools of one slot for sites of one server; tasks that use the
cores of the workers together (each gets an equal share) and then wait, as a crawl waits between two requests. Not
simulated: failures, retries, the store's own limits, the network.

The costs are arguments, with the figures of docs/benchmarks.md as their defaults. ``--check`` measures them at a
small number of DAGs, foretells the time of the large number, lets that many fall due in one minute, and says how far
off the simulation was.
"""

from __future__ import annotations

import argparse
import heapq
import json
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.measure import count_cores, cpu_of, render_table


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one task of a run takes, in seconds: first CPU (of which a busy machine gives less), then waiting."""

    cpu: float
    wait: float = 0.0
    pooled: bool = False  # holds its server's pool


@dataclass(frozen=True, kw_only=True)
class Due:
    """A run that falls due: when, of which server, and its tasks in order."""

    at: float
    server: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A deployment.

    Args:
        slots: tasks that run at one time, over all workers (and ``core.parallelism``).
        cores: of all workers together.
        schedulers: schedulers that run beside each other.
        begin: seconds of a scheduler for a new DAG run.
        put: seconds of a scheduler to put one task instance forward.
        note: seconds of a scheduler to note that one has ended.
        pause: seconds between two passes of a scheduler that found nothing to do, on average half of that is waited.
        hand: seconds from the scheduler to the task's first instruction, through broker and worker.
    """

    slots: int
    cores: float
    schedulers: int = 1
    begin: float = 0.02
    put: float = 0.03
    note: float = 0.02
    pause: float = 0.25
    hand: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulation came to."""

    runs: int
    tasks: int
    end: float  # when the last run ended
    lasted: tuple[float, float, float]  # seconds from due to end: median, 95 of 100, longest
    cores: float  # of the workers, that were busy on average
    slots: float  # that were taken on average
    scheduler: float  # share of its time in which a scheduler was busy


_DUE, _SERVED, _HANDED, _ENDED = range(4)


class _Shared:
    """Cores that the running tasks share equally. Time runs slower for all of them the more there are."""

    def __init__(self, cores: float) -> None:
        self._cores = cores
        self._clock = 0.0  # CPU seconds that each task that was there from the beginning has had
        self._at = 0.0
        self._ends: list[tuple[float, int]] = []
        self.busy = 0.0

    def _rate(self) -> float:
        return min(1.0, self._cores / len(self._ends)) if self._ends else 0.0

    def advance(self, now: float) -> None:
        passed = now - self._at
        self._clock += passed * self._rate()
        self.busy += passed * min(self._cores, len(self._ends))
        self._at = now

    def add(self, run: int, cpu: float) -> None:
        heapq.heappush(self._ends, (self._clock + cpu, run))

    def next_end(self) -> float:
        """When the first of them has had its share, if nothing changes."""
        if not self._ends:
            return float("inf")
        return self._at + max(0.0, self._ends[0][0] - self._clock) / self._rate()

    def pop(self) -> int:
        return heapq.heappop(self._ends)[1]


class _Simulation:
    """The state between two events."""

    def __init__(self, due: Iterable[Due], plant: Plant) -> None:
        self.plant = plant
        self.runs = sorted(due, key=lambda each: each.at)
        self.ends = [0.0] * len(self.runs)
        self.shared = _Shared(plant.cores)
        self.taken = self.busy = 0.0  # seconds of slots, of schedulers
        self._clock = 0.0
        self._at_task = [0] * len(self.runs)
        self._events = [(run.at, _DUE, number) for number, run in enumerate(self.runs)]
        # Earlier tasks go first, then runs as they fell due: Airflow's own order, by what is still to come behind.
        self._ready: list[tuple[int, int]] = []
        self._parked: dict[int, list[tuple[int, int]]] = {}  # by server, while its pool is taken
        self._held: set[int] = set()
        self._chores: deque[tuple[float, int]] = deque()  # seconds of a scheduler, for which run
        self._served: list[tuple[int, bool]] = []  # by number: of which run, whether a task was put forward
        self._free, self._idle = plant.slots, plant.schedulers
        heapq.heapify(self._events)

    def step(self) -> bool:
        """Go on to the next event; False when there is none."""
        at = min(self._events[0][0] if self._events else float("inf"), self.shared.next_end())
        if at == float("inf"):
            return False
        self.taken += (self.plant.slots - self._free) * (at - self._clock)
        self._clock = at
        self.shared.advance(at)
        if self._events and self._events[0][0] <= at:
            _, kind, number = heapq.heappop(self._events)
            self._happen(kind, number)
        else:
            run = self.shared.pop()
            wait = self._task(run).wait
            if wait:
                heapq.heappush(self._events, (at + wait, _ENDED, run))
            else:
                self._end_task(run)
        self._serve()
        return True

    def _task(self, run: int) -> Task:
        return self.runs[run].tasks[self._at_task[run]]

    def _happen(self, kind: int, number: int) -> None:
        if kind == _DUE:
            self._chores.append((self.plant.begin, number))
        elif kind == _HANDED:
            self.shared.add(number, self._task(number).cpu)
        elif kind == _ENDED:
            self._end_task(number)
        else:
            self._idle += 1
            run, put = self._served[number]
            if put:
                heapq.heappush(self._events, (self._clock + self.plant.hand, _HANDED, run))
            elif self._at_task[run] < len(self.runs[run].tasks):
                heapq.heappush(self._ready, (self._at_task[run], run))

    def _end_task(self, run: int) -> None:
        server = self.runs[run].server
        self._free += 1
        if self._task(run).pooled:
            self._held.discard(server)
            for waiting in self._parked.pop(server, ()):
                heapq.heappush(self._ready, waiting)
        self._at_task[run] += 1
        idle = self._idle == self.plant.schedulers and not self._chores
        self._chores.append((self.plant.note + (self.plant.pause / 2 if idle else 0), run))
        if self._at_task[run] == len(self.runs[run].tasks):
            self.ends[run] = self._clock

    def _serve(self) -> None:
        """Give idle schedulers something to do: what has ended first, then what may begin."""
        while self._idle and (self._chores or (self._free and self._ready)):
            if self._chores:
                seconds, run = self._chores.popleft()
                put = False
            else:
                first = heapq.heappop(self._ready)
                run, server = first[1], self.runs[first[1]].server
                if self._task(run).pooled and server in self._held:
                    self._parked.setdefault(server, []).append(first)
                    continue
                if self._task(run).pooled:
                    self._held.add(server)
                self._free -= 1
                seconds, put = self.plant.put, True
            self._idle -= 1
            self.busy += seconds
            heapq.heappush(self._events, (self._clock + seconds, _SERVED, len(self._served)))
            self._served.append((run, put))


def simulate(due: Iterable[Due], plant: Plant) -> Outcome:
    """Let the runs fall due, and all their tasks end."""
    state = _Simulation(due, plant)
    while state.step():
        pass
    lasted = sorted(end - run.at for end, run in zip(state.ends, state.runs, strict=True))
    end = max(state.ends)
    return Outcome(
        runs=len(lasted),
        tasks=sum(len(run.tasks) for run in state.runs),
        end=end,
        lasted=(statistics.median(lasted), lasted[int(0.95 * (len(lasted) - 1))], lasted[-1]),
        cores=state.shared.busy / end,
        slots=state.taken / end,
        scheduler=state.busy / end / plant.schedulers,
    )


# --- sites ------------------------------------------------------------------------------------------


def site_run(asked: argparse.Namespace) -> tuple[Task, ...]:
    """The tasks of a site's run."""
    start, politeness = asked.start, asked.pages * asked.delay
    return (
        Task(cpu=start + asked.crawl, wait=politeness, pooled=True),
        Task(cpu=start + asked.extract),
        Task(cpu=start + asked.check_cpu),
        Task(cpu=start + asked.publish),
        Task(cpu=start),
    )


def fall_due(asked: argparse.Namespace, sites: int, hours: int) -> list[Due]:
    """Every site once an hour, at its minute: all at minute 0, or spread evenly over the hour."""
    tasks = site_run(asked)
    return [
        Due(
            at=3600.0 * hour + (3600.0 * site / sites if asked.spread else 0.0),
            server=site // asked.per_server,
            tasks=tasks,
        )
        for hour in range(hours)
        for site in range(sites)
    ]


GRID: Final = ((10, 1, 4, 2.0), (1000, 6, 8, 4.0), (100_000, 500, 8, 4.0))
"""Sites, workers, slots and cores of each."""


def foretell(asked: argparse.Namespace) -> list[tuple[int, int, bool, Plant, Outcome]]:
    """The simulations that were asked for."""
    chosen = GRID if asked.grid else ((asked.sites, asked.workers, asked.slots, asked.cores),)
    told = []
    for sites, workers, slots, cores in chosen:
        for spread in (False, True) if asked.grid else (asked.spread,):
            plant = Plant(
                slots=workers * slots,
                cores=workers * cores,
                schedulers=asked.schedulers,
                begin=asked.begin,
                put=asked.put,
                note=asked.note,
            )
            own = argparse.Namespace(**{**vars(asked), "spread": spread})
            told.append((sites, workers, spread, plant, simulate(fall_due(own, sites, asked.hours), plant)))
    return told


def tell(told: Sequence[tuple[int, int, bool, Plant, Outcome]]) -> str:
    """A table."""
    heads = ("sites", "workers", "schedulers", "due", "median s", "95 % s", "longest s", "cores", "slots", "scheduler")
    return render_table(
        heads,
        [
            (
                *(f"{sites:,}", workers, plant.schedulers, "spread" if spread else "at minute 0"),
                *outcome.lasted,
                f"{outcome.cores:.1f} of {plant.cores:g}",
                f"{outcome.slots:.1f} of {plant.slots}",
                f"{outcome.scheduler:.0%}",
            )
            for sites, workers, spread, plant, outcome in told
        ],
    )


# --- held against a real scheduler --------------------------------------------------------------------

_DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG, CronTriggerTimetable, get_parsing_context, task

wanted = get_parsing_context().dag_id
for number in range({count}):
    dag_id = f"{name}_{{number:05}}"
    if wanted not in (None, dag_id):
        continue
    timetable = CronTriggerTimetable("{minute} {hour} * * *", timezone="UTC", run_immediately=timedelta())
    with DAG(dag_id, schedule=timetable, catchup=False, max_active_runs=1) as dag:
        before = None
        for step in ({steps}):
            @task(task_id=step)
            def nothing() -> None:
                pass
            this = nothing()
            if before is not None:
                before >> this
            before = this
    globals()[dag_id] = dag
"""
_STEPS: Final = ("crawl", "publish")
_SMALL: Final = 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number of DAGs that fell due at once under a real scheduler."""

    dags: int
    seconds: float  # from due to the end of the last
    lasted: tuple[float, float, float]  # from due to end: median, 95 of 100, longest
    cpu: dict[str, float]  # seconds a task instance, by part, without what it uses when nothing is due
    idle: float  # cores that all parts use together when nothing is due
    others: float  # cores that all other programs used


def check(asked: argparse.Namespace, home: Path, say: Callable[[str], object]) -> tuple[Measured, Measured, Outcome]:
    """Measure at a small number, foretell the large one, and measure that.

    Returns:
        Both measurements, and what was foretold of the second.
    """
    from pipeline.settings import Settings
    from tests.dags.cluster import Cluster

    dags = home / "dags"
    dags.mkdir()
    settings = Settings(home=home, bucket="nothing", builtin_sites=False)
    environment = {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "16",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    }
    with Cluster(settings, home / "cluster", environment=environment, dags_folder=dags) as cluster:
        small = measure_due(cluster, dags, "small", _SMALL, lead=timedelta(seconds=60))
        say(f"{_SMALL} DAGs: {small.seconds:.0f} s")
        large = measure_due(cluster, dags, "large", asked.check, lead=timedelta(seconds=60 + asked.check))
        say(f"{asked.check} DAGs: {large.seconds:.0f} s")
        slots = cluster.slots * len(cluster.worker_names)
    foretold = foretell_measured(small, large, slots)
    return small, large, foretold


def foretell_measured(small: Measured, large: Measured, slots: int) -> Outcome:
    """The large number by the costs of the small one, and by as many cores as make the small one come out right.

    A machine with other work gives an unknown share of its cores, and each start of a process waits for that share;
    so that is what is fitted, and nothing else. Of the large measurement only the number of DAGs is taken.
    """
    few, many = 0.01, float(count_cores())
    for _ in range(40):
        cores = (few + many) / 2
        if _simulate_nothing(small, small.dags, slots, cores).lasted[2] > small.lasted[2]:
            few = cores
        else:
            many = cores
    return _simulate_nothing(small, large.dags, slots, many)


def _simulate_nothing(costs: Measured, dags: int, slots: int, cores: float) -> Outcome:
    """So many DAGs that do nothing and are due at once."""
    scheduler = costs.cpu["scheduler"]
    plant = Plant(slots=slots, cores=cores, begin=0.2 * scheduler, put=0.5 * scheduler, note=0.4 * scheduler)
    # On one machine all parts share the cores: what api-server and database do for a task is added to it.
    tasks = tuple(Task(cpu=sum(costs.cpu.values()) - scheduler) for _ in _STEPS)
    return simulate([Due(at=0.0, server=number, tasks=tasks) for number in range(dags)], plant)


def measure_due(cluster: Any, folder: Path, name: str, count: int, *, lead: timedelta) -> Measured:
    """Write so many DAGs that fall due in the same minute, and wait until all their runs have ended."""
    from bench.workers import MachineClock

    due = (datetime.now(UTC) + lead + timedelta(seconds=59)).replace(second=0, microsecond=0)
    steps = "".join(f'"{step}", ' for step in _STEPS)
    text = _DAG_FILE.format(count=count, name=name, minute=due.minute, hour=due.hour, steps=steps)
    new = folder / f"{name}.new"
    new.write_text(text)
    new.rename(folder / f"{name}.py")
    cluster.airflow.wait_for_dags([f"{name}_{number:05}" for number in range(count)], timeout=lead.total_seconds() + 59)
    if datetime.now(UTC) > due:  # those that were read later have no run at that minute
        raise RuntimeError(f"Airflow took more than {lead} to read {count} DAGs: the machine is too busy for this.")
    parts = cluster.part_names

    def used_by_parts() -> dict[str, float]:
        return {part: cpu_of(cluster.pids([part])) for part in parts}

    at_rest, rested = used_by_parts(), time.monotonic()
    time.sleep(max(5.0, (due - datetime.now(UTC)).total_seconds()))
    before, clock = used_by_parts(), MachineClock()
    rates = {part: (before[part] - at_rest[part]) / (clock.began - rested) for part in parts}
    ended: list[dict[str, Any]] = []
    while len(ended) < count:
        time.sleep(2)
        page = _runs_of(cluster, name, "success")
        ended = page if len(page) >= count else []
    after = used_by_parts()
    seconds, machine = clock.tell()
    used = {part: after[part] - before[part] for part in parts}
    ends = sorted((datetime.fromisoformat(run["end_date"]) - due).total_seconds() for run in ended)
    grouped: dict[str, float] = {}
    for part, cpu in used.items():
        group = "workers" if part[1:].isdigit() else part
        own = max(0.0, cpu - rates[part] * seconds)
        grouped[group] = grouped.get(group, 0.0) + own / count / len(_STEPS)
    return Measured(
        dags=count,
        seconds=ends[-1],
        lasted=(statistics.median(ends), ends[int(0.95 * (len(ends) - 1))], ends[-1]),
        cpu=grouped,
        idle=sum(rates.values()),
        others=(machine - sum(used.values())) / seconds,
    )


def _runs_of(cluster: Any, name: str, state: str) -> list[dict[str, Any]]:
    """All DAG runs of our DAGs in a state."""
    found: list[dict[str, Any]] = []
    while True:
        page = cluster.airflow.call("GET", "/dags/~/dagRuns", state=state, limit=100, offset=len(found), order_by="id")
        found += page["dag_runs"]
        if not page["dag_runs"] or len(found) >= page["total_entries"]:
            return [run for run in found if run["dag_id"].startswith(f"{name}_")]


def tell_check(small: Measured, large: Measured, foretold: Outcome) -> str:
    """What was measured, and how far off the simulation was."""
    parts = sorted(small.cpu)
    costs = render_table(
        ("DAGs", "seconds", *(f"{part}, ms" for part in parts), "cores at rest", "cores used by others"),
        [
            (each.dags, each.seconds, *(round(1000 * each.cpu[part]) for part in parts), each.idle, each.others)
            for each in (small, large)
        ],
    )
    held = render_table(
        ("DAGs", "", "median s", "95 % s", "longest s"),
        [
            (large.dags, "simulated", *foretold.lasted),
            (large.dags, "real", *large.lasted),
            (
                large.dags,
                "off by",
                *(f"{100 * (a / b - 1):+.0f} %" for a, b in zip(foretold.lasted, large.lasted, strict=True)),
            ),
        ],
    )
    return f"CPU a task instance, by part:\n\n{costs}\n\n{held}"


def main(words: Sequence[str] | None = None) -> int:
    """Simulate or check, and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=2, help="to simulate; every site is due once an hour")
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--slots", type=int, default=8, help="of each worker")
    parser.add_argument("--cores", type=float, default=4, help="of each worker")
    parser.add_argument("--schedulers", type=int, default=1)
    parser.add_argument("--per-server", type=int, default=1, help="sites that share a server and its pool")
    parser.add_argument("--spread", action="store_true", help="spread the sites over the hour")
    parser.add_argument("--pages", type=float, default=8, help="pages that a run fetches")
    parser.add_argument("--delay", type=float, default=2, help="seconds between two requests to a site")
    parser.add_argument("--start", type=float, default=1.0, help="CPU seconds of each task before its own work")
    parser.add_argument("--crawl", type=float, default=2.0, help="CPU seconds")
    parser.add_argument("--extract", type=float, default=2.0, help="CPU seconds")
    parser.add_argument("--check-cpu", dest="check_cpu", type=float, default=0.6, help="CPU seconds of the gate")
    parser.add_argument("--publish", type=float, default=1.0, help="CPU seconds")
    parser.add_argument("--begin", type=float, default=0.02, help="seconds of a scheduler for a DAG run")
    parser.add_argument("--put", type=float, default=0.03, help="… to put a task instance forward")
    parser.add_argument("--note", type=float, default=0.02, help="… to note that one has ended")
    parser.add_argument("--grid", action="store_true", help="10, 1,000 and 100,000 sites")
    parser.add_argument("--check", type=int, metavar="DAGS", help="hold it against a real scheduler")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    asked = parser.parse_args(words)
    if asked.check:
        with tempfile.TemporaryDirectory(prefix="muniment-bench-") as home:
            small, large, foretold = check(asked, Path(home), lambda line: print(line, file=sys.stderr, flush=True))
        print(tell_check(small, large, foretold))
        figures: Any = {"small": asdict(small), "large": asdict(large), "foretold": asdict(foretold)}
    else:
        told = foretell(asked)
        print(tell(told))
        figures = [
            {"sites": sites, "workers": workers, "spread": spread, **asdict(outcome)}
            for sites, workers, spread, _, outcome in told
        ]
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
