"""A newsroom whose pages are full of furniture, for the tests of the site's memory: four degrees of markup."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape

from pipeline.boilerplate import Memory, Observed, learn
from pipeline.extract import extract_page, observe_page
from pipeline.model import Article
from tests.pipeline.some_pages import HOST, a_site

MARKUPS = ("semantic", "named", "classes", "flat")
BEGAN = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)

_WHO = ("The council", "A committee", "The mayor", "One resident", "An engineer", "The chair", "A charity", "The clerk")
_DID = ("agreed", "refused", "promised", "asked", "voted", "planned", "offered", "decided", "hoped", "failed")
_WHAT = (
    *("to mend", "to close", "to sell", "to paint", "to survey", "to rename", "to extend", "to fund", "to inspect"),
    *("to clear", "to light", "to fence", "to drain", "to widen", "to open"),
)
_THING = (
    *("the bridge", "the library", "a footpath", "the old mill", "the bus station", "a playground", "the market hall"),
    *("the north quay", "the ring road", "a cycle lane", "the town archive", "two car parks", "the weir", "a school"),
)
_WHERE = ("in Ashby", "near the canal", "at Fernhill", "on Mill Street", "in the east ward", "by the river", "in Holme")
_WHY = (
    *("after a long debate", "before the winter", "because of its cost", "despite many letters", "for the third time"),
    *(
        "with a grant of £{n},000",
        "by {n} votes to three",
        "within {n} weeks",
        "for {n} families",
        "at the next meeting",
    ),
)
_JOBS = ("Planner", "Solicitor", "Social worker", "Accountant", "Ranger", "Surveyor", "Librarian", "Housing officer")
_COUNCILS = ("Ashby Council", "Holme District Council", "Fernhill Borough", "East Riding", "Westmoor Council")
_ADVERTS = (
    "Acme Boilers keep your home warm this winter for less than you think.",
    "Trust Bright Windows for double glazing that lasts a lifetime.",
    "Visit Holme Garden Centre and see ten thousand bulbs in bloom.",
    "The Ashby Players present their new comedy at the Corn Exchange.",
    "Switch your current account to the Fernhill Building Society today.",
    "Book a table at the Mill House and eat beside the water.",
)
_REPORTERS = ("Jane Porter", "Tom Ashworth", "Nia Pryce", "Ravi Mehta")
_SERIES = (
    "This article is part of our series on the future of the high street.",
    "Every week we look back at what made the news fifty years ago.",
)
_LEGAL = (
    "The defendant cannot be named for legal reasons.",
    "Anyone with information is asked to call the police on the number 101.",
)


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """A page of the newsroom, and what of it is the article's text."""

    url: str
    page: bytes
    lines: tuple[str, ...]
    captured_at: datetime
    repeated: tuple[str, ...] = ()  # lines of the text that stand on other pages, too


@dataclass(kw_only=True)
class Newsroom:
    """Makes pages; the same seed makes the same ones."""

    markup: str
    seed: int = 1
    repeats: float = 0.3  # share of articles with lines that belong to them and recur
    made: int = 0
    random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.markup} {self.seed}")

    def sentence(self) -> str:
        chance = self.random
        why = chance.choice(_WHY).replace("{n}", str(chance.randint(2, 900)))
        end = chance.choice(("", f", said {chance.choice(_REPORTERS)}", f", as in {chance.randint(1950, 2020)}"))
        return (
            f"{chance.choice(_WHO)} {chance.choice(_DID)} {chance.choice(_WHAT)} {chance.choice(_THING)} "
            f"{chance.choice(_WHERE)} {why}{end}."
        )

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self.random.choice((1, 2, 2, 3))))

    def jobs(self, day: int) -> list[str]:
        chance = random.Random(f"{self.seed} {day} jobs")
        return [
            f"{chance.choice(('Senior', 'Lead', 'Junior', 'Principal'))} {chance.choice(_JOBS)}, "
            f"{chance.choice(_COUNCILS)}, £{chance.randint(22, 39)},{chance.randint(100, 999)} to "
            f"£{chance.randint(40, 70)},000"
            for _ in range(5)
        ]

    def page(self, day: int = 0) -> Furnished:
        chance = self.random
        self.made += 1
        body = [self.paragraph() for _ in range(chance.randint(5, 12))]
        repeated: list[str] = []
        if chance.random() < self.repeats:
            where = chance.randint(1, len(body) - 2)
            body.insert(where, "The council said:")
            repeated.append("The council said:")
        if chance.random() < self.repeats / 2:
            body.insert(0, _SERIES[chance.randrange(2)])
            repeated.append(body[0])
        if chance.random() < self.repeats / 2:
            body.append(_LEGAL[chance.randrange(2)])
            repeated.append(body[-1])
        if chance.random() < self.repeats:
            body.insert(chance.randint(2, len(body) - 1), "What happens next?")
            repeated.append("What happens next?")
        title = self.sentence().rstrip(".")[:80]
        url = f"{HOST}/news/{self.seed}-{day}-{self.made}"
        rows: list[tuple[str, str]] = [
            ("kicker", "Local news"),
            ("title", title),
            ("byline", f"By {chance.choice(_REPORTERS)}, {16 + day} November 2026"),
            ("caption", f"{chance.choice(_THING).capitalize()} {chance.choice(_WHERE)} as seen last spring"),
        ]
        for number, paragraph in enumerate(body):
            if number == 3:
                rows.append(("advert", chance.choice(_ADVERTS)))
            rows.append(("text", paragraph))
        rows.append(("newsletter", "Sign up to our free weekly newsletter and never miss a story"))
        rows.append(("jobs-title", "Latest jobs"))
        rows += [("job", job) for job in self.jobs(day)]
        rows.append(("related-title", "You may also like"))
        rows += [("related", self.sentence().rstrip(".")) for _ in range(3)]
        rows.append(("banner", "The Ledger Awards 2026: enter now and be seen by the whole sector"))
        rows.append(("footer", "Copyright Civic Ledger Ltd, registered in England, all rights reserved."))
        return Furnished(
            url=url,
            page=render(rows, self.markup, title),
            lines=tuple(body),
            captured_at=BEGAN + timedelta(days=day, seconds=self.made),
            repeated=tuple(repeated),
        )


_TAGS = {"title": "h1", "footer": "footer", "caption": "figcaption", "job": "li", "related": "li"}
_CLASSES = {
    "kicker": "q1",
    "title": "q2",
    "byline": "q3",
    "caption": "q4",
    "advert": "q5",
    "text": "q6",
    "newsletter": "q7",
    "jobs-title": "q8",
    "job": "q9",
    "related-title": "qa",
    "related": "qb",
    "banner": "qc",
    "footer": "qd",
}


def render(rows: list[tuple[str, str]], markup: str, title: str) -> bytes:
    """The page in one of the degrees of markup."""
    parts: list[str] = []
    for name, text in rows:
        words = escape(text)
        words = f'<a href="/x">{words}</a>' if name in {"job", "related"} and markup != "flat" else words
        if markup == "flat":
            parts.append(f"<div>{words}</div>" if name in {"job", "banner"} else f"<p>{words}</p>")
        elif markup == "classes":
            parts.append(f'<div class="{_CLASSES[name]}">{words}</div>')
        elif markup == "named":
            parts.append(f'<div class="{name}">{words}</div>')
        else:
            tag = _TAGS.get(name, "p")
            parts.append(
                f"<aside><{tag}>{words}</{tag}></aside>" if name not in {"title", "text"} else f"<{tag}>{words}</{tag}>"
            )
    inner = "\n".join(parts)
    inner = f"<article>{inner}</article>" if markup == "semantic" else f"<div>{inner}</div>"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body>{inner}</body></html>"
    ).encode()


def observe(pages: list[Furnished]) -> list[Observed]:
    found = [observe_page(page.page, requested=page.url, captured_at=page.captured_at) for page in pages]
    return [each for each in found if each is not None]


def learn_from(pages: list[Furnished], memory: Memory | None = None) -> Memory:
    return learn(memory, observe(pages), max(page.captured_at for page in pages))


def extract(page: Furnished, memory: Memory | None) -> Article:
    reading = extract_page(
        page.page, site=a_site(), url=page.url, requested=page.url, captured_at=page.captured_at, memory=memory
    )
    assert reading.article is not None, reading
    return reading.article


def score(pages: list[Furnished], memory: Memory | None) -> tuple[float, float]:
    """Precision and recall of the words of all pages together, line by line."""
    right = taken = wanted = 0
    for page in pages:
        found = extract(page, memory).text.split("\n")
        true = set(page.lines)
        taken += sum(len(line.split()) for line in found)
        wanted += sum(len(line.split()) for line in page.lines)
        right += sum(len(line.split()) for line in found if line in true)
    return right / taken, right / wanted
