"""What an order replaces: every object that has a word of what is withheld, and no other."""

from __future__ import annotations

import random

import pytest

from pipeline.model import article_id
from pipeline.steps import Workplace
from pipeline.takedown import order_takedown
from tests.pipeline.built_archive import SITE, STORIES, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, url_of
from tests.pipeline.crashes import Reader
from tests.pipeline.test_takedown import BY, WHY, leaks, says, take_all, work

__all__ = ["work"]

LETTERS = "bcdfghjklmnpqrstvwxz"


def made_up(chance: random.Random, count: int) -> str:
    """Words that stand nowhere else."""
    words = ["".join(chance.choices(LETTERS, k=chance.randint(5, 9))) for _ in range(count)]
    return " ".join(words).capitalize()


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_no_object_out_of_the_seal_has_a_word_of_what_was_taken_down(work: Workplace, seed: int) -> None:
    archive, chance = work.archive, random.Random(seed)
    title = made_up(chance, 6)
    body = tuple(f"{made_up(chance, 25)}." for _ in range(4))
    name = f"story-{seed}"
    stories = {**STORIES, name: (title, body)}
    pages: dict[str, bytes | int] = {name: page(name, title=title, paragraphs=body)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.pipeline.built_archive.STORIES", stories)
        publish_pages(work, SITE, a_run(8), START + 8 * HOUR, {**pages, "library": page("library")}, extractor=Reader())
        again = page(name, title=title, paragraphs=(*body[:2], f"{made_up(chance, 30)}."))
        publish_pages(work, SITE, a_run(9), START + 9 * HOUR, {name: again}, extractor=Reader())
    spans = [" ".join(body[1].split()[3:9])] if seed % 2 else []
    secret = spans or [*title.split(), *(word.strip(".") for text in body for word in text.split())]
    assert leaks(archive, secret) != {}
    others = {key: body for key, body in take_all(archive).items() if key.startswith("articles/")}
    order_takedown(archive, SITE.id, article_id(url_of(name)), by=BY, reason=WHY, now=NOW, spans=spans)
    assert leaks(archive, secret) == {}
    own = f"articles/{SITE.id}/{article_id(url_of(name))}/"
    assert {key for key, body in others.items() if archive.store.get(key).body != body} == {
        key for key in others if key.startswith(own) and (not spans or says(others[key], spans))
    }
