from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from pipeline.archive import Archive
from pipeline.journal import append, read_journal, record_run
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
