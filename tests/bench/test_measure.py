"""CPU, memory and tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.measure import ProgramFailed, cpu_of, render_table, run_program


def test_a_table_is_markdown_with_numbers_to_the_right() -> None:
    table = render_table(["tool", "pages/s"], [["one", 12.345], ["two", None], ["three", 1234]])
    assert table.splitlines() == [
        "| tool  | pages/s |",
        "|-------|--------:|",
        "| one   |    12.3 |",
        "| two   |       – |",
        "| three |    1234 |",
    ]


def test_the_cpu_of_a_program_includes_that_of_its_children(tmp_path: Path) -> None:
    module = tmp_path / "burner.py"
    module.write_text(
        "import subprocess, sys, time\n"
        "burn = 'import time\\nwhile time.process_time() < 0.4: pass'\n"
        "subprocess.run([sys.executable, '-c', burn], check=True)\n"
        "print('{\"mine\": %f}' % time.process_time())\n"
    )
    cost, answer = run_program(["burner"], environment={"PYTHONPATH": str(tmp_path)})
    assert cost.cpu >= 0.4 + answer["mine"] - 0.05
    assert cost.peak_mb > 1


def test_a_program_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(ProgramFailed, match="No module named"):
        run_program(["bench.no_such_program"])


def test_the_cpu_of_what_runs_grows() -> None:
    before = cpu_of([os.getpid()])
    while cpu_of([os.getpid()]) < before + 0.05:
        pass
