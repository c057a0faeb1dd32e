"""The Site: one publication that we watch, as its TOML file declares it.

One file per site, ``spiders/sites/<country>/<id>.toml``; the id is the file's stem. This module reads
and refuses site files, and answers what a site says about a URL. It knows nothing of Scrapy.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where a site announces its pages."""

    type: Literal["feed", "sitemap", "listing"]
    url: str
    follow: str | None = None  # sitemap index: only child sitemaps whose URL matches; listing: links that lead on
    pages: int = Field(default=1, ge=1, le=1000)  # listing: how many pages deep


class CrawlRules(_Part):
    """How a site is fetched."""

    delay: float = Field(default=2.0, ge=0)  # seconds between two requests
    concurrency: int = Field(default=1, ge=1, le=64)
    fetch_at_most: int = Field(default=500, ge=1)  # article pages per run
    timeout: float = Field(default=30.0, gt=0)  # seconds per response
    max_bytes: int = Field(default=10_000_000, ge=1000)  # per response, decompressed too
    run_seconds: float = Field(default=3600.0, gt=0)  # the whole crawl
    robots: Literal["obey", "ignore"] = "obey"
    allow_private: bool = False  # loopback and private addresses: tests and intranets only


class CheckLimits(_Part):
    """Limits of the gate that differ from the defaults (see ``pipeline.check``)."""

    min_captures: int | None = None
    max_error_share: float | None = None
    min_article_yield: float | None = None
    min_title_share: float | None = None
    min_published_share: float | None = None
    min_words: int | None = None
    max_same_body_share: float | None = None


class Recheck(_Part):
    """One rung of the re-check ladder: up to ``age`` after first sight, look again ``every`` so often."""

    age: timedelta | None = None  # None: for ever
    every: timedelta


class Site(_Part):
    """One publication, as declared in its file."""

    id: str
    name: str
    home: str
    kind: Literal["trade", "council", "government", "parliament", "national", "regional"]
    article: str  # regular expression that the whole canonical URL of an article matches
    sources: tuple[Source, ...] = Field(min_length=1)
    exclude: tuple[str, ...] = ()  # regular expressions; a URL that one of them finds something in is no article
    domains: tuple[str, ...] = ()  # hosts that belong to the site; default: the host of ``home``
    family: str | None = None  # CMS family
    publisher: str | None = None
    region: str | None = None
    country: str = "gb"
    language: str = "en"
    timezone: str = "Europe/London"
    schedule: str = "@hourly"
    description: str = ""
    how_to_tell: str = ""  # how an operator sees that it works
    unverified: tuple[str, ...] = ()  # keys whose facts were not seen live
    crawl: CrawlRules = CrawlRules()
    check: CheckLimits = CheckLimits()
    recheck: tuple[Recheck, ...] = ()  # default: ``DEFAULT_RECHECK``
    gone_after_checks: int = Field(default=3, ge=1)  # a tombstone needs so many 404/410 …
    gone_after: timedelta = timedelta(hours=24)  # … spread over at least this time

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Hosts (lower case, with port where it is not the scheme's) whose pages belong to the site."""
        return frozenset(self.domains) or frozenset({urlsplit(self.home).netloc.lower()})

    @cached_property
    def _article(self) -> re.Pattern[str]:
        return re.compile(self.article)

    @cached_property
    def _exclude(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self.exclude)

    def owns(self, url: str) -> bool:
        """Whether the URL's host belongs to the site."""
        return urlsplit(url).netloc.lower() in self.hosts

    def is_article(self, url: str) -> bool:
        """Whether a canonical URL is, by its form, an article of this site."""
        return (
            self.owns(url) and self._article.fullmatch(url) is not None and not any(p.search(url) for p in self._exclude)
        )
