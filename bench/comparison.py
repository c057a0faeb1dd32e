"""How long it takes to compare two texts, beside the standard library's difflib on the same words.

    python -m bench.comparison [--words 1000 10000 100000] [--repeat 3]

Made-up texts of 3,000 different words in paragraphs of 50, as one line, and with no word in common; where they
are edits, each seventeenth word is another one. Seconds are medians of process time; difflib (``SequenceMatcher``
without its heuristic) compares words where Muniment compares words, white space and signs, and is asked up to 10,000
words only.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from difflib import SequenceMatcher

from bench.measure import render_table
from pipeline.comparison import apply_difference, compare_texts

_DIFFLIB_WORDS = 10_000


def make_text(words: int, *, every: int = 0, a_line: int = 50, mark: str = "w") -> str:
    """A text of so many words, of which each ``every``-th is one that stands nowhere else."""
    chance = random.Random(7)
    made = [f"{mark}{chance.randrange(3000)}" for _ in range(words)]
    if every:
        made = [f"new{n}" if n % every == 0 else word for n, word in enumerate(made, start=1)]
    return "\n".join(" ".join(made[at : at + a_line]) for at in range(0, words, a_line))


SHAPES: dict[str, Callable[[int], tuple[str, str]]] = {
    "paragraphs": lambda words: (make_text(words), make_text(words, every=17)),
    "one line": lambda words: (make_text(words, a_line=words), make_text(words, every=17, a_line=words)),
    "nothing in common": lambda words: (make_text(words), make_text(words, mark="v")),
}
"""Pairs of texts by name."""


def time_of(work: Callable[[], object], repeat: int) -> float:
    """Median seconds of process time."""
    seconds = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def measure(shape: str, words: int, repeat: int) -> tuple[str, ...]:
    """One row: shape, words, seconds, microseconds a word, and difflib's seconds."""
    old, new = SHAPES[shape](words)
    if apply_difference(old, compare_texts(old, new)) != new:
        raise AssertionError("the difference does not give the newer text back")
    ours = time_of(lambda: compare_texts(old, new), repeat)
    theirs = "-"
    if words <= _DIFFLIB_WORDS:
        first, second = old.split(), new.split()
        seconds = time_of(lambda: SequenceMatcher(None, first, second, autojunk=False).get_opcodes(), 1)
        theirs = f"{seconds:.3f} ({seconds / ours:.1f} ×)"
    return shape, f"{words:,}", f"{ours:.3f}", f"{ours / words * 1e6:.0f}", theirs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, nargs="+", default=[1000, 10_000, 100_000], metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    asked = parser.parse_args()
    rows = [measure(shape, words, asked.repeat) for shape in SHAPES for words in asked.words]
    print(render_table(("texts", "words", "seconds", "µs a word", "difflib, seconds"), rows))


if __name__ == "__main__":
    main()
