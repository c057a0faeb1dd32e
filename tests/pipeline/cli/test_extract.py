"""``muniment extract``: one page from a file, standard input or its address, and a pack of pages."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.cli.extract import UNKNOWN_URL, day_as_written
from pipeline.errors import Permanent
from pipeline.metadata import Clock, parse_moment
from pipeline.model import Moment
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.some_pages import SENTENCES

ADDRESS = "https://ledger.example/news/bridge"
PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Bridge to be mended | Ledger</title>
<script type="application/ld+json">{{"@type": "NewsArticle", "headline": "Bridge to be mended",
"datePublished": "2025-09-04T23:30:00-05:00", "author": {{"@type": "Person", "name": "Amina Haldane"}}}}</script></head>
<body><main><article><h1>Bridge to be mended</h1><h2>What was said</h2>
{"".join(f"<p>{text}</p>" for text in SENTENCES)}
<ul><li>{SENTENCES[0]} So much for the first.</li></ul></article>
<div class="newsletter-signup"><p>Sign up to our newsletter, every morning in your inbox.</p></div></main></body>
</html>"""


@pytest.fixture(autouse=True)
def _no_sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sites"
    folder.mkdir()
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))
    monkeypatch.setenv("MUNIMENT_BUILTIN_SITES", "0")
    monkeypatch.delenv("MUNIMENT_CONTACT", raising=False)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


def _call(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["extract", *map(str, arguments)], input=given)


class TestOnePage:
    def test_text_alone_is_the_text_alone(self, saved: Path) -> None:
        result = _call(saved, "--text")
        assert result.exit_code == 0, result.output
        assert result.stdout.split("\n") == ["What was said", *SENTENCES, f"{SENTENCES[0]} So much for the first.", ""]

    def test_a_packed_page_and_standard_input_are_read_alike(self, saved: Path, tmp_path: Path) -> None:
        packed = tmp_path / "page.html.gz"
        packed.write_bytes(gzip.compress(PAGE.encode()))
        wanted = _call(saved, "--json").stdout
        assert _call(packed, "--json").stdout == wanted
        assert _call("-", "--json", given=PAGE.encode()).stdout == wanted

    def test_the_page_is_shown_with_its_structure_and_where_its_fields_were_read(self, saved: Path) -> None:
        lines = _call(saved, "--url", ADDRESS).stdout.splitlines()
        assert lines[:2] == [ADDRESS, "article"]
        assert "## What was said" in lines
        assert any(line.startswith("- ") and line.endswith("the first.") for line in lines)
        assert any(line.split()[:2] == ["authors", "json-ld"] and "Amina Haldane" in line for line in lines)

    def test_what_a_release_says_beside_its_text_is_shown_too(self, tmp_path: Path) -> None:
        path = tmp_path / "release.html"
        behind = (
            "<p>Notes to editors</p><p>The bridge was built in 1871.</p>"
            "<p>Media contact: Jo March, press office, 01632 960123, press@ledger.example</p>"
            "<p>Read <a href='/files/report.pdf'>the report</a> of the engineers, who went down twice.</p>"
        )
        path.write_text(PAGE.replace("</article>", f"{behind}</article>"), encoding="utf-8")
        shown = {line.split()[0]: line for line in _call(path, "--url", ADDRESS).stdout.splitlines() if line.strip()}
        assert "The bridge was built in 1871." in shown["notes_to_editors"]
        assert "press@ledger.example" in shown["contacts"]
        assert shown["documents"].split()[1:3] == ["link", "0.90"]

    def test_json_has_the_article_and_nothing_else_on_stdout(self, saved: Path) -> None:
        told = json.loads(_call(saved, "--url", ADDRESS, "--json").stdout)
        assert (told["url"], told["site"], told["verdict"], told["reason"]) == (ADDRESS, None, "article", None)
        assert told["article"]["parts"][0] == {
            **dict.fromkeys(("ordered", "rows", "time", "page")),
            "kind": "heading",
            "text": "What was said",
            "level": 2,
        }
        assert "blocks" not in told

    def test_explain_shows_every_block_in_its_order_with_what_became_of_it(self, saved: Path) -> None:
        lines = _call(saved, "--explain").stdout.splitlines()
        signs = [line[0] for line in lines[2:-2]]
        assert signs[0] == "-"
        assert "headline" in lines[2]
        assert any(line.startswith("-") and "newsletter" in line for line in lines)
        assert sum(sign == "+" for sign in signs) == len(SENTENCES) + 2
        assert "blocks kept" in lines[-1]
        assert "\x1b" not in "".join(lines)  # plain where it is piped

    def test_explain_as_json_has_whole_texts_and_reasons(self, saved: Path) -> None:
        blocks = json.loads(_call(saved, "--explain", "--json").stdout)["blocks"]
        assert [block["number"] for block in blocks] == list(range(len(blocks)))
        kept = [block["text"] for block in blocks if block["kept"]]
        assert kept[1:5] == list(SENTENCES)
        assert all(block["why"] and block["rule"] for block in blocks)

    def test_a_page_that_is_no_article_is_a_result(self, tmp_path: Path) -> None:
        path = tmp_path / "short.html"
        path.write_text("<html><body><p>Closed today.</p></body></html>")
        result = _call(path)
        assert (result.exit_code, "not-an-article: too short" in result.stdout) == (0, True)
        text = _call(path, "--text")
        assert (text.exit_code, text.stdout) == (0, "")
        assert "Closed today." in _call(path, "--explain").stdout

    def test_what_a_page_says_cannot_drive_the_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "evil.html"
        path.write_text(PAGE.replace("committee", "com\x1b[31mmittee&#x202e;"))
        for option in ((), ("--explain",), ("--text",)):
            assert "\x1b" not in _call(path, *option).stdout
            assert "\u202e" not in _call(path, *option).stdout

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("missing.html", None, "cannot be read"),
            ("broken.html.gz", b"\x1f\x8b\x08broken", "no whole gzip file"),
            ("cut.html.gz", gzip.compress(b"<html>" + bytes(range(256)), mtime=0)[:60], "it ends too early"),
            ("run.warc.gz", gzip.compress(b"WARC/1.1\r\nWARC-Type: warcinfo\r\n", mtime=0), "WARC file"),
        ],
    )
    def test_a_file_that_holds_no_page_is_refused_with_a_remedy(
        self, tmp_path: Path, name: str, content: bytes | None, said: str
    ) -> None:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        result = _call(tmp_path / name)
        assert isinstance(result.exception, Permanent)
        assert said in result.exception.message
        assert result.exception.next_step

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        assert isinstance(_call(tmp_path).exception, Permanent)

    @pytest.mark.parametrize(
        "arguments",
        [(), ("-", "--json", "--text"), ("https://a.example/", "--url", "https://b.example/"), ("--pack", "x"),
         ("-", "--site-memory"), ("-", "--pack", "x", "--out", "y"), ("-", "--site", "nobody")],
    )  # fmt: skip
    def test_a_wrong_call_is_told_as_one(self, arguments: tuple[str, ...]) -> None:
        assert _call(*arguments, given=b"").exit_code == 2

    def test_an_address_is_asked_for_politely(self, loopback: LoopbackSite) -> None:
        loopback.routes["/news/bridge"] = Reply(body=PAGE.encode())
        result = _call(loopback.url("/news/bridge"), "--text", "--allow-private")
        assert result.exit_code == 0, result.output
        assert loopback.paths() == ["/robots.txt", "/news/bridge"]
        assert SENTENCES[0] in result.stdout

    def test_a_private_address_is_not_asked_unless_it_is_allowed(
        self, loopback: LoopbackSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MUNIMENT_CONTACT", "https://ledger.example/about")
        result = _call(loopback.url("/news/bridge"))
        assert result.exit_code == 1
        assert "could not be had" in result.output
        assert loopback.paths() == []

    def test_an_address_without_a_page_is_a_result_of_its_status(self, loopback: LoopbackSite) -> None:
        result = _call(loopback.url("/news/none"), "--allow-private")
        assert (result.exit_code, "gone: HTTP 404" in result.stdout) == (0, True)


def a_pack(folder: Path, pages: Mapping[str, str | bytes], *, host: str = "https://ledger.example") -> Path:
    (folder / "pages").mkdir(parents=True)
    lines = []
    for name, page in pages.items():
        data = page if isinstance(page, bytes) else gzip.compress(page.encode())
        (folder / "pages" / f"{name}.html.gz").write_bytes(data)
        lines.append(json.dumps({"id": name, "url": f"{host}/news/{name}", "title": "secret", "body": "secret"}))
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def predictions(pack: Path, out: Path, *options: str) -> list[dict[str, object]]:
    result = _call("--pack", pack, "--out", out, "--processes", "1", *options)
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in out.read_text().splitlines()]


class TestPacks:
    def test_each_page_has_its_line_in_the_packs_order(self, tmp_path: Path) -> None:
        pages: dict[str, str | bytes] = {
            "b": PAGE,
            "a": PAGE.replace("mended", "closed"),
            "none": "",
            "torn": b"\x1f\x8btorn",
        }
        found = predictions(a_pack(tmp_path / "pack", pages), tmp_path / "out.jsonl")
        assert [line["id"] for line in found] == ["b", "a", "none", "torn"]
        assert list(found[0]) == ["id", "title", "authors", "date", "body"]
        assert found[0]["title"] == "Bridge to be mended"
        assert found[0]["authors"] == ["Amina Haldane"]
        assert found[0]["date"] == "2025-09-04"
        assert str(found[0]["body"]).split("\n")[1] == SENTENCES[0]
        assert found[2] == {"id": "none", "title": "", "authors": [], "date": None, "body": ""}
        assert found[3]["body"] == ""

    def test_two_runs_write_the_same_bytes(self, tmp_path: Path) -> None:
        pack = a_pack(tmp_path / "pack", {str(n): PAGE.replace("bridge", f"bridge {n}") for n in range(6)})
        predictions(pack, tmp_path / "one.jsonl")
        result = _call("--pack", pack, "--out", tmp_path / "two.jsonl", "--processes", "2")
        assert result.exit_code == 0
        assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()

    def test_a_page_that_is_judged_to_be_no_article_has_its_text_all_the_same(self, tmp_path: Path) -> None:
        short = "<html><body><h1>Hours</h1><p>The library is closed today.</p></body></html>"
        (line,) = predictions(a_pack(tmp_path / "pack", {"short": short}), tmp_path / "out.jsonl")
        assert line["body"] == "The library is closed today."

    def test_with_memory_what_recurs_on_a_hosts_pages_is_left_out(self, tmp_path: Path) -> None:
        promo = "Read the whole of our report on the rivers of the north in the print edition of this week."
        pages = {}
        for number in range(30):
            story = "".join(f"<p>{text[:-1]} at number {number} of the street, it was said.</p>" for text in SENTENCES)
            pages[f"p{number}"] = (
                f"<html><head><title>Story {number} of the street</title></head><body><main><h1>Story {number} of the "
                f"street</h1><p>On day {number * 7} it began with {number} people.</p>{story}<p>{promo}</p></main>"
            )
        pack = a_pack(tmp_path / "pack", pages)
        plain = predictions(pack, tmp_path / "plain.jsonl")
        learned = predictions(pack, tmp_path / "learned.jsonl", "--site-memory")
        assert all(promo in str(line["body"]) for line in plain)
        assert not any(promo in str(line["body"]) for line in learned)
        assert all(f"On day {number * 7} it began" in str(line["body"]) for number, line in enumerate(learned))

    @pytest.mark.parametrize(
        "line", ["no json", '{"url": "https://a.example/"}', '{"id": "../../etc/passwd"}', '{"id": 7}', '{"id": ".."}']
    )
    def test_a_pack_that_is_none_is_refused_with_a_remedy(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "labels.jsonl").write_text(line + "\n")
        result = _call("--pack", tmp_path, "--out", tmp_path / "out.jsonl")
        assert isinstance(result.exception, Permanent)
        assert "line 1" in result.exception.message

    def test_a_folder_without_labels_is_refused_with_a_remedy(self, tmp_path: Path) -> None:
        assert isinstance(_call("--pack", tmp_path, "--out", tmp_path / "out.jsonl").exception, Permanent)

    def test_predictions_that_cannot_be_written_are_refused(self, tmp_path: Path) -> None:
        pack = a_pack(tmp_path / "pack", {})
        assert isinstance(_call("--pack", pack, "--out", tmp_path / "no" / "out.jsonl").exception, Permanent)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-09-04T23:30:00-05:00", "2025-09-04"),
        ("2025-09-04T23:30:00Z", "2025-09-04"),
        ("2025-09-04 23:30", "2025-09-04"),
        ("Thu, 04 Sep 2025 23:30:00 +0100", "2025-09-04"),
        ("September 4, 2025 11:30 PM EST", "2025-09-04"),
        ("04/09/2025", "2025-09-04"),
        ("2025-09-04", "2025-09-04"),
        ("2025-09-04T00:10:00+10:00", "2025-09-04"),
    ],
)
def test_a_day_is_told_as_its_page_wrote_it(text: str, day: str) -> None:
    moment = parse_moment(text, "meta", Clock(latest=datetime(2026, 1, 1, tzinfo=UTC)))
    assert isinstance(moment, Moment)
    assert day_as_written(moment) == day


def test_a_page_of_no_known_address_belongs_to_no_site() -> None:
    assert UNKNOWN_URL.startswith("https://page.invalid/")


def test_a_document_that_cannot_be_read_ends_with_code_1(tmp_path: Path) -> None:
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.4\n")
    result = _call(tmp_path / "torn.pdf")
    assert (result.exit_code, "failed: a broken PDF" in result.stdout) == (1, True)
