"""Set-up and CI: what they say on a machine that lacks something, and what status they end with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _set_up(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up in an empty folder with the interpreter given."""
    return subprocess.run(
        [ROOT / "scripts" / "make-venv"],
        cwd=folder,
        env=os.environ | {"PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_interpreter_that_is_not_there_is_answered_with_what_to_install(tmp_path: Path) -> None:
    done = _set_up(tmp_path, "no-such-python")
    assert done.returncode == 1
    assert "'no-such-python'" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_an_interpreter_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = _program(tmp_path / "python3.9", "exit 1")  # what the question for the version ends with
    done = _set_up(tmp_path, old)
    assert done.returncode == 1
    assert "3.11 or newer" in done.stderr


def test_a_python_without_ensurepip_is_answered_with_the_package_that_brings_it(tmp_path: Path) -> None:
    bare = tmp_path / "python3"
    _program(
        bare,
        f'case "$2" in *ensurepip*) exit 1;; *_base_executable*) echo {bare};; *) exec {sys.executable} "$@";; esac',
    )
    done = _set_up(tmp_path, str(bare))
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_make_alone_lists_what_is_promised() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "up", "test", "test-all", "check", "lock"):
        assert f"make {target} " in listed


@pytest.mark.parametrize(("check", "test"), [(0, 0), (2, 0), (0, 2), (2, 2)])
def test_ci_runs_the_tests_last_and_passes_only_if_both_pass(tmp_path: Path, check: int, test: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy2(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    _program(tmp_path / "make", f'case $1 in check) exit {check};; test) echo "9 passed in 1s"; exit {test};; esac')
    done = subprocess.run(
        [tmp_path / ".ci" / "run"],
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (check == test == 0)
    assert done.stdout.splitlines()[-1] == "9 passed in 1s"
