"""Draw one page as the crawl child would, without a network: ``python -m tests.spiders.draw``.

Reads ``{"url": …, "body": …}`` from its input and prints ``{"html": …, "why": …}``. The site is one of the live web, so
that the address guard is on; only what the page's own scripts ask for goes anywhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess

from spiders.capture import Received, Tally
from spiders.render import BROWSER_HANDLER, browser_settings, draw_page
from spiders.site import Site


class _Drawer(Spider):
    name = "drawer"

    def __init__(self, *, job: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job

    async def start(self) -> AsyncIterator[Any]:
        received = Received(url=self.job.url, status=200, body=self.job.body.encode())
        received.head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        engine = self.crawler.engine
        assert engine is not None
        drawn = await draw_page(engine, received, site=self.job.site, allows=lambda _: True, distance=0.0, seconds=60.0)
        assert drawn is not None
        self.job.drawn = {"html": drawn.html and drawn.html.decode(), "why": drawn.why}
        return
        yield  # makes this the generator that Scrapy wants


def main() -> int:
    """Draw it."""
    asked = json.load(sys.stdin)
    site = Site.model_validate(
        {
            "id": "drawn",
            "name": "Drawn",
            "home": asked["url"],
            "kind": "trade",
            "article": ".*",
            "sources": [{"type": "feed", "url": asked["url"]}],
            "crawl": {"render": True, "timeout": 20.0},
        }
    )
    job = SimpleNamespace(
        site=site,
        url=asked["url"],
        body=asked["body"],
        tally=Tally(allow_private=False),
        user_agent="Muniment/test",
        say=lambda line: print(line, file=sys.stderr),
        drawn=None,
    )
    process = AsyncCrawlerProcess(
        {
            "DOWNLOAD_HANDLERS": {**BROWSER_HANDLER, "data": None, "file": None, "ftp": None, "s3": None},
            "LOG_ENABLED": False,
            **browser_settings(),
        }
    )
    process.crawl(_Drawer, job=job)
    process.start()
    print(json.dumps(job.drawn))
    return 0 if job.drawn else 1


if __name__ == "__main__":
    sys.exit(main())
