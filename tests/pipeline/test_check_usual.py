"""The gate against the site's own history: what falls short rejects, what exceeds warns, and a young site has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from pipeline.check import check_run
from pipeline.check.usual import OWN_LIMITS
from pipeline.model import Article, Check, Finding, Moment, Report, run_id
from pipeline.normal import Normal, note_report
from spiders.protocol import CrawlSummary, SourceYield
from spiders.site import CheckLimits, CheckName, Site
from tests.pipeline.test_check import HOST, a_finding, a_site, check_of

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAYS = 56
NOW = MONDAY + timedelta(days=DAYS)  # a Monday
LISTED = 20


def pages(number: int, at: datetime, **facts: Any) -> list[Finding]:
    update = {"authors": ("A. Writer",), "section": "News", "language": "en", **facts}
    update["published"] = Moment(value=at - timedelta(hours=number), original="x", source="meta")
    if "published" in facts:
        update["published"] = facts["published"]
    made = []
    for place in range(number):
        finding = a_finding()
        article = finding.article
        assert isinstance(article, Article)
        own = {"published": Moment(value=at - timedelta(minutes=place), original="x", source="meta")}
        made.append(finding.model_copy(update={
            "article": article.model_copy(update={**update, **(own if "published" not in facts else {})}),
            "evidence": finding.evidence.model_copy(update={"captured_at": at}),
        }))  # fmt: skip
    return made


def judge(
    at: datetime, findings: list[Finding], normal: Normal, history: list[Report], *, site: Site | None = None,
    new: int = 8, listed: int = LISTED, outcomes: dict[str, int] | None = None,
) -> Report:  # fmt: skip
    outcomes = outcomes or {}
    summary = CrawlSummary(
        site="ledger", run=run_id(at, ""), started=at, finished=at + timedelta(minutes=3), finish_reason="finished",
        user_agent="x", discovered=len(findings) + sum(outcomes.values()), captured=len(findings), outcomes=outcomes,
        sources=[SourceYield(
            url=f"{HOST}/feed", type="feed", status=200, items=listed, named=listed, articles=listed, new=new,
            unknown=new, mark=str(at), newest=at,
        )],
    )  # fmt: skip
    return check_run(site or a_site(), summary, findings, history, normal)


class Lived:
    """A site that has been crawled each day for eight weeks."""

    def __init__(self, new: int = 8) -> None:
        self.normal, self.history = Normal(site="ledger", zone="Europe/London"), []
        for day in range(DAYS):
            at = MONDAY + timedelta(days=day)
            report = judge(at, pages(10, at), self.normal, self.history, new=new)
            assert report.verdict == "accept", report.message
            self.normal = note_report(self.normal, report)
            self.history = [report, *self.history][:30]

    def judge(self, findings: list[Finding] | None = None, **facts: Any) -> Report:
        return judge(NOW, pages(10, NOW) if findings is None else findings, self.normal, self.history, **facts)


@pytest.fixture(scope="module")
def lived() -> Lived:
    return Lived()


def test_a_usual_run_shows_what_each_figure_was_held_against(lived: Lived) -> None:
    report = lived.judge()
    assert report.verdict == "accept"
    volume, listing, length = (check_of(report, name) for name in ("volume", "listing", "length"))
    assert volume.normal is not None
    assert volume.normal[0] <= 8 <= volume.normal[1]
    assert volume.basis == "the same 24 hours of 7 weeks"
    assert listing.normal == (LISTED, LISTED)
    assert length.basis == "560 articles of 56 days since 1 June 2026"
    assert report.fill == {"title": 10, "published": 10, "authors": 10, "section": 10, "language": 10}


@pytest.mark.parametrize(
    ("facts", "name", "words"),
    [
        ({"authors": ()}, "fill", "10 of 10 articles have no authors; normal is 0"),
        ({"published": None}, "published", "10 of 10 articles have no date of publication; normal is 0"),
        ({"language": "cy"}, "language", "10 of 10 articles are in a language that is unusual"),
        ({"words": 31}, "length", "The middle article has 31 words; normal is"),
        ({"title": "The Ledger"}, "title", "10 of 10 articles have one and the same headline"),
        (
            {"published": Moment(value=NOW + timedelta(days=90), original="x", source="meta")},
            "dates",
            "10 of 10 dates cannot be right: 10 are in the future",
        ),
    ],
)
def test_what_falls_short_of_normal_is_refused_and_explained(
    lived: Lived, facts: dict[str, Any], name: str, words: str
) -> None:
    report = lived.judge(pages(10, NOW, **facts))
    check = check_of(report, name)
    assert check.verdict == "reject"
    assert words in check.message
    assert words in report.message
    assert check.normal is not None
    assert check.basis is not None
    young = judge(NOW, pages(10, NOW, **facts), Normal(site="ledger"), [])
    assert check_of(young, name).verdict != "reject" or name == "dates"


def test_a_list_that_is_cut_off_is_refused(lived: Lived) -> None:
    check = check_of(lived.judge(listed=2, new=0), "listing")
    assert (check.verdict, check.figure) == ("reject", 2)
    assert "/feed lists 2; normal is 20." in check.message


def test_much_less_than_at_such_a_time_is_told_and_much_more_warns(lived: Lived) -> None:
    assert check_of(lived.judge(new=8), "volume").verdict == "accept"
    much = check_of(lived.judge(new=60), "volume")
    assert much.verdict == "warn"
    assert "60 addresses are new in 24 hours; normal is" in much.message


def test_copies_at_new_addresses_warn(lived: Lived) -> None:
    old = a_finding(text="\n".join(f"A line of a story of long ago, of which this is number {n}." for n in range(5)))
    report = lived.judge([old])
    normal = note_report(lived.normal, report.model_copy(update={"run": run_id(NOW, "")}))
    copies = [a_finding(text=old.article.text) for _ in range(3)] if old.article else []
    later = judge(NOW + timedelta(days=1), [*copies, *pages(4, NOW)], normal, lived.history)
    check = check_of(later, "old-text")
    assert check.verdict == "warn"
    assert "3 of 7 new articles begin as earlier ones" in check.message


def test_more_blocked_pages_than_usual_warn(lived: Lived) -> None:
    report = lived.judge([*pages(16, NOW), *(a_finding("blocked", "HTTP 403") for _ in range(4))])
    check = check_of(report, "outcomes")
    assert check.verdict == "warn"
    assert "4 of 20 pages are blocked; normal is 0" in check.message


class TestOverrides:
    def said(self, lived: Lived, name: str, findings: list[Finding] | None = None, **limits: Any) -> Check:
        facts = {key: limits.pop(key) for key in ("new", "listed") if key in limits}
        return check_of(lived.judge(findings, site=a_site(**limits), **facts), name)

    def test_a_field_that_may_be_lost(self, lived: Lived) -> None:
        lost = pages(10, NOW, authors=())
        assert self.said(lived, "fill", lost, min_fill={"authors": 0.0}).verdict == "accept"
        assert self.said(lived, "fill", lost, min_fill={"authors": 0.5}).verdict == "reject"

    def test_volume_and_lists(self, lived: Lived) -> None:
        assert self.said(lived, "volume", new=60, max_new=100).verdict == "accept"
        assert self.said(lived, "volume", new=9, max_new=8).verdict == "warn"
        assert self.said(lived, "volume", new=1, min_new=2).verdict == "reject"
        assert self.said(lived, "listing", listed=2, min_items=1).verdict == "accept"
        assert self.said(lived, "listing", listed=20, min_items=30).verdict == "reject"

    def test_nothing_is_missed_in_a_quiet_time_that_the_file_names(self) -> None:
        lived = Lived(new=200)  # so that nothing at all is rare, in July as well
        assert self.said(lived, "volume", new=0).verdict == "reject"
        check = self.said(lived, "volume", new=0, quiet=("2026-07-20/2026-07-27",))
        assert check.verdict == "accept"
        assert "a quiet time by the site's file" in check.message
        assert self.said(lived, "volume", new=0, quiet=("2026-07-20/2026-07-26",)).verdict == "reject"

    def test_a_verdict_is_bounded_or_made_stricter(self, lived: Lived) -> None:
        lost = pages(10, NOW, authors=())
        assert self.said(lived, "fill", lost, verdicts={"fill": "warn"}).verdict == "warn"
        assert self.said(lived, "fill", lost, verdicts={"fill": "accept"}).verdict == "accept"
        assert self.said(lived, "volume", new=60, verdicts={"volume": "reject"}).verdict == "reject"
        assert self.said(lived, "volume", verdicts={"volume": "reject"}).verdict == "accept"


def test_every_limit_says_what_it_comes_from(lived: Lived) -> None:
    at = NOW + timedelta(days=1)
    for normal, history in ((lived.normal, lived.history), (Normal(site="ledger"), [])):
        report = judge(at, pages(8, at), normal, history)
        assert all(check.basis for check in report.checks if check.limit is not None)
    origins = {check.name: check.basis for check in report.checks}
    assert origins["errors"] == "the same for all sites; max_error_share of [check] sets another"
    assert origins["books"] == "the same for all sites"
    own = judge(at, pages(8, at), lived.normal, lived.history, site=a_site(max_error_share=0.5, min_fill={"tags": 0.1}))
    assert check_of(own, "errors").basis == "the site's file: max_error_share of [check]"


def test_a_key_that_sets_a_limit_is_named_by_its_check() -> None:
    told = {key for keys in OWN_LIMITS.values() for key in keys}
    assert set(OWN_LIMITS) <= set(get_args(CheckName))
    assert told == set(CheckLimits.model_fields) - {"min_fill", "quiet", "verdicts"}


def test_twice_as_much_as_there_ever_was_warns_whatever_the_week_day(lived: Lived) -> None:
    check = check_of(lived.judge(new=16), "volume")
    assert check.verdict == "warn"
    assert "16 addresses are new in 24 hours; the most in so long a time was 8 before" in check.message
    assert (check.normal, check.limit) == ((0.0, 8.0), 16.0)
    assert check_of(lived.judge(new=15), "volume").verdict == "accept"
    own = a_site().model_copy(update={"check": CheckLimits(max_new=40)})
    assert check_of(lived.judge(new=16, site=own), "volume").verdict == "accept"


def test_a_site_of_two_weeks_is_known_well_enough_to_say_that_it_doubled_and_one_of_less_is_not() -> None:
    for days, verdict in ((15, "warn"), (13, "accept")):
        normal, history = Normal(site="ledger", zone="Europe/London"), list[Report]()
        for day in range(days):
            at = MONDAY + timedelta(days=day)
            history.insert(0, judge(at, pages(10, at), normal, history))
            normal = note_report(normal, history[0])
        at = MONDAY + timedelta(days=days)
        assert check_of(judge(at, pages(10, at), normal, history, new=30), "volume").verdict == verdict
