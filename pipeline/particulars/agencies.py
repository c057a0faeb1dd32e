"""News agencies that the text itself names as its writers: "LONDON (Reuters) -", "– PA", a credit line at its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_NAMES: Final = {
    "pa": "PA Media",
    "pa media": "PA Media",
    "press association": "PA Media",
    "ldrs": "Local Democracy Reporting Service",
    "local democracy reporting service": "Local Democracy Reporting Service",
    "reuters": "Reuters",
    "ap": "Associated Press",
    "associated press": "Associated Press",
    "afp": "AFP",
    "agence france-presse": "AFP",
    "dpa": "dpa",
    "apa": "APA",
    "sda": "Keystone-SDA",
    "keystone-sda": "Keystone-SDA",
    "sid": "SID",
    "epd": "epd",
    "kna": "KNA",
    "upi": "UPI",
    "bloomberg": "Bloomberg",
    "ansa": "ANSA",
    "efe": "EFE",
    "europa press": "Europa Press",
    "lusa": "Lusa",
    "anp": "ANP",
    "belga": "Belga",
    "ritzau": "Ritzau",
    "ntb": "NTB",
    "xinhua": "Xinhua",
    "kyodo": "Kyodo",
    "pti": "PTI",
    "ani": "ANI",
    "ians": "IANS",
    "aap": "AAP",
}
_ONE: Final = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))
_SHORT: Final = (
    "PA|PA Media|Press Association|Reuters|REUTERS|AP|AFP|dpa|DPA|APA|sda|SDA|SID|epd|KNA|UPI|ANSA|EFE|Lusa|ANP|Belga|"
    "BELGA|Ritzau|NTB|Xinhua|Kyodo|PTI|ANI|IANS|AAP|LDRS"
)
_DATELINE: Final = re.compile(
    rf"^(?:[^\W\d_][\w .,'’/&-]{{1,60}}?[\s,]+)?\((?P<agency>{_SHORT})(?:[/,][\w./ -]{{1,20}})?\)(?=\s|[-–—:.]|$)"
)
_TAIL: Final = re.compile(
    rf"(?:^|(?<=[.!?”\"'’)\]])\s*)[\s(\[–—©/*-]*(?P<agency>{_SHORT})(?:[/,]\s?(?:[A-Za-z]{{2,12}}|{_SHORT})){{0,3}}[)\]\s.]*$"
)
_LINE: Final = re.compile(
    rf"[\W_]*(?:(?:by|from|source|quelle|fuente|fonte|bron|kilde|with(?:\s\w+){{0,2}}\sfrom|additional\sreporting\sby|reporting\sby|"
    rf"with\sreporting\sby)\s?:?\s?(?:the\s)?)?(?P<agency>{_ONE})[\W_]*",
    re.IGNORECASE,
)
_SERVICE: Final = re.compile(r"\bLocal Democracy Report(?:ing Service|er(?:s)?\b)", re.IGNORECASE)
_ENDS: Final = 3  # lines at either end


def find_agencies(lines: Sequence[str]) -> tuple[str, ...]:
    """The agencies that the first and last lines of a text name as its writers, by one name each."""
    found: dict[str, None] = {}
    for number, line in enumerate(lines):
        if _ENDS <= number < len(lines) - _ENDS:
            continue
        head, foot = number < _ENDS, number >= len(lines) - _ENDS
        match = _DATELINE.match(line[:150]) if head else None
        if match is None and foot:
            match = _TAIL.search(line[-60:]) if len(line) > 60 else _TAIL.search(line)
        if match is None and len(line) <= 80:
            match = _LINE.fullmatch(line)
            if (
                match is not None
                and match["agency"].casefold() in {"pa", "ap", "sid", "ani"}
                and not match["agency"].isupper()
            ):
                match = None
        if match is not None:
            found.setdefault(_NAMES[match["agency"].casefold()])
        elif len(line) <= 250 and _SERVICE.search(line) and (len(line) <= 80 or foot):
            found.setdefault(_NAMES["ldrs"])
    return tuple(found)
