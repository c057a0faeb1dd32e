"""What ``muniment run`` draws."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

from pipeline.cli.progress import DrawnProgress, show_progress
from pipeline.steps import Progress


def test_the_bars_follow_the_steps_and_what_the_crawl_says() -> None:
    seen = io.StringIO()
    bars = Bars(
        TextColumn("{task.description} {task.completed}/{task.total} {task.fields[said]}"),
        console=Console(file=seen, force_terminal=True, width=120),
        auto_refresh=False,
    )
    with bars:
        progress = DrawnProgress(bars)
        progress.step("crawl")
        progress.line("fetched 3 of 8\x1b[31m")
        bars.refresh()
        progress.segments(1, 4)
        progress.step("extract")
        bars.refresh()
    assert "fetched 3 of 8\\x1b[31m" in seen.getvalue()
    assert "extract 1/4 segments" in seen.getvalue()
    assert "publish" not in seen.getvalue()
    progress.step("check")
    progress.finish()
    assert [task.completed for task in bars.tasks if task.description == "check"] == [1]
    assert [task.completed for task in bars.tasks if task.description == "extract"] == [4]


def test_nothing_is_drawn_when_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as progress:
        progress.step("crawl")
        progress.line("a line")
    assert type(progress) is Progress
    assert capsys.readouterr().err == ""
