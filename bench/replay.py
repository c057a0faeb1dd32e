"""Replays a pack of real pages through the pipeline, beside simpler tools on the same pages, and compares.

    python -m bench.replay PACK [--through steps|airflow|both] [--repeat N] [--json FILE] [--predictions FILE]

The pack is served as real sites on loopback (``bench.pack``), in a process of its own. Its site files go to a
scratch home with an embedded store; the sites are run by ``bench.run_steps`` and/or by an Airflow of its own, each
into an archive of its own. With ``both`` the two archives are compared document by document, and a difference
fails the program. Beside them run bare Scrapy, trafilatura alone and the inline script (``bench.baselines``).

The bound made of the parts is what a perfect pipeline of them would reach: the cores divided by the sum of the
CPU of a page in bare Scrapy, in a FastWARC writer and in trafilatura with metadata, all measured in this run.
docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.measure import Cost, PeakMemory, count_cores, cpu_of, render_table, run_program
from bench.pack import PackPage, PackServer, load_pack, site_id, write_site
from bench.scoring import Score, score
from pipeline.archive import open_archive
from pipeline.model import Version
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import Stack, settings_environment
from spiders.urls import canonical_url

OF_THE_RUN = ("run", "captured_at", "code")
OF_THE_PLACE = ("warc", "offset", "length", "record_id", "captured_at")
"""Fields of a version and of its evidence that two runs over the same pages need not share."""


@dataclass(kw_only=True)
class Tool:
    """One row of the table: a tool and what it took for all pages."""

    name: str
    pages: int
    cost: Cost
    stores: str = ""
    start: Tool | None = None  # the same with one copy of each page: what is left without it is steady work
    store_cpu: float | None = None  # CPU of the store meanwhile

    @property
    def rate(self) -> float:
        """Pages per second, start included."""
        return self.pages / self.cost.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per page, start included."""
        return 1000 * self.cost.cpu / self.pages

    @property
    def steady_rate(self) -> float | None:
        """Pages per second of the pages beyond the first copy."""
        if self.start is None or self.cost.seconds <= self.start.cost.seconds:
            return None
        return (self.pages - self.start.pages) / (self.cost.seconds - self.start.cost.seconds)

    @property
    def steady_cpu_ms(self) -> float | None:
        """CPU of each page beyond the first copy."""
        if self.start is None:
            return None
        return 1000 * (self.cost.cpu - self.start.cost.cpu) / (self.pages - self.start.pages)

    def to_json(self) -> dict[str, Any]:
        """The row's figures."""
        return {
            "name": self.name,
            "pages": self.pages,
            **asdict(self.cost),
            "pages_per_second": self.rate,
            "cpu_ms_per_page": self.cpu_ms,
            "steady_pages_per_second": self.steady_rate,
            "steady_cpu_ms_per_page": self.steady_cpu_ms,
            "store_cpu": self.store_cpu,
        }


@dataclass(kw_only=True)
class Passage:
    """The pack's way through the pipeline, by one of the two roads."""

    tool: Tool
    served: int  # requests answered
    serving_cpu: float
    sites: list[dict[str, Any]]
    versions: dict[tuple[str, int], Version] = field(default_factory=dict)  # by URL and number

    def count(self, kind: str) -> Counter[str]:
        """The sites' counts of one kind, added up."""
        total: Counter[str] = Counter()
        for site in self.sites:
            total.update(site[kind])
        return total


class Bench:
    """A scratch home with an embedded store, a pack, and the tools to run on it."""

    def __init__(self, asked: argparse.Namespace, home: Path) -> None:
        self.asked = asked
        self.home = home
        self.pages: list[PackPage] = load_pack(asked.pack, asked.limit)
        self.limit = ["--limit", str(asked.limit)] if asked.limit else []
        self.store = EmbeddedStore(home, 0)

    # the tools beside ----------------------------------------------------------------------------------

    def run_tools(self, server: PackServer, copies: int) -> dict[str, Tool]:
        """Bare Scrapy, the WARC writer, trafilatura alone and the inline script, one after the other."""
        homes = [word for home in server.homes.values() for word in ("--home", home)]
        disk = ["--pack", str(self.asked.pack.resolve()), "--copies", str(copies), *self.limit]
        tools: dict[str, Tool] = {}

        def run(key: str, name: str, stores: str, *command: str) -> Any:
            say(f"{name}, {len(self.pages) * copies} pages …")
            before = cpu_of(self.store_pids())
            cost, answer = run_program(["bench.baselines", *command], environment=self.store.environment())
            tool = Tool(name=name, pages=answer["pages"], cost=cost, stores=stores)
            tool.store_cpu = cpu_of(self.store_pids()) - before if key == "inline" else None
            tools[key] = tool
            return answer

        run("scrapy", "bare Scrapy, bodies discarded", "nothing", "discard", *homes)
        answer = run("warc", "FastWARC writer alone", "WARC", "warc", *disk, "--target", str(self.home / "x.warc.gz"))
        tools["warc"].cost = Cost(
            seconds=answer["write_seconds"], cpu=answer["write_cpu"], peak_mb=tools["warc"].cost.peak_mb
        )
        predicted = ["--predictions", str(self.home / "trafilatura.jsonl")]
        processes = count_cores()
        run(
            "trafilatura",
            f"trafilatura alone, {processes} processes",
            "nothing",
            *("trafilatura", *disk, "--processes", str(processes), *predicted),
        )
        run("inline", "inline script", "JSON in S3", "inline", *homes, "--bucket", self.make_bucket(copies))
        for tool in tools.values():
            if tool.pages != len(self.pages) * copies:
                raise SystemExit(f"{tool.name} saw {tool.pages} of {len(self.pages) * copies} pages")
        return tools

    def store_pids(self) -> list[int]:
        """The store's process, when it runs."""
        pid = self.store.status().pid
        return [pid] if pid else []

    def make_bucket(self, copies: int) -> str:
        """A bucket for the inline script."""
        import boto3

        access = self.store.environment()
        client = boto3.client(
            "s3",
            endpoint_url=access["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
            region_name=access["AWS_REGION"],
        )
        client.create_bucket(Bucket=f"inline-{copies}")
        return f"inline-{copies}"

    # the pipeline --------------------------------------------------------------------------------------

    def settings(self, server: PackServer, road: str, copies: int, port: int = 8080) -> Settings:
        """Settings of one passage: its own bucket, only the pack's sites."""
        folder = self.home / f"sites-{copies}"
        for source, home in server.homes.items():
            write_site(folder, source, home)
        more = {} if self.asked.segment_mb is None else {"segment_mb": self.asked.segment_mb}
        return Settings(
            home=self.home,
            bucket=f"replay-{road}-{copies}",
            sites=(folder,),
            builtin_sites=False,
            scratch=self.home / "scratch",
            contact="https://example.org/replay",
            airflow_port=port,
            **more,
        )

    def pass_through_steps(self, server: PackServer, copies: int) -> Passage:
        """The sites by ``run_site``, as `muniment run` does; with several sites as many at one time as asked for."""
        settings = self.settings(server, "steps", copies)
        sites = sorted(site_id(source) for source in server.homes)
        environment = settings_environment(settings)
        run_program(["bench.run_steps", "--open"], environment=environment)
        say(f"the pipeline by its steps, {len(self.pages) * copies} pages …")
        served, serving = server.stand()
        store = cpu_of(self.store_pids())
        at_once = min(self.asked.at_once or count_cores(), len(sites))
        command = ["bench.run_steps", *sites, "--at-once", str(at_once)]
        cost, answer = run_program(command, environment=environment)
        now_served, now_serving = server.stand()
        tool = Tool(
            name="Muniment, by its steps",
            pages=len(self.pages) * copies,
            cost=cost,
            stores="WARC, JSON, table",
            store_cpu=cpu_of(self.store_pids()) - store,
        )
        return Passage(
            tool=tool,
            served=now_served - served,
            serving_cpu=now_serving - serving,
            sites=answer["sites"],
            versions=read_versions(settings, sites),
        )

    def pass_through_airflow(self, server: PackServer, copies: int) -> Passage:
        """The sites' DAGs by a scheduler; Airflow's start is not counted, its work meanwhile is."""
        settings = self.settings(server, "airflow", copies, port=find_port())
        sites = sorted(site_id(source) for source in server.homes)
        run_program(["bench.run_steps", "--open"], environment=settings_environment(settings))
        say("Airflow starts …")
        before = set(_children())
        with Stack(settings, embedded=True) as stack:
            dags = [f"site_{site}" for site in sites]
            stack.airflow.wait_for_dags(dags)
            for dag in dags:
                stack.airflow.unpause(dag)
            say(f"the pipeline under Airflow, {len(self.pages) * copies} pages …")
            roots = sorted(set(_children()) - before)  # Airflow; the store was there before
            served, serving = server.stand()
            store, airflow = cpu_of(self.store_pids()), cpu_of(roots)
            began = time.monotonic()
            with PeakMemory(roots) as peak:
                started = [stack.airflow.trigger(dag) for dag in dags]
                runs = [stack.airflow.wait_for_run(run.dag, run.dag_run, timeout=3600) for run in started]
            seconds = time.monotonic() - began
            now_served, now_serving = server.stand()
            store_used, cpu = cpu_of(self.store_pids()) - store, cpu_of(roots) - airflow
            failed = [run for run in runs if run.state != "success"]
            if failed:
                names_of = ", ".join(run.dag for run in failed)
                raise SystemExit(f"under Airflow {names_of} failed:\n{_last_log(stack, failed)}")
            seconds_of = [_task_seconds(stack, run.dag, run.dag_run) for run in runs]
            names = {run.dag: run.run for run in runs}
        archive = open_archive(settings)
        told = []
        for site, tasks in zip(sites, seconds_of, strict=True):
            run = names[f"site_{site}"]
            report, published = archive.read_report(site, run), archive.read_published(site, run)
            if report is None or published is None:
                raise SystemExit(f"{site}: Airflow says success, but run {run} is not published")
            told.append(
                {
                    "site": site,
                    "run": run,
                    "counts": report.counts,
                    "reasons": report.reasons,
                    "outcomes": published.outcomes,
                    "versions": published.versions,
                    "seconds": tasks,
                }
            )
        tool = Tool(
            name="Muniment, under Airflow",
            pages=len(self.pages) * copies,
            cost=Cost(seconds=seconds, cpu=cpu, peak_mb=peak.mb),
            stores="WARC, JSON, table",
            store_cpu=store_used,
        )
        return Passage(
            tool=tool,
            served=now_served - served,
            serving_cpu=now_serving - serving,
            sites=told,
            versions=read_versions(settings, sites),
        )


def _children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process().children()]


def _task_seconds(stack: Stack, dag: str, dag_run: str) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for task in stack.airflow.tasks(dag, dag_run):
        if task.started and task.ended:
            name = task.task
            seconds[name] = seconds.get(name, 0.0) + (task.ended - task.started).total_seconds()
    return seconds


def _last_log(stack: Stack, runs: Iterable[Any]) -> str:
    lines: list[str] = []
    for run in runs:
        for task in stack.airflow.tasks(run.dag, run.dag_run):
            if task.state == "failed":
                text = stack.airflow.task_log(
                    run.dag, run.dag_run, task.task, map_index=task.map_index, try_number=task.tries
                )
                lines += [f"{run.dag} {task.name}:", *text.splitlines()[-15:]]
    return "\n".join(lines)


def find_port(count: int = 3) -> int:
    """The first of so many free ports in a row on loopback."""
    for port in range(18080, 18980, 10):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        else:
            return port
        finally:
            for probe in probes:
                probe.close()
    raise SystemExit("no free ports for Airflow")


def read_versions(settings: Settings, sites: Sequence[str]) -> dict[tuple[str, int], Version]:
    """All versions of these sites, by requested URL and number."""
    archive = open_archive(settings)
    keys = [entry.key for site in sites for entry in archive.store.list(f"articles/{site}/")]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(archive.read_version, keys)
        return {(version.requested_url, version.n): version for version in found}


def compare(one: Mapping[tuple[str, int], Version], other: Mapping[tuple[str, int], Version]) -> list[str]:
    """How two archives differ beyond runs, times and places; empty when they agree.

    Returns:
        A sentence for each difference.
    """
    differences = [f"only in one of them: {url} version {n}" for url, n in sorted(one.keys() ^ other.keys())]
    for key in sorted(one.keys() & other.keys()):
        left, right = (_comparable(version) for version in (one[key], other[key]))
        names = [name for name in left if left[name] != right[name]]
        if names:
            differences.append(f"{key[0]} version {key[1]}: {', '.join(names)}")
    return differences


def _comparable(version: Version) -> dict[str, Any]:
    content = version.model_dump(mode="json")
    for name in OF_THE_RUN:
        content.pop(name)
    for name in OF_THE_PLACE:
        content["evidence"].pop(name)
    return content


def predict(
    pages: Sequence[PackPage], homes: Mapping[str, str], versions: Mapping[tuple[str, int], Version]
) -> list[dict[str, Any]]:
    """What the archive says of each page's first copy, in the shape of the labels."""
    found: list[dict[str, Any]] = []
    for page in pages:
        version = versions.get((canonical_url(homes[page.source] + page.path(0)), 1))
        if version is None:
            found.append({"id": page.id})
            continue
        found.append(
            {
                "id": page.id,
                "body": version.text,
                "title": version.title,
                "authors": list(version.authors),
                "date": _day_of(version),
            }
        )
    return found


def _day_of(version: Version) -> str | None:
    """The day that the page prints: as it wrote it where that is ISO 8601, else of the moment in UTC."""
    if version.published is None:
        return None
    original = version.published.original
    if len(original) >= 10 and original[4] == original[7] == "-" and original[:4].isdigit():
        return original[:10]
    return version.published.value.date().isoformat()


# --- what is printed ------------------------------------------------------------------------------------


def say(text: str) -> None:
    """One line of progress, where the table does not go."""
    print(text, file=sys.stderr, flush=True)


def print_tools(tools: Sequence[Tool], bound: tuple[float, float], steady_bound: tuple[float, float] | None) -> None:
    """The table of costs; ``bound``: pages per second and CPU ms of the bound."""
    print("\n### Cost\n")
    steady = any(tool.start for tool in tools)
    heads = ["tool", "pages/s", "CPU ms/page", "peak MB", "store's CPU ms/page", "stores"]
    rows: list[list[object]] = [
        [
            tool.name,
            tool.rate,
            tool.cpu_ms,
            tool.cost.peak_mb,
            None if tool.store_cpu is None else 1000 * tool.store_cpu / tool.pages,
            tool.stores,
        ]
        for tool in tools
    ]
    rows.append(["bound made of the parts", bound[0], bound[1], None, None, ""])
    if steady:
        heads[3:3] = ["steady pages/s", "steady CPU ms/page"]
        for row, tool in zip(rows, tools, strict=False):
            row[3:3] = [tool.steady_rate, tool.steady_cpu_ms]
        rows[-1][3:3] = list(steady_bound or (None, None))
    print(render_table(heads, rows))


def make_bound(tools: Mapping[str, Tool], *, steady: bool) -> tuple[float, float]:
    """Pages per second, and CPU ms per page, of a perfect pipeline of the parts on all cores."""
    parts = [tools[key] for key in ("scrapy", "warc", "trafilatura")]
    cpu = sum((part.steady_cpu_ms or 0.0) if steady else part.cpu_ms for part in parts)
    return 1000 * count_cores() / cpu, cpu


def print_passage(passage: Passage, pages: int) -> None:
    """What became of the pages, and what each step took."""
    counts, outcomes, versions = (passage.count(kind) for kind in ("counts", "outcomes", "versions"))
    print(f"\n### {passage.tool.name}\n")
    print(
        render_table(
            ["pages", "number"],
            [
                ["in the pack, copies included", pages],
                ["requests served", passage.served],
                ["captured", counts["captured"]],
                ["archived", outcomes["archived"]],
                ["not an article", outcomes["not-an-article"]],
                ["other outcomes", sum(outcomes.values()) - outcomes["archived"] - outcomes["not-an-article"]],
                ["versions made", sum(versions.values())],
            ],
        )
    )
    seconds: Counter[str] = Counter()
    cpu: Counter[str] = Counter()
    for site in passage.sites:
        seconds.update(site["seconds"])
        cpu.update(site.get("cpu", {}))
    print()
    rows = [
        [name, seconds.get(name), 1000 * cpu[name] / passage.tool.pages if name in cpu else None]
        for name in dict.fromkeys([*seconds, *cpu])
    ]
    if cpu:
        rest = passage.tool.cost.cpu - sum(cpu.values())
        rows.append(["start of the program", None, 1000 * rest / passage.tool.pages])
    rows.append(["serving the pages (not in the sum)", None, 1000 * passage.serving_cpu / passage.tool.pages])
    print(render_table(["step, all sites together", "seconds", "CPU ms/page"], rows))


def print_scores(scores: Mapping[str, Score]) -> None:
    """The table of scores."""
    print("\n### Extraction against the labels\n")
    heads = ["text from", "F1", "precision", "recall", "exact", "page F1", "title", "date", "authors"]
    rows = [
        [
            name,
            *(
                None if value is None else f"{value:.3f}"
                for value in (s.f1, s.precision, s.recall, s.exact, s.page_f1, s.title, s.date, s.authors)
            ),
        ]
        for name, s in scores.items()
    ]
    print(render_table(heads, rows))


# --- all of it ------------------------------------------------------------------------------------------


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The program's arguments."""
    parser = argparse.ArgumentParser(description="Replay a pack of real pages through the pipeline, and measure.")
    parser.add_argument("pack", type=Path, help="folder with labels.jsonl and pages/<id>.html.gz")
    parser.add_argument("--through", choices=("steps", "airflow", "both"), default="steps")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="serve each page N times")
    parser.add_argument("--limit", type=int, metavar="PAGES", help="only so many pages, taken evenly from the pack")
    parser.add_argument("--at-once", type=int, metavar="N", help="sites run at one time (default: cores)")
    parser.add_argument("--segment-mb", type=float, help="size of WARC segments (default: the pipeline's)")
    parser.add_argument("--no-tools", action="store_true", help="leave the simpler tools out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="write what the archive says of each page")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep store, archive and logs there")
    asked = parser.parse_args(words)
    if asked.repeat < 1:
        parser.error("--repeat must be at least 1")
    return asked


def main(words: Sequence[str] | None = None) -> int:
    """Replay, print, compare."""
    asked = parse_arguments(words)
    for name in [name for name in os.environ if name.startswith(("AWS_", "MUNIMENT_"))]:
        del os.environ[name]  # the bench has its own store and settings
    home = asked.keep.resolve() if asked.keep else Path(tempfile.mkdtemp(prefix="muniment-replay-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        return _replay(Bench(asked, home))
    finally:
        if not asked.keep:
            shutil.rmtree(home, ignore_errors=True)


def _replay(bench: Bench) -> int:
    asked, pages = bench.asked, bench.pages
    result: dict[str, Any] = {"pack": asked.pack.name, "pages": len(pages), "copies": asked.repeat}
    result["cores"] = count_cores()
    homes: dict[str, str] = {}
    tools: dict[str, Tool] = {}
    passages: list[Passage] = []
    with bench.store:
        for copies in sorted({1, asked.repeat}):
            with PackServer(asked.pack, copies=copies, limit=asked.limit) as server:
                measured = {} if asked.no_tools else bench.run_tools(server, copies)
                for key, tool in measured.items():
                    tool.start = tools.get(key)
                tools = measured
                found = []
                if asked.through in {"steps", "both"}:
                    found.append(bench.pass_through_steps(server, copies))
                if asked.through in {"airflow", "both"}:
                    found.append(bench.pass_through_airflow(server, copies))
                for number, passage in enumerate(found):
                    passage.tool.start = passages[number].tool if passages else None
                passages = found
                homes = dict(server.homes)
    return _report(bench, result, tools, passages, homes)


def _report(
    bench: Bench, result: dict[str, Any], tools: dict[str, Tool], passages: list[Passage], homes: Mapping[str, str]
) -> int:
    asked, pages = bench.asked, bench.pages
    number = len(pages) * asked.repeat
    print(f"## Replay of {asked.pack.name}: {len(pages)} pages × {asked.repeat}, {count_cores()} cores")
    result["tools"] = [tool.to_json() for tool in [*tools.values(), *(passage.tool for passage in passages)]]
    if tools:
        steady = make_bound(tools, steady=True) if asked.repeat > 1 else None
        bound = make_bound(tools, steady=False)
        print_tools([*tools.values(), *(passage.tool for passage in passages)], bound, steady)
        result["ratios"] = _print_ratios(tools, passages, bound, steady)
    for passage in passages:
        print_passage(passage, number)
    result["passages"] = [
        {"name": p.tool.name, "served": p.served, "serving_cpu": p.serving_cpu, "sites": p.sites} for p in passages
    ]
    labels = [page.label for page in pages]
    predictions = predict(pages, homes, passages[0].versions)
    scores = {"the archive": score(labels, {item["id"]: item for item in predictions})}
    alone = bench.home / "trafilatura.jsonl"
    if alone.exists():
        lines = map(json.loads, filter(None, alone.read_text(encoding="utf-8").split("\n")))
        scores["trafilatura alone"] = score(labels, {item["id"]: item for item in lines})
    print_scores(scores)
    result["scores"] = {name: found.to_json() for name, found in scores.items()}
    if asked.predictions:
        text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in predictions)
        asked.predictions.write_text(text, encoding="utf-8")
    differences: list[str] = []
    if len(passages) == 2:
        differences = compare(passages[0].versions, passages[1].versions)
        print("\n### The two archives\n")
        if differences:
            print(f"They differ in {len(differences)} documents:\n")
            print("\n".join(f"- {difference}" for difference in differences[:20]))
        else:
            print(f"They agree in all {len(passages[0].versions)} documents (but for runs, times and places in WARCs).")
        result["differences"] = differences
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if differences else 0


def _print_ratios(
    tools: Mapping[str, Tool],
    passages: Sequence[Passage],
    bound: tuple[float, float],
    steady_bound: tuple[float, float] | None,
) -> list[dict[str, Any]]:
    ratios = []
    for passage in passages:
        tool = passage.tool
        ratio = {
            "name": tool.name,
            "inline": tool.rate / tools["inline"].rate,
            "bound": tool.rate / bound[0],
            "cpu_of_bound": tool.cpu_ms / bound[1],
            "steady_inline": None,
            "steady_bound": None,
        }
        inline = tools["inline"].steady_rate
        if steady_bound and tool.steady_rate and inline:
            ratio["steady_inline"] = tool.steady_rate / inline
            ratio["steady_bound"] = tool.steady_rate / steady_bound[0]
        ratios.append(ratio)
    print("\n### Speed as a ratio\n")
    heads = ["", "× the inline script", "× the bound", "its CPU ÷ the bound's"]
    keys = ["name", "inline", "bound", "cpu_of_bound"]
    if steady_bound:
        heads += ["steady × the inline script", "steady × the bound"]
        keys += ["steady_inline", "steady_bound"]
    print(render_table(heads, [[ratio[key] for key in keys] for ratio in ratios]))
    return ratios


if __name__ == "__main__":
    raise SystemExit(main())
