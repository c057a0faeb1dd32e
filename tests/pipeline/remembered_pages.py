"""Pages as the site's memory looks at them: plain blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pipeline.boilerplate import Memory, Observed, sketch_page
from tests.pipeline.furnished_pages import (
    BEGAN,
    Newsroom,
)


@dataclass(frozen=True)
class Plain:
    """A block as the memory asks of one."""

    text: str
    kind: str = "paragraph"
    place: str = "div/p"
    link_share: float = 0.0
    label: str = ""


def own_text(number: int, paragraphs: int = 6) -> list[Plain]:
    newsroom = Newsroom(markup="flat", seed=1000 + number)
    return [Plain(f"{newsroom.paragraph()} That was number {number}.") for _ in range(paragraphs)]


def sketch(blocks: Sequence[Plain], name: str, minutes: int = 0) -> Observed:
    return sketch_page(blocks, article=name, seen=BEGAN + timedelta(minutes=minutes))


def taken(memory: Memory, blocks: Sequence[Plain]) -> set[str]:
    return {blocks[number].text for number in memory.judge_page(blocks)}


# --- boxes, captions, beginnings, and what is given back --------------------------------------------------


def spell(number: int) -> str:
    """A word for each number: figures make no difference between lines."""
    return "".join("abcdefghij"[int(figure)] for figure in str(number))


def jobs(number: int) -> list[Plain]:
    """What stands below the text of a page in one element, where little of what is in that element is text."""
    names = ("Planner", "Fitter", "Buyer", "Clerk", "Driver", "Nurse")
    return [
        Plain("Latest jobs"),
        *(Plain(f"{name} in {spell(number)}") for name in names),
        Plain("All rights reserved"),
    ]


def flat_page(number: int) -> list[Plain]:
    """A page in one element: caption, credit, byline, a promotion, and a box of events that change amid the text."""
    own = own_text(100 + number, 6)
    return [
        Plain("Home News Sport"),
        Plain(f"The ward of {spell(number)} from the hill"),
        Plain(f"Picture: {('Ann Frame', 'Bo Lens')[number % 2]}"),
        *([] if number % 3 else [Plain("Enter our awards")]),
        Plain(f"By Writer {'ABCDEFGH'[number % 8]}, {number} May"),
        Plain("Share this page"),
        *own[:2],
        Plain("Events near you"),
        *(
            Plain(f"{name} of ward {spell(number)}, {number + 1} June")
            for name in ("Fair", "Walk", "Talk")[: 2 + number % 2]
        ),
        Plain("All events"),
        *own[2:4],
        Plain(f"The foot of the stairs in ward {spell(number)}"),
        Plain(f"Picture: {('Ann Frame', 'Bo Lens')[number % 2]}"),
        *own[4:],
        Plain("Copyright us"),
    ]


def marked_page(number: int) -> list[Plain]:
    """A page whose mark-up tells: text and legal lines in one place, furniture in others."""
    own = own_text(300 + number, 6)
    legal = [
        Plain("Notes", "heading", "main/h2"),
        Plain("The authority was set up in 2016 by five councils.", place="main/p"),
    ]
    return [
        Plain("Home News Sport", place="nav/p"),
        *(Plain(block.text, place="main/p") for block in own[:3]),
        Plain(f"On the {spell(number)}", "heading", "main/h2"),
        *(Plain(block.text, place="main/p") for block in own[3:]),
        *([] if number % 4 else legal),
        Plain("More stories", "heading", "aside/h2"),
        Plain("A story of another page that many people read", place="aside/p", link_share=1.0),
    ]


ADVERTS = [Plain(f"The {word} sale ends on Sunday, with free delivery on everything in store.") for word in "abcdef"]


def advertised_page(number: int, day: int, *, legal: bool) -> list[Plain]:
    """A page in which one of six adverts stands amid the text, another one every day, and perhaps a line of law."""
    own = own_text(number)
    said = (
        [Plain("Anyone with information is asked to call the police on 101, or to go to a station.")] if legal else []
    )
    return [*own[: 2 + number % 3], ADVERTS[(number * 5 + day) % 6], *own[2 + number % 3 :], *said]
