"""``muniment memory``: what is told of the blocks that repeat on a site."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipeline.archive import Archive
from pipeline.boilerplate import join
from pipeline.cli import app
from pipeline.errors import NotInArchive
from tests.pipeline.furnished_pages import BEGAN, Newsroom, learn_from, observe

RUN = "20261116T060000Z-00000000"


def ask(*words: str) -> str:
    result = CliRunner().invoke(app, ["memory", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_was_learned_is_told_in_words_and_for_machines(archive: Archive) -> None:
    site = "localgov"
    assert "Nothing is known of localgov yet" in ask(site)
    with pytest.raises(NotInArchive, match=RUN):
        ask(site, "--run", RUN)

    newsroom = Newsroom(markup="flat")
    pages = [newsroom.page(0) for _ in range(12)]
    learned = archive.write_lessons(site, RUN, learn_from(pages).of_run(site, RUN, observe(pages)))
    archive.change_progress(archive.boilerplate_key(site), type(learned), lambda known: join(known, learned, BEGAN))

    said = ask(site)
    assert f"learned from 12 different stories, last in run {RUN}" in said
    assert 'left out on 12 of 12 pages: what follows "Latest jobs"' in said
    told = json.loads(ask(site, "--run", RUN, "--json"))
    assert told["stories"] == told["pages"] == 12
    assert {lesson["kind"] for lesson in told["lessons"]} >= {"block", "end"}
    assert all(lesson["words"] for lesson in told["lessons"])
