"""Bylines read as text: whom they name, in which role; and what a name is: a person, an agency, or a house.

A house is whatever signs without being a person: the site itself, "the newsroom", a company. No list of people's names
is used, so a person is what has the shape of one and none of the words that houses and roles have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.metadata.page import is_site
from pipeline.metadata.values import AUTHORS, NAME_CHARACTERS, clean_text, fold


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One name as a page gives it."""

    name: str
    role: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Signers:
    """The names of one place, sorted: people, agencies, and houses (what signs and is neither).

    ``agencies`` are called as we call them; ``others`` are agencies and houses as the page calls them.
    """

    people: tuple[Mention, ...] = ()
    agencies: tuple[str, ...] = ()
    others: tuple[Mention, ...] = ()


BY = re.compile(
    r"^(?:(?:written|words|text|story|report(?:ed|ing)?|posted|published|article|created|authored|"
    r"(?:fact[- ]|medically )?(?:review|check|edit|updat)ed)\s+)?(?:by|von|par|por|di|door|av|af|przez)\b[:\s]+(?=\S)"
    r"|^(?:authors?|autor(?:in|en|es)?|auteur|text|texte|texto|testo|words|writer|posted|written)\s?:\s*"
    r"|^(?-i:gan|le)\s+(?-i:(?=[^\W\d_a-z]))|^(?:автор|текст|מאת|بقلم|كتبت?|โดย)\s?:?\s+(?=\S)"
    r"|^[(（]?(?:责编|責編|责任编辑|责任編輯|記者|记者|作者|文)\s?[:：]\s*|^(?:本报|本報)?(?:记者|記者)\s+(?=\S)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?:)?//\S+|\S+@\S+", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[;|/·•、；]|\s&\s|\band\b|\bund\b|\bwith\b|及び)\s*", re.IGNORECASE)
_HARD_BETWEEN = re.compile(r"\s*[;|/·•、；]\s*|及び")
# words of one or two letters are also parts of names (Ramón y Cajal): they part only what has two words on either side
_BETWEEN_ABROAD = re.compile(r"(?<=\w)\s+(?:y|e|et|og|och|en|i|ja|ve|oraz|и|και)\s+(?=[^\W\d_a-z]\S*\s+\S)")
ROLE = re.compile(
    r"\b(?:editor|reporter|correspondent|writer|journalist|columnist|contributor|staff|admin|administrator|team|desk|"
    r"office|officer|newsroom|newsdesk|webmaster|author|guest|press|news|editorial|redaktion|redaktionen|redacción|"
    r"redazione|redactie|rédaction|redakcja|agencies|department|korrespondent(?:in)?|redakteur(?:in)?|journaliste?|"
    r"giornalista|periodista|journalistin|reporterin|autor(?:in)?|consultant|manager|director|coordinator|specialist|"
    r"strategist|producer|analyst|ceo|founder|co-founder|president|professor|expert)\b",
    re.IGNORECASE,
)
_HOUSE = re.compile(
    r"\b(?:team|staff|desk|newsroom|newsdesk|redaktion|redaktionen|redacción|redazione|redactie|rédaction|redakcja|"
    r"editors?|admin|administrator|webmaster|council|university|college|school|institute|magazine|media|blog|ltd|"
    r"limited|inc|llc|gmbh|plc|company|agency|association|society|foundation|department|ministry|office|press|news|"
    r"times|online|digital|nachrichten|noticias|actualités|notizie|nieuws|nyheter|"
    r"software|solutions|services?|group|"
    r"bank|care|store|shop|studio|expert|experts|contributor)\b"
    r"|新聞|新闻|日报|日報|通信|編集|编辑部|ニュース|デジタル",
    re.IGNORECASE,
)
_BEFORE_ROLE: Final = frozenset(
    [
        *("senior", "chief", "deputy", "associate", "assistant", "former", "political", "local", "staff", "news"),
        *("sports", "sport", "education", "health", "crime", "business", "science", "technology", "environment"),
        *("managing", "executive", "content", "marketing", "head", "lead", "principal", "contributing", "freelance"),
        *("social", "web", "digital", "community", "democracy", "money", "travel", "culture", "arts", "westminster"),
    ]
)
_ROLES_BEHIND: Final = frozenset({"기자", "특파원", "논설위원", "記者", "记者"})  # after names of one word
_LITTLE: Final = frozenset(
    [
        *("the", "of", "our", "by", "political", "local", "government", "council", "web", "media", "communications"),
        *("digital", "chief", "senior", "deputy", "democracy", "a", "an", "in", "and", "for", "social", "affairs"),
    ]
)
_NO_NAME = re.compile(
    r"https?:|www\.|@|[<>{}\[\]\\=]|\d{2}|^\W*$|^(?:null|none|undefined|unknown)$|\bdisc(?:losure|laimer)\b",
    re.IGNORECASE,
)
_HOST = re.compile(r"^[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{2,6})$", re.IGNORECASE)
_HANDLE = re.compile(r"^[a-z][\w.\-]*$|^\S*\d\S*$")
_DEGREES = re.compile(
    r"^(?:(?:(?:[A-Z][a-z]{0,2}\.){1,4}[A-Z]?|[A-Z]{2,6}[®™]|M[DSA]|MBA|MPH|PhD|RD|RN|CP[AP]|CFP|DDS|DVM|DACVB)\s?)+$"
)
_TITLED = re.compile(r"\s+(?:in|aus|bei|for|für|on behalf of)\s.*$")
# vowels and tones of scripts that write them as marks are no letters to a regular expression
_MARKS: Final = r"\u0591-\u05c7\u064b-\u0652\u0900-\u0dff\u0e00-\u0e7f"
_NAME = re.compile(
    rf"(?:[^\W\d_a-z][\w'’.\-{_MARKS}]*|"
    r"(?:d[aei]|de la|de[nrl]|van|von|der|ter|ten|bin|bint|ben|al|el|ap|ab|ferch|af|do|dos|du"
    r"|la|le|san|y|zu|zur|i)\b|[dl]['’][^\W\d_]\w+)(?:\s|$)"
)
INITIALS = re.compile(r"^[a-zäöü]{2,5}/[a-zäöü]{2,5}(?:;\s?[a-zäöü/]{2,11}){0,5}$")
_IDEOGRAPHS = re.compile(r"^[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af·]{2,10}$")

AGENCIES: Final = {
    fold(name): shown
    for shown, names in {
        "PA Media": ("pa", "pa media", "press association", "pa news agency", "pa reporters", "the press association"),
        "Reuters": ("reuters", "thomson reuters"),
        "Associated Press": ("ap", "associated press", "the associated press", "ap news"),
        "AFP": ("afp", "agence france presse", "agence france-presse", "afp deutschland", "afp news agency"),
        "dpa": ("dpa", "deutsche presse agentur", "dpa infocom", "dpa-afx"),
        "Local Democracy Reporting Service": (
            *("local democracy reporting service", "ldrs", "local democracy reporters", "local democracy service"),
            "bbc local democracy reporting service",
        ),
        "Bloomberg": ("bloomberg", "bloomberg news"),
        "ANSA": ("ansa", "agenzia ansa", "redazione ansa"),
        "Adnkronos": ("adnkronos",),
        "EFE": ("efe", "agencia efe", "efe agencia"),
        "Europa Press": ("europa press", "europapress"),
        "Kyodo": ("kyodo", "kyodo news", "共同通信", "共同通信社", "共同"),
        "Jiji Press": ("jiji", "jiji press", "時事", "時事通信", "時事通信社"),
        "Xinhua": ("xinhua", "新华社", "新華社", "xinhua news agency"),
        "Yonhap": ("yonhap", "yonhap news agency", "연합뉴스"),
        "TASS": ("tass", "тасс"),
        "Interfax": ("interfax", "интерфакс"),
        "RIA Novosti": ("ria novosti", "риа новости"),
        "Ukrinform": ("ukrinform", "укрінформ"),
        "ANP": ("anp", "algemeen nederlands persbureau"),
        "Belga": ("belga", "agence belga", "belga news agency"),
        "APA": ("apa", "austria presse agentur", "apa ots"),
        "Keystone-SDA": ("sda", "keystone-sda", "ats", "keystone ats", "awp"),
        "epd": ("epd", "evangelischer pressedienst"),
        "KNA": ("kna", "katholische nachrichten agentur"),
        "SID": ("sid", "sport informations dienst"),
        "TT": ("tt nyhetsbyrån", "tt"),
        "NTB": ("ntb",),
        "Ritzau": ("ritzau",),
        "STT": ("stt", "stt lehtikuva"),
        "PAP": ("pap", "polska agencja prasowa"),
        "ČTK": ("čtk", "ctk"),
        "MTI": ("mti",),
        "Agerpres": ("agerpres",),
        "BTA": ("bta", "бта"),
        "Hina": ("hina",),
        "Lusa": ("lusa", "agência lusa"),
        "Anadolu": ("anadolu", "anadolu ajansı", "anadolu agency"),
        "AAP": ("aap", "australian associated press"),
        "The Canadian Press": ("the canadian press", "canadian press", "la presse canadienne"),
        "PTI": ("pti", "press trust of india"),
        "ANI": ("ani", "asian news international"),
        "IANS": ("ians",),
        "UPI": ("upi", "united press international"),
        "SWNS": ("swns", "south west news service"),
    }.items()
    for name in names
}
"""News agencies and services by every name they sign with (folded), and how we call them."""


def name_agency(text: str) -> str | None:
    """The agency that a name is one of, as we call it."""
    key = fold(text)
    found = AGENCIES.get(key)
    if found is None and key.endswith(" ldrs"):
        return AGENCIES["ldrs"]
    return found


def split_names(text: str) -> list[str]:
    """The persons that a byline names: without "By", roles and places.

    >>> split_names("By Jane Doe, Political Editor, and John Smith")
    ['Jane Doe', 'John Smith']
    """
    return [mention.name for mention in read_byline(text)]


def read_byline(text: str) -> list[Mention]:
    """The names of a byline with the roles that stand behind them."""
    cleaned = BY.sub("", _ADDRESS.sub(";", clean_text(text, NAME_CHARACTERS * AUTHORS))).lstrip("(（")
    if not set("(（").intersection(cleaned):
        cleaned = cleaned.rstrip(")）")
    found: list[Mention] = []
    for whole in _HARD_BETWEEN.split(cleaned):
        parts = [part for part in _BETWEEN.split(whole) if part.strip(" ,")]
        # "Centre for Education and Research" is one name
        single = any(len(part.strip(" ,").split()) == 1 for part in parts) and "," not in whole
        for part in [whole] if single else parts:
            for side in _part_abroad(part):
                found += _read_part(side)
    return found


def _part_abroad(text: str) -> list[str]:
    sides = _BETWEEN_ABROAD.split(text)
    return sides if all(len(side.split()) > 1 for side in sides) else [text]


def _read_part(text: str) -> list[Mention]:
    """Name, role, name, role … between commas; the first is a name whatever it looks like."""
    found: list[Mention] = []
    for number, piece in enumerate(piece.strip(' .,:-–—*"“”„«»') for piece in re.split(r"[,，]", text)):
        if not piece:
            continue
        if number == 0:
            found.append(_cut_role(piece))
        elif ROLE.search(piece):
            if found and found[-1].role is None and len(piece) <= NAME_CHARACTERS:
                found[-1] = Mention(name=found[-1].name, role=piece)
        elif (len(piece.split()) > 1 and not _DEGREES.match(piece)) or _IDEOGRAPHS.match(piece):
            found.append(_cut_role(piece))
    return found


def _cut_role(text: str) -> Mention:
    """A name without the role or place that follows it with no comma: "Jane Doe Senior Reporter"."""
    words = text.split()
    if len(words) == 2 and words[1] in _ROLES_BEHIND:
        return Mention(name=words[0], role=words[1])
    if len(words) < 3:
        return Mention(name=text)
    name = _TITLED.sub("", text)
    name = name if looks_like_name(name) else text
    words = name.split()
    if len(words) > 3 and ROLE.search(words[-1]) and len(words) <= 8:
        cut = next((at for at in range(2, len(words)) if words[at].lower() in _BEFORE_ROLE), len(words) - 1)
        return Mention(name=" ".join(words[:cut]), role=" ".join(words[cut:]))
    return Mention(name=name)


def sort_names(mentions: Iterable[Mention], names: frozenset[str], *, shaped: bool = False) -> Signers:
    """Mentions sorted by what they are, each name once, in order; what can be no name at all is dropped.

    Args:
        mentions: names as a page gives them, not yet split.
        names: the site's own names, from `pipeline.metadata.page.site_names`.
        shaped: whether a person must have the shape of a name: for places that nothing declares.
    """
    people: dict[str, Mention] = {}
    agencies: dict[str, None] = {}
    others: dict[str, Mention] = {}

    def add_other(name: str, agency: str | None) -> None:
        if agency:
            agencies.setdefault(agency)
        if len(others) < AUTHORS:
            others.setdefault(fold(name), Mention(name=name, role="agency" if agency else "organisation"))

    for mention in mentions:
        text = BY.sub("", clean_text(mention.name, NAME_CHARACTERS))
        whole = name_agency(text)
        # "abc/xyz;uvw": the house and the initials of its people
        parts = text.split(";") if INITIALS.match(text) else [text] if whole or is_site(text, names) else []
        for part in parts:
            add_other(part.strip(), whole)
        if parts:
            continue
        split = read_byline(mention.name)
        for each in split:
            key = fold(each.name)
            if not 2 <= len(key) <= NAME_CHARACTERS or len(key.split()) > 7 or _NO_NAME.search(each.name):
                continue
            agency = name_agency(each.name)
            if agency or _is_house(each.name, key, names) or (shaped and not looks_like_name(each.name)):
                add_other(each.name, agency)
            elif len(people) < AUTHORS:
                alone = len(split) == 1
                people.setdefault(
                    key,
                    Mention(
                        name=each.name,
                        role=each.role or (mention.role if alone else None),
                        url=mention.url if alone else None,
                    ),
                )
    return Signers(people=tuple(people.values()), agencies=tuple(agencies)[:AUTHORS], others=tuple(others.values()))


def _is_house(name: str, key: str, names: frozenset[str]) -> bool:
    return bool(
        is_site(name, names)
        or _begins_with_site(name, names)
        or _is_only_a_role(key)
        or _HOUSE.search(name)
        or _HOST.match(name)
        or (_HANDLE.match(name) and not _IDEOGRAPHS.match(name))
    )


def _begins_with_site(name: str, names: frozenset[str]) -> bool:
    first = name.split(maxsplit=1)[0]
    return len(first) > 2 and first.isupper() and is_site(first, names)


def _is_only_a_role(key: str) -> bool:
    words = key.split()
    return bool(ROLE.search(key)) and (len(words) == 1 or all(ROLE.fullmatch(w) or w in _LITTLE for w in words))


_NOT_IN_NAMES = re.compile(
    r"\b(?:full|bio|read|more|text|size|link|links|about|follow|share|view|profile|all|posts?|articles?|subscribe|sign|"
    r"log|login|updated|published|reviewed|written|contact|contacts|home|menu|search|print|email|comments?|related|meet|"
    r"learn|image|photo|photos|video|minutes?|table|contents|skip|content|back|next|previous|download|free|guide|tips|"
    r"reviews?|best|top|how|what|why|when|your|you|our|this|that|the|with|from|for|personal|finance|january|"
    r"february|july|september|october|november|december|monday|tuesday|wednesday|thursday|"
    r"friday|saturday|sunday|health|business|technology|politics|sports?|science|world|education|company|marketing|"
    r"insights?|events?|resources?|solutions?|services?|products?|case|study|studies|licensed|certified|m\.a|ph\.d|"
    r"intelligence|machine|learning|data|design|lifestyle|travel|food|style|money|culture|opinion|local|city|show|hide)\b",
    re.IGNORECASE,
)


def looks_like_name(text: str) -> bool:
    """Whether a text has the shape of a person's name: two to five capitalised words, particles allowed."""
    words = text.split()
    return (
        2 <= len(words) <= 5
        and all(_NAME.fullmatch(word) for word in words)
        and not words[-1].islower()
        and not ROLE.search(text)
        and not _NOT_IN_NAMES.search(text)
    ) or bool(len(words) == 1 and _IDEOGRAPHS.match(text) and len(text) <= 6)
