"""run and status, as a person and as a machine call them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.steps import Workplace
from tests.loopback import LoopbackSite
from tests.pipeline.loop_news import story


@pytest.fixture
def call(work: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner whose environment names the loopback site and the test's archive."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    return CliRunner()


def told(result: Result) -> object:
    """The JSON on stdout; nothing else may stand there."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_run_and_status_tell_one_story(call: CliRunner, newsroom: LoopbackSite) -> None:
    first = told(call.invoke(app, ["run", "loop", "--json"]))
    newsroom.page("/news/2", story(2, extra="The forum now meets on Wednesdays."))
    time.sleep(1 - time.time() % 1)  # runs are in the order of the seconds in which they began
    second = told(call.invoke(app, ["run", "loop", "--json"]))
    assert first["published"]["versions"] == {"new": 8}  # type: ignore[index]
    assert second["published"]["versions"] == {"edited": 1}  # type: ignore[index]

    (line,) = told(call.invoke(app, ["status", "--json"]))  # type: ignore[misc]
    assert (line["site"], line["verdict"], line["changed"], line["unchanged"]) == ("loop", "accept", 1, 7)
    shown = call.invoke(app, ["status"]).stdout
    assert "loop" in shown
    assert "accept" in shown


def test_an_unfinished_run_goes_on_under_its_id(call: CliRunner, work: Workplace) -> None:
    from pipeline.steps import crawl, new_run

    run = new_run(work.settings)
    crawled = crawl(work, "loop", run)
    counts = told(call.invoke(app, ["extract-segment", "loop", run, str(crawled.segments[0]), "--json"]))
    assert counts == {"article": 8}
    result = told(call.invoke(app, ["run", "loop", "--run", run, "--json"]))
    assert result["run"] == run  # type: ignore[index]
    assert result["published"]["versions"] == {"new": 8}  # type: ignore[index]
