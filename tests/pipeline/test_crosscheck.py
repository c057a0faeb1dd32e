from __future__ import annotations

from typing import Any

from pipeline import crosscheck
from pipeline.crosscheck import CrossCheck, Met, TextOf, lighten
from pipeline.lifecycle import Making, Standing, decide, standing_of
from pipeline.model import Finding, article_id, content_digest
from tests.pipeline.built_runs import HOUR, START, a_run, a_site, found, missing, unusable, url_of

SITE = a_site()
RUN, AT = a_run(5), START + 5 * HOUR


def met(finding: Finding, name: str | None = None, **facts: Any) -> Met:
    """A finding; with a name: of an article that was archived before under it."""
    light, body = lighten(finding)
    standing = None
    if name is not None:
        making = Making(site=SITE, run=a_run(0), code="muniment 0", extractor="extractor 0")
        version = decide(making, found(name, f"First of {name}.", a_run(0), START), []).version
        assert version is not None
        standing = standing_of([version])
    article = article_id(url_of(name)) if name else article_id(finding.requested)
    return Met(finding=light, body=body, article=article, standing=standing, **facts)


def cross_check(all_met: list[Met], run: str, *, text_of: TextOf = lambda standing: standing.article) -> CrossCheck:
    """The judgement on articles of which each had a text of its own, unless told otherwise."""
    return crosscheck.cross_check(all_met, run, text_of=text_of)


def kinds(crossed: CrossCheck, all_met: list[Met]) -> list[str]:
    return [crossed.reread(each.finding).kind for each in all_met]


def gone(*names: str) -> list[Met]:
    return [met(missing(name, RUN, AT), name) for name in names]


def live(*names: str) -> list[Met]:
    return [met(found(name, f"First of {name}.", RUN, AT), name) for name in names]


def redirected(name: str, to: str, status: int = 301, *, text: str = "") -> Finding:
    hops = ((status, url_of(to)),)
    return found(to, text or f"First of {name}.", RUN, AT, requested=url_of(name), final=url_of(to), hops=hops)


def test_a_light_finding_has_its_digests_and_not_its_text():
    light, body = lighten(found("a", "A text.", RUN, AT))
    assert light.article is not None
    assert (light.article.text, body) == ("", content_digest("", "A text."))
    assert lighten(missing("a", RUN, AT))[1] is None


def test_one_new_text_of_several_known_articles_is_a_wall_and_also_where_it_is_new():
    run = [met(found(name, "Please pay.", RUN, AT), name) for name in "ab"]
    run += [met(found("new", "Please pay.", RUN, AT)), *live("c")]
    assert kinds(cross_check(run, RUN), run) == ["blocked", "blocked", "blocked", "article"]


def test_a_story_published_twice_that_is_edited_or_read_alike_is_no_wall():
    told = "The council will mend the bridge before the winter, the cabinet said."
    texts = {"a": told, "b": f"{told} Sign up!"}

    def text_of(standing: Standing) -> str:
        return next(text for name, text in texts.items() if article_id(url_of(name)) == standing.article)

    run = [met(found(name, f"{told} It will cost more.", RUN, AT), name) for name in "ab"]
    assert not cross_check(run, RUN, text_of=text_of).recast
    texts["b"] = "Another story, of which nothing stands in the first one at all."
    assert kinds(cross_check(run, RUN, text_of=text_of), run) == ["blocked", "blocked"]


def test_articles_that_are_edited_each_in_its_way_are_no_wall():
    run = [met(found(name, f"Second of {name}.", RUN, AT), name) for name in "abc"]
    assert not cross_check(run, RUN).recast


def test_three_new_pages_of_one_text_are_a_template_and_two_are_a_story_in_two_sections():
    run = [met(found(name, "A template.", RUN, AT)) for name in "abc"] + [
        met(found(name, "A story.", RUN, AT)) for name in "de"
    ]
    assert kinds(cross_check(run, RUN), run) == ["not-an-article"] * 3 + ["article"] * 2


def test_a_permanent_redirect_proves_a_move_and_a_temporary_one_does_not():
    run = [met(redirected("a", "b"), "a"), met(redirected("c", "d", 302), "c"), met(redirected("e", "f", 308), "e")]
    assert cross_check(run, RUN).moves == {article_id(url_of("a")): url_of("b"), article_id(url_of("e")): url_of("f")}


def test_many_that_lead_to_one_page_are_missing_and_two_have_moved():
    two = [met(redirected(name, "target", text="Target."), name) for name in "ab"]
    assert not cross_check(two, RUN).recast
    three = [*two, met(redirected("c", "target", text="Target."), "c")]
    assert kinds(cross_check(three, RUN), three) == ["gone"] * 3
    late = [met(redirected("d", "target", text="Target."), "d", ended_there=2)]
    assert kinds(cross_check(late, RUN), late) == ["gone"]


def test_most_articles_missing_at_once_is_a_storm_and_a_few_are_not():
    assert "gone" in cross_check([*gone(*"abcdef"), *live(*"ghijkl")], RUN).storms
    assert not cross_check([*gone(*"abcd"), *live(*"ghijkl")], RUN).storms
    assert not cross_check([*gone(*"abcdef"), *live(*"ghijklmnopqrstuvwxyz")], RUN).storms


def test_articles_that_were_missing_before_are_no_new_storm():
    before = [met(missing(name, RUN, AT), name, missing=True) for name in "abcdef"]
    assert not cross_check([*before, *live("g")], RUN).storms
    assert "gone" in cross_check(before, RUN).storms  # nobody is there to say that the site is well


def test_one_blocked_article_is_about_the_article_and_a_firewall_about_us():
    blocked = [met(unusable(name, RUN, AT, status=451), name) for name in "abcd"]
    assert not cross_check([blocked[0], *live("x")], RUN).storms
    assert "blocked" in cross_check([blocked[0]], RUN).storms
    assert "blocked" in cross_check([*blocked, *live("x", "y")], RUN).storms


def test_a_run_that_is_published_once_more_is_judged_as_before():
    run = [*gone(*"abcdef"), *live(*"ghijkl")]
    own = [met(found("new", "New.", RUN, AT))]
    new = own[0].finding
    making = Making(site=SITE, run=RUN, code="muniment 0", extractor="extractor 0")
    made = decide(making, found("new", "New.", RUN, AT), []).version
    assert made is not None
    again = [Met(finding=new, body=own[0].body, article=own[0].article, standing=standing_of([made]))]
    assert cross_check([*run, *own], RUN) == cross_check([*run, *again], RUN)
