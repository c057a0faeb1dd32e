"""``muniment alerts``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipeline.alerts import read_standing, watch
from pipeline.archive import Archive
from pipeline.cli import app
from pipeline.errors import NotInArchive
from pipeline.health import Health
from tests.pipeline.some_alerts import NOW, a_health, rejected
from tests.pipeline.test_status import site as a_site


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["alerts", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_open_alarms_are_listed_with_what_to_do_and_one_can_be_muted(archive: Archive) -> None:
    assert run() == (0, "No alarm is open.\n")
    archive.change_progress(archive.health_key("loop"), Health, lambda _: a_health(rejected(NOW), site="loop"))
    watch(archive, {"loop": a_site()}, NOW, notifiers={})
    code, text = run("--detail")
    assert code == 0
    assert "redesign" in text.splitlines()[1]
    assert "  41 of 44 have no date." in text
    assert "threshold: the first run; it comes from: 1 of the latest 1 runs" in text
    (alarm,) = json.loads(run("--json")[1])
    assert (alarm["alert"]["site"], alarm["alert"]["kind"], alarm["acknowledged"]) == ("loop", "rejected", None)

    code, text = run("acknowledge", "loop", "rejected", "--by", "desk", "--reason", "known")
    assert (code, text) == (0, "loop: rejected is muted until its cause changes or it closes.\n")
    assert "desk: known" in run()[1]
    assert read_standing(archive, "loop").open[0].acknowledged is not None
    assert run("acknowledge", "loop", "rejected", "--by", " ", "--reason", "known")[0] == 2
    with pytest.raises(NotInArchive, match="open: 'rejected'"):
        run("acknowledge", "loop", "silent", "--by", "desk", "--reason", "known")
