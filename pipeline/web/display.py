"""How values stand on a page: made visible, never markup. The templates' surroundings, and nothing of any one page.

Jinja escapes everything (autoescape); ``show`` comes before that and takes away what escaping leaves: control
characters, and marks that turn the direction of what follows. Templates hold no script and no style in a line, so the
pages' Content-Security-Policy allows neither.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.web.overview import tell_span

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "templates"
STATIC: Final = HERE / "static"

_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_LIMIT: Final = 1024


def show(value: object) -> object:
    """Text with what cannot be seen written out; everything else as it is. Joiners that scripts need stay."""
    if type(value) is not str or (value.isascii() and value.isprintable()):
        return value
    return "".join(
        char.encode("unicode_escape").decode()
        if char in _TURNING or (char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cs"))
        else char
        for char in value
    )


def make_environment() -> Environment:
    """The templates, with the few filters that they use."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=show,
    )
    environment.filters |= {
        "when": tell_time,
        "machine": tell_machine_time,
        "day": lambda moment: f"{moment.astimezone(UTC):%d %b %Y}" if moment else "–",
        "span": lambda span: tell_span(span) if span is not None else "–",
        "seconds": lambda seconds: tell_span(timedelta(seconds=seconds)) if seconds is not None else "–",
        "number": lambda number: "–" if number is None else f"{number:,}",
        "figure": tell_figure,
        "percent": lambda share: "–" if share is None else f"{share:.0%}",
        "size": tell_size,
        "part": lambda text: quote(str(text), safe=""),
        "query": lambda values: urlencode({name: value for name, value in values.items() if value not in ("", None)}),
    }
    environment.tests["linkable"] = is_linkable
    environment.globals["static"] = name_static
    return environment


def tell_time(moment: datetime | None) -> str:
    """A moment for people: "22 Nov 2026 09:30" (UTC, which the page says once)."""
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M}" if moment else "–"


def tell_machine_time(moment: datetime) -> str:
    """A moment for ``<time datetime>``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def tell_figure(figure: float | None) -> str:
    """A check's figure as it is read: whole numbers whole, others with two or three digits."""
    if figure is None:
        return "–"
    if figure == int(figure):
        return f"{int(figure):,}"
    return f"{figure:.3g}" if abs(figure) < 1 else f"{figure:,.1f}"


def tell_size(count: float) -> str:
    """A number of bytes for people."""
    for unit in _UNITS[:-1]:
        if count < _LIMIT:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
        count /= _LIMIT
    return f"{count:.1f} {_UNITS[-1]}"


def is_linkable(url: object) -> bool:
    """Whether a page's address may be a link: http and https with a host, and nothing else."""
    text = str(url)
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text.isprintable() and text == text.strip()


@cache
def list_static() -> Mapping[str, tuple[bytes, str, str]]:
    """The static files by name: bytes, type, digest. There are a few, and they are small."""
    types = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in types:
            body = path.read_bytes()
            found[path.name] = (body, types[path.suffix], hashlib.sha256(body).hexdigest()[:12])
    return found


def name_static(name: str) -> str:
    """A static file's address below the pages' root; another one whenever it changes."""
    return f"static/{name}?v={list_static()[name][2]}"
