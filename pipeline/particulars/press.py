"""What a press release says to editors: notes, whom the press may ask, and until when it was not to be published.

Works on the visible lines of a page, in their order. Every wording must stand where such things stand (a line of its
own, the head, behind "ENDS"), because news is written about embargoes and press offices too. Nothing is taken out of
the text: what is found is repeated in a field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pipeline.metadata import Clock, looks_like_name, parse_moment, tidy
from pipeline.model import Contact, Moment
from pipeline.wordings import NOTES

NOTES_CHARACTERS: Final = 8000
CONTACTS: Final = 6
_LINE_CHARACTERS: Final = 600
_HEAD_LINES: Final = 10

# --- embargo --------------------------------------------------------------------------------------------

_EMBARGO: Final = re.compile(
    r"[\W_]*(?:(?:strictly|media|press|news|release|under|dan|tan|publication|strict)\s+){0,3}"
    r"(?:embargo(?:ed|’d|'d)?|sperrfrist|embargoed\s+copy|sous\s+embargo|bajo\s+embargo|onder\s+embargo)\b",
    re.IGNORECASE,
)
_NOT_BEFORE: Final = re.compile(
    r"[\W_]*(?:strictly\s+)?not\s+(?:for|to\s+be)\s+(?:publication|published|publishing|release[d]?|broadcast|"
    r"immediate\s+release|use)\b.{0,60}?\b(?:before|until|till|prior\s+to)\b",
    re.IGNORECASE,
)
_ORDINAL: Final = re.compile(r"(?<=\d)(?:st|nd|rd|th|ain|af|il|ydd|fed|eg|er|º|ª)\b(?:\s+of\b)?", re.IGNORECASE)
_DAYS: Final = (
    re.compile(r"\d{4}-\d{2}-\d{2}"),
    re.compile(r"(?<![\d./])\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})(?![\d])"),
    re.compile(r"(?<!\d)\d{1,2}\.?\s(?:de\s)?[^\W\d_]{3,12}\.?,?\s(?:de\s)?\d{4}(?!\d)"),
    re.compile(r"\b[^\W\d_]{3,12}\.?\s\d{1,2},?\s\d{4}(?!\d)"),
)
_YEARLESS: Final = re.compile(
    r"(?<!\d)(?<!\d[:.])(?P<day>\d{1,2}) (?P<month>[^\W\d_]{3,12})\b|\b(?P<first>[^\W\d_]{3,12}) "
    r"(?P<second>\d{1,2})(?![\d:.]|\s?[ap]\.?m)"
)
_CLOCK: Final = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?![\d:.]?\d)\s?(?P<half>[ap]\.?m\b)?"
    r"|(?<![\d:.])(?P<hours>[01]\d|2[0-4])(?P<minutes>[0-5]\d)(?![\d:.])(?:\s?(?:hrs?|hours|h)\b)?"
    r"|(?<![\d:.])(?P<only>\d{1,2})\s?(?P<half2>[ap]\.?m\b|uhr\b|heures\b|uur\b)"
    r"|(?P<noon>\b(?:12\s)?(?:noon|midday|hanner\sdydd)\b)|(?P<midnight>\b(?:12\s)?(?:midnight|hanner\snos)\b)",
    re.IGNORECASE,
)
_ZONE: Final = re.compile(r"\b(GMT|UTC|BST|CET|CEST)\b")
_OFFSETS: Final = {"GMT": "Z", "UTC": "Z", "BST": "+01:00", "CET": "+01:00", "CEST": "+02:00"}
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_FILLERS: Final = frozenset(
    word
    for words in (
        "until",
        "till",
        "to",
        "for",
        "on",
        "at",
        "the",
        "of",
        "not",
        "publication",
        "release",
        "broadcast",
        "before",
        "strictly",
        "hrs",
        "hours",
        "hour",
        "am",
        "pm",
        "noon",
        "midday",
        "midnight",
        "local",
        "time",
        "date",
        "and",
        "day",
        "gmt",
        "bst",
        "utc",
        "cet",
        "cest",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thurs",
        "fri",
        "sat",
        "sun",
        "tan",
        "hyd",
        "dydd",
        "ddydd",
        "llun",
        "mawrth",
        "mercher",
        "fercher",
        "iau",
        "gwener",
        "sadwrn",
        "sul",
        "nos",
        "hanner",
        "am",
        "bis",
        "zum",
        "den",
        "uhr",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "jusqu",
        "au",
        "le",
        "heures",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "hasta",
        "el",
        "las",
        "horas",
        "tot",
        "uur",
        "immediate",
        "press",
        "media",
        "news",
        "embargo",
        "embargoed",
        "lifted",
        "lifts",
        "ends",
        "be",
        "published",
        "ion",
        "af",
        "il",
        "ain",
    )
    for word in words.split()
)
_OTHER_WORDS: Final = 3


def find_embargo(lines: Sequence[str], clock: Clock, written: datetime) -> Moment | None:
    """Until when a press release was not to be published; None where it does not say so at its head.

    Args:
        lines: visible lines from the headline on.
        clock: how a date is to be read; its ``latest`` should lie in the future, as embargoes do.
        written: about when it was written, for dates without a year.
    """
    head = [line[:_LINE_CHARACTERS] for line in lines[:_HEAD_LINES]]
    for number, line in enumerate(head):
        if len(line) > 200:
            continue
        match = _EMBARGO.match(line) or _NOT_BEFORE.match(line)
        if match is None:
            continue
        rest = line[match.end() :]
        if not any(map(str.isdigit, rest)) and len(rest.split()) <= 4 and number + 1 < len(head):
            rest = f"{rest} {head[number + 1][:100]}"
            line = f"{line} {head[number + 1][:100]}"
        moment = _read_moment(rest, clock, written)
        if moment is not None:
            return moment.model_copy(update={"original": tidy(line, 200)})
    return None


def _read_moment(text: str, clock: Clock, written: datetime) -> Moment | None:
    """The moment that a short text names, if it says little else."""
    text = _ORDINAL.sub("", " ".join(text.split()))
    day: Moment | None = None
    rest = text
    for pattern in _DAYS:
        for match in pattern.finditer(text):
            day = parse_moment(match[0].replace(",", ""), "text", clock)
            if day is not None:
                rest = text[: match.start()] + " " + text[match.end() :]
                break
        if day is not None:
            break
    if day is None:
        for match in _YEARLESS.finditer(text):
            day = _guess_year(match["day"] or match["second"], match["month"] or match["first"], clock, written)
            if day is not None:
                rest = text[: match.start()] + " " + text[match.end() :]
                break
    if day is None or day.precision != "day":
        return None
    zone = _ZONE.search(rest)
    time = _CLOCK.search(rest)
    rest = rest if time is None else rest[: time.start()] + " " + rest[time.end() :]
    if sum(word.lower() not in _FILLERS for word in _WORD.findall(rest)) > _OTHER_WORDS:
        return None
    if time is None:
        return day
    parts = _read_clock(time)
    if parts is None:
        return day
    iso = f"{_date_of(day)}T{parts[0]:02}:{parts[1]:02}{_OFFSETS[zone[1]] if zone else ''}"
    return parse_moment(iso, "text", clock) or day


def _date_of(day: Moment) -> str:
    """The date that a moment of a day means: its value is the first moment that bears it in UTC and at home."""
    return f"{day.value:%Y-%m-%d}"


def _guess_year(day: str, month: str, clock: Clock, written: datetime) -> Moment | None:
    found = [parse_moment(f"{day} {month} {written.year + years}", "text", clock) for years in (-1, 0, 1)]
    days = [moment for moment in found if moment is not None and moment.precision == "day"]
    return min(days, key=lambda moment: abs(moment.value - written), default=None)


def _read_clock(match: re.Match[str]) -> tuple[int, int] | None:
    if match["noon"]:
        return 12, 0
    if match["midnight"]:
        return 0, 0
    hour = int(match["hour"] or match["hours"] or match["only"])
    minute = int(match["minute"] or match["minutes"] or 0)
    half = (match["half"] or match["half2"] or "").lower()
    if half[:1] in {"a", "p"} and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return (hour % 24, minute) if hour <= 24 and minute < 60 else None


# --- notes to editors -----------------------------------------------------------------------------------

_ENDS: Final = re.compile(
    r"[\s\-–—/*_~.#]*(?:(?:press\s|media\s|news\s)?(?:release\s)?(?-i:ENDS?|Ends|DIWEDD|Diwedd|ENDE|FIN))[\s\-–—/*_~.#]*"
    r"|\s*#(?:\s?#){1,4}\s*",
    re.IGNORECASE,
)


def find_notes(lines: Sequence[str]) -> tuple[int, int] | None:
    """Where the notes to editors stand: from the first line of them to before the contacts or the end; None: nowhere.

    A heading that says so, or the line "ENDS", behind which a release has nothing else.
    """
    start = ends = None
    for number, line in enumerate(lines):
        match = NOTES.match(line[:80] if len(line) > _LINE_CHARACTERS else line)
        if match is not None:
            start = number if match["rest"].strip(" :–—-_*.#") or match.end() < len(line) else number + 1
            break
        if ends is None and number and _is_end(line):
            ends = number + 1
    if start is None:
        start = ends
    if start is None or start >= len(lines):
        return None
    stop = start
    room = NOTES_CHARACTERS
    while stop < len(lines) and len(lines[stop]) < room and not _is_end(lines[stop]):
        if stop > start and (_is_contact_heading(lines[stop]) or _is_contact(lines[stop])):
            break
        room -= len(lines[stop])
        stop += 1
    return (start, stop) if stop > start else None


def _is_end(line: str) -> bool:
    return len(line) < 40 and _ENDS.fullmatch(line) is not None


def join_notes(lines: Sequence[str], where: tuple[int, int]) -> str:
    """The notes as one text: without their heading, a line each."""
    start, stop = where
    first = lines[start]
    match = NOTES.match(first[:200])
    first = first[match.end() :] if match is not None and match.end() < len(first) else first
    return "\n".join([first.strip(), *(line.strip() for line in lines[start + 1 : stop])]).strip()


# --- contacts -------------------------------------------------------------------------------------------

EMAIL: Final = re.compile(
    r"(?<![\w.%+'-])[A-Za-z0-9][\w.%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}\b", re.ASCII
)
_PHONE: Final = re.compile(
    r"(?<![\w./,£$€-])(?:\+\d{1,3}|00\d{2}|\(?0\d{0,5}\)?)[\s\d().\-–/]{5,20}(?<=\d)(?![\w/,]\d|\w)"
)
_DIGITS: Final = re.compile(r"\d[\d\s().\-–/]{6}")
_NUMERIC_DATE: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_PRESS: Final = re.compile(
    r"\b(?:(?:media|press|newsdesk|journalists?)\s(?:and\s\w{2,12}\s|&\s\w{2,12}\s|or\s\w{2,12}\s)?"
    r"(?:enquir(?:y|ies)|inquir(?:y|ies)|quer(?:y|ies)|contacts?|office|officers?|relations|team|requests|desk|manager)"
    r"|press\soffice|(?:for\s(?:further|more)\s(?:media|press)\s(?:information|details))"
    r"|ymholiadau(?:['’]r|\s(?:gan\s|i\s|i['’]r\s|gan\sy\s)?)\s?(?:wasg|cyfryngau|y\swasg|y\scyfryngau)|swyddfa['’]?r?\swasg"
    r"|cysyllt(?:iad(?:au)?|wch)?['’]?r?\s(?:â['’]r\s|â\s)?(?:wasg|cyfryngau)|cyswllt(?:['’]r)?\s(?:y\s)?(?:wasg|cyfryngau)"
    r"|pressekontakt|presseanfragen|pressestelle|medienkontakt|medienanfragen|medienstelle"
    r"|(?:kontakt|ansprechpartner(?:in)?)\sfür\s(?:die\s)?(?:medien|presse|journalist\w*)"
    r"|contacts?\s(?:de\s)?(?:presse|médias?)|relations\spresse|service\sde\spresse"
    r"|contactos?\s(?:de|para\sla)\sprensa|gabinete\sde\sprensa|oficina\sde\sprensa|contatt[oi]\s(?:per\sla\s)?stampa"
    r"|ufficio\sstampa|perscontact|persvoorlichting|contact\svoor\sde\spers|assessoria\sde\simprensa"
    r"|contacto?\spara\sa\simprensa|presskontakt|presseansvarlig|pressetelefon)\b",
    re.IGNORECASE,
)
_ASK: Final = re.compile(
    r"[\W_]*(?:for\s(?:any\s)?(?:further|more|additional)\s(?:information|details|info)\b.{0,80}?\b(?:contact|call|e-?mail)\b"
    r"|contacts?\b(?:\s(?:details|information|us))?\s*[:–—-]|contacts?[\W_]*$|contact\sdetails[\W_]*$|to\sarrange\san?\sinterview\b"
    r"|(?:am|i\sgael)\s(?:ragor|fwy|rhagor)\so\s(?:wybodaeth|fanylion)\b|further\sinformation[\W_]*$|kontakt[\W_]*$"
    r"|cyswllt[\W_]*$|manylion\scyswllt\b)",
    re.IGNORECASE,
)
_FOR_PRESS: Final = re.compile(
    r"\b(?:press|media|communications?|comms|public\srelations|pr|newsroom|cyfathrebu|cyfryngau|wasg|presse|prensa|stampa)\b"
    r"|\b(?:press|media|comms|communications|pressoffice|newsdesk|cyfathrebu|presse|prensa)[\w.-]{0,20}@",
    re.IGNORECASE,
)
_OFFICE: Final = re.compile(
    r"\b(?:press|media|communications|news)\s(?:and\s\w{2,14}\s|relations\s)?(?:office|team|desk|unit|department|service)\b"
    r"|\bnewsroom\b|swyddfa['’]?r?\swasg|tîm\s(?:cyfathrebu|y\swasg|y\scyfryngau)|pressestelle|medienstelle|service\sde\spresse|"
    r"gabinete\sde\sprensa|ufficio\sstampa",
    re.IGNORECASE,
)
_SEGMENTS: Final = re.compile(
    r"[,;|:–—()\t]|\s-\s|\s(?:on|at|via|or|by|ar|yn|neu|drwy|unter|auf|au|al|op|please|from|of|in|is|and|to|a)\s"
    r"|\b(?:contact|call|e-?mail|phone|tel(?:ephone)?|mobile|mob|enquiries|cysylltwch\s(?:â['’]r|â|ag)|ffoniwch|ebost|"
    r"e-bost|ffôn|ask\sfor|ring)\b\.?",
    re.IGNORECASE,
)
_FOLLOWING: Final = 7
_FURNITURE: Final = re.compile(
    r"©|\bcopyright\b|\bprivacy\b|\bcookies?\b|\bterms (?:and|&|of)\b|\bshare this\b|\brelated\b|\bread more\b|"
    r"\bsign up\b|\bnewsletter\b",
    re.IGNORECASE,
)
_HOUSE: Final = re.compile(
    r"\b(?:university|school|college|council|institute|department|centre|center|foundation|association|trust|hospital|"
    r"service|services|office|street|road|house|city|county|borough|cyngor|prifysgol|ysgol|ltd|limited|group)\b",
    re.IGNORECASE,
)


def find_contacts(
    lines: Sequence[str], linked: Mapping[str, str], *, release_from: int | None = None
) -> tuple[Contact, ...]:
    """Whom the press may ask, as far as an address or a number is given.

    Args:
        lines: visible lines of the article, in order.
        linked: text of ``mailto:`` and ``tel:`` links → address or number, for those that do not show it.
        release_from: the line from which on a press release speaks to editors; there, "Contact:" is enough.
    """
    found: list[Contact] = []
    used = -1
    told = [number for number, line in enumerate(lines) if _has_address(line[:_LINE_CHARACTERS], linked)]
    near = {number for address in told for number in range(max(0, address - _FOLLOWING), address + 1)}
    for number in sorted(near):
        line = lines[number]
        if number <= used or len(found) >= CONTACTS:
            continue
        line = line[:_LINE_CHARACTERS]
        telling = _has_address(line, linked)
        press = _PRESS.search(line)
        heading = _is_heading(line)
        if press is not None and (telling or heading):
            if telling and not heading and press.start() > 200 and len(line) > 400:
                continue
        elif release_from is not None and number >= release_from and _ASK.match(line) is not None:
            pass
        elif not (_ASK.match(line) is not None and telling and _FOR_PRESS.search(line)):
            continue
        stop = number + 1
        while stop < len(lines) and stop <= number + _FOLLOWING and _continues(lines[stop], linked):
            stop += 1
        contacts = _read_contacts([each[:_LINE_CHARACTERS] for each in lines[number:stop]], linked)
        if contacts:
            found += contacts
            used = stop - 1
    unique: dict[tuple[str | None, str | None], Contact] = {}
    for contact in found:
        unique.setdefault((contact.email, contact.phone), contact)
    return tuple(unique.values())[:CONTACTS]


def _is_contact_heading(line: str) -> bool:
    return len(line) < 80 and (
        (_PRESS.match(line.lstrip(" *-–—_#")) is not None and _is_heading(line))
        or re.match(r"[\W_]*(?:contacts?|media contacts?|contact details|cyswllt)[\W_]*$", line, re.IGNORECASE)
        is not None
    )


def _is_contact(line: str) -> bool:
    """Whether a line is a whole contact: "Media contact: Jane Doe, 01632 960117"."""
    return (
        len(line) < 200
        and ":" in line[:60]
        and _PRESS.match(line.lstrip(" *-–—_#")) is not None
        and ("@" in line or _PHONE.search(line) is not None)
    )


def _is_heading(line: str) -> bool:
    return len(line) <= 80 and len(line.split()) <= 9 and not line.rstrip().endswith((".", "!", "?", "”", '"'))


def _has_address(line: str, linked: Mapping[str, str]) -> bool:
    if "@" in line and EMAIL.search(line) is not None:
        return True
    return _phone_of(line) is not None or (bool(linked) and _linked_in(line, linked) is not None)


def _linked_in(line: str, linked: Mapping[str, str]) -> str | None:
    return next((address for text, address in linked.items() if text in line), None)


def _phone_of(line: str) -> str | None:
    if _DIGITS.search(line) is None:
        return None
    for match in _PHONE.finditer(line):
        number = match[0].strip(" .-–/(")
        digits = sum(map(str.isdigit, number))
        if 8 <= digits <= 15 and not _NUMERIC_DATE.fullmatch(number):
            return number
    return None


def _continues(line: str, linked: Mapping[str, str]) -> bool:
    """Whether a line below a contact's heading is still part of it."""
    if len(line) > 250 or NOTES.match(line) is not None or _is_end(line) or _FURNITURE.search(line) is not None:
        return False
    return _has_address(line, linked) or (len(line.split()) <= 10 and not line.rstrip().endswith((".", "!", "?")))


def _read_contacts(lines: Sequence[str], linked: Mapping[str, str]) -> list[Contact]:
    found: list[Contact] = []
    texts: list[str] = []
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    pending = 0

    def close() -> None:
        nonlocal texts, name, email, phone, pending
        if email or phone:
            kept = texts[: len(texts) - pending] if pending else texts
            found.append(
                Contact(text=tidy("\n".join(kept).replace("\n", " · "), 600), name=name, email=email, phone=phone)
            )
        texts, name, email, phone, pending = [], None, None, None, 0

    for line in lines:
        here = EMAIL.search(line)
        address = here[0] if here else None
        number = _phone_of(line)
        link = _linked_in(line, linked)
        if link is not None:
            address, number = (address or link, number) if "@" in link else (address, number or link)
        person = _name_in(line)
        if (person and name and (email or phone)) or (address and email and address != email):
            close()
        texts.append(line.strip())
        pending = 0 if address or number else pending + 1
        name, email, phone = name or person, email or address, phone or number
    close()
    return found


def _name_in(line: str) -> str | None:
    """A person, or an office of the press, that a line names."""
    bare = EMAIL.sub(",", line)
    segments = [segment.strip(" .'’\"*-") for segment in _SEGMENTS.split(bare)[:30] if segment]
    for segment in segments:
        if segment.istitle() or any(map(str.isupper, segment[:1])):
            is_office = _PRESS.search(segment) or _OFFICE.search(segment)
            if is_office is None and looks_like_name(segment) and not segment.isupper() and not _HOUSE.search(segment):
                return segment
    office = next((segment for segment in segments if _OFFICE.search(segment) and len(segment) <= 80), None)
    return office and office.removeprefix("the ").removeprefix("our ")
