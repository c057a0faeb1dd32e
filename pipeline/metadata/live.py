"""The updates that a live page declares: schema.org's LiveBlogPosting with its ``liveBlogUpdate``.

What is declared tells when an update was written and how it is headed; its words are read from the page, where
`pipeline.structure` finds the entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.metadata.moments import Clock, parse_moment
from pipeline.metadata.page import JsonLd, items
from pipeline.metadata.values import TITLE_CHARACTERS, clean_text
from pipeline.model import Moment

MOST_UPDATES: Final = 1000
_START_CHARACTERS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Update:
    """One update of a live page, as it is declared."""

    headline: str = ""
    start: str = ""  # the first characters of its text
    anchor: str = ""  # the fragment of its address: the id of its element
    time: Moment | None = None


def read_updates(linked: JsonLd, clock: Clock) -> tuple[Update, ...]:
    """The declared updates of a page, in the order in which they are declared; those that name nothing are left out.

    Args:
        linked: the page's JSON-LD.
        clock: how dates are to be read.
    """
    if linked.live is None:
        return ()
    found: list[Update] = []
    declared = linked.live.get("liveBlogUpdate")
    for node in declared[:MOST_UPDATES] if isinstance(declared, list) else items(declared):
        if not isinstance(node, dict):
            continue
        address = next(
            (value for key in ("url", "@id") if isinstance(value := node.get(key), str) and "#" in value), ""
        )
        update = Update(
            headline=clean_text(node.get("headline") or node.get("name"), TITLE_CHARACTERS),
            start=clean_text(node.get("articleBody"), _START_CHARACTERS),
            anchor=clean_text(address.rpartition("#")[2], 200),
            time=parse_moment(node.get("datePublished") or node.get("dateCreated"), "json-ld", clock),
        )
        if update.headline or update.start or update.anchor:
            found.append(update)
    return tuple(found)
