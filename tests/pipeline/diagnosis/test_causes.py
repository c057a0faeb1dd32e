"""What real crawls say of hosts that fail, refuse, or cannot be found, and how signs are weighed."""

from __future__ import annotations

import pytest

from pipeline.diagnosis import diagnose
from pipeline.diagnosis.causes import KNOWN, Case, Page, weigh_causes
from pipeline.errors import RunRejected
from pipeline.model import Cause, Check, Diagnosis, Report
from pipeline.steps import Workplace, new_run, run_site
from spiders.protocol import CrawlSummary, SourceYield
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.built_runs import START, a_run
from tests.pipeline.loop_news import list_in_sitemap, story

RUN = a_run(1)


def crawl_and_refuse(work: Workplace) -> Diagnosis:
    run = new_run(work.settings)
    with pytest.raises(RunRejected):
        run_site(work, "loop", run)
    report = work.archive.read_report("loop", run)
    assert report is not None
    assert report.diagnosis is not None, report.message
    return report.diagnosis


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(status=503), "site down"),
        (Reply(status=429, headers=(("Retry-After", "86400"),)), "throttled"),
        (Reply(status=403), "firewall"),
        (None, "site down"),
    ],
    ids=["503", "429", "403", "no answer"],
)
def test_a_crawl_that_is_turned_away_is_told_by_its_cause(
    work: Workplace, newsroom: LoopbackSite, reply: Reply | None, cause: Cause
) -> None:
    run_site(work, "loop", new_run(work.settings))
    if reply is None:
        newsroom.stop()
    else:
        newsroom.routes.update(dict.fromkeys(newsroom.routes, reply))
    found = crawl_and_refuse(work)
    assert (found.cause, found.likelihood > 0.5) == (cause, True), found
    assert "127.0.0.1" in found.sentence
    assert len(found.examples) == 3


@pytest.mark.slow
def test_a_crawl_of_pages_that_refuse_us_is_told_though_the_list_answers(
    work: Workplace, newsroom: LoopbackSite
) -> None:
    run_site(work, "loop", new_run(work.settings))
    for number in range(8, 20):
        newsroom.page(f"/news/{number}", story(number))
    list_in_sitemap(newsroom, list(range(20)))
    for number in range(20):
        newsroom.routes[f"/news/{number}"] = Reply(status=403)
    assert crawl_and_refuse(work).cause == "firewall"


# --- weighing -------------------------------------------------------------------------------------------


def a_case(*, checks: tuple[Check, ...] = (), history: tuple[Report, ...] = (), **facts: object) -> Case:
    pages = facts.pop("now", ())
    summary = CrawlSummary.model_validate(
        {
            "site": "ledger",
            "run": RUN,
            "started": START,
            "finished": START,
            "finish_reason": "finished",
            "user_agent": "test",
            "discovered": 0,
            "captured": 0,
            "sources": [SourceYield(url="https://ledger.example/feed", type="feed", status=200, items=9, articles=9)],
            **facts,
        }
    )
    return Case(report=a_report(checks), summary=summary, history=history, now=pages)  # type: ignore[arg-type]


def a_report(checks: tuple[Check, ...] = (), **facts: object) -> Report:
    usual: dict[str, object] = {
        "site": "ledger",
        "run": RUN,
        "verdict": "reject",
        "checks": checks,
        "counts": {},
        "message": "",
    }
    return Report.model_validate({**usual, **facts})


def a_check(name: str, verdict: str, figure: float | None = None, normal: tuple[float, float] | None = None) -> Check:
    facts = {
        "name": name,
        "verdict": verdict,
        "figure": figure,
        "limit": None,
        "message": "It is odd.",
        "normal": normal,
    }
    return Check.model_validate(facts)


def pages(kind: str, reason: str, count: int) -> list[Page]:
    return [Page(url=f"https://ledger.example/{kind}/{n}", kind=kind, reason=reason) for n in range(count)]


def test_a_sign_explains_as_much_as_the_share_of_the_run_that_it_is_on() -> None:
    for blocked, at_least, at_most in ((1, 0.0, 0.2), (5, 0.4, 0.6), (20, 0.9, 1.0)):
        now = pages("blocked", "firewall page", blocked) + pages("article", "", 20 - blocked)
        found = {each.cause: each.likelihood for each in weigh_causes(a_case(now=now))}
        assert at_least <= found.get("firewall", 0.0) <= at_most


def test_what_is_usual_for_the_site_is_no_sign() -> None:
    now = pages("blocked", "paywall stub", 10) + pages("article", "", 10)
    usual = a_report(counts={"captured": 20}, reasons={"blocked: paywall stub": 10}, verdict="accept")
    assert "login wall" in {each.cause for each in weigh_causes(a_case(now=now))}
    assert "login wall" not in {each.cause for each in weigh_causes(a_case(now=now, history=(usual,) * 3))}


def test_a_check_speaks_where_nothing_else_does_and_a_warning_more_softly() -> None:
    refused = diagnose(a_case(checks=(a_check("old-text", "reject"),)))
    warned = diagnose(a_case(checks=(a_check("old-text", "warn"),)))
    assert (refused.cause, warned.cause) == ("old text", "old text")
    assert refused.likelihood >= KNOWN > warned.likelihood  # a warning by itself has no cause
    longer = diagnose(a_case(checks=(a_check("listing", "reject", 90, (10, 20)),)))
    shorter = diagnose(a_case(checks=(a_check("listing", "reject", 2, (10, 20)),)))
    assert (longer.cause, shorter.cause) == ("volume", "empty source")


def test_books_that_do_not_balance_go_before_all_else() -> None:
    now = pages("blocked", "firewall page", 20)
    assert diagnose(a_case(now=now, discovered=30)).cause == "books"
    assert diagnose(a_case(now=now, checks=(a_check("books", "reject"),))).cause == "books"


def test_a_run_that_nothing_explains_is_of_an_unknown_cause_and_says_what_to_look_at() -> None:
    found = diagnose(a_case(checks=(a_check("memory", "reject"),)))
    assert (found.cause, found.likelihood) == ("unknown", 0.0)
    assert any(f"`muniment inspect {RUN}`" in step for step in found.steps)
