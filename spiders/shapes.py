"""What the addresses of a site's articles have in common: a pattern, learned from addresses that are known.

Addresses that a feed or listing names are sorted by their form (host, depth, query), each place of a form is
generalised from what stands there (digits, years, words joined by hyphens), and of several ways to do so the most
general one is taken that keeps out the addresses that are known to be no articles. Pure; nothing is fetched here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from spiders.families import escape
from spiders.pattern import find_ambiguity

FEWEST_SHARE: Final = 0.04  # a form with a smaller share of the addresses is not learned
MOST_FORMS: Final = 6
MOST_EXCLUDED: Final = 12
_MOST_TRIES = 64  # patterns that are tried for one form

_YEAR = re.compile(r"(?:19|20)\d\d")
_SUFFIX = re.compile(r"\.(?:html?|shtml|php\d?|aspx?|jsp|jspx|cfm|do|xhtml)$", re.IGNORECASE)
_DATED = re.compile(r"^\d{4}-\d{2}(?:-\d{2})?[-_]")
_LEADING = re.compile(r"^(\d+)([-._,])(?=\D)")
_TRAILING = re.compile(r"([-._,])(\d{3,})$")
_LATE = re.compile(
    r"^(?:tags?|topics?|themes?|categor(?:y|ies)|kategorie|authors?|autor|people|profile|search|suche|page|seite)$"
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A pattern for articles, and how it holds up against what is known."""

    article: str
    exclude: tuple[str, ...]
    covered: int  # known articles that match
    known: int
    wrong: int  # addresses known to be something else that match

    def matches(self, url: str) -> bool:
        """Whether a canonical URL has this shape."""
        return re.fullmatch(self.article, url) is not None and not any(re.search(one, url) for one in self.exclude)


def learn_shape(named: Iterable[str], others: Iterable[str]) -> Shape | None:
    """The pattern of articles.

    Args:
        named: canonical URLs of articles, as far as is known.
        others: canonical URLs of pages that are none.

    Returns:
        None when there is nothing to learn from.
    """
    known = list(dict.fromkeys(named))
    wrong = [url for url in dict.fromkeys(others) if url not in set(known)]
    forms: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for url in known:
        forms[_form(url)].append(url)
    kept = [urls for urls in forms.values() if len(urls) >= max(1.0, FEWEST_SHARE * len(known))]
    kept = sorted(kept, key=len, reverse=True)[:MOST_FORMS]
    if not kept:
        return None
    patterns = list(dict.fromkeys(_generalise(urls, wrong) for urls in kept))
    article = patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"
    if find_ambiguity(article):  # what is built here has separators; better safe than stuck
        article = "|".join(escape(url) for url in known[:MOST_EXCLUDED])
    compiled = re.compile(article)
    hit = [url for url in wrong if compiled.fullmatch(url)]
    exclude = tuple(escape(_tail(url)) + "$" for url in hit[:MOST_EXCLUDED])
    exclude = tuple(one for one in exclude if not any(re.search(one, url) for url in known))
    covered = sum(1 for url in known if compiled.fullmatch(url))
    if not covered:
        return None
    still = sum(1 for url in hit if not any(re.search(one, url) for one in exclude))
    return Shape(article=article, exclude=exclude, covered=covered, known=len(known), wrong=still)


def choose_articles(urls: Iterable[str], others: Iterable[str] = (), *, below: str | None = None) -> list[str]:
    """Of the addresses of a listing or sitemap, those that are probably its articles.

    Args:
        urls: canonical URLs.
        others: of them those that are known to be something else.
        below: URL of the newsroom; what lies below it is preferred.

    Returns:
        The addresses of the forms that look most like articles; empty when none does.
    """
    away = set(others)
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for url in dict.fromkeys(urls):
        if url not in away:
            groups[_place(url)].append(url)
    scored = []
    for group in groups.values():
        likeness = sum(map(article_likeness, group)) / len(group)
        if below is not None and all(url.startswith(below.rstrip("/") + "/") for url in group):
            likeness += 1
        if likeness >= 1.5:
            scored.append((likeness * min(len(group), 30), group))
    if not scored:
        return []
    best = max(score for score, _ in scored)
    return [url for score, group in scored if score >= best / 3 for url in group]


def article_likeness(url: str) -> float:
    """How much an address looks like that of an article: 0 not at all, 2 and more very much."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if any(_LATE.match(segment.lower()) for segment in segments):
        return 0
    score = 0.0
    last = _SUFFIX.sub("", unquote(segments[-1])) if segments else ""
    words = [word for word in re.split(r"[-_+,. ]+", last) if word and not word.isdigit()]
    score += 2.0 if len(words) >= 5 else 1.5 if len(words) == 4 else 1.0 if len(words) == 3 else 0.0
    if re.fullmatch(r"\d{3,}", last) or any(re.fullmatch(r"\d{3,}", segment) for segment in segments[1:-1]):
        score += 1.5
    elif re.search(r"\d{3,}", last):
        score += 1.0
    if any(_YEAR.match(segment) for segment in segments[:-1]):
        score += 1.0
    if any(value.isdigit() and len(value) >= 2 for _, value in parse_qsl(parts.query)):
        score += 2.0
    return score


def _place(url: str) -> tuple[object, ...]:
    """The form of an address together with the first words of its path."""
    segments = urlsplit(url).path.split("/")
    first = segments[1] if len(segments) > 2 and not segments[1].isdigit() else ""
    return (*_form(url), first)


def _form(url: str) -> tuple[object, ...]:
    parts = urlsplit(url)
    segments = parts.path.split("/")[1:]
    suffix = _SUFFIX.search(segments[-1]) if segments else None
    keys = tuple(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return (parts.scheme, parts.netloc, len(segments), parts.path.endswith("/"), suffix and suffix[0], keys)


def _tail(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def _generalise(urls: Sequence[str], wrong: Collection[str]) -> str:
    """The most general pattern for addresses of one form that matches nothing known to be wrong; else the one that
    matches least of it."""
    first = urlsplit(urls[0])
    columns = list(zip(*(urlsplit(url).path.split("/")[1:] for url in urls), strict=True))
    last = len(columns) - (2 if columns and not any(columns[-1]) else 1)
    queries = _query_pattern(urls)
    choices: list[tuple[str, ...]] = []
    for place, values in enumerate(columns):
        before = columns[place - 1] if place else ()
        if place == last and not (queries and len(set(values)) == 1):
            fixed = any(len(set(column)) == 1 and column[0] for column in columns[:last])
            choices.append(_name_patterns(values, alone=not fixed))
        else:
            choices.append(_folder_patterns(values, before, count=len(urls)))
    begin = escape(f"{first.scheme}://{first.netloc}/")
    best, fewest = "", len(wrong) + 1
    for parts in islice(product(*choices), _MOST_TRIES):
        pattern = begin + "/".join(parts) + queries
        compiled = re.compile(pattern)
        hits = sum(1 for url in wrong if compiled.fullmatch(url))
        if hits < fewest:
            best, fewest = pattern, hits
        if not hits:
            break
    return best


def _folder_patterns(  # noqa: PLR0911 - one return per kind of folder reads best
    values: Sequence[str], before: Sequence[str], *, count: int
) -> tuple[str, ...]:
    """Patterns for a place that is not the last one, most general first."""
    different = Counter(values)
    if all(_YEAR.fullmatch(value) for value in different):
        return (r"\d{4}",)
    after_year = bool(before) and all(re.fullmatch(r"\d{1,4}", value) for value in before)
    if all(value.isdigit() for value in different):
        if len(different) == 1 and count >= 3 and not after_year and len(values[0]) < 8:
            return (escape(values[0]),)  # a number that all have in common names a part of the site
        if after_year and all(len(value) <= 2 for value in different):
            return (r"\d{1,2}",)
        return (rf"\d{{{len(values[0])}}}",) if {len(value) for value in different} == {8} else (r"\d+",)
    if after_year and len(different) <= 12 and all(value.isalpha() for value in different):
        return (_characters(different) + "+",)  # names of months
    if len(different) == 1:
        return (escape(values[0]),)
    listed = "|".join(escape(value) for value in sorted(different))
    if len(different) <= 8 and count >= 2 * len(different):
        return (_characters(different) + "+", f"(?:{listed})")
    return (_characters(different) + "+",)


def _name_patterns(values: Sequence[str], *, alone: bool) -> tuple[str, ...]:
    """Patterns for the place that names the article, most general first.

    Args:
        values: what stands there.
        alone: no fixed folder comes before it, so that other pages stand beside it.
    """
    begin, end = "", ""
    rests = list(values)
    suffix = _SUFFIX.search(rests[0])
    if suffix and all(value.endswith(suffix[0]) for value in rests):
        end, rests = escape(suffix[0]), [value.removesuffix(suffix[0]) for value in rests]
    if all(value.isdigit() for value in rests):
        return (rf"\d+{end}",)
    if all(_DATED.match(value) for value in rests):
        long = all(re.match(r"^\d{4}-\d{2}-\d{2}", value) for value in rests)
        begin = (r"\d{4}-\d{2}-\d{2}" if long else r"\d{4}-\d{2}(?:-\d{2})?") + escape(rests[0][_end_of_date(rests[0])])
        rests = [_DATED.sub("", value) for value in rests]
    leading = [_LEADING.match(value) for value in rests]
    if all(match and match[2] == (leading[0] or match)[2] for match in leading) and leading[0]:
        digits = min(len(match[1]) for match in leading if match)
        begin += (rf"\d{{{digits - 1},}}" if digits > 4 else r"\d+") + escape(leading[0][2])
        rests = [value[match.end() :] for value, match in zip(rests, leading, strict=True) if match]
    trailing = [_TRAILING.search(value) for value in rests]
    if all(match and match[1] == (trailing[0] or match)[1] for match in trailing) and trailing[0]:
        digits = min(len(match[2]) for match in trailing if match)
        end = escape(trailing[0][1]) + (rf"\d{{{digits - 1},}}" if digits > 4 else r"\d{3,}") + end
        rests = [value[: match.start()] for value, match in zip(rests, trailing, strict=True) if match]
    return tuple(
        f"{begin}{middle}{end}" for middle in _word_patterns(rests, alone=alone and not (begin or r"\d" in end))
    )


def _end_of_date(value: str) -> int:
    match = _DATED.match(value)
    return match.end() - 1 if match else 0


def _word_patterns(rests: Sequence[str], *, alone: bool) -> tuple[str, ...]:
    """Patterns for words joined by hyphens or the like: so many words at least, more and more."""
    joints = {mark for value in rests for mark in re.findall(r"[-_]", value)}
    strange = any(re.search(r"[^A-Za-z0-9_-]", value) for value in rests)
    fewest = min(len([word for word in re.split(r"[-_]+", value) if word]) for value in rests)
    if strange or len(joints) != 1 or fewest < 2 or any(re.search(r"[-_]{2}|[-_]$|^[-_]", value) for value in rests):
        return (_characters(rests, *joints) + "+",)
    joint = joints.pop()
    word = _characters([value.replace(joint, "") for value in rests])
    floors = {2: 2, 3: 2}.get(fewest, 3 if alone else 2)
    counts = sorted({floors, max(floors, min(3, fewest)), max(floors, min(4, fewest - 1))})
    return tuple(f"{word}+(?:{joint}{word}+)" + ("+" if count == 2 else f"{{{count - 1},}}") for count in counts)


def _characters(values: Iterable[str], *joints: str) -> str:
    """A class of characters that holds those of all values, and their like."""
    text = "".join(values)
    if not text or re.search(r"[^A-Za-z0-9._~,+-]", text):
        return "[^/?#]"
    kinds = "a-z" if re.search("[a-z]", text) else ""
    kinds += "A-Z" if re.search("[A-Z]", text) else ""
    kinds += "0-9" if kinds or re.search("[0-9]", text) else ""
    kinds += "".join(mark for mark in "._~,+" if mark in text)
    return f"[{kinds}{'-' if '-' in text or '-' in joints else ''}]"


def _query_pattern(urls: Sequence[str]) -> str:
    pairs = [[part.partition("=") for part in urlsplit(url).query.split("&")] for url in urls if urlsplit(url).query]
    if not pairs:
        return ""
    told = []
    for column in zip(*pairs, strict=False):
        values = {value for _, _, value in column}
        if len(values) == 1 and len(urls) > 1:
            value = escape(values.pop())
        else:
            value = r"\d+" if all(value.isdigit() for value in values) else r"[^&#]+"
        told.append(escape(column[0][0] + column[0][1]) + value)
    return r"\?" + "&".join(told)
