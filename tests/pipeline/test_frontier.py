from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import zstandard

from pipeline import frontier as frontier_module
from pipeline.archive import Archive
from pipeline.errors import WriteConflict
from pipeline.frontier import Frontier, note_sighting, note_silence
from pipeline.lifecycle import Standing
from pipeline.model import Finding, State, article_id
from pipeline.publish import publish_run
from pipeline.recheck import Track
from spiders.protocol import Orders
from spiders.site import Source
from tests.pipeline.built_runs import (
    HOUR,
    NOW,
    START,
    a_run,
    a_site,
    found,
    missing,
    unchanged,
    unusable,
    url_of,
    write_run,
)

SITE = a_site(gone_after_checks=2, gone_after=timedelta(hours=1))


def standing_for(finding: Finding, n: int = 1) -> Standing:
    assert finding.article is not None
    return Standing(
        article=finding.article.article,
        n=n,
        digest=finding.article.digest,
        state=State.LIVE,
        captured_at=finding.evidence.captured_at,
        run=a_run(0),
        url=finding.article.url,
        title=finding.article.title,
        essence=finding.article.essence,
    )


def save(frontier: Frontier, run: str, *findings: Finding, standings: Any = ()) -> None:
    frontier.save(run, [note_sighting(finding) for finding in findings], standings)


def known(frontier: Frontier, hours: float = 0) -> dict[str, Any]:
    return {each.url: each for each in frontier.known(START + hours * HOUR, SITE)}


def test_a_site_without_runs_has_an_empty_frontier_and_nothing_is_written(archive: Archive):
    with Frontier.open(archive, SITE) as frontier:
        assert list(frontier.known(NOW, SITE)) == []
        assert frontier.standing(article_id(url_of("a"))) is None
    assert archive.store.head(archive.frontier_key(SITE.id)) is None


def test_what_was_captured_is_known_with_the_validators_of_its_body(archive: Archive):
    run = a_run(0)
    finding = found("a", "One.", run, START, source_lastmod="2026-11-22")
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, run, finding, standings=[standing_for(finding)])
    with Frontier.open(archive, SITE) as frontier:
        each = known(frontier)[url_of("a")]
        assert (each.etag, each.lastmod) == (finding.etag, "2026-11-22")
        assert each.captured_at == "2026-11-22T09:00:00Z"
        assert each.record_id == finding.evidence.record_id
        assert each.payload_digest == finding.evidence.payload_digest
        assert not each.due
        assert known(frontier, hours=1)[url_of("a")].due
        assert frontier.article_at(url_of("a")) == article_id(url_of("a"))


def test_not_modified_keeps_the_validators_and_counts_as_a_look(archive: Archive):
    first = found("a", "One.", a_run(0), START)
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), first, standings=[standing_for(first)])
        save(frontier, a_run(1), unchanged("a", a_run(1), START + HOUR))
        each = known(frontier, hours=1.5)[url_of("a")]
        assert (each.etag, each.record_id, each.due) == (first.etag, first.evidence.record_id, False)


def test_an_error_or_a_wall_leaves_validators_and_date_alone(archive: Archive):
    first = found("a", "One.", a_run(0), START, source_lastmod="2026-11-22")
    wall = unusable("a", a_run(1), START + HOUR, status=200).model_copy(
        update={"etag": '"wall"', "source_lastmod": "2026-11-23"}
    )
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), first, standings=[standing_for(first)])
        save(frontier, a_run(1), wall)
        each = known(frontier)[url_of("a")]
        assert (each.etag, each.lastmod) == (first.etag, "2026-11-22")


def test_no_validators_are_given_for_a_body_that_is_not_the_current_version(archive: Archive):
    older, newer = found("a", "One.", a_run(0), START), found("a", "Two.", a_run(1), START + HOUR)
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), older, standings=[standing_for(older)])
        assert known(frontier)[url_of("a")].etag == older.etag
        # another publisher made version 2 of a text that this run's newest capture does not have
        save(frontier, a_run(1), standings=[standing_for(newer, n=2)])
        assert known(frontier)[url_of("a")].etag is None
        page = unusable("a", a_run(2), START + 2 * HOUR, "not-an-article", 200).model_copy(update={"etag": '"soft"'})
        save(frontier, a_run(2), page)
        assert known(frontier)[url_of("a")].etag is None


def test_no_validators_are_given_for_an_article_that_went(archive: Archive):
    first = found("a", "One.", a_run(0), START)
    gone = Standing(**{**standing_for(first).__dict__, "n": 2, "state": State.GONE, "captured_at": START + HOUR})
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), first, standings=[standing_for(first)])
        save(frontier, a_run(1), missing("a", a_run(1), START + HOUR), standings=[gone])
        each = known(frontier)[url_of("a")]
        assert (each.etag, each.payload_digest, each.record_id) == (None, None, None)


def test_missing_pages_are_counted_until_the_article_is_seen_again(archive: Archive):
    first, article = found("a", "One.", a_run(0), START), article_id(url_of("a"))
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), first, standings=[standing_for(first)])
        for hours in (1, 2):
            save(frontier, a_run(hours), missing("a", a_run(hours), START + hours * HOUR))
        assert [(each.run, each.status) for each in frontier.missing(article)] == [(a_run(1), 404), (a_run(2), 404)]
        save(frontier, a_run(3), unusable("a", a_run(3), START + 3 * HOUR))
        assert [each.kind for each in frontier.missing(article)] == ["gone", "gone", "blocked"]
        save(frontier, a_run(4), unchanged("a", a_run(4), START + 4 * HOUR))
        assert frontier.missing(article) == []
        save(frontier, "20261122T093000Z-00000000", missing("a", "20261122T093000Z-00000000", START + HOUR / 2))
        assert frontier.missing(article) == []


def test_an_alias_that_is_missing_does_not_hide_that_the_article_lives(archive: Archive):
    at = found("a", "One.", a_run(0), START)
    alias = found("a", "One.", a_run(0), START, requested=url_of("alias"))
    article = article_id(url_of("a"))
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), at, alias, standings=[standing_for(at)])
        assert frontier.live_elsewhere(article, url_of("alias"))
        save(frontier, a_run(1), missing("a", a_run(1), START + HOUR), missing("alias", a_run(1), START + HOUR))
        assert not frontier.live_elsewhere(article, url_of("alias"))
        assert frontier.article_of(missing("alias", a_run(2), START)) == article


def test_a_run_applied_twice_changes_nothing(archive: Archive):
    finding = found("a", "One.", a_run(0), START)
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), finding, standings=[standing_for(finding)])
        rows, stored = frontier.rows(), archive.store.get(archive.frontier_key(SITE.id))
        save(frontier, a_run(0), finding, standings=[standing_for(finding)])
        assert frontier.rows() == rows
    assert archive.store.get(archive.frontier_key(SITE.id)).etag == stored.etag


def test_in_whatever_order_runs_are_applied_the_rows_are_the_same(archive: Archive):
    runs = []
    for hours in range(6):
        run, at = a_run(hours), START + hours * HOUR
        one = found("a", f"Text {hours // 2}.", run, at, source_lastmod=f"2026-11-{hours:02}")
        findings = [one, unusable("b", run, at) if hours in (1, 3) else found("b", "Same.", run, at)]
        if hours == 1:
            findings.append(missing("c", run, at))
        elif hours == 2:
            findings.append(found("c", "There.", run, at))
        runs.append((run, findings, [standing_for(each, hours + 1) for each in findings if each.article]))
    packed = set()
    for seed in range(8):
        site = a_site(f"site-{seed}")
        random.Random(seed).shuffle(runs)
        with Frontier.open(archive, site) as frontier:
            for run, findings, standings in runs:
                save(frontier, run, *findings, standings=standings)
            rows = frontier.rows()
            rows.pop("meta")
            packed.add(repr(rows))
    assert len(packed) == 1


def test_equal_content_is_equal_bytes(archive: Archive):
    findings = [found(f"n{number}", "One.", a_run(0), START) for number in range(300)]
    bodies = []
    for order in (findings, findings[::-1]):
        with Frontier.open(archive, SITE) as frontier:
            save(frontier, a_run(0), *order, standings=[standing_for(each) for each in order])
            save(frontier, a_run(1), unchanged("n7", a_run(1), START + HOUR))
        bodies.append(archive.store.get(archive.frontier_key(SITE.id)).body)
        archive.store.delete(archive.frontier_key(SITE.id))
    assert bodies[0] == bodies[1]


def test_who_is_slower_applies_its_run_on_top_of_the_others(archive: Archive):
    one, two = found("a", "One.", a_run(0), START), found("b", "Two.", a_run(1), START)
    with Frontier.open(archive, SITE) as slow, Frontier.open(archive, SITE) as fast:
        save(fast, a_run(0), one, standings=[standing_for(one)])
        save(slow, a_run(1), two, standings=[standing_for(two)])
    with Frontier.open(archive, SITE) as frontier:
        assert set(known(frontier)) == {url_of("a"), url_of("b")}
        assert frontier.has_applied(a_run(0))
        assert frontier.has_applied(a_run(1))


def test_who_is_always_slower_gives_up_with_a_conflict(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frontier_module, "_TRIES", 3)
    with Frontier.open(archive, SITE) as frontier:
        pack = frontier._pack

        def be_overtaken() -> bytes:
            with Frontier.open(archive, SITE) as other:
                save(other, a_run(len(list(other.rows()["runs_applied"])) + 10))
            return pack()

        monkeypatch.setattr(frontier, "_pack", be_overtaken)
        with pytest.raises(WriteConflict, match="3 times in a row"):
            save(frontier, a_run(0))


def story(archive: Archive) -> None:
    """Runs with everything in them, published."""
    for hours, findings in enumerate(
        [
            lambda run, at: [found(name, f"One of {name}.", run, at) for name in "abcd"],
            lambda run, at: [found("a", "Two.", run, at), missing("b", run, at), missing("c", run, at)],
            lambda run, at: [unchanged("a", run, at), missing("b", run, at), found("e", "One.", run, at)],
            lambda run, at: [found("b", "One of b.", run, at), unusable("d", run, at), missing("never", run, at)],
        ]
    ):
        run = a_run(hours)
        publish_run(archive, SITE, write_run(archive, SITE, run, findings(run, START + hours * HOUR)), now=NOW)
    unpublished = a_run(9)
    write_run(archive, SITE, unpublished, [found("f", "One.", unpublished, NOW)])


def damage_nothing(archive: Archive) -> None:
    archive.store.delete(archive.frontier_key(SITE.id))


def overwrite(archive: Archive, body: bytes) -> None:
    key = archive.frontier_key(SITE.id)
    archive.store.replace(key, body, etag=archive.store.get(key).etag, content_type="application/zstd")


def of_another_form(archive: Archive) -> bytes:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE meta (key, value)")
    db.execute("INSERT INTO meta VALUES ('schema', '99')")
    db.commit()
    return zstandard.compress(db.serialize())


def flipped(archive: Archive) -> bytes:
    body = bytearray(archive.store.get(archive.frontier_key(SITE.id)).body)
    body[len(body) // 2] ^= 4
    return bytes(body)


@pytest.mark.parametrize(
    "damage",
    [
        damage_nothing,
        lambda archive: overwrite(archive, b""),
        lambda archive: overwrite(archive, b"no frontier at all"),
        lambda archive: overwrite(archive, zstandard.compress(b"no database")),
        lambda archive: overwrite(archive, of_another_form(archive)),
        lambda archive: overwrite(archive, flipped(archive)),
        lambda archive: overwrite(archive, archive.store.get(archive.frontier_key(SITE.id)).body[:-200]),
    ],
    ids=["removed", "empty", "text", "no database", "another form", "a bit flipped", "cut off"],
)
def test_a_missing_or_damaged_frontier_is_made_anew_from_versions_and_runs(archive: Archive, damage: Any):
    story(archive)
    with Frontier.open(archive, SITE) as frontier:
        before = frontier.rows()
    damage(archive)
    with Frontier.open(archive, SITE) as frontier:
        for table, rows in frontier.rows().items():
            assert rows == before[table], table
        save(frontier, a_run(20))
    with Frontier.open(archive, SITE) as frontier:
        assert frontier.has_applied(a_run(20))


def test_evidence_that_findings_gave_only_together_outlives_the_frontier(archive: Archive):
    names, others = [f"n{number}" for number in range(4)], [f"o{number}" for number in range(20)]
    walled = [f"w{number}" for number in range(4)]

    def redirected(name: str, run: str, at: Any, to: str = "all", text: str = "One of all.") -> Finding:
        return found(to, text, run, at, requested=url_of(name), hops=((301, url_of(to)),))

    for hours in range(3):
        run, at = a_run(hours), START + hours * HOUR
        findings = [found(name, f"One of {name}.", run, at) for name in [*others, "all"]]
        if hours == 0:
            findings += [found(name, f"One of {name}.", run, at) for name in [*names, *walled, "mover"]]
        else:  # "not found" in the form of a redirect, and a consent wall that answers 200
            findings += [redirected(name, run, at) for name in names]
            text = "One of mover."
            findings += [found("moved", text, run, at), redirected("mover", run, at, to="moved", text=text)]
            findings += [found(name, f"We value your privacy, {hours}.", run, at) for name in walled]
        publish_run(archive, SITE, write_run(archive, SITE, run, findings, outcomes={}), now=NOW)
    with Frontier.open(archive, SITE) as frontier:
        before = frontier.rows()
        assert [each.kind for each in frontier.missing(article_id(url_of("n1")))] == ["gone"] * 2
        assert [each.kind for each in frontier.missing(article_id(url_of("w1")))] == ["blocked"] * 2
    damage_nothing(archive)
    with Frontier.open(archive, SITE) as frontier:
        for table, rows in frontier.rows().items():
            assert rows == before[table], table


def test_the_copy_on_this_machine_is_removed(archive: Archive):
    frontier = Frontier.open(archive, SITE)
    folder = frontier._folder
    assert folder.is_dir()
    frontier.close()
    assert not folder.exists()


def test_a_move_keeps_the_article_and_its_new_address_leads_to_it(archive: Archive):
    old, new = url_of("old"), url_of("new")
    first = found("old", "One.", a_run(0), START)
    moved = found("new", "One.", a_run(1), START + HOUR, requested=old, final=new, hops=((301, new),))
    fresh = found("new", "One.", a_run(1), START + HOUR / 2)
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), first, standings=[standing_for(first)])
        # the new address is captured before the old one redirects, in the same run
        frontier.learn_moves([fresh, moved])
        assert frontier.article_of(fresh) == frontier.article_of(moved) == article_id(old)
        save(frontier, a_run(1), fresh, moved)
        assert frontier.article_of(found("new", "Two.", a_run(2), START + 2 * HOUR)) == article_id(old)
        assert frontier.article_of(missing("new", a_run(2), START + 2 * HOUR)) == article_id(old)
        looks = known(frontier, hours=24 * 9)
        assert (looks[new].due, looks[old].due) == (True, False)


def test_where_an_article_lived_before_none_is_taken_over(archive: Archive):
    a, b = found("a", "One.", a_run(0), START), found("b", "Other.", a_run(0), START)
    onto = found("b", "Other.", a_run(1), START + HOUR, requested=url_of("a"), final=url_of("b"), hops=((301, "b"),))
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(0), a, b, standings=[standing_for(a), standing_for(b)])
        frontier.learn_moves([onto])
        assert frontier.article_of(onto) == article_id(url_of("a"))
        assert frontier.article_of(found("b", "Other.", a_run(1), START + HOUR)) == article_id(url_of("b"))


def test_a_page_that_does_not_answer_waits_longer_each_time(archive: Archive):
    with Frontier.open(archive, SITE) as frontier:
        for hours in (0, 1, 3):
            save(frontier, a_run(hours))
            frontier.save(a_run(hours, "x"), [note_silence(url_of("a"), START + hours * HOUR)], ())
        assert [known(frontier, hours=h)[url_of("a")].due for h in (4, 5.5, 6.5)] == [False, False, True]
        assert not known(frontier)[url_of("a")].live


MAP = url_of("../sitemap.xml")


def look(name: str, run: str, hours: float, why: str, text: str = "One.", **facts: Any) -> Finding:
    return found(name, text, run, START + hours * HOUR, facts={"why": why, "dated": MAP}, **facts)


def test_sources_are_believed_by_what_became_of_looks(archive: Archive):
    site = a_site(sources=(Source(type="sitemap", url=MAP),), gone_after_checks=2, gone_after=timedelta(hours=1))
    names = [f"n{number}" for number in range(40)]
    first = [found(name, "One.", a_run(0), START, facts={"why": "new", "dated": MAP, "sitemap": MAP}) for name in names]
    articles = [each.article.article for each in first if each.article]
    with Frontier.open(archive, site) as frontier:
        save(frontier, a_run(0), *first, standings=[standing_for(each) for each in first])
        assert known(frontier)[url_of("n1")].listed == MAP
        quiet = frontier.complete_orders(Orders(), site, now=NOW)
        assert (quiet.belief, quiet.stamped, quiet.proven, quiet.latest_only) == ({MAP: 2.0}, (), (), ())
        frontier.save(a_run(1), [note_sighting(look(name, a_run(1), 1, "moved")) for name in names], ())
        frontier.save(a_run(2), [note_sighting(look(name, a_run(2), 2, "unlisted")) for name in names], ())
        spots = [note_sighting(look(name, a_run(3), 3, "spot")) for name in names]
        frontier.save(a_run(3), spots, (), changed=articles[:1])
        assert frontier.tracks(START + 4 * HOUR)[MAP] == Track(still=40, silent=1, moved=40, vain=40, unlisted=40)
        orders = frontier.complete_orders(Orders(), site, now=START + 4 * HOUR)
        assert (orders.belief, orders.stamped, orders.latest_only) == ({MAP: 1.0}, (MAP,), (MAP,))
        assert frontier.tracks(START + timedelta(days=100)) == {}
        assert not known(frontier)[url_of("n1")].listed


def test_a_wall_before_a_page_says_nothing_of_its_source(archive: Archive):
    wall = unusable("a", a_run(1), START + HOUR).model_copy(update={"facts": {"why": "moved", "dated": MAP}})
    with Frontier.open(archive, SITE) as frontier:
        save(frontier, a_run(1), wall)
        assert frontier.tracks(NOW) == {}
