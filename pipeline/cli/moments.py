"""Moments as people write them on the command line: a time with its zone, a day, a while ago."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

FORMS: Final = "2026-11-22, 2026-11-22T09:30, 2026-11-22T09:30+01:00, '2026-11-22 09:30 Europe/London', 36h, 7d or 2w"
"""What a moment may look like, for messages and help."""

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|sec|m|min|h|d|w|seconds?|minutes?|hours?|days?|weeks?)(?:\s+ago)?")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_STAMP: Final = re.compile(r"\d{14}")


@dataclass(frozen=True, kw_only=True)
class Instant:
    """A moment, and what was taken for granted in reading it."""

    at: datetime  # UTC
    assumed: str = ""  # "a time without a zone is read as UTC"


def read_moment(text: str, *, now: datetime, day: Literal["begins", "ends"]) -> Instant:
    """The moment that is meant.

    A time without a zone is UTC, as every time that Muniment prints. Beside ISO 8601, the date of HTTP (RFC 9110) and
    the fourteen digits of web archives are read, both UTC, and a zone by its name in the tz database.

    Args:
        now: what "7d" is counted back from.
        day: which end of a day a date without a time means.

    Raises:
        typer.BadParameter: it is none of these.
    """
    words = text.strip()
    try:
        return _read(words, now, day)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        raise typer.BadParameter(f"{text!r} is no moment; write {FORMS}.") from None


def _read(words: str, now: datetime, day: Literal["begins", "ends"]) -> Instant:  # noqa: PLR0911 - one return a form
    if ago := _AGO.fullmatch(words.lower()):
        return Instant(at=(now - timedelta(**{_UNITS[ago[2][0]]: int(ago[1])})).astimezone(UTC))
    if words.lower() == "now":
        return Instant(at=now.astimezone(UTC))
    if _STAMP.fullmatch(words):
        return Instant(at=datetime.strptime(words + "+0000", "%Y%m%d%H%M%S%z"))
    if "," in words:
        told = parsedate_to_datetime(words)
        return Instant(at=_utc(told), assumed="" if told.tzinfo else "a time without a zone is read as UTC")
    body, _, name = words.rpartition(" ")
    named = bool(body) and not name[0].isdigit()
    zone = ZoneInfo(name) if named else None
    stem = body.strip() if named else words
    where = name if named else "UTC"
    try:
        whole = date.fromisoformat(stem)
    except ValueError:
        moment = datetime.fromisoformat(stem)
        if moment.tzinfo:
            if zone:
                raise ValueError("two zones") from None
            return Instant(at=_utc(moment))
        if zone:
            return Instant(at=_utc(moment.replace(tzinfo=zone)))
        return Instant(at=_utc(moment), assumed="a time without a zone is read as UTC")
    if day == "ends":
        whole += timedelta(days=1)
    at = datetime(whole.year, whole.month, whole.day, tzinfo=zone or UTC)
    if day == "ends":
        at -= timedelta(microseconds=1)
    which = "end" if day == "ends" else "beginning"
    return Instant(at=_utc(at), assumed=f"a day without a time is read as its {which}, {where}")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
