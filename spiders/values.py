"""Values that a site file may hold: each is checked, and refused with what to write instead.

One function for each kind of value, and the annotated types that the model of ``spiders.site`` is made of. What keys
there are, and what they say against each other, stands there.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from croniter import croniter
from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from spiders.problem import check_pattern, find_nearest, refuse_value

CRON_PRESETS: Final = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly", "@annually")


def _check_text(value: str) -> str:
    if not value.strip():
        raise refuse_value("is empty", "Write a text, or remove the key.")
    return value


def _check_url(value: str) -> str:
    """An absolute http(s) URL without user name, fragment or white space, as it goes over the wire."""
    if re.search(r"[\s\x00-\x20\x7f]", value):
        raise refuse_value(f"{value!r} has white space in it", "Write the URL without it, or as %20.")
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise refuse_value(
            f"{value!r} is no URL ({error})", 'Write it as "https://www.example.gov.uk/news".'
        ) from error
    if "@" in parts.netloc:
        raise refuse_value("has a user name or password in it", "Write the URL without what stands before the @ sign.")
    if parts.scheme not in ("http", "https"):
        remedy = (
            f'Write "https://{value}".' if "://" not in value else "Write a URL that begins with https:// or http://."
        )
        raise refuse_value(f"{value!r} is not an http or https URL", remedy)
    if not host:
        raise refuse_value(f"{value!r} names no host", 'Write it as "https://www.example.gov.uk/news".')
    if not host.isascii():
        raise refuse_value(f"host {host!r} is not ASCII", f'Write the host as "{_punycode(host)}".')
    if parts.fragment:
        raise refuse_value(f"has a fragment (#{parts.fragment}), which is never sent", "Write the URL without it.")
    return value


def _punycode(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return "xn--…"


def check_home(value: str) -> str:
    """The URL of a front page: without a query."""
    value = _check_url(value)
    if urlsplit(value).query:
        raise refuse_value("has a query", "Write the address of the front page without what follows the question mark.")
    return value


def _check_newsroom(value: str) -> str:
    """A path of the site, or a whole URL where the newsroom is on another host."""
    if not value.startswith("/"):
        return check_home(value)
    check_home(f"https://www.example.gov.uk{value}")
    return value


def check_domain(value: str) -> str:
    """A host, with its port where that is unusual, in small letters."""
    if "://" in value or "/" in value:
        host = find_netloc(urlsplit(value if "://" in value else f"https://{value}")) or "www.example.gov.uk"
        raise refuse_value(f"{value!r} is a URL, not a host", f'Write "{host}".')
    if value != value.lower():
        raise refuse_value(f"{value!r} has capital letters", f'Write "{value.lower()}".')
    if "*" in value:
        raise refuse_value(f"{value!r} has a wildcard", "Write each host by its full name.")
    if not re.fullmatch(r"(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?)(?::\d{1,5})?", value):
        raise refuse_value(f"{value!r} is no host", 'Write it as "www.example.gov.uk" or "127.0.0.1:8080".')
    return value


def _check_schedule(value: str) -> str:
    if value.startswith("@"):
        if value not in CRON_PRESETS:
            near = find_nearest(value, CRON_PRESETS) or "@hourly"
            raise refuse_value(
                f"{value!r} is no known preset", f'Write "{near}" (known: {", ".join(CRON_PRESETS)}) or a cron line.'
            )
        return value
    if len(value.split()) != 5:
        raise refuse_value(
            f"{value!r} has {len(value.split())} fields, a cron line has five (minute hour day month weekday)",
            'Write "20 * * * *" for 20 minutes past every hour, or a preset such as "@hourly".',
        )
    try:
        if re.search(r"(?<![A-Za-z])[RrHh?](?![A-Za-z])", value):
            raise ValueError("random and hashed fields are not for timetables")
        croniter(value, datetime(2026, 1, 1, tzinfo=UTC)).get_next(datetime)
    except (ValueError, KeyError, AttributeError, OverflowError) as error:
        raise refuse_value(
            f"{value!r} is no usable cron line ({error})",
            'Write minute (0-59), hour (0-23), day (1-31), month (1-12), weekday (0-6), for example "20 7-20 * * 1-5".',
        ) from error
    return value


def _check_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = _nearest_zone(value)
        raise refuse_value(f"{value!r} is no known time zone", f'Write "{near}" (an IANA name).') from error
    return value


def _nearest_zone(value: str) -> str:
    by_lower = {name.lower(): name for name in zoneinfo.available_timezones()}
    return by_lower.get(find_nearest(value, by_lower) or "", "Europe/London")


_LANGUAGES: Final = frozenset(  # ISO 639-1
    """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja
    jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb
    nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq
    sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.split()  # noqa: SIM905 (a list of 183 strings is no easier to read)
)
_LANGUAGE_NAMES: Final = {
    "english": "en", "british": "en-GB", "welsh": "cy", "cymraeg": "cy", "scots": "sco", "gaelic": "gd", "irish": "ga",
    "french": "fr", "german": "de",
}  # fmt: skip


def _check_language(value: str) -> str:
    parts = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?", value)
    if parts is None or (len(parts[1]) == 2 and parts[1].lower() not in _LANGUAGES):
        guess = _LANGUAGE_NAMES.get(value.lower(), "en")
        raise refuse_value(f"{value!r} is no language tag (BCP 47)", f'Write a code such as "{guess}".')
    written = [parts[1].lower(), *([parts[2].title()] if parts[2] else []), *([parts[3].upper()] if parts[3] else [])]
    if value != "-".join(written):
        raise refuse_value(f"{value!r} is not written as a language tag is", f'Write "{"-".join(written)}".')
    return value


def _check_country(value: str) -> str:
    if value.lower() == "uk":
        raise refuse_value(f"{value!r} is not the code of a country", 'Write "gb" (ISO 3166).')
    if not re.fullmatch(r"[a-z]{2}", value):
        raise refuse_value(f"{value!r} is no country code", 'Write two small letters (ISO 3166), for example "gb".')
    return value


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ISO_DURATION: Final = re.compile(
    r"P(?:(?P<w>\d+)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_SHORT_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+")
_LONGEST: Final = timedelta(days=36525)


def read_duration(value: object) -> object:
    """``"6h"``, ``"1d 12h"``, ``"PT6H"`` or ``"P2D"`` as a timedelta; a timedelta as it is.

    ISO 8601 without years and months, whose length is not fixed. Raises pydantic's error with a remedy.
    """
    if isinstance(value, timedelta):
        return value
    how = 'Write a number with s, m, h, d or w ("6h", "2d") or ISO 8601 ("PT6H", "P2D").'
    if not isinstance(value, str):
        raise refuse_value(f"is {name_type(value)}, which does not say its unit" if isinstance(value, int | float)
                     and not isinstance(value, bool) else f"is {name_type(value)}, not a duration", how)  # fmt: skip
    text = value.strip()
    if len(text) > 40:
        raise refuse_value("is no duration", how)
    iso = _ISO_DURATION.fullmatch(text)
    if iso and any(iso.groups()):
        seconds = sum(float(number) * _UNITS[unit] for unit, number in iso.groupdict().items() if number)
    elif _SHORT_DURATION.fullmatch(text):
        seconds = sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", text))
    else:
        raise refuse_value(f"{value!r} is no duration", how)
    if seconds > _LONGEST.total_seconds():
        raise refuse_value(f"{value!r} is longer than a hundred years", how)
    return timedelta(seconds=seconds)


def _check_positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise refuse_value("is not longer than nothing", 'Write a longer time, for example "1h".')
    return value


_DURATION_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "pattern": r"^(?:P.+|(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+)$", "examples": ["6h", "2d", "PT6H"]}
)
_WINDOW: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


def _check_window(value: str) -> str:
    parts = _WINDOW.fullmatch(value)
    if parts is None or (parts[3] == "24" and parts[4] != "00"):
        raise refuse_value(f"{value!r} is no span of a day", 'Write it as "22:00-06:00".')
    if parts[1] + parts[2] == parts[3] + parts[4]:
        raise refuse_value(f"{value!r} begins where it ends", "Write two different times, or leave windows out.")
    return value


def read_period(value: str) -> tuple[date, date]:
    """First and last day of an ISO 8601 interval of days.

    Raises:
        ValueError: it is none, or ends before it begins.
    """
    first, slash, last = value.partition("/")
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if not slash or end < begin:
        raise ValueError(value)
    return begin, end


def _check_period(value: str) -> str:
    try:
        read_period(value)
    except ValueError:
        how = 'Write first and last day as "2029-05-01/2029-06-10".'
        raise refuse_value(f"{value!r} is no span of days", how) from None
    return value


def _read_day(value: object) -> object:
    """A TOML date, or its text; anything else is refused with a remedy."""
    how = "Write a date without quotes: 2027-04-01."
    if isinstance(value, datetime):
        raise refuse_value("has a time of day", how)
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refuse_value(f"{value!r} is no date", how) from None
    if not isinstance(value, date):
        raise refuse_value(f"is {name_type(value)}, not a date", how)
    return value


def find_netloc(parts: SplitResult) -> str:
    """Host in lower case, with its port where that is not the scheme's."""
    netloc = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return netloc.removesuffix(default) if default else netloc


def name_type(value: object) -> str:
    """What a TOML value is, in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names: list[tuple[type | tuple[type, ...], str]] = [
        (str, "text"), ((int, float), "a number"), ((list, tuple), "a list"), (dict, "a table"),
    ]  # fmt: skip
    return next((name for type_, name in names if isinstance(value, type_)), "a date or time")


Text = Annotated[str, AfterValidator(_check_text)]
Window = Annotated[str, AfterValidator(_check_window)]
Period = Annotated[str, AfterValidator(_check_period)]
Day = Annotated[date, BeforeValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"})]
Url = Annotated[
    str, AfterValidator(_check_url), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]
Home = Annotated[
    str, AfterValidator(check_home), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]
Newsroom = Annotated[
    str, AfterValidator(_check_newsroom), WithJsonSchema({"type": "string", "pattern": "^(?:/|https?://)"})
]
Domain = Annotated[str, AfterValidator(check_domain)]
Pattern = Annotated[str, AfterValidator(check_pattern), WithJsonSchema({"type": "string", "format": "regex"})]
Schedule = Annotated[str, AfterValidator(_check_schedule)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Language = Annotated[str, AfterValidator(_check_language)]
Country = Annotated[str, AfterValidator(_check_country)]
Duration = Annotated[timedelta, AfterValidator(_check_positive), BeforeValidator(read_duration), _DURATION_SCHEMA]
Spread = Annotated[timedelta, Field(ge=timedelta(0)), BeforeValidator(read_duration), _DURATION_SCHEMA]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Switch = Annotated[bool, Strict()]
Kind = Literal["trade", "council", "government", "parliament", "national", "regional"]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
