"""Everything that a role is there for, done with just its policy: on the real SeaweedFS with real users."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import table
from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.cli import app
from pipeline.evidence import read_capture
from pipeline.export import export_wacz
from pipeline.journal import read_journal
from pipeline.maintenance import expire_segments
from pipeline.model import article_id
from pipeline.moving import move_table
from pipeline.protection import Role, expiry_of, protect
from pipeline.publish import publish_run
from pipeline.reader import to_arrow
from pipeline.settings import Settings
from pipeline.steps import Workplace, new_run, run_import, run_site
from pipeline.store import KeyMissing, NotAllowed, Store, connect
from pipeline.takedown import order_takedown, reinstate
from tests.loopback import LoopbackSite
from tests.pipeline import built_archive
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, contents, found, url_of, write_run
from tests.pipeline.foreign_files import put, write_heritrix
from tests.pipeline.loop_news import story
from tests.pipeline.roles import AsRole

Muniment = Callable[..., Result]


def become(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """Let the environment name this user's key."""
    keys = store._session.get_credentials()
    assert keys is not None
    frozen = keys.get_frozen_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", frozen.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", frozen.secret_key)


def call(*words: str) -> Result:
    """A command of `muniment`, which must end well and say nothing of refusals."""
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_writer_runs_a_site_from_crawl_to_publication(
    work: Workplace,
    newsroom: LoopbackSite,
    as_role: AsRole,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    seen = as_role("writer")
    writing = replace(work, archive=Archive(seen, seen))
    with caplog.at_level(logging.WARNING):
        for count in range(2):
            newsroom.page("/news/1", story(1, extra=f"In all {count} drains."))
            done = run_site(writing, "loop", new_run(writing.settings))
            assert done.published is not None
    assert to_arrow(work.archive, site="loop").num_rows == 8 + 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    said = capfd.readouterr()
    assert "denied" not in (said.out + said.err).lower()
    assert audit_archive(work.archive, patience=0).clean


def test_a_writer_commits_where_a_checkpoint_is_due_and_entries_of_the_log_are_old(
    settings: Settings, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {**table._CONFIGURATION, "delta.logRetentionDuration": "interval 0 days", "delta.checkpointInterval": "1"}
    monkeypatch.setattr(table, "_CONFIGURATION", old)
    monkeypatch.setattr(built_archive, "_BUILT", {})  # no other test is to get a table that was made like this
    owned = build_archive(settings)
    seen = as_role("writer")
    writing = Archive(seen, seen)
    for number in (9, 10):
        found_at = START + number * HOUR
        run = write_run(writing, SITE, a_run(number), [found("budget", f"Budget {number}.", a_run(number), found_at)])
        publish_run(writing, SITE, run, now=settings.now())
    assert to_arrow(owned.archive, site=SITE.id).num_rows == 6 + 1 + 2
    log = [entry.key for entry in owned.archive.store.list("tables/articles/_delta_log/")]
    assert any(key.endswith(".checkpoint.parquet") for key in log)
    assert any(key.endswith("00000000000000000000.json") for key in log)  # to tidy up is maintenance's


def test_a_writer_imports(settings: Settings, archive: Archive, as_role: AsRole, tmp_path: Path) -> None:
    seen = as_role("writer")
    site = a_site()
    settings = settings.model_copy(update={"processes": 1})
    work = Workplace(settings=settings, sites={site.id: site}, archive=Archive(seen, seen))
    path = put(tmp_path, "other.warc.gz", write_heritrix(START, {name: page(name) for name in STORIES}))
    for state in ("published", "published before"):
        imported = run_import(work, [path])
        assert [run.state for each in imported.sites for run in each.runs] == [state]
    assert audit_archive(archive, patience=0).clean


def test_a_reader_reads_with_every_command_that_only_reads(
    settings: Settings, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build_archive(settings)
    write_site_file(tmp_path, monkeypatch)
    become(monkeypatch, as_role("reader"))
    url = url_of("bridge")
    call("changes", "--json")
    call("history", url)
    call("show", url)
    call("diff", url)
    call("export", "wacz", "--site", SITE.id, "-o", str(tmp_path / "out.wacz"))
    call("export", "cdxj", "--site", SITE.id, "-o", str(tmp_path / "out.cdxj"))
    call("export", "pywb", str(tmp_path / "pywb"))
    call("table", "status")
    from pipeline.reader import Archive as Reader

    reading = Reader(f"s3://{settings.bucket}")
    assert reading.articles(current=True).to_arrow().num_rows == 4
    batches = list(reading.changes())
    assert not list(reading.changes(since_commit=batches[-1].cursor))


def write_site_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file for the built archive's site, so that commands know it."""
    sites = folder / "sites"
    sites.mkdir()
    (sites / f"{SITE.id}.toml").write_text(
        'name = "Example News"\nhome = "https://news.example/"\nkind = "trade"\n'
        'article = \'https://news\\.example/news/.+\'\n[[sources]]\ntype = "feed"\nurl = "https://news.example/feed"\n'
    )
    monkeypatch.setenv("MUNIMENT_SITES", str(sites))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "false")


def test_an_auditor_finds_nothing_wrong_for_want_of_rights(
    settings: Settings, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build_archive(settings)
    write_site_file(tmp_path, monkeypatch)
    become(monkeypatch, as_role("auditor"))
    told = json.loads(call("audit", "--all", "--json").stdout)
    assert told["clean"]
    assert told["read"] == told["objects"]
    call("takedowns")
    call("status", SITE.id)


def test_a_steward_withholds_reinstates_maintains_and_repairs(
    settings: Settings, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = build_archive(settings).archive
    write_site_file(tmp_path, monkeypatch)
    become(monkeypatch, as_role("steward"))
    url = url_of("bridge")
    call("takedown", url, "--by", "legal", "--reason", "case 17")
    call("reinstate", url, "--by", "legal", "--reason", "dismissed")
    call("table", "maintain")
    archive.store.delete(archive.index_key(SITE.id, a_run(0)))
    told = json.loads(call("audit", "--all", "--repair", "--json").stdout)
    assert told["clean"]
    assert told["repaired"]["done"]
    call("takedown", url, "--by", "a court", "--reason", "case 18", "--destroy", "--yes")
    assert audit_archive(archive, patience=0).clean


def test_a_command_says_which_role_it_needs_and_does_nothing_by_half(
    settings: Settings, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = build_archive(settings).archive
    write_site_file(tmp_path, monkeypatch)
    archive.store.delete(archive.index_key(SITE.id, a_run(0)))
    standing = contents(archive)
    takedown = ["takedown", url_of("bridge"), "--by", "x", "--reason", "y"]
    needed: dict[Role, list[tuple[list[str], str]]] = {
        "reader": [
            (takedown, "steward"),
            (["takedowns"], "auditor (with --due: steward)"),
            (["audit", "--all"], "auditor (with --repair: steward)"),
            (["table", "maintain"], "steward"),
            (["table", "rebuild"], "steward"),
            (["run", SITE.id], "writer"),
        ],
        "writer": [(takedown, "steward"), (["audit", "--all"], "auditor (with --repair: steward)")],
        "auditor": [
            (takedown, "steward"),
            (["table", "rebuild"], "steward"),
            (["audit", "--repair"], "auditor (with --repair: steward)"),
        ],
    }
    for role, cases in needed.items():
        become(monkeypatch, as_role(role))
        for words, other in cases:
            result = CliRunner().invoke(app, words)
            assert isinstance(result.exception, NotAllowed), (role, words, result.output, result.exception)
            assert f"of the role {other}" in str(result.exception), (role, words)
    assert contents(archive) == standing


def test_raw_data_that_has_expired_is_no_damage_and_is_told_in_words(settings: Settings, tmp_path: Path) -> None:
    work = build_archive(settings)
    archive, later = work.archive, START + timedelta(days=40)
    old = archive.segment_key(SITE.id, a_run(0), 0)
    keeping = a_site(keep_raw=timedelta(days=30))
    assert expire_segments(archive, [SITE], now=later) == {}
    archive.store.delete(old)  # as a lifecycle rule does
    assert [each.problem for each in audit_archive(archive, patience=0).discrepancies].count("missing") == 1
    young = audit_archive(archive, patience=0, expiry=expiry_of([keeping], START + timedelta(days=29)))
    assert not young.clean
    told = audit_archive(archive, patience=0, expiry=expiry_of([keeping], later))
    assert told.clean, told.discrepancies
    assert told.expired >= 1
    assert any("expired" in note.message for note in told.notes)
    first = archive.version(SITE.id, article_id(url_of("bridge")), 1)
    with pytest.raises(KeyMissing, match="expired"):
        read_capture(archive, first)
    made = export_wacz(archive, SITE.id, tmp_path / "out.wacz", title="x")
    assert made.expired
    assert made.captures


def test_maintenance_removes_what_has_expired_and_the_journal_says_so(settings: Settings) -> None:
    archive = build_archive(settings).archive
    keeping = a_site(keep_raw=timedelta(days=30))
    later = settings.now() + timedelta(days=31)
    standing = [entry.key for entry in archive.store.list("warc/")]
    assert expire_segments(archive, [keeping], now=settings.now()) == {}
    assert expire_segments(archive, [keeping], now=later) == {SITE.id: 3}
    assert not list(archive.store.list("warc/"))
    assert expire_segments(archive, [keeping], now=later) == {}
    *_, (entry, _) = read_journal(archive, SITE.id)
    assert (entry.kind, sorted(each.key for each in entry.replaced)) == ("expired", sorted(standing))
    told = audit_archive(archive, patience=0)  # the journal is enough, whatever the site's file says
    assert told.clean, told.discrepancies
    assert told.expired == 3


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.slow
def test_takedowns_and_audits_in_a_bucket_with_versions_and_locks(settings: Settings) -> None:
    archive = build_archive(settings, runs=1).archive
    tables = connect(settings, f"{settings.bucket}-tables")
    move_table(archive.store, tables, archive.store, remove_old=True, now=settings.now())
    protect(archive.store, tables, [SITE], mode="governance", days=1)
    archive = Archive(archive.store, tables)
    work = Workplace(settings=settings.model_copy(update={"processes": 1}), sites={SITE.id: SITE}, archive=archive)
    publish_pages(work, SITE, a_run(2), START + 2 * HOUR, {"bridge": page("bridge", title="Bridge to stay open")})
    bridge = article_id(url_of("bridge"))
    before = [version.text for version in archive.versions(SITE.id, bridge)]
    order = order_takedown(archive, SITE.id, bridge, by="legal", reason="case 17", now=NOW)
    assert not any(version.text for version in archive.versions(SITE.id, bridge))
    assert audit_archive(archive, patience=0).clean
    reinstate(archive, order, by="legal", reason="dismissed", now=NOW + HOUR)
    assert [version.text for version in archive.versions(SITE.id, bridge)] == before
    done = order_takedown(archive, SITE.id, bridge, by="court", reason="case 18", destroy=True, now=NOW + 2 * HOUR)
    assert done.state == "destroyed"
    assert audit_archive(archive, patience=0).clean
    client, locked, words = archive.store._client, set(done.locked), b"iron bridge over the river"
    page_of = client.get_paginator("list_object_versions").paginate(Bucket=settings.bucket)
    left = set()
    for each in (one for part in page_of for one in part.get("Versions", ())):
        if each["Key"].startswith(("articles/", "sealed/", "runs/", "warc/")):
            name = {"Bucket": settings.bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
            body = client.get_object(**name)["Body"].read()
            with suppress(OSError, EOFError):
                body = gzip.decompress(body) if each["Key"].endswith(".gz") else body
            if words in body:
                left.add(each["Key"])
    assert left <= locked  # each is named with its date, or gone
    for page_ in client.get_paginator("list_object_versions").paginate(Bucket=settings.bucket):
        for each in (*page_.get("Versions", ()), *page_.get("DeleteMarkers", ())):
            client.delete_object(
                Bucket=settings.bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
            )
