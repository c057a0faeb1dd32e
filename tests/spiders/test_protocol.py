from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from spiders.protocol import CrawlSummary, Known, Plan, segment_name, write_plan

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a plan?#.sqlite"
    full = Known(
        url="https://a.uk/1",
        due=True,
        etag='W/"x"',
        last_modified="Sun, 22 Nov 2026 00:00:00 GMT",
        payload_digest="sha256:ab",
        captured_at="2026-11-01T00:00:00Z",
        record_id="<urn:uuid:0>",
        lastmod="2026-11-02",
        overdue=2.5,
        looked_at="2026-11-02T00:00:00Z",
        fetched_at="2026-11-03T00:00:00Z",
        live=False,
        listed="https://a.uk/sitemap.xml",
    )
    bare = Known(url="https://a.uk/2", due=False)
    write_plan(path, known=iter([full, bare]), done=iter(["https://a.uk/3", "https://a.uk/3"]), now=NOW)
    with Plan(path) as plan:
        assert plan.made == NOW
        assert (plan.known(full.url), plan.known(bare.url), plan.known("https://a.uk/3")) == (full, bare, None)
        assert (plan.count_known(), plan.count_done()) == (2, 1)


def test_a_plan_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    write_plan(path, known=[Known(url="https://a.uk/1", due=True)], done=[], now=NOW)
    write_plan(path, known=[], done=[], now=NOW)
    with Plan(path) as plan:
        assert plan.count_known() == 0


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ValueError, match="not a plan"):
        Plan(path)


def test_a_summary_balances_only_when_every_url_and_exchange_is_accounted_for() -> None:
    summary = CrawlSummary(
        site="a", run="r", started=NOW, finished=NOW, finish_reason="finished", user_agent="x",
        discovered=5, captured=3, outcomes={"failed": 2}, yielded=7, written=7,
    )  # fmt: skip
    assert summary.balances()
    assert not summary.model_copy(update={"written": 6}).balances()
    assert not summary.model_copy(update={"captured": 2}).balances()
    assert CrawlSummary.model_validate_json(summary.model_dump_json()) == summary


def test_segments_are_numbered_with_five_digits() -> None:
    assert segment_name("20261122T093000Z-0a1b2c3d", 7) == "20261122T093000Z-0a1b2c3d-00007.warc.gz"
