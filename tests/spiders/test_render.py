"""Drawing pages in the real Chromium: what it is for, and what hostile pages get out of it.

Where Chromium is not installed these tests are skipped, and say so; on CI, whose script installs it, that fails.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from pipeline.extract import judge_capture
from spiders.protocol import Exit, Known
from spiders.render import MOST_REQUESTS, find_missing, needs_script, refuse_request
from spiders.warc import Captured, payload_digest
from tests.loopback import LoopbackSite, Reply
from tests.spiders.conftest import ROOT, Child, Crawl, Crawled, site_on, sitemap_of
from tests.spiders.test_capture import make_certificate

SHELL = (
    "<!doctype html><html><head><title>News</title><meta charset=iso-8859-1></head><body>"
    "<noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div>"
    "<script>const draw = html => { document.getElementById('root').innerHTML = html };\n"
    "const text = 'The council met on Monday and agreed the budget for the year. '.repeat(8);\n"
    "%s</script></body></html>"
)
APP = (
    "<!doctype html><html><head><title>News</title></head><body><div id=root></div>"
    "<link rel=stylesheet href=/app.css><script src=/app.js></script></body></html>"
)
SCRIPT = """
fetch('/api' + location.pathname).then(r => r.json()).then(story => {
  const root = document.getElementById('root');
  root.innerHTML = '<article><h1></h1><img src=/photo.jpg><p></p></article>';
  root.querySelector('h1').textContent = story.title;
  root.querySelector('p').textContent = story.text;
});
"""
PROSE = "The council’s cabinet met on Monday and agreed the budget for the coming year. "


@pytest.fixture(autouse=True)
def _chromium(request: pytest.FixtureRequest) -> None:
    if "browser" not in request.keywords:
        return
    missing = find_missing()
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI has to draw pages: {missing}")
    if missing:
        pytest.skip(missing)


browser = pytest.mark.browser


def shell(script: str) -> Reply:
    return Reply(body=(SHELL % script).encode())


def story(text: str) -> Reply:
    return Reply(body=json.dumps({"title": "Budget agreed", "text": text}).encode(), content_type="application/json")


def serve_app(server: LoopbackSite, pages: int) -> list[str]:
    """Pages that an application draws from JSON; their URLs."""
    server.routes["/app.js"] = Reply(body=SCRIPT.encode(), content_type="text/javascript")
    for n in range(pages):
        server.routes[f"/news/{n}"] = Reply(body=APP.encode(), headers=(("ETag", '"shell"'),))
        server.routes[f"/api/news/{n}"] = story(PROSE * 6)
    urls = [server.url(f"/news/{n}") for n in range(pages)]
    server.routes["/sitemap.xml"] = sitemap_of(*urls)
    return urls


# --- which pages need it --------------------------------------------------------------------------------

ARTICLE = "<p>" + PROSE * 6 + "</p>"


@pytest.mark.parametrize(
    ("page", "needed"),
    [
        (APP, True),
        (SHELL % "", True),
        ("<body><app-root></app-root><script src=main.js></script>", True),
        ("<body><div id=__next></div><script id=__NEXT_DATA__ type=application/json>{}</script>", True),
        ("<body><nav>" + "<a href=/>Home</a>" * 40 + "</nav><div id=app></div><footer>Council</footer><script>", True),
        ("<body><div id=root><h1>Budget</h1>" + ARTICLE + "</div><script src=main.js></script>", False),
        ("<body>" + ARTICLE + "<div id=root></div><script src=widget.js></script>", False),
        ("<body><noscript>Enable JavaScript</noscript>" + ARTICLE + "<script></script>", False),
        ("<body><h1>Library closed</h1><p>The library is closed today after a burst pipe.</p><script></script>", False),
        ("<body><p>Closed</p>", False),
        ("", False),
    ],
)  # fmt: skip
def test_only_an_empty_shell_needs_script(page: str, needed: bool) -> None:
    assert needs_script(page.encode()) is needed
    assert needs_script(page.encode(), "text/html; charset=x") is needed
    assert not needs_script(page.encode(), "application/pdf")


def test_looking_survives_broken_pages() -> None:
    for body in (b"\x00\xff<script>", b"<div>" * 100_000, b"<script" * 1000, "<p>ü".encode("utf-16"), b"<!--"):
        needs_script(body)


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (("script", "GET", "https://cdn.example/app.js", False, False), None),
        (("fetch", "GET", "https://a.uk/api", False, True), None),
        (("fetch", "POST", "https://a.uk/graphql", False, True), None),
        (("fetch", "POST", "https://count.example/hit", False, False), "method POST"),
        (("fetch", "DELETE", "https://a.uk/api", False, True), "method DELETE"),
        (("image", "GET", "https://a.uk/photo.jpg", False, True), "image not wanted"),
        (("image", "GET", "https://a.uk/photo.jpg", True, True), None),
        (("websocket", "GET", "wss://a.uk/live", True, True), "websocket not wanted"),
        (("ping", "POST", "https://a.uk/hit", True, True), "ping not wanted"),
        (("script", "GET", "file:///etc/passwd", True, True), "scheme"),
    ],
)
def test_a_page_may_ask_for_what_draws_it(asked: tuple[str, str, str, bool, bool], refused: str | None) -> None:
    kind, method, url, resources, own = asked
    assert refuse_request(kind, method, url, resources=resources, own=own) == refused


# --- drawing --------------------------------------------------------------------------------------------


@browser
def test_a_page_that_needs_script_is_drawn_and_kept_beside_its_response(loopback: LoopbackSite, crawl: Crawl) -> None:
    urls = serve_app(loopback, 3)
    plain = loopback.page("/news/plain", f"<h1>Plain</h1>{ARTICLE}<script src=/app.js></script>")
    loopback.routes["/sitemap.xml"] = sitemap_of(*urls, plain)
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /api/news/2\n", content_type="text/plain")
    site = site_on(loopback, crawl={"render": True, "concurrency": 1})
    first = crawl(site, contact="https://example.org/bot")
    assert first.status == 0, first.lines
    first.check()
    pages = first.pages()
    drawn = pages[urls[0]]
    assert drawn.payload == APP.encode()
    assert drawn.rendered is not None
    assert PROSE in drawn.rendered.decode()
    assert pages[plain].rendered is None
    assert pages[urls[2]].unrendered == "nothing drawn"  # robots.txt keeps us from what it would be drawn of
    # The page is asked for once, a script once for all pages, and nothing that only makes it pretty.
    asked = loopback.paths()
    assert [asked.count(path) for path in ("/news/0", "/news/1", "/app.js", "/api/news/0")] == [1, 1, 1, 1]
    assert not {"/app.css", "/photo.jpg", "/favicon.ico", "/api/news/2"} & set(asked)
    (agent,) = {one.header("user-agent") for one in loopback.requests}
    assert agent == first.told.user_agent
    told = first.told
    assert (told.captured, told.written) == (4, told.yielded)
    assert told.requests == len(asked) == told.yielded + 3  # the script and two stories

    finding = judge_capture(site, drawn, "warc/loop/x.warc.gz")
    assert finding.article is not None
    assert finding.article.title == "Budget agreed"
    assert "’s cabinet met" in finding.article.text
    assert "drawn" in finding.article.origins["text"]
    assert finding.evidence.payload_digest == payload_digest(APP.encode())
    assert finding.evidence.rendered_digest == payload_digest(drawn.rendered)
    failed = judge_capture(site, pages[urls[2]], "warc/loop/x.warc.gz")
    assert (failed.kind, failed.reason) == ("failed", "not drawn: nothing drawn")

    # The shell is the same and the story is not: the page is asked for whole, drawn again, and no revisit.
    loopback.requests.clear()
    loopback.routes["/api/news/0"] = story("It was not agreed after all. " * 20)
    known = Known(
        url=urls[0],
        due=True,
        etag='"shell"',
        payload_digest=payload_digest(APP.encode()),
        captured_at="2026-11-01T00:00:00Z",
        record_id=drawn.record_id,
    )
    site = site_on(loopback, crawl={"render": True, "render_resources": True})
    loopback.routes["/sitemap.xml"] = sitemap_of(urls[0])
    second = crawl(site, known=[known])
    assert second.status == 0, second.lines
    second.check()
    again = second.pages()[urls[0]]
    assert again.record_type == "response"
    assert again.rendered is not None
    assert b"not agreed after all" in again.rendered
    assert loopback.asked("/news/0")[0].header("if-none-match") is None
    assert {"/app.css", "/photo.jpg"} <= set(loopback.paths())  # this time they were asked for


@browser
def test_https_goes_through_the_proxy_like_http(tmp_path: Path, crawl: Crawl) -> None:
    with LoopbackSite(tls=make_certificate(tmp_path)) as server:
        urls = serve_app(server, 1)
        crawled = crawl(site_on(server, crawl={"render": True, "verify_certificates": False}))
        asked = server.paths()
    assert crawled.status == 0, crawled.lines
    assert urls[0].startswith("https:")
    assert PROSE.encode() in (crawled.pages()[urls[0]].rendered or b"")
    assert [asked.count(path) for path in ("/news/0", "/app.js", "/api/news/0")] == [1, 1, 1]


GOOD = "draw('<p>' + text)"
EVIL = {
    "endless": f"{GOOD}; let n = 0; const more = () => fetch('/more?' + n++).then(more, more); more()",
    "leave": f"{GOOD}; location.href = '/secret'; setTimeout(() => location.replace('file:///etc/passwd'), 50)",
    "alerts": f"{GOOD}; for (let n = 0; n < 1000; n++) {{ alert(n); confirm(n); prompt(n) }}",
    "windows": f"{GOOD}; for (let n = 0; n < 50; n++) window.open('/secret?' + n)",
    "socket": f"{GOOD}; new WebSocket('ws://' + location.host + '/secret')",
    "worker": f"{GOOD}; navigator.serviceWorker.register('/secret').catch(() => 0);"
    "new Worker(URL.createObjectURL(new Blob([`fetch('${location.origin}/secret')`])))",
    "big": "fetch('/big').then(r => r.text()).then(t => draw(t + text))",
    "loop": "draw('<p>' + text); fetch('/looping'); setTimeout(() => { for (;;); }, 100)",
    "hog": "const all = []; for (;;) all.push(new Uint8Array(5e7).fill(1))",
    "noarchive": f"{GOOD}; document.head.innerHTML += '<meta name=robots content=noarchive>'",
    "last": GOOD,
}
MORE = {
    "slow": "setTimeout(() => fetch('/story').then(r => r.text()).then(t => draw('<p>' + t + text)), 800)",
    "flood": f"{GOOD}; for (let n = 0; n < 500; n++) fetch('/flood?' + n)",
    "reload": f"{GOOD}; setInterval(() => location.reload(), 20)",
    "refresh": f"{GOOD}; document.head.innerHTML += '<meta http-equiv=refresh content=\"0;url=/secret\">'",
    "frames": "draw('<p>' + text + '<iframe src=/secret></iframe><object data=/secret></object><embed src=/secret>')",
    "events": f"{GOOD}; new EventSource('/secret')",
    "beacon": f"{GOOD}; navigator.sendBeacon('/secret', 'x'); new Image().src = '/secret'",
    "form": "draw('<p>' + text + '<form action=/secret method=post></form>'); document.forms[0].submit()",
    "download": "draw('<p>' + text + '<a id=d href=/secret download>x</a>'); document.getElementById('d').click()",
    "hints": f"{GOOD}; document.head.innerHTML += '<link rel=prefetch href=/secret><link rel=preload as=image "
    "href=/secret><link rel=prerender href=/secret><link rel=manifest href=/secret>';"
    "const s = document.createElement('script'); s.type = 'speculationrules'; "
    "s.textContent = '{\"prefetch\": [{\"source\": \"list\", \"urls\": [\"/secret\"]}]}'; document.head.append(s)",
    "huge": "draw('<p>' + 'x'.repeat(5e6))",
    "blob": "location.href = URL.createObjectURL(new Blob(['<p>' + text], {type: 'text/html'}))",
    "broken": "fetch('/broken').then(r => { if (!r.ok) draw('Sorry!') })",
    "liar": "JSON.stringify = () => '[\"file:///\", 1e9]'; String.prototype.trim = () => 'x'; draw('<p>' + text)",
    "last": GOOD,
}  # fmt: skip


def crawl_pages(server: LoopbackSite, crawl: Crawl, pages: dict[str, str]) -> tuple[Crawled, dict[str, str]]:
    """Crawl pages of these scripts, which ask for what they should not; those that could not be drawn, and why."""
    for name, script in pages.items():
        server.routes[f"/news/{name}"] = shell(script)
    server.routes["/sitemap.xml"] = sitemap_of(*[server.url(f"/news/{name}") for name in pages])
    server.routes["/story"] = Reply(body=b"slowly", delay=0.7)
    server.routes["/more"] = server.routes["/flood"] = Reply(body=b"x")
    server.routes["/secret"] = Reply(body=b"secret")
    server.routes["/big"] = Reply(body=b"x" * 20_000_000, length=200_000_000)
    server.routes["/broken"] = Reply(status=503)
    crawled = crawl(site_on(server, crawl={"render": True, "timeout": 8.0, "max_bytes": 1_000_000}))
    assert crawled.status == 0, crawled.lines
    crawled.check()
    told = crawled.told
    assert told.balances()
    assert told.captured + told.outcomes.get("excluded", 0) == len(pages)
    failed = {}
    for page in crawled.captures("page"):
        name = page.requested.rpartition("/")[2]
        if page.unrendered is not None:
            failed[name] = page.unrendered
        elif not page.withheld:
            assert page.rendered is not None, name
            assert b"agreed the budget for the year. The council met" in page.rendered, name
    asked = [path.partition("?")[0] for path in server.paths()]
    assert "/secret" not in asked
    few = MOST_REQUESTS + 5  # the browser may send one again when a connection ends
    assert asked.count("/more") <= few
    assert asked.count("/flood") <= few
    assert told.bytes_received < 30_000_000
    return crawled, failed


@browser
def test_a_hostile_page_costs_one_page(loopback: LoopbackSite, crawl: Crawl) -> None:
    crawled, failed = crawl_pages(loopback, crawl, EVIL)
    assert failed == {
        "big": "more than 4000000 bytes received",
        "loop": "script does not end",
        "hog": "browser too large",
    }
    # What the drawn page says of keeping it counts.
    hidden = crawled.pages()[loopback.url("/news/noarchive")]
    assert (hidden.withheld, hidden.rendered) == (True, None)


@browser
@pytest.mark.slow
def test_no_way_out_of_the_page_is_open(loopback: LoopbackSite, crawl: Crawl) -> None:
    crawled, failed = crawl_pages(loopback, crawl, MORE)
    assert failed == {
        "huge": "drawn page too large",
        "blob": "script leads elsewhere",
        "broken": "HTTP status 503",
    }
    assert b"slowly" in (crawled.pages()[loopback.url("/news/slow")].rendered or b"")


def _below(process: psutil.Process) -> list[psutil.Process]:
    return [one for one in process.children(recursive=True) if one.is_running()]


def _wait_until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@browser
@pytest.mark.parametrize("how", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_child_that_is_ended_leaves_no_browser_behind(
    loopback: LoopbackSite, child: Child, how: signal.Signals
) -> None:
    loopback.routes["/news/loop"] = shell(EVIL["loop"])
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/loop"))
    command = child.prepare(site_on(loopback, crawl={"render": True}))
    log = child.folder / "log"
    with log.open("wb") as output:
        started = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    below: list[psutil.Process] = []
    try:
        assert _wait_until(lambda: bool(loopback.asked("/looping")), 60), log.read_text()
        below = _below(psutil.Process(started.pid))
        assert any("chromium" in one.name() for one in below)
        started.send_signal(how)
        status = started.wait(10)
        assert status == (Exit.TERMINATED if how == signal.SIGTERM else -signal.SIGKILL)
        assert _wait_until(lambda: not any(one.is_running() for one in below), 20), below
    finally:
        for one in below:
            if one.is_running():
                one.kill()


@browser
def test_a_page_reaches_no_private_address(loopback: LoopbackSite, tmp_path: Path) -> None:
    """The page is one of the live web, the address guard is on, and its scripts try every way to this machine."""
    loopback.routes["/secret"] = Reply(body=b"secret", headers=(("Access-Control-Allow-Origin", "*"),))
    tries = [
        f"http://{host}:{loopback.port}/secret" for host in ("127.0.0.1", "localhost", "127.1", "[::1]", "0.0.0.0")
    ]
    script = (
        f"const tries = {json.dumps(tries)}; let html = ''; (async () => {{ for (const t of tries) {{ "
        "try { html += await (await fetch(t)).text() } catch (e) { html += 'refused ' } "
        "const s = document.createElement('script'); s.src = t; document.body.append(s); "
        "try { html += await (await fetch(t, {mode: 'no-cors'})).text() } catch (e) { html += 'refused ' } } "
        "draw('<p>' + html + text) })()"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "tests.spiders.draw"],
        cwd=ROOT,
        input=json.dumps({"url": "http://news.example.org/1", "body": SHELL % script}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    drawn = json.loads(ended.stdout.splitlines()[-1])
    assert drawn["why"] is None
    assert "refused " * 10 in drawn["html"]
    assert loopback.requests == []


@browser
def test_a_browser_that_does_not_start_costs_no_more_than_its_pages(loopback: LoopbackSite, child: Child) -> None:
    urls = serve_app(loopback, 2)
    child.folder.mkdir()
    (child.folder / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (child.folder / "chromium").chmod(0o755)
    command = child.prepare(site_on(loopback, crawl={"render": True}))
    path = f"{child.folder}:{os.environ['PATH']}"
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    crawled = child.collect(ended.returncode, ended.stdout)
    assert crawled.status == 0, crawled.lines
    assert {page.unrendered for page in crawled.pages().values()} == {"browser did not start"}
    assert len(crawled.pages()) == len(urls)


def test_a_site_that_cannot_be_rendered_is_refused_with_the_remedy(loopback: LoopbackSite, child: Child) -> None:
    command = child.prepare(site_on(loopback, crawl={"render": True}))
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PATH": str(child.folder)}
    )
    assert ended.returncode == Exit.REFUSED
    assert "apt-get install chromium" in ended.stdout
    assert loopback.requests == []


def test_what_was_drawn_is_read_in_place_of_the_shell(loopback: LoopbackSite) -> None:
    site = site_on(loopback)
    shell_page = Captured(
        kind="page",
        url=loopback.url("/news/1"),
        requested=loopback.url("/news/1"),
        status=200,
        headers=(("Content-Type", "text/html; charset=iso-8859-1"), ("Content-Encoding", "gzip")),
        record_type="response",
        payload=gzip.compress(APP.encode()),
        offset=0,
        length=1,
        record_id="<urn:uuid:0f0e0d0c-0b0a-4908-8706-050403020100>",
        payload_digest=payload_digest(b"x"),
        captured_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    dom = f"<html><head><title>Budget</title></head><body><h1>Budget agreed</h1>{ARTICLE}</body></html>".encode()
    read = judge_capture(site, replace(shell_page, rendered=dom), "warc/loop/x.warc.gz")
    assert read.article is not None
    assert "’s cabinet met" in read.article.text
    assert read.article.origins["text"] == "weights, drawn by script"
    assert read.evidence.rendered_digest == payload_digest(dom)
    assert read.evidence.payload_digest == payload_digest(b"x")
    failed = judge_capture(site, replace(shell_page, unrendered="time-out"), "warc/loop/x.warc.gz")
    assert (failed.kind, failed.reason, failed.evidence.rendered_digest) == ("failed", "not drawn: time-out", None)
    gone = judge_capture(site, replace(shell_page, status=404), "warc/loop/x.warc.gz")
    assert gone.kind == "gone"
