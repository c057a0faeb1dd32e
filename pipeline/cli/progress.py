"""Progress bars of ``muniment run`` on a terminal; elsewhere nothing, because the log lines tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from pipeline.cli.output import console, safe
from pipeline.steps import Progress

STEPS = ("crawl", "extract", "check", "publish")


class DrawnProgress(Progress):
    """A bar for each step; the crawl's shows the last line that the crawl child said."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks = {name: bars.add_task(name, total=None, start=False, said="", visible=False) for name in STEPS}
        self._running: str | None = None

    def line(self, text: str) -> None:
        """Show what the crawl child said."""
        self._bars.update(self._tasks["crawl"], said=safe(text)[:100])

    def step(self, name: str) -> None:
        """Fill the bar of the step before, and begin this one's."""
        self.finish()
        self._bars.start_task(self._tasks[name])
        self._bars.update(self._tasks[name], visible=True)
        self._running = name

    def finish(self) -> None:
        """Fill the bar of the step that has ended."""
        if self._running:
            task = self._bars.tasks[self._tasks[self._running]]
            total = task.total or 1
            self._bars.update(task.id, total=total, completed=total, said="")

    def segments(self, extracted: int, sealed: int) -> None:
        """Move the bar of the extraction, which begins while the crawl goes on."""
        self._bars.update(self._tasks["extract"], total=sealed, completed=extracted, visible=True, said="segments")


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Progress that is drawn on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<8}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", markup=False, style="dim"),
    )
    with Bars(*columns, console=console(stderr=True)) as bars:
        drawn = DrawnProgress(bars)
        yield drawn
        drawn.finish()
