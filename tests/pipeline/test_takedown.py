"""Takedowns on a real archive: what readers no longer find, what stays, what comes back, and what a kill leaves."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.evidence import read_record
from pipeline.journal import read_journal
from pipeline.lifecycle import current_version
from pipeline.model import State, TakedownOrder, Version, article_id
from pipeline.settings import Settings
from pipeline.steps import Workplace
from pipeline.store import DIGEST_NAME, Item, Stored, connect
from pipeline.table import dataset
from pipeline.takedown import (
    MARK,
    active,
    find_order,
    order_takedown,
    preview_takedown,
    reapply,
    reinstate,
    reinstate_due,
    withheld_urls,
)
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of

SECRET = "Ulrika Vandersloot"
BY, WHY = "the editor's lawyer", "case 4711"


BUILT: dict[str, Stored] = {}


@pytest.fixture
def work(settings: Settings) -> Workplace:
    """The built archive, in a bucket of its own; built once for this process, copied for each test."""
    if not BUILT:
        work = build_archive(settings)
        BUILT.update((entry.key, work.archive.store.get(entry.key)) for entry in work.archive.store.list(""))
        return work
    store = connect(settings)
    store.create_bucket()
    store.create_many(
        Item(key=key, body=each.body, content_type=each.content_type, metadata=each.metadata)
        for key, each in BUILT.items()
    )
    own = settings.model_copy(update={"processes": 1})
    return Workplace(settings=own, sites={SITE.id: SITE}, archive=Archive(store, store))


def take_all(archive: Archive) -> dict[str, bytes]:
    return {entry.key: archive.store.get(entry.key).body for entry in archive.store.list("")}


def unfold(body: bytes, depth: int = 0) -> Iterator[bytes]:
    """All that can be read out of an object: as it is, and decompressed by every means."""
    yield body
    if depth > 4:
        return
    if body[:2] == b"\x1f\x8b":
        rest, whole = body, []
        while rest[:2] == b"\x1f\x8b":
            machine = zlib.decompressobj(31)
            inner = machine.decompress(rest)
            whole.append(inner)
            rest = machine.unused_data
        for inner in whole:
            yield from unfold(inner, depth + 1)
    if body[:4] == b"\x28\xb5\x2f\xfd":
        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            yield from unfold(reader.read(), depth + 1)
    if body[:4] == b"PAR1":
        yield repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
    if body[:15] == b"SQLite format 3":
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            db = sqlite3.connect(file.name)
            yield "\n".join(db.iterdump()).encode()
            db.close()
    if body[:4] == b"WARC":
        block = body.partition(b"\r\n\r\n")[2].partition(b"\r\n\r\n")[2]
        yield from unfold(block, depth + 1) if block[:2] == b"\x1f\x8b" else ()


def says(body: bytes, words: Iterable[str]) -> list[str]:
    found = set()
    for text in unfold(body):
        lower = text.lower()
        for word in words:
            if any(form.encode().lower() in lower for form in (word, json.dumps(word)[1:-1])):
                found.add(word)
    return sorted(found)


def leaks(archive: Archive, words: Iterable[str]) -> dict[str, list[str]]:
    """Objects out of ``sealed/`` that have the words."""
    words = list(words)
    return {
        key: found
        for key, body in take_all(archive).items()
        if not key.startswith("sealed/") and (found := says(body, words))
    }


def order(work: Workplace, name: str, **more: Any) -> TakedownOrder:
    return order_takedown(
        work.archive, SITE.id, article_id(url_of(name)), **{"by": BY, "reason": WHY, "now": NOW, **more}
    )


def versions(archive: Archive, name: str) -> list[Version]:
    return archive.versions(SITE.id, article_id(url_of(name)))


WORDS = {name: [title, *body] for name, (title, body) in STORIES.items()}


def test_a_suspended_article_is_nowhere_to_be_read_and_all_others_are(work: Workplace) -> None:
    archive = work.archive
    before = {name: versions(archive, name) for name in STORIES}
    done = order(work, "bridge")
    assert done.state == "carried out"
    assert leaks(archive, WORDS["bridge"]) == {}
    for stub, version in zip(versions(archive, "bridge"), before["bridge"], strict=True):
        assert (stub.state, stub.title, stub.text, stub.parts, stub.stripped, stub.facts) == (
            State.REDACTED, "", "", (), (), {},
        )  # fmt: skip
        assert stub.note == f"withheld: takedown {done.takedown}"
        kept = ("n", "article", "url", "captured_at", "digest", "essence", "evidence", "run", "change", "words")
        assert [getattr(stub, name) for name in kept] == [getattr(version, name) for name in kept]
        capture = read_record(archive, version.evidence)
        assert (capture.payload, capture.status, capture.url) == (b"", version.evidence.status, version.final_url)
    for name in ("library", "market", "pool"):
        assert versions(archive, name) == before[name]
        for version in before[name]:
            capture = read_record(archive, version.evidence)
            if version.evidence.record_type == "response":
                digest = "sha256:" + hashlib.sha256(capture.payload).hexdigest()
                assert digest == version.evidence.payload_digest
    rows = {(row["article"], row["n"]): row for row in dataset(archive).to_table().to_pylist()}
    assert len(rows) == sum(len(found) for found in before.values())
    for version in versions(archive, "bridge"):
        row = rows[version.article, version.n]
        assert (row["state"], row["title"], row["text"], row["digest"]) == ("redacted", "", "", version.digest)


def test_feeds_that_named_the_article_are_blanked_and_those_that_did_not_are_not(work: Workplace) -> None:
    before = take_all(work.archive)
    order(work, "pool")
    after = take_all(work.archive)
    changed = {key for key in before if before[key] != after.get(key) and not key.startswith("tables/")}
    assert {key for key in changed if key.startswith("warc/")} == {
        *work.archive.segments(SITE.id, a_run(0)),
        *work.archive.segments(SITE.id, a_run(2)),
        *work.archive.segments(SITE.id, a_run(6)),
    }
    for key in changed:
        if key.startswith("warc/"):
            assert len(before[key]) == len(after[key])
            gzip.decompress(after[key])
    assert not any(key.startswith("journal/") for key in changed)


def test_an_object_s_recorded_digest_fits_it_and_the_journal_tells_of_each_change(work: Workplace) -> None:
    archive = work.archive
    before = take_all(archive)
    done = order(work, "bridge")
    after = {entry.key: archive.store.get(entry.key) for entry in archive.store.list("")}
    for key, stored in after.items():
        if not key.startswith("tables/"):
            assert stored.metadata[DIGEST_NAME] == hashlib.sha256(stored.body).hexdigest(), key
    told = [entry for entry, _ in read_journal(archive, SITE.id) if entry.takedown == done.takedown]
    assert [(entry.kind, entry.by, entry.reason) for entry in told] == [("suspended", BY, WHY)]
    replaced = {each.key: each for each in told[0].replaced}
    once = ("articles/", "runs/", "warc/", "indexes/")
    assert set(replaced) == {key for key in before if key.startswith(once) and before[key] != after[key].body}
    for key, each in replaced.items():
        assert each.before == hashlib.sha256(before[key]).hexdigest()
        assert each.after == hashlib.sha256(after[key].body).hexdigest()
        assert each.sealed in after
        if not key.startswith("warc/"):
            assert after[each.sealed or ""].body == before[key]


def test_reinstating_puts_back_every_byte(work: Workplace) -> None:
    archive = work.archive
    before = take_all(archive)
    rows = dataset(archive).to_table().sort_by([("article", "ascending"), ("n", "ascending")]).to_pylist()
    done = order(work, "bridge")
    ended = reinstate(archive, done, by="the court", reason="dismissed", now=NOW + HOUR)
    assert (ended.state, ended.ended_by) == ("reinstated", "the court")
    after = take_all(archive)
    mutable = ("tables/", "sites/")
    assert {key: body for key, body in after.items() if key in before and not key.startswith(mutable)} == {
        key: body for key, body in before.items() if not key.startswith(mutable)
    }
    assert archive.store.head(archive.version_key(SITE.id, done.article, 1)) is not None
    again = dataset(archive).to_table().sort_by([("article", "ascending"), ("n", "ascending")]).to_pylist()
    assert again == rows
    kinds = [entry.kind for entry, _ in read_journal(archive, SITE.id) if entry.takedown]
    assert kinds == ["suspended", "reinstated"]
    assert active(archive, SITE.id) == ()


def test_a_span_is_blacked_out_of_every_version_however_it_is_spelled(work: Workplace) -> None:
    archive = work.archive
    span = "Engineers  found rust in four of the HANGERS"
    before = versions(archive, "bridge")
    done = order(work, "bridge", spans=[span])
    assert done.spans
    assert leaks(archive, ["rust in four", span]) == {}
    for redacted, version in zip(versions(archive, "bridge"), before, strict=True):
        assert redacted.text == version.text.replace("Engineers found rust in four of the hangers", MARK)
        assert "\n".join(part.text for part in redacted.parts) == redacted.text
        assert (redacted.title, redacted.digest, redacted.state) == (version.title, version.digest, version.state)
        assert redacted.note == f"redacted: takedown {done.takedown}"
    ended = reinstate(archive, done, by=BY, reason=WHY, now=NOW)
    assert ended.state == "reinstated"
    assert versions(archive, "bridge") == before


@pytest.mark.slow
@pytest.mark.parametrize("first_ends_first", [True, False])
def test_takedowns_of_one_article_stack_and_end_in_any_order(work: Workplace, first_ends_first: bool) -> None:
    archive = work.archive
    before = take_all(archive)
    span = "Buses will go round by the ring road"
    redaction = order(work, "bridge", spans=[span])
    redacted = take_all(archive)
    suspension = order(work, "bridge", now=NOW + HOUR)
    assert leaks(archive, WORDS["bridge"]) == {}
    first, second = (redaction, suspension) if first_ends_first else (suspension, redaction)
    reinstate(archive, first, by=BY, reason=WHY, now=NOW + 2 * HOUR)
    mutable = ("tables/", "sites/", "sealed/", "takedowns/", "journal/")
    if first_ends_first:
        assert leaks(archive, WORDS["bridge"]) == {}
        assert versions(archive, "bridge")[0].note == f"withheld: takedown {suspension.takedown}"
    else:
        assert leaks(archive, [span]) == {}
        after = take_all(archive)
        assert {key for key in after if not key.startswith(mutable) and after[key] != redacted[key]} == set()
    reinstate(archive, second, by=BY, reason=WHY, now=NOW + 3 * HOUR)
    after = take_all(archive)
    assert {key for key in before if not key.startswith(mutable) and after[key] != before[key]} == set()


@pytest.mark.slow
def test_orders_on_two_articles_do_not_give_each_other_back(work: Workplace) -> None:
    archive = work.archive
    before = take_all(archive)
    bridge, pool = order(work, "bridge"), order(work, "pool", now=NOW + HOUR)
    reinstate(archive, bridge, by=BY, reason=WHY, now=NOW + 2 * HOUR)
    assert leaks(archive, WORDS["pool"]) == {}
    assert versions(archive, "bridge")[0].title == STORIES["bridge"][0]
    reinstate(archive, pool, by=BY, reason=WHY, now=NOW + 3 * HOUR)
    after = take_all(archive)
    kept = ("articles/", "warc/", "runs/", "indexes/")
    assert {key for key in before if key.startswith(kept) and after[key] != before[key]} == set()


def test_what_is_destroyed_is_kept_nowhere(work: Workplace) -> None:
    archive = work.archive
    done = order(work, "bridge", destroy=True)
    assert done.state == "destroyed"
    everywhere = {key: found for key, body in take_all(archive).items() if (found := says(body, WORDS["bridge"]))}
    assert everywhere == {}
    assert versions(archive, "bridge")[0].note == f"destroyed: takedown {done.takedown}"
    [told] = [entry for entry, _ in read_journal(archive, SITE.id) if entry.takedown]
    assert (told.kind, {each.sealed for each in told.replaced}) == ("destroyed", {None})
    with pytest.raises(ArchiveError, match="destroyed"):
        reinstate(archive, done, by=BY, reason=WHY, now=NOW)


@pytest.mark.slow
def test_destroying_removes_what_earlier_orders_have_sealed(work: Workplace) -> None:
    archive = work.archive
    span = "Buses will go round by the ring road"
    ended = reinstate(archive, order(work, "bridge"), by=BY, reason=WHY, now=NOW)
    redaction = order(work, "bridge", spans=[span], now=NOW + HOUR)
    other = order(work, "pool", now=NOW + 2 * HOUR)
    order(work, "bridge", destroy=True, now=NOW + 3 * HOUR)
    everywhere = {key: found for key, body in take_all(archive).items() if (found := says(body, WORDS["bridge"]))}
    assert everywhere == {}
    for each in (ended, redaction):
        assert find_order(archive, each.takedown).state == "destroyed"
    reinstate(archive, other, by=BY, reason=WHY, now=NOW + 4 * HOUR)
    assert versions(archive, "pool")[0].title == STORIES["pool"][0]
    everywhere = {key: found for key, body in take_all(archive).items() if (found := says(body, WORDS["bridge"]))}
    assert everywhere == {}


@pytest.mark.slow
def test_a_destroyed_span_goes_out_of_the_seal_of_a_suspension_that_goes_on(work: Workplace) -> None:
    archive = work.archive
    span = "Buses will go round by the ring road"
    suspension = order(work, "bridge")
    order(work, "bridge", spans=[span], destroy=True, now=NOW + HOUR)
    assert {key: found for key, body in take_all(archive).items() if (found := says(body, [span]))} == {}
    reinstate(archive, suspension, by=BY, reason=WHY, now=NOW + 2 * HOUR)
    assert {key: found for key, body in take_all(archive).items() if (found := says(body, [span]))} == {}
    found = versions(archive, "bridge")[0]
    assert found.title == STORIES["bridge"][0]
    assert MARK in found.text


def test_the_same_order_again_does_nothing(work: Workplace) -> None:
    done = order(work, "bridge")
    before = take_all(work.archive)
    assert order(work, "bridge", now=NOW + HOUR) == done
    assert take_all(work.archive) == before


def test_a_dry_run_writes_nothing_and_names_what_an_order_touches(work: Workplace) -> None:
    archive = work.archive
    before = take_all(archive)
    steps = preview_takedown(archive, SITE.id, article_id(url_of("bridge")), now=NOW)
    assert take_all(archive) == before
    done = order(work, "bridge")
    [told] = [entry for entry, _ in read_journal(archive, SITE.id) if entry.takedown == done.takedown]
    assert sorted(step.key for step in steps) == sorted(each.key for each in told.replaced)


def test_a_suspension_ends_on_its_day_and_not_before(work: Workplace) -> None:
    archive = work.archive
    order(work, "bridge", until=NOW + 24 * HOUR)
    assert reinstate_due(archive, NOW + 23 * HOUR) == []
    [ended] = reinstate_due(archive, NOW + 25 * HOUR)
    assert ended.state == "reinstated"
    assert versions(archive, "bridge")[0].title == STORIES["bridge"][0]
    assert reinstate_due(archive, NOW + 26 * HOUR) == []


def test_an_order_that_says_in_the_open_what_it_withholds_is_refused(work: Workplace) -> None:
    before = take_all(work.archive)
    for more in (
        {"spans": ["Odile Marchbanks"], "reason": "wants Odile  Marchbanks out"},
        {"reason": "about “library opens on Sundays”"},
        {"by": " "},
        {"until": NOW},
        {"until": NOW + HOUR, "destroy": True},
        {"spans": [" "]},
    ):
        with pytest.raises(ArchiveError):
            order(work, "library", **more)
    with pytest.raises(NotInArchive):
        order(work, "nowhere")
    assert take_all(work.archive) == before


@pytest.mark.slow
def test_what_comes_in_later_of_a_withheld_article_is_cleaned(work: Workplace) -> None:
    archive = work.archive
    done = order(work, "bridge")
    assert {url_of("bridge")} <= withheld_urls(archive, SITE.id)
    longer = (*STORIES["bridge"][1], "A new paragraph on the bridge that was written after the order was given.")
    again = {"bridge": page("bridge", paragraphs=longer)}
    publish_pages(work, SITE, a_run(8), START + 8 * HOUR, again)
    assert leaks(archive, [*WORDS["bridge"], "A new paragraph on the bridge"]) == {}
    assert reapply(archive, SITE.id, a_run(8), now=NOW + 2 * HOUR) == []
    assert len(versions(archive, "bridge")) == 2
    reinstate(archive, done, by=BY, reason=WHY, now=NOW + 3 * HOUR)
    publish_pages(work, SITE, a_run(9), START + 9 * HOUR, again)
    current = current_version(versions(archive, "bridge"))
    assert current is not None
    assert "A new paragraph on the bridge" in current.text


@pytest.mark.slow
@pytest.mark.parametrize("first", ["suspended", "redacted", "destroyed"])
def test_an_audit_is_clean_after_each_takedown_and_after_its_end(work: Workplace, first: str) -> None:
    archive = work.archive
    more: dict[str, Any] = {
        "suspended": {},
        "redacted": {"spans": ["Buses will go round by the ring road"]},
        "destroyed": {"destroy": True},
    }[first]
    done = order(work, "bridge", **more)
    assert audit_archive(archive, patience=0).discrepancies == []
    if first != "destroyed":
        reinstate(archive, done, by=BY, reason=WHY, now=NOW)
        assert audit_archive(archive, patience=0).discrepancies == []
    order(work, "bridge", destroy=True, now=NOW + HOUR)
    assert audit_archive(archive, patience=0).discrepancies == []
