"""What an audit tells: what is wrong, what to know, and what an operator does next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pipeline.archive import MARKER_KEY

Kind = Literal[
    "journal", "segment", "run", "findings", "version", "index", "frontier", "site", "takedown", "sealed", "table",
    "marker", "other",
]  # fmt: skip
Problem = Literal[
    "missing",  # it was made and is not there
    "truncated",  # it is shorter than it was made
    "altered",  # its bytes are not those that were written
    "unreadable",  # the store cannot give it
    "unaccounted",  # nothing says that it was made
    "metadata",  # what is said beside an object is not what the object says
    "wrong",  # it contradicts itself, though it is as it was written
    "evidence",  # the record that proves a version is not at its place, or another one
    "chain",  # the journal is not the one that it was
    "disagrees",  # what is derived says something else than what it is derived from
]

Progress = Callable[[str, int, int], None]
"""Told of a site how many objects of how many have been read."""


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """Something that is not as it was put there, or does not agree with the rest."""

    site: str | None
    kind: Kind
    problem: Problem
    key: str
    expected: str
    stands: str
    run: str | None = None  # that put there what was expected
    entry: int | None = None  # number of the journal's entry that says so
    touches: tuple[str, ...] = ()  # versions that rest on it, the first few
    rebuildable: bool = False  # `--repair` makes it anew
    next_step: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something to know that is no damage."""

    site: str | None
    key: str
    message: str
    run: str | None = None  # that `--repair` enters into the journal


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a site's journal."""

    n: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which objects are read, where not all are: so many, such a share, or one part of several that make the whole;
    always the same ones for one seed."""

    seed: int
    number: int | None = None
    percent: float | None = None
    part: tuple[int, int] | None = None  # (0, 30): the first of thirty, each of which is read by one number

    def draw(self, key: str) -> int:
        """A number from 0 to 2**64 that belongs to a key."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed} {key}".encode(), digest_size=8).digest(), "big")


@dataclass(kw_only=True)
class Audited:
    """What an audit found."""

    sites: list[str] = field(default_factory=list)
    choice: Choice | None = None
    objects: int = 0  # that stand in the bucket, without the table's
    read: int = 0  # objects whose bytes were read
    bytes: int = 0  # that were read
    versions: int = 0  # that were read
    records: int = 0  # of evidence that were read
    rows: int = 0  # of the table that were compared
    entries: int = 0  # of journals
    withheld: int = 0  # versions that a takedown has taken from readers
    expired: int = 0  # segments that are gone because the site keeps raw data for so long only
    discrepancies: list[Discrepancy] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.discrepancies


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Something that is wrong with an object, before it is known whose it is."""

    key: str
    problem: Problem
    expected: str
    stands: str


def kind_of(key: str) -> Kind:
    """What kind of object lies under a key."""
    top, _, rest = key.partition("/")
    name = rest.rpartition("/")[2]
    if top == "runs":
        return "findings" if name.startswith("extracted-") else "run"
    if top == "sites":
        return "frontier" if name.startswith("frontier") else "site"
    kinds: dict[str, Kind] = {
        "warc": "segment", "articles": "version", "journal": "journal", "indexes": "index", "takedowns": "takedown",
        "sealed": "sealed", "tables": "table", MARKER_KEY: "marker",
    }  # fmt: skip
    return kinds.get(top, "other")


def is_rebuildable(key: str, problem: Problem) -> bool:
    """Whether `--repair` can make anew what is wrong under a key."""
    kind = kind_of(key)
    if problem == "disagrees":
        return True
    if problem == "unaccounted":
        return False
    if kind in ("index", "frontier", "table") or (kind == "site" and key.endswith("/boilerplate.json")):
        return True
    return problem == "missing" and (kind == "findings" or key.endswith("/published.json"))


def next_step(kind: Kind, problem: Problem, *, rebuildable: bool) -> str:  # noqa: PLR0911 - one return per case
    """What an operator does."""
    if rebuildable:
        return "muniment audit --repair makes it anew."
    if problem == "unaccounted":
        return "Find out who put it there: nothing of Muniment's says that it did. Keep a copy, then remove it by hand."
    if problem == "chain":
        return "Compare with a backup of journal/: an entry was altered, removed or put in later."
    if problem == "unreadable":
        return "Look at the store's own log and disks; restore the object from a backup if it stays so."
    if problem == "metadata":
        return "Restore the object together with its metadata from a backup (its bytes are right)."
    if problem == "evidence":
        return (
            "Restore the segment from a backup; if that is whole, the version was made wrong: keep both and report it."
        )
    if problem == "wrong" and kind == "journal":
        return (
            "Compare with a backup of journal/: if it has an entry of this number, restore that. If not, somebody has "
            "put this object there: keep a copy, then remove it by hand, because nothing is told behind it."
        )
    if problem == "wrong" and kind in ("takedown", "site"):
        return "Muniment writes nothing of this form there: restore it from a backup, and find out who put it there."
    if problem == "wrong":
        return "It was written so: keep it, and report it as an error of Muniment with the run's log."
    if kind == "segment":
        return "Restore it from a backup or a replica: captures cannot be made anew. The bad one is to be kept aside."
    return "Restore it from a backup or a replica, together with its metadata."
