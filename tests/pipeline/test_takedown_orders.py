from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.model import TakedownOrder, article_id
from pipeline.publish import publish_run
from pipeline.takedown.orders import (
    TERMS,
    active,
    change_order,
    describe,
    find_order,
    is_overdue,
    read_order,
    read_orders,
    read_target,
    withheld_urls,
    write_order,
)
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found, url_of, write_run

SITE = a_site()
BUDGET = article_id(url_of("budget"))


@pytest.fixture
def told(archive: Archive) -> Archive:
    run = write_run(archive, SITE, a_run(0), [found("budget", "The budget of Anne Secret.", a_run(0), START)])
    publish_run(archive, SITE, run, now=NOW)
    return archive


def write(archive: Archive, **more: object) -> TakedownOrder:
    given = {"by": "legal", "reason": "no. 1", "now": NOW, "versions": archive.versions(SITE.id, BUDGET), **more}
    return write_order(archive, SITE.id, BUDGET, **given)  # type: ignore[arg-type]


def test_an_order_has_none_of_the_words_and_its_seal_has_them(told: Archive) -> None:
    order = write(told, spans=["Anne Secret"])
    key = told.takedown_key(SITE.id, order.takedown)
    assert b"Secret" not in told.store.get(key).body
    assert b"Anne Secret" in told.store.get(told.sealed_key(SITE.id, order.takedown, TERMS)).body
    assert read_target(told, order).spans == ("Anne Secret",)
    assert read_order(told, SITE.id, order.takedown) == find_order(told, order.takedown) == order


def test_the_same_order_is_written_once_and_another_beside_it(told: Archive) -> None:
    first = write(told)
    assert write(told, now=NOW + HOUR) == first
    second = write(told, spans=["Anne Secret"])
    assert [order.takedown for order in read_orders(told, SITE.id)] == sorted([first.takedown, second.takedown])
    assert [describe(first), describe(second)] == ["suspended", "redacted"]


def test_what_is_in_force_says_which_addresses_are_withheld(told: Archive) -> None:
    write(told, spans=["Anne Secret"])
    assert withheld_urls(told, SITE.id) == frozenset()
    order = write(told)
    assert withheld_urls(told, SITE.id) == {url_of("budget")}
    assert len(active(told, SITE.id)) == 2
    ended = change_order(told, SITE.id, order.takedown, lambda each: each.model_copy(update={"state": "reinstated"}))
    assert withheld_urls(told, SITE.id) == frozenset()
    assert len(active(told, SITE.id)) == 1
    assert write(told, now=NOW + HOUR).takedown != ended.takedown


def test_an_order_is_overdue_from_its_day_on(told: Archive) -> None:
    order = write(told, until=NOW + HOUR)
    done = order.model_copy(update={"state": "carried out"})
    assert [is_overdue(done, NOW + HOUR * share) for share in (0.5, 1, 2)] == [False, True, True]
    assert not is_overdue(done.model_copy(update={"state": "reinstated"}), NOW + timedelta(days=9))


def test_a_reason_that_quotes_what_is_withheld_is_refused(told: Archive) -> None:
    for more in ({"reason": "Budget"}, {"spans": ["Anne Secret"], "by": "anne secret"}, {"reason": " "}):
        title = told.version(SITE.id, BUDGET, 1).title
        given = {**more, "reason": title} if more == {"reason": "Budget"} else more
        with pytest.raises(ArchiveError):
            write(told, **given)
    assert list(read_orders(told)) == []


@pytest.mark.parametrize("name", ["20261122T093000Z-1a2b3c4d", "../secret", ""])
def test_an_order_that_is_not_there_is_named(told: Archive, name: str) -> None:
    with pytest.raises(NotInArchive):
        find_order(told, name)
