"""takedown, takedowns and reinstate, as a person and as a machine call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.archive import Archive
from pipeline.cli import app
from pipeline.model import article_id
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.store import connect
from tests.pipeline.built_runs import NOW, START, a_run, a_site, found, url_of, write_run

SITE = a_site()
BUDGET = article_id(url_of("budget"))


@pytest.fixture
def told(archive: Archive, settings: Settings, tmp_path: Path) -> Archive:
    findings = [
        found("budget", "Anne Secret has spoken of the budget.", a_run(0), START),
        found("copy", "It is told that Anne  Secret has spoken of the budget.", a_run(0), START),
        found("other", "Nothing of that kind.", a_run(0), START),
    ]
    publish_run(archive, SITE, write_run(archive, SITE, a_run(0), findings), now=NOW)
    return archive


def call(*words: str, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, words, input=stdin)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


BY = ("--by", "legal", "--reason", "no. 1")


def test_an_article_is_suspended_listed_and_reinstated(told: Archive) -> None:
    done = json.loads(call("takedown", BUDGET, *BY, "--json").stdout)
    assert (done["state"], done["site"], done["article"]) == ("carried out", SITE.id, BUDGET)
    assert told.version(SITE.id, BUDGET, 1).text == ""
    [listed] = json.loads(call("takedowns", "--json").stdout)
    assert (listed["takedown"], listed["by"], listed["overdue"]) == (done["takedown"], "legal", False)
    assert done["takedown"] in call("takedowns", "--site", SITE.id).stdout
    assert "reinstated" in call("reinstate", done["takedown"], "--by", "court", "--reason", "dismissed").stdout
    assert told.version(SITE.id, BUDGET, 1).text.startswith("Anne Secret")
    assert call("reinstate", BUDGET, *BY, code=1).exception is not None


def test_words_are_redacted_and_copies_of_them_named(told: Archive) -> None:
    said = call("takedown", BUDGET, "--text", "anne secret", *BY).stdout
    assert "redacted" in said
    assert url_of("copy") in said
    assert url_of("other") not in said
    assert "Secret" not in told.version(SITE.id, BUDGET, 1).text
    assert "Secret" in told.version(SITE.id, article_id(url_of("copy")), 1).text


def test_a_dry_run_needs_no_reason_and_writes_nothing(told: Archive) -> None:
    before = sorted((entry.key, entry.etag) for entry in told.store.list(""))
    assert told.version_key(SITE.id, BUDGET, 1) in call("takedown", BUDGET, "--dry-run").stdout
    assert sorted((entry.key, entry.etag) for entry in told.store.list("")) == before


def test_to_destroy_wants_to_be_confirmed(told: Archive) -> None:
    call("takedown", BUDGET, *BY, "--destroy", code=2)
    assert told.version(SITE.id, BUDGET, 1).text
    assert json.loads(call("takedown", BUDGET, *BY, "--destroy", "--yes", "--json").stdout)["state"] == "destroyed"
    assert told.version(SITE.id, BUDGET, 1).text == ""


def test_what_is_called_wrongly_is_refused(told: Archive) -> None:
    call("takedown", code=2)
    call("takedown", BUDGET, code=2)
    assert call("takedown", "0" * 20, *BY, code=1).exception is not None
    assert call("takedown", "--resume", a_run(3), code=1).exception is not None
    assert list(told.store.list("takedowns/")) == []


def test_what_is_due_is_reinstated(told: Archive, settings: Settings) -> None:
    done = json.loads(call("takedown", BUDGET, *BY, "--until", "2099-01-01", "--json").stdout)
    assert json.loads(call("takedowns", "--due", "--json").stdout) == []
    key = told.takedown_key(SITE.id, done["takedown"])
    standing = connect(settings).get(key)
    told.store.replace(
        key, standing.body.replace(b"2099-01-01", b"2020-01-01"), etag=standing.etag, content_type="application/json"
    )
    assert "OVERDUE" in call("takedowns").stdout
    assert "reinstated" in call("takedowns", "--due").stdout
    assert told.version(SITE.id, BUDGET, 1).text
