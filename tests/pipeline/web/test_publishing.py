"""Publishing what somebody released, as a process does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.health import read_health
from pipeline.model import Report
from pipeline.release import release_run
from pipeline.settings import Settings
from pipeline.steps import extract
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, lend_extractor, page
from tests.pipeline.built_runs import NOW, START, a_run

SITE_FILE = """
name = "Example News"
home = "https://news.example/"
kind = "trade"
article = 'https://news\\.example/news/.+'
[[sources]]
type = "feed"
url = "https://news.example/feed"
"""


@pytest.mark.slow
def test_a_released_run_is_published_and_one_that_nobody_released_is_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / f"{SITE.id}.toml").write_text(SITE_FILE)
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "false")
    work = build_archive(settings)
    run = a_run(50)
    crawl_pages(work, SITE, run, START, {name: page(name, title=f"{name} again") for name in STORIES})
    with lend_extractor() as extractor:
        extract(work, SITE.id, run, 0, extractor=extractor)
    work.archive.write_report(
        Report(site=SITE.id, run=run, verdict="reject", checks=(), counts={}, message="Too much of it.")
    )
    command = [sys.executable, "-m", "pipeline.web.publishing", SITE.id, run]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    assert work.archive.read_published(SITE.id, run) is None
    release_run(work.archive, SITE.id, run, by="otto", reason="It is right.", now=NOW)
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert work.archive.read_published(SITE.id, run) is not None
    health = read_health(work.archive, SITE.id)
    assert health is not None
    assert [each.released for each in health.runs if each.run == run] == [True]
