"""Survey a site of which only the front page is known: where its articles are announced, and how they are addressed.

Asks at most ``MOST_REQUESTS`` documents, politely (``spiders.probe.Browser``): robots.txt, the front page, the newsroom
that its menu names, feeds, sitemaps, what it says of text and data mining, and three articles. What an article page
holds is judged by the caller, because extraction is not known here. What comes of it is written by ``spiders.draft``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import httpx
import lxml.etree
import lxml.html

from spiders.coding import BodyTooLarge, BodyUndecodable, gunzip
from spiders.families import Appearance, Families, Misfit, Recognised, escape, recognise
from spiders.probe import Browser, NotAnsweredError
from spiders.robots import RobotsPolicy
from spiders.shapes import Shape, article_likeness, choose_articles, learn_shape
from spiders.site import CrawlRules
from spiders.sources import Further, Listed, SourceError, parse_feed, parse_moment, parse_sitemap
from spiders.urls import canonical_url

MOST_REQUESTS: Final = 25
_MOST_BYTES: Final = 10_000_000
_MOST_ENTRIES: Final = 5000
_KNOWN_FEEDS, _GUESSED_FEEDS, _SITEMAPS, _CHILDREN = 4, 5, 3, 2
_SAMPLES: Final = 3
_FEWEST = 3  # articles that a source must name

_STRONG = frozenset(
    """
    news newsroom newsdesk pressroom press-releases media-releases press-office media-centre media-center latest-news
    news-and-events news-and-media nouvelles actualites actualite actus infos aktuelles aktuell nachrichten neuigkeiten
    pressemitteilungen meldungen noticias
    noticia actualidad novedades notizie novita comunicati comunicati-stampa nieuws
    actueel nieuwsberichten aktualnosci wiadomosci nyheter nyhet nyheder aktuelt aktuellt uutiset ajankohtaista
    tiedotteet newyddion nuacht noticies albisteak novinky aktuality zpravy hirek stiri novosti vijesti vesti naujienos
    uudised jaunumi haberler news-flash news-and-communications novas
    """.split()  # noqa: SIM905 - a list that people edit
)
_WEAK = frozenset(
    [
        "press",
        "presse",
        "prensa",
        "stampa",
        "pers",
        "media",
        "blog",
        "blogs",
        "posts",
        "stories",
        "articles",
        "articulos",
        "artikel",
        "archive",
        "archives",
        "latest",
        "updates",
        "local-news",
        "announcements",
        "events",
    ]
)
_AWAY_HOSTS = re.compile(
    r"(?:^|\.)(?:facebook|twitter|x|instagram|youtube|linkedin|tiktok|threads|flickr|whatsapp|bsky|pinterest|google)\.\w+$"
)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_FEED_LINK = re.compile(r"(?:\brss\b|\batom\b|feed(?:s|\.xml|\.json)?\b|\.rss$|syndicat)", re.IGNORECASE)
_COMMENTS = re.compile(r"comment|/tag/|/author/|events?[/.=]|calendar|kalender|agenda", re.IGNORECASE)
_NEWS_MAP = re.compile(
    r"news|post|article|artikel|blog|stor(?:y|ies)|actual|aktuel|nachricht|noticia|notizi|nieuws|nyhet|aktualn|newyddion",
    re.IGNORECASE,
)
_OTHER_MAP = re.compile(
    r"page|pagina|categor|tag|author|image|video|product|static|taxonom|event|section|user|attachment", re.IGNORECASE
)
_TURN = re.compile(
    r"(page|pg|paged|seite|pagina|sida|side|strona|p|start|offset|b_start(?::|%3A)int|stranka|sivu|oldal)",
    re.IGNORECASE,
)

Where = Literal["feed", "sitemap", "listing"]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """An article page as it was answered."""

    url: str
    requested: str
    body: bytes
    content_type: str | None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What extraction makes of one page."""

    url: str
    kind: str  # "article", or what else
    reason: str = ""
    title: str = ""
    published: str = ""
    published_from: str = ""
    words: int = 0
    lines: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether the page itself gives a date, not a guess from its text."""
        return bool(self.published) and self.published_from not in ("", "htmldate")


Judge = Callable[[Fetched], Judged]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A source that a site has, and what it named."""

    type: Where
    url: str
    how: str  # where its address was read
    urls: tuple[str, ...] = ()  # canonical, those of other hosts left out
    elsewhere: int = 0  # links to hosts that are not the site's
    dates: tuple[float, ...] = ()
    news: bool = False  # names nothing but articles
    follow: str | None = None
    pages: int = 1
    chosen: bool = False
    articles: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was seen of a site; ``trouble`` says why no file can be written."""

    asked: str
    home: str
    status: int | None = None
    name: str = ""
    language: str = ""
    families: tuple[Recognised, ...] = ()
    newsroom: str | None = None
    sources: tuple[Found, ...] = ()
    shape: Shape | None = None
    articles: tuple[Judged, ...] = ()
    others: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    robots: str = ""  # in words
    crawl_delay: float | None = None
    mining: tuple[str, ...] = ()  # in words
    scripted: bool = False
    trouble: str = ""
    notes: tuple[str, ...] = ()
    requests: int = 0

    @property
    def chosen(self) -> tuple[Found, ...]:
        """The sources for the site's file."""
        return tuple(source for source in self.sources if source.chosen)


@dataclass(frozen=True, kw_only=True)
class _Page:
    """An HTML page, as far as a survey looks at it."""

    url: str
    html: str
    links: tuple[tuple[str, str, bool], ...] = ()  # address, words, whether it stands in a menu, head or foot
    feeds: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    language: str = ""
    title: str = ""
    site_name: str = ""
    words: int = 0
    scripts: int = 0


@dataclass(kw_only=True)
class _Surveyor:
    """One survey under way."""

    browser: Browser
    families: Families
    judge: Judge
    notes: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    mining: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    answers: dict[str, tuple[httpx.Response, bytes] | None] = field(default_factory=dict)
    pages: list[_Page] = field(default_factory=list)
    recognised: tuple[Recognised, ...] = ()
    judged: dict[str, Judged] = field(default_factory=dict)

    # -------------------------------------------------------------- the survey, in order

    def survey(self, url: str) -> Survey:
        """Ask the site, and tell what was seen."""
        try:
            response, body = self.browser.get(url)
        except NotAnsweredError as error:
            return self._end(url, url, trouble=str(error))
        home = str(response.url)
        status = response.status_code
        if status != 200:
            return self._end(url, home, status=status, trouble=_explain_status(status))
        page = _read_page(body, home, response.headers.get("content-type"))
        if page is None:
            return self._end(url, home, status=status, trouble="the front page is no HTML")
        self.pages.append(page)
        self.hosts = [urlsplit(home).netloc]
        self._look_at_headers(response, page)
        policy = self._robots(home)
        robots = policy.body.decode("utf-8", "replace") if policy else ""
        self.recognised = recognise(self.families.by_id.values(), _appearance(page, response, robots))
        newsroom = self._find_newsroom(page)
        self._find_feeds(page, newsroom)
        self._find_sitemaps(page, robots)
        self._find_listings(newsroom)
        shape = self._learn()
        if shape is not None:
            shape = self._choose(shape)
        self._ask_mining(home)
        scripted = page.words < 60 and len(page.links) < 8 and page.scripts > 0
        return self._end(
            url, home, status=status, page=page, shape=shape, newsroom=newsroom, scripted=scripted,
            trouble=self._find_trouble(shape, scripted=scripted),
        )  # fmt: skip

    def _end(
        self,
        asked: str,
        home: str,
        *,
        status: int | None = None,
        page: _Page | None = None,
        shape: Shape | None = None,
        newsroom: _Page | None = None,
        scripted: bool = False,
        trouble: str = "",
    ) -> Survey:
        policy = self._robots(home)
        return Survey(
            asked=asked,
            home=home,
            status=status,
            name=(page.site_name or page.title) if page else "",
            language=next((one.language for one in (newsroom, page) if one and one.language), ""),
            families=self.recognised,
            newsroom=newsroom.url if newsroom else None,
            sources=tuple(self.found),
            shape=shape,
            articles=tuple(self.judged.values()),
            others=tuple(islice(self._others(), 200)),
            hosts=tuple(self.hosts),
            robots=_tell_robots(policy),
            crawl_delay=policy.crawl_delay if policy else None,
            mining=tuple(self.mining),
            scripted=scripted,
            trouble=trouble,
            notes=tuple(self.notes),
            requests=self.browser.requests,
        )

    def _robots(self, url: str) -> RobotsPolicy | None:
        parts = urlsplit(url)
        return self.browser.policies.get(f"{parts.scheme}://{parts.netloc}")

    def _fetch(self, url: str) -> tuple[httpx.Response, bytes] | None:
        """A document that answers 200; every address is asked for once."""
        if url not in self.answers:
            self.answers[url] = None
            try:
                response, body = self.browser.get(url)
            except NotAnsweredError as error:
                self.notes.append(str(error))
                return None
            self.answers[url] = (response, body) if response.status_code == 200 else None
            self.answers.setdefault(str(response.url), self.answers[url])
        return self.answers[url]

    # -------------------------------------------------------------- newsroom

    def _find_newsroom(self, home: _Page) -> _Page | None:
        """The page that the menu calls news, in whatever language; of two the one that names more articles."""
        scored: dict[str, float] = {}
        for url, words, _menu in home.links:
            score = _newsroom_score(url, words, home.url)
            if score and url not in (home.url, home.url.rstrip("/")):
                scored[url] = max(score, scored.get(url, 0))
        best = self._read_best(scored)
        if best is not None and self._weigh(best) < 4:  # a page that only leads on to the news
            deeper = {
                url: score
                for url, words, menu in best.links
                if not menu and url not in scored and (score := _newsroom_score(url, words, home.url))
            }
            best = self._read_best(deeper, best)
        if best is not None and urlsplit(best.url).netloc not in self.hosts:
            self.hosts.insert(0, urlsplit(best.url).netloc)
        return best

    def _read_best(self, scored: Mapping[str, float], best: _Page | None = None) -> _Page | None:
        """Of the two most promising pages, and the best so far, the one that names most articles."""
        for url in sorted(scored, key=lambda url: (-scored[url], len(url)))[:2]:
            page = self._read_html(url)
            if page is not None and (best is None or self._weigh(page) > 2 * self._weigh(best)):
                best = page
            if best is not None and self._weigh(best) >= 8:
                break
        return best

    def _read_html(self, url: str) -> _Page | None:
        answer = self._fetch(url)
        if answer is None:
            return None
        page = _read_page(answer[1], str(answer[0].url), answer[0].headers.get("content-type"))
        if page is not None:
            self.pages.append(page)
        return page

    def _weigh(self, page: _Page) -> float:
        urls = {url for url, _, menu in page.links if not menu}
        return sum(article_likeness(url) for url in urls)

    # -------------------------------------------------------------- feeds

    def _find_feeds(self, home: _Page, newsroom: _Page | None) -> None:
        known: dict[str, str] = {}
        for page, name in ((newsroom, "the newsroom's head"), (home, "the front page's head")):
            for url in page.feeds if page else ():
                known.setdefault(url, f"link rel=alternate in {name}")
        for page, name in ((newsroom, "the newsroom"), (home, "the front page")):
            for url, words, _menu in page.links if page else ():
                if _FEED_LINK.search(urlsplit(url).path + "?" + urlsplit(url).query) or words.lower() in (
                    "rss",
                    "atom",
                ):
                    known.setdefault(url, f"link on {name}")
        for url, how in self._family_sources("feed", home, newsroom):
            known.setdefault(url, how)
        known = {address: how for address, how in known.items() if not _COMMENTS.search(address)}
        for url, how in islice(known.items(), _KNOWN_FEEDS):
            if sum(1 for one in self.found if one.type == "feed") < 2:
                self._read_feed(url, how)
        if any(one.type == "feed" for one in self.found):
            return
        for url in islice(_guess_feeds(home.url, newsroom.url if newsroom else None), _GUESSED_FEEDS):
            if self._read_feed(url, "a usual address"):
                return

    def _read_feed(self, url: str, how: str) -> bool:
        answer = self._fetch(url)
        if answer is None:
            return False
        response, body = answer
        try:
            listed = list(
                islice(parse_feed(body, url=url, content_type=response.headers.get("content-type")), _MOST_ENTRIES)
            )
        except SourceError as error:
            self.notes.append(f"{url}: {error}")
            return False
        urls = _spell([one.url for one in listed], str(response.url))
        away = [one for one in urls if not self._ours(one)]
        if urls and len(away) > len(urls) / 2:
            self._adopt(away, str(response.url))
        ours = tuple(one for one in urls if self._ours(one))
        self.found.append(
            Found(
                type="feed",
                url=url,
                how=how,
                urls=ours,
                elsewhere=len(urls) - len(ours),
                dates=_moments(listed),
                news=True,
            )
        )
        return bool(ours)

    def _adopt(self, away: Sequence[str], feed: str) -> None:
        """Take another host as the site's own: most of a feed of the site leads to it."""
        hosts = [urlsplit(url).netloc for url in away]
        most = max(set(hosts), key=hosts.count)
        if hosts.count(most) > len(hosts) / 2 and not _AWAY_HOSTS.search(most):
            self.hosts.append(most)
            self.notes.append(f"{most} counts as the site's: {feed} leads there")

    def _ours(self, url: str) -> bool:
        return urlsplit(url).netloc in self.hosts

    def _family_sources(self, kind: str, home: _Page, newsroom: _Page | None) -> Iterator[tuple[str, str]]:
        for one in self.recognised[:2]:
            with suppress(Misfit):
                given = one.family.fitted(home.url, newsroom.url if newsroom else None)
                for source in given.get("sources", ()):
                    if isinstance(source, dict) and source.get("type") == kind:
                        yield str(source.get("url")), f"usual for {one.family.name}"

    # -------------------------------------------------------------- sitemaps

    def _find_sitemaps(self, home: _Page, robots: str) -> None:
        known: dict[str, str] = {}
        for line in robots.splitlines():
            match = re.match(r"\s*sitemap\s*:\s*(\S+)", line, re.IGNORECASE)
            if match:
                with suppress(ValueError):
                    known.setdefault(urljoin(home.url, match[1]), "robots.txt")
        ranked = sorted(known, key=lambda url: (not _NEWS_MAP.search(urlsplit(url).path), known[url]))
        known = {address: known[address] for address in ranked}
        for url, how in self._family_sources("sitemap", home, None):
            known.setdefault(url, how)
        if not any(how == "robots.txt" for how in known.values()):
            known.setdefault(urljoin(home.url, "/sitemap.xml"), "a usual address")
        for url, how in islice(known.items(), _SITEMAPS):
            self._read_sitemap(url, how)
            if any(one.type == "sitemap" and one.news for one in self.found):
                break
        if not any(one.type in ("sitemap", "feed") and one.urls for one in self.found):
            self._read_sitemap(urljoin(home.url, "/sitemap_index.xml"), "a usual address")

    def _read_sitemap(self, url: str, how: str) -> None:
        entries = self._parse_sitemap(url)
        if entries is None:
            return
        children = [urljoin(url, entry.url) for entry in entries if isinstance(entry, Further)]
        if not children:
            self._keep_sitemap(url, how, [entry for entry in entries if isinstance(entry, Listed)])
            return
        by_name = [child for child in children if _NEWS_MAP.search(_name_of(child, url))]
        wanted = [child for child in by_name if not _OTHER_MAP.search(_name_of(child, url))] or by_name
        others = [child for child in children if not _OTHER_MAP.search(_name_of(child, url))]
        chosen = (wanted or others or children)[: 60 if wanted else _CHILDREN]
        listed: list[Listed] = []
        for child in chosen[:_CHILDREN]:
            listed += [entry for entry in self._parse_sitemap(child) or () if isinstance(entry, Listed)]
        follow = _follow_of(chosen, children) if wanted else None
        self._keep_sitemap(url, how, listed, follow=follow, named=bool(wanted))

    def _parse_sitemap(self, url: str) -> list[Listed | Further] | None:
        answer = self._fetch(url)
        if answer is None:
            return None
        response, body = answer
        try:
            if body.startswith(b"\x1f\x8b"):
                body = gunzip(body, _MOST_BYTES)
            found = parse_sitemap(body, url=url, content_type=response.headers.get("content-type"))
            return list(islice(found, _MOST_ENTRIES))
        except (SourceError, BodyTooLarge, BodyUndecodable) as error:
            self.notes.append(f"{url}: {error}")
            return None

    def _keep_sitemap(
        self, url: str, how: str, listed: Sequence[Listed], *, follow: str | None = None, named: bool = False
    ) -> None:
        urls = _spell([one.url for one in listed], url)
        ours = tuple(one for one in urls if self._ours(one))
        likely = choose_articles(ours, self._others())
        news = bool(ours) and len(likely) >= 0.8 * len(ours) and (named or _NEWS_MAP.search(url) is not None)
        self.found.append(
            Found(
                type="sitemap", url=url, how=how, urls=ours, elsewhere=len(urls) - len(ours), dates=_moments(listed),
                news=news, follow=follow,
            )
        )  # fmt: skip

    # -------------------------------------------------------------- listings

    def _find_listings(self, newsroom: _Page | None) -> None:
        others = set(self._others())
        for page in [newsroom] if newsroom else self.pages[:1]:
            links = [url for url, _, menu in page.links if not menu and self._ours(url)]
            urls = tuple(url for url in _spell(links, page.url) if url not in others)
            follow, pages = _find_turning(page)
            how = "menu of the front page" if newsroom else "the front page itself"
            self.found.append(Found(type="listing", url=page.url, how=how, urls=urls, follow=follow, pages=pages))

    # -------------------------------------------------------------- articles

    def _others(self) -> Iterator[str]:
        """Addresses of pages that are no articles: menus, the newsroom itself, what leads to further pages."""
        seen: set[str] = set()
        named = {url for one in self.found if one.news for url in one.urls}
        for page in self.pages:
            menu = [page.url, *(url for url, _, menu in page.links if menu)]
            for url in _spell(menu, page.url):
                if url not in seen and url not in named and self._ours(url):
                    seen.add(url)
                    yield url

    def _learn(self) -> Shape | None:
        """The pattern of articles, from the best evidence there is."""
        others = list(self._others())
        below = next((one.url for one in self.found if one.type == "listing"), None)
        named = [url for one in self.found if one.news for url in one.urls]
        if len(named) < _FEWEST:
            for kind in ("listing", "sitemap"):
                urls = [url for one in self.found if one.type == kind for url in one.urls]
                named = choose_articles(urls, others, below=below)
                if len(named) >= _FEWEST:
                    break
        if len(named) < _FEWEST:
            return None
        fronts = {
            url
            for url in named
            if any(len(other) > len(url) and other.startswith(url.rstrip("/") + "/") for other in named)
        }
        return learn_shape([url for url in named if url not in fronts], [*others, *fronts])

    def _choose(self, shape: Shape) -> Shape:
        """Look at three articles, and choose the sources that name articles and little else."""
        named = [url for one in self.found if one.news for url in one.urls if shape.matches(url)]
        sure = bool(named)
        named = named or [url for one in self.found for url in one.urls if shape.matches(url)]
        for url in islice(dict.fromkeys(named), _SAMPLES):
            self._judge(url)
        dated = all(one.dated for one in self.judged.values() if one.kind == "article")
        fed = set(named)
        for at, one in enumerate(self.found):
            articles = {url for url in one.urls if shape.matches(url)}
            one = replace(one, articles=len(articles))
            self.found[at] = one
            if len(articles) < (1 if one.type == "feed" else _FEWEST):
                self.found[at] = replace(one, why="names no articles" if one.urls else "is empty")
                continue
            more = sorted(articles - fed)
            if sure and one.type != "feed" and not one.news and more:
                judged = self._judge(more[len(more) // 2])
                if judged.kind != "article" or (dated and not judged.dated):
                    self.found[at] = replace(one, why="names pages of the same form that are no articles")
                    continue
            self.found[at] = replace(one, chosen=True)
        self._thin_out(shape)
        return shape

    def _thin_out(self, shape: Shape) -> None:
        """Leave out what adds nothing: a listing beside a sitemap, a sitemap that has less than the feed."""
        seen: set[str] = set()
        order = {"feed": 0, "sitemap": 1, "listing": 2}
        for one in sorted(self.found, key=lambda one: order[one.type]):
            if not one.chosen:
                continue
            articles = {url for url in one.urls if shape.matches(url)}
            at = self.found.index(one)
            deep = (
                one.type == "listing"
                and one.pages > 1
                and not any(f.chosen and f.type == "sitemap" for f in self.found)
            )
            if seen and len(articles - seen) < 0.1 * len(seen) and not deep:
                self.found[at] = replace(one, chosen=False, why="names nothing that the others do not")
                continue
            seen |= articles

    def _judge(self, url: str) -> Judged:
        if url in self.judged:
            return self.judged[url]
        answer = self._fetch(url)
        if answer is None:
            return Judged(url=url, kind="failed", reason=self.notes[-1] if self.notes else "no answer")
        response, body = answer
        judged = self.judge(
            Fetched(url=str(response.url), requested=url, body=body, content_type=response.headers.get("content-type"))
        )
        self.judged[url] = judged
        return judged

    # -------------------------------------------------------------- policy

    def _look_at_headers(self, response: httpx.Response, page: _Page) -> None:
        for name in ("x-robots-tag", "tdm-reservation", "tdm-policy"):
            if value := response.headers.get(name):
                self.mining.append(f"header {name}: {value[:200]}")
        match = re.search(r"<meta[^>]+name=[\"']?tdm-reservation[\"']?[^>]*>", page.html[:100_000], re.IGNORECASE)
        if match:
            self.mining.append(f"meta: {match[0][:200]}")

    def _ask_mining(self, home: str) -> None:
        for path in ("/.well-known/tdmrep.json", "/ai.txt"):
            answer = self._fetch(urljoin(home, path))
            if answer is None:
                continue
            body = answer[1]
            if path.endswith(".json"):
                with suppress(ValueError):
                    rules = json.loads(body)
                    self.mining.append(f"{path}: {json.dumps(rules)[:300]}")
            elif b"<html" not in body[:1000].lower():
                text = " ".join(body[:2000].decode("utf-8", "replace").split())
                self.mining.append(f"{path}: {text[:300]}")

    def _find_trouble(self, shape: Shape | None, *, scripted: bool) -> str:
        if shape is not None and any(one.chosen for one in self.found):
            if self.judged and not any(one.kind == "article" for one in self.judged.values()):
                reasons = sorted({f"{one.kind} ({one.reason})" for one in self.judged.values()})
                return f"none of the {len(self.judged)} pages that look like articles is one: {', '.join(reasons)}"
            return ""
        if scripted:
            return (
                "the front page is drawn by script, and no feed or sitemap was found: say render = true under [crawl] "
                "and write sources by hand"
            )
        return "no feed, sitemap or listing was found that names articles"


def survey_site(
    url: str,
    *,
    judge: Judge,
    user_agent: str,
    families: Families,
    pause: Callable[[float], None],
    allow_private: bool = False,
    delay: float = 2.0,
) -> Survey:
    """Ask a site of which only the front page is known.

    Args:
        url: the front page.
        judge: says what a page is; called for at most a handful of pages.
        user_agent: who asks, with a way to reach them.
        families: the CMS families to look for.
        pause: waits so many seconds.
        allow_private: loopback and private addresses, too.
        delay: seconds between two requests; a longer Crawl-delay counts.
    """
    rules = CrawlRules(delay=delay, allow_private=allow_private, max_bytes=_MOST_BYTES)
    headers = {"User-Agent": user_agent, "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"}
    with httpx.Client(headers=headers, timeout=rules.timeout, follow_redirects=False) as client:
        browser = Browser(rules=rules, client=client, pause=pause, at_most=MOST_REQUESTS)
        return _Surveyor(browser=browser, families=families, judge=judge).survey(url)


# ------------------------------------------------------------------ reading pages


def _read_page(body: bytes, url: str, content_type: str | None) -> _Page | None:
    if content_type and "html" not in content_type and b"<html" not in body[:2000].lower():
        return None
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type or "", re.IGNORECASE)
    try:
        parser = lxml.html.HTMLParser(encoding=charset[1] if charset else None, no_network=True, huge_tree=False)
    except LookupError:
        parser = lxml.html.HTMLParser(no_network=True, huge_tree=False)
    try:
        tree: Any = lxml.html.document_fromstring(body, parser=parser)
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return None
    base = next((str(href) for href in tree.xpath("//base/@href") if href.strip()), "")
    with suppress(ValueError):
        base = urljoin(url, base)
    links = []
    for link in islice(tree.iter("a"), 3000):
        href = link.get("href")
        if not href or href.startswith(("#", "javascript:", "mailto:", "tel:")):
            continue
        with suppress(ValueError):
            menu = any(up.tag in ("nav", "header", "footer") for up in islice(link.iterancestors(), 12))
            links.append((canonical_url(href, base), " ".join(link.text_content().split())[:100], menu))
    text = " ".join(tree.xpath("string(//body)").split()[:2000]) if tree.find("body") is not None else ""
    titles = tree.xpath("//title/text()")
    return _Page(
        url=url,
        html=body[:200_000].decode("utf-8", "replace"),
        links=tuple(links),
        feeds=tuple(_feed_links(tree, base)),
        generators=tuple(
            str(one)[:300] for one in tree.xpath("//meta[@name='generator' or @name='Generator']/@content")
        ),
        language=str(next(iter(tree.xpath("/html/@lang")), ""))[:35],
        title=" ".join(str(titles[0]).split())[:200] if titles else "",
        site_name=str(next(iter(tree.xpath("//meta[@property='og:site_name']/@content")), ""))[:200].strip(),
        words=len(text.split()),
        scripts=len(tree.xpath("//script[@src]")),
    )


def _feed_links(tree: Any, base: str) -> Iterator[str]:
    for link in tree.xpath("//link[@href][contains(concat(' ', @rel, ' '), ' alternate ')]"):
        if (link.get("type") or "").split(";")[0].strip().lower() in _FEED_TYPES:
            with suppress(ValueError):
                yield canonical_url(link.get("href"), base)


def _appearance(page: _Page, response: httpx.Response, robots: str) -> Appearance:
    return Appearance(
        html=page.html,
        generators=page.generators,
        headers=tuple(f"{name}: {value}" for name, value in response.headers.items()),
        links=tuple(url for url, _, _ in page.links),
        robots=robots,
    )


def _newsroom_score(url: str, words: str, home: str) -> float:
    """How surely a link leads to the newsroom: by its words, in several languages, and by its address."""
    parts = urlsplit(url)
    if _AWAY_HOSTS.search(parts.netloc) or re.search(
        r"\.(?:pdf|jpe?g|png|xml|rss|json|ics)$", parts.path, re.IGNORECASE
    ):
        return 0
    if _FEED_LINK.search(f"{parts.path}?{parts.query}"):
        return 0
    score = 0.0
    text = _fold(words)
    if text in _STRONG:
        score += 4
    elif text in _WEAK:
        score += 1.5
    elif len(words.split()) <= 4 and any(word in _STRONG for word in text.split("-")):
        score += 2.5
    segments = [_fold(re.sub(r"\.\w+$", "", segment)) for segment in parts.path.split("/") if segment]
    if segments and (
        segments[-1] in _STRONG
        or (segments[-1] in ("index", "default") and segments[-2:-1] and segments[-2] in _STRONG)
    ):
        score += 3
    elif segments and segments[-1] in _WEAK:
        score += 1
    elif any(segment in _STRONG for segment in segments):
        score += 0.5
    if article_likeness(url) >= 2 and text not in _STRONG:
        return 0
    if score and parts.netloc != urlsplit(home).netloc:
        score -= 0.5 if score >= 3 else score
    return score - 0.2 * max(0, len(segments) - 1) if score else 0


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return re.sub(r"[^\w]+", "-", "".join(c for c in plain if not unicodedata.combining(c))).strip("-")


def _guess_feeds(home: str, newsroom: str | None) -> Iterator[str]:
    seen: set[str] = set()
    ends = ("feed/", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json")
    bases = [newsroom.split("?")[0].rstrip("/") + "/"] if newsroom else []
    order = [(bases[0], end) for end in ends[:2] if bases] + [(urljoin(home, "/"), end) for end in ends]
    for base, end in order:
        if (url := urljoin(base, end)) not in seen:
            seen.add(url)
            yield url


def _find_turning(page: _Page) -> tuple[str | None, int]:
    """How a listing leads to its further pages: a pattern that finds their addresses, and how deep to go."""
    base = urlsplit(page.url)
    path = base.path.rstrip("/")
    found: dict[str, set[int]] = {}
    for url, words, _menu in page.links:
        parts = urlsplit(url)
        if parts.netloc != base.netloc:
            continue
        for name, _, value in (part.partition("=") for part in parts.query.split("&")):
            if parts.path.rstrip("/") == path and value.isdigit() and (_TURN.fullmatch(name) or words.isdigit()):
                found.setdefault(rf"[?&]{escape(name)}=\d+", set()).add(int(value))
        rest = parts.path.removeprefix(path).strip("/") if parts.path.startswith(path) else ""
        match = re.fullmatch(
            r"((?:page|seite|pagina|sida|side|strona|p|stranka|sivu)[-/]?)?(\d{1,4})", rest, re.IGNORECASE
        )
        if match and (match[1] or words.isdigit()) and not parts.query:
            found.setdefault(rf"{escape(path)}/{escape(match[1] or '')}\d{{1,4}}/?$", set()).add(int(match[2]))
    if not found:
        return None, 1
    pattern = max(found, key=lambda one: len(found[one]))
    return pattern, max(3, min(5, len(found[pattern]) + 1))


def _name_of(child: str, index: str) -> str:
    """The part of a child sitemap's address that differs from its index's."""
    parts = urlsplit(child)
    name = parts.path.rpartition("/")[2] if parts.path != urlsplit(index).path else ""
    return f"{name}?{parts.query}"


def _follow_of(chosen: Sequence[str], children: Sequence[str]) -> str | None:
    """A pattern that finds the chosen children of an index, and their successors, and no others."""
    if len(chosen) == len(children):
        return None
    names = []
    for child in chosen:
        parts = urlsplit(child)
        name = parts.path.rpartition("/")[2] + (f"?{parts.query}" if parts.query else "")
        names.append(re.sub(r"\d+", r"\\d+", escape(re.sub(r"&.*", "", name))))
    pattern = "|".join(dict.fromkeys(names))
    rest = [child for child in children if child not in chosen]
    if any(re.search(pattern, child) for child in rest):
        pattern = "|".join(escape(child) for child in chosen[:20])
    return pattern


def _spell(urls: Iterable[str], base: str) -> list[str]:
    spelled: dict[str, None] = {}
    for url in urls:
        with suppress(ValueError):
            spelled.setdefault(canonical_url(url, base))
    return list(spelled)


def _moments(listed: Sequence[Listed]) -> tuple[float, ...]:
    found = (parse_moment(one.facts.get("published") or one.lastmod) for one in listed)
    return tuple(moment for moment in found if moment is not None)


def _explain_status(status: int) -> str:
    if status in (401, 403, 407, 429, 451, 503):
        return f"the front page refuses us (HTTP {status}): ask the publisher; we never pretend to be a browser"
    return f"the front page answers HTTP {status}"


def _tell_robots(policy: RobotsPolicy | None) -> str:
    if policy is None:
        return ""
    if policy.unreachable:
        return "could not be had, so nothing may be asked"
    if policy.status is not None and policy.status >= 400:
        return f"there is none (HTTP {policy.status})"
    delay = f", Crawl-delay {policy.crawl_delay:g} s" if policy.crawl_delay is not None else ""
    return f"allows us{delay}"
