"""The command as a whole: help that teaches, exit codes, errors in words."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline import cli
from pipeline.errors import NotInArchive, Permanent, RunRejected, StoreUnavailable


def muniment(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


def test_help_names_every_command_and_where_to_begin() -> None:
    shown = muniment("--help")
    assert shown.returncode == 0
    for word in ("run", "status", "history", "show", "sites", "store", "up", "Begin with"):
        assert word in shown.stdout


def test_a_wrong_call_exits_with_2_and_a_wrong_setting_with_1_and_the_remedy() -> None:
    assert muniment("no-such-command").returncode == 2
    wrong = muniment("status", MUNIMENT_PROCESSES="many")
    assert wrong.returncode == 1
    assert "MUNIMENT_PROCESSES" in wrong.stderr
    assert "Next step" in wrong.stderr
    assert wrong.stdout == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotInArchive("no such article", next_step="look again"), 1),
        (RunRejected("all pages are one text", next_step="read the checks"), 3),
        (StoreUnavailable("no answer"), 75),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_kind_of_failure_has_its_exit_code(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    if isinstance(error, Permanent):
        assert error.next_step in capsys.readouterr().err
