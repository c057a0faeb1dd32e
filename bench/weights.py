"""Learns `pipeline/weights.txt`: which measures of a block speak for it, from packs of labelled pages.

    python -m bench.weights PACK... [--out pipeline/weights.txt] [--folds 5]

A pack is a folder with ``labels.jsonl`` (id, url, source, body) and ``pages/<id>.html.gz``. Every block of every page
is told to be text or not by whether its words stand in the labelled body; lightgbm grows small trees over what
`pipeline.weighing` measures. Figures are printed for pages of hosts that the trees have not seen: the hosts are dealt
into folds by a hash, and each fold is read, with all rules, by trees grown on the others. The file is made of all
pages, with a fixed seed and one thread; its numbers are whole, and nothing of a page's words is in it.

lightgbm is not among the project's requirements: ``uv pip install lightgbm``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from lxml.html import HtmlElement

from pipeline.blocks import Block
from pipeline.body import read_body, survey_page
from pipeline.metadata import Metadata, read_metadata
from pipeline.page import decode_page, parse_page
from pipeline.weighing import MEASURES, measure_blocks
from spiders.site import Site, Source

ROUNDS: Final = 160
DEPTH: Final = 4
SCALE: Final = 1000
SETTINGS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "max_depth": DEPTH,
    "num_leaves": 2**DEPTH - 1,
    "min_data_in_leaf": 60,
    "lambda_l2": 5.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 63,
    "use_missing": False,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
_TOKEN = re.compile(r"\w+")
_SHINGLE: Final = 4
_NEAR: Final = 10  # blocks before and behind the text that are all learned from; of the others every fifth


@dataclass(frozen=True, kw_only=True)
class Page:
    """A labelled page as it is learned from."""

    source: str
    host: str
    truth: list[str]  # tokens
    tokens: list[list[str]]  # of each block
    measures: Any
    belongs: Any  # bool for each block
    weights: Any
    path: Path
    url: str


_SITE: Final = Site(
    id="pack",
    name="pack",
    home="https://pack.example/",
    kind="trade",
    article="https?://.+",
    sources=(Source(type="feed", url="https://pack.example/feed"),),
)
_NOW: Final = datetime(2100, 1, 1, tzinfo=UTC)


def parse_labelled(path: Path, url: str) -> tuple[HtmlElement | None, Metadata]:
    """A page of a pack: its tree, and what it says of itself."""
    tree = parse_page(decode_page(gzip.decompress(path.read_bytes()), "text/html"))
    if tree is None:
        return None, Metadata()
    return tree, read_metadata(tree, site=_SITE, url=url, captured_at=_NOW)


def read_pack(folder: Path) -> Iterator[Page]:
    """The pages of a pack that have a labelled body and can be parsed."""
    with (folder / "labels.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            label = json.loads(line)
            path = folder / "pages" / f"{label['id']}.html.gz"
            tree, about = parse_labelled(path, label["url"])
            if tree is None or not label.get("body"):
                continue
            survey = survey_page(tree)
            if not survey.blocks:
                continue
            truth = _TOKEN.findall(label["body"])
            tokens = [_TOKEN.findall(block.text) for block in survey.blocks]
            belongs = label_blocks(survey.blocks, tokens, survey.shares, truth, label["body"])
            yield Page(
                source=label.get("source") or folder.name,
                host=_host(label["url"]),
                truth=truth,
                tokens=tokens,
                measures=measure_blocks(survey.blocks, survey.shares, survey.boxed, about, survey.frames),
                belongs=belongs,
                weights=_weigh(tokens, belongs, survey.shares, survey.boxed),
                path=path,
                url=label["url"],
            )


def _host(url: str) -> str:
    """What a page is dealt into a fold by: its host without the parts that sites have several of."""
    names = (urlsplit(url).hostname or "").removeprefix("www.").split(".")
    return ".".join(names[-3:] if len(names) > 2 and len(names[-2]) <= 3 else names[-2:])


def label_blocks(
    blocks: Sequence[Block], tokens: Sequence[Sequence[str]], shares: Sequence[int], truth: Sequence[str], body: str
) -> Any:
    """Whether each block stands in the true body, as often as it stands there, the blocks of the first guess first.

    A block of fewer words than a shingle has to follow upon the block before it, or to be a line of the body.
    """
    places: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(truth) - _SHINGLE + 1):
        places.setdefault(tuple(truth[at : at + _SHINGLE]), []).append(at)
    left = {shingle: len(found) for shingle, found in places.items()}
    belongs = np.zeros(len(blocks), dtype=bool)
    ends: dict[int, int] = {}
    for number in sorted(range(len(blocks)), key=lambda number: (shares[number] < 4, number)):
        own = tokens[number]
        shingles = [tuple(own[at : at + _SHINGLE]) for at in range(len(own) - _SHINGLE + 1)]
        hits = [shingle for shingle in shingles if left.get(shingle, 0) > 0]
        if shingles and 2 * len(hits) >= len(shingles):
            belongs[number] = True
            for shingle in hits:
                left[shingle] -= 1
            if shingles[-1] in places:
                ends[number] = places[shingles[-1]][0] + _SHINGLE
    lines = {tuple(_TOKEN.findall(line)) for line in body.split("\n")}
    at = 0
    for number, own in enumerate(tokens):
        at = ends.get(number, at)
        if not 0 < len(own) < _SHINGLE:
            continue
        near = [start for start in range(at, at + 3) if list(truth[start : start + len(own)]) == list(own)]
        if near:
            at = near[0] + len(own)
        belongs[number] = bool(near) or (shares[number] >= 4 and tuple(own) in lines)
    return belongs


def _weigh(tokens: Sequence[Sequence[str]], belongs: Any, shares: Sequence[int], boxed: Sequence[bool]) -> Any:
    """What a mistake over each block costs: its share of the text, and a little for being a block."""
    counts = np.array([len(own) for own in tokens], dtype=float)
    inside = np.array(shares) >= 4
    whole = max(float(counts[belongs | inside].sum()), 20.0)
    weights = (counts + 2) / whole + 0.003
    weights[np.array(boxed)] *= 0.2
    near = np.flatnonzero(belongs | inside)
    numbers = np.arange(len(counts))
    if len(near):
        weights[(numbers % 5 > 0) & ((numbers < near[0] - _NEAR) | (numbers > near[-1] + _NEAR))] = 0
    return weights


# --- growing --------------------------------------------------------------------------------------------


def grow_trees(pages: Sequence[Page]) -> Any:
    """Trees over the blocks of pages, as lightgbm's booster."""
    try:
        lightgbm = import_module("lightgbm")
    except ImportError:
        sys.exit("bench.weights needs lightgbm: uv pip install lightgbm")
    sources = Counter(page.source for page in pages)  # a source counts by the root of its pages
    weights = np.concatenate([page.weights / sources[page.source] ** 0.5 for page in pages])
    learned = weights > 0
    measures = np.concatenate([page.measures for page in pages])[learned]
    belongs = np.concatenate([page.belongs for page in pages])[learned]
    weights = weights[learned]
    data = lightgbm.Dataset(measures, belongs, weight=weights / weights.mean())
    return lightgbm.train(SETTINGS, data, ROUNDS)


def write_trees(booster: Any) -> str:
    """The trees as text: a line for each, its questions from the top down and then its leaves, in thousandths."""
    names = [name.replace(" ", "_") for name in MEASURES]
    lines = [
        "# Made by bench/weights.py; see there. A line is a tree: its questions level by level, then its leaves from",
        "# left (all answered yes) to right. Above 0 in sum, a block is text.",
        f"depth {DEPTH}",
    ]
    for tree in booster.dump_model()["tree_info"]:
        questions: list[str] = []
        level = [tree["tree_structure"]]
        for _ in range(DEPTH):
            below = []
            for node in level:
                if "split_feature" in node:
                    questions.append(f"{names[node['split_feature']]}<={int(np.floor(node['threshold']))}")
                    below += [node["left_child"], node["right_child"]]
                else:
                    questions.append(f"{names[0]}<=99")
                    below += [node, node]
            level = below
        leaves = [str(round(SCALE * node["leaf_value"])) for node in level]
        lines.append(" ".join([*questions, *leaves]))
    return "\n".join(lines) + "\n"


# --- judging --------------------------------------------------------------------------------------------


def score(pages: Sequence[Page], said: Sequence[Sequence[str]]) -> str:
    """F1, precision and recall of 4-token shingles, averaged over pages as the Zyte benchmark does; exact pages.

    Args:
        pages: what is scored.
        said: for each page the tokens that were found.
    """
    precisions, recalls, exact = [], [], 0
    for page, tokens in zip(pages, said, strict=True):
        exact += tokens == page.truth
        true, found = _shingles(page.truth), _shingles(tokens)
        both = sum((true & found).values())
        if found:
            precisions.append(both / sum(found.values()))
        recalls.append(both / sum(true.values()) if true else 0.0)
    precision, recall = statistics.fmean(precisions or [0.0]), statistics.fmean(recalls)
    figure = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"F1 {figure:.4f}  P {precision:.4f}  R {recall:.4f}  exact {exact / len(pages):.2f}"


def _shingles(tokens: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[at : at + _SHINGLE]) for at in range(max(1, len(tokens) - _SHINGLE + 1)) if tokens)


def judge_unseen(pages: Sequence[Page], folds: int) -> None:
    """Print what trees make of pages of hosts that they have not seen."""
    dealt = [int(hashlib.sha256(page.host.encode()).hexdigest(), 16) % folds for page in pages]
    sums: list[Any] = [None] * len(pages)
    for fold in range(folds):
        booster = grow_trees([page for page, own in zip(pages, dealt, strict=True) if own != fold])
        for number, page in enumerate(pages):
            if dealt[number] == fold:
                sums[number] = booster.predict(page.measures, raw_score=True)
    best = [_join(page, page.belongs) for page in pages]
    plain = [_join(page, page.measures[:, 0] >= 4) for page in pages]
    weighed = [_join(page, own > 0) for page, own in zip(pages, sums, strict=True)]
    read = [_read(page, own) for page, own in zip(pages, sums, strict=True)]
    for source in sorted({page.source for page in pages}):
        chosen = [number for number, page in enumerate(pages) if page.source == source]
        own = [pages[number] for number in chosen]
        print(source, len(own), "pages")
        for name, said in (
            ("best choice of blocks", best),
            ("first guess", plain),
            ("weighed, unseen hosts", weighed),
            ("read, unseen hosts", read),
        ):
            print(f"  {name:22}", score(own, [said[number] for number in chosen]))
    _tell_groups(pages, plain, read)


def _join(page: Page, keeps: Sequence[Any]) -> list[str]:
    """The tokens of the blocks that are kept."""
    return [token for own, keep in zip(page.tokens, keeps, strict=True) if keep for token in own]


def _read(page: Page, sums: Any) -> list[str]:
    """The tokens of a page's text, read as the package reads it, but by other weights."""
    tree, about = parse_labelled(page.path, page.url)
    if tree is None:
        return []
    return _TOKEN.findall(read_body(tree, about, weigh=lambda _: (SCALE * sums).tolist()).text)


def _tell_groups(pages: Sequence[Page], plain: Sequence[Sequence[str]], read: Sequence[Sequence[str]]) -> None:
    """Print the groups of pages, by host's last name, that the first guess alone gives better text of."""
    groups: dict[str, list[int]] = {}
    for number, page in enumerate(pages):
        groups.setdefault(f"{page.source} .{page.host.rpartition('.')[2]}", []).append(number)
    for name, chosen in sorted(groups.items()):
        own = [pages[number] for number in chosen]
        first, whole = (score(own, [said[number] for number in chosen]) for said in (plain, read))
        if len(own) > 2 and whole < first:
            print(f"  {name}, {len(own)} pages: first guess {first[:9]}, read {whole[:9]}", flush=True)


def main() -> None:
    """Read packs, print figures, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("pipeline/weights.txt"))
    parser.add_argument("--folds", type=int, default=5, help="0: no figures, only the file")
    told = parser.parse_args()
    pages = [page for pack in told.packs for page in read_pack(pack)]
    print(len(pages), "pages,", sum(len(page.tokens) for page in pages), "blocks", flush=True)
    if told.folds:
        judge_unseen(pages, told.folds)
    told.out.write_text(write_trees(grow_trees(pages)), encoding="ascii")
    print("wrote", told.out)


if __name__ == "__main__":
    main()
