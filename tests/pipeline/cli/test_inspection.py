"""``muniment runs`` and ``muniment inspect``, as a person and as a machine call them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import MunimentError, NotInArchive, RunRejected
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import check
from tests.pipeline.built_runs import a_run
from tests.pipeline.cli.test_versions import SITE_FILE
from tests.pipeline.diagnosis.broken_runs import SITE, capture, names, open_newsroom

PAGES = Path(__file__).parents[2] / "pages"


@pytest.fixture(scope="module")
def rejected(seaweed: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The id of a run behind a consent wall, after two that were published. The tests only read."""
    folder = tmp_path_factory.mktemp("sites")
    (folder / f"{SITE.id}.toml").write_text(SITE_FILE, encoding="utf-8")
    environment = {
        **seaweed.environment(),
        "MUNIMENT_HOME": str(tmp_path_factory.mktemp("home")),
        "MUNIMENT_BUCKET": f"inspected-{secrets.token_hex(6)}",
        "MUNIMENT_SITES": str(folder),
        "MUNIMENT_BUILTIN_SITES": "0",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        work = open_newsroom(Settings())
        run = capture(work, dict.fromkeys(names(16), (PAGES / "consent.html").read_bytes()))
        with pytest.raises(RunRejected):
            check(work, SITE.id, run)
        yield run
        with suppress(MunimentError):
            for entry in work.archive.store.list(""):
                work.archive.store.delete(entry.key)


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def told(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json"))


def test_runs_are_listed_newest_first_with_what_is_the_matter(rejected: str) -> None:
    found = told("runs", SITE.id)
    assert [run["run"] for run in found] == [rejected, a_run(24), a_run(0)]
    assert [run["state"] for run in found] == ["rejected", "published", "published"]
    assert found[0]["cause"] == "consent wall"
    lines = call("runs", SITE.id).splitlines()
    assert lines[1].split()[:5] == [rejected, "regular", "rejected", "consent", "wall"]
    assert any(line.startswith(f"{rejected}: Almost certainly a consent wall") for line in lines)
    assert [run["run"] for run in told("runs", SITE.id, "--state", "rejected")] == [rejected]
    assert [run["run"] for run in told("runs", SITE.id, "--limit", "1", "--state", "published")] == [a_run(24)]
    assert CliRunner().invoke(app, ["runs", SITE.id, "--state", "odd"]).exit_code == 2
    assert isinstance(CliRunner().invoke(app, ["runs", "nobody"]).exception, NotInArchive)


def test_a_rejected_run_is_shown_in_full_by_its_id_alone(rejected: str) -> None:
    shown = call("inspect", rejected)
    for said in (
        f"{SITE.id} {rejected}: rejected, regular run",
        "cause: consent wall (likelihood 97%)",
        "reject   blocked",
        "blocked: consent page",
        "https://news.example/news/story-16",
        "evidence: warc/example-news/2026/11/",
        f"`muniment inspect {rejected}`",
    ):
        assert said in shown, (said, shown)
    found = told("inspect", rejected, "--site", SITE.id)
    assert (found["site"], found["report"]["diagnosis"]["cause"]) == (SITE.id, "consent wall")
    reason = next(reason for reason in found["reasons"] if reason["reason"] == "blocked: consent page")
    assert (reason["count"], len(reason["urls"])) == (5, 3)
    assert found["sample"] == []


def test_a_sample_shows_what_is_published_with_its_evidence(rejected: str) -> None:
    published = a_run(24)
    found = told("inspect", published, "--sample", "2")
    assert len(found["sample"]) == 2
    first = found["sample"][0]
    assert first["words"] > 40
    assert first["line"].startswith("The ")
    assert first["evidence"]["warc"].endswith(f"{published}-00000.warc.gz")
    shown = call("inspect", published, "--sample", "1")
    assert "Some of its articles\n" in shown
    assert first["title"] in shown
    assert "What to do" not in shown


def test_a_run_that_is_not_there_is_said_so(rejected: str) -> None:
    for wrong in ("20200101T000000Z-00000000", "../../etc", "x"):
        error = CliRunner().invoke(app, ["inspect", wrong]).exception
        assert isinstance(error, NotInArchive), wrong
    error = CliRunner().invoke(app, ["inspect", "20200101T000000Z-00000000", "--site", SITE.id]).exception
    assert isinstance(error, NotInArchive)
