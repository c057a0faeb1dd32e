"""The text of a page: which of its blocks are the article, and why the others are not.

The names of elements give a first guess (`pipeline.frames`), and each block is weighed (`pipeline.weighing`). Where
next to nothing is left trafilatura is asked, and its text is laid over the blocks. Only this module knows trafilatura.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, Final

from lxml.etree import XPath, strip_elements
from lxml.html import HtmlElement

from pipeline.blocks import (
    NAME_CHARACTERS,
    STRIPPED_BLOCKS,
    STRIPPED_CHARACTERS,
    STRIPPED_TOTAL,
    Block,
    label_of,
    read_blocks,
    width_of,
    wording_of,
)
from pipeline.boilerplate import Memory
from pipeline.edges import decide_edges, name_led
from pipeline.frames import Frames, read_frames
from pipeline.metadata import TITLE_CHARACTERS, Metadata, fold, tidy
from pipeline.model import Part, Stripped
from pipeline.page import disarm, is_armed
from pipeline.rules import Marks
from pipeline.structure import find_entries, find_entry, index_entries, is_stamp, make_parts
from pipeline.weighing import Matrix, digest_weights, measure_blocks, weigh_blocks
from pipeline.within import fill_gaps, mend_within


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of a block."""

    block: Block
    kept: bool
    why: str  # words for a person
    rule: str  # what decided: "trafilatura", "headline", "repeat", "box", "memory", "site rule", "model"


@dataclass(frozen=True, kw_only=True)
class Body:
    """The text of a page and what was left out of it.

    ``text`` is the texts of ``parts``, each on lines of its own; ``verdicts`` has every visible block once, in the
    order of the page.
    """

    text: str
    parts: tuple[Part, ...]
    stripped: tuple[Stripped, ...]
    verdicts: tuple[Verdict, ...]
    held: str = ""  # why the site's memory took less than it would have, in words


def cut_page(tree: HtmlElement, *, dropped: bool = False) -> list[Block]:
    """The visible blocks of a page, their texts as they are kept: what the site's memory looks at.

    Args:
        tree: the page; what is never text is taken out of it.
        dropped: that has been done (`drop_unread`).
    """
    if not dropped:
        drop_unread(tree)
    blocks = read_blocks(tree)
    if is_armed("".join(block.text for block in blocks)):
        blocks = [_clean(block) for block in blocks]
    return [block for block in blocks if block.text]


def read_body(
    tree: HtmlElement,
    about: Metadata,
    *,
    memory: Memory | None = None,
    rules: Marks | None = None,
    weigh: Callable[[Matrix], Sequence[float]] = weigh_blocks,
) -> Body:
    """Find the article among the blocks of a page.

    Args:
        tree: the page; what is never text is taken out of it.
        about: its metadata: headlines are no text.
        memory: what is known of the site's blocks from other pages.
        rules: what the site's file says of this page (`pipeline.rules`); it goes before all else.
        weigh: what speaks for each block, in thousandths: other weights than those of the package.
    """
    drop_unread(tree)
    entries = find_entries(tree, about)
    survey = survey_page(tree, rules=rules, dropped=True)
    blocks, ruled = survey.blocks, survey.ruled
    verdicts = judge_blocks(survey, about, weigh)
    if entries:
        verdicts = _keep_entries(verdicts, index_entries(entries))
    else:
        open_to = [verdict.rule in _OVERRULED for verdict in verdicts]
        for number, (keep, why) in mend_within(blocks, [verdict.kept for verdict in verdicts], open_to).items():
            verdicts[number] = replace(verdicts[number], kept=keep, why=why, rule="place")
        for number, (keep, why) in decide_edges(blocks, [verdict.kept for verdict in verdicts], about).items():
            verdicts[number] = replace(verdicts[number], kept=keep, why=why, rule="wording")
        open_to = [verdict.rule in _REFILLED for verdict in verdicts]
        for number, why in fill_gaps(blocks, [verdict.kept for verdict in verdicts], open_to).items():
            verdicts[number] = replace(verdicts[number], kept=True, why=why, rule="place")
    held = ""
    if memory is not None:
        review = memory.review(blocks, [verdict.kept for verdict in verdicts])
        held = review.held
        for number, why in review.taken.items():
            verdicts[number] = replace(verdicts[number], kept=False, why=why, rule="memory")
        for number, why in review.given.items():
            if verdicts[number].rule in _OVERRULED:
                verdicts[number] = replace(verdicts[number], kept=True, why=why, rule="memory")
    verdicts = [
        verdict if said is None else replace(verdict, kept=said[0], why=said[1], rule="site rule")
        for verdict, said in zip(verdicts, ruled or [None] * len(verdicts), strict=True)
    ]
    kept = [verdict.block for verdict in verdicts if verdict.kept]
    verdicts = _mend_words(verdicts)
    whys = [verdict.why for verdict in verdicts]
    for number, why in name_led(blocks, [verdict.kept for verdict in verdicts], whys).items():
        verdicts[number] = replace(verdicts[number], why=why)
    parts = make_parts(kept, tree, about, entries)
    return Body(
        text="\n".join(part.text for part in parts),
        parts=parts,
        stripped=(*_tell_stripped(verdicts), *(rules.cut if rules else ())),
        verdicts=tuple(verdicts),
        held=held,
    )


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The blocks of a page, and a first guess which of them are the article."""

    blocks: Sequence[Block]
    shares: Sequence[int]  # how much of each stands in the text as guessed, 0 to 8
    boxes: Sequence[HtmlElement | None]  # what each stands in that was taken out of the page
    frames: Frames  # what the elements that they stand in say of them
    searched: HtmlElement  # the page as it is searched where too little is found
    ruled: Sequence[tuple[bool, str] | None] = ()  # what the site's rules say of each; empty where there are none

    @property
    def boxed(self) -> list[bool]:
        """Whether each stands in something that was taken out."""
        return [box is not None for box in self.boxes]


def survey_page(tree: HtmlElement, *, rules: Marks | None = None, dropped: bool = False) -> Survey:
    """Cut a page into blocks and guess which are text. What is never text is taken out of the tree.

    Args:
        tree: the page.
        rules: what the site's file says of it.
        dropped: that has been done (`drop_unread`).
    """
    blocks = cut_page(tree, dropped=dropped)
    ruled = [] if rules is None else [rules.judge(block.element) for block in blocks]
    searched = tree if rules is None else rules.prune(tree)
    _drop_frame(searched)
    _drop_boxes(searched)
    top = _root_of(tree)
    frames = read_frames(tree, blocks)
    return Survey(
        blocks=blocks,
        shares=frames.shares if searched is tree else align_text(blocks, disarm(find_text(searched))),
        boxes=[None if root is top else root for root in frames.roots],
        frames=frames,
        searched=searched,
        ruled=ruled,
    )


def _clean(block: Block) -> Block:
    """The block without letters that nobody sees in its text."""
    text = disarm(block.text) if block.rows is None else "\n".join(map(disarm, block.text.split("\n")))
    return block if text == block.text else replace(block, text=text)


# --- trafilatura ----------------------------------------------------------------------------------------

READING: Final = 1
"""Number of the way in which pages are read; one more with each release that reads text differently."""


@cache
def extractor_version() -> str:
    """What made the text, for the version documents: ``muniment text 1 (trafilatura 2.3.1, weights 1a2b3c4d)``."""
    return f"muniment text {READING} (trafilatura {version('trafilatura')}, weights {digest_weights()})"


@dataclass(frozen=True, kw_only=True)
class _Library:
    """What is used of trafilatura."""

    options: Any
    clean: Any  # drops what is never text, (tree, options) -> tree
    convert: Any  # gives its own names to elements, (tree, options) -> tree
    find: Any  # its own way of finding the text, (tree, options) -> (body, text)
    compare: Any  # the second opinions: readability, jusText
    write: Any  # (body, formatted) -> text with a line for each paragraph
    count_page: Any  # (tree) -> the page's text
    extract: Any  # all of it with all that is tried when little is found, (tree, options=) -> document
    short: int  # characters of a text that may have to be found in yet another way
    share: float  # of the page's text, below which that is tried


@cache
def load_trafilatura() -> _Library:
    """trafilatura and its options, loaded when the first page comes: the parent process never needs it."""
    from trafilatura import bare_extraction, core, html2txt  # noqa: PLC0415 - 0.5 s that the parent never needs
    from trafilatura.external import compare_extraction  # noqa: PLC0415
    from trafilatura.htmlprocessing import convert_tags, tree_cleaning  # noqa: PLC0415
    from trafilatura.main_extractor import extract_content  # noqa: PLC0415
    from trafilatura.settings import Extractor as Options  # noqa: PLC0415
    from trafilatura.xml import xmltotxt  # noqa: PLC0415

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return _Library(
        options=Options(output_format="python", comments=False),
        clean=tree_cleaning,
        convert=convert_tags,
        find=extract_content,
        compare=compare_extraction,
        write=xmltotxt,
        count_page=html2txt,
        extract=bare_extraction,
        short=core.ESCALATION_MAX_LENGTH,
        share=core.ESCALATION_PAGE_SHARE,
    )


_SURE_CHARACTERS, _SURE_SHARE = 1000, 0.4


def find_text(tree: HtmlElement) -> str:
    """trafilatura's text: paragraphs on lines of their own. The tree is copied, not changed.

    Its own way of finding the text is asked step by step: `bare_extraction` copies the tree four times and asks for
    the names of readers' comments by patterns in XPath, which takes as long as finding the text. Its second opinions
    are asked only where its own text is short, or is a small part of the page's (they change one page in
    twenty-five), and all of `bare_extraction` only where it would try yet other ways.
    """
    library = load_trafilatura()
    options = library.options
    try:
        if not _is_forum(tree):
            found, text = library.find(library.convert(library.clean(_prune(tree), options), options), options)
            sure = _is_sure(text, tree)
            if not sure:
                found, text = library.compare(library.clean(_prune(tree), options), _prune(tree), found, text, options)
            if sure or not (
                len(text) < options.min_extracted_size
                or (len(text) < library.short and len(text) < library.share * len(library.count_page(_prune(tree))))
            ):
                return str(library.write(found, options.formatting))
        found = library.extract(tree, options=options)
    except (TypeError, ValueError):  # what it raises within is not meant for its callers
        return ""
    return str(found.text or "") if found is not None else ""


def _is_sure(text: str, tree: HtmlElement) -> bool:
    """Whether a text is long, and is much of what its page has."""
    body = tree.find("body")
    if len(text) < _SURE_CHARACTERS or body is None:
        return False
    return len("".join(text.split())) >= _SURE_SHARE * len("".join(body.text_content().split()))


def _is_forum(tree: HtmlElement) -> bool:
    """Whether a page declares to be a forum's, where comments are the text."""
    return any("DiscussionForumPosting" in (script.text or "") for script in tree.iter("script"))


_COMMENT_ID = re.compile("(?:[Cc]omment(?!ary)|comol|disqus_thread|dsq-comments)")
_COMMENT_CLASS = re.compile("(?:^[Cc]omment(?!ary))|(?:article|post)-comments")
_APPENDED = re.compile("mvp-post-add-(?:box|wrap)|infinite-?scroll")


@lru_cache(maxsize=4096)
def _names_comments(identity: str, names: str) -> int:
    """Whether names are those of readers' comments (1), or of whole articles appended to the page (2)."""
    if _COMMENT_ID.match(identity) or _COMMENT_CLASS.search(names):
        return 1
    return 2 * bool(_APPENDED.search(identity) or _APPENDED.search(names))


def _prune(tree: HtmlElement) -> HtmlElement:
    """A copy of a tree without what trafilatura takes out before it looks for the text."""
    tree = copy(tree)
    for element in list(tree.iter("div", "section", "aside", "details", "ol", "ul")):
        identity, names = element.get("id", ""), element.get("class", "")
        if not (identity or names):
            continue
        kind = _names_comments(identity, names)
        dropped = (kind == 1 and element.tag != "aside") or (kind == 2 and element.find(".//h1") is None)
        if dropped and element.getparent() is not None:
            element.drop_tree()
    return tree


_NOISE = re.compile(r"[\W_]+")
_SHORT: Final = 20  # letters: a text as short as this stands in another one by chance
_SAMPLE, _SAMPLES = 20, 8  # letters of a sample, samples of a block
_SEARCHED: Final = 100_000_000  # letters that are searched at most; after that only near the place that is due
_NEAR: Final = 20_000


_PLAIN_NOISE: Final = "".join(letter for letter in map(chr, range(128)) if _NOISE.match(letter)).encode()


def _squeeze(text: str) -> str:
    """The letters and digits of a text. Of one in ASCII, in a tenth of the time that a pattern takes."""
    return text.encode().translate(None, _PLAIN_NOISE).decode() if text.isascii() else _NOISE.sub("", text)


def align_text(blocks: Sequence[Block], text: str) -> list[int]:
    """How much of each block stands in a text that was made of the same page: 0 (nothing) to 8 (all of it).

    Only letters and digits count. A short block counts only where it is a whole line of the text.
    """
    lines = [_squeeze(line) for line in text.split("\n")]
    whole = "".join(lines)
    known = set(lines)
    room = _SEARCHED
    at = 0
    shares: list[int] = []

    def find(piece: str) -> int:
        nonlocal room
        near = whole.find(piece, at, at + _NEAR)
        if near >= 0 or room < 0:
            return near
        room -= len(whole)
        return whole.find(piece)

    for block in blocks:
        piece = _squeeze(block.text)
        if not piece:
            shares.append(0)
            continue
        if len(piece) < _SHORT:
            if piece in known:
                at = max(at, whole.find(piece, at, at + _NEAR))
            shares.append(_SAMPLES if piece in known else 0)
            continue
        place = find(piece)
        if place >= 0:
            at = place + len(piece)
            shares.append(_SAMPLES)
            continue
        step = max(_SAMPLE, len(piece) // _SAMPLES)
        samples = [piece[start : start + _SAMPLE] for start in range(0, len(piece) - _SAMPLE + 1, step)][:_SAMPLES]
        shares.append(sum(find(sample) >= 0 for sample in samples) * _SAMPLES // len(samples))
    return shares


# --- what is never text ---------------------------------------------------------------------------------

_FIND_FRAME: Final = XPath("//nav | //footer[not(ancestor::article or ancestor::main)]")


def drop_unread(tree: HtmlElement) -> None:
    """Take out of a tree what nobody reads, before it is searched several times; JSON-LD stays."""
    for script in tree.xpath("//script[contains(@type, 'ld+json')]"):
        script.tag = "ld-json"
    strip_elements(tree, "script", "style", "svg", "link", "iframe", "template", "noscript", "select", with_tail=False)
    for script in tree.iter("ld-json"):
        script.tag = "script"


def _drop_frame(tree: HtmlElement) -> None:
    """Take out the menus and the page's footer: a third of many pages.

    Without them trafilatura gives the same text for news and better text elsewhere, in nine tenths of the time. They
    stay where they hold half of the page's text, because some templates put everything into one.
    """
    frame = _frame(tree)
    if 2 * sum(len(element.text_content()) for element in frame) > len(tree.text_content()):
        return
    for element in frame:
        if element.getparent() is not None:
            element.drop_tree()


_NAMED = re.compile(
    r"(?:^|\s)(?:[a-z]{1,3}[-_]+)?(?:(?:news-?letter|advert(?:s|isement)?|ad-?(?:slot|unit|container|wrapper)|jobs|"
    r"poll|quiz|subscribe|subscription|shar(?:e|ing)|social|most-?(?:read|popular)|related|author-?bio|about-?the-?author|trending)"
    r"(?:[-_](?:sign-?up|form|box|block|promo|cta|widget|module|panel|bar|buttons?|tools|links|list|icons|articles?|"
    r"stories|posts|news|content|inline|mid|end|top|bottom|container|wrapper|section|\d+))*)(?=\s|$)",
    re.IGNORECASE,
)
_NAMED_AT_ALL: Final = (
    *("newsletter", "news-letter", "subscri", "advert", "ad-", "ad_", "adslot", "adunit", "adcont", "adwrap", "jobs"),
    *("poll", "quiz", "shar", "social", "most", "related", "author", "trending"),
)
"""A piece of each of these names: most names have none, and the pattern takes longer."""
_BOX_CHARACTERS, _BOX_SHARE = 800, 0.1


@lru_cache(maxsize=4096)
def _names_box(names: str) -> bool:
    lowered = names.lower()
    return any(word in lowered for word in _NAMED_AT_ALL) and _NAMED.search(names) is not None


def _drop_boxes(tree: HtmlElement) -> None:
    """Take out small blocks whose own name says that they are no part of the article: adverts, sign-ups, polls.

    Where trafilatura finds the text by its first way they are left out anyway; where it has to fall back they are
    not, and a box that comes or goes looks like an edit.
    """
    whole = 0
    body = tree.find("body")
    for element in list(body.iter("div", "section", "form", "ul")) if body is not None else ():
        names = " ".join(filter(None, (element.get("class"), element.get("id"))))[:200]
        if not names or not _names_box(names) or element.getparent() is None:
            continue
        text = element.text_content()
        if len(text) > 4 * _BOX_CHARACTERS:
            continue
        size = len(" ".join(text.split()))
        whole = whole or len(" ".join(tree.text_content()[:100_000].split()))
        if size > min(_BOX_CHARACTERS, _BOX_SHARE * whole) or element.find(".//h1") is not None:
            continue
        if next(element.iterancestors("aside"), None) is None:
            element.drop_tree()


def _frame(tree: HtmlElement) -> list[HtmlElement]:
    found = _FIND_FRAME(tree)
    return [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []


# --- verdicts -------------------------------------------------------------------------------------------

_DATELINE = re.compile(
    r"(?:(?:first |last |date )?(?:published|posted|updated|modified|reviewed)(?: date)?|date)(?: on| at)?\s?:?"
    r"(?:\s[\w ,./]{0,30}\b\d{4}\b[\w :,.]{0,15})?",
    re.IGNORECASE,
)


_SIGNED: Final = 140  # characters of a line that tells who signed and when, and nothing else
_SIGNED_WORDS: Final = 4  # of such a line beside names and figures: "by", "updated", a month, "pm"
_DATED_WORDS: Final = 2  # where nobody signed, but a year and a clock stand in it
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def _is_signature(text: str, signers: Sequence[str]) -> bool:
    """Whether a line is a byline or the day of publication with little else: "Ana Gil 19 jul 2026 - 21:47".

    Args:
        text: the line.
        signers: the names of those who signed the page, folded.
    """
    if text.endswith((".", "!", "?", ":", "…", "”", '"')) and not text.endswith("m."):
        return False
    line = fold(text)
    dated = _YEAR.search(text) is not None and sum(word.isdigit() for word in line.split()) >= 2
    signed = False
    for name in signers:
        if len(name) > 4 and f" {name} " in f" {line} ":
            line = f" {line} ".replace(f" {name} ", " | ")
            signed = True
    words = [word for word in line.split() if not any(map(str.isdigit, word)) and word != "|"]
    return (signed and len(words) <= _SIGNED_WORDS) or (dated and ":" in text and len(words) <= _DATED_WORDS)


_KEPT_SHARE: Final = 4  # of 8 samples of a block that are in a text


_LEAST: Final = (0, -1000)  # what has to speak for a block; where too little text stays, less has to
_FEWEST: Final = 2  # one in so many characters of the first guess stays, or less has to speak for a block
_LITTLE: Final = 250  # characters: where fewer are left, trafilatura is asked
_FEWEST_AT_ALL: Final = 8  # one in so many characters of its text stays, or the weights are wrong
_FEW_LINKS: Final = 0.3  # of a table of data
_OF_TABLES: Final = frozenset({"", "caption"})  # many systems put tables into a figure
_UNTOLD: Final = "not part of the article"
_OVERRULED: Final = frozenset({"trafilatura", "model"})  # whose verdicts the site's memory may turn round
_REFILLED: Final = _OVERRULED | {"repeat", "headline"}  # a heading or an item may stand twice, or be as the headline


def judge_blocks(
    survey: Survey, about: Metadata, weigh: Callable[[Matrix], Sequence[float]] = weigh_blocks
) -> list[Verdict]:
    """A verdict on each block: by its weight, or where next to nothing would be left by trafilatura's text alone."""
    measures = measure_blocks(survey.blocks, survey.shares, survey.boxed, about, survey.frames)
    verdicts = judge_weighed(survey, about, weigh(measures))
    kept = sum(width_of(verdict.block.text) for verdict in verdicts if verdict.kept)
    if kept >= _LITTLE:
        return verdicts
    shares = align_text(survey.blocks, disarm(find_text(survey.searched)))
    inside = [share >= _KEPT_SHARE and box is None for share, box in zip(shares, survey.boxes, strict=True)]
    found = sum(width_of(block.text) for block, within in zip(survey.blocks, inside, strict=True) if within)
    return verdicts if _FEWEST_AT_ALL * kept >= found else _judge_each(survey, inside, about, "trafilatura")


def judge_weighed(survey: Survey, about: Metadata, weights: Sequence[float]) -> list[Verdict]:
    """A verdict on each block of which the weight is known, in thousandths (`pipeline.weighing`)."""
    inside = [share >= _KEPT_SHARE and box is None for share, box in zip(survey.shares, survey.boxes, strict=True)]
    found = sum(width_of(block.text) for block, within in zip(survey.blocks, inside, strict=True) if within)
    verdicts: list[Verdict] = []
    for least in _LEAST:
        keeps = _mend_keeps(survey, [weight > least for weight in weights], inside)
        verdicts = _judge_each(survey, keeps, about, "model")
        kept = sum(width_of(verdict.block.text) for verdict in verdicts if verdict.kept)
        if _FEWEST * kept >= found:
            break
    return verdicts


def _mend_keeps(survey: Survey, keeps: Sequence[bool], inside: Sequence[bool]) -> list[bool]:
    """What is kept, without buttons for sharing outside of the guess, and with tables that go on the text."""
    blocks, frames = survey.blocks, survey.frames
    mended = [
        keep and (within or block.label != "share") for block, keep, within in zip(blocks, keeps, inside, strict=True)
    ]
    for number, block in enumerate(blocks[1:] if frames.chosen else (), 1):
        before = blocks[number - 1]
        if block.rows is None or block.label not in _OF_TABLES or block.link_share > _FEW_LINKS:
            continue
        framed = frames.within[number] & frames.within[number - 1] & frames.chosen
        headed = before.kind == "heading" and not before.label and number > 1 and mended[number - 2]
        if framed and survey.boxes[number] is None and (headed or mended[number - 1]):
            mended[number - 1 : number + 1] = [True, True]
    return mended


def _judge_each(survey: Survey, keeps: Sequence[bool], about: Metadata, rule: str) -> list[Verdict]:
    headlines = {fold(title) for title in about.titles}
    signers = [name for byline in about.bylines if (name := fold(byline.name))]
    last = max((number for number, keep in enumerate(keeps) if keep), default=-1)
    seen: set[str] = set()
    verdicts: list[Verdict] = []
    kept = 0
    for number, (block, box) in enumerate(zip(survey.blocks, survey.boxes, strict=True)):
        text = block.text
        why, decided = "", ""
        if box is not None:
            why, decided = _tell_box(box), "box"
        elif len(text) <= 2 * TITLE_CHARACTERS and kept < 3 and fold(text) in headlines:
            why, decided = "headline", "headline"
        elif not keeps[number]:
            why, decided = _tell_why(block, kept, number > last), rule
        elif kept < 3 and len(text) < 60 and _DATELINE.fullmatch(text):
            why, decided = "byline", "dateline"
        elif kept < 2 and block.kind != "heading" and len(text) <= _SIGNED and _is_signature(text, signers):
            why, decided = "byline", "signature"
        elif len(text) >= 60 and text in seen:
            why, decided = "repeated paragraph", "repeat"
        else:
            kept += 1
            seen.add(text)
        verdicts.append(Verdict(block=block, kept=not decided, why=why or "article", rule=decided or rule))
    return verdicts


def _tell_why(block: Block, kept: int, behind: bool) -> str:
    """Why a block is no text, in words: what its wording or names say, or else its shape or place."""
    if block.label:
        return block.label
    if block.link_share > 0.5:
        return "mostly links"
    return "above the article" if not kept else "below the end of the article" if behind else _UNTOLD


def _mend_words(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, without what the names of elements that hold most of the text say of what else stands in them.

    A blog's whole article may stand in "author-page": what was stripped of it is no byline for that.
    """
    held = _count_held(verdict.block.element for verdict in verdicts if verdict.kept)
    most = max(1, sum(verdict.kept for verdict in verdicts) / 2)
    labels: dict[HtmlElement, str] = {}  # by an element's own names and those of what it is in
    last = max((number for number, verdict in enumerate(verdicts) if verdict.kept), default=-1)
    told: list[Verdict] = []
    kept = 0
    for number, verdict in enumerate(verdicts):
        kept += verdict.kept
        block = verdict.block
        if verdict.kept or not block.label or verdict.why != block.label:
            told.append(verdict)
            continue
        label = labels.get(block.element)
        if label is None:
            label = labels[block.element] = _label_below(block.element, held, most)
        if label == block.label or wording_of(block.text) == block.label:
            told.append(verdict)
            continue
        why = label or _tell_why(replace(block, label=""), kept, number > last)
        told.append(replace(verdict, why=why))
    return told


def _count_held(elements: Iterable[HtmlElement]) -> Counter[HtmlElement]:
    """How many of some elements each element of a page has in it; what is side by side goes up the tree as one."""
    held = Counter[HtmlElement]()
    level = Counter(elements)
    while level:
        above = Counter[HtmlElement]()
        for element, count in level.items():
            parent = element.getparent()
            if parent is not None:
                above[parent] += count
        for element, count in above.items():
            held[element] += count
        level = above
    return held


def _label_below(element: HtmlElement | None, held: Mapping[HtmlElement, int], most: float) -> str:
    """The label that the nearest names give an element, below what holds most of the text."""
    while element is not None and held.get(element, 0) < most:
        names = " ".join(filter(None, (element.get("class"), element.get("id"), element.get("role"))))
        label = label_of(f"{element.tag} {names[:NAME_CHARACTERS]}")
        if label:
            return label
        element = element.getparent()
    return ""


_NO_ENTRY: Final = frozenset(
    {"share", "newsletter", "advert", "jobs", "related", "comments", "caption", "tags", "navigation", "cookie notice"}
)


def _keep_entries(verdicts: Iterable[Verdict], index: dict[HtmlElement, int]) -> list[Verdict]:
    """The verdicts on a live page: what stands in its entries is text, though trafilatura misses half of it."""
    told: list[Verdict] = []
    for verdict in verdicts:
        block = verdict.block
        byline = block.label == "byline" and len(block.text) < 80
        if find_entry(block.element, index) is None:
            told.append(verdict)
        elif is_stamp(block.text):
            told.append(replace(verdict, kept=False, why="time of an entry", rule="entry"))
        elif verdict.kept or verdict.rule not in {"trafilatura", "model"} or block.label in _NO_ENTRY or byline:
            told.append(verdict)
        else:
            told.append(replace(verdict, kept=True, why="entry of a live page", rule="entry"))
    for number in _find_opening(told, index):
        told[number] = replace(told[number], kept=True, why="opening of a live page", rule="entry")
    return told


_OPENING_WORDS: Final = 6
_SENTENCE: Final = re.compile(r"[.!?…。][\"”’»)]*$")


def _find_opening(verdicts: Sequence[Verdict], index: dict[HtmlElement, int]) -> Iterator[int]:
    """Sentences between headline and first entry, beside the entries or their box: a page that grows keeps them."""
    first = next((at for at, one in enumerate(verdicts) if find_entry(one.block.element, index) is not None), 0)
    title = next((at for at in range(first - 1, -1, -1) if verdicts[at].why == "headline"), first)
    home = next(iter(index)).getparent() if index else None
    homes = () if home is None else (home, home.getparent())
    for number in range(title + 1, first):
        verdict, block = verdicts[number], verdicts[number].block
        spoken = _SENTENCE.search(block.text) is not None and len(block.text.split()) >= _OPENING_WORDS
        plain = block.kind == "paragraph" and not block.label and block.link_share <= _FEW_LINKS and spoken
        if plain and verdict.rule in _OVERRULED and not verdict.kept and block.element.getparent() in homes:
            yield number


def _root_of(element: Any) -> Any:
    """The uppermost element above one: that of the page, or of what was taken out of it."""
    above = element.getparent()
    while above is not None:
        element, above = above, above.getparent()
    return element


def _tell_box(element: Any) -> str:
    names = " ".join(filter(None, (element.tag, element.get("class"), element.get("id"))))[:200]
    return label_of(names) or "not part of the article"


def _tell_stripped(verdicts: Iterable[Verdict]) -> Iterator[Stripped]:
    """What was left out, in the order of the page and within bounds: neighbours with one reason are one.

    Menus are not kept.
    """
    after = 0
    room = STRIPPED_TOTAL
    number = 0
    told: set[tuple[str, str]] = set()
    texts: list[str] = []
    size = 0
    last: tuple[str, int, str] | None = None
    for verdict in verdicts:
        if verdict.kept:
            after += 1
            continue
        if verdict.why == "navigation":
            continue
        text = tidy(verdict.block.text, STRIPPED_CHARACTERS)
        if not text or (verdict.why, text) in told:
            continue
        told.add((verdict.why, text))
        room -= len(text) + 1
        if room < 0:
            break
        if last == (verdict.why, after, verdict.rule) and size + len(text) < STRIPPED_CHARACTERS:
            texts.append(text)
            size += 1 + len(text)
            continue
        if last is not None:
            yield Stripped(text="\n".join(texts), reason=last[0], after=last[1], rule=last[2])
            number += 1
            if number == STRIPPED_BLOCKS:
                return
        last, texts, size = (verdict.why, after, verdict.rule), [text], len(text)
    if last is not None:
        yield Stripped(text="\n".join(texts), reason=last[0], after=last[1], rule=last[2])
