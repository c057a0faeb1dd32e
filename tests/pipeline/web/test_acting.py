"""What an operator does from a page, as the archive writes it down; the forms are in ``test_app``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.web import acting
from pipeline.web.access import Visitor


def test_the_journal_names_who_and_from_where() -> None:
    visitor = Visitor(id="7", name="Otto " * 40, session="x", user=None)
    assert acting.tell_who(Visitor(id="7", name="otto", session="x", user=None)) == "otto (Airflow)"
    assert len(acting.tell_who(visitor)) == 100


def test_a_run_is_published_by_a_process_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Child:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Child)
    acting.publish_apart("north", "20261122T093000Z-1a2b3c4d")
    assert started == [[sys.executable, "-m", "pipeline.web.publishing", "north", "20261122T093000Z-1a2b3c4d"]]
