"""What an article says of its own correction."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.metadata import Clock
from pipeline.model import Moment
from pipeline.particulars.notices import name_kind, read_notices

CLOCK = Clock(latest=datetime(2026, 11, 23, tzinfo=UTC))
WRITTEN = Moment(value=datetime(2026, 3, 3, 9, 0, tzinfo=UTC), original="3 March 2026", source="json-ld")
STORY = "The council has agreed to mend the bridge over the mill stream before the winter comes."


def notices(*lines: str, declared: tuple[object, ...] = ()) -> list[tuple[str, str | None]]:
    found = read_notices("\n".join([STORY, STORY, *lines]), declared, clock=CLOCK, written=WRITTEN)
    return [(notice.kind, notice.time and f"{notice.time:%Y-%m-%d %H:%M}") for notice in found]


@pytest.mark.parametrize(
    ("line", "kind", "time"),
    [
        (
            "This article was amended on 3 March 2026 to correct the name of the bridge.",
            "correction",
            "2026-03-03 00:00",
        ),
        ("Correction: An earlier version of this article misnamed the bridge.", "correction", None),
        ("Clarification: the bridge is owned by the county.", "clarification", None),
        ("An earlier version of this article said that the bridge was closed.", "update", None),
        ("Editor's note: this story was written before the vote was taken.", "editor's note", None),
        ("Update: 14:30 The council has now published the plans for it.", "update", "2026-03-03 14:30"),
        ("Updated at 14.30 on 4 March 2026: the plans are out for all to see.", "update", "2026-03-04 14:30"),
        ("Cywiriad: Roedd fersiwn gynharach o'r stori hon yn enwi'r bont anghywir.", "correction", None),
        ("Korrektur: In einer früheren Version dieses Artikels hieß die Brücke anders.", "correction", None),
        ("Rectificatif du 4 mars 2026 : le pont a été construit en 1897.", "correction", "2026-03-04 00:00"),
        ("Corrección: el puente se construyó en 1897 y no en 1879.", "correction", None),
        ("Rettelse: Broen blev bygget i 1897 og ikke i 1879.", "correction", None),
        ("Rättelse: Bron byggdes 1897 och inte 1879.", "correction", None),
        ("Rectificatie: de brug is in 1897 gebouwd.", "correction", None),
        ("Correção: a ponte foi construída em 1897.", "correction", None),
        ("Errata corrige: il ponte è del 1897 e non del 1879.", "correction", None),
        ("Retraction: this story has been withdrawn by its authors.", "retraction", None),
    ],
)
def test_notices_of_many_languages_have_kind_and_time(line: str, kind: str, time: str | None) -> None:
    assert notices(line) == [(kind, time)]


def test_a_heading_belongs_to_the_line_below_it() -> None:
    assert notices("Correction", "The bridge was built in 1897 and not in 1879.") == [("correction", None)]


@pytest.mark.parametrize(
    "line",
    [
        "Updated 14:32",
        "Update your home inventory: take a list of what you own.",
        "The minister said that the report had been corrected before it was printed.",
        "Corrections officers walked out of the prison on Tuesday.",
    ],
)
def test_stamps_advice_and_prose_are_none(line: str) -> None:
    assert notices(line) == []


def test_what_is_declared_counts_once() -> None:
    said = "Correction: the bridge was built in 1897."
    comment = {"@type": "CorrectionComment", "text": said, "datePublished": "2026-03-04T10:00:00Z"}
    assert notices(declared=(comment,)) == [("correction", "2026-03-04 10:00")]
    assert notices(said, declared=(comment, said)) == [("correction", None)]


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, {"text": []}, "", "https://ledger.example/corrections", {"text": "x"}]
)
def test_whatever_is_declared_breaks_nothing(value: object) -> None:
    assert notices(declared=(value,)) == []


def test_the_label_decides_before_the_words() -> None:
    assert name_kind("Clarification: we wrongly wrote that it was built in 1879.") == "clarification"
