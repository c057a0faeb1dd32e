"""What an article says of itself: that it was corrected, clarified, updated, withdrawn.

Which lines are such notices is known to `pipeline.edits`, which tells edits of them from other edits; here each gets
its kind and the time that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pipeline.edits import find_notices
from pipeline.metadata import Clock, clean_text, fold, parse_moment, tidy
from pipeline.model import Moment, Notice

NOTICES: Final = 20
NOTICE_CHARACTERS: Final = 2000
NoticeKind = Literal["correction", "clarification", "update", "retraction", "editor's note"]

_KINDS: Final[tuple[tuple[NoticeKind, re.Pattern[str]], ...]] = (
    (
        "retraction",
        re.compile(
            r"\bretract(?:ion|ed)\b|\b(?:article|story|report) (?:was|has been|is) (?:withdrawn|removed)\b|"
            r"zurückgezogen|rétractation|retractación|ritrattazione|intrekking",
            re.IGNORECASE,
        ),
    ),
    (
        "correction",
        re.compile(
            r"\bcorrect(?:ion|ions|ed|ing)\b|\bto correct\b|"
            r"\berrat(?:um|a)\b|\berror\b|\bincorrectly\b|\bwrongly\b|\bmistakenly\b|"
            r"\bmisstated\b|\bamended\b.{0,80}\b(?:earlier|previous|original) version\b|"
            r"korrektur|korrigiert|berichtig|richtigstellung|rectifi|corrig|correcci|correzion|"
            r"corrett[oa]|rettifica|fe de err|gecorrigeerd|correctie|rectificatie|correção|retificação|sprostowanie|"
            r"korekta|poprawion|rättelse|rättat|korriger|rettelse|rettet|berigtig|beriktig|cywir|"
            r"訂正|更正|정정|바로잡|تصحيح|исправл|поправк",
            re.IGNORECASE,
        ),
    ),
    (
        "clarification",
        re.compile(
            r"\bclarif|\bmake clear\b|klarstellung|klargestellt|précision|aclaraci|precisazion|verduidelijk|"
            r"esclareciment|wyjaśnieni|förtydlig|præcisering|presisering|eglurhad|egluro|توضيح|уточн",
            re.IGNORECASE,
        ),
    ),
    (
        "editor's note",
        re.compile(
            r"\beditor['’]?s?['’]? notes?\b|\beditorial note\b|\bnote (?:to|for) readers\b|"
            r"anm(?:erkung|\.) d(?:er|\.) red|hinweis der redaktion|transparenzhinweis|note de la rédaction|ndlr|"
            r"nota de (?:la )?redac|nota del? (?:editor|redazione)|nota da redação|nota do editor|"
            r"nota della redazione|noot van de redactie|naschrift|od redakcji|redaktionel note|nodyn y golygydd",
            re.IGNORECASE,
        ),
    ),
)


def read_notices(
    text: str,
    declared: Iterable[Any],
    *,
    clock: Clock,
    written: Moment | None,
) -> tuple[Notice, ...]:
    """The notices of an article, those of its text first.

    Args:
        text: of the article, a paragraph a line.
        declared: values of schema.org's ``correction``: texts or CorrectionComments.
        clock: how a date in a notice is to be read.
        written: when the article was published or last modified: the day of a notice that only names an hour.
    """
    found: dict[str, Notice] = {}
    for line in find_notices(text):
        if _ADVICE.match(line):
            continue
        notice = Notice(kind=name_kind(line), text=tidy(line, NOTICE_CHARACTERS), time=find_time(line, clock, written))
        found.setdefault(fold(line)[:200], notice)
    for value in declared:
        if len(found) >= NOTICES:
            break
        declared_notice = _read_declared(value, clock)
        if declared_notice is not None and not _is_told(declared_notice.text, found):
            found[fold(declared_notice.text)[:200]] = declared_notice
    return tuple(found.values())[:NOTICES]


_ADVICE: Final = re.compile(r"[\W_]*(?:update|amend)\s(?!on\b|at\b|from\b)[^\W\d_][^:\d]*:", re.IGNORECASE)
"""A heading that tells readers to update something: "Update your inventory: …"."""


def _is_told(text: str, found: Mapping[str, Notice]) -> bool:
    key = fold(text)
    return any(key in fold(notice.text) for notice in found.values())


def _read_declared(value: Any, clock: Clock) -> Notice | None:
    if isinstance(value, dict):
        text = next(
            (t for key in ("text", "description", "name") if (t := clean_text(value.get(key), NOTICE_CHARACTERS))), ""
        )
        moment = next(
            (
                m
                for key in ("datePublished", "dateCreated", "dateModified")
                if (m := parse_moment(value.get(key), "json-ld", clock))
            ),
            None,
        )
    else:
        text, moment = clean_text(value, NOTICE_CHARACTERS), None
    if len(text.split()) < 3:
        return None
    kind = name_kind(text)
    return Notice(kind="correction" if kind == "update" else kind, text=text, time=moment and moment.value)


def name_kind(line: str) -> NoticeKind:
    """What kind of notice a line is, by its label first, then by what it says."""
    label = line[:60].split(":", maxsplit=1)[0] if ":" in line[:60] else ""
    for part in (label, line[:NOTICE_CHARACTERS]):
        for kind, pattern in _KINDS:
            if part and pattern.search(part):
                return kind
        if part and _UPDATE.search(part):
            return "update"
    return "update"


_UPDATE: Final = re.compile(
    r"\bupdate[ds]?\b|aktualisier|mise à jour|actualiza|aggiorna|aanvulling|atualiza|aktualizacja|"
    r"uppdater|opdater|oppdater|diweddar",
    re.IGNORECASE,
)

# --- times ----------------------------------------------------------------------------------------------

_ORDINAL: Final = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b(?: of\b)?", re.IGNORECASE)
_TIME: Final = r"\d{1,2}[:.h]\d{2}(?:\s?[ap]\.?m\.?)?(?:\s?(?:GMT|BST|UTC|CET|CEST|Uhr))?"
_BEFORE: Final = rf"(?:{_TIME}(?:,| on| am|) (?:[^\W\d_]{{3,9}},? )?)?"
_AFTER: Final = rf"(?:(?:,| at| um| -| à)? {_TIME})?"
_DATES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME})?",
        rf"{_BEFORE}(?<![\d./])\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}(?!\d){_AFTER}",
        rf"{_BEFORE}(?<!\d)\d{{1,2}}\.? (?:de )?[^\W\d_]{{3,12}}\.?,? (?:de )?\d{{4}}(?!\d){_AFTER}",
        rf"{_BEFORE}\b[^\W\d_]{{3,9}}\.? \d{{1,2}},? \d{{4}}(?!\d){_AFTER}",
    )
)
_HOUR: Final = re.compile(
    r"^[\W_]*[^\W\d_]{4,16}(?: (?:at|um|à|kl\.?|am|ar))?\s?[:\s(–-]\s?(\d{1,2})[:.h](\d{2})\s?([ap]\.?m)?\b",
    re.IGNORECASE,
)
_CHANGED: Final = re.compile(
    r"amend|correct|updat|clarif|edit|publish|appended|added|aktualisi|korrigi|geändert|corrig|modifi|actualiz|aggiorn|"
    r"corrett|aangepast|gecorrigeerd|bijgewerkt|atualiz|zaktualizow|uppdater|rätta|opdater|oppdater|rettet|korriger|"
    r"ywiro|diweddar",
    re.IGNORECASE,
)


def find_time(line: str, clock: Clock, written: Moment | None) -> datetime | None:
    """When a notice was added, where it says so: a date by its label or behind "was amended on", or an hour alone."""
    text = _ORDINAL.sub("", line[:600])
    for pattern in _DATES:
        for match in list(pattern.finditer(text))[:5]:
            before = text[max(0, match.start() - 40) : match.start()]
            if match.start() > 60 and not _CHANGED.search(before):
                continue
            moment = parse_moment(_tidy_date(match[0]), "text", clock)
            if moment is not None and moment.precision in {"day", "minute", "second"}:
                return moment.value
    hour = _HOUR.match(text)
    if hour is None or written is None or written.precision not in {"day", "minute", "second"}:
        return None
    hours = int(hour[1])
    if (hour[3] or "").lower().startswith("p") and hours < 12:
        hours += 12
    moment = parse_moment(f"{written.value:%Y-%m-%d} {hours:02}:{hour[2]}", "text", clock)
    if moment is None or moment.value < written.value - timedelta(days=1):
        return None
    return moment.value


_CLOCK_FIRST: Final = re.compile(rf"^({_TIME})(?:,| on| am|) (.*)$", re.IGNORECASE)


def _tidy_date(text: str) -> str:
    """The hour behind the day, and with a colon: "14.32 on 3 March 2026" is "3 March 2026 14:32"."""
    match = _CLOCK_FIRST.match(text)
    if match is not None:
        text = f"{match[2]} {match[1]}"
    return re.sub(r"(?<= )(\d{1,2})[.h](\d{2})(?=$|\s|[ap])", r"\1:\2", text)
