"""``muniment preview``: what is shown of one page, and that it is asked for as a crawl would ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.errors import SettingsError
from tests.loopback import LoopbackSite, Reply

WORDS = "The council agreed the plan on Tuesday after a long debate about the money that it will cost. "
ARTICLE = f"""<!DOCTYPE html><html lang="en"><head><title>New bins for all | Anytown</title>
<meta property="og:type" content="article"><meta name="tdm-reservation" content="1">
<script type="application/ld+json">{{"@type": "NewsArticle", "headline": "New bins for all",
"datePublished": "2026-11-20T09:30:00Z", "author": {{"@type": "Person", "name": "Amina Haldane"}}}}</script></head>
<body><nav><a href="/">Home</a></nav><main><article><h1>New bins for all</h1>
{"".join(f"<p>{WORDS * 3} Number {n}.</p>" for n in range(4))}</article>
<div class="share">Share this page with a friend</div></main><footer>Anytown Council</footer></body></html>"""
SITE = r"""
name = "Anytown"
home = "{0}/"
kind = "council"
article = '{1}/news/[a-z0-9-]+'
[[sources]]
type = "feed"
url = "{0}/feed"
[crawl]
allow_private = true
delay = 0.0
"""


@pytest.fixture
def anytown(loopback: LoopbackSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackSite:
    """A site on loopback that a site file declares."""
    monkeypatch.setenv("MUNIMENT_SITES", str(tmp_path))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.delenv("MUNIMENT_CONTACT", raising=False)
    text = SITE.format(loopback.origin, loopback.origin.replace(".", r"\."))
    (tmp_path / "anytown.toml").write_text(text, encoding="utf-8")
    loopback.routes["/news/bins"] = Reply(body=ARTICLE.encode(), headers=(("X-Robots-Tag", "noai"),))
    return loopback


def _call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["preview", *arguments])


def test_text_metadata_with_their_places_and_what_was_stripped_are_shown(anytown: LoopbackSite) -> None:
    result = _call(anytown.url("/news/bins?utm_source=x"))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{anytown.url('/news/bins')}  HTTP 200"
    assert "article" in lines
    assert "site anytown: its URL matches article" in lines
    assert any(line.split()[:2] == ["title", "json-ld"] or "New bins for all" in line for line in lines)
    assert any(line.startswith("authors") and "Amina Haldane" in line for line in lines)
    assert any(line.startswith("published") and "2026-11-20T09:30:00Z" in line for line in lines)
    assert "policy tdm-reservation: 1" in lines
    assert any("noai" in line for line in lines)
    assert any(line.startswith("Stripped") for line in lines)
    assert anytown.paths() == ["/robots.txt", "/news/bins"]


def test_a_site_that_is_drawn_by_script_is_told_as_not_drawn(anytown: LoopbackSite, tmp_path: Path) -> None:
    assert "crawl.render" not in _call(anytown.url("/news/bins")).stdout
    path = tmp_path / "anytown.toml"
    path.write_text(path.read_text() + "render = true\n")
    assert "This is the page as it was received" in " ".join(_call(anytown.url("/news/bins")).stdout.split())


def test_json_has_the_whole_article_and_nothing_else_on_stdout(anytown: LoopbackSite) -> None:
    told = json.loads(_call(anytown.url("/news/bins"), "--json").stdout)
    assert (told["verdict"], told["site"], told["matches_article"], told["status"]) == ("article", "anytown", True, 200)
    assert told["article"]["article"]
    assert told["article"]["origins"]["text"]
    assert told["article"]["text"].count("\n") == 3
    assert told["policy"]["x-robots-tag"] == "noai"


def test_what_is_no_article_is_told_with_its_reason(anytown: LoopbackSite) -> None:
    anytown.routes["/news/gone"] = Reply(status=410)
    anytown.routes["/news/shut"] = Reply(status=403)
    anytown.routes["/news/short"] = Reply(body=b"<html><body><p>Too short.</p></body></html>")
    for path, verdict in (("/news/gone", "gone"), ("/news/shut", "blocked"), ("/news/short", "not-an-article")):
        told = json.loads(_call(anytown.url(path), "--json").stdout)
        assert told["verdict"] == verdict
        assert told["reason"]
        assert told["article"] is None


def test_redirects_are_followed_and_told(anytown: LoopbackSite) -> None:
    anytown.routes["/old"] = Reply(status=301, headers=(("Location", "/news/bins"),))
    told = json.loads(_call(anytown.url("/old"), "--json").stdout)
    assert told["hops"] == [[301, anytown.url("/news/bins")]]
    assert told["final"] == anytown.url("/news/bins")


def test_a_page_that_robots_txt_forbids_is_not_asked_for(anytown: LoopbackSite) -> None:
    anytown.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /news/\n")
    result = _call(anytown.url("/news/bins"), "--json")
    assert result.exit_code == 1
    assert "forbids it" in json.loads(result.stdout)["reason"]
    assert anytown.paths() == ["/robots.txt"]


def test_a_saved_page_is_read_without_asking_anybody(anytown: LoopbackSite, tmp_path: Path) -> None:
    saved = tmp_path / "saved.html"
    saved.write_text(ARTICLE, encoding="utf-8")
    told = json.loads(_call(anytown.url("/news/bins"), "--html", str(saved), "--json").stdout)
    assert told["verdict"] == "article"
    elsewhere = json.loads(_call("https://unknown.example/a", "--html", str(saved), "--json").stdout)
    assert (elsewhere["site"], elsewhere["matches_article"]) == (None, None)
    assert anytown.paths() == []
    assert _call(anytown.url("/x"), "--html", str(tmp_path / "absent")).exit_code == 2


def test_leave_to_ask_private_addresses_leaves_the_page_its_site(anytown: LoopbackSite, tmp_path: Path) -> None:
    told = json.loads(_call(anytown.url("/news/bins"), "--allow-private", "--json").stdout)
    assert (told["site"], told["matches_article"]) == ("anytown", True)
    file = tmp_path / "anytown.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("allow_private = true", ""), encoding="utf-8")
    told = json.loads(_call(anytown.url("/news/bins"), "--allow-private", "--json").stdout)
    assert (told["site"], told["verdict"]) == ("anytown", "article")


def test_what_the_rules_of_the_sites_file_did_is_shown(anytown: LoopbackSite, tmp_path: Path) -> None:
    file = tmp_path / "anytown.toml"
    rules = '[[extract]]\nstrip = [".share", ".promo"]\nfields = { section = "footer", ward = ".ward" }\n'
    file.write_text(file.read_text(encoding="utf-8") + rules, encoding="utf-8")
    saved = tmp_path / "saved.html"
    saved.write_text(ARTICLE, encoding="utf-8")
    result = _call(anytown.url("/news/bins"), "--html", str(saved))
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert 'strip ".share": found, stripped: 1' in lines
    assert 'strip ".promo": found nothing, read as usual' in lines
    assert 'section "footer": found' in lines
    told = json.loads(_call(anytown.url("/news/bins"), "--html", str(saved), "--json").stdout)
    assert told["article"]["origins"]["section"] == "site rule"
    assert told["rules"]['ward ".ward"'] is False


def test_the_live_web_is_asked_only_with_a_contact_address(anytown: LoopbackSite) -> None:
    result = _call("https://unknown.example/a")
    assert isinstance(result.exception, SettingsError)
    assert "MUNIMENT_CONTACT" in str(result.exception)
    assert _call("ftp://x").exit_code == 2
    assert _call(anytown.url("/news/bins"), "--site", "absent").exit_code == 2


def test_a_contact_that_cannot_stand_in_a_header_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_CONTACT", "Büro (news)")
    result = CliRunner().invoke(app, ["preview", "https://www.anytown.example/news/1"])
    assert isinstance(result.exception, SettingsError)
    assert "plain ASCII" in result.exception.next_step


def test_a_page_cannot_drive_the_terminal(anytown: LoopbackSite) -> None:
    anytown.routes["/news/bins"] = Reply(body=ARTICLE.replace("New bins", "New \x1b[31m \u202ebins").encode())
    result = _call(anytown.url("/news/bins"))
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
