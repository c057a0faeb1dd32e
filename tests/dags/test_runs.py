"""A site's DAG run by Airflow's own task runner (``dag.test()``), on real sockets and a real store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.backfill import read_backfill
from pipeline.model import RUN_ID
from pipeline.reader import run_versions
from pipeline.stack import DAGS_FOLDER, settings_environment
from tests.dags.conftest import airflow_environment, run_python, set_apart
from tests.dags.newsroom import open_newsroom
from tests.loopback import LoopbackSite, Reply

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from pipeline.model import run_id

found, dags = {}, DagBag(sys.argv[1]).dags
for dag_id in sys.argv[2:]:
    if dag_id == "site_empty":
        # A crawl that leaves no segment at all (our own child always writes one with robots.txt).
        from pipeline import steps
        from spiders.protocol import CrawlSummary
        from datetime import UTC, datetime
        def crawl_nothing(work, site_id, run, **_):
            work.archive.write_summary(CrawlSummary.model_validate(SUMMARY | {"site": site_id, "run": run}))
            return steps.Crawled(segments=(), discovered=0, captured=0)
        now = datetime.now(UTC).isoformat()
        SUMMARY = {"started": now, "finished": now, "finish_reason": "finished", "user_agent": "test",
                   "discovered": 0, "captured": 0, "outcomes": {}, "reasons": {}, "examples": {}, "sources": [],
                   "robots": {}, "segments": [], "yielded": 0, "written": 0, "bytes_received": 0, "requests": 0}
        crawl_really, steps.crawl = steps.crawl, crawl_nothing
    dag = dags[dag_id]
    for task in dag.tasks:
        if task.task_id != "check":  # which has to fail at once in spite of its retries
            task.retries = 0
    conf = {"since": "2026-11-01", "until": "2026-11-20"} if dag_id == "site_past" else None
    run = dag.test(logical_date=None, run_conf=conf)
    if dag_id == "site_empty":
        steps.crawl = crawl_really
    with create_session() as session:
        found[dag_id] = {
            "state": str(run.state),
            "run": run_id(run.run_after, run.run_id),
            "tasks": {f"{ti.task_id}{ti.map_index if ti.map_index >= 0 else ''}": [str(ti.state), ti.rendered_map_index]
                      for ti in run.get_task_instances(session=session)},
            "events": [event.extra for event in session.query(AssetEvent).filter_by(source_dag_id=dag_id)],
            "xcom": [value.value for value in session.query(XComModel).filter_by(dag_id=dag_id)],
        }
print(json.dumps(found))
"""


@pytest.fixture
def run_dags(
    settings: Any, archive: Archive, airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run DAGs one after the other in one fresh process; what became of each."""

    def run(*dag_ids: str) -> Any:
        own = settings.model_copy(
            update={"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 1, "contact": ""}
        )
        folder = set_apart(tmp_path / "dags", *(path.name for path in DAGS_FOLDER.glob("sites_*.py")))
        environment = airflow_environment(airflow_home, folder) | settings_environment(own)
        return run_python(RUN, str(folder), *dag_ids, environment=dict(os.environ) | environment, timeout=500)

    return run


@pytest.mark.timeout(520)  # of a busy machine
@pytest.mark.parametrize("others", [(), pytest.param(("site_bad", "site_past", "site_empty"), marks=pytest.mark.slow)])
def test_a_run_publishes_what_a_downstream_dag_can_read_and_a_rejected_one_does_not(
    run_dags: Callable[..., Any],
    archive: Archive,
    loopback: LoopbackSite,
    write_site: Callable[..., Path],
    tmp_path: Path,
    others: tuple[str, ...],
) -> None:
    open_newsroom(loopback, articles=6)
    write_site("good", home=loopback.url("/"))
    write_site("bad", home=loopback.url("/"), check="min_captures = 50")
    write_site("empty", home=loopback.url("/"))
    write_site("past", home=loopback.url("/"))
    text = write_site("shut", home=loopback.url("/")).read_text()
    text = text.replace("/news/", "/inside/").replace("feed.xml", "shut.xml")
    (tmp_path / "sites" / "shut.toml").write_text(text.replace("[crawl]\n", "[crawl]\nadaptive = false\n"))
    items = "".join(f"<item><link>{loopback.url(f'/inside/{number}')}</link></item>" for number in range(12))
    feed = f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>"
    loopback.routes["/shut.xml"] = Reply(body=feed.encode(), content_type="application/rss+xml")
    for number in range(12):
        loopback.routes[f"/inside/{number}"] = Reply(status=403, body=b"<html><title>Denied</title>No.</html>")
    found = run_dags("site_good", *others, "site_shut")

    good = found["site_good"]
    assert good["state"] == "success"
    assert {name: state for name, (state, _) in good["tasks"].items()} == {
        "crawl": "success",
        "extract0": "success",
        "check": "success",
        "blocked": "skipped",
        "publish": "success",
        "go_on": "skipped",  # no backfill is under way
    }
    assert good["tasks"]["extract0"][1] == "segment 00000"
    (event,) = good["events"]
    assert event["site"] == "good"
    assert event["run"] == good["run"]
    assert RUN_ID.fullmatch(good["run"])
    assert event["new"] == 6
    assert event["edited"] == event["gone"] == 0
    assert len(run_versions(archive, "good", event["run"])) == 6
    assert max(len(str(value)) for value in good["xcom"]) < 1000  # ids and counts, no texts

    # A site that refuses us ends as such: neither its pages nor the gate are what is wrong.
    shut = found["site_shut"]
    assert shut["state"] == "failed"
    states = {name: state for name, (state, _) in shut["tasks"].items()}
    assert (states["check"], states["blocked"], states["publish"]) == ("success", "failed", "skipped"), shut
    assert shut["tasks"]["blocked"][1].startswith(("blocked: 403", "throttled: 127.0.0.1")), shut["tasks"]
    assert shut["events"] == []

    if not others:
        return
    # A run with the parameters of a backfill is one, and its end is the backfill's: all is in the one feed.
    past = found["site_past"]
    assert past["state"] == "success"
    assert past["tasks"]["go_on"][0] == "skipped"
    orders = archive.read_orders("past", past["run"])
    assert orders is not None
    assert (orders.mode, str(orders.since), str(orders.until)) == ("backfill", "2026-11-01", "2026-11-20")
    standing = read_backfill(archive, "past")
    assert standing is not None
    assert (standing.captured, standing.finished_at is not None) == (6, True)

    bad = found["site_bad"]
    assert bad["state"] == "failed"
    assert bad["tasks"]["check"][0] == "failed"  # at once: not "up_for_retry"
    assert bad["tasks"]["publish"][0] == "upstream_failed"
    assert bad["events"] == []
    assert list(archive.articles("bad")) == []

    empty = found["site_empty"]["tasks"]
    assert empty["extract"][0] == "skipped"
    assert empty["check"][0] in ("success", "failed")  # it ran; what the gate says of nothing is its own business
