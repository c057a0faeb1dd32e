from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.books import CAPTURED, Books
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
) -> Books:
    path = folder / "plan"
    write_plan(path, known=known, done=done, now=datetime(2026, 11, 22, tzinfo=UTC), orders=orders)
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
