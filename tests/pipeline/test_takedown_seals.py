"""Seals of takedowns: what stood there before, whichever orders have changed it since."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotInArchive
from pipeline.model import article_id
from pipeline.steps import Workplace
from pipeline.takedown import order_takedown, reinstate
from pipeline.takedown.seals import Seals, pack_members, parse_members, read_pristine
from tests.pipeline.built_archive import SITE
from tests.pipeline.built_runs import HOUR, NOW
from tests.pipeline.test_takedown import BY, WHY
from tests.pipeline.test_takedown_sieve import BRIDGE, SPAN, work

__all__ = ["work"]


@given(st.dictionaries(st.integers(0, 1 << 40), st.binary()))
def test_a_segment_s_seal_gives_its_records_back(members: dict[int, bytes]) -> None:
    assert parse_members(pack_members(members)) == members


def test_below_all_orders_in_force_stands_what_stood_there_before_the_first(work: Workplace) -> None:
    archive = work.archive
    key = archive.version_key(SITE.id, BRIDGE, 1)
    before, version = archive.store.get(key).body, archive.version(SITE.id, BRIDGE, 1)
    assert Seals(archive, SITE.id).pristine(key) is None
    first = order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW, spans=[SPAN])
    second = order_takedown(archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW + HOUR)
    seals = Seals(archive, SITE.id)
    assert seals.all(key) == seals.in_force(key) == [first.takedown, second.takedown]
    assert seals.in_force(key, but=second.takedown) == [first.takedown]
    assert seals.pristine(key) == seals.read(second.takedown, key) == before
    assert read_pristine(archive, SITE.id, BRIDGE) == [version]
    for order in (first, second):
        reinstate(archive, order, by=BY, reason=WHY, now=NOW + 2 * HOUR)
    ended = Seals(archive, SITE.id)
    assert (ended.all(key), ended.in_force(key), ended.pristine(key)) == (seals.all(key), [], None)


def test_an_article_that_is_not_there_has_no_versions_from_before(work: Workplace) -> None:
    with pytest.raises(NotInArchive):
        read_pristine(work.archive, SITE.id, article_id("https://news.example/nowhere"))
