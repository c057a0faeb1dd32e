"""Site DAGs run by a real Airflow scheduler, started as `muniment up` starts it."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.archive import Archive, open_archive
from pipeline.backfill import read_backfill, tell_progress
from pipeline.reader import run_versions
from pipeline.settings import Settings
from pipeline.stack import DagRun, Stack, session_members
from spiders.warc import read_captures
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.old_news import LISTING, list_pages, months, publish_months

pytestmark = [pytest.mark.slow, pytest.mark.scheduler, pytest.mark.timeout(400)]

ARTICLES = 12
SLOW = 0.5
MONTHS = months(date(2024, 1, 1), 8)


def take_ports(ports: range, *offsets: int) -> int:
    """The first of these ports that is free at all these offsets."""
    for port in ports:
        probes = [socket.socket() for _ in offsets]
        try:
            for probe, offset in zip(probes, offsets, strict=True):
                probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        else:
            return port
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def quick() -> Iterator[LoopbackSite]:
    """A newsroom that answers at once."""
    with LoopbackSite() as server:
        open_newsroom(server, articles=ARTICLES)
        yield server


@pytest.fixture(scope="module")
def slow() -> Iterator[LoopbackSite]:
    """A newsroom whose articles take a little time."""
    with LoopbackSite() as server:
        open_newsroom(server, articles=ARTICLES, delay=SLOW)
        yield server


@pytest.fixture(scope="module")
def past() -> Iterator[LoopbackSite]:
    """A newsroom with eight months behind it, whose articles take a little time."""
    with LoopbackSite() as server:
        publish_months(server, MONTHS, each=3)
        list_pages(server, MONTHS, each=3, size=3)
        for path, route in server.routes.items():
            if path.startswith("/news/"):
                assert isinstance(route, Reply)
                server.routes[path] = replace(route, delay=0.2)
        yield server


@pytest.fixture(scope="module")
def stack(
    quick: LoopbackSite, slow: LoopbackSite, past: LoopbackSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Store and Airflow with three sites."""
    home = tmp_path_factory.mktemp("home")
    sites = tmp_path_factory.mktemp("sites")
    for name, server in (("quick", quick), ("slow", slow)):
        text = SITE.format(name=name.title(), home=server.url("/"), more="", check="", concurrency=1)
        (sites / f"{name}.toml").write_text(text)
    # Regular runs, every two minutes, see the first page of a listing; the rest is the backfill's.
    text = SITE.format(name="past", home=past.url("/"), more="", check="", concurrency=1)
    head, _, rest = text.replace('"20 7-20 * * 1-5"', '"*/2 * * * *"').partition("[[sources]]")
    listing = LISTING.format(home=past.url("/")) + "[crawl]" + rest.partition("[crawl]")[2]
    (sites / "past.toml").write_text(head + listing)
    settings = Settings(
        home=home,
        bucket="scheduled",
        sites=(sites,),
        builtin_sites=False,
        processes=1,
        segment_seconds=1.0,
        store_port=take_ports(range(9_300 + os.getpid() % 800, 10_200), 0, 10_000),
        # above what the embedded stores of other tests choose from, below what clients are given
        airflow_port=take_ports(range(32_510 + os.getpid() % 60 * 3, 32_760, 3), 0, 1, 2),
    )
    with Stack(settings, embedded=True) as running:
        running.airflow.wait_for_dags(["site_quick", "site_slow", "site_past", "example_downstream"])
        assert running.airflow.import_errors() == []
        yield running


@pytest.fixture
def archive(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The archive that the tasks write."""
    assert stack.store is not None
    for name, value in stack.store.environment().items():
        monkeypatch.setenv(name, value)
    return open_archive(stack.settings)


def wait(found: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until so."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def read_whole_log(stack: Stack, run: DagRun) -> str:
    """The logs of all tasks of a run, for messages."""
    airflow = stack.airflow
    return "\n".join(
        f"--- {task.name} {task.state}\n"
        + airflow.task_log(run.dag, run.dag_run, task.task, map_index=task.map_index, try_number=task.tries)
        for task in airflow.tasks(run.dag, run.dag_run)
        if task.tries
    )


def test_a_triggered_run_publishes_and_sets_off_the_downstream_dag(stack: Stack, archive: Archive) -> None:
    airflow = stack.airflow
    airflow.unpause("example_downstream")
    run = airflow.run_dag("site_quick", timeout=180)
    assert run.state == "success", read_whole_log(stack, run)

    tasks = airflow.tasks(run.dag, run.dag_run)
    assert {task.task for task in tasks} == {"crawl", "extract", "check", "blocked", "publish", "go_on"}
    assert next(task.name for task in tasks if task.task == "extract") == "segment 00000"
    assert f"{ARTICLES} article URLs" in airflow.task_log(run.dag, run.dag_run, "crawl")  # the child's own line

    versions = run_versions(archive, "quick", run.run)
    assert len(versions) == ARTICLES
    (event,) = airflow.asset_events("quick")
    assert event["extra"]["run"] == run.run
    assert event["extra"]["new"] == ARTICLES

    wait(lambda: bool(airflow.dag_runs("example_downstream")), 60, "the Asset's event sets the downstream DAG off")
    downstream = airflow.wait_for_run(
        "example_downstream", airflow.dag_runs("example_downstream")[0].dag_run, timeout=90
    )
    log = airflow.task_log(downstream.dag, downstream.dag_run, "read_versions")
    assert downstream.state == "success", log
    assert f"quick {run.run}: {ARTICLES} versions" in log


def test_a_second_run_with_nothing_new_makes_no_version(stack: Stack, archive: Archive) -> None:
    run = stack.airflow.run_dag("site_quick", timeout=180)
    assert run.state == "success", read_whole_log(stack, run)
    assert run_versions(archive, "quick", run.run) == []


def test_a_killed_crawl_task_is_retried_and_doubles_nothing(
    stack: Stack, archive: Archive, slow: LoopbackSite, tmp_path: Path
) -> None:
    airflow = stack.airflow
    airflow.unpause("site_slow")
    run = airflow.trigger("site_slow")

    def articles_asked() -> int:
        return sum(path.startswith("/news/") for path in slow.paths())

    # Killed when about half is fetched, and something of it is sealed and in the archive.
    wait(lambda: articles_asked() >= ARTICLES // 2 and bool(archive.segments("slow", run.run)), 120, "half a crawl")
    # the child's lines are seen while it still runs
    assert f"{ARTICLES} article URLs" in airflow.task_log("site_slow", run.dag_run, "crawl")
    (task,) = [task for task in airflow.tasks("site_slow", run.dag_run) if task.task == "crawl"]
    assert task.state == "running"
    assert task.pid is not None
    session = os.getsid(task.pid)
    children = [pid for pid in session_members(session) if b"spiders" in read_command(pid)]
    assert children
    os.kill(task.pid, signal.SIGKILL)
    wait(lambda: not [pid for pid in children if b"spiders" in read_command(pid)], 25, "the crawl child ends, too")

    run = airflow.wait_for_run("site_slow", run.dag_run, timeout=240)
    assert run.state == "success", read_whole_log(stack, run)
    (task,) = [task for task in airflow.tasks("site_slow", run.dag_run) if task.task == "crawl"]
    assert task.tries == 2

    pages: Counter[str] = Counter()
    for key in archive.segments("slow", run.run):
        path = tmp_path / "segment.warc.gz"
        archive.download_segment(key, path)
        with path.open("rb") as stream:
            pages.update(capture.requested for capture in read_captures(stream) if capture.kind == "page")
    assert len(pages) == ARTICLES
    assert set(pages.values()) == {1}  # the retry fetched nothing again that was sealed
    assert len(run_versions(archive, "slow", run.run)) == ARTICLES
    assert {version.n for version in run_versions(archive, "slow", run.run)} == {1}


@pytest.mark.timeout(1000)
def test_a_backfill_goes_on_run_by_run_and_every_regular_run_goes_first(
    stack: Stack, archive: Archive, past: LoopbackSite
) -> None:
    airflow = stack.airflow
    first = airflow.run_dag("site_past", params={"since": "2024-01-01", "until": "2024-08-31", "limit": 7}, timeout=300)
    assert first.state == "success", read_whole_log(stack, first)

    def is_done() -> bool:
        standing = read_backfill(archive, "past")
        return standing is not None and not standing.unfinished

    wait(is_done, 540, "the backfill ends")
    wait(lambda: not [run for run in airflow.dag_runs("site_past") if run.state == "running"], 90, "its last run ends")
    airflow.pause("site_past")
    runs = sorted(airflow.dag_runs("site_past"), key=lambda run: str(run.started))
    kinds = ["backfill" if run.dag_run.startswith(("backfill", "manual")) else run.dag_run[:9] for run in runs]
    standing = read_backfill(archive, "past")
    assert standing is not None
    told = tell_progress(standing)
    assert told.state == "finished", told.message
    assert {run.state for run in runs if run.started} <= {"success"}, [read_whole_log(stack, run) for run in runs]
    assert kinds.count("backfill") == standing.chunks >= 3

    pages = Counter(path for path in past.paths() if path.startswith("/news/"))
    assert len(pages) == len(MONTHS) * 3
    assert set(pages.values()) == {1}  # no run fetched what another had
    # A regular run that came due during a chunk was begun before the next chunk.
    regular = [run for run in runs if run.dag_run.startswith("scheduled") and run.started]
    assert regular, kinds
    chunks = [run for run in runs if run.dag_run.startswith("backfill") and run.started]
    for run in regular:
        assert run.started is not None
        overtaken = [
            one for one in chunks if one.started and run.run_after < one.run_after and one.started < run.started
        ]
        assert not overtaken, (run, overtaken)


def read_command(pid: int) -> bytes:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
