"""How likely each block of a page is a part of the article: measures of the block and its neighbours, weighed.

The weights are small trees, learned from labelled pages by ``bench/weights.py`` and kept in ``weights.txt`` as whole
numbers, so that sums are exact and the same on every machine. They know shapes, places and a few words that mean the
same on any site; they know no site. Pure.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.blocks import Block, width_of
from pipeline.frames import Frames
from pipeline.metadata import Metadata, fold

LABELS: Final = (
    *("", "article", "caption", "header", "byline", "tags", "related", "sidebar", "share", "newsletter", "comments"),
    *("advert", "jobs", "banner", "breadcrumbs", "navigation", "footer", "cookie notice"),
)
KINDS: Final = ("paragraph", "heading", "item", "quote", "table", "code", "caption")
_LABEL_CODES: Final = {label: code for code, label in enumerate(LABELS)}
_KIND_CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
_TAGS: Final = {
    "article": 1,
    "main": 1,
    "aside": 2,
    "header": 4,
    "footer": 8,
    "form": 16,
    "figure": 32,
    "figcaption": 32,
    "table": 64,
    "li": 128,
    "blockquote": 256,
    "dl": 512,
    "section": 1024,
}

# What says the same on any site, in the languages of the web. Each list is one measure; a space is a word's edge.
_WORDS: Final = {
    "more": (
        *("read more", "read also", "read next", "read the full", "see also", "more on ", "more from ", "more about "),
        *("related", "recommended", "also read", "you may ", "watch:", "listen:", "click here", "find out more"),
        *("learn more", "continue reading", "lesen sie", "mehr zum ", "mehr lesen", "weiterlesen", "auch interessant"),
        *("siehe auch", "lire aussi", "à lire", "en savoir plus", "voir aussi", "lea también", "leer más"),
        *("ver también", "te puede ", "leggi anche", "per saperne", "leia mais", "leia também", "veja também"),
        *("saiba mais", "lees ook", "lees meer", "bekijk", "läs mer", "läs också", "les også", "les mer", "læs også"),
        *(
            "læs mere",
            "czytaj",
            "zobacz",
            "přečtěte",
            "читайте",
            "darllen mwy",
            "続きを読む",
            "関連記事",
            "相关",
            "相關",
        ),
    ),
    "sign up": (
        *(
            "subscri",
            "newsletter",
            "sign up",
            "sign-up",
            "your inbox",
            "log in",
            "login",
            " register",
            "abonn",
            "suscr",
        ),
        *("boletín", "iscriviti", "inscreva", "assine", "anmelden", "registrier", "inscri", "prenumer", "nieuwsbrief"),
        *("app store", "our app", "whatsapp"),
    ),
    "credit": (
        *("photo", "picture", " image", "getty", "shutterstock", "©", "copyright", "all rights", "foto", " bild"),
        *(
            "crédit",
            "imagen",
            "cortesía",
            "courtesy",
            "reuters",
            " afp",
            " imago",
            " dpa",
            "source:",
            "quelle:",
            "fuente",
        ),
    ),
}
_WORD_START, _WORD_END = 160, 60  # characters of a block in which such words are looked for
_WORDED: Final = 240  # a longer block is not asked: sentences have such words too
_NO_WORDS: Final = [0] * len(_WORDS)
_DIGITS = re.compile(r"\d+")
_STOPS: Final = {
    **dict.fromkeys(".!?…。！？", 3),
    **dict.fromkeys("\"'”’»“„」）)]", 2),
    **dict.fromkeys(":：;,", 1),
}

_FIRST: Final = (  # of the block alone; those with a star in `_AROUND` are asked of its neighbours too
    *("share", "boxed", "length", "words", "kind", "level", "linked", "bold", "label", "depth"),
    *("tags", "stop", "digits", "sentences", "title", "titled", "described", "description", "named", "times before"),
    *("times", *_WORDS),
)
_AROUND: Final = ("share", "length", "linked", "kind", "label", "stop")
_STEPS: Final = (-2, -1, 1, 2)
_CONTEXT: Final = (
    *("at", "page at", "since title", "after title", "before first", "behind last", "text before", "text after"),
    *("run", "gap", "place share", "place text", "place blocks", "place linked", "place length"),
    *("box share", "box text", "box blocks", "box linked", "box length", "same box before", "same place before"),
    *("page text", "page share", "page blocks", "page linked", "page length", "since heading", "to heading"),
    *("frames", "frame"),
)
MEASURES: Final = (
    *_FIRST,
    *(f"{name} {step:+d}" for name in _AROUND for step in _STEPS),
    *_CONTEXT,
)
Matrix = Any  # of whole numbers: a row for each block, a column for each of `MEASURES`


def _find_words(texts: Sequence[str]) -> list[list[int]]:
    """Which lists of words each block's start or end has words of.

    Most words stand nowhere on a page: each is looked for in all blocks at once.
    """
    edges = [
        ""
        if len(text) > _WORDED
        else f" {text} ".lower()
        if len(text) <= _WORD_START
        else f" {text[:_WORD_START]} {text[-_WORD_END:]} ".lower()
        for text in texts
    ]
    whole = "\n".join(edges)
    starts = [0, *accumulate(len(edge) + 1 for edge in edges)]
    found: dict[int, list[int]] = {}
    for number, words in enumerate(_WORDS.values()):
        for word in words:
            at = whole.find(word)
            while at >= 0:
                block = bisect_right(starts, at) - 1
                found.setdefault(block, [0] * len(_WORDS))[number] = 1
                at = whole.find(word, starts[block + 1])
    return [found.get(block, _NO_WORDS) for block in range(len(texts))]


@lru_cache(maxsize=4096)
def _bits(within: frozenset[str]) -> int:
    bits = 0
    for tag, bit in _TAGS.items():
        if tag in within:
            bits |= bit
    return bits


def measure_blocks(
    blocks: Sequence[Block], shares: Sequence[int], boxed: Sequence[bool], about: Metadata, frames: Frames | None = None
) -> Matrix:
    """What is known of each block, in whole numbers.

    Args:
        blocks: those of a page, in its order.
        shares: how much of each is in the text as it was guessed first, 0 to 8.
        boxed: whether it stands in something that was taken out of the page before that.
        about: the page's metadata: headlines, description, names.
        frames: what the elements that they stand in say of them.

    Returns:
        A row for each block, a column for each of `MEASURES`.
    """
    first = _measure_each(blocks, shares, boxed, about)
    column = {name: first[:, number] for number, name in enumerate(_FIRST)}
    around = [_shift(column[name], step) for name in _AROUND for step in _STEPS]
    context = _measure_context(blocks, column)
    context["frames"] = np.array(frames.within if frames else [0] * len(blocks), dtype=np.int32)
    context["frame"] = np.full(len(blocks), frames.chosen if frames else 0)
    return np.column_stack([first, *around, *(context[name] for name in _CONTEXT)])


def _measure_each(blocks: Sequence[Block], shares: Sequence[int], boxed: Sequence[bool], about: Metadata) -> Matrix:
    titles = [folded for title in about.titles[:6] if (folded := fold(title))]
    title_words = set().union(*(title.split() for title in titles)) if titles else set()
    description = fold(about.description or "")
    summary = set(description.split())
    names = [name.casefold() for name in about.authors[:5] if len(name) > 3]
    seen: dict[str, int] = {}
    rows: list[list[int]] = []
    keys = [block.text if len(block.text) < 200 else f"{block.text[:100]}{block.text[-100:]}" for block in blocks]
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
    before: dict[str, int] = {}
    worded = _find_words([block.text for block in blocks])
    for block, share, in_box, key, found in zip(blocks, shares, boxed, keys, worded, strict=True):
        text = block.text
        length = width_of(text)
        words = text[:5000].split()
        titled = exact = described = 0
        if length < 400 and (titles or description):
            folded = fold(text)
            own = folded.split()
            if own:
                exact = int(folded in titles)
                titled = 8 * sum(map(title_words.__contains__, own)) // len(own)
                described = 8 * sum(map(summary.__contains__, own)) // len(own)
                exact += 2 * int(len(folded) > 30 and (description.startswith(folded[:60]) or folded in description))
        elif description and length < 1500:
            exact = 2 * int(description[:60] in fold(text[:200]))
        lowered = text.casefold() if length < 200 and names else ""
        repeated = before.get(key, 0)
        before[key] = repeated + 1
        rows.append(
            [
                share,
                int(in_box),
                min(length, 5000),
                min(len(words), 999),
                _KIND_CODES[block.kind],
                block.level or 0,
                int(block.link_share * 100),
                int(block.bold_share * 100),
                _LABEL_CODES.get(block.label, 1),
                block.depth,
                _bits(block.within),
                _STOPS.get(text[-1:], 0),
                100 * _count_digits(text[:300]) // max(1, min(len(text), 300)),
                min(text.count(". ") + text.count("! ") + text.count("? ") + text.count("。"), 50),
                titled,
                exact & 1,
                described,
                exact >> 1,
                int(bool(lowered) and any(name in lowered for name in names)),
                min(repeated, 9),
                min(seen[key], 9),
                *found,
            ]
        )
    return np.array(rows, dtype=np.int32).reshape(len(rows), len(_FIRST))


def _count_digits(text: str) -> int:
    """Digits of a text. Of one in ASCII, in a third of the time that a pattern takes."""
    if text.isascii():
        return len(text) - len(text.encode().translate(None, b"0123456789"))
    return len("".join(_DIGITS.findall(text)))


def _shift(values: Any, step: int) -> Any:
    """The values of neighbours, -1 where there are none."""
    moved = np.full(len(values), -1, dtype=np.int32)
    if step > 0:
        moved[:-step] = values[step:]
    else:
        moved[-step:] = values[:step]
    return moved


def _measure_context(blocks: Sequence[Block], column: dict[str, Any]) -> dict[str, Any]:
    count = len(blocks)
    length = np.maximum(column["length"], 1).astype(np.int64)
    inside = (column["share"] >= 4) & (column["boxed"] == 0)
    text = np.where(inside, length, 0)
    whole, taken = int(length.sum()), max(int(text.sum()), 1)
    numbers = np.arange(count)
    chosen = np.flatnonzero(inside)
    first, last = (int(chosen[0]), int(chosen[-1])) if len(chosen) else (count, -1)
    headings = column["kind"] == _KIND_CODES["heading"]
    titles = np.flatnonzero((column["titled"] == 1) | (headings & (column["level"] == 1)))
    earlier = titles[titles <= first] if len(titles) else titles
    title = int(earlier[-1]) if len(earlier) else int(titles[0]) if len(titles) else -1
    before = np.cumsum(text) - text
    run, gap = _measure_runs(inside, length)
    of_place = _measure_groups([block.place for block in blocks], length, text, column["linked"], taken)
    parents = [block.place.rpartition("/")[0] for block in blocks]
    of_box = _measure_groups(parents, length, text, column["linked"], taken)
    page = {
        "page text": min(taken, 50_000),
        "page share": 100 * taken // max(whole, 1),
        "page blocks": min(count, 1000),
        "page linked": int((column["linked"] * length).sum()) // max(whole, 1),
        "page length": taken // max(len(chosen), 1),
    }
    since, until = _count_since(headings), _count_since(headings[::-1])[::-1]
    return {
        "at": np.minimum(numbers, 500),
        "page at": 100 * numbers // max(count, 1),
        "since title": np.clip(numbers - title, -99, 99) if title >= 0 else np.full(count, -100),
        "after title": (numbers > title).astype(np.int32) if title >= 0 else np.full(count, -1),
        "before first": np.clip(first - numbers, -99, 99),
        "behind last": np.clip(numbers - last, -99, 99),
        "text before": 100 * before // taken,
        "text after": 100 * (taken - before - text) // taken,
        "run": np.minimum(run, 50_000),
        "gap": np.minimum(gap, 50_000),
        **{f"place {name}": values for name, values in of_place.items()},
        **{f"box {name}": values for name, values in of_box.items()},
        "same box before": _same_before(parents, inside),
        "same place before": _same_before([block.place for block in blocks], inside),
        **{name: np.full(count, value) for name, value in page.items()},
        "since heading": since,
        "to heading": until,
    }


def _measure_runs(inside: Any, length: Any) -> tuple[Any, Any]:
    """For each block the characters of the unbroken row of blocks like it: within the text as guessed, and outside."""
    if not len(inside):
        return length, length
    edges = np.flatnonzero(np.diff(inside.astype(np.int8))) + 1
    group = np.zeros(len(inside), dtype=np.int64)
    group[edges] = 1
    group = np.cumsum(group)
    sums = np.zeros(int(group[-1]) + 1, dtype=np.int64)
    np.add.at(sums, group, length)
    each = sums[group]
    return np.where(inside, each, 0), np.where(inside, 0, each)


def _measure_groups(names: Sequence[str], length: Any, text: Any, linked: Any, taken: int) -> dict[str, Any]:
    """What the blocks of one place have in common."""
    codes: dict[str, int] = {}
    group = np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)

    def total(values: Any) -> Any:
        sums = np.zeros(len(codes), dtype=np.int64)
        np.add.at(sums, group, values)
        return sums

    characters, kept, blocks, links = total(length), total(text), total(1), total(linked * length)
    return {
        "share": (100 * kept // np.maximum(characters, 1))[group],
        "text": (100 * kept // taken)[group],
        "blocks": np.minimum(blocks, 500)[group],
        "linked": (links // np.maximum(characters, 1))[group],
        "length": np.minimum(characters // np.maximum(blocks, 1), 5000)[group],
    }


def _same_before(names: Sequence[str], inside: Any) -> Any:
    """Whether the nearest block before that is in the text as guessed stands in the same place: 1, 0, or -1: none."""
    told: list[int] = []
    last: str | None = None
    for name, within in zip(names, inside.tolist(), strict=True):
        told.append(-1 if last is None else int(name == last))
        if within:
            last = name
    return np.array(told, dtype=np.int32)


def _count_since(marks: Any) -> Any:
    """Blocks since the last one that is marked, at most 50."""
    numbers = np.arange(len(marks))
    last = np.maximum.accumulate(np.where(marks, numbers, -50)) if len(marks) else numbers
    return np.minimum(numbers - last, 50)


# --- weights --------------------------------------------------------------------------------------------


@cache
def digest_weights() -> str:
    """8 hex digits that tell the weights from others."""
    return hashlib.sha256(Path(__file__).with_name("weights.txt").read_bytes()).hexdigest()[:8]


@cache
def load_weights() -> tuple[Any, Any, Any, int]:
    """The trees as arrays: which measure each node asks for, the most that goes left, the leaves; and their depth."""
    lines = Path(__file__).with_name("weights.txt").read_text(encoding="ascii").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    depth = int(rows[0][1])
    columns = {name.replace(" ", "_"): number for number, name in enumerate(MEASURES)}
    nodes = 2**depth - 1
    asked, most, leaves = [], [], []
    for row in rows[1:]:
        questions = [cell.rpartition("<=") for cell in row[:nodes]]
        asked.append([columns[name] for name, _, _ in questions])
        most.append([int(limit) for _, _, limit in questions])
        leaves.append([int(cell) for cell in row[nodes:]])
    return (
        np.array(asked, dtype=np.int64),
        np.array(most, dtype=np.int32),
        np.array(leaves, dtype=np.int32),
        depth,
    )


def weigh_blocks(measures: Matrix) -> list[int]:
    """How much speaks for each block: above 0 it belongs to the article. Sums of whole numbers, in thousandths."""
    asked, most, leaves, depth = load_weights()
    if not len(measures):
        return []
    trees = np.arange(len(asked))
    first_node, first_leaf = trees * asked.shape[1], trees * leaves.shape[1]
    first_cell = np.arange(len(measures))[:, None] * measures.shape[1]
    cells = np.ascontiguousarray(measures).ravel()
    at = np.zeros((len(measures), len(asked)), dtype=np.int64)
    for _ in range(depth):
        node = first_node + at
        at = 2 * at + 1 + (cells.take(first_cell + asked.take(node)) > most.take(node))
    sums: list[int] = leaves.take(first_leaf + at - (2**depth - 1)).sum(axis=1, dtype=np.int64).tolist()
    return sums
