"""Blocks of a page and their labels."""

import pytest

from pipeline.blocks import label_of


@pytest.mark.parametrize(
    ("names", "label"), [("newsletter-signup", "newsletter"), ("job-list", "jobs"), ("column", "")]
)
def test_names_tell_what_a_block_is(names: str, label: str) -> None:
    assert label_of(names) == label
