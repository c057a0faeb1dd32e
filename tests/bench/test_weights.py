"""Learning what speaks for a block: labels, figures, and the text of the trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.weights import DEPTH, Page, label_blocks, score, write_trees
from pipeline.blocks import Block
from pipeline.page import parse_page
from pipeline.weighing import MEASURES


def some_blocks(*texts: str) -> list[Block]:
    tree = parse_page("<html><body><p>x")
    assert tree is not None
    return [Block(element=tree, text=text) for text in texts]


def labels(texts: list[str], body: str, shares: list[int] | None = None) -> list[bool]:
    tokens = [text.replace(".", " ").split() for text in texts]
    told = label_blocks(some_blocks(*texts), tokens, shares or [8] * len(texts), body.replace(".", " ").split(), body)
    found: list[bool] = told.tolist()
    return found


def test_a_block_belongs_as_often_as_it_stands_in_the_body() -> None:
    line = "The bridge will be mended before the winter."
    assert labels([line, "Sign up to our letter of the week.", line], line) == [True, False, False]
    assert labels([line, line], line, [0, 8]) == [False, True]


def test_a_short_block_belongs_where_it_follows_or_is_a_line() -> None:
    body = "The bridge will be mended.\nNext steps\nThe road will be closed then."
    texts = ["Next steps", "The bridge will be mended.", "Next steps", "The road will be closed then."]
    assert labels(texts, body, [0, 8, 8, 8]) == [False, True, True, True]


def test_figures_are_those_of_the_benchmark() -> None:
    right, more = ["one", "two", "three", "four", "five"], ["six", "seven"]
    page = Page(
        source="a",
        host="a.example",
        truth=right,
        tokens=[right, more],
        measures=np.zeros((2, len(MEASURES))),
        belongs=np.array([True, False]),
        weights=np.ones(2),
        path=Path("a.html.gz"),
        url="https://a.example/1",
    )
    assert score([page], [right]) == "F1 1.0000  P 1.0000  R 1.0000  exact 1.00"
    assert score([page], [right + more]) == "F1 0.6667  P 0.5000  R 1.0000  exact 0.00"


class Grown:
    """A booster of one tree with one question."""

    def dump_model(self) -> dict[str, Any]:
        leaves = [{"leaf_value": -0.5}, {"leaf_value": 0.25}]
        root = {"split_feature": 0, "threshold": 3.5, "left_child": leaves[0], "right_child": leaves[1]}
        return {"tree_info": [{"tree_structure": root}]}


def test_trees_are_written_whole_and_in_whole_numbers() -> None:
    *_, depth, tree = write_trees(Grown()).splitlines()
    assert depth == f"depth {DEPTH}"
    cells = tree.split()
    assert cells[0] == f"{MEASURES[0]}<=3"
    assert cells[2**DEPTH - 1 :] == ["-500"] * 2 ** (DEPTH - 1) + ["250"] * 2 ** (DEPTH - 1)
