"""Pages that are drawn by script: which they are, and drawing them in a browser, fenced in.

A page is always fetched plainly first, and recorded as received. Only one that plainly needs script
(``needs_script``) is then drawn: the browser is given the very response that was recorded, and asks the network only
for what the page's scripts want. So what was drawn is made of the evidence that it stands beside, and the page itself
is asked for once.

``draw_page`` is the one call for ``spiders.fetch``. ``BrowserHandler`` is a download handler of Scrapy for the made-up
scheme ``drawn``, so that a drawing takes its turn like any request to the site; it drives scrapy-playwright with the
system's Chromium (the extra ``render``). Nothing is imported of them unless a site wants it.

What holds a hostile page: all traffic goes through one ``spiders.proxy.GuardingProxy`` per page (addresses, bytes,
connections), the browser resolves no name itself, and it never leaves the page (other documents, frames, windows,
workers, WebSockets, downloads and dialogs do not exist for it); each page has a context of its own; seconds, requests
and memory are bounded, and a browser that does not answer is killed. What a page does wrong costs that page:
``Drawn.why`` says it. Not for clicking, scrolling, logging in or looking like somebody else.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import logging
import os
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import lxml.etree
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.capture import Received
from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body
from spiders.guard import refuse_url
from spiders.proxy import Allowance, GuardingProxy
from spiders.site import Site

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page, Route
    from playwright.async_api import Request as Wanted
    from playwright.async_api import Response as Answer

# --- which pages ----------------------------------------------------------------------------------------

PROSE = 200
"""So many characters of running text are a page that somebody can read."""
_MUCH = 4000
_ROOTS = frozenset({"root", "app", "__next", "__nuxt", "___gatsby", "svelte", "main-app", "react-root", "app-root"})
_SILENT = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object"})
_ASIDE = frozenset({"nav", "footer", "button", "select"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HTML = re.compile(r"\s*(text/html|application/xhtml\+xml)\s*(;|$)", re.IGNORECASE)


def needs_script(body: bytes, content_type: str | None = None) -> bool:
    """Whether an HTML page is an empty shell that its scripts would fill.

    It has scripts and hardly any running text, and either nothing to read at all, or an application's root element that
    is empty, or a ``noscript`` that asks for JavaScript. Text of links, navigation and footers does not count.

    Args:
        body: without content codings.
        content_type: as received; anything but HTML needs no script.
    """
    if content_type and not _HTML.match(content_type):
        return False
    look = _Look()
    # One byte is one character: what a page says of its encoding may be wrong, and libxml2 would stop there.
    parser = lxml.etree.HTMLParser(target=cast("Any", look), encoding="iso-8859-1", no_network=True)
    with suppress(lxml.etree.LxmlError, ValueError, AssertionError):
        parser.feed(body)
        parser.close()
    return look.needs_script()


class _Look:
    """A parser's target: counts what there is to read, without a tree."""

    def __init__(self) -> None:
        self.scripts = 0
        self.read = 0  # characters outside links, navigation and what is never shown
        self.aside = 0  # characters in navigation, footers and controls
        self.root: int | None = None  # of them inside the application's root element
        self.asks = False  # a noscript speaks of JavaScript
        self._open: dict[str, int] = {}
        self._depth = 0
        self._root_depth: int | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if tag == "script":
            self.scripts += 1
        if tag in _VOID:
            return
        self._depth += 1
        self._open[tag] = self._open.get(tag, 0) + 1
        if self.root is None and (
            attributes.get("id", "").lower() in _ROOTS or "ng-app" in attributes or tag in _ROOTS
        ):
            self.root, self._root_depth = 0, self._depth

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in _VOID:
            return
        if self._root_depth == self._depth:
            self._root_depth = None
        self._depth -= 1
        self._open[tag] = self._open.get(tag, 1) - 1

    def data(self, text: str) -> None:
        """Text."""
        if self._open.get("noscript"):
            self.asks = self.asks or "javascript" in text.lower()
            return
        if self._open.get("a") or any(self._open.get(tag) for tag in _SILENT):
            return
        size = len(" ".join(text.split()))
        if any(self._open.get(tag) for tag in _ASIDE):
            self.aside += size
            return
        self.read += size
        if self._root_depth is not None and self.root is not None:
            self.root += size

    def comment(self, text: str) -> None:
        """Not read."""

    def close(self) -> None:
        """The document's end."""

    def needs_script(self) -> bool:
        """What it comes to."""
        # Where so much is aside, a control was not closed, and the text is inside it.
        if not self.scripts or self.aside > _MUCH:
            return False
        if self.root is not None and self.root < PROSE:
            return self.read < 2 * PROSE
        return self.read < (PROSE if self.asks else PROSE / 4)


# --- what the browser may ask for -----------------------------------------------------------------------

_WORKING = frozenset({"script", "xhr", "fetch"})
_DRESSING = frozenset({"stylesheet", "image", "font", "media"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_REQUESTS = 100
"""Requests of one page beside the page itself; more are not sent."""


def refuse_request(kind: str, method: str, url: str, *, resources: bool, own: bool) -> str | None:
    """Why a request of a page's scripts is not sent; None when it may be.

    Args:
        kind: the browser's word for what it is for.
        method: of HTTP.
        url: asked for.
        resources: whether the site's file lets the browser load what makes a page pretty.
        own: whether the URL is on the site itself.
    """
    if kind not in _WORKING and not (resources and kind in _DRESSING):
        return f"{kind} not wanted"
    if urlsplit(url).scheme not in ("http", "https"):
        return "scheme"
    # What is sent elsewhere by POST is counting and advertising; on the site itself it may be a query (GraphQL).
    if method not in _METHODS and not (method == "POST" and own and kind in ("xhr", "fetch")):
        return f"method {method[:20]}"
    return None


# --- drawing --------------------------------------------------------------------------------------------

SCHEME = "drawn"
PAGES_PER_BROWSER = 50
MOST_LINES = 100
"""Pages that could not be drawn and are named in the log."""
LARGEST_BROWSER = 1_500_000_000
"""Bytes of memory of all processes of the browser together; one that has more is killed."""
_PAGES_BYTES = 4  # times crawl.max_bytes is what a page's requests may bring together
_SCRIPT_BYTES, _SCRIPTS_BYTES = 4_000_000, 32_000_000  # kept of one script, and of all, for the next pages
_LONGEST_WAIT = 15.0  # seconds; what is there by then is the page
_QUIET = 0.5  # seconds without a request and without new text: it is drawn
_QUIET_EMPTY = 3.0  # the same, where there is no text yet
_ANSWER = 5.0  # seconds for the browser to say something
_START = 30.0  # seconds for a browser to start
_FENCE = (
    "sandbox allow-scripts allow-same-origin; connect-src http: https:; frame-src 'none'; worker-src 'none'; "
    "object-src 'none'; form-action 'none'; manifest-src 'none'; webrtc 'block'"
)
_GIVEN_BACK = ("content-type", "content-security-policy", "content-language", "referrer-policy")
_STATE = """(() => { const b = document.body, t = (b ? b.innerText : '').trim();
return JSON.stringify([location.href, t.length]) })()"""
_DOM = """(() => { const r = document.documentElement; if (!r) return '';
const h = r.outerHTML; return h.length > MOST ? null : (document.doctype ? '<!DOCTYPE html>\\n' : '') + h })()"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What became of a page in the browser: its DOM, or why there is none."""

    html: bytes | None = None  # UTF-8
    why: str | None = None  # in a word or two, the same words for the same thing


@dataclass(kw_only=True)
class _Drawing:
    """One page while it is drawn."""

    received: Received
    body: bytes
    allows: Callable[[str], bool]
    distance: float
    last: float  # it must have begun by then
    drawn: Drawn = Drawn(why="not begun")
    page: Page | None = None
    began: float = 0.0
    lively: float = 0.0  # when a request was last sent or answered
    flying: set[Wanted] = field(default_factory=set)
    asked: int = 0  # requests sent
    refused: int = 0  # requests not sent
    asked_own: int = 0  # of them to the site itself
    failed: str = ""  # the first answer of the site itself that says "not now"
    grown: str = ""  # the browser was killed for this
    given: bool = False  # the page has been given to the browser


class _Trouble(Exception):
    """A page could not be drawn; the message is the reason."""


async def draw_page(
    engine: ExecutionEngine,
    received: Received,
    *,
    site: Site,
    allows: Callable[[str], bool],
    distance: float,
    seconds: float,
) -> Drawn | None:
    """Draw a page if it needs it; None if it does not.

    Args:
        engine: Scrapy's; the drawing waits for its turn at the host like a request.
        received: the final answer for a page.
        site: its crawl rules.
        allows: whether robots.txt lets a URL be fetched, as far as it is known.
        distance: seconds that lie between two requests to the host.
        seconds: in which its turn must have come; the run is over then.
    """
    if not site.crawl.render or received.status not in (200, 203):
        return None
    coding = ", ".join(received.header_values("content-encoding"))
    try:
        body = decode_body(received.body, coding, site.crawl.max_bytes)
    except (BodyTooLarge, BodyUndecodable):
        return None  # extraction says so
    if not needs_script(body, received.header("content-type")):
        return None
    last = asyncio.get_running_loop().time() + seconds
    drawing = _Drawing(received=received, body=body, allows=allows, distance=distance, last=last)
    host = urlsplit(received.url).netloc
    try:
        await engine.download_async(Request(f"{SCHEME}://{host}/", dont_filter=True, meta={"drawing": drawing}))
    except Exception as error:  # noqa: BLE001 - whatever a browser does costs one page
        return Drawn(why=f"unexpected {type(error).__name__}")
    return drawing.drawn


BROWSER_HANDLER = {SCHEME: "spiders.render.BrowserHandler"}
"""What DOWNLOAD_HANDLERS has for a site that is rendered."""


def find_missing() -> str | None:
    """What a site with ``render = true`` needs and is not there, with the remedy; None if all is there."""
    if importlib.util.find_spec("scrapy_playwright") is None:
        return "crawl.render needs the extra `render`: pip install 'muniment[render]'"
    if find_browser() is None:
        return "crawl.render needs Chromium: apt-get install chromium"
    return None


def find_browser() -> str | None:
    """The system's Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def browser_settings() -> dict[str, Any]:
    """Scrapy's settings for a site that is rendered, beside the usual ones and ``BROWSER_HANDLER``."""
    return {
        "PLAYWRIGHT_BROWSER_TYPE": "chromium",
        "PLAYWRIGHT_LAUNCH_OPTIONS": {
            "executable_path": find_browser(),
            "timeout": _START * 1000,
            # Chromium's own sandbox needs somebody else than root; the fences of this module do not depend on it.
            "chromium_sandbox": os.geteuid() != 0,
            "ignore_default_args": ["--disable-popup-blocking"],
            "env": {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},  # no credentials of ours
            "args": [
                # A page's own proxy takes the place of this one, which leads nowhere.
                "--proxy-server=http://127.0.0.1:9",
                "--proxy-bypass-list=<-loopback>",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--disable-quic",
                "--disable-gpu",
                "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
                "--js-flags=--max-old-space-size=512",
            ],
        },
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": 1,
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": _ANSWER * 1000,
        "PLAYWRIGHT_DOWNLOAD_TIMEOUT": 1000,
    }


class BrowserHandler(BaseDownloadHandler):
    """Draws pages with scrapy-playwright, one at a time."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler  # noqa: PLC0415 - an extra

        logging.getLogger("scrapy-playwright").setLevel(logging.CRITICAL)  # the outcome is told with the page
        self._playwright = ScrapyPlaywrightDownloadHandler(crawler)
        self._playwright.config.target_closed_max_retries = 0
        self._job = cast("Any", crawler.spider).job
        self._site: Site = self._job.site
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._scripts: dict[str, tuple[dict[str, str], bytes]] = {}
        self._told = False
        self._drawn = self._failed = 0

    async def download_request(self, request: Request) -> Response:
        """Draw ``meta["drawing"]``; how that ended is in it."""
        drawing: _Drawing = request.meta["drawing"]
        async with self._turn:
            loop = asyncio.get_running_loop()
            began = loop.time()
            late = began > drawing.last
            drawing.drawn = Drawn(why="run_seconds spent") if late else await self._draw(drawing)
            self._tell(drawing)
            self._job.tally.requests += drawing.asked
            # What the scripts asked of the site is paid for in time, as if we had asked for it one by one.
            owed = drawing.distance * drawing.asked_own - (loop.time() - began)
            await asyncio.sleep(max(0.0, min(owed, 30.0)))
        return Response(request.url)

    def _tell(self, drawing: _Drawing) -> None:
        if drawing.drawn.why is None:
            self._drawn += 1
            return
        self._failed += 1
        if self._failed <= MOST_LINES:
            self._job.say(f"not drawn: {drawing.drawn.why}: {drawing.received.url}")

    async def close(self) -> None:
        """End the browser, whatever it is doing."""
        if self._told:
            self._job.say(f"{self._drawn} pages drawn by script, {self._failed} could not be drawn")
        with suppress(Exception):
            await asyncio.wait_for(self._playwright.close(), 2 * _ANSWER)
        await _end_browsers()

    async def _draw(self, drawing: _Drawing) -> Drawn:
        number = next(self._numbers)
        rules = self._site.crawl
        if not self._told:
            self._told = True
            note = "" if os.geteuid() else "; without Chromium's own sandbox, because we are root"
            self._job.say(f"pages that need script are drawn in a browser{note}")
        if number % PAGES_PER_BROWSER == 0:
            await self._end_browser()
        allowance = Allowance(
            received=rules.max_bytes * _PAGES_BYTES,
            seconds=rules.timeout,
            private=rules.allow_private,
            hosts=self._job.tally.hosts,
        )
        async with GuardingProxy(allowance) as proxy:
            keeper = asyncio.ensure_future(_keep_small(drawing))
            try:
                async with asyncio.timeout(rules.timeout + _START):
                    return await self._ask_browser(drawing, proxy, f"page-{number}")
            except _Trouble as trouble:
                return Drawn(why=drawing.grown or str(trouble))
            except TimeoutError:
                return Drawn(why=drawing.grown or "time-out")
            except Exception as error:  # noqa: BLE001 - whatever a browser does costs one page
                return Drawn(why=drawing.grown or proxy.spent or _put_in_words(error))
            finally:
                keeper.cancel()
                self._job.tally.bytes_received += proxy.received
                await self._end_page(f"page-{number}")

    async def _ask_browser(self, drawing: _Drawing, proxy: GuardingProxy, name: str) -> Drawn:
        from scrapy_playwright.page import PageMethod  # noqa: PLC0415 - an extra

        html: list[str] = []

        async def prepare(page: Page, _: Request) -> None:
            drawing.page = page
            drawing.began = drawing.lively = asyncio.get_running_loop().time()
            await self._fence(page, drawing)

        async def watch(page: Page) -> None:
            async with asyncio.timeout(self._site.crawl.timeout):
                html.append(await self._watch(page, drawing, proxy))
            await page.goto("about:blank", wait_until="commit")  # it is done with, and leaves nothing to wait for

        context = {
            "user_agent": self._job.user_agent,
            "locale": self._site.language,
            "proxy": {"server": proxy.url, "bypass": "<-loopback>"},
            "service_workers": "block",
            "accept_downloads": False,
            "ignore_https_errors": not self._site.crawl.verify_certificates,
        }
        await self._playwright.download_request(
            Request(
                drawing.received.url,
                dont_filter=True,
                meta={
                    "playwright": True,
                    "playwright_context": name,
                    "playwright_context_kwargs": context,
                    "playwright_page_init_callback": prepare,
                    "playwright_page_goto_kwargs": {"wait_until": "commit"},
                    "playwright_page_methods": [PageMethod(watch)],
                },
            )
        )
        return _judge_drawing(html[0] if html else "", drawing, self._site.crawl.max_bytes)

    async def _fence(self, page: Page, drawing: _Drawing) -> None:
        """Let the page ask for what it may, and see that it stays where it is."""

        async def decide(route: Route) -> None:
            with suppress(Exception):  # the page may be gone by now
                await self._decide(route, drawing)

        def landed(wanted: Wanted) -> None:
            drawing.flying.discard(wanted)
            drawing.lively = asyncio.get_running_loop().time()

        async def answered(wanted: Wanted) -> None:
            landed(wanted)
            with suppress(Exception):
                await self._keep_script(wanted)

        def heard(answer: Answer) -> None:
            wanted = answer.request
            if (
                wanted.resource_type in ("xhr", "fetch")
                and self._site.owns(wanted.url)
                and _says_not_now(answer.status)
            ):
                drawing.failed = drawing.failed or f"HTTP status {answer.status}"
                landed(wanted)  # nobody may ever read it to its end

        page.on("response", heard)
        page.on("requestfinished", answered)
        page.on("requestfailed", landed)
        page.context.on("page", lambda other: asyncio.ensure_future(_close(other)) if other is not page else None)
        await page.route("**", decide)

    async def _decide(self, route: Route, drawing: _Drawing) -> None:
        wanted = route.request
        url, kind, own = wanted.url, wanted.resource_type, self._site.owns(wanted.url)
        if wanted.is_navigation_request():
            if drawing.given or wanted.frame.parent_frame is not None:
                await route.fulfill(status=204)  # nowhere to go: the page stays as it is
            else:
                drawing.given = True
                await route.fulfill(status=200, headers=_headers_of(drawing.received), body=drawing.body)
            return
        kept = self._scripts.get(url) if kind == "script" and wanted.method == "GET" else None
        if kept is not None:
            await route.fulfill(status=200, headers=kept[0], body=kept[1])
            return
        reason = refuse_request(kind, wanted.method, url, resources=self._site.crawl.render_resources, own=own)
        if reason is None and not self._site.crawl.allow_private:
            reason = refuse_url(url)
        if reason is None and not drawing.allows(url):
            reason = "robots.txt"
        if reason is None and drawing.asked >= MOST_REQUESTS:
            reason = "too many requests"
        if reason is None:
            drawing.asked += 1
            drawing.asked_own += own
            drawing.lively = asyncio.get_running_loop().time()
            drawing.flying.add(wanted)
            await route.continue_()
            return
        drawing.refused += 1
        if kind == "stylesheet":  # some applications do not start where a style sheet fails
            await route.fulfill(status=200, headers={"content-type": "text/css"}, body=b"")
        else:
            await route.abort("blockedbyclient")

    async def _keep_script(self, wanted: Wanted) -> None:
        """Keep a script for the next pages of this run."""
        if wanted.resource_type != "script" or wanted.method != "GET" or wanted.url in self._scripts:
            return
        answer = await wanted.response()
        if answer is None or answer.status != 200:
            return
        headers = await answer.all_headers()
        if "no-store" in headers.get("cache-control", ""):
            return
        body = await answer.body()
        if len(body) > _SCRIPT_BYTES:
            return
        if sum(len(kept) for _, kept in self._scripts.values()) + len(body) > _SCRIPTS_BYTES:
            self._scripts.clear()
        names = ("content-type", "access-control-allow-origin", "access-control-allow-credentials")
        self._scripts[wanted.url] = ({name: headers[name] for name in names if name in headers}, body)

    async def _watch(self, page: Page, drawing: _Drawing, proxy: GuardingProxy) -> str:
        """Wait until the page is drawn, and read it."""
        loop = asyncio.get_running_loop()
        session, context = await _open_world(page)
        wait = min(_LONGEST_WAIT, self._site.crawl.timeout / 2)
        origin = _origin(drawing.received.url)
        size, changed = -1, drawing.began
        while True:
            if proxy.spent:
                raise _Trouble(proxy.spent)
            url, length = json.loads(await _evaluate(session, context, _STATE))
            if _origin(url) != origin:
                raise _Trouble("script leads elsewhere")
            now = loop.time()
            if length != size:
                size, changed = length, now
            still = now - max(changed, drawing.lively)
            if not drawing.flying and still >= (_QUIET if size >= PROSE else _QUIET_EMPTY):
                break
            if now - drawing.began >= wait or drawing.refused > MOST_REQUESTS:
                break
            await asyncio.sleep(0.1)
        html = await _evaluate(session, context, _DOM.replace("MOST", str(self._site.crawl.max_bytes)))
        if html is None:
            raise _Trouble("drawn page too large")
        return str(html)

    async def _end_page(self, name: str) -> None:
        """Close the page's context; a browser that does not do that is killed."""
        wrapper = self._playwright.context_wrappers.get(name)
        if wrapper is None:
            return
        try:
            async with asyncio.timeout(_ANSWER):
                await wrapper.context.close()
        except Exception:  # noqa: BLE001 - it hangs, or is gone
            self._playwright.context_wrappers.pop(name, None)
            await _end_browsers()

    async def _end_browser(self) -> None:
        browser = getattr(self._playwright, "browser", None)
        if browser is None:
            return
        with suppress(Exception):
            await asyncio.wait_for(browser.close(), _ANSWER)
        await _end_browsers()


async def _close(page: Page) -> None:
    with suppress(Exception):
        await page.close()


async def _keep_small(drawing: _Drawing) -> None:
    """Kill the browser when it takes too much memory; a page can do that while the browser answers nobody."""
    while not drawing.grown:
        await asyncio.sleep(0.25)
        if _browser_memory() > LARGEST_BROWSER:
            drawing.grown = "browser too large"
            await _end_browsers()


async def _open_world(page: Page) -> tuple[CDPSession, int]:
    """A world of our own in the page, where its scripts cannot change what words mean."""
    try:
        async with asyncio.timeout(_ANSWER):
            session = await page.context.new_cdp_session(page)
            tree = await session.send("Page.getFrameTree")
            world = await session.send("Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"]})
    except TimeoutError as error:
        raise _Trouble("script does not end") from error
    return session, int(world["executionContextId"])


async def _evaluate(session: CDPSession, context: int, expression: str) -> Any:
    try:
        async with asyncio.timeout(_ANSWER):
            told = await session.send(
                "Runtime.evaluate", {"expression": expression, "contextId": context, "returnByValue": True}
            )
    except TimeoutError as error:
        raise _Trouble("script does not end") from error
    return told["result"].get("value")


def _judge_drawing(html: str, drawing: _Drawing, most: int) -> Drawn:
    """Whether what was drawn is the page."""
    body = html.encode("utf-8", "replace")
    if len(body) > most:
        return Drawn(why="drawn page too large")
    if needs_script(body):
        return Drawn(why=drawing.failed or "nothing drawn")
    return Drawn(html=body)


def _says_not_now(status: int) -> bool:
    return status in (401, 403, 429) or status >= 500


def _headers_of(received: Received) -> dict[str, str]:
    """The headers that the browser is given with the page: what the site said, and our fence."""
    headers = {name: ", ".join(values) for name in _GIVEN_BACK if (values := received.header_values(name))}
    if cookies := received.header_values("set-cookie"):
        headers["set-cookie"] = "\n".join(cookies[:20])
    said = headers.get("content-security-policy")
    headers["content-security-policy"] = f"{said}, {_FENCE}" if said else _FENCE
    return headers


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _put_in_words(error: Exception) -> str:
    said = str(error)
    if "BrowserType.launch" in said:
        return "browser did not start"
    if "closed" in said or "crash" in said.lower():
        return "browser crashed"
    if type(error).__name__ == "TimeoutError":
        return "time-out"
    return f"unexpected {type(error).__name__}"


# --- the browser's processes ----------------------------------------------------------------------------


def _descendants() -> dict[int, int]:
    """Processes below this one: id to parent's id."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    below = {os.getpid()}
    grown = True
    while grown:
        more = {one for one, parent in parents.items() if parent in below} - below
        grown = bool(more)
        below |= more
    return {one: parents[one] for one in below - {os.getpid()}}


def _browser_memory() -> int:
    """Bytes that all processes below this one have in memory, what they share counted once."""
    total = 0
    for one in _descendants():
        with suppress(OSError, ValueError, IndexError):
            _, resident, shared = (Path(f"/proc/{one}/statm").read_text().split())[:3]
            total += (int(resident) - int(shared)) * _PAGE_SIZE
    return total


_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


async def _end_browsers() -> None:
    """End the browsers that this process started: its grandchildren, below Playwright's driver.

    What hangs is a page's process: it is killed. The browser itself is asked first, so that it can tidy up.
    """
    below = _descendants()
    browsers = [one for one, parent in below.items() if below.get(parent) == os.getpid()]
    for one, parent in below.items():
        if parent in below:
            _signal(one, signal.SIGTERM if one in browsers else signal.SIGKILL)
    for _ in range(20):
        if not any(_signal(one, 0) for one in browsers):
            return
        await asyncio.sleep(0.1)
    for one in browsers:
        _signal(one, signal.SIGKILL)


def _signal(process: int, number: int) -> bool:
    try:
        os.kill(process, number)
    except OSError:
        return False
    return True
