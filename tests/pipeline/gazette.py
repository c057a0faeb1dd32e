"""A daily paper on loopback that publishes at its own pace, and that can be broken in the ways in which sites break.

``Gazette`` serves what was published until ``now``: six articles a working day and two on days of the week-end, with
JSON-LD, bylines and pictures, named by a feed and a sitemap. Its ``fault`` says what is wrong with it at the moment;
faults on our side (a full disk, a wrong key) are not its business.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Final, Literal, Self

from bench.stories import Story, write_stories
from tests.loopback import Asked, LoopbackSite, Reply, Route

Fault = Literal["redesign", "consent wall", "empty feed", "poisoned sitemap", "slow", "doubled", "firewall"]

CONSENT: Final = (
    "<!DOCTYPE html><html lang='en'><head><title>Before you continue</title></head><body><div role='dialog'>"
    "<h1>We value your privacy</h1><p>We and our 842 partners store and access information on a device, such as "
    "cookies, and process personal data. Click to consent to the processing described above.</p>"
    "<button>Accept all</button><button>Reject all</button><button>Manage preferences</button></div></body></html>"
)
SITE: Final = """
name = "The Wendham Gazette"
home = "{home}/"
kind = "regional"
article = '{home}/news/[^/?]+'
schedule = "0 18 * * *"
timezone = "Europe/London"

[[sources]]
type = "feed"
url = "{home}/feed.xml"

[[sources]]
type = "sitemap"
url = "{home}/sitemap.xml"

[crawl]
delay = 0
concurrency = 8
allow_private = true
{crawl}
"""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """An article and its moment."""

    number: int
    story: Story
    at: datetime

    @property
    def path(self) -> str:
        """Path of its page."""
        return f"/news/{self.at:%Y-%m-%d}-{self.number}"


class Gazette:
    """The paper; a context manager that serves it.

    Args:
        began: the day of its first article.
        days: how many days' articles it will have written.
        port: 0 takes a free one.
        week_ends: whether less is published on them.
    """

    def __init__(self, *, began: datetime, days: int = 50, port: int = 0, week_ends: bool = True) -> None:
        rng = random.Random("gazette")
        self.now = began
        self.fault: Fault | None = None
        self.pieces: list[Piece] = []
        self.web = LoopbackSite(port=port)
        stories = iter(write_stories("national", days * 16, 7))
        for day in range(days):
            date = began + timedelta(days=day)
            usual = (2 if week_ends and date.weekday() >= 5 else 6) + rng.choice((-1, 0, 0, 1))
            for number in range(14):
                at = date.replace(hour=7, minute=0) + timedelta(minutes=int(10 * 60 / usual * number) % 600)
                # What is beyond the usual appears only in days of a doubled output.
                self.pieces.append(Piece(number=number if number < usual else 100 + number, story=next(stories), at=at))
        self._doubled: set[str] = set()
        self._usual = {piece.path for piece in self.pieces if piece.number < 100}

    def __enter__(self) -> Self:
        self.web.start()
        routes: Mapping[str, Callable[[Asked], Reply]] = {"/feed.xml": self._feed, "/sitemap.xml": self._sitemap}
        self.web.routes.update(routes)
        for piece in self.pieces:
            self.web.routes[piece.path] = self._article(piece)
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()

    def write_site(self, folder: Path, *, crawl: str = "", home: str | None = None, site: str = "gazette") -> Path:
        """Write its site file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{site}.toml"
        path.write_text(SITE.format(home=home or self.web.origin, crawl=crawl), encoding="utf-8")
        return path

    def live(self) -> list[Piece]:
        """What is out by now, newest first."""
        most = 12 if self.fault == "doubled" else 0
        since = self.now - timedelta(days=1)
        out = [
            piece
            for piece in self.pieces
            if piece.at <= self.now
            and (piece.path in self._usual or (piece.at > since and piece.number < 100 + 2 + most and most))
        ]
        return sorted(out, key=lambda piece: (piece.at, piece.number), reverse=True)

    # --- what is served ---------------------------------------------------------------------------------

    def _feed(self, _: Asked) -> Reply:
        items = "".join(
            f"<item><title>{escape(piece.story.title)}</title><link>{self.web.origin}{piece.path}</link>"
            f"<pubDate>{format_datetime(piece.at, usegmt=True)}</pubDate></item>"
            for piece in (() if self.fault == "empty feed" else self.live()[:30])
        )
        text = f"<rss version='2.0'><channel><title>The Wendham Gazette</title>{items}</channel></rss>"
        return Reply(body=text.encode(), content_type="application/rss+xml", delay=self._delay())

    def _sitemap(self, _: Asked) -> Reply:
        paths = [(piece.path, piece.at) for piece in self.live() if self.now - piece.at < timedelta(days=21)]
        if self.fault == "empty feed":
            paths = []
        if self.fault == "poisoned sitemap":
            paths += [(f"/news/cheap-pills-online-{number}", self.now) for number in range(400)]
        rows = "".join(
            f"<url><loc>{self.web.origin}{path}</loc><lastmod>{at:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
            for path, at in paths
        )
        if self.fault == "poisoned sitemap":
            for number in range(400):
                self.web.routes.setdefault(f"/news/cheap-pills-online-{number}", Reply(body=_spam(number).encode()))
        text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'
        return Reply(body=text.encode(), content_type="application/xml", delay=self._delay())

    def _delay(self) -> float:
        return 4.0 if self.fault == "slow" else 0.0

    def _article(self, piece: Piece) -> Callable[[Asked], Reply]:
        def answer(_: Asked) -> Reply:
            if self.fault == "consent wall":
                return Reply(body=CONSENT.encode())
            if self.fault == "firewall":
                return Reply(status=403, body=b"<html><body><h1>403 Forbidden</h1></body></html>")
            write = _write_anew if self.fault == "redesign" else _write
            return Reply(body=write(piece, self.web.origin).encode(), delay=self._delay())

        return answer


def shift_dates(paper: Gazette, by: timedelta) -> dict[str, Route]:
    """Let the paper's server have a clock that is ahead by so much; its routes as they were."""

    def shift(route: Route) -> Route:
        def answer(asked: Asked) -> Reply:
            reply = route if isinstance(route, Reply) else route(asked)
            date = format_datetime(datetime.now(UTC) + by, usegmt=True)
            return replace(reply, headers=(*reply.headers, ("Date", date)))

        return answer

    routes = dict(paper.web.routes)
    paper.web.routes = {path: shift(route) for path, route in routes.items()}
    # The answer whose clock agrees best decides: there may be none that tells another time.
    for path in ("/", "/robots.txt", "/.well-known/tdmrep.json", "/ai.txt"):
        paper.web.routes.setdefault(path, shift(Reply(status=404)))
    return routes


def _write(piece: Piece, home: str) -> str:
    story = piece.story
    facts = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": story.title,
        "datePublished": f"{piece.at:%Y-%m-%dT%H:%M:%S+00:00}",
        "author": [{"@type": "Person", "name": name} for name in story.authors],
        "articleSection": story.section,
        "image": [f"{home}/images/{piece.number}.jpg"],
    }
    body = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in story.paragraphs)
    return f"""<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8">
<title>{escape(story.title)} | The Wendham Gazette</title><link rel="canonical" href="{home}{piece.path}">
<meta property="og:type" content="article"><meta property="og:title" content="{escape(story.title)}">
<script type="application/ld+json">{json.dumps(facts).replace("<", "&lt;")}</script></head><body>
<header><nav><a href="/">Home</a> <a href="/sport">Sport</a> <a href="/weather">Weather</a></nav></header>
<main><article><h1>{escape(story.title)}</h1><p class="byline">By {escape(" and ".join(story.authors))}</p>
<time datetime="{piece.at:%Y-%m-%dT%H:%M:%SZ}">{piece.at:%d %B %Y, %H:%M}</time>
<div class="article-body">{body}</div></article>
<aside class="letter"><p>Have the Gazette in your letterbox every morning, with no advertisements.</p></aside></main>
<footer><p>The Wendham Gazette, 4 Mill Lane, Wendham. All rights reserved.</p></footer></body></html>"""


def _write_anew(piece: Piece, home: str) -> str:
    """The page after a redesign that draws its text in the browser: a teaser stays, and the data for a script."""
    story = piece.story
    return f"""<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8">
<title>{escape(story.title)} - Wendham Gazette</title><link rel="canonical" href="{home}{piece.path}">
<script src="/app.js" defer></script></head><body class="app"><div id="root"><div class="shell">
<div class="bar"><span>WG</span><span>Search</span><span>Subscribe</span></div>
<section class="hero"><h2 class="hl">{escape(story.title)}</h2>
<div class="tease">{escape(story.paragraphs[0][:90])}…</div>
<div class="skeleton"></div></section><section class="rail"><div class="card">Latest from Wendham</div>
<div class="card">Puzzles</div><div class="card">Podcasts</div></section></div></div></body></html>"""


def _spam(number: int) -> str:
    """What somebody who got into the site's CMS has put there."""
    return f"""<!DOCTYPE html><html lang="en"><head><title>Cheap pills online {number}</title></head><body><article>
<h1>Cheap pills online {number}</h1><p>Order cheap pills online now without a prescription and have them delivered to
your door within two days, wherever you live, by our partners in {number} countries of the world.</p>
<p>All major cards are taken, and everybody who orders before midnight gets a second packet at half of the price of the
first one, with a guarantee that no question will be asked when you send it back to us.</p></article></body></html>"""


def first_day(today: datetime) -> datetime:
    """A Monday in January that lies ahead, with weeks after it in which no season excuses anything."""
    day = datetime(today.year + 1, 1, 15, tzinfo=UTC)
    return day + timedelta(days=-day.weekday() % 7)
