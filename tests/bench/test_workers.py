"""Two workers beside one: how rounds become a ratio."""

from __future__ import annotations

import os
import time

from bench.workers import MachineClock, Round, tell


def a_round(workers: int, seconds: float) -> Round:
    """A round of so many seconds."""
    return Round(
        workers=workers,
        seconds=seconds,
        crawls=seconds / workers,
        worker_cpu=48,
        airflow_cpu=24,
        worker_mb=500,
        airflow_mb=600,
        database=240_000,
        others=0.5,
    )


def test_the_ratio_is_that_of_the_medians() -> None:
    seconds = ((2, 100), (1, 150), (1, 190), (1, 900), (2, 90), (2, 300))
    told = tell([a_round(workers, each) for workers, each in seconds], 24)
    assert "Two workers: 1.90 × one, 3.80 × in the crawls" in told
    one, two = ([cell.strip() for cell in line.split("|")[1:5]] for line in told.splitlines()[2:4])
    assert (one, two) == (["1", "190", "190", "2.00"], ["2", "100", "50.0", "2.00"])


def test_the_machines_clock_counts_what_is_used() -> None:
    clock, began = MachineClock(), time.process_time()
    while time.process_time() < began + 0.3:
        pass
    seconds, used = clock.tell()
    assert seconds >= 0.3
    assert 0.2 <= used <= seconds * (os.cpu_count() or 1) + 0.2
