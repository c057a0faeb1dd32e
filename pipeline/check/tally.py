"""Figures of a run's findings, read once; memory grows with the number of pages, not with their size."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pipeline.model import Article, Finding
from pipeline.normal.expect import find_class
from pipeline.normal.openings import Opening, Openings, read_opening
from pipeline.walls import count_wall_words

FIELDS: Final = (
    *("title", "published", "modified", "authors", "byline", "section", "image", "description", "standfirst"),
    *("tags", "language"),
)
"""Fields of an article whose fill is counted."""

FUTURE: Final = timedelta(hours=36)
"""So far ahead a date may be: a day without an hour, in the zone where it begins first."""
ANCIENT: Final = 1994
"""No web page is older; 1970 is what zero seconds make."""
STALE: Final = timedelta(days=60)
"""A new address with a date so long ago is old news."""

_SAID = 80  # characters of a block that are told
_RECURRING = 2000  # different blocks that are counted at once
_OPENINGS = 300  # beginnings of a run's articles that are remembered
_EXAMPLES = 3
SHRUNK: Final = 0.6
"""A page that has less than this share of the words that it had has shrunk …"""
_WORTH = 60  # … if it had so many


@dataclass(kw_only=True)
class Tally:
    """Figures of a run's findings."""

    known: Openings = field(default_factory=lambda: Openings(""))  # how the site's earlier articles begin
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    words: list[int] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)
    bodies: dict[bytes, dict[str, str]] = field(default_factory=dict)  # text digest -> article -> URL
    titles: Counter[bytes] = field(default_factory=Counter)  # digest of a headline -> articles
    canonicals: dict[str, list[str]] = field(default_factory=dict)  # canonical URL -> pages that claim it
    recurring: Counter[str] = field(default_factory=Counter)  # what the site's memory left out -> articles
    relieved: int = 0  # articles out of which it left something
    spared: list[tuple[str, str]] = field(default_factory=list)  # articles in which it would have taken too much
    ruled: Counter[str] = field(default_factory=Counter)  # rule of the site's file -> articles it was held against
    obeyed: Counter[str] = field(default_factory=Counter)  # … and on which it found something

    documents: Counter[str] = field(default_factory=Counter)  # kinds of what pages link; counted apart from them
    document_reasons: Counter[str] = field(default_factory=Counter)

    titled: int = 0  # articles with a headline, documents too
    dated: int = 0  # … with a date of publication
    fill: Counter[str] = field(default_factory=Counter)  # field -> articles that have it, documents not counted
    languages: Counter[str] = field(default_factory=Counter)  # first part of the tag -> articles
    odd_dates: Counter[str] = field(default_factory=Counter)  # what is wrong with a date -> articles
    moments: Counter[str] = field(default_factory=Counter)  # date of publication -> articles
    new: int = 0  # articles under addresses that nobody knew
    lags: list[float] = field(default_factory=list)  # seconds from publication to capture, of these
    copies: list[str] = field(default_factory=list)  # URLs of new articles that begin as earlier ones do
    pairs: int = 0  # articles that are remembered with a text worth the name
    shrunk: list[tuple[str, int, int]] = field(default_factory=list)  # of these: URL, words before, words now
    phrases: list[str] = field(default_factory=list)  # URLs of articles that speak as walls do
    openings: list[Opening] = field(default_factory=list)  # of articles that are not remembered
    examples: dict[str, list[str]] = field(default_factory=dict)  # what is odd -> some URLs

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.requested.add(finding.requested)
        if "linked_from" in finding.facts:
            self.documents[finding.kind] += 1
            if finding.reason:
                self.document_reasons[f"document {finding.kind}: {finding.reason}"] += 1
            return
        self.kinds[finding.kind] += 1
        if finding.reason:
            self.reasons[f"{finding.kind}: {finding.reason}"] += 1
        article = finding.article
        if article is None:
            return
        self._add_memory(finding, article)
        self.ruled.update(finding.rules.keys())
        self.obeyed.update(rule for rule, found in finding.rules.items() if found)
        self.words.append(article.words)
        digest = hashlib.sha256(" ".join(article.text.split()).encode("utf-8", "surrogatepass")).digest()[:16]
        self.bodies.setdefault(digest, {})[article.article] = article.url
        self.canonicals.setdefault(article.url, []).append(finding.final)
        is_new = finding.facts.get("why", "new") == "new"
        self.new += is_new
        self.titled += bool(article.title)
        self.dated += article.published is not None
        self._add_fill(article)
        self._add_dates(finding, article, is_new=is_new)
        self._add_text(article, is_new=is_new)

    def _add_memory(self, finding: Finding, article: Article) -> None:
        left_out = {
            line[:_SAID] for block in article.stripped if block.rule == "memory" for line in block.text.split("\n")
        }
        self.recurring.update(left_out)
        if len(self.recurring) > _RECURRING:
            self.recurring = Counter(dict(self.recurring.most_common(_RECURRING // 2)))
        self.relieved += bool(left_out)
        if "memory" in article.origins:
            self.spared.append((finding.final, article.origins["memory"]))

    def _add_fill(self, article: Article) -> None:
        if article.kind == "document":
            return
        for name in FIELDS:
            if getattr(article, name):
                self.fill[name] += 1
            else:
                self._show(name, article.url)
        if article.title:
            self.titles[hashlib.sha256(article.title.encode("utf-8", "surrogatepass")).digest()[:8]] += 1
        if article.language:
            language = article.language.split("-")[0].lower()
            self.languages[language] += 1
            self._show(f"lang-{language}", article.url)

    def _add_dates(self, finding: Finding, article: Article, *, is_new: bool) -> None:
        if article.published is None:
            return
        published, captured = article.published.value, finding.evidence.captured_at
        odd = None
        if published > captured + FUTURE:
            odd = "in the future"
        elif published.year < ANCIENT:
            odd = "older than the web"
        elif article.modified is not None and article.modified.value < published - timedelta(days=1):
            odd = "changed before they were published"
        if odd is not None:
            self.odd_dates[odd] += 1
            self._show("dates", article.url)
        moment = published.isoformat()
        self.moments[moment] += 1
        if is_new and odd is None:
            self.lags.append(max(0.0, (captured - published).total_seconds()))

    def _add_text(self, article: Article, *, is_new: bool) -> None:
        if count_wall_words(article.text):
            self.phrases.append(article.url)
        opening = read_opening(article.article, article.title, article.text, article.words)
        before = self.known.find_words(opening)
        if before is None:
            if len(self.openings) < _OPENINGS:
                self.openings.append(opening)
            if is_new and self.known.is_old(opening):
                self.copies.append(article.url)
        elif before >= _WORTH:
            self.pairs += 1
            if article.words < SHRUNK * before:
                self.shrunk.append((article.url, before, article.words))

    def _show(self, what: str, url: str) -> None:
        shown = self.examples.setdefault(what, [])
        if len(shown) < _EXAMPLES:
            shown.append(url)

    @property
    def pages(self) -> int:
        """Captured pages, without documents."""
        return len(self.requested) - self.documents.total()

    @property
    def articles(self) -> int:
        """Pages that are articles, without documents."""
        return self.kinds["article"]

    @property
    def median_words(self) -> int:
        """Words of the middle article; 0 where there is none."""
        return int(statistics.median(self.words)) if self.words else 0

    @property
    def stale(self) -> int:
        """New articles that are old by their dates."""
        return sum(lag > STALE.total_seconds() for lag in self.lags)

    @property
    def one_moment(self) -> int:
        """Articles that have the commonest date of publication, to the second; 0 where nearly each has its own."""
        most = max(self.moments.values(), default=0)
        return most if most > 2 else 0

    @property
    def one_title(self) -> int:
        """Articles that have the commonest headline; 0 where nearly each has its own."""
        most = max(self.titles.values(), default=0)
        return most if most > 2 else 0

    @property
    def lengths(self) -> dict[int, int]:
        """Class of lengths -> articles."""
        return dict(sorted(Counter(find_class(words) for words in self.words if words).items()))

    @property
    def lag(self) -> float | None:
        """The middle time from publication to capture of new articles, in seconds."""
        return statistics.median(self.lags) if self.lags else None
