"""The gate: what it lets pass, what it refuses, and what the operator reads."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.check import FEW, check_run, share_interval
from pipeline.model import (
    Article,
    Check,
    Evidence,
    Finding,
    Moment,
    Report,
    Stripped,
    article_id,
    content_digest,
    run_id,
)
from spiders.protocol import CrawlSummary, SourceYield
from spiders.site import CheckLimits, CheckName, Site, Source

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RUN = "20261122T090000Z-00000000"
HOST = "https://ledger.example"
NAMES = get_args(CheckName)
_numbers = itertools.count()


def a_site(**limits: Any) -> Site:
    return Site(
        id="ledger",
        name="Civic Ledger",
        home=f"{HOST}/",
        kind="trade",
        article=r"https://ledger\.example/.+",
        sources=(Source(type="feed", url=f"{HOST}/feed"),),
        check=CheckLimits(**limits),
    )


def a_finding(kind: str = "article", reason: str | None = None, **facts: Any) -> Finding:
    number = next(_numbers)
    url = f"{HOST}/news/{number}"
    text = facts.pop("text", f"Story number {number}. " + "The council met and agreed. " * 20)
    article = None
    if kind == "article":
        address = facts.pop("address", url)
        article = Article(
            article=article_id(address),
            url=address,
            title=facts.pop("title", f"Headline {number}"),
            text=text,
            published=Moment(value=AT, original="x", source="meta") if facts.pop("dated", True) else None,
            words=len(text.split()),
            digest=content_digest("", text),
        )
    return Finding(
        kind=kind,  # type: ignore[arg-type]
        requested=url,
        final=url,
        reason=reason or (None if article else "some reason"),
        article=article,
        evidence=Evidence(
            warc="warc/x", offset=0, length=1, record_id="<x>", payload_digest="sha256:x", status=200, captured_at=AT
        ),
    )


def some(count: int, kind: str = "article", reason: str | None = None, **facts: Any) -> list[Finding]:
    return [a_finding(kind, reason, **facts) for _ in range(count)]


def a_summary(findings: Sequence[Finding], **facts: Any) -> CrawlSummary:
    outcomes = facts.pop("outcomes", {})
    usual: dict[str, Any] = {
        "site": "ledger",
        "run": RUN,
        "started": AT,
        "finished": AT,
        "finish_reason": "finished",
        "user_agent": "x",
        "discovered": len(findings) + sum(outcomes.values()),
        "captured": len(findings),
        "outcomes": outcomes,
        "sources": [SourceYield(url=f"{HOST}/feed", type="feed", status=200, items=9, new=9)],
    }
    return CrawlSummary(**{**usual, **facts})


def report_on(
    findings: Sequence[Finding], *, site: Site | None = None, history: Sequence[Report] = (), **facts: Any
) -> Report:
    return check_run(site or a_site(), a_summary(findings, **facts), findings, history)


def check_of(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


class TestVerdicts:
    def test_a_usual_run_is_accepted_and_every_check_has_its_say(self) -> None:
        report = report_on([*some(20), *some(1, "not-an-article", "too short"), *some(5, "unchanged", "HTTP 304")])
        assert report.verdict == "accept"
        assert tuple(check.name for check in report.checks) == NAMES
        assert {check.verdict for check in report.checks} == {"accept"}
        assert (report.counts["articles"], report.counts["not-an-article"], report.counts["unchanged"]) == (20, 1, 5)

    def test_a_quiet_day_is_accepted(self) -> None:
        report = report_on([], outcomes={"unchanged": 300})
        assert report.verdict == "accept"
        assert "0 pages" in report.message or "no pages" in report.message

    @pytest.mark.parametrize("count", range(1, FEW))
    @pytest.mark.parametrize("kind", ["not-an-article", "failed", "blocked"])
    def test_a_handful_of_bad_pages_warns_at_most(self, count: int, kind: str) -> None:
        report = report_on(some(count, kind))
        assert report.verdict == "warn"

    def test_one_bad_page_among_many_is_accepted(self) -> None:
        assert report_on([*some(30), *some(1, "failed", "HTTP 500")]).verdict == "accept"

    def test_the_worst_check_is_the_verdict(self) -> None:
        report = report_on([*some(10), *some(20, "blocked", "HTTP 403")])
        assert check_of(report, "blocked").verdict == "reject"
        assert check_of(report, "title").verdict == "accept"
        assert report.verdict == "reject"


class TestStorms:
    def test_a_consent_wall_on_most_pages_is_refused(self) -> None:
        report = report_on([*some(4), *some(16, "blocked", "consent page")])
        assert report.verdict == "reject"
        assert "[blocked] 16 of 20 pages" in report.message
        assert "consent page × 16" in report.message
        assert "nothing of this run is published" in report.message

    def test_an_error_storm_is_refused_whichever_side_saw_it(self) -> None:
        seen_by_crawl = report_on(
            some(10), outcomes={"failed": 30}, reasons={"failed: time-out": 30}, discovered=40, captured=10
        )
        seen_by_extraction = report_on([*some(10), *some(30, "failed", "HTTP 500")])
        for report, cause in ((seen_by_crawl, "time-out × 30"), (seen_by_extraction, "HTTP 500 × 30")):
            assert check_of(report, "errors").verdict == "reject"
            assert cause in report.message

    def test_one_body_on_many_pages_is_refused(self) -> None:
        report = report_on([*some(10), *some(10, text="We have changed our terms. Please agree to them. " * 10)])
        assert check_of(report, "same-body").verdict == "reject"
        assert check_of(report, "same-body").figure == 0.5

    def test_a_story_that_was_published_twice_is_no_storm(self) -> None:
        report = report_on([*some(4), *some(2, text="The same agency copy under two headlines. " * 10)])
        assert report.verdict in {"accept", "warn"}

    def test_many_pages_that_claim_one_address_are_refused(self) -> None:
        report = report_on([*some(5), *some(10, address=f"{HOST}/news/one")])
        assert check_of(report, "canonical").verdict == "reject"
        assert f"{HOST}/news/one" in report.message

    def test_pages_that_are_no_articles_any_more_are_refused(self) -> None:
        report = report_on([*some(2), *some(18, "not-an-article", "index page")])
        assert check_of(report, "article-yield").verdict == "reject"
        assert "index page × 18" in report.message

    def test_empty_texts_are_refused(self) -> None:
        report = report_on([a_finding(text=f"Read on for {n} pounds.") for n in range(10)])
        assert check_of(report, "short-bodies").verdict == "reject"

    def test_few_failures_are_weighed_by_chance(self) -> None:
        assert check_of(report_on([*some(3), *some(2, "failed")]), "errors").verdict == "warn"
        assert check_of(report_on([*some(12), *some(8, "failed")]), "errors").verdict == "reject"


class TestSourcesAndBooks:
    def test_a_dead_source_is_named(self) -> None:
        sources = [
            SourceYield(url=f"{HOST}/feed", type="feed", status=200, items=3),
            SourceYield(url=f"{HOST}/old", type="feed", status=404, error="HTTP 404"),
        ]
        report = report_on(some(6), sources=sources)
        assert report.verdict == "warn"
        assert f"{HOST}/old: HTTP 404" in report.message

    def test_a_site_none_of_whose_sources_answers_is_refused(self) -> None:
        sources = [SourceYield(url=f"{HOST}/feed", type="feed", status=None, error="time-out")]
        report = report_on([], sources=sources)
        assert check_of(report, "sources").verdict == "reject"
        assert "muniment sites check --live ledger" in report.message

    def test_books_that_do_not_add_up_are_refused(self) -> None:
        assert check_of(report_on(some(6), discovered=9), "books").verdict == "reject"
        assert check_of(report_on(some(6), discovered=7, captured=7), "books").verdict == "reject"

    def test_a_pattern_that_matches_nothing_is_refused(self) -> None:
        report = report_on([], reasons={"off-pattern": 40})
        assert check_of(report, "captures").verdict == "reject"
        assert "`article` pattern" in report.message

    def test_fewer_captures_than_the_site_file_asks_for_are_refused(self) -> None:
        assert report_on(some(3), site=a_site(min_captures=10)).verdict == "reject"


class TestFields:
    def test_the_site_files_limits_come_before_the_usual_ones(self) -> None:
        findings = [*some(10), *some(10, "not-an-article", "index page")]
        assert report_on([*findings, *some(10, "not-an-article")]).verdict == "reject"
        assert (
            report_on([*findings, *some(10, "not-an-article")], site=a_site(min_article_yield=0.2)).verdict == "accept"
        )

    def test_dates_that_a_site_never_had_are_not_missed(self) -> None:
        assert check_of(report_on(some(20, dated=False)), "published").verdict == "warn"

    def test_dates_that_fell_from_all_to_none_are_refused(self) -> None:
        history = [report_on(some(20)) for _ in range(3)]
        report = report_on(some(20, dated=False), history=history)
        assert check_of(report, "published").verdict == "reject"
        assert "20 of 20 articles have no date" in report.message

    def test_texts_that_fell_to_a_stump_are_refused(self) -> None:
        history = [report_on(some(20)) for _ in range(3)]
        report = report_on([a_finding(text=f"{n} " + "word " * 32) for n in range(12)], history=history)
        assert check_of(report, "short-bodies").verdict == "warn" or report.verdict in {"accept", "reject"}
        longer = [report_on([a_finding(text=f"{n} " + "word " * 600) for n in range(12)]) for _ in range(3)]
        fallen = report_on([a_finding(text=f"{n} " + "word " * 40) for n in range(12)], history=longer)
        assert check_of(fallen, "short-bodies").verdict == "reject"


class TestReports:
    def test_reasons_of_crawl_and_extraction_are_added_up(self) -> None:
        findings = [*some(20), *some(2, "failed", "HTTP 500"), *some(1, "not-an-article", "too short")]
        report = report_on(findings, outcomes={"failed": 1}, reasons={"failed: HTTP 500": 1, "off-pattern": 7})
        assert report.reasons == {"failed: HTTP 500": 3, "not-an-article: too short": 1, "off-pattern": 7}

    def test_the_same_run_gives_the_same_report(self) -> None:
        findings = [*some(10), *some(3, "blocked", "HTTP 403")]
        assert report_on(findings).to_json() == report_on(findings).to_json()

    def test_findings_are_read_once(self) -> None:
        findings = some(6)
        assert check_run(a_site(), a_summary(findings), iter(findings), ()).counts["articles"] == 6

    @given(
        st.lists(st.sampled_from(["article", "unchanged", "not-an-article", "gone", "blocked", "failed"]), max_size=40)
    )
    def test_every_mixture_has_a_verdict_that_its_checks_explain(self, kinds: list[str]) -> None:
        report = report_on([a_finding(kind) for kind in kinds])
        order = ["accept", "warn", "reject"]
        assert report.verdict == max((check.verdict for check in report.checks), key=order.index)
        assert report.message
        assert sum(report.counts.get(kind, 0) for kind in {*kinds, "articles"} - {"article"}) == len(kinds)


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_share_lies_in_its_interval(whole: int, part: int) -> None:
    part = min(part, whole)
    low, high = share_interval(part, whole)
    assert -1e-9 <= low <= part / whole <= high + 1e-9 <= 1 + 1e-8


class TestDriedSources:
    """Sources that answer and yield nothing; time goes by in runs of a simulated calendar."""

    feed = f"{HOST}/feed"
    site = a_site()

    def look(self, now: datetime, history: Sequence[Report], *, quiet: str | None = None, **facts: Any) -> Report:
        site = self.site
        if quiet is not None:
            site = site.model_copy(update={"sources": (Source(type="feed", url=self.feed, quiet=quiet),)})
        told = {"url": self.feed, "type": "feed", "status": 200, "items": 20, "named": 20, "articles": 20, **facts}
        return check_run(
            site,
            a_summary([], run=run_id(now, ""), finished=now, outcomes={"unchanged": 20}, sources=[SourceYield(**told)]),
            (),
            history,
        )

    def live(self, publishes: Callable[[datetime], bool], *, days: int, dated: bool) -> list[tuple[datetime, Report]]:
        """Runs every six hours; an item appears before each run at which ``publishes`` says so."""
        reports: list[tuple[datetime, Report]] = []
        items: list[datetime] = []
        start = datetime(2026, 3, 2, 0, 20, tzinfo=UTC)  # a Monday
        for number in range(days * 4):
            now = start + number * timedelta(hours=6)
            facts: dict[str, Any] = {}
            if publishes(now):
                items.append(now - timedelta(hours=1))
                facts = {"new": 1, "unknown": 1, "mark": str(number)}
            if dated and items:
                latest = items[-20:]
                pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(latest)]
                facts |= {"newest": latest[-1], "span": (latest[-1] - latest[0]).total_seconds()}
                facts["pause"] = max(pauses, default=0.0)
            reports.append((now, self.look(now, [report for _, report in reports[::-1]][:3], **facts)))
        return reports

    @pytest.mark.parametrize("dated", [True, False])
    def test_nights_week_ends_and_a_bank_holiday_are_no_drought(self, dated: bool) -> None:
        def publishes(now: datetime) -> bool:
            easter = date(2026, 4, 3) <= now.date() <= date(2026, 4, 6)
            return now.weekday() < 5 and now.hour == 12 and not easter

        for now, report in self.live(publishes, days=70, dated=dated):
            assert check_of(report, "dried").verdict == "accept", (now, check_of(report, "dried").message)

    @pytest.mark.parametrize(("end", "verdict"), [(date(2026, 12, 31), "accept"), (date(2026, 12, 1), "warn")])
    def test_nobody_writes_between_christmas_and_new_year(self, end: date, verdict: str) -> None:
        last = datetime(end.year, end.month, end.day, 9, tzinfo=UTC)
        history: list[Report] = []
        for ago in (*range(40, 8, -2), 8):
            facts = {"new": 1, "unknown": 1, "mark": str(ago), "newest": last - timedelta(days=ago)}
            history.insert(0, self.look(last - timedelta(days=ago), history[:3], **facts))
        assert check_of(self.look(last, history, newest=last - timedelta(days=8)), "dried").verdict == verdict

    @pytest.mark.parametrize("dated", [True, False])
    def test_a_daily_source_that_stands_still_is_named_within_ten_days(self, dated: bool) -> None:
        end = datetime(2026, 4, 27, tzinfo=UTC)
        reports = self.live(lambda now: now < end and now.weekday() < 5 and now.hour == 12, days=80, dated=dated)
        named = [now for now, report in reports if check_of(report, "dried").verdict == "warn"]
        assert timedelta(days=4) < named[0] - end < timedelta(days=10)
        message = check_of(reports[-1][1], "dried").message
        assert self.feed in message
        assert "has named nothing new for 26 days" in message
        assert reports[-1][1].verdict == "warn"

    def test_a_source_that_publishes_round_the_clock_is_missed_sooner(self) -> None:
        end = datetime(2026, 4, 20, tzinfo=UTC)
        reports = self.live(lambda now: now < end, days=60, dated=True)
        named = [now for now, report in reports if check_of(report, "dried").verdict == "warn"]
        assert timedelta(days=1) < named[0] - end < timedelta(days=2)

    def test_a_monthly_source_may_be_silent_for_a_month(self) -> None:
        reports = self.live(lambda now: now.day == 3 and now.hour == 12, days=150, dated=True)
        assert {check_of(report, "dried").verdict for _, report in reports} == {"accept"}

    def test_a_feed_that_is_empty_and_links_that_no_longer_match_are_named_at_once(self) -> None:
        empty = self.look(AT, (), items=0, named=0, articles=0)
        assert "answers, but names nothing" in check_of(empty, "dried").message
        changed = self.look(AT, (), type="listing", items=0, named=60, articles=0)
        assert "names 60 links, and none matches `article`" in check_of(changed, "dried").message
        assert changed.verdict == "warn"
        calendar = self.look(AT, (), type="api", items=0, named=0, articles=0, rolling=True)
        assert check_of(calendar, "dried").verdict == "accept"

    def test_a_feed_that_died_years_ago_is_named_in_its_first_run(self) -> None:
        old = datetime(2023, 5, 1, tzinfo=UTC)
        report = self.look(AT, (), newest=old, span=86400.0 * 90, pause=86400.0 * 7, unknown=20, mark="a", new=20)
        assert "its newest item is of 01 May 2023" in check_of(report, "dried").message

    def test_the_site_files_own_limit_comes_first(self) -> None:
        facts = {"newest": AT - timedelta(days=3), "span": 86400.0 * 60, "pause": 86400.0 * 5}
        assert check_of(self.look(AT, (), **facts), "dried").verdict == "accept"
        assert "2 days is its limit" in check_of(self.look(AT, (), quiet="2d", **facts), "dried").message

    def test_pages_that_can_never_be_had_are_no_sign_of_life(self) -> None:
        history: list[Report] = []
        for day in range(60):
            report = self.look(AT + timedelta(days=day), history, unknown=2, mark="the same two")
            history = [report]
        assert check_of(report, "dried").verdict == "warn"

    def test_a_source_that_failed_is_told_by_the_other_check_and_remembered(self) -> None:
        first = self.look(AT, (), newest=AT, span=1.0, pause=1.0)
        failed = self.look(AT + timedelta(days=9), [first], items=0, named=0, articles=0, error="HTTP status 503")
        assert check_of(failed, "dried").verdict == "accept"
        assert failed.sources == first.sources

    def test_a_source_that_gave_a_part_does_not_stop_the_run(self) -> None:
        report = self.look(AT, (), error="child.xml: HTTP status 404")
        assert (check_of(report, "sources").verdict, report.verdict) == ("warn", "warn")
        assert "gave only a part" in report.message


# --- rules of the site's file ----------------------------------------------------------------------------


def _ruled(rules: Sequence[dict[str, bool]], *history: Report, day: int = 22) -> tuple[Check, Report]:
    findings = [a_finding().model_copy(update={"rules": found}) for found in rules]
    report = report_on(findings, history=history, finished=AT.replace(day=day))
    return check_of(report, "rules"), report


def test_a_rule_that_finds_something_here_and_there_is_well() -> None:
    told, report = _ruled([{'strip ".promo"': number == 3} for number in range(60)])
    assert told.verdict == "accept"
    (record,) = report.rules
    assert (record.pages, record.found, record.idle) == (60, 1, 0)


def test_a_rule_that_no_longer_finds_anything_is_named_with_the_pages_since() -> None:
    found = _ruled([{'strip ".promo"': True}] * 5, day=2)[1]
    first, once = _ruled([{'strip ".promo"': False}] * 15, found, day=9)
    assert first.verdict == "accept"
    nothing = _ruled([], once, found, day=10)[1]
    second, _ = _ruled([{'strip ".promo"': False}] * 25, nothing, once, found, day=16)
    assert second.verdict == "warn"
    assert second.message.startswith('rule strip ".promo" found nothing on any of 40 pages since 02 November 2026')


def test_a_field_is_expected_on_most_pages() -> None:
    told, _ = _ruled([{'title "h1.big"': number < 3} for number in range(10)])
    assert told.verdict == "warn"
    assert 'rule title "h1.big" found nothing on 7 of 10 pages' in told.message
    assert _ruled([{'title "h1.big"': False}] * 4)[0].verdict == "accept"
    assert _ruled([{'body ".gone"': False}] * 5)[0].verdict == "warn"


def test_a_rule_that_was_taken_out_of_the_file_is_forgotten() -> None:
    _, before = _ruled([{'body ".gone"': False}] * 5)
    told, report = _ruled([{'body ".new"': True}] * 5, before)
    assert told.verdict == "accept"
    assert [record.rule for record in report.rules] == ['body ".new"']


def test_documents_are_counted_apart_and_stop_no_run() -> None:
    pages = some(10)
    documents = [
        each.model_copy(update={"facts": {"linked_from": f"{HOST}/news/1"}})
        for each in [*some(6, title="", dated=False, text="Few words."), *some(20, "failed", "a broken PDF")]
    ]
    findings = pages + documents
    report = check_run(
        a_site(min_published_share=0.9, min_title_share=0.9, min_words=50, max_error_share=0.1),
        a_summary(findings, outcomes={"failed": 9}, documents={"captured": 26, "failed": 9}),
        findings,
        [],
    )
    assert report.verdict == "warn"
    assert [check.name for check in report.checks if check.verdict != "accept"] == ["documents"]
    assert check_of(report, "documents").message.startswith("6 of 35 documents that pages link were read")
    assert report.counts["articles"] == 10
    assert (report.counts["document-article"], report.counts["document-failed"]) == (6, 20)
    assert report.reasons["document failed: a broken PDF"] == 20
    assert "26 documents: 6 article, 20 failed." in report.message


class TestMemory:
    @staticmethod
    def told(pages: int, held: int) -> Check:
        findings = some(20)
        for number, finding in enumerate(findings):
            assert finding.article is not None
            block = Stripped(text="Sign up to our newsletter\nLatest jobs", reason="recurs", rule="memory")
            changes: dict[str, Any] = {"stripped": (block,) if number < pages else ()}
            if number < held:
                changes["origins"] = {"memory": "would have taken 80% of the text"}
            findings[number] = finding.model_copy(update={"article": finding.article.model_copy(update=changes)})
        return next(check for check in report_on(findings).checks if check.name == "memory")

    def test_it_is_told_what_was_left_out_because_it_repeats(self) -> None:
        check = self.told(12, 0)
        assert check.verdict == "accept"
        assert 'left out of 12 of 20 articles: "Latest jobs" (12); "Sign up to our newsletter" (12).' in check.message

    def test_a_page_of_which_too_much_would_have_gone_is_named_with_the_reason(self) -> None:
        check = self.told(12, 1)
        assert check.verdict == "accept"
        assert "On 1 it would have been too much" in check.message
        assert "would have taken 80% of the text" in check.message

    def test_many_such_pages_warn(self) -> None:
        assert self.told(0, 8).verdict == "warn"
