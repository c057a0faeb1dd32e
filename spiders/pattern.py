"""What can be said of a regular expression without running it: which beginnings it can match, and whether
it can take for ever.

Both questions are answered on the parse tree of Python's own ``re`` (``re._parser``: private, but the same
since Python 2 under the name ``sre_parse``; a construct that this module does not know is answered with
"cannot tell", never with a refusal). Not a full analysis: two neighbouring repetitions of the same
characters (``.*.*``) cost a power of the URL's length, which ``MAX_URL`` bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from re import _constants as _sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

MAX_URL: Final = 2000
"""Longest URL that is held against a pattern, in characters; bounds what a pattern can cost."""

_Items = Sequence[tuple[Any, Any]]
_REPEATS: Final = (_sre.MAX_REPEAT, _sre.MIN_REPEAT, _sre.POSSESSIVE_REPEAT)
_ALPHABET: Final = tuple(chr(code) for code in range(32, 127))


class _CannotTellError(Exception):
    """The pattern has a construct that this analysis does not follow."""


@lru_cache(maxsize=64)  # each pattern of a file is asked about several times while the file is read
def _parse(pattern: str) -> Any:
    return _parser.parse(pattern)


def find_reach(pattern: str, beginning: str) -> bool | None:
    """Whether some string that starts with ``beginning`` matches the whole pattern.

    Returns:
        True, False, or None where it cannot be told (look-around, back-references).
    """
    tree = _parse(pattern)
    if tree.state.flags & re.IGNORECASE:
        return None
    try:
        return len(beginning) in _advance(list(tree), beginning, frozenset({0}))
    except _CannotTellError:
        return None


def _advance(items: _Items, text: str, starts: frozenset[int]) -> frozenset[int]:
    """Positions of ``text`` that the items can end at; its end stands for "and anything after it"."""
    end = len(text)
    for op, value in items:
        if not starts:
            break
        held = starts & {end}  # whatever the pattern still wants may follow the beginning
        if test := _character_test(op, value):
            starts = frozenset(at + 1 for at in starts if at < end and test(text[at]))
        elif op in _REPEATS:
            starts = _advance_repeat(value, text, starts)
        elif op is _sre.SUBPATTERN:
            if value[1] or value[2]:
                raise _CannotTellError
            starts = _advance(list(value[3]), text, starts)
        elif op is _sre.ATOMIC_GROUP:
            starts = _advance(list(value), text, starts)
        elif op is _sre.BRANCH:
            starts = frozenset().union(*(_advance(list(branch), text, starts) for branch in value[1]))
        elif op is _sre.AT:
            if value in (_sre.AT_BEGINNING, _sre.AT_BEGINNING_STRING):
                starts = starts & {0}
            elif value in (_sre.AT_END, _sre.AT_END_STRING):
                held, starts = frozenset(), starts & {end}
        else:
            raise _CannotTellError
        starts = starts | held
    return starts


def _advance_repeat(value: tuple[int, Any, Any], text: str, starts: frozenset[int]) -> frozenset[int]:
    low, high, body = value
    reached = starts if low == 0 else frozenset()
    current = starts
    for count in range(1, min(int(high), len(text) + int(min(low, len(text))) + 1) + 1):
        following = _advance(list(body), text, current)
        if count >= low or len(text) in following:
            if following <= reached:
                break
            reached = reached | following
        if not following:
            break
        current = following
    return reached


def _character_test(op: Any, value: Any) -> Callable[[str], bool] | None:
    """A test for an item that matches exactly one character; None for any other item."""
    if op is _sre.LITERAL:
        return lambda character: ord(character) == value
    if op is _sre.NOT_LITERAL:
        return lambda character: ord(character) != value
    if op is _sre.ANY:
        return lambda character: character != "\n"
    if op is _sre.IN:
        return lambda character: _is_in(value, character)
    return None


def _is_in(members: _Items, character: str) -> bool:
    negated = bool(members) and members[0][0] is _sre.NEGATE
    found = any(_is_member(op, value, character) for op, value in members if op is not _sre.NEGATE)
    return found != negated


def _is_member(op: Any, value: Any, character: str) -> bool:
    if op is _sre.LITERAL:
        return ord(character) == int(value)
    if op is _sre.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if op is _sre.CATEGORY:
        letter = str(value).rpartition("_")[2][0].lower()  # CATEGORY_NOT_DIGIT -> d
        test = re.compile(rf"\{letter}").match
        return (test(character) is not None) != ("_NOT_" in str(value))
    raise _CannotTellError


def find_ambiguity(pattern: str) -> str | None:
    """A repetition inside a repetition that one text can fill in exponentially many ways.

    A nested repetition is safe when what follows it inside the outer one, cyclically, must be a character
    that it cannot match itself: ``(?:[a-z]+-)*`` is, ``(?:[a-z]+-?)*`` is not.

    Returns:
        A description of the inner repetition, or None.
    """
    return _find_nested(list(_parse(pattern)))


def _find_nested(items: _Items) -> str | None:
    for op, value in items:
        if _is_unbounded(op, value) and (found := _find_loose(_flatten(list(value[2])))):
            return found
        for body in _bodies(op, value):
            if found := _find_nested(body):
                return found
    return None


def _is_unbounded(op: Any, value: Any) -> bool:
    return op in _REPEATS and op is not _sre.POSSESSIVE_REPEAT and value[1] is _sre.MAXREPEAT


def _varies(op: Any, value: Any) -> bool:
    """Whether an item can match texts of different lengths by repeating, and gives back what it took."""
    return op in _REPEATS and op is not _sre.POSSESSIVE_REPEAT and value[0] != value[1]


def _flatten(items: _Items) -> list[tuple[Any, Any]]:
    """The items with plain groups opened, so that neighbours are seen as such."""
    flat: list[tuple[Any, Any]] = []
    for op, value in items:
        flat += _flatten(list(value[3])) if op is _sre.SUBPATTERN else [(op, value)]
    return flat


def _bodies(op: Any, value: Any) -> list[_Items]:
    if op in _REPEATS:
        return [list(value[2])]
    if op is _sre.SUBPATTERN:
        return [list(value[3])]
    if op is _sre.BRANCH:
        return [list(branch) for branch in value[1]]
    return []


def _find_loose(body: _Items) -> str | None:
    """A repetition of varying length in the body of another that nothing separates from its next round."""
    for index, (op, value) in enumerate(body):
        if op is _sre.BRANCH:
            around = [*body[index + 1 :], *body[:index]]
            loose = (_find_loose([*branch, *around]) for branch in value[1] if any(_varies(*item) for item in branch))
            if found := next(filter(None, loose), None):
                return found
        elif _varies(op, value):
            own = _first(list(value[2])) | _tail(list(value[2]))
            if not _is_separated(own, [*body[index + 1 :], *body[: index + 1]]):
                return f"a repetition of {_describe(own)}"
    return None


def _is_separated(own: frozenset[str], following: _Items) -> bool:
    """Whether every way on from a repetition begins with a character that it cannot go on with."""
    for op, value in following:
        if op is _sre.AT:
            continue
        if _first([(op, value)]) & own:
            return False
        if not (op in _REPEATS and value[0] == 0):
            return True
    return False


def _first(items: _Items) -> frozenset[str]:
    """Printable ASCII characters that a match of the items can begin with (rather more than fewer)."""
    found: frozenset[str] = frozenset()
    for op, value in items:
        if test := _character_test(op, value):
            return found | frozenset(character for character in _ALPHABET if _is_safe(test, character))
        for body in _bodies(op, value):
            found |= _first(body)
        if op is not _sre.AT and not (op in _REPEATS and value[0] == 0):
            break
    return found


def _tail(items: _Items) -> frozenset[str]:
    """Characters that the repetitions at the very end of the items can go on with."""
    found: frozenset[str] = frozenset()
    for op, value in reversed(items):
        for body in _bodies(op, value):
            found |= _tail(body)
            if op in _REPEATS:
                found |= _first(body)
        if op is not _sre.AT and not (op in _REPEATS and value[0] == 0):
            break
    return found


def _is_safe(test: Callable[[str], bool], character: str) -> bool:
    try:
        return test(character)
    except _CannotTellError:
        return True


def _describe(characters: frozenset[str]) -> str:
    if len(characters) > 60:
        return "almost any character"
    text = "".join(sorted(characters))
    return repr(text if len(text) <= 12 else text[:11] + "…")
