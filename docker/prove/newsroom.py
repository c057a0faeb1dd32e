"""A small newsroom for prove.sh: a dozen stories with a feed, served inside the composition's own network.

    PYTHONPATH=<checkout> python newsroom.py http://newsroom.example:8600

``/truth.json`` says what each article truly says, so that the archive can be held against it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.stories import write_stories

STORIES = 12


def write_pages(home: str, now: datetime) -> dict[str, tuple[str, bytes]]:
    """Path → media type and body of all that is served."""
    pages: dict[str, tuple[str, bytes]] = {"/robots.txt": ("text/plain", b"User-agent: *\nDisallow:\n")}
    items, truth = [], []
    for number, story in enumerate(write_stories("national", STORIES, 7), 1):
        path, when = f"/news/{number}", now - timedelta(hours=number)
        body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in story.paragraphs)
        pages[path] = (
            "text/html; charset=utf-8",
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(story.title)}</title>'
            f'<meta property="article:published_time" content="{when.isoformat()}"></head><body>'
            f"<nav><a href='/'>Home</a></nav><article><h1>{escape(story.title)}</h1>"
            f'<p class="byline">By <a rel="author">{escape(story.authors[0])}</a></p>'
            f'<time datetime="{when.isoformat()}">{when:%d %B %Y}</time>{body}</article>'
            f"<footer>All rights reserved.</footer></body></html>".encode(),
        )
        items.append(
            f"<item><title>{escape(story.title)}</title><link>{home}{path}</link>"
            f"<guid>{home}{path}</guid><pubDate>{format_datetime(when)}</pubDate></item>"
        )
        truth.append({"url": home + path, "title": story.title, "text": story.text})
    feed = f'<rss version="2.0"><channel><title>Newsroom</title><link>{home}</link>{"".join(items)}</channel></rss>'
    pages["/feed.xml"] = ("application/rss+xml", feed.encode())
    pages["/truth.json"] = ("application/json", json.dumps(truth).encode())
    return pages


def main(home: str) -> None:
    """Serve until the container ends."""
    pages = write_pages(home.rstrip("/"), datetime.now(UTC).replace(microsecond=0))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, body = pages.get(self.path, ("text/plain", b"not found"))
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("0.0.0.0", 8600), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
