"""Seconds, CPU and memory of a program and everything it starts; and the tables that the programs print.

CPU of a process that has ended is what the kernel counted when its parent waited for it (``wait4``), so it holds
for all descendants that were waited for. CPU of what goes on running is read from ``/proc`` twice. Memory is
sampled: the sum over the tree of the proportional set size (PSS), which counts a page shared by two once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where ``bench`` can be imported."""

_SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a program took."""

    seconds: float
    cpu: float  # seconds of user and system time, descendants included
    peak_mb: float  # MiB of PSS at the highest sample


class ProgramFailed(RuntimeError):
    """A measured program ended badly; the message has the end of what it said."""


def _tree(roots: Iterable[int]) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for root in roots:
        try:
            process = psutil.Process(root)
            found |= {p.pid: p for p in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def cpu_of(roots: Iterable[int]) -> float:
    """CPU seconds so far of these processes, their living descendants, and all that those waited for."""
    total = 0.0
    for process in _tree(roots):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class PeakMemory:
    """Samples the memory of process trees in a thread while it is open; ``mb`` is the highest sum seen."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.mb = 0.0
        self._roots = roots
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        wait = 0.1
        while not self._ended.wait(wait):
            began = time.monotonic()
            total = 0
            for process in _tree(self._roots):
                try:
                    total += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            self.mb = max(self.mb, total / 2**20)
            # At most a fiftieth of a core goes into looking.
            wait = max(_SAMPLE_SECONDS, 50 * (time.monotonic() - began))


def run_program(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, timeout: float = 1800.0
) -> tuple[Cost, dict[str, Any]]:
    """Run a Python module to its end and read the JSON of its last line.

    Args:
        command: module and arguments, as after ``python -m``.
        environment: variables beside ours.
        timeout: seconds after which it is ended.

    Raises:
        ProgramFailed: it ended with another status than 0, or too late.
    """
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        cwd=ROOT,
        text=True,
    )
    said: list[str] = []
    assert child.stdout is not None
    reader = threading.Thread(target=said.extend, args=(child.stdout,), daemon=True)
    reader.start()
    ender = threading.Timer(timeout, child.terminate)
    ender.start()
    try:
        with PeakMemory([child.pid]) as peak:
            _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        ender.cancel()
        if child.returncode is None:
            child.kill()
            child.wait()
        reader.join(5)
        child.stdout.close()
    if child.returncode != 0:
        raise ProgramFailed(f"{' '.join(command)} ended with {child.returncode}:\n{''.join(said[-20:])}")
    answer: dict[str, Any] = json.loads(said[-1])
    return Cost(seconds=seconds, cpu=used.ru_utime + used.ru_stime, peak_mb=peak.mb), answer


def render_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers are set to the right, None becomes a dash."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    right = [all(row[i][:1] in "–+-0123456789" for row in cells) for i in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        padded = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(row, widths, right, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)) + "|"
    return "\n".join([line(heads), rule, *map(line, cells)])


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        size = abs(value)
        return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return str(value)


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
