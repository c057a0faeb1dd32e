"""Replay by programs that are not ours: pywb on the bucket, drawn by the real Chromium; keys as pywb makes them."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.cdx import read_index, surt_key
from pipeline.export import export_pywb
from pipeline.model import article_id
from pipeline.settings import Settings
from pipeline.steps import Workplace, run_import
from spiders.render import find_browser, find_missing
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page
from tests.pipeline.built_runs import url_of
from tests.pipeline.foreign_files import write_pages
from tests.pipeline.replaying import ROOT, find_program

_START_SECONDS = 60
_KEYS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import surt
for line in sys.stdin:
    try:
        key = surt.surt(json.loads(line))
    except Exception:
        key = None
    print(json.dumps(key), flush=True)
"""


@contextmanager
def replaying(folder: Path, program: tuple[str, ...] = ("-m", "pywb.apps.cli")) -> Iterator[str]:
    """pywb on a free port of loopback; its address. Ended by its id."""
    python = find_program("python")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python, *program, "-b", "127.0.0.1", "-p", str(port), "-d", folder]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            end = time.monotonic() + _START_SECONDS
            while True:
                try:
                    urlopen(base, timeout=5).close()
                    break
                except (URLError, OSError):
                    assert process.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < end, "pywb does not answer"
                    time.sleep(0.1)
            yield base
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture
def _browser() -> None:
    missing = find_missing()
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI has to draw pages: {missing}")
    if missing:
        pytest.skip(missing)


@pytest.mark.browser
@pytest.mark.usefixtures("_browser")
def test_pywb_replays_every_version_and_every_revisit_from_the_bucket(settings: Settings, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    archive = build_archive(settings).archive
    export_pywb(archive, [SITE.id], tmp_path)
    every = [version for article in archive.articles(SITE.id) for version in archive.versions(SITE.id, article)]
    versions = [version for version in every if version.state == "live"]
    assert len(versions) == len(STORIES) + 2
    revisits = [line for line in read_index(archive, SITE.id) if line.is_revisit]
    assert len(revisits) == 3
    with replaying(tmp_path) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            chromium_sandbox=os.geteuid() != 0,
            args=["--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        page = browser.new_page()

        def words(timestamp: str, url: str) -> str:
            page.goto(f"{base}/{SITE.id}/{timestamp}/{url}", wait_until="domcontentloaded")
            drawn = page.frame_locator("iframe#replay_iframe").locator("article").inner_text()
            return " ".join(drawn.split())

        for version in versions:
            drawn = words(f"{version.captured_at:%Y%m%d%H%M%S}", version.final_url)
            assert version.title in drawn
            for paragraph in version.text.splitlines():
                assert " ".join(paragraph.split()) in drawn
        for line in revisits:
            drawn = words(line.timestamp, line.url)
            name = line.url.rpartition("/")[2]
            assert STORIES[name][0] in drawn
            # the bridge's latest revisit repeats its second text, not its first
            assert ("two million pounds" in drawn) == (line.url == url_of("bridge"))
        browser.close()


@pytest.mark.slow
def test_pywb_replays_imported_records_of_http_2_as_the_documentation_starts_it(
    settings: Settings, archive: Archive, tmp_path: Path
) -> None:
    body = write_pages(datetime(2020, 3, 4, tzinfo=UTC), {name: page(name) for name in STORIES})
    plain, odd = gzip.decompress(body), b""
    for part in re.split(rb"(?=WARC/1\.[01]\r\n)", plain):
        if part:
            odd += gzip.compress(_as_http_2(part))
    path = tmp_path / "old.warc.gz"
    path.write_bytes(odd)
    work = Workplace(settings=settings.model_copy(update={"processes": 1}), sites={SITE.id: SITE}, archive=archive)
    [run] = run_import(work, [str(path)]).sites[0].runs
    assert run.state == "published"
    version = archive.version(SITE.id, article_id(url_of("bridge")), 1)
    assert b"HTTP/2 200" in gzip.decompress(archive.read_record(version.evidence))
    export_pywb(archive, [SITE.id], tmp_path)
    address = f"{SITE.id}/20200304000000id_/{url_of('bridge')}"
    with replaying(tmp_path) as base, pytest.raises(HTTPError, match="503"):
        urlopen(f"{base}/{address}", timeout=20)
    [recipe] = re.findall(r"python -c '([^']+wayback\(\))'", (ROOT / "docs" / "replay.md").read_text())
    with replaying(tmp_path, ("-c", recipe)) as base, urlopen(f"{base}/{address}", timeout=20) as answer:
        assert answer.status == 200
        assert answer.read() == page("bridge")


def _as_http_2(record: bytes) -> bytes:
    """A record whose status line says HTTP/2, without a reason, and its length accordingly."""
    head, gap, block = record.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    said = re.sub(rb"^HTTP/1\.1 (\d{3})[^\r]*", rb"HTTP/2 \1", block)
    head = head.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length - len(block) + len(said)))
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"WARC-Block-Digest")) + gap + said


_PATH = st.lists(
    st.sampled_from(
        ["a", "B", "/", "//", "/..", "/./", "%20", "%2F", "%25", "%3f", ";", ":", "+", "~", "é", " ", "(", "x=1", "."]
    ),
    max_size=8,
).map("".join)
_QUERY = st.none() | st.lists(st.sampled_from(["a", "B=", "&", "=1", "%26", "é", "?", "+"]), max_size=8).map("".join)
_HOST = st.sampled_from(
    ["news.example", "WWW.News.Example", "www2.a.co.uk:8080", "x.example:443", "x.example:80", "u:p@x.example",
     "münchen.example", "10.1.2.3", "x.example:", "x..example.", "www.example"]
)  # fmt: skip


@pytest.fixture(scope="module")
def keys() -> Iterator[subprocess.Popen[str]]:
    """The ``surt`` package that pywb uses, as a process that answers a URL a line."""
    command = [find_program("python"), "-c", _KEYS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


@tried(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scheme=st.sampled_from(["http", "https"]), host=_HOST, path=_PATH, query=_QUERY, fragment=st.none() | _PATH)
def test_a_url_has_the_key_under_which_pywb_looks_for_it(
    keys: subprocess.Popen[str], scheme: str, host: str, path: str, query: str | None, fragment: str | None
) -> None:
    url = f"{scheme}://{host}/{path}"
    url += "" if query is None else f"?{query}"
    url += "" if fragment is None else f"#{fragment}"
    assert keys.stdin is not None
    assert keys.stdout is not None
    keys.stdin.write(json.dumps(url) + "\n")
    keys.stdin.flush()
    assert surt_key(url) == json.loads(keys.stdout.readline())
