"""The table moved to a bucket of its own, with runs that commit at the worst moments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from pipeline import moving
from pipeline.archive import Archive, open_archive, read_marker
from pipeline.audit import audit_archive
from pipeline.cli import app
from pipeline.errors import StoreRefused, WriteConflict
from pipeline.maintenance import rebuild
from pipeline.model import article_id
from pipeline.moving import Moved, former_bucket, move_table
from pipeline.reader import to_arrow
from pipeline.repair import Makers, repair_archive
from pipeline.settings import Settings
from pipeline.steps import Workplace, publish
from pipeline.store import connect
from pipeline.takedown import order_takedown
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of

RUN = a_run(9)


def move(settings: Settings, *, remove_old: bool = False) -> Moved:
    store = connect(settings)
    marker = read_marker(store)
    assert marker is not None
    target = f"{settings.bucket}-tables"
    former = connect(settings, former_bucket(marker, store.bucket, target))
    return move_table(store, connect(settings, target), former, remove_old=remove_old, now=settings.now())


def at_new_place(settings: Settings) -> Archive:
    return open_archive(settings.model_copy(update={"tables_bucket": f"{settings.bucket}-tables"}), create=False)


def publish_one(archive: Archive, settings: Settings) -> None:
    work = Workplace(settings=settings.model_copy(update={"processes": 1}), sites={SITE.id: SITE}, archive=archive)
    if archive.read_summary(SITE.id, RUN) is not None:
        publish(work, SITE.id, RUN)
        return
    paragraphs = (*STORIES["market"][1], "The traders have hired a lawyer, who has written to the mayor this week.")
    publish_pages(work, SITE, RUN, START + 9 * HOUR, {"market": page("market", paragraphs=paragraphs)})


def keys_in(archive: Archive) -> list[str]:
    return sorted(to_arrow(archive, site=SITE.id)["key"].to_pylist())


def versions_in(archive: Archive) -> list[str]:
    return sorted(archive.version_keys(SITE.id))


def test_a_moved_table_has_the_same_rows_and_the_store_can_be_protected(settings: Settings) -> None:
    old = build_archive(settings).archive
    before = to_arrow(old, site=SITE.id).sort_by("key")
    call = CliRunner().invoke
    name = f"{settings.bucket}-tables"
    with pytest.raises(StoreRefused, match="own bucket"):
        call(app, ["store", "protect"], catch_exceptions=False)
    done = call(app, ["table", "move", name], catch_exceptions=False)
    assert f"MUNIMENT_TABLES_BUCKET={name}" in done.output
    new = at_new_place(settings)
    assert to_arrow(new, site=SITE.id).sort_by("key") == before
    assert audit_archive(new, patience=0).clean
    assert list(old.store.list("tables/"))
    assert "removed" in call(app, ["table", "move", name, "--remove-old"], catch_exceptions=False).output
    assert not list(old.store.list("tables/"))
    assert call(app, ["table", "move", name, "--remove-old"], catch_exceptions=False).exit_code == 0
    assert to_arrow(new, site=SITE.id).sort_by("key") == before


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("while rows are made", marks=pytest.mark.slow),
        pytest.param("before the marker is switched", marks=pytest.mark.slow),
    ],
)
def test_rows_and_takedowns_that_come_while_it_moves_come_along(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    old = build_archive(settings).archive

    def disturbed(archive: Archive, site: str | None = None, *, now: object) -> dict[str, int]:
        work: Callable[..., dict[str, int]] = rebuild
        made = work(archive, site, now=now) if moment != "while rows are made" else {}
        monkeypatch.setattr(moving, "rebuild", rebuild)
        publish_one(old, settings)
        order_takedown(old, SITE.id, article_id(url_of("bridge")), by="legal", reason="case 17", now=NOW)
        return made or work(archive, site, now=now)

    monkeypatch.setattr(moving, "rebuild", disturbed)
    assert move(settings).caught_up == (SITE.id,)
    new = at_new_place(settings)
    assert keys_in(new) == versions_in(new)
    assert audit_archive(new, patience=0).clean
    words = b"iron bridge over the river"
    for entry in new.table_store.list("tables/"):
        assert words not in new.table_store.get(entry.key).body


def test_a_run_that_opened_the_archive_before_is_told_and_loses_nothing(settings: Settings) -> None:
    old = build_archive(settings).archive
    move(settings)
    with pytest.raises(WriteConflict, match="moved"):
        publish_one(old, settings)
    assert old.read_published(SITE.id, RUN) is None
    new = at_new_place(settings)
    publish_one(new, settings)
    assert keys_in(new) == versions_in(new)
    assert move(settings, remove_old=True).caught_up == (SITE.id,)
    assert keys_in(new) == versions_in(new)
    assert audit_archive(new, patience=0).clean


@pytest.mark.parametrize("mend", ["repair", pytest.param("move", marks=pytest.mark.slow)])
def test_a_writer_of_an_earlier_release_is_named_by_the_audit_and_made_up_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mend: str
) -> None:
    old = build_archive(settings).archive
    move(settings)
    with monkeypatch.context() as patch:
        patch.setattr(Archive, "holds_table", lambda _self: True)
        publish_one(old, settings)
    new = at_new_place(settings)
    told = audit_archive(new, patience=0)
    assert {(each.kind, each.problem, each.rebuildable) for each in told.discrepancies} == {
        ("table", "disagrees", True)
    }
    if mend == "repair":
        makers = Makers(sites={SITE.id: SITE}, findings=lambda *_: [], now=settings.now())
        assert not repair_archive(new, told, makers).left
    else:
        assert move(settings).caught_up == (SITE.id,)
    assert keys_in(new) == versions_in(new)
    assert audit_archive(new, patience=0).clean


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("rebuild", marks=pytest.mark.slow),
        pytest.param("change_marker", marks=pytest.mark.slow),
        pytest.param("_catch_up", marks=pytest.mark.slow),
        "remove_table",
    ],
)
def test_it_may_be_killed_before_and_after_each_step_and_called_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    build_archive(settings, runs=1)
    work = getattr(moving, step)
    for late in (False, True):

        def killed(*arguments: object, late: bool = late, **names: object) -> None:
            if late:
                work(*arguments, **names)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(moving, step, killed)
            with pytest.raises(KeyboardInterrupt):
                move(settings, remove_old=True)
    move(settings, remove_old=True)
    new = at_new_place(settings)
    assert keys_in(new) == versions_in(new)
    assert not list(new.store.list("tables/"))
    marker = read_marker(new.store)
    assert marker is not None
    assert marker.moved is None


@pytest.mark.slow
def test_a_bucket_with_versioning_is_refused_and_the_table_stays(settings: Settings) -> None:
    old = build_archive(settings, runs=1).archive
    target = connect(settings, f"{settings.bucket}-tables")
    target.create_bucket()
    target.turn_versioning(True)
    with pytest.raises(StoreRefused, match="cannot hold the table"):
        move(settings)
    assert old.holds_table()
    assert audit_archive(old, patience=0).clean
