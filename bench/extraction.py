"""How good and how fast Muniment's extraction is beside other extractors, on a pack of labelled pages, in one run.

    python -m bench.extraction PACK [--by group] [--only TOOL]… [--limit N] [--rounds 3] [--timed 100]
                                    [--predictions FOLDER] [--json FILE]
    python -m bench.extraction PACK --speed [--rounds 5] [--json FILE]

The first form scores body, title, authors and date of every tool (a pack as `bench.pack` has it), with 95%
intervals from 1,000 resamples of the pages, and says what each took: pages for each second of CPU, and peak memory.
Each tool is a process of its own that reads the same pages (`bench.extractors`); all are asked for the same few
pages in turn, in another order every time, so that whatever else the machine does falls upon all alike. Speed is
the median over the rounds, measured on ``--timed`` pages taken evenly; the first pages of a process are not counted.

The second form measures what is promised of speed: Muniment with all metadata against trafilatura with metadata
(a ratio a round), a segment through one and two processes of `pipeline.workers.Extractor`, memory of the workers
after one and after four passes, and whether two passes give the same bytes.

trafilatura runs in Muniment's own environment. The others have one of their own, ``.muniment/peers``, made from
``bench/peers.txt`` with uv when it is first needed: their requirements are not ours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from types import TracebackType
from typing import Any, Self

import psutil

from bench.extractors import TOOLS
from bench.measure import ROOT, count_cores, render_table
from bench.pack import PackPage, load_pack
from bench.scoring import PageScore, Score, score, score_page

RESAMPLES, SEED = 1000, 0
OURS = ("muniment", "trafilatura", "trafilatura+metadata")
"""Tools that run in this environment."""

PEERS = ROOT / ".muniment" / "peers"
_REQUIREMENTS = ROOT / "bench" / "peers.txt"
_AT_ONCE = 8  # pages that a tool is asked for before it is another's turn
_FIELDS = ("title", "authors", "date")


# --- the tools' processes -------------------------------------------------------------------------------


def make_peers(place: Path = PEERS) -> Path:
    """The Python of the peers' environment, which is made if it is not there or not what the requirements say.

    Raises:
        subprocess.CalledProcessError: uv could not make it; its own words are on standard error.
    """
    python, stamp = place / "bin" / "python", place / "made-from"
    wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return python
    print(f"Making an environment for the other extractors in {place.relative_to(ROOT)} …", file=sys.stderr, flush=True)
    uv = Path(sys.executable).with_name("uv")
    for words in (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
        ["pip", "install", "--quiet", "--python", str(python), "--requirement", str(_REQUIREMENTS)],
    ):
        subprocess.run([str(uv), *words], check=True, cwd=ROOT)
    stamp.write_text(wanted, encoding="ascii")
    return python


@dataclass(kw_only=True)
class Taken:
    """What one tool found and took."""

    tool: str
    version: str = ""
    found: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id
    rounds: list[float] = field(default_factory=list)  # CPU seconds for the timed pages
    peak_mb: float = 0.0

    def speed(self, pages: int) -> float:
        """Pages for each second of CPU: the median over the rounds."""
        return pages / median(self.rounds) if self.rounds and median(self.rounds) else 0.0


class Child:
    """A tool's process; a context manager."""

    def __init__(self, tool: str, python: Path, pages: Path) -> None:
        self.tool = tool
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", "-m", "bench.extractors", tool, str(pages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=environment,
        )
        try:
            self.version: str = self._read()["version"]
        except RuntimeError:
            self.__exit__(None, None, None)
            raise

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError(f"{self.tool} ended too early:\n{self._said.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, pages: Sequence[int], *, tell: bool) -> dict[str, Any]:
        """CPU seconds of each page, and what was found on it when ``tell`` is set."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"pages": list(pages), "tell": tell}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> float:
        """Peak memory in MiB; the process ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        peak: float = self._read()["peak_mb"]
        self._process.wait(30)
        return peak

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                stream.close()


def _pick(number: int, whole: int) -> list[int]:
    return [i * whole // number for i in range(number)] if number < whole else list(range(whole))


def run_tools(
    tools: Sequence[str], pages: Sequence[PackPage], *, rounds: int, timed: int, folder: Path
) -> dict[str, Taken]:
    """Let every tool read every page once, and the timed ones in each round.

    Args:
        tools: names of `bench.extractors.TOOLS`.
        pages: of the pack.
        rounds: how often the timed pages are read.
        timed: how many pages are timed.
        folder: for a list of the pages.
    """
    listed = folder / "pages.json"
    listed.write_text(
        json.dumps([{"file": str(page.file.resolve()), "url": page.label.get("url") or ""} for page in pages]),
        encoding="utf-8",
    )
    chosen = _pick(timed, len(pages))
    taken = {tool: Taken(tool=tool) for tool in tools}
    peers = make_peers() if set(tools) - set(OURS) else PEERS
    with ExitStack() as opened:
        children = {
            tool: opened.enter_context(Child(tool, Path(sys.executable) if tool in OURS else peers, listed))
            for tool in tools
        }
        order = list(tools)
        rng = random.Random(SEED)
        for number in range(rounds):
            asked = list(range(len(pages))) if number == 0 else chosen
            spent = dict.fromkeys(tools, 0.0)
            for begin in range(0, len(asked), _AT_ONCE):
                part = asked[begin : begin + _AT_ONCE]
                rng.shuffle(order)
                for tool in order:
                    answer = children[tool].ask(part, tell=number == 0)
                    spent[tool] += sum(cpu for i, cpu in zip(part, answer["cpu"], strict=True) if i in set(chosen))
                    for i, found in zip(part, answer["found"] or (), strict=False):
                        taken[tool].found[pages[i].id] = found
                _say(f"round {number + 1} of {rounds}: {min(begin + _AT_ONCE, len(asked))} of {len(asked)} pages")
            for tool in tools:
                taken[tool].rounds.append(spent[tool])
        for tool, child in children.items():
            taken[tool].version, taken[tool].peak_mb = child.version, child.end()
    _say("")
    return taken


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    elif line.endswith(" pages") and line.split()[-4] == line.split()[-2]:
        print(line, file=sys.stderr, flush=True)


# --- the scores -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A score with the interval that 95% of the resamples fall into."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def _sample(pages: Sequence[PageScore]) -> float:
    claimed = [page.precision for page in pages if page.claimed]
    expected = [page.recall for page in pages if page.expected]
    precision, recall = fmean(claimed) if claimed else 0.0, fmean(expected) if expected else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _interval(values: list[float]) -> tuple[float, float]:
    values.sort()
    return values[int(0.025 * len(values))], values[min(len(values) - 1, int(0.975 * len(values)))]


def _resample(number: int) -> Iterable[list[int]]:
    rng = random.Random(SEED)
    for _ in range(RESAMPLES):
        yield [rng.randrange(number) for _ in range(number)]


def resample_f1(pages: Sequence[PageScore]) -> Figure:
    """F1 of the averages over pages, and its interval from 1,000 resamples with a fixed seed."""
    low, high = _interval([_sample([pages[i] for i in drawn]) for drawn in _resample(len(pages))])
    return Figure(value=_sample(pages), low=low, high=high)


def resample_share(hits: Sequence[bool]) -> Figure:
    """A share of pages, and its interval."""
    low, high = _interval([fmean([hits[i] for i in drawn]) for drawn in _resample(len(hits))])
    return Figure(value=fmean(hits), low=low, high=high)


def resample_gain(one: Sequence[PageScore], other: Sequence[PageScore]) -> Figure:
    """How much better the F1 of one is than that of the other on the same pages: pairs are drawn together."""
    gains = [_sample([one[i] for i in drawn]) - _sample([other[i] for i in drawn]) for drawn in _resample(len(one))]
    low, high = _interval(gains)
    return Figure(value=_sample(one) - _sample(other), low=low, high=high)


def score_bodies(labels: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> list[PageScore]:
    """Each labelled body's score, in the order of the labels."""
    return [
        score_page(label["body"], found.get(label["id"], {}).get("body") or "") for label in labels if label.get("body")
    ]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A tool's scores on a part of the pack."""

    part: str
    tool: str
    pages: int
    whole: Score
    body: Figure | None
    fields: Mapping[str, Figure | None]
    empty: int  # pages without any text

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "part": self.part,
            "tool": self.tool,
            "pages": self.pages,
            "empty": self.empty,
            **self.whole.to_json(),
            "intervals": {
                name: [figure.low, figure.high]
                for name, figure in {"f1": self.body, **self.fields}.items()
                if figure is not None
            },
        }


def score_part(
    part: str, tool: str, labels: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]
) -> Scored:
    """Score one tool on some of the pages."""
    bodies = score_bodies(labels, found)
    fields: dict[str, Figure | None] = {}
    for name in _FIELDS:
        if not any(name in found.get(label["id"], {}) for label in labels):
            fields[name] = None  # the tool does not give it
            continue
        hits = [
            getattr(score([{"id": label["id"], name: label[name]}], found), name) == 1.0
            for label in labels
            if label.get(name)
        ]
        fields[name] = resample_share(hits) if hits else None
    return Scored(
        part=part,
        tool=tool,
        pages=len(labels),
        whole=score(labels, found),
        body=resample_f1(bodies) if bodies else None,
        fields=fields,
        empty=sum(not (found.get(label["id"], {}).get("body") or "").strip() for label in labels),
    )


def _parts(labels: Sequence[Mapping[str, Any]], by: str) -> dict[str, list[Mapping[str, Any]]]:
    parts: dict[str, list[Mapping[str, Any]]] = {"all": list(labels)}
    for label in labels:
        parts.setdefault(f"{by} {label.get(by) or '–'}", []).append(label)
    return dict(sorted(parts.items(), key=lambda item: item[0] != "all")) if len(parts) > 2 else {"all": list(labels)}


def tell_scores(scored: Sequence[Scored]) -> str:
    """A table of scores for each part of the pack."""
    tables = []
    for part in dict.fromkeys(one.part for one in scored):
        rows = [
            (
                one.tool,
                one.body,
                f"{one.whole.precision:.3f}",
                f"{one.whole.recall:.3f}",
                f"{one.whole.page_f1:.3f}",
                f"{one.whole.exact:.3f}",
                *(one.fields[name] for name in _FIELDS),
                one.empty,
            )
            for one in scored
            if one.part == part
        ]
        pages = next(one.pages for one in scored if one.part == part)
        heads = ["tool", "body F1", "precision", "recall", "page F1", "exact", *_FIELDS, "no text"]
        tables.append(f"### {part}, {pages} pages\n\n{render_table(heads, rows)}")
    return "\n\n".join(tables)


def tell_gains(
    labels: Sequence[Mapping[str, Any]], by: str, taken: Mapping[str, Taken]
) -> tuple[str, list[dict[str, Any]]]:
    """Muniment's body F1 less trafilatura's, part by part, with the interval of the difference."""
    rows: list[tuple[object, ...]] = []
    told: list[dict[str, Any]] = []
    for part, some in _parts(labels, by).items():
        one, other = (score_bodies(some, taken[tool].found) for tool in ("muniment", "trafilatura"))
        if one:
            gain = resample_gain(one, other)
            rows.append((part, len(one), f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"))
            told.append({"part": part, "pages": len(one), "gain": gain.value, "low": gain.low, "high": gain.high})
    return render_table(["part", "pages", "body F1, Muniment less trafilatura"], rows), told


def tell_costs(taken: Mapping[str, Taken], timed: int) -> str:
    """A table of what each tool took."""
    base = taken.get("trafilatura+metadata") or next(iter(taken.values()))

    def spread(one: Taken) -> str:
        ratios = sorted(theirs / ours for theirs, ours in zip(base.rounds, one.rounds, strict=True) if ours)
        return f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})" if ratios else "–"

    return render_table(
        ["tool", "version", "pages/s and core", "CPU ms/page", f"× {base.tool}", "peak MB"],
        [
            (
                *(one.tool, one.version, one.speed(timed), 1000 * median(one.rounds) / timed),
                *(spread(one), one.peak_mb),
            )
            for one in taken.values()
        ],
    )


def measure_quality(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run all tools, print the tables, and give the figures."""
    pages = load_pack(asked.pack, asked.limit)
    tools = asked.only or list(TOOLS)
    timed = min(asked.timed, len(pages))
    taken = run_tools(tools, pages, rounds=asked.rounds, timed=timed, folder=folder)
    if asked.predictions:
        asked.predictions.mkdir(parents=True, exist_ok=True)
        for tool, one in taken.items():
            lines = (json.dumps({"id": page.id, **one.found[page.id]}, ensure_ascii=False) for page in pages)
            file = asked.predictions / f"{tool.replace('+', '-with-')}.jsonl"
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    labels = [page.label for page in pages]
    scored = [
        score_part(part, tool, some, taken[tool].found)
        for part, some in _parts(labels, asked.by).items()
        for tool in tools
    ]
    print(f"{tell_scores(scored)}\n")
    for tool, one in taken.items():
        for why, number in Counter(found["why"] for found in one.found.values() if found.get("why")).most_common(5):
            print(f"{tool}: {number} pages: {why}", file=sys.stderr)
    told: dict[str, Any] = {"scores": [one.to_json() for one in scored]}
    if {"muniment", "trafilatura"} <= taken.keys():
        table, told["gains"] = tell_gains(labels, asked.by, taken)
        print(f"{table}\n")
    print(tell_costs(taken, timed))
    told["costs"] = [
        {
            "tool": one.tool,
            "version": one.version,
            "pages_per_cpu_second": one.speed(timed),
            "rounds": one.rounds,
            "timed": timed,
            "peak_mb": one.peak_mb,
        }
        for one in taken.values()
    ]
    return told


# --- speed ----------------------------------------------------------------------------------------------


def write_segment(pages: Sequence[PackPage], folder: Path) -> Path:
    """The pages as a sealed segment, as a crawl leaves it."""
    from spiders.warc import Exchange, SegmentWriter

    moment = datetime(2026, 11, 22, 9, tzinfo=UTC)
    writer = SegmentWriter(
        folder, run="20261122T090000Z-00000000", first=0, info={}, max_bytes=2**40, max_seconds=10**9
    )
    for page in pages:
        body = page.file.read_bytes()
        url = f"https://pack.example/news/{page.id}"
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write_exchange(
            Exchange(
                kind="page",
                url=url,
                requested=url,
                status=200,
                request_head=b"GET / HTTP/1.1\r\n\r\n",
                response_head=head.encode(),
                payload=body,
                captured_at=moment,
                via="https://pack.example/feed",
            )
        )
    writer.seal()
    return folder / writer.sealed[0]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One or more passes over a segment."""

    seconds: float
    digest: str  # of all findings of the last pass, as they are stored
    peaks: tuple[float, ...]  # MiB of each worker
    kinds: Mapping[str, int]


def read_segment(path: Path, *, processes: int, times: int = 1) -> Pass:
    """Run a segment through the workers so often; the seconds are those of the last pass."""
    from pipeline.workers import Extractor
    from spiders.site import Site, Source

    site = Site(
        id="pack",
        name="Pack",
        home="https://pack.example/",
        kind="national",
        article=r"https?://.+",
        sources=(Source(type="feed", url="https://pack.example/feed"),),
    )
    mine = {child.pid for child in psutil.Process().children()}
    with Extractor(processes) as extractor:
        extractor.warm_up()
        for _ in range(2):  # imports, tables, what is made at the first page
            list(extractor.extract_segment(site, path, "warc/pack/warm-up"))
            if times == 1:
                break
        kinds: dict[str, int] = {}
        digest, seconds = hashlib.sha256(), 0.0
        for _ in range(times):
            kinds, digest, began = {}, hashlib.sha256(), time.monotonic()
            for finding in extractor.extract_segment(site, path, "warc/pack/segment"):
                kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
                digest.update(finding.to_json())
            seconds = time.monotonic() - began
        workers = [child for child in psutil.Process().children() if child.pid not in mine]
        peaks = tuple(sorted(_high_mark(worker.pid) for worker in workers))
    return Pass(seconds=seconds, digest=digest.hexdigest(), peaks=peaks, kinds=kinds)


def _high_mark(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_speed(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ratios, memory, identity; printed as tables, and given as figures."""
    pages = load_pack(asked.pack, asked.limit)
    timed = min(asked.timed, len(pages))
    taken = run_tools(["muniment", "trafilatura+metadata"], pages, rounds=asked.rounds, timed=timed, folder=folder)
    print(f"{tell_costs(taken, timed)}\n")
    ratios = sorted(
        theirs / ours
        for theirs, ours in zip(taken["trafilatura+metadata"].rounds, taken["muniment"].rounds, strict=True)
    )
    path = write_segment([pages[i] for i in _pick(timed, len(pages))], folder)
    alone, pair = list[Pass](), list[Pass]()
    for number in range(asked.rounds):
        alone.append(read_segment(path, processes=1))
        pair.append(read_segment(path, processes=2))
        _say(f"segment: {number + 1} of {asked.rounds} pages")
    gains = sorted(one.seconds / two.seconds for one, two in zip(alone, pair, strict=True))
    once, often = read_segment(path, processes=2), read_segment(path, processes=2, times=4)
    digests = {one.digest for one in (*alone, *pair, once, often)}
    rows = [
        (
            "body and metadata, × trafilatura with metadata",
            f"{median(ratios):.2f}",
            f"{ratios[0]:.2f}–{ratios[-1]:.2f}",
        ),
        ("a segment, two processes × one", f"{median(gains):.2f}", f"{gains[0]:.2f}–{gains[-1]:.2f}"),
        ("worker's peak after two passes, MB", f"{max(once.peaks):.0f}", ""),
        ("worker's peak after six passes, MB", f"{max(often.peaks):.0f}", ""),
        ("different results of the same segment", f"{len(digests)}", "1 is wanted"),
    ]
    print(render_table(["figure", "median", "spread"], rows))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"\n{count_cores()} cores, load {load}; {timed} pages: {dict(once.kinds)}; findings sha256 {once.digest[:16]}"
    )
    return {
        "against_trafilatura": ratios,
        "two_processes": gains,
        "peaks_mb": {"few": once.peaks, "many": often.peaks},
        "digests": sorted(digests),
    }


def main(words: list[str] | None = None) -> int:
    """Measure, print Markdown tables, and write the figures if asked."""
    parser = argparse.ArgumentParser(description="Muniment's extraction beside other extractors, on a pack of pages.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--by", default="source", help="the label by which the pack is divided (default: source)")
    parser.add_argument("--only", action="append", choices=list(TOOLS), help="may be repeated")
    parser.add_argument("--limit", type=int, help="only so many pages, taken evenly")
    parser.add_argument("--rounds", type=int, default=3, help="how often the timed pages are read")
    parser.add_argument("--timed", type=int, default=100, help="how many pages are timed, taken evenly")
    parser.add_argument("--predictions", type=Path, metavar="FOLDER", help="write a file of JSON lines for each tool")
    parser.add_argument("--speed", action="store_true", help="measure speed, memory and identity instead")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="muniment-extraction-") as folder:
        measure = measure_speed if asked.speed else measure_quality
        told = measure(asked, Path(folder))
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
