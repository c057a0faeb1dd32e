"""What a site's memory makes of its pages, on made-up newsrooms whose true text is known (`bench.markup`).

    python -m bench.sitememory [--sites 6] [--first-seed 0] [--degree flat]… [--runs 5] [--why] [--json FILE]
    python -m bench.sitememory --through steps [--degree flat] [--seed 3]       # crawl, learn, extract, publish

The first form calls the pure functions: in each run all new pages (30 in the first, 12 in each later one) and eight
old ones with other noise are observed, the memory learns from them, and then the pages are read, with it and without.
Precision and recall are of runs of four words, averaged over pages as in `bench.scoring`; beside them stand shares of
words. ``--why`` says what was kept that is noise and what was lost that is text.

What is wanted: precision at least .95 in the first run and .98 from the second on, with recall at least .995, at
every degree of mark-up; recall at least .995 on pages with sentences that recur and belong there, and on stories that
were published twice. The exit status is 1 where that is not so.

The second form serves one newsroom on loopback and lets `muniment run` do everything, a run a day, into a real
SeaweedFS; the texts are those of the archive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.again import run_command
from bench.markup import DEGREES, REPEATS, RUNS, Degree, Newsroom, Written, open_newsroom
from bench.measure import count_cores, render_table
from bench.scoring import PageScore, score_page
from bench.web import WebSite

WANTED_FIRST, WANTED_LATER, WANTED_RECALL = 0.95, 0.98, 0.995
"""Precision in the first run and in later ones, and recall."""

_AGAIN = 8  # old pages that are looked at once more in each later run
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Read:
    """One page as it was read, beside the truth."""

    degree: Degree
    seed: int
    run: int  # from 1
    traits: frozenset[str]
    memory: bool
    score: PageScore
    words: tuple[int, int, int]  # shared, extracted, true
    same: bool | None = None  # an old page with other noise: whether its text is what it was
    noise: tuple[str, ...] = ()  # names of what was kept and is none of the text
    lost: tuple[str, ...] = ()  # kinds of blocks that were lost


def _lines(text: str) -> list[str]:
    return [" ".join(_WORD.findall(line)) for line in text.split("\n") if _WORD.search(line)]


def compare(newsroom: Newsroom, page: Written, text: str, *, memory: bool, before: str | None = None) -> Read:
    """Hold a text that was read against the one that is true.

    Args:
        newsroom: whose page it is.
        page: as it was served.
        text: what was read.
        memory: whether the site's memory was at work.
        before: the text that was read of the same article in its first run.
    """
    true, found = Counter(_WORD.findall(page.text)), Counter(_WORD.findall(text))
    boxes = {
        name: _lines(
            "\n".join((box.heading if box.shape != "figure" else "", *(line for row in box.rows for line in row)))
        )
        for name, box in newsroom.furnish(page, page.run).items()
    }
    told = set(_lines(page.text))
    noise: list[str] = []
    for line in _lines(text):
        if line not in told and not any(line in one for one in told):
            whose = [name for name, rows in boxes.items() if any(row in line or line in row for row in rows)]
            noise.append("headline" if line in _lines(page.title) else whose[0] if whose else "else")
    whole = " ".join(_lines(text))
    lost = [
        block.kind for block in page.blocks if not all(one in whole for line in block.lines for one in _lines(line))
    ]
    return Read(
        degree=newsroom.degree,
        seed=newsroom.seed,
        run=page.run + 1,
        traits=page.traits,
        memory=memory,
        score=score_page(page.text, text),
        words=((true & found).total(), found.total(), true.total()),
        same=None if before is None else before == text,
        noise=tuple(noise),
        lost=tuple(lost),
    )


def make_site(newsroom: Newsroom) -> Any:
    """The newsroom's site, as its file would declare it."""
    from spiders.site import Site, Source

    return Site(
        id="newsroom",
        name=newsroom.paper,
        home=f"{newsroom.home}/",
        kind="regional",
        article=re.escape(newsroom.home) + r"/news/\d+-[a-z0-9-]+",
        sources=(Source(type="sitemap", url=f"{newsroom.home}/sitemap.xml"),),
    )


def read_site(degree: Degree, seed: int, runs: int = RUNS, *, first: int = 30, later: int = 12) -> list[Read]:
    """Run one newsroom through learning and extraction, run by run, with the memory and without it."""
    from pipeline.boilerplate import Memory, learn
    from pipeline.extract import extract_page, observe_page

    newsroom = open_newsroom(degree, seed=seed, runs=runs, first=first, later=later)
    site = make_site(newsroom)
    memory: Memory | None = None
    reads: list[Read] = []
    texts: dict[tuple[str, bool], str] = {}
    for run in range(runs):
        new = newsroom.publish(run)
        old = [newsroom.render(page, run=run) for page in newsroom.published[0][:_AGAIN]] if run else []
        now = newsroom.when(run)
        seen = [
            observed
            for page in (*new, *old)
            if (observed := observe_page(page.html, requested=page.url, captured_at=now, content_type="text/html"))
        ]
        memory = learn(memory, seen, now)
        for page in (*new, *old):
            for known in (None, memory):
                reading = extract_page(
                    page.html,
                    site=site,
                    url=page.url,
                    requested=page.url,
                    captured_at=now,
                    content_type="text/html",
                    memory=known,
                )
                text = reading.article.text if reading.article else ""
                mark = (page.path, known is not None)
                reads.append(compare(newsroom, page, text, memory=known is not None, before=texts.get(mark)))
                texts.setdefault(mark, text)
    return reads


# --- the figures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over some pages."""

    pages: int
    precision: float
    recall: float
    word_precision: float
    word_recall: float
    exact: float  # share of pages whose words are the true ones in their order
    worst: float  # recall of the page that lost most


def sum_up(reads: Sequence[Read]) -> Figures:
    """Means over these pages; an empty text has recall 0 and no precision."""
    shared, found, true = (sum(read.words[i] for read in reads) for i in range(3))
    claimed = [read.score.precision for read in reads if read.score.claimed]
    return Figures(
        pages=len(reads),
        precision=fmean(claimed) if claimed else 0.0,
        recall=fmean(read.score.recall for read in reads),
        word_precision=shared / found if found else 0.0,
        word_recall=shared / true if true else 0.0,
        exact=fmean(read.score.exact for read in reads),
        worst=min(read.score.recall for read in reads),
    )


@dataclass(kw_only=True)
class Verdict:
    """What was wanted and is not so."""

    broken: list[str] = field(default_factory=list)

    def want(self, name: str, value: float, least: float) -> str:
        """The value as it is shown; what is too low is marked and remembered."""
        if value < least:
            self.broken.append(f"{name}: {value:.4f} < {least}")
        return f"{value:.3f}{'' if value >= least else ' ✗'}"


def tell(reads: Sequence[Read], verdict: Verdict) -> str:
    """Tables: by degree and run, by what recurs, and of pages that were looked at again."""
    degrees = [degree for degree in DEGREES if any(read.degree == degree for read in reads)]
    rows: list[Sequence[object]] = []
    for degree in degrees:
        for run in sorted({read.run for read in reads}):
            some = [read for read in reads if read.degree == degree and read.run == run and read.same is None]
            known = sum_up([read for read in some if read.memory])
            name, least = f"{degree}, run {run}", WANTED_FIRST if run == 1 else WANTED_LATER
            rows.append(
                (
                    *(degree, run, known.pages, *_plain(some)),
                    verdict.want(f"precision, {name}", known.precision, least),
                    verdict.want(f"recall, {name}", known.recall, WANTED_RECALL),
                    *(f"{known.word_precision:.3f}", f"{known.word_recall:.3f}", f"{known.exact:.2f}"),
                )
            )
    heads = ["mark-up", "run", "pages", "P without", "R without", "precision", "recall", "words P", "words R", "exact"]
    tables = [render_table(heads, rows)]
    rows = []
    for name, wanted in {"sentences that recur": REPEATS, "stories published twice": frozenset({"copy"})}.items():
        for degree in degrees:
            some = [read for read in reads if read.degree == degree and read.traits & wanted and read.same is None]
            if not some:
                continue
            known = sum_up([read for read in some if read.memory])
            shown = verdict.want(f"recall, {name}, {degree}", known.recall, WANTED_RECALL)
            rows.append(
                (
                    name,
                    degree,
                    known.pages,
                    _plain(some)[1],
                    shown,
                    f"{known.worst:.3f}",
                    f"{known.precision:.3f}",
                )
            )
    tables.append(
        render_table(["pages with", "mark-up", "pages", "R without", "recall", "worst page", "precision"], rows)
    )
    rows = []
    for degree in degrees:
        again = [read for read in reads if read.degree == degree and read.same is not None]
        if again:
            pairs = [[bool(read.same) for read in again if read.memory == memory] for memory in (False, True)]
            shares = [f"{fmean(pair):.3f}" if pair else None for pair in pairs]
            rows.append((degree, len(pairs[1]), *shares))
    if rows:
        heads = ["mark-up", "looked at again", "same text without memory", "same text with memory"]
        tables.append(render_table(heads, rows))
    return "\n\n".join(tables)


def _plain(reads: Sequence[Read]) -> tuple[str | None, str | None]:
    """Precision and recall without the memory, where pages were read without it."""
    plain = [read for read in reads if not read.memory]
    figures = sum_up(plain) if plain else None
    return (f"{figures.precision:.3f}", f"{figures.recall:.3f}") if figures else (None, None)


def tell_why(reads: Sequence[Read]) -> str:
    """What was kept that is noise, and what was lost, counted over pages read with the memory."""
    rows: list[Sequence[object]] = []
    for degree in DEGREES:
        for later in (False, True):
            some = [read for read in reads if read.memory and read.degree == degree and (read.run > 1) == later]
            if not some:
                continue
            noise, lost = (
                Counter(n for read in some for n in read.noise),
                Counter(n for read in some for n in read.lost),
            )
            rows.append(
                (
                    *(degree, "later" if later else "first", len(some)),
                    ", ".join(f"{name} {number}" for name, number in noise.most_common(8)) or "–",
                    ", ".join(f"{name} {number}" for name, number in lost.most_common(4)) or "–",
                )
            )
    return render_table(["mark-up", "run", "pages", "lines kept that are noise", "blocks lost"], rows)


def tell_sites(reads: Sequence[Read]) -> str:
    """Each site for itself."""
    rows = []
    for degree, seed in dict.fromkeys((read.degree, read.seed) for read in reads):
        some = [read for read in reads if read.memory and (read.degree, read.seed) == (degree, seed)]
        first, later = ([read for read in some if (read.run > 1) == so and read.same is None] for so in (False, True))
        figures = [f"{value:.3f}" for part in (first, later) if part for value in _two(sum_up(part))]
        newsroom = open_newsroom(degree, seed=seed, runs=1)
        about = f"{newsroom.language}{', ' + newsroom.changes if newsroom.changes else ''}"
        rows.append((degree, seed, about, *figures, *["–"] * (4 - len(figures))))
    return render_table(["mark-up", "seed", "site", "P first", "R first", "P later", "R later"], rows)


def _two(figures: Figures) -> tuple[float, float]:
    return figures.precision, figures.recall


# --- through the steps ----------------------------------------------------------------------------------


def write_site_file(folder: Path, newsroom: Newsroom) -> None:
    """The newsroom's site file: no politeness, and every page looked at again in every run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "newsroom.toml").write_text(
        f"""
name = {json.dumps(newsroom.paper)}
home = "{newsroom.home}/"
kind = "regional"
article = '{re.escape(newsroom.home)}/news/[0-9]+-[a-z0-9-]+'

[[sources]]
type = "sitemap"
url = "{newsroom.home}/sitemap.xml"

[crawl]
delay = 0
concurrency = 8
allow_private = true

[[recheck]]
every = "1s"
""",
        encoding="utf-8",
    )


def run_steps(degree: Degree, seed: int, runs: int, home: Path) -> list[Read]:
    """Let `muniment run` crawl, learn, extract and publish a newsroom, a run a day; read the archive after each."""
    from pipeline.archive import open_archive
    from pipeline.reader import run_versions
    from pipeline.seaweed import EmbeddedStore
    from pipeline.settings import Settings

    newsroom = open_newsroom(degree, seed=seed, runs=runs)
    now = {"run": 0}
    reads: list[Read] = []
    store = EmbeddedStore(home, 0)
    with WebSite(lambda path: newsroom.answer(path, run=now["run"])) as site:
        newsroom.home = site.home
        write_site_file(home / "sites", newsroom)
        store.up()
        kept = dict(os.environ)
        try:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MUNIMENT_"))},
                **store.environment(),
                "MUNIMENT_HOME": str(home),
                "MUNIMENT_SITES": str(home / "sites"),
                "MUNIMENT_BUILTIN_SITES": "false",
                "MUNIMENT_CONTACT": "https://example.org/bench",
                "MUNIMENT_SCRATCH": str(home),
            }
            run_command(["store", "check", "--create"], environment)
            os.environ.clear()
            os.environ.update(environment)
            archive = open_archive(Settings())
            for run in range(runs):
                now["run"] = run
                ahead = {**environment, "MUNIMENT_CLOCK_AHEAD": f"P{run}D"} if run else environment
                seconds, _, said = run_command(["run", "newsroom"], ahead)
                print(f"run {run + 1}: {seconds:.0f} s. {' '.join(said.split())[-200:]}", file=sys.stderr, flush=True)
                latest = max(archive.runs("newsroom"))
                found = {version.url: version.text for version in run_versions(archive, "newsroom", latest)}
                reads += [
                    compare(newsroom, page, found.get(page.url, ""), memory=True) for page in newsroom.publish(run)
                ]
                # An old page whose noise is other must not have become a new version.
                for page in newsroom.published[0][:_AGAIN] if run else ():
                    again = newsroom.render(page, run=run)
                    text = found.get(again.url)
                    reads.append(
                        compare(newsroom, again, page.text if text is None else text, memory=True, before=page.text)
                    )
        finally:
            os.environ.clear()
            os.environ.update(kept)
            store.down()
    return reads


# --- the program ----------------------------------------------------------------------------------------


def _read_one(job: tuple[Degree, int, int]) -> list[Read]:
    return read_site(*job)


def read_sites(degrees: Sequence[Degree], seeds: Iterable[int], runs: int) -> list[Read]:
    """All newsrooms, in as many processes as there are cores."""
    jobs = [(degree, seed, runs) for degree in degrees for seed in seeds]
    reads: list[Read] = []
    with ProcessPoolExecutor(min(count_cores(), len(jobs))) as pool:
        for number, some in enumerate(pool.map(_read_one, jobs), start=1):
            reads += some
            print(f"{number} of {len(jobs)} newsrooms", file=sys.stderr, flush=True)
    return reads


def main(words: list[str] | None = None) -> int:
    """Measure, print Markdown tables; 0 when all that is wanted is so."""
    parser = argparse.ArgumentParser(description="What a site's memory makes of made-up newsrooms.")
    parser.add_argument("--degree", action="append", choices=DEGREES, help="may be repeated (default: all)")
    parser.add_argument("--sites", type=int, default=6, help="newsrooms of each degree")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--why", action="store_true", help="say what was kept wrongly, what was lost, and where")
    parser.add_argument("--through", choices=("functions", "steps"), default="functions")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    degrees = asked.degree or list(DEGREES)
    if asked.through == "steps":
        home = Path(tempfile.mkdtemp(prefix="muniment-sitememory-"))
        try:
            reads = run_steps((asked.degree or ["flat"])[0], asked.first_seed, asked.runs, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    else:
        reads = read_sites(degrees, range(asked.first_seed, asked.first_seed + asked.sites), asked.runs)
    verdict = Verdict()
    print(tell(reads, verdict))
    if asked.why:
        print(f"\n{tell_why(reads)}\n\n{tell_sites(reads)}")
    if verdict.broken:
        print("\nNot as wanted (✗):\n" + "\n".join(f"- {line}" for line in verdict.broken))
    if asked.json:
        told: dict[str, Any] = {
            "broken": verdict.broken,
            "figures": [
                {"degree": degree, "run": run, "memory": memory, **asdict(sum_up(some))}
                for degree in degrees
                for run in range(1, asked.runs + 1)
                for memory in (False, True)
                if (
                    some := [
                        read
                        for read in reads
                        if (read.degree, read.run, read.memory) == (degree, run, memory) and read.same is None
                    ]
                )
            ],
        }
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
