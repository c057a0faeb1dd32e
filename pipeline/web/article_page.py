"""What an article's page shows, out of its versions; pure.

A version that a takedown has replaced says so, and nothing of what it held is shown or compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel

from pipeline.comparison import Comparison, Paragraph, Piece, compare_lines, compare_versions
from pipeline.lifecycle import current_version
from pipeline.model import Moment, State, Version

SHOWN: Final = 30
"""Versions of an article that one page lists; each costs 4 ms of CPU when it is seen for the first time."""
MOST_TEXT: Final = 300_000
"""Characters of a text that one page shows; a book has 600,000."""
_CONTEXT: Final = 1  # unchanged paragraphs beside a changed one
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_FIELDS: Final = (
    "kind", "standfirst", "byline", "authors", "bylines", "agencies", "published", "modified", "section", "language",
    "description", "tags", "free", "notices", "notes_to_editors", "contacts", "embargo", "ward", "committee", "image",
    "images", "documents", "document_of",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of an article in words."""

    name: str
    values: tuple[str, ...]
    origin: str | None
    confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A version on the timeline."""

    version: Version
    withheld: bool
    stands: bool
    earlier: int | None  # the readable version before it in time, to compare with


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which versions a page lists, by their numbers.

    The oldest of a page is the newest of the next one, so that each can be compared with the one before it.
    """

    numbers: range
    older: int | None  # what ``before`` is of the page of older ones; None: there are none
    newer: int | None  # and of newer ones; 0: it is the page of the newest


@dataclass(frozen=True, kw_only=True)
class ArticleView:
    """An article's page."""

    version: Version
    withheld: bool
    language: str
    paragraphs: tuple[tuple[str, str, int], ...]  # kind, text, level
    cut: int  # characters that are shown of a text that is too long for a page; 0: all of it
    fields: tuple[Field, ...]
    steps: tuple[Step, ...]  # newest first
    count: int  # of all versions
    listed: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A paragraph on one side of a comparison."""

    number: int | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A row of a comparison."""

    kind: str
    note: str
    old: Side | None
    new: Side | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Rows in a row that are shown, or folded away because nothing changed near them."""

    folded: bool
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """Two versions side by side."""

    old: Version
    new: Version
    comparison: Comparison
    title: Pair
    stretches: tuple[Stretch, ...]
    fields: tuple[tuple[str, tuple[Piece, ...], tuple[Piece, ...]], ...]
    language: str


def is_withheld(version: Version) -> bool:
    """Whether a takedown has taken away what this version held."""
    return version.state == State.REDACTED


def choose_window(count: int, before: int | None = None) -> Window | None:
    """The versions that a page lists.

    Args:
        count: how many there are, numbered from 1.
        before: list those with lower numbers; None: the newest.

    Returns:
        None: there are none.
    """
    end = count + 1 if before is None else min(before, count + 1)
    if end <= 1:
        return None
    first, newer = max(1, end - SHOWN), end + SHOWN - 1
    return Window(
        numbers=range(first, end),
        older=first + 1 if first > 1 else None,
        newer=None if end > count else 0 if newer > count else newer,
    )


def make_article_view(
    versions: Sequence[Version], n: int | None, count: int, listed: Window | None = None
) -> ArticleView:
    """The page of an article.

    Args:
        versions: those that are listed, the newest, and the one that is shown; not empty.
        n: which of them is shown whole; None: the one that stands.
        count: how many there are.
        listed: which of them the timeline has; None: the newest.
    """
    listed = listed or choose_window(count)
    assert listed is not None, "an article has a version"
    timeline = sorted(versions, key=lambda version: (version.captured_at, version.n))
    newest = choose_window(count)
    standing = current_version([each for each in versions if newest and each.n in newest.numbers])
    version = next((each for each in versions if each.n == n), standing or timeline[-1])
    steps = []
    earlier: int | None = None
    for each in timeline:
        if each.n not in listed.numbers:
            continue
        readable = not is_withheld(each) and bool(each.text or each.title)
        steps.append(
            Step(
                version=each,
                withheld=is_withheld(each),
                stands=each is standing,
                earlier=earlier if readable else None,
            )
        )
        if readable:
            earlier = each.n
    return ArticleView(
        version=version,
        withheld=is_withheld(version),
        language=tell_language(version),
        paragraphs=tuple(_bound(list_paragraphs(version))),
        cut=MOST_TEXT if len(version.text) > MOST_TEXT else 0,
        fields=tuple(list_fields(version)),
        steps=tuple(reversed(steps)),
        count=count,
        listed=listed,
    )


def tell_language(version: Version) -> str:
    """The language tag of a version's text; empty: not known."""
    tag = version.language or ""
    return tag if _LANGUAGE.fullmatch(tag) else ""


def list_paragraphs(version: Version) -> Iterator[tuple[str, str, int]]:
    """The text in its order: kind, words, and of a heading its level."""
    if version.parts:
        for part in version.parts:
            yield part.kind, part.text, part.level or 0
    else:
        for line in version.text.split("\n"):
            yield "paragraph", line, 0


def _bound(paragraphs: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    """As many paragraphs as a page shows, the last one perhaps in part."""
    left = MOST_TEXT
    for kind, words, level in paragraphs:
        if left <= 0:
            return
        yield kind, words[:left], level
        left -= len(words) + 1


def list_fields(version: Version) -> Iterator[Field]:
    """The fields that say something, with where each was read and how sure that is."""
    for name in _FIELDS:
        values = tuple(_tell(getattr(version, name)))
        if values:
            yield Field(
                name=name.replace("_", " "),
                values=values,
                origin=version.origins.get(name),
                confidence=version.confidence.get(name),
            )


def _tell(value: Any) -> Iterator[str]:
    match value:
        case None | "" | ():
            return
        case bool():
            yield "yes" if value else "no"
        case Moment():
            told = f"{value.value:%Y-%m-%d}" if value.precision == "day" else f"{value.value:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{told} (“{value.original}”, {value.source}{', zone assumed' if value.zone_assumed else ''})"
        case BaseModel():
            yield "; ".join(
                f"{name}: {each}" for name, each in value.model_dump(mode="json", exclude_none=True).items() if each
            )
        case tuple():
            for each in value:
                yield from _tell(each)
        case _:
            yield str(value)


# --- two versions


def make_comparison_view(old: Version, new: Version) -> ComparisonView:
    """Two versions side by side.

    Raises:
        NotInArchive: one of them is withheld.
    """
    comparison = compare_versions(old, new)
    shown = _near_changes(comparison.paragraphs)
    stretches = []
    for folded, group in groupby(zip(comparison.paragraphs, shown, strict=True), lambda pair: not pair[1]):
        pairs = tuple(_pair(paragraph) for paragraph, _ in group)
        stretches.append(Stretch(folded=folded and len(pairs) > 1, pairs=pairs))
    title = compare_lines(old.title, new.title)
    return ComparisonView(
        old=old,
        new=new,
        comparison=comparison,
        title=Pair(
            kind="changed" if old.title != new.title else "same",
            note="",
            old=Side(number=None, pieces=_side(title, "removed")),
            new=Side(number=None, pieces=_side(title, "added")),
        ),
        stretches=tuple(stretches),
        fields=tuple(
            (
                change.name.replace("_", " "),
                _side(change.pieces, "removed") if change.pieces else _list(change.old, "removed"),
                _side(change.pieces, "added") if change.pieces else _list(change.new, "added"),
            )
            for change in comparison.fields
        ),
        language=tell_language(new if new.text else old),
    )


def _pair(paragraph: Paragraph) -> Pair:
    old = Side(number=paragraph.old, pieces=_side(paragraph.pieces, "removed")) if paragraph.old else None
    new = Side(number=paragraph.new, pieces=_side(paragraph.pieces, "added")) if paragraph.new else None
    match paragraph.kind:
        case "left":
            return Pair(kind="left", note=f"Paragraph {paragraph.old} stood here; it is paragraph {paragraph.new} now.",
                        old=None, new=None)  # fmt: skip
        case "moved":
            return Pair(
                kind="moved", note=f"Moved: paragraph {paragraph.old} before, {paragraph.new} now.", old=old, new=new
            )
        case "added":
            return Pair(kind="added", note="", old=None, new=new)
        case "removed":
            return Pair(kind="removed", note="", old=old, new=None)
        case kind:
            return Pair(kind=kind, note="", old=old, new=new)


def _side(pieces: Iterable[Piece], mark: str) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.mark in ("same", mark))


def _list(words: Sequence[str], mark: Any) -> tuple[Piece, ...]:
    return (Piece(mark=mark, text=", ".join(words)),) if words else ()


def _near_changes(paragraphs: Sequence[Paragraph]) -> list[bool]:
    """Which paragraphs are shown: those that changed, and their neighbours."""
    changed = [paragraph.kind != "same" for paragraph in paragraphs]
    return [any(changed[max(0, at - _CONTEXT) : at + _CONTEXT + 1]) for at in range(len(changed))]
