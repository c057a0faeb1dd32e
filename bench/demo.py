"""The demo: a newsroom of two papers through the whole path, twice, with every claim checked. ``make demo``.

It starts an embedded store and an Airflow of its own below ``.muniment/demo``, serves the newsroom
(``bench.newsroom``), runs both sites' DAGs through the scheduler, edits the papers, and runs them again. What it
prints is read back from the archive and held against what the newsroom knows to be true; one claim that does not
hold makes the exit status 1. It ends what it started. For a first look; ``make up`` keeps the stack running.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import html
import io
import os
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.measure import ROOT
from bench.newsroom import Newsroom, Paper, Truth
from bench.scoring import Score, score
from pipeline.archive import Archive, open_archive
from pipeline.errors import MunimentError
from pipeline.model import Change, State, Version, article_id
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import DagRun, Stack
from spiders.urls import canonical_url

HOME = ROOT / ".muniment" / "demo"

FLOORS = {"town-hall-weekly": (0.95, 0.99), "the-courier": (0.99, 0.99)}
"""Least precision and recall of the archived text against the true text. The trade paper's adverts stand among its
paragraphs and look like them: what the site repeats from page to page tells them apart."""


PATIENCE = 600.0
"""Seconds to wait for a run: a busy machine takes minutes for what takes a quarter of one otherwise."""


class NotSo(Exception):
    """Something went so wrong that the demo cannot go on; the message is for its reader."""


@dataclass
class Claims:
    """What the demo says, each checked; ``broken`` are those that do not hold."""

    console: Console
    made: int = 0
    broken: list[str] = field(default_factory=list)

    def hold(self, claim: str, *, so: bool, instead: object = "") -> None:
        """Print a claim with its mark, and remember it if it does not hold."""
        self.made += 1
        if so:
            self.console.print(Padding(f"[green]✓[/] {escape(claim)}", (0, 0, 0, 2), expand=False))
            return
        self.broken.append(f"{claim} ({instead})" if instead else claim)
        self.console.print(Padding(f"[bold red]✗ not so:[/] {escape(self.broken[-1])}", (0, 0, 0, 2), expand=False))


@dataclass(frozen=True, kw_only=True)
class Edits:
    """What the editors did between the two runs."""

    corrected: tuple[Paper, Truth, Truth]  # before, after
    junk: tuple[Paper, Truth]
    added: tuple[Paper, Truth]
    removed: tuple[Paper, Truth]


class Demo:
    """One performance; the methods are its acts, in order."""

    def __init__(self, console: Console, newsroom: Newsroom, stack: Stack) -> None:
        self.console = console
        self.claims = Claims(console)
        self.newsroom = newsroom
        self.stack = stack
        self.archive: Archive = open_archive(stack.settings)
        self.dags = {site: f"site_{site}" for site in newsroom.papers}

    # running --------------------------------------------------------------------------------------------

    def run_dags(self, title: str) -> dict[str, DagRun]:
        """Trigger both sites' DAGs, wait for their end, and show how long each task took.

        Raises:
            NotSo: a DAG failed; the message has the end of the failed tasks' logs.
        """
        began = time.monotonic()
        with waiting(self.console, f"{title}: Airflow runs {' and '.join(self.dags.values())} …"):
            triggered = {site: self.stack.airflow.trigger(dag) for site, dag in self.dags.items()}
            runs = {
                site: self.stack.airflow.wait_for_run(run.dag, run.dag_run, timeout=PATIENCE)
                for site, run in triggered.items()
            }
        failed = [run for run in runs.values() if run.state != "success"]
        if failed:
            raise NotSo("\n".join(f"The DAG {run.dag} failed.\n{self._failed_logs(run)}" for run in failed))
        self.console.print(f"\n[bold]{title}[/] ({time.monotonic() - began:.0f} s)")
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for head in ("DAG", "tasks (seconds)", "discovered", "captured", "versions"):
            table.add_column(head, overflow="fold")
        for site, run in runs.items():
            published = self.archive.read_published(site, run.run)
            summary = self.archive.read_summary(site, run.run)
            if published is None or summary is None:
                raise NotSo(f"{run.dag} succeeded, but its run {run.run} is not published.")
            tasks = self.stack.airflow.tasks(run.dag, run.dag_run)
            spent = [
                f"{task.name} {(task.ended - task.started).total_seconds():.1f}"
                for task in tasks
                if task.started and task.ended
            ]
            versions = ", ".join(f"{count} {change}" for change, count in published.versions.items() if count)
            table.add_row(
                run.dag, " → ".join(spent), str(summary.discovered), str(summary.captured), versions or "none"
            )
        self.console.print(table)
        return runs

    def _failed_logs(self, run: DagRun) -> str:
        said: list[str] = []
        for task in self.stack.airflow.tasks(run.dag, run.dag_run):
            if task.state == "failed":
                log = self.stack.airflow.task_log(
                    run.dag, run.dag_run, task.task, map_index=task.map_index, try_number=max(1, task.tries)
                )
                said += [f"The end of the log of its task {task.name}:", *log.splitlines()[-25:]]
        return "\n".join(said) or "No task of it failed; it may have run out of time."

    # reading --------------------------------------------------------------------------------------------

    def versions_of(self, paper: Paper, url: str) -> list[Version]:
        """All versions of an article."""
        return self.archive.versions(paper.id, article_id(canonical_url(url)))

    # acts -----------------------------------------------------------------------------------------------

    def check_first_run(self) -> dict[str, Truth]:
        """Every article of both papers is in the archive, once, with its text."""
        everything: dict[str, Truth] = {}
        for paper in self.newsroom.papers.values():
            truths = paper.truth()
            everything |= truths
            latest = {url: found[-1] for url in truths if len(found := self.versions_of(paper, url)) == 1}
            self.claims.hold(
                f"{paper.name}: each of its {len(truths)} articles has one version",
                so=len(latest) == len(truths),
                instead=f"{len(latest)} have",
            )
            self._check_text(paper, truths, latest)
        return everything

    def _check_text(self, paper: Paper, truths: Mapping[str, Truth], latest: Mapping[str, Version]) -> None:
        figures = score_text(truths, latest)
        least_precision, least_recall = FLOORS[paper.id]
        with_junk = sum(any(phrase in version.text for phrase in paper.junk) for version in latest.values())
        self.claims.hold(
            f"{paper.name}: text against the true text: precision {figures.precision:.3f}, recall "
            f"{figures.recall:.3f} (at least {least_precision:.2f} and {least_recall:.2f})",
            so=figures.precision >= least_precision and figures.recall >= least_recall,
        )
        if least_precision < 0.99 and with_junk:
            self.console.print(
                Padding(
                    f"[yellow]adverts or promotions are left in {with_junk} of {len(latest)} bodies: on this flat page "
                    "only what repeats from page to page gives them away, and that is not learned yet[/]",
                    (0, 0, 0, 4),
                    expand=False,
                )
            )
        elif least_precision >= 0.99:
            self.claims.hold(f"{paper.name}: none of its junk is in any body", so=not with_junk, instead=with_junk)
        facts = Counter[str]()
        for url, version in latest.items():
            truth = truths[url]
            facts["headlines"] += version.title == truth.title
            facts["days"] += version.published is not None and version.published.value.date() == truth.published.date()
            facts["authors"] += set(version.authors) == set(truth.authors)
        wanted = ["headlines", "days"] + (["authors"] if paper is self.newsroom.national else [])
        self.claims.hold(
            f"{paper.name}: " + ", ".join(f"{facts[name]} of {len(truths)} {name}" for name in facts) + " are right",
            so=all(facts[name] == len(truths) for name in wanted),
        )

    def edit_papers(self) -> Edits:
        """Do what editors do: correct one, change the adverts around one, add one, remove one."""
        now = datetime.now(UTC)
        trade, national = self.newsroom.trade, self.newsroom.national
        ours, theirs = list(trade.truth().values()), list(national.truth().values())
        edits = Edits(
            corrected=(trade, ours[0], trade.edit_in_substance(ours[0].url, now=now)),
            junk=(national, national.edit_junk(theirs[4].url, now=now)),
            added=(national, national.add(now=now)),
            removed=(trade, trade.remove(ours[7].url, now=now)),
        )
        self.console.print("\n[bold]Between the runs the editors …[/]")
        told = (
            ("corrected a figure in", *edits.corrected[::2]),
            ("changed only what stands around", *edits.junk),
            ("published", *edits.added),
            ("took down", *edits.removed),
        )
        for deed, paper, truth in told:
            self.console.print(
                Padding(f"{deed} “{escape(truth.title)}” [dim]({paper.name})[/]", (0, 0, 0, 2), expand=False)
            )
        return edits

    def check_second_run(self, edits: Edits, before: Mapping[str, Truth], runs: Mapping[str, DagRun]) -> None:
        """Versions were made of what changed, and of nothing else."""
        paper, first, after = edits.corrected
        corrected = self.versions_of(paper, after.url)
        self.claims.hold(
            "the corrected article has a second version, and the first is unchanged",
            so=[v.change for v in corrected] == [Change.NEW, Change.EDITED]
            and after.text.split("\n")[-1] in corrected[-1].text
            and first.text.split("\n")[0] in corrected[0].text,
            instead=[v.change.value for v in corrected],
        )
        paper, truth = edits.junk
        same = self.versions_of(paper, truth.url)
        self.claims.hold(
            "the article with new adverts around it was fetched again, and no version was made",
            so=len(same) == 1 and self._was_captured(paper, runs[paper.id].run, truth.url),
            instead=f"{len(same)} versions",
        )
        paper, truth = edits.added
        added = self.versions_of(paper, truth.url)
        self.claims.hold("the new article has its first version", so=[v.change for v in added] == [Change.NEW])
        paper, truth = edits.removed
        removed = self.versions_of(paper, truth.url)
        self.claims.hold(
            "the removed article has a version that says so (HTTP 410), and its text is still there",
            so=[v.state for v in removed] == [State.LIVE, State.GONE]
            and removed[-1].evidence.status == 410
            and truth.text.split("\n")[0] in removed[0].text,
            instead=[(v.state.value, v.evidence.status) for v in removed],
        )
        touched = {edits.corrected[2].url, edits.removed[1].url}
        papers = self.newsroom.papers.values()
        others = [(p, url) for p in papers for url in p.truth() if url in before and url not in touched]
        moved = [url for p, url in others if len(self.versions_of(p, url)) != 1]
        self.claims.hold(
            f"of the {len(others)} other articles no version was made", so=not moved, instead=", ".join(moved)
        )

    def _was_captured(self, paper: Paper, run: str, url: str) -> bool:
        return any(
            finding.requested == canonical_url(url) and finding.evidence.status == 200
            for finding in self.archive.read_findings(paper.id, run)
        )

    def show_changed_words(self, edits: Edits) -> None:
        """The words that the correction changed."""
        paper, _, after = edits.corrected
        first, *_, second = self.versions_of(paper, after.url)
        self.console.print(f"\n[bold]The words that changed[/] [dim]({after.url})[/]", soft_wrap=True)
        for line in diff_words(first.text, second.text):
            self.console.print(Padding(line, (0, 0, 0, 2), expand=False))

    def show_stripped(self) -> None:
        """The clean text of one article beside what was left out of its page."""
        paper = self.newsroom.national
        url = next(iter(paper.truth()))
        version = self.versions_of(paper, url)[-1]
        self.console.print(f"\n[bold]One article, and what was left out of its page[/] [dim]({url})[/]", soft_wrap=True)
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 2), header_style="dim", expand=True)
        table.add_column("clean text", ratio=3)
        table.add_column("stripped", ratio=2)
        left = Text()
        left.append(version.title + "\n", style="bold")
        byline = ", ".join(version.authors)
        day = f"{version.published.value:%d %B %Y}" if version.published else "?"
        left.append(f"{byline} · {day} · {version.section or '?'} · {version.words} words\n", style="dim")
        paragraphs = version.text.split("\n")
        left.append("\n".join(paragraphs[:4]))
        left.append(f"\n[… {max(0, len(paragraphs) - 4)} more paragraphs]", style="dim")
        right = Text()
        for block in version.stripped[:14]:
            right.append(f"{block.reason}: ", style="dim")
            right.append(shorten(block.text, 110) + "\n", style="yellow")
        if len(version.stripped) > 14:
            right.append(f"[… {len(version.stripped) - 14} more blocks]", style="dim")
        table.add_row(left, right)
        self.console.print(table)
        self.claims.hold("what was stripped is kept beside the text, with the reason", so=bool(version.stripped))

    def query_table(self, edits: Edits) -> None:
        """The table by two engines, which must agree with the versions."""
        import duckdb
        from deltalake import DeltaTable

        table = DeltaTable(self.archive.table_uri(), storage_options=self.archive.table_store.options_for_table())
        rows = table.to_pyarrow_table(columns=["site", "article", "n", "state", "change", "words", "run"])
        expected = len(list(self.archive.store.list("articles/")))
        self.console.print("\n[bold]The table[/] [dim](Delta Lake; read by deltalake and by DuckDB)[/]")
        question = (
            "SELECT site, count(*) AS versions, count(DISTINCT article) AS articles, "
            "sum((state = 'gone')::int) AS gone, round(avg(words) FILTER (state = 'live')) AS words "
            "FROM articles GROUP BY site ORDER BY site"
        )
        with duckdb.connect() as connection:
            connection.register("articles", rows)
            answer = connection.sql(question)
            shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 2), header_style="dim")
            for name in answer.columns:
                shown.add_column(name)
            found = answer.fetchall()
        for row in found:
            shown.add_row(*(f"{value:g}" if isinstance(value, float) else str(value) for value in row))
        self.console.print(shown)
        per_run = Counter(rows.column("run").to_pylist())
        self.claims.hold(
            f"it has a row for each of the {expected} versions, {len(per_run)} runs, one commit each",
            so=rows.num_rows == expected == sum(row[1] for row in found) and self._commits(table) == len(per_run),
            instead=f"{rows.num_rows} rows, {self._commits(table)} commits",
        )
        gone = article_id(canonical_url(edits.removed[1].url))
        states = [
            state
            for article, state in zip(rows.column("article").to_pylist(), rows.column("state").to_pylist(), strict=True)
            if article == gone
        ]
        self.claims.hold("the removed article stands in it as gone", so=sorted(states) == ["gone", "live"])

    def audit(self, edits: Edits) -> None:
        """The whole archive held against what was recorded of it, and the text that stood before the correction."""
        from pipeline.audit import audit_archive
        from pipeline.reader import stood_at

        self.console.print("\n[bold]The archive[/] [dim](muniment audit --all; muniment show URL --at TIME)[/]")
        told = audit_archive(self.archive)
        wrong = [f"{each.key}: {each.stands}, not {each.expected}" for each in told.discrepancies]
        self.claims.hold(
            f"an audit of {told.objects} objects, {told.versions} versions with their evidence, {told.rows} rows "
            f"and {told.entries} journal entries finds nothing wrong",
            so=not wrong,
            instead="; ".join(wrong[:3]),
        )
        paper, _, after = edits.corrected
        first, *_, last = self.versions_of(paper, after.url)
        before = stood_at([first, last], last.captured_at - timedelta(seconds=1))
        self.claims.hold("what stood a second before the correction is the first version", so=before == first)

    @staticmethod
    def _commits(table: object) -> int:
        history = table.history()  # type: ignore[attr-defined]
        return sum(commit.get("operation") == "WRITE" for commit in history)

    def read_evidence(self, edits: Edits) -> None:
        """The WARC record behind the corrected version: read by range, digest checked, words found in it."""
        from fastwarc.warc import ArchiveIterator

        paper, _, after = edits.corrected
        version = self.versions_of(paper, after.url)[-1]
        evidence = version.evidence
        member = self.archive.read_record(evidence)
        record = next(iter(ArchiveIterator(io.BytesIO(member), parse_http=False)))
        record.parse_http()
        payload = record.reader.read()
        genuine = f"sha256:{hashlib.sha256(payload).hexdigest()}" == evidence.payload_digest
        packed = (record.http_headers.get("Content-Encoding") or "") == "gzip"
        page = (gzip.decompress(payload) if packed else payload).decode()
        self.console.print("\n[bold]The evidence for that version[/]")
        self.console.print(
            f"  {evidence.length} bytes at {evidence.offset} of [cyan]{evidence.warc}[/]",
            soft_wrap=True,
            highlight=False,
        )
        for name in ("WARC-Type", "WARC-Target-URI", "WARC-Date", "WARC-Payload-Digest"):
            self.console.print(f"  [dim]{name}:[/] {record.headers.get(name)}", highlight=False, soft_wrap=True)
        self.claims.hold(
            f"the record is the page as it came ({'gzip-encoded' if packed else 'plain'}, {len(payload):,} bytes), "
            "its digest is right, and the corrected words are in it",
            so=genuine
            and html.escape(after.text.split("\n")[0]) in page
            and record.headers.get("WARC-Record-ID") == evidence.record_id,
        )

    def say_where_next(self, home: Path) -> None:
        """What a newcomer can do now."""
        here = home.relative_to(ROOT) if home.is_relative_to(ROOT) else home
        self.console.print(
            "\n[bold]Where to look next[/]\n"
            "  make up                          the same stack, left running: Airflow's pages and the store\n"
            "  .venv/bin/muniment --help        run, status, history, diff, audit … without Airflow\n"
            f"  export MUNIMENT_HOME={here} MUNIMENT_SITES={here}/sites MUNIMENT_BUILTIN_SITES=false\n"
            "                                   then `muniment store up` and `muniment status`: this demo's archive\n"
            "  docs/architecture.md             the walk of one page through the system\n"
            "  docs/sites.md                    watch a site of your own",
            highlight=False,
            soft_wrap=True,
        )


# --- deciding, without I/O ------------------------------------------------------------------------------


def score_text(truths: Mapping[str, Truth], latest: Mapping[str, Version]) -> Score:
    """The archived text of a paper against its true text."""
    labels = [{"id": url, "body": truth.text} for url, truth in truths.items()]
    return score(labels, {url: {"body": version.text} for url, version in latest.items()})


def diff_words(old: str, new: str, context: int = 5) -> list[Text]:
    """Where two texts differ, word by word: a line for each place, with a few words around it."""
    a, b = old.split(), new.split()
    lines = []
    for group in difflib.SequenceMatcher(a=a, b=b, autojunk=False).get_grouped_opcodes(context):
        line = Text("… ", style="dim")
        for kind, a1, a2, b1, b2 in group:
            if kind == "equal":
                line.append(" ".join(a[a1:a2]) + " ")
                continue
            if a2 > a1:
                line.append("[-" + " ".join(a[a1:a2]) + "-]", style="red strike")
                line.append(" ")
            if b2 > b1:
                line.append("{+" + " ".join(b[b1:b2]) + "+}", style="green")
                line.append(" ")
        line.append("…", style="dim")
        lines.append(line)
    return lines


def shorten(text: str, most: int) -> str:
    """The text on one line, cut after so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


# --- the edge -------------------------------------------------------------------------------------------


@contextmanager
def waiting(console: Console, text: str) -> Iterator[None]:
    """Say that something takes a while: a spinner on a terminal, a line elsewhere."""
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        console.print(text, style="dim")
        yield


def find_ports(count: int) -> int:
    """The first of so many free ports in a row on loopback, whose ports 10,000 higher are free too."""
    for first in range(13000, 19000, 20):
        probes: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                for number in (port, port + 10000):
                    probe = socket.socket()
                    probes.append(probe)
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise NotSo("No free ports were found on 127.0.0.1.")


def make_home(home: Path) -> Settings:
    """An empty home for the demo, and its settings."""
    if home.exists():
        EmbeddedStore(home, 0).down()
        shutil.rmtree(home)
    home.mkdir(parents=True)
    port = find_ports(4)
    return Settings(
        home=home,
        sites=(home / "sites",),
        builtin_sites=False,
        scratch=home / "scratch",
        contact="https://example.org/demo",
        store_port=port,
        airflow_port=port + 1,
    )


def perform(console: Console, home: Path) -> Claims:
    """The whole demo, act by act."""
    began = time.monotonic()
    settings = make_home(home)
    # its news is of today: a feed whose newest item is of last spring is told of as silent
    with Newsroom(opened=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)) as newsroom:
        newsroom.write_sites(settings.sites[0])
        number = sum(len(paper.truth()) for paper in newsroom.papers.values())
        console.print(
            f"[bold]Muniment[/]: two papers, {number} articles, on loopback: "
            + " and ".join(f"{paper.name} {paper.home}" for paper in newsroom.papers.values()),
            highlight=False,
            soft_wrap=True,
        )
        with waiting(console, "SeaweedFS and Airflow start (half a minute) …"):
            stack = Stack(settings, embedded=True)
            stack.start()
        try:
            with waiting(console, "Airflow reads the site files …"):
                stack.airflow.wait_for_dags(f"site_{site}" for site in newsroom.papers)
                for site in newsroom.papers:
                    stack.airflow.unpause(f"site_{site}")
            demo = Demo(console, newsroom, stack)
            demo.run_dags("First run")
            before = demo.check_first_run()
            edits = demo.edit_papers()
            runs = demo.run_dags("Second run")
            demo.check_second_run(edits, before, runs)
            demo.show_changed_words(edits)
            demo.show_stripped()
            demo.query_table(edits)
            demo.read_evidence(edits)
            demo.audit(edits)
        finally:
            with waiting(console, "\nEverything that was started is stopped …"):
                stack.stop()
    demo.say_where_next(home)
    claims = demo.claims
    if not claims.broken:
        seconds = time.monotonic() - began
        console.print(f"\n[bold green]All {claims.made} claims hold.[/] [dim]({seconds:.0f} s)[/]")
    return claims


def main(words: Sequence[str] | None = None) -> int:
    """Perform; 0 only if everything that was said was so."""
    home = Path(words[0]).resolve() if words else HOME
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 110
    for name in [name for name in os.environ if name.startswith(("AWS_", "MUNIMENT_", "AIRFLOW_"))]:
        del os.environ[name]  # the demo has its own store, settings and Airflow

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        claims = perform(console, home)
    except NotSo as error:
        console.print(f"\n[bold red]The demo failed.[/] {escape(str(error))}")
        return 1
    except MunimentError as error:
        console.print(f"\n[bold red]The demo failed.[/] {escape(str(error))}")
        console.print(f"[dim]Logs: {home}/airflow/standalone.log, {home}/store/log[/]")
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything that was started is stopped.")
        return 130
    if claims.broken:
        console.print(f"\n[bold red]{len(claims.broken)} of {claims.made} claims do not hold:[/]")
        for claim in claims.broken:
            console.print(f"  {escape(claim)}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
