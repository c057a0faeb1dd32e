"""``muniment table``: how the table stands, its maintenance, and making it anew."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from pipeline.archive import Archive
from pipeline.cli import app
from tests.pipeline.built_runs import a_run
from tests.pipeline.table_workers import PER_RUN, SITE, publish_run


def ask(*words: str) -> str:
    result = CliRunner().invoke(app, ["table", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def tell(*words: str) -> Any:
    return json.loads(ask(*words, "--json"))


def test_the_commands_tell_how_the_table_stands_look_after_it_and_make_it_anew(archive: Archive) -> None:
    assert "There is no table yet" in ask("status")
    assert tell("status") is None
    for hours in range(4):
        publish_run(archive, a_run(hours))
    standing = tell("status")
    assert (standing["rows"], standing["files"], standing["to_merge"]) == (4 * PER_RUN, 4, {SITE.id: 4})
    assert "files to merge" in ask("status")
    assert ask("maintain", "--site", "another") == "0 files of 0 sites were merged, 0 files removed.\n"
    assert tell("maintain")["merged"] == {SITE.id: 4}
    assert tell("status")["files"] == 1
    assert tell("rebuild", "--site", SITE.id) == {SITE.id: 4 * PER_RUN}
    assert f"{SITE.id}" in ask("rebuild")
