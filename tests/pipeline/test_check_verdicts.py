"""What a check is made of."""

from __future__ import annotations

import pytest

from pipeline.check.verdicts import FEW, find_share, find_worst, is_beyond, make_check
from pipeline.normal import Usual
from pipeline.normal.expect import Expected


def test_a_handful_beyond_the_limit_warns_and_many_reject() -> None:
    assert is_beyond(FEW - 1, FEW - 1, 0.25) == "warn"
    assert is_beyond(2, 5, 0.25) == "warn"
    assert is_beyond(8, 20, 0.25) == "reject"


def test_the_worst_verdict_counts_and_none_is_accept() -> None:
    assert find_worst(["accept", "reject", "warn"]) == "reject"
    assert find_worst([]) == "accept"


@pytest.mark.parametrize(("part", "whole", "share"), [(0, 0, 0.0), (1, 4, 0.25)])
def test_a_share_of_nothing_is_none(part: int, whole: int, share: float) -> None:
    assert find_share(part, whole) == share


def test_a_check_shows_its_normal_in_the_unit_of_its_figure_and_the_history() -> None:
    expected = Expected(low=40, high=44, middle=43, below=0.5, above=0.5)
    check = make_check("fill", "accept", "", figure=0.123456, usual=Usual(expected=expected, basis="9 days"), per=44)
    assert check.figure == 0.1235
    assert check.normal == (0.9091, 1.0)
    assert check.basis == "9 days"
