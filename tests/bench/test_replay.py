"""The replay counts, scores and compares; on a pack made from the newsroom's pages."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.measure import ROOT, Cost
from bench.replay import Tool, compare, make_bound
from pipeline.model import Change, Evidence, State, Version
from tests.bench.packs import make_pack


def make_version(url: str, *, run: str = "20260302T073000Z-00000000", text: str = "text") -> Version:
    moment = datetime(2026, 3, 2, int(run[9:11]), tzinfo=UTC)
    evidence = Evidence(
        warc=f"warc/{run}", offset=int(run[11:13]), length=9, record_id=run, payload_digest="sha1:A", status=200,
        captured_at=moment,
    )  # fmt: skip
    return Version(
        site="s", article="0" * 20, n=1, state=State.LIVE, change=Change.NEW, url=url, final_url=url, requested_url=url,
        title="t", text=text, words=1, digest="sha256:0", publisher="p", run=run, captured_at=moment,
        evidence=evidence, extractor="x", code="c",
    )  # fmt: skip


def tool(name: str, *, pages: int, seconds: float, cpu: float, start: Tool | None = None) -> Tool:
    return Tool(name=name, pages=pages, cost=Cost(seconds=seconds, cpu=cpu, peak_mb=1.0), start=start)


def test_archives_that_differ_only_in_runs_times_and_places_agree() -> None:
    one = {("u", 1): make_version("u")}
    other = {("u", 1): make_version("u", run="20260302T084500Z-11111111")}
    assert compare(one, other) == []


def test_a_different_text_or_a_missing_document_is_told() -> None:
    one = {("u", 1): make_version("u"), ("v", 1): make_version("v")}
    other = {("u", 1): make_version("u", text="other")}
    assert compare(one, other) == ["only in one of them: v version 1", "u version 1: text"]


def test_the_bound_is_the_cores_divided_by_the_cpu_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.replay.count_cores", lambda: 2)
    tools = {name: tool(name, pages=100, seconds=1, cpu=cpu) for name, cpu in
             (("scrapy", 0.6), ("warc", 0.4), ("trafilatura", 4.0))}  # fmt: skip
    rate, cpu = make_bound(tools, steady=False)
    assert cpu == pytest.approx(50.0)
    assert rate == pytest.approx(40.0)


def test_steady_work_is_what_the_further_copies_cost() -> None:
    once = tool("x", pages=100, seconds=4, cpu=3)
    thrice = tool("x", pages=300, seconds=8, cpu=5, start=once)
    assert once.steady_rate is None
    assert thrice.steady_rate == pytest.approx(50)
    assert thrice.steady_cpu_ms == pytest.approx(10)


def run_replay(pack: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.replay", str(pack), *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_page_of_a_pack_is_archived_and_scored(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny", 3)
    files = ["--json", str(tmp_path / "r.json"), "--predictions", str(tmp_path / "p.jsonl")]
    printed = run_replay(pack, "--no-tools", *files)
    result = json.loads((tmp_path / "r.json").read_text())
    (passage,) = result["passages"]
    assert sum(site["versions"]["new"] for site in passage["sites"]) == 6
    assert passage["served"] >= 6 + 2
    assert result["scores"]["the archive"]["recall"] > 0.9
    predictions = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len([item for item in predictions if item["body"]]) == 6
    assert "| versions made" in printed


@pytest.mark.slow
@pytest.mark.scheduler
@pytest.mark.timeout(400)
def test_both_roads_lead_to_one_archive_and_the_tools_see_the_same_pages(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny", 4)
    printed = run_replay(pack, "--through", "both", "--json", str(tmp_path / "r.json"))
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["differences"] == []
    assert "They agree in all 8 documents" in printed
    assert {item["pages"] for item in result["tools"]} == {8}
    assert len(result["ratios"]) == 2
