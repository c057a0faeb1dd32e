"""The measure of the probe: one home by the real command and a real crawl."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.homes import LATER, OF_FAMILIES, SCRIPTED, UNSEEN, Home, serve
from bench.probe import probe_home, try_home


def test_a_home_that_nothing_was_built_for_ends_in_a_working_file(tmp_path: Path) -> None:
    home = next(home for home in UNSEEN if home.id == "polish")
    outcome = try_home(home, tmp_path)
    assert outcome.works, outcome
    assert outcome.right_family
    assert outcome.requests <= 25


def test_a_home_drawn_by_script_is_told_as_such(tmp_path: Path) -> None:
    with serve(SCRIPTED) as built:
        told = probe_home(built, tmp_path / "site.toml")
    assert not told["ok"]
    assert "render = true" in told["trouble"]
    assert not (tmp_path / "site.toml").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("home", [*OF_FAMILIES, *UNSEEN, *LATER], ids=lambda home: home.id)
def test_every_home_ends_in_a_working_file(home: Home, tmp_path: Path) -> None:
    outcome = try_home(home, tmp_path)
    assert outcome.works, outcome
    assert outcome.five_lines is None or outcome.five_lines >= 0.9
