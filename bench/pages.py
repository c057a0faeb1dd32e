"""What the Archive pages cost: each page's time beside a bare page of the same API server, on a large archive.

Starts a store of its own and a real API server of Airflow, fills the archive with how many sites stand (120 runs each)
and a table of many versions, then asks every page in turns with a page of Airflow's own that does next to nothing
(``/api/v2/monitor/health``), and with one that Airflow's own UI asks (its list of DAGs). Printed are each page's first
answer of the server, the median and the 95th percentile of those after it, the ratio of the medians to the bare one,
which says more than milliseconds of a busy machine do, the server's CPU, and the same times with several visitors at
once, each asking one page after the other. Beside it: how long after its start the server knows all sites
and all headlines, and its memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from bench.api_server import ApiServer, migrate_home, serve_airflow
from bench.measure import count_cores, render_table
from bench.table import fill, make_versions, open_archive_in
from pipeline.archive import Archive, write_marker
from pipeline.frontier import Frontier
from pipeline.health import KEPT, Health, OpenAlarm, RunRecord
from pipeline.model import Check, Report, SourceRecord, article_id
from pipeline.seaweed import EmbeddedStore
from pipeline.store import Item
from spiders.families import Families
from spiders.site import load_site

STATES: Final = ("well",) * 30 + ("warned",) * 4 + ("rejected", "failing", "blocked", "silent", "late", "well")
"""How the sites of a bench stand, in turns: of forty, four that warn and five in trouble."""
MANY: Final = 300
"""Versions of the article whose page is asked for."""
_WHOLE_SECONDS: Final = 600.0  # until all sites, or all headlines, must have been read
ADDRESS: Final = "https://www.site-007.example/news/edited-again-and-again"
_JSON: Final = "application/json"
_SITE_FILE: Final = """
name = "News of {site}"
home = "https://www.{site}.example/"
kind = "{kind}"
region = "{region}"
article = 'https://www\\.{site}\\.example/news/.+'
[[sources]]
type = "feed"
url = "https://www.{site}.example/feed.xml"
"""


def make_health(site: str, *, now: datetime, stands: str = "well", runs: int = KEPT, text: str = "") -> Health:
    """How an invented site stands: an hourly one with nights, a few failures, and at the end what it suffers from.

    Args:
        stands: one of ``STATES``.
        text: what its messages say besides.
    """
    rng = random.Random(hashlib.sha256(site.encode()).hexdigest())
    size = rng.choice((3, 8, 20, 60))
    pause = timedelta(hours=rng.choice((1, 2, 6)))
    end = now - pause / 3 - (12 * pause if stands == "late" else timedelta())
    quiet = 45 if stands == "silent" else 0
    made = [_make_run(rng, end - number * pause, number, size, number < quiet) for number in range(runs)]
    made[0] = made[0].model_copy(update=_trouble(stands, text))
    alarms: tuple[OpenAlarm, ...] = ()
    if stands in ("rejected", "blocked"):
        sentence = f"{text}The gate refused 2 runs in a row."
        alarms = (OpenAlarm(id="1", kind="rejected", cause="redesign", sentence=sentence, since=made[1].began),)
    fresh = next((run.began for run in made if run.versions.get("new")), None)
    return Health(site=site, runs=tuple(made), updated=now, last_new=fresh, alarms=alarms)


def _make_run(rng: random.Random, began: datetime, number: int, size: int, quiet: bool) -> RunRecord:
    awake = 7 <= began.hour <= 20 and not quiet
    new = rng.randint(0, size) if awake else 0
    edited = rng.randint(0, size // 3) if awake else 0
    failed = rng.choice((0, 0, 0, 0, 1, 2))
    gone = rng.choice((0, 0, 0, 0, 0, 1))
    unchanged = rng.randint(4 * size, 5 * size)
    articles = new + edited
    outcomes = {"archived": articles, "unchanged": unchanged, "failed": failed, "gone": gone, "not-an-article": 2}
    digest = hashlib.sha256(f"{began} {number}".encode()).hexdigest()[:8]
    return RunRecord(
        run=f"{began:%Y%m%dT%H%M%SZ}-{digest}",
        state="published",
        verdict="accept",
        message="Nothing odd.",
        began=began,
        ended=began + timedelta(minutes=4),
        noted=began + timedelta(minutes=5),
        discovered=sum(outcomes.values()),
        captured=articles + failed + gone,
        articles=articles,
        versions={"new": new, "edited": edited, "gone": gone},
        outcomes=outcomes,
        fill={
            "title": articles,
            "published": max(0, articles - rng.randint(0, 1)),
            "authors": articles * 3 // 4,
            "description": articles // 2,
        },
        median_words=rng.randint(250, 700),
        bytes_received=unchanged * 4000,
        requests=unchanged + articles + 3,
        lag=float(rng.randint(300, 4000)),
    )


def _trouble(stands: str, text: str) -> Mapping[str, object]:
    match stands:
        case "rejected":
            return {
                "state": "rejected", "verdict": "reject", "cause": "redesign", "versions": {}, "articles": 41,
                "odd": {"published share": "reject"}, "message": f"{text}41 of 44 pages have no date; normal is 0–2.",
            }  # fmt: skip
        case "blocked":
            return {
                "state": "rejected", "verdict": "reject", "cause": "firewall", "versions": {}, "articles": 0,
                "odd": {"blocked share": "reject"}, "message": f"{text}38 of 40 pages were refused with 403.",
                "outcomes": {"blocked": 38, "unchanged": 2}, "discovered": 40,
            }  # fmt: skip
        case "failing":
            return {"state": "failed", "verdict": None, "message": f"{text}crawl: the name does not resolve."}
        case "warned":
            return {"verdict": "warn", "odd": {"dried": "warn"}, "message": f"{text}A source named nothing for 9 days."}
        case _:
            return {}


def make_report(site: str, run: RunRecord) -> Report:
    """What the gate said of an invented run."""
    names = (
        "captures",
        "error share",
        "article yield",
        "title share",
        "published share",
        "words",
        "volume",
        "old text",
    )
    checks = tuple(
        Check(
            name=name,
            verdict=run.odd.get(name, "accept"),
            figure=float(at * 3 + 1),
            limit=float(at),
            message=f"The {name} is as it is.",
            normal=(float(at), float(at * 4)),
            basis="26 Mondays since 4 May",
        )
        for at, name in enumerate(names)
    )
    source = SourceRecord(
        url=f"https://www.{site}.example/feed.xml",
        type="feed",
        items=40,
        articles=38,
        new=3,
        newest=run.began,
        since=run.began - timedelta(days=200),
        alive=run.began,
    )
    return Report(
        site=site, run=run.run, verdict=run.verdict or "accept", checks=checks, counts={"articles": run.articles},
        message=run.message, sources=(source,), fill=run.fill,
    )  # fmt: skip


# --- the archive


def fill_archive(archive: Archive, *, sites: int, versions: int, now: datetime) -> None:
    """Put in how sites stand, reports of their latest runs, a few articles as documents, and a table of versions."""
    archive.store.create_many(_draft_items(sites, now))
    fill(archive, versions, sites)


def _draft_items(sites: int, now: datetime) -> list[Item]:
    items = []
    for number in range(sites):
        site = f"site-{number:03}"
        health = make_health(site, now=now, stands=STATES[number % len(STATES)])
        items.append(Item(key=Archive.health_key(site), body=health.to_json(), content_type=_JSON))
        items += [
            Item(key=Archive.report_key(site, run.run), body=make_report(site, run).to_json(), content_type=_JSON)
            for run in health.runs[:8]
            if run.verdict
        ]
    for number, version in enumerate(make_versions("site-007", f"{now:%Y%m%dT%H%M%SZ}-00000000", MANY), start=1):
        shown = version.model_copy(
            update={
                "article": article_id(ADDRESS),
                "n": number,
                "url": ADDRESS,
                "captured_at": now - timedelta(hours=MANY - number),
                "text": f"{version.text}\nEdited {number} times.",
            }
        )
        key = Archive.version_key("site-007", shown.article, number)
        items.append(Item(key=key, body=shown.to_json(), content_type=_JSON))
    return items


# --- the measurement


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--sites", type=int, default=400, help="sites (default %(default)s)")
    parser.add_argument("--versions", type=int, default=20_000, help="rows of the table (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="times that each page is asked (default %(default)s)")
    parser.add_argument("--visitors", type=int, default=8, help="at once, in the last part (default %(default)s)")
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="keep the store there, and use it again")
    parser.add_argument(
        "--bucket", default="pages", help="its bucket, filled if it holds no archive (default %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch:
        embedded = EmbeddedStore(given.store or Path(scratch) / "store", 0)
        embedded.up(tied=True)
        try:
            figures = _measure(given, embedded, Path(scratch))
        finally:
            embedded.down()
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2))
    return 0


def _measure(given: argparse.Namespace, embedded: EmbeddedStore, scratch: Path) -> dict[str, object]:
    environment = {
        **embedded.environment(),
        "MUNIMENT_BUCKET": given.bucket,
        "MUNIMENT_BUILTIN_SITES": "false",
        "MUNIMENT_SITES": str(_write_sites(scratch / "sites", given.sites)),
    }
    now = datetime.now(UTC)
    archive = open_archive_in(embedded, given.bucket)
    if archive.store.head("muniment.json") is None:
        fill_archive(archive, sites=given.sites, versions=given.versions, now=now)
        _remember(archive, scratch / "owner")
        write_marker(archive.store)
    health = archive.read_progress(archive.health_key("site-007"), Health)
    assert health is not None
    article = f"/archive/sites/site-007/articles/{article_id(ADDRESS)}"
    pages = {
        "bare: /api/v2/monitor/health": "/api/v2/monitor/health",
        "Airflow's list of DAGs": "/api/v2/dags",
        "all sites": "/archive/",
        "sites that fit a word": "/archive/?text=refused&sort=name",
        "a site": "/archive/sites/site-007",
        "a run": f"/archive/sites/site-007/runs/{health.runs[1].run}",
        f"an article of {MANY} versions": article,
        "its older versions": f"{article}?before=100",
        "two versions": f"{article}/compare?old={MANY - 1}&new={MANY}",
        "quarantine": "/archive/quarantine",
        "search: one word": "/archive/search?text=council",
        "search: three words": "/archive/search?text=the+council+spending",
        "search: a word that is nowhere": "/archive/search?text=zzyzx",
        "search: a site and a month": "/archive/search?site=site-004&since=2024-03-01&until=2024-03-31",
        "search: a day of all sites": "/archive/search?since=2024-03-01&until=2024-03-01",
        "search: an address": f"/archive/search?text={ADDRESS}",
        "search: an address of nothing": "/archive/search?text=https://www.site-007.example/news/nothing",
        "the style sheet": "/archive/static/archive.css",
    }
    with serve_airflow(migrate_home(scratch / "airflow"), environment) as server:
        process = psutil.Process(server.process.pid)
        bare = _memory(process)

        def ask(path: str) -> float:
            began = time.perf_counter()
            answer = server.ask("GET", path, who="vera")
            seconds = time.perf_counter() - began
            assert answer.status == 200, (path, answer.status, answer.body[-2000:])
            return seconds

        server.cookie("vera")
        up = time.perf_counter()
        first = {name: ask(path) for name, path in list(pages.items())[2:]}
        first |= {name: ask(path) for name, path in list(pages.items())[:2]}
        sites = _wait_until_whole(server, "/archive/", b"being read") - up
        loaded = _memory(process)
        headlines = _wait_until_whole(server, "/archive/search?text=council", b"still being read") - up
        full = _memory(process)
        took: dict[str, list[float]] = {name: [] for name in pages}
        spent: dict[str, list[float]] = {name: [] for name in pages}
        for _ in range(given.rounds):
            for name, path in pages.items():
                before = _cpu(process)
                took[name].append(ask(path))
                spent[name].append(_cpu(process) - before)
        crowded = _ask_at_once(ask, pages, given.visitors, max(2, given.rounds // 4))
        after = _memory(process)
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    base = next(iter(medians.values()))
    print(f"\n{given.sites} sites, {given.versions} versions, {count_cores()} cores, {given.rounds} rounds.\n")
    print(
        render_table(
            (
                "page", "first ms", "median ms", "95% ms", "times the bare page", "server's CPU, median ms",
                f"{given.visitors} at once, median ms", "95% ms",
            ),
            [
                (
                    name, 1000 * first[name], 1000 * medians[name], 1000 * _most(took[name]), medians[name] / base,
                    1000 * statistics.median(spent[name]),
                    1000 * statistics.median(crowded[name]), 1000 * _most(crowded[name]),
                )
                for name in pages
            ],
        )
    )  # fmt: skip
    print(
        f"\nAll sites are read {sites:.1f} s after the first request, all headlines {headlines:.1f} s after it.\n"
        f"Memory of the server: {bare:.0f} MB at its start, {loaded:.0f} MB after one look at each page, {full:.0f} MB "
        f"with all headlines, {after:.0f} MB at the end."
    )
    return {
        "first": first,
        "seconds": took,
        "cpu_seconds": spent,
        "crowded": crowded,
        "sites": sites,
        "headlines": headlines,
        "memory_mb": [bare, loaded, full, after],
    }


def _remember(archive: Archive, folder: Path) -> None:
    """Give the site of the long article a frontier, which a search for an address asks."""
    folder.mkdir()
    _write_sites(folder / "sites", 8)
    with Frontier(archive, load_site(folder / "sites" / "site-007.toml", families=Families(folders=()))) as frontier:
        frontier.replace_by_rebuilt()


def _write_sites(folder: Path, sites: int) -> Path:
    folder.mkdir()
    for number in range(sites):
        site, kind = f"site-{number:03}", ("council", "trade", "regional")[number % 3]
        (folder / f"{site}.toml").write_text(_SITE_FILE.format(site=site, kind=kind, region=f"Region {number % 12}"))
    return folder


def _wait_until_whole(server: ApiServer, path: str, words: bytes) -> float:
    deadline = time.monotonic() + _WHOLE_SECONDS
    while words in server.ask("GET", path, who="vera").body:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} still says {words.decode()!r} after {_WHOLE_SECONDS:.0f} s")
        time.sleep(0.2)
    return time.perf_counter()


def _ask_at_once(
    ask: Callable[[str], float], pages: Mapping[str, str], visitors: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each page while so many visitors ask one page after the other, each beginning with another."""
    names = list(pages)
    took: dict[str, list[float]] = {name: [] for name in pages}

    def visit(number: int) -> None:
        begin = number * len(names) // visitors
        for name in (names[begin:] + names[:begin]) * rounds:
            took[name].append(ask(pages[name]))

    with ThreadPoolExecutor(visitors) as pool:
        list(pool.map(visit, range(visitors)))
    return took


def _most(seconds: Sequence[float]) -> float:
    """The 95th percentile of what was measured."""
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]


def _cpu(process: psutil.Process) -> float:
    """Seconds of CPU of a process and its children so far, by the scheduler's own count: ticks are too coarse."""
    spent = 0
    for each in [process, *process.children(recursive=True)]:
        for path in Path(f"/proc/{each.pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # a thread that has just ended
                spent += int(path.read_text().split()[0])
    return spent / 1e9


def _memory(process: psutil.Process) -> float:
    """PSS of a process and its children, in MB."""
    return sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)]) / 2**20


if __name__ == "__main__":
    raise SystemExit(main())
