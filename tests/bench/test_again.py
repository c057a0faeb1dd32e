from __future__ import annotations

from bench.again import Cost, tell


def test_later_runs_are_told_as_shares_of_the_first() -> None:
    given = {"store_cpu": 0.5, "seconds": 9.0, "counts": ""}
    costs = [Cost(name="first", requests=2000, cpu=100.0, **given), Cost(name="later", requests=20, cpu=3.0, **given)]  # type: ignore[arg-type]
    last = [cell.strip() for cell in tell(costs).splitlines()[-1].split("|")]
    assert last[1:6] == ["later", "20", "1.00", "3.00", "3.00"]
