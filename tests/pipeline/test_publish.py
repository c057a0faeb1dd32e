from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pipeline import table
from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.frontier import Frontier
from pipeline.model import Article, Finding, Outcome, State, Version
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.table import rows_of
from tests.pipeline.built_runs import (
    HOUR,
    NOW,
    START,
    a_run,
    a_site,
    all_versions,
    contents,
    found,
    missing,
    unchanged,
    unusable,
    url_of,
    write_run,
)
from tests.pipeline.publishers import Publisher

SITE = a_site(gone_after_checks=2, gone_after=timedelta(hours=1))


FIRST = ("edited", "same", "kept", "removed", "back", "mover", "ender", "taken", "walled", "counted")


def write_first(archive: Archive, site: Any = SITE) -> str:
    run, at = a_run(0), START
    return write_run(
        archive,
        site,
        run,
        [found(name, f"First of {name}.", run, at) for name in FIRST],
        segments=2,
    )


def write_second(archive: Archive, site: Any = SITE) -> str:
    run, at = a_run(2), START + 2 * HOUR
    return write_run(archive, site, run, [missing("removed", run, at), missing("back", run, at)])


def write_third(archive: Archive, site: Any = SITE) -> str:
    run, at = a_run(4), START + 4 * HOUR
    findings = [missing("removed", run, at), missing("back", run, at), unusable("walled", run, at)]
    return write_run(archive, site, run, [*findings, unchanged("kept", run, at)])


def write_last(archive: Archive, site: Any = SITE) -> str:
    """A run with everything in it."""
    run, at = a_run(6), START + 6 * HOUR
    return write_run(
        archive,
        site,
        run,
        [
            found("edited", "Second of edited.", run, at),
            found("same", "First of same.", run, at),
            unchanged("kept", run, at),
            missing("removed", run, at),
            found("back", "First of back.", run, at),
            found("fresh", "First of fresh.", run, at),
            missing("never", run, at),
            unusable("wall", run, at),
            redirected("mover", "moved-here", 6),
            found("moved-here", "First of mover.", run, at),
            redirected("ender", "taken", 6, text="First of taken."),
            unusable("walled", run, at, status=451),
            found("counted", "First of counted.\n12 comments", run, at),
        ],
        outcomes={"unchanged": 3, "excluded": 1},
        segments=2,
    )


def test_a_run_ends_in_versions_rows_frontier_and_a_note_that_adds_up(archive: Archive):
    run = write_first(archive)
    published = publish_run(archive, SITE, run, now=NOW)
    assert published == archive.read_published(SITE.id, run)
    assert published.outcomes == {**dict.fromkeys(map(str, Outcome), 0), "archived": 10, "deferred": 2}
    assert sum(published.outcomes.values()) == published.discovered == 12
    assert published.versions == {"new": 10}
    assert published.table_rows == rows_of(archive, SITE.id, run) == 10
    assert sorted(published.made) == [
        archive.version_key(SITE.id, version.article, 1) for version in all_versions(archive, SITE)
    ]
    with Frontier.open(archive, SITE) as frontier:
        assert [known.url for known in frontier.known(NOW, SITE)] == sorted(url_of(name) for name in FIRST)


def test_a_run_with_everything_in_it_counts_each_url_once(archive: Archive):
    for write in (write_first, write_second):
        publish_run(archive, SITE, write(archive), now=NOW)
    third = publish_run(archive, SITE, write_third(archive), now=NOW)
    assert third.versions == {"gone": 2}
    last = publish_run(archive, SITE, write_last(archive), now=NOW)
    assert last.versions == {"new": 1, "edited": 1, "moved": 2, "restored": 1, "blocked": 1}
    assert {name: count for name, count in last.outcomes.items() if count} == {
        "archived": 6,
        "unchanged": 4 + 3,
        "gone": 2,
        "blocked": 1,
        "excluded": 1,
    }
    states = {version.url: version.state for version in all_versions(archive, SITE)}
    assert states[url_of("removed")] is State.GONE
    assert states[url_of("back")] is State.RESTORED


def test_publishing_again_returns_the_same_and_adds_nothing(archive: Archive):
    run = write_first(archive)
    first = publish_run(archive, SITE, run, now=NOW)
    before = contents(archive)
    assert publish_run(archive, SITE, run, now=NOW + HOUR) == first
    assert contents(archive) == before


def test_a_run_without_news_makes_no_commit(archive: Archive):
    run = write_run(archive, SITE, a_run(0), [])
    published = publish_run(archive, SITE, run, now=NOW)
    assert (published.made, published.table_rows) == ((), 0)
    assert list(archive.store.list("tables/")) == []


def test_a_run_without_news_does_not_load_the_table_library():
    code = "import sys, pipeline.steps, pipeline.cli; print({'deltalake', 'pyarrow', 'trafilatura'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_a_run_whose_figures_do_not_add_up_is_refused_before_anything_is_made(archive: Archive):
    run = a_run(0)
    write_run(archive, SITE, run, [found("a", "One.", run, START)], outcomes={"failed": 1})
    broken = archive.read_summary(SITE.id, run)
    assert broken is not None
    other = a_run(1)
    archive.write_summary(broken.model_copy(update={"run": other, "discovered": 9}))
    archive.write_findings(SITE.id, other, 0, [found("a", "One.", other, START)])
    with pytest.raises(ArchiveError, match=r"9 URLs were discovered, but 1 have findings .* and 1 ended without"):
        publish_run(archive, SITE, other, now=NOW)
    assert list(archive.articles(SITE.id)) == []


def test_a_run_that_was_never_crawled_is_refused(archive: Archive):
    with pytest.raises(NotInArchive, match=r"has no crawl\.json"):
        publish_run(archive, SITE, a_run(0), now=NOW)


def test_two_captures_of_one_article_make_one_version_and_both_are_counted(archive: Archive):
    run = a_run(0)
    findings = [
        found("a", "Seen by an alias.", run, START + HOUR, requested=url_of("a?page=1"), final=url_of("a?page=1")),
        found("a", "Seen under its own URL.", run, START),
    ]
    published = publish_run(archive, SITE, write_run(archive, SITE, run, findings, outcomes={}), now=NOW)
    assert (published.outcomes["archived"], published.outcomes["unchanged"]) == (1, 1)
    assert [version.text for version in all_versions(archive, SITE)] == ["Seen under its own URL."]


def test_an_alias_makes_no_version_while_the_canonical_url_lives(archive: Archive):
    def alias(text: str, hours: int) -> Finding:
        other = url_of("a?print")
        return found("a", text, a_run(hours), START + hours * HOUR, requested=other, final=other)

    told = [
        (alias("By the alias.", 0), 1),  # nothing else is known
        (alias("By the alias, edited.", 1), 2),
        (found("a", "By the canonical URL.", a_run(2), START + 2 * HOUR), 3),
        (alias("By the alias again.", 3), 3),
        (unusable("a", a_run(4), START + 4 * HOUR), 3),
        (alias("By the alias, the other being blocked.", 5), 4),
    ]
    for hours, (finding, expected) in enumerate(told):
        run = write_run(archive, SITE, a_run(hours), [finding], outcomes={})
        publish_run(archive, SITE, run, now=NOW)
        assert len(all_versions(archive, SITE)) == expected, hours
    aliases = [alias(f"Of run {hours}.", hours) for hours in (10, 11)]
    canonical = found("a", "Canonical once more.", a_run(10), START + 10 * HOUR)
    publish_run(archive, SITE, write_run(archive, SITE, a_run(10), [aliases[0], canonical], outcomes={}), now=NOW)
    last = publish_run(archive, SITE, write_run(archive, SITE, a_run(11), [aliases[1]], outcomes={}), now=NOW)
    assert last.outcomes["unchanged"] == 1
    assert all_versions(archive, SITE)[-1].text == "Canonical once more."


def test_one_url_captured_twice_is_counted_once(archive: Archive):
    run = a_run(0)
    findings = [
        found("a", "One.", run, START),
        found("b", "Two.", run, START + HOUR, requested=url_of("a")),
        missing("a", run, START + 2 * HOUR),
    ]
    published = publish_run(archive, SITE, write_run(archive, SITE, run, findings, outcomes={}), now=NOW)
    assert published.discovered == 1
    assert published.outcomes["archived"] == len(published.made) == 1


def test_an_older_run_released_later_adds_its_text_but_does_not_become_current(archive: Archive):
    first, second, third = a_run(0), a_run(1), a_run(2)
    for run, hours, text in ((first, 0, "One."), (third, 2, "Three."), (second, 1, "Two.")):
        write_run(archive, SITE, run, [found("a", text, run, START + hours * HOUR)])
        publish_run(archive, SITE, run, now=NOW)
    assert [(version.n, version.text) for version in all_versions(archive, SITE)] == [
        (1, "One."),
        (2, "Three."),
        (3, "Two."),
    ]
    with Frontier.open(archive, SITE) as frontier:
        (known,) = frontier.known(NOW, SITE)
        assert known.captured_at == "2026-11-22T11:00:00Z"  # of the newest capture
        standing = frontier.standing(all_versions(archive, SITE)[0].article)
        assert standing is not None
        assert (standing.n, standing.run) == (3, third)


def test_a_stale_frontier_is_corrected_by_the_versions(archive: Archive):
    first = write_run(archive, SITE, a_run(0), [found("a", "One.", a_run(0), START)])
    publish_run(archive, SITE, first, now=NOW)
    stale = archive.store.get(archive.frontier_key(SITE.id)).body
    second = write_run(archive, SITE, a_run(1), [found("a", "Two.", a_run(1), START + HOUR)])
    publish_run(archive, SITE, second, now=NOW)
    for hours, text, expected in ((2, "Two.", 2), (3, "One.", 3), (4, "Four.", 4)):
        etag = archive.store.get(archive.frontier_key(SITE.id)).etag
        archive.store.replace(archive.frontier_key(SITE.id), stale, etag=etag, content_type="application/zstd")
        run = write_run(archive, SITE, a_run(hours), [found("a", text, a_run(hours), START + hours * HOUR)])
        publish_run(archive, SITE, run, now=NOW)
        assert len(all_versions(archive, SITE)) == expected


# --- moves


def redirected(name: str, to: str, hours: float, *, text: str | None = None, status: int = 301) -> Finding:
    """A capture of an article's address that redirects to another."""
    run, at = a_run(hours), START + hours * HOUR
    hops = ((status, url_of(to)),)
    return found(to, text or f"First of {name}.", run, at, requested=url_of(name), hops=hops)


def tell(archive: Archive, hours: float, *findings: Finding, site: Any = SITE) -> Any:
    run = write_run(archive, site, a_run(hours), findings, outcomes={})
    return publish_run(archive, site, run, now=NOW)


def at(name: str, hours: float, text: str | None = None) -> Finding:
    return found(name, text or f"First of {name}.", a_run(hours), START + hours * HOUR)


def lives(archive: Archive) -> dict[str, list[tuple[str, str, str]]]:
    """Change, state and page of each version, by the page where its article began."""
    found_at: dict[str, list[tuple[str, str, str]]] = {}
    for article in archive.articles(SITE.id):
        versions = archive.versions(SITE.id, article)
        told = [(each.change.value, each.state.value, each.url.rpartition("/")[2]) for each in versions]
        found_at[versions[0].url.rpartition("/")[2]] = told
    return found_at


def test_an_article_keeps_its_id_when_it_moves_and_its_life_goes_on_at_the_new_address(archive: Archive):
    tell(archive, 0, at("a", 0))
    moved = tell(archive, 1, redirected("a", "b", 1), at("b", 1, "First of a."))
    assert moved.versions == {"moved": 1}
    tell(archive, 2, at("b", 2, "First of a."))
    tell(archive, 3, at("b", 3, "Second of a."))
    tell(archive, 4, at("c", 4, "Of c."), redirected("b", "c2", 4, text="Second of a."))
    tell(archive, 5, redirected("c2", "a", 5, text="Second of a."))
    assert lives(archive) == {
        "a": [
            ("new", "live", "a"),
            ("moved", "moved", "b"),
            ("edited", "live", "b"),
            ("moved", "moved", "c2"),
            ("moved", "moved", "a"),
        ],
        "c": [("new", "live", "c")],
    }
    version = archive.versions(SITE.id, next(iter(archive.articles(SITE.id))))[1]
    (move,) = [each for each in all_versions(archive, SITE) if each.url == url_of("b") and each.change == "moved"]
    assert move.hops == ((301, url_of("b")),)
    assert move.note == f"answered 301 from {url_of('a')} to {url_of('b')}"
    assert version is not None


def test_an_article_may_move_and_be_edited_at_once_or_move_unread(archive: Archive):
    tell(archive, 0, at("a", 0), at("x", 0))
    silent = unchanged("x", a_run(1), START + HOUR).model_copy(
        update={"final": url_of("y"), "hops": ((308, url_of("y")),)}
    )
    tell(archive, 1, redirected("a", "b", 1, text="First of a, and more."), silent)
    (edited,) = [each for each in all_versions(archive, SITE) if each.url == url_of("b")]
    assert edited.edit is not None
    assert (edited.edit.classes, edited.change, edited.text) == (("substance",), "moved", "First of a, and more.")
    (unread,) = [each for each in all_versions(archive, SITE) if each.url == url_of("y")]
    assert (unread.change, unread.text, unread.evidence.status) == ("moved", "First of x.", 304)


def test_a_temporary_redirect_and_another_spelling_of_the_address_move_nothing(archive: Archive):
    tell(archive, 0, at("a", 0), at("b", 0))
    tell(archive, 1, redirected("a", "b", 1, text="First of b.", status=302))
    spelled = at("a", 2).model_copy(
        update={
            "requested": url_of("a").replace("https:", "http:"),
            "hops": ((301, url_of("a") + "/"),),
            "final": url_of("a") + "/",
        }
    )
    assert spelled.article is not None
    spelled = spelled.model_copy(update={"article": spelled.article.model_copy(update={"url": url_of("a") + "/"})})
    tell(archive, 2, spelled)
    assert lives(archive) == {"a": [("new", "live", "a")], "b": [("new", "live", "b")]}


def test_a_new_canonical_url_is_a_move(archive: Archive):
    tell(archive, 0, at("a", 0))
    renamed = found("b", "First of a.", a_run(1), START + HOUR, requested=url_of("a"), final=url_of("a"))
    tell(archive, 1, renamed, at("b", 1, "First of a."))
    tell(archive, 2, at("b", 2, "Second of a."))
    assert lives(archive) == {"a": [("new", "live", "a"), ("moved", "moved", "b"), ("edited", "live", "b")]}


def test_where_the_new_address_has_its_own_article_the_old_one_ends_there(archive: Archive):
    tell(archive, 0, at("a", 0))
    tell(archive, 1, at("b", 1, "First of a."))
    tell(archive, 2, redirected("a", "b", 2))
    tell(archive, 3, redirected("a", "b", 3), at("b", 3, "Second."))
    assert lives(archive) == {
        "a": [("new", "live", "a"), ("moved", "moved", "a")],
        "b": [("new", "live", "b"), ("edited", "live", "b")],
    }
    (end,) = [each for each in all_versions(archive, SITE) if each.moved_to]
    (other,) = {each.article for each in all_versions(archive, SITE) if each.url == url_of("b")}
    assert (end.moved_to, end.text, end.words) == (other, "", 0)


def test_what_leads_to_one_page_with_many_others_is_gone_in_the_end(archive: Archive):
    names = [f"n{number}" for number in range(4)]
    others = [f"o{number}" for number in range(20)]
    tell(archive, 0, *(at(name, 0) for name in [*names, *others, "all"]))
    for hours in (1, 2, 3):
        away = [redirected(name, "all", hours, text="First of all.") for name in names]
        tell(archive, hours, *away, *(at(name, hours) for name in [*others, "all"]))
    gone = [each for each in all_versions(archive, SITE) if each.state is State.GONE]
    assert sorted(each.url for each in gone) == sorted(url_of(name) for name in names)
    assert gone[0].note is not None
    assert gone[0].note.startswith("redirected to one page with 3 other articles")


def test_a_storm_of_missing_pages_makes_no_tombstone_until_it_has_lasted_for_a_week(archive: Archive):
    names = [f"n{number}" for number in range(8)]
    tell(archive, 0, *(at(name, 0) for name in names))

    def storm(hours: float) -> Any:
        return tell(archive, hours, *(missing(name, a_run(hours), START + hours * HOUR) for name in names))

    assert "gone" in storm(1).storms
    assert [storm(hours).versions for hours in (3, 30, 100)] == [{}, {}, {}]
    with Frontier.open(archive, SITE) as frontier:
        article = next(iter(archive.articles(SITE.id)))
        assert [each.doubted for each in frontier.missing(article)] == [True] * 4
    assert storm(170).versions == {"gone": 8}


def test_an_article_that_alone_is_blocked_for_long_is_blocked_and_comes_back(archive: Archive):
    tell(archive, 0, at("a", 0), at("b", 0))

    def wall(hours: float) -> Any:
        blocked = unusable("a", a_run(hours), START + hours * HOUR, status=451)
        return tell(archive, hours, blocked, at("b", hours))

    assert wall(1).versions == {}
    assert wall(3).versions == {"blocked": 1}
    assert wall(5).outcomes["blocked"] == 1
    assert tell(archive, 6, at("a", 6), at("b", 6)).versions == {"restored": 1}
    assert [each[:2] for each in lives(archive)["a"]] == [
        ("new", "live"),
        ("blocked", "blocked"),
        ("restored", "restored"),
    ]


def test_a_firewall_before_the_site_blocks_no_article(archive: Archive):
    tell(archive, 0, at("a", 0), at("b", 0))
    for hours in (1, 30, 300):
        blocked = [unusable(name, a_run(hours), START + hours * HOUR) for name in "ab"]
        assert tell(archive, hours, *blocked).versions == {}


def test_a_cosmetic_edit_makes_no_version_and_keeps_the_validators(archive: Archive):
    tell(archive, 0, at("a", 0, "The council met on Monday.\n12 comments"))
    last = at("a", 1, "The council met on Monday.\n13 comments\nUpdated 14:32")
    assert tell(archive, 1, last).versions == {}
    with Frontier.open(archive, SITE) as frontier:
        (known,) = frontier.known(NOW, SITE)
        assert known.etag == last.etag


# --- killed anywhere


class Killed(BaseException):
    """The process ends here."""


class MortalStore(Store):
    """A store whose process ends at the n-th request, before it is sent or after it was answered.

    From then on no thread gets anything through.
    """

    @classmethod
    def like(cls, store: Store) -> MortalStore:
        mortal = cls.__new__(cls)
        mortal.__dict__.update(store.__dict__)
        mortal.requests = []
        mortal.lock = threading.Lock()
        mortal.die_at, mortal.after = -1, False
        return mortal

    def _call(self, operation: str, **arguments: Any) -> Any:
        with self.lock:
            number = len(self.requests)
            self.requests.append(operation)
        if self.die_at >= 0 and (number > self.die_at or (number == self.die_at and not self.after)):
            raise Killed
        answer = super()._call(operation, **arguments)
        if number == self.die_at:
            raise Killed
        return answer


def restore(archive: Archive, objects: dict[str, bytes]) -> None:
    """Bring an archive back to what it was; of what was there, only the frontier can have changed."""
    frontier = archive.frontier_key(SITE.id)
    for entry in list(archive.store.list("")):
        if entry.key not in objects or entry.key == frontier:
            archive.store.delete(entry.key)
    archive.store.create(frontier, objects[frontier], content_type="application/zstd")


def take_all(archive: Archive) -> dict[str, bytes]:
    return {entry.key: archive.store.get(entry.key).body for entry in archive.store.list("")}


@pytest.fixture
def prepared(archive: Archive) -> tuple[Archive, str, dict[str, object], dict[str, bytes]]:
    """An archive with three published runs and one that is not; what a clean publication of it gives."""
    for write in (write_first, write_second, write_third):
        publish_run(archive, SITE, write(archive), now=NOW)
    run = write_last(archive)
    before = take_all(archive)
    publish_run(archive, SITE, run, now=NOW)
    clean = contents(archive)
    return archive, run, clean, before


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 8))])
@pytest.mark.timeout(300)
def test_killed_at_any_request_and_run_again_gives_the_archive_of_a_clean_run(prepared, share: int):
    archive, run, clean, before = prepared
    counting = MortalStore.like(archive.store)
    restore(archive, before)
    publish_run(Archive(counting, counting), SITE, run, now=NOW)
    assert contents(archive) == clean
    deaths = [(number, False) for number in range(len(counting.requests))]
    deaths += [(number, True) for number, name in enumerate(counting.requests) if name == "put_object"]
    assert len(deaths) >= 25
    assert {key: body for key, body in take_all(archive).items() if key in before and body != before[key]}.keys() == {
        archive.frontier_key(SITE.id)
    }
    for number, after in deaths[share::8]:
        restore(archive, before)
        mortal = MortalStore.like(archive.store)
        mortal.die_at, mortal.after = number, after
        with pytest.raises(Killed):
            publish_run(Archive(mortal, mortal), SITE, run, now=NOW)
        publish_run(archive, SITE, run, now=NOW)
        after_all = contents(archive)
        assert after_all.keys() == clean.keys(), (number, after)
        assert [key for key in clean if after_all[key] != clean[key]] == [], (number, after)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_commit_and_run_again_gives_the_archive_of_a_clean_run(prepared, moment, monkeypatch):
    archive, run, clean, before = prepared
    restore(archive, before)
    commit = table.commit_rows

    def die(*args: Any, **named: Any) -> int:
        if moment == "after":
            commit(*args, **named)
        raise Killed

    monkeypatch.setattr(table, "commit_rows", die)
    with pytest.raises(Killed):
        publish_run(archive, SITE, run, now=NOW)
    monkeypatch.undo()
    publish_run(archive, SITE, run, now=NOW)
    assert contents(archive) == clean


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 4))])
def test_killed_and_overtaken_by_another_run_loses_and_doubles_nothing(prepared, share: int):
    archive, run, _, before = prepared
    other = a_run(7)
    at = START + 7 * HOUR
    counting = MortalStore.like(archive.store)
    restore(archive, before)
    publish_run(Archive(counting, counting), SITE, run, now=NOW)
    puts = [number for number, name in enumerate(counting.requests) if name == "put_object"]
    for number in puts[share::4]:
        restore(archive, before)
        mortal = MortalStore.like(archive.store)
        mortal.die_at, mortal.after = number, True
        with pytest.raises(Killed):
            publish_run(Archive(mortal, mortal), SITE, run, now=NOW)
        write_run(
            archive,
            SITE,
            other,
            [
                found("edited", "Third of edited.", other, at),
                found("fresh", "First of fresh.", other, at),
                found("back", "Second of back.", other, at),
                missing("removed", other, at),
            ],
        )
        publish_run(archive, SITE, other, now=NOW)
        publish_run(archive, SITE, run, now=NOW)
        assert_whole(archive, [run, other])
        texts = Counter(version.text for version in all_versions(archive, SITE))
        assert texts["Second of edited."] == texts["Third of edited."] == texts["First of fresh."] == 1


def test_a_run_that_comes_to_one_version_more_when_it_was_overtaken_puts_its_row_into_the_table(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    tell(archive, 0, at("a", 0), at("b", 0))
    findings = [missing("a", a_run(1), START + HOUR), at("b", 1, "Second of b.")]
    run = write_run(archive, SITE, a_run(1), findings, outcomes={})

    def die(*_args: Any, **_named: Any) -> None:
        raise Killed

    monkeypatch.setattr(Frontier, "save", die)
    with pytest.raises(Killed):
        publish_run(archive, SITE, run, now=NOW)
    monkeypatch.undo()
    assert tell(archive, 3, missing("a", a_run(3), START + 3 * HOUR)).versions == {}
    assert publish_run(archive, SITE, run, now=NOW).versions == {"edited": 1, "gone": 1}
    assert_whole(archive, [a_run(0), run, a_run(3)])


def test_what_the_journal_tells_of_a_run_stands_though_it_was_overtaken_before_its_note_was_written(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    def alias(hours: float) -> Finding:
        other = url_of("a?print")
        return found("a", "By the alias.", a_run(hours), START + hours * HOUR, requested=other, final=other)

    def die(*_args: Any, **_named: Any) -> None:
        raise Killed

    tell(archive, 0, at("a", 0))
    run = write_run(archive, SITE, a_run(1), [alias(1), at("b", 1)], outcomes={})
    monkeypatch.setattr(Archive, "write_published", die)
    with pytest.raises(Killed):
        publish_run(archive, SITE, run, now=NOW)
    monkeypatch.undo()
    tell(archive, 0.5, unusable("a", a_run(0.5), START + 1.5 * HOUR))
    assert publish_run(archive, SITE, run, now=NOW).versions == {"new": 1}
    assert_whole(archive, [a_run(0), a_run(0.5), run])


def assert_whole(archive: Archive, runs: list[str], site: Any = SITE) -> None:
    """Versions without gaps, each of one run, each with one row and in one note; a frontier that knows them."""
    versions = all_versions(archive, site)
    keys = {archive.version_key(site.id, version.article, version.n) for version in versions}
    rows = [row for row in contents(archive)["rows"] if row["site"] == site.id]  # type: ignore[attr-defined]
    assert sorted(row["key"] for row in rows) == sorted(keys)
    made = Counter(key for run in archive.runs(site.id) for key in archive.read_published(site.id, run).made)
    assert made == Counter(keys)
    by_run = Counter((version.article, version.run) for version in versions)
    assert set(by_run.values()) == {1}
    with Frontier.open(archive, site) as frontier:
        assert all(frontier.has_applied(run) for run in runs)
        for article in archive.articles(site.id):
            standing = frontier.standing(article)
            assert standing is not None
            assert standing.n == archive.latest_number(site.id, article)


# --- many at once


@pytest.fixture
def publishers(settings: Settings) -> Iterator[list[Publisher]]:
    started = [Publisher() for _ in range(4)]
    yield started
    for each in started:
        each.kill()


def random_runs(archive: Archive, site: Any, seed: int, count: int, articles: int = 12) -> list[str]:
    chance, runs = random.Random(seed), []
    for number in range(count):
        run = a_run(number, token=f"{seed} {number}")
        at = START + number * HOUR
        findings = []
        for index in range(articles):
            what = chance.choice(["one", "two", "three", "one", "same", "gone", "nothing"])
            name = f"article-{index}"
            if what in ("one", "two", "three"):
                findings.append(found(name, f"Text {what} of {name}.", run, at))
            elif what == "same":
                findings.append(unchanged(name, run, at))
            elif what == "gone":
                findings.append(missing(name, run, at))
        runs.append(write_run(archive, site, run, findings))
    return runs


def seeds(first: int, *more: int) -> pytest.MarkDecorator:
    """The first in every run of the tests, the others in the long one."""
    return pytest.mark.parametrize("seed", [first, *(pytest.param(seed, marks=pytest.mark.slow) for seed in more)])


@seeds(0, 1, 2)
def test_publishers_of_different_runs_of_one_site_lose_double_and_skip_nothing(archive: Archive, publishers, seed: int):
    site = a_site()
    runs = random_runs(archive, site, seed, 4)
    for together in [runs[:2], runs[2:]] if seed % 2 else [runs[::-1]]:
        for publisher, run in zip(publishers, together, strict=False):
            publisher.order(site.id, run)
        published = [publisher.answer() for publisher, _ in zip(publishers, together, strict=False)]
        assert [each.run for each in published] == together
    assert_whole(archive, runs, site)


@seeds(0, 1)
def test_four_publishers_of_one_run_publish_it_once(archive: Archive, publishers, seed: int):
    site = a_site()
    (run,) = random_runs(archive, site, seed, 1, articles=15)
    for publisher in publishers:
        publisher.order(site.id, run)
    published = [publisher.answer() for publisher in publishers]
    assert published == [published[0]] * 4
    assert_whole(archive, [run], site)


@seeds(0, 1, 2)
def test_a_publisher_killed_by_the_system_at_any_moment_leaves_nothing_half_done(settings, archive: Archive, seed: int):
    site, chance = a_site(), random.Random(7 + seed)
    (run,) = random_runs(archive, site, seed, 1, articles=60)
    for _ in range(3):
        publisher = Publisher()
        publisher.order(site.id, run)
        time.sleep(chance.uniform(0.05, 0.6))
        publisher.kill()
    publish_run(archive, site, run, now=NOW)
    assert_whole(archive, [run], site)


def test_a_page_that_is_only_read_differently_is_read_once_more_and_then_never_again(archive: Archive):
    asked: list[int] = []

    def told(name: str, hours: float, text: str, recipe: str) -> Finding:
        finding = at(name, hours, text)
        assert finding.article is not None
        return finding.model_copy(update={"article": finding.article.model_copy(update={"recipe": recipe})})

    def reread(version: Version) -> Article | None:
        asked.append(version.n)
        read = told("a", 0, "One.\nTwo.", "r2").article
        assert read is not None
        return read if version.url == url_of("a") else None

    for hours, recipe, text in [(0, "r1", "One.\nRain.\nTwo."), (2, "r2", "One.\nTwo."), (4, "r3", "One.\nTwo.")]:
        run = write_run(archive, SITE, a_run(hours), [told("a", hours, text, recipe)])
        published = publish_run(archive, SITE, run, now=NOW, reread=reread)
        assert published.versions == ({"new": 1} if not hours else {})
        assert published.outcomes["unchanged"] == bool(hours)
    assert asked == [1]
    with Frontier.open(archive, SITE) as frontier:
        (known,) = frontier.known(NOW, SITE)
        assert known.etag is not None  # the body is the one that the archive holds
    run = write_run(archive, SITE, a_run(6), [told("a", 6, "One.\nThree.", "r3")])
    assert publish_run(archive, SITE, run, now=NOW, reread=reread).versions == {"edited": 1}
    assert asked == [1, 1]
