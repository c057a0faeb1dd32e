"""``muniment sites`` as a person or a script calls it: output, exit codes, and what it says when files are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.sites import app
from pipeline.errors import SettingsError, SiteFileError
from spiders.site import BUILTIN_FOLDER
from tests.loopback import LoopbackSite, Reply

ROOT = Path(__file__).parents[3]
SITE = r"""
name = "Example newsroom"
home = "http://127.0.0.1:8080/"
kind = "council"
article = 'http://127\.0\.0\.1:8080/news/\d+'
examples = ["http://127.0.0.1:8080/news/1"]
unverified = ["sources"]
{}
[[sources]]
type = "feed"
url = "http://127.0.0.1:8080/feed"
[crawl]
allow_private = true
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extra folder that alone is used, with one good site."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.delenv("MUNIMENT_CONTACT", raising=False)
    (tmp_path / "example.toml").write_text(SITE.format(""), encoding="utf-8")
    return tmp_path


def _call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def _json(*arguments: str) -> object:
    result = _call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list_tells_each_site_and_what_is_unverified(folder: Path) -> None:
    result = _call("list")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == [
        "example",
        "council",
        "@hourly",
        "feed",
        "sources",
        "Example",
        "newsroom",
    ]
    listed = _json("list")
    assert isinstance(listed, list)
    assert listed[0]["id"] == "example"
    assert _json("list", "--kind", "trade") == []


def test_the_built_in_sites_are_used_unless_the_setting_says_no(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "1")
    listed = _json("list")
    assert isinstance(listed, list)
    assert {"example", "durham", "lga"} <= {site["id"] for site in listed}


def test_show_tells_every_key_with_its_default(folder: Path) -> None:
    result = _call("show", "example")
    for text in ("crawl.fetch_at_most", "500", "up to 6h: every 1h", "timezone", "Europe/London", str(folder)):
        assert text in result.stdout
    shown = _json("show", "example")
    assert isinstance(shown, dict)
    assert shown["crawl"]["allow_private"] is True


def test_an_unknown_site_is_a_wrong_call_and_a_near_one_is_named(folder: Path) -> None:
    for command in ("show", "check"):
        result = _call(command, "exampel")
        assert result.exit_code == 2
        assert "Did you mean example?" in " ".join(result.output.replace("│", " ").split())


def test_check_tells_what_is_unverified_and_the_commands_to_verify_it(folder: Path) -> None:
    result = _call("check", "example")
    assert result.exit_code == 0
    assert "muniment sites check --live example" in result.stdout
    assert "muniment run example --limit 5" in result.stdout
    assert "'http://127.0.0.1:8080/feed'" in result.stdout
    checked = _json("check")
    assert isinstance(checked, dict)
    assert checked["ok"] is True
    assert checked["sites"][0]["unverified"] == ["sources"]


def test_check_tells_every_mistake_of_every_file_and_the_good_sites_too(folder: Path) -> None:
    (folder / "bad.toml").write_text(SITE.format('schedule = "never"\nx = 1'), encoding="utf-8")
    (folder / "Worse.toml").write_text("name =", encoding="utf-8")
    result = _call("check")
    assert result.exit_code == 1
    assert "ok  example" in result.stdout
    for text in (
        "bad.toml: schedule: ",
        "bad.toml: x: ",
        "Worse.toml: the file's name",
        "Worse.toml: is not TOML",
        "worse.toml",
    ):
        assert text in result.stdout, text
    told = json.loads(_call("check", "--json").stdout)
    assert told["ok"] is False
    assert {problem["key"] for problem in told["problems"]} == {"schedule", "x", ""}
    assert _call("check", "example").exit_code == 0, "a mistake elsewhere does not matter to the site that is asked for"


def test_check_takes_a_file_that_lies_in_no_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("elsewhere") / "new.toml"
    path.write_text(SITE.format('titel = "x"'), encoding="utf-8")
    result = _call("check", str(path))
    assert result.exit_code == 1
    assert "titel: there is no such key" in result.stdout


def test_check_notes_what_is_allowed_but_worth_a_second_look(folder: Path) -> None:
    text = SITE.format('schedule = "*/2 * * * *"') + 'robots = "ignore"\ndelay = 0.5\n'
    text = (
        text.replace("allow_private = true\n", "").replace("/news/1", "/news/1?utm_source=x").replace(r"\d+'", r".+'")
    )
    (folder / "example.toml").write_text(text, encoding="utf-8")
    result = _call("check", "example")
    assert result.exit_code == 0
    for note in (
        "not in canonical form; write http://127.0.0.1:8080/news/1",
        "crawl.robots is ignore",
        "crawl.delay",
        "every ten minutes",
    ):
        assert note in result.stdout, note


def test_check_looks_at_the_schedule_that_is_in_force(folder: Path) -> None:
    soon = datetime.now(UTC).date() + timedelta(days=5)
    for schedule, more, note in (
        ("0,5 8 * * *", "", "schedule is 0,5 8 * * *: more often than every ten minutes"),
        ("3 8 * * *", f"endangered = {soon}", "3 * * * * (in force instead of 3 8 * * *): a run may take 7200 s"),
        ("3 8 * * *", "", None),
    ):
        text = SITE.format(f'schedule = "{schedule}"\n{more}') + "run_seconds = 7200\n"
        (folder / "example.toml").write_text(text, encoding="utf-8")
        said = " ".join(_call("check", "example").stdout.split())
        assert (note in said) if note else "schedule is" not in said, said


def test_list_and_show_fail_with_every_problem_when_a_file_is_wrong(folder: Path) -> None:
    (folder / "example.toml").write_text("name =", encoding="utf-8")
    for arguments in (("list",), ("show", "example")):
        result = _call(*arguments)
        assert isinstance(result.exception, SiteFileError)
        assert "example.toml" in str(result.exception)


def test_a_folder_of_the_setting_that_is_not_there_is_told_with_the_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_SITES", str(folder / "absent"))
    result = _call("check")
    assert result.exit_code == 1
    assert "MUNIMENT_SITES: there is no such folder" in result.stdout


def test_schema_prints_the_file_that_editors_use() -> None:
    assert _call("schema").stdout == (BUILTIN_FOLDER / "site.schema.json").read_text(encoding="utf-8")


def test_live_needs_a_site_by_name_and_a_contact(folder: Path) -> None:
    assert _call("check", "--live").exit_code == 2
    path = folder / "example.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("allow_private = true", ""), encoding="utf-8")
    result = _call("check", "--live", "example")
    assert isinstance(result.exception, SettingsError)
    assert "MUNIMENT_CONTACT" in str(result.exception)


@pytest.fixture(name="loopback")
def _loopback() -> Iterator[LoopbackSite]:
    with LoopbackSite() as site:
        yield site


def test_live_asks_the_site_and_tells_what_it_found(folder: Path, loopback: LoopbackSite) -> None:
    text = SITE.format("").replace("127.0.0.1:8080", loopback.host).replace(r"127\.0\.0\.1:8080", loopback.host)
    (folder / "example.toml").write_text(text + "delay = 0\n", encoding="utf-8")
    feed = f"<rss version='2.0'><channel><item><link>{loopback.url('/news/1')}</link></item></channel></rss>"
    loopback.routes["/feed"] = Reply(body=feed.encode(), headers=(("Content-Type", "application/rss+xml"),))
    loopback.page("/news/1", "<p>One.</p>")
    result = _call("check", "--live", "example")
    assert result.exit_code == 0, result.output
    assert "1 of 1 links are articles" in result.stdout
    told = json.loads(_call("check", "--live", "example", "--json").stdout)
    assert told["live"][0]["article_status"] == 200
    loopback.routes["/feed"] = Reply(status=404)
    assert _call("check", "--live", "example").exit_code == 1


def test_output_to_a_pipe_has_no_colours_and_no_broken_lines(folder: Path) -> None:
    (folder / "a-site-with-a-long-name-that-would-not-fit-into-eighty-columns.toml").write_text(
        SITE.format("").replace("Example newsroom", "A very long name " * 8), encoding="utf-8"
    )
    code = "from pipeline.cli.sites import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "list"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 3


# --- families and probe ------------------------------------------------------------------------------


def test_families_are_listed_and_shown_with_what_they_give(folder: Path) -> None:
    listed = _json("families")
    assert isinstance(listed, list)
    assert {"localgov-drupal", "jadu", "typo3", "opencities"} <= {family["id"] for family in listed}
    shown = _call("families", "Jadu")
    assert shown.exit_code == 0
    assert "{newsroom}/article/" in shown.stdout
    assert _call("families", "nothing-like-it").exit_code == 2


def test_show_says_what_came_from_the_family_and_what_from_the_file(folder: Path) -> None:
    (folder / "five.toml").write_text(
        'name = "Five"\nhome = "https://www.five.gov.uk/"\nkind = "council"\nfamily = "jadu"\n', encoding="utf-8"
    )
    rows: dict[str, list[str]] = {}
    for line in _call("show", "five").stdout.splitlines():
        if line.strip() and not line.startswith(" "):
            rows[line.split()[0]] = line.split()[1:]
    assert rows["article"][:2] == ["family", "jadu"]
    assert rows["sources.0"][:2] == ["family", "jadu"]
    assert rows["crawl.delay"] == ["family", "jadu", "5.0"]
    assert rows["kind"] == ["file", "council"]
    assert rows["schedule"][0] == "default"
    told = _json("show", "five")
    assert isinstance(told, dict)
    assert told["from_family"]["family"] == "jadu"
    assert "sources" in told["from_family"]["keys"]


def test_a_mistake_in_a_family_file_of_a_folder_is_told(folder: Path) -> None:
    (folder / "families").mkdir()
    (folder / "families" / "own.toml").write_text("name = 1\n", encoding="utf-8")
    result = _call("check")
    assert result.exit_code == 1
    assert "own.toml: name" in result.stdout


def _serve_newsroom(loopback: LoopbackSite) -> None:
    slugs = [f"council-agrees-plan-number-{n}" for n in range(8)]
    links = "".join(f'<p><a href="/news/{slug}">{slug}</a></p>' for slug in slugs)
    said = "The council agreed the plan on Tuesday after a long debate about the money that it will cost. "
    text = "".join(f"<p>{said * 3} Number {n}.</p>" for n in range(4))
    loopback.page("/", f'<html lang="en"><title>Anytown</title><nav><a href="/news">News</a></nav>{links}</html>')
    loopback.page("/news", f"<html><h1>News</h1>{links}</html>")
    for slug in slugs:
        head = f"<head><title>{slug}</title></head>"
        body = f"<h1>{slug}</h1><time datetime='2026-11-20'>x</time>{text}"
        loopback.page(f"/news/{slug}", f"<html>{head}<body><main><article>{body}</article></main></body></html>")


def test_probe_writes_a_file_that_check_takes(folder: Path, loopback: LoopbackSite) -> None:
    _serve_newsroom(loopback)
    out = folder / "anytown.toml"
    result = _call("probe", loopback.origin, "--allow-private", "--out", str(out), "--kind", "council", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["ok"]
    assert told["file"] == out.read_text(encoding="utf-8")
    assert [page["kind"] for page in told["articles"]] == ["article"] * 3
    checked = _json("check", str(out))
    assert isinstance(checked, dict)
    assert checked["ok"]
    shown = _json("show", "anytown")
    assert isinstance(shown, dict)
    assert shown["kind"] == "council"
    assert len(shown["examples"]) == 3
    again = _call("probe", loopback.origin, "--allow-private", "--out", str(out))
    assert again.exit_code == 2, "a probe overwrites nothing"


def test_probe_prints_the_file_on_stdout_and_what_it_saw_on_stderr(folder: Path, loopback: LoopbackSite) -> None:
    _serve_newsroom(loopback)
    result = _call("probe", loopback.origin, "--allow-private")
    assert result.exit_code == 0
    assert result.stdout.startswith("# Written by `muniment sites probe")
    assert "requests in all" in result.stderr


def test_probe_says_why_it_made_no_file(folder: Path, loopback: LoopbackSite) -> None:
    loopback.routes["/"] = Reply(status=403)
    result = _call("probe", loopback.origin, "--allow-private", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert "HTTP 403" in told["trouble"]
    assert told["file"] == ""
    with pytest.raises(SettingsError):
        CliRunner().invoke(app, ["probe", "https://unknown.example/"], catch_exceptions=False)
    assert _call("probe", loopback.origin, "--kind", "blog").exit_code == 2
