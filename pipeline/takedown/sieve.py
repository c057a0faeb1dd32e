"""What comes in while orders are in force: captures and findings, before anything of them is written.

What is withheld as a whole comes in as a finding without text, ``excluded``; of an article with words to redact the
text comes in without them, under the digest that it has with them, so that no run takes the redaction for an edit.
Nothing sealed has to be read for that: whoever crawls and extracts may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from pipeline.archive import Archive
from pipeline.frontier import read_addresses
from pipeline.lifecycle import fold_address
from pipeline.model import Article, Finding, TakedownOrder, Version
from pipeline.takedown.cleaning import KEPT_FACTS, Target, clean_article, clean_version, redact_told
from pipeline.takedown.forms import in_order
from pipeline.takedown.orders import active, addresses_of
from spiders.protocol import TAKEN_DOWN
from spiders.warc import Captured

_LEAST_WORDS = 10  # of a text by which an article is known under another address


@dataclass(frozen=True, kw_only=True)
class _Known:
    """An article with an order in force, as what comes in is known by."""

    order: TakedownOrder
    target: Target
    addresses: frozenset[str]  # folded
    digests: frozenset[str]  # of its texts, however it is addressed

    def owns_address(self, *urls: str) -> bool:
        return any(fold_address(url) in self.addresses for url in urls)

    def owns(self, finding: Finding) -> bool:
        """Whether a finding is about the article, be it under an address that nobody knew it by."""
        if self.owns_address(finding.requested, finding.final, *(url for _, url in finding.hops)):
            return True
        article = finding.article
        if article is None:
            return False
        if article.article == self.order.article or self.owns_address(article.url):
            return True
        return article.words >= _LEAST_WORDS and bool(self.digests & {article.digest, article.essence or ""})


class Sieve:
    """The orders of a site that are in force, as captures and findings are held against them."""

    def __init__(self, known: Iterable[_Known] = ()) -> None:
        self._known = tuple(known)

    @classmethod
    def read(cls, archive: Archive, site: str) -> Self:
        """What is in force now; one listing where that is nothing."""
        return cls(_read_known(archive, order) for order in active(archive, site))

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def articles(self) -> frozenset[str]:
        """Ids of the articles with orders."""
        return frozenset(known.order.article for known in self._known)

    def clean_version(self, version: Version) -> Version:
        """A version as it may be read."""
        own = [known.target for known in self._known if known.order.article == version.article]
        return clean_version(version, in_order(own)) if own else version

    def touches(self, capture: Captured) -> bool:
        """Whether a capture is of an article with an order, as far as its addresses tell."""
        return any(
            known.owns_address(capture.requested, capture.url, *(hop.url for hop in capture.hops))
            for known in self._known
        )

    def filter(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Findings as they may be written."""
        return (self.clean(finding) for finding in findings) if self._known else iter(findings)

    def clean(self, finding: Finding) -> Finding:
        """A finding as it may be written."""
        if not self._known:
            return finding
        own = [known for known in self._known if known.owns(finding)]
        if any(known.target.whole for known in own):
            return finding.model_copy(
                update={
                    "kind": "excluded",
                    "reason": TAKEN_DOWN,
                    "article": None,
                    "extractor": None,
                    "rules": {},
                    "policy": {},
                    "facts": {name: value for name, value in finding.facts.items() if name in KEPT_FACTS},
                    # A later "not modified" must not come to mean that the archive has this text.
                    "etag": None,
                    "last_modified": None,
                }
            )
        if own:
            article = finding.article and clean_article(finding.article, [known.target for known in own])
            finding = finding.model_copy(update={"article": article})
            for known in own:
                told = redact_told(finding.model_dump(exclude={"article", "evidence"}), known.target.finder)
                finding = finding.model_copy(update=told)
        return finding

    def clean_article(self, article: Article | None, version: Version) -> Article | None:
        """What a version's capture gives now, as it may be held against what a run has read; None: it is withheld."""
        own = [known for known in self._known if known.order.article == version.article]
        if article is None or any(known.target.whole for known in own):
            return None if own else article
        return clean_article(article, [known.target for known in own])


def _read_known(archive: Archive, order: TakedownOrder) -> _Known:
    versions = archive.versions(order.site, order.article)
    urls = addresses_of(versions) | read_addresses(archive, order.site, order.article) | {order.url}
    texts = [each for each in versions if each.words >= _LEAST_WORDS]
    return _Known(
        order=order,
        target=Target(order=order, urls=frozenset(urls)),
        addresses=frozenset(map(fold_address, urls)),
        digests=frozenset(digest for each in texts for digest in (each.digest, each.essence) if digest),
    )
