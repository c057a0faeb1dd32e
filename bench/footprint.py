"""How many bytes the archive keeps for an article, beside the raw pages and beside what other archivers keep of them.

    python -m bench.footprint PACK [--limit N] [--archivebox PROGRAM] [--json FILE]

The pack's pages are served as real sites on loopback and archived by ``muniment run``'s steps; the objects of the
bucket are counted by kind. news-please (in the peers' environment, as ``bench.extraction`` makes it) keeps what its
default pipelines write: the page as HTML and the article as JSON. ArchiveBox, when a program of it is given, fetches
the same URLs with its default extractors, as far as their programs are installed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.extraction import make_peers
from bench.measure import render_table, run_program
from bench.pack import PackPage, PackServer, load_pack, site_id, write_site
from pipeline.archive import open_archive
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import settings_environment

KINDS = {
    "warc/": "WARC segments",
    "articles/": "versions",
    "runs/": "findings and reports",
    "tables/": "table",
    "indexes/": "indexes",
    "journal/": "journal",
    "sites/": "frontier and memory",
}

_NEWS_PLEASE = """
import gzip, json, sys
from newsplease import NewsPlease
total = 0
for line in sys.stdin:
    path, url = json.loads(line)
    html = gzip.open(path).read()
    article = NewsPlease.from_html(html.decode("utf-8", "replace"), url=url, fetch_images=False)
    told = {name: str(value) if value is not None else None for name, value in article.get_serializable_dict().items()}
    total += len(html) + len(json.dumps(told, ensure_ascii=False).encode())
print(json.dumps(total))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--limit", type=int, help="only so many pages, taken evenly")
    parser.add_argument("--archivebox", type=Path, metavar="PROGRAM", help="an installed archivebox")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    pages = load_pack(given.pack, given.limit)
    raw = sum(len(gzip.decompress(page.file.read_bytes())) for page in pages)
    with (
        tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch,
        PackServer(given.pack, copies=1, limit=given.limit) as server,
    ):
        kept = _archive(Path(scratch), server)
        boxed = _box(given.archivebox, Path(scratch) / "box", server, pages) if given.archivebox else None
    figures = {
        "raw pages": raw,
        "raw pages, gzip as served": sum(page.file.stat().st_size for page in pages),
        **{f"Muniment: {kind}": kept[kind] for kind in KINDS.values() if kept[kind]},
        "Muniment, all": kept.total(),
        "news-please: HTML and JSON": _news_please(pages),
        **({"ArchiveBox": boxed} if boxed is not None else {}),
    }
    rows = [(name, f"{size / len(pages):,.0f}", f"{size / raw:.2f}") for name, size in figures.items()]
    print(f"{len(pages)} pages\n")
    print(render_table(("what is kept", "bytes a page", "beside the raw page"), rows))
    if given.json:
        given.json.write_text(json.dumps({"pages": len(pages), "bytes": figures}, indent=2) + "\n", encoding="utf-8")
    return 0


def _archive(home: Path, server: PackServer) -> Counter[str]:
    """Bytes in the bucket by kind after each site ran once."""
    folder = home / "sites"
    for source, address in server.homes.items():
        write_site(folder, source, address)
    settings = Settings(
        home=home,
        sites=(folder,),
        builtin_sites=False,
        scratch=home / "scratch",
        contact="https://example.org/footprint",
    )
    with EmbeddedStore(home, 0) as store:
        environment = {**settings_environment(settings), **store.environment()}
        os.environ.update(store.environment())
        run_program(["bench.run_steps", "--open"], environment=environment)
        sites = sorted(site_id(source) for source in server.homes)
        run_program(["bench.run_steps", *sites, "--at-once", "2"], environment=environment)
        kept: Counter[str] = Counter()
        for entry in open_archive(settings, create=False).store.list(""):
            kind = next((kind for prefix, kind in KINDS.items() if entry.key.startswith(prefix)), "other")
            kept[kind] += entry.size
    return kept


def _news_please(pages: Sequence[PackPage]) -> int:
    lines = "".join(json.dumps([str(page.file.resolve()), page.label["url"]]) + "\n" for page in pages)
    done = subprocess.run(
        [str(make_peers()), "-c", _NEWS_PLEASE], input=lines, capture_output=True, text=True, check=True, timeout=3600
    )
    return int(done.stdout.splitlines()[-1])


def _box(program: Path, folder: Path, server: PackServer, pages: Sequence[PackPage]) -> int:
    """Bytes below ArchiveBox's ``archive/`` after it has added each page."""
    folder.mkdir()
    environment = {**os.environ, "SAVE_ARCHIVE_DOT_ORG": "False", "CHROME_SANDBOX": "False"}

    def call(command: str, *options: str, told: str = "") -> None:
        subprocess.run(
            [str(program.resolve()), command, *options],
            input=told,
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=7200,
        )

    call("init")
    call("add", "--depth=0", told="".join(f"{server.homes[page.source]}{page.path(0)}\n" for page in pages))
    return sum(file.stat().st_size for file in (folder / "archive").rglob("*") if file.is_file())


if __name__ == "__main__":
    raise SystemExit(main())
