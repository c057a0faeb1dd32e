from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.books import CAPTURED, Books
from spiders.documents import Link
from spiders.protocol import Known, Orders, Plan, write_plan
from spiders.site import Site
from spiders.sources import Listed, SourceError

SITE = Site.model_validate(
    {
        "id": "a",
        "name": "A",
        "home": "https://a.uk/",
        "kind": "trade",
        "article": r"https://a\.uk/\d+",
        "sources": [{"type": "feed", "url": "https://a.uk/feed"}],
    }
)
VIA = "https://a.uk/feed"


def url(n: int) -> str:
    return f"https://a.uk/{n}"


def open_books(
    folder: Path,
    known: Iterable[Known] = (),
    done: Iterable[str] = (),
    *,
    orders: Orders | None = None,
    site: Site = SITE,
    withheld: Iterable[str] = (),
) -> Books:
    path = folder / "plan"
    now = datetime(2026, 11, 22, tzinfo=UTC)
    write_plan(path, known=known, done=done, now=now, orders=orders, withheld=withheld)
    return Books(site, Plan(path))


def test_new_pages_come_before_moved_and_moved_before_due(tmp_path: Path) -> None:
    known = [
        Known(url=url(1), due=True),
        Known(url=url(2), due=False, lastmod="2026-11-01"),
        Known(url=url(3), due=False, lastmod="2026-11-20"),
        Known(url=url(4), due=False, captured_at="2026-11-19T00:00:00Z"),
        Known(url=url(5), due=True, lastmod="2026-11-20"),
        Known(url=url(6), due=False),
    ]
    books = open_books(tmp_path, known)
    listed = [Listed(url=url(n), lastmod="2026-11-20") for n in range(1, 6)] + [
        Listed(url=url(7), lastmod="2026-11-02"),
        Listed(url=url(8)),
        Listed(url=url(9), lastmod="Fri, 20 Nov 2026 10:00:00 GMT"),
    ]
    assert books.list_pages(listed, source=0, via=VIA) == (8, 8)
    assert books.plan_work() == {"new": 3, "moved": 3, "unlisted": 0, "due": 1, "spot": 0}
    order = [work.url for work in books.work()]
    assert order[:3] == [url(9), url(7), url(8)]
    assert set(order[3:6]) == {url(1), url(2), url(4)}
    assert order[6:] == [url(5)]
    assert books.states() == {"open": 7, "unchanged": 1}  # 3 is; 6 was not listed, and is not due


def test_a_page_named_twice_is_one_page_with_its_latest_date(tmp_path: Path) -> None:
    books = open_books(tmp_path)
    books.list_pages([Listed(url=url(1) + "?utm_source=x", lastmod="2026-11-01")], source=0, via=VIA)
    books.list_pages([Listed(url=url(1), lastmod="2026-11-02", title="T")], source=1, via="https://a.uk/other")
    books.list_pages([Listed(url=url(1), lastmod="2026-10-01", title="U")], source=1, via="https://a.uk/other")
    books.plan_work()
    [work] = books.work()
    assert (work.url, work.via, work.lastmod, work.title) == (url(1), VIA, "2026-11-02", "T")
    assert (books.count_new(0), books.count_new(1)) == (1, 0)


def test_what_is_no_article_is_counted_apart(tmp_path: Path) -> None:
    books = open_books(tmp_path)
    listed = [Listed(url=u) for u in (url(1), "/about", "/about?utm_medium=x", "javascript:void(0)", "https://b.uk/1")]
    assert books.list_pages(listed, source=0, via=VIA) == (5, 1)
    assert books.reasons() == {"off-pattern": 2, "not a web address": 1}
    assert books.count() == 1
    assert books.examples()["off-pattern"] == ["https://a.uk/about", "https://b.uk/1"]


def test_a_page_is_closed_once(tmp_path: Path) -> None:
    books = open_books(tmp_path)
    books.list_pages([Listed(url=url(1))], source=0, via=VIA)
    books.close_page(url(1), CAPTURED, "200")
    with pytest.raises(RuntimeError, match="books are wrong"):
        books.close_page(url(1), "failed", "time-out")
    with pytest.raises(RuntimeError, match="books are wrong"):
        books.close_page(url(2), "failed", "time-out")


def test_a_known_page_that_the_pattern_no_longer_matches_is_not_fetched_again(tmp_path: Path) -> None:
    books = open_books(tmp_path, [Known(url="https://a.uk/x", due=True), Known(url="https://b.uk/1", due=True)])
    assert not any(books.plan_work().values())
    assert books.reasons() == {"excluded: off-pattern": 2}


def test_entries_before_a_document_breaks_are_kept(tmp_path: Path) -> None:
    def broken() -> Iterator[Listed]:
        yield Listed(url=url(1))
        raise SourceError("broken XML")

    books = open_books(tmp_path)
    with pytest.raises(SourceError):
        books.list_pages(broken(), source=0, via=VIA)
    assert books.count() == 1


def test_more_pages_than_a_run_takes_are_counted_and_known_ones_are_never_among_them(tmp_path: Path) -> None:
    rules = SITE.crawl.model_copy(update={"max_urls": 10})
    books = open_books(tmp_path, [Known(url=url(20), due=True)], site=SITE.model_copy(update={"crawl": rules}))
    listed = [Listed(url=url(n)) for n in range(25)]
    assert books.list_pages(listed, source=0, via=VIA) == (25, 25)
    assert books.count() == 11
    books.list_pages(listed, source=0, via=VIA)
    assert books.count() == 11
    books.pass_over([f"https://a.uk/trap/{n}" for n in range(30)], "trap")
    assert books.reasons() == {"trap": 10, "too many URLs": 28}


@given(
    listed=st.lists(st.integers(0, 9), max_size=20),
    known=st.dictionaries(st.integers(0, 9), st.booleans(), max_size=10),
    done=st.sets(st.integers(0, 9), max_size=5),
    ends=st.lists(st.sampled_from([CAPTURED, "failed", "excluded"]), min_size=1, max_size=12),
)
def test_the_books_always_balance(
    tmp_path_factory: pytest.TempPathFactory,
    listed: list[int],
    known: dict[int, bool],
    done: set[int],
    ends: list[str],
) -> None:
    books = open_books(
        tmp_path_factory.mktemp("b"),
        [Known(url=url(n), due=due) for n, due in known.items()],
        [url(n) for n in done],
    )
    books.list_pages([Listed(url=url(n)) for n in listed], source=0, via=VIA)
    books.plan_work()
    for work, end in zip(books.work(), ends, strict=False):
        books.close_page(work.url, end, "x")
    books.close_rest("deferred", "fetch_at_most spent")
    states = books.states()
    assert "open" not in states
    assert states.total() == books.count() == len({*listed, *done, *(n for n, due in known.items() if due)})
    books.close()


MAP = "https://a.uk/sitemap.xml"
MAPPED = SITE.model_copy(
    update={"sources": (SITE.sources[0], SITE.sources[0].model_copy(update={"type": "sitemap", "url": MAP}))}
)


def seen_before(n: int, **facts: object) -> Known:
    """A page that its sitemap listed when it was captured last."""
    given: dict[str, object] = {
        "due": False,
        "lastmod": "2026-11-01T00:00:00Z",
        "captured_at": "2026-11-02T00:00:00Z",
        "looked_at": "2026-11-02T00:00:00Z",
        "listed": MAP,
    }
    return Known(url=url(n), **(given | facts))  # type: ignore[arg-type]


def listed(numbers: Iterable[int], lastmod: str | None = "2026-11-01T00:00:00Z") -> list[Listed]:
    return [Listed(url=url(n), lastmod=lastmod) for n in numbers]


def plan(books: Books) -> dict[str, set[str]]:
    """What is fetched, by why."""
    books.plan_work()
    found: dict[str, set[str]] = {}
    for work in books.work():
        found.setdefault(work.facts["why"], set()).add(work.url)
    return found


def test_a_page_whose_date_has_not_moved_costs_nothing_until_a_spot_check(tmp_path: Path) -> None:
    known = [seen_before(n, due=n < 5, overdue=[1.5, 2.5, 1.0, 3.0, 1.2, 0.5][n]) for n in range(6)]
    (tmp_path / "a").mkdir()
    books = open_books(tmp_path / "a", known, site=MAPPED)
    books.list_pages(listed(range(6)), source=1, via=MAP)
    assert plan(books) == {"spot": {url(1), url(3)}}
    assert books.reasons() == {"unchanged: date not moved": 3, "unchanged: not due": 1}
    (tmp_path / "b").mkdir()
    books = open_books(tmp_path / "b", known, site=MAPPED, orders=Orders(trust_dates=False))
    books.list_pages(listed(range(6)), source=1, via=MAP)
    # they are due now, and what comes of them still tells how far the dates can be believed
    assert plan(books) == {"spot": {url(n) for n in range(5)}}
    (tmp_path / "c").mkdir()
    books = open_books(tmp_path / "c", known, site=MAPPED, orders=Orders(belief={MAP: 8.0}))
    books.list_pages(listed(range(6)), source=1, via=MAP)
    assert plan(books) == {}


def test_dates_that_cannot_tell_of_an_edit_spare_no_look(tmp_path: Path) -> None:
    day = "2026-11-02"
    known = [
        seen_before(1, due=True, lastmod=day),  # looked at on that day: it may have been edited later on it
        seen_before(2, due=True, lastmod=day, looked_at="2026-11-04T00:00:00Z"),
        seen_before(3, due=True, live=False),  # evidence gathers whatever its date says
    ]
    books = open_books(tmp_path, [*known, Known(url=url(4), due=True, lastmod="2026-11-01T00:00:00Z")], site=MAPPED)
    books.list_pages([*listed((1, 2), day), *listed((3,))], source=1, via=MAP)
    published = {"published": "2026-11-01T00:00:00Z"}
    books.list_pages([Listed(url=url(4), lastmod=published["published"], facts=published)], source=0, via=VIA)
    assert plan(books) == {"due": {url(1), url(3), url(4)}}


def test_a_page_that_left_its_sitemap_is_looked_at_at_once(tmp_path: Path) -> None:
    known = [seen_before(n) for n in range(20)] + [Known(url=url(30), due=False)]
    for number, (whole, orders) in enumerate([(True, None), (False, None), (True, Orders(latest_only=(MAP,)))]):
        (tmp_path / str(number)).mkdir()
        books = open_books(tmp_path / str(number), known, site=MAPPED, orders=orders)
        books.list_pages(listed(range(3, 20)), source=1, via=MAP)
        books.close_source(1, whole=whole)
        found = plan(books)
        if number == 0:
            assert found == {"unlisted": {url(0), url(1), url(2)}}
            assert all(work.facts == {"why": "unlisted", "dated": MAP} for work in books.work())
        else:
            assert found == {}


def test_a_sitemap_that_lost_most_of_its_pages_is_not_believed(tmp_path: Path) -> None:
    books = open_books(tmp_path, [seen_before(n) for n in range(40)], site=MAPPED)
    books.list_pages(listed(range(15)), source=1, via=MAP)
    books.close_source(1, whole=True)
    assert plan(books) == {}
    assert "25 of 40 pages have left" in books.remarks()[0]


def test_a_page_that_was_away_and_is_listed_again_is_looked_at_at_once(tmp_path: Path) -> None:
    known = [seen_before(1, live=False, listed=None), seen_before(2, live=False)]
    books = open_books(tmp_path, known, site=MAPPED)
    books.list_pages(listed((1, 2)), source=1, via=MAP)
    assert plan(books) == {"moved": {url(1)}}


def test_dates_stamped_on_everything_at_once_are_looked_at_in_a_sample(tmp_path: Path) -> None:
    known = [seen_before(n) for n in range(100)]
    for orders, most in ((None, 20), (Orders(proven=(MAP,)), 100), (Orders(stamped=(MAP,)), 0)):
        folder = tmp_path / str(most)
        folder.mkdir()
        books = open_books(folder, known, site=MAPPED, orders=orders)
        books.list_pages(listed(range(100), "2026-11-22T00:00:00Z"), source=1, via=MAP)
        assert len(plan(books).get("moved", ())) == most


def test_looks_are_bounded_and_the_most_overdue_go_first(tmp_path: Path) -> None:
    rules = SITE.crawl.model_copy(update={"recheck_at_most": 30})
    known = [Known(url=url(n), due=True, overdue=1 + n / 10) for n in range(100)]
    known += [seen_before(n, overdue=0.5) for n in range(200, 260)]
    books = open_books(tmp_path, known, site=MAPPED.model_copy(update={"crawl": rules}))
    books.list_pages(listed(range(200, 230), "2026-11-10T00:00:00Z"), source=1, via=MAP)
    books.list_pages(listed(range(230, 260)), source=1, via=MAP)
    books.list_pages(listed(range(300, 310)), source=1, via=MAP)
    assert books.plan_work() == {"new": 10, "moved": 20, "unlisted": 0, "due": 10, "spot": 0}
    order = [work.url for work in books.work()]
    assert order[:10] == [url(n) for n in range(300, 310)]
    assert order[30:] == [url(n) for n in range(99, 89, -1)]
    assert books.reasons()["deferred: recheck_at_most spent"] == 100
    assert books.states().total() == books.count()


def test_a_crowd_of_new_pages_leaves_room_for_looks(tmp_path: Path) -> None:
    rules = SITE.crawl.model_copy(update={"fetch_at_most": 40})
    known = [Known(url=url(n), due=True) for n in range(50)]
    books = open_books(tmp_path, known, site=SITE.model_copy(update={"crawl": rules}))
    books.list_pages((Listed(url=url(n)) for n in range(100, 200)), source=0, via=VIA)
    books.plan_work()
    first = [work.facts["why"] for work in books.work()][:80]
    assert first == ["new"] * 30 + ["due"] * 50


def test_a_full_run_takes_everything_but_what_it_has_taken(tmp_path: Path) -> None:
    known = [seen_before(n, fetched_at=f"2026-11-2{n}T00:00:00.000000Z") for n in range(3)]
    orders = Orders(mode="full", fetched_before=datetime(2026, 11, 22, tzinfo=UTC))
    books = open_books(tmp_path, known, site=MAPPED, orders=orders)
    books.list_pages(listed((2, 3)), source=1, via=MAP)
    assert plan(books) == {"new": {url(3)}, "due": {url(0), url(1)}}


def test_pages_without_an_answer_are_named(tmp_path: Path) -> None:
    books = open_books(tmp_path)
    books.list_pages([Listed(url=url(n)) for n in range(3)], source=0, via=VIA)
    books.plan_work()
    for n, (state, reason) in enumerate((("failed", "time-out"), ("excluded", "off-site redirect"), (CAPTURED, "200"))):
        books.close_page(url(n), state, reason)
    assert books.unanswered() == [url(0), url(1)]


@pytest.mark.parametrize("mode", ["regular", "full", "backfill"])
def test_what_was_taken_down_is_excluded_new_or_due_or_listed_no_longer(tmp_path: Path, mode: str) -> None:
    known = [Known(url=url(n), due=True, overdue=9.0, etag="x") for n in (1, 2, 3)]
    orders = Orders.model_validate({"mode": mode})
    books = open_books(tmp_path, known, orders=orders, withheld=[url(1), url(2), url(7), url(99)])
    books.list_pages([Listed(url=url(n), lastmod="2026-11-21") for n in (2, 3, 7, 8)], source=0, via=VIA)
    books.plan_work()
    assert not {work.url for work in books.work()} & {url(1), url(2), url(7)}
    for work in list(books.work()):
        books.close_page(work.url, "captured", "200")
    named = 2 if mode == "backfill" else 3  # it looks at nothing that no source names
    assert books.reasons()["excluded: taken down"] == named
    assert sum(books.states().values()) == books.count()
    assert "open" not in books.states()
    assert url(99) not in books.examples()["excluded: taken down"]


def test_a_document_that_was_taken_down_is_not_fetched_though_a_page_links_it(tmp_path: Path) -> None:
    gone, there = "https://a.uk/plan.pdf", "https://a.uk/map.pdf"
    site = SITE.model_copy(update={"crawl": SITE.crawl.model_copy(update={"documents": True})})
    books = open_books(tmp_path, site=site, withheld=[gone])
    books.list_pages([Listed(url=url(1))], source=0, via=VIA)
    books.plan_work()
    books.list_documents([Link(url=gone, title="Plan"), Link(url=there, title="Map")], url(1))
    assert gone not in {work.url for work in books.plan_documents()}
    assert books.reasons()["excluded: taken down"] == 1
