"""Politeness groups and crawl windows under a real Airflow scheduler."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.settings import Settings
from pipeline.stack import Stack
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.dags.test_scheduler import take_ports
from tests.loopback import LoopbackSite

pytestmark = [pytest.mark.slow, pytest.mark.scheduler, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, LoopbackSite]]:
    """Two newsrooms that take their time, as two sites of one server would, and one that is not to be asked."""
    with LoopbackSite() as one, LoopbackSite() as two, LoopbackSite() as shut:
        for server in (one, two, shut):
            open_newsroom(server, articles=8, delay=0.5)
        yield {"one": one, "two": two, "shut": shut}


@pytest.fixture(scope="module")
def stack(servers: dict[str, LoopbackSite], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Store and Airflow with the three sites."""
    sites = tmp_path_factory.mktemp("sites")
    away = datetime.now(UTC) + timedelta(hours=6)
    for name, server in servers.items():
        text = SITE.format(name=name.title(), home=server.url("/"), more='timezone = "UTC"', check="", concurrency=1)
        window = f'windows = ["{away:%H:%M}-{away + timedelta(hours=1):%H:%M}"]\n'
        text = text.replace("[crawl]\n", "[crawl]\n" + (window if name == "shut" else 'group = "same-server"\n'))
        (sites / f"{name}.toml").write_text(text)
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        bucket="grouped",
        sites=(sites,),
        builtin_sites=False,
        processes=1,
        store_port=take_ports(range(9_300 + os.getpid() % 800, 10_200), 0, 10_000),
        airflow_port=take_ports(range(32_510 + os.getpid() % 60 * 3, 32_760, 3), 0, 1, 2),
    )
    with Stack(settings, embedded=True) as running:
        running.airflow.wait_for_dags([f"site_{name}" for name in servers])
        assert running.airflow.import_errors() == []
        yield running


def test_sites_of_one_group_are_crawled_one_after_the_other(stack: Stack, servers: dict[str, LoopbackSite]) -> None:
    airflow = stack.airflow
    pools = {pool["name"]: pool["slots"] for pool in airflow.call("GET", "/pools")["pools"]}
    assert pools["muniment_same-server"] == 1
    for name in ("one", "two"):
        airflow.unpause(f"site_{name}")
    runs = {name: airflow.trigger(f"site_{name}") for name in ("one", "two")}
    for name, run in runs.items():
        assert airflow.wait_for_run(run.dag, run.dag_run, timeout=200).state == "success", name
    spans = sorted((min(asked.at for asked in servers[name].requests), name) for name in runs)
    (_, first), (begins, _) = spans
    assert max(asked.at for asked in servers[first].requests) < begins


def test_a_run_outside_of_its_window_is_skipped_and_not_red(stack: Stack, servers: dict[str, LoopbackSite]) -> None:
    airflow = stack.airflow
    airflow.unpause("site_shut")
    run = airflow.run_dag("site_shut", timeout=120)
    assert run.state == "success"
    tasks = airflow.tasks(run.dag, run.dag_run)
    assert {task.state for task in tasks} == {"skipped"}, tasks
    assert "The crawl window of shut is closed: it opens at" in airflow.task_log(run.dag, run.dag_run, "crawl")
    assert servers["shut"].requests == []
    forced = airflow.run_dag("site_shut", params={"now": True}, timeout=200)
    assert forced.state == "success"
    assert servers["shut"].requests


def test_a_pool_that_is_missing_is_told(stack: Stack) -> None:
    airflow = stack.airflow
    airflow.unpause("site_one")
    airflow.call("DELETE", "/pools/muniment_same-server")
    run = airflow.trigger("site_one")
    end = time.monotonic() + 90
    while not (told := "non-existent pool 'muniment_same-server'" in stack.server.log_file.read_text()):
        assert time.monotonic() < end
        time.sleep(1)
    assert told
    page = airflow.call("GET", "/dags/site_one/details")["doc_md"]
    assert "muniment dags pools > pools.json && airflow pools import pools.json" in page
    airflow.make_pools({"muniment_same-server": {"slots": 1, "description": "", "include_deferred": True}})
    assert airflow.wait_for_run(run.dag, run.dag_run, timeout=200).state == "success"
