"""What is told of a mistake in a declared file."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from spiders.problem import Problem, SiteError, check_pattern, find_nearest


def test_a_problem_says_file_key_what_is_wrong_and_what_to_write() -> None:
    problem = Problem(file="a.toml", key="crawl.delays", problem="there is no such key", remedy="Write delay.")
    assert str(problem) == "a.toml: crawl.delays: there is no such key. Write delay."
    whole = Problem(file="a.toml", key="", problem="is not UTF-8", remedy="Save it as UTF-8.")
    assert str(SiteError([problem, whole])).splitlines() == [str(problem), str(whole)]


@pytest.mark.parametrize(("pattern", "said"), [("(", "no regular expression"), ("(?:[a-z]+-?)+", "take for ever")])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(PydanticCustomError, match=said):
        check_pattern(pattern)
    assert check_pattern("[a-z]+") == "[a-z]+"


def test_the_nearest_word_is_found_or_none() -> None:
    assert find_nearest("dealy", ("delay", "timeout")) == "delay"
    assert find_nearest("xyz", ("delay", "timeout")) is None
