"""CSS selectors of site files: refused with what to write instead, and translated to XPath.

The operator writes them, but pages that they are held against may be hostile, so what a selector may cost is bounded:
by its length, by the number of selectors of a table (``spiders.site``), and by a translation in which ``+`` looks back
from the element that is wanted. (cssselect's own looks ahead from each candidate: 10 s where 5,000 paragraphs stand
side by side, and 80 s for ``~``, which is refused.) Not here: lxml, and what is done with what a selector finds
(``pipeline.rules``).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from spiders.problem import find_nearest, refuse_value

if TYPE_CHECKING:
    from cssselect import HTMLTranslator

MOST_CHARACTERS: Final = 200

_ATTRIBUTE: Final = re.compile(r"(?s)(.*[^\s@])@([A-Za-z_][\w:.-]{0,60})\Z")
_EXTENSION: Final = re.compile(r"(.*?)\s*::(?:(text)|attr\(([^)]*)\))\Z")  # of Scrapy, and of others
_NEVER: Final = ("hover", "focus", "active", "visited", "target", "focus-within", "focus-visible")
_SHAPES: Final = (
    "first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "nth-child(2)",
    "nth-of-type(2)", "nth-last-child(2)", "not(…)", "is(…)", "has(…)", "contains('…')", "empty", "root",
)  # fmt: skip


def split_attribute(selector: str) -> tuple[str, str | None]:
    """``time.date@datetime`` as selector and attribute; the attribute is None where the element's text is meant."""
    match = _ATTRIBUTE.match(selector)
    return (match[1], match[2].lower()) if match else (selector, None)


def check_selector(value: str) -> str:
    """A CSS selector that can be used; raises pydantic's error with a remedy."""
    from cssselect import SelectorError  # noqa: PLC0415 - needed for the few sites that have rules

    if not value.strip():
        raise refuse_value("is empty", 'Write a CSS selector, for example ".promo", or remove it.')
    if len(value) > MOST_CHARACTERS:
        raise refuse_value(
            f"has {len(value)} characters, {MOST_CHARACTERS} are allowed", "Write several selectors, or a shorter one."
        )
    if re.match(r"\s*\.?/", value):
        raise refuse_value(f"{value!r} is an XPath", 'Write a CSS selector, for example "div.promo > p".')
    if match := _EXTENSION.match(value):
        better = f"{match[1]}@{match[3].strip()}" if match[3] else match[1]
        raise refuse_value(f"{value!r} has {'::attr()' if match[3] else '::text'}", f'Write "{better}".')
    if (name := next((name for name in _NEVER if re.search(rf":{name}\b(?!-)", value)), None)) is not None:
        raise refuse_value(f"{value!r} has :{name}, which no stored page ever is", "Write the selector without it.")
    try:
        translate(value)
    except SelectorError as error:
        raise refuse_value(f"{value!r} is no CSS selector: {_reason(error)}", _remedy(value, error)) from error
    except (RecursionError, ValueError) as error:
        raise refuse_value(f"{value!r} is no CSS selector: {error}", "Write a plainer one.") from error
    return value


def check_field(value: str) -> str:
    """A selector with an attribute behind an @ where not the element's text is meant."""
    if "@" in value and not split_attribute(value)[1] and value.rpartition("@")[2].count("]") == 0:
        raise refuse_value(
            f"{value!r} names no attribute behind the @", 'Write "selector@attribute", for example "time@datetime".'
        )
    check_selector(split_attribute(value)[0])
    return value


def _reason(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]


def _remedy(value: str, error: Exception) -> str:
    if unknown := re.search(r"pseudo-class :?([\w-]+)\(?\)? is unknown", str(error)):
        near = find_nearest(unknown[1], [shape.partition("(")[0] for shape in _SHAPES])
        return f"Write :{near}." if near else f"Known: {', '.join(f':{shape}' for shape in _SHAPES)}."
    if "~" in str(error):
        return 'Name what you mean by its class, or by the element right before it ("h2 + ul").'
    if "seudo-element" in str(error):
        return "Name the element itself; what ::before and ::after show is not in the page."
    if re.search(r"@\S", value):
        return 'An attribute (selector@attribute) can be read in fields only; elsewhere write "[attribute]".'
    return 'Write it as in a style sheet, for example "div.promo > p", "#related", "a[href*=\'/jobs/\']".'


@cache
def _translator() -> HTMLTranslator:
    from cssselect import ExpressionError, HTMLTranslator  # noqa: PLC0415

    class LookingBack(HTMLTranslator):
        """Siblings share their parent, so the way down to the left one is the way down to the right one."""

        def xpath_direct_adjacent_combinator(self, left: Any, right: Any) -> Any:
            condition = f"[{left.condition}]" if left.condition else ""
            right.path = left.path
            right.add_condition(f"preceding-sibling::*[1]/self::{left.element}{condition}")
            return right

        def xpath_first_child_pseudo(self, xpath: Any) -> Any:
            return xpath.add_condition("not(preceding-sibling::*[1])")

        def xpath_last_child_pseudo(self, xpath: Any) -> Any:
            return xpath.add_condition("not(following-sibling::*[1])")

        def xpath_indirect_adjacent_combinator(self, left: Any, right: Any) -> Any:  # noqa: ARG002 - cssselect's
            raise ExpressionError("~ is not allowed: it takes the square of the number of siblings")

    return LookingBack()


@lru_cache(maxsize=1024)
def translate(selector: str) -> str:
    """The XPath of a CSS selector, for the whole tree below an element.

    Raises:
        cssselect.SelectorError: it is none.
    """
    return _translator().css_to_xpath(selector)
