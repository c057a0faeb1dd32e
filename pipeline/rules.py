"""What a site's file says of its pages: blocks to strip and to keep, and where the fields stand.

`compile_rules` makes selectors ready once for each worker, `apply_rules` holds them against a page. What they say goes
before every other reading; a selector that finds nothing changes nothing and is told (`Marks.told`), so that the gate
can warn of a site that was redesigned. Pure. Not here: which selectors are allowed (`spiders.selectors`), and for which
days a table is (`Site.rules_at`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal, cast

from lxml.etree import XPath, XPathEvalError, _Element
from lxml.html import HtmlElement

from pipeline.blocks import STRIPPED_BLOCKS, STRIPPED_CHARACTERS
from pipeline.metadata import (
    AUTHORS,
    NAME_CHARACTERS,
    TITLE_CHARACTERS,
    Clock,
    Metadata,
    clean_text,
    parse_moment,
    split_names,
    tidy,
)
from pipeline.model import Article, Byline, Stripped
from pipeline.page import disarm, parse_page
from spiders.selectors import split_attribute, translate
from spiders.site import ExtractRules, Site

ORIGIN: Final = "site rule"
"""What `origins` and `Stripped.rule` say of all that was decided here."""
MOST_ELEMENTS: Final = 2000  # that one selector marks on a page; what is beyond is left to the usual reading
MOST_VALUES: Final = 50

_TEXT_CHARACTERS: Final = 5000
_INLINE: Final = frozenset(
    [
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd"),
        *("label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var"),
        *("td", "th", "tr"),
    ]
)
_LISTS: Final = frozenset({"authors", "agencies", "tags"})
_DATES: Final = frozenset({"published", "modified", "embargo"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One selector with what it is for; ``name`` is what people are told: ``strip ".promo"``."""

    name: str
    verb: Literal["body", "strip", "keep", "field"]
    find: XPath
    field: str = ""
    attribute: str | None = None


@lru_cache(maxsize=64)
def compile_rules(tables: tuple[ExtractRules, ...]) -> tuple[Rule, ...]:
    """The rules of tables, the first table's first."""
    found: dict[str, Rule] = {}
    for table in tables:
        for rule in _read_table(table):
            found.setdefault(rule.name, rule)
    return tuple(found.values())


def _read_table(table: ExtractRules) -> Iterator[Rule]:
    if table.body is not None:
        yield _make_rule("body", table.body)
    for selector in table.strip:
        yield _make_rule("strip", selector)
    for selector in table.keep:
        yield _make_rule("keep", selector)
    for name, value in table.fields:
        if value is not None:
            selector, attribute = split_attribute(value)
            find = XPath(translate(selector))
            yield Rule(name=f'{name} "{value}"', verb="field", find=find, field=name, attribute=attribute)


def _make_rule(verb: Literal["body", "strip", "keep"], selector: str) -> Rule:
    return Rule(name=f'{verb} "{selector}"', verb=verb, find=XPath(translate(selector)))


@dataclass(kw_only=True)
class Marks:
    """What the rules found on one page.

    ``told`` names each rule and says whether it found something; ``values`` are the texts of the fields; ``cut`` is
    what was taken out of the middle of lines.
    """

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: dict[str, bool] = field(default_factory=dict)
    cut: tuple[Stripped, ...] = ()
    marked: dict[_Element, tuple[bool, str]] = field(default_factory=dict)  # kept?, by which rule
    bodies: dict[_Element, str] = field(default_factory=dict)
    _judged: dict[_Element, tuple[tuple[bool, str] | None, bool]] = field(default_factory=dict)

    def judge(self, element: _Element) -> tuple[bool, str] | None:
        """What the rules say of a block: whether it is text, and the rule's name; None when they say nothing.

        The nearest element that a rule found counts, so a box within what is kept can be stripped, and the other way
        round. Ask before the tree is taken apart.
        """
        way: list[_Element] = []
        said: tuple[bool, str] | None = None
        inside = False
        at: _Element | None = element
        while at is not None:
            if (known := self._judged.get(at)) is not None:
                said, inside = known
                break
            way.append(at)
            at = at.getparent()
        for at in reversed(way):
            said = self.marked.get(at, said)
            inside = inside or at in self.bodies
            self._judged[at] = (said, inside)
        if said is not None or inside or not self.bodies:
            return said
        return False, f"outside {next(iter(self.bodies.values()))}"

    def prune(self, tree: HtmlElement) -> HtmlElement:
        """The tree in which the usual reading looks for the text: without what is stripped, and only the body.

        Ask after the blocks were judged: what is stripped is taken out of ``tree`` itself, unless something in it is
        kept; where the rules name the body, the answer is a tree of its own with a copy of it.
        """
        above: set[_Element] = set()
        for element, (kept, _) in self.marked.items():
            at: _Element | None = element if kept else None
            while at is not None and at not in above:
                above.add(at)
                at = at.getparent()
        for element, (kept, _) in self.marked.items():
            if not kept and element not in above:
                _drop(element)
        if not self.bodies:
            return tree
        whole = parse_page("<html><body><br></body></html>")
        if whole is None:
            return tree
        whole.body[:] = [deepcopy(element) for element in self.bodies if not self._is_nested(element)]
        return whole

    def _is_nested(self, element: _Element) -> bool:
        return any(above in self.bodies for above in element.iterancestors())


def _drop(element: _Element) -> None:
    if element.getparent() is not None:
        cast("HtmlElement", element).drop_tree()


def apply_rules(rules: Sequence[Rule], tree: HtmlElement) -> Marks:
    """Hold rules against a page; pieces within lines that are to be stripped are taken out of the tree.

    Args:
        rules: in the order in which they count: of two that find one element the first.
        tree: the whole page, as parsed.
    """
    marks = Marks()
    bounded = False  # the first body that is there is the one that counts
    pieces: dict[_Element, str] = {}
    for rule in rules:
        if rule.verb == "body" and bounded:
            continue
        found = _find(rule, tree)
        bounded = bounded or (rule.verb == "body" and bool(found))
        if rule.verb == "field":
            values = _read_values(rule, found)
            marks.told[rule.name] = bool(values)
            if values:
                marks.values.setdefault(rule.field, values)
            continue
        marks.told[rule.name] = bool(found)
        for element in found:
            if rule.verb == "body":
                marks.bodies.setdefault(element, rule.name)
            elif rule.verb == "keep":
                marks.marked.setdefault(_block_of(element), (True, rule.name))
            elif element.tag in _INLINE:
                pieces.setdefault(element, rule.name)
            elif element.tag not in {"html", "body"}:
                marks.marked.setdefault(element, (False, rule.name))
    marks.cut = tuple(_cut(pieces))
    return marks


def _find(rule: Rule, tree: HtmlElement) -> list[_Element]:
    try:
        found = rule.find(tree)
    except XPathEvalError:  # libxml2's own limits
        return []
    elements = found if isinstance(found, list) else []
    return [element for element in elements[:MOST_ELEMENTS] if isinstance(element, _Element)]


def _block_of(element: _Element) -> _Element:
    """The element itself, or the block element that a piece of a line is in."""
    at = element
    while at.tag in _INLINE and (parent := at.getparent()) is not None:
        at = parent
    return at


def _cut(pieces: Mapping[_Element, str]) -> Iterator[Stripped]:
    room = STRIPPED_BLOCKS
    for element, name in pieces.items():
        text = tidy(disarm("".join(map(str, element.itertext()))[: 4 * STRIPPED_CHARACTERS]), STRIPPED_CHARACTERS)
        _drop(element)
        if text and room:
            room -= 1
            yield Stripped(text=text, reason=name, rule=ORIGIN)


# --- fields ---------------------------------------------------------------------------------------------


def _read_values(rule: Rule, found: Iterable[_Element]) -> tuple[str, ...]:
    values: list[str] = []
    for element in islice(found, MOST_VALUES):
        raw = element.get(rule.attribute, "") if rule.attribute else " ".join(map(str, element.itertext()))
        value = clean_text(disarm(raw[: 4 * _TEXT_CHARACTERS]), _TEXT_CHARACTERS)
        if value and value not in values:
            values.append(value)
    return tuple(values)


def read_fields(marks: Marks, *, site: Site, captured_at: datetime) -> dict[str, Any]:
    """The fields that the rules found, as an article has them; a date that is none is left out.

    Args:
        marks: what was found on the page.
        site: its time zone is that of dates without one.
        captured_at: when the page was fetched; a date more than a day later is refused.
    """
    clock = Clock(zone=site.timezone, month_first=site.country == "us", latest=captured_at + timedelta(days=1))
    found: dict[str, Any] = {}
    for name, values in marks.values.items():
        value: Any
        if name in _DATES:
            value = next((moment for text in values if (moment := parse_moment(text, ORIGIN, clock))), None)
        elif name == "authors":
            names = (one for text in values for one in split_names(text))
            value = tuple(dict.fromkeys(one[:NAME_CHARACTERS] for one in names))[:AUTHORS]
        elif name in _LISTS:
            value = tuple(value[:NAME_CHARACTERS] for value in values)
        else:
            value = values[0][:TITLE_CHARACTERS] if name == "title" else values[0]
        if value:
            found[name] = value
    return found


def override_metadata(about: Metadata, found: Mapping[str, Any]) -> Metadata:
    """The metadata of a page with the fields that rules found in place of those that were read."""
    own = {one.name for one in dataclass_fields(Metadata)}
    changed = {name: value for name, value in found.items() if name in own}
    if not changed:
        return about
    if "title" in changed:
        changed["titles"] = tuple(dict.fromkeys((changed["title"], *about.titles)))
    if "authors" in changed:
        known = {byline.name: byline for byline in about.bylines}
        changed["bylines"] = tuple(known.get(name, Byline(name=name)) for name in changed["authors"])
        changed["byline"] = changed.get("byline") or ", ".join(changed["authors"])
    ruled = [name for name in changed if name in found or name == "byline"]
    return replace(
        about,
        **changed,
        origins={**about.origins, **dict.fromkeys(ruled, ORIGIN)},
        confidence={**about.confidence, **dict.fromkeys(ruled, 1.0)},
    )


def override_article(article: Article, found: Mapping[str, Any]) -> Article:
    """An article with the fields that rules found; its headline and text stay: they were read by the rules already."""
    changed = {name: value for name, value in found.items() if name != "title"}
    if not found:
        return article
    standfirst = found.get("standfirst")
    parts = tuple(
        part.model_copy(update={"kind": "standfirst"}) if part.kind == "paragraph" and part.text == standfirst else part
        for part in article.parts
    )
    return article.model_copy(
        update={
            **changed,
            "parts": parts,
            "origins": {**article.origins, **dict.fromkeys(found, ORIGIN)},
            "confidence": {**article.confidence, **dict.fromkeys(found, 1.0)},
        }
    )
