"""Everything that a role is there for, done with just its policy: on the real SeaweedFS with real users."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import table
from pipeline.archive import Archive
from pipeline.audit import audit_archive
from pipeline.cli import app
from pipeline.protection import Role
from pipeline.publish import publish_run
from pipeline.reader import to_arrow
from pipeline.settings import Settings
from pipeline.steps import Workplace, new_run, run_import, run_site
from pipeline.store import NotAllowed, Store
from tests.loopback import LoopbackSite
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page
from tests.pipeline.built_runs import HOUR, START, a_run, a_site, contents, found, url_of, write_run
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
