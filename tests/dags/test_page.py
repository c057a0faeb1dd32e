"""The page of a site's DAG in Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from dags.page import describe_site
from spiders.site import load_sites


def test_the_page_says_what_an_operator_asks(write_site: Callable[..., Path]) -> None:
    path = write_site("localgov", more='how_to_tell = "Ten new articles a day."\nexclude = ["/jobs/"]')
    site = load_sites([path.parent])["localgov"]
    page = describe_site(site, bucket="news", asset="articles/localgov")
    for text in (
        "## Where its articles come from",
        "RSS or Atom feed: <http://127.0.0.1:9/feed.xml>",
        "    http://127.0.0.1:9/news/[^/?]+",
        "    /jobs/",
        "## How to tell that it works",
        "Ten new articles a day.",
        "## What to do when it fails",
        "`articles/localgov`",
        "bucket `news`",
        "docs/operators.md",
    ):
        assert text in page
    assert json.dumps(page)  # goes into the database as it is


def test_the_page_of_an_endangered_site_says_what_happens_when(write_site: Callable[..., Path]) -> None:
    path = write_site("oldtown", more='endangered = 2027-04-01\nsuccessor = "https://new.example/"')
    site = load_sites([path.parent])["oldtown"]
    page = describe_site(site, bucket="news", asset="articles/oldtown", schedule="20 * * * *")
    for text in ("2027-04-01", "<https://new.example/>", "From 2027-01-01", "from 2027-03-18", "from 2027-03-25"):
        assert text in page
    assert "Runs: `20 * * * *`" in page


def test_the_page_says_when_a_site_is_crawled_and_whom_it_waits_for(write_site: Callable[..., Path]) -> None:
    path = write_site("localgov", more='timezone = "Europe/London"')
    text = path.read_text().replace("[crawl]\n", '[crawl]\nwindows = ["22:00-06:00"]\ngroup = "newsquest"\n')
    path.write_text(text)
    page = describe_site(load_sites([path.parent])["localgov"], bucket="news", asset="articles/localgov")
    assert "only at 22:00-06:00 (Europe/London)" in page
    assert "pool `muniment_newsquest`" in page
    assert "airflow pools import" in page
