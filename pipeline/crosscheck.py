"""What a run's findings say together, and none of them says alone.

- A *wall*: several articles that differed have one and the same text now. It is the text of a template, a consent
  wall or a firewall that answers 200, and no edit of any of them.
- *Many led to one*: several pages redirect to one. That is how some sites say "not found", and no move.
- A *storm*: most of what was asked for is missing, or blocked. A botched deployment looks like that; what it answers
  is doubted (``pipeline.lifecycle`` says what that means).
- *Moves*: where articles are proven to have gone, so that what is found there in the same run is theirs.

Pure, and the same when a run is published once more: what the run itself has made by then is left out of account.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pipeline.lifecycle import Standing, fold_address, is_readable, is_same_address, new_address
from pipeline.model import Finding, content_digest

FEWEST_OF_A_WALL: Final = 2
"""So many known articles with one new text between them are a wall; they differed before."""
FEWEST_NEW_OF_A_WALL: Final = 3
"""So many new articles with one headline and text; two may be one story in two sections."""
MOST_COPIES: Final = 3
"""In so many places one story may stand under other headlines, and be edited, or be read in another way, alike."""
FEWEST_LED_TO_ONE: Final = 3
STORM_COUNT: Final = 5
STORM_SHARE: Final = 0.3
BLOCKED_COUNT: Final = 2
BLOCKED_SHARE: Final = 0.1
"""Up to so many blocked pages, or up to this share, in a run that was answered otherwise, are about the pages."""
NOBODY_HOME: Final = 3
"""So many missing pages in a run without a single one that is there say more of the site than of the pages."""

_WORDS: Final = 5000  # of a text that are compared

TextOf = Callable[[Standing], str]
Kind = Literal["gone", "blocked", "not-an-article"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Met:
    """One finding with what was known of its article before the run."""

    finding: Finding  # its article may lack its text
    body: str | None  # digest of the text alone
    article: str
    standing: Standing | None
    missing: bool = False  # it had been missing before
    ended_there: int = 0  # so many articles have ended in the one that is found where this one leads


@dataclass(frozen=True, kw_only=True)
class CrossCheck:
    """What the findings of a run say together: how each is to be understood."""

    recast: Mapping[str, tuple[Kind, str]] = field(default_factory=dict)  # record id -> what it is, and why
    moves: Mapping[str, str] = field(default_factory=dict)  # article -> address that it is proven to have now
    vacated: frozenset[str] = frozenset()  # addresses, folded, that are not there
    storms: Mapping[str, str] = field(default_factory=dict)  # kind of finding -> why those are doubted

    def reread(self, finding: Finding) -> Finding:
        """A finding as it is to be understood."""
        kind, reason = self.recast.get(finding.evidence.record_id, (None, None))
        if kind is None:
            return finding
        return finding.model_copy(update={"kind": kind, "reason": reason, "article": None, "extractor": None})


def lighten(finding: Finding) -> tuple[Finding, str | None]:
    """A finding without its text, and the digest of that: many are held at a time."""
    page = finding.article
    if page is None:
        return finding, None
    light = page.model_copy(update={"text": "", "stripped": (), "origins": {}, "tags": (), "description": None})
    return finding.model_copy(update={"article": light}), content_digest("", page.text)


def cross_check(met: Sequence[Met], run: str, *, text_of: TextOf) -> CrossCheck:
    """Judge a run's findings together.

    Args:
        met: all of them.
        run: its id; versions that it made itself do not count as known before.
        text_of: gives the text of an article's version that stands; asked for the few that have one text now.
    """
    recast = {**_find_walls(met, run, text_of), **_find_many_led_to_one(met)}
    moves = {
        each.article: target
        for each in met
        if each.finding.evidence.record_id not in recast
        and each.standing is not None
        and (target := new_address(each.finding, each.standing.url)) is not None
    }

    def kind_of(each: Met) -> str:
        return recast.get(each.finding.evidence.record_id, (each.finding.kind,))[0]

    return CrossCheck(
        recast=recast,
        moves=moves,
        vacated=frozenset(fold_address(each.finding.requested) for each in met if kind_of(each) == "gone"),
        storms=_find_storms([(each, kind_of(each)) for each in met], run),
    )


def _find_walls(met: Iterable[Met], run: str, text_of: TextOf) -> dict[str, tuple[Kind, str]]:
    changed: defaultdict[str, dict[str, Met]] = defaultdict(dict)  # text -> where it was found -> a finding
    new: defaultdict[str, dict[str, Met]] = defaultdict(dict)
    for each in met:
        page, standing = each.finding.article, each.standing
        if page is None or each.body is None:
            continue
        if standing is None or standing.run == run:
            new[page.digest].setdefault(page.url, each)
        elif is_readable(standing) and page.digest != standing.digest:
            changed[each.body].setdefault(fold_address(each.finding.final), each)
    walls = {
        body: len(found)
        for body, found in changed.items()
        # Where one story always stood in two sections, both are edited alike.
        if len({each.standing.digest for each in found.values() if each.standing}) >= FEWEST_OF_A_WALL
        and not _is_one_story(found.values(), text_of)
    }
    templates = {digest: len(pages) for digest, pages in new.items() if len(pages) >= FEWEST_NEW_OF_A_WALL}
    recast: dict[str, tuple[Kind, str]] = {}
    for each in met:
        page, standing = each.finding.article, each.standing
        if page is None or each.body is None:
            continue
        record = each.finding.evidence.record_id
        same = standing is not None and page.digest == standing.digest
        if each.body in walls and not same:
            recast[record] = ("blocked", f"same text as {walls[each.body] - 1} other articles of this run")
        elif page.digest in templates and standing is None:
            recast[record] = ("not-an-article", f"same text as {templates[page.digest] - 1} other pages of this run")
    return recast


def _is_one_story(found: Collection[Met], text_of: TextOf) -> bool:
    """Whether a few articles had nearly one text before, too: published twice, and edited or read alike now."""
    if len(found) > MOST_COPIES:
        return False
    first, *others = (_shingle(text_of(each.standing)) for each in found if each.standing)
    return bool(others) and all(2 * len(first & other) > max(len(first), len(other)) for other in others)


def _shingle(text: str) -> set[tuple[str, ...]]:
    """The runs of four words of a text; of a shorter one the one there is."""
    words = text.split()[:_WORDS]
    return {tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3))}


def _find_many_led_to_one(met: Iterable[Met]) -> dict[str, tuple[Kind, str]]:
    led: defaultdict[str, dict[str, list[Met]]] = defaultdict(lambda: defaultdict(list))  # target -> article
    for each in met:
        finding, standing = each.finding, each.standing
        if standing is None or not finding.hops or is_same_address(finding.requested, finding.final):
            continue
        if finding.kind == "not-an-article" or new_address(finding, standing.url) is not None:
            led[fold_address(finding.final)][each.article].append(each)
    recast: dict[str, tuple[Kind, str]] = {}
    for articles in led.values():
        crowd = len(articles) + max(each.ended_there for found in articles.values() for each in found)
        if crowd >= FEWEST_LED_TO_ONE:
            reason = f"redirected to one page with {crowd - 1} other articles"
            recast |= {
                each.finding.evidence.record_id: ("gone", reason) for found in articles.values() for each in found
            }
    return recast


def _find_storms(met: Sequence[tuple[Met, str]], run: str) -> dict[str, str]:
    live = sum(kind in ("article", "unchanged") for _, kind in met)
    storms: dict[str, str] = {}
    kinds: dict[str, Counter[str]] = {"fresh": Counter(), "all": Counter()}  # of known articles that were there
    seen: set[str] = set()
    for each, kind in met:
        standing = each.standing
        if standing is None or standing.run == run or not is_readable(standing) or each.article in seen:
            continue
        seen.add(each.article)
        kinds["all"][kind] += 1
        if not each.missing:
            kinds["fresh"][kind] += 1
    missing, asked = kinds["fresh"]["gone"], kinds["fresh"].total()
    every = kinds["all"]["gone"]
    if missing >= STORM_COUNT and missing > STORM_SHARE * asked:
        storms["gone"] = f"{missing} of {asked} articles that had been there were missing at once"
    elif not live and every >= NOBODY_HOME:
        storms["gone"] = f"all of {every} known articles were missing, and no page was there"
    blocked = sum(kind == "blocked" for _, kind in met)
    if blocked and (not live or (blocked > BLOCKED_COUNT and blocked > BLOCKED_SHARE * len(met))):
        storms["blocked"] = f"{blocked} of {len(met)} pages were blocked"
    return storms
