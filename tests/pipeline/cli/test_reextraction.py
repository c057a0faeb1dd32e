"""``muniment release`` and ``muniment reextract`` as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import ArchiveError, NotInArchive, RunRejected, SettingsError
from pipeline.model import article_id
from pipeline.settings import Settings
from pipeline.steps import Workplace, read_sites
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import a_run, url_of
from tests.pipeline.test_reextract import reject

FILE = """
name = "Example News"
home = "https://news.example/"
kind = "trade"
article = 'https://news\\.example/news/.+'
gone_after_checks = 2
gone_after = "1h"

[[sources]]
type = "feed"
url = "https://news.example/feed"
"""
RULE = """
[[extract]]
strip = ["p:nth-of-type(4)"]
"""


@pytest.fixture
def work(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    folder = tmp_path / "declared"
    folder.mkdir()
    (folder / f"{SITE.id}.toml").write_text(FILE)
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "false")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    return build_archive(settings)


def mend(work: Workplace, tmp_path: Path) -> None:
    (tmp_path / "declared" / f"{SITE.id}.toml").write_text(FILE + RULE)


def call(*arguments: str) -> Any:
    """A command's words, or its JSON; what it raises comes through."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


@pytest.mark.slow
def test_a_rejected_run_is_released_with_a_reason_that_is_asked_for(work: Workplace) -> None:
    run = reject(work, 8)
    refused = CliRunner().invoke(app, ["release", run])
    assert refused.exit_code == 2
    assert "--reason" in refused.output
    with pytest.raises(ArchiveError, match="says so, and why"):
        call("release", run, "--reason", " ")
    told = call("release", run, "--reason", "They moved.", "--by", "Nia", "--json")
    assert told["site"] == SITE.id
    assert told["published"]["run"] == run
    assert "is published; versions: " in call("release", run, "--reason", "They moved.", "--by", "Nia")
    with pytest.raises(NotInArchive, match="There is no run"):
        call("release", a_run(77), "--reason", "why")
    with pytest.raises(NotInArchive, match="not a run's id"):
        call("release", "../../x", "--reason", "why")


def test_a_site_is_compared_and_published_after_that_by_the_runs_id(work: Workplace, tmp_path: Path) -> None:
    mend(work, tmp_path)
    words = call("reextract", SITE.id, "--since", "2026-11-01", "--compare")
    assert "11 captures of 3 runs: 5 articles as before, 1 read otherwise (+0 -12 words)" in words
    assert url_of("bridge") in words
    run = words.rpartition("muniment reextract ")[2].strip()
    article = article_id(url_of("bridge"))
    assert work.archive.latest_number(SITE.id, article) == 2

    told = call("reextract", run, "--json")

    assert (told["run"], told["verdict"], told["comparison"]["text"]) == (run, "warn", 1)
    assert told["published"]["versions"] == {"reextracted": 1}
    assert work.archive.latest_number(SITE.id, article) == 3
    rows = call("changes", "--kind", "reextracted", "--json")
    assert [(row["article"], row["n"]) for row in rows] == [(article, 3)]


@pytest.mark.slow
def test_a_rejected_run_is_published_by_reading_it_again(work: Workplace) -> None:
    run = reject(work, 8)
    words = call("reextract", run)
    assert "versions: 6 new, 1 edited" in words or "versions: 1 edited, 6 new" in words
    with pytest.raises(ArchiveError, match="is published by run"):
        call("release", run, "--reason", "It was right.")


@pytest.mark.slow
def test_all_sites_are_read_again_and_one_that_has_nothing_is_told(work: Workplace) -> None:
    told = call("reextract", "--all", "--json")
    assert [each["site"] for each in told] == [SITE.id]
    assert told[0]["published"]["versions"] == {}
    assert call("reextract", "--all", "--since", "2030-01-01", "--json") == []


def test_what_makes_no_sense_is_refused(work: Workplace, settings: Settings) -> None:
    for arguments in ([], [SITE.id, "--all"]):
        refused = CliRunner().invoke(app, ["reextract", *arguments])
        assert refused.exit_code == 2
    with pytest.raises(SettingsError, match="no period"):
        call("reextract", a_run(0), "--since", "2026-11-01")
    assert read_sites(settings.model_copy(update={"builtin_sites": False})) == {}


@pytest.mark.slow
def test_a_reading_that_loses_articles_is_rejected_with_the_exit_code_of_that(work: Workplace, tmp_path: Path) -> None:
    (tmp_path / "declared" / f"{SITE.id}.toml").write_text(FILE + RULE.replace("p:nth-of-type(4)", "article p"))
    with pytest.raises(RunRejected, match="none any more"):
        call("reextract", SITE.id)
    with pytest.raises(RunRejected, match="none any more"):
        call("reextract", "--all")
