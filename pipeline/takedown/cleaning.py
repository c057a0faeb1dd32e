"""Documents of the archive without what is withheld: versions, findings, lines of JSON. Pure.

What is withheld keeps its place: ids, numbers, URLs, times, digests, evidence stay, so that chains have no gaps, the
crawl still knows the page, and putting the original back is all that reinstating takes. Cleaning what is clean
already changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.model import Article, State, Story, TakedownOrder, Version
from pipeline.takedown.words import MARK, Finder, fold, views_of

_KEPT_OF_STORY = (
    *("url", "kind", "published", "modified", "language", "free", "embargo", "document_of", "words"),
    *("digest", "essence", "recipe"),
)
_KEPT_OF_VERSION = (
    *("contract", "site", "article", "n", "change", "final_url", "requested_url", "publisher", "run", "captured_at"),
    *("evidence", "extractor", "code", "edit", "moved_to", "hops", "origin"),
)
_KEPT_OF_FINDING = (
    *("kind", "requested", "final", "evidence", "etag", "last_modified", "via", "source_lastmod", "extractor", "hops"),
    *("origin",),
)
KEPT_FACTS = frozenset({"why", "sitemap", "dated", "linked_from"})  # the crawl's own: URLs, and words of ours
_IDENTITY = frozenset(
    {*_KEPT_OF_STORY, *_KEPT_OF_VERSION, *_KEPT_OF_FINDING, "state", "origins", "confidence", "rules"}
)
"""Fields in which nothing is redacted: they say which page it is, not what it says."""
_TOLD = re.compile(r"(?:withheld|redacted|destroyed): takedown [0-9A-Za-z-]+")
_LEAST_TITLE = 12  # characters of a headline that is looked for in sources
_LEAST_LINE = 20
_LEAST_PATH = 6

_Some = TypeVar("_Some", Article, Version)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an order is about, as it is looked for.

    ``urls``, ``records`` and ``article`` say which pages; ``spans`` or, where they are known no more, the order's
    marks say which words; without either it is the whole article, whose ``titles`` give it away elsewhere.
    """

    order: TakedownOrder
    urls: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()  # WARC-Record-IDs
    titles: tuple[str, ...] = ()
    lines: frozenset[str] = field(default=frozenset(), repr=False)  # of its texts, folded: whole article only
    spans: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the whole article is withheld, not some words."""
        return not self.order.spans

    @cached_property
    def finder(self) -> Finder:
        """Finds what must not be read in what is not the article itself: the words, or else its headlines."""
        if not self.whole:
            return Finder(self.spans, () if self.spans else self.order.spans)
        long = [title for title in self.titles if len(fold(title)) >= _LEAST_TITLE and " " in title.strip()]
        return Finder(long)

    def owns_finding(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding, as JSON has it, is about the article."""
        article = finding.get("article") or {}
        return (
            finding["evidence"]["record_id"] in self.records
            or finding["requested"] in self.urls
            or finding["final"] in self.urls
            or article.get("article") == self.order.article
        )

    def gives_away(self, text: str) -> bool:
        """Whether a source (a feed, a listing, an answer of an API) has the words, or names the article withheld."""
        views = list(views_of(text)) if (self.finder or self._paths) else []
        if any(self.finder.stands_in(view) for view in views):
            return True
        return self.whole and any(pattern.search(view) for view in views for pattern in self._paths)

    @cached_property
    def _paths(self) -> list[re.Pattern[str]]:
        """The article's addresses as documents name them: without scheme and host where the path is enough."""
        names = set()
        for url in self.urls:
            parts = urlsplit(url)
            path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
            names.add(path if len(path) >= _LEAST_PATH else url.rstrip("/"))
        return [re.compile(re.escape(name) + r"(?![\w-])", re.IGNORECASE) for name in sorted(names)]


def tell(target: Target) -> str:
    """What a document says of a takedown: its id, and nothing of its reason."""
    order = target.order
    what = "destroyed" if order.destroy else "withheld" if target.whole else "redacted"
    return f"{what}: takedown {order.takedown}"


def clean_version(version: Version, targets: Iterable[Target]) -> Version:
    """A version of the article without what the orders withhold."""
    for target in targets:
        if target.order.article != version.article:
            continue
        if target.whole:
            kept = {name: getattr(version, name) for name in (*_KEPT_OF_STORY, *_KEPT_OF_VERSION)}
            facts = _settle(version)
            stub = Version.model_construct(**{**_EMPTY_VERSION, **kept, **facts})
            version = stub.model_copy(update={"state": State.REDACTED, "note": _note(version.note, target, drop=True)})
        else:
            cleaned = _redact_story(version, target.finder)
            # The words may have been redacted before the version was made: they came in so.
            if cleaned is not version or MARK in version.title or MARK in version.text:
                version = cleaned.model_copy(update={"note": _note(cleaned.note, target, drop=False)})
    return version


def clean_article(article: Article, targets: Iterable[Target]) -> Article:
    """What extraction made of a page, without what the orders withhold."""
    for target in targets:
        if target.whole:
            kept = {name: getattr(article, name) for name in _KEPT_OF_STORY}
            article = Article.model_construct(
                **{**_EMPTY_ARTICLE, **kept, "article": article.article, **_settle(article)}
            )
        else:
            article = _redact_story(article, target.finder)
    return article


def clean_finding(line: Mapping[str, Any], targets: Iterable[Target]) -> dict[str, Any]:
    """A finding, as JSON has it, without what the orders withhold; the same kind, evidence and digests."""
    made = dict(line)
    for target in targets:
        if target.owns_finding(made):
            if target.whole:
                facts = {name: value for name, value in (made.get("facts") or {}).items() if name in KEPT_FACTS}
                made |= {"facts": facts, "policy": {}, "reason": made.get("reason") and tell(target)}
            else:
                made |= redact_told(made, target.finder)
            if made.get("article"):
                article = Article.model_validate(made["article"])
                cleaned = clean_article(article, [target])
                if cleaned is not article:
                    made["article"] = cleaned.model_dump(mode="json")
        elif not made.get("article") and target.finder:
            made |= redact_told(made, target.finder)
    return made if any(made.get(name) != line.get(name) for name in made) else dict(line)


def redact_told(finding: Mapping[str, Any], finder: Finder) -> dict[str, Any]:
    """What a finding says beside its article; the addresses in it stay."""
    facts = {
        name: value if name in KEPT_FACTS else finder.redact_value(value)
        for name, value in (finding.get("facts") or {}).items()
    }
    return {"facts": facts, **{name: finder.redact_value(finding.get(name)) for name in ("policy", "reason")}}


def clean_document(value: Any, targets: Iterable[Target]) -> Any:
    """A JSON document that is not about one article, without the words: examples, messages, learned blocks."""
    for target in targets:
        if target.finder:
            value = target.finder.redact_value(value)
        if target.whole and target.lines:
            value = _drop_lines(value, target.lines)
    return value


def _drop_lines(value: Any, lines: frozenset[str]) -> Any:
    """Without texts that are a line of the article, or the beginning of one."""
    match value:
        case str():
            said = fold(value).rstrip(". ") if len(value) >= _LEAST_LINE else ""
            return "" if len(said) >= _LEAST_LINE and any(line.startswith(said) for line in lines) else value
        case dict():
            return {name: _drop_lines(item, lines) for name, item in value.items()}
        case list():
            return [_drop_lines(item, lines) for item in value]
        case _:
            return value


def lines_of(stories: Iterable[Story]) -> frozenset[str]:
    """All lines of some texts as they are looked for: folded."""
    return frozenset(
        folded
        for story in stories
        for text in (story.text, story.standfirst or "", story.description or "")
        for line in text.split("\n")
        if len(folded := fold(line)) >= _LEAST_LINE
    )


def target_of_marks(order: TakedownOrder) -> Target:
    """An order as far as it can be applied to the article's own text without its sealed words."""
    return Target(order=order, urls=frozenset({order.url}))


def _redact_story(story: _Some, finder: Finder) -> _Some:
    given = story.model_dump(mode="json")
    made = {name: value if name in _IDENTITY else finder.redact_value(value) for name, value in given.items()}
    made["published"], made["modified"], made["embargo"] = (
        finder.redact_value(given[name]) for name in ("published", "modified", "embargo")
    )
    made["parts"] = _redact_parts(made["parts"], given["parts"], finder)
    return story if made == given else type(story).model_validate(made)


def _redact_parts(
    made: list[dict[str, Any]], given: Sequence[Mapping[str, Any]], finder: Finder
) -> list[dict[str, Any]]:
    """The parts' texts are the text, line by line: words that begin in one part and end in another go in both."""
    lines = [line for part in given for line in part["text"].split("\n")]
    redacted = iter(finder.redact_lines(lines))
    for part, before in zip(made, given, strict=True):
        text = "\n".join(next(redacted) for _ in before["text"].split("\n"))
        if before.get("rows") and text != before["text"] and part["rows"] == before["rows"]:
            part["rows"] = [line.split("\t") for line in text.split("\n")]  # they stood in two cells
        part["text"] = text
    return made


def _settle(story: Story) -> dict[str, Any]:
    """Moments without the words that they were read from."""
    moments = {name: getattr(story, name) for name in ("published", "modified", "embargo")}
    return {name: moment and moment.model_copy(update={"original": ""}) for name, moment in moments.items()}


def _note(note: str | None, target: Target, *, drop: bool) -> str:
    told = sorted({*_TOLD.findall(note or ""), tell(target)})
    rest = [] if drop else [part for part in (note or "").split("; ") if part and not _TOLD.fullmatch(part)]
    return "; ".join([*rest, *told])


_EMPTY_STORY: dict[str, Any] = {
    name: info.get_default(call_default_factory=True) if not info.is_required() else ""
    for name, info in Story.model_fields.items()
}
_EMPTY_ARTICLE: dict[str, Any] = {**_EMPTY_STORY, "article": ""}
_EMPTY_VERSION: dict[str, Any] = {
    name: info.get_default(call_default_factory=True) if not info.is_required() else ""
    for name, info in Version.model_fields.items()
}
