"""A newsroom of two papers on loopback: what the demo and the tests crawl.

Both are written by us. "Town Hall Weekly" has the anatomy of a trade paper's article page: flat mark-up, the
headline twice, a picture credit, a promotion, a newsletter form, five job adverts with salaries, a footer banner.
"The Courier" has that of a national: JSON-LD, live meta tags, bylines, share buttons, related posts, section pages.
Each announces its pages as such papers do (feeds, sitemap index, listing pages, robots.txt).

What is served is known to the word (``Newsroom.truth``), the same every time, and can be changed while it is
served: an article edited in substance, only the junk around it edited, one added, one removed.

    python -m bench.newsroom --serve --port 8600 --sites-folder .muniment/sites
    python -m bench.newsroom --sites-folder .muniment/sites -- muniment up      (ends with the program)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Self

from typing_extensions import override

from bench.stories import COUNCILS, Story, rewrite_in_substance, write_stories
from bench.web import GONE, Page, WebSite

OPENED = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
"""When the newest article of a fresh newsroom was published."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What an article truly says, without anything that surrounds it."""

    url: str
    title: str
    text: str  # paragraphs separated by one line break
    authors: tuple[str, ...]
    published: datetime
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class _Entry:
    number: int
    story: Story
    published: datetime
    modified: datetime
    junk: int = 0  # which junk stands around it
    gone: bool = False


def slug(title: str) -> str:
    """A headline as a path segment."""
    return re.sub(r"[^A-Za-z0-9]+", "-", title.replace("'", "")).strip("-")


class Paper:
    """One paper: its articles, how they look, and where they are announced.

    Not to be used itself: see ``TradePaper`` and ``NationalPaper``.
    """

    id: str
    name: str
    kind: str
    style: str  # which stories: ``trade`` or ``national``
    article_path: str  # regular expression of an article's path
    sources: tuple[tuple[str, str], ...]  # (type, path)
    description: str
    junk: tuple[str, ...]  # sentences that stand on pages and belong to no article

    def __init__(self, *, number: int, seed: int, port: int = 0, opened: datetime = OPENED) -> None:
        self.opened = opened
        stories = write_stories(self.style, number + 20, seed)
        self._spare = list(stories[number:])
        self._entries = {
            1000 + i: _Entry(
                number=1000 + i,
                story=story,
                published=opened - timedelta(hours=5, minutes=20) * (number - 1 - i),
                modified=opened - timedelta(hours=5, minutes=20) * (number - 1 - i),
            )
            for i, story in enumerate(stories[:number])
        }
        self._lock = threading.Lock()
        self._site = WebSite(self._look_up, port)
        self.home = self._site.home
        self.port = self._site.port

    # serving -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._site.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._site.stop()

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return self._site.answered

    def _look_up(self, asked: str) -> Page | None:
        path = asked.partition("?")[0]
        with self._lock:
            entries = dict(self._entries)
        live = sorted((e for e in entries.values() if not e.gone), key=lambda e: e.published, reverse=True)
        if path.startswith("/images/"):
            return Page(plain=_picture(path).encode(), media_type="image/svg+xml")
        if path == "/robots.txt":
            lines = ["User-agent: *", "Disallow: /search", f"Sitemap: {self.home}/sitemap.xml", ""]
            return Page(plain="\n".join(lines).encode(), media_type="text/plain")
        for entry in entries.values():
            if path == self.path(entry):
                if entry.gone:
                    return GONE
                return Page(plain=self.render_article(entry, live).encode(), modified=entry.modified)
        return self._look_up_source(asked, live)

    def _look_up_source(self, asked: str, live: list[_Entry]) -> Page | None:
        path = asked.partition("?")[0]
        newest = max(e.modified for e in live)
        if path == "/sitemap.xml":
            return _xml(self._sitemap_index(newest), newest)
        if path == "/sitemap-articles.xml":
            return _xml(self._sitemap([(self.path(e), e.modified) for e in live]), newest)
        if path == "/sitemap-pages.xml":
            return _xml(
                self._sitemap([(f"/about/{page}", self.opened) for page in ("us", "contact", "privacy")]), self.opened
            )
        if path.startswith("/about/"):
            return Page(plain=self.render_plain(path.rpartition("/")[2].title()).encode(), modified=self.opened)
        return None

    def _sitemap_index(self, newest: datetime) -> str:
        parts = "".join(
            f"<sitemap><loc>{self.home}/{name}</loc><lastmod>{when.isoformat(timespec='seconds')}</lastmod></sitemap>"
            for name, when in (("sitemap-articles.xml", newest), ("sitemap-pages.xml", self.opened))
        )
        return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{parts}</sitemapindex>'

    def _sitemap(self, pages: list[tuple[str, datetime]]) -> str:
        parts = "".join(
            f"<url><loc>{self.home}{escape(path)}</loc><lastmod>{when.isoformat(timespec='seconds')}</lastmod></url>"
            for path, when in pages
        )
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{parts}</urlset>'

    # what a paper decides --------------------------------------------------------------------------

    def path(self, entry: _Entry) -> str:
        """Path of an article's page; it stays when the headline is corrected."""
        raise NotImplementedError

    def render_article(self, entry: _Entry, live: list[_Entry]) -> str:
        """The article's page with everything around it."""
        raise NotImplementedError

    def render_plain(self, title: str) -> str:
        """A page that is no article."""
        head = f'<!DOCTYPE html><html lang="en-GB"><title>{title} | {self.name}</title>'
        return f"{head}<h1>{title}</h1><p>{self.name}</p></html>"

    # what an editor does ---------------------------------------------------------------------------

    def truth(self) -> dict[str, Truth]:
        """The live articles by URL."""
        with self._lock:
            entries = [e for e in self._entries.values() if not e.gone]
        return {t.url: t for t in map(self._tell, entries)}

    def _tell(self, entry: _Entry) -> Truth:
        return Truth(
            url=self.home + self.path(entry),
            title=entry.story.title,
            text=entry.story.text,
            authors=entry.story.authors,
            published=entry.published,
            modified=entry.modified,
        )

    def edit_in_substance(self, url: str, *, now: datetime) -> Truth:
        """Correct a figure and add a paragraph; the dates in sitemap and feed move."""
        entry = self._find(url)
        return self._put(replace(entry, story=rewrite_in_substance(entry.story), modified=now))

    def edit_junk(self, url: str, *, now: datetime) -> Truth:
        """Change adverts, promotion and most-read lists only; the CMS saves the page, so its dates move too."""
        return self._put(replace(self._find(url), junk=self._find(url).junk + 1, modified=now))

    def add(self, *, now: datetime) -> Truth:
        """Publish one more article."""
        with self._lock:
            number = max(self._entries) + 1
            story = self._spare.pop(0)
        return self._put(_Entry(number=number, story=story, published=now, modified=now))

    def remove(self, url: str, *, now: datetime) -> Truth:
        """Take an article down: 410, and out of sitemap, feed and listings."""
        return self._put(replace(self._find(url), gone=True, modified=now))

    def _find(self, url: str) -> _Entry:
        with self._lock:
            for entry in self._entries.values():
                if self.home + self.path(entry) == url:
                    return entry
        raise KeyError(f"{self.name} never published {url}")

    def _put(self, entry: _Entry) -> Truth:
        with self._lock:
            self._entries[entry.number] = entry
        return self._tell(entry)

    # the site file ---------------------------------------------------------------------------------

    def write_site(self, folder: Path) -> Path:
        """Write the paper's site file, without politeness and with a re-check of every page at every run."""
        literal = json.dumps
        lines = [
            f"name = {literal(self.name)}",
            f"home = {literal(self.home + '/')}",
            f"kind = {literal(self.kind)}",
            f"article = '{re.escape(self.home)}{self.article_path}'",
            f"description = {literal(self.description)}",
            f"how_to_tell = {literal('The count of captures is the number of articles of this paper.')}",
            'schedule = "30 5 * * *"',
            "gone_after_checks = 1",
            'gone_after = "0s"',
        ]
        for source, path in self.sources:
            lines += ["", "[[sources]]", f"type = {literal(source)}", f"url = {literal(self.home + path)}"]
        lines += ["", "[crawl]", "delay = 0", "concurrency = 8", "allow_private = true"]
        lines += ["", "[[recheck]]", 'every = "1s"', ""]
        file = folder / f"{self.id}.toml"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines), encoding="utf-8")
        return file


def _xml(text: str, modified: datetime) -> Page:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Page(plain=(head + text).encode(), media_type="application/xml; charset=utf-8", modified=modified)


def _picture(path: str) -> str:
    hue = sum(path.encode()) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="420">'
        f'<rect width="800" height="420" fill="hsl({hue},35%,60%)"/>'
        '<circle cx="560" cy="170" r="90" fill="#fff6"/></svg>'
    )


JOBS = (
    ("Head of Adult Commissioning", 71, 78), ("Principal Planning Officer", 46, 51),
    ("Democratic Services Lead", 38, 42), ("Assistant Director, Highways", 92, 101),
    ("Team Manager, Fostering", 53, 57), ("Procurement Specialist", 41, 45),
    ("Building Control Surveyor", 39, 47), ("Monitoring Officer", 84, 93), ("Revenues Team Leader", 36, 40),
    ("Climate Programme Manager", 49, 54), ("Senior Solicitor, Childcare", 56, 61), ("Public Health Analyst", 40, 44),
)  # fmt: skip
PROMOTIONS = (
    "Book your place at Town Hall Live, the two-day exhibition for everyone who buys, builds or mends for a council.",
    "Nominations for the Town Hall Awards close at midnight on Friday. Enter your team free of charge.",
    "Download our free guide to retrofit finance, sponsored by a leading supplier of heat pumps.",
)
NEWSLETTER = "Sign up to our daily bulletin for news, analysis and jobs straight to your inbox."
COOKIES = "We and our partners use cookies to measure our audience and to show you advertising that is relevant."
BANNERS = (
    "Town Hall Live returns to Westmarch in June: register before the early-bird price ends.",
    "Subscribe to Town Hall Weekly in print and save a third on the cover price.",
)
CREDITS = ("L Whitcombe / Shutterjar", "Town Hall Weekly library", "R Abiola / Pixelyard")


class TradePaper(Paper):
    """Town Hall Weekly: everything in one container, junk between and after the paragraphs."""

    id = "town-hall-weekly"
    name = "Town Hall Weekly"
    kind = "trade"
    style = "trade"
    article_path = r"/[A-Za-z0-9-]+/\d+"
    sources = (("feed", "/rss"), ("sitemap", "/sitemap.xml"), ("listing", "/news"))
    description = "A trade paper for local government, invented for the demo: flat mark-up with adverts in the text."
    junk = (NEWSLETTER, COOKIES, *PROMOTIONS, *BANNERS, *(title for title, _, _ in JOBS))

    @override
    def path(self, entry: _Entry) -> str:
        return f"/{slug(entry.story.title)}/{entry.number}"

    @override
    def _look_up_source(self, asked: str, live: list[_Entry]) -> Page | None:
        path, _, query = asked.partition("?")
        if path == "/rss":
            return self._feed(live[:15])
        if path in {"/", "/news"}:
            page = int(query.removeprefix("page=")) if re.fullmatch(r"page=[1-9]\d?", query) else 1
            return Page(plain=self._listing(live, page).encode(), modified=max(e.modified for e in live))
        return super()._look_up_source(asked, live)

    def _feed(self, live: list[_Entry]) -> Page:
        items = "".join(
            f"<item><title>{escape(e.story.title)}</title>"
            f"<link>{self.home}{self.path(e)}?utm_source=rss&amp;utm_medium=feed</link>"
            f'<guid isPermaLink="false">thw-{e.number}</guid>'
            f"<pubDate>{format_datetime(e.published, usegmt=True)}</pubDate>"
            f"<description>{escape(e.story.paragraphs[0])}</description></item>"
            for e in live
        )
        newest = max(e.modified for e in live)
        text = (
            f'<rss version="2.0"><channel><title>{self.name}</title><link>{self.home}/</link>'
            f"<description>News for councils</description>"
            f"<lastBuildDate>{format_datetime(newest, usegmt=True)}</lastBuildDate>{items}</channel></rss>"
        )
        page = _xml(text, newest)
        return replace(page, media_type="application/rss+xml; charset=utf-8")

    def _listing(self, live: list[_Entry], page: int) -> str:
        shown = live[(page - 1) * 10 : page * 10]
        items = "".join(
            f'<div class="item"><a href="{self.path(e)}">{escape(e.story.title)}</a> {e.published:%d %B %Y}<br>'
            f"{escape(e.story.paragraphs[0])}</div>"
            for e in shown
        )
        more = f'<a rel="next" href="/news?page={page + 1}">Older news</a>' if live[page * 10 :] else ""
        return (
            f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>News | {self.name}</title></head>'
            f"<body><h1>{self.name}</h1>{items}{more}</body></html>"
        )

    @override
    def render_article(self, entry: _Entry, live: list[_Entry]) -> str:
        story = entry.story
        rng = random.Random(f"{entry.number}-{entry.junk}")
        adverts = "".join(
            f'<p><a href="/jobs/{slug(job).lower()}">{job}</a><br>{rng.choice(COUNCILS)} Council<br>'
            f"&pound;{low},{rng.randrange(100, 999)} - &pound;{high},{rng.randrange(100, 999)} a year</p>\n"
            for job, low, high in rng.sample(JOBS, 5)
        )
        title = escape(story.title)
        body = [f"<p>{escape(paragraph)}</p>" for paragraph in story.paragraphs]
        promotion = f'<p class="promo"><a href="/live">{rng.choice(PROMOTIONS)}</a></p>'
        return f"""<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{title} | {self.name}</title>
<meta name="description" content="{escape(story.paragraphs[0])}">
<meta property="og:title" content="{title}"><meta property="og:type" content="article">
<meta property="og:image" content="{self.home}/images/{entry.number}.svg">
<link rel="canonical" href="{self.home}{self.path(entry)}">
<link rel="alternate" type="application/rss+xml" href="/rss"></head><body>
<div id="cookies"><p>{COOKIES}</p><a href="#">Accept all</a> <a href="/about/privacy">Manage choices</a></div>
<div class="top"><a href="/">{self.name}</a> | <a href="/news">News</a> | <a href="/jobs">Jobs</a> |
<a href="/live">Live</a></div>
<div class="container">
<a href="/">Home</a> &gt; <a href="/news">News</a> &gt;
<a href="/news/{slug(story.section).lower()}">{story.section}</a>
<h1>{title}</h1>
<div class="date">{entry.published:%d %B %Y}</div>
<div class="writer">By {escape(" and ".join(story.authors))}</div>
<img src="/images/{entry.number}.svg" alt="{escape(story.section)}">
<div class="credit">Image: {rng.choice(CREDITS)}</div>
<h2>{title}</h2>
{body[0]}
{body[1]}
{body[2]}
{promotion}
{chr(10).join(body[3:])}
<p>{NEWSLETTER}</p>
<form action="/bulletin"><input name="email" placeholder="E-mail address"><button>Sign up</button></form>
<h3>Latest jobs</h3>
{adverts}<p><a href="/jobs">See all jobs</a></p>
<div class="banner"><p>{rng.choice(BANNERS)}</p></div>
</div>
<div class="footer"><a href="/about/us">About us</a> | <a href="/about/contact">Contact</a> |
<a href="/about/privacy">Privacy</a>
<p>&copy; {self.name}. All rights reserved.</p></div>
</body></html>
"""


SHARES = ("Facebook", "X", "WhatsApp", "Email", "Copy link")
MEMBERSHIP = "Support independent journalism: become a member of The Courier from as little as two pounds a month."
PODCAST = "Listen to Morning Edition, our ten-minute podcast, wherever you get your podcasts."
CONSENT = "The Courier and its 412 partners store and access information on your device. Change your mind at any time."
TAGLINES = ("writes about the regions for The Courier", "is a correspondent of The Courier", "covers public services")


class NationalPaper(Paper):
    """The Courier: semantic mark-up, JSON-LD, bylines, and much around the text."""

    id = "the-courier"
    name = "The Courier"
    kind = "national"
    style = "national"
    article_path = r"/news/[a-z]+/\d{4}/\d{2}/\d{2}/[a-z0-9-]+"
    sources = (("sitemap", "/sitemap.xml"), ("feed", "/feed.atom"), ("listing", "/news"))
    description = "A national daily, invented for the demo: semantic mark-up, JSON-LD, related posts, share buttons."
    junk = (
        *(MEMBERSHIP, PODCAST, CONSENT, "Most read", "More on this story", "Related posts"),
        *(f"Share on {name}" for name in SHARES),
    )

    @override
    def path(self, entry: _Entry) -> str:
        section = slug(entry.story.section).lower()
        return f"/news/{section}/{entry.published:%Y/%m/%d}/{slug(entry.story.title).lower()}-{entry.number}"

    @override
    def _look_up_source(self, asked: str, live: list[_Entry]) -> Page | None:
        path = asked.partition("?")[0]
        if path == "/feed.atom":
            return self._feed(live[:12])
        sections = {f"/news/{slug(e.story.section).lower()}": e.story.section for e in live}
        if path in {"/", "/news"} or path in sections:
            section = sections.get(path)
            shown = [e for e in live if section is None or e.story.section == section]
            return Page(plain=self._section(section or "News", shown).encode(), modified=max(e.modified for e in shown))
        return super()._look_up_source(asked, live)

    def _feed(self, live: list[_Entry]) -> Page:
        items = "".join(
            f"<entry><title>{escape(e.story.title)}</title><id>tag:the-courier.example,2026:{e.number}</id>"
            f'<link rel="alternate" href="{self.home}{self.path(e)}"/>'
            f"<published>{e.published.isoformat(timespec='seconds')}</published>"
            f"<updated>{e.modified.isoformat(timespec='seconds')}</updated>"
            f"<author><name>{escape(e.story.authors[0])}</name></author>"
            f"<summary>{escape(e.story.paragraphs[0])}</summary></entry>"
            for e in live
        )
        newest = max(e.modified for e in live)
        text = (
            f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{self.name}</title><id>{self.home}/feed.atom</id>'
            f'<link rel="self" href="{self.home}/feed.atom"/>'
            f"<updated>{newest.isoformat(timespec='seconds')}</updated>{items}</feed>"
        )
        return replace(_xml(text, newest), media_type="application/atom+xml; charset=utf-8")

    def _section(self, title: str, shown: list[_Entry]) -> str:
        items = "".join(
            f'<article class="teaser"><h3><a href="{self.path(e)}">{escape(e.story.title)}</a></h3>'
            f"<p>{escape(e.story.paragraphs[0])}</p></article>"
            for e in shown
        )
        return (
            f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{title} | {self.name}</title></head>'
            f"<body>{self._masthead()}<main><h1>{title}</h1>{items}</main></body></html>"
        )

    def _masthead(self) -> str:
        sections = ("politics", "health", "science", "sport")
        links = "".join(f'<li><a href="/news/{section}">{section.title()}</a></li>' for section in sections)
        return f'<header><a href="/">{self.name}</a><nav><ul>{links}</ul></nav></header>'

    @override
    def render_article(self, entry: _Entry, live: list[_Entry]) -> str:
        story = entry.story
        rng = random.Random(f"{entry.number}-{entry.junk}")
        others = [e for e in live if e.number != entry.number]
        related, read = rng.sample(others[-15:], 3), rng.sample(others[-15:], 5)
        url, title = self.home + self.path(entry), escape(story.title)
        section = slug(story.section).lower()
        facts = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": story.title,
            "url": url,
            "mainEntityOfPage": url,
            "datePublished": entry.published.isoformat(timespec="seconds"),
            "dateModified": entry.modified.isoformat(timespec="seconds"),
            "author": [{"@type": "Person", "name": name} for name in story.authors],
            "publisher": {"@type": "NewsMediaOrganization", "name": self.name},
            "articleSection": story.section,
            "description": story.paragraphs[0],
            "image": [f"{self.home}/images/{entry.number}.svg"],
            "inLanguage": "en-GB",
            "isAccessibleForFree": True,
        }
        links = ", ".join(f'<a rel="author" href="/profile/{slug(n).lower()}">{escape(n)}</a>' for n in story.authors)
        shares = "".join(f"<li><button>Share on {name}</button></li>" for name in SHARES)
        body = [f"<p>{escape(paragraph)}</p>" for paragraph in story.paragraphs]
        return f"""<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{title} | {story.section} | {self.name}</title>
<meta name="description" content="{escape(story.paragraphs[0])}">
<meta property="og:type" content="article"><meta property="og:title" content="{title}">
<meta property="og:url" content="{url}"><meta property="og:site_name" content="{self.name}">
<meta property="og:image" content="{self.home}/images/{entry.number}.svg">
<meta property="article:published_time" content="{entry.published.isoformat(timespec="seconds")}">
<meta property="article:modified_time" content="{entry.modified.isoformat(timespec="seconds")}">
<meta property="article:section" content="{story.section}">
<link rel="canonical" href="{url}"><link rel="alternate" type="application/atom+xml" href="/feed.atom">
<script type="application/ld+json">{json.dumps(facts).replace("<", chr(92) + "u003c")}</script></head><body>
<div class="consent" role="dialog"><p>{CONSENT}</p><button>Agree</button><button>Settings</button></div>
{self._masthead()}
<main><article>
<p class="kicker"><a href="/news/{section}">{story.section}</a></p>
<h1>{title}</h1>
<div class="meta"><address class="byline">{links}</address>
<time datetime="{entry.published.isoformat(timespec="seconds")}">{entry.published:%a %d %b %Y %H.%M} GMT</time></div>
<ul class="share-tools">{shares}</ul>
<figure><img src="/images/{entry.number}.svg" alt=""><figcaption>Photograph: {rng.choice(CREDITS)}</figcaption></figure>
<div class="article-body" itemprop="articleBody">
{chr(10).join(body[:3])}
<aside class="related"><h2>More on this story</h2><ul>{_links(self, related[:2])}</ul></aside>
{chr(10).join(body[3:])}
</div>
<ul class="share-tools">{shares}</ul>
<div class="about-author"><p>{escape(story.authors[0])} {rng.choice(TAGLINES)}.</p></div>
</article>
<aside class="membership"><p>{MEMBERSHIP}</p></aside>
<section class="related-posts"><h2>Related posts</h2><ul>{_links(self, related)}</ul></section>
<section class="most-read"><h2>Most read</h2><ol>{_links(self, read)}</ol></section>
<aside class="podcast"><p>{PODCAST if rng.random() < 0.5 else MEMBERSHIP}</p></aside>
</main>
<footer><ul><li><a href="/about/us">About us</a></li><li><a href="/about/privacy">Privacy</a></li></ul>
<p>&copy; {self.name}</p></footer>
</body></html>
"""


def _links(paper: Paper, entries: list[_Entry]) -> str:
    return "".join(f'<li><a href="{paper.path(e)}">{escape(e.story.title)}</a></li>' for e in entries)


class Newsroom:
    """Both papers; a context manager that serves them while it is open.

    Args:
        trade: articles of the trade paper at the start (at most 100).
        national: articles of the national (at most 100).
        seed: the same seed gives the same papers.
        port: the trade paper's port, the national takes the next one; 0 chooses free ones.
        opened: when the newest of the first articles was published.
    """

    def __init__(
        self, *, trade: int = 24, national: int = 20, seed: int = 1, port: int = 0, opened: datetime = OPENED
    ) -> None:
        self.trade = TradePaper(number=trade, seed=seed, port=port, opened=opened)
        self.national = NationalPaper(number=national, seed=seed, port=port + 1 if port else 0, opened=opened)
        self.papers: Mapping[str, Paper] = {paper.id: paper for paper in (self.trade, self.national)}

    def __enter__(self) -> Self:
        for paper in self.papers.values():
            paper.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for paper in self.papers.values():
            paper.__exit__(kind, error, trace)

    def write_sites(self, folder: Path) -> list[Path]:
        """Write the site files for ``MUNIMENT_SITES``."""
        return [paper.write_site(folder) for paper in self.papers.values()]


def change_something(newsroom: Newsroom, rng: random.Random, *, now: datetime) -> str:
    """Do what an editor may do at any moment; returns a sentence about it."""
    paper = rng.choice(list(newsroom.papers.values()))
    truth = rng.choice(list(paper.truth().values()))
    deed = rng.choice(("correct", "correct", "junk", "junk", "add", "remove"))
    if deed == "correct":
        return f"{paper.name}: corrected “{paper.edit_in_substance(truth.url, now=now).title}” {truth.url}"
    if deed == "junk":
        return f"{paper.name}: new adverts around “{paper.edit_junk(truth.url, now=now).title}” {truth.url}"
    if deed == "add":
        try:
            added = paper.add(now=now)
        except IndexError:
            return f"{paper.name}: nothing new to publish"
        return f"{paper.name}: published “{added.title}” {added.url}"
    if len(paper.truth()) < 10:
        return f"{paper.name}: nothing changed"
    return f"{paper.name}: removed “{paper.remove(truth.url, now=now).title}” {truth.url}"


def _run_beside(command: list[str], sites_folder: Path | None) -> int:
    """Run a program to its end with the papers among its sites; signals end it first, then us."""
    environment = dict(os.environ)
    if sites_folder:
        given = environment.get("MUNIMENT_SITES")
        environment["MUNIMENT_SITES"] = os.pathsep.join(filter(None, [given, str(sites_folder.resolve())]))
    child = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the child too
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


def main() -> int:
    """Serve the newsroom until it is interrupted, or until the program beside it ends."""
    parser = argparse.ArgumentParser(description="A newsroom of two papers on loopback.")
    parser.add_argument("--serve", action="store_true", help="serve until interrupted (the default)")
    parser.add_argument("--port", type=int, default=8600, help="port of the first paper; the second takes the next")
    parser.add_argument("--sites-folder", type=Path, help="where to write the site files")
    parser.add_argument("--change-every", type=float, default=0.0, metavar="SECONDS", help="edit something so often")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs="*", help="after --: a program to run beside, with MUNIMENT_SITES set")
    asked = parser.parse_args()
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    try:
        opened = Newsroom(port=asked.port, seed=asked.seed, opened=datetime.now(UTC).replace(microsecond=0))
    except OSError as error:
        print(f"Port {asked.port} or {asked.port + 1} is taken ({error}); choose another with --port.", file=sys.stderr)
        return 1
    with opened as newsroom:
        for paper in newsroom.papers.values():
            print(f"{paper.name}: {paper.home}/ ({len(paper.truth())} articles)", flush=True)
        for file in newsroom.write_sites(asked.sites_folder) if asked.sites_folder else ():
            print(f"site file: {file}", flush=True)
        editor = threading.Thread(target=_edit_now_and_then, args=(newsroom, asked, ended), daemon=True)
        editor.start()
        try:
            if asked.command:
                return _run_beside(asked.command, asked.sites_folder)
            ended.wait()
        finally:
            ended.set()
            editor.join()
    return 0


def _edit_now_and_then(newsroom: Newsroom, asked: argparse.Namespace, ended: threading.Event) -> None:
    rng = random.Random(asked.seed)
    while asked.change_every and not ended.wait(asked.change_every):
        print(change_something(newsroom, rng, now=datetime.now(UTC)), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
