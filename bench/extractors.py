"""One extractor in a process of its own, for `bench.extraction`: reads pages, says what it found and what it took.

    python -m bench.extractors TOOL PAGES.json      (with the Python of the tool's environment; standard library only,
                                                     beside the tool itself)

PAGES.json is a list of ``{"file": …, "url": …}``; files are gzip-encoded HTML in UTF-8. Standard input and output
carry one JSON object a line: ``{"pages": [numbers], "tell": true}`` is answered by ``{"cpu": [seconds], "found":
[…]}``. A page is read from disk before the clock starts; what is timed begins with its bytes or its text, whichever
the tool takes, and ends with plain text and fields. At the end of input it says its peak memory and ends.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

Found = dict[str, Any]
"""``body``, ``title``, ``authors``, ``date`` (YYYY-MM-DD); what a tool does not give is left out."""

Extract = Callable[[bytes, str], Found]

PAGE_SECONDS = 60.0
"""CPU seconds after which a page is given up."""

_WARM_UP = 20  # pages that are read before any is timed: all that is loaded at the first page that needs it


def _day(moment: Any) -> str | None:
    return str(moment)[:10] if moment else None


def _load_muniment() -> Extract:
    """`examine_page`, body and all metadata, for a site that nothing is known of.

    A page is read whatever it is judged to be, as the other tools do, which have no such judgement.
    """
    from datetime import UTC, datetime, timedelta
    from urllib.parse import urlsplit

    from dateutil.parser import isoparse

    from pipeline.body import load_trafilatura
    from pipeline.extract import examine_page
    from spiders.site import Site, Source

    load_trafilatura()
    captured = datetime(2026, 11, 22, tzinfo=UTC)

    def day_as_written(published: Any) -> str | None:
        """The day in the page's own zone: a reader of the page sees that one, and so did those who labelled it."""
        if published is None:
            return None
        with suppress(ValueError, OverflowError):
            written = isoparse(published.original.strip())
            if abs(written.replace(tzinfo=UTC) - published.value) <= timedelta(hours=16):
                return written.date().isoformat()
        return _day(published.value.isoformat())

    def extract(page: bytes, url: str) -> Found:
        host = urlsplit(url).netloc or "pack.example"
        home = f"https://{host}/"
        sources = (Source(type="sitemap", url=f"{home}sitemap.xml"),)
        site = Site(
            id="pack",
            name=host,
            home=home,
            kind="national",
            article=r"https?://.+",
            domains=(host.split(":")[0],),
            sources=sources,
        )
        examined = examine_page(
            page,
            site=site,
            url=url,
            requested=url,
            captured_at=captured,
            content_type="text/html; charset=utf-8",
        )
        article = examined.article
        if article is None:
            return {"body": "", "why": examined.reading.reason}
        judged = {} if examined.reading.article else {"why": f"judged: {examined.reading.reason}"}
        return {
            "body": article.text,
            "title": article.title,
            "authors": [byline.name for byline in article.bylines] or list(article.authors),  # as `muniment extract`
            "date": day_as_written(article.published),
            **judged,
        }

    return extract


def _load_trafilatura(*, with_metadata: bool) -> Extract:
    library = import_module("trafilatura")

    def extract(page: bytes, url: str) -> Found:
        found = library.bare_extraction(page.decode("utf-8", "replace"), url=url, with_metadata=with_metadata)
        if found is None:
            return {"body": ""}
        fields = {"title": found.title, "authors": found.author, "date": found.date} if with_metadata else {}
        return {"body": found.text, **fields}

    return extract


def _load_readability() -> Extract:
    document, parse = import_module("readability").Document, import_module("lxml.html").fromstring
    breaks = frozenset(
        ("p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "tr", "td", "pre", "figcaption")
    )

    def extract(page: bytes, url: str) -> Found:
        read = document(page.decode("utf-8", "replace"), url=url)
        tree = parse(read.summary())
        for element in tree.iter():  # it gives HTML: blocks are set on lines of their own
            if element.tag in breaks:
                element.tail = "\n" + (element.tail or "")
        lines = (" ".join(line.split()) for line in tree.text_content().split("\n"))
        return {"body": "\n".join(filter(None, lines)), "title": read.short_title()}

    return extract


def _load_newspaper() -> Extract:
    article_of = import_module("newspaper").Article

    def extract(page: bytes, url: str) -> Found:
        article = article_of(url, fetch_images=False)
        article.download(input_html=page.decode("utf-8", "replace"))
        article.parse()
        return {
            "body": article.text,
            "title": article.title,
            "authors": list(article.authors),
            "date": _day(article.publish_date),
        }

    return extract


def _load_resiliparse() -> Extract:
    tree_of = import_module("resiliparse.parse.html").HTMLTree
    text_of = import_module("resiliparse.extract.html2text").extract_plain_text

    def extract(page: bytes, _url: str) -> Found:
        tree = tree_of.parse(page.decode("utf-8", "replace"))
        return {"body": text_of(tree, main_content=True, alt_texts=False), "title": tree.title}

    return extract


def _load_newsplease() -> Extract:
    from_html = import_module("newsplease").NewsPlease.from_html

    def extract(page: bytes, url: str) -> Found:
        article = from_html(page.decode("utf-8", "replace"), url=url)
        return {
            "body": article.maintext or "",
            "title": article.title,
            "authors": list(article.authors or ()),
            "date": _day(article.date_publish),
        }

    return extract


TOOLS: dict[str, tuple[str, Callable[[], Extract]]] = {
    "muniment": ("muniment", _load_muniment),
    "trafilatura": ("trafilatura", lambda: _load_trafilatura(with_metadata=False)),
    "trafilatura+metadata": ("trafilatura", lambda: _load_trafilatura(with_metadata=True)),
    "readability-lxml": ("readability-lxml", _load_readability),
    "newspaper4k": ("newspaper4k", _load_newspaper),
    "resiliparse": ("resiliparse", _load_resiliparse),
    "news-please": ("news-please", _load_newsplease),
}
"""Name in the tables: the distribution, and what loads it."""


class TooLong(Exception):
    """A page took more than its time."""


def _give_up(*_: object) -> None:
    raise TooLong


def _extract_timed(extract: Extract, page: bytes, url: str) -> tuple[float, Found]:
    """CPU seconds of this process, and what was found; whatever the tool raises costs the page."""
    began = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, PAGE_SECONDS)
        found = extract(page, url)
    except Exception as error:  # noqa: BLE001 - a tool may raise anything; it is told in the table
        found = {"body": "", "why": type(error).__name__}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - began, found


def _cut_network() -> None:
    """Let every connection fail at once: a tool that asks for a page's pictures or feeds is not measured for that."""

    def refuse(*_: object, **__: object) -> Any:
        raise ConnectionRefusedError("extractors read what they are given")

    socket.getaddrinfo = refuse
    socket.create_connection = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def serve(tool: str, pages: Path, output: TextIO) -> None:
    """Answer until the input ends."""

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=output, flush=True)

    distribution, load = TOOLS[tool]
    known: list[dict[str, str]] = json.loads(pages.read_text(encoding="utf-8"))

    def read(number: int) -> bytes:
        return gzip.decompress(Path(known[number]["file"]).read_bytes())

    signal.signal(signal.SIGPROF, _give_up)
    extract = load()
    for number in range(0, len(known), max(1, len(known) // _WARM_UP)):
        _extract_timed(extract, read(number), known[number]["url"])
    try:
        release = version(distribution)
    except ModuleNotFoundError:
        release = ""
    say({"version": release})
    for line in sys.stdin:
        asked = json.loads(line)
        timed = [_extract_timed(extract, read(number), known[number]["url"]) for number in asked["pages"]]
        say({"cpu": [cpu for cpu, _ in timed], "found": [found for _, found in timed] if asked["tell"] else None})
    say({"peak_mb": _peak_mb()})


def main() -> int:
    """Serve one tool, without a network; what libraries print goes to standard error."""
    _cut_network()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.argv[1], Path(sys.argv[2]), output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
