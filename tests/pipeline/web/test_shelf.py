"""What the server keeps: never older than the archive, and read anew only where that has changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.pages import make_health
from pipeline.archive import Archive
from pipeline.errors import NotInArchive, StoreUnavailable
from pipeline.health import Health, read_health
from pipeline.model import State, Version
from pipeline.settings import Settings
from pipeline.store import Item
from pipeline.takedown import order_takedown
from pipeline.web import shelf as module
from pipeline.web.shelf import Shelf, open_shelf
from tests.pipeline.built_archive import SITE, build_archive

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE_FILE = """
name = "{name}"
home = "https://north.example/"
kind = "council"
article = 'https://north\\.example/news/.+'
[[sources]]
type = "feed"
url = "https://north.example/feed"
"""


def put(archive: Archive, site: str, stands: str = "well") -> None:
    body = make_health(site, now=NOW, stands=stands, runs=5).to_json()
    archive.store.delete(archive.health_key(site))
    archive.store.create_many([Item(key=archive.health_key(site), body=body, content_type="application/json")])


def test_only_documents_that_changed_are_read_again(
    settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def note(archive: Archive, site: str) -> Health | None:
        read.append(site)
        return read_health(archive, site)

    monkeypatch.setattr(module, "read_health", note)
    shelf = Shelf(settings, listed_for=0, patience=30)
    put(archive, "north")
    put(archive, "south")
    assert [standing.site for standing in shelf.look().standings] == ["north", "south"]
    shelf.look()
    put(archive, "south", "rejected")
    assert [standing.verdict for standing in shelf.look().standings] == ["accept", "reject"]
    assert sorted(read) == ["north", "south", "south"]
    archive.store.delete(archive.health_key("north"))
    assert [standing.site for standing in shelf.look().standings] == ["south"]


def test_a_listing_holds_for_moments_unless_something_was_done(settings: Settings, archive: Archive) -> None:
    shelf = Shelf(settings, listed_for=3600, patience=30)
    put(archive, "north")
    assert [standing.site for standing in shelf.look().standings] == ["north"]
    put(archive, "south")
    assert len(shelf.look().standings) == 1
    shelf.look_again()
    assert len(shelf.look().standings) == 2


def test_what_is_not_read_in_a_moment_is_told_as_it_was_and_of_when(
    settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, let_go = threading.Event(), threading.Event()

    def slowly(archive: Archive, site: str) -> Health | None:
        if reading.is_set() or site == "south":
            let_go.wait(30)
        return read_health(archive, site)

    monkeypatch.setattr(module, "read_health", slowly)
    shelf = Shelf(settings, listed_for=0, patience=0.2)
    put(archive, "north")
    put(archive, "south")
    first = shelf.look()
    assert ([each.site for each in first.standings], first.unread, first.at) == (["north"], frozenset({"south"}), None)
    assert (first.waiting, first.of(["north"]).unread) == (True, frozenset())
    let_go.set()
    shelf._patience = 30
    whole = shelf.look()
    assert (whole.unread, whole.waiting, whole.at is not None) == (frozenset(), False, True)
    let_go.clear()
    reading.set()
    put(archive, "north", "rejected")
    shelf._patience = 0
    began = time.monotonic()
    old = shelf.look()
    assert time.monotonic() - began < 5
    assert ([each.verdict for each in old.standings], old.at) == (["accept", "accept"], whole.at)
    let_go.set()
    shelf._patience = 30
    assert [each.verdict for each in shelf.look().standings] == ["reject", "accept"]


def test_an_archive_that_is_away_leaves_what_was_known_and_says_so(
    settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(settings, listed_for=0, patience=30)
    put(archive, "north")
    whole = shelf.look()

    def fail(_: Archive) -> dict[str, str]:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(module, "list_health", fail)
    away = shelf.look()
    assert (away.standings, away.at, away.waiting) == (whole.standings, whole.at, False)
    assert "the store is away" in away.trouble
    with pytest.raises(StoreUnavailable):
        Shelf(settings, patience=30).look()
    monkeypatch.undo()
    assert shelf.look().trouble == ""


def test_a_timeline_is_read_once_and_holds_no_words_and_a_takedown_is_seen_at_once(
    settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = build_archive(settings)
    article = next(each for each in work.archive.articles(SITE.id) if work.archive.latest_number(SITE.id, each) > 1)
    shelf = Shelf(settings)
    read: list[int] = []

    def note(site: str, article: str, numbers: Sequence[int]) -> list[Version]:
        read.extend(numbers)
        return Shelf.versions(shelf, site, article, numbers)

    monkeypatch.setattr(shelf, "versions", note)
    etags = work.archive.version_etags(SITE.id, article)
    first = shelf.outlines(SITE.id, article, etags)
    assert [(each.n, len(each.text), len(each.title), each.parts) for each in first] == [(n, 1, 1, ()) for n in etags]
    assert shelf.outlines(SITE.id, article, etags) == first
    assert read == list(etags)
    order_takedown(work.archive, SITE.id, article, by="legal", reason="case 1", now=NOW)
    after = shelf.outlines(SITE.id, article, work.archive.version_etags(SITE.id, article))
    assert {each.state for each in after} == {State.REDACTED}


def test_a_damaged_document_is_told_and_hides_no_other(settings: Settings, archive: Archive) -> None:
    put(archive, "north")
    archive.store.create_many(
        [Item(key=archive.health_key("south"), body=b"{damaged", content_type="application/json")]
    )
    assert [(standing.site, standing.damaged) for standing in Shelf(settings, patience=30).look().standings] == [
        ("north", False),
        ("south", True),
    ]


def test_an_archive_that_cannot_be_opened_is_asked_for_again(settings: Settings) -> None:
    shelf = open_shelf()
    shelf._patience = 30
    with pytest.raises(NotInArchive):
        shelf.look()
    build_archive(settings)
    assert [standing.site for standing in shelf.look().standings] == [SITE.id]


def test_site_files_are_read_when_they_change_and_a_bad_one_hides_no_other(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    shelf = Shelf(settings.model_copy(update={"sites": (folder,), "builtin_sites": False}), listed_for=0)
    assert shelf.sites() == {}
    (folder / "north.toml").write_text(SITE_FILE.format(name="North"))
    (folder / "bad.toml").write_text("name = ")
    assert [facts.name for facts in shelf.facts().values()] == ["North"]
    (folder / "north.toml").write_text(SITE_FILE.format(name="The North"))
    os.utime(folder / "north.toml", (1, 1))
    assert [facts.name for facts in shelf.facts().values()] == ["The North"]
    (folder / "north.toml").unlink()
    assert shelf.facts() == {}
