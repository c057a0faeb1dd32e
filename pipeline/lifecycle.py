"""What a finding means for its article: nothing, or the next version.

Everything here decides and does nothing else: no store, no clock. ``pipeline.publish`` gathers what is
known and carries out what is decided; ``pipeline.frontier`` remembers the observations.

The rules:

- A version is made when an article is first seen, when its headline or text differ in essence
  (``pipeline.edits``), when it moved, when it went or has been blocked for long, and when it came back. What a page
  merely *looks* like is no reason, nor is what its template turns over.
- An edited version says that the publisher edited. Where a page was read in another way than the version was (the
  extractor, its weights, a rule of the site, what was learned of its blocks: ``Story.recipe``), and that alone explains
  the difference, there is none: the version's own capture, read in the new way, gives the new text. Nor is there where
  all that differs has moved between the text and what was left out of it: what stands beside a text changes with the
  day, and with it now and then what is taken for text. The better text comes with the next edit, whose figures compare
  two texts that were read alike.
- Versions are numbered as they are made; an article's *current* version is the newest by
  ``(captured_at, n)``. A run that is released late may therefore add a version that is not current, and
  only if its text stands in none of the article's versions.
- An article keeps its id when it moves: a permanent redirect (301, 308, and nothing else on the way) from its address
  to another page of the site, or its own page naming a new canonical URL. An address that differs in scheme, "www."
  or a slash at the end is the same address. Where the new address has an article already, the old one ends in a
  ``moved`` version that names it (``moved_to``) and has no text: a text is live under one article only.
- A tombstone needs evidence spread over time: at least ``site.gone_after_checks`` runs that were answered 404 or 410
  (or "not found" in other words), the first and the last at least ``site.gone_after`` apart, and nothing live since
  the first. A ``blocked`` version needs the same of blocked answers. Failed captures say nothing, in either direction.
- In a storm (``pipeline.publish`` sees it: most of what a run asked for is missing) an answer is *doubted*: it counts
  only where the answers go on for ``_STORM_PATIENCE``, because a site may really have dropped half of its pages. That
  never holds for blocks: a wall before the whole site is a fact about us, not about its articles.
- A ``reextracted`` version says that a page was read anew, and in essence otherwise: the publisher changed nothing.
  Only the capture behind the article's latest text makes one (what an older capture would have read is no longer the
  text, and must not become it); moment, evidence and state are those of the version whose text it replaces. Of what a
  takedown has touched there is none.
- Where an article's address is live, its aliases make no versions: pages that differ only in what surrounds the
  text would otherwise take turns.
- A live capture after a tombstone or a block is a ``restored`` version even when the text is what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from pipeline.edits import Reading, classify_edit, drop_moved, essence_digest, is_comparable, is_same_page
from pipeline.errors import ArchiveError
from pipeline.model import Article, Change, Edit, Finding, Outcome, State, Story, Version, content_digest
from spiders.protocol import TAKEN_DOWN
from spiders.site import Site

_STORM_PATIENCE = timedelta(days=7)
"""So long doubted answers must go on until they count: longer than a botched deployment or a hack is left standing."""
_PERMANENT = frozenset({301, 308})
_ABSENT = frozenset({State.GONE, State.BLOCKED})
_OWN_FACTS = frozenset({"why", "sitemap", "dated", "linked_from"})
"""Facts of a finding that are ours: why it was fetched. The others are what its source said."""
_LIVE_KINDS = frozenset({"article", "unchanged"})
_RANK = {"article": 3, "unchanged": 2, "gone": 1}
_OUTCOME = {
    "article": Outcome.UNCHANGED,
    "unchanged": Outcome.UNCHANGED,
    "not-an-article": Outcome.NOT_AN_ARTICLE,
    "gone": Outcome.GONE,
    "blocked": Outcome.BLOCKED,
    "failed": Outcome.FAILED,
    "excluded": Outcome.EXCLUDED,
}


@dataclass(frozen=True, kw_only=True)
class Making:
    """What every version of a run has in common."""

    site: Site
    run: str
    code: str  # "muniment 0.1.0"
    extractor: str  # where a finding does not say: "trafilatura 2.3.1"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of an article without reading its versions."""

    article: str
    n: int  # the highest number in use
    digest: str  # of the current version, as are the rest
    state: State
    captured_at: datetime
    run: str
    url: str
    title: str
    essence: str | None = None
    moved_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """One observation that an article was not there, or not to be had."""

    run: str
    url: str
    at: datetime
    status: int
    kind: Literal["gone", "blocked"] = "gone"
    doubted: bool = False  # most of what its run asked for was missing or blocked


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How a finding ends, and the version it makes, if any.

    ``stands`` says that the version is in the store already: this run made it before it was interrupted. ``same`` is
    the essence of a text that differs from the version's only because the page was read in another way.
    """

    outcome: Outcome
    reason: str
    version: Version | None = None
    stands: bool = False
    same: str | None = None


def is_live(finding: Finding) -> bool:
    """Whether a capture shows that the article is there."""
    return finding.kind in _LIVE_KINDS


def rank_finding(finding: Finding) -> tuple[int, bool, bool, datetime, str]:
    """The highest of a run's findings on one article speaks for it, in whatever order they come.

    A capture with text before one without, that before a missing page, that before an unusable answer; then
    the capture that was answered by the article's canonical URL; then one that a permanent redirect led there, because
    it proves more; then the latest; ties by record id.
    """
    canonical = finding.article is not None and finding.final == finding.article.url
    evidence = finding.evidence
    return _RANK.get(finding.kind, 0), canonical, is_redirected(finding), evidence.captured_at, evidence.record_id


def is_redirected(finding: Finding) -> bool:
    """Whether permanent redirects led from the page that was asked for to the one that answered, and only such."""
    return bool(finding.hops) and all(status in _PERMANENT for status, _ in finding.hops)


def fold_address(url: str) -> str:
    """An address without what makes no other page of it: scheme, "www.", a slash at the end.

    >>> fold_address("http://www.example.org/news/a/") == fold_address("https://example.org/news/a")
    True
    """
    parts = urlsplit(url)
    host = parts.netloc.removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")


def is_same_address(one: str, other: str) -> bool:
    """Whether two URLs differ in nothing but scheme, "www." and a slash at the end."""
    return one == other or fold_address(one) == fold_address(other)


def new_address(finding: Finding, address: str) -> str | None:
    """Where an article that lived at ``address`` lives now, if this capture proves that it moved.

    Proof is a permanent redirect from the address to another page, or the article's own page there naming another
    canonical URL. A temporary redirect proves nothing, nor does an alias.
    """
    if not is_live(finding) or not is_same_address(finding.requested, address):
        return None
    target = finding.article.url if finding.article else finding.final
    if is_same_address(target, address):
        return None
    if finding.hops:
        return target if is_redirected(finding) else None
    return target if finding.article and is_same_address(finding.final, address) else None


def current_version(versions: Iterable[Version]) -> Version | None:
    """The version that stands: the newest by capture, then by number."""
    return max(versions, key=_age, default=None)


def standing_of(versions: Sequence[Version]) -> Standing | None:
    """What is to be remembered of an article that has these versions (all of them)."""
    current = current_version(versions)
    if current is None:
        return None
    return Standing(
        article=current.article,
        n=max(version.n for version in versions),
        digest=current.digest,
        state=current.state,
        captured_at=current.captured_at,
        run=current.run,
        url=current.url,
        title=current.title,
        essence=current.essence,
        moved_to=current.moved_to,
    )


def newer_standing(old: Standing | None, new: Standing) -> Standing:
    """Two memories of one article as one; the order in which they are joined does not matter."""
    if old is None:
        return new
    current = max((old, new), key=lambda standing: (standing.captured_at, standing.n))
    highest = max(old.n, new.n)
    return Standing(**{**current.__dict__, "n": highest})


def no_version(finding: Finding, reason: str | None = None) -> Decision:
    """How a finding ends that makes no version."""
    outcome = _OUTCOME[finding.kind]
    usual = "same text" if is_live(finding) else outcome.value
    return Decision(outcome=outcome, reason=reason or finding.reason or usual)


def decide_quickly(  # noqa: PLR0911 - one return per reason reads best
    making: Making, finding: Finding, standing: Standing | None, *, canonical_lives: bool = False
) -> Decision | None:
    """Decide from memory alone, where memory is enough.

    The caller must make sure that the memory is not stale: a version that is made must go in under its number
    with If-None-Match, and after "no version" the next number must be free.

    Returns:
        The decision, or None when the article's versions have to be read (``decide``): for everything but a new
        article and a plain "same as before", and when this run may have made a version already.
    """
    if not is_live(finding) or (standing is None and finding.article is None):
        return None
    if standing is None:
        assert finding.article is not None
        if is_withheld(finding):
            return _withheld()
        return _archived(_live(making, finding, finding.article, (), n=1, change=Change.NEW))
    if canonical_lives or not is_readable(standing) or finding.evidence.captured_at <= standing.captured_at:
        return None
    if finding.article is None:
        return no_version(finding) if is_same_address(finding.final, standing.url) or not finding.hops else None
    if not is_same_address(finding.article.url, standing.url):
        return None
    if finding.article.digest == standing.digest:
        return no_version(finding)
    if is_comparable(standing.essence) and _essence_of(finding.article) == standing.essence:
        return no_version(finding, "a cosmetic edit")
    return None


def is_withheld(finding: Finding) -> bool:
    """Whether a page was read, and its words were taken from the finding since: a takedown was faster than the run.

    It makes no version, and is as if it had not been fetched: when it may be told again, it is fetched anew.
    """
    return finding.article is not None and finding.article.words > 0 and not finding.article.text


def _withheld() -> Decision:
    return Decision(outcome=Outcome.EXCLUDED, reason=TAKEN_DOWN)


def is_readable(version: Standing | Version) -> bool:
    """Whether an article that stands like this is there, under its own id."""
    return version.state not in _ABSENT and version.moved_to is None


def decide(  # noqa: PLR0911 - one return per reason reads best
    making: Making,
    finding: Finding,
    versions: Sequence[Version],
    *,
    missing: Sequence[Missing] = (),
    seen_at: datetime | None = None,
    live_elsewhere: bool = False,
    canonical_lives: bool = False,
    moved: bool = False,
    into: str | None = None,
    doubted: bool = False,
    article: str | None = None,
    before: Article | None = None,
) -> Decision:
    """Decide with all that is known.

    Args:
        making: the run.
        finding: the one that speaks for the article (``rank_finding``).
        versions: all of the article's, in order of number; may be empty.
        missing: earlier observations that it was not there, or blocked.
        seen_at: when it was last captured live, with or without a new version.
        live_elsewhere: another URL of the same article was live when last looked at.
        canonical_lives: so was the article's address, and the finding comes from another.
        moved: the article is known to live at the page's canonical URL now: another capture of the run proves it, or
            its address went.
        into: the article that has the address to which this one moved.
        doubted: most of what the run asked for was missing, or blocked.
        article: id of the article; default: that of its versions, else the one that the page's URL gives.
        before: what the capture of the version that stood then (``version_before``) gives when it is read as the
            finding was; None: not known.

    Raises:
        ArchiveError: this run has made a version already, and it is not the one that this finding makes.
    """
    own = next((version for version in versions if version.run == making.run), None)
    if own is not None:
        again = _make_again(making, finding, versions[: own.n - 1], own)
        if again is None or _essence(again, own) != _essence(own, own):
            raise ArchiveError(
                f"site {own.site}, article {own.article}: version {own.n} was made by run {own.run}, but the findings "
                "of that run do not lead to it",
                next_step="Compare the version's evidence with the run's extracted-*.jsonl.zst: one of the two was "
                "changed after it was written. Publishing again does not help.",
            )
        return Decision(outcome=Outcome.ARCHIVED, reason=f"version {own.n} was made before", version=own, stands=True)
    if is_withheld(finding):
        return _withheld()
    if finding.kind in ("gone", "blocked"):
        return _decide_absent(
            making, finding, versions, missing, seen_at, live_elsewhere=live_elsewhere, doubted=doubted
        )
    current = current_version(versions)
    if into is not None and current is not None and is_live(finding):
        return _decide_end(making, finding, versions, into)
    if canonical_lives and current is not None and is_readable(current):
        return no_version(finding, "an alias; the article's address speaks for it")
    version = _next(making, finding, versions, moved=moved, article=article, before=before)
    if version is None:
        return no_version(finding)
    if version.change in (Change.EDITED, Change.NEW) and (why := _explain_reading(finding, versions, before)):
        assert finding.article is not None
        return Decision(outcome=Outcome.UNCHANGED, reason=why, same=_essence_of(finding.article))
    return _archived(version)


def decide_again(  # noqa: PLR0911 - one return per reason reads best
    making: Making, finding: Finding, versions: Sequence[Version], *, article: str
) -> Decision:
    """Decide on a capture that was published before and is read again.

    Args:
        making: the re-extraction.
        finding: what the capture gives now.
        versions: all of the article's, in order of number; may be empty.
        article: id of the article.
    """
    page = finding.article
    own = next((version for version in versions if version.run == making.run), None)
    before = versions[: own.n - 1] if own is not None else versions
    last = last_text(before)
    if own is not None and own.evidence.record_id == finding.evidence.record_id:
        return Decision(outcome=Outcome.ARCHIVED, reason=f"version {own.n} was made before", version=own, stands=True)
    if page is None or own is not None:
        return no_version(finding, None if own is None else "another capture speaks for the article")
    if is_withheld(finding):
        return _withheld()
    if not before:
        return _archived(_live(making, finding, page, (), n=1, change=Change.NEW, article=article))
    if last is None or evidence_of(last, before).evidence.record_id != finding.evidence.record_id:
        return no_version(finding, "the article's text is not that of this capture")
    if last.state is State.REDACTED or "takedown" in (last.note or ""):
        return no_version(finding, "a takedown has touched the article's text")
    if _is_cosmetic(page, last):
        return no_version(finding)
    fields = {name: getattr(page, name) for name in Story.model_fields if name not in ("url", "kind")}
    return _archived(
        last.model_copy(
            update={
                **fields,
                "essence": _essence_of(page),
                "n": len(versions) + 1,
                "change": Change.REEXTRACTED,
                "run": making.run,
                "evidence": finding.evidence,  # not that of an answer "not modified", which has no page
                "extractor": finding.extractor or making.extractor,
                "code": making.code,
                "note": f"the page of version {last.n} was read again",
                "edit": None,
            }
        )
    )


def last_text(versions: Sequence[Version]) -> Version | None:
    """The version that has an article's latest text; None: it has none, or goes on as another article."""
    current = current_version(versions)
    if current is None or current.moved_to is not None:
        return None
    return current_version(version for version in versions if is_readable(version))


def evidence_of(version: Version, versions: Iterable[Version]) -> Version:
    """The version whose capture has the page: one that an answer "not modified" made has the text of an earlier one."""
    if version.evidence.record_type == "response":
        return version
    same = [each for each in versions if each.digest == version.digest and each.evidence.record_type == "response"]
    return same[-1] if same else version


def version_before(finding: Finding, versions: Sequence[Version]) -> Version | None:
    """The last readable version before a capture, else the newest: what its text is compared with."""
    readable = [version for version in versions if is_readable(version)]
    return _stood_at(readable, finding.evidence.captured_at) or current_version(readable)


def is_read_otherwise(finding: Finding, version: Version) -> bool:
    """Whether a page was read in another way than a version's, as far as is known."""
    return finding.article is not None and (finding.article.recipe is None or finding.article.recipe != version.recipe)


def _explain_reading(finding: Finding, versions: Sequence[Version], before: Article | None) -> str:
    """Why a text that differs tells of no edit: our reading changed, and not the page; empty: it does tell of one."""
    page, last = finding.article, version_before(finding, versions)
    if page is None or last is None or last.state is State.REDACTED:
        return ""
    otherwise, reading = is_read_otherwise(finding, last), _reading_of(page)
    if otherwise and before is not None:
        if _is_alike(before, page):
            return f"read differently: version {last.n}'s page gives this text, too"
        if is_same_page(_reading_of(before), reading):
            return f"read differently: all that differs from version {last.n}'s page was left out of one of the two"
    late = otherwise and finding.evidence.captured_at < last.captured_at
    for version in versions if late else (last,):
        if is_readable(version) and is_same_page(_reading_of(version), reading):
            return f"read differently: all that differs from version {version.n} was left out of one of the two"
    return ""


def _is_alike(one: Article, other: Article) -> bool:
    return one.digest == other.digest or _essence_of(one) == _essence_of(other)


def _reading_of(story: Story) -> Reading:
    return Reading(title=story.title, text=story.text, stripped=tuple(each.text for each in story.stripped))


def _age(version: Version) -> tuple[datetime, int]:
    return version.captured_at, version.n


def _archived(version: Version) -> Decision:
    return Decision(outcome=Outcome.ARCHIVED, reason=f"{version.change.value}: version {version.n}", version=version)


def _essence_of(article: Article) -> str:
    """The digest of an article's essence, by the rules of this release."""
    if is_comparable(article.essence):
        assert article.essence is not None
        return article.essence
    return essence_digest(article.title, article.text)


def _next(
    making: Making,
    finding: Finding,
    versions: Sequence[Version],
    *,
    moved: bool,
    article: str | None,
    before: Article | None,
) -> Version | None:
    """The version that a live finding makes of an article, or None."""
    change = _change(finding, versions, moved=moved)
    if change is None:
        return None
    if finding.article is None:
        return _same_text(making, finding, versions, change)
    number = len(versions) + 1
    return _live(making, finding, finding.article, versions, n=number, change=change, article=article, reread=before)


def _change(finding: Finding, versions: Sequence[Version], *, moved: bool) -> Change | None:
    """What a finding does to an article that has these versions; None: nothing."""
    article, current = finding.article, current_version(versions)
    if not is_live(finding) or (article is None and current is None):
        return None
    if current is None:
        return Change.NEW
    if finding.evidence.captured_at < current.captured_at:
        return _late_change(finding, versions)
    if not is_readable(current):
        return Change.RESTORED
    target = article.url if article else finding.final
    if not is_same_address(target, current.url) and (moved or new_address(finding, current.url)):
        return Change.MOVED
    return None if article is None or _is_cosmetic(article, current) else Change.EDITED


def _is_cosmetic(article: Article, version: Version) -> bool:
    if article.digest == version.digest:
        return True
    if version.essence is not None and is_comparable(version.essence):  # words of the text may be redacted
        return _essence_of(article) == version.essence
    return _essence_of(article) == essence_digest(version.title, version.text)


def _late_change(finding: Finding, versions: Sequence[Version]) -> Change | None:
    """As ``_change``, for a capture that is older than the current version. One that is older than all of them tells of
    no edit: what it differs from came later."""
    if finding.article is None or any(_is_cosmetic(finding.article, version) for version in versions):
        return None
    stood = _stood_at(versions, finding.evidence.captured_at)
    if stood is None:
        return Change.NEW
    return Change.EDITED if is_readable(stood) else Change.RESTORED


def _stood_at(versions: Iterable[Version], moment: datetime) -> Version | None:
    """The version that was current at a moment."""
    return current_version(version for version in versions if version.captured_at <= moment)


def _decide_absent(
    making: Making,
    finding: Finding,
    versions: Sequence[Version],
    missing: Sequence[Missing],
    seen_at: datetime | None,
    *,
    live_elsewhere: bool,
    doubted: bool,
) -> Decision:
    """Decide on a page that is not there, or not to be had."""
    current = current_version(versions)
    if current is None:
        return no_version(finding, f"{finding.reason or finding.kind}; was never archived")
    if not is_readable(current) and (current.state is not State.BLOCKED or finding.kind == "blocked"):
        return no_version(finding, f"known to be {current.state.value}")
    at, seen_at = finding.evidence.captured_at, max(current.captured_at, seen_at or current.captured_at)
    if at <= seen_at or live_elsewhere:
        return no_version(finding, "live under another URL" if live_elsewhere else "seen live since")
    kind: Literal["gone", "blocked"] = "gone" if finding.kind == "gone" else "blocked"
    this = Missing(
        run=making.run, url=finding.requested, at=at, status=finding.evidence.status, kind=kind, doubted=doubted
    )
    observed = [each for each in (*missing, this) if each.kind == kind and each.at > seen_at]
    times = _enough_evidence(making.site, observed, kind)
    if times is None:
        runs = len({each.run for each in observed})
        reason = f"{finding.reason or kind}; {'missing' if kind == 'gone' else 'blocked'} in {runs} checks"
        return no_version(finding, f"{reason}{', in a storm' if doubted else ''}; not enough for a version")
    state = State.GONE if kind == "gone" else State.BLOCKED
    return _archived(_absence(making, finding, versions, times, state))


def _enough_evidence(site: Site, observed: Sequence[Missing], kind: str) -> list[datetime] | None:
    """The moments of observations that suffice for a tombstone, or a block; None: they do not."""
    sure = _times(each for each in observed if not each.doubted)
    if not observed[-1].doubted and _spread(sure) >= site.gone_after and len(sure) >= site.gone_after_checks:
        return sure
    every = _times(observed)
    patience = max(_STORM_PATIENCE, 3 * site.gone_after)
    if kind == "gone" and len(every) >= site.gone_after_checks and _spread(every) >= patience:
        return every
    return None


def _times(observed: Iterable[Missing]) -> list[datetime]:
    """When an article was found missing: one moment for each run."""
    return sorted({each.run: each.at for each in observed}.values())


def _spread(times: Sequence[datetime]) -> timedelta:
    return times[-1] - times[0] if times else timedelta(0)


def _decide_end(making: Making, finding: Finding, versions: Sequence[Version], into: str) -> Decision:
    """Decide on an article whose new address has another article."""
    current = current_version(versions)
    assert current is not None
    if current.moved_to == into:
        return no_version(finding, f"known to have moved to article {into}")
    if finding.evidence.captured_at <= current.captured_at:
        return no_version(finding, "moved later")
    return _archived(_end(making, finding, versions, into))


def _end(making: Making, finding: Finding, versions: Sequence[Version], into: str) -> Version:
    """The last version of an article that goes on as another one."""
    current = max(versions, key=_age)
    return current.model_copy(
        update={
            **_made(making, finding, n=len(versions) + 1, state=State.MOVED, change=Change.MOVED),
            **_without_text(current),
            "moved_to": into,
            "note": f"{_how_it_moved(finding, current.url)}, where article {into} was found before",
        }
    )


def _live(
    making: Making,
    finding: Finding,
    page: Article,
    versions: Sequence[Version],
    *,
    n: int,
    change: Change,
    article: str | None = None,
    reread: Article | None = None,
) -> Version:
    """The version that a page's text makes."""
    before = _stood_at(versions, finding.evidence.captured_at) or current_version(versions)
    url = page.url
    if before is not None and change is Change.EDITED and not is_same_address(url, before.url):
        url = before.url  # an alias that tells of an edit is no new address
    return Version(
        **{**{name: getattr(page, name) for name in Story.model_fields}, "url": url, "essence": _essence_of(page)},
        site=making.site.id,
        article=article or (versions[0].article if versions else page.article),
        n=n,
        state=_STATE.get(change, State.LIVE),
        change=change,
        final_url=finding.final,
        requested_url=finding.requested,
        publisher=making.site.publisher or making.site.name,
        run=making.run,
        captured_at=finding.evidence.captured_at,
        evidence=finding.evidence,
        extractor=finding.extractor or making.extractor,
        code=making.code,
        note=_note(finding, change, before) or _tell_other_reading(finding, change, versions, reread),
        edit=None if change is Change.NEW else _edit_since(versions, finding, page, reread),
        hops=finding.hops,
        facts=_said(finding),
        policy=finding.policy,
        origin=finding.origin,
    )


_STATE = {Change.RESTORED: State.RESTORED, Change.MOVED: State.MOVED}


def _edit_since(versions: Sequence[Version], finding: Finding, page: Article, reread: Article | None) -> Edit | None:
    """How a text differs from the last one that was readable before it, both read alike as far as that is known."""
    last = version_before(finding, versions)
    if last is None:
        return None
    before = last if reread is None else reread
    if reread is None and not is_read_otherwise(finding, last):
        return classify_edit(last.title, last.text, page.title, page.text)
    old, new = drop_moved(_reading_of(before), _reading_of(page))
    return classify_edit(before.title, old, page.title, new) or classify_edit(
        before.title, before.text, page.title, page.text
    )


def _tell_other_reading(
    finding: Finding, change: Change, versions: Sequence[Version], reread: Article | None
) -> str | None:
    """That an edit may be ours in part, where a page was read otherwise and the one before it not once more."""
    page, last = finding.article, version_before(finding, versions)
    if change is not Change.EDITED or reread is not None or page is None or page.recipe is None or last is None:
        return None
    if last.recipe is None or not is_read_otherwise(finding, last):
        return None
    return f"read in another way than version {last.n}: not all that differs need be the publisher's"


def _note(finding: Finding, change: Change, before: Version | None) -> str | None:
    if change is Change.RESTORED:
        return f"answered {finding.evidence.status} again"
    if change is Change.MOVED and before is not None:
        return _how_it_moved(finding, before.url)
    if change is Change.EDITED:
        told = [finding.facts[name] for name in ("explanation", "change") if finding.facts.get(name)]
        return f"the publisher says: {'; '.join(told)}" if told else None
    return None


def _explained(finding: Finding) -> str:
    """What the publisher says of why a page went, to be put behind what was observed; GOV.UK does."""
    why = finding.facts.get("explanation")
    return f"; the publisher says: {why}" if why else ""


def _how_it_moved(finding: Finding, address: str) -> str:
    target = finding.article.url if finding.article else finding.final
    if is_redirected(finding):
        return f"answered {' and '.join(str(status) for status, _ in finding.hops)} from {address} to {target}"
    return f"found at {target} instead of {address}"


def _said(finding: Finding) -> dict[str, str]:
    """What the source said of a page, without what we noted ourselves."""
    return {name: value for name, value in finding.facts.items() if name not in _OWN_FACTS}


def _same_text(making: Making, finding: Finding, versions: Sequence[Version], change: Change) -> Version | None:
    """The version of an article that came back or moved, and whose server says: the body is what you hold."""
    last = current_version(version for version in versions if is_readable(version))
    if last is None:
        return None
    told = _note(finding, change, last)
    return last.model_copy(
        update={
            **_made(making, finding, n=len(versions) + 1, state=_STATE.get(change, State.LIVE), change=change),
            "url": last.url if is_same_address(last.url, finding.final) else finding.final,
            "note": f"{told}; the text is that of version {last.n}",
            "edit": None,
        }
    )


def _make_again(making: Making, finding: Finding, before: Sequence[Version], own: Version) -> Version | None:
    """What a finding made of an article that had the versions ``before``, when it came out as ``own``."""
    if own.state in _ABSENT:
        right = before and finding.kind == ("gone" if own.state is State.GONE else "blocked")
        return _absence(making, finding, before, (), own.state) if right else None
    if not is_live(finding):
        return None
    if own.moved_to is not None:
        return _end(making, finding, before, own.moved_to) if before else None
    if finding.article is None:
        return _same_text(making, finding, before, own.change)
    return _live(making, finding, finding.article, before, n=own.n, change=own.change, article=own.article)


def _absence(
    making: Making, finding: Finding, versions: Sequence[Version], times: Sequence[datetime], state: State
) -> Version:
    """The version that says that an article went, or is not to be had: its metadata without its text."""
    current = max(versions, key=_age)
    between = f" in {len(times)} checks from {_text(times[0])} to {_text(times[-1])}" if times else ""
    change = Change.GONE if state is State.GONE else Change.BLOCKED
    status = finding.evidence.status
    told = f"answered {status}" if status >= 400 or not finding.reason else f"{finding.reason} (status {status})"
    return current.model_copy(
        update={
            **_made(making, finding, n=len(versions) + 1, state=state, change=change),
            **_without_text(current),
            "note": f"{told}{between}{_explained(finding)}",
        }
    )


def _without_text(version: Version) -> dict[str, object]:
    return {
        "text": "",
        "words": 0,
        "stripped": (),
        "parts": (),
        "digest": content_digest(version.title, ""),
        "essence": None,
        "edit": None,
        "moved_to": None,
    }


def _made(making: Making, finding: Finding, *, n: int, state: State, change: Change) -> dict[str, object]:
    """What a version that carries on an earlier one's text and metadata has of its own."""
    return {
        "n": n,
        "state": state,
        "change": change,
        "final_url": finding.final,
        "requested_url": finding.requested,
        "run": making.run,
        "captured_at": finding.evidence.captured_at,
        "evidence": finding.evidence,
        "code": making.code,
        "hops": finding.hops,
        "facts": _said(finding),
        "policy": finding.policy,
        "origin": finding.origin,
    }


def _essence(version: Version, own: Version) -> dict[str, object]:
    """All of a version that its run's findings and the versions before it decide.

    Left out: which release of the code wrote it, what depends on that release's rules of essence, and the words of the
    note, which tell of observations that another run may have added to since. Of one that a takedown has changed
    (``own``) what it says of the page is left out, too.
    """
    if own.state is State.REDACTED or "takedown" in (own.note or ""):
        return version.model_dump(include=_LASTING)
    return version.model_dump(exclude={"code", "extractor", "note", "edit", "essence"})


_LASTING = {"site", "article", "n", "url", "change", "run", "captured_at", "evidence", "digest", "requested_url"}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
