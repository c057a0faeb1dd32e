from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from pipeline.archive import Archive
from pipeline.audit.look import TABLES, Look, ahead, batches
from pipeline.audit.told import Audited, Flaw


@pytest.fixture
def look() -> Iterator[Look]:
    archive = Archive.__new__(Archive)
    with ThreadPoolExecutor(2) as pool, closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.executescript(TABLES)
        yield Look(
            archive=archive,
            site="localgov",
            chosen=None,
            head=None,
            expiry="",
            told=Audited(),
            progress=lambda _site, _done, _of: None,
            pool=pool,
            lane=pool,
            db=db,
        )


def a_flaw(stands: str) -> Flaw:
    return Flaw(key="articles/localgov/x/000001.json", problem="altered", expected="it", stands=stands)


def test_of_a_key_s_problem_the_first_thing_that_is_found_counts(look: Look) -> None:
    look.name(a_flaw("one"))
    look.name(a_flaw("other"))
    assert [each.stands for each in look.found.values()] == ["one"]


def test_a_name_says_which_run_and_entry_told_of_the_object(look: Look) -> None:
    key = a_flaw("x").key
    look.write("INSERT INTO expected VALUES (?, ?, ?, ?, ?, 1, 1)", [(key, 1, "00", "a run", 7)])
    look.name(a_flaw("x"))
    [each] = look.found.values()
    assert (each.run, each.entry, each.kind) == ("a run", 7, "version")


def test_another_look_knows_what_was_read_and_finds_out_the_rest_anew(look: Look) -> None:
    look.write("INSERT INTO objects VALUES (?, ?, ?)", [("a", 1, "e")])
    look.write("INSERT INTO looked VALUES (?, ?, ?, ?, ?)", [("a", "e", "00", 1, 1)])
    look.name(a_flaw("x"))
    look.bad.add("a")
    look.count_bytes(5)
    again = replace(look, again=True, suspects=frozenset("a"))
    assert (again.found, again.bad, again.count("objects"), again.count("looked")) == ({}, set(), 0, 1)
    again.count_bytes(5)
    assert again.told.bytes == 5
    assert look.found


def test_results_come_in_order_and_not_all_of_them_are_begun_at_once() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number * 2

    with ThreadPoolExecutor(2) as pool:
        results = ahead(pool, work, range(1000), 2)
        assert next(results) == 0
        assert len(begun) < 100
        assert list(results) == [number * 2 for number in range(1, 1000)]


def test_batches_have_all_items_in_order() -> None:
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
