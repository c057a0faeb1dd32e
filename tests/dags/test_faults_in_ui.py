"""A dozen faults in a real Airflow: does what an operator looks at say what is wrong, why, and what to do?

Each site is a paper of its own on loopback with some good runs; then something breaks, and all are triggered together.
What is held to its words: the grid, the end of the failing task's log, the Archive pages, and the alarms. Screenshots
are kept below ``MUNIMENT_TEST_SHOTS``, else in pytest's temporary folder: they are there to be looked at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from pipeline import steps
from pipeline.alerts import Outgoing, watch
from pipeline.archive import Archive, open_archive
from pipeline.errors import StackFailed
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.stack import USER, AirflowClient, Stack
from pipeline.workers import Extractor
from spiders.render import find_browser
from tests.dags.test_scheduler import take_ports
from tests.loopback import LoopbackSite
from tests.pipeline.gazette import Fault, Gazette, shift_dates
from tests.pipeline.test_faults_told import make_expired, names

pytestmark = [pytest.mark.slow, pytest.mark.scheduler, pytest.mark.timeout(1500)]

ARCHIVE: Final = "/archive"
REFUSED: Final = {"crawl": "success", "check": "failed", "blocked": "upstream_failed", "publish": "upstream_failed"}
BLOCKED: Final = {"crawl": "success", "check": "success", "blocked": "failed", "publish": "skipped"}
WELL: Final = {"crawl": "success", "check": "success", "blocked": "skipped", "publish": "success"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A site, what befalls it, and what an operator is to read."""

    site: str
    befall: Callable[[Case, Gazette, Path, ExitStack], None]
    days: int = 2  # with good runs
    grid: dict[str, str] = field(default_factory=lambda: REFUSED)
    log: tuple[str, ...] = ()  # words at the end of the failing task's log
    need: str = "rejected"
    why: tuple[str, ...] = ()  # words on the overview
    step: str = ""  # what to do, on the overview
    page: tuple[str, ...] = ()  # words on the run's page
    alarm: tuple[str, ...] = ()  # words of the alarm after one run; (): none

    @property
    def dag(self) -> str:
        """Its DAG."""
        return f"site_{self.site}"


def fault(name: Fault) -> Callable[[Case, Gazette, Path, ExitStack], None]:
    """Break a paper in one of its ways."""

    def befall(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
        paper.fault = name

    return befall


def expire(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
    """Let the site answer with a certificate that has expired."""
    site = stack.enter_context(LoopbackSite(tls=make_expired(sites.parent)))
    write(paper, sites, case.site, home=site.origin)


def lose_name(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
    """Let the site's name not resolve."""
    write(paper, sites, case.site, home=f"http://{case.site}.invalid")


def stall(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
    """Let the site be slower than its time-out."""
    paper.fault = "slow"
    write(paper, sites, case.site, crawl="timeout = 1")


def set_clock(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
    """Let our clock be behind those of the servers."""
    shift_dates(paper, timedelta(days=3))


def leave(case: Case, paper: Gazette, sites: Path, stack: ExitStack) -> None:
    """Nothing is wrong."""


CASES: Final = (
    Case(
        site="redesign", befall=fault("redesign"), days=6,
        log=("a redesign", "[[extract]]", "muniment reextract"),
        why=("a redesign of the pages:",),
        step="Correct [[extract]] in its file", page=("Diagnosis: redesign", "Example pages"),
        alarm=("built otherwise", "muniment reextract"),
    ),
    Case(
        site="consent", befall=fault("consent wall"), grid=BLOCKED, need="blocked",
        log=("blocked: consent page",), why=("a consent wall:",), step="ask the publisher",
        page=("Diagnosis: consent wall", "private browser window"), alarm=("question about consent",),
    ),
    Case(
        site="empty", befall=fault("empty feed"), days=6,
        log=("an empty source", "/feed.xml", "muniment sites check --live empty"),
        why=("an empty source:", "/feed.xml lists 0; normal is 30"),
        step="where the source has moved", page=("Diagnosis: empty source",),
        alarm=("names none that fit",),
    ),
    Case(
        site="dns", befall=lose_name, need="failing",
        log=("does not resolve (DNS)", "getent hosts dns.invalid"),
        why=("does not resolve",), step="our resolver", page=("Diagnosis: site down", "getent hosts"),
    ),
    Case(
        site="certificate", befall=expire, need="failing",
        log=("its certificate is not good: expired", "browser"),
        why=("certificate is not good",), step="our clock", page=("ca-certificates",),
    ),
    Case(
        site="stalled", befall=stall, need="failing",
        log=("time-out", "crawl.timeout"), why=("does not answer", "time-out"),
        step="slow for everybody", page=("crawl.timeout",),
    ),
    Case(
        site="sitemap", befall=fault("poisoned sitemap"), days=6,
        log=("not the site's own", "/sitemap.xml", "`exclude`"),
        why=("pages that are not the site's own:",), step="exclude", page=("Diagnosis: strange pages", "cheap-pills"),
        alarm=("not built as its own are",),
    ),
    Case(
        site="clock", befall=set_clock,
        log=("3 days behind", "timedatectl"), why=("a wrong clock on our side:", "3 days behind"),
        step="this machine's clock",
        page=("Diagnosis: clock", "date -u"), alarm=("clock", "timedatectl"),
    ),
    Case(
        site="slow", befall=fault("slow"), days=6, grid=WELL, need="warned",
        why=("a slow site: the middle answer took 4.0 s; normal is",), step="more time", page=("Diagnosis: slow",),
    ),
    Case(
        site="doubled", befall=fault("doubled"), days=16, grid=WELL, need="warned",
        why=("volume", "addresses are new"), step="normal", page=("addresses are new",),
    ),
    Case(
        site="firewall", befall=fault("firewall"), grid=BLOCKED, need="blocked",
        log=("blocked: 403",), why=("a firewall or a bot check:",), step="more slowly", page=("Diagnosis: firewall",),
    ),
    Case(site="well", befall=leave, grid=WELL, need="well"),
)  # fmt: skip


def write(paper: Gazette, sites: Path, site: str, **more: Any) -> None:
    """Write a site's file, with a schedule that is twelve hours away."""
    path = paper.write_site(sites, site=site, **more)
    hour = (datetime.now(UTC).hour + 12) % 24
    text = path.read_text().replace("The Wendham Gazette", f"The {site.title()} Gazette")
    path.write_text(text.replace('"0 18 * * *"', f'"30 {hour} * * *"').replace("Europe/London", "UTC"))


@dataclass(kw_only=True)
class Desk:
    """The stack with its papers, and who looks at it."""

    stack: Stack
    papers: dict[str, Gazette]
    archive: Archive
    shots: Path
    runs: dict[str, tuple[str, str]] = field(default_factory=dict)  # site -> Airflow's id, the archive's
    sent: list[Outgoing] = field(default_factory=list)

    @property
    def airflow(self) -> AirflowClient:
        return self.stack.airflow

    def get(self, path: str) -> str:
        """The words on an Archive page."""
        token = httpx.post(
            f"{self.airflow.address}/auth/token",
            json={"username": USER, "password": self.stack.server.password()}, trust_env=False,
        ).json()["access_token"]  # fmt: skip
        answer = httpx.get(
            f"{self.airflow.address}{ARCHIVE}{path}", cookies={"_token": token}, trust_env=False, timeout=30
        )
        return answer.text

    def grid(self, site: str) -> dict[str, str]:
        """State of each task of a site's run."""
        return {task.task: task.state for task in self.airflow.tasks(f"site_{site}", self.runs[site][0])}

    def log_end(self, site: str, task: str, number: int = 1, lines: int = 14) -> str:
        """The last lines of a task's log, without Airflow's traceback."""
        said = self.airflow.task_log(f"site_{site}", self.runs[site][0], task, try_number=number).splitlines()
        ours = [line for line in said if re.search(r" (INFO|WARNING|ERROR) ", line) and "Task failed" not in line]
        return "\n".join(ours[-lines:])


def live_through(case: Case, paper: Gazette, settings: Settings, extractor: Extractor, now: datetime) -> None:
    """The site's good runs, a day apart, the latest of yesterday."""
    for day in range(case.days, 0, -1):
        moment = now - timedelta(days=day)
        paper.now = moment
        own = settings.model_copy(update={"clock_ahead": moment - datetime.now(UTC)})
        site = steps.read_sites(own)[case.site]
        work = steps.Workplace(settings=own, sites={case.site: site}, archive=open_archive(own))
        run = steps.new_run(own)
        for segment in steps.crawl(work, case.site, run).segments:
            steps.extract(work, case.site, run, segment, extractor=extractor)
        steps.check(work, case.site, run)
        steps.publish(work, case.site, run)


def text_of(html: str) -> str:
    """A page's words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Airflow with all sites after their good runs, each of them broken and run once more."""
    root = tmp_path_factory.mktemp("faults")
    sites, scratch = root / "sites", root / "scratch"
    scratch.mkdir()
    mounted = mount_small(scratch, "300m")
    settings = Settings(
        home=root / "home", bucket="faults", sites=(sites,), builtin_sites=False, processes=1, scratch=scratch,
        store_port=take_ports(range(9_300 + os.getpid() % 800, 10_200), 0, 10_000),
        airflow_port=take_ports(range(32_510 + os.getpid() % 60 * 3, 32_760, 3), 0, 1, 2),
    )  # fmt: skip
    now = datetime.now(UTC)
    shots = Path(os.environ.get("MUNIMENT_TEST_SHOTS") or tmp_path_factory.mktemp("shots"))
    shots.mkdir(parents=True, exist_ok=True)
    began = (now - timedelta(days=26)).replace(hour=0, minute=0, second=0, microsecond=0)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        papers = {
            case.site: stack.enter_context(Gazette(began=began, days=28, week_ends=False)) for case in CASES + LATER
        }
        for case in CASES + LATER:
            write(papers[case.site], sites, case.site)
        running = Stack(settings, embedded=True)
        store = EmbeddedStore(settings.home, settings.store_port)
        stack.enter_context(store)
        for name, value in store.environment().items():
            patch.setenv(name, value)
        archive = open_archive(settings)
        # Two at a time; the one with the longest history by itself.
        ordered = sorted(CASES + LATER, key=lambda case: -case.days)
        parts = [ordered[0::2], ordered[1::2]]

        def live(part: list[Case]) -> None:
            with Extractor(1) as extractor:
                for case in part:
                    live_through(case, papers[case.site], settings, extractor, now)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(live, parts))
        for case in CASES + LATER:
            papers[case.site].now = now
            case.befall(case, papers[case.site], sites, stack)
        stack.enter_context(running)
        desk = Desk(stack=running, papers=papers, archive=archive, shots=shots)
        running.airflow.wait_for_dags([case.dag for case in CASES + LATER])
        assert running.airflow.import_errors() == []
        for case in CASES:
            trigger(desk, case.site)
        for case in CASES:
            running.airflow.wait_for_run(case.dag, desk.runs[case.site][0], timeout=900)
        for _ in range(2):  # the second tells nothing twice
            watch(
                archive, steps.read_sites(settings), datetime.now(UTC) + timedelta(minutes=10),
                notifiers={"desk": desk.sent.append},
            )  # fmt: skip
        yield desk
    if mounted:
        subprocess.run(["umount", str(scratch)], check=True)


def trigger(desk: Desk, site: str) -> None:
    """Switch a site's DAG on and ask for a run."""
    desk.airflow.unpause(f"site_{site}")
    run = desk.airflow.trigger(f"site_{site}")
    desk.runs[site] = (run.dag_run, run.run)


def mount_small(folder: Path, size: str) -> bool:
    """Mount a file system of a size; False: not root."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    return done.returncode == 0


@pytest.mark.parametrize("case", CASES, ids=[case.site for case in CASES])
def test_what_an_operator_reads_of_a_fault_names_it_and_says_what_to_do(desk: Desk, case: Case) -> None:
    grid = desk.grid(case.site)
    run = desk.runs[case.site][1]
    rows = re.split(r"<tr class=", desk.get("/"))
    (row,) = [row for row in rows if f'/sites/{case.site}"' in row]
    overview, page = text_of(row), text_of(desk.get(f"/sites/{case.site}/runs/{run}"))
    failed = next((task for task in ("crawl", "check", "blocked", "publish") if grid.get(task) == "failed"), None)
    log = desk.log_end(case.site, failed or "check")
    alarms = [sent for sent in desk.sent if f"({case.site})" in sent.text]
    record = {
        "grid": grid, "log": log, "overview": overview, "alarms": [f"{a.subject}\n{a.text}" for a in alarms],
        "page": page[:4000],
    }  # fmt: skip
    (desk.shots / f"{case.site}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False))

    assert {task: grid[task] for task in case.grid} == case.grid
    names(log, *case.log)
    assert f" {case.need} " in f" {overview} "
    names(overview, *case.why, case.step)
    names(page, *case.page)
    published = desk.archive.read_published(case.site, run)
    assert (published is not None) == (case.grid == WELL)
    if case.alarm:
        names("\n".join(f"{alarm.subject}\n{alarm.text}" for alarm in alarms), *case.alarm)
    if case.need == "well":
        assert not alarms


def test_no_alarm_is_told_twice(desk: Desk) -> None:
    subjects = [sent.subject for sent in desk.sent]
    assert len(subjects) == len(set(subjects))


def test_what_needs_a_person_stands_first_and_the_words_fit_a_glance(desk: Desk) -> None:
    html = desk.get("/")
    order = re.findall(r'<tr class="(\w+)">', html)
    ranks = ("rejected", "failing", "blocked", "silent", "warned", "unfinished", "well", "unknown")
    assert order == sorted(order, key=ranks.index)
    for why in re.findall(r'<span class="why">(.*?)</span>', html, re.DOTALL):
        assert len(text_of(why)) < 300, why


@pytest.mark.browser
def test_screenshots_are_kept_to_be_looked_at(desk: Desk) -> None:
    if find_browser() is None:
        pytest.skip("Chromium is not installed")
    take_shots(desk, "faults", [case.site for case in CASES])


def take_shots(desk: Desk, name: str, sites: list[str]) -> None:
    """The overview, Airflow's list of DAGs, and of each site its grid and its run's page."""
    from playwright.sync_api import sync_playwright

    address = desk.airflow.address
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=find_browser(), chromium_sandbox=False)
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{address}/auth/login?next=%2F")
        page.fill("input[name=username]", USER)
        page.fill("input[name=password]", desk.stack.server.password())
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto(f"{address}{ARCHIVE}/")
        page.screenshot(path=desk.shots / f"{name}-overview.png", full_page=True)
        page.goto(f"{address}/dags")
        page.wait_for_timeout(4000)
        page.screenshot(path=desk.shots / f"{name}-dags.png")
        for site in sites:
            run = desk.runs.get(site)
            page.goto(f"{address}/dags/site_{site}")
            page.wait_for_timeout(2500)
            page.screenshot(path=desk.shots / f"{name}-{site}-grid.png")
            if run is not None:
                page.goto(f"{address}{ARCHIVE}/sites/{site}/runs/{run[1]}")
                page.screenshot(path=desk.shots / f"{name}-{site}-run.png", full_page=True)
        chromium.close()


# --- faults on our side, one after the other in the same Airflow ------------------------------------------------

LATER: Final = tuple(
    Case(site=site, befall=leave, grid=WELL, need="well") for site in ("scratch", "lost", "key", "full")
)
CONNECTION: Final = "/connections"
NAME: Final = "muniment_archive"


def wait_for(desk: Desk, site: str, task: str, *states: str, seconds: float = 120) -> str:
    """The state of a task, once it is one of these."""
    end = time.monotonic() + seconds
    while (state := desk.grid(site).get(task, "none")) not in states:
        assert time.monotonic() < end, desk.grid(site)
        time.sleep(0.5)
    return state


def keep(desk: Desk, name: str, **more: Any) -> None:
    """Keep what was read."""
    (desk.shots / f"{name}.json").write_text(json.dumps(more, indent=1, ensure_ascii=False))


def find_row(desk: Desk, site: str) -> str:
    """A site's line of the overview."""
    rows = re.split(r"<tr class=", desk.get("/"))
    return text_of(next((row for row in rows if f'/sites/{site}"' in row), ""))


def finish(desk: Desk, site: str) -> None:
    """The run goes on by itself, and ends well."""
    assert desk.airflow.wait_for_run(f"site_{site}", desk.runs[site][0], timeout=400).state == "success"
    time.sleep(4)  # so long the pages believe what they listed
    assert " failing " not in find_row(desk, site)


def test_a_full_scratch_disk_is_amber_says_so_and_goes_on_with_room(desk: Desk) -> None:
    folder = desk.stack.settings.scratch
    assert folder is not None
    if not folder.is_mount():
        pytest.skip("only root may mount a small file system")
    junk = folder / "somebody elses"
    junk.write_bytes(b"x" * (shutil.disk_usage(folder).free - 40_000))
    try:
        trigger(desk, "scratch")
        state = wait_for(desk, "scratch", "crawl", "up_for_retry", "failed")
        time.sleep(4)
        log, row = desk.log_end("scratch", "crawl"), find_row(desk, "scratch")
        take_shots(desk, "scratch", ["scratch"])
    finally:
        junk.unlink()
    keep(desk, "scratch", grid=state, log=log, overview=row)
    assert state == "up_for_retry"
    names(log, "scratch folder", "is full", "nothing is wrong with the site", "tries again by itself (try 2 of 6)")
    names(row, " failing ", "It tries again by itself", "scratch folder", "is full")
    finish(desk, "scratch")


def test_a_lost_store_is_amber_says_so_everywhere_and_goes_on_when_it_is_back(desk: Desk) -> None:
    store = desk.stack.store
    assert store is not None
    store.down()
    try:
        trigger(desk, "lost")
        state = wait_for(desk, "lost", "crawl", "up_for_retry", "failed")
        log, page = desk.log_end("lost", "crawl"), text_of(desk.get("/"))
        take_shots(desk, "lost", [])
    finally:
        store.up(tied=True)
    keep(desk, "lost", grid=state, log=log, overview=page[:2000])
    assert state == "up_for_retry"
    names(log, "does not answer: connection refused", "muniment store up", "tries again by itself")
    names(page, "does not answer", "muniment store up")
    finish(desk, "lost")


def connect_to(desk: Desk, endpoint: str, key: str, secret: str, bucket: str) -> None:
    """Write Airflow's connection to the archive, as a person does in its pages."""
    extra = json.dumps({"endpoint_url": endpoint, "bucket": bucket})
    given = {"connection_id": NAME, "conn_type": "aws", "login": key, "password": secret, "extra": extra}
    desk.airflow.call("POST", CONNECTION, body=given)


def test_a_wrong_key_fails_at_once_and_names_what_does_not_fit(desk: Desk) -> None:
    store = desk.stack.store
    assert store is not None
    access = store.environment()
    endpoint, key = access["AWS_ENDPOINT_URL_S3"], access["AWS_ACCESS_KEY_ID"]
    connect_to(desk, endpoint, key, "wrong" * 4, "faults")
    try:
        trigger(desk, "key")
        desk.airflow.wait_for_run("site_key", desk.runs["key"][0], timeout=200)
        grid, log = desk.grid("key"), desk.log_end("key", "crawl")
        take_shots(desk, "key", ["key"])
        keep(desk, "key", grid=grid, log=log, overview=text_of(desk.get("/"))[:2000])
    finally:
        desk.airflow.call("DELETE", f"{CONNECTION}/{NAME}")
    assert (grid["crawl"], grid["publish"]) == ("failed", "upstream_failed")
    names(log, "secret key does not fit", "Next step", "must belong together", "muniment_archive")
    assert desk.archive.read_orders("key", desk.runs["key"][1]) is None


def test_a_full_store_is_amber_says_so_and_publishes_nothing_by_halves(desk: Desk, tmp_path: Path) -> None:
    if not mount_small(tmp_path, "64m"):
        pytest.skip("only root may mount a small file system")
    small = EmbeddedStore(tmp_path / "home", 0)
    try:
        with small:
            access = small.environment()
            names_of = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            endpoint, key, secret = (access[name] for name in names_of)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in access.items():
                    patch.setenv(name, value)
                archive = open_archive(desk.stack.settings.model_copy(update={"bucket": "small"}))
            junk = tmp_path / "somebody elses"
            junk.write_bytes(b"x" * (shutil.disk_usage(tmp_path).free - 60_000))
            connect_to(desk, endpoint, key, secret, "small")
            try:
                trigger(desk, "full")
                state = wait_for(desk, "full", "crawl", "up_for_retry", "failed", "success", seconds=200)
                log = desk.log_end("full", "crawl")
                take_shots(desk, "full", ["full"])
            finally:
                junk.unlink()
            keep(desk, "full", grid=state, log=log)
            assert state == "up_for_retry"
            names(log, "disk is full", "tries again by itself")
            assert desk.airflow.wait_for_run("site_full", desk.runs["full"][0], timeout=600).state == "success"
            assert archive.read_published("full", desk.runs["full"][1]) is not None
    finally:
        with suppress(StackFailed):
            desk.airflow.call("DELETE", f"{CONNECTION}/{NAME}")
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
