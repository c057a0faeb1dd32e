from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.errors import ArchiveError
from pipeline.journal import append, head_number, read_journal, record_run
from pipeline.model import JournalEntry
from pipeline.publish import publish_run
from tests.pipeline.built_runs import NOW, START, a_run, a_site, found, write_run

SITE = a_site()


def an_entry() -> JournalEntry:
    return JournalEntry(site=SITE.id, at=NOW, kind="repaired")


def test_each_entry_has_the_digest_of_the_one_before(archive: Archive) -> None:
    for token in ("one", "two", "three"):
        append(archive, SITE.id, token, an_entry, since=START)
    told = list(read_journal(archive, SITE.id))
    assert [entry.n for entry, _ in told] == [1, 2, 3]
    assert [entry.previous for entry, _ in told] == ["", told[0][1], told[1][1]]
    body = archive.store.get(archive.journal_key(SITE.id, 2)).body
    assert told[1][1] == "sha256:" + hashlib.sha256(body).hexdigest()


def test_what_has_a_token_is_told_once(archive: Archive) -> None:
    first = append(archive, SITE.id, "one", an_entry, since=START)
    append(archive, SITE.id, "two", an_entry, since=START)
    assert append(archive, SITE.id, "one", an_entry, since=START) == first
    assert len(list(read_journal(archive, SITE.id))) == 2


def test_many_writers_make_one_chain_without_gaps_and_each_is_in_it_once(archive: Archive) -> None:
    tokens = [f"{number}" for number in range(8)] * 2
    with ThreadPoolExecutor(len(tokens)) as pool:
        list(pool.map(lambda token: append(archive, SITE.id, token, an_entry, since=START), tokens))
    told = list(read_journal(archive, SITE.id))
    assert sorted(entry.token for entry, _ in told) == sorted(set(tokens))
    assert [entry.previous for entry, _ in told[1:]] == [digest for _, digest in told[:-1]]


def test_a_published_run_is_told_with_the_digest_of_each_object_it_made(archive: Archive) -> None:
    run = write_run(archive, SITE, a_run(0), [found("budget", "The budget.", a_run(0), START)])
    published = publish_run(archive, SITE, run, now=NOW)
    [(entry, _)] = read_journal(archive, SITE.id)
    assert (entry.kind, entry.run, entry.published) == ("published", run, published)
    keys = {each.key for each in entry.objects}
    assert {archive.published_key(SITE.id, run), *published.made, *archive.segments(SITE.id, run)} <= keys
    for each in entry.objects:
        body = archive.store.get(each.key).body
        assert (len(body), hashlib.sha256(body).hexdigest()) == (each.size, each.sha256)


def test_a_run_told_again_much_later_is_not_told_twice(archive: Archive) -> None:
    run = write_run(archive, SITE, a_run(0), [found("budget", "The budget.", a_run(0), START)])
    first = record_run(archive, SITE.id, run, published=None, now=NOW, message="too few pages")
    again = record_run(archive, SITE.id, run, published=None, now=NOW + timedelta(days=90), message="too few pages")
    assert again == first
    assert (first.kind, first.reason) == ("rejected", "too few pages")


def test_nothing_is_told_behind_a_hole(archive: Archive) -> None:
    for token in ("one", "two", "three"):
        append(archive, SITE.id, token, an_entry, since=START)
    archive.store.delete(archive.journal_key(SITE.id, 3))
    archive.store.create(archive.journal_key(SITE.id, 5), b"{}", content_type="application/json")
    with pytest.raises(ArchiveError, match="not an entry"):
        append(archive, SITE.id, "four", an_entry, since=START)
    archive.store.delete(archive.journal_key(SITE.id, 5))
    append(archive, SITE.id, "three", an_entry, since=START)
    archive.store.delete(archive.journal_key(SITE.id, 2))
    with pytest.raises(ArchiveError, match="is missing, and later entries"):
        append(archive, SITE.id, "four", an_entry, since=START)


def test_what_is_no_entry_is_passed_by_and_a_long_journal_is_listed_from_its_end(archive: Archive) -> None:
    for name in ("notes.json", "00000000.json", "00000001.json.bak", "1.json"):
        archive.store.create(f"journal/{SITE.id}/{name}", b"x", content_type="text/plain")
    assert head_number(archive, SITE.id) == 0
    for n in (1, 999, 1000, 3000, 3007):  # HEADs find 1000 and 3000, and the listing the rest
        archive.store.create(archive.journal_key(SITE.id, n), b"x", content_type="text/plain")
    assert head_number(archive, SITE.id) == 3007
    archive.store.delete(archive.journal_key(SITE.id, 1000))  # damaged: more is listed
    assert head_number(archive, SITE.id) == 3007


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12),
    hours=st.lists(st.integers(-20, 20), min_size=12, max_size=12),
    threads=st.integers(1, 4),
)
def test_each_token_is_told_once_whoever_tells_it_and_whatever_the_clocks_say(
    archive: Archive, tokens: list[str], hours: list[int], threads: int
) -> None:
    site = f"site-{uuid.uuid4().hex[:8]}"

    def tell(number: int) -> JournalEntry:
        at = START + timedelta(hours=hours[number])
        return append(
            archive, site, tokens[number], lambda: JournalEntry(site=site, at=at, kind="repaired"), since=START
        )

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(tell, range(len(tokens))))
    told = list(read_journal(archive, site))
    assert sorted(entry.token for entry, _ in told) == sorted(set(tokens))
    assert [entry.n for entry, _ in told] == list(range(1, len(told) + 1))
    assert [entry.previous for entry, _ in told] == ["", *(digest for _, digest in told[:-1])]
    standing = {entry.token: entry for entry, _ in told}
    assert all(answer == standing[answer.token] for answer in answers)
