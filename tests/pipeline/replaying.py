"""The environment in which tests replay what was exported: pywb and the WACZ validator, of requirements-replay.lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv" / "replay" / "bin"


def find_program(name: str) -> Path:
    """A program of that environment; the test is skipped where it was not made, and fails on CI."""
    if not list(FOLDER.parent.glob("ready-*")):
        reason = "there is no .venv/replay: `make test` makes it, and so does scripts/make-replay-venv"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return FOLDER / name
