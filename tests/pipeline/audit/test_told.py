from __future__ import annotations

from typing import get_args

import pytest

from pipeline.audit import Choice, Kind, Problem, is_rebuildable, kind_of
from pipeline.audit.told import next_step


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("warc/a/2026/11/22/20261122T060000Z-abcdef-00000.warc.gz", "segment"),
        ("runs/a/20261122T060000Z-abcdef/extracted-00000.jsonl.zst", "findings"),
        ("runs/a/20261122T060000Z-abcdef/crawl.json", "run"),
        ("sites/a/frontier.sqlite.zst", "frontier"),
        ("sites/a/hosts.json", "site"),
        ("tables/articles", "table"),
        ("muniment.json", "marker"),
        ("notes.txt", "other"),
    ],
)
def test_a_key_says_what_lies_under_it(key: str, kind: Kind) -> None:
    assert kind_of(key) == kind


def test_only_what_is_derived_can_be_made_anew() -> None:
    assert is_rebuildable("indexes/a/20261122T060000Z-abcdef.cdxj", "altered")
    assert is_rebuildable("sites/a/frontier.sqlite.zst", "missing")
    assert not is_rebuildable("warc/a/x.warc.gz", "missing")
    assert not is_rebuildable("articles/a/b/000001.json", "altered")
    assert not is_rebuildable("indexes/a/20261122T060000Z-abcdef.cdxj", "unaccounted")


def test_nobody_is_told_to_keep_what_muniment_never_wrote() -> None:
    """An entry, an order or a site's memory that is no document was not written so by any release."""
    for kind in get_args(Kind):
        for problem in get_args(Problem):
            step = next_step(kind, problem, rebuildable=False)
            assert step
            if kind in ("journal", "takedown", "site"):
                assert "keep it" not in step


def test_a_choice_draws_the_same_for_the_same_seed() -> None:
    keys = [f"articles/a/{number}" for number in range(1000)]
    one, again, other = (sorted(keys, key=Choice(seed=seed).draw) for seed in (1, 1, 2))
    assert one == again != other
    assert all(0 <= Choice(seed=1).draw(key) < 2**64 for key in keys)
