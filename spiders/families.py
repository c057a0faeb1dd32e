"""CMS families: what sites of one content management system have in common, as data.

A family is one TOML file, ``spiders/families/<id>.toml`` or ``families/<id>.toml`` in a folder of site files. It says
how its sites are recognised, and what such a site has unless its own file says otherwise: sources, article, exclude,
crawl and a few more keys of a site file, with placeholders for what differs from site to site. So a site of a known
family is a file of five lines. ``Family.fill`` writes into a site's raw document; whether the result is a usable site
is judged where all sites are judged (``spiders.site``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from spiders.problem import Problem, SiteError, check_pattern, find_nearest

BUILTIN_FAMILIES: Final = Path(__file__).parent / "families"
"""The family files inside the package."""
FOLDER_NAME: Final = "families"
"""Folders of this name hold family files; site files are not looked for in them."""
RECOGNISED_FROM: Final = 3
"""Marks whose weights add up to this make a family recognised."""

_SAMPLE_HOME: Final = "https://www.example.org/"
_PLACES: Final = ("home", "origin", "host", "newsroom", "slug")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]{2,})\}")
_WHOLE: Final = ("article", "exclude", "sources", "recheck")
_ADDED: Final = ("extract",)  # the site's own come first, and then the family's
_SINGLE: Final = ("schedule", "language", "timezone", "country", "publisher", "dates")
_TABLES: Final = ("crawl", "check")
_SEARCHED: Final = 200_000  # characters of a page that are held against marks
_PIECE, _OVERLAP = 4000, 400  # … in pieces, so that a pattern's cost is bounded

Where = Literal["generator", "header", "html", "link", "robots"]


class Mark(BaseModel):
    """One thing by which a family is recognised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: Where = Field(
        description="generator: the page's meta generator; header: a line of the answer's head (name: value); html: "
        "the page's source; link: the address of a link on the page; robots: the text of robots.txt."
    )
    pattern: Annotated[str, AfterValidator(check_pattern)] = Field(
        description="Regular expression that finds something there, whatever the case of letters."
    )
    weight: Annotated[int, Strict(), Field(ge=1, le=10)] = Field(
        default=3, description="How much it tells: 3 is enough by itself."
    )

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, re.IGNORECASE)


class Family(BaseModel):
    """One family, as its file declares it; the last four fields are templates of a site file's keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    file: str
    name: Annotated[str, Field(min_length=1)]
    names: tuple[str, ...] = ()
    notes: str = ""
    newsroom: str = "/"
    example: str = _SAMPLE_HOME
    unverified: tuple[str, ...] = ()
    recognise: tuple[Mark, ...] = ()
    site: dict[str, Any] = Field(default_factory=dict)

    def fill(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A site's document with what this family gives where the document says nothing.

        Args:
            data: the raw document of a site file; ``home`` must be a URL.

        Returns:
            The filled document, and the dotted keys that were filled.

        Raises:
            Misfit: the document lacks something that the family's templates need.
        """
        values = self._places(data)
        filled: dict[str, Any] = dict(data)
        keys: list[str] = []
        for key, given in self.site.items():
            if key in _TABLES:
                own = data.get(key, {})
                if not isinstance(own, dict):
                    continue
                more = {name: value for name, value in given.items() if name not in own}
                filled[key] = {**more, **own}
                keys += [f"{key}.{name}" for name in more]
            elif key in _ADDED:
                own = data.get(key, [])
                if not isinstance(own, list):
                    continue
                filled[key] = [*own, *given]
                keys += [f"{key}.{number}" for number in range(len(own), len(filled[key]))]
            elif key not in data and not (key == "exclude" and "article" in data):
                filled[key] = self._write(given, values, pattern=key in ("article", "exclude"))
                keys.append(key)
        hosts = [values["host"], urlsplit(values["newsroom"]).netloc]
        if hosts[0] != hosts[1] and "domains" not in data:
            filled["domains"] = [hosts[1], hosts[0]]
            keys.append("domains")
        if "unverified" not in data and (unseen := [key for key in self.unverified if _is_filled(key, keys)]):
            filled["unverified"] = unseen
            keys.append("unverified")
        return filled, tuple(keys)

    def _places(self, data: Mapping[str, Any]) -> dict[str, str]:
        home = str(data.get("home", ""))
        parts = urlsplit(home)
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        newsroom = data.get("newsroom")
        newsroom = urljoin(home, newsroom if isinstance(newsroom, str) else self.newsroom.replace("{home}", home))
        return {
            "home": home.rstrip("/"),
            "origin": origin,
            "host": parts.netloc.lower(),
            "newsroom": newsroom.rstrip("/"),
            "slug": parts.path.rstrip("/").rpartition("/")[2],
        }

    def _write(self, given: Any, values: Mapping[str, str], *, pattern: bool) -> Any:
        """A template with its placeholders filled in; in patterns the values are taken literally."""
        if isinstance(given, list):
            return [self._write(item, values, pattern=pattern) for item in given]
        if isinstance(given, dict):
            return {key: self._write(item, values, pattern=key == "follow") for key, item in given.items()}
        if not isinstance(given, str):
            return given

        def place(match: re.Match[str]) -> str:
            value = values[match[1]]
            if not value:
                raise Misfit(
                    key="home",
                    problem=f"ends without the name that family {self.id} needs of it ({{{match[1]}}})",
                    remedy=f'Write it as "{self.example}".',
                )
            return escape(value) if pattern else value

        return _PLACEHOLDER.sub(place, given)

    def fitted(self, home: str, newsroom: str | None = None) -> dict[str, Any]:
        """What the family gives to a site of which only its front page is known.

        Raises:
            Misfit: ``home`` lacks something that the templates need.
        """
        known = {"home": home} if newsroom is None else {"home": home, "newsroom": newsroom}
        return self.fill(known)[0]


def _is_filled(key: str, filled: Iterable[str]) -> bool:
    return any(one == key or (key in _ADDED and one.startswith(f"{key}.")) for one in filled)


class Misfit(ValueError):
    """A site's file lacks something that its family needs."""

    def __init__(self, *, key: str, problem: str, remedy: str) -> None:
        self.key, self.problem, self.remedy = key, problem, remedy
        super().__init__(f"{key}: {problem}. {remedy}")


def escape(text: str) -> str:
    """Text as a regular expression that finds just it, readable: hyphens, slashes and the like stay as they are."""
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)


# ------------------------------------------------------------------ recognising


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """What a site shows of itself, as far as families are told by it."""

    html: str = ""
    generators: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()  # "name: value"
    links: tuple[str, ...] = ()
    robots: str = ""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A family that a site seems to be of, with the evidence."""

    family: Family
    score: int
    evidence: tuple[str, ...]


def recognise(families: Iterable[Family], seen: Appearance) -> tuple[Recognised, ...]:
    """The families that a site shows marks of, most certain first; those with too few marks are left out."""
    found = []
    for family in families:
        evidence = [(mark, text) for mark in family.recognise if (text := _find_mark(mark, seen))]
        score = sum(mark.weight for mark, _ in evidence)
        if score >= RECOGNISED_FROM:
            told = tuple(f"{mark.where} has {text!r}" for mark, text in evidence)
            found.append(Recognised(family=family, score=score, evidence=told))
    return tuple(sorted(found, key=lambda one: (-one.score, one.family.id)))


def _find_mark(mark: Mark, seen: Appearance) -> str | None:
    texts: Iterable[str]
    if mark.where == "html":
        html = seen.html[:_SEARCHED]
        texts = (html[start : start + _PIECE + _OVERLAP] for start in range(0, len(html), _PIECE))
    elif mark.where == "robots":
        texts = (line[:500] for line in seen.robots.splitlines()[:500])
    else:
        lines = {"generator": seen.generators, "header": seen.headers, "link": seen.links}[mark.where]
        texts = (line[:2000] for line in lines[:2000])
    match = next((found for text in texts if (found := mark.expression.search(text))), None)
    return match[0][:80] if match else None


# ------------------------------------------------------------------ reading


@dataclass(kw_only=True)
class Families:
    """The families that site files may name: built-in ones and those of folders; read when first asked for.

    A folder's family comes before a built-in one of the same id. A file that cannot be used is left out, and told
    in ``problems``.
    """

    folders: tuple[Path, ...] = ()
    near: tuple[Path, ...] = ()  # folders of which only their own ``families/`` counts, not those below
    _problems: list[Problem] = field(default_factory=list)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folders' family files."""
        return tuple(self._problems if self.by_id else ())

    @classmethod
    def beside(cls, path: Path) -> Self:
        """The families for a site file of which no more is known than where it lies."""
        return cls(near=(path.absolute().parent, path.absolute().parent.parent))

    @cached_property
    def by_id(self) -> dict[str, Family]:
        """Every usable family, sorted by id."""
        found: dict[str, Family] = {}
        for path in self._files():
            try:
                family = read_family(path)
            except SiteError as error:
                self._problems += error.problems
                continue
            if family.id in found:
                self._problems.append(
                    Problem(
                        file=str(path),
                        key="",
                        problem=f"the family {family.id!r} is declared in {found[family.id].file}, too",
                        remedy="Rename one of the two files.",
                    )
                )
                continue
            found[family.id] = family
        return dict(sorted({**_builtin_families(), **found}.items()))

    def _files(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for folder in dict.fromkeys((*self.folders, *self.near)):
            below = folder.glob(f"*/{FOLDER_NAME}/*.toml") if folder in self.folders else ()
            for path in sorted([*folder.glob(f"{FOLDER_NAME}/*.toml"), *below]):
                hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
                if path.parent.resolve() == BUILTIN_FAMILIES or hidden or path.resolve() in seen:
                    continue
                seen.add(path.resolve())
                yield path

    def find(self, text: str) -> Family | None:
        """The family that a site file's ``family`` names, by id or by one of its names."""
        return self.by_id.get(text) or self._by_name.get(_fold(text))

    @cached_property
    def _by_name(self) -> dict[str, Family]:
        named: dict[str, Family] = {}
        for family in self.by_id.values():
            for name in (family.id, family.name, *family.names):
                named.setdefault(_fold(name), family)
        return named


@lru_cache(maxsize=1)
def _builtin_families() -> Mapping[str, Family]:
    """The families of the package; a mistake in one is a mistake in the package."""
    return {path.stem: read_family(path) for path in sorted(BUILTIN_FAMILIES.glob("*.toml"))}


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def read_family(path: Path) -> Family:
    """Read one family file; the id is its stem.

    Raises:
        SiteError: it cannot be read or used; ``problems`` has every mistake in it.
    """

    def refuse(key: str, problem: str, remedy: str) -> Problem:
        return Problem(file=str(path), key=key, problem=problem, remedy=remedy)

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SiteError([refuse("", f"cannot be read ({error.strerror})", "Make it a readable file.")]) from error
    except (ValueError, RecursionError) as error:
        raise SiteError([refuse("", f"is not TOML: {error}", "Correct the line.")]) from error
    problems = []
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", path.stem):
        problems.append(refuse("", f"{path.stem!r} is no id of a family", "Rename it: a-z, 0-9 and inner hyphens."))
    templates = {key: data.pop(key) for key in (*_WHOLE, *_ADDED, *_SINGLE, *_TABLES) if key in data}
    for key, value in templates.items():
        if (key in _TABLES) != isinstance(value, dict):
            problems.append(refuse(key, "is a table where none belongs, or none where one does", f"See {path.name}."))
    problems += [
        refuse(key, "is not a list of tables", f"Write [[{key}]].")
        for key in _ADDED
        if key in templates and not isinstance(templates[key], list)
    ]
    problems += [refuse(*words) for words in _find_placeholder_problems(templates)]
    for own in [name for name in ("id", "file", "site") if name in data]:
        del data[own]
        problems.append(refuse(own, "is no key of a family file", "Remove it; the file's name is the id."))
    try:
        family = Family.model_validate({**data, "id": path.stem, "file": str(path), "site": templates})
    except ValidationError as error:
        problems += [refuse(*_explain(dict(item))) for item in error.errors(include_url=False)]
        raise SiteError(problems) from error
    if problems:
        raise SiteError(problems)
    return family


def _find_placeholder_problems(node: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(node, dict | list):
        for name, item in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _find_placeholder_problems(item, f"{key}.{name}".lstrip("."))
    elif isinstance(node, str):
        for name in _PLACEHOLDER.findall(node):
            if name not in _PLACES:
                near = find_nearest(name, _PLACES)
                known = ", ".join(f"{{{place}}}" for place in _PLACES)
                yield key, f"{{{name}}} is no placeholder", f"Write {{{near}}}." if near else f"Known: {known}."


def _explain(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """Key, problem and remedy of one pydantic error."""
    key = ".".join(str(step) for step in item["loc"])
    name = str(item["loc"][-1])
    if item["type"] == "site":
        return key, str(item["ctx"]["problem"]), str(item["ctx"]["remedy"])
    if item["type"] == "extra_forbidden":
        known = Mark.model_fields if "recognise" in item["loc"] else Family.model_fields
        keys = [*(key for key in known if key not in ("id", "file", "site")), *_WHOLE, *_ADDED, *_SINGLE, *_TABLES]
        near = find_nearest(name, keys)
        return key, "there is no such key", f"Write {near}." if near else f"Remove it. Known: {', '.join(keys)}."
    if item["type"] == "missing":
        return key, "is missing", f'Add {name} = "…".'
    return key, item["msg"][:1].lower() + item["msg"][1:], "docs/sites.md says what a family file holds."
