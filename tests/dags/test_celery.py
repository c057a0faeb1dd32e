"""Airflow on several machines: two Celery workers, and everything that may fail while 24 sites run.

One storm, because a round of 24 sites costs minutes of CPU: in its course a worker is killed in the middle of a crawl,
the scheduler is killed, the store is killed, and two workers are killed in the middle of publishing. Each is done at a
moment that is seen in the bucket or at its door, not after so many seconds. Nobody clears or triggers anything again;
afterwards the archive holds what `muniment run` of the same sites makes in quiet.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.measure import run_program
from pipeline.archive import Archive, open_archive
from pipeline.audit import audit_archive
from pipeline.journal import read_journal
from pipeline.model import Version
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import DagRun, TaskState, settings_environment
from pipeline.table import dataset
from spiders.warc import read_captures
from tests.dags.cluster import Cluster, ProgramsMissing, find_programs, read_command
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.faults import Door, Fault, FaultyNetwork
from tests.loopback import Asked, LoopbackSite, Reply

pytestmark = [pytest.mark.slow, pytest.mark.scheduler, pytest.mark.timeout(2400)]

SITES = tuple(f"s{number:02}" for number in range(24))
ARTICLES = 8
GATED = SITES[0]
"""The site whose crawl is held in its middle until its worker has been killed."""

_CRAWL_CHILD = b"-m\0spiders"
_OUTAGE_SECONDS = 8.0
_RUN_SECONDS = 1500.0


class Gate:
    """An article that is answered only once the gate is open."""

    def __init__(self, server: LoopbackSite, path: str) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        route = server.routes[path]
        assert isinstance(route, Reply)
        self._reply = route
        server.routes[path] = self._answer

    def _answer(self, _: Asked) -> Reply:
        self.reached.set()
        self.opened.wait(120)
        return self._reply


@dataclass(kw_only=True)
class Struck:
    """Who was killed, and when."""

    what: str
    worker: str
    site: str
    task: str
    at: float


@dataclass(kw_only=True)
class Storm:
    """What the cluster went through, and what came of it."""

    cluster: Cluster
    archive: Archive
    quiet: Archive  # the same sites, run by nobody but `muniment run`
    runs: dict[str, DagRun] = field(default_factory=dict)  # site -> its run
    tasks: dict[str, list[TaskState]] = field(default_factory=dict)
    struck: list[Struck] = field(default_factory=list)
    children: list[int] = field(default_factory=list)  # crawl children of the worker that was killed
    outlived: list[int] = field(default_factory=list)  # of these, the ones that were there a few seconds later
    running_in_outage: int = 0


@pytest.fixture(scope="module")
def newsrooms() -> Iterator[Mapping[str, LoopbackSite]]:
    """A newsroom for each site."""
    servers = {site: LoopbackSite() for site in SITES}
    for site, server in servers.items():
        server.start()
        # The gated one takes so long that a segment is sealed before its gate; elsewhere one segment is enough.
        open_newsroom(server, articles=ARTICLES, delay=0.5 if site == GATED else 0)
    yield servers
    for server in servers.values():
        server.stop()


def write_sites(folder: Path, newsrooms: Mapping[str, LoopbackSite]) -> None:
    """A site file for each newsroom; nothing is ever due by itself."""
    folder.mkdir()
    for site, server in newsrooms.items():
        text = SITE.format(name=site.title(), home=server.url("/"), more="", check="", concurrency=1)
        (folder / f"{site}.toml").write_text(text.replace("20 7-20 * * 1-5", "0 0 1 1 *"))


@pytest.fixture(scope="module")
def storm(newsrooms: Mapping[str, LoopbackSite], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """24 sites, two workers, and everything that goes wrong; with the archive as it stands afterwards."""
    try:
        find_programs()
    except ProgramsMissing as error:
        pytest.fail(str(error), pytrace=False)
    base = tmp_path_factory.mktemp("celery")
    write_sites(base / "sites", newsrooms)
    settings = Settings(
        home=base / "home", bucket="clustered", sites=(base / "sites",), builtin_sites=False, processes=1
    ).model_copy(update={"segment_seconds": 2.0})
    with EmbeddedStore(settings.home, 0) as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment().items():
            patch.setenv(name, value)
        quiet = run_in_quiet(settings)
        archive = open_archive(settings)
        with FaultyNetwork(store.environment()["AWS_ENDPOINT_URL_S3"]) as network, network.open_door() as door:
            access = store.environment() | {"AWS_ENDPOINT_URL_S3": door.endpoint}
            with Cluster(settings, base / "cluster", environment=access) as cluster:
                found = Storm(cluster=cluster, archive=archive, quiet=quiet)
                try:
                    rage(found, newsrooms, door, store)
                except BaseException:
                    print(cluster.tell_logs(), tell_tasks(found), sep="\n")
                    raise
                yield found


def run_in_quiet(settings: Settings) -> Archive:
    """Run all sites as `muniment run` does, into a bucket of its own."""
    own = settings.model_copy(update={"bucket": "undisturbed"})
    quiet = open_archive(own)
    environment = settings_environment(own)
    _, told = run_program(["bench.run_steps", *SITES], environment=environment, timeout=900)
    assert [each["outcomes"]["archived"] for each in told["sites"]] == [ARTICLES] * len(SITES)
    return quiet


# --- the storm --------------------------------------------------------------------------------------


def rage(storm: Storm, newsrooms: Mapping[str, LoopbackSite], door: Door, store: EmbeddedStore) -> None:
    """Let all sites run, and do what is to go wrong, one after the other."""
    airflow, cluster, archive = storm.cluster.airflow, storm.cluster, storm.archive
    gate = Gate(newsrooms[GATED], f"/news/roof-{ARTICLES - 2}")
    airflow.wait_for_dags([f"site_{site}" for site in SITES])
    for site in SITES:
        airflow.unpause(f"site_{site}")
        storm.runs[site] = airflow.trigger(f"site_{site}")

    # A worker in the middle of a crawl: something of it is in the archive, and it is not at its end.
    run = storm.runs[GATED].run
    wait(lambda: gate.reached.is_set() and bool(archive.segments(GATED, run)), 180, "half a crawl")
    assert archive.store.head(archive.orders_key(GATED, run)) is not None
    assert archive.store.head(archive.crawl_key(GATED, run)) is None
    worker = find_worker(storm, GATED, "crawl")
    storm.children = cluster.kill(worker, spare=_CRAWL_CHILD)
    struck = Struck(what="mid-crawl", worker=worker, site=GATED, task="crawl", at=time.monotonic())
    storm.struck.append(struck)
    time.sleep(3)
    storm.outlived = [pid for pid in storm.children if _CRAWL_CHILD in read_command(pid)]
    gate.opened.set()
    # The other worker takes it over, alone.
    wait(lambda: archive.store.head(archive.crawl_key(GATED, run)) is not None, 300, "the crawl goes on elsewhere")
    cluster.start_worker(worker)

    wait(lambda: count_running(storm) >= 2, 120, "tasks run")
    cluster.kill("scheduler")
    storm.struck.append(Struck(what="scheduler", worker="scheduler", site="", task="", at=time.monotonic()))
    time.sleep(5)
    cluster.start_scheduler()

    wait(lambda: airflow.is_healthy() and count_running(storm) >= 2, 180, "tasks run after the scheduler's death")
    process = store.status().pid
    assert process is not None
    storm.running_in_outage = count_running(storm)
    os.kill(process, signal.SIGKILL)
    time.sleep(_OUTAGE_SECONDS)
    store.up(tied=True)

    kill_publisher(storm, door, Fault(kind="kill-after", method="PUT", path="/articles/s", skip=2), "a version stands")
    kill_publisher(storm, door, Fault(kind="kill-before", method="PUT", path="/sites/.*frontier"), "its rows stand")

    for site in SITES:
        storm.runs[site] = airflow.wait_for_run(f"site_{site}", storm.runs[site].dag_run, timeout=_RUN_SECONDS)
        storm.tasks[site] = airflow.tasks(f"site_{site}", storm.runs[site].dag_run)


def kill_publisher(storm: Storm, door: Door, fault: Fault, what: str) -> None:
    """Kill the worker that does this next; start it again once its run has been published by somebody."""
    done = threading.Event()
    failed: list[BaseException] = []

    def strike() -> None:
        # Called in the network's thread: nothing reaches the store before the worker is gone.
        try:
            path = next(seen.path for seen in reversed(door.seen) if seen.fault == fault.kind)
            site = re.findall(r"/(?:articles|sites)/(s\d\d)/", path)[0]
            worker = find_worker(storm, site, "publish")
            storm.cluster.kill(worker)
            storm.struck.append(Struck(what=what, worker=worker, site=site, task="publish", at=time.monotonic()))
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failed.append(error)
        finally:
            done.set()

    door.on_kill = strike
    door.faults.append(fault)
    wait(done.is_set, 900, f"a publisher is killed: {what}")
    assert not failed, failed
    struck, archive = storm.struck[-1], storm.archive
    run = storm.runs[struck.site].run
    assert archive.store.head(archive.published_key(struck.site, run)) is None
    assert list(archive.store.list(f"articles/{struck.site}/"))
    storm.cluster.start_worker(struck.worker)


def find_worker(storm: Storm, site: str, task: str) -> str:
    """The worker in which a task of a site's run runs now."""
    tasks = storm.cluster.airflow.tasks(f"site_{site}", storm.runs[site].dag_run)
    (pid,) = [each.pid for each in tasks if each.task == task and each.state == "running"]
    assert pid is not None
    worker = storm.cluster.worker_of(pid)
    assert worker is not None
    return worker


def count_running(storm: Storm) -> int:
    """Tasks that run now, as Airflow sees it."""
    page = storm.cluster.airflow.call("GET", "/dags/~/dagRuns/~/taskInstances", state="running", limit=100)
    return int(page["total_entries"])


def wait(found: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until so."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def tell_tasks(storm: Storm) -> str:
    """All tasks as they stand, and the logs of those that failed, for messages."""
    lines = [f"{each.what}: {each.worker} {each.site} {each.task}" for each in storm.struck]
    for site, run in storm.runs.items():
        lines += [
            f"{site} {task.name}: {task.state}, try {task.tries}"
            for task in storm.cluster.airflow.tasks(run.dag, run.dag_run)
            if task.state != "success" or task.tries > 1
        ]
    for path in sorted(storm.cluster.folder.glob("*/logs/dag_id=*/**/attempt=*.log")):
        text = path.read_text(errors="replace")
        if '"level":"error"' in text:
            lines.append(f"--- {path.relative_to(storm.cluster.folder)}\n{text[-1500:]}")
    return "\n".join(lines)


# --- what is wanted of it ---------------------------------------------------------------------------


def test_every_run_ends_well_without_a_person(storm: Storm) -> None:
    assert {site: run.state for site, run in storm.runs.items()} == dict.fromkeys(SITES, "success"), tell_tasks(storm)
    states = Counter((task.task, task.state) for tasks in storm.tasks.values() for task in tasks)
    assert {state for (task, state) in states if task not in ("go_on", "blocked")} == {"success"}
    assert {state for (task, state) in states if task == "blocked"} == {"skipped"}  # no site refused us
    assert storm.running_in_outage >= 2
    for struck in storm.struck:
        if struck.task:  # it was really struck: somebody had to begin again
            (task,) = [task for task in storm.tasks[struck.site] if task.task == struck.task]
            assert task.tries >= 2, struck


def test_the_work_spreads_over_both_workers(storm: Storm) -> None:
    done = {name: count_done(storm.cluster, name) for name in storm.cluster.worker_names}
    assert sum(done.values()) >= 4 * len(SITES)
    assert min(done.values()) >= len(SITES), done


def count_done(cluster: Cluster, worker: str) -> int:
    """Tasks that a worker ended, in all its lives."""
    logs = [*cluster.folder.glob(f"{worker}.log"), *cluster.folder.glob(f"{worker}-*.log")]
    return sum(len(re.findall(rb"Task execute_workload\[.{10,120}\] succeeded", log.read_bytes())) for log in logs)


def test_the_crawl_child_ends_with_the_worker_that_started_it(storm: Storm) -> None:
    assert storm.children
    assert storm.outlived == []


def test_each_site_has_the_articles_of_a_quiet_run_once(storm: Storm) -> None:
    for site in SITES:
        stormy, quiet = (tell_versions(archive, site) for archive in (storm.archive, storm.quiet))
        assert len(quiet) == ARTICLES
        assert stormy == quiet, site


def tell_versions(archive: Archive, site: str) -> dict[str, dict[str, Any]]:
    """What the archive says of a site's articles, without what differs from run to run."""
    found = {}
    for article in archive.articles(site):
        for version in archive.versions(site, article):
            told = version.model_dump(mode="json", exclude={"run", "captured_at", "evidence", "facts"})
            found[f"{article}/{version.n}"] = told
    return found


def test_no_page_is_archived_twice_and_every_version_has_one_row(storm: Storm, tmp_path: Path) -> None:
    rows = dataset(storm.archive).to_table(columns=["site", "article", "n"]).to_pylist()
    versions = Counter((version.site, version.article, version.n) for version in all_versions(storm.archive))
    assert Counter((row["site"], row["article"], row["n"]) for row in rows) == versions
    for site, run in storm.runs.items():
        pages: Counter[str] = Counter()
        for key in storm.archive.segments(site, run.run):
            storm.archive.download_segment(key, tmp_path / "segment.warc.gz")
            with (tmp_path / "segment.warc.gz").open("rb") as stream:
                pages.update(capture.requested for capture in read_captures(stream) if capture.kind == "page")
        assert set(pages.values()) == {1}, site
        assert len(pages) == ARTICLES


def all_versions(archive: Archive) -> list[Version]:
    """Every version of every site."""
    return [
        version for site in SITES for article in archive.articles(site) for version in archive.versions(site, article)
    ]


def test_the_journals_chain_is_whole_and_the_audit_is_clean(storm: Storm) -> None:
    for site, run in storm.runs.items():
        published = [entry.run for entry, _ in read_journal(storm.archive, site) if entry.kind == "published"]
        assert published == [run.run]
    audited = audit_archive(storm.archive)
    assert audited.clean, audited.discrepancies
    assert audited.versions == len(SITES) * ARTICLES
