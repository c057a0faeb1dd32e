"""Who signed a page: the places where bylines stand, in order of trust.

JSON-LD, ``meta``, microdata, and then what readers see: elements whose class, rel or link says that an author stands
there, and at last a short "By Jane Doe" soon after the headline. The first place that names a person decides; a place
that names only an agency or the house is remembered for the case that none does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from lxml.html import HtmlElement

from pipeline.metadata.names import BY, INITIALS, ROLE, Mention, Signers, looks_like_name, read_byline, sort_names
from pipeline.metadata.page import SIGN, JsonLd, Page, is_elsewhere, items
from pipeline.metadata.values import AUTHORS, NAME_CHARACTERS, clean_text, clean_url, fold
from pipeline.model import Byline


@dataclass(frozen=True, kw_only=True)
class Signed:
    """Who signed.

    ``people`` are people, ``all`` whoever the place named that decided (agencies and houses with this role too), and
    ``text`` the byline as it stands on the page, or as declared where the page shows nothing. Each has the place it was
    read in: ``origin`` that of the people, ``text_origin``, ``agencies_origin`` that of the first agency.
    """

    people: tuple[str, ...] = ()
    all: tuple[Byline, ...] = ()
    agencies: tuple[str, ...] = ()
    text: str = ""
    origin: str = ""
    text_origin: str = ""
    agencies_origin: str = ""


_AUTHOR_METAS: Final = (
    "author", "article:author", "article:author_name", "og:author", "og:article:author",
    "sailthru.author", "parsely-author", "byl", "cxenseparse:author", "twitter:misc:written by",
)  # fmt: skip
_CITED_METAS: Final = ("dc.creator", "dcterms.creator", "citation_author", "citation_authors")


def read_authors(tree: HtmlElement, page: Page, linked: JsonLd, names: frozenset[str], url: str) -> Signed:
    """Who signed the page, and where that was read."""
    shown = _find_shown(page, names, url)
    places: tuple[tuple[str, Iterable[Mention]], ...] = (
        ("json-ld", _linked_names(linked.values("author", page_too=False), url)),
        ("json-ld", _linked_names(linked.values("creator", page_too=False), url)),
        ("meta", (Mention(name=value) for name in _AUTHOR_METAS for value in page.metas.get(name, ()))),
        ("meta", (Mention(name=_turn(value)) for name in _CITED_METAS for value in page.metas.get(name, ()))),
        ("meta", _card_names(page)),
        ("microdata", _author_properties(page)),
    )
    agencies: dict[str, str] = {}  # name -> where it was read first
    house: tuple[Signers, str] | None = None
    for origin, mentions in places:
        found = sort_names(mentions, names)
        for name in found.agencies:
            agencies.setdefault(name, origin)
        if found.people:
            return _sign(_complete(found, shown.signers), agencies, origin, shown)
        if house is None and found.others:
            house = (found, origin)
    for name in shown.signers.agencies:
        agencies.setdefault(name, "byline")
    if shown.signers.people:
        return _sign(shown.signers, agencies, "byline", shown)
    # a page that declares who signs, if only the house, means it: a "Von …" far from the headline is of another story
    labelled = _find_labelled(tree, names) if house is None else _Shown()
    if labelled.signers.people:
        return _sign(labelled.signers, agencies, "byline", labelled)
    if house is None and shown.signers.others:
        house = (Signers(others=shown.signers.others[:1]), "byline")
    return _sign(house[0], agencies, house[1], shown) if house else Signed()


def _complete(found: Signers, shown: Signers) -> Signers:
    """The declared names; those that readers see where these are the declared ones and more."""
    declared = {fold(mention.name) for mention in found.people}
    seen = {fold(mention.name) for mention in shown.people}
    if declared < seen and len(seen) <= _TOGETHER and all(looks_like_name(mention.name) for mention in shown.people):
        return Signers(people=shown.people, agencies=found.agencies, others=found.others)
    return found


_TOGETHER: Final = 4  # people who sign together, where only some of them are declared


def _sign(found: Signers, agencies: Mapping[str, str], origin: str, shown: _Shown) -> Signed:
    """The names of one place, with what the visible byline adds of the same people."""
    more = {fold(mention.name): mention for mention in (*shown.signers.people, *shown.signers.others)}
    signed = [
        Byline(
            name=mention.name,
            role=mention.role or (more[key].role if key in more else None),
            url=mention.url or (more[key].url if key in more else None),
        )
        for mention in (*found.people, *(found.others if origin != "byline" or not found.people else ()))
        for key in [fold(mention.name)]
    ]
    same = any(fold(byline.name) in more for byline in signed)
    seen = same and _LOCAL_DEMOCRACY.search(shown.text) is not None
    if seen or any(_LOCAL_DEMOCRACY.search(f"{byline.role or ''} {byline.name}") for byline in signed):
        agencies = {**agencies, _LOCAL_SERVICE: agencies.get(_LOCAL_SERVICE, "byline" if seen else origin)}
    return Signed(
        people=tuple(mention.name for mention in found.people),
        all=tuple(signed),
        agencies=tuple(agencies),
        text=_LOOSE.sub("", _AFTER.split(shown.text, maxsplit=1)[0].strip(" |·•-–—"))
        if same
        else ", ".join(byline.name for byline in signed),
        origin=origin,
        text_origin="byline" if same else origin,
        agencies_origin=next(iter(agencies.values()), ""),
    )


# what stands behind a byline in the same element: dates, reading times, buttons
_AFTER: Final = re.compile(
    r"(?<=\w)[\s|·•,–—-]+(?:(?:last )?updated|published|posted|follow|comment|topic|\d|@\w)", re.IGNORECASE
)
_LOOSE: Final = re.compile(r" +(?=[,.](?:\s|$))")  # where a name ends that is a link, or bold
_LOCAL_DEMOCRACY: Final = re.compile(r"\blocal democracy report", re.IGNORECASE)
_LOCAL_SERVICE: Final = "Local Democracy Reporting Service"


def _cut_after(text: str) -> str:
    return _AFTER.split(text, maxsplit=1)[0].strip(" |·•-–—")


# --- declared -------------------------------------------------------------------------------------------


def _turn(text: str) -> str:
    """A name as libraries write it ("Doe, Jane") as people do."""
    last, comma, first = text.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and "," not in first and ";" not in text else text


def _linked_names(values: Iterable[Any], url: str) -> Iterator[Mention]:
    for number, value in enumerate(values):
        if number == AUTHORS:
            return
        if isinstance(value, list):  # a list in a list: people, and then the house
            yield from _linked_names((each for each in value[:AUTHORS] if not isinstance(each, list)), url)
        elif isinstance(value, str):
            yield Mention(name=value)
        elif isinstance(value, dict):
            role = clean_text(value.get("jobTitle"), NAME_CHARACTERS) or None
            address = next((link for item in items(value.get("url"))[:3] if (link := clean_url(item, url))), None)
            for name in items(value.get("name"))[:AUTHORS]:
                if isinstance(name, str):
                    yield Mention(name=name, role=role, url=address)


_WRITTEN_BY: Final = re.compile(
    r"written by|author|autor|verfasst|geschrieben|écrit|escrito|scritto|geschreven|skrev|napisan|yazan|автор|作者|"
    r"執筆",
    re.IGNORECASE,
)


def _card_names(page: Page) -> Iterator[Mention]:
    """The author on a card as Yoast writes it: a label, and the name beside it."""
    if _WRITTEN_BY.search(page.first_meta("twitter:label1")):
        for value in page.metas.get("twitter:data1", ()):
            yield Mention(name=value)


def _author_properties(page: Page) -> Iterator[Mention]:
    """Microdata authors of the first thing that has any: a page's other articles have authors too."""
    owner: object = None
    for element in page.properties.get("author", ())[:AUTHORS]:
        scope = next(element.iterancestors("article", "main", "body"), None)
        owner = scope if owner is None else owner
        if scope is not owner:
            return
        inner = element.xpath("descendant::*[@itemprop='name']")[:AUTHORS]
        for named in inner or [element]:
            if named.get("content"):
                yield Mention(name=named.get("content") or "")
            else:
                yield from _mentions_of(_pieces(named))


# --- shown ----------------------------------------------------------------------------------------------


_NOBODY: Final = Signers()


@dataclass(frozen=True, kw_only=True)
class _Shown:
    text: str = ""
    signers: Signers = _NOBODY


_OTHER_PART: Final = re.compile(
    r"\b(?:review(?:ed)?|fact[- ]?check(?:ed)?|edit(?:ed)|photo(?:s|graphs?)?|illustrat\w+|translat\w+|updated|"
    r"foto|bild|crédit|credit)\b",
    re.IGNORECASE,
)
_JOINS: Final = re.compile(
    r"^(?:and|und|with|y|e|et|og|och|en|&|,|;|\||·|•|/|-|–|—|with|by|von|par|por|di|door|av|af|written by|words by|"
    r"posted by|author|authors|autor|の|と)\s?:?$",
    re.IGNORECASE,
)
_DATED: Final = re.compile(r"\d{4}|\d\d?[:.]\d\d|min(?:ute)?s?\b", re.IGNORECASE)
_SIGNS, _BEFORE, _PIECES, _BYLINE_CHARACTERS = 120, 20, 16, 160


def _find_shown(page: Page, names: frozenset[str], url: str) -> _Shown:
    """The byline that readers see, from the best of the elements that look like one."""
    marked = page.signs
    start = next((at for at, element in enumerate(marked) if element.tag == "h1"), 0)
    near = marked[start : start + _SIGNS] + marked[max(0, start - _BEFORE) : start]
    house = _Shown()
    for element in near:
        if element.tag == "h1" or is_elsewhere(element):
            continue
        pieces = _pieces(element)
        if not pieces or sum(map(len, pieces)) > _BYLINE_CHARACTERS:
            continue
        text = clean_text(" ".join(pieces), _BYLINE_CHARACTERS)
        if len(pieces) == 2 and element.tag == "a" and looks_like_name(text) and not _JOINS.match(pieces[0]):
            pieces = [text]  # first name and last name, each in an element of its own
        if _OTHER_PART.search(" ".join(pieces[:1])) or not _is_signed(element, text):
            continue
        signers = sort_names(_mentions_of(pieces, element, url), names, shaped=True)
        if signers.people:
            return _Shown(text=text, signers=_add_neighbours(signers, element, near, names, url))
        if not house.text and (signers.agencies or (signers.others and _is_strong(element))):
            house = _Shown(text=text, signers=signers)
    plain = _find_plain(page, names)
    return plain if plain.signers.people or not house.text else house


def _is_signed(element: HtmlElement, text: str) -> bool:
    names = f"{element.get('class') or ''} {element.get('rel') or ''} {element.get('itemprop') or ''}"
    return bool(SIGN.search(names[:300])) or element.tag == "a" or bool(BY.match(text))


def _is_strong(element: HtmlElement) -> bool:
    """Whether nothing but the signer can stand here, whatever it looks like."""
    return (
        "author" in (element.get("rel") or "")
        or "author" in (element.get("itemprop") or "")
        or (element.tag == "a" and "/author" in (element.get("href") or ""))
        or bool(re.search(r"author[-_]?name|byline|AuthorName|creator-name", (element.get("class") or "")[:200]))
    )


def _pieces(element: HtmlElement) -> list[str]:
    """The texts of an element, each as one line; nothing when they are too many for a byline."""
    pieces: list[str] = []
    for text in element.itertext():
        line = clean_text(text, 2 * _BYLINE_CHARACTERS)
        if line:
            pieces.append(line)
            if len(pieces) > _PIECES:
                return []
    return pieces


def _mentions_of(pieces: list[str], element: HtmlElement | None = None, url: str = "") -> list[Mention]:
    """The names in the texts of a byline: a text that is no name ends it, unless it joins two or is a role."""
    found: list[Mention] = []
    joined = True
    for piece in pieces:
        if _JOINS.match(piece):
            joined = True
            continue
        if INITIALS.match(piece):
            found.append(Mention(name=piece))
            continue
        if found and not joined and not BY.match(piece) and not _JOINS.match(piece.split()[0]):
            if found[-1].role is None and not _DATED.search(piece) and not looks_like_name(piece):
                found[-1] = Mention(name=found[-1].name, role=piece.strip(" ,|·–-"), url=found[-1].url)
            break
        if _OTHER_PART.search(piece) and not BY.match(piece):
            break
        line = re.sub(r"^(?:and|und|y|et|&|,|by)\s+", "", piece, flags=re.IGNORECASE) if found else piece
        if found and ROLE.search(line) and not looks_like_name(line.split(",")[0].strip()):
            if found[-1].role is None:
                found[-1] = Mention(name=found[-1].name, role=line.strip(" ,|·–-")[:NAME_CHARACTERS])
            joined = False
            continue
        found += read_byline(_before_date(line))
        joined = bool(re.search(r"(?:\band|\bund|\bby|\bvon|&|,|\||•|·)$", piece, re.IGNORECASE))
    if element is not None and len(found) == 1:
        link = element if element.tag == "a" else next(element.iter("a"), None)
        address = clean_url(link.get("href"), url) if link is not None else ""
        found = [Mention(name=found[0].name, role=found[0].role, url=address or None)]
    return found


def _before_date(text: str) -> str:
    """A byline without the date that stands in the same text."""
    return (
        re.split(r"\s*(?:[|•·–—]|\bon\b|\blast\b|\bupdated\b|\bpublished\b|-\s)\s*", text, flags=re.IGNORECASE)[0]
        or text
    )


def _add_neighbours(
    signers: Signers, element: HtmlElement, near: list[HtmlElement], names: frozenset[str], url: str
) -> Signers:
    """The authors that stand beside the first one, each in an element like its own."""
    home = element.getparent()
    if home is not None and _OTHER_PART.search(" ".join(home.itertext())[: 4 * _BYLINE_CHARACTERS]):
        return signers  # who reviewed or edited it stands there too
    for _ in range(3):
        above = home.getparent() if home is not None else None
        if above is not None and len(" ".join(home.itertext())[: 3 * _BYLINE_CHARACTERS]) < _BYLINE_CHARACTERS:
            home = above
    if home is None:
        return signers
    people = list(signers.people)
    at = near.index(element)
    link = next(element.iter("a"), element)
    linked = set(islice(element.iter("a"), AUTHORS))  # "By" and a link, and behind it in a list the other's alone
    for other in near[at + 1 : at + 1 + AUTHORS]:
        like = link if other in linked else element
        if other.tag != like.tag or other.get("class") != like.get("class"):
            continue
        if home not in list(other.iterancestors())[:5]:
            break
        pieces = _pieces(other)
        whole = " ".join(pieces)
        if len(pieces) == 2 and other.tag == "a" and looks_like_name(whole) and not _JOINS.match(pieces[0]):
            pieces = [whole]
        if not pieces or sum(map(len, pieces)) > _BYLINE_CHARACTERS or _OTHER_PART.search(pieces[0]):
            continue
        known = {fold(mention.name) for mention in people}
        more = sort_names(_mentions_of(pieces, other, url), names, shaped=True)
        people += [mention for mention in more.people if fold(mention.name) not in known]
    return Signers(people=tuple(people[:AUTHORS]), agencies=signers.agencies, others=signers.others)


_FIRST: Final = re.compile(
    r"(?:(?:written|words|story|posted|published|report) by|by|von|par|por|door|autor|author|text)\b[: ]", re.IGNORECASE
)


def _find_plain(page: Page, names: frozenset[str]) -> _Shown:
    """A byline that nothing marks as one: a short "By Jane Doe" soon after the headline."""
    for element in page.below:
        if not element.text:
            continue
        start = element.text.lstrip()[:20]
        if not _FIRST.match(f"{start} ") or is_elsewhere(element):
            continue
        pieces = _pieces(element)
        text = clean_text(" ".join(pieces), 4 * NAME_CHARACTERS)
        if not text or len(text) >= 100:
            continue
        signers = sort_names(_mentions_of(pieces), names, shaped=True)
        if signers.people and looks_like_name(signers.people[0].name):
            return _Shown(text=text, signers=signers)
    return _find_dated(page, names)


_NEXT: Final = 16  # elements after the headline in which a bare name beside a date is an author's
_DAY: Final = re.compile(
    r"\W{0,3}(?:\w{3,10}\W{1,3})?(?:\d{1,2}[./ -]\w{1,10}[./ -]+\d{4}|\d{4}[./-]\d\d?[./-]\d\d?)\b"
)


def _find_dated(page: Page, names: frozenset[str]) -> _Shown:
    """A name that nothing marks as one, right before a date and right after the headline."""
    for element in page.below[:_NEXT]:
        line = (element.text or "")[: 2 * _BYLINE_CHARACTERS].strip(" \n\t\xa0|·•–—-,")
        name, mark, after = _cut_name(line)
        if not mark and len(element):
            continue
        line = name
        if not looks_like_name(line[:NAME_CHARACTERS]):
            continue
        if not mark:
            beside = element.getnext()
            after = (element.tail or "").strip() or ("" if beside is None else " ".join(_pieces(beside)))
        if not _DAY.match(after[:60]) or len(after) > 80 or is_elsewhere(element):
            continue
        signers = sort_names([Mention(name=line)], names, shaped=True)
        if signers.people:
            return _Shown(text=line, signers=signers)
    return _Shown()


def _cut_name(line: str) -> tuple[str, str, str]:
    """A line like "Jane Doe, 2 October 2026, 14:20": the name, the mark behind it, and the rest."""
    match = _MARK.search(line)
    return (line, "", "") if match is None else (line[: match.start()], match[0], line[match.end() :].strip())


_MARK: Final = re.compile(r"\s*,\s|\s[|·•–—-]\s")
_LABEL: Final = re.compile(
    r"(?:(?:written|posted|words|story|report(?:ed)?|article|text) by|authors?|autor(?:in)?(?:/autor(?:in)?)?|auteur|"
    r"verfasst von|geschrieben von|écrit par|escrito por|scritto da|by|von|责编|責編|责任编辑|記者|记者|作者)"
    r"(?P<end>\s*[:：]?\s*$|\s*[:：]|\s)",
    re.IGNORECASE,
)


def _find_labelled(tree: HtmlElement, names: frozenset[str]) -> _Shown:
    """A name behind a word for authors, anywhere on the page, in a text or element that holds nothing else."""
    for element in tree.iter("strong", "b", "span", "p", "div", "li", "em", "i", "h3", "h4", "h5", "h6", "td", "dt"):
        text = element.text
        if not text or len(text) > 200:
            continue
        line = text.strip().lstrip("(（")
        match = _LABEL.match(line[:60])
        if match is None or len(line) > 80:
            continue
        value = line
        if match.end() == len(line):  # a label alone: the name follows it
            following = element.getnext()
            inside = element[0] if len(element) and not (element.tail or "").strip() else following
            value = element.tail or (" ".join(_pieces(inside)) if inside is not None else "")
        value = value.strip().strip("()（）")
        if not value or len(value) > 80 or is_elsewhere(element):
            continue
        signers = sort_names(_mentions_of([value]), names, shaped=True)
        if signers.people:
            return _Shown(text=clean_text(value, _BYLINE_CHARACTERS), signers=signers)
    return _Shown()
