"""The measure of the gate: some weeks of one site, and each breakage once."""

from __future__ import annotations

from bench.gate import BREAKAGES, PROFILES, Year, find_broken, live_a_year, tell_alarms, tell_breakages


def test_a_council_breaks_in_every_way_and_is_quiet_otherwise() -> None:
    council = next(profile for profile in PROFILES if profile.id == "council")
    year = live_a_year(council, 7, days=75, times=1)
    assert {trial.breakage for trial in year.trials} == {breakage.name for breakage in BREAKAGES}
    missed = [trial for trial in year.trials if not trial.caught]
    assert len(missed) <= 1, missed
    assert max(year.quarters()) <= 1, year.alarms
    assert not find_broken([year])
    assert "council" in tell_alarms([year])
    assert "100%" in tell_breakages([year])


def test_what_is_not_as_wanted_is_told() -> None:
    council = next(profile for profile in PROFILES if profile.id == "council")
    year = live_a_year(council, 7, days=20, times=1)  # too young to have a normal
    blind: Year = year
    for trial in blind.trials:
        trial.caught = False
    assert any("not caught" in line for line in find_broken([blind]))
