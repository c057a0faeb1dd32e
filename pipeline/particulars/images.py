"""The pictures of an article, with caption, credit and what they show.

A picture is the article's when it stands between headline and end of the text, or when the page declares it. Not
those of related stories, of authors, of the site itself, or ones that nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from pipeline.metadata import clean_text, clean_url, fold, looks_like_name, tidy
from pipeline.model import Image

IMAGES: Final = 50
CAPTION_CHARACTERS: Final = 1000
CREDIT_CHARACTERS: Final = 200
ALT_CHARACTERS: Final = 500
_PICTURES: Final = 500  # looked at

# --- credits --------------------------------------------------------------------------------------------

_WORDS: Final = (
    r"\b(?:images?|photos?|photographs?|photography|photographer|pictures?|pics?|"
    r"llun(?:iau)?|foto(?:s|grafie|graf|grafía|grafia|grafi|credit)?|bild(?:er|quelle|nachweis|rechte)?|"
    r"crédits?(?:\sphotos?)?|imagen|imágenes|immagin[ei]|imagem|imagens|beeld|(?:photo|image|picture)\scredits?|"
    r"image\ssource|credits?|copyright|quelle|source|fuente|fonte|bron|kilde|källa|ffynhonnell|zdjęcie|fot\.)"
)
_CREDIT_SIGN: Final = (
    rf"(?:(?:\b(?:ap|afp|pa|epa|reuters)\s)?{_WORDS}\s?(?::|/|：|\b(?:by|von|par|por|di|de|door|gan|av|af)\b|©|\bcourtesy\b)|©|\(c\)\s|"
    r"\bcourtesy\s(?:of|photo|image)\b)"
)
_FIND_SIGN: Final = re.compile(_CREDIT_SIGN, re.IGNORECASE)
_PLAIN_SIGNS: Final = (":", "©", "：", "/", "by", "courtesy", "courtesy of", "(c) ")
_BRACKETED: Final = re.compile(
    rf"[(\[]\s*(?=[^()\[\]]{{2,160}}[)\]][\s.]*$)(?P<credit>{_CREDIT_SIGN}[^()\[\]]{{1,150}}"
    r"|[^()\[\]]{0,80}?\b(?:getty(?:\simages)?|shutterstock|alamy|istock|unsplash|pexels|pixabay|flickr|wikimedia(?:\scommons)?|"
    r"creative\scommons|cc[\s-]by[\w\s.-]{0,12}|reuters|afp|epa(?:-efe)?|ap(?:\sphoto|\simages)?(?:/[^()\[\]]{1,60})?|"
    r"pa(?:\swire|\smedia|\simages|\sarchive)?|dpa|apa|ldrs|ntb|ritzau|keystone|imago|ansa|efe|lusa|belga|anp)[^()\[\]]{0,60})[)\]][\s.]*$",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    rf"^[\s(\[|•·–—-]*(?:(?:{_WORDS})\s?(?:credits?|by)?\s?(?:[:：/]|©|\b(?:by|von|par|por|di|de|door|gan|av|af|courtesy\sof)\b)\s?)?"
    r"(?:©|\(c\)\s|copyright\s?:?)?\s*",
    re.IGNORECASE,
)


def split_credit(caption: str) -> tuple[str, str | None]:
    """A caption without the credit at its end, and the credit: "(Image: PA)", "Photo: A. B.", "© Getty Images"."""
    match = _BRACKETED.search(caption)
    if match is not None:
        return caption[: match.start()].rstrip(" |•·-–—"), name_credit(match["credit"])
    for found in _FIND_SIGN.finditer(caption):
        before, after = caption[: found.start()].rstrip(), caption[found.end() :].strip()
        plain = found[0].lower().endswith(_PLAIN_SIGNS)
        if found[0][0].islower() or not after or len(after) > (120 if plain else 50):
            continue
        if not plain and not (before and after[0].isupper() and len(after.split()) <= 6):
            continue  # "Imagen de la plaza" is no credit
        if plain or before[-1] in ".!?”\"'’»…|•·–—-)/":
            credit = name_credit(caption[found.start() :])
            if credit is not None and len(credit.split()) <= 14:
                return before.rstrip(" |•·-–—/("), credit
    return caption, None


def name_credit(text: str) -> str | None:
    """Whose a picture is, without the words that say that it is somebody's."""
    text = _LABEL.sub("", text.strip(), count=1).strip(" ()[]|•·-–—:\t")
    return tidy(text, CREDIT_CHARACTERS) or None


# --- the pictures of a page -----------------------------------------------------------------------------

_FOREIGN: Final = re.compile(
    r"(?<![a-z])(?:related|recommend\w*|read-?(?:more|next|also)|more-(?:news|stories|from|on)|most-?(?:read|popular)|"
    r"popular|trending|sidebar|news-?letter|subscri\w*|sign-?up|advert\w*|sponsor\w*|ads?|author\w*|avatar|byline|"
    r"profile|bio|biograph\w*|comments?|footer|nav|navbar|navigation|masthead|logo|social|shar(?:e|ing)|breadcrumbs?|"
    r"cookies?|outbrain|taboola|next-?(?:post|article)|prev(?:ious)?-?(?:post|article)|emoji|icons?|site-header|"
    r"latest|up-?next|promo(?:s|ted|tion)?|puff|teasers)(?![a-z])",
    re.IGNORECASE,
)
_NO_PICTURE: Final = re.compile(
    r"(?:^|[/_.-])(?:logo|logos|icon|icons|avatar|sprite|pixel|spacer|blank|tracking|tracker|beacon|1x1|transparent|"
    r"loading|placeholder|favicon|emoji|gravatar|badge|button|arrow|clear|rss)(?:$|[/_.-])|\.svg$|gravatar\.com|"
    r"/smilies/|doubleclick|scorecardresearch|facebook\.com/tr|s\.w\.org",
    re.IGNORECASE,
)
_NAMED_AWAY: Final = re.compile(
    r"avatar|author-?(?:image|photo|pic)|\blogo\b|\bicon\b|emoji|tracking|pixel", re.IGNORECASE
)
_SOURCES: Final = ("data-src", "data-original", "data-lazy-src", "data-hi-res-src", "data-url", "data-image", "src")
_SOURCE_SETS: Final = ("data-srcset", "data-lazy-srcset", "srcset")
_CREDIT_NAMES: Final = re.compile(
    r"credit|copyright|photographer|attribution|\bsource\b|picture-?by|photo-?by|agency|quelle|\bauthor\b|\brights",
    re.IGNORECASE,
)
_PICTURE_FILE: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|\?)|/(?:image|media|photo)s?/", re.IGNORECASE)
_HEADS: Final = frozenset(
    {"h1", "h2", "h3", "h4", "time", "form", "input", "li", "table", "blockquote", "video", "article"}
)
_STOPS: Final = frozenset({"body", "html", "main", "article", "ul", "ol", "table", "tr", "section"})
_SMALLEST: Final = 90  # pixels; smaller ones are icons and faces
_CLIMB: Final = 7


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of the page, whosever it is."""

    element: HtmlElement
    anchor: HtmlElement  # the picture, or what is left of its place when ``noscript`` is taken out
    address: str  # as written


def survey_pictures(tree: HtmlElement) -> list[Picture]:
    """All pictures of a page, in order; to be asked before anything is taken out of the tree.

    Templates that load pictures late have the only address in a ``noscript``.

    Args:
        tree: the whole page.
    """
    found: list[Picture] = []
    for picture in islice(tree.iter("img", "amp-img"), _PICTURES):
        address = _find_address(picture)
        if not address:
            continue
        anchor, cover = picture, picture.getparent()
        for _ in range(3):
            if cover is None:
                break
            above = cover.getparent()
            if cover.tag == "noscript" and above is not None:
                anchor = above
                break
            cover = above
        found.append(Picture(element=picture, anchor=anchor, address=address))
    return found


def read_images(
    tree: HtmlElement,
    pictures: Sequence[Picture],
    *,
    url: str,
    kept: Sequence[HtmlElement],
    spoken: Collection[str],
    declared: Sequence[Image],
    titles: Sequence[str] = (),
) -> list[Image]:
    """The pictures of the article, in the order of the page; those that are only declared behind them.

    Args:
        tree: the page, as it was left when the text had been found.
        pictures: what `survey_pictures` found.
        url: of the page, for relative addresses.
        kept: the elements that the text is made of, in order.
        spoken: the lines of the text in small letters: no caption repeats one of them.
        declared: what JSON-LD and OpenGraph name.
        titles: forms of the headline, which many templates give as alternative text.
    """
    headlines = {fold(title) for title in titles}
    found: dict[str, Image] = {}
    for picture in _choose(tree, pictures, kept, {_key(image.url) for image in declared}):
        address = clean_url(picture.address, url)
        if not address:
            continue
        caption, credit, loose = _find_caption(picture.anchor)
        if fold(caption) in headlines or (caption.casefold() in spoken and not (loose and len(caption) <= _SPOKEN)):
            caption = ""
        if credit is None and caption:
            caption, credit = split_credit(caption)
        alt = clean_text(picture.element.get("alt"), ALT_CHARACTERS)
        alt = "" if fold(alt) in headlines else alt
        _merge(found, Image(url=address, caption=caption or None, credit=credit, alt=alt or None))
    for image in declared:
        _merge(found, image)
    return list(found.values())[:IMAGES]


def _merge(found: dict[str, Image], image: Image) -> None:
    """Add a picture, or what it says to the same one seen before in another size."""
    key = _key(image.url)
    known = found.get(key)
    if known is not None and known.caption and image.caption and known.caption != image.caption:
        key, known = image.url, found.get(image.url)  # one name for two pictures
    if known is None and image.caption:
        key = next((name for name, each in found.items() if each.caption == image.caption), key)
        known = found.get(key)
    if known is not None:
        image = Image(
            url=known.url,
            caption=known.caption or image.caption,
            credit=known.credit or image.credit,
            alt=known.alt or image.alt,
        )
    if known is not None or len(found) < IMAGES:
        found[key] = image


_SIZES: Final = re.compile(
    r"(?:[-_@](?:\d{2,4}x\d{2,4}|\d{2,4}w|scaled|large|medium|small|thumb(?:nail)?|original|crop(?:ped)?)){1,6}$",
    re.IGNORECASE,
)


@lru_cache(maxsize=2048)
def _key(url: str) -> str:
    """What is the same for one picture in several sizes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    name = parts.path.rstrip("/").rsplit("/", 1)[-1][:300]
    stem = _SIZES.sub("", name.rsplit(".", 1)[0]) or name
    if len(stem) >= 8 and stem.lower() not in {"image", "photo", "original", "landscape", "default"}:
        return stem.lower()
    return f"{parts.netloc}{parts.path}" + (f"?{parts.query}" if len(stem) < 4 else "")


def _find_caption(picture: HtmlElement) -> tuple[str, str | None, bool]:
    """Caption and credit of a picture: of the figure it is in, or what else stands in a box with nothing but it.

    Returns:
        Caption, credit, and whether nothing but its place tells that it is one.
    """
    at: HtmlElement | None = picture
    for _ in range(_CLIMB):
        if at is None or at.tag in _STOPS:
            break
        if at.tag != "figure" and _pictures_in(at) > 2:
            break
        told = _caption_in(at)
        if told is None and at.tag == "figure":
            above = at.getparent()
            told = _caption_in(above) if above is not None and _pictures_in(above) == 1 else None
            at = at if told is None else above
        if told is not None and at is not None:
            caption, credit = _read_caption(told)
            return caption, credit if credit is not None else _find_credit(at, told), False
        if at is not None and _shows_text(at):
            if at.tag in {"a", "figure", "p"} or _pictures_in(at) != 1 or not _could_be_caption(at, picture):
                break
            return *_read_caption(at), True
        at = None if at is None else at.getparent()
    return "", None, False


def _caption_in(element: HtmlElement) -> HtmlElement | None:
    """The caption among the first elements in another one; a caption stands near to its picture."""
    for node in islice(element.iter(), _NEAR):
        if node.tag == "figcaption":
            return node
        named = "aption" in (node.get("class") or "") or "caption" in (node.get("itemprop") or "")
        if named and node is not element and _pictures_in(node) == 0 and _shows_text(node):
            return node
    return None


_NEAR: Final = 80


def _pictures_in(element: HtmlElement) -> int:
    """How many pictures an element holds; those of ``noscript`` are the same ones again."""
    number = 0
    for picture in islice(element.iter("img", "amp-img"), 12):
        parent = picture.getparent()
        number += parent is None or parent.tag != "noscript"
    return max(1, number) if next(element.iter("img", "amp-img"), None) is not None else 0


def _shows_text(element: HtmlElement) -> bool:
    return any(text.strip() for text in _texts(element))


def _could_be_caption(element: HtmlElement, picture: HtmlElement) -> bool:
    """Whether all the text of a box could be the caption of its picture; a face with a name and a role is none."""
    alt = " ".join((picture.get("alt") or "").split())
    if looks_like_name(alt[:200]) and alt in " ".join(_texts(element)):
        return False
    if next(element.iter(*_HEADS), None) is not None:
        return False
    linked = sum(len(link.text_content()) for link in islice(element.iter("a"), 5))
    length = 0
    for text in _texts(element):
        length += len(text.strip())
        if length > _LOOSE_CHARACTERS:
            return False
    return length >= 10 and 2 * linked <= length and not _NAMED_AWAY.search(element.get("class") or "")


_LOOSE_CHARACTERS: Final = 450
_SPOKEN: Final = 160  # a caption that was taken for text, where it stands in a box with nothing but its picture


def _choose(
    tree: HtmlElement, pictures: Sequence[Picture], kept: Sequence[HtmlElement], declared: Collection[str]
) -> list[Picture]:
    """The pictures of the article among those of the page."""
    by_anchor: dict[HtmlElement, list[Picture]] = {}
    for picture in pictures:
        by_anchor.setdefault(picture.anchor, []).append(picture)
    holding = _ancestors(kept)
    first = next((element for element in kept if is_within(element, tree)), None)
    last = next((element for element in reversed(kept) if is_within(element, tree)), None)
    home = None if first is None or last is None else common_element(first, last)
    tags = {element.tag for element in (*by_anchor, *(each for each in (first, last) if each is not None))}
    known: dict[HtmlElement, bool] = {}
    chosen: list[Picture] = []
    begun = ended = headed = False
    for element in tree.iter("h1", *sorted(tags)):
        headed = headed or element.tag == "h1"
        begun, ended = begun or element is first, ended or element is last
        for picture in by_anchor.get(element, ()):
            over = ended and not is_within(element, last)
            placed = (
                first is None
                or (begun and not over)
                or (not begun and headed)
                or _key(picture.address) in declared
                or (home is not None and is_within(element, home) and _is_captioned(element))
            )
            if placed and not _is_no_picture(picture) and not _is_foreign(element, picture.address, holding, known):
                chosen.append(picture)
                if len(chosen) >= 2 * IMAGES:
                    return chosen
    return chosen


def _is_captioned(picture: HtmlElement) -> bool:
    """Whether a picture is in a figure with a caption."""
    return any(_caption_in(figure) is not None for figure in islice(picture.iterancestors("figure"), 1))


def _ancestors(elements: Sequence[HtmlElement]) -> frozenset[HtmlElement]:
    """The elements around these, each once."""
    found: set[HtmlElement] = set()
    for element in elements:
        at: HtmlElement | None = element
        while at is not None and at not in found:
            found.add(at)
            at = at.getparent()
    return frozenset(found)


def common_element(first: HtmlElement, last: HtmlElement) -> HtmlElement | None:
    """The innermost element around both; the one around it, where both are the same."""
    above: set[HtmlElement] = set()
    at: HtmlElement | None = first.getparent() if first is last else first
    while at is not None:
        above.add(at)
        at = at.getparent()
    at = last
    while at is not None and at not in above:
        at = at.getparent()
    return at


def is_within(element: HtmlElement, home: HtmlElement | None) -> bool:
    """Whether one element is in another one, or is it."""
    at: HtmlElement | None = element
    while at is not None and at is not home:
        at = at.getparent()
    return at is not None


def _is_foreign(
    element: HtmlElement, address: str, holding: Collection[HtmlElement], known: dict[HtmlElement, bool]
) -> bool:
    """Whether a picture stands in a box of its own that is not the article's, or in a link to another page."""
    at: HtmlElement | None = element
    way: list[HtmlElement] = []
    foreign = False
    while at is not None and not foreign and at not in holding and at.tag not in {"body", "html"}:
        if at in known:
            foreign = known[at]
            break
        way.append(at)
        foreign = _names_foreign(at, address)
        at = at.getparent()
    if way and len(known) < 4 * _PICTURES:
        known.update(dict.fromkeys((way[1:] or way) if foreign else way[1:], foreign))
    return foreign


def _names_foreign(element: HtmlElement, address: str) -> bool:
    tag = element.tag
    if tag in {"nav", "footer", "button", "form"} or (tag == "a" and _leads_away(element, address)):
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}"[:200]
    if tag in {"figure", "img", "picture"}:
        return False
    if tag == "aside" and not _FIGURED.search(names):
        return True
    return len(names) > 1 and _is_foreign_name(names)


def _leads_away(link: HtmlElement, address: str) -> bool:
    leads = (link.get("href") or "").strip()
    return (
        bool(leads)
        and not leads.startswith(("#", "javascript:"))
        and not _PICTURE_FILE.search(leads)
        and leads not in address
    )


_FIGURED: Final = re.compile(r"figure|image|photo|picture|gallery|media", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _is_foreign_name(names: str) -> bool:
    return _FOREIGN.search(names) is not None


def _find_address(picture: HtmlElement) -> str:
    """The address of a picture; where it has none of its own, the largest that is offered for it."""
    for name in _SOURCES:
        value = (picture.get(name) or "").strip()
        if len(value) > 3 and not value.startswith(("data:", "about:", "{", "blob:", "#")):
            return value.replace(" ", "%20")
    offered = [picture.get(name) for name in _SOURCE_SETS]
    for around in islice(picture.iterancestors("picture"), 1):
        sources = islice(around.iter("source"), 10)  # libxml2 knows no `source`, and nests what follows it
        offered += [source.get(name) for source in sources for name in _SOURCE_SETS]
    for value in offered:
        found = _largest(value) if value else ""
        if found:
            return found
    return ""


_CANDIDATE: Final = re.compile(r"(?:^|,)\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+(\d{1,6}(?:\.\d{1,3})?)[wx])?")


def _largest(srcset: str) -> str:
    best, widest = "", -1.0
    for match in islice(_CANDIDATE.finditer(srcset[:8000]), 30):
        width = float(match[2] or 0)
        if width > widest and not match[1].startswith("data:"):
            best, widest = match[1], width
    return best


def _is_no_picture(picture: Picture) -> bool:
    element = picture.element
    for name in ("width", "height"):
        value = (element.get(name) or "").strip().removesuffix("px")
        if value.isascii() and value.isdigit() and len(value) < 6 and int(value) < _SMALLEST:
            return True
    place = picture.address.partition("?")[0]
    names = f"{element.get('class') or ''} {element.get('id') or ''}"[:200]
    return _NO_PICTURE.search(place) is not None or _NAMED_AWAY.search(names) is not None


# --- captions -------------------------------------------------------------------------------------------

_LABEL_LEFT: Final = re.compile(rf"[\s(\[|•·–—-]*\b{_WORDS}\s?(?:by|[:：])?\s*$", re.IGNORECASE)


def _read_caption(element: HtmlElement) -> tuple[str, str | None]:
    """The caption that an element holds, and the credit where that stands in an element of its own."""
    credit = ""
    for node in islice(element.iter("span", "div", "p", "small", "cite", "em", "i", "a"), 40):
        names = f"{node.get('class') or ''} {node.get('itemprop') or ''}"
        if node is not element and ((names != " " and _CREDIT_NAMES.search(names)) or node.tag == "cite"):
            credit = " ".join(" ".join(_texts(node)).split())[:CREDIT_CHARACTERS]
            break
    caption = tidy(" ".join(_texts(element)), CAPTION_CHARACTERS)
    if not credit or credit not in caption:
        return caption, None
    left = " ".join(caption.replace(credit, " ", 1).split()).strip(" |•·-–—/()[]")
    return _LABEL_LEFT.sub("", left), name_credit(credit)


def _texts(element: HtmlElement) -> Iterator[str]:
    """The visible texts of an element, without those of scripts and buttons."""
    skipped: HtmlElement | None = None
    for node in islice(element.iter(), 200):
        if skipped is not None and is_within(node, skipped) and node is not skipped:
            continue
        hidden = node.tag in _UNSEEN
        skipped = node if hidden else skipped
        if node.text and not hidden:
            yield node.text
        if node is not element and node.tail:
            yield node.tail


_UNSEEN: Final = frozenset({"script", "style", "button", "noscript", "svg", "template", "iframe"})


def _find_credit(holder: HtmlElement, caption: HtmlElement) -> str | None:
    """A credit that stands beside the caption, in the same figure."""
    for node in islice(holder.iter("span", "div", "p", "small", "cite", "figcaption"), 40):
        names = f"{node.get('class') or ''} {node.get('itemprop') or ''}"
        if node is not caption and names != " " and _CREDIT_NAMES.search(names) and _pictures_in(node) == 0:
            text = tidy(" ".join(_texts(node)), CREDIT_CHARACTERS)
            if 1 < len(text) <= 150:
                return name_credit(text)
    return None


# --- declared -------------------------------------------------------------------------------------------


def declared_image(value: Any, base: str) -> Image | None:
    """A picture as JSON-LD declares it: an address, or an ImageObject."""
    if isinstance(value, str):
        address = clean_url(value, base)
        return Image(url=address) if address and not _NO_PICTURE.search(urlsplit(address).path) else None
    if not isinstance(value, dict):
        return None
    address = next(
        (found for key in ("contentUrl", "url", "@id") if (found := clean_url(_first(value.get(key)), base))), ""
    )
    if not address or _NO_PICTURE.search(urlsplit(address).path):
        return None
    caption = clean_text(value.get("caption"), CAPTION_CHARACTERS)
    credit = next(
        (
            text
            for key in ("creditText", "creator", "author", "copyrightHolder", "copyrightNotice", "sourceOrganization")
            if (text := clean_text(_name(value.get(key)), CREDIT_CHARACTERS))
        ),
        "",
    )
    named: str | None = name_credit(credit) if credit else None
    if caption and named is None:
        caption, named = split_credit(caption)
    return Image(url=address, caption=caption or None, credit=named)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _name(value: Any) -> Any:
    value = _first(value)
    return value.get("name") if isinstance(value, dict) else value
