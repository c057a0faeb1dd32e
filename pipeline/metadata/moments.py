"""Dates as pages write them, made moments: ISO 8601, RFC 5322, figures, and words of many languages."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dateutil import parser as date_parser

from pipeline.metadata.values import clean_text
from pipeline.model import Moment

Precision = Literal["second", "minute", "day", "month", "year"]

EARLIEST_YEAR: Final = 1990  # older "dates" of web pages are empty database fields: 1970-01-01, 1900-01-01


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What a date's text leaves open, and what a date may not be.

    Args:
        zone: name of the time zone that a text without one is meant in.
        month_first: whether 3/4 is March 4th (United States) rather than 3 April.
        latest: the last moment that is believed.
    """

    zone: str = "Europe/London"
    month_first: bool = False
    latest: datetime


_ISO = re.compile(
    r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2}\b)?)?",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?<![\d/.\-])(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?!\d)(?:\D{0,12}(\d{1,2})[:.](\d{2})(?::(\d{2}))?)?"
)
_ZONES: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "BST": 3600, "WEST": 3600, "CET": 3600, "CEST": 7200, "EET": 7200, "EEST": 10800,
    "EST": -18000, "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600, "PST": -28800,
    "PDT": -25200, "AEST": 36000, "AEDT": 39600, "NZST": 43200, "NZDT": 46800,
}  # fmt: skip
_DATE_CHARACTERS: Final = 80


def parse_moment(text: object, source: str, clock: Clock) -> Moment | None:
    """A date as written on a page, or nothing when it is none, or one that cannot be.

    ISO 8601 and its usual misspellings, RFC 5322, Unix seconds and milliseconds, day/month/year in the
    order of the site's country, and dates in English words. Never raises. A day without a time stays a
    day: its ``value`` is the first moment that bears this date both in UTC and in the site's zone.
    """
    original = clean_text(str(text) if isinstance(text, int) and not isinstance(text, bool) else text, _DATE_CHARACTERS)
    if not original:
        return None
    for read in (_read_epoch, _read_iso, _read_numeric, _read_abroad, _read_words):
        readings = list(read(original, clock))
        if readings:  # the form is known; what this form does not allow, no other form may
            moments = (_to_moment(reading, original, source, clock) for reading in readings)
            return next((moment for moment in moments if moment is not None), None)
    return None


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The parts of a date that a text names."""

    parts: tuple[int, ...]  # year, month, day, hour, minute, second, microsecond; as many as were named
    zone: tzinfo | None = None


GUESSED: Final = frozenset({"htmldate", "visible"})
"""Sources of dates that no mark-up declares."""
_PRECISIONS: Final[tuple[Precision, ...]] = ("year", "month", "day", "minute", "minute", "second", "second")


def _to_moment(reading: _Reading, original: str, source: str, clock: Clock) -> Moment | None:
    parts, home = reading.parts, _zone(clock.zone)
    precision = _PRECISIONS[len(parts) - 1]
    try:
        if len(parts) <= 3:
            day = datetime(*(*parts, 1, 1)[:3])  # type: ignore[arg-type]  # noqa: DTZ001 - the zone follows
            value = max(day.replace(tzinfo=UTC), day.replace(tzinfo=home).astimezone(UTC))
        else:
            value = datetime(*parts, tzinfo=reading.zone or home).astimezone(UTC)  # type: ignore[arg-type,misc]
    except (ValueError, OverflowError, TypeError):
        return None
    if value.year < EARLIEST_YEAR or value > clock.latest:
        return None
    zone_assumed = len(parts) <= 3 or reading.zone is None
    return Moment(value=value, precision=precision, original=original, source=source, zone_assumed=zone_assumed)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError in some versions
        return UTC
    except KeyError:
        return UTC


def _read_epoch(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001 - one signature for all readers
    if text.isascii() and text.isdigit() and len(text) in {10, 13}:
        moment = datetime.fromtimestamp(int(text[:10]), UTC)
        yield _Reading(parts=moment.timetuple()[:6], zone=UTC)


def _read_iso(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001
    match = _ISO.match(text)
    if match is None:
        if text.isascii() and text.isdigit() and len(text) in {8, 14}:
            cuts = pairwise((0, 4, 6, 8, 10, 12, 14))
            yield _Reading(parts=tuple(int(text[start:end]) for start, end in cuts if end <= len(text)))
        return
    *numbers, fraction, zone = match.groups()
    parts = tuple(int(number) for number in numbers if number is not None)
    if fraction and len(parts) == 6:
        parts += (int(fraction[:6].ljust(6, "0")),)
    yield _Reading(parts=parts, zone=_offset(zone) if zone else None)


def _offset(text: str) -> tzinfo | None:
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes)) if minutes < 24 * 60 else None


def _read_numeric(text: str, clock: Clock) -> Iterator[_Reading]:
    """Day, month and year in figures; the other order only when the usual one cannot be."""
    match = _NUMERIC.search(text)
    if match is None:
        return
    first, second, year = (int(number) for number in match.groups()[:3])
    year += 2000 if year < 100 else 0
    time = tuple(int(number) for number in match.groups()[3:] if number is not None)
    if time and re.match(r"\s*p\.?m", text[match.end() :], re.IGNORECASE) and time[0] < 12:
        time = (time[0] + 12, *time[1:])
    zone = next((_named_zone(word) for word in text[match.end() :].split() if word.upper() in _ZONES), None)
    orders = ((second, first), (first, second))
    for month, day in reversed(orders) if clock.month_first else orders:
        yield _Reading(parts=(year, month, day, *time), zone=zone)


def _named_zone(name: str) -> tzinfo:
    return timezone(timedelta(seconds=_ZONES[name.upper()]))


_TWELVE = re.compile(r"(\d)\.(\d\d)\s*([ap])\.?m\b\.?", re.IGNORECASE)
_LABEL = re.compile(r"^\D{0,40}?:\s*")


class _Words(date_parser.parserinfo):
    """English dates as dateutil reads them, and the words that stand before them on pages."""

    JUMP = [*date_parser.parserinfo.JUMP, *"published updated posted created modified date on | – - :".split()]  # noqa: RUF012, SIM905


_MONTHS_ABROAD: Final = {
    name: number
    for names in (
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jan. feb. mrz. apr. mai jun. jul. aug. sept. okt. nov. dez.",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "januar februar marts april maj juni juli august september oktober november december",
        "januar februar mars april mai juni juli august september oktober november desember",
        "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr",
        (
            "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
            "marraskuuta joulukuuta"
        ),
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
        "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        (
            "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου "
            "δεκεμβρίου"
        ),
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "eanáir feabhra márta aibreán bealtaine meitheamh iúil lúnasa meánfómhair deireadhfómhair samhain nollaig",
        "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
        "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितम्बर अक्तूबर नवम्बर दिसम्बर",
        "בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר",
        "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
        "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر",
    )
    for number, name in enumerate(names.split(), 1)
}
_CLOCK_TIME: Final = r"(?:\D{1,12}?(\d{1,2})\s?[:h.時시]\s?(\d{2})\s?[分분]?)?"
_DAY_ABROAD: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:er|\.|º|°)?\s(?:de\s)?("
    + "|".join(map(re.escape, sorted(_MONTHS_ABROAD, key=len, reverse=True)))
    + r")\.?,?\s(?:de\s|del\s)?(\d{4})(?!\d)"
    + _CLOCK_TIME,
    re.IGNORECASE,
)
_DAY_IN_FIGURES: Final = re.compile(
    r"(?<!\d)(?:(\d{4})|令和\s?(\d{1,2}|元))\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일号]" + _CLOCK_TIME
)
_ENGLISH: Final = frozenset(
    {"april", "august", "september", "november", "jan", "feb", "apr", "jun", "jul", "aug", "nov"}
)
_REIWA: Final = 2018  # the year before the first one of the era


def _read_abroad(text: str, clock: Clock) -> Iterator[_Reading]:  # noqa: ARG001 - as its neighbours
    """Dates with the month in words of other languages, and those with a sign behind each figure (2026年3月12日)."""
    match = _DAY_IN_FIGURES.search(text)
    if match is not None:
        era = 1 if match[2] == "元" else int(match[2] or 0)
        parts = [int(match[1]) if match[1] else _REIWA + era, int(match[3]), int(match[4])]
        times = (match[5], match[6])
    else:
        match = _DAY_ABROAD.search(text)
        if match is None or (
            _MONTH.match(match[2]) and match[2].lower().rstrip(".") in _ENGLISH and "." not in match[0][:4]
        ):
            return  # English has twelve-hour clocks and named zones
        parts = [int(match[3]), _MONTHS_ABROAD[match[2].lower()], int(match[1])]
        times = (match[4], match[5])
    if times[0] is not None:
        parts += [int(times[0]), int(times[1])]
    yield _Reading(parts=tuple(parts))


_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_DEFAULTS: Final = (datetime(2000, 1, 1), datetime(2004, 2, 2))  # noqa: DTZ001 - they only show what a text names


def _read_words(text: str, clock: Clock) -> Iterator[_Reading]:
    """Dates with the month in English words, RFC 5322 among them."""
    if not _MONTH.search(text):
        return
    text = _TWELVE.sub(r"\1:\2 \3m", _LABEL.sub("", text))
    reader = date_parser.parser(_Words(dayfirst=not clock.month_first))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown zone is no zone
            one, two = (reader.parse(text, default=default, tzinfos=_ZONES) for default in _DEFAULTS)
    except (ValueError, OverflowError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return
    if one.year != two.year or one.month != two.month:
        return
    parts: tuple[int, ...] = (one.year, one.month)
    if one.day == two.day:
        parts = (*parts, one.day)
        if re.search(r"\d[:.]\d\d|\d\s*[ap]\.?m\b", text, re.IGNORECASE):
            parts = (*parts, one.hour, one.minute)
            if re.search(r"\d:\d\d:\d\d", text):
                parts = (*parts, one.second)
    yield _Reading(parts=parts, zone=one.tzinfo)
