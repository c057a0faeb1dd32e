"""Which sites there are, and of each what its DAG is made of, so cheaply that thousands can be read at every parse.

Airflow parses a DAG file again and again, and once more for every task. Reading, filling and judging one site file
takes about 2 ms (its patterns are proved harmless), so what a DAG needs of it, a ``Sheet``, is kept below
``MUNIMENT_HOME``: one small JSON file for each site, taken only while the site file has the same path, size and time
of change and everything that the sheet was made by (our code, the families, the settings) is the same. A file of this
cache that is missing, damaged, old or not to be written changes nothing but the time that it takes: it is made anew,
beside, and put in place at once, by whoever comes first. Tasks read the site file itself. Where
all sheets are kept, nothing that judges site files is even imported: that takes as long as building 200 DAGs.

Not here: what is in a DAG (``dags.factory``), what a site file may say (``spiders.site``).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from pipeline import __version__
from pipeline.settings import Settings, read_settings
from spiders.problem import Problem, SiteError

if TYPE_CHECKING:
    from spiders.site import Site

CACHE_FOLDER: Final = "parsed"
"""Below ``MUNIMENT_HOME``; may be removed at any time."""

_ROOT: Final = Path(__file__).resolve().parent.parent
_BUILTIN_SITES: Final = _ROOT / "spiders" / "sites"  # as spiders.site and spiders.families have them
_BUILTIN_FAMILIES: Final = _ROOT / "spiders" / "families"
_FAMILIES: Final = "families"
_SETTING: Final = "MUNIMENT_SITES"
_CODE: Final = ("dags", "spiders", "pipeline/endangered.py", "pipeline/model.py", "pipeline/settings.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What the DAG of a site is made of."""

    id: str
    name: str
    home: str
    page: str  # Markdown
    schedule: str  # in force
    timezone: str
    tags: tuple[str, ...]
    fetch_at_most: int
    run_seconds: float
    windows: tuple[str, ...]
    pool: str | None


@cache
def parse_settings() -> Settings:
    """The settings, read once for all DAG files that a process parses: it takes 4 ms, and some processes parse all."""
    return read_settings()


def list_site_files(settings: Settings, problems: list[Problem]) -> dict[str, Path]:
    """The site files by id, sorted; of two files that claim one id the first folder's counts.

    Folders that are none and ids that are claimed twice go to ``problems``. The files are those that
    ``spiders.site.find_site_files`` finds.
    """
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for folder in ([_BUILTIN_SITES] if settings.builtin_sites else []) + list(settings.sites):
        if not folder.is_dir():
            problems.append(_no_folder(folder))
            continue
        for path in sorted(_scan(folder)):
            # resolving costs as much as all the rest, and matters only where a path leads to a file twice
            where = path.resolve() if path.stem in found or path.is_symlink() else path
            if where in seen:
                continue
            seen.add(where)
            if path.stem not in found:
                found[path.stem] = path
            elif found[path.stem].resolve() != where:
                problems.append(_taken(path, found[path.stem]))
    return dict(sorted(found.items()))


def _scan(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name != _FAMILIES:
                yield from _scan(Path(entry.path))
        elif entry.name.endswith(".toml") and entry.is_file() and folder.name != _FAMILIES:
            yield Path(entry.path)


def read_sheets(
    settings: Settings, files: dict[str, Path], ids: Iterable[str], problems: list[Problem]
) -> Iterator[Sheet]:
    """The sheets of these sites; what is wrong with a file goes to ``problems``, and the site is left out."""
    families = None
    made_by = _fingerprint(settings)
    cache = settings.home.expanduser() / CACHE_FOLDER
    for site_id in ids:
        path = files[site_id]
        kept = cache / f"{site_id}.json"
        try:
            found = path.stat()
            key = [str(path), found.st_mtime_ns, found.st_size, found.st_ino, made_by]
        except OSError:  # told by load_site
            key = []
        sheet = _read_kept(kept, key)
        if sheet is None:
            from spiders.families import Families
            from spiders.site import load_site

            families = families or Families(folders=settings.sites)
            try:
                site = load_site(path, families=families)
            except SiteError as error:
                problems += error.problems
                continue
            sheet = make_sheet(site, settings)
            if key and site.endangered is None:  # whose schedule depends on the day
                _keep(kept, key, sheet)
        yield sheet


def make_sheet(site: Site, settings: Settings) -> Sheet:
    """What the DAG of a site is made of today."""
    from dags.page import describe_site
    from pipeline.endangered import schedule_in_force
    from pipeline.model import pool_name

    schedule = schedule_in_force(site, settings.now())
    return Sheet(
        id=site.id,
        name=site.name,
        home=site.home,
        page=describe_site(site, bucket=settings.bucket, asset=asset_name(site.id), schedule=schedule),
        schedule=schedule,
        timezone=site.timezone,
        tags=site_tags(site),
        fetch_at_most=site.crawl.fetch_at_most,
        run_seconds=site.crawl.run_seconds,
        windows=site.crawl.windows,
        pool=pool_name(site.crawl.group) if site.crawl.group else None,
    )


def asset_name(site_id: str) -> str:
    """Name of the Asset that a published run of a site updates."""
    return f"articles/{site_id}"


def site_tags(site: Site) -> tuple[str, ...]:
    """Tags by which an operator filters the list of DAGs."""
    facts = {"kind": site.kind, "cms": site.family, "region": site.region, "country": site.country}
    return ("muniment", *(f"{name}:{value}"[:100] for name, value in facts.items() if value))


def _read_kept(path: Path, key: Sequence[object]) -> Sheet | None:
    """The sheet that is kept there; None: there is none, it is damaged, or it was made of something else."""
    try:
        kept = orjson.loads(path.read_bytes())
        body = kept["sheet"]
        if kept["key"] != list(key) or kept["sum"] != _sum(body):
            return None
        return Sheet(**{**body, "tags": tuple(body["tags"]), "windows": tuple(body["windows"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, key: Sequence[object], sheet: Sheet) -> None:
    body = asdict(sheet)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with suppress(OSError):  # a home that cannot be written costs time, and nothing else
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            beside.write_bytes(orjson.dumps({"key": list(key), "sum": _sum(body), "sheet": body}))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _sum(body: object) -> str:
    return hashlib.blake2b(orjson.dumps(body), digest_size=16).hexdigest()


def list_family_folders(settings: Settings) -> list[Path]:
    """The folders beside site files that hold families; usually none."""
    found: list[Path] = []
    for folder in settings.sites:
        if folder.is_dir():
            below = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
            found += [each / _FAMILIES for each in (folder, *sorted(below)) if (each / _FAMILIES).is_dir()]
    return found


def _fingerprint(settings: Settings) -> str:
    """Changes with everything but the site's own file that a sheet is made by."""
    folders = [_BUILTIN_FAMILIES, *list_family_folders(settings)]
    seen: list[object] = [__version__, sys.version, settings.bucket]
    for path in [*(_ROOT / name for name in _CODE), *folders]:
        if path.is_dir():
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
            stats = [(e.path, e.stat()) for e in entries if e.name.endswith((".py", ".toml")) and e.is_file()]
        else:
            stats = [(str(path), path.stat())] if path.exists() else []
        seen += [(name, found.st_mtime_ns, found.st_size) for name, found in stats]
    return hashlib.blake2b(repr(seen).encode(), digest_size=16).hexdigest()


def _no_folder(folder: Path) -> Problem:
    if folder.is_file():
        what, remedy = "is a file, not a folder", f"Write the folder that it is in into {_SETTING}."
    else:
        what, remedy = "there is no such folder", f"Make it, or correct {_SETTING}."
    return Problem(file=str(folder), key=_SETTING, problem=what, remedy=remedy)


def _taken(path: Path, other: Path) -> Problem:
    return Problem(
        file=str(path),
        key="",
        problem=f"the id {path.stem!r} is taken by {other}, which is used",
        remedy="Rename one of the two files; an id names a site's place in the archive.",
    )
