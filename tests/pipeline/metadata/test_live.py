"""Updates that a live page declares."""

import json

from tests.pipeline.metadata.some_metadata import read


def a_live_page(updates: object) -> str:
    node = {"@type": "LiveBlogPosting", "headline": "Flood watch", "liveBlogUpdate": updates}
    return (
        f'<html><head><script type="application/ld+json">{json.dumps(node)}</script></head>'
        "<body><h1>Flood watch</h1><p>x</p></body></html>"
    )


def test_updates_are_read_with_their_times_in_utc() -> None:
    found = read(
        a_live_page(
            [
                {
                    "@type": "BlogPosting",
                    "headline": "Bridge closed",
                    "articleBody": "The bridge is closed to all traffic.",
                    "datePublished": "2026-11-21T15:32:00+01:00",
                    "url": "https://ledger.example/live#post-2",
                },
                {"@type": "BlogPosting", "articleBody": "Good morning.", "datePublished": "2026-11-21T08:00:00Z"},
            ]
        )
    )
    assert "LiveBlogPosting" in found.declared
    first, second = found.updates
    assert (first.headline, first.anchor) == ("Bridge closed", "post-2")
    assert first.time is not None
    assert first.time.value.isoformat() == "2026-11-21T14:32:00+00:00"
    assert second.start == "Good morning."


def test_what_is_no_update_is_left_out() -> None:
    assert read(a_live_page(["x", None, {}, 7, {"datePublished": "2026-11-21"}])).updates == ()
    assert read(a_live_page("nothing")).updates == ()
