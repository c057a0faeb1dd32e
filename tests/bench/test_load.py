"""The simulation of due sites: cases whose outcome can be told by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load import Due, Plant, Task, main, simulate

FREE = Plant(slots=100, cores=100, begin=0, put=0, note=0, pause=0, hand=0)


def due(count: int, *tasks: Task, server: int | None = None) -> list[Due]:
    """So many runs at once, each on a server of its own or all on one."""
    return [Due(at=0.0, server=number if server is None else server, tasks=tasks) for number in range(count)]


def test_a_run_alone_takes_the_sum_of_its_tasks() -> None:
    outcome = simulate(due(1, Task(cpu=2, wait=3), Task(cpu=4)), FREE)
    assert outcome.lasted == pytest.approx((9, 9, 9))
    assert (outcome.runs, outcome.tasks) == (1, 2)


def test_tasks_share_the_cores_and_wait_beside_each_other() -> None:
    plant = Plant(slots=4, cores=2, begin=0, put=0, note=0, pause=0, hand=0)
    outcome = simulate(due(4, Task(cpu=1, wait=5)), plant)
    assert outcome.lasted == pytest.approx((7, 7, 7))  # four seconds of CPU on two cores; the waits cost nothing


def test_slots_hold_back_what_would_only_wait() -> None:
    plant = Plant(slots=1, cores=2, begin=0, put=0, note=0, pause=0, hand=0)
    assert simulate(due(4, Task(cpu=0, wait=5)), plant).end == pytest.approx(20)


def test_sites_of_one_server_crawl_one_after_the_other_and_others_pass_them() -> None:
    crawl = Task(cpu=0, wait=10, pooled=True)
    outcome = simulate([*due(3, crawl, server=7), Due(at=0.0, server=8, tasks=(crawl,))], FREE)
    assert outcome.end == pytest.approx(30)
    assert outcome.lasted[0] == pytest.approx((10 + 20) / 2)  # 10, 10, 20, 30


def test_a_scheduler_is_the_limit_where_tasks_are_short() -> None:
    plant = Plant(slots=100, cores=100, begin=0, put=0.1, note=0.1, pause=0, hand=0)
    outcome = simulate(due(50, Task(cpu=0.01)), plant)
    assert outcome.end == pytest.approx(50 * 0.2, rel=0.05)
    assert outcome.scheduler > 0.95
    twice = simulate(due(50, Task(cpu=0.01)), Plant(**{**vars(plant), "schedulers": 2}))
    assert twice.end == pytest.approx(outcome.end / 2, rel=0.05)


@given(
    count=st.integers(1, 20),
    slots=st.integers(1, 8),
    cores=st.floats(0.5, 8),
    cpu=st.floats(0.01, 5),
    wait=st.floats(0, 5),
    servers=st.integers(1, 5),
)
def test_no_deployment_does_the_work_faster_than_its_cores_and_slots_allow(
    count: int, slots: int, cores: float, cpu: float, wait: float, servers: int
) -> None:
    tasks = (Task(cpu=cpu, wait=wait, pooled=True), Task(cpu=cpu))
    runs = [Due(at=0.0, server=number % servers, tasks=tasks) for number in range(count)]
    outcome = simulate(runs, Plant(slots=slots, cores=cores))
    work = 2 * cpu * count
    assert outcome.end >= 0.999 * max(work / cores, (work + wait * count) / slots, 2 * cpu + wait)
    assert outcome.cores * outcome.end == pytest.approx(work, rel=0.01)
    assert outcome.slots <= slots + 1e-6


def test_the_program_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sites", "20", "--workers", "1", "--hours", "1"]) == 0
    assert "at minute 0" in capsys.readouterr().out
