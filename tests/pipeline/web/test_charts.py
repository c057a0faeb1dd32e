"""Charts as numbers: nothing leaves its frame, and the words say what is drawn."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.web.charts import SPARK_HEIGHT, SPARK_WIDTH, draw_bars, draw_shares, draw_spark

COUNTS = st.lists(st.integers(0, 10**9), max_size=40)


@given(COUNTS, COUNTS)
def test_a_sparkline_stays_in_its_frame(new: list[int], failed: list[int]) -> None:
    drawn = draw_spark({"new": new, "failed": failed})
    for _, path in drawn.lines:
        numbers = [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", path)]
        assert all(0 <= x <= SPARK_WIDTH for x in numbers[::2])
        assert all(0 <= y <= SPARK_HEIGHT for y in numbers[1::2])


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 10**6)), max_size=70))
def test_the_pieces_of_a_column_stand_on_each_other_and_within_the_frame(columns: list[dict[str, int]]) -> None:
    drawn = draw_bars(columns, ("a", "b"))
    assert drawn.top == max((sum(column.values()) for column in columns), default=0)
    for bar in drawn.bars:
        assert -0.1 <= bar.y <= drawn.height
        assert bar.y + bar.height <= drawn.height + 0.1
        assert bar.x + bar.width <= drawn.width + 0.1


def test_the_words_of_a_chart_tell_its_figures() -> None:
    assert draw_spark({"new": (1, 2), "failed": (0, 3)}).words == (
        "Latest 2 runs: 3 new (latest run 2), 3 failed (latest run 3)."
    )
    assert draw_spark({"new": ()}).words == "No runs yet."
    assert "a 3" in draw_bars([{"a": 1}, {"a": 2}], ("a", "b")).words
    assert "title 50%" in draw_shares({"title": (1.0, 0.5, None)}).words


def test_a_gap_in_a_line_is_a_gap() -> None:
    [(_, path)] = draw_shares({"title": (1.0, None, 0.0)}).lines
    assert path.count("M") == 2
