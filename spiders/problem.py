"""What is wrong with a declared file, and what to write instead: for site files and family files alike.

The words for single mistakes are beside what they are about (``spiders.site``, ``spiders.families``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from spiders.pattern import find_ambiguity


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in a site file or family file and what to write instead.

    ``key`` is dotted (``crawl.delay``, ``sources.0.url``) and empty where the whole file is meant.
    """

    file: str
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.problem}. {self.remedy}"


class SiteError(ValueError):
    """Files that cannot be used; ``problems`` has every mistake of every file, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refuse_value(problem: str, remedy: str) -> PydanticCustomError:
    """A validation error that carries its remedy; braces are kept out of pydantic's template."""
    return PydanticCustomError("site", "{problem}", {"problem": problem, "remedy": remedy})


def find_nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped word was probably meant to be."""
    found = difflib.get_close_matches(word.lower(), list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def check_pattern(value: str) -> str:
    """A regular expression that compiles and cannot take exponential time; raises pydantic's error with a remedy."""
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        place = f" at character {error.pos + 1}" if isinstance(error, re.error) and error.pos is not None else ""
        raise refuse_value(
            f"is no regular expression: {error.msg if isinstance(error, re.error) else error}{place}",
            "Correct it (Python's re syntax); in TOML put it in 'single quotes' so that backslashes stay.",
        ) from error
    if ambiguity := find_ambiguity(value):
        raise refuse_value(
            f"can take for ever on a long URL: {ambiguity} inside a repetition can be split in many ways",
            "Write one repetition ([a-z0-9-]+ for ([a-z0-9]+-?)+), or a separator that the inner part cannot match.",
        )
    return value
