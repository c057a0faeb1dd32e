"""The language of a text, and how many words it has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def count_words(text: str) -> int:
    """Words of a text; in scripts that write none apart, two characters count as one."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    return max(len(text.split()), unspaced // 2)


_COMMON: Final = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in a is that for it on was with as be",
        "cy": "y yr yn i a o ar gan am ei mae wedi sydd bod oedd hefyd",
        "da": "og i at det en til er som på de med for den af ikke",
        "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine",
        "es": "de la que el en y a los se del las un por con una su",
        "fr": "de la le et les des en un du une que est pour qui dans",
        "it": "di e il la che in a per un è del della con non i",
        "nl": "de van het een en in is dat op te zijn met voor die",
        "pt": "de a o que e do da em um para com não uma os no",
        "sv": "och i att det som en på är av för med den till inte",
    }.items()
}


_NEAR: Final = (
    frozenset({"no", "nb", "nn", "da"}),
    frozenset({"hr", "bs", "sr", "sh", "cnr"}),
    frozenset({"id", "ms", "in"}),
    frozenset({"zh", "yue", "wuu", "cmn"}),
    frozenset({"ar", "ary", "arz"}),
    frozenset({"en", "pcm", "sco"}),
    frozenset({"pt", "gl"}),
    frozenset({"tl", "fil"}),
    frozenset({"he", "iw", "hbo"}),
    frozenset({"el", "grc"}),
    frozenset({"de", "gsw", "nds", "lb"}),
    frozenset({"ku", "sdh", "ckb"}),
)
"""Languages that a detector takes for one another: between them the page's word counts."""
_START: Final = 5000  # characters of a text that are looked at
_FEW: Final = 12  # words; of fewer nothing is said
_SHORT: Final = 20  # … and of fewer than this only what is as good as certain


def choose_language(declared: str | None, origin: str, text: str, usual: str) -> tuple[str, str]:
    """The language of a text and where it was read, as `weigh_language` has them."""
    return weigh_language(declared, origin, text, usual)[:2]


def weigh_language(declared: str | None, origin: str, text: str, usual: str) -> tuple[str, str, float]:
    """The language of a text: the page's word, unless the text says otherwise.

    Templates declare one language for a whole site, so a Welsh story stands on a page that says "en". Where every
    eighth word is a common one of the declared language, and no other language is nearer, the detector, which takes
    0.7 s to load, is not asked. On a page in two languages the declared one stays, if it is one of them. A language
    that the detector does not know (Manx, Cornish, Scots) is never taken from a page that declares it.

    Args:
        declared: BCP 47, as the page has it.
        origin: where the page has it.
        text: the article's.
        usual: the site's language.

    Returns:
        BCP 47; "text", "site" or ``origin``; and a confidence.
    """
    start = text[:_START]
    words = start.lower().split()
    believed = (declared, origin) if declared else (usual, "site")
    number = count_words(start)
    if number < _FEW:
        return *believed, 0.8 if declared else 0.6
    said = (declared or usual).split("-")[0]
    shares = _common_shares(words)
    leads = shares.get(said, 0.0) >= 0.9 * max(shares.values())
    if shares.get(said, 0.0) >= 1 / 8 and (leads or _has_passages(start, said)):
        mixed = any(share >= shares[said] / 2 for other, share in shares.items() if not _are_near(other, said))
        return *((declared, origin) if declared else (usual, "text")), 0.9 if mixed else 0.99
    found, certainty = _detector().classify(start)
    known = said in _known()
    if found == said or _are_near(found, said):
        return *((declared, origin) if declared else (usual, "text")), 0.98 if found == said else 0.9
    if (known or said not in _TAGS) and found != "zxx" and certainty >= (0.9 if number >= _SHORT else 0.999):
        return str(found), "text", 0.97 if number >= _SHORT else 0.9
    return *believed, 0.7


def _common_shares(words: Sequence[str]) -> dict[str, float]:
    """How many of the words are common ones of each language, from 0 to 1."""
    counted = Counter(words)
    return {
        language: sum(counted[word] for word in common) / max(1, len(words)) for language, common in _COMMON.items()
    }


def _has_passages(text: str, language: str) -> bool:
    """Whether a good part of a text's lines is rather in this language than in another one."""
    told = whole = 0
    for line in text.lower().split("\n"):
        words = line.split()
        if len(words) >= 6:
            whole += len(line)
            shares = _common_shares(words)
            told += len(line) if shares[language] >= max(1 / 8, *shares.values()) else 0
    return 4 * told >= whole > 0


def _are_near(one: str, other: str) -> bool:
    return one == other or any(one in near and other in near for near in _NEAR)


_TAGS: Final = frozenset(
    {"gv", "kw", "sco", "fil", "iw", "in", "sh", "cnr", "ckb", "gsw", "nds", "rm", "yi", "hsb", "dsb", "fur", "sc"}
)
"""Languages that the detector does not know; another tag that it does not know is taken for none ("utf")."""


@cache
def _known() -> frozenset[str]:
    return frozenset(map(str, _detector().nb_classes)) | {"nb"}


@cache
def _detector() -> Any:
    langid = import_module("py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
