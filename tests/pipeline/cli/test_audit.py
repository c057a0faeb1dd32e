"""``muniment audit``, as a person and as a machine call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import a_run
from tests.pipeline.damage import RawBucket, open_raw


@pytest.fixture
def raw(settings: Settings, seaweed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> RawBucket:
    build_archive(settings, runs=1)
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    return open_raw(seaweed.environment(), settings.bucket)


def test_the_verdict_comes_first_and_the_exit_status_says_the_same(raw: RawBucket, tmp_path: Path) -> None:
    call = CliRunner().invoke
    heads = tmp_path / "heads.json"
    whole = call(app, ["audit", "--all", "--save-heads", str(heads)])
    assert whole.exit_code == 0
    assert whole.stdout.startswith("Nothing is wrong: all ")
    assert json.loads(heads.read_bytes())["heads"][SITE.id]["n"] == 1
    assert call(app, ["audit", "--sample", "3", "--seed", "7"]).stdout.count("seed 7") == 1

    key = f"runs/{SITE.id}/{a_run(0)}/report.json"
    raw.delete(key)
    wrong = call(app, ["audit", "--all", "--heads", str(heads), "--json"])
    assert wrong.exit_code == 1
    told = json.loads(wrong.stdout)
    [found] = told["findings"]
    assert (told["clean"], found["key"], found["problem"], found["run"]) == (False, key, "missing", a_run(0))
    said = call(app, ["audit", "--site", SITE.id, "--sample", "50%"]).stdout
    assert said.startswith("1 thing is wrong: ")
    assert f"\n{SITE.id}: run\n- {key}: missing\n    expected  " in said
    assert "    do        Restore it from a backup" in said


def test_repair_makes_anew_what_is_derived_and_says_so(raw: RawBucket) -> None:
    key = f"indexes/{SITE.id}/{a_run(0)}.cdxj"
    raw.delete(key)
    done = CliRunner().invoke(app, ["audit", "--repair", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["repaired"] == {"done": [f"{key}, of the run's segments"], "left": []}


@pytest.mark.parametrize("wrong", [["--sample", "many"], ["--sample", "0"], ["--sample", "0%"], ["--heads", "nowhere"]])
def test_a_sample_or_heads_that_are_none_are_refused(raw: RawBucket, wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["audit", *wrong]).exit_code == 2
