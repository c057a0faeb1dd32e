"""Golden pages: one page for each CMS family and each template of its own, written by us, with what it says.

A folder for each: ``page.html`` has the anatomy of the system's real pages and invented news; ``expected.json`` says in
``read`` whose page it is, and in ``expect`` what a reader sees on it: written by hand from the page, the truth and no
recording. Only the fields that the page has something to say about stand there; of ``stripped`` it has what must not
be in the text, of ``labels`` what it must be called. ``known`` names fields that are not right yet, each with the
reason; they must fail as long as they stand there.

``python -m tests.golden`` shows every difference, ``python -m tests.golden accept NAME`` takes what extraction gives
for the truth (look at the difference first), ``python -m tests.golden settle`` takes out of ``known`` what is right.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.extract import extract_page
from pipeline.model import Article, Moment
from spiders.families import Families, escape
from spiders.site import BUILTIN_FOLDER, Site, load_sites, parse_site

FOLDER = Path(__file__).parent
CAPTURED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One page with what it says."""

    name: str
    read: dict[str, Any]
    expect: dict[str, Any]
    known: dict[str, str]

    @property
    def file(self) -> Path:
        return FOLDER / self.name / "expected.json"

    @property
    def payload(self) -> bytes:
        return (FOLDER / self.name / "page.html").read_bytes()


def load_goldens() -> list[Golden]:
    """Every golden page, sorted by name."""
    found = []
    for file in sorted(FOLDER.glob("*/expected.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        found.append(
            Golden(name=file.parent.name, read=data["read"], expect=data["expect"], known=data.get("known", {}))
        )
    return found


def find_name(site: Site) -> str:
    """The name of the golden page that covers a site: of its family, of the label it has for one, or its own."""
    if site.family is None:
        return site.id
    family = Families().find(site.family)
    return family.id if family is not None else re.sub(r"[^a-z0-9]+", "-", site.family.lower()).strip("-")


@cache
def _built_in() -> dict[str, Site]:
    return load_sites([BUILTIN_FOLDER])


def site_of(golden: Golden) -> Site:
    """Whose page it is: a built-in site, or one of the family with the front page that ``read`` gives."""
    if "site" in golden.read:
        return _built_in()[golden.read["site"]]
    home = golden.read["home"]
    newsroom = f'newsroom = "{golden.read["newsroom"]}"\n' if "newsroom" in golden.read else ""
    family = Families().by_id[golden.name]
    own = "" if "article" in family.site else f"article = '{escape(home)}.+'\n"
    sources = "" if "sources" in family.site else f'[[sources]]\ntype = "listing"\nurl = "{home}"\n'
    text = (
        f'name = "{golden.read["name"]}"\nhome = "{home}"\nkind = "{golden.read.get("kind", "council")}"\n'
        f'family = "{golden.name}"\n{newsroom}{own}{sources}'
    )
    return parse_site(text, id="golden")


def read_golden(golden: Golden) -> Article | str:
    """What extraction makes of the page: an article, or why there is none."""
    return _read_page(golden.payload, json.dumps([golden.name, golden.read]))


@cache
def _read_page(payload: bytes, told: str) -> Article | str:
    name, read = json.loads(told)
    site = site_of(Golden(name=name, read=read, expect={}, known={}))
    reading = extract_page(
        payload, site=site, url=read["url"], requested=read["url"], captured_at=CAPTURED, content_type="text/html"
    )
    return reading.article or f"{reading.kind}: {reading.reason}"


def find_differences(golden: Golden) -> dict[str, tuple[Any, Any]]:
    """The fields that are not as expected: what is expected, and what extraction gives."""
    article = read_golden(golden)
    if isinstance(article, str):
        return {"verdict": ("article", article)}
    found = {name: _give(article, name, expected) for name, expected in golden.expect.items()}
    return {name: (expected, found[name]) for name, expected in golden.expect.items() if found[name] != expected}


def _give(article: Article, name: str, expected: Any) -> Any:
    """A field of an article in the form that ``expect`` has it in."""
    if name == "text":
        return article.text.split("\n")
    if name == "stripped":
        reasons = {text: _find_reason(article, text) for text in expected}
        return [text if not why.startswith("(") else f"{text} {why}" for text, why in reasons.items()]
    if name == "labels":
        return [[text, _find_reason(article, text)] for text, _ in expected]
    if name == "parts":
        return [[part.kind, part.text] for part in article.parts if part.kind != "paragraph"]
    value = getattr(article, name)
    if isinstance(value, Moment):
        return _put_moment(value)
    given = json.loads(article.model_dump_json(include={name}))[name]
    if isinstance(expected, list) and expected and isinstance(expected[0], dict) and isinstance(given, list):
        keys = {key for one in expected for key in one}
        given = [{key: one[key] for key in one if key in keys and one[key] is not None} for one in given]
    return given


def _put_moment(moment: Moment) -> str:
    text = moment.value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return text[:10] if moment.precision == "day" else text


def _find_reason(article: Article, text: str) -> str:
    """The label under which a text was stripped."""
    whole = next((block.reason for block in article.stripped if text in block.text.split("\n")), None)
    if whole is not None and text not in article.text.split("\n"):
        return whole  # a paragraph may begin with the words of a caption
    if any(text in line for line in article.text.split("\n")):
        return "(in the text)"
    return next((block.reason for block in article.stripped if text in block.text), "(nowhere)")


def put_differences(golden: Golden, differences: dict[str, tuple[Any, Any]]) -> str:
    """Differences for people: field by field, texts as a unified diff."""
    lines = [f"{golden.name}: {len(differences)} of {len(golden.expect)} fields are not as {golden.file.name} says"]
    for name, (expected, found) in differences.items():
        if isinstance(expected, list) and isinstance(found, list):
            lines.append(f"  {name}:")
            before, after = ([_put(item) for item in side] for side in (expected, found))
            changes = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
            lines += [f"    {line}" for line in changes]
        else:
            lines += [f"  {name}:", f"    -{_put(expected)}", f"    +{_put(found)}"]
    lines.append(f"  (- expected, + found) to take what was found: python -m tests.golden accept {golden.name}")
    return "\n".join(lines)


def _put(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_golden(golden: Golden, *, expect: dict[str, Any], known: dict[str, str]) -> None:
    """Write the file of a golden page anew."""
    data = {"read": golden.read, "expect": expect, **({"known": known} if known else {})}
    golden.file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
