"""The other fields of a page: section, tags, language as declared, description, picture, canonical URL."""

from __future__ import annotations

import re
from typing import Final

from pipeline.metadata.page import JsonLd, Page, is_site, items
from pipeline.metadata.values import DESCRIPTION_CHARACTERS, NAME_CHARACTERS, TAGS, clean_text, clean_url, fold
from spiders.site import Site
from spiders.urls import canonical_url


def read_section(page: Page, linked: JsonLd, names: frozenset[str]) -> tuple[str, str]:
    """The section the page belongs to, and where that was read."""
    candidates = [
        ("json-ld", linked.first_text("articleSection", NAME_CHARACTERS, page_too=False)),
        ("opengraph", clean_text(page.first_meta("article:section", "og:article:section"), NAME_CHARACTERS)),
        ("microdata", clean_text(next(page.property_values("articlesection"), ""), NAME_CHARACTERS)),
        ("meta", clean_text(page.first_meta("section", "parsely-section", "cxenseparse:section"), NAME_CHARACTERS)),
        ("breadcrumbs", _breadcrumb(linked)),
    ]
    general = ("", "")
    for origin, declared in candidates:
        value = declared if declared.count(",") < 2 else declared.split(",", 1)[0].strip()  # a list of tags
        if not value or is_site(value, names) or fold(value) in _NO_SECTION or "_" in value:
            continue
        if fold(value) not in _GENERAL:
            return value, origin
        general = general if general[0] else (value, origin)
    return general


_NO_SECTION: Final = frozenset({"home", "homepage", "start", "startseite", "uncategorized", "uncategorised"})
# what says least is taken last
_GENERAL: Final = frozenset(
    {"news", "article", "articles", "blog", "latest news", "latest", "posts", "stories", "newyddion"}
)


def _breadcrumb(linked: JsonLd) -> str:
    """The last step above the page itself."""
    names: list[str] = []
    for step in items((linked.breadcrumbs or {}).get("itemListElement")):
        if isinstance(step, dict):
            item = step.get("item")
            name = step.get("name") or (item.get("name") if isinstance(item, dict) else "")
            names.append(clean_text(name, NAME_CHARACTERS))
    named = [name for name in names if name]
    return named[-2] if len(named) >= 3 else ""


def read_tags(page: Page, linked: JsonLd, names: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """The subjects the page names, each once in its order, and where they were read."""
    keywords = (value for name in ("news_keywords", "keywords") for value in page.metas.get(name, ()))
    for origin, values in (
        ("json-ld", (part for value in linked.values("keywords", page_too=False) for part in _keywords(value))),
        ("opengraph", iter(page.metas.get("article:tag", ()))),
        ("meta", (part for value in keywords for part in _keywords(value))),
    ):
        tags: dict[str, str] = {}
        for value in values:
            tag = clean_text(value, NAME_CHARACTERS)
            if len(tags) < TAGS and len(tag) > 1 and not _NO_TAG.search(tag) and not is_site(tag, names):
                tags.setdefault(tag.casefold(), tag)
        if tags:
            return tuple(tags.values()), origin
    return (), ""


# what systems write among tags for themselves: "contentId: e7533a37", identifiers, "@river"
_NO_TAG: Final = re.compile(
    r"^@|^[\w -]{2,30}:\s|[0-9a-f]{8}-[0-9a-f]{4}-|^\d+$|^\W+$|^(?:news|articles?|home|blog|posts?|uncategori[sz]ed)$",
    re.IGNORECASE,
)


def _keywords(value: object) -> list[str]:
    if isinstance(value, dict):
        value = value.get("name")
    return re.split(r"[,;|]", clean_text(value, TAGS * NAME_CHARACTERS))


_LANGUAGE = re.compile(r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_].*)?$")


def normal_language(text: str) -> str:
    """A language tag in the form of BCP 47 ("en_gb" is "en-GB"), or empty text."""
    match = _LANGUAGE.match(text.strip()[:35])
    if match is None:
        return ""
    language, script, region = match.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


def read_language(page: Page, linked: JsonLd) -> tuple[str, str]:
    """The language the page declares, as BCP 47 writes it, and where that was read."""
    for origin, value in (
        ("html", page.language),
        ("opengraph", page.first_meta("og:locale")),
        ("meta", page.first_meta("content-language", "language", "dc.language", "dcterms.language")),
        ("json-ld", linked.first_text("inLanguage", 35)),
    ):
        language = normal_language(value)
        if language:
            return language, origin
    return "", ""


def read_description(page: Page, linked: JsonLd) -> tuple[str, str]:
    """The description a page gives of itself, and where that was read."""
    for origin, value in (
        ("opengraph", page.first_meta("og:description")),
        ("meta", page.first_meta("description", "dc.description", "dcterms.description", "twitter:description")),
        ("json-ld", linked.first_text("description", DESCRIPTION_CHARACTERS, page_too=False)),
    ):
        text = clean_text(value, DESCRIPTION_CHARACTERS)
        if text:
            return text, origin
    return "", ""


def read_image(page: Page, linked: JsonLd, url: str) -> tuple[str, str]:
    """The URL of the picture that stands for the page, and where that was read."""
    declared = [
        value.get("url") or value.get("contentUrl") if isinstance(value, dict) else value
        for value in linked.values("image", page_too=False)
    ]
    for origin, values in (
        ("opengraph", page.metas.get("og:image:secure_url", []) + page.metas.get("og:image", [])),
        ("json-ld", [item for value in declared for item in items(value)]),
        ("twitter", page.metas.get("twitter:image", []) + page.metas.get("twitter:image:src", [])),
    ):
        for value in values[:5]:
            image = clean_url(value, url)
            if image:
                return image, origin
    return "", ""


def read_canonical(page: Page, site: Site, url: str) -> tuple[str, str]:
    """The declared canonical URL; a page that declares several, or one that is no article here, declares none."""
    declared = {clean_url(value, url) for value in page.canonicals[:10]} - {""}
    if len(declared) != 1:
        return "", ""
    try:
        canonical = canonical_url(declared.pop())
    except ValueError:
        return "", ""
    return (canonical, "canonical") if site.is_article(canonical) else ("", "")


# --- what the page calls itself -------------------------------------------------------------------------

_KIND_CHARACTERS = 60


def read_declared(page: Page, linked: JsonLd) -> tuple[str, ...]:
    """Every type that JSON-LD and OpenGraph give the page itself, sorted; OpenGraph's with ``og:`` before it."""
    kinds = {clean_text(kind, _KIND_CHARACTERS) for kind in linked.kinds}
    opened = clean_text(page.first_meta("og:type"), _KIND_CHARACTERS).lower()
    return tuple(sorted(filter(None, (*kinds, f"og:{opened}" if opened else ""))))
