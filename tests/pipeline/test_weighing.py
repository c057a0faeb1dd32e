"""Measures of blocks, and the trees that weigh them."""

from __future__ import annotations

import numpy as np

from pipeline.blocks import Block, read_blocks
from pipeline.metadata import Metadata
from pipeline.page import parse_page
from pipeline.weighing import MEASURES, load_weights, measure_blocks, weigh_blocks
from tests.pipeline.some_pages import SENTENCES


def some_blocks(markup: str) -> list[Block]:
    tree = parse_page(f"<html><body>{markup}</body></html>")
    assert tree is not None
    return read_blocks(tree)


def column(measures: np.ndarray, name: str) -> list[int]:
    found: list[int] = measures[:, MEASURES.index(name)].tolist()
    return found


def test_every_block_has_every_measure_and_all_are_whole_numbers() -> None:
    blocks = some_blocks("<h1>A bridge</h1>" + "".join(f"<p>{sentence}</p>" for sentence in SENTENCES))
    measures = measure_blocks(blocks, [0, 8, 8, 8, 8], [False] * 5, Metadata(titles=("A bridge",)))
    assert measures.shape == (5, len(MEASURES))
    assert np.issubdtype(measures.dtype, np.integer)
    assert column(measures, "titled") == [1, 0, 0, 0, 0]
    assert column(measures, "share -1") == [-1, 0, 8, 8, 8]
    assert column(measures, "text before")[1] == 0
    assert column(measures, "behind last") == [-4, -3, -2, -1, 0]


def test_a_page_without_blocks_or_without_text_of_its_own_is_measured_too() -> None:
    assert weigh_blocks(measure_blocks([], [], [], Metadata())) == []
    blocks = some_blocks("<p>a</p><p>b</p>")
    assert len(weigh_blocks(measure_blocks(blocks, [0, 0], [False, True], Metadata()))) == 2


def test_the_trees_are_whole_and_ask_only_for_what_is_measured() -> None:
    asked, most, leaves, depth = load_weights()
    assert asked.shape == most.shape == (len(leaves), 2**depth - 1)
    assert leaves.shape[1] == 2**depth
    assert asked.max() < len(MEASURES)


def test_a_weight_is_the_sum_of_one_leaf_of_each_tree() -> None:
    blocks = some_blocks("".join(f"<p>{sentence}</p>" for sentence in SENTENCES))
    measures = measure_blocks(blocks, [8] * 4, [False] * 4, Metadata())
    asked, most, leaves, depth = load_weights()
    for row, weight in zip(measures, weigh_blocks(measures), strict=True):
        total = 0
        for tree in range(len(asked)):
            at = 0
            for _ in range(depth):
                at = 2 * at + 1 + int(row[asked[tree, at]] > most[tree, at])
            total += int(leaves[tree, at - (2**depth - 1)])
        assert weight == total
