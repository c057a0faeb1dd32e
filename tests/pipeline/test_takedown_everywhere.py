"""After a takedown nothing that can be called gives the words back: commands, exports, the reader, every object."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import reader
from pipeline.archive import Archive
from pipeline.cli import app
from pipeline.errors import MunimentError, NotInArchive
from pipeline.model import article_id
from pipeline.steps import Workplace
from pipeline.table import open_table
from pipeline.takedown import order_takedown
from spiders.warc import Captured
from tests.pipeline.built_archive import SITE, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of
from tests.pipeline.crashes import Reader
from tests.pipeline.test_takedown import BY, WHY, leaks, says, take_all
from tests.pipeline.test_takedown_replacing import made_up
from tests.pipeline.test_takedown_sieve import work

__all__ = ["work"]

NAME = "secret-story"
ARTICLE = article_id(url_of(NAME))
SITE_FILE = f"""
name = "{SITE.name}"
home = "{SITE.home}"
kind = "{SITE.kind}"
article = '{SITE.article}'
[[sources]]
type = "feed"
url = "{SITE.sources[0].url}"
"""


@pytest.fixture
def sites(work: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site as a file, for the command line."""
    assert work.archive
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / f"{SITE.id}.toml").write_text(SITE_FILE)
    monkeypatch.setenv("MUNIMENT_SITES", str(folder))


class Story:
    """A story of words that stand nowhere else, and how it was edited."""

    def __init__(self, chance: random.Random) -> None:
        self.title = made_up(chance, 6)
        self.body = [f"{made_up(chance, 25)}." for _ in range(4)]
        self.more = [f"{made_up(chance, 30)}." for _ in range(3)]

    def page(self, edits: int = 0) -> bytes:
        return page(NAME, title=self.title, paragraphs=(*self.body, *self.more[:edits]))

    def words(self) -> list[str]:
        return sorted({word.strip(".") for text in (self.title, *self.body, *self.more) for word in text.split()})


def commands(folder: Path, archive: Archive, runs: list[str]) -> list[list[str]]:
    """What a reader, an auditor or an operator may call."""
    segment = folder / "segment.warc.gz"
    archive.download_segment(archive.segments(SITE.id, runs[-1])[0], segment)
    return [
        ["status", "--json"],
        ["status", SITE.id],
        ["history", ARTICLE],
        ["history", ARTICLE, "--json"],
        ["show", ARTICLE],
        ["show", ARTICLE, "-n", "1", "--json"],
        ["show", ARTICLE, "--at", "2026-11-22T12:00:00Z", "--text"],
        ["diff", ARTICLE, "--full"],
        ["diff", ARTICLE, "1", "2", "--json"],
        ["diff", ARTICLE, "--html", "-o", str(folder / "diff.html")],
        ["changes"],
        ["changes", "--jsonl", "--columns", "title,text,description,authors,tags,note,facts,notices,images"],
        ["memory", SITE.id, "--json"],
        ["takedowns", "--json"],
        ["takedowns", "--due"],
        ["extract", str(segment), "--site", SITE.id, "--json"],
        ["export", "wacz", "--site", SITE.id, "--output", str(folder / "all.wacz"), "--text"],
        ["export", "cdxj", "--site", SITE.id, "--output", str(folder / "all.cdxj")],
        ["export", "pywb", str(folder / "pywb"), "--site", SITE.id],
        ["table", "rebuild"],
        ["table", "maintain"],
        ["audit", "--all", "--json"],
        ["audit", "--all", "--repair"],
        ["history", url_of(NAME)],
    ]


def outputs(folder: Path, archive: Archive, runs: list[str]) -> Iterator[tuple[str, bytes]]:
    """All that they print and write."""
    folder.mkdir()
    for words in commands(folder, archive, runs):
        result = CliRunner().invoke(app, words)
        failure = result.exception
        assert failure is None or isinstance(failure, SystemExit | MunimentError), (words, failure)
        assert result.exit_code != 2, result.output
        yield " ".join(words[:2]), f"{result.output} {failure}".encode()
    (folder / "segment.warc.gz").unlink()  # an object of the bucket
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        body = path.read_bytes()
        yield path.name, body
        if path.suffix == ".wacz":
            with zipfile.ZipFile(io.BytesIO(body)) as package:
                yield from ((f"{path.name} {name}", package.read(name)) for name in package.namelist())


def read_all(archive: Archive) -> Iterator[tuple[str, bytes]]:
    """All that the reader gives, and what is left of the table's history."""
    opened = reader.Archive(f"s3://{archive.store.bucket}")
    yield "articles", repr(opened.articles().to_arrow().to_pylist()).encode()
    yield "current", repr(opened.articles(current=True).to_arrow().to_pylist()).encode()
    yield "sql", repr(opened.sql("SELECT * FROM articles").to_arrow().to_pylist()).encode()
    yield "changes", repr([batch.rows.to_pylist() for batch in opened.changes()]).encode()
    for version in opened.history(ARTICLE):
        yield "version", version.to_json()
        try:
            capture: Captured = opened.capture(version)
        except NotInArchive as error:  # the whole article is withheld; the reader says so
            yield "capture", str(error).encode()
            continue
        yield "capture", repr(capture).encode() + capture.payload
    table = open_table(archive)
    assert table is not None
    for number in range(table.version() + 1):
        try:
            table.load_as_version(number)
            yield f"table {number}", repr(table.to_pyarrow_dataset().to_table().to_pylist()).encode()
        except Exception:  # noqa: BLE001 - what cannot be read gives nothing away
            continue


KINDS = {"suspend", "redact", "destroy"}


@pytest.mark.slow
@pytest.mark.usefixtures("sites")
@pytest.mark.parametrize(
    ("kind", "seed"),
    [("redact", 0), *((kind, seed) for kind in sorted(KINDS) for seed in range(1, 4))],
)
@pytest.mark.timeout(600)
def test_nothing_that_can_be_called_gives_the_words_back(work: Workplace, tmp_path: Path, kind: str, seed: int) -> None:
    archive, chance = work.archive, random.Random(f"{kind} {seed}")
    story, seen, runs = Story(chance), {}, [a_run(8), a_run(9)]
    for edits, run in enumerate(runs):
        publish_pages(
            work, SITE, run, START + (8 + edits) * HOUR, {NAME: story.page(edits)}, seen=seen, extractor=Reader()
        )
    span = " ".join(story.body[chance.randrange(4)].split()[2 : chance.randrange(4, 9)])
    secret = [span] if kind == "redact" else story.words()
    assert any(says(body, secret) for _, body in read_all(archive)), "the test can see them"
    order_takedown(
        archive,
        SITE.id,
        ARTICLE,
        by=BY,
        reason=WHY,
        now=NOW,
        spans=[span] if kind == "redact" else [],
        destroy=kind == "destroy",
    )

    def check() -> None:
        told = [*read_all(archive), *outputs(tmp_path / f"out-{len(runs)}", archive, runs), *read_all(archive)]
        assert {name: found for name, body in told if (found := says(body, secret))} == {}
        assert leaks(archive, secret) == {}
        if kind == "destroy":
            assert {key: found for key, body in take_all(archive).items() if (found := says(body, secret))} == {}

    check()
    later: list[bytes | int] = [304, story.page(1), story.page(2), 404]
    for body in [story.page(2)] if seed == 0 else later:
        runs.append(a_run(8 + len(runs)))
        pages = {NAME: body, "library": 304}
        publish_pages(work, SITE, runs[-1], START + (8 + len(runs)) * HOUR, pages, seen=seen, extractor=Reader())
    check()


def test_an_error_does_not_quote_what_is_withheld(work: Workplace) -> None:
    with pytest.raises(MunimentError) as caught:
        order_takedown(work.archive, SITE.id, article_id(url_of("library")), by=BY, reason="Odile", now=NOW,
                       spans=["odile"])  # fmt: skip
    assert "odile" not in str(caught.value).lower()
