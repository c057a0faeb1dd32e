"""Agencies that a text names as its writers."""

from __future__ import annotations

import pytest

from pipeline.particulars.agencies import find_agencies

STORY = "The council has agreed to mend the bridge over the mill stream before the winter comes, it said."


@pytest.mark.parametrize(
    ("lines", "agency"),
    [
        ([f"LONDON (Reuters) - {STORY}", STORY], "Reuters"),
        ([f"HAYWARD, Calif. (AP) — {STORY}", STORY], "Associated Press"),
        ([f"Berlin (dpa/lni) - {STORY}"], "dpa"),
        ([STORY, f"{STORY} (AFP)"], "AFP"),
        ([STORY, "– PA"], "PA Media"),
        ([STORY, "PA Media"], "PA Media"),
        ([STORY, "Additional reporting by Reuters"], "Reuters"),
        ([STORY, "Local Democracy Reporting Service"], "Local Democracy Reporting Service"),
        (
            [STORY, "This story was written by the Local Democracy Reporting Service."],
            "Local Democracy Reporting Service",
        ),
        (["Jane Example, Local Democracy Reporter", STORY], "Local Democracy Reporting Service"),
    ],
)
def test_credit_lines_and_datelines_name_them(lines: list[str], agency: str) -> None:
    assert find_agencies(lines) == (agency,)


@pytest.mark.parametrize(
    "line",
    [
        "The PA was broken, and nobody heard the chairman speak.",
        "He works for Reuters (London) and writes of bridges.",
        "“We gave it to AP,” the mayor said of the film that was made of the bridge.",
        "Pa",
        "The police and the Press Association of the county met in the town hall on Tuesday to speak of it.",
        "",
    ],
)
def test_sentences_about_them_name_none(line: str) -> None:
    assert find_agencies([STORY, line, STORY]) == ()


def test_a_credit_in_the_middle_of_a_text_is_that_of_a_picture() -> None:
    assert find_agencies([STORY] * 5 + ["(AP)"] + [STORY] * 5) == ()
