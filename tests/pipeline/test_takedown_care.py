"""The daily care of takedowns: what is due is done, what runs brought in is cleaned, and nothing is done twice."""

from __future__ import annotations

import pytest

from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.errors import StoreRefused
from pipeline.journal import read_journal
from pipeline.steps import Workplace
from pipeline.takedown import care_for_takedowns, order_takedown, read_orders
from tests.pipeline.built_archive import SITE, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run
from tests.pipeline.crashes import Reader
from tests.pipeline.test_publish import Killed, MortalStore
from tests.pipeline.test_takedown import BY, WHY, WORDS, leaks, take_all
from tests.pipeline.test_takedown_sieve import BRIDGE, EDITED, NEWS, work

__all__ = ["work"]


def suspend(archive: Archive, **more: object) -> None:
    order_takedown(archive, SITE.id, BRIDGE, **{"by": BY, "reason": WHY, "now": NOW, **more})  # type: ignore[arg-type]


def test_what_a_run_with_a_writer_s_rights_left_is_cleaned_by_the_next_care(
    work: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, now = work.archive, work.settings.now()  # what the store says of its objects is of now
    suspend(archive, now=now, until=now + 48 * HOUR)
    assert care_for_takedowns(archive, now=now + HOUR).cleaned == ()

    def refuse(*_: object, **__: object) -> None:
        raise StoreRefused("the key may not do that", next_step="-")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.takedown.carrying.reapply", refuse)
        run = publish_pages(work, SITE, a_run(1000), START + 1000 * HOUR, {"bridge": EDITED}, extractor=Reader())
    left = leaks(archive, [*WORDS["bridge"], NEWS])
    assert set(left) == {archive.segment_key(SITE.id, run, 0)}, "the record alone"
    done = care_for_takedowns(archive, now=now + 24 * HOUR)
    assert (done.cleaned, done.reinstated) == ((run,), ())
    assert leaks(archive, [*WORDS["bridge"], NEWS]) == {}
    assert audit_archive(archive, patience=0).discrepancies == []
    told = [entry.kind for entry, _ in read_journal(archive, SITE.id)]
    assert told[-2:] == ["published", "suspended"]
    before = take_all(archive)
    assert care_for_takedowns(archive, now=now + 25 * HOUR).cleaned == ()
    changed = {key for key, body in take_all(archive).items() if before.get(key) != body}
    assert all(key.startswith("takedowns/") for key in changed)
    [ended] = care_for_takedowns(archive, now=now + 49 * HOUR).reinstated
    assert (ended.state, ended.by) == ("reinstated", BY)
    assert leaks(archive, [NEWS]) != {}, "its record is back"


def test_a_takedown_that_was_interrupted_goes_on_once_nobody_is_at_it(work: Workplace) -> None:
    mortal = MortalStore.like(work.archive.store)
    mortal.die_at, mortal.after = 40, False
    with pytest.raises(Killed):
        suspend(Archive(mortal, mortal))
    [order] = read_orders(work.archive)
    assert order.state == "ordered"
    assert care_for_takedowns(work.archive, now=NOW).carried_out == ()
    assert care_for_takedowns(work.archive, now=NOW + 2 * HOUR).carried_out == (order.takedown,)
    assert leaks(work.archive, WORDS["bridge"]) == {}


def test_without_takedowns_nothing_is_done(work: Workplace) -> None:
    before = take_all(work.archive)
    done = care_for_takedowns(work.archive, now=NOW)
    assert (done.reinstated, done.carried_out, done.removed, done.cleaned) == ((), (), (), ())
    assert take_all(work.archive) == before
