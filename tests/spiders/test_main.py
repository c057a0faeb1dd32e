from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from spiders.__main__ import say
from spiders.protocol import HOSTS_NAME, OPEN_SUFFIX, SUMMARY_NAME
from spiders.warc import read_captures
from tests.loopback import LoopbackSite, Reply
from tests.spiders.conftest import ROOT, RUN, Child, Crawl, Crawled, site_on, sitemap_of

PAGES = 40
pytestmark = pytest.mark.usefixtures("cold_starts")


def serve_slowly(loopback: LoopbackSite, seconds: float = 0.3) -> list[str]:
    """A site whose crawl takes a few seconds."""
    urls = [loopback.url(f"/news/{n}") for n in range(PAGES)]
    loopback.routes["/sitemap.xml"] = sitemap_of(*urls)
    for n in range(PAGES):
        loopback.routes[f"/news/{n}"] = Reply(body=os.urandom(3000), delay=seconds)
    return urls


def wait_for(what: object, seconds: float = 60) -> None:
    """Until a condition holds."""
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def run_with(child: Child, script: str, site: object, **options: object) -> Crawled:
    """Run the child with something broken in it first."""
    command = child.prepare(site, **options)  # type: ignore[arg-type]
    script = f"import sys, spiders.__main__ as m\n{script}\nsys.exit(m.main())"
    ended = subprocess.run(
        [command[0], "-c", script, *command[command.index("-m") + 2 :]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return child.collect(ended.returncode, ended.stdout)


def test_a_live_site_without_a_contact_is_refused_with_the_remedy(loopback: LoopbackSite, crawl: Crawl) -> None:
    site = site_on(loopback, crawl={"allow_private": False})
    crawled = crawl(site)
    assert crawled.status == 4
    assert "MUNIMENT_CONTACT" in crawled.lines[-1]
    assert crawled.summary is None
    assert loopback.requests == []


def test_a_contact_that_breaks_the_header_is_refused(loopback: LoopbackSite, crawl: Crawl) -> None:
    assert crawl(site_on(loopback), contact="a@b.uk\r\nX: y").status == 4


def test_the_user_agent_names_us_and_the_contact(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"))
    crawled = crawl(site_on(loopback), contact="https://news.example.org/bot", version="9.8")
    assert crawled.status == 0
    expected = "Muniment/9.8 (+https://news.example.org/bot)"
    assert {asked.header("user-agent") for asked in loopback.requests} == {expected}
    assert crawled.told.user_agent == expected


def test_an_exchange_that_is_not_written_is_not_passed_over(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback, 0)
    lose_one = (
        "import spiders.warc as w\nwrite = w.SegmentWriter.write_exchange\n"
        "def lose(self, exchange):\n"
        "    return None if exchange.requested.endswith('/7') else write(self, exchange)\n"
        "w.SegmentWriter.write_exchange = lose"
    )
    crawled = run_with(child, lose_one, site_on(loopback))
    assert crawled.status == 3
    assert crawled.told.yielded == crawled.told.written + 1


def test_an_error_of_ours_is_a_crash_and_not_a_good_end(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback, 0)
    broken = "import spiders.books as b\nb.Books.close_page = lambda *a: 1 / 0"
    crawled = run_with(child, broken, site_on(loopback))
    assert crawled.status == 1
    assert crawled.summary is None
    assert any("ZeroDivisionError" in line for line in crawled.lines)


def test_a_full_disk_ends_the_crawl_with_an_error(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback, 0)
    limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    crawled = run_with(child, limit, site_on(loopback), segment_mb=1)
    assert crawled.status == 1
    assert crawled.summary is None
    assert any("OSError" in line for line in crawled.lines), crawled.lines
    assert crawled.segments == []


def test_a_spool_that_is_not_there_ends_with_an_error(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback, 0)
    command = child.prepare(site_on(loopback))
    command[command.index("--spool") + 1] = str(child.folder / "missing")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1


def test_sigterm_seals_the_open_segment(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback)
    process = subprocess.Popen(child.prepare(site_on(loopback)), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: len(loopback.paths()) > 12)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    crawled = child.collect(process.returncode, output)
    assert crawled.status == 143, crawled.lines
    assert crawled.summary is None
    assert len(crawled.segments) == 1
    assert not list(crawled.spool.glob(f"*{OPEN_SUFFIX}"))
    assert 5 <= len(crawled.pages()) < PAGES


def test_a_killed_crawl_loses_nothing_sealed_and_a_second_one_doubles_nothing(
    loopback: LoopbackSite, child: Child, tmp_path: Path
) -> None:
    urls = serve_slowly(loopback)
    site = site_on(loopback)
    command = child.prepare(site, segment_mb=0.02)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: len(list((child.folder / "spool").glob("*.warc.gz"))) >= 2)
    process.kill()
    output, _ = process.communicate(timeout=60)
    first = child.collect(process.returncode, output)
    assert first.status == -signal.SIGKILL
    done = set(first.pages())  # every sealed segment reads to its end
    assert 0 < len(done) < PAGES
    checked = subprocess.run(
        [sys.executable, "-c", "from warcio.cli import main; main()", "check", *map(str, first.segments)],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    before = len(loopback.requests)
    second = Child(folder=tmp_path / "second").run(site, done=done, first_segment=len(first.segments))
    assert second.status == 0, second.lines
    assert set(second.pages()) == set(urls) - done
    asked = {loopback.url(path) for path in loopback.paths()[before:]}
    assert not asked & done
    assert (second.told.discovered, second.told.captured, second.told.outcomes) == (PAGES, PAGES, {})
    assert second.told.segments[0] == f"{RUN}-{len(first.segments):05d}.warc.gz"


def test_what_was_captured_before_counts_even_if_no_source_lists_it_again(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"), loopback.url("/news/2"))
    loopback.page("/news/1", "x")
    loopback.page("/news/2", "x")
    done = [loopback.url("/news/1"), loopback.url("/news/9")]
    crawled = crawl(site_on(loopback, crawl={"fetch_at_most": 3}), done=done)
    assert (crawled.told.discovered, crawled.told.captured) == (3, 3)
    assert set(crawled.pages()) == {loopback.url("/news/2")}


def test_segments_rotate_by_size_while_the_crawl_runs(loopback: LoopbackSite, crawl: Crawl) -> None:
    urls = serve_slowly(loopback, 0)
    crawled = crawl(site_on(loopback), segment_mb=0.02)
    assert crawled.status == 0
    assert len(crawled.segments) > 3
    assert crawled.told.segments == [path.name for path in crawled.segments]
    assert set(crawled.pages()) == set(urls)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_child_ends_with_its_parent(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback, 1.0)
    command = child.prepare(site_on(loopback, crawl={"concurrency": 1}))
    script = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True); p.wait()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    wait_for(lambda: len(loopback.requests) > 2)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    time.sleep(0.3)
    asked = len(loopback.requests)
    time.sleep(1.2)
    assert len(loopback.requests) == asked


def test_a_child_whose_parent_is_gone_already_does_not_start(loopback: LoopbackSite, child: Child) -> None:
    command = [*child.prepare(site_on(loopback)), "--parent", "1"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
    assert loopback.requests == []


def test_the_summary_is_written_whole_or_not_at_all(loopback: LoopbackSite, crawl: Crawl) -> None:
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0
    assert crawled.told.balances()
    left = {path.name for path in crawled.spool.iterdir() if not path.name.endswith(".gz")}
    assert left == {SUMMARY_NAME, HOSTS_NAME}


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\x1b[31m\u202e\u2028c é ☃ \ud800")
    assert capsys.readouterr().out == "a\\nb\\x1b[31m\\u202e\\u2028c é ☃ \\ud800\n"


def test_every_capture_can_be_read_while_the_crawl_goes_on(loopback: LoopbackSite, child: Child) -> None:
    serve_slowly(loopback)
    process = subprocess.Popen(child.prepare(site_on(loopback), segment_mb=0.02), cwd=ROOT, stdout=subprocess.DEVNULL)
    seen = 0
    while process.poll() is None:
        for path in (child.folder / "spool").glob("*.warc.gz"):
            with path.open("rb") as stream:
                seen += len(list(read_captures(stream)))
        time.sleep(0.1)
    assert process.returncode == 0
    assert seen > 0
