"""What a finding means for its article: nothing, or the next version; and when a URL is worth another look.

Everything here decides and does nothing else: no store, no clock. ``pipeline.publish`` gathers what is
known and carries out what is decided; ``pipeline.frontier`` remembers the observations.

The rules:

- A version is made when headline or text differ (``Article.digest``), when the article is first seen, when
  it went, and when it came back. What a page merely *looks* like is no reason.
- Versions are numbered as they are made; an article's *current* version is the newest by
  ``(captured_at, n)``. A run that is released late may therefore add a version that is not current, and
  only if its text stands in none of the article's versions.
- A tombstone needs evidence spread over time: at least ``site.gone_after_checks`` runs that were answered
  404 or 410, the first and the last at least ``site.gone_after`` apart, and nothing live since the first.
  Blocked and failed captures say nothing about the article, in either direction.
- Where an article's canonical URL is live, its aliases make no versions: pages that differ only in what
  surrounds the text would otherwise take turns.
- A live capture after a tombstone is a ``restored`` version even when the text is what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.errors import ArchiveError
from pipeline.model import Article, Change, Finding, Outcome, State, Version, content_digest
from spiders.site import DEFAULT_RECHECK, Recheck, Site

_EARLY = 0.1
"""A check may come this share of its interval early: an hourly run never starts exactly an hour after the last."""

_LIVE_KINDS = frozenset({"article", "unchanged"})
_RANK = {"article": 3, "unchanged": 2, "gone": 1}
_OUTCOME = {
    "article": Outcome.UNCHANGED,
    "unchanged": Outcome.UNCHANGED,
    "not-an-article": Outcome.NOT_AN_ARTICLE,
    "gone": Outcome.GONE,
    "blocked": Outcome.BLOCKED,
    "failed": Outcome.FAILED,
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


@dataclass(frozen=True, kw_only=True)
class Missing:
    """One observation that an article was not there."""

    run: str
    url: str
    at: datetime
    status: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How a finding ends, and the version it makes, if any.

    ``stands`` says that the version is in the store already: this run made it before it was interrupted.
    """

    outcome: Outcome
    reason: str
    version: Version | None = None
    stands: bool = False


def is_due(ladder: Sequence[Recheck], *, first_seen: datetime, fetched_at: datetime, now: datetime) -> bool:
    """Whether a known URL is worth another look.

    Args:
        ladder: rungs in order of age; the first whose age is not yet passed applies; empty: ``DEFAULT_RECHECK``.
        first_seen: when the URL was first captured; its age is counted from here.
        fetched_at: when it was last captured, whatever it answered.
        now: the moment for which is asked.
    """
    age = now - first_seen
    for rung in ladder or DEFAULT_RECHECK:
        if rung.age is None or age <= rung.age:
            return now - fetched_at >= rung.every * (1 - _EARLY)
    return False


def is_live(finding: Finding) -> bool:
    """Whether a capture shows that the article is there."""
    return finding.kind in _LIVE_KINDS


def rank_finding(finding: Finding) -> tuple[int, bool, datetime, str]:
    """The highest of a run's findings on one article speaks for it, in whatever order they come.

    A capture with text before one without, that before a missing page, that before an unusable answer; then
    the capture that was answered by the article's canonical URL; then the latest; ties by record id.
    """
    canonical = finding.article is not None and finding.final == finding.article.url
    return _RANK.get(finding.kind, 0), canonical, finding.evidence.captured_at, finding.evidence.record_id


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


def decide_quickly(
    making: Making, finding: Finding, standing: Standing | None, *, canonical_lives: bool = False
) -> Decision | None:
    """Decide from memory alone, where memory is enough.

    The caller must make sure that the memory is not stale: a version that is made must go in under its number
    with If-None-Match, and after "no version" the next number must be free.

    Returns:
        The decision, or None when the article's versions have to be read (``decide``): for everything but a new
        article, a plain edit and a plain "same as before", and when this run may have made a version already.
    """
    if not is_live(finding) or (standing is None and finding.article is None):
        return None
    if standing is None:
        assert finding.article is not None
        return _archived(_live(making, finding, finding.article, n=1, change=Change.NEW))
    if canonical_lives or standing.state is State.GONE or finding.evidence.captured_at <= standing.captured_at:
        return None
    if finding.article is None or finding.article.digest == standing.digest:
        return no_version(finding)
    return _archived(_live(making, finding, finding.article, n=standing.n + 1, change=Change.EDITED))


def decide(
    making: Making,
    finding: Finding,
    versions: Sequence[Version],
    *,
    missing: Sequence[Missing] = (),
    seen_at: datetime | None = None,
    live_elsewhere: bool = False,
    canonical_lives: bool = False,
) -> Decision:
    """Decide with all that is known.

    Args:
        making: the run.
        finding: the one that speaks for the article (``rank_finding``).
        versions: all of the article's, in order of number; may be empty.
        missing: earlier observations that it was not there.
        seen_at: when it was last captured live, with or without a new version.
        live_elsewhere: another URL of the same article was live when last looked at.
        canonical_lives: so was the canonical one, and the finding comes from another.

    Raises:
        ArchiveError: this run has made a version already, and it is not the one that this finding makes.
    """
    own = next((version for version in versions if version.run == making.run), None)
    if own is not None:
        before = versions[: own.n - 1]
        again = _make_again(making, finding, before, own.state)
        if again is None or _essence(again) != _essence(own):
            raise ArchiveError(
                f"site {own.site}, article {own.article}: version {own.n} was made by run {own.run}, but the findings "
                "of that run do not lead to it",
                next_step="Compare the version's evidence with the run's extracted-*.jsonl.zst: one of the two was "
                "changed after it was written. Publishing again does not help.",
            )
        return Decision(outcome=Outcome.ARCHIVED, reason=f"version {own.n} was made before", version=own, stands=True)
    if finding.kind == "gone":
        return _decide_gone(making, finding, versions, missing, seen_at, live_elsewhere)
    current = current_version(versions)
    if canonical_lives and current is not None and current.state is not State.GONE:
        return no_version(finding, "an alias; the canonical URL speaks for the article")
    version = _next(making, finding, versions)
    return no_version(finding) if version is None else _archived(version)


def _age(version: Version) -> tuple[datetime, int]:
    return version.captured_at, version.n


def _archived(version: Version) -> Decision:
    return Decision(outcome=Outcome.ARCHIVED, reason=f"{version.change.value}: version {version.n}", version=version)


def _next(making: Making, finding: Finding, versions: Sequence[Version]) -> Version | None:
    """The version that a live finding makes of an article, or None."""
    change = _change(finding, versions)
    if change is None:
        return None
    if finding.article is None:
        return _unchanged_again(making, finding, versions)
    return _live(making, finding, finding.article, n=len(versions) + 1, change=change)


def _change(finding: Finding, versions: Sequence[Version]) -> Change | None:
    """What a finding does to an article that has these versions; None: nothing."""
    article, current = finding.article, current_version(versions)
    if not is_live(finding) or (article is None and current is None):
        return None
    if current is None:
        return Change.NEW
    if finding.evidence.captured_at < current.captured_at:
        return _late_change(finding, versions)
    if current.state is State.GONE:
        return Change.RESTORED
    return None if article is None or article.digest == current.digest else Change.EDITED


def _late_change(finding: Finding, versions: Sequence[Version]) -> Change | None:
    """As ``_change``, for a capture that is older than the current version."""
    if finding.article is None or any(finding.article.digest == version.digest for version in versions):
        return None
    stood = current_version(version for version in versions if version.captured_at <= finding.evidence.captured_at)
    return Change.RESTORED if stood is not None and stood.state is State.GONE else Change.EDITED


def _decide_gone(
    making: Making,
    finding: Finding,
    versions: Sequence[Version],
    missing: Sequence[Missing],
    seen_at: datetime | None,
    live_elsewhere: bool,
) -> Decision:
    current = current_version(versions)
    if current is None:
        return no_version(finding, "was never archived")
    if current.state is State.GONE:
        return no_version(finding, "known to be gone")
    at, seen_at = finding.evidence.captured_at, max(current.captured_at, seen_at or current.captured_at)
    if at <= seen_at or live_elsewhere:
        return no_version(finding, "live under another URL" if live_elsewhere else "seen live since")
    this = Missing(run=making.run, url=finding.requested, at=at, status=finding.evidence.status)
    times = sorted({each.run: each.at for each in (*missing, this) if each.at > seen_at}.values())
    site = making.site
    if len(times) < site.gone_after_checks or times[-1] - times[0] < site.gone_after:
        return no_version(finding, f"missing in {len(times)} checks; not long enough for a tombstone")
    return _archived(_tombstone(making, finding, versions, times))


def _live(making: Making, finding: Finding, article: Article, *, n: int, change: Change) -> Version:
    note = None
    if change is Change.RESTORED:
        note = f"answered {finding.evidence.status} again"
    return Version(
        site=making.site.id,
        article=article.article,
        n=n,
        state=State.RESTORED if change is Change.RESTORED else State.LIVE,
        change=change,
        url=article.url,
        final_url=finding.final,
        requested_url=finding.requested,
        title=article.title,
        text=article.text,
        authors=article.authors,
        published=article.published,
        modified=article.modified,
        section=article.section,
        language=article.language,
        description=article.description,
        image=article.image,
        tags=article.tags,
        origins=article.origins,
        stripped=article.stripped,
        words=article.words,
        digest=article.digest,
        publisher=making.site.publisher or making.site.name,
        run=making.run,
        captured_at=finding.evidence.captured_at,
        evidence=finding.evidence,
        extractor=finding.extractor or making.extractor,
        code=making.code,
        note=note,
    )


def _unchanged_again(making: Making, finding: Finding, versions: Sequence[Version]) -> Version | None:
    """The restored version of an article whose server says after a tombstone: the body is what you hold."""
    last = current_version(version for version in versions if version.state is not State.GONE)
    if last is None:
        return None
    return last.model_copy(
        update={
            **_made(making, finding, n=len(versions) + 1, state=State.RESTORED, change=Change.RESTORED),
            "note": f"answered {finding.evidence.status} again; the text is that of version {last.n}",
        }
    )


def _make_again(making: Making, finding: Finding, before: Sequence[Version], state: State) -> Version | None:
    """What a finding made of an article that had the versions ``before``, when it came out as ``state``."""
    if state is not State.GONE:
        return _next(making, finding, before)
    return _tombstone(making, finding, before, ()) if before and finding.kind == "gone" else None


def _tombstone(making: Making, finding: Finding, versions: Sequence[Version], times: Sequence[datetime]) -> Version:
    """The version that says that an article went: its metadata without its text."""
    current = max(versions, key=_age)
    between = f" in {len(times)} checks from {_text(times[0])} to {_text(times[-1])}" if times else ""
    return current.model_copy(
        update={
            **_made(making, finding, n=len(versions) + 1, state=State.GONE, change=Change.GONE),
            "text": "",
            "words": 0,
            "stripped": (),
            "digest": content_digest(current.title, ""),
            "note": f"answered {finding.evidence.status}{between}",
        }
    )


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
    }


def _essence(version: Version) -> dict[str, object]:
    """All of a version that its run's findings and the versions before it decide.

    Left out: which release of the code wrote it, and the words of the note, which tell of observations that
    another run may have added to since.
    """
    return version.model_dump(exclude={"code", "extractor", "note"})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
