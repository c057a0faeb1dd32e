"""Takedowns in the life of a site: ordered between any two steps of a run, and runs that come later.

Each test ends with a look at every object of the bucket, and with an audit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.errors import RunRejected, StoreRefused
from pipeline.frontier import Frontier
from pipeline.journal import read_journal
from pipeline.model import Published, Version, article_id
from pipeline.publish import LateRows, publish_run
from pipeline.settings import Settings
from pipeline.steps import Workplace, check, extract, publish, run_import
from pipeline.store import Item, Store, Stored, connect
from pipeline.table import dataset
from pipeline.takedown import MARK, Sieve, care_for_takedowns, order_takedown, withheld_urls
from spiders.protocol import TAKEN_DOWN
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of
from tests.pipeline.crashes import Reader
from tests.pipeline.foreign_files import put, write_pages
from tests.pipeline.roles import AsRole
from tests.pipeline.test_publish import Killed, MortalStore
from tests.pipeline.test_takedown import BY, WHY, WORDS, leaks, says, take_all

SPAN = "Engineers found rust in four of the hangers"
NEWS = "Divers will look at the piers of it before the summer, and whoever sails there has to wait."
BRIDGE = article_id(url_of("bridge"))
EDITED = page("bridge", paragraphs=(*STORIES["bridge"][1], NEWS))
RUN = a_run(2)

KINDS: Mapping[str, Mapping[str, Any]] = {"suspend": {}, "redact": {"spans": [SPAN]}, "destroy": {"destroy": True}}
SECRETS = {"suspend": [*WORDS["bridge"], NEWS], "redact": [SPAN], "destroy": [*WORDS["bridge"], NEWS]}

BUILT: dict[str, Stored] = {}


@pytest.fixture
def work(settings: Settings) -> Workplace:
    """One published run of four articles; built once for this process."""
    if not BUILT:
        made = build_archive(settings, runs=1)
        BUILT.update((entry.key, made.archive.store.get(entry.key)) for entry in made.archive.store.list(""))
        return made
    store = connect(settings)
    store.create_bucket()
    store.create_many(
        Item(key=key, body=each.body, content_type=each.content_type, metadata=each.metadata)
        for key, each in BUILT.items()
    )
    own = settings.model_copy(update={"processes": 1})
    return Workplace(settings=own, sites={SITE.id: SITE}, archive=Archive(store, store))


def take_down(work: Workplace, kind: str) -> None:
    order_takedown(work.archive, SITE.id, BRIDGE, by=BY, reason=WHY, now=NOW, **KINDS[kind])


def crawl(work: Workplace, pages: Mapping[str, bytes | int] | None = None) -> None:
    crawl_pages(work, SITE, RUN, START + 2 * HOUR, pages or {"bridge": EDITED, "library": page("library")})


def versions(work: Workplace, name: str = "bridge") -> list[Version]:
    return work.archive.versions(SITE.id, article_id(url_of(name)))


def check_clean(work: Workplace, kind: str) -> None:
    """Nothing gives the words back, and all that is told is true."""
    archive, words = work.archive, SECRETS[kind]
    if kind == "destroy":
        assert {key: told for key, body in take_all(archive).items() if (told := says(body, words))} == {}
    assert leaks(archive, words) == {}
    assert audit_archive(archive, patience=0).discrepancies == []
    rows = {(row["article"], row["n"]): row for row in dataset(archive).to_table().to_pylist()}
    for version in versions(work):
        assert (rows[BRIDGE, version.n]["text"], rows[BRIDGE, version.n]["state"]) == (version.text, version.state)


def go_on(work: Workplace, hours: float, body: bytes | int) -> None:
    """A later run in which the page was captured all the same."""
    publish_pages(work, SITE, a_run(hours), START + hours * HOUR, {"bridge": body}, extractor=Reader())


MOMENTS = ["before", "crawled", "extracted", "checked", "published"]
QUICK = {("suspend", "crawled")}


@pytest.mark.parametrize(
    ("kind", "moment"),
    [
        pytest.param(kind, moment, marks=() if (kind, moment) in QUICK else pytest.mark.slow)
        for kind in KINDS
        for moment in MOMENTS
    ],
)
def test_a_run_under_way_does_not_bring_back_what_is_taken_down_meanwhile(
    work: Workplace, kind: str, moment: str
) -> None:
    steps: dict[str, Callable[[], object]] = {
        "before": lambda: None,
        "crawled": lambda: crawl(work),
        "extracted": lambda: extract(work, SITE.id, RUN, 0, extractor=Reader()),
        "checked": lambda: check(work, SITE.id, RUN),
        "published": lambda: publish(work, SITE.id, RUN),
    }
    for name, step in steps.items():
        step()
        if name == moment:
            take_down(work, kind)
    check_clean(work, kind)
    assert versions(work, "library")[0].title == STORIES["library"][0]
    if (kind, moment) in QUICK:
        return
    for hours, body in ((4.0, EDITED), (5.0, 404), (6.0, page("bridge", paragraphs=(NEWS, *STORIES["bridge"][1])))):
        go_on(work, hours, body)
        check_clean(work, kind)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seed"),
    [("suspend", 0), *((kind, seed) for kind in KINDS for seed in range(1, 9))],
)
def test_a_publisher_that_was_killed_before_a_takedown_goes_on_after_it(work: Workplace, kind: str, seed: int) -> None:
    crawl(
        work,
        {"bridge": EDITED, "library": 304, "weir": page("weir", title="Weir is painted", paragraphs=(NEWS[::-1],) * 3)},
    )
    extract(work, SITE.id, RUN, 0, extractor=Reader())
    check(work, SITE.id, RUN)
    mortal = MortalStore.like(work.archive.store)
    chance = random.Random(f"{kind} {seed}")
    mortal.die_at, mortal.after = chance.randrange(14, 40), chance.random() < 0.5
    with suppress(Killed):
        publish_run(Archive(mortal, mortal), SITE, RUN, now=NOW)
    take_down(work, kind)
    assert leaks(work.archive, SECRETS[kind]) == {}
    told = publish(work, SITE.id, RUN)
    assert isinstance(told, Published)
    check_clean(work, kind)


LATE = ["settling", "committing", "committed"]
QUICK_LATE = {("suspend", "settling")}


@pytest.mark.parametrize(
    ("kind", "moment"),
    [
        pytest.param(kind, moment, marks=() if (kind, moment) in QUICK_LATE else pytest.mark.slow)
        for kind in KINDS
        for moment in LATE
    ],
)
def test_a_takedown_in_the_middle_of_publishing_leaves_nothing_in_versions_and_rows(
    work: Workplace, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, kind: str, moment: str
) -> None:
    """The publisher has a writer's rights and read its findings before; it does not clean records, and care does."""
    crawl(work)
    extract(work, SITE.id, RUN, 0, extractor=Reader())
    check(work, SITE.id, RUN)

    class Interrupted(Archive):
        def put_version(self, version: Version) -> Version:
            if moment == "settling" and version.article == BRIDGE:
                take_down(work, kind)
            return super().put_version(version)

    commit = LateRows.commit

    def commit_late(rows: LateRows, site: str, run: str, *, now: datetime) -> int:
        if moment == "committing":
            take_down(work, kind)
        count = commit(rows, site, run, now=now)
        if moment == "committed":
            take_down(work, kind)
        return count

    monkeypatch.setattr(LateRows, "commit", commit_late)
    seen = as_role("writer")
    told = publish_run(Interrupted(seen, seen), SITE, RUN, now=NOW)
    assert told.table_rows == 1
    assert len(versions(work)) == 2
    rows = {(row["article"], row["n"]): row for row in dataset(work.archive).to_table().to_pylist()}
    for version in versions(work):
        assert says(version.to_json(), SECRETS[kind]) == []
        row = rows[BRIDGE, version.n]
        assert (row["text"], row["state"], row["note"]) == (version.text, version.state, version.note)
    # Ordered while the rows were on their way: the file that had them is no part of the table any more, and a writer
    # may not remove it.
    left = set(leaks(work.archive, SECRETS[kind]))
    assert all(key.startswith("tables/") for key in left)
    assert not left or moment == "committing"
    care_for_takedowns(work.archive, now=work.settings.now() + 2 * HOUR)
    check_clean(work, kind)


def test_a_rejected_run_is_cleaned_before_it_is_told(work: Workplace) -> None:
    take_down(work, "suspend")
    rejecting = SITE.model_copy(update={"check": SITE.check.model_copy(update={"min_captures": 50})})
    own = Workplace(settings=work.settings, sites={SITE.id: rejecting}, archive=work.archive)
    crawl(own)
    extract(own, SITE.id, RUN, 0, extractor=Reader())
    with pytest.raises(RunRejected):
        check(own, SITE.id, RUN)
    check_clean(own, "suspend")
    kinds = [entry.kind for entry, _ in read_journal(own.archive, SITE.id)]
    assert kinds[-2:] == ["suspended", "rejected"]


@pytest.mark.parametrize("kind", ["suspend", pytest.param("redact", marks=pytest.mark.slow)])
def test_the_same_text_under_a_new_address_comes_in_no_other_way(work: Workplace, kind: str) -> None:
    take_down(work, kind)
    moved = page("bridge").replace(url_of("bridge").encode(), url_of("bridge-moved").encode())
    crawl(work, {"bridge-moved": moved, "library": 304})
    extract(work, SITE.id, RUN, 0, extractor=Reader())
    [finding, _] = work.archive.read_findings(SITE.id, RUN)
    assert finding.requested == url_of("bridge-moved")
    assert says(finding.to_json(), SECRETS[kind]) == []
    if kind == "suspend":
        assert (finding.kind, finding.reason, finding.article, finding.etag) == ("excluded", TAKEN_DOWN, None, None)
    else:
        assert finding.article is not None
        assert MARK in finding.article.text
        assert finding.article.digest == versions(work)[0].digest, "no run takes it for an edit"


def test_other_articles_come_in_as_they_are(work: Workplace) -> None:
    take_down(work, "suspend")
    take_down(work, "redact")
    sieve = Sieve.read(work.archive, SITE.id)
    for finding in work.archive.read_findings(SITE.id, a_run(0)):
        assert (sieve.clean(finding) is finding) is (finding.requested != url_of("bridge"))
    assert not Sieve.read(work.archive, "another-site")


def test_whoever_may_not_read_what_is_sealed_keeps_it_out_as_well(
    work: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl(work)
    for kind in ("redact", "suspend"):
        take_down(work, kind)
    get, listed = Store.get, Store.list

    def refuse(store: Store, key: str, **more: Any) -> Any:
        if key.startswith("sealed/"):
            raise StoreRefused("the key may not do that", next_step="-")
        return (listed if more else get)(store, key, **more)

    monkeypatch.setattr(Store, "get", refuse)
    monkeypatch.setattr(Store, "list", lambda store, key, start_after=None: refuse(store, key, start_after=start_after))
    assert url_of("bridge") in withheld_urls(work.archive, SITE.id)
    extract(work, SITE.id, RUN, 0, extractor=Reader())
    check(work, SITE.id, RUN)
    published = publish(work, SITE.id, RUN)
    assert published.outcomes["excluded"] == 1
    monkeypatch.undo()
    assert set(leaks(work.archive, SECRETS["suspend"])) <= {work.archive.segment_key(SITE.id, RUN, 0)}


@pytest.mark.parametrize(
    "kind", ["suspend", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "suspend")]
)
def test_an_import_of_files_that_have_the_page_brings_nothing_back(work: Workplace, tmp_path: Path, kind: str) -> None:
    take_down(work, kind)
    pages = {"bridge": page("bridge"), "weir": page("weir", title="Weir is painted", paragraphs=(NEWS[::-1],) * 3)}
    files = [
        put(tmp_path, "old.warc.gz", write_pages(START - 48 * HOUR, pages)),
        put(tmp_path, "edited.warc.gz", write_pages(START + HOUR, {"bridge": EDITED})),
    ]
    for _ in range(2):
        run_import(work, files)
        check_clean(work, kind)
    assert versions(work, "weir")[0].title == "Weir is painted"


@pytest.mark.parametrize("kind", ["suspend", pytest.param("redact", marks=pytest.mark.slow)])
def test_a_frontier_that_is_made_anew_knows_the_page_and_has_nothing_of_it(work: Workplace, kind: str) -> None:
    take_down(work, kind)
    with Frontier.open(work.archive, SITE) as frontier:
        left = frontier.rows()
        frontier.replace_by_rebuilt()
        rebuilt = frontier.rows()
    assert {name: rows for name, rows in rebuilt.items() if name != "urls"} == {
        name: rows for name, rows in left.items() if name != "urls"
    }
    # Of what is withheld nothing is remembered that would let a later answer "not modified" stand for its text.
    different = {row[0] for row in {*left["urls"]} ^ {*rebuilt["urls"]}}
    assert different <= {url_of("bridge")}
    assert {row[0] for row in left["urls"]} == {row[0] for row in rebuilt["urls"]}
    assert leaks(work.archive, SECRETS[kind]) == {}
    if kind != "suspend":
        return
    work.archive.store.delete(work.archive.frontier_key(SITE.id))
    go_on(work, 4.0, EDITED)
    check_clean(work, kind)
