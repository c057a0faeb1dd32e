"""Publishers in processes of their own, to race and to kill.

They are forked from a server that has everything imported and has used none of it, so that one costs
milliseconds; the table's library must not be forked after its first use.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from pipeline.archive import Archive
from pipeline.model import Published
from pipeline.publish import publish_run
from pipeline.settings import read_settings
from pipeline.store import connect
from tests.pipeline.built_runs import NOW, a_site

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Publisher:
    """A process that publishes what it is told to."""

    def __init__(self) -> None:
        self._line, theirs = _context.Pipe()
        self._process = _context.Process(target=_serve, args=(dict(os.environ), theirs), daemon=True)
        self._process.start()
        theirs.close()

    def order(self, site: str, run: str) -> None:
        self._line.send((site, run))

    def answer(self) -> Published:
        answered = self._line.recv()
        assert isinstance(answered, Published), answered
        return answered

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()
        self._line.close()


def _serve(environment: Mapping[str, str], line: Connection[Any, Any]) -> None:
    os.environ.update(environment)
    tempfile.tempdir = environment["MUNIMENT_SCRATCH"]  # what a killed one leaves is removed with the test's folder
    store = connect(read_settings())
    archive = Archive(store, store)
    while True:
        site, run = line.recv()
        try:
            line.send(publish_run(archive, a_site(site), run, now=NOW))
        except Exception as error:  # noqa: BLE001 - the test shall see it
            line.send(repr(error))
