"""Imports in processes of their own, to race and to kill; forked as ``publishers`` are, so that one costs little."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from pipeline import rows, table, workers  # noqa: F401 - loaded by the server, once
from pipeline.archive import Archive
from pipeline.settings import read_settings
from pipeline.steps import Workplace, run_import
from pipeline.store import connect
from tests.pipeline.built_runs import a_site

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Importer:
    """A process that has begun to import files."""

    def __init__(self, files: Sequence[str]) -> None:
        line, theirs = _context.Pipe()
        self._process = _context.Process(target=_run, args=(dict(os.environ), tuple(files), theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert line.recv() == "begins"
        line.close()

    def end(self, seconds: float) -> None:
        """Wait until it is done, and fail if it is not."""
        self._process.join(seconds)
        assert self._process.exitcode == 0

    def runs(self) -> bool:
        """Whether it has not come to its end."""
        return self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL, for those who read pages for it, too."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()


def _run(environment: Mapping[str, str], files: Sequence[str], line: Connection[Any, Any]) -> None:
    os.setsid()
    os.environ.update(environment)
    tempfile.tempdir = environment["MUNIMENT_SCRATCH"]  # what a killed one leaves is removed with the test's folder
    settings = read_settings().model_copy(update={"processes": 1})
    store = connect(settings)
    site = a_site()
    work = Workplace(settings=settings, sites={site.id: site}, archive=Archive(store, store))
    line.send("begins")
    run_import(work, files)
